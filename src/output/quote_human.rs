//! One quote for people: head, customer, lines, and how the total comes about, step by step.
//!
//! Invariants: every rounding is named; foreign text passes `wording`; works at 40 columns.

use std::fmt::Write as _;

use super::layout::{Page, pad, plain, span, width};
use super::quote_sheet::{QuoteSheet, StepRow, discount_text, recurring_text};
use super::theme::{Look, Tone};
use super::wording;
use crate::desired::{Measure, Person, WantedState};

/// Characters of a text.
const MOST_OF_A_TEXT: usize = 4_000;

/// The page.
pub fn quote_human(sheet: &QuoteSheet<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    write_head(&mut page, sheet);
    write_items(&mut page, sheet);
    write_sums(&mut page, sheet);
    write_notes(&mut page, sheet);
    page.finish()
}

fn write_head(page: &mut Page, sheet: &QuoteSheet<'_>) {
    let quote = sheet.quote;
    let mut head = vec![span(quote.name.as_str(), Tone::Strong)];
    if let Some(title) = quote.title.set() {
        head.push(plain(format!("  {}", wording::one_line(title, 400))));
    }
    page.flow(0, 2, &head);
    let mut facts = vec![format!("{} ({})", quote.connection, sheet.provider)];
    let wanted = quote.state.unwrap_or(WantedState::Draft).word();
    match sheet.entry {
        None => facts.push(format!("{wanted} wanted, not made yet")),
        Some(entry) => {
            let recorded = entry.state.as_deref().unwrap_or("nothing");
            facts.push(format!("{wanted} wanted, {} recorded", wording::one_line(recorded, 60)));
            facts.push(format!("id {}", wording::one_line(entry.id.as_str(), 128)));
        }
    }
    if let Some(day) = quote.expires.set() {
        facts.push(format!("expires {day}"));
    }
    page.flow(2, 4, &[span(facts.join(" · "), Tone::Muted)]);
    let people = quote.customer.iter().map(|p| ("customer", p));
    for (label, person) in
        people.chain(quote.contacts.set().into_iter().flatten().map(|p| ("contact", p)))
    {
        let who = wording::one_line(&person_text(person), 400);
        page.flow(2, 12, &[span(pad(label, 10), Tone::Muted), plain(who)]);
    }
    for (what, address) in sheet.entry.into_iter().flat_map(|e| &e.links) {
        let (what, address) = (wording::one_line(what, 40), wording::one_line(address, 2_000));
        page.flow(2, 12, &[span(pad(&what, 10), Tone::Muted), plain(address)]);
    }
}

/// `Jo Ek <jo@acme.example>, Acme`.
pub(super) fn person_text(person: &Person) -> String {
    let name = person.display_name();
    let mut text = match (name.clone(), person.email.set()) {
        (Some(name), Some(email)) => format!("{name} <{email}>"),
        (Some(name), None) => name,
        (None, Some(email)) => email.clone(),
        (None, None) => person.id.set().map(|id| format!("id {id}")).unwrap_or_default(),
    };
    let company = person.company.set().filter(|c| Some(*c) != name.as_ref());
    for more in [company, person.phone.set()].into_iter().flatten() {
        text.push_str(", ");
        text.push_str(more);
    }
    text
}

fn write_items(page: &mut Page, sheet: &QuoteSheet<'_>) {
    let items = sheet.items();
    if items.is_empty() {
        return;
    }
    page.blank();
    for row in &items {
        let mut head = vec![span(wording::one_line(row.name, 400), Tone::Strong)];
        if row.item.key != row.name {
            head.push(span(format!("  {}", wording::one_line(&row.item.key, 80)), Tone::Muted));
        }
        page.flow(2, 4, &head);
        let quantity = row.item.quantity.canonical();
        let mut sum = match row.item.price.set() {
            Some(price) => format!("{quantity} × {}", sheet.said(*price)),
            None => format!("{quantity} × the upstream's price"),
        };
        let (gross, net) = (row.sum.and_then(|s| s.gross), row.sum.and_then(|s| s.net));
        let off = row.sum.and_then(|s| s.off).filter(|off| !off.amount.is_zero());
        if let Some(gross) = gross {
            let _ = write!(sum, " = {}", sheet.said(gross.amount));
        }
        let discount = discount_text(sheet, row.item);
        if let Some(off) = off {
            let size = format!("−{}", sheet.said(off.amount));
            let said = discount.filter(|said| *said != size);
            let said = said.map_or_else(String::new, |said| format!("{said} = "));
            let _ = write!(sum, ", {said}{size}");
        } else if let Some(said) = discount.filter(|_| gross.is_none()) {
            let _ = write!(sum, ", {said}");
        }
        let mut spans = vec![plain(sum)];
        if let (Some(_), Some(net)) = (off, net) {
            spans.push(span(format!("  → {}", sheet.said(net.amount)), Tone::Strong));
        }
        page.flow(4, 6, &spans);
        let notes = [row.item.sku.set().map(|s| format!("sku {s}")), recurring_text(row.item)];
        let notes: Vec<String> = notes.into_iter().flatten().collect();
        if !notes.is_empty() {
            page.flow(4, 6, &[span(wording::one_line(&notes.join(", "), 400), Tone::Muted)]);
        }
        if let Some(text) = row.item.description.set() {
            page.flow(4, 4, &[span(wording::brief(text, MOST_OF_A_TEXT), Tone::Muted)]);
        }
    }
}

