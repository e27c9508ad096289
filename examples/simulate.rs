//! Plays simulated schedules of crashes and faults: `--seeds N`, `--from N`, `--seed N` (one, with
//! its trace), `--sabotage RULE` (to see that it finds faults).

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

#[path = "../tests/sim/mod.rs"]
mod sim;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;

/// Plays seeded schedules of crashes, faults and colleagues against the sandbox, in virtual time.
#[derive(Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Just this one, with its trace.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Processors to use; all of them by default.
    #[arg(long)]
    jobs: Option<usize>,
    /// Break a rule of the world on purpose: then there must be violations.
    #[arg(long, value_enum)]
    sabotage: Option<sim::Sabotage>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(seed) = args.seed {
        let played = sim::run(seed, args.sabotage, true);
        return if played.violation.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let next = AtomicU64::new(args.from);
    let end = args.from.saturating_add(args.seeds);
    let total = Mutex::new((sim::story::Counts::default(), 0_u64, 0_u64));
    let jobs = args.jobs.or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    std::thread::scope(|scope| {
        for _ in 0..jobs.unwrap_or(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let played = sim::run(seed, args.sabotage, false);
                    let Ok(mut total) = total.lock() else { return };
                    total.2 += 1;
                    if total.2 % 1_000 == 0 {
                        let (done, spent) = (total.2, began.elapsed().as_secs());
                        eprintln!("{done} of {} schedules in {spent} s", args.seeds);
                    }
                    total.0.runs += played.counts.runs;
                    total.0.killed += played.counts.killed;
                    total.0.unknown += played.counts.unknown;
                    total.0.lost_machines += played.counts.lost_machines;
                    if let Some(violation) = played.violation {
                        total.1 += 1;
                        println!("seed {seed}: {violation}\n  replay: {}", sim::replay(seed));
                    }
                }
            });
        }
    });
    let (counts, violations, _) = total.into_inner().unwrap_or_default();
    println!(
        "{} schedules, {} commands, {} killed, {} machines lost, {} outcomes unknown: {violations} violations in {:.0} s",
        args.seeds,
        counts.runs,
        counts.killed,
        counts.lost_machines,
        counts.unknown,
        began.elapsed().as_secs_f64()
    );
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
