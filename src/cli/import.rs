//! The command `import`: existing upstream quotes become manifests and lockfile entries.
//!
//! Purpose: the loop over pages. What a page holds is read, held, recorded and written before the next
//! one is asked for, so that a run that is cut off loses one page, and memory does not grow.
//!
//! Invariants: nothing is written upstream; a quote that was listed is imported, known, left out by a
//! filter, or told with its id; running again imports only what is new.

use std::collections::BTreeSet;
use std::time::Instant;

use super::args::{Global, ImportArgs};
use super::import_stamp::stamp;
use super::open::Opened;
use super::{Ending, connect, open, planning, program};
use crate::apply::workspace_lock::WorkspaceLock;
use crate::failure::{Diagnostic, Failure, Kind, Severity};
use crate::http::Paging;
use crate::import::catalog::Shelf;
use crate::import::hold::{Draft, Scene, hold};
use crate::import::naming::Names;
use crate::import::stage::Stage;
use crate::import::{Held, Refused};
use crate::key::{ConnectionName, RemoteId, Stamp};
use crate::output::import_report::{
    ImportCounts, ImportLine, ImportReport, import_human, import_json,
};
use crate::output::printer::Printer;
use crate::output::text::safe;
use crate::provider::listing::{Filter, Found, Looked, Page, Row, Seen};
use crate::provider::state::State;
use crate::provider::step::{Trouble, TroubleKind};

/// Quotes that are read at once: some pages of a list, so that batches upstream are full.
const AT_ONCE: usize = 300;
/// Replacements of one quote whose stamps are known as this workspace's.
const REVISIONS: u32 = 8;

/// Imports.
pub async fn run(global: &Global, args: &ImportArgs, printer: &Printer) -> Ending {
    let started = Instant::now();
    let mut opened = open::open(global)?;
    let lock = WorkspaceLock::take(&opened.folder, &opened.machine.holder())?;
    let _left = open::earlier_runs(&mut opened)?;
    let connection = connection_of(&opened, &args.connection)?;
    let wanted = Wanted::of(args)?;
    let stop = global.machine.stop_token();
    let accounts = connect::connect(&opened, &[&connection], None, &stop)?;
    let Some(account) = accounts.get(&connection) else { return Ok(None) };
    let folder = folder_of(&opened, args, &connection)?;
    let disk = std::sync::Arc::clone(&opened.disk);
    let base = opened.folder.clone();
    let stage = Stage::open(&base, folder, &*disk)?;
    let options = open::load_options(global);
    let workspace_text = opened.loaded.sources.first().map(|s| s.text.clone()).unwrap_or_default();
    let workspace = opened.workspace.name.clone();
    let scene = Scene {
        workspace: &workspace,
        workspace_text: &workspace_text,
        options: &options,
        connection: &connection,
        dialect: &*account.dialect,
        reader: &*account.reader,
    };
    let shelf = shelf_of(&opened, args, &connection, account.dialect.name())?;
    let mut run = Run::new(&mut opened, scene, stage, shelf, wanted, printer);
    run.heal()?;
    let outcome = match &args.id[..] {
        [] => run.all(&stop).await,
        ids => run.some(ids).await,
    };
    run.report.failure = outcome.err();
    let mut written = None;
    run.report.requests = account.reader.requests();
    run.report.seconds = started.elapsed().as_secs_f64();
    let mut report = run.report;
    if args.stamp && report.failure.is_none() && !stop.is_cancelled() {
        // The stamps take the lock anew, with what was just recorded.
        drop(lock);
        match stamp(global, &connection, printer, &stop).await {
            Ok(stamped) => {
                report.counts.stamped = stamped.done;
                report.diagnostics.extend(stamped.left);
                written = stamped.kind;
            }
            Err(failure) => report.failure = Some(failure),
        }
    }
    let kind = match &report.failure {
        Some(failure) => Some(failure.kind),
        None if stop.is_cancelled() => Some(Kind::Interrupted),
        None if report.counts.refused > 0 => Some(Kind::Partial),
        None => written,
    };
    if printer.is_json() {
        printer.data(&import_json(&report));
    } else {
        printer.data(&import_human(&report, &program(global)));
        if let Some(failure) = report.failure {
            return Err(failure);
        }
    }
    Ok(kind)
}

