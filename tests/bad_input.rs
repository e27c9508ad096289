//! Bad input: whatever a person, an editor or a merge can do to a workspace, each through
//! `validate`, `plan` and `apply`, for people and for programs.
//!
//! For each: exit code 10, the place and a caret for people, one valid JSON document with code,
//! file, line and column for programs, and not one write upstream. The offending text is marked
//! with `«` in the input, so that places are not counted by hand.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use serde_json::{Value, json};
use support::{Ended, World, plain_quote};

const ALL: &str = "quotes/all.yaml";

/// Line and column of the mark, and the text without it.
fn unmark(text: &str) -> (String, Option<(u64, u64)>) {
    let Some(at) = text.find('«') else { return (text.to_owned(), None) };
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (text.replacen('«', "", 1), Some((line as u64, column as u64)))
}

fn diagnostic(document: &Value, code: &str) -> Option<Value> {
    document["diagnostics"].as_array().unwrap().iter().find(|d| d["code"] == code).cloned()
}

/// Nothing but text, line feeds and the frame of a message.
#[track_caller]
fn harmless(ended: &Ended) {
    for text in [&ended.stdout, &ended.stderr] {
        let bad = text.chars().find(|c| {
            (c.is_control() && *c != '\n')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        });
        assert_eq!(bad, None, "reaches the terminal raw: {text:?}");
        assert!(!text.contains("panicked") && !text.contains("RUST_BACKTRACE"), "{text}");
    }
}

/// What is expected of a refusal.
struct Refusal<'a> {
    code: &'a str,
    file: &'a str,
    place: Option<(u64, u64)>,
    /// Texts that message or way out must hold.
    says: &'a [&'a str],
}

impl Refusal<'_> {
    /// The commands refuse the workspace as described, and write nothing.
    #[track_caller]
    fn by(&self, world: &World, commands: &[&[&str]]) {
        for command in commands {
            let human = world.run(command);
            let shown = format!("{command:?}\n{}\n{}", human.stdout, human.stderr);
            assert_eq!(human.code, 10, "{}: {shown}", self.code);
            harmless(&human);
            let text = if command[0] == "validate" { &human.stdout } else { &human.stderr };
            assert!(text.contains(self.code), "no {}: {shown}", self.code);
            if let Some((line, column)) = self.place {
                let place = format!("{}:{line}:{column}]", self.file);
                assert!(text.contains(&place), "no {place}: {shown}");
                let caret = |l: &str| {
                    l.trim_start().strip_prefix('·').is_some_and(|l| l.contains(['─', '▲']))
                };
                assert!(text.lines().any(caret), "no caret: {shown}");
            }
            let mut args = command.to_vec();
            args.extend(["--format", "json"]);
            let ended = world.run(&args).expect(10);
            harmless(&ended);
            let document = ended.json();
            let found = diagnostic(&document, self.code)
                .unwrap_or_else(|| panic!("{command:?}: no {}: {document:#}", self.code));
            assert_eq!(found["severity"], "error");
            if let Some((line, column)) = self.place {
                assert_eq!(
                    (&found["file"], &found["line"], &found["column"]),
                    (&json!(self.file), &json!(line), &json!(column)),
                    "{}: {found:#}",
                    self.code
                );
            }
            let words = format!("{} {}", found["message"], found["help"]);
            for text in self.says {
                assert!(words.contains(text), "{} lacks {text:?}: {words}", self.code);
            }
        }
        assert_eq!(world.writes(), 0, "{}: written", self.code);
        assert!(!world.path("proforma.sandbox.lock").exists());
    }
}

const OFFLINE: &[&[&str]] =
    &[&["validate"], &["plan"], &["apply", "--auto-approve", "--allow", "all"]];
const ONLINE: &[&[&str]] = &[&["plan"], &["apply", "--auto-approve", "--allow", "all"]];

/// The plain quote with an edit; the edit marks what is wrong.
#[track_caller]
fn edited(from: &str, to: &str) -> (World, Option<(u64, u64)>) {
    let plain = plain_quote("one", "draft");
    assert!(plain.contains(from), "{from:?}");
    let (text, place) = unmark(&plain.replacen(from, to, 1));
    (World::small(&text), place)
}

#[track_caller]
fn offline(from: &str, to: &str, code: &str, says: &[&str]) {
    let (world, place) = edited(from, to);
    assert!(place.is_some(), "mark the offending text");
    Refusal { code, file: ALL, place, says }.by(&world, OFFLINE);
    let (reads, _) = world.requests();
    assert_eq!(reads, 0, "{code}: what is known offline needs no request");
}

