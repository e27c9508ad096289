//! From facts to the bodies that are sent.
//!
//! Invariants: an edit holds what changes and nothing else; the stamp travels with every write of
//! the tags; discounts and weights, which are one structure upstream, are written whole.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping;
use super::operation::Body;
use super::{STAMP_KEY, stamp_tag};
use crate::facts::{Facts, Path, Plain, Value};
use crate::key::Stamp;
use crate::money::Amount;

/// All head fields of a new quote.
pub fn new_head(want: &Facts, stamp: &Stamp) -> Body {
    let all: BTreeSet<&Path> = want.keys().filter(|p| p.list() != Some("items")).collect();
    let mut body = head(want, &all, "", stamp);
    body.insert("tags".to_owned(), tags(want, "", stamp));
    // Nothing is there yet that could be cleared.
    for name in ["discount", "shipping", "customer_id", "assignee_id"] {
        if body.get(name) == Some(&Plain::Null) {
            body.remove(name);
        }
    }
    body
}

/// The head fields behind changed paths. `tags_now` are the tags that people see.
pub fn head(want: &Facts, changed: &BTreeSet<&Path>, tags_now: &str, stamp: &Stamp) -> Body {
    let mut body = Body::new();
    let mut fields = Vec::new();
    for path in changed {
        let value = want.get(*path).unwrap_or(&Value::Empty);
        let text = path.as_str();
        if let Some(name) = mapping::text_of(text) {
            body.insert(name.to_owned(), Plain::Text(shown(value)));
        } else if let Some(id) = text.strip_prefix("fields[").and_then(|t| t.strip_suffix(']')) {
            fields.push(Plain::Map(BTreeMap::from([
                ("id".to_owned(), int(id)),
                ("value".to_owned(), field(value)),
            ])));
        } else if text.starts_with("discounts[") {
            body.insert("discount".to_owned(), quote_discount(want));
        } else if text.starts_with("shipping.") {
            body.insert("shipping".to_owned(), shipping(want));
        } else {
            match text {
                "customer.id" => body.insert("customer_id".to_owned(), id(value)),
                "owner" => body.insert("assignee_id".to_owned(), id(value)),
                "tags" => body.insert("tags".to_owned(), tags(want, tags_now, stamp)),
                _ => None,
            };
        }
    }
    if !fields.is_empty() {
        body.insert("custom_fields".to_owned(), Plain::List(fields));
    }
    body
}

/// The tags that the quote must have: those of the manifest, else those that are there, and ours.
pub fn tags(want: &Facts, now: &str, stamp: &Stamp) -> Plain {
    let theirs = want.get(&Path::new("tags")).map_or_else(|| now.to_owned(), shown);
    let ours = stamp_tag(stamp);
    Plain::Text(if theirs.is_empty() { ours } else { format!("{theirs}, {ours}") })
}

fn quote_discount(want: &Facts) -> Plain {
    let part = want.keys().filter(|p| p.list() == Some("discounts")).find_map(Path::part);
    let Some(part) = part else { return Plain::Null };
    let get = |field: &str| want.get(&Path::of(part, field)).unwrap_or(&Value::Empty);
    discount(get("percent"), get("amount"), get("label"), false)
}

fn discount(percent: &Value, amount: &Value, label: &Value, line: bool) -> Plain {
    let (word, size) = match (percent.number(), amount.number()) {
        (Some(p), _) => ("percentage", p),
        (None, Some(a)) => ("fixed_amount", a),
        (None, None) => return Plain::Null,
    };
    let mut map = BTreeMap::from([
        ("discount_type".to_owned(), Plain::Text(word.to_owned())),
        ("discount_amount".to_owned(), Plain::Number(size)),
    ]);
    let reason = shown(label);
    if !reason.is_empty() {
        map.insert("discount_reason".to_owned(), Plain::Text(reason.clone()));
        if line {
            // The vendor's examples of lines write it so, though it reads back the other way.
            map.insert("reason".to_owned(), Plain::Text(reason));
        }
    }
    Plain::Map(map)
}

fn shipping(want: &Facts) -> Plain {
    let get = |field: &str| want.get(&Path::of("shipping", field)).unwrap_or(&Value::Empty);
    let Some(price) = get("price").number() else { return Plain::Null };
    Plain::Map(BTreeMap::from([
        ("shipping_name".to_owned(), Plain::Text(shown(get("name")))),
        ("shipping_price".to_owned(), Plain::Number(price)),
    ]))
}

