//! The fence: a last look before a write, so that a run which wakes up late sees that it lost.
//!
//! Purpose: between the look that a plan was made from and its first write, minutes may pass (a
//! person thinks, a machine sleeps, a process is stopped), and another run may have written. No
//! upstream has a conditional write, so nothing upstream can refuse the late one. What is done
//! instead: a look is good for a short time only ([`FRESH`]); after it the quote is looked at
//! again right before its first write, and compared with what the plan was made from.
//!
//! Between its own writes a run leaves its own traces. There, after [`FRESH_BETWEEN`], every fact
//! must be either as the plan found it or as the plan wants it, and a part that is about to be
//! made must not be there; anything else is another hand's.
//!
//! Invariants: a quote that was lost once is not written again by this run. One look at a time, so
//! that two batches with steps of one quote cannot pass each other. Where an upstream cannot be
//! read, nothing is known and nothing is held up.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::executor::Hand;
use crate::desired::Quote;
use crate::key::{QuoteName, WorkspaceName};
use crate::lockfile::{Entry, Lockfile};
use crate::plan::decide::{ownership_of, sight_fingerprint};
use crate::plan::diff;
use crate::plan::model::{Action, QuotePlan};
use crate::provider::Made;
use crate::provider::step::{Located, Step, Trouble, TroubleKind};
use crate::provider::survey::{Ask, Observed, Sight};

/// How old a look may be before the first write of a quote.
const FRESH: SignedDuration = SignedDuration::from_secs(1);
/// How old a look may be between two writes of one run to one quote.
const FRESH_BETWEEN: SignedDuration = SignedDuration::from_secs(30);

/// What a fence is told of the run that it stands before.
pub(super) struct Batch<'b, 'a> {
    pub(super) hand: &'b Hand<'a>,
    pub(super) steps: &'b [&'a Step],
    pub(super) made: &'b Made,
    /// The entries of the batch's quotes as the run has them now.
    pub(super) entries: &'b BTreeMap<QuoteName, Entry>,
    pub(super) quotes: &'b BTreeMap<&'a QuoteName, &'a Quote>,
    pub(super) plans: &'b BTreeMap<&'b QuoteName, &'a QuotePlan>,
    pub(super) now: Timestamp,
}

/// Stands before all writes of one run.
pub(super) struct Fence<'w> {
    workspace: &'w WorkspaceName,
    /// What was recorded when the plan was made.
    recorded: Lockfile,
    seen_at: Timestamp,
    state: tokio::sync::Mutex<State>,
}

#[derive(Default)]
struct State {
    looked: BTreeMap<QuoteName, Timestamp>,
    wrote: BTreeSet<QuoteName>,
    lost: BTreeMap<QuoteName, Trouble>,
}

impl<'w> Fence<'w> {
    /// A fence of a plan whose look at the upstreams began at `seen_at`.
    pub(super) fn new(
        workspace: &'w WorkspaceName,
        recorded: Lockfile,
        seen_at: Timestamp,
    ) -> Self {
        Self { workspace, recorded, seen_at, state: tokio::sync::Mutex::default() }
    }

    /// What was recorded of a quote (or of the name that it had) when the plan was made.
    pub(super) fn recorded(&self) -> &Lockfile {
        &self.recorded
    }

    /// The quotes that were lost, and why.
    pub(super) fn into_lost(self) -> BTreeMap<QuoteName, Trouble> {
        self.state.into_inner().lost
    }

    /// Lets the batch's quotes pass, save for those it gives back: their steps must not be sent.
    pub(super) async fn pass(&self, batch: &Batch<'_, '_>) -> BTreeMap<QuoteName, Trouble> {
        let mut state = self.state.lock().await;
        let mut held = BTreeMap::new();
        let mut due: BTreeSet<&QuoteName> = BTreeSet::new();
        for quote in batch.steps.iter().filter_map(|s| s.quote.as_ref()) {
            if let Some(trouble) = state.lost.get(quote) {
                held.insert(quote.clone(), trouble.clone());
            } else if state.is_due(quote, self.seen_at, batch.now) {
                due.insert(quote);
            }
        }
        if !due.is_empty() {
            match self.look(&state, batch, &due).await {
                Ok(lost) => {
                    for quote in &due {
                        state.looked.insert((*quote).clone(), batch.now);
                    }
                    for (quote, trouble) in lost {
                        held.insert(quote.clone(), trouble.clone());
                        state.lost.insert(quote, trouble);
                    }
                }
                Err(trouble) => {
                    let mut trouble = trouble;
                    trouble.message = format!(
                        "not written, because the quote could not be looked at again: {}",
                        trouble.message
                    );
                    held.extend(due.iter().map(|q| ((*q).clone(), trouble.clone())));
                }
            }
        }
        for quote in batch.steps.iter().filter_map(|s| s.quote.as_ref()) {
            if !held.contains_key(quote) {
                state.wrote.insert(quote.clone());
            }
        }
        held
    }

