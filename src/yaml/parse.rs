//! Text to trees: the guards, the loop over documents, and going on after a broken one.
//!
//! Invariants: a document is refused before it can cost much (size, depth, number of nodes,
//! control characters). After a syntax error reading goes on at the next line that starts with
//! `---`, which YAML allows inside no scalar, so the other documents are still checked.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError};

use super::build::Builder;
use super::tree::{Node, Problem, Span};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The deepest nesting of maps and lists: what a saved plan can hold, see [`crate::json::MAX_DEPTH`].
pub const MAX_DEPTH: usize = crate::json::MAX_DEPTH;
/// Nodes of one file; 4 MiB of ordinary manifests hold about 500,000.
const MAX_NODES: usize = 1_000_000;

/// One document of a file.
#[derive(Debug)]
pub struct Document<'t> {
    /// Its content; never empty.
    pub root: Node<'t>,
    /// The byte at which reading it again may start.
    pub start: usize,
    /// Whether a problem was reported inside it.
    pub broken: bool,
}

/// All of a file.
#[derive(Debug, Default)]
pub struct Parsed<'t> {
    /// The documents that could be read, in order; empty ones are left out.
    pub documents: Vec<Document<'t>>,
    /// What is wrong, in order.
    pub problems: Vec<Problem>,
    /// Whether some text could not be read at all.
    pub incomplete: bool,
}

/// Reads every document of a text. `file` is copied into every span.
pub fn parse(text: &str, file: u32) -> Parsed<'_> {
    parse_from(text, file, 0, usize::MAX)
}

/// Reads at most `limit` documents from byte `start` on.
pub(super) fn parse_from(text: &str, file: u32, start: usize, limit: usize) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    if let Some(problem) = refuse_text(text, file) {
        parsed.problems.push(problem);
        parsed.incomplete = true;
        return parsed;
    }
    let places = Places::new(text);
    let mut base = start;
    let mut nodes = 0;
    while let Some(rest) = text.get(base..) {
        let stream = Stream { text, file, places: &places, base, base_char: places.char_of(base) };
        let Some(failed_at) = stream.read(rest, limit, &mut nodes, &mut parsed) else { break };
        parsed.incomplete = true;
        if nodes > MAX_NODES {
            break;
        }
        let from = failed_at.max(base + 1);
        let Some(next) = next_document(text, from) else { break };
        base = next;
    }
    parsed
}

/// What makes a whole text unreadable: its size, or characters that YAML forbids.
fn refuse_text(text: &str, file: u32) -> Option<Problem> {
    let at = |offset: usize, length: u32| Span {
        file,
        offset: u32::try_from(offset).unwrap_or(u32::MAX),
        length,
    };
    if text.len() > MAX_BYTES {
        let message = format!("the file is larger than {} MiB", MAX_BYTES / 1024 / 1024);
        return Some(Problem::new("file-too-large", at(0, 0), message).help("split it"));
    }
    let bytes = text.as_bytes();
    let forbidden = |(i, b): (usize, &u8)| match *b {
        b'\t' | b'\n' => false,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        0..=0x1f | 0x7f => true,
        // C1 controls are two bytes, the first of which is C2.
        0xc2 => bytes.get(i + 1).is_some_and(|next| *next < 0xa0),
        _ => false,
    };
    let offset = bytes.iter().enumerate().position(forbidden)?;
    let character = text.get(offset..)?.chars().next()?;
    let message =
        format!("the control character U+{:04X} may not stand in a file", u32::from(character));
    let length = u32::try_from(character.len_utf8()).unwrap_or(1);
    Some(Problem::new("control-character", at(offset, length), message).help("delete it"))
}

/// The next line at or after `from` that opens a document.
fn next_document(text: &str, from: usize) -> Option<usize> {
    let mut from = from;
    loop {
        let hit = memchr_line(text, from)?;
        let after = text.as_bytes().get(hit + 3);
        if after.is_none_or(u8::is_ascii_whitespace) {
            return Some(hit);
        }
        from = hit + 3;
    }
}

/// The start of the next line that begins with `---`.
fn memchr_line(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes().get(from.saturating_sub(1)..)?;
    let hit = bytes.windows(4).position(|w| w == b"\n---")?;
    Some(from.saturating_sub(1) + hit + 1)
}

/// Byte offsets of characters, for files that are not plain ASCII.
struct Places {
    /// The byte offset of every 64th character; empty when a character is a byte.
    marks: Vec<u32>,
    bytes: Vec<u8>,
}

impl Places {
    const STRIDE: usize = 64;

    fn new(text: &str) -> Self {
        if text.is_ascii() {
            return Self { marks: Vec::new(), bytes: Vec::new() };
        }
        let marks = text
            .char_indices()
            .step_by(Self::STRIDE)
            .map(|(i, _)| u32::try_from(i).unwrap_or(u32::MAX))
            .collect();
        Self { marks, bytes: text.as_bytes().to_vec() }
    }

