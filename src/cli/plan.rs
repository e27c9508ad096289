//! The command `plan`.

use super::args::{Global, PlanArgs};
use super::{Ending, open, planning, program};
use crate::disk;
use crate::failure::Kind;
use crate::http::calls_begun;
use crate::output::failure_human::diagnostics_human;
use crate::output::plan_human::{Next, plan_human};
use crate::output::plan_json::plan_json;
use crate::output::printer::Printer;
use crate::output::progress::reading;
use crate::output::text::safe;
use crate::plan::saved;

/// Reads upstream and shows what apply would change.
pub async fn run(global: &Global, args: &PlanArgs, printer: &Printer) -> Ending {
    let mut opened = open::open(global)?;
    let stop = global.machine.stop_token();
    let consent = planning::standing_consent(&opened);
    let left = open::earlier_runs(&mut opened)?;
    let work = planning::plan(&opened, &args.shape, &consent, &left.open, None, &stop);
    let mut planned = reading(printer, calls_begun, work).await?;
    if args.preview_prices {
        planning::preview(&opened, &mut planned).await;
    }
    let told = planned.told();
    if printer.is_json() {
        printer.data(&plan_json(&planned.plan, &told));
    } else {
        let command = match &args.out {
            Some(file) => format!("{} apply {}", program(global), safe(&file.to_string_lossy())),
            None => format!("{} apply", program(global)),
        };
        let next = match (&args.out, planned.kind()) {
            (_, Some(Kind::Invalid)) => Next::Mend,
            // What is refused cannot be applied as it is.
            (_, Some(Kind::Guardrail | Kind::Ownership)) => Next::Nothing,
            (Some(_), _) => Next::Saved(&command),
            (None, _) => Next::Apply(&command),
        };
        printer.data(&plan_human(&planned.plan, next, printer.look()));
    }
    printer.say(&diagnostics_human(&told, printer.look_err()));
    let kind = planned.kind();
    if let Some(file) = &args.out {
        if kind == Some(Kind::Invalid) {
            printer.say("hint: the plan was not saved, because it has errors\n");
        } else {
            disk::refuse_links(file, &global.dir)
                .map_err(|why| disk::unfit("the plan", file, &why))?;
            saved::save(&planned.plan, file)?;
        }
    }
    let pending = planned.plan.quotes.iter().any(|q| q.action.is_pending());
    Ok(kind.or((pending && args.detailed_exitcode).then_some(Kind::Pending)))
}
