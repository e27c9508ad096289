//! A quote as the flat list of everything that its manifest sets, for the loss report.
//!
//! Purpose: the report has one row for each of these. Each leaf knows its path as people write it
//! (elements by key) and the row of a provider's table that answers for it.

use std::borrow::Cow;

use crate::desired::{
    Adjustment, Channel, Item, LineDiscount, Measure, Per, Period, Person, Quote, Reference, Unit,
    Wish,
};
use crate::facts::Plain;

/// One thing that a manifest sets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leaf {
    /// Its path (`items[audit].price`).
    pub path: String,
    /// The path of the table's row (`items[].price`), or the provider of a native field.
    pub sort: Sort,
    /// What it says.
    pub text: String,
}

/// Which table answers for a leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sort {
    /// A neutral field.
    Neutral(&'static str),
    /// A native field: its provider and its name.
    Native(String, String),
}

/// All leaves of a quote, in the order of a manifest.
pub fn leaves(quote: &Quote) -> Vec<Leaf> {
    let mut out = Leaves(Vec::with_capacity(32));
    out.text("title", "title", &quote.title);
    if let Wish::Set(day) = &quote.expires {
        out.put("expires", "expires", day.to_string());
    }
    if let Some(currency) = quote.currency {
        out.put("currency", "currency", currency.code());
    }
    if let Some(state) = quote.state {
        out.put("state", "state", state.word());
    }
    if let Some(customer) = &quote.customer {
        out.person(customer);
    }
    for (i, person) in quote.contacts.set().into_iter().flatten().enumerate() {
        let text = person_text(person);
        out.put(format!("contacts[{i}]"), "contacts", text.clone());
        // What a target does with a customer's name or phone it does with a contact's.
        for (field, table, wish) in [
            ("email", "customer.email", &person.email),
            ("first_name", "customer.first_name", &person.first_name),
            ("last_name", "customer.last_name", &person.last_name),
            ("name", "customer.name", &person.name),
            ("company", "customer.company", &person.company),
            ("phone", "customer.phone", &person.phone),
        ] {
            if wish.set().is_some_and(|said| *said != text) {
                out.text(format!("contacts[{i}].{field}"), table, wish);
            }
        }
    }
    for (path, wish) in [
        ("owner", &quote.owner),
        ("company", &quote.company),
        ("deal", &quote.deal),
        ("template", &quote.template),
    ] {
        if let Wish::Set(reference) = wish {
            out.put(path, path, reference_text(reference));
        }
    }
    for item in quote.items.set().into_iter().flatten() {
        out.item(item);
    }
    for (list, wish) in
        [("discounts", &quote.discounts), ("fees", &quote.fees), ("taxes", &quote.taxes)]
    {
        for a in wish.set().into_iter().flatten() {
            out.put(format!("{list}[{}]", a.key), list, adjustment_text(a));
        }
    }
    if let Wish::Set(shipping) = &quote.shipping {
        out.put("shipping", "shipping", format!("{} {}", shipping.price, shipping.name));
    }
    out.text("notes.public", "notes.public", &quote.notes.public);
    out.text("notes.internal", "notes.internal", &quote.notes.internal);
    out.text("notes.customer", "notes.customer", &quote.notes.customer);
    out.text("notes.terms", "notes.terms", &quote.notes.terms);
    if let Wish::Set(tags) = &quote.tags
        && !tags.is_empty()
    {
        out.put("tags", "tags", tags.join(", "));
    }
    for (name, wish) in &quote.fields {
        if let Wish::Set(plain) = wish {
            out.put(format!("fields.{name}"), "fields", plain_text(plain));
        }
    }
    out.delivery(quote);
    for (i, a) in quote.alternatives.set().into_iter().flatten().enumerate() {
        let what = a.bundle_id.map_or_else(|| a.skus.join(", "), |id| format!("bundle {id}"));
        out.put(format!("alternatives[{i}]"), "alternatives", what);
        if let Some(title) = &a.title {
            out.put(format!("alternatives[{i}].title"), "alternatives", title.clone());
        }
    }
    out.native("", &quote.native);
    out.0
}

struct Leaves(Vec<Leaf>);

impl Leaves {
    fn put(&mut self, path: impl Into<String>, table: &'static str, text: impl Into<String>) {
        let leaf = Leaf { path: path.into(), sort: Sort::Neutral(table), text: text.into() };
        self.0.push(leaf);
    }

    fn text(&mut self, path: impl Into<String>, table: &'static str, wish: &Wish<String>) {
        if let Wish::Set(text) = wish {
            self.put(path, table, text.clone());
        }
    }

