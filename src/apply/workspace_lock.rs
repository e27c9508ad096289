//! One writer a workspace.
//!
//! Purpose: two runs of apply in one workspace folder would plan against the same memory and both
//! create. The lock is the operating system's own, on an open file, so it ends with its holder
//! whatever ends the holder: there is no stale lock to delete.
//!
//! Invariant: what stands in the file is told to people and decides nothing.

use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::apply::state_folder::{self, STATE_FOLDER};
use crate::disk::RealDisk;
use crate::failure::{Failure, Kind};

const FILE: &str = "lock";

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
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The file may have been written by anybody: nothing but plain text goes on.
        let plain =
            |text: &str| -> String { text.chars().filter(|c| !c.is_control()).take(60).collect() };
        let (owner, host) = (plain(&self.owner), plain(&self.host));
        write!(f, "{owner} on {host}, process {}, since {}", self.pid, self.started)
    }
}

/// The lock, held while this value lives.
#[derive(Debug)]
pub struct WorkspaceLock {
    file: File,
}

impl WorkspaceLock {
    /// Takes the lock of the workspace in `folder`, or fails at once and says who holds it.
    pub fn take(folder: &Path, holder: &Holder) -> Result<Self, Failure> {
        let file = open(folder).map_err(|e| cannot(&e))?;
        match file.try_lock() {
            Ok(()) => {
                let mut lock = Self { file };
                // What cannot be told does not matter: the lock itself is held.
                if let Err(e) = lock.sign(holder) {
                    tracing::debug!("cannot write the holder into the workspace lock: {e}");
                }
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => Err(held(file)),
            Err(TryLockError::Error(e)) => Err(cannot(&e)),
        }
    }

    fn sign(&mut self, holder: &Holder) -> io::Result<()> {
        let text = serde_json::to_string(holder)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }
}

impl Drop for WorkspaceLock {
    fn drop(&mut self) {
        // The name goes, the file stays: removing it would let two processes lock two files.
        let _ = self.file.set_len(0);
    }
}

fn open(folder: &Path) -> io::Result<File> {
    let path = state_folder::prepare(&RealDisk::new(), folder)?.join(FILE);
    match std::fs::symlink_metadata(&path) {
        Ok(there) if !there.is_file() => {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        _ => {}
    }
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

fn held(mut file: File) -> Failure {
    let mut text = String::new();
    let read = Read::by_ref(&mut file).take(4096).read_to_string(&mut text);
    let holder = read.ok().and_then(|_| serde_json::from_str::<Holder>(&text).ok());
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
        Holder { owner: "jo\u{1b}[31m".to_owned(), host: "desk".to_owned(), pid: 42, started }
    }

    #[test]
    fn the_second_is_refused_and_told_who_until_the_first_ends() {
        let dir = tempfile::tempdir().unwrap();
        let first = WorkspaceLock::take(dir.path(), &holder()).unwrap();
        let refused = WorkspaceLock::take(dir.path(), &holder()).unwrap_err();
        assert_eq!(refused.kind.exit_code(), 7);
        assert!(
            refused.message.ends_with("jo[31m on desk, process 42, since 2026-11-22T10:00:00Z")
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
