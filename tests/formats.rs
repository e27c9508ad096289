//! What reviewers see: Markdown, HTML, SARIF and annotations, of plans and of failures, through the
//! real binary. The structure of a document never depends on what the texts in it say.

#![allow(clippy::unwrap_used, clippy::format_push_string, clippy::format_collect, reason = "tests")]

mod readers;
mod support;

use readers::{annotations, html, markdown};
use serde_json::json;
use support::{World, plain_quote};

/// GitHub's limit of a comment, and the most that any count of it can be.
const COMMENT: usize = 65_536;

const HOSTILE: &[&str] = &[
    "a</td></table></details></main><script>alert(1)</script><!-- -->",
    "\" onload=\"alert(1)\" x='y'",
    "a | b | c\n\n| --- |\n\n# heading\n\n- item\n\n```\ncode",
    "[l](javascript:alert(1)) ![i](http://evil.example/p.png) <https://evil.example>",
    "@everyone #12 GH-12 https://evil.example www.evil.example",
    "</summary></details>\n\n<details open>",
    "a\n::error::owned\n::add-mask::x",
    "{0} [1](2) \\",
    "&lt;script&gt; &#60;b&#62; &amp;",
    "\u{1f389} \u{1f468}\u{1f469} \u{5e74}\u{5ea6} e\u{301}\u{301}",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd} \u{645}\u{631}\u{62d}\u{628}\u{627}",
    "invoice\u{202e}gnp.exe \u{200b}\u{2066}x",
    "a\u{1b}[31mred\u{1b}]0;owned\u{7} \u{9b}2J\r\u{0}",
    "%0A::error::x,line=1 100%",
    "=== --- *** $x^2$ [^1] [ ] ~~gone~~ :smile: {#id .class}",
];

fn quote(name: &str, text: &str) -> String {
    json!({
        "quote": name, "title": text, "expires": "2027-12-01", "state": "draft",
        "customer": { "email": "jo@acme.example" }, "deal": "Acme renewal 2027",
        "items": [
            { "key": "a", "name": text, "price": "10.00", "description": text },
            { "key": "b", "name": text, "price": "1.00", "discount": "10%" },
        ],
        "fees": [{ "label": text, "amount": "5.00" }],
        "notes": { "public": text, "terms": text, "internal": "for us alone" },
        "hubspot": { "hs_sender_company_name": text },
    })
    .to_string()
}

/// The texts that a manifest may hold, by the program's own judgement.
fn sound() -> Vec<&'static str> {
    HOSTILE
        .iter()
        .filter(|text| {
            let world =
                World::small(&quote("q", text).replace("\"internal\":\"for us alone\",", ""));
            let ended = world.run(&["validate", "--format", "json"]);
            ended.json();
            ended.code == 0
        })
        .copied()
        .collect()
}

fn documents(world: &World, text: &str) -> Vec<(String, Vec<String>)> {
    let name = "q";
    let mut out = Vec::new();
    for args in [
        &["plan", "--format", "html"][..],
        &["plan", "--offline", "--format", "html"],
        &["show", name, "--format", "html"],
    ] {
        let page = world.run(args).expect(0).stdout;
        let seen = html(&page);
        assert!(seen.links.iter().all(|l| l.starts_with('#') || l.starts_with("http")), "{text}");
        for line in page.lines() {
            assert!(!line.trim_start().starts_with("::"), "{line}");
        }
        out.push((args.join(" "), seen.tags));
    }
    for args in
        [&["plan", "--format", "markdown"][..], &["plan", "--offline", "--format", "markdown"]]
    {
        let page = world.run(args).expect(0).stdout;
        assert!(!page.contains("@everyone") && !page.contains("://evil"), "{page}");
        out.push((args.join(" "), markdown(&page)));
    }
    for command in ["plan", "validate"] {
        let lines = world.run(&[command, "--format", "github"]).expect(0).stdout;
        out.push((format!("{command} github"), annotations(&lines)));
        let sarif = world.run(&[command, "--format", "sarif"]).expect(0).json();
        assert_eq!(sarif["version"], "2.1.0");
        let count = sarif["runs"][0]["results"].as_array().unwrap().len();
        out.push((format!("{command} sarif"), vec![count.to_string()]));
    }
    out
}

