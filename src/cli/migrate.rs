//! The command `migrate`: manifests for another connection, and what is lost on the way.
//!
//! Purpose: flags to a [`Job`], its results to files. All thinking is in [`crate::migrate`].
//!
//! Invariants: offline. A manifest is written only after it was read back and passed the target's
//! checks. With `--fail-on` nothing is written when a field ends so. The lockfile is touched by
//! `--in-place` alone, under the workspace lock.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Global, MigrateArgs};
use super::select::Selected;
use super::{Ending, connect, migrate_files, open, providers};
use crate::desired::Quote;
use crate::failure::{Diagnostic, Failure, Kind, Severity, SourceFile};
use crate::key::{ConnectionName, QuoteName};
use crate::manifest::{self, Connection, LoadOptions, MAPPING, Mapping, ProviderName};
use crate::migrate::report::{Migration, Moved, Outcome, Row, Unmapped, Written};
use crate::migrate::{Job, files, migrate, stubs};
use crate::output::failure_human::diagnostics_human;
use crate::output::printer::{Format, Printer};
use crate::output::text::safe;
use crate::output::{migrate_html, migrate_human, migrate_json, migrate_markdown};

/// Migrates, writes, reports.
pub fn run(global: &Global, args: &MigrateArgs, printer: &Printer) -> Ending {
    let opened = open::open(global)?;
    let fail_on = fail_on(&args.fail_on)?;
    let from = named(&opened, &args.from)?;
    let to = named(&opened, &args.to)?;
    if from.0 == to.0 {
        return Err(Failure::new(Kind::Invalid, "`--from` and `--to` are the same connection")
            .help("name the connection that the quotes move to"));
    }
    let mapping_file = args.mapping.clone().unwrap_or_else(|| opened.folder.join(MAPPING));
    let (mapping, mapping_text) =
        mapping(&opened, &mapping_file, args.mapping.is_some(), &from, &to)?;
    let defaults = defaults(&opened, to.0)?;
    let (source, target) = (connect::dialect(from.0, from.1)?, connect::dialect(to.0, to.1)?);
    let sheets = providers::sheets();
    let provider = to.1.provider;
    let of = |provider: ProviderName| sheets.iter().find(|s| s.name == provider.word());
    let (Some(source_sheet), Some(sheet)) = (of(from.1.provider), of(provider)) else {
        return Err(Failure::new(Kind::Other, "the provider has no table of what it can hold"));
    };
    let job = Job {
        from: from.0,
        to: to.0,
        source: &*source,
        target: &*target,
        source_provider: from.1.provider,
        provider,
        source_sheet,
        sheet,
        currency: to.1.currency,
        defaults: &defaults,
        products: opened.loaded.products.iter().map(|p| (p.product.as_str(), p)).collect(),
        mapping: &mapping,
        lockfile: &opened.lockfile,
        keep_state: args.keep_state,
        in_place: args.in_place,
    };
    let selected = Selected::parse(&args.selection.only, &args.selection.except)?;
    let quotes: Vec<&Quote> = opened
        .loaded
        .quotes
        .iter()
        .filter(|q| q.connection == *from.0)
        .filter(|q| selected.holds(&q.name, &q.connection, from.1.provider.word(), Some(q)))
        .collect();
    let mut unmapped = Unmapped::new();
    let mut moved: Vec<Moved> = quotes.iter().map(|q| migrate(&job, q, &mut unmapped)).collect();
    let mut diagnostics = Vec::new();
    if quotes.is_empty() {
        diagnostics.push(
            Diagnostic::warning(
                "nothing-selected",
                format!("no quote of connection `{}` is selected", from.0),
            )
            .help("`proforma import` makes manifests of what is upstream"),
        );
    }
    refuse_taken(&opened, args, &mut moved);
    let texts = migrate_files::texts(&opened, &job, &mut moved, &quotes, args)?;
    verify(&opened, &job, &mut moved, &texts);
    let mut migration = Migration {
        from: from.0.clone(),
        to: to.0.clone(),
        quotes: moved,
        unmapped,
        archived: None,
        files: Vec::new(),
        diagnostics,
    };
    let failing: BTreeSet<Outcome> = migration
        .quotes
        .iter()
        .flat_map(|q| &q.rows)
        .map(|r| r.outcome)
        .filter(|o| fail_on.contains(o))
        .collect();
    if failing.is_empty() && args.archive_source {
        migrate_files::archive(&opened, &*source, &quotes, &mut migration)?;
    } else if failing.is_empty() {
        migrate_files::write(&opened, &texts, args, &mut migration)?;
        stub(&opened, &mapping_file, mapping_text.as_deref(), &mapping, &mut migration)?;
    }
    show(&migration, args, global, printer);
    printer.say(&diagnostics_human(&migration.diagnostics, printer.look_err()));
    if failing.is_empty() {
        return Ok(None);
    }
    let words: Vec<&str> = failing.iter().map(|o| o.word()).collect();
    printer.say(&format!(
        "error: some fields are {} (`--fail-on`); nothing was written\n",
        words.join(", ")
    ));
    Ok(Some(Kind::Guardrail))
}

