//! HubSpot: CRM quotes, legacy and CPQ.
//!
//! The map: [`mapping`] is the table of fields; [`check`] judges a manifest offline; [`wanted`]
//! and [`observed`] bring manifest and records into the same facts; [`steps`] turns a decision
//! into operations ([`operation`]); [`reader`] and [`writer`] speak to HubSpot. [`status`],
//! [`total`], [`value`], [`properties`] and [`portal`] are what they share.
//!
//! The one thing to know: a quote record is made first, and each of its parts is made with its
//! link to the quote, so that nothing is ever orphaned and everything can be found again by a
//! unique value or through the links of a known record, never by HubSpot's search, which lags.

pub mod browse;
pub mod check;
mod edits;
pub mod fetch;
pub mod import;
pub mod locate;
pub mod lookup;
pub mod mapping;
pub mod native;
mod near;
pub mod notice;
pub mod observed;
pub mod operation;
pub mod portal;
pub mod properties;
pub mod reader;
pub mod refusal;
pub mod resolve;
pub mod status;
pub mod steps;
pub mod total;
pub mod value;
mod verdict;
pub mod wanted;
pub mod wire;
pub mod writer;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::desired::Quote;
use crate::facts::{Facts, Path};
use crate::failure::Diagnostic;
use crate::http::{Class, Policy, RateLimit};
use crate::key::ConnectionName;
use crate::money::Money;
use crate::plan::model::Change;
use crate::provider::state::{Move, State};
use crate::provider::step::{Operation as AnyOperation, Step, Work};
use crate::provider::sums::Sums;
use crate::provider::survey::{Asked, Survey};
use crate::provider::{BatchClass, Dialect};

/// Which of HubSpot's two quote systems a connection uses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum QuoteSystem {
    /// Customisable quote templates.
    #[default]
    Legacy,
    /// CPQ quotes ("Revenue Hub").
    Cpq,
}

/// Where the stamp of a quote stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StampPlace {
    /// In a text property of quotes, line items and adjustments.
    Property(String),
    /// In the quote's `hs_slug`; its parts carry none.
    Slug,
}

impl StampPlace {
    /// The property of a quote that holds its stamp.
    pub fn property(&self) -> &str {
        match self {
            Self::Property(name) => name,
            Self::Slug => "hs_slug",
        }
    }
}

/// The settings of a HubSpot connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The connection.
    pub connection: ConnectionName,
    /// The quote system.
    pub system: QuoteSystem,
    /// Where the stamp stands.
    pub stamp: StampPlace,
}

/// The pure half of the HubSpot adapter.
#[derive(Clone, Debug)]
pub struct HubspotDialect {
    settings: Settings,
}

impl HubspotDialect {
    /// For a connection.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }

    /// Its settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
}

impl Dialect for HubspotDialect {
    fn name(&self) -> &'static str {
        "hubspot"
    }

    fn check(&self, quote: &Quote) -> Vec<Diagnostic> {
        check::check(&self.settings, quote)
    }

    fn check_new(&self, quote: &Quote) -> Vec<Diagnostic> {
        let mut sink = check::sink(quote);
        check::creation(&self.settings, &mut sink);
        sink.found
    }

    fn facts(&self, quote: &Quote, survey: &Survey) -> Result<Facts, Vec<Diagnostic>> {
        wanted::facts(&self.settings, quote, survey)
    }

    fn references(&self, quote: &Quote) -> BTreeMap<String, Asked> {
        resolve::references(quote)
    }

    /// Native values take the type of the portal's property, and the currency of lines may be the
    /// deal's.
    fn form_is_upstream(&self, path: &Path) -> bool {
        let text = path.as_str();
        let of_line = path.list() == Some("items") && path.field() == "currency";
        text.starts_with("fields[") || text.contains("hubspot.") || of_line
    }

    fn sums<'f>(&self, facts: &'f Facts) -> Option<Sums<'f>> {
        total::sums(facts)
    }

    fn total(&self, facts: &Facts) -> Option<Money> {
        total::total(facts)
    }

    fn transition(&self, from: Option<&State>, to: &State) -> Move {
        status::transition(from, to)
    }

    fn preparations(&self, survey: &Survey, work: &[Work<'_>]) -> Vec<Step> {
        steps::preparations(&self.settings, survey, work)
    }

    fn steps(&self, work: &Work<'_>, survey: &Survey) -> Vec<Step> {
        steps::steps(&self.settings, work, survey)
    }

    fn batch(&self, step: &Step) -> BatchClass {
        match &step.operation {
            AnyOperation::Hubspot(operation) => {
                BatchClass { key: operation.class(), max: operation.max() }
            }
            _ => BatchClass { key: "read_back".to_owned(), max: 100 },
        }
    }

    /// Reads by unique value and through links have no documented lag; the time is for a request
    /// that was cut off on our side and may still be worked on by HubSpot's.
    fn lag(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn restamps(&self) -> bool {
        matches!(self.settings.stamp, StampPlace::Property(_))
    }

    fn import(
        &self,
        seen: &crate::provider::listing::Seen,
        blank: Quote,
    ) -> crate::provider::import::Imported {
        import::import(seen, blank)
    }

    fn noticed(&self, changes: &[Change]) -> Vec<String> {
        notice::noticed(changes)
    }
}

/// What HubSpot's statuses, limits and headers mean to the wire.
pub fn policy() -> Policy {
    fetch::policy()
}

/// The limit of a private app that HubSpot publishes for Professional and Enterprise accounts; the
/// answers' headers teach a smaller one.
pub fn published_limit() -> RateLimit {
    RateLimit::published(190, 10)
}

/// Limits beside the account's: search.
pub fn class_limits() -> Vec<(Class, RateLimit)> {
    vec![(fetch::SEARCH, RateLimit::published(5, 1))]
}
#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
