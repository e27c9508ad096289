//! Batches of records.
//!
//! Invariants: when every input carries a distinct `objectWriteTraceId`, rows succeed and fail by
//! themselves and a failure makes the answer a 207; otherwise one failure refuses the whole batch
//! and nothing is done. Results come back in an order that is not the order of the inputs.

use std::collections::BTreeSet;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::errors::Refusal;
use super::kind::Kind;
use super::render::Wanted;
use super::route::Batch;
use super::values::iso;
use super::{Done, HubSpot, read_id, read_inputs, read_names, read_object};
use crate::sandbox::upstream::{Call, Moment};

const CAP: usize = 100;
const CAP_WITH_HISTORY: usize = 50;

impl HubSpot {
    pub(super) fn batch(
        &mut self,
        kind: Kind,
        op: Batch,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let body = read_object(&call.body)?;
        match op {
            Batch::Read => self.batch_read(kind, &body, call, m),
            Batch::Archive => {
                for input in read_inputs(&body, CAP)? {
                    let id = read_id(input.get("id"))?;
                    // An id that is gone, or never was, is as archived as can be.
                    if let Ok(id) = id.parse() {
                        self.discard(kind, id, m)?;
                    }
                }
                Ok(Done::empty())
            }
            Batch::Create | Batch::Update | Batch::Upsert => {
                let inputs = read_inputs(&body, CAP)?;
                if op != Batch::Create {
                    refuse_duplicates(&inputs)?;
                }
                let ok = if op == Batch::Create { StatusCode::CREATED } else { StatusCode::OK };
                self.write_rows(&inputs, ok, m, |portal, input, m| match op {
                    Batch::Create => {
                        let (id, written) = portal.make(kind, input, m)?;
                        Ok(portal.render_written(kind, id, &written, None, m.now))
                    }
                    Batch::Update => {
                        let id = read_id(input.get("id"))?;
                        let by = input.get("idProperty").and_then(Value::as_str);
                        let id = portal.resolve(kind, &id, by, false)?;
                        let (before, written) = portal.change(kind, id, input, m)?;
                        Ok(portal.render_written(kind, id, &written, Some(&before), m.now))
                    }
                    _ => portal.upsert(kind, input, m),
                })
            }
        }
    }

    fn upsert(
        &mut self,
        kind: Kind,
        input: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<Map<String, Value>, Refusal> {
        let value = read_id(input.get("id"))?;
        let name = input
            .get("idProperty")
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::member("idProperty"))?;
        let (mut row, new) = if let Ok(id) = self.resolve(kind, &value, Some(name), false) {
            let (before, written) = self.change(kind, id, input, m)?;
            (self.render_written(kind, id, &written, Some(&before), m.now), false)
        } else {
            self.require_unique(kind, name)?;
            let mut input = input.clone();
            if let Some(properties) = input.get_mut("properties").and_then(Value::as_object_mut) {
                properties.insert(name.to_owned(), json!(value));
            }
            let (id, written) = self.make(kind, &input, m)?;
            (self.render_written(kind, id, &written, None, m.now), true)
        };
        row.insert("new".to_owned(), json!(new));
        Ok(row)
    }

    /// Writes row by row; traced batches forgive single rows.
    fn write_rows(
        &mut self,
        inputs: &[Map<String, Value>],
        ok: StatusCode,
        m: &mut Moment<'_>,
        mut act: impl FnMut(
            &mut Self,
            &Map<String, Value>,
            &mut Moment<'_>,
        ) -> Result<Map<String, Value>, Refusal>,
    ) -> Result<Done, Refusal> {
        let traces: Vec<Option<&str>> = inputs.iter().map(trace).collect();
        let distinct: BTreeSet<&str> = traces.iter().copied().flatten().collect();
        let row_by_row = !inputs.is_empty() && distinct.len() == inputs.len();
        let (mut results, mut failures) = (Vec::new(), Vec::new());
        for (input, trace) in inputs.iter().zip(traces) {
            let mark = self.store.mark();
            match act(self, input, m) {
                Ok(mut row) => {
                    if let Some(trace) = trace {
                        row.insert("objectWriteTraceId".to_owned(), json!(trace));
                    }
                    results.push(Value::Object(row));
                }
                Err(refusal) if row_by_row => {
                    self.store.roll_back(mark);
                    let mut refusal = refusal;
                    refusal.context.insert("objectWriteTraceId".to_owned(), json!([trace]));
                    failures.push(refusal.row());
                }
                Err(refusal) => return Err(refusal),
            }
        }
        // The order is not promised, so it is never the obvious one.
        results.reverse();
        Ok(multi(ok, results, failures, m.now))
    }

    fn batch_read(
        &self,
        kind: Kind,
        body: &Map<String, Value>,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        let wanted = Wanted {
            names: read_names(body, "properties")?,
            history: read_names(body, "propertiesWithHistory")?,
        };
        let cap = if wanted.history.is_empty() { CAP } else { CAP_WITH_HISTORY };
        let by = body.get("idProperty").and_then(Value::as_str);
        if let Some(name) = by.filter(|n| *n != "hs_object_id") {
            self.require_unique(kind, name)?;
        }
        let archived = call.param("archived") == Some("true");
        let (mut results, mut missing, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for input in read_inputs(body, cap)? {
            let id = read_id(input.get("id"))?;
            let found = self.resolve(kind, &id, by, archived).ok();
            match found.and_then(|id| self.store.get(kind, id)) {
                Some(record) if seen.insert(record.id) => {
                    results.push(Value::Object(self.render(kind, record, &wanted, m.now)));
                }
                Some(_) => {}
                None => missing.push(id),
            }
        }
        results.reverse();
        let failures =
            if missing.is_empty() { vec![] } else { vec![Refusal::missing_ids(&missing).row()] };
        Ok(multi(StatusCode::OK, results, failures, m.now))
    }
}

fn trace(input: &Map<String, Value>) -> Option<&str> {
    input.get("objectWriteTraceId").and_then(Value::as_str).filter(|t| !t.is_empty())
}

fn refuse_duplicates(inputs: &[Map<String, Value>]) -> Result<(), Refusal> {
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for input in inputs {
        let id = read_id(input.get("id"))?;
        if !seen.insert(id.clone()) && !twice.contains(&id) {
            twice.push(id);
        }
    }
    if twice.is_empty() { Ok(()) } else { Err(Refusal::duplicates(&twice)) }
}

/// The body of a batch; 207 when rows failed.
pub(super) fn multi(
    ok: StatusCode,
    results: impl Into<Value>,
    failures: Vec<Value>,
    now: Timestamp,
) -> Done {
    let at = iso(now);
    let mut body = json!({
        "status": "COMPLETE", "results": results.into(), "startedAt": at, "completedAt": at,
    });
    let status = if failures.is_empty() { ok } else { StatusCode::MULTI_STATUS };
    if let (false, Some(map)) = (failures.is_empty(), body.as_object_mut()) {
        map.insert("numErrors".to_owned(), json!(failures.len()));
        map.insert("errors".to_owned(), Value::Array(failures));
    }
    Done::with(status, body)
}
