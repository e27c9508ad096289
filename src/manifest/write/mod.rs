//! Manifests as text: a desired quote, or a product, as one canonical YAML document.
//!
//! Purpose: what import and migrate write. Pure: no file is touched here.
//!
//! Invariants: the reader of [`crate::manifest`] reads the very same quote back (a property test
//! holds it), and so does a reader of YAML 1.1; keys stand in the order of
//! [`super::order`]; digits stay as they were written; comments are one line each and hold nothing
//! that could drive a terminal or end the comment.

mod layout;
mod scalar;

use std::collections::BTreeMap;

use self::layout::{Style, Tree, document};
use super::catalog::Product;
use super::order::Sort;
use crate::desired::{
    Adjustment, Alternative, Channel, Delivery, Item, Lifecycle, LineDiscount, Measure,
    NativeBlock, Notes, Per, Period, Person, Quote, Recurring, Reference, Unit, WhenImmutable,
    WhenLocked, Wish,
};
use crate::facts::Plain;

/// Comments of a written manifest.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remarks {
    /// Lines at the head of the document.
    pub head: Vec<String>,
    /// Lines above the key at a path, list elements by key (`customer`, `items[audit]`,
    /// `items[audit].price`; contacts and alternatives by their place, `contacts[0]`). Where nothing is
    /// written at the path, they stand above its nearest ancestor, else at the head.
    pub at: BTreeMap<String, Vec<String>>,
}

/// A quote as one YAML document.
pub fn quote_text(quote: &Quote, remarks: &Remarks) -> String {
    document(Sort::Quote, quote_entries(quote), remarks)
}

/// A product as one YAML document.
pub fn product_text(product: &Product, remarks: &Remarks) -> String {
    let mut map = Entries::default();
    map.text("product", &product.product);
    map.wish("name", &product.name, text);
    map.wish("description", &product.description, text);
    map.wish("sku", &product.sku, text);
    map.wish("price", &product.price, word);
    map.option("currency", product.currency, |c| word(&c.code()));
    map.wish("recurring", &product.recurring, recurring);
    map.native(&product.native);
    document(Sort::Product, map.0, remarks)
}

/// The entries of a map while they are gathered; the layout puts them in order.
#[derive(Default)]
struct Entries(Vec<(String, Tree)>);

impl Entries {
    fn put(&mut self, key: &str, value: Tree) {
        self.0.push((key.to_owned(), value));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.put(key, Tree::Text(value.to_owned()));
    }

    fn wish<T>(&mut self, key: &str, wish: &Wish<T>, tree: impl FnOnce(&T) -> Tree) {
        match wish {
            Wish::Unowned => {}
            Wish::Clear => self.put(key, word(&"null")),
            Wish::Set(value) => self.put(key, tree(value)),
        }
    }

    fn option<T>(&mut self, key: &str, value: Option<T>, tree: impl FnOnce(T) -> Tree) {
        if let Some(value) = value {
            self.put(key, tree(value));
        }
    }

    fn native(&mut self, native: &BTreeMap<String, NativeBlock>) {
        for (provider, block) in native {
            self.put(provider, free(block));
        }
    }

    fn short(self) -> Tree {
        Tree::Map(self.0, Style::Short)
    }
}

fn word(value: &impl std::fmt::Display) -> Tree {
    Tree::Word(value.to_string())
}

#[expect(clippy::ptr_arg, reason = "handed to `Entries::wish`, which gives what the wish holds")]
fn text(value: &String) -> Tree {
    Tree::Text(value.clone())
}

fn list<T>(all: &[T], style: Style, tree: impl Fn(&T) -> Tree) -> Tree {
    let numbered = all.iter().enumerate();
    Tree::List(numbered.map(|(i, e)| (i.to_string(), tree(e))).collect(), style)
}

