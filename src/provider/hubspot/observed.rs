//! From HubSpot's records to the facts that hold.
//!
//! Purpose: the mirror of [`super::wanted`]: the same paths, the same normal form, so that equal
//! means equal. Parts are matched to manifest keys by stamp, then by recorded id, then (where
//! parts carry no stamp) by content; what matches nothing becomes `items[#<id>]`, so that the diff
//! removes it.
//!
//! Invariant: the order of a list is a rank, not HubSpot's number: other people's gaps and ties
//! are no differences.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping;
use super::operation::Object;
use super::portal::Portal;
use super::wire::Record;
use super::{Settings, StampPlace, status, value};
use crate::facts::{Facts, Path, Value};
use crate::key::{RemoteId, Stamp};
use crate::money::{Amount, Currency, Money};
use crate::provider::capability::{Kind, Mode};
use crate::provider::survey::{Ask, Observed};

/// The native properties that one question is about, besides those that are always read.
#[derive(Clone, Debug, Default)]
pub struct Natives {
    /// Of the quote, in the native block.
    pub quote: BTreeSet<String>,
    /// Of the quote, under `fields:`.
    pub fields: BTreeSet<String>,
    /// Of its items.
    pub item: BTreeSet<String>,
}

impl Natives {
    /// What a question is about: manifest and lockfile entry; everything writable where there is
    /// no manifest.
    pub fn of(settings: &Settings, ask: &Ask<'_>, portal: &Portal) -> Self {
        let mut out = Self::default();
        if let Some(quote) = ask.desired {
            out.quote
                .extend(quote.native.get("hubspot").into_iter().flatten().map(|(n, _)| n.clone()));
            let names = quote.fields.keys().filter_map(|f| portal.name_of(Object::Quote, f).ok());
            out.fields.extend(names);
            for item in quote.items.set().into_iter().flatten() {
                out.item.extend(
                    item.native.get("hubspot").into_iter().flatten().map(|(n, _)| n.clone()),
                );
            }
        } else {
            for native in mapping::NATIVE {
                if native.mode == Mode::Writable && native.word.is_none() {
                    if native.objects.contains(&Object::Quote) {
                        out.quote.insert(native.name.to_owned());
                    }
                    if native.objects.contains(&Object::LineItem) {
                        out.item.insert(native.name.to_owned());
                    }
                }
            }
            let stamp = settings.stamp.property();
            out.fields.extend(portal.own(Object::Quote, stamp).cloned());
            out.item.extend(portal.own(Object::LineItem, stamp).cloned());
        }
        for path in ask.entry.into_iter().flat_map(|e| e.fields.keys()) {
            if let Some(name) = path.as_str().strip_prefix("hubspot.") {
                out.quote.insert(name.to_owned());
            } else if let Some(name) = path.as_str().strip_prefix("fields[") {
                out.fields.extend(name.strip_suffix(']').map(ToOwned::to_owned));
            } else if path.list() == Some("items")
                && let Some(name) = path.field().strip_prefix("hubspot.")
            {
                out.item.insert(name.to_owned());
            }
        }
        out
    }
}

/// All records of one quote.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    /// The quote.
    pub quote: &'a Record,
    /// Its parts.
    pub parts: BTreeMap<Object, Vec<&'a Record>>,
    /// The other ends of its links.
    pub links: BTreeMap<Object, Vec<String>>,
}

