//! A small workspace drawn from the seed, and what its owner does to it over time.
//!
//! The one thing to know: every quote carries its name in a field of the upstream that proforma does
//! not use as a stamp (title, or the customer's address), so that the truth is read without asking
//! proforma.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::dice::Dice;

/// Words that must never be found in lockfile, journal or logs: those of the customers.
pub const PERSONAL: [&str; 4] = ["@", "Perdita", "Quillfeather", "+467099"];
/// Credentials; they must never be found anywhere.
pub const SECRETS: [(&str, &str); 5] = [
    ("HUBSPOT_TOKEN", "canary-hubspot-3f9a1c"),
    ("QUICKQUOTE_TOKEN", "canary-quickquote-77b2d0"),
    ("SALESBYTE_TOKEN", "canary-salesbyte-5e8f41"),
    ("SALESBYTE_UUID", "canary-uuid-c04d96"),
    ("DEALHUB_TOKEN", "canary-dealhub-a81e27"),
];

/// One of the four upstreams.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    Hubspot,
    Quickquote,
    Salesbyte,
    Dealhub,
}

impl Provider {
    pub const ALL: [Self; 4] = [Self::Hubspot, Self::Quickquote, Self::Salesbyte, Self::Dealhub];

    pub fn word(self) -> &'static str {
        match self {
            Self::Hubspot => "hubspot",
            Self::Quickquote => "quickquote",
            Self::Salesbyte => "salesbyte",
            Self::Dealhub => "dealhub",
        }
    }

    /// Whether what was made can be edited.
    pub fn edits(self) -> bool {
        matches!(self, Self::Hubspot | Self::Quickquote)
    }
}

const DEALS: [(&str, &str); 6] = [
    ("345345", "Acme renewal 2027"),
    ("345346", "Acme SEO 2027"),
    ("345410", "Globex renewal 2027"),
    ("345411", "Globex SEO 2027"),
    ("345420", "Initech renewal 2027"),
    ("345460", "Stark renewal 2027"),
];
const SKUS: [&str; 5] = ["SEO-A", "TRAIN-D", "REPORT-Q", "LOCAL-1", "TECH-FIX"];
const GOODS: [&str; 5] = ["Audit", "Training", "Report", "Sprint", "Setup"];

/// Decisions at Quick Quote that nobody takes back.
const CLOSED: [&str; 4] = ["accepted", "declined", "canceled", "ordered"];

#[derive(Clone, Debug)]
struct Item {
    key: u64,
    good: usize,
    cents: u64,
    quantity: u64,
    percent_off: Option<u64>,
}

impl Item {
    fn draw(key: u64, dice: &mut Dice) -> Self {
        Self {
            key,
            good: dice.index(GOODS.len()),
            cents: dice.between(1, 500_000),
            quantity: dice.between(1, 9),
            percent_off: dice.percent(30).then(|| dice.between(1, 40)),
        }
    }
}

/// One quote as its manifest says.
#[derive(Clone, Debug)]
pub struct Quote {
    pub name: String,
    pub provider: Provider,
    pub state: &'static str,
    deal: usize,
    /// Moves with each edit of the words.
    wording: u64,
    items: Vec<Item>,
    next_key: u64,
    fee: Option<u64>,
    percent_off: Option<u64>,
    revise: bool,
    /// A new quote takes the place of one that cannot be edited.
    pub replace: bool,
}

/// The manifests of a workspace.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub quotes: Vec<Quote>,
    /// Providers in use.
    pub providers: Vec<Provider>,
    /// Whether the SalesByte connection has no token, so that nothing can be read back.
    pub blind: bool,
    /// Marks of quotes that may have earlier revisions.
    pub revised: BTreeSet<String>,
    /// Marks of quotes whose manifest was removed.
    pub removed: BTreeSet<String>,
    made: u64,
}

impl Workspace {
    pub fn draw(dice: &mut Dice) -> Self {
        let mut providers: Vec<Provider> =
            Provider::ALL.into_iter().filter(|_| dice.percent(45)).collect();
        if providers.is_empty() {
            providers.push(*dice.pick(&Provider::ALL));
        }
        let mut workspace = Self {
            quotes: Vec::new(),
            blind: providers.contains(&Provider::Salesbyte) && dice.percent(20),
            providers,
            revised: BTreeSet::new(),
            removed: BTreeSet::new(),
            made: 0,
        };
        for _ in 0..dice.between(1, 5) {
            workspace.add(dice);
        }
        workspace
    }

