//! One quote of a plan, for people.
//!
//! Reads from top to bottom: which quote, what becomes of its state and its total, which fields
//! change and who wants that, what the customer will notice, how many steps it takes.

use super::layout::{Page, Span, clip, pad, plain, span, width, width_of};
use super::plan_parts::{Row, line, rows};
use super::text_diff;
use super::theme::{Tone, mark_of};
use super::wording;
use crate::facts::Value;
use crate::money::Currency;
use crate::plan::model::{Action, Change, ChangeOrigin, QuotePlan};
use crate::provider::step::Step;

/// Where the fields of a quote begin.
const INDENT: usize = 4;
/// Values longer than this are cut (they are text on one line, or structures).
const MOST_OF_A_VALUE: usize = 400;
/// Characters of a title in a head.
const MOST_OF_A_TITLE: usize = 160;

/// The section of one quote.
///
/// `offline`: of what is there only fingerprints are known.
pub(super) fn write(page: &mut Page, quote: &QuotePlan, offline: bool) {
    let (symbol, tone) = mark_of(quote.action);
    let mut head = vec![
        span(symbol, tone),
        plain(" "),
        span(wording::one_line(quote.quote.as_str(), 80), Tone::Strong),
    ];
    if let Some(title) = &quote.title {
        head.push(plain(format!("  {}", wording::one_line(title, MOST_OF_A_TITLE))));
    }
    page.flow(0, INDENT, &head);
    let unread = offline && quote.action != Action::Create;
    page.flow(2, INDENT, &[span(facts_line(quote).join(" · "), Tone::Muted)]);

    let currency = wording::currency_of(quote);
    let rows = rows(quote);
    let widest = (page.look().width * 2 / 5).clamp(8, 36);
    let column =
        rows.iter().map(|r| width(r.label())).filter(|w| *w <= widest).max().unwrap_or_default();
    for row in &rows {
        write_row(page, quote, row, column, currency, unread);
    }
    for notice in &quote.notices {
        let notice = wording::brief(notice, MOST_OF_A_VALUE);
        page.flow(INDENT, INDENT + 6, &[span("note: ", Tone::Drift), plain(notice)]);
    }
    write_steps(page, &quote.steps);
    if page.look().verbose {
        for (what, url) in &quote.links {
            let what = wording::one_line(what, 40);
            let url = wording::one_line(url, MOST_OF_A_VALUE);
            page.flow(INDENT, INDENT + 2, &[span(format!("{what}  {url}"), Tone::Muted)]);
        }
    }
}

/// A quote on one line, for long runs of look-alikes: `names` is the column of names.
pub(super) fn write_folded(page: &mut Page, quote: &QuotePlan, names: usize) {
    let (symbol, tone) = mark_of(quote.action);
    let total = wording::total(quote.total_before, quote.total_after).unwrap_or_default();
    let state = quote.state_after.as_ref().map(|s| wording::one_line(&s.word(), 40));
    let tail = format!("  {}  {total}", state.unwrap_or_default());
    let name = pad(&wording::one_line(quote.quote.as_str(), 80), names);
    let room = page.look().width.saturating_sub(2 + width(&name) + 2 + width(&tail));
    let title = quote.title.as_deref().unwrap_or_default();
    let title = clip(&wording::one_line(title, MOST_OF_A_TITLE), room);
    page.flow(
        0,
        INDENT,
        &[
            span(symbol, tone),
            plain(" "),
            span(name, Tone::Strong),
            plain(format!("  {}", pad(&title, room))),
            plain(tail),
        ],
    );
}

/// `crm · draft → published · 3,500.00 → 3,450.00 USD (−50.00)`.
pub(super) fn facts_line(quote: &QuotePlan) -> Vec<String> {
    let mut parts = vec![match quote.action {
        Action::Create | Action::Update | Action::None => quote.connection.to_string(),
        action => format!("{}: {}", quote.connection, action.word()),
    }];
    let word = |s: &crate::provider::state::State| wording::one_line(&s.word(), 60);
    match (&quote.state_before, &quote.state_after) {
        (Some(before), _) if quote.action == Action::Delete => {
            parts.push(format!("{} → deleted", word(before)));
        }
        (Some(before), Some(after)) if before != after => {
            parts.push(format!("{} → {}", word(before), word(after)));
        }
        (None, Some(state)) | (Some(state), _) => parts.push(word(state)),
        (None, None) => {}
    }
    parts.extend(wording::total(quote.total_before, quote.total_after));
    if let Some(id) = &quote.id {
        parts.push(format!("id {}", wording::one_line(id.as_str(), 128)));
    }
    parts
}

/// What is said of a change that the reader did not ask for.
pub(super) fn origin_mark(origin: ChangeOrigin, planned: bool) -> Option<Span> {
    Some(match (origin, planned) {
        (ChangeOrigin::Manifest, true) => return None,
        (ChangeOrigin::Manifest, false) => span("not yet", Tone::Drift),
        (ChangeOrigin::Drift, true) => span("changed upstream; apply sets it back", Tone::Drift),
        (ChangeOrigin::Drift, false) => span("changed upstream; only shown", Tone::Drift),
        (ChangeOrigin::Server, _) => span("computed upstream", Tone::Muted),
    })
}

