//! A plan on disk: saved by `plan --out`, spent by `apply PLANFILE`.
//!
//! Invariants: the file is mode 0600 (it holds prices and addresses), is never written through a
//! symbolic link, and is refused when one byte of it is not as it was written: its last line seals
//! all before it, and its id is the digest of the plan. (No secret is in that: whoever can write the
//! file can seal it again. So apply also plans afresh, and carries out nothing else than what it
//! would have planned: see [`is_other`].) Whether it is still true
//! is decided a quote at a time, right before its first write: see [`is_stale`].

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use super::build::digest;
use super::decide::sight_fingerprint;
use super::model::{Basis, Plan, QuotePlan};
use crate::failure::{Failure, Kind};
use crate::key::Fingerprint;
use crate::lockfile::Entry;
use crate::provider::survey::Sight;

/// The largest plan file that is read, in bytes.
const MAX_BYTES: u64 = 512 * 1024 * 1024;
/// What stands before the seal.
const SEAL: &str = ",\n  \"seal\": \"";

/// Writes a plan.
pub fn save(plan: &Plan, path: &Path) -> Result<(), Failure> {
    if plan.offline {
        return Err(offline());
    }
    let failed = |e: &dyn std::fmt::Display| {
        Failure::new(Kind::Other, format!("cannot write the plan to {}: {e}", path.display()))
    };
    let text = seal(&serde_json::to_string_pretty(plan).map_err(|e| failed(&e))?);
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".proforma-plan")
        .tempfile_in(folder)
        .map_err(|e| failed(&e))?;
    restrict(file.path()).map_err(|e| failed(&e))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|e| failed(&e))?;
    file.persist(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

/// Why a plan that was made without a look upstream is neither saved nor applied.
pub fn offline() -> Failure {
    Failure::new(
        Kind::Invalid,
        "an offline plan cannot be saved or applied: it was made without a look at any upstream",
    )
    .help("plan without `--offline`, where the credentials are")
}

#[cfg(unix)]
fn restrict(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Reads a plan and checks that it is whole.
pub fn load(path: &Path) -> Result<Plan, Failure> {
    let shown = path.display();
    let invalid = |what: String| {
        Failure::new(Kind::Invalid, format!("{shown} is not a usable plan: {what}"))
            .help("make it anew with `proforma plan --out`")
    };
    // A pipe without a writer would block for ever.
    if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(invalid("it is not a regular file".to_owned()));
    }
    let file = OpenOptions::new()
        .read(true)
        .open(path)
        .map_err(|e| Failure::new(Kind::Invalid, format!("cannot read the plan {shown}: {e}")))?;
    let mut text = String::new();
    file.take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(|e| invalid(format!("it cannot be read as text ({e})")))?;
    let text = text.as_str();
    let head: Head = serde_json::from_str(text).map_err(|e| invalid(e.to_string()))?;
    if head.kind != "plan" {
        return Err(invalid(format!("it is a `{}`", crate::output::text::safe(&head.kind))));
    }
    if head.format != 1 {
        return Err(invalid(format!(
            "it has format {}, this proforma reads format 1",
            head.format
        )));
    }
    let changed =
        || invalid("its content does not match its seal; it was changed or cut".to_owned());
    let text = unseal(text).ok_or_else(changed)?;
    let plan: Plan = serde_json::from_str(&text).map_err(|e| invalid(e.to_string()))?;
    if digest(&plan) != plan.id {
        return Err(invalid("its content does not match its id; it was changed or cut".to_owned()));
    }
    if plan.offline {
        return Err(offline());
    }
    Ok(plan)
}

/// A plan's document with the fingerprint of all of it as the last member.
fn seal(text: &str) -> String {
    let body = text.trim_end().strip_suffix('}').unwrap_or(text).trim_end();
    format!("{body}{SEAL}{}\"\n}}\n", fingerprint(body))
}

/// The document without its seal; `None` if a byte of it is not as it was sealed.
fn unseal(text: &str) -> Option<String> {
    let (body, seal) = text.rsplit_once(SEAL)?;
    (seal.strip_suffix("\"\n}\n")? == fingerprint(body)).then(|| format!("{body}\n}}"))
}

fn fingerprint(body: &str) -> String {
    Fingerprint::of_parts("proforma 2026 saved plan 1", &[body]).to_string()
}

/// Whether a fresh plan of the same state would do something else: then the file was forged, made
/// by another version, or the account has changed.
pub fn is_other(saved: &QuotePlan, fresh: Option<&QuotePlan>) -> bool {
    fresh.is_none_or(|fresh| {
        (saved.action, &saved.id, &saved.connection) != (fresh.action, &fresh.id, &fresh.connection)
            || (&saved.steps, &saved.want, &saved.record)
                != (&fresh.steps, &fresh.want, &fresh.record)
    })
}

#[derive(serde::Deserialize)]
struct Head {
    #[serde(default)]
    format: u32,
    #[serde(default)]
    kind: String,
}

/// Why a quote's plan no longer holds, if so.
pub fn is_stale(
    plan: &QuotePlan,
    manifest: Option<&crate::desired::Quote>,
    entry: Option<&Entry>,
    sight: Option<&Sight>,
) -> Option<&'static str> {
    let now = Basis {
        manifest: manifest.map(|q| q.fingerprint),
        observed: match sight {
            Some(Sight::Found(observed)) => Some(sight_fingerprint(&plan.quote, observed)),
            _ => None,
        },
        generation: entry.map_or(0, |e| e.generation),
        recorded: entry.map(|e| e.id.clone()),
    };
    if now.generation != plan.basis.generation || now.recorded != plan.basis.recorded {
        return Some("the lockfile entry has changed since (a plan is spent once)");
    }
    if now.manifest != plan.basis.manifest {
        return Some("the manifest has changed since");
    }
    (now.observed != plan.basis.observed).then_some("the quote upstream has changed since")
}
