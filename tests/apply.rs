//! Stories of plan and apply: the real binary against the embedded sandbox.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::json;
use support::{World, plain_quote};

#[test]
fn the_main_job_from_yaml_to_a_published_quote() {
    let world = World::northlight();
    let plan = world.plan().expect(2).json();
    let quotes = plan["quotes"].as_array().unwrap();
    assert!(quotes.len() >= 12);
    assert!(quotes.iter().all(|q| q["action"] == "create"), "{plan}");
    assert_eq!(plan["consent"], json!(["publish"]));
    assert_eq!(world.writes(), 0, "plan wrote");

    let applied = world.apply().expect(0).json();
    assert_eq!(applied["summary"]["applied"], quotes.len());
    assert_eq!(world.records("quotes").len(), quotes.len());
    world.settled();

    let acme = world.quote("Acme: annual SEO audit");
    assert_eq!(acme["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    assert_eq!(acme["properties"]["hs_locked"], "true");
    // What the plan promised is what the upstream computes.
    for quote in applied["quotes"].as_array().unwrap() {
        assert_eq!(quote["outcome"], "applied");
    }
    let lock = world.read("proforma.sandbox.lock");
    assert!(!lock.contains('@'), "personal data in the lockfile");
}

#[test]
fn totals_agree_with_the_upstream_to_the_cent() {
    let world = World::northlight();
    let plan = world.plan().expect(2).json();
    world.apply().expect(0);
    for quote in plan["quotes"].as_array().unwrap() {
        let title = quote["title"].as_str().unwrap();
        let record = world.quote(title);
        let upstream = record["properties"]["hs_quote_amount"].as_str().unwrap();
        let after = quote["total"]["after"]["amount"].as_str().unwrap();
        let amount = |t: &str| proforma::money::Amount::parse(t).unwrap();
        assert_eq!(amount(after), amount(upstream), "{title}");
    }
}

#[test]
fn a_change_of_a_draft_touches_that_draft_only() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "title: Title of two", "title: New title");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["update"], 1);
    assert_eq!(plan["summary"]["none"], 1);
    let two = plan["quotes"].as_array().unwrap().iter().find(|q| q["quote"] == "two").unwrap();
    assert_eq!(two["changes"].as_array().unwrap().len(), 1);
    assert_eq!(two["changes"][0]["path"], "title");
    assert_eq!(two["changes"][0]["before"], "Title of two");
    assert_eq!(two["changes"][0]["after"], "New title");
    assert_eq!(two["changes"][0]["origin"], "manifest");
    let writes = world.writes();
    world.apply().expect(0);
    assert_eq!(world.writes() - writes, 1);
    world.quote("New title");
    world.settled();
}

#[test]
fn drift_is_shown_with_its_origin_and_brought_back() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "Mine!" }));
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["changes"][0]["origin"], "drift");
    assert_eq!(plan["quotes"][0]["changes"][0]["before"], "Mine!");
    world.apply().expect(0);
    world.quote("Title of one");
    world.settled();
}

#[test]
fn what_the_manifest_does_not_own_is_left_alone() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_comments": "Call me" }));
    world.settled();
}

#[test]
fn items_are_owned_whole() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    assert_eq!(world.records("line_items").len(), 2);
    world.edit(
        "quotes/all.yaml",
        "- { key: b, name: Bundle, price: 50.50, discount: 10% }",
        "- { key: c, name: Course, price: 75.25, discount: { amount: 5.25 } }",
    );
    let plan = world.plan().expect(2).json();
    let paths: Vec<&str> = plan["quotes"][0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["path"].as_str().unwrap())
        .collect();
    assert!(paths.contains(&"items[c].price") && paths.iter().any(|p| p.starts_with("items[b]")));
    world.apply().expect(0);
    let mut names: Vec<String> = world
        .records("line_items")
        .iter()
        .map(|l| l["properties"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["Audit", "Course"]);
    world.settled();
}

