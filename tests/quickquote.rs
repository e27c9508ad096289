//! Stories of Quick Quote: the real binary against the embedded sandbox, through a stand-in that
//! writes down every request.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use bytes::Bytes;
use proforma::sandbox::{Options, Running, Verdict};
use serde_json::{Value, json};
use support::ledger::{Ledger, Sent, stand_in};
use support::{Ended, finish};
use tempfile::TempDir;

/// A workspace, its shop, and everything that was asked of it.
struct Shop {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    url: String,
    sent: Ledger,
    folder: TempDir,
}

const WORKSPACE: &str = "\
proforma: 1
workspace: shop-test
connections:
  shop:
    provider: quickquote
    token: { env: QUICKQUOTE_TOKEN }
    currency: USD
    rate: 1000/1s
";

impl Shop {
    fn new(quotes: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let options = Options { rate: "off".parse().unwrap(), ..Options::default() };
        let running = runtime.block_on(Running::start(options)).unwrap();
        let sent = Ledger::default();
        let url = runtime.block_on(stand_in(running.root_url(), "/quickquote/api/v1", &sent));
        let folder = tempfile::tempdir().unwrap();
        let shop = Self { runtime, running: Some(running), url, sent, folder };
        shop.write("proforma.yaml", WORKSPACE);
        shop.write("quotes/all.yaml", quotes);
        shop
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[track_caller]
    fn edit(&self, from: &str, to: &str) {
        let path = self.folder.path().join("quotes/all.yaml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "no {from:?} in {text}");
        std::fs::write(path, text.replace(from, to)).unwrap();
    }

    /// Runs the binary with `base_url` on the stand-in, and a token of its own.
    fn run_with(&self, token: &str, args: &[&str]) -> Ended {
        let workspace = self.folder.path().join("proforma.yaml");
        let text = std::fs::read_to_string(&workspace).unwrap();
        if !text.contains("base_url") {
            let at = format!("base_url: {}/quickquote/api/v1\n    currency", self.url);
            std::fs::write(&workspace, text.replace("currency", &at)).unwrap();
        }
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_proforma"));
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("QUICKQUOTE_TOKEN", token)
            .args(args)
            .stdin(std::process::Stdio::null());
        finish(&mut command)
    }

    fn run(&self, args: &[&str]) -> Ended {
        self.run_with("key", args)
    }

    fn apply(&self) -> Ended {
        self.run(&["apply", "--auto-approve", "--allow", "all", "--format", "json"])
    }

    fn plan(&self) -> Ended {
        self.run(&["plan", "--detailed-exitcode", "--format", "json"])
    }

    /// Nothing is left to do, and looking wrote nothing.
    #[track_caller]
    fn settled(&self) {
        self.forget();
        let plan = self.plan();
        assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
        assert!(self.writes().is_empty(), "plan wrote");
    }

    fn forget(&self) {
        self.sent.lock().unwrap().clear();
    }

    fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    fn writes(&self) -> Vec<Sent> {
        self.sent().into_iter().filter(|s| s.method != "GET").collect()
    }

    /// `POST /quotes`, `PUT /quotes/{id}`, ...
    fn routes(&self) -> Vec<String> {
        let number = |s: &str| s.bytes().all(|b| b.is_ascii_digit()) && !s.is_empty();
        let pattern = |p: &str| {
            p.split('/').map(|s| if number(s) { "{id}" } else { s }).collect::<Vec<_>>().join("/")
        };
        self.writes().iter().map(|s| format!("{} {}", s.method, pattern(&s.path))).collect()
    }

    #[track_caller]
    fn control(&self, path: &str, body: &Value) -> Value {
        let method = if body.is_null() { "GET" } else { "POST" };
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/_sandbox/{path}"))
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let sandbox = self.running.as_ref().unwrap().sandbox();
        let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
        let Verdict::Answer(answer) = verdict else { panic!("no answer") };
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
    }

    fn settings(&self, mut change: Value) {
        change["upstream"] = "quickquote".into();
        self.control("settings", &change);
    }

    fn faults(&self, faults: &Value) {
        self.control("faults", faults);
    }

    fn deed(&self, name: &str, mut body: Value) -> Value {
        body["upstream"] = "quickquote".into();
        self.control(name, &body)
    }

    /// The quotes that we made: those of the seed are older.
    fn quotes(&self) -> Vec<Value> {
        let all = self.control("snapshot", &Value::Null);
        let quotes = all["quickquote"]["quotes"].as_array().cloned().unwrap();
        let ours = |q: &Value| q["tags"].as_str().is_some_and(|t| t.contains("proforma:"));
        quotes.into_iter().filter(ours).collect()
    }

    #[track_caller]
    fn quote(&self) -> Value {
        let mut all = self.quotes();
        assert_eq!(all.len(), 1, "one quote of ours");
        all.remove(0)
    }

    fn mails(&self) -> Vec<Value> {
        let all = self.control("snapshot", &Value::Null);
        all["quickquote"]["emails"].as_array().cloned().unwrap()
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = self.runtime.block_on(running.stop());
        }
    }
}

/// A quote with everything that a plain one has.
fn plain(name: &str, state: &str) -> String {
    format!(
        "quote: {name}\nconnection: shop\nstate: {state}\n\
         customer: {{ email: Jo@acme.example, first_name: Jo, last_name: Ek, phone: \"+46768741810\" }}\n\
         items:\n  - {{ key: a, name: Audit, sku: A-1, quantity: 2, price: 100.00, taxable: false }}\n  \
         - {{ key: b, name: Bundle, price: 50.50, discount: {{ percent: 10, label: Loyal }}, properties: {{ Colour: brown, Size: L }} }}\n  \
         - {{ key: c, quantity: 3, quickquote: {{ variant_id: 40100000000009 }} }}\n\
         discounts: [{{ label: Spring, amount: 20.00 }}]\n\
         shipping: {{ name: Courier, price: 25.50 }}\n\
         notes: {{ public: \"Hello\\nthere\", internal: careful }}\n\
         tags: [priority, needs review]\n\
         delivery: {{ channel: email, include_link: true, include_pdf: false, copy_owner: true }}\n"
    )
}

#[test]
fn the_main_job_and_an_empty_second_plan() {
    let shop = Shop::new(&plain("one", "draft"));
    let plan = shop.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["action"], "create");
    assert!(shop.writes().is_empty(), "plan wrote");
    shop.apply().expect(0);
    assert_eq!(shop.routes(), ["POST /quotes", "POST /quotes/{id}/line_items/{id}/properties"]);
    let sent = shop.writes();
    assert!(
        sent.iter().all(|s| s.content_type.as_deref() == Some("application/json; charset=utf-8"))
    );
    let quote = shop.quote();
    assert_eq!(quote["status"], "Created");
    assert_eq!(quote["email"], "Jo@acme.example");
    assert_eq!(quote["discount_reason"], "Spring");
    assert_eq!(quote["shipping"]["shipping_name"], "Courier");
    assert_eq!(quote["public_notes"], "Hello\nthere");
    let lines = quote["line_items"].as_array().unwrap();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["discount_reason"], "Loyal");
    assert_eq!(lines[1]["item_properties"].as_array().unwrap().len(), 3);
    assert_eq!(lines[2]["title"], "Quarterly report");
    shop.settled();
    // What the manifest does not own is left alone.
    let id = quote["id"].to_string();
    shop.deed(
        "edit",
        json!({ "object": "quotes", "id": id, "properties": { "remarks": "Call me" } }),
    );
    shop.settled();
}