/// Whether a line is one of the shop's catalogue, by what is wanted or by what is there.
pub fn is_catalogue(facts: &Facts, part: &str) -> bool {
    facts.get(&Path::of(part, "quickquote.variant_id")).is_some_and(|v| !v.is_empty())
}

/// A whole line without its pairs. What the shop decides of a catalogue line is not sent.
pub fn new_line(want: &Facts, part: &str) -> Body {
    let fields: BTreeSet<&str> =
        want.keys().filter(|p| p.part() == Some(part)).map(Path::field).collect();
    let mut body = line(want, part, &fields);
    let catalogue = is_catalogue(want, part);
    body.insert("custom_product".to_owned(), Plain::Bool(!catalogue));
    if catalogue {
        for name in ["title", "sku", "price"] {
            body.remove(name);
        }
    }
    if body.get("discount") == Some(&Plain::Null) {
        body.remove("discount");
    }
    body
}

/// The fields of a line behind changed fields of its facts.
pub fn line(want: &Facts, part: &str, changed: &BTreeSet<&str>) -> Body {
    let get = |field: &str| want.get(&Path::of(part, field)).unwrap_or(&Value::Empty);
    let mut body = Body::new();
    for field in changed {
        let value = get(field);
        let (name, plain) = match *field {
            "name" => ("title", plain(value)),
            "sku" | "quantity" | "price" | "taxable" => (*field, plain(value)),
            "discount.percent" | "discount.amount" | "discount.label" => {
                let (percent, amount) = (get("discount.percent"), get("discount.amount"));
                ("discount", discount(percent, amount, get("discount.label"), true))
            }
            "quickquote.weight" | "quickquote.weight_units" => {
                body.insert("weight_units".to_owned(), plain(get("quickquote.weight_units")));
                ("weight", plain(get("quickquote.weight")))
            }
            "quickquote.variant_id" if value.is_empty() => continue,
            other => match other.strip_prefix("quickquote.") {
                Some(native) => (native, plain(value)),
                None => continue,
            },
        };
        body.insert(name.to_owned(), plain);
    }
    body
}

/// A pair as it is sent.
pub fn pair(key: &str, value: &str) -> Plain {
    Plain::Map(BTreeMap::from([
        ("key".to_owned(), Plain::Text(key.to_owned())),
        ("value".to_owned(), Plain::Text(value.to_owned())),
    ]))
}

/// The hidden pair that stamps a line.
pub fn stamp_pair(stamp: &Stamp) -> Plain {
    pair(STAMP_KEY, stamp.as_str())
}

fn shown(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        other => other.to_string(),
    }
}

/// A value by its own type.
fn plain(value: &Value) -> Plain {
    match value {
        Value::Empty => Plain::Null,
        Value::Number(n) => Plain::Number(*n),
        Value::Bool(b) => Plain::Bool(*b),
        Value::Plain(p) => p.clone(),
        other => Plain::Text(other.to_string()),
    }
}

/// A custom field's value; empty is the documented way to clear it.
fn field(value: &Value) -> Plain {
    match value {
        Value::Plain(p) => p.clone(),
        other => Plain::Text(shown(other)),
    }
}

fn id(value: &Value) -> Plain {
    match value {
        Value::Ref { id, .. } | Value::Text(id) => int(id),
        _ => Plain::Null,
    }
}

fn int(text: &str) -> Plain {
    Amount::parse(text).map_or_else(|_| Plain::Text(text.to_owned()), Plain::Number)
}

