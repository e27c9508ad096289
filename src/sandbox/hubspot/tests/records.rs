//! Records, values, batches, unique properties, search, scopes.

use serde_json::{Value, json};

use super::{DEAL, Lab};

const QUOTES: &str = "/crm/v3/objects/quotes";

fn title(name: &str) -> Value {
    json!({"properties": {"hs_title": name, "hs_expiration_date": "2027-01-31"}})
}

#[test]
fn a_record_is_made_read_changed_and_archived() {
    let mut lab = Lab::new();
    let (status, made) = lab.post(QUOTES, title("A"));
    assert_eq!(status, 201);
    assert!(made.get("associations").is_none());
    assert_eq!(made["properties"]["hs_title"], "A");
    assert_eq!(made["createdAt"], "2026-11-22T12:00:00.250Z");
    let id = made["id"].as_str().unwrap().to_owned();
    assert!(id.parse::<u32>().is_err(), "ids do not fit 32 bits");
    let (_, read) = lab.get(&format!("{QUOTES}/{id}"));
    assert!(read["properties"].get("hs_title").is_none(), "only what is asked for");
    let (_, read) = lab.get(&format!("{QUOTES}/{id}?properties=hs_title,hs_terms,ghost"));
    assert_eq!(read["properties"]["hs_terms"], Value::Null);
    assert!(read["properties"].get("ghost").is_none());
    lab.wait(1000);
    assert_eq!(lab.patch(&id, json!({"hs_title": "B"})).0, 200);
    let (_, read) = lab.get(&format!("{QUOTES}/{id}?propertiesWithHistory=hs_title"));
    let history = read["propertiesWithHistory"]["hs_title"].as_array().unwrap();
    assert_eq!((&history[0]["value"], &history[1]["value"]), (&json!("B"), &json!("A")));
    let path = format!("{QUOTES}/{id}");
    assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
    assert_eq!(lab.get(&path).0, 404);
    assert_eq!(lab.get(&format!("{path}?archived=true")).1["archived"], true);
}

#[test]
fn every_bad_value_is_named() {
    let mut lab = Lab::new();
    let (status, body) = lab.post(
        QUOTES,
        json!({"properties": {"hs_title": "A", "hs_expiration_date": "31/01/2027", "ghost": "1",
            "hs_locked": "true", "hs_type": "OLD", "hs_quote_owner_id": "9912901"}}),
    );
    assert_eq!((status, &body["category"]), (400, &json!("VALIDATION_ERROR")));
    let mut codes: Vec<_> =
        body["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "INVALID_DATE",
            "INVALID_OPTION",
            "INVALID_OPTION",
            "PROPERTY_DOESNT_EXIST",
            "READ_ONLY_VALUE"
        ]
    );
    assert!(body["message"].as_str().unwrap().starts_with("Property values were not valid: [{"));
    assert!(body["correlationId"].is_string());
    let (status, body) = lab.post(QUOTES, json!({"properties": {"hs_title": "A"}}));
    assert_eq!((status, &body["errors"][0]["code"]), (400, &json!("MISSING_REQUIRED_PROPERTY")));
    for bad in ["{", "[]", "{}", "{\"properties\": {\"hs_title\": null}}"] {
        assert_eq!(lab.raw("POST", &format!("/hubspot{QUOTES}"), bad).0, 400, "{bad}");
    }
    assert_eq!(lab.get("/crm/v3/objects/quotes/77").1.get("category"), None);
    assert_eq!(lab.get("/crm/v3/objects/quotes/x").1["category"], "OBJECT_NOT_FOUND");
    assert_eq!(lab.get("/crm/v3/objects/ghosts").0, 400);
    assert_eq!(lab.get("/crm/v9/objects").0, 404);
    assert_eq!(lab.call("PUT", QUOTES, &Value::Null).0, 405);
    let long = format!("{QUOTES}?properties={}", "x".repeat(20_000));
    assert_eq!(lab.get(&long).0, 414);
}

