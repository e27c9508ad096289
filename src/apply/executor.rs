//! The executor: carries out a plan and decides nothing again.
//!
//! Order of every write: intent on disk (fsync), request, receipt on disk, ledger. The lockfile is
//! replaced at checkpoints and at the end; between two checkpoints the journal holds the truth.
//!
//! Invariants:
//! - A creation whose outcome is unknown is looked for by its stamp before anything else; found is
//!   adopted, proven absent is made again, neither ends that quote with `unknown`.
//! - A read-back that does not find what was planned fails the quote before it is published.
//! - One quote's failure touches no other quote.
//! - With a canary, nothing of the other quotes is begun before its verdict.
//! - After the first Ctrl-C nothing new starts, what is in flight is recorded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::canary::{self, Canary, Verdict};
use super::events::{Event, Listener};
use super::fence::Fence;
use super::flight::Flight;
use super::journal::Journal;
use super::ledger::Ledger;
use super::report::Report;
use super::schedule::{Schedule, Standing};
use crate::desired::Quote;
use crate::failure::Failure;
use crate::key::{ConnectionName, QuoteName};
use crate::lockfile::Store;
use crate::plan::model::{Plan, QuotePlan};
use crate::provider::step::{Effects, Outcome, Step, Trouble, TroubleKind};
use crate::provider::{BatchClass, Dialect, Reader, Writer};

/// At most this many quotes in one read-back.
const READ_BACK_BATCH: usize = 100;
/// How often the lockfile is replaced during a long apply.
const CHECKPOINT: Duration = Duration::from_secs(2);

/// Connections whose quota is used up, with the upstream's word for it.
pub(super) type Exhausted = BTreeMap<ConnectionName, Trouble>;

/// One connection as the executor uses it.
pub struct Hand<'a> {
    /// Its provider.
    pub dialect: &'a dyn Dialect,
    /// Reads.
    pub reader: &'a dyn Reader,
    /// Writes.
    pub writer: &'a dyn Writer,
    /// How many requests may be in flight.
    pub parallelism: usize,
}

/// Everything an apply needs.
pub struct Apply<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The manifests, by name.
    pub quotes: BTreeMap<&'a QuoteName, &'a Quote>,
    /// The connections.
    pub hands: BTreeMap<ConnectionName, Hand<'a>>,
    /// Effects with consent.
    pub allowed: Effects,
    /// Quotes whose plan is stale, with the reason.
    pub stale: BTreeMap<QuoteName, String>,
    /// The journal.
    pub journal: &'a Journal,
    /// The lockfile's file.
    pub store: &'a Store,
    /// The lockfile in memory.
    pub ledger: Ledger,
    /// When the look that the plan rests on began, by the journal's clock: an old look is repeated
    /// before it is acted on.
    pub seen_at: jiff::Timestamp,
    /// Quotes that go first, and must be as planned before the others begin.
    pub canary: Option<Canary>,
    /// Who wants to know.
    pub listener: &'a dyn Listener,
    /// Fires on the first Ctrl-C.
    pub stop: CancellationToken,
}

