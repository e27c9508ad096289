//! Exactly once, whatever dies: an apply is killed with SIGKILL before and after each of its write
//! requests, on every provider, with and without its journal and lockfile, and run again. See
//! [`crash`] for what is compared, and `docs/crash-matrix.md` for the table that comes of it
//! (`UPDATE_DOCS=1` writes it anew).
//!
//! The one thing to know: `MATRIX=hubspot` (any part of a provider's or story's name) runs a part of it, for
//! somebody who looks for a fault; the page is then neither compared nor written.

#![allow(clippy::unwrap_used, reason = "tests")]

mod crash;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crash::{APPLY, Kill, Story, portrait, scenarios, table};
use serde_json::{Value, json};
use support::World;

/// Cases spend most of their time waiting: for disks, and for what may still be on its way.
const THREADS: usize = 16;

/// Does all jobs, side by side, in any order.
fn side_by_side<J: Sync, R: Send>(
    jobs: &[J],
    work: impl Fn(&J) -> R + Sync,
) -> Vec<(usize, Result<R, String>)> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { break };
                    let result = catch_unwind(AssertUnwindSafe(|| work(job))).map_err(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()))
                            .unwrap_or_default()
                    });
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done
}

#[test]
fn a_killed_apply_goes_on_as_if_it_had_never_been_killed() {
    let began = Instant::now();
    let part = std::env::var("MATRIX").ok();
    let mut chosen = scenarios::all();
    if let Some(part) = &part {
        let wanted = part.to_lowercase();
        chosen.retain(|s| format!("{}: {}", s.provider, s.story).to_lowercase().contains(&wanted));
    }
    let chosen: Vec<Mutex<Option<crash::Scenario>>> =
        chosen.into_iter().map(|s| Mutex::new(Some(s))).collect();
    let stories: Vec<Story> =
        side_by_side(&chosen, |s| Story::new(s.lock().unwrap().take().unwrap()))
            .into_iter()
            .map(|(_, story)| story.unwrap())
            .collect();
    let cases: Vec<(usize, Kill)> = stories
        .iter()
        .enumerate()
        .flat_map(|(n, story)| story.kills().into_iter().map(move |kill| (n, kill)))
        .collect();
    let mut rows = BTreeMap::new();
    let mut failed = Vec::new();
    for (at, row) in side_by_side(&cases, |(n, kill)| stories[*n].kill(*kill)) {
        let (n, kill) = cases[at];
        match row {
            Ok(row) => drop(rows.insert((n, kill), row)),
            Err(why) => {
                let name =
                    format!("{}, {}", stories[n].scenario.provider, stories[n].scenario.story);
                failed.push(format!("{name}, {} write {}:\n{why}\n", kill.moment.word(), kill.k));
            }
        }
    }
    println!("{} kills in {:.0} s", cases.len(), began.elapsed().as_secs_f64());
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), cases.len(), failed.join("\n"));
    let page = table::page(&stories, &rows);
    if part.is_some() {
        println!("{page}");
        return;
    }
    // A matrix that kills nothing proves nothing.
    assert!(cases.len() > 100, "only {} kills", cases.len());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/crash-matrix.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, page).unwrap();
        return;
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs = kept.lines().zip(page.lines()).find(|(a, b)| a != b);
    assert!(
        kept == page,
        "docs/crash-matrix.md is not what was found (`UPDATE_DOCS=1` writes it); first: {differs:?}"
    );
}

/// A creation that HubSpot was still working on when its client was killed, on a portal that
/// does not refuse a second object with the same stamp.
#[test]
fn what_lands_after_the_kill_is_not_made_again() {
    let world = World::small(scenarios::HUBSPOT_NEW);
    world.settings(&json!({ "unique_on_quotes": false }));
    world.faults(&json!([
        { "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": "late:1500" }
    ]));
    let mut child = world.spawn(&APPLY);
    let limit = Instant::now() + Duration::from_mins(5);
    while world.control("GET", "faults", &Value::Null)["faults"][0]["fired"] != 1 {
        assert!(Instant::now() < limit, "no quote was sent");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(world.records("quotes").len(), 0, "it landed before the second run began");
    world.run(&APPLY).expect(0);
    assert_eq!(world.records("quotes").len(), 3);
    assert_eq!(world.records("line_items").len(), 5);
    world.settled();
}

/// A generate whose quote DealHub still hides: with the journal, the next run waits for it; so does
/// a machine that remembers nothing.
#[test]
fn a_quote_that_is_still_hidden_is_waited_for_and_billed_once() {
    for (lockfile, state_folder) in [(true, true), (false, true), (true, false), (false, false)] {
        let world = World::empty();
        let mut cpq = scenarios::all().into_iter().find(|s| s.provider == "DealHub").unwrap();
        let (path, text) = cpq.files.remove(0);
        world.write(&path, &text.replace("visibility: 1s", "visibility: 4s"));
        world.write("quotes/all.yaml", &cpq.quotes.unwrap());
        world.settings(&json!({ "upstream": "dealhub", "visibility": 2500 }));
        world
            .faults(&json!([{ "on": "write", "match": "generate", "nth": 1, "do": "hold_after" }]));
        let mut child = world.spawn(&APPLY);
        assert!(world.held(&mut child));
        child.kill().unwrap();
        child.wait().unwrap();
        world.faults(&json!([]));
        if !lockfile {
            let _ = fs::remove_file(world.path("proforma.sandbox.lock"));
        }
        if !state_folder {
            fs::remove_dir_all(world.path(".proforma")).unwrap();
        }
        let again = world.run(&APPLY).expect(0);
        assert_eq!(again.stderr.contains("this machine remembers no"), !state_folder);
        // The portrait holds what was billed against what is there.
        assert_eq!(portrait::dealhub(&world).len(), 4);
        world.settled();
    }
}
