//! What becomes of a quote that exists: its state, its lock, its provider's limits.
//!
//! Invariants: what a customer or an approver decided is a fact, shown and never repaired; a state
//! that fell behind without the manifest having changed is drift, shown and not repaired; a locked
//! or immutable quote is touched only as its manifest says.

use super::decide::{Case, Decision, block, state_change, wanted_state};
use super::model::{Action, ChangeOrigin, QuotePlan};
use crate::desired::{Quote, WantedState, WhenImmutable, WhenLocked};
use crate::key::Stamp;
use crate::provider::Dialect;
use crate::provider::state::{Move, State};
use crate::provider::survey::Observed;

/// Settles the state; false when the quote is blocked by it.
pub(super) fn settle_state(
    wanted: &State,
    observed: &Observed,
    dialect: &dyn Dialect,
    manifest_changed: bool,
    decision: &mut Decision,
) -> bool {
    let plan = &mut decision.plan;
    let editing = plan.changes.iter().any(|c| c.planned);
    if observed.state.is_decided() && editing {
        block(
            plan,
            format!("it is {} upstream: its content can no longer be changed", observed.state),
            "write what was agreed into the manifest, or make a new quote under another name",
        );
        return false;
    }
    let rejected = observed.state == State::Plain(WantedState::Rejected);
    match dialect.transition(Some(&observed.state), wanted) {
        Move::InPlace => true,
        Move::Write(_) if manifest_changed => {
            decision.state = Some(wanted.clone());
            true
        }
        Move::Write(_) => {
            plan.changes.push(state_change(
                Some(&observed.state),
                wanted,
                ChangeOrigin::Drift,
                false,
            ));
            plan.state_after = Some(observed.state.clone());
            if rejected {
                block(
                    plan,
                    "an approver rejected it, and the manifest has not changed since",
                    "change the manifest to answer the rejection; the quote is then submitted again",
                );
                return false;
            }
            plan.reason = Some(format!(
                "somebody moved it to `{}` upstream, and the manifest has not changed: shown, not repaired",
                observed.state
            ));
            plan.help = Some(format!(
                "write `state: {}` to accept it, or change the manifest to bring `{wanted}` back",
                observed.state
            ));
            true
        }
        Move::Wait(who) => {
            plan.changes.push(state_change(
                Some(&observed.state),
                wanted,
                ChangeOrigin::Manifest,
                false,
            ));
            plan.waits_for = Some(dialect.waits_for(observed).unwrap_or(who));
            true
        }
        Move::Refused(why) => {
            block(
                plan,
                format!("it is `{}` upstream, and cannot become `{wanted}`: {why}", observed.state),
                "ask for a state that can be reached; `proforma providers` lists them",
            );
            false
        }
    }
}

/// What nobody can write back is shown and not planned.
pub(super) fn show_drift(plan: &mut QuotePlan) {
    let mut shown = 0;
    for change in plan.changes.iter_mut().filter(|c| c.origin == ChangeOrigin::Drift) {
        shown += usize::from(change.planned);
        change.planned = false;
    }
    if shown > 0 && plan.reason.is_none() {
        plan.reason = Some(format!(
            "{shown} value{} changed upstream; the provider cannot edit a quote, so this is shown, not repaired",
            if shown == 1 { "" } else { "s" }
        ));
    }
}

/// A change of a quote that the provider cannot edit.
pub(super) fn settle_immutable(
    case: &Case<'_>,
    desired: &Quote,
    old: &str,
    decision: &mut Decision,
) {
    if desired.lifecycle.when_immutable == WhenImmutable::Fail {
        let count = decision.plan.changes.iter().filter(|c| c.planned).count();
        block(
            &mut decision.plan,
            format!(
                "the provider cannot edit a quote; {count} change{} cannot be written",
                if count == 1 { "" } else { "s" }
            ),
            format!(
                "set `lifecycle: {{ when_immutable: replace }}` to make a new quote in its place; {old}"
            ),
        );
        return;
    }
    decision.plan.action = Action::Replace;
    decision.plan.notices.push(old.to_owned());
    decision.revision += 1;
    decision.stamp = Stamp::new(case.workspace, case.quote, decision.revision, "");
    decision.state = Some(wanted_state(desired));
}

pub(super) fn settle_lock(
    case: &Case<'_>,
    desired: &Quote,
    observed: &Observed,
    decision: &mut Decision,
) {
    // Where the manifest leads out of the live state anyway, the unlock is what it asks for.
    let leaving = decision.state.as_ref().is_some_and(|s| !s.is_live());
    match desired.lifecycle.when_locked {
        _ if leaving => decision.unlock = true,
        WhenLocked::Fail => {
            let plan = &mut decision.plan;
            let count = plan.changes.iter().filter(|c| c.planned).count();
            block(
                plan,
                format!(
                    "it is `{}` upstream and therefore locked; {count} change{} cannot be written",
                    observed.state,
                    if count == 1 { "" } else { "s" }
                ),
                "set `lifecycle: { when_locked: unlock }` to take the link down, edit and publish again, or `revise` to put a new quote in its place",
            );
        }
        WhenLocked::Unlock => {
            decision.unlock = true;
            if decision.state.is_none() {
                decision.state = Some(return_state(desired, observed));
            }
        }
        WhenLocked::Revise => {
            decision.plan.action = Action::Replace;
            decision.revision += 1;
            decision.stamp = Stamp::new(case.workspace, case.quote, decision.revision, "");
            if decision.state.is_none() {
                decision.state = Some(return_state(desired, observed));
            }
            for change in &mut decision.plan.changes {
                change.planned = true;
            }
        }
    }
}

/// The state to return to after an unlock: what the manifest wants if that is live, else what was.
fn return_state(desired: &Quote, observed: &Observed) -> State {
    let wanted = wanted_state(desired);
    if wanted.is_live() { wanted } else { observed.state.clone() }
}