fn connection_of(opened: &Opened, name: &str) -> Result<ConnectionName, Failure> {
    let all = &opened.workspace.connections;
    let found = all.keys().find(|known| known.as_str() == name);
    found.cloned().ok_or_else(|| {
        let known: Vec<&str> = all.keys().map(ConnectionName::as_str).collect();
        Failure::new(Kind::Invalid, format!("there is no connection `{}`", safe(name)))
            .help(format!("the workspace has {}", known.join(", ")))
    })
}

/// The folder of the manifests, below the workspace and where the workspace looks for quotes.
fn folder_of(
    opened: &Opened,
    args: &ImportArgs,
    connection: &ConnectionName,
) -> Result<String, Failure> {
    let roots = &opened.workspace.quotes;
    let out = if let Some(out) = &args.out {
        out.clone()
    } else {
        let root = roots.iter().find(|r| !is_yaml(r)).map_or("quotes", String::as_str);
        format!("{}/imported/{connection}", root.trim_end_matches('/'))
    };
    let parts: Vec<&str> = out.split(['/', '\\']).filter(|p| !p.is_empty() && *p != ".").collect();
    let odd = |p: &&str| p.starts_with('.') || p.chars().any(char::is_control) || p.contains(':');
    if out.starts_with(['/', '\\']) || parts.is_empty() || parts.iter().any(odd) {
        let what = format!("`--out {}` is no folder below the workspace", safe(&out));
        return Err(Failure::new(Kind::Invalid, what)
            .help("write it relative to the workspace, without `..` and hidden folders"));
    }
    let out = parts.join("/");
    let inside = |root: &String| {
        let root = root.trim_end_matches('/');
        root == "." || out == root || out.starts_with(&format!("{root}/"))
    };
    if roots.iter().any(inside) {
        return Ok(out);
    }
    let what = format!("the workspace does not look for quotes in `{}`", safe(&out));
    Err(Failure::new(Kind::Invalid, what).help(format!(
        "name a folder below {}, or add it to `quotes:` in proforma.yaml",
        roots.join(", ")
    )))
}

fn is_yaml(path: &str) -> bool {
    let extension = std::path::Path::new(path).extension().unwrap_or_default();
    extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
}

fn shelf_of(
    opened: &Opened,
    args: &ImportArgs,
    connection: &ConnectionName,
    provider: &'static str,
) -> Result<Shelf, Failure> {
    if !args.catalog {
        return Ok(Shelf::closed());
    }
    let root = opened.workspace.catalog.iter().find(|r| !is_yaml(r));
    let Some(root) = root else {
        return Err(Failure::new(Kind::Invalid, "the workspace has no folder for its catalog")
            .help("add `catalog: [catalog]` to proforma.yaml"));
    };
    let file = format!("{}/imported-{connection}.yaml", root.trim_end_matches('/'));
    let there = opened.loaded.sources.iter().find(|s| s.path == file);
    let text = there.map(|s| s.text.clone()).unwrap_or_default();
    Ok(Shelf::open(provider, file, text, &opened.loaded.products))
}

/// What the flags ask for.
struct Wanted {
    filter: Filter,
    states: BTreeSet<String>,
    tags: Vec<String>,
    text: Option<String>,
}

impl Wanted {
    fn of(args: &ImportArgs) -> Result<Self, Failure> {
        let day = |flag: &str, text: &Option<String>| -> Result<_, Failure> {
            let Some(text) = text else { return Ok(None) };
            text.parse::<jiff::civil::Date>().map(Some).map_err(|_| {
                let what = format!("`{flag} {}` is no day", safe(text));
                Failure::new(Kind::Invalid, what).help("write it as `YYYY-MM-DD`")
            })
        };
        Ok(Self {
            filter: Filter {
                since: day("--since", &args.since)?,
                until: day("--until", &args.until)?,
            },
            states: args.state.iter().cloned().collect(),
            tags: args.tag.clone(),
            text: args.text.as_ref().map(|t| t.to_lowercase()),
        })
    }

    /// Whether a quote passes, as far as its row tells.
    fn passes_row(&self, made: Option<jiff::civil::Date>) -> bool {
        let Some(made) = made else { return true };
        self.filter.since.is_none_or(|d| made >= d) && self.filter.until.is_none_or(|d| made <= d)
    }

