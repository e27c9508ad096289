//! The table against the reader: a field is called readable at a place of the answer if, and only
//! if, an answer without it is observed as another quote.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::mapping::{NATIVE, Scope};
use super::observed::observe;
use super::wire::Seen;
use crate::key::{QuoteName, WorkspaceName};
use crate::provider::survey::{Ask, Observed};

/// An answer with every field that the Quote API documents.
fn answer() -> Value {
    json!({
        "dealhub_quote_id": "68C0A1B2C3D4E5F6", "status": "Draft", "quote_upgrade_required": false,
        "info": {
            "external_opportunity_id": "345345", "external_quote_id": "e", "external_customer_id": "c",
            "customer_id": "1", "account_name": "Acme", "contact_name": "Jo Ek",
            "contact_email": "jo@acme.example", "dealhub_opportunity_id": "2",
            "dealhub_quote_name": "Name", "dealhub_quote_number": "Q-1", "duplicate_from_quote": "",
            "primary_quote": true, "created_by": "x", "creation_date": "2027-01-01 00:00:00",
            "submitted_by": "x", "submission_date": "2027-01-01 00:00:00",
            "expiration_date": "2027-12-01 23:59:59", "won_date": "2027-01-01 00:00:00",
            "geo_code": "SE", "currency": "SEK", "playbook": "p", "quote_url": "https://d.example/q",
            "version_id": "v"
        },
        "summary": { "currency": "SEK", "total_list_price": 1, "total_net_price": 2,
            "total_discount": 3, "sales_discount": 4 },
        "deal_room_info": { "url": "https://d.example/r" },
        "line_items": [{
            "id": "l1", "sku": "S", "bundle_ref": "B", "name": "N", "primary_tag": "t",
            "system_name": "s", "system_id": "i", "system_ordinal": 1, "group_name": "g", "ordinal": 1,
            "msrp": 11, "msrp_discount": 1, "list_price": 10, "user_price": 10, "user_discount": 0,
            "net_per_unit": 9, "net_price": 18, "partner_discounts": [{ "name": "Gold", "price": 1, "discount": 2 }],
            "sales_discount": 5, "total_discount": 6, "product_factors": { "Quantity": "2.0" },
            "attributes": { "Colour": "brown" }
        }],
        "answers": [{ "group_id": "g", "question_id": "q", "answer": "a" }],
        "approvals": []
    })
}

fn seen(answer: &Value) -> Option<Observed> {
    let (workspace, quote) = (WorkspaceName::parse("w").unwrap(), QuoteName::parse("q").unwrap());
    let ask =
        Ask { workspace: &workspace, quote: &quote, desired: None, entry: None, recorded_as: None };
    let seen = Seen(crate::json::read(answer.to_string().as_bytes()).ok().unwrap());
    observe(&ask, &seen, 0)
}

/// Every place of the answer: a top-level member, `info.x`, or a member of a line.
fn places() -> BTreeSet<String> {
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let answer = answer();
    let top = names(&answer).into_iter().filter(|n| n != "info");
    let info = names(&answer["info"]).into_iter().map(|n| format!("info.{n}"));
    let line = names(&answer["line_items"][0]).into_iter().map(|n| format!("line.{n}"));
    top.chain(info).chain(line).collect()
}

fn matters(place: &str) -> bool {
    let mut less = answer();
    let (object, name) = match place.split_once('.') {
        Some(("info", name)) => (&mut less["info"], name),
        Some((_, name)) => (&mut less["line_items"][0], name),
        None => (&mut less, place),
    };
    assert!(object.as_object_mut().unwrap().remove(name).is_some(), "no {place} in the answer");
    seen(&less) != seen(&answer())
}

#[test]
fn the_table_says_where_each_field_is_told() {
    let mut told = BTreeSet::new();
    for native in NATIVE {
        if let Some(at) = native.told {
            let place =
                if native.scope == Scope::Item { format!("line.{at}") } else { at.to_owned() };
            assert!(matters(&place), "{:?} {}: {place}", native.scope, native.name);
            told.insert(place);
        }
    }
    // What is read and is no field of a request: identity, links, sums, approvals.
    let beside = ["dealhub_quote_id", "summary", "deal_room_info", "info.quote_url", "line.id"];
    for place in places() {
        let known = told.contains(&place) || beside.contains(&place.as_str());
        assert_eq!(matters(&place), known, "{place}");
    }
}
