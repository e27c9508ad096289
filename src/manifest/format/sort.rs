//! Keys into their canonical order.
//!
//! Invariants: maps with keys of the user's choice keep theirs; keys that no table names stand
//! last, in the order written. What stood at the top of the file stays there, whatever key is first
//! afterwards.

use super::tree::{Body, Document, Entry, Node};
use crate::manifest::order::{self, Sort};

/// Keys of `proforma.yaml`.
const WORKSPACE: [&str; 7] = [
    "proforma",
    "workspace",
    "quotes",
    "catalog",
    "default_connection",
    "connections",
    "guardrails",
];
/// Keys of a connection.
pub(super) const CONNECTION: [&str; 14] = [
    "provider",
    "uuid",
    "token",
    "base_url",
    "rate",
    "concurrency",
    "currency",
    "quote_system",
    "stamp",
    "stamp_property",
    "quote_profile_id",
    "stamp_field",
    "visibility",
    "defaults",
];
/// Keys of `guardrails`.
const GUARDRAILS: [&str; 10] = [
    "max_creates",
    "max_updates",
    "max_deletes",
    "max_discount",
    "max_price_change",
    "max_total",
    "min_days_to_expiry",
    "recipients",
    "quiet_hours",
    "allow",
];
const QUIET_HOURS: [&str; 4] = ["from", "to", "zone", "days"];
const STAMP_FIELD: [&str; 2] = ["name", "label"];
const CREDENTIAL: [&str; 2] = ["env", "file"];

/// Sorts every map of every document.
pub(super) fn sort(stream: &mut [Document<'_>]) {
    for document in stream {
        let Some(root) = &mut document.root else { continue };
        let Body::Map(entries) = &root.body else { continue };
        let has = |key: &str| entries.iter().any(|e| e.name == key);
        let table: fn(&[String]) -> Option<&'static [&'static str]> = if has("quote") {
            |path| order::keys_at(Sort::Quote, &path.join("."))
        } else if has("product") {
            |path| order::keys_at(Sort::Product, &path.join("."))
        } else if has("proforma") {
            workspace_keys
        } else {
            |_| None
        };
        arrange(root, &mut Vec::new(), table);
    }
}

fn arrange(
    node: &mut Node<'_>,
    path: &mut Vec<String>,
    table: fn(&[String]) -> Option<&'static [&'static str]>,
) {
    match &mut node.body {
        Body::Scalar { .. } => {}
        Body::List(elements) => {
            // `items` and `[]` are one segment, as in the table.
            let last = path.pop().unwrap_or_default();
            path.push(format!("{last}[]"));
            for element in elements {
                arrange(&mut element.value, path, table);
            }
            path.pop();
            path.push(last);
        }
        Body::Map(entries) => {
            if let Some(keys) = table(path) {
                let place = |e: &Entry<'_>| keys.iter().position(|k| *k == e.name);
                entries.sort_by_key(|e| place(e).unwrap_or(keys.len()));
            }
            for entry in entries {
                path.push(entry.name.clone());
                arrange(&mut entry.value, path, table);
                path.pop();
            }
        }
    }
}

/// The keys at a path of the workspace file.
fn workspace_keys(path: &[String]) -> Option<&'static [&'static str]> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    Some(match path.as_slice() {
        [] => &WORKSPACE,
        ["guardrails"] => &GUARDRAILS,
        ["guardrails", "quiet_hours"] => &QUIET_HOURS,
        ["connections", _] => &CONNECTION,
        ["connections", _, "stamp_field"] => &STAMP_FIELD,
        ["connections", _, "token" | "uuid"] => &CREDENTIAL,
        ["connections", _, "defaults"] => &order::QUOTE,
        ["connections", _, "defaults", rest @ ..] => {
            return order::keys_at(Sort::Quote, &rest.join("."));
        }
        _ => return None,
    })
}
