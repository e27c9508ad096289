//! From a record to the facts that hold.
//!
//! The one thing to know: SalesByte tells the customer, the salesperson and the custom fields
//! again, and nothing else. For every other value the truth is what we recorded when we sent it:
//! where the recorded fingerprint (or the digest beside the stamp) is that of the wanted value, the
//! wanted value holds; where it is not, nothing is put there, so that a change of the manifest
//! shows as one.

use std::collections::BTreeMap;

use super::mapping::{self, STAMPED};
use super::wire::Record;
use super::{Settings, status, value, wanted};
use crate::facts::{Facts, Path, Plain, Value};
use crate::key::{Fingerprint, QuoteName, RemoteId, Stamp};
use crate::money::{Amount, Money};
use crate::provider::survey::{Ask, Observed};

/// What stands in the stamp field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// Whose quote it is.
    pub stamp: Stamp,
    /// The digest of what cannot be read back.
    pub unread: Option<Fingerprint>,
}

/// The stamp field of a record: absent, without one of our stamps, or with one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Marking {
    /// The record has no such field.
    NoField,
    /// The field is there and holds no stamp of ours.
    Unmarked,
    /// The field holds a stamp.
    Marked(Mark),
}

/// Reads the stamp field of a record.
pub fn marking(settings: &Settings, fields: &BTreeMap<String, Plain>) -> Marking {
    let Some(stamp) = &settings.stamp else { return Marking::NoField };
    match find(fields, &stamp.name, stamp.label.as_deref()) {
        None => Marking::NoField,
        Some((_, Plain::Text(text))) => {
            let (mark, digest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
            match Stamp::parse(mark) {
                Some(stamp) => {
                    Marking::Marked(Mark { stamp, unread: Fingerprint::parse(digest.trim()) })
                }
                None => Marking::Unmarked,
            }
        }
        Some(_) => Marking::Unmarked,
    }
}

/// A custom field of a record: by the label that was given, else by one that follows from its name.
fn find<'f>(
    fields: &'f BTreeMap<String, Plain>,
    name: &str,
    label: Option<&str>,
) -> Option<(&'f String, &'f Plain)> {
    if let Some(label) = label {
        return fields.get_key_value(label);
    }
    fields
        .get_key_value(name)
        .or_else(|| fields.iter().find(|(label, _)| value::is_label_of(label, name)))
}

/// Custom fields of a record, by label.
pub fn fields_of(record: &Record) -> BTreeMap<String, Plain> {
    record.custom_fields.as_ref().map(super::wire::Fields::by_label).unwrap_or_default()
}

/// The names under which a question's fingerprints may have been made.
fn names<'a>(ask: &Ask<'a>) -> impl Iterator<Item = &'a QuoteName> {
    std::iter::once(ask.quote).chain(ask.recorded_as)
}

/// Whether this value is recorded as the one at this path.
fn is_recorded(ask: &Ask<'_>, path: &Path, value: &Value) -> bool {
    let Some(entry) = ask.entry else { return false };
    entry
        .fields
        .get(path)
        .is_some_and(|known| names(ask).any(|name| value.fingerprint(name, path) == *known))
}

/// Whether the entry is of this quote by the fingerprints that it holds, which are bound to a name.
pub fn is_vouched_for(ask: &Ask<'_>, want: &Facts) -> bool {
    ask.desired.is_none() || want.iter().any(|(path, value)| is_recorded(ask, path, value))
}

/// Whether the creation is recorded to have sent the quote.
fn was_sent(ask: &Ask<'_>, held: &Facts) -> bool {
    let path = Path::new("delivery.channel");
    let ways = ["email", "sms", "dual", "auto"].map(Value::text);
    ways.iter().any(|way| is_recorded(ask, &path, way) || held.get(&path) == Some(way))
}

