//! The command `import`: existing upstream quotes become manifests and lockfile entries.
//!
//! Purpose: the loop over pages. What a page holds is read, held, recorded and written before the next
//! one is asked for, so that a run that is cut off loses one page, and memory does not grow.
//!
//! Invariants: nothing is written upstream; a quote that was listed is imported, known, left out by a
//! filter, or told with its id; running again imports only what is new.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::args::{Global, ImportArgs};
use super::import_stamp::stamp;
use super::import_told::Told;
use super::import_wanted::{Wanted, connection_of, folder_of, ids_of, shelf_of};
use super::open::Opened;
use super::{Ending, connect, open, planning, program};
use crate::apply::workspace_lock::WorkspaceLock;
use crate::failure::{Failure, Kind};
use crate::http::Paging;
use crate::http::calls_begun;
use crate::import::catalog::Shelf;
use crate::import::hold::{Draft, Scene, hold};
use crate::import::naming::Names;
use crate::import::stage::Stage;
use crate::import::{Held, Refused};
use crate::key::{RemoteId, Stamp};
use crate::output::import_report::{ImportCounts, ImportReport, import_human, import_json};
use crate::output::printer::Printer;
use crate::output::progress::reading;
use crate::provider::listing::{Found, Looked, Page, Row, Seen};
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
    let ids = ids_of(args)?;
    let folder = folder_of(&opened, args, &connection)?;
    let stop = global.machine.stop_token();
    let accounts = connect::connect(&opened, &[&connection], None, &stop)?;
    let Some(account) = accounts.get(&connection) else { return Ok(None) };
    let disk = Arc::clone(&opened.disk);
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
    let tally = Arc::clone(&run.tally);
    let work = async {
        match &ids[..] {
            [] => run.all(&stop).await,
            ids => run.some(ids).await,
        }
    };
    let outcome = reading(printer, calls_begun, || tally.told(), work).await;
    run.told.report.failure = outcome.err();
    let mut written = None;
    run.told.report.requests = account.reader.requests();
    run.told.report.seconds = started.elapsed().as_secs_f64();
    let mut report = run.told.report;
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
    told: Told,
    tally: Arc<Tally>,
}

/// How far it is, for whoever waits.
#[derive(Debug, Default)]
struct Tally {
    listed: AtomicUsize,
    imported: AtomicUsize,
}

impl Tally {
    fn told(&self) -> String {
        let (listed, imported) =
            (self.listed.load(Ordering::Relaxed), self.imported.load(Ordering::Relaxed));
        if listed == 0 { String::new() } else { format!("{listed} listed, {imported} imported") }
    }
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
            told: Told { report, in_full: printer.is_json() },
            tally: Arc::default(),
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
        if (self.told.report.counts.vanished > 0 || numbered) && !stop.is_cancelled() {
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
                self.told.unreadable(&what);
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
        let kept = self.told.report.counts.imported;
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
        self.told.report.counts.listed += 1;
        let known = self.known.contains(&row.id)
            || row.stamp.as_ref().is_some_and(|stamp| self.own.contains(stamp));
        if known {
            self.told.report.counts.known += 1;
            return false;
        }
        if !self.wanted.passes_row(row.made) {
            self.told.report.counts.filtered += 1;
            return false;
        }
        true
    }

    /// Quotes that were asked for by id.
    async fn some(&mut self, ids: &[RemoteId]) -> Result<(), Failure> {
        let mut rows: Vec<Row> = ids.iter().cloned().map(Row::bare).collect();
        rows.retain(|row| self.is_new(row));
        for chunk in rows.chunks(AT_ONCE) {
            self.look(chunk, true).await?;
        }
        Ok(())
    }

    async fn batch(&mut self, rows: Vec<Row>) -> Result<(), Failure> {
        for chunk in rows.chunks(AT_ONCE) {
            self.look(chunk, false).await?;
            let c = self.told.report.counts;
            self.tally.listed.store(c.listed, Ordering::Relaxed);
            self.tally.imported.store(c.imported, Ordering::Relaxed);
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
                    self.told.report.counts.known += 1;
                }
                Found::There(seen) if !self.wanted.passes(&seen) => {
                    self.told.report.counts.filtered += 1;
                }
                Found::There(seen) => match self.draft(&id, *seen) {
                    Some(draft) => drafts.push(draft),
                    None => self.told.refuse(Refused {
                        id,
                        why: "no name is free for it".to_owned(),
                        help: Some("give it another title upstream, or use `--out`".to_owned()),
                    }),
                },
                Found::Owned(stamp, _) if self.is_ours(stamp.as_ref()) => {
                    self.told.report.counts.known += 1;
                }
                Found::Owned(_, why) => self.told.refuse(Refused {
                    id,
                    why: format!("{why}: another workspace owns it, or a manifest that is gone"),
                    help: Some(
                        "bring the manifest back from git; its stamp finds the quote again"
                            .to_owned(),
                    ),
                }),
                Found::Gone if named => self.told.refuse(Refused {
                    id,
                    why: "there is no quote with this id".to_owned(),
                    help: Some("the id stands in the address of the quote upstream".to_owned()),
                }),
                Found::Gone => self.told.vanished(&id),
                Found::Unreadable(why) => self.told.refuse(Refused { id, why, help: None }),
            }
        }
        let outcomes = hold(&self.scene, &self.shelf, drafts);
        let mut held = Vec::new();
        for outcome in outcomes {
            match outcome {
                Ok(one) => held.push(one),
                Err(refused) => self.told.refuse(refused),
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
            self.told.report.counts.products = count;
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
            self.told.imported(one);
        }
        Ok(())
    }
}
