//! One quote on its way: the new quote as far as it is, and what was noted of each field.
//!
//! Purpose: retargeting and the remedies change the draft and note why; the rows of the report are
//! then made by comparing the leaves of both ends, so that a field which nobody noted is still in
//! the report.
//!
//! Invariant: a note is about a path of the source, or about one that the source does not have.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::leaves::{Leaf, Sort, leaves};
use super::report::{Outcome, Row, Unmapped};
use super::{Job, identifiers};
use crate::desired::{Item, Origin, Quote, Wish};
use crate::failure::SourceFile;
use crate::provider::capability::{Handling, Sheet, neutral};

fn handling(sheet: &Sheet, field: &str) -> Option<Handling> {
    let rows = &sheet.neutral;
    rows.iter().find(|row| neutral::answers_for(row.path, field)).map(|row| row.handling)
}

/// What was noted of a path.
#[derive(Clone, Debug)]
pub struct Note {
    /// What becomes of it.
    pub outcome: Outcome,
    /// What the new manifest says instead, if anything.
    pub to: Option<String>,
    /// Why.
    pub why: Cow<'static, str>,
    /// Whether the customer pays another price for it.
    pub money: bool,
}

/// A quote on its way.
pub struct Draft<'j> {
    /// The migration.
    pub job: &'j Job<'j>,
    /// The source.
    pub source: &'j Quote,
    /// The new quote as far as it is.
    pub quote: Quote,
    /// Notes by path.
    pub notes: BTreeMap<String, Note>,
    /// What could not be mapped.
    pub unmapped: Unmapped,
}

impl<'j> Draft<'j> {
    /// A copy of the source with nothing noted.
    pub fn new(job: &'j Job<'j>, source: &'j Quote) -> Self {
        // A draft is written nowhere: to find the places of what is in its way would read the source's
        // file again for each problem, and nobody asks for them.
        let nowhere = SourceFile { path: String::new(), text: String::new() };
        let mut quote = source.clone();
        quote.origin = Origin::new(Arc::new(nowhere), 0);
        Self { job, source, quote, notes: BTreeMap::new(), unmapped: Unmapped::new() }
    }

    /// Notes something of a path. The graver outcome stays.
    pub fn note(
        &mut self,
        path: impl Into<String>,
        outcome: Outcome,
        to: Option<String>,
        why: impl Into<Cow<'static, str>>,
    ) {
        let path = path.into();
        // What once changed the price still does, whatever else is noted of it.
        let money = self.notes.get(&path).is_some_and(|known| known.money);
        let note = Note { outcome, to, why: why.into(), money };
        if self.notes.get(&path).is_none_or(|known| known.outcome <= outcome) {
            self.notes.insert(path, note);
        }
    }

    /// The same, of something that changes what the customer pays.
    pub fn note_money(
        &mut self,
        path: impl Into<String>,
        outcome: Outcome,
        to: Option<String>,
        why: impl Into<Cow<'static, str>>,
    ) {
        let path = path.into();
        self.note(path.clone(), outcome, to, why);
        if let Some(note) = self.notes.get_mut(&path) {
            note.money = true;
        }
    }

    /// The field has no place at the target.
    pub fn lose(&mut self, path: impl Into<String>, why: impl Into<Cow<'static, str>>) {
        self.note(path, Outcome::Lost, None, why);
    }

    /// Something that the mapping does not know.
    pub fn unmapped(&mut self, section: &'static str, key: impl Into<String>, hint: &str) {
        let known = self.unmapped.entry(section).or_default();
        known.entry(key.into()).or_insert_with(|| hint.to_owned());
    }

    /// The table's word on a neutral field of the target.
    pub fn handling(&self, field: &str) -> Option<Handling> {
        handling(self.job.sheet, field)
    }

    /// Whether the source can hold a neutral field.
    pub fn source_sends(&self, field: &str) -> bool {
        matches!(handling(self.job.source_sheet, field), Some(Handling::Sent(_)))
    }

    /// Whether the target is sent a neutral field.
    pub fn sends(&self, field: &str) -> bool {
        matches!(self.handling(field), Some(Handling::Sent(_)))
    }

