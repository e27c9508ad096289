//! JSON documents: valid whatever happens, and harmless on a terminal.
//!
//! Invariants: one document, one line feed at its end. Characters that could act on a terminal or
//! hide text (controls, bidi, zero-width) are written as `\uXXXX`: the data is the same, the
//! bytes are tame. `serde_json` does so only for the controls below U+0020.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::diagnostics::to_json;
use super::text::{is_unsafe, starts_command};
use crate::failure::{Diagnostic, Failure, Severity};
use crate::provider::Requests;

/// The kinds of documents that a failing command still owes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Document {
    /// Of `plan`.
    Plan,
    /// Of `apply`.
    Apply,
    /// Of `validate`.
    Validate,
    /// Of `migrate`.
    Migration,
    /// Of a command whose document has no keys that a failure must fill, by its `kind`.
    Other(&'static str),
}

impl Document {
    /// The kind as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Validate => "validate",
            Self::Migration => "migration",
            Self::Other(kind) => kind,
        }
    }
}

/// Diagnostics in JSON.
pub(super) fn lines(diagnostics: &[Diagnostic]) -> Vec<serde_json::Value> {
    diagnostics.iter().map(to_json).collect()
}

/// What ended a command, in JSON.
#[derive(Serialize)]
pub(super) struct FailureLine<'a> {
    code: &'static str,
    exit_code: u8,
    message: &'a str,
    help: Option<&'a str>,
}

#[derive(Serialize)]
struct FailedPlan<'a> {
    format: u32,
    kind: &'static str,
    id: Option<&'a str>,
    workspace: Option<&'a str>,
    summary: BTreeMap<&'static str, usize>,
    money: [(); 0],
    requests: BTreeMap<&'a str, Requests>,
    consent: [(); 0],
    quotes: [(); 0],
    diagnostics: Vec<serde_json::Value>,
    failure: FailureLine<'a>,
}

#[derive(Serialize)]
struct FailedApply<'a> {
    format: u32,
    kind: &'static str,
    plan: Option<&'a str>,
    summary: BTreeMap<&'static str, usize>,
    quotes: [(); 0],
    requests: BTreeMap<&'a str, Requests>,
    seconds: f64,
    diagnostics: Vec<serde_json::Value>,
    failure: FailureLine<'a>,
}

#[derive(Serialize)]
struct FailedMigration<'a> {
    format: u32,
    kind: &'static str,
    from: Option<&'a str>,
    to: Option<&'a str>,
    summary: BTreeMap<&'static str, usize>,
    quotes: [(); 0],
    unmapped: BTreeMap<&'static str, [(); 0]>,
    diagnostics: Vec<serde_json::Value>,
    failure: FailureLine<'a>,
}

#[derive(Serialize)]
struct FailedOther<'a> {
    format: u32,
    kind: &'static str,
    diagnostics: Vec<serde_json::Value>,
    failure: FailureLine<'a>,
}

/// What `validate` counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Files read.
    pub files: usize,
    /// Quotes found.
    pub quotes: usize,
    /// Products found.
    pub products: usize,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    quotes: usize,
    products: usize,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct Validation<'a> {
    format: u32,
    kind: &'static str,
    summary: Summary,
    diagnostics: Vec<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<FailureLine<'a>>,
}

/// The document of `validate`.
pub fn validate_json(counts: Counts, diagnostics: &[Diagnostic]) -> String {
    validation(counts, diagnostics, None)
}

fn validation(
    counts: Counts,
    diagnostics: &[Diagnostic],
    failure: Option<FailureLine<'_>>,
) -> String {
    let how_many = |severity| diagnostics.iter().filter(|d| d.severity == severity).count();
    document(&Validation {
        format: 1,
        kind: "validate",
        summary: Summary {
            files: counts.files,
            quotes: counts.quotes,
            products: counts.products,
            errors: how_many(Severity::Error),
            warnings: how_many(Severity::Warning),
        },
        diagnostics: lines(diagnostics),
        failure,
    })
}

