//! A plan for people: money, then what needs care, then every change, then what to type next.
//!
//! Invariants: a pure function of the plan and the look: the same plan gives the same page, byte
//! for byte. Quotes with nothing to do are only counted. Every text of a manifest or an upstream
//! passes through `wording`.

use std::collections::BTreeMap;

use super::layout::{Page, Span, pad, plain, span, width};
use super::plan_brief::{Brief, brief};
use super::plan_brief_rows::{CONTACTED, brief_rows};
use super::plan_care::{self, Class};
use super::plan_quote;
use super::theme::{Look, Tone, mark_of};
use super::wording;
use crate::money::{Amount, grouped};
use crate::plan::model::{Action, ChangeOrigin, MoneyLine, Plan, QuotePlan};
use crate::provider::step::{Effect, Effects};

/// New quotes, and changed ones of which nothing special is to be said, shown in full unless asked
/// for more.
const MOST_IN_FULL: usize = 20;

/// What the reader would type next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next<'a> {
    /// Nothing to say: the plan is shown by apply itself.
    Nothing,
    /// Nothing can be applied: manifests have errors, and their quotes are not in the plan.
    Mend,
    /// Plan again and apply: the command so far (`proforma -C quotes apply`), to which the plan's
    /// own flags and the consents are added.
    Apply(&'a str),
    /// Apply a saved plan: the command so far (`proforma apply plan.json`), to which only the
    /// consents are added.
    Saved(&'a str),
}

/// The page of a plan.
pub fn plan_human(plan: &Plan, next: Next<'_>, look: Look) -> String {
    let mut page = Page::new(look);
    write_head(&mut page, plan, next);
    plan_care::write(&mut page, plan);
    write_quotes(&mut page, plan);
    write_end(&mut page, plan, next);
    page.finish()
}

/// The counts alone, on one line: `1 to create, 8 unchanged`.
pub fn plan_summary(plan: &Plan) -> String {
    let parts: Vec<String> = counts(plan).into_iter().map(|(_, text)| text).collect();
    if parts.is_empty() { "no quotes".to_owned() } else { parts.join(", ") }
}

pub(super) fn counts(plan: &Plan) -> Vec<(Action, String)> {
    // What is fine is said last.
    let others = Action::ALL.into_iter().filter(|a| *a != Action::None);
    others
        .chain([Action::None])
        .filter_map(|action| {
            let n = plan.quotes.iter().filter(|q| q.action == action).count();
            let text = match action {
                Action::Create
                | Action::Update
                | Action::Replace
                | Action::Delete
                | Action::Adopt
                | Action::Forget => format!("{n} to {}", action.word()),
                Action::None if plan.offline => format!("{n} as recorded"),
                Action::Unverifiable if plan.offline => format!("{n} unknown"),
                Action::None => format!("{n} unchanged"),
                other => format!("{n} {}", other.word()),
            };
            (n > 0).then_some((action, text))
        })
        .collect()
}

/// The quotes that await consent to each effect which the workspace does not allow already.
pub(super) fn consents(plan: &Plan) -> BTreeMap<Effect, usize> {
    let mut out = BTreeMap::new();
    for quote in &plan.quotes {
        for effect in quote.consents().difference(&plan.allowed) {
            *out.entry(*effect).or_insert(0) += 1;
        }
    }
    out
}

fn write_head(page: &mut Page, plan: &Plan, next: Next<'_>) {
    let name = wording::one_line(plan.workspace.as_str(), 80);
    page.flow(0, 2, &[span("Plan for ", Tone::Plain), span(name, Tone::Strong)]);
    if plan.offline {
        page.flow(0, 2, &[span(wording::OFFLINE, Tone::Drift)]);
    }
    page.blank();
    let brief = brief(plan);
    write_money(page, &brief.money);
    write_brief(page, &brief);
    let mut spans: Vec<Span> = Vec::new();
    for (action, text) in counts(plan) {
        if !spans.is_empty() {
            spans.push(plain(", "));
        }
        spans.push(span(text, mark_of(action).1));
    }
    if spans.is_empty() {
        let none = if next == Next::Mend { "no quote could be planned" } else { "no quotes" };
        spans.push(plain(none));
    }
    page.flow(2, 6, &spans);
    let needed: Vec<String> = consents(plan)
        .into_iter()
        .map(|(effect, n)| format!("{effect} ({})", wording::count(n, "quote")))
        .collect();
    if !needed.is_empty() {
        let text = format!("consent needed: {}", needed.join(", "));
        page.flow(2, 6, &[span(text, Tone::Update)]);
    }
}

/// One line a currency, amounts under each other.
fn write_money(page: &mut Page, lines: &[MoneyLine]) {
    let said = |amount: Amount, line: &MoneyLine| grouped(amount.at_least(line.currency.digits()));
    let column = |side: fn(&MoneyLine) -> Amount| {
        lines.iter().map(|l| width(&said(side(l), l))).max().unwrap_or_default()
    };
    let (first, second) = (column(|l| l.before), column(|l| l.after));
    for line in lines {
        let mut spans = vec![
            span(line.currency.code(), Tone::Strong),
            plain(format!("  {:>first$}", said(line.before, line))),
        ];
        if line.before != line.after {
            spans.push(plain(" → "));
            spans.push(span(format!("{:>second$}", said(line.after, line)), Tone::Strong));
            if let Some(delta) = line.after.minus(line.before) {
                let tone = if delta.is_negative() { Tone::Delete } else { Tone::Create };
                let delta = wording::signed(delta, Some(line.currency));
                spans.push(span(format!("  {delta}"), tone));
            }
        }
        page.flow(2, 6, &spans);
    }
}

/// What moves most, the deepest discount, and who gets a message.
fn write_brief(page: &mut Page, brief: &Brief<'_>) {
    let rows = brief_rows(brief);
    let widest = rows.iter().map(|row| width(row.label)).max().unwrap_or_default();
    let figures = rows.iter().filter(|r| r.label != CONTACTED).map(|r| width(&r.figure)).max();
    for row in rows {
        let hang = 2 + widest + 2;
        let said = if row.label == CONTACTED {
            row.detail
        } else {
            let room = figures.unwrap_or_default().saturating_sub(width(&row.figure));
            format!("{}{}  {}", " ".repeat(room), row.figure, row.detail)
        };
        let label = span(pad(row.label, widest), Tone::Muted);
        page.flow(2, hang, &[label, plain("  "), plain(said)]);
    }
}

/// Whether a quote has a section of its own.
pub(super) fn has_section(quote: &QuotePlan) -> bool {
    quote.action.is_pending() || !quote.changes.is_empty() || !quote.notices.is_empty()
}

fn write_quotes(page: &mut Page, plan: &Plan) {
    let verbose = page.look().verbose;
    if !plan.preparations.is_empty() {
        page.blank();
        page.flow(0, 0, &[span("Once for the account", Tone::Strong)]);
        for step in &plan.preparations {
            let does = wording::one_line(&step.does, 400);
            let on = span(format!("  ({})", step.connection), Tone::Muted);
            page.flow(2, 4, &[span("+ ", Tone::Create), plain(does), on]);
        }
    }
    let care = plan_care::care(plan);
    let grave = plan_care::gravity(&care);
    let mut shown: BTreeMap<Action, usize> = BTreeMap::new();
    let mut folded: BTreeMap<Action, Vec<&QuotePlan>> = BTreeMap::new();
    for quote in plan.quotes.iter().filter(|q| has_section(q)) {
        let count = shown.entry(quote.action).or_default();
        *count += 1;
        if is_alike(quote, grave.get(&quote.quote)) && *count > MOST_IN_FULL && !verbose {
            folded.entry(quote.action).or_default().push(quote);
        } else {
            page.blank();
            plan_quote::write(page, quote, plan.offline);
        }
    }
    for (action, quotes) in folded {
        page.blank();
        let title = format!("{} to {} (-v shows all fields)", quotes.len(), action.word());
        page.flow(0, 2, &[plain("and "), span(title, Tone::Strong)]);
        let names = quotes.iter().map(|q| width(q.quote.as_str())).max().unwrap_or_default();
        for quote in quotes {
            plan_quote::write_folded(page, quote, names.min(40));
        }
    }
}

/// Whether a creation or a change is one of many: nothing special is to be said of it.
fn is_alike(quote: &QuotePlan, class: Option<&Class>) -> bool {
    let usual = match quote.action {
        // Publishing is what most new quotes are for.
        Action::Create => {
            class.is_none_or(|c| matches!(c, Class::Publish | Class::Send | Class::Bill))
        }
        Action::Update => class.is_none(),
        _ => false,
    };
    let drifts = quote.changes.iter().any(|c| c.origin == ChangeOrigin::Drift);
    usual
        && !drifts
        && quote.notices.is_empty()
        && quote.waits_for.is_none()
        && quote.reason.is_none()
}

fn write_end(page: &mut Page, plan: &Plan, next: Next<'_>) {
    if plan.offline {
        page.blank();
        page.flow(0, 0, &[span(wording::OFFLINE_NEXT, Tone::Muted)]);
        return;
    }
    page.blank();
    let names = plan.requests.keys().map(|c| width(c.as_str())).max().unwrap_or_default();
    for (connection, sent) in &plan.requests {
        let plural = |n: u64| if n == 1 { "" } else { "s" };
        let text = format!(
            "{} read{} now, {} write{} at apply",
            sent.read,
            plural(sent.read),
            sent.write,
            plural(sent.write)
        );
        let name = pad(connection.as_str(), names);
        page.flow(0, 2, &[span(format!("{name}  {text}"), Tone::Muted)]);
    }
    if next == Next::Mend {
        page.blank();
        page.flow(0, 0, &[plain("Nothing can be applied until the errors are mended.")]);
        return;
    }
    let pending = plan.quotes.iter().any(|q| q.action.is_pending());
    if !pending {
        let blocked = plan.quotes.iter().any(|q| q.action == Action::Blocked);
        page.blank();
        let text = if blocked {
            "Nothing can be done until the blocked quotes are mended."
        } else {
            "Nothing to do."
        };
        page.flow(0, 0, &[plain(text)]);
        return;
    }
    let (command, own_flags) = match next {
        Next::Nothing | Next::Mend => return,
        Next::Apply(command) => (command, true),
        Next::Saved(command) => (command, false),
    };
    let mut command = wording::one_line(command, 400);
    if own_flags && plan.prune {
        command.push_str(" --prune");
    }
    if own_flags && !plan.overrides.is_empty() {
        command.push_str(" --override ");
        command.push_str(&wording::one_line(&plan.overrides.join(","), 400));
    }
    let needed: Effects = consents(plan).into_keys().collect();
    if !needed.is_empty() {
        command.push_str(" --allow ");
        command.push_str(&wording::effect_list(&needed, ","));
    }
    page.blank();
    page.flow(0, 2, &[plain("next: "), span(command, Tone::Strong)]);
    if !needed.is_empty() {
        let text = "without `--allow`, what needs consent waits and the rest is done";
        page.flow(6, 6, &[span(text, Tone::Muted)]);
    }
}