    fn is_continuation(byte: u8) -> bool {
        byte & 0xc0 == 0x80
    }

    /// The byte at which the n-th character starts.
    fn byte_of(&self, n: usize) -> usize {
        if self.marks.is_empty() {
            return n;
        }
        let Some(mark) = self.marks.get(n / Self::STRIDE) else { return self.bytes.len() };
        let mut byte = *mark as usize;
        for _ in 0..n % Self::STRIDE {
            byte += 1;
            while self.bytes.get(byte).copied().is_some_and(Self::is_continuation) {
                byte += 1;
            }
        }
        byte.min(self.bytes.len())
    }

    /// The number of the character that starts at a byte.
    fn char_of(&self, byte: usize) -> usize {
        if self.marks.is_empty() {
            return byte;
        }
        let index = self.marks.partition_point(|m| *m as usize <= byte).saturating_sub(1);
        let start = self.marks.get(index).map_or(0, |m| *m as usize);
        let between = self.bytes.get(start..byte).unwrap_or_default();
        index * Self::STRIDE + between.iter().filter(|b| !Self::is_continuation(**b)).count()
    }
}

/// One run of the parser, from `base` to the end or to the first syntax error.
struct Stream<'p, 't> {
    text: &'t str,
    file: u32,
    places: &'p Places,
    base: usize,
    base_char: usize,
}

impl<'t> Stream<'_, 't> {
    /// Reads; gives the byte of the error that ended it, if one did.
    fn read(
        &self,
        rest: &'t str,
        limit: usize,
        nodes: &mut usize,
        parsed: &mut Parsed<'t>,
    ) -> Option<usize> {
        let mut parser = Parser::new_from_str(rest);
        let mut builder = Builder::new(self.text);
        let mut start = self.base;
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(pair) => pair,
                Err(error) => return Some(self.syntax_error(&error, parsed)),
            };
            *nodes += 1;
            let span = self.span(span.start, span.end);
            if *nodes > MAX_NODES {
                let message = format!("the file has more than {MAX_NODES} values");
                parsed
                    .problems
                    .push(Problem::new("file-too-large", span, message).help("split it"));
                return Some(span.offset as usize);
            }
            let depth_ok = match event {
                Event::DocumentStart(_) => {
                    start = span.offset as usize;
                    true
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let plain = style == ScalarStyle::Plain;
                    builder.scalar(text, plain, span, anchor > 0, tag.is_some())
                }
                Event::SequenceStart(anchor, tag) => {
                    builder.open(false, span, anchor > 0, tag.is_some())
                }
                Event::MappingStart(anchor, tag) => {
                    builder.open(true, span, anchor > 0, tag.is_some())
                }
                Event::SequenceEnd | Event::MappingEnd => builder.close(),
                Event::Alias(_) => builder.alias(span),
                Event::DocumentEnd => {
                    let (root, problems) = builder.finish();
                    let broken = !problems.is_empty();
                    parsed.problems.extend(problems);
                    if let Some(root) = root.filter(|r| !r.is_null()) {
                        parsed.documents.push(Document { root, start, broken });
                    }
                    if parsed.documents.len() >= limit {
                        return None;
                    }
                    true
                }
                Event::Nothing | Event::StreamStart | Event::StreamEnd => true,
            };
            if !depth_ok {
                parsed.problems.push(too_deep(span));
                return Some(span.offset as usize);
            }
        }
        None
    }

    fn span(&self, start: Marker, end: Marker) -> Span {
        let from = self.places.byte_of(self.base_char + start.index());
        let to = self.places.byte_of(self.base_char + end.index()).max(from);
        Span {
            file: self.file,
            offset: u32::try_from(from).unwrap_or(u32::MAX),
            length: u32::try_from(to - from).unwrap_or(u32::MAX),
        }
    }

    /// A syntax error that comes of a tab, at the tab: the scanner points at what was before or behind.
    fn tab(&self, info: &str, near: Span) -> Option<Problem> {
        let before = self.text.get(..near.offset as usize)?;
        let (at, message, help) = if info.contains("tab") {
            let line = before.rfind('\n').map_or(0, |end| end + 1);
            let message = "this is not valid YAML: a tab stands at the start of the line";
            (indenting_tab(self.text, line)?, message, "indent with spaces, not tabs")
        } else {
            let colon = info.starts_with("':' must be followed") && before.ends_with('\t');
            let message = "a tab stands behind the colon, and it must be a space";
            (colon.then(|| before.len() - 1)?, message, "write a space in the place of the tab")
        };
        let span = Span { offset: u32::try_from(at).ok()?, length: 1, ..near };
        Some(Problem::new("yaml-syntax", span, message).help(help))
    }

    fn syntax_error(&self, error: &ScanError, parsed: &mut Parsed<'t>) -> usize {
        let mut span = self.span(*error.marker(), *error.marker());
        let under = self.text.get(span.offset as usize..).and_then(|t| t.chars().next());
        if let Some(c) = under.filter(|c| !c.is_whitespace()) {
            span.length = u32::try_from(c.len_utf8()).unwrap_or(1);
        }
        let info = error.info();
        if let Some(problem) = self.tab(info, span) {
            parsed.problems.push(problem);
            return span.offset as usize;
        }
        let problem = if info.contains("recursion limit") {
            too_deep(span)
        } else if info.contains("anchor") {
            Problem::new("yaml-alias", span, "aliases (`*name`) are not allowed here")
                .help(super::build::REUSE_HELP)
        } else {
            let problem =
                Problem::new("yaml-syntax", span, format!("this is not valid YAML: {info}"));
            match explain(info) {
                Some(help) => problem.help(help),
                None => problem,
            }
        };
        parsed.problems.push(problem);
        span.offset as usize
    }
}

