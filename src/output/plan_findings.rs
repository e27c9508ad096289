//! What a plan finds, as diagnostics at the manifest's lines: for annotations and code scanning.
//!
//! Invariants: everything that is an error, blocked, drifted, orphaned or waiting is among them,
//! gravest first; each names its quote. Values of customers are cut, not left out.

use std::collections::BTreeMap;

use super::wording;
use crate::desired::Quote;
use crate::failure::{Diagnostic, Severity};
use crate::key::QuoteName;
use crate::plan::model::{Action, Change, ChangeOrigin, Plan, QuotePlan};

/// Characters of a value.
const MOST_OF_A_VALUE: usize = 120;
/// Characters of a reason.
const MOST_OF_A_REASON: usize = 1_000;

/// The findings: what was `told` beside the plan, and what the plan says itself.
pub fn findings(plan: &Plan, told: &[Diagnostic], quotes: &[Quote]) -> Vec<Diagnostic> {
    let manifests: BTreeMap<&QuoteName, &Quote> = quotes.iter().map(|q| (&q.name, q)).collect();
    let mut all = told.to_vec();
    for quote in &plan.quotes {
        let manifest = manifests.get(&quote.quote).copied();
        of_quote(quote, manifest, &mut all);
    }
    // A stable sort: by gravity, and then as they came.
    all.sort_by_key(|d| d.severity);
    all
}

fn of_quote(quote: &QuotePlan, manifest: Option<&Quote>, all: &mut Vec<Diagnostic>) {
    let name = &quote.quote;
    let reason = wording::brief(quote.reason.as_deref().unwrap_or_default(), MOST_OF_A_REASON);
    let mut add = |mut found: Diagnostic, path: &str, help: Option<&String>| {
        found.place = manifest.and_then(|m| m.place(path));
        found.help = help.cloned();
        all.push(found.about(name));
    };
    let note = |found: Diagnostic| Diagnostic { severity: Severity::Note, ..found };
    let help = quote.help.as_ref();
    // The first change says best where a block comes from.
    let cause = quote.changes.first().map_or("", |c| c.path.as_str());
    match quote.action {
        Action::Blocked if quote.ownership_conflict => add(
            Diagnostic::error("plan-foreign", format!("`{name}` is not touched: {reason}")),
            "",
            help,
        ),
        Action::Blocked if quote.unsettled => add(
            Diagnostic::error("plan-unsettled", format!("`{name}` is not touched: {reason}")),
            "",
            help,
        ),
        Action::Blocked => {
            add(
                Diagnostic::error("plan-blocked", format!("`{name}` is blocked: {reason}")),
                cause,
                help,
            );
        }
        Action::Orphaned => add(
            Diagnostic::warning("plan-orphaned", format!("`{name}` is orphaned: {reason}")),
            "",
            help,
        ),
        Action::Unverifiable => add(
            note(Diagnostic::warning("plan-unverifiable", format!("`{name}`: {reason}"))),
            "",
            help,
        ),
        _ => {}
    }
    for change in quote.changes.iter().filter(|c| c.origin == ChangeOrigin::Drift) {
        add(Diagnostic::warning("plan-drift", drift(quote, change)), change.path.as_str(), None);
    }
    if let Some(who) = &quote.waits_for {
        let who = wording::brief(who, MOST_OF_A_REASON);
        let message = format!("`{name}` waits for {who}");
        add(note(Diagnostic::warning("plan-waits", message)), "state", None);
    }
}

/// What somebody else changed, and what becomes of it.
fn drift(quote: &QuotePlan, change: &Change) -> String {
    let currency = wording::currency_of(quote);
    let said = |value: Option<&crate::facts::Value>| match value {
        Some(value) => {
            format!(
                "`{}`",
                wording::one_line(&wording::shown(&change.path, value, currency), MOST_OF_A_VALUE)
            )
        }
        None => "nothing".to_owned(),
    };
    let fate = if change.planned { "apply sets it back" } else { "shown, not repaired" };
    format!(
        "`{}` of `{}` was changed upstream: it is {}, the manifest says {}; {fate}",
        change.path,
        quote.quote,
        said(change.before.as_ref()),
        said(change.after.as_ref())
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures::plan;

    #[test]
    fn everything_that_needs_a_look_is_found_and_errors_come_first() {
        let told = [Diagnostic::warning("soon", "expires soon")];
        let all = findings(&plan(), &told, &[]);
        let count = |code: &str| all.iter().filter(|d| d.code == code).count();
        assert_eq!(count("plan-blocked"), 1);
        assert_eq!(count("plan-foreign"), 1);
        assert_eq!(count("plan-orphaned"), 1);
        assert_eq!(count("plan-waits"), 1);
        assert_eq!(count("plan-drift"), 4);
        assert_eq!(count("soon"), 1);
        assert!(all.is_sorted_by_key(|d| d.severity));
        let owner = all.iter().find(|d| d.message.contains("`owner`")).unwrap();
        assert!(
            owner.message.ends_with("it is `Jane`, the manifest says `Omar`; shown, not repaired"),
            "{}",
            owner.message
        );
    }
}
