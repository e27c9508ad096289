//! DealHub: headless quote generation.
//!
//! The map: [`mapping`] is the table of fields; [`wanted`] (with [`lines`] and [`opportunity`])
//! turns a manifest into request and facts at once; [`check`] judges it offline; [`observed`] brings
//! an answer into the same facts; [`steps`] turns a decision into operations ([`operation`]);
//! [`reader`] (through [`fetch`]) and [`writer`] speak to DealHub. [`status`], [`mark`], [`refusal`]
//! and [`wire`] are what they share.
//!
//! The one thing to know: each generate is billed and none can be undone, edited or deleted. So a
//! quote is always generated as a draft, read back to the last figure, and only then submitted and
//! published by steps of their own; and a generate without an answer is looked for by the mark in
//! the quote's name, never sent again on a guess.

pub mod check;
pub mod fetch;
pub mod import;
pub mod lines;
pub mod mapping;
pub mod mark;
mod native;
pub mod observed;
pub mod operation;
pub mod opportunity;
pub mod reader;
pub mod refusal;
pub mod status;
pub mod steps;
mod total;
pub mod wanted;
pub mod wire;
pub mod writer;

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::desired::Quote;
use crate::facts::{Facts, Path, Value};
use crate::failure::Diagnostic;
use crate::http::{Policy, RateLimit};
use crate::key::ConnectionName;
use crate::money::{Currency, Money};
use crate::plan::model::Change;
use crate::provider::state::{Move, State};
use crate::provider::step::{Step, Work};
use crate::provider::sums::Sums;
use crate::provider::survey::{Observed, Survey};
use crate::provider::{BatchClass, Dialect, Mutability};

/// How long a fresh quote may stay unreadable, unless the connection says otherwise.
pub const DEFAULT_VISIBILITY: Duration = Duration::from_mins(1);

/// The settings of a DealHub connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The connection.
    pub connection: ConnectionName,
    /// How long a fresh quote may stay unreadable.
    pub visibility: Duration,
}

/// The pure half of the DealHub adapter.
#[derive(Clone, Debug)]
pub struct DealhubDialect {
    settings: Settings,
}

impl DealhubDialect {
    /// For a connection.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Dialect for DealhubDialect {
    fn name(&self) -> &'static str {
        "dealhub"
    }

    fn check(&self, quote: &Quote) -> Vec<Diagnostic> {
        check::check(quote)
    }

    fn facts(&self, quote: &Quote, _: &Survey) -> Result<Facts, Vec<Diagnostic>> {
        let wanted = wanted::Wanted::of(quote);
        if wanted.sink.found.is_empty() { Ok(wanted.facts) } else { Err(wanted.sink.found) }
    }

    fn sums<'f>(&self, facts: &'f Facts) -> Option<Sums<'f>> {
        total::sums(facts)
    }

    fn total(&self, facts: &Facts) -> Option<Money> {
        let amount = facts.get(&Path::new("total")).and_then(Value::number)?;
        match facts.get(&Path::new("currency")) {
            Some(Value::Text(code)) => Some(Money { currency: Currency::parse(code)?, amount }),
            _ => None,
        }
    }

    fn transition(&self, from: Option<&State>, to: &State) -> Move {
        status::transition(from, to)
    }

    fn preparations(&self, _: &Survey, _: &[Work<'_>]) -> Vec<Step> {
        Vec::new()
    }

    fn steps(&self, work: &Work<'_>, _: &Survey) -> Vec<Step> {
        steps::steps(&self.settings, work)
    }

    /// DealHub has no batches: each step is a request of its own.
    fn batch(&self, step: &Step) -> BatchClass {
        let key = if step.creates() { "generate" } else { "act" };
        BatchClass { key: key.to_owned(), max: 1 }
    }

    fn lag(&self) -> Duration {
        self.settings.visibility
    }

    fn hides_fresh(&self) -> Option<Duration> {
        Some(self.settings.visibility).filter(|time| !time.is_zero())
    }

    fn previews(&self) -> bool {
        true
    }

    fn mutability(&self) -> Mutability {
        Mutability::CreateOnly(
            "DealHub can only generate another quote (which it bills); the old one stays as it is until somebody archives it in DealHub",
        )
    }

    fn waits_for(&self, observed: &Observed) -> Option<String> {
        reader::reviewers(&observed.facts).map(|who| format!("{who} in DealHub"))
    }

    /// Nothing of a quote that a customer sees is ever changed.
    fn import(
        &self,
        seen: &crate::provider::listing::Seen,
        blank: Quote,
    ) -> crate::provider::import::Imported {
        import::import(seen, blank)
    }

    fn noticed(&self, _: &[Change]) -> Vec<String> {
        Vec::new()
    }
}

/// What DealHub's statuses mean to the wire.
pub fn policy() -> Policy {
    fetch::policy()
}

/// DealHub publishes no limit; this one keeps a run from being taken for an attack.
pub fn published_limit() -> RateLimit {
    RateLimit::published(10, 1)
}