    fn add(&mut self, dice: &mut Dice) {
        let provider = *dice.pick(&self.providers);
        self.made += 1;
        let state = match provider {
            Provider::Hubspot => *dice.pick(&["draft", "published", "published"]),
            Provider::Quickquote | Provider::Salesbyte => *dice.pick(&["draft", "sent"]),
            Provider::Dealhub => *dice.pick(&["draft", "in_review", "published"]),
        };
        let count = dice.between(1, 3);
        let items = (0..count).map(|key| Item::draw(key, dice)).collect();
        self.quotes.push(Quote {
            name: format!("q{}", self.made),
            provider,
            state,
            deal: dice.index(DEALS.len()),
            wording: 0,
            items,
            next_key: count,
            fee: dice.percent(40).then(|| dice.between(100, 90_000)),
            percent_off: dice.percent(40).then(|| dice.between(1, 20)),
            revise: provider == Provider::Hubspot && dice.percent(25),
            replace: provider == Provider::Dealhub && dice.percent(50),
        });
        let quote = self.quotes.last().unwrap();
        if quote.revise {
            self.revised.insert(quote.mark());
        }
    }

    /// The owner of the workspace edits, adds or removes. Says what was done.
    pub fn mutate(&mut self, dice: &mut Dice) -> String {
        if self.quotes.len() < 6 && dice.percent(25) {
            self.add(dice);
            return format!("added {}", self.quotes.last().unwrap().name);
        }
        let at = dice.index(self.quotes.len());
        if self.quotes.len() > 1 && self.quotes[at].provider.edits() && dice.percent(15) {
            let gone = self.quotes.remove(at);
            self.removed.insert(gone.mark());
            return format!("removed {}", gone.name);
        }
        let quote = &mut self.quotes[at];
        let what = quote.edit(dice);
        format!("{}: {what}", quote.name)
    }

    pub fn find(&self, name: &str) -> Option<&Quote> {
        self.quotes.iter().find(|q| q.name == name)
    }

    /// `proforma.yaml`.
    fn connections(&self) -> String {
        let mut text = "proforma: 1\nworkspace: simulated\nconnections:\n".to_owned();
        for provider in &self.providers {
            text.push_str(match provider {
                Provider::Hubspot => {
                    "  crm:\n    provider: hubspot\n    token: { env: HUBSPOT_TOKEN }\n    \
                     defaults: { template: Default Modern, currency: USD }\n"
                }
                Provider::Quickquote => {
                    "  shop:\n    provider: quickquote\n    token: { env: QUICKQUOTE_TOKEN }\n    \
                     currency: USD\n"
                }
                Provider::Salesbyte if self.blind => {
                    "  nordic:\n    provider: salesbyte\n    uuid: { env: SALESBYTE_UUID }\n    \
                     quote_profile_id: 115\n"
                }
                Provider::Salesbyte => {
                    "  nordic:\n    provider: salesbyte\n    uuid: { env: SALESBYTE_UUID }\n    \
                     token: { env: SALESBYTE_TOKEN }\n    quote_profile_id: 115\n    \
                     stamp_field: { name: proforma, label: Proforma }\n"
                }
                Provider::Dealhub => {
                    "  cpq:\n    provider: dealhub\n    token: { env: DEALHUB_TOKEN }\n    \
                     visibility: 3s\n"
                }
            });
        }
        text
    }

