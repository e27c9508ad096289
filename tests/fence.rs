//! Two runners on two machines: whoever wakes up late sees that it lost, overwrites nothing and
//! makes nothing twice.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::process::{Child, Command};
use std::time::Duration;

use serde_json::json;
use support::World;
use support::four::{CONNECTIONS, Elsewhere, count_on, draft_on, end, four};

/// Longer than a look is good for before the first write.
const NAP: Duration = Duration::from_millis(1_300);

/// Starts an apply and stops it when the last answer of its look at the upstream is on the way: it
/// has seen everything and written nothing.
fn paused_after_its_look(world: &World, late: &Elsewhere) -> Child {
    let before = world.requests().0;
    late.run(&["plan"]);
    let reads = world.requests().0 - before;
    world.faults(&json!([{ "on": "read", "nth": reads, "do": "hold_after" }]));
    let mut child = late.start_apply();
    assert!(world.held(&mut child), "the apply ended before it was held");
    child
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[cfg(unix)]
#[test]
fn a_runner_that_was_stopped_before_its_first_write_sees_that_it_lost() {
    let world = four(&draft_on("crm", "one", 1));
    world.apply().expect(0);
    let late = Elsewhere::clone_of(&world);
    late.write("quotes/all.yaml", &draft_on("crm", "one", 2));
    let recorded = late.read("proforma.sandbox.lock");
    let child = paused_after_its_look(&world, &late);
    signal(&child, "-STOP");
    world.release();
    world.faults(&json!([]));
    world.write("quotes/all.yaml", &draft_on("crm", "one", 7));
    world.apply().expect(0);
    std::thread::sleep(NAP);
    let writes = world.writes();
    signal(&child, "-CONT");
    let ended = end(child).expect(4);
    let quote = &ended.json()["quotes"][0];
    assert_eq!(quote["outcome"], "skipped");
    let why = quote["error"].to_string();
    assert!(why.contains("somebody changed the quote upstream after this plan was made"), "{why}");
    assert_eq!(world.writes(), writes, "the late runner wrote");
    assert_eq!(late.read("proforma.sandbox.lock"), recorded);
    world.settled();
}

#[test]
fn on_every_upstream_a_late_creation_finds_what_another_runner_made() {
    for connection in CONNECTIONS {
        // One quote is there already, and with it all that an account is prepared with.
        let world = four(&draft_on(connection, "zero", 1));
        world.apply().expect(0);
        let seeded = count_on(&world, connection);
        let late = Elsewhere::clone_of(&world);
        let two = |n| {
            format!("{}---\n{}", draft_on(connection, "zero", 1), draft_on(connection, "one", n))
        };
        late.write("quotes/all.yaml", &two(2));
        world.write("quotes/all.yaml", &two(7));
        let child = paused_after_its_look(&world, &late);
        world.faults(&json!([]));
        world.apply().expect(0);
        std::thread::sleep(NAP);
        let writes = world.writes();
        world.release();
        let ended = end(child).expect(4);
        let why = ended.json()["quotes"][0]["error"].to_string();
        assert!(why.contains("somebody else has made it meanwhile"), "{connection}: {why}");
        assert_eq!(world.writes(), writes, "{connection}");
        assert_eq!(count_on(&world, connection), seeded + 1, "{connection}");
        world.settled();
    }
}

#[test]
fn on_every_upstream_a_late_change_or_replacement_is_not_carried_out() {
    for connection in CONNECTIONS {
        let world = four(&draft_on(connection, "one", 1));
        world.apply().expect(0);
        let late = Elsewhere::clone_of(&world);
        late.write("quotes/all.yaml", &draft_on(connection, "one", 2));
        let child = paused_after_its_look(&world, &late);
        world.faults(&json!([]));
        world.write("quotes/all.yaml", &draft_on(connection, "one", 7));
        world.apply().expect(0);
        let made = count_on(&world, connection);
        std::thread::sleep(NAP);
        let writes = world.writes();
        world.release();
        let ended = end(child).expect(4);
        assert_eq!(ended.json()["quotes"][0]["outcome"], "skipped", "{connection}");
        assert_eq!(world.writes(), writes, "{connection}: the late runner wrote");
        assert_eq!(count_on(&world, connection), made, "{connection}");
        world.settled();
    }
}

#[test]
fn a_run_that_only_took_its_time_goes_on() {
    for connection in CONNECTIONS {
        let world = four(&draft_on(connection, "one", 1));
        let late = Elsewhere::clone_of(&world);
        let child = paused_after_its_look(&world, &late);
        world.faults(&json!([]));
        std::thread::sleep(NAP);
        world.release();
        end(child).expect(0);
        late.write("quotes/all.yaml", &draft_on(connection, "one", 2));
        let child = paused_after_its_look(&world, &late);
        world.faults(&json!([]));
        std::thread::sleep(NAP);
        world.release();
        let ended = end(child).expect(0);
        assert_eq!(ended.json()["summary"]["applied"], 1, "{connection}");
        late.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
}

/// The lockfile is an older one, and the quote that it knows was made anew, or replaced, by a run
/// whose lockfile was lost. Looking twice must not make a stale plan of it.
#[test]
fn a_run_with_an_older_lockfile_that_took_its_time_goes_on() {
    for (connection, upstream) in
        [("crm", "hubspot"), ("shop", "quickquote"), ("nordic", "salesbyte"), ("cpq", "dealhub")]
    {
        let world = four(&draft_on(connection, "one", 1));
        world.apply().expect(0);
        let older = world.read("proforma.sandbox.lock");
        if matches!(connection, "crm" | "shop") {
            let list = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
            let id = list["quotes"][0]["id"].clone();
            let gone = json!({ "upstream": upstream, "object": "quotes", "id": id });
            world.control("POST", "archive", &gone);
        } else {
            // These are never edited: another one takes their place.
            world.write("quotes/all.yaml", &draft_on(connection, "one", 2));
        }
        world.apply().expect(0);
        let made = count_on(&world, connection);
        world.write("proforma.sandbox.lock", &older);
        std::fs::remove_dir_all(world.path(".proforma")).unwrap();
        let late = Elsewhere::clone_of(&world);
        // What there is to do is an edit of the one that is there, or its replacement.
        late.write("quotes/all.yaml", &draft_on(connection, "one", 3));
        let child = paused_after_its_look(&world, &late);
        world.faults(&json!([]));
        std::thread::sleep(NAP);
        world.release();
        let ended = end(child);
        assert_eq!(ended.code, 0, "{connection}: {}{}", ended.stdout, ended.stderr);
        let more = usize::from(matches!(connection, "nordic" | "cpq"));
        assert_eq!(count_on(&world, connection), made + more, "{connection}");
        late.run(&["plan", "--detailed-exitcode"]).expect(0);
    }
}

#[test]
fn a_saved_plan_is_compared_again_right_before_the_first_write_of_each_quote() {
    let both = |n| format!("{}---\n{}", draft_on("crm", "one", n), draft_on("crm", "two", n));
    let world = four(&both(1));
    world.apply().expect(0);
    world.write("quotes/all.yaml", &both(2));
    world.run(&["plan", "-o", "plan.json"]).expect(0);
    // The look of the apply sees both as planned; the colleague comes right after it.
    let before = world.requests().0;
    world.run(&["plan"]).expect(0);
    let reads = world.requests().0 - before;
    world.faults(&json!([{ "on": "read", "nth": reads, "do": "hold_after" }]));
    let mut command = world.command(&["apply", "plan.json", "--auto-approve", "--format", "json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert!(world.held(&mut child));
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "Edited meanwhile" }));
    std::thread::sleep(NAP);
    world.release();
    let applied = end(child).expect(4).json();
    assert_eq!(applied["summary"]["skipped"], 1, "{applied}");
    assert_eq!(applied["summary"]["applied"], 1, "{applied}");
    world.quote("Edited meanwhile");
}

/// A deletion that somebody else has carried out meanwhile (or an earlier request of our own, that
/// landed late) is what was asked for.
#[test]
fn a_late_deletion_of_what_is_gone_is_done() {
    let both = format!("{}---\n{}", draft_on("crm", "zero", 1), draft_on("crm", "one", 1));
    let world = four(&both);
    world.apply().expect(0);
    let late = Elsewhere::clone_of(&world);
    late.write("quotes/all.yaml", &draft_on("crm", "zero", 1));
    world.write("quotes/all.yaml", &draft_on("crm", "zero", 1));
    let before = world.requests().0;
    late.run(&["plan", "--prune"]);
    let reads = world.requests().0 - before;
    world.faults(&json!([{ "on": "read", "nth": reads, "do": "hold_after" }]));
    let mut child = late.start_apply_with(&["--prune"]);
    assert!(world.held(&mut child), "the apply ended before it was held");
    world.faults(&json!([]));
    world.run(&["apply", "--auto-approve", "--allow", "all", "--prune"]).expect(0);
    std::thread::sleep(NAP);
    world.release();
    end(child).expect(0);
    assert_eq!(count_on(&world, "crm"), 1);
    assert!(!late.read("proforma.sandbox.lock").contains("one"));
    late.run(&["plan", "--detailed-exitcode"]).expect(0);
}

/// The workspace lock is held by a run that stands still until the lock has expired.
#[cfg(unix)]
#[test]
fn a_holder_that_stands_still_loses_the_lock_and_writes_nothing_when_it_wakes() {
    let world = four(&draft_on("crm", "one", 1));
    world.faults(&json!([{ "on": "read", "nth": 1, "do": "hold_after" }]));
    let mut command = world.command(&["apply", "--auto-approve", "--format", "json"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    assert!(world.held(&mut child));
    let refused = world.apply().expect(7);
    let pid = child.id().to_string();
    let told = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in [&format!("process {pid}, since 20"), "until 20"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    signal(&child, "-STOP");
    let lock = world.read(".proforma/lock");
    let mut holder: serde_json::Value = serde_json::from_str(lock.trim_end()).unwrap();
    holder["expires"] = json!("2020-01-01T00:00:00Z");
    world.write(".proforma/lock", &format!("{:<512}", holder.to_string()));
    world.apply().expect(0);
    let (writes, lock) = (world.writes(), world.read("proforma.sandbox.lock"));
    world.release();
    signal(&child, "-CONT");
    let ended = end(child).expect(7);
    assert!(ended.stderr.contains("stood still until its lock expired"), "{}", ended.stderr);
    assert_eq!(world.writes(), writes);
    assert_eq!(world.read("proforma.sandbox.lock"), lock);
    world.settled();
}

#[cfg(unix)]
#[test]
fn a_killed_holder_frees_the_lock() {
    let world = four(&draft_on("crm", "one", 1));
    world.faults(&json!([{ "on": "read", "nth": 1, "do": "hold_after" }]));
    let mut child = world.spawn(&["apply", "--auto-approve"]);
    assert!(world.held(&mut child));
    world.run(&["lock", "forget", "one"]).expect(7);
    signal(&child, "-KILL");
    child.wait().unwrap();
    world.faults(&json!([]));
    world.apply().expect(0);
    world.settled();
}