#[track_caller]
fn online(from: &str, to: &str, code: &str, says: &[&str]) {
    let (world, place) = edited(from, to);
    assert!(place.is_some(), "mark the offending text");
    world.run(&["validate"]).expect(0);
    Refusal { code, file: ALL, place, says }.by(&world, ONLINE);
}

// ---- Keys ----------------------------------------------------------------------------------------

#[test]
fn unknown_misspelt_and_duplicate_keys() {
    offline("state: draft", "state: draft\n«colour: red", "unknown-key", &["`colour`"]);
    offline("title:", "«titel:", "unknown-key", &["`titel`", "`title`"]);
    offline("quantity: 2", "«quantitty: 2", "unknown-key", &["`quantity`"]);
    offline("label: Setup", "label: Setup, «lable: x", "unknown-key", &["`label`"]);
    offline("state: draft", "state: draft\n«state: published", "duplicate-key", &["state"]);
    offline("price: 100.00", "price: 100.00, «price: 10.00", "duplicate-key", &["price"]);
}

#[test]
fn every_error_of_every_file_is_told_at_once() {
    let world = World::small(&plain_quote("one", "draft").replace("title:", "titel:"));
    world.write(
        "quotes/b.yaml",
        &plain_quote("two", "draft").replace("price: 100.00", "price: 1,5"),
    );
    world.write("quotes/c.yaml", "quote: three\nexpires: never\n");
    world.write("catalog/p.yaml", "product: p\nprice: [1]\n");
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let files: std::collections::BTreeSet<&str> = found["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["file"].as_str())
        .collect();
    assert_eq!(
        files.into_iter().collect::<Vec<_>>(),
        ["catalog/p.yaml", ALL, "quotes/b.yaml", "quotes/c.yaml"]
    );
    // One file alone, on demand.
    let one = world.run(&["validate", "quotes/c.yaml", "--format", "json"]).expect(10).json();
    let rows = one["diagnostics"].as_array().unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|d| d["file"] == "quotes/c.yaml"), "{one}");
}

// ---- Values --------------------------------------------------------------------------------------

#[test]
fn wrong_types() {
    offline("title: Title of one", "title: «[a, b]", "wrong-type", &["title"]);
    offline("customer: { email: jo@acme.example }", "customer: «jo", "wrong-type", &["customer"]);
    offline("quantity: 2", "quantity: «[2]", "wrong-type", &["quantity"]);
    offline("expires: 2027-12-01", "expires: «{ on: 2027-12-01 }", "wrong-type", &["expires"]);
    offline("fees: [{ label: Setup, amount: 20.00 }]", "fees: «Setup", "wrong-type", &["fees"]);
    offline("state: draft", "state: «publish", "unknown-word", &["published"]);
    // Which element it is, is said.
    let second = "  - { key: b, name: Bundle, price: 50.50, discount: 10% }";
    let (world, place) = edited(second, "  -«");
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let found = diagnostic(&found, "wrong-type").unwrap();
    assert_eq!(found["message"], "element 2 of `items` must be a map, not nothing");
    assert_eq!(place, found["line"].as_u64().zip(found["column"].as_u64()));
}

#[test]
fn bad_dates() {
    for date in ["2027-02-30", "01/02/2027", "2027-1-2", "soon", "20271201"] {
        offline("expires: 2027-12-01", &format!("expires: «{date}"), "bad-date", &["YYYY-MM-DD"]);
    }
}

#[test]
fn numbers_that_are_not_exact() {
    offline("price: 100.00", "price: «100.001", "too-many-decimals", &["USD", "100.00"]);
    offline("amount: 20.00", "amount: «20.005", "too-many-decimals", &["USD"]);
    offline("price: 100.00", "price: «1e3", "bad-number", &["price"]);
    offline("price: 100.00", "price: «0x10", "bad-number", &["price"]);
    offline("price: 100.00", "price: «\"12,000.00\"", "bad-number", &["12000.00"]);
    // A suggestion that is taken never changes the money.
    offline("price: 100.00", "price: «\"1.500,00\"", "bad-number", &["write `1500.00`"]);
    offline("price: 100.00", "price: «\"12.345,67\"", "bad-number", &["write `12345.67`"]);
    offline("price: 100.00", "price: «\"12,50\"", "bad-number", &["digits and one point"]);
    offline("discount: 10%", "discount: «10 %", "bad-number", &["not `10 %`", "write `10%`"]);
    offline("discount: 10%", "discount: «\"+10%\"", "bad-number", &["write `10%`"]);
    offline("price: 100.00", "price: «.inf", "bad-number", &["price"]);
    offline("price: 100.00", "price: «-1.00", "negative-amount", &["discount"]);
    offline("discount: 10%", "discount: «110%", "bad-percent", &["100%"]);
    offline("price: 100.00", "price: «1234567890123456789012345678901.00", "bad-number", &["28"]);
    // Zeros are no digits that a currency lacks.
    let (world, _) = edited("price: 100.00", "price: 100.000");
    world.run(&["validate"]).expect(0);
}

