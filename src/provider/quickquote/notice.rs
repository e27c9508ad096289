//! What a reviewer should know of changes: what the customer notices, and which lines are deleted
//! and added again because the shop lets nothing but their quantity be changed.

use std::collections::{BTreeMap, BTreeSet};

use super::body::is_catalogue;
use crate::facts::{Path, Value};
use crate::plan::model::Change;
use crate::provider::survey::Observed;

/// Whether a change of a catalogue line can be written in place.
pub fn is_in_place(field: &str) -> bool {
    matches!(field, "quantity" | "properties")
}

/// Whether the customer sees a path.
pub fn is_visible(path: &Path) -> bool {
    !matches!(path.as_str(), "notes.internal" | "tags" | "owner" | "customer.id")
}

fn key_of(part: &str) -> &str {
    part.split_once('[').map_or(part, |(_, key)| key.trim_end_matches(']'))
}

/// The changed fields of each line.
fn by_line(changes: &[Change]) -> BTreeMap<&str, Vec<&Change>> {
    let mut lines: BTreeMap<&str, Vec<&Change>> = BTreeMap::new();
    for change in changes.iter().filter(|c| c.planned && c.path.list() == Some("items")) {
        if let Some(part) = change.path.part() {
            lines.entry(part).or_default().push(change);
        }
    }
    lines
}

/// Whether the changes of a line that is there mean that it goes and comes again.
pub fn is_added_again(part: &str, fields: &BTreeSet<&str>, observed: &Observed) -> bool {
    let moves = fields.contains("quickquote.variant_id");
    let catalogue = is_catalogue(&observed.facts, part);
    moves || (catalogue && fields.iter().any(|f| !is_in_place(f)))
}

/// Notices on every quote that is edited.
pub fn remarks(changes: &[Change], observed: &Observed) -> Vec<String> {
    let mut out = Vec::new();
    for (part, changes) in by_line(changes) {
        let removed = changes.iter().all(|c| c.after.is_none());
        let fields: BTreeSet<&str> = changes.iter().map(|c| c.path.field()).collect();
        if observed.parts.contains_key(part) && !removed && is_added_again(part, &fields, observed)
        {
            let key = key_of(part);
            out.push(format!(
                "line {key} is deleted and added again, at the end: of a catalogue line Quick Quote lets only the quantity be changed"
            ));
        }
    }
    out
}

/// What the customer would notice on a quote that was mailed.
pub fn noticed(changes: &[Change]) -> Vec<String> {
    let visible: Vec<&Change> =
        changes.iter().filter(|c| c.planned && is_visible(&c.path)).collect();
    let money = |c: &&Change| {
        matches!(c.path.list(), Some("items" | "discounts"))
            || c.path.as_str().starts_with("shipping.")
    };
    let mut out = Vec::new();
    if visible.iter().any(money) {
        out.push("the total changes on the page that the customer already has".to_owned());
    }
    let nothing = |v: Option<&Value>| v.is_none_or(Value::is_empty);
    for (part, lines) in by_line(changes) {
        let key = key_of(part);
        if lines.iter().all(|c| nothing(c.before.as_ref())) {
            out.push(format!("the item {key} appears"));
        } else if lines.iter().all(|c| nothing(c.after.as_ref())) {
            out.push(format!("the item {key} disappears"));
        }
        for change in lines.iter().filter(|c| matches!(c.path.field(), "price" | "quantity")) {
            let numbers = (
                change.before.as_ref().and_then(Value::number),
                change.after.as_ref().and_then(Value::number),
            );
            if let (Some(before), Some(after)) = numbers {
                let verb = if after < before { "falls" } else { "rises" };
                out.push(format!("the {} of {key} {verb}", change.path.field()));
            }
        }
    }
    if visible.iter().any(|c| c.path.as_str() == "notes.public") {
        out.push("the note to the customer changes".to_owned());
    }
    if visible.iter().any(|c| c.path.as_str() == "customer.email") {
        out.push("later mails go to another address; the earlier one went to the old".to_owned());
    }
    out
}
