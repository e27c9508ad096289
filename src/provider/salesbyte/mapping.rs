//! What SalesByte can hold: the one table behind checks, facts, wire and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] lists every field of a creation, and what can only be read, with type, mode, the
//! neutral word that says the same, and whether it can be read back at all.
//!
//! The one thing to know: prices, quantities and discounts are SalesByte's own. A manifest names
//! bundles or SKUs, and what it says about money is refused, because it could not be kept.

use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{
    Form, Handling, Mode, NEW, NativeField, NeutralField, Sheet, Window,
};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField::new(path, handling)
}

const NO_PRICES: &str = "SalesByte takes the price of its own product: remove it (`price: null` where the catalog gives one), or make a bundle with the price and name it with `salesbyte: { bundle_id: .. }`";
const NO_ADJUSTMENTS: &str =
    "SalesByte takes no money from outside: make a bundle that has it, and name that";
const NO_CONTENT: &str = "what SalesByte's messages hold is set in the quote profile: remove it";

/// The provider as people call it, in messages.
pub const TITLE: &str = "SalesByte";

/// Every neutral field of a manifest.
pub const NEUTRAL: &[NeutralField] = &[
    field("title", Local("SalesByte quotes have no title")),
    field("expires", Sent("signable_until")).unread(),
    field(
        "currency",
        Local("asserted: SalesByte's products have it, the connection's `currency` tells it"),
    ),
    field("state", Sent("send_type, at creation")),
    field("customer.email", Sent("customer_email")),
    field(
        "customer.id",
        Local("SalesByte has no customer records: name, e-mail and phone are sent"),
    ),
    field("customer.first_name", Sent("customer_name, unless `customer.name` is written")),
    field("customer.last_name", Sent("customer_name, unless `customer.name` is written")),
    field("customer.name", Sent("customer_name")),
    field("customer.company", Sent("customer_company")),
    field("customer.phone", Sent("customer_phone")),
    field("contacts", Refused("a SalesByte quote has one customer: make one manifest for each")),
    field("owner", Sent("salesperson_email")),
    field(
        "company",
        Local("SalesByte has no company records: the customer sees `customer.company`"),
    ),
    field("deal", Local("SalesByte has no deals")),
    field(
        "template",
        Refused(
            "the layout is the quote profile's: `quote_profile_id` on the connection, or `salesbyte: { quote_profile_id: .. }`",
        ),
    ),
    field("items[].key", Local("identity inside the manifest")),
    field("items[].product", Local("its `salesbyte.sku` or `salesbyte.bundle_id` is sent")),
    field("items[].name", Local("the customer sees the name of SalesByte's product")),
    field("items[].description", Local("the customer sees the description of SalesByte's product")),
    field("items[].sku", Sent("alternatives[].skus")).unread(),
    field(
        "items[].quantity",
        Refused(
            "SalesByte has no quantities: make a bundle that holds them, and name it with `salesbyte: { bundle_id: .. }`",
        ),
    ),
    field("items[].price", Refused(NO_PRICES)),
    field("items[].discount", Refused(NO_PRICES)),
    field(
        "items[].taxable",
        Refused("SalesByte's products have their own tax: remove it (`taxable: null`)"),
    ),
    field(
        "items[].recurring",
        Refused("SalesByte's products say how they are billed: remove it (`recurring: null`)"),
    ),
    field("items[].properties", Refused("put them into `fields` of the quote")),
    field("discounts", Refused(NO_ADJUSTMENTS)),
    field("fees", Refused(NO_ADJUSTMENTS)),
    field("taxes", Refused(NO_ADJUSTMENTS)),
    field("shipping", Refused(NO_ADJUSTMENTS)),
    field("notes.public", Sent("message")).unread(),
    field(
        "notes.terms",
        Refused(
            "terms belong to the quote profile in SalesByte: put them there, or into `notes.public`",
        ),
    ),
    field("notes.internal", Local("SalesByte's API takes no staff-only note")),
    field(
        "notes.customer",
        Refused("SalesByte quotes have no remarks by the customer: use `notes.public`"),
    ),
    field("tags", Sent("tag_1 .. tag_10")).unread(),
    field("fields", Sent("custom_fields.NAME.value")),
    field("delivery.channel", Sent("send_type")).unread(),
    field("delivery.message", Sent("message")).unread(),
    field("delivery.include_pdf", Refused(NO_CONTENT)),
    field("delivery.include_link", Refused(NO_CONTENT)),
    field("delivery.copy_owner", Refused(NO_CONTENT)),
    field("alternatives", Sent("alternatives")).unread(),
];

/// The type of a native field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number above 0.
    Whole,
    /// Yes or no; `1` and `0` are read as such.
    Flag,
    /// A civil date.
    Date,
    /// A number or nothing.
    Number,
    /// `{ name: { attribute: {..}, label: .. } }`.
    CustomFields,
    /// Anything else that is only read.
    Structure,
}

