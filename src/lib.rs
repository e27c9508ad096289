//! proforma: quotes as code.
//!
//! The map of the code, in the order in which a value travels:
//!
//! ```text
//! Manifest ──check──▶ Desired ─┐
//!                     Recorded ─┼──diff──▶ Plan ──apply──▶ Receipts ──▶ Recorded (lockfile)
//! upstream ──read──▶ Observed ──┘            │
//!                                            └──▶ human, JSON, Markdown, HTML, SARIF: renderers of the same value
//! ```
//!
//! See `ARCHITECTURE.md` for the rules between the rooms.

pub mod apply;
pub mod cli;
pub mod clock;
pub mod desired;
pub mod disk;
pub mod facts;
pub mod failure;
pub mod http;
pub mod import;
pub mod json;
pub mod key;
pub mod lockfile;
pub mod manifest;
pub mod migrate;
pub mod money;
pub mod output;
pub mod plan;
pub mod provider;
pub mod sandbox;
pub mod yaml;
