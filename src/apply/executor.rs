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
//! - After the first Ctrl-C nothing new starts, what is in flight is recorded.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::events::{Event, Listener};
use super::fence::Fence;
use super::flight::Flight;
use super::journal::Journal;
use super::ledger::Ledger;
use super::outcome::outcome_of;
use super::report::{QuoteOutcome, QuoteReport, Report};
use super::schedule::{Schedule, Standing};
use crate::desired::Quote;
use crate::failure::Failure;
use crate::key::{ConnectionName, QuoteName};
use crate::lockfile::{Lockfile, Store};
use crate::plan::model::{Plan, QuotePlan};
use crate::provider::step::{Effects, Outcome, Step, Trouble, TroubleKind};
use crate::provider::{BatchClass, Dialect, Reader, Requests, Writer};

/// At most this many quotes in one read-back.
const READ_BACK_BATCH: usize = 100;
/// How often the lockfile is replaced during a long apply.
const CHECKPOINT: Duration = Duration::from_secs(2);

/// Connections whose quota is used up, with the upstream's word for it.
type Exhausted = BTreeMap<ConnectionName, Trouble>;

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
        let plans: BTreeMap<&QuoteName, &QuotePlan> =
            self.plan.quotes.iter().map(|q| (&q.quote, q)).collect();
        let active: Vec<&QuotePlan> =
            self.plan.quotes.iter().filter(|q| !self.stale.contains_key(&q.quote)).collect();
        let fence = Fence::new(&self.plan.workspace, self.ledger.lockfile().clone(), self.seen_at);
        for plan in &active {
            self.ledger.prepare(plan);
        }
        let used: std::collections::BTreeSet<&ConnectionName> =
            active.iter().filter(|q| !q.steps.is_empty()).map(|q| &q.connection).collect();
        let steps = self
            .plan
            .preparations
            .iter()
            .filter(|p| used.contains(&p.connection))
            .chain(active.iter().flat_map(|q| &q.steps));
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
        let mut schedule = Schedule::new(steps, &class, &self.allowed);
        let total = schedule.all().filter(|(_, s)| **s == Standing::Open).count();
        self.listener.on(&Event::Started {
            plan: self.plan.id.clone(),
            quotes: active.iter().filter(|q| q.action.is_pending()).count(),
            steps: total,
        });
        let (failure, exhausted) = self.drive(&mut schedule, &plans, &fence, total).await;
        // Whoever lost the lock must not touch what another run writes now.
        self.journal.still_held()?;
        let recorded = fence.recorded().clone();
        self.give_up(&schedule, &plans, &recorded, fence.into_lost());
        let mut report = self.conclude(&schedule, &exhausted);
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

    /// Quotes that the fence kept this run from: one that nothing was written to is stale, and its
    /// entry is as it was.
    fn give_up(
        &mut self,
        schedule: &Schedule<'_>,
        plans: &BTreeMap<&QuoteName, &'a QuotePlan>,
        recorded: &Lockfile,
        lost: BTreeMap<QuoteName, Trouble>,
    ) {
        let left = |standing: &Standing| {
            !matches!(standing, Standing::Settled(Outcome::Applied(_) | Outcome::Unknown(_)))
        };
        for (quote, trouble) in lost {
            let mut mine = schedule.all().filter(|(s, _)| s.quote.as_ref() == Some(&quote));
            if !mine.all(|(_, standing)| left(standing)) {
                continue;
            }
            let was = plans.get(&quote).and_then(|p| p.record.as_ref()?.was.as_ref());
            self.ledger.restore(recorded, std::iter::once(&quote).chain(was));
            if trouble.kind == TroubleKind::Overtaken {
                self.stale.insert(quote, trouble.message);
            }
        }
    }

    fn conclude(&mut self, schedule: &Schedule<'_>, exhausted: &Exhausted) -> Report {
        let mut standings: BTreeMap<&QuoteName, Vec<(&Step, &Standing)>> = BTreeMap::new();
        let mut failed_preparation: BTreeMap<&ConnectionName, Trouble> = BTreeMap::new();
        for (step, standing) in schedule.all() {
            match &step.quote {
                Some(quote) => standings.entry(quote).or_default().push((step, standing)),
                None => {
                    if let Standing::Settled(
                        Outcome::Rejected(t) | Outcome::Unknown(t) | Outcome::NotSent(t),
                    ) = standing
                    {
                        failed_preparation.entry(&step.connection).or_insert_with(|| t.clone());
                    }
                }
            }
        }
        let mut report = Report { plan: self.plan.id.clone(), ..Report::default() };
        for plan in &self.plan.quotes {
            let steps = standings.remove(&plan.quote).unwrap_or_default();
            let (outcome, error, lacking) = match self.stale.get(&plan.quote) {
                Some(why) => (
                    QuoteOutcome::Skipped,
                    Some(
                        Trouble::new(TroubleKind::Refused, format!("the plan is stale: {why}"))
                            .help("plan again"),
                    ),
                    Effects::new(),
                ),
                None => outcome_of(
                    plan,
                    &steps,
                    failed_preparation
                        .get(&plan.connection)
                        .or_else(|| exhausted.get(&plan.connection)),
                    self.stop.is_cancelled(),
                ),
            };
            let whole = matches!(outcome, QuoteOutcome::Applied | QuoteOutcome::Unchanged);
            if !self.stale.contains_key(&plan.quote) {
                self.ledger.conclude(plan, whole);
            }
            let entry = self.ledger.entry(&plan.quote);
            report.quotes.push(QuoteReport {
                quote: plan.quote.clone(),
                connection: plan.connection.clone(),
                action: plan.action,
                outcome,
                id: entry.map(|e| e.id.clone()).or_else(|| plan.id.clone()),
                links: entry.map_or_else(|| plan.links.clone(), |e| e.links.clone()),
                error,
                lacking,
                stale: self.stale.contains_key(&plan.quote),
            });
            self.listener.on(&Event::Quote { quote: plan.quote.clone(), outcome: outcome.word() });
        }
        for (connection, hand) in &self.hands {
            // Reader and writer share the account's wire: each is asked for its own kind.
            let read = hand.reader.requests().read;
            let write = hand.writer.requests().write;
            report.requests.insert(connection.clone(), Requests { read, write });
        }
        report
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
