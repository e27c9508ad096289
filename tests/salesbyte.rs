//! Stories of SalesByte: the real binary against the embedded sandbox.

#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use proforma::http::{
    Credential, Limiter, Limits, ReadWire, Request, Response, Secret, Transport, TransportError,
    Wire, WireSettings,
};
use proforma::provider::capability::Mode;
use proforma::provider::salesbyte::operation::Operation;
use proforma::provider::salesbyte::reader::SalesbyteReader;
use proforma::provider::salesbyte::writer::SalesbyteWriter;
use proforma::provider::salesbyte::{self, mapping};
use proforma::provider::step::{self, Outcome, Step};
use proforma::provider::{Made, Reader, Writer};
use serde_json::{Value, json};
use support::{Ended, World, finish};

/// A connection that can read and look up.
const FULL: &str = "\
proforma: 1
workspace: nordic-tests
connections:
  nordic:
    provider: salesbyte
    uuid: { env: SB_UUID }
    token: { env: SB_TOKEN }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: SEK
default_connection: nordic
";

fn workspace(connection: &str, quotes: &str) -> World {
    let world = World::empty();
    world.write("proforma.yaml", connection);
    world.write("quotes/all.yaml", quotes);
    world
}

/// A connection that can only write.
fn blind(quotes: &str) -> World {
    let connection = FULL.replace("    token: { env: SB_TOKEN }\n", "");
    workspace(&connection, quotes)
}

fn draft(name: &str) -> String {
    format!(
        "quote: {name}\ncustomer: {{ name: Jo {name}, email: {name}@acme.example, company: Acme }}\n\
         items: [{{ sku: SEO-A }}]\nfields: {{ bank_name: Acme bank }}\nexpires: 2027-12-01\n\
         tags: [one]\n"
    )
}

fn sent(name: &str) -> String {
    format!("{}state: sent\nsalesbyte: {{ signable: true }}\n", draft(name))
}

/// All of one kind in the sandbox's SalesByte.
fn all(world: &World, what: &str) -> Vec<Value> {
    let snapshot = world.control("GET", "snapshot", &Value::Null);
    snapshot["salesbyte"][what].as_array().unwrap().clone()
}

fn quotes(world: &World) -> Vec<Value> {
    all(world, "quotes")
}

fn messages(world: &World) -> usize {
    all(world, "messages").len()
}

fn switch(world: &World, mut settings: Value) {
    settings["upstream"] = json!("salesbyte");
    world.settings(&settings);
}

fn fault(world: &World, on: &str, action: &str) {
    world.faults(&json!([{ "on": on, "match": "/salesbyte/", "nth": 1, "do": action }]));
}

fn error_of(ended: &Ended) -> String {
    ended.json()["quotes"][0]["error"].to_string()
}

fn example() -> World {
    let world = World::empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/salesbyte");
    for file in ["proforma.yaml", "catalog/services.yaml", "quotes/acme.yaml", "quotes/vendor.yaml"]
    {
        world.write(file, &std::fs::read_to_string(from.join(file)).unwrap());
    }
    world
}

/// The request that made the quote with this manifest's links or title.
fn request_of(world: &World, applied: &Value, name: &str) -> Value {
    let rows = applied["quotes"].as_array().unwrap();
    let key = rows.iter().find(|q| q["quote"] == name).unwrap()["id"].clone();
    quotes(world).into_iter().find(|q| q["key"] == key).unwrap()["request"].clone()
}

#[test]
fn the_main_job_and_an_empty_second_plan() {
    let world = example();
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["create"], 11);
    assert_eq!(plan["consent"], json!(["send"]));
    assert_eq!(world.writes(), 0, "plan wrote");
    world.apply().expect(0);
    assert_eq!(quotes(&world).len(), 11);
    world.settled();
    let lock = world.read("proforma.sandbox.lock");
    assert!(!lock.contains('@') && !lock.contains("sandbox-uuid"), "{lock}");
}

#[test]
fn a_plan_with_nothing_to_do_reads_each_quote_once() {
    let world = workspace(FULL, &format!("{}---\n{}", draft("a"), draft("b")));
    world.apply().expect(0);
    let (reads, _) = world.requests();
    world.plan().expect(0);
    assert_eq!(world.requests().0 - reads, 2);
}

