//! The files of `migrate`: where they lie, and how they come to the disk.
//!
//! Invariants: no link is followed; a file that somebody edited is left alone and told; in place, the
//! lockfile entry of a source is put aside under another name and protected before its manifest
//! changes, so that no later command takes the old quote for an orphan to delete.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::args::MigrateArgs;
use super::migrate::{is_written, text_of};
use super::open::{self, Opened};
use crate::apply::workspace_lock::WorkspaceLock;
use crate::desired::Quote;
use crate::disk;
use crate::failure::{Diagnostic, Failure, Kind};
use crate::lockfile::origin::aside_name;
use crate::migrate::report::{Archived, Migration, Moved, Written};
use crate::migrate::{Job, archive as archiving, files};
use crate::output::text::safe;
use crate::provider::Dialect;

/// The new text of every file by its path below the workspace; notes on each quote what becomes of
/// its file.
pub(super) fn texts(
    opened: &Opened,
    job: &Job<'_>,
    moved: &mut [Moved],
    quotes: &[&Quote],
    args: &MigrateArgs,
) -> Result<BTreeMap<String, String>, Failure> {
    let mut out = BTreeMap::new();
    if args.in_place {
        let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, quote) in quotes.iter().enumerate() {
            by_file.entry(quote.origin.source.path.as_str()).or_default().push(index);
        }
        for (path, indexes) in by_file {
            let parts: Vec<(usize, &Moved, &Quote)> = indexes
                .iter()
                .filter_map(|i| {
                    let (one, quote) = (moved.get(*i)?, quotes.get(*i)?);
                    Some((quote.origin.offset, one, one.result.as_deref()?))
                })
                .collect();
            let source = indexes.first().and_then(|i| quotes.get(*i)).map(|q| &q.origin.source);
            let text =
                source.filter(|_| !parts.is_empty()).and_then(|s| files::replaced(s, &parts));
            for index in &indexes {
                if let Some(one) = moved.get_mut(*index).filter(|m| m.result.is_some()) {
                    one.file = Some(path.to_owned());
                    one.written = if text.is_some() { Written::Renewed } else { Written::Edited };
                }
            }
            if let Some(text) = text {
                out.insert(path.to_owned(), text);
            }
        }
        return Ok(out);
    }
    let folder = match &args.out {
        Some(folder) => below(opened, folder)?,
        None => format!("quotes/migrated/{}", job.to),
    };
    for one in moved.iter_mut() {
        let Some(text) = text_of(job, one) else { continue };
        let path = format!("{folder}/{}.yaml", one.target);
        let existing = match opened.disk.read(&opened.folder.join(&path)) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(disk::unfit("a manifest", Path::new(&path), &error)),
        };
        let recorded = opened.lockfile.entries.contains_key(&one.target);
        one.written = files::decide(existing.as_deref(), &text, recorded);
        one.file = Some(path.clone());
        out.insert(path, text);
    }
    Ok(out)
}

/// A folder of the workspace, as a path with `/`.
fn below(opened: &Opened, folder: &Path) -> Result<String, Failure> {
    let outside = || {
        let shown = folder.to_string_lossy();
        Failure::new(Kind::Invalid, format!("`--out {}` is not below the workspace", safe(&shown)))
            .help("manifests are read from folders below `proforma.yaml` only")
    };
    let inner = match folder.strip_prefix(&opened.folder) {
        Ok(inner) => inner.to_path_buf(),
        Err(_) if folder.is_absolute() => {
            let whole = std::path::absolute(&opened.folder).map_err(|_| outside())?;
            folder.strip_prefix(whole).map_err(|_| outside())?.to_path_buf()
        }
        Err(_) => folder.to_path_buf(),
    };
    let mut parts = Vec::new();
    for part in inner.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str().ok_or_else(outside)?.to_owned()),
            Component::CurDir => {}
            _ => return Err(outside()),
        }
    }
    if parts.is_empty() { Err(outside()) } else { Ok(parts.join("/")) }
}

/// Writes what is to be written.
pub(super) fn write(
    opened: &Opened,
    texts: &BTreeMap<String, String>,
    args: &MigrateArgs,
    migration: &mut Migration,
) -> Result<(), Failure> {
    if args.in_place {
        put_aside(opened, migration)?;
    }
    let mut done: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
    let mut unread = None;
    for one in &migration.quotes {
        let Some(path) = one.file.as_ref().filter(|_| one.result.is_some()) else { continue };
        match one.written {
            Written::Edited => migration.diagnostics.push(
                Diagnostic::warning(
                    "migrated-edited",
                    format!("`{path}` was edited since it was written, so it stays as it is"),
                )
                .help("remove the file to have it made anew")
                .about(&one.quote),
            ),
            written if is_written(written) && done.insert(path.clone()) => {
                if let Some(text) = texts.get(path) {
                    put(opened, &opened.folder.join(path), text)?;
                }
                let roots = opened.workspace.quotes.iter().map(|r| r.trim_end_matches('/'));
                if !roots.into_iter().any(|r| r == "." || path.starts_with(&format!("{r}/"))) {
                    unread.get_or_insert_with(|| path.clone());
                }
            }
            _ => {}
        }
    }
    if let Some(path) = unread {
        migration.diagnostics.push(
            Diagnostic::warning(
                "migrated-unread",
                format!("`{path}` lies in no folder that the workspace reads quotes from"),
            )
            .help("add its folder to `quotes:` in `proforma.yaml`, or write with `--out` into one of those"),
        );
    }
    Ok(())
}

