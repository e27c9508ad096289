//! The protocol of the emulated SalesByte, as a client sees it.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::machine::{Sandbox, Verdict};
use crate::sandbox::options::Options;

struct World {
    sandbox: Sandbox,
    now: Timestamp,
}

impl World {
    fn new() -> Self {
        let options = Options { rate: "off".parse().unwrap(), ..Options::default() };
        let now = "2027-01-15T12:00:00Z".parse().unwrap();
        Self { sandbox: Sandbox::new(options).unwrap(), now }
    }

    fn send(&mut self, request: &Request<Bytes>) -> (u16, Value) {
        let Verdict::Answer(answer) = self.sandbox.handle(request, self.now) else {
            panic!("no answer")
        };
        let body = serde_json::from_slice(answer.body())
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(answer.body()).into_owned()));
        (answer.status().as_u16(), body)
    }

    fn post(&mut self, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        self.send(&request.body(Bytes::from(body.to_string())).unwrap())
    }

    fn create(&mut self, change: Value) -> (u16, Value) {
        let mut body = json!({
            "uuid": "u-1", "quote_profile_id": 115, "customer_name": "Jo Ek", "send_type": "none",
        });
        if let (Some(body), Value::Object(change)) = (body.as_object_mut(), change) {
            body.extend(change);
        }
        self.post("/salesbyte/integrations/create_quote", &body)
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        let request = Request::get(format!("/salesbyte{path}"))
            .header("authorization", "Bearer t")
            .header("host", "127.0.0.1:1");
        self.send(&request.body(Bytes::new()).unwrap())
    }

    fn settings(&mut self, mut change: Value) {
        change["upstream"] = json!("salesbyte");
        let (status, answer) = self.post("/_sandbox/settings", &change);
        assert_eq!(status, 200, "{answer}");
    }

    fn messages(&mut self) -> Vec<String> {
        let (_, all) = self.send(&Request::get("/_sandbox/snapshot").body(Bytes::new()).unwrap());
        let list = all["salesbyte"]["messages"].as_array().unwrap().clone();
        list.iter()
            .map(|m| format!("{} {}", m["channel"].as_str().unwrap(), m["about"].as_str().unwrap()))
            .collect()
    }
}

fn key_of(answer: &Value) -> String {
    let link = answer["links"]["customer_view"].as_str().unwrap();
    link.rsplit('/').next().unwrap().to_owned()
}

#[test]
fn a_quote_is_made_and_read_by_its_public_key() {
    let mut world = World::new();
    let (status, made) = world.create(json!({
        "customer_email": "jo@acme.example", "alternatives": [{"skus": ["SEO-A"]}],
        "custom_fields": {"bank_name": {"value": "Acme bank", "attribute": {"required": true}}},
    }));
    assert_eq!((status, &made["id"]), (201, &json!(950)));
    let key = key_of(&made);
    assert_eq!(key.len(), 14);
    let (status, quote) = world.get(&format!("/api/quotes/{key}"));
    assert_eq!(status, 200);
    assert_eq!(quote["custom_fields"]["Bank name"], "Acme bank");
    assert_eq!(quote["custom_fields"]["Your reference"], Value::Null);
    assert_eq!(quote["quote_value"], 150_000);
    assert_eq!(quote["customer_first_name"], "Jo");
    assert_eq!(quote["salesperson"]["email"], "jane@northlight.example");
    assert_eq!(quote["created_at"], "2027-01-15T12:00:00.000000Z");
    assert!(quote.get("alternatives").is_none() && quote.get("send_type").is_none());
    assert_eq!(world.get("/api/quotes/950").0, 404, "only by key");
}

#[test]
fn the_two_doors_have_two_credentials() {
    let mut world = World::new();
    assert_eq!(world.create(json!({"uuid": "invalid"})).0, 404);
    let (status, body) = world.create(json!({"uuid": null}));
    assert_eq!(status, 422);
    assert!(body["details"]["uuid"][0].is_string());
    for header in ["", "Bearer invalid", "Basic x"] {
        let request = Request::get("/salesbyte/api/quotes").header("authorization", header);
        assert_eq!(world.send(&request.body(Bytes::new()).unwrap()).0, 401, "{header}");
    }
    assert_eq!(world.create(json!({"quote_profile_id": 9})).0, 404);
}

