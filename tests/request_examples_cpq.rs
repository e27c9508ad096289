//! The request examples of DealHub's documents: the whole Generate request, the tutorials' form of
//! answers, the preview, and each action, compared with what leaves, body and all.
//!
//! `examples/dealhub/requests.json` holds them; the manifests are those of the example workspace. What proforma
//! adds by design is its mark behind the quote's name, and ids are compared as `{id}`.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use support::World;
use support::recorder::{Recorder, Sent};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/dealhub")
}

fn example() -> World {
    let world = World::empty();
    for part in [".", "quotes", "catalog"] {
        for entry in fs::read_dir(folder().join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "yaml") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                let text = fs::read_to_string(path).unwrap();
                // A first apply on a machine without a memory waits for so long.
                let text = text.replace("visibility: 60s", "visibility: 1s");
                world.write(&format!("{part}/{name}"), &text);
            }
        }
    }
    world
}

/// What left since the last call, in the words of an example.
fn left(recorder: &Recorder) -> Vec<Value> {
    recorder.take().into_iter().filter(|s| s.method != "GET").map(told).collect()
}

fn told(sent: Sent) -> Value {
    let id = |s: &str| s.len() > 8 && s.bytes().any(|b| b.is_ascii_digit());
    let path = sent.path.replace("/dealhub", "");
    let segments: Vec<&str> = path.split('/').map(|s| if id(s) { "{id}" } else { s }).collect();
    let mut request = json!({ "method": sent.method, "path": segments.join("/") });
    if !sent.body.is_null() {
        request["body"] = plain(sent.body);
    }
    if let Some(name) = request["body"]["quote_name"].as_str() {
        let (title, mark) = name.rsplit_once(" [").unwrap();
        assert!(mark.starts_with("pf1-"), "{name}");
        request["body"]["quote_name"] = json!(title);
    }
    request
}

/// Numbers are compared as numbers: 10 and 10.0 are one.
fn plain(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().map(plain).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, plain(value))).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other,
    }
}

#[test]
fn every_request_example_of_dealhub_leaves_as_it_stands() {
    let text = fs::read_to_string(folder().join("requests.json")).unwrap();
    let examples: Vec<Value> = serde_json::from_str(&text).unwrap();
    let world = example();
    let recorder = world.recorder();
    recorder.run(&world, &["plan", "--preview-prices"]).expect(0);
    let mut sent = left(&recorder);
    let apply = ["apply", "--auto-approve", "--allow", "all"];
    recorder.run(&world, &apply).expect(0);
    sent.extend(left(&recorder));
    world.edit("quotes/reference-request.yaml", "state: draft", "state: accepted");
    recorder.run(&world, &apply).expect(0);
    sent.extend(left(&recorder));
    world.settled();
    let wrong: Vec<String> = examples
        .iter()
        .filter_map(|example| {
            let wanted = plain(example["request"].clone());
            if sent.contains(&wanted) {
                return None;
            }
            let like: Vec<&Value> = sent.iter().filter(|s| s["path"] == wanted["path"]).collect();
            Some(format!("{}:\n  wants {wanted}\n  sent  {}", example["what"], json!(like)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), examples.len(), wrong.join("\n"));
}