#[test]
fn every_example_of_the_vendor_arrives_fact_by_fact() {
    let world = example();
    let applied = world.apply().expect(0).json();
    let flags = |signable: bool| json!({"workflows_enabled": false, "allow_customer_document_upload": false, "signable": signable});
    let jo = json!({"customer_name": "Jo Ek", "quote_profile_id": 115});
    let cases: [(&str, Vec<Value>, Value); 8] = [
        (
            "vendor-minimal",
            vec![jo.clone(), flags(false)],
            json!({
                "customer_email": "jo@acme.example", "send_type": "none",
                "trigger_created_messages_to_customer": true,
                "alternatives": [{"skus": ["123", "4343"], "sort_order": 1}],
            }),
        ),
        (
            "vendor-email",
            vec![jo.clone(), flags(true)],
            json!({
                "customer_email": "jo@acme.example", "send_type": "email",
                "alternatives": [{"skus": ["01.350000.01.00"], "sort_order": 1}],
            }),
        ),
        (
            "vendor-phone",
            vec![jo.clone(), flags(true)],
            json!({
                "customer_phone": "+46768741810", "send_type": "phone",
                "alternatives": [{"bundle_id": 123, "title": "Basic", "sort_order": 1}],
            }),
        ),
        (
            "vendor-dual",
            vec![jo.clone(), flags(true)],
            json!({
                "customer_email": "jo@acme.example", "customer_phone": "+46768741810",
                "send_type": "dual", "alternatives": [{"skus": ["SKU-1"], "sort_order": 1}],
            }),
        ),
        (
            "vendor-alternatives",
            vec![jo.clone(), flags(true)],
            json!({
                "send_type": "none",
                "alternatives": [
                    {"skus": ["01.350000.01.00"], "sort_order": 1},
                    {"bundle_id": 456, "title": "Premium", "sort_order": 2},
                ],
            }),
        ),
        (
            "vendor-custom-fields",
            vec![jo.clone(), flags(true)],
            json!({
                "send_type": "none",
                "custom_fields": {
                    "bank_name": {
                        "value": "Acme bank",
                        "attribute": {"required": true, "editableByContact": true, "hideFromContact": false},
                    },
                    "reference": {"attribute": {"required": true}},
                    "start_date": {"value": "2027-02-01"},
                },
            }),
        ),
        (
            "vendor-full",
            vec![jo.clone()],
            json!({
                "quote_profile_id": 116, "customer_email": "jo@acme.example",
                "customer_phone": "+46768741810", "customer_company": "Acme", "send_type": "auto",
                "salesperson_email": "omar@northlight.example", "message": "Welcome",
                "signable_until": "2027-12-31", "chat_enabled": true,
                "trigger_created_messages_to_customer": false, "workflows_enabled": true,
                "allow_customer_document_upload": true, "signable": true,
                "alternatives": [
                    {"bundle_id": 1, "title": "One", "sort_order": 1},
                    {"skus": ["SKU-1"], "title": "Two", "sort_order": 2},
                ],
                "tag_1": "one", "tag_2": "two", "tag_3": "three", "tag_4": "four", "tag_5": "five",
                "tag_6": "six", "tag_7": "seven", "tag_8": "eight", "tag_9": "nine", "tag_10": "ten",
                "custom_field_1_content": "c1", "custom_field_2_content": "c2",
                "custom_field_3_content": "c3", "custom_field_4_content": "c4",
                "custom_field_5_content": "c5", "custom_field_6_content": "c6",
                "custom_field_7_content": "c7", "custom_field_8_content": "c8",
                "custom_field_9_content": "c9", "custom_field_10_content": "c10",
                "custom_fields": {"bank_name": {
                    "value": "Acme bank",
                    "attribute": {"required": false, "editableByContact": false, "hideFromContact": false},
                }},
            }),
        ),
        (
            "vendor-legacy",
            vec![jo, flags(true)],
            json!({
                "send_type": "none",
                "alternative_1_bundle_id": 1, "alternative_1_title": "One",
                "alternative_2_bundle_id": 456, "alternative_2_title": "Two",
                "alternative_3_bundle_id": 457, "alternative_3_title": "Three",
            }),
        ),
    ];
    for (name, parts, own) in cases {
        let mut want = serde_json::Map::new();
        for part in parts.into_iter().chain([own]) {
            want.extend(part.as_object().unwrap().clone());
        }
        let mut got = request_of(&world, &applied, name);
        let got = got.as_object_mut().unwrap();
        // The workspace's default, and proforma's own mark.
        if !want.contains_key("salesperson_email") {
            assert_eq!(got.remove("salesperson_email"), Some(json!("jane@northlight.example")));
        }
        let fields = got.get_mut("custom_fields").unwrap().as_object_mut().unwrap();
        let mark = fields.remove("proforma").unwrap();
        assert!(mark["value"].as_str().unwrap().starts_with("pf1-"), "{mark}");
        if fields.is_empty() {
            got.remove("custom_fields");
        }
        assert_eq!(Value::from(got.clone()), Value::from(want), "{name}");
    }
}