#[test]
fn a_discount_changes_from_percent_to_amount_and_never_both() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "discount: 10%", "discount: 7.50");
    world.apply().expect(0);
    let lines = world.records("line_items");
    let bundle = lines.iter().find(|l| l["properties"]["name"] == "Bundle").unwrap();
    assert_eq!(bundle["properties"]["discount"], "7.5");
    assert!(bundle["properties"]["hs_discount_percentage"].as_str().unwrap_or("").is_empty());
    world.settled();
}

#[test]
fn a_locked_quote_is_blocked_unless_its_manifest_says_otherwise() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    let plan = world.plan().expect(5).json();
    assert_eq!(plan["quotes"][0]["action"], "blocked");
    let writes = world.writes();
    world.apply().expect(5);
    assert_eq!(world.writes(), writes);
}

#[test]
fn unlock_edit_and_publish_again_is_one_unit_that_waits_for_consent() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    let link = world.quote("Title of one")["properties"]["hs_quote_link"].clone();
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.edit(
        "quotes/all.yaml",
        "state: published",
        "state: published\nlifecycle: { when_locked: unlock }",
    );
    let writes = world.writes();
    let waiting = world.run(&["apply", "--auto-approve", "--format", "json"]).expect(12).json();
    assert_eq!(waiting["quotes"][0]["outcome"], "waiting");
    assert_eq!(world.writes(), writes, "nothing of the unit may leave");
    world.apply().expect(0);
    let quote = world.quote("Title of one");
    assert_eq!(quote["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    assert_eq!(quote["properties"]["hs_quote_link"], link);
    assert_eq!(world.records("quotes").len(), 1);
    world.settled();
}

#[test]
fn revise_puts_a_new_quote_in_the_place_of_the_old_one() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    let old = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.edit(
        "quotes/all.yaml",
        "state: published",
        "state: published\nlifecycle: { when_locked: revise }",
    );
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"][0]["action"], "replace");
    world.apply().expect(0);
    let quotes = world.records("quotes");
    assert_eq!(quotes.len(), 2);
    for quote in &quotes {
        let live = quote["properties"]["hs_status"] == "APPROVAL_NOT_NEEDED";
        assert_eq!(live, quote["id"] != old.as_str(), "{quote}");
    }
    assert!(world.read("proforma.sandbox.lock").contains(&old), "the predecessor is kept");
    world.settled();
    // The lockfile is lost: the newest revision is found, and nothing is made anew.
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    assert_eq!(world.plan().expect(2).json()["quotes"][0]["action"], "adopt");
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 2);
    world.settled();
}

#[test]
fn consent_is_asked_for_publishing_and_the_rest_is_done() {
    let world = World::small(&plain_quote("one", "published"));
    let first = world.run(&["apply", "--auto-approve", "--format", "json"]).expect(12).json();
    assert_eq!(first["quotes"][0]["outcome"], "waiting");
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "DRAFT");
    world.run(&["apply", "--auto-approve", "--allow", "publish"]).expect(0);
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    world.settled();
}

#[test]
fn without_a_terminal_apply_needs_auto_approve() {
    let world = World::small(&plain_quote("one", "draft"));
    let ended = world.run(&["apply"]).expect(10);
    assert!(ended.stderr.contains("--auto-approve"), "{}", ended.stderr);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_lost_lockfile_leads_to_adoption_not_to_a_second_quote() {
    let world = World::northlight();
    world.apply().expect(0);
    let (quotes, writes) = (world.records("quotes").len(), world.writes());
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    std::fs::remove_dir_all(world.path(".proforma")).unwrap();
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["adopt"], quotes);
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), quotes);
    assert_eq!(world.writes(), writes, "adoption needs no write");
    world.settled();
}

#[test]
fn adoption_works_where_the_portal_refuses_unique_properties() {
    let world = World::northlight();
    world.settings(&json!({ "unique_on_quotes": false }));
    world.apply().expect(0);
    let quotes = world.records("quotes").len();
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), quotes);
    world.settled();
}

