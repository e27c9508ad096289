//! A plan as a page for a browser: money, a picture of where it moves, what needs care, then every
//! quote with before and after side by side.
//!
//! Invariants: a pure function of its arguments; everything of the plan is on the page, folded at
//! most (a value is cut only beyond `plan_html_quote`'s limits, and says so).

use std::collections::{BTreeMap, BTreeSet};

use super::html::parts::{self, Chip};
use super::html::{Html, page};
use super::plan_brief::{Brief, brief};
use super::plan_brief_rows::brief_rows;
use super::plan_care::{self, Care, Class};
use super::plan_html_picture as picture;
use super::plan_html_quote as section;
use super::plan_human::{consents, counts, has_section};
use super::theme::{Tone, mark_of};
use super::wording;
use crate::failure::{Diagnostic, Failure, Severity};
use crate::key::QuoteName;
use crate::money::{Amount, grouped};
use crate::plan::model::{Action, ChangeOrigin, Plan, QuotePlan};

/// Up to this many quotes are unfolded from the start.
const MOST_OPEN: usize = 12;
/// Names shown of a group of care.
const MOST_NAMES: usize = 40;

/// The page of a plan.
pub fn plan_html(plan: &Plan, diagnostics: &[Diagnostic]) -> String {
    let mut body = Html::new();
    let brief = brief(plan);
    let care = plan_care::care(plan);
    write_head(&mut body, plan);
    write_diagnostics(&mut body, diagnostics);
    write_cards(&mut body, &brief);
    picture::write(&mut body, plan);
    write_care(&mut body, &care);
    write_preparations(&mut body, plan);
    write_quotes(&mut body, plan, &care);
    write_foot(&mut body, plan);
    page(&format!("Plan for {}", plan.workspace), &body)
}

/// The page of a command that failed before it had anything to show.
pub fn failure_html(kind: &str, failure: &Failure) -> String {
    let mut body = Html::new();
    body.leaf("h1", &[], &format!("{kind} failed"));
    body.leaf("p", &[("class", "lead pre")], &failure.message);
    if let Some(help) = &failure.help {
        body.leaf("p", &[("class", "pre")], &format!("hint: {help}"));
    }
    write_diagnostics(&mut body, &failure.diagnostics);
    body.leaf("footer", &[], &format!("Exit code {}.", failure.kind.exit_code()));
    page(&format!("{kind} failed"), &body)
}

/// The class of a tone.
pub(super) fn class_of(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain | Tone::Strong => "",
        Tone::Muted => "muted",
        Tone::Create | Tone::AddedWord => "create",
        Tone::Update => "update",
        Tone::Delete | Tone::RemovedWord => "delete",
        Tone::Replace => "replace",
        Tone::Adopt => "adopt",
        Tone::Blocked => "blocked",
        Tone::Drift => "drift",
    }
}

fn write_head(body: &mut Html, plan: &Plan) {
    body.leaf("h1", &[], &format!("Plan for {}", plan.workspace));
    body.element("p", &[("class", "lead")], |p| {
        let all = counts(plan);
        if all.is_empty() {
            p.text("no quotes");
        }
        for (n, (action, text)) in all.into_iter().enumerate() {
            if n > 0 {
                p.text(", ");
            }
            p.leaf("span", &[("class", class_of(mark_of(action).1))], &text);
        }
    });
    if plan.offline {
        body.element("div", &[("class", "panel")], |panel| {
            parts::badge(panel, "drift", "offline");
            panel.text(" ");
            panel.text(wording::OFFLINE);
        });
    }
}