/// The quote as it is seen.
pub fn observe(
    settings: &Settings,
    ask: &Ask<'_>,
    id: &RemoteId,
    record: &Record,
    revision: u32,
) -> Observed {
    let fields = fields_of(record);
    let marking = marking(settings, &fields);
    let mark = match marking {
        Marking::Marked(mark) => Some(mark),
        _ => None,
    };
    let want = ask.desired.map(|q| wanted::facts(settings, q, true)).unwrap_or_default();
    let mut facts = readable(settings, ask, record, &fields, &want);
    if mark.is_some()
        && let Some(said) = want.get(&Path::new(STAMPED))
    {
        facts.insert(Path::new(STAMPED), said.clone());
    }
    let unread = mark.as_ref().and_then(|m| m.unread.as_ref());
    let whole =
        unread.is_some_and(|known| names(ask).any(|n| wanted::unread_digest(n, &want) == *known));
    for (path, value) in want.iter().filter(|(p, _)| !mapping::is_readable(p.as_str())) {
        if whole || is_recorded(ask, path, value) {
            facts.insert(path.clone(), value.clone());
        }
    }
    let state = status::state_of(record, was_sent(ask, &facts));
    Observed {
        id: id.clone(),
        stamp: mark.map(|m| m.stamp),
        revision,
        state,
        raw_state: status::raw_of(record),
        // Nothing can be edited, in whatever state: the dialect says so.
        locked: false,
        created: None,
        facts,
        parts: BTreeMap::new(),
        links: links(record),
        total: total(settings, record),
        whole: true,
        superseded: None,
    }
}

fn readable(
    settings: &Settings,
    ask: &Ask<'_>,
    record: &Record,
    fields: &BTreeMap<String, Plain>,
    want: &Facts,
) -> Facts {
    let mut facts = Facts::new();
    let text = |text: &Option<String>| Value::text(text.as_deref().unwrap_or_default().trim());
    let salesperson = record.salesperson.as_ref().and_then(|s| s.email.clone());
    for (path, there) in [
        ("customer.name", text(&record.customer_name)),
        ("customer.email", text(&record.customer_email)),
        ("customer.phone", text(&record.customer_phone)),
        ("customer.company", text(&record.customer_company)),
        ("owner", text(&salesperson)),
    ] {
        let path = Path::new(path);
        let there = match want.get(&path) {
            Some(said) if is_same_text(path.as_str(), said, &there) => said.clone(),
            _ => there,
        };
        facts.insert(path, there);
    }
    let mut known: Vec<&String> = Vec::new();
    for path in want.keys().filter(|p| p.list() == Some("fields")) {
        let name = path.as_str().trim_start_matches("fields[").trim_end_matches(']');
        let label = ask.desired.and_then(|q| wanted::label_of(q, name));
        let Some((label, plain)) = find(fields, name, label) else { continue };
        known.push(label);
        let there = value::of_field(plain);
        let there = match want.get(path) {
            Some(said) if value::is_same_field(said, &there) => said.clone(),
            _ => there,
        };
        facts.insert(path.clone(), there);
    }
    let stamp = settings.stamp.as_ref();
    let stamp = stamp.and_then(|s| find(fields, &s.name, s.label.as_deref()));
    for (label, plain) in fields {
        let ours = stamp.is_some_and(|(l, _)| l == label) || known.contains(&label);
        let there = value::of_field(plain);
        if !ours && !there.is_empty() {
            facts.entry(Path::new(format!("fields[{label}]"))).or_insert(there);
        }
    }
    facts
}

/// SalesByte may change the case of an address and the spaces of a number.
fn is_same_text(path: &str, said: &Value, there: &Value) -> bool {
    let (Value::Text(said), Value::Text(there)) = (said, there) else { return said == there };
    match path {
        "customer.email" | "owner" => said.eq_ignore_ascii_case(there),
        "customer.phone" => value::bare_phone(said) == value::bare_phone(there),
        _ => said.trim() == there,
    }
}

fn links(record: &Record) -> BTreeMap<String, String> {
    let of = |theirs: &str| record.links.get(theirs).cloned().flatten();
    [("quote", of("customer_view")), ("edit", of("edit"))]
        .into_iter()
        .filter_map(|(name, url)| Some((name.to_owned(), url?)))
        .collect()
}

/// The value with VAT, where the connection says the currency.
fn total(settings: &Settings, record: &Record) -> Option<Money> {
    let amount = Amount::parse(record.quote_value.as_ref()?.get().trim()).ok()?;
    Some(Money { amount, currency: settings.currency? })
}
