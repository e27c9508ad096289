//! The protocol, call by call.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::sandbox::{Options, Sandbox, Verdict};

struct Tenant {
    sandbox: Sandbox,
    now: Timestamp,
}

impl Tenant {
    fn new() -> Self {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        Self { sandbox: Sandbox::new(Options::default()).unwrap(), now }
    }

    fn send(&mut self, method: &str, path: &str, token: &str, body: &str) -> (u16, String) {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let Verdict::Answer(answer) = self.sandbox.handle(&request, self.now) else {
            panic!("no answer")
        };
        (answer.status().as_u16(), String::from_utf8(answer.body().to_vec()).unwrap())
    }

    fn call(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, text) = self.send(method, &format!("/dealhub{path}"), "t", &body);
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn get(&mut self, path: &str) -> (u16, Value) {
        self.call("GET", path, &Value::Null)
    }

    fn generate(&mut self, change: &Value) -> (u16, Value) {
        let mut body = draft();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                body.as_object_mut().unwrap().remove(name);
            } else {
                body[name] = value.clone();
            }
        }
        self.call("POST", "/api/v1/quote/generate", &body)
    }

    fn made(&mut self, change: &Value) -> String {
        let (status, body) = self.generate(change);
        assert_eq!(status, 202, "{body}");
        body["dealhub_quote_id"].as_str().unwrap().to_owned()
    }

    fn act(&mut self, id: &str, action: &str) -> (u16, Value) {
        let body = if action == "sign_externally" {
            json!({ "sign_externally_comment": "signed on paper" })
        } else {
            Value::Null
        };
        self.call("POST", &format!("/api/v1/quote/{id}/{action}"), &body)
    }

    fn control(&mut self, name: &str, mut body: Value) -> (u16, Value) {
        body["upstream"] = json!("dealhub");
        let (status, text) = self.send("POST", &format!("/_sandbox/{name}"), "", &body.to_string());
        (status, serde_json::from_str(&text).unwrap())
    }

    fn status(&mut self, id: &str) -> String {
        self.get(&format!("/api/v2/quote/{id}")).1["status"].as_str().unwrap().to_owned()
    }
}

fn draft() -> Value {
    json!({
        "external_opportunity_id": "345345",
        "request_action": "draft",
        "document_type": "DealRoom",
        "quote_name": "Acme",
        "quote_data": [],
        "line_items": [{
            "sku": "SEO-A", "list_price": 12000.00, "net_price_per_unit": 10800,
            "net_price": 21600, "msrp": 12000, "msrp_discount": 0, "sales_discount": 10,
            "total_discount": 10, "product_factors": {"Quantity": 2},
            "attributes": {"Colour": "brown"}
        }]
    })
}

fn error(body: &Value) -> &str {
    body["error"].as_str().or(body["message"].as_str()).unwrap_or_default()
}

#[test]
fn a_draft_is_made_read_and_listed() {
    let mut t = Tenant::new();
    let (status, body) = t.generate(&json!({}));
    assert_eq!(status, 202);
    assert_eq!(body["status"], "draft");
    assert_eq!(body["summary"]["total_net_price"], 21600.0);
    assert_eq!(body["line_items"][0]["product_factors"]["Quantity"], "2.0");
    assert!(body["line_items"][0].get("additional_data").is_none());
    let id = body["dealhub_quote_id"].as_str().unwrap().to_owned();
    assert!(id.len() <= 16);
    let (_, bare) = t.get(&format!("/api/v2/quote/{id}"));
    assert!(bare.get("info").is_none());
    assert_eq!(bare["status"], "Draft");
    let (_, whole) = t.get(&format!("/api/v2/quote/{id}?feature=all"));
    assert_eq!(whole["info"]["dealhub_quote_name"], "Acme");
    assert_eq!(whole["info"]["currency"], "USD");
    assert_eq!(whole["summary"]["sales_discount"], 0);
    assert_eq!(whole["line_items"][0]["attributes"]["Colour"], "brown");
    let (_, list) = t.get("/api/v2/quotes?external_opportunity_id=345345&feature=info");
    assert_eq!(list["info"]["more_results_matching_the_request"], false);
    assert_eq!(list["quotes"].as_array().unwrap().len(), 1);
    let (_, none) = t.get("/api/v2/quotes?external_opportunity_id=9");
    assert_eq!(none["quotes"], json!([]));
    let number = body["dealhub_proposal_id"].as_str().unwrap();
    assert_eq!(t.get(&format!("/api/v1/quote/id/{number}")).1["dealhub_quote_id"], id);
}

