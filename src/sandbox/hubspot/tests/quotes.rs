//! The state machine, the lock, derived values, totals, both quote systems.

use serde_json::{Value, json};

use super::{DEAL, JO, Lab, TEMPLATE, link};

fn locked(answer: &(u16, Value)) -> bool {
    answer.0 == 400 && answer.1["message"].as_str().unwrap().contains("LOCKED")
}

#[test]
fn publishing_derives_links_and_locks() {
    let mut lab = Lab::new();
    let (id, line) = lab.quote(json!({"hs_status": "DRAFT", "hs_slug": "mine"}));
    assert_eq!(lab.property("quotes", &id, "hs_quote_link"), Value::Null);
    let (status, body) = lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"}));
    assert_eq!(status, 200, "{body}");
    for (name, value) in [
        ("hs_locked", "true"),
        ("hs_quote_link", "https://quotes.northlight.example/mine"),
        ("hs_template_type", "CUSTOMIZABLE_QUOTE_TEMPLATE"),
        ("hs_currency", "USD"),
        ("hs_language", "en"),
        ("hs_quote_amount", "100.00"),
        ("hs_quote_number", "20261122-120000250"),
        ("hs_timezone", "Europe/Stockholm"),
    ] {
        assert_eq!(lab.property("quotes", &id, name), value, "{name}");
    }
    assert!(locked(&lab.patch(&id, json!({"hs_title": "X"}))));
    assert!(locked(&lab.patch(&id, json!({"hs_title": "X", "hs_status": "DRAFT"}))));
    let edit = json!({"properties": {"price": 1}});
    assert!(locked(&lab.call("PATCH", &format!("/crm/v3/objects/line_items/{line}"), &edit)));
    let gone = format!("/crm/v3/objects/line_items/{line}");
    assert!(locked(&lab.call("DELETE", &gone, &Value::Null)));
    let other = format!("/crm/v4/objects/quotes/{id}/associations/default/contacts/{JO}");
    assert!(locked(&lab.call("PUT", &other, &Value::Null)));
    assert_eq!(lab.patch(&id, json!({"hs_status": "APPROVED"})).0, 200, "a no-op");
    assert_eq!(lab.property("quotes", &id, "hs_status"), "APPROVAL_NOT_NEEDED");
    assert_eq!(lab.patch(&id, json!({"hs_status": "DRAFT"})).0, 200);
    assert_eq!(lab.property("quotes", &id, "hs_locked"), "false");
    assert_eq!(lab.property("quotes", &id, "hs_quote_link"), Value::Null);
    assert_eq!(lab.property("quotes", &id, "hs_slug"), "mine");
    assert_eq!(lab.patch(&id, json!({"hs_title": "X"})).0, 200);
}

#[test]
fn strict_portals_lock_for_good() {
    let mut lab = Lab::new();
    let (id, _) = lab.quote(json!({}));
    lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"}));
    lab.set(json!({"lock_mode": "strict"}));
    assert!(locked(&lab.patch(&id, json!({"hs_status": "DRAFT"}))));
    assert!(locked(&lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"}))));
    let (status, body) = lab.call("DELETE", &format!("/crm/v3/objects/quotes/{id}"), &Value::Null);
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("PUBLISHED_QUOTE_CANNOT_BE_DELETED"));
    assert_eq!(lab.control("settings", json!({"lock_mode": "loose"})).0, 400);
    assert_eq!(lab.control("settings", json!({"lokc_mode": "strict"})).0, 400);
}

#[test]
fn publishing_needs_deal_template_and_line() {
    let mut lab = Lab::new();
    let line = lab.made("line_items", json!({"price": 1}), json!([]));
    let parts = [link(64, DEAL), link(286, TEMPLATE), link(67, &line)];
    for missing in 0..3 {
        let links: Vec<&Value> =
            parts.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, l)| l).collect();
        let properties = json!({"hs_title": "T", "hs_expiration_date": "2027-01-31", "hs_status": "APPROVAL_NOT_NEEDED"});
        let body = json!({"properties": properties, "associations": links});
        let (status, body) = lab.post("/crm/v3/objects/quotes", body);
        assert_eq!((status, body["context"]["missing"].as_array().unwrap().len()), (400, 1));
    }
    let (_, all) = lab.get("/crm/v3/objects/quotes");
    assert_eq!(all["results"], json!([]), "a refused creation leaves nothing");
}

