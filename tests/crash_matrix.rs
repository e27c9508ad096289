//! The crash matrix: an apply is killed before and after each of its write requests, and run again.
//!
//! Purpose: whatever the moment of the kill, the second run ends as the one that was never killed:
//! the same quotes, line items and adjustments with the same values, each once, each published as
//! often. Twice over: with lockfile and journal kept, and on a fresh machine that has only the
//! lockfile that was committed before.
//!
//! The one thing to know: the reference is an undisturbed run in a world of its own; a world after
//! a crash is compared with it value by value, ids left out.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{SMALL, World};

const APPLY: [&str; 7] =
    ["apply", "--auto-approve", "--allow", "all", "--prune", "--format", "json"];
const LOCK: &str = "proforma.sandbox.lock";
/// Cases spend most of their time waiting: for disks, and for what may still be on its way.
const THREADS: usize = 8;

/// What is applied undisturbed before the run that is killed.
const BEFORE: &str = "\
quote: unlocked
title: Unlocked
expires: 2027-12-01
state: published
lifecycle: { when_locked: unlock }
customer: { email: buyer@globex.example }
deal: Globex renewal 2027
items:
  - { key: a, name: Retainer, quantity: 12, price: 100.00 }
  - { key: b, name: Report, price: 650.00, discount: 10% }
fees: [{ label: Setup, amount: 20.00 }]
---
quote: revised
title: Revised
expires: 2027-12-01
state: published
lifecycle: { when_locked: revise }
customer: { email: buyer@initech.example }
deal: Initech renewal 2027
items: [{ key: a, name: Sprint, price: 4800.00 }]
discounts: [{ label: Loyalty, percent: 5 }]
---
quote: draft
title: Draft
expires: 2027-12-01
customer: { email: buyer@stark.example }
deal: Stark SEO 2027
items: [{ key: a, name: Training, quantity: 2, price: 1750.00 }]
---
quote: gone
title: Gone
expires: 2027-12-01
state: published
customer: { email: buyer@soylent.example }
deal: Soylent SEO 2027
items: [{ key: a, name: Links, price: 1950.00 }]
fees: [{ label: Setup, amount: 5.00 }]
---
quote: still
title: Still
expires: 2027-12-01
state: published
customer: { email: buyer@cyberdyne.example }
deal: Cyberdyne SEO 2027
items: [{ key: a, name: Articles, price: 1600.00 }]
";

/// New quotes, with one of everything.
const NEW: &str = "\
quote: new-published
title: New and published
expires: 2027-12-01
state: published
customer: { email: jo@acme.example }
contacts: [{ email: cfo@acme.example }]
company: acme.example
deal: Acme renewal 2027
items:
  - { key: a, name: Audit, sku: SEO-A, quantity: 2, price: 100.00 }
  - { key: b, name: Bundle, price: 50.50, discount: 10% }
  - { key: c, name: Care, price: 19.90, recurring: { every: month, for: 12 months } }
