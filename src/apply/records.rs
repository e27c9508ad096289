//! The words of the journal.
//!
//! Purpose: what is written down before a request leaves ([`Intent`]) and after it was answered
//! ([`Receipt`]), as plain values.
//!
//! Invariants: no secret and no personal data: values are fingerprints, `detail` is proforma's own
//! words and never text of an upstream. Steps are named within a run, so a step of an earlier run
//! is always meant together with its [`RunId`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::Path;
use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, StepId, WorkspaceName};
use crate::lockfile::{Provenance, RefRecord};
use crate::money::Money;

/// The journal format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// In [`Intent::drops`]: the whole entry goes (the quote is deleted).
pub const WHOLE_ENTRY: &str = "*";

/// The identity of one run of apply.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One line of the journal. Written and read by proforma alone, hence the tag.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// A run begins.
    Run(RunStart),
    /// These requests are about to leave.
    Intent {
        /// The run.
        run: RunId,
        /// When.
        at: Timestamp,
        /// The steps of one batch.
        steps: Vec<Intent>,
    },
    /// This is what became of them.
    Receipt {
        /// The run that the steps belong to; not always the one that writes this.
        run: RunId,
        /// When.
        at: Timestamp,
        /// One for each step whose outcome is told.
        receipts: Vec<Receipt>,
    },
    /// The lockfile on disk holds what these steps did.
    Recorded {
        /// The run that the steps belong to.
        run: RunId,
        /// The steps. Named one by one: a receipt may become durable while the lockfile that lacks
        /// it is being written, so "everything before this line" would say too much.
        steps: Vec<StepId>,
    },
    /// The run ended by itself.
    End {
        /// The run.
        run: RunId,
    },
}

/// Who runs what, since when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RunStart {
    /// [`FORMAT`].
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// The plan that is carried out.
    pub plan: String,
    /// The workspace whose lockfile the receipts go to.
    pub workspace: WorkspaceName,
    /// When.
    pub started: Timestamp,
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// The version of proforma.
    pub version: String,
}

impl RunStart {
    /// A run of this version; its id is a function of the arguments, so that a simulation repeats.
    pub fn new(
        plan: impl Into<String>,
        workspace: WorkspaceName,
        started: Timestamp,
        pid: u32,
        host: impl Into<String>,
    ) -> Self {
        let (plan, host) = (plan.into(), host.into());
        let parts =
            [plan.as_str(), workspace.as_str(), &started.to_string(), &pid.to_string(), &host];
        let digest = Fingerprint::of_parts("proforma 2026 run 1", &parts);
        let run = RunId(digest.to_string().chars().take(16).collect());
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { format: FORMAT, run, plan, workspace, started, pid, host, version }
    }
}

/// What one step is going to do, in full: enough to bring its effect into the lockfile later
/// without the plan, and to look for it upstream when its outcome is unknown.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// The step.
    pub step: StepId,
    /// The quote; `None` for a preparation of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteName>,
    /// The connection.
    pub connection: ConnectionName,
    /// Its provider.
    pub provider: String,
    /// The part that is an object of its own (`items[audit]`); `None` for the quote itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// The stamp that the object will carry, and by which it is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// Whether the step makes a remote object: only such a step is looked for by its stamp.
    pub creates: bool,
    /// `publish`, `send`, `bill`, `delete`, `final`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<String>,
    /// Fingerprints of the values that hold once the step is applied.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settles: BTreeMap<Path, Fingerprint>,
    /// References that the step used, as resolved.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub refs: BTreeMap<String, RefRecord>,
    /// Parts and paths that are gone once the step is applied, or [`WHOLE_ENTRY`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drops: Vec<String>,
    /// What the quote that is made was migrated from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Provenance>,
    /// The remote object that is changed; `None` for a creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<RemoteId>,
    /// The remote quote that a part belongs to: by it an adopted quote is remembered that a run
    /// added parts to and did not live to record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<RemoteId>,
    /// The revision of the remote quote that the step works on. A creation beside an existing
    /// entry has a higher one: the new object takes the entry over.
    pub revision: u32,
    /// The generation that this run gives the entry: the recorded one plus one, the same in all
    /// steps of a quote.
    pub generation: u64,
    /// The state that the quote has once the step is applied, if the step changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The total that the quote has once the step is applied, if the step changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
    /// The protection that the manifest asks for, if the step's quote says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protect: Option<bool>,
}

impl Intent {
    /// An intent that touches nothing yet; the caller fills in the rest.
    pub fn new(step: StepId, connection: ConnectionName, provider: impl Into<String>) -> Self {
        Self {
            step,
            quote: None,
            connection,
            provider: provider.into(),
            part: None,
            stamp: None,
            creates: false,
            effects: Vec::new(),
            settles: BTreeMap::new(),
            refs: BTreeMap::new(),
            drops: Vec::new(),
            from: None,
            target: None,
            owner: None,
            revision: 0,
            generation: 0,
            state: None,
            total: None,
            protect: None,
        }
    }
}

/// What became of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done upstream.
    Applied,
    /// Proven to have had no effect.
    Rejected,
    /// It may have been done.
    Unknown,
    /// No byte left.
    NotSent,
}

/// The outcome of one step.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The step.
    pub step: StepId,
    /// What became of it.
    pub outcome: Outcome,
    /// The id of the object that was made or found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<RemoteId>,
    /// Why, in proforma's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Receipt {
    /// A receipt without id and detail.
    pub fn new(step: StepId, outcome: Outcome) -> Self {
        Self { step, outcome, id: None, detail: None }
    }

    /// An applied step, with the id of what it made.
    pub fn applied(step: StepId, id: Option<RemoteId>) -> Self {
        Self { id, ..Self::new(step, Outcome::Applied) }
    }
}
