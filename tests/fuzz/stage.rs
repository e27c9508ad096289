//! The scene in which an upstream's drawn answers are read: one account, with a quote that is
//! recorded, one that only its stamp tells, one that is not there yet, and an entry whose id leads
//! to somebody else's quote.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use proforma::cli::connect::dialect;
use proforma::http::{
    Credential, Limiter, Limits, Policy, RateLimit, ReadWire, Secret, Wire, WireSettings,
};
use proforma::key::{ConnectionName, QuoteName};
use proforma::lockfile::{Entry, Lockfile};
use proforma::manifest::{LoadOptions, Loaded, ProviderName, load_bytes};
use proforma::plan::build::{self, Account, Subject, Terms};
use proforma::plan::model::Plan;
use proforma::provider::dealhub::reader::DealhubReader;
use proforma::provider::dealhub::writer::DealhubWriter;
use proforma::provider::hubspot::reader::HubspotReader;
use proforma::provider::hubspot::writer::HubspotWriter;
use proforma::provider::quickquote::reader::QuickquoteReader;
use proforma::provider::quickquote::writer::QuickquoteWriter;
use proforma::provider::salesbyte::reader::SalesbyteReader;
use proforma::provider::salesbyte::writer::SalesbyteWriter;
use proforma::provider::step::{Outcome, Step};
use proforma::provider::survey::{Ask, Sight, Survey};
use proforma::provider::{Dialect, Made, Reader, Writer, dealhub, hubspot, quickquote, salesbyte};
use proforma::sandbox::{Options, Sandbox};

use super::upstream::{Drawn, TOKEN, Tape};

const WORKSPACE: &str = "\
proforma: 1
workspace: fuzz
connections:
  crm: { provider: hubspot, token: { env: T }, defaults: { template: Default Modern, currency: USD, expires: 2027-12-01 } }
  shop: { provider: quickquote, token: { env: T }, currency: USD }
  nordic:
    provider: salesbyte
    uuid: { env: U }
    token: { env: T }
    quote_profile_id: 115
    stamp_field: { name: proforma, label: Proforma }
    currency: SEK
  cpq: { provider: dealhub, token: { env: T }, visibility: 1s, defaults: { currency: USD } }
";

const HUBSPOT: &str = "\
quote: NAME
connection: crm
title: Title of NAME
state: published
customer: { email: jo@acme.example }
contacts: [{ email: cfo@acme.example }]
deal: Acme renewal 2027
owner: omar@northlight.example
items:
  - { key: a, name: Audit, quantity: 2, price: 100.00, recurring: { every: month, for: 12 months } }
  - { key: b, name: Bundle, price: 50.50, discount: 10% }
discounts: [{ label: Loyalty, percent: 5 }]
fees: [{ label: Setup, amount: 20.00 }]
taxes: [{ label: VAT, percent: 25 }]
notes: { public: Hello, terms: Net 30 }
lifecycle: { when_locked: unlock }
";

const QUICKQUOTE: &str = "\
quote: NAME
connection: shop
state: draft
customer: { email: jo@acme.example, first_name: Jo, last_name: Ek }
items:
  - { key: a, name: Audit, quantity: 2, price: 100.00, properties: { Colour: brown } }
discounts: [{ label: Loyalty, percent: 5 }]
shipping: { name: Local delivery, price: 25.50 }
notes: { public: Hello }
tags: [priority]
";

const SALESBYTE: &str = "\
quote: NAME
connection: nordic
customer: { name: Jo, email: jo@acme.example, company: Acme }
items: [{ sku: SEO-A }]
fields: { bank_name: Acme bank }
expires: 2027-12-01
tags: [one]
";

