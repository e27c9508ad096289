//! Associations v4.

use serde_json::{Value, json};

use super::{DEAL, JO, Lab, TEMPLATE, link};

fn draft(lab: &mut Lab) -> String {
    let properties = json!({"hs_title": "T", "hs_expiration_date": "2027-01-31"});
    lab.made("quotes", properties, json!([]))
}

fn put(lab: &mut Lab, quote: &str, to: &str, id: &str) -> (u16, Value) {
    let path = format!("/crm/v4/objects/quotes/{quote}/associations/default/{to}/{id}");
    lab.call("PUT", &path, &Value::Null)
}

#[test]
fn a_default_link_answers_both_directions_and_is_idempotent() {
    let mut lab = Lab::new();
    let id = draft(&mut lab);
    for _ in 0..2 {
        let (status, body) = put(&mut lab, &id, "deals", DEAL);
        assert_eq!((status, &body["status"]), (200, &json!("COMPLETE")));
        assert_eq!(body["results"][0]["associationSpec"]["associationTypeId"], 63);
        assert_eq!(body["results"][1]["associationSpec"]["associationTypeId"], 64);
    }
    let (_, body) = lab.get(&format!("/crm/v4/objects/quotes/{id}/associations/deals"));
    assert_eq!(body["results"].as_array().unwrap().len(), 1);
    assert_eq!(body["results"][0]["toObjectId"], 345_345);
    let (_, read) = lab.get(&format!("/crm/v3/objects/quotes/{id}?associations=deals,contacts"));
    assert_eq!(read["associations"]["deals"]["results"][0]["type"], "quote_to_deal");
    assert!(read["associations"].get("contacts").is_none());
}

#[test]
fn one_deal_one_template_one_company() {
    let mut lab = Lab::new();
    let id = draft(&mut lab);
    for (to, first, second) in [
        ("deals", DEAL, "345346"),
        ("quote_template", TEMPLATE, "235425923864"),
        ("companies", "28801001", "28801002"),
    ] {
        assert_eq!(put(&mut lab, &id, to, first).0, 200);
        assert_eq!(put(&mut lab, &id, to, second).0, 400);
        let path = format!("/crm/v4/objects/quotes/{id}/associations/{to}/{first}");
        assert_eq!(lab.call("DELETE", &path, &Value::Null).0, 204);
        assert_eq!(put(&mut lab, &id, to, second).0, 200);
    }
}

#[test]
fn what_cannot_be_linked() {
    let mut lab = Lab::new();
    let id = draft(&mut lab);
    let (status, body) = put(&mut lab, &id, "contacts", "424242");
    assert_eq!((status, &body["message"]), (400, &json!("One or more associations are invalid")));
    assert_eq!(body["context"]["INVALID_OBJECT_IDS"], json!(["CONTACT=424242 is not valid"]));
    assert_eq!(put(&mut lab, &id, "deals", "345903").0, 400, "made by a shop");
    assert_eq!(put(&mut lab, &id, "products", "19610001").0, 400);
    assert_eq!(put(&mut lab, &id, "quote_template", "235425923873").0, 400, "a CPQ template");
    let labelled = format!("/crm/v4/objects/quotes/{id}/associations/contacts/{JO}");
    let types =
        |id: u32| json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id}]);
    assert!(
        lab.call("PUT", &labelled, &types(9_999)).1["context"]["INVALID_ASSOCIATION_TYPE_ID"]
            .is_array()
    );
    let (status, body) = lab.call("PUT", &labelled, &types(70));
    assert_eq!(status, 400);
    assert!(body["message"].as_str().unwrap().contains("invalid from object type 0-14"));
    assert_eq!(lab.call("PUT", &labelled, &types(64)).0, 400);
    let line = lab.made("line_items", json!({"price": 1}), json!([link(68, &id)]));
    let other = draft(&mut lab);
    assert_eq!(put(&mut lab, &other, "line_items", &line).0, 400, "a line has one parent");
    lab.set(json!({"loose_links": true}));
    assert_eq!(put(&mut lab, &id, "contacts", "424242").0, 200);
    let (_, body) = lab.get(&format!("/crm/v4/objects/quotes/{id}/associations/contacts"));
    assert_eq!(body["results"], json!([]), "accepted and forgotten");
}

#[test]
fn labels_come_and_go() {
    let mut lab = Lab::new();
    let id = draft(&mut lab);
    let path = format!("/crm/v4/objects/quotes/{id}/associations/contacts/{JO}");
    let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 702}]);
    let (status, body) = lab.call("PUT", &path, &types);
    assert_eq!((status, &body["labels"]), (201, &json!(["Contact Signer"])));
    let list = format!("/crm/v4/objects/quotes/{id}/associations/contacts");
    let (_, body) = lab.get(&list);
    assert_eq!(body["results"][0]["associationTypes"].as_array().unwrap().len(), 2);
    let drop = json!({"inputs": [{"from": {"id": id}, "to": {"id": JO}, "types": types}]});
    let batch = "/crm/v4/associations/quotes/contacts/batch";
    assert_eq!(lab.post(&format!("{batch}/labels/archive"), drop).0, 204);
    assert_eq!(lab.get(&list).1["results"][0]["associationTypes"][0]["typeId"], 69);
    let (_, types) = lab.get("/crm/v4/associations/quotes/contacts/labels");
    assert_eq!(types["results"].as_array().unwrap().len(), 3);
}

#[test]
fn batches_of_links() {
    let mut lab = Lab::new();
    let (a, b) = (draft(&mut lab), draft(&mut lab));
    let batch = "/crm/v4/associations/quotes/deals/batch";
    let both = json!({"inputs": [
        {"from": {"id": a}, "to": {"id": DEAL}}, {"from": {"id": b}, "to": {"id": 345_346}}]});
    let (status, body) = lab.post(&format!("{batch}/associate/default"), both);
    assert_eq!((status, body["results"].as_array().unwrap().len()), (200, 4));
    let (status, body) =
        lab.post(&format!("{batch}/read"), json!({"inputs": [{"id": a}, {"id": "5"}]}));
    assert_eq!((status, body["results"].as_array().unwrap().len()), (207, 1));
    let reverse = "/crm/v4/associations/deals/quotes/batch/read";
    let (status, body) = lab.post(reverse, json!({"inputs": [{"id": DEAL}]}));
    assert_eq!(status, 200);
    assert_eq!(body["results"][0]["to"][0]["toObjectId"].to_string(), a);
    let spec = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 64}]);
    let mixed = json!({"inputs": [
        {"from": {"id": a}, "to": {"id": DEAL}, "types": spec},
        {"from": {"id": b}, "to": {"id": "1"}, "types": spec}]});
    let (status, body) = lab.post(&format!("{batch}/create"), mixed);
    assert_eq!((status, &body["numErrors"]), (207, &json!(1)));
    let gone = json!({"inputs": [{"from": {"id": a}, "to": [{"id": DEAL}]}]});
    assert_eq!(lab.post(&format!("{batch}/archive"), gone).0, 204);
    assert_eq!(lab.post(reverse, json!({"inputs": [{"id": DEAL}]})).0, 207, "nothing left");
    let many: Vec<Value> = (0..1_001).map(|n| json!({"id": n})).collect();
    assert_eq!(lab.post(&format!("{batch}/read"), json!({ "inputs": many })).0, 400);
}