    async fn look(
        &self,
        state: &State,
        batch: &Batch<'_, '_>,
        due: &BTreeSet<&QuoteName>,
    ) -> Result<BTreeMap<QuoteName, Trouble>, Trouble> {
        let mut lost = BTreeMap::new();
        let makes: Vec<&Step> = batch
            .steps
            .iter()
            .copied()
            .filter(|s| s.creates() && s.part.is_none())
            .filter(|s| s.quote.as_ref().is_some_and(|q| due.contains(q)))
            .collect();
        if !makes.is_empty() {
            let found = batch.hand.reader.locate(&makes, batch.made).await?;
            for (step, located) in makes.iter().zip(found) {
                if let (Located::Found(id), Some(quote)) = (located, &step.quote) {
                    let why = format!("somebody else has made it meanwhile (id {id})");
                    lost.insert(quote.clone(), overtaken(why));
                }
            }
        }
        let stand_ins: BTreeMap<&QuoteName, Entry> = due
            .iter()
            .filter_map(|quote| Some((*quote, self.stand_in(batch.plans.get(quote)?)?)))
            .collect();
        let asks: Vec<Ask<'_>> = due
            .iter()
            .filter_map(|quote| self.ask(state, batch, quote, stand_ins.get(quote)))
            .collect();
        if asks.is_empty() {
            return Ok(lost);
        }
        let survey = batch.hand.reader.survey(&asks, false).await?;
        for ask in &asks {
            let Some(plan) = batch.plans.get(ask.quote) else { continue };
            let sight = survey.sights.get(ask.quote);
            let trouble = match sight {
                None | Some(Sight::Unverifiable(_)) => None,
                Some(Sight::Foreign { why, .. }) => {
                    Some(Trouble::new(TroubleKind::Ownership, why.clone()).help(
                        "restore the lockfile entry from git, or take it out with `proforma lock forget`",
                    ))
                }
                // What was to be deleted is gone: our own earlier request, which landed late, or a
                // colleague who wanted the same.
                Some(Sight::Absent | Sight::Gone) if plan.action == Action::Delete => None,
                Some(Sight::Absent | Sight::Gone) => {
                    Some(overtaken("somebody removed the quote upstream meanwhile".to_owned()))
                }
                Some(Sight::Found(observed)) if state.wrote.contains(ask.quote) => {
                    other_hand(plan, ask.desired, observed, batch.steps).map(overtaken)
                }
                Some(Sight::Found(observed)) => {
                    let now = sight_fingerprint(ask.quote, observed);
                    (plan.basis.observed.as_ref() != Some(&now)).then(|| {
                        overtaken(
                            "somebody changed the quote upstream after this plan was made"
                                .to_owned(),
                        )
                    })
                }
            };
            if let Some(trouble) = trouble {
                lost.entry(ask.quote.clone()).or_insert(trouble);
            }
        }
        Ok(lost)
    }

