//! The shapes of request bodies, as data, and the check of a body against them.
//!
//! Invariants: an unknown field is refused; `null` counts as absent; enumerations are exact in
//! case. Fields are checked in the order in which they are declared, so the first error is stable.

use std::collections::BTreeMap;

use super::errors::Refusal;
use crate::facts::Plain;

/// A JSON object.
pub(super) type Object = BTreeMap<String, Plain>;

/// What a field holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// At most so many characters; 0 = any.
    Text(usize),
    Number,
    Integer,
    Bool,
    OneOf(&'static [&'static str]),
    Object(&'static [Field]),
    List(&'static [Field]),
    /// Text, number or boolean by any name.
    Scalars,
    /// Lists of such maps.
    Rows,
    /// Whole numbers by any name.
    Integers,
    /// Texts (numbers are taken for texts) by any name.
    Texts,
}

/// A field of a body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

const fn must(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: true }
}

const fn may(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, required: false }
}

use Kind::{Bool, Integer, Integers, List, Number, OneOf, Rows, Text, Texts};

const DETAILS: Kind = OneOf(&["basic", "all"]);

const PARTNER_PROGRAM: &[Field] =
    &[may("partner_level_name", Text(0)), may("program_name", Text(0))];

const QUOTE_DATA: &[Field] = &[must("group_id", Text(50)), must("questions", Rows)];

const PARTNER_DATA: &[Field] = &[
    may("partner_program_name", Text(200)),
    may("partner_level_item_price", Number),
    may("partner_level_item_discount", Number),
];

const LINE: &[Field] = &[
    must("sku", Text(0)),
    may("item_name", Text(400)),
    may("bundle_ref_sku", Text(0)),
    may("bundle_ref_id", Integer),
    may("list_price", Number),
    may("net_price_per_unit", Number),
    may("net_price", Number),
    may("msrp", Number),
    may("msrp_discount", Number),
    may("sales_discount", Number),
    may("total_discount", Number),
    may("product_factors", Integers),
    may("attributes", Texts),
    may("partner_program_data", List(PARTNER_DATA)),
];

const OWNER: &[Field] = &[
    must("external_user_id", Text(200)),
    must("email", Text(100)),
    must("name", Text(300)),
    may("login", Text(100)),
    may("position", Text(300)),
    may("phone", Text(50)),
    may("mobile", Text(100)),
    may("fax", Text(100)),
    may("company", Text(100)),
    may("street", Text(128)),
    may("city", Text(32)),
    may("state", Text(32)),
    may("country", Text(32)),
    may("postal_code", Text(16)),
    may("user_manager_login", Text(100)),
];

const ADDRESS: &[Field] = &[
    may("street", Text(128)),
    may("city", Text(32)),
    may("state", Text(32)),
    may("country", Text(32)),
    may("postal_code", Text(16)),
];

const CONTACT: &[Field] = &[
    must("first_name", Text(128)),
    must("last_name", Text(128)),
    must("email", Text(100)),
    may("salutation", Text(50)),
    may("title", Text(400)),
    may("phone", Text(50)),
    may("account_name", Text(100)),
    may("mailing_address", Text(250)),
    may("primary_contact", Bool),
];

const OPPORTUNITY_DATA: &[Field] = &[
    must("external_opportunity_name", Text(200)),
    must("opportunity_owner", Kind::Object(OWNER)),
    must("external_customer_id", Text(50)),
    must("customer_name", Text(256)),
    must("geo_code", Text(100)),
    must("currency", Text(3)),
    may("customer_shipping_address", Kind::Object(ADDRESS)),
    may("customer_billing_address", Kind::Object(ADDRESS)),
    may("customer_contacts", List(CONTACT)),
];

/// Generate a quote.
pub(super) const GENERATE: &[Field] = &[
    must("external_opportunity_id", Text(50)),
    must("request_action", OneOf(&["draft", "submit", "publish", "sign_externally"])),
    may("line_item_details", DETAILS),
    may("playbook", Text(50)),
    may("quote_name", Text(250)),
    may("dealroom_publish_name", Text(250)),
    may("total_sales_discount", Number),
    may("expiration_date", Integer),
    must("document_type", OneOf(&["DealRoom", "PDF", "WORD", "EXCEL"])),
    may("partner_program", List(PARTNER_PROGRAM)),
    may("timezone_offset", Number),
    may("sign_externally_comment", Text(1000)),
    must("quote_data", List(QUOTE_DATA)),
    may("line_items", List(LINE)),
    may("opportunity_data", Kind::Object(OPPORTUNITY_DATA)),
];

