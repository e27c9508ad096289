//! One quote of a plan on a page: its head, why it needs care, its changes with before and after
//! side by side, its steps.
//!
//! Invariant: changes of different origins stand under headings of their own.

use std::collections::BTreeSet;

use similar::{ChangeTag, TextDiff};

use super::html::{Html, parts};
use super::plan_html::class_of;
use super::plan_parts::{Row, line, rows};
use super::theme::mark_of;
use super::wording;
use crate::facts::Value;
use crate::money::Currency;
use crate::plan::model::{Action, Change, ChangeOrigin, QuotePlan};

/// Characters of one value.
const MOST_OF_A_VALUE: usize = 8_000;
/// Texts up to this many bytes are compared word by word.
const MOST_COMPARED: usize = 16 * 1024;

/// Where a quote stands on the page.
pub(super) fn anchor(quote: &QuotePlan) -> String {
    format!("q-{}", quote.quote)
}

/// The section of one quote.
pub(super) fn write(
    body: &mut Html,
    quote: &QuotePlan,
    kinds: &BTreeSet<&'static str>,
    open: bool,
    offline: bool,
) {
    let id = anchor(quote);
    let kinds = kinds.iter().copied().collect::<Vec<_>>().join(" ");
    let mut attributes = vec![("class", "quote"), ("id", id.as_str()), ("data-kind", &kinds)];
    if open {
        attributes.push(("open", ""));
    }
    body.element("details", &attributes, |details| {
        details.element("summary", &[], |summary| write_summary(summary, quote));
        details.element("div", &[("class", "inside")], |inside| {
            write_facts(inside, quote);
            write_reason(inside, quote);
            write_changes(inside, quote, offline && quote.action != Action::Create);
            for notice in &quote.notices {
                let notice = format!("note: {}", wording::brief(notice, MOST_OF_A_VALUE));
                inside.leaf("p", &[("class", "pre soft")], &notice);
            }
            write_steps(inside, quote);
        });
    });
    body.line();
}

fn write_summary(summary: &mut Html, quote: &QuotePlan) {
    let (_, tone) = mark_of(quote.action);
    parts::badge(summary, class_of(tone), quote.action.word());
    summary.element("span", &[("class", "who")], |who| {
        who.leaf("span", &[("class", "name")], quote.quote.as_str());
        if let Some(title) = &quote.title {
            let title = wording::one_line(title, 400);
            // Right-to-left titles keep their direction, and do not turn what stands beside them.
            who.leaf("span", &[("class", "title"), ("dir", "auto")], &title);
        }
    });
    summary.element("span", &[("class", "sum")], |sum| {
        match (quote.total_before, quote.total_after) {
            (before, Some(after)) => {
                sum.text(&after.to_string());
                let same = before.filter(|b| b.currency == after.currency);
                let delta = same.and_then(|b| after.amount.minus(b.amount));
                if let Some(delta) = delta.filter(|d| !d.is_zero()) {
                    let class = if delta.is_negative() { "down" } else { "up" };
                    let said = wording::signed(delta, Some(after.currency));
                    sum.leaf("small", &[("class", class)], &said);
                }
            }
            (Some(before), None) => {
                sum.element("span", &[("class", "soft")], |s| {
                    s.leaf("del", &[], &before.to_string());
                });
            }
            (None, None) => {}
        }
    });
}

fn write_facts(out: &mut Html, quote: &QuotePlan) {
    out.element("div", &[("class", "facts")], |facts| {
        facts.leaf("span", &[], &format!("{} ({})", quote.connection, quote.provider));
        let word = |s: &crate::provider::state::State| wording::one_line(&s.word(), 120);
        let state = match (&quote.state_before, &quote.state_after) {
            (Some(before), _) if quote.action == Action::Delete => {
                Some(format!("{} → deleted", word(before)))
            }
            (Some(before), Some(after)) if before != after => {
                Some(format!("{} → {}", word(before), word(after)))
            }
            (None, Some(state)) | (Some(state), _) => Some(word(state)),
            (None, None) => None,
        };
        if let Some(state) = state {
            facts.leaf("span", &[], &state);
        }
        if let Some(id) = &quote.id {
            facts.element("span", &[], |span| {
                span.text("id ");
                span.leaf("code", &[], id.as_str());
            });
        }
        if let Some(share) = quote.discount {
            let share = share.round_half_up(1).canonical();
            facts.leaf("span", &[], &format!("discounts {share}%"));
        }
        for (what, address) in &quote.links {
            facts.element("span", &[], |span| span.link(address, &wording::one_line(what, 40)));
        }
    });
}

fn write_reason(out: &mut Html, quote: &QuotePlan) {
    let said: Vec<&str> =
        [&quote.reason, &quote.waits_for].into_iter().flatten().map(String::as_str).collect();
    if said.is_empty() {
        return;
    }
    let tone = if quote.action == Action::Blocked { "blocked" } else { "drift" };
    out.element("div", &[("class", "reason"), ("data-tone", tone)], |reason| {
        for text in said {
            reason.leaf("div", &[("class", "pre")], &wording::brief(text, MOST_OF_A_VALUE));
        }
        if let Some(help) = &quote.help {
            let help = format!("hint: {}", wording::brief(help, MOST_OF_A_VALUE));
            reason.leaf("div", &[("class", "hint pre")], &help);
        }
    });
}

