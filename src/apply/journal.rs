//! The write-ahead journal.
//!
//! Purpose: what is about to be sent is on disk before it is sent, and what came of it soon after,
//! so that a run which dies at any moment is finished by the next one without a duplicate.
//!
//! Invariants: [`Journal::intent`] returns only when its steps are durable; after an error no
//! request may leave. Callers that wait at the same time share one flush (group commit), so
//! durability costs one fsync a batch. After the first failed write the journal takes nothing more:
//! its end may be torn, and a line behind a torn one would be taken for damage. Steps in flight at
//! that moment stay without receipt, which is the truth about them: unknown.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{mpsc, oneshot};

use crate::apply::journal_text;
use crate::apply::records::{Intent, Receipt, Record, RunId, RunStart};
use crate::apply::replay::{Replay, replay};
use crate::apply::state_folder::{self, STATE_FOLDER};
use crate::disk::Disk;
use crate::failure::{Diagnostic, Failure, Kind};
use crate::key::{StepId, WorkspaceName};

/// The journal of runs against the real upstreams.
pub const JOURNAL: &str = "journal.jsonl";
/// The journal of runs against a sandbox: its receipts must never reach the real lockfile.
pub const SANDBOX_JOURNAL: &str = "journal.sandbox.jsonl";

/// Tells the time; a simulation has its own.
pub type Now = crate::clock::Clock;

/// Says whether this run may still write: an error once it lost the workspace lock.
pub type Leave = Box<dyn Fn() -> Result<(), Failure> + Send + Sync>;

/// The open journal. Clones write to the same file.
#[derive(Clone)]
pub struct Journal {
    queue: mpsc::UnboundedSender<Job>,
    run: Arc<OnceLock<RunId>>,
    flushes: Arc<AtomicU64>,
    now: Now,
    leave: Arc<OnceLock<Leave>>,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("run", &self.run).finish_non_exhaustive()
    }
}

/// Something for the writer to do.
enum Job {
    Append { text: String, done: oneshot::Sender<Result<(), Failure>> },
    Close { done: oneshot::Sender<Result<Replay, Failure>> },
}

/// Where a journal lies.
#[derive(Clone)]
struct Place {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    shown: String,
}

impl Journal {
    /// Opens the journal `file` ([`JOURNAL`] or [`SANDBOX_JOURNAL`]) of a workspace and tells what
    /// earlier runs left. The caller holds the workspace lock.
    pub async fn open(
        disk: Arc<dyn Disk>,
        folder: &Path,
        file: &str,
        workspace: &WorkspaceName,
        now: Now,
    ) -> Result<(Self, Replay), Failure> {
        let path = folder.join(STATE_FOLDER).join(file);
        let place = Place { disk, path, shown: format!("{STATE_FOLDER}/{file}") };
        let (folder, shown) = (folder.to_owned(), place.shown.clone());
        let left = on_disk(&place, move |place| {
            state_folder::prepare(&*place.disk, &folder)
                .map_err(|e| place.failed("prepare", &e))?;
            let left = place.read()?;
            place.mend(&left)?;
            Ok(left)
        })
        .await?;
        let replayed = complete(left, &shown)?;
        if let Some(start) = replayed.runs.iter().find(|r| r.workspace != *workspace) {
            return Err(foreign(&place.shown, &start.workspace, workspace));
        }
        let (queue, jobs) = mpsc::unbounded_channel();
        let flushes = Arc::new(AtomicU64::new(0));
        tokio::spawn(write_jobs(place, jobs, Arc::clone(&flushes)));
        Ok((
            Self { queue, run: Arc::new(OnceLock::new()), flushes, now, leave: Arc::default() },
            replayed,
        ))
    }

    /// Tells what earlier runs left, without taking anything over: for a plan, which holds no lock.
    pub fn peek(disk: Arc<dyn Disk>, folder: &Path, file: &str) -> Result<Replay, Failure> {
        let path = folder.join(STATE_FOLDER).join(file);
        let place = Place { disk, path, shown: format!("{STATE_FOLDER}/{file}") };
        // An apply finds out when it prepares the folder; a plan only looks.
        if place.disk.is_link(&folder.join(STATE_FOLDER)).is_ok_and(|link| link) {
            let link = io::Error::new(io::ErrorKind::InvalidInput, "its folder is a symbolic link");
            return Err(place.failed("read", &link));
        }
        complete(place.read()?, &place.shown)
    }

