//! `plan --offline`: what a pull request from a fork gets, without credentials and without a network.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::four::{CONNECTIONS, draft_on, four};
use support::{World, bare, finish, plain_quote};

/// Nothing in the environment, an upstream that refuses connections: it does not matter.
#[test]
fn it_needs_no_credentials_and_no_network() {
    let world = World::empty();
    world.write(
        "proforma.yaml",
        "proforma: 1\nworkspace: w\nconnections:\n  crm:\n    provider: hubspot\n    \
         token: { env: HUBSPOT_TOKEN }\n    base_url: http://127.0.0.1:9\n    \
         defaults: { template: Default Modern, currency: USD }\n",
    );
    world.write("quotes/a.yaml", &plain_quote("a", "published"));
    let plan = finish(bare(world.dir()).args(["plan", "--offline", "--format", "json"]));
    let plan = plan.expect(0).json();
    assert_eq!(plan["offline"], true);
    assert_eq!(plan["summary"]["create"], 1);
    assert_eq!(
        plan["quotes"][0]["total"]["after"],
        json!({ "currency": "USD", "amount": "265.45" })
    );
    assert_eq!(plan["quotes"][0]["steps"], json!([]), "it promises no step");
    assert!(plan["quotes"][0]["id"].is_null());
    for format in ["human", "markdown", "html", "sarif", "github"] {
        let ended = finish(bare(world.dir()).args(["plan", "--offline", "--format", format]));
        let ended = ended.expect(0);
        assert!(!ended.stdout.contains("unresolved-"), "{format}: {}", ended.stdout);
    }
    let ended =
        finish(bare(world.dir()).args(["plan", "--offline", "--detailed-exitcode"])).expect(2);
    assert!(ended.stdout.contains("No upstream was"), "{}", ended.stdout);
}

/// On all four upstreams: what was applied is as recorded, and what the manifest changes is seen.
#[test]
fn it_sees_what_the_manifests_change_and_nothing_else() {
    let quotes: Vec<String> =
        CONNECTIONS.iter().map(|c| draft_on(c, &format!("{c}-q"), 2)).collect();
    let world = four(&quotes.join("---\n"));
    world.apply().expect(0);
    let requests = world.requests();
    let plan = || {
        let ended = world.run(&["plan", "--offline", "--format", "json"]);
        assert_eq!(world.requests(), requests, "it asked an upstream");
        ended
    };
    let same = plan().expect(0).json();
    assert_eq!(same["summary"]["none"], 4, "{same:#}");

    let quotes: Vec<String> =
        CONNECTIONS.iter().map(|c| draft_on(c, &format!("{c}-q"), 3)).collect();
    world.write("quotes/all.yaml", &quotes.join("---\n"));
    let changed = plan().expect(0).json();
    for (connection, action, path) in [
        ("crm", "update", "items[a].quantity"),
        ("shop", "update", "items[a].quantity"),
        ("nordic", "replace", "fields[bank_name]"),
        ("cpq", "replace", "items[audit].quantity"),
    ] {
        let all = changed["quotes"].as_array().unwrap();
        let quote = all.iter().find(|q| q["connection"] == connection).unwrap();
        assert_eq!(quote["action"], action, "{quote:#}");
        let rows = quote["changes"].as_array().unwrap();
        let change = rows.iter().find(|c| c["path"] == path).unwrap_or_else(|| panic!("{quote:#}"));
        // Of what is there only a fingerprint is known.
        assert_eq!(change["before"], json!(null));
        assert_eq!(change["origin"], "manifest");
    }
    // The real plan finds just these quotes changed too.
    let real = world.plan().expect(2).json();
    assert_eq!(real["summary"]["none"], 0, "{real:#}");
}

#[test]
fn it_tells_new_orphaned_and_unknown_apart() {
    let world =
        World::small(&format!("{}---\n{}", plain_quote("a", "draft"), plain_quote("b", "draft")));
    world.apply().expect(0);
    world.write(
        "quotes/all.yaml",
        &format!(
            "{}---\n{}",
            plain_quote("a", "draft").replace("jo@acme.example", "cfo@acme.example"),
            plain_quote("c", "draft")
        ),
    );
    let plan = world.run(&["plan", "--offline", "--format", "json"]).expect(0).json();
    let of = |name: &str| {
        plan["quotes"].as_array().unwrap().iter().find(|q| q["quote"] == name).unwrap().clone()
    };
    assert_eq!(of("a")["action"], "unverifiable", "{plan:#}");
    assert!(of("a")["reason"].as_str().unwrap().contains("`customer`"), "{plan:#}");
    assert_eq!(of("b")["action"], "orphaned");
    assert_eq!(of("c")["action"], "create");
    let page = world.run(&["plan", "--offline"]).expect(0).stdout;
    assert!(page.contains("1 to create, 1 unknown, 1 orphaned"), "{page}");
}

#[test]
fn a_changed_value_is_never_said_to_be_known() {
    let world = World::small(&plain_quote("a", "draft"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "price: 100.00", "price: 120.00");
    world.edit("quotes/all.yaml", "title: Title of a", "title: Another");
    let page = world.run(&["plan", "--offline"]).expect(0).stdout;
    assert!(page.contains("(as recorded) → 120.00"), "{page}");
    assert!(page.contains("(as recorded) → Another"), "{page}");
    let page = world.run(&["plan", "--offline", "--format", "markdown"]).expect(0).stdout;
    assert!(page.contains("| \\(as recorded\\) | 120.00 |"), "{page}");
}

#[test]
fn what_needs_a_look_upstream_is_refused() {
    let world = World::small(&plain_quote("a", "draft"));
    let ended = world.run(&["plan", "--offline", "--out", "p.json", "--format", "json"]).expect(10);
    assert!(ended.json()["failure"]["message"].as_str().unwrap().contains("cannot be saved"));
    assert!(!world.path("p.json").exists());
    world.run(&["plan", "--offline", "--preview-prices"]).expect(10);
    // A plan that was made offline and sealed by hand is not applied either.
    world.run(&["plan", "--out", "p.json"]).expect(0);
    let forged =
        world.read("p.json").replacen("\"workspace\"", "\"offline\": true, \"workspace\"", 1);
    world.write("p.json", &forged);
    world.run(&["apply", "p.json", "--auto-approve"]).expect(10);
    assert_eq!(world.writes(), 0);
}

#[test]
fn guardrails_and_bad_manifests_end_as_they_do_online() {
    let world = World::small(&plain_quote("a", "draft"));
    world.write("proforma.yaml", &format!("{}guardrails: {{ max_creates: 0 }}\n", support::SMALL));
    let plan = world.run(&["plan", "--offline", "--format", "json"]).expect(3).json();
    assert_eq!(plan["diagnostics"][0]["code"], "guardrail");
    world.write("quotes/all.yaml", "quote: a\ntitel: x\n");
    world.run(&["plan", "--offline"]).expect(10);
}
