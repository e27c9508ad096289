//! Budgets, as counts: requests an object, reads a quote, flushes a batch. No time is measured
//! here; `cargo bench` does that.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fmt::Write as _;

use serde_json::{Value, json};
use support::World;

/// Quotes of the large workspace.
const QUOTES: u64 = 1_000;

/// Published quotes of two items, each on a deal and for a buyer of its own; 100 a file.
fn bulk_world(count: u64) -> World {
    let world = World::empty();
    world.settings(&json!({ "bulk_deals": count }));
    // The client's own limit out of the way: what is measured is how many, not how fast.
    world.write(
        "proforma.yaml",
        "proforma: 1\nworkspace: bulk\nconnections:\n  crm:\n    provider: hubspot\n    \
         token: { env: HUBSPOT_TOKEN }\n    rate: 100000/1s\n    \
         defaults: { template: Default Modern, currency: USD }\n",
    );
    let numbers: Vec<u64> = (1..=count).collect();
    for (file, part) in numbers.chunks(100).enumerate() {
        let mut text = String::new();
        for n in part {
            let _ = write!(
                text,
                "---\nquote: bulk-{n:04}\ntitle: Bulk {n}\nexpires: 2027-12-01\nstate: published\n\
                 customer: {{ email: bulk-{n:04}@bulk.example }}\ndeal: Bulk deal {n:04}\nitems:\n  \
                 - {{ key: a, name: Audit, quantity: 2, price: {n}.50 }}\n  \
                 - {{ key: b, name: Bundle, price: 50.50, discount: 10% }}\n"
            );
        }
        world.write(&format!("quotes/part-{file:03}.yaml"), &text);
    }
    world
}

/// Requests by route, the busiest first.
fn routes(world: &World) -> String {
    let counts = world.control("GET", "requests", &Value::Null);
    let mut rows: Vec<(u64, String)> = counts["routes"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(route, n)| (n.as_u64().unwrap(), route.clone()))
        .collect();
    rows.sort_by(|a, b| b.cmp(a));
    rows.iter().fold(String::new(), |mut out, (n, route)| {
        let _ = writeln!(out, "  {n:>4} {route}");
        out
    })
}

/// `count` requests are at most `thousandths` of `of`.
#[track_caller]
fn at_most(what: &str, count: u64, thousandths: u64, of: u64, routes: &str) {
    let share = count * 10_000 / of;
    println!("{what}: {count} for {of}, 0.{share:04} each\n{routes}");
    assert!(count * 1_000 <= thousandths * of, "{what}: {count} for {of}\n{routes}");
}

#[test]
fn a_first_apply_and_an_idle_plan_stay_within_their_requests() {
    let world = bulk_world(QUOTES);
    world.apply().expect(0);
    let quotes = u64::try_from(world.records("quotes").len()).unwrap();
    let items = u64::try_from(world.records("line_items").len()).unwrap();
    assert_eq!((quotes, items), (QUOTES, 2 * QUOTES));
    at_most("writes an object", world.writes(), 100, quotes + items, &routes(&world));

    world.control("POST", "reset", &json!({ "counters": true }));
    let plan = world.plan().expect(0).json();
    assert_eq!(plan["summary"]["none"], QUOTES);
    let (reads, writes) = world.requests();
    assert_eq!(writes, 0);
    at_most("reads a quote, nothing to do", reads, 50, quotes, &routes(&world));
}
