//! A small workspace with one connection to each upstream, and a second clone of a workspace.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{Ended, World, bare, finish};

/// One connection to each upstream.
pub const FOUR: &str = "\
proforma: 1
workspace: four-tests
connections:
  crm:
    provider: hubspot
    token: { env: HUBSPOT_TOKEN }
    defaults: { template: Default Modern, currency: USD }
  shop: { provider: quickquote, token: { env: QUICKQUOTE_TOKEN }, currency: USD }
  nordic:
    provider: salesbyte
    uuid: { env: SB_UUID }
    token: { env: SB_TOKEN }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: SEK
  cpq: { provider: dealhub, token: { env: DEALHUB_TOKEN }, visibility: 1s }
";

/// The connections of [`FOUR`].
pub const CONNECTIONS: [&str; 4] = ["crm", "shop", "nordic", "cpq"];

/// A draft on one of the connections; `quantity` (SalesByte has none: a field) tells two versions
/// of it apart.
pub fn draft_on(connection: &str, name: &str, quantity: u32) -> String {
    let head = format!("quote: {name}\nconnection: {connection}\n");
    let rest = match connection {
        "crm" => format!(
            "title: Title of {name}\nexpires: 2027-12-01\ncustomer: {{ email: jo@acme.example }}\n\
             deal: Acme renewal 2027\n\
             items: [{{ key: a, name: Audit, quantity: {quantity}, price: 100.00 }}]\n"
        ),
        "shop" => format!(
            "customer: {{ email: jo@acme.example, first_name: Jo, last_name: Ek }}\n\
             items: [{{ key: a, name: Audit, quantity: {quantity}, price: 100.00 }}]\n"
        ),
        "nordic" => format!(
            "customer: {{ name: Jo Ek, email: jo@acme.example, company: Acme }}\n\
             items: [{{ sku: SEO-A }}]\nfields: {{ bank_name: Bank {quantity} }}\n\
             lifecycle: {{ when_immutable: replace }}\n"
        ),
        _ => format!(
            "title: Title of {name}\nexpires: 2027-12-01\ncurrency: USD\n\
             deal: {{ id: \"345345\", name: Acme renewal 2027 }}\n\
             items: [{{ key: audit, sku: SEO-A, name: Audit, quantity: {quantity}, price: 120.00 }}]\n\
             lifecycle: {{ when_immutable: replace }}\n"
        ),
    };
    head + &rest
}

/// A workspace with all four connections and these quotes.
pub fn four(quotes: &str) -> World {
    let world = World::empty();
    world.write("proforma.yaml", FOUR);
    world.write("quotes/all.yaml", quotes);
    world
}

/// How many quotes an upstream holds that were made since its start.
pub fn count_on(world: &World, connection: &str) -> usize {
    let all = world.control("GET", "snapshot", &serde_json::Value::Null);
    match connection {
        "crm" => world.records("quotes").len(),
        "shop" => all["quickquote"]["quotes"].as_array().map_or(0, Vec::len),
        "nordic" => all["salesbyte"]["quotes"].as_array().map_or(0, Vec::len),
        _ => {
            let quotes = &all["dealhub"]["quotes"];
            quotes
                .as_array()
                .map_or_else(|| quotes.as_object().map_or(0, serde_json::Map::len), Vec::len)
        }
    }
}

/// Another machine: the same manifests and lockfile, a state folder of its own.
pub struct Elsewhere {
    folder: TempDir,
    url: String,
}

impl Elsewhere {
    /// Clones a workspace as git would: without what belongs to the machine.
    pub fn clone_of(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(world.dir(), folder.path());
        Self { folder, url: world.url() }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path(path), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = bare(self.folder.path());
        command.args(["--sandbox", &self.url]).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Ended {
        finish(&mut self.command(args))
    }

    pub fn apply(&self) -> Ended {
        self.run(&["apply", "--auto-approve", "--allow", "all", "--format", "json"])
    }

    /// Starts an apply and leaves it running; its output is kept.
    pub fn start_apply(&self) -> Child {
        self.start_apply_with(&[])
    }

    /// The same with more flags.
    pub fn start_apply_with(&self, flags: &[&str]) -> Child {
        self.command(&["apply", "--auto-approve", "--allow", "all", "--format", "json"])
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if name == ".proforma" {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Waits for a child and gives what it said.
pub fn end(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
