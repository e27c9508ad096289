//! A text as the marks of its YAML: which stretch is a scalar, where maps and lists begin and end.
//!
//! Purpose: what `fmt` builds on. The tree ([`super::parse`]) says what a document means; marks say
//! how it was written: bare or quoted, in a block or between braces, and what stands between the
//! values, which is where comments are.
//!
//! Invariant: offsets are bytes of the text, in order; a text that [`super::parse`] has no problem
//! with has marks.

use saphyr_parser::{Event, Parser, ScalarStyle};

/// What begins, ends or stands at a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Sign {
    /// A document begins.
    Document,
    /// A document ends.
    DocumentEnd,
    /// A map begins.
    Map,
    /// A list begins.
    List,
    /// The innermost map or list ends.
    End,
    /// A scalar with its meaning; its text as written is the stretch.
    Scalar {
        /// The text that it means.
        text: String,
        /// How it is written.
        style: Style,
    },
}

/// How a scalar is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Style {
    /// Bare.
    Bare,
    /// Between quotes.
    Quoted,
    /// A block under `|` or `>`.
    Block,
}

/// A sign at its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mark {
    /// What it is.
    pub sign: Sign,
    /// First byte.
    pub start: usize,
    /// The byte after the last; `start` where nothing is written.
    pub end: usize,
}

/// The marks of a text; `None` where it cannot be read to its end, or holds what no manifest may
/// hold (aliases, anchors, tags).
pub fn marks(text: &str) -> Option<Vec<Mark>> {
    let offsets: Vec<u32> = if text.is_ascii() {
        Vec::new()
    } else {
        let ends = u32::try_from(text.len()).ok();
        text.char_indices()
            .map(|(i, _)| u32::try_from(i).ok())
            .chain([ends])
            .collect::<Option<_>>()?
    };
    let byte = |n: usize| match offsets.get(n) {
        Some(at) => *at as usize,
        None => n.min(text.len()),
    };
    let mut found = Vec::new();
    let mut behind = 0;
    for next in Parser::new_from_str(text) {
        let (event, span) = next.ok()?;
        let (start, end) = (byte(span.start.index()), byte(span.end.index()));
        let sign = match event {
            Event::Scalar(text, style, 0, None) => Sign::Scalar {
                text: text.into_owned(),
                style: match style {
                    ScalarStyle::Plain => Style::Bare,
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Style::Quoted,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                },
            },
            Event::SequenceStart(0, None) => Sign::List,
            Event::MappingStart(0, None) => Sign::Map,
            Event::SequenceEnd | Event::MappingEnd => Sign::End,
            Event::DocumentStart(_) => Sign::Document,
            Event::DocumentEnd => Sign::DocumentEnd,
            Event::Nothing | Event::StreamStart | Event::StreamEnd => continue,
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..) => return None,
        };
        let start = match &sign {
            // The parser's stretch of a block begins behind its header.
            Sign::Scalar { style: Style::Block, .. } => header(text, behind, start)?,
            _ => start,
        };
        let end = match &sign {
            // Where nothing is written, the parser's stretch is white space.
            Sign::Scalar { text, style: Style::Bare } if text.is_empty() => start,
            // Behind a closing quote too, with a comment that may stand there.
            Sign::Scalar { style: Style::Quoted, .. } => closing(text, start)?.min(end.max(start)),
            // Behind a closing brace the parser's stretch goes on to the end of the line.
            Sign::End if text.get(start..).is_some_and(|t| t.starts_with(['}', ']'])) => start + 1,
            _ => end.max(start),
        };
        behind = behind.max(end);
        found.push(Mark { sign, start, end });
    }
    Some(found)
}

/// The byte behind the quote that closes the scalar that opens at a byte.
fn closing(text: &str, open: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(open)?;
    let mut at = open + 1;
    loop {
        match *bytes.get(at)? {
            b'\\' if quote == b'"' => at += 2,
            // Two single quotes are one that is meant.
            b if b == quote && quote == b'\'' && bytes.get(at + 1) == Some(&quote) => at += 2,
            b if b == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
}

/// Where the header (`|`, `>-`) of a block stands, between two bytes.
fn header(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut rest = text.get(from..to)?.char_indices();
    while let Some((at, c)) = rest.next() {
        match c {
            '|' | '>' => return Some(from + at),
            '#' => {
                rest.find(|(_, c)| *c == '\n');
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretches(text: &str) -> Vec<&str> {
        let scalar = |m: &&Mark| matches!(m.sign, Sign::Scalar { .. });
        marks(text).unwrap().iter().filter(scalar).map(|m| &text[m.start..m.end]).collect()
    }

    #[test]
    fn scalars_are_the_text_as_written() {
        let text =
            "é: 19.990 # c\nb: \"x\\n\" # e\nc: |-  # d\n  one\n   two\n\nd:\n  - 'y''s' # f\n";
        let found = stretches(text);
        assert_eq!(found.len(), 8, "{found:?}");
        assert_eq!(&found[..5], ["é", "19.990", "b", "\"x\\n\"", "c"]);
        assert!(found[5].starts_with("|-  # d\n  one\n   two"), "{:?}", found[5]);
        assert_eq!(&found[6..], ["d", "'y''s'"]);
    }

    #[test]
    fn nothing_that_a_manifest_may_not_hold_has_marks() {
        for text in ["a: &x 1", "a: *x", "a: !t 1", "a: [", "a: 'x"] {
            assert_eq!(marks(text), None, "{text}");
        }
    }
}
