//! Hostile text, from every side, into every output: what reaches a terminal, a log or a pipeline
//! shows the text and does nothing.

#![allow(clippy::unwrap_used, clippy::format_push_string, clippy::format_collect, reason = "tests")]

mod support;

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::{Ended, World, bare, finish, plain_quote};

/// Text that tries something, and what it tries.
const HOSTILE: &[(&str, &str)] = &[
    ("colours", "a\u{1b}[31mred\u{1b}[0m"),
    ("clears the screen", "a\u{1b}[2J\u{1b}[Hb"),
    ("sets the title of the window", "a\u{1b}]0;owned\u{7}b"),
    ("makes a link", "a\u{1b}]8;;http://evil.example\u{1b}\\b\u{1b}]8;;\u{1b}\\"),
    ("8-bit controls", "a\u{9b}2Jb\u{9d}0;x\u{9c}"),
    ("overwrites the line", "paid\rdraft"),
    ("backspaces", "100\u{8}\u{8}\u{8}999"),
    ("nul and delete", "a\u{0}b\u{7f}c"),
    ("right to left override", "invoice\u{202e}gnp.exe"),
    ("isolates", "a\u{2066}b\u{2069}\u{2067}c"),
    ("marks of direction", "a\u{200e}b\u{200f}c\u{61c}d"),
    ("zero width", "a\u{200b}b\u{200c}c\u{200d}d\u{2060}e\u{feff}f"),
    ("tags", "a\u{e0041}\u{e0042}\u{e0101}b"),
    ("separators of lines", "a\u{2028}b\u{2029}c\u{85}d"),
    ("fillers", "a\u{3164}b\u{115f}c\u{ffa0}d\u{ad}e"),
    ("workflow command", "a\n::error::owned\n::add-mask::x"),
    ("workflow command after blanks", "word \n   ::stop-commands::owned"),
    (
        "wraps into a command",
        "long words that are to be broken by the page so that one line of it may begin with ::error::owned ::error::owned ::error::owned ::error::owned ::error::owned",
    ),
    ("older commands", "a ##[error]owned ##[add-path]/tmp"),
    ("commands of other services", "a ##vso[task.setvariable variable=x]y ##teamcity[x]"),
    ("breaks out of JSON", "a\",\"failed\":0,\"x\":\"\\"),
    ("breaks out of HTML", "</td><script>alert(1)</script>"),
    ("emoji", "\u{1f389} party \u{1f468}\u{1f469}"),
    ("right to left script", "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}"),
    ("wide and combining", "\u{5e74}\u{5ea6} e\u{301}\u{301}\u{301}\u{301}"),
];

fn misleads(c: char) -> bool {
    let n = u32::from(c);
    (n < 0x20 && c != '\n')
        || (0x7f..0xa0).contains(&n)
        || matches!(n, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f)
        || matches!(n, 0x115f | 0x1160 | 0x3164 | 0xffa0 | 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe0fff)
}

/// A text that does nothing, wherever it is shown.
#[track_caller]
fn tame(what: &str, text: &str) {
    if let Some((at, c)) = text.char_indices().find(|(_, c)| misleads(*c)) {
        let near: String = text[..at].chars().rev().take(60).collect();
        let near: String = near.chars().rev().collect();
        panic!("{what}: {c:?} comes through after {near:?}");
    }
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{what}: a command: {line}");
        assert!(!line.contains("##[") && !line.contains("##vso["), "{what}: a command: {line}");
        assert!(!line.contains("##teamcity["), "{what}: a command: {line}");
    }
    assert!(!text.contains("panicked"), "{what}: {text}");
}

#[track_caller]
fn both(what: &str, ended: &Ended) {
    tame(what, &ended.stdout);
    tame(what, &ended.stderr);
}

const APPLY: [&str; 6] = ["apply", "--auto-approve", "--allow", "all", "--events", "events.jsonl"];

/// Every command in every format, in narrow and in wide pages.
#[track_caller]
fn all_commands(what: &str, world: &World) {
    for args in [
        &["validate"][..],
        &["validate", "--format", "json"],
        &["plan", "-v"],
        &["plan", "--format", "json"],
        &APPLY,
        &["apply", "--auto-approve", "--allow", "all", "--format", "json"],
        &["lock", "list"],
        &["lock", "list", "--format", "json"],
        &["recover"],
    ] {
        for columns in ["40", "120"] {
            let mut command = world.command(args);
            command.args(["-vv"].iter().filter(|_| !args.contains(&"-v"))).env("COLUMNS", columns);
            let ended = finish(&mut command);
            both(&format!("{what}: {args:?}"), &ended);
            if args.contains(&"json") {
                ended.json();
            }
        }
    }
    if world.path("events.jsonl").exists() {
        let events = world.read("events.jsonl");
        tame(&format!("{what}: events"), &events);
        for line in events.lines() {
            serde_json::from_str::<Value>(line).unwrap();
        }
    }
}

