//! The schemas of `quote:` and `product:` documents.

use serde_json::{Value, json};

use super::forms::{decimal, needing, object, of, or_null, percent, reference, said};
use super::words::words;
use crate::manifest::order;
use crate::provider::capability::{Form, Mode, Sheet, neutral};

/// Keys that cannot be empty.
const FIXED: [&str; 14] = [
    "shipping.name",
    "shipping.price",
    "quote",
    "connection",
    "currency",
    "state",
    "was",
    "lifecycle",
    "product",
    "items[].key",
    "items[].product",
    "items[].quantity",
    "delivery.channel",
    "items[].discount.per",
];

const NAME: &str = "^[a-z0-9][a-z0-9._-]{0,62}$";
const KEY: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";
const PERIOD: &str = "^([1-9][0-9]* )?(week|month|quarter|year)s?$";

/// A `quote:` document.
pub(super) fn quote(sheets: &[Sheet]) -> Value {
    let schema = needing(object(quote_members(sheets, &order::QUOTE)), &["quote"]);
    said(
        titled(schema, "A quote"),
        "One sales quote. A key that is absent is left alone upstream, `null` clears it, a value is enforced.",
        &[],
    )
}

/// The keys of a quote that a connection may have defaults for.
pub(super) fn defaults(sheets: &[Sheet]) -> Value {
    let keys: Vec<&str> = order::QUOTE
        .into_iter()
        .filter(|k| !matches!(*k, "quote" | "connection" | "items" | "was"))
        .collect();
    object(quote_members(sheets, &keys))
}

/// A `product:` document.
pub(super) fn product(sheets: &[Sheet]) -> Value {
    let members = order::PRODUCT.into_iter().map(|key| {
        let path = match key {
            "product" | "currency" => key.to_owned(),
            _ => format!("items[].{key}"),
        };
        let schema = match key {
            "product" => json!({ "type": "string", "pattern": NAME }),
            native if is_native(sheets, native) => native_block(sheets, native, true),
            _ => value(&path),
        };
        (key.to_owned(), worded(&path, key, schema))
    });
    let schema = needing(object(members.collect()), &["product"]);
    said(
        titled(schema, "A product"),
        "One product of the catalog; items name it, and their own keys win.",
        &[],
    )
}

fn titled(mut schema: Value, title: &str) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), Value::from(title));
    }
    schema
}

fn quote_members(sheets: &[Sheet], keys: &[&str]) -> Vec<(String, Value)> {
    keys.iter()
        .map(|key| {
            let schema = match *key {
                native if is_native(sheets, native) => native_block(sheets, native, false),
                "items" => json!({ "type": "array", "items": item(sheets) }),
                key => value(key),
            };
            ((*key).to_owned(), worded(key, key, schema))
        })
        .collect()
}

fn item(sheets: &[Sheet]) -> Value {
    let members = order::ITEM.into_iter().map(|key| {
        let path = format!("items[].{key}");
        let schema =
            if is_native(sheets, key) { native_block(sheets, key, true) } else { value(&path) };
        (key.to_owned(), worded(&path, key, schema))
    });
    object(members.collect())
}

/// The schema with its sentence and example, and with `null` where that is allowed.
fn worded(path: &str, key: &str, schema: Value) -> Value {
    let (text, example) = words(path).or_else(|| words(key)).unwrap_or_default();
    let schema = if FIXED.contains(&path) { schema } else { or_null(&schema) };
    said(schema, text, example.as_slice())
}

