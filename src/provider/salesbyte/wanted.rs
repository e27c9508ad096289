//! From a checked manifest to the facts that must hold in SalesByte, and from facts to a request.
//!
//! Invariants: pure, and without the upstream: SalesByte has nothing to resolve. Only what the
//! manifest owns becomes a fact, save for the profile and the three flags that a creation always
//! says. Lists are one fact each, so that an element which the manifest drops is a change.

use std::collections::BTreeMap;

use super::mapping::{self, STAMPED, native};
use super::{Settings, value};
use crate::desired::{Alternative, Channel, Item, Quote, Reference, WantedState, Wish};
use crate::facts::{self, Facts, Path, Plain, Value};
use crate::key::{Fingerprint, QuoteName, Stamp};
use crate::money::Amount;

/// The flags that SalesByte's table requires and its examples leave out: always said.
const ALWAYS: [&str; 3] = ["workflows_enabled", "allow_customer_document_upload", "signable"];

/// How the customer gets the quote when it is made; `None` where the manifest does not say and
/// need not.
pub fn channel(quote: &Quote) -> Option<Channel> {
    match quote.state {
        None | Some(WantedState::Draft) => Some(Channel::None),
        Some(WantedState::Sent) => Some(quote.delivery.channel.unwrap_or(Channel::Email)),
        Some(_) => quote.delivery.channel,
    }
}

/// The word of `send_type`.
pub fn send_type(channel: Channel) -> &'static str {
    match channel {
        Channel::None => "none",
        Channel::Email => "email",
        Channel::Sms => "sms",
        Channel::Dual => "dual",
        Channel::Auto => "auto",
    }
}

/// The facts that a manifest asks for. `stamped` = the quote must carry our stamp, and that can be
/// seen.
pub fn facts(settings: &Settings, quote: &Quote, stamped: bool) -> Facts {
    let mut w = Wanted { facts: Facts::new() };
    w.people(quote);
    match &quote.expires {
        Wish::Unowned => {}
        Wish::Clear => w.put("expires", Value::Empty),
        Wish::Set(date) => w.put("expires", Value::Date(*date)),
    }
    if let Some(channel) = channel(quote) {
        w.put("delivery.channel", Value::text(send_type(channel)));
    }
    w.text("delivery.message", &quote.delivery.message);
    w.text("notes.public", &quote.notes.public);
    if let Some(tags) = owned_list(&quote.tags) {
        w.put("tags", list(tags.iter().map(|t| Plain::Text(t.clone())).collect()));
    }
    for (name, wish) in &quote.fields {
        if let Wish::Set(plain) = wish {
            w.put(format!("fields[{name}]"), value::of_field(plain));
        }
    }
    if let Some(items) = owned_list(&quote.items) {
        w.put("items", list(items.iter().filter_map(identifier).collect()));
    }
    if let Some(alternatives) = owned_list(&quote.alternatives) {
        w.put("alternatives", list(in_order(alternatives).into_iter().map(alternative).collect()));
    }
    w.native(settings, quote);
    if stamped && let Some(stamp) = &settings.stamp {
        w.put(STAMPED, Value::text(stamp.label.as_deref().unwrap_or(&stamp.name)));
    }
    w.facts
}

struct Wanted {
    facts: Facts,
}

impl Wanted {
    fn put(&mut self, path: impl AsRef<str>, value: Value) {
        self.facts.insert(Path::new(path), value);
    }

    fn text(&mut self, path: &str, wish: &Wish<String>) {
        match wish {
            Wish::Unowned => {}
            Wish::Clear => self.put(path, Value::Empty),
            Wish::Set(text) => self.put(path, Value::text(text.replace("\r\n", "\n"))),
        }
    }

    fn people(&mut self, quote: &Quote) {
        if let Some(customer) = &quote.customer {
            if let Some(name) = customer.display_name() {
                self.put("customer.name", Value::text(name.trim()));
            }
            self.text("customer.email", &customer.email);
            self.text("customer.company", &customer.company);
            match &customer.phone {
                Wish::Set(phone) => {
                    self.put("customer.phone", Value::text(value::bare_phone(phone)));
                }
                other => self.text("customer.phone", other),
            }
        }
        if let Wish::Set(owner) = &quote.owner
            && let Some(email) = owner_email(owner)
        {
            self.put("owner", Value::text(email));
        }
    }

