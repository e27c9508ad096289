//! Carrying a plan out: what is kept on disk while it happens.
//!
//! [`journal`] comes before the wire ([`records`] are its words, [`journal_text`] its lines,
//! [`replay`] what an earlier run left in it), [`fold`] brings its receipts into the lockfile, and
//! [`workspace_lock`] keeps a second writer out. All three live in the [`state_folder`].

pub mod fold;
pub mod journal;
pub mod journal_text;
pub mod records;
pub mod replay;
pub mod state_folder;
pub mod workspace_lock;
