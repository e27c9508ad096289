//! What DealHub can hold: the one table behind checks, facts, requests and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] (in `native.rs`) lists every field of the Generate request.
//!
//! The one thing to know: what cannot be read back is compared with the record (see
//! [`super::observed`]), so a change of it in a manifest still shows.

use crate::desired::Wish;
use crate::facts::Plain;
use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{Handling, Mode, NEW, NativeField, NeutralField, Sheet, Window};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField::new(path, handling)
}

pub use super::native::{NATIVE, Native, Scope, Shape, native, natives};
use Scope::{Item, Opportunity, Quote};

/// The provider as people call it, in messages.
pub const TITLE: &str = "DealHub";

/// The states from which an action leads on.
const MOVES: Window = Window::Only(&["new", "draft", "approved", "published"]);

/// Every neutral field of a manifest.
pub const NEUTRAL: &[NeutralField] = &[
    field("title", Sent("quote_name (with proforma's mark), dealroom_publish_name")),
    field("expires", Sent("expiration_date, the last second of the day in GMT")),
    field("currency", Sent("opportunity_data.currency")),
    field("state", Sent("request_action, submit, publish, sign_externally")).when(MOVES),
    field("customer.id", Sent("opportunity_data.external_customer_id")),
    field("customer.name", Sent("opportunity_data.customer_name")),
    field("customer.email", Sent("opportunity_data.customer_contacts[].email")),
    field("customer.first_name", Sent("opportunity_data.customer_contacts[].first_name")).unread(),
    field("customer.last_name", Sent("opportunity_data.customer_contacts[].last_name")).unread(),
    field("customer.phone", Sent("opportunity_data.customer_contacts[].phone")).unread(),
    field("customer.company", Sent("opportunity_data.customer_contacts[].account_name")).unread(),
    field("contacts", Sent("opportunity_data.customer_contacts")).unread(),
    field("owner", Sent("opportunity_data.opportunity_owner")).unread(),
    field("company", Local("DealHub shows the account of the opportunity: `customer`")),
    field("deal", Sent("external_opportunity_id, opportunity_data.external_opportunity_name")),
    field("template", Refused("name the playbook: `dealhub: { playbook: .. }`")),
    field("items[].key", Local("identity inside the manifest")),
    field("items[].product", Local("its `dealhub.sku`, or `sku`, is sent")),
    field("items[].name", Sent("line_items[].item_name")),
    field("items[].description", Local("DealHub shows the description of its own catalog")),
    field("items[].sku", Sent("line_items[].sku")),
    field("items[].quantity", Sent("line_items[].product_factors.Quantity")),
    field("items[].price", Sent("line_items[].list_price")),
    field(
        "items[].discount.percent",
        Sent("line_items[].sales_discount, total_discount, net_price"),
    ),
    field("items[].discount.amount", Sent("line_items[].net_price_per_unit, net_price")),
    field("items[].discount.label", Local("DealHub has no reason for a line's discount")),
    field(
        "items[].taxable",
        Refused("DealHub computes no tax: take the line out, or write the tax as an item"),
    ),
    field(
        "items[].recurring",
        Refused(
            "DealHub has no billing cycle: give the term as a product factor, `dealhub: { product_factors: { Duration: 12 } }` on the item",
        ),
    ),
    field("items[].properties", Sent("line_items[].attributes")),
    field("discounts", Sent("total_sales_discount, and each line's net price")).unread(),
    field("fees", Refused("write the fee as an item with a SKU of DealHub's catalog")),
    field("taxes", Refused("DealHub computes no tax: write it as an item")),
    field("shipping", Refused("write it as an item with a SKU of DealHub's catalog")),
    field(
        "notes.public",
        Refused("put it into an answer of the playbook: `dealhub: { quote_data: .. }`"),
    ),
    field(
        "notes.terms",
        Refused("put them into an answer of the playbook, or the document template"),
    ),
    field(
        "notes.customer",
        Refused(
            "DealHub has no remarks by the customer: take it out, or put it into an answer of the playbook",
        ),
    ),
    field("notes.internal", Local("DealHub quotes have no staff-only note")),
    field("tags", Local("DealHub quotes have no tags")),
    field("fields", Refused("write the answers of the playbook: `dealhub: { quote_data: .. }`")),
    field(
        "delivery",
        Refused(
            "DealHub's API sends no messages: use `delivery: { channel: none }`, publish, and share the DealRoom's link",
        ),
    ),
    field(
        "alternatives",
        Refused("DealHub quotes have no alternatives: make one manifest for each"),
    ),
];

