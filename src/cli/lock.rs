//! The command `lock`: the lockfile's care.

use std::fmt::Write as _;

use super::args::{Global, LockCommand};
use super::{Ending, open};
use crate::apply::workspace_lock::WorkspaceLock;
use crate::failure::{Failure, Kind};
use crate::key::QuoteName;
use crate::output::printer::Printer;
use crate::output::text::safe;

/// Runs one of its commands.
pub fn run(global: &Global, command: &LockCommand, printer: &Printer) -> Ending {
    let mut opened = open::open(global)?;
    match command {
        LockCommand::List => {
            list(&opened, printer);
            Ok(None)
        }
        LockCommand::Forget { quote } => {
            let _lock = WorkspaceLock::take(&opened.folder, &opened.machine.holder())?;
            opened.lockfile = opened.store.load(&opened.workspace.name)?;
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
    }
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
                    "predecessor": e.predecessor, "links": e.links, "total": e.total,
                })
            })
            .collect();
        let document = serde_json::json!({
            "format": 1, "kind": "lock", "workspace": opened.workspace.name, "quotes": quotes,
        });
        printer.data(&format!("{document:#}\n"));
        return;
    }
    let mut text = String::new();
    let width = opened.lockfile.entries.keys().map(|n| n.as_str().len()).max().unwrap_or(0);
    for (name, entry) in &opened.lockfile.entries {
        let link = entry.links.get("quote").map(|l| format!("  {}", safe(l))).unwrap_or_default();
        let state = entry.state.as_deref().unwrap_or("-");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{:<width$}  {}  {}  {}{link}",
            name.as_str(),
            entry.connection,
            entry.id,
            safe(state)
        );
    }
    if text.is_empty() {
        text.push_str("nothing is recorded\n");
    }
    printer.data(&text);
}
