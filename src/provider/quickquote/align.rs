//! Equal but not the same: bringing what was read into the manifest's own words.
//!
//! Purpose: an address may come back as text, a date in another order, a weight in grams, an
//! e-mail in other capitals. Where a value that was read means what the manifest asks for, it is
//! replaced by the wanted one, so that the comparison that follows can be plain equality.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::facts::{Facts, Path, Plain, Value};
use crate::key::{Fingerprint, QuoteName};
use crate::money::Amount;

/// Replaces every fact that means what is wanted by what is wanted. `recorded` are the
/// fingerprints of what was last written.
pub fn align(
    quote: &QuoteName,
    want: &Facts,
    recorded: &BTreeMap<Path, Fingerprint>,
    facts: &mut Facts,
) {
    for (path, wanted) in want {
        let seen = facts.get(path).cloned().unwrap_or(Value::Empty);
        if wanted.same(&seen) {
            continue;
        }
        // An image may be copied to the shop's own host, so its address cannot be read back: what
        // was written is taken as arrived, and a change of the manifest shows as one.
        let unreadable = path.field() == "quickquote.image_url"
            && !seen.is_empty()
            && recorded.get(path) == Some(&wanted.fingerprint(quote, path));
        if unreadable || means(path, wanted, &seen) {
            facts.insert(path.clone(), wanted.clone());
        }
    }
    weights(want, facts);
}

/// Whether two values mean the same at a path.
fn means(path: &Path, wanted: &Value, seen: &Value) -> bool {
    let texts = (text(wanted), text(seen));
    match (path.as_str(), texts) {
        ("customer.email", (Some(a), Some(b))) => a.eq_ignore_ascii_case(&b),
        (p, (Some(a), Some(b))) if p.starts_with("notes.") => trimmed(&a) == trimmed(&b),
        (p, texts) if p.starts_with("fields[") => match texts {
            (Some(a), Some(b)) => {
                trimmed(&a) == trimmed(&b)
                    || options(&a) == options(&b)
                    || date(&a).is_some_and(|d| date(&b) == Some(d))
            }
            // A structure may come back as JSON text.
            _ => structure(wanted).is_some_and(|w| structure(seen) == Some(w)),
        },
        _ => false,
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(t) => Some(t.clone()),
        Value::Date(d) => Some(d.to_string()),
        _ => None,
    }
}

/// Without spaces at line ends and blank lines at the end.
pub fn trimmed(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
    lines.join("\n").trim_end().to_owned()
}

/// The options of a checklist, in any order and spacing.
fn options(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> = text.split(',').map(str::trim).collect();
    all.sort_unstable();
    all
}

/// `YYYY-MM-DD`, `MM-DD-YYYY`, or the former with a time behind it.
fn date(text: &str) -> Option<Date> {
    let day = text.split(['T', ' ']).next()?;
    let parts: Vec<&str> = day.split('-').collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let iso = if a.len() == 4 { day.to_owned() } else { format!("{c}-{a}-{b}") };
    iso.parse().ok()
}

fn structure(value: &Value) -> Option<Plain> {
    match value {
        Value::Plain(plain) => Some(texts(plain)),
        Value::Text(text) => {
            Plain::from_json(text).filter(|p| matches!(p, Plain::Map(_))).map(|p| texts(&p))
        }
        _ => None,
    }
}

/// Scalars as text and nulls left out: an address has nothing but texts.
fn texts(plain: &Plain) -> Plain {
    match plain {
        Plain::Map(map) => Plain::Map(
            map.iter()
                .filter(|(_, v)| !matches!(v, Plain::Null) && v.scalar().as_deref() != Some(""))
                .map(|(k, v)| (k.clone(), texts(v)))
                .collect(),
        ),
        other => other.scalar().map_or_else(|| other.clone(), Plain::Text),
    }
}

