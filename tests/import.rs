//! Stories of `import`: what exists upstream becomes manifests, and the next plan is empty.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::four::{CONNECTIONS, FOUR, draft_on, four};
use support::{World, plain_quote};

/// What an upstream holds, without any stamp: as if people had made it by hand.
fn by_hand(world: &World) {
    let saved = world.take_upstream().to_string();
    let mut out = String::with_capacity(saved.len());
    let mut rest = saved.as_str();
    while let Some(at) = rest.find("pf1-") {
        // DealHub's stands behind the title; elsewhere the mark is spoiled, and as long as it was.
        if let Some(title) = rest[..at].strip_suffix(" [") {
            out.push_str(title);
            rest = rest[at..].split_once(']').unwrap().1;
        } else {
            out.push_str(&rest[..at]);
            out.push_str("old-");
            rest = &rest[at + 4..];
        }
    }
    out.push_str(rest);
    world.put_upstream(serde_json::from_str(&out).unwrap());
}

/// Forgets what the workspace knows: manifests, lockfile, journal.
fn forget(world: &World) {
    world.lose_lockfile();
    let _ = fs::remove_dir_all(world.path("quotes"));
    fs::create_dir_all(world.path("quotes")).unwrap();
}

fn import(world: &World, connection: &str, more: &[&str]) -> support::Ended {
    let mut args = vec!["import", "--connection", connection, "--format", "json"];
    args.extend(more);
    world.run(&args)
}

/// Every manifest below a folder.
fn manifests(world: &World, folder: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(world.path(folder)) else { return Vec::new() };
    let mut all: Vec<String> =
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    all.sort();
    all
}

const RICH: &str = r#"quote: rich
title: "Acme: SEO 2027 \"full\""
expires: 2027-11-30
state: published
customer: { email: jo@acme.example }
contacts: [{ email: cfo@acme.example }]
company: acme.example
deal: Acme renewal 2027
owner: jane@northlight.example
items:
  - { key: audit, name: Annual audit, sku: SEO-A, quantity: 2, price: 120.00, discount: 10% }
  - key: links
    name: "Link building: yearly"
    description: "one\ntwo"
    price: 50.50
    discount: { amount: 1.50, per: unit }
    recurring: { every: month, for: 1 year }
discounts: [{ label: Loyalty, percent: 5 }]
fees: [{ label: Onboarding, amount: 300.00 }]
taxes: [{ label: VAT, percent: 25 }]
notes:
  public: |
    Thank you <all>.
    Second line & more.
  terms: Net 30
hubspot: { hs_language: en }
---
quote: plain
title: Acme SEO 2027 full
expires: 2027-10-01
customer: { email: jo@acme.example }
deal: Acme SEO 2027
items: [{ key: a, name: Audit, price: 100.00 }]
"#;

fn settles(world: &World, connection: &str, count: usize) -> Value {
    let writes = world.writes();
    let ended = import(world, connection, &["--all"]);
    assert_eq!(ended.code, 0, "{}\n{}", ended.stdout, ended.stderr);
    let report = ended.json();
    assert_eq!(report["summary"]["imported"], count, "{report:#}");
    assert_eq!(world.writes(), writes, "import wrote upstream");
    world.run(&["validate"]).expect(0);
    world.settled();
    report
}

#[test]
fn a_rich_hubspot_quote_is_imported_and_the_next_plan_is_empty() {
    let world = World::small(RICH);
    world.apply().expect(0);
    by_hand(&world);
    forget(&world);
    let report = settles(&world, "crm", 2);
    let rich = manifests(&world, FOLDER)
        .iter()
        .map(|f| world.read(&format!("{FOLDER}/{f}")))
        .find(|text| text.contains("Annual audit"))
        .unwrap();
    insta::with_settings!({ filters => vec![
        (r"314\d{8}", "ID"),
        (r"example/[a-z0-9]{24}", "example/SLUG"),
        (r"Number upstream: .*", "Number upstream: N"),
    ] }, { insta::assert_snapshot!("hubspot-rich", rich) });
    // Running again imports nothing, and changes nothing.
    let lock = world.read("proforma.sandbox.lock");
    let again = import(&world, "crm", &["--all"]).expect(0).json();
    assert_eq!(again["summary"]["imported"], 0);
    assert_eq!(again["summary"]["known"], report["summary"]["listed"]);
    assert_eq!(world.read("proforma.sandbox.lock"), lock);
    // The lockfile holds no personal data, imported or not.
    assert!(!lock.contains("jo@acme.example") && !lock.contains("Berg"), "{lock}");
}

