//! What a provider is: four files of the same names behind three traits.
//!
//! - [`Dialect`] is pure: checks, mapping between manifest and facts, steps, batching.
//! - [`Reader`] is all that planning holds; it is built on [`crate::http`]'s read-only wire, so it
//!   cannot send a write.
//! - [`Writer`] performs steps and gives one receipt for each, in one of four classes.
//!
//! Everything that crosses these traits is data of [`survey`], [`step`] and
//! [`crate::plan::model`]. A provider has no loop, no clock and no batching policy of its own: the
//! one scheduler of [`crate::apply`] serves all of them.

pub mod capability;
pub mod dealhub;
pub mod hubspot;
pub mod import;
pub mod listing;
pub mod quickquote;
pub mod salesbyte;
pub mod state;
pub mod step;
pub mod sums;
pub mod survey;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::desired::Quote;
use crate::facts::{Facts, Path};
use crate::failure::Diagnostic;
use crate::key::{RemoteId, StepId, WorkspaceName};
use crate::money::Money;
use import::Imported;
use listing::{Filter, Looked, Page, Row, Seen};
use state::{Move, State};
use step::{Located, Receipt, Step, Trouble, TroubleKind, Work};
use sums::Sums;
use survey::{Ask, Asked, Survey};

/// Requests sent so far on one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Requests {
    /// Requests that read.
    pub read: u64,
    /// Requests that write.
    pub write: u64,
}

/// Whether a provider can edit what it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// It can, as far as the quote's state allows.
    Editable,
    /// It can only create: a change needs a new quote (`lifecycle.when_immutable`), and the old
    /// one stays as it is. The text says what becomes of it.
    CreateOnly(&'static str),
}

/// Which steps may share one request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchClass {
    /// Steps with the same key on the same connection may be sent together.
    pub key: String,
    /// At most this many.
    pub max: usize,
}

/// The pure half of a provider.
pub trait Dialect: Send + Sync {
    /// The provider's name (`hubspot`).
    fn name(&self) -> &'static str;

    /// Offline checks of a manifest against the provider's capabilities: refused fields, states
    /// that cannot be set, native fields that do not exist or that a neutral word says.
    fn check(&self, quote: &Quote) -> Vec<Diagnostic>;

    /// Offline checks of a quote that is not made yet: what the provider needs to make one, as far
    /// as [`Dialect::check`] does not ask for it.
    fn check_new(&self, _: &Quote) -> Vec<Diagnostic> {
        Vec::new()
    }

    /// The facts that must hold upstream. Needs the survey for resolved references. The state is
    /// not among them.
    fn facts(&self, quote: &Quote, survey: &Survey) -> Result<Facts, Vec<Diagnostic>>;

    /// The references of a manifest that are looked up upstream, by the path under which they are
    /// recorded.
    fn references(&self, _: &Quote) -> BTreeMap<String, Asked> {
        BTreeMap::new()
    }

    /// Whether the form in which a fact is recorded depends on what the account says of the field,
    /// so that without a look at it a difference proves nothing.
    fn form_is_upstream(&self, _: &Path) -> bool {
        false
    }

