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
use super::journal::Journal;
use super::ledger::{Ledger, intent_of, receipt_of};
use super::report::{QuoteOutcome, QuoteReport, Report};
use super::schedule::{Batch, Schedule, Standing};
use super::verify::verify;
use crate::desired::Quote;
use crate::failure::Failure;
use crate::key::{ConnectionName, QuoteName};
use crate::lockfile::Store;
use crate::plan::model::{Action, Plan, QuotePlan};
use crate::provider::step::{
    Effects, Located, Operation, Outcome, Receipt, Step, Trouble, TroubleKind,
};
use crate::provider::survey::{Ask, Observed, Sight};
use crate::provider::{BatchClass, Dialect, Made, Reader, Requests, Writer};

/// At most this many quotes in one read-back.
const READ_BACK_BATCH: usize = 100;
/// How often the lockfile is replaced during a long apply.
const CHECKPOINT: Duration = Duration::from_secs(2);

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
    /// Who wants to know.
    pub listener: &'a dyn Listener,
    /// Fires on the first Ctrl-C.
    pub stop: CancellationToken,
}

struct Landed {
    batch: Batch,
    receipts: Vec<Receipt>,
    /// Creations proven absent: to be made again.
    again: Vec<usize>,
    seen: Vec<(QuoteName, Observed)>,
    failure: Option<Failure>,
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
        let failure = self.drive(&mut schedule, &plans, total).await;
        let mut report = self.conclude(&schedule);
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
        total: usize,
    ) -> Option<Failure> {
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
                let asks =
                    if batch.reads { self.ledger.entries_for(&steps) } else { BTreeMap::new() };
                let flight = Flight { hand, journal, listener, quotes, plans, workspace };
                flying.push(async move { flight.go(batch, steps, made, asks).await });
            }
            if flying.is_empty() {
                break;
            }
            let landed = tokio::select! {
                landed = flying.next() => landed,
                () = self.stop.cancelled(), if !stopped => {
                    stopped = true;
                    listener.on(&Event::Draining { in_flight: flying.len() });
                    schedule.stop();
                    continue;
                }
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
                let recorded = match self.ledger.save(self.store) {
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
        failure
    }

    fn conclude(&mut self, schedule: &Schedule<'_>) -> Report {
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
                    failed_preparation.get(&plan.connection),
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

fn outcome_of(
    plan: &QuotePlan,
    steps: &[(&Step, &Standing)],
    preparation: Option<&Trouble>,
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
        let trouble = preparation.cloned().unwrap_or_else(|| {
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

/// One batch on its way.
struct Flight<'f, 'a> {
    hand: &'f Hand<'a>,
    journal: &'f Journal,
    listener: &'f dyn Listener,
    quotes: &'f BTreeMap<&'a QuoteName, &'a Quote>,
    plans: &'f BTreeMap<&'f QuoteName, &'a QuotePlan>,
    workspace: &'f crate::key::WorkspaceName,
}

impl<'a> Flight<'_, 'a> {
    async fn go(
        self,
        batch: Batch,
        steps: Vec<&'a Step>,
        made: Made,
        entries: BTreeMap<QuoteName, crate::lockfile::Entry>,
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
        let mut answers: BTreeMap<_, _> = self
            .hand
            .writer
            .perform(&steps, &made)
            .await
            .into_iter()
            .map(|receipt| (receipt.step, receipt.outcome))
            .collect();
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
        let Ok(located) = self.hand.reader.locate(&asked, made).await else {
            return Vec::new();
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
        entries: &BTreeMap<QuoteName, crate::lockfile::Entry>,
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
                    Operation::Hubspot(_) | Operation::Dealhub(_) => None,
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
