//! What the stories share: a workspace in a temporary folder, a sandbox in this process, and the
//! real binary.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "support of tests; no test uses all of it"
)]

pub mod bulk;
pub mod four;
pub mod ledger;
pub mod recorder;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use proforma::sandbox::{Options, Running, Sandbox, Verdict};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a command ended with.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The JSON document on stdout.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("no JSON ({e}):\n{}\n{}", self.stdout, self.stderr))
    }

    /// Fails the test unless the exit code is this.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A workspace and its upstream.
pub struct World {
    runtime: tokio::runtime::Runtime,
    running: Option<Running>,
    folder: TempDir,
    /// Ids of parts that the portal is seeded with (lines of deals).
    seeded: Vec<(String, String)>,
}

impl World {
    /// An empty folder and a healthy sandbox without rate limits.
    pub fn empty() -> Self {
        Self::with_options(Options { rate: "off".parse().unwrap(), ..Options::default() })
    }

    pub fn with_options(options: Options) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let running = runtime.block_on(Running::start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self { runtime, running: Some(running), folder, seeded: Vec::new() };
        for object in ["quotes", "line_items", "discounts", "fees", "taxes"] {
            for record in world.records(object) {
                world.seeded.push((object.to_owned(), record["id"].as_str().unwrap().to_owned()));
            }
        }
        world
    }

    /// The workspace of the repository.
    pub fn northlight() -> Self {
        let world = Self::empty();
        proforma::cli::demo::write_workspace(world.dir()).unwrap();
        world
    }

    /// A workspace with one HubSpot connection and these quotes (one YAML stream).
    pub fn small(quotes: &str) -> Self {
        let world = Self::empty();
        world.write("proforma.yaml", SMALL);
        world.write("quotes/all.yaml", quotes);
        world
    }

    /// Like [`World::small`], but its connection has its `base_url` on the sandbox and needs a
    /// token; to be run with [`World::direct`].
    pub fn connected(quotes: &str) -> Self {
        let world = Self::empty();
        let base = format!("    base_url: {}/hubspot\n    defaults:", world.url());
        world.write("proforma.yaml", &SMALL.replace("    defaults:", &base));
        world.write("quotes/all.yaml", quotes);
        world
    }

