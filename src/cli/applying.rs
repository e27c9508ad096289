//! What an apply does behind its command: the lock, the journal, an earlier run's remains, and
//! the executor.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::args::ApplyArgs;
use super::connect::{self, Account};
use super::open::{self, Opened};
use super::planning::{self, Planned};
use crate::apply::canary::Canary;
use crate::apply::events::Listener;
use crate::apply::executor::{Apply, Hand};
use crate::apply::fold::fold_all;
use crate::apply::journal::Journal;
use crate::apply::ledger::Ledger;
use crate::apply::records::{self, RunId, RunStart};
use crate::apply::replay::{OpenStep, Replay};
use crate::apply::report::{QuoteOutcome, QuoteReport, Report};
use crate::apply::state_folder;
use crate::apply::workspace_lock::WorkspaceLock;
use crate::failure::{Failure, Kind};
use crate::key::{ConnectionName, QuoteName};
use crate::plan::model::{Action, Plan, QuotePlan};
use crate::plan::saved;
use crate::provider::Writer;
use crate::provider::step::{Effect, Effects};
use crate::provider::survey::Sight;

/// The effects with consent: the flag, and what the workspace allows.
pub fn consent(opened: &Opened, allow: &[String]) -> Result<Effects, Failure> {
    let mut effects = planning::standing_consent(opened);
    for word in allow {
        if word == "all" {
            effects.extend(Effect::ALL);
        } else if let Some(effect) = Effect::parse(word) {
            effects.insert(effect);
        } else {
            return Err(Failure::new(
                Kind::Invalid,
                format!("`--allow {}`: there is no such effect", crate::output::text::safe(word)),
            )
            .help("effects are publish, send, bill, delete, final, or all"));
        }
    }
    Ok(effects)
}

/// What an apply works with from beginning to end; holds the workspace lock.
pub struct Run {
    /// The workspace.
    pub opened: Opened,
    /// Consent.
    pub consent: Effects,
    /// The journal.
    journal: Journal,
    /// Requests of earlier runs of which only a look upstream says what holds now.
    open: Vec<OpenStep>,
    /// Whether this machine remembers no earlier run.
    fresh: bool,
    _lock: WorkspaceLock,
}

/// Takes the lock, opens the journal and brings an earlier run's receipts into the lockfile.
pub async fn begin(mut opened: Opened, allow: &[String]) -> Result<Run, Failure> {
    let consent = consent(&opened, allow)?;
    let fresh = state_folder::is_fresh(&*opened.disk, &opened.folder);
    let lock = WorkspaceLock::take(&opened.folder, &opened.machine.holder())?;
    // Between opening and locking another run may have ended.
    opened.lockfile = opened.store.load(&opened.workspace.name)?;
    let file = open::journal_file(&opened);
    let (journal, Replay { applied, mut open, torn, .. }) = Journal::open(
        Arc::clone(&opened.disk),
        &opened.folder,
        file,
        &opened.workspace.name,
        opened.machine.clock(),
    )
    .await?;
    open::note_torn(&mut opened, torn);
    let lease = lock.lease();
    journal.ask_leave(Box::new(move || lease.still_held()));
    if !applied.is_empty() {
        let steps = applied.iter().map(|a| (a.intent.clone(), a.receipt.clone()));
        let left = fold_all(&mut opened.lockfile, steps);
        // Steps of two runs may have the same name: the whole of them is compared.
        let (left, recorded): (Vec<_>, Vec<_>) = applied
            .into_iter()
            .partition(|a| left.iter().any(|(i, r, _)| *i == a.intent && *r == a.receipt));
        opened.store.save(&opened.lockfile)?;
        let mut by_run: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for step in recorded {
            by_run.entry(step.run).or_default().push(step.intent.step);
        }
        for (run, steps) in by_run {
            journal.checkpoint_of(run, steps).await?;
        }
        open.extend(left.into_iter().map(OpenStep::from));
    }
    open::mind_renames(&mut opened, &open);
    Ok(Run { opened, consent, journal, open, fresh, _lock: lock })
}

