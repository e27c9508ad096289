//! From facts to the properties of one request.
//!
//! Invariants: what belongs together travels together (billing cycle and term, type and value of
//! an adjustment); a creation sends no empty values, an update clears with `""`.

use std::collections::{BTreeMap, BTreeSet};

use super::mapping::{self, property_of};
use super::operation::Object;
use super::value;
use crate::facts::{Facts, Path, Value};

/// The fields of one part (`price`), or of the quote itself for the empty part, out of all facts.
pub fn fields_of<'f>(facts: &'f Facts, part: &str) -> BTreeMap<&'f str, &'f Value> {
    facts
        .iter()
        .filter_map(|(path, value)| {
            let own = match path.list() {
                Some(list) if Object::of_list(list).is_some() => path.part() == Some(part),
                _ => part.is_empty(),
            };
            let field = if part.is_empty() { path.as_str() } else { path.field() };
            own.then_some((field, value))
        })
        .collect()
}

/// The properties of a creation.
pub fn all(object: Object, fields: &BTreeMap<&str, &Value>) -> BTreeMap<String, String> {
    let mut out = some(object, fields, &fields.keys().copied().collect());
    out.retain(|_, text| !text.is_empty());
    if object == Object::Discount {
        // The one duration that the API knows: discounts that recur cannot be made through it.
        out.insert("hs_duration".to_owned(), "ONCE".to_owned());
    }
    out
}

/// The properties of an update of some fields.
pub fn some(
    object: Object,
    fields: &BTreeMap<&str, &Value>,
    changed: &BTreeSet<&str>,
) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    let empty = Value::Empty;
    let get = |name: &str| fields.get(name).copied().unwrap_or(&empty);
    for field in changed {
        let value = get(field);
        match (object, *field) {
            (Object::Discount | Object::Fee | Object::Tax, "percent" | "amount") => {
                let (kind, value) = match get("percent") {
                    Value::Empty => ("FIXED", get("amount")),
                    percent => ("PERCENT", percent),
                };
                out.insert("hs_type".to_owned(), kind.to_owned());
                out.insert("hs_value".to_owned(), value::write(value));
            }
            (Object::LineItem, "recurring.every" | "recurring.for") => {
                let cycle = value::write(get("recurring.every"));
                let term = value::write(get("recurring.for"));
                let period = value::write_term(&cycle, &term);
                let frequency = value::frequency_of(&cycle).to_owned();
                out.insert("recurringbillingfrequency".to_owned(), frequency);
                out.insert("hs_recurring_billing_period".to_owned(), period);
            }
            (Object::Quote, "notes.public" | "notes.terms") => {
                if let Some(property) = property_of(object, field) {
                    let html = match value {
                        Value::Text(text) => value::to_html(text),
                        other => value::write(other),
                    };
                    out.insert(property.to_owned(), html);
                }
            }
            _ => {
                if let Some(property) = property_of(object, field) {
                    out.insert(property.to_owned(), value::write(value));
                }
            }
        }
    }
    out
}

/// The fields that travel with a changed one, which an update therefore settles too.
pub fn together(object: Object, field: &str) -> &'static [&'static str] {
    match (object, field) {
        (Object::LineItem, "recurring.every" | "recurring.for") => {
            &["recurring.every", "recurring.for"]
        }
        (Object::Discount | Object::Fee | Object::Tax, "percent" | "amount") => {
            &["percent", "amount"]
        }
        _ => &[],
    }
}

/// Whether a path of the quote is a property (not a link, not a part).
pub fn is_own_property(path: &Path) -> bool {
    let part = path.list().is_some_and(|l| Object::of_list(l).is_some());
    !part && mapping::link_of(path.as_str()).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Amount;

    fn facts(rows: &[(&str, Value)]) -> Facts {
        rows.iter().map(|(p, v)| (Path::new(*p), v.clone())).collect()
    }

    fn number(text: &str) -> Value {
        Value::Number(Amount::parse(text).unwrap())
    }

    #[test]
    fn a_creation_sends_no_empty_values() {
        let facts = facts(&[
            ("title", Value::text("T")),
            ("items[a].price", number("19.990")),
            ("items[a].discount.percent", Value::Empty),
            ("items[a].recurring.every", Value::text("month")),
            ("items[a].recurring.for", Value::text("3 years")),
            ("items[b].price", number("2")),
        ]);
        let a = all(Object::LineItem, &fields_of(&facts, "items[a]"));
        let want = [
            ("hs_recurring_billing_period", "P36M"),
            ("price", "19.990"),
            ("recurringbillingfrequency", "monthly"),
        ];
        assert_eq!(a, want.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
        let quote = all(Object::Quote, &fields_of(&facts, ""));
        assert_eq!(quote.len(), 1);
    }

    #[test]
    fn an_update_clears_and_keeps_pairs_together() {
        let facts = facts(&[
            ("fees[f].percent", Value::Empty),
            ("fees[f].amount", number("5")),
            ("items[a].discount.percent", Value::Empty),
            ("items[a].recurring.every", Value::text("year")),
            ("items[a].recurring.for", Value::text("3 years")),
        ]);
        let fee = some(Object::Fee, &fields_of(&facts, "fees[f]"), &BTreeSet::from(["percent"]));
        assert_eq!(
            fee,
            BTreeMap::from([("hs_type".into(), "FIXED".into()), ("hs_value".into(), "5".into())])
        );
        let fields = fields_of(&facts, "items[a]");
        let item =
            some(Object::LineItem, &fields, &BTreeSet::from(["recurring.for", "discount.percent"]));
        assert_eq!(item.get("hs_recurring_billing_period").map(String::as_str), Some("P3Y"));
        assert_eq!(item.get("recurringbillingfrequency").map(String::as_str), Some("annually"));
        assert_eq!(item.get("hs_discount_percentage").map(String::as_str), Some(""));
    }

    #[test]
    fn notes_are_escaped_and_raw_html_is_not() {
        let facts = facts(&[
            ("notes.public", Value::text("a <b>\nc")),
            ("hubspot.hs_terms", Value::text("<p>x</p>")),
        ]);
        let quote = all(Object::Quote, &fields_of(&facts, ""));
        assert_eq!(quote.get("hs_comments").map(String::as_str), Some("a &lt;b&gt;<br>c"));
        assert_eq!(quote.get("hs_terms").map(String::as_str), Some("<p>x</p>"));
    }
}
