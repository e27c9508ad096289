//! A text as a tree that keeps how it was written: raw scalars, braces, comments, empty lines.
//!
//! Where a comment goes: beside a value on the value's line, it stays beside it; alone on its line,
//! it stands above what follows, unless it is indented deeper than what follows: then it ends the
//! map or list in whose column it stands. What stands at the very top of a document, down to its
//! last empty line, is the document's own.

use super::comments::{Comment, comments, is_gap, line_start};
use crate::yaml::{Mark, Sign, Style, marks};

/// A line of its own: a comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Line<'t> {
    pub(super) text: &'t str,
    /// Whether an empty line stands above.
    pub(super) gap: bool,
}

/// A document.
#[derive(Debug)]
pub(super) struct Document<'t> {
    /// Comments at the top.
    pub(super) head: Vec<Line<'t>>,
    /// Whether an empty line stands between them and the first key.
    pub(super) gap: bool,
    /// Its map; `None` where there are comments only.
    pub(super) root: Option<Node<'t>>,
}

/// A value.
#[derive(Debug)]
pub(super) struct Node<'t> {
    pub(super) body: Body<'t>,
    /// Whether it stands between braces.
    pub(super) flow: bool,
    /// A comment on the line where it begins, behind its key.
    pub(super) head: Option<&'t str>,
    /// Comments behind its last part.
    pub(super) tail: Vec<Line<'t>>,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Body<'t> {
    /// A scalar as written.
    Scalar {
        raw: &'t str,
        style: Style,
        /// Of a block: the blanks before each line that are not its own.
        margin: usize,
    },
    /// A map.
    Map(Vec<Entry<'t>>),
    /// A list: entries without a key.
    List(Vec<Entry<'t>>),
}

/// A key and its value, or an element of a list.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    /// Comments above.
    pub(super) lead: Vec<Line<'t>>,
    /// Whether an empty line stands above the key itself.
    pub(super) gap: bool,
    /// The key as written; empty for an element.
    pub(super) key: &'t str,
    /// What the key means.
    pub(super) name: String,
    pub(super) value: Node<'t>,
    /// A comment at the end of its line.
    pub(super) trail: Option<&'t str>,
}

/// The documents of a text; `None` where it is written in a way that is not understood.
pub(super) fn read(text: &str) -> Option<Vec<Document<'_>>> {
    // Directives stand between the marks, where nothing is kept but comments.
    if text.starts_with('%') || text.contains("\n%") {
        return None;
    }
    let marks = marks(text)?;
    let comments = comments(text, &marks);
    let mut reader = Reader { text, marks: &marks, next: 0, comments: &comments, taken: 0 };
    let mut documents: Vec<Document<'_>> = Vec::new();
    while let Some(mark) = reader.mark() {
        match mark.sign {
            Sign::Document => {
                reader.next += 1;
                documents.push(reader.document()?);
            }
            _ => reader.next += 1,
        }
    }
    let rest = reader.above(text.len());
    if !rest.is_empty() {
        match documents.last_mut().and_then(|d| d.root.as_mut()) {
            Some(root) => root.tail.extend(rest),
            None => documents.push(Document { head: rest, gap: false, root: None }),
        }
    }
    Some(documents)
}

struct Reader<'r, 't> {
    text: &'t str,
    marks: &'r [Mark],
    next: usize,
    comments: &'r [Comment<'t>],
    taken: usize,
}

