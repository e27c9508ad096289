//! What is true upstream, read past proforma: which quotes are there, how often, with which
//! values, and which messages went out.
//!
//! The one thing to know: a [`portrait`] leaves out what differs between two histories that end in
//! the same place (ids, times), and keeps everything that a customer would see.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::drawn::{Provider, Workspace, mark};
use super::net::Net;

const PARTS: [&str; 4] = ["line_items", "discounts", "fees", "taxes"];

/// What belongs to the seed of the portal: never looked at.
#[derive(Clone, Debug)]
pub struct Seeded(BTreeSet<String>);

impl Seeded {
    pub fn of(net: &Net) -> Self {
        let all = net.snapshot();
        let mut ids = BTreeSet::new();
        for object in ["quotes"].into_iter().chain(PARTS) {
            for record in list(&all["hubspot"][object]) {
                ids.insert(format!("{object} {}", text(&record["id"])));
            }
        }
        Self(ids)
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A quote as it is upstream.
#[derive(Clone, Debug)]
pub struct Seen {
    pub id: String,
    /// What a customer could say of it.
    pub facts: Value,
    /// Whether the customer can see it.
    pub live: bool,
}

/// Whether a quote is as wanted but for its link, which is down: a run that had unlocked it to set
/// drift back was lost with its machine. To the next one it looks like a colleague's withdrawal,
/// which is shown and not repaired.
pub fn is_taken_down(has: &Value, want: &Value) -> bool {
    let mut up = has.clone();
    for name in ["hs_status", "hs_locked"] {
        up[name] = want[name].clone();
    }
    has["hs_status"] == "DRAFT" && up == *want
}

/// DealHub's word for a quote that waits for an approver.
pub const WAITING: &str = "ApprovalProcess";

/// Whether a decision was taken that ends the quote.
pub fn is_closed(copy: &Seen) -> bool {
    let words = ["Accepted", "Declined", "Canceled", "Cancelled", "Ordered"];
    words.iter().any(|word| copy.facts["status"] == *word)
}

/// Copies by provider and mark.
pub type Everything = BTreeMap<(Provider, String), Vec<Seen>>;

/// Everything that is ours, by provider and by the quote's mark.
pub fn seen(net: &Net, seeded: &Seeded) -> Result<Everything, String> {
    seen_in(&net.snapshot(), seeded)
}

fn seen_in(all: &Value, seeded: &Seeded) -> Result<Everything, String> {
    let mut found = Everything::new();
    for (mark, seen) in hubspot(&all["hubspot"], seeded)? {
        found.entry((Provider::Hubspot, mark)).or_default().push(seen);
    }
    for quote in list(&all["quickquote"]["quotes"]) {
        if text(&quote["tags"]).contains("proforma:") {
            let seen = Seen { id: text(&quote["id"]), facts: quickquote(quote), live: true };
            found.entry((Provider::Quickquote, text(&quote["email"]))).or_default().push(seen);
        }
    }
    for quote in list(&all["salesbyte"]["quotes"]) {
        let facts = json!({ "request": quote["request"] });
        let seen = Seen { id: text(&quote["key"]), facts, live: true };
        found.entry((Provider::Salesbyte, text(&quote["customer_email"]))).or_default().push(seen);
    }
    for quote in list(&all["dealhub"]["quotes"]) {
        let name = text(&quote["info"]["dealhub_quote_name"]);
        let mark = name.split(" [pf").next().unwrap_or_default().to_owned();
        // An approver may have said yes, which is further than the manifest asks for.
        let status = text(&quote["status"]).replace(' ', "");
        let status = if status == "ReadyToBeSent" { WAITING } else { &status };
        // The stamp in the name is that of a revision.
        let mut request = quote["request"].clone();
        request["quote_name"] = json!(mark);
        let facts = json!({ "request": request, "status": status });
        let id = text(&quote["dealhub_quote_id"]);
        found.entry((Provider::Dealhub, mark)).or_default().push(Seen { id, facts, live: true });
    }
    Ok(found)
}

/// The quotes of a portal, each with its parts; an error for a part that belongs to no quote.
fn hubspot(portal: &Value, seeded: &Seeded) -> Result<Vec<(String, Seen)>, String> {
    let ours = |object: &str, record: &&Value| {
        record["archived"] != true
            && !seeded.0.contains(&format!("{object} {}", text(&record["id"])))
    };
    let mut parts: BTreeMap<(&str, String), Value> = BTreeMap::new();
    for object in PARTS {
        for record in list(&portal[object]).iter().filter(|r| ours(object, r)) {
            let properties = record["properties"].as_object().cloned().unwrap_or_default();
            let kept: Map<String, Value> =
                properties.into_iter().filter(|(name, _)| is_told(name)).collect();
            parts.insert((object, text(&record["id"])), Value::Object(kept));
        }
    }
    let mut quotes = Vec::new();
    for record in list(&portal["quotes"]).iter().filter(|r| ours("quotes", r)) {
        let properties = &record["properties"];
        let mut facts = Map::new();
        for name in ["hs_title", "hs_status", "hs_quote_amount", "hs_comments", "hs_locked"] {
            facts.insert(name.to_owned(), properties[name].clone());
        }
        for object in PARTS {
            let ids = list(&record["associations"][object]);
            let mut mine: Vec<Value> =
                ids.iter().filter_map(|end| parts.remove(&(object, text(&end["id"])))).collect();
            mine.sort_by_key(Value::to_string);
            facts.insert(object.to_owned(), Value::Array(mine));
        }
        for links in ["deals", "contacts", "companies", "quote_template"] {
            let ends: BTreeSet<String> =
                list(&record["associations"][links]).iter().map(|e| text(&e["id"])).collect();
            facts.insert(links.to_owned(), json!(ends));
        }
        let title = text(&properties["hs_title"]);
        let mark = title.split_once(':').map_or("", |(mark, _)| mark);
        let live = properties["hs_status"] == "APPROVAL_NOT_NEEDED";
        let id = text(&record["id"]);
        quotes.push((format!("{mark}:"), Seen { id, facts: Value::Object(facts), live }));
    }
    if parts.is_empty() {
        Ok(quotes)
    } else {
        Err(format!("parts in HubSpot that belong to no quote: {parts:?}"))
    }
}

/// Properties of a part that are the same in every history.
fn is_told(name: &str) -> bool {
    !matches!(
        name,
        "hs_object_id"
            | "createdate"
            | "hs_createdate"
            | "hs_lastmodifieddate"
            | "hs_object_source_id"
            | "proforma_key"
            | "hs_position_on_quote"
    )
}

fn quickquote(quote: &Value) -> Value {
    let mut facts = quote.as_object().cloned().unwrap_or_default();
    for name in ["id", "quote_number", "created_on", "customer_url", "url", "link"] {
        facts.remove(name);
    }
    if facts["status"] == "Viewed" {
        facts.insert("status".to_owned(), json!("Sent"));
    }
    if let Some(lines) = facts.get_mut("line_items").and_then(Value::as_array_mut) {
        for line in lines.iter_mut().filter_map(Value::as_object_mut) {
            line.remove("id");
        }
        lines.sort_by_key(Value::to_string);
    }
    Value::Object(facts)
}

/// Each quote of the workspace once, nothing else, with all values: the facts by quote.
/// `forgetful` = a machine was lost with all that it remembered.
pub fn portrait(
    net: &Net,
    seeded: &Seeded,
    workspace: &Workspace,
    forgetful: bool,
) -> Result<BTreeMap<String, Value>, String> {
    let mut found = seen(net, seeded)?;
    let mut facts = BTreeMap::new();
    for quote in &workspace.quotes {
        let mut copies = found.remove(&(quote.provider, quote.mark())).unwrap_or_default();
        if quote.provider == Provider::Hubspot && quote.state == "published" && copies.len() > 1 {
            // Earlier revisions, which no customer sees any more.
            copies.retain(|copy| copy.live);
        }
        if quote.provider == Provider::Dealhub && quote.replace && copies.len() > 1 {
            // Earlier revisions stay at DealHub for ever.
            copies.drain(..copies.len() - 1);
        }
        match copies.as_slice() {
            [one] => facts.insert(quote.name.clone(), one.facts.clone()),
            many => {
                return Err(format!("{} is there {} times: {many:?}", quote.name, many.len()));
            }
        };
    }
    found.retain(|(_, mark), copies| {
        // Earlier revisions are withdrawn, and stay by design when their quote is removed.
        copies.retain(|copy| copy.live || !workspace.revised.contains(mark));
        // Without lockfile, journal and manifest nobody knows of it any more.
        copies.retain(|_| !(forgetful && workspace.removed.contains(mark)));
        !copies.is_empty()
    });
    if found.is_empty() {
        Ok(facts)
    } else {
        Err(format!("quotes that nobody asked for: {found:?}"))
    }
}

/// No two objects with one stamp or mark too many, at any time: the messages, and the bill.
pub fn never_twice(net: &Net, seeded: &Seeded) -> Result<(), String> {
    let all = net.snapshot();
    let mut mails: BTreeMap<String, usize> = BTreeMap::new();
    for mail in list(&all["quickquote"]["emails"]) {
        *mails.entry(format!("quickquote {}", text(&mail["quote_id"]))).or_default() += 1;
    }
    for message in list(&all["salesbyte"]["messages"]) {
        *mails.entry(format!("salesbyte {}", text(&message["to"]))).or_default() += 1;
    }
    if let Some((to, count)) = mails.iter().find(|(_, count)| **count > 1) {
        return Err(format!("{count} messages of {to}"));
    }
    let mut stamps: BTreeSet<String> = BTreeSet::new();
    let mut once = |what: &str, stamp: &Value| match stamp.as_str() {
        Some(stamp) if !stamp.is_empty() && !stamps.insert(format!("{what} {stamp}")) => {
            Err(format!("two {what} with the stamp {stamp}"))
        }
        _ => Ok(()),
    };
    for object in ["quotes"].into_iter().chain(PARTS) {
        for record in list(&all["hubspot"][object]).iter().filter(|r| r["archived"] != true) {
            once(object, &record["properties"]["proforma_key"])?;
        }
    }
    for quote in list(&all["quickquote"]["quotes"]) {
        let tags = text(&quote["tags"]);
        let stamp = tags.split(", ").find(|t| t.starts_with("proforma:")).unwrap_or_default();
        once("Quick Quote quotes", &json!(stamp))?;
    }
    for quote in list(&all["dealhub"]["quotes"]) {
        once("DealHub quotes", &quote["info"]["dealhub_quote_name"])?;
    }
    // A part that hangs on no quote yet is no fault before the end.
    for ((provider, mark), copies) in seen_in(&all, seeded).unwrap_or_default() {
        // Where revisions stay, two of one revision were found by their stamps.
        let alone = matches!(provider, Provider::Quickquote | Provider::Salesbyte);
        if alone && copies.len() > 1 {
            return Err(format!("{mark} is on {} {} times", provider.word(), copies.len()));
        }
    }
    if all["dealhub"]["billed"].as_u64() > Some(list(&all["dealhub"]["quotes"]).len() as u64) {
        return Err(format!("{} quotes were billed", all["dealhub"]["billed"]));
    }
    Ok(())
}

/// What a person finds who looks upstream: the id of the quote, and whether its mail went out.
pub fn look(
    net: &Net,
    seeded: &Seeded,
    workspace: &Workspace,
    name: &str,
) -> (Option<String>, bool) {
    let found = seen(net, seeded).unwrap_or_default();
    // Of a quote whose manifest is gone, nobody remembers where it was to be.
    let provider = workspace.find(name).map(|q| q.provider);
    let id = Provider::ALL
        .into_iter()
        .filter(|p| provider.is_none_or(|is| is == *p))
        .find_map(|p| Some(found.get(&(p, mark(name, p)))?.last()?.id.clone()));
    let all = net.snapshot();
    let mailed = id.as_ref().is_some_and(|id| {
        list(&all["quickquote"]["emails"]).iter().any(|m| text(&m["quote_id"]) == *id)
    });
    (id, mailed)
}
