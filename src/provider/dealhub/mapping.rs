//! What DealHub can hold: the one table behind checks, facts, requests and docs.
//!
//! Purpose: [`NEUTRAL`] says for every neutral field whether it is sent, local or refused;
//! [`NATIVE`] lists every field of the Generate request with its shape, its limit, whether it can
//! be read back, and the neutral word that says the same.
//!
//! The one thing to know: what cannot be read back is compared with the record (see
//! [`super::observed`]), so a change of it in a manifest still shows.

use crate::desired::Wish;
use crate::facts::Plain;
use crate::provider::capability::Handling::{Local, Refused, Sent};
use crate::provider::capability::{
    Form, Handling, Member, Mode, NEW, NativeField, NeutralField, Sheet, Window,
};

const fn field(path: &'static str, handling: Handling) -> NeutralField {
    NeutralField::new(path, handling)
}

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

/// The object of the request that a native field stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// The request itself: `dealhub:` on a quote.
    Quote,
    /// A line: `dealhub:` on an item.
    Item,
    /// `opportunity_data`.
    Opportunity,
    /// `opportunity_data.opportunity_owner`.
    Owner,
    /// The addresses of `opportunity_data`.
    Address,
    /// `opportunity_data.customer_contacts[]`.
    Contact,
}

/// What a native field holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Text of at most so many characters; 0 = any.
    Text(usize),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A decimal.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Bool,
    /// A structure with fields of its own.
    Nested,
}

/// A field of the Generate request.
#[derive(Clone, Copy, Debug)]
pub struct Native {
    /// Where it stands.
    pub scope: Scope,
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// Whether DealHub refuses the object without it.
    pub required: bool,
    /// The neutral word that says the same.
    pub word: Option<&'static str>,
    /// Where the Quote API tells it: a path in its answer, or a member of a line.
    pub told: Option<&'static str>,
}

const fn of(scope: Scope, name: &'static str, shape: Shape) -> Native {
    Native { scope, name, shape, required: false, word: None, told: None }
}

impl Native {
    const fn must(mut self) -> Self {
        self.required = true;
        self
    }

    const fn word(mut self, word: &'static str) -> Self {
        self.word = Some(word);
        self
    }

    const fn told(mut self, place: &'static str) -> Self {
        self.told = Some(place);
        self
    }

    /// Whether the Quote API tells it.
    pub fn is_readable(&self) -> bool {
        self.told.is_some()
    }

    /// The type as readers are told it.
    pub fn form(&self) -> Form {
        match self.shape {
            Shape::Text(_) => Form::TEXT,
            Shape::Choice(words) => Form::choice(words),
            Shape::Number => Form::NUMBER,
            Shape::Integer => Form::Whole,
            Shape::Bool => Form::BOOL,
            Shape::Nested => structure(self.name),
        }
    }

    /// What a manifest wrote, as it is sent; or what is wrong with it.
    pub fn value(&self, plain: &Plain) -> Result<Plain, String> {
        let wrong = |what: &str| Err(format!("`{}` takes {what}, not `{plain}`", self.name));
        match self.shape {
            Shape::Text(max) => match plain.scalar() {
                Some(text) if max > 0 && text.chars().count() > max => {
                    Err(format!("`{}` takes at most {max} characters", self.name))
                }
                Some(text) => Ok(Plain::Text(text)),
                None => wrong("text"),
            },
            Shape::Choice(words) => match plain {
                Plain::Text(word) if words.contains(&word.as_str()) => Ok(plain.clone()),
                _ => wrong(&format!("one of {}", words.join(", "))),
            },
            Shape::Number => match plain.as_number() {
                Some(n) => Ok(Plain::Number(n)),
                None => wrong("a number"),
            },
            Shape::Integer => match plain.as_number().filter(|n| n.to_int().is_some()) {
                Some(n) => Ok(Plain::Number(n)),
                None => wrong("a whole number"),
            },
            Shape::Bool => match plain {
                Plain::Bool(_) => Ok(plain.clone()),
                _ => wrong("`true` or `false`"),
            },
            Shape::Nested => Ok(plain.clone()),
        }
    }
}

use Scope::{Address, Contact, Item, Opportunity, Owner, Quote};
use Shape::{Bool, Choice, Integer, Nested, Number, Text};

