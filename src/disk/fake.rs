//! A disk in memory that fails on command.
//!
//! Purpose: tests and the simulation prove what happens when the disk is full, a write tears, the
//! process is killed or the power goes.
//!
//! Invariants: every call counts as one operation, from 1, in the order of the calls; a fault
//! planned for operation k strikes there and nowhere else (save [`Fault::Dies`], which lasts).
//! Bytes that were appended and not synced survive a kill and may be lost by a power cut.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::Disk;

/// What goes wrong at one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// An error, and nothing was done.
    Fails,
    /// An append leaves its first bytes behind and fails; anything else just fails.
    Tears(usize),
    /// The process is gone: nothing is done, now or later.
    Dies,
}

#[derive(Clone, Debug, Default)]
struct FakeFile {
    bytes: Vec<u8>,
    /// How many of them are durable.
    durable: usize,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<PathBuf, FakeFile>,
    operations: u64,
    syncs: u64,
    faults: BTreeMap<u64, Fault>,
    dead: bool,
}

/// The disk in memory; clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct FakeDisk(Arc<Mutex<State>>);

impl FakeDisk {
    /// An empty disk without faults.
    pub fn new() -> Self {
        Self::default()
    }

    fn state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Plans a fault for the k-th operation from now (the next one is 1).
    pub fn fault_in(&self, k: u64, fault: Fault) {
        self.state(|s| {
            let at = s.operations.saturating_add(k);
            s.faults.insert(at, fault);
        });
    }

    /// Operations so far.
    pub fn operations(&self) -> u64 {
        self.state(|s| s.operations)
    }

    /// Calls of `sync` so far that succeeded.
    pub fn syncs(&self) -> u64 {
        self.state(|s| s.syncs)
    }

    /// What another process finds after this one was killed: every written byte, no faults.
    #[must_use]
    pub fn after_kill(&self) -> Self {
        self.restarted(usize::MAX)
    }

    /// What is found after the power went: durable bytes, and the first `kept` bytes of each
    /// file's rest.
    #[must_use]
    pub fn after_power_cut(&self, kept: usize) -> Self {
        self.restarted(kept)
    }

    fn restarted(&self, kept: usize) -> Self {
        let mut files = self.state(|s| s.files.clone());
        for file in files.values_mut() {
            file.bytes.truncate(file.durable.saturating_add(kept));
            file.durable = file.bytes.len();
        }
        Self(Arc::new(Mutex::new(State { files, ..State::default() })))
    }

    /// Begins an operation: counts it and gives the fault planned for it.
    fn begin(state: &mut State) -> io::Result<Option<usize>> {
        state.operations = state.operations.saturating_add(1);
        if state.dead {
            return Err(io::Error::other("the process is gone (planned fault)"));
        }
        match state.faults.remove(&state.operations) {
            None => Ok(None),
            Some(Fault::Tears(bytes)) => Ok(Some(bytes)),
            Some(Fault::Fails) => Err(full()),
            Some(Fault::Dies) => {
                state.dead = true;
                Err(io::Error::other("the process is gone (planned fault)"))
            }
        }
    }

    /// Runs an operation that cannot tear.
    fn run<T>(&self, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.state(|s| match Self::begin(s)? {
            None => work(s),
            Some(_) => Err(full()),
        })
    }
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left (planned fault)")
}

impl Disk for FakeDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.run(|s| match s.files.get(path) {
            Some(file) => Ok(file.bytes.clone()),
            None => Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.run(|s| {
            let file = FakeFile { bytes: bytes.to_vec(), durable: bytes.len() };
            s.files.insert(path.to_owned(), file);
            Ok(())
        })
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.state(|s| {
            let torn = Self::begin(s)?;
            let file = s.files.entry(path.to_owned()).or_default();
            let kept = torn.unwrap_or(usize::MAX);
            file.bytes.extend(bytes.iter().take(kept));
            if torn.is_some() { Err(full()) } else { Ok(()) }
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.run(|s| {
            let file = s.files.get_mut(path).ok_or(io::ErrorKind::NotFound)?;
            file.durable = file.bytes.len();
            s.syncs = s.syncs.saturating_add(1);
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.run(|s| {
            s.files.remove(path);
            Ok(())
        })
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        self.run(|s| Ok(s.files.contains_key(path)))
    }

    fn create_folder(&self, _path: &Path) -> io::Result<()> {
        self.run(|_| Ok(()))
    }

    fn blocks(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_strike_once_and_where_planned() {
        let disk = FakeDisk::new();
        let path = Path::new("f");
        disk.fault_in(2, Fault::Tears(2));
        disk.append(path, b"abc").unwrap();
        assert!(disk.append(path, b"def").is_err());
        assert_eq!(disk.read(path).unwrap(), b"abcde");
        disk.fault_in(1, Fault::Dies);
        assert!(disk.sync(path).is_err());
        assert!(disk.read(path).is_err());
        assert_eq!(disk.after_kill().read(path).unwrap(), b"abcde");
    }

    #[test]
    fn a_power_cut_keeps_what_was_synced() {
        let disk = FakeDisk::new();
        let path = Path::new("f");
        disk.append(path, b"abc").unwrap();
        disk.sync(path).unwrap();
        disk.append(path, b"def").unwrap();
        assert_eq!(disk.after_power_cut(1).read(path).unwrap(), b"abcd");
        assert_eq!(disk.syncs(), 1);
    }
}
