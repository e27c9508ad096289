//! Joining two branches' lockfiles.
//!
//! Purpose: git merges most lockfiles by itself; where both branches touched the same block (or
//! neighbours), this joins them by quote and by fact.
//!
//! Invariants: pure. A fact that one side changed is taken from that side; a fact that both
//! changed alike is taken once; a fact that both changed differently is a conflict and never
//! guessed. What says which remote object an entry means (connection, provider, id, stamp,
//! revision, predecessor) is one fact: a mixture could point one quote's prices at another's
//! object. `generation` adds up, so that a plan saved on either branch is spent after the merge.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::key::{ConnectionName, QuoteName, RemoteId, Stamp};
use crate::lockfile::model::{Entry, Lockfile};
use crate::lockfile::origin::Provenance;

const DIFFER: &str = "both branches changed it in different ways: keep either line; the next plan compares with the upstream";

/// Something that both sides changed, each in its own way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MergeConflict {
    /// The quote; `None` for the workspace's name.
    pub quote: Option<QuoteName>,
    /// What they disagree on: `workspace`, `entry`, `identity`, `protect`, `total`, `state`,
    /// `link quote`, `ref deal`, `part items[a]`, `field title`.
    pub fact: String,
    /// Why it cannot be joined, and what to do.
    pub why: String,
}

impl fmt::Display for MergeConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.quote {
            Some(quote) => write!(f, "{quote}: {}: {}", self.fact, self.why),
            None => write!(f, "{}: {}", self.fact, self.why),
        }
    }
}

/// Joins what `ours` and `theirs` made of `base`, or says all that they disagree on.
pub fn merge(
    base: &Lockfile,
    ours: &Lockfile,
    theirs: &Lockfile,
) -> Result<Lockfile, Vec<MergeConflict>> {
    let (merged, conflicts) = join(base, ours, theirs);
    if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
}

/// Joins as far as it goes. The entries of quotes that conflicts name are not to be used.
pub fn join(base: &Lockfile, ours: &Lockfile, theirs: &Lockfile) -> (Lockfile, Vec<MergeConflict>) {
    let mut conflicts = Vec::new();
    let workspace =
        three(&base.workspace, &ours.workspace, &theirs.workspace).unwrap_or_else(|| {
            let why =
                format!("one branch has `{}`, the other `{}`", ours.workspace, theirs.workspace);
            conflicts.push(MergeConflict { quote: None, fact: "workspace".to_owned(), why });
            &ours.workspace
        });
    let mut merged = Lockfile::new(workspace.clone());
    let quotes: BTreeSet<&QuoteName> =
        [base, ours, theirs].iter().flat_map(|l| l.entries.keys()).collect();
    for quote in quotes {
        let sides = [base, ours, theirs].map(|l| l.entries.get(quote));
        let mut join = Join { quote, conflicts: &mut conflicts };
        if let Some(entry) = join.entry(sides) {
            merged.entries.insert(quote.clone(), entry);
        }
    }
    find_shared_objects(&merged, &mut conflicts);
    (merged, conflicts)
}

/// The rule of a three-way merge; `None` where both sides changed differently.
fn three<'a, T: PartialEq + ?Sized>(base: &T, ours: &'a T, theirs: &'a T) -> Option<&'a T> {
    if ours == theirs || theirs == base {
        Some(ours)
    } else if ours == base {
        Some(theirs)
    } else {
        None
    }
}

/// Two names for one remote object: each branch renamed or adopted it in its own way.
fn find_shared_objects(merged: &Lockfile, conflicts: &mut Vec<MergeConflict>) {
    let mut owners: BTreeMap<(&ConnectionName, &RemoteId), &QuoteName> = BTreeMap::new();
    for (quote, entry) in &merged.entries {
        if let Some(other) = owners.insert((&entry.connection, &entry.id), quote) {
            let why = format!(
                "the same remote object {} belongs to `{other}` too: keep one name (`proforma lock mv`)",
                entry.id
            );
            conflicts.push(MergeConflict {
                quote: Some(quote.clone()),
                fact: "identity".to_owned(),
                why,
            });
        }
    }
}

