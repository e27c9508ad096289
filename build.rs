//! The version that `proforma --version` prints: with the commit in an optimised build from git,
//! plain in any other.
//!
//! A debug build is made anew after every commit, so it does not look at git at all. A build from
//! an archive can say where it is from: `PROFORMA_COMMIT="abc1234 2026-11-22"`. The commit and its
//! date are all that goes in, so the same commit gives the same binary.

#![allow(clippy::print_stdout, reason = "how a build script talks to cargo")]

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PROFORMA_COMMIT");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let said = std::env::var("PROFORMA_COMMIT").ok().filter(|s| !s.trim().is_empty());
    let optimised = std::env::var("PROFILE").is_ok_and(|p| p == "release");
    let commit = said.map(|s| s.trim().to_owned()).or_else(|| optimised.then(from_git).flatten());
    let full = commit.map_or(version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=PROFORMA_VERSION={full}");
}

/// The commit and its day, if this is a checkout of its own and not a copy inside another one.
fn from_git() -> Option<String> {
    let root = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if !Path::new(&root).join(".git").exists() {
        return None;
    }
    // What moves when a commit is made: the head, and the branch that it names.
    for path in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&root, &["rev-parse", "--git-path", path]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&root, &["log", "-1", "--abbrev=7", "--format=%h %cs"])
}

fn git(root: &str, args: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
