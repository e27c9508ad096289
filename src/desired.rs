//! Desired: what the manifests ask for, checked and provider-neutral.
//!
//! Purpose: the value between reading YAML and talking to a provider. Defaults of the connection
//! and fields of the catalog are already merged in; names are unique; amounts are exact; nothing
//! here knows an upstream's field name, save for the native blocks that are carried verbatim.
//!
//! Invariants: `Wish::Unowned` (absent in YAML) is left alone, `Wish::Clear` (`null` or `""`) is
//! emptied, `Wish::Set` is enforced. Model types carry no spans: [`Origin::place`] finds the place
//! of a path when a message needs a caret.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::facts::Plain;
use crate::failure::{Place, SourceFile};
use crate::key::{ConnectionName, Fingerprint, QuoteName};
use crate::money::{Amount, Currency};
use crate::yaml;

/// Whether and how the manifest owns a field.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Wish<T> {
    /// Absent: not owned, left alone.
    #[default]
    Unowned,
    /// `null` or `""`: cleared.
    Clear,
    /// Present: enforced.
    Set(T),
}

impl<T> Wish<T> {
    /// The value, if set.
    pub fn set(&self) -> Option<&T> {
        match self {
            Self::Set(v) => Some(v),
            _ => None,
        }
    }

    /// Whether the manifest says anything about the field.
    pub fn is_owned(&self) -> bool {
        !matches!(self, Self::Unowned)
    }
}

/// A state that a manifest may ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedState {
    /// Editable, not visible to the customer.
    Draft,
    /// Waiting for an approver.
    InReview,
    /// Approved.
    Approved,
    /// Refused by an approver.
    Rejected,
    /// The customer can see it.
    Published,
    /// A message went out to the customer.
    Sent,
    /// The customer agreed.
    Accepted,
    /// The customer refused.
    Declined,
    /// Withdrawn.
    Canceled,
    /// Became an order.
    Ordered,
}

impl WantedState {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 10] = [
        Self::Draft,
        Self::InReview,
        Self::Approved,
        Self::Rejected,
        Self::Published,
        Self::Sent,
        Self::Accepted,
        Self::Declined,
        Self::Canceled,
        Self::Ordered,
    ];

    /// The word in the manifest.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::InReview => "in_review",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Published => "published",
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Canceled => "canceled",
            Self::Ordered => "ordered",
        }
    }

    /// The state behind a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.word() == word)
    }
}

impl fmt::Display for WantedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A reference to something that exists upstream: by id, or by a name to be resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reference {
    /// By remote id.
    Id {
        /// The id.
        id: String,
        /// A name written beside the id (`deal: {id, name}`), for providers that take both.
        name: Option<String>,
        /// An e-mail written beside the id (`owner: {id, email}`).
        email: Option<String>,
    },
    /// By the text that names it (a name, a domain, an e-mail address).
    Named(String),
}

/// `customer:`, and each of `contacts:`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Person {
    /// E-mail address.
    pub email: Wish<String>,
    /// First name.
    pub first_name: Wish<String>,
    /// Last name.
    pub last_name: Wish<String>,
    /// Display name; `display_name()` gives the default.
    pub name: Wish<String>,
    /// Company.
    pub company: Wish<String>,
    /// Phone number.
    pub phone: Wish<String>,
    /// Remote id.
    pub id: Wish<String>,
}

impl Person {
    /// `name`, else first and last name, else company.
    pub fn display_name(&self) -> Option<String> {
        if let Some(name) = self.name.set() {
            return Some(name.clone());
        }
        let names: Vec<&str> = [self.first_name.set(), self.last_name.set()]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if names.is_empty() { self.company.set().cloned() } else { Some(names.join(" ")) }
    }
}

/// Percent or money.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Measure {
    /// Percent points, 0 to 100.
    Percent(Amount),
    /// Money of the quote's currency.
    Amount(Amount),
}

/// What an amount discount is taken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Per {
    /// Off the whole line.
    #[default]
    Line,
    /// Off each unit.
    Unit,
}

/// A discount of a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineDiscount {
    /// How much.
    pub measure: Measure,
    /// Off the line or off each unit (no difference for percent).
    pub per: Per,
    /// The reason, where the provider has one.
    pub label: Option<String>,
}

/// A calendar unit of billing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Unit {
    /// Seven days.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

