//! The command `validate`: everything that can be known offline.

use std::path::{Path, PathBuf};

use super::args::Global;
use super::{Ending, checkout, connect, open};
use crate::desired::{Quote, WantedState};
use crate::failure::{Diagnostic, Kind, Severity};
use crate::lockfile::{LOCKFILE, Lockfile, SANDBOX_LOCKFILE, Store};
use crate::manifest::Loaded;
use crate::output::annotations::annotations;
use crate::output::failure_human::diagnostics_human;
use crate::output::json::{Counts, validate_json};
use crate::output::printer::{Format, Printer};
use crate::output::sarif::sarif;

/// Checks workspace, manifests, catalog, lockfile, and what each provider can hold.
pub fn run(global: &Global, paths: &[PathBuf], printer: &Printer) -> Ending {
    let loaded = open::load(global);
    let mut found = loaded.diagnostics.clone();
    let lockfile = if global.sandbox.is_some() { SANDBOX_LOCKFILE } else { LOCKFILE };
    let recorded = recorded(&global.dir, lockfile, &loaded);
    found.extend(provider_checks(&loaded, recorded.as_ref().ok().and_then(Option::as_ref)));
    found.extend(recorded.err().into_iter().flatten());
    if !paths.is_empty() {
        found.retain(|d| d.place.as_ref().is_none_or(|p| lies_in(&p.source.path, paths)));
    }
    let counts = Counts {
        files: loaded.sources.len(),
        quotes: loaded.quotes.len(),
        products: loaded.products.len(),
    };
    let wrong = found.iter().any(|d| d.severity == Severity::Error);
    let summary =
        format!("{} quotes, {} products in {} files", counts.quotes, counts.products, counts.files);
    match printer.format() {
        Format::Json => printer.data(&validate_json(counts, &found)),
        Format::Sarif => printer.data(&sarif(&found, &checkout::prefix(&global.dir), true)),
        Format::Github => {
            let word = if wrong { "not valid" } else { "valid" };
            let summary = format!("{word}: {summary}");
            printer.data(&annotations(&found, &checkout::prefix(&global.dir), &summary));
        }
        Format::Human | Format::Markdown | Format::Html => {
            printer.data(&diagnostics_human(&found, printer.look()));
            if !wrong {
                printer.data(&format!("valid: {summary}\n"));
            }
        }
    }
    Ok(wrong.then_some(Kind::Invalid))
}

/// What each provider says of its quotes. A quote that the lockfile does not know is going to be
/// made, and has to have all that this takes.
fn provider_checks(loaded: &Loaded, lockfile: Option<&Lockfile>) -> Vec<Diagnostic> {
    let Some(workspace) = &loaded.workspace else { return Vec::new() };
    let mut found = Vec::new();
    for (name, connection) in &workspace.connections {
        let quotes = loaded.quotes.iter().filter(|q| q.connection == *name);
        match connect::dialect(name, connection) {
            Ok(dialect) => {
                for quote in quotes {
                    let mut own = dialect.check(quote);
                    own.retain(|d| d.code != "mail-without-quote" || !is_sent(lockfile, quote));
                    if lockfile.is_some_and(|l| !is_recorded(l, quote)) {
                        own.extend(dialect.check_new(quote));
                    }
                    found.extend(own.into_iter().map(|d| d.about(&quote.name)));
                }
            }
            Err(failure) => {
                let mut diagnostic = Diagnostic::error("provider-unavailable", failure.message);
                diagnostic.help = failure.help;
                found.push(diagnostic);
            }
        }
    }
    found
}

/// Whether a quote is recorded as sent or further: no mail leaves then.
fn is_sent(lockfile: Option<&Lockfile>, quote: &Quote) -> bool {
    let mut names = std::iter::once(&quote.name).chain(&quote.was);
    let entry = names.find_map(|name| lockfile?.entries.get(name));
    let state = entry.and_then(|entry| entry.state.as_deref());
    state.is_some_and(|state| state != WantedState::Draft.word())
}

fn is_recorded(lockfile: &Lockfile, quote: &Quote) -> bool {
    std::iter::once(&quote.name).chain(&quote.was).any(|name| lockfile.entries.contains_key(name))
}

/// The lockfile, if there is a workspace to have one; or what is wrong with it.
fn recorded(dir: &Path, file: &str, loaded: &Loaded) -> Result<Option<Lockfile>, Vec<Diagnostic>> {
    let Some(workspace) = &loaded.workspace else { return Ok(None) };
    let store = Store::new(std::sync::Arc::new(crate::disk::RealDisk::new()), dir, file);
    store.load(&workspace.name).map(Some).map_err(|failure| {
        if !failure.diagnostics.is_empty() {
            return failure.diagnostics;
        }
        let mut diagnostic = Diagnostic::error("lockfile-unreadable", failure.message);
        diagnostic.help = failure.help;
        vec![diagnostic]
    })
}

fn lies_in(source: &str, paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| {
        let path = path.strip_prefix(".").unwrap_or(path);
        Path::new(source).starts_with(path)
    })
}
