//! What a reader is asked, and what it saw.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::desired::{Quote, WhenImmutable};
use crate::facts::Facts;
use crate::failure::Diagnostic;
use crate::key::{Fingerprint, QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::lockfile::Entry;
use crate::money::Money;

/// A question about one quote.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The workspace, for stamps.
    pub workspace: &'a WorkspaceName,
    /// The quote.
    pub quote: &'a QuoteName,
    /// Its manifest, if there is one.
    pub desired: Option<&'a Quote>,
    /// Its entry in the lockfile, if there is one (under an earlier name, see `recorded_as`).
    pub entry: Option<&'a Entry>,
    /// The name under which the entry's stamps were made, when it differs (`was:`).
    pub recorded_as: Option<&'a QuoteName>,
}

impl Ask<'_> {
    /// The same question, as if nothing were recorded: for an object that took the place of the
    /// recorded one, of which the entry says nothing.
    #[must_use]
    pub fn unrecorded(&self) -> Self {
        Self { entry: None, ..*self }
    }

    /// Whether the manifest wants anything that is not recorded as it wants it. Where nothing is
    /// recorded, it does.
    pub fn asks_anew(&self, want: &Facts) -> bool {
        let Some(entry) = self.entry else { return true };
        let names = || std::iter::once(self.quote).chain(self.recorded_as);
        want.iter().any(|(path, value)| {
            let known = entry.fields.get(path);
            !names().any(|name| known == Some(&value.fingerprint(name, path)))
        })
    }

    /// The first revision of a quote that may stand upstream without the lockfile knowing, because
    /// an older lockfile came back after a run was cut off: the next one where the manifest asks for
    /// a replacement, the same one where the recorded object is gone. `None` where the plan makes
    /// no quote, so that nothing has to be looked for.
    ///
    /// `want` are the facts of the manifest; `gone` = the recorded object is no longer there.
    pub fn unknown_successor(&self, want: &Facts, gone: bool) -> Option<u32> {
        let entry = self.entry?;
        let desired = self.desired?;
        if gone {
            return Some(entry.revision);
        }
        let replaces = desired.lifecycle.when_immutable == WhenImmutable::Replace;
        (replaces && self.asks_anew(want)).then(|| entry.revision.saturating_add(1))
    }
}

/// What was seen of one quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sight {
    /// Nothing is recorded and no object carries the stamp.
    Absent,
    /// The recorded object is gone upstream.
    Gone,
    /// It is there.
    Found(Box<Observed>),
    /// The recorded id leads to an object of another owner.
    Foreign {
        /// The id.
        id: RemoteId,
        /// What is wrong.
        why: String,
    },
    /// Nothing can be read back.
    Unverifiable(String),
}

/// A quote as the upstream has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Observed {
    /// Its id.
    pub id: RemoteId,
    /// The stamp it carries.
    pub stamp: Option<Stamp>,
    /// The revision that the stamp was made for.
    pub revision: u32,
    /// Its state.
    pub state: State,
    /// The upstream's own word for the state.
    pub raw_state: String,
    /// Whether its content can be edited as it is.
    pub locked: bool,
    /// When it was made, as the upstream tells it; `None` where it does not. Of two quotes without a
    /// stamp this says which is which.
    pub created: Option<String>,
    /// The facts that hold, under the paths of the manifest where they can be matched. Includes
    /// facts that the manifest does not own.
    pub facts: Facts,
    /// The ids of its parts (`items[audit]`).
    pub parts: BTreeMap<String, RemoteId>,
    /// Links for people (`quote`, `pdf`).
    pub links: BTreeMap<String, String>,
    /// The total as the upstream computes it; `None` where it tells none, or one on another basis
    /// than ours.
    pub total: Option<Money>,
    /// Whether the facts hold all that the total is made of: lists that the manifest does not own
    /// are not always read.
    pub whole: bool,
    /// An earlier revision that is still visible to the customer: a replacement that was cut
    /// before the old quote was withdrawn.
    pub superseded: Option<RemoteId>,
}

/// A reference of a manifest, as it is asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    /// Fingerprint of what the manifest asks for, as the lockfile records it.
    pub asked: Fingerprint,
    /// The id, where the manifest says it.
    pub id: Option<RemoteId>,
    /// What the manifest says, for people.
    pub label: String,
}

/// A reference that was resolved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Resolved {
    /// Fingerprint of what the manifest asked for.
    pub asked: Fingerprint,
    /// The id it leads to.
    pub id: RemoteId,
    /// How a person calls it.
    pub label: String,
}

/// All that was seen of one connection.
#[derive(Clone, Debug)]
pub struct Survey {
    /// A sight for each quote asked about.
    pub sights: BTreeMap<QuoteName, Sight>,
    /// Resolved references by quote and manifest path (`deal`, `contacts[0]`, `customer`).
    pub refs: BTreeMap<QuoteName, BTreeMap<String, Resolved>>,
    /// What could not be resolved or does not fit (with `quote` set).
    pub problems: Vec<Diagnostic>,
    /// What the provider learnt of the account.
    pub lore: Lore,
}

/// What a provider learnt of the account.
#[derive(Clone, Debug)]
pub enum Lore {
    /// Nothing.
    None,
    /// HubSpot's portal.
    Hubspot(Box<super::hubspot::portal::Portal>),
    /// What a Quick Quote shop told beside its quotes.
    Quickquote(Box<super::quickquote::Shop>),
    /// DealHub's account.
    Dealhub(Box<super::dealhub::reader::Account>),
}
