//! Records: create, read, list, update, archive, one at a time.
//!
//! The one thing to know: [`HubSpot::make`] and [`HubSpot::change`] are the only doors through
//! which API writes reach a record; batches use them row by row. They leave half-done work behind
//! when they fail: the caller rolls back.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::checks::required;
use super::errors::Refusal;
use super::kind::Kind;
use super::links::target_of;
use super::render::Wanted;
use super::schema::{Mode, ValueType};
use super::store::{Key, Record};
use super::values::{self, millis};
use super::{Done, HubSpot, next_page, read_id, read_limit, read_object};
use crate::sandbox::upstream::{Call, Moment};

/// Written values by name, checked or not.
pub(super) type Values = Vec<(String, String)>;

/// A link asked for in a creation.
#[derive(Debug)]
pub(super) struct InlineLink {
    to: Kind,
    id: String,
    types: Vec<u32>,
}

impl InlineLink {
    pub(super) fn leads_to(&self, kind: Kind) -> bool {
        self.to == kind
    }
}

impl HubSpot {
    pub(super) fn list(
        &self,
        kind: Kind,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let (wanted, links) = read_wanted(call)?;
        let cap = if wanted.history.is_empty() { 100 } else { 50 };
        let limit = read_limit(call.param("limit"), 10, cap)?;
        let after: u64 = match call.param("after") {
            None | Some("") => 0,
            Some(text) => text
                .parse()
                .map_err(|_| Refusal::invalid(format!("Invalid paging cursor: {text}")))?,
        };
        let archived = call.param("archived") == Some("true");
        let mut rows = Vec::new();
        let mut more = None;
        for record in self.store.from(kind, after).filter(|r| r.archived() == archived) {
            if rows.len() >= limit {
                more = Some(record.id);
                break;
            }
            let mut row = self.render(kind, record, &wanted, m.now);
            if let Some(links) = self.render_associations((kind, record.id), &links, false) {
                row.insert("associations".to_owned(), links);
            }
            rows.push(Value::Object(row));
        }
        let mut body = json!({ "results": rows });
        if let (Some(id), Some(map)) = (more, body.as_object_mut()) {
            let path = format!("/crm/v3/objects/{}", kind.path());
            map.insert("paging".to_owned(), next_page(id, &path));
        }
        Ok(Done::ok(body))
    }

    pub(super) fn read_one(
        &self,
        kind: Kind,
        id: &str,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let (wanted, links) = read_wanted(call)?;
        let archived = call.param("archived") == Some("true");
        let found = self.resolve(kind, id, call.param("idProperty"), archived)?;
        let record = self.store.get(kind, found).ok_or_else(|| Refusal::missing(id))?;
        let mut row = self.render(kind, record, &wanted, m.now);
        if let Some(links) = self.render_associations((kind, found), &links, true) {
            row.insert("associations".to_owned(), links);
        }
        Ok(Done::ok(Value::Object(row)))
    }

    pub(super) fn create_one(
        &mut self,
        kind: Kind,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let body = read_object(&call.body)?;
        let (id, written) = self.make(kind, &body, m)?;
        let row = self.render_written(kind, id, &written, None, m.now);
        let at = format!("https://api.hubapi.com/crm/v3/objects/{}/{id}", kind.path());
        Ok(Done::created(Value::Object(row), Some(at)))
    }

    pub(super) fn update_one(
        &mut self,
        kind: Kind,
        id: &str,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let found = self.resolve(kind, id, call.param("idProperty"), false)?;
        let body = read_object(&call.body)?;
        let (before, written) = self.change(kind, found, &body, m)?;
        let row = self.render_written(kind, found, &written, Some(&before), m.now);
        Ok(Done::ok(Value::Object(row)))
    }

    pub(super) fn archive_one(
        &mut self,
        kind: Kind,
        id: &str,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let number: u64 = id.parse().map_err(|_| Refusal::missing(id))?;
        if self.store.get(kind, number).is_none() {
            return Err(Refusal::missing(id));
        }
        self.discard(kind, number, m)?;
        Ok(Done::empty())
    }

