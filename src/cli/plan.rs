//! The command `plan`.

use super::args::{Global, PlanArgs};
use super::open::Opened;
use super::planning::Planned;
use super::{Ending, checkout, offline, open, planning, program};
use crate::disk;
use crate::failure::{Diagnostic, Kind};
use crate::http::calls_begun;
use crate::output::annotations::annotations;
use crate::output::failure_human::diagnostics_human;
use crate::output::plan_findings;
use crate::output::plan_html::plan_html;
use crate::output::plan_human::{Next, plan_human, plan_summary};
use crate::output::plan_json::plan_json;
use crate::output::plan_markdown::plan_markdown;
use crate::output::printer::{Format, Printer};
use crate::output::progress::reading;
use crate::output::sarif::sarif;
use crate::output::text::safe;
use crate::plan::saved;

/// Reads upstream and shows what apply would change.
pub async fn run(global: &Global, args: &PlanArgs, printer: &Printer) -> Ending {
    let mut opened = open::open(global)?;
    let stop = global.machine.stop_token();
    let consent = planning::standing_consent(&opened);
    let left = open::earlier_runs(&mut opened)?;
    let mut planned = if args.offline {
        offline::plan(&opened, args, &consent, &left.open)?
    } else {
        let work = planning::plan(&opened, &args.shape, &consent, &left.open, None, &stop);
        reading(printer, calls_begun, String::new, work).await?
    };
    if args.preview_prices {
        planning::preview(&opened, &mut planned).await;
    }
    let told = planned.told();
    show(global, args, &opened, &planned, &told, printer);
    // The runner reads both streams: a message would be annotated twice.
    if printer.format() != Format::Github {
        printer.say(&diagnostics_human(&told, printer.look_err()));
    }
    let kind = planned.kind();
    if let Some(file) = &args.out {
        if planned.refused() == Some(Kind::Invalid) {
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

/// Prints the plan in the format that was asked for.
fn show(
    global: &Global,
    args: &PlanArgs,
    opened: &Opened,
    planned: &Planned,
    told: &[Diagnostic],
    printer: &Printer,
) {
    let plan = &planned.plan;
    let findings = || plan_findings::findings(plan, told, &opened.loaded.quotes);
    let text = match printer.format() {
        Format::Json => plan_json(plan, told),
        Format::Markdown => {
            let offline = if args.offline { " --offline" } else { "" };
            plan_markdown(plan, told, &format!("{} plan{offline}", program(global)))
        }
        Format::Html => plan_html(plan, told),
        Format::Sarif => sarif(&findings(), &checkout::prefix(&global.dir), true),
        Format::Github => {
            annotations(&findings(), &checkout::prefix(&global.dir), &plan_summary(plan))
        }
        Format::Human => {
            let command = match &args.out {
                Some(file) => {
                    format!("{} apply {}", program(global), safe(&file.to_string_lossy()))
                }
                None => format!("{} apply", program(global)),
            };
            let next = match (&args.out, planned.kind()) {
                (_, Some(Kind::Invalid)) => Next::Mend,
                // What is refused cannot be applied as it is.
                (_, Some(Kind::Guardrail | Kind::Ownership)) => Next::Nothing,
                (Some(_), _) => Next::Saved(&command),
                (None, _) => Next::Apply(&command),
            };
            plan_human(plan, next, printer.look())
        }
    };
    printer.data(&text);
}