/// The same documents of a plain text and of a hostile one differ in their texts alone.
#[test]
fn hostile_text_changes_no_structure() {
    let texts = sound();
    assert!(texts.len() >= 9, "{} of the texts may stand in a quote", texts.len());
    let of = |text: &str| {
        let world = World::small(&quote("q", text).replace("\"internal\":\"for us alone\",", ""));
        documents(&world, text)
    };
    // Texts of one line and of several are laid out differently by the line differences of notes.
    let plain = of("plain text");
    for text in texts {
        for ((what, seen), (_, wanted)) in of(text).iter().zip(&plain) {
            assert_eq!(seen, wanted, "{what}: {text:?}");
        }
    }
}

#[test]
fn hostile_titles_upstream_change_no_structure_either() {
    let of = |text: &str| {
        let world = World::small(&plain_quote("q", "draft"));
        world.apply().expect(0);
        let id = world.records("quotes")[0]["id"].as_str().unwrap().to_owned();
        world.colleague("quotes", &id, &json!({ "hs_title": text }));
        documents(&world, text)
    };
    // How many words of the title differ is no structure.
    let of = |text: &str| {
        let marks = |tag: &String| ["ins ", "del ", "/ins ", "/del "].contains(&tag.as_str());
        let mut all = of(text);
        for (_, seen) in &mut all {
            seen.retain(|tag| !marks(tag));
        }
        all
    };
    let plain = of("plain");
    for text in [HOSTILE[0], HOSTILE[2], HOSTILE[6], HOSTILE[11], HOSTILE[12]] {
        let text = text.replace([' ', '\n'], "_");
        for ((what, seen), (_, wanted)) in of(&text).iter().zip(&plain) {
            assert_eq!(seen, wanted, "{what}: {text:?}");
        }
    }
}

#[test]
fn long_text_stays_small_where_it_must() {
    // The longest that this upstream holds.
    let long = "x|<b>@a ".repeat(8_000);
    let world = World::small(&plain_quote("q", "draft"));
    world.apply().expect(0);
    let id = world.records("quotes")[0]["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": long }));
    let page = world.run(&["plan", "--format", "markdown"]).expect(0).stdout;
    assert!(page.len() < COMMENT && page.contains("more characters"), "{}", page.len());
    let page = world.run(&["plan", "--format", "html"]).expect(0).stdout;
    assert!(page.len() < 200_000, "{}", page.len());
    assert!(html(&page).text.contains("more characters"));
    let lines = world.run(&["plan", "--format", "github"]).expect(0).stdout;
    assert!(lines.len() < 10_000, "{}", lines.len());
    world.run(&["plan", "--format", "sarif"]).expect(0).json();
}

#[test]
fn a_megabyte_in_a_manifest_is_refused_or_shown_in_every_format() {
    let long = "x|<b>@a \u{1f389}".repeat(1 << 16);
    assert!(long.len() > 700_000);
    for text in [quote("q", &long), format!("quote: q\n\"{long}\": 1\n")] {
        let world = World::small(&text);
        for args in
            [&["plan", "--format", "markdown"][..], &["plan", "--offline", "--format", "markdown"]]
        {
            let page = world.run(args).stdout;
            assert!(page.len() < COMMENT && page.contains("proforma"), "{}", page.len());
        }
        let page = world.run(&["plan", "--format", "html"]).stdout;
        assert!(html(&page).tags.last().unwrap().starts_with("/html"));
        annotations(&world.run(&["validate", "--format", "github"]).stdout);
        world.run(&["validate", "--format", "sarif"]).json();
        world.run(&["plan", "--format", "sarif"]).json();
    }
}

#[test]
fn five_thousand_changed_quotes_fit_into_a_comment() {
    let world = World::empty();
    support::bulk::write(world.dir(), 5_000, "").unwrap();
    let page = world.run(&["plan", "--offline", "--format", "markdown"]).expect(0).stdout;
    assert!(page.len() < COMMENT, "{}", page.len());
    assert!(page.starts_with("<!-- proforma:plan:bulk -->\n### proforma plan: 5000 to create\n"));
    // Every quote is whole, on a line, or counted.
    let whole = page.matches("<details><summary>+ <code>bulk-").count();
    let lines = page.matches("| \\+ | `bulk-").count();
    let rest = page.split(" more quotes do not fit").next().unwrap();
    let rest: usize = rest.rsplit("**").next().unwrap().parse().unwrap();
    assert!(whole > 10 && lines > 100, "{whole} whole, {lines} lines");
    assert_eq!(whole + lines + rest, 5_000, "{whole} + {lines} + {rest}");
    assert!(page.contains("All of them: proforma"), "the way to see them");
    assert!(page.contains("| USD |"), "the money of all of them");
    let seen = markdown(&page);
    let count =
        |word: &str| seen.iter().filter(|e| e.starts_with("html") && e.contains(word)).count();
    assert_eq!(count("<details>"), count("</details>"));
}

