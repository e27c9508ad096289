//! Where a workspace lies in its git checkout: annotations and code scanning name files from there.

use std::path::{Path, PathBuf};

/// The folder of the workspace as seen from the root of the checkout (`sales/eu`, with `/`); empty
/// for the root itself, and where there is no checkout.
pub fn prefix(dir: &Path) -> String {
    let Ok(dir) = dir.canonicalize() else { return String::new() };
    // In a worktree `.git` is a file.
    let root: Option<PathBuf> =
        dir.ancestors().find(|folder| folder.join(".git").exists()).map(Path::to_path_buf);
    let Some(inner) = root.and_then(|root| dir.strip_prefix(root).map(Path::to_path_buf).ok())
    else {
        return String::new();
    };
    let parts: Vec<String> =
        inner.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_checkout_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("sales/eu");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::write(root.path().join(".git"), "gitdir: elsewhere").unwrap();
        assert_eq!(prefix(&inner), "sales/eu");
        assert_eq!(prefix(root.path()), "");
        assert_eq!(prefix(Path::new("/does/not/exist")), "");
    }
}