fn write_cards(body: &mut Html, brief: &Brief<'_>) {
    parts::cards(body, |cards| {
        for line in &brief.money {
            let said = |amount: Amount| grouped(amount.at_least(line.currency.digits()));
            let value = format!("{} {}", said(line.after), line.currency);
            let delta = line.after.minus(line.before).filter(|d| !d.is_zero());
            cards.element("div", &[("class", "card")], |card| {
                card.leaf("div", &[("class", "label")], "total once applied");
                card.leaf("div", &[("class", "value")], &value);
                card.element("div", &[("class", "below")], |below| match delta {
                    None => below.text("as it is now"),
                    Some(delta) => {
                        let class = if delta.is_negative() { "down" } else { "up" };
                        let signed = wording::signed(delta, Some(line.currency));
                        below.leaf("span", &[("class", class)], &signed);
                        below.text(&format!(" from {}", said(line.before)));
                    }
                });
            });
        }
        parts::card(cards, "quotes touched", &brief.touched.to_string(), "");
        for row in brief_rows(brief) {
            parts::card(cards, row.label, &row.figure, &row.detail);
        }
    });
}

fn write_diagnostics(body: &mut Html, diagnostics: &[Diagnostic]) {
    if diagnostics.is_empty() {
        return;
    }
    body.leaf("h2", &[], "Messages");
    body.element("div", &[("class", "panel")], |panel| {
        panel.element("ul", &[("class", "care")], |list| {
            for d in diagnostics {
                let (tone, word) = match d.severity {
                    Severity::Error => ("blocked", "error"),
                    Severity::Warning => ("update", "warning"),
                    Severity::Note => ("muted", "note"),
                };
                list.element("li", &[], |item| {
                    item.element("div", &[], |left| parts::badge(left, tone, word));
                    item.element("div", &[], |right| {
                        right.leaf("div", &[("class", "pre")], &wording::brief(&d.message, 4_000));
                        if let Some(p) = &d.place {
                            let at = format!("{}:{}:{}", p.source.path, p.line, p.column);
                            right.leaf("code", &[], &at);
                            right.text(" ");
                        }
                        right.leaf("code", &[("class", "soft")], d.code);
                        if let Some(help) = &d.help {
                            let help = format!("hint: {}", wording::brief(help, 2_000));
                            right.leaf("div", &[("class", "hint pre")], &help);
                        }
                    });
                });
            }
        });
    });
    body.line();
}