    pub fn dir(&self) -> &Path {
        self.folder.path()
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.dir().join(path)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// Replaces text in a file; it must be there.
    #[track_caller]
    pub fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.read(path);
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    pub fn url(&self) -> String {
        self.running.as_ref().unwrap().root_url()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(self.dir());
        command.args(["--sandbox", &self.url()]).args(args);
        command
    }

    /// Runs the binary as against a real upstream: by the workspace's `base_url`, with this token
    /// in `HUBSPOT_TOKEN` (or without the variable).
    pub fn direct(&self, args: &[&str], token: Option<&str>) -> Ended {
        let mut command = bare(self.dir());
        command.args(args);
        if let Some(token) = token {
            command.env("HUBSPOT_TOKEN", token);
        }
        finish(&mut command)
    }

    /// Runs the binary against the sandbox.
    pub fn run(&self, args: &[&str]) -> Ended {
        finish(&mut self.command(args))
    }

    /// `apply --auto-approve --allow all --format json`.
    pub fn apply(&self) -> Ended {
        self.run(&["apply", "--auto-approve", "--allow", "all", "--format", "json"])
    }

    /// `plan --detailed-exitcode --format json`.
    pub fn plan(&self) -> Ended {
        self.run(&["plan", "--detailed-exitcode", "--format", "json"])
    }

    /// The plan is empty, and no write was sent by it.
    #[track_caller]
    pub fn settled(&self) {
        let writes = self.writes();
        let plan = self.plan();
        assert_eq!(plan.code, 0, "{}\n{}", plan.stdout, plan.stderr);
        assert_eq!(self.writes(), writes, "plan wrote");
    }

    /// What a fresh machine has: no lockfile, no journal.
    pub fn lose_lockfile(&self) {
        fs::remove_file(self.path("proforma.sandbox.lock")).unwrap();
        let _ = fs::remove_dir_all(self.path(".proforma"));
    }

    /// The control side of the sandbox.
    #[track_caller]
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/_sandbox/{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let sandbox = self.running.as_ref().unwrap().sandbox();
        let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
        let Verdict::Answer(answer) = verdict else { panic!("no answer from {path}: {verdict:?}") };
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap_or(Value::Null)
    }

    /// All records of an object that are not archived; of quotes and their parts only those that
    /// came after the start.
    pub fn records(&self, object: &str) -> Vec<Value> {
        let all = self.control("GET", "snapshot", &Value::Null);
        let records = all["hubspot"][object].as_array().cloned().unwrap_or_default();
        let seeded = |r: &Value| {
            self.seeded.iter().any(|(o, id)| o == object && r["id"].as_str() == Some(id))
        };
        records.into_iter().filter(|r| r["archived"] != true && !seeded(r)).collect()
    }

    /// The one quote with this title.
    #[track_caller]
    pub fn quote(&self, title: &str) -> Value {
        let mut found: Vec<Value> = self
            .records("quotes")
            .into_iter()
            .filter(|q| q["properties"]["hs_title"] == title)
            .collect();
        assert_eq!(found.len(), 1, "quotes with title {title:?}");
        found.remove(0)
    }

    /// The properties of the one quote on the deal with this name.
    #[track_caller]
    pub fn quote_on(&self, deal: &str) -> Value {
        let deals = self.records("deals");
        let deal = deals.iter().find(|d| d["properties"]["dealname"] == deal).unwrap();
        let mut found: Vec<Value> = self
            .records("quotes")
            .into_iter()
            .filter(|q| q["associations"]["deals"][0]["id"] == deal["id"])
            .collect();
        assert_eq!(found.len(), 1, "quotes on deal {deal}");
        found.remove(0)["properties"].take()
    }

    /// "A colleague" edits a record.
    pub fn colleague(&self, object: &str, id: &str, properties: &Value) {
        let body =
            json!({ "upstream": "hubspot", "object": object, "id": id, "properties": properties });
        self.control("POST", "edit", &body);
    }

    /// "A colleague" links a contact to a quote, through the upstream's own door.
    pub fn link_contact(&self, quote: &str, contact: &str) {
        let request = http::Request::builder()
            .method("PUT")
            .uri(format!(
                "/hubspot/crm/v4/objects/quotes/{quote}/associations/default/contacts/{contact}"
            ))
            .header("authorization", "Bearer colleague")
            .body(Bytes::new())
            .unwrap();
        let sandbox = self.running.as_ref().unwrap().sandbox();
        let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
        let Verdict::Answer(answer) = verdict else { panic!("no answer") };
        assert!(answer.status().is_success(), "{answer:?}");
    }

    pub fn settings(&self, settings: &Value) {
        self.control("POST", "settings", settings);
    }

    pub fn faults(&self, faults: &Value) {
        self.control("POST", "faults", faults);
    }

    /// How often each of the fault plans has fired, in the order in which they were set.
    pub fn fired(&self) -> Vec<u64> {
        let plans = self.control("GET", "faults", &Value::Null);
        plans["faults"].as_array().unwrap().iter().map(|p| p["fired"].as_u64().unwrap()).collect()
    }

    /// Lets all held requests go on. Over the socket: the server is what wakes them.
    pub fn release(&self) {
        use std::io::{Read as _, Write as _};
        let address = self.running.as_ref().unwrap().addr;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = "POST /_sandbox/release HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 0\r\n\
                    Connection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// Requests so far: reads and writes.
    pub fn requests(&self) -> (u64, u64) {
        let counts = self.control("GET", "requests", &Value::Null);
        (counts["reads"].as_u64().unwrap(), counts["writes"].as_u64().unwrap())
    }

    pub fn writes(&self) -> u64 {
        self.requests().1
    }

    /// The machine behind the upstream.
    pub fn sandbox(&self) -> Arc<Mutex<Sandbox>> {
        self.running.as_ref().unwrap().sandbox()
    }

    /// All that the upstream holds, for [`World::put_upstream`] of another world.
    pub fn take_upstream(&self) -> Value {
        let sandbox = self.running.as_ref().unwrap().sandbox();
        sandbox.lock().unwrap().save().unwrap()
    }

    /// Puts another world's upstream in the place of this one's.
    pub fn put_upstream(&self, saved: Value) {
        let sandbox = self.running.as_ref().unwrap().sandbox();
        sandbox.lock().unwrap().load(saved).unwrap();
    }

    /// A read through the upstream's own door.
    #[track_caller]
    pub fn upstream(&self, path: &str) -> Value {
        let request = http::Request::builder()
            .method("GET")
            .uri(format!("/hubspot/{path}"))
            .header("authorization", "Bearer colleague")
            .body(Bytes::new())
            .unwrap();
        let sandbox = self.running.as_ref().unwrap().sandbox();
        let verdict = sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now());
        let Verdict::Answer(answer) = verdict else { panic!("no answer from {path}: {verdict:?}") };
        assert!(answer.status().is_success(), "{path}: {answer:?}");
        serde_json::from_slice(answer.body()).unwrap()
    }

    /// A request through the upstreams' own doors, as anybody with an account may send it.
    #[track_caller]
    pub fn by_hand(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_by_hand(method, path, body).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    /// The same for what may be refused.
    pub fn try_by_hand(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", "Bearer colleague")
            .header("x-api-key", "colleague")
            .header("content-type", "application/json; charset=utf-8")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let sandbox = self.running.as_ref().unwrap().sandbox();
        match sandbox.lock().unwrap().handle(&request, jiff::Timestamp::now()) {
            Verdict::Answer(answer) if answer.status().is_success() => {
                Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
            }
            Verdict::Answer(answer) => Err(String::from_utf8_lossy(answer.body()).into_owned()),
            other => Err(format!("{other:?}")),
        }
    }

    /// The requests that the sandbox holds, as `METHOD path`.
    pub fn held_now(&self) -> Vec<String> {
        let held = self.control("GET", "held", &Value::Null);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        held["held"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|h| format!("{} {}", text(&h["method"]), text(&h["path"])))
            .collect()
    }

    /// Starts the binary and leaves it running.
    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the sandbox holds a request, or the child ends. `true` = held.
    pub fn held(&self, child: &mut Child) -> bool {
        let limit = Instant::now() + Duration::from_mins(5);
        while Instant::now() < limit {
            let held = self.control("GET", "held", &Value::Null);
            if held["held"].as_array().is_some_and(|h| !h.is_empty()) {
                return true;
            }
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("neither held nor ended");
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = self.runtime.block_on(running.stop());
        }
    }
}

/// The binary in a folder, with next to nothing in its environment.
pub fn bare(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proforma"));
    command
        .current_dir(dir)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", dir)
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub fn finish(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A workspace whose HubSpot makes CPQ quotes.
pub const CPQ: &str = "proforma: 1\nworkspace: small\nconnections:\n  crm:\n    provider: hubspot\n    \
    token: { env: HUBSPOT_TOKEN }\n    quote_system: cpq\n    defaults: { currency: USD }\n";

/// A workspace with one HubSpot connection.
pub const SMALL: &str = "\
proforma: 1
workspace: small
connections:
  crm:
    provider: hubspot
    token: { env: HUBSPOT_TOKEN }
    defaults: { template: Default Modern, currency: USD }
";

/// A quote with everything that a plain one has.
pub fn plain_quote(name: &str, state: &str) -> String {
    format!(
        "quote: {name}\ntitle: Title of {name}\nexpires: 2027-12-01\nstate: {state}\n\
         customer: {{ email: jo@acme.example }}\ndeal: Acme renewal 2027\n\
         items:\n  - {{ key: a, name: Audit, quantity: 2, price: 100.00 }}\n  \
         - {{ key: b, name: Bundle, price: 50.50, discount: 10% }}\n\
         fees: [{{ label: Setup, amount: 20.00 }}]\n"
    )
}
