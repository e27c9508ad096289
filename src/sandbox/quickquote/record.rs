//! The records of the shop: quotes, lines, properties, mails.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::Plain;
use crate::money::Amount;

/// The status of a quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Status {
    #[default]
    Created,
    Sent,
    Viewed,
    Accepted,
    Declined,
    Canceled,
    Ordered,
}

impl Status {
    const ALL: [Self; 7] = [
        Self::Created,
        Self::Sent,
        Self::Viewed,
        Self::Accepted,
        Self::Declined,
        Self::Canceled,
        Self::Ordered,
    ];

    /// As it is read.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Sent => "Sent",
            Self::Viewed => "Viewed",
            Self::Accepted => "Accepted",
            Self::Declined => "Declined",
            Self::Canceled => "Canceled",
            Self::Ordered => "Ordered",
        }
    }

    /// As it is written: lower case.
    pub(super) fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word().to_ascii_lowercase() == word)
    }

    /// Whether the API edits it no more.
    pub(super) fn is_closed(self) -> bool {
        matches!(self, Self::Accepted | Self::Declined | Self::Canceled | Self::Ordered)
    }
}

/// Percent or money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DiscountKind {
    Percentage,
    Fixed,
}

/// The one discount of a quote or line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Discount {
    pub(super) kind: DiscountKind,
    /// The word as it was written: it is echoed.
    pub(super) word: String,
    pub(super) amount: Amount,
    pub(super) reason: Option<String>,
}

/// A pair on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Property {
    pub(super) id: i64,
    pub(super) key: String,
    pub(super) value: String,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) id: i64,
    pub(super) custom: bool,
    pub(super) variant: Option<i64>,
    pub(super) title: String,
    pub(super) price: Amount,
    pub(super) quantity: i64,
    pub(super) sku: Option<String>,
    pub(super) barcode: Option<String>,
    pub(super) image: Option<String>,
    pub(super) grams: Option<i64>,
    pub(super) requires_shipping: bool,
    pub(super) taxable: bool,
    pub(super) discount: Option<Discount>,
    pub(super) properties: Vec<Property>,
}

/// A charge for shipping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shipping {
    pub(super) name: String,
    pub(super) price: Amount,
}

/// A quote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Quote {
    pub(super) id: i64,
    pub(super) number: i64,
    pub(super) email: String,
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) phone: Option<String>,
    pub(super) remarks: Option<String>,
    pub(super) internal_notes: Option<String>,
    pub(super) public_notes: Option<String>,
    pub(super) customer_id: Option<i64>,
    pub(super) assignee_id: Option<i64>,
    pub(super) tags: Option<String>,
    pub(super) discount: Option<Discount>,
    pub(super) shipping: Option<Shipping>,
    pub(super) fields: BTreeMap<i64, Plain>,
    pub(super) lines: Vec<Line>,
    pub(super) status: Status,
    pub(super) order: Option<i64>,
    pub(super) draft_order: bool,
    pub(super) created_on: String,
}

/// A message that went out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mail {
    pub(super) quote_id: i64,
    pub(super) to: String,
    pub(super) include_link: bool,
    pub(super) include_pdf: bool,
    pub(super) email_assignee: bool,
}
