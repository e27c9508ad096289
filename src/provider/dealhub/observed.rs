//! A quote as DealHub tells it, in the facts of a manifest.
//!
//! The one thing to know: about half of what is sent cannot be read back. For those fields the
//! record stands in: while the recorded fingerprint is that of the wanted value, the wanted value
//! is taken as holding; once the manifest changes, it is not, and the change shows. A quote of
//! ours that nothing is recorded of (a lost lockfile) is taken at the manifest's word.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::mapping::{self, QUANTITY};
use super::wanted::{Wanted, answer_part};
use super::wire::Seen;
use super::{mark, status};
use crate::facts::{Facts, Path, Plain, Value};
use crate::key::{QuoteName, RemoteId, Stamp};
use crate::money::{Amount, Currency, Money};
use crate::provider::survey::{Ask, Observed};

/// The fact that names who has to approve.
pub const WAITS_FOR: &str = "approvals.waiting";

/// One quote as DealHub has it.
pub fn observe(ask: &Ask<'_>, seen: &Seen, revision: u32) -> Option<Observed> {
    let id = RemoteId::parse(seen.id()?)?;
    let (title, stamp) = mark::split(seen.info("dealhub_quote_name").unwrap_or_default());
    let state = status::state_of(seen.status());
    let wanted = ask.desired.map(Wanted::of);
    let mut facts = Facts::new();
    keep(&mut facts, "title", Value::text(title));
    head(&mut facts, seen, wanted.as_ref());
    let parts = lines(&mut facts, ask, seen, wanted.as_ref());
    answers(&mut facts, seen);
    if let Some(wanted) = &wanted {
        stand_in(&mut facts, ask, wanted);
    }
    if let Some(who) = seen.waiting_for() {
        facts.insert(Path::new(WAITS_FOR), Value::text(who));
    }
    let mut links = BTreeMap::new();
    if let Some(url) = seen.dealroom() {
        links.insert("quote".to_owned(), url.to_owned());
    }
    if let Some(url) = seen.info("quote_url") {
        links.insert("edit".to_owned(), url.to_owned());
    }
    Some(Observed {
        id,
        stamp,
        revision,
        state,
        raw_state: seen.status().to_owned(),
        // Nothing that DealHub holds can be edited through its API.
        locked: true,
        created: None,
        facts,
        parts,
        links,
        total: total(seen),
        whole: true,
        superseded: None,
    })
}

/// The total as DealHub sums it up.
pub fn total(seen: &Seen) -> Option<Money> {
    let currency = seen.info("currency").and_then(Currency::parse)?;
    Some(Money { currency, amount: seen.summary("total_net_price")? })
}

/// The stamp that a quote carries in its name.
pub fn stamp_of(seen: &Seen) -> Option<Stamp> {
    mark::split(seen.info("dealhub_quote_name").unwrap_or_default()).1
}

fn keep(facts: &mut Facts, path: impl AsRef<str>, value: Value) {
    if !value.is_empty() {
        facts.insert(Path::new(path), value);
    }
}

fn head(facts: &mut Facts, seen: &Seen, wanted: Option<&Wanted<'_>>) {
    for (path, name) in [
        ("currency", "currency"),
        ("customer.id", "external_customer_id"),
        ("customer.name", "account_name"),
        ("dealhub.playbook", "playbook"),
        ("dealhub.opportunity_data.geo_code", "geo_code"),
    ] {
        keep(facts, path, Value::text(seen.info(name).unwrap_or_default()));
    }
    if let Some(email) = seen.info("contact_email") {
        keep(facts, "customer.email", Value::text(email.to_lowercase()));
    }
    if let Some(id) = seen.info("external_opportunity_id") {
        let value = Value::Ref { id: id.to_owned(), label: String::new() };
        keep(facts, "deal", value);
    }
    if let Some(total) = seen.summary("total_net_price") {
        keep(facts, "total", Value::Number(total));
    }
    if let Some(at) = seen.expires() {
        let day = |shift: SignedDuration| {
            let at = at.checked_add(shift).unwrap_or(at);
            Value::Date(at.to_zoned(TimeZone::UTC).date())
        };
        let path = Path::new("expires");
        // What `timezone_offset` does to the expiry is not documented: either way counts.
        let hours = wanted.and_then(|w| w.body.get("timezone_offset")?.as_number()?.to_int());
        let offset = SignedDuration::from_hours(hours.unwrap_or(0).clamp(-14, 14));
        let readings = [SignedDuration::ZERO, offset, -offset].map(day);
        let want = wanted.and_then(|w| w.facts.get(&path));
        let found = readings.iter().find(|r| want == Some(*r)).or(readings.first());
        keep(facts, "expires", found.cloned().unwrap_or(Value::Empty));
    }
}