#[test]
fn all_four_providers_are_imported_and_the_next_plan_is_empty() {
    let world = made_by_hand_on_four();
    for connection in CONNECTIONS {
        let writes = world.writes();
        let ended = import(&world, connection, &["--all"]);
        assert_eq!(ended.code, 0, "{connection}: {}\n{}", ended.stdout, ended.stderr);
        let report = ended.json();
        assert!(report["summary"]["imported"].as_u64().unwrap() >= 2, "{connection}: {report:#}");
        assert_eq!(report["kind"], "import");
        assert_eq!(world.writes(), writes, "{connection}: import wrote upstream");
    }
    world.run(&["validate"]).expect(0);
    world.settled();
    let text = |folder: &str, with: &str| {
        let folder = format!("quotes/imported/{folder}");
        let all = manifests(&world, &folder);
        let mut texts = all.iter().map(|f| world.read(&format!("{folder}/{f}")));
        texts.find(|t| t.contains(with)).unwrap_or_else(|| panic!("{folder} has no {with}"))
    };
    let cpq = text("cpq", "title: Title of cpq-two");
    assert!(cpq.contains("quantity: 3\n") && cpq.contains("price: 120.00"), "{cpq}");
    assert!(cpq.contains("# customer, kept with the opportunity: Acme"), "{cpq}");
    let nordic = text("nordic", "Bank 3");
    assert!(nordic.contains("customer: { email: jo@acme.example, name: Jo Ek"), "{nordic}");
    assert!(nordic.contains("# SalesByte does not tell products"), "{nordic}");
    let shop = text("shop", "quantity: 3");
    assert!(shop.contains("first_name: Jo") && shop.contains("price: 100.00"), "{shop}");
    assert!(
        text("crm", "quantity: 3").contains("deal: { id: \"345345\", name: Acme renewal 2027 }")
    );
}

/// Two quotes on each upstream that nobody stamped, and a workspace that knows none of them.
fn made_by_hand_on_four() -> World {
    let quotes: Vec<String> = CONNECTIONS
        .iter()
        .flat_map(|c| [draft_on(c, &format!("{c}-one"), 1), draft_on(c, &format!("{c}-two"), 3)])
        .collect();
    let world = four(&quotes.join("---\n"));
    world.apply().expect(0);
    by_hand(&world);
    forget(&world);
    world
}

/// Drafts on HubSpot that nobody stamped; gives their ids in the order of their names.
fn drafts_by_hand(world: &World, names: &[&str]) -> Vec<String> {
    let quotes: Vec<String> = names.iter().map(|n| plain_quote(n, "draft")).collect();
    world.write("quotes/all.yaml", &quotes.join("---\n"));
    world.apply().expect(0);
    let id = |n: &&str| world.quote(&format!("Title of {n}"))["id"].as_str().unwrap().to_owned();
    let ids = names.iter().map(id).collect();
    by_hand(world);
    forget(world);
    ids
}

const FOLDER: &str = "quotes/imported/crm";

