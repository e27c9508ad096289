//! The command `recover`: requests whose outcome is unknown, explained and settled.
//!
//! Most of them settle themselves: the next apply looks for the stamps of creations, and repeats
//! what can be repeated. What is left here is what no machine may decide: a message that may have
//! gone out, and a creation on a provider that gives no way to look.

use std::fmt::Write as _;

use super::applying;
use super::args::Global;
use super::{Ending, connect, open, program};
use crate::apply::records::{self, Receipt};
use crate::apply::replay::OpenStep;
use crate::desired::WantedState;
use crate::facts::Path;
use crate::failure::{Failure, Kind};
use crate::key::{QuoteName, RemoteId};
use crate::output::failure_human::diagnostics_human;
use crate::output::printer::Printer;
use crate::output::text::safe;
use crate::plan::decide::state_fingerprint;
use crate::plan::diff::STATE;
use crate::provider::state::State;
use crate::provider::step::Effect;

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
    printer.say(&diagnostics_human(&run.opened.notes, printer.look_err()));
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
        printer.data(&match quote.filter(|_| !run.open_steps().is_empty()) {
            Some(quote) => format!(
                "nothing to recover of {}; other quotes have requests whose outcome is unknown: `{} recover`\n",
                safe(quote),
                program(global)
            ),
            None => "nothing to recover: the outcome of every request is known\n".to_owned(),
        });
        return Ok(None);
    }
    if adopt.is_none() && !absent {
        printer.data(&explain(global, &run, &open));
        return Ok(Some(Kind::Unknown));
    }
    let id = adopt.map(|id| {
        RemoteId::parse(id)
            .ok_or_else(|| Failure::new(Kind::Invalid, format!("`{}` cannot be an id", safe(id))))
    });
    let id = id.transpose()?;
    if let Some(id) = &id {
        check_adoption(&run, &open, id)?;
    }
    // What was sent just now may still be on its way: "absent" would be true for a moment only.
    let stop = global.machine.stop_token();
    applying::let_land(&run, &stop).await;
    if stop.is_cancelled() {
        return Ok(Some(Kind::Interrupted));
    }
    settle(&run, &open, id.as_ref()).await?;
    printer.data(&format!("settled; go on with `{} apply`\n", program(global)));
    Ok(None)
}

/// An id that is another quote's, or not the one that a changed quote has, is refused.
fn check_adoption(run: &applying::Run, open: &[&OpenStep], id: &RemoteId) -> Result<(), Failure> {
    let entries = &run.opened.lockfile.entries;
    for step in open {
        let Some(quote) = &step.intent.quote else { continue };
        let connection = &step.intent.connection;
        let other = entries
            .iter()
            .find(|(name, e)| *name != quote && e.connection == *connection && e.id == *id)
            .filter(|(name, e)| e.was.as_ref() != Some(quote) && !is_renamed(run, quote, name));
        if let Some((other, _)) = other {
            return Err(Failure::new(
                Kind::Ownership,
                format!(
                    "{id} on `{connection}` is the quote `{other}`, and cannot be `{quote}` too"
                ),
            )
            .help("look upstream for the id of the quote that was just made"));
        }
        let makes = step.intent.creates && step.intent.part.is_none();
        let old = entries.get(quote).filter(|e| makes && step.intent.revision > e.revision);
        if let Some(old) = old.filter(|e| e.id == *id || e.predecessor.as_ref() == Some(id)) {
            return Err(Failure::new(
                Kind::Ownership,
                format!("{id} is the quote that was to be replaced (`{quote}` is {})", old.id),
            )
            .help("look upstream for the id of the new quote, or say `--absent`"));
        }
        let changed = entries.get(quote).filter(|_| !step.intent.creates);
        if let Some(entry) = changed.filter(|e| e.id != *id) {
            return Err(Failure::new(
                Kind::Ownership,
                format!("`{quote}` is {} on `{connection}`, not {id}", entry.id),
            )
            .help(format!("say `--adopt {}` if the request was carried out", entry.id)));
        }
    }
    Ok(())
}

/// Whether a manifest says that one quote is the other under a new name.
fn is_renamed(run: &applying::Run, was: &QuoteName, now: &QuoteName) -> bool {
    run.opened.loaded.quotes.iter().any(|q| q.name == *now && q.was.as_ref() == Some(was))
}

fn explain(global: &Global, run: &applying::Run, open: &[&OpenStep]) -> String {
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
            "  {quote}: {} (connection {}, at {}{stamp})\n    {}",
            safe(&what),
            step.intent.connection,
            step.at,
            advice(run, step)
        );
    }
    let _ = write!(
        text,
        "\nWhat no machine can settle, you can, after looking upstream:\n\
         \x20 it is there:      {0} recover QUOTE --adopt ID\n\
         \x20 it is not there:  {0} recover QUOTE --absent\n",
        program(global)
    );
    text
}

/// Who settles it: a machine, where a look proves enough; else a person, who is told what for.
fn advice(run: &applying::Run, step: &OpenStep) -> &'static str {
    if step.intent.effects.iter().any(|e| e == "send") {
        return "a message is never sent twice on a guess: see upstream whether it went out, or ask the customer";
    }
    let name = &step.intent.connection;
    let connection = run.opened.workspace.connections.get(name);
    let dialect = connection.and_then(|c| connect::dialect(name, c).ok());
    match dialect {
        None => "its connection is not in the workspace: bring it back, or look upstream yourself",
        Some(d) if step.intent.creates && !d.proves_absence() => {
            "nothing here can look it up: see upstream whether there is a new quote for this customer"
        }
        Some(_) if step.intent.creates => "the next apply looks for its stamp and settles it",
        Some(_) => "the next apply reads the quote and goes on from what is there",
    }
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
        let sends = step.intent.effects.iter().any(|e| e == Effect::Send.word());
        if let Some(quote) = step.intent.quote.as_ref().filter(|_| sends && !step.intent.creates)
            && let Some(entry) = lockfile.entries.get_mut(quote).filter(|_| id.is_some())
        {
            // The upstream does not say that it was sent; the person's word stands in the record, so
            // that what is seen there counts as somebody's change and is not sent over.
            let sent = State::Plain(WantedState::Sent);
            entry.fields.insert(Path::new(STATE), state_fingerprint(quote, &sent));
            entry.state = Some(sent.word());
        }
        run.settle(step.run.clone(), receipt).await?;
    }
    run.opened.store.save(&lockfile)?;
    run.recorded(open).await?;
    Ok(())
}
