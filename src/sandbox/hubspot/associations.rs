//! The v4 association routes.
//!
//! The one thing to know: a default link answers both directions, the reverse one first, and with
//! numbers where the specification says strings; both are what live portals do.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};

use super::batch::multi;
use super::errors::Refusal;
use super::kind::Kind;
use super::links::{default_type, labels, render_link};
use super::objects::read_types;
use super::route::LinkBatch;
use super::store::Key;
use super::{Done, HubSpot, next_page, read_id, read_inputs, read_limit, read_object};
use crate::sandbox::upstream::{Call, Moment};

const PAGE: usize = 500;

impl HubSpot {
    /// `PUT .../associations/[default/]{to}/{toId}`.
    pub(super) fn link_one(
        &mut self,
        (from, from_id): (Kind, &str),
        (to, to_id): (Kind, &str),
        default: bool,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let key = self.end(from, from_id)?;
        if default {
            self.connect(key, to, to_id, &[], m)?;
            let rows = both_ways(from, from_id, to, to_id);
            return Ok(multi(StatusCode::OK, rows, vec![], m.now));
        }
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|e| Refusal::json("the text is not well-formed", e.line(), e.column()))?;
        let types = read_types(Some(&body))?;
        if types.is_empty() {
            return Err(Refusal::member("associationTypeId"));
        }
        self.connect(key, to, to_id, &types, m)?;
        let body = json!({
            "fromObjectTypeId": from.type_id(), "fromObjectId": numeric(from_id),
            "toObjectTypeId": to.type_id(), "toObjectId": numeric(to_id),
            "labels": labels(from, to, &types),
        });
        Ok(Done::created(body, None))
    }

    /// `DELETE .../associations/{to}/{toId}`.
    pub(super) fn unlink_one(
        &mut self,
        (from, from_id): (Kind, &str),
        (to, to_id): (Kind, &str),
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let key = self.end(from, from_id)?;
        if let Ok(id) = to_id.parse() {
            self.disconnect(key, (to, id), &[], m)?;
        }
        Ok(Done::empty())
    }

    /// `GET .../associations/{to}`.
    pub(super) fn links_of(
        &self,
        from: Kind,
        from_id: &str,
        to: Kind,
        call: &Call,
    ) -> Result<Done, Refusal> {
        let id: u64 = from_id.parse().map_err(|_| Refusal::missing(from_id))?;
        if self.store.live(from, id).is_none() {
            return Err(Refusal::missing(from_id));
        }
        let limit = read_limit(call.param("limit"), PAGE, PAGE)?;
        let after = read_after(call.param("after"))?;
        let (rows, more) = self.page((from, id), to, after, limit);
        let mut body = json!({ "results": rows });
        if let (Some(after), Some(map)) = (more, body.as_object_mut()) {
            let path = format!("/crm/v4/objects/{}/{id}/associations/{}", from.path(), to.path());
            map.insert("paging".to_owned(), next_page(after, &path));
        }
        Ok(Done::ok(body))
    }

    fn page(&self, from: Key, to: Kind, after: u64, limit: usize) -> (Vec<Value>, Option<u64>) {
        let mut rows = Vec::new();
        for ((_, id), types) in
            self.store.linked(from).filter(|((kind, id), _)| *kind == to && *id >= after)
        {
            if rows.len() >= limit {
                return (rows, Some(id));
            }
            let types = render_link(from.0, to, types);
            rows.push(json!({"toObjectId": id, "associationTypes": types}));
        }
        (rows, None)
    }

    /// `POST /crm/v4/associations/{from}/{to}/batch/...`.
    pub(super) fn link_batch(
        &mut self,
        from: Kind,
        to: Kind,
        op: LinkBatch,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let body = read_object(&call.body)?;
        let cap = if op == LinkBatch::Read { 1_000 } else { 2_000 };
        let inputs = read_inputs(&body, cap)?;
        let id_of = |input: &serde_json::Map<String, Value>, end: &str| {
            let end = input.get(end).ok_or_else(|| Refusal::member(end))?;
            read_id(end.get("id"))
        };
        match op {
            LinkBatch::Read => {
                let (mut results, mut failures) = (Vec::new(), Vec::new());
                for input in &inputs {
                    let id = read_id(input.get("id"))?;
                    let after = read_after(input.get("after").and_then(Value::as_str))?;
                    let key = (from, id.parse().unwrap_or(0));
                    let (rows, more) = self.page(key, to, after, PAGE);
                    if rows.is_empty() {
                        failures.push(none_found(from, to, &id));
                        continue;
                    }
                    let mut row = json!({"from": {"id": id}, "to": rows});
                    if let (Some(after), Some(map)) = (more, row.as_object_mut()) {
                        map.insert("paging".to_owned(), next_page(after, "/crm/v4/associations"));
                    }
                    results.push(row);
                }
                Ok(multi(StatusCode::OK, results, failures, m.now))
            }
            LinkBatch::Default | LinkBatch::Create => {
                default_type(from, to).ok_or_else(|| {
                    Refusal::invalid(format!(
                        "No association types exist between {} and {}",
                        from.shout(),
                        to.shout()
                    ))
                })?;
                let (mut results, mut failures) = (Vec::new(), Vec::new());
                for input in &inputs {
                    let (a, b) = (id_of(input, "from")?, id_of(input, "to")?);
                    let types = match op {
                        LinkBatch::Default => vec![],
                        _ => read_types(input.get("types"))?,
                    };
                    let mark = self.store.mark();
                    let linked =
                        self.end(from, &a).and_then(|k| self.connect(k, to, &b, &types, m));
                    match linked {
                        Ok(()) if op == LinkBatch::Default => {
                            results.extend(both_ways(from, &a, to, &b));
                        }
                        Ok(()) => results.push(json!({
                            "fromObjectTypeId": from.type_id(), "fromObjectId": numeric(&a),
                            "toObjectTypeId": to.type_id(), "toObjectId": numeric(&b),
                            "labels": labels(from, to, &types),
                        })),
                        Err(refusal) => {
                            self.store.roll_back(mark);
                            failures.push(refusal);
                        }
                    }
                }
                // Where nothing at all could be linked there is nothing to report in parts.
                if let (true, Some(first)) = (results.is_empty(), failures.first()) {
                    return Err(first.clone());
                }
                let ok =
                    if op == LinkBatch::Default { StatusCode::OK } else { StatusCode::CREATED };
                let failures = failures.iter().map(Refusal::row).collect();
                Ok(multi(ok, results, failures, m.now))
            }
            LinkBatch::Archive => {
                let sources: BTreeSet<String> =
                    inputs.iter().map(|i| id_of(i, "from")).collect::<Result<_, _>>()?;
                if sources.len() > 100 {
                    return Err(Refusal::batch_size(100));
                }
                for input in &inputs {
                    let a = id_of(input, "from")?;
                    let targets = input
                        .get("to")
                        .and_then(Value::as_array)
                        .ok_or_else(|| Refusal::member("to"))?;
                    for target in targets {
                        let b = read_id(target.get("id"))?;
                        if let (Ok(a), Ok(b)) = (a.parse(), b.parse()) {
                            self.disconnect((from, a), (to, b), &[], m)?;
                        }
                    }
                }
                Ok(Done::empty())
            }
            LinkBatch::DropLabels => {
                for input in &inputs {
                    let (a, b) = (id_of(input, "from")?, id_of(input, "to")?);
                    let types = read_types(input.get("types"))?;
                    if types.is_empty() {
                        return Err(Refusal::member("types"));
                    }
                    if let (Ok(a), Ok(b)) = (a.parse(), b.parse()) {
                        self.disconnect((from, a), (to, b), &types, m)?;
                    }
                }
                Ok(Done::empty())
            }
        }
    }

    /// The near end of a link, which must exist.
    fn end(&self, kind: Kind, id: &str) -> Result<Key, Refusal> {
        id.parse()
            .ok()
            .filter(|id| self.store.live(kind, *id).is_some())
            .map(|id| (kind, id))
            .ok_or_else(|| Refusal::bad_target(kind, id))
    }
}

fn read_after(text: Option<&str>) -> Result<u64, Refusal> {
    match text {
        None | Some("") => Ok(0),
        Some(text) => {
            text.parse().map_err(|_| Refusal::invalid(format!("Invalid paging cursor: {text}")))
        }
    }
}

/// An id the way association answers give it.
fn numeric(id: &str) -> Value {
    id.parse::<u64>().map_or_else(|_| json!(id), |n| json!(n))
}

fn both_ways(from: Kind, from_id: &str, to: Kind, to_id: &str) -> Vec<Value> {
    let entry = |a: Kind, a_id: &str, b: Kind, b_id: &str| {
        json!({
            "from": {"id": a_id}, "to": {"id": b_id},
            "associationSpec": {
                "associationCategory": "HUBSPOT_DEFINED",
                "associationTypeId": default_type(a, b),
            },
        })
    };
    vec![entry(to, to_id, from, from_id), entry(from, from_id, to, to_id)]
}

fn none_found(from: Kind, to: Kind, id: &str) -> Value {
    json!({
        "status": "error", "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": format!("No {} is associated with {} {id}.", to.singular(), from.path()),
        "context": {"fromObjectId": [id]},
    })
}
