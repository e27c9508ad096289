//! What `status` found: each quote as it is desired, recorded and observed.
//!
//! Invariant: the page and the document are drawn from the same rows, one for each quote that the
//! run looked at.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::{document, lines};
use super::plan_json::{ChangeDocument, change};
use super::wording::with_digits;
use crate::failure::Diagnostic;
use crate::key::ConnectionName;
use crate::money::{Currency, Money};
use crate::plan::model::Change;
use crate::provider::Requests;

/// How the three compare.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verdict {
    /// All as desired.
    InSync,
    /// The manifest is new: nothing is upstream yet.
    New,
    /// The manifest changed since the last apply.
    Changed,
    /// Somebody else changed it upstream.
    Drift,
    /// It is upstream with our stamp, and the lockfile does not know it.
    Unrecorded,
    /// It is recorded, and gone upstream.
    Gone,
    /// It is recorded, and its manifest is gone.
    Orphaned,
    /// Something is in the way; the reason says what.
    Blocked,
    /// The upstream tells nothing.
    Unverifiable,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::InSync,
        Self::New,
        Self::Changed,
        Self::Drift,
        Self::Unrecorded,
        Self::Gone,
        Self::Orphaned,
        Self::Blocked,
        Self::Unverifiable,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::InSync => "in_sync",
            Self::New => "new",
            Self::Changed => "changed",
            Self::Drift => "drift",
            Self::Unrecorded => "unrecorded",
            Self::Gone => "gone",
            Self::Orphaned => "orphaned",
            Self::Blocked => "blocked",
            Self::Unverifiable => "unverifiable",
        }
    }
}

/// One of the three sides.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Side {
    /// The remote id; the manifest has none.
    pub id: Option<String>,
    /// The neutral state word.
    pub state: Option<String>,
    /// The total.
    pub total: Option<Money>,
}

/// One quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its name.
    pub quote: String,
    /// Its connection.
    pub connection: String,
    /// Its provider.
    pub provider: String,
    /// Its title.
    pub title: Option<String>,
    /// How the three compare.
    pub verdict: Verdict,
    /// Why, where the verdict does not say it.
    pub reason: Option<String>,
    /// The way out.
    pub help: Option<String>,
    /// What the manifest says.
    pub desired: Option<Side>,
    /// What the lockfile says.
    pub recorded: Option<Side>,
    /// How many runs changed the entry, and how often the quote was replaced.
    pub ages: (u64, u32),
    /// What the upstream answers.
    pub observed: Option<Side>,
    /// What differs.
    pub changes: Vec<Change>,
    /// Web addresses by what they show.
    pub links: BTreeMap<String, String>,
}

impl Row {
    /// The currency of its money.
    pub(super) fn currency(&self) -> Option<Currency> {
        let sides = [&self.observed, &self.desired, &self.recorded];
        sides.into_iter().flatten().find_map(|s| s.total).map(|m| m.currency)
    }
}

/// All quotes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The workspace.
    pub workspace: String,
    /// The quotes, by name.
    pub rows: Vec<Row>,
    /// Requests sent, a connection.
    pub requests: BTreeMap<ConnectionName, Requests>,
}

impl Status {
    /// How many quotes have a verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows.iter().filter(|r| r.verdict == verdict).count()
    }
}

#[derive(Serialize)]
struct StatusDocument<'a> {
    format: u32,
    kind: &'static str,
    workspace: &'a str,
    summary: BTreeMap<&'static str, usize>,
    requests: &'a BTreeMap<ConnectionName, Requests>,
    quotes: Vec<RowDocument<'a>>,
    diagnostics: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct RowDocument<'a> {
    quote: &'a str,
    connection: &'a str,
    provider: &'a str,
    title: Option<&'a str>,
    verdict: &'static str,
    reason: Option<&'a str>,
    help: Option<&'a str>,
    desired: Option<SideDocument<'a>>,
    recorded: Option<RecordedDocument<'a>>,
    observed: Option<ObservedDocument<'a>>,
    changes: Vec<ChangeDocument<'a>>,
    links: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct SideDocument<'a> {
    state: Option<&'a str>,
    total: Option<Money>,
}

#[derive(Serialize)]
struct RecordedDocument<'a> {
    id: Option<&'a str>,
    state: Option<&'a str>,
    total: Option<Money>,
    generation: u64,
    revision: u32,
}

#[derive(Serialize)]
struct ObservedDocument<'a> {
    id: Option<&'a str>,
    state: Option<&'a str>,
    total: Option<Money>,
}

/// The document of `status`.
pub fn status_json(status: &Status, diagnostics: &[Diagnostic]) -> String {
    document(&StatusDocument {
        format: 1,
        kind: "status",
        workspace: &status.workspace,
        summary: Verdict::ALL.map(|v| (v.word(), status.count(v))).into(),
        requests: &status.requests,
        quotes: status.rows.iter().map(row).collect(),
        diagnostics: lines(diagnostics),
    })
}

fn total(side: &Side) -> Option<Money> {
    side.total.map(|m| Money { amount: with_digits(m.amount, Some(m.currency)), ..m })
}

fn row(row: &Row) -> RowDocument<'_> {
    let currency = row.currency();
    RowDocument {
        quote: &row.quote,
        connection: &row.connection,
        provider: &row.provider,
        title: row.title.as_deref(),
        verdict: row.verdict.word(),
        reason: row.reason.as_deref(),
        help: row.help.as_deref(),
        desired: row
            .desired
            .as_ref()
            .map(|s| SideDocument { state: s.state.as_deref(), total: total(s) }),
        recorded: row.recorded.as_ref().map(|s| RecordedDocument {
            id: s.id.as_deref(),
            state: s.state.as_deref(),
            total: total(s),
            generation: row.ages.0,
            revision: row.ages.1,
        }),
        observed: row.observed.as_ref().map(|s| ObservedDocument {
            id: s.id.as_deref(),
            state: s.state.as_deref(),
            total: total(s),
        }),
        changes: row.changes.iter().map(|c| change(c, currency)).collect(),
        links: &row.links,
    }
}
