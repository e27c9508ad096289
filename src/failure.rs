//! What can go wrong, and the exit code it ends in.
//!
//! Purpose: one funnel from every kind of failure to an exit code, and one shape ([`Diagnostic`])
//! for what a user can fix, with its place in a file.
//!
//! Invariants: codes are stable, kebab-case and listed in the docs; a diagnostic about a file has
//! line and column (both from 1) and the byte span that goes under the caret.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a run did not end in 0. The order is the precedence when several apply (lowest wins).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// Ctrl-C.
    Interrupted,
    /// The outcome of a request is unknown and could not be settled.
    Unknown,
    /// A remote object carries another owner's stamp.
    Ownership,
    /// Another apply holds the workspace lock.
    Locked,
    /// Manifest, workspace, lockfile or usage is invalid.
    Invalid,
    /// A guardrail refused.
    Guardrail,
    /// Some quotes failed or are blocked.
    Partial,
    /// The plan is stale or spent.
    Stale,
    /// Waiting for consent or for somebody upstream.
    Waiting,
    /// Credentials were refused and nothing else could be done.
    Credentials,
    /// The account's quota is exhausted and nothing else could be done.
    Quota,
    /// Changes are pending (`--detailed-exitcode`).
    Pending,
    /// Anything else.
    Other,
}

impl Kind {
    /// The process exit code (contract: "Exit codes").
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Pending => 2,
            Self::Guardrail => 3,
            Self::Stale => 4,
            Self::Partial => 5,
            Self::Unknown => 6,
            Self::Locked => 7,
            Self::Credentials => 8,
            Self::Quota => 9,
            Self::Invalid => 10,
            Self::Ownership => 11,
            Self::Waiting => 12,
            Self::Interrupted => 130,
        }
    }

    /// A stable word for it, as the code of a failure without details.
    pub fn code(self) -> &'static str {
        match self {
            Self::Interrupted => "interrupted",
            Self::Unknown => "unknown-outcome",
            Self::Ownership => "ownership",
            Self::Locked => "locked",
            Self::Invalid => "invalid",
            Self::Guardrail => "guardrail",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Waiting => "waiting",
            Self::Credentials => "credentials",
            Self::Quota => "quota",
            Self::Pending => "pending",
            Self::Other => "failed",
        }
    }
}

/// How serious a diagnostic is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can go on for the thing named.
    Error,
    /// Worth a look, not in the way.
    Warning,
    /// Said for completeness.
    Note,
}

/// A file that was read, kept for carets.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The path as shown: relative to the workspace, with `/`.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({})", self.path)
    }
}

/// A place in a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file.
    pub source: Arc<SourceFile>,
    /// Byte offset of the offending text.
    pub offset: usize,
    /// Its length in bytes (0 points between characters).
    pub length: usize,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// The column behind a text that starts at the start of a file: editors do not count the mark
/// (BOM) that may open it.
pub fn column_after(before: &str) -> usize {
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    before.rsplit('\n').next().unwrap_or_default().chars().count() + 1
}

/// Something a user should know about one thing they wrote, or that the upstream answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    /// How serious it is.
    pub severity: Severity,
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What is wrong, one sentence, lower case, no full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// The way out.
    pub help: Option<String>,
    /// The path in the manifest that it is about (`items[0].price`), where a provider says it.
    pub path: Option<String>,
    /// The quote concerned.
    pub quote: Option<crate::key::QuoteName>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// A warning.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Something worth knowing that needs no hand.
    pub fn note(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            place: None,
            help: None,
            path: None,
            quote: None,
        }
    }

    /// With a place.
    #[must_use]
    pub fn at(mut self, place: Option<Place>) -> Self {
        self.place = place;
        self
    }

    /// With the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// About a quote.
    #[must_use]
    pub fn about(mut self, quote: &crate::key::QuoteName) -> Self {
        self.quote = Some(quote.clone());
        self
    }
}

/// A failure that ends a command.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// What happened.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Details with places, errors first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Failure {
    /// A failure of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), help: None, diagnostics: Vec::new() }
    }

    /// With the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With details.
    #[must_use]
    pub fn with(mut self, diagnostics: Vec<Diagnostic>) -> Self {
        self.diagnostics = diagnostics;
        self
    }
}