impl Run {
    /// Requests of earlier runs whose outcome is unknown, or that nothing can be remembered by.
    pub fn open_steps(&self) -> &[OpenStep] {
        &self.open
    }

    /// Writes down what became of a step of an earlier run.
    pub async fn settle(&self, run: RunId, receipt: records::Receipt) -> Result<(), Failure> {
        self.journal.settle(run, vec![receipt]).await
    }

    /// Notes that the lockfile holds what these steps did, and ends the journal.
    pub async fn recorded(&self, steps: &[&OpenStep]) -> Result<(), Failure> {
        for step in steps {
            self.journal.checkpoint_of(step.run.clone(), vec![step.intent.step.clone()]).await?;
        }
        self.end().await
    }

    /// Ends the journal: what is left in it is for the next run.
    pub async fn end(&self) -> Result<(), Failure> {
        self.journal.close().await.map(drop)
    }
}

/// Waits until what an earlier run sent just before its end has landed or never will: a look at
/// once would take a creation for absent that is still on its way, and make it a second time.
pub async fn let_land(run: &Run, stop: &CancellationToken) {
    let now = run.opened.machine.now();
    let left = run.open_steps().iter().filter_map(|open| {
        let name = &open.intent.connection;
        let connection = run.opened.workspace.connections.get(name)?;
        let lag = connect::dialect(name, connection).ok()?.lag();
        Some(still_to_wait(open, lag, now))
    });
    if let Some(wait) = left.max().filter(|wait| !wait.is_zero()) {
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Waits until another machine's quotes must be visible, if this one remembers nothing and its
/// plan would pay for quotes that may be there already: a pipeline that was killed and started
/// again on another machine. `true` = time has passed, and the plan must be made again.
pub async fn let_appear(
    run: &Run,
    planned: &Planned,
    tell: impl FnOnce(&ConnectionName, Duration),
    stop: &CancellationToken,
) -> bool {
    if !run.fresh || !run.consent.contains(&Effect::Bill) {
        return false;
    }
    let now = run.opened.machine.now();
    let pays = |q: &&QuotePlan| {
        q.steps.iter().any(|s| s.creates() && s.part.is_none() && s.effects.contains(&Effect::Bill))
    };
    let hidden = planned.plan.quotes.iter().filter(pays).filter_map(|q| {
        let hides = planned.accounts.get(&q.connection)?.dialect.hides_fresh()?;
        let age = Duration::try_from(now.duration_since(planned.seen_at)).unwrap_or_default();
        Some((hides.saturating_sub(age), &q.connection))
    });
    let Some((wait, connection)) = hidden.max().filter(|(wait, _)| !wait.is_zero()) else {
        return false;
    };
    tell(connection, wait);
    tokio::select! {
        biased;
        () = tokio::time::sleep(wait) => {}
        () = stop.cancelled() => {}
    }
    true
}

/// The longest that a request leaves after its intent: what a call may take with all its attempts
/// and waits, and as much again for its last answer.
const LEAVES_WITHIN: Duration = Duration::from_mins(10);

/// How long until a request of a run that is over has landed. A receipt says when it had left at
/// the latest. Without one the run was killed, and the request may have been put off (by a limit,
/// by retries) until right before that, whatever the age of its intent.
fn still_to_wait(open: &OpenStep, lag: Duration, now: jiff::Timestamp) -> Duration {
    // A clock that was set back must not make anybody wait for longer than the lag.
    let since = |at| Duration::try_from(now.duration_since(at)).unwrap_or_default();
    match &open.receipt {
        Some((at, _)) => lag.saturating_sub(since(*at)),
        None => lag.min((LEAVES_WITHIN + lag).saturating_sub(since(open.at))),
    }
}

/// Loads a saved plan, looks again, and finds out which of its quotes are stale.
pub async fn revive(
    run: &Run,
    args: &ApplyArgs,
    stop: &CancellationToken,
) -> Result<(Planned, BTreeMap<QuoteName, String>), Failure> {
    let Some(path) = &args.plan else {
        return Err(Failure::new(Kind::Other, "there is no plan file"));
    };
    let mut plan = saved::load(path)?;
    if plan.workspace != run.opened.workspace.name {
        return Err(Failure::new(
            Kind::Invalid,
            format!(
                "the plan is of workspace `{}`, this is `{}`",
                plan.workspace, run.opened.workspace.name
            ),
        ));
    }
    let mut shape = args.shape.clone();
    shape.selection.only = plan.quotes.iter().map(|q| q.quote.to_string()).collect();
    shape.overrides.clone_from(&plan.overrides);
    shape.prune = plan.prune;
    let parallelism = args.parallelism.map(usize::from);
    let mut fresh =
        planning::plan(&run.opened, &shape, &run.consent, run.open_steps(), parallelism, stop)
            .await?;
    let manifests: BTreeMap<_, _> = run.opened.loaded.quotes.iter().map(|q| (&q.name, q)).collect();
    let mut stale = BTreeMap::new();
    // A row that only records something must not put back what a later run recorded.
    let acts = |q: &&crate::plan::model::QuotePlan| q.action.is_pending() || q.record.is_some();
    for quote in plan.quotes.iter().filter(acts) {
        let manifest = manifests.get(&quote.quote).copied();
        let entry = entry_of(&run.opened, quote);
        let sight: Option<&Sight> =
            fresh.surveys.get(&quote.connection).and_then(|s| s.sights.get(&quote.quote));
        if let Some(trouble) = fresh.down.get(&quote.connection) {
            let why = format!("the quote could not be read again: {}", trouble.message);
            stale.insert(quote.quote.clone(), why);
        } else if let Some(why) = saved::is_stale(quote, manifest, entry, sight) {
            stale.insert(quote.quote.clone(), why.to_owned());
        } else if saved::is_other(quote, fresh.plan.quotes.iter().find(|q| q.quote == quote.quote))
        {
            let why = "planned now, it would be done in another way: the file was changed, another version made it, or the account has changed";
            stale.insert(quote.quote.clone(), why.to_owned());
        }
    }
    // What an earlier run of this very plan may have done is not done again because the plan says
    // so: no fingerprint shows it.
    for quote in &mut plan.quotes {
        if let Some(held) = fresh.plan.quotes.iter().find(|q| q.unsettled && q.quote == quote.quote)
        {
            stale.remove(&quote.quote);
            quote.clone_from(held);
        }
    }
    fresh.refusals = planning::refusals(&run.opened, &plan, &run.consent);
    fresh.plan = Plan { requests: fresh.plan.requests, ..plan };
    Ok((fresh, stale))
}

fn entry_of<'o>(
    opened: &'o Opened,
    quote: &crate::plan::model::QuotePlan,
) -> Option<&'o crate::lockfile::Entry> {
    let was = quote.record.as_ref().and_then(|r| r.was.as_ref());
    let entries = &opened.lockfile.entries;
    entries.get(&quote.quote).or_else(|| was.and_then(|w| entries.get(w)))
}