#[test]
fn hostile_titles_and_equal_names_end_in_files_of_their_own() {
    let world = World::small("");
    let ids = drafts_by_hand(&world, &["a", "b", "c", "d", "e"]);
    for (id, title) in ids.iter().zip([
        "../../../etc/passwd",
        "Same name",
        "same NAME",
        "\u{1b}[31mred\nquote: evil",
        "mine",
    ]) {
        world.colleague("quotes", id, &json!({ "hs_title": title }));
    }
    world.write(&format!("{FOLDER}/mine.yaml"), "# mine\n");
    let report = settles(&world, "crm", 5);
    let files = manifests(&world, FOLDER);
    assert_eq!(files.len(), 6, "{files:?}");
    assert!(files.contains(&"etc-passwd.yaml".to_owned()), "{files:?}");
    assert!(files.contains(&"same-name.yaml".to_owned()), "{files:?}");
    assert_eq!(files.iter().filter(|f| f.starts_with("same-name-314")).count(), 1, "{files:?}");
    assert_eq!(world.read(&format!("{FOLDER}/mine.yaml")), "# mine\n");
    assert!(files.iter().any(|f| f.starts_with("mine-314")), "{files:?}");
    let told = report["diagnostics"].to_string();
    assert!(told.contains("control characters") && told.contains(&ids[3]), "{told}");
}

#[test]
fn a_run_that_was_cut_off_is_put_right_by_the_next() {
    let world = World::small("");
    drafts_by_hand(&world, &["a", "b"]);
    import(&world, "crm", &["--all"]).expect(0);
    // As a kill between the lockfile and the names leaves it, and as one before the lockfile does.
    let (from, to) = ("title-of-a.yaml", ".title-of-a.yaml.new");
    fs::rename(world.path(&format!("{FOLDER}/{from}")), world.path(&format!("{FOLDER}/{to}")))
        .unwrap();
    world.write(&format!("{FOLDER}/.never.yaml.new"), "quote: never\n");
    let again = world.run(&["import", "--connection", "crm", "--all"]).expect(0);
    assert!(again.stderr.contains("1 of its manifests"), "{}", again.stderr);
    assert_eq!(manifests(&world, FOLDER), ["title-of-a.yaml", "title-of-b.yaml"]);
    world.settled();
}

#[test]
fn a_killed_run_goes_on_where_it_was() {
    let world = World::small("");
    drafts_by_hand(&world, &["a", "b"]);
    world.faults(&json!([{ "on": "read", "match": "line_items/batch/read", "do": "hold_before" }]));
    let mut child = world.spawn(&["import", "--connection", "crm", "--all"]);
    assert!(world.held(&mut child), "it ended before it could be killed");
    child.kill().unwrap();
    child.wait().unwrap();
    world.faults(&json!([]));
    world.release();
    settles(&world, "crm", 2);
}

#[test]
fn filters_leave_out_and_count() {
    let world = World::small("");
    drafts_by_hand(&world, &["apple", "pear"]);
    let only = |more: &[&str]| {
        let mut args = vec!["--all"];
        args.extend(more);
        let report = import(&world, "crm", &args).expect(0).json();
        let count = |name: &str| report["summary"][name].as_u64().unwrap();
        (count("imported"), count("filtered"))
    };
    assert_eq!(only(&["--state", "published"]), (0, 2));
    assert_eq!(only(&["--since", "2999-01-01"]), (0, 2));
    assert_eq!(only(&["--tag", "none"]), (0, 2));
    assert_eq!(only(&["--text", "PEAR"]), (1, 1));
    assert_eq!(only(&["--until", "2999-01-01", "--state", "draft"]), (1, 0));
    import(&world, "crm", &["--all", "--since", "soon"]).expect(10);
    import(&world, "crm", &["--all", "--out", "../elsewhere"]).expect(10);
    import(&world, "crm", &["--all", "--out", "elsewhere"]).expect(10);
    import(&world, "crm", &[]).expect(10);
    import(&world, "nope", &["--all"]).expect(10);
    world.settled();
}

#[test]
fn single_ids_are_imported_and_wrong_ones_told() {
    let world = World::small("");
    let ids = drafts_by_hand(&world, &["a", "b"]);
    let report = import(&world, "crm", &["--id", &ids[1], "999999"]).expect(5).json();
    assert_eq!(report["summary"]["imported"], 1, "{report:#}");
    assert_eq!(report["summary"]["refused"], 1);
    let told = report["diagnostics"].to_string();
    assert!(told.contains("quote 999999 is not imported"), "{told}");
    assert_eq!(manifests(&world, FOLDER), ["title-of-b.yaml"]);
    world.settled();
}

