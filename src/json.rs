//! JSON whose numbers stay as they were written.
//!
//! Purpose: money that crosses a wire as a JSON number must not pass through a binary float on
//! its way. [`read()`] and [`write()`] go between JSON text and [`Plain`], digit for digit.
//!
//! Invariants: a number that cannot be held exactly is kept as text, so it shows up as a
//! difference and is never rounded in silence. Nesting is bounded, so no input can exhaust the
//! stack; the number of values is, so that memory stays within a few times the text.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::facts::Plain;
use crate::money::Amount;

/// Deepest nesting that is read. A saved plan writes two levels of JSON for each, in a place that
/// is some ten levels deep itself, and `serde_json` reads 128: a plan that was saved can be read.
pub const MAX_DEPTH: usize = 48;
/// Values of one text. A byte or two of text are some fifty bytes of a value; an answer of 64 MiB
/// with records in it has no more than this.
pub const MAX_VALUES: usize = 2_000_000;
/// The largest shift of the decimal point by an exponent.
const MAX_SHIFT: i32 = 40;

/// Why a text is no JSON that can be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JsonError {
    /// It is not JSON.
    #[error("it is no JSON (line {line}, column {column})")]
    Syntax {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// It is nested too deeply.
    #[error("it is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// It holds too many values.
    #[error("it holds more than {MAX_VALUES} values")]
    TooMany,
}

impl From<serde_json::Error> for JsonError {
    fn from(e: serde_json::Error) -> Self {
        Self::Syntax { line: e.line(), column: e.column() }
    }
}

/// Reads JSON. Of a member that is written twice, the last one counts.
pub fn read(bytes: &[u8]) -> Result<Plain, JsonError> {
    read_within(bytes, MAX_VALUES)
}

fn read_within(bytes: &[u8], values: usize) -> Result<Plain, JsonError> {
    // The whole is checked first, so that an error has its line and column.
    let raw: &RawValue = serde_json::from_slice(bytes)?;
    Reading { left: values }.value(raw.get(), 0)
}

/// One reading, with what it may still make.
struct Reading {
    left: usize,
}

impl Reading {
    fn value(&mut self, raw: &str, depth: usize) -> Result<Plain, JsonError> {
        if depth > MAX_DEPTH {
            return Err(JsonError::TooDeep);
        }
        self.left = self.left.checked_sub(1).ok_or(JsonError::TooMany)?;
        let raw = raw.trim();
        Ok(match raw.as_bytes().first() {
            Some(b'{' | b'[') => {
                let mut wrong = None;
                let inside = Inside { reading: self, depth: depth + 1, wrong: &mut wrong };
                let read = inside.deserialize(&mut serde_json::Deserializer::from_str(raw));
                match (wrong, read) {
                    (Some(wrong), _) => return Err(wrong),
                    (None, read) => read?,
                }
            }
            Some(b'"') => Plain::Text(serde_json::from_str(raw)?),
            Some(b't' | b'f') => Plain::Bool(serde_json::from_str(raw)?),
            Some(b'n') => Plain::Null,
            _ => number(raw).map_or_else(|| Plain::Text(raw.to_owned()), Plain::Number),
        })
    }
}

/// What is inside of one list or object: each value is a stretch of the text, read at once and
/// forgotten, so that nothing is held but the text and what was made of it.
struct Inside<'r> {
    reading: &'r mut Reading,
    depth: usize,
    /// What was wrong, where it is not the text.
    wrong: &'r mut Option<JsonError>,
}

impl Inside<'_> {
    fn one<E: serde::de::Error>(&mut self, raw: &RawValue) -> Result<Plain, E> {
        self.reading.value(raw.get(), self.depth).map_err(|wrong| {
            *self.wrong = Some(wrong);
            E::custom("told already")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Inside<'_> {
    type Value = Plain;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Plain, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = Plain;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut from: A) -> Result<Plain, A::Error> {
        let mut items = Vec::new();
        while let Some(raw) = from.next_element::<&RawValue>()? {
            items.push(self.one(raw)?);
        }
        Ok(Plain::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut from: A) -> Result<Plain, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((key, raw)) = from.next_entry::<String, &RawValue>()? {
            members.insert(key, self.one(raw)?);
        }
        Ok(Plain::Map(members))
    }
}

/// A JSON number as an exact amount; an exponent only moves the point.
pub fn number(raw: &str) -> Option<Amount> {
    let Some((mantissa, exponent)) = raw.split_once(['e', 'E']) else {
        return Amount::parse(raw).ok();
    };
    let shift: i32 = exponent.trim_start_matches('+').parse().ok()?;
    if shift.abs() > MAX_SHIFT {
        return None;
    }
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    let point = i32::try_from(whole.len()).ok()?.checked_add(shift)?;
    let (before, after) = if point <= 0 {
        let zeros = usize::try_from(point.unsigned_abs()).ok()?;
        ("0".to_owned(), format!("{}{all}", "0".repeat(zeros)))
    } else {
        let point = usize::try_from(point).ok()?;
        match all.split_at_checked(point) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (format!("{all}{}", "0".repeat(point - all.len())), String::new()),
        }
    };
    let before = before.trim_start_matches('0');
    let before = if before.is_empty() { "0" } else { before };
    let text = if after.is_empty() {
        format!("{sign}{before}")
    } else {
        format!("{sign}{before}.{after}")
    };
    Amount::parse(&text).ok()
}

