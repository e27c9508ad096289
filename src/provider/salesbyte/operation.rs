//! The one operation that SalesByte has, as data that a plan can hold.
//!
//! Invariant: complete but for the credential: the writer adds the integration's uuid and nothing
//! else, so a saved plan can be reviewed to the last field and holds no secret.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::Plain;

/// What one step sends.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Make a quote.
    Create {
        /// The request, by SalesByte's own names, without the uuid.
        fields: BTreeMap<String, Plain>,
    },
}

impl Operation {
    /// A text of the request.
    pub fn text(&self, name: &str) -> Option<&str> {
        let Self::Create { fields } = self;
        match fields.get(name) {
            Some(Plain::Text(text)) => Some(text),
            _ => None,
        }
    }
}
