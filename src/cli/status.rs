//! The command `status`: each quote as it is desired, recorded and observed.
//!
//! It reads upstream as `plan` does, with the same readers, and cannot write.

use super::args::{Global, Selection, Shape};
use super::planning::{self, Planned};
use super::{Ending, open};
use crate::http::calls_begun;
use crate::output::failure_human::diagnostics_human;
use crate::output::printer::Printer;
use crate::output::progress::reading;
use crate::output::status::{Row, Side, Source, Status, Verdict, status_json};
use crate::output::status_human::status_human;
use crate::plan::model::{Action, ChangeOrigin, QuotePlan};
use crate::provider::survey::Sight;

/// Reads upstream and shows the three sides.
pub async fn run(global: &Global, selection: &Selection, printer: &Printer) -> Ending {
    let mut opened = open::open(global)?;
    let stop = global.machine.stop_token();
    let consent = planning::standing_consent(&opened);
    let left = open::earlier_runs(&mut opened)?;
    let shape = Shape { selection: selection.clone(), ..Shape::default() };
    let work = planning::plan(&opened, &shape, &consent, &left.open, None, &stop);
    let planned = reading(printer, calls_begun, String::new, work).await?;
    let status = Status {
        workspace: opened.workspace.name.to_string(),
        rows: planned.plan.quotes.iter().map(|q| row(&opened, &planned, q)).collect(),
        requests: planned
            .accounts
            .iter()
            .map(|(name, account)| (name.clone(), account.reader.requests()))
            .collect(),
    };
    if printer.is_json() {
        printer.data(&status_json(&status, &planned.diagnostics));
    } else {
        printer.data(&status_human(&status, printer.look(), printer.links()));
    }
    printer.say(&diagnostics_human(&planned.diagnostics, printer.look_err()));
    Ok(planned.kind().filter(|kind| *kind != crate::failure::Kind::Guardrail))
}

fn row(opened: &open::Opened, planned: &Planned, quote: &QuotePlan) -> Row {
    let manifest = opened.loaded.quotes.iter().find(|q| q.name == quote.quote);
    let was = manifest.and_then(|m| m.was.as_ref());
    let entries = &opened.lockfile.entries;
    let entry = entries.get(&quote.quote).or_else(|| was.and_then(|was| entries.get(was)));
    let sight = planned.surveys.get(&quote.connection).and_then(|s| s.sights.get(&quote.quote));
    let observed = match sight {
        Some(Sight::Found(found)) => Some(Side {
            id: Some(found.id.to_string()),
            state: Some(found.state.word()),
            total: found.total,
        }),
        _ => None,
    };
    let mut links = entry.map(|e| e.links.clone()).unwrap_or_default();
    links.extend(quote.links.clone());
    if let Some(Sight::Found(found)) = sight {
        links.extend(found.links.clone());
    }
    Row {
        quote: quote.quote.to_string(),
        connection: quote.connection.to_string(),
        provider: quote.provider.clone(),
        title: quote.title.clone(),
        verdict: verdict(quote, sight),
        reason: quote.reason.clone().or_else(|| quote.waits_for.clone()),
        help: quote.help.clone(),
        desired: manifest.map(|m| Side {
            id: None,
            state: Some(m.state.map_or("draft", crate::desired::WantedState::word).to_owned()),
            total: quote.total_after,
        }),
        recorded: entry.map(|e| Side {
            id: Some(e.id.to_string()),
            state: e.state.clone(),
            total: e.total,
        }),
        ages: entry.map(|e| (e.generation, e.revision)).unwrap_or_default(),
        observed,
        changes: quote.changes.clone(),
        links,
        source: entry.and_then(|e| e.from.as_ref()).map(|from| {
            let other =
                entries.values().find(|e| e.connection == from.connection && e.id == from.id);
            Source {
                connection: from.connection.to_string(),
                id: from.id.to_string(),
                link: other.and_then(|e| e.links.get("quote").cloned()),
            }
        }),
    }
}

fn verdict(quote: &QuotePlan, sight: Option<&Sight>) -> Verdict {
    let of = |origin| quote.changes.iter().any(|c| c.origin == origin);
    match quote.action {
        Action::None if of(ChangeOrigin::Drift) => Verdict::Drift,
        Action::None => Verdict::InSync,
        Action::Create if matches!(sight, Some(Sight::Gone)) => Verdict::Gone,
        Action::Create => Verdict::New,
        Action::Update | Action::Replace if of(ChangeOrigin::Manifest) => Verdict::Changed,
        Action::Update | Action::Replace => Verdict::Drift,
        Action::Adopt => Verdict::Unrecorded,
        Action::Forget => Verdict::Gone,
        Action::Delete | Action::Orphaned => Verdict::Orphaned,
        Action::Blocked => Verdict::Blocked,
        Action::Unverifiable => Verdict::Unverifiable,
    }
}
