//! One batch on its way: intent, request, look-up of what got lost, receipt; or a read-back.

use std::collections::BTreeMap;

use super::events::{Event, Listener};
use super::executor::Hand;
use super::fence::{self, Fence};
use super::journal::Journal;
use super::ledger::{intent_of, receipt_of};
use super::schedule::Batch;
use super::verify::verify;
use crate::desired::Quote;
use crate::failure::Failure;
use crate::key::{QuoteName, WorkspaceName};
use crate::lockfile::Entry;
use crate::plan::model::{Action, QuotePlan};
use crate::provider::Made;
use crate::provider::step::{Located, Operation, Outcome, Receipt, Step, Trouble, TroubleKind};
use crate::provider::survey::{Ask, Observed, Sight};

/// The way out of an outcome that is unknown, where nothing better is known.
const WHAT_TO_DO_WITH_UNKNOWN: &str =
    "run apply again: it looks upstream before it writes; `proforma recover` says what is open";

/// What came of a batch.
pub(super) struct Landed {
    pub(super) batch: Batch,
    pub(super) receipts: Vec<Receipt>,
    /// Creations proven absent: to be made again.
    pub(super) again: Vec<usize>,
    pub(super) seen: Vec<(QuoteName, Observed)>,
    pub(super) failure: Option<Failure>,
}

/// One batch on its way.
pub(super) struct Flight<'f, 'a> {
    pub(super) hand: &'f Hand<'a>,
    pub(super) journal: &'f Journal,
    pub(super) listener: &'f dyn Listener,
    pub(super) quotes: &'f BTreeMap<&'a QuoteName, &'a Quote>,
    pub(super) plans: &'f BTreeMap<&'f QuoteName, &'a QuotePlan>,
    pub(super) workspace: &'f WorkspaceName,
    pub(super) fence: &'f Fence<'f>,
}