/// Carries a plan out.
pub async fn carry_out(
    run: &Run,
    planned: &Planned,
    stale: BTreeMap<QuoteName, String>,
    canary: Option<Canary>,
    listener: &dyn Listener,
    stop: &CancellationToken,
) -> Result<Report, Failure> {
    let writers: BTreeMap<&ConnectionName, (&Account, Arc<dyn Writer>)> =
        planned.accounts.iter().map(|(name, a)| (name, (a, a.writer()))).collect();
    let hands = writers
        .iter()
        .map(|(name, (account, writer))| {
            let hand = Hand {
                dialect: &*account.dialect,
                reader: &*account.reader,
                writer: &**writer,
                parallelism: account.concurrency,
            };
            ((*name).clone(), hand)
        })
        .collect();
    let holder = run.opened.machine.holder();
    let start = RunStart::new(
        planned.plan.id.clone(),
        run.opened.workspace.name.clone(),
        holder.started,
        holder.pid,
        holder.host,
    );
    run.journal.begin(start).await?;
    settle_open(run, planned).await?;
    let apply = Apply {
        plan: &planned.plan,
        quotes: run.opened.loaded.quotes.iter().map(|q| (&q.name, q)).collect(),
        hands,
        allowed: run.consent.clone(),
        stale,
        journal: &run.journal,
        store: &run.opened.store,
        ledger: Ledger::new(run.opened.lockfile.clone()),
        seen_at: planned.seen_at,
        canary,
        listener,
        stop: stop.clone(),
    };
    let mut report = apply.run().await?;
    report.quotes.extend(forsaken(planned));
    Ok(report)
}

