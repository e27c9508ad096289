//! The disk under lockfile and journal.
//!
//! Purpose: [`Disk`] is the seam between proforma's memory and the machine. In production it is
//! [`RealDisk`]; in tests and in the simulation it is [`FakeDisk`], which fails, tears and dies on
//! command.
//!
//! Invariants: `replace` is all or nothing and durable when it returns. `append` may tear, and is
//! durable only after `sync`. No operation follows a symbolic link at its path, because a checked
//! out branch may plant one.

mod fake;
mod links;
mod real;

pub use fake::{FakeDisk, Fault};
pub use links::{leads_away, refuse_links, unfit};
pub use real::RealDisk;

use std::fmt;
use std::io;
use std::path::Path;

/// What proforma asks of a disk. All paths are whole paths of files, save in `create_folder`.
pub trait Disk: Send + Sync + fmt::Debug {
    /// The whole file; `NotFound` where there is none.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Puts these bytes in the place of the file, atomically and durably. An error leaves the old
    /// file as it was, or (when only the last flush failed) the new one, but never a mixture.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Adds to the end of the file, making it where it is missing. Not durable before `sync`; an
    /// error may leave a part of the bytes behind.
    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Makes everything appended to the file durable.
    fn sync(&self, path: &Path) -> io::Result<()>;

    /// Removes the file; a file that is not there is fine.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// Whether something is at the path.
    fn exists(&self, path: &Path) -> io::Result<bool>;

    /// Whether the path itself is a symbolic link, wherever it leads.
    fn is_link(&self, _: &Path) -> io::Result<bool> {
        Ok(false)
    }

    /// Makes the folder (not its parents) durable where it is missing.
    fn create_folder(&self, path: &Path) -> io::Result<()>;

    /// Whether calls may take so long that async code must move them to a blocking thread. `false`
    /// keeps a simulation on one thread, and so repeatable.
    fn blocks(&self) -> bool {
        true
    }
}
