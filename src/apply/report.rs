//! What became of an apply: one outcome a quote, and the exit code.

use std::collections::{BTreeMap, BTreeSet};

use super::canary::Verdict;
use crate::failure::{Diagnostic, Kind};
use crate::key::{ConnectionName, QuoteName, RemoteId};
use crate::plan::model::Action;
use crate::provider::Requests;
use crate::provider::step::{Effects, Trouble, TroubleKind};

/// The outcome of one quote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum QuoteOutcome {
    /// All its steps are done.
    Applied,
    /// There was nothing to do.
    Unchanged,
    /// A step failed; run again after mending.
    Failed,
    /// The plan says that it cannot be done.
    Blocked,
    /// A request's outcome is unknown.
    Unknown,
    /// Consent or somebody upstream is missing.
    Waiting,
    /// Not touched: stale, orphaned, unverifiable or interrupted.
    Skipped,
}

impl QuoteOutcome {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::Applied,
        Self::Unchanged,
        Self::Failed,
        Self::Blocked,
        Self::Unknown,
        Self::Waiting,
        Self::Skipped,
    ];

    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Waiting => "waiting",
            Self::Skipped => "skipped",
        }
    }
}

/// What became of one quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuoteReport {
    /// The quote.
    pub quote: QuoteName,
    /// Its connection.
    pub connection: ConnectionName,
    /// What the plan said.
    pub action: Action,
    /// What became of it.
    pub outcome: QuoteOutcome,
    /// Its remote id.
    pub id: Option<RemoteId>,
    /// Links for people.
    pub links: BTreeMap<String, String>,
    /// What went wrong or is missing.
    pub error: Option<Trouble>,
    /// Effects that lack consent.
    pub lacking: Effects,
    /// The quote was stale when apply looked.
    pub stale: bool,
}

/// What became of an apply.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The plan's id.
    pub plan: String,
    /// One report a quote, by name.
    pub quotes: Vec<QuoteReport>,
    /// Requests by connection, planning included.
    pub requests: BTreeMap<ConnectionName, Requests>,
    /// Seconds since the start of the apply.
    pub seconds: f64,
    /// Ctrl-C was pressed.
    pub interrupted: bool,
    /// What became of the quotes that went first, where some were to.
    pub canary: Option<Verdict>,
    /// Things to say that belong to no quote.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// How many quotes ended in an outcome.
    pub fn count(&self, outcome: QuoteOutcome) -> usize {
        self.quotes.iter().filter(|q| q.outcome == outcome).count()
    }

    /// The effects for which consent is missing.
    pub fn lacking(&self) -> Effects {
        self.quotes.iter().flat_map(|q| q.lacking.iter().copied()).collect()
    }

    /// Why the run does not end in 0, if so; where several apply, by precedence.
    pub fn kind(&self) -> Option<Kind> {
        let mut kinds = BTreeSet::new();
        if self.interrupted {
            kinds.insert(Kind::Interrupted);
        }
        for quote in &self.quotes {
            match quote.outcome {
                QuoteOutcome::Unknown => kinds.insert(Kind::Unknown),
                QuoteOutcome::Failed | QuoteOutcome::Blocked => kinds.insert(self.failed(quote)),
                QuoteOutcome::Waiting => kinds.insert(Kind::Waiting),
                QuoteOutcome::Skipped if quote.stale => kinds.insert(Kind::Stale),
                _ => false,
            };
        }
        kinds.first().copied()
    }

    /// Credentials and quota count as such only when nothing else could be done.
    fn failed(&self, quote: &QuoteReport) -> Kind {
        let idle = self.count(QuoteOutcome::Applied) == 0;
        match quote.error.as_ref().map(|e| e.kind) {
            Some(TroubleKind::Ownership) => Kind::Ownership,
            Some(TroubleKind::Overtaken) => Kind::Stale,
            Some(TroubleKind::Credentials) if idle => Kind::Credentials,
            Some(TroubleKind::Quota) if idle => Kind::Quota,
            _ => Kind::Partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[(QuoteOutcome, Option<TroubleKind>)]) -> Report {
        let quotes = outcomes
            .iter()
            .enumerate()
            .map(|(i, (outcome, trouble))| QuoteReport {
                quote: QuoteName::parse(&format!("q{i}")).unwrap(),
                connection: ConnectionName::parse("crm").unwrap(),
                action: Action::Update,
                outcome: *outcome,
                id: None,
                links: BTreeMap::new(),
                error: trouble.map(|kind| Trouble::new(kind, "x")),
                lacking: Effects::new(),
                stale: *outcome == QuoteOutcome::Skipped,
            })
            .collect();
        Report { quotes, ..Report::default() }
    }

    #[test]
    fn the_exit_code_follows_the_precedence() {
        use QuoteOutcome::{Applied, Failed, Skipped, Unchanged, Unknown, Waiting};
        use TroubleKind::{Credentials, Ownership, Quota, Refused};
        let code = |r: Report| r.kind().map_or(0, Kind::exit_code);
        assert_eq!(code(report(&[(Applied, None), (Unchanged, None)])), 0);
        assert_eq!(code(report(&[(Failed, Some(Refused)), (Waiting, None)])), 5);
        assert_eq!(code(report(&[(Failed, Some(Ownership)), (Failed, Some(Refused))])), 11);
        assert_eq!(code(report(&[(Unknown, None), (Failed, Some(Ownership))])), 6);
        assert_eq!(code(report(&[(Failed, Some(Credentials)), (Unchanged, None)])), 8);
        assert_eq!(code(report(&[(Failed, Some(Credentials)), (Applied, None)])), 5);
        assert_eq!(code(report(&[(Failed, Some(Quota))])), 9);
        assert_eq!(code(report(&[(Skipped, None), (Waiting, None)])), 4);
        assert_eq!(code(report(&[(Waiting, None)])), 12);
        let mut cut = report(&[(Unknown, None)]);
        cut.interrupted = true;
        assert_eq!(code(cut), 130);
    }
}
