//! The command `lock`: the lockfile's care.

use super::applying::{self, Run};
use super::args::{Global, LockCommand};
use super::{Ending, lock_merge, lock_rebuild, open, program};
use crate::failure::{Failure, Kind};
use crate::key::QuoteName;
use crate::output::printer::Printer;
use crate::output::status_human::lock_human;
use crate::output::text::safe;

/// Runs one of its commands.
pub async fn run(global: &Global, command: &LockCommand, printer: &Printer) -> Ending {
    match command {
        LockCommand::List => {
            list(&open::open(global)?, printer);
            Ok(None)
        }
        LockCommand::Rebuild { overwrite } => lock_rebuild::run(global, *overwrite, printer).await,
        LockCommand::Merge { base, ours, theirs } => lock_merge::run(base, ours, theirs, printer),
        LockCommand::Mv { old, new } => rename(global, old, new, printer).await,
        LockCommand::Forget { quote } => forget(global, quote, printer).await,
    }
}

/// Opens the workspace to change an entry: what an earlier run did is recorded first, or a later
/// run would bring it back. `of` must have no request with an unknown outcome.
async fn begin(global: &Global, of: &[&str]) -> Result<Run, Failure> {
    let run = applying::begin(open::open(global)?, &[]).await?;
    let names = run.open_steps().iter().filter_map(|step| step.intent.quote.as_ref());
    let Some(name) = names.filter(|name| of.contains(&name.as_str())).min() else {
        return Ok(run);
    };
    let failure =
        Failure::new(Kind::Unknown, format!("a request of `{name}` has an unknown outcome")).help(
            format!(
                "settle it first: `{0} recover` explains, `{0} apply` settles what it can",
                program(global)
            ),
        );
    run.end().await?;
    Err(failure)
}

/// Takes an entry out of the lockfile.
async fn forget(global: &Global, quote: &str, printer: &Printer) -> Ending {
    let mut run = begin(global, &[quote]).await?;
    run.end().await?;
    let opened = &mut run.opened;
    let name = QuoteName::parse(quote);
    let entry = name.and_then(|name| opened.lockfile.entries.remove(&name));
    let Some(entry) = entry else {
        return Err(Failure::new(
            Kind::Invalid,
            format!("the lockfile has no quote `{}`", safe(quote)),
        )
        .help("`proforma lock list` shows what is recorded"));
    };
    opened.store.save(&opened.lockfile)?;
    printer.data(&format!(
        "forgotten: {} (it stays upstream on `{}` as {})\n",
        safe(quote),
        entry.connection,
        entry.id
    ));
    Ok(None)
}

/// Gives an entry another name. The stamp upstream and the fingerprints stay those of the earlier
/// name, which the entry keeps in `was` until the quote is stamped anew.
async fn rename(global: &Global, old: &str, new: &str, printer: &Printer) -> Ending {
    let mut run = begin(global, &[old, new]).await?;
    run.end().await?;
    let opened = &mut run.opened;
    let invalid = |what: String, help: &str| Failure::new(Kind::Invalid, what).help(help);
    let to = QuoteName::parse(new).ok_or_else(|| {
        invalid(format!("`{}` cannot be a quote's name", safe(new)), crate::key::NAME_RULE)
    })?;
    let from = QuoteName::parse(old).filter(|name| opened.lockfile.entries.contains_key(name));
    let Some(from) = from else {
        let what = format!("the lockfile has no quote `{}`", safe(old));
        return Err(invalid(what, "`proforma lock list` shows what is recorded"));
    };
    if from == to {
        return Err(invalid(format!("`{from}` already has that name"), "give another one"));
    }
    if opened.lockfile.entries.contains_key(&to) {
        return Err(invalid(
            format!("the lockfile already has a quote `{to}`"),
            "two quotes cannot have one name: `proforma lock forget` takes one of them out",
        ));
    }
    let Some(mut entry) = opened.lockfile.entries.remove(&from) else { return Ok(None) };
    let stamped = entry.was.take().unwrap_or_else(|| from.clone());
    entry.was = Some(stamped).filter(|name| *name != to);
    entry.generation = entry.generation.saturating_add(1);
    let id = entry.id.clone();
    opened.lockfile.entries.insert(to.clone(), entry);
    opened.store.save(&opened.lockfile)?;
    printer.data(&format!(
        "renamed: {from} is now {to} (id {id}); its next write upstream stamps it anew\n"
    ));
    let has = |name: &QuoteName| opened.loaded.quotes.iter().any(|q| q.name == *name);
    if !has(&to) {
        printer.say(&format!(
            "hint: no manifest says `quote: {to}` yet{}\n",
            if has(&from) {
                format!("; change it in the manifest of `{from}`")
            } else {
                String::new()
            }
        ));
    }
    Ok(None)
}

fn list(opened: &open::Opened, printer: &Printer) {
    if printer.is_json() {
        let quotes: Vec<_> = opened
            .lockfile
            .entries
            .iter()
            .map(|(name, e)| {
                serde_json::json!({
                    "quote": name, "connection": e.connection, "provider": e.provider,
                    "id": e.id, "state": e.state, "generation": e.generation,
                    "revision": e.revision, "protect": e.protect, "stamp": e.stamp,
                    "predecessor": e.predecessor, "from": e.from, "links": e.links, "total": e.total,
                })
            })
            .collect();
        let document = serde_json::json!({
            "format": 1, "kind": "lock", "workspace": opened.workspace.name, "quotes": quotes,
        });
        printer.data(&crate::output::json::document(&document));
        return;
    }
    printer.data(&lock_human(&opened.lockfile, printer.look(), printer.links()));
}
