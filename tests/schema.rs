//! The schemas against the reader and against what the binary prints. A validator of another make
//! does the same with whole documents: `tests/schema/check.py`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proforma::cli::providers::sheets;
use proforma::output::schema::{Subject, schema, text};
use serde_json::{Value, json};
use support::{World, plain_quote};

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().map(|o| o.keys().cloned().collect()).unwrap_or_default()
}

/// The schema at a path of keys, through lists, maps with free keys, and alternatives.
fn at<'s>(schema: &'s Value, path: &[&str]) -> &'s Value {
    let mut here = schema;
    let mut rest = path;
    loop {
        if let Some(all) = here.get("anyOf").and_then(Value::as_array) {
            let structured = |v: &&Value| {
                v.get("properties").is_some()
                    || v.get("items").is_some()
                    || v.get("additionalProperties").is_some_and(Value::is_object)
                    || v.get("anyOf").is_some()
            };
            here = all.iter().find(structured).unwrap();
        } else if let Some(items) = here.get("items") {
            here = items;
        } else if let Some((key, tail)) = rest.split_first() {
            here = match here["properties"].get(*key) {
                Some(found) => found,
                None => &here["additionalProperties"],
            };
            rest = tail;
        } else {
            return here;
        }
        if rest.is_empty() && here.get("properties").is_some() {
            return here;
        }
    }
}

/// The keys that the reader says it knows, asked with one that it cannot know.
fn known_to_the_reader(workspace: &str, file: &str) -> BTreeSet<String> {
    let world = World::empty();
    world.write("proforma.yaml", workspace);
    world.write("quotes/x.yaml", file);
    let found = world.run(&["validate", "--format", "json"]).expect(10).json();
    let unknown =
        found["diagnostics"].as_array().unwrap().iter().find(|d| {
            d["code"] == "unknown-key" && d["message"].as_str().unwrap().contains("QQQQQQQ")
        });
    let unknown = unknown.unwrap_or_else(|| panic!("{file}\n{found}"));
    let help = unknown["help"].as_str().unwrap();
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_reader_and_the_schemas_know_the_same_keys() {
    let (quote, product) = (schema(Subject::Quote, &sheets()), schema(Subject::Product, &sheets()));
    let cases: [(&str, &Value, &[&str]); 14] = [
        ("quote: a\nQQQQQQQ: 1\n", &quote, &[]),
        ("product: a\nQQQQQQQ: 1\n", &product, &[]),
        ("product: a\nrecurring: { QQQQQQQ: 1 }\n", &product, &["recurring"]),
        ("quote: a\ncustomer: { QQQQQQQ: 1 }\n", &quote, &["customer"]),
        ("quote: a\ncontacts: [{ QQQQQQQ: 1 }]\n", &quote, &["contacts"]),
        ("quote: a\nowner: { QQQQQQQ: 1 }\n", &quote, &["owner"]),
        ("quote: a\ndeal: { QQQQQQQ: 1 }\n", &quote, &["deal"]),
        ("quote: a\nitems: [{ QQQQQQQ: 1 }]\n", &quote, &["items"]),
        ("quote: a\nitems: [{ discount: { QQQQQQQ: 1 } }]\n", &quote, &["items", "discount"]),
        ("quote: a\nfees: [{ QQQQQQQ: 1 }]\n", &quote, &["fees"]),
        ("quote: a\nshipping: { QQQQQQQ: 1 }\n", &quote, &["shipping"]),
        ("quote: a\nnotes: { QQQQQQQ: 1 }\n", &quote, &["notes"]),
        ("quote: a\nlifecycle: { QQQQQQQ: 1 }\n", &quote, &["lifecycle"]),
        ("quote: a\nalternatives: [{ QQQQQQQ: 1 }]\n", &quote, &["alternatives"]),
    ];
    for (text, schema, path) in cases {
        let known = known_to_the_reader(support::SMALL, text);
        assert_eq!(keys(&at(schema, path)["properties"]), known, "{text}");
    }
    let delivery = known_to_the_reader(support::SMALL, "quote: a\ndelivery: { QQQQQQQ: 1 }\n");
    assert_eq!(keys(&at(&quote, &["delivery"])["properties"]), delivery);
}

#[test]
fn the_reader_and_the_schema_of_the_workspace_know_the_same_keys() {
    let schema = schema(Subject::Workspace, &sheets());
    let base = support::SMALL;
    let known = |workspace: &str| known_to_the_reader(workspace, "quote: a\n");
    assert_eq!(keys(&schema["properties"]), known(&format!("{base}QQQQQQQ: 1\n")));
    let guardrails = known(&format!("{base}guardrails: {{ QQQQQQQ: 1 }}\n"));
    assert_eq!(keys(&at(&schema, &["guardrails"])["properties"]), guardrails);
    let quiet = known(&format!("{base}guardrails: {{ quiet_hours: {{ QQQQQQQ: 1 }} }}\n"));
    assert_eq!(keys(&at(&schema, &["guardrails", "quiet_hours"])["properties"]), quiet);
    let connection = known(&base.replace("provider: hubspot", "provider: hubspot\n    QQQQQQQ: 1"));
    let ours = keys(&at(&schema, &["connections", "crm"])["properties"]);
    assert_eq!(ours, connection);
    let defaults = known(&base.replace("{ template", "{ QQQQQQQ: 1, template"));
    let mut own = keys(&at(&schema, &["connections", "crm", "defaults"])["properties"]);
    // Known there, to be refused with a message of their own.
    own.extend(["quote", "connection", "items", "was"].map(str::to_owned));
    assert_eq!(own, defaults);
}

/// Every key has a sentence: an editor shows it.
#[test]
fn every_key_is_described() {
    fn walk(value: &Value, path: &str, bare: &mut Vec<String>) {
        if !value.is_object() {
            return;
        }
        for (key, member) in value["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            if member.get("description").and_then(Value::as_str).is_none_or(str::is_empty) {
                bare.push(path.clone());
            }
            walk(member, &path, bare);
        }
        for inner in [&value["items"], &value["additionalProperties"]] {
            walk(inner, path, bare);
        }
        for inner in value["anyOf"].as_array().into_iter().flatten() {
            walk(inner, path, bare);
        }
    }
    for subject in [Subject::Quote, Subject::Product, Subject::Workspace] {
        let mut bare = Vec::new();
        walk(&schema(subject, &sheets()), subject.word(), &mut bare);
        // Structures of the providers are told by the type of the whole.
        bare.retain(|p| {
            !["hubspot.", "quickquote.", "salesbyte.", "dealhub."].iter().any(|n| p.contains(n))
        });
        assert!(bare.is_empty(), "{bare:?}");
    }
}

