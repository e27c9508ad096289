//! The command `lock rebuild`: the lockfile anew from the stamps upstream.
//!
//! Purpose: after a lockfile was lost or broken. Every quote of the manifests at hand is looked for
//! by its stamp, as a plan would look with nothing recorded, and what was found is taken in with
//! its parts and with the fields that hold.
//!
//! Invariants: reads upstream and never writes there. A readable lockfile with quotes is touched
//! only when asked, and then loses no entry: what no stamp leads to is kept as it was, since an
//! entry that is forgotten means a second quote.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::args::{Global, Shape};
use super::open::Opened;
use super::planning::{self, Planned};
use super::{Ending, open};
use crate::apply::ledger::Ledger;
use crate::apply::workspace_lock::WorkspaceLock;
use crate::failure::{Failure, Kind};
use crate::key::QuoteName;
use crate::lockfile::{Entry, Lockfile};
use crate::output::diagnostics::one_line;
use crate::output::printer::Printer;
use crate::output::text::safe;
use crate::plan::model::QuotePlan;
use crate::provider::survey::Sight;

/// What became of the look-up of one quote.
enum Found {
    /// It carries our stamp.
    There,
    /// Looked for, and not there.
    NotThere,
    /// Could not be looked for.
    Unknown(String),
    /// The object behind it belongs to somebody else.
    Foreign(String),
}

/// Rebuilds.
pub async fn run(global: &Global, overwrite: bool, printer: &Printer) -> Ending {
    let mut opened = open::open_without_lockfile(global)?;
    let _lock = WorkspaceLock::take(&opened.folder, &opened.machine.holder())?;
    let old = earlier(&opened, overwrite)?;
    // Nothing is recorded for this look, so that every quote is found by its stamp alone.
    opened.lockfile = Lockfile::new(opened.workspace.name.clone());
    let stop = global.machine.stop_token();
    let consent = planning::standing_consent(&opened);
    let planned = planning::plan(&opened, &Shape::default(), &consent, &[], None, &stop).await?;
    if stop.is_cancelled() {
        return Ok(Some(Kind::Interrupted));
    }
    let mut ledger = Ledger::new(Lockfile::new(opened.workspace.name.clone()));
    let found = take_in(&opened, &planned, &mut ledger);
    let mut rebuilt = ledger.lockfile().clone();
    let kept = carry_over(&mut rebuilt, old);
    opened.store.overwrite(&rebuilt)?;
    printer.data(&report(&rebuilt, &found, &kept));
    for problem in &planned.diagnostics {
        printer.say(&format!("note: {}\n", one_line(problem)));
    }
    let any = |test: fn(&Found) -> bool| found.values().any(test);
    if any(|f| matches!(f, Found::Foreign(_))) {
        return Ok(Some(Kind::Ownership));
    }
    Ok(any(|f| matches!(f, Found::Unknown(_))).then_some(Kind::Partial))
}

/// The lockfile that is there, if it can be read; refuses to go on where that is not asked for.
fn earlier(opened: &Opened, overwrite: bool) -> Result<Option<Lockfile>, Failure> {
    match opened.store.load(&opened.workspace.name) {
        Ok(old) if old.entries.is_empty() => Ok(None),
        Ok(old) if overwrite => Ok(Some(old)),
        Ok(old) => Err(Failure::new(
            Kind::Invalid,
            format!("the lockfile is readable and records {} quotes", old.entries.len()),
        )
        .help("there is nothing to rebuild; to look for all stamps all the same, add `--overwrite`: entries that no stamp leads to are kept")),
        Err(failure) => {
            let healthy = |code: &str| matches!(code, "lockfile-newer" | "lockfile-workspace");
            let is_other = failure.diagnostics.iter().any(|d| healthy(d.code));
            let unreadable = failure.diagnostics.iter().any(|d| d.code == "lockfile-unreadable");
            if unreadable || is_other && !overwrite {
                return Err(failure);
            }
            Ok(None)
        }
    }
}

