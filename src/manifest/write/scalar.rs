//! Single values as YAML text: when a text may stand bare, and how it is quoted when not.
//!
//! Invariants: what is written reads as the same text with YAML 1.1 and with 1.2, so `NO`,
//! `12:30:45` and `2026-01-05` are quoted although one of the two would not need it; nothing invisible
//! or that changes the direction of text stands in a file, it is escaped.

use std::fmt::Write as _;

use crate::output::text::safe_line;

/// Words that some reader of YAML takes for something else than text.
const WORDS: [&str; 13] = [
    "null",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "nan",
    "inf",
    "none",
    "undefined",
];

/// A text on one line: bare where that is safe in any place, else in double quotes.
pub(super) fn inline(text: &str) -> String {
    if is_bare(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text reads as itself without quotes, in a block and between braces.
pub(super) fn is_bare(text: &str) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let plain = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | '.' | '_' | '-' | '/' | '@' | '+' | '(' | ')' | '%' | '\'' | '&')
    };
    if !(first.is_alphanumeric() || first == '/' || first == '(')
        || text.ends_with(' ')
        || !text.chars().all(plain)
        || safe_line(text) != text
    {
        return false;
    }
    if WORDS.contains(&text.to_ascii_lowercase().as_str()) {
        return false;
    }
    // A number, a time, a date in some notation: all of them are digits, points and few letters.
    let telling = |c: char| c.is_alphabetic() && !"abcdefoxtzABCDEFOXTZ".contains(c);
    !first.is_numeric() || text.chars().any(telling)
}

/// A text in double quotes, everything but plain characters escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_hidden(c) => {
                let code = u32::from(c);
                let _ = if code > 0xffff {
                    write!(out, "\\U{code:08X}")
                } else {
                    write!(out, "\\u{code:04X}")
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Whether a character cannot be seen, or turns what follows around.
fn is_hidden(c: char) -> bool {
    let mut buffer = [0; 4];
    let one: &str = c.encode_utf8(&mut buffer);
    c.is_control() || (c.is_whitespace() && c != ' ') || safe_line(one) != one
}

/// The header (`|` or `|-`) under which a text stands as a block of lines and loses nothing;
/// `None` where quotes are needed.
pub(super) fn block_header(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let fine = |line: &str| {
        !line.ends_with(' ')
            && !line.chars().any(is_hidden)
            && !line.starts_with(char::is_whitespace)
            || line.is_empty()
    };
    let indented = |line: &str| {
        !line.ends_with(' ') && !line.chars().any(is_hidden) && !line.trim().is_empty()
    };
    let mut lines = body.split('\n');
    // The first line says how far the block is indented, so it may not begin with a blank.
    let first = lines.next().filter(|l| !l.is_empty() && fine(l))?;
    if !body.contains('\n') && body.len() == text.len() || first.is_empty() || body.ends_with('\n')
    {
        return None;
    }
    lines.all(|l| fine(l) || indented(l)).then_some(if body.len() == text.len() {
        "|-"
    } else {
        "|"
    })
}

/// The text of a comment, harmless and on one line.
pub(super) fn comment(text: &str) -> String {
    let one: Vec<&str> = text.split_whitespace().collect();
    safe_line(&one.join(" ")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_texts_are_those_that_no_reader_mistakes() {
        for bare in [
            "acme.example",
            "jo@acme.example",
            "Annual SEO audit",
            "3 years",
            "SEO-A",
            "it's",
            "Åre & co",
            "/a/b",
            "(draft)",
        ] {
            assert_eq!(inline(bare), bare);
        }
        for trap in [
            "",
            " a",
            "a ",
            "NO",
            "Yes",
            "y",
            "~",
            "null",
            "1_000",
            "12:30:45",
            "2026-01-05",
            "0x1F",
            "1e3",
            "01.350000.01.00",
            "a: b",
            "a #b",
            "#a",
            "- a",
            "*a",
            "&a",
            "!a",
            "a,b",
            "[a",
            "{a",
            "a]",
            "?",
            "=",
            "<<",
            "%a",
            "@a",
            "`a",
            "\"a",
            "'a'",
            "a\u{202e}b",
            "a\u{a0}b",
            "+46",
            ".5",
            "-1",
            "---",
            "...",
            "2001-12-14T21:59:43Z",
            "a\tb",
            "²",
        ] {
            assert!(inline(trap).starts_with('"'), "{trap}");
        }
        assert_eq!(quoted("a\u{202e}\u{1d173}\n\"\\"), "\"a\\u202E\\U0001D173\\n\\\"\\\\\"");
    }

    #[test]
    fn blocks_are_for_texts_that_survive_them() {
        assert_eq!(block_header("one\n\n  two\n"), Some("|"));
        assert_eq!(block_header("one\ntwo"), Some("|-"));
        assert_eq!(block_header("one\n"), Some("|"));
        for lossy in
            ["one", " one\ntwo", "one \ntwo", "one\ntwo\n\n", "\none", "a\n\tb", "a\n \nb", ""]
        {
            assert_eq!(block_header(lossy), None, "{lossy:?}");
        }
    }

    #[test]
    fn comments_are_one_harmless_line() {
        assert_eq!(comment("a\nquote: evil\r\n\u{202e}b"), "a quote: evil \\u{202e}b");
    }
}