discounts: [{ label: Loyalty, percent: 5 }, { label: Spring, amount: 10.00 }]
fees: [{ label: Onboarding, amount: 300.00 }]
taxes: [{ label: VAT, percent: 25 }]
---
quote: new-draft
title: New draft
expires: 2027-12-01
customer: { email: buyer@acme.example }
deal: Acme SEO 2027
items: [{ key: a, name: Local, quantity: 3, price: 950.00, discount: 150.00 }]
fees: [{ label: Travel, amount: 12.50 }]
---
quote: new-too
title: New too
expires: 2027-12-01
state: published
customer: { email: buyer@oscorp.example }
deal: Oscorp SEO 2027
items: [{ key: a, name: Plain, price: 1.00 }]
notes: { public: \"Two <lines>\\nof text\" }
";

/// The second run's manifests: an unlock, a revision, an edited draft, a deletion, and new quotes.
fn after() -> String {
    let edited = BEFORE
        .replace("price: 650.00, discount: 10% }", "price: 700.00, discount: 75.00 }")
        .replace("quantity: 12, price: 100.00", "quantity: 12, price: 110.00")
        .replace("fees: [{ label: Setup, amount: 20.00 }]", "taxes: [{ label: VAT, percent: 19 }]")
        .replace("name: Sprint, price: 4800.00", "name: Long sprint, price: 5100.00")
        .replace("name: Training, quantity: 2,", "name: Training days, quantity: 3,");
    let kept: Vec<&str> = edited.split("---\n").filter(|q| !q.starts_with("quote: gone")).collect();
    format!("{}---\n{NEW}", kept.join("---\n"))
}

/// A world to be disturbed: its upstream, its committed lockfile, its manifests.
struct Story {
    name: &'static str,
    upstream: Value,
    lock: Option<String>,
    quotes: String,
    /// What an undisturbed run leads to.
    reference: Vec<Value>,
    writes: u64,
}

impl Story {
    fn new(name: &'static str, before: Option<&str>, quotes: &str) -> Self {
        let world = World::small(before.unwrap_or("# nothing yet\n"));
        let lock = before.map(|_| {
            world.run(&APPLY).expect(0);
            world.read(LOCK)
        });
        let upstream = world.take_upstream();
        let (writes, quotes) = (world.writes(), quotes.to_owned());
        world.write("quotes/all.yaml", &quotes);
        world.run(&APPLY).expect(0);
        let writes = world.writes() - writes;
        world.settled();
        Self { name, upstream, lock, quotes, reference: portrait(&world), writes }
    }

    fn world(&self) -> World {
        let world = World::empty();
        world.put_upstream(self.upstream.clone());
        world.write("proforma.yaml", SMALL);
        world.write("quotes/all.yaml", &self.quotes);
        self.commit(&world);
        world
    }

    /// Puts the lockfile there as it was committed before the run.
    fn commit(&self, world: &World) {
        match &self.lock {
            Some(lock) => world.write(LOCK, lock),
            None => drop(fs::remove_file(world.path(LOCK))),
        }
    }
}

/// All quotes with their parts, links and publications; ids of what was made are left out.
fn portrait(world: &World) -> Vec<Value> {
    let lists = ["line_items", "discounts", "fees", "taxes"];
    let mut parts: BTreeMap<(&str, String), Value> = BTreeMap::new();
    for list in lists {
        for record in world.records(list) {
            let properties = record["properties"].as_object().unwrap();
            let kept: BTreeMap<&String, &Value> =
                properties.iter().filter(|(name, _)| is_told(name)).collect();
            parts.insert((list, record["id"].as_str().unwrap().to_owned()), json!(kept));
        }
    }
    let mut quotes = Vec::new();
    for quote in world.records("quotes") {
        let id = quote["id"].as_str().unwrap();
        let mut told = BTreeMap::new();
        for name in ["hs_title", "hs_status", "hs_quote_amount", "hs_comments", "hs_locked"] {
            told.insert(name.to_owned(), quote["properties"][name].clone());
        }
        for list in lists {
            let ids = quote["associations"][list].as_array().cloned().unwrap_or_default();
            let mut mine: Vec<Value> =
                ids.iter().filter_map(|i| parts.remove(&(list, id_of(i)))).collect();
            mine.sort_by_key(Value::to_string);
            told.insert(list.to_owned(), json!(mine));
        }
        for links in ["deals", "contacts", "companies", "quote_template"] {
            let ends = quote["associations"][links].as_array().cloned().unwrap_or_default();
            let ends: BTreeSet<String> = ends.iter().map(id_of).collect();
            told.insert(links.to_owned(), json!(ends));
        }
        told.insert("published".to_owned(), json!(publications(world, id)));
        quotes.push(json!(told));
    }
    assert!(parts.is_empty(), "parts that belong to no quote: {parts:?}");
    quotes.sort_by_key(Value::to_string);
    quotes
}

/// The id at the end of a link.
fn id_of(end: &Value) -> String {
    end["id"].as_str().unwrap().to_owned()
}

/// Properties of a part that are the same in every world.
fn is_told(name: &str) -> bool {
    !matches!(
        name,
        "hs_object_id"
            | "createdate"
            | "hs_createdate"
            | "hs_lastmodifieddate"
            | "hs_object_source_id"
    )
}

/// How often a quote was published.
fn publications(world: &World, id: &str) -> usize {
    let path = format!("crm/v3/objects/quotes/{id}?propertiesWithHistory=hs_status");
    let versions = world.upstream(&path)["propertiesWithHistory"]["hs_status"].clone();
    let versions = versions.as_array().unwrap();
    versions.iter().filter(|v| v["value"] == "APPROVAL_NOT_NEEDED").count()
}

#[derive(Clone, Copy)]
struct Case {
    story: usize,
    k: u64,
    when: &'static str,
    lost: bool,
}

/// Kills the apply at the k-th write, runs it again and compares. Gives what was held, or that the
/// apply ended without being held.
fn disturb(story: &Story, case: Case) -> Option<String> {
    let world = story.world();
    world.faults(&json!([{ "on": "write", "nth": case.k, "do": format!("hold_{}", case.when) }]));
    let mut child = world.spawn(&APPLY);
    if !world.held(&mut child) {
        assert_eq!(child.wait().unwrap().code(), Some(0));
        return None;
    }
    let held = world.held_now().pop().unwrap_or_default();
    child.kill().unwrap();
    child.wait().unwrap();
    world.control("POST", "release", &json!({}));
    let limit = Instant::now() + Duration::from_secs(20);
    while !world.held_now().is_empty() {
        assert!(Instant::now() < limit, "a killed client's request is still held");
        std::thread::sleep(Duration::from_millis(2));
    }
    world.faults(&json!([]));
    if case.lost {
        story.commit(&world);
        let _ = fs::remove_dir_all(world.path(".proforma"));
    }
    world.run(&APPLY).expect(0);
    let found = portrait(&world);
    assert_eq!(
        found.len(),
        story.reference.len(),
        "quotes upstream: {}",
        serde_json::to_string_pretty(&found).unwrap()
    );
    for (found, wanted) in found.iter().zip(&story.reference) {
        assert_eq!(found, wanted);
    }
    world.settled();
    Some(held)
}

#[test]
fn a_killed_apply_run_again_ends_as_one_that_was_never_killed() {
    let began = Instant::now();
    let after = after();
    let stories = std::thread::scope(|scope| {
        let first = scope.spawn(|| Story::new("first", None, NEW));
        let change = Story::new("change", Some(BEFORE), &after);
        [first.join().unwrap(), change]
    });
    let mut cases = Vec::new();
    for (story, told) in stories.iter().enumerate() {
        for k in 1..=told.writes + 1 {
            for (when, lost) in
                [("before", false), ("before", true), ("after", false), ("after", true)]
            {
                // The first apply has no lockfile yet: to lose it is to lose the journal alone.
                cases.push(Case { story, k, when, lost });
            }
        }
    }
    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)).copied() {
                    let story = stories.get(case.story).unwrap();
                    let run = std::panic::AssertUnwindSafe(|| disturb(story, case));
                    let outcome = std::panic::catch_unwind(run).map_err(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        text.or_else(|| Some((*panic.downcast_ref::<&str>()?).to_owned()))
                            .unwrap_or_default()
                    });
                    let key = (case.story, case.k, case.when, case.lost);
                    outcomes.lock().unwrap().insert(key, outcome);
                }
            });
        }
    });
    let outcomes = outcomes.into_inner().unwrap();
    let table = table(&stories, &outcomes);
    println!("{table}{} cases in {:.0} s", outcomes.len(), began.elapsed().as_secs_f64());
    let failed: Vec<String> = outcomes
        .iter()
        .filter_map(|((story, k, when, lost), outcome)| {
            let name = stories[*story].name;
            let why = outcome.as_ref().err()?;
            Some(format!("{name}, {when} write {k}, {}:\n{why}\n", word(*lost)))
        })
        .collect();
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), outcomes.len(), failed.join("\n"));
    // The count of writes may move a little with what shares a batch, but a matrix that never
    // killed anything proves nothing.
    for (i, story) in stories.iter().enumerate() {
        let killed = outcomes.iter().filter(|(key, o)| key.0 == i && matches!(o, Ok(Some(_))));
        assert!(killed.count() as u64 >= 4 * (story.writes - 1), "too few kills in {}", story.name);
    }
}

