//! Opening a workspace: manifests, lockfile, and where the two are kept.

use std::path::PathBuf;
use std::sync::Arc;

use super::args::Global;
use super::machine::Here;
use crate::apply::fold::fold_all;
use crate::apply::journal::{JOURNAL, Journal, SANDBOX_JOURNAL};
use crate::apply::replay::{OpenStep, Replay};
use crate::apply::state_folder::STATE_FOLDER;
use crate::disk::Disk;
use crate::failure::{Diagnostic, Failure, Kind, Severity};
use crate::http::BaseUrl;
use crate::lockfile::{LOCKFILE, Lockfile, SANDBOX_LOCKFILE, Store};
use crate::manifest::{self, LoadOptions, Loaded, Workspace};

/// The environment variable with hosts that `base_url` may name besides the provider's own.
const ALLOW_HOSTS: &str = "PROFORMA_ALLOW_HOSTS";

/// A workspace with its lockfile.
#[derive(Debug)]
pub struct Opened {
    /// The folder.
    pub folder: PathBuf,
    /// What the manifests say.
    pub loaded: Loaded,
    /// The checked workspace file.
    pub workspace: Workspace,
    /// What is recorded.
    pub lockfile: Lockfile,
    /// Where it is recorded.
    pub store: Store,
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The sandbox to talk to instead of the upstreams.
    pub sandbox: Option<BaseUrl>,
    /// The machine that the command runs on.
    pub machine: Here,
    /// What opening it found that does no harm and is told all the same.
    pub notes: Vec<Diagnostic>,
}

/// Reads the manifests of the workspace, whatever is wrong with them.
pub fn load(global: &Global) -> Loaded {
    manifest::load(&global.dir, &load_options(global))
}

/// How manifests are loaded on this machine.
pub fn load_options(global: &Global) -> LoadOptions {
    let hosts = global.machine.variable(ALLOW_HOSTS).unwrap_or_default();
    let allow_hosts =
        hosts.split(',').map(str::trim).filter(|h| !h.is_empty()).map(str::to_owned).collect();
    LoadOptions { allow_hosts }
}

/// Opens the workspace; anything wrong in a manifest is a failure with all diagnostics.
pub fn open(global: &Global) -> Result<Opened, Failure> {
    let mut opened = open_without_lockfile(global)?;
    opened.lockfile = opened.store.load(&opened.workspace.name)?;
    Ok(opened)
}

/// Opens the workspace as if nothing were recorded: the lockfile may be broken.
pub fn open_without_lockfile(global: &Global) -> Result<Opened, Failure> {
    let loaded = load(global);
    if loaded.diagnostics.iter().any(|d| d.severity == Severity::Error) {
        let errors = loaded.diagnostics.iter().filter(|d| d.severity == Severity::Error).count();
        return Err(Failure::new(
            Kind::Invalid,
            format!("the workspace has {errors} error{}", if errors == 1 { "" } else { "s" }),
        )
        .with(loaded.diagnostics));
    }
    let Some(workspace) = loaded.workspace.clone() else {
        return Err(Failure::new(Kind::Invalid, "there is no workspace here")
            .help("run it in a folder with `proforma.yaml`, or name one with `-C DIR`"));
    };
    let sandbox = global.sandbox.as_deref().map(sandbox_url).transpose()?;
    let disk = global.machine.disk();
    let file = if sandbox.is_some() { SANDBOX_LOCKFILE } else { LOCKFILE };
    let store = Store::new(Arc::clone(&disk), &global.dir, file);
    let lockfile = Lockfile::new(workspace.name.clone());
    Ok(Opened {
        folder: global.dir.clone(),
        loaded,
        workspace,
        lockfile,
        store,
        disk,
        sandbox,
        machine: global.machine.clone(),
        notes: Vec::new(),
    })
}

/// The journal's file: runs against a sandbox have their own.
pub fn journal_file(opened: &Opened) -> &'static str {
    if opened.sandbox.is_some() { SANDBOX_JOURNAL } else { JOURNAL }
}

/// What earlier runs left in the journal, looked at without a lock. Their receipts are brought
/// into the lockfile in memory.
pub fn earlier_runs(opened: &mut Opened) -> Result<Replay, Failure> {
    let left = Journal::peek(Arc::clone(&opened.disk), &opened.folder, journal_file(opened))?;
    let steps = left.applied.iter().map(|a| (a.intent.clone(), a.receipt.clone()));
    // What cannot be brought in yet is found upstream by its stamp.
    let _left = fold_all(&mut opened.lockfile, steps);
    note_torn(opened, left.torn);
    mind_renames(opened, &left.open);
    Ok(left)
}

/// A rename that was killed, and whose new manifest is gone: the object may carry either name's
/// stamp, and its entry is under the old one.
pub fn mind_renames(opened: &mut Opened, open: &[OpenStep]) {
    for OpenStep { intent, .. } in open {
        let (Some(new), Some(id)) = (&intent.quote, &intent.target) else { continue };
        if opened.loaded.quotes.iter().any(|q| q.name == *new) {
            continue;
        }
        let mut all = opened.lockfile.entries.iter_mut();
        let entry =
            all.find(|(name, e)| *name != new && e.connection == intent.connection && e.id == *id);
        if let Some((_, entry)) = entry {
            entry.was.get_or_insert_with(|| new.clone());
        }
    }
}

/// Notes that the journal's last line was dropped.
pub fn note_torn(opened: &mut Opened, bytes: usize) {
    if bytes == 0 {
        return;
    }
    let file = journal_file(opened);
    let message = format!(
        "the last line of {STATE_FOLDER}/{file} is cut off ({bytes} bytes): an earlier run died while it wrote it"
    );
    opened.notes.push(
        Diagnostic::note("journal-torn", message)
            .help("nothing was sent on its account: it is dropped"),
    );
}

/// The address of a sandbox, as `--sandbox` gives it.
pub fn sandbox_url(text: &str) -> Result<BaseUrl, Failure> {
    let invalid = |why: &str| {
        Failure::new(Kind::Invalid, format!("`--sandbox` {why}"))
            .help("start one with `proforma sandbox`, then use `--sandbox http://127.0.0.1:8765`")
    };
    let url = BaseUrl::parse(text.trim_end_matches('/'))
        .map_err(|e| invalid(&format!("is not an address: {e}")))?;
    if url.is_loopback() { Ok(url) } else { Err(invalid("must be a loopback address")) }
}
