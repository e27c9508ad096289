//! Operations on the shop, as data that a plan can hold.
//!
//! Purpose: all that one step sends. Bodies hold their numbers as written; the writer adds nothing
//! but ids that earlier steps gave, so a saved plan can be reviewed to the last field.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::Plain;
use crate::key::{RemoteId, Stamp, StepId};
use crate::provider::BatchClass;
use crate::provider::step::Target;

/// Lines that are added in one request.
const LINES_MAX: usize = 50;

/// A JSON object that is sent.
pub type Body = BTreeMap<String, Plain>;

/// A line, known or found by its stamp once its quote is made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineAt {
    /// Known when the plan was made.
    Known(RemoteId),
    /// Made with its quote.
    Stamped(Stamp),
}

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Create a quote with its lines.
    Create {
        /// The quote.
        body: Body,
    },
    /// Write fields of a quote.
    Update {
        /// The quote.
        quote: Target,
        /// The fields that change.
        body: Body,
    },
    /// Write the status, alone.
    Status {
        /// The quote.
        quote: Target,
        /// The word.
        status: String,
    },
    /// Mail the quote to its customer.
    Email {
        /// The quote.
        quote: Target,
        /// What the mail holds; the quote's id is added.
        body: Body,
    },
    /// Delete a quote.
    Delete {
        /// The quote.
        quote: Target,
    },
    /// Add a line; several of one quote share a request.
    AddLine {
        /// The quote.
        quote: Target,
        /// The line with its pairs.
        body: Body,
    },
    /// Write fields of a line.
    UpdateLine {
        /// The quote.
        quote: Target,
        /// The line.
        line: RemoteId,
        /// The fields that change.
        body: Body,
    },
    /// Delete a line.
    DeleteLine {
        /// The quote.
        quote: Target,
        /// The line.
        line: RemoteId,
    },
    /// Add pairs to a line.
    AddProperties {
        /// The quote.
        quote: Target,
        /// The line.
        line: LineAt,
        /// Keys and values, in order.
        pairs: Vec<(String, String)>,
    },
    /// Write one pair.
    UpdateProperty {
        /// The quote.
        quote: Target,
        /// The line.
        line: RemoteId,
        /// The pair.
        property: RemoteId,
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    },
    /// Delete one pair.
    DeleteProperty {
        /// The quote.
        quote: Target,
        /// The line.
        line: RemoteId,
        /// The pair.
        property: RemoteId,
    },
}

impl Operation {
    /// The quote that it works on; `None` for a creation.
    pub fn quote(&self) -> Option<&Target> {
        match self {
            Self::Create { .. } => None,
            Self::Update { quote, .. }
            | Self::Status { quote, .. }
            | Self::Email { quote, .. }
            | Self::Delete { quote }
            | Self::AddLine { quote, .. }
            | Self::UpdateLine { quote, .. }
            | Self::DeleteLine { quote, .. }
            | Self::AddProperties { quote, .. }
            | Self::UpdateProperty { quote, .. }
            | Self::DeleteProperty { quote, .. } => Some(quote),
        }
    }

    /// Only added lines of one quote travel together.
    pub fn class(&self, step: &StepId) -> BatchClass {
        match self {
            Self::AddLine { quote: Target::Known(id), .. } => {
                BatchClass { key: format!("add_lines:{id}"), max: LINES_MAX }
            }
            Self::Create { .. } => BatchClass { key: "create".to_owned(), max: 1 },
            Self::Email { .. } => BatchClass { key: "email".to_owned(), max: 1 },
            _ => BatchClass { key: format!("edit:{step}"), max: 1 },
        }
    }
}