fn write_care(body: &mut Html, care: &[Care<'_>]) {
    if care.is_empty() {
        return;
    }
    body.leaf("h2", &[], "Needs care");
    body.element("div", &[("class", "panel")], |panel| {
        panel.element("ul", &[("class", "care")], |list| {
            for group in care {
                list.element("li", &[], |item| write_group(item, group));
            }
        });
    });
    body.line();
}

fn write_group(item: &mut Html, group: &Care<'_>) {
    let (_, title, tone) = group.class.title();
    item.element("div", &[], |left| parts::badge(left, class_of(tone), title));
    item.element("div", &[], |right| {
        if !group.reason.is_empty() {
            right.leaf("div", &[("class", "pre")], &wording::brief(&group.reason, 4_000));
        }
        right.element("div", &[("class", "names")], |names| {
            for (n, quote) in group.quotes.iter().take(MOST_NAMES).enumerate() {
                if n > 0 {
                    names.text(", ");
                }
                names.jump(&section::anchor(quote), quote.quote.as_str());
            }
            if let Some(more) = group.quotes.len().checked_sub(MOST_NAMES).filter(|n| *n > 0) {
                names.text(&format!(" and {more} more"));
            }
        });
        if let Some(help) = group.help {
            let help = format!("hint: {}", wording::brief(help, 2_000));
            right.leaf("div", &[("class", "hint pre")], &help);
        }
    });
}

fn write_preparations(body: &mut Html, plan: &Plan) {
    if plan.preparations.is_empty() {
        return;
    }
    body.leaf("h2", &[], "Once for the account");
    body.element("div", &[("class", "panel")], |panel| {
        panel.element("ol", &[("class", "steps")], |list| {
            for step in &plan.preparations {
                let does = wording::one_line(&step.does, 1_000);
                list.leaf("li", &[], &format!("{does} ({})", step.connection));
            }
        });
    });
    body.line();
}

fn write_quotes(body: &mut Html, plan: &Plan, care: &[Care<'_>]) {
    let grave = plan_care::gravity(care);
    // What needs care is linked to, so it stands here even if there is nothing to do.
    let shown = |q: &&QuotePlan| has_section(q) || grave.contains_key(&q.quote);
    let mut quotes: Vec<&QuotePlan> = plan.quotes.iter().filter(shown).collect();
    if !quotes.is_empty() {
        body.leaf("h2", &[], "Quotes");
        // What is grave first; among equals by name.
        quotes.sort_by_key(|q| (!grave.contains_key(&q.quote), grave.get(&q.quote), &q.quote));
        parts::toolbar(body, &chips(&quotes, &grave), "Search quotes, fields, values");
        let open = quotes.len() <= MOST_OPEN;
        for quote in quotes {
            let kinds = kinds(quote, &grave);
            section::write(body, quote, &kinds, open, plan.offline);
        }
    }
    let rest: Vec<&QuotePlan> = plan.quotes.iter().filter(|q| !shown(q)).collect();
    if !rest.is_empty() {
        let title = format!("{} with nothing to do", wording::count(rest.len(), "quote"));
        parts::fold(body, &title, |fold| {
            fold.element("div", &[("class", "panel")], |panel| {
                for (n, quote) in rest.iter().enumerate() {
                    if n > 0 {
                        panel.text(", ");
                    }
                    match quote.links.get("quote") {
                        Some(address) => panel.link(address, quote.quote.as_str()),
                        None => panel.text(quote.quote.as_str()),
                    }
                }
            });
        });
    }
}

/// The words by which the toolbar finds a quote.
fn kinds(quote: &QuotePlan, grave: &BTreeMap<&QuoteName, Class>) -> BTreeSet<&'static str> {
    let mut kinds = BTreeSet::from([quote.action.word()]);
    let usual = matches!(grave.get(&quote.quote), None | Some(Class::Other))
        || (quote.action == Action::Create && grave.get(&quote.quote) == Some(&Class::Publish));
    if !usual {
        kinds.insert("care");
    }
    if quote.changes.iter().any(|c| c.origin == ChangeOrigin::Drift) {
        kinds.insert("drift");
    }
    kinds
}

fn chips(quotes: &[&QuotePlan], grave: &BTreeMap<&QuoteName, Class>) -> Vec<Chip> {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for quote in quotes {
        for kind in kinds(quote, grave) {
            *counts.entry(kind).or_default() += 1;
        }
    }
    let count = |kind| counts.get(kind).copied().unwrap_or_default();
    let mut chips = vec![Chip::new("care", "needs care", count("care"))];
    chips.extend(Action::ALL.into_iter().map(|a| Chip::new(a.word(), a.word(), count(a.word()))));
    chips.push(Chip::new("drift", "changed upstream", count("drift")));
    chips
}

fn write_foot(body: &mut Html, plan: &Plan) {
    body.element("footer", &[], |foot| {
        let needed: Vec<String> = consents(plan)
            .into_iter()
            .map(|(effect, n)| format!("{effect} ({})", wording::count(n, "quote")))
            .collect();
        if !needed.is_empty() {
            foot.leaf("p", &[], &format!("Consent needed: {}.", needed.join(", ")));
        }
        if plan.offline {
            foot.leaf("p", &[], wording::OFFLINE_NEXT);
        }
        for (connection, sent) in &plan.requests {
            let text = format!("{connection}: {} now, {} at apply.", sent.read, sent.write);
            foot.leaf("div", &[], &text.replace(" now", " reads now").replace(" at", " writes at"));
        }
        foot.element("div", &[], |line| {
            line.text("Plan ");
            line.leaf("code", &[], &plan.id);
        });
    });
}
