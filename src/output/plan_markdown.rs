//! A plan as a comment on a pull request: money, what needs care, then every quote by risk, folded.
//!
//! Invariants: never above `MOST` bytes, however many quotes (what is left out is counted, with
//! the command that shows it); a pure function of its arguments; foreign text goes through
//! [`escape_markdown`], or into code where its letters are checked. Inside `<summary>` GitHub reads
//! HTML and no Markdown: only names, amounts and words of ours stand there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::escape_markdown::escape_markdown;
use super::markdown::{self, Sheet, cell, code};
use super::plan_brief::{Brief, brief};
use super::plan_brief_rows::brief_rows;
use super::plan_care::{self, Class};
use super::plan_human::{consents, counts, has_section};
use super::plan_markdown_quote as section;
use super::theme::mark_of;
use super::wording;
use crate::failure::Diagnostic;
use crate::key::QuoteName;
use crate::money::grouped;
use crate::plan::model::{Action, Plan, QuotePlan};

/// Left for the end of the document.
const TAIL: usize = 1_500;
/// Groups of care, and names of one group.
const MOST_GROUPS: usize = 25;
const MOST_NAMES: usize = 8;
/// Currencies of the table.
const MOST_CURRENCIES: usize = 12;

/// The document. `command` is what shows all of it (`proforma plan`).
pub fn plan_markdown(plan: &Plan, diagnostics: &[Diagnostic], command: &str) -> String {
    let mut sheet = Sheet::new("plan", plan.workspace.as_str());
    let brief = brief(plan);
    sheet.push(&headline(plan), TAIL);
    sheet.push(&money_table(&brief), TAIL);
    sheet.push(&facts(plan, &brief), TAIL);
    if !diagnostics.is_empty() {
        sheet.push("\n#### Messages\n\n", TAIL);
        // Half of the room at most: the plan is what was asked for.
        let reserve = sheet.left() / 2;
        markdown::diagnostics(&mut sheet, diagnostics, reserve);
    }
    let care = plan_care::care(plan);
    write_care(&mut sheet, &care);
    let grave = plan_care::gravity(&care);
    write_preparations(&mut sheet, plan);
    write_quotes(&mut sheet, plan, &grave, command);
    sheet.push(&foot(plan), 0);
    sheet.finish()
}

fn headline(plan: &Plan) -> String {
    let parts: Vec<String> = counts(plan).into_iter().map(|(_, text)| text).collect();
    let said = if parts.is_empty() { "no quotes".to_owned() } else { parts.join(", ") };
    let mut out = format!("### proforma plan: {said}\n\n");
    let _ = write!(out, "Workspace {}", code(plan.workspace.as_str()));
    if !plan.id.is_empty() {
        let id: String = plan.id.chars().take(12).collect();
        let _ = write!(out, ", plan {}", code(&id));
    }
    out.push_str(".\n");
    if plan.offline {
        let _ = write!(out, "\n> {}\n", escape_markdown(wording::OFFLINE));
    }
    out
}

fn money_table(brief: &Brief<'_>) -> String {
    if brief.money.is_empty() {
        return String::new();
    }
    let mut out = String::from("\n| | now | after | change |\n|---|--:|--:|--:|\n");
    for line in brief.money.iter().take(MOST_CURRENCIES) {
        let said = |amount: crate::money::Amount| {
            escape_markdown(&grouped(amount.at_least(line.currency.digits())))
        };
        let delta = line.after.minus(line.before).map_or_else(String::new, |delta| {
            if delta.is_zero() {
                "none".to_owned()
            } else {
                format!("**{}**", escape_markdown(&wording::signed(delta, Some(line.currency))))
            }
        });
        let _ = writeln!(
            out,
            "| {} | {} | {} | {delta} |",
            line.currency,
            said(line.before),
            said(line.after)
        );
    }
    if brief.money.len() > MOST_CURRENCIES {
        let rest = brief.money.len() - MOST_CURRENCIES;
        let _ = writeln!(out, "\nand {rest} more currencies");
    }
    out
}

/// The brief and the consent that is needed.
fn facts(plan: &Plan, brief: &Brief<'_>) -> String {
    let mut out = String::from("\n");
    let _ = writeln!(out, "- quotes touched: {}", brief.touched);
    for row in brief_rows(brief).into_iter().take(3 * MOST_CURRENCIES) {
        let figure = escape_markdown(&row.figure);
        let _ = writeln!(out, "- {}: {figure}, {}", row.label, cell(&row.detail));
    }
    let needed: Vec<String> = consents(plan)
        .into_iter()
        .map(|(effect, n)| format!("{effect} ({})", wording::count(n, "quote")))
        .collect();
    if !needed.is_empty() {
        let _ = writeln!(out, "- **consent needed: {}**", escape_markdown(&needed.join(", ")));
    }
    out
}

