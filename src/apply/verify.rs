//! The read-back: did everything arrive?
//!
//! Upstreams drop values in silence. After a write the object is read again and compared with the
//! plan's facts; every value that is not there is trouble that names the field. A quote that fails
//! here is not published.

use crate::desired::Quote;
use crate::key::QuoteName;
use crate::plan::decide::ownership_of;
use crate::plan::diff;
use crate::plan::model::{Action, QuotePlan};
use crate::provider::Dialect;
use crate::provider::state::{Move, State};
use crate::provider::step::{Trouble, TroubleKind};
use crate::provider::survey::{Observed, Sight};

/// Compares what was read back with what the plan promised.
pub fn verify(
    plan: &QuotePlan,
    desired: Option<&Quote>,
    expected: Option<&State>,
    sight: Option<&Sight>,
    dialect: &dyn Dialect,
) -> Result<Option<Observed>, Trouble> {
    let Some(desired) = desired else { return verify_gone(plan, sight) };
    let observed = match sight {
        Some(Sight::Found(observed)) => observed,
        Some(Sight::Foreign { why, .. }) => {
            return Err(Trouble::new(TroubleKind::Ownership, why.clone()));
        }
        Some(Sight::Unverifiable(_)) => return Ok(None),
        Some(Sight::Absent | Sight::Gone) | None => {
            return Err(Trouble::new(
                TroubleKind::Refused,
                "the quote was written, but cannot be read back: it is not there",
            )
            .help("run plan to see what is there now"));
        }
    };
    let missing = missing_values(&plan.quote, plan, desired, observed);
    if !missing.is_empty() {
        return Err(Trouble::new(TroubleKind::Refused, missing.join("; ")).help(
            "the upstream accepted the request but does not hold the value: check the account's settings, workflows and field options, then run plan again",
        ));
    }
    if let Some(state) = expected
        && !matches!(dialect.transition(Some(&observed.state), state), Move::InPlace)
    {
        return Err(Trouble::new(
            TroubleKind::Refused,
            format!("the state `{state}` did not arrive: upstream it is `{}`", observed.state),
        ));
    }
    Ok(Some((**observed).clone()))
}

fn verify_gone(plan: &QuotePlan, sight: Option<&Sight>) -> Result<Option<Observed>, Trouble> {
    match sight {
        Some(Sight::Found(_)) => Err(Trouble::new(
            TroubleKind::Refused,
            format!("`{}` was deleted, but it is still there", plan.quote),
        )),
        _ => Ok(None),
    }
}

fn missing_values(
    quote: &QuoteName,
    plan: &QuotePlan,
    desired: &Quote,
    observed: &Observed,
) -> Vec<String> {
    let mut ownership = ownership_of(desired);
    // What is ignored was left alone; only a creation set it.
    if plan.action == Action::Create {
        ownership.ignore.clear();
    }
    let compared = diff::compare(quote, &plan.want, None, Some(&observed.facts), &ownership);
    compared
        .changes
        .iter()
        .map(|change| match (&change.before, &change.after) {
            (Some(before), Some(after)) => format!(
                "`{}` did not arrive: wanted `{after}`, upstream has `{before}`",
                change.path
            ),
            (None, Some(after)) => {
                format!("`{}` did not arrive: wanted `{after}`, upstream has nothing", change.path)
            }
            (Some(before), None) => {
                format!("`{}` is still there: `{before}`", change.path)
            }
            (None, None) => format!("`{}` differs", change.path),
        })
        .collect()
}
