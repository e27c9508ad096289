//! A quote that is recorded and cannot be read back: the plan is made from what was recorded, and
//! says so.

use super::decide::{Case, Decision, block, ownership_of, record, state_fingerprint, wanted_state};
use super::diff::{self, Comparison};
use super::model::Action;
use super::order;
use super::settle::settle_immutable;
use crate::desired::Quote;
use crate::facts::{Facts, Path, Value};
use crate::provider::survey::Survey;
use crate::provider::{Dialect, Mutability};

/// A quote that is recorded and cannot be read: the plan is made from what was recorded.
pub(super) fn unread(
    case: &Case<'_>,
    desired: &Quote,
    why: &str,
    dialect: &dyn Dialect,
    survey: &Survey,
    decision: &mut Decision,
) {
    let nothing = std::collections::BTreeMap::new();
    let recorded = case.recorded_fields();
    let recorded = recorded.as_deref().unwrap_or(&nothing);
    let holds = |path: &Path, value: &Value| {
        recorded.get(path) == Some(&value.fingerprint(case.quote, path))
    };
    // What was recorded and is still wanted is taken to be there; nothing else is known.
    let taken: Facts = case
        .want
        .iter()
        .filter(|(path, value)| holds(path, value))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    let ownership = ownership_of(desired);
    let compared = diff::compare(case.quote, case.want, Some(recorded), Some(&taken), &ownership);
    let wanted = wanted_state(desired);
    // A creation that a person settled has no recorded state: it was made in the wanted one.
    let state_recorded = recorded.get(&Path::new(diff::STATE));
    let state_moved = state_recorded.is_some_and(|s| *s != state_fingerprint(case.quote, &wanted));
    decision.plan.action = Action::Unverifiable;
    decision.plan.reason = Some(why.to_owned());
    if !compared.manifest_changed && !state_moved {
        if case.was.is_some() || state_recorded.is_none() {
            // The new name, or the state, is written down with what is taken to hold.
            let mut renamed = record(case, desired, survey, decision, &compared, None);
            renamed.holds.insert(Path::new(diff::STATE), state_fingerprint(case.quote, &wanted));
            renamed.stamp = case.entry.and_then(|e| e.stamp.clone()).or(renamed.stamp);
            decision.plan.record = Some(renamed);
        }
        return;
    }
    decision.plan.changes.clone_from(&compared.changes);
    decision.plan.state_after = Some(wanted);
    match dialect.mutability() {
        Mutability::CreateOnly(old) => settle_immutable(case, desired, old, decision),
        Mutability::Editable => block(
            &mut decision.plan,
            format!("the manifest has changed, but {why}"),
            "give the connection what it needs to read quotes back",
        ),
    }
    if decision.plan.action == Action::Replace {
        decision.active = true;
        decision.plan.total_after = dialect.total(case.want);
        let fresh = Comparison { releases: compared.releases, ..Comparison::default() };
        decision.plan.record = Some(record(case, desired, survey, decision, &fresh, None));
    }
    order::sort(&mut decision.plan.changes, case.want, None);
}