const DEALHUB: &str = "\
quote: NAME
connection: cpq
title: Title of NAME
expires: 2027-12-01
currency: USD
state: published
deal: { id: \"345345\", name: Acme renewal 2027 }
items:
  - { key: audit, sku: SEO-A, name: Audit, quantity: 2, price: 12000.00, discount: 10% }
  - { key: day, sku: TRAIN-D, price: 1750.50 }
";

/// A provider's account with its past.
pub struct Stage {
    provider: ProviderName,
    connection: ConnectionName,
    pub loaded: Loaded,
    pub lockfile: Lockfile,
    pub dialect: Arc<dyn Dialect>,
    pub upstream: Drawn,
    /// The steps that made the quotes, in groups as they were sent, and what they gave.
    pub groups: Vec<Vec<Step>>,
    pub made: Made,
}

impl Stage {
    /// Makes two quotes in a sandbox of its own, and records one of them.
    pub async fn set(provider: ProviderName) -> Self {
        let (connection, manifest, mount) = match provider {
            ProviderName::Hubspot => ("crm", HUBSPOT, "/hubspot"),
            ProviderName::Quickquote => ("shop", QUICKQUOTE, "/quickquote/api/v1"),
            ProviderName::Salesbyte => ("nordic", SALESBYTE, "/salesbyte"),
            ProviderName::Dealhub => ("cpq", DEALHUB, "/dealhub"),
        };
        let connection = ConnectionName::parse(connection).unwrap();
        let quotes = |names: &[&str]| {
            let all: Vec<String> = names.iter().map(|n| manifest.replace("NAME", n)).collect();
            let text = all.join("---\n");
            let files = [("quotes/q.yaml", text.as_bytes())];
            let loaded = load_bytes(WORKSPACE.as_bytes(), &files, &LoadOptions::default());
            assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
            loaded
        };
        let options = Options { rate: "off".parse().unwrap(), ..Options::default() };
        let sandbox = Arc::new(Mutex::new(Sandbox::new(options).unwrap()));
        let loaded = quotes(&["recorded", "stray"]);
        let workspace = loaded.workspace.clone().unwrap();
        let mut stage = Self {
            provider,
            dialect: dialect(&connection, &workspace.connections[&connection]).unwrap(),
            connection,
            lockfile: Lockfile::new(workspace.name),
            loaded,
            upstream: Drawn::recording(sandbox, mount),
            groups: Vec::new(),
            made: Made::new(),
        };
        let plan = {
            let (reader, _) = stage.account(stage.upstream.clone());
            let survey = stage.survey(&*reader, true).await.unwrap();
            stage.plan(&survey).0
        };
        stage.groups = stage.grouped(&plan);
        let (reader, writer) = stage.account(stage.upstream.clone());
        for group in &stage.groups {
            let steps: Vec<&Step> = group.iter().collect();
            for receipt in writer.perform(&steps, &stage.made).await {
                match receipt.outcome {
                    Outcome::Applied(Some(id)) => {
                        stage.made.insert(receipt.step, id);
                    }
                    Outcome::Applied(None) => {}
                    other => panic!("{}: {other:?}", receipt.step),
                }
            }
        }
        stage.upstream.forget_reads();
        let survey = stage.survey(&*reader, true).await.unwrap();
        let recorded = QuoteName::parse("recorded").unwrap();
        let Some(Sight::Found(seen)) = survey.sights.get(&recorded) else {
            panic!("{:?}", survey.sights)
        };
        let entry = Entry {
            stamp: seen.stamp.clone(),
            revision: seen.revision,
            generation: 1,
            state: Some(seen.state.to_string()),
            parts: seen.parts.clone(),
            ..Entry::new(stage.connection.clone(), stage.dialect.name(), seen.id.clone())
        };
        stage.lockfile.entries.insert(recorded, entry.clone());
        stage.lockfile.entries.insert(QuoteName::parse("swapped").unwrap(), entry);
        stage.loaded = quotes(&["recorded", "stray", "fresh"]);
        // Fills the memory of answers with those of today.
        let survey = stage.survey(&*reader, true).await.unwrap();
        stage.plan(&survey);
        stage
    }

    /// Reader and writer on a transport.
    pub fn account(&self, upstream: Drawn) -> (Box<dyn Reader>, Box<dyn Writer>) {
        let upstream = Arc::new(upstream);
        let wire = |credential: Option<Credential>, policy: Policy| {
            let limits = Limits {
                account: RateLimit::published(1_000_000, 1),
                explicit: true,
                concurrency: 4,
                classes: Vec::new(),
            };
            let mut settings = WireSettings::new(policy);
            settings.credential = credential;
            settings.secrets = vec![secret()];
            settings.call_budget = Duration::from_secs(20);
            Arc::new(Wire::new(upstream.clone(), Arc::new(Limiter::new(limits)), settings))
        };
        let bearer = || Some(Credential::bearer(secret()));
        let connection = self.connection.clone();
        let of = &self.loaded.workspace.as_ref().unwrap().connections[&connection];
        match self.provider {
            ProviderName::Hubspot => {
                let settings = hubspot::Settings {
                    connection,
                    system: hubspot::QuoteSystem::Legacy,
                    stamp: hubspot::StampPlace::Property("proforma_key".to_owned()),
                };
                let wire = wire(bearer(), hubspot::policy());
                let reader = HubspotReader::new(ReadWire::new(wire.clone()), settings.clone());
                (Box::new(reader), Box::new(HubspotWriter::new(wire, settings)))
            }
            ProviderName::Quickquote => {
                let settings = quickquote::Settings { connection, currency: of.currency };
                let key = http::HeaderName::from_static("x-api-key");
                let key = Credential::header(key, secret());
                let wire = wire(Some(key), quickquote::policy());
                let reader = QuickquoteReader::new(ReadWire::new(wire.clone()), settings);
                (Box::new(reader), Box::new(QuickquoteWriter::new(wire)))
            }
            ProviderName::Salesbyte => {
                let field = of.stamp_field.as_ref().unwrap();
                let settings = salesbyte::Settings {
                    connection,
                    profile: of.quote_profile_id,
                    stamp: Some(salesbyte::StampField {
                        name: field.name.clone(),
                        label: field.label.clone(),
                    }),
                    currency: of.currency,
                    readable: true,
                };
                let reads = ReadWire::new(wire(bearer(), salesbyte::policy()));
                let silent = wire(None, salesbyte::policy());
                let writer = SalesbyteWriter::new(silent, secret());
                (Box::new(SalesbyteReader::new(Some(reads), settings)), Box::new(writer))
            }
            ProviderName::Dealhub => {
                let visibility = Duration::from_secs(1);
                let settings = dealhub::Settings { connection, visibility };
                let wire = wire(bearer(), dealhub::policy());
                let reader = DealhubReader::new(ReadWire::new(wire.clone()), settings.clone());
                (Box::new(reader), Box::new(DealhubWriter::new(wire, settings)))
            }
        }
    }

    /// The same account, with its answers bent.
    pub fn bent(&self, tape: Tape) -> (Box<dyn Reader>, Box<dyn Writer>) {
        self.account(self.upstream.bent(tape))
    }

    pub async fn survey(
        &self,
        reader: &dyn Reader,
        resolve: bool,
    ) -> Result<Survey, proforma::provider::step::Trouble> {
        let subjects = self.subjects();
        let asks: Vec<Ask<'_>> = subjects.iter().map(|s| s.ask(&self.lockfile.workspace)).collect();
        reader.survey(&asks, resolve).await
    }

    fn subjects(&self) -> Vec<Subject<'_>> {
        build::pair(&self.loaded.quotes, &self.lockfile, &|_, _, _| true).0
    }

    /// The plan of what was seen.
    pub fn plan(&self, survey: &Survey) -> (Plan, Vec<proforma::failure::Diagnostic>) {
        let account = Account {
            dialect: &*self.dialect,
            survey,
            requests: proforma::provider::Requests::default(),
        };
        let accounts = BTreeMap::from([(self.connection.clone(), account)]);
        build::build(&self.lockfile.workspace, &self.subjects(), &accounts, &Terms::default())
    }

    /// The writing steps of a plan in groups that may travel together.
    fn grouped(&self, plan: &Plan) -> Vec<Vec<Step>> {
        let mut groups: Vec<Vec<Step>> = Vec::new();
        let steps = plan.preparations.iter().chain(plan.quotes.iter().flat_map(|q| &q.steps));
        for step in steps.filter(|s| !s.is_read_back()) {
            let class = self.dialect.batch(step);
            let joins = groups.last().is_some_and(|group| {
                self.dialect.batch(&group[0]) == class
                    && group.len() < class.max
                    && group.iter().all(|other| !step.needs.contains(&other.id))
            });
            match groups.last_mut().filter(|_| joins) {
                Some(group) => group.push(step.clone()),
                None => groups.push(vec![step.clone()]),
            }
        }
        groups
    }
}

fn secret() -> Secret {
    Secret::new(TOKEN.to_owned()).unwrap()
}
