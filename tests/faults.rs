//! Stories of faults: an upstream that limits, fails, lies, is slow or not there at all.
//!
//! Each story ends with what a user would check: exactly one of each object upstream, an empty
//! second plan, the exit code of the contract, and a message that says what to do. Every fault
//! must have fired: a fault that misses its request proves nothing.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Ended, World, plain_quote};

/// A quote with every kind of part.
fn full_quote(name: &str, state: &str) -> String {
    format!(
        "{}discounts: [{{ label: Loyalty, percent: 5 }}]\ntaxes: [{{ label: VAT, percent: 25 }}]\n",
        plain_quote(name, state)
    )
}

/// Exactly what [`full_quote`] says, once for each of `quotes`.
#[track_caller]
fn exactly_one_of_each(world: &World, quotes: usize) {
    let counts = ["quotes", "line_items", "fees", "discounts", "taxes"]
        .map(|object| (object, world.records(object).len()));
    let wanted = [("quotes", 1), ("line_items", 2), ("fees", 1), ("discounts", 1), ("taxes", 1)]
        .map(|(object, n)| (object, n * quotes));
    assert_eq!(counts, wanted);
    for quote in world.records("quotes") {
        let parts = quote["associations"]["line_items"].as_array().map_or(0, Vec::len);
        assert_eq!(parts, 2, "the lines of {}", quote["properties"]["hs_title"]);
    }
}

/// Every fault of the world has fired.
#[track_caller]
fn all_fired(world: &World) {
    let fired = world.fired();
    assert!(fired.iter().all(|n| *n > 0), "a fault that missed proves nothing: {fired:?}");
}

/// No fault any more, and nothing left to do.
#[track_caller]
fn healed(world: &World) {
    world.faults(&json!([]));
    world.settled();
}

/// All that is said of the first quote: the error and the way out.
fn error_of(document: &Value) -> String {
    format!("{} {}", document["quotes"][0]["error"], document["quotes"][0]["help"])
}

