//! A few quotes first: which ones, what stops the rest, and going on afterwards.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::four::{count_on, draft_on, four};
use support::{Ended, World, plain_quote};

fn quotes(names: &[&str]) -> String {
    names.iter().map(|n| plain_quote(n, "draft")).collect::<Vec<_>>().join("---\n")
}

fn apply(world: &World, more: &[&str]) -> Ended {
    let mut args = vec!["apply", "--auto-approve", "--allow", "all", "--format", "json"];
    args.extend(more);
    world.run(&args)
}

fn outcome<'j>(report: &'j Value, name: &str) -> &'j str {
    let all = report["quotes"].as_array().unwrap();
    all.iter().find(|q| q["quote"] == name).unwrap()["outcome"].as_str().unwrap()
}

/// A HubSpot quote whose total is to be counted over the whole contract.
fn by_contract(name: &str) -> String {
    let plain = plain_quote(name, "draft");
    plain.replace("price: 100.00 }", "price: 100.00, recurring: { every: year, for: 3 years } }")
        + "hubspot: { hs_quote_total_preference: TOTAL_CONTRACT_VALUE }\n"
}

#[test]
fn when_the_canaries_are_as_planned_the_rest_follows() {
    let world = World::small(&quotes(&["a", "b", "c", "d"]));
    let ended = apply(&world, &["--canary", "2"]).expect(0);
    assert!(ended.stderr.contains("canary: 2 of 4 first: a, b"), "{}", ended.stderr);
    let report = ended.json();
    assert_eq!(report["canary"], json!({ "quotes": ["a", "b"], "of": 4, "stopped": null }));
    assert_eq!(report["summary"]["applied"], 4);
    world.settled();
    // Nothing to do: nobody goes first.
    let report = apply(&world, &["--canary", "1%"]).expect(0).json();
    assert_eq!(report["canary"]["of"], 0);
    assert_eq!(report["summary"]["unchanged"], 4);
}

/// An account that counts otherwise than a plan does: half a yen, which no plan would ask for.
#[test]
fn a_canary_whose_total_differs_stops_the_rest() {
    let world = World::small("");
    let deal = json!({ "properties": { "dealname": "In yen", "deal_currency_code": "JPY" } });
    let deal = world.by_hand("POST", "/hubspot/crm/v3/objects/deals", &deal)["id"].clone();
    let quote = |discount: &str| {
        format!(
            "quote: a\ntitle: A\nexpires: 2027-12-01\ncurrency: JPY\ndeal: {{ id: {deal} }}\n\
             customer: {{ email: jo@acme.example }}\n\
             items: [{{ key: a, name: Audit, price: 105 }}]\n{discount}"
        )
    };
    let rest = quotes(&["b", "c"]);
    let odd = quote("discounts: [{ label: Loyalty, percent: 10 }]\n");
    world.write("quotes/all.yaml", &format!("{odd}---\n{rest}"));
    let report = apply(&world, &["--canary", "1"]).expect(5).json();
    assert_eq!(outcome(&report, "a"), "failed");
    let all = report["quotes"].as_array().unwrap();
    let told = |n: usize| all[n]["error"].as_str().unwrap().to_owned();
    assert!(
        told(0).contains("its total differs: planned 94 JPY, upstream it is 94.5"),
        "{}",
        told(0)
    );
    assert!(told(1).contains("the canary `a` is not as planned"), "{}", told(1));
    assert_eq!((outcome(&report, "b"), outcome(&report, "c")), ("skipped", "skipped"));
    assert!(report["canary"]["stopped"].is_string());
    assert_eq!(world.records("quotes").len(), 1, "nothing of the others was made");
    let lock = world.read("proforma.sandbox.lock");
    assert!(lock.contains("quote a\n") && !lock.contains("quote b\n"), "{lock}");
    // Mended, it goes on from there; the canary that was made is not made again.
    world.write("quotes/all.yaml", &format!("{}---\n{rest}", quote("discounts: []\n")));
    let ended = apply(&world, &[]).expect(0);
    assert_eq!(world.records("quotes").len(), 3, "{}\n{}", ended.stdout, ended.stderr);
    world.settled();
}