    /// Whether a quote passes that was read.
    fn passes(&self, seen: &Seen) -> bool {
        let facts = &seen.observed.facts;
        let tags: Vec<String> = facts
            .get(&crate::facts::Path::new("tags"))
            .map(|t| t.to_string().split(',').map(|t| t.trim().to_owned()).collect())
            .unwrap_or_default();
        let found = |text: &String| {
            let hit = |t: &str| t.to_lowercase().contains(text.as_str());
            facts.values().any(|v| hit(&v.to_string()))
                || seen.called.as_deref().is_some_and(hit)
                || seen.people.values().any(|p| {
                    [&p.email, &p.first_name, &p.last_name].into_iter().flatten().any(|t| hit(t))
                })
        };
        let word = match seen.state() {
            State::Unknown(_) => "unknown".to_owned(),
            state => state.word(),
        };
        self.passes_row(seen.made)
            && (self.states.is_empty() || self.states.contains(&word))
            && self.tags.iter().all(|tag| tags.contains(tag))
            && self.text.as_ref().is_none_or(found)
    }
}

/// An import under way.
struct Run<'a> {
    opened: &'a mut Opened,
    scene: Scene<'a>,
    stage: Stage<'a>,
    shelf: Shelf,
    wanted: Wanted,
    names: Names,
    printer: &'a Printer,
    /// Ids that the lockfile had.
    known: BTreeSet<RemoteId>,
    /// Ids that need no second look.
    done: BTreeSet<RemoteId>,
    /// Stamps of the manifests that are here.
    own: BTreeSet<Stamp>,
    report: ImportReport,
}

impl<'a> Run<'a> {
    fn new(
        opened: &'a mut Opened,
        scene: Scene<'a>,
        stage: Stage<'a>,
        shelf: Shelf,
        wanted: Wanted,
        printer: &'a Printer,
    ) -> Self {
        let quotes = opened.loaded.quotes.iter().map(|q| q.name.as_str().to_owned());
        let recorded = opened.lockfile.entries.keys().map(|n| n.as_str().to_owned());
        let names = Names::new(quotes.chain(recorded));
        let entries = opened.lockfile.entries.values();
        let known =
            entries.filter(|e| e.connection == *scene.connection).map(|e| e.id.clone()).collect();
        let own = opened
            .loaded
            .quotes
            .iter()
            .flat_map(|q| {
                (0..REVISIONS).map(|r| Stamp::new(&opened.workspace.name, &q.name, r, ""))
            })
            .collect();
        let report = ImportReport {
            workspace: opened.workspace.name.to_string(),
            connection: scene.connection.to_string(),
            provider: scene.dialect.name(),
            counts: ImportCounts::default(),
            lines: Vec::new(),
            diagnostics: Vec::new(),
            requests: crate::provider::Requests::default(),
            seconds: 0.0,
            failure: None,
        };
        Self {
            opened,
            scene,
            stage,
            shelf,
            wanted,
            names,
            printer,
            known,
            done: BTreeSet::new(),
            own,
            report,
        }
    }

    /// Gives manifests their names that an earlier run wrote and could not.
    fn heal(&mut self) -> Result<(), Failure> {
        let healed = self.stage.heal(&self.opened.lockfile)?;
        if !healed.is_empty() {
            self.printer.say(&format!(
                "an earlier import was cut off: {} of its manifests are in place now\n",
                healed.len()
            ));
        }
        Ok(())
    }

    /// Every quote of the account.
    async fn all(&mut self, stop: &tokio_util::sync::CancellationToken) -> Result<(), Failure> {
        self.pass(stop).await?;
        // Quotes that vanish or change place while a list is read push others over the edge of a page:
        // a second look at the list finds them, and reads nothing that was read.
        let numbered = matches!(self.scene.dialect.name(), "salesbyte" | "dealhub");
        if (self.report.counts.vanished > 0 || numbered) && !stop.is_cancelled() {
            self.pass(stop).await?;
        }
        Ok(())
    }

    async fn pass(&mut self, stop: &tokio_util::sync::CancellationToken) -> Result<(), Failure> {
        let mut cursor: Option<String> = None;
        let mut paging = Paging::default();
        let mut waiting: Vec<Row> = Vec::new();
        loop {
            if stop.is_cancelled() {
                return Ok(());
            }
            let page = self.page(cursor.as_deref()).await;
            let page = match page {
                Ok(page) => page,
                Err(trouble) => {
                    // What was listed before is not lost by what comes after.
                    self.batch(std::mem::take(&mut waiting)).await?;
                    return Err(self.failure(&trouble));
                }
            };
            for what in page.unreadable {
                self.unreadable(&what);
            }
            for row in page.rows {
                if self.is_new(&row) {
                    waiting.push(row);
                }
            }
            if waiting.len() >= AT_ONCE || page.next.is_none() {
                self.batch(std::mem::take(&mut waiting)).await?;
            }
            let Some(next) = page.next else { return Ok(()) };
            if paging.read(0).is_err() || paging.follow(&next).is_err() {
                self.batch(std::mem::take(&mut waiting)).await?;
                let what = format!(
                    "connection `{}`: the list of quotes comes back to a page that it had before, so its end is never reached",
                    self.scene.connection
                );
                return Err(Failure::new(Kind::Partial, what).help(
                    "what was listed is imported; run import again, or import the others by `--id`",
                ));
            }
            cursor = Some(next);
        }
    }