/// A run that stopped before it could plan: the words on stderr, and the document on stdout.
#[track_caller]
fn stopped(ended: &Ended, code: &str, words: &[&str]) {
    let document = ended.json();
    assert_eq!(document["failure"]["code"], code, "{}", ended.stdout);
    assert_eq!(document["failure"]["exit_code"], ended.code);
    for word in words {
        assert!(ended.stderr.contains(word), "stderr lacks {word:?}: {}", ended.stderr);
        assert!(ended.stdout.contains(word), "stdout lacks {word:?}: {}", ended.stdout);
    }
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

// ---- Limits -------------------------------------------------------------------------------------

fn limit(policy: &str, retry_after: Option<&str>) -> Value {
    let mut fault = json!({
        "do": "status:429",
        "body": { "status": "error", "errorType": "RATE_LIMIT", "policyName": policy,
                  "message": "You have reached your limit." },
    });
    if let Some(seconds) = retry_after {
        fault["headers"] = json!({ "Retry-After": seconds });
    }
    fault
}

fn with(mut fault: Value, on: &str, matching: Option<&str>, nth: Option<u64>) -> Value {
    fault["on"] = json!(on);
    if let Some(matching) = matching {
        fault["match"] = json!(matching);
    }
    if let Some(nth) = nth {
        fault["nth"] = json!(nth);
    }
    fault
}

#[test]
fn short_limits_are_waited_out() {
    let world = World::small(&full_quote("one", "published"));
    world.faults(&json!([
        with(limit("SECONDLY", None), "read", Some("/deals/search"), Some(1)),
        with(limit("TEN_SECONDLY_ROLLING", Some("1")), "read", Some("/contacts/"), Some(1)),
        with(
            limit("TEN_SECONDLY_ROLLING", Some("1")),
            "write",
            Some("/quotes/batch/create"),
            Some(1)
        ),
        with(limit("TEN_SECONDLY_ROLLING", Some("0")), "write", Some("/line_items/"), Some(1)),
        with(
            limit("TEN_SECONDLY_ROLLING", Some("0")),
            "write",
            Some("/quotes/batch/update"),
            Some(1)
        ),
    ]));
    let started = Instant::now();
    world.apply().expect(0);
    assert!(started.elapsed() >= Duration::from_secs(2), "`Retry-After` is kept");
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    healed(&world);
}

#[test]
fn the_daily_limit_ends_plan_and_apply_at_once() {
    let world = World::small(&full_quote("one", "draft"));
    world.faults(&json!([with(limit("DAILY", None), "any", None, None)]));
    let started = Instant::now();
    stopped(&world.plan().expect(9), "quota", &["DAILY", "midnight"]);
    stopped(&world.apply().expect(9), "quota", &["DAILY", "midnight"]);
    assert!(started.elapsed() < Duration::from_secs(5), "waiting is of no use today");
    assert!(world.records("quotes").is_empty());
    world.faults(&json!([]));
    world.apply().expect(0);
    exactly_one_of_each(&world, 1);
}

#[test]
fn the_daily_limit_in_the_middle_of_an_apply_loses_nothing() {
    let both = format!("{}---\n{}", full_quote("one", "draft"), full_quote("two", "draft"));
    let world = World::small(&both);
    world.faults(&json!([with(limit("DAILY", None), "write", Some("/fees/batch/create"), None)]));
    let applied = world.apply();
    let document = applied.json();
    assert!([5, 9].contains(&applied.code), "{}\n{}", applied.code, applied.stdout);
    assert_eq!(document["summary"]["failed"], 2, "{document}");
    assert!(error_of(&document).contains("DAILY"), "{document}");
    assert_eq!(world.records("quotes").len(), 2);
    let lock = world.read("proforma.sandbox.lock");
    assert!(lock.contains("quote one") && lock.contains("quote two"), "{lock}");
    world.faults(&json!([]));
    world.apply().expect(0);
    exactly_one_of_each(&world, 2);
    world.settled();
}

#[test]
fn locked_and_moving_accounts_are_waited_for() {
    let world = World::small(&full_quote("one", "published"));
    world.faults(&json!([
        { "on": "read", "match": "/contacts/", "nth": 1, "do": "status:477" },
        { "on": "write", "match": "/quotes/batch/create", "nth": 1, "do": "status:423" },
        { "on": "write", "match": "/line_items/batch/create", "nth": 1, "do": "status:477",
          "headers": { "Retry-After": "1" } },
        { "on": "write", "match": "/quotes/batch/update", "nth": 1, "do": "status:423" },
    ]));
    let started = Instant::now();
    world.apply().expect(0);
    assert!(started.elapsed() >= Duration::from_secs(4), "423 asks for two seconds at least");
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    healed(&world);
}

// ---- Failures of the upstream --------------------------------------------------------------------

#[test]
fn reads_and_updates_are_repeated_after_5xx() {
    let world = World::small(&full_quote("one", "draft"));
    world.apply().expect(0);
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.edit("quotes/all.yaml", "title: Title of one", "title: New title");
    let fault = |on: &str, path: &str, nth: u64, status: u16| json!({ "on": on, "match": path, "nth": nth, "do": format!("status:{status}") });
    world.faults(&json!([
        fault("read", "/properties/quotes", 1, 502),
        fault("read", "/quotes/batch/read", 1, 503),
        fault("read", "/quotes/line_items/batch/read", 1, 504),
        fault("read", "/fees/batch/read", 1, 500),
        fault("write", "/quotes/batch/update", 1, 502),
        fault("write", "/quotes/batch/update", 2, 503),
        fault("write", "/line_items/batch/update", 1, 504),
        json!({ "on": "write", "match": "/line_items/batch/update", "nth": 2, "do": "fail_502_after" }),
    ]));
    world.apply().expect(0);
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    world.quote("New title");
    healed(&world);
}

#[test]
fn an_upstream_that_stays_down_is_an_error_and_nothing_is_written() {
    let world = World::small(&full_quote("one", "draft"));
    world.faults(&json!([{ "on": "read", "do": "status:503" }]));
    stopped(&world.plan().expect(1), "failed", &["503", "crm"]);
    assert_eq!(world.writes(), 0);
    world.faults(&json!([]));
    world.apply().expect(0);
}

/// Every request of an apply that creates something.
const CREATES: [&str; 6] = [
    "/properties/quotes",
    "/objects/quotes/batch/create",
    "/line_items/batch/create",
    "/fees/batch/create",
    "/discounts/batch/create",
    "/taxes/batch/create",
];

/// The first request of each kind of creation meets the fault; all in one apply of two quotes.
#[track_caller]
fn creations_survive(action: &str) {
    let both = format!("{}---\n{}", full_quote("one", "published"), full_quote("two", "draft"));
    let world = World::small(&both);
    // No property is made through a redirect: there it ends the apply before its first quote.
    let creates = if action == "redirect" { &CREATES[1..] } else { &CREATES[..] };
    let faults: Vec<Value> = creates
        .iter()
        .map(|path| json!({ "on": "write", "match": path, "nth": 1, "do": action }))
        .collect();
    world.faults(&json!(faults));
    let applied = world.apply();
    assert_eq!(applied.code, 0, "{action}: {}\n{}", applied.stdout, applied.stderr);
    all_fired(&world);
    exactly_one_of_each(&world, 2);
    let published = world.quote("Title of one");
    assert_eq!(published["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    healed(&world);
}

#[test]
fn creations_survive_a_failure_before_they_are_done() {
    creations_survive("fail_503_before");
}

#[test]
fn creations_survive_a_failure_after_they_are_done() {
    creations_survive("fail_502_after");
}

#[test]
fn creations_survive_a_lost_answer() {
    creations_survive("lose_answer");
}

#[test]
fn creations_survive_a_connection_that_is_cut_first() {
    creations_survive("drop_before");
}

#[test]
fn creations_survive_an_answer_of_garbage() {
    creations_survive("garbage");
}

#[test]
fn creations_survive_a_redirect() {
    creations_survive("redirect");
}

/// Updates, unlocking, archiving and links meet the fault, each as often as is said.
#[track_caller]
fn changes_survive(action: &str, times: std::ops::RangeInclusive<u64>) {
    let world = World::small(&full_quote("one", "published"));
    world.apply().expect(0);
    world.edit(
        "quotes/all.yaml",
        "state: published",
        "state: published\nlifecycle: { when_locked: unlock }\n\
         contacts: [{ email: cfo@acme.example }]",
    );
    world.edit("quotes/all.yaml", "price: 100.00", "price: 110.00");
    world.edit("quotes/all.yaml", "key: b, name: Bundle", "key: c, name: Course");
    let writes = [
        "/quotes/batch/update",
        "/line_items/batch/update",
        "/line_items/batch/archive",
        "/associations/default/contacts/",
    ];
    let faults: Vec<Value> = writes
        .iter()
        .flat_map(|path| {
            times
                .clone()
                .map(move |nth| json!({ "on": "write", "match": path, "nth": nth, "do": action }))
        })
        .collect();
    world.faults(&json!(faults));
    // Repeated at once where that is safe; what stays unknown is told, and the next run settles
    // it. Each run gets further, so few are needed.
    let mut applied = world.apply();
    for _ in 0..8 {
        if applied.code == 0 {
            break;
        }
        assert_eq!(applied.code, 6, "{action}: {}\n{}", applied.stdout, applied.stderr);
        assert!(error_of(&applied.json()).contains("recover"), "{}", applied.stdout);
        applied = world.apply();
    }
    assert_eq!(applied.code, 0, "{action}: {}\n{}", applied.stdout, applied.stderr);
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    let quote = world.quote("Title of one");
    assert_eq!(quote["properties"]["hs_status"], "APPROVAL_NOT_NEEDED");
    assert_eq!(quote["associations"]["contacts"].as_array().map_or(0, Vec::len), 2);
    healed(&world);
}

#[test]
fn changes_survive_a_failure_before_they_are_done() {
    changes_survive("fail_503_before", 1..=2);
}

#[test]
fn changes_survive_a_lost_answer() {
    changes_survive("lose_answer", 1..=2);
}

#[test]
fn changes_survive_an_answer_of_garbage() {
    // Done the first time, so there is no second.
    changes_survive("garbage", 1..=1);
}

#[test]
fn an_unknown_outcome_is_told_and_the_next_run_settles_it() {
    // The look-up fails as well: the outcome stays unknown, is told, and the next run settles it.
    let world = World::small(&full_quote("one", "draft"));
    world.faults(&json!([
        { "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": "lose_answer" },
        { "on": "read", "match": "/objects/quotes/batch/read", "do": "status:503" },
        { "on": "read", "match": "/objects/quotes/", "do": "status:503" },
    ]));
    let applied = world.apply().expect(6).json();
    assert_eq!(applied["quotes"][0]["outcome"], "unknown", "{applied}");
    assert!(error_of(&applied).contains("recover"), "{applied}");
    world.faults(&json!([]));
    let told = world.run(&["recover"]).expect(6);
    assert!(told.stdout.contains("one: create the quote"), "{}", told.stdout);
    world.apply().expect(0);
    exactly_one_of_each(&world, 1);
    world.settled();
    world.run(&["recover"]).expect(0);
}

// ---- Nonsense and silence --------------------------------------------------------------------------

#[test]
fn reads_answered_with_garbage_are_an_error_that_says_so() {
    for path in ["/deals/search", "/properties/quotes", "/contacts/batch/read", "/quote_template"] {
        let world = World::small(&full_quote("one", "draft"));
        world.faults(&json!([{ "on": "read", "match": path, "do": "garbage" }]));
        let ended = world.plan().expect(1);
        stopped(&ended, "failed", &["makes no sense"]);
        world.apply().expect(1);
        assert_eq!(world.writes(), 0, "{path}");
    }
}

#[test]
fn a_read_back_of_garbage_does_not_publish() {
    let world = World::small(&full_quote("one", "published"));
    world.faults(&json!([{ "on": "read", "match": "/quotes/batch/read", "do": "garbage" }]));
    let applied = world.apply().expect(5).json();
    assert_eq!(applied["quotes"][0]["outcome"], "failed");
    assert_eq!(world.quote("Title of one")["properties"]["hs_status"], "DRAFT");
    world.faults(&json!([]));
    world.apply().expect(0);
    exactly_one_of_each(&world, 1);
    world.settled();
}

#[test]
fn a_cut_answer_to_a_read_is_asked_again() {
    let world = World::small(&full_quote("one", "draft"));
    world.faults(&json!([
        { "on": "read", "match": "/deals/search", "nth": 1, "do": "lose_answer" },
        { "on": "read", "match": "/contacts/", "nth": 1, "do": "drop_before" },
        { "on": "read", "match": "/quotes/batch/read", "nth": 1, "do": "lose_answer" },
    ]));
    world.apply().expect(0);
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    healed(&world);
}

#[test]
fn a_slow_upstream_is_waited_for() {
    let world = World::small(&full_quote("one", "published"));
    world.faults(&json!([
        { "on": "read", "match": "/deals/search", "nth": 1, "do": "slow:1500" },
        { "on": "write", "match": "/quotes/batch/create", "nth": 1, "do": "slow:1500" },
    ]));
    let started = Instant::now();
    world.apply().expect(0);
    assert!(started.elapsed() >= Duration::from_secs(3));
    all_fired(&world);
    exactly_one_of_each(&world, 1);
    healed(&world);
}

#[test]
fn a_redirect_is_not_followed_and_the_token_stays_here() {
    let world = World::connected(&full_quote("one", "draft"));
    world.faults(&json!([{ "on": "read", "do": "redirect" }]));
    let ended = world.direct(&["plan", "--format", "json"], Some("secret-token")).expect(1);
    stopped(&ended, "failed", &["redirects are not followed"]);
    assert!(!ended.stdout.contains("secret-token") && !ended.stderr.contains("secret-token"));
    // What the redirect names does not exist: had it been followed, the message would say so.
    assert!(!ended.stderr.contains("not resolved"), "{}", ended.stderr);
    assert_eq!(world.writes(), 0);
}

#[test]
fn no_network_is_said_plainly() {
    // A port that nobody listens on: it was ours a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let world = World::small(&full_quote("one", "draft"));
    world.edit(
        "proforma.yaml",
        "    defaults:",
        &format!("    base_url: http://{address}/hubspot\n    defaults:"),
    );
    for command in ["plan", "apply"] {
        let ended = world.direct(&[command, "--format", "json"], Some("token")).expect(1);
        stopped(&ended, "failed", &["connection `crm`", "connection refused"]);
    }
}

#[test]
fn one_connection_that_is_down_does_not_stop_the_other() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let other = full_quote("two", "draft").replace("quote: two", "quote: two\nconnection: down");
    let world = World::connected(&format!("{}---\n{other}", full_quote("one", "draft")));
    world.edit("proforma.yaml", "connections:\n", "default_connection: crm\nconnections:\n");
    let text = world.read("proforma.yaml");
    world.write(
        "proforma.yaml",
        &format!(
            "{text}  down:\n    provider: hubspot\n    token: {{ env: HUBSPOT_TOKEN }}\n    \
             base_url: http://{address}/hubspot\n    \
             defaults: {{ template: Default Modern, currency: USD }}\n"
        ),
    );
    let args = ["apply", "--auto-approve", "--allow", "all", "--format", "json"];
    let applied = world.direct(&args, Some("token")).expect(5).json();
    let of = |name: &str| {
        let quotes = applied["quotes"].as_array().unwrap();
        quotes.iter().find(|q| q["quote"] == name).unwrap().clone()
    };
    assert_eq!(of("one")["outcome"], "applied");
    assert_eq!(of("two")["outcome"], "blocked");
    assert!(of("two")["error"].to_string().contains("connection refused"), "{applied}");
    exactly_one_of_each(&world, 1);
}

// ---- Credentials and scopes ------------------------------------------------------------------------

#[test]
fn a_missing_token_is_named() {
    let world = World::connected(&full_quote("one", "draft"));
    let ended = world.direct(&["plan", "--format", "json"], None).expect(8);
    stopped(&ended, "credentials", &["HUBSPOT_TOKEN", "is not set"]);
    let ended = world.direct(&["plan", "--format", "json"], Some("")).expect(8);
    stopped(&ended, "credentials", &["HUBSPOT_TOKEN", "is empty"]);
    let ended = world.direct(&["plan", "--format", "json"], Some("two words")).expect(8);
    stopped(&ended, "credentials", &["HUBSPOT_TOKEN"]);
    assert!(!ended.stderr.contains("two words"), "{}", ended.stderr);

    world.edit("proforma.yaml", "{ env: HUBSPOT_TOKEN }", "{ file: secrets/hubspot }");
    let ended = world.direct(&["plan", "--format", "json"], Some("unused")).expect(8);
    stopped(&ended, "credentials", &["secrets/hubspot", "cannot be read"]);
    world.write("secrets/hubspot", "from-a-file\n");
    world.direct(&["plan"], None).expect(0);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_refused_token_ends_in_8_and_is_not_printed() {
    let world = World::connected(&full_quote("one", "draft"));
    for command in ["plan", "apply"] {
        let ended = world.direct(&[command, "--format", "json"], Some("invalid")).expect(8);
        stopped(&ended, "credentials", &["refused the credentials (401)", "connection `crm`"]);
    }
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_token_that_may_only_read_plans_and_names_the_scope_that_apply_lacks() {
    let world = World::connected(&full_quote("one", "draft"));
    world.direct(&["plan"], Some("readonly-1")).expect(0);
    let args = ["apply", "--auto-approve", "--allow", "all", "--format", "json"];
    let ended = world.direct(&args, Some("readonly-1")).expect(8);
    let document = ended.json();
    assert_eq!(document["quotes"][0]["outcome"], "failed", "{document}");
    let error = error_of(&document);
    assert!(error.contains("scope") && error.contains(".write"), "{error}");
    assert!(world.records("quotes").is_empty());
    // With the stamp property there already, the missing scope is that of the quotes themselves.
    world.direct(&args, Some("token")).expect(0);
    world.edit("quotes/all.yaml", "title: Title of one", "title: Other");
    let ended = world.direct(&args, Some("readonly-1")).expect(8);
    assert!(error_of(&ended.json()).contains("crm.objects.quotes.write"), "{}", ended.stdout);
    world.quote("Title of one");
}

#[test]
fn a_scope_that_reading_needs_is_named() {
    let world = World::small(&full_quote("one", "draft"));
    world.settings(&json!({ "deny_scopes": ["crm.objects.deals.read"] }));
    let ended = world.plan().expect(8);
    stopped(&ended, "credentials", &["crm.objects.deals.read"]);
    assert_eq!(world.writes(), 0);
}

#[test]
fn a_token_that_cannot_define_properties_stops_before_the_first_write() {
    let world = World::connected(&full_quote("one", "draft"));
    let args = ["apply", "--auto-approve", "--allow", "all", "--format", "json"];
    let ended = world.direct(&args, Some("noschema-1")).expect(8);
    let error = error_of(&ended.json());
    assert!(error.contains("proforma_key"), "what to create: {error}");
    assert!(error.contains("crm.schemas.quotes.write"), "or which scope to give: {error}");
    for object in ["quotes", "line_items", "fees", "discounts", "taxes"] {
        assert!(world.records(object).is_empty(), "{object}");
    }
    // An administrator with the scope comes by; from then on the token is enough.
    world.direct(&args, Some("token")).expect(0);
    exactly_one_of_each(&world, 1);
    world.edit("quotes/all.yaml", "title: Title of one", "title: Other");
    world.direct(&args, Some("noschema-1")).expect(0);
    world.quote("Other");
}

// ---- Odd portals ---------------------------------------------------------------------------------

#[test]
fn a_portal_without_unique_properties_still_makes_one_of_each() {
    for action in ["lose_answer", "fail_503_before"] {
        let world = World::small(&full_quote("one", "published"));
        world.settings(&json!({ "unique_on_quotes": false }));
        let faults: Vec<Value> = CREATES
            .iter()
            .map(|path| json!({ "on": "write", "match": path, "nth": 1, "do": action }))
            .collect();
        world.faults(&json!(faults));
        world.apply().expect(0);
        all_fired(&world);
        exactly_one_of_each(&world, 1);
        healed(&world);
    }
}

#[test]
fn every_value_that_the_portal_drops_is_named_and_the_quote_stays_a_draft() {
    for (property, field) in [
        ("hs_title", "title"),
        ("hs_expiration_date", "expires"),
        ("hs_comments", "notes.public"),
        ("price", "items[a].price"),
        ("quantity", "items[a].quantity"),
        ("hs_value", "fees[setup]"),
        ("hs_label", "fees[setup]"),
    ] {
        let quote = full_quote("one", "published") + "notes: { public: Hello }\n";
        let world = World::small(&quote);
        world.settings(&json!({ "drop_property": [property] }));
        let ended = world.apply();
        let error = ended.json()["quotes"][0].to_string();
        assert_eq!(ended.code, 5, "{property}: {}\n{}", ended.stdout, ended.stderr);
        assert!(error.contains(field) || error.contains(property), "{property}: {error}");
        for quote in world.records("quotes") {
            assert_eq!(quote["properties"]["hs_status"], "DRAFT", "{property}");
        }
        world.settings(&json!({ "drop_property": [] }));
        world.apply().expect(0);
        exactly_one_of_each(&world, 1);
        world.settled();
    }
}

#[test]
fn a_portal_that_drops_the_stamp_is_found_out_and_nothing_is_made_twice() {
    let world = World::small(&full_quote("one", "draft"));
    world.settings(&json!({ "drop_property": ["proforma_key"] }));
    let ended = world.apply();
    assert_eq!(ended.code, 11, "a quote without its stamp is not done: {}", ended.stdout);
    assert!(ended.stdout.contains("carries none"), "{}", ended.stdout);
    let quotes = world.records("quotes").len();
    // It stays refused, with a way out, and no second quote is made meanwhile.
    let plan = world.plan().expect(11).json();
    assert!(plan["quotes"][0].to_string().contains("lock forget"), "{plan}");
    world.apply().expect(11);
    assert_eq!(world.records("quotes").len(), quotes);
}

#[test]
fn one_bad_row_of_a_batch_fails_its_quote_alone() {
    let bad = plain_quote("bad", "draft").replace(
        "name: Bundle, ",
        "name: Bundle, hubspot: { hs_tax_rate_group_id: \"99999999\" }, ",
    );
    let quotes =
        format!("{}---\n{bad}---\n{}", plain_quote("alpha", "draft"), plain_quote("zeta", "draft"));
    let world = World::small(&quotes);
    let applied = world.apply().expect(5).json();
    assert_eq!(applied["summary"]["applied"], 2, "{applied}");
    assert_eq!(applied["summary"]["failed"], 1, "{applied}");
    let rows = applied["quotes"].as_array().unwrap();
    let failed = rows.iter().find(|q| q["outcome"] == "failed").unwrap();
    assert_eq!(failed["quote"], "bad");
    assert!(failed["error"].to_string().contains("hs_tax_rate_group_id"), "{failed}");
    // Mended, it goes through without a second of anything.
    world.edit("quotes/all.yaml", "hubspot: { hs_tax_rate_group_id: \"99999999\" }, ", "");
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 3);
    assert_eq!(world.records("line_items").len(), 6);
    assert_eq!(world.records("fees").len(), 3);
    world.settled();
}
