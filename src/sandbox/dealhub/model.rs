//! The records of the tenant.
//!
//! Invariants: money is an [`Amount`] as it was sent; `net_price` is never recomputed, totals are
//! sums of lines.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::facts::Plain;
use crate::money::Amount;

/// A status of a quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(super) enum Status {
    Draft,
    ApprovalProcess,
    ReadyToBeSent,
    Published,
    Won,
    Rejected,
    Recalled,
    Archived,
}

impl Status {
    const ALL: [(Self, &'static str, &'static str); 8] = [
        (Self::Draft, "Draft", "Draft"),
        (Self::ApprovalProcess, "ApprovalProcess", "Approval Process"),
        (Self::ReadyToBeSent, "ReadyToBeSent", "Ready To Be Sent"),
        (Self::Published, "Published", "Published"),
        (Self::Won, "Won", "Won"),
        (Self::Rejected, "Rejected", "Rejected"),
        (Self::Recalled, "Recalled", "Recalled"),
        (Self::Archived, "Archived", "Archived"),
    ];

    /// The word, as a token or as in the interface.
    pub(super) fn word(self, spaced: bool) -> &'static str {
        let row = Self::ALL.iter().find(|(s, ..)| *s == self);
        row.map_or("", |(_, token, words)| if spaced { words } else { token })
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, t, w)| *t == word || *w == word).map(|(s, ..)| *s)
    }
}

/// A version of the account's configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_field_names, reason = "as DealHub names them")]
pub(super) struct Version {
    pub(super) version_id: String,
    pub(super) name: String,
    pub(super) comment: String,
    pub(super) status: String,
}

/// A playbook.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Playbook {
    pub(super) name: String,
    pub(super) display: String,
    /// Whether it is of type `API`.
    pub(super) api: bool,
    pub(super) documents: Vec<String>,
    pub(super) groups: Vec<Group>,
}

/// A group of questions.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) repeatable: bool,
    pub(super) questions: Vec<Question>,
}

/// A question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) kind: QuestionKind,
    #[serde(default)]
    pub(super) answers: Vec<String>,
    #[serde(default)]
    pub(super) from: Option<i64>,
    #[serde(default)]
    pub(super) to: Option<i64>,
    #[serde(default)]
    pub(super) mandatory: bool,
}

/// What a question takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum QuestionKind {
    /// Anything.
    Text,
    /// One or more predefined values, `;` between them.
    List,
    /// One predefined value.
    Radio,
    /// A number in a range.
    Number,
    /// `yyyy-mm-dd`.
    Date,
    /// A SKU: it adds a line.
    Item,
}

/// A product of the catalog.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    pub(super) sku: String,
    pub(super) name: String,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) description: String,
    pub(super) price: BTreeMap<String, Amount>,
}

/// An opportunity of the CRM, as DealHub stores it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opportunity {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) customer_id: String,
    pub(super) customer: String,
    pub(super) currency: String,
    pub(super) geo: String,
    pub(super) contact: String,
    pub(super) email: String,
    /// What was sent to make or describe it.
    #[serde(default = "nothing")]
    pub(super) data: Plain,
}

fn nothing() -> Plain {
    Plain::Null
}

/// An answer to a question of a playbook.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "as DealHub names them")]
pub(super) struct Answer {
    pub(super) group_id: String,
    pub(super) group_name: String,
    pub(super) question_id: String,
    pub(super) question: String,
    pub(super) answer: String,
}

/// A line of a quote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) sku: String,
    pub(super) name: String,
    pub(super) bundle_ref: String,
    pub(super) list_price: Amount,
    pub(super) net_per_unit: Amount,
    pub(super) net_price: Amount,
    pub(super) msrp: Amount,
    pub(super) msrp_discount: Amount,
    pub(super) sales_discount: Amount,
    pub(super) total_discount: Amount,
    pub(super) factors: BTreeMap<String, Amount>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) partners: Vec<Plain>,
}

impl Line {
    /// The list price times all product factors.
    pub(super) fn list_total(&self) -> Amount {
        let times = |a: Amount, b: &Amount| a.times(*b).unwrap_or(a);
        self.factors.values().fold(self.list_price, times)
    }
}

/// An approval that a quote needs or had.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Approval {
    pub(super) reviewer: String,
    pub(super) step: u32,
    pub(super) reason: String,
    pub(super) status: String,
    pub(super) reviewed: Option<Timestamp>,
    pub(super) comment: String,
}

/// A quote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Quote {
    pub(super) id: String,
    pub(super) number: String,
    pub(super) status: Status,
    /// The status that is still told until then.
    pub(super) lagging: Option<(Status, Timestamp)>,
    pub(super) opportunity: String,
    pub(super) name: String,
    pub(super) publish_name: String,
    pub(super) document_type: String,
    pub(super) playbook: String,
    /// Milliseconds since 1970.
    pub(super) expires: i64,
    pub(super) total_sales_discount: Option<Amount>,
    pub(super) answers: Vec<Answer>,
    pub(super) lines: Vec<Line>,
    pub(super) created: Timestamp,
    pub(super) visible_from: Timestamp,
    pub(super) submitted: Option<Timestamp>,
    pub(super) won: Option<Timestamp>,
    pub(super) version_id: String,
    pub(super) approvals: Vec<Approval>,
    pub(super) signers: Vec<String>,
    pub(super) redlining: bool,
    pub(super) sign_comment: String,
    pub(super) external_quote_id: String,
    pub(super) duplicate_from: String,
    pub(super) dealroom_url: Option<String>,
    /// The request that made it, for tests that compare.
    pub(super) request: Plain,
}

impl Quote {
    /// Sum of list prices and sum of net prices.
    pub(super) fn totals(&self) -> (Amount, Amount) {
        let sum = |f: &dyn Fn(&Line) -> Amount| {
            self.lines.iter().fold(Amount::ZERO, |a, l| a.plus(f(l)).unwrap_or(a))
        };
        (sum(&Line::list_total), sum(&|l| l.net_price))
    }

    /// The discount of the whole in percent.
    pub(super) fn discount(&self) -> Amount {
        let (list, net) = self.totals();
        let off = list.minus(net).and_then(|d| d.times(Amount::HUNDRED));
        off.and_then(|d| d.over(list)).unwrap_or(Amount::ZERO).round_half_up(2)
    }

    /// The status as it is told now.
    pub(super) fn told(&self, now: Timestamp) -> Status {
        match self.lagging {
            Some((old, until)) if now < until => old,
            _ => self.status,
        }
    }
}
