//! Operations on HubSpot records, as data that a plan can hold.
//!
//! Purpose: all that one step sends. An operation is complete: the writer adds nothing but ids
//! that earlier steps gave, so a saved plan can be reviewed to the last property.
//!
//! Invariant: a status is never sent together with other properties ([`Operation::Status`] is its
//! own operation), because HubSpot refuses edits of a record that the same request unlocks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::provider::step::Target;

/// A type of HubSpot record.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Object {
    /// A quote.
    Quote,
    /// A line of a quote.
    LineItem,
    /// A discount on a whole quote.
    Discount,
    /// A fee.
    Fee,
    /// A tax.
    Tax,
    /// A deal.
    Deal,
    /// A contact.
    Contact,
    /// A company.
    Company,
    /// A quote template.
    Template,
}

impl Object {
    /// The records that belong to exactly one quote, in the order in which they are made.
    pub const PARTS: [Self; 4] = [Self::LineItem, Self::Discount, Self::Fee, Self::Tax];
    /// The records that a quote refers to.
    pub const LINKED: [Self; 4] = [Self::Deal, Self::Company, Self::Template, Self::Contact];

    /// The name in paths (plural, save for templates).
    pub fn path(self) -> &'static str {
        match self {
            Self::Quote => "quotes",
            Self::LineItem => "line_items",
            Self::Discount => "discounts",
            Self::Fee => "fees",
            Self::Tax => "taxes",
            Self::Deal => "deals",
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Template => "quote_template",
        }
    }

    /// How a person calls one.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::LineItem => "line item",
            Self::Discount => "discount",
            Self::Fee => "fee",
            Self::Tax => "tax",
            Self::Deal => "deal",
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Template => "template",
        }
    }

    /// The list of a manifest that holds records of this type.
    pub fn list(self) -> Option<&'static str> {
        match self {
            Self::LineItem => Some("items"),
            Self::Discount => Some("discounts"),
            Self::Fee => Some("fees"),
            Self::Tax => Some("taxes"),
            _ => None,
        }
    }

    /// The type of record behind a list of a manifest.
    pub fn of_list(list: &str) -> Option<Self> {
        Self::PARTS.into_iter().find(|o| o.list() == Some(list))
    }

    /// HubSpot's association type from a quote to this; `None` for the quote itself.
    pub fn from_quote(self) -> Option<u32> {
        Some(match self {
            Self::Quote => return None,
            Self::Deal => 64,
            Self::LineItem => 67,
            Self::Contact => 69,
            Self::Company => 71,
            Self::Template => 286,
            Self::Discount => 362,
            Self::Fee => 364,
            Self::Tax => 366,
        })
    }

    /// HubSpot's association type from this to a quote; `None` for the quote itself.
    pub fn to_quote(self) -> Option<u32> {
        Some(match self {
            Self::Quote => return None,
            Self::Deal => 63,
            Self::LineItem => 68,
            Self::Contact => 70,
            Self::Company => 72,
            Self::Template => 285,
            Self::Discount => 361,
            Self::Fee => 363,
            Self::Tax => 365,
        })
    }
}

/// A link made in the request that creates a record.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Link {
    /// The type of the other end.
    pub object: Object,
    /// The other end.
    pub target: Target,
}

/// Why a status is written; it decides how a refusal is read.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To open a locked quote for edits or for deletion.
    Unlock,
    /// To bring it into the wanted state.
    Move,
    /// To take a replaced quote away from the customer.
    Withdraw,
}

/// One operation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// Define the stamp property on a type of record; unique where the portal allows it.
    EnsureProperty {
        /// On what.
        object: Object,
        /// Its internal name.
        name: String,
        /// The property group it goes into.
        group: String,
    },
    /// Create a record with its links.
    Create {
        /// The type.
        object: Object,
        /// Its properties, as text.
        properties: BTreeMap<String, String>,
        /// Its links.
        links: Vec<Link>,
    },
    /// Write properties of a record; the status is not among them.
    Update {
        /// The type.
        object: Object,
        /// The record.
        target: Target,
        /// The properties; `""` clears.
        properties: BTreeMap<String, String>,
    },
    /// Write a quote's `hs_status`, alone.
    Status {
        /// The quote.
        target: Target,
        /// The value of `hs_status`.
        status: String,
        /// Why.
        purpose: Purpose,
    },
    /// Archive a record.
    Archive {
        /// The type.
        object: Object,
        /// The record.
        target: Target,
    },
    /// Link a quote with a record.
    Link {
        /// The quote.
        quote: Target,
        /// The type of the other end.
        object: Object,
        /// The other end.
        target: Target,
    },
    /// Unlink a quote from a record.
    Unlink {
        /// The quote.
        quote: Target,
        /// The type of the other end.
        object: Object,
        /// The other end.
        target: Target,
    },
}

impl Operation {
    /// Which operations may share a request.
    pub fn class(&self) -> String {
        match self {
            Self::EnsureProperty { object, .. } => format!("property:{}", object.path()),
            Self::Create { object, .. } => format!("create:{}", object.path()),
            Self::Update { object, .. } => format!("update:{}", object.path()),
            Self::Status { purpose, .. } => match purpose {
                Purpose::Unlock => "unlock".to_owned(),
                Purpose::Move => "status".to_owned(),
                Purpose::Withdraw => "withdraw".to_owned(),
            },
            Self::Archive { object, .. } => format!("archive:{}", object.path()),
            Self::Link { object, .. } => format!("link:{}", object.path()),
            Self::Unlink { object, .. } => format!("unlink:{}", object.path()),
        }
    }

    /// How many of them fit one request.
    pub fn max(&self) -> usize {
        match self {
            Self::EnsureProperty { .. } => 1,
            Self::Link { .. } => 2000,
            _ => 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn association_ids_differ_and_come_in_pairs() {
        let mut seen = std::collections::BTreeSet::new();
        for object in Object::PARTS.into_iter().chain(Object::LINKED) {
            let (to, from) = (object.to_quote().unwrap(), object.from_quote().unwrap());
            assert_eq!(to.abs_diff(from), 1, "{object:?}");
            assert!(seen.insert(to) && seen.insert(from), "{object:?}");
        }
        assert_eq!(Object::Quote.to_quote(), None);
    }

    #[test]
    fn an_operation_survives_json() {
        let operation = Operation::Create {
            object: Object::LineItem,
            properties: BTreeMap::from([("price".to_owned(), "19.990".to_owned())]),
            links: vec![Link {
                object: Object::Quote,
                target: Target::Known(crate::key::RemoteId::parse("1").unwrap()),
            }],
        };
        let text = serde_json::to_string(&operation).unwrap();
        assert_eq!(serde_json::from_str::<Operation>(&text).unwrap(), operation);
    }
}
