//! What every Markdown document of ours has: a marker, a limit, and tables that foreign text cannot
//! leave.
//!
//! The one thing to know: GitHub takes no comment above 65,536 characters and drops it whole. What
//! it calls a character is not written down, so bytes are counted, of which there are never fewer
//! than of anything else. What does not fit is counted, with the command that shows it.

use super::escape_markdown::escape_markdown;
use super::wording;
use crate::failure::{Diagnostic, Failure, Severity};

/// The most bytes of a document. Below GitHub's limit, so that a pipeline can add a line.
pub const MOST: usize = 65_000;
/// Characters of a value in a cell.
const MOST_OF_A_CELL: usize = 160;
/// Characters of a message.
const MOST_OF_A_MESSAGE: usize = 400;

/// A document that never grows above its limit.
#[derive(Debug)]
pub struct Sheet {
    out: String,
    most: usize,
}

impl Sheet {
    /// With a marker by which a pipeline finds its own comment again: `kind` and `name` are ours or
    /// a checked name, and stand in a comment of HTML.
    pub fn new(kind: &str, name: &str) -> Self {
        let name: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).collect();
        let name = name.replace("--", "-");
        Self { out: format!("<!-- proforma:{kind}:{name} -->\n"), most: MOST }
    }

    /// Adds all of a piece, or nothing of it when fewer than `reserve` bytes would be left. Says
    /// whether it did.
    pub fn push(&mut self, piece: &str, reserve: usize) -> bool {
        let fits = self.out.len() + piece.len() + reserve <= self.most;
        if fits {
            self.out.push_str(piece);
        }
        fits
    }

    /// Bytes that are left.
    pub fn left(&self) -> usize {
        self.most.saturating_sub(self.out.len())
    }

    /// The document.
    pub fn finish(mut self) -> String {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        self.out
    }
}

/// Foreign text for a cell or a line, cut.
pub fn cell(text: &str) -> String {
    escape_markdown(&wording::brief(text, MOST_OF_A_CELL))
}

/// A name of ours or a checked one as code. What is anything else becomes text.
pub fn code(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-[]#".contains(c);
    if !name.is_empty() && name.len() <= 128 && name.chars().all(plain) {
        format!("`{name}`")
    } else {
        cell(name)
    }
}

/// Diagnostics as items of a list: severity, code, place, message, the way out. What does not fit is
/// counted.
pub fn diagnostics(sheet: &mut Sheet, all: &[Diagnostic], reserve: usize) {
    let mut sorted: Vec<&Diagnostic> = all.iter().collect();
    sorted.sort_by_key(|d| d.severity);
    for (n, d) in sorted.iter().enumerate() {
        let word = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        let place = d
            .place
            .as_ref()
            .map(|p| format!(" at {}, line {}, column {}", cell(&p.source.path), p.line, p.column));
        let message = escape_markdown(&wording::brief(&d.message, MOST_OF_A_MESSAGE));
        let help = d.help.as_deref().map(|help| {
            format!("<br>hint: {}", escape_markdown(&wording::brief(help, MOST_OF_A_MESSAGE)))
        });
        let row = format!(
            "- **{word}** `{}`{}: {message}{}\n",
            d.code,
            place.unwrap_or_default(),
            help.unwrap_or_default()
        );
        if !sheet.push(&row, reserve + 120) {
            let rest = wording::count(all.len() - n, "more message");
            sheet.push(&format!("- and {rest}: `proforma validate` shows all\n"), reserve);
            return;
        }
    }
}

/// The document of a command that failed before it had anything to show.
pub fn failure_markdown(kind: &str, failure: &Failure) -> String {
    let mut sheet = Sheet::new(kind, "failure");
    let message = escape_markdown(&wording::brief(&failure.message, 2_000));
    sheet.push(&format!("### proforma: {kind} failed\n\n**error**: {message}\n\n"), 0);
    diagnostics(&mut sheet, &failure.diagnostics, 8_000);
    if let Some(help) = &failure.help {
        let help = escape_markdown(&wording::brief(help, 800));
        sheet.push(&format!("\nhint: {help}\n"), 200);
    }
    sheet.push(&format!("\nExit code {}.\n", failure.kind.exit_code()), 0);
    sheet.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn a_sheet_never_grows_above_its_limit() {
        let mut sheet = Sheet::new("plan", "a--b -->");
        assert!(sheet.out.starts_with("<!-- proforma:plan:a-b- -->\n"), "{}", sheet.out);
        while sheet.push(&"é".repeat(500), 100) {}
        assert!(sheet.left() >= 100);
        assert!(sheet.finish().len() <= MOST);
    }

    #[test]
    fn a_failure_with_ten_thousand_messages_fits_and_counts() {
        let all: Vec<Diagnostic> = (0..10_000)
            .map(|n| Diagnostic::error("unknown-key", format!("no key `{n}` @you |")).help("*x*"))
            .collect();
        let failure =
            Failure::new(Kind::Invalid, "the workspace has errors").help("mend it").with(all);
        let text = failure_markdown("plan", &failure);
        assert!(text.len() <= MOST, "{}", text.len());
        assert!(text.contains("more messages: `proforma validate` shows all"), "{text}");
        assert!(text.contains("hint: mend it") && text.contains("Exit code 10."));
        assert!(!text.contains("@you") && text.contains("<!-- proforma:plan:failure -->"));
    }

    #[test]
    fn code_is_code_or_text() {
        assert_eq!(code("items[audit].price"), "`items[audit].price`");
        assert_eq!(code("a`b"), "a\\`b");
    }
}
