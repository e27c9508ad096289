//! Whose a quote is: names, renames, ids and what an earlier run may have done, through the real
//! binary. One object never has two names, and no word of a plan or a person is lost.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::four::FOUR;
use support::{Ended, World};

const LOCK: &str = "proforma.sandbox.lock";
const APPLY: &[&str] = &["apply", "--auto-approve", "--allow", "all", "--format", "json"];
const PRUNE: &[&str] =
    &["apply", "--auto-approve", "--allow", "all", "--prune", "--format", "json"];

fn world() -> World {
    let world = World::empty();
    // Without a token nothing of a quote can be read back, nor looked up.
    let blind = "  blind: { provider: salesbyte, uuid: { env: SB_UUID }, quote_profile_id: 115, currency: SEK }\n";
    world.write("proforma.yaml", &FOUR.replace("  shop:", &format!("{blind}  shop:")));
    world
}

fn crm(world: &World, name: &str, state: &str, price: &str) {
    let text = format!(
        "quote: {name}\nconnection: crm\ntitle: Title of {name}\nexpires: 2027-12-01\nstate: {state}\n\
         customer: {{ email: jo@acme.example }}\ndeal: Acme renewal 2027\n\
         items: [{{ key: a, name: Audit, price: {price} }}]\n"
    );
    world.write(&format!("quotes/{name}.yaml"), &text);
}

fn shop(world: &World, name: &str, state: &str) {
    let text = format!(
        "quote: {name}\nconnection: shop\nstate: {state}\n\
         customer: {{ email: jo@acme.example, first_name: Jo, last_name: Ek }}\n\
         items: [{{ key: a, name: Audit, price: 100.00 }}]\n"
    );
    world.write(&format!("quotes/{name}.yaml"), &text);
}

fn blind(world: &World, name: &str, bank: &str) {
    let text = format!(
        "quote: {name}\nconnection: blind\ncustomer: {{ name: Jo Ek, email: jo@acme.example, company: Acme }}\n\
         items: [{{ sku: SEO-A }}]\nfields: {{ bank_name: {bank} }}\n\
         lifecycle: {{ when_immutable: replace }}\n"
    );
    world.write(&format!("quotes/{name}.yaml"), &text);
}

fn remove(world: &World, name: &str) {
    std::fs::remove_file(world.path(&format!("quotes/{name}.yaml"))).unwrap();
}

/// The manifest of one quote under another name.
fn rename(world: &World, old: &str, new: &str, more: &str) {
    let text = world.read(&format!("quotes/{old}.yaml"));
    let text = text.replace(&format!("quote: {old}\n"), &format!("quote: {new}\n{more}"));
    remove(world, old);
    world.write(&format!("quotes/{new}.yaml"), &text);
}

fn ended(world: &World, args: &[&str], code: i32) -> Value {
    world.run(args).expect(code).json()
}

fn row<'d>(document: &'d Value, name: &str) -> &'d Value {
    let rows = document["quotes"].as_array().unwrap();
    rows.iter().find(|q| q["quote"] == name).unwrap_or_else(|| panic!("no {name}: {document:#}"))
}

fn upstream(world: &World, provider: &str, list: &str) -> Vec<Value> {
    let all = world.control("GET", "snapshot", &Value::Null);
    all[provider][list].as_array().cloned().unwrap_or_default()
}

fn mails(world: &World) -> usize {
    upstream(world, "quickquote", "emails").len()
}

fn lose(world: &World, matching: &str, how: &str) {
    world.faults(&json!([{ "on": "write", "match": matching, "nth": 1, "do": how }]));
}

/// The id of the quote `a` at the shop, as it is recorded.
fn id_at_the_shop(world: &World) -> String {
    let lock = ended(world, &["lock", "list", "--format", "json"], 0);
    row(&lock, "a")["id"].as_str().unwrap().to_owned()
}

/// A quote at the shop of which nobody knows whether its mail went out.
fn unknown_mail(how: &str) -> World {
    let world = world();
    shop(&world, "a", "sent");
    lose(&world, "POST /quotes/email", how);
    ended(&world, APPLY, 6);
    world.faults(&json!([]));
    if how == "lose_answer" {
        // It went out, and the status does not show it.
        let edit = json!({ "upstream": "quickquote", "object": "quotes", "id": id_at_the_shop(&world), "properties": { "status": "created" } });
        world.control("POST", "edit", &edit);
    }
    world
}

fn plain(world: &World, args: &[&str]) -> Ended {
    world.run(args)
}

