//! Laying out text on a page of a given width.
//!
//! Purpose: [`Page`] takes pieces of text with a tone, breaks them at words with a hanging indent,
//! and writes colour codes around them. Widths are terminal columns, not bytes or characters.
//!
//! Invariants: what comes in has passed [`crate::output::text::safe`] (see
//! [`super::wording`]), so that a column is a column. A wide character is never cut, and a
//! combining mark stays with its letter. No line ends in spaces.

use unicode_width::UnicodeWidthChar;

use super::theme::{Look, Tone};

/// The least room that is worth wrapping into; below it a line is allowed to run over.
const LEAST_ROOM: usize = 12;

/// A piece of text with its meaning.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) tone: Tone,
}

/// A piece in a tone.
pub(super) fn span(text: impl Into<String>, tone: Tone) -> Span {
    Span { text: text.into(), tone }
}

/// A piece without a tone.
pub(super) fn plain(text: impl Into<String>) -> Span {
    span(text, Tone::Plain)
}

/// Columns that a character takes.
fn columns(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns that a text takes.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns that pieces take side by side.
pub(super) fn width_of(spans: &[Span]) -> usize {
    spans.iter().map(|s| width(&s.text)).sum()
}

/// The text in at most `room` columns, with `…` where something was left out.
pub(super) fn clip(text: &str, room: usize) -> String {
    if width(text) <= room {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        if used + columns(c) > room.saturating_sub(1) {
            break;
        }
        used += columns(c);
        out.push(c);
    }
    out.push('…');
    out
}

/// The text followed by spaces up to `room` columns.
pub(super) fn pad(text: &str, room: usize) -> String {
    let mut out = text.to_owned();
    out.extend(std::iter::repeat_n(' ', room.saturating_sub(width(text))));
    out
}

/// A word with the gap before it.
#[derive(Default)]
struct Word {
    gap: usize,
    breaks: bool,
    pieces: Vec<Span>,
    width: usize,
}

impl Word {
    fn push(&mut self, c: char, tone: Tone) {
        self.width += columns(c);
        match self.pieces.last_mut() {
            Some(last) if last.tone == tone => last.text.push(c),
            _ => self.pieces.push(span(c, tone)),
        }
    }
}

/// A page that is being written.
pub(super) struct Page {
    look: Look,
    out: String,
}

impl Page {
    /// An empty page.
    pub(super) fn new(look: Look) -> Self {
        Self { look, out: String::new() }
    }

    /// How it looks.
    pub(super) fn look(&self) -> Look {
        self.look
    }

    /// A line as it is: one whose columns the caller has counted.
    pub(super) fn verbatim(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    /// The page as text.
    pub(super) fn finish(self) -> String {
        self.out
    }

    /// An empty line, unless there is one already or nothing stands above.
    pub(super) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// A paragraph: the first line begins at column `indent`, the following ones at `hang`.
    pub(super) fn flow(&mut self, indent: usize, hang: usize, spans: &[Span]) {
        let hang = if self.look.width < hang + LEAST_ROOM { indent.min(4) } else { hang };
        let limit = self.look.width.max(hang + LEAST_ROOM);
        let mut line: Vec<Span> = Vec::new();
        let mut column = indent;
        let mut start = indent;
        for word in words(spans) {
            let fresh = line.is_empty();
            // Spaces at the very start are meant; those at a break are not.
            let gap = if fresh && column != indent { 0 } else { word.gap };
            // A word that fits on no line begins here and is cut below.
            let too_long = word.width > limit - hang;
            if word.breaks || (!fresh && !too_long && column + gap + word.width > limit) {
                self.emit(start, &line);
                line.clear();
                (start, column) = (hang, hang);
            } else if gap > 0 {
                // A gap inside one tone is of that tone: fewer colour codes.
                let before = line.last().map(|s| s.tone);
                let after = word.pieces.first().map(|s| s.tone);
                let tone = before.filter(|t| after == Some(*t)).unwrap_or_default();
                push(&mut line, &" ".repeat(gap), tone);
                column += gap;
            }
            if column + word.width <= limit {
                column += word.width;
                for piece in word.pieces {
                    push(&mut line, &piece.text, piece.tone);
                }
                continue;
            }
            for piece in word.pieces {
                for c in piece.text.chars() {
                    if columns(c) > 0 && column + columns(c) > limit {
                        self.emit(start, &line);
                        line.clear();
                        (start, column) = (hang, hang);
                    }
                    column += columns(c);
                    match line.last_mut() {
                        Some(last) if last.tone == piece.tone => last.text.push(c),
                        _ => line.push(span(c, piece.tone)),
                    }
                }
            }
        }
        if !line.is_empty() {
            self.emit(start, &line);
        }
    }

    fn emit(&mut self, indent: usize, line: &[Span]) {
        self.out.extend(std::iter::repeat_n(' ', if line.is_empty() { 0 } else { indent }));
        for (i, piece) in line.iter().enumerate() {
            let text = if i + 1 == line.len() { piece.text.trim_end() } else { &piece.text };
            piece.tone.paint(text, self.look.color, &mut self.out);
        }
        self.out.push('\n');
    }
}

/// Appends to a line, growing the last piece where the tone is the same.
fn push(line: &mut Vec<Span>, text: &str, tone: Tone) {
    match line.last_mut() {
        Some(last) if last.tone == tone => last.text.push_str(text),
        _ => line.push(span(text, tone)),
    }
}

/// The words of a paragraph. A run of spaces becomes the gap before the next word, a line feed a
/// forced break.
fn words(spans: &[Span]) -> Vec<Word> {
    let mut out = Vec::new();
    let mut word = Word::default();
    for piece in spans {
        for c in piece.text.chars() {
            if c == ' ' || c == '\n' {
                if !word.pieces.is_empty() || (c == '\n' && word.breaks) {
                    out.push(std::mem::take(&mut word));
                }
                if c == ' ' {
                    word.gap += 1;
                } else {
                    word.breaks = true;
                }
            } else {
                word.push(c, piece.tone);
            }
        }
    }
    if !word.pieces.is_empty() {
        out.push(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(width: usize, indent: usize, hang: usize, text: &str) -> String {
        let mut page = Page::new(Look::plain(width));
        page.flow(indent, hang, &[plain(text)]);
        page.finish()
    }

    #[test]
    fn breaks_at_words_with_a_hanging_indent() {
        assert_eq!(
            laid(20, 0, 4, "one two three four five six"),
            "one two three four\n    five six\n"
        );
        assert_eq!(laid(20, 2, 2, "a\nb"), "  a\n  b\n");
        assert_eq!(laid(20, 0, 2, "a\n\nb"), "a\n\n  b\n");
    }

    #[test]
    fn breaks_a_long_word_but_never_a_wide_character() {
        let text = "漢".repeat(15);
        let out = laid(21, 0, 0, &text);
        for line in out.lines() {
            assert!(width(line) <= 21, "{line}");
        }
        assert_eq!(out.replace('\n', ""), text);
        let marked = "e\u{301}".repeat(30);
        for line in laid(20, 0, 0, &marked).lines() {
            assert!(line.starts_with('e'), "{line:?}");
        }
    }

    #[test]
    fn clips_by_columns() {
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abcd", 3), "ab…");
        assert_eq!(clip("漢字漢字", 4), "漢…");
        assert_eq!(pad("漢", 4), "漢  ");
    }

    #[test]
    fn a_page_too_narrow_still_ends() {
        let out = laid(1, 30, 30, "some words that do not fit");
        assert!(out.contains("words"), "{out}");
    }

    #[test]
    fn every_coloured_piece_is_reset_on_its_own_line() {
        let mut page = Page::new(Look { color: true, width: 16, verbose: false });
        page.flow(0, 0, &[span("red words over several lines", Tone::Delete)]);
        for line in page.finish().lines() {
            assert_eq!(line.matches("\u{1b}[31m").count(), line.matches("\u{1b}[0m").count());
        }
    }
}
