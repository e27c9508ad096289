//! The switches of the portal (`POST /_sandbox/settings`).
//!
//! Purpose: real portals differ; a test says which one it talks to. An unknown switch or value is
//! refused, so that a misspelt one cannot make a test pass.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::HubSpot;
use crate::sandbox::upstream::{Moment, Refused};

/// What happens to writes on a published quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LockMode {
    /// A status write unlocks it, as documented.
    #[default]
    Documented,
    /// Nothing but the user interface can touch it, as reported from newer portals.
    Strict,
}

/// Which quotes can be made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum QuoteSystem {
    Legacy,
    Cpq,
    #[default]
    Both,
}

/// The switches.
#[expect(clippy::struct_excessive_bools, reason = "switches are what this is")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) lock_mode: LockMode,
    pub(crate) quote_system: QuoteSystem,
    /// Whether quotes, line items and adjustments may have properties with unique values.
    pub(crate) unique_on_quotes: bool,
    /// Milliseconds for which the links of a published quote stay empty.
    pub(crate) link_lag: u64,
    /// Milliseconds after which a search sees a change.
    pub(crate) search_lag: u64,
    /// Properties whose written values are dropped in silence.
    pub(crate) drop_property: BTreeSet<String>,
    /// Scopes that no token has.
    pub(crate) deny_scopes: BTreeSet<String>,
    /// Whether publishing a legacy quote needs a line item.
    pub(crate) require_lines: bool,
    /// Properties that this portal wants written before it publishes instead of deriving them.
    pub(crate) publish_needs: BTreeSet<String>,
    /// Whether a link to a record that is not there is accepted and forgotten.
    pub(crate) loose_links: bool,
    /// How many quotes can still be published for e-signature; none = any number.
    pub(crate) esign_quota: Option<u64>,
    /// Whether lines made on a CPQ quote have no net price until they are written again.
    pub(crate) lazy_cpq_prices: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lock_mode: LockMode::Documented,
            quote_system: QuoteSystem::Both,
            unique_on_quotes: true,
            link_lag: 0,
            search_lag: 3_000,
            drop_property: BTreeSet::new(),
            // Ordinary tokens cannot make templates.
            deny_scopes: BTreeSet::from(["cpq.quote_templates.write".to_owned()]),
            require_lines: true,
            publish_needs: BTreeSet::new(),
            loose_links: false,
            esign_quota: None,
            lazy_cpq_prices: false,
        }
    }
}

impl HubSpot {
    /// Changes the named switches and keeps the others. `bulk_deals: N` is a deed, not a switch.
    pub(super) fn change_settings(
        &mut self,
        change: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        let mut change = change.clone();
        let bulk = match change.remove("bulk_deals") {
            None => None,
            Some(value) => Some(
                value
                    .as_u64()
                    .filter(|n| *n <= 100_000)
                    .ok_or_else(|| Refused::bad("`bulk_deals` is a number up to 100000"))?,
            ),
        };
        let mut all = json!(self.settings);
        if let Some(map) = all.as_object_mut() {
            map.extend(change);
        }
        let settings: Settings =
            serde_json::from_value(all).map_err(|e| Refused::bad(e.to_string()))?;
        self.settings = settings;
        if let Some(count) = bulk {
            self.make_bulk_deals(count, m.now);
        }
        Ok(json!(self.settings))
    }
}
