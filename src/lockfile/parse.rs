//! The text form of the lockfile: reading.
//!
//! Purpose: from text to [`Lockfile`], in one pass, with every defect at its line and column and
//! the way out. See [`crate::lockfile::text`] for the format.
//!
//! Invariants: strict. A line that is not understood is an error and never skipped, because a
//! forgotten id means a second quote in the customer's inbox. Order is not required, so that a
//! careless merge still reads. Marks of a git conflict end the reading at once: what stands
//! between them is not a memory of anything.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::sync::Arc;

use crate::facts::Path;
use crate::failure::{Failure, SourceFile};
use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::lockfile::model::{Entry, Lockfile, RefRecord, is_web_link};
use crate::lockfile::origin::Provenance;
use crate::lockfile::text::{FORMAT, decode};
use crate::lockfile::words::{Defect, ONCE, Words, failure, line_address, twice, unknown, whole};
use crate::money::{Amount, Currency, Money};

/// Defects told at once; a file with more is not a lockfile, or needs the same cure for all.
const MOST_DEFECTS: usize = 20;

const CONFLICT: &str = "of each quote between the marks keep one block and remove the marks (docs: the lockfile; `proforma lock merge` as merge driver joins the rest by itself), or rebuild the file with `proforma lock rebuild`";

/// Reads a lockfile. `workspace` is the name that must stand in it, where one is known.
pub fn parse(
    source: &Arc<SourceFile>,
    workspace: Option<&WorkspaceName>,
) -> Result<Lockfile, Failure> {
    let text = source.text.strip_prefix('\u{feff}').unwrap_or(&source.text);
    let mut reader =
        Reader { found: None, entries: BTreeMap::new(), draft: None, head: false, ended: false };
    let mut defects: Vec<(usize, Defect)> = Vec::new();
    let mut number = 0;
    for line in text.split('\n') {
        number += 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Err(defect) = reader.take(line, number) {
            let last = defect.ends;
            if last {
                // What came before is most likely an echo of the same cause.
                defects.clear();
            }
            defects.push((number, defect));
            if last || defects.len() >= MOST_DEFECTS {
                return Err(failure(source, defects));
            }
        }
    }
    let whole = text.as_ptr() as usize + text.len();
    if let Some((line, defect)) = reader.close() {
        defects.push((line, defect));
    }
    if !reader.head {
        defects.push((
            1,
            Defect::at_end(
                whole,
                "lockfile-empty",
                "the lockfile has no head line `proforma-lock 1`",
            ),
        ));
    } else if !reader.ended {
        defects.push((
            number,
            Defect::at_end(
                whole,
                "lockfile-truncated",
                "the lockfile is cut off: its last line must be `end`",
            ),
        ));
    } else if reader.found.is_none() {
        defects.push((
            number,
            Defect::at_end(
                whole,
                "lockfile-workspace",
                "the lockfile does not say which workspace it belongs to",
            ),
        ));
    }
    if let (Some((found, line, at)), Some(wanted)) = (&reader.found, workspace)
        && found != wanted
    {
        let message =
            format!("the lockfile belongs to workspace `{found}`, and this one is `{wanted}`");
        let help = "the workspace's name is part of every stamp, so another name means another owner: put the old name back into `proforma.yaml`, or move this file away and import the quotes anew";
        defects.push((
            *line,
            Defect {
                help,
                ..Defect::new(*at, found.as_str().len(), "lockfile-workspace", message)
            },
        ));
    }
    match reader.found {
        Some((workspace, ..)) if defects.is_empty() => {
            Ok(Lockfile { workspace, entries: reader.entries })
        }
        _ => Err(failure(source, defects)),
    }
}

/// An entry being read: the facts that it must have are still optional.
struct Draft {
    name: QuoteName,
    line: usize,
    address: usize,
    connection: Option<ConnectionName>,
    provider: Option<String>,
    id: Option<RemoteId>,
    stamp: Option<Stamp>,
    created: Option<String>,
    revision: Option<u32>,
    generation: Option<u64>,
    protect: Option<bool>,
    predecessor: Option<RemoteId>,
    was: Option<QuoteName>,
    from: Option<Provenance>,
    links: BTreeMap<String, String>,
    total: Option<Money>,
    state: Option<String>,
    refs: BTreeMap<String, RefRecord>,
    parts: BTreeMap<String, RemoteId>,
    fields: BTreeMap<Path, Fingerprint>,
}

