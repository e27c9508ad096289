//! One writer a workspace.
//!
//! Purpose: two runs of apply in one workspace folder would plan against the same memory and both
//! create. The lock is the operating system's own, on an open file, so it ends with its holder
//! whatever ends the holder: there is no stale lock to delete.
//!
//! A holder that lives and stands still (stopped, or asleep) would keep it for ever. So the name in
//! the file carries an expiry, which the holder renews; past it another run takes over by putting a
//! new file in the place of the old one. The late holder sees another name there
//! ([`Lease::still_held`]) before it writes anything, and ends.
//!
//! Invariants: who takes over does so behind a gate, one at a time. A file that cannot be read
//! says nothing, and a lock is never lost by it.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::apply::state_folder::{self, STATE_FOLDER};
use crate::disk::RealDisk;
use crate::failure::{Failure, Kind};

const FILE: &str = "lock";
/// Locked for the instants in which the lock is taken.
const GATE: &str = "lock.gate";
/// A lock that is about to take the place of an expired one.
const FRESH: &str = "lock.fresh";
/// How long a lock holds without being renewed.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// How often it is renewed.
const RENEW: Duration = Duration::from_mins(1);
/// How instants are shown.
const SECONDS: &str = "%Y-%m-%dT%H:%M:%SZ";
/// Bytes of a name in the file.
const SIGNED: usize = 512;
/// Looks at the file before a name that is not ours is believed.
const READS: usize = 5;
/// Tries to pass the gate, 20 ms apart.
const GATE_TRIES: usize = 100;

/// Who holds the lock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub owner: String,
    /// The machine.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Since when.
    pub started: Timestamp,
    /// Until when, unless the holder renews it: a holder that stands still loses the lock then.
    #[serde(default = "never")]
    pub expires: Timestamp,
}

fn never() -> Timestamp {
    Timestamp::MAX
}

impl Holder {
    /// This process, from the environment's words for user and machine.
    pub fn here(started: Timestamp) -> Self {
        let first = |names: &[&str]| {
            names.iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        };
        let unknown = || "unknown".to_owned();
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
            .ok()
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .or_else(|| first(&["HOSTNAME", "COMPUTERNAME"]));
        Self {
            owner: first(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(unknown),
            host: host.unwrap_or_else(unknown),
            pid: std::process::id(),
            started,
            expires: later(started),
        }
    }

    /// Whether both are the same process's name, however often it was renewed.
    fn is(&self, other: &Self) -> bool {
        (&self.owner, &self.host, self.pid, self.started)
            == (&other.owner, &other.host, other.pid, other.started)
    }
}

fn later(now: Timestamp) -> Timestamp {
    now.saturating_add(LEASE).unwrap_or(Timestamp::MAX)
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The file may have been written by anybody: nothing but plain text goes on.
        let plain =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(60).collect() };
        let (owner, host) = (plain(&self.owner), plain(&self.host));
        write!(
            f,
            "{owner} on {host}, process {}, since {}, until {} unless renewed",
            self.pid,
            self.started.strftime(SECONDS),
            self.expires.strftime(SECONDS)
        )
    }
}

/// The lock, held while this value lives.
#[derive(Debug)]
pub struct WorkspaceLock {
    lease: Lease,
    /// Dropped first: the renewing thread ends with it.
    renewing: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the holder of a lock knows of it, to ask whether it still holds.
#[derive(Clone, Debug)]
pub struct Lease {
    file: Arc<Mutex<File>>,
    path: PathBuf,
    holder: Holder,
}

impl WorkspaceLock {
    /// Takes the lock of the workspace in `folder`, or fails at once and says who holds it.
    pub fn take(folder: &Path, holder: &Holder) -> Result<Self, Failure> {
        let path = place(folder).map_err(|e| cannot(&e))?;
        let gate = open(&path.with_file_name(GATE)).map_err(|e| cannot(&e))?;
        pass_gate(&gate)?;
        let file = open(&path).map_err(|e| cannot(&e))?;
        let file = match file.try_lock() {
            Ok(()) => file,
            Err(TryLockError::WouldBlock) => take_over(file, &path, holder)?,
            Err(TryLockError::Error(e)) => return Err(cannot(&e)),
        };
        let lease = Lease { file: Arc::new(Mutex::new(file)), path, holder: holder.clone() };
        // What cannot be told does not matter: the lock itself is held.
        if let Err(e) = lease.sign(holder.expires) {
            tracing::debug!("cannot write the holder into the workspace lock: {e}");
        }
        drop(gate);
        let (renewing, ended) = mpsc::channel();
        let renewed = lease.clone();
        let thread = std::thread::Builder::new()
            .name("workspace lock".to_owned())
            .spawn(move || renewed.renew(&ended))
            .map_err(|e| cannot(&e))?;
        Ok(Self { lease, renewing: Some(renewing), thread: Some(thread) })
    }