fn take_in(opened: &Opened, planned: &Planned, ledger: &mut Ledger) -> BTreeMap<QuoteName, Found> {
    let rows: BTreeMap<&QuoteName, &QuotePlan> =
        planned.plan.quotes.iter().map(|row| (&row.quote, row)).collect();
    let mut found = BTreeMap::new();
    for quote in &opened.loaded.quotes {
        let name = &quote.name;
        let account = planned.accounts.get(&quote.connection);
        let sight = planned.surveys.get(&quote.connection).and_then(|s| s.sights.get(name));
        let what = match (sight, account) {
            (Some(Sight::Found(observed)), Some(account)) => {
                let row = rows.get(name).copied();
                ledger.take_in(name, &quote.connection, account.dialect.name(), row, observed);
                Found::There
            }
            (Some(Sight::Foreign { why, .. }), _) => Found::Foreign(why.clone()),
            (Some(Sight::Unverifiable(why)), _) => Found::Unknown(why.clone()),
            (Some(Sight::Absent | Sight::Gone), Some(a)) if a.dialect.proves_absence() => {
                Found::NotThere
            }
            (Some(_), _) => {
                Found::Unknown("this connection cannot look quotes up by their stamp".to_owned())
            }
            (None, _) => Found::Unknown(planned.down.get(&quote.connection).map_or_else(
                || "it was not looked for".to_owned(),
                |trouble| trouble.message.clone(),
            )),
        };
        found.insert(name.clone(), what);
    }
    found
}

/// Brings what only the old lockfile knows into the new one, and gives the entries that were kept
/// as they were.
fn carry_over(rebuilt: &mut Lockfile, old: Option<Lockfile>) -> Vec<QuoteName> {
    let mut kept = Vec::new();
    for (name, old) in old.into_iter().flat_map(|l| l.entries) {
        // One object has one entry. A stamp of the name before a rename leads to the renamed quote.
        let same = |e: &Entry| (&e.connection, &e.id) == (&old.connection, &old.id);
        let mut all = rebuilt.entries.iter();
        let other = all.find(|(other, e)| **other != name && same(e)).map(|(n, _)| n.clone());
        if let Some(other) = other {
            if old.was.as_ref() != Some(&other) {
                continue;
            }
            rebuilt.entries.remove(&other);
        }
        let Some(entry) = rebuilt.entries.get_mut(&name) else {
            kept.push(name.clone());
            rebuilt.entries.insert(name, old);
            continue;
        };
        // A plan that was saved before must not hold again.
        entry.generation = old.generation.saturating_add(1);
        let same = (&entry.connection, &entry.id) == (&old.connection, &old.id);
        if same {
            entry.predecessor = entry.predecessor.take().or(old.predecessor);
        } else if entry.connection == old.connection && entry.revision > old.revision {
            entry.predecessor = Some(old.id);
        }
        entry.protect |= old.protect;
    }
    kept
}

fn report(rebuilt: &Lockfile, found: &BTreeMap<QuoteName, Found>, kept: &[QuoteName]) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    for (name, what) in found {
        let _ = match (what, rebuilt.entries.get(name)) {
            (Found::There, Some(entry)) => writeln!(
                text,
                "found           {name}  {}  {}  {}",
                entry.connection,
                entry.id,
                safe(entry.state.as_deref().unwrap_or("-"))
            ),
            (Found::There, None) | (Found::NotThere, Some(_)) => Ok(()),
            (Found::NotThere, None) => {
                writeln!(text, "not upstream    {name}: the next apply makes it")
            }
            (Found::Unknown(why), _) => writeln!(text, "not looked up   {name}: {}", safe(why)),
            (Found::Foreign(why), _) => writeln!(text, "not ours        {name}: {}", safe(why)),
        };
    }
    for name in kept {
        let _ = writeln!(text, "kept            {name}: no stamp leads to it, its entry stays");
    }
    let there = found.values().filter(|f| matches!(f, Found::There)).count();
    let unknown = found.values().filter(|f| matches!(f, Found::Unknown(_))).count();
    let _ =
        writeln!(text, "\nrebuilt: {there} of {} quotes were found by their stamps", found.len());
    if unknown > 0 {
        let _ = writeln!(
            text,
            "hint: before the next apply, make sure that the {unknown} quotes which could not be looked up are not upstream, or bring their entries back from git: a quote without an entry is made anew"
        );
    }
    text
}
