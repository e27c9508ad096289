//! Values between manifest, request and record: pure.
//!
//! Invariants: numbers keep the digits that were written, on the way out and on the way in; a
//! difference that SalesByte makes by itself (case of an address, spaces in a number) is none.

use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::mapping::Shape;
use crate::facts::{Plain, Value};
use crate::money::Amount;

/// A native value by its type, or what is wrong with it.
pub fn from_plain(shape: Shape, plain: &Plain) -> Result<Value, String> {
    let wrong = || Err(format!("must be {}", word(shape)));
    match (shape, plain) {
        (Shape::Flag, Plain::Bool(flag)) => Ok(Value::Bool(*flag)),
        (Shape::Flag, Plain::Number(n)) => match n.to_int() {
            Some(0) => Ok(Value::Bool(false)),
            Some(1) => Ok(Value::Bool(true)),
            _ => wrong(),
        },
        (Shape::Whole, Plain::Number(n)) if n.to_int().is_some_and(|n| n > 0) => {
            Ok(Value::Number(*n))
        }
        (Shape::Text, Plain::Bool(_) | Plain::Number(_) | Plain::Text(_)) => {
            Ok(Value::text(plain.scalar().unwrap_or_default()))
        }
        _ => wrong(),
    }
}

fn word(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "text",
        Shape::Whole => "a whole number above 0",
        Shape::Flag => "`true` or `false`",
        Shape::Date => "a date (`YYYY-MM-DD`)",
        Shape::Number => "a number",
        Shape::CustomFields => "a map from field names to `{ attribute: {..} }`",
        Shape::Structure => "a structure that only SalesByte writes",
    }
}

/// A fact as it goes into a request; `None` for nothing.
pub fn to_plain(value: &Value) -> Option<Plain> {
    match value {
        Value::Empty => None,
        Value::Text(text) => Some(Plain::Text(text.clone())),
        Value::Number(n) => Some(Plain::Number(*n)),
        Value::Bool(flag) => Some(Plain::Bool(*flag)),
        Value::Date(date) => Some(Plain::Text(date.to_string())),
        Value::Ref { id, .. } => Some(Plain::Text(id.clone())),
        Value::Plain(plain) => Some(plain.clone()),
    }
}

/// A custom field's value as a fact.
pub fn of_field(plain: &Plain) -> Value {
    match plain {
        Plain::Null => Value::Empty,
        Plain::Bool(flag) => Value::Bool(*flag),
        Plain::Number(n) => Value::Number(*n),
        Plain::Text(text) => Value::text(text.replace("\r\n", "\n")),
        other => Value::Plain(other.clone()),
    }
}

/// Writes a value as JSON, numbers with the digits that they have.
pub fn write_json(plain: &Plain, out: &mut String) {
    match plain {
        Plain::Null => out.push_str("null"),
        Plain::Bool(flag) => out.push_str(if *flag { "true" } else { "false" }),
        Plain::Number(n) => out.push_str(&n.to_string()),
        Plain::Text(text) => out.push_str(&Json::from(text.as_str()).to_string()),
        Plain::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(item, out);
            }
            out.push(']');
        }
        Plain::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                write_json(item, out);
            }
            out.push('}');
        }
    }
}

/// Reads a value of a record.
pub fn read_json(raw: &RawValue) -> Plain {
    // What is nested too deeply was never sent from here: it is shown as what it is.
    crate::json::read(raw.get().as_bytes()).unwrap_or_else(|e| Plain::Text(format!("({e})")))
}

/// Whether a record's field holds what was sent: a number as text, or the other way round, is the
/// same.
pub fn is_same_field(sent: &Value, there: &Value) -> bool {
    let text = |v: &Value| to_plain(v).and_then(|p| p.scalar());
    let number = |v: &Value| text(v).and_then(|t| Amount::parse(&t).ok());
    sent.same(there)
        || text(sent).is_some() && text(sent) == text(there)
        || number(sent).is_some() && number(sent) == number(there)
}

/// A phone number without spaces, hyphens, dots and brackets.
pub fn bare_phone(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}')).collect()
}

/// How a phone number looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phone {
    /// `+46` and nine digits: what SalesByte documents.
    Swedish,
    /// International, of another country or length.
    Foreign,
    /// Not international.
    Wrong,
}

/// Judges a phone number.
pub fn judge_phone(text: &str) -> Phone {
    let bare = bare_phone(text);
    let Some(digits) = bare.strip_prefix('+').filter(|d| d.bytes().all(|b| b.is_ascii_digit()))
    else {
        return Phone::Wrong;
    };
    match digits.len() {
        11 if digits.starts_with("46") => Phone::Swedish,
        8..=15 => Phone::Foreign,
        _ => Phone::Wrong,
    }
}

/// Names are compared without case and with `_`, `-` and spaces alike: a field `bank_name` is the
/// one labelled `Bank name`, unless the manifest says another label.
pub fn is_label_of(label: &str, name: &str) -> bool {
    let key = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    key(label) == key(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Plain {
        Plain::Number(Amount::parse(text).unwrap())
    }

    #[test]
    fn numbers_keep_their_digits_both_ways() {
        let mut out = String::new();
        let plain = Plain::List(vec![number("19.990"), Plain::Text("0\"1".into()), Plain::Null]);
        write_json(&plain, &mut out);
        assert_eq!(out, r#"[19.990,"0\"1",null]"#);
        let raw: Box<RawValue> = serde_json::from_str("10000000000000000.01").unwrap();
        assert_eq!(read_json(&raw), number("10000000000000000.01"));
        let raw: Box<RawValue> = serde_json::from_str("[10000000000000000.01]").unwrap();
        assert_eq!(read_json(&raw), Plain::List(vec![number("10000000000000000.01")]));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let raw: Box<RawValue> = serde_json::from_str(&deep).unwrap();
        assert!(matches!(read_json(&raw), Plain::Text(why) if why.contains("deep")));
    }

    #[test]
    fn flags_take_one_and_nought() {
        assert_eq!(from_plain(Shape::Flag, &number("1")), Ok(Value::Bool(true)));
        assert!(from_plain(Shape::Flag, &number("2")).is_err());
        assert!(from_plain(Shape::Flag, &Plain::Text("yes".into())).is_err());
        assert!(from_plain(Shape::Whole, &number("1.5")).is_err());
        assert!(from_plain(Shape::Whole, &number("-1")).is_err());
        assert_eq!(from_plain(Shape::Text, &number("7.10")), Ok(Value::text("7.10")));
    }

    #[test]
    fn phones_are_swedish_foreign_or_wrong() {
        assert_eq!(judge_phone("+46 76-874 18 10"), Phone::Swedish);
        assert_eq!(judge_phone("+1 555 123 4567"), Phone::Foreign);
        for bad in ["0768741810", "", "+", "+46abc", "+123"] {
            assert_eq!(judge_phone(bad), Phone::Wrong, "{bad}");
        }
    }

    #[test]
    fn what_is_sent_as_a_number_may_come_back_as_text() {
        let n = Value::Number(Amount::parse("4").unwrap());
        assert!(is_same_field(&n, &Value::text("4.0")));
        assert!(is_same_field(&Value::Bool(true), &Value::text("true")));
        assert!(!is_same_field(&n, &Value::text("5")));
        assert!(!is_same_field(&Value::text("x"), &Value::Empty));
    }

    #[test]
    fn labels_follow_names() {
        assert!(is_label_of("Bank name", "bank_name"));
        assert!(!is_label_of("Bankens namn", "bank_name"));
    }
}
