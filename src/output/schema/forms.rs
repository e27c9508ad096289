//! From the types of the tables to the types of JSON Schema.
//!
//! The one thing to know: a schema sees what a YAML reader made of the text. A bare `12000.00` is a
//! number to it and a quoted one a text; both are fine, as they are to proforma.

use serde_json::{Map, Value, json};

use crate::provider::capability::{Form, Kind, Member};

/// Digits and at most one point, as amounts are written.
pub(super) const DECIMAL: &str = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$";
/// The same with a percent sign.
pub(super) const PERCENT: &str = r"^(0|[1-9][0-9]*)(\.[0-9]+)?%?$";

/// A decimal that is not negative.
pub(super) fn decimal() -> Value {
    json!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": DECIMAL }] })
}

/// Percent points with or without the sign.
pub(super) fn percent() -> Value {
    json!({ "anyOf": [
        { "type": "number", "minimum": 0, "maximum": 100 },
        { "type": "string", "pattern": PERCENT },
    ] })
}

/// A map with these members and no others.
pub(super) fn object(members: Vec<(String, Value)>) -> Value {
    let members: Map<String, Value> = members.into_iter().collect();
    json!({ "type": "object", "properties": members, "additionalProperties": false })
}

/// With keys that must be there.
pub(super) fn needing(mut schema: Value, keys: &[&str]) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.insert("required".to_owned(), json!(keys));
    }
    schema
}

/// With a sentence, and examples where there are some.
pub(super) fn said(mut schema: Value, description: &str, examples: &[Value]) -> Value {
    if let Some(object) = schema.as_object_mut() {
        if !description.is_empty() {
            object.insert("description".to_owned(), Value::from(description));
        }
        if !examples.is_empty() {
            object.insert("examples".to_owned(), json!(examples));
        }
    }
    schema
}

/// Or nothing at all, which clears the field.
pub(super) fn or_null(schema: &Value) -> Value {
    json!({ "anyOf": [schema, { "type": "null" }] })
}

/// The schema of a type.
pub(super) fn of(form: &Form) -> Value {
    match form {
        Form::One(Kind::Text | Kind::Html) => json!({ "type": ["string", "number"] }),
        Form::One(Kind::DateTime) => json!({ "type": "string" }),
        Form::One(Kind::Number) => decimal(),
        Form::One(Kind::Bool) => json!({ "type": "boolean" }),
        Form::One(Kind::Date) => json!({ "type": "string", "format": "date" }),
        Form::One(Kind::Choice(words)) if words.is_empty() => {
            json!({ "type": ["string", "number"] })
        }
        Form::One(Kind::Choice(words)) => json!({ "enum": words }),
        Form::One(Kind::Choices(words)) => {
            let one = if words.is_empty() {
                json!({ "type": "string" })
            } else {
                json!({ "enum": words })
            };
            // One word stands for a list of one; several may be joined as the upstream does.
            json!({ "anyOf": [{ "type": "array", "items": one }, { "type": "string" }] })
        }
        Form::Whole => {
            json!({ "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": "^-?[0-9]+$" }] })
        }
        Form::Any => json!({}),
        Form::Reference => reference(false),
        Form::List(of_) => json!({ "type": "array", "items": of(of_) }),
        Form::Map(of_) => json!({ "type": "object", "additionalProperties": of(of_) }),
        Form::Record(members) => object(members.iter().map(member).collect()),
    }
}

fn member(member: &Member) -> (String, Value) {
    (member.name.to_owned(), or_null(&of(&member.form)))
}

/// A name, or a map with the id.
pub(super) fn reference(email: bool) -> Value {
    let text = || json!({ "type": ["string", "number"] });
    let mut members = vec![
        ("id".to_owned(), said(text(), "Its id upstream.", &[json!("345345")])),
        ("name".to_owned(), said(text(), "Its name upstream.", &[])),
    ];
    if email {
        let address = said(json!({ "type": "string" }), "Its e-mail address.", &[]);
        members.push(("email".to_owned(), address));
    }
    json!({ "anyOf": [{ "type": ["string", "number"] }, object(members)] })
}
