//! What must be the same in every world: quotes with their parts, values, links and messages. What
//! an upstream makes up (ids, times) is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::support::World;

/// The lists of a HubSpot quote's parts.
const PARTS: [&str; 4] = ["line_items", "discounts", "fees", "taxes"];

/// HubSpot: quotes with parts, links, and how often each was published.
pub fn hubspot(world: &World) -> Vec<Value> {
    let mut parts: BTreeMap<(&str, String), Value> = BTreeMap::new();
    for list in PARTS {
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
        for list in PARTS {
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
    sorted(quotes)
}

/// The ids of HubSpot's quotes.
pub fn hubspot_ids(world: &World) -> Vec<String> {
    world.records("quotes").iter().map(id_of).collect()
}

/// A colleague throws away the quote with the title `Lost`.
pub fn hubspot_loses(world: &World) {
    let id = id_of(&world.quote("Lost"));
    world.control("POST", "archive", &json!({ "object": "quotes", "id": id }));
}

/// The id of a record, or at the end of a link.
fn id_of(record: &Value) -> String {
    record["id"].as_str().unwrap().to_owned()
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

/// Quick Quote: our quotes with their lines and pairs, and the mails of each.
pub fn quickquote(world: &World) -> Vec<Value> {
    let all = world.control("GET", "snapshot", &Value::Null)["quickquote"].take();
    let mails = all["emails"].as_array().cloned().unwrap_or_default();
    let mut quotes = Vec::new();
    for mut quote in shop_quotes(&all) {
        let mine: Vec<Value> = mails
            .iter()
            .filter(|m| m["quote_id"] == quote["id"])
            .map(|m| m["to"].clone())
            .collect();
        bare(&mut quote, &["id", "quote_number", "created_on"]);
        quote["mails"] = json!(mine);
        // An order, where lines were added and removed, is nothing that was asked for.
        let mut lines = quote["line_items"].as_array().cloned().unwrap_or_default();
        lines.sort_by_key(Value::to_string);
        quote["line_items"] = json!(lines);
        quotes.push(quote);
    }
    sorted(quotes)
}

/// The ids of Quick Quote's quotes.
pub fn quickquote_ids(world: &World) -> Vec<String> {
    let all = world.control("GET", "snapshot", &Value::Null)["quickquote"].take();
    shop_quotes(&all).iter().map(|q| q["id"].to_string()).collect()
}

/// A person looks whether the mail of a quote went out; customers are named after their quotes.
pub fn quickquote_mail(world: &World, quote: &str) -> Option<String> {
    let all = world.control("GET", "snapshot", &Value::Null)["quickquote"].take();
    let to = format!("{quote}@acme.example");
    let mail = all["emails"].as_array().unwrap().iter().find(|m| m["to"] == to.as_str())?;
    Some(mail["quote_id"].to_string())
}

/// A colleague throws away the quote of the customer `lost`.
pub fn quickquote_loses(world: &World) {
    let all = world.control("GET", "snapshot", &Value::Null)["quickquote"].take();
    let lost = shop_quotes(&all).into_iter().find(|q| q["email"] == "lost@acme.example").unwrap();
    lose(world, "quickquote", &lost["id"].to_string());
}

/// A quote is thrown away upstream.
fn lose(world: &World, upstream: &str, id: &str) {
    let deed = json!({ "upstream": upstream, "object": "quotes", "id": id });
    world.control("POST", "archive", &deed);
}

/// Those with a stamp: the rest is older than we are.
fn shop_quotes(all: &Value) -> Vec<Value> {
    let ours = |q: &Value| q["tags"].as_str().is_some_and(|t| t.contains("proforma:"));
    all["quotes"].as_array().unwrap().iter().filter(|q| ours(q)).cloned().collect()
}

/// SalesByte: what was asked for, and the messages of each quote.
pub fn salesbyte(world: &World) -> Vec<Value> {
    let all = world.control("GET", "snapshot", &Value::Null)["salesbyte"].take();
    let messages = all["messages"].as_array().cloned().unwrap_or_default();
    let quotes = all["quotes"].as_array().cloned().unwrap_or_default();
    let told = |q: &Value| {
        let mine: Vec<Value> = messages
            .iter()
            .filter(|m| m["quote"] == q["id"])
            .map(|m| json!([m["channel"], m["to"], m["about"]]))
            .collect();
        json!({ "request": q["request"], "statuses": q["statuses"], "messages": mine })
    };
    sorted(quotes.iter().map(told).collect())
}

/// The keys of SalesByte's quotes.
pub fn salesbyte_ids(world: &World) -> Vec<String> {
    let all = world.control("GET", "snapshot", &Value::Null)["salesbyte"].take();
    let quotes = all["quotes"].as_array().cloned().unwrap_or_default();
    quotes.iter().map(|q| q["key"].as_str().unwrap().to_owned()).collect()
}

/// The quote of the customer `lost` disappears.
pub fn salesbyte_loses(world: &World) {
    lose(world, "salesbyte", &salesbyte_quote(world, "lost").unwrap());
}

/// A person looks for a customer's quote; customers are named after their quotes.
pub fn salesbyte_quote(world: &World, quote: &str) -> Option<String> {
    let all = world.control("GET", "snapshot", &Value::Null)["salesbyte"].take();
    let email = format!("{quote}@acme.example");
    let quotes = all["quotes"].as_array().cloned().unwrap_or_default();
    let found = quotes.iter().find(|q| q["request"]["customer_email"] == email.as_str())?;
    Some(found["key"].as_str().unwrap().to_owned())
}

/// DealHub: what was asked for, how far it got, and how much was billed in all.
pub fn dealhub(world: &World) -> Vec<Value> {
    let all = world.control("GET", "snapshot", &Value::Null)["dealhub"].take();
    let quotes = all["quotes"].as_array().cloned().unwrap_or_default();
    assert_eq!(all["billed"].as_u64().unwrap(), quotes.len() as u64, "billed, and quotes made");
    let told = |q: &Value| {
        json!({
            "request": q["request"], "status": q["status"], "comment": q["sign_comment"],
            "total": q["summary"]["total_net_price"],
        })
    };
    sorted(quotes.iter().map(told).collect())
}

/// The ids of DealHub's quotes.
pub fn dealhub_ids(world: &World) -> Vec<String> {
    let all = world.control("GET", "snapshot", &Value::Null)["dealhub"].take();
    let quotes = all["quotes"].as_array().cloned().unwrap_or_default();
    quotes.iter().map(|q| q["dealhub_quote_id"].as_str().unwrap().to_owned()).collect()
}

/// All four.
pub fn four(world: &World) -> Vec<Value> {
    [hubspot(world), quickquote(world), salesbyte(world), dealhub(world)].concat()
}

/// The ids of all four.
pub fn four_ids(world: &World) -> Vec<String> {
    let ids = [hubspot_ids(world), quickquote_ids(world), salesbyte_ids(world), dealhub_ids(world)];
    ids.concat()
}

/// Nobody has to look: what is asked for can be found, or said again.
pub fn nobody(_: &World, quote: &str) -> Option<String> {
    panic!("a person was asked about {quote}")
}

/// Takes these members out of a value, wherever they are in it.
fn bare(value: &mut Value, names: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !names.contains(&name.as_str()));
            map.values_mut().for_each(|v| bare(v, names));
        }
        Value::Array(list) => list.iter_mut().for_each(|v| bare(v, names)),
        _ => {}
    }
}

fn sorted(mut quotes: Vec<Value>) -> Vec<Value> {
    quotes.sort_by_key(Value::to_string);
    quotes
}