#[test]
fn a_change_is_the_smallest_put() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.apply().expect(0);
    for (from, to, route, body) in [
        (
            "internal: careful",
            "internal: relaxed",
            "PUT /quotes/{id}",
            json!({ "internal_notes": "relaxed" }),
        ),
        (
            "price: 100.00",
            "price: 110.00",
            "PUT /quotes/{id}/line_items/{id}",
            json!({ "price": 110.0 }),
        ),
        (
            "quantity: 3",
            "quantity: 4",
            "PUT /quotes/{id}/line_items/{id}",
            json!({ "quantity": 4 }),
        ),
        (
            "shipping: { name: Courier, price: 25.50 }",
            "shipping: null",
            "PUT /quotes/{id}",
            json!({ "shipping": null }),
        ),
        ("phone: \"+46768741810\"", "phone: null", "PUT /quotes/{id}", json!({ "phone": "" })),
        (
            "Colour: brown",
            "Colour: green",
            "PUT /quotes/{id}/line_items/{id}/properties/{id}",
            json!({ "key": "Colour", "value": "green" }),
        ),
        (
            "discounts: [{ label: Spring, amount: 20.00 }]",
            "discounts: []",
            "PUT /quotes/{id}",
            json!({ "discount": null }),
        ),
    ] {
        shop.edit(from, to);
        shop.forget();
        shop.apply().expect(0);
        let writes = shop.writes();
        assert_eq!(shop.routes(), [route], "{to}");
        assert_eq!(writes[0].body, body, "{to}");
        shop.settled();
    }
    shop.edit(", Size: L", ", Weight: 2 kg");
    shop.forget();
    shop.apply().expect(0);
    assert_eq!(
        shop.routes(),
        [
            "DELETE /quotes/{id}/line_items/{id}/properties/{id}",
            "POST /quotes/{id}/line_items/{id}/properties"
        ]
    );
    shop.settled();
}

