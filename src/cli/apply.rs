//! The command `apply`: plan, ask, carry out, report.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::applying::{self, Run};
use super::args::{ApplyArgs, Global};
use super::planning::{self, Planned};
use super::{Ending, open, program};
use crate::apply::canary::Canary;
use crate::apply::events::Listener;
use crate::disk;
use crate::failure::{Failure, Kind, Severity};
use crate::key::{ConnectionName, QuoteName};
use crate::output::apply_human::apply_human;
use crate::output::apply_json::apply_json;
use crate::output::events_file::{EventsFile, Listeners};
use crate::output::failure_human::diagnostics_human;
use crate::output::plan_human::{Next, plan_human, plan_summary};
use crate::output::printer::Printer;
use crate::output::progress::Progress;

/// Does what the plan says.
pub async fn run(global: &Global, args: &ApplyArgs, printer: &Printer) -> Ending {
    let opened = open::open(global)?;
    let stop = global.machine.stop_token();
    let run = applying::begin(opened, &args.allow).await?;
    applying::let_land(&run, &stop).await;
    let (mut planned, mut stale) = plan(&run, args, &stop).await?;
    let tell = |connection: &ConnectionName, wait: Duration| {
        printer.note(&format!(
            "waiting {} s: `{connection}` shows fresh quotes late, and this machine remembers no earlier run that may have made them\n",
            wait.as_secs().max(1)
        ));
    };
    if applying::let_appear(&run, &planned, tell, &stop).await {
        (planned, stale) = plan(&run, args, &stop).await?;
    }
    let told = planned.told();
    if args.plan.is_some() {
        // It was reviewed when it was saved.
        printer.page(|_| format!("Saved plan: {}\n", plan_summary(&planned.plan)));
    } else {
        let invalid = planned.refused() == Some(Kind::Invalid);
        let next = if invalid { Next::Mend } else { Next::Nothing };
        printer.page(|look| plan_human(&planned.plan, next, look));
    }
    if let Some(refused) = planned.refused() {
        let what =
            if refused == Kind::Invalid { "the plan has errors" } else { "a guardrail refused" };
        let kind = planned.kind().unwrap_or(refused);
        return Err(Failure::new(kind, format!("{what}; nothing was written")).with(told));
    }
    printer.say(&diagnostics_human(&told, printer.look_err()));
    let pending = planned.plan.quotes.iter().any(|q| q.action.is_pending());
    if pending && !args.auto_approve {
        approve(printer, run.opened.lockfile.entries.len())?;
    }
    let canary = args.canary.map(|share| Canary::choose(&planned.plan, &stale, share));
    if let Some(canary) = canary.as_ref().filter(|c| c.of > 0) {
        printer.say(&canary_first(canary));
    }
    let create = |path: &Path| {
        disk::refuse_links(path, &global.dir).map_err(|why| disk::unfit("events", path, &why))?;
        EventsFile::create(path)
    };
    let events = args.events.as_deref().map(create).transpose()?;
    let report = {
        let progress = Progress::new(printer);
        let mut listeners: Vec<&dyn Listener> = vec![&progress];
        listeners.extend(events.as_ref().map(|e| e as &dyn Listener));
        applying::carry_out(&run, &planned, stale, canary, &Listeners(listeners), &stop).await?
    };
    if let Some(events) = events {
        events.finish()?;
    }
    printer.say(&diagnostics_human(&report.diagnostics, printer.look_err()));
    if printer.is_json() {
        printer.data(&apply_json(&report));
    } else {
        printer.data(&apply_human(&report, &program(global), printer.look()));
    }
    Ok(report.kind())
}

/// Which quotes go first.
fn canary_first(canary: &Canary) -> String {
    let names: Vec<&str> = canary.quotes.iter().map(QuoteName::as_str).collect();
    let shown = names.iter().take(10).copied().collect::<Vec<_>>().join(", ");
    let more = names.len().saturating_sub(10);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("canary: {} of {} first: {shown}{more}\n", names.len(), canary.of)
}

async fn plan(
    run: &Run,
    args: &ApplyArgs,
    stop: &CancellationToken,
) -> Result<(Planned, BTreeMap<QuoteName, String>), Failure> {
    if args.plan.is_some() {
        return applying::revive(run, args, stop).await;
    }
    let parallelism = args.parallelism.map(usize::from);
    let planned =
        planning::plan(&run.opened, &args.shape, &run.consent, run.open_steps(), parallelism, stop)
            .await?;
    Ok((planned, BTreeMap::new()))
}

fn approve(printer: &Printer, recorded: usize) -> Result<(), Failure> {
    let question = if recorded == 0 { "Apply this first plan?" } else { "Apply this plan?" };
    // A document on stdout means that a program reads it, and programs are not asked.
    let answer = if printer.is_json() { None } else { applying::ask(question) };
    match answer {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new(Kind::Other, "not applied: the answer was no")),
        None => Err(Failure::new(
            Kind::Invalid,
            "apply has nobody to ask: standard input is not a terminal",
        )
        .help("review the plan, then run it with `--auto-approve`")),
    }
}

impl Planned {
    /// Everything that is to be said beside the plan, errors first.
    pub fn told(&self) -> Vec<crate::failure::Diagnostic> {
        let mut all = self.diagnostics.clone();
        all.extend(self.refusals.iter().cloned());
        all.sort_by_key(|d| match d.severity {
            Severity::Error => 0,
            Severity::Warning => 1,
            Severity::Note => 2,
        });
        all
    }
}
