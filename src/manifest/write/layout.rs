//! From a tree of values to lines: what stands on one line, what in a block, where comments go.
//!
//! Invariants: two blanks an indent; a map or list stands between braces only where it fits on one
//! line and nothing in it has a comment or several lines; every remark is written, at the nearest
//! place that exists.

use std::collections::BTreeMap;

use super::Remarks;
use super::scalar::{block_header, comment, inline, quoted};
use crate::manifest::order::{Sort, keys_at};

/// The widest line of braces.
const WIDTH: usize = 100;

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Tree {
    /// A word that needs no quotes: a number, a date, `true`, `null`.
    Word(String),
    /// Text.
    Text(String),
    /// A list: the name of each element in paths, and the element.
    List(Vec<(String, Tree)>, Style),
    /// A map.
    Map(Vec<(String, Tree)>, Style),
}

/// How a map or list likes to stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Style {
    /// Between braces where it fits.
    Short,
    /// One line an element.
    Long,
}

/// A whole document.
pub(super) fn document(sort: Sort, entries: Vec<(String, Tree)>, remarks: &Remarks) -> String {
    let mut root = Tree::Map(entries, Style::Long);
    arrange(sort, &mut root, "");
    let mut paths = Vec::new();
    name_paths(&root, "", &mut paths);
    let mut page = Page { out: String::new(), at: BTreeMap::new() };
    for line in &remarks.head {
        page.comment(0, line);
    }
    for (path, lines) in &remarks.at {
        match nearest(path, &paths) {
            Some(at) => page.at.entry(at.to_owned()).or_default().extend(lines.iter().cloned()),
            None => lines.iter().for_each(|line| page.comment(0, line)),
        }
    }
    if let Tree::Map(entries, _) = &root {
        page.map(entries, 0, "", false);
    }
    page.out
}

/// Puts the keys of every map into the canonical order.
fn arrange(sort: Sort, tree: &mut Tree, path: &str) {
    match tree {
        Tree::Word(_) | Tree::Text(_) => {}
        Tree::List(elements, _) => {
            for (_, element) in elements {
                arrange(sort, element, &format!("{path}[]"));
            }
        }
        Tree::Map(entries, _) => {
            if let Some(keys) = keys_at(sort, path) {
                entries.sort_by_key(|(key, _)| {
                    keys.iter().position(|k| k == key).unwrap_or(keys.len())
                });
            }
            for (key, value) in entries {
                arrange(sort, value, &below(path, key));
            }
        }
    }
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// Every path of a tree, list elements by name.
fn name_paths(tree: &Tree, path: &str, out: &mut Vec<String>) {
    let (Tree::List(all, _) | Tree::Map(all, _)) = tree else { return };
    for (name, value) in all {
        let path = match tree {
            Tree::List(..) => format!("{path}[{name}]"),
            _ => below(path, name),
        };
        name_paths(value, &path, out);
        out.push(path);
    }
}

/// The path itself where it was written, else its nearest ancestor that was.
fn nearest<'p>(path: &'p str, written: &[String]) -> Option<&'p str> {
    let mut path = path;
    loop {
        if written.iter().any(|w| w == path) {
            return Some(path);
        }
        path = path.get(..path.rfind(['.', '['])?)?;
    }
}

struct Page {
    out: String,
    at: BTreeMap<String, Vec<String>>,
}

impl Page {
    fn comment(&mut self, indent: usize, text: &str) {
        let text = comment(text);
        self.line(indent, format!("# {text}").trim_end());
    }