#[test]
fn tags_change_beside_the_stamp() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.apply().expect(0);
    let stamp = |quote: &Value| {
        let tags = quote["tags"].as_str().unwrap().to_owned();
        tags.split(", ").find(|t| t.starts_with("proforma:")).unwrap().to_owned()
    };
    let before = stamp(&shop.quote());
    shop.edit("tags: [priority, needs review]", "tags: [late]");
    let plan = shop.plan().expect(2).json();
    assert!(!plan.to_string().contains("proforma:pf1"), "the stamp is no tag of the user");
    shop.apply().expect(0);
    assert_eq!(shop.quote()["tags"], format!("late, {before}"));
    shop.settled();
}

#[test]
fn a_catalogue_line_is_added_again_for_all_but_its_quantity() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.apply().expect(0);
    shop.edit("{ key: c, quantity: 3,", "{ key: c, quantity: 3, discount: 5%,");
    let plan = shop.plan().expect(2).json();
    assert!(plan.to_string().contains("deleted and added again"), "{plan}");
    shop.forget();
    shop.apply().expect(0);
    assert_eq!(
        shop.routes(),
        ["DELETE /quotes/{id}/line_items/{id}", "POST /quotes/{id}/line_items"]
    );
    assert_eq!(shop.quote()["line_items"].as_array().unwrap().len(), 3);
    shop.settled();
}

#[test]
fn lines_come_and_go_and_strays_are_removed() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.apply().expect(0);
    shop.edit("  - { key: a,", "  - { key: d, name: Extra, price: 5.00 }\n  - { key: e, name: More, price: 6.00, properties: { A: b } }\n  - { key: a,");
    let id = shop.quote()["id"].to_string();
    shop.deed("create", json!({ "object": "line_items", "quote_id": shop.quote()["id"], "custom_product": true, "title": "Mine", "price": 1 }));
    let plan = shop.plan().expect(2).json();
    assert!(plan.to_string().contains("\"drift\""), "{plan}");
    shop.forget();
    shop.apply().expect(0);
    // Both lines in one request.
    assert_eq!(
        shop.routes(),
        ["DELETE /quotes/{id}/line_items/{id}", "POST /quotes/{id}/line_items"]
    );
    let titles: Vec<Value> =
        shop.quote()["line_items"].as_array().unwrap().iter().map(|l| l["title"].clone()).collect();
    assert_eq!(titles, ["Audit", "Bundle", "Quarterly report", "Extra", "More"]);
    shop.settled();
    shop.deed(
        "edit",
        json!({ "object": "quotes", "id": id, "properties": { "internal_notes": "hm" } }),
    );
    assert_eq!(shop.plan().expect(2).json()["quotes"][0]["changes"][0]["origin"], "drift");
    shop.apply().expect(0);
    shop.settled();
}

#[test]
fn what_the_shop_decides_is_asserted() {
    let quote = plain("one", "draft").replace(
        "{ key: c, quantity: 3,",
        "{ key: c, quantity: 3, price: 650.00, sku: REPORT-Q, description: Each quarter,",
    );
    let shop = Shop::new(&quote);
    shop.apply().expect(0);
    shop.settled();
    shop.edit("price: 650.00", "price: 600.00");
    let refused = shop.plan().expect(10).json();
    assert_eq!(refused["diagnostics"][0]["code"], "assertion-failed", "{refused}");
    // In a new quote the read-back finds it, before anything is mailed.
    let wrong = quote
        .replace("650.00", "600.00")
        .replace("quote: one", "quote: two")
        .replace("state: draft", "state: sent");
    shop.write("quotes/all.yaml", &wrong);
    let failed = shop.apply().expect(5).json();
    assert!(failed.to_string().contains("items[c].price"), "{failed}");
    assert!(shop.mails().is_empty());
}

