//! `status` and `lock list`: the three sides of each quote.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::four::{draft_on, four};
use support::{Ended, World, plain_quote};

fn status(world: &World) -> Value {
    world.run(&["status", "--format", "json"]).json()
}

fn verdict(world: &World, quote: &str) -> String {
    let all = status(world);
    let row = all["quotes"].as_array().unwrap().iter().find(|q| q["quote"] == quote).unwrap();
    row["verdict"].as_str().unwrap().to_owned()
}

fn in_columns(world: &World, columns: &str, args: &[&str]) -> Ended {
    let mut command = world.command(args);
    command.env("COLUMNS", columns);
    support::finish(&mut command)
}

#[test]
fn a_quote_goes_through_its_verdicts() {
    let world = World::small(&plain_quote("one", "published"));
    assert_eq!(verdict(&world, "one"), "new");
    world.apply().expect(0);
    let all = status(&world);
    let row = &all["quotes"][0];
    assert_eq!((&row["verdict"], &all["summary"]["in_sync"]), (&json!("in_sync"), &json!(1)));
    assert_eq!(row["desired"]["state"], "published");
    assert_eq!(row["recorded"]["state"], "published");
    assert_eq!(row["observed"]["state"], "published");
    assert_eq!(row["recorded"]["id"], row["observed"]["id"]);
    assert_eq!(row["observed"]["total"], json!({ "amount": "265.45", "currency": "USD" }));
    assert!(row["links"]["quote"].as_str().unwrap().starts_with("https://"), "{row}");

    let id = row["observed"]["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "Mine" }));
    assert_eq!(verdict(&world, "one"), "blocked", "published and locked");
    world.edit("quotes/all.yaml", "state: published", "state: draft");
    assert_eq!(verdict(&world, "one"), "changed");
    world.lose_lockfile();
    assert_eq!(verdict(&world, "one"), "unrecorded");
    world.apply().expect(0);
    world.colleague("quotes", &id, &json!({ "hs_title": "Mine" }));
    assert_eq!(verdict(&world, "one"), "drift");
    world.apply().expect(0);
    world.write("quotes/all.yaml", "# none\n");
    assert_eq!(verdict(&world, "one"), "orphaned");
}

#[test]
fn it_reads_and_never_writes() {
    let quotes: Vec<String> =
        ["crm", "shop", "nordic", "cpq"].map(|c| draft_on(c, &format!("on-{c}"), 1)).into();
    let world = four(&quotes.join("---\n"));
    world.apply().expect(0);
    let writes = world.writes();
    let all = status(&world);
    assert_eq!(all["summary"]["in_sync"], 4, "{all}");
    assert_eq!(world.writes(), writes);
    assert_eq!(all["requests"]["crm"]["write"], 0);
    let some = world.run(&["status", "--only", "provider=dealhub", "--format", "json"]).json();
    assert_eq!(some["quotes"].as_array().unwrap().len(), 1);
}

#[test]
fn the_page_fits_wide_and_narrow() {
    let world = World::small(&format!(
        "{}---\n{}",
        plain_quote("a-quote-with-quite-a-long-name-for-a-terminal", "published"),
        plain_quote("b", "draft")
    ));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "Title of b", "Another title");
    for columns in ["40", "80", "120"] {
        let page = in_columns(&world, columns, &["status"]).expect(0).stdout;
        let most: usize = columns.parse().unwrap();
        for line in page.lines().filter(|l| !l.contains("https://")) {
            assert!(line.chars().count() <= most, "{columns}: {line}\n{page}");
        }
        assert!(page.contains("Another title"), "{page}");
        assert!(page.contains("2 quotes: 1 in sync, 1 changed"), "{page}");
        assert!(!page.contains('\u{1b}'), "{page:?}");
        let list = in_columns(&world, columns, &["lock", "list"]).expect(0).stdout;
        for line in list.lines().filter(|l| !l.contains("https://")) {
            assert!(line.chars().count() <= most, "{columns}: {line}\n{list}");
        }
        assert!(list.contains("published") && list.contains("USD"), "{list}");
    }
    let wide = in_columns(&world, "120", &["status"]).expect(0).stdout;
    let head = wide.lines().next().unwrap();
    for word in ["quote", "desired", "recorded", "observed", "total"] {
        assert!(head.contains(word), "{head}");
    }
}

#[test]
fn hostile_titles_and_states_do_not_reach_the_terminal() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    let id = status(&world)["quotes"][0]["observed"]["id"].as_str().unwrap().to_owned();
    world.colleague(
        "quotes",
        &id,
        &json!({ "hs_title": "\u{1b}]8;;https://evil.example\u{7}x\n::error::y" }),
    );
    for args in [&["status"][..], &["status", "-v"], &["status", "--color", "always"]] {
        let page = world.run(args).expect(0).stdout;
        assert!(!page.contains("\u{1b}]8"), "{page:?}");
        assert!(!page.lines().any(|l| l.trim_start().starts_with("::")), "{page}");
    }
}

#[test]
fn an_upstream_that_is_down_blocks_its_quotes_only() {
    let world = four(&format!("{}---\n{}", draft_on("crm", "a", 1), draft_on("cpq", "b", 1)));
    world.apply().expect(0);
    world.faults(&json!([{ "on": "any", "match": "/dealhub/", "every": 1, "do": "status:403" }]));
    let all = world.run(&["status", "--format", "json"]).expect(5).json();
    assert_eq!(all["summary"]["in_sync"], 1, "{all}");
    assert_eq!(all["summary"]["blocked"], 1, "{all}");
}
