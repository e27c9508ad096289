//! The command `demo`: the whole story, told by the real commands.
//!
//! The sandbox runs in this process; every command of the story is this very binary, started as a
//! user would start it, so that nothing here can work that does not work by hand. The workspace is
//! compiled in, so that an installed binary tells the story too.

use std::fs;
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::output::printer::Printer;
use crate::sandbox::{Options, Running, Verdict};

mod workspace;

/// The quote that a colleague edits.
const DRAFT: &str = "globex-reporting-2027";
/// The published quote that is changed.
const PUBLISHED: &str = "initech-tech-sprint-2027";
/// The quotes that are made by the apply that is killed.
const LATE: &str = "late.yaml";

/// Where the sandbox keeps its records, so that the reader can go on.
const STATE: &str = "sandbox-state.json";

/// Tells the story.
pub async fn run(printer: &Printer, no_pause: bool) -> Result<(), Failure> {
    let folder = tempfile::Builder::new()
        .prefix("proforma-demo-")
        .tempdir()
        .map_err(|e| broken("cannot make a temporary folder", &e))?
        .keep();
    workspace::write(&folder, workspace::FILES)
        .map_err(|e| broken("cannot write the workspace", &e))?;
    let options = Options {
        latency: Duration::from_millis(20),
        state: Some(folder.join(STATE)),
        ..Options::default()
    };
    let running =
        Running::start(options).await.map_err(|e| broken("the sandbox cannot start", &e))?;
    let program =
        std::env::current_exe().map_err(|e| broken("cannot find the running program", &e))?;
    let pause = !no_pause && printer.stderr_is_terminal() && std::io::stdin().is_terminal();
    let color = printer.look().color;
    let stage = Stage { printer, color, pause, folder, running, program, number: 0 };
    stage.play().await
}

fn broken(what: &str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Other, format!("demo: {what}: {why}"))
}

struct Stage<'p> {
    printer: &'p Printer,
    color: bool,
    /// Whether to wait for the reader between scenes.
    pause: bool,
    folder: PathBuf,
    running: Running,
    program: PathBuf,
    number: usize,
}

