//! The reading order of changes: money and content before plumbing, lists in the manifest's order.

use std::collections::HashMap;

use super::model::Change;
use crate::facts::{Facts, Path, Value};

/// Sorts changes for a reader: quote-level fields first, then items by position, then discounts,
/// fees, taxes, then references and native fields; within an element in the order that a person
/// says a line (name, quantity, price, discount).
pub fn sort(changes: &mut [Change], want: &Facts, observed: Option<&Facts>) {
    let mut places: HashMap<&str, i64> = HashMap::new();
    for facts in observed.into_iter().chain([want]) {
        for (path, value) in facts {
            if path.field() == "position"
                && let (Some(part), Value::Number(n)) = (path.part(), value)
            {
                places.insert(part, n.to_int().unwrap_or(i64::MAX));
            }
        }
    }
    changes.sort_by_cached_key(|change| {
        let path = &change.path;
        let place = path.part().and_then(|p| places.get(p).copied()).unwrap_or(i64::MAX);
        (
            section(path),
            place,
            path.part().map(str::to_owned),
            field_rank(path.field()),
            path.clone(),
        )
    });
}

fn section(path: &Path) -> usize {
    const HEADS: [&str; 20] = [
        "quote",
        "title",
        "state",
        "expires",
        "currency",
        "customer",
        "contacts",
        "company",
        "deal",
        "owner",
        "template",
        "items",
        "discounts",
        "fees",
        "taxes",
        "shipping",
        "alternatives",
        "notes",
        "tags",
        "fields",
    ];
    let text = path.as_str();
    let head = text.split(['.', '[']).next().unwrap_or(text);
    HEADS.iter().position(|h| *h == head).unwrap_or(HEADS.len())
}

fn field_rank(field: &str) -> usize {
    const FIELDS: [&str; 14] = [
        "label",
        "name",
        "sku",
        "quantity",
        "price",
        "discount.percent",
        "discount.amount",
        "percent",
        "amount",
        "recurring.every",
        "recurring.for",
        "currency",
        "description",
        "position",
    ];
    FIELDS.iter().position(|f| *f == field).unwrap_or(FIELDS.len())
}
