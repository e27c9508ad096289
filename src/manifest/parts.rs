//! The smaller parts of a quote: people, references, adjustments, notes, delivery, and so on.
//!
//! Invariants: each reader takes the field or the merged map, reports everything that is wrong in
//! it, and gives nothing it is not sure of.

use std::collections::BTreeSet;

use super::read::{Field, Map, Sink, fixed, nearest, shown, wish};
use super::slug::unique_slugs;
use crate::desired::{
    Adjustment, Alternative, Channel, Delivery, Lifecycle, LineDiscount, Measure, NativeBlock,
    Notes, Per, Person, Recurring, Reference, Shipping, WhenImmutable, WhenLocked, Wish,
};
use crate::key::RemoteId;
use crate::money::Currency;
use crate::yaml::Problem;

/// `customer:`, or one of `contacts:`.
pub(super) fn read_person(field: Field<'_>, sink: &mut Sink) -> Option<Person> {
    let map = field.map(sink)?;
    let text = |key: &'static str, sink: &mut Sink| wish(map.get(key), sink, |f, s| f.text(s));
    let person = Person {
        email: wish(map.get("email"), sink, |f, s| f.email(s)),
        first_name: text("first_name", sink),
        last_name: text("last_name", sink),
        name: text("name", sink),
        company: text("company", sink),
        phone: text("phone", sink),
        id: wish(map.get("id"), sink, read_id),
    };
    map.finish(&format!("`{}`", field.name), sink);
    Some(person)
}

/// A customer of whom everything is cleared (`customer: null`).
pub(super) fn cleared_person() -> Person {
    Person {
        email: Wish::Clear,
        first_name: Wish::Clear,
        last_name: Wish::Clear,
        name: Wish::Clear,
        company: Wish::Clear,
        phone: Wish::Clear,
        id: Wish::Clear,
    }
}

/// `contacts:`.
pub(super) fn read_contacts(field: Field<'_>, sink: &mut Sink) -> Option<Vec<Person>> {
    let list = field.list(sink)?;
    let mut contacts: Vec<Person> = Vec::with_capacity(list.len());
    for node in list {
        let element = field.element(node);
        let Some(person) = read_person(element, sink) else { continue };
        if person.email.set().is_none() && person.id.set().is_none() && person.phone.set().is_none()
        {
            let problem =
                element.problem("missing-key", "a contact needs `email`, `id` or `phone`");
            sink.push(problem);
        }
        let twice = |other: &Person| {
            let same = |a: &Wish<String>, b: &Wish<String>| a.set().is_some() && a == b;
            same(&other.email, &person.email) || same(&other.id, &person.id)
        };
        if contacts.iter().any(twice) {
            sink.error("duplicate-contact", element.span(), "this contact is listed twice");
        }
        contacts.push(person);
    }
    Some(contacts)
}

fn read_id(field: Field<'_>, sink: &mut Sink) -> Option<String> {
    let text = field.text(sink)?;
    if RemoteId::parse(&text).is_none() {
        let message = format!("`{}` is not an id", field.name);
        sink.push(field.problem("bad-id", message).help("an id is printable ASCII without spaces"));
        return None;
    }
    Some(text)
}

/// `deal:`, `template:`, `company:` (and with `email`, `owner:`): a text, or a map.
pub(super) fn read_reference(field: Field<'_>, email: bool, sink: &mut Sink) -> Option<Reference> {
    if field.raw().is_some() {
        return field.text(sink).map(Reference::Named);
    }
    let map = field.map(sink)?;
    let before = sink.count();
    let id = fixed(map.get("id"), sink, read_id);
    let name = fixed(map.get("name"), sink, |f, s| f.text(s));
    let email = if email { fixed(map.get("email"), sink, |f, s| f.email(s)) } else { None };
    map.finish(&format!("`{}`", field.name), sink);
    match (id, name, email) {
        (Some(id), name, email) => Some(Reference::Id { id, name, email }),
        (None, Some(name), None) => Some(Reference::Named(name)),
        (None, None, Some(email)) => Some(Reference::Named(email)),
        // Told already.
        _ if sink.count() > before => None,
        (None, Some(_), Some(_)) => {
            let message = format!("`{}` needs `id` beside `name` and `email`", field.name);
            sink.push(
                field.problem("missing-key", message).help("or name it by one of them alone"),
            );
            None
        }
        (None, None, None) => {
            let message = format!("`{}` needs `id` or `name`", field.name);
            sink.error("missing-key", field.span(), message);
            None
        }
    }
}