#[test]
fn the_table_of_fields_is_what_is_sent() {
    let world = example();
    let applied = world.apply().expect(0).json();
    let mut seen: BTreeSet<String> = BTreeSet::from(["uuid".to_owned()]);
    for quote in applied["quotes"].as_array().unwrap() {
        let request = request_of(&world, &applied, quote["quote"].as_str().unwrap());
        seen.extend(request.as_object().unwrap().keys().cloned());
    }
    let table: BTreeSet<String> = mapping::NATIVE
        .iter()
        .filter(|n| n.mode == Mode::Writable)
        .map(|n| n.name.to_owned())
        .collect();
    assert_eq!(seen, table);
}

#[test]
fn without_consent_drafts_are_made_and_nobody_is_told() {
    let world = workspace(FULL, &format!("{}---\n{}", draft("a"), sent("b")));
    let ended = world.run(&["apply", "--auto-approve", "--format", "json"]).expect(12).json();
    assert_eq!(
        (ended["summary"]["applied"].clone(), ended["summary"]["waiting"].clone()),
        (json!(1), json!(1))
    );
    assert_eq!((quotes(&world).len(), messages(&world)), (1, 0));
    world.run(&["apply", "--auto-approve", "--allow", "send"]).expect(0);
    assert_eq!((quotes(&world).len(), messages(&world)), (2, 1));
    world.settled();
}

#[test]
fn a_trigger_needs_consent_too() {
    let quote =
        format!("{}salesbyte: {{ trigger_created_messages_to_customer: true }}\n", draft("a"));
    let world = workspace(FULL, &quote);
    world.run(&["apply", "--auto-approve"]).expect(12);
    assert_eq!((quotes(&world).len(), messages(&world)), (0, 0));
    world.apply().expect(0);
    assert_eq!((quotes(&world).len(), messages(&world)), (1, 1));
    world.settled();
}

#[test]
fn a_change_is_blocked_or_makes_a_new_quote() {
    for (from, to) in [
        ("Jo a", "Jo b"),
        ("SEO-A", "TRAIN-D"),
        ("Acme bank", "Other bank"),
        ("2027-12-01", "2027-12-24"),
        ("tags: [one]", "tags: [one, two]"),
        ("tags: [one]", "tags: [one]\nsalesbyte: { chat_enabled: true }"),
        ("tags: [one]", "tags: [one]\nsalesbyte: { signable: true }"),
        ("tags: [one]", "tags: [one]\nnotes: { public: Hello }"),
    ] {
        let world = workspace(FULL, &draft("a"));
        world.apply().expect(0);
        world.edit("quotes/all.yaml", from, to);
        let plan = world.plan().expect(5).json();
        assert_eq!(plan["quotes"][0]["action"], "blocked", "{to}");
        let writes = world.writes();
        world.apply().expect(5);
        assert_eq!(world.writes(), writes, "{to}");
    }
    let world = workspace(FULL, &draft("a"));
    world.apply().expect(0);
    let old = quotes(&world)[0]["key"].as_str().unwrap().to_owned();
    world.edit(
        "quotes/all.yaml",
        "tags: [one]",
        "tags: [two]\nlifecycle: { when_immutable: replace }",
    );
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["action"], "replace");
    let shown = world.run(&["plan"]);
    assert!(shown.stdout.contains("old quote stays live"), "{}", shown.stdout);
    world.apply().expect(0);
    assert_eq!(quotes(&world).len(), 2, "the old one stays");
    assert!(world.read("proforma.sandbox.lock").contains(&old), "the predecessor is kept");
    world.settled();
    // The lockfile is lost: the latest is found, and nothing is made.
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    world.apply().expect(0);
    assert_eq!(quotes(&world).len(), 2);
    world.settled();
}

#[test]
fn what_a_colleague_or_the_customer_did_is_shown_and_left() {
    let world = workspace(FULL, &sent("a"));
    world.apply().expect(0);
    let key = quotes(&world)[0]["key"].as_str().unwrap().to_owned();
    let edit = json!({"upstream": "salesbyte", "object": "quotes", "id": key,
        "properties": {"customer_company": "Globex", "custom_fields": {"bank_name": "New bank"}}});
    world.control("POST", "edit", &edit);
    let plan = world.plan().json();
    let paths: Vec<&str> = plan["quotes"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| {
            assert_eq!(c["origin"], "drift");
            c["path"].as_str().unwrap()
        })
        .collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    let writes = world.writes();
    world.apply();
    assert_eq!(world.writes(), writes, "drift is never written");
    let sign = json!({"upstream": "salesbyte", "id": key, "action": "sign"});
    world.control("POST", "customer", &sign);
    let status = world.run(&["status", "--format", "json"]);
    if status.code == 0 {
        assert!(status.stdout.contains("accepted"), "{}", status.stdout);
    }
    world.edit("quotes/all.yaml", "Acme bank", "Third bank");
    assert_eq!(world.plan().expect(5).json()["quotes"][0]["action"], "blocked");
}