#[test]
fn the_transition_table() {
    let all = [
        "DRAFT",
        "PENDING_APPROVAL",
        "APPROVED",
        "APPROVAL_NOT_NEEDED",
        "REJECTED",
        "VOID",
        "ACCEPTED",
    ];
    let allowed = |from: &str, to: &str| {
        !matches!(
            (from, to),
            (_, "ACCEPTED")
                | ("VOID", _)
                | ("APPROVED" | "APPROVAL_NOT_NEEDED", "VOID")
                | ("REJECTED", "APPROVED" | "APPROVAL_NOT_NEEDED")
        )
    };
    for from in all.iter().filter(|s| **s != "ACCEPTED") {
        for to in all {
            let mut lab = Lab::new();
            let (id, _) = lab.quote(json!({}));
            assert_eq!(lab.patch(&id, json!({"hs_status": from})).0, 200, "{from}");
            let status = lab.patch(&id, json!({"hs_status": to})).0;
            assert_eq!(status == 200, allowed(from, to), "{from} -> {to}: {status}");
        }
    }
}

#[test]
fn totals_go_discounts_fees_taxes() {
    let mut lab = Lab::new();
    let (id, line) = lab.quote(json!({"hs_status": "DRAFT"}));
    for (kind, type_name, value, order) in [
        ("discounts", "PERCENT", "10", 0),
        ("discounts", "FIXED", "5.50", 1),
        ("fees", "FIXED", "20", 0),
        ("fees", "PERCENT", "1", 1),
        ("taxes", "PERCENT", "25", 0),
    ] {
        let part = json!({"hs_label": "x", "hs_type": type_name, "hs_value": value, "hs_sort_order": order});
        let part = lab.made(kind, part, json!([]));
        let path = format!("/crm/v4/objects/quotes/{id}/associations/default/{kind}/{part}");
        assert_eq!(lab.call("PUT", &path, &Value::Null).0, 200);
    }
    // 100 - 10 - 5.50 = 84.50; + 20 + 0.845 (0.85) = 105.35; + 26.3375 (26.34) = 131.69
    assert_eq!(lab.property("quotes", &id, "hs_quote_amount"), "131.69");
    let edit = json!({"properties": {"quantity": 0}});
    lab.call("PATCH", &format!("/crm/v3/objects/line_items/{line}"), &edit);
    assert_eq!(lab.property("quotes", &id, "hs_quote_amount"), "25.00", "never below nought");
}

#[test]
fn the_deal_decides_owner_and_currency() {
    let mut lab = Lab::new();
    let base = json!({"hs_title": "T", "hs_expiration_date": "2027-01-31",
        "hs_quote_owner_id": "70112903", "hubspot_owner_id": "70112902", "hs_currency": "USD"});
    let id = lab.made("quotes", base, json!([]));
    assert_eq!(lab.property("quotes", &id, "hubspot_owner_id"), "70112903");
    // Umbrella's deal: in EUR, owned by Jane.
    let path = format!("/crm/v4/objects/quotes/{id}/associations/default/deals/345430");
    assert_eq!(lab.call("PUT", &path, &Value::Null).0, 200);
    assert_eq!(lab.property("quotes", &id, "hubspot_owner_id"), "70112901");
    lab.patch(&id, json!({"hs_status": "DRAFT"}));
    assert_eq!(lab.property("quotes", &id, "hs_currency"), "EUR");
}