    /// `POST /crm/objects/{date}/{o}/merge`: the first record stays, takes over the links and
    /// fills its gaps from the second, which is archived.
    pub(super) fn merge(
        &mut self,
        kind: Kind,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let body = read_object(&call.body)?;
        let mut ids = Vec::new();
        for name in ["primaryObjectId", "objectIdToMerge"] {
            let id = read_id(body.get(name)).map_err(|_| Refusal::member(name))?;
            ids.push(self.resolve(kind, &id, None, false)?);
        }
        let [primary, other] = ids.as_slice() else {
            return Err(Refusal::member("objectIdToMerge"));
        };
        if primary == other {
            return Err(Refusal::invalid("A record cannot be merged with itself"));
        }
        self.refuse_if_locked((kind, *primary))?;
        let links: Vec<Key> = self.store.linked((kind, *other)).map(|(key, _)| key).collect();
        let gaps: Values = match (self.store.live(kind, *primary), self.store.live(kind, *other)) {
            (Some(first), Some(second)) => second
                .properties
                .iter()
                .filter(|(name, _)| {
                    first.get(name).is_none()
                        && self
                            .schema
                            .get(kind, name)
                            .is_some_and(|d| d.mode == Mode::Writable && !d.unique)
                })
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect(),
            _ => Vec::new(),
        };
        for link in &links {
            self.disconnect((kind, *other), *link, &[], m)?;
        }
        self.discard(kind, *other, m)?;
        self.write(kind, *primary, gaps, m);
        for (to, id) in links {
            // What the primary already has one of stays as it is.
            let _ = self.connect((kind, *primary), to, &id.to_string(), &[], m);
        }
        let row = self.render_written(kind, *primary, &[], None, m.now);
        Ok(Done::with(StatusCode::OK, Value::Object(row)))
    }

    /// The record that an id or a unique value names.
    pub(super) fn resolve(
        &self,
        kind: Kind,
        id: &str,
        id_property: Option<&str>,
        archived: bool,
    ) -> Result<u64, Refusal> {
        if let Some(name) = id_property.filter(|n| *n != "hs_object_id") {
            self.require_unique(kind, name)?;
            let value = if name == "email" { id.to_lowercase() } else { id.to_owned() };
            return self.store.holder(kind, name, &value).ok_or_else(|| Refusal::missing("0"));
        }
        let number: u64 = id.parse().map_err(|_| Refusal::missing(id))?;
        match self.store.get(kind, number) {
            Some(record) if record.archived() == archived => Ok(number),
            _ => Err(Refusal::missing(id)),
        }
    }

    pub(super) fn require_unique(&self, kind: Kind, name: &str) -> Result<(), Refusal> {
        if self.schema.get(kind, name).is_some_and(|d| d.unique) {
            return Ok(());
        }
        Err(Refusal::invalid(format!(
            "{name} is not a unique property of {} and cannot be used as idProperty",
            kind.shout()
        )))
    }