#[test]
fn a_mail_goes_out_once_with_what_was_asked() {
    let shop = Shop::new(&plain("one", "sent"));
    let waiting = shop.run(&["apply", "--auto-approve", "--format", "json"]).expect(12).json();
    assert_eq!(waiting["quotes"][0]["outcome"], "waiting");
    assert!(shop.mails().is_empty());
    shop.apply().expect(0);
    let id = shop.quote()["id"].clone();
    let mail = json!({ "quote_id": id, "to": "Jo@acme.example", "include_link": true, "include_pdf": false, "email_assignee": true });
    assert_eq!(shop.mails(), [mail]);
    shop.settled();
    for action in ["view", "accept", "checkout"] {
        shop.deed("customer", json!({ "id": id.to_string(), "action": action }));
        shop.settled();
    }
    shop.apply().expect(0);
    assert_eq!(shop.mails().len(), 1);
    // Closed: the plan says so and sends nothing.
    shop.edit("internal: careful", "internal: late");
    shop.forget();
    let plan = shop.plan().expect(5).json();
    assert_eq!(plan["quotes"][0]["action"], "blocked");
    assert!(plan["quotes"][0]["reason"].as_str().unwrap().contains("ordered"));
    shop.apply().expect(5);
    assert!(shop.writes().is_empty());
}

#[test]
fn an_edit_that_the_customer_sees_waits_for_consent() {
    let shop = Shop::new(&plain("one", "sent"));
    shop.apply().expect(0);
    shop.edit("price: 100.00", "price: 90.00");
    shop.run(&["apply", "--auto-approve", "--allow", "send"]).expect(12);
    assert_eq!(shop.quote()["line_items"][0]["line_price"], 100.0);
    shop.run(&["apply", "--auto-approve", "--allow", "publish"]).expect(0);
    assert_eq!(shop.quote()["line_items"][0]["line_price"], 90.0);
    assert_eq!(shop.mails().len(), 1, "no second mail");
    shop.settled();
    // Staff notes are nobody else's business.
    shop.edit("internal: careful", "internal: relaxed");
    shop.run(&["apply", "--auto-approve"]).expect(0);
    shop.settled();
}

#[test]
fn a_mail_without_an_answer_is_never_repeated() {
    let shop = Shop::new(&plain("one", "sent"));
    shop.faults(
        &json!([{ "on": "write", "match": "POST /quotes/email", "nth": 1, "do": "lose_answer" }]),
    );
    let unknown = shop.apply().expect(6).json();
    assert_eq!(unknown["quotes"][0]["outcome"], "unknown");
    assert_eq!(shop.mails().len(), 1);
    for _ in 0..2 {
        shop.apply();
        assert_eq!(shop.mails().len(), 1, "the mail was repeated");
    }
}

#[test]
fn closing_states_need_consent_to_final() {
    for state in ["accepted", "declined", "canceled", "ordered"] {
        let shop = Shop::new(&plain("one", state));
        let plan = shop.plan().expect(2).json();
        assert_eq!(plan["consent"], json!(["final"]));
        shop.apply().expect(0);
        assert_eq!(shop.quote()["status"].as_str().unwrap().to_lowercase(), state);
        shop.settled();
    }
}

#[test]
fn lost_answers_leave_no_duplicates() {
    for fault in ["lose_answer", "fail_502_after", "drop_before", "fail_503_before"] {
        for nth in 1..=2 {
            let shop = Shop::new(&plain("one", "draft"));
            shop.faults(&json!([{ "on": "write", "nth": nth, "do": fault }]));
            let first = shop.apply();
            if first.code != 0 {
                shop.apply().expect(0);
            }
            let quote = shop.quote();
            let lines = quote["line_items"].as_array().unwrap();
            assert_eq!(lines.len(), 3, "{fault} {nth}");
            assert_eq!(lines[1]["item_properties"].as_array().unwrap().len(), 3, "{fault} {nth}");
            shop.settled();
        }
    }
}

