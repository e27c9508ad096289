//! Workflow commands that GitHub Actions turns into annotations, one a line:
//! `::error file=quotes/a.yaml,line=7,col=3,title=unknown-key::message`.
//!
//! Invariants: paths are relative to the root of the checkout; every line is one command of ours,
//! see [`super::escape_workflow`]. GitHub shows ten errors and ten warnings of a step and keeps the
//! rest in its log: the gravest come first, and the last line counts them all.

use std::fmt::Write as _;

use super::escape_workflow::{escape_workflow_data, escape_workflow_property};
use super::sarif::joined;
use super::wording;
use crate::failure::{Diagnostic, Failure, Severity};

/// Characters of a message: the runner keeps its log in memory.
const MOST_OF_A_MESSAGE: usize = 4_000;

/// The commands of these findings, and a last one that sums up.
pub fn annotations(findings: &[Diagnostic], prefix: &str, summary: &str) -> String {
    let mut out = String::new();
    for finding in findings {
        let word = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let mut message = wording::brief(&finding.message, MOST_OF_A_MESSAGE);
        if let Some(help) = &finding.help {
            message.push_str("\nhint: ");
            message.push_str(&wording::brief(help, MOST_OF_A_MESSAGE));
        }
        let _ = write!(out, "::{word} ");
        if let Some(place) = &finding.place {
            let file = escape_workflow_property(&joined(prefix, &place.source.path));
            let _ = write!(out, "file={file},line={},col={},", place.line, place.column);
        }
        let title = match &finding.quote {
            Some(quote) => format!("{} ({quote})", finding.code),
            None => finding.code.to_owned(),
        };
        let title = escape_workflow_property(&title);
        let _ = writeln!(out, "title={title}::{}", escape_workflow_data(&message));
    }
    let summary = escape_workflow_data(summary);
    let _ = writeln!(out, "::notice title=proforma::{summary}");
    out
}

/// The commands of a command that failed.
pub fn failure_annotations(failure: &Failure, prefix: &str) -> String {
    let own = Diagnostic {
        help: failure.help.clone(),
        ..Diagnostic::error(failure.kind.code(), failure.message.clone())
    };
    let mut all = vec![own];
    all.extend(failure.diagnostics.iter().cloned());
    let summary = format!("failed with exit code {}", failure.kind.exit_code());
    annotations(&all, prefix, &summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_one_command() {
        let name = crate::key::QuoteName::parse("a").unwrap();
        let all = [
            Diagnostic::error("x", "one\n::error::two").help("100%").about(&name),
            Diagnostic::warning("y", "w"),
        ];
        assert_eq!(
            annotations(&all, "", "1 to create"),
            "::error title=x (a)::one%0A::error::two%0Ahint: 100%25\n\
             ::warning title=y::w\n\
             ::notice title=proforma::1 to create\n"
        );
    }
}
