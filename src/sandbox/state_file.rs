//! The state file: the sandbox's memory between runs.
//!
//! Invariant: the file is replaced whole (written beside, synced, renamed), so a kill leaves the
//! old state or the new one, never half of each.

use std::io::Write;
use std::path::Path;

use serde_json::Value;

use super::machine::{Sandbox, SandboxError};

/// Loads the file into the sandbox; a missing file leaves it seeded.
pub(crate) fn load(sandbox: &mut Sandbox, path: &Path) -> Result<(), SandboxError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let saved: Value = serde_json::from_slice(&bytes).map_err(|e| SandboxError::Unreadable {
        what: "state file",
        message: format!("{}: {e}", path.display()),
    })?;
    sandbox.load(saved)
}

/// Replaces the file.
pub(crate) fn store(saved: &Value, path: &Path) -> Result<(), SandboxError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(saved.to_string().as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