    /// Asks this before every record from now on: a run that lost the workspace lock must add
    /// nothing to what another run reads.
    pub fn ask_leave(&self, leave: Leave) {
        // The first one counts; there is one lock a run.
        let _first = self.leave.set(leave);
    }

    /// Whether this run may still write.
    pub fn still_held(&self) -> Result<(), Failure> {
        self.leave.get().map_or(Ok(()), |leave| leave())
    }

    /// The time.
    pub fn now(&self) -> jiff::Timestamp {
        (self.now)()
    }

    /// Writes that a run begins. Once, before the first intent.
    pub async fn begin(&self, start: RunStart) -> Result<(), Failure> {
        self.run.set(start.run.clone()).map_err(|_| misuse("a second run began in one journal"))?;
        self.write(&Record::Run(start)).await
    }

    /// Makes durable that these requests are about to leave, and only then returns. After an error
    /// none of them may be sent.
    pub async fn intent(&self, steps: Vec<Intent>) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        let run = self.run()?;
        self.write(&Record::Intent { run, at: (self.now)(), steps }).await
    }

    /// Makes durable what became of steps of this run.
    pub async fn receipt(&self, receipts: Vec<Receipt>) -> Result<(), Failure> {
        let run = self.run()?;
        self.settle(run, receipts).await
    }

    /// Makes durable what became of steps of any run: how open steps of a [`Replay`] are settled.
    pub async fn settle(&self, run: RunId, receipts: Vec<Receipt>) -> Result<(), Failure> {
        if receipts.is_empty() {
            return Ok(());
        }
        self.write(&Record::Receipt { run, at: (self.now)(), receipts }).await
    }

    /// Notes that the lockfile on disk holds what these steps of this run did. Call it after the
    /// lockfile was saved, with the steps that were folded into what was saved.
    pub async fn checkpoint(&self, steps: Vec<StepId>) -> Result<(), Failure> {
        let run = self.run()?;
        self.checkpoint_of(run, steps).await
    }

    /// The same for steps of any run: after the receipts of a [`Replay`] were folded and saved.
    pub async fn checkpoint_of(&self, run: RunId, steps: Vec<StepId>) -> Result<(), Failure> {
        if steps.is_empty() {
            return Ok(());
        }
        self.write(&Record::Recorded { run, steps }).await
    }

    /// Ends the run. A journal with nothing left to do is removed; else just what is left stays
    /// for the next run, and is given back. No other call may follow.
    pub async fn close(&self) -> Result<Replay, Failure> {
        if let Some(run) = self.run.get() {
            self.write(&Record::End { run: run.clone() }).await?;
        }
        self.still_held()?;
        let (done, wait) = oneshot::channel();
        self.queue.send(Job::Close { done }).map_err(|_| closed())?;
        wait.await.map_err(|_| closed())?
    }

    /// How often the file was flushed: one for each group of records that were waiting together.
    pub fn flushes(&self) -> u64 {
        self.flushes.load(Ordering::Relaxed)
    }

    fn run(&self) -> Result<RunId, Failure> {
        self.run.get().cloned().ok_or_else(|| misuse("no run has begun in the journal"))
    }

    async fn write(&self, record: &Record) -> Result<(), Failure> {
        self.still_held()?;
        let text = journal_text::print(record)?;
        let (done, wait) = oneshot::channel();
        self.queue.send(Job::Append { text, done }).map_err(|_| closed())?;
        wait.await.map_err(|_| closed())?
    }
}