struct Reader {
    /// The workspace with its line and address.
    found: Option<(WorkspaceName, usize, usize)>,
    entries: BTreeMap<QuoteName, Entry>,
    draft: Option<Draft>,
    head: bool,
    ended: bool,
}

impl Reader {
    fn take(&mut self, line: &str, number: usize) -> Result<(), Defect> {
        let mut words = Words(line);
        let Some(kind) = words.next() else { return Ok(()) };
        if kind.starts_with('#') {
            return Ok(());
        }
        if ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].contains(&kind) {
            let message = "the lockfile holds an unresolved git conflict";
            return Err(Defect::of(kind, "lockfile-conflict", message).help(CONFLICT).ends());
        }
        if !self.head {
            return self.take_head(kind, &mut words);
        }
        if self.ended {
            let message = "nothing may follow the line `end`";
            return Err(Defect::of(kind, "lockfile-after-end", message));
        }
        match kind {
            "end" => {
                self.ended = true;
                words.end()?;
            }
            "workspace" => {
                let at = line_address(&words);
                let name = words.value("the name of a workspace", WorkspaceName::parse)?;
                if self.found.is_some() {
                    return Err(twice(kind, "the workspace is named twice"));
                }
                self.found = Some((name, number, at));
                words.end()?;
            }
            "quote" => {
                let before = self.close();
                let name = words.value("the name of a quote", QuoteName::parse)?;
                let twin = self.entries.contains_key(&name);
                self.draft = Some(Draft::new(name, number, kind.as_ptr() as usize));
                words.end()?;
                if let Some((_, defect)) = before {
                    return Err(defect);
                }
                if twin {
                    return Err(twice(kind, "the quote has two entries").help(ONCE));
                }
            }
            _ => match &mut self.draft {
                Some(draft) => draft.take(kind, &mut words)?,
                None => return Err(unknown(kind)),
            },
        }
        Ok(())
    }

    fn take_head(&mut self, kind: &str, words: &mut Words<'_>) -> Result<(), Defect> {
        if kind != "proforma-lock" {
            let message =
                "this is not a lockfile of proforma: the first line must be `proforma-lock 1`";
            return Err(Defect::of(kind, "lockfile-head", message).ends());
        }
        let word = words.0.trim();
        match words.value("the number of a format", whole::<u32>).map_err(Defect::ends)? {
            1..=FORMAT => {
                self.head = true;
                words.end()
            }
            0 => Err(Defect::of(word, "lockfile-head", "there is no format 0").ends()),
            newer => {
                let message = format!(
                    "the lockfile was written by a newer proforma (format {newer}; this one reads up to {FORMAT})"
                );
                let help = "install the version of proforma that your team uses; nothing was read or changed";
                Err(Defect::of(word, "lockfile-newer", message).help(help).ends())
            }
        }
    }

    /// Ends the entry being read; a defect (with its line) where facts are missing.
    fn close(&mut self) -> Option<(usize, Defect)> {
        let draft = self.draft.take()?;
        let (line, address) = (draft.line, draft.address);
        match draft.finish() {
            Ok((name, entry)) => {
                self.entries.insert(name, entry);
                None
            }
            Err((name, missing)) => {
                let message = format!("the entry of `{name}` lacks its `{missing}` line");
                Some((line, Defect::new(address, "quote".len(), "lockfile-missing-fact", message)))
            }
        }
    }
}

impl Draft {
    fn new(name: QuoteName, line: usize, address: usize) -> Self {
        Self {
            name,
            line,
            address,
            connection: None,
            provider: None,
            id: None,
            stamp: None,
            created: None,
            revision: None,
            generation: None,
            protect: None,
            predecessor: None,
            was: None,
            from: None,
            links: BTreeMap::new(),
            total: None,
            state: None,
            refs: BTreeMap::new(),
            parts: BTreeMap::new(),
            fields: BTreeMap::new(),
        }
    }

