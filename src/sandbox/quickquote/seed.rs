//! The shop that the sandbox starts with: catalogue, staff, custom fields, a few quotes.

use serde::Deserialize;

use super::QuickQuote;
use super::body::Body;
use crate::facts::Plain;
use crate::money::Amount;
use crate::sandbox::machine::SandboxError;

const SEED: &str = include_str!("seed.yaml");

/// A sellable variant of a product.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    pub(super) id: i64,
    #[serde(rename = "product_id")]
    pub(super) product: i64,
    pub(super) title: String,
    #[serde(default, rename = "variant_title")]
    pub(super) option: String,
    pub(super) price: Amount,
    pub(super) sku: Option<String>,
    pub(super) image: Option<String>,
    pub(super) grams: Option<i64>,
    #[serde(default)]
    pub(super) requires_shipping: bool,
}

/// One of the staff.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Assignee {
    pub(super) id: i64,
    pub(super) name: String,
}

/// What a custom field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FieldKind {
    Text,
    Radio,
    Dropdown,
    Checklist,
    Date,
    Address,
}

/// A custom field of the quote form.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) id: i64,
    pub(super) name: String,
    pub(super) kind: FieldKind,
    #[serde(default)]
    pub(super) options: Vec<String>,
}

impl Field {
    /// The value as it is kept; `None` where it does not fit.
    pub(super) fn accept(&self, value: &Plain) -> Option<Plain> {
        let text = match value {
            Plain::Text(text) => Some(text.as_str()).filter(|t| !t.is_empty()),
            _ => None,
        };
        let one = |t: &str| self.options.iter().any(|o| o == t);
        let fits = match self.kind {
            FieldKind::Text => text.is_some(),
            FieldKind::Radio | FieldKind::Dropdown => text.is_some_and(one),
            FieldKind::Checklist => text.is_some_and(|t| t.split(',').all(|o| one(o.trim()))),
            FieldKind::Date => return iso(text?).map(Plain::Text),
            FieldKind::Address => {
                // An address may also come as JSON text.
                let parsed = text.and_then(|t| crate::json::read(t.as_bytes()).ok());
                let map = parsed.as_ref().unwrap_or(value);
                return is_address(map).then(|| map.clone());
            }
        };
        fits.then(|| value.clone())
    }
}

/// `YYYY-MM-DD` or `MM-DD-YYYY` as the former.
fn iso(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('-').collect();
    let [a, b, c] = parts.as_slice() else { return None };
    let iso = if a.len() == 4 { text.to_owned() } else { format!("{c}-{a}-{b}") };
    iso.parse::<jiff::civil::Date>().ok().map(|d| d.to_string())
}

fn is_address(plain: &Plain) -> bool {
    const KEYS: [&str; 7] = [
        "city",
        "country",
        "countryName",
        "line1",
        "postalOrZip",
        "provinceOrState",
        "provinceOrStateName",
    ];
    let Plain::Map(map) = plain else { return false };
    let country = map.get("country").and_then(Plain::scalar);
    map.keys().all(|k| KEYS.contains(&k.as_str()))
        && map.values().all(|v| matches!(v, Plain::Text(_)))
        && country.is_none_or(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_lowercase()))
}

/// What the shop has besides quotes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shop {
    pub(super) variants: Vec<Variant>,
    pub(super) assignees: Vec<Assignee>,
    pub(super) fields: Vec<Field>,
    /// Quotes in the write shape, as JSON.
    quotes: Vec<String>,
}

impl Shop {
    pub(super) fn read() -> Result<Self, SandboxError> {
        serde_yaml::from_str(SEED)
            .map_err(|e| SandboxError::Unreadable { what: "seed", message: e.to_string() })
    }

    pub(super) fn variant(&self, id: i64) -> Option<&Variant> {
        self.variants.iter().find(|v| v.id == id)
    }

    pub(super) fn assignee(&self, id: i64) -> Option<&str> {
        self.assignees.iter().find(|a| a.id == id).map(|a| a.name.as_str())
    }

    pub(super) fn field(&self, id: i64) -> Option<&Field> {
        self.fields.iter().find(|f| f.id == id)
    }
}

impl QuickQuote {
    /// Puts the seeded quotes in place.
    pub(super) fn plant(&mut self) -> Result<(), SandboxError> {
        self.data.next_quote = 2_116_301;
        self.data.next_number = 1_041;
        self.data.next_line = 24_234;
        self.data.next_property = 7_001;
        self.data.next_order = 1_042;
        let bad = |message: String| SandboxError::Unreadable { what: "seed", message };
        for json in self.shop.quotes.clone() {
            let plain =
                crate::json::read(json.as_bytes()).ok().ok_or_else(|| bad("no JSON".to_owned()))?;
            let body = Body::of(&plain).map_err(|r| bad(r.message))?;
            self.make(&body, jiff::Timestamp::UNIX_EPOCH).map_err(|r| bad(r.message))?;
        }
        Ok(())
    }
}