#[test]
fn conditions_of_sending() {
    let mut world = World::new();
    for (send_type, email, phone, want) in [
        ("email", false, false, 422),
        ("email", true, false, 201),
        ("sms", true, false, 422),
        ("sms", false, true, 201),
        ("phone", false, false, 422),
        ("phone", false, true, 201),
        ("dual", true, false, 422),
        ("dual", false, true, 422),
        ("dual", true, true, 201),
        ("auto", false, false, 201),
        ("none", false, false, 201),
        ("pigeon", true, true, 422),
    ] {
        let mut body = json!({ "send_type": send_type });
        if email {
            body["customer_email"] = json!("jo@acme.example");
        }
        if phone {
            body["customer_phone"] = json!("+46768741810");
        }
        let (status, answer) = world.create(body);
        assert_eq!(status, want, "{send_type} {email} {phone}: {answer}");
    }
    assert_eq!(
        world.messages(),
        ["email quote", "sms quote", "sms quote", "email quote", "sms quote"]
    );
    world.settings(json!({ "accept_phone": false }));
    let body = json!({ "send_type": "phone", "customer_phone": "+46768741810" });
    assert_eq!(world.create(body).0, 422);
    for bad in ["0768741810", "+4676874181", "+15551234567"] {
        assert_eq!(world.create(json!({ "customer_phone": bad })).0, 422, "{bad}");
    }
    world.settings(json!({ "foreign_phones": true }));
    assert_eq!(world.create(json!({ "customer_phone": "+15551234567" })).0, 201);
}

#[test]
fn a_trigger_tells_the_customer_whatever_the_send_type() {
    let mut world = World::new();
    let body = json!({
        "customer_email": "jo@acme.example", "trigger_created_messages_to_customer": 1,
    });
    assert_eq!(world.create(body).0, 201);
    assert_eq!(world.messages(), ["email created"]);
    assert_eq!(world.create(json!({"trigger_created_messages_to_customer": 2})).0, 422);
    assert_eq!(world.create(json!({"signable": 1})).0, 422);
}

#[test]
fn alternatives_name_bundles_or_skus() {
    let mut world = World::new();
    for (alternatives, want) in [
        (
            json!([{"bundle_id": 456, "title": "Premium", "sort_order": 2}, {"skus": ["01.350000.01.00"], "sort_order": 1}]),
            201,
        ),
        (json!([{"skus": [123, 4343]}]), 201),
        (json!([{"bundle_id": 456, "skus": ["NOPE"]}]), 201),
        (json!([{"sort_order": 1, "skus": ["SKU-1"]}, {"sort_order": 1, "skus": ["SKU-1"]}]), 201),
        (json!([{"title": "x"}]), 422),
        (json!([{"skus": []}]), 422),
        (json!([{"skus": ["NOPE"]}]), 422),
        (json!([{"bundle_id": 9}]), 422),
        (json!([{"bundle_id": "456"}]), 422),
        (json!({}), 422),
    ] {
        let (status, answer) = world.create(json!({ "alternatives": alternatives }));
        assert_eq!(status, want, "{alternatives}: {answer}");
    }
    let (_, list) = world.get("/api/quotes?sort_order=asc");
    assert_eq!(list["data"][0]["quote_value"], 1000, "the first by sort_order");
    assert_eq!(list["data"][1]["quote_value"], 1250.5);
}

#[test]
fn strict_switches_and_envelopes() {
    let mut world = World::new();
    world.settings(
        json!({ "strict_required": true, "strict_fields": true, "strict_profile": true }),
    );
    let (status, body) = world.create(json!({}));
    assert_eq!(status, 422);
    assert_eq!(body["details"].as_object().unwrap().len(), 3);
    let flags = json!({"workflows_enabled": false, "allow_customer_document_upload": false, "signable": true});
    assert_eq!(world.create(flags.clone()).0, 201);
    let mut other = flags.clone();
    other["quote_profile_id"] = json!(116);
    assert_eq!(world.create(other).0, 422);
    let mut unknown = flags;
    unknown["discount"] = json!(5);
    assert_eq!(world.create(unknown.clone()).0, 422);
    world.settings(json!({ "envelope": "framework" }));
    assert!(world.create(unknown.clone()).1["errors"]["discount"].is_array());
    world.settings(json!({ "envelope": "text" }));
    assert!(world.create(unknown).1.is_string());
}

