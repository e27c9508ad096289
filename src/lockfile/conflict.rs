//! A lockfile with conflict marks, for a person to settle.
//!
//! Purpose: what git shows after a merge that could not be joined. Quotes that could be joined
//! stand there joined; of each other quote both branches' blocks stand between git's own marks, so
//! that editors and `git diff --check` know them.
//!
//! Invariants: what comes out never reads as a lockfile (the reader refuses marks), so nothing
//! unsettled is taken for settled. Pure.

use std::collections::BTreeSet;

use crate::key::QuoteName;
use crate::lockfile::merge::MergeConflict;
use crate::lockfile::model::Lockfile;
use crate::lockfile::text::{self, print_entry};

const OURS: &str = "<<<<<<< ours\n";
const BETWEEN: &str = "=======\n";
const THEIRS: &str = ">>>>>>> theirs\n";

/// The text of a merge that came out with conflicts.
pub fn print(
    merged: &Lockfile,
    ours: &Lockfile,
    theirs: &Lockfile,
    conflicts: &[MergeConflict],
) -> String {
    if conflicts.iter().any(|c| c.quote.is_none()) {
        // Not even the workspace is agreed on.
        return whole(&text::print(ours), &text::print(theirs));
    }
    let apart: BTreeSet<&QuoteName> = conflicts.iter().filter_map(|c| c.quote.as_ref()).collect();
    let mut out = text::print(&Lockfile::new(merged.workspace.clone()));
    out.truncate(out.len().saturating_sub(text::END.len()));
    let names: BTreeSet<&QuoteName> =
        [merged, ours, theirs].iter().flat_map(|l| l.entries.keys()).collect();
    for quote in names {
        if !apart.contains(quote) {
            if let Some(entry) = merged.entries.get(quote) {
                out.push('\n');
                print_entry(&mut out, quote, entry);
            }
            continue;
        }
        for (mark, side) in [(OURS, ours), (BETWEEN, theirs)] {
            out.push_str(mark);
            if let Some(entry) = side.entries.get(quote) {
                out.push('\n');
                print_entry(&mut out, quote, entry);
            }
        }
        out.push_str(THEIRS);
    }
    out.push_str(text::END);
    out
}

/// Two texts of which at least one cannot be understood, whole between marks.
pub fn whole(ours: &str, theirs: &str) -> String {
    let mut out = String::with_capacity(ours.len() + theirs.len() + 64);
    for (mark, side) in [(OURS, ours), (BETWEEN, theirs)] {
        out.push_str(mark);
        out.push_str(side);
        if !side.is_empty() && !side.ends_with('\n') {
            out.push('\n');
        }
    }
    out.push_str(THEIRS);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::SourceFile;
    use crate::lockfile::merge::join;
    use crate::lockfile::parse::parse;
    use crate::lockfile::parse::tests::any_lockfile;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn read(text: &str) -> Result<Lockfile, crate::failure::Failure> {
        parse(&Arc::new(SourceFile { path: "l".to_owned(), text: text.to_owned() }), None)
    }

    /// What a person does who keeps one side of each conflict.
    fn keep(text: &str, ours: bool) -> String {
        let mut out = String::new();
        let (mut inside, mut second) = (false, false);
        for line in text.split_inclusive('\n') {
            match line {
                OURS => (inside, second) = (true, false),
                BETWEEN => second = true,
                THEIRS => inside = false,
                _ if !inside || second != ours => out.push_str(line),
                _ => {}
            }
        }
        out
    }

    proptest! {
        #[test]
        fn either_side_can_be_kept_and_marks_are_never_read(
            base in any_lockfile(), ours in any_lockfile(), theirs in any_lockfile()
        ) {
            let mut ours = Lockfile { workspace: base.workspace.clone(), ..ours };
            let mut theirs = Lockfile { workspace: base.workspace.clone(), ..theirs };
            // Names drawn at random hardly ever meet: one quote is in both, made apart.
            let shared = crate::key::QuoteName::parse("shared").unwrap();
            for side in [&mut ours, &mut theirs] {
                if let Some(entry) = side.entries.values().next().cloned() {
                    side.entries.insert(shared.clone(), entry);
                }
            }
            let (merged, conflicts) = join(&base, &ours, &theirs);
            let text = print(&merged, &ours, &theirs, &conflicts);
            prop_assert_eq!(read(&text).is_err(), !conflicts.is_empty());
            for (side, is_ours) in [(&ours, true), (&theirs, false)] {
                let kept = read(&keep(&text, is_ours)).unwrap();
                for quote in conflicts.iter().filter_map(|c| c.quote.as_ref()) {
                    prop_assert_eq!(kept.entries.get(quote), side.entries.get(quote));
                }
            }
        }
    }
}
