//! The object types of the portal, and all the names they go by.

use serde::{Deserialize, Serialize};

/// An object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Quote,
    LineItem,
    Discount,
    Fee,
    Tax,
    Template,
    Deal,
    Contact,
    Company,
    Product,
}

impl Kind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Quote,
        Self::LineItem,
        Self::Discount,
        Self::Fee,
        Self::Tax,
        Self::Template,
        Self::Deal,
        Self::Contact,
        Self::Company,
        Self::Product,
    ];

    /// Reads any name that resolves upstream: plural, singular, type id.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        Self::ALL.into_iter().find(|k| {
            let (plural, singular, type_id) = k.names();
            name == plural || name == singular || name == type_id
        })
    }

    /// Plural (the path name), singular, type id. The template's path name is its singular.
    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Quote => ("quotes", "quote", "0-14"),
            Self::LineItem => ("line_items", "line_item", "0-8"),
            Self::Discount => ("discounts", "discount", "0-84"),
            Self::Fee => ("fees", "fee", "0-85"),
            Self::Tax => ("taxes", "tax", "0-86"),
            Self::Template => ("quote_templates", "quote_template", "0-64"),
            Self::Deal => ("deals", "deal", "0-3"),
            Self::Contact => ("contacts", "contact", "0-1"),
            Self::Company => ("companies", "company", "0-2"),
            Self::Product => ("products", "product", "0-7"),
        }
    }

    /// The name used in paths (`quotes`, `quote_template`).
    pub(crate) fn path(self) -> &'static str {
        let (plural, singular, _) = self.names();
        if self == Self::Template { singular } else { plural }
    }

    /// The singular (`line_item`), as in association type names.
    pub(crate) fn singular(self) -> &'static str {
        self.names().1
    }

    /// `0-14`.
    pub(crate) fn type_id(self) -> &'static str {
        self.names().2
    }

    /// The name in messages (`QUOTE`).
    pub(crate) fn shout(self) -> String {
        self.singular().to_ascii_uppercase()
    }

    /// The scope of records of this kind.
    pub(crate) fn scope(self, write: bool) -> String {
        let verb = if write { "write" } else { "read" };
        match self {
            Self::Template if write => "cpq.quote_templates.write".to_owned(),
            Self::Template => "crm.objects.quotes.read".to_owned(),
            // Adjustments have no scope of their own; they go with line items.
            Self::Discount | Self::Fee | Self::Tax => format!("crm.objects.line_items.{verb}"),
            other => format!("crm.objects.{}.{verb}", other.names().0),
        }
    }

    /// The names of the created and last-modified properties.
    pub(crate) fn stamps(self) -> (&'static str, &'static str) {
        match self {
            Self::Quote | Self::Discount | Self::Fee | Self::Tax | Self::Template => {
                ("hs_createdate", "hs_lastmodifieddate")
            }
            Self::Contact => ("createdate", "lastmodifieddate"),
            _ => ("createdate", "hs_lastmodifieddate"),
        }
    }

    /// What a read returns without being asked.
    pub(crate) fn base_properties(self, search: bool) -> Vec<&'static str> {
        let (created, modified) = self.stamps();
        let mut names = vec![created, modified, "hs_object_id"];
        names.extend_from_slice(match self {
            Self::Deal => &["dealname", "amount", "closedate", "pipeline", "dealstage"],
            Self::Contact => &["firstname", "lastname", "email"],
            Self::Company => &["name", "domain"],
            Self::Product => &["name", "description", "price"],
            Self::LineItem if search => &["quantity", "amount", "price"],
            Self::Quote if search => {
                &["hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"]
            }
            _ => &[],
        });
        names
    }

    /// The first id that a new record gets. Far beyond 32 bits; and the parts of a quote count
    /// from the same number, since an id is unique inside its type only.
    pub(crate) fn first_id(self) -> u64 {
        match self {
            Self::Quote => 31_400_000_001,
            Self::LineItem | Self::Discount | Self::Fee | Self::Tax => 52_700_000_001,
            Self::Template => 235_500_000_001,
            Self::Deal => 41_800_000_001,
            Self::Contact => 123_200_000_001,
            Self::Company => 28_900_000_001,
            Self::Product => 19_600_000_001,
        }
    }

    /// Discount, fee or tax.
    pub(crate) fn is_adjustment(self) -> bool {
        matches!(self, Self::Discount | Self::Fee | Self::Tax)
    }
}
