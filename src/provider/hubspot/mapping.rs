//! What HubSpot can hold: the one table behind checks, facts, wire and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] (in [`super::native`]) lists the properties of quotes and their parts with type, mode and the neutral word
//! that says the same. A portal's own definitions ([`super::portal`]) win over [`NATIVE`] where
//! they are known; custom properties are only there.

use super::operation::Object::{self, Discount, Fee, LineItem, Quote, Tax};
use super::status;
use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{Handling, Mode, NativeField, NeutralField, Sheet, Window};

pub use super::native::{FREQUENCIES, NATIVE, Native, Shape};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField::new(path, handling)
}

/// The provider as people call it, in messages.
pub const TITLE: &str = "HubSpot";

/// The states that can be left by writing another one.
const MOVES: Window =
    Window::Only(&["new", "draft", "in_review", "approved", "rejected", "published"]);

/// Every neutral field of a manifest.
pub const NEUTRAL: &[NeutralField] = &[
    field("title", Sent("hs_title")),
    field("expires", Sent("hs_expiration_date")),
    field("currency", Sent("hs_currency, hs_line_item_currency_code")),
    field("state", Sent("hs_status")).when(MOVES),
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
    field("template", Sent("the quote template linked with the quote; CPQ: at creation only")),
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

/// The known property of a type of record.
pub fn native(object: Object, name: &str) -> Option<&'static Native> {
    NATIVE.iter().find(|n| n.name == name && n.objects.contains(&object))
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
    "hs_quote_total_preference",
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

/// Whether the reader asks for a property of a type of record: always, or where a manifest (or,
/// without one, the table) names it.
fn is_read(object: Object, native: &Native) -> bool {
    let always = match object {
        Quote => READ_QUOTE,
        part => read_part(part),
    };
    let named = native.mode == Mode::Writable && matches!(object, Quote | LineItem);
    always.contains(&native.name) || named
}

/// The whole table, for readers.
pub fn sheet(dialect: &dyn crate::provider::Dialect) -> Sheet {
    Sheet {
        name: "hubspot",
        title: "HubSpot quotes",
        summary: "creates, edits, publishes, withdraws and archives; locked once published",
        open: Sheet::open_in(|state| status::is_observed(state) && !status::is_locked(state)),
        otherwise: "a published quote is locked: `lifecycle.when_locked` can unlock it, or make a new revision",
        neutral: NEUTRAL.to_vec(),
        native: NATIVE
            .iter()
            .map(|native| NativeField {
                name: native.name,
                on: native.objects.iter().map(|o| o.word()).collect(),
                form: native.shape.kind().into(),
                mode: native.mode,
                readable: native.objects.iter().all(|o| is_read(*o, native)),
                window: match (native.mode, native.word) {
                    (Mode::ReadOnly, _) => Window::Never,
                    (_, Some("state")) => MOVES,
                    _ => Window::Usual,
                },
                word: native.word,
                source: native.source,
            })
            .collect(),
        states: Sheet::states_of(dialect, status::word_of),
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
        let shipping = NEUTRAL.iter().find(|f| f.path == "shipping");
        assert!(matches!(shipping.map(|f| f.handling), Some(Refused(_))));
    }
}