fn write_sums(page: &mut Page, sheet: &QuoteSheet<'_>) {
    page.blank();
    let steps = sheet.steps();
    let mut rows: Vec<(String, String)> = Vec::new();
    if let Some(net) = sheet.net() {
        rows.push(("lines".to_owned(), sheet.said(net)));
    }
    rows.extend(steps.iter().map(|row| (step_text(sheet, row), step_amount(sheet, row))));
    let labels = rows.iter().map(|(label, _)| width(label)).max().unwrap_or_default();
    let room = page.look().width;
    let amounts = rows.iter().map(|(_, amount)| width(amount)).max().unwrap_or_default();
    for (label, amount) in rows {
        if labels + amounts + 4 <= room {
            page.flow(2, 4, &[plain(format!("{}  {amount:>amounts$}", pad(&label, labels)))]);
        } else {
            page.flow(2, 4, &[plain(format!("{label}: {amount}"))]);
        }
    }
    match sheet.total() {
        Some(total) => page.flow(2, 4, &[span(format!("total  {total}"), Tone::Strong)]),
        None => page.flow(2, 4, &[span("total  ", Tone::Strong), plain(sheet.unknown_total())]),
    }
    if let (Some(now), Some(was)) = (sheet.total(), sheet.entry.and_then(|e| e.total))
        && now != was
    {
        page.flow(2, 4, &[span(format!("last recorded: {was}"), Tone::Drift)]);
    }
    if let Some(sums) = &sheet.sums {
        page.blank();
        page.flow(2, 4, &[span(format!("How: {}.", sums.rule), Tone::Muted)]);
    }
    for (part, what, figure) in sheet.roundings() {
        let text = format!(
            "rounded: {} of {}, {} → {}",
            what,
            wording::one_line(part, 120),
            figure.exact.canonical(),
            sheet.said(figure.amount)
        );
        page.flow(2, 4, &[span(text, Tone::Muted)]);
    }
}

/// `− Loyalty, 5% of 10,800.00`.
fn step_text(sheet: &QuoteSheet<'_>, row: &StepRow<'_>) -> String {
    let sign = if row.down { '−' } else { '+' };
    let label = wording::one_line(row.label, 120);
    match (row.measure, row.sum) {
        (Measure::Percent(p), Some(sum)) => {
            format!("{sign} {label}, {}% of {}", p.canonical(), sheet.said(sum.base))
        }
        (Measure::Percent(p), None) => format!("{sign} {label}, {}%", p.canonical()),
        (Measure::Amount(_), _) => format!("{sign} {label}"),
    }
}

fn step_amount(sheet: &QuoteSheet<'_>, row: &StepRow<'_>) -> String {
    match (row.sum, row.measure) {
        (Some(sum), _) => sheet.said(sum.size.amount),
        (None, Measure::Amount(amount)) => sheet.said(amount),
        (None, Measure::Percent(_)) => "in the lines".to_owned(),
    }
}

fn write_notes(page: &mut Page, sheet: &QuoteSheet<'_>) {
    let notes = &sheet.quote.notes;
    for (label, wish) in [
        ("Public note", &notes.public),
        ("Terms", &notes.terms),
        ("Customer's note", &notes.customer),
        ("Internal note (never shown to the customer)", &notes.internal),
    ] {
        if let Some(text) = wish.set() {
            page.blank();
            page.flow(2, 2, &[span(label, Tone::Muted)]);
            page.flow(2, 2, &[plain(wording::brief(text.trim_end(), MOST_OF_A_TEXT))]);
        }
    }
}