#[test]
fn bodies_are_refused_with_the_words_of_the_catalogue() {
    let mut t = Tenant::new();
    let long = "x".repeat(251);
    for (change, words) in [
        (json!({"quote_data": null}), "[{Field: quoteData, Message: must not be null"),
        (json!({"quote_name": long}), "size must be between 0 and 250"),
        (json!({"qty": 2}), "Unrecognized field: qty."),
        (json!({"document_type": "dealroom"}), "The value dealroom is not supported"),
        (json!({"request_action": "Draft"}), "Supported values: draft, submit"),
        (json!({"playbook": "nope"}), "provided playbook does not exist"),
        (json!({"playbook": "guided_selling"}), "type 'API'"),
        (json!({"playbook": "api_strict"}), "Mandatory question is missing: term"),
        (json!({"playbook": "api_pdf"}), "document template is not available"),
        (json!({"expiration_date": 1_000_000}), "already passed"),
        (json!({"line_items": [{"sku": "NOPE"}]}), "The SKU NOPE does not exist"),
        (json!({"line_items": [{"sku": "SEO-A", "term_duration": 1}]}), "Unrecognized field"),
        (json!({"external_opportunity_id": "77"}), "Entity (ID = 77) not found"),
        (
            json!({"quote_data": [{"group_id": "general", "questions": [{"region": "emea"}]}]}),
            "The answer for [General - region] contains invalid values.",
        ),
        (json!({"request_action": "sign_externally"}), "signExternallyComment"),
    ] {
        let (status, body) = t.generate(&change);
        assert_eq!(status, 400, "{change}");
        assert!(error(&body).contains(words), "{change}: {body}");
    }
    let (_, list) = t.get("/api/v2/quotes");
    assert_eq!(list["quotes"], json!([]), "a refused generate made a quote");
}

#[test]
fn tokens_methods_and_unknown_ids() {
    let mut t = Tenant::new();
    let (status, body) = t.send("GET", "/dealhub/api/v2/quotes", "invalid", "");
    assert_eq!((status, body.contains("Unauthenticated")), (403, true));
    assert_eq!(t.get("/api/v2/quote/nope").0, 400);
    assert_eq!(t.get("/api/v2/quotes?limit=51").0, 400);
    assert!(error(&t.get("/api/v2/quotes?page=1").1).contains("Unrecognized parameter: page"));
    assert_eq!(t.get("/api/v1/quote/generate").0, 405);
}

#[test]
fn actions_follow_the_state_machine() {
    let mut t = Tenant::new();
    let id = t.made(&json!({}));
    assert!(error(&t.act(&id, "publish").1).contains("'Draft' status"));
    assert_eq!(t.get(&format!("/api/v1/quote/{id}/document")).0, 400);
    assert_eq!(t.act(&id, "submit").1["status"], "ReadyToBeSent");
    assert!(error(&t.act(&id, "submit").1).contains("already been submitted"));
    let (status, body) = t.act(&id, "publish");
    assert_eq!((status, body["status"].as_str()), (202, Some("Published")));
    assert!(body["dealroom_url"].as_str().unwrap().starts_with("https://"));
    assert_eq!(t.act(&id, "sign_externally").1["status"], "Won");
    assert!(error(&t.act(&id, "sign_externally").1).contains("already been signed"));
    let pdf = t.made(&json!({"document_type": "PDF"}));
    t.act(&pdf, "submit");
    assert!(error(&t.act(&pdf, "publish").1).contains("'DealRoom'"));
}

#[test]
fn approvals_hold_a_quote_until_a_person_decides() {
    let mut t = Tenant::new();
    t.control("settings", json!({"approval_above": 5}));
    let id = t.made(&json!({}));
    assert_eq!(t.act(&id, "submit").1["status"], "ApprovalProcess");
    assert!(error(&t.act(&id, "publish").1).contains("Approval is required"));
    let (_, read) = t.get(&format!("/api/v2/quote/{id}?feature=approvals"));
    assert_eq!(read["approvals"][0]["reviewer"], "Mo Berg");
    assert_eq!(t.control("approver", json!({"id": id, "action": "approve"})).0, 200);
    assert_eq!(t.status(&id), "ReadyToBeSent");
    let other = t.made(&json!({}));
    t.act(&other, "submit");
    t.control("approver", json!({"id": other, "action": "reject"}));
    assert_eq!(t.status(&other), "Rejected");
}