/// A guardrail holds whatever else is the matter with the plan.
#[test]
fn a_refusal_writes_nothing_even_where_another_quote_is_unknown() {
    let world = world();
    for name in ["y", "z"] {
        crm(&world, name, "draft", "100.00");
    }
    ended(&world, APPLY, 0);
    shop(&world, "s", "sent");
    lose(&world, "POST /quotes/email", "drop_before");
    ended(&world, APPLY, 6);
    world.faults(&json!([]));
    let guarded = world.read("proforma.yaml") + "guardrails: { max_deletes: 0 }\n";
    world.write("proforma.yaml", &guarded);
    remove(&world, "y");
    remove(&world, "z");
    let writes = world.writes();
    let told = plain(&world, PRUNE).expect(6).stderr;
    assert!(told.contains("max_deletes") && told.contains("nothing was written"), "{told}");
    assert_eq!((world.writes(), world.records("quotes").len()), (writes, 2));
    // Nor is a plan with errors saved.
    let broken = world.read("proforma.yaml").replace("max_deletes: 0", "max_deletes: 9");
    world.write("proforma.yaml", &broken);
    crm(&world, "x", "draft", "1.00");
    world.edit("quotes/x.yaml", "Acme renewal 2027", "No such deal");
    plain(&world, &["plan", "--out", "x.plan"]).expect(6);
    assert!(!world.path("x.plan").exists());
}

/// A renamed quote keeps the old name's stamp until it is written to. A new quote of that name must
/// not land on it.
#[test]
fn the_old_name_of_a_renamed_quote_does_not_lead_to_it() {
    for by_hand in [false, true] {
        let world = world();
        crm(&world, "a", "published", "100.00");
        ended(&world, APPLY, 0);
        if by_hand {
            rename(&world, "a", "b", "was: a\n");
        } else {
            plain(&world, &["lock", "mv", "a", "b"]).expect(0);
            rename(&world, "a", "b", "");
        }
        ended(&world, APPLY, 0);
        remove(&world, "b");
        crm(&world, "z", "draft", "5.00");
        crm(&world, "a", "draft", "7.00");
        let writes = world.writes();
        let plan = ended(&world, &["plan", "--format", "json"], 11);
        let told = row(&plan, "a");
        assert_eq!(
            (&told["action"], &told["ownership_conflict"]),
            (&json!("blocked"), &json!(true))
        );
        assert!(told["reason"].as_str().unwrap().contains("`b`"), "{told}");
        ended(
            &world,
            &["apply", "--only", "a", "--auto-approve", "--allow", "all", "--format", "json"],
            11,
        );
        assert_eq!(world.writes(), writes);
        // What the help says works: the quote itself, under its old name again.
        crm(&world, "a", "published", "100.00");
        world.edit("quotes/a.yaml", "quote: a\n", "quote: a\nwas: b\n");
        ended(&world, APPLY, 0);
        world.settled();
        assert_eq!(world.records("quotes").len(), 2);
    }
}

/// Whatever becomes of the manifest meanwhile: a mail of which nobody knows goes out again only when
/// a person has looked.
#[test]
fn an_unknown_mail_stays_unknown_until_a_person_says() {
    // Its manifest goes, and comes back.
    let world = unknown_mail("lose_answer");
    let text = world.read("quotes/a.yaml");
    shop(&world, "other", "draft");
    remove(&world, "a");
    assert_eq!(row(&ended(&world, APPLY, 6), "other")["outcome"], "applied");
    world.write("quotes/a.yaml", &text);
    ended(&world, APPLY, 6);
    // Another state is asked for, and the first again.
    world.edit("quotes/a.yaml", "state: sent", "state: draft");
    ended(&world, APPLY, 6);
    world.edit("quotes/a.yaml", "state: draft", "state: sent");
    ended(&world, APPLY, 6);
    // It gets another name.
    rename(&world, "a", "b", "was: a\n");
    assert_eq!(row(&ended(&world, APPLY, 6), "b")["action"], "blocked");
    rename(&world, "b", "a", "");
    world.edit("quotes/a.yaml", "was: a\n", "");
    // Nor can it be deleted or forgotten over.
    plain(&world, &["lock", "forget", "a"]).expect(6);
    assert_eq!(mails(&world), 1);
    let other = plain(&world, &["recover", "other"]).expect(0).stdout;
    assert!(other.contains("other quotes have requests"), "{other}");

    // The person says that it went out: what is seen upstream is somebody's change.
    plain(&world, &["recover", "a", "--adopt", &id_at_the_shop(&world)]).expect(0);
    let plan = ended(&world, &["plan", "--format", "json"], 0);
    assert!(
        row(&plan, "a")["reason"].as_str().unwrap().contains("shown, not repaired"),
        "{plan:#}"
    );
    ended(&world, APPLY, 0);
    assert_eq!(mails(&world), 1);

    // The person says that it did not: it goes out.
    let world = unknown_mail("drop_before");
    assert_eq!(mails(&world), 0);
    plain(&world, &["recover", "a", "--absent"]).expect(0);
    ended(&world, APPLY, 0);
    assert_eq!(mails(&world), 1);
}