#[test]
fn lost_answers_of_edits_leave_no_duplicates() {
    for nth in 1..=4 {
        let shop = Shop::new(&plain("one", "draft"));
        shop.apply().expect(0);
        shop.edit("internal: careful", "internal: relaxed");
        shop.edit("price: 100.00", "price: 110.00");
        shop.edit("{ key: c, quantity: 3,", "{ key: c, quantity: 3, discount: 5%,");
        shop.edit("  - { key: a,", "  - { key: d, name: Extra, price: 5.00 }\n  - { key: a,");
        shop.faults(&json!([{ "on": "write", "nth": nth, "do": "lose_answer" }]));
        let first = shop.apply();
        if first.code != 0 {
            shop.apply().expect(0);
        }
        assert_eq!(shop.quote()["line_items"].as_array().unwrap().len(), 4, "{nth}");
        shop.settled();
    }
}

#[test]
fn a_lost_lockfile_is_no_loss() {
    let with_id =
        plain("one", "draft").replace("first_name: Jo,", "first_name: Jo, id: 123127982734,");
    for quote in [plain("one", "draft"), with_id] {
        let shop = Shop::new(&quote);
        shop.apply().expect(0);
        std::fs::remove_file(shop.folder.path().join("proforma.lock")).unwrap();
        shop.forget();
        assert_eq!(shop.plan().expect(2).json()["quotes"][0]["action"], "adopt");
        let listed = if quote.contains("123127982734") {
            "/customers/123127982734/quotes"
        } else {
            "/quotes"
        };
        assert!(shop.sent().iter().any(|s| s.path == listed), "{:?}", shop.sent());
        shop.apply().expect(0);
        shop.quote();
        shop.settled();
    }
}

#[test]
fn dropped_values_are_named() {
    let fields = "fields: { \"4767460\": Teleport, Needed by: 2027-01-31, \"12121\": Acme, Shipping address: { city: X, country: se } }\n";
    let shop = Shop::new(&format!("{}{fields}", plain("one", "draft")));
    let failed = shop.apply().expect(5).json();
    let error = failed["quotes"][0]["error"].to_string();
    assert!(error.contains("fields[4767460]") && !error.contains("12121"), "{error}");
    assert!(!error.contains("4767463") && !error.contains("4767458"), "{error}");
    shop.edit("Teleport", "Express");
    shop.apply().expect(0);
    shop.settled();
    for switches in [
        json!({ "us_dates": true, "address_as_text": true }),
        json!({ "line_price": "extended" }),
        json!({ "unassigned_object": true, "blank_is_null": false }),
        json!({ "rehost_images": true }),
    ] {
        shop.settings(switches);
        shop.settled();
    }
    shop.settings(json!({ "drop_field": ["public_notes"] }));
    shop.edit("public: \"Hello", "public: \"Bye");
    let failed = shop.apply().expect(5).json();
    assert!(failed.to_string().contains("`notes.public` did not arrive"), "{failed}");
}

#[test]
fn a_dropped_line_and_a_discount_off_each_unit_are_found_before_the_mail() {
    let shop = Shop::new(&plain("one", "sent").replace("40100000000009", "5"));
    let failed = shop.apply().expect(5).json();
    assert!(failed.to_string().contains("items[c]"), "{failed}");
    assert!(shop.mails().is_empty());

    let shop = Shop::new(
        &plain("one", "sent").replace("price: 100.00,", "price: 100.00, discount: 15.00,"),
    );
    shop.settings(json!({ "fixed_per": "unit" }));
    let failed = shop.apply().expect(5).json();
    assert!(failed.to_string().contains("items[a].discount.amount"), "{failed}");
    assert!(shop.mails().is_empty());
}

#[test]
fn clearing_is_said_again_to_a_shop_that_ignores_null() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.settings(json!({ "clearing": "zero" }));
    shop.apply().expect(0);
    shop.edit("discounts: [{ label: Spring, amount: 20.00 }]", "discounts: []");
    shop.edit("shipping: { name: Courier, price: 25.50 }", "shipping: null");
    shop.apply().expect(0);
    assert_eq!(shop.quote()["discount_type"], Value::Null);
    shop.settled();
}

#[test]
fn names_are_learnt_from_quotes_and_recorded() {
    let quote =
        format!("{}owner: Omar Haddad\nfields: {{ Company name: Acme }}\n", plain("one", "draft"));
    let shop = Shop::new(&quote);
    shop.apply().expect(0);
    assert_eq!(shop.quote()["assignee"]["assignee_id"], 12124);
    shop.settled();
    assert_eq!(shop.sent().len(), 1, "{:?}", shop.sent());
    for (name, code) in [("Sam Twin", "reference-ambiguous"), ("Nobody", "reference-not-found")] {
        shop.write("quotes/all.yaml", &quote.replace("Omar Haddad", name));
        let refused = shop.plan().expect(10).json();
        assert_eq!(refused["diagnostics"][0]["code"], code, "{refused}");
    }
}

