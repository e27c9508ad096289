//! The one door for untrusted text on its way to a terminal.
//!
//! Invariants: what comes out holds no control character but the line feed, nothing that changes
//! the direction of what follows, and nothing invisible: each is shown as `\u{..}`. Nor does it
//! hold `##[` or `##word[`, which build services take for a command wherever it stands in a log
//! (`##[error]`, `##vso[..]`, `##teamcity[..]`); [`disarm`] does the same for GitHub's `::word::`,
//! which counts at the start of a line only. Other formats have encoders of their own.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character that could mislead a reader or a terminal made visible. Line
/// feeds pass; a tab becomes a space.
pub fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) && !text.contains("##") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c == '\t' {
            out.push(' ');
        } else if is_unsafe(c) || starts_command(c, rest.as_str()) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a `#` with what follows is `##[` or `##word`.
pub(super) fn starts_command(c: char, rest: &str) -> bool {
    c == '#'
        && rest
            .strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_alphabetic()))
}

/// A page without a line that GitHub's runner would take for a command: text that was wrapped may
/// begin a line with `::`. The first colon of such a line is shown as `\u{3a}`.
pub fn disarm(page: &str) -> Cow<'_, str> {
    let armed = |line: &str| line.trim_start().starts_with("::");
    if !page.contains("::") || !page.lines().any(armed) {
        return Cow::Borrowed(page);
    }
    let mut out = String::with_capacity(page.len() + 16);
    for line in page.split_inclusive('\n') {
        if armed(line) {
            out.push_str(&line.replacen(':', "\\u{3a}", 1));
        } else {
            out.push_str(line);
        }
    }
    Cow::Owned(out)
}

/// [`safe`], on one line: line feeds are shown as `\n`.
pub fn safe_line(text: &str) -> Cow<'_, str> {
    if text.contains('\n') { Cow::Owned(safe(text).replace('\n', "\\n")) } else { safe(text) }
}

/// Whether a character may not reach a terminal as it is.
pub(super) fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(
            c,
            '\u{ad}'                      // soft hyphen
            | '\u{34f}'                   // combining grapheme joiner
            | '\u{61c}'                   // Arabic letter mark
            | '\u{115f}' | '\u{1160}'     // Hangul fillers
            | '\u{17b4}' | '\u{17b5}'     // Khmer inherent vowels
            | '\u{180b}'..='\u{180f}'     // Mongolian selectors and vowel separator
            | '\u{200b}'..='\u{200f}'     // zero width space and joiners, direction marks
            | '\u{2028}'..='\u{202e}'     // line and paragraph separators, direction embeddings
            | '\u{2060}'..='\u{206f}'     // word joiner, invisible operators, direction isolates
            | '\u{3164}' | '\u{ffa0}'     // Hangul fillers
            | '\u{feff}'                  // byte order mark
            | '\u{fff9}'..='\u{fffb}'     // interlinear annotation
            | '\u{1bca0}'..='\u{1bca3}'   // shorthand controls
            | '\u{1d173}'..='\u{1d17a}'   // musical controls
            | '\u{e0000}'..='\u{e0fff}'   // tags, variation selectors of the supplement
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
    fn no_line_of_a_page_is_a_command() {
        let page = "a ::b\n  ::error::c\n\u{a0}::d::\ne\n::f";
        assert_eq!(disarm(page), "a ::b\n  \\u{3a}:error::c\n\u{a0}\\u{3a}:d::\ne\n\\u{3a}:f");
        assert!(matches!(disarm("a::b\nc"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_misleads_is_shown() {
        assert_eq!(safe("\u{1b}[31mred\r"), "\\u{1b}[31mred\\u{d}");
        assert_eq!(safe("a\u{202e}b\u{200b}c\u{2066}"), "a\\u{202e}b\\u{200b}c\\u{2066}");
        assert_eq!(safe("\u{9b}2J\u{0}\u{7f}"), "\\u{9b}2J\\u{0}\\u{7f}");
        assert_eq!(safe("a##[error]b ##vso[x] ## c"), "a\\u{23}#[error]b \\u{23}#vso[x] ## c");
        assert_eq!(safe("a\tb"), "a b");
        assert_eq!(safe_line("a\nb"), "a\\nb");
    }
}