#[test]
fn an_orphan_is_kept_until_prune_and_a_protected_one_for_ever() {
    let protected = plain_quote("kept", "draft")
        .replace("state: draft", "state: draft\nlifecycle: { protect: true }");
    let world = World::small(&format!("{}---\n{protected}", plain_quote("gone", "draft")));
    world.apply().expect(0);
    world.write("quotes/all.yaml", &plain_quote("other", "draft"));
    let plan = world.plan().json();
    assert_eq!(plan["summary"]["orphaned"], 2);
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 3);
    let pruned = world
        .run(&["apply", "--prune", "--auto-approve", "--allow", "delete", "--format", "json"])
        .expect(5)
        .json();
    assert_eq!(pruned["summary"]["applied"], 1);
    assert_eq!(pruned["summary"]["blocked"], 1);
    let titles: Vec<_> =
        world.records("quotes").iter().map(|q| q["properties"]["hs_title"].clone()).collect();
    assert_eq!(titles.len(), 2);
    assert!(titles.contains(&json!("Title of kept")));
    assert_eq!(world.records("fees").len(), 2, "the deleted quote's fee went with it");
}

#[test]
fn deleting_a_live_quote_needs_both_consents() {
    let world = World::small(&plain_quote("gone", "published"));
    world.apply().expect(0);
    world.write("quotes/all.yaml", &plain_quote("other", "draft"));
    world.run(&["apply", "--prune", "--auto-approve", "--allow", "delete"]).expect(12);
    assert_eq!(world.records("quotes").len(), 2);
    world.run(&["apply", "--prune", "--auto-approve", "--allow", "delete,publish"]).expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    assert_eq!(world.records("line_items").len(), 2);
}

#[test]
fn a_value_that_the_portal_drops_is_named_and_the_quote_is_not_published() {
    let world = World::small(&plain_quote("one", "published"));
    world.settings(&json!({ "drop_property": ["hs_discount_percentage"] }));
    let applied = world.apply().expect(5).json();
    assert_eq!(applied["quotes"][0]["outcome"], "failed");
    let error = applied["quotes"][0]["error"].to_string();
    assert!(error.contains("items[b].discount.percent"), "{error}");
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "DRAFT");
    world.settings(&json!({ "drop_property": [] }));
    world.apply().expect(0);
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    assert_eq!(world.records("line_items").len(), 2);
    world.settled();
}

#[test]
fn a_saved_plan_is_spent_once_and_private() {
    let world = World::small(&plain_quote("one", "draft"));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(world.path("plan.json")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(0);
    let writes = world.writes();
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(4);
    assert_eq!(world.writes(), writes);
    assert_eq!(world.records("quotes").len(), 1);
}

#[test]
fn a_stale_quote_drops_out_of_a_saved_plan_and_the_rest_goes_on() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "title: Title of one", "title: One");
    world.edit("quotes/all.yaml", "title: Title of two", "title: Two");
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "Edited meanwhile" }));
    let applied =
        world.run(&["apply", "plan.json", "--auto-approve", "--format", "json"]).expect(4).json();
    assert_eq!(applied["summary"]["applied"], 1);
    assert_eq!(applied["summary"]["skipped"], 1);
    world.quote("Edited meanwhile");
    world.quote("Two");
}

#[test]
fn a_plan_that_was_changed_on_disk_is_refused() {
    let world = World::small(&plain_quote("one", "draft"));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    world.edit("plan.json", "100.00", "1.00");
    world.run(&["apply", "plan.json", "--auto-approve"]).expect(10);
    assert_eq!(world.writes(), 0);
}