#[test]
fn names_and_keys_that_stand_twice() {
    let (world, place) = edited("fees:", "notes: { public: x }\nfees:");
    assert_eq!(place, None);
    let (second, place) = unmark(&plain_quote("one", "draft").replace("quote: one", "quote: «one"));
    world.write("quotes/z.yaml", &second);
    Refusal { code: "duplicate-quote", file: "quotes/z.yaml", place, says: &[ALL] }
        .by(&world, OFFLINE);
    offline("key: b", "key: «a", "duplicate-item", &["`a`"]);
    offline("quote: one", "quote: «One!", "bad-name", &[]);
}

#[test]
fn things_that_are_not_there() {
    offline("state: draft", "state: draft\nconnection: «crn", "unknown-connection", &["crn"]);
    offline("name: Audit", "product: «audit", "unknown-product", &["audit"]);
    offline("state: draft", "state: draft\ncurrency: «XXQ", "unknown-currency", &["XXQ"]);
}

// ---- Files ---------------------------------------------------------------------------------------

#[test]
fn a_workspace_that_is_not_there() {
    let world = World::empty();
    Refusal { code: "no-workspace", file: "", place: None, says: &["proforma.yaml"] }
        .by(&world, OFFLINE);
}

#[test]
fn a_quotes_folder_that_is_not_there() {
    let (world, _) = edited("state: draft", "state: draft");
    let text =
        world.read("proforma.yaml").replace("connections:", "quotes: [«nothing]\nconnections:");
    let (text, place) = unmark(&text);
    world.write("proforma.yaml", &text);
    Refusal { code: "missing-file", file: "proforma.yaml", place, says: &["nothing"] }
        .by(&world, OFFLINE);
}

#[test]
fn a_secret_in_the_workspace_is_refused_and_never_shown() {
    let (world, _) = edited("state: draft", "state: draft");
    let text =
        world.read("proforma.yaml").replace("{ env: HUBSPOT_TOKEN }", "«pat-na1-very-secret");
    let (text, place) = unmark(&text);
    world.write("proforma.yaml", &text);
    Refusal { code: "literal-secret", file: "proforma.yaml", place, says: &["env"] }
        .by(&world, OFFLINE);
    for command in OFFLINE {
        let ended = world.run(command);
        assert!(!ended.stdout.contains("very-secret") && !ended.stderr.contains("very-secret"));
    }
}

#[test]
fn a_base_url_elsewhere_needs_the_environments_word() {
    let (world, _) = edited("state: draft", "state: draft");
    world.edit(
        "proforma.yaml",
        "    defaults:",
        "    base_url: https://api.hubapi.com.evil.example\n    defaults:",
    );
    let ended = world.direct(&["plan"], Some("token")).expect(10);
    assert!(ended.stderr.contains("host-not-allowed"), "{}", ended.stderr);
    assert!(ended.stderr.contains("PROFORMA_ALLOW_HOSTS"), "{}", ended.stderr);
}

// ---- Lockfile ------------------------------------------------------------------------------------

/// A settled workspace whose lockfile is then damaged: refused by all, and nothing is written.
#[track_caller]
fn damaged(code: &str, says: &[&str], damage: impl Fn(&World)) {
    let world = World::small(&plain_quote("one", "draft"));
    world.apply().expect(0);
    damage(&world);
    let before = std::fs::read(world.path("proforma.sandbox.lock")).ok();
    world.edit(ALL, "title: Title of one", "title: Changed");
    let writes = world.writes();
    for command in [&["validate"][..], &["plan"], &["apply", "--auto-approve"], &["lock", "list"]] {
        let human = world.run(command);
        assert_eq!(human.code, 10, "{code} {command:?}: {}\n{}", human.stdout, human.stderr);
        harmless(&human);
        let mut args = command.to_vec();
        args.extend(["--format", "json"]);
        let ended = world.run(&args).expect(10);
        if command[0] == "lock" {
            continue;
        }
        let document = ended.json();
        let found = diagnostic(&document, code)
            .unwrap_or_else(|| panic!("{command:?}: no {code}: {document:#}"));
        let words = format!("{} {} {}", found["file"], found["message"], found["help"]);
        for text in says {
            assert!(words.contains(text), "{code} lacks {text:?}: {words}");
        }
    }
    assert_eq!(world.writes(), writes);
    assert_eq!(std::fs::read(world.path("proforma.sandbox.lock")).ok(), before, "left alone");
    world.quote("Title of one");
}