#[test]
fn states_that_cannot_be_set_are_refused_and_a_word_unknown_is_survived() {
    for state in
        ["published", "in_review", "approved", "rejected", "declined", "canceled", "ordered"]
    {
        let world = workspace(FULL, &format!("{}state: {state}\n", draft("a")));
        let ended = world.plan().expect(10);
        assert!(ended.stdout.contains("state-refused"), "{state}: {}", ended.stdout);
    }
    let world = workspace(FULL, &draft("a"));
    world.apply().expect(0);
    let key = quotes(&world)[0]["key"].clone();
    let edit = json!({"upstream": "salesbyte", "object": "quotes", "id": key,
        "properties": {"statuses": ["archived", "blue"]}});
    world.control("POST", "edit", &edit);
    world.plan().expect(0);
}

#[test]
fn a_lost_creation_is_found_by_its_stamp_and_never_made_twice() {
    for (action, code) in [
        ("lose_answer", 0),
        ("fail_502_after", 0),
        ("garbage", 0),
        ("drop_before", 0),
        ("fail_503_before", 0),
    ] {
        let world = workspace(FULL, &draft("a"));
        fault(&world, "write", action);
        world.apply().expect(code);
        assert_eq!(quotes(&world).len(), 1, "{action}");
        world.settled();
    }
}

#[test]
fn a_lost_sending_is_found_or_left_to_a_person() {
    for action in ["lose_answer", "fail_502_after", "garbage"] {
        let world = workspace(FULL, &sent("a"));
        fault(&world, "write", action);
        world.apply().expect(0);
        assert_eq!((quotes(&world).len(), messages(&world)), (1, 1), "{action}");
        world.settled();
    }
    for action in ["drop_before", "fail_503_before"] {
        let world = workspace(FULL, &sent("a"));
        fault(&world, "write", action);
        let ended = world.apply().expect(6);
        assert!(error_of(&ended).contains("never risked twice"), "{}", error_of(&ended));
        assert_eq!((quotes(&world).len(), messages(&world)), (0, 0), "{action}");
        // Nothing changes by itself.
        let writes = world.writes();
        world.apply().expect(6);
        assert_eq!(world.writes(), writes, "{action}");
    }
}

#[test]
fn without_a_token_a_lost_creation_waits_for_a_person() {
    for action in ["lose_answer", "drop_before"] {
        let world = blind(&draft("a"));
        fault(&world, "write", action);
        let ended = world.apply().expect(6);
        assert!(error_of(&ended).contains("token"), "{}", error_of(&ended));
        let made = quotes(&world).len();
        world.apply().expect(6);
        assert_eq!(quotes(&world).len(), made, "{action}: made again");
    }
    let connection = FULL.replace("    stamp_field: { name: proforma, label: Proforma }\n", "");
    let world = workspace(&connection, &draft("a"));
    fault(&world, "write", "lose_answer");
    assert!(error_of(&world.apply().expect(6)).contains("stamp_field"));
}

#[test]
fn recover_explains_waits_and_settles_what_no_machine_can() {
    for found in [true, false] {
        let world = blind(&format!("{}---\n{}", draft("a"), draft("b")));
        world.run(&["apply", "--only", "b", "--auto-approve"]).expect(0);
        let before = quotes(&world).len();
        fault(&world, "write", if found { "lose_answer" } else { "drop_before" });
        world.apply().expect(6);
        assert_eq!(quotes(&world).len(), before + usize::from(found));
        let told = world.run(&["recover"]).expect(6).stdout;
        for words in
            ["a: create the quote", "nothing here can look it up", "--adopt ID", "--absent"]
        {
            assert!(told.contains(words), "{words}: {told}");
        }
        let listed = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
        let other = listed["quotes"][0]["id"].as_str().unwrap().to_owned();
        let refused = world.run(&["recover", "a", "--adopt", &other]).expect(11);
        assert!(refused.stderr.contains("is the quote `b`"), "{}", refused.stderr);
        if found {
            let all = quotes(&world);
            let key = |q: &Value| q["key"].as_str().unwrap().to_owned();
            let id = all.iter().map(key).find(|k| *k != other).unwrap();
            world.run(&["recover", "a", "--adopt", &id]).expect(0);
        } else {
            world.run(&["recover", "a", "--absent"]).expect(0);
        }
        world.run(&["recover"]).expect(0);
        world.apply().expect(0);
        assert_eq!(quotes(&world).len(), before + 1, "found: {found}");
    }
}

