//! What `fmt` did, or would do, for people.

use std::sync::Arc;

use super::layout::{Page, plain, span};
use super::text::safe_line;
use super::text_diff;
use super::theme::{Look, Tone};
use super::wording::count;
use crate::failure::SourceFile;

/// A file whose layout differs.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The file as it was.
    pub source: Arc<SourceFile>,
    /// Its text in the canonical layout.
    pub text: String,
}

/// A line a file, with the differences when more is asked for, and a line at the end.
pub fn changed_human(changed: &[Changed], all: usize, check: bool, look: Look) -> String {
    let mut page = Page::new(look);
    let verb = if check { "would change" } else { "changed" };
    for file in changed {
        let name = safe_line(&file.source.path).into_owned();
        page.flow(0, 4, &[span(verb, Tone::Update), plain(" "), span(name, Tone::Strong)]);
        if look.verbose {
            text_diff::write(&mut page, 4, &file.source.text, &file.text);
        }
    }
    let rest = all.saturating_sub(changed.len());
    let text = match (changed.len(), rest) {
        (0, _) => format!("{} in order", count(all, "file")),
        (some, rest) => format!("{} {verb}, {rest} in order", count(some, "file")),
    };
    page.flow(0, 0, &[plain(text)]);
    page.finish()
}