    /// Creates a record from a body with `properties` and `associations`.
    pub(super) fn make(
        &mut self,
        kind: Kind,
        body: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<(u64, Values), Refusal> {
        let properties = read_properties(body)?;
        let links = read_links(kind, body)?;
        self.make_from(kind, properties, &links, m)
    }

    pub(super) fn make_from(
        &mut self,
        kind: Kind,
        properties: Values,
        links: &[InlineLink],
        m: &mut Moment<'_>,
    ) -> Result<(u64, Values), Refusal> {
        let properties = self.without_dropped(properties);
        let mut checked = self.check_values(kind, None, properties)?;
        let missing: Vec<&str> = required(kind)
            .iter()
            .copied()
            .filter(|name| !checked.iter().any(|(n, v)| n == name && !v.is_empty()))
            .collect();
        if !missing.is_empty() {
            return Err(Refusal::required(kind, &missing));
        }
        let id = self.store.fresh_id(kind);
        let status = if kind == Kind::Quote { self.prepare_quote(&mut checked, m)? } else { None };
        if kind == Kind::LineItem {
            self.copy_product(&mut checked)?;
        }
        self.check_unique(kind, id, &checked)?;
        let mut record = Record::new(id, m.now);
        record.properties =
            checked.iter().filter(|(_, v)| !v.is_empty()).cloned().collect::<BTreeMap<_, _>>();
        self.check_record(kind, &record)?;
        self.store.put(kind, record);
        for link in links {
            self.connect((kind, id), link.to, &link.id, &link.types, m)?;
        }
        if kind == Kind::Quote {
            self.begin_quote(id, status.as_deref(), links, m)?;
        }
        self.recompute((kind, id), m);
        Ok((id, checked))
    }

    /// Updates a record from a body with `properties`; gives what stood there before.
    pub(super) fn change(
        &mut self,
        kind: Kind,
        id: u64,
        body: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<(BTreeMap<String, String>, Values), Refusal> {
        let properties = self.without_dropped(read_properties(body)?);
        let before = self
            .store
            .live(kind, id)
            .map(|r| r.properties.clone())
            .ok_or_else(|| Refusal::missing(&id.to_string()))?;
        let checked = self.check_values(kind, Some(id), properties)?;
        self.check_unique(kind, id, &checked)?;
        if kind == Kind::Quote {
            self.change_quote(id, checked.clone(), m)?;
        } else {
            self.refuse_if_locked((kind, id))?;
            let mut full = checked.clone();
            if kind == Kind::LineItem {
                self.copy_product(&mut full)?;
            }
            self.write(kind, id, full, m);
            let touched = self.store.get(kind, id).cloned();
            if let Some(record) = touched {
                self.check_record(kind, &record)?;
            }
            self.recompute((kind, id), m);
        }
        Ok((before, checked))
    }

    /// Archives a record (again is no error), and what goes with it.
    pub(super) fn discard(
        &mut self,
        kind: Kind,
        id: u64,
        m: &mut Moment<'_>,
    ) -> Result<(), Refusal> {
        let Some(record) = self.store.live(kind, id).cloned() else { return Ok(()) };
        if kind == Kind::Quote {
            self.refuse_to_delete(&record)?;
        } else if kind == Kind::LineItem || kind.is_adjustment() {
            self.refuse_if_locked((kind, id))?;
        }
        let neighbours: Vec<Key> = self.store.linked((kind, id)).map(|(key, _)| key).collect();
        let mut archived = record;
        archived.archived_at = Some(m.now);
        archived.updated_at = m.now;
        self.store.put(kind, archived);
        if kind == Kind::Quote {
            for line in neighbours.iter().filter(|(k, _)| *k == Kind::LineItem) {
                self.discard(Kind::LineItem, line.1, m)?;
            }
        }
        for key in neighbours {
            self.recompute(key, m);
        }
        Ok(())
    }

    /// Writes values without asking anybody.
    pub(super) fn write(
        &mut self,
        kind: Kind,
        id: u64,
        values: Values,
        m: &mut Moment<'_>,
    ) -> bool {
        let Some(mut record) = self.store.get(kind, id).cloned() else { return false };
        let lag = millis(self.settings.search_lag);
        let changed = record.write(values, m.now, lag);
        if changed {
            self.store.put(kind, record);
        }
        changed
    }
}

fn read_properties(body: &Map<String, Value>) -> Result<Values, Refusal> {
    let properties = body.get("properties").ok_or_else(|| Refusal::member("properties"))?;
    let map = properties
        .as_object()
        .ok_or_else(|| Refusal::json("`properties` is not an object", 1, 1))?;
    values::texts(map)
}

/// `associations: [{to: {id}, types: [{associationCategory, associationTypeId}]}]`.
fn read_links(from: Kind, body: &Map<String, Value>) -> Result<Vec<InlineLink>, Refusal> {
    let Some(list) = body.get("associations") else { return Ok(Vec::new()) };
    let list =
        list.as_array().ok_or_else(|| Refusal::json("`associations` is not a list", 1, 1))?;
    let mut links = Vec::new();
    for entry in list {
        let to = entry.get("to").ok_or_else(|| Refusal::member("to"))?;
        let id = read_id(to.get("id"))?;
        let types = read_types(entry.get("types"))?;
        let first = types.first().ok_or_else(|| Refusal::member("types"))?;
        links.push(InlineLink { to: target_of(from, *first)?, id, types });
    }
    Ok(links)
}

/// `[{associationCategory, associationTypeId}]`.
pub(super) fn read_types(value: Option<&Value>) -> Result<Vec<u32>, Refusal> {
    let list = value.and_then(Value::as_array).ok_or_else(|| Refusal::member("types"))?;
    list.iter()
        .map(|entry| {
            let id = entry
                .get("associationTypeId")
                .and_then(Value::as_u64)
                .and_then(|id| u32::try_from(id).ok())
                .ok_or_else(|| Refusal::member("associationTypeId"))?;
            match entry.get("associationCategory").and_then(Value::as_str) {
                Some("HUBSPOT_DEFINED") => Ok(id),
                Some(_) => Err(Refusal::bad_type(&id.to_string())),
                None => Err(Refusal::member("associationCategory")),
            }
        })
        .collect()
}

fn read_wanted(call: &Call) -> Result<(Wanted, Vec<Kind>), Refusal> {
    let links = call
        .list("associations")
        .iter()
        .map(|name| {
            Kind::named(name).ok_or_else(|| {
                Refusal::invalid(format!("Unable to infer object type from: {name}"))
            })
        })
        .collect::<Result<_, _>>()?;
    let wanted =
        Wanted { names: call.list("properties"), history: call.list("propertiesWithHistory") };
    Ok((wanted, links))
}

/// Whether a definition can carry a value that only one record has.
pub(super) fn may_be_unique(value_type: ValueType) -> bool {
    matches!(value_type, ValueType::String | ValueType::Number)
}
