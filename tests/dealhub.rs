//! Stories of DealHub: the real binary against the emulated tenant.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use proforma::sandbox::{Options, RateChoice};
use serde_json::{Value, json};
use support::{Ended, World};

const WORKSPACE: &str = "\
proforma: 1
workspace: small
connections:
  cpq:
    provider: dealhub
    token: { env: DEALHUB_TOKEN }
    visibility: 1s
";

/// A quote on an opportunity that the CRM knows.
fn quote(name: &str, state: &str) -> String {
    format!(
        "quote: {name}\ntitle: Title of {name}\nexpires: 2027-12-01\ncurrency: USD\nstate: {state}\n\
         deal: {{ id: \"345345\", name: Acme renewal 2027 }}\n\
         items:\n  - {{ key: audit, sku: SEO-A, name: Audit, quantity: 2, price: 12000.00, discount: 10% }}\n  \
         - {{ key: day, sku: TRAIN-D, price: 1750.50 }}\n"
    )
}

/// A quote that describes its opportunity.
const WHOLE: &str = "\
quote: whole
title: Whole
expires: 2027-12-01
currency: SEK
state: draft
deal: { id: crm-77, name: New business }
customer: { id: c-9, name: Wonka AB, email: Hal@wonka.example, first_name: Hal, last_name: Ivey, phone: '+4670', company: Wonka }
contacts: [{ email: cfo@wonka.example, first_name: Mo, last_name: Ivey }]
owner: { id: u-1, email: jane@northlight.example, name: Jane Ek }
discounts: [{ label: Loyalty, percent: 5 }]
items:
  - key: audit
    sku: SEO-A
    quantity: 3
    price: 999.99
    properties: { Colour: brown }
    dealhub:
      product_factors: { Duration: 12 }
      attributes: { Start: 2027-01-01 }
      bundle_ref_id: 1
      msrp: 1100
      partner_program_data: [{ partner_program_name: Gold, partner_level_item_price: 10.5, partner_level_item_discount: 2 }]
dealhub:
  playbook: api_playbook
  document_type: PDF
  dealroom_publish_name: Shown name
  timezone_offset: 2
  line_item_details: all
  partner_program: [{ program_name: Gold, partner_level_name: Silver }]
  quote_data:
    - group_id: general
      questions: [{ term: 12, region: EMEA, remark: 'two; words', onsite: true }]
    - group_id: services
      questions: [{ service_note: first }, { service_note: second }]
  opportunity_data:
    geo_code: SE
    opportunity_owner: { position: Seller }
    customer_billing_address: { street: Storgatan 1, city: Malmo, postal_code: 21142 }
    customer_contacts: [{ email: cfo@wonka.example, salutation: Dr }]
";

fn world(quotes: &str) -> World {
    let world = World::empty();
    world.write("proforma.yaml", WORKSPACE);
    world.write("quotes/all.yaml", quotes);
    world
}

fn tenant(world: &World) -> Value {
    world.control("GET", "snapshot", &Value::Null)["dealhub"].clone()
}

fn quotes(world: &World) -> Vec<Value> {
    tenant(world)["quotes"].as_array().cloned().unwrap_or_default()
}

