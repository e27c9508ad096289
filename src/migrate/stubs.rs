//! The stubs that a migration adds to its mapping.
//!
//! Invariants: nothing that stands in the file is changed; a key that is there, filled or not, is
//! not added again. What cannot be added without touching a line of the user's is told instead.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::report::Unmapped;
use crate::key::ConnectionName;
use crate::manifest::{Mapping, SECTIONS};
use crate::yaml::{self, Kind};

/// What to write, and the sections that the user has to extend by hand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Stubs {
    /// The new text; `None` where nothing is to be added.
    pub text: Option<String>,
    /// How many keys it adds.
    pub added: usize,
    /// Sections that are written in a way that cannot be extended.
    pub left: Vec<String>,
}

/// The text of the mapping with a stub for everything that it lacks.
pub fn stubs(
    existing: Option<&str>,
    mapping: &Mapping,
    unmapped: &Unmapped,
    from: &ConnectionName,
    to: &ConnectionName,
) -> Stubs {
    let mut open: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (section, names) in unmapped {
        for (name, hint) in names.iter().filter(|(name, _)| !mapping.has(section, name)) {
            open.entry(section).or_default().push(stub(name, hint));
        }
    }
    let mut out = Stubs { added: open.values().map(Vec::len).sum(), ..Stubs::default() };
    if open.is_empty() {
        return out;
    }
    let mut text = match existing {
        Some(text) if !text.trim().is_empty() => text.to_owned(),
        _ => format!(
            "# What the migration from {from} to {to} cannot know by itself. Fill in what is null and run it again;\n# {{}} says that there is nothing to map. Nothing that you write here is changed.\nmigrate: 1\nfrom: {from}\nto: {to}\n"
        ),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for section in SECTIONS {
        let Some(lines) = open.get(section) else { continue };
        match place(&text, section) {
            Place::End => {
                let _ = write!(text, "{section}:\n{}", indented(lines, 2));
            }
            Place::At(offset, indent) => text.insert_str(offset, &indented(lines, indent)),
            Place::Nowhere => {
                out.added -= lines.len();
                out.left.push(section.to_owned());
            }
        }
    }
    if out.added > 0 {
        out.text = Some(text);
    }
    out
}

enum Place {
    End,
    At(usize, usize),
    Nowhere,
}

/// Where a line can be added to a section.
fn place(text: &str, section: &str) -> Place {
    let parsed = yaml::parse(text, 0);
    let Some(document) = parsed.documents.first() else { return Place::End };
    let Kind::Mapping(entries) = &document.root.kind else { return Place::Nowhere };
    let Some(entry) = entries.iter().find(|e| e.key == section) else { return Place::End };
    let key = entry.key_span.offset as usize;
    let line_end = text.get(key..).and_then(|t| t.find('\n')).map_or(text.len(), |n| key + n + 1);
    match &entry.value.kind {
        Kind::Mapping(inner) => {
            let first = inner.first().map(|e| e.key_span.offset as usize);
            match first.filter(|at| *at >= line_end) {
                Some(at) => {
                    let head = text.get(..at).unwrap_or_default();
                    let start = head.rfind('\n').map_or(0, |n| n + 1);
                    Place::At(start, at - start)
                }
                None => Place::Nowhere,
            }
        }
        Kind::Plain(word) if word.is_empty() => Place::At(line_end, 2),
        _ => Place::Nowhere,
    }
}

fn indented(lines: &[String], indent: usize) -> String {
    let mut out = String::new();
    for line in lines {
        let _ = writeln!(out, "{:indent$}{line}", "");
    }
    out
}

fn stub(name: &str, hint: &str) -> String {
    let hint: String =
        hint.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
    let hint = hint.trim();
    let key = key(name);
    if hint.is_empty() || hint == name {
        format!("{key}: null")
    } else {
        format!("{key}: null # {hint}")
    }
}

/// A name as a key: quoted unless it is a plain word.
fn key(name: &str) -> String {
    let reserved = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    if crate::key::is_name(name) && !reserved.contains(&name) {
        return name.to_owned();
    }
    // JSON's texts are YAML's too.
    serde_json::to_string(name).unwrap_or_else(|_| "\"\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::SourceFile;
    use crate::manifest::read_mapping;
    use std::sync::Arc;

    fn read(text: &str) -> Mapping {
        let source = SourceFile { path: "migrate.yaml".to_owned(), text: text.to_owned() };
        read_mapping(&Arc::new(source)).unwrap()
    }

    fn add(existing: Option<&str>, names: &[(&'static str, &str)]) -> Stubs {
        let mut unmapped = Unmapped::new();
        for (section, name) in names {
            unmapped.entry(section).or_default().insert((*name).to_owned(), "a hint".to_owned());
        }
        let name = |t| ConnectionName::parse(t).unwrap();
        let mapping = existing.map(read).unwrap_or_default();
        stubs(existing, &mapping, &unmapped, &name("crm"), &name("shop"))
    }

    #[test]
    fn a_new_mapping_reads_back_and_is_not_extended_again() {
        let names =
            [("products", "seo"), ("customers", "jo@acme.example"), ("deals", "A: \"b\" #c")];
        let text = add(None, &names).text.unwrap();
        let mapping = read(&text);
        for (section, name) in names {
            assert!(mapping.has(section, name), "{section} {name}\n{text}");
        }
        assert_eq!(add(Some(&text), &names), Stubs::default());
    }

    #[test]
    fn what_the_user_wrote_stays() {
        let own = "# mine\nmigrate: 1\nproducts: # all of them\n    a: { variant_id: 7 } # checked\ncustomers:\nowners: {}\n";
        let made = add(
            Some(own),
            &[("products", "b"), ("customers", "c"), ("owners", "d"), ("deals", "e")],
        );
        assert_eq!(made.left, ["owners"]);
        let text = made.text.unwrap();
        for line in own.lines() {
            assert!(text.lines().any(|l| l == line), "{line}\n{text}");
        }
        let mapping = read(&text);
        assert!(mapping.has("products", "a") && mapping.has("products", "b"), "{text}");
        assert!(mapping.has("customers", "c") && mapping.has("deals", "e"));
    }
}