/// One quote as HubSpot has it.
pub fn observe(
    settings: &Settings,
    portal: &Portal,
    ask: &Ask<'_>,
    records: &Records<'_>,
    revision: u32,
    labels: &BTreeMap<String, String>,
) -> Option<Observed> {
    let quote = records.quote;
    let id = RemoteId::parse(&quote.id.0)?;
    let raw = quote.get("hs_status").unwrap_or_default();
    let state = status::state_of(raw);
    let natives = Natives::of(settings, ask, portal);
    let mut facts = Facts::new();
    head(&mut facts, portal, quote, &natives);
    let label = |id: &str| labels.get(id).cloned().unwrap_or_default();
    if let Some(owner) = quote.get("hs_quote_owner_id") {
        facts.insert(Path::new("owner"), reference(owner, label(owner)));
    }
    for (object, ends) in &records.links {
        for end in ends {
            let path = match object {
                Object::Deal => "deal".to_owned(),
                Object::Company => "company".to_owned(),
                Object::Template => "template".to_owned(),
                Object::Contact => format!("contacts[{end}]"),
                _ => continue,
            };
            facts.entry(Path::new(path)).or_insert_with(|| reference(end, label(end)));
        }
    }
    let mut parts = BTreeMap::new();
    for (object, all) in &records.parts {
        let Some(list) = object.list() else { continue };
        let keyed = keyed(settings, ask, *object, list, revision, all);
        for (rank, (key, record)) in ranked(*object, keyed).into_iter().enumerate() {
            let part = format!("{list}[{key}]");
            part_facts(&mut facts, portal, *object, &part, record, rank, &natives);
            // A line without a currency of its own is in the quote's.
            if *object == Object::LineItem
                && let Some(code) = quote.get("hs_currency")
            {
                let own = Path::new(format!("{part}.currency"));
                facts.entry(own).or_insert_with(|| value::read(&Kind::Text, Some(code)));
            }
            if let Some(id) = RemoteId::parse(&record.id.0) {
                parts.insert(part, id);
            }
        }
    }
    let currency = quote.get("hs_currency").and_then(Currency::parse);
    // The contract's value counts each period of a line; our totals are of one.
    let other_basis = quote
        .get("hs_quote_total_preference")
        .is_some_and(|p| p.eq_ignore_ascii_case("TOTAL_CONTRACT_VALUE"));
    let amount = quote.get("hs_quote_amount").filter(|_| !other_basis);
    let amount = amount.and_then(|a| Amount::parse(a).ok());
    let links = [("quote", "hs_quote_link"), ("pdf", "hs_pdf_download_link")];
    Some(Observed {
        id,
        stamp: stamp_of(settings, quote),
        revision,
        locked: quote.get("hs_locked") == Some("true") || status::is_locked(&state),
        created: quote.get("hs_createdate").map(str::to_owned),
        state,
        raw_state: raw.to_owned(),
        facts,
        parts,
        links: links
            .into_iter()
            .filter_map(|(name, property)| Some((name.to_owned(), quote.get(property)?.to_owned())))
            .collect(),
        total: currency.zip(amount).map(|(currency, amount)| Money { currency, amount }),
        whole: Object::PARTS.into_iter().all(|object| records.parts.contains_key(&object)),
        superseded: None,
    })
}

/// The stamp that a quote carries.
pub fn stamp_of(settings: &Settings, quote: &Record) -> Option<Stamp> {
    quote.get(settings.stamp.property()).and_then(Stamp::parse)
}

fn reference(id: &str, label: String) -> Value {
    Value::Ref { id: id.to_owned(), label }
}

fn keep(facts: &mut Facts, path: impl AsRef<str>, value: Value) {
    if !value.is_empty() {
        facts.insert(Path::new(path), value);
    }
}

fn head(facts: &mut Facts, portal: &Portal, quote: &Record, natives: &Natives) {
    keep(facts, "title", value::read(&Kind::Text, quote.get("hs_title")));
    keep(facts, "expires", value::read(&Kind::Date, quote.get("hs_expiration_date")));
    keep(facts, "currency", value::read(&Kind::Text, quote.get("hs_currency")));
    for (path, property) in [("notes.public", "hs_comments"), ("notes.terms", "hs_terms")] {
        keep(facts, path, value::from_html(quote.get(property).unwrap_or_default()));
    }
    let read = |name: &String| value::read(&portal.kind(Object::Quote, name), quote.get(name));
    for name in &natives.quote {
        keep(facts, format!("hubspot.{name}"), read(name));
    }
    for name in natives.fields.iter().filter(|name| !is_stamped(quote, name)) {
        keep(facts, format!("fields[{name}]"), read(name));
    }
}

fn part_facts(
    facts: &mut Facts,
    portal: &Portal,
    object: Object,
    part: &str,
    record: &Record,
    rank: usize,
    natives: &Natives,
) {
    let mut put = |field: &str, value: Value| keep(facts, format!("{part}.{field}"), value);
    put("position", super::wanted::position(rank));
    let number = |name: &str| value::read(&Kind::Number, record.get(name));
    if object != Object::LineItem {
        put("label", value::read(&Kind::Text, record.get("hs_label")));
        let field = if record.get("hs_type") == Some("PERCENT") { "percent" } else { "amount" };
        put(field, number("hs_value"));
        return;
    }
    for (field, property) in [("name", "name"), ("description", "description"), ("sku", "hs_sku")] {
        put(field, value::read(&Kind::Text, record.get(property)));
    }
    put("currency", value::read(&Kind::Text, record.get("hs_line_item_currency_code")));
    put("quantity", number("quantity"));
    put("price", number("price"));
    for (field, property) in
        [("discount.percent", "hs_discount_percentage"), ("discount.amount", "discount")]
    {
        // No discount and a discount of nothing are the same line.
        let value = number(property);
        if value.number().is_none_or(|n| !n.is_zero()) {
            put(field, value);
        }
    }
    if let Some(frequency) = record.get("recurringbillingfrequency") {
        put("recurring.every", value::cycle_of(frequency));
    }
    if let Some(term) = record.get("hs_recurring_billing_period") {
        put("recurring.for", value::read_term(term));
    }
    let always = "hs_tax_rate_group_id".to_owned();
    let natives = natives.item.iter().filter(|name| !is_stamped(record, name));
    for name in natives.chain(std::iter::once(&always)) {
        let kind = portal.kind(Object::LineItem, name);
        put(&format!("hubspot.{name}"), value::read(&kind, record.get(name)));
    }
}

