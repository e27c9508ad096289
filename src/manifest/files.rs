//! The files of a workspace as texts, for what looks at how they are written.
//!
//! Invariants: as in [`super::load`], links are refused and only regular files of bounded size are
//! read; the order is that of the paths, the workspace file first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::read::Sink;
use super::walk::{self, Content, Refusal};
use super::workspace::{FILE_NAME, read_workspace};
use crate::disk;
use crate::failure::{Diagnostic, SourceFile};
use crate::yaml;

/// A file with its text as it lies on the disk, byte order mark included.
#[derive(Clone, Debug)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// Its name for people, with its text.
    pub source: Arc<SourceFile>,
}

/// What was found, and what could not be read.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// Files that can be read.
    pub files: Vec<File>,
    /// What is wrong with the others.
    pub diagnostics: Vec<Diagnostic>,
}

impl Files {
    /// All files of the workspace in a folder, whatever is wrong in them.
    pub fn of_workspace(dir: &Path) -> Self {
        let mut found = Self::default();
        if !found.add(dir, FILE_NAME, FILE_NAME) {
            return found;
        }
        let mut roots = vec!["quotes".to_owned(), "catalog".to_owned()];
        if let Some(file) = found.files.first() {
            let text = file.source.text.trim_start_matches('\u{feff}').to_owned();
            let parsed = yaml::parse(&text, 0);
            // What is wrong in it is the business of `validate`.
            let mut ignored = Sink::default();
            let document = parsed.documents.first();
            if let Some(reading) = document.and_then(|d| read_workspace(&d.root, &[], &mut ignored))
            {
                roots = reading.roots.iter().map(|r| r.path.clone()).collect();
            }
        }
        for root in roots {
            found.collect(dir, &root, "");
        }
        found
    }

    /// The files that somebody named, and those in folders that somebody named. `dir` is where
    /// relative paths begin.
    pub fn named(dir: &Path, paths: &[PathBuf]) -> Self {
        let mut found = Self::default();
        for path in paths {
            let shown = path.to_string_lossy().replace('\\', "/");
            let whole = dir.join(path);
            // A link in the workspace leads where whoever wrote it wants; one above it is the
            // user's own.
            if disk::leads_away(&whole, dir).unwrap_or(true) {
                let message =
                    format!("`{shown}` goes through a symbolic link, these are not followed");
                found.diagnostics.push(Diagnostic::error("symlink", message));
                continue;
            }
            if whole.is_dir() {
                found.collect(&whole, "", &shown);
                continue;
            }
            let (parent, name) = (whole.parent(), whole.file_name().and_then(|n| n.to_str()));
            let (Some(parent), Some(name)) = (parent, name) else {
                let message = format!("`{shown}` is not the path of a file");
                found.diagnostics.push(Diagnostic::error("unreadable-file", message));
                continue;
            };
            found.add(parent, name, &shown);
        }
        found
    }

    fn collect(&mut self, dir: &Path, root: &str, shown: &str) {
        let (mut paths, mut refused) = (BTreeSet::new(), Vec::new());
        walk::collect(dir, root, &mut paths, &mut refused);
        self.diagnostics.extend(refused.into_iter().map(told));
        for path in paths {
            let shown = match shown.trim_end_matches('/') {
                "" | "." => path.clone(),
                folder => format!("{folder}/{path}"),
            };
            self.add(dir, &path, &shown);
        }
    }

    /// Reads one file; `false` when that is not possible.
    fn add(&mut self, dir: &Path, path: &str, shown: &str) -> bool {
        let whole = dir.join(path);
        if self.files.iter().any(|f| f.path == whole) {
            return true;
        }
        match walk::read_as_is(dir, path) {
            Ok(Content::Text(text)) => {
                let source = Arc::new(SourceFile { path: shown.to_owned(), text });
                self.files.push(File { path: whole, source });
                true
            }
            Ok(Content::NotUtf8(..)) => {
                let message = format!("`{shown}` is not UTF-8 text");
                self.diagnostics
                    .push(Diagnostic::error("not-utf8", message).help("save it as UTF-8"));
                false
            }
            Err(refusal) => {
                self.diagnostics.push(told(refusal));
                false
            }
        }
    }
}

fn told(refusal: Refusal) -> Diagnostic {
    Diagnostic::error(refusal.code, refusal.message)
}