#[test]
fn swapped_ids_in_the_lockfile_are_refused() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.apply().expect(0);
    let id = |title: &str| world.quote(title)["id"].as_str().unwrap().to_owned();
    let (one, two) = (id("Title of one"), id("Title of two"));
    let lock = world.read("proforma.sandbox.lock");
    let swapped = lock.replace(&one, "@@").replace(&two, &one).replace("@@", &two);
    world.write("proforma.sandbox.lock", &swapped);
    world.edit("quotes/all.yaml", "price: 100.00", "price: 1.00");
    world.plan().expect(11);
    let writes = world.writes();
    world.apply().expect(11);
    assert_eq!(world.writes(), writes);
}

#[test]
fn a_rename_keeps_the_remote_quote() {
    let world = World::small(&plain_quote("old-name", "draft"));
    world.apply().expect(0);
    let id = world.quote("Title of old-name")["id"].clone();
    world.edit("quotes/all.yaml", "quote: old-name", "quote: new-name\nwas: old-name");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["quotes"].as_array().unwrap().len(), 1);
    assert_eq!(plan["quotes"][0]["action"], "update");
    world.apply().expect(0);
    assert_eq!(world.quote("Title of old-name")["id"], id);
    let lock = world.read("proforma.sandbox.lock");
    assert!(lock.contains("new-name") && !lock.contains("quote old-name"), "{lock}");
    world.settled();
    // The next write stamps it anew; then the lockfile may be lost without harm.
    world.edit("quotes/all.yaml", "title: Title of old-name", "title: Renamed");
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "was: old-name\n", "");
    std::fs::remove_file(world.path("proforma.sandbox.lock")).unwrap();
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    world.settled();
}