impl<'a> Apply<'a> {
    /// Carries the plan out. An error means that the journal or the lockfile could not be
    /// written; what was done until then is in the journal.
    pub async fn run(mut self) -> Result<Report, Failure> {
        let started = Instant::now();
        let plan = self.plan;
        let plans: BTreeMap<&QuoteName, &QuotePlan> =
            plan.quotes.iter().map(|q| (&q.quote, q)).collect();
        let fence = Fence::new(&plan.workspace, self.ledger.lockfile().clone(), self.seen_at);
        let active = plan.quotes.iter().filter(|q| !self.stale.contains_key(&q.quote));
        let goes_first = |q: &&QuotePlan| self.canary.as_ref().is_none_or(|c| c.goes_first(q));
        let (first, rest): (Vec<&QuotePlan>, Vec<&QuotePlan>) = active.partition(goes_first);
        let mut prepared = BTreeSet::new();
        let mut schedules: Vec<Schedule<'a>> = Vec::new();
        let (mut failure, mut exhausted) = (None, Exhausted::new());
        let mut verdict = Verdict::default();
        for group in [first, rest] {
            let mut schedule = self.schedule(&group, &mut prepared);
            let over = failure.is_some() || self.stop.is_cancelled() || !verdict.failed.is_empty();
            if over {
                schedule.stop();
            } else if schedules.is_empty() || !group.is_empty() {
                for plan in &group {
                    self.ledger.prepare(plan);
                }
                let total = schedule.all().filter(|(_, s)| **s == Standing::Open).count();
                self.listener.on(&Event::Started {
                    plan: plan.id.clone(),
                    quotes: group.iter().filter(|q| q.action.is_pending()).count(),
                    steps: total,
                });
                let (failed, spent) = self.drive(&mut schedule, &plans, &fence, total).await;
                failure = failed;
                exhausted.extend(spent);
                if failure.is_none() && !self.stop.is_cancelled() && schedules.is_empty() {
                    verdict = self.judge(&schedule, &plans).await;
                }
            }
            schedules.push(schedule);
        }
        // Whoever lost the lock must not touch what another run writes now.
        self.journal.still_held()?;
        let recorded = fence.recorded().clone();
        self.give_up(&schedules, &plans, &recorded, fence.into_lost());
        let mut report = self.conclude(&schedules, &exhausted, verdict);
        report.interrupted = self.stop.is_cancelled();
        report.seconds = started.elapsed().as_secs_f64();
        let saved = self.ledger.save(self.store);
        if let Some(failure) = failure {
            return Err(failure);
        }
        self.journal.checkpoint(saved?).await?;
        // What is still unknown stays in the journal, for `recover`.
        self.journal.close().await?;
        self.listener.on(&Event::Finished { seconds: report.seconds });
        Ok(report)
    }

    /// The schedule of some quotes: what their connections need first, unless an earlier schedule
    /// has it, then their steps.
    fn schedule(
        &self,
        group: &[&'a QuotePlan],
        prepared: &mut BTreeSet<&'a ConnectionName>,
    ) -> Schedule<'a> {
        let used: BTreeSet<&'a ConnectionName> = group
            .iter()
            .filter(|q| !q.steps.is_empty())
            .map(|q| &q.connection)
            .filter(|c| !prepared.contains(c))
            .collect();
        let plan = self.plan;
        let steps = plan
            .preparations
            .iter()
            .filter(|p| used.contains(&p.connection))
            .chain(group.iter().flat_map(|q| &q.steps));
        let hands = &self.hands;
        let class = |step: &Step| {
            if step.is_read_back() {
                return BatchClass { key: "read back".to_owned(), max: READ_BACK_BATCH };
            }
            hands.get(&step.connection).map_or_else(
                || BatchClass { key: String::new(), max: 1 },
                |hand| hand.dialect.batch(step),
            )
        };
        let schedule = Schedule::new(steps, &class, &self.allowed);
        prepared.extend(used);
        schedule
    }

    /// The verdict on the canaries; without any, none is against going on.
    async fn judge(
        &self,
        schedule: &Schedule<'_>,
        plans: &BTreeMap<&QuoteName, &QuotePlan>,
    ) -> Verdict {
        let Some(canary) = &self.canary else { return Verdict::default() };
        let scene = canary::Scene {
            workspace: &self.plan.workspace,
            quotes: &self.quotes,
            plans,
            hands: &self.hands,
            lockfile: self.ledger.lockfile(),
        };
        canary::judge(canary, schedule, &scene).await
    }

