//! What the company has before the first quote: profiles, salespeople, products, bundles and
//! custom fields (`seed.yaml`).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::sandbox::machine::SandboxError;

/// The fixed part of the company.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The currency of all prices.
    pub(super) currency: String,
    /// The profile that an integration belongs to.
    pub(super) own_profile: u64,
    /// Profiles by number.
    pub(super) profiles: BTreeMap<u64, String>,
    /// Salespeople by e-mail address; the first is the profiles' default.
    pub(super) salespeople: Vec<Salesperson>,
    /// Products by SKU.
    pub(super) products: BTreeMap<String, Product>,
    /// Bundles by number.
    pub(super) bundles: BTreeMap<u64, Bundle>,
    /// Labels of the custom fields by name.
    pub(super) custom_fields: BTreeMap<String, String>,
}

/// A registered user.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Salesperson {
    pub(super) name: String,
    pub(super) email: String,
}

/// Something that is sold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Product {
    pub(super) name: String,
    /// Price with VAT, as text.
    pub(super) price: String,
}

/// Products at fixed quantities.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bundle {
    pub(super) name: String,
    /// SKU and how many.
    pub(super) products: BTreeMap<String, u32>,
}

impl Account {
    pub(super) fn builtin() -> Result<Self, SandboxError> {
        let unreadable = |message: String| SandboxError::Unreadable { what: "seed", message };
        let account: Self = serde_yaml::from_str(include_str!("seed.yaml"))
            .map_err(|e| unreadable(e.to_string()))?;
        for product in account.products.values() {
            if product.price.parse::<Decimal>().is_err() {
                return Err(unreadable(format!("`{}` has no price", product.name)));
            }
        }
        for bundle in account.bundles.values() {
            if let Some(sku) = bundle.products.keys().find(|s| !account.products.contains_key(*s)) {
                return Err(unreadable(format!("bundle `{}` lacks `{sku}`", bundle.name)));
            }
        }
        Ok(account)
    }

    /// The lines of a bundle, or of a list of SKUs: SKU and how many.
    pub(super) fn lines(&self, bundle: Option<u64>, skus: &[String]) -> Vec<(String, u32)> {
        match bundle.and_then(|id| self.bundles.get(&id)) {
            Some(bundle) => bundle.products.iter().map(|(s, n)| (s.clone(), *n)).collect(),
            None => skus.iter().map(|s| (s.clone(), 1)).collect(),
        }
    }

    /// What lines cost together, with VAT.
    pub(super) fn sum(&self, lines: &[(String, u32)]) -> Decimal {
        lines.iter().map(|(sku, count)| self.price(sku) * Decimal::from(*count)).sum()
    }

    /// What a product costs, with VAT.
    pub(super) fn price(&self, sku: &str) -> Decimal {
        self.products.get(sku).and_then(|p| p.price.parse().ok()).unwrap_or_default()
    }

    /// The salesperson with this address, or the default one.
    pub(super) fn salesperson(&self, email: Option<&str>) -> Option<&Salesperson> {
        match email {
            Some(email) => self.salespeople.iter().find(|s| s.email.eq_ignore_ascii_case(email)),
            None => self.salespeople.first(),
        }
    }
}
