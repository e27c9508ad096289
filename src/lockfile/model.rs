//! Recorded: what the lockfile remembers of each quote.
//!
//! Purpose: the third side of the three-way comparison. A record holds ids, links, stamps,
//! counters and fingerprints; never a value that a customer wrote or reads.
//!
//! Invariants: no personal data by construction: values of fields are kept as fingerprints bound
//! to their quote and path. `revision` counts replacements of the remote quote, `generation`
//! counts the runs that changed the entry; both only grow. See [`Lockfile::check`] for what a
//! lockfile must fulfil to be written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::Path;
use crate::failure::{Failure, Kind};
use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::lockfile::origin::Provenance;
use crate::lockfile::text;
use crate::money::Money;

/// All records of a workspace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lockfile {
    /// The workspace that owns the records.
    pub workspace: WorkspaceName,
    /// One entry a quote.
    pub entries: BTreeMap<QuoteName, Entry>,
}

/// What is remembered of one quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The connection that the remote object lives on.
    pub connection: ConnectionName,
    /// The provider of that connection when the entry was made (`hubspot`).
    pub provider: String,
    /// The remote quote.
    pub id: RemoteId,
    /// The stamp that the remote quote carries; `None` for an imported quote that has none.
    pub stamp: Option<Stamp>,
    /// When the remote object was made, in the upstream's words, where it was imported without a
    /// stamp: ownership rests on this and the id until it has one.
    pub created: Option<String>,
    /// How often the remote quote was replaced by a new one.
    pub revision: u32,
    /// How many runs changed this entry. Part of a saved plan's fingerprint, so that a plan is
    /// spent once.
    pub generation: u64,
    /// Never delete; outlives the manifest.
    pub protect: bool,
    /// The remote quote that this one replaced.
    pub predecessor: Option<RemoteId>,
    /// The quote's earlier name, while the remote object still carries the stamp of that name.
    pub was: Option<QuoteName>,
    /// What the quote was migrated from; told once, when it is made.
    pub from: Option<Provenance>,
    /// Web addresses by what they show (`quote`, `pdf`). Only what [`web_link`] gives.
    pub links: BTreeMap<String, String>,
    /// The total as last recorded.
    pub total: Option<Money>,
    /// The neutral state word as last recorded.
    pub state: Option<String>,
    /// What references by name were resolved to, by path.
    pub refs: BTreeMap<String, RefRecord>,
    /// Remote ids of parts that are objects of their own, by part (`items[audit]`).
    pub parts: BTreeMap<String, RemoteId>,
    /// Fingerprint of each owned field's value as last applied.
    pub fields: BTreeMap<Path, Fingerprint>,
}

/// A resolved reference.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RefRecord {
    /// Fingerprint of the name that was asked for.
    pub asked: Fingerprint,
    /// What it was resolved to.
    pub id: RemoteId,
}

impl Lockfile {
    /// Without entries.
    pub fn new(workspace: WorkspaceName) -> Self {
        Self { workspace, entries: BTreeMap::new() }
    }

    /// Whether the text form can hold every value: ids and stamps as their types promise, links
    /// web addresses. Values decoded from elsewhere (the journal) pass here before they are
    /// written, so that a lockfile on disk can always be read back.
    pub fn check(&self) -> Result<(), Failure> {
        for (quote, entry) in &self.entries {
            if let Some(what) = entry.defect(quote) {
                return Err(Failure::new(
                    Kind::Other,
                    format!("the lockfile entry of `{quote}` cannot be written: {what}"),
                )
                .help("this is a fault of proforma; the journal keeps what was done, so nothing is lost: please report it"));
            }
        }
        Ok(())
    }
}

impl Entry {
    /// A fresh entry of an object that was just made or found.
    pub fn new(connection: ConnectionName, provider: impl Into<String>, id: RemoteId) -> Self {
        Self {
            connection,
            provider: provider.into(),
            id,
            stamp: None,
            created: None,
            revision: 0,
            generation: 0,
            protect: false,
            predecessor: None,
            was: None,
            from: None,
            links: BTreeMap::new(),
            total: None,
            state: None,
            refs: BTreeMap::new(),
            parts: BTreeMap::new(),
            fields: BTreeMap::new(),
        }
    }

