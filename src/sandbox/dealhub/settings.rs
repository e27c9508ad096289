//! The switches of the account (`POST /_sandbox/settings` with `"upstream": "dealhub"`).
//!
//! Purpose: tenants differ, and where the documents are silent a test says which behaviour it
//! meets. An unknown switch or value is refused, so that a misspelt one cannot make a test pass.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::DealHub;
use crate::sandbox::upstream::Refused;

/// The switches.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Settings {
    /// A quote discounted by more than this percent needs an approver; none = no approvals.
    pub(crate) approval_above: Option<u32>,
    /// Milliseconds for which a fresh quote can neither be read nor listed.
    pub(crate) visibility: u64,
    /// Milliseconds for which an action was accepted but the status is still the old one.
    pub(crate) action_lag: u64,
    /// Refusals of generate and of actions come as 202 with the error inside.
    pub(crate) errors_in_202: bool,
    /// Drafts are of a version that is no longer active: nothing of them can be read.
    pub(crate) quote_upgrade_required: bool,
    /// What a generate with `publish` or `sign_externally` made stays when a later part fails.
    pub(crate) keep_orphans: bool,
    /// The tenant's integration type is "CRM API": generate demands `opportunity_data`.
    pub(crate) crm_api: bool,
    /// The quote name for requests without one; none = an error.
    pub(crate) default_quote_name: Option<String>,
    /// The publish name for requests without one; none = an error.
    pub(crate) default_publish_name: Option<String>,
    /// Days until expiry for requests without a date; none = an error.
    pub(crate) default_expiry_days: Option<u32>,
    /// Reading approvals fails, as when an approver was deleted.
    pub(crate) approvals_broken: bool,
    /// The list has its page information at top level.
    pub(crate) flat_list: bool,
    /// Errors of the Quote API are plain text.
    pub(crate) text_errors: bool,
    /// Statuses are read as in the interface (`Ready To Be Sent`).
    pub(crate) spaced_statuses: bool,
    /// The CRM cannot be synchronised: external signing fails.
    pub(crate) sync_failed: bool,
    /// There is no active version.
    pub(crate) no_active_version: bool,
    /// Fields of a request (and of its lines) that are dropped in silence.
    pub(crate) drop_field: BTreeSet<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            approval_above: None,
            visibility: 0,
            action_lag: 0,
            errors_in_202: false,
            quote_upgrade_required: false,
            keep_orphans: true,
            crm_api: false,
            default_quote_name: Some("New quote".to_owned()),
            default_publish_name: Some("Proposal".to_owned()),
            default_expiry_days: Some(30),
            approvals_broken: false,
            flat_list: false,
            text_errors: false,
            spaced_statuses: false,
            sync_failed: false,
            no_active_version: false,
            drop_field: BTreeSet::new(),
        }
    }
}

impl DealHub {
    /// Changes the named switches and keeps the others.
    pub(super) fn change_settings(
        &mut self,
        change: &Map<String, Value>,
    ) -> Result<Value, Refused> {
        let mut all = json!(self.settings);
        if let Some(map) = all.as_object_mut() {
            map.extend(change.clone());
        }
        self.settings = serde_json::from_value(all).map_err(|e| Refused::bad(e.to_string()))?;
        Ok(json!(self.settings))
    }
}