#[test]
fn stamped_quotes_are_known_or_somebody_elses() {
    let world = World::small(&plain_quote("a", "draft"));
    world.apply().expect(0);
    let known = import(&world, "crm", &["--all"]).expect(0).json();
    assert_eq!((&known["summary"]["known"], &known["summary"]["imported"]), (&json!(1), &json!(0)));
    // Without the lockfile, the stamp says the same.
    world.lose_lockfile();
    let stamped = import(&world, "crm", &["--all"]).expect(0).json();
    assert_eq!(stamped["summary"]["known"], 1);
    // Without the manifest nobody knows whose it is, and it is left alone.
    fs::remove_file(world.path("quotes/all.yaml")).unwrap();
    let foreign = import(&world, "crm", &["--all"]).expect(5).json();
    assert_eq!(foreign["summary"]["refused"], 1);
    assert!(manifests(&world, FOLDER).is_empty());
}

#[test]
fn what_a_manifest_cannot_hold_is_told_and_stays_upstream() {
    let world = World::small("");
    let ids = drafts_by_hand(&world, &["price", "void", "code", "fine"]);
    let lines = world.records("line_items");
    let line = lines.iter().find(|l| {
        l["associations"]["quotes"][0]["id"] == json!(ids[0]) && l["properties"]["name"] == "Audit"
    });
    let line = line.unwrap()["id"].as_str().unwrap().to_owned();
    world.colleague("line_items", &line, &json!({ "price": "-5.00" }));
    world.colleague("quotes", &ids[1], &json!({ "hs_status": "VOID" }));
    world.colleague("quotes", &ids[2], &json!({ "hs_currency": "XXQ" }));
    let report = import(&world, "crm", &["--all"]).expect(5).json();
    let told = report["diagnostics"].to_string();
    assert!(told.contains("-5") && told.contains("negative"), "{told}");
    assert!(told.contains(&format!("quote {} is not imported", ids[1])), "{told}");
    let imported = report["summary"]["imported"].as_u64().unwrap();
    let refused = report["summary"]["refused"].as_u64().unwrap();
    assert_eq!(imported + refused, 4, "none is lost: {report:#}");
    let text = world.read(&format!("{FOLDER}/title-of-price.yaml"));
    assert!(text.contains("# `items[audit].price` is `-5.00` upstream"), "{text}");
    world.settled();
}

/// Quotes of the shop, many of them, made by copying one in the sandbox's state.
fn many_in_the_shop(world: &World, count: usize) {
    let mut saved = world.take_upstream();
    let quotes = saved["upstreams"]["quickquote"]["data"]["quotes"].as_array_mut().unwrap();
    let mut one = quotes.first().unwrap().clone();
    for line in one["lines"].as_array_mut().unwrap() {
        line["discount"] = Value::Null;
    }
    quotes.clear();
    for n in 0..count {
        let mut copy = one.clone();
        copy["id"] = json!(5_000_000 + n);
        copy["number"] = json!(9_000 + n);
        quotes.push(copy);
    }
    world.put_upstream(saved);
}

#[test]
fn pages_are_of_the_largest_size_and_a_bad_one_is_asked_for_again() {
    let world = four("");
    many_in_the_shop(&world, 250);
    world.faults(&json!([{ "on": "read", "match": "/quotes?", "nth": 2, "do": "garbage" }]));
    let before = world.requests().0;
    let report = import(&world, "shop", &["--all"]).expect(0).json();
    assert_eq!(report["summary"]["imported"], 250, "{}", report["summary"]);
    assert_eq!(world.requests().0 - before, 4, "three pages, one of them twice");
    assert_eq!(world.fired(), [1]);
    world.faults(&json!([]));
    world.settled();
}

#[test]
fn a_list_that_breaks_off_keeps_what_it_gave() {
    let world = four("");
    many_in_the_shop(&world, 250);
    world.faults(&json!([{ "on": "read", "match": "page=", "every": 1, "do": "garbage" }]));
    // The first page has no cursor but a page size, which matches too: only later ones may fail.
    world.faults(&json!([{ "on": "read", "match": "&page=", "every": 1, "do": "garbage" }]));
    let report = import(&world, "shop", &["--all"]).json();
    assert_eq!(report["summary"]["imported"], 100, "{report:#}");
    assert!(report["failure"]["message"].is_string(), "{report:#}");
    world.faults(&json!([]));
    let rest = import(&world, "shop", &["--all"]).expect(0).json();
    assert_eq!(rest["summary"]["imported"], 150);
    assert_eq!(rest["summary"]["known"], 100);
    world.settled();
}

