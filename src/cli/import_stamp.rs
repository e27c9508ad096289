//! `import --stamp`: imported quotes get their stamps upstream.
//!
//! Purpose: the one part of an import that writes. It goes the way of every write: a plan (which here
//! asks for stamps alone), the journal, the writer, the read-back, the lockfile.
//!
//! Invariants: nothing but stamps is written, whatever else a manifest may ask for by now; a quote whose
//! state or provider allows none is told, and stays legal without.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;

use super::args::{Global, Selection, Shape};
use super::{applying, open, planning};
use crate::apply::report::QuoteOutcome;
use crate::failure::{Diagnostic, Failure, Kind};
use crate::key::{ConnectionName, QuoteName};
use crate::output::printer::Printer;
use crate::output::progress::Progress;
use crate::plan::build;

/// What became of the stamps.
#[derive(Debug, Default)]
pub struct Stamped {
    /// Quotes that carry one now.
    pub done: usize,
    /// Quotes that do not, and why.
    pub left: Vec<Diagnostic>,
    /// Why the run does not end in 0, if so.
    pub kind: Option<Kind>,
}

/// Stamps every quote of a connection that the lockfile knows without one.
pub async fn stamp(
    global: &Global,
    connection: &ConnectionName,
    printer: &Printer,
    stop: &CancellationToken,
) -> Result<Stamped, Failure> {
    let opened = open::open(global)?;
    let bare: BTreeSet<QuoteName> = opened
        .lockfile
        .entries
        .iter()
        .filter(|(_, e)| e.connection == *connection && e.stamp.is_none())
        .map(|(name, _)| name.clone())
        .collect();
    if bare.is_empty() {
        return Ok(Stamped::default());
    }
    let run = applying::begin(opened, &[]).await?;
    let shape = Shape {
        selection: Selection { only: vec![format!("connection={connection}")], except: Vec::new() },
        restamp: true,
        ..Shape::default()
    };
    let mut planned =
        planning::plan(&run.opened, &shape, &run.consent, run.open_steps(), None, stop).await?;
    let mut out = Stamped::default();
    let mut tell = |quote: &QuoteName, why: &str| {
        let message = format!("`{quote}` gets no stamp: {why}");
        let warning = Diagnostic::warning("import-not-stamped", message).about(quote);
        out.left.push(warning.help("it stays yours by its id in the lockfile: commit it"));
    };
    planned.plan.quotes.retain(|row| {
        if !bare.contains(&row.quote) {
            return false;
        }
        let only_stamps = !row.changes.iter().any(|c| c.planned);
        let waits = row.steps.iter().any(|s| !s.awaits.is_empty());
        match (row.steps.is_empty(), only_stamps && !waits) {
            (false, true) => return true,
            (false, false) => {
                tell(&row.quote, "its manifest asks for more; the next apply stamps it");
            }
            (true, _) => tell(
                &row.quote,
                row.reason.as_deref().unwrap_or("its state or its provider allows no edit"),
            ),
        }
        false
    });
    planned.plan.id = build::digest(&planned.plan);
    if planned.plan.quotes.is_empty() {
        return Ok(out);
    }
    let refused = planning::refusals(&run.opened, &planned.plan, &run.consent);
    if refused.iter().any(|d| d.severity == crate::failure::Severity::Error) {
        let what = "a guardrail refused the stamps; the quotes are imported without them";
        return Err(Failure::new(Kind::Guardrail, what).with(refused));
    }
    let progress = Progress::new(printer);
    let report =
        applying::carry_out(&run, &planned, BTreeMap::new(), None, &progress, stop).await?;
    out.done = report.count(QuoteOutcome::Applied);
    out.kind = report.kind();
    Ok(out)
}
