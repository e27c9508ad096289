//! A migration in groups, for pages: what differs, what happens to fields of one kind, what is
//! unmapped.
//!
//! Purpose: ten thousand quotes lose the same few fields for the same few reasons; a page says each
//! once with its count. All renderers for people use this.

use std::collections::BTreeMap;

use crate::migrate::report::{Migration, Moved, Outcome};

/// Fields of one kind that end in one way for one reason.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Group<'m> {
    pub(super) outcome: Outcome,
    /// The field, without the keys of list elements (`items[].price`).
    pub(super) field: String,
    pub(super) why: &'m str,
    pub(super) count: usize,
    /// The first quote of the group.
    pub(super) example: &'m str,
}

/// The outcomes that a reader has to know of, gravest first.
pub(super) const WORTH: [Outcome; 5] = [
    Outcome::Impossible,
    Outcome::Lost,
    Outcome::Approximated,
    Outcome::Rounded,
    Outcome::Converted,
];

/// All groups of an outcome, largest first.
pub(super) fn groups(migration: &Migration, outcome: Outcome) -> Vec<Group<'_>> {
    let mut found: BTreeMap<(String, &str), (usize, &str)> = BTreeMap::new();
    for quote in &migration.quotes {
        for row in quote.rows.iter().filter(|r| r.outcome == outcome) {
            let slot = found
                .entry((field_of(&row.path), row.why.as_ref()))
                .or_insert((0, quote.quote.as_str()));
            slot.0 += 1;
        }
    }
    let mut all: Vec<Group<'_>> = found
        .into_iter()
        .map(|((field, why), (count, example))| Group { outcome, field, why, count, example })
        .collect();
    all.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.field.cmp(&b.field)));
    all
}

/// A path without the keys of its elements.
fn field_of(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '[' => {
                inside = true;
                out.push_str("[]");
            }
            ']' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    if out.is_empty() { "the quote".to_owned() } else { out }
}

/// Quotes whose totals are known and differ.
pub(super) fn different(migration: &Migration) -> Vec<&Moved> {
    let differs = |q: &&Moved| q.result.is_some() && q.totals.equal() == Some(false);
    migration.quotes.iter().filter(differs).collect()
}

/// `12 quotes from crm to shop: 10 totals equal, 1 differs, 1 impossible`.
pub(super) fn headline(migration: &Migration) -> String {
    let [equal, different, unknown, impossible] = migration.reconciled();
    let n = migration.quotes.len();
    let mut parts = vec![format!("{equal} with equal totals")];
    for (count, what) in [
        (different, "with another total"),
        (unknown, "whose total is known later"),
        (impossible, "impossible"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    }
    let quotes = super::wording::count(n, "quote");
    format!("{quotes} from {} to {}: {}", migration.from, migration.to, parts.join(", "))
}

/// `exact 40, converted 3, lost 2`.
pub(super) fn counts(migration: &Migration) -> String {
    let summary = migration.summary();
    let told: Vec<String> = Outcome::ALL
        .iter()
        .filter_map(|o| {
            summary.get(o.word()).filter(|n| **n > 0).map(|n| format!("{n} {}", o.word()))
        })
        .collect();
    if told.is_empty() { "no fields".to_owned() } else { format!("fields: {}", told.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_elements_are_one_kind() {
        assert_eq!(field_of("items[audit].price"), "items[].price");
        assert_eq!(field_of("fees[a.b]"), "fees[]");
        assert_eq!(field_of("expires"), "expires");
        assert_eq!(field_of(""), "the quote");
    }
}