/// Facts of the lines; gives their ids by part.
fn lines(
    facts: &mut Facts,
    ask: &Ask<'_>,
    seen: &Seen,
    wanted: Option<&Wanted<'_>>,
) -> BTreeMap<String, RemoteId> {
    let mut parts = BTreeMap::new();
    let played = wanted.is_some_and(Wanted::has_answers);
    for (place, (key, line)) in keyed(ask, seen, wanted).into_iter().enumerate() {
        let id = line.get("id").and_then(Plain::scalar).unwrap_or_default();
        let part = match key {
            Some(key) => format!("items[{key}]"),
            // Answers bring lines of their own, which are no drift.
            None if played => format!("lines[#{id}]"),
            None => format!("items[#{id}]"),
        };
        line_facts(facts, &part, line, place, wanted);
        if let Some(id) = RemoteId::parse(&id) {
            parts.insert(part, id);
        }
    }
    parts
}

/// Each line with the key of the item that it stands for: by recorded id, else by SKU in order.
fn keyed<'s>(
    ask: &Ask<'_>,
    seen: &'s Seen,
    wanted: Option<&Wanted<'_>>,
) -> Vec<(Option<String>, &'s Plain)> {
    let lines = seen.lines();
    let mut keys: Vec<Option<String>> = vec![None; lines.len()];
    let same = ask.entry.filter(|e| Some(e.id.as_str()) == seen.id());
    for (part, id) in same.into_iter().flat_map(|e| &e.parts) {
        let key = part.strip_prefix("items[").and_then(|p| p.strip_suffix(']'));
        let at = lines
            .iter()
            .position(|l| l.get("id").and_then(Plain::scalar).as_deref() == Some(id.as_str()));
        if let (Some(key), Some(slot)) = (key, at.and_then(|at| keys.get_mut(at))) {
            *slot = Some(key.to_owned());
        }
    }
    let items = wanted.and_then(|w| w.quote.items.set());
    for item in items.into_iter().flatten() {
        if keys.iter().any(|k| k.as_deref() == Some(item.key.as_str())) {
            continue;
        }
        let path = Path::new(format!("items[{}].sku", item.key));
        let Some(Value::Text(sku)) = wanted.and_then(|w| w.facts.get(&path)) else { continue };
        let is = |l: &Plain| l.get("sku").and_then(Plain::as_text) == Some(sku.as_str());
        let free = (0..lines.len()).find(|at| {
            keys.get(*at).is_some_and(Option::is_none) && lines.get(*at).is_some_and(|l| is(l))
        });
        if let Some(slot) = free.and_then(|at| keys.get_mut(at)) {
            *slot = Some(item.key.clone());
        }
    }
    // Lines of the playbook come in between; the items keep their order among themselves.
    let mut all: Vec<_> = keys.into_iter().zip(lines).collect();
    all.sort_by_key(|(key, _)| key.is_none());
    all
}