fn show(migration: &Migration, args: &MigrateArgs, global: &Global, printer: &Printer) {
    let program = super::program(global);
    let text = match printer.format() {
        Format::Json => migrate_json::migrate_json(migration),
        Format::Html => migrate_html::migrate_html(migration),
        Format::Markdown => migrate_markdown::migrate_markdown(migration),
        _ => migrate_human::migrate_human(migration, args.archive_source, &program, printer.look()),
    };
    printer.data(&text);
}

fn fail_on(words: &[String]) -> Result<BTreeSet<Outcome>, Failure> {
    let parse = |word: &String| {
        Outcome::parse(word).ok_or_else(|| {
            let known: Vec<&str> = Outcome::ALL.iter().map(|o| o.word()).collect();
            let what = format!("`--fail-on {}`: there is no such outcome", safe(word));
            Failure::new(Kind::Invalid, what).help(format!("outcomes are: {}", known.join(", ")))
        })
    };
    words.iter().map(parse).collect()
}

type Named<'o> = (&'o ConnectionName, &'o Connection);

fn named<'o>(opened: &'o open::Opened, text: &str) -> Result<Named<'o>, Failure> {
    let connections = &opened.workspace.connections;
    connections.iter().find(|(name, _)| name.as_str() == text).ok_or_else(|| {
        let known: Vec<&str> = connections.keys().map(ConnectionName::as_str).collect();
        Failure::new(Kind::Invalid, format!("there is no connection `{}`", safe(text)))
            .help(format!("connections are: {}", known.join(", ")))
    })
}

/// The mapping and its text; nothing where the usual file is missing.
fn mapping(
    opened: &open::Opened,
    path: &Path,
    must: bool,
    from: &Named<'_>,
    to: &Named<'_>,
) -> Result<(Mapping, Option<String>), Failure> {
    let shown = safe(&path.to_string_lossy()).into_owned();
    let bytes = match opened.disk.read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must => {
            return Ok((Mapping::default(), None));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // A run with a name of its own makes the file.
            return Ok((Mapping::default(), None));
        }
        Err(error) => {
            return Err(Failure::new(Kind::Invalid, format!("cannot read `{shown}`: {error}"))
                .help("the mapping is a regular file"));
        }
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::new(Kind::Invalid, format!("`{shown}` is not UTF-8 text")).help("save it as UTF-8")
    })?;
    let label = path.strip_prefix(&opened.folder).unwrap_or(path).to_string_lossy().into_owned();
    let source = Arc::new(SourceFile { path: label, text: text.clone() });
    let mapping = manifest::read_mapping(&source).map_err(|found| {
        Failure::new(Kind::Invalid, format!("the mapping `{shown}` has errors")).with(found)
    })?;
    for (flag, said, wanted) in [("from", &mapping.from, from.0), ("to", &mapping.to, to.0)] {
        if let Some(said) = said.as_ref().filter(|s| *s != wanted) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("the mapping `{shown}` is one {flag} `{said}`, and this migration is {flag} `{wanted}`"),
            )
            .help("keep one file for each direction: `--mapping migrate-other.yaml`"));
        }
    }
    Ok((mapping, Some(text)))
}

fn options(opened: &open::Opened) -> LoadOptions {
    let hosts = opened.machine.variable("PROFORMA_ALLOW_HOSTS").unwrap_or_default();
    LoadOptions {
        allow_hosts: hosts
            .split(',')
            .map(|h| h.trim().to_owned())
            .filter(|h| !h.is_empty())
            .collect(),
    }
}

fn workspace_text(opened: &open::Opened) -> &[u8] {
    opened.loaded.sources.first().map_or(&[][..], |s| s.text.as_bytes())
}

/// What the target's connection says of a quote that says nothing.
fn defaults(opened: &open::Opened, to: &ConnectionName) -> Result<Quote, Failure> {
    let text = format!("quote: x\nconnection: {to}\n");
    let files = [("quotes/x.yaml", text.as_bytes())];
    let loaded = manifest::load_bytes(workspace_text(opened), &files, &options(opened));
    loaded.quotes.into_iter().next().ok_or_else(|| {
        Failure::new(Kind::Other, format!("the defaults of `{to}` cannot be read"))
            .with(loaded.diagnostics)
    })
}

