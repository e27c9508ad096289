//! The deterministic simulation, a few hundred seeds of it. `cargo run --release --example simulate`
//! plays as many as one likes; see `tests/sim/mod.rs` for what it is.

#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "sim/mod.rs"]
mod sim;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sim::{Played, Sabotage, replay};

/// Seeds of every test run.
const SEEDS: u64 = 300;

/// Plays seeds on all processors and gives those that match, in order.
fn play(
    seeds: &[u64],
    sabotage: Option<Sabotage>,
    wanted: impl Fn(&Played) -> bool + Sync,
) -> Vec<Played> {
    let next = AtomicU64::new(0);
    let found = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    let Some(seed) = seeds.get(at) else { return };
                    let played = sim::run(*seed, sabotage, false);
                    if wanted(&played) {
                        found.lock().unwrap().push(played);
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|p| p.seed);
    found
}

fn told(found: &[Played]) -> String {
    let told: Vec<String> = found
        .iter()
        .map(|p| {
            let violation = p.violation.clone().unwrap_or_default();
            format!("seed {}: {violation}\n  replay: {}", p.seed, replay(p.seed))
        })
        .collect();
    told.join("\n")
}

#[test]
fn hundreds_of_schedules_and_no_violation() {
    let seeds: Vec<u64> = (0..SEEDS).collect();
    let failed = play(&seeds, None, |p| p.violation.is_some());
    assert!(failed.is_empty(), "{} of {SEEDS}:\n{}", failed.len(), told(&failed));
}

/// Seeds that once found something.
const FOUND: [u64; 9] = [856, 1739, 2197, 2623, 2761, 2856, 3290, 3476, 26298];

#[test]
fn what_was_found_stays_mended() {
    let failed = play(&FOUND, None, |p| p.violation.is_some());
    assert!(failed.is_empty(), "{}", told(&failed));
}

/// The harness finds what it is there to find: with a rule of the world broken, it says so.
fn finds(sabotage: Sabotage, seeds: &[u64], words: &[&str]) {
    let found = play(seeds, Some(sabotage), |p| p.violation.is_some());
    let told = told(&found);
    assert!(!found.is_empty(), "{sabotage:?} went unnoticed over {seeds:?}");
    assert!(words.iter().any(|word| told.contains(word)), "{sabotage:?}: {told}");
    // And the same seeds are sound where the rule holds.
    let sound = play(seeds, None, |p| p.violation.is_some());
    assert!(sound.is_empty(), "{}", self::told(&sound));
}

#[test]
fn a_request_that_always_arrives_twice_is_noticed() {
    finds(Sabotage::Twice, &[0, 1, 2, 3], &["times", "two ", "messages"]);
}

#[test]
fn an_fsync_that_does_nothing_is_noticed() {
    finds(Sabotage::NoSync, &[396, 520], &["two ", "times"]);
}

#[test]
fn a_disk_that_forgets_the_lockfile_is_noticed() {
    finds(Sabotage::LockfileForgets, &[0, 1], &["lockfile", "not empty", "journal"]);
}

#[test]
fn a_request_that_lands_beyond_every_declared_lag_is_noticed() {
    finds(Sabotage::LandsTooLate, &[209, 218], &["two "]);
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    for seed in 0..6 {
        let (first, second) = (sim::run(seed, None, false), sim::run(seed, None, false));
        if first.trace != second.trace {
            let same = first.trace.lines().zip(second.trace.lines()).take_while(|(a, b)| a == b);
            let at = same.count();
            panic!(
                "seed {seed}, line {at}:\n{:?}\n{:?}",
                first.trace.lines().nth(at),
                second.trace.lines().nth(at)
            );
        }
    }
}
