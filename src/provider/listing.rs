//! What exists upstream, page by page: the half of a reader that import asks.
//!
//! Purpose: [`Page`]s of [`Row`]s come from the provider's list, at its largest page; what a list
//! does not tell is then read for the rows at hand ([`Looked`]). Nothing here knows a manifest.
//!
//! Invariants: a cursor is opaque, and only ever handed back; a row that cannot be read is told by its
//! id and never dropped; what one page held is gone once it is imported, so memory does not grow with
//! the number of pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use super::state::State;
use super::survey::{Ask, Observed};
use crate::key::{ConnectionName, QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::lockfile::Entry;

/// Which quotes are wanted, as far as an upstream could filter them itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filter {
    /// Made on this day or later.
    pub since: Option<Date>,
    /// Made on this day or earlier.
    pub until: Option<Date>,
}

/// A page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// The quotes.
    pub rows: Vec<Row>,
    /// Rows that make no sense: what can be said of each.
    pub unreadable: Vec<String>,
    /// Where the next page starts; `None` = this was the last one.
    pub next: Option<String>,
}

/// A quote as a list tells it.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: RemoteId,
    /// When it was made, where the list says so.
    pub made: Option<Date>,
    /// The stamp that it carries, where the list says so.
    pub stamp: Option<Stamp>,
    /// What the list told of it beside that.
    pub raw: Raw,
}

impl Row {
    /// A quote of which nothing but its id is known.
    pub fn bare(id: RemoteId) -> Self {
        Self { id, made: None, stamp: None, raw: Raw::None }
    }
}

/// A quote as it was read.
#[derive(Debug)]
pub struct Looked {
    /// Its id.
    pub id: RemoteId,
    /// What was found.
    pub found: Found,
}

/// What was found at an id.
#[derive(Debug)]
pub enum Found {
    /// The quote.
    There(Box<Seen>),
    /// Nothing: it vanished since it was listed, or the id is none.
    Gone,
    /// It carries a stamp of another workspace, or of a quote that is not asked about.
    Owned(Option<Stamp>, String),
    /// It is there and makes no sense.
    Unreadable(String),
}

/// All that was read of one quote.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The quote, its parts under their ids (`items[#123]`).
    pub observed: Observed,
    /// When it was made, where the provider tells.
    pub made: Option<Date>,
    /// What a person calls it: a title, a number, a customer.
    pub called: Option<String>,
    /// The people that its references lead to, by path (`contacts[123]`).
    pub people: BTreeMap<String, Card>,
    /// Words for a comment, by the path that they stand at (empty = the head).
    pub aside: Vec<(String, String)>,
    /// The provider's own record, to be compared with a manifest again.
    pub raw: Raw,
}

/// A person upstream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Card {
    /// E-mail address.
    pub email: Option<String>,
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone number.
    pub phone: Option<String>,
}

impl Seen {
    /// The state.
    pub fn state(&self) -> &State {
        &self.observed.state
    }
}

/// A provider's own record of a quote, carried and not looked into.
#[derive(Clone, Debug)]
pub enum Raw {
    /// None is needed.
    None,
    /// What is known of the portal.
    Hubspot(Arc<super::hubspot::portal::Portal>),
    /// The quote as the list gave it.
    Quickquote(Arc<super::quickquote::wire::Quote>),
    /// The record.
    Salesbyte(Arc<super::salesbyte::wire::Record>),
    /// The answer.
    Dealhub(Arc<super::dealhub::wire::Seen>),
}

/// Questions about quotes that no manifest and no lockfile knows: each under a name of its own, by id.
#[derive(Debug)]
pub struct Scene {
    /// The names, in the order of the rows.
    pub names: Vec<QuoteName>,
    entries: Vec<Entry>,
}

impl Scene {
    /// For these rows.
    pub fn of(provider: &str, connection: &ConnectionName, rows: &[Row]) -> Self {
        // `row-0` is a name at any number, so none is left out.
        let names = (0..rows.len()).filter_map(|i| QuoteName::parse(&format!("row-{i}"))).collect();
        let entry = |row: &Row| Entry::new(connection.clone(), provider, row.id.clone());
        Self { names, entries: rows.iter().map(entry).collect() }
    }

    /// The questions.
    pub fn asks<'a>(&'a self, workspace: &'a WorkspaceName) -> Vec<Ask<'a>> {
        self.names
            .iter()
            .zip(&self.entries)
            .map(|(quote, entry)| Ask {
                workspace,
                quote,
                desired: None,
                entry: Some(entry),
                recorded_as: None,
            })
            .collect()
    }
}