#[test]
fn a_stamp_that_cannot_be_seen_is_never_taken_for_an_absence() {
    let world = workspace(FULL, &draft("a"));
    switch(&world, json!({ "drop_field": ["custom_fields.proforma"] }));
    fault(&world, "write", "lose_answer");
    let ended = world.apply().expect(6);
    assert!(error_of(&ended).contains("shows no stamp"), "{}", error_of(&ended));
    assert_eq!(quotes(&world).len(), 1);
}

#[test]
fn without_a_token_plans_say_what_they_do_not_know() {
    let world = blind(&format!("{}---\n{}", draft("a"), sent("b")));
    world.apply().expect(0);
    assert_eq!((quotes(&world).len(), messages(&world)), (2, 1));
    assert_eq!(world.requests().0, 0, "nothing can be read");
    let plan = world.plan().json();
    assert_eq!(plan["summary"]["unverifiable"], 2);
    let writes = world.writes();
    world.apply();
    assert_eq!(world.writes(), writes);
    world.edit("quotes/all.yaml", "name: Jo a", "name: Jo c");
    let plan = world.plan().expect(5).json();
    assert_eq!(plan["quotes"][0]["action"], "blocked");
}

#[test]
fn a_lost_lockfile_leads_to_adoption() {
    let world = example();
    world.apply().expect(0);
    let (made, told) = (quotes(&world).len(), messages(&world));
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    std::fs::remove_dir_all(world.path(".proforma")).unwrap();
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["adopt"], made, "{plan}");
    world.apply().expect(0);
    assert_eq!((quotes(&world).len(), messages(&world)), (made, told));
    world.settled();
}

#[test]
fn the_list_is_walked_to_its_end_with_or_without_a_paging_block() {
    for paging in [true, false] {
        let many: Vec<String> = (0..13).map(|n| draft(&format!("q{n}"))).collect();
        let world = workspace(FULL, &many.join("---\n"));
        switch(&world, json!({ "paging_block": paging, "page_size": 4 }));
        world.apply().expect(0);
        std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
        world.apply().expect(0);
        assert_eq!(quotes(&world).len(), 13);
        world.settled();
    }
}

#[test]
fn a_value_that_does_not_arrive_is_named() {
    for (field, path) in [
        ("customer_company", "customer.company"),
        ("custom_fields.bank_name", "fields[bank_name]"),
        ("custom_fields.proforma", "salesbyte.stamp_field"),
    ] {
        let world = workspace(FULL, &draft("a"));
        switch(&world, json!({ "drop_field": [field] }));
        let ended = world.apply().expect(5);
        assert!(error_of(&ended).contains(path), "{field}: {}", error_of(&ended));
        assert_eq!(quotes(&world).len(), 1);
    }
    // A field that the profile does not have, and one whose label must be told.
    let world = workspace(FULL, &draft("a").replace("bank_name", "bnak_name"));
    assert!(error_of(&world.apply().expect(5)).contains("fields[bnak_name]"));
    let labelled = draft("a").replace("bank_name: Acme bank", "invoice_address: Storgatan 1");
    let labelled = format!(
        "{labelled}salesbyte: {{ custom_fields: {{ invoice_address: {{ label: Fakturaadress }} }} }}\n"
    );
    let world = workspace(FULL, &labelled);
    world.apply().expect(0);
    world.settled();
}

#[test]
fn a_swapped_id_is_an_ownership_conflict() {
    let world = workspace(FULL, &format!("{}---\n{}", draft("a"), draft("b")));
    let applied = world.apply().expect(0).json();
    let id = |n: usize| applied["quotes"][n]["id"].as_str().unwrap().to_owned();
    let lock = world.read("proforma.sandbox.lock");
    let swapped = lock.replace(&id(0), "@@").replace(&id(1), &id(0)).replace("@@", &id(1));
    world.write("proforma.sandbox.lock", &swapped);
    world.plan().expect(11);
}

#[test]
fn limits_and_outages_are_waited_out() {
    let world = workspace(FULL, &draft("a"));
    world.faults(&json!([
        {"on": "write", "match": "/salesbyte/", "nth": 1, "do": "status:429", "headers": {"retry-after": "0"}},
        {"on": "read", "match": "/salesbyte/", "nth": 2, "do": "fail_503_before"},
    ]));
    world.apply().expect(0);
    assert_eq!(quotes(&world).len(), 1);
    world.settled();
}