fn quote_entries(quote: &Quote) -> Vec<(String, Tree)> {
    let Quote {
        name,
        connection,
        title,
        expires,
        currency,
        state,
        customer,
        contacts,
        owner,
        company,
        deal,
        template,
        items,
        discounts,
        fees,
        taxes,
        shipping,
        notes,
        tags,
        fields,
        delivery,
        alternatives,
        lifecycle,
        was,
        native,
        origin: _,
        fingerprint: _,
    } = quote;
    let mut map = Entries::default();
    map.text("quote", name.as_str());
    map.text("connection", connection.as_str());
    map.wish("title", title, text);
    map.wish("expires", expires, word);
    map.option("currency", *currency, |c| word(&c.code()));
    map.option("state", *state, |s| word(&s));
    map.option("customer", customer.as_ref(), person);
    map.wish("contacts", contacts, |all| list(all, Style::Short, person));
    map.wish("owner", owner, reference);
    map.wish("company", company, reference);
    map.wish("deal", deal, reference);
    map.wish("template", template, reference);
    map.wish("items", items, |all| {
        Tree::List(all.iter().map(|i| (i.key.clone(), item(i))).collect(), Style::Long)
    });
    map.wish("discounts", discounts, |all| adjustments(all));
    map.wish("fees", fees, |all| adjustments(all));
    map.wish("taxes", taxes, |all| adjustments(all));
    map.wish("shipping", shipping, |s| {
        let mut map = Entries::default();
        map.text("name", &s.name);
        map.put("price", word(&s.price));
        map.short()
    });
    map.option("notes", notes_tree(notes), |t| t);
    map.wish("tags", tags, |all| list(all, Style::Short, text));
    if !fields.is_empty() {
        map.put("fields", free(fields));
    }
    map.option("delivery", delivery_tree(delivery), |t| t);
    map.wish("alternatives", alternatives, |all| list(all, Style::Short, alternative));
    map.option("lifecycle", lifecycle_tree(lifecycle), |t| t);
    map.option("was", was.as_ref(), |w| Tree::Text(w.as_str().to_owned()));
    map.native(native);
    map.0
}

/// A person; one of whom everything is cleared is `null`.
fn person(person: &Person) -> Tree {
    let Person { email, first_name, last_name, name, company, phone, id } = person;
    let fields = [
        ("email", email),
        ("first_name", first_name),
        ("last_name", last_name),
        ("name", name),
        ("company", company),
        ("phone", phone),
        ("id", id),
    ];
    if fields.iter().all(|(_, wish)| **wish == Wish::Clear) {
        return word(&"null");
    }
    let mut map = Entries::default();
    for (key, wish) in fields {
        map.wish(key, wish, text);
    }
    map.short()
}

fn reference(reference: &Reference) -> Tree {
    match reference {
        Reference::Named(name) => Tree::Text(name.clone()),
        Reference::Id { id, name, email } => {
            let mut map = Entries::default();
            map.text("id", id);
            map.option("name", name.as_ref(), text);
            map.option("email", email.as_ref(), text);
            map.short()
        }
    }
}

fn item(item: &Item) -> Tree {
    let Item {
        key,
        product,
        name,
        description,
        sku,
        quantity,
        price,
        discount,
        taxable,
        recurring: cycle,
        properties,
        native,
    } = item;
    let mut map = Entries::default();
    map.text("key", key);
    map.option("product", product.as_ref(), text);
    map.wish("name", name, text);
    map.wish("description", description, text);
    map.wish("sku", sku, text);
    map.put("quantity", word(quantity));
    map.wish("price", price, word);
    map.wish("discount", discount, line_discount);
    map.wish("taxable", taxable, word);
    map.wish("recurring", cycle, recurring);
    map.wish("properties", properties, |all| {
        let pairs = all.iter().map(|(k, v)| (k.clone(), Tree::Text(v.clone())));
        Tree::Map(pairs.collect(), Style::Short)
    });
    map.native(native);
    Tree::Map(map.0, Style::Long)
}

/// `10%`, `150.00`, or a map where there is more to say.
fn line_discount(discount: &LineDiscount) -> Tree {
    let LineDiscount { measure, per, label } = discount;
    if *per == Per::Line && label.is_none() {
        return match measure {
            Measure::Percent(p) => word(&format!("{p}%")),
            Measure::Amount(a) => word(a),
        };
    }
    let mut map = Entries::default();
    put_measure(&mut map, *measure);
    if *per == Per::Unit {
        map.put("per", word(&"unit"));
    }
    map.option("label", label.as_ref(), text);
    map.short()
}

fn put_measure(map: &mut Entries, measure: Measure) {
    match measure {
        Measure::Percent(p) => map.put("percent", word(&p)),
        Measure::Amount(a) => map.put("amount", word(&a)),
    }
}

fn recurring(recurring: &Recurring) -> Tree {
    let mut map = Entries::default();
    map.put("every", period(recurring.every));
    map.option("for", recurring.term, term);
    map.short()
}

