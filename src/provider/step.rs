//! Steps: one remote operation each, as data, and what became of it.
//!
//! Invariants: a step carries all that is needed to send it and to record it (the plan can be
//! saved and reviewed, apply decides nothing again). A receipt is in one of four classes; only
//! [`Outcome::NotSent`] and [`Outcome::Rejected`] may be tried again without looking.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::state::State;
use super::survey::Observed;
use crate::desired::Quote;
use crate::facts::{Facts, Path};
use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, StepId};
use crate::plan::model::{Action, Change};

/// What a step does to the world beyond the record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// The customer can see it, or can no longer see it.
    Publish,
    /// A message goes out.
    Send,
    /// It costs money.
    Bill,
    /// Something is deleted.
    Delete,
    /// A decision that cannot be taken back.
    Final,
}

impl Effect {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Publish, Self::Send, Self::Bill, Self::Delete, Self::Final];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Send => "send",
            Self::Bill => "bill",
            Self::Delete => "delete",
            Self::Final => "final",
        }
    }

    /// The effect behind a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.word() == word)
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A set of effects, in order.
pub type Effects = std::collections::BTreeSet<Effect>;

/// One remote operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Identity in the plan.
    pub id: StepId,
    /// The quote it serves; `None` for a preparation of the connection.
    pub quote: Option<QuoteName>,
    /// The connection it goes out on.
    pub connection: ConnectionName,
    /// What it does, for a reader: `create line item audit`.
    pub does: String,
    /// Its own effects.
    pub effects: Effects,
    /// The consents that must be given before it may run: its own effects, and those of the unit
    /// it belongs to (unlock, edit, publish again). Empty = runs in the first phase.
    pub awaits: Effects,
    /// Steps that must be applied before.
    pub needs: Vec<StepId>,
    /// The operation in the provider's terms.
    pub operation: Operation,
    /// For a creation: the stamp by which its result is found again.
    pub stamp: Option<Stamp>,
    /// For a creation: the part that the new id belongs to (`items[audit]`); `None` = the quote.
    pub part: Option<String>,
    /// The fields whose recorded value becomes this once the step is applied.
    pub settles: BTreeMap<Path, Fingerprint>,
    /// The parts and paths that are no longer there once the step is applied.
    pub drops: Vec<String>,
}

/// An operation in its provider's terms.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Read the quote back and compare it with the plan's facts. Never sent by a writer.
    ReadBack {
        /// The state that must be found; `None` = not looked at.
        state: Option<State>,
    },
    /// An operation on HubSpot's records.
    Hubspot(super::hubspot::operation::Operation),
    /// An operation on a Quick Quote shop.
    Quickquote(super::quickquote::operation::Operation),
    /// A creation at SalesByte.
    Salesbyte(super::salesbyte::operation::Operation),
    /// An operation on DealHub's quotes.
    Dealhub(super::dealhub::operation::Operation),
}

impl Step {
    /// Whether a repeat could make a second object.
    pub fn creates(&self) -> bool {
        self.stamp.is_some()
    }

    /// Whether the step only reads.
    pub fn is_read_back(&self) -> bool {
        matches!(self.operation, Operation::ReadBack { .. })
    }
}

/// A remote id, known now or made by an earlier step.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Known when the plan was made.
    Known(RemoteId),
    /// Given by a step of the same plan.
    MadeBy(StepId),
}

impl Target {
    /// The id, once it is known.
    pub fn resolve<'a>(&'a self, made: &'a super::Made) -> Option<&'a RemoteId> {
        match self {
            Self::Known(id) => Some(id),
            Self::MadeBy(step) => made.get(step),
        }
    }
}

/// What kind of trouble, for the exit code and for what to do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TroubleKind {
    /// 401, 403: credentials or scope.
    Credentials,
    /// The day's quota is used up.
    Quota,
    /// The upstream said no.
    Refused,
    /// No answer, or none that makes sense.
    Network,
    /// Ctrl-C.
    Interrupted,
    /// Another owner's stamp.
    Ownership,
    /// Somebody upstream must act first; no failure.
    Waiting,
    /// Another run or a colleague was faster; what they wrote was left alone.
    Overtaken,
}

/// Trouble with the upstream, in words.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Trouble {
    /// The kind.
    pub kind: TroubleKind,
    /// What happened.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

impl Trouble {
    /// Trouble of a kind.
    pub fn new(kind: TroubleKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None }
    }

    /// With the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// What became of a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Done; a creation gives its id.
    Applied(Option<RemoteId>),
    /// Proven to have had no effect.
    Rejected(Trouble),
    /// May have had its effect.
    Unknown(Trouble),
    /// Never left.
    NotSent(Trouble),
}

/// The receipt of one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// The step.
    pub step: StepId,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a look-up of a lost creation found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Located {
    /// It is there.
    Found(RemoteId),
    /// It is proven not to be there.
    Absent,
    /// Neither can be proven; the text says why.
    CannotTell(String),
}

/// One decision of the planner, to be turned into steps by the provider.
#[derive(Debug)]
pub struct Work<'a> {
    /// The quote.
    pub quote: &'a QuoteName,
    /// The connection.
    pub connection: &'a ConnectionName,
    /// The manifest; `None` for a deletion.
    pub desired: Option<&'a Quote>,
    /// `Create`, `Update`, `Adopt`, `Replace` or `Delete`.
    pub action: Action,
    /// The facts that must hold.
    pub want: &'a Facts,
    /// What is there now.
    pub observed: Option<&'a Observed>,
    /// The changes to bring about (only those with `planned`), state excluded.
    pub changes: Vec<&'a Change>,
    /// The state to bring about, if it is not in place. For a locked quote that is unlocked for
    /// edits this is the state to return to.
    pub state: Option<State>,
    /// The quote is locked and must be unlocked first; all its steps are then one unit.
    pub unlock: bool,
    /// The stamp that the quote must carry.
    pub stamp: Stamp,
    /// Makes the stamp of a part.
    pub part_stamp: PartStamp<'a>,
    /// Stamps of an earlier name may still be there, of parts too: an edit sets all of them anew.
    pub renaming: bool,
    /// Counts the replacements of the quote; the new one for `Replace`.
    pub revision: u32,
}

/// Makes stamps for the parts of one quote and revision.
#[derive(Clone, Copy, Debug)]
pub struct PartStamp<'a> {
    /// The workspace.
    pub workspace: &'a crate::key::WorkspaceName,
    /// The quote.
    pub quote: &'a QuoteName,
    /// The revision.
    pub revision: u32,
}

impl PartStamp<'_> {
    /// The stamp of `items[audit]`.
    pub fn of(&self, part: &str) -> Stamp {
        Stamp::new(self.workspace, self.quote, self.revision, part)
    }
}