#[test]
fn lines_are_priced_and_refused() {
    let mut lab = Lab::new();
    let line = json!({"price": "19.99", "quantity": "3", "hs_discount_percentage": 10,
        "recurringbillingfrequency": "monthly", "hs_recurring_billing_period": "P1Y"});
    let id = lab.made("line_item", line, json!([]));
    for (name, value) in [
        ("amount", "53.97"),
        ("hs_total_discount", "6.00"),
        ("hs_tcv", "647.64"),
        ("hs_recurring_billing_number_of_payments", "12"),
    ] {
        assert_eq!(lab.property("line_items", &id, name), value, "{name}");
    }
    let id = lab.made("line_items", json!({"hs_product_id": "19610002", "quantity": 1}), json!([]));
    assert_eq!(lab.property("line_items", &id, "hs_sku"), "SEO-M");
    assert_eq!(lab.property("line_items", &id, "amount"), "2400.00");
    for bad in [
        json!({"price": "-1"}),
        json!({"price": "1,5"}),
        json!({"price": 1, "discount": 1, "hs_discount_percentage": 5}),
        json!({"recurringbillingfrequency": "weekly", "hs_recurring_billing_period": "P12M"}),
        json!({"hs_recurring_billing_period": "P12M"}),
        json!({"hs_product_id": "19610090"}),
        json!({"hs_tax_rate_group_id": "1"}),
        json!({"hs_billing_start_date": "2027-01-01"}),
    ] {
        let (status, _) = lab.post("/crm/v3/objects/line_items", json!({ "properties": bad }));
        assert_eq!(status, 400, "{bad}");
    }
    assert_eq!(lab.post("/crm/v3/objects/fees", json!({"properties": {"hs_label": "x"}})).0, 400);
    assert_eq!(
        lab.post(
            "/crm/v3/objects/taxes",
            json!({"properties": {"hs_type": "PERCENT", "hs_value": 101}})
        )
        .0,
        400
    );
}

#[test]
fn lists_page_by_ten_and_at_most_a_hundred() {
    let mut lab = Lab::new();
    let (mut seen, mut after, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let (status, page) =
            lab.get(&format!("/crm/v3/objects/quote_template?properties=hs_name&after={after}"));
        assert_eq!(status, 200);
        pages += 1;
        seen.extend(page["results"].as_array().unwrap().iter().map(|r| r["id"].clone()));
        match page["paging"]["next"]["after"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (2, 14));
    assert_eq!(lab.get("/crm/v3/objects/deals?limit=101").0, 400);
    assert_eq!(lab.get("/crm/v3/objects/deals?limit=51&propertiesWithHistory=dealname").0, 400);
}

#[test]
fn untraced_batches_are_all_or_nothing_and_traced_ones_are_not() {
    let mut lab = Lab::new();
    let row = |name: &str, trace: Option<&str>| {
        let mut row = title(name);
        if let Some(trace) = trace {
            row["objectWriteTraceId"] = json!(trace);
        }
        row
    };
    let bad = |trace: Option<&str>| {
        let mut bad = row("bad", trace);
        bad["properties"]["ghost"] = json!("1");
        bad
    };
    let path = format!("{QUOTES}/batch/create");
    for inputs in [
        json!([row("a", None), bad(None)]),
        json!([row("a", Some("t")), bad(Some("t"))]),
        json!([row("a", Some("t")), bad(None)]),
    ] {
        assert_eq!(lab.post(&path, json!({ "inputs": inputs })).0, 400);
        assert_eq!(lab.get(QUOTES).1["results"], json!([]));
    }
    let inputs = json!([row("a", Some("1")), bad(Some("2")), row("c", Some("3"))]);
    let (status, body) = lab.post(&path, json!({ "inputs": inputs }));
    assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
    assert_eq!(body["errors"][0]["context"]["objectWriteTraceId"], json!(["2"]));
    let traces: Vec<_> = body["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["objectWriteTraceId"].clone())
        .collect();
    assert_eq!(traces, ["3", "1"], "never in the order of the inputs");
    let many: Vec<Value> = (0..101).map(|_| title("x")).collect();
    let (status, body) = lab.post(&path, json!({ "inputs": many }));
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("supported in a batch is 100"));
}

#[test]
fn batch_read_update_and_archive() {
    let mut lab = Lab::new();
    let id = lab.made("quotes", title("A")["properties"].clone(), json!([]));
    let read = json!({"inputs": [{"id": id}, {"id": "1"}], "properties": ["hs_title"]});
    let (status, body) = lab.post(&format!("{QUOTES}/batch/read"), read);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (207, 1));
    assert_eq!(body["errors"][0]["category"], "OBJECT_NOT_FOUND");
    assert_eq!(body["errors"][0]["context"]["ids"], json!(["1"]));
    let row = json!({"id": id, "properties": {"hs_title": "B"}});
    let (status, body) = lab.post(&format!("{QUOTES}/batch/update"), json!({"inputs": [row, row]}));
    assert_eq!((status, &body["context"]["ids"]), (400, &json!([id])));
    assert_eq!(lab.post(&format!("{QUOTES}/batch/update"), json!({"inputs": [row]})).0, 200);
    for _ in 0..2 {
        let gone = json!({"inputs": [{"id": id}, {"id": "1"}]});
        assert_eq!(lab.post(&format!("{QUOTES}/batch/archive"), gone).0, 204);
    }
}

