//! From a quote as it was read to the facts that hold.
//!
//! Invariants: lines are matched by recorded id, then by stamp, then by content, never by
//! position; a line that nobody asked for gets a name of its own (`items[#24234]`), so that it is
//! seen and removed. Facts that the manifest does not own are there too.

use std::collections::{BTreeMap, BTreeSet};

use super::wanted::{Refs, as_far_as_known, field_value, pairs_value, tag_text};
use super::wire::{Discount, DiscountKind, Line, Quote};
use super::{Settings, align, status};
use crate::desired;
use crate::facts::{Facts, Path, Plain, Value};
use crate::key::{QuoteName, RemoteId, Stamp};
use crate::money::{Amount, Money};
use crate::provider::survey::{Ask, Observed};

/// The names under which stamps of a question's quote may have been made.
pub fn names<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a QuoteName> {
    std::iter::once(ask.quote).chain(ask.recorded_as)
}

/// What is seen of a quote.
pub fn observe(settings: &Settings, ask: &Ask<'_>, quote: &Quote, refs: &Refs) -> Observed {
    let revision = ask.entry.map_or(0, |e| e.revision);
    let mut facts = Facts::new();
    head(quote, &mut facts);
    if let Some(discount) = &quote.discount {
        let key = discount_key(ask, discount);
        let at = |field: &str| Path::new(format!("discounts[{key}].{field}"));
        let (percent, amount) = measure(discount);
        facts.extend(percent.map(|p| (at("percent"), p)));
        facts.extend(amount.map(|a| (at("amount"), a)));
        facts.extend(discount.reason.clone().map(|r| (at("label"), Value::text(r))));
        if let DiscountKind::Unknown(word) = &discount.kind {
            facts.insert(at("type"), Value::text(word.clone()));
        }
    }
    let mut parts = BTreeMap::new();
    for (key, line) in matched(ask, revision, &quote.lines) {
        let part = format!("items[{key}]");
        line_facts(&part, line, &mut facts);
        parts.insert(part, line.id.clone());
    }
    if let Some(desired) = ask.desired {
        let none = BTreeMap::new();
        let recorded = ask.entry.map_or(&none, |e| &e.fields);
        align::align(ask.quote, &as_far_as_known(desired, refs), recorded, &mut facts);
    }
    let state = status::state_of(&quote.status);
    Observed {
        id: quote.id.clone(),
        stamp: quote.stamp(),
        revision,
        locked: !status::is_open(&state),
        created: quote.created_on.clone(),
        state,
        raw_state: quote.status.clone(),
        facts,
        parts,
        links: BTreeMap::new(),
        total: settings
            .currency
            // Before the shop's tax, as a plan counts: what the shop adds cannot be known before.
            .zip(quote.total.and_then(|t| t.minus(quote.total_tax.unwrap_or_default())))
            .map(|(currency, amount)| Money { currency, amount }),
        whole: true,
        superseded: None,
    }
}

fn head(quote: &Quote, facts: &mut Facts) {
    let mut put = |path: &str, value: Value| {
        if !value.is_empty() {
            facts.insert(Path::new(path), value);
        }
    };
    let text =
        |t: &Option<String>| Value::text(t.clone().unwrap_or_default().replace("\r\n", "\n"));
    put("customer.email", text(&quote.email));
    put("customer.first_name", text(&quote.first_name));
    put("customer.last_name", text(&quote.last_name));
    put("customer.phone", text(&quote.phone));
    put("customer.id", text(&quote.customer));
    put("notes.public", text(&quote.public_notes));
    put("notes.internal", text(&quote.internal_notes));
    put("notes.customer", text(&quote.remarks));
    put("tags", Value::text(tag_text(&quote.shown_tags())));
    if let Some((id, name)) = &quote.assignee {
        put("owner", Value::Ref { id: id.clone(), label: name.clone().unwrap_or_default() });
    }
    if let Some((name, price)) = &quote.shipping {
        put("shipping.name", Value::text(name.clone()));
        put("shipping.price", Value::Number(*price));
    }
    for field in &quote.fields {
        let value = match &field.value {
            Plain::Map(map) if map.values().all(|v| matches!(v, Plain::Null)) => Value::Empty,
            value => field_value(value),
        };
        put(&format!("fields[{}]", field.id), value);
    }
}

/// Percent and amount of a discount; the one that it is not is absent.
fn measure(discount: &Discount) -> (Option<Value>, Option<Value>) {
    match discount.kind {
        DiscountKind::Percent => (Some(Value::Number(discount.amount)), None),
        // What the customer gets counts: a shop that takes a fixed discount off each unit, or
        // caps it, is found out here.
        DiscountKind::Fixed => {
            (None, Some(Value::Number(discount.total.unwrap_or(discount.amount))))
        }
        DiscountKind::Unknown(_) => (None, None),
    }
}

