//! The switches of the shop (`POST /_sandbox/settings` with `"upstream": "quickquote"`).
//!
//! Purpose: the vendor's documents leave much open; a test says which shop it talks to. An unknown
//! switch or value is refused, so that a misspelt one cannot make a test pass.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::money::Amount;
use crate::sandbox::upstream::Refused;

/// What happens to what is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Leniency {
    /// Dropped in silence.
    Drop,
    /// 400.
    Reject,
}

/// Which spelling of a money discount the shop knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FixedWord {
    Both,
    Fixed,
    FixedAmount,
}

/// What a fixed discount of a line is taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FixedPer {
    Line,
    Unit,
}

/// What `line_price` and `original_line_price` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LinePrice {
    Unit,
    Extended,
}

/// What clears a discount or the shipping charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Clearing {
    Null,
    Zero,
}

/// Where a refusal has its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ErrorBody {
    Message,
    Capital,
    Error,
    Errors,
    Text,
    Empty,
}

/// What an answer without a promised body holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EmptyAnswer {
    Empty,
    Text,
    Json,
}

/// The switches.
#[expect(clippy::struct_excessive_bools, reason = "switches that do not depend on each other")]
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    /// Unknown keys of a body, and fields that a catalogue line does not let be changed.
    pub(super) unknown_keys: Leniency,
    /// A line whose variant is not in the catalogue.
    pub(super) unknown_variant: Leniency,
    /// A discount whose type is not known.
    pub(super) unknown_discount: Leniency,
    pub(super) fixed_word: FixedWord,
    pub(super) fixed_per: FixedPer,
    pub(super) line_price: LinePrice,
    pub(super) clearing: Clearing,
    pub(super) error_body: ErrorBody,
    pub(super) empty_answer: EmptyAnswer,
    /// What refused credentials are answered with.
    pub(super) credential_status: u16,
    /// Whether `Content-Type` must name the charset too.
    pub(super) charset_required: bool,
    /// Whether a page size out of 1 to 100 is a 400 instead of being clamped.
    pub(super) strict_paging: bool,
    /// Fields of a quote whose written values are dropped in silence.
    pub(super) drop_field: BTreeSet<String>,
    /// Tax on taxable lines, in percent.
    pub(super) tax_percent: Amount,
    /// "Admin Convert Quote to Draft Order": accepting by status makes a draft order.
    pub(super) convert_on_accept: bool,
    /// Whether mailing a viewed quote sets it back to Sent.
    pub(super) mail_sets_sent: bool,
    /// Whether an unassigned quote reads as an object of nulls instead of null.
    pub(super) unassigned_object: bool,
    /// Whether dates of custom fields read back as `MM-DD-YYYY`.
    pub(super) us_dates: bool,
    /// Whether addresses of custom fields read back as JSON text.
    pub(super) address_as_text: bool,
    /// Whether empty texts read back as null.
    pub(super) blank_is_null: bool,
    /// Whether images of custom lines are copied to the shop's own host.
    pub(super) rehost_images: bool,
    /// Whether adding lines answers with all lines instead of the new ones.
    pub(super) add_answers_all: bool,
    /// Whether lists have one quote less on each page than asked for, and a wrong total.
    pub(super) odd_lists: bool,
    /// Whether every page of a list but the first names itself as the next one.
    pub(super) circular_lists: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            unknown_keys: Leniency::Drop,
            unknown_variant: Leniency::Drop,
            unknown_discount: Leniency::Drop,
            fixed_word: FixedWord::Both,
            fixed_per: FixedPer::Line,
            line_price: LinePrice::Unit,
            clearing: Clearing::Null,
            error_body: ErrorBody::Message,
            empty_answer: EmptyAnswer::Empty,
            credential_status: 401,
            charset_required: false,
            strict_paging: false,
            drop_field: BTreeSet::new(),
            tax_percent: Amount::ZERO,
            convert_on_accept: false,
            mail_sets_sent: false,
            unassigned_object: false,
            us_dates: false,
            address_as_text: false,
            blank_is_null: true,
            rehost_images: false,
            add_answers_all: false,
            odd_lists: false,
            circular_lists: false,
        }
    }
}

impl Settings {
    /// Changes the named switches and keeps the others; gives all of them.
    pub(super) fn change(&mut self, change: &Map<String, Value>) -> Result<Value, Refused> {
        let mut all = json!(self);
        if let Some(map) = all.as_object_mut() {
            map.extend(change.clone());
        }
        *self = serde_json::from_value(all).map_err(|e| Refused::bad(e.to_string()))?;
        Ok(json!(self))
    }
}