#[test]
fn the_switches_do_what_they_say() {
    let mut t = Tenant::new();
    t.control("settings", json!({"errors_in_202": true}));
    let (status, body) = t.generate(&json!({"line_items": [{"sku": "NOPE"}]}));
    assert_eq!((status, error(&body).contains("NOPE")), (202, true));
    t.control("settings", json!({"errors_in_202": false, "visibility": 5000}));
    let id = t.made(&json!({}));
    assert_eq!(t.get(&format!("/api/v2/quote/{id}")).0, 400);
    t.now = t.now.checked_add(SignedDuration::from_secs(5)).unwrap();
    assert_eq!(t.get(&format!("/api/v2/quote/{id}")).0, 200);
    t.control("settings", json!({"visibility": 0, "quote_upgrade_required": true}));
    let (_, old) = t.get(&format!("/api/v2/quote/{id}?feature=all"));
    assert_eq!((&old["quote_upgrade_required"], old.get("info")), (&json!(true), None));
    t.control("settings", json!({"quote_upgrade_required": false, "crm_api": true}));
    assert!(error(&t.generate(&json!({})).1).contains("opportunityData"));
    t.control("settings", json!({"crm_api": false, "default_expiry_days": null}));
    assert!(error(&t.generate(&json!({})).1).contains("expiration date"));
    assert_eq!(t.control("settings", json!({"visiblity": 1})).0, 400);
}

#[test]
fn a_generate_that_also_publishes_can_leave_a_draft_behind() {
    let mut t = Tenant::new();
    t.control("settings", json!({"approval_above": 5}));
    let (status, body) = t.generate(&json!({"request_action": "publish"}));
    assert_eq!(status, 400, "{body}");
    let (_, list) = t.get("/api/v2/quotes");
    assert_eq!(list["quotes"][0]["status"], "ApprovalProcess");
}

#[test]
fn opportunity_data_makes_an_opportunity_and_its_currency_stays() {
    let mut t = Tenant::new();
    let data = |currency: &str| {
        json!({"external_opportunity_id": "new-1", "opportunity_data": {
            "external_opportunity_name": "New", "external_customer_id": "c", "customer_name": "C",
            "geo_code": "SE", "currency": currency,
            "opportunity_owner": {"external_user_id": "u", "email": "u@x.example", "name": "U"}
        }})
    };
    let id = t.made(&data("SEK"));
    let (_, read) = t.get(&format!("/api/v2/quote/{id}?feature=info"));
    assert_eq!(
        (&read["info"]["currency"], &read["info"]["geo_code"]),
        (&json!("SEK"), &json!("SE"))
    );
    assert!(error(&t.generate(&data("EUR")).1).contains("Currency mismatch."));
}

#[test]
fn simulate_wants_exactly_one_selector_and_stores_nothing() {
    let mut t = Tenant::new();
    let mut simulate = |body: Value| t.call("POST", "/api/v1/quote/simulate", &body);
    let by_id = json!({"external_opportunity_id": "345345", "quote_data": [],
        "line_items": [{"sku": "SEO-A", "net_price": 99.5}]});
    let (status, body) = simulate(by_id);
    assert_eq!((status, &body["summary"]["total_net_price"]), (200, &json!(99.5)));
    assert!(body.get("dealhub_quote_id").is_none());
    for bad in [
        json!({"quote_data": []}),
        json!({"quote_data": [], "geo_code": "US"}),
        json!({"quote_data": [], "external_opportunity_id": "1", "geo_code": "US", "currency": "USD"}),
        json!({"external_opportunity_id": "345345"}),
    ] {
        assert_eq!(simulate(bad.clone()).0, 400, "{bad}");
    }
    assert_eq!(t.get("/api/v2/quotes").1["quotes"], json!([]));
}

#[test]
fn versions_products_and_playbooks_are_read() {
    let mut t = Tenant::new();
    let (_, versions) = t.get("/api/v1/versions?status=ACTIVE");
    let version = versions[0]["version_id"].as_str().unwrap().to_owned();
    assert!(version.len() <= 16);
    let body = json!({"version_id": version, "pricing_option": "FIRST", "sku": ["SEO-A", "NOPE"]});
    let (status, found) = t.call("POST", "/api/v1/version/product_by_sku", &body);
    assert_eq!((status, &found["products"][0]["price"]["USD"]), (200, &json!("12000.00")));
    assert!(found["info"].as_str().unwrap().contains("NOPE"));
    let base = "/api/version/Northlight%202027/playbook";
    assert_eq!(t.get(&format!("{base}/api_playbook/export")).0, 200);
    assert_eq!(t.get(&format!("{base}/nope/export")).1["code"], 404);
}

#[test]
fn state_survives_and_pages_end() {
    let mut t = Tenant::new();
    for _ in 0..51 {
        t.made(&json!({}));
    }
    let (_, page) = t.get("/api/v2/quotes?limit=50");
    assert_eq!(page["info"]["more_results_matching_the_request"], true);
    let saved = t.sandbox.save().unwrap();
    let mut again = Tenant::new();
    again.sandbox.load(saved).unwrap();
    let (_, rest) = again.get("/api/v2/quotes?offset=50");
    assert_eq!(rest["quotes"].as_array().unwrap().len(), 1);
    assert_eq!(rest["info"]["more_results_matching_the_request"], false);
}
