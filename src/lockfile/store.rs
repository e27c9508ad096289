//! The lockfile's file.
//!
//! Purpose: load and save through the [`Disk`] seam.
//!
//! Invariants: a missing file is an empty lockfile, an unreadable one is an error and never an
//! empty lockfile. A save is all or nothing, never writes what could not be read back, and leaves
//! a file alone whose content would not change.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::Disk;
use crate::failure::{Diagnostic, Failure, Kind, SourceFile};
use crate::key::WorkspaceName;
use crate::lockfile::model::Lockfile;
use crate::lockfile::{parse, text};

/// The file that is committed.
pub const LOCKFILE: &str = "proforma.lock";
/// What runs against a sandbox remember instead.
pub const SANDBOX_LOCKFILE: &str = "proforma.sandbox.lock";

/// One lockfile on a disk.
#[derive(Clone, Debug)]
pub struct Store {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    shown: String,
}

impl Store {
    /// The lockfile `file` ([`LOCKFILE`] or [`SANDBOX_LOCKFILE`]) of the workspace in `folder`.
    pub fn new(disk: Arc<dyn Disk>, folder: &Path, file: &str) -> Self {
        Self { disk, path: folder.join(file), shown: file.to_owned() }
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file; without one, an empty lockfile of this workspace.
    pub fn load(&self, workspace: &WorkspaceName) -> Result<Lockfile, Failure> {
        let Some(text) = self.read()? else { return Ok(Lockfile::new(workspace.clone())) };
        let source = Arc::new(SourceFile { path: self.shown.clone(), text });
        parse::parse(&source, Some(workspace))
    }

    /// Writes the lockfile where it differs from the file. `true` = written. After an error the
    /// file is the old one, whole.
    pub fn save(&self, lockfile: &Lockfile) -> Result<bool, Failure> {
        lockfile.check()?;
        let text = text::print(lockfile);
        // A checkout with other line ends is the same content.
        if self.read()?.is_some_and(|old| old == text || old.replace("\r\n", "\n") == text) {
            return Ok(false);
        }
        self.disk.replace(&self.path, text.as_bytes()).map_err(|e| {
            Failure::new(Kind::Other, format!("cannot write {}: {e}", self.shown)).help(
                "the old lockfile is untouched and the journal keeps what was done: make room or give write access, then run apply again",
            )
        })?;
        Ok(true)
    }

    /// Writes the lockfile whatever the file holds, readable or not.
    pub fn overwrite(&self, lockfile: &Lockfile) -> Result<(), Failure> {
        lockfile.check()?;
        self.disk.replace(&self.path, text::print(lockfile).as_bytes()).map_err(|e| {
            Failure::new(Kind::Other, format!("cannot write {}: {e}", self.shown)).help(
                "the old file is untouched: make room or give write access, then run it again",
            )
        })
    }

    fn read(&self) -> Result<Option<String>, Failure> {
        let bytes = match self.disk.read(&self.path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => {
                let message = format!("cannot read {}: {e}", self.shown);
                let help = "without its lockfile proforma would not know what it made; make the file readable, or move it away: the next plan finds the quotes by their stamps";
                return Err(invalid("lockfile-unreadable", message, help));
            }
        };
        String::from_utf8(bytes).map(Some).map_err(|e| {
            let valid = e.utf8_error().valid_up_to();
            let line = e.as_bytes().iter().take(valid).filter(|b| **b == b'\n').count() + 1;
            let message =
                format!("{} is not text: line {line} holds a byte that is not UTF-8", self.shown);
            invalid(
                "lockfile-encoding",
                message,
                "restore the file from git, or move it away: the next plan finds the quotes by their stamps",
            )
        })
    }
}

fn invalid(code: &'static str, message: String, help: &str) -> Failure {
    let diagnostic = Diagnostic::error(code, message.clone()).help(help);
    Failure::new(Kind::Invalid, message).help(help).with(vec![diagnostic])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::{FakeDisk, Fault, RealDisk};
    use crate::key::{ConnectionName, QuoteName, RemoteId};
    use crate::lockfile::model::Entry;

    fn workspace() -> WorkspaceName {
        WorkspaceName::parse("w").unwrap()
    }

    fn lockfile(id: &str) -> Lockfile {
        let mut lockfile = Lockfile::new(workspace());
        let connection = ConnectionName::parse("crm").unwrap();
        let entry = Entry::new(connection, "hubspot", RemoteId::parse(id).unwrap());
        lockfile.entries.insert(QuoteName::parse("q").unwrap(), entry);
        lockfile
    }

    #[test]
    fn a_missing_file_is_empty_and_unchanged_content_is_not_rewritten() {
        let disk = FakeDisk::new();
        let store = Store::new(Arc::new(disk.clone()), Path::new("/w"), LOCKFILE);
        assert_eq!(store.load(&workspace()).unwrap(), Lockfile::new(workspace()));
        assert!(store.save(&lockfile("1")).unwrap());
        assert!(!store.save(&lockfile("1")).unwrap());
        // The same with the line ends of a Windows checkout.
        let text = String::from_utf8(disk.read(store.path()).unwrap()).unwrap();
        disk.replace(store.path(), text.replace('\n', "\r\n").as_bytes()).unwrap();
        assert!(!store.save(&lockfile("1")).unwrap());
        assert!(store.save(&lockfile("2")).unwrap());
        assert_eq!(store.load(&workspace()).unwrap(), lockfile("2"));
    }

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        for fault in [Fault::Fails, Fault::Tears(10), Fault::Dies] {
            let disk = FakeDisk::new();
            let store = Store::new(Arc::new(disk.clone()), Path::new("/w"), LOCKFILE);
            store.save(&lockfile("1")).unwrap();
            disk.fault_in(2, fault);
            assert!(store.save(&lockfile("2")).is_err());
            let after = Store::new(Arc::new(disk.after_kill()), Path::new("/w"), LOCKFILE);
            assert_eq!(after.load(&workspace()).unwrap(), lockfile("1"), "{fault:?}");
        }
    }

    #[test]
    fn an_unreadable_file_is_never_taken_for_an_empty_one() {
        let disk = FakeDisk::new();
        let store = Store::new(Arc::new(disk.clone()), Path::new("/w"), LOCKFILE);
        disk.replace(store.path(), b"").unwrap();
        assert_eq!(store.load(&workspace()).unwrap_err().kind, Kind::Invalid);
        disk.replace(store.path(), b"proforma-lock 1\n\xff").unwrap();
        assert_eq!(store.load(&workspace()).unwrap_err().diagnostics[0].code, "lockfile-encoding");
        disk.fault_in(1, Fault::Fails);
        assert_eq!(
            store.load(&workspace()).unwrap_err().diagnostics[0].code,
            "lockfile-unreadable"
        );
        disk.fault_in(1, Fault::Fails);
        assert!(store.save(&lockfile("1")).is_err());
    }

    #[test]
    fn works_on_a_real_disk() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Arc::new(RealDisk::new()), dir.path(), SANDBOX_LOCKFILE);
        assert!(store.save(&lockfile("1")).unwrap());
        assert_eq!(store.load(&workspace()).unwrap(), lockfile("1"));
        std::fs::remove_file(store.path()).unwrap();
        std::fs::create_dir(store.path()).unwrap();
        assert!(store.load(&workspace()).is_err());
    }
}