fn write_care(sheet: &mut Sheet, care: &[plan_care::Care<'_>]) {
    if care.is_empty() {
        return;
    }
    sheet.push("\n#### Needs care\n\n", TAIL);
    // A third of what is left at most.
    let reserve = sheet.left() * 2 / 3;
    for (n, group) in care.iter().enumerate() {
        let (_, title, _) = group.class.title();
        let mut row = format!("- **{title}**");
        if !group.reason.is_empty() {
            let _ = write!(row, ": {}", escape_markdown(&wording::brief(&group.reason, 300)));
        }
        let names: Vec<String> =
            group.quotes.iter().take(MOST_NAMES).map(|q| code(q.quote.as_str())).collect();
        let _ = write!(row, "<br>{}", names.join(", "));
        if let Some(more) = group.quotes.len().checked_sub(MOST_NAMES).filter(|n| *n > 0) {
            let _ = write!(row, " and {more} more");
        }
        if let Some(help) = group.help {
            let _ = write!(row, "<br>hint: {}", escape_markdown(&wording::brief(help, 300)));
        }
        row.push('\n');
        if n >= MOST_GROUPS || !sheet.push(&row, reserve + 80) {
            let rest = wording::count(care.len() - n, "more reason");
            sheet.push(&format!("- and {rest}\n"), reserve);
            return;
        }
    }
}

fn write_preparations(sheet: &mut Sheet, plan: &Plan) {
    if plan.preparations.is_empty() {
        return;
    }
    let mut out = String::from("\n#### Once for the account\n\n");
    for step in plan.preparations.iter().take(20) {
        let _ = writeln!(out, "- {} ({})", cell(&step.does), code(step.connection.as_str()));
    }
    if let Some(more) = plan.preparations.len().checked_sub(20).filter(|n| *n > 0) {
        let _ = writeln!(out, "- and {more} more");
    }
    sheet.push(&out, TAIL);
}

/// Quotes by risk: the first ones whole, the next ones on a line each, the rest counted.
fn write_quotes(
    sheet: &mut Sheet,
    plan: &Plan,
    grave: &BTreeMap<&QuoteName, Class>,
    command: &str,
) {
    let mut quotes: Vec<&QuotePlan> = plan.quotes.iter().filter(|q| has_section(q)).collect();
    quotes.sort_by_key(|q| risk(q, grave));
    if quotes.is_empty() {
        return;
    }
    sheet.push("\n#### Quotes\n\n", TAIL);
    let mut rest = quotes.as_slice();
    // Of a long plan, lines take what the sections leave.
    let reserve = TAIL + if quotes.len() > 40 { sheet.left() / 3 } else { 0 };
    while let Some((quote, after)) = rest.split_first() {
        let mut text = section::whole(quote, plan.offline);
        if !sheet.push(&text, reserve) {
            // A giant among them does not hide those behind it.
            text = section::short(quote);
            if text.len() > 2_000 || !sheet.push(&text, reserve) {
                break;
            }
        }
        rest = after;
    }
    if rest.is_empty() {
        return;
    }
    let head = "\n<details><summary>more quotes, a line each</summary>\n\n| | quote | total |\n|---|---|---|\n";
    let end = "\n</details>\n";
    if rest.len() > 1 && sheet.push(head, TAIL + end.len()) {
        while let Some((quote, after)) = rest.split_first() {
            if !sheet.push(&section::line(quote), TAIL + end.len()) {
                break;
            }
            rest = after;
        }
        sheet.push(end, 0);
    }
    if !rest.is_empty() {
        let mut by_action: BTreeMap<Action, usize> = BTreeMap::new();
        for quote in rest {
            *by_action.entry(quote.action).or_default() += 1;
        }
        let counts: Vec<String> =
            by_action.iter().map(|(action, n)| format!("{n} {}", action.word())).collect();
        sheet.push(
            &format!(
                "\n**{} do not fit into a comment** ({}). All of them: {}\n",
                wording::count(rest.len(), "more quote"),
                counts.join(", "),
                cell(command)
            ),
            0,
        );
    }
}

/// The order of quotes: what is grave first, then how far the money moves, then the name.
fn risk<'a>(
    quote: &'a QuotePlan,
    grave: &BTreeMap<&QuoteName, Class>,
) -> (bool, Option<Class>, std::cmp::Reverse<crate::money::Amount>, &'a QuoteName) {
    let class = grave.get(&quote.quote).copied();
    let moved = super::plan_brief::swing(quote).map(|(_, s)| s.delta.abs()).unwrap_or_default();
    (class.is_none(), class, std::cmp::Reverse(moved), &quote.quote)
}

fn foot(plan: &Plan) -> String {
    let unchanged = plan.quotes.iter().filter(|q| !has_section(q)).count();
    let mut out = String::from("\n");
    if unchanged > 0 {
        let _ = writeln!(out, "{} with nothing to do.", wording::count(unchanged, "quote"));
    }
    if plan.offline {
        let _ = writeln!(out, "\n{}", escape_markdown(wording::OFFLINE_NEXT));
    }
    out
}

/// The symbol of an action as text.
pub(super) fn symbol(action: Action) -> String {
    escape_markdown(mark_of(action).0)
}
