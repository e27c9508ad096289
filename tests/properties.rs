//! Properties of generated workspaces: apply, then plan is empty; a change, apply, then plan is
//! empty; the lockfile lost, then all is adopted without a write.
//!
//! The one thing to know: a case costs seven runs of the binary, so there are few, of few quotes;
//! `PROPTEST_CASES` asks for more.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use proptest::collection::vec;
use proptest::option::{of, weighted};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Map, Value, json};
use support::World;

/// Deals of the seeded portal in US dollars, each with its buyer; one a quote.
const DEALS: [(&str, &str, &str); 3] = [
    ("Acme renewal 2027", "jo@acme.example", "acme.example"),
    ("Globex renewal 2027", "buyer@globex.example", "globex.example"),
    ("Stark SEO 2027", "buyer@stark.example", "stark.example"),
];

/// Letters that HTML, YAML or a terminal might take for something else.
fn line() -> BoxedStrategy<String> {
    "[A-Za-z0-9<>&\"':#åé%ß€]{1,9}( [-A-Za-z<>&\"'!åé]{1,7}){0,2}".boxed()
}

/// Several lines, some of them empty.
fn text() -> BoxedStrategy<String> {
    (line(), vec(prop_oneof![3 => line(), 1 => Just(String::new())], 0..3), line())
        .prop_map(|(first, between, last)| {
            let mut lines = vec![first];
            lines.extend(between);
            lines.push(last);
            lines.join("\n")
        })
        .boxed()
}

/// Cents as a decimal, in one of the ways that people write it.
fn money(cents: u32, trailing: bool) -> String {
    match (cents % 100, trailing) {
        (0, false) => format!("{}", cents / 100),
        (rest, false) if rest % 10 == 0 => format!("{}.{}", cents / 100, rest / 10),
        (rest, _) => format!("{}.{rest:02}", cents / 100),
    }
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), value.into());
    }
}

/// A discount of a line, by the quantity of the line.
fn discount(quantity: u32) -> BoxedStrategy<Value> {
    prop_oneof![
        (1_u32..200).prop_map(|tenths| json!(format!("{}.{}%", tenths / 10, tenths % 10))),
        (1_u32..300).prop_map(|c| json!({ "amount": money(c, true), "per": "unit" })),
        // Off the line: divides exactly.
        (1_u32..300).prop_map(move |c| json!(money(c * quantity, false))),
    ]
    .boxed()
}

fn item(key: &'static str) -> BoxedStrategy<Value> {
    let recurring = (select(vec!["month", "quarter", "year"]), weighted(0.7, Just("3 years")));
    (1_u32..12)
        .prop_flat_map(move |quantity| {
            (
                (line(), of("[A-Z]{1,4}-[0-9]{1,3}"), of(text()), Just(quantity)),
                (1_000_u32..500_000, any::<bool>(), of(discount(quantity))),
                (weighted(0.4, recurring.clone()), any::<bool>()),
            )
                .prop_map(
                    move |(
                        (name, sku, description, quantity),
                        (price, trailing, discount),
                        more,
                    )| {
                        let mut item = Map::new();
                        put(&mut item, "key", Some(key));
                        put(&mut item, "name", Some(name));
                        put(&mut item, "sku", sku);
                        put(&mut item, "description", description);
                        put(&mut item, "quantity", (quantity > 1).then_some(quantity));
                        put(&mut item, "price", Some(money(price, trailing)));
                        put(&mut item, "discount", discount);
                        let (recurring, started) = more;
                        if let Some((every, term)) = recurring {
                            let mut map = json!({ "every": every });
                            if let Some(term) = term {
                                map["for"] = json!(term);
                            }
                            put(&mut item, "recurring", Some(map));
                            let native = json!({ "hs_recurring_billing_start_date": "2027-02-01" });
                            put(&mut item, "hubspot", started.then_some(native));
                        }
                        Value::Object(item)
                    },
                )
        })
        .boxed()
}

fn adjustments(labels: &'static [&'static str]) -> BoxedStrategy<Value> {
    (subsequence(labels, 0..=labels.len()), vec((any::<bool>(), 1_u32..100), labels.len()))
        .prop_map(|(labels, sizes)| {
            let rows = labels.into_iter().zip(sizes).map(|(label, (percent, size))| {
                if percent {
                    json!({ "label": label, "percent": money(size * 10, false) })
                } else {
                    json!({ "label": label, "amount": money(size, true) })
                }
            });
            rows.collect()
        })
        .boxed()
}

fn notes() -> BoxedStrategy<Value> {
    (of(text()), of(text()), of(text()))
        .prop_map(|(public, terms, internal)| {
            let mut map = Map::new();
            put(&mut map, "public", public);
            put(&mut map, "terms", terms);
            put(&mut map, "internal", internal);
            Value::Object(map)
        })
        .boxed()
}

