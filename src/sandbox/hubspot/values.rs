//! Values: what is accepted on a write, and how it is kept.
//!
//! Invariants: a kept value is a string; every bad value of a request is reported at once; a
//! decimal text is kept as it was written, to the digit.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::errors::{BadValue, Refusal};
use super::schema::{Definition, ValueType};
use crate::money::Amount;

/// The longest string value.
const LONGEST: usize = 65_536;

/// An instant the way the API writes it: milliseconds, and no fraction where it is nought.
pub(crate) fn iso(at: Timestamp) -> String {
    if at.as_millisecond() % 1000 == 0 {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    } else {
        at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
    }
}

/// The `properties` member of a body as texts. Numbers and booleans become texts; null, lists and
/// objects are not property values.
pub(crate) fn texts(properties: &Map<String, Value>) -> Result<Vec<(String, String)>, Refusal> {
    properties
        .iter()
        .map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => {
                    let text = number.to_string();
                    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
                }
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(Refusal::json(
                        format!("Cannot deserialize value of property `{name}` as a string"),
                        1,
                        1,
                    ));
                }
            };
            Ok((name.clone(), text))
        })
        .collect()
}

/// Checks one value against its definition and gives the form in which it is kept. `old` is what
/// stands there now, for `;`-joined values that append.
pub(crate) fn normalise(
    definition: &Definition,
    value: &str,
    old: Option<&str>,
    owner_exists: impl Fn(&str) -> bool,
) -> Result<String, BadValue> {
    let name = definition.name.as_str();
    if value.is_empty() {
        return Ok(String::new());
    }
    match definition.value_type {
        ValueType::String => {
            if value.chars().count() > LONGEST {
                let message = format!("{name} is longer than {LONGEST} characters");
                return Err(BadValue::new(name, "PROPERTY_VALUE_TOO_LONG", message));
            }
            // Addresses are unique whatever their case.
            Ok(if name == "email" { value.to_lowercase() } else { value.to_owned() })
        }
        ValueType::Number => match number(value) {
            Some(_) => Ok(value.to_owned()),
            None => Err(BadValue::new(
                name,
                "INVALID_INTEGER",
                format!("{value} was not a valid number."),
            )),
        },
        ValueType::Bool => match value.to_ascii_lowercase().as_str() {
            "true" => Ok("true".to_owned()),
            "false" => Ok("false".to_owned()),
            _ => Err(BadValue::new(
                name,
                "INVALID_OPTION",
                format!("{value} was not one of the allowed options: [true, false]"),
            )),
        },
        ValueType::Date => date(value).map(|d| d.to_string()).ok_or_else(|| {
            BadValue::new(name, "INVALID_DATE", format!("{value} was not a valid date."))
        }),
        ValueType::Datetime => instant(value).map(iso).ok_or_else(|| {
            BadValue::new(name, "INVALID_LONG", format!("{value} was not a valid long."))
        }),
        ValueType::Enumeration => {
            let known = |v: &str| {
                if definition.owners {
                    owner_exists(v)
                } else {
                    definition.options.iter().any(|(option, _)| option == v)
                }
            };
            let (appends, list) =
                value.strip_prefix(';').map_or((false, value), |rest| (true, rest));
            let parts: Vec<&str> =
                if definition.multiple() { list.split(';').collect() } else { vec![value] };
            if let Some(bad) = parts.iter().find(|p| !known(p)) {
                let names: Vec<&str> = definition.options.iter().map(|(v, _)| v.as_str()).collect();
                return Err(BadValue::new(
                    name,
                    "INVALID_OPTION",
                    format!("{bad} was not one of the allowed options: [{}]", names.join(", ")),
                ));
            }
            if !(definition.multiple() && appends) {
                return Ok(value.to_owned());
            }
            let mut all: Vec<&str> =
                old.unwrap_or_default().split(';').filter(|p| !p.is_empty()).collect();
            all.extend(parts.into_iter().filter(|p| !p.is_empty()));
            let mut seen = std::collections::BTreeSet::new();
            all.retain(|p| seen.insert(*p));
            Ok(all.join(";"))
        }
    }
}

/// A plain decimal.
pub(crate) fn number(text: &str) -> Option<Amount> {
    Amount::parse(text).ok()
}

/// `YYYY-MM-DD`, midnight in ISO form, or epoch milliseconds of a UTC midnight.
pub(crate) fn date(text: &str) -> Option<Date> {
    if text.len() == 10 {
        return text.parse().ok();
    }
    let at = instant(text)?.to_zoned(TimeZone::UTC).datetime();
    (at.time() == Time::midnight()).then(|| at.date())
}

/// ISO 8601 with zone, a bare date (its UTC midnight), or epoch milliseconds.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(millis) = text.parse::<i64>() {
        return Timestamp::from_millisecond(millis).ok();
    }
    if text.len() == 10 {
        let day: Date = text.parse().ok()?;
        return day.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    }
    text.parse().ok()
}

/// A whole number of milliseconds as a duration.
pub(crate) fn millis(ms: u64) -> SignedDuration {
    SignedDuration::from_millis(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_in_three_forms() {
        assert_eq!(date("2027-01-31").unwrap().to_string(), "2027-01-31");
        assert_eq!(date("1801353600000").unwrap().to_string(), "2027-01-31");
        assert_eq!(date("2027-01-31T00:00:00Z").unwrap().to_string(), "2027-01-31");
        for bad in ["2027-02-30", "1801353600001", "2027-01-31T10:00:00Z", "31/01/2027", "soon"] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn instants_lose_a_fraction_of_nought() {
        assert_eq!(
            iso(Timestamp::from_millisecond(1_801_353_600_000).unwrap()),
            "2027-01-31T00:00:00Z"
        );
        assert_eq!(
            iso(Timestamp::from_millisecond(1_801_353_600_120).unwrap()),
            "2027-01-31T00:00:00.120Z"
        );
    }

    #[test]
    fn numbers_keep_their_digits_and_nothing_odd_passes() {
        let body: Value = serde_json::json!({"a": 178, "b": "19.990", "c": true, "d": 2.5});
        let texts = texts(body.as_object().unwrap()).unwrap();
        let values: Vec<&str> = texts.iter().map(|(_, v)| v.as_str()).collect();
        assert_eq!(values, ["178", "19.990", "true", "2.5"]);
        for bad in [serde_json::json!({"a": null}), serde_json::json!({"a": []})] {
            assert!(super::texts(bad.as_object().unwrap()).is_err());
        }
        assert!(number("1,5").is_none());
    }
}
