//! What an earlier run left in the journal.
//!
//! Purpose: from records to what the next run must do before anything else: bring applied steps
//! into the lockfile, and settle the steps whose outcome nobody knows.
//!
//! Invariants: pure. Every intent ends in exactly one place: settled without effect (rejected, not
//! sent), applied and recorded, [`Replay::applied`], or [`Replay::open`]. A step whose outcome is
//! unknown stays open over any number of runs until a receipt settles it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::apply::records::{Intent, Outcome, Receipt, Record, RunId, RunStart};
use crate::key::StepId;

/// What is left to do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Replay {
    /// Every run of the journal, oldest first.
    pub runs: Vec<RunStart>,
    /// Runs that did not end by themselves.
    pub broken_off: Vec<RunStart>,
    /// Applied steps that the lockfile may lack, in the order of their receipts.
    pub applied: Vec<AppliedStep>,
    /// Steps that may have been done, in the order of their intents.
    pub open: Vec<OpenStep>,
    /// Receipts of steps that no intent announced: lines were lost. A journal is not opened so.
    pub strays: Vec<(RunId, Receipt)>,
    /// Bytes of a torn last line that were dropped.
    pub torn: usize,
}

/// An applied step that the lockfile may lack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppliedStep {
    /// Its run.
    pub run: RunId,
    /// When its request was about to leave.
    pub at: Timestamp,
    /// What it was to do.
    pub intent: Intent,
    /// What came back.
    pub receipt: Receipt,
    /// When.
    pub answered: Timestamp,
}

impl From<AppliedStep> for OpenStep {
    /// For a step that nothing can be remembered by: only a look upstream says what holds now, as
    /// for a step whose outcome is unknown.
    fn from(step: AppliedStep) -> Self {
        let AppliedStep { run, at, intent, receipt, answered } = step;
        Self { run, at, intent, receipt: Some((answered, receipt)) }
    }
}

/// A step whose outcome is unknown.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenStep {
    /// Its run.
    pub run: RunId,
    /// When the request was about to leave: what a look-up's lag is counted from at the earliest.
    pub at: Timestamp,
    /// What it was to do.
    pub intent: Intent,
    /// The last receipt, with its time: it says unknown, or applied where nothing can be
    /// remembered by it; `None` after a kill.
    pub receipt: Option<(Timestamp, Receipt)>,
}

impl Replay {
    /// Whether nothing is left to do.
    pub fn is_settled(&self) -> bool {
        self.applied.is_empty() && self.open.is_empty() && self.strays.is_empty()
    }

    /// The records that say the same in fewest words: for a journal that must outlive its run.
    pub fn records(&self) -> Vec<Record> {
        let needed: BTreeSet<&RunId> = self
            .applied
            .iter()
            .map(|a| &a.run)
            .chain(self.open.iter().map(|o| &o.run))
            .chain(self.strays.iter().map(|(run, _)| run))
            .collect();
        let mut records = Vec::new();
        for start in self.runs.iter().filter(|r| needed.contains(&r.run)) {
            records.push(Record::Run(start.clone()));
        }
        // Before the intents, lest one of those takes them for its own.
        for (run, receipt) in &self.strays {
            let (run, at) = (run.clone(), Timestamp::UNIX_EPOCH);
            records.push(Record::Receipt { run, at, receipts: vec![receipt.clone()] });
        }
        for open in &self.open {
            let (run, at) = (open.run.clone(), open.at);
            records.push(Record::Intent { run: run.clone(), at, steps: vec![open.intent.clone()] });
            if let Some((at, receipt)) = &open.receipt {
                records.push(Record::Receipt { run, at: *at, receipts: vec![receipt.clone()] });
            }
        }
        for step in &self.applied {
            let (run, at) = (step.run.clone(), step.at);
            records.push(Record::Intent { run: run.clone(), at, steps: vec![step.intent.clone()] });
            let receipts = vec![step.receipt.clone()];
            records.push(Record::Receipt { run, at: step.answered, receipts });
        }
        for start in self.runs.iter().filter(|r| needed.contains(&r.run)) {
            if !self.broken_off.contains(start) {
                records.push(Record::End { run: start.run.clone() });
            }
        }
        records
    }
}

/// A step's life so far.
struct Track {
    /// Place in the order of intents.
    order: usize,
    at: Timestamp,
    intent: Intent,
    last: Option<(Timestamp, Receipt)>,
    /// Place in the order of receipts.
    answered: usize,
    recorded: bool,
}