fn line_facts(
    facts: &mut Facts,
    part: &str,
    line: &Plain,
    place: usize,
    wanted: Option<&Wanted<'_>>,
) {
    let number = |name: &str| line.get(name).and_then(Plain::as_number);
    let text = |name: &str| line.get(name).and_then(Plain::as_text).unwrap_or_default();
    let mut put = |field: &str, value: Value| keep(facts, format!("{part}.{field}"), value);
    put("position", Value::Number(Amount::from_int(i64::try_from(place).unwrap_or(i64::MAX))));
    put("sku", Value::text(text("sku")));
    put("name", Value::text(text("name")));
    put("dealhub.bundle_ref_sku", Value::text(text("bundle_ref")));
    for (field, name) in [
        ("price", "list_price"),
        ("net", "net_price"),
        ("discount.percent", "total_discount"),
        ("dealhub.net_price_per_unit", "net_per_unit"),
        ("dealhub.msrp", "msrp"),
        ("dealhub.msrp_discount", "msrp_discount"),
        ("dealhub.sales_discount", "sales_discount"),
        ("dealhub.total_discount", "total_discount"),
    ] {
        put(field, number(name).map_or(Value::Empty, Value::Number));
    }
    let off = number("list_price").zip(number("net_per_unit")).and_then(|(l, n)| l.minus(n));
    put("discount.amount", off.map_or(Value::Empty, Value::Number));
    if let Some(Plain::Map(factors)) = line.get("product_factors") {
        for (name, factor) in factors {
            let value = factor.as_number().map_or(Value::Empty, Value::Number);
            if name.eq_ignore_ascii_case(QUANTITY) {
                put("quantity", value);
                continue;
            }
            // The case of names differs between answers: the manifest's spelling counts.
            let head = format!("{part}.dealhub.product_factors.");
            let spelt = wanted.and_then(|w| {
                w.facts.keys().find_map(|p| {
                    p.as_str().strip_prefix(&head).filter(|n| n.eq_ignore_ascii_case(name))
                })
            });
            put(&format!("dealhub.product_factors.{}", spelt.unwrap_or(name)), value);
        }
    }
    if let Some(Plain::Map(attributes)) = line.get("attributes") {
        for (name, value) in attributes {
            let value = value.scalar().filter(|v| v != "-").unwrap_or_default();
            for word in ["properties", "dealhub.attributes"] {
                put(&format!("{word}.{name}"), Value::text(value.clone()));
            }
        }
    }
    let partners = line.get("partner_discounts").map(Plain::items).unwrap_or_default();
    if !partners.is_empty() {
        let rows = partners.iter().map(partner).collect();
        put("dealhub.partner_program_data", Value::Plain(Plain::List(rows)));
    }
}

/// A partner's discount as it is written in a request.
fn partner(row: &Plain) -> Plain {
    let names = [
        ("name", "partner_program_name"),
        ("price", "partner_level_item_price"),
        ("discount", "partner_level_item_discount"),
    ];
    let member = |(from, to): (&str, &str)| {
        let value = row.get(from).filter(|v| **v != Plain::Null)?;
        let value = if from == "name" { value.clone() } else { Plain::Number(value.as_number()?) };
        Some((to.to_owned(), value))
    };
    Plain::Map(names.into_iter().filter_map(member).collect())
}

/// Answers come flat, without the number of their row: the n-th answer to a question of a group
/// is that of its n-th row.
fn answers(facts: &mut Facts, seen: &Seen) {
    let mut rows: BTreeMap<(String, String), usize> = BTreeMap::new();
    for answer in seen.answers() {
        let text = |name: &str| answer.get(name).and_then(Plain::scalar).unwrap_or_default();
        let (group, question) = (text("group_id"), text("question_id"));
        let row = rows.entry((group.clone(), question.clone())).or_default();
        *row += 1;
        let path = format!("{}.{question}", answer_part(&group, *row));
        keep(facts, path, Value::text(text("answer")));
    }
}

/// Fills in what cannot be read: see the module's head.
fn stand_in(facts: &mut Facts, ask: &Ask<'_>, wanted: &Wanted<'_>) {
    let name: &QuoteName = ask.recorded_as.unwrap_or(ask.quote);
    for (path, value) in &wanted.facts {
        if mapping::is_readable(path.as_str()) {
            continue;
        }
        let holds = match ask.entry {
            None => true,
            Some(entry) => {
                let recorded = entry.fields.get(path);
                recorded == Some(&value.fingerprint(ask.quote, path))
                    || recorded == Some(&value.fingerprint(name, path))
            }
        };
        if holds {
            facts.insert(path.clone(), value.clone());
        }
    }
    numeric_answers(facts, wanted);
}

/// `12` and `12.0` are the same answer.
fn numeric_answers(facts: &mut Facts, wanted: &Wanted<'_>) {
    for (path, value) in &wanted.facts {
        if !path.as_str().starts_with("dealhub.quote_data[") {
            continue;
        }
        let number = |v: &Value| match v {
            Value::Text(t) => crate::json::number(t),
            _ => None,
        };
        let there = facts.get(path).and_then(number);
        if there.is_some() && there == number(value) {
            facts.insert(path.clone(), value.clone());
        }
    }
}