    /// For whoever must ask, later and elsewhere, whether the lock is still held.
    pub fn lease(&self) -> Lease {
        self.lease.clone()
    }
}

impl Lease {
    /// Fails when another run took the lock over.
    pub fn still_held(&self) -> Result<(), Failure> {
        let mut other = None;
        for _ in 0..READS {
            let Ok(text) = std::fs::read_to_string(&self.path) else { return Ok(()) };
            match serde_json::from_str::<Holder>(text.trim_end_matches(['\0', ' '])) {
                Ok(there) if there.is(&self.holder) => return Ok(()),
                found => other = found.ok(),
            }
            // It may be in the middle of being written.
            std::thread::sleep(Duration::from_millis(10));
        }
        let who = other.map_or_else(
            || "and has ended since".to_owned(),
            |holder| format!("and holds it: {holder}"),
        );
        Err(Failure::new(
            Kind::Locked,
            format!("this run stood still until its lock expired; another one took over, {who}"),
        )
        .help("nothing more was written by this run; run apply again when the other one has ended"))
    }

    fn sign(&self, expires: Timestamp) -> io::Result<()> {
        let holder = Holder { expires, ..self.holder.clone() };
        let mut text = serde_json::to_string(&holder)?;
        // Always as long, in one write: a reader sees the one or the other name, never half of it.
        while text.len() < SIGNED {
            text.push(' ');
        }
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }

