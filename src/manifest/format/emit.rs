//! From the tree to lines.
//!
//! Invariants: two blanks an indent; braces stay where their author put them if all of it fits on
//! one line and holds no comment; never more than one empty line; no blanks at the end of a line
//! save in a block of text, whose lines are its own.

use super::tree::{Body, Document, Entry, Line, Node};
use crate::yaml::Style;

/// The widest line of braces, as the writer of manifests has it.
const WIDTH: usize = 100;

/// The text of all documents.
pub(super) fn emit(stream: &[Document<'_>]) -> String {
    let mut page = Page { out: String::new(), keeps: false };
    let mut begun = false;
    for document in stream {
        if begun && (document.root.is_some() || !document.head.is_empty()) {
            page.line(0, "---");
        }
        let from = page.out.len();
        for line in &document.head {
            page.comment(0, line, from);
        }
        if let Some(root) = &document.root {
            if document.gap {
                page.gap(from);
            }
            page.block(root, 0, false);
        }
        begun |= document.root.is_some() || !document.head.is_empty();
    }
    page.out
}

struct Page {
    out: String,
    /// Whether the last value counts the empty lines behind it.
    keeps: bool,
}

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        self.pad(indent);
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    /// An empty line, unless nothing stands above since `from`, or it would be a part of a text.
    fn gap(&mut self, from: usize) {
        if self.out.len() > from && !self.keeps && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    fn comment(&mut self, indent: usize, line: &Line<'_>, from: usize) {
        if line.gap {
            self.gap(from);
        }
        self.line(indent, line.text);
    }

    /// A map or list in lines. `open` = the line of the first entry is begun.
    fn block(&mut self, node: &Node<'_>, indent: usize, open: bool) {
        let from = self.out.len();
        let (Body::Map(all) | Body::List(all)) = &node.body else { return };
        let map = matches!(node.body, Body::Map(_));
        for (n, entry) in all.iter().enumerate() {
            if !(open && n == 0) {
                for line in leads(entry, map, indent) {
                    self.comment(indent, &line, from);
                }
                if entry.gap {
                    self.gap(from);
                }
                self.pad(indent);
            }
            self.keeps = false;
            if map {
                self.out.push_str(entry.key);
                self.out.push(':');
                self.value(entry, indent, true);
            } else {
                self.out.push('-');
                self.value(entry, indent, false);
            }
        }
        for line in &node.tail {
            self.comment(indent, line, from);
        }
    }

    /// What comes behind `key:` or `-`.
    fn value(&mut self, entry: &Entry<'_>, indent: usize, map: bool) {
        let node = &entry.value;
        if let Body::Scalar { raw, style, margin } = &node.body {
            if *style == Style::Block {
                self.text(raw, *margin, node.head, indent + 2);
                return;
            }
            if !raw.is_empty() {
                self.out.push(' ');
            }
            for (n, line) in folded(raw).into_iter().enumerate() {
                if n > 0 {
                    self.out.push('\n');
                    self.pad(if line.is_empty() { 0 } else { indent + 2 });
                }
                self.out.push_str(line);
            }
            self.end(entry.trail);
            return;
        }
        let line = self.out.rfind('\n').map_or(0, |at| at + 1);
        let column = self.out.get(line..).unwrap_or_default().chars().count();
        let (Body::Map(all) | Body::List(all)) = &node.body else { return };
        if fits(node, column)
            && let Some(short) = short(node)
        {
            self.out.push(' ');
            self.out.push_str(&short);
            self.end(entry.trail);
            return;
        }
        if all.is_empty() {
            // Only its comments keep it from standing on a line.
            self.out.push_str(if matches!(node.body, Body::Map(_)) { " {}" } else { " []" });
            self.end(entry.trail);
            for line in &node.tail {
                self.line(indent, line.text);
            }
            return;
        }
        if !map && matches!(node.body, Body::Map(_)) {
            // The first key stands behind the dash; what stood above it is above the dash already.
            self.out.push(' ');
            self.block(node, indent + 2, true);
            return;
        }
        self.end(node.head.or(entry.trail));
        if node.head.is_some()
            && let Some(trail) = entry.trail
        {
            self.line(indent + 2, trail);
        }
        self.block(node, indent + 2, false);
    }

    fn end(&mut self, comment: Option<&str>) {
        if let Some(comment) = comment {
            self.out.push(' ');
            self.out.push_str(comment);
        }
        self.out.push('\n');
    }

    /// A block of text under its header; `own` = the blanks before each line that are not its own.
    fn text(&mut self, raw: &str, own: usize, comment: Option<&str>, indent: usize) {
        let (header, body) = raw.split_once('\n').unwrap_or((raw, ""));
        let header = header.split('#').next().unwrap_or_default().trim_end();
        let blank = |line: &&str| line.chars().all(|c| c == ' ');
        let lines: Vec<&str> = body.split('\n').collect();
        self.out.push(' ');
        for c in header.chars() {
            // Where the header says how far, it is the step of this layout.
            self.out.push(if c.is_ascii_digit() { '2' } else { c });
        }
        self.end(comment);
        self.keeps = header.contains('+');
        let written = lines.iter().rposition(|l| !blank(l)).map_or(0, |n| n + 1);
        // Empty lines at the end mean nothing, unless the header keeps them.
        let count = if self.keeps { written.max(lines.len().saturating_sub(1)) } else { written };
        for line in lines.iter().take(count) {
            match line.get(own.min(line.len())..).unwrap_or_default() {
                "" => self.out.push('\n'),
                rest => self.line(indent, rest),
            }
        }
    }
}

/// The comments above an entry. Above the dash of an element in lines stand those of its first key
/// too, and the one that stood behind its last brace.
fn leads<'t>(entry: &Entry<'t>, map: bool, indent: usize) -> Vec<Line<'t>> {
    let mut lines = entry.lead.clone();
    if !map
        && let Body::Map(all) = &entry.value.body
        && !fits(&entry.value, indent + 1)
    {
        lines.extend(entry.trail.map(|text| Line { text, gap: false }));
        lines.extend(all.first().into_iter().flat_map(|first| first.lead.iter().copied()));
    }
    lines
}