    /// A page; one that was cut off is asked for once more.
    async fn page(&self, cursor: Option<&str>) -> Result<Page, Trouble> {
        match self.scene.reader.list(cursor, &self.wanted.filter).await {
            Err(trouble) if trouble.kind == TroubleKind::Network => {
                self.scene.reader.list(cursor, &self.wanted.filter).await
            }
            other => other,
        }
    }

    fn failure(&self, trouble: &Trouble) -> Failure {
        let mut failure = planning::failure_of(self.scene.connection, trouble);
        let kept = self.report.counts.imported;
        if kept > 0 {
            let more = format!("the {kept} quotes so far are kept: run import again to go on");
            failure.help =
                Some(failure.help.map_or(more.clone(), |help| format!("{help}; {more}")));
        }
        failure
    }

    /// Counts a row, and says whether it is to be read.
    fn is_new(&mut self, row: &Row) -> bool {
        if !self.done.insert(row.id.clone()) {
            return false;
        }
        self.report.counts.listed += 1;
        let known = self.known.contains(&row.id)
            || row.stamp.as_ref().is_some_and(|stamp| self.own.contains(stamp));
        if known {
            self.report.counts.known += 1;
            return false;
        }
        if !self.wanted.passes_row(row.made) {
            self.report.counts.filtered += 1;
            return false;
        }
        true
    }

    /// Quotes that were asked for by id.
    async fn some(&mut self, ids: &[String]) -> Result<(), Failure> {
        let mut rows = Vec::new();
        for text in ids {
            let Some(id) = RemoteId::parse(text) else {
                let what = format!("`{}` cannot be an id", safe(text));
                return Err(Failure::new(Kind::Invalid, what));
            };
            let row = Row::bare(id);
            if self.is_new(&row) {
                rows.push(row);
            }
        }
        for chunk in rows.chunks(AT_ONCE) {
            self.look(chunk, true).await?;
        }
        Ok(())
    }

    async fn batch(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        for chunk in rows.chunks(AT_ONCE) {
            self.look(chunk, false).await?;
            let c = self.report.counts;
            if self.printer.stderr_is_terminal() {
                self.printer
                    .note(&format!("{} quotes listed, {} imported\n", c.listed, c.imported));
            }
        }
        Ok(())
    }