#[test]
fn a_failure_is_a_document_in_every_format() {
    let broken = World::small("quote: a\ntitel: x | <b> @you\n");
    let refused = World::connected(&plain_quote("a", "draft"));
    for (what, code, ended) in [
        ("markdown", 10, broken.run(&["plan", "--format", "markdown"])),
        ("markdown", 8, refused.direct(&["plan", "--format", "markdown"], Some("invalid"))),
        ("html", 10, broken.run(&["plan", "--format", "html"])),
        ("html", 8, refused.direct(&["plan", "--format", "html"], Some("invalid"))),
        ("html", 10, broken.run(&["show", "a", "--format", "html"])),
        ("sarif", 10, broken.run(&["plan", "--format", "sarif"])),
        ("sarif", 10, broken.run(&["validate", "--format", "sarif"])),
        ("sarif", 8, refused.direct(&["plan", "--format", "sarif"], Some("invalid"))),
        ("github", 10, broken.run(&["plan", "--format", "github"])),
        ("github", 10, broken.run(&["validate", "--format", "github"])),
        ("github", 8, refused.direct(&["plan", "--format", "github"], Some("invalid"))),
    ] {
        let ended = ended.expect(code);
        let page = ended.stdout.as_str();
        match what {
            "markdown" => {
                assert!(page.starts_with("<!-- proforma:plan:"), "{page}");
                assert!(page.contains("**error**") && page.contains("Exit code"), "{page}");
                assert!(!page.contains("@you"), "{page}");
            }
            "html" => assert!(html(page).text.contains(&format!("Exit code {code}.")), "{page}"),
            "sarif" => {
                let json = ended.json();
                let results = json["runs"][0]["results"].as_array().unwrap();
                assert!(results.iter().any(|r| r["level"] == "error"), "{page}");
            }
            _ => assert!(annotations(page).contains(&"error".to_owned()), "{page}"),
        }
    }
}

#[test]
fn findings_stand_at_the_manifests_lines_seen_from_the_checkout() {
    let world = World::small(&plain_quote("q", "published"));
    std::fs::create_dir(world.path(".git")).unwrap();
    for file in ["proforma.yaml", "quotes/all.yaml"] {
        let text = world.read(file);
        world.write(&format!("sales desk/{file}"), &text);
    }
    let run = |args: &[&str]| world.run(&[&["-C", "sales desk"], args].concat());
    run(&["apply", "--auto-approve", "--allow", "all"]).expect(0);
    // A published quote is locked: this change is blocked.
    world.edit("sales desk/quotes/all.yaml", "price: 50.50", "price: 60.50");
    let line = world.read("sales desk/quotes/all.yaml").lines().position(|l| l.contains("60.50"));
    let line = line.unwrap() + 1;
    let sarif = run(&["plan", "--format", "sarif"]).expect(5).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "plan-blocked", "{sarif:#}");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "sales%20desk/quotes/all.yaml");
    assert_eq!(place["region"]["startLine"], line);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|r| r["help"]["text"].is_string()), "{rules:?}");
    let lines = run(&["plan", "--format", "github"]).expect(5);
    let wanted = format!("::error file=sales desk/quotes/all.yaml,line={line},");
    assert!(lines.stdout.starts_with(&wanted), "{}", lines.stdout);
    assert!(!lines.stderr.contains("::"), "{}", lines.stderr);
}

