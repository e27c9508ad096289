//! Comments of a text, with their places.
//!
//! The one thing to know: between the scalars of a valid text nothing but indicators, white space
//! and comments can stand, so a `#` there begins a comment.

use crate::yaml::{Mark, Sign, Style, marks};

/// A comment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Comment<'t> {
    /// The byte of its `#`.
    pub(super) at: usize,
    /// Its column, from 0, in bytes.
    pub(super) column: usize,
    /// Whether nothing but white space stands before it on its line.
    pub(super) alone: bool,
    /// Whether the line above is empty.
    pub(super) gap: bool,
    /// Its text with the `#`, without blanks at the end.
    pub(super) text: &'t str,
}

/// The comments between the marks, in order.
pub(super) fn comments<'t>(text: &'t str, marks: &[Mark]) -> Vec<Comment<'t>> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut gap = |from: usize, to: usize| {
        let mut at = from;
        while let Some(hit) = text.get(at..to).and_then(|t| t.find('#')) {
            let at_hash = at + hit;
            let end =
                text.get(at_hash..).and_then(|t| t.find('\n')).map_or(text.len(), |n| at_hash + n);
            let line = line_start(text, at_hash);
            let before = text.get(line..at_hash).unwrap_or_default();
            found.push(Comment {
                at: at_hash,
                column: at_hash - line,
                alone: before.chars().all(char::is_whitespace),
                gap: is_gap(text, line),
                text: text.get(at_hash..end).unwrap_or_default().trim_end(),
            });
            at = end;
        }
    };
    for mark in marks {
        let Sign::Scalar { style, .. } = &mark.sign else { continue };
        gap(from, mark.start);
        from = mark.end.max(from);
        if *style == Style::Block {
            // The header of a block may have a comment of its own.
            let header = text.get(mark.start..).and_then(|t| t.find('\n'));
            gap(mark.start, header.map_or(mark.end, |n| mark.start + n));
        }
    }
    gap(from, text.len());
    found
}

/// The byte at which the line of a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |n| n + 1)
}

/// Whether the line above the one that begins at a byte is empty.
pub(super) fn is_gap(text: &str, line: usize) -> bool {
    let Some(above) = text.get(..line).and_then(|t| t.strip_suffix('\n')) else { return false };
    above.get(line_start(above, above.len())..).is_some_and(|t| t.trim().is_empty())
}

/// The texts of all comments, sorted: what must be the same before and after.
pub(super) fn of(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> = marks(text)
        .map(|marks| comments(text, &marks).into_iter().map(|c| c.text).collect())
        .unwrap_or_default();
    all.sort_unstable();
    all
}