#[test]
fn refusals_are_told_in_every_envelope() {
    for envelope in ["platform", "framework", "text"] {
        let world = workspace(FULL, &draft("a").replace("SEO-A", "NOPE"));
        switch(&world, json!({ "envelope": envelope }));
        let ended = world.apply().expect(5);
        assert!(error_of(&ended).contains("selected sku is invalid"), "{}", error_of(&ended));
        assert_eq!(quotes(&world).len(), 0);
    }
    let foreign = draft("a").replace("company: Acme", "phone: \"+15551234567\"");
    let world = workspace(FULL, &foreign);
    assert!(error_of(&world.apply().expect(5)).contains("customer_phone"));
    switch(&world, json!({ "foreign_phones": true }));
    world.apply().expect(0);
    world.settled();
}

/// Runs against the sandbox as if it were the real thing, with these secrets.
fn real(world: &World, uuid: Option<&str>, token: Option<&str>, args: &[&str]) -> Ended {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proforma"));
    command.current_dir(world.dir()).env_clear().env("HOME", world.dir()).stdin(Stdio::null());
    for (name, value) in [("SB_UUID", uuid), ("SB_TOKEN", token)] {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    finish(command.args(args))
}

#[test]
fn each_credential_is_refused_in_its_own_way_and_shown_nowhere() {
    let world = workspace("", &draft("a"));
    let base = format!("currency: SEK\n    base_url: {}/salesbyte", world.url());
    world.write("proforma.yaml", &FULL.replace("currency: SEK", &base));
    let apply = ["apply", "--auto-approve", "--format", "json"];
    real(&world, None, Some("t"), &apply).expect(8);
    real(&world, Some("u"), None, &apply).expect(8);
    let ended = real(&world, Some("u"), Some("invalid"), &apply).expect(8);
    assert!(ended.stdout.contains("token"), "{}", ended.stdout);
    let ended = real(&world, Some("invalid"), Some("t"), &apply).expect(8);
    assert!(ended.stdout.contains("uuid"), "{}", ended.stdout);
    assert_eq!(quotes(&world).len(), 0);
    // A SalesByte that repeats the uuid in its refusal.
    let echo = json!([{"on": "write", "match": "/salesbyte/", "nth": 1, "do": "status:422",
        "body": {"message": "no integration s3cret-uuid for s3cret-token"}}]);
    world.faults(&echo);
    let ended = real(&world, Some("s3cret-uuid"), Some("s3cret-token"), &apply).expect(5);
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains("s3cret"), "{text}");
    }
    real(&world, Some("s3cret-uuid"), Some("s3cret-token"), &apply).expect(0);
    assert!(!world.read("proforma.lock").contains("s3cret"));
}