    fn person(&mut self, person: &Person) {
        for (path, wish) in [
            ("customer.email", &person.email),
            ("customer.first_name", &person.first_name),
            ("customer.last_name", &person.last_name),
            ("customer.name", &person.name),
            ("customer.company", &person.company),
            ("customer.phone", &person.phone),
            ("customer.id", &person.id),
        ] {
            self.text(path, path, wish);
        }
    }

    fn item(&mut self, item: &Item) {
        let at = |field: &str| format!("items[{}].{field}", item.key);
        if let Some(product) = &item.product {
            self.put(at("product"), "items[].product", product.clone());
        }
        self.text(at("name"), "items[].name", &item.name);
        self.text(at("description"), "items[].description", &item.description);
        self.text(at("sku"), "items[].sku", &item.sku);
        self.put(at("quantity"), "items[].quantity", item.quantity.to_string());
        if let Wish::Set(price) = &item.price {
            self.put(at("price"), "items[].price", price.to_string());
        }
        if let Wish::Set(discount) = &item.discount {
            let table = match discount.measure {
                Measure::Percent(_) => "items[].discount.percent",
                Measure::Amount(_) => "items[].discount.amount",
            };
            self.put(at("discount"), table, discount_text(discount));
            if let Some(label) = &discount.label {
                self.put(at("discount.label"), "items[].discount.label", label.clone());
            }
        }
        if let Wish::Set(taxable) = &item.taxable {
            self.put(at("taxable"), "items[].taxable", taxable.to_string());
        }
        if let Wish::Set(recurring) = &item.recurring {
            self.put(
                at("recurring.every"),
                "items[].recurring.every",
                period_text(recurring.every),
            );
            if let Some(term) = recurring.term {
                self.put(at("recurring.for"), "items[].recurring.for", period_text(term));
            }
        }
        for (name, value) in item.properties.set().into_iter().flatten() {
            self.put(at(&format!("properties.{name}")), "items[].properties", value.clone());
        }
        self.native(&format!("items[{}].", item.key), &item.native);
    }

    fn delivery(&mut self, quote: &Quote) {
        let delivery = &quote.delivery;
        if let Some(channel) = delivery.channel {
            let word = match channel {
                Channel::None => "none",
                Channel::Email => "email",
                Channel::Sms => "sms",
                Channel::Dual => "dual",
                Channel::Auto => "auto",
            };
            self.put("delivery.channel", "delivery.channel", word);
        }
        self.text("delivery.message", "delivery.message", &delivery.message);
        for (path, flag) in [
            ("delivery.include_pdf", delivery.include_pdf),
            ("delivery.include_link", delivery.include_link),
            ("delivery.copy_owner", delivery.copy_owner),
        ] {
            if let Some(flag) = flag {
                self.put(path, path, flag.to_string());
            }
        }
    }

    fn native(
        &mut self,
        part: &str,
        native: &std::collections::BTreeMap<String, crate::desired::NativeBlock>,
    ) {
        for (provider, block) in native {
            for (name, wish) in block {
                if let Wish::Set(plain) = wish {
                    self.0.push(Leaf {
                        path: format!("{part}{provider}.{name}"),
                        sort: Sort::Native(provider.clone(), name.clone()),
                        text: plain_text(plain),
                    });
                }
            }
        }
    }
}

/// How a person is called.
pub fn person_text(person: &Person) -> String {
    let id = person.id.set().map(|id| format!("id {id}"));
    person.email.set().cloned().or_else(|| person.display_name()).or(id).unwrap_or_default()
}

/// How a reference is called.
pub fn reference_text(reference: &Reference) -> String {
    match reference {
        Reference::Named(name) => name.clone(),
        Reference::Id { id, name, email } => {
            let label = name.as_ref().or(email.as_ref());
            label.map_or_else(|| format!("id {id}"), |label| format!("{label} (id {id})"))
        }
    }
}

/// `10%`, `150.00 off each unit`.
pub fn discount_text(discount: &LineDiscount) -> String {
    match (discount.measure, discount.per) {
        (Measure::Percent(p), _) => format!("{}%", p.canonical()),
        (Measure::Amount(a), Per::Line) => format!("{a} off the line"),
        (Measure::Amount(a), Per::Unit) => format!("{a} off each unit"),
    }
}

/// `5% Loyalty`.
pub fn adjustment_text(a: &Adjustment) -> String {
    match a.measure {
        Measure::Percent(p) => format!("{}% {}", p.canonical(), a.label),
        Measure::Amount(n) => format!("{n} {}", a.label),
    }
}

/// `month`, `3 years`.
pub fn period_text(period: Period) -> String {
    let unit = match period.unit {
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    };
    match period.count {
        1 => unit.to_owned(),
        n => format!("{n} {unit}s"),
    }
}

/// A native value; a text is itself.
pub fn plain_text(plain: &Plain) -> String {
    let text: Cow<'_, str> = match plain {
        Plain::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    };
    text.into_owned()
}