#[test]
fn a_lockfile_of_a_newer_format() {
    damaged("lockfile-newer", &["format 3", "install"], |world| {
        world.edit("proforma.sandbox.lock", "proforma-lock 1", "proforma-lock 3");
    });
}

#[test]
fn a_lockfile_with_conflict_markers() {
    damaged("lockfile-conflict", &["lock merge"], |world| {
        let lock = world.read("proforma.sandbox.lock");
        let (head, tail) = lock.split_once("quote one").unwrap();
        let text = format!("{head}<<<<<<< HEAD\nquote one{tail}=======\n>>>>>>> theirs\n");
        world.write("proforma.sandbox.lock", &text);
    });
}

#[test]
fn a_lockfile_that_is_cut_off() {
    damaged("lockfile-truncated", &["git"], |world| {
        let lock = world.read("proforma.sandbox.lock");
        world.write("proforma.sandbox.lock", &lock.replace("\nend\n", "\n"));
    });
}

#[test]
fn a_lockfile_that_is_no_text() {
    damaged("lockfile-encoding", &["git"], |world| {
        std::fs::write(world.path("proforma.sandbox.lock"), b"proforma-lock 1\n\xff\xfe\n")
            .unwrap();
    });
}

#[test]
fn a_lockfile_that_cannot_be_read() {
    damaged("lockfile-unreadable", &["proforma.sandbox.lock"], |world| {
        let path = world.path("proforma.sandbox.lock");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
    });
}

#[test]
fn the_lockfile_of_another_workspace() {
    damaged("lockfile-workspace", &["`small`"], |world| {
        world.edit("proforma.sandbox.lock", "workspace small", "workspace other");
    });
}

// ---- References ----------------------------------------------------------------------------------

#[test]
fn references_without_a_match_show_what_there_is() {
    let deal = "deal: Acme renewal 2027";
    online(
        deal,
        "deal: «Acme renewal 2099",
        "reference-not-found",
        &["no deal `Acme renewal 2099`", "did you mean one of: Acme renewal 2027 (345345)"],
    );
    online(deal, "«deal: { id: \"1\" }", "reference-not-found", &["id 1"]);
    online(
        "state: draft",
        "state: draft\ntemplate: «Default Moderne",
        "reference-not-found",
        &["Default Moderne", "Default Modern (235425923863)"],
    );
    online(
        "state: draft",
        "state: draft\nowner: «nobody@northlight.example",
        "reference-not-found",
        &["nobody@northlight.example", "jane@northlight.example"],
    );
    online(
        "state: draft",
        "state: draft\ncompany: «Nobody Ltd",
        "reference-not-found",
        &["company"],
    );
    online(
        "state: draft",
        "state: draft\ncontacts: [«{ email: nobody@acme.example }]",
        "reference-not-found",
        &["nobody@acme.example"],
    );
}

#[test]
fn an_archived_contact_or_owner_and_an_inactive_template_are_not_there() {
    online(
        "state: draft",
        "state: draft\ntemplate: «Old Proposal 2022",
        "reference-not-found",
        &["Default Modern"],
    );
    online(
        "state: draft",
        "state: draft\nowner: «former@northlight.example",
        "reference-not-found",
        &[],
    );
    online(
        "state: draft",
        "state: draft\ntemplate: «CPQ Standard",
        "reference-not-found",
        &["legacy"],
    );
}

#[test]
fn references_with_several_matches_list_them() {
    online(
        "deal: Acme renewal 2027",
        "deal: «Duplicate deal",
        "reference-ambiguous",
        &["345901", "345902", "{ id:"],
    );
    online(
        "state: draft",
        "state: draft\ncompany: «Twin Peaks",
        "reference-ambiguous",
        &["28801101", "28801102"],
    );
}

