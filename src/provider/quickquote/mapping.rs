//! What Quick Quote can hold: the one table behind checks, facts and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] lists the upstream's own fields of quotes and lines with type, mode and the neutral
//! word that says the same. Marks: `doc` = the vendor's API pages, `guess` = our reading of them.

use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{
    Form, Handling, Member, Mode, NativeField, NeutralField, Sheet, Window,
};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField::new(path, handling)
}

/// The provider as people call it, in messages.
pub const TITLE: &str = "Quick Quote";

/// The states that can be left by writing another one.
const MOVES: Window = Window::Only(&["new", "draft", "sent", "viewed"]);
/// The states from which a quote is mailed.
const MAIL: Window = Window::Only(&["new", "draft"]);

/// Every neutral field of a manifest.
pub const NEUTRAL: &[NeutralField] = &[
    field("title", Local("Quick Quote's quotes have a number and no title")),
    field("expires", Refused("Quick Quote has no expiry: write the last day into `notes.public`")),
    field("currency", Local("asserted: it must be the connection's, which is the shop's only one")),
    field("state", Sent("status; `sent` by POST /quotes/email")).when(MOVES),
    field("customer.email", Sent("email")),
    field("customer.first_name", Sent("first_name")),
    field("customer.last_name", Sent("last_name")),
    field("customer.phone", Sent("phone")),
    field("customer.id", Sent("customer_id")),
    field("customer.name", Local("the customer is called by first and last name")),
    field("customer.company", Local("the Shopify customer has it; or use a custom field")),
    field(
        "contacts",
        Refused("a quote goes to one customer: make one quote for each, or leave the others out"),
    ),
    field("owner", Sent("assignee_id")),
    field("company", Local("Quick Quote knows customers, not companies")),
    field("deal", Local("Quick Quote has no deals")),
    field(
        "template",
        Refused("the layout is a setting of the shop: take `template` out for this connection"),
    ),
    field("items[].key", Local("identity inside the manifest; goes into the line's stamp")),
    field("items[].product", Local("its `quickquote.variant_id` is sent")),
    field("items[].name", Sent("title; asserted on catalogue lines")),
    field(
        "items[].description",
        Refused("lines have no description: write it as one of `properties`"),
    ),
    field("items[].sku", Sent("sku; asserted on catalogue lines")),
    field("items[].quantity", Sent("quantity")),
    field("items[].price", Sent("price; asserted on catalogue lines")),
    field("items[].discount.percent", Sent("discount, percentage")),
    field("items[].discount.amount", Sent("discount, fixed_amount, off the line")),
    field("items[].discount.label", Sent("discount reason")),
    field("items[].taxable", Sent("taxable")),
    field(
        "items[].recurring",
        Refused(
            "Quick Quote bills once: write the cycle as one of `properties`, and `recurring: null`",
        ),
    ),
    field("items[].properties", Sent("properties, item_properties")),
    field("discounts", Sent("discount: one a quote; the label is the reason")),
    field("fees", Refused("write it as an item, or as `shipping`")),
    field("taxes", Refused("the shop taxes by its own rates: use `taxable` on the items")),
    field("shipping", Sent("shipping_name, shipping_price")),
    field("notes.public", Sent("public_notes")),
    field("notes.internal", Sent("internal_notes")),
    field("notes.customer", Sent("remarks")),
    field("notes.terms", Refused("Quick Quote has no terms: add them to `notes.public`")),
    field("tags", Sent("tags")),
    field("fields", Sent("custom_fields, by id or name")),
    field("delivery.channel", Sent("`email` and `auto` are POST /quotes/email"))
        .unread()
        .when(MAIL),
    field("delivery.include_link", Sent("include_link")).unread().when(MAIL),
    field("delivery.include_pdf", Sent("include_pdf")).unread().when(MAIL),
    field("delivery.copy_owner", Sent("email_assignee")).unread().when(MAIL),
    field(
        "delivery.message",
        Refused("the mail's text is a template of the shop: use `notes.public`"),
    ),
    field("alternatives", Refused("Quick Quote has no alternatives: make one quote for each")),
];

/// What has the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// A quote.
    Quote,
    /// A line.
    Line,
}

/// The type of a native field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// A decimal number.
    Number,
    /// Yes or no.
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An object or a list.
    Structure,
}