/// Writes JSON, members in order of their names.
pub fn write(plain: &Plain) -> String {
    let mut out = String::new();
    put(&mut out, plain);
    out
}

fn put(out: &mut String, plain: &Plain) {
    match plain {
        Plain::Null => out.push_str("null"),
        Plain::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Plain::Number(n) => {
            // Writing to a String cannot fail.
            let _ = write!(out, "{n}");
        }
        Plain::Text(t) => text(out, t),
        Plain::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                put(out, item);
            }
            out.push(']');
        }
        Plain::Map(map) => {
            out.push('{');
            for (i, (key, item)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                text(out, key);
                out.push(':');
                put(out, item);
            }
            out.push('}');
        }
    }
}

fn text(out: &mut String, text: &str) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// Readers of members, for values that came from [`read`].
impl Plain {
    /// The value as JSON, with numbers as they were written.
    pub fn to_json(&self) -> String {
        write(self)
    }

    /// A member of a map.
    pub fn get(&self, name: &str) -> Option<&Plain> {
        match self {
            Self::Map(map) => map.get(name),
            _ => None,
        }
    }

    /// The text, if it is text that is not empty.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(t) if !t.is_empty() => Some(t),
            _ => None,
        }
    }

    /// The number, whether it is written as a number or as text.
    pub fn as_number(&self) -> Option<Amount> {
        match self {
            Self::Number(n) => Some(*n),
            Self::Text(t) => number(t),
            _ => None,
        }
    }

    /// The elements; none where it is no list.
    pub fn items(&self) -> &[Plain] {
        match self {
            Self::List(items) => items,
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_at_its_deepest_can_be_saved_and_read_again() {
        let lists = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        let deepest = read(lists(MAX_DEPTH + 1).as_bytes()).unwrap();
        assert!(read(lists(MAX_DEPTH + 2).as_bytes()).is_err());
        let saved = serde_json::to_string(&deepest).unwrap();
        let within = format!("{}{saved}{}", "[".repeat(20), "]".repeat(20));
        assert!(serde_json::from_str::<serde_json::Value>(&within).is_ok());
        assert_eq!(serde_json::from_str::<Plain>(&saved).unwrap(), deepest);
    }

    #[test]
    fn values_are_counted_wherever_they_stand() {
        let text = br#"{"a":[1,"b",null],"a":{"c":true},"d":[]}"#;
        assert!(read_within(text, 8).is_ok());
        assert_eq!(read_within(text, 7), Err(JsonError::TooMany));
        assert_eq!(
            read(text).map(|read| write(&read)).as_deref(),
            Ok(r#"{"a":{"c":true},"d":[]}"#)
        );
        let many = format!("[[{}0]]", "0,".repeat(MAX_VALUES));
        assert_eq!(read(many.as_bytes()), Err(JsonError::TooMany));
        // A text that is no JSON is told as that, however much of it there is.
        let broken = format!("[{}", "0,".repeat(MAX_VALUES + 1));
        assert!(matches!(read(broken.as_bytes()), Err(JsonError::Syntax { line: 1, .. })));
    }

    #[test]
    fn digits_survive_both_ways() {
        for text in [
            r#"{"a":19.990,"b":[-0.50,12000.00,"12.0"],"c":{"d":null,"e":true}}"#,
            r#"{"large":123456789012345678.12}"#,
            "\"line\\nbreak \u{e5}\"",
        ] {
            assert_eq!(write(&read(text.as_bytes()).unwrap()), text);
        }
    }

    #[test]
    fn an_exponent_moves_the_point() {
        for (raw, plain) in [
            ("1.2E7", "12000000"),
            ("1e3", "1000"),
            ("-1.05e-3", "-0.00105"),
            ("1.25E1", "12.5"),
            ("0.5e1", "5"),
            ("10e+0", "10"),
        ] {
            assert_eq!(number(raw).map(|n| n.to_string()).as_deref(), Some(plain), "{raw}");
        }
        assert_eq!(number("1e400"), None);
        assert_eq!(read(b"1e400"), Ok(Plain::Text("1e400".to_owned())));
    }

    #[test]
    fn nonsense_and_depth_are_refused() {
        for bad in ["", "{", "{\"a\":}", "[1,]", "tru", "<html>"] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(read(deep.as_bytes()), Err(JsonError::TooDeep));
    }
}