fn write_changes(out: &mut Html, quote: &QuotePlan, unread: bool) {
    let rows = rows(quote);
    if rows.is_empty() {
        return;
    }
    let currency = wording::currency_of(quote);
    let blocked = quote.action == Action::Blocked;
    out.element("div", &[("class", "scroll")], |frame| {
        frame.element("table", &[("class", "change")], |table| {
            table.element("thead", &[], |head| {
                head.element("tr", &[], |tr| {
                    for title in ["Field", "Before", "After"] {
                        tr.leaf("th", &[("scope", "col")], title);
                    }
                });
            });
            table.element("tbody", &[], |body| {
                for (origin, planned, title) in [
                    (ChangeOrigin::Manifest, true, "you asked"),
                    (ChangeOrigin::Manifest, false, "you asked, not yet"),
                    (
                        ChangeOrigin::Drift,
                        true,
                        "changed upstream by somebody else; apply sets it back",
                    ),
                    (ChangeOrigin::Drift, false, "changed upstream by somebody else; only shown"),
                    (ChangeOrigin::Server, true, "computed upstream"),
                    (ChangeOrigin::Server, false, "computed upstream"),
                ] {
                    let own: Vec<&Row<'_>> = rows
                        .iter()
                        .filter(|r| r.origin() == origin && r.planned() == planned)
                        .collect();
                    let Some(first) = own.first() else { continue };
                    let title = if blocked && first.origin() == ChangeOrigin::Manifest {
                        "you asked; cannot be done"
                    } else {
                        title
                    };
                    let class = if origin == ChangeOrigin::Drift { "drift" } else { "" };
                    body.element("tr", &[("class", "origin")], |tr| {
                        let wide = [("colspan", "3"), ("scope", "rowgroup"), ("class", class)];
                        tr.leaf("th", &wide, title);
                    });
                    for row in own {
                        body.element("tr", &[], |tr| write_row(tr, row, currency, unread));
                    }
                }
            });
        });
    });
    out.line();
}

fn write_row(tr: &mut Html, row: &Row<'_>, currency: Option<Currency>, unread: bool) {
    tr.element("td", &[("class", "path")], |td| {
        td.leaf("code", &[], &wording::one_line(row.label(), 400));
    });
    match row {
        Row::Element { fields, added, .. } => {
            let (head, more) = line(fields, *added, currency);
            let text = |spans: Vec<super::layout::Span>| {
                spans.into_iter().map(|s| s.text).collect::<String>()
            };
            let (head, more) = (text(head), text(more));
            let whole = |td: &mut Html| {
                td.leaf("div", &[("dir", "auto")], &head);
                if !more.is_empty() {
                    td.leaf("div", &[("class", "soft"), ("dir", "auto")], &more);
                }
            };
            if *added {
                tr.element("td", &[("class", "before")], nothing);
                tr.element("td", &[("class", "value create")], whole);
            } else {
                tr.element("td", &[("class", "value delete")], whole);
                tr.element("td", &[], |td| td.leaf("span", &[("class", "nothing")], "removed"));
            }
        }
        Row::Field(change) => write_sides(tr, change, currency, unread),
    }
}

fn nothing(td: &mut Html) {
    td.leaf("span", &[("class", "nothing")], "–");
}

fn write_sides(tr: &mut Html, change: &Change, currency: Option<Currency>, unread: bool) {
    let said = |value: &Value| {
        wording::brief(&wording::shown(&change.path, value, currency), MOST_OF_A_VALUE)
    };
    if unread {
        tr.leaf("td", &[("class", "before")], wording::RECORDED);
        match &change.after {
            Some(after) => tr.leaf("td", &[("class", "value"), ("dir", "auto")], &said(after)),
            None => tr.leaf("td", &[], "no longer in the manifest"),
        }
        return;
    }
    if let (Some(Value::Text(before)), Some(Value::Text(after))) = (&change.before, &change.after)
        && before.len().max(after.len()) <= MOST_COMPARED
        && (before.contains([' ', '\n']) || after.contains([' ', '\n']))
    {
        let diff = TextDiff::from_words(before.as_str(), after.as_str());
        for (side, class) in [(ChangeTag::Delete, "value before"), (ChangeTag::Insert, "value")] {
            let name = if side == ChangeTag::Delete { "del" } else { "ins" };
            tr.element("td", &[("class", class), ("dir", "auto")], |td| {
                for piece in diff.iter_all_changes() {
                    if piece.tag() == ChangeTag::Equal {
                        td.text(piece.value());
                    } else if piece.tag() == side {
                        td.leaf(name, &[], piece.value());
                    }
                }
            });
        }
        return;
    }
    match &change.before {
        Some(before) => {
            tr.element("td", &[("class", "value before"), ("dir", "auto")], |td| {
                let text = said(before);
                if change.after.is_none() { td.leaf("del", &[], &text) } else { td.text(&text) }
            });
        }
        None => tr.element("td", &[("class", "before")], nothing),
    }
    match &change.after {
        Some(after) => tr.leaf("td", &[("class", "value"), ("dir", "auto")], &said(after)),
        None => tr.element("td", &[], |td| td.leaf("span", &[("class", "nothing")], "(none)")),
    }
}

fn write_steps(out: &mut Html, quote: &QuotePlan) {
    let writes = quote.steps.iter().filter(|s| !s.is_read_back()).count();
    if writes == 0 {
        return;
    }
    let consents = wording::effect_list(&quote.consents(), ", ");
    let mut title = wording::count(writes, "step");
    if !consents.is_empty() {
        title = format!("{title}, with consent to {consents}");
    }
    parts::fold(out, &title, |fold| {
        fold.element("ol", &[("class", "steps")], |list| {
            for step in &quote.steps {
                list.element("li", &[], |item| {
                    item.text(&wording::one_line(&step.does, 1_000));
                    for effect in &step.effects {
                        item.text(" ");
                        parts::badge(item, "update", effect.word());
                    }
                });
            }
        });
    });
}
