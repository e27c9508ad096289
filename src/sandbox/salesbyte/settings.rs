//! The switches of the company (`POST /_sandbox/settings` with `"upstream": "salesbyte"`).
//!
//! The documents leave much open; a test says which SalesByte it talks to. An unknown switch or
//! value is refused, so that a misspelt one cannot make a test pass.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::errors::Envelope;
use super::record::Quote;
use crate::sandbox::upstream::Refused;

/// The switches.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, each named in tests")]
pub(super) struct Settings {
    /// Whether the three flags that the table calls required are.
    pub(super) strict_required: bool,
    /// Whether a quote profile other than the integration's own is refused.
    pub(super) strict_profile: bool,
    /// Whether a field that is not documented is refused; else it is ignored.
    pub(super) strict_fields: bool,
    /// Whether `send_type: phone` is taken as `sms`.
    pub(super) accept_phone: bool,
    /// Whether phone numbers outside of Sweden are taken.
    pub(super) foreign_phones: bool,
    /// How refusals are worded.
    pub(super) envelope: Envelope,
    /// Quotes on a page of the list.
    pub(super) page_size: usize,
    /// Whether the list tells how many pages there are.
    pub(super) paging_block: bool,
    /// Whether the list's records are whole.
    pub(super) list_custom_fields: bool,
    /// Milliseconds after which a new quote is listed.
    pub(super) list_lag: u64,
    /// Whether messages go out but are never marked as delivered.
    pub(super) never_delivered: bool,
    /// Fields (`customer_phone`, `custom_fields.bank_name`) whose values are dropped in silence.
    pub(super) drop_field: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strict_required: false,
            strict_profile: false,
            strict_fields: false,
            accept_phone: true,
            foreign_phones: false,
            envelope: Envelope::Platform,
            page_size: 10,
            paging_block: true,
            list_custom_fields: false,
            list_lag: 0,
            never_delivered: false,
            drop_field: BTreeSet::new(),
        }
    }
}

impl Settings {
    /// With the named switches changed.
    pub(super) fn changed(&self, change: &Map<String, Value>) -> Result<Self, Refused> {
        let mut all = json!(self);
        if let Some(map) = all.as_object_mut() {
            map.extend(change.clone());
        }
        let settings: Self =
            serde_json::from_value(all).map_err(|e| Refused::bad(e.to_string()))?;
        if settings.page_size == 0 {
            return Err(Refused::bad("`page_size` is at least 1"));
        }
        Ok(settings)
    }

    /// Whether a quote is in the list yet.
    pub(super) fn is_listed(&self, quote: &Quote, now: Timestamp) -> bool {
        let lag = SignedDuration::from_millis(i64::try_from(self.list_lag).unwrap_or(i64::MAX));
        now.duration_since(quote.created_at) >= lag
    }
}