#[test]
fn every_refused_field_is_an_error_with_its_way_out() {
    let cases = [
        ("contacts: [{ email: cfo@acme.example }]", "field-refused"),
        ("template: Modern", "field-refused"),
        ("discounts: [{ label: Loyalty, percent: 5 }]", "field-refused"),
        ("fees: [{ label: Setup, percent: 5 }]", "field-refused"),
        ("taxes: [{ label: VAT, percent: 25 }]", "field-refused"),
        ("notes: { terms: Net 30 }", "field-refused"),
        ("notes: { customer: Hi }", "field-refused"),
        ("notes: { public: A }\ndelivery: { message: B }", "field-contradiction"),
        ("delivery: { channel: email }", "field-contradiction"),
        ("delivery: { include_pdf: true }", "field-refused"),
        ("state: sent\ndelivery: { channel: sms }", "missing-field"),
        ("state: sent\ndelivery: { channel: none }", "field-contradiction"),
        ("owner: Jane", "owner-unresolvable"),
        ("owner: null", "cannot-clear"),
        ("currency: EUR", "currency-mismatch"),
        ("alternatives: [{ skus: [SKU-1] }]", "field-contradiction"),
        ("salesbyte: { alternative_1_bundle_id: 1 }", "field-contradiction"),
        ("salesbyte: { uuid: u }", "native-neutral"),
        ("salesbyte: { customer_name: X }", "native-neutral"),
        ("salesbyte: { send_type: phone }", "native-neutral"),
        ("salesbyte: { quote_value: 5 }", "native-read-only"),
        ("salesbyte: { chat_enable: true }", "native-unknown"),
        ("salesbyte: { chat_enabled: maybe }", "native-value"),
        ("salesbyte: { chat_enabled: null }", "cannot-clear"),
        ("salesbyte: { tag_3: x }", "native-neutral"),
        ("salesbyte: { custom_fields: { bank_name: { value: x } } }", "native-neutral"),
        (
            "salesbyte: { custom_fields: { bank_name: { attribute: { hide: true } } } }",
            "native-unknown",
        ),
    ];
    for (line, code) in cases {
        let world = workspace(FULL, &format!("{}{line}\n", draft("a")));
        let ended = world.plan().expect(10);
        assert!(ended.stdout.contains(&format!("\"{code}\"")), "{line}: {}", ended.stdout);
        assert_eq!(world.requests(), (0, 0), "{line}");
    }
    for (item, code) in [
        ("{ sku: SEO-A, quantity: 2 }", "field-refused"),
        ("{ sku: SEO-A, price: 100.00 }", "field-refused"),
        ("{ sku: SEO-A, discount: 10% }", "field-refused"),
        ("{ sku: SEO-A, taxable: true }", "field-refused"),
        ("{ sku: SEO-A, recurring: { every: month } }", "field-refused"),
        ("{ sku: SEO-A, properties: { Colour: brown } }", "field-refused"),
        ("{ name: Audit }", "item-unidentified"),
        ("{ sku: SEO-A }, { key: b, salesbyte: { bundle_id: 456 } }", "bundle-beside-items"),
        ("{ sku: SEO-A }, { key: b, sku: SEO-A }", "duplicate-sku"),
        ("{ key: b, salesbyte: { bundle_id: 456, sku: SEO-A } }", "field-contradiction"),
    ] {
        let world = workspace(FULL, &draft("a").replace("{ sku: SEO-A }", item));
        let ended = world.plan().expect(10);
        assert!(ended.stdout.contains(&format!("\"{code}\"")), "{item}: {}", ended.stdout);
    }
    let no_name = draft("a").replace("name: Jo a, ", "").replace(", company: Acme", "");
    assert!(workspace(FULL, &no_name).plan().expect(10).stdout.contains("missing-field"));
    let wrong_phone = draft("a").replace("company: Acme", "phone: 0768741810");
    assert!(workspace(FULL, &wrong_phone).plan().expect(10).stdout.contains("phone-format"));
    let twice = "quote: a\ncustomer: { name: Jo }\nalternatives: [{ skus: [SKU-1], sort_order: 1 }, { bundle_id: 1, sort_order: 1 }]\n";
    assert!(workspace(FULL, twice).plan().expect(10).stdout.contains("duplicate-sort-order"));
    let unknowable = FULL.replace("    currency: SEK\n", "");
    let world = workspace(&unknowable, &format!("{}currency: SEK\n", draft("a")));
    assert!(world.plan().expect(10).stdout.contains("currency-unknowable"));
}

#[test]
fn what_is_local_is_kept_and_never_sent() {
    let quote = format!(
        "{}title: Our title\ndeal: Renewal\ncompany: acme.example\nnotes: {{ internal: Careful }}\n",
        draft("a").replace("{ sku: SEO-A }", "{ sku: SEO-A, name: Audit, description: Whole }")
    );
    let world = workspace(FULL, &quote);
    world.apply().expect(0);
    let request = quotes(&world)[0]["request"].to_string();
    for word in ["Our title", "Renewal", "acme.example\"", "Careful", "Audit", "Whole"] {
        let told = word != "acme.example\"" && request.contains(word);
        assert!(!told, "{word}: {request}");
    }
    world.settled();
}

#[test]
fn a_pruned_quote_cannot_be_deleted() {
    let world = workspace(FULL, &format!("{}---\n{}", draft("a"), draft("b")));
    world.apply().expect(0);
    world.write("quotes/all.yaml", &draft("b"));
    let ended = world
        .run(&["apply", "--prune", "--auto-approve", "--allow", "all", "--format", "json"])
        .expect(5)
        .json();
    assert_eq!(ended["quotes"][0]["outcome"], "blocked");
    assert_eq!(quotes(&world).len(), 2);
    let kept = world.run(&["lock", "list"]).expect(0);
    assert!(kept.stdout.contains("nordic"), "{}", kept.stdout);
    assert_eq!(world.plan().json()["summary"]["orphaned"], 1);
}

/// Keeps what is sent, and answers as it is told.
#[derive(Debug)]
struct Ear {
    heard: Mutex<Vec<Request>>,
    answer: &'static str,
}

#[async_trait]
impl Transport for Ear {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        self.heard.lock().unwrap().push(request);
        let mut response = Response::new(Bytes::from_static(self.answer.as_bytes()));
        *response.status_mut() = http::StatusCode::CREATED;
        Ok(response)
    }
}