/// The rows of quotes that no plan looks at.
fn forsaken(planned: &Planned) -> impl Iterator<Item = QuoteReport> {
    planned.forsaken.iter().map(|(quote, left)| QuoteReport {
        quote: quote.clone(),
        connection: left.connection.clone(),
        action: Action::Orphaned,
        outcome: QuoteOutcome::Unknown,
        id: None,
        links: BTreeMap::new(),
        error: Some(left.trouble.clone()),
        lacking: Effects::new(),
        stale: false,
    })
}

/// Requests of an earlier run whose outcome was unknown: the live look at their quotes has settled
/// what became of them, save for messages, which leave no trace that proves their absence.
async fn settle_open(run: &Run, planned: &Planned) -> Result<(), Failure> {
    let looked_at: BTreeMap<&QuoteName, (Action, bool)> =
        planned.plan.quotes.iter().map(|q| (&q.quote, (q.action, q.unsettled))).collect();
    for OpenStep { run: of, intent, .. } in run.open_steps() {
        // A connection that did not answer has settled nothing.
        if planned.down.contains_key(&intent.connection) {
            continue;
        }
        let settled = intent.quote.as_ref().is_none_or(|quote| {
            looked_at
                .get(planned.bearers.get(quote).unwrap_or(quote))
                .is_some_and(|(action, unsettled)| *action != Action::Unverifiable && !unsettled)
        });
        if !settled {
            continue;
        }
        let mut receipt = records::Receipt::new(intent.step.clone(), records::Outcome::NotSent);
        receipt.detail = Some("settled by reading the quote again".to_owned());
        run.journal.settle(of.clone(), vec![receipt]).await?;
    }
    Ok(())
}

/// Asks a person on the terminal. `None` = there is nobody to ask.
pub fn ask(question: &str) -> Option<bool> {
    use std::io::{BufRead, Write};
    let input = std::io::stdin();
    if !input.is_terminal() || !std::io::stderr().is_terminal() {
        return None;
    }
    let mut err = std::io::stderr().lock();
    let _shown = write!(err, "{question} [y/N] ").and_then(|()| err.flush());
    let mut line = String::new();
    input.lock().read_line(&mut line).ok()?;
    Some(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::records::{Intent, Outcome, Receipt};
    use crate::key::{ConnectionName, StepId, WorkspaceName};
    use jiff::{SignedDuration, Timestamp};

    fn open(receipt_after: Option<i64>) -> OpenStep {
        let at = Timestamp::UNIX_EPOCH;
        let connection = ConnectionName::parse("crm").unwrap();
        let step = StepId::of_connection(&connection, 1);
        let workspace = WorkspaceName::parse("w").unwrap();
        OpenStep {
            run: RunStart::new("p", workspace, at, 1, "h").run,
            at,
            intent: Intent::new(step.clone(), connection, "hubspot"),
            receipt: receipt_after
                .map(|s| (at + SignedDuration::from_secs(s), Receipt::new(step, Outcome::Unknown))),
        }
    }

    #[test]
    fn an_old_intent_does_not_prove_that_its_request_left_long_ago() {
        let lag = Duration::from_secs(3);
        let wait = |receipt, now: i64| {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(now);
            still_to_wait(&open(receipt), lag, now).as_secs()
        };
        // Killed: it may have waited for a limit until the last moment.
        assert_eq!([wait(None, 0), wait(None, 100), wait(None, 600)], [3, 3, 3]);
        assert_eq!([wait(None, 602), wait(None, 603), wait(None, -50)], [1, 0, 3]);
        // Known to have left before its receipt.
        assert_eq!([wait(Some(100), 100), wait(Some(100), 102), wait(Some(100), 103)], [3, 1, 0]);
    }
}
