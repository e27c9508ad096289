//! The command `recover`: requests whose outcome is unknown, explained and settled.
//!
//! Most of them settle themselves: the next apply looks for the stamps of creations, and repeats
//! what can be repeated. What is left here is what no machine may decide: a message that may have
//! gone out, and a creation on a provider that gives no way to look.

use std::fmt::Write as _;

use super::applying;
use super::args::Global;
use super::{Ending, open, program};
use crate::apply::records::{self, Receipt};
use crate::apply::replay::OpenStep;
use crate::failure::{Failure, Kind};
use crate::key::RemoteId;
use crate::output::printer::Printer;
use crate::output::text::safe;

/// Explains, or settles one quote.
pub async fn run(
    global: &Global,
    quote: Option<&str>,
    adopt: Option<&str>,
    absent: bool,
    printer: &Printer,
) -> Ending {
    let opened = open::open(global)?;
    let run = applying::begin(opened, &[]).await?;
    let open: Vec<&OpenStep> = run
        .open_steps()
        .iter()
        .filter(|step| {
            quote.is_none_or(|q| step.intent.quote.as_ref().is_some_and(|n| n.as_str() == q))
        })
        .collect();
    if open.is_empty() {
        if let Some(quote) = quote.filter(|_| adopt.is_some() || absent) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("no request of `{}` has an unknown outcome", safe(quote)),
            ));
        }
        printer.data("nothing to recover: the outcome of every request is known\n");
        return Ok(None);
    }
    if adopt.is_none() && !absent {
        printer.data(&explain(global, &open));
        return Ok(Some(Kind::Unknown));
    }
    let id = adopt.map(|id| {
        RemoteId::parse(id)
            .ok_or_else(|| Failure::new(Kind::Invalid, format!("`{}` cannot be an id", safe(id))))
    });
    let id = id.transpose()?;
    settle(&run, &open, id.as_ref()).await?;
    printer.data(&format!("settled; go on with `{} apply`\n", program(global)));
    Ok(None)
}

fn explain(global: &Global, open: &[&OpenStep]) -> String {
    let mut text = String::from("Requests whose outcome is unknown:\n\n");
    for step in open {
        let quote = step.intent.quote.as_ref().map_or("(a preparation)", |q| q.as_str());
        let what = match (&step.intent.part, step.intent.creates) {
            (Some(part), true) => format!("create {part}"),
            (None, true) => "create the quote".to_owned(),
            _ if step.intent.effects.iter().any(|e| e == "send") => "send a message".to_owned(),
            _ => "change the quote".to_owned(),
        };
        let stamp = step.intent.stamp.as_ref().map(|s| format!(", stamp {s}")).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {quote}: {} (connection {}, at {}{stamp})",
            safe(&what),
            step.intent.connection,
            step.at
        );
    }
    let _ = write!(
        text,
        "\nThe next apply looks for the stamps by itself and settles what it can.\n\
         What it cannot settle, you can, after looking upstream:\n\
         \x20 it is there:      {0} recover QUOTE --adopt ID\n\
         \x20 it is not there:  {0} recover QUOTE --absent\n",
        program(global)
    );
    text
}

async fn settle(
    run: &applying::Run,
    open: &[&OpenStep],
    id: Option<&RemoteId>,
) -> Result<(), Failure> {
    let mut lockfile = run.opened.lockfile.clone();
    for step in open {
        let whole_quote = step.intent.creates && step.intent.part.is_none();
        let receipt = match id {
            Some(id) if whole_quote => Receipt::applied(step.intent.step.clone(), Some(id.clone())),
            Some(_) if !step.intent.creates => Receipt::applied(step.intent.step.clone(), None),
            _ => Receipt::new(step.intent.step.clone(), records::Outcome::NotSent),
        };
        crate::apply::fold::fold(&mut lockfile, &step.intent, &receipt);
        run.settle(step.run.clone(), receipt).await?;
    }
    run.opened.store.save(&lockfile)?;
    run.recorded(open).await?;
    Ok(())
}