/// Writes one file, with the folders above it.
pub(super) fn put(opened: &Opened, path: &Path, text: &str) -> Result<(), Failure> {
    let unfit = |error: &std::io::Error| disk::unfit("a file of the migration", path, error);
    disk::refuse_links(path, &opened.folder).map_err(|e| unfit(&e))?;
    let mut folders: Vec<PathBuf> = Vec::new();
    let mut folder = path.parent();
    while let Some(above) = folder.filter(|f| !f.as_os_str().is_empty() && *f != opened.folder) {
        if opened.disk.exists(above).map_err(|e| unfit(&e))? {
            break;
        }
        folders.push(above.to_owned());
        folder = above.parent();
    }
    for folder in folders.iter().rev() {
        opened.disk.create_folder(folder).map_err(|e| unfit(&e))?;
    }
    opened.disk.replace(path, text.as_bytes()).map_err(|e| unfit(&e))
}

/// Entries of quotes that keep their names get others: the new quotes are not what they record.
fn put_aside(opened: &Opened, migration: &Migration) -> Result<(), Failure> {
    let _lock = WorkspaceLock::take(&opened.folder, &opened.machine.holder())?;
    let mut lockfile = opened.store.load(&opened.workspace.name)?;
    let moving = |q: &&Moved| q.result.is_some() && is_written(q.written);
    let names: Vec<_> = migration.quotes.iter().filter(moving).map(|q| &q.quote).collect();
    let journal = crate::apply::journal::Journal::peek(
        std::sync::Arc::clone(&opened.disk),
        &opened.folder,
        open::journal_file(opened),
    )?;
    let open = journal.open.iter().filter_map(|s| s.intent.quote.as_ref());
    if let Some(quote) = open.into_iter().find(|q| names.contains(q)) {
        return Err(Failure::new(
            Kind::Unknown,
            format!("a request of `{quote}` has an unknown outcome"),
        )
        .help(
            "settle it first: `proforma recover` explains, `proforma apply` settles what it can",
        ));
    }
    let mut changed = false;
    for name in names {
        let Some(entry) = lockfile.entries.get(name).filter(|e| e.connection == migration.from)
        else {
            continue;
        };
        let aside = aside_name(name, &migration.from);
        if lockfile.entries.contains_key(&aside) {
            return Err(Failure::new(
                Kind::Invalid,
                format!("the lockfile already has a quote `{aside}`"),
            )
            .help("`proforma lock mv` gives it another name"));
        }
        let mut entry = entry.clone();
        // The stamp upstream stays that of the old name; nobody may take the old quote for an
        // orphan and delete it.
        entry.was = entry.stamp.as_ref().map(|_| entry.was.take().unwrap_or_else(|| name.clone()));
        entry.protect = true;
        entry.generation = entry.generation.saturating_add(1);
        lockfile.entries.remove(name);
        lockfile.entries.insert(aside, entry);
        changed = true;
    }
    if changed {
        opened.store.save(&lockfile)?;
    }
    Ok(())
}

/// Edits the manifests of sources whose move is complete.
pub(super) fn archive(
    opened: &Opened,
    source: &dyn Dialect,
    quotes: &[&Quote],
    migration: &mut Migration,
) -> Result<(), Failure> {
    let mut out = Vec::with_capacity(quotes.len());
    // The text of each file so far, and what to add to the places that were told for it.
    let mut texts: BTreeMap<String, (String, Vec<&Quote>)> = BTreeMap::new();
    for (quote, one) in quotes.iter().zip(&migration.quotes) {
        let judged = archiving::complete(&opened.lockfile, &quote.name, &one.target, &migration.to)
            .and_then(|now| archiving::retired(source, &now));
        let (state, why) = match judged {
            Ok((state, _)) if quote.state == Some(state) => {
                (None, "its manifest asks for it already".to_owned())
            }
            Ok((state, effects)) => {
                let words: Vec<&str> = effects.iter().map(|e| e.word()).collect();
                let why = if words.is_empty() {
                    "takes no consent".to_owned()
                } else {
                    format!("needs `--allow {}` when it is applied", words.join(","))
                };
                (Some(state), why)
            }
            Err(why) => (None, why),
        };
        let mut row = Archived { quote: quote.name.clone(), state: state.map(|s| s.word()), why };
        if let Some(state) = state {
            let path = quote.origin.source.path.clone();
            let (text, _) =
                texts.entry(path).or_insert_with(|| (quote.origin.source.text.clone(), Vec::new()));
            // Edits above move what is below: the document is found again by its name.
            let parsed = crate::yaml::parse(text, 0);
            let starts: Vec<usize> = parsed.documents.iter().map(|d| d.start).collect();
            let start = starts.into_iter().find(|start| {
                let found = crate::yaml::find(text, *start, "quote").filter(|f| f.rest == 0);
                let span = found.map(|f| (f.span.offset as usize, f.span.length as usize));
                span.and_then(|(at, n)| text.get(at..at + n))
                    .is_some_and(|name| name.trim_matches(['"', '\'']) == quote.name.as_str())
            });
            match start.and_then(|start| archiving::edited(text, start, state)) {
                Some(new) => *text = new,
                None => {
                    row.state = None;
                    row.why = format!("write `state: {}` into its manifest by hand", state.word());
                }
            }
        }
        out.push(row);
    }
    for (path, (text, _)) in texts {
        let same = opened.loaded.sources.iter().any(|s| s.path == path && s.text == text);
        if !same {
            put(opened, &opened.folder.join(&path), &text)?;
            migration.files.push(path);
        }
    }
    migration.archived = Some(out);
    Ok(())
}