#[test]
fn unique_values_are_held_looked_up_and_freed() {
    let mut lab = Lab::new();
    let definition = json!({"name": "stamp", "label": "Stamp", "type": "string", "fieldType": "text",
        "groupName": "quoteinformation", "hasUniqueValue": true});
    assert_eq!(lab.post("/crm/v3/properties/quotes", definition.clone()).0, 201);
    let (status, body) = lab.post("/crm/v3/properties/quotes", definition.clone());
    assert_eq!((status, &body["category"]), (409, &json!("OBJECT_ALREADY_EXISTS")));
    let mut stamped = title("A");
    stamped["properties"]["stamp"] = json!("k1");
    let (_, made) = lab.post(QUOTES, stamped.clone());
    let (status, body) = lab.post(QUOTES, stamped.clone());
    assert_eq!((status, &body["category"]), (409, &json!("CONFLICT")));
    let twins = json!({"inputs": [{"idProperty": "stamp", "id": "k1", "properties": {"hs_title": "B"}},
        {"idProperty": "stamp", "id": "k2", "properties": title("C")["properties"]}]});
    let (status, body) = lab.post(&format!("{QUOTES}/batch/upsert"), twins);
    assert_eq!(status, 200, "{body}");
    let new: Vec<_> =
        body["results"].as_array().unwrap().iter().map(|r| r["new"].clone()).collect();
    assert_eq!(new, [true, false]);
    let id = made["id"].as_str().unwrap();
    assert_eq!(lab.get(&format!("{QUOTES}/k1?idProperty=stamp")).1["id"], id);
    assert_eq!(lab.get(&format!("{QUOTES}/A?idProperty=hs_title")).0, 400);
    lab.call("DELETE", &format!("{QUOTES}/{id}"), &Value::Null);
    assert_eq!(lab.get(&format!("{QUOTES}/k1?idProperty=stamp")).0, 404);
    assert_eq!(lab.post(QUOTES, stamped).0, 201, "an archived record frees its value");
    lab.set(json!({"unique_on_quotes": false}));
    let mut other = definition.clone();
    other["name"] = json!("stamp2");
    assert_eq!(lab.post("/crm/v3/properties/quotes", other.clone()).0, 400);
    other["hasUniqueValue"] = json!(false);
    assert_eq!(lab.post("/crm/v3/properties/quotes", other).0, 201);
    let mut wrong = definition;
    wrong["groupName"] = json!("nowhere");
    wrong["name"] = json!("stamp3");
    assert_eq!(lab.post("/crm/v3/properties/quotes", wrong).0, 400);
}

#[test]
fn search_lags_behind_reads() {
    let mut lab = Lab::new();
    let id = lab.made("quotes", title("Needle one")["properties"].clone(), json!([]));
    let search = |lab: &mut Lab, value: &str| {
        let filter = json!({"propertyName": "hs_title", "operator": "EQ", "value": value});
        let body = json!({"filterGroups": [{"filters": [filter]}]});
        lab.post(&format!("{QUOTES}/search"), body).1["total"].clone()
    };
    assert_eq!(search(&mut lab, "needle ONE"), 0);
    lab.wait(3_000);
    assert_eq!(search(&mut lab, "needle ONE"), 1);
    lab.patch(&id, json!({"hs_title": "Two"}));
    assert_eq!((search(&mut lab, "needle one"), search(&mut lab, "two")), (json!(1), json!(0)));
    lab.wait(3_000);
    assert_eq!((search(&mut lab, "needle one"), search(&mut lab, "two")), (json!(0), json!(1)));
    lab.call("DELETE", &format!("{QUOTES}/{id}"), &Value::Null);
    assert_eq!(search(&mut lab, "two"), 0);
}