impl Stage<'_> {
    async fn play(mut self) -> Result<(), Failure> {
        let shown = self.folder.display().to_string();
        self.printer.data(&format!(
            "proforma demo: Northlight SEO sells with quotes as code.\n\
             Workspace  {shown}\n\
             Upstream   {} (embedded sandbox, 20 ms an answer)\n",
            self.running.base_url("hubspot")
        ));

        self.scene("The manifests are checked offline.");
        self.expect(&["validate"], &[0])?;

        self.scene("The plan reads upstream and shows what would change. It cannot write.");
        let saved = self.folder.join("first.plan");
        let saved = saved.to_string_lossy().into_owned();
        self.expect(&["plan", "--detailed-exitcode", "-o", &saved], &[2])?;

        self.scene("Apply does what was reviewed. Publishing shows quotes to customers, so it needs consent.");
        self.expect(&["apply", &saved, "--auto-approve", "--allow", "publish"], &[0])?;
        self.count_quotes("after the first apply")?;

        self.scene("A second plan finds nothing left to do.");
        self.expect(&["plan", "--detailed-exitcode"], &[0])?;

        self.scene("A colleague edits a draft in HubSpot. The plan shows it as drift.");
        self.colleague_edits()?;
        self.expect(&["plan", "--detailed-exitcode"], &[2])?;
        self.say("Apply brings back what the manifest says.");
        self.expect(&["apply", "--auto-approve"], &[0])?;

        self.scene("A published quote gets a new price. It is locked, so it is unlocked, edited, read back, and published again.");
        self.edit(&format!("quotes/{PUBLISHED}"), "price: 6800.00", "price: 6600.00")?;
        self.expect(&["plan", "--detailed-exitcode"], &[2])?;
        self.say("Without consent nothing is touched (exit code 12).");
        self.expect(&["apply", "--auto-approve"], &[12])?;
        self.say("With consent:");
        self.expect(&["apply", "--auto-approve", "--allow", "publish"], &[0])?;

        self.scene("Two new quotes. The apply is killed (kill -9) while HubSpot has made them, and the answer never arrives.");
        self.add_late_quotes()?;
        self.killed_apply().await?;
        self.say(
            "The same apply again: it looks for its stamps, takes over what is there, and goes on.",
        );
        self.expect(&["apply", "--auto-approve", "--allow", "publish"], &[0])?;
        self.count_quotes("after the killed apply and its repeat: nothing twice")?;
        self.expect(&["plan", "--detailed-exitcode"], &[0])?;

        self.scene(
            "The same quote, on four upstreams at once: HubSpot, Quick Quote, SalesByte, DealHub.",
        );
        self.folder.push("four-upstreams");
        workspace::write(&self.folder, workspace::FOUR)
            .map_err(|e| broken("cannot write the second workspace", &e))?;
        self.expect(&["plan", "--detailed-exitcode", "--preview-prices"], &[2])?;
        self.say("DealHub bills each quote that it makes, so that waits for consent too.");
        self.expect(&["apply", "-q", "--auto-approve", "--allow", "bill"], &[0])?;
        self.expect(&["plan", "--detailed-exitcode"], &[0])?;
        self.folder.pop();

        self.scene("The end. Go on by hand:");
        self.printer.data(&format!(
            "  cd {shown}\n  proforma sandbox --listen 127.0.0.1:8765 --state {STATE} &\n  \
             proforma --sandbox http://127.0.0.1:8765 plan\n\n\
             The records of this story are kept in {STATE}; the workspace stays where it is.\n"
        ));
        let stopped = self.running.stop().await;
        stopped.map_err(|e| broken("the sandbox did not stop", &e))
    }

    fn scene(&mut self, text: &str) {
        if self.pause && self.number > 0 {
            self.printer.say("\n(Enter goes on) ");
            let mut line = String::new();
            // A closed input goes on by itself.
            let _read = std::io::stdin().lock().read_line(&mut line);
        }
        self.number += 1;
        let head = format!("{}. {text}", self.number);
        self.printer.data(&format!("\n{}\n", self.strong(&head)));
    }

    fn say(&self, text: &str) {
        self.printer.data(&format!("\n{text}\n"));
    }

    fn strong(&self, text: &str) -> String {
        if !self.color {
            return text.to_owned();
        }
        let style = anstyle::Style::new().bold();
        format!("{style}{text}{style:#}")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--sandbox")
            .arg(self.running.root_url())
            .arg("-C")
            .arg(&self.folder)
            .args(["--color", if self.color { "always" } else { "never" }])
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs one command of the story in sight of the reader.
    fn expect(&self, args: &[&str], codes: &[i32]) -> Result<(), Failure> {
        self.printer.data(&format!("\n$ proforma {}\n", args.join(" ")));
        let status = tokio::task::block_in_place(|| self.command(args).status())
            .map_err(|e| broken("cannot start the program", &e))?;
        self.check(args, status, codes)
    }

    fn check(&self, args: &[&str], status: ExitStatus, codes: &[i32]) -> Result<(), Failure> {
        match status.code() {
            Some(code) if codes.contains(&code) => {
                self.printer.data(&format!("(exit code {code})\n"));
                Ok(())
            }
            code => Err(Failure::new(
                Kind::Other,
                format!(
                    "demo: `proforma {}` ended with {}, not {codes:?}",
                    args.join(" "),
                    code.map_or_else(|| "a signal".to_owned(), |c| c.to_string())
                ),
            )
            .help("this is a fault of proforma: please report it with the output above")),
        }
    }

    /// Asks the sandbox's control side, in-process.
    fn control(&self, method: &str, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/_sandbox/{path}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_string()))
            .map_err(|e| broken("bad control request", &e))?;
        let sandbox = self.running.sandbox();
        let mut sandbox = sandbox.lock().map_err(|e| broken("the sandbox broke", &e))?;
        let Verdict::Answer(answer) = sandbox.handle(&request, jiff::Timestamp::now()) else {
            return Err(broken("the sandbox did not answer", &path));
        };
        if !answer.status().is_success() {
            return Err(broken("the sandbox refused", &answer.status()));
        }
        Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
    }

    fn snapshot(&self, object: &str) -> Result<Vec<Value>, Failure> {
        let all = self.control("GET", "snapshot", &Value::Null)?;
        Ok(all["hubspot"][object].as_array().cloned().unwrap_or_default())
    }

    fn count_quotes(&self, when: &str) -> Result<(), Failure> {
        let live = |object: &str| -> Result<usize, Failure> {
            let records = self.snapshot(object)?;
            Ok(records.iter().filter(|r| r["archived"] != true).count())
        };
        self.say(&format!(
            "Upstream, {when}: {} quotes, {} line items.",
            live("quotes")?,
            live("line_items")?
        ));
        Ok(())
    }

    fn recorded_id(&self, quote: &str) -> Result<String, Failure> {
        let path = self.folder.join("proforma.sandbox.lock");
        let text = fs::read_to_string(path).map_err(|e| broken("cannot read the lockfile", &e))?;
        let workspace = crate::key::WorkspaceName::parse("northlight-sales");
        let source = std::sync::Arc::new(crate::failure::SourceFile {
            path: "proforma.sandbox.lock".to_owned(),
            text,
        });
        let lockfile = crate::lockfile::parse::parse(&source, workspace.as_ref())?;
        let entry = lockfile.entries.iter().find(|(name, _)| name.as_str() == quote);
        entry
            .map(|(_, e)| e.id.to_string())
            .ok_or_else(|| broken("the lockfile lacks a quote", &quote))
    }

    fn colleague_edits(&self) -> Result<(), Failure> {
        let id = self.recorded_id(DRAFT)?;
        let body = json!({
            "upstream": "hubspot", "object": "quotes", "id": id,
            "properties": { "hs_title": "Globex: reporting (call Lin before sending!)" },
        });
        self.control("POST", "edit", &body).map(drop)
    }

    fn edit(&self, what: &str, from: &str, to: &str) -> Result<(), Failure> {
        let path = self.folder.join("quotes/initech.yaml");
        let text = fs::read_to_string(&path).map_err(|e| broken("cannot read a manifest", &e))?;
        if !text.contains(from) {
            return Err(broken("the story does not fit the workspace", &what));
        }
        fs::write(&path, text.replace(from, to))
            .map_err(|e| broken("cannot write a manifest", &e))?;
        self.printer.data(&format!("\n$ edit quotes/initech.yaml\n- {from}\n+ {to}\n"));
        Ok(())
    }

    fn add_late_quotes(&self) -> Result<(), Failure> {
        let path = self.folder.join("quotes").join(LATE);
        fs::write(path, workspace::LATE_QUOTES)
            .map_err(|e| broken("cannot write a manifest", &e))?;
        self.printer.data(&format!("\n$ edit quotes/{LATE}\n"));
        Ok(())
    }

    async fn killed_apply(&self) -> Result<(), Failure> {
        let plan = json!([{ "on": "write", "nth": 1, "do": "hold_after" }]);
        self.control("POST", "faults", &plan)?;
        let args = ["apply", "--auto-approve", "--allow", "publish"];
        self.printer.data(&format!("\n$ proforma {}\n", args.join(" ")));
        let mut child = self
            .command(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| broken("cannot start the program", &e))?;
        let mut held = false;
        for _ in 0..600 {
            let now = self.control("GET", "held", &Value::Null)?;
            held = now["held"].as_array().is_some_and(|h| !h.is_empty());
            let ended = child.try_wait().map_err(|e| broken("cannot watch the apply", &e))?;
            if held || ended.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        child.kill().map_err(|e| broken("cannot kill the apply", &e))?;
        let _status = child.wait();
        self.control("POST", "faults", &json!([]))?;
        self.control("POST", "release", &json!({}))?;
        if !held {
            return Err(broken("the apply", &"never came to its first write"));
        }
        self.printer.data("^ killed\n");
        self.count_quotes("right after the kill")
    }
}

/// The folder's parent must exist; used by tests of the compiled-in workspace.
pub fn write_workspace(folder: &Path) -> std::io::Result<()> {
    workspace::write(folder, workspace::FILES)
}
