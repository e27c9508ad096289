//! Canaries: secrets that are easy to recognise, searched for in everything that a run says or
//! leaves behind, whatever goes wrong in it.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use support::{Ended, World, bare, finish, plain_quote};

/// The environment of a run: each secret holds this word.
const CANARY: &str = "canary4f7d19";

const SECRETS: [(&str, &str); 5] = [
    ("HUBSPOT_TOKEN", "pat-na1-canary4f7d19-hubspot"),
    ("QUICKQUOTE_TOKEN", "qq/canary4f7d19+quickquote=="),
    ("SALESBYTE_UUID", "0b0e-canary4f7d19-uuid"),
    ("SALESBYTE_TOKEN", "sb|canary4f7d19|salesbyte"),
    ("DEALHUB_TOKEN", "dh.canary4f7d19.dealhub"),
];

/// One workspace on all four upstreams, each spoken to as if it were the real one.
fn four() -> World {
    let world = World::empty();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/four-upstreams");
    for folder in ["quotes", "catalog"] {
        for entry in fs::read_dir(source.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            world.write(&format!("{folder}/{name}"), &fs::read_to_string(&path).unwrap());
        }
    }
    let mut text = fs::read_to_string(source.join("proforma.yaml")).unwrap();
    for (provider, mount) in [
        ("hubspot", "hubspot"),
        ("quickquote", "quickquote/api/v1"),
        ("salesbyte", "salesbyte"),
        ("dealhub", "dealhub"),
    ] {
        let from = format!("provider: {provider}\n");
        assert!(text.contains(&from));
        text = text.replace(&from, &format!("{from}    base_url: {}/{mount}\n", world.url()));
    }
    world.write("proforma.yaml", &text);
    world
}

fn run(world: &World, args: &[&str], log: Option<&str>) -> Ended {
    let mut command = bare(world.dir());
    command.args(args).envs(SECRETS);
    if let Some(format) = log {
        command.env("PROFORMA_LOG", "trace").env("PROFORMA_LOG_FORMAT", format);
    }
    let ended = finish(&mut command);
    silent(&ended, args);
    ended
}

/// No canary on either stream.
#[track_caller]
fn silent(ended: &Ended, args: &[&str]) {
    for text in [&ended.stdout, &ended.stderr] {
        let at = text.find(CANARY);
        assert!(
            at.is_none(),
            "{args:?} gave a secret away: {:?}",
            at.map(|at| text[at.saturating_sub(300)..].chars().take(400).collect::<String>())
        );
    }
}

/// No canary in any file below the workspace, save in those named.
#[track_caller]
fn nothing_left(folder: &Path, save: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_left(&path, save);
        } else if !save.iter().any(|name| path.ends_with(name)) {
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            assert!(!text.contains(CANARY), "{} holds a secret", path.display());
        }
    }
}

const APPLY: [&str; 6] = ["apply", "--auto-approve", "--allow", "all", "--events", "events.jsonl"];

#[test]
fn a_run_of_all_commands_at_every_level_gives_no_secret_away() {
    let world = four();
    for log in [None, Some("text"), Some("json")] {
        for level in [&[][..], &["-v"], &["-vv"], &["-q"]] {
            for format in ["human", "json"] {
                let args = [&["plan", "--out", "plan.json", "--format", format], level].concat();
                run(&world, &args, log).expect(0);
            }
        }
    }
    nothing_left(world.dir(), &[]);
    assert!(world.read("plan.json").contains("\"steps\""));
    run(&world, &[&APPLY[..], &["-vv"]].concat(), Some("text")).expect(0);
    assert!(world.read("events.jsonl").contains("settled"));
    nothing_left(world.dir(), &[]);
    for args in [
        &["validate"][..],
        &["validate", "--format", "json"],
        &["lock", "list"],
        &["lock", "list", "--format", "json"],
        &["providers", "--format", "json"],
        &["recover"],
        &["plan", "-vv", "--format", "json"],
        &["apply", "plan.json", "--auto-approve", "-vv"],
    ] {
        run(&world, args, Some("text"));
    }
    nothing_left(world.dir(), &[]);
}

