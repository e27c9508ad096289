//! The rim: help, usage errors, streams and colours, locks and signals, and the small commands.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Ended, World, bare, finish, plain_quote};

fn run(args: &[&str]) -> Ended {
    finish(bare(&std::env::temp_dir()).args(args))
}

// ---- Help and usage --------------------------------------------------------------------------------

#[test]
fn help_of_every_command() {
    let commands: [&[&str]; 15] = [
        &[],
        &["import"],
        &["validate"],
        &["plan"],
        &["show"],
        &["apply"],
        &["recover"],
        &["lock"],
        &["lock", "list"],
        &["lock", "forget"],
        &["lock", "rebuild"],
        &["lock", "mv"],
        &["lock", "merge"],
        &["providers"],
        &["sandbox"],
        &["demo"],
    ];
    for command in commands {
        let mut args = command.to_vec();
        args.push("--help");
        let ended = run(&args).expect(0);
        assert_eq!(ended.stderr, "", "{command:?}: help goes to stdout");
        let name = if command.is_empty() { "proforma".to_owned() } else { command.join("-") };
        insta::assert_snapshot!(format!("help-{name}"), ended.stdout);
    }
}

#[test]
fn usage_errors_end_in_10_and_say_what_is_there() {
    for (name, args) in [
        ("unknown-flag", &["plan", "--nope"][..]),
        ("misspelt-flag", &["apply", "--auto-aprove"]),
        ("unknown-command", &["aply"]),
        ("bad-format", &["plan", "--format", "yaml"]),
        ("quiet-and-verbose", &["plan", "-q", "-v"]),
        ("no-parallelism", &["apply", "--parallelism", "0"]),
        ("plan-file-and-selection", &["apply", "plan.json", "--only", "a"]),
        ("adopt-without-quote", &["recover", "--adopt", "1"]),
    ] {
        let ended = run(args).expect(10);
        assert_eq!(ended.stdout, "", "{name}: errors go to stderr");
        insta::assert_snapshot!(format!("usage-{name}"), ended.stderr);
    }
    // Without a command the help is the error.
    assert!(run(&[]).expect(10).stderr.contains("Usage: proforma"));
}

