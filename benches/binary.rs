//! The binary as a user meets it: how long it takes to start, and a first apply of 1,000 quotes
//! against a sandbox with 20 ms of latency and the rate of an ordinary account (190 in 10 s).
//!
//! The apply is measured against the least time that its requests can take at that rate: a rolling
//! limit lets 190 go at once, and 19 a second after that.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

#[path = "../tests/support/bulk.rs"]
mod bulk;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bytes::Bytes;
use divan::Bencher;
use proforma::sandbox::{Options, Running, Verdict};
use serde_json::{Value, json};

const QUOTES: u16 = 1_000;

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 100, sample_size = 1)]
fn version(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let ended = Command::new(env!("CARGO_BIN_EXE_proforma"))
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(ended.success());
    });
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn first_apply_of_1000_quotes(bencher: Bencher<'_, '_>) {
    bencher.bench_local(apply);
}

fn apply() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options {
        latency: Duration::from_millis(20),
        rate: "190/10s".parse().unwrap(),
        ..Options::default()
    };
    let running = runtime.block_on(Running::start(options)).unwrap();
    control(&running, "POST", "settings", &json!({ "bulk_deals": QUOTES }));
    let folder = tempfile::tempdir().unwrap();
    bulk::write(folder.path(), usize::from(QUOTES), "").unwrap();
    let began = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_proforma"))
        .current_dir(folder.path())
        .args(["--sandbox", &running.root_url(), "apply", "--auto-approve", "--allow", "publish"])
        .output()
        .unwrap();
    let seconds = began.elapsed().as_secs_f64();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let counts = control(&running, "GET", "requests", &Value::Null);
    let count = |name: &str| counts[name].as_f64().unwrap();
    let (reads, writes) = (count("reads"), count("writes"));
    let objects = f64::from(3 * QUOTES);
    let least = (reads + writes) / 19.0;
    println!(
        "\nfirst apply of {QUOTES} published quotes: {reads} reads and {writes} writes ({:.3} writes an object) in {seconds:.1} s; \
         requests / rate = {least:.1} s, ratio {:.2}; statuses {}",
        writes / objects,
        seconds / least,
        counts["statuses"]
    );
    runtime.block_on(running.stop()).unwrap();
}

fn control(running: &Running, method: &str, path: &str, body: &Value) -> Value {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("/_sandbox/{path}"))
        .body(Bytes::from(body.to_string()))
        .unwrap();
    let sandbox = running.sandbox();
    let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
    let Verdict::Answer(answer) = verdict else { panic!("no answer from {path}") };
    serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
}
