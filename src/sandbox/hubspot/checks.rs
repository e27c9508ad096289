//! What speaks against a record: values, uniqueness, rules between values, the lock.
//!
//! Invariants: nothing here changes the store; all bad values of a record are named in one
//! refusal; a part of a published quote is as locked as the quote.

use super::errors::{BadValue, Refusal};
use super::kind::Kind;
use super::objects::Values;
use super::schema::Mode;
use super::store::{Key, Record};
use super::{HubSpot, quotes, values};

impl HubSpot {
    pub(super) fn without_dropped(&self, mut properties: Values) -> Values {
        properties.retain(|(name, _)| !self.settings.drop_property.contains(name));
        properties
    }

    /// All values against their definitions; what the portal overrides is taken out.
    pub(super) fn check_values(
        &self,
        kind: Kind,
        id: Option<u64>,
        properties: Values,
    ) -> Result<Values, Refusal> {
        let record = id.and_then(|id| self.store.live(kind, id));
        let mut bad = Vec::new();
        let mut good = Vec::new();
        for (name, value) in properties {
            let Some(definition) = self.schema.get(kind, &name) else {
                let message = format!("Property \"{name}\" does not exist");
                bad.push(BadValue::new(name, "PROPERTY_DOESNT_EXIST", message));
                continue;
            };
            if definition.refuses_writes() {
                let message =
                    format!("\"{name}\" is a read only property; its value cannot be set.");
                bad.push(BadValue::new(name, "READ_ONLY_VALUE", message));
                continue;
            }
            if definition.mode == Mode::Overridden {
                continue;
            }
            let old = record.and_then(|r| r.get(&name));
            let owner = |id: &str| self.directory.has_owner(id);
            match values::normalise(definition, &value, old, owner) {
                Ok(value) => good.push((name, value)),
                Err(wrong) => bad.push(wrong),
            }
        }
        if bad.is_empty() { Ok(good) } else { Err(Refusal::values(&bad)) }
    }

    pub(super) fn check_unique(&self, kind: Kind, id: u64, values: &Values) -> Result<(), Refusal> {
        for (name, value) in values {
            let unique = self.schema.get(kind, name).is_some_and(|d| d.unique);
            if !unique || value.is_empty() {
                continue;
            }
            if let Some(other) = self.store.holder(kind, name, value).filter(|o| *o != id) {
                let message = if kind == Kind::Contact {
                    format!("Contact already exists. Existing ID: {other}")
                } else {
                    format!(
                        "Cannot set PropertyValueCoordinates{{objectTypeId={}, propertyName={name}, value={value}}} on {id}. {other} already has that value.",
                        kind.type_id()
                    )
                };
                return Err(Refusal::conflict(message));
            }
        }
        Ok(())
    }

    /// Rules that bear on several values of one record.
    pub(super) fn check_record(&self, kind: Kind, record: &Record) -> Result<(), Refusal> {
        if kind.is_adjustment() {
            return check_adjustment(record);
        }
        if !matches!(kind, Kind::LineItem | Kind::Product) {
            return Ok(());
        }
        super::totals::check_line(record)?;
        let tax = record.get("hs_tax_rate_group_id");
        if let Some(tax) = tax.filter(|t| !self.directory.has_tax(t)) {
            let message = format!("{tax} is not a tax rate of this account");
            return Err(Refusal::values(&[BadValue::new(
                "hs_tax_rate_group_id",
                "INVALID_OPTION",
                message,
            )]));
        }
        Ok(())
    }

    /// A line item made from a product takes over what it does not say itself.
    pub(super) fn copy_product(&self, values: &mut Values) -> Result<(), Refusal> {
        let Some((_, product)) = values.iter().find(|(n, v)| n == "hs_product_id" && !v.is_empty())
        else {
            return Ok(());
        };
        let wrong = |message: String| {
            Refusal::values(&[BadValue::new("hs_product_id", "INVALID_PRODUCT_ID", message)])
        };
        let record = product
            .parse()
            .ok()
            .and_then(|id| self.store.live(Kind::Product, id))
            .ok_or_else(|| wrong(format!("{product} is not a product")))?;
        if record.is("hs_product_type", "bundle") {
            return Err(wrong(format!("{product} is a bundle; add its parts instead")));
        }
        for name in [
            "name",
            "description",
            "price",
            "hs_sku",
            "recurringbillingfrequency",
            "hs_recurring_billing_period",
        ] {
            if let Some(value) = record.get(name)
                && !values.iter().any(|(n, _)| n == name)
            {
                values.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }

    /// Refuses a change to a published quote or to a part of one.
    pub(super) fn refuse_if_locked(&self, key: Key) -> Result<(), Refusal> {
        let (kind, id) = key;
        if kind == Kind::Quote {
            return match self.store.live(kind, id) {
                Some(record) if quotes::is_locked(record) => Err(Refusal::locked(id)),
                _ => Ok(()),
            };
        }
        if kind != Kind::LineItem && !kind.is_adjustment() {
            return Ok(());
        }
        for quote in self.store.linked_ids(key, Kind::Quote) {
            self.refuse_if_locked((Kind::Quote, quote))?;
        }
        Ok(())
    }
}

fn check_adjustment(record: &Record) -> Result<(), Refusal> {
    let Some(value) = record.get("hs_value").and_then(values::number) else { return Ok(()) };
    let beyond = record.is("hs_type", "PERCENT") && value > crate::money::Amount::HUNDRED;
    if value.is_negative() || beyond {
        let message = format!("{value} is out of range");
        return Err(Refusal::values(&[BadValue::new("hs_value", "INVALID_INTEGER", message)]));
    }
    Ok(())
}

/// What a creation cannot do without.
pub(super) fn required(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Quote => &["hs_title", "hs_expiration_date"],
        Kind::Fee => &["hs_label", "hs_type", "hs_value"],
        Kind::Product => &["name", "price"],
        _ => &[],
    }
}