/// Upstreams that repeat the credentials: in refusals, and in what they store.
#[test]
fn an_upstream_that_echoes_the_credentials_is_not_repeated() {
    // Each upstream knows its own.
    let known = [
        ("/hubspot/", &SECRETS[..1]),
        ("/quickquote/", &SECRETS[1..2]),
        ("/salesbyte/", &SECRETS[2..4]),
        ("/dealhub/", &SECRETS[4..]),
    ];
    for (on, status) in
        [("read", 400), ("read", 401), ("read", 403), ("read", 404), ("write", 400), ("write", 403)]
    {
        let world = four();
        let faults: Vec<_> = known
            .iter()
            .map(|(path, secrets)| {
                let all: Vec<&str> = secrets.iter().map(|(_, secret)| *secret).collect();
                json!({
                    "on": on, "match": path, "do": format!("status:{status}"),
                    "headers": { "x-hubspot-correlation-id": all[0], "x-request-id": all[0] },
                    "body": {
                        "status": "error", "message": format!("bad token: {}", all.join(" ")),
                        "errors": [{ "message": all.concat(), "context": { "token": all } }],
                        "error": all, "correlationId": all[0], "policyName": all[0],
                        "category": all[0],
                    },
                })
            })
            .collect();
        world.faults(&json!(faults));
        for format in ["human", "json"] {
            let args = [&APPLY[..], &["-vv", "--format", format]].concat();
            let ended = run(&world, &args, Some("text"));
            assert_ne!(ended.code, 0, "{on} {status}");
        }
        nothing_left(world.dir(), &[]);
    }
    // In a title and the name of a line, that a plan shows and saves.
    let world = World::connected(&plain_quote("one", "draft"));
    let token = SECRETS[0].1;
    let args = ["apply", "--auto-approve", "--allow", "all"];
    world.direct(&args, Some(token)).expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": format!("Paid with {token}!") }));
    for format in ["human", "json"] {
        let args = ["plan", "--out", "plan.json", "--format", format];
        let ended = world.direct(&args, Some(token)).expect(0);
        silent(&ended, &args);
        assert!(ended.stdout.contains("Paid with [secret]!"), "{}", ended.stdout);
    }
    nothing_left(world.dir(), &[]);
}

/// JSON may write any character as `\uXXXX`, and some encoders do.
#[test]
fn a_token_that_is_echoed_in_escapes_is_not_repeated() {
    let token = SECRETS[1].1;
    let escaped: String = token
        .chars()
        .map(|c| match c {
            '/' => "\\/".to_owned(),
            '+' => "\\u002B".to_owned(),
            '=' => "\\u003d".to_owned(),
            'c' => "\\u0063".to_owned(),
            c => c.to_string(),
        })
        .collect();
    let body = format!("{{\"message\":\"bad token {escaped}, sorry\"}}");
    let answer = format!(
        "HTTP/1.1 422 No\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            let _ = stream.read(&mut head);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let world = World::empty();
    world.write(
        "proforma.yaml",
        &format!(
            "proforma: 1\nworkspace: w\nconnections:\n  c:\n    provider: quickquote\n    \
             token: {{ env: QUICKQUOTE_TOKEN }}\n    base_url: {url}\n"
        ),
    );
    world.write(
        "quotes/a.yaml",
        "quote: a\ncustomer: { email: jo@acme.example }\nitems: [{ name: N, price: 1.00 }]\n",
    );
    for format in ["human", "json"] {
        let ended = run(&world, &["plan", "-vv", "--format", format], Some("text"));
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert!(told.contains("[secret], sorry"), "{told}");
    }
}

/// A run that dies leaves a journal without a secret.
#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_secret() {
    let world = four();
    world.faults(&json!([{ "on": "write", "nth": 2, "do": "hold_after" }]));
    let mut command = bare(world.dir());
    let mut child = command.args(APPLY).envs(SECRETS).spawn().unwrap();
    assert!(world.held(&mut child));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(world.path(".proforma/journal.jsonl").exists());
    nothing_left(world.dir(), &[]);
}

#[test]
fn secrets_from_files_stay_in_their_files() {
    let world = World::connected(&plain_quote("one", "draft"));
    world.edit("proforma.yaml", "{ env: HUBSPOT_TOKEN }", "{ file: token.txt }");
    let args = ["apply", "--auto-approve", "--allow", "all", "-vv"];
    world.write("token.txt", &format!("{CANARY}-good-token\n"));
    silent(&world.direct(&args, None).expect(0), &args);
    // What is no token is not shown either.
    for text in [format!("{CANARY} two words"), format!("{CANARY}\nx"), format!("{CANARY}\u{e5}")] {
        world.write("token.txt", &text);
        silent(&world.direct(&args, None).expect(8), &args);
    }
    nothing_left(world.dir(), &["token.txt"]);
}

#[test]
fn secrets_in_the_environment_that_are_no_tokens_are_not_shown() {
    let world = World::connected(&plain_quote("one", "draft"));
    for text in [format!("{CANARY} x"), format!("{CANARY}\n"), format!("{CANARY}\u{1b}[2J")] {
        for args in [&["plan"][..], &["plan", "--format", "json", "-vv"]] {
            silent(&world.direct(args, Some(&text)).expect(8), args);
        }
    }
}