    /// Reads quotes, and takes in what can be.
    async fn look(&mut self, rows: &[Row], named: bool) -> Result<(), Failure> {
        let looked = self.scene.reader.look(self.scene.workspace, rows).await;
        let looked = looked.map_err(|t| self.failure(&t))?;
        let mut drafts = Vec::new();
        for Looked { id, found } in looked {
            match found {
                Found::There(seen) if self.is_ours(seen.observed.stamp.as_ref()) => {
                    self.report.counts.known += 1;
                }
                Found::There(seen) if !self.wanted.passes(&seen) => {
                    self.report.counts.filtered += 1;
                }
                Found::There(seen) => match self.draft(&id, *seen) {
                    Some(draft) => drafts.push(draft),
                    None => self.refuse(Refused {
                        id,
                        why: "no name is free for it".to_owned(),
                        help: Some("give it another title upstream, or use `--out`".to_owned()),
                    }),
                },
                Found::Owned(stamp, _) if self.is_ours(stamp.as_ref()) => {
                    self.report.counts.known += 1;
                }
                Found::Owned(_, why) => self.refuse(Refused {
                    id,
                    why: format!("{why}: another workspace owns it, or a manifest that is gone"),
                    help: Some(
                        "bring the manifest back from git; its stamp finds the quote again"
                            .to_owned(),
                    ),
                }),
                Found::Gone if named => self.refuse(Refused {
                    id,
                    why: "there is no quote with this id".to_owned(),
                    help: Some("the id stands in the address of the quote upstream".to_owned()),
                }),
                Found::Gone => self.vanished(&id),
                Found::Unreadable(why) => self.refuse(Refused { id, why, help: None }),
            }
        }
        let outcomes = hold(&self.scene, &self.shelf, drafts);
        let mut held = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(one) => held.push(one),
                Err(refused) => self.refuse(refused),
            }
        }
        self.record(held)
    }

    fn is_ours(&self, stamp: Option<&Stamp>) -> bool {
        stamp.is_some_and(|stamp| self.own.contains(stamp))
    }

    fn draft(&mut self, id: &RemoteId, seen: Seen) -> Option<Draft> {
        let called = seen.called.clone();
        let stage = &self.stage;
        let name = self.names.give(called.as_deref(), id, |name| stage.is_free(name))?;
        let file = self.stage.file_of(name.as_str());
        Some(Draft::new(&self.scene, name, file, seen, &mut self.shelf))
    }

    /// Writes a page of manifests and their entries.
    fn record(&mut self, held: Vec<Held>) -> Result<(), Failure> {
        if held.is_empty() {
            return Ok(());
        }
        // Products that nothing names yet do no harm; items whose product is missing would.
        if let Some((file, text, count)) = self.shelf.written() {
            let path = self.opened.folder.join(file);
            let folder = path.parent().unwrap_or(&self.opened.folder);
            crate::disk::refuse_links(&path, &self.opened.folder)
                .and_then(|()| std::fs::create_dir_all(folder))
                .and_then(|()| self.opened.disk.replace(&path, text.as_bytes()))
                .map_err(|e| crate::disk::unfit("the catalog", &path, &e))?;
            self.report.counts.products = count;
        }
        for one in &held {
            self.stage.write(one)?;
        }
        for one in &held {
            self.opened.lockfile.entries.insert(one.name.clone(), one.entry.clone());
        }
        self.opened.store.save(&self.opened.lockfile)?;
        for one in &held {
            self.stage.publish(one.name.as_str())?;
        }
        for one in held {
            self.report.counts.imported += 1;
            self.report.counts.notes += one.notes.len();
            if self.printer.is_json() {
                self.tell(one);
            }
        }
        Ok(())
    }

    fn tell(&mut self, one: Held) {
        for note in &one.notes {
            let message = format!("quote {}: {note}", one.entry.id);
            let warning = Diagnostic::warning("import-not-held", message).about(&one.name);
            self.report.diagnostics.push(warning);
        }
        self.report.lines.push(ImportLine {
            quote: Some(one.name.to_string()),
            id: one.entry.id.to_string(),
            outcome: "imported",
            file: Some(one.file),
            state: one.entry.state,
            total: one.entry.total,
            links: one.entry.links,
            notes: one.notes,
            reason: None,
        });
    }

    fn unreadable(&mut self, what: &str) {
        // A second look at the list meets it again.
        let code = "import-unreadable";
        if self.report.diagnostics.iter().any(|d| d.code == code && d.message == what) {
            return;
        }
        self.report.counts.listed += 1;
        self.report.counts.refused += 1;
        let error = Diagnostic::error("import-unreadable", what.to_owned());
        self.report
            .diagnostics
            .push(error.help("look at it upstream; the other quotes are imported"));
    }

    fn vanished(&mut self, id: &RemoteId) {
        self.report.counts.vanished += 1;
        let message = format!("quote {id} was listed, and was gone when it was read");
        let mut note = Diagnostic::warning("import-vanished", message);
        note.severity = Severity::Note;
        self.report.diagnostics.push(note);
        self.line(id, "vanished", None);
    }

    fn refuse(&mut self, refused: Refused) {
        let Refused { id, why, help } = refused;
        self.report.counts.refused += 1;
        let message = format!("quote {id} is not imported: {why}");
        let mut error = Diagnostic::error("import-refused", message);
        error.help = help;
        self.report.diagnostics.push(error);
        self.line(&id, "refused", Some(why));
    }

    fn line(&mut self, id: &RemoteId, outcome: &'static str, reason: Option<String>) {
        if self.printer.is_json() {
            self.report.lines.push(ImportLine {
                quote: None,
                id: id.to_string(),
                outcome,
                file: None,
                state: None,
                total: None,
                links: std::collections::BTreeMap::new(),
                notes: Vec::new(),
                reason,
            });
        }
    }
}