impl Native {
    /// The type as readers are told it.
    pub fn form(&self) -> Form {
        match self.shape {
            Shape::Text => Form::TEXT,
            Shape::Int => Form::Whole,
            Shape::Number => Form::NUMBER,
            Shape::Bool => Form::BOOL,
            Shape::Choice(words) => Form::choice(words),
            Shape::Structure => structure(self.place, self.name),
        }
    }
}

/// The members of a structure, as they are written; of what is only read, as they come.
fn structure(place: Place, name: &str) -> Form {
    let pair = || Form::record([("key", Form::TEXT), ("value", Form::TEXT)]);
    let kinds = || Form::choice(&["percentage", "fixed_amount"]);
    match (place, name) {
        (Quote, "discount") => Form::record([
            ("discount_type", kinds()),
            ("discount_amount", Form::NUMBER),
            ("discount_reason", Form::TEXT),
        ]),
        (Line, "discount") => Form::record([
            ("discount_type", kinds()),
            ("discount_amount", Form::NUMBER),
            ("discount_reason", Form::TEXT),
            ("reason", Form::TEXT),
        ]),
        (_, "shipping") => {
            Form::record([("shipping_name", Form::TEXT), ("shipping_price", Form::NUMBER)])
        }
        (_, "custom_fields") => {
            Form::list(Form::record([("id", Form::Whole), ("value", Form::Any)]))
        }
        (_, "assignee") => {
            Form::record([("assignee_id", Form::Whole), ("assignee_name", Form::TEXT)])
        }
        (_, "properties") => pair(),
        (_, "item_properties") => Form::list(pair()),
        // A new quote takes one pair a line; the list is for lines that are added.
        (_, "line_items") => Form::list(Form::Record(
            NATIVE
                .iter()
                .filter(|n| n.place == Line && n.mode == Mode::Writable)
                .filter(|n| n.name != "item_properties")
                .map(|n| Member { name: n.name, form: n.form() })
                .collect(),
        )),
        _ => Form::Any,
    }
}

/// A field of Quick Quote's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Native {
    /// Its name.
    pub name: &'static str,
    /// What has it.
    pub place: Place,
    /// Its type.
    pub shape: Shape,
    /// Whether the API may write it.
    pub mode: Mode,
    /// The neutral word that says the same.
    pub word: Option<&'static str>,
    /// Whether the reader looks at it.
    pub readable: bool,
    /// Where that is known from.
    pub source: &'static str,
}

const fn said(name: &'static str, place: Place, shape: Shape, word: &'static str) -> Native {
    let mode = Mode::Writable;
    Native { name, place, shape, mode, word: Some(word), readable: true, source: "doc" }
}

const fn w(name: &'static str, shape: Shape) -> Native {
    let (place, mode) = (Place::Line, Mode::Writable);
    Native { name, place, shape, mode, word: None, readable: true, source: "doc" }
}

const fn r(name: &'static str, place: Place, shape: Shape) -> Native {
    let mode = Mode::ReadOnly;
    Native { name, place, shape, mode, word: None, readable: true, source: "doc" }
}

impl Native {
    /// The same, but never looked at.
    const fn unread(mut self) -> Self {
        self.readable = false;
        self
    }
}

use Place::{Line, Quote};
use Shape::{Bool, Choice, Int, Number, Structure, Text};

/// Units of weight.
pub const WEIGHT_UNITS: &[&str] = &["g", "kg", "oz", "lb"];

