//! The command `lock merge`: a merge driver for git.
//!
//! Invariants: works on the three files alone, in or outside a workspace. OURS is replaced whole
//! or not at all. Whatever cannot be joined ends with marks in OURS and a code that git takes for a
//! conflict (1 to 128), so that nothing unsettled looks settled.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Ending;
use crate::disk::{Disk, RealDisk};
use crate::failure::{Failure, Kind, SourceFile};
use crate::lockfile::model::Lockfile;
use crate::lockfile::{conflict, join, parse, text};
use crate::output::printer::Printer;

/// Joins the three.
pub fn run(base: &Path, ours: &Path, theirs: &Path, printer: &Printer) -> Ending {
    let disk = RealDisk::new();
    let ours = &absolute(ours)?;
    let [base, mine, other] = [base, ours, theirs].map(|path| read(&disk, path));
    let (base, mine, other) = (base?, mine?, other?);
    let parsed = [("base", &base), ("ours", &mine), ("theirs", &other)]
        .map(|(name, text)| parse_side(name, text));
    if let Some(Err(failure)) = parsed.iter().find(|side| side.is_err()) {
        write(&disk, ours, &conflict::whole(&mine, &other))?;
        let help = "both versions stand whole between conflict marks in the file: keep the one that is right, or move the file away and run `proforma lock rebuild`";
        return Err(Failure { help: Some(help.to_owned()), ..failure.clone() });
    }
    let [base, mine, other] = parsed.map(Result::unwrap_or_default);
    let known = mine.as_ref().or(other.as_ref()).or(base.as_ref());
    let Some(workspace) = known.map(|l| l.workspace.clone()) else {
        printer.data("joined: no branch has a lockfile\n");
        return Ok(None);
    };
    // Where a branch has no lockfile, git hands over an empty file.
    let or_empty = |side: Option<Lockfile>| side.unwrap_or(Lockfile::new(workspace.clone()));
    let (base, mine, other) = (or_empty(base), or_empty(mine), or_empty(other));
    let (merged, conflicts) = join(&base, &mine, &other);
    if conflicts.is_empty() {
        write(&disk, ours, &text::print(&merged))?;
        printer.data(&format!("joined: {} quotes\n", merged.entries.len()));
        return Ok(None);
    }
    write(&disk, ours, &conflict::print(&merged, &mine, &other, &conflicts))?;
    let mut message = format!(
        "the branches disagree on {} fact{} of the lockfile:",
        conflicts.len(),
        if conflicts.len() == 1 { "" } else { "s" }
    );
    for conflict in &conflicts {
        message.push_str("\n  ");
        message.push_str(&conflict.to_string());
    }
    Err(Failure::new(Kind::Other, message).help(
        "of each quote that they disagree on, keep one block between the marks and remove the other with the marks; all other quotes are joined. `proforma plan` then compares with the upstream",
    ))
}

/// git names the files relative to where it runs the driver.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path)
        .map_err(|e| Failure::new(Kind::Invalid, format!("`{}`: {e}", path.display())))
}

/// A file's text; without one, nothing.
fn read(disk: &RealDisk, path: &Path) -> Result<String, Failure> {
    let bytes = match disk.read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(e) => {
            return Err(Failure::new(
                Kind::Invalid,
                format!("cannot read {}: {e}", path.display()),
            ));
        }
    };
    String::from_utf8(bytes)
        .map_err(|_| Failure::new(Kind::Invalid, format!("{} is not text", path.display())))
}

/// A lockfile, or nothing where the branch has none.
fn parse_side(name: &str, text: &str) -> Result<Option<Lockfile>, Failure> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let source =
        Arc::new(SourceFile { path: format!("lockfile of {name}"), text: text.to_owned() });
    parse::parse(&source, None).map(Some)
}

fn write(disk: &RealDisk, path: &Path, text: &str) -> Result<(), Failure> {
    disk.replace(path, text.as_bytes()).map_err(|e| {
        Failure::new(Kind::Other, format!("cannot write {}: {e}", path.display()))
            .help("the file is as it was; give write access, then merge again")
    })
}