#[track_caller]
fn only(world: &World) -> Value {
    let mut all = quotes(world);
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

fn id(quote: &Value) -> String {
    quote["dealhub_quote_id"].as_str().unwrap().to_owned()
}

fn set(world: &World, mut settings: Value) {
    settings["upstream"] = json!("dealhub");
    world.control("POST", "settings", &settings);
}

fn deed(world: &World, name: &str, mut body: Value) {
    body["upstream"] = json!("dealhub");
    world.control("POST", name, &body);
}

fn fault(world: &World, matching: &str, what: &str) {
    world.faults(&json!([{ "on": "any", "match": matching, "nth": 1, "do": what }]));
}

#[track_caller]
fn first(ended: &Ended) -> Value {
    ended.json()["quotes"][0].clone()
}

#[test]
fn the_main_job_from_yaml_to_a_published_quote() {
    let world = world(&quote("one", "published"));
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["consent"], json!(["publish", "bill"]));
    assert_eq!(tenant(&world)["billed"], 0, "plan generated");
    let after = &plan["quotes"][0]["total"]["after"]["amount"];
    assert_eq!(after.as_str(), Some("23350.50"), "{plan}");
    world.apply().expect(0);
    let made = only(&world);
    assert_eq!(made["status"], "Published");
    assert_eq!(made["summary"]["total_net_price"], 23350.5);
    assert_eq!(made["request"]["request_action"], "draft");
    assert_eq!(made["request"]["quote_data"], json!([]));
    assert_eq!(made["document_type"], "DealRoom");
    let name = made["info"]["dealhub_quote_name"].as_str().unwrap();
    assert!(name.starts_with("Title of one [pf1-") && name.ends_with(']'), "{name}");
    assert_eq!(made["dealroom_publish_name"], "Title of one");
    assert_eq!(made["info"]["expiration_date"], "2027-12-01 23:59:59");
    world.settled();
    let lock = world.read("proforma.sandbox.lock");
    assert!(!lock.contains('@') && lock.contains("https://"), "{lock}");
}

#[test]
fn every_field_arrives_and_a_second_plan_is_empty() {
    let world = world(WHOLE);
    world.apply().expect(0);
    let request = only(&world)["request"].clone();
    let line = &request["line_items"][0];
    assert_eq!(line["product_factors"], json!({ "Quantity": 3, "Duration": 12 }));
    assert_eq!(line["attributes"], json!({ "Colour": "brown", "Start": "2027-01-01" }));
    assert_eq!(line["list_price"], 999.99);
    // 999.99 x 36 less 5 %: 34199.658, rounded once.
    assert_eq!(line["net_price"], 34199.66);
    assert_eq!(line["net_price_per_unit"], 949.9905);
    assert_eq!((&line["msrp"], &line["sales_discount"]), (&json!(1100), &json!(5)));
    assert_eq!((&line["bundle_ref_id"], &request["timezone_offset"]), (&json!(1), &json!(2)));
    assert_eq!(request["total_sales_discount"], 5);
    assert_eq!(request["dealroom_publish_name"], "Shown name");
    let data = &request["opportunity_data"];
    for (field, want) in [
        ("external_opportunity_name", json!("New business")),
        ("external_customer_id", json!("c-9")),
        ("customer_name", json!("Wonka AB")),
        ("geo_code", json!("SE")),
        ("currency", json!("SEK")),
        (
            "customer_billing_address",
            json!({"street": "Storgatan 1", "city": "Malmo", "postal_code": "21142"}),
        ),
        (
            "opportunity_owner",
            json!({"external_user_id": "u-1", "email": "jane@northlight.example", "name": "Jane Ek", "position": "Seller"}),
        ),
        (
            "customer_contacts",
            json!([
                {"email": "Hal@wonka.example", "first_name": "Hal", "last_name": "Ivey", "phone": "+4670",
                 "account_name": "Wonka", "primary_contact": true},
                {"email": "cfo@wonka.example", "first_name": "Mo", "last_name": "Ivey", "salutation": "Dr"}
            ]),
        ),
    ] {
        assert_eq!(data[field], want, "{field}");
    }
    assert_eq!(
        request["quote_data"][1]["questions"],
        json!([{"service_note": "first"}, {"service_note": "second"}])
    );
    world.settled();
}