/// Whether a value stands on the line that has so many columns already.
fn fits(node: &Node<'_>, column: usize) -> bool {
    let (Body::Map(all) | Body::List(all)) = &node.body else { return true };
    short(node).is_some_and(|s| all.is_empty() || column + 1 + s.chars().count() <= WIDTH)
}

/// The lines of a scalar of several lines: blanks at their ends mean nothing, save behind a
/// backslash.
fn folded(raw: &str) -> Vec<&str> {
    let count = raw.split('\n').count();
    raw.split('\n')
        .enumerate()
        .map(|(n, line)| {
            let line = if n == 0 { line } else { line.trim_start_matches([' ', '\t']) };
            if n + 1 == count {
                return line;
            }
            let cut = line.trim_end_matches([' ', '\t']);
            let escapes = cut.len() - cut.trim_end_matches('\\').len();
            if escapes % 2 == 1 { line.get(..cut.len() + 1).unwrap_or(line) } else { cut }
        })
        .collect()
}

/// A value on one line; `None` where it cannot stand there.
fn short(node: &Node<'_>) -> Option<String> {
    if node.head.is_some() || !node.tail.is_empty() {
        return None;
    }
    match &node.body {
        Body::Scalar { raw, style, .. } => {
            (*style != Style::Block && !raw.contains('\n')).then(|| (*raw).to_owned())
        }
        Body::Map(all) | Body::List(all) => {
            if !node.flow || all.iter().any(|e| !e.lead.is_empty()) {
                return None;
            }
            // A comment behind the last brace is the entry's, one inside is in the way.
            if all.iter().any(|e| e.trail.is_some()) {
                return None;
            }
            let map = matches!(node.body, Body::Map(_));
            let part = |e: &Entry<'_>| {
                let value = short(&e.value)?;
                Some(if map { format!("{}: {value}", e.key) } else { value })
            };
            let parts = all.iter().map(part).collect::<Option<Vec<_>>>()?.join(", ");
            let parts = parts.trim_end();
            Some(match (map, parts.is_empty()) {
                (true, true) => "{}".to_owned(),
                (true, false) => format!("{{ {parts} }}"),
                (false, _) => format!("[{parts}]"),
            })
        }
    }
}
