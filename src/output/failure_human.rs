//! A failure for people: what happened, the details with their places, the way out.
//!
//! ```text
//! error: 2 manifests are not valid
//!   ...details, each with its line under a caret...
//!
//! hint: `proforma validate` shows just these
//! ```
//!
//! Invariants: one `error:` line however many details; no backtrace; texts are made safe.

use super::diagnostics::{self, Style};
use super::layout::{Page, plain, span};
use super::theme::{Look, Tone};
use super::wording;
use crate::failure::{Diagnostic, Failure, Kind};

/// Characters of a message.
const MOST_OF_A_MESSAGE: usize = 4_000;

/// The text for stderr.
pub fn failure_human(failure: &Failure, look: Look) -> String {
    let mut page = Page::new(look);
    let word = if failure.kind == Kind::Interrupted { "interrupted: " } else { "error: " };
    let message = wording::brief(&failure.message, MOST_OF_A_MESSAGE);
    page.flow(0, 2, &[span(word, Tone::Blocked), plain(message)]);
    let mut out = page.finish();
    out.push_str(&diagnostics_human(&failure.diagnostics, look));
    if let Some(help) = &failure.help {
        let mut page = Page::new(look);
        let help = wording::brief(help, MOST_OF_A_MESSAGE);
        page.flow(0, 2, &[span("hint: ", Tone::Adopt), plain(help)]);
        out.push('\n');
        out.push_str(&page.finish());
    }
    out
}

/// Diagnostics alone (warnings beside a plan, the outcome of `validate`); empty for none.
pub fn diagnostics_human(all: &[Diagnostic], look: Look) -> String {
    diagnostics::render(all, Style { color: look.color, width: look.width })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_happened_and_the_way_out() {
        let failure = Failure::new(Kind::Locked, "another apply holds `x`\u{1b}[2J")
            .help("wait for it, or look for a process that hangs");
        assert_eq!(
            failure_human(&failure, Look::plain(80)),
            "error: another apply holds `x`\\u{1b}[2J\n\nhint: wait for it, or look for a process that hangs\n"
        );
    }

    #[test]
    fn details_stand_between_the_error_and_the_hint() {
        let failure = Failure::new(Kind::Invalid, "1 manifest is not valid")
            .help("mend it")
            .with(vec![Diagnostic::error("unknown-key", "unknown key `titel`").help("`title`?")]);
        let text = failure_human(&failure, Look::plain(80));
        let at = |needle: &str| text.find(needle).unwrap_or_else(|| panic!("{needle}: {text}"));
        assert!(at("error: 1 manifest") < at("unknown-key"));
        assert!(at("unknown key `titel`") < at("\n\nhint: mend it"));
        let color = Look { color: true, ..Look::plain(80) };
        assert!(failure_human(&failure, color).contains("\u{1b}["));
    }
}
