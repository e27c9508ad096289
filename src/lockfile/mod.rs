//! The lockfile: what proforma remembers between runs, committed to git.
//!
//! [`model`] is the value, [`text`] and [`parse`] its line format, [`store`] its file, and
//! [`mod@merge`] joins two branches, [`conflict`] writes down what they disagree on.

pub mod conflict;
pub mod merge;
pub mod model;
pub mod origin;
pub mod parse;
pub mod store;
pub mod text;
mod words;

pub use merge::{MergeConflict, join, merge};
pub use model::{Entry, Lockfile, RefRecord, web_link};
pub use origin::Provenance;
pub use store::{LOCKFILE, SANDBOX_LOCKFILE, Store};
