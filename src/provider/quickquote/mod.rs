//! Quick Quote: quotes of a Shopify store.
//!
//! The map: [`mapping`] is the table of fields; [`check`] judges a manifest offline; [`wanted`]
//! and [`observed`] bring manifest and records into the same facts; [`steps`] turns a decision
//! into operations ([`operation`]) with the bodies of [`body`]; [`reader`] and [`writer`] speak to
//! the shop. [`status`], [`total`], [`resolve`], [`notice`] and [`wire`] are what they share.
//!
//! The one thing to know: this shop drops what it does not like and says 200. So every write is
//! read back and compared value by value, and nothing is mailed before that.

pub mod align;
pub mod body;
pub mod check;
pub mod fetch;
pub mod import;
pub mod locate;
pub mod mapping;
pub mod notice;
pub mod observed;
pub mod operation;
pub mod reader;
pub mod refusal;
pub mod resolve;
pub mod status;
pub mod steps;
pub mod total;
pub mod wanted;
pub mod wire;
pub mod writer;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::desired::Quote;
use crate::facts::Facts;
use crate::failure::Diagnostic;
use crate::http::{Policy, RateLimit};
use crate::key::{ConnectionName, RemoteId, Stamp};
use crate::money::{Currency, Money};
use crate::plan::model::Change;
use crate::provider::state::{Move, State};
use crate::provider::step::{Operation as AnyOperation, Step, Work};
use crate::provider::sums::Sums;
use crate::provider::survey::{Asked, Observed, Survey};
use crate::provider::{BatchClass, Dialect};

/// What stands before the stamp in a quote's tags.
pub const STAMP_TAG: &str = "proforma:";
/// The hidden property of a line that holds its stamp. Shopify's storefronts do not show keys
/// that begin with `_`.
pub const STAMP_KEY: &str = "_proforma";

/// The settings of a Quick Quote connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The connection.
    pub connection: ConnectionName,
    /// The shop's one currency, which the upstream never tells.
    pub currency: Option<Currency>,
}

/// What the reader learnt of the shop besides the quotes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Shop {
    /// The pairs of lines whose pairs are not what they should be, with their ids, by line.
    pub properties: BTreeMap<RemoteId, Vec<wire::Property>>,
}

/// The tag that carries a stamp.
pub fn stamp_tag(stamp: &Stamp) -> String {
    format!("{STAMP_TAG}{stamp}")
}

/// The pure half of the Quick Quote adapter.
#[derive(Clone, Debug)]
pub struct QuickquoteDialect {
    settings: Settings,
}

impl QuickquoteDialect {
    /// For a connection.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Dialect for QuickquoteDialect {
    fn name(&self) -> &'static str {
        "quickquote"
    }

    fn check(&self, quote: &Quote) -> Vec<Diagnostic> {
        check::check(&self.settings, quote)
    }

    fn check_new(&self, quote: &Quote) -> Vec<Diagnostic> {
        let mut sink = check::sink(quote);
        check::creation(&mut sink);
        sink.found
    }

    fn facts(&self, quote: &Quote, survey: &Survey) -> Result<Facts, Vec<Diagnostic>> {
        wanted::facts(quote, survey)
    }

    fn references(&self, quote: &Quote) -> BTreeMap<String, Asked> {
        resolve::references(quote)
    }

    fn sums<'f>(&self, facts: &'f Facts) -> Option<Sums<'f>> {
        total::sums(self.settings.currency, facts)
    }

    fn total(&self, facts: &Facts) -> Option<Money> {
        total::total(self.settings.currency, facts)
    }

    fn transition(&self, from: Option<&State>, to: &State) -> Move {
        status::transition(from, to)
    }

    /// Tags and hidden properties need no preparation.
    fn preparations(&self, _: &Survey, _: &[Work<'_>]) -> Vec<Step> {
        Vec::new()
    }

    fn steps(&self, work: &Work<'_>, survey: &Survey) -> Vec<Step> {
        steps::steps(work, survey)
    }

    fn batch(&self, step: &Step) -> BatchClass {
        match &step.operation {
            AnyOperation::Quickquote(operation) => operation.class(&step.id),
            _ => BatchClass { key: "read_back".to_owned(), max: 100 },
        }
    }

    /// The list is not documented to lag; the time is for a request that was cut off on our side
    /// and may still be worked on by the shop's.
    fn lag(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn restamps(&self) -> bool {
        true
    }

    fn import(
        &self,
        seen: &crate::provider::listing::Seen,
        blank: Quote,
    ) -> crate::provider::import::Imported {
        import::import(self.settings.currency, seen, blank)
    }

    fn noticed(&self, changes: &[Change]) -> Vec<String> {
        notice::noticed(changes)
    }

    fn remarks(&self, changes: &[Change], observed: &Observed) -> Vec<String> {
        notice::remarks(changes, observed)
    }
}

/// What Quick Quote's statuses mean to the wire.
pub fn policy() -> Policy {
    fetch::policy()
}

/// No limit is published; this one is careful with a service that answers slowly.
pub fn careful_limit() -> RateLimit {
    RateLimit::published(20, 1)
}

/// How long an answer may take: full pages are known to take most of a minute.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(2);

#[cfg(test)]
mod table_tests;
