//! From HubSpot's facts back to a manifest: the mirror of [`super::wanted`].
//!
//! Invariant: what is written here gives the same facts again; raw HTML of a note goes into the native
//! field, since the neutral note is plain text.

use crate::desired::{Per, Person, Quote, Recurring, Wish};
use crate::facts::{Plain, Value};
use crate::provider::import::{Imported, Unfold, plain_of};
use crate::provider::listing::Seen;

/// Properties that HubSpot fills by itself, and that say where a quote stands and not what is in it.
const MADE_UP: [&str; 3] = ["hs_domain", "hs_slug", "hs_template_type"];

/// The manifest of a quote that was read; `blank` brings name and connection.
pub fn import(seen: &Seen, blank: Quote) -> Imported {
    let mut u = Unfold::new(seen);
    let mut quote = blank;
    quote.title = u.text("title");
    u.expiry_and_currency(&mut quote);
    let mut block = std::collections::BTreeMap::new();
    for (path, native) in [("notes.public", "hs_comments"), ("notes.terms", "hs_terms")] {
        let wish = match u.take(path) {
            Some(Value::Plain(Plain::Text(html))) => {
                block.insert(native.to_owned(), Wish::Set(Plain::Text(html)));
                Wish::Unowned
            }
            Some(Value::Text(text)) => Wish::Set(text),
            Some(other) => {
                u.lose(path, format!("`{path}` is `{other}`"));
                Wish::Unowned
            }
            None => Wish::Unowned,
        };
        if path == "notes.public" {
            quote.notes.public = wish;
        } else {
            quote.notes.terms = wish;
        }
    }
    u.follow(|p| matches!(p.as_str(), "hubspot.hs_comments" | "hubspot.hs_terms"));
    // HubSpot makes these up where nobody says them: to own them would be to repeat HubSpot.
    if let Some(number) = u.take("hubspot.hs_quote_number") {
        u.aside("", format!("Number upstream: {number}"));
    }
    u.follow(|p| {
        let name = p.as_str().strip_prefix("hubspot.");
        name.is_some_and(|name| MADE_UP.contains(&name))
    });
    quote.owner = u.reference("owner");
    quote.company = u.reference("company");
    quote.deal = u.reference("deal");
    quote.template = u.reference("template");
    people(&mut u, seen, &mut quote);
    items(&mut u, &mut quote);
    quote.discounts = u.adjustments("discounts");
    quote.fees = u.adjustments("fees");
    quote.taxes = u.adjustments("taxes");
    let mut natives = std::collections::BTreeMap::new();
    for path in seen.observed.facts.keys().filter(|p| p.as_str().starts_with("hubspot.")) {
        if let Some(value) = u.take(path.as_str()) {
            natives.insert(path.as_str().to_owned(), value);
        }
    }
    block.extend(Unfold::block(&mut natives, "hubspot"));
    if !block.is_empty() {
        quote.native.insert("hubspot".to_owned(), block);
    }
    for path in seen.observed.facts.keys().filter(|p| p.list() == Some("fields")) {
        let name = path.as_str().trim_start_matches("fields[").trim_end_matches(']');
        if let Some(plain) = u.take(path.as_str()).as_ref().and_then(plain_of) {
            quote.fields.insert(name.to_owned(), Wish::Set(plain));
        }
    }
    u.finish(quote)
}

/// The first contact is the customer, the others are contacts.
fn people(u: &mut Unfold, seen: &Seen, quote: &mut Quote) {
    let mut people = Vec::new();
    for path in seen.observed.facts.keys().filter(|p| p.list() == Some("contacts")) {
        let Some(Value::Ref { id, .. }) = u.take(path.as_str()) else { continue };
        let card = seen.people.get(path.as_str()).cloned().unwrap_or_default();
        let set = |text: Option<String>| text.map_or(Wish::Unowned, Wish::Set);
        people.push(Person {
            email: set(card.email.filter(|e| crate::manifest::is_email(e))),
            first_name: set(card.first_name),
            last_name: set(card.last_name),
            phone: set(card.phone),
            id: Wish::Set(id),
            ..Person::default()
        });
    }
    let mut people = people.into_iter();
    quote.customer = people.next();
    let others: Vec<Person> = people.collect();
    if !others.is_empty() {
        quote.contacts = Wish::Set(others);
    }
}

fn items(u: &mut Unfold, quote: &mut Quote) {
    let parts = u.list("items");
    if parts.is_empty() {
        // A quote without lines is one: unsaid, they would be taken for somebody else's.
        quote.items = Wish::Set(Vec::new());
        return;
    }
    let keys = u.keys(&parts);
    let mut items = Vec::with_capacity(parts.len());
    let count = parts.len();
    for ((_, mut fields), key) in parts.into_iter().zip(keys) {
        let at = format!("items[{key}]");
        // The line's currency is the quote's; another one cannot be written.
        let theirs = fields.remove("currency");
        if let (Some(Value::Text(code)), Some(ours)) = (&theirs, quote.currency)
            && code != ours.code()
        {
            u.lose("items", format!("the line `{key}` is in {code}, the quote in {ours}"));
            continue;
        }
        let Some(mut item) = u.item(&key, &mut fields) else { continue };
        item.discount = u.discount(&at, &mut fields, Per::Unit);
        let (every, term) = (fields.remove("recurring.every"), fields.remove("recurring.for"));
        let every = u.period(&format!("{at}.recurring.every"), every);
        let term = u.period(&format!("{at}.recurring.for"), term);
        match (every, term) {
            (Some(every), term) => item.recurring = Wish::Set(Recurring { every, term }),
            (None, Some(_)) => u.lose(&at, "the line has a term and no billing cycle"),
            (None, None) => {}
        }
        let block = Unfold::block(&mut fields, "hubspot");
        if !block.is_empty() {
            item.native.insert("hubspot".to_owned(), block);
        }
        u.rest(&at, fields);
        items.push(item);
    }
    // Lists are owned whole: with one line missing, the plan would delete it.
    if items.len() == count {
        quote.items = Wish::Set(items);
    } else {
        u.lose("items", "so none of the items is in this manifest: they stay upstream as they are");
    }
}