impl<'a> Flight<'_, 'a> {
    /// Sends the batch and settles what can be settled.
    pub(super) async fn go(
        self,
        batch: Batch,
        steps: Vec<&'a Step>,
        made: Made,
        entries: BTreeMap<QuoteName, Entry>,
    ) -> Landed {
        if batch.reads {
            let (receipts, seen) = self.read_back(&steps, &entries).await;
            return Landed { batch, receipts, again: Vec::new(), seen, failure: None };
        }
        let intents: Vec<_> = steps
            .iter()
            .map(|step| {
                let plan = step.quote.as_ref().and_then(|q| self.plans.get(q)).copied();
                intent_of(step, plan, self.hand.dialect.name(), &made)
            })
            .collect();
        if let Err(failure) = self.journal.intent(intents).await {
            let receipts = steps.iter().map(|s| not_sent(s, &failure)).collect();
            return Landed {
                batch,
                receipts,
                again: Vec::new(),
                seen: Vec::new(),
                failure: Some(failure),
            };
        }
        // After the intent, so that as little time as can be lies between the look and the request.
        let held = self
            .fence
            .pass(&fence::Batch {
                hand: self.hand,
                steps: &steps,
                made: &made,
                entries: &entries,
                quotes: self.quotes,
                plans: self.plans,
                now: self.journal.now(),
            })
            .await;
        let held_up = |step: &Step| step.quote.as_ref().and_then(|q| held.get(q));
        let free: Vec<&'a Step> = steps.iter().copied().filter(|s| held_up(s).is_none()).collect();
        let sent =
            if free.is_empty() { Vec::new() } else { self.hand.writer.perform(&free, &made).await };
        let mut answers: BTreeMap<_, _> =
            sent.into_iter().map(|receipt| (receipt.step, receipt.outcome)).collect();
        for step in &steps {
            if let Some(trouble) = held_up(step) {
                answers.insert(step.id.clone(), Outcome::NotSent(trouble.clone()));
            }
        }
        let mut receipts: Vec<Receipt> = steps
            .iter()
            .map(|step| Receipt {
                step: step.id.clone(),
                outcome: answers.remove(&step.id).unwrap_or_else(|| {
                    Outcome::Unknown(Trouble::new(
                        TroubleKind::Network,
                        "the upstream did not say what became of it",
                    ))
                }),
            })
            .collect();
        let again = self.look_up(&batch, &steps, &made, &mut receipts).await;
        for receipt in &mut receipts {
            if let Outcome::Unknown(trouble) = &mut receipt.outcome {
                trouble.help.get_or_insert_with(|| WHAT_TO_DO_WITH_UNKNOWN.to_owned());
            }
        }
        let journaled: Vec<_> = receipts.iter().map(receipt_of).collect();
        let failure = self.journal.receipt(journaled).await.err();
        Landed { batch, receipts, again, seen: Vec::new(), failure }
    }

    /// Settles creations with an unknown outcome by their stamp.
    async fn look_up(
        &self,
        batch: &Batch,
        steps: &[&'a Step],
        made: &Made,
        receipts: &mut [Receipt],
    ) -> Vec<usize> {
        let lost: Vec<usize> = (0..steps.len())
            .filter(|k| steps[*k].creates() && matches!(receipts[*k].outcome, Outcome::Unknown(_)))
            .collect();
        if lost.is_empty() {
            return Vec::new();
        }
        for k in &lost {
            self.listener.on(&Event::LookingUp {
                step: steps[*k].id.clone(),
                quote: steps[*k].quote.clone(),
            });
        }
        tokio::time::sleep(self.hand.dialect.lag()).await;
        let asked: Vec<&Step> = lost.iter().map(|k| steps[*k]).collect();
        let located = match self.hand.reader.locate(&asked, made).await {
            Ok(located) => located,
            Err(failed) => {
                for k in lost {
                    let mut trouble = trouble_of(&receipts[k].outcome);
                    trouble.message =
                        format!("{}; looking for it failed: {}", trouble.message, failed.message);
                    receipts[k].outcome = Outcome::Unknown(trouble);
                }
                return Vec::new();
            }
        };
        let mut again = Vec::new();
        for (k, found) in lost.into_iter().zip(located) {
            match found {
                Located::Found(id) => receipts[k].outcome = Outcome::Applied(Some(id)),
                Located::Absent => {
                    let why = trouble_of(&receipts[k].outcome);
                    receipts[k].outcome = Outcome::NotSent(why);
                    again.push(batch.steps[k]);
                }
                Located::CannotTell(why) => {
                    let mut trouble = trouble_of(&receipts[k].outcome);
                    trouble.message = format!("{}; {why}", trouble.message);
                    trouble.help = Some("`proforma recover` says what to do".to_owned());
                    receipts[k].outcome = Outcome::Unknown(trouble);
                }
            }
        }
        again
    }

    async fn read_back(
        &self,
        steps: &[&'a Step],
        entries: &BTreeMap<QuoteName, Entry>,
    ) -> (Vec<Receipt>, Vec<(QuoteName, Observed)>) {
        let asks: Vec<Ask<'_>> = steps
            .iter()
            .filter_map(|step| step.quote.as_ref())
            .map(|quote| Ask {
                workspace: self.workspace,
                quote,
                desired: self.quotes.get(quote).copied().filter(|_| !self.deletes(quote)),
                entry: entries.get(quote),
                recorded_as: entries.get(quote).and_then(|e| e.was.as_ref()),
            })
            .collect();
        let survey = match self.hand.reader.survey(&asks, false).await {
            Ok(survey) => survey,
            Err(trouble) => {
                let outcome = |step: &&Step| Receipt {
                    step: step.id.clone(),
                    outcome: Outcome::NotSent(trouble.clone()),
                };
                return (steps.iter().map(outcome).collect(), Vec::new());
            }
        };
        let mut seen = Vec::new();
        let receipts = steps
            .iter()
            .map(|step| {
                let expected = match &step.operation {
                    Operation::ReadBack { state } => state.as_ref(),
                    _ => None,
                };
                let plan = step.quote.as_ref().and_then(|q| self.plans.get(q)).copied();
                let sight: Option<&Sight> = step.quote.as_ref().and_then(|q| survey.sights.get(q));
                let verdict = plan.map_or(Ok(None), |plan| {
                    let desired = self
                        .quotes
                        .get(&plan.quote)
                        .copied()
                        .filter(|_| !self.deletes(&plan.quote));
                    verify(plan, desired, expected, sight, self.hand.dialect)
                });
                let outcome = match verdict {
                    Ok(observed) => {
                        if let (Some(plan), Some(observed)) = (plan, observed) {
                            seen.push((plan.quote.clone(), observed));
                        }
                        Outcome::Applied(None)
                    }
                    Err(trouble) => Outcome::Rejected(trouble),
                };
                Receipt { step: step.id.clone(), outcome }
            })
            .collect();
        (receipts, seen)
    }

    fn deletes(&self, quote: &QuoteName) -> bool {
        self.plans.get(quote).is_some_and(|p| p.action == Action::Delete)
    }
}

fn trouble_of(outcome: &Outcome) -> Trouble {
    match outcome {
        Outcome::Rejected(t) | Outcome::Unknown(t) | Outcome::NotSent(t) => t.clone(),
        Outcome::Applied(_) => Trouble::new(TroubleKind::Network, "no answer"),
    }
}

fn not_sent(step: &Step, failure: &Failure) -> Receipt {
    Receipt {
        step: step.id.clone(),
        outcome: Outcome::NotSent(Trouble::new(
            TroubleKind::Refused,
            format!("not sent, because the journal cannot be written: {}", failure.message),
        )),
    }
}
