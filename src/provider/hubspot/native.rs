//! The properties of HubSpot's quotes and their parts, as data.
//!
//! Purpose: type, mode and source of every native property, with the neutral word that says the
//! same. Mind: a portal's own definitions win where they are known ([`super::portal`]), and custom
//! properties are only there.
//!
//! Source of the marks: `guide` = HubSpot's public guides and API descriptions, `field` = reported
//! from live portals, not promised by HubSpot.

use super::operation::Object::{self, Discount, Fee, LineItem, Quote, Tax};
use crate::provider::capability::{Kind, Mode};

/// A property of HubSpot's own.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Its internal name.
    pub name: &'static str,
    /// The records that have it.
    pub objects: &'static [Object],
    /// Its type.
    pub shape: Shape,
    /// Whether the API may write it.
    pub mode: Mode,
    /// The neutral word (or setting) that says the same.
    pub word: Option<&'static str>,
    /// Where that is known from.
    pub source: &'static str,
}

/// A type as a constant can hold it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// HTML.
    Html,
    /// Decimal.
    Number,
    /// Yes or no.
    Bool,
    /// Civil date.
    Date,
    /// Point in time.
    DateTime,
    /// One of these; empty = only the portal knows.
    Choice(&'static [&'static str]),
    /// Several of these.
    Choices(&'static [&'static str]),
}

impl Shape {
    /// The type as values are read by it.
    pub fn kind(self) -> Kind {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        match self {
            Self::Text => Kind::Text,
            Self::Html => Kind::Html,
            Self::Number => Kind::Number,
            Self::Bool => Kind::Bool,
            Self::Date => Kind::Date,
            Self::DateTime => Kind::DateTime,
            Self::Choice(words) => Kind::Choice(owned(words)),
            Self::Choices(words) => Kind::Choices(owned(words)),
        }
    }
}

const Q: &[Object] = &[Quote];
const L: &[Object] = &[LineItem];
const A: &[Object] = &[Discount, Fee, Tax];
const D: &[Object] = &[Discount];
const ALL: &[Object] = &[Quote, LineItem, Discount, Fee, Tax];

const fn w(
    name: &'static str,
    objects: &'static [Object],
    shape: Shape,
    source: &'static str,
) -> Native {
    Native { name, objects, shape, mode: Mode::Writable, word: None, source }
}

const fn said(
    name: &'static str,
    objects: &'static [Object],
    shape: Shape,
    word: &'static str,
) -> Native {
    Native { name, objects, shape, mode: Mode::Writable, word: Some(word), source: "guide" }
}

const fn r(
    name: &'static str,
    objects: &'static [Object],
    shape: Shape,
    source: &'static str,
) -> Native {
    Native { name, objects, shape, mode: Mode::ReadOnly, word: None, source }
}

/// The values of `recurringbillingfrequency` with the cycle that each stands for.
pub const FREQUENCIES: &[(&str, &str)] = &[
    ("weekly", "week"),
    ("biweekly", "2 weeks"),
    ("monthly", "month"),
    ("quarterly", "quarter"),
    ("per_six_months", "6 months"),
    ("annually", "year"),
    ("per_two_years", "2 years"),
    ("per_three_years", "3 years"),
    ("per_four_years", "4 years"),
    ("per_five_years", "5 years"),
];