/// The value at a path of the neutral part.
fn value(path: &str) -> Value {
    match path {
        "quote" | "was" => json!({ "type": "string", "pattern": NAME }),
        "connection" | "items[].product" => json!({ "type": "string" }),
        "items[].key" => json!({ "type": ["string", "number"], "pattern": KEY }),
        "owner" => reference(true),
        "deal" | "template" | "company" => reference(false),
        "currency" => json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        "expires" => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        "customer" => members(path, &order::PERSON),
        "contacts" => json!({ "type": "array", "items": members("customer", &order::PERSON) }),
        "notes" => members(path, &order::NOTES),
        "delivery" => members(path, &order::DELIVERY),
        "lifecycle" => members(path, &order::LIFECYCLE),
        "lifecycle.protect" => json!({ "type": "boolean" }),
        "lifecycle.ignore" => json!({ "type": "array", "items": { "type": "string" } }),
        "lifecycle.when_locked" => json!({ "enum": ["fail", "unlock", "revise"] }),
        "lifecycle.when_immutable" => json!({ "enum": ["fail", "replace"] }),
        "items[].discount" => json!({ "anyOf": [
            { "type": "number" },
            { "type": "string", "pattern": super::forms::PERCENT },
            members(path, &order::DISCOUNT),
        ] }),
        "items[].discount.percent" => percent(),
        "items[].discount.per" => json!({ "enum": ["line", "unit"] }),
        "items[].recurring" => needing(members(path, &order::RECURRING), &["every"]),
        "items[].recurring.every" | "items[].recurring.for" => {
            json!({ "type": "string", "pattern": PERIOD })
        }
        "discounts" | "fees" | "taxes" => json!({ "type": "array", "items": adjustment() }),
        "shipping" => needing(members(path, &order::SHIPPING), &["name", "price"]),
        "alternatives" => {
            json!({ "type": "array", "items": members("alternatives[]", &order::ALTERNATIVE) })
        }
        "alternatives[].bundle_id" | "alternatives[].sort_order" => of(&Form::Whole),
        "alternatives[].skus" => of(&Form::list(Form::TEXT)),
        "items[].price" | "items[].quantity" | "items[].discount.amount" | "shipping.price" => {
            decimal()
        }
        _ => of(&neutral::form_of(path)),
    }
}

fn members(path: &str, keys: &[&str]) -> Value {
    let member = |key: &&str| {
        let path = format!("{path}.{key}");
        ((*key).to_owned(), worded(&path, key, value(&path)))
    };
    object(keys.iter().map(member).collect())
}

fn adjustment() -> Value {
    let label = said(json!({ "type": ["string", "number"] }), "What the customer reads.", &[]);
    let of_key = |key: &str| match key {
        "percent" => said(percent(), "Percent points; instead of `amount`.", &[json!(5)]),
        "amount" => said(decimal(), "An amount; instead of `percent`.", &[json!("300.00")]),
        _ => label.clone(),
    };
    let all = order::ADJUSTMENT.iter().map(|key| ((*key).to_owned(), of_key(key)));
    needing(object(all.collect()), &["label"])
}

fn is_native(sheets: &[Sheet], key: &str) -> bool {
    sheets.iter().any(|s| s.name == key)
}

/// The native block of a provider, on a quote or on an item.
fn native_block(sheets: &[Sheet], provider: &str, on_item: bool) -> Value {
    let Some(sheet) = sheets.iter().find(|s| s.name == provider) else { return json!({}) };
    let here = |on: &str| {
        matches!((on, on_item), ("quote", false) | ("item" | "line" | "line item", true))
    };
    let fields =
        sheet.native.iter().filter(|f| f.mode == Mode::Writable && f.on.iter().any(|on| here(on)));
    let members = fields.map(|field| {
        let word = field.word.map(|w| format!(" A neutral word says it: {w}.")).unwrap_or_default();
        let text = format!("{}: {}.{word}", sheet.title, field.form.text());
        let form = match &field.form {
            date if *date == Form::DATE => json!({ "type": "string" }),
            // Its own examples write 1 and 0.
            yes if *yes == Form::BOOL && provider == "salesbyte" => {
                json!({ "enum": [true, false, 1, 0] })
            }
            form => of(form),
        };
        (field.name.to_owned(), said(or_null(&form), &text, &[]))
    });
    let mut schema = object(members.collect());
    // A portal has properties of its own, which only it knows.
    if provider == "hubspot"
        && let Some(object) = schema.as_object_mut()
    {
        object.insert("additionalProperties".to_owned(), Value::Bool(true));
    }
    schema
}
