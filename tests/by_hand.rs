//! Quotes that people and other programs made, with what the vendors' documents say and no more: they
//! are imported with their lines, and their totals are those of the upstream.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::World;
use support::four::FOUR;

fn world() -> World {
    let world = World::empty();
    world.write("proforma.yaml", FOUR);
    world
}

/// A HubSpot record, linked to others by HubSpot's own types.
fn hubspot(world: &World, object: &str, properties: &Value, links: &[(&str, u32)]) -> String {
    let links: Vec<Value> = links
        .iter()
        .map(|(id, kind)| {
            json!({ "to": { "id": id }, "types": [
                { "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": kind }] })
        })
        .collect();
    let body = json!({ "properties": properties, "associations": links });
    let made = world.by_hand("POST", &format!("/hubspot/crm/v3/objects/{object}"), &body);
    made["id"].as_str().unwrap().to_owned()
}

/// A draft with these lines, on a deal, for a contact.
fn quote(world: &World, title: &str, lines: &[Value], more: &[(&str, u32)]) -> String {
    let lines: Vec<String> =
        lines.iter().map(|line| hubspot(world, "line_items", line, &[])).collect();
    let mut links = vec![("345345", 64), ("123127982734", 69), ("235425923863", 286)];
    links.extend(lines.iter().map(|id| (id.as_str(), 67)));
    links.extend(more);
    let properties = json!({ "hs_title": title, "hs_expiration_date": "2027-06-30", "hs_status": "DRAFT", "hs_currency": "USD" });
    hubspot(world, "quotes", &properties, &links)
}

/// Imports all of a connection; gives the manifests' texts by the quotes' names.
fn imported(world: &World, connection: &str, count: usize) -> Vec<(String, String)> {
    let report = world
        .run(&["import", "--connection", connection, "--all", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["summary"]["imported"], count, "{report:#}");
    world.run(&["validate"]).expect(0);
    world.settled();
    let quotes = report["quotes"].as_array().unwrap();
    quotes
        .iter()
        .map(|q| {
            let file = q["file"].as_str().unwrap();
            (q["quote"].as_str().unwrap().to_owned(), world.read(file))
        })
        .collect()
}

/// The total of a quote in a plan without changes.
fn total(world: &World, quote: &str) -> Value {
    let plan = world.run(&["plan", "--format", "json"]).expect(0).json();
    let quotes = plan["quotes"].as_array().unwrap();
    quotes.iter().find(|q| q["quote"] == quote).unwrap()["total"]["after"]["amount"].clone()
}

#[test]
fn hubspot_lines_without_a_currency_of_their_own_are_in_the_quotes() {
    let world = world();
    quote(
        &world,
        "Bare",
        &[
            json!({ "name": "Audit", "price": "1200.00", "quantity": "2" }),
            json!({ "name": "Training", "price": "99.99", "quantity": "3", "hs_discount_percentage": "10" }),
        ],
        &[],
    );
    let all = imported(&world, "crm", 1);
    let (name, text) = &all[0];
    assert!(text.contains("name: Audit") && text.contains("name: Training"), "{text}");
    assert!(!text.contains("not held"), "{text}");
    assert_eq!(total(&world, name), "2669.97");
    // It can be edited, and the total is known.
    world.edit(&format!("quotes/imported/crm/{name}.yaml"), "price: 1200.00", "price: 1000.00");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["after"]["amount"], "2269.97", "{plan:#}");
    world.apply().expect(0);
    world.settled();
}

/// A fee that a colleague adds, and that no manifest owns: the customer pays it all the same.
#[test]
fn what_the_manifest_does_not_own_is_in_the_total() {
    let world = world();
    world.write(
        "quotes/a.yaml",
        "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: USD\ncustomer: { email: jo@acme.example }\n\
         deal: Acme renewal 2027\nitems: [{ key: a, name: Audit, price: 100.00 }]\n",
    );
    world.apply().expect(0);
    assert_eq!(total(&world, "a"), "100.00");
    let id = world.quote("A")["id"].as_str().unwrap().to_owned();
    let fee =
        json!({ "hs_label": "Rush", "hs_type": "FIXED", "hs_value": "50", "hs_sort_order": "0" });
    let fee = hubspot(&world, "fees", &fee, &[]);
    let path = format!("/hubspot/crm/v4/objects/quotes/{id}/associations/default/fees/{fee}");
    world.by_hand("PUT", &path, &Value::Null);
    // Not owned: no change, and it counts.
    assert_eq!(total(&world, "a"), "150.00");
    let status = world.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["quotes"][0]["observed"]["total"]["amount"], "150.00", "{status:#}");
    // With another price nobody can say what the customer will pay: so no figure is shown.
    world.edit("quotes/a.yaml", "price: 100.00", "price: 200.00");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["before"]["amount"], "150.00", "{plan:#}");
    assert_eq!(plan["quotes"][0]["total"]["after"], Value::Null, "{plan:#}");
    world.apply().expect(0);
    assert_eq!(total(&world, "a"), "250.00");
    // A title is not money.
    world.edit("quotes/a.yaml", "title: A", "title: Aa");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["total"]["after"]["amount"], "250.00", "{plan:#}");
    world.apply().expect(0);
    // A migration knows that something is missing.
    world.edit(
        "quotes/a.yaml",
        "jo@acme.example",
        "jo@acme.example, first_name: Jo, last_name: Ek",
    );
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    let moved = moved.expect(0).json();
    let totals = &moved["quotes"][0]["totals"];
    assert_eq!(totals["before"], "250.00", "{moved:#}");
    assert_eq!(totals["after"], "200.00", "{moved:#}");
    assert_eq!(totals["equal"], false);
    assert!(moved.to_string().contains("does not own"), "{moved:#}");
}

