//! The protocol of the shop, as a client meets it.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sandbox::{Options, Sandbox, Verdict};

struct Client(Sandbox);

impl Client {
    fn new() -> Self {
        Self(Sandbox::new(Options::default()).unwrap())
    }

    fn send(&mut self, method: &str, path: &str, key: &str, json: Option<&Value>) -> (u16, Value) {
        let at = if path.starts_with("/_") {
            path.to_owned()
        } else {
            format!("/quickquote/api/v1{path}")
        };
        let mut request = http::Request::builder().method(method).uri(at).header("x-api-key", key);
        if json.is_some() {
            request = request.header("content-type", "application/json; charset=utf-8");
        }
        let body = json.map_or_else(Bytes::new, |j| Bytes::from(j.to_string()));
        let request = request.body(body).unwrap();
        let Verdict::Answer(answer) = self.0.handle(&request, Timestamp::UNIX_EPOCH) else {
            panic!("no answer");
        };
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    #[track_caller]
    fn ok(&mut self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.send(method, path, "k", (!body.is_null()).then_some(body));
        assert_eq!(status, 200, "{method} {path}: {answer}");
        answer
    }

    fn status(&mut self, method: &str, path: &str, body: &Value) -> u16 {
        self.send(method, path, "k", (!body.is_null()).then_some(body)).0
    }

    fn settings(&mut self, mut change: Value) {
        change["upstream"] = "quickquote".into();
        self.ok("POST", "/_sandbox/settings", &change);
    }

    fn customer(&mut self, id: &Value, action: &str) -> u16 {
        let body = json!({ "upstream": "quickquote", "id": id, "action": action });
        self.status("POST", "/_sandbox/customer", &body)
    }

    fn make(&mut self) -> Value {
        self.ok("POST", "/quotes", &quote())
    }
}

/// The vendor's create example.
fn quote() -> Value {
    json!({
        "email": "johnsmith@myemail.example", "first_name": "John", "last_name": "Smith",
        "phone": "122-123-1234", "remarks": "", "customer_id": 123_127_982_734_i64,
        "assignee_id": 12123, "internal_notes": "", "public_notes": "",
        "tags": "priority, needs review",
        "discount": { "discount_amount": 10, "discount_type": "fixed", "discount_reason": "$10 off" },
        "custom_fields": [{ "id": 12121, "value": "Company Name" }, { "id": 2569, "value": "1234 street" }],
        "line_items": [
            { "quantity": 1, "custom_product": true, "price": 15.25, "title": "Big Brown Bear Boots",
              "sku": "23j4h22344", "barcode": null, "image_url": "https://hosted.example/new-image.jpg",
              "weight": 1300, "weight_units": "g", "requires_shipping": true, "taxable": true,
              "discount": { "discount_amount": 10, "discount_type": "fixed", "reason": "special" },
              "properties": { "key": "property name", "value": "property value" } },
            { "variant_id": 23_452_345_234_523_i64, "quantity": 1, "custom_product": false },
        ],
    })
}

#[test]
fn the_create_example_reads_back_flat() {
    let mut c = Client::new();
    let made = c.make();
    assert_eq!(made["status"], "Created");
    assert_eq!(made["assignee"], json!({ "assignee_id": 12123, "assignee_name": "Jane Ek" }));
    assert_eq!(made["discount_type"], "fixed");
    assert_eq!(made["discount_reason"], "$10 off");
    assert_eq!(made["remarks"], Value::Null);
    assert_eq!(made["shipping"]["shipping_total"], 0.0);
    let boots = &made["line_items"][0];
    assert_eq!(boots["grams"], 1300);
    assert_eq!(boots["discount_reason"], "special");
    assert_eq!(boots["total"], 5.25);
    assert_eq!(
        boots["item_properties"][0],
        json!({ "key": "property name", "value": "property value" })
    );
    assert_eq!(made["line_items"][1]["title"], "Small Brown Bear Boots");
    assert_eq!(made["subtotal"], 18.0);
    assert_eq!(made["total"], 8.0);
    let again = c.ok("GET", &format!("/quotes/{}", made["id"]), &Value::Null);
    assert_eq!(again, made);
}

#[test]
fn money_is_printed_with_two_digits() {
    let mut sandbox = Sandbox::new(Options::default()).unwrap();
    let request = http::Request::get("/quickquote/api/v1/quotes").header("x-api-key", "k");
    let Verdict::Answer(answer) =
        sandbox.handle(&request.body(Bytes::new()).unwrap(), Timestamp::UNIX_EPOCH)
    else {
        panic!("no answer");
    };
    let text = String::from_utf8(answer.body().to_vec()).unwrap();
    assert!(text.contains("\"line_price\":650.00"), "{text}");
}

#[test]
fn refusals() {
    let mut c = Client::new();
    assert_eq!(c.send("GET", "/quotes", "", None).0, 401);
    assert_eq!(c.send("GET", "/quotes", "invalid", None).0, 401);
    c.settings(json!({ "credential_status": 403 }));
    assert_eq!(c.send("GET", "/quotes", "invalid", None).0, 403);
    assert_eq!(c.status("GET", "/quotes/1", &Value::Null), 404);
    assert_eq!(c.status("POST", "/quotes", &json!({ "email": "a@b.example" })), 400);
    assert_eq!(c.status("POST", "/quotes", &json!([1])), 400);
    assert_eq!(c.send("POST", "/quotes", "k", None).0, 415);
    assert_eq!(c.send("POST", "/quotes/email", "k", Some(&json!({}))).0, 400);
    let bad = json!({ "upstream": "quickquote", "no_such_switch": 1 });
    assert_eq!(c.status("POST", "/_sandbox/settings", &bad), StatusCode::BAD_REQUEST.as_u16());
}

#[test]
fn what_does_not_fit_is_dropped_in_silence() {
    let mut c = Client::new();
    let mut wanted = quote();
    wanted["line_items"] = json!([
        { "custom_product": true, "title": "No price" },
        { "custom_product": false, "variant_id": 5 },
        { "custom_product": false },
    ]);
    wanted["custom_fields"] = json!([
        { "id": 4767460, "value": "Teleport" }, { "id": 4767463, "value": "31.01.2027" },
        { "id": 4767458, "value": { "city": "X", "country": "SE" } }, { "id": 99, "value": "x" },
    ]);
    wanted["surprise"] = json!(true);
    let made = c.ok("POST", "/quotes", &wanted);
    assert_eq!(made["line_items"], json!([]));
    assert!(made["custom_fields"].as_array().unwrap().iter().all(|f| f["value"].is_null()));
    c.settings(json!({ "unknown_keys": "reject" }));
    assert_eq!(c.status("POST", "/quotes", &wanted), 400);
}

#[test]
fn fields_merge_by_id_and_dates_are_normalised() {
    let mut c = Client::new();
    let id = c.make()["id"].clone();
    let path = format!("/quotes/{id}");
    let body = json!({ "custom_fields": [{ "id": 4767463, "value": "01-31-2027" }, { "id": 2569, "value": "" }] });
    let quote = c.ok("PUT", &path, &body);
    let value = |quote: &Value, id: i64| {
        let fields = quote["custom_fields"].as_array().unwrap().clone();
        fields.into_iter().find(|f| f["id"] == id).unwrap()["value"].clone()
    };
    assert_eq!(value(&quote, 4_767_463), "2027-01-31");
    assert_eq!(value(&quote, 2569), Value::Null);
    assert_eq!(value(&quote, 12121), "Company Name");
}

#[test]
fn closed_quotes_cannot_be_edited_and_open_ones_jump_anywhere() {
    let mut c = Client::new();
    for status in ["accepted", "declined", "canceled", "ordered"] {
        let quote = c.make();
        let path = format!("/quotes/{}", quote["id"]);
        assert_eq!(
            c.ok("PUT", &path, &json!({ "status": status }))["status"]
                .as_str()
                .unwrap()
                .to_lowercase(),
            status
        );
        assert_eq!(c.status("PUT", &path, &json!({ "internal_notes": "x" })), 400);
        assert_eq!(c.status("PUT", &path, &json!({ "status": "created" })), 400);
        let line = format!("{path}/line_items/{}", quote["line_items"][0]["id"]);
        assert_eq!(c.status("PUT", &line, &json!({ "quantity": 2 })), 400);
        assert_eq!(c.status("DELETE", &path, &Value::Null), 200);
    }
    let path = format!("/quotes/{}", c.make()["id"]);
    assert_eq!(c.status("PUT", &path, &json!({ "status": "cancelled" })), 400);
}

#[test]
fn mailing_sets_sent_once_and_mails_each_time() {
    let mut c = Client::new();
    let id = c.make()["id"].clone();
    let mail = json!({ "quote_id": id, "include_link": true });
    c.ok("POST", "/quotes/email", &mail);
    assert_eq!(c.ok("GET", &format!("/quotes/{id}"), &Value::Null)["status"], "Sent");
    assert_eq!(c.customer(&id, "view"), 200);
    c.ok("POST", "/quotes/email", &mail);
    assert_eq!(c.ok("GET", &format!("/quotes/{id}"), &Value::Null)["status"], "Viewed");
    let mails = c.ok("GET", "/_sandbox/snapshot", &Value::Null)["quickquote"]["emails"].clone();
    assert_eq!(mails.as_array().unwrap().len(), 2);
    assert_eq!(mails[0]["include_pdf"], false);
    assert_eq!(c.customer(&id, "accept"), 200);
    assert_eq!(c.customer(&id, "decline"), 409);
    assert_eq!(c.customer(&id, "checkout"), 200);
    let quote = c.ok("GET", &format!("/quotes/{id}"), &Value::Null);
    assert_eq!(quote["status"], "Ordered");
    assert!(quote["shopify_order_number"].is_i64());
}

#[test]
fn a_catalogue_line_takes_a_quantity_and_nothing_else() {
    let mut c = Client::new();
    let quote = c.make();
    let lines = format!("/quotes/{}/line_items", quote["id"]);
    let line = format!("{lines}/{}", quote["line_items"][1]["id"]);
    let got = c.ok("PUT", &line, &json!({ "quantity": 3, "price": 1, "taxable": true }));
    assert_eq!((got["quantity"].clone(), got["line_price"].clone()), (json!(3), json!(12.75)));
    assert_eq!(got["taxable"], false);
    c.settings(json!({ "unknown_keys": "reject" }));
    assert_eq!(c.status("PUT", &line, &json!({ "price": 1 })), 400);
    let custom = format!("{lines}/{}", quote["line_items"][0]["id"]);
    let got = c.ok("PUT", &custom, &json!({ "price": 20.5, "discount": null }));
    assert_eq!((got["total"].clone(), got["discount_type"].clone()), (json!(20.5), Value::Null));
    c.ok("DELETE", &line, &Value::Null);
    assert_eq!(c.status("DELETE", &line, &Value::Null), 404);
    let new = json!([{ "custom_product": true, "title": "New", "price": 1, "item_properties": [{ "key": "a", "value": "1" }, { "key": "b", "value": "2" }] }]);
    let added = c.ok("POST", &lines, &new);
    assert_eq!(added.as_array().unwrap().len(), 1);
    assert_eq!(added[0]["item_properties"].as_array().unwrap().len(), 2);
}

#[test]
fn properties_have_endpoints_of_their_own() {
    let mut c = Client::new();
    let quote = c.make();
    let path =
        format!("/quotes/{}/line_items/{}/properties", quote["id"], quote["line_items"][0]["id"]);
    let all = c.ok("POST", &path, &json!([{ "key": "Size", "value": "5" }]));
    assert_eq!(all.as_array().unwrap().len(), 2);
    let one = format!("{path}/{}", all[1]["id"]);
    assert_eq!(c.ok("PUT", &one, &json!({ "key": "Size", "value": "6" }))["value"], "6");
    c.ok("DELETE", &one, &Value::Null);
    assert_eq!(c.status("DELETE", &one, &Value::Null), 404);
    assert_eq!(c.ok("GET", &path, &Value::Null).as_array().unwrap().len(), 1);
}

#[test]
fn lists_go_by_cursor_and_by_customer() {
    let mut c = Client::new();
    for _ in 0..3 {
        c.make();
    }
    let first = c.ok("GET", "/quotes?page_size=2", &Value::Null);
    assert_eq!(first["total_records"], 7);
    assert_eq!(first["data"].as_array().unwrap().len(), 2);
    let mut seen = 2;
    let mut next = first["next_page"].clone();
    while !next.is_null() {
        let page = c.ok("GET", &format!("/quotes?page_size=2&page={next}"), &Value::Null);
        seen += page["data"].as_array().unwrap().len();
        next = page["next_page"].clone();
    }
    assert_eq!(seen, 7);
    let mine = c.ok("GET", "/customers/123127982734/quotes", &Value::Null);
    assert_eq!(mine["total_records"], 3);
    assert_eq!(c.ok("GET", "/quotes?page_size=1000", &Value::Null)["next_page"], Value::Null);
    c.settings(json!({ "strict_paging": true }));
    assert_eq!(c.status("GET", "/quotes?page_size=0", &Value::Null), 400);
}

#[test]
fn a_refused_request_changes_nothing_and_a_state_survives_saving() {
    let mut c = Client::new();
    let quote = c.make();
    let lines = format!("/quotes/{}/line_items", quote["id"]);
    let bad = json!([{ "custom_product": true, "title": "A", "price": 1 }, { "custom_product": true, "title": "B", "price": "x" }]);
    assert_eq!(c.status("POST", &lines, &bad), 400);
    assert_eq!(c.ok("GET", &lines, &Value::Null).as_array().unwrap().len(), 2);
    let saved = c.0.save().unwrap();
    let mut other = Client::new();
    other.0.load(saved).unwrap();
    assert_eq!(other.ok("GET", &format!("/quotes/{}", quote["id"]), &Value::Null), quote);
}