    /// The entry under a new name. Its fingerprints are bound to the earlier one: under the new one
    /// they say nothing. The stamps upstream stay those of the first name until they are set anew.
    #[must_use]
    pub fn renamed(mut self, was: &QuoteName) -> Self {
        self.fields.clear();
        self.was.get_or_insert_with(|| was.clone());
        self
    }

    /// The fingerprint of the whole entry, generation included: for saved plans.
    pub fn fingerprint(&self, quote: &QuoteName) -> Fingerprint {
        let mut block = String::new();
        text::print_entry(&mut block, quote, self);
        Fingerprint::of_parts("proforma 2026 lock entry 1", &[&block])
    }

    fn defect(&self, quote: &QuoteName) -> Option<String> {
        if QuoteName::parse(quote.as_str()).is_none() {
            return Some(format!("bad quote name `{}`", quote.as_str().escape_debug()));
        }
        if ConnectionName::parse(self.connection.as_str()).is_none() {
            return Some("bad connection name".to_owned());
        }
        if self.stamp.as_ref().is_some_and(|s| Stamp::parse(s.as_str()).is_none()) {
            return Some("bad stamp".to_owned());
        }
        let ids = std::iter::once(&self.id)
            .chain(&self.predecessor)
            .chain(self.from.as_ref().map(|from| &from.id))
            .chain(self.parts.values())
            .chain(self.refs.values().map(|r| &r.id));
        for id in ids {
            if RemoteId::parse(id.as_str()).is_none() {
                return Some(format!("bad remote id `{}`", id.as_str().escape_debug()));
            }
        }
        let bad = self.links.iter().find(|(_, url)| !is_web_link(url))?;
        Some(format!("link `{}` is not a plain web address", bad.0.escape_debug()))
    }
}

/// Whether a text is an `http` or `https` address in printable ASCII without spaces.
pub fn is_web_link(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|r| !r.is_empty()) && url.bytes().all(|b| b.is_ascii_graphic())
}

/// An upstream's link as the lockfile keeps it: spaces and other letters percent-encoded. `None`
/// for what is no web address or holds control characters.
pub fn web_link(url: &str) -> Option<String> {
    if url.chars().any(char::is_control) {
        return None;
    }
    let mut out = String::with_capacity(url.len());
    for byte in url.bytes() {
        if byte.is_ascii_graphic() {
            out.push(char::from(byte));
        } else {
            text::push_hex(&mut out, byte);
        }
    }
    is_web_link(&out).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let connection = ConnectionName::parse("crm").unwrap();
        Entry::new(connection, "hubspot", RemoteId::parse("1").unwrap())
    }

    #[test]
    fn links_are_web_addresses_or_nothing() {
        assert_eq!(
            web_link("https://a.example/å b").as_deref(),
            Some("https://a.example/%C3%A5%20b")
        );
        assert_eq!(web_link("javascript:alert(1)"), None);
        assert_eq!(web_link("https://"), None);
        assert_eq!(web_link("https://a\n.example"), None);
    }

    #[test]
    fn the_generation_is_part_of_the_fingerprint() {
        let quote = QuoteName::parse("q").unwrap();
        let mut later = entry();
        later.generation = 1;
        assert_ne!(entry().fingerprint(&quote), later.fingerprint(&quote));
        assert_eq!(entry().fingerprint(&quote), entry().fingerprint(&quote));
    }

    #[test]
    fn what_cannot_be_read_back_is_not_written() {
        let mut lockfile = Lockfile::new(WorkspaceName::parse("w").unwrap());
        let quote = QuoteName::parse("q").unwrap();
        lockfile.entries.insert(quote.clone(), entry());
        assert!(lockfile.check().is_ok());
        // Decoding does not check ids; the lockfile does.
        let bad: RemoteId = serde_json::from_str("\"1\\nquote evil\"").unwrap();
        if let Some(e) = lockfile.entries.get_mut(&quote) {
            e.parts.insert("items[a]".to_owned(), bad);
        }
        assert!(lockfile.check().unwrap_err().message.contains("bad remote id"));
    }
}