fn write_row(
    page: &mut Page,
    quote: &QuotePlan,
    row: &Row<'_>,
    column: usize,
    currency: Option<Currency>,
    unread: bool,
) {
    let (symbol, tone) = match row {
        _ if unread => ("~", Tone::Update),
        Row::Element { added: true, .. } => ("+", Tone::Create),
        Row::Element { added: false, .. } => ("-", Tone::Delete),
        Row::Field(change) => match (&change.before, &change.after) {
            (None, _) => ("+", Tone::Create),
            (_, None) => ("-", Tone::Delete),
            _ => ("~", Tone::Update),
        },
    };
    // On a blocked quote nothing is planned, which the quote itself says.
    let mark = if quote.action == Action::Blocked && row.origin() != ChangeOrigin::Drift {
        None
    } else {
        origin_mark(row.origin(), row.planned())
    };
    let label = wording::one_line(row.label(), 120);
    let mut spans = vec![span(symbol, tone), plain(format!(" {}", pad(&label, column)))];
    let start = INDENT + 2 + column + 2;
    if let Row::Field(change) = row
        && !unread
        && let Some((before, after)) = long_texts(change, page.look().width.saturating_sub(start))
    {
        spans.extend(mark.map(|m| span(format!("  {}", m.text), m.tone)));
        page.flow(INDENT, INDENT + 2, &spans);
        text_diff::write(page, INDENT + 4, before, after);
        return;
    }
    spans.push(plain("  "));
    let (value, more) = match row {
        Row::Field(change) if unread => (unread_value(change, currency), Vec::new()),
        Row::Field(change) => (field_value(change, currency), Vec::new()),
        Row::Element { fields, added, .. } => line(fields, *added, currency),
    };
    spans.extend(value);
    if let Some(mark) = mark {
        // The mark goes to the end of the line, or whole to the next one.
        let fits = INDENT + width_of(&spans) + 2 + width(&mark.text) <= page.look().width;
        spans.push(plain(if fits { "  " } else { "\n" }));
        spans.push(mark);
    }
    page.flow(INDENT, start, &spans);
    if !more.is_empty() {
        let more: Vec<Span> = more.into_iter().map(|s| span(s.text, Tone::Muted)).collect();
        let room = page.look().width >= start + 30;
        let at = if room { start } else { INDENT + 4 };
        page.flow(at, at, &more);
    }
}

/// The two sides of a change of text that is better shown line by line: it has several lines, or
/// both sides do not fit beside each other into `room`.
fn long_texts(change: &Change, room: usize) -> Option<(&str, &str)> {
    let before = text_of(change.before.as_ref())?;
    let after = text_of(change.after.as_ref())?;
    let lines = before.contains('\n') || after.contains('\n');
    let both = !before.is_empty() && !after.is_empty();
    // Cheap: lengths in bytes are never less than in columns.
    let long = both && before.len() + after.len() > 2 * room.max(20);
    (lines || long).then_some((before, after))
}

fn text_of(value: Option<&Value>) -> Option<&str> {
    match value {
        None => Some(""),
        Some(Value::Text(text)) => Some(text),
        Some(_) => None,
    }
}

fn field_value(change: &Change, currency: Option<Currency>) -> Vec<Span> {
    let said = |value: &Value| {
        wording::one_line(&wording::shown(&change.path, value, currency), MOST_OF_A_VALUE)
    };
    match (&change.before, &change.after) {
        (None, Some(after)) => vec![span(said(after), Tone::Create)],
        (Some(before), None) => vec![span(said(before), Tone::Delete), plain(" → (none)")],
        (Some(before), Some(after)) => {
            vec![span(said(before), Tone::Delete), plain(" → "), span(said(after), Tone::Create)]
        }
        (None, None) => vec![plain("(none)")],
    }
}

/// A change of which only one side is known.
fn unread_value(change: &Change, currency: Option<Currency>) -> Vec<Span> {
    let after = change.after.as_ref().map_or_else(
        || "no longer in the manifest".to_owned(),
        |value| wording::one_line(&wording::shown(&change.path, value, currency), MOST_OF_A_VALUE),
    );
    vec![span(wording::RECORDED, Tone::Muted), plain(" → "), span(after, Tone::Create)]
}

fn write_steps(page: &mut Page, steps: &[Step]) {
    let writes = steps.iter().filter(|s| !s.is_read_back()).count();
    if writes == 0 {
        return;
    }
    let awaits = steps.iter().flat_map(|s| s.awaits.iter().copied()).collect();
    let mut text = wording::count(writes, "step");
    let consent = wording::effect_list(&awaits, ", ");
    if !consent.is_empty() {
        text = format!("{text}, with consent to {consent}");
    }
    page.flow(INDENT, INDENT + 2, &[span(text, Tone::Muted)]);
    if page.look().verbose {
        for (n, step) in steps.iter().enumerate() {
            let does = wording::one_line(&step.does, MOST_OF_A_VALUE);
            let mut spans = vec![span(format!("{:>3}. {does}", n + 1), Tone::Muted)];
            if !step.effects.is_empty() {
                let effects = wording::effect_list(&step.effects, ", ");
                spans.push(span(format!("  [{effects}]"), Tone::Update));
            }
            page.flow(INDENT, INDENT + 5, &spans);
        }
    }
}
