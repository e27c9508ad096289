//! The fields of DealHub's Generate request, as data.
//!
//! Purpose: for every field its place, its shape and limit, whether DealHub refuses the request
//! without it, where its Quote API tells it again, and the neutral word that says the same. Source:
//! DealHub's API reference.

use crate::facts::Plain;
use crate::provider::capability::{Form, Member};

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
