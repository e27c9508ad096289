//! From the standings of a quote's steps to its outcome.

use super::report::QuoteOutcome;
use super::schedule::Standing;
use crate::plan::model::{Action, QuotePlan};
use crate::provider::step::{Effects, Outcome, Step, Trouble, TroubleKind};

/// The outcome of one quote, with what went wrong and the consents that it lacks. `blocker` is
/// what stopped the whole connection, if anything did.
pub fn outcome_of(
    plan: &QuotePlan,
    steps: &[(&Step, &Standing)],
    blocker: Option<&Trouble>,
    interrupted: bool,
) -> (QuoteOutcome, Option<Trouble>, Effects) {
    let none = Effects::new();
    match plan.action {
        Action::Blocked => {
            let kind =
                if plan.ownership_conflict { TroubleKind::Ownership } else { TroubleKind::Refused };
            let mut trouble = Trouble::new(kind, plan.reason.clone().unwrap_or_default());
            trouble.help.clone_from(&plan.help);
            let outcome =
                if plan.unsettled { QuoteOutcome::Unknown } else { QuoteOutcome::Blocked };
            return (outcome, Some(trouble), none);
        }
        Action::Orphaned | Action::Unverifiable => return (QuoteOutcome::Skipped, None, none),
        _ => {}
    }
    let mut failed = None;
    let mut unknown = None;
    let mut lacking = Effects::new();
    let mut open = false;
    for (_, standing) in steps {
        match standing {
            Standing::Settled(Outcome::Applied(_)) => {}
            Standing::Settled(Outcome::Unknown(t)) => unknown = unknown.or(Some(t)),
            Standing::Settled(Outcome::Rejected(t) | Outcome::NotSent(t)) => {
                failed = failed.or(Some(t));
            }
            Standing::Waiting(effects) => lacking.extend(effects),
            Standing::Open | Standing::InFlight | Standing::Dropped => open = true,
        }
    }
    let interrupted_here = failed.is_some_and(|t| t.kind == TroubleKind::Interrupted);
    if let Some(trouble) = unknown {
        return (QuoteOutcome::Unknown, Some(trouble.clone()), none);
    }
    if let Some(trouble) = failed.filter(|t| t.kind == TroubleKind::Waiting) {
        return (QuoteOutcome::Waiting, Some(trouble.clone()), none);
    }
    if let Some(trouble) = failed.filter(|_| !interrupted_here) {
        return (QuoteOutcome::Failed, Some(trouble.clone()), none);
    }
    if interrupted && (open || interrupted_here) {
        let trouble = Trouble::new(TroubleKind::Interrupted, "interrupted before it was done")
            .help("run apply again; it goes on where it stopped");
        return (QuoteOutcome::Skipped, Some(trouble), none);
    }
    if open || interrupted_here {
        let trouble = blocker.cloned().unwrap_or_else(|| {
            Trouble::new(TroubleKind::Refused, "a step was never reached").help(
                "run apply again; if it stays so, it is a fault of proforma: please report it",
            )
        });
        return (QuoteOutcome::Failed, Some(trouble), none);
    }
    if !lacking.is_empty() {
        return (QuoteOutcome::Waiting, None, lacking);
    }
    if let Some(who) = &plan.waits_for {
        let trouble = Trouble::new(TroubleKind::Refused, format!("waits for {who}"));
        return (QuoteOutcome::Waiting, Some(trouble), none);
    }
    let outcome = if steps.is_empty() && !plan.action.is_pending() {
        QuoteOutcome::Unchanged
    } else {
        QuoteOutcome::Applied
    };
    (outcome, None, none)
}