/// `percent:` or `amount:` of a map, exactly one.
fn read_measure(
    map: &Map<'_>,
    what: &str,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<Measure> {
    match (map.get("percent"), map.get("amount")) {
        (Some(f), None) => f.percent(sink).map(Measure::Percent),
        (None, Some(f)) => f.money(currency, sink).map(Measure::Amount),
        (Some(_), Some(f)) => {
            let message = format!("{what} has both `percent` and `amount`");
            sink.push(
                Problem::new("conflicting-keys", f.key_span, message).help("keep one of them"),
            );
            None
        }
        (None, None) => {
            sink.error("missing-key", map.span, format!("{what} needs `percent` or `amount`"));
            None
        }
    }
}

/// `discount:` of an item.
pub(super) fn read_discount(
    field: Field<'_>,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<LineDiscount> {
    if let Some(raw) = field.raw() {
        let measure = if raw.ends_with('%') {
            Measure::Percent(field.percent(sink)?)
        } else {
            Measure::Amount(field.money(currency, sink)?)
        };
        return Some(LineDiscount { measure, per: Per::Line, label: None });
    }
    let map = field.map(sink)?;
    let measure = read_measure(&map, "`discount`", currency, sink);
    let words = [("line", Per::Line), ("unit", Per::Unit)];
    let per = fixed(map.get("per"), sink, |f, s| f.word(&words, s)).unwrap_or_default();
    let label = fixed(map.get("label"), sink, |f, s| f.text(s));
    map.finish("`discount`", sink);
    Some(LineDiscount { measure: measure?, per, label })
}

/// `recurring:`.
pub(super) fn read_recurring(field: Field<'_>, sink: &mut Sink) -> Option<Recurring> {
    if field.raw().is_some() {
        let problem = field.problem("wrong-type", "`recurring` must be a map, not a single value");
        sink.push(problem.help("such as `{ every: month, for: 1 year }`"));
        return None;
    }
    let map = field.map(sink)?;
    let every = map.need("every", "`recurring`", sink).and_then(|f| f.period(sink));
    let term = fixed(map.get("for"), sink, |f, s| f.period(s));
    map.finish("`recurring`", sink);
    Some(Recurring { every: every?, term })
}

/// `properties:` of an item, in the order written.
pub(super) fn read_properties(field: Field<'_>, sink: &mut Sink) -> Option<Vec<(String, String)>> {
    let map = field.map(sink)?;
    Some(map.all().iter().filter_map(|f| Some((f.name.to_owned(), f.text(sink)?))).collect())
}

/// `discounts:`, `fees:` or `taxes:`.
pub(super) fn read_adjustments(
    field: Field<'_>,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<Vec<Adjustment>> {
    let list = field.list(sink)?;
    let what = format!("an element of `{}`", field.name);
    let mut found = Vec::with_capacity(list.len());
    for node in list {
        let Some(map) = field.element(node).map(sink) else { continue };
        let label = map.need("label", &what, sink);
        let label = fixed(label, sink, |f, s| f.text(s));
        let measure = read_measure(&map, &what, currency, sink);
        map.finish(&what, sink);
        if let (Some(label), Some(measure)) = (label, measure) {
            found.push((label, measure));
        }
    }
    let keys = unique_slugs(found.iter().map(|(label, _)| label.as_str()));
    Some(
        found
            .into_iter()
            .zip(keys)
            .map(|((label, measure), key)| Adjustment { key, label, measure })
            .collect(),
    )
}

/// `shipping:`.
pub(super) fn read_shipping(
    field: Field<'_>,
    currency: Option<Currency>,
    sink: &mut Sink,
) -> Option<Shipping> {
    let map = field.map(sink)?;
    let name = map.need("name", "`shipping`", sink);
    let name = fixed(name, sink, |f, s| f.text(s));
    let price = map.need("price", "`shipping`", sink);
    let price = fixed(price, sink, |f, s| f.money(currency, s));
    map.finish("`shipping`", sink);
    Some(Shipping { name: name?, price: price? })
}

/// `notes:`, merged with the defaults. `notes: null` clears all of them.
pub(super) fn read_notes(quote: &Map<'_>, sink: &mut Sink) -> Notes {
    if quote.get("notes").is_some_and(|f| f.is_cleared()) {
        return Notes {
            public: Wish::Clear,
            internal: Wish::Clear,
            customer: Wish::Clear,
            terms: Wish::Clear,
        };
    }
    let Some(map) = quote.merged("notes", sink) else { return Notes::default() };
    let text = |key: &'static str, sink: &mut Sink| wish(map.get(key), sink, |f, s| f.text(s));
    let notes = Notes {
        public: text("public", sink),
        internal: text("internal", sink),
        customer: text("customer", sink),
        terms: text("terms", sink),
    };
    map.finish("`notes`", sink);
    notes
}

/// `tags:`.
pub(super) fn read_tags(field: Field<'_>, sink: &mut Sink) -> Option<Vec<String>> {
    let list = field.list(sink)?;
    let mut tags: Vec<String> = Vec::with_capacity(list.len());
    let mut listed = BTreeSet::new();
    for element in list.iter().map(|n| field.element(n)) {
        let Some(tag) = fixed(Some(element), sink, |f, s| f.text(s)) else { continue };
        if listed.insert(tag.clone()) {
            tags.push(tag);
        } else {
            let message = format!("the tag `{}` is listed twice", shown(&tag));
            sink.error("duplicate-tag", element.span(), message);
        }
    }
    Some(tags)
}

/// `delivery:`, merged with the defaults.
pub(super) fn read_delivery(quote: &Map<'_>, sink: &mut Sink) -> Delivery {
    const WORDS: [(&str, Channel); 5] = [
        ("none", Channel::None),
        ("email", Channel::Email),
        ("sms", Channel::Sms),
        ("dual", Channel::Dual),
        ("auto", Channel::Auto),
    ];
    let Some(map) = quote.merged("delivery", sink) else { return Delivery::default() };
    let flag = |key: &'static str, sink: &mut Sink| fixed(map.get(key), sink, |f, s| f.boolean(s));
    let delivery = Delivery {
        channel: fixed(map.get("channel"), sink, |f, s| f.word(&WORDS, s)),
        message: wish(map.get("message"), sink, |f, s| f.text(s)),
        include_pdf: flag("include_pdf", sink),
        include_link: flag("include_link", sink),
        copy_owner: flag("copy_owner", sink),
    };
    map.finish("`delivery`", sink);
    delivery
}

/// `alternatives:`.
pub(super) fn read_alternatives(field: Field<'_>, sink: &mut Sink) -> Option<Vec<Alternative>> {
    const WHAT: &str = "an element of `alternatives`";
    let list = field.list(sink)?;
    let mut found = Vec::with_capacity(list.len());
    for element in list.iter().map(|n| field.element(n)) {
        let Some(map) = element.map(sink) else { continue };
        let (bundle, skus) = (map.get("bundle_id"), map.get("skus"));
        if bundle.is_some() == skus.is_some() {
            let message = format!("{WHAT} needs exactly one of `bundle_id` and `skus`");
            sink.error("missing-key", element.span(), message);
        }
        let bundle_id = fixed(bundle, sink, |f, s| f.whole(1, i64::MAX, s));
        let skus = fixed(skus, sink, |f, s| {
            let list = f.list(s)?;
            Some(
                list.iter()
                    .filter_map(|n| fixed(Some(f.element(n)), s, |f, s| f.text(s)))
                    .collect::<Vec<_>>(),
            )
        });
        let title = fixed(map.get("title"), sink, |f, s| f.text(s));
        let sort_order = fixed(map.get("sort_order"), sink, |f, s| f.whole(0, i64::MAX, s));
        map.finish(WHAT, sink);
        found.push(Alternative { bundle_id, skus: skus.unwrap_or_default(), title, sort_order });
    }
    Some(found)
}

/// `lifecycle:`, merged with the defaults. `known` are the keys of a quote that can be ignored.
pub(super) fn read_lifecycle(
    quote: &Map<'_>,
    known: &[&'static str],
    sink: &mut Sink,
) -> Lifecycle {
    const LOCKED: [(&str, WhenLocked); 3] = [
        ("fail", WhenLocked::Fail),
        ("unlock", WhenLocked::Unlock),
        ("revise", WhenLocked::Revise),
    ];
    const IMMUTABLE: [(&str, WhenImmutable); 2] =
        [("fail", WhenImmutable::Fail), ("replace", WhenImmutable::Replace)];
    let Some(map) = quote.merged("lifecycle", sink) else { return Lifecycle::default() };
    let lifecycle = Lifecycle {
        protect: fixed(map.get("protect"), sink, |f, s| f.boolean(s)).unwrap_or_default(),
        ignore: fixed(map.get("ignore"), sink, |f, s| read_ignore(f, known, s)).unwrap_or_default(),
        when_locked: fixed(map.get("when_locked"), sink, |f, s| f.word(&LOCKED, s))
            .unwrap_or_default(),
        when_immutable: fixed(map.get("when_immutable"), sink, |f, s| f.word(&IMMUTABLE, s))
            .unwrap_or_default(),
    };
    map.finish("`lifecycle`", sink);
    lifecycle
}

fn read_ignore(field: Field<'_>, known: &[&'static str], sink: &mut Sink) -> Option<Vec<String>> {
    let list = field.list(sink)?;
    let mut paths = Vec::with_capacity(list.len());
    for element in list.iter().map(|n| field.element(n)) {
        let Some(path) = fixed(Some(element), sink, |f, s| f.text(s)) else { continue };
        let head = path.split(['.', '[']).next().unwrap_or_default();
        if known.contains(&head) {
            paths.push(path);
            continue;
        }
        let problem =
            element.problem("unknown-key", format!("a quote has no field `{}`", shown(head)));
        sink.push(match nearest(head, known.iter().copied()) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        });
    }
    Some(paths)
}

/// A native block, or `fields:`: free keys, values of any shape.
pub(super) fn read_native(map: &Map<'_>, sink: &mut Sink) -> NativeBlock {
    let entries = map.all();
    entries
        .into_iter()
        .map(|f| (f.name.to_owned(), wish(Some(f), sink, super::scalar::plain)))
        .collect()
}
