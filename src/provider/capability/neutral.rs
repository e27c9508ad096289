//! Every neutral field of a manifest, with its type: the list that each provider's table must
//! answer for.
//!
//! Invariant: the paths are those of the manifest reader, as deep as any provider tells them
//! apart. A provider's table has a row for each, or for what stands above it (`delivery` for
//! `delivery.message`).

use super::{Form, Kind};
use crate::desired::WantedState;

fn person() -> Form {
    Form::record([
        ("email", Form::TEXT),
        ("first_name", Form::TEXT),
        ("last_name", Form::TEXT),
        ("name", Form::TEXT),
        ("company", Form::TEXT),
        ("phone", Form::TEXT),
        ("id", Form::TEXT),
    ])
}

fn adjustments() -> Form {
    Form::list(Form::record([
        ("label", Form::TEXT),
        ("percent", Form::NUMBER),
        ("amount", Form::NUMBER),
    ]))
}

/// The whole list, in the order of a manifest.
pub fn fields() -> Vec<(&'static str, Form)> {
    let states = Form::choice(&WantedState::ALL.map(WantedState::word));
    vec![
        ("title", Form::TEXT),
        ("expires", Form::DATE),
        ("currency", Form::TEXT),
        ("state", states),
        ("customer.email", Form::TEXT),
        ("customer.first_name", Form::TEXT),
        ("customer.last_name", Form::TEXT),
        ("customer.name", Form::TEXT),
        ("customer.company", Form::TEXT),
        ("customer.phone", Form::TEXT),
        ("customer.id", Form::TEXT),
        ("contacts", Form::list(person())),
        ("owner", Form::Reference),
        ("company", Form::Reference),
        ("deal", Form::Reference),
        ("template", Form::Reference),
        ("items[].key", Form::TEXT),
        ("items[].product", Form::TEXT),
        ("items[].name", Form::TEXT),
        ("items[].description", Form::TEXT),
        ("items[].sku", Form::TEXT),
        ("items[].quantity", Form::NUMBER),
        ("items[].price", Form::NUMBER),
        ("items[].discount.percent", Form::NUMBER),
        ("items[].discount.amount", Form::NUMBER),
        ("items[].discount.label", Form::TEXT),
        ("items[].taxable", Form::BOOL),
        ("items[].recurring.every", Form::TEXT),
        ("items[].recurring.for", Form::TEXT),
        ("items[].properties", Form::map(Form::TEXT)),
        ("discounts", adjustments()),
        ("fees", adjustments()),
        ("taxes", adjustments()),
        ("shipping", Form::record([("name", Form::TEXT), ("price", Form::NUMBER)])),
        ("notes.public", Form::TEXT),
        ("notes.internal", Form::TEXT),
        ("notes.customer", Form::TEXT),
        ("notes.terms", Form::TEXT),
        ("tags", Form::list(Form::TEXT)),
        ("fields", Form::map(Form::Any)),
        ("delivery.channel", Form::choice(&["none", "email", "sms", "dual", "auto"])),
        ("delivery.message", Form::TEXT),
        ("delivery.include_pdf", Form::BOOL),
        ("delivery.include_link", Form::BOOL),
        ("delivery.copy_owner", Form::BOOL),
        (
            "alternatives",
            Form::list(Form::record([
                ("bundle_id", Form::Whole),
                ("skus", Form::list(Form::TEXT)),
                ("title", Form::TEXT),
                ("sort_order", Form::Whole),
            ])),
        ),
    ]
}

/// Whether a row's path answers for a field: it is the field, or stands above it.
pub fn answers_for(row: &str, field: &str) -> bool {
    field.strip_prefix(row).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// The type of a row: that of its field, or a record of the fields below it.
pub fn form_of(row: &str) -> Form {
    let mut members = Vec::new();
    for (path, form) in fields() {
        if path == row {
            return form;
        }
        if let Some(name) = path.strip_prefix(row).and_then(|rest| rest.strip_prefix('.')) {
            members.push(super::form::Member { name, form });
        }
    }
    // A row that no field stands behind: the tests of the tables let none through.
    if members.is_empty() { Form::One(Kind::Text) } else { Form::Record(members) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_answers_for_itself_and_what_is_below() {
        assert!(answers_for("delivery", "delivery.message"));
        assert!(answers_for("title", "title"));
        assert!(!answers_for("items[].discount", "items[].discounts"));
        assert_eq!(form_of("notes.public"), Form::TEXT);
        assert!(matches!(form_of("delivery"), Form::Record(m) if m.len() == 5));
    }

    #[test]
    fn nothing_is_listed_twice() {
        let mut seen = std::collections::BTreeSet::new();
        assert!(fields().iter().all(|(path, _)| seen.insert(*path)));
    }
}