/// Reads what is left to do out of the records of a journal.
pub fn replay(records: impl IntoIterator<Item = Record>) -> Replay {
    let mut out = Replay::default();
    let mut ended: BTreeSet<RunId> = BTreeSet::new();
    let mut tracks: BTreeMap<(RunId, StepId), Track> = BTreeMap::new();
    let mut order = 0;
    for record in records {
        order += 1;
        match record {
            Record::Run(start) => out.runs.push(start),
            Record::End { run } => {
                ended.insert(run);
            }
            Record::Intent { run, at, steps } => {
                for intent in steps {
                    let key = (run.clone(), intent.step.clone());
                    let track =
                        Track { order, at, intent, last: None, answered: 0, recorded: false };
                    // A step is announced again only after it was proven to have had no effect.
                    tracks.insert(key, track);
                }
            }
            Record::Receipt { run, at, receipts } => {
                for receipt in receipts {
                    match tracks.get_mut(&(run.clone(), receipt.step.clone())) {
                        Some(track) => {
                            track.last = Some((at, receipt));
                            track.answered = order;
                        }
                        None => out.strays.push((run.clone(), receipt)),
                    }
                }
            }
            Record::Recorded { run, steps } => {
                for step in steps {
                    if let Some(track) = tracks.get_mut(&(run.clone(), step)) {
                        track.recorded = true;
                    }
                }
            }
        }
    }
    out.broken_off = out.runs.iter().filter(|r| !ended.contains(&r.run)).cloned().collect();
    let mut applied = Vec::new();
    let mut open = Vec::new();
    for ((run, _), track) in tracks {
        let outcome = track.last.as_ref().map(|(_, receipt)| receipt.outcome);
        match (outcome, track.last) {
            (Some(Outcome::Rejected | Outcome::NotSent), _) => {}
            (Some(Outcome::Applied), Some((answered, receipt))) => {
                if !track.recorded {
                    let Track { at, intent, .. } = track;
                    let step = AppliedStep { run, at, intent, receipt, answered };
                    applied.push((track.answered, track.order, step));
                }
            }
            (_, receipt) => {
                let step = OpenStep { run, at: track.at, intent: track.intent, receipt };
                open.push((track.order, step));
            }
        }
    }
    // Stable: steps of one batch keep the order of their ids.
    applied.sort_by_key(|(answered, order, _)| (*answered, *order));
    open.sort_by_key(|(order, _)| *order);
    out.applied = applied.into_iter().map(|(_, _, step)| step).collect();
    out.open = open.into_iter().map(|(_, step)| step).collect();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{ConnectionName, WorkspaceName};
    use proptest::prelude::*;

    fn connection() -> ConnectionName {
        ConnectionName::parse("crm").unwrap()
    }

    fn start(plan: &str) -> RunStart {
        RunStart::new(plan, WorkspaceName::parse("w").unwrap(), Timestamp::UNIX_EPOCH, 1, "h")
    }

    fn step(n: usize) -> StepId {
        StepId::of_connection(&connection(), n)
    }

    fn at(second: usize) -> Timestamp {
        Timestamp::from_second(i64::try_from(second).unwrap()).unwrap()
    }

    fn intents(run: &RunId, second: usize, steps: &[usize]) -> Record {
        let intent = |n: &usize| Intent::new(step(*n), connection(), "hubspot");
        Record::Intent {
            run: run.clone(),
            at: at(second),
            steps: steps.iter().map(intent).collect(),
        }
    }

    fn receipt(run: &RunId, second: usize, n: usize, outcome: Outcome) -> Record {
        let receipts = vec![Receipt::new(step(n), outcome)];
        Record::Receipt { run: run.clone(), at: at(second), receipts }
    }

    #[test]
    fn an_unknown_step_can_be_settled_and_a_rejected_one_tried_again() {
        let run = start("p").run;
        let left = replay([
            intents(&run, 1, &[1, 2]),
            receipt(&run, 2, 1, Outcome::Unknown),
            receipt(&run, 2, 2, Outcome::Rejected),
            receipt(&run, 3, 1, Outcome::Applied),
            intents(&run, 4, &[2]),
        ]);
        assert_eq!(left.applied.len(), 1);
        assert_eq!((left.open.len(), left.open[0].at), (1, at(4)));
    }

    #[test]
    fn recorded_says_nothing_of_what_is_not_applied() {
        let run = start("p").run;
        let recorded = Record::Recorded { run: run.clone(), steps: vec![step(1), step(2)] };
        let left = replay([
            intents(&run, 1, &[1, 2]),
            receipt(&run, 2, 1, Outcome::Unknown),
            receipt(&run, 2, 2, Outcome::Applied),
            recorded,
        ]);
        assert_eq!((left.applied.len(), left.open.len()), (0, 1));
    }

    #[test]
    fn a_receipt_without_intent_is_told() {
        let run = start("p").run;
        let left = replay([receipt(&run, 1, 9, Outcome::Applied)]);
        assert_eq!(left.strays.len(), 1);
        assert!(!left.is_settled());
    }

    fn any_record() -> impl Strategy<Value = Record> {
        let run = prop_oneof![Just("p"), Just("q")].prop_map(start);
        (run, 0usize..6, 0usize..4, 1usize..100).prop_map(|(start, kind, n, second)| {
            let run = start.run.clone();
            match kind {
                0 => intents(&run, second, &[n, n + 1]),
                1 => receipt(&run, second, n, Outcome::Applied),
                2 => receipt(&run, second, n, Outcome::Unknown),
                3 => receipt(&run, second, n, Outcome::NotSent),
                4 => Record::Recorded { run, steps: vec![step(n)] },
                _ => Record::End { run },
            }
        })
    }

    proptest! {
        #[test]
        fn fewest_words_say_the_same(records in proptest::collection::vec(any_record(), 0..30)) {
            let runs = [Record::Run(start("p")), Record::Run(start("q"))];
            let left = replay(runs.into_iter().chain(records));
            let again = replay(left.records());
            prop_assert_eq!(&again.applied, &left.applied);
            prop_assert_eq!(&again.open, &left.open);
            prop_assert_eq!(&again.strays, &left.strays);
            let kept = |r: &RunStart| again.runs.contains(r);
            let broken: Vec<_> = left.broken_off.iter().filter(|r| kept(r)).cloned().collect();
            prop_assert_eq!(&again.broken_off, &broken);
        }
    }
}