#[test]
fn the_currency_is_that_of_the_deal() {
    online("state: draft", "state: draft\ncurrency: «SEK", "currency-mismatch", &["SEK", "USD"]);
    let (world, place) = edited("deal: Acme renewal 2027", "deal: Umbrella renewal 2027");
    assert_eq!(place, None);
    Refusal { code: "currency-mismatch", file: ALL, place: None, says: &["USD", "EUR"] }
        .by(&world, ONLINE);
}

// ---- What HubSpot cannot hold --------------------------------------------------------------------

#[test]
fn refused_fields_name_a_way_out() {
    let head = |text: &str| format!("state: draft\n{text}");
    for (text, way_out) in [
        ("«shipping: { name: Local, price: 25.50 }", "fees"),
        ("«delivery: { channel: email }", "publish"),
        ("«alternatives: [{ bundle_id: 456 }]", "manifest"),
        ("notes: { customer: «Hello }", "notes.public"),
    ] {
        offline("state: draft", &head(text), "field-refused", &[way_out]);
    }
    offline(
        "price: 100.00",
        "price: 100.00, «properties: { Colour: brown }",
        "field-refused",
        &["description"],
    );
    offline(
        "price: 100.00",
        "price: 100.00, taxable: «true",
        "field-refused",
        &["hs_tax_rate_group_id"],
    );
    offline(
        "discount: 10%",
        "«discount: { percent: 10, label: Loyal }",
        "field-refused",
        &["description"],
    );
    offline("state: draft", "state: «sent", "state-refused", &["HubSpot"]);
}

#[test]
fn native_fields_that_cannot_be_written() {
    let head = |text: &str| format!("state: draft\nhubspot: {{ {text} }}");
    offline("state: draft", &head("hs_quote_amount: «5"), "native-read-only", &["hs_quote_amount"]);
    offline("state: draft", &head("hs_title: «Other"), "native-neutral", &["`title`"]);
    offline("state: draft", &head("hs_status: «DRAFT"), "native-neutral", &["`state`"]);
    offline("state: draft", &head("proforma_key: «x"), "native-reserved", &["stamp_property"]);
    offline(
        "price: 100.00",
        "price: 100.00, hubspot: { quantity: «3 }",
        "native-neutral",
        &["`quantity`"],
    );
    online("state: draft", &head("hs_no_such_thing: «x"), "native-unknown", &["hs_no_such_thing"]);
    online(
        "price: 100.00",
        "price: 100.00, hubspot: { hs_no_such_thing: «x }",
        "native-unknown",
        &["hs_no_such_thing"],
    );
}

#[test]
fn a_line_discount_that_does_not_divide() {
    let (world, place) =
        edited("quantity: 2, price: 100.00", "quantity: 3, price: 100.00, discount: «10.00");
    Refusal { code: "discount-not-exact", file: ALL, place, says: &["per: unit", "percent"] }
        .by(&world, OFFLINE);
    // Nor is more taken off than the line costs.
    let line = "quantity: 2, price: 100.00";
    for large in ["discount: «201.00", "«discount: { amount: 100.50, per: unit }"] {
        let says = &["200.00", "lower it"];
        offline(line, &format!("{line}, {large}"), "discount-too-large", says);
    }
}

#[test]
fn tabs_are_told_where_they_stand() {
    let (head, help) = ("quote: q\nconnection: crm\n", "spaces, not tabs");
    let world = World::small("");
    for (text, help) in [
        (format!("{head}«\ttitle: x\n"), help),
        (format!("{head}\n«\ttitle: x\n"), help),
        (format!("{head}items:\n«\t- name: x\n"), help),
        (format!("{head}items:\n  - name: x\n   «\tprice: 1\n"), help),
        (format!("{head}title:«\tx\n"), "a space in the place of the tab"),
        (format!("{head}notes: {{ public:«\tx }}\n"), "a space in the place of the tab"),
    ] {
        let (text, place) = unmark(&text);
        world.write(ALL, &text);
        Refusal { code: "yaml-syntax", file: ALL, place, says: &["a tab stands", help] }
            .by(&world, &[&["validate"]]);
    }
}

// ---- Hostile files -------------------------------------------------------------------------------

#[test]
fn deep_nesting() {
    let deep = format!("fields: {{ a: {}{} }}", "[".repeat(100_000), "]".repeat(100_000));
    let (world, _) = edited("state: draft", &format!("state: draft\n{deep}"));
    let found = world.run(&["validate", "--format", "json"]).expect(10);
    harmless(&found);
    assert!(found.stdout.contains("\"severity\": \"error\""), "{}", found.stdout);
    world.run(&["plan"]).expect(10);
}

