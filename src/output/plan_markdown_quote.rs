//! One quote of a plan in Markdown: folded, short, or as a row of a table.
//!
//! Invariants: the size of a section is bounded whatever the quote holds; changes of different
//! origins stand in tables of their own.

use std::fmt::Write as _;

use super::escape_html::escape_html;
use super::escape_markdown::escape_markdown;
use super::markdown::{cell, code};
use super::plan_markdown::symbol;
use super::plan_parts::{self, Row, rows};
use super::theme::mark_of;
use super::wording;
use crate::money::Currency;
use crate::plan::model::{Action, Change, ChangeOrigin, QuotePlan};

/// Rows of one table.
const MOST_ROWS: usize = 40;
/// Notes and links.
const MOST_NOTES: usize = 10;

/// All of a quote, folded.
pub(super) fn whole(quote: &QuotePlan, offline: bool) -> String {
    let mut out = head(quote);
    let currency = wording::currency_of(quote);
    let rows = rows(quote);
    let unread = offline && quote.action != Action::Create;
    let planned = quote.action != Action::Blocked;
    for (origin, planned, title) in [
        (ChangeOrigin::Manifest, true, "You asked:"),
        (ChangeOrigin::Manifest, false, if planned { "You asked, not yet:" } else { "You asked:" }),
        (ChangeOrigin::Drift, true, "Changed upstream by somebody else; apply sets it back:"),
        (ChangeOrigin::Drift, false, "Changed upstream by somebody else; only shown:"),
        (ChangeOrigin::Server, true, "Computed upstream:"),
        (ChangeOrigin::Server, false, "Computed upstream:"),
    ] {
        let own: Vec<&Row<'_>> =
            rows.iter().filter(|r| r.origin() == origin && r.planned() == planned).collect();
        write_table(&mut out, quote, &own, title, currency, unread);
    }
    for notice in quote.notices.iter().take(MOST_NOTES) {
        let _ = writeln!(out, "- note: {}", cell(notice));
    }
    if let Some(more) = quote.notices.len().checked_sub(MOST_NOTES).filter(|n| *n > 0) {
        let _ = writeln!(out, "- and {}", wording::count(more, "more note"));
    }
    let writes = quote.steps.iter().filter(|s| !s.is_read_back()).count();
    if writes > 0 {
        let consents = wording::effect_list(&quote.consents(), ", ");
        let with = if consents.is_empty() {
            String::new()
        } else {
            format!(", with consent to {consents}")
        };
        let _ = writeln!(out, "\n{}{with}", wording::count(writes, "step"));
    }
    out.push_str("\n</details>\n");
    out
}

/// A quote whose section is too large: its head, and how much there is.
pub(super) fn short(quote: &QuotePlan) -> String {
    let mut out = head(quote);
    let _ = writeln!(
        out,
        "{} (too large for a comment)",
        wording::count(quote.changes.len(), "change")
    );
    out.push_str("\n</details>\n");
    out
}

/// A row: action, name, total.
pub(super) fn line(quote: &QuotePlan) -> String {
    let total = wording::total(quote.total_before, quote.total_after).unwrap_or_default();
    format!(
        "| {} | {} | {} |\n",
        symbol(quote.action),
        code(quote.quote.as_str()),
        escape_markdown(&total)
    )
}

/// Up to the first table.
fn head(quote: &QuotePlan) -> String {
    // In here it is HTML: a name in code, and words and numbers of ours.
    let mut out = format!(
        "<details><summary>{} <code>{}</code> {}",
        escape_html(mark_of(quote.action).0),
        escape_html(quote.quote.as_str()),
        quote.action.word()
    );
    if let Some(total) = wording::total(quote.total_before, quote.total_after) {
        let _ = write!(out, ": {}", escape_html(&total));
    }
    out.push_str("</summary>\n\n");
    let mut facts = Vec::new();
    facts.extend(quote.title.as_deref().map(|t| format!("**{}**", cell(t))));
    facts.push(format!("connection {}", code(quote.connection.as_str())));
    let state = |s: &crate::provider::state::State| cell(&s.word());
    facts.extend(match (&quote.state_before, &quote.state_after) {
        (Some(before), None) => Some(format!("{} now", state(before))),
        (Some(before), Some(after)) if before != after => {
            Some(format!("{} → {}", state(before), state(after)))
        }
        (_, Some(after)) => Some(state(after)),
        (None, None) => None,
    });
    facts.extend(quote.id.as_ref().map(|id| format!("id {}", code(id.as_str()))));
    facts.extend(quote.discount.map(|d| {
        format!("discounts {}%", escape_markdown(&d.round_half_up(1).canonical().to_string()))
    }));
    out.push_str(&facts.join(" · "));
    out.push_str("\n\n");
    for said in [&quote.reason, &quote.waits_for].into_iter().flatten() {
        let _ = writeln!(out, "> {}\n", escape_markdown(&wording::brief(said, 400)));
    }
    if let Some(help) = &quote.help {
        let _ = writeln!(out, "> hint: {}\n", escape_markdown(&wording::brief(help, 400)));
    }
    out
}

fn write_table(
    out: &mut String,
    quote: &QuotePlan,
    rows: &[&Row<'_>],
    title: &str,
    currency: Option<Currency>,
    unread: bool,
) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "{title}\n");
    let new = quote.action == Action::Create;
    out.push_str(if new {
        "| field | value |\n|---|---|\n"
    } else {
        "| field | before | after |\n|---|---|---|\n"
    });
    for row in rows.iter().take(MOST_ROWS) {
        let label = code(row.label());
        let (before, after) = match row {
            Row::Field(change) => sides(change, currency, unread),
            Row::Element { fields, added, .. } => {
                let (head, more) = line_of(fields, *added, currency);
                let said = [head, more].into_iter().filter(|t| !t.is_empty());
                let said = said.collect::<Vec<_>>().join("<br>");
                if *added { (String::new(), said) } else { (said, "removed".to_owned()) }
            }
        };
        let _ = if new {
            writeln!(out, "| {label} | {after} |")
        } else {
            writeln!(out, "| {label} | {before} | {after} |")
        };
    }
    if let Some(more) = rows.len().checked_sub(MOST_ROWS).filter(|n| *n > 0) {
        let _ = writeln!(out, "\nand {}", wording::count(more, "more field"));
    }
    out.push('\n');
}

fn line_of(fields: &[&Change], added: bool, currency: Option<Currency>) -> (String, String) {
    let (head, more) = plan_parts::line(fields, added, currency);
    let text = |spans: Vec<super::layout::Span>| {
        cell(&spans.into_iter().map(|s| s.text).collect::<String>())
    };
    (text(head), text(more))
}

/// Both sides of a change as cells.
fn sides(change: &Change, currency: Option<Currency>, unread: bool) -> (String, String) {
    let said = |value: Option<&crate::facts::Value>, none: &str| match value {
        Some(value) => cell(&wording::shown(&change.path, value, currency)),
        None => none.to_owned(),
    };
    if unread {
        let gone = "no longer in the manifest";
        return (cell(wording::RECORDED), said(change.after.as_ref(), gone));
    }
    (said(change.before.as_ref(), ""), said(change.after.as_ref(), "(none)"))
}
