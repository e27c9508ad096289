//! `plan --offline`: a plan from manifests and lockfile, without credentials and without the network.

use std::collections::BTreeMap;

use super::args::PlanArgs;
use super::open::Opened;
use super::planning::{self, Planned};
use super::{connect, holding};
use crate::apply::replay::OpenStep;
use crate::failure::{Failure, Kind};
use crate::plan::build::{self, Subject, Terms};
use crate::plan::model::{Action, Plan};
use crate::plan::offline;
use crate::provider::step::Effects;

/// Makes the plan. `open` are requests of earlier runs whose outcome is unknown.
pub fn plan(
    opened: &Opened,
    args: &PlanArgs,
    consent: &Effects,
    open: &[OpenStep],
) -> Result<Planned, Failure> {
    refuse(args)?;
    let shape = &args.shape;
    let overrides = planning::overrides(shape)?;
    let (subjects, mut diagnostics) = planning::chosen(opened, shape)?;
    let forsaken = holding::forsaken(opened, open, &mut diagnostics);
    let mut dialects = offline::Dialects::new();
    for (name, connection) in &opened.workspace.connections {
        dialects.insert(name.clone(), connect::dialect(name, connection)?);
    }
    let terms = Terms {
        prune: shape.prune,
        overrides,
        allowed: planning::standing_consent(opened),
        restamp: false,
    };
    let (mut plan, found) = offline::build(&opened.workspace.name, &subjects, &dialects, &terms);
    diagnostics.extend(found);
    hold_open(&mut plan, &subjects, open);
    holding::hold_shared(&mut plan, &subjects, opened);
    let refusals = planning::refusals(opened, &plan, consent);
    Ok(Planned {
        plan,
        diagnostics,
        refusals,
        forsaken,
        bearers: holding::bearers(&subjects, open),
        accounts: BTreeMap::new(),
        surveys: BTreeMap::new(),
        down: BTreeMap::new(),
        seen_at: opened.machine.now(),
    })
}

/// What needs a look upstream is refused, not ignored.
fn refuse(args: &PlanArgs) -> Result<(), Failure> {
    if args.out.is_some() {
        return Err(crate::plan::saved::offline());
    }
    if args.preview_prices {
        let what = "`--preview-prices` asks upstreams, and `--offline` asks none";
        return Err(Failure::new(Kind::Invalid, what).help("leave one of the two out"));
    }
    Ok(())
}

/// Of a quote with a request whose outcome is unknown, the lockfile is no witness.
fn hold_open(plan: &mut Plan, subjects: &[Subject<'_>], open: &[OpenStep]) {
    for step in open {
        let Some(bearer) = holding::bearer(subjects, step) else { continue };
        let Some(quote) = plan.quotes.iter_mut().find(|q| q.quote == *bearer) else { continue };
        quote.action = Action::Unverifiable;
        quote.changes.clear();
        (quote.total_before, quote.total_after) = (None, None);
        quote.reason = Some(format!(
            "an earlier run sent a request at {} whose outcome is not recorded yet",
            step.at
        ));
        quote.help = Some("run `proforma apply`, or `proforma recover`".to_owned());
    }
    plan.id = build::digest(plan);
}
