//! From the shop's facts back to a manifest: the mirror of [`super::wanted`].
//!
//! Invariant: what the shop decides (name, SKU and price of a catalogue line) is written as an
//! assertion; what the manifest cannot say stays upstream and is told.

use crate::desired::{Per, Quote, Shipping, Wish};
use crate::facts::{Plain, Value};
use crate::money::Currency;
use crate::provider::import::{Imported, Unfold, plain_of};
use crate::provider::listing::Seen;

/// The manifest of a quote that was read; `blank` brings name and connection.
pub fn import(currency: Option<Currency>, seen: &Seen, blank: Quote) -> Imported {
    let mut u = Unfold::new(seen);
    let mut quote = blank;
    u.in_currency(currency.or_else(|| Currency::parse("USD")));
    let mut customer = crate::desired::Person {
        email: u.text("customer.email"),
        first_name: u.text("customer.first_name"),
        last_name: u.text("customer.last_name"),
        phone: u.text("customer.phone"),
        id: u.text("customer.id"),
        ..crate::desired::Person::default()
    };
    if let Some(email) = customer.email.set().filter(|e| !crate::manifest::is_email(e)).cloned() {
        u.lose("customer", format!("the customer's e-mail is `{email}`, which is none"));
        customer.email = Wish::Unowned;
    }
    if customer != crate::desired::Person::default() {
        quote.customer = Some(customer);
    }
    quote.notes.public = u.text("notes.public");
    quote.notes.internal = u.text("notes.internal");
    quote.notes.customer = u.text("notes.customer");
    if let Some(Value::Text(tags)) = u.take("tags") {
        quote.tags = Wish::Set(tags.split(", ").map(str::to_owned).collect());
    }
    quote.owner = u.reference("owner");
    match (u.take("shipping.name"), u.take("shipping.price")) {
        (Some(Value::Text(name)), price) => match u.money("shipping", price) {
            Some(price) => quote.shipping = Wish::Set(Shipping { name, price }),
            None => u.lose("shipping", format!("shipping is called `{name}`")),
        },
        (None, Some(price)) => {
            u.lose("shipping", format!("shipping costs {price}, without a name"));
        }
        _ => {}
    }
    quote.discounts = u.adjustments("discounts");
    for path in seen.observed.facts.keys().filter(|p| p.list() == Some("fields")) {
        let id = path.as_str().trim_start_matches("fields[").trim_end_matches(']');
        if let Some(plain) = u.take(path.as_str()).as_ref().and_then(plain_of) {
            quote.fields.insert(id.to_owned(), Wish::Set(plain));
        }
    }
    items(&mut u, &mut quote);
    u.finish(quote)
}

fn items(u: &mut Unfold, quote: &mut Quote) {
    let parts = u.list("items");
    if parts.is_empty() {
        // A quote without lines is one: unsaid, they would be taken for somebody else's.
        quote.items = Wish::Set(Vec::new());
        return;
    }
    let keys = u.keys(&parts);
    let count = parts.len();
    let mut items = Vec::with_capacity(count);
    for ((_, mut fields), key) in parts.into_iter().zip(keys) {
        let at = format!("items[{key}]");
        let Some(mut item) = u.item(&key, &mut fields) else { continue };
        item.discount = u.discount(&at, &mut fields, Per::Line);
        if let Some(Value::Bool(taxable)) = fields.remove("taxable") {
            item.taxable = Wish::Set(taxable);
        }
        match fields.remove("properties") {
            Some(Value::Plain(Plain::Map(map))) => {
                let pairs = map.into_iter().filter_map(|(k, v)| Some((k, v.scalar()?)));
                item.properties = Wish::Set(pairs.collect());
            }
            Some(other) => u.lose(
                format!("{at}.properties"),
                format!("`properties` are `{other}`: a key is there twice"),
            ),
            None => {}
        }
        // Weight is written with its unit, or not at all.
        let block = Unfold::block(&mut fields, "quickquote");
        if !block.is_empty() {
            item.native.insert("quickquote".to_owned(), block);
        }
        u.rest(&at, fields);
        items.push(item);
    }
    if items.len() == count {
        quote.items = Wish::Set(items);
    } else {
        u.lose("items", "so none of the items is in this manifest: they stay upstream as they are");
    }
}
