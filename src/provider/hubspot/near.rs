//! What a person may have meant by a name that leads to no deal or company.
//!
//! Purpose: "there is none of that name" is half a message; the other half is what there is.
//! Invariants: only for names that found nothing, and for few of them, so that a broken rename of a
//! thousand references does not become a thousand searches; contacts are never listed, since a plan
//! may be public and they are people.

use super::fetch::Fetch;
use super::operation::Object;
use super::wire::Record;
use crate::provider::step::Trouble;

/// Names of one kind of record that are looked for a second time.
pub const NAMES_MAX: usize = 5;
/// Records that are shown.
const SHOWN: usize = 5;

/// The records most like a name, best first.
pub async fn near(fetch: &Fetch, object: Object, name: &str) -> Result<Vec<Record>, Trouble> {
    let (by, properties): (&str, &[&str]) = match object {
        Object::Deal => ("dealname", &["dealname"]),
        Object::Company => ("name", &["name", "domain"]),
        _ => return Ok(Vec::new()),
    };
    let words = words(name);
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = fetch.search_near(object, by, &words, properties).await?;
    // The upstream's order says nothing; ties go to the older record, so that a plan is stable.
    found.sort_by(|a, b| a.age().cmp(&b.age()));
    found.sort_by(|a, b| likeness(b, by, name).total_cmp(&likeness(a, by, name)));
    found.truncate(SHOWN);
    Ok(found)
}

/// The words of a name that tell most: the longest, none twice.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = name
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| w.chars().count() > 1)
        .map(str::to_owned)
        .collect();
    words.sort_by_key(|w| (std::cmp::Reverse(w.chars().count()), w.clone()));
    words.dedup();
    words.truncate(5);
    words
}

fn likeness(record: &Record, by: &str, name: &str) -> f64 {
    let there = record.get(by).unwrap_or_default().to_lowercase();
    strsim::normalized_damerau_levenshtein(&there, &name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_words_are_asked_for() {
        assert_eq!(words("Acme: renewal of a 2099 Acme"), ["renewal", "2099", "acme", "of"]);
        assert!(words("- / a").is_empty());
        assert_eq!(words("aa bb cc dd ee ff").len(), 5);
    }
}
