//! Manifests on their way to the disk.
//!
//! The one thing to know: a manifest without a lockfile entry would be made a second time upstream, and
//! an entry without its manifest is only shown as orphaned. So files are written under names that no
//! manifest has (`.name.yaml.new`), the lockfile is saved, and then they get their names. A run that was
//! killed in between left files with an entry: the next one gives them their names.
//!
//! Invariants: nothing that is there is overwritten; no path leaves its folder, and none goes through a
//! symbolic link.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Held;
use crate::disk::{Disk, refuse_links, unfit};
use crate::failure::{Failure, Kind};
use crate::key::QuoteName;
use crate::lockfile::Lockfile;

const HEAD: &str = ".";
const TAIL: &str = ".yaml.new";

/// A folder of the workspace that manifests are written to.
#[derive(Debug)]
pub struct Stage<'a> {
    workspace: &'a Path,
    /// Below the workspace, with `/`.
    folder: String,
    disk: &'a dyn Disk,
}

impl<'a> Stage<'a> {
    /// Makes the folder where it is missing.
    pub fn open(workspace: &'a Path, folder: String, disk: &'a dyn Disk) -> Result<Self, Failure> {
        let stage = Self { workspace, folder, disk };
        let probe = stage.path(".probe");
        refuse_links(&probe, workspace).map_err(|e| unfit("manifests", &probe, &e))?;
        let folder = workspace.join(&stage.folder);
        fs::create_dir_all(&folder).map_err(|e| unfit("manifests", &folder, &e))?;
        refuse_links(&probe, workspace).map_err(|e| unfit("manifests", &probe, &e))?;
        Ok(stage)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.workspace.join(&self.folder).join(file)
    }

    fn staged(&self, name: &str) -> PathBuf {
        self.path(&format!("{HEAD}{name}{TAIL}"))
    }

    /// The manifest of a quote, below the workspace.
    pub fn file_of(&self, name: &str) -> String {
        format!("{}/{name}.yaml", self.folder)
    }

    /// Whether no file of that name is there.
    pub fn is_free(&self, name: &str) -> bool {
        let is_gone = |path: PathBuf| fs::symlink_metadata(path).is_err();
        is_gone(self.path(&format!("{name}.yaml"))) && is_gone(self.path(&format!("{name}.yml")))
    }

    /// Puts right what a run left that was cut off. Gives the quotes whose manifest came late.
    pub fn heal(&self, lockfile: &Lockfile) -> Result<Vec<QuoteName>, Failure> {
        let folder = self.workspace.join(&self.folder);
        let mut healed = Vec::new();
        let entries = fs::read_dir(&folder).map_err(|e| unfit("manifests", &folder, &e))?;
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|f| Some(f.strip_prefix(HEAD)?.strip_suffix(TAIL)?.to_owned()))
            .collect();
        names.sort();
        for name in names {
            let known = QuoteName::parse(&name).filter(|q| lockfile.entries.contains_key(q));
            match known {
                Some(quote) if self.is_free(&name) => {
                    self.publish(&name)?;
                    healed.push(quote);
                }
                // Of a page that was never recorded: it is read again.
                _ => self.disk.remove(&self.staged(&name)).map_err(|e| self.broken(&name, &e))?,
            }
        }
        Ok(healed)
    }

    /// Writes a manifest under its name of the meantime.
    pub fn write(&self, held: &Held) -> Result<(), Failure> {
        let name = held.name.as_str();
        let staged = self.staged(name);
        refuse_links(&staged, self.workspace).map_err(|e| self.broken(name, &e))?;
        self.disk.replace(&staged, held.text.as_bytes()).map_err(|e| self.broken(name, &e))
    }

    /// Gives a manifest its name; never that of a file that is there.
    pub fn publish(&self, name: &str) -> Result<(), Failure> {
        let (from, to) = (self.staged(name), self.path(&format!("{name}.yaml")));
        // A link fails where the name is taken, which a renaming would not.
        match fs::hard_link(&from, &to) {
            Ok(()) => self.disk.remove(&from).map_err(|e| self.broken(name, &e)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(self.broken(name, &e)),
            // A file system without hard links.
            Err(_) if self.is_free(name) => {
                fs::rename(&from, &to).map_err(|e| self.broken(name, &e))
            }
            Err(e) => Err(self.broken(name, &e)),
        }
    }

    fn broken(&self, name: &str, why: &io::Error) -> Failure {
        Failure::new(Kind::Other, format!("cannot write `{}`: {why}", self.file_of(name)))
            .help("make room or give write access, then run import again: it goes on where it was")
    }
}