/// A secret that somebody wrote where none belongs is hidden in the very error that refuses it.
#[test]
fn secrets_in_the_workspace_are_refused_and_hidden() {
    let token = "token: { env: HUBSPOT_TOKEN }";
    for written in [
        "token: canary4f7d19",
        "token: \"canary4f7d19\"",
        "token: { env: canary4f7d19-x }",
        "token: [canary4f7d19]",
        "token: { value: canary4f7d19 }",
        "api_key: canary4f7d19",
        "password: canary4f7d19",
        "base_url: https://jo:canary4f7d19@api.hubapi.com",
        "base_url: https://canary4f7d19@api.hubapi.com",
        "base_url: https://jo:canary4f7d19@",
        "base_url: https://jo:canary4f7d19@[::1",
        "base_url: ftp://jo:canary4f7d19@api.hubapi.com",
        "base_url: https://api.hubapi.com?key=canary4f7d19",
        "base_url: https://api.hubapi.com#canary4f7d19",
    ] {
        let world = World::small(&plain_quote("one", "draft"));
        let both = if written.starts_with("token") {
            written.to_owned()
        } else {
            format!("{token}\n    {written}")
        };
        world.edit("proforma.yaml", token, &both);
        for args in
            [&["validate"][..], &["validate", "--format", "json"], &["plan"], &["apply", "-vv"]]
        {
            silent(&world.direct(args, Some("token")).expect(10), args);
        }
    }
}

/// Everything that looks at a workspace file that may be broken.
const LOOKS: [&[&str]; 5] = [
    &["validate"],
    &["validate", "--format", "json"],
    &["validate", "--format", "sarif"],
    &["validate", "--format", "github"],
    &["fmt", "--check", "-v"],
];

/// A file that cannot be read as YAML is shown all the same, and just then nothing of it is known
/// but its text.
#[test]
fn secrets_in_a_broken_workspace_file_are_hidden() {
    let token = "    token: { env: HUBSPOT_TOKEN }\n";
    for written in [
        "    token: \"canary4f7d19\n",
        "    token: \"canary4f7d19\\q\"\n",
        "    token: { env: canary4f7d19\n",
        "    token: *canary4f7d19\n",
        "    token: @canary4f7d19\n",
        "    token: &a canary4f7d19\n",
        "    token: !!str canary4f7d19\n",
        "    token canary4f7d19\n",
        "    token:canary4f7d19\n",
        "    token=canary4f7d19\n",
        "    token: { env: A }\n    token: canary4f7d19\n",
        "    token: { canary4f7d19: x }\n",
        "    token: { canary4f7d19: x, canary4f7d19: y }\n",
        "    token:\n      canary4f7d19:\n",
        "    token: { file: [canary4f7d19] }\n",
        "    token: { env: canary4f7d19, file: canary4f7d19 }\n",
        "    token: { env: A } canary4f7d19\n",
        "    token: { env: A }\n    <<: { token: canary4f7d19 }\n",
        "    token: { env: A }\n    bearer: canary4f7d19\n",
        "    token: { env: A }\n    pwd: canary4f7d19\n",
        "    token: { env: A }\n    base_url: [https://u:canary4f7d19@api.hubapi.com]\n",
        "    token: { env: A }\n  b: { provider: hubspot, token: canary4f7d19, foo: @ }\n",
        "    token: { env: A }\n  token: { canary4f7d19: x }\n",
        "    token: { env: A }\n---\ntoken: canary4f7d19\n",
        "    token: { env: A }\ntoken: canary4f7d19\n",
        "    token: { env: A }\nauthorization: Bearer canary4f7d19\n",
        "    token: { env: A }\ncredentials:\n  crm: canary4f7d19\n",
        "    token: canary4f7d19\u{0}\n",
    ] {
        let world = World::small(&plain_quote("one", "draft"));
        let defaults = "    defaults: { template: Default Modern, currency: USD }\n";
        let head = support::SMALL.replace(token, "").replace(defaults, "");
        world.write("proforma.yaml", &format!("{head}{written}"));
        let others = [&["plan"][..], &["plan", "--offline"], &["status"], &["apply", "-vv"]];
        for args in LOOKS.into_iter().chain(others) {
            silent(&world.direct(args, Some("token")), args);
        }
        // In a file that is no UTF-8 either.
        let mut bytes = format!("{head}{written}").into_bytes();
        bytes.extend_from_slice(b"    token: canary4f7d19 \xff\n");
        fs::write(world.path("proforma.yaml"), bytes).unwrap();
        for args in LOOKS {
            silent(&world.direct(args, Some("token")), args);
        }
    }
}

/// Keys of secrets, what may stand between them and the secret, how it may be written, and where.
const KEYS: &str = "token Token \"token\" 'token' uuid api_key API-KEY x-api-key apikey access_token \
                    password passwd pwd secret client_secret bearer auth authorization credential \
                    credentials";