/// A quote whose every text is this one.
fn everywhere(name: &str, text: &str) -> String {
    tame_json(&json!({
        "quote": name, "title": text, "expires": "2027-12-01", "state": "draft",
        "customer": { "email": "jo@acme.example" }, "deal": "Acme renewal 2027",
        "items": [{ "key": "a", "name": text, "price": "10.00", "description": text }],
        "fees": [{ "label": text, "amount": "5.00" }],
        "notes": { "public": text, "terms": text }, "tags": [text],
        "hubspot": { "hs_sender_company_name": text },
    }))
}

/// Names, titles, notes and labels of a manifest. JSON is YAML: every character can be written.
#[test]
fn text_of_a_manifest_does_nothing() {
    let mut sound = Vec::new();
    for (n, (what, text)) in HOSTILE.iter().enumerate() {
        let quote = everywhere(&format!("q{n}"), text);
        let world = World::small(&quote);
        for args in [&["validate"][..], &["validate", "--format", "json"]] {
            let ended = world.run(args);
            both(&format!("{what}: {args:?}"), &ended);
            if ended.code == 0 && args.len() == 1 {
                sound.push(quote.clone());
            }
        }
    }
    // What may stand in a quote is planned and applied, all at once.
    assert!(sound.len() > 12, "{} of the texts may stand in a quote", sound.len());
    all_commands("all", &World::small(&sound.join("\n---\n")));
}

/// As names that are not there, as keys, and as words in the wrong place.
#[test]
fn text_in_the_wrong_place_does_nothing() {
    let all = |quote: &dyn Fn(&str) -> Value| {
        let quotes: Vec<String> = HOSTILE.iter().map(|(_, text)| tame_json(&quote(text))).collect();
        World::small(&quotes.join("\n---\n"))
    };
    let wrong: [&dyn Fn(&str) -> Value; 4] = [
        &|text| json!({ "quote": text }),
        &|text| json!({ "quote": "one", text: text }),
        &|text| {
            json!({ "quote": "one", "deal": text, "owner": text, "template": text,
                        "expires": "2027-12-01", "customer": { "email": text } })
        },
        &|text| {
            json!({ "quote": "one", "state": text, "expires": text, "currency": text,
                        "items": [{ "name": "x", "price": text, "key": text }] })
        },
    ];
    for (n, wrong) in wrong.into_iter().enumerate() {
        let world = all(wrong);
        for args in [&["validate"][..], &["validate", "--format", "json"], &["plan"]] {
            both(&format!("{n}: {args:?}"), &world.run(args));
        }
    }
    // Names that upstream does not know come back in what it is asked for.
    for (what, text) in HOSTILE {
        let mut quote = everywhere("one", "T");
        let deal = tame_json(&json!(text));
        quote = quote.replace("\"Acme renewal 2027\"", &deal);
        both(what, &World::small(&quote).run(&["plan"]));
    }
}

/// JSON with everything outside of ASCII escaped, as YAML wants its controls.
fn tame_json(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() && c != '\u{7f}' {
            out.push(c);
        } else if u32::from(c) <= 0xffff {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push_str(&format!("\\U{:08x}", u32::from(c)));
        }
    }
    out
}

/// What stands upstream: every text in records of its own, all on one page.
#[test]
fn text_of_an_upstream_does_nothing() {
    let quotes: Vec<String> =
        (0..HOSTILE.len()).map(|n| plain_quote(&format!("q{n}"), "draft")).collect();
    let world = World::small(&quotes.join("---\n"));
    world.apply().expect(0);
    let texts = || HOSTILE.iter().map(|(_, text)| *text);
    for (record, text) in world.records("quotes").iter().zip(texts()) {
        let id = record["id"].as_str().unwrap();
        world.colleague("quotes", id, &json!({ "hs_title": text, "hs_terms": text }));
    }
    for (record, text) in world.records("line_items").iter().zip(texts().cycle()) {
        let id = record["id"].as_str().unwrap();
        world.colleague("line_items", id, &json!({ "name": text, "description": text }));
    }
    for (record, text) in world.records("deals").iter().zip(texts().cycle()) {
        let id = record["id"].as_str().unwrap();
        world.colleague("deals", id, &json!({ "dealname": text }));
    }
    for args in [&["plan"][..], &["plan", "-v"], &["plan", "--format", "json"]] {
        for columns in ["40", "120"] {
            let mut command = world.command(args);
            both(&format!("{args:?}"), &finish(command.env("COLUMNS", columns)));
        }
    }
}

