//! Records as answers show them.
//!
//! Invariants: values are strings; only what was asked for and the base properties are shown; a
//! property that is asked for and empty is null, one that is not defined is left out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::kind::Kind;
use super::store::{Key, Record};
use super::values::{iso, millis};
use super::{HubSpot, next_page};

/// Which properties an answer shows.
pub(super) struct Wanted {
    pub(super) names: Vec<String>,
    pub(super) history: Vec<String>,
}

impl HubSpot {
    /// The value of a property, also of those that are not stored.
    pub(super) fn value(
        &self,
        kind: Kind,
        record: &Record,
        name: &str,
        now: Timestamp,
    ) -> Option<String> {
        let (created, modified) = kind.stamps();
        if name == created {
            return Some(iso(record.created_at));
        }
        if name == modified {
            return Some(iso(record.updated_at));
        }
        if name == "hs_object_id" {
            return Some(record.id.to_string());
        }
        if matches!(name, "hs_quote_link" | "hs_pdf_download_link")
            && record
                .published_at
                .is_some_and(|at| now.duration_since(at) < millis(self.settings.link_lag))
        {
            return None;
        }
        record.get(name).map(str::to_owned)
    }

    fn shown(
        &self,
        kind: Kind,
        record: &Record,
        names: impl IntoIterator<Item = impl AsRef<str>>,
        now: Timestamp,
    ) -> Map<String, Value> {
        let mut map = Map::new();
        for name in names {
            let name = name.as_ref();
            if self.schema.get(kind, name).is_some() {
                map.insert(name.to_owned(), json!(self.value(kind, record, name, now)));
            }
        }
        map
    }

