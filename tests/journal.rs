//! What a dead run leaves in the journal, through the real binary: each line of it ends in the
//! lockfile, upstream or before a person's eyes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{World, plain_quote};

const JOURNAL: &str = ".proforma/journal.sandbox.jsonl";
const LOCK: &str = "proforma.sandbox.lock";
const APPLY: &[&str] = &["apply", "--auto-approve", "--allow", "all"];

/// Runs apply until a request is held, and kills it there.
fn killed_at(world: &World, fault: &Value) {
    world.faults(&json!([fault]));
    let mut child = world.spawn(APPLY);
    assert!(world.held(&mut child), "nothing was held");
    child.kill().unwrap();
    child.wait().unwrap();
    world.faults(&json!([]));
    assert!(world.path(JOURNAL).exists());
}

fn codes(document: &Value) -> Vec<&str> {
    document["diagnostics"].as_array().unwrap().iter().filter_map(|d| d["code"].as_str()).collect()
}

/// A run finds a quote by its stamp, adds an item to it and dies before it records either. Then
/// the manifest goes. Without the journal nobody would know of the quote any more.
#[test]
fn a_quote_that_a_dead_run_found_and_changed_is_recorded_and_can_be_pruned() {
    let stays = plain_quote("two", "draft");
    let world = World::small(&[plain_quote("one", "draft"), stays.clone()].join("---\n"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.lose_lockfile();
    let more = "  - { key: late, name: Late work, quantity: 1, price: 5.00 }\nfees:";
    world.edit("quotes/all.yaml", "fees:", more);
    let fault = json!({ "on": "read", "match": "/objects/line_items/batch/read", "nth": 2, "do": "hold_before" });
    killed_at(&world, &fault);
    assert_eq!(world.records("line_items").len(), 6, "the items were made");
    assert!(!world.path(LOCK).exists(), "and nothing recorded");

    world.write("quotes/all.yaml", &stays);
    world.run(&["plan", "--prune"]).expect(0);
    let plan = world.run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(plan["summary"]["orphaned"], 1, "{plan}");
    let pruned = world.run(&["apply", "--auto-approve", "--allow", "all", "--prune"]).expect(0);
    assert!(pruned.stdout.contains(&id), "{}", pruned.stdout);
    assert_eq!(world.records("quotes").len(), 1);
    assert!(!world.path(JOURNAL).exists());
    world.settled();
}

/// A creation with an unknown outcome whose manifest is gone: no plan looks for it any more, so
/// every command says so until somebody has looked.
#[test]
fn a_forsaken_quote_is_told_by_every_command() {
    let both = [plain_quote("one", "draft"), plain_quote("two", "draft")].join("---\n");
    let world = World::small(&both);
    let fault = json!({ "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": "hold_before" });
    killed_at(&world, &fault);
    world.write("quotes/all.yaml", &plain_quote("two", "draft"));
    for args in [&["plan"][..], &["plan", "--offline"]] {
        let told = world.run(args).expect(6).stderr;
        assert!(told.contains("quote-forsaken"), "{args:?}: {told}");
        assert!(told.contains("recover one --adopt ID"), "{args:?}: {told}");
    }
    let plan = world.plan().expect(6).json();
    assert_eq!(codes(&plan), ["quote-forsaken"], "{plan}");
    let applied = world.run(&["apply", "--auto-approve", "--format", "json"]).expect(6).json();
    assert_eq!(applied["summary"]["applied"], 1, "the other one: {applied}");
    assert_eq!(applied["summary"]["unknown"], 1, "{applied}");
    assert!(world.run(&["recover"]).expect(6).stdout.contains("one: create the quote"));
    world.run(&["recover", "one", "--absent"]).expect(0);
    world.settled();
}

/// The end of a torn journal is dropped, and that is told, once.
#[test]
fn a_torn_line_is_told() {
    let world = World::small(&plain_quote("one", "draft"));
    let fault = json!({ "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": "hold_after" });
    killed_at(&world, &fault);
    let whole = world.read(JOURNAL);
    let torn = format!("{whole}{{\"sum\":\"00");
    for args in [&["plan"][..], &["recover"], APPLY] {
        world.write(JOURNAL, &torn);
        let told = world.run(args).stderr;
        assert!(told.contains("journal-torn") && told.contains("(10 bytes)"), "{args:?}: {told}");
    }
    assert_eq!(world.records("quotes").len(), 1);
    assert!(!world.path(JOURNAL).exists());
    assert!(!world.plan().expect(0).stderr.contains("journal-torn"));
    world.settled();
}

/// A journal that lost a line says nothing reliable: nobody goes on with it.
#[test]
fn a_journal_with_a_missing_line_is_refused() {
    let world = World::small(&plain_quote("one", "draft"));
    let fault = json!({ "on": "write", "match": "/objects/line_items/batch/create", "nth": 1, "do": "hold_before" });
    killed_at(&world, &fault);
    let whole = world.read(JOURNAL);
    let first_intent = whole.lines().position(|l| l.contains(r#""type":"intent""#)).unwrap();
    let lines: Vec<&str> =
        whole.lines().enumerate().filter(|(i, _)| *i != first_intent).map(|(_, l)| l).collect();
    world.write(JOURNAL, &format!("{}\n", lines.join("\n")));
    let writes = world.writes();
    for args in [&["plan"][..], &["status"], &["recover"], APPLY] {
        let told = world.run(args).expect(10).stderr;
        assert!(told.contains("a line is missing") && told.contains("move it away"), "{told}");
    }
    assert_eq!(world.writes(), writes);
    std::fs::remove_file(world.path(JOURNAL)).unwrap();
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 1, "found by its stamp");
    world.settled();
}