/// A term says its count: `1 year`, `18 months`.
fn term(term: Period) -> Tree {
    match (term.unit, term.count) {
        (Unit::Week, 1) => word(&"1 week"),
        (Unit::Month, 1) => word(&"1 month"),
        (Unit::Month, 3) => word(&"3 months"),
        (Unit::Year, 1) => word(&"1 year"),
        _ => period(term),
    }
}

/// The reader takes counts up to 1200, of which a quarter is three months.
fn period(period: Period) -> Tree {
    let Period { count, unit } = period;
    let (count, unit) = match unit {
        Unit::Week => (count, "week"),
        Unit::Year => (count, "year"),
        Unit::Month if count == 3 || (count > 1200 && count % 3 == 0) => (count / 3, "quarter"),
        Unit::Month => (count, "month"),
    };
    if count == 1 { word(&unit) } else { word(&format!("{count} {unit}s")) }
}

fn adjustments(all: &[Adjustment]) -> Tree {
    let tree = |a: &Adjustment| {
        let mut map = Entries::default();
        map.text("label", &a.label);
        put_measure(&mut map, a.measure);
        map.short()
    };
    Tree::List(all.iter().map(|a| (a.key.clone(), tree(a))).collect(), Style::Short)
}

fn notes_tree(notes: &Notes) -> Option<Tree> {
    let Notes { public, internal, customer, terms } = notes;
    let all =
        [("public", public), ("internal", internal), ("customer", customer), ("terms", terms)];
    if all.iter().all(|(_, wish)| **wish == Wish::Clear) {
        return Some(word(&"null"));
    }
    let mut map = Entries::default();
    for (key, wish) in all {
        map.wish(key, wish, text);
    }
    (!map.0.is_empty()).then_some(Tree::Map(map.0, Style::Long))
}

fn delivery_tree(delivery: &Delivery) -> Option<Tree> {
    let Delivery { channel, message, include_pdf, include_link, copy_owner } = delivery;
    let mut map = Entries::default();
    map.option("channel", *channel, |c| {
        word(&match c {
            // A word of its own here, whatever other readers make of it.
            Channel::None => "none",
            Channel::Email => "email",
            Channel::Sms => "sms",
            Channel::Dual => "dual",
            Channel::Auto => "auto",
        })
    });
    map.wish("message", message, text);
    map.option("include_pdf", *include_pdf, |b| word(&b));
    map.option("include_link", *include_link, |b| word(&b));
    map.option("copy_owner", *copy_owner, |b| word(&b));
    (!map.0.is_empty()).then(|| map.short())
}

fn alternative(alternative: &Alternative) -> Tree {
    let Alternative { bundle_id, skus, title, sort_order } = alternative;
    let mut map = Entries::default();
    map.option("bundle_id", *bundle_id, |n| word(&n));
    if bundle_id.is_none() {
        map.put("skus", list(skus, Style::Short, text));
    }
    map.option("title", title.as_ref(), text);
    map.option("sort_order", *sort_order, |n| word(&n));
    map.short()
}

/// What differs from the defaults.
fn lifecycle_tree(lifecycle: &Lifecycle) -> Option<Tree> {
    let Lifecycle { protect, ignore, when_locked, when_immutable } = lifecycle;
    let mut map = Entries::default();
    if *protect {
        map.put("protect", word(&true));
    }
    if !ignore.is_empty() {
        map.put("ignore", list(ignore, Style::Short, text));
    }
    match when_locked {
        WhenLocked::Fail => {}
        WhenLocked::Unlock => map.put("when_locked", word(&"unlock")),
        WhenLocked::Revise => map.put("when_locked", word(&"revise")),
    }
    match when_immutable {
        WhenImmutable::Fail => {}
        WhenImmutable::Replace => map.put("when_immutable", word(&"replace")),
    }
    (!map.0.is_empty()).then(|| map.short())
}

/// A native block, or custom fields.
fn free(block: &NativeBlock) -> Tree {
    let mut map = Entries::default();
    for (key, wish) in block {
        map.wish(key, wish, plain);
    }
    Tree::Map(map.0, Style::Short)
}

fn plain(value: &Plain) -> Tree {
    match value {
        Plain::Null => word(&"null"),
        Plain::Bool(b) => word(b),
        Plain::Number(n) => word(n),
        Plain::Text(t) => text(t),
        Plain::List(all) => list(all, Style::Short, plain),
        Plain::Map(map) => {
            Tree::Map(map.iter().map(|(k, v)| (k.clone(), plain(v))).collect(), Style::Short)
        }
    }
}