/// The known properties of quotes and their parts.
pub const NATIVE: &[Native] = &[
    // What a neutral word says.
    said("hs_title", Q, Shape::Text, "title"),
    said("hs_expiration_date", Q, Shape::Date, "expires"),
    said(
        "hs_status",
        Q,
        Shape::Choice(&[
            "DRAFT",
            "PENDING_APPROVAL",
            "APPROVED",
            "APPROVAL_NOT_NEEDED",
            "REJECTED",
        ]),
        "state",
    ),
    said("hs_currency", Q, Shape::Text, "currency"),
    said("hs_quote_owner_id", Q, Shape::Text, "owner"),
    said("hs_comments", Q, Shape::Html, "notes.public"),
    said("hs_terms", Q, Shape::Html, "notes.terms"),
    said("name", L, Shape::Text, "name"),
    said("description", L, Shape::Text, "description"),
    said("hs_sku", L, Shape::Text, "sku"),
    said("quantity", L, Shape::Number, "quantity"),
    said("price", L, Shape::Number, "price"),
    said("hs_discount_percentage", L, Shape::Number, "discount"),
    said("discount", L, Shape::Number, "discount"),
    said("recurringbillingfrequency", L, Shape::Choice(&[]), "recurring.every"),
    said("hs_recurring_billing_period", L, Shape::Text, "recurring.for"),
    said("hs_line_item_currency_code", L, Shape::Text, "currency"),
    said("hs_position_on_quote", L, Shape::Number, "the order of `items`"),
    said("hs_label", A, Shape::Text, "label"),
    said("hs_type", A, Shape::Choice(&["FIXED", "PERCENT"]), "percent or amount"),
    said("hs_value", A, Shape::Number, "percent or amount"),
    said("hs_sort_order", A, Shape::Number, "the order of the list"),
    said(
        "hs_duration",
        D,
        Shape::Choice(&["ONCE"]),
        "proforma itself: `ONCE`, the API has no other",
    ),
    // Quotes.
    w("hs_template_type", Q, Shape::Choice(&["CUSTOMIZABLE_QUOTE_TEMPLATE", "CPQ_QUOTE"]), "guide"),
    w("hs_type", Q, Shape::Choice(&["INITIAL", "CHANGE", "RENEWAL"]), "field"),
    w("hs_quote_total_preference", Q, Shape::Text, "guide"),
    w("hs_domain", Q, Shape::Text, "guide"),
    w("hs_slug", Q, Shape::Text, "guide"),
    r("hs_timezone", Q, Shape::Text, "guide"),
    w("hs_locale", Q, Shape::Text, "guide"),
    w("hs_language", Q, Shape::Text, "guide"),
    w("hs_quote_number", Q, Shape::Text, "guide"),
    w("hs_sender_firstname", Q, Shape::Text, "guide"),
    w("hs_sender_lastname", Q, Shape::Text, "guide"),
    w("hs_sender_email", Q, Shape::Text, "guide"),
    w("hs_sender_phone", Q, Shape::Text, "field"),
    w("hs_sender_company_name", Q, Shape::Text, "guide"),
    w("hs_sender_company_domain", Q, Shape::Text, "field"),
    w("hs_sender_company_address", Q, Shape::Text, "field"),
    w("hs_sender_company_address2", Q, Shape::Text, "field"),
    w("hs_sender_company_city", Q, Shape::Text, "field"),
    w("hs_sender_company_state", Q, Shape::Text, "field"),
    w("hs_sender_company_zip", Q, Shape::Text, "field"),
    w("hs_sender_company_country", Q, Shape::Text, "field"),
    w("hs_sender_image_url", Q, Shape::Text, "field"),
    w("hs_esign_enabled", Q, Shape::Bool, "guide"),
    w("hs_payment_enabled", Q, Shape::Bool, "guide"),
    w("hs_payment_type", Q, Shape::Choice(&["HUBSPOT", "BYO_STRIPE"]), "guide"),
    w(
        "hs_allowed_payment_methods",
        Q,
        Shape::Choices(&["CREDIT_OR_DEBIT_CARD", "ACH", "SEPA", "BACS", "PADS"]),
        "guide",
    ),
    w("hs_collect_billing_address", Q, Shape::Bool, "guide"),
    w("hs_collect_shipping_address", Q, Shape::Bool, "guide"),
    w(
        "hs_acceptance_method",
        Q,
        Shape::Choice(&["clickwrap", "esignature", "print_and_sign"]),
        "guide, CPQ",
    ),
    w("hs_billing_enabled", Q, Shape::Bool, "guide, CPQ"),
    w("hs_collection_process", Q, Shape::Text, "guide, CPQ"),
    w("hs_cover_letter", Q, Shape::Html, "guide, CPQ"),
    w("hs_net_payment_terms", Q, Shape::Number, "guide, CPQ"),
    w("hs_contract_effective_start_date", Q, Shape::Date, "guide, CPQ"),
    w(
        "hs_contract_effective_start_date_type",
        Q,
        Shape::Choice(&["ON_AGREEMENT", "CUSTOM", "DELAYED_BY_DAYS", "DELAYED_BY_MONTHS"]),
        "guide, CPQ",
    ),
    w("hs_contract_effective_start_date_delayed_by_days", Q, Shape::Number, "guide, CPQ"),
    w("hs_contract_effective_start_date_delayed_by_months", Q, Shape::Number, "guide, CPQ"),
    r("hs_clickwrap_accepted_by", Q, Shape::Text, "guide, CPQ"),
    r("hs_quote_amount", Q, Shape::Number, "guide"),
    r("hs_pdf_download_link", Q, Shape::Text, "guide"),
    r("hs_quote_link", Q, Shape::Text, "guide"),
    r("hs_locked", Q, Shape::Bool, "guide"),
    r("hs_public_url_key", Q, Shape::Text, "guide"),
    Native { word: Some("owner"), ..r("hubspot_owner_id", Q, Shape::Text, "guide") },
    r("hs_associated_deal_owner_id", Q, Shape::Text, "guide"),
    r("hs_esign_num_signers_required", Q, Shape::Number, "guide"),
    r("hs_payment_status", Q, Shape::Choice(&[]), "guide"),
    r("hs_payment_date", Q, Shape::DateTime, "guide"),
    // Line items.
    w("hs_product_id", L, Shape::Text, "guide"),
    w("hs_tax_rate_group_id", L, Shape::Text, "guide"),
    w("hs_recurring_billing_start_date", L, Shape::Date, "guide"),
    w("hs_recurring_billing_end_date", L, Shape::Date, "guide"),
    w("hs_billing_start_delay_type", L, Shape::Choice(&[]), "field"),
    w("hs_billing_start_delay_days", L, Shape::Number, "field"),
    w("hs_billing_start_delay_months", L, Shape::Number, "field"),
    w("hs_pricing_model", L, Shape::Choice(&[]), "guide"),
    w("hs_tier_ranges", L, Shape::Text, "guide"),
    w("hs_tier_prices", L, Shape::Text, "guide"),
    r("amount", L, Shape::Number, "guide"),
    r("hs_pre_discount_amount", L, Shape::Number, "field"),
    r("hs_total_discount", L, Shape::Number, "field"),
    r("hs_tax_amount", L, Shape::Number, "field"),
    r("hs_post_tax_amount", L, Shape::Number, "field"),
    r("hs_tcv", L, Shape::Number, "field"),
    r("hs_acv", L, Shape::Number, "field"),
    r("hs_arr", L, Shape::Number, "field"),
    r("hs_mrr", L, Shape::Number, "field"),
    r("hs_margin", L, Shape::Number, "field"),
    r("hs_margin_acv", L, Shape::Number, "field"),
    r("hs_margin_arr", L, Shape::Number, "field"),
    r("hs_margin_mrr", L, Shape::Number, "field"),
    r("hs_margin_tcv", L, Shape::Number, "field"),
    r("hs_recurring_billing_number_of_payments", L, Shape::Number, "field"),
    r("createdate", L, Shape::DateTime, "guide"),
    r("hs_object_id", ALL, Shape::Text, "guide"),
    r("hs_createdate", ALL, Shape::DateTime, "guide"),
    r("hs_lastmodifieddate", ALL, Shape::DateTime, "guide"),
];
