//! Records and links, with a memory for undoing.
//!
//! Purpose: all state that API calls change goes through [`Store::put`] and
//! [`Store::set_link`]. Each remembers what was there, so that a batch that must be
//! all-or-nothing is done row by row and rolled back when a row fails.
//!
//! Invariants: the index of unique values agrees with the records that are not archived; a link
//! is stored in both directions; an empty value is not stored (absent = cleared).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::kind::Kind;

/// A record's address.
pub(crate) type Key = (Kind, u64);

/// An earlier value of a property.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) at: Timestamp,
}

/// One record. Values are strings; dates and ids are added when it is rendered.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) archived_at: Option<Timestamp>,
    pub(crate) properties: BTreeMap<String, String>,
    /// Replaced values, oldest first.
    pub(crate) history: Vec<Version>,
    /// What the search index still shows: the properties before the changes of late. None for a
    /// record that is new to the index.
    indexed: Option<BTreeMap<String, String>>,
    changed_at: Timestamp,
    /// When it was last published (quotes).
    pub(crate) published_at: Option<Timestamp>,
}

impl Record {
    pub(crate) fn new(id: u64, now: Timestamp) -> Self {
        Self {
            id,
            created_at: now,
            updated_at: now,
            archived_at: None,
            properties: BTreeMap::new(),
            history: Vec::new(),
            indexed: None,
            changed_at: now,
            published_at: None,
        }
    }

    /// A stored value; none where it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.get(name) == Some(value)
    }

    pub(crate) fn archived(&self) -> bool {
        self.archived_at.is_some()
    }

    /// Writes values (empty = clear); gives whether anything changed.
    pub(crate) fn write(
        &mut self,
        changes: impl IntoIterator<Item = (String, String)>,
        now: Timestamp,
        lag: SignedDuration,
    ) -> bool {
        let mut before: Option<BTreeMap<String, String>> = None;
        for (name, value) in changes {
            let old = self.properties.get(&name).map_or("", String::as_str);
            if old == value {
                continue;
            }
            if before.is_none() {
                before = Some(self.properties.clone());
            }
            if let Some(old) = self.properties.remove(&name) {
                self.history.push(Version { name: name.clone(), value: old, at: now });
                // Long runs of edits must not grow without bound.
                if self.history.len() > 200 {
                    self.history.remove(0);
                }
            }
            if !value.is_empty() {
                self.properties.insert(name, value);
            }
        }
        let Some(before) = before else { return false };
        if now.duration_since(self.changed_at) >= lag {
            self.indexed = Some(before);
        }
        self.changed_at = now;
        self.updated_at = now;
        true
    }

    /// The properties that a search sees now; none for a record that it does not see.
    pub(crate) fn seen_by_search(
        &self,
        now: Timestamp,
        lag: SignedDuration,
    ) -> Option<&BTreeMap<String, String>> {
        if self.archived() {
            None
        } else if now.duration_since(self.changed_at) >= lag {
            Some(&self.properties)
        } else {
            self.indexed.as_ref()
        }
    }
}

#[derive(Debug)]
enum Undo {
    Record(Key, Option<Box<Record>>),
    Link(Key, Key, Option<BTreeSet<u32>>),
}

/// All records and links of the portal.
#[derive(Debug, Default)]
pub(crate) struct Store {
    tables: BTreeMap<Kind, BTreeMap<u64, Record>>,
    links: BTreeMap<Key, BTreeMap<Key, BTreeSet<u32>>>,
    next_id: BTreeMap<Kind, u64>,
    /// Which properties of a kind have values that only one record may have.
    unique_names: BTreeMap<Kind, BTreeSet<String>>,
    unique: HashMap<(Kind, String, String), u64>,
    undo: Vec<Undo>,
}

/// The store as a state file holds it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedStore {
    tables: BTreeMap<Kind, Vec<Record>>,
    links: Vec<(Key, Key, BTreeSet<u32>)>,
    next_id: BTreeMap<Kind, u64>,
}

impl Store {
    pub(crate) fn fresh_id(&mut self, kind: Kind) -> u64 {
        let next = self.next_id.entry(kind).or_insert_with(|| kind.first_id());
        let id = *next;
        // Upstream ids are not consecutive; nobody may count on that.
        *next += 7;
        id
    }

    pub(crate) fn get(&self, kind: Kind, id: u64) -> Option<&Record> {
        self.tables.get(&kind)?.get(&id)
    }

    /// A record that is not archived.
    pub(crate) fn live(&self, kind: Kind, id: u64) -> Option<&Record> {
        self.get(kind, id).filter(|r| !r.archived())
    }

    /// All records of a kind, archived ones too, by id.
    pub(crate) fn all(&self, kind: Kind) -> impl Iterator<Item = &Record> {
        self.tables.get(&kind).into_iter().flat_map(BTreeMap::values)
    }

    /// The records of a kind from an id on.
    pub(crate) fn from(&self, kind: Kind, id: u64) -> impl Iterator<Item = &Record> {
        self.tables.get(&kind).into_iter().flat_map(move |t| t.range(id..).map(|(_, r)| r))
    }