#[test]
fn cpq_quotes_have_rules_of_their_own() {
    let mut lab = Lab::new();
    let base = json!({"hs_title": "T", "hs_expiration_date": "2027-01-31", "hs_template_type": "CPQ_QUOTE"});
    // The deal brings its two lines along.
    let id = lab.made("quotes", base.clone(), json!([link(64, "345904")]));
    assert_eq!(lab.property("quotes", &id, "hs_status"), "DRAFT");
    assert_eq!(lab.property("quotes", &id, "hs_quote_amount"), "8300.00");
    assert!(lab.property("quotes", &id, "hs_terms").is_string());
    let (status, body) = lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"}));
    let missing = json!(["an associated contact", "hs_sender_email"]);
    assert_eq!((status, &body["context"]["missing"]), (400, &missing));
    let fee =
        lab.made("fees", json!({"hs_label": "x", "hs_type": "FIXED", "hs_value": 1}), json!([]));
    let path = |to: &str, id_to: &str| {
        format!("/crm/v4/objects/quotes/{id}/associations/default/{to}/{id_to}")
    };
    assert_eq!(lab.call("PUT", &path("fees", &fee), &Value::Null).0, 400);
    assert_eq!(lab.call("PUT", &path("contacts", JO), &Value::Null).0, 200);
    assert_eq!(lab.patch(&id, json!({"hs_sender_email": "jane@northlight.example", "hs_acceptance_method": "esignature"})).0, 200);
    assert_eq!(lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"})).0, 400, "no signer");
    let signer = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 702}]);
    let labelled = format!("/crm/v4/objects/quotes/{id}/associations/contacts/{JO}");
    assert_eq!(lab.call("PUT", &labelled, &signer).0, 201);
    assert_eq!(lab.patch(&id, json!({"hs_status": "APPROVAL_NOT_NEEDED"})).0, 200);
    assert_eq!(lab.property("deals", "345904", "amount"), "8300.00");
    assert_eq!(lab.control("customer", json!({"id": id, "action": "sign"})).0, 200);
    assert_eq!(lab.property("quotes", &id, "hs_status"), "ACCEPTED");
    assert!(locked(&lab.patch(&id, json!({"hs_title": "late"}))));
    lab.set(json!({"quote_system": "legacy"}));
    assert_eq!(lab.post("/crm/v3/objects/quotes", json!({"properties": base})).0, 400);
    lab.set(json!({"quote_system": "cpq"}));
    let legacy = json!({"properties": {"hs_title": "T", "hs_expiration_date": "2027-01-31"}});
    assert_eq!(lab.post("/crm/v3/objects/quotes", legacy).0, 400);
}

#[test]
fn people_and_quirks() {
    let mut lab = Lab::new();
    let (id, line) = lab.quote(json!({}));
    lab.patch(&id, json!({"hs_status": "PENDING_APPROVAL"}));
    assert_eq!(lab.control("approver", json!({"id": id, "action": "approve"})).0, 200);
    assert_eq!(lab.property("quotes", &id, "hs_status"), "APPROVED");
    assert_eq!(lab.control("approver", json!({"id": id, "action": "approve"})).0, 409);
    lab.wait(5_000);
    let edit = json!({"upstream": "hubspot", "object": "quotes", "id": id, "properties": {"hs_title": "Hand"}});
    assert_eq!(lab.control("edit", edit).0, 200);
    let (_, read) = lab.get(&format!("/crm/v3/objects/quotes/{id}?properties=hs_title"));
    assert_eq!(read["properties"]["hs_title"], "Hand");
    assert_eq!(read["updatedAt"], "2026-11-22T12:00:05.250Z");
    let edit = json!({"object": "quotes", "id": id, "properties": {"hs_tilte": "Hand"}});
    assert_eq!(lab.control("edit", edit).0, 400);
    assert_eq!(lab.control("archive", json!({"object": "quotes", "id": id})).0, 200);
    assert_eq!(lab.get(&format!("/crm/v3/objects/line_items/{line}")).0, 404, "its lines go too");
    lab.set(json!({"link_lag": 1000, "drop_property": ["hs_terms"]}));
    let (id, _) = lab.quote(json!({"hs_terms": "x", "hs_status": "APPROVED"}));
    assert_eq!(lab.property("quotes", &id, "hs_terms"), Value::Null);
    assert_eq!(lab.property("quotes", &id, "hs_quote_link"), Value::Null);
    lab.wait(1_000);
    assert!(lab.property("quotes", &id, "hs_quote_link").is_string());
    lab.set(json!({"publish_needs": ["hs_slug", "hs_domain"]}));
    let (id, _) = lab.quote(json!({"hs_domain": "d.example"}));
    assert_eq!(lab.patch(&id, json!({"hs_status": "APPROVED"})).0, 400);
    assert_eq!(lab.patch(&id, json!({"hs_slug": "s", "hs_status": "APPROVED"})).0, 200);
}