    /// Writes the manifests into a folder.
    pub fn write(&self, folder: &Path) {
        let quotes = folder.join("quotes");
        std::fs::create_dir_all(&quotes).unwrap();
        std::fs::write(folder.join("proforma.yaml"), self.connections()).unwrap();
        let texts: Vec<String> = self.quotes.iter().map(Quote::yaml).collect();
        std::fs::write(quotes.join("all.yaml"), texts.join("---\n")).unwrap();
    }
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl Quote {
    /// What marks the quote upstream, without proforma's stamp.
    pub fn mark(&self) -> String {
        mark(&self.name, self.provider)
    }

    fn edit(&mut self, dice: &mut Dice) -> String {
        if self.provider == Provider::Dealhub && self.state == "draft" && dice.percent(50) {
            self.state = "published";
            return "published".to_owned();
        }
        if self.replace {
            return self.another_price(dice);
        }
        if !self.provider.edits() || CLOSED.contains(&self.state) {
            return "left alone".to_owned();
        }
        if self.provider == Provider::Quickquote && self.state == "draft" && dice.percent(20) {
            self.state = *dice.pick(CLOSED.as_slice());
            return self.state.to_owned();
        }
        if self.state == "draft" && dice.percent(35) {
            self.state = if self.provider == Provider::Hubspot { "published" } else { "sent" };
            return self.state.to_owned();
        }
        match dice.below(5) {
            0 => {
                self.wording += 1;
                "new wording".to_owned()
            }
            1 => {
                let key = self.next_key;
                self.next_key += 1;
                self.items.push(Item::draw(key, dice));
                "another item".to_owned()
            }
            2 if self.items.len() > 1 => {
                let at = dice.index(self.items.len());
                self.items.remove(at);
                "an item less".to_owned()
            }
            3 => {
                self.fee = Some(dice.between(100, 90_000));
                self.percent_off = Some(dice.between(1, 20));
                "another fee and discount".to_owned()
            }
            _ => self.another_price(dice),
        }
    }

    fn another_price(&mut self, dice: &mut Dice) -> String {
        let at = dice.index(self.items.len());
        let (key, off) = (self.items[at].key, self.items[at].percent_off);
        self.items[at] = Item::draw(key, dice);
        // What a manifest no longer says is left alone upstream: it must keep saying it.
        self.items[at].percent_off = self.items[at].percent_off.or(off);
        "another price".to_owned()
    }

    fn yaml(&self) -> String {
        let mut text = format!("quote: {}\nstate: {}\n", self.name, self.state);
        // Writing to a String cannot fail.
        let _ = match self.provider {
            Provider::Hubspot => self.hubspot(&mut text),
            Provider::Quickquote => self.quickquote(&mut text),
            Provider::Salesbyte => self.salesbyte(&mut text),
            Provider::Dealhub => self.dealhub(&mut text),
        };
        text
    }

    fn hubspot(&self, text: &mut String) -> std::fmt::Result {
        let (_, deal) = DEALS[self.deal];
        let locked = if self.revise { "revise" } else { "unlock" };
        writeln!(text, "connection: crm\ntitle: \"{} v{}\"", self.mark(), self.wording)?;
        writeln!(text, "expires: 2027-12-01\ndeal: {deal}")?;
        writeln!(text, "customer: {{ email: jo@acme.example }}")?;
        writeln!(text, "lifecycle: {{ when_locked: {locked} }}\nitems:")?;
        for item in &self.items {
            Self::item(text, item, None)?;
        }
        if let Some(cents) = self.fee {
            writeln!(text, "fees: [{{ label: Setup, amount: {} }}]", money(cents))?;
        }
        if let Some(percent) = self.percent_off {
            writeln!(text, "discounts: [{{ label: Loyalty, percent: {percent} }}]")?;
        }
        Ok(())
    }

    fn quickquote(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "connection: shop\ncustomer: {}", self.customer())?;
        writeln!(text, "notes: {{ internal: \"wording {}\" }}\nitems:", self.wording)?;
        for item in &self.items {
            Self::item(text, item, None)?;
        }
        if let Some(cents) = self.fee {
            writeln!(text, "shipping: {{ name: Delivery, price: {} }}", money(cents))?;
        }
        if let Some(percent) = self.percent_off {
            writeln!(text, "discounts: [{{ label: Loyalty, percent: {percent} }}]")?;
        }
        if self.state == "sent" {
            writeln!(text, "delivery: {{ channel: email, include_link: true }}")?;
        }
        Ok(())
    }

    fn salesbyte(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "connection: nordic\ncustomer: {}\nitems:", self.customer())?;
        for (n, sku) in SKUS.iter().take(self.items.len()).enumerate() {
            writeln!(text, "  - {{ key: i{n}, sku: {sku} }}")?;
        }
        writeln!(text, "fields: {{ bank_name: Bank of {} }}\nexpires: 2027-12-01", self.name)?;
        if self.state == "sent" {
            writeln!(text, "delivery: {{ channel: email }}")?;
        }
        Ok(())
    }

    fn dealhub(&self, text: &mut String) -> std::fmt::Result {
        let (id, deal) = DEALS[self.deal];
        writeln!(text, "connection: cpq\ntitle: \"{}\"", self.mark())?;
        writeln!(text, "expires: 2027-12-01\ncurrency: USD")?;
        writeln!(text, "deal: {{ id: \"{id}\", name: {deal} }}")?;
        if self.replace {
            writeln!(text, "lifecycle: {{ when_immutable: replace }}")?;
        }
        writeln!(text, "items:")?;
        for (n, item) in self.items.iter().enumerate() {
            Self::item(text, item, Some(SKUS[n % SKUS.len()]))?;
        }
        Ok(())
    }

    fn item(text: &mut String, item: &Item, sku: Option<&str>) -> std::fmt::Result {
        let Item { key, good, cents, quantity, percent_off } = item;
        write!(text, "  - {{ key: i{key}, name: {}, quantity: {quantity}", GOODS[*good])?;
        write!(text, ", price: {}", money(*cents))?;
        if let Some(sku) = sku {
            write!(text, ", sku: {sku}")?;
        }
        if let Some(percent) = percent_off {
            write!(text, ", discount: {percent}%")?;
        }
        writeln!(text, " }}")
    }

    fn customer(&self) -> String {
        format!(
            "{{ email: {}, first_name: Perdita, last_name: Quillfeather, phone: \"+46709900000\" }}",
            self.mark()
        )
    }
}

/// What marks the quote of this name upstream.
pub fn mark(name: &str, provider: Provider) -> String {
    match provider {
        Provider::Hubspot | Provider::Dealhub => format!("Simulated {name}:"),
        Provider::Quickquote | Provider::Salesbyte => format!("{name}@acme.example"),
    }
}
