//! What an import did: for people, and as a document.
//!
//! Invariant: every quote that was listed is counted once, so the counts of the summary add up to
//! `listed`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::diagnostics::{one_line, to_json};
use super::json::document;
use super::text::safe;
use crate::failure::{Diagnostic, Failure, Severity};
use crate::money::Money;
use crate::provider::Requests;

/// How many quotes of which sort.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct ImportCounts {
    /// Quotes that the upstream listed, each once.
    pub listed: usize,
    /// New manifests.
    pub imported: usize,
    /// Known to the lockfile, or stamped by a manifest that is here.
    pub known: usize,
    /// Left out by a filter.
    pub filtered: usize,
    /// Not imported, with a reason.
    pub refused: usize,
    /// Gone between the list and the look.
    pub vanished: usize,
    /// New products of the catalog.
    pub products: usize,
    /// Quotes that got a stamp (`--stamp`).
    pub stamped: usize,
    /// Values that manifests do not hold; each stands in a comment.
    pub notes: usize,
}

/// One quote of the report.
#[derive(Clone, Debug, Serialize)]
pub struct ImportLine {
    /// Its name, where it was imported.
    pub quote: Option<String>,
    /// Its id upstream.
    pub id: String,
    /// `imported`, `refused` or `vanished`.
    pub outcome: &'static str,
    /// Its manifest.
    pub file: Option<String>,
    /// Its state upstream.
    pub state: Option<String>,
    /// Its total upstream.
    pub total: Option<Money>,
    /// Links for people.
    pub links: BTreeMap<String, String>,
    /// What its manifest does not hold.
    pub notes: Vec<String>,
    /// Why it was not imported.
    pub reason: Option<String>,
}

/// All of an import.
#[derive(Debug)]
pub struct ImportReport {
    /// The workspace.
    pub workspace: String,
    /// The connection.
    pub connection: String,
    /// Its provider.
    pub provider: &'static str,
    /// The counts.
    pub counts: ImportCounts,
    /// A line a quote; kept for the document alone.
    pub lines: Vec<ImportLine>,
    /// What is wrong or worth knowing.
    pub diagnostics: Vec<Diagnostic>,
    /// Requests that were sent.
    pub requests: Requests,
    /// How long it took.
    pub seconds: f64,
    /// What ended it early.
    pub failure: Option<Failure>,
}

#[derive(Serialize)]
struct FailureLine<'a> {
    exit_code: u8,
    message: &'a str,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct Page<'a> {
    format: u32,
    kind: &'static str,
    workspace: &'a str,
    connection: &'a str,
    provider: &'a str,
    summary: ImportCounts,
    quotes: &'a [ImportLine],
    requests: BTreeMap<&'a str, Requests>,
    seconds: f64,
    diagnostics: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureLine<'a>>,
}

/// The document.
pub fn import_json(report: &ImportReport) -> String {
    document(&Page {
        format: 1,
        kind: "import",
        workspace: &report.workspace,
        connection: &report.connection,
        provider: report.provider,
        summary: report.counts,
        quotes: &report.lines,
        requests: BTreeMap::from([(report.connection.as_str(), report.requests)]),
        seconds: report.seconds,
        diagnostics: report.diagnostics.iter().map(to_json).collect(),
        failure: report.failure.as_ref().map(|f| FailureLine {
            exit_code: f.kind.exit_code(),
            message: &f.message,
            help: f.help.as_deref(),
        }),
    })
}

/// The summary for people; `program` is what they typed before the command.
pub fn import_human(report: &ImportReport, program: &str) -> String {
    let mut text = String::new();
    let c = report.counts;
    for problem in report.diagnostics.iter().filter(|d| d.severity == Severity::Error) {
        let _ = writeln!(text, "{}", safe(&one_line(problem)));
    }
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    let _ = writeln!(
        text,
        "{}: {} quote{} listed, {} imported",
        safe(&report.connection),
        c.listed,
        plural(c.listed),
        c.imported
    );
    for (count, what) in [
        (c.known, "known already"),
        (c.filtered, "left out by the filters"),
        (c.refused, "not imported, see above"),
        (c.vanished, "vanished while it was read"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "  {count} {what}");
        }
    }
    if c.stamped > 0 {
        let _ = writeln!(text, "  {} stamped upstream", c.stamped);
    }
    let bare = report.diagnostics.iter().filter(|d| d.code == "import-not-stamped").count();
    if bare > 0 {
        let _ = writeln!(text, "  {bare} without a stamp: `--format json` says why of each");
    }
    if c.products > 0 {
        let _ = writeln!(text, "  {} product{} for the catalog", c.products, plural(c.products));
    }
    if c.notes > 0 {
        let _ = writeln!(
            text,
            "  {} value{} that no manifest holds: each stands in a comment",
            c.notes,
            plural(c.notes)
        );
    }
    if c.imported > 0 {
        let _ = writeln!(text, "next: `{program} plan` shows that nothing would change");
    }
    text
}