    /// The question about a quote: before its first write as the plan asked it, later by the entry
    /// that the run itself has made. `None` = there is nothing to look at yet.
    fn ask<'q>(
        &'q self,
        state: &State,
        batch: &'q Batch<'_, '_>,
        quote: &'q QuoteName,
        stand_in: Option<&'q Entry>,
    ) -> Option<Ask<'q>> {
        let plan = batch.plans.get(quote)?;
        let desired = batch.quotes.get(quote).copied().filter(|_| plan.action != Action::Delete);
        if state.wrote.contains(quote) {
            let entry = batch.entries.get(quote)?;
            let recorded_as = entry.was.as_ref();
            return Some(Ask {
                workspace: self.workspace,
                quote,
                desired,
                entry: Some(entry),
                recorded_as,
            });
        }
        plan.basis.observed.as_ref()?;
        let own = self.recorded.entries.get(quote);
        let recorded_as = batch
            .quotes
            .get(quote)
            .and_then(|q| q.was.as_ref())
            .or(own.and_then(|e| e.was.as_ref()))
            .filter(|was| *was != quote);
        let entry = stand_in.or_else(|| self.entry_of(plan, recorded_as));
        Some(Ask { workspace: self.workspace, quote, desired, entry, recorded_as })
    }

    /// What was recorded of a quote, or of the name that it had, on the plan's connection.
    fn entry_of(&self, plan: &QuotePlan, recorded_as: Option<&QuoteName>) -> Option<&Entry> {
        let entries = &self.recorded.entries;
        entries
            .get(&plan.quote)
            .or_else(|| recorded_as.and_then(|was| entries.get(was)))
            .filter(|e| e.connection == plan.connection)
    }

    /// An entry for what the plan found in the place of a recorded quote: one that was made anew or
    /// replaced by a run whose lockfile did not arrive here. Only a look that resolves everything
    /// follows such a trail, and it was followed once; what is looked at again is where it ended.
    fn stand_in(&self, plan: &QuotePlan) -> Option<Entry> {
        let found = plan.id.as_ref()?;
        let entry = self.entry_of(plan, None).filter(|e| e.id != *found)?;
        let record = plan.record.as_ref()?;
        // The record of a replacement is of the quote that is still to be made.
        let to_come = u32::from(plan.action == Action::Replace);
        Some(Entry {
            id: found.clone(),
            revision: record.revision.saturating_sub(to_come),
            predecessor: Some(entry.id.clone()),
            ..entry.clone()
        })
    }
}

impl State {
    fn is_due(&self, quote: &QuoteName, seen_at: Timestamp, now: Timestamp) -> bool {
        let age = now.duration_since(*self.looked.get(quote).unwrap_or(&seen_at));
        let limit = if self.wrote.contains(quote) { FRESH_BETWEEN } else { FRESH };
        // A clock that was set back proves nothing about the age.
        age > limit || age.is_negative()
    }
}

fn overtaken(why: String) -> Trouble {
    Trouble::new(TroubleKind::Overtaken, why)
        .help("nothing of it was overwritten: bring manifests and lockfile up to date (`git pull`), then plan again")
}

/// What another hand did to a quote that this run is in the middle of, if anything.
fn other_hand(
    plan: &QuotePlan,
    desired: Option<&Quote>,
    observed: &Observed,
    steps: &[&Step],
) -> Option<String> {
    let desired = desired?;
    let old = plan.record.as_ref().map(|r| &r.parts);
    for step in steps.iter().filter(|s| s.quote.as_ref() == Some(&plan.quote) && s.creates()) {
        let Some(part) = &step.part else { continue };
        let Some(there) = observed.parts.get(part) else { continue };
        if old.and_then(|parts| parts.get(part)) != Some(there) {
            return Some(format!("somebody else has made `{part}` meanwhile (id {there})"));
        }
    }
    // A new object starts from nothing.
    let anew = matches!(plan.action, Action::Create | Action::Replace);
    let compared =
        diff::compare(&plan.quote, &plan.want, None, Some(&observed.facts), &ownership_of(desired));
    let strange = compared.changes.iter().find(|now| {
        let found = plan.changes.iter().find(|c| c.path == now.path);
        let as_found = found.is_some_and(|c| c.before == now.before);
        !(as_found || anew && now.before.is_none())
    })?;
    let value = strange.before.as_ref().map_or("nothing".to_owned(), |v| format!("`{v}`"));
    Some(format!(
        "somebody else writes this quote too: `{}` is {value}, which is neither what this run found nor what it wants",
        strange.path
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_good_for_a_short_time_and_a_clock_set_back_makes_it_none() {
        let quote = QuoteName::parse("q").unwrap();
        let at = |s: i64| Timestamp::from_second(1_000 + s).unwrap();
        let mut state = State::default();
        assert!(!state.is_due(&quote, at(0), at(1)));
        assert!(state.is_due(&quote, at(0), at(2)));
        assert!(state.is_due(&quote, at(0), at(-1)));
        state.looked.insert(quote.clone(), at(5));
        assert!(!state.is_due(&quote, at(0), at(6)));
        state.wrote.insert(quote.clone());
        assert!(!state.is_due(&quote, at(0), at(35)));
        assert!(state.is_due(&quote, at(0), at(36)));
    }
}