    /// The table's way out of a refused field, as a reason.
    pub fn way_out(&self, field: &str) -> String {
        match self.handling(field) {
            Some(Handling::Refused(way_out)) => {
                format!("{} cannot hold it: {way_out}", self.title())
            }
            _ => format!("{} does not take it", self.title()),
        }
    }

    /// The target as people call it.
    pub fn title(&self) -> &'static str {
        self.job.sheet.title
    }

    /// The items of the new quote.
    pub fn items(&mut self) -> &mut [Item] {
        match &mut self.quote.items {
            Wish::Set(items) => items,
            _ => &mut [],
        }
    }

    /// The key of the item that a path of the new manifest is about (`items[0].price`).
    pub fn item_at(&self, path: &str) -> Option<(usize, String)> {
        let index = path.strip_prefix("items[")?.split_once(']')?.0.parse::<usize>().ok()?;
        let item = self.quote.items.set()?.get(index)?;
        Some((index, format!("items[{}]", item.key)))
    }

    /// The nearest note of a path: its own, or that of what stands above it.
    fn noted(&self, path: &str) -> Option<&Note> {
        let mut rest = path;
        loop {
            if let Some(note) = self.notes.get(rest) {
                return Some(note);
            }
            let cut = rest.rfind(['.', '['])?;
            rest = rest.get(..cut)?;
        }
    }

    /// The rows of the report.
    pub fn rows(&self) -> Vec<Row> {
        let theirs = leaves(&self.quote);
        let there: BTreeMap<&str, &Leaf> = theirs.iter().map(|l| (l.path.as_str(), l)).collect();
        let ours = leaves(self.source);
        let mut rows = Vec::with_capacity(ours.len() + 2);
        let mut told = std::collections::BTreeSet::new();
        for leaf in &ours {
            told.insert(leaf.path.as_str());
            rows.push(self.row(leaf, there.get(leaf.path.as_str()).copied()));
        }
        for (path, note) in &self.notes {
            let below = |t: &&str| {
                t.strip_prefix(path.as_str())
                    .is_some_and(|r| r.is_empty() || r.starts_with(['.', '[']))
            };
            if !told.iter().any(below) {
                rows.push(Row {
                    path: path.clone(),
                    outcome: note.outcome,
                    from: None,
                    to: note.to.clone(),
                    why: note.why.clone(),
                });
            }
        }
        rows
    }

    fn row(&self, leaf: &Leaf, there: Option<&Leaf>) -> Row {
        let row = |outcome, to: Option<String>, why: Cow<'static, str>| Row {
            path: leaf.path.clone(),
            outcome,
            from: Some(leaf.text.clone()),
            to,
            why,
        };
        if let Some(note) = self.noted(&leaf.path) {
            return row(note.outcome, note.to.clone(), note.why.clone());
        }
        let table = match &leaf.sort {
            Sort::Neutral(table) => *table,
            Sort::Native(provider, _) if *provider == self.job.sheet.name => {
                return row(Outcome::Exact, Some(leaf.text.clone()), "".into());
            }
            Sort::Native(provider, name) if identifiers(provider).contains(&name.as_str()) => {
                let why =
                    "names the product in the other account; it stays in the manifest, unsent";
                return row(Outcome::Local, Some(leaf.text.clone()), why.into());
            }
            Sort::Native(..) => {
                let why =
                    format!("{} has no such field; it stays in the manifest, unsent", self.title());
                return row(Outcome::Lost, None, why.into());
            }
        };
        match there {
            Some(there) if there.text == leaf.text => match self.handling(table) {
                Some(Handling::Local(why)) => {
                    row(Outcome::Local, Some(there.text.clone()), why.into())
                }
                Some(Handling::Refused(_)) => row(
                    Outcome::Local,
                    Some(there.text.clone()),
                    "says what holds there in any case; nothing is sent".into(),
                ),
                _ => row(Outcome::Exact, Some(there.text.clone()), "".into()),
            },
            Some(there) => {
                let longer = there.text.starts_with(&leaf.text);
                let why = if longer {
                    "with lines of other fields at its end"
                } else {
                    "said in another way"
                };
                row(Outcome::Converted, Some(there.text.clone()), why.into())
            }
            None => row(Outcome::Lost, None, "it is not carried over".into()),
        }
    }
}
