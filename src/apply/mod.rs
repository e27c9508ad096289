//! Carrying a plan out: what is done, and what is kept on disk while it happens.
//!
//! [`schedule`] says which steps may go, [`executor`] sends them and emits [`events`], [`verify`]
//! reads back, [`report`] says what became of it. The `fence` looks again before a write that comes
//! late.
//!
//! [`journal`] comes before the wire ([`records`] are its words, [`journal_text`] its lines,
//! [`replay`] what an earlier run left in it), [`fold`] brings its receipts into the lockfile
//! through the [`ledger`], and [`workspace_lock`] keeps a second writer out. All live in the
//! [`state_folder`].

pub mod canary;
mod conclude;
pub mod events;
pub mod executor;
mod fence;
mod flight;
pub mod fold;
pub mod journal;
pub mod journal_text;
pub mod ledger;
mod outcome;
pub mod records;
pub mod replay;
pub mod report;
pub mod schedule;
pub mod state_folder;
pub mod verify;
pub mod workspace_lock;