impl<'t> Reader<'_, 't> {
    fn mark(&self) -> Option<&Mark> {
        self.marks.get(self.next)
    }

    fn raw(&self, from: usize, to: usize) -> &'t str {
        self.text.get(from..to).unwrap_or_default()
    }

    fn document(&mut self) -> Option<Document<'t>> {
        let first = self.mark()?.clone();
        if let Sign::Scalar { text, .. } = &first.sign {
            // Nothing but comments: they are kept for what comes next, or for the end.
            if !text.is_empty() {
                return None;
            }
            self.next += 1;
            let end = self.mark().map_or(self.text.len(), |m| m.start);
            return Some(Document { head: self.above(end), gap: false, root: None });
        }
        if first.sign != Sign::Map {
            return None;
        }
        let start = self.place_of_next()?;
        let mut head = self.above(start);
        let gap = is_gap(self.text, line_start(self.text, start));
        let mut root = self.node(false)?;
        // The part behind the last empty line belongs to the first key.
        let own = if gap { head.len() } else { head.iter().rposition(|l| l.gap).unwrap_or(0) };
        let modeline = head.iter().rposition(|l| l.text.contains("yaml-language-server:"));
        let own = own.max(modeline.map_or(0, |at| at + 1));
        let lead = head.split_off(own.min(head.len()));
        let gap = lead.first().map_or(gap, |l| l.gap);
        if let Body::Map(entries) = &mut root.body
            && let Some(first) = entries.first_mut()
        {
            first.lead = lead;
            first.gap = false;
        }
        Some(Document { head, gap, root: Some(root) })
    }

    /// Where the next thing that is written begins.
    fn place_of_next(&self) -> Option<usize> {
        self.marks.get(self.next..)?.iter().find(|m| m.sign != Sign::End).map(|m| m.start)
    }

    /// Takes the comments that stand before a byte.
    fn above(&mut self, to: usize) -> Vec<Line<'t>> {
        let mut lines = Vec::new();
        while let Some(comment) = self.comments.get(self.taken).filter(|c| c.at < to) {
            lines.push(Line { text: comment.text, gap: comment.gap && comment.alone });
            self.taken += 1;
        }
        lines
    }

    /// Takes the comment on the line of a byte, if nothing but white space and these stand between.
    fn beside(&mut self, from: usize, between: &[char]) -> Option<&'t str> {
        let comment = self.comments.get(self.taken).filter(|c| !c.alone && c.at >= from)?;
        let stretch = self.raw(from, comment.at);
        let fits = stretch.chars().all(|c| c == ' ' || c == '\t' || between.contains(&c));
        if !fits {
            return None;
        }
        self.taken += 1;
        Some(comment.text)
    }

    /// Reads the value that comes next.
    fn node(&mut self, in_flow: bool) -> Option<Node<'t>> {
        let mark = self.mark()?.clone();
        self.next += 1;
        let plain = |body, flow| Node { body, flow, head: None, tail: Vec::new() };
        let opens = self.raw(mark.start, mark.start + 1);
        match mark.sign {
            Sign::Scalar { style, text } => {
                let raw = self.raw(mark.start, mark.end);
                let margin = if style == Style::Block { margin(raw, &text) } else { 0 };
                let mut node = plain(Body::Scalar { raw, style, margin }, in_flow);
                if style == Style::Block {
                    let header = mark.start + raw.find('\n').unwrap_or(raw.len());
                    node.head = self.above(header).first().map(|l| l.text);
                }
                Some(node)
            }
            Sign::Map => {
                let flow = in_flow || opens == "{";
                self.entries(flow, true, mark.start).map(|(all, tail)| Node {
                    body: Body::Map(all),
                    flow,
                    head: None,
                    tail,
                })
            }
            Sign::List => {
                let flow = in_flow || opens == "[";
                self.entries(flow, false, mark.start).map(|(all, tail)| Node {
                    body: Body::List(all),
                    flow,
                    head: None,
                    tail,
                })
            }
            Sign::End | Sign::Document | Sign::DocumentEnd => None,
        }
    }

    /// The entries up to the end of the map or list that was just opened.
    fn entries(
        &mut self,
        flow: bool,
        map: bool,
        start: usize,
    ) -> Option<(Vec<Entry<'t>>, Vec<Line<'t>>)> {
        let mut all = Vec::new();
        let column = indent_of(self.text, start);
        loop {
            let mark = self.mark()?.clone();
            if mark.sign == Sign::End {
                let tail = if flow { self.above(mark.end) } else { self.tail(column) };
                self.next += 1;
                return Some((all, tail));
            }
            all.push(self.entry(flow, map)?);
        }
    }

    fn entry(&mut self, flow: bool, map: bool) -> Option<Entry<'t>> {
        let first = self.mark()?.clone();
        let mut lead = self.above(first.start);
        let line = line_start(self.text, first.start);
        let gap = is_gap(self.text, line)
            && self.raw(line, first.start).chars().all(|c| c == ' ' || c == '-');
        let (mut key, mut name, mut behind) = ("", String::new(), first.start);
        if map {
            let Sign::Scalar { text, style } = first.sign else { return None };
            key = self.raw(first.start, first.end);
            if style == Style::Block || key.is_empty() || key.contains('\n') {
                return None;
            }
            (name, behind) = (text, first.end);
            self.next += 1;
        }
        let value = self.mark()?.clone();
        let is_block = !matches!(value.sign, Sign::Scalar { .. })
            && !flow
            && !matches!(self.raw(value.start, value.start + 1), "{" | "[");
        let nothing = value.start == value.end && matches!(value.sign, Sign::Scalar { .. });
        let mut head = None;
        if map && is_block {
            head = self.beside(behind, &[':']);
        } else if !nothing {
            // Between key and value, or behind the dash: there is no line for it but the one above.
            lead.extend(self.above(value.start));
        }
        let mut node = self.node(flow)?;
        if node.head.is_none() {
            node.head = head;
        }
        let end = if nothing { behind } else { self.last_end() };
        let scalar = matches!(node.body, Body::Scalar { style: Style::Bare | Style::Quoted, .. });
        let trail = (scalar || node.flow)
            .then(|| self.beside(end, if nothing { &[':', ','] } else { &[',', ' '] }))
            .flatten();
        Some(Entry { lead, gap, key, name, value: node, trail })
    }

    /// The end of the mark that was read last.
    fn last_end(&self) -> usize {
        self.next.checked_sub(1).and_then(|i| self.marks.get(i)).map_or(0, |m| m.end)
    }

    /// The comments that end a block whose parts stand in this column.
    fn tail(&mut self, column: usize) -> Vec<Line<'t>> {
        let next = self.marks.get(self.next..).into_iter().flatten().find(|m| m.sign != Sign::End);
        let (place, below) = match next {
            Some(m) if !matches!(m.sign, Sign::DocumentEnd | Sign::Document) => {
                (m.start, Some(indent_at(self.text, m.start)))
            }
            Some(m) => (m.start.max(self.last_comment_before_marker()), None),
            None => (self.text.len(), None),
        };
        let mut lines = Vec::new();
        while let Some(comment) = self.comments.get(self.taken) {
            let deeper = below.is_none_or(|below| comment.column > below);
            if comment.at >= place || !comment.alone || comment.column < column || !deeper {
                break;
            }
            lines.push(Line { text: comment.text, gap: comment.gap });
            self.taken += 1;
        }
        lines
    }

    /// A document ends where the next one is announced, not where its last value does.
    fn last_comment_before_marker(&self) -> usize {
        let from = self.last_end();
        let rest = self.text.get(from..).unwrap_or_default();
        ["\n---", "\n..."]
            .iter()
            .filter_map(|m| rest.find(m))
            .min()
            .map_or(self.text.len(), |n| from + n)
    }
}

/// How far a block of text is indented: what its first line has more in the file than it means.
fn margin(raw: &str, text: &str) -> usize {
    let blanks = |t: &str| {
        let line = t.lines().find(|l| !l.trim_matches(' ').is_empty())?;
        Some(line.len() - line.trim_start_matches(' ').len())
    };
    let body = raw.split_once('\n').map_or("", |(_, body)| body);
    blanks(body).unwrap_or(0).saturating_sub(blanks(text).unwrap_or(0))
}

/// The column of the key or dash that begins at a byte.
fn indent_of(text: &str, at: usize) -> usize {
    at - line_start(text, at)
}

/// How far the line of a byte is indented.
fn indent_at(text: &str, at: usize) -> usize {
    let line = text.get(line_start(text, at)..).unwrap_or_default();
    line.len() - line.trim_start_matches(' ').len()
}
