//! What holds of everything that is shown: places lie in their text, no page drives a terminal,
//! every document is JSON.

use proforma::failure::{Diagnostic, Failure};
use proforma::output::diagnostics::{Style, one_line, render, to_json};
use proforma::output::failure_human::failure_human;
use proforma::output::json::{Document, failure_json};
use proforma::output::theme::Look;

/// Whether a character could mislead a reader or a terminal. Written anew, on purpose: it is what
/// the encoders are held against.
pub fn misleads(c: char) -> bool {
    let n = u32::from(c);
    (n < 0x20 && c != '\n')
        || (0x7f..0xa0).contains(&n)
        || matches!(n, 0xad | 0x61c | 0x180e | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f)
        || matches!(n, 0xfeff | 0xfff9..=0xfffb | 0xe0000..=0xe007f)
}

/// A text on its way to a terminal without colour.
#[track_caller]
pub fn page(text: &str) {
    let bad = text.chars().find(|c| misleads(*c));
    assert!(bad.is_none(), "{bad:?} reaches the terminal");
}

/// A JSON document.
#[track_caller]
pub fn document(text: &str) {
    let parsed: Result<serde_json::Value, _> = serde_json::from_str(text);
    assert!(parsed.is_ok(), "no JSON: {parsed:?}");
    page(text);
}

/// Diagnostics: each with a code, a message and a place that is in its file.
#[track_caller]
pub fn diagnostics(all: &[Diagnostic]) {
    for one in all {
        assert!(!one.code.is_empty() && !one.message.is_empty());
        if let Some(place) = &one.place {
            let text = &place.source.text;
            assert!(text.get(place.offset..place.offset + place.length).is_some(), "{one:?}");
            let before = &text[..place.offset];
            assert_eq!(place.line, before.matches('\n').count() + 1, "{one:?}");
            let line = before.rsplit('\n').next().unwrap_or_default();
            // The mark at the start of a file is no character of it.
            let marks = usize::from(place.line == 1 && line.starts_with('\u{feff}'));
            assert_eq!(place.column, line.chars().count() - marks + 1, "{one:?}");
        }
        page(&one_line(one));
        to_json(one);
    }
    // Drawing reads the source anew for every caret: a few are enough.
    page(&render(&all[..all.len().min(4)], Style::default()));
}

/// A failure: its page, its document and its details.
#[track_caller]
pub fn failure(one: &Failure) {
    diagnostics(&one.diagnostics);
    page(&failure_human(one, Look::plain(80)));
    document(&failure_json(Document::Validate, one));
}