/// A number of calendar units: `3 years`, `quarter` (3 months).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Period {
    /// How many, at least 1.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// `recurring:` of an item.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recurring {
    /// The billing cycle.
    pub every: Period,
    /// The term; absent = open-ended.
    pub term: Option<Period>,
}

/// One of `items:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Item {
    /// Identity inside the quote: letters, digits, `.`, `_`, `-`, at most 63 characters.
    pub key: String,
    /// The catalog product it came from.
    pub product: Option<String>,
    /// Name on the quote.
    pub name: Wish<String>,
    /// Description.
    pub description: Wish<String>,
    /// Stock-keeping unit.
    pub sku: Wish<String>,
    /// How many; default 1.
    pub quantity: Amount,
    /// Unit price in the quote's currency.
    pub price: Wish<Amount>,
    /// Discount of the line.
    pub discount: Wish<LineDiscount>,
    /// Whether tax applies.
    pub taxable: Wish<bool>,
    /// Billing cycle and term.
    pub recurring: Wish<Recurring>,
    /// `properties:` shown to the customer, in the order written.
    pub properties: Wish<Vec<(String, String)>>,
    /// Native blocks by provider name.
    pub native: BTreeMap<String, NativeBlock>,
}

/// A native block: the provider's own field names.
pub type NativeBlock = BTreeMap<String, Wish<Plain>>;

/// One of `discounts:`, `fees:`, `taxes:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Adjustment {
    /// Identity inside the list: a slug of the label, made unique.
    pub key: String,
    /// What the customer reads.
    pub label: String,
    /// How much.
    pub measure: Measure,
}

/// `shipping:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shipping {
    /// What the customer reads.
    pub name: String,
    /// Price in the quote's currency.
    pub price: Amount,
}

/// `notes:`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notes {
    /// Shown to the customer.
    pub public: Wish<String>,
    /// Staff only.
    pub internal: Wish<String>,
    /// The customer's own remarks.
    pub customer: Wish<String>,
    /// Terms and conditions.
    pub terms: Wish<String>,
}

/// How a quote is delivered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Channel {
    /// Not at all.
    None,
    /// E-mail.
    Email,
    /// Text message.
    Sms,
    /// E-mail and text message.
    Dual,
    /// What the provider picks.
    Auto,
}

/// `delivery:`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Delivery {
    /// By what.
    pub channel: Option<Channel>,
    /// Text of the message.
    pub message: Wish<String>,
    /// Attach a PDF.
    pub include_pdf: Option<bool>,
    /// Add the link.
    pub include_link: Option<bool>,
    /// Copy the owner.
    pub copy_owner: Option<bool>,
}

/// One of `alternatives:`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alternative {
    /// A bundle, or ...
    pub bundle_id: Option<i64>,
    /// ... stock-keeping units, as text.
    pub skus: Vec<String>,
    /// Label shown to the customer.
    pub title: Option<String>,
    /// Ascending place.
    pub sort_order: Option<i64>,
}

/// What to do with a quote that is locked upstream.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WhenLocked {
    /// Blocked, with the reason.
    #[default]
    Fail,
    /// Unlock, edit, publish again.
    Unlock,
    /// A new quote replaces the old one.
    Revise,
}

/// What to do with a quote of a create-only provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum WhenImmutable {
    /// Blocked, with the reason.
    #[default]
    Fail,
    /// A new quote; the old one stays live.
    Replace,
}

/// `lifecycle:`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lifecycle {
    /// Never deleted; remembered in the lockfile.
    pub protect: bool,
    /// Fields that are set at creation and then left alone: the first segment of a path (`owner`)
    /// or a whole path.
    pub ignore: Vec<String>,
    /// See [`WhenLocked`].
    pub when_locked: WhenLocked,
    /// See [`WhenImmutable`].
    pub when_immutable: WhenImmutable,
}

/// Where a quote was written. Places are found by reading the text again when a message needs
/// one, so a workspace of many quotes carries none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The file.
    pub source: Arc<SourceFile>,
    /// The byte at which the quote's document starts.
    pub offset: usize,
    /// The connection's `defaults:` that were merged in: the workspace file and the path of the
    /// map (`connections.crm.defaults`).
    pub defaults: Option<Arc<(Arc<SourceFile>, String)>>,
}

