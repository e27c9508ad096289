//! SalesByte: quotes that can be made and read, and nothing else.
//!
//! The map: [`mapping`] is the table of fields; [`check`] judges a manifest offline; [`wanted`]
//! and [`observed`] bring manifest and record into the same facts, and facts into a request;
//! [`steps`] turns a decision into the one [`operation`]; [`reader`] and [`writer`] speak to
//! SalesByte through two doors with two credentials. [`status`], [`value`], [`wire`] and
//! [`refusal`] are what they share.
//!
//! The one thing to know: a creation is not repeatable, may send a message, and can never be
//! corrected. A lost one is found again only by the stamp in a hidden custom field, read with a
//! token; without either, nobody but a person can tell whether it was done.

pub mod check;
mod check_native;
pub mod import;
pub mod mapping;
pub mod observed;
pub mod operation;
pub mod reader;
pub mod refusal;
pub mod status;
pub mod steps;
pub mod value;
pub mod wanted;
pub mod wire;
pub mod writer;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::desired::Quote;
use crate::facts::Facts;
use crate::failure::Diagnostic;
use crate::http::{Policy, RateLimit};
use crate::key::ConnectionName;
use crate::money::{Currency, Money};
use crate::plan::model::Change;
use crate::provider::state::{Move, State};
use crate::provider::step::{Step, Work};
use crate::provider::survey::{Sight, Survey};
use crate::provider::{BatchClass, Dialect, Mutability};

/// The hidden custom field that carries the stamp.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StampField {
    /// Its name, as a creation says it.
    pub name: String,
    /// Its label, as a read says it; `None` = one that follows from the name.
    pub label: Option<String>,
}

/// The settings of a SalesByte connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The connection.
    pub connection: ConnectionName,
    /// The quote profile, unless a quote says another.
    pub profile: Option<i64>,
    /// Where the stamp stands.
    pub stamp: Option<StampField>,
    /// The currency of SalesByte's products, as the connection tells it.
    pub currency: Option<Currency>,
    /// Whether there is a token to read with.
    pub readable: bool,
}

/// The pure half of the SalesByte adapter.
#[derive(Clone, Debug)]
pub struct SalesbyteDialect {
    settings: Settings,
}

impl SalesbyteDialect {
    /// For a connection.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

impl Dialect for SalesbyteDialect {
    fn name(&self) -> &'static str {
        "salesbyte"
    }

    fn check(&self, quote: &Quote) -> Vec<Diagnostic> {
        check::check(&self.settings, quote)
    }

    fn facts(&self, quote: &Quote, survey: &Survey) -> Result<Facts, Vec<Diagnostic>> {
        // A quote that was made before there was a stamp field can never get one.
        let unstamped = match survey.sights.get(&quote.name) {
            Some(Sight::Found(seen)) => seen.stamp.is_none(),
            _ => false,
        };
        let visible = self.settings.readable && self.settings.stamp.is_some();
        Ok(wanted::facts(&self.settings, quote, visible && !unstamped))
    }

    /// Prices are SalesByte's: nothing is known before the quote is there.
    fn total(&self, _: &Facts) -> Option<Money> {
        None
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

    fn batch(&self, step: &Step) -> BatchClass {
        if step.is_read_back() {
            BatchClass { key: "read_back".to_owned(), max: 100 }
        } else {
            BatchClass { key: "create".to_owned(), max: 1 }
        }
    }

    /// The list has no documented lag; the time is for a request that was cut off on our side and
    /// is still being worked on by SalesByte's.
    fn lag(&self) -> Duration {
        Duration::from_secs(3)
    }

    /// Only a stamp that can be read back tells whether a creation was done.
    fn proves_absence(&self) -> bool {
        self.settings.readable && self.settings.stamp.is_some()
    }

    fn mutability(&self) -> Mutability {
        Mutability::CreateOnly(
            "the old quote stays live and can still be signed: archive it in SalesByte by hand",
        )
    }

    fn import(
        &self,
        seen: &crate::provider::listing::Seen,
        blank: Quote,
    ) -> crate::provider::import::Imported {
        import::import(seen, blank)
    }

    fn noticed(&self, changes: &[Change]) -> Vec<String> {
        noticed(changes)
    }
}

/// What the customer would notice of a replacement.
fn noticed(changes: &[Change]) -> Vec<String> {
    let planned: BTreeSet<&str> =
        changes.iter().filter(|c| c.planned).map(|c| c.path.as_str()).collect();
    if planned.is_empty() {
        return Vec::new();
    }
    let mut out = vec![
        "a new quote with a new link is made; the customer's old link still works and can be signed"
            .to_owned(),
    ];
    for (paths, sentence) in [
        (&["items", "alternatives"][..], "what is offered changes, and with it the price"),
        (&["expires"], "the last day to sign changes"),
        (&["notes.public", "delivery.message"], "the text to the customer changes"),
    ] {
        if paths.iter().any(|p| planned.contains(p)) {
            out.push(sentence.to_owned());
        }
    }
    out
}

/// What SalesByte's statuses mean to the wire: nothing is documented, so plain HTTP it is.
pub fn policy() -> Policy {
    Policy::default()
}

/// SalesByte publishes no limit; this one is a courtesy.
pub fn published_limit() -> RateLimit {
    RateLimit::published(10, 1)
}

#[cfg(test)]
mod table_tests;