/// Another basis of HubSpot's own total is no difference of ours.
#[test]
fn a_total_over_the_whole_contract_stops_no_canary() {
    let world = World::small(&(by_contract("a") + "---\n" + &quotes(&["b"])));
    apply(&world, &["--canary", "1"]).expect(0);
    world.settled();
}

#[test]
fn a_canary_that_fails_stops_the_rest() {
    let world = World::small(&quotes(&["a", "b", "c"]));
    world.settings(&json!({ "drop_property": ["hs_title"] }));
    let report = apply(&world, &["--canary", "1"]).expect(5).json();
    assert_eq!(outcome(&report, "a"), "failed");
    assert_eq!((outcome(&report, "b"), outcome(&report, "c")), ("skipped", "skipped"));
    assert!(world.records("quotes").len() <= 1);
    world.settings(&json!({ "drop_property": [] }));
    apply(&world, &["--canary", "1"]).expect(0);
    world.settled();
    assert_eq!(world.records("quotes").len(), 3, "each is there once");
}

#[test]
fn each_connection_has_a_canary_before_one_has_two() {
    let mut text = String::new();
    for name in ["a", "b"] {
        for connection in ["crm", "shop"] {
            text += &draft_on(connection, &format!("{name}-{connection}"), 1);
            text += "---\n";
        }
    }
    let world = four(text.trim_end_matches("---\n"));
    let before = count_on(&world, "shop");
    let report = apply(&world, &["--canary", "50%"]).expect(0).json();
    assert_eq!(report["canary"]["quotes"], json!(["a-crm", "a-shop"]));
    assert_eq!((count_on(&world, "crm"), count_on(&world, "shop") - before), (2, 2));
}

#[test]
fn a_shops_own_tax_is_no_difference() {
    let text = draft_on("shop", "a", 2).replace("price: 100.00", "price: 100.00, taxable: true")
        + "---\n"
        + &draft_on("shop", "b", 1);
    let world = four(&text);
    world.settings(&json!({ "upstream": "quickquote", "tax_percent": "8.25" }));
    apply(&world, &["--canary", "1"]).expect(0);
    world.settled();
}

#[test]
fn a_total_that_nobody_tells_proves_nothing() {
    let text = draft_on("nordic", "a", 1) + "---\n" + &draft_on("nordic", "b", 1);
    let world = four(&text);
    let report = apply(&world, &["--canary", "1"]).expect(5).json();
    assert_eq!((outcome(&report, "a"), outcome(&report, "b")), ("failed", "skipped"));
    assert_eq!(count_on(&world, "nordic"), 1);
    // Without a canary it is a matter of course.
    apply(&world, &[]).expect(0);
    assert_eq!(count_on(&world, "nordic"), 2);
}

#[test]
fn a_saved_plan_can_have_canaries_too() {
    let world = World::small(&quotes(&["a", "b", "c"]));
    world.run(&["plan", "--out", "plan.json"]).expect(0);
    let report = apply(&world, &["plan.json", "--canary", "1"]).expect(0).json();
    assert_eq!(report["canary"]["quotes"], json!(["a"]));
    assert_eq!(report["summary"]["applied"], 3);
    world.settled();
    // It is spent.
    apply(&world, &["plan.json"]).expect(4);
}

#[test]
fn a_second_run_goes_on_where_the_first_one_ended() {
    let world = World::small(&quotes(&["a", "b", "c"]));
    let report = apply(&world, &["--only", "a"]).expect(0).json();
    assert_eq!(outcome(&report, "a"), "applied");
    let report = apply(&world, &["--canary", "1"]).expect(0).json();
    assert_eq!(report["canary"]["quotes"], json!(["b"]), "what is done is no canary");
    assert_eq!(world.records("quotes").len(), 3);
    world.settled();
}

#[test]
fn only_counts_and_shares_are_taken() {
    let world = World::small(&quotes(&["a"]));
    for bad in ["0", "0%", "101%", "x", "1.5"] {
        let ended = apply(&world, &["--canary", bad]).expect(10);
        assert!(ended.stderr.contains("1%"), "{bad}: {}", ended.stderr);
    }
    assert_eq!(world.writes(), 0);
}