#[test]
fn contacts_are_owned_one_by_one() {
    let quote = plain_quote("one", "draft")
        .replace("deal:", "contacts: [{ email: cfo@acme.example }]\ndeal:");
    let world = World::small(&quote);
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    let contacts = |world: &World| {
        let quote = world.quote("Title of one");
        quote["associations"]["contacts"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(contacts(&world), 2);
    let buyer = world
        .records("contacts")
        .into_iter()
        .find(|c| c["properties"]["email"] == "buyer@acme.example")
        .unwrap();
    world.link_contact(&id, buyer["id"].as_str().unwrap());
    world.settled();
    world.edit("quotes/all.yaml", "contacts: [{ email: cfo@acme.example }]\n", "contacts: []\n");
    world.apply().expect(0);
    assert_eq!(contacts(&world), 2, "the colleague's contact stays, ours goes");
    world.settled();
}

#[test]
fn an_approver_rejects_and_the_manifest_answers() {
    let world = World::small(&plain_quote("one", "in_review"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.control(
        "POST",
        "approver",
        &json!({ "upstream": "hubspot", "id": id, "action": "reject" }),
    );
    let plan = world.plan().expect(5).json();
    assert_eq!(plan["quotes"][0]["action"], "blocked");
    world.edit("quotes/all.yaml", "price: 100.00", "price: 90.00");
    world.apply().expect(0);
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "PENDING_APPROVAL");
    world.settled();
}

#[test]
fn publishing_waits_for_the_approver() {
    let world = World::small(&plain_quote("one", "in_review"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "state: in_review", "state: published");
    let applied = world.apply().expect(12).json();
    assert_eq!(applied["quotes"][0]["outcome"], "waiting");
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.control(
        "POST",
        "approver",
        &json!({ "upstream": "hubspot", "id": id, "action": "approve" }),
    );
    world.apply().expect(0);
    world.settled();
}

#[test]
fn a_colleagues_unpublishing_is_shown_and_not_repaired() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_status": "DRAFT", "hs_locked": "false" }));
    let plan = world.plan().expect(0).json();
    let change = &plan["quotes"][0]["changes"][0];
    assert_eq!(
        (change["path"].as_str(), change["origin"].as_str()),
        (Some("state"), Some("drift"))
    );
    let writes = world.writes();
    world.apply().expect(0);
    assert_eq!(world.writes(), writes);
    // A change of the manifest brings it back.
    world.edit("quotes/all.yaml", "title: Title of one", "title: Again");
    world.apply().expect(0);
    assert_eq!(world.quote("Again")["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
}

#[test]
fn back_to_draft_takes_the_link_down_with_consent() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "state: published", "state: draft");
    world.run(&["apply", "--auto-approve"]).expect(12);
    world.apply().expect(0);
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "DRAFT");
    world.settled();
}

#[test]
fn an_accepted_quote_is_a_fact() {
    let world = World::small(&plain_quote("one", "published"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_status": "ACCEPTED" }));
    world.settled();
    world.edit("quotes/all.yaml", "price: 100.00", "price: 1.00");
    assert_eq!(world.plan().expect(5).json()["quotes"][0]["action"], "blocked");
}

#[test]
fn one_failure_does_not_stop_the_others() {
    let bad = plain_quote("bad", "draft").replace("deal:", "hubspot: { hs_slug: taken }\ndeal:");
    let world = World::small(&format!("{}---\n{bad}", plain_quote("good", "draft")));
    world.faults(&json!([
        { "on": "write", "match": "/line_items/", "nth": 1, "do": "status:400" }
    ]));
    let applied = world.apply().json();
    let failed = applied["summary"]["failed"].as_u64().unwrap();
    assert!(failed <= 1, "the batch is divided, so that at most one fails: {applied}");
    world.apply().expect(0);
    assert_eq!(world.records("line_items").len(), 4);
    world.settled();
}

#[test]
fn guardrails_refuse_with_the_nearest_value_and_the_override() {
    let world = World::small(&plain_quote("one", "draft"));
    world.edit(
        "proforma.yaml",
        "proforma: 1\n",
        "proforma: 1\nguardrails: { max_total: { USD: 100 } }\n",
    );
    let ended = world.run(&["plan"]).expect(3);
    assert!(ended.stderr.contains("--override max_total"), "{}", ended.stderr);
    world.apply().expect(3);
    assert_eq!(world.writes(), 0);
    world.run(&["apply", "--auto-approve", "--override", "max_total"]).expect(0);
    world.run(&["plan", "--override", "nonsense"]).expect(10);
}

#[test]
fn only_and_except_narrow_the_run() {
    let both = format!("{}---\n{}", plain_quote("one", "draft"), plain_quote("two", "draft"));
    let world = World::small(&both);
    world.run(&["apply", "--only", "tw*", "--auto-approve"]).expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    let plan = world.run(&["plan", "--except", "two", "--format", "json"]).expect(0).json();
    assert_eq!(plan["quotes"].as_array().unwrap().len(), 1);
    assert_eq!(plan["quotes"][0]["quote"], "one");
}

#[test]
fn the_same_input_gives_the_same_plan_byte_for_byte() {
    let world = World::northlight();
    let first = world.run(&["plan", "--format", "json"]).expect(0).stdout;
    let second = world.run(&["plan", "--format", "json"]).expect(0).stdout;
    assert_eq!(first, second);
}

#[test]
fn cpq_quotes_survive_both_kinds_of_lock() {
    let quote = plain_quote("one", "published")
        .replace(
            "fees: [{ label: Setup, amount: 20.00 }]\n",
            "lifecycle: { when_locked: unlock }\n",
        )
        .replace("deal:", "hubspot: { hs_sender_email: jane@northlight.example }\ndeal:");
    let world = World::empty();
    world.write("proforma.yaml", support::CPQ);
    world.write("quotes/all.yaml", &quote);
    world.apply().expect(0);
    let lines = world.quote("Title of one")["associations"]["line_items"].clone();
    assert_eq!(lines.as_array().unwrap().len(), 2, "the deal's lines are not copied");
    world.settled();
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.apply().expect(0);
    world.settled();
    world.settings(&json!({ "lock_mode": "strict" }));
    world.edit("quotes/all.yaml", "price: 110.00", "price: 120.00");
    let ended = world.apply().expect(5);
    assert!(ended.stdout.contains("revise"), "{}", ended.stdout);
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
}
