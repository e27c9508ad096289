//! From a checked manifest to the facts that must hold in the shop.
//!
//! Invariants: only what the manifest owns becomes a fact; money is exact; a line always says
//! whether it is of the catalogue; what the shop decides itself (title, sku and price of a
//! catalogue line) is a fact too, as an assertion that the read-back proves.

use super::check::{self, is_id};
use super::mapping::{self, Place, Shape};
use crate::desired::{Item, Measure, Per, Quote, Reference, Wish};
use crate::facts::{Facts, Path, Plain, Value};
use crate::failure::Diagnostic;
use crate::money::Amount;
use crate::provider::capability::Sink;
use crate::provider::survey::{Observed, Resolved, Sight, Survey};

/// Resolved references of one quote by manifest path.
pub type Refs = std::collections::BTreeMap<String, Resolved>;

/// The facts that must hold, or everything that is in the way.
pub fn facts(quote: &Quote, survey: &Survey) -> Result<Facts, Vec<Diagnostic>> {
    let observed = match survey.sights.get(&quote.name) {
        Some(Sight::Found(observed)) => Some(observed.as_ref()),
        _ => None,
    };
    let none = Refs::new();
    let mut w = Wanted::new(quote, survey.refs.get(&quote.name).unwrap_or(&none));
    w.all();
    match observed {
        Some(observed) => w.assertions(observed),
        None => check::creation(&mut w.sink),
    }
    let told = survey.problems.iter().any(|p| p.quote.as_ref() == Some(&quote.name));
    if let Some(path) = w.unresolved.clone().filter(|_| !told) {
        let message = format!("`{path}` was not resolved in Quick Quote");
        w.sink.error(&path, "reference-not-found", message, "run the command again");
    }
    if w.sink.found.is_empty() && w.unresolved.is_none() { Ok(w.facts) } else { Err(w.sink.found) }
}

/// The facts as far as they can be told, for putting what was read into the manifest's words.
pub fn as_far_as_known(quote: &Quote, refs: &Refs) -> Facts {
    let mut w = Wanted::new(quote, refs);
    w.all();
    w.facts
}

/// The path under which the reference of a custom field is recorded.
pub fn field_ref(name: &str) -> String {
    format!("fields.{name}")
}

struct Wanted<'a> {
    quote: &'a Quote,
    refs: &'a Refs,
    facts: Facts,
    sink: Sink<'a>,
    /// A reference is missing whose problem the survey already tells.
    unresolved: Option<String>,
}

impl<'a> Wanted<'a> {
    fn new(quote: &'a Quote, refs: &'a Refs) -> Self {
        Self { quote, refs, facts: Facts::new(), sink: check::sink(quote), unresolved: None }
    }

    fn put(&mut self, path: impl AsRef<str>, value: Value) {
        self.facts.insert(Path::new(path), value);
    }

    fn put_wish<T>(&mut self, path: &str, wish: &Wish<T>, value: impl FnOnce(&T) -> Value) {
        match wish {
            Wish::Unowned => {}
            Wish::Clear => self.put(path, Value::Empty),
            Wish::Set(v) => self.put(path, value(v)),
        }
    }

    fn all(&mut self) {
        let quote = self.quote;
        let text = |t: &String| Value::text(t.replace("\r\n", "\n"));
        if let Some(customer) = &quote.customer {
            for (path, wish) in [
                ("customer.email", &customer.email),
                ("customer.first_name", &customer.first_name),
                ("customer.last_name", &customer.last_name),
                ("customer.phone", &customer.phone),
                ("customer.id", &customer.id),
            ] {
                self.put_wish(path, wish, text);
            }
        }
        for (path, wish) in [
            ("notes.public", &quote.notes.public),
            ("notes.internal", &quote.notes.internal),
            ("notes.customer", &quote.notes.customer),
        ] {
            self.put_wish(path, wish, |t| Value::text(super::align::trimmed(t)));
        }
        self.put_wish("tags", &quote.tags, |tags| Value::text(tag_text(tags)));
        match &quote.owner {
            Wish::Unowned => {}
            Wish::Clear => self.put("owner", Value::Empty),
            Wish::Set(Reference::Id { id, name, .. }) => {
                let label = name.clone().unwrap_or_default();
                self.put("owner", Value::Ref { id: id.clone(), label });
            }
            Wish::Set(Reference::Named(name)) => match self.refs.get("owner") {
                Some(known) => {
                    let id = known.id.as_str().to_owned();
                    self.put("owner", Value::Ref { id, label: name.clone() });
                }
                None => self.unresolved = Some("owner".to_owned()),
            },
        }
        match &quote.shipping {
            Wish::Unowned => {}
            Wish::Clear => {
                self.put("shipping.name", Value::Empty);
                self.put("shipping.price", Value::Empty);
            }
            Wish::Set(shipping) => {
                self.put("shipping.name", Value::text(shipping.name.clone()));
                self.put("shipping.price", Value::Number(shipping.price));
            }
        }
        for d in quote.discounts.set().into_iter().flatten() {
            let at = |field: &str| format!("discounts[{}].{field}", d.key);
            let (percent, amount) = match d.measure {
                Measure::Percent(p) => (filled(p), Value::Empty),
                Measure::Amount(a) => (Value::Empty, filled(a)),
            };
            self.put(at("label"), Value::text(d.label.clone()));
            self.put(at("percent"), percent);
            self.put(at("amount"), amount);
        }
        for item in quote.items.set().into_iter().flatten() {
            self.item(item);
        }
        self.fields();
    }