fn native() -> BoxedStrategy<Value> {
    (
        of(select(vec!["en", "sv", "de"])),
        of(line()),
        of(any::<bool>()),
        of(select(vec!["INITIAL", "RENEWAL"])),
    )
        .prop_map(|(language, city, shipping, kind)| {
            let mut map = Map::new();
            put(&mut map, "hs_language", language);
            put(&mut map, "hs_sender_company_city", city);
            put(&mut map, "hs_collect_shipping_address", shipping);
            put(&mut map, "hs_type", kind);
            Value::Object(map)
        })
        .boxed()
}

/// One quote on the n-th deal.
fn quote(n: usize) -> BoxedStrategy<Value> {
    let (deal, email, company) = DEALS[n];
    let items = (item("a"), weighted(0.6, item("b")), weighted(0.4, item("c")), any::<bool>());
    let head = (line(), 1_u8..28, of(Just("omar@northlight.example")), any::<bool>());
    let lists = (
        of(adjustments(&["Loyalty", "Spring <3"])),
        of(adjustments(&["Setup", "Travel & stay"])),
        of(adjustments(&["VAT", "City \"tax\""])),
    );
    let rest = (of(notes()), of(native()), of(Just(json!([{ "email": "cfo@acme.example" }]))));
    (head, items, lists, rest, any::<bool>())
        .prop_map(move |(head, (a, b, c, turned), (discounts, fees, taxes), rest, published)| {
            let mut items: Vec<Value> = [Some(a), b, c].into_iter().flatten().collect();
            if turned {
                items.reverse();
            }
            let (title, day, owner, with_company) = head;
            let (notes, native, contacts) = rest;
            let mut map = Map::new();
            put(&mut map, "quote", Some(format!("quote-{n}")));
            put(&mut map, "title", Some(title));
            put(&mut map, "expires", Some(format!("2027-06-{day:02}")));
            put(&mut map, "state", Some(if published { "published" } else { "draft" }));
            put(&mut map, "lifecycle", Some(json!({ "when_locked": "unlock" })));
            put(&mut map, "customer", Some(json!({ "email": email })));
            put(&mut map, "deal", Some(deal));
            put(&mut map, "company", with_company.then_some(company));
            put(&mut map, "owner", owner);
            put(&mut map, "contacts", contacts);
            put(&mut map, "items", Some(items));
            put(&mut map, "discounts", discounts);
            put(&mut map, "fees", fees);
            put(&mut map, "taxes", taxes);
            put(&mut map, "notes", notes);
            put(&mut map, "hubspot", native);
            Value::Object(map)
        })
        .boxed()
}

/// A workspace, and what it is changed to.
fn change() -> BoxedStrategy<(Vec<Value>, Vec<Value>)> {
    let both = |n| (quote(n), quote(n), any::<bool>());
    (both(0), weighted(0.6, both(1)), weighted(0.3, both(2)))
        .prop_map(|(a, b, c)| {
            [Some(a), b, c]
                .into_iter()
                .flatten()
                .map(|(before, after, changes)| {
                    let after = if changes { after } else { before.clone() };
                    (before, after)
                })
                .unzip()
        })
        .boxed()
}

/// JSON is YAML; one document a quote.
fn yaml(quotes: &[Value]) -> String {
    let documents: Vec<String> =
        quotes.iter().map(|q| serde_json::to_string_pretty(q).unwrap()).collect();
    documents.join("\n---\n")
}

fn holds(before: &[Value], after: &[Value]) {
    let world = World::small(&yaml(before));
    world.apply().expect(0);
    world.settled();
    assert_eq!(world.records("quotes").len(), before.len());

    world.write("quotes/all.yaml", &yaml(after));
    world.apply().expect(0);
    world.settled();
    for quote in after {
        let status = world.quote_on(quote["deal"].as_str().unwrap())["hs_status"].clone();
        let published = quote["state"] == "published";
        assert_eq!(status == "APPROVAL_NOT_NEEDED", published, "{quote}");
    }

    world.lose_lockfile();
    let writes = world.writes();
    let adopted = world.apply().expect(0).json();
    assert_eq!(adopted["summary"]["applied"], after.len(), "{adopted}");
    assert_eq!(world.writes(), writes, "to adopt needs no write");
    world.settled();
    assert_eq!(world.records("quotes").len(), after.len());
}

/// Runs cases from a fixed seed; `part` makes the two tests differ.
fn check(part: u8, cases: u32) {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|c| c.parse().ok()).unwrap_or(cases);
    let config =
        Config { cases, max_shrink_iters: 40, failure_persistence: None, ..Config::default() };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[part; 32]);
    let outcome = TestRunner::new_with_rng(config, rng).run(&change(), |(before, after)| {
        holds(&before, &after);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

#[test]
fn apply_then_plan_is_empty_and_adoption_writes_nothing() {
    check(1, 6);
}

/// The same from another seed, beside the first on the other core.
#[test]
fn apply_then_plan_is_empty_and_adoption_writes_nothing_2() {
    check(2, 6);
}