impl Origin {
    /// A document that starts at byte `offset` of a file, without defaults.
    pub fn new(source: Arc<SourceFile>, offset: usize) -> Self {
        Self { source, offset, defaults: None }
    }

    /// The place of a manifest path as written (`title`, `items[0].price`, `hubspot.hs_language`;
    /// list elements by index), or of its nearest written ancestor: in the document, else in the
    /// connection's defaults, else the quote's name (which is also the empty path).
    pub fn place(&self, path: &str) -> Option<Place> {
        let text = &self.source.text;
        let own = yaml::find(text, self.offset, path);
        if let Some((source, prefix)) = self.defaults.as_deref()
            && let Some(found) = yaml::find(&source.text, 0, &format!("{prefix}.{path}"))
            && found.rest < own.map_or(path.len(), |own| own.rest)
        {
            return Some(yaml::place_of(source, found.span));
        }
        let own = own.or_else(|| yaml::find(text, self.offset, ""))?;
        Some(yaml::place_of(&self.source, own.span))
    }
}

/// One quote, as the manifest asks for it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
    /// Identity.
    pub name: QuoteName,
    /// The connection it lives on (default applied).
    pub connection: ConnectionName,
    /// Title.
    pub title: Wish<String>,
    /// Last day of validity.
    pub expires: Wish<Date>,
    /// Currency of all its money; `None` where neither quote nor connection says.
    pub currency: Option<Currency>,
    /// State wanted; `None` = the provider's draft.
    pub state: Option<WantedState>,
    /// The customer.
    pub customer: Option<Person>,
    /// Further contacts.
    pub contacts: Wish<Vec<Person>>,
    /// Salesperson.
    pub owner: Wish<Reference>,
    /// Company.
    pub company: Wish<Reference>,
    /// Deal (opportunity).
    pub deal: Wish<Reference>,
    /// Template.
    pub template: Wish<Reference>,
    /// Lines; owned whole.
    pub items: Wish<Vec<Item>>,
    /// Quote-level discounts; owned whole.
    pub discounts: Wish<Vec<Adjustment>>,
    /// Fees; owned whole.
    pub fees: Wish<Vec<Adjustment>>,
    /// Taxes; owned whole.
    pub taxes: Wish<Vec<Adjustment>>,
    /// Shipping.
    pub shipping: Wish<Shipping>,
    /// Notes.
    pub notes: Notes,
    /// Tags.
    pub tags: Wish<Vec<String>>,
    /// Custom fields by name or id.
    pub fields: BTreeMap<String, Wish<Plain>>,
    /// Delivery.
    pub delivery: Delivery,
    /// Alternatives.
    pub alternatives: Wish<Vec<Alternative>>,
    /// Lifecycle.
    pub lifecycle: Lifecycle,
    /// The quote's earlier name.
    pub was: Option<QuoteName>,
    /// Native blocks by provider name, all of them.
    pub native: BTreeMap<String, NativeBlock>,
    /// Where it was written.
    pub origin: Origin,
    /// Fingerprint of the manifest after defaults and catalog: for saved plans.
    pub fingerprint: Fingerprint,
}

impl Quote {
    /// Whether the manifest says everything that the total is made of, so that nothing of it is left
    /// to what stands upstream.
    pub fn owns_its_total(&self) -> bool {
        self.items.is_owned()
            && self.discounts.is_owned()
            && self.fees.is_owned()
            && self.taxes.is_owned()
    }

    /// The place of a fact's path, whose list elements are named by key (`items[audit].price`,
    /// `fees[onboarding].amount`), or of its nearest written ancestor.
    pub fn place(&self, path: &str) -> Option<Place> {
        let keyed = |list: &str, key: &str| -> Option<usize> {
            let keys = |adjustments: &Wish<Vec<Adjustment>>| {
                adjustments.set().and_then(|all| all.iter().position(|a| a.key == key))
            };
            match list {
                "items" => self.items.set().and_then(|all| all.iter().position(|i| i.key == key)),
                "discounts" => keys(&self.discounts),
                "fees" => keys(&self.fees),
                "taxes" => keys(&self.taxes),
                _ => None,
            }
        };
        let by_index = path.split_once('[').and_then(|(list, rest)| {
            let (key, tail) = rest.split_once(']')?;
            Some(format!("{list}[{}]{tail}", keyed(list, key)?))
        });
        self.origin.place(by_index.as_deref().unwrap_or(path))
    }
}