    fn frame(kind: Kind, record: &Record, properties: Map<String, Value>) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("id".to_owned(), json!(record.id.to_string()));
        map.insert("properties".to_owned(), Value::Object(properties));
        map.insert("createdAt".to_owned(), json!(iso(record.created_at)));
        map.insert("updatedAt".to_owned(), json!(iso(record.updated_at)));
        map.insert("archived".to_owned(), json!(record.archived()));
        if let Some(at) = record.archived_at {
            map.insert("archivedAt".to_owned(), json!(iso(at)));
        }
        map.insert(
            "url".to_owned(),
            json!(format!(
                "https://app.hubspot.com/contacts/62515/record/{}/{}",
                kind.type_id(),
                record.id
            )),
        );
        map
    }

    /// A record for a read: base properties and those asked for.
    pub(super) fn render(
        &self,
        kind: Kind,
        record: &Record,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Map<String, Value> {
        let base = kind.base_properties(false);
        let names = base
            .iter()
            .copied()
            .chain(wanted.names.iter().map(String::as_str))
            .chain(wanted.history.iter().map(String::as_str));
        let mut map = Self::frame(kind, record, self.shown(kind, record, names, now));
        if !wanted.history.is_empty() {
            let mut all = Map::new();
            for name in wanted.history.iter().filter(|n| self.schema.get(kind, n).is_some()) {
                all.insert(name.clone(), self.history(kind, record, name, now));
            }
            map.insert("propertiesWithHistory".to_owned(), Value::Object(all));
        }
        map
    }

    /// Newest first. A stored version knows when it was replaced, so each began when the one
    /// before it ended.
    fn history(&self, kind: Kind, record: &Record, name: &str, now: Timestamp) -> Value {
        let mut rows = Vec::new();
        let mut since = record.created_at;
        let row = |value: &str, at: Timestamp| json!({"value": value, "timestamp": iso(at), "sourceType": "INTEGRATION"});
        for version in record.history.iter().filter(|v| v.name == name) {
            rows.push(row(&version.value, since));
            since = version.at;
        }
        if let Some(value) = self.value(kind, record, name, now) {
            rows.push(row(&value, since));
        }
        rows.reverse();
        Value::Array(rows)
    }

    /// A record for the answer to a write: base properties, what was written, and what the portal
    /// derived meanwhile.
    pub(super) fn render_written(
        &self,
        kind: Kind,
        id: u64,
        written: &[(String, String)],
        before: Option<&BTreeMap<String, String>>,
        now: Timestamp,
    ) -> Map<String, Value> {
        let Some(record) = self.store.get(kind, id) else { return Map::new() };
        let mut names: BTreeSet<&str> = kind.base_properties(false).into_iter().collect();
        names.extend(written.iter().map(|(name, _)| name.as_str()));
        let changed = record
            .properties
            .iter()
            .filter(|(name, value)| before.is_none_or(|b| b.get(*name) != Some(*value)));
        names.extend(changed.map(|(name, _)| name.as_str()));
        Self::frame(kind, record, self.shown(kind, record, names, now))
    }

    /// A record for a search: what the index holds, which may be older than the record.
    pub(super) fn render_indexed(
        &self,
        kind: Kind,
        record: &Record,
        seen: &BTreeMap<String, String>,
        names: &[String],
        now: Timestamp,
    ) -> Value {
        let mut old = record.clone();
        old.properties.clone_from(seen);
        let base = kind.base_properties(names.is_empty());
        let names = base.iter().copied().chain(names.iter().map(String::as_str));
        Value::Object(Self::frame(kind, record, self.shown(kind, &old, names, now)))
    }

    /// The `associations` member of a read; absent when there is none. `spaced`: line items are
    /// seen under both spellings in live answers, so single reads use one and lists the other.
    pub(super) fn render_associations(
        &self,
        from: Key,
        kinds: &[Kind],
        spaced: bool,
    ) -> Option<Value> {
        let mut all = Map::new();
        for kind in kinds {
            let mut rows = Vec::new();
            let mut more = None;
            for ((_, id), types) in self.store.linked(from).filter(|((k, _), _)| k == kind) {
                if rows.len() >= 500 {
                    more = Some(id);
                    break;
                }
                let plain = format!("{}_to_{}", from.0.singular(), kind.singular());
                for row in super::links::render_link(from.0, *kind, types) {
                    let name = row["label"].as_str().map_or_else(
                        || plain.clone(),
                        |label| label.to_lowercase().replace(' ', "_"),
                    );
                    rows.push(json!({"id": id.to_string(), "type": name}));
                }
            }
            if rows.is_empty() {
                continue;
            }
            let name = match kind {
                Kind::LineItem if spaced => "line items",
                Kind::Template => "quote_templates",
                other => other.path(),
            };
            let mut member = json!({ "results": rows });
            if let (Some(id), Some(map)) = (more, member.as_object_mut()) {
                map.insert("paging".to_owned(), next_page(id, "/crm/v4/associations"));
            }
            all.insert(name.to_owned(), member);
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }

    /// Every record with all that is known of it, archived ones too, in a stable order.
    pub(super) fn render_all(&self) -> Value {
        let mut all = Map::new();
        for kind in Kind::ALL {
            let rows: Vec<Value> = self
                .store
                .all(kind)
                .map(|record| {
                    let mut map = Map::new();
                    map.insert("id".to_owned(), json!(record.id.to_string()));
                    map.insert("archived".to_owned(), json!(record.archived()));
                    map.insert("createdAt".to_owned(), json!(iso(record.created_at)));
                    map.insert("updatedAt".to_owned(), json!(iso(record.updated_at)));
                    map.insert("properties".to_owned(), json!(record.properties));
                    let mut links: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
                    for ((to, id), types) in self.store.linked((kind, record.id)) {
                        let row = json!({"id": id.to_string(), "types": types});
                        links.entry(to.path()).or_default().push(row);
                    }
                    map.insert("associations".to_owned(), json!(links));
                    Value::Object(map)
                })
                .collect();
            all.insert(kind.path().to_owned(), Value::Array(rows));
        }
        Value::Object(all)
    }
}