    fn line(&mut self, indent: usize, text: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn remarks(&mut self, path: &str, indent: usize) {
        for line in self.at.remove(path).into_iter().flatten() {
            self.comment(indent, &line);
        }
    }

    /// Whether something at or below a path has a remark of its own, the path itself not counted.
    fn is_remarked(&self, path: &str) -> bool {
        self.at
            .keys()
            .any(|at| at.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', '['])))
    }

    /// The entries of a map; `open` = the line of the first one is begun.
    fn map(&mut self, entries: &[(String, Tree)], indent: usize, path: &str, open: bool) {
        let mut open = open;
        for (key, value) in entries {
            let path = below(path, key);
            if !open {
                self.remarks(&path, indent);
                self.out.extend(std::iter::repeat_n(' ', indent));
            }
            open = false;
            self.out.push_str(&inline(key));
            self.out.push(':');
            self.value(value, indent, &path);
        }
    }

    /// What comes after `key:`, to the end of the line or of the block.
    fn value(&mut self, tree: &Tree, indent: usize, path: &str) {
        if let Tree::Text(text) = tree
            && let Some(header) = block_header(text)
        {
            self.out.push(' ');
            self.line(0, header);
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                self.line(if line.is_empty() { 0 } else { indent + 2 }, line);
            }
            return;
        }
        let column = self.out.len() - self.out.rfind('\n').map_or(0, |at| at + 1);
        if !self.is_remarked(path)
            && let Some(short) = short(tree, false)
            && (is_least(tree) || column + 1 + short.chars().count() <= WIDTH)
        {
            self.out.push(' ');
            self.line(0, &short);
            return;
        }
        match tree {
            Tree::Word(word) => self.line(0, &format!(" {word}")),
            Tree::Text(text) => self.line(0, &format!(" {}", quoted(text))),
            Tree::Map(entries, _) => {
                self.line(0, "");
                self.map(entries, indent + 2, path, false);
            }
            Tree::List(elements, _) => {
                self.line(0, "");
                for (name, element) in elements {
                    let path = format!("{path}[{name}]");
                    self.remarks(&path, indent + 2);
                    self.element(element, indent + 2, &path);
                }
            }
        }
    }

    /// One element of a list that stands in lines.
    fn element(&mut self, tree: &Tree, indent: usize, path: &str) {
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.out.push('-');
        let fits = || {
            short(tree, false).is_some_and(|s| indent + 2 + s.chars().count() <= WIDTH)
                && !self.is_remarked(path)
        };
        match tree {
            Tree::Map(entries, _) if !entries.is_empty() && !fits() => {
                let Some((first, _)) = entries.first() else { return };
                // A remark on the first key stands above the dash, where there is a line for it.
                let remarked = self.at.remove(&below(path, first)).unwrap_or_default();
                if !remarked.is_empty() {
                    self.out.truncate(self.out.len() - indent - 1);
                    for line in remarked {
                        self.comment(indent, &line);
                    }
                    self.out.extend(std::iter::repeat_n(' ', indent));
                    self.out.push('-');
                }
                self.out.push(' ');
                self.map(entries, indent + 2, path, true);
            }
            _ => self.value(tree, indent, path),
        }
    }
}

/// Whether a value has no other form than the one on a line.
fn is_least(tree: &Tree) -> bool {
    match tree {
        Tree::Word(_) | Tree::Text(_) => true,
        Tree::List(all, _) | Tree::Map(all, _) => all.is_empty(),
    }
}

/// The form on one line; `None` where the value has to stand, or likes to stand, in a block.
fn short(tree: &Tree, inside: bool) -> Option<String> {
    let fits =
        |style: &Style, all: &[(String, Tree)]| all.is_empty() || inside || *style == Style::Short;
    match tree {
        Tree::Word(word) => Some(word.clone()),
        Tree::Text(text) if block_header(text).is_some() => None,
        Tree::Text(text) => Some(inline(text)),
        Tree::List(all, style) if fits(style, all) => {
            let all: Option<Vec<String>> = all.iter().map(|(_, t)| short(t, true)).collect();
            Some(format!("[{}]", all?.join(", ")))
        }
        Tree::Map(all, style) if fits(style, all) => {
            let pair = |(key, value): &(String, Tree)| {
                Some(format!("{}: {}", inline(key), short(value, true)?))
            };
            let all: Option<Vec<String>> = all.iter().map(pair).collect();
            let all = all?;
            Some(if all.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", all.join(", ")) })
        }
        Tree::List(..) | Tree::Map(..) => None,
    }
}