/// A quote that no look can find, renamed while nobody knows whether it was made.
#[test]
fn a_new_name_does_not_make_an_unknown_creation_again() {
    let world = world();
    blind(&world, "a", "Bank");
    lose(&world, "", "lose_answer");
    ended(&world, APPLY, 6);
    world.faults(&json!([]));
    rename(&world, "a", "b", "was: a\n");
    let plan = ended(&world, &["plan", "--format", "json"], 6);
    assert_eq!(row(&plan, "b")["action"], "blocked", "{plan:#}");
    ended(&world, APPLY, 6);
    assert_eq!(upstream(&world, "salesbyte", "quotes").len(), 1);
}

/// The same where a look can find it: it is found, and the old name's request is settled.
#[test]
fn a_creation_is_found_under_its_new_name() {
    let world = world();
    crm(&world, "a", "draft", "100.00");
    world.faults(&json!([
        { "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": "lose_answer" },
        { "on": "read", "match": "/objects/quotes/batch/read", "do": "status:400" },
    ]));
    ended(&world, APPLY, 6);
    world.faults(&json!([]));
    rename(&world, "a", "b", "was: a\n");
    ended(&world, APPLY, 0);
    plain(&world, &["recover"]).expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    // The name before is not needed any more.
    world.edit("quotes/b.yaml", "was: a\n", "");
    world.settled();
}

/// The id of the quote that was to be replaced is not the new one's.
#[test]
fn recover_refuses_the_replaced_quote_for_the_new_one() {
    let world = world();
    blind(&world, "a", "Bank 1");
    ended(&world, APPLY, 0);
    let id = world.run(&["lock", "list", "--format", "json"]).json()["quotes"][0]["id"].clone();
    world.edit("quotes/a.yaml", "Bank 1", "Bank 2");
    lose(&world, "", "drop_before");
    ended(&world, APPLY, 6);
    world.faults(&json!([]));
    let told = plain(&world, &["recover", "a", "--adopt", id.as_str().unwrap()]).expect(11).stderr;
    assert!(told.contains("was to be replaced"), "{told}");
    plain(&world, &["recover", "a", "--absent"]).expect(0);
    ended(&world, APPLY, 0);
    assert_eq!(upstream(&world, "salesbyte", "quotes").len(), 2);
}

/// Kills an apply at a request that the sandbox holds.
fn killed_at(world: &World, fault: &Value) {
    world.faults(&json!([fault]));
    let mut child = world.spawn(APPLY);
    assert!(world.held(&mut child), "nothing was held");
    child.kill().unwrap();
    child.wait().unwrap();
    world.faults(&json!([]));
}