impl Native {
    /// The type as readers are told it.
    pub fn form(&self) -> Form {
        match self.shape {
            Shape::Text => Form::TEXT,
            Shape::Whole => Form::Whole,
            Shape::Number => Form::NUMBER,
            Shape::Flag => Form::BOOL,
            Shape::Date => Form::DATE,
            Shape::CustomFields => {
                let flags = ["required", "editableByContact", "hideFromContact"];
                let flags = Form::record(flags.map(|name| (name, Form::BOOL)));
                Form::map(Form::record([("value", Form::Any), ("attribute", flags)]))
            }
            Shape::Structure => structure(self.name),
        }
    }
}

/// The members of a structure.
fn structure(name: &str) -> Form {
    match name {
        "alternatives" => Form::list(Form::record([
            ("bundle_id", Form::Whole),
            ("skus", Form::list(Form::TEXT)),
            ("title", Form::TEXT),
            ("sort_order", Form::Whole),
        ])),
        "links" => Form::map(Form::TEXT),
        "salesperson" => Form::record([("name", Form::TEXT), ("email", Form::TEXT)]),
        "statuses" => Form::list(Form::TEXT),
        _ => Form::Any,
    }
}

/// A field of SalesByte's own.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Its name in the request.
    pub name: &'static str,
    /// Its type.
    pub shape: Shape,
    /// Whether a creation may carry it.
    pub mode: Mode,
    /// The neutral word (or setting) that says the same.
    pub word: Option<&'static str>,
    /// Whether SalesByte tells it again.
    pub readable: bool,
}

const fn w(name: &'static str, shape: Shape) -> Native {
    Native { name, shape, mode: Mode::Writable, word: None, readable: false }
}

const fn said(name: &'static str, shape: Shape, word: &'static str, readable: bool) -> Native {
    Native { name, shape, mode: Mode::Writable, word: Some(word), readable }
}

const fn r(name: &'static str, shape: Shape) -> Native {
    Native { name, shape, mode: Mode::ReadOnly, word: None, readable: true }
}

impl Native {
    /// The same, but never looked at.
    const fn unread(mut self) -> Self {
        self.readable = false;
        self
    }
}

/// Every field of a creation, then what is only read.
pub const NATIVE: &[Native] = &[
    said("uuid", Shape::Text, "the connection's `uuid`", false),
    said("customer_name", Shape::Text, "customer.name", true),
    said("customer_email", Shape::Text, "customer.email", true),
    said("customer_phone", Shape::Text, "customer.phone", true),
    said("customer_company", Shape::Text, "customer.company", true),
    said("salesperson_email", Shape::Text, "owner", true),
    said("send_type", Shape::Text, "delivery.channel", false),
    said("message", Shape::Text, "delivery.message", false),
    said("signable_until", Shape::Date, "expires", false),
    said("alternatives", Shape::Structure, "alternatives", false),
    said("tag_1", Shape::Text, "tags", false),
    said("tag_2", Shape::Text, "tags", false),
    said("tag_3", Shape::Text, "tags", false),
    said("tag_4", Shape::Text, "tags", false),
    said("tag_5", Shape::Text, "tags", false),
    said("tag_6", Shape::Text, "tags", false),
    said("tag_7", Shape::Text, "tags", false),
    said("tag_8", Shape::Text, "tags", false),
    said("tag_9", Shape::Text, "tags", false),
    said("tag_10", Shape::Text, "tags", false),
    w("quote_profile_id", Shape::Whole),
    w("chat_enabled", Shape::Flag),
    w("trigger_created_messages_to_customer", Shape::Flag),
    w("workflows_enabled", Shape::Flag),
    w("allow_customer_document_upload", Shape::Flag),
    w("signable", Shape::Flag),
    Native { readable: true, ..w("custom_fields", Shape::CustomFields) },
    w("custom_field_1_content", Shape::Text),
    w("custom_field_2_content", Shape::Text),
    w("custom_field_3_content", Shape::Text),
    w("custom_field_4_content", Shape::Text),
    w("custom_field_5_content", Shape::Text),
    w("custom_field_6_content", Shape::Text),
    w("custom_field_7_content", Shape::Text),
    w("custom_field_8_content", Shape::Text),
    w("custom_field_9_content", Shape::Text),
    w("custom_field_10_content", Shape::Text),
    w("alternative_1_bundle_id", Shape::Whole),
    w("alternative_2_bundle_id", Shape::Whole),
    w("alternative_3_bundle_id", Shape::Whole),
    w("alternative_1_title", Shape::Text),
    w("alternative_2_title", Shape::Text),
    w("alternative_3_title", Shape::Text),
    r("id", Shape::Whole),
    r("key", Shape::Text),
    r("links", Shape::Structure),
    r("quote_profile_name", Shape::Text).unread(),
    r("customer_first_name", Shape::Text).unread(),
    r("customer_last_name", Shape::Text).unread(),
    r("address_firstline", Shape::Text).unread(),
    r("address_secondline", Shape::Text).unread(),
    r("address_postcode", Shape::Text).unread(),
    r("address_city", Shape::Text).unread(),
    r("quote_value", Shape::Number),
    r("created_at", Shape::Text).unread(),
    r("updated_at", Shape::Text).unread(),
    r("salesperson", Shape::Structure),
    r("is_signed", Shape::Flag),
    r("is_fully_signed", Shape::Flag),
    r("requires_more_signatures", Shape::Flag),
    r("is_project_approval_pending", Shape::Flag),
    r("is_project_approval_signed", Shape::Flag),
    r("statuses", Shape::Structure),
    r("signed_offer", Shape::Structure).unread(),
    r("signed_products", Shape::Structure).unread(),
    r("additional_documents_signed", Shape::Structure).unread(),
    r("additional_documents_requiring_signature", Shape::Structure).unread(),
];