#[test]
fn version() {
    let ended = run(&["--version"]).expect(0);
    assert_eq!(ended.stdout, format!("proforma {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let ended = run(&["demo"]).expect(0);
    for word in ["drift", "killed", "Nothing to do"] {
        let told = ended.stdout.contains(word) || ended.stderr.contains(word);
        assert!(told, "the demo lacks {word}: {}{}", ended.stdout, ended.stderr);
    }
}

#[test]
fn commands_without_json_say_so() {
    let world = World::small(&plain_quote("one", "draft"));
    for command in [&["recover"][..], &["lock", "forget", "one"]] {
        let mut args = command.to_vec();
        args.extend(["--format", "json"]);
        let ended = world.run(&args).expect(10);
        assert_eq!(ended.json()["failure"]["code"], "invalid");
        assert!(ended.stderr.contains("--format"), "{}", ended.stderr);
    }
}

#[test]
fn words_on_the_command_line_are_checked() {
    let world = World::small(&plain_quote("one", "draft"));
    for (args, word) in [
        (&["apply", "--auto-approve", "--allow", "publsh"][..], "publish"),
        (&["plan", "--override", "nonsense"], "max_total"),
        (&["plan", "--only", "colour=red"], "colour"),
        (&["plan", "-C", "nowhere"], "proforma.yaml"),
        (&["apply", "no-such-plan.json", "--auto-approve"], "no-such-plan.json"),
        (&["providers", "salesfource"], "hubspot"),
        (&["lock", "forget", "nobody"], "lock list"),
    ] {
        let ended = world.run(args).expect(10);
        assert!(ended.stderr.contains(word), "{args:?} lacks {word}: {}", ended.stderr);
    }
    let ended = finish(bare(world.dir()).args(["--sandbox", "http://example.com", "plan"]));
    assert!(ended.expect(10).stderr.contains("--sandbox"));
    assert_eq!(world.writes(), 0);
}

// ---- Streams and colours ---------------------------------------------------------------------------

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let world = World::northlight();
    for args in
        [&["plan", "--detailed-exitcode"][..], &["plan", "--detailed-exitcode", "--format", "json"]]
    {
        let mut child =
            world.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{stderr}");
        assert!(!stderr.to_lowercase().contains("pipe") && !stderr.contains("panic"), "{stderr}");
    }
    // As a person does it.
    let line = format!(
        "{} --sandbox {} plan | head -1; {} --help | head -1",
        env!("CARGO_BIN_EXE_proforma"),
        world.url(),
        env!("CARGO_BIN_EXE_proforma")
    );
    let ended =
        finish(std::process::Command::new("sh").args(["-c", &line]).current_dir(world.dir()));
    assert_eq!(ended.stdout.lines().count(), 2, "{}", ended.stdout);
    assert!(!ended.stderr.to_lowercase().contains("pipe"), "{}", ended.stderr);
}

#[test]
fn colour_is_for_terminals_unless_it_is_asked_for() {
    let world = World::small(&plain_quote("one", "draft"));
    let colored = |ended: &Ended| ended.stdout.contains('\u{1b}');
    assert!(!colored(&world.run(&["plan"]).expect(0)));
    assert!(colored(&world.run(&["plan", "--color", "always"]).expect(0)));
    assert!(!colored(&world.run(&["plan", "--color", "never"]).expect(0)));
    let with_no_color = |args: &[&str]| finish(world.command(args).env("NO_COLOR", "1")).expect(0);
    assert!(!colored(&with_no_color(&["plan"])));
    assert!(colored(&with_no_color(&["plan", "--color", "always"])), "the flag outranks it");
    // A document is never coloured.
    let json = world.run(&["plan", "--color", "always", "--format", "json"]).expect(0);
    assert!(!colored(&json));
    json.json();
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_colour_and_no_color_is_honoured() {
    if std::process::Command::new("script").arg("--version").output().is_err() {
        return;
    }
    let world = World::small(&plain_quote("one", "draft"));
    let on_terminal = |variable: &str| {
        let line = format!(
            "{variable} TERM=xterm {} --sandbox {} plan",
            env!("CARGO_BIN_EXE_proforma"),
            world.url()
        );
        let mut command = std::process::Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(world.dir()).stdin(Stdio::null());
        finish(&mut command).stdout
    };
    // Progress may move the cursor; colours and links end with `m` or begin with `]`.
    let coloured = |text: &str| {
        text.contains("\u{1b}]")
            || text.split("\u{1b}[").skip(1).any(|rest| {
                rest.chars().find(char::is_ascii_alphabetic).is_some_and(|end| end == 'm')
            })
    };
    assert!(coloured(&on_terminal("")));
    assert!(!coloured(&on_terminal("NO_COLOR=1")));
}

#[test]
fn quiet_leaves_the_result_alone() {
    let world = World::small(&plain_quote("one", "draft"));
    let plan = world.run(&["-q", "plan", "--format", "json"]).expect(0);
    assert_eq!(plan.stderr, "");
    plan.json();
    let applied = world.run(&["-q", "apply", "--auto-approve"]).expect(0);
    assert_eq!(applied.stderr, "");
    assert!(applied.stdout.contains("1 applied"), "{}", applied.stdout);
    // What went wrong is said all the same.
    world.edit("quotes/all.yaml", "title:", "titel:");
    let ended = world.run(&["-q", "plan"]).expect(10);
    assert!(ended.stderr.contains("titel"), "{}", ended.stderr);
}

#[test]
fn apply_asks_nobody_without_a_terminal() {
    let world = World::small(&plain_quote("one", "draft"));
    let ended = world.run(&["apply", "--format", "json"]).expect(10);
    assert_eq!(ended.json()["failure"]["exit_code"], 10);
    assert!(ended.stderr.contains("--auto-approve"), "{}", ended.stderr);
    // An answer on a pipe is no person.
    let mut child = world
        .command(&["apply"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The child may be gone before it reads; that is as good.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"y\n");
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(10));
    assert_eq!(world.writes(), 0);
}

#[test]
fn logs_go_to_stderr_and_hold_no_secret_and_no_address() {
    let world = World::connected(&plain_quote("one", "draft"));
    let mut command = bare(world.dir());
    command.args(["plan", "--format", "json", "-vv"]).env("HUBSPOT_TOKEN", "very-secret-token");
    let ended = finish(&mut command).expect(0);
    ended.json();
    assert!(ended.stderr.contains("request"), "{}", ended.stderr);
    let logs: Vec<&str> = ended.stderr.lines().filter(|l| l.contains("DEBUG")).collect();
    assert!(!logs.is_empty());
    assert!(
        !ended.stderr.contains("very-secret-token") && !ended.stdout.contains("very-secret-token")
    );
    assert!(logs.iter().all(|l| !l.contains('@')), "personal data in the logs: {logs:?}");
}

// ---- Two at once, and signals ----------------------------------------------------------------------

const APPLY: [&str; 6] = ["apply", "--auto-approve", "--allow", "all", "--format", "json"];

/// An apply that waits in the middle of a request.
#[track_caller]
fn held(world: &World, action: &str, path: &str) -> Child {
    world.faults(&json!([{ "on": "write", "match": path, "nth": 1, "do": action }]));
    let mut child =
        world.command(&APPLY).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(world.held(&mut child), "the apply ended before it could be held");
    child
}

fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

#[cfg(unix)]
fn signal(child: &Child, name: &str) {
    let line = format!("kill -{name} {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &line]).status().unwrap().success());
}

/// Waits for the end of a child that must come by itself.
#[track_caller]
fn soon(child: &mut Child) {
    let limit = Instant::now() + Duration::from_secs(10);
    while child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < limit, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn two_quotes(state: &str) -> String {
    format!("{}---\n{}", plain_quote("one", state), plain_quote("two", state))
}

#[test]
fn the_second_apply_is_told_who_holds_the_workspace() {
    let world = World::small(&plain_quote("one", "draft"));
    let first = held(&world, "hold_before", "/quotes/batch/create");
    let pid = first.id().to_string();
    let second = finish(world.command(&APPLY).env("USER", "second")).expect(7);
    assert_eq!(second.json()["failure"]["code"], "locked");
    assert!(second.stderr.contains(&format!("process {pid}")), "{}", second.stderr);
    assert!(
        second.stderr.contains("unknown on") || second.stderr.contains(" on "),
        "{}",
        second.stderr
    );
    world.run(&["lock", "forget", "one"]).expect(7);
    world.run(&["recover"]).expect(7);
    // Looking is free.
    world.run(&["plan"]).expect(0);
    world.run(&["validate"]).expect(0);
    world.run(&["lock", "list"]).expect(0);
    world.release();
    ended(first).expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    world.settled();
}

#[cfg(unix)]
#[test]
fn the_first_ctrl_c_drains() {
    for name in ["INT", "TERM"] {
        let world = World::small(&two_quotes("published"));
        let mut child = held(&world, "hold_after", "/quotes/batch/create");
        signal(&child, name);
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none(), "what is in flight is waited for");
        world.release();
        soon(&mut child);
        let interrupted = ended(child).expect(130).json();
        assert_eq!(interrupted["interrupted"], true, "{interrupted}");
        // What was in flight is recorded, and nothing new was started.
        assert_eq!(world.records("quotes").len(), 2);
        assert!(world.records("line_items").is_empty());
        let lock = world.read("proforma.sandbox.lock");
        for quote in world.records("quotes") {
            let id = quote["id"].as_str().unwrap().to_owned();
            assert!(lock.contains(&format!("id {id}\n")), "{lock}");
        }
        world.faults(&json!([]));
        world.apply().expect(0);
        assert_eq!(world.records("quotes").len(), 2);
        assert_eq!(world.records("line_items").len(), 4);
        assert_eq!(world.records("fees").len(), 2);
        world.settled();
    }
}

#[cfg(unix)]
#[test]
fn the_second_ctrl_c_stops_at_once_and_nothing_is_made_twice() {
    for action in ["hold_before", "hold_after"] {
        let world = World::small(&two_quotes("draft"));
        let mut child = held(&world, action, "/line_items/batch/create");
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(300));
        assert!(child.try_wait().unwrap().is_none());
        signal(&child, "INT");
        soon(&mut child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        world.faults(&json!([]));
        world.apply().expect(0);
        assert_eq!(world.records("quotes").len(), 2, "{action}");
        assert_eq!(world.records("line_items").len(), 4, "{action}");
        assert_eq!(world.records("fees").len(), 2, "{action}");
        world.settled();
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_planning_ends_in_130_and_writes_nothing() {
    let world = World::small(&plain_quote("one", "draft"));
    world.faults(&json!([{ "on": "read", "match": "/deals/search", "do": "status:503" }]));
    let mut child =
        world.command(&APPLY).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Between two attempts: the wait is cut short.
    let limit = Instant::now() + Duration::from_secs(10);
    while world.fired()[0] < 2 {
        assert!(Instant::now() < limit, "it does not ask");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(&child, "INT");
    soon(&mut child);
    let stopped = ended(child).expect(130);
    assert_eq!(stopped.json()["failure"]["code"], "interrupted", "{}", stopped.stdout);
    assert_eq!(world.writes(), 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_does_not_wait_for_an_upstream_that_never_answers() {
    let world = World::small(&plain_quote("one", "draft"));
    world.faults(&json!([{ "on": "read", "match": "/deals/search", "do": "hold_before" }]));
    let mut child =
        world.command(&APPLY).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    assert!(world.held(&mut child));
    signal(&child, "INT");
    soon(&mut child);
    let stopped = ended(child).expect(130);
    assert_eq!(stopped.json()["failure"]["code"], "interrupted", "{}", stopped.stdout);
    assert_eq!(world.writes(), 0);
}

// ---- The small commands ------------------------------------------------------------------------------

#[test]
fn events_are_lines_of_json() {
    let world = World::small(&two_quotes("published"));
    let mut args = APPLY.to_vec();
    args.extend(["--events", "events.jsonl"]);
    world.run(&args).expect(0);
    let text = world.read("events.jsonl");
    assert!(text.ends_with('\n'));
    let events: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let named = |name: &str| events.iter().filter(|e| e["event"] == name).collect::<Vec<_>>();
    assert_eq!(events.first().unwrap()["event"], "started");
    assert_eq!(events.last().unwrap()["event"], "finished");
    let settled = named("settled");
    assert_eq!(settled.len() as u64, events[0]["steps"].as_u64().unwrap());
    assert!(settled.iter().all(|e| e["outcome"] == "applied"), "{text}");
    let quotes = named("quote");
    assert_eq!(quotes.len(), 2);
    assert!(!text.contains('@'), "no personal data in events");

    // A folder that is not there is found out before anything is written.
    let writes = world.writes();
    world.edit("quotes/all.yaml", "price: 50.50", "price: 51.50");
    let ended = world.run(&["apply", "--auto-approve", "--allow", "all", "--events", "no/where"]);
    assert!(ended.expect(10).stderr.contains("no/where"));
    assert_eq!(world.writes(), writes);
}

#[test]
fn the_lockfile_is_listed_and_quotes_are_forgotten() {
    let world = World::small(&two_quotes("published"));
    assert!(world.run(&["lock", "list"]).expect(0).stdout.contains("nothing is recorded"));
    world.apply().expect(0);
    let one = world.quote("Title of one");
    let id = one["id"].as_str().unwrap();
    let human = world.run(&["lock", "list"]).expect(0).stdout;
    assert!(human.lines().any(|l| l.starts_with("one ") && l.contains(id)), "{human}");
    let listed = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
    assert_eq!((&listed["format"], &listed["kind"]), (&json!(1), &json!("lock")));
    assert_eq!(listed["workspace"], "small");
    let row = &listed["quotes"][0];
    assert_eq!((&row["quote"], &row["id"]), (&json!("one"), &json!(id)));
    assert_eq!(row["connection"], "crm");
    assert_eq!(row["links"]["quote"], one["properties"]["hs_quote_link"]);

    let writes = world.writes();
    let forgotten = world.run(&["lock", "forget", "one"]).expect(0).stdout;
    assert!(forgotten.contains(id), "where it stays: {forgotten}");
    assert_eq!(world.writes(), writes, "upstream it is left alone");
    let plan = world.plan().expect(2).json();
    assert_eq!(plan["summary"]["adopt"], 1, "{plan}");
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 2);
    world.settled();
}

/// An apply after which nobody knows whether the quote was made.
#[track_caller]
fn unknown(world: &World, action: &str) {
    world.faults(&json!([
        { "on": "write", "match": "/objects/quotes/batch/create", "nth": 1, "do": action },
        { "on": "read", "match": "/objects/quotes/batch/read", "do": "status:400" },
    ]));
    let applied = world.apply();
    assert_eq!(applied.code, 6, "{}\n{}", applied.stdout, applied.stderr);
    assert!(applied.stdout.contains("proforma recover"), "{}", applied.stdout);
    assert!(world.fired().iter().all(|n| *n > 0));
    world.faults(&json!([]));
}

#[test]
fn recover_explains_and_settles() {
    let world = World::small(&plain_quote("one", "draft"));
    assert!(world.run(&["recover"]).expect(0).stdout.contains("nothing to recover"));
    unknown(&world, "lose_answer");
    let told = world.run(&["recover"]).expect(6).stdout;
    for text in ["one: create the quote", "connection crm", "--adopt ID", "--absent", "--sandbox"] {
        assert!(told.contains(text), "no {text}: {told}");
    }
    world.run(&["recover", "two", "--absent"]).expect(10);
    world.run(&["recover", "one", "--adopt", "two words"]).expect(10);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.run(&["recover", "one", "--adopt", &id]).expect(0);
    assert!(world.read("proforma.sandbox.lock").contains(&format!("id {id}\n")));
    world.run(&["recover"]).expect(0);
    world.apply().expect(0);
    assert_eq!(world.records("quotes").len(), 1);
    assert_eq!(world.records("line_items").len(), 2);
    world.settled();
}

#[test]
fn recover_absent_makes_it_anew_and_even_a_wrong_word_makes_no_second() {
    for (action, made) in [("drop_before", 0), ("lose_answer", 1)] {
        let world = World::small(&plain_quote("one", "draft"));
        unknown(&world, action);
        assert_eq!(world.records("quotes").len(), made);
        world.run(&["recover", "one", "--absent"]).expect(0);
        world.run(&["recover"]).expect(0);
        world.apply().expect(0);
        assert_eq!(world.records("quotes").len(), 1, "{action}");
        assert_eq!(world.records("line_items").len(), 2, "{action}");
        world.settled();
    }
}

#[test]
fn providers_say_what_becomes_of_each_field() {
    let overview = run(&["providers"]).expect(0).stdout;
    assert!(overview.contains("hubspot"), "{overview}");
    let page = run(&["providers", "hubspot"]).expect(0).stdout;
    for text in ["items[].taxable", "hs_tax_rate_group_id", "shipping", "hs_title"] {
        assert!(page.contains(text), "no {text}: {page}");
    }
    let all = run(&["providers", "--format", "json"]).expect(0).json();
    assert_eq!(all["kind"], "providers");
    assert!(
        all["providers"].as_array().unwrap().iter().any(|p| p["provider"] == "hubspot"),
        "{all}"
    );
    let one = run(&["providers", "hubspot", "--format", "json"]).expect(0).json();
    assert_eq!((&one["kind"], &one["provider"]), (&json!("provider"), &json!("hubspot")));
    let failed = run(&["providers", "nope", "--format", "json"]).expect(10).json();
    assert_eq!(failed["failure"]["exit_code"], 10);
}

#[cfg(unix)]
#[test]
fn the_sandbox_says_where_it_is_and_ends_on_ctrl_c() {
    let folder = tempfile::tempdir().unwrap();
    for (args, word) in [
        (&["sandbox", "--listen", "0.0.0.0:0"][..], "loopback"),
        (&["sandbox", "--listen", "127.0.0.1:0", "--rate", "fast"], "190/10s"),
        (&["sandbox", "--listen", "127.0.0.1:0", "--fail", "2"], "percent"),
    ] {
        let ended = finish(bare(folder.path()).args(args)).expect(10);
        assert!(ended.stderr.contains(word), "{args:?}: {}", ended.stderr);
    }
    let mut command = bare(folder.path());
    command.args(["sandbox", "--listen", "127.0.0.1:0", "--state", "state.json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    assert!(line.contains("http://127.0.0.1:"), "{line}");
    signal(&child, "INT");
    soon(&mut child);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    out.read_to_string(&mut line).unwrap();
    assert!(line.contains("base_url"), "{line}");
}