#[test]
fn what_cannot_be_read_back_still_shows_when_the_manifest_changes() {
    let world = world(WHOLE);
    world.apply().expect(0);
    for (from, to, path) in [
        ("document_type: PDF", "document_type: WORD", "dealhub.document_type"),
        ("name: Jane Ek", "name: Jane Berg", "owner"),
        ("salutation: Dr", "salutation: Prof", "contacts"),
        ("bundle_ref_id: 1", "bundle_ref_id: 2", "items[audit].dealhub.bundle_ref_id"),
    ] {
        let before = world.read("quotes/all.yaml");
        world.edit("quotes/all.yaml", from, to);
        let plan = world.plan().expect(5).json();
        let plan = &plan["quotes"][0];
        assert_eq!(plan["action"], "blocked", "{path}");
        let paths: Vec<&str> = plan["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|c| c["path"].as_str().unwrap())
            .collect();
        assert_eq!(paths, [path]);
        world.write("quotes/all.yaml", &before);
    }
    world.settled();
}

#[test]
fn a_changed_quote_is_blocked_or_replaced_as_the_manifest_says() {
    let world = world(&quote("one", "published"));
    world.apply().expect(0);
    let old = id(&only(&world));
    world.edit("quotes/all.yaml", "price: 1750.50", "price: 1800.00");
    let blocked = world.plan().expect(5);
    assert_eq!(first(&blocked)["action"], "blocked");
    assert!(first(&blocked)["help"].as_str().is_none_or(|h| h.contains("when_immutable")));
    assert_eq!(quotes(&world).len(), 1);
    let more = "lifecycle: { when_immutable: replace }\nitems:";
    world.edit("quotes/all.yaml", "items:", more);
    assert_eq!(first(&world.plan().expect(2))["action"], "replace");
    world.apply().expect(0);
    assert_eq!(quotes(&world).len(), 2);
    let new = quotes(&world).into_iter().find(|q| id(q) != old).unwrap();
    assert_eq!(new["status"], "Published");
    assert_eq!(new["summary"]["total_net_price"], 23400.0);
    world.settled();
}

#[test]
fn drift_is_shown_and_never_written() {
    let world = world(&quote("one", "draft"));
    world.apply().expect(0);
    let made = id(&only(&world));
    let lines = json!([{ "sku": "SEO-A", "net_price": 1.00 }]);
    deed(
        &world,
        "edit",
        json!({ "object": "quotes", "id": made, "properties": { "line_items": lines } }),
    );
    let plan = first(&world.plan());
    let nets: Vec<&Value> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|c| c["path"] == "items[audit].net")
        .collect();
    assert_eq!((nets.len(), nets[0]["origin"].as_str()), (1, Some("drift")));
    let writes = world.writes();
    world.apply();
    assert_eq!(world.writes(), writes);
    assert_eq!(quotes(&world).len(), 1);
}

#[test]
fn consent_is_asked_for_what_is_billed_and_what_is_published() {
    let world = world(&quote("one", "published"));
    let none = world.run(&["apply", "--auto-approve", "--format", "json"]).expect(12);
    assert_eq!(first(&none)["outcome"], "waiting");
    assert_eq!(tenant(&world)["billed"], 0);
    world.run(&["apply", "--auto-approve", "--allow", "bill", "--format", "json"]).expect(12);
    // What needs no further consent is done: the quote is submitted, not published.
    assert_eq!(only(&world)["status"], "ReadyToBeSent");
    world.run(&["apply", "--auto-approve", "--allow", "publish", "--format", "json"]).expect(0);
    assert_eq!(
        (only(&world)["status"].as_str(), tenant(&world)["billed"].as_u64()),
        (Some("Published"), Some(1))
    );
    world.settled();
}

#[test]
fn an_approval_is_waited_for_by_name_and_then_goes_on() {
    let world = world(&quote("one", "published"));
    set(&world, json!({ "approval_above": 5 }));
    let waiting = first(&world.apply().expect(12));
    assert_eq!(waiting["outcome"], "waiting", "{waiting}");
    assert!(waiting["error"].to_string().contains("Mo Berg"), "{waiting}");
    let plan = world.plan();
    assert!(plan.stdout.contains("Mo Berg"), "{}", plan.stdout);
    assert!(first(&world.apply().expect(12))["error"].to_string().contains("Mo Berg"));
    let made = id(&only(&world));
    deed(&world, "approver", json!({ "id": made, "action": "approve" }));
    world.apply().expect(0);
    assert_eq!(only(&world)["status"], "Published");
    assert_eq!(tenant(&world)["billed"], 1);
    world.settled();
}