/// Simulate a quote.
pub(super) const SIMULATE: &[Field] = &[
    may("version_id", Text(16)),
    may("external_opportunity_id", Text(50)),
    may("geo_code", Text(200)),
    may("currency", Text(3)),
    may("line_item_details", DETAILS),
    may("playbook", Text(50)),
    may("total_sales_discount", Number),
    may("partner_program", List(PARTNER_PROGRAM)),
    must("quote_data", List(QUOTE_DATA)),
    may("line_items", List(LINE)),
];

/// Submit and publish.
pub(super) const ACT: &[Field] = &[may("line_item_details", DETAILS)];

/// Sign externally.
pub(super) const SIGN: &[Field] =
    &[must("sign_externally_comment", Text(1000)), may("line_item_details", DETAILS)];

/// Create an opportunity.
pub(super) const OPPORTUNITY: &[Field] = &[
    must("external_opportunity_id", Text(50)),
    must("external_opportunity_name", Text(200)),
    must("opportunity_owner", Kind::Object(OWNER)),
    must("currency", Text(3)),
    must("external_customer_id", Text(50)),
    must("customer_name", Text(256)),
];

/// Products by SKU.
pub(super) const BY_SKU: &[Field] = &[
    must("version_id", Text(16)),
    may("pricing_option", OneOf(&["MIN", "MAX", "FIRST"])),
    must("sku", Kind::Scalars),
];

/// Checks a body.
pub(super) fn check(fields: &[Field], body: &Object) -> Result<(), Refusal> {
    if let Some(name) = body.keys().find(|n| !fields.iter().any(|f| f.name == n.as_str())) {
        return Err(Refusal::bad(format!("Unrecognized field: {name}.")));
    }
    for field in fields {
        match body.get(field.name) {
            None | Some(Plain::Null) if field.required => {
                return Err(Refusal::payload(field.name, "must not be null", "null"));
            }
            None | Some(Plain::Null) => {}
            Some(value) => one(field, value)?,
        }
    }
    Ok(())
}

fn one(field: &Field, value: &Plain) -> Result<(), Refusal> {
    let wrong = |what: &str| Err(Refusal::payload(field.name, what, &value.to_string()));
    let scalar = |v: &Plain| matches!(v, Plain::Text(_) | Plain::Number(_) | Plain::Bool(_));
    match (field.kind, value) {
        (Text(0), Plain::Text(_))
        | (Number, Plain::Number(_))
        | (Bool, Plain::Bool(_))
        // Only the list of SKUs is told so; it is read where it is used.
        | (Kind::Scalars, Plain::List(_)) => Ok(()),
        (Text(max), Plain::Text(text)) => {
            if text.chars().count() > max {
                return wrong(&format!("size must be between 0 and {max}"));
            }
            Ok(())
        }
        (Integer, Plain::Number(n)) if n.to_int().is_some() => Ok(()),
        (OneOf(words), Plain::Text(word)) => {
            if words.contains(&word.as_str()) {
                return Ok(());
            }
            Err(Refusal::bad(format!(
                "Invalid request: The value {word} is not supported for the field {}. Supported values: {}",
                field.name,
                words.join(", ")
            )))
        }
        (Kind::Object(fields), Plain::Map(map)) => check(fields, map),
        (List(fields), Plain::List(items)) => items.iter().try_for_each(|item| match item {
            Plain::Map(map) => check(fields, map),
            _ => wrong("must be a list of objects"),
        }),
        (Rows, Plain::List(items)) => items.iter().try_for_each(|item| match item {
            Plain::Map(map) if map.values().all(scalar) => Ok(()),
            _ => wrong("must be a list of objects with plain values"),
        }),
        (Integers, Plain::Map(map)) => {
            let whole = |v: &Plain| matches!(v, Plain::Number(n) if n.to_int().is_some());
            if map.values().all(whole) { Ok(()) } else { wrong("must hold whole numbers") }
        }
        (Texts, Plain::Map(map)) => {
            let fine = |v: &Plain| matches!(v, Plain::Text(_) | Plain::Number(_));
            if map.values().all(fine) { Ok(()) } else { wrong("must hold texts") }
        }
        _ => wrong("is of a wrong type"),
    }
}
