//! The checks that `cargo test` shares: see `tests/fuzz/mod.rs` of the main package.

#[path = "../../tests/fuzz/mod.rs"]
mod checks;

pub use checks::*;