type Outcomes = BTreeMap<(usize, u64, &'static str, bool), Result<Option<String>, String>>;

fn word(lost: bool) -> &'static str {
    if lost { "lost" } else { "kept" }
}

/// One row a write, one column a variant.
fn table(stories: &[Story], outcomes: &Outcomes) -> String {
    let mut out = String::new();
    for (i, story) in stories.iter().enumerate() {
        let _ = writeln!(
            out,
            "{:<8} {:>3}  {:<12} {:<12} {:<12} {:<12} request",
            story.name, "k", "before/kept", "before/lost", "after/kept", "after/lost"
        );
        for k in 1..=story.writes + 1 {
            let mut cells = String::new();
            let mut request = String::new();
            for (when, lost) in
                [("before", false), ("before", true), ("after", false), ("after", true)]
            {
                let cell = match outcomes.get(&(i, k, when, lost)) {
                    Some(Ok(Some(held))) => {
                        request.clone_from(held);
                        "ok"
                    }
                    Some(Ok(None)) => "not reached",
                    Some(Err(_)) => "FAILED",
                    None => "-",
                };
                let _ = write!(cells, "{cell:<12} ");
            }
            let _ = writeln!(out, "{:<8} {k:>3}  {cells}{request}", "");
        }
    }
    out
}