#[test]
fn a_plan_with_nothing_to_do_reads_pages_or_singles_whichever_is_fewer() {
    let many: Vec<String> = (0..12).map(|n| plain(&format!("q{n}"), "draft")).collect();
    let shop = Shop::new(&many.join("---\n"));
    shop.apply().expect(0);
    shop.settled();
    assert_eq!(shop.sent().len(), 1, "one page has them all");
    for n in 0..150 {
        shop.deed("create", json!({ "object": "quotes", "email": format!("a{n}@b.example"), "first_name": "A", "last_name": "B" }));
    }
    shop.settled();
    assert!(shop.sent().len() <= 2, "{}", shop.sent().len());
    shop.write("quotes/all.yaml", &many[0]);
    shop.forget();
    shop.run(&["plan", "--only", "q0", "--format", "json"]).expect(0);
    assert_eq!(shop.sent().len(), 1);
    assert!(shop.sent()[0].path.starts_with("/quotes/"));
}

#[test]
fn credentials_refused_in_each_way_and_trouble_on_the_way() {
    let shop = Shop::new(&plain("one", "draft"));
    shop.run_with("invalid", &["plan"]).expect(8);
    shop.settings(json!({ "credential_status": 403 }));
    shop.run_with("invalid", &["plan"]).expect(8);
    for body in ["capital", "error", "errors", "text", "empty"] {
        shop.settings(json!({ "error_body": body }));
        shop.run_with("invalid", &["apply", "--auto-approve"]).expect(8);
    }
    shop.faults(&json!([{ "on": "read", "nth": 1, "do": "status:429", "headers": { "Retry-After": "1" } }, { "on": "read", "nth": 2, "do": "status:503" }]));
    shop.apply().expect(0);
    shop.settled();
    shop.faults(&json!([{ "on": "read", "do": "garbage" }]));
    assert_ne!(shop.plan().code, 0);
    shop.faults(&json!([{ "on": "any", "do": "redirect" }]));
    assert_ne!(shop.plan().code, 0);
}

#[test]
fn another_owner_is_refused_and_a_lost_tag_is_put_back() {
    let shop = Shop::new(&format!("{}---\n{}", plain("one", "draft"), plain("two", "draft")));
    shop.apply().expect(0);
    let lock = shop.folder.path().join("proforma.lock");
    let text = std::fs::read_to_string(&lock).unwrap();
    let ids: Vec<String> = shop.quotes().iter().map(|q| q["id"].to_string()).collect();
    let swapped = text.replace(&ids[0], "X").replace(&ids[1], &ids[0]).replace('X', &ids[1]);
    std::fs::write(&lock, swapped).unwrap();
    shop.plan().expect(11);
    std::fs::write(&lock, text).unwrap();
    shop.deed(
        "edit",
        json!({ "object": "quotes", "id": ids[0], "properties": { "tags": "mine" } }),
    );
    shop.apply().expect(0);
    assert_eq!(shop.quotes().len(), 2);
    shop.settled();
}

#[test]
fn pruning_deletes_with_consent() {
    let shop = Shop::new(&format!("{}---\n{}", plain("one", "draft"), plain("two", "draft")));
    shop.apply().expect(0);
    shop.write("quotes/all.yaml", &plain("one", "draft"));
    assert_eq!(shop.plan().expect(0).json()["summary"]["orphaned"], 1);
    shop.run(&["apply", "--auto-approve", "--prune"]).expect(12);
    shop.run(&["apply", "--auto-approve", "--prune", "--allow", "delete"]).expect(0);
    shop.quote();
    shop.settled();
}

