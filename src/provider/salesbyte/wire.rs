//! The shapes on SalesByte's wire.
//!
//! Invariants: a request is what the operation holds, plus the uuid. Answers are read leniently
//! (all but the identity may be missing), money and field values with their digits.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::value::write_json;
use crate::facts::Plain;
use crate::http::Secret;
use crate::key::RemoteId;

/// Where quotes are made.
pub const CREATE: &str = "/integrations/create_quote";
/// Where quotes are read.
pub const QUOTES: &str = "/api/quotes";

/// The body of a creation.
pub fn body(uuid: &Secret, fields: &BTreeMap<String, Plain>) -> Bytes {
    let mut whole = fields.clone();
    whole.insert("uuid".to_owned(), Plain::Text(uuid.expose().to_owned()));
    let mut out = String::new();
    write_json(&Plain::Map(whole), &mut out);
    Bytes::from(out)
}

/// The answer to a creation.
#[derive(Debug, Deserialize)]
pub struct Created {
    /// SalesByte's number.
    #[serde(default)]
    pub id: Option<u64>,
    /// Links by name.
    #[serde(default)]
    pub links: BTreeMap<String, Option<String>>,
}

impl Created {
    /// The public key, by which a quote is read: the last segment of the customer's link.
    pub fn key(&self) -> Option<RemoteId> {
        self.links.get("customer_view").and_then(Option::as_deref).and_then(key_of_link)
    }
}

/// The public key in a link of a quote.
pub fn key_of_link(link: &str) -> Option<RemoteId> {
    let path = link.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (before, key) = path.rsplit_once('/')?;
    let plain = !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    // `https://host` has a last segment too, and it is no key.
    let inside = before.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    (plain && inside).then(|| RemoteId::parse(key)).flatten()
}

/// A quote as it is read, or a row of the list.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// SalesByte's number.
    #[serde(default)]
    pub id: Option<u64>,
    /// The public key.
    #[serde(default)]
    pub key: Option<String>,
    /// The customer's name.
    #[serde(default)]
    pub customer_name: Option<String>,
    /// The customer's company.
    #[serde(default)]
    pub customer_company: Option<String>,
    /// The customer's phone number.
    #[serde(default)]
    pub customer_phone: Option<String>,
    /// The customer's address.
    #[serde(default)]
    pub customer_email: Option<String>,
    /// Values by label. The list may leave them out.
    #[serde(default)]
    pub custom_fields: Option<Fields>,
    /// The total with VAT.
    #[serde(default)]
    pub quote_value: Option<Box<RawValue>>,
    /// Whose quote it is.
    #[serde(default)]
    pub salesperson: Option<Salesperson>,
    /// Somebody signed.
    #[serde(default)]
    pub is_signed: Option<bool>,
    /// Everybody signed.
    #[serde(default)]
    pub is_fully_signed: Option<bool>,
    /// Somebody else must sign.
    #[serde(default)]
    pub requires_more_signatures: Option<bool>,
    /// A project approval is asked for.
    #[serde(default)]
    pub is_project_approval_pending: Option<bool>,
    /// A project approval was given.
    #[serde(default)]
    pub is_project_approval_signed: Option<bool>,
    /// Words that SalesByte does not list anywhere.
    #[serde(default)]
    pub statuses: Option<Vec<String>>,
    /// Links by name.
    #[serde(default)]
    pub links: BTreeMap<String, Option<String>>,
}

/// Custom fields: an object by label, or (where the framework has nothing to say) an empty list.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct Fields(Box<RawValue>);

impl Fields {
    /// Values by label.
    pub fn by_label(&self) -> BTreeMap<String, Plain> {
        let raw: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(self.0.get()).unwrap_or_default();
        raw.into_iter().map(|(label, value)| (label, super::value::read_json(&value))).collect()
    }
}

/// A salesperson of a record.
#[derive(Debug, Deserialize)]
pub struct Salesperson {
    /// The address.
    #[serde(default)]
    pub email: Option<String>,
}

/// A page of the list.
#[derive(Debug, Deserialize)]
pub struct Page {
    /// The rows.
    pub data: Vec<Record>,
    /// How many pages there are, where it is told.
    #[serde(default)]
    pub meta: Option<Meta>,
}

/// A page of the list of which each row stands for itself.
#[derive(Debug, Deserialize)]
pub struct Rows {
    /// The rows.
    pub data: Vec<Box<RawValue>>,
    /// How many pages there are, where it is told.
    #[serde(default)]
    pub meta: Option<Meta>,
}

/// When a row was made.
#[derive(Debug, Deserialize)]
pub struct Made {
    /// ISO 8601, UTC.
    #[serde(default)]
    pub created_at: Option<String>,
}

/// The paging block.
#[derive(Debug, Deserialize)]
pub struct Meta {
    /// The number of the last page.
    #[serde(default)]
    pub last_page: Option<u64>,
}

/// An error in one of its envelopes; see [`ErrorBody::words`].
#[derive(Debug, Default, Deserialize)]
pub struct ErrorBody {
    /// A short code.
    #[serde(default)]
    pub code: Option<serde_json::Value>,
    /// A sentence.
    #[serde(default)]
    pub message: Option<String>,
    /// More, in a shape that is not documented.
    #[serde(default)]
    pub details: Option<serde_json::Value>,
    /// Problems by field.
    #[serde(default)]
    pub errors: Option<serde_json::Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_the_last_segment_of_the_customers_link() {
        let key = |link: &str| key_of_link(link).map(|k| k.to_string());
        assert_eq!(key("http://localhost/view/hLcb1234567890").as_deref(), Some("hLcb1234567890"));
        assert_eq!(key("https://a.example/view/k1?project_approval=1").as_deref(), Some("k1"));
        assert_eq!(key("https://a.example/salesbyte/view/k1/").as_deref(), Some("k1"));
        for bad in [
            "",
            "k1",
            "https://a.example",
            "https://a.example/",
            "/view/k1",
            "https://a.example/view/k 1",
        ] {
            assert_eq!(key(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_record_may_lack_nearly_everything() {
        let record: Record = serde_json::from_str(r#"{"key":"k","custom_fields":[]}"#).unwrap();
        assert!(record.custom_fields.unwrap().by_label().is_empty());
        let record: Record =
            serde_json::from_str(r#"{"custom_fields":{"A":1.50,"B":null},"quote_value":12.30}"#)
                .unwrap();
        assert_eq!(record.quote_value.unwrap().get(), "12.30");
        assert_eq!(record.custom_fields.unwrap().by_label()["A"].to_string(), "1.5");
    }

    #[test]
    fn the_uuid_goes_into_the_body_and_nowhere_else() {
        let uuid = Secret::new("s-e-c".to_owned()).unwrap();
        let fields = BTreeMap::from([("customer_name".to_owned(), Plain::Text("Jo".into()))]);
        let json = body(&uuid, &fields);
        assert_eq!(json, Bytes::from_static(br#"{"customer_name":"Jo","uuid":"s-e-c"}"#));
    }
}