/// Every key that the document has is in the schema, and every one that must be there is there.
fn fits(schema: &Value, value: &Value, path: &str) {
    if let Some(all) = schema.get("anyOf").and_then(Value::as_array) {
        if let Some(one) = all.iter().find(|s| s.get("properties").is_some())
            && value.is_object()
        {
            fits(one, value, path);
        }
        return;
    }
    match value {
        Value::Object(members) => {
            for key in schema["required"].as_array().into_iter().flatten() {
                assert!(members.contains_key(key.as_str().unwrap()), "{path} lacks {key}");
            }
            for (key, member) in members {
                let known = schema["properties"].get(key).or(schema.get("additionalProperties"));
                let known = known.unwrap_or_else(|| panic!("{path}.{key} is not in the schema"));
                fits(known, member, &format!("{path}.{key}"));
            }
        }
        Value::Array(all) => {
            for (n, one) in all.iter().enumerate() {
                fits(&schema["items"], one, &format!("{path}[{n}]"));
            }
        }
        _ => {}
    }
}

#[test]
fn documents_have_the_keys_of_their_schemas() {
    let sheets = sheets();
    let world = World::northlight();
    let check = |subject, value: &Value| fits(&schema(subject, &sheets), value, subject.word());
    check(Subject::Validate, &world.run(&["validate", "--format", "json"]).json());
    check(Subject::Plan, &world.plan().expect(2).json());
    check(Subject::Status, &world.run(&["status", "--format", "json"]).json());
    check(Subject::Apply, &world.apply().expect(0).json());
    check(Subject::Status, &world.run(&["status", "--format", "json"]).json());
    check(Subject::Plan, &world.plan().json());
    // A run that fails owes the same keys.
    let broken = World::small(&plain_quote("A Bad Name", "draft"));
    check(Subject::Validate, &broken.run(&["validate", "--format", "json"]).expect(10).json());
    check(Subject::Plan, &broken.plan().expect(10).json());
    check(Subject::Apply, &broken.apply().expect(10).json());
    check(Subject::Status, &broken.run(&["status", "--format", "json"]).expect(10).json());
}

/// `UPDATE_DOCS=1 cargo test --test schema` writes them anew.
#[test]
fn the_published_schemas_are_those_of_the_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema");
    for subject in Subject::ALL {
        let path = folder.join(format!("{}.json", subject.word()));
        let now = text(subject, &sheets());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &now).unwrap();
        }
        let there = fs::read_to_string(&path).unwrap_or_default();
        let help = "run `UPDATE_DOCS=1 cargo test --test schema`";
        assert!(there == now, "{} is not what the program says: {help}", path.display());
    }
}

#[test]
fn the_command_prints_them_and_init_writes_them() {
    let world = World::empty();
    let printed = world.run(&["schema", "quote"]).expect(0).json();
    assert_eq!(printed, schema(Subject::Quote, &sheets()));
    assert_eq!(printed["$schema"], "https://json-schema.org/draft/2020-12/schema");
    world.run(&["init"]).expect(0);
    for (file, subject) in [
        ("proforma.yaml", Subject::Workspace),
        ("quotes/acme-seo-audit.yaml", Subject::Quote),
        ("catalog/services.yaml", Subject::Product),
    ] {
        let first = world.read(file).lines().next().unwrap().to_owned();
        let (_, target) = first.split_once("$schema=").unwrap();
        let path = world.path(file).parent().unwrap().join(target);
        let there: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        assert_eq!(there, schema(subject, &sheets()), "{file}");
    }
    assert_eq!(world.run(&["schema", "nonsense"]).code, 10);
    assert_eq!(json!(Subject::ALL.len()), json!(8));
}