    fn native(&mut self, settings: &Settings, quote: &Quote) {
        if let Some(profile) = settings.profile {
            self.put("salesbyte.quote_profile_id", Value::Number(Amount::from_int(profile)));
        }
        for name in ALWAYS {
            self.put(format!("salesbyte.{name}"), Value::Bool(false));
        }
        for (name, wish) in quote.native.get("salesbyte").into_iter().flatten() {
            let path = format!("salesbyte.{name}");
            match (name.as_str(), wish) {
                (_, Wish::Unowned) => {}
                (_, Wish::Clear) => self.put(path, Value::Empty),
                ("custom_fields", Wish::Set(plain)) => {
                    let attributes = attributes(plain);
                    if !attributes.is_empty() {
                        self.put(path, Value::Plain(Plain::Map(attributes)));
                    }
                }
                (_, Wish::Set(plain)) => {
                    let shape = native(name).map_or(mapping::Shape::Text, |n| n.shape);
                    // What does not fit was an error of the offline check.
                    if let Ok(value) = value::from_plain(shape, plain) {
                        self.put(path, value);
                    }
                }
            }
        }
    }
}

/// A list that the manifest owns; cleared is empty.
fn owned_list<T>(wish: &Wish<Vec<T>>) -> Option<&[T]> {
    match wish {
        Wish::Unowned => None,
        Wish::Clear => Some(&[]),
        Wish::Set(all) => Some(all),
    }
}

fn list(items: Vec<Plain>) -> Value {
    if items.is_empty() { Value::Empty } else { Value::Plain(Plain::List(items)) }
}

/// The e-mail address of a salesperson.
pub fn owner_email(owner: &Reference) -> Option<&str> {
    match owner {
        Reference::Named(text) => Some(text.as_str()).filter(|t| t.contains('@')),
        Reference::Id { email, .. } => email.as_deref(),
    }
}

/// What an item is called in SalesByte.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identifier {
    /// A bundle.
    Bundle(Amount),
    /// A product.
    Sku(String),
}

/// The identifier of an item: its native one, else its SKU.
pub fn identifier_of(item: &Item) -> Option<Identifier> {
    let block = item.native.get("salesbyte");
    let set = |name: &str| block.and_then(|b| b.get(name)).and_then(Wish::set);
    if let Some(Plain::Number(n)) = set("bundle_id") {
        return Some(Identifier::Bundle(*n));
    }
    let sku = set("sku").and_then(Plain::scalar).or_else(|| item.sku.set().cloned());
    sku.filter(|s| !s.is_empty()).map(Identifier::Sku)
}

fn identifier(item: &Item) -> Option<Plain> {
    identifier_of(item).map(|id| match id {
        Identifier::Bundle(n) => {
            Plain::Map(BTreeMap::from([("bundle_id".to_owned(), Plain::Number(n))]))
        }
        Identifier::Sku(sku) => Plain::Text(sku),
    })
}

/// Alternatives as the customer reads them: by `sort_order`, then as written.
fn in_order(alternatives: &[Alternative]) -> Vec<&Alternative> {
    let mut all: Vec<&Alternative> = alternatives.iter().collect();
    all.sort_by_key(|a| a.sort_order.unwrap_or(i64::MAX));
    all
}

fn alternative(a: &Alternative) -> Plain {
    let mut map = BTreeMap::new();
    let mut put = |name: &str, value: Plain| map.insert(name.to_owned(), value);
    match a.bundle_id {
        Some(id) => put("bundle_id", Plain::Number(Amount::from_int(id))),
        // Always text: a code may begin with a nought.
        None => put("skus", Plain::List(a.skus.iter().map(|s| Plain::Text(s.clone())).collect())),
    };
    if let Some(title) = &a.title {
        put("title", Plain::Text(title.clone()));
    }
    if let Some(order) = a.sort_order {
        put("sort_order", Plain::Number(Amount::from_int(order)));
    }
    Plain::Map(map)
}

/// The attributes of custom fields, by name; labels are ours and stay here.
fn attributes(plain: &Plain) -> BTreeMap<String, Plain> {
    let Plain::Map(fields) = plain else { return BTreeMap::new() };
    fields
        .iter()
        .filter_map(|(name, entry)| match entry {
            Plain::Map(entry) => Some((name.clone(), entry.get("attribute")?.clone())),
            _ => None,
        })
        .collect()
}

