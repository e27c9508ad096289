//! The sandbox: local stand-ins for the upstream quoting systems.
//!
//! Purpose: try a workspace, run `demo`, test and simulate without an account. [`Sandbox`] is a
//! pure state machine: a request and a time go in, a [`Verdict`] comes out. It reads no clock, no
//! disk, no network and no randomness of the machine. `server` turns sockets into calls;
//! [`InProcess`] offers the same machine as a [`crate::http::Transport`].
//!
//! Invariants: an upstream here refuses what the real one refuses and forgets what the real one
//! forgets; the same seed, requests and times give the same answers, byte for byte.
//!
//! To add an upstream: a sibling folder of `hubspot/` with a type that implements
//! `upstream::Upstream`, and one line in [`Sandbox::new`].

mod control;
mod dealhub;
mod faults;
mod hubspot;
mod in_process;
mod log;
mod machine;
mod options;
mod quickquote;
mod random;
mod rate;
mod salesbyte;
mod server;
mod state_file;
#[cfg(test)]
mod tests;
mod upstream;

pub use in_process::{Clock, InProcess};
pub use machine::{Sandbox, SandboxError, Verdict};
pub use options::{OptionError, Options, Percent, Rate, RateChoice, parse_duration};
pub use server::{Running, serve};