/// Every field of the Generate request.
pub const NATIVE: &[Native] = &[
    of(Quote, "external_opportunity_id", Text(50))
        .must()
        .word("deal")
        .told("info.external_opportunity_id"),
    of(Quote, "request_action", Choice(&["draft", "submit", "publish", "sign_externally"]))
        .must()
        .word("state")
        .told("status"),
    of(Quote, "line_item_details", Choice(&["basic", "all"])),
    of(Quote, "playbook", Text(50)).told("info.playbook"),
    of(Quote, "quote_name", Text(250)).word("title").told("info.dealhub_quote_name"),
    of(Quote, "dealroom_publish_name", Text(250)),
    of(Quote, "total_sales_discount", Number).word("discounts"),
    of(Quote, "expiration_date", Integer).word("expires").told("info.expiration_date"),
    of(Quote, "document_type", Choice(&["DealRoom", "PDF", "WORD", "EXCEL"])).must(),
    of(Quote, "partner_program", Nested),
    of(Quote, "timezone_offset", Number),
    of(Quote, "sign_externally_comment", Text(1000)),
    of(Quote, "quote_data", Nested).must().told("answers"),
    of(Quote, "line_items", Nested).word("items").told("line_items"),
    of(Quote, "opportunity_data", Nested),
    of(Item, "sku", Text(0)).must().told("sku"),
    of(Item, "item_name", Text(400)).word("name").told("name"),
    of(Item, "bundle_ref_sku", Text(0)).told("bundle_ref"),
    of(Item, "bundle_ref_id", Integer),
    of(Item, "list_price", Number).word("price").told("list_price"),
    of(Item, "net_price_per_unit", Number).told("net_per_unit"),
    of(Item, "net_price", Number).told("net_price"),
    of(Item, "msrp", Number).told("msrp"),
    of(Item, "msrp_discount", Number).told("msrp_discount"),
    of(Item, "sales_discount", Number).told("sales_discount"),
    of(Item, "total_discount", Number).told("total_discount"),
    of(Item, "product_factors", Nested).told("product_factors"),
    of(Item, "attributes", Nested).told("attributes"),
    of(Item, "partner_program_data", Nested).told("partner_discounts"),
    of(Opportunity, "external_opportunity_name", Text(200)).must().word("deal.name"),
    of(Opportunity, "opportunity_owner", Nested).must(),
    of(Opportunity, "external_customer_id", Text(50))
        .must()
        .word("customer.id")
        .told("info.external_customer_id"),
    of(Opportunity, "customer_name", Text(256))
        .must()
        .word("customer.name")
        .told("info.account_name"),
    of(Opportunity, "geo_code", Text(100)).must().told("info.geo_code"),
    of(Opportunity, "currency", Text(3)).must().word("currency").told("info.currency"),
    of(Opportunity, "customer_shipping_address", Nested),
    of(Opportunity, "customer_billing_address", Nested),
    of(Opportunity, "customer_contacts", Nested),
    of(Owner, "external_user_id", Text(200)).must().word("owner.id"),
    of(Owner, "email", Text(100)).must().word("owner.email"),
    of(Owner, "name", Text(300)).must().word("owner.name"),
    of(Owner, "login", Text(100)),
    of(Owner, "position", Text(300)),
    of(Owner, "phone", Text(50)),
    of(Owner, "mobile", Text(100)),
    of(Owner, "fax", Text(100)),
    of(Owner, "company", Text(100)),
    of(Owner, "street", Text(128)),
    of(Owner, "city", Text(32)),
    of(Owner, "state", Text(32)),
    of(Owner, "country", Text(32)),
    of(Owner, "postal_code", Text(16)),
    of(Owner, "user_manager_login", Text(100)),
    of(Address, "street", Text(128)),
    of(Address, "city", Text(32)),
    of(Address, "state", Text(32)),
    of(Address, "country", Text(32)),
    of(Address, "postal_code", Text(16)),
    of(Contact, "first_name", Text(128)).must(),
    of(Contact, "last_name", Text(128)).must(),
    of(Contact, "email", Text(100)).must().told("info.contact_email"),
    of(Contact, "salutation", Text(50)),
    of(Contact, "title", Text(400)),
    of(Contact, "phone", Text(50)),
    of(Contact, "account_name", Text(100)),
    of(Contact, "mailing_address", Text(250)),
    of(Contact, "primary_contact", Bool),
];

/// The members of a structure.
fn structure(name: &str) -> Form {
    let record = |scope| {
        let members = natives(scope).map(|n| Member { name: n.name, form: n.form() });
        Form::Record(members.collect())
    };
    match name {
        "line_items" => Form::list(record(Item)),
        "opportunity_data" => record(Opportunity),
        "opportunity_owner" => record(Owner),
        "customer_shipping_address" | "customer_billing_address" => record(Address),
        "customer_contacts" => Form::list(record(Contact)),
        "partner_program" => Form::list(Form::record([
            ("program_name", Form::TEXT),
            ("partner_level_name", Form::TEXT),
        ])),
        "quote_data" => Form::list(Form::record([
            ("group_id", Form::TEXT),
            ("questions", Form::list(Form::map(Form::Any))),
        ])),
        "product_factors" => Form::map(Form::Whole),
        "attributes" => Form::map(Form::TEXT),
        "partner_program_data" => Form::list(Form::record([
            ("partner_program_name", Form::TEXT),
            ("partner_level_item_price", Form::NUMBER),
            ("partner_level_item_discount", Form::NUMBER),
        ])),
        _ => Form::Any,
    }
}

/// The field of a scope.
pub fn native(scope: Scope, name: &str) -> Option<&'static Native> {
    NATIVE.iter().find(|n| n.scope == scope && n.name == name)
}

/// The fields of a scope.
pub fn natives(scope: Scope) -> impl Iterator<Item = &'static Native> {
    NATIVE.iter().filter(move |n| n.scope == scope)
}

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

impl Scope {
    /// How a person calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Quote => "quote",
            Self::Item => "item",
            Self::Opportunity => "opportunity_data",
            Self::Owner => "opportunity_owner",
            Self::Address => "address",
            Self::Contact => "customer_contacts",
        }
    }
}

/// The product factor that a quantity is.
pub const QUANTITY: &str = "Quantity";

/// The most characters of a quote's name at DealHub.
pub const NAME_MAX: usize = 250;

#[cfg(test)]
mod tests {
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
