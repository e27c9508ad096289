//! What HubSpot can hold: the one table behind checks, facts, wire and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] lists the properties of quotes and their parts with type, mode and the neutral word
//! that says the same. A portal's own definitions ([`super::portal`]) win over [`NATIVE`] where
//! they are known; custom properties are only there.
//!
//! Source of the marks: `guide` = HubSpot's public guides and API descriptions, `field` = reported
//! from live portals, not promised by HubSpot.

use super::operation::Object::{self, Discount, Fee, LineItem, Quote, Tax};
use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{Handling, Kind, Mode, NativeField, NeutralField, Sheet};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField { path, handling }
}

/// Every neutral field of a manifest.
pub const NEUTRAL: &[NeutralField] = &[
    field("title", Sent("hs_title")),
    field("expires", Sent("hs_expiration_date")),
    field("currency", Sent("hs_currency, hs_line_item_currency_code")),
    field("state", Sent("hs_status")),
    field("customer.email", Sent("the contact with this e-mail address")),
    field("customer.id", Sent("the contact's id")),
    field("customer.first_name", Local("HubSpot shows the contact's own first name")),
    field("customer.last_name", Local("HubSpot shows the contact's own last name")),
    field("customer.name", Local("HubSpot shows the contact's own name")),
    field("customer.company", Local("use `company` for the company on the quote")),
    field("customer.phone", Local("HubSpot keeps it on the contact")),
    field("contacts", Sent("contacts linked with the quote")),
    field("owner", Sent("hs_quote_owner_id")),
    field("company", Sent("the company linked with the quote")),
    field("deal", Sent("the deal linked with the quote")),
    field("template", Sent("the quote template linked with the quote")),
    field("items[].key", Local("identity inside the manifest")),
    field("items[].product", Local("its `hubspot.hs_product_id` is sent")),
    field("items[].name", Sent("name")),
    field("items[].description", Sent("description")),
    field("items[].sku", Sent("hs_sku")),
    field("items[].quantity", Sent("quantity")),
    field("items[].price", Sent("price")),
    field("items[].discount.percent", Sent("hs_discount_percentage")),
    field("items[].discount.amount", Sent("discount, per unit")),
    field(
        "items[].discount.label",
        Refused("HubSpot has no reason for a line's discount: put it into `description`"),
    ),
    field(
        "items[].taxable",
        Refused("name the tax rate: `hubspot: { hs_tax_rate_group_id: .. }` on the item"),
    ),
    field("items[].recurring.every", Sent("recurringbillingfrequency")),
    field("items[].recurring.for", Sent("hs_recurring_billing_period")),
    field(
        "items[].properties",
        Refused(
            "put them into `description`, or into a custom property of line items in the item's `hubspot:` block",
        ),
    ),
    field("discounts", Sent("discount records: hs_label, hs_type, hs_value, hs_sort_order")),
    field("fees", Sent("fee records: hs_label, hs_type, hs_value, hs_sort_order")),
    field("taxes", Sent("tax records: hs_label, hs_type, hs_value, hs_sort_order")),
    field("shipping", Refused("write it as one of `fees` or as an item")),
    field("notes.public", Sent("hs_comments")),
    field("notes.terms", Sent("hs_terms")),
    field("notes.internal", Local("HubSpot quotes have no staff-only note")),
    field(
        "notes.customer",
        Refused("HubSpot quotes have no remarks by the customer: use `notes.public`"),
    ),
    field("tags", Local("HubSpot quotes have no tags")),
    field("fields", Sent("custom properties of the quote, by name or label")),
    field(
        "delivery",
        Refused(
            "HubSpot's API sends no messages: use `delivery: { channel: none }`, publish, and send the link yourself",
        ),
    ),
    field(
        "alternatives",
        Refused("HubSpot quotes have no alternatives: make one manifest for each"),
    ),
];

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
    w("hs_duration", D, Shape::Choice(&["ONCE"]), "guide"),
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
    w("hs_sender_company_image_url", Q, Shape::Text, "field"),
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

/// The known property of a type of record.
pub fn native(object: Object, name: &str) -> Option<&'static Native> {
    NATIVE.iter().find(|n| n.name == name && n.objects.contains(&object))
}

/// What becomes of a neutral field.
pub fn neutral(path: &str) -> Option<&'static NeutralField> {
    NEUTRAL.iter().find(|f| f.path == path)
}