/// The row of a native field.
pub fn native(name: &str) -> Option<&'static Native> {
    NATIVE.iter().find(|n| n.name == name)
}

/// The field that starts a legacy slot of alternatives.
pub fn is_legacy_alternative(name: &str) -> bool {
    name.starts_with("alternative_")
}

/// The native field nearest to a misspelt one, among those that may be written.
pub fn nearest(name: &str) -> Option<&'static str> {
    NATIVE
        .iter()
        .filter(|n| n.mode == Mode::Writable && n.name != "uuid")
        .map(|n| (strsim::damerau_levenshtein(name, n.name), n.name))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, near)| near)
}

/// What a neutral path is called in the request, where it is one field there.
pub const REQUEST_NAMES: &[(&str, &str)] = &[
    ("customer.name", "customer_name"),
    ("customer.email", "customer_email"),
    ("customer.phone", "customer_phone"),
    ("customer.company", "customer_company"),
    ("owner", "salesperson_email"),
    ("expires", "signable_until"),
    ("delivery.channel", "send_type"),
    ("delivery.message", "message"),
    ("notes.public", "message"),
];

/// Whether SalesByte tells the value of a fact again.
pub fn is_readable(path: &str) -> bool {
    let said = REQUEST_NAMES.iter().find(|(p, _)| *p == path).and_then(|(_, n)| native(n));
    said.is_some_and(|n| n.readable) || path.starts_with("fields[") || path == STAMPED
}

/// The whole table, for readers.
pub fn sheet(dialect: &dyn crate::provider::Dialect) -> Sheet {
    let native = |n: &Native| NativeField {
        name: n.name,
        on: vec!["quote"],
        form: n.form(),
        mode: n.mode,
        readable: n.readable,
        window: if n.mode == Mode::Writable { Window::Usual } else { Window::Never },
        word: n.word,
        source: "guide",
    };
    // What an item is called in the catalog; it goes into an alternative.
    let item = |name: &'static str, form: Form| NativeField {
        name,
        on: vec!["item"],
        form,
        mode: Mode::Writable,
        readable: false,
        window: Window::Usual,
        word: None,
        source: "guide",
    };
    let items = [item("sku", Form::TEXT), item("bundle_id", Form::Whole)];
    Sheet {
        name: "salesbyte",
        title: "SalesByte",
        summary: "creates, and sends at creation; nothing can be changed or deleted afterwards",
        open: vec![NEW],
        otherwise: "a quote that is made takes no edits: `lifecycle.when_immutable: replace` makes another one",
        neutral: NEUTRAL.to_vec(),
        native: NATIVE.iter().map(native).chain(items).collect(),
        states: Sheet::states_of(dialect, super::status::word_of),
    }
}

/// The path of the fact that a quote carries our stamp.
pub const STAMPED: &str = "salesbyte.stamp_field";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_listed_twice() {
        let mut seen = std::collections::BTreeSet::new();
        assert!(NATIVE.iter().all(|n| seen.insert(n.name)));
        let mut seen = std::collections::BTreeSet::new();
        assert!(NEUTRAL.iter().all(|f| seen.insert(f.path)));
    }

    #[test]
    fn every_word_of_a_native_field_is_a_neutral_field_that_is_sent() {
        for n in NATIVE {
            let Some(word) = n.word.filter(|w| !w.contains('`')) else { continue };
            let row = NEUTRAL.iter().find(|f| f.path == word);
            let row = row.unwrap_or_else(|| panic!("{word}"));
            assert!(matches!(row.handling, Sent(_)), "{word}");
        }
    }

    #[test]
    fn what_can_be_read_back_is_known() {
        for path in ["customer.name", "customer.phone", "owner", "fields[bank_name]"] {
            assert!(is_readable(path), "{path}");
        }
        for path in ["expires", "tags", "alternatives", "delivery.channel", "salesbyte.signable"] {
            assert!(!is_readable(path), "{path}");
        }
    }

    #[test]
    fn a_misspelt_field_has_a_neighbour() {
        assert_eq!(nearest("chat_enable"), Some("chat_enabled"));
        assert_eq!(nearest("discount_percent"), None);
    }
}