#[test]
fn what_cannot_be_held_is_refused_offline_with_the_way_out() {
    let cases = [
        ("expires: 2027-01-01", "field-refused"),
        ("notes: { terms: x }", "field-refused"),
        ("fees: [{ label: a, amount: 1.00 }]", "field-refused"),
        ("taxes: [{ label: a, percent: 1 }]", "field-refused"),
        ("contacts: [{ email: a@b.example }]", "field-refused"),
        ("template: x", "field-refused"),
        ("alternatives: [{ bundle_id: 1 }]", "field-refused"),
        ("state: published", "state-refused"),
        ("currency: EUR", "currency-mismatch"),
        ("discounts: [{ label: a, percent: 1 }, { label: b, percent: 2 }]", "one-discount"),
        ("delivery: { channel: sms }", "field-refused"),
        ("delivery: { message: hi }", "field-refused"),
        ("tags: [\"a,b\"]", "tag-unfit"),
        ("tags: [\"proforma:x\"]", "tag-reserved"),
        ("owner: { id: jane }", "id-unfit"),
        ("quickquote: { status: sent }", "native-neutral"),
        ("quickquote: { subtotal: 1 }", "native-read-only"),
        ("quickquote: { colour: 1 }", "native-unknown"),
        ("items: [{ name: A }]", "line-incomplete"),
        ("items: [{ name: A, price: 1.00, quantity: 1.5 }]", "quantity-not-whole"),
        ("items: [{ name: A, price: 1.00, description: x }]", "field-refused"),
        ("items: [{ name: A, price: 1.00, recurring: { every: month } }]", "field-refused"),
        ("items: [{ name: A, price: 1.00, discount: 2.00 }]", "discount-too-large"),
        ("items: [{ name: A, price: 9.00, discount: 12.345% }]", "too-many-decimals"),
        ("discounts: [{ label: a, percent: 12.345 }]", "too-many-decimals"),
        ("discounts: [{ label: a, percent: 0 }]", "discount-zero"),
        ("discounts: [{ label: a, amount: 0.00 }]", "discount-zero"),
        ("items: [{ name: A, price: 9.00, discount: { percent: 0, label: a } }]", "discount-zero"),
        (
            "items: [{ name: A, price: 9.00, quantity: 2, discount: 10% }]\ndiscounts: [{ label: a, amount: 16.21 }]",
            "discount-too-large",
        ),
        ("items: [{ name: A, price: 1.00, quickquote: { price: 2 } }]", "native-neutral"),
        ("items: [{ name: A, price: 1.00, quickquote: { weight: 2 } }]", "weight-incomplete"),
        ("items: [{ name: A, price: 1.00, properties: { _proforma: x } }]", "native-reserved"),
    ];
    let shop = Shop::new("");
    for (line, code) in cases {
        let head = "quote: one\nconnection: shop\ncustomer: { email: a@b.example, first_name: A, last_name: B }\n";
        shop.write("quotes/all.yaml", &format!("{head}{line}\n"));
        let refused = shop.plan();
        assert_eq!(refused.code, 10, "{line}: {}", refused.stdout);
        let json = refused.json();
        let found = json["diagnostics"].as_array().unwrap().iter().find(|d| d["code"] == code);
        let found = found.unwrap_or_else(|| panic!("{line}: {json}"));
        assert!(found["help"].is_string() && found["line"].as_u64() > Some(1), "{line}: {found}");
    }
    // All that there is may be taken off; a price that only the shop knows is not guessed.
    for fine in [
        "items: [{ name: A, price: 9.00, quantity: 2, discount: 10% }]\ndiscounts: [{ label: a, amount: 16.20 }]",
        "items: [{ name: A, price: 1.00 }, { key: b, quickquote: { variant_id: 1 } }]\ndiscounts: [{ label: a, amount: 9.00 }]",
        "discounts: [{ label: a, amount: 9.00 }]",
    ] {
        let head = "quote: one\nconnection: shop\ncustomer: { email: a@b.example, first_name: A, last_name: B }\n";
        shop.write("quotes/all.yaml", &format!("{head}{fine}\n"));
        let valid = shop.run(&["validate"]);
        assert_eq!(valid.code, 0, "{fine}: {}", valid.stdout);
    }
    assert!(shop.sent().is_empty());
}

/// What is sent already sends no mail again.
#[test]
fn a_mail_without_the_quote_is_told_while_it_is_still_to_be_sent() {
    let shop = Shop::new(
        "quote: one\nconnection: shop\nstate: sent\ncustomer: { email: a@b.example, first_name: A, last_name: B }\n\
         items: [{ name: A, price: 9.00 }]\n",
    );
    let told = |shop: &Shop| {
        let ended = shop.run(&["validate"]);
        assert_eq!(ended.code, 0, "{}", ended.stdout);
        ended.stdout.contains("mail-without-quote")
    };
    assert!(told(&shop));
    assert_eq!(shop.apply().code, 0);
    assert!(!told(&shop));
}