/// The upstream's cursor leads back to where it was: the end of the list is never reached, so the run
/// says so, keeps what it had, and asks no more.
#[test]
fn a_cursor_that_comes_back_ends_the_run_and_keeps_what_was_listed() {
    let world = four("");
    many_in_the_shop(&world, 350);
    world.settings(&json!({ "upstream": "quickquote", "circular_lists": true }));
    let before = world.requests().0;
    let ended = import(&world, "shop", &["--all"]).expect(5);
    let report = ended.json();
    assert_eq!(report["summary"]["imported"], 200, "{report:#}");
    let told = report["failure"]["message"].as_str().unwrap();
    assert!(told.contains("comes back to a page"), "{told}");
    assert!(world.requests().0 - before <= 4, "it asks for no page for ever");
    assert_eq!(manifests(&world, "quotes/imported/shop").len(), 200);
    // What was listed is whole; the rest comes once the shop is well.
    world.settled();
    world.settings(&json!({ "upstream": "quickquote", "circular_lists": false }));
    let rest = import(&world, "shop", &["--all"]).expect(0).json();
    assert_eq!(rest["summary"]["imported"], 150, "{rest:#}");
    world.settled();
}

#[test]
fn cpq_quotes_of_hubspot_are_imported_and_the_next_plan_is_empty() {
    let world = World::empty();
    world.write("proforma.yaml", support::CPQ);
    let quote = |name: &str, state: &str| {
        plain_quote(name, state)
            .replace("fees: [{ label: Setup, amount: 20.00 }]\n", "")
            .replace("deal:", "hubspot: { hs_sender_email: jane@northlight.example }\ndeal:")
    };
    world.write("quotes/one.yaml", &quote("one", "published"));
    world.write("quotes/two.yaml", &quote("two", "draft"));
    world.apply().expect(0);
    by_hand(&world);
    forget(&world);
    let report = settles(&world, "crm", 2);
    assert_eq!(report["summary"]["refused"], 0, "{report:#}");
    let texts: Vec<String> =
        manifests(&world, FOLDER).iter().map(|f| world.read(&format!("{FOLDER}/{f}"))).collect();
    assert!(texts.iter().any(|t| t.contains("state: published")), "{texts:?}");
    assert!(texts.iter().all(|t| t.contains("price: 100.00")), "{texts:?}");
    // What was imported can be edited.
    let file = &manifests(&world, FOLDER)[1];
    world.edit(&format!("{FOLDER}/{file}"), "price: 100.00", "price: 110.00");
    world.apply().expect(0);
    world.settled();
}

#[test]
fn a_quote_that_vanishes_while_it_is_read_is_told_and_found_later() {
    let world = made_by_hand_on_four();
    world.faults(&json!([{ "on": "read", "match": "/api/quotes/", "nth": 1, "do": "status:404" }]));
    let report = import(&world, "nordic", &["--all"]).expect(0).json();
    assert_eq!(report["summary"]["vanished"], 1, "{report:#}");
    assert!(report["diagnostics"].to_string().contains("was gone when it was read"));
    world.faults(&json!([]));
    let later = import(&world, "nordic", &["--all"]).expect(0).json();
    assert_eq!(later["summary"]["imported"], 1, "{later:#}");
    world.settled();
}