/// A weight is read in grams: where it is the wanted one to the gram, it is put into its words.
fn weights(want: &Facts, facts: &mut Facts) {
    for (path, wanted) in want.iter().filter(|(p, _)| p.field() == "quickquote.weight") {
        let Some(part) = path.part() else { continue };
        let unit = Path::of(part, "quickquote.weight_units");
        let (Some(Value::Text(word)), Some(weight)) = (want.get(&unit), wanted.number()) else {
            continue;
        };
        let seen = facts.get(path).and_then(Value::number);
        let near = grams(weight, word).zip(seen).and_then(|(a, b)| a.minus(b)).map(Amount::abs);
        if near.is_some_and(|gap| gap <= Amount::from_int(1)) {
            facts.insert(path.clone(), wanted.clone());
            facts.insert(unit, Value::text(word.clone()));
        }
    }
}

/// A weight in grams.
fn grams(weight: Amount, unit: &str) -> Option<Amount> {
    let factor = match unit {
        "g" => "1",
        "kg" => "1000",
        "oz" => "28.349523125",
        "lb" => "453.59237",
        _ => return None,
    };
    Some(weight.times(Amount::parse(factor).ok()?)?.round_half_up(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(path: &str, wanted: Value, seen: Value) -> bool {
        let quote = QuoteName::parse("q").unwrap();
        let path = Path::new(path);
        let want = Facts::from([(path.clone(), wanted.clone())]);
        let mut facts = Facts::from([(path.clone(), seen)]);
        align(&quote, &want, &BTreeMap::new(), &mut facts);
        facts.get(&path) == Some(&wanted)
    }

    fn t(text: &str) -> Value {
        Value::text(text)
    }

    fn json(text: &str) -> Value {
        Value::Plain(Plain::from_json(text).unwrap())
    }

    #[test]
    fn what_means_the_same_becomes_the_same() {
        assert!(run("customer.email", t("Jo@acme.example"), t("jo@ACME.example")));
        assert!(run("notes.public", t("a\nb"), t("a  \r\nb\n")));
        assert!(run("fields[1]", t("2027-01-31"), t("01-31-2027")));
        assert!(run("fields[1]", t("01-31-2027"), t("2027-01-31T00:00:00")));
        assert!(run("fields[1]", t("Audit, Links"), t("Links,Audit")));
        assert!(run(
            "fields[1]",
            json(r#"{"city":"X","zip":12}"#),
            t(r#"{"zip":"12","city":"X","line1":null}"#)
        ));
    }

    #[test]
    fn what_does_not_stays_as_it_was_read() {
        assert!(!run("customer.first_name", t("Jo"), t("jo")));
        assert!(!run("notes.public", t("a b"), t("ab")));
        assert!(!run("fields[1]", t("2027-01-31"), t("2027-02-01")));
        assert!(!run("fields[1]", json(r#"{"city":"X"}"#), t("X")));
        assert!(!run("items[a].quickquote.image_url", t("http://a"), t("http://b")));
    }

    #[test]
    fn weights_are_equal_to_the_gram() {
        let quote = QuoteName::parse("q").unwrap();
        let number = |n: &str| Value::Number(Amount::parse(n).unwrap());
        let (w, u) = ("items[a].quickquote.weight", "items[a].quickquote.weight_units");
        let want = Facts::from([(Path::new(w), number("2.5")), (Path::new(u), t("lb"))]);
        for (seen, same) in [("1134", true), ("1133", true), ("1136", false)] {
            let mut facts = Facts::from([(Path::new(w), number(seen)), (Path::new(u), t("g"))]);
            align(&quote, &want, &BTreeMap::new(), &mut facts);
            assert_eq!(facts == want, same, "{seen}");
        }
    }

    #[test]
    fn an_image_that_was_written_is_taken_as_arrived() {
        let quote = QuoteName::parse("q").unwrap();
        let path = Path::new("items[a].quickquote.image_url");
        let want = Facts::from([(path.clone(), t("https://hosted/x.jpg"))]);
        let recorded =
            BTreeMap::from([(path.clone(), t("https://hosted/x.jpg").fingerprint(&quote, &path))]);
        let mut facts = Facts::from([(path.clone(), t("https://cdn/x.jpg"))]);
        align(&quote, &want, &recorded, &mut facts);
        assert_eq!(facts, want);
        // One that was dropped is seen to be missing.
        let mut facts = Facts::new();
        align(&quote, &want, &recorded, &mut facts);
        assert!(facts.is_empty());
    }
}
