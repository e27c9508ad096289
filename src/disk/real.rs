//! The machine's own disk.
//!
//! Purpose: atomic replacement and durable appending with the standard library and `tempfile`.
//!
//! Invariants: a replaced file keeps its permissions; a new one gets what the umask allows. Files
//! being appended to stay open, so that `sync` flushes the descriptor that was written: an error
//! of an earlier write is then reported here and not lost with a closed descriptor.

use std::collections::BTreeMap;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::Disk;

/// The largest file that is read, in bytes: a checked-out branch may hold anything.
const MAX_READ: u64 = 512 * 1024 * 1024;

/// The real disk.
#[derive(Debug, Default)]
pub struct RealDisk {
    open: Mutex<BTreeMap<PathBuf, File>>,
}

impl RealDisk {
    /// A disk with nothing open.
    pub fn new() -> Self {
        Self::default()
    }

    fn opened<T>(&self, work: impl FnOnce(&mut BTreeMap<PathBuf, File>) -> T) -> T {
        work(&mut self.open.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Disk for RealDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match regular(path)? {
            None => Err(io::ErrorKind::NotFound.into()),
            Some(there) if there.len() > MAX_READ => {
                Err(wrong("is larger than 512 MiB, which no lockfile or journal is"))
            }
            Some(_) => fs::read(path),
        }
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let existing = regular(path)?;
        let folder = folder_of(path);
        let mut builder = tempfile::Builder::new();
        builder.prefix(".proforma-").suffix(".tmp");
        // Temporary files are private by default; a lockfile is shared like any other source.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        if let Some(existing) = existing {
            file.as_file().set_permissions(existing.permissions())?;
        }
        file.as_file().sync_all()?;
        self.opened(|open| open.remove(path));
        file.persist(path).map_err(|e| e.error)?;
        sync_folder(folder)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        self.opened(|open| {
            if let Some(file) = open.get_mut(path) {
                return file.write_all(bytes);
            }
            let is_new = regular(path)?.is_none();
            let mut file = OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(bytes)?;
            if is_new {
                sync_folder(folder_of(path))?;
            }
            open.insert(path.to_owned(), file);
            Ok(())
        })
    }

    fn sync(&self, path: &Path) -> io::Result<()> {
        self.opened(|open| match open.get(path) {
            Some(file) => file.sync_data(),
            None => OpenOptions::new().append(true).open(path)?.sync_data(),
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.opened(|open| open.remove(path));
        match fs::remove_file(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
            Ok(()) => sync_folder(folder_of(path)),
        }
    }

    fn exists(&self, path: &Path) -> io::Result<bool> {
        Ok(found(path)?.is_some())
    }

    fn is_link(&self, path: &Path) -> io::Result<bool> {
        Ok(found(path)?.is_some_and(|there| there.is_symlink()))
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        match found(path)? {
            Some(there) if there.is_dir() => return Ok(()),
            Some(_) => return Err(wrong("is not a folder (a link to one is refused)")),
            None => {}
        }
        match fs::create_dir(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(e) => Err(e),
            Ok(()) => sync_folder(folder_of(path)),
        }
    }
}

/// What is at the path itself, links not followed.
fn found(path: &Path) -> io::Result<Option<Metadata>> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// The file at the path; an error for a link, a folder, a pipe or a device.
fn regular(path: &Path) -> io::Result<Option<Metadata>> {
    match found(path)? {
        Some(there) if there.file_type().is_symlink() => {
            Err(wrong("is a symbolic link; proforma only writes to the file itself"))
        }
        Some(there) if !there.is_file() => Err(wrong("is not a regular file")),
        other => Ok(other),
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, what)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A new or renamed file is durable when its folder is. Windows has no such call and needs none.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_whole_files_and_leaves_no_scraps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let disk = RealDisk::new();
        assert_eq!(disk.read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        disk.replace(&path, b"one").unwrap();
        disk.replace(&path, b"two").unwrap();
        assert_eq!(disk.read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn appends_after_a_replacement_go_to_the_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let disk = RealDisk::new();
        disk.append(&path, b"old").unwrap();
        disk.sync(&path).unwrap();
        disk.replace(&path, b"new ").unwrap();
        disk.append(&path, b"tail").unwrap();
        disk.sync(&path).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new tail");
        disk.remove(&path).unwrap();
        disk.remove(&path).unwrap();
        assert!(!disk.exists(&path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn keeps_permissions_and_refuses_links() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let disk = RealDisk::new();
        fs::write(&path, "x").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        disk.replace(&path, b"y").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);

        let link = dir.path().join("link");
        symlink(&path, &link).unwrap();
        assert!(disk.replace(&link, b"z").is_err());
        assert!(disk.append(&link, b"z").is_err());
        assert!(disk.read(&link).is_err());
        let folder = dir.path().join("folder-link");
        symlink(dir.path(), &folder).unwrap();
        assert!(disk.create_folder(&folder).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"y");
    }
}