    async fn drive(
        &mut self,
        schedule: &mut Schedule<'a>,
        plans: &BTreeMap<&QuoteName, &'a QuotePlan>,
        fence: &Fence<'_>,
        total: usize,
    ) -> (Option<Failure>, Exhausted) {
        let hands: BTreeMap<&ConnectionName, &Hand<'a>> = self.hands.iter().collect();
        let quotes = &self.quotes;
        let journal = self.journal;
        let listener = self.listener;
        let workspace = &self.plan.workspace;
        let parallelism =
            |name: &ConnectionName| hands.get(name).map_or(1, |hand| hand.parallelism);
        let mut flying = FuturesUnordered::new();
        let mut done = 0;
        let mut failure = None;
        let mut exhausted = Exhausted::new();
        let mut stopped = false;
        let mut saved = Instant::now();
        loop {
            while !stopped && let Some(batch) = schedule.next(&parallelism) {
                let steps: Vec<&'a Step> = batch.steps.iter().map(|i| schedule.step(*i)).collect();
                let Some(hand) = hands.get(&batch.connection).copied() else {
                    schedule.landed(&batch.connection);
                    for i in batch.steps {
                        schedule.settle(i, Outcome::NotSent(no_connection()));
                    }
                    continue;
                };
                if let Some(first) = steps.first() {
                    listener.on(&Event::Sent {
                        connection: batch.connection.clone(),
                        does: first.does.clone(),
                        steps: steps.len(),
                    });
                }
                let made = self.ledger.made_for(&steps);
                let entries = self.ledger.entries_for(&steps);
                let flight = Flight { hand, journal, listener, quotes, plans, workspace, fence };
                flying.push(async move { flight.go(batch, steps, made, entries).await });
            }
            if flying.is_empty() {
                break;
            }
            let landed = tokio::select! {
                // The stop first: else whatever lands meanwhile would start something new.
                biased;
                () = self.stop.cancelled(), if !stopped => {
                    stopped = true;
                    listener.on(&Event::Draining { in_flight: flying.len() });
                    schedule.stop();
                    continue;
                }
                landed = flying.next() => landed,
            };
            let Some(landed) = landed else { break };
            schedule.landed(&landed.batch.connection);
            for (receipt, i) in landed.receipts.into_iter().zip(&landed.batch.steps) {
                let step = schedule.step(*i);
                if landed.again.contains(i) && !stopped {
                    schedule.again(*i);
                    if !matches!(schedule.standing(*i), Standing::Settled(_)) {
                        continue;
                    }
                } else {
                    if let Outcome::Applied(id) = &receipt.outcome {
                        let plan = step.quote.as_ref().and_then(|q| plans.get(q)).copied();
                        self.ledger.applied(plan, step, id.as_ref());
                    }
                    if let Some(trouble) = quota(&receipt.outcome) {
                        // Every further request would only be refused.
                        exhausted.entry(landed.batch.connection.clone()).or_insert(trouble);
                        schedule.stop_connection(&landed.batch.connection);
                    }
                    schedule.settle(*i, receipt.outcome);
                }
                done += 1;
                if let Standing::Settled(outcome) = schedule.standing(*i) {
                    listener.on(&settled(step, outcome, done, total));
                }
            }
            for (quote, observed) in landed.seen {
                self.ledger.seen(&quote, &observed);
            }
            if let Some(found) = landed.failure {
                // The disk under the journal failed: nothing may leave any more.
                failure.get_or_insert(found);
                stopped = true;
                schedule.stop();
            }
            if saved.elapsed() > CHECKPOINT && failure.is_none() {
                saved = Instant::now();
                let steps = journal.still_held().and_then(|()| self.ledger.save(self.store));
                let recorded = match steps {
                    Ok(steps) => journal.checkpoint(steps).await,
                    Err(found) => Err(found),
                };
                if let Err(found) = recorded {
                    failure = Some(found);
                    stopped = true;
                    schedule.stop();
                }
            }
        }
        (failure, exhausted)
    }
}

fn quota(outcome: &Outcome) -> Option<Trouble> {
    match outcome {
        Outcome::Rejected(t) | Outcome::NotSent(t) if t.kind == TroubleKind::Quota => {
            Some(t.clone())
        }
        _ => None,
    }
}

fn no_connection() -> Trouble {
    Trouble::new(TroubleKind::Refused, "the connection of this step is not in the workspace")
}

fn settled(step: &Step, outcome: &Outcome, done: usize, of: usize) -> Event {
    let (word, detail) = match outcome {
        Outcome::Applied(_) => ("applied", None),
        Outcome::Rejected(t) => ("rejected", Some(t.message.clone())),
        Outcome::Unknown(t) => ("unknown", Some(t.message.clone())),
        Outcome::NotSent(t) => ("not_sent", Some(t.message.clone())),
    };
    Event::Settled {
        step: step.id.clone(),
        quote: step.quote.clone(),
        does: step.does.clone(),
        outcome: word,
        detail,
        done,
        of,
    }
}