#[test]
fn a_rejected_quote_is_blocked_until_the_manifest_replaces_it() {
    let world = world(&quote("one", "in_review"));
    set(&world, json!({ "approval_above": 5 }));
    world.apply().expect(0);
    world.settled();
    let made = id(&only(&world));
    deed(&world, "approver", json!({ "id": made, "action": "reject" }));
    assert_eq!(first(&world.plan().expect(5))["action"], "blocked");
    let gentler = "discount: 3% }\nlifecycle: { when_immutable: replace }";
    world.edit("quotes/all.yaml", "discount: 10% }", "discount: 3% }");
    world.edit("quotes/all.yaml", "items:", "lifecycle: { when_immutable: replace }\nitems:");
    assert!(gentler.contains("replace"));
    world.apply().expect(0);
    let states: Vec<Value> = quotes(&world).into_iter().map(|q| q["status"].clone()).collect();
    assert_eq!(states, ["Rejected", "ReadyToBeSent"]);
    world.settled();
}

#[test]
fn signing_is_final_and_wants_its_comment() {
    let bare = world(&quote("one", "accepted"));
    let refused = bare.run(&["validate", "--format", "json"]).expect(10);
    assert!(refused.stdout.contains("sign_externally_comment"), "{}", refused.stdout);
    let with =
        format!("{}dealhub: {{ sign_externally_comment: on paper }}\n", quote("one", "accepted"));
    let world = world(&with);
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["consent"], json!(["bill", "final"]));
    world.apply().expect(0);
    assert_eq!(
        (only(&world)["status"].as_str(), only(&world)["sign_comment"].as_str()),
        (Some("Won"), Some("on paper"))
    );
    world.settled();
}

#[test]
fn a_customers_signature_is_in_place_and_nothing_is_repaired() {
    let world = world(&quote("one", "published"));
    world.apply().expect(0);
    let made = id(&only(&world));
    deed(&world, "customer", json!({ "id": made, "action": "sign" }));
    world.settled();
    assert_eq!(only(&world)["status"], "Won");
}

#[test]
fn a_generate_without_an_answer_is_found_by_its_mark() {
    for what in ["lose_answer", "fail_502_after", "garbage", "fail_503_before", "drop_before"] {
        let world = world(&quote("one", "published"));
        fault(&world, "POST /quote/generate", what);
        world.apply().expect(0);
        assert_eq!(only(&world)["status"], "Published", "{what}");
        assert_eq!(tenant(&world)["billed"], 1, "{what}");
        world.settled();
    }
}

#[test]
fn an_action_without_an_answer_is_settled_by_the_status() {
    for action in ["submit", "publish"] {
        for what in ["lose_answer", "fail_502_after", "garbage"] {
            let world = world(&quote("one", "published"));
            fault(&world, &format!("POST /{action}"), what);
            world.apply().expect(0);
            assert_eq!(only(&world)["status"], "Published", "{action} {what}");
            world.settled();
        }
    }
}

#[test]
fn an_action_that_was_not_done_is_done_by_the_next_apply() {
    let world = world(&quote("one", "published"));
    fault(&world, "POST /publish", "drop_before");
    let ended = world.apply();
    assert!([5, 6].contains(&ended.code), "{}", ended.stdout);
    world.faults(&json!([]));
    let again = world.apply();
    if again.code == 6 {
        // A person looks and says so.
        world.run(&["recover", "one", "--absent"]);
        world.apply().expect(0);
    }
    assert_eq!(only(&world)["status"], "Published");
    assert_eq!(tenant(&world)["billed"], 1);
}

#[test]
fn a_lost_lockfile_finds_the_quote_again() {
    let world = world(WHOLE);
    world.apply().expect(0);
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    assert_eq!(first(&world.plan())["action"], "adopt");
    world.apply().expect(0);
    assert_eq!(tenant(&world)["billed"], 1);
    world.settled();
}

#[test]
fn a_colleagues_duplicate_is_not_taken_for_ours() {
    let world = world(&quote("one", "draft"));
    world.apply().expect(0);
    let made = id(&only(&world));
    deed(&world, "create", json!({ "object": "quotes", "duplicate": made }));
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    let plan = first(&world.plan());
    assert_eq!(
        (plan["action"].as_str(), plan["id"].as_str()),
        (Some("adopt"), Some(made.as_str()))
    );
}

