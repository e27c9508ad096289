//! Planning: pure functions from desired, recorded and observed to a [`model::Plan`].
//!
//! [`diff`] compares facts three ways, [`decide`] turns a comparison and a state into one
//! decision a quote, [`build`] puts the decisions of all connections together, `guardrails`
//! refuses what the workspace forbids, [`saved`] keeps a plan on disk.
//!
//! Nothing here reads a clock, a disk, the network or the environment.

pub mod build;
pub mod decide;
pub mod diff;
pub mod guardrails;
pub mod model;
pub mod offline;
pub mod order;
pub mod saved;
mod settle;
mod unread;