/// The value of a native field of a block, if it is set.
pub fn set<'b>(block: Option<&'b crate::desired::NativeBlock>, name: &str) -> Option<&'b Plain> {
    block.and_then(|b| b.get(name)).and_then(Wish::set)
}

/// Whether DealHub tells the value behind a fact's path.
pub fn is_readable(path: &str) -> bool {
    let unread = ["deal.name", "owner", "contacts", "discounts"];
    let below = |head: &&str| {
        path.strip_prefix(*head)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with('['))
    };
    if unread.iter().any(below) {
        return false;
    }
    if let Some(rest) = path.strip_prefix("dealhub.opportunity_data.") {
        return native(Opportunity, rest).is_some_and(Native::is_readable);
    }
    let (scope, name) = match path.split_once("].dealhub.") {
        Some((_, name)) => (Item, name),
        None => match path.strip_prefix("dealhub.") {
            Some(name) => (Quote, name),
            None => return true,
        },
    };
    let head = name.split(['.', '[']).next().unwrap_or_default();
    native(scope, head).is_none_or(Native::is_readable)
}

/// The whole table, for readers.
pub fn sheet(dialect: &dyn crate::provider::Dialect) -> Sheet {
    Sheet {
        name: "dealhub",
        title: "DealHub quotes",
        summary: "generates (billed), submits, publishes and signs; never edits or deletes",
        open: vec![NEW],
        otherwise: "a generated quote takes no edits: `lifecycle.when_immutable: replace` generates (and bills) another one",
        neutral: NEUTRAL.to_vec(),
        native: NATIVE
            .iter()
            .map(|native| NativeField {
                name: native.name,
                on: vec![native.scope.word()],
                form: native.form(),
                mode: Mode::Writable,
                readable: native.is_readable(),
                window: if native.name == "sign_externally_comment" || native.word == Some("state")
                {
                    MOVES
                } else {
                    Window::Usual
                },
                word: native.word,
                source: "reference",
            })
            .collect(),
        states: Sheet::states_of(dialect, |state| {
            use crate::desired::WantedState;
            Some(match state {
                WantedState::Draft => "Draft",
                WantedState::InReview => "Approval Process",
                WantedState::Approved => "Ready To Be Sent",
                WantedState::Rejected => "Rejected",
                WantedState::Published => "Published",
                WantedState::Accepted => "Won",
                _ => return None,
            })
        }),
    }
}

/// The product factor that a quantity is.
pub const QUANTITY: &str = "Quantity";

/// The most characters of a quote's name at DealHub.
pub const NAME_MAX: usize = 250;

#[cfg(test)]
mod tests {
    use super::super::native::Scope::{Address, Owner};
    use super::*;
    use crate::money::Amount;

    #[test]
    fn nothing_is_listed_twice_and_words_are_neutral_fields() {
        let mut seen = std::collections::BTreeSet::new();
        for n in NATIVE {
            assert!(seen.insert((n.scope, n.name)), "{:?} {}", n.scope, n.name);
            if let Some(word) = n.word {
                let base = word.split('.').next().unwrap_or(word);
                let known = |w: &str| {
                    NEUTRAL.iter().any(|f| f.path == w || f.path.ends_with(&format!("[].{w}")))
                };
                assert!(known(word) || known(base) || base == "items", "{word}");
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for f in NEUTRAL {
            assert!(seen.insert(f.path), "{}", f.path);
        }
    }

    #[test]
    fn what_can_be_read_is_told_apart() {
        for path in [
            "title",
            "items[a].net",
            "items[a].dealhub.msrp",
            "dealhub.quote_data[g].q",
            "customer.id",
            "dealhub.opportunity_data.geo_code",
            "items[a].dealhub.product_factors.Duration",
        ] {
            assert!(is_readable(path), "{path}");
        }
        for path in [
            "owner",
            "owner.email",
            "contacts",
            "discounts[loyalty].percent",
            "deal.name",
            "dealhub.document_type",
            "items[a].dealhub.bundle_ref_id",
            "dealhub.opportunity_data.customer_billing_address",
        ] {
            assert!(!is_readable(path), "{path}");
        }
    }

    #[test]
    fn values_are_checked_by_shape_and_limit() {
        let of = |scope, name, plain: Plain| native(scope, name).unwrap().value(&plain);
        assert!(of(Quote, "document_type", Plain::Text("dealroom".into())).is_err());
        assert!(of(Owner, "city", Plain::Text("x".repeat(33))).is_err());
        assert_eq!(
            of(Address, "postal_code", Plain::Number(Amount::from_int(11422))),
            Ok(Plain::Text("11422".to_owned()))
        );
        assert!(of(Item, "bundle_ref_id", Plain::Number(Amount::parse("1.5").unwrap())).is_err());
    }
}