#[test]
fn search_filters_pages_and_limits() {
    let mut lab = Lab::new();
    let deals = "/crm/v3/objects/deals/search";
    let filter = |property: &str, operator: &str, value: Value| {
        let mut filter = json!({"propertyName": property, "operator": operator});
        let key = if value.is_array() { "values" } else { "value" };
        filter[key] = value;
        json!({"filterGroups": [{"filters": [filter]}], "limit": 200})
    };
    let mut total = |body: Value| lab.post(deals, body).1["total"].as_u64().unwrap();
    assert_eq!(total(filter("dealname", "EQ", json!("duplicate deal"))), 2);
    assert_eq!(total(filter("dealname", "IN", json!(["duplicate deal"]))), 2);
    assert_eq!(total(filter("dealname", "IN", json!(["Duplicate deal"]))), 0);
    assert_eq!(total(filter("dealname", "CONTAINS_TOKEN", json!("acm*"))), 2);
    assert_eq!(total(filter("associations.company", "EQ", json!("28801001"))), 2);
    assert_eq!(total(json!({"query": "wonka"})), 2);
    let sorted = json!({"sorts": [{"propertyName": "dealname", "direction": "DESCENDING"}], "limit": 5, "after": "5"});
    let (_, page) = lab.post(deals, sorted);
    assert_eq!(page["paging"]["next"]["after"], "10");
    for bad in [
        filter("dealname", "LIKE", json!("x")),
        filter("ghost", "EQ", json!("x")),
        json!({"limit": 201}),
        json!({"after": "9995", "limit": 10}),
        json!({"filterGroups": [{}]}),
        json!({"query": "x".repeat(3_000)}),
        json!({"filterGroups": (0..6).map(|_| json!({"filters": []})).collect::<Vec<_>>()}),
    ] {
        assert_eq!(lab.post(deals, bad.clone()).0, 400, "{bad}");
    }
}

#[test]
fn tokens_and_scopes() {
    let mut lab = Lab::new();
    lab.token = "invalid";
    let (status, body) = lab.get(QUOTES);
    assert_eq!((status, &body["category"]), (401, &json!("INVALID_AUTHENTICATION")));
    lab.token = "readonly-1";
    let (status, body) = lab.post(QUOTES, title("A"));
    assert_eq!((status, &body["category"]), (403, &json!("MISSING_SCOPES")));
    assert_eq!(
        body["errors"][0]["context"]["requiredGranularScopes"],
        json!(["crm.objects.quotes.write"])
    );
    assert_eq!(lab.post(&format!("{QUOTES}/batch/read"), json!({"inputs": []})).0, 200);
    assert_eq!(lab.post(&format!("{QUOTES}/search"), json!({})).0, 200);
    lab.token = "noschema";
    assert_eq!(lab.post("/crm/v3/properties/quotes", json!({})).0, 403);
    assert_eq!(lab.post(QUOTES, title("A")).0, 201);
    lab.token = "t";
    lab.set(json!({"deny_scopes": ["crm.objects.owners.read"]}));
    assert_eq!(lab.get("/crm/v3/owners").0, 403);
    assert_eq!(lab.get(&format!("/crm/v3/objects/deals/{DEAL}")).0, 200);
    assert_eq!(Lab::new().post("/crm/v3/objects/quote_template", json!({"properties": {}})).0, 403);
}

#[test]
fn what_can_only_be_read() {
    let mut lab = Lab::new();
    assert_eq!(lab.get("/account-info/v3/details").1["companyCurrency"], "USD");
    let (_, owners) = lab.get("/crm/v3/owners?email=JANE@northlight.example");
    assert_eq!(owners["results"][0]["id"], "70112901");
    assert_eq!(lab.get("/crm/v3/owners?archived=true").1["results"][0]["archived"], true);
    assert_eq!(lab.get("/crm/v3/owners/9912902?idProperty=userId").1["id"], "70112902");
    assert_eq!(lab.get("/crm/v3/owners?limit=1").1["paging"]["next"]["after"], "70112902");
    assert_eq!(lab.get("/tax-rates/v1/tax-rates").1["results"][3]["percentageRate"], 8.875);
    let (_, all) = lab.get("/crm/v3/properties/quotes?archived=false");
    let find = |name: &str| {
        all["results"].as_array().unwrap().iter().find(|d| d["name"] == name).cloned().unwrap()
    };
    assert_eq!(find("hs_quote_link")["modificationMetadata"]["readOnlyValue"], true);
    assert_eq!(find("hs_quote_amount")["calculated"], true);
    assert_eq!(find("hs_title")["modificationMetadata"]["readOnlyValue"], false);
    assert_eq!(find("hs_status")["options"][0]["value"], "DRAFT");
    assert_eq!(lab.get("/crm/v3/properties/quotes/ghost").0, 404);
}