    fn take(&mut self, kind: &str, words: &mut Words<'_>) -> Result<(), Defect> {
        const ID: &str = "a remote id (printable ASCII without spaces)";
        const PRINT: &str = "a fingerprint (32 hexadecimal digits)";
        match kind {
            "connection" => {
                let v = words.value("the name of a connection", ConnectionName::parse)?;
                once(&mut self.connection, v, kind)?;
            }
            "provider" => once(&mut self.provider, words.value("a provider", decode)?, kind)?,
            "id" => once(&mut self.id, words.value(ID, RemoteId::parse)?, kind)?,
            "stamp" => once(&mut self.stamp, words.value("a stamp", Stamp::parse)?, kind)?,
            "created" => once(&mut self.created, words.value("a time", decode)?, kind)?,
            "predecessor" => {
                once(&mut self.predecessor, words.value(ID, RemoteId::parse)?, kind)?;
            }
            "was" => {
                once(&mut self.was, words.value("the name of a quote", QuoteName::parse)?, kind)?;
            }
            "from" => {
                let connection = words.value("the name of a connection", ConnectionName::parse)?;
                let id = words.value(ID, RemoteId::parse)?;
                once(&mut self.from, Provenance { connection, id }, kind)?;
            }
            "revision" => {
                once(&mut self.revision, words.value("a count", whole::<u32>)?, kind)?;
            }
            "generation" => {
                once(&mut self.generation, words.value("a count", whole::<u64>)?, kind)?;
            }
            "protect" => {
                let v = words.value("`true` or `false`", |w| w.parse().ok())?;
                once(&mut self.protect, v, kind)?;
            }
            "state" => once(&mut self.state, words.value("a state", decode)?, kind)?,
            "total" => {
                let amount = words.value("an amount", |w| Amount::parse(w).ok())?;
                let currency = words.value("a currency", Currency::parse)?;
                once(&mut self.total, Money { currency, amount }, kind)?;
            }
            "link" => {
                let label = words.value("the label of a link", decode)?;
                let link = |w: &str| is_web_link(w).then(|| w.to_owned());
                let url = words.value("a web address (http or https, no spaces)", link)?;
                unique(&mut self.links, label, url, kind)?;
            }
            "ref" => {
                let path = words.value("a path", decode)?;
                let asked = words.value(PRINT, Fingerprint::parse)?;
                let id = words.value(ID, RemoteId::parse)?;
                unique(&mut self.refs, path, RefRecord { asked, id }, kind)?;
            }
            "part" => {
                let part = words.value("a part", decode)?;
                let id = words.value(ID, RemoteId::parse)?;
                unique(&mut self.parts, part, id, kind)?;
            }
            "field" => {
                let path = words.value("a path", decode)?;
                let fingerprint = words.value(PRINT, Fingerprint::parse)?;
                unique(&mut self.fields, Path::new(path), fingerprint, kind)?;
            }
            _ => return Err(unknown(kind)),
        }
        words.end()
    }

    /// The entry, or the name of the first fact that it lacks.
    fn finish(self) -> Result<(QuoteName, Entry), (QuoteName, &'static str)> {
        let lacking = [
            (self.connection.is_none(), "connection"),
            (self.provider.is_none(), "provider"),
            (self.id.is_none(), "id"),
            (self.revision.is_none(), "revision"),
            (self.generation.is_none(), "generation"),
        ];
        let lacks = lacking.into_iter().find_map(|(lacks, what)| lacks.then_some(what));
        let (Some(connection), Some(provider), Some(id), Some(revision), Some(generation)) =
            (self.connection, self.provider, self.id, self.revision, self.generation)
        else {
            return Err((self.name, lacks.unwrap_or("id")));
        };
        let entry = Entry {
            connection,
            provider,
            id,
            stamp: self.stamp,
            created: self.created,
            revision,
            generation,
            protect: self.protect.unwrap_or(false),
            predecessor: self.predecessor,
            was: self.was,
            from: self.from,
            links: self.links,
            total: self.total,
            state: self.state,
            refs: self.refs,
            parts: self.parts,
            fields: self.fields,
        };
        Ok((self.name, entry))
    }
}

fn once<T>(slot: &mut Option<T>, value: T, kind: &str) -> Result<(), Defect> {
    if slot.is_some() {
        return Err(twice(kind, format!("the entry has two `{kind}` lines")));
    }
    *slot = Some(value);
    Ok(())
}

fn unique<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V, kind: &str) -> Result<(), Defect> {
    match map.entry(key) {
        Slot::Vacant(slot) => {
            slot.insert(value);
            Ok(())
        }
        Slot::Occupied(_) => Err(twice(kind, format!("the entry has this `{kind}` line twice"))),
    }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
pub(crate) mod tests;
