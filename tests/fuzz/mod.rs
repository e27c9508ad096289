//! What must hold for any bytes: one function a kind of input.
//!
//! Fuzzing (`fuzz/`) calls these functions with drawn bytes, `tests/fuzz_corpus.rs` with the kept
//! ones, so that whatever a fuzzer once found is tested for good. Each function panics when
//! something does not hold; a plain "it did not crash" is never all that is asked.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "checks of tests; a failed one is to panic"
)]

pub mod journal;
pub mod lockfile;
pub mod manifest;
pub mod provider;
pub mod shown;
pub mod stage;
pub mod upstream;
pub mod workspace;

/// A check panics when its bytes do not hold.
pub type Check = fn(&[u8]);

/// A check by the name of its target.
pub const CHECKS: &[(&str, Check)] = &[
    ("manifest", manifest::check),
    ("workspace", workspace::check),
    ("lockfile", lockfile::check),
    ("journal", journal::check),
    ("hubspot", provider::check_hubspot),
    ("quickquote", provider::check_quickquote),
    ("salesbyte", provider::check_salesbyte),
    ("dealhub", provider::check_dealhub),
];
