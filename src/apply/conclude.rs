//! The end of an apply: from where its steps stand to the report and the lockfile.
//!
//! Invariants: a quote that this run was kept from is recorded as it was before; one that was held
//! back by the canaries is neither recorded nor counted as done.

use std::collections::BTreeMap;

use super::canary::Verdict;
use super::events::Event;
use super::executor::{Apply, Exhausted};
use super::outcome::outcome_of;
use super::report::{QuoteOutcome, QuoteReport, Report};
use super::schedule::{Schedule, Standing};
use crate::failure::Diagnostic;
use crate::key::{ConnectionName, QuoteName};
use crate::lockfile::Lockfile;
use crate::money::Money;
use crate::plan::model::QuotePlan;
use crate::provider::Requests;
use crate::provider::step::{Effects, Outcome, Step, Trouble, TroubleKind};

impl<'a> Apply<'a> {
    /// Quotes that the fence kept this run from: one that nothing was written to is stale, and its
    /// entry is as it was.
    pub(super) fn give_up(
        &mut self,
        schedules: &[Schedule<'_>],
        plans: &BTreeMap<&QuoteName, &'a QuotePlan>,
        recorded: &Lockfile,
        lost: BTreeMap<QuoteName, Trouble>,
    ) {
        let left = |standing: &Standing| {
            !matches!(standing, Standing::Settled(Outcome::Applied(_) | Outcome::Unknown(_)))
        };
        for (quote, trouble) in lost {
            let mut mine = all_of(schedules).filter(|(s, _)| s.quote.as_ref() == Some(&quote));
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

    pub(super) fn conclude(
        &mut self,
        schedules: &[Schedule<'_>],
        exhausted: &Exhausted,
        verdict: Verdict,
    ) -> Report {
        let mut standings: BTreeMap<&QuoteName, Vec<(&Step, &Standing)>> = BTreeMap::new();
        let mut failed_preparation: BTreeMap<&ConnectionName, Trouble> = BTreeMap::new();
        for (step, standing) in all_of(schedules) {
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
        let held_back = verdict.held_back();
        let held = |plan: &QuotePlan| {
            let canary = self.canary.as_ref().filter(|c| !c.goes_first(plan));
            canary.and(held_back.clone())
        };
        for plan in &self.plan.quotes {
            let held = held(plan).filter(|_| !self.stale.contains_key(&plan.quote));
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
                None if held.is_some() => (QuoteOutcome::Skipped, held.clone(), Effects::new()),
                None => outcome_of(
                    plan,
                    &steps,
                    failed_preparation
                        .get(&plan.connection)
                        .or_else(|| exhausted.get(&plan.connection)),
                    self.stop.is_cancelled(),
                ),
            };
            let fine = matches!(
                outcome,
                QuoteOutcome::Applied | QuoteOutcome::Unchanged | QuoteOutcome::Waiting
            );
            let (outcome, error) = match verdict.failed.get(&plan.quote).filter(|_| fine) {
                Some(trouble) => (QuoteOutcome::Failed, Some(trouble.clone())),
                None => (outcome, error),
            };
            let whole = matches!(outcome, QuoteOutcome::Applied | QuoteOutcome::Unchanged);
            if !self.stale.contains_key(&plan.quote)
                && held.is_none()
                && let Some(there) = self.ledger.conclude(plan, whole)
            {
                report.diagnostics.push(differs(plan, there));
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
        report.canary = self.canary.is_some().then_some(verdict);
        for (connection, hand) in &self.hands {
            // Reader and writer share the account's wire: each is asked for its own kind.
            let read = hand.reader.requests().read;
            let write = hand.writer.requests().write;
            report.requests.insert(connection.clone(), Requests { read, write });
        }
        report
    }
}

/// Every value arrived, and the upstream makes another sum of them.
fn differs(plan: &QuotePlan, there: Money) -> Diagnostic {
    let planned = plan.total_after.map(|planned| format!(", and the plan said {planned}"));
    let message =
        format!("{}: upstream it comes to {there}{}", plan.quote, planned.unwrap_or_default());
    Diagnostic::warning("total-differs", message)
        .help("every value arrived as written: the account rounds or adds in another way. Look at the quote upstream before the customer does")
        .about(&plan.quote)
}

/// All steps of some schedules.
fn all_of<'s, 'p>(schedules: &'s [Schedule<'p>]) -> impl Iterator<Item = (&'p Step, &'s Standing)> {
    schedules.iter().flat_map(Schedule::all)
}
