//! What a migration comes to, as values: one row a field, totals a quote, and what could not be
//! mapped.
//!
//! Invariants: rows are in the order of a manifest; an impossible quote has rows for its reasons
//! only, and no manifest. Renderers add nothing to this.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::desired::Quote;
use crate::failure::Diagnostic;
use crate::key::{ConnectionName, QuoteName};
use crate::money::Money;

/// What becomes of a field.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Outcome {
    /// The same value under the target's own word.
    Exact,
    /// Said in another way, with the same meaning and the same money.
    Converted,
    /// A number that the target cannot hold in full.
    Rounded,
    /// The nearest that the target has.
    Approximated,
    /// Kept in the manifest, never sent; it changes nothing that the customer sees.
    Local,
    /// The target cannot hold it.
    Lost,
    /// Without it the target can hold nothing of the quote.
    Impossible,
}

impl Outcome {
    /// All of them, in the order of the reports.
    pub const ALL: [Self; 7] = [
        Self::Exact,
        Self::Converted,
        Self::Rounded,
        Self::Approximated,
        Self::Local,
        Self::Lost,
        Self::Impossible,
    ];

    /// The word in reports and for `--fail-on`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Converted => "converted",
            Self::Rounded => "rounded",
            Self::Approximated => "approximated",
            Self::Local => "local",
            Self::Lost => "lost",
            Self::Impossible => "impossible",
        }
    }

    /// The outcome behind a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.word() == word)
    }
}

/// One field of one quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its path in the source's manifest, elements by key (`items[audit].price`).
    pub path: String,
    /// What becomes of it.
    pub outcome: Outcome,
    /// What the source says; `None` where the target needs something that it does not say.
    pub from: Option<String>,
    /// What the new manifest says; `None` where it says nothing.
    pub to: Option<String>,
    /// Why, in a sentence.
    pub why: Cow<'static, str>,
}

/// The totals of a quote at both ends, each by its provider's own arithmetic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Totals {
    /// At the source; `None` where it cannot be known.
    pub before: Option<Money>,
    /// At the target.
    pub after: Option<Money>,
    /// Where they differ, or one of them is unknown: why.
    pub why: Option<String>,
}

impl Totals {
    /// Whether the customer pays the same; `None` where one of the two cannot be known.
    pub fn equal(&self) -> Option<bool> {
        self.before.zip(self.after).map(|(before, after)| before == after)
    }
}

/// What became of the file of a quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// Made.
    New,
    /// Written anew: nobody had touched it.
    Renewed,
    /// As it was.
    Unchanged,
    /// Left alone: somebody edited it since.
    Edited,
    /// Left alone: the quote is recorded in the lockfile, its manifest is what counts now.
    Applied,
    /// Not written: the quote is impossible, or `--fail-on` refused.
    Nothing,
}

impl Written {
    /// The word in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Renewed => "renewed",
            Self::Unchanged => "unchanged",
            Self::Edited => "edited",
            Self::Applied => "applied",
            Self::Nothing => "nothing",
        }
    }
}

/// One quote of a migration.
#[derive(Clone, Debug)]
pub struct Moved {
    /// The source's name.
    pub quote: QuoteName,
    /// The new quote's name.
    pub target: QuoteName,
    /// The totals.
    pub totals: Totals,
    /// The fields.
    pub rows: Vec<Row>,
    /// The new quote; `None` where it is impossible.
    pub result: Option<Box<Quote>>,
    /// The file of the new manifest, below the workspace.
    pub file: Option<String>,
    /// What became of that file.
    pub written: Written,
}

impl Moved {
    /// How many of its rows end so.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|r| r.outcome == outcome).count()
    }
}

/// What an archiving comes to for one source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Archived {
    /// The source.
    pub quote: QuoteName,
    /// The state that its manifest now asks for; `None` where it was left alone.
    pub state: Option<&'static str>,
    /// Why it was left alone, or what the state does.
    pub why: String,
}

/// Names that the mapping does not know, by section (`products`).
pub type Unmapped = BTreeMap<&'static str, BTreeMap<String, String>>;

/// A whole migration.
#[derive(Clone, Debug)]
pub struct Migration {
    /// The source's connection.
    pub from: ConnectionName,
    /// The target's connection.
    pub to: ConnectionName,
    /// The quotes, by name.
    pub quotes: Vec<Moved>,
    /// What could not be mapped, with what is known of it.
    pub unmapped: Unmapped,
    /// What was archived, where that was asked.
    pub archived: Option<Vec<Archived>>,
    /// Files beside the manifests that were written (the mapping).
    pub files: Vec<String>,
    /// Things to say.
    pub diagnostics: Vec<Diagnostic>,
}

impl Migration {
    /// Rows of all quotes by outcome.
    pub fn summary(&self) -> BTreeMap<&'static str, usize> {
        let mut counts: BTreeMap<&'static str, usize> =
            Outcome::ALL.iter().map(|o| (o.word(), 0)).collect();
        for row in self.quotes.iter().flat_map(|q| &q.rows) {
            *counts.entry(row.outcome.word()).or_default() += 1;
        }
        counts
    }

    /// Quotes whose totals are equal, differ, cannot be compared, and quotes that are impossible.
    pub fn reconciled(&self) -> [usize; 4] {
        let mut counts = [0; 4];
        for quote in &self.quotes {
            let at = match (&quote.result, quote.totals.equal()) {
                (None, _) => 3,
                (_, None) => 2,
                (_, Some(false)) => 1,
                (_, Some(true)) => 0,
            };
            counts[at] += 1;
        }
        counts
    }
}