#[test]
fn a_fresh_quote_is_waited_for() {
    let world = world(&quote("one", "published"));
    world.edit("proforma.yaml", "visibility: 1s", "visibility: 5s");
    set(&world, json!({ "visibility": 700, "action_lag": 400 }));
    world.apply().expect(0);
    assert_eq!(tenant(&world)["billed"], 1);
    std::thread::sleep(std::time::Duration::from_millis(500));
    world.settled();
}

#[test]
fn an_error_inside_a_202_is_a_refusal() {
    let world = world(
        &quote("one", "published")
            .replace("SEO-A", "SEO-A, dealhub: { attributes: { X: LONG } }")
            .replace("LONG", &"x".repeat(300)),
    );
    set(&world, json!({ "errors_in_202": true }));
    let failed = first(&world.apply().expect(5));
    assert!(failed["error"].to_string().contains("proposal attribute"), "{failed}");
    assert_eq!(tenant(&world)["billed"], 0);
}

#[test]
fn values_that_were_dropped_in_silence_are_named_and_nothing_is_published() {
    for (field, path) in [
        ("net_price", "items[audit].net"),
        ("item_name", "items[audit].name"),
        ("expiration_date", "expires"),
        ("product_factors", "items[audit].quantity"),
    ] {
        let world = world(&quote("one", "published"));
        set(&world, json!({ "drop_field": [field] }));
        let failed = first(&world.apply().expect(5));
        assert!(failed["error"].to_string().contains(path), "{field}: {failed}");
        assert_eq!(only(&world)["status"], "Draft", "{field}");
    }
}

#[test]
fn unknown_skus_and_versions_are_errors_of_the_plan() {
    let unknown = world(&quote("one", "draft").replace("TRAIN-D", "NOPE-1"));
    let plan = unknown.plan().expect(10);
    assert!(plan.stdout.contains("NOPE-1"), "{}", plan.stdout);
    let idle = world(&quote("one", "draft"));
    set(&idle, json!({ "no_active_version": true }));
    assert!(idle.plan().expect(10).stdout.contains("no active version"));
    assert_eq!(tenant(&idle)["billed"], 0);
}

#[test]
fn what_dealhub_cannot_hold_is_refused_with_the_way_out() {
    let base = quote("one", "draft");
    for (change, code) in [
        ("fees: [{ label: F, amount: 1.00 }]\n", "field-refused"),
        ("template: X\n", "field-refused"),
        ("notes: { public: hi }\n", "field-refused"),
        ("delivery: { channel: email }\n", "field-refused"),
        ("customer: { email: a@b.example }\n", "opportunity-data-missing"),
        ("owner: jane@northlight.example\n", "opportunity-data-missing"),
        ("dealhub: { quote_name: x }\n", "native-neutral"),
        ("dealhub: { playbok: x }\n", "native-unknown"),
        ("dealhub: { document_type: pdf }\n", "native-value"),
        ("dealhub: { opportunity_data: { geo_code: US } }\n", "missing-field"),
        ("discounts: [{ label: L, percent: 5 }]\n", "discounts-collide"),
        ("discounts: [{ label: L, amount: 5.00 }]\n", "field-refused"),
    ] {
        let world = world(&format!("{base}{change}"));
        let ended = world.run(&["validate", "--format", "json"]).expect(10);
        assert!(ended.stdout.contains(code), "{change}: {}", ended.stdout);
    }
    for (from, to, code) in [
        ("state: draft", "state: sent", "state-refused"),
        (
            "deal: { id: \"345345\", name: Acme renewal 2027 }",
            "deal: Acme renewal 2027",
            "reference-needs-id",
        ),
        ("quantity: 2", "quantity: 2.5", "quantity-not-whole"),
        ("sku: TRAIN-D, ", "", "missing-field"),
        ("title: Title of one", "tags: [x]", "missing-field"),
        ("discount: 10%", "discount: 0.01", "discount-not-exact"),
        ("discount: 10%", "recurring: { every: month }", "field-refused"),
        ("discount: 10%", "discount: 10%, dealhub: { net_price: 5 }", "native-neutral"),
    ] {
        let world = world(&base.replace(from, to));
        let ended = world.run(&["validate", "--format", "json"]).expect(10);
        assert!(ended.stdout.contains(code), "{to}: {}", ended.stdout);
    }
}

