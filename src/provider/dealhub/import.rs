//! From what DealHub tells back to a manifest: the mirror of [`super::wanted`] and [`super::lines`].
//!
//! The one thing to know: DealHub takes customer, contacts and owner with the whole opportunity or not
//! at all, and does not tell the whole; so they stay with the opportunity and are told in a remark.
//! Figures that follow from others are not written, but what follows is compared before a file is.

use std::collections::BTreeMap;

use crate::desired::{LineDiscount, Measure, Per, Quote, Wish};
use crate::facts::{Plain, Value};
use crate::money::Amount;
use crate::provider::import::{Imported, Unfold};
use crate::provider::listing::Seen;

/// The manifest of a quote that was read; `blank` brings name and connection.
pub fn import(seen: &Seen, blank: Quote) -> Imported {
    let mut u = Unfold::new(seen);
    let mut quote = blank;
    quote.title = u.text("title");
    u.expiry_and_currency(&mut quote);
    quote.deal = u.reference("deal");
    let mut block = BTreeMap::new();
    if let Some(Value::Text(playbook)) = u.take("dealhub.playbook") {
        block.insert("playbook".to_owned(), Wish::Set(Plain::Text(playbook)));
    }
    for (path, what) in [
        ("customer.name", "customer"),
        ("customer.email", "e-mail address of the contact"),
        ("customer.id", "id of the customer"),
        ("dealhub.opportunity_data.geo_code", "geo code"),
    ] {
        if let Some(value) = u.take(path) {
            u.lose("deal", format!("{what}, kept with the opportunity: {value}"));
        }
    }
    u.follow(|p| matches!(p.as_str(), "total" | "approvals.waiting"));
    let answers: Vec<String> = seen
        .observed
        .facts
        .iter()
        .filter(|(p, _)| p.as_str().starts_with("dealhub.quote_data["))
        .map(|(p, v)| {
            format!("answer {}: {v}", p.as_str().trim_start_matches("dealhub.quote_data"))
        })
        .collect();
    u.follow(|p| p.as_str().starts_with("dealhub.quote_data["));
    for answer in answers {
        u.lose("", format!("{answer} (answers of the playbook are not held)"));
    }
    items(&mut u, &mut quote);
    if !block.is_empty() {
        quote.native.insert("dealhub".to_owned(), block);
    }
    u.finish(quote)
}

fn items(u: &mut Unfold, quote: &mut Quote) {
    let parts = u.list("items");
    if parts.is_empty() {
        return;
    }
    let keys = u.keys(&parts);
    let count = parts.len();
    let mut items = Vec::with_capacity(count);
    for ((_, mut fields), key) in parts.into_iter().zip(keys) {
        let off = fields.get("discount.amount").and_then(Value::number);
        let percent = fields.get("discount.percent").and_then(Value::number);
        let Some(mut item) = u.item(&key, &mut fields) else { continue };
        item.discount = discount(off, percent);
        let mut properties = Vec::new();
        let mut factors = BTreeMap::new();
        let names: Vec<String> = fields.keys().cloned().collect();
        for name in names {
            let Some(value) = fields.get(&name) else { continue };
            if let Some(factor) = name.strip_prefix("dealhub.product_factors.") {
                if let Some(n) = value.number() {
                    factors.insert(factor.to_owned(), Plain::Number(n.canonical()));
                }
            } else if let Some(property) = name.strip_prefix("properties.") {
                properties.push((property.to_owned(), value.to_string()));
            }
        }
        if !properties.is_empty() {
            item.properties = Wish::Set(properties);
        }
        let mut block = BTreeMap::new();
        if !factors.is_empty() {
            block.insert("product_factors".to_owned(), Wish::Set(Plain::Map(factors)));
        }
        for name in ["bundle_ref_sku", "partner_program_data"] {
            if let Some(value) = fields.remove(&format!("dealhub.{name}"))
                && let Some(plain) = crate::provider::import::plain_of(&value)
            {
                block.insert(name.to_owned(), Wish::Set(plain));
            }
        }
        if !block.is_empty() {
            item.native.insert("dealhub".to_owned(), block);
        }
        items.push(item);
    }
    if items.len() == count {
        quote.items = Wish::Set(items);
    } else {
        u.lose("items", "so none of the items is in this manifest: they stay upstream as they are");
    }
}

/// DealHub tells both figures of a discount: the percent is kept where it has few digits.
fn discount(off: Option<Amount>, percent: Option<Amount>) -> Wish<LineDiscount> {
    let some = |a: &Amount| !a.is_zero() && !a.is_negative();
    let set = |measure, per| Wish::Set(LineDiscount { measure, per, label: None });
    match (percent.filter(some), off.filter(some)) {
        (Some(p), _) if p.significant_scale() <= 2 && p <= Amount::HUNDRED => {
            set(Measure::Percent(p), Per::Line)
        }
        (_, Some(off)) => set(Measure::Amount(off), Per::Unit),
        _ => Wish::Unowned,
    }
}