    /// Renews the expiry until the sender is gone.
    fn renew(&self, ended: &mpsc::Receiver<()>) {
        while ended.recv_timeout(RENEW) == Err(RecvTimeoutError::Timeout) {
            if let Err(e) = self.sign(later(Timestamp::now())) {
                tracing::debug!("cannot renew the workspace lock: {e}");
            }
        }
    }
}

impl Drop for WorkspaceLock {
    fn drop(&mut self) {
        drop(self.renewing.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to end.
            let _ = thread.join();
        }
        // The name goes, the file stays: removing it would let two processes lock two files.
        let file = self.lease.file.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = file.set_len(0);
        // Leases may outlive the lock and keep the file open.
        let _ = file.unlock();
    }
}

fn place(folder: &Path) -> io::Result<PathBuf> {
    Ok(state_folder::prepare(&RealDisk::new(), folder)?.join(FILE))
}

fn open(path: &Path) -> io::Result<File> {
    match std::fs::symlink_metadata(path) {
        Ok(there) if !there.is_file() => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Waits for the few instants that another process needs to take or to be refused the lock.
fn pass_gate(gate: &File) -> Result<(), Failure> {
    for _ in 0..GATE_TRIES {
        match gate.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
            Err(TryLockError::Error(e)) => return Err(cannot(&e)),
        }
    }
    Err(Failure::new(Kind::Locked, "another run is just taking the lock of this workspace")
        .help("wait until it ends; the lock ends with its holder, also after a crash"))
}

/// Puts a new lock in the place of one whose holder stood still past its expiry.
fn take_over(mut old: File, path: &Path, holder: &Holder) -> Result<File, Failure> {
    let mut text = String::new();
    let read = Read::by_ref(&mut old).take(4096).read_to_string(&mut text);
    let there = read.ok().and_then(|_| serde_json::from_str::<Holder>(text.trim_end()).ok());
    let expired = there.as_ref().is_some_and(|there| there.expires < holder.started);
    if !expired {
        return Err(held(there));
    }
    let replace = || -> io::Result<File> {
        let fresh = path.with_file_name(FRESH);
        let file = open(&fresh)?;
        file.set_len(0)?;
        file.try_lock().map_err(|e| io::Error::other(e.to_string()))?;
        std::fs::rename(&fresh, path)?;
        Ok(file)
    };
    replace().map_err(|e| cannot(&e))
}

fn held(holder: Option<Holder>) -> Failure {
    let who = holder
        .map_or_else(|| "a process that did not leave its name".to_owned(), |h| h.to_string());
    Failure::new(Kind::Locked, format!("another apply holds this workspace: {who}")).help(
        "wait until it ends, or stop that process. The lock ends with its holder, also after a crash; there is no file to delete",
    )
}

fn cannot(e: &io::Error) -> Failure {
    Failure::new(Kind::Other, format!("cannot lock the workspace ({STATE_FOLDER}/{FILE}): {e}")).help(
        "apply needs write access to the workspace folder, on a file system that has locks; without the lock two runs could create a quote twice",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder() -> Holder {
        let started = "2026-11-22T10:00:00Z".parse().unwrap();
        let expires = later(started);
        Holder {
            owner: "jo\u{1b}[31m".to_owned(),
            host: "desk".to_owned(),
            pid: 42,
            started,
            expires,
        }
    }

    #[test]
    fn the_second_is_refused_and_told_who_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = WorkspaceLock::take(dir.path(), &holder()).unwrap();
        let refused = WorkspaceLock::take(dir.path(), &holder()).unwrap_err();
        assert_eq!(refused.kind.exit_code(), 7);
        assert!(
            refused.message.ends_with(
                "jo[31m on desk, process 42, since 2026-11-22T10:00:00Z, until 2026-11-22T10:10:00Z unless renewed"
            ),
            "{}",
            refused.message
        );
        assert!(refused.help.unwrap().contains("wait"));
        drop(first);
        assert!(WorkspaceLock::take(dir.path(), &holder()).is_ok());
    }

    #[test]
    fn what_a_crashed_holder_left_in_the_file_does_not_lock() {
        let dir = tempfile::tempdir().unwrap();
        drop(WorkspaceLock::take(dir.path(), &holder()).unwrap());
        let path = dir.path().join(STATE_FOLDER).join(FILE);
        std::fs::write(&path, serde_json::to_string(&holder()).unwrap()).unwrap();
        let _lock = WorkspaceLock::take(dir.path(), &holder()).unwrap();
        // A name that cannot be read is no name.
        std::fs::write(&path, "{").unwrap();
        let refused = WorkspaceLock::take(dir.path(), &holder()).unwrap_err();
        assert!(refused.message.contains("did not leave its name"));
    }

    #[test]
    fn an_expired_lock_is_taken_over_and_its_late_holder_sees_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = WorkspaceLock::take(dir.path(), &holder()).unwrap();
        assert!(first.lease().still_held().is_ok());
        let later = Holder { pid: 43, ..holder() };
        let late = Holder { started: "2026-11-22T10:10:01Z".parse().unwrap(), ..later.clone() };
        assert_eq!(WorkspaceLock::take(dir.path(), &later).unwrap_err().kind, Kind::Locked);
        let second = WorkspaceLock::take(dir.path(), &late).unwrap();
        let lost = first.lease().still_held().unwrap_err();
        assert!(lost.kind == Kind::Locked && lost.message.contains("process 43"), "{lost:?}");
        assert!(second.lease().still_held().is_ok());
        // The end of the first frees nothing that is the second's.
        drop(first);
        let third = WorkspaceLock::take(dir.path(), &Holder { pid: 44, ..holder() });
        assert!(third.is_err());
        assert!(second.lease().still_held().is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_not_called_locked() {
        let dir = tempfile::tempdir().unwrap();
        let refused = WorkspaceLock::take(&dir.path().join("missing"), &holder()).unwrap_err();
        assert_eq!(refused.kind, Kind::Other);
    }

    #[test]
    fn this_process_has_a_name() {
        let here = Holder::here(Timestamp::UNIX_EPOCH);
        assert_eq!(here.pid, std::process::id());
        assert!(!here.owner.is_empty() && !here.host.is_empty());
    }
}