#[test]
fn without_a_json_content_type_nothing_is_read() {
    let mut world = World::new();
    let body =
        json!({"uuid": "u", "quote_profile_id": 115, "customer_name": "J", "send_type": "none"});
    let request = Request::post("/salesbyte/integrations/create_quote");
    let (status, answer) = world.send(&request.body(Bytes::from(body.to_string())).unwrap());
    assert_eq!(status, 422);
    assert!(answer["details"]["customer_name"].is_array());
    let request = Request::post("/salesbyte/integrations/create_quote")
        .header("content-type", "application/json");
    assert_eq!(world.send(&request.body(Bytes::from("[")).unwrap()).0, 400);
}

#[test]
fn the_list_pages_filters_and_hides_custom_fields() {
    let mut world = World::new();
    for n in 0..23 {
        world.now = format!("2027-01-{:02}T12:00:00Z", n + 1).parse().unwrap();
        assert_eq!(world.create(json!({ "customer_name": format!("Jo {n}") })).0, 201);
    }
    let (_, first) = world.get("/api/quotes");
    assert_eq!(first["data"].as_array().unwrap().len(), 10);
    assert_eq!(first["data"][0]["customer_name"], "Jo 22", "newest first");
    assert_eq!(first["meta"]["last_page"], 3);
    assert!(first["data"][0].get("custom_fields").is_none());
    assert_eq!(world.get("/api/quotes?page=3").1["data"].as_array().unwrap().len(), 3);
    assert_eq!(world.get("/api/quotes?page=4").1["data"].as_array().unwrap().len(), 0);
    let (_, late) = world.get("/api/quotes?created_from=2027-01-22&sort_order=asc");
    assert_eq!(late["data"][0]["customer_name"], "Jo 21");
    assert_eq!(late["data"].as_array().unwrap().len(), 2);
    for bad in ["page=0", "page=x", "sort_by=name", "sort_order=up", "created_from=2027-1-1"] {
        assert_eq!(world.get(&format!("/api/quotes?{bad}")).0, 422, "{bad}");
    }
}

#[test]
fn people_edit_view_sign_and_throw_away() {
    let mut world = World::new();
    let (_, made) = world.create(json!({"signable": true, "alternatives": [{"bundle_id": 456}]}));
    let key = key_of(&made);
    let edit = json!({"upstream": "salesbyte", "object": "quotes", "id": key,
        "properties": {"customer_company": "Acme", "custom_fields": {"seats": 4}}});
    assert_eq!(world.post("/_sandbox/edit", &edit).0, 200);
    let act = |action: &str| json!({"upstream": "salesbyte", "id": key, "action": action});
    assert_eq!(world.post("/_sandbox/customer", &act("view")).0, 200);
    assert_eq!(world.post("/_sandbox/customer", &act("sign_partly")).0, 200);
    let (_, quote) = world.get(&format!("/api/quotes/{key}"));
    assert_eq!(quote["requires_more_signatures"], true);
    assert_eq!(quote["custom_fields"]["Seats"], 4);
    assert_eq!(world.post("/_sandbox/customer", &act("accept")).0, 200);
    let (_, quote) = world.get(&format!("/api/quotes/{key}"));
    assert_eq!(quote["is_fully_signed"], true);
    assert_eq!(quote["signed_products"]["products"].as_array().unwrap().len(), 3);
    assert_eq!(world.post("/_sandbox/customer", &act("decline")).0, 409);
    let gone = json!({"upstream": "salesbyte", "object": "quotes", "id": key});
    assert_eq!(world.post("/_sandbox/archive", &gone).0, 200);
    assert_eq!(world.get(&format!("/api/quotes/{key}")).0, 404);
}

#[test]
fn the_state_survives_a_save() {
    let mut world = World::new();
    let (_, made) = world.create(json!({}));
    let saved = world.sandbox.save().unwrap();
    let mut fresh = World::new();
    fresh.sandbox.load(saved).unwrap();
    assert_eq!(fresh.get(&format!("/api/quotes/{}", key_of(&made))).0, 200);
    assert_eq!(fresh.create(json!({})).1["id"], 951);
}
