//! Files that are named on the command line and may lie in a checked-out branch.
//!
//! Purpose: `--events out/events.jsonl` in a pipeline writes where the pipeline's author meant it
//! to, even if a pull request put a link in the place of `out` or of the file.
//!
//! Invariants: below the workspace no part of such a path is a link; the file itself is a regular
//! one or missing, wherever it lies. Folders above the workspace are the caller's own business. A
//! branch that is changed while proforma runs is not guarded against: who can do that can change
//! the manifests too.

use std::io;
use std::path::{Component, Path};

use crate::failure::{Failure, Kind};
use crate::output::text::safe_line;

/// Refuses a path that would lead a write elsewhere. `workspace` is the folder of the workspace.
pub fn refuse_links(path: &Path, workspace: &Path) -> io::Result<()> {
    let (path, workspace) = (std::path::absolute(path)?, std::path::absolute(workspace)?);
    if let Ok(inner) = path.strip_prefix(&workspace) {
        let mut place = workspace;
        for part in inner.parent().into_iter().flat_map(Path::components) {
            // After `..` the path is not below the workspace by its text alone.
            if part == Component::ParentDir {
                break;
            }
            place.push(part);
            if std::fs::symlink_metadata(&place).is_ok_and(|there| there.is_symlink()) {
                return Err(wrong("a folder on its path is a symbolic link"));
            }
        }
    }
    match std::fs::symlink_metadata(&path) {
        Ok(there) if there.is_symlink() => Err(wrong("it is a symbolic link")),
        // A pipe without a reader would block for ever.
        Ok(there) if !there.is_file() => Err(wrong("it is not a regular file")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Whether a path below the workspace goes through a symbolic link, or is one. A path elsewhere is
/// its user's own business.
pub fn leads_away(path: &Path, workspace: &Path) -> io::Result<bool> {
    let (path, workspace) = (std::path::absolute(path)?, std::path::absolute(workspace)?);
    let Ok(inner) = path.strip_prefix(&workspace) else { return Ok(false) };
    let mut place = workspace.clone();
    Ok(inner.components().take_while(|part| *part != Component::ParentDir).any(|part| {
        place.push(part);
        std::fs::symlink_metadata(&place).is_ok_and(|there| there.is_symlink())
    }))
}

/// The failure of a path that cannot be written.
pub fn unfit(what: &str, path: &Path, why: &io::Error) -> Failure {
    let shown = path.to_string_lossy();
    Failure::new(Kind::Invalid, format!("cannot write {what} to `{}`: {why}", safe_line(&shown)))
        .help("name a regular file, or one that does not exist yet, in a folder that is no link")
}

fn wrong(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_below_the_workspace_are_refused_and_above_it_are_not() {
        let top = tempfile::tempdir().unwrap();
        let at = |path: &str| top.path().join(path);
        for folder in ["real/out", "elsewhere"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        symlink(at("real"), at("workspace")).unwrap();
        symlink(at("elsewhere"), at("real/link")).unwrap();
        std::fs::write(at("elsewhere/file"), "x").unwrap();
        symlink(at("elsewhere/file"), at("real/out/file")).unwrap();
        symlink(at("nowhere"), at("real/out/dangling")).unwrap();
        let workspace = at("workspace");
        for good in ["out/new", "new", "../elsewhere/file", "missing/new"] {
            assert!(refuse_links(&workspace.join(good), &workspace).is_ok(), "{good}");
        }
        for bad in ["link/new", "out/file", "out/dangling", "out", "link"] {
            assert!(refuse_links(&workspace.join(bad), &workspace).is_err(), "{bad}");
        }
    }
}
