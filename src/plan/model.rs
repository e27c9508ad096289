//! The plan as data: ordered, hashable, printable, spent once.
//!
//! Invariants: the same input gives the same plan, byte for byte (no clock, no host, no random
//! order). All maps are ordered. What apply needs is in here; it decides nothing again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::diff::STATE;
use crate::facts::{Facts, Path, Value};
use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::lockfile::Provenance;
use crate::money::{Amount, Currency, Money};
use crate::provider::Requests;
use crate::provider::state::State;
use crate::provider::step::{Effects, Step};
use crate::provider::survey::Resolved;

/// What happens to a quote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Made anew.
    Create,
    /// Changed in place.
    Update,
    /// A new quote takes the place of the old one.
    Replace,
    /// Deleted.
    Delete,
    /// A stamped remote quote that the lockfile does not know is taken over.
    Adopt,
    /// Its lockfile entry is dropped.
    Forget,
    /// Nothing to do.
    None,
    /// Cannot be done; the reason says why.
    Blocked,
    /// Nothing can be read back.
    Unverifiable,
    /// Recorded, but its manifest is gone.
    Orphaned,
}

impl Action {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Update,
        Self::Replace,
        Self::Delete,
        Self::Adopt,
        Self::Forget,
        Self::None,
        Self::Blocked,
        Self::Unverifiable,
        Self::Orphaned,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Forget => "forget",
            Self::None => "none",
            Self::Blocked => "blocked",
            Self::Unverifiable => "unverifiable",
            Self::Orphaned => "orphaned",
        }
    }

    /// Whether apply has something to do for it.
    pub fn is_pending(self) -> bool {
        use Action::{Adopt, Create, Delete, Forget, Replace, Update};
        matches!(self, Create | Update | Replace | Delete | Adopt | Forget)
    }
}

/// Who wants a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeOrigin {
    /// You asked.
    Manifest,
    /// Somebody else changed it.
    Drift,
    /// The upstream computed it.
    Server,
}

/// One change of one fact.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Change {
    /// The path.
    pub path: Path,
    /// What is there now; `None` = nothing.
    pub before: Option<Value>,
    /// What will be there; `None` = removed.
    pub after: Option<Value>,
    /// Who wants it.
    pub origin: ChangeOrigin,
    /// Whether a step of the plan brings it about; a change that is only shown is not planned.
    pub planned: bool,
}

/// What a quote's plan was made from; apply compares it before the first write.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, Default)]
pub struct Basis {
    /// Fingerprint of the manifest.
    pub manifest: Option<Fingerprint>,
    /// Fingerprint of the observed object (facts, state, version); `None` = there was none.
    pub observed: Option<Fingerprint>,
    /// Generation of the lockfile entry; 0 = there was none.
    pub generation: u64,
    /// The recorded id.
    pub recorded: Option<RemoteId>,
}

/// What the lockfile will say once the quote is done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// The stamp that the quote carries, or will carry once it is made; `None` for one that was
    /// imported and has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// The earlier name, where the stamp is still that name's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamped_as: Option<QuoteName>,
    /// The revision.
    pub revision: u32,
    /// Whether the quote is protected.
    pub protect: bool,
    /// The entry's earlier name, to be dropped (`was:`).
    pub was: Option<QuoteName>,
    /// What a quote that is made was migrated from, as the lockfile knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Provenance>,
    /// Resolved references by manifest path.
    pub refs: BTreeMap<String, Resolved>,
    /// Fields that already hold and only need recording.
    pub holds: BTreeMap<Path, Fingerprint>,
    /// Parts that are already there and only need recording.
    pub parts: BTreeMap<String, RemoteId>,
    /// Fields of the entry that the manifest no longer owns.
    pub releases: Vec<Path>,
}

/// The plan of one quote.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotePlan {
    /// The quote.
    pub quote: QuoteName,
    /// Its connection.
    pub connection: ConnectionName,
    /// Its provider.
    pub provider: String,
    /// What happens.
    pub action: Action,
    /// The remote id, if there is one.
    pub id: Option<RemoteId>,
    /// Its title, for people.
    pub title: Option<String>,
    /// All changes, planned or only shown, in reading order.
    pub changes: Vec<Change>,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// Why it is blocked, orphaned, unverifiable, or worth a word.
    pub reason: Option<String>,
    /// The way out of a block.
    pub help: Option<String>,
    /// The remote object belongs to somebody else (exit code 11).
    pub ownership_conflict: bool,
    /// A request of an earlier run may or may not have been done, and only a person can tell
    /// (exit code 6).
    pub unsettled: bool,
    /// Somebody upstream must act first: who and what.
    pub waits_for: Option<String>,
    /// What the customer will notice, and other things to know.
    pub notices: Vec<String>,
    /// The state now.
    pub state_before: Option<State>,
    /// The state wanted.
    pub state_after: Option<State>,
    /// The total now.
    pub total_before: Option<Money>,
    /// The total once applied.
    pub total_after: Option<Money>,
    /// All discounts of the manifest together, in percent of its list total; `None` where the
    /// manifest does not say both.
    #[serde(default)]
    pub discount: Option<Amount>,
    /// Links for people.
    pub links: BTreeMap<String, String>,
    /// What the plan was made from.
    pub basis: Basis,
    /// The facts that must hold once applied, for the read-back.
    pub want: Facts,
    /// What the lockfile will say; `None` where it stays as it is.
    pub record: Option<Record>,
}

impl QuotePlan {
    /// Every consent that the quote's steps await.
    pub fn consents(&self) -> Effects {
        self.steps.iter().flat_map(|s| s.awaits.iter().copied()).collect()
    }

    /// Whether somebody moved the quote's state upstream, which is shown and neither repaired nor
    /// recorded.
    pub fn state_drifts(&self) -> bool {
        self.changes
            .iter()
            .any(|c| c.path.as_str() == STATE && c.origin == ChangeOrigin::Drift && !c.planned)
    }
}

/// Totals of one currency over all quotes of the plan.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MoneyLine {
    /// The currency.
    pub currency: Currency,
    /// Sum now.
    pub before: Amount,
    /// Sum once applied.
    pub after: Amount,
}

/// A plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Plan {
    /// The format, 1.
    pub format: u32,
    /// `plan`.
    pub kind: String,
    /// Digest of everything below.
    pub id: String,
    /// The workspace.
    pub workspace: WorkspaceName,
    /// Whether it was made without a look at any upstream, from manifests and lockfile alone: then
    /// it says what will be asked for, never what is there, and cannot be applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// Whether orphaned quotes are deleted.
    pub prune: bool,
    /// Guardrails overridden for this plan.
    pub overrides: Vec<String>,
    /// Effects that the workspace allows without a flag.
    pub allowed: Effects,
    /// What must be made once on an account before its first write.
    pub preparations: Vec<Step>,
    /// The quotes, by name.
    pub quotes: Vec<QuotePlan>,
    /// Requests a connection: read = sent for this plan, write = expected of its apply.
    pub requests: BTreeMap<ConnectionName, Requests>,
}
