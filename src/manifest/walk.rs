//! Files below a workspace, found and read with care.
//!
//! Invariants: symlinks are refused, not followed, so nothing outside the workspace is read; only
//! regular files of bounded size are opened; the order is that of the paths, on any machine.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use crate::yaml::MAX_BYTES;

/// Why a path cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    /// The path, relative, with `/`.
    pub(super) path: String,
    /// Stable code.
    pub(super) code: &'static str,
    /// What is wrong.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(path: &str, code: &'static str, message: String) -> Self {
        Self { path: path.to_owned(), code, message }
    }

    fn io(path: &str, error: &std::io::Error) -> Self {
        Self::new(path, "unreadable-file", format!("`{path}` cannot be read: {error}"))
    }
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Text without a byte order mark.
    Text(String),
    /// Not UTF-8: the text as far as it can be shown, and the byte of the fault.
    NotUtf8(String, usize),
}

/// Adds the manifests at or below `root` (a file or a folder, relative to `dir`) to `found`. Gives
/// `false` when there is nothing at `root`.
pub(super) fn collect(
    dir: &Path,
    root: &str,
    found: &mut BTreeSet<String>,
    refused: &mut Vec<Refusal>,
) -> bool {
    // Every step of the path, not the last one only: `a/b` with `a` a symlink leaves too.
    let mut prefix = String::new();
    for part in root.split('/').filter(|p| !p.is_empty()) {
        join(&mut prefix, part);
        match fs::symlink_metadata(dir.join(&prefix)) {
            Ok(meta) if meta.is_symlink() => {
                refused.push(symlink(&prefix));
                return true;
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
            Err(error) => {
                refused.push(Refusal::io(&prefix, &error));
                return true;
            }
        }
    }
    match fs::symlink_metadata(dir.join(&prefix)) {
        Ok(meta) if meta.is_dir() => walk(dir, prefix, found, refused),
        Ok(meta) if meta.is_file() => {
            found.insert(prefix);
        }
        Ok(_) => refused.push(special(&prefix)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
        Err(error) => refused.push(Refusal::io(&prefix, &error)),
    }
    true
}

fn walk(dir: &Path, top: String, found: &mut BTreeSet<String>, refused: &mut Vec<Refusal>) {
    let mut folders = vec![top];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(dir.join(&folder)) {
            Ok(entries) => entries,
            Err(error) => {
                refused.push(Refusal::io(&folder, &error));
                continue;
            }
        };
        for entry in entries {
            let (entry, kind) = match entry.and_then(|e| e.file_type().map(|kind| (e, kind))) {
                Ok(pair) => pair,
                Err(error) => {
                    refused.push(Refusal::io(&folder, &error));
                    continue;
                }
            };
            let os_name = entry.file_name();
            if os_name.as_encoded_bytes().starts_with(b".") {
                continue;
            }
            let is_yaml = |name: &str| {
                let extension = Path::new(name).extension().unwrap_or_default();
                extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
            };
            let Some(name) = os_name.to_str() else {
                let shown = os_name.to_string_lossy();
                if kind.is_dir() || is_yaml(&shown) {
                    let message = format!("the name of `{shown}` is not UTF-8");
                    refused.push(Refusal::new(&shown, "unreadable-file", message));
                }
                continue;
            };
            let mut path = folder.clone();
            join(&mut path, name);
            if kind.is_symlink() {
                refused.push(symlink(&path));
            } else if kind.is_dir() {
                folders.push(path);
            } else if is_yaml(name) && path != super::workspace::FILE_NAME {
                if kind.is_file() {
                    found.insert(path);
                } else {
                    refused.push(special(&path));
                }
            }
        }
    }
}

fn join(path: &mut String, part: &str) {
    if !path.is_empty() {
        path.push('/');
    }
    path.push_str(part);
}

fn symlink(path: &str) -> Refusal {
    Refusal::new(path, "symlink", format!("`{path}` is a symbolic link, these are not followed"))
}

fn special(path: &str) -> Refusal {
    Refusal::new(path, "unreadable-file", format!("`{path}` is not a regular file"))
}

/// Reads a file that was found.
pub(super) fn read(dir: &Path, path: &str) -> Result<Content, Refusal> {
    decode(path, bytes_of(dir, path)?)
}

/// The same with the byte order mark, where there is one.
pub(super) fn read_as_is(dir: &Path, path: &str) -> Result<Content, Refusal> {
    let bytes = bytes_of(dir, path)?;
    let marked = bytes.starts_with(BOM);
    Ok(match decode(path, bytes)? {
        Content::Text(text) if marked => Content::Text(format!("\u{feff}{text}")),
        content => content,
    })
}

/// The byte order mark of UTF-8.
const BOM: &[u8] = &[0xef, 0xbb, 0xbf];

fn bytes_of(dir: &Path, path: &str) -> Result<Vec<u8>, Refusal> {
    let io = |error: std::io::Error| Refusal::io(path, &error);
    let whole = dir.join(path);
    let meta = fs::symlink_metadata(&whole).map_err(io)?;
    if meta.is_symlink() {
        return Err(symlink(path));
    }
    // A pipe would block for ever.
    if !meta.is_file() {
        return Err(special(path));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).min(MAX_BYTES) + 1);
    let file = fs::File::open(&whole).map_err(io)?;
    if !is_same(&meta, &file.metadata().map_err(io)?) {
        return Err(Refusal::new(
            path,
            "symlink",
            format!("`{path}` was replaced while it was read"),
        ));
    }
    file.take(MAX_BYTES as u64 + 4).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// Whether the file that was opened is the one that was looked at: between the two a link may
/// have taken its place.
#[cfg(unix)]
fn is_same(seen: &fs::Metadata, opened: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (seen.dev(), seen.ino()) == (opened.dev(), opened.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, opened: &fs::Metadata) -> bool {
    opened.is_file()
}

/// What the bytes of a file are.
pub(super) fn decode(path: &str, mut bytes: Vec<u8>) -> Result<Content, Refusal> {
    if bytes.starts_with(BOM) {
        bytes.drain(..3);
    }
    if bytes.len() > MAX_BYTES {
        let message = format!("`{path}` is larger than {} MiB", MAX_BYTES / 1024 / 1024);
        return Err(Refusal::new(path, "file-too-large", message));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Content::Text(text),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            Content::NotUtf8(String::from_utf8_lossy(error.as_bytes()).into_owned(), at)
        }
    })
}
