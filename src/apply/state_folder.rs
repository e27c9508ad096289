//! `.proforma/`: what belongs to this machine and never to git.
//!
//! Purpose: one place for journal and workspace lock.
//!
//! Invariant: the folder ignores itself, so that no journal is ever committed.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::Disk;

/// The folder's name inside the workspace.
pub const STATE_FOLDER: &str = ".proforma";

/// Whether this machine has never applied the workspace in `folder`, or has lost what it remembered
/// of it. To be asked before anything makes the folder.
pub fn is_fresh(disk: &dyn Disk, folder: &Path) -> bool {
    // What cannot be looked at is no memory.
    !disk.exists(&folder.join(STATE_FOLDER).join(".gitignore")).unwrap_or(false)
}

/// The state folder of the workspace in `folder`, made where it is missing.
pub fn prepare(disk: &dyn Disk, folder: &Path) -> io::Result<PathBuf> {
    let state = folder.join(STATE_FOLDER);
    disk.create_folder(&state)?;
    let ignore = state.join(".gitignore");
    if !disk.exists(&ignore)? {
        disk.replace(&ignore, b"*\n")?;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::RealDisk;

    #[test]
    fn ignores_itself_and_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::new();
        assert!(is_fresh(&disk, dir.path()));
        let state = prepare(&disk, dir.path()).unwrap();
        assert_eq!(prepare(&disk, dir.path()).unwrap(), state);
        assert_eq!(std::fs::read_to_string(state.join(".gitignore")).unwrap(), "*\n");
        assert!(!is_fresh(&disk, dir.path()));
    }
}