/// The example workspace, against the stand-in.
fn example() -> Shop {
    let shop = Shop::new("");
    std::fs::remove_file(shop.folder.path().join("quotes/all.yaml")).unwrap();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickquote");
    for folder in [".", "quotes", "catalog"] {
        for file in std::fs::read_dir(from.join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|e| e == "yaml") {
                let name = path.file_name().unwrap().to_str().unwrap();
                shop.write(&format!("{folder}/{name}"), &std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let workspace = std::fs::read_to_string(shop.folder.path().join("proforma.yaml")).unwrap();
    let at = format!("base_url: {}/quickquote/api/v1\n    currency: USD", shop.url);
    shop.write("proforma.yaml", &workspace.replace("currency: USD", &at));
    shop
}

#[test]
fn the_example_workspace_runs_and_settles() {
    let shop = example();
    shop.run(&["validate"]).expect(0);
    shop.run(&["apply", "--auto-approve", "--allow", "send"]).expect(0);
    assert_eq!(shop.mails().len(), 2);
    shop.settled();
}

#[test]
fn the_vendors_create_example_leaves_fact_by_fact() {
    let shop = example();
    shop.run(&["apply", "--auto-approve", "--only", "vendor-create"]).expect(0);
    let sent = shop.writes();
    let body = &sent[0].body;
    let same = |at: &str, want: Value| assert_eq!(body.pointer(at), Some(&want), "{at}: {body}");
    same("/email", json!("johnsmith@myemail.example"));
    same("/first_name", json!("John"));
    same("/last_name", json!("Smith"));
    same("/phone", json!("122-123-1234"));
    same("/remarks", json!(""));
    same("/internal_notes", json!(""));
    same("/public_notes", json!(""));
    same("/customer_id", json!(123_127_982_734_i64));
    same("/assignee_id", json!(12123));
    assert!(body["tags"].as_str().unwrap().starts_with("needs review, priority, proforma:pf1-"));
    same(
        "/discount",
        json!({ "discount_amount": 10, "discount_type": "fixed_amount", "discount_reason": "$10 off special" }),
    );
    let mut fields = body["custom_fields"].as_array().unwrap().clone();
    fields.sort_by_key(|f| f["id"].as_i64());
    assert_eq!(
        json!(fields),
        json!([{ "id": 2569, "value": "1234 somewhere street" }, { "id": 12121, "value": "Company Name" }])
    );
    let mut boots = body["line_items"][0].clone();
    let stamp = boots.as_object_mut().unwrap().remove("properties").unwrap();
    assert_eq!(stamp["key"], "_proforma");
    let discount = json!({ "discount_amount": 10, "discount_type": "fixed_amount", "discount_reason": "$10 off special", "reason": "$10 off special" });
    assert_eq!(
        boots,
        json!({
            "quantity": 1, "custom_product": true, "price": 15.25, "title": "Big Brown Bear Boots",
            "sku": "23j4h22344", "barcode": null, "image_url": "https://hostedimages.example/new-image.jpg",
            "weight": 1300, "weight_units": "g", "requires_shipping": true, "taxable": true,
            "discount": discount,
        })
    );
    let line = &body["line_items"][1];
    assert_eq!(
        (&line["variant_id"], &line["quantity"], &line["custom_product"]),
        (&json!(23_452_345_234_523_i64), &json!(1), &json!(false))
    );
    // The pair of the example comes after the stamp, by its own endpoint.
    assert_eq!(sent[1].body, json!([{ "key": "property name", "value": "property value" }]));
    let quote = shop.quote();
    assert_eq!(quote["total"], 8.0);
    assert_eq!(quote["line_items"][0]["grams"], 1300);
}

/// What a customer's look moves is drift: shown, and neither repaired nor taken for a new wish of
/// the manifest by a later plan.
#[test]
fn a_viewed_draft_stays_drift_after_an_apply() {
    let shop = Shop::new(
        "quote: one\nstate: draft\ncustomer: { email: a@acme.example, first_name: A, last_name: B }\n\
         items: [{ key: a, name: Audit, price: 10.00 }]\n",
    );
    shop.apply().expect(0);
    let id = shop.quote()["id"].clone();
    shop.deed("customer", json!({ "id": id, "action": "view" }));
    for _ in 0..2 {
        shop.apply().expect(0);
        shop.settled();
    }
    assert_eq!(shop.quote()["status"], "Viewed");
}