/// The label that the manifest gives a custom field.
pub fn label_of<'q>(quote: &'q Quote, name: &str) -> Option<&'q str> {
    let block = quote.native.get("salesbyte")?.get("custom_fields")?.set()?;
    let Plain::Map(fields) = block else { return None };
    let Plain::Map(entry) = fields.get(name)? else { return None };
    match entry.get("label")? {
        Plain::Text(label) => Some(label),
        _ => None,
    }
}

/// A digest of the facts that cannot be read back. It travels beside the stamp, so that a quote
/// which is found again without a record can be compared whole.
pub fn unread_digest(quote: &QuoteName, want: &Facts) -> Fingerprint {
    let unread: Facts = want
        .iter()
        .filter(|(path, _)| !mapping::is_readable(path.as_str()))
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect();
    facts::fingerprint_of(quote, &unread)
}

/// Whether a creation with these facts sends the customer anything.
pub fn sends(want: &Facts) -> bool {
    let is = |path: &str, value: &Value| want.get(&Path::new(path)) == Some(value);
    let quiet = is("delivery.channel", &Value::text("none"))
        || !want.contains_key(&Path::new("delivery.channel"));
    !quiet || is("salesbyte.trigger_created_messages_to_customer", &Value::Bool(true))
}

/// The request of a creation, without the credential.
pub fn request(
    settings: &Settings,
    quote: &QuoteName,
    want: &Facts,
    stamp: &Stamp,
) -> BTreeMap<String, Plain> {
    let mut out = BTreeMap::new();
    out.insert("send_type".to_owned(), Plain::Text("none".to_owned()));
    let mut custom: BTreeMap<String, BTreeMap<String, Plain>> = BTreeMap::new();
    for (path, value) in want {
        let Some(plain) = value::to_plain(value) else { continue };
        let path = path.as_str();
        if let Some((_, name)) = mapping::REQUEST_NAMES.iter().find(|(p, _)| *p == path) {
            out.insert((*name).to_owned(), plain);
        } else if let Some(name) = path.strip_prefix("fields[").and_then(|n| n.strip_suffix(']')) {
            custom.entry(name.to_owned()).or_default().insert("value".to_owned(), plain);
        } else if path == "tags" {
            if let Plain::List(tags) = plain {
                for (i, tag) in tags.into_iter().enumerate() {
                    out.insert(format!("tag_{}", i + 1), tag);
                }
            }
        } else if path == "alternatives" {
            out.insert("alternatives".to_owned(), plain);
        } else if path == "items" {
            out.extend(one_alternative(plain).map(|a| ("alternatives".to_owned(), a)));
        } else if path == "salesbyte.custom_fields" {
            if let Plain::Map(fields) = plain {
                for (name, attribute) in fields {
                    custom.entry(name).or_default().insert("attribute".to_owned(), attribute);
                }
            }
        } else if path != STAMPED
            && path != "salesbyte.send_type"
            && let Some(name) = path.strip_prefix("salesbyte.")
        {
            out.insert(name.to_owned(), plain);
        }
    }
    // The literal `phone` for integrations that want it.
    if let Some(Value::Text(word)) = want.get(&Path::new("salesbyte.send_type")) {
        out.insert("send_type".to_owned(), Plain::Text(word.clone()));
    }
    if let Some(field) = &settings.stamp {
        let mark = format!("{stamp} {}", unread_digest(quote, want));
        custom.entry(field.name.clone()).or_default().insert("value".to_owned(), Plain::Text(mark));
    }
    if !custom.is_empty() {
        let custom = custom.into_iter().map(|(name, entry)| (name, Plain::Map(entry))).collect();
        out.insert("custom_fields".to_owned(), Plain::Map(custom));
    }
    out
}

/// Items are one alternative: a single bundle, or all their SKUs.
fn one_alternative(items: Plain) -> Option<Plain> {
    let Plain::List(items) = items else { return None };
    let one = match items.as_slice() {
        [] => return None,
        [bundle @ Plain::Map(_)] => bundle.clone(),
        skus => Plain::Map(BTreeMap::from([("skus".to_owned(), Plain::List(skus.to_vec()))])),
    };
    Some(Plain::List(vec![one]))
}