/// The empty form of a structure, for a shop that takes `null` as "not sent". `None` where the
/// answer shows that the clearing arrived.
pub fn insist(sent: &Body, answer: &Plain) -> Option<Body> {
    let mut again = Body::new();
    let left = |name: &str| {
        let number = answer.get(name).and_then(Plain::scalar).and_then(|t| Amount::parse(&t).ok());
        number.is_some_and(|n| !n.is_zero())
    };
    if sent.get("discount") == Some(&Plain::Null) && left("discount_amount") {
        let word = answer.get("discount_type").and_then(Plain::scalar).unwrap_or_default();
        let percent = word.to_ascii_lowercase().starts_with("percent");
        let word = if percent { "percentage" } else { "fixed_amount" };
        let nothing = [
            ("discount_type".to_owned(), Plain::Text(word.to_owned())),
            ("discount_amount".to_owned(), Plain::Number(Amount::ZERO)),
        ];
        again.insert("discount".to_owned(), Plain::Map(nothing.into()));
    }
    let shipping = answer.get("shipping").and_then(|s| s.get("shipping_name"));
    if sent.get("shipping") == Some(&Plain::Null)
        && shipping.and_then(Plain::scalar).is_some_and(|n| !n.is_empty())
    {
        let nothing = [
            ("shipping_name".to_owned(), Plain::Text(String::new())),
            ("shipping_price".to_owned(), Plain::Number(Amount::ZERO)),
        ];
        again.insert("shipping".to_owned(), Plain::Map(nothing.into()));
    }
    (!again.is_empty()).then_some(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp::parse("pf1-0123456789abcdef0123456789abcdef").unwrap()
    }

    fn number(text: &str) -> Value {
        Value::Number(Amount::parse(text).unwrap())
    }

    fn json(body: Body) -> String {
        Plain::Map(body).to_json()
    }

    #[test]
    fn an_edit_holds_what_changes_and_nothing_else() {
        let want = Facts::from([
            (Path::new("customer.email"), Value::text("a@b.example")),
            (Path::new("notes.internal"), Value::text("x")),
            (Path::new("customer.id"), Value::Empty),
        ]);
        let body = |path: &str| {
            let path = Path::new(path);
            json(head(&want, &BTreeSet::from([&path]), "", &stamp()))
        };
        assert_eq!(body("notes.internal"), r#"{"internal_notes":"x"}"#);
        assert_eq!(body("customer.id"), r#"{"customer_id":null}"#);
        assert_eq!(body("discounts[gone].amount"), r#"{"discount":null}"#);
        assert_eq!(body("shipping.name"), r#"{"shipping":null}"#);
    }

    #[test]
    fn the_stamp_stays_beside_tags_that_nobody_owns() {
        let ours = "proforma:pf1-0123456789abcdef0123456789abcdef";
        assert_eq!(tags(&Facts::new(), "a, b", &stamp()), Plain::Text(format!("a, b, {ours}")));
        let cleared = Facts::from([(Path::new("tags"), Value::Empty)]);
        assert_eq!(tags(&cleared, "a, b", &stamp()), Plain::Text(ours.to_owned()));
    }

    #[test]
    fn digits_arrive_as_they_were_written() {
        let want = Facts::from([
            (Path::new("items[a].name"), Value::text("N")),
            (Path::new("items[a].price"), number("19.990")),
            (Path::new("items[a].quantity"), number("2")),
            (Path::new("items[a].quickquote.variant_id"), Value::Empty),
            (Path::new("items[a].discount.percent"), number("10")),
            (Path::new("items[a].discount.label"), Value::text("r")),
        ]);
        assert_eq!(
            json(new_line(&want, "items[a]")),
            r#"{"custom_product":true,"discount":{"discount_amount":10,"discount_reason":"r","discount_type":"percentage","reason":"r"},"price":19.990,"quantity":2,"title":"N"}"#
        );
    }

    #[test]
    fn a_catalogue_line_sends_nothing_that_the_shop_decides() {
        let want = Facts::from([
            (Path::new("items[a].name"), Value::text("N")),
            (Path::new("items[a].price"), number("5")),
            (Path::new("items[a].quantity"), number("2")),
            (Path::new("items[a].quickquote.variant_id"), number("40100000000001")),
        ]);
        assert_eq!(
            json(new_line(&want, "items[a]")),
            r#"{"custom_product":false,"quantity":2,"variant_id":40100000000001}"#
        );
    }

    #[test]
    fn a_clearing_that_did_not_arrive_is_said_in_another_way() {
        let sent = Body::from([("discount".to_owned(), Plain::Null)]);
        let answer = |json: &str| Plain::from_json(json).unwrap();
        assert_eq!(insist(&sent, &answer(r#"{"discount_amount":null}"#)), None);
        let again = insist(&sent, &answer(r#"{"discount_amount":10.00,"discount_type":"fixed"}"#));
        assert_eq!(
            json(again.unwrap()),
            r#"{"discount":{"discount_amount":0,"discount_type":"fixed_amount"}}"#
        );
    }
}
