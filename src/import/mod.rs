//! Import: quotes that exist upstream become manifests and lockfile entries.
//!
//! ```text
//! Reader::list ─▶ rows ─▶ Reader::look ─▶ Seen ─▶ Dialect::import ─▶ hold ─▶ stage ─▶ lockfile ─▶ files
//! ```
//!
//! The one thing to know: a manifest is not trusted because a mapping made it. [`hold`] writes it as
//! text, reads that text as the next plan will, defaults and catalog included, and makes that plan; what
//! would be a change is taken out of the manifest and told. So "the next plan is empty" is not hoped
//! for, it is the condition under which a file is written.
//!
//! Invariants: nothing is written upstream; no file is overwritten; files appear only after the lockfile
//! knows their quotes, since a manifest without an entry would be made a second time.

pub mod catalog;
pub mod disown;
pub mod hold;
pub mod naming;
pub mod stage;

use crate::key::{QuoteName, RemoteId};
use crate::lockfile::Entry;

/// A quote that was imported.
#[derive(Clone, Debug)]
pub struct Held {
    /// Its name.
    pub name: QuoteName,
    /// Where its manifest goes, below the workspace.
    pub file: String,
    /// The manifest.
    pub text: String,
    /// What the lockfile will say.
    pub entry: Entry,
    /// What the manifest does not hold.
    pub notes: Vec<String>,
}

/// A quote that was not imported.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Its id.
    pub id: RemoteId,
    /// Why.
    pub why: String,
    /// The way out.
    pub help: Option<String>,
}