/// Whether a property holds a stamp: another workspace may have one of its own.
fn is_stamped(record: &Record, name: &str) -> bool {
    record.get(name).and_then(Stamp::parse).is_some()
}

/// Each part with the key of the manifest that it stands for, or `#<id>`.
fn keyed<'r>(
    settings: &Settings,
    ask: &Ask<'_>,
    object: Object,
    list: &str,
    revision: u32,
    all: &[&'r Record],
) -> Vec<(String, &'r Record)> {
    let wanted = wanted_keys(ask, object);
    let recorded: BTreeMap<&str, &str> = ask
        .entry
        .into_iter()
        .flat_map(|e| &e.parts)
        .filter_map(|(part, id)| {
            let key = part.strip_prefix(list)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((key, id.as_str()))
        })
        .collect();
    let mut taken: BTreeMap<String, &'r Record> = BTreeMap::new();
    let mut rest: Vec<&'r Record> = all.to_vec();
    rest.sort_by(|a, b| a.age().cmp(&b.age()));
    if let StampPlace::Property(property) = &settings.stamp {
        let keys: BTreeSet<&str> =
            wanted.keys().map(String::as_str).chain(recorded.keys().copied()).collect();
        let mut by_stamp: BTreeMap<String, &str> = BTreeMap::new();
        for name in std::iter::once(ask.quote).chain(ask.recorded_as) {
            for key in &keys {
                let stamp = Stamp::new(ask.workspace, name, revision, &format!("{list}[{key}]"));
                by_stamp.insert(stamp.as_str().to_owned(), key);
            }
        }
        let key_of = |r: &Record| r.get(property).and_then(|s| by_stamp.get(s)).copied();
        // Of several with one stamp, the recorded one, else the oldest.
        for key in &keys {
            let mut mine = rest.iter().filter(|r| key_of(r) == Some(key));
            let known = recorded.get(key);
            let pick =
                mine.clone().find(|r| Some(&r.id.0.as_str()) == known).or_else(|| mine.next());
            if let Some(record) = pick.copied() {
                taken.insert((*key).to_owned(), record);
            }
        }
        rest.retain(|r| !taken.values().any(|t| t.id == r.id));
    }
    // A recorded id is believed where the record carries no stamp of ours that says otherwise.
    let unstamped = |r: &Record| match &settings.stamp {
        StampPlace::Property(p) => r.get(p).and_then(Stamp::parse).is_none(),
        StampPlace::Slug => true,
    };
    for (key, id) in &recorded {
        if !taken.contains_key(*key)
            && let Some(at) = rest.iter().position(|r| r.id.0 == *id && unstamped(r))
        {
            taken.insert((*key).to_owned(), rest.remove(at));
        }
    }
    if settings.stamp == StampPlace::Slug {
        for (key, content) in &wanted {
            let alike = |r: &Record| {
                content.iter().all(|(name, text)| r.get(name).unwrap_or_default() == text)
            };
            if !taken.contains_key(key)
                && let Some(at) = rest.iter().position(|r| alike(r))
            {
                taken.insert(key.clone(), rest.remove(at));
            }
        }
    }
    let strays = rest.into_iter().map(|r| (format!("#{}", r.id.0), r));
    taken.into_iter().chain(strays).collect()
}

/// The keys that a manifest gives to a list, with what tells its parts apart by content.
fn wanted_keys(ask: &Ask<'_>, object: Object) -> BTreeMap<String, Vec<(&'static str, String)>> {
    let Some(quote) = ask.desired else { return BTreeMap::new() };
    let adjustments = match object {
        Object::Discount => &quote.discounts,
        Object::Fee => &quote.fees,
        Object::Tax => &quote.taxes,
        _ => {
            let items = quote.items.set().into_iter().flatten();
            return items
                .map(|item| {
                    let text =
                        |w: &crate::desired::Wish<String>| w.set().cloned().unwrap_or_default();
                    let content = vec![("name", text(&item.name)), ("hs_sku", text(&item.sku))];
                    (item.key.clone(), content)
                })
                .collect();
        }
    };
    let all = adjustments.set().into_iter().flatten();
    all.map(|a| (a.key.clone(), vec![("hs_label", a.label.clone())])).collect()
}

/// Parts in the order in which the customer reads them.
fn ranked(object: Object, mut parts: Vec<(String, &Record)>) -> Vec<(String, &Record)> {
    let (position, created) = match object {
        Object::LineItem => ("hs_position_on_quote", "createdate"),
        _ => ("hs_sort_order", "hs_createdate"),
    };
    parts.sort_by(|(_, a), (_, b)| {
        let place = |r: &Record| r.get(position).and_then(|p| Amount::parse(p).ok());
        // Without a position comes last.
        (place(a).is_none(), place(a), a.get(created), a.age()).cmp(&(
            place(b).is_none(),
            place(b),
            b.get(created),
            b.age(),
        ))
    });
    parts
}