/// The one discount has the key of the one that the manifest asks for, else of the recorded one.
fn discount_key(ask: &Ask<'_>, discount: &Discount) -> String {
    let wanted = ask.desired.and_then(|q| q.discounts.set()).and_then(|all| all.first());
    let recorded = || {
        let fields = ask.entry?.fields.keys();
        let part = fields.filter(|p| p.list() == Some("discounts")).find_map(Path::part)?;
        Some(part.strip_prefix("discounts[")?.trim_end_matches(']').to_owned())
    };
    let by_kind = || match discount.kind {
        DiscountKind::Percent => "percent".to_owned(),
        _ => "amount".to_owned(),
    };
    wanted.map(|d| d.key.clone()).or_else(recorded).unwrap_or_else(by_kind)
}

fn line_facts(part: &str, line: &Line, facts: &mut Facts) {
    let mut put = |field: &str, value: Value| {
        if !value.is_empty() {
            facts.insert(Path::of(part, field), value);
        }
    };
    let text =
        |t: &Option<String>| Value::text(t.clone().unwrap_or_default().replace("\r\n", "\n"));
    let number = |n: Option<Amount>| n.map_or(Value::Empty, Value::Number);
    let flag = |b: Option<bool>| b.map_or(Value::Empty, Value::Bool);
    put("name", text(&line.title));
    put("sku", text(&line.sku));
    put("quantity", Value::Number(line.quantity));
    put("price", number(line.price));
    put("taxable", flag(line.taxable));
    if let Some(discount) = &line.discount {
        let (percent, amount) = measure(discount);
        put("discount.percent", percent.unwrap_or(Value::Empty));
        put("discount.amount", amount.unwrap_or(Value::Empty));
        put("discount.label", text(&discount.reason));
    }
    let pairs: Vec<(String, String)> =
        line.shown().map(|p| (p.key.clone(), p.value.clone())).collect();
    put("properties", pairs_value(&pairs));
    let variant = line.variant.as_deref().and_then(|v| Amount::parse(v).ok());
    put("quickquote.variant_id", number(variant));
    put("quickquote.barcode", text(&line.barcode));
    put("quickquote.image_url", text(&line.image));
    put("quickquote.requires_shipping", flag(line.requires_shipping));
    if let Some(grams) = line.grams {
        put("quickquote.weight", Value::Number(grams));
        put("quickquote.weight_units", Value::text("g"));
    }
}

/// Lines with their keys.
fn matched<'q>(ask: &Ask<'_>, revision: u32, lines: &'q [Line]) -> Vec<(String, &'q Line)> {
    let items: &[desired::Item] =
        ask.desired.and_then(|q| q.items.set()).map_or(&[], Vec::as_slice);
    let recorded = |key: &str| ask.entry.and_then(|e| e.parts.get(&format!("items[{key}]")));
    let mut keys: BTreeSet<String> = items.iter().map(|i| i.key.clone()).collect();
    keys.extend(
        ask.entry
            .into_iter()
            .flat_map(|e| e.parts.keys())
            .filter_map(|part| Some(part.strip_prefix("items[")?.strip_suffix(']')?.to_owned())),
    );
    let mut taken: BTreeMap<&RemoteId, String> = BTreeMap::new();
    let mut open: Vec<String> = keys.into_iter().collect();
    let mut pass = |test: &dyn Fn(&str, &Line) -> bool| {
        open.retain(|key| {
            let found = lines.iter().find(|l| !taken.contains_key(&l.id) && test(key, l));
            if let Some(line) = found {
                taken.insert(&line.id, key.clone());
            }
            found.is_none()
        });
    };
    let stamp_of = |key: &str, line: &Line| {
        let part = format!("items[{key}]");
        let stamp = line.stamp();
        names(ask).any(|n| stamp == Some(Stamp::new(ask.workspace, n, revision, &part)))
    };
    let is_recorded = |key: &str, line: &Line| recorded(key) == Some(&line.id);
    // A recorded id is believed unless the line's own stamp says another key.
    pass(&|key, line| is_recorded(key, line) && (line.stamp().is_none() || stamp_of(key, line)));
    pass(&stamp_of);
    pass(&is_recorded);
    pass(&|key, line| items.iter().any(|i| i.key == key && is_alike(i, line)));
    lines
        .iter()
        .map(|l| (taken.get(&l.id).cloned().unwrap_or_else(|| format!("#{}", l.id)), l))
        .collect()
}

/// Whether a line has the content by which an item is told from others.
fn is_alike(item: &desired::Item, line: &Line) -> bool {
    let variant = item
        .native
        .get("quickquote")
        .and_then(|b| b.get("variant_id"))
        .and_then(desired::Wish::set)
        .and_then(Plain::scalar);
    match (&variant, &line.variant) {
        (Some(a), Some(b)) => a == b,
        (None, None) => {
            item.name.set() == line.title.as_ref() && item.sku.set() == line.sku.as_ref()
        }
        _ => false,
    }
}