/// The place of the tab that indents one of the first two lines with text from `line` on.
fn indenting_tab(text: &str, line: usize) -> Option<usize> {
    let mut start = line;
    let mut filled = 0;
    for row in text.get(line..)?.split_inclusive('\n') {
        let indent = row.len() - row.trim_start().len();
        if !row.trim().is_empty() {
            if let Some(tab) = row.get(..indent).and_then(|i| i.find('\t')) {
                return Some(start + tab);
            }
            filled += 1;
            if filled == 2 {
                return None;
            }
        }
        start += row.len();
    }
    None
}

fn too_deep(span: Span) -> Problem {
    Problem::new(
        "yaml-too-deep",
        span,
        format!("maps and lists nest deeper than {MAX_DEPTH} levels"),
    )
}

/// What usually causes a syntax error.
fn explain(info: &str) -> Option<&'static str> {
    if info.contains("tab") {
        Some("indent with spaces, not tabs")
    } else if info.contains("mapping values are not allowed") {
        Some("a text that holds `: ` needs quotes: title: \"Acme: audit\"")
    } else if info.contains("quoted scalar") {
        Some("look for a missing closing quote")
    } else if info.contains("simple key") || info.contains("block mapping") {
        Some("every line of a map is `key: value`, and keys of one map start in the same column")
    } else if info.contains("':'") || info.contains("flow") {
        Some("look for a missing `]`, `}` or comma")
    } else if info.contains("cannot start any token") || info.contains("unexpected character") {
        Some("a text that starts with a special character (such as @, `, %, &, *) needs quotes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::super::tree::Kind;
    use super::*;

    fn codes(text: &str) -> Vec<&'static str> {
        parse(text, 0).problems.iter().map(|p| p.code).collect()
    }

    #[test]
    fn hostile_nesting_is_refused_at_once() {
        for unit in ["{a: ", "[", "[\n", "- ", "? ", ": ", "\"a\": {", "{a:\n", "- [", "{a: b, c: "]
        {
            let text = unit.repeat(100_000);
            let began = Instant::now();
            let found = codes(&text);
            assert!(began.elapsed() < Duration::from_millis(500), "{unit:?}");
            // A list in brackets may not hold a block list: a syntax error just as well.
            let wanted = if unit == "- [" { "yaml-syntax" } else { "yaml-too-deep" };
            assert_eq!(found, [wanted], "{unit:?}");
        }
        let fine = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert_eq!(codes(&fine), Vec::<&str>::new());
        let over = format!("[{fine}]");
        assert_eq!(codes(&over), ["yaml-too-deep"]);
    }

    #[test]
    fn a_broken_document_does_not_hide_the_others() {
        let parsed = parse("a: 'x\n---\nb: 1\n---\nc: [1\n---\nd: 2\n", 0);
        let roots: Vec<usize> = parsed.documents.iter().map(|d| d.start).collect();
        assert_eq!(roots, [6, 25]);
        assert_eq!(parsed.problems.len(), 2);
        assert!(parsed.incomplete);
    }

    #[test]
    fn control_characters_and_lone_carriage_returns_are_refused() {
        for bad in ["a: \u{1b}[31m", "a: \0", "a: b\rc", "a: \u{85}", "a: \u{7f}"] {
            assert_eq!(codes(bad), ["control-character"], "{bad:?}");
        }
        assert_eq!(codes("a: b\r\nc: \u{a0}\u{e9}\r\n"), Vec::<&str>::new());
    }

    #[test]
    fn spans_are_bytes_even_behind_wide_characters() {
        let text = format!("é: {}\nb: ö ü\n", "å".repeat(200));
        let parsed = parse(&text, 7);
        let Kind::Mapping(entries) = &parsed.documents[0].root.kind else { panic!() };
        let span = entries[1].value.span;
        let from = span.offset as usize;
        assert_eq!(&text[from..from + span.length as usize], "ö ü");
        assert_eq!(span.file, 7);
    }

    #[test]
    fn large_files_are_refused() {
        assert_eq!(codes(&"#".repeat(MAX_BYTES + 1)), ["file-too-large"]);
    }
}
