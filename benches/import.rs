//! An import of 10,000 quotes from the sandbox: time, requests, and the peak of the importer's memory.
//!
//! The quotes are one of the shop's, copied; the list gives a hundred a page, lines included, so the
//! least number of requests is a hundred.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench")]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use divan::Bencher;
use proforma::sandbox::{Options, Running};
use serde_json::{Value, json};

const QUOTES: u32 = 10_000;

const WORKSPACE: &str = "\
proforma: 1
workspace: bulk
connections:
  shop: { provider: quickquote, token: { env: QUICKQUOTE_TOKEN }, currency: USD, rate: 1000/1s }
";

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 1, sample_size = 1)]
fn import_of_10000_quotes(bencher: Bencher<'_, '_>) {
    bencher.bench_local(import);
}

fn import() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = Options { rate: "off".parse().unwrap(), ..Options::default() };
    let running = runtime.block_on(Running::start(options)).unwrap();
    fill(&running);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("quotes")).unwrap();
    std::fs::write(folder.path().join("proforma.yaml"), WORKSPACE).unwrap();
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_proforma"))
        .current_dir(folder.path())
        .args(["--sandbox", &running.root_url(), "import", "--connection", "shop", "--all"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(memory(&child));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
    let made = std::fs::read_dir(folder.path().join("quotes/imported/shop")).unwrap().count();
    assert_eq!(made, usize::try_from(QUOTES).unwrap());
    println!(
        "\nimport of {QUOTES} quotes: {:.1} s, peak memory {peak} MB",
        began.elapsed().as_secs_f64()
    );
    runtime.block_on(running.stop()).unwrap();
}

/// Puts copies of one quote into the shop.
fn fill(running: &Running) {
    let sandbox = running.sandbox();
    let mut sandbox = sandbox.lock().unwrap();
    let mut saved = sandbox.save().unwrap();
    let quotes = saved["upstreams"]["quickquote"]["data"]["quotes"].as_array_mut().unwrap();
    let one: Value = quotes.first().unwrap().clone();
    quotes.clear();
    for n in 0..QUOTES {
        let mut copy = one.clone();
        copy["id"] = json!(5_000_000 + n);
        copy["number"] = json!(9_000 + n);
        quotes.push(copy);
    }
    sandbox.load(saved).unwrap();
}

/// The resident memory of a process, in MB; 0 where the system does not tell.
fn memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
    let status = status.unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap_or_default();
    let kb = line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok());
    kb.unwrap_or(0) / 1024
}