    fn item(&mut self, item: &Item) {
        let at = |field: &str| format!("items[{}].{field}", item.key);
        let text = |t: &String| Value::text(t.replace("\r\n", "\n"));
        self.put_wish(&at("name"), &item.name, text);
        self.put_wish(&at("sku"), &item.sku, text);
        self.put(at("quantity"), Value::Number(item.quantity));
        self.put_wish(&at("price"), &item.price, |p| Value::Number(*p));
        self.put_wish(&at("taxable"), &item.taxable, |t| Value::Bool(*t));
        if item.discount.is_owned() {
            let (percent, amount) = match item.discount.set().map(|d| (d.measure, d.per)) {
                None => (Value::Empty, Value::Empty),
                Some((Measure::Percent(p), _)) => (filled(p), Value::Empty),
                Some((Measure::Amount(a), Per::Line)) => (Value::Empty, filled(a)),
                // The shop takes it off the line.
                Some((Measure::Amount(a), Per::Unit)) => {
                    (Value::Empty, filled(a.times(item.quantity).unwrap_or(a)))
                }
            };
            self.put(at("discount.percent"), percent);
            self.put(at("discount.amount"), amount);
            if let Some(label) = item.discount.set().and_then(|d| d.label.clone()) {
                self.put(at("discount.label"), Value::text(label));
            }
        }
        self.put_wish(&at("properties"), &item.properties, |pairs| pairs_value(pairs));
        let block = item.native.get("quickquote");
        self.put(at("quickquote.variant_id"), Value::Empty);
        for (name, wish) in block.into_iter().flatten() {
            self.put_wish(&at(&format!("quickquote.{name}")), wish, |v| native_value(name, v));
        }
    }

    fn fields(&mut self) {
        let quote = self.quote;
        for (written, wish) in quote.fields.iter().filter(|(_, wish)| wish.is_owned()) {
            let id = if is_id(written) {
                written.clone()
            } else if let Some(known) = self.refs.get(&field_ref(written)) {
                known.id.as_str().to_owned()
            } else {
                self.unresolved = Some(field_ref(written));
                continue;
            };
            let path = format!("fields[{id}]");
            if self.facts.contains_key(&Path::new(path.as_str())) {
                let message = format!("the custom field {id} is written twice, by id and by name");
                self.sink.error(&field_ref(written), "field-twice", message, "keep one of them");
            }
            self.put_wish(&path, wish, field_value);
        }
    }

    /// What the shop decides cannot be changed by asking for something else.
    fn assertions(&mut self, observed: &Observed) {
        let quote = self.quote;
        for (i, item) in quote.items.set().into_iter().flatten().enumerate() {
            let part = format!("items[{}]", item.key);
            let fact = |facts: &Facts, field: &str| facts.get(&Path::of(&part, field)).cloned();
            let variant = fact(&self.facts, "quickquote.variant_id").filter(|v| !v.is_empty());
            let same =
                variant.is_some() && fact(&observed.facts, "quickquote.variant_id") == variant;
            for field in ["name", "sku", "price"].into_iter().filter(|_| same) {
                let Some(wanted) = fact(&self.facts, field) else { continue };
                let there = fact(&observed.facts, field).unwrap_or(Value::Empty);
                if !wanted.same(&there) {
                    self.sink.error(
                        &format!("items[{i}].{field}"),
                        "assertion-failed",
                        format!(
                            "the shop decides the `{field}` of a catalogue line: it is `{there}` there, not `{wanted}`"
                        ),
                        "take the line out of the manifest, write what the shop has, or make it a line of its own without `variant_id`",
                    );
                }
            }
        }
    }
}

fn filled(a: Amount) -> Value {
    if a.is_zero() { Value::Empty } else { Value::Number(a) }
}

/// Tags as one text: sorted, each once.
pub fn tag_text<T: AsRef<str>>(tags: &[T]) -> String {
    let mut tags: Vec<&str> = tags.iter().map(|t| t.as_ref().trim()).collect();
    tags.sort_unstable();
    tags.dedup();
    tags.join(", ")
}

/// Pairs as a value that does not depend on their order. A key that is there twice cannot be a
/// map, and so never equals what is wanted.
pub fn pairs_value(pairs: &[(String, String)]) -> Value {
    if pairs.is_empty() {
        return Value::Empty;
    }
    let map: std::collections::BTreeMap<String, Plain> =
        pairs.iter().map(|(k, v)| (k.clone(), Plain::Text(v.clone()))).collect();
    if map.len() == pairs.len() {
        return Value::Plain(Plain::Map(map));
    }
    let pair = |(k, v): &(String, String)| {
        Plain::List(vec![Plain::Text(k.clone()), Plain::Text(v.clone())])
    };
    Value::Plain(Plain::List(pairs.iter().map(pair).collect()))
}

/// A native value by the type of its field.
fn native_value(name: &str, plain: &Plain) -> Value {
    let text = plain.scalar().unwrap_or_default();
    match (mapping::native(Place::Line, name).map(|n| n.shape), plain) {
        (Some(Shape::Bool), Plain::Bool(b)) => Value::Bool(*b),
        (Some(Shape::Int | Shape::Number), _) => {
            Amount::parse(&text).map_or_else(|_| Value::text(text), Value::Number)
        }
        _ => Value::text(text),
    }
}

/// A custom field's value: scalars as text, a list of options joined, an address as it is.
pub fn field_value(plain: &Plain) -> Value {
    match plain {
        Plain::Null => Value::Empty,
        Plain::Map(_) => Value::Plain(plain.clone()),
        Plain::List(options) => {
            let options: Vec<String> = options.iter().filter_map(Plain::scalar).collect();
            Value::text(options.join(", "))
        }
        scalar => Value::text(scalar.scalar().unwrap_or_default()),
    }
}
