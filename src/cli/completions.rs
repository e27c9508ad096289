//! Completions of the shell: the script that a shell loads, and the answers to it.
//!
//! The script asks this very binary, which knows the commands and flags, and the quotes and
//! connections of the workspace at hand.
//!
//! Invariants: an answer never asks an upstream, needs no credentials and writes nothing; a broken
//! workspace completes what can be read of it and says nothing.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::CompletionCandidate;
use clap_complete::env::{CompleteEnv, Shells};

use super::Ending;
use super::args::{Cli, Shell};
use crate::failure::{Failure, Kind};
use crate::manifest::ProviderName;
use crate::manifest::files::Files;
use crate::output::printer::Printer;
use crate::yaml;

/// The variable by which the script asks.
const ASKS: &str = "PROFORMA_COMPLETE";

/// Prints the script for a shell.
pub fn run(shell: Shell, printer: &Printer) -> Ending {
    let failed = |why: String| {
        Failure::new(Kind::Other, format!("there is no script for this shell: {why}"))
    };
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(shell.word()) else {
        return Err(failed(shell.word().to_owned()));
    };
    let mut script = Vec::new();
    completer
        .write_registration(ASKS, "proforma", "proforma", "proforma", &mut script)
        .map_err(|e| failed(e.to_string()))?;
    printer.raw(&String::from_utf8_lossy(&script));
    Ok(None)
}

/// Answers the script, if it is the one who asks. Gives the exit code then.
pub fn answer(args: &[OsString]) -> Option<u8> {
    std::env::var_os(ASKS)?;
    let here = std::env::current_dir().ok();
    let asked = CompleteEnv::with_factory(Cli::command)
        .var(ASKS)
        .bin("proforma")
        .completer("proforma")
        .try_complete(args.iter().cloned(), here.as_deref());
    match asked {
        Ok(true) => Some(0),
        Ok(false) => None,
        // A shell shows what stands on stderr in the middle of the line being typed.
        Err(_) => Some(Kind::Other.exit_code()),
    }
}

/// The workspace of the line that is being typed: what `-C` says, else the folder at hand.
fn folder() -> PathBuf {
    let words: Vec<OsString> = std::env::args_os().collect();
    let mut found = PathBuf::from(".");
    for (word, next) in words.iter().zip(words.iter().skip(1)) {
        if matches!(word.to_str(), Some("-C" | "--dir")) {
            found = PathBuf::from(next);
        }
    }
    let mut joined = words.iter().filter_map(|w| w.to_str()?.strip_prefix("--dir="));
    joined.next_back().map_or(found, PathBuf::from)
}

/// The names of quotes.
pub fn quotes() -> Vec<CompletionCandidate> {
    names(&folder(), "quote").into_iter().map(CompletionCandidate::new).collect()
}

/// The names of connections.
pub fn connections() -> Vec<CompletionCandidate> {
    connection_names(&folder()).into_iter().map(CompletionCandidate::new).collect()
}

/// What `--only` and `--except` take.
pub fn selectors(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    let folder = folder();
    let mut all = names(&folder, "quote");
    all.extend(connection_names(&folder).iter().map(|c| format!("connection={c}")));
    all.extend(ProviderName::ALL.iter().map(|p| format!("provider={p}")));
    all.retain(|word| word.starts_with(typed.as_ref()));
    all.into_iter().map(CompletionCandidate::new).collect()
}

/// Codes that `explain` knows.
pub fn codes() -> Vec<CompletionCandidate> {
    let pages = super::explain::errors().into_iter().chain(super::explain::exits());
    pages.map(|p| CompletionCandidate::new(p.code).help(Some(p.means.into()))).collect()
}

/// Guardrails that can be overridden.
pub fn guardrails() -> Vec<CompletionCandidate> {
    crate::plan::guardrails::NAMES.iter().map(CompletionCandidate::new).collect()
}

/// The names that documents give themselves, read without checking anything else.
fn names(folder: &Path, key: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for file in Files::of_workspace(folder).files {
        for line in file.source.text.lines() {
            let Some(rest) = line.strip_prefix(key).and_then(|r| r.trim_start().strip_prefix(':'))
            else {
                continue;
            };
            let name = rest.split('#').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if crate::key::is_name(name) {
                found.push(name.to_owned());
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn connection_names(folder: &Path) -> Vec<String> {
    let files = Files::of_workspace(folder).files;
    let Some(file) = files.first() else { return Vec::new() };
    let text = file.source.text.trim_start_matches('\u{feff}');
    let parsed = yaml::parse(text, 0);
    let connections = parsed.documents.first().and_then(|d| member(&d.root, "connections"));
    match connections.map(|c| &c.kind) {
        Some(yaml::Kind::Mapping(all)) => {
            let names = all.iter().map(|e| e.key.to_string());
            names.filter(|name| crate::key::is_name(name)).collect()
        }
        _ => Vec::new(),
    }
}

fn member<'n, 't>(node: &'n yaml::Node<'t>, key: &str) -> Option<&'n yaml::Node<'t>> {
    let yaml::Kind::Mapping(all) = &node.kind else { return None };
    all.iter().find(|e| e.key == key).map(|e| &e.value)
}
