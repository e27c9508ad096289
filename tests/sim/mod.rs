//! The deterministic simulation: the real commands on a machine where anything may break.
//!
//! Purpose: [`run`] plays one seed. It draws a workspace, upstreams and weather, runs `plan`,
//! `apply` and `recover` as a user would, kills them, cuts the power, loses answers and whole
//! machines, lets a colleague interfere, and ends with a calm phase. Then the invariants must hold.
//!
//! Invariants: one thread, virtual time, one source of chance: the same seed gives the same trace,
//! byte for byte, on any machine. What is run is the command line itself ([`proforma::cli`]) and
//! everything below it; only disk, clock, environment and transport are replaced.

#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    missing_docs,
    dead_code,
    reason = "support of tests"
)]

pub mod command;
pub mod dice;
pub mod drawn;
pub mod machine;
pub mod net;
pub mod story;
pub mod trace;
pub mod truth;
pub mod weather;

use std::panic::{AssertUnwindSafe, catch_unwind};

use trace::Trace;

/// A rule of the world that is broken on purpose, to see that the simulation notices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Sabotage {
    /// `fsync` does nothing.
    NoSync,
    /// Every `POST` arrives twice, whatever it makes.
    Twice,
    /// The disk says that it wrote the lockfile, and did not.
    LockfileForgets,
    /// Requests land long after their client is gone, beyond any declared lag.
    LandsTooLate,
}

/// How one seed ended.
#[derive(Clone, Debug)]
pub struct Played {
    pub seed: u64,
    pub trace: String,
    /// What was found wrong.
    pub violation: Option<String>,
    pub counts: story::Counts,
}

/// Plays one seed. `echo` prints the trace as it grows.
pub fn run(seed: u64, sabotage: Option<Sabotage>, echo: bool) -> Played {
    let trace = Trace::new(echo);
    let inner = trace.clone();
    let played = catch_unwind(AssertUnwindSafe(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(story::play(seed, sabotage, inner))
    }));
    let (counts, violation) = match played {
        Ok((counts, Ok(()))) => (counts, None),
        Ok((counts, Err(violation))) => (counts, Some(violation)),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|t| (*t).to_owned()));
            (story::Counts::default(), Some(format!("panic: {}", text.unwrap_or_default())))
        }
    };
    if let Some(violation) = &violation {
        trace.line(&format!("VIOLATION: {violation}"));
    }
    Played { seed, trace: trace.text(), violation, counts }
}

/// The command that replays a seed.
pub fn replay(seed: u64) -> String {
    format!("cargo run --release --example simulate -- --seed {seed}")
}
