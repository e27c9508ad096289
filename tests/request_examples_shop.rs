//! The request examples of Quick Quote's documents beyond the creation (which `tests/quickquote.rs`
//! compares): each change of a manifest leaves as the vendor's own request, path and body.
//!
//! `examples/quickquote/requests.json` holds them as changes of `quotes/vendor-updates.yaml`. What proforma adds
//! by design is its stamp, on lines that it makes (the pair `_proforma`); ids are compared as `{id}`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::World;
use support::recorder::{Recorder, Sent};

const MANIFEST: &str = "quotes/vendor-updates.yaml";
/// The pair that marks a line as ours.
const STAMP: &str = "_proforma";

fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/quickquote");
    fs::read_to_string(root.join(path)).unwrap()
}

/// The writes of an apply, without ids and stamps.
fn applied(world: &World, recorder: &Recorder) -> Vec<Value> {
    recorder.take();
    let apply = ["apply", "--auto-approve", "--allow", "all", "--prune", "--override", "empty"];
    recorder.run(world, &apply).expect(0);
    recorder.take().into_iter().filter(|s| s.method != "GET").map(told).collect()
}

/// A request in the words of an example. Numbers are compared as numbers: 10 and 10.0 are one.
fn told(sent: Sent) -> Value {
    let number = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let path = sent.path.replace("/quickquote/api/v1", "");
    let segments: Vec<&str> = path.split('/').map(|s| if number(s) { "{id}" } else { s }).collect();
    let mut request = json!({ "method": sent.method, "path": segments.join("/") });
    if !sent.body.is_null() {
        request["body"] = plain(sent.body);
    }
    request
}

/// Without stamps, with the quote's id and the form of numbers out of the way.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().filter(|v| v["key"] != STAMP).map(plain).collect(),
        Value::Object(map) => map
            .into_iter()
            .filter(|(name, value)| {
                // A line's stamp stands alone, or among the line's own pairs.
                let alone = value["key"] == STAMP;
                let only = value
                    .as_array()
                    .is_some_and(|l| !l.is_empty() && l.iter().all(|v| v["key"] == STAMP));
                !(alone || only && matches!(name.as_str(), "properties" | "item_properties"))
            })
            .map(|(name, value)| {
                let value = if name == "quote_id" { json!("{id}") } else { plain(value) };
                (name, value)
            })
            .collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other,
    }
}

fn world() -> (World, Recorder) {
    let world = World::empty();
    world.write("proforma.yaml", &read("proforma.yaml"));
    world.write(MANIFEST, &read(MANIFEST));
    let recorder = world.recorder();
    applied(&world, &recorder);
    (world, recorder)
}

#[test]
fn every_request_example_of_quick_quote_leaves_as_it_stands() {
    let examples: Vec<Value> = serde_json::from_str(&read("requests.json")).unwrap();
    let (mut world, mut recorder) = world();
    let base = read(MANIFEST);
    let mut wrong = Vec::new();
    for example in &examples {
        let text = |name: &str| example[name].as_str().unwrap();
        let what = text("what");
        assert!(base.contains(text("from")), "{what}: {base}");
        let manifest = example["manifest"]
            .as_str()
            .map_or_else(|| base.replacen(text("from"), text("to"), 1), ToOwned::to_owned);
        world.write(MANIFEST, &manifest);
        let mut compare = |left: &[Value], wanted: &Value| {
            let wanted: Vec<Value> =
                wanted.as_array().unwrap().iter().cloned().map(plain).collect();
            if left != wanted {
                wrong.push(format!("{what}:\n  wants {}\n  sent  {}", json!(wanted), json!(left)));
            }
        };
        compare(&applied(&world, &recorder), &example["requests"]);
        world.settled();
        if example["last"] == true {
            (world, recorder) = self::world();
            continue;
        }
        world.write(MANIFEST, &base);
        let left = applied(&world, &recorder);
        if example["back"].is_array() {
            compare(&left, &example["back"]);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
}