/// The document of a command that failed before it had anything to show: the usual keys with
/// nothing in them, the diagnostics, and `failure`.
pub fn failure_json(kind: Document, failure: &Failure) -> String {
    // A failure without details is its own detail, so that a reader of `diagnostics` sees it.
    let own = [Diagnostic {
        help: failure.help.clone(),
        ..Diagnostic::error(failure.kind.code(), failure.message.clone())
    }];
    let details: &[Diagnostic] =
        if failure.diagnostics.is_empty() { &own } else { &failure.diagnostics };
    let line = FailureLine {
        code: failure.kind.code(),
        exit_code: failure.kind.exit_code(),
        message: &failure.message,
        help: failure.help.as_deref(),
    };
    match kind {
        Document::Plan => document(&FailedPlan {
            format: 1,
            kind: "plan",
            id: None,
            workspace: None,
            summary: crate::plan::model::Action::ALL.map(|a| (a.word(), 0)).into(),
            money: [],
            requests: BTreeMap::new(),
            consent: [],
            quotes: [],
            diagnostics: lines(details),
            failure: line,
        }),
        Document::Apply => document(&FailedApply {
            format: 1,
            kind: "apply",
            plan: None,
            summary: crate::apply::report::QuoteOutcome::ALL.map(|o| (o.word(), 0)).into(),
            quotes: [],
            requests: BTreeMap::new(),
            seconds: 0.0,
            diagnostics: lines(details),
            failure: line,
        }),
        Document::Validate => validation(Counts::default(), details, Some(line)),
        Document::Migration => document(&FailedMigration {
            format: 1,
            kind: "migration",
            from: None,
            to: None,
            summary: crate::migrate::report::Outcome::ALL.map(|o| (o.word(), 0)).into(),
            quotes: [],
            unmapped: ["customers", "owners", "products"].map(|s| (s, [])).into(),
            diagnostics: lines(details),
            failure: line,
        }),
        Document::Other(kind) => {
            document(&FailedOther { format: 1, kind, diagnostics: lines(details), failure: line })
        }
    }
}

/// A value as a whole document.
pub fn document<T: Serialize>(value: &T) -> String {
    let mut text = match serde_json::to_string_pretty(value) {
        Ok(text) => tame(&text),
        // Our own types serialise; should one ever not, stdout still owes a document.
        Err(error) => tame(
            &serde_json::json!({ "format": 1, "kind": "error", "message": error.to_string() })
                .to_string(),
        ),
    };
    text.push('\n');
    text
}

/// A value as one line, without the line feed.
pub fn line<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value).map(|text| tame(&text))
}

/// Writes what could act on a terminal as `\uXXXX`. Such characters can stand only inside strings
/// of a JSON text, so that the result is JSON again.
pub(super) fn tame(json: &str) -> String {
    if json.is_ascii() && !json.contains('\u{7f}') && !json.contains("##") {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len());
    let mut rest = json.chars();
    while let Some(c) = rest.next() {
        // A build service takes `##[` for a command inside a JSON document just as well.
        if is_wild(c) || starts_command(c, rest.as_str()) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// What the door for people would not let pass as it is. Line feeds stand between JSON tokens.
fn is_wild(c: char) -> bool {
    c != '\n' && is_unsafe(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn hostile_text_is_tame_and_comes_back_the_same() {
        let text = "a\u{1b}[31m\u{9b}b\u{202e}c\u{200b}\u{e0041}\"\\\n漢";
        let json = line(&text).unwrap();
        assert!(json.chars().all(|c| !c.is_control() && !is_wild(c)), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

    #[test]
    fn a_failure_is_a_whole_document_of_its_kind() {
        let failure = Failure::new(Kind::Credentials, "401 \u{1b}]0;x").help("renew the token");
        for (kind, word) in
            [(Document::Plan, "plan"), (Document::Apply, "apply"), (Document::Validate, "validate")]
        {
            let text = failure_json(kind, &failure);
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["format"], 1);
            assert_eq!(json["kind"], word);
            assert_eq!(json["failure"]["exit_code"], 8);
            assert_eq!(json["diagnostics"][0]["severity"], "error");
            assert_eq!(json["diagnostics"][0]["message"], "401 \u{1b}]0;x");
            assert_eq!(json["diagnostics"][0]["help"], "renew the token");
            assert!(json["summary"].is_object());
            if word != "validate" {
                assert_eq!(json["quotes"], serde_json::json!([]));
            }
        }
    }

    #[test]
    fn validation_counts_by_severity() {
        let all = [Diagnostic::error("a", "x"), Diagnostic::warning("b", "y")];
        let counts = Counts { files: 2, quotes: 3, products: 1 };
        let json: serde_json::Value = serde_json::from_str(&validate_json(counts, &all)).unwrap();
        assert_eq!(
            json["summary"],
            serde_json::json!({"files": 2, "quotes": 3, "products": 1, "errors": 1, "warnings": 1})
        );
        assert!(json.get("failure").is_none());
    }
}