/// The property that holds a field of a quote or of one of its parts (`title`, `price`,
/// `hubspot.hs_language`, `fields[x]`). `None` for links and for fields that take several.
pub fn property_of(object: Object, field: &str) -> Option<&str> {
    if let Some(name) = field.strip_prefix("hubspot.") {
        return Some(name);
    }
    if let Some(name) = field.strip_prefix("fields[") {
        return name.strip_suffix(']');
    }
    Some(match (object, field) {
        (Quote, "title") => "hs_title",
        (Quote, "expires") => "hs_expiration_date",
        (Quote, "currency") => "hs_currency",
        (Quote, "owner") => "hs_quote_owner_id",
        (Quote, "notes.public") => "hs_comments",
        (Quote, "notes.terms") => "hs_terms",
        (LineItem, "name") => "name",
        (LineItem, "description") => "description",
        (LineItem, "sku") => "hs_sku",
        (LineItem, "quantity") => "quantity",
        (LineItem, "price") => "price",
        (LineItem, "discount.percent") => "hs_discount_percentage",
        (LineItem, "discount.amount") => "discount",
        (LineItem, "recurring.every") => "recurringbillingfrequency",
        (LineItem, "recurring.for") => "hs_recurring_billing_period",
        (LineItem, "position") => "hs_position_on_quote",
        (LineItem, "currency") => "hs_line_item_currency_code",
        (Discount | Fee | Tax, "label") => "hs_label",
        (Discount | Fee | Tax, "position") => "hs_sort_order",
        _ => return None,
    })
}

/// The record behind the field of a quote that is a link (`deal`, `contacts[1]`).
pub fn link_of(path: &str) -> Option<Object> {
    match path {
        "deal" => Some(Object::Deal),
        "company" => Some(Object::Company),
        "template" => Some(Object::Template),
        _ => path.starts_with("contacts[").then_some(Object::Contact),
    }
}

/// Properties of a quote that are always read.
pub const READ_QUOTE: &[&str] = &[
    "hs_title",
    "hs_expiration_date",
    "hs_status",
    "hs_currency",
    "hs_quote_owner_id",
    "hs_comments",
    "hs_terms",
    "hs_locked",
    "hs_quote_amount",
    "hs_quote_link",
    "hs_pdf_download_link",
    "hs_lastmodifieddate",
];

/// Properties of a part that are always read.
pub fn read_part(object: Object) -> &'static [&'static str] {
    match object {
        LineItem => &[
            "name",
            "description",
            "hs_sku",
            "quantity",
            "price",
            "hs_discount_percentage",
            "discount",
            "recurringbillingfrequency",
            "hs_recurring_billing_period",
            "hs_position_on_quote",
            "hs_line_item_currency_code",
            "hs_tax_rate_group_id",
            "createdate",
            "hs_lastmodifieddate",
        ],
        Discount | Fee | Tax => &[
            "hs_label",
            "hs_type",
            "hs_value",
            "hs_sort_order",
            "hs_createdate",
            "hs_lastmodifieddate",
        ],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_property_or_field_is_listed_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for n in NATIVE {
            for object in n.objects {
                assert!(seen.insert((object, n.name)), "{object:?} {}", n.name);
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for f in NEUTRAL {
            assert!(seen.insert(f.path), "{}", f.path);
        }
    }

    #[test]
    fn every_sent_property_is_known_and_names_its_word() {
        let fields: [(Object, &[&str]); 3] = [
            (Quote, &["title", "expires", "currency", "owner", "notes.public", "notes.terms"]),
            (
                LineItem,
                &[
                    "name",
                    "description",
                    "sku",
                    "quantity",
                    "price",
                    "discount.percent",
                    "discount.amount",
                    "recurring.every",
                    "recurring.for",
                    "position",
                    "currency",
                ],
            ),
            (Fee, &["label", "position"]),
        ];
        for (object, names) in fields {
            for name in names {
                let property = property_of(object, name).unwrap();
                let known = native(object, property).unwrap();
                assert_eq!(known.mode, Mode::Writable, "{property}");
                assert!(known.word.is_some(), "{property}");
            }
        }
        assert_eq!(property_of(Quote, "hubspot.hs_language"), Some("hs_language"));
        assert_eq!(property_of(Quote, "fields[region]"), Some("region"));
        assert_eq!(property_of(Quote, "deal"), None);
    }

    #[test]
    fn what_is_read_is_known() {
        for name in READ_QUOTE {
            assert!(native(Quote, name).is_some(), "{name}");
        }
        for object in Object::PARTS {
            for name in read_part(object) {
                assert!(native(object, name).is_some(), "{object:?} {name}");
            }
        }
    }

    #[test]
    fn links_are_recognised_by_path() {
        assert_eq!(link_of("contacts[12]"), Some(Object::Contact));
        assert_eq!(link_of("deal"), Some(Object::Deal));
        assert_eq!(link_of("title"), None);
        assert!(matches!(neutral("shipping").map(|f| f.handling), Some(Refused(_))));
    }
}

/// The whole table, for readers.
pub fn sheet(dialect: &dyn crate::provider::Dialect) -> Sheet {
    Sheet {
        name: "hubspot",
        title: "HubSpot quotes",
        summary: "creates, edits, publishes, withdraws and archives; locked once published",
        neutral: NEUTRAL.to_vec(),
        native: NATIVE
            .iter()
            .map(|native| NativeField {
                name: native.name,
                on: native.objects.iter().map(|o| o.word()).collect(),
                kind: native.shape.kind(),
                mode: native.mode,
                word: native.word,
                source: native.source,
            })
            .collect(),
        states: Sheet::states_of(dialect, super::status::word_of),
    }
}
