//! One workspace with all four upstreams.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::json;
use support::World;

fn world() -> World {
    let world = World::empty();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/four-upstreams");
    for path in [
        "proforma.yaml",
        "catalog/products.yaml",
        "quotes/cpq.yaml",
        "quotes/crm.yaml",
        "quotes/nordic.yaml",
        "quotes/shop.yaml",
    ] {
        world.write(path, &fs::read_to_string(example.join(path)).unwrap());
    }
    world
}

#[test]
fn the_same_quote_on_four_upstreams() {
    let world = world();
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["create"], 4);
    assert_eq!(plan["consent"], json!(["bill"]));
    assert_eq!(world.writes(), 0);
    assert_eq!(world.apply().expect(0).json()["summary"]["applied"], 4);
    world.settled();
}

#[test]
fn a_preview_asks_and_does_not_bill() {
    let world = world();
    let args = ["plan", "--preview-prices", "--format", "json"];
    let plan = world.run(&args).expect(0).json();
    let cpq = plan["quotes"].as_array().unwrap().iter().find(|q| q["connection"] == "cpq").unwrap();
    let notices = cpq["notices"].to_string();
    assert!(notices.contains("12,000.00 USD"), "{cpq}");
    assert_eq!(world.writes(), 0);
}

#[test]
fn an_upstream_that_is_down_does_not_stop_the_others() {
    let world = world();
    world.faults(&json!([{ "on": "any", "match": "/dealhub/", "every": 1, "do": "status:403" }]));
    let applied = world.apply().expect(5).json();
    assert_eq!(applied["summary"]["applied"], 3, "{applied}");
    assert_eq!(applied["summary"]["blocked"], 1, "{applied}");
    world.faults(&json!([]));
    assert_eq!(world.apply().expect(0).json()["summary"]["applied"], 1);
    world.settled();
}

#[test]
fn what_an_upstream_cannot_hold_names_the_field_and_the_way_out() {
    let world = world();
    world.edit("quotes/shop.yaml", "state: draft", "state: draft\nexpires: 2027-12-31");
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let diagnostic = &found["diagnostics"][0];
    assert_eq!(diagnostic["code"], "field-refused");
    assert_eq!(
        (diagnostic["file"].as_str(), diagnostic["line"].as_u64()),
        (Some("quotes/shop.yaml"), Some(5))
    );
    assert!(diagnostic["help"].is_string(), "{diagnostic}");
}

#[test]
fn one_manifest_and_one_product_with_four_identifiers() {
    let world = world();
    world.write(
        "catalog/products.yaml",
        "product: seo-audit\nname: Annual SEO audit\nsku: SEO-A\nhubspot: { hs_product_id: '19610001' }\n\
         quickquote: { variant_id: 40100000000001 }\nsalesbyte: { bundle_id: 458 }\ndealhub: { sku: LINK-10 }\n",
    );
    let manifest = world.read("quotes/crm.yaml");
    for connection in ["shop", "nordic", "cpq"] {
        let moved = manifest
            .replace("quote: acme-audit-crm", &format!("quote: acme-audit-{connection}"))
            .replace("connection: crm", &format!("connection: {connection}"));
        assert_ne!(moved, manifest);
        world.write(&format!("quotes/{connection}.yaml"), &moved);
    }
    let plan = world.plan().expect(2).json();
    let mut made: Vec<(&str, &str)> = Vec::new();
    for quote in plan["quotes"].as_array().unwrap() {
        made.push((quote["provider"].as_str().unwrap(), quote["action"].as_str().unwrap()));
    }
    made.sort_unstable();
    let all = ["dealhub", "hubspot", "quickquote", "salesbyte"];
    assert_eq!(made, all.map(|provider| (provider, "create")));
    world.apply().expect(0);
    world.settled();
    // Each upstream got its own identifier.
    assert_eq!(world.records("line_items")[0]["properties"]["hs_product_id"], "19610001");
    let upstreams = world.control("GET", "snapshot", &serde_json::Value::Null);
    let quotes = |upstream: &str| upstreams[upstream]["quotes"].as_array().cloned().unwrap();
    let shop = quotes("quickquote").into_iter().find(|q| q["email"] == "jo@acme.example").unwrap();
    assert_eq!(shop["line_items"][0]["variant_id"], 40_100_000_000_001_u64);
    assert_eq!(quotes("salesbyte")[0]["request"]["alternatives"][0]["bundle_id"], 458);
    assert_eq!(quotes("dealhub")[0]["request"]["line_items"][0]["sku"], "LINK-10");
}

/// A quote that was removed upstream is made anew once, also when the lockfile of before comes
/// back (a runner whose commit was lost) and the journal with it.
#[test]
fn what_was_made_anew_is_found_again_by_an_older_lockfile() {
    for (connection, upstream) in
        [("crm", "hubspot"), ("shop", "quickquote"), ("nordic", "salesbyte")]
    {
        let world = support::four::four(&support::four::draft_on(connection, "one", 1));
        let id = |world: &World| {
            let list = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
            list["quotes"][0]["id"].as_str().unwrap().to_owned()
        };
        world.apply().expect(0);
        let (first, older) = (id(&world), world.read("proforma.sandbox.lock"));
        let gone = json!({ "upstream": upstream, "object": "quotes", "id": first });
        world.control("POST", "archive", &gone);
        world.apply().expect(0);
        let second = id(&world);
        assert_ne!(first, second, "{connection}");
        world.write("proforma.sandbox.lock", &older);
        fs::remove_dir_all(world.dir().join(".proforma")).unwrap();
        let again = world.apply().expect(0).json();
        assert_eq!(id(&world), second, "{connection}: {again}");
        world.settled();
    }
}