#[test]
fn a_renamed_quote_and_a_foreign_mark_are_ownership_conflicts() {
    let two = format!("{}---\n{}", quote("one", "draft"), quote("two", "draft"));
    let world = world(&two);
    world.apply().expect(0);
    let lock = world.read("proforma.sandbox.lock");
    let ids: Vec<String> = quotes(&world).iter().map(id).collect();
    let swapped = lock.replace(&ids[0], "TMP").replace(&ids[1], &ids[0]).replace("TMP", &ids[1]);
    world.write("proforma.sandbox.lock", &swapped);
    let writes = world.writes();
    world.apply().expect(11);
    assert_eq!(world.writes(), writes);
    world.write("proforma.sandbox.lock", &lock);
    deed(
        &world,
        "edit",
        json!({ "object": "quotes", "id": ids[0], "properties": { "quote_name": "Mine" } }),
    );
    let plan = world.plan();
    assert!(plan.stdout.contains("no longer ends in"), "{}", plan.stdout);
}

#[test]
fn drafts_of_an_older_version_are_unverifiable() {
    let world = world(&quote("one", "draft"));
    world.apply().expect(0);
    set(&world, json!({ "quote_upgrade_required": true }));
    let plan = first(&world.plan());
    assert_eq!(plan["action"], "unverifiable");
    assert!(plan["reason"].as_str().unwrap().contains("open and save it"));
    world.apply();
    assert_eq!(tenant(&world)["billed"], 1);
}

#[test]
fn a_currency_that_differs_from_the_opportunitys_is_found_before_publishing() {
    let world = world(&quote("one", "published").replace("currency: USD", "currency: EUR"));
    let failed = first(&world.apply().expect(5));
    assert!(failed["error"].to_string().contains("currency"), "{failed}");
    assert_eq!(only(&world)["status"], "Draft");
}

#[test]
fn limits_failures_and_refused_tokens() {
    let world = world(&quote("one", "published"));
    world.faults(&json!([
        { "on": "any", "match": "generate", "nth": 1, "do": "status:429", "headers": { "Retry-After": "0" } },
        { "on": "read", "every": 3, "do": "fail_503_before" }
    ]));
    world.apply().expect(0);
    assert_eq!(tenant(&world)["billed"], 1);
    world.faults(&json!([]));
    world.settled();
    world.faults(
        &json!([{ "on": "any", "do": "status:403", "body": { "error": "Unauthenticated" } }]),
    );
    let refused = world.plan();
    assert_eq!(refused.code, 8, "{}\n{}", refused.stdout, refused.stderr);
    world.faults(&json!([{ "on": "any", "do": "garbage" }]));
    assert_ne!(world.plan().code, 0);
}

#[test]
fn the_api_switches_of_a_tenant_are_survived() {
    let world = world(WHOLE);
    set(
        &world,
        json!({ "crm_api": true, "flat_list": true, "spaced_statuses": true, "text_errors": true, "approvals_broken": true }),
    );
    world.apply().expect(0);
    world.settled();
    let bare =
        support::World::with_options(Options { rate: RateChoice::Off, ..Options::default() });
    bare.write("proforma.yaml", WORKSPACE);
    bare.write("quotes/all.yaml", &quote("one", "draft"));
    set(&bare, json!({ "crm_api": true }));
    let failed = first(&bare.apply().expect(5));
    assert!(failed["help"].to_string().contains("opportunity_data"), "{failed}");
}

#[test]
fn nothing_to_do_costs_one_read_a_quote() {
    let all: Vec<String> = (0..10).map(|i| quote(&format!("q{i}"), "draft")).collect();
    let world = world(&all.join("---\n"));
    world.apply().expect(0);
    let (reads, writes) = world.requests();
    world.settled();
    let now = world.requests();
    assert_eq!((now.0 - reads, now.1 - writes), (10, 0));
}