#[test]
fn drift_is_a_warning_and_the_markdown_says_who_changed_it() {
    let world = World::small(&plain_quote("q", "draft"));
    world.apply().expect(0);
    let id = world.records("quotes")[0]["id"].as_str().unwrap().to_owned();
    world.colleague("quotes", &id, &json!({ "hs_title": "Another" }));
    let sarif = world.run(&["plan", "--format", "sarif"]).expect(0).json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&json!("plan-drift"), &json!("warning")));
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 2);
    let page = world.run(&["plan", "--format", "markdown"]).expect(0).stdout;
    assert!(page.contains("Changed upstream by somebody else; apply sets it back:"), "{page}");
    assert!(page.contains("- **drift**"), "{page}");
    let page = world.run(&["plan", "--format", "html"]).expect(0).stdout;
    assert!(page.contains("data-kind=\"care drift update\""), "{page}");
}

#[test]
fn formats_that_a_command_lacks_are_refused() {
    let world = World::small(&plain_quote("q", "draft"));
    for args in [
        &["validate", "--format", "html"][..],
        &["apply", "--format", "markdown"],
        &["show", "q", "--format", "sarif"],
    ] {
        let ended = world.run(args).expect(10);
        assert!(ended.stderr.contains("has no `--format"), "{}", ended.stderr);
    }
}

#[test]
fn the_total_that_show_computes_is_the_one_that_is_recorded() {
    let world = World::northlight();
    world.apply().expect(0);
    let locks = world.run(&["lock", "list", "--format", "json"]).expect(0).json();
    let names: Vec<String> = locks["quotes"]
        .as_array()
        .or_else(|| locks["entries"].as_array())
        .unwrap()
        .iter()
        .map(|q| q["quote"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.len() >= 10);
    for name in names {
        let sheet = world.run(&["show", &name, "--format", "json"]).expect(0).json();
        assert_eq!(sheet["kind"], "quote");
        assert_eq!(sheet["total"], sheet["total_recorded"], "{name}: {sheet:#}");
        // The steps lead from the lines to the total.
        let last = sheet["steps"].as_array().unwrap().last().map(|s| s["after"].clone());
        let last = last.unwrap_or_else(|| sheet["net"].clone());
        assert_eq!(last, sheet["total"]["amount"], "{name}");
    }
}

#[test]
fn show_names_each_rounding_and_keeps_internal_notes_to_us() {
    let text = plain_quote("q", "draft").replace("price: 50.50", "price: 50.55")
        + "taxes: [{ label: VAT, percent: 7.7 }]\n";
    let world = World::small(&text);
    let page = world.run(&["show", "q"]).expect(0).stdout;
    assert!(page.contains("rounded: net of items[b], 45.495 → 45.50"), "{page}");
    assert!(page.contains("rounded: size of taxes[vat], "), "{page}");
    let sheet = world.run(&["show", "q", "--format", "json"]).expect(0).json();
    assert_eq!(sheet["items"][1]["net"], "45.50");
    assert_eq!(sheet["items"][1]["rounded_from"], "45.495");
    assert_eq!(world.requests(), (0, 0), "offline");
    let ended = world.run(&["show", "p", "--format", "json"]).expect(10);
    assert_eq!(ended.json()["failure"]["help"], "did you mean `q`?");

    let shop = "quote: s\ncustomer: { email: jo@acme.example, first_name: Jo, last_name: Ek }\n\
                items: [{ key: a, name: Audit, quantity: 3, price: 9.99 }]\n\
                notes: { public: Welcome, internal: SECRET MARGIN }\ntags: [SECRET TAG]\n";
    let world = World::empty();
    world.write(
        "proforma.yaml",
        "proforma: 1\nworkspace: w\nconnections:\n  shop: { provider: quickquote, token: { env: T }, currency: USD }\n",
    );
    world.write("quotes/s.yaml", shop);
    let page = world.run(&["show", "s", "--format", "html"]).expect(0).stdout;
    assert!(page.contains("29.97 USD") && page.contains("Welcome"), "{page}");
    assert!(!page.contains("SECRET"), "{page}");
    assert!(world.run(&["show", "s"]).expect(0).stdout.contains("SECRET MARGIN"));
}

#[test]
fn a_page_fits_forty_columns() {
    let world = World::northlight();
    for args in [&["show", "umbrella-group-2027"][..], &["plan", "--offline"], &["plan"]] {
        let mut command = world.command(args);
        let ended = support::finish(command.env("COLUMNS", "40"));
        for line in ended.stdout.lines() {
            assert!(line.chars().count() <= 44, "{args:?}: {line:?}");
        }
    }
}