#[test]
fn without_a_token_salesbyte_is_refused_with_the_way_out() {
    let world = World::empty();
    world.write("proforma.yaml", &FOUR.replace("    token: { env: SB_TOKEN }\n", ""));
    let ended = world.run(&["import", "--connection", "nordic", "--all"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("without a `token`"), "{}", ended.stderr);
    assert!(ended.stderr.contains("token: { env: NAME }"), "{}", ended.stderr);
}

#[test]
fn products_met_twice_become_catalog_entries() {
    let world = made_by_hand_on_four();
    let report = import(&world, "cpq", &["--all", "--catalog"]).expect(0).json();
    assert_eq!(report["summary"]["products"], 1, "{report:#}");
    let catalog = world.read("catalog/imported-cpq.yaml");
    assert!(
        catalog.starts_with("product: audit\nname: Audit\nsku: SEO-A\nprice: 120.00\n"),
        "{catalog}"
    );
    let folder = "quotes/imported/cpq";
    let texts: Vec<String> =
        manifests(&world, folder).iter().map(|f| world.read(&format!("{folder}/{f}"))).collect();
    let named = texts.iter().filter(|t| t.contains("product: audit")).collect::<Vec<_>>();
    assert_eq!(named.len(), 1, "{texts:?}");
    assert!(!named[0].contains("price:"), "what the product says is not repeated: {}", named[0]);
    world.run(&["validate"]).expect(0);
    world.settled();
}

#[test]
fn stamps_are_written_on_request_and_only_where_they_can_be() {
    let world = World::small(RICH);
    world.apply().expect(0);
    by_hand(&world);
    forget(&world);
    let report = import(&world, "crm", &["--all", "--stamp"]).expect(0).json();
    assert_eq!(report["summary"]["imported"], 2, "{report:#}");
    assert_eq!(report["summary"]["stamped"], 1, "the published one is locked: {report:#}");
    assert!(report["diagnostics"].to_string().contains("import-not-stamped"), "{report:#}");
    let lock = world.read("proforma.sandbox.lock");
    assert_eq!(lock.matches("pf1-").count(), 1, "{lock}");
    world.settled();
    // A machine without the lockfile finds the stamped one by its stamp.
    world.lose_lockfile();
    let known = import(&world, "crm", &["--all"]).json();
    assert_eq!(known["summary"]["known"], 1, "{known:#}");
}

#[test]
fn shop_quotes_get_their_stamps_without_losing_their_own_tags() {
    let world = four(&draft_on("shop", "one", 1).replace("items:", "tags: [priority]\nitems:"));
    world.apply().expect(0);
    by_hand(&world);
    forget(&world);
    let report = import(&world, "shop", &["--all", "--stamp"]).expect(0).json();
    let imported = report["summary"]["imported"].as_u64().unwrap();
    assert!(imported >= 1 && report["summary"]["stamped"] == imported, "{report:#}");
    let lock = world.read("proforma.sandbox.lock");
    assert_eq!(lock.matches("pf1-").count() as u64, imported, "{lock}");
    let there = world.take_upstream()["upstreams"]["quickquote"]["data"]["quotes"].to_string();
    assert!(there.contains("priority"), "{there}");
    world.settled();
    // A machine without the lockfile finds them by their stamps, and makes nothing.
    let before = support::four::count_on(&world, "shop");
    world.lose_lockfile();
    let known = import(&world, "shop", &["--all"]).expect(0).json();
    assert_eq!(known["summary"]["known"], imported, "{known:#}");
    world.apply().expect(0);
    assert_eq!(support::four::count_on(&world, "shop"), before);
}

/// An import that was killed before its files had names leaves entries without manifests: the
/// quotes are somebody's, and `--prune` does not take them away.
#[test]
fn what_was_imported_is_never_pruned() {
    let world = World::empty();
    world.write("proforma.yaml", FOUR);
    import(&world, "shop", &["--all"]).expect(0);
    let quotes = support::four::count_on(&world, "shop");
    fs::remove_dir_all(world.path("quotes")).unwrap();
    world.write("quotes/one.yaml", &draft_on("shop", "one", 1));
    let applied = world.run(&[
        "apply",
        "--auto-approve",
        "--allow",
        "all",
        "--prune",
        "--override",
        "empty",
        "--format",
        "json",
    ]);
    let applied = applied.expect(5).json();
    assert_eq!(applied["summary"]["blocked"], quotes, "{applied}");
    assert_eq!(support::four::count_on(&world, "shop"), quotes + 1);
}