/// Nobody gets an empty quote in the place of a full one.
#[test]
fn a_manifest_without_items_is_not_migrated() {
    let world = world();
    world.write(
        "quotes/a.yaml",
        "quote: a\nconnection: crm\ntitle: A\nexpires: 2027-12-01\ncurrency: USD\n\
         customer: { email: jo@acme.example, first_name: Jo, last_name: Ek }\ndeal: Acme renewal 2027\n",
    );
    let moved = world.run(&["migrate", "--from", "crm", "--to", "shop", "--format", "json"]);
    let moved = moved.expect(0).json();
    assert_eq!(moved["summary"]["impossible"], 1, "{moved:#}");
    assert!(moved.to_string().contains("says nothing of its items"), "{moved:#}");
    assert!(!world.path("quotes/migrated").exists());
    assert_eq!(
        world.run(&["migrate", "--from", "crm", "--to", "shop", "--fail-on", "impossible"]).code,
        3
    );
}

#[test]
fn shop_quotes_of_the_vendors_examples_are_imported_with_their_lines() {
    let world = world();
    world.by_hand(
        "POST",
        "/quickquote/api/v1/quotes",
        &json!({
            "email": "ann@acme.example", "first_name": "Ann", "last_name": "Lee",
            "phone": "122-123-1234", "tags": "priority, needs review",
            "discount": { "discount_amount": 10, "discount_type": "fixed", "discount_reason": "$10 off" },
            "line_items": [
                { "custom_product": true, "title": "Audit", "price": 120.5, "quantity": 2, "taxable": true,
                  "discount": { "discount_amount": 5, "discount_type": "percentage", "reason": "early" },
                  "properties": { "key": "Colour", "value": "brown" } },
                { "custom_product": false, "variant_id": 40_100_000_000_001_i64, "quantity": 1 },
            ],
        }),
    );
    world.by_hand(
        "POST",
        "/quickquote/api/v1/quotes",
        &json!({
            "email": "bo@acme.example", "first_name": "Bo", "last_name": "Ek",
            "line_items": [{ "custom_product": true, "title": "Only", "price": 10 }],
        }),
    );
    let seeded = support::four::count_on(&world, "shop");
    assert!(seeded >= 2);
    for (name, text) in imported(&world, "shop", seeded) {
        assert!(text.contains("\nitems:"), "{name}: {text}");
    }
}

#[test]
fn salesbyte_and_dealhub_quotes_of_the_vendors_examples_are_imported_with_their_lines() {
    let world = world();
    world.by_hand(
        "POST",
        "/salesbyte/integrations/create_quote",
        &json!({
            "uuid": "u-1", "quote_profile_id": 115, "customer_name": "Jo Ek", "send_type": "none",
            "customer_email": "jo@acme.example", "alternatives": [{ "skus": ["SEO-A"] }],
            "custom_fields": { "bank_name": { "value": "Acme bank", "attribute": { "required": true } } },
        }),
    );
    world.by_hand(
        "POST",
        "/dealhub/api/v1/quote/generate",
        &json!({
            "external_opportunity_id": "345345", "request_action": "draft",
            "document_type": "DealRoom", "quote_name": "Acme", "quote_data": [],
            "line_items": [{
                "sku": "SEO-A", "list_price": 12000.00, "net_price_per_unit": 10800, "net_price": 21600,
                "msrp": 12000, "msrp_discount": 0, "sales_discount": 10, "total_discount": 10,
                "product_factors": { "Quantity": 2 }, "attributes": { "Colour": "brown" },
            }],
        }),
    );
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let nordic = support::four::count_on(&world, "nordic");
    for (name, text) in imported(&world, "nordic", nordic) {
        // SalesByte does not tell what is sold; that is said, and such a quote is not migrated.
        assert!(
            text.contains("does not tell products") && text.contains("Acme bank"),
            "{name}: {text}"
        );
    }
    let moved = world.run(&["migrate", "--from", "nordic", "--to", "crm", "--format", "json"]);
    assert_eq!(moved.expect(0).json()["summary"]["impossible"], nordic);
    let cpq = support::four::count_on(&world, "cpq");
    let all = imported(&world, "cpq", cpq);
    for (name, text) in &all {
        assert!(text.contains("\nitems:") && text.contains("SEO-A"), "{name}: {text}");
    }
    assert_eq!(total(&world, &all[0].0), "21600.00");
}