/// What says which remote object is meant.
type Identity<'a> = (
    &'a ConnectionName,
    &'a str,
    &'a RemoteId,
    Option<&'a Stamp>,
    Option<&'a String>,
    u32,
    Option<&'a RemoteId>,
    Option<&'a QuoteName>,
    Option<&'a Provenance>,
);

fn identity(entry: &Entry) -> Identity<'_> {
    (
        &entry.connection,
        &entry.provider,
        &entry.id,
        entry.stamp.as_ref(),
        entry.created.as_ref(),
        entry.revision,
        entry.predecessor.as_ref(),
        entry.was.as_ref(),
        entry.from.as_ref(),
    )
}

/// Whether only what says nothing about the remote object's content differs.
fn is_same_but_for_counters(base: &Entry, side: &Entry) -> bool {
    let twin = Entry { generation: base.generation, protect: base.protect, ..side.clone() };
    twin == *base
}

struct Join<'a> {
    quote: &'a QuoteName,
    conflicts: &'a mut Vec<MergeConflict>,
}

impl Join<'_> {
    fn conflict(&mut self, fact: String, why: impl Into<String>) {
        let quote = Some(self.quote.clone());
        self.conflicts.push(MergeConflict { quote, fact, why: why.into() });
    }

    fn entry(&mut self, [base, ours, theirs]: [Option<&Entry>; 3]) -> Option<Entry> {
        if let Some(side) = three(&base, &ours, &theirs) {
            return side.cloned();
        }
        match (base, ours, theirs) {
            (Some(base), Some(ours), Some(theirs)) => Some(self.facts(base, ours, theirs)),
            (None, Some(ours), Some(theirs)) if identity(ours) == identity(theirs) => {
                // Both found or imported the same object.
                let mut base =
                    Entry::new(ours.connection.clone(), &*ours.provider, ours.id.clone());
                base.stamp.clone_from(&ours.stamp);
                base.created.clone_from(&ours.created);
                base.revision = ours.revision;
                base.predecessor.clone_from(&ours.predecessor);
                base.was.clone_from(&ours.was);
                base.from.clone_from(&ours.from);
                Some(self.facts(&base, ours, theirs))
            }
            (_, Some(ours), Some(theirs)) => {
                let why = format!(
                    "both branches made a remote quote, {} and {}: keep the entry of the one that shall live and remove the other upstream",
                    ours.id, theirs.id
                );
                self.conflict("entry".to_owned(), why);
                None
            }
            _ => {
                let why = "one branch removed the entry, the other changed it: keep the entry if the remote quote exists";
                self.conflict("entry".to_owned(), why);
                None
            }
        }
    }

    fn facts(&mut self, base: &Entry, ours: &Entry, theirs: &Entry) -> Entry {
        let mut merged = match three(&identity(base), &identity(ours), &identity(theirs)) {
            Some(side) if *side == identity(ours) => ours.clone(),
            Some(_) => theirs.clone(),
            None => {
                let why = format!(
                    "the branches mean different remote objects or stamps ({} and {}): keep the block of one branch whole",
                    ours.id, theirs.id
                );
                self.conflict("identity".to_owned(), why);
                ours.clone()
            }
        };
        let moved = |side: &Entry| (&side.connection, &side.id) != (&base.connection, &base.id);
        let stayed = |side: &Entry| !moved(side) && !is_same_but_for_counters(base, side);
        if (moved(ours) && stayed(theirs)) || (moved(theirs) && stayed(ours)) {
            let why = "one branch replaced the remote quote while the other changed the old one: keep the block of the branch that replaced it; the next plan compares with the upstream";
            self.conflict("entry".to_owned(), why);
            return merged;
        }
        let (ours_ran, theirs_ran) = (
            ours.generation.saturating_sub(base.generation),
            theirs.generation.saturating_sub(base.generation),
        );
        merged.generation = base.generation.saturating_add(ours_ran).saturating_add(theirs_ran);
        match three(&base.protect, &ours.protect, &theirs.protect) {
            Some(v) => merged.protect = *v,
            None => merged.protect = true,
        }
        match three(&base.total, &ours.total, &theirs.total) {
            Some(v) => merged.total = *v,
            None => self.conflict("total".to_owned(), DIFFER),
        }
        match three(&base.state, &ours.state, &theirs.state) {
            Some(v) => merged.state.clone_from(v),
            None => self.conflict("state".to_owned(), DIFFER),
        }
        merged.links = self.map("link", &base.links, &ours.links, &theirs.links);
        merged.refs = self.map("ref", &base.refs, &ours.refs, &theirs.refs);
        merged.parts = self.map("part", &base.parts, &ours.parts, &theirs.parts);
        merged.fields = self.map("field", &base.fields, &ours.fields, &theirs.fields);
        merged
    }

    fn map<K: Ord + Clone + fmt::Display, V: Clone + PartialEq>(
        &mut self,
        kind: &str,
        base: &BTreeMap<K, V>,
        ours: &BTreeMap<K, V>,
        theirs: &BTreeMap<K, V>,
    ) -> BTreeMap<K, V> {
        let keys: BTreeSet<&K> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
        let mut merged = BTreeMap::new();
        for key in keys {
            match three(&base.get(key), &ours.get(key), &theirs.get(key)) {
                Some(Some(value)) => {
                    merged.insert(key.clone(), (*value).clone());
                }
                Some(None) => {}
                None => self.conflict(format!("{kind} {key}"), DIFFER),
            }
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Path;
    use crate::key::{Fingerprint, WorkspaceName};
    use crate::lockfile::parse::tests::any_lockfile;
    use proptest::prelude::*;

    fn name(text: &str) -> QuoteName {
        QuoteName::parse(text).unwrap()
    }

    fn lockfile(entries: &[(&str, &Entry)]) -> Lockfile {
        let mut lockfile = Lockfile::new(WorkspaceName::parse("w").unwrap());
        lockfile.entries = entries.iter().map(|(q, e)| (name(q), (*e).clone())).collect();
        lockfile
    }

    fn entry(id: &str) -> Entry {
        let connection = ConnectionName::parse("crm").unwrap();
        let mut entry = Entry::new(connection, "hubspot", RemoteId::parse(id).unwrap());
        entry.generation = 3;
        entry
    }

    /// The entry after one more run that applied these values.
    fn applied(entry: &Entry, values: &[(&str, &str)]) -> Entry {
        let mut entry = entry.clone();
        entry.generation += 1;
        for (path, value) in values {
            entry.fields.insert(Path::new(*path), Fingerprint::of_parts("test", &[value]));
        }
        entry
    }

    fn facts(conflicts: Vec<MergeConflict>) -> Vec<String> {
        conflicts.into_iter().map(|c| c.fact).collect()
    }

    #[test]
    fn each_side_may_touch_its_own_quotes() {
        let base = lockfile(&[("a", &entry("1")), ("b", &entry("2")), ("c", &entry("3"))]);
        let a = applied(&entry("1"), &[("title", "x")]);
        let ours = lockfile(&[("a", &a), ("b", &entry("2")), ("c", &entry("3"))]);
        let theirs = lockfile(&[("a", &entry("1")), ("c", &entry("3")), ("d", &entry("4"))]);
        let merged = merge(&base, &ours, &theirs).unwrap();
        assert_eq!(merged, lockfile(&[("a", &a), ("c", &entry("3")), ("d", &entry("4"))]));
    }

    #[test]
    fn facts_of_one_quote_are_joined_and_both_runs_count() {
        let base = lockfile(&[("a", &entry("1"))]);
        let ours = lockfile(&[("a", &applied(&entry("1"), &[("title", "x")]))]);
        let theirs = lockfile(&[("a", &applied(&entry("1"), &[("expires", "y")]))]);
        let merged = merge(&base, &ours, &theirs).unwrap();
        let both = &merged.entries[&name("a")];
        assert_eq!((both.fields.len(), both.generation), (2, 5));
        assert_eq!(merge(&base, &theirs, &ours).unwrap(), merged);
    }

    #[test]
    fn one_fact_changed_in_two_ways_is_a_conflict() {
        let base = lockfile(&[("a", &applied(&entry("1"), &[("title", "x")]))]);
        let now = &base.entries[&name("a")];
        let ours = lockfile(&[("a", &applied(now, &[("title", "y")]))]);
        let theirs = lockfile(&[("a", &applied(now, &[("title", "z")]))]);
        assert_eq!(facts(merge(&base, &ours, &theirs).unwrap_err()), ["field title"]);
    }

    #[test]
    fn two_remote_quotes_for_one_name_are_a_conflict() {
        let empty = lockfile(&[]);
        let (ours, theirs) = (lockfile(&[("a", &entry("1"))]), lockfile(&[("a", &entry("2"))]));
        let conflicts = merge(&empty, &ours, &theirs).unwrap_err();
        assert!(conflicts[0].to_string().contains("1 and 2"));
    }

    #[test]
    fn two_names_for_one_remote_quote_are_a_conflict() {
        let base = lockfile(&[("a", &entry("1"))]);
        let (ours, theirs) = (lockfile(&[("b", &entry("1"))]), lockfile(&[("c", &entry("1"))]));
        assert_eq!(facts(merge(&base, &ours, &theirs).unwrap_err()), ["identity"]);
    }

    #[test]
    fn removed_here_and_changed_there_is_a_conflict() {
        let base = lockfile(&[("a", &entry("1"))]);
        let theirs = lockfile(&[("a", &applied(&entry("1"), &[("title", "x")]))]);
        assert_eq!(facts(merge(&base, &lockfile(&[]), &theirs).unwrap_err()), ["entry"]);
        assert_eq!(merge(&base, &lockfile(&[]), &base).unwrap(), lockfile(&[]));
    }

    #[test]
    fn edits_of_a_replaced_quote_are_not_recorded_on_the_new_one() {
        let base = lockfile(&[("a", &entry("1"))]);
        let new = Entry { revision: 1, predecessor: RemoteId::parse("1"), ..entry("2") };
        let ours = lockfile(&[("a", &new)]);
        let theirs = lockfile(&[("a", &applied(&entry("1"), &[("title", "x")]))]);
        assert_eq!(facts(merge(&base, &ours, &theirs).unwrap_err()), ["entry"]);
        // Protection alone goes with the new one.
        let theirs = lockfile(&[("a", &Entry { protect: true, ..entry("1") })]);
        let merged = merge(&base, &ours, &theirs).unwrap();
        assert_eq!(merged.entries[&name("a")], Entry { protect: true, ..new });
    }

    proptest! {
        #[test]
        fn an_unchanged_side_gives_the_other(base in any_lockfile(), side in any_lockfile()) {
            let side = Lockfile { workspace: base.workspace.clone(), ..side };
            let distinct = |l: &Lockfile| {
                let ids: BTreeSet<_> = l.entries.values().map(|e| (&e.connection, &e.id)).collect();
                ids.len() == l.entries.len()
            };
            prop_assume!(distinct(&side) && distinct(&base));
            prop_assert_eq!(&merge(&base, &side, &base).unwrap(), &side);
            prop_assert_eq!(&merge(&base, &base, &side).unwrap(), &side);
            prop_assert_eq!(&merge(&base, &side, &side).unwrap(), &side);
        }
    }
}
