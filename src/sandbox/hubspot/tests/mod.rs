//! The protocol, called in-process: refusals as much as successes.

#![expect(clippy::needless_pass_by_value, reason = "`json!` at the call reads better unborrowed")]

mod links;
mod quotes;
mod records;

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sandbox::{Options, RateChoice, Sandbox, Verdict};

pub(super) const DEAL: &str = "345345";
pub(super) const TEMPLATE: &str = "235425923863";
pub(super) const JO: &str = "123127982734";

/// A sandbox with a clock that a test moves.
pub(super) struct Lab {
    pub(super) sandbox: Sandbox,
    pub(super) now: Timestamp,
    pub(super) token: &'static str,
}

impl Lab {
    pub(super) fn new() -> Self {
        let options = Options { rate: RateChoice::Off, seed: 1, ..Options::default() };
        Self {
            sandbox: Sandbox::new(options).unwrap(),
            now: "2026-11-22T12:00:00.250Z".parse().unwrap(),
            token: "pat-test",
        }
    }

    pub(super) fn wait(&mut self, ms: i64) {
        self.now += SignedDuration::from_millis(ms);
    }

    pub(super) fn raw(&mut self, method: &str, path: &str, body: impl Into<Bytes>) -> (u16, Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", self.token))
            .body(body.into())
            .unwrap();
        match self.sandbox.handle(&request, self.now) {
            Verdict::Answer(response) => (
                response.status().as_u16(),
                serde_json::from_slice(response.body()).unwrap_or(Value::Null),
            ),
            other => panic!("no plain answer: {other:?}"),
        }
    }

    pub(super) fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method, &format!("/hubspot{path}"), body)
    }

    pub(super) fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null)
    }

    pub(super) fn post(&mut self, path: &str, body: Value) -> (u16, Value) {
        self.call("POST", path, &body)
    }

    pub(super) fn patch(&mut self, id: &str, properties: Value) -> (u16, Value) {
        let path = format!("/crm/v3/objects/quotes/{id}");
        self.call("PATCH", &path, &json!({ "properties": properties }))
    }

    pub(super) fn control(&mut self, name: &str, body: Value) -> (u16, Value) {
        self.raw("POST", &format!("/_sandbox/{name}"), body.to_string())
    }

    pub(super) fn set(&mut self, body: Value) {
        let (status, body) = self.control("settings", body);
        assert_eq!(status, 200, "{body}");
    }

    /// Creates a record that must be accepted; gives its id.
    pub(super) fn made(&mut self, kind: &str, properties: Value, links: Value) -> String {
        let body = json!({"properties": properties, "associations": links});
        let (status, body) = self.post(&format!("/crm/v3/objects/{kind}"), body);
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// A property of a record as a read shows it.
    pub(super) fn property(&mut self, kind: &str, id: &str, name: &str) -> Value {
        let (status, body) = self.get(&format!("/crm/v3/objects/{kind}/{id}?properties={name}"));
        assert_eq!(status, 200, "{body}");
        body["properties"][name].clone()
    }

    /// A legacy quote with one line of 100.00, the seeded deal and template.
    pub(super) fn quote(&mut self, properties: Value) -> (String, String) {
        let line = self.made(
            "line_items",
            json!({"name": "Audit", "price": "100.00", "quantity": 1}),
            json!([]),
        );
        let mut all = json!({"hs_title": "T", "hs_expiration_date": "2027-01-31"});
        all.as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let links = json!([link(64, DEAL), link(286, TEMPLATE), link(67, &line)]);
        (self.made("quotes", all, links), line)
    }
}

pub(super) fn link(type_id: u32, to: &str) -> Value {
    json!({"to": {"id": to}, "types": [
        {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    ]})
}