const BETWEEN: [&str; 13] = [
    ": ",
    ":",
    " : ",
    "=",
    " = ",
    ":\t",
    ": &a ",
    ": !!str ",
    ":\n        ",
    ": |\n        ",
    ": >-\n        ",
    ":\n   ",
    " ",
];
const SECRET: [&str; 29] = [
    "@@",
    "\"@@\"",
    "\"@@",
    "'@@",
    "\"@@\\q\"",
    "{ @@: x }",
    "{ @@: x, @@: y }",
    "{@@}",
    "{ env: @@ }",
    "{ env: @@, file: @@ }",
    "{ file: [@@] }",
    "{ env: [@@",
    "[@@",
    "*@@",
    "@@@",
    "`@@`",
    "!@@ x",
    "&@@ x",
    "%@@",
    "@@: y",
    "@@ \u{1}",
    "Bearer @@",
    "{ env: A } @@",
    "@@\u{e9}",
    "{ a: { b: @@ } }",
    "a\n     @@",
    "\"a\n @@\"",
    "- @@",
    "[a,\n    @@: x\n  ]",
];
const AROUND: [&str; 11] = [
    "    ##\n",
    "##\n",
    "  ##\n",
    "  b: { provider: hubspot, ##, foo: 1 }\n",
    "    defaults: { ## }\n",
    "    <<: { ## }\n",
    "---\n##\n",
    "\t##\n",
    "   ##\n",
    "    - ##\n",
    "    ? ##\n",
];
const BEHIND: [&str; 5] = ["", "    foo: @\n", "    rate: [\n", "    bad\n", "\u{0}"];

/// However a secret is spelt behind a key that says what it is, nobody repeats it.
#[test]
fn secrets_behind_their_keys_are_hidden_in_any_spelling() {
    let keys: Vec<&str> = KEYS.split_whitespace().collect();
    let written =
        (select(keys), select(&BETWEEN), select(&SECRET), select(&AROUND), select(&BEHIND))
            .prop_map(|(key, between, secret, around, behind)| {
                let entry = format!("{key}{between}{}", secret.replace("@@", CANARY));
                around.replace("##", &entry) + behind
            });
    let world = World::small(&plain_quote("one", "draft"));
    let head = support::SMALL;
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    TestRunner::new_with_rng(config, seed)
        .run(&written, |written| {
            world.write("proforma.yaml", &format!("{head}{written}"));
            for args in LOOKS {
                let ended = world.direct(args, Some("token"));
                let told = format!("{}{}", ended.stdout, ended.stderr);
                prop_assert!(!told.contains(CANARY), "{:?}\n{}", args, told);
            }
            Ok(())
        })
        .unwrap();
}

/// Addresses with a password in them: on the command line, and of a proxy.
#[test]
fn passwords_in_addresses_are_not_repeated() {
    let world = World::small(&plain_quote("one", "draft"));
    for url in ["http://jo:canary4f7d19@127.0.0.1:9", "http://jo:canary4f7d19@evil.example"] {
        for args in
            [&["--sandbox", url, "plan"][..], &["--sandbox", url, "plan", "--format", "json"]]
        {
            silent(&world.direct(args, None).expect(10), args);
        }
    }
    let mut command = bare(world.dir());
    command.args(["plan", "-vv"]).env("HUBSPOT_TOKEN", "token");
    command.env("HTTPS_PROXY", "http://jo:canary4f7d19@127.0.0.1:9");
    command.env("PROFORMA_LOG", "trace");
    silent(&finish(&mut command).expect(1), &["plan", "behind a proxy"]);
}

/// Credentials leave in clear to this machine only, and to hosts of the provider only.
#[test]
fn credentials_are_bound_to_the_providers_host() {
    let world = World::small(&plain_quote("one", "draft"));
    let token = "token: { env: HUBSPOT_TOKEN }";
    for (url, code) in [
        ("http://api.hubapi.com", "bad-base-url"),
        ("http://192.168.0.1", "bad-base-url"),
        ("http://localhost.evil.example", "bad-base-url"),
        ("http://127.0.0.1.nip.io", "bad-base-url"),
        ("https://evil.example", "host-not-allowed"),
        ("https://api.hubapi.com.evil.example", "host-not-allowed"),
        ("https://evil.example/api.hubapi.com", "host-not-allowed"),
        ("https://requestquote.w3apps.co", "host-not-allowed"),
        ("file:///etc/passwd", "bad-base-url"),
    ] {
        let world_text = support::SMALL.replace(token, &format!("{token}\n    base_url: {url}"));
        world.write("proforma.yaml", &world_text);
        let ended = world.direct(&["plan", "--format", "json"], Some("token")).expect(10);
        assert!(ended.stdout.contains(code), "{url}: {}", ended.stdout);
    }
}