/// What the journal holds of a quote is recorded before its entry is forgotten, and its protection
/// outlives the kill.
#[test]
fn forgetting_is_not_undone_by_the_journal() {
    let protected = "lifecycle: { protect: true }\n";
    for forget in [true, false] {
        let world = world();
        crm(&world, "z", "draft", "5.00");
        crm(&world, "a", "draft", "100.00");
        world.write("quotes/a.yaml", &(world.read("quotes/a.yaml") + protected));
        ended(&world, APPLY, 0);
        world.edit("quotes/a.yaml", "100.00", "200.00");
        world.edit("quotes/a.yaml", "Title of", "New title of");
        killed_at(&world, &json!({ "on": "write", "nth": 2, "do": "hold_before" }));
        if forget {
            // One of the two writes is unknown: `recover` first.
            plain(&world, &["lock", "forget", "a"]).expect(6);
            plain(&world, &["recover", "a", "--absent"]).expect(0);
            plain(&world, &["lock", "forget", "a"]).expect(0);
        } else {
            std::fs::remove_file(world.path(LOCK)).unwrap();
        }
        remove(&world, "a");
        let pruned = plain(&world, PRUNE);
        assert_eq!(world.records("quotes").len(), 2, "{}", pruned.stdout);
        assert!(!pruned.json().to_string().contains(r#""action":"delete""#), "{}", pruned.stdout);
    }
}

/// A saved plan whose row only records something is spent once too.
#[test]
fn a_spent_plan_does_not_put_back_an_older_record() {
    let world = world();
    crm(&world, "a", "draft", "100.00");
    world.write("quotes/a.yaml", &(world.read("quotes/a.yaml") + "lifecycle: { protect: true }\n"));
    ended(&world, APPLY, 0);
    world.edit("quotes/a.yaml", "protect: true", "protect: false");
    plain(&world, &["plan", "--out", "p"]).expect(0);
    ended(&world, &["apply", "p", "--format", "json"], 0);
    world.edit("quotes/a.yaml", "protect: false", "protect: true");
    ended(&world, APPLY, 0);
    let lock = world.read(LOCK);
    ended(&world, &["apply", "p", "--format", "json"], 4);
    assert_eq!(world.read(LOCK), lock);
}

/// Renamed twice before anything was written, or found again without a lockfile: the stamp is still
/// the first name's, and that is remembered.
#[test]
fn the_first_name_is_remembered_over_renames_and_lost_lockfiles() {
    let chained = world();
    crm(&chained, "a", "published", "100.00");
    ended(&chained, APPLY, 0);
    rename(&chained, "a", "b", "was: a\n");
    ended(&chained, APPLY, 0);
    rename(&chained, "b", "c", "");
    chained.edit("quotes/c.yaml", "was: a\n", "was: b\n");
    ended(&chained, APPLY, 0);
    chained.edit("quotes/c.yaml", "was: b\n", "");
    chained.settled();
    assert_eq!(chained.records("quotes").len(), 1);

    for rebuild in [true, false] {
        let world = world();
        crm(&world, "a", "published", "100.00");
        ended(&world, APPLY, 0);
        rename(&world, "a", "b", "was: a\n");
        ended(&world, APPLY, 0);
        world.lose_lockfile();
        if rebuild {
            plain(&world, &["lock", "rebuild"]).expect(0);
        } else {
            ended(&world, APPLY, 0);
        }
        world.edit("quotes/b.yaml", "was: a\n", "");
        world.settled();
        assert_eq!(world.records("quotes").len(), 1);
    }
}

/// `was:` of a quote that has another object hides nobody.
#[test]
fn a_name_that_was_is_still_shown_while_it_has_an_object_of_its_own() {
    let world = world();
    crm(&world, "a", "draft", "1.00");
    crm(&world, "b", "draft", "2.00");
    ended(&world, APPLY, 0);
    remove(&world, "a");
    world.edit("quotes/b.yaml", "quote: b\n", "quote: b\nwas: a\n");
    let plan = ended(&world, &["plan", "--format", "json"], 0);
    assert_eq!(row(&plan, "a")["action"], "orphaned", "{plan:#}");
}

/// A rename that is cut off: the object has one entry all the same, under either name.
#[test]
fn a_rename_that_is_killed_leaves_one_entry() {
    for back in [false, true] {
        let world = world();
        crm(&world, "z", "draft", "5.00");
        crm(&world, "a", "draft", "100.00");
        ended(&world, APPLY, 0);
        let before = world.read("quotes/a.yaml");
        rename(&world, "a", "b", "was: a\n");
        world.edit("quotes/b.yaml", "100.00", "200.00");
        world.edit("quotes/b.yaml", "Title of", "New title of");
        killed_at(&world, &json!({ "on": "write", "nth": 2, "do": "hold_before" }));
        remove(&world, "b");
        if back {
            world.write("quotes/a.yaml", &before.replace("quote: a\n", "quote: a\nwas: b\n"));
            ended(&world, APPLY, 0);
            world.settled();
        } else {
            let plan = ended(&world, &["plan", "--format", "json"], 0);
            assert_eq!(plan["summary"]["orphaned"], 1, "{plan:#}");
            ended(&world, PRUNE, 0);
        }
        assert_eq!(world.records("quotes").len(), if back { 2 } else { 1 });
    }
}

/// The quote has its new stamp and its lines have the old ones: they are known all the same.
#[test]
fn lines_of_a_rename_that_failed_halfway_are_known() {
    for state in ["draft", "published"] {
        let world = world();
        crm(&world, "a", state, "100.00");
        ended(&world, APPLY, 0);
        rename(&world, "a", "b", "was: a\nlifecycle: { when_locked: unlock }\n");
        world.edit("quotes/b.yaml", "100.00", "200.00");
        world.edit("quotes/b.yaml", "Title of", "New title of");
        world.faults(&json!([{ "on": "write", "match": "/objects/line_items", "every": 1, "do": "status:400" }]));
        ended(&world, APPLY, 5);
        world.faults(&json!([]));
        let line = world.records("line_items")[0]["id"].clone();
        ended(&world, APPLY, 0);
        world.edit("quotes/b.yaml", "was: a\n", "");
        world.settled();
        let lines = world.records("line_items");
        assert_eq!((lines.len(), &lines[0]["id"]), (1, &line), "{state}");
    }
}

/// Another provider behind the same connection: nothing is forgotten, nothing made a second time.
#[test]
fn a_connection_that_leads_elsewhere_is_blocked() {
    let world = world();
    crm(&world, "a", "published", "100.00");
    shop(&world, "s", "draft");
    ended(&world, APPLY, 0);
    let before = world.read(LOCK);
    let moved = world.read("proforma.yaml").replace(
        "provider: hubspot\n    token: { env: HUBSPOT_TOKEN }\n    defaults: { template: Default Modern, currency: USD }\n",
        "provider: quickquote\n    token: { env: QUICKQUOTE_TOKEN }\n    currency: USD\n",
    );
    world.write("proforma.yaml", &moved);
    shop(&world, "a", "draft");
    world.edit("quotes/a.yaml", "connection: shop", "connection: crm");
    let plan = ended(&world, &["plan", "--format", "json"], 5);
    let reason = row(&plan, "a")["reason"].as_str().unwrap();
    assert!(reason.contains("it is recorded on hubspot"), "{reason}");
    remove(&world, "a");
    ended(&world, PRUNE, 5);
    assert_eq!(world.read(LOCK), before);
}

/// Protection takes no write upstream: it is recorded although the quote is blocked.
#[test]
fn protection_holds_at_once() {
    let world = world();
    crm(&world, "z", "draft", "5.00");
    crm(&world, "a", "published", "100.00");
    ended(&world, APPLY, 0);
    world.edit("quotes/a.yaml", "Title of", "New title of");
    world.write("quotes/a.yaml", &(world.read("quotes/a.yaml") + "lifecycle: { protect: true }\n"));
    ended(&world, APPLY, 5);
    remove(&world, "a");
    let pruned = ended(&world, PRUNE, 5);
    assert_eq!(row(&pruned, "a")["outcome"], "blocked");
    assert_eq!(world.records("quotes").len(), 2);
}

/// What was imported carries no stamp: its id and the time at which it was made say whose it is.
#[test]
fn ids_of_imported_quotes_that_were_swapped_are_refused() {
    for connection in ["crm", "shop"] {
        let world = world();
        for name in ["One", "Two"] {
            let quote = json!({ "properties": { "hs_title": name, "hs_expiration_date": "2027-06-30", "hs_status": "DRAFT", "hs_currency": "USD" } });
            let sale = json!({
                "email": "bo@acme.example", "first_name": name, "last_name": "Ek",
                "line_items": [{ "custom_product": true, "title": name, "price": 10 }],
            });
            match connection {
                "crm" => world.by_hand("POST", "/hubspot/crm/v3/objects/quotes", &quote),
                _ => world.by_hand("POST", "/quickquote/api/v1/quotes", &sale),
            };
            // Two objects of one moment cannot be told apart.
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let args = ["import", "--connection", connection, "--all", "--format", "json"];
        ended(&world, &args, 0);
        let lock = world.read(LOCK);
        assert!(lock.contains("\n  created "), "{lock}");
        let ids: Vec<&str> = lock.lines().filter(|l| l.starts_with("  id ")).collect();
        let [.., first, second] = ids[..] else { panic!("{lock}") };
        let swapped = lock
            .replace(&format!("{first}\n"), "  id swapped\n")
            .replace(&format!("{second}\n"), &format!("{first}\n"))
            .replace("  id swapped\n", &format!("{second}\n"));
        world.write(LOCK, &swapped);
        let writes = world.writes();
        let told = plain(&world, &["plan"]).expect(11).stdout;
        assert!(told.contains("recorded under this id"), "{told}");
        ended(&world, APPLY, 11);
        assert_eq!(world.writes(), writes);
        world.write(LOCK, &lock);
        ended(&world, APPLY, 0);
    }
}