/// The workspace of `examples/dealhub`, against the sandbox.
fn example() -> World {
    let world = World::empty();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/dealhub");
    for folder in [".", "quotes", "catalog"] {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let file = file.unwrap().path();
            if file.extension().is_some_and(|e| e == "yaml") {
                let name = file.file_name().unwrap().to_str().unwrap().to_owned();
                let text = std::fs::read_to_string(&file).unwrap();
                world.write(&format!("{folder}/{name}"), &text);
            }
        }
    }
    world
}

#[test]
fn the_example_applies_and_its_reference_request_arrives_fact_by_fact() {
    let world = example();
    world.apply().expect(0);
    world.settled();
    let all = quotes(&world);
    let of = |title: &str| {
        let starts =
            |q: &&Value| q["info"]["dealhub_quote_name"].as_str().unwrap().starts_with(title);
        all.iter().find(starts).unwrap()["request"].clone()
    };
    let request = of("Reference request");
    let mut fields: Vec<&str> = request.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    // All fifteen, but the comment, which goes out with the signature.
    assert_eq!(
        fields,
        [
            "dealroom_publish_name",
            "document_type",
            "expiration_date",
            "external_opportunity_id",
            "line_item_details",
            "line_items",
            "opportunity_data",
            "partner_program",
            "playbook",
            "quote_data",
            "quote_name",
            "request_action",
            "timezone_offset",
            "total_sales_discount"
        ]
    );
    assert_eq!(request["expiration_date"], 1_830_297_599_000_i64);
    assert_eq!(request["total_sales_discount"], 15);
    let line = &request["line_items"][1];
    for (field, want) in [
        ("sku", json!("SEO-A")),
        ("bundle_ref_sku", json!("BUNDLE-1")),
        ("bundle_ref_id", json!(1)),
        ("product_factors", json!({ "Quantity": 2, "Duration": 12 })),
        ("list_price", json!(12000.0)),
        ("net_price_per_unit", json!(10200)),
        ("net_price", json!(244_800.0)),
        ("msrp_discount", json!(4)),
        ("sales_discount", json!(15)),
        ("total_discount", json!(15)),
    ] {
        assert_eq!(line[field], want, "{field}");
    }
    let answers = of("Answers in the tutorials");
    assert_eq!(
        answers["quote_data"],
        json!([{ "group_id": "general", "questions": [{ "term": 24, "region": "AMER" }] }])
    );
}

#[test]
fn providers_lists_every_field_of_the_request() {
    let world = World::empty();
    let sheet = world.run(&["providers", "dealhub", "--format", "json"]).expect(0);
    for field in
        ["sign_externally_comment", "partner_program_data", "geo_code", "user_manager_login"]
    {
        assert!(sheet.stdout.contains(field), "{field}");
    }
}

#[test]
fn what_is_gone_from_the_workspace_cannot_be_deleted_here() {
    let both = format!("{}---\n{}", quote("one", "draft"), quote("two", "draft"));
    let world = world(&both);
    world.apply().expect(0);
    world.write("quotes/all.yaml", &quote("one", "draft"));
    let plan = world.run(&["plan", "--prune", "--format", "json"]);
    assert!(plan.stdout.contains("lock forget"), "{}", plan.stdout);
    world.run(&["apply", "--prune", "--auto-approve", "--allow", "all", "--format", "json"]);
    assert!(world.read("proforma.sandbox.lock").contains("two"), "the entry was dropped");
}

#[test]
fn a_draft_is_signed_with_a_comment_that_came_later() {
    let world = world(&quote("one", "draft"));
    world.apply().expect(0);
    world.edit(
        "quotes/all.yaml",
        "state: draft\n",
        "state: accepted\ndealhub: { sign_externally_comment: Signed on paper }\n",
    );
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["blocked"], 0, "{plan}");
    assert_eq!(plan["consent"], json!(["final"]));
    world.apply().expect(0);
    assert_eq!(only(&world)["status"], "Won");
    assert_eq!(tenant(&world)["billed"], 1);
    world.settled();
}