/// What an upstream answers when it refuses.
#[test]
fn refusals_of_an_upstream_do_nothing() {
    for (what, text) in HOSTILE {
        let world = World::small(&plain_quote("one", "draft"));
        let body = json!({ "status": "error", "message": text, "category": text,
            "correlationId": text, "policyName": text,
            "errors": [{ "message": text, "context": { *text: [text] } }] });
        for (on, status, args) in [
            ("read", 400, &["plan", "-vv"][..]),
            ("read", 403, &["plan", "--format", "json"]),
            ("write", 409, &APPLY),
        ] {
            world.faults(&json!([{ "on": on, "do": format!("status:{status}"), "body": body }]));
            let ended = world.run(args);
            assert_ne!(ended.code, 0, "{what}");
            both(&format!("{what}: {status} to {args:?}"), &ended);
        }
        tame(what, &world.read("events.jsonl"));
        both(what, &world.run(&["recover"]));
    }
}

/// A megabyte is told in a few lines for people, and whole for programs.
#[test]
fn a_megabyte_does_not_flood_the_terminal() {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    // As long as HubSpot's values may be.
    let title = "\u{202e}x y".repeat(16_000);
    world.colleague("quotes", &id, &json!({ "hs_title": title }));
    let ended = world.run(&["plan"]).expect(0);
    both("a megabyte", &ended);
    assert!(ended.stdout.len() < 20_000, "{} bytes on the page", ended.stdout.len());
    let ended = world.run(&["plan", "--format", "json"]).expect(0);
    both("a megabyte", &ended);
    assert!(ended.json().to_string().contains(&title), "the document cuts nothing");
    let long = "\u{202e}x y".repeat(250_000);
    let body = json!({ "status": "error", "message": long });
    world.faults(&json!([{ "on": "read", "do": "status:400", "body": body }]));
    let ended = world.run(&["plan"]).expect(1);
    both("a megabyte", &ended);
    assert!(ended.stderr.len() < 20_000, "{} bytes of error", ended.stderr.len());
}

/// Words of the command line come back in errors, ours and clap's.
#[test]
fn words_of_the_command_line_do_nothing() {
    let world = World::small(&plain_quote("one", "draft"));
    for (what, text) in HOSTILE.iter().filter(|(_, text)| !text.contains('\0')) {
        for args in [
            &[*text][..],
            &["plan", *text],
            &["plan", "--only", *text],
            &["plan", "--override", *text],
            &["apply", *text, "--auto-approve"],
            &["apply", "--auto-approve", "--allow", *text],
            &["apply", "--parallelism", *text],
            &["recover", *text, "--absent"],
            &["lock", "forget", *text],
            &["providers", *text],
            &["-C", *text, "plan"],
            &["--format", *text, "plan"],
            &["--sandbox", *text, "plan"],
            &["plan", "--out", *text],
        ] {
            let ended = finish(bare(world.dir()).args(args));
            both(&format!("{what}: {args:?}"), &ended);
        }
    }
}

/// A lockfile and a journal that somebody else wrote.
#[test]
fn text_of_a_lockfile_does_nothing() {
    for (what, text) in HOSTILE.iter().filter(|(_, text)| !text.contains(['\n', '\r'])) {
        let world = World::small(&plain_quote("one", "draft"));
        world.apply().expect(0);
        let lock = world.read("proforma.sandbox.lock");
        let encoded: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        for (from, to) in [
            ("  state ", format!("  state {encoded}\n#")),
            ("  link quote", format!("  link {encoded}")),
            ("quote one", format!("quote one\n  {text}")),
            ("  provider hubspot", format!("  provider {encoded}")),
        ] {
            world.write("proforma.sandbox.lock", &lock.replacen(from, &to, 1));
            for args in [
                &["lock", "list"][..],
                &["lock", "list", "--format", "json"],
                &["validate"],
                &["plan"],
                &["plan", "--format", "json"],
            ] {
                both(&format!("{what}: {args:?} after {to:?}"), &world.run(args));
            }
        }
    }
}

/// Whoever reads only the first line ends nothing.
#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_error() {
    let world = World::northlight();
    let url = world.url();
    for args in ["plan", "plan --format json", "validate", "lock list", "providers", "--help"] {
        let line = format!(
            "set -o pipefail; {} --sandbox {url} {args} | head -c 1 >/dev/null",
            env!("CARGO_BIN_EXE_proforma")
        );
        let mut command = Command::new("bash");
        command.args(["-c", &line]).current_dir(world.dir()).stdin(Stdio::null());
        let ended = finish(&mut command);
        assert_eq!(
            (ended.code, ended.stderr.contains("panicked")),
            (0, false),
            "{args}: {}",
            ended.stderr
        );
    }
}