#[test]
fn files_of_five_megabytes_and_alias_bombs() {
    let (world, _) = edited("state: draft", "state: draft");
    world.write("quotes/big.yaml", &format!("quote: big\ntitle: {}\n", "x".repeat(5 << 20)));
    Refusal { code: "file-too-large", file: "", place: None, says: &["quotes/big.yaml", "4 MiB"] }
        .by(&world, OFFLINE);
    let bomb = "quote: bomb\nfields:\n  a: &a [x, x, x, x, x, x, x, x, x]\n  b: &b [*a, *a, *a, *a]\n  c: [*b, *b]\n";
    world.write("quotes/big.yaml", bomb);
    Refusal { code: "yaml-alias", file: "quotes/big.yaml", place: Some((4, 10)), says: &[] }
        .by(&world, OFFLINE);
}

#[cfg(unix)]
#[test]
fn symbolic_links_are_not_followed() {
    let (world, _) = edited("state: draft", "state: draft");
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.yaml");
    std::fs::write(&secret, "quote: stolen\nnotes: { public: top-secret }\n").unwrap();
    std::os::unix::fs::symlink(&secret, world.path("quotes/link.yaml")).unwrap();
    Refusal { code: "symlink", file: "", place: None, says: &["quotes/link.yaml"] }
        .by(&world, OFFLINE);
    let ended = world.run(&["validate"]);
    assert!(!ended.stdout.contains("top-secret"), "{}", ended.stdout);
}

#[cfg(unix)]
#[test]
fn pipes_do_not_block_and_names_of_files_are_shown_safely() {
    let (world, _) = edited("state: draft", "state: draft");
    let pipe = world.path("quotes/pipe.yaml");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    Refusal { code: "unreadable-file", file: "", place: None, says: &["quotes/pipe.yaml"] }
        .by(&world, OFFLINE);
    std::fs::remove_file(&pipe).unwrap();
    world.write("quotes/a\u{1b}[2J\u{202e}.yaml", "quote: x\ntitel: y\n");
    for command in OFFLINE {
        let ended = world.run(command).expect(10);
        harmless(&ended);
        harmless(&world.run(&[command[0], "--format", "json"]).expect(10));
        assert!(format!("{}{}", ended.stdout, ended.stderr).contains("\\u{1b}"));
    }
}

#[test]
fn bytes_that_are_no_text() {
    let (world, _) = edited("state: draft", "state: draft");
    std::fs::write(world.path("quotes/z.yaml"), b"quote: z\ntitle: \xff\xfe\n").unwrap();
    Refusal { code: "not-utf8", file: "quotes/z.yaml", place: Some((2, 8)), says: &["UTF-8"] }
        .by(&world, OFFLINE);
    std::fs::write(world.path("quotes/z.yaml"), b"quote: z\ntitle: a\0b\n").unwrap();
    Refusal { code: "control-character", file: "quotes/z.yaml", place: Some((2, 9)), says: &[] }
        .by(&world, OFFLINE);
}

#[test]
fn titles_cannot_act_on_the_terminal() {
    // Escapes that YAML itself allows in a quoted text.
    for text in ["\\e[2J\\e[31mPaid", "a\\u202Eb", "a\\u2066b", "a\\u200Bb", "a\\x9b2Jb", "a\\rb"] {
        let (world, _) = edited("title: Title of one", &format!("title: \"{text}\""));
        for command in [
            &["validate"][..],
            &["plan"],
            &["plan", "--format", "json"],
            &["apply", "--auto-approve"],
            &["apply", "--auto-approve", "--format", "json"],
            &["lock", "list"],
            &["recover"],
        ] {
            harmless(&world.run(command));
        }
    }
    // And what an upstream says.
    let world = World::small(&plain_quote("one", "draft"));
    world.faults(&json!([{ "on": "read", "match": "/deals/search", "do": "status:400",
        "body": { "status": "error", "message": "\u{1b}[2JAll is well\u{202e}", "category": "X" } }]));
    let ended = world.run(&["plan"]).expect(1);
    harmless(&ended);
    assert!(ended.stderr.contains("All is well"), "{}", ended.stderr);
    world.faults(&json!([]));
    world.apply().expect(0);
    let id = world.quote("Title of one")["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "\u{1b}]0;x\u{7}Mine\u{202e}" }));
    let drift = world.run(&["plan"]).expect(0);
    harmless(&drift);
    assert!(drift.stdout.contains("Mine"), "{}", drift.stdout);
}
