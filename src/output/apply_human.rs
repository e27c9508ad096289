//! The report of an apply for people: what was done, what was not and why, what to do next.
//!
//! Invariants: every quote that is not as planned is named with its reason, however many there
//! are; quotes that are fine may be counted instead. A pure function of the report and the look.

use super::layout::{Page, pad, plain, span, width};
use super::theme::{Look, Tone, mark_of_outcome};
use super::wording;
use crate::apply::report::{QuoteOutcome, QuoteReport, Report};
use crate::plan::model::Action;

/// Applied quotes shown, unless asked for more.
const MOST_APPLIED: usize = 20;
/// Characters of an error.
const MOST_OF_AN_ERROR: usize = 1_000;
/// Column at which words about a quote begin at most.
const MOST_OF_A_NAME: usize = 34;

/// The page of a report. `program` is what the reader typed before the command's name
/// (`proforma -C quotes`); it begins the commands that are proposed.
pub fn apply_human(report: &Report, program: &str, look: Look) -> String {
    let mut page = Page::new(look);
    let program = wording::one_line(program, 400);
    write_outcomes(&mut page, report);
    write_advice(&mut page, report, &program);
    write_canary(&mut page, report);
    page.blank();
    page.flow(0, 2, &[plain(apply_summary(report))]);
    page.finish()
}

/// What the quotes that went first showed.
fn write_canary(page: &mut Page, report: &Report) {
    let Some(canary) = report.canary.as_ref().filter(|c| c.of > 0) else { return };
    page.blank();
    let (text, tone) = match canary.stopped() {
        Some(why) => (format!("canary: stopped; {}", wording::brief(&why, 600)), Tone::Delete),
        None if report.interrupted => return,
        None => {
            let n = wording::count(canary.quotes.len(), "total");
            (format!("canary: {n} as planned, went on"), Tone::Create)
        }
    };
    page.flow(0, 2, &[span(text, tone)]);
}

/// `3 applied, 1 failed; crm: 12 reads and 6 writes; 2.4 s`.
pub fn apply_summary(report: &Report) -> String {
    let counts: Vec<String> = QuoteOutcome::ALL
        .into_iter()
        .filter_map(|outcome| {
            let n = report.count(outcome);
            (n > 0).then(|| format!("{n} {}", outcome.word()))
        })
        .collect();
    let mut parts =
        vec![if counts.is_empty() { "no quotes".to_owned() } else { counts.join(", ") }];
    for (connection, sent) in &report.requests {
        parts.push(format!("{connection}: {}", wording::requests(*sent)));
    }
    parts.push(format!("{:.1} s", report.seconds));
    if report.interrupted {
        parts.push("interrupted".to_owned());
    }
    parts.join("; ")
}

/// What became of it, in a word that fits the action.
fn done(quote: &QuoteReport) -> &'static str {
    match (quote.outcome, quote.action) {
        (QuoteOutcome::Applied, Action::Create) => "created",
        (QuoteOutcome::Applied, Action::Update) => "updated",
        (QuoteOutcome::Applied, Action::Replace) => "replaced",
        (QuoteOutcome::Applied, Action::Delete) => "deleted",
        (QuoteOutcome::Applied, Action::Adopt) => "adopted",
        (QuoteOutcome::Applied, Action::Forget) => "forgotten",
        (QuoteOutcome::Skipped, _) if quote.stale => "stale",
        (QuoteOutcome::Skipped, Action::Orphaned) => "orphaned",
        (QuoteOutcome::Skipped, Action::Unverifiable) => "unverifiable",
        (outcome, _) => outcome.word(),
    }
}

