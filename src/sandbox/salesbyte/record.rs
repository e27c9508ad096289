//! One quote as the company keeps it, and how each door shows it.
//!
//! The one thing to know: the reading door never shows alternatives, flags, tags or the way of
//! sending. Custom fields go in by name and come out by label.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::seed::Account;

/// How far the customer has come with the signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Signature {
    #[default]
    None,
    /// One of several.
    Partly,
    Fully,
}

/// The side track of a project approval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Approval {
    #[default]
    None,
    Pending,
    Signed,
}

/// A message to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) quote: u64,
    /// `email` or `sms`.
    pub(super) channel: String,
    pub(super) to: String,
    /// `quote` or `created`.
    pub(super) about: String,
}

/// A quote.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Quote {
    pub(super) id: u64,
    pub(super) key: String,
    pub(super) profile: u64,
    pub(super) customer: BTreeMap<String, String>,
    /// The salesperson's address; none = the profile's default.
    pub(super) salesperson: Option<String>,
    /// Values by name.
    pub(super) fields: BTreeMap<String, Value>,
    /// The chosen or first alternative: SKU and how many.
    pub(super) lines: Vec<(String, u32)>,
    pub(super) statuses: BTreeSet<String>,
    pub(super) signature: Signature,
    pub(super) approval: Approval,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
    /// The request as it came, without the credential.
    pub(super) request: Map<String, Value>,
}

impl Quote {
    /// The answer to its creation.
    pub(super) fn answer(&self, base: &str) -> Value {
        json!({ "id": self.id, "links": self.links(base) })
    }

    fn links(&self, base: &str) -> Value {
        json!({
            "edit": format!("{base}/offerter/{}/redigera", self.id),
            "customer_view": format!("{base}/view/{}", self.key),
            "customer_verificate": format!("{base}/signed/{}", self.key),
            "customer_project_approval": format!("{base}/view/{}?project_approval=1", self.key),
        })
    }

    /// As the reading door shows it; `whole` = with custom fields.
    pub(super) fn render(&self, account: &Account, base: &str, whole: bool) -> Value {
        let customer = |field: &str| self.customer.get(field).map_or(Value::Null, |v| json!(v));
        let name = self.customer.get("customer_name").map_or("", String::as_str);
        let (first, last) = name.split_once(' ').unwrap_or((name, ""));
        let seller = account.salesperson(self.salesperson.as_deref());
        let signed = self.signature != Signature::None;
        let fully = self.signature == Signature::Fully;
        let mut shown = json!({
            "id": self.id,
            "key": self.key,
            "quote_profile_name": account.profiles.get(&self.profile),
            "customer_name": name,
            "customer_first_name": first,
            "customer_last_name": last,
            "customer_company": customer("customer_company"),
            "customer_phone": customer("customer_phone"),
            "customer_email": customer("customer_email"),
            "address_firstline": null,
            "address_secondline": null,
            "address_postcode": null,
            "address_city": null,
            "quote_value": (!self.lines.is_empty()).then(|| number(account.sum(&self.lines))),
            "created_at": time(self.created_at),
            "updated_at": time(self.updated_at),
            "salesperson": seller.map(|s| json!({"name": s.name, "email": s.email})),
            "is_signed": signed,
            "is_fully_signed": fully,
            "requires_more_signatures": self.signature == Signature::Partly,
            "is_project_approval_pending": self.approval == Approval::Pending,
            "is_project_approval_signed": self.approval == Approval::Signed,
            "statuses": self.statuses,
            "signed_offer": signed.then(|| json!({
                "main_document_name": format!("offer-{}.pdf", self.id),
                "main_document_url": format!("{base}/signed/{}", self.key),
                "extra_documents": [],
            })),
            "signed_products": signed.then(|| self.signed_products(account)),
            "additional_documents_signed": [],
            "additional_documents_requiring_signature": [],
            "links": self.links(base),
        });
        if whole && let Some(map) = shown.as_object_mut() {
            map.insert("custom_fields".to_owned(), self.by_label(account));
        }
        shown
    }

    /// All labels of the profile, empty ones as null.
    fn by_label(&self, account: &Account) -> Value {
        let all = account.custom_fields.iter().map(|(name, label)| {
            (label.clone(), self.fields.get(name).cloned().unwrap_or(Value::Null))
        });
        Value::Object(all.collect())
    }

    fn signed_products(&self, account: &Account) -> Value {
        let products: Vec<Value> = self
            .lines
            .iter()
            .map(|(sku, count)| {
                let (price, sum) = (account.price(sku), account.price(sku) * Decimal::from(*count));
                json!({
                    "sku": sku, "amount": count, "url": null,
                    "name": account.products.get(sku).map(|p| &p.name),
                    "original_price_including_vat": number(price),
                    "price_including_vat": number(price),
                    "original_sum_including_vat": number(sum),
                    "sum_including_vat": number(sum),
                    "currency": account.currency, "price_unit": "st",
                })
            })
            .collect();
        let total = number(account.sum(&self.lines));
        json!({
            "original_price_including_vat": total, "price_including_vat": total,
            "discount_including_vat": 0, "currency": account.currency, "products": products,
        })
    }

    /// What the checkout webhook is given: no `key`, as far as it was seen.
    pub(super) fn webhook(&self, account: &Account) -> Value {
        let mut shown = self.render(account, "http://localhost/salesbyte", true);
        if let Some(map) = shown.as_object_mut() {
            map.remove("key");
            map.remove("links");
        }
        shown
    }

    /// Everything, for the control side.
    pub(super) fn snapshot(&self, account: &Account) -> Value {
        let mut shown = self.render(account, "http://localhost/salesbyte", true);
        if let Some(map) = shown.as_object_mut() {
            map.insert("quote_profile_id".to_owned(), json!(self.profile));
            map.insert("request".to_owned(), Value::Object(self.request.clone()));
        }
        shown
    }
}

/// A record of the list: without addresses and custom fields (guess, from the vendor's sample).
pub(super) fn shorten(mut row: Value) -> Value {
    if let Some(map) = row.as_object_mut() {
        map.retain(|name, _| !name.starts_with("address_") && name != "custom_fields");
    }
    row
}

/// Money as a JSON number, as the vendor shows it; test data is small enough for that to be exact.
fn number(amount: Decimal) -> Value {
    serde_json::from_str(&amount.normalize().to_string()).unwrap_or(Value::Null)
}

/// `2027-01-31T12:00:00.000000Z`.
fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string()
}

/// `YYYY-MM-DD` and nothing else.
pub(super) fn read_date(text: &str) -> Option<Date> {
    let shaped = text.len() == 10
        && text.bytes().enumerate().all(|(i, b)| match i {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    if shaped { text.parse().ok() } else { None }
}

/// The day on the vendor's clock (guess: an hour before UTC's day begins).
pub(super) fn local_day(at: Timestamp) -> Date {
    at.to_zoned(Offset::constant(1).to_time_zone()).date()
}
