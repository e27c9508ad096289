//! Foreign text on its way into Markdown: a comment on a pull request, a step summary.
//!
//! Invariants: what comes out is one run of plain text wherever it is put: in a paragraph, a list,
//! a heading or the cell of a table. No mark-up, no link, no image, no HTML, no new line of the
//! source; and on GitHub no mention of a person, no reference to an issue and no address that is
//! made into a link by itself. Characters that mislead are shown, see [`super::text`].

use super::text::safe;

/// What stands between a sign and what would give it a meaning: a space of no width, spelt out, so
/// that the document itself holds no hidden character.
const BREAK: &str = "&#8203;";

/// Signs that mean nothing to Markdown wherever they stand.
const PLAIN: [char; 5] = [',', ';', '%', '/', '?'];

/// The text as Markdown that shows just this text. Line feeds become `<br>`.
///
/// What needs no escape has none: a comment's length is limited, and prices are copied out of it.
pub fn escape_markdown(text: &str) -> String {
    let text = safe(text);
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    let mut chars = text.char_indices().peekable();
    let mut at_start = true;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let before = &text[..at];
        match c {
            '\n' => out.push_str("<br>"),
            // At the ends it would be dropped; several at the start would be a block of code.
            ' ' if at_start || next.is_none_or(|n| n == ' ' || n == '\n') => out.push_str("&#32;"),
            // As entities, since `<` after a backslash is not left alone by every reader.
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '@' | '#' | ':' => {
                out.push('\\');
                out.push(c);
                if next.is_some_and(|n| !n.is_whitespace()) {
                    out.push_str(BREAK);
                }
            }
            // `www.acme.example` and `GH-12` are links without any sign before them.
            '.' | '-' if ends_with(before, "www") || ends_with(before, "gh") => {
                out.push('\\');
                out.push(c);
                out.push_str(BREAK);
            }
            // `1. ` is a list at the start of a line; a dash at the start is a list or a rule.
            '.' | '-'
                if before.ends_with(|b: char| b.is_alphanumeric())
                    && (next.is_some_and(char::is_alphanumeric) || !only_digits(before)) =>
            {
                out.push(c);
            }
            c if c.is_ascii_punctuation() && !PLAIN.contains(&c) => {
                out.push('\\');
                out.push(c);
            }
            // `1)` at the start of a line is a list; the bracket is escaped already.
            c => out.push(c),
        }
        at_start = c == '\n' || (at_start && c == ' ');
    }
    out
}

/// Whether a text ends with an ASCII word, in capitals or not.
fn ends_with(text: &str, word: &str) -> bool {
    let bytes = text.as_bytes();
    bytes
        .len()
        .checked_sub(word.len())
        .is_some_and(|at| bytes[at..].eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether nothing but digits stands before: what follows may be the sign of a list.
fn only_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser};

    /// What a reader sees of Markdown, and how many things there are that are not text.
    fn seen(markdown: &str) -> (String, Vec<String>) {
        let (mut text, mut other) = (String::new(), Vec::new());
        for event in Parser::new_ext(markdown, Options::all()) {
            match event {
                Event::Text(t) => text.push_str(&t),
                Event::InlineHtml(html) if html.as_ref() == "<br>" => text.push('\n'),
                Event::Start(_) | Event::End(_) => {}
                odd => other.push(format!("{odd:?}")),
            }
        }
        (text.replace('\u{200b}', ""), other)
    }

    fn starts(markdown: &str) -> Vec<String> {
        Parser::new_ext(markdown, Options::all())
            .filter_map(|e| match e {
                Event::Start(tag) => Some(format!("{tag:?}")),
                _ => None,
            })
            .collect()
    }

    /// The text is one run of text in each of the places where it may be put.
    fn holds(text: &str) {
        let escaped = escape_markdown(text);
        assert!(!escaped.contains(['\n', '\r']), "{escaped:?}");
        let shown = safe(text).into_owned();
        for (before, after) in [
            ("word ", " word"),
            ("", ""),
            ("- ", ""),
            ("# ", ""),
            ("**", "**"),
            ("| a | b |\n|---|---|\n| ", " | c |\n"),
        ] {
            let plain = format!("{before}w{after}");
            let whole = format!("{before}w{escaped}w{after}");
            assert_eq!(starts(&plain), starts(&whole), "{whole:?}");
            let (seen, odd) = seen(&whole);
            assert!(odd.is_empty(), "{odd:?} in {whole:?}");
            assert!(seen.contains(&format!("w{shown}w")), "{seen:?} of {whole:?}");
        }
        // By itself on a line it opens no block.
        assert!(starts(&escaped).len() <= 1, "{:?} of {escaped:?}", starts(&escaped));
    }

    #[test]
    fn hostile_text_is_text() {
        for text in [
            "",
            " ",
            "    code",
            "a\n\nb",
            "# h",
            "- x",
            "1. x",
            "1) x",
            "> q",
            "```sh\nrm",
            "~~~",
            "`a`",
            "**b**",
            "_i_",
            "[l](javascript:x)",
            "![i](http://evil.example/p.png)",
            "[a]: b",
            "<script>alert(1)</script>",
            "<!-- -->",
            "a | b | c",
            "|---|",
            "https://evil.example",
            "www.evil.example",
            "WWW.evil.example",
            "a--b",
            "--",
            "1.5",
            "-5.00",
            "x=y",
            "jo@acme.example",
            "@everyone",
            "#12",
            "GH-12",
            "&lt;b&gt;",
            "\\",
            "a\\",
            "===",
            "---",
            "***",
            "$x^2$",
            "[^1]",
            "[ ] x",
            ":smile:",
            "{#id .class}",
            "a  ",
            "~~gone~~",
            "++",
            "\u{202e}a\u{200b}\u{1b}[31m",
            "term\n: definition",
            "%%",
            "==m==",
        ] {
            holds(text);
        }
    }

    #[test]
    fn nothing_becomes_a_link_or_a_mention_by_itself() {
        for text in ["https://a.example", "www.a.example", "a@b.example", "@jane", "#12", "GH-12"] {
            let escaped = escape_markdown(text);
            assert!(escaped.contains(BREAK), "{escaped}");
            for live in ["://", "@j", "@b", "#1", "www.", "www\\.a", "GH-1", "GH\\-1"] {
                assert!(!escaped.contains(live), "{live} in {escaped}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_text(text in "[ -~\n\u{e9}\u{202e}]{0,60}") {
            holds(&text);
        }

        #[test]
        fn any_characters_are_text(text in "\\PC{0,40}") {
            holds(&text);
        }
    }
}