fn write_outcomes(page: &mut Page, report: &Report) {
    let most = if page.look().verbose { usize::MAX } else { MOST_APPLIED };
    let names = report
        .quotes
        .iter()
        .filter(|q| q.outcome != QuoteOutcome::Unchanged)
        .map(|q| width(q.quote.as_str()))
        .max()
        .unwrap_or_default()
        .min(MOST_OF_A_NAME);
    // Trouble last: it is what stands next to the prompt.
    for outcome in [
        QuoteOutcome::Applied,
        QuoteOutcome::Skipped,
        QuoteOutcome::Waiting,
        QuoteOutcome::Blocked,
        QuoteOutcome::Failed,
        QuoteOutcome::Unknown,
    ] {
        let applied = outcome == QuoteOutcome::Applied;
        let total = report.count(outcome);
        let most = if applied { most } else { usize::MAX };
        for quote in report.quotes.iter().filter(|q| q.outcome == outcome).take(most) {
            write_quote(page, quote, names);
        }
        if total > most {
            let text = format!(
                "… {} applied (-v lists all; `--format json` has every link)",
                wording::count(total - most, "more quote")
            );
            page.flow(0, 2, &[span(text, Tone::Muted)]);
        }
    }
}

fn write_quote(page: &mut Page, quote: &QuoteReport, names: usize) {
    let (symbol, tone) = mark_of_outcome(quote.outcome);
    let name = pad(&wording::one_line(quote.quote.as_str(), 80), names);
    let mut spans = vec![
        span(symbol, tone),
        plain(" "),
        span(name, Tone::Strong),
        plain("  "),
        span(pad(done(quote), 9), tone),
    ];
    let start = 2 + names + 2 + 9 + 2;
    if quote.outcome == QuoteOutcome::Applied
        && let Some(link) = quote.links.get("quote").or_else(|| quote.links.values().next())
    {
        spans.push(plain(format!("  {}", wording::one_line(link, 400))));
    }
    if !quote.lacking.is_empty() {
        let effects = wording::effect_list(&quote.lacking, ", ");
        spans.push(plain(format!("  consent is missing: {effects}")));
    }
    if let Some(error) = &quote.error {
        let separator = if quote.lacking.is_empty() { "  " } else { "; " };
        let message = wording::brief(&error.message, MOST_OF_AN_ERROR);
        spans.push(plain(format!("{separator}{message}")));
    } else if quote.stale {
        spans.push(plain("  it changed since the plan was made"));
    }
    page.flow(0, start.min(page.look().width / 2), &spans);
    if let Some(help) = quote.error.as_ref().and_then(|e| e.help.as_ref()) {
        let help = wording::brief(help, MOST_OF_AN_ERROR);
        page.flow(6, 12, &[span("hint: ", Tone::Adopt), plain(help)]);
    }
}

/// What to type next, by class of what is left.
fn write_advice(page: &mut Page, report: &Report, program: &str) {
    page.blank();
    let mut advise = |what: String, command: String| {
        page.flow(0, 2, &[plain(what)]);
        // On a line of its own, to be copied.
        page.flow(4, 6, &[span(command, Tone::Strong)]);
    };
    let unknown: Vec<&QuoteReport> =
        report.quotes.iter().filter(|q| q.outcome == QuoteOutcome::Unknown).collect();
    if let [one] = unknown.as_slice() {
        advise(
            format!(
                "the outcome of `{}` is unknown; to see what was sent and settle it:",
                one.quote
            ),
            format!("{program} recover {}", one.quote),
        );
    } else if !unknown.is_empty() {
        advise(
            format!(
                "{} outcomes are unknown; to see what was sent and settle them:",
                unknown.len()
            ),
            format!("{program} recover"),
        );
    }
    let lacking = report.lacking();
    if !lacking.is_empty() {
        let n = report.quotes.iter().filter(|q| !q.lacking.is_empty()).count();
        advise(
            format!(
                "{} for consent:",
                match n {
                    1 => "1 quote waits".to_owned(),
                    n => format!("{n} quotes wait"),
                }
            ),
            format!("{program} apply --allow {}", wording::effect_list(&lacking, ",")),
        );
    }
    if report.quotes.iter().any(|q| q.stale) {
        advise("stale quotes were left alone; look again:".to_owned(), format!("{program} plan"));
    }
    if report.interrupted {
        advise(
            "interrupted: what was done is recorded; to go on:".to_owned(),
            format!("{program} apply"),
        );
    } else if report.count(QuoteOutcome::Failed) > 0 {
        advise(
            "what failed had no effect or is recorded; it is safe to run again:".to_owned(),
            format!("{program} apply"),
        );
    }
}