/// Two quotes that would take one name, and names that another quote has.
fn refuse_taken(opened: &open::Opened, args: &MigrateArgs, moved: &mut [Moved]) {
    if args.in_place {
        return;
    }
    let there: BTreeMap<&QuoteName, &Quote> =
        opened.loaded.quotes.iter().map(|q| (&q.name, q)).collect();
    let mut seen: BTreeSet<QuoteName> = BTreeSet::new();
    for one in moved.iter_mut() {
        let other = there.get(&one.target).filter(|q| q.connection.as_str() != args.to);
        let why = if other.is_some() {
            Some("another quote of the workspace has that name, on another connection")
        } else if seen.contains(&one.target) {
            Some("another quote of this migration takes that name")
        } else {
            None
        };
        seen.insert(one.target.clone());
        if let Some(why) = why {
            give_up(one, "quote", why.to_owned());
        }
    }
}

/// Makes a quote impossible.
pub(super) fn give_up(one: &mut Moved, path: &str, why: String) {
    one.result = None;
    one.file = None;
    one.rows = vec![Row {
        path: path.to_owned(),
        outcome: Outcome::Impossible,
        from: Some(one.quote.to_string()),
        to: None,
        why: why.into(),
    }];
}

/// Reads all new manifests as `validate` would. What does not pass is not written.
fn verify(
    opened: &open::Opened,
    job: &Job<'_>,
    moved: &mut [Moved],
    texts: &BTreeMap<String, String>,
) {
    let with_products: BTreeSet<&str> =
        opened.loaded.products.iter().map(|p| p.source.path.as_str()).collect();
    let catalog = opened
        .loaded
        .sources
        .iter()
        .filter(|s| with_products.contains(s.path.as_str()) && !texts.contains_key(&s.path));
    // Quotes in the files of the catalog stay what they are.
    let own: Vec<(&str, &[u8])> = catalog
        .map(|s| (s.path.as_str(), s.text.as_bytes()))
        .chain(texts.iter().map(|(path, text)| (path.as_str(), text.as_bytes())))
        .collect();
    let loaded = manifest::load_bytes(workspace_text(opened), &own, &options(opened));
    let by_name: BTreeMap<&QuoteName, &Quote> =
        loaded.quotes.iter().map(|q| (&q.name, q)).collect();
    for one in moved.iter_mut().filter(|m| m.result.is_some()) {
        let problem = match by_name.get(&one.target) {
            None => {
                let told = loaded.diagnostics.iter().find(|d| {
                    d.place
                        .as_ref()
                        .is_some_and(|p| Some(p.source.path.as_str()) == one.file.as_deref())
                });
                Some(
                    told.map_or_else(|| "it cannot be read back".to_owned(), |d| d.message.clone()),
                )
            }
            Some(quote) => {
                let mut found = job.target.check(quote);
                found.extend(job.target.check_new(quote));
                found.into_iter().find(|d| d.severity == Severity::Error).map(|d| d.message)
            }
        };
        if let Some(why) = problem {
            give_up(
                one,
                "",
                format!("the new manifest would not be valid: {why}; please report this"),
            );
        }
    }
}

/// Adds what could not be mapped to the mapping.
fn stub(
    opened: &open::Opened,
    path: &Path,
    existing: Option<&str>,
    mapping: &Mapping,
    migration: &mut Migration,
) -> Result<(), Failure> {
    let made = stubs::stubs(existing, mapping, &migration.unmapped, &migration.from, &migration.to);
    let shown = path.strip_prefix(&opened.folder).unwrap_or(path).to_string_lossy().into_owned();
    for section in made.left {
        migration.diagnostics.push(
            Diagnostic::warning(
                "mapping-closed",
                format!("`{section}` of `{shown}` is written on one line, so nothing can be added to it"),
            )
            .help("write it as a block, one name a line, and run it again; the report lists the names"),
        );
    }
    if let Some(text) = made.text {
        migrate_files::put(opened, &PathBuf::from(path), &text)?;
        migration.files.push(shown);
    }
    Ok(())
}

/// Whether a file of a migration is to be written.
pub(super) fn is_written(written: Written) -> bool {
    matches!(written, Written::New | Written::Renewed)
}

/// The text of a manifest's own file.
pub(super) fn text_of(job: &Job<'_>, one: &Moved) -> Option<String> {
    one.result.as_ref().map(|quote| files::text(one, quote, job.from, job.to))
}