    /// Stores a record in place of what was there.
    pub(crate) fn put(&mut self, kind: Kind, record: Record) {
        let key = (kind, record.id);
        let old = self.tables.entry(kind).or_default().insert(record.id, record);
        if let Some(old) = &old {
            self.unlist(kind, old);
        }
        self.list(key);
        self.undo.push(Undo::Record(key, old.map(Box::new)));
    }

    fn list(&mut self, (kind, id): Key) {
        let Some(names) = self.unique_names.get(&kind) else { return };
        let Some(record) = self.tables.get(&kind).and_then(|t| t.get(&id)) else { return };
        if record.archived() {
            return;
        }
        for name in names {
            if let Some(value) = record.properties.get(name) {
                self.unique.insert((kind, name.clone(), value.clone()), id);
            }
        }
    }

    fn unlist(&mut self, kind: Kind, record: &Record) {
        let Some(names) = self.unique_names.get(&kind) else { return };
        for name in names {
            if let Some(value) = record.properties.get(name) {
                let entry = (kind, name.clone(), value.clone());
                if self.unique.get(&entry) == Some(&record.id) {
                    self.unique.remove(&entry);
                }
            }
        }
    }

    /// Who has this value of a unique property, among records that are not archived.
    pub(crate) fn holder(&self, kind: Kind, name: &str, value: &str) -> Option<u64> {
        self.unique.get(&(kind, name.to_owned(), value.to_owned())).copied()
    }

    /// Makes values of a property unique from now on.
    pub(crate) fn make_unique(&mut self, kind: Kind, name: &str) {
        self.unique_names.entry(kind).or_default().insert(name.to_owned());
        let ids: Vec<u64> =
            self.tables.get(&kind).into_iter().flat_map(|t| t.keys().copied()).collect();
        for id in ids {
            self.list((kind, id));
        }
    }

    pub(crate) fn forget_unique(&mut self, kind: Kind, name: &str) {
        if let Some(names) = self.unique_names.get_mut(&kind) {
            names.remove(name);
        }
        self.unique.retain(|(k, n, _), _| *k != kind || n != name);
    }

    /// The type ids of one direction of a link.
    pub(crate) fn link(&self, from: Key, to: Key) -> Option<&BTreeSet<u32>> {
        self.links.get(&from)?.get(&to)
    }

    /// Replaces the type ids of one direction; empty removes it.
    pub(crate) fn set_link(&mut self, from: Key, to: Key, types: BTreeSet<u32>) {
        let row = self.links.entry(from).or_default();
        let old = if types.is_empty() { row.remove(&to) } else { row.insert(to, types) };
        self.undo.push(Undo::Link(from, to, old));
    }

    /// What a record is linked to, by kind and id; archived targets are left out.
    pub(crate) fn linked(&self, from: Key) -> impl Iterator<Item = (Key, &BTreeSet<u32>)> {
        self.links
            .get(&from)
            .into_iter()
            .flatten()
            .filter(|((kind, id), _)| self.live(*kind, *id).is_some())
            .map(|(key, types)| (*key, types))
    }

    /// The ids of one kind that a record is linked to.
    pub(crate) fn linked_ids(&self, from: Key, kind: Kind) -> Vec<u64> {
        self.linked(from).filter(|((k, _), _)| *k == kind).map(|((_, id), _)| id).collect()
    }

    /// A point to roll back to.
    pub(crate) fn mark(&self) -> usize {
        self.undo.len()
    }

    /// Undoes all since the mark.
    pub(crate) fn roll_back(&mut self, mark: usize) {
        while self.undo.len() > mark {
            match self.undo.pop() {
                None => break,
                Some(Undo::Record((kind, id), old)) => {
                    if let Some(current) = self.tables.entry(kind).or_default().remove(&id) {
                        self.unlist(kind, &current);
                    }
                    if let Some(old) = old {
                        self.tables.entry(kind).or_default().insert(id, *old);
                        self.list((kind, id));
                    }
                }
                Some(Undo::Link(from, to, old)) => {
                    let row = self.links.entry(from).or_default();
                    match old {
                        Some(types) => row.insert(to, types),
                        None => row.remove(&to),
                    };
                }
            }
        }
    }

    /// A request is over: what it did stays.
    pub(crate) fn settle(&mut self) {
        self.undo.clear();
    }

    pub(crate) fn save(&self) -> SavedStore {
        SavedStore {
            tables: self
                .tables
                .iter()
                .map(|(kind, table)| (*kind, table.values().cloned().collect()))
                .collect(),
            links: self
                .links
                .iter()
                .flat_map(|(from, row)| row.iter().map(|(to, t)| (*from, *to, t.clone())))
                .collect(),
            next_id: self.next_id.clone(),
        }
    }

    /// A store from a saved one; unique names are told afterwards.
    pub(crate) fn load(saved: SavedStore) -> Self {
        let mut store = Self { next_id: saved.next_id, ..Self::default() };
        for (kind, records) in saved.tables {
            store.tables.insert(kind, records.into_iter().map(|r| (r.id, r)).collect());
        }
        for (from, to, types) in saved.links {
            store.links.entry(from).or_default().insert(to, types);
        }
        store
    }
}