/// The one writer of the file: takes all that is waiting, writes it, flushes once, wakes all.
async fn write_jobs(place: Place, mut jobs: mpsc::UnboundedReceiver<Job>, flushes: Arc<AtomicU64>) {
    let mut broken: Option<Failure> = None;
    while let Some(first) = jobs.recv().await {
        // Whoever is about to ask too gets in on this flush.
        tokio::task::yield_now().await;
        let mut text = String::new();
        let mut waiters = Vec::new();
        let mut closing = None;
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Append { text: line, done } => {
                    text.push_str(&line);
                    waiters.push(done);
                }
                Job::Close { done } => {
                    closing = Some(done);
                    break;
                }
            }
            next = jobs.try_recv().ok();
        }
        let outcome = match &broken {
            Some(failure) => Err(failure.clone()),
            None if text.is_empty() => Ok(()),
            None => on_disk(&place, move |place| place.append(&text)).await,
        };
        match &outcome {
            Ok(()) if !waiters.is_empty() => {
                flushes.fetch_add(1, Ordering::Relaxed);
            }
            Ok(()) => {}
            Err(failure) => broken = Some(failure.clone()),
        }
        for done in waiters {
            // A caller that was dropped meanwhile does not care.
            let _ = done.send(outcome.clone());
        }
        if let Some(done) = closing {
            let outcome = match broken {
                Some(failure) => Err(failure),
                None => on_disk(&place, Place::wind_up).await,
            };
            let _ = done.send(outcome);
            return;
        }
    }
}

impl Place {
    fn read(&self) -> Result<journal_text::Lines, Failure> {
        match self.disk.read(&self.path) {
            Ok(bytes) => journal_text::parse(&bytes, &self.shown),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(journal_text::Lines::default()),
            Err(e) => Err(self.failed("read", &e)),
        }
    }

    /// Cuts off a torn end, so that new lines start on their own.
    fn mend(&self, left: &journal_text::Lines) -> Result<(), Failure> {
        if left.torn == 0 && !left.unended {
            return Ok(());
        }
        let mut whole = self.disk.read(&self.path).map_err(|e| self.failed("read", &e))?;
        whole.truncate(left.whole);
        if left.unended {
            whole.push(b'\n');
        }
        self.disk.replace(&self.path, &whole).map_err(|e| self.failed("mend", &e))
    }

    fn append(&self, text: &str) -> Result<(), Failure> {
        let disk = &self.disk;
        let written = disk.append(&self.path, text.as_bytes());
        written.and_then(|()| disk.sync(&self.path)).map_err(|e| self.failed("write", &e))
    }

    /// Removes the file, or leaves in it just what is not settled.
    fn wind_up(&self) -> Result<Replay, Failure> {
        let left = replay(self.read()?.records);
        let kept = if left.is_settled() {
            self.disk.remove(&self.path)
        } else {
            let mut text = String::new();
            for record in left.records() {
                text.push_str(&journal_text::print(&record)?);
            }
            self.disk.replace(&self.path, text.as_bytes())
        };
        kept.map_err(|e| self.failed("close", &e))?;
        Ok(left)
    }

    fn failed(&self, what: &str, e: &io::Error) -> Failure {
        Failure::new(Kind::Other, format!("cannot {what} the journal {}: {e}", self.shown)).help(
            "nothing is sent that the journal cannot hold: make room or give write access, then run apply again; it settles what was in flight",
        )
    }
}

/// Runs disk work where it may block, or in place for a disk that never does.
async fn on_disk<T: Send + 'static>(
    place: &Place,
    work: impl FnOnce(&Place) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if !place.disk.blocks() {
        return work(place);
    }
    let place = place.clone();
    let lost = |_| Failure::new(Kind::Other, "the journal's writer broke off");
    tokio::task::spawn_blocking(move || work(&place)).await.map_err(lost)?
}

/// What the lines leave to do, if none of them is missing.
fn complete(lines: journal_text::Lines, shown: &str) -> Result<Replay, Failure> {
    let torn = lines.torn;
    let left = Replay { torn, ..replay(lines.records) };
    match left.strays.first() {
        Some((_, receipt)) => Err(journal_text::incomplete(shown, &receipt.step)),
        None => Ok(left),
    }
}

fn foreign(shown: &str, found: &WorkspaceName, wanted: &WorkspaceName) -> Failure {
    let message = format!(
        "{shown} holds a run of workspace `{found}` that is not finished, and this one is `{wanted}`"
    );
    let help = format!(
        "put the name `{found}` back into `proforma.yaml` and run `proforma apply` or `proforma recover`; then rename"
    );
    let diagnostic = Diagnostic::error("journal-workspace", message.clone()).help(help.clone());
    Failure::new(Kind::Invalid, message).help(help).with(vec![diagnostic])
}

fn closed() -> Failure {
    misuse("the journal is closed")
}

fn misuse(what: &str) -> Failure {
    Failure::new(Kind::Other, what).help("this is a fault of proforma; please report it")
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