fn wire(ear: &Arc<Ear>, credential: Option<Credential>) -> Arc<Wire> {
    let limiter = Limiter::new(Limits {
        account: salesbyte::published_limit(),
        explicit: false,
        concurrency: 1,
        classes: Vec::new(),
    });
    let mut settings = WireSettings::new(salesbyte::policy());
    settings.credential = credential;
    Arc::new(Wire::new(Arc::clone(ear) as _, Arc::new(limiter), settings))
}

fn creation() -> Step {
    let quote = proforma::key::QuoteName::parse("a").unwrap();
    let workspace = proforma::key::WorkspaceName::parse("w").unwrap();
    Step {
        id: proforma::key::StepId::of_quote(&quote, 1),
        connection: proforma::key::ConnectionName::parse("nordic").unwrap(),
        does: "create quote".to_owned(),
        effects: step::Effects::new(),
        awaits: step::Effects::new(),
        needs: Vec::new(),
        operation: step::Operation::Salesbyte(Operation::Create {
            fields: [("customer_name".to_owned(), proforma::facts::Plain::Text("Jo".to_owned()))]
                .into(),
        }),
        stamp: Some(proforma::key::Stamp::new(&workspace, &quote, 0, "")),
        part: None,
        settles: std::collections::BTreeMap::new(),
        drops: Vec::new(),
        quote: Some(quote),
    }
}

#[tokio::test]
async fn each_secret_goes_through_its_own_door_alone() {
    let secret = |text: &str| Secret::new(text.to_owned()).unwrap();
    let made = r#"{"id": 950, "links": {"customer_view": "http://localhost/view/hLcb0000000000"}}"#;
    let ear = Arc::new(Ear { heard: Mutex::default(), answer: made });
    let writer = SalesbyteWriter::new(wire(&ear, None), secret("the-uuid"));
    let step = creation();
    let receipts = writer.perform(&[&step], &Made::new()).await;
    let Outcome::Applied(Some(id)) = &receipts[0].outcome else { panic!("{receipts:?}") };
    assert_eq!(id.as_str(), "hLcb0000000000");
    {
        let heard = ear.heard.lock().unwrap();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].uri(), "/integrations/create_quote");
        assert!(heard[0].headers().get("authorization").is_none());
        assert_eq!(heard[0].body().as_ref(), br#"{"customer_name":"Jo","uuid":"the-uuid"}"#);
    }
    let ear = Arc::new(Ear { heard: Mutex::default(), answer: r#"{"data": []}"# });
    let settings = salesbyte::Settings {
        connection: step.connection.clone(),
        profile: Some(115),
        stamp: Some(salesbyte::StampField { name: "proforma".to_owned(), label: None }),
        currency: None,
        readable: true,
    };
    let reads = ReadWire::new(wire(&ear, Some(Credential::bearer(secret("the-token")))));
    let reader = SalesbyteReader::new(Some(reads), settings);
    reader.locate(&[&step], &Made::new()).await.unwrap();
    let heard = ear.heard.lock().unwrap();
    assert_eq!(heard[0].headers()["authorization"], "Bearer the-token");
    assert!(heard.iter().all(|r| r.body().is_empty() && r.method() == "GET"));
}

#[tokio::test]
async fn a_creation_without_the_customers_link_is_unknown_not_done() {
    for answer in [r#"{"id": 950}"#, r#"{"id": 950, "links": {}}"#, "Quote created", "", "[]"] {
        let ear = Arc::new(Ear { heard: Mutex::default(), answer });
        let uuid = Secret::new("u".to_owned()).unwrap();
        let writer = SalesbyteWriter::new(wire(&ear, None), uuid);
        let step = creation();
        let receipts = writer.perform(&[&step], &Made::new()).await;
        assert!(matches!(receipts[0].outcome, Outcome::Unknown(_)), "{answer}: {receipts:?}");
        assert_eq!(ear.heard.lock().unwrap().len(), 1, "{answer}: sent again");
    }
}

/// A saved plan says "create"; whether an earlier run of it did is not for the plan to say.
#[test]
fn a_saved_plan_does_not_repeat_what_may_have_been_done() {
    let world = blind(&draft("one"));
    let file = world.path("saved.plan").to_string_lossy().into_owned();
    world.run(&["plan", "--out", &file]).expect(0);
    fault(&world, "write", "lose_answer");
    let args = ["apply", file.as_str(), "--auto-approve", "--format", "json"];
    world.run(&args).expect(6);
    let again = world.run(&args).expect(6);
    assert_eq!(again.json()["summary"]["unknown"], 1, "{}", again.stdout);
    assert_eq!(quotes(&world).len(), 1);
    world.run(&["recover", "one", "--absent"]).expect(0);
}
