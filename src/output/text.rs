//! The one door for untrusted text on its way to a terminal.
//!
//! Invariants: what comes out holds no control character but the line feed, nothing that changes
//! the direction of what follows, and nothing invisible: each is shown as `\u{..}`. Other formats
//! (JSON, HTML) have encoders of their own.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that could mislead a reader or a terminal made visible. Line
/// feeds pass; a tab becomes a space.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if c == '\t' {
            out.push(' ');
        } else if is_unsafe(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`safe`], on one line: line feeds are shown as `\n`.
pub fn safe_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(safe(text).replace('\n', "\\n")) } else { safe(text) }
}

/// Whether a character may not reach a terminal as it is.
fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(
            c,
            '\u{ad}'                      // soft hyphen
            | '\u{61c}'                   // Arabic letter mark
            | '\u{180e}'                  // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}'     // zero width space and joiners, direction marks
            | '\u{2028}'..='\u{202e}'     // line and paragraph separators, direction embeddings
            | '\u{2060}'..='\u{206f}'     // word joiner, invisible operators, direction isolates
            | '\u{feff}'                  // byte order mark
            | '\u{fff9}'..='\u{fffb}'     // interlinear annotation
            | '\u{e0000}'..='\u{e007f}'   // tags
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_passes_untouched() {
        for fine in ["", "Åsa, 年, 🎉\nsecond line", "quote: a"] {
            assert!(matches!(safe(fine), Cow::Borrowed(t) if t == fine));
        }
    }

    #[test]
    fn what_misleads_is_shown() {
        assert_eq!(safe("\u{1b}[31mred\r"), "\\u{1b}[31mred\\u{d}");
        assert_eq!(safe("a\u{202e}b\u{200b}c\u{2066}"), "a\\u{202e}b\\u{200b}c\\u{2066}");
        assert_eq!(safe("\u{9b}2J\u{0}\u{7f}"), "\\u{9b}2J\\u{0}\\u{7f}");
        assert_eq!(safe("a\tb"), "a b");
        assert_eq!(safe_line("a\nb"), "a\\nb");
    }
}