/// The known fields of quotes and lines.
pub const NATIVE: &[Native] = &[
    said("email", Quote, Text, "customer.email"),
    said("first_name", Quote, Text, "customer.first_name"),
    said("last_name", Quote, Text, "customer.last_name"),
    said("phone", Quote, Text, "customer.phone"),
    said("remarks", Quote, Text, "notes.customer"),
    said("internal_notes", Quote, Text, "notes.internal"),
    said("public_notes", Quote, Text, "notes.public"),
    said("customer_id", Quote, Int, "customer.id"),
    said("assignee_id", Quote, Int, "owner"),
    said("tags", Quote, Text, "tags"),
    said("discount", Quote, Structure, "discounts"),
    said("shipping", Quote, Structure, "shipping"),
    said("custom_fields", Quote, Structure, "fields"),
    said("line_items", Quote, Structure, "items"),
    said("status", Quote, Text, "state"),
    said("include_link", Quote, Bool, "delivery.include_link").unread(),
    said("include_pdf", Quote, Bool, "delivery.include_pdf").unread(),
    said("email_assignee", Quote, Bool, "delivery.copy_owner").unread(),
    r("id", Quote, Int),
    r("quote_number", Quote, Int).unread(),
    r("assignee", Quote, Structure),
    r("discount_type", Quote, Text),
    r("discount_amount", Quote, Number),
    r("discount_reason", Quote, Text),
    r("discount_total", Quote, Number),
    r("subtotal", Quote, Number).unread(),
    r("total", Quote, Number),
    r("total_tax", Quote, Number),
    r("shopify_order_id", Quote, Int).unread(),
    r("shopify_order_number", Quote, Int).unread(),
    r("created_on", Quote, Text),
    said("custom_product", Line, Bool, "quickquote.variant_id"),
    said("title", Line, Text, "name"),
    said("price", Line, Number, "price"),
    said("quantity", Line, Int, "quantity"),
    said("sku", Line, Text, "sku"),
    said("taxable", Line, Bool, "taxable"),
    said("discount", Line, Structure, "discount"),
    said("properties", Line, Structure, "properties"),
    said("item_properties", Line, Structure, "properties"),
    w("variant_id", Int),
    w("barcode", Text),
    w("image_url", Text),
    w("weight", Number),
    w("weight_units", Choice(WEIGHT_UNITS)),
    w("requires_shipping", Bool),
    r("id", Line, Int),
    r("product_id", Line, Int).unread(),
    r("variant_title", Line, Text).unread(),
    r("line_price", Line, Number),
    r("original_line_price", Line, Number).unread(),
    r("total", Line, Number),
    r("image", Line, Text),
    r("custom_image_path", Line, Text),
    r("grams", Line, Int),
    r("url", Line, Text).unread(),
    r("discount_type", Line, Text),
    r("discount_amount", Line, Number),
    r("discount_reason", Line, Text),
    r("discount_total", Line, Number),
];

/// The known field of a quote or line.
pub fn native(place: Place, name: &str) -> Option<&'static Native> {
    NATIVE.iter().find(|n| n.name == name && n.place == place)
}

/// The whole table, for readers.
pub fn sheet(dialect: &dyn crate::provider::Dialect) -> Sheet {
    use crate::desired::WantedState;
    Sheet {
        name: "quickquote",
        title: "Quick Quote",
        summary: "creates, edits line by line, mails once, closes and deletes; closed quotes stay closed",
        open: Sheet::open_in(super::status::is_open),
        otherwise: "a closed quote (accepted, declined, canceled, ordered) takes no edits, and the API opens none again",
        neutral: NEUTRAL.to_vec(),
        native: NATIVE
            .iter()
            .map(|native| NativeField {
                name: native.name,
                on: vec![match native.place {
                    Place::Quote => "quote",
                    Place::Line => "line",
                }],
                form: native.form(),
                mode: native.mode,
                readable: native.readable,
                window: match (native.mode, native.word) {
                    (Mode::ReadOnly, _) => Window::Never,
                    (_, Some("state")) => MOVES,
                    (_, Some(word)) if word.starts_with("delivery.") => MAIL,
                    _ => Window::Usual,
                },
                word: native.word,
                source: native.source,
            })
            .collect(),
        states: Sheet::states_of(dialect, |state| match state {
            WantedState::Sent => Some("sent"),
            other => super::status::word_of(other),
        }),
    }
}

/// The text field of a quote behind a path.
pub fn text_of(path: &str) -> Option<&'static str> {
    Some(match path {
        "customer.email" => "email",
        "customer.first_name" => "first_name",
        "customer.last_name" => "last_name",
        "customer.phone" => "phone",
        "notes.customer" => "remarks",
        "notes.internal" => "internal_notes",
        "notes.public" => "public_notes",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_listed_twice_and_words_lead_to_neutral_fields() {
        let mut seen = std::collections::BTreeSet::new();
        for n in NATIVE {
            assert!(seen.insert((n.place == Place::Line, n.name)), "{}", n.name);
            assert!(n.mode == Mode::Writable || n.word.is_none(), "{}", n.name);
        }
        let mut paths = std::collections::BTreeSet::new();
        for f in NEUTRAL {
            assert!(paths.insert(f.path), "{}", f.path);
            if let Some(name) = text_of(f.path) {
                let known = native(Place::Quote, name).unwrap();
                assert_eq!((known.word, known.mode), (Some(f.path), Mode::Writable));
            }
        }
    }
}