    /// How facts add up, by the provider's arithmetic; `None` where it cannot be known.
    fn sums<'f>(&self, _: &'f Facts) -> Option<Sums<'f>> {
        None
    }

    /// The total that facts amount to, by the provider's arithmetic; `None` where it cannot be
    /// known. `fallback` is the currency where no fact says it.
    fn total(&self, facts: &Facts) -> Option<Money>;

    /// What it takes to bring a quote from a state to another.
    fn transition(&self, from: Option<&State>, to: &State) -> Move;

    /// What must be made once on the account before the first write, for the quotes at hand.
    fn preparations(&self, survey: &Survey, work: &[Work<'_>]) -> Vec<Step>;

    /// The steps that carry out one decision, in a stable order, with their needs. Contains the
    /// read-backs.
    fn steps(&self, work: &Work<'_>, survey: &Survey) -> Vec<Step>;

    /// Which steps may travel together.
    fn batch(&self, step: &Step) -> BatchClass;

    /// How long a fresh object may stay invisible to [`Reader::locate`]; absent is proven only
    /// after that time.
    fn lag(&self) -> Duration;

    /// How long a quote that was just made may stay unreadable, where that is long enough for
    /// another machine to begin meanwhile, and making it twice costs money.
    fn hides_fresh(&self) -> Option<Duration> {
        None
    }

    /// Whether a survey proves that a quote which it does not find is not there. Where it cannot,
    /// a creation whose outcome is unknown waits for a person.
    fn proves_absence(&self) -> bool {
        true
    }

    /// Whether the upstream can price a manifest without storing anything ([`Reader::preview`]).
    fn previews(&self) -> bool {
        false
    }

    /// Whether a quote can be edited once it is made.
    fn mutability(&self) -> Mutability {
        Mutability::Editable
    }

    /// Whether an edit can put a stamp on a quote that has none.
    fn restamps(&self) -> bool {
        false
    }

    /// Who has to act upstream before the quote can go on, where the upstream tells; a
    /// [`Move::Wait`] says it in general.
    fn waits_for(&self, _: &survey::Observed) -> Option<String> {
        None
    }

    /// The manifest that asks for what was read; `blank` brings name, connection and nothing else.
    fn import(&self, seen: &Seen, blank: Quote) -> Imported;

    /// What the customer would notice of these changes on a visible quote, as short sentences.
    fn noticed(&self, changes: &[crate::plan::model::Change]) -> Vec<String>;

    /// What a reviewer should know of how these changes of a quote will be made, whoever sees it.
    fn remarks(
        &self,
        _changes: &[crate::plan::model::Change],
        _observed: &survey::Observed,
    ) -> Vec<String> {
        Vec::new()
    }
}

/// The reading half of a provider.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Reads all that planning (or a read-back) needs about these quotes in as few requests as
    /// possible. With `resolve`, references by name are resolved too.
    async fn survey(&self, asks: &[Ask<'_>], resolve: bool) -> Result<Survey, Trouble>;

    /// Looks for what creations with an unknown outcome may have left, by stamp, without relying
    /// on an index that lags. One answer a step, in order.
    async fn locate(&self, lost: &[&Step], made: &Made) -> Result<Vec<Located>, Trouble>;

    /// What the upstream would compute for a manifest, without storing anything.
    async fn preview(&self, _: &Quote, _: &Survey) -> Result<Money, Trouble> {
        Err(Trouble::new(TroubleKind::Refused, "this provider has no price preview"))
    }

    /// A page of all quotes of the account, from a cursor that an earlier page gave.
    async fn list(&self, cursor: Option<&str>, filter: &Filter) -> Result<Page, Trouble>;

    /// Reads the quotes of these rows whole: one answer a row, in order. What is stamped by somebody
    /// else is told apart.
    async fn look(&self, workspace: &WorkspaceName, rows: &[Row]) -> Result<Vec<Looked>, Trouble>;

    /// What [`Reader::survey`] would say of these quotes, from what was read of them. No request.
    fn resurvey(&self, asks: &[(Ask<'_>, &Seen)]) -> Survey;

    /// Requests so far.
    fn requests(&self) -> Requests;
}

/// The writing half of a provider.
#[async_trait]
pub trait Writer: Send + Sync {
    /// Performs steps of one batch class and gives one receipt a step, in order. Never repeats a
    /// creation whose outcome is unknown.
    async fn perform(&self, steps: &[&Step], made: &Made) -> Vec<Receipt>;

    /// Requests so far.
    fn requests(&self) -> Requests;
}

/// Ids that earlier steps of the run gave.
pub type Made = BTreeMap<StepId, RemoteId>;
