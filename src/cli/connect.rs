//! From connections to readers and writers.
//!
//! Invariant: what plan is given has no writer; [`Account::writer`] is called by apply alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::open::Opened;
use crate::failure::{Failure, Kind};
use crate::http::{
    BaseUrl, Class, Credential, Limiter, Limits, Policy, RateLimit, ReadWire, Secret, SecretSource,
    SharedTransport, Wire, WireSettings,
};
use crate::key::ConnectionName;
use crate::manifest::{Connection, Credential as Source, ProviderName, QuoteSystem, Stamping};
use crate::provider::dealhub::reader::DealhubReader;
use crate::provider::dealhub::writer::DealhubWriter;
use crate::provider::dealhub::{self, DealhubDialect};
use crate::provider::hubspot::reader::HubspotReader;
use crate::provider::hubspot::writer::HubspotWriter;
use crate::provider::hubspot::{self, HubspotDialect};
use crate::provider::quickquote::reader::QuickquoteReader;
use crate::provider::quickquote::writer::QuickquoteWriter;
use crate::provider::quickquote::{self, QuickquoteDialect};
use crate::provider::salesbyte::reader::SalesbyteReader;
use crate::provider::salesbyte::writer::SalesbyteWriter;
use crate::provider::salesbyte::{self, SalesbyteDialect};
use crate::provider::{Dialect, Reader, Writer};

/// Requests in flight on one connection, unless it says otherwise.
const DEFAULT_CONCURRENCY: usize = 8;

/// A connection that can be asked.
pub struct Account {
    /// Its provider.
    pub dialect: Arc<dyn Dialect>,
    /// Reads.
    pub reader: Arc<dyn Reader>,
    /// Requests in flight at once.
    pub concurrency: usize,
    writer: Arc<dyn Writer>,
}

impl Account {
    /// The writing side: for apply alone.
    pub fn writer(&self) -> Arc<dyn Writer> {
        Arc::clone(&self.writer)
    }
}

/// The pure half of a connection's provider: needs no credentials.
pub fn dialect(
    name: &ConnectionName,
    connection: &Connection,
) -> Result<Arc<dyn Dialect>, Failure> {
    match connection.provider {
        ProviderName::Hubspot => {
            Ok(Arc::new(HubspotDialect::new(hubspot_settings(name, connection))))
        }
        ProviderName::Quickquote => {
            Ok(Arc::new(QuickquoteDialect::new(quickquote_settings(name, connection))))
        }
        ProviderName::Dealhub => {
            Ok(Arc::new(DealhubDialect::new(dealhub_settings(name, connection))))
        }
        ProviderName::Salesbyte => {
            Ok(Arc::new(SalesbyteDialect::new(salesbyte_settings(name, connection))))
        }
    }
}

fn dealhub_settings(name: &ConnectionName, connection: &Connection) -> dealhub::Settings {
    dealhub::Settings {
        connection: name.clone(),
        visibility: connection.visibility.unwrap_or(dealhub::DEFAULT_VISIBILITY),
    }
}

fn hubspot_settings(name: &ConnectionName, connection: &Connection) -> hubspot::Settings {
    hubspot::Settings {
        connection: name.clone(),
        system: match connection.quote_system {
            QuoteSystem::Legacy => hubspot::QuoteSystem::Legacy,
            QuoteSystem::Cpq => hubspot::QuoteSystem::Cpq,
        },
        stamp: match &connection.stamp {
            Stamping::Property(property) => hubspot::StampPlace::Property(property.clone()),
            Stamping::Slug => hubspot::StampPlace::Slug,
        },
    }
}

fn quickquote_settings(name: &ConnectionName, connection: &Connection) -> quickquote::Settings {
    quickquote::Settings { connection: name.clone(), currency: connection.currency }
}

fn salesbyte_settings(name: &ConnectionName, connection: &Connection) -> salesbyte::Settings {
    let stamp = connection.stamp_field.as_ref();
    salesbyte::Settings {
        connection: name.clone(),
        profile: connection.quote_profile_id,
        stamp: stamp
            .map(|s| salesbyte::StampField { name: s.name.clone(), label: s.label.clone() }),
        currency: connection.currency,
        readable: connection.token.is_some(),
    }
}

/// Connects to the named connections.
pub fn connect(
    opened: &Opened,
    names: &[&ConnectionName],
    parallelism: Option<usize>,
    stop: &CancellationToken,
) -> Result<BTreeMap<ConnectionName, Account>, Failure> {
    let mut accounts = BTreeMap::new();
    for name in names {
        let Some(connection) = opened.workspace.connections.get(*name) else {
            return Err(Failure::new(
                Kind::Invalid,
                format!("the lockfile names connection `{name}`, which is not in the workspace"),
            )
            .help(
                "bring the connection back, or take its quotes out with `proforma lock forget`",
            ));
        };
        accounts.insert((*name).clone(), account(opened, name, connection, parallelism, stop)?);
    }
    Ok(accounts)
}

fn account(
    opened: &Opened,
    name: &ConnectionName,
    connection: &Connection,
    parallelism: Option<usize>,
    stop: &CancellationToken,
) -> Result<Account, Failure> {
    let line = Line::new(opened, name, connection, parallelism, stop)?;
    match connection.provider {
        ProviderName::Hubspot => line.hubspot(),
        ProviderName::Quickquote => line.quickquote(),
        ProviderName::Salesbyte => line.salesbyte(),
        ProviderName::Dealhub => line.dealhub(),
    }
}

/// What the accounts of all providers are made of. One function a provider makes one.
struct Line<'a> {
    opened: &'a Opened,
    name: &'a ConnectionName,
    connection: &'a Connection,
    transport: SharedTransport,
    concurrency: usize,
    stop: &'a CancellationToken,
}

impl<'a> Line<'a> {
    fn new(
        opened: &'a Opened,
        name: &'a ConnectionName,
        connection: &'a Connection,
        parallelism: Option<usize>,
        stop: &'a CancellationToken,
    ) -> Result<Self, Failure> {
        let base = match &opened.sandbox {
            Some(root) => format!("{}/{}", root.as_str(), sandbox_path(connection.provider)),
            None => connection.base_url.clone(),
        };
        let base = BaseUrl::parse(&base).map_err(|e| broken(name, &e))?;
        let transport = opened
            .machine
            .dial(base, answer_timeout(connection.provider))
            .map_err(|e| broken(name, &e))?;
        let concurrency = parallelism
            .or(connection.concurrency.map(|n| n as usize))
            .unwrap_or(DEFAULT_CONCURRENCY);
        Ok(Self { opened, name, connection, transport, concurrency, stop })
    }

    fn limiter(&self, published: RateLimit, classes: Vec<(Class, RateLimit)>) -> Arc<Limiter> {
        let explicit = self.connection.rate.and_then(|r| RateLimit::new(r.requests, r.window));
        Arc::new(Limiter::new(Limits {
            account: explicit.unwrap_or(published),
            explicit: explicit.is_some(),
            concurrency: self.concurrency,
            classes,
        }))
    }

    fn wire(
        &self,
        limiter: &Arc<Limiter>,
        policy: Policy,
        credential: Option<Credential>,
        secrets: Vec<Secret>,
    ) -> Arc<Wire> {
        let mut settings = WireSettings::new(policy);
        settings.credential = credential;
        settings.secrets = secrets;
        settings.stop = self.stop.clone();
        Arc::new(Wire::new(Arc::clone(&self.transport), Arc::clone(limiter), settings))
    }

    /// A secret of the connection; the sandbox needs none.
    fn secret(&self, key: &str, source: Option<&Source>) -> Result<Secret, Failure> {
        if self.opened.sandbox.is_some() {
            return Secret::new("sandbox".to_owned()).map_err(|e| broken(self.name, &e));
        }
        let source = match source {
            Some(Source::Env(variable)) => SecretSource::Env(variable.clone()),
            Some(Source::File(path)) => SecretSource::File(self.opened.folder.join(path)),
            None => {
                return Err(Failure::new(
                    Kind::Credentials,
                    format!("connection `{}` has no `{key}:`", self.name),
                )
                .help(format!("write `{key}: {{ env: NAME }}` or `{key}: {{ file: PATH }}`")));
            }
        };
        let env = |variable: &str| self.opened.machine.variable(variable);
        Secret::load(&source, self.name, &env).map_err(Failure::from)
    }

    fn hubspot(&self) -> Result<Account, Failure> {
        let settings = hubspot_settings(self.name, self.connection);
        let token = self.secret("token", self.connection.token.as_ref())?;
        let limiter = self.limiter(hubspot::published_limit(), hubspot::class_limits());
        let wire =
            self.wire(&limiter, hubspot::policy(), Some(Credential::bearer(token)), Vec::new());
        let reader = HubspotReader::new(ReadWire::new(Arc::clone(&wire)), settings.clone());
        Ok(Account {
            dialect: dialect(self.name, self.connection)?,
            reader: Arc::new(reader),
            concurrency: self.concurrency,
            writer: Arc::new(HubspotWriter::new(wire, settings)),
        })
    }

    fn quickquote(&self) -> Result<Account, Failure> {
        let settings = quickquote_settings(self.name, self.connection);
        let token = self.secret("token", self.connection.token.as_ref())?;
        let key = Credential::header(http::HeaderName::from_static("x-api-key"), token);
        let limiter = self.limiter(quickquote::careful_limit(), Vec::new());
        let wire = self.wire(&limiter, quickquote::policy(), Some(key), Vec::new());
        Ok(Account {
            dialect: dialect(self.name, self.connection)?,
            reader: Arc::new(QuickquoteReader::new(ReadWire::new(Arc::clone(&wire)), settings)),
            concurrency: self.concurrency,
            writer: Arc::new(QuickquoteWriter::new(wire)),
        })
    }

    fn dealhub(&self) -> Result<Account, Failure> {
        let settings = dealhub_settings(self.name, self.connection);
        let token = self.secret("token", self.connection.token.as_ref())?;
        let limiter = self.limiter(dealhub::published_limit(), Vec::new());
        let wire =
            self.wire(&limiter, dealhub::policy(), Some(Credential::bearer(token)), Vec::new());
        let reader = DealhubReader::new(ReadWire::new(Arc::clone(&wire)), settings.clone());
        Ok(Account {
            dialect: dialect(self.name, self.connection)?,
            reader: Arc::new(reader),
            concurrency: self.concurrency,
            writer: Arc::new(DealhubWriter::new(wire, settings)),
        })
    }

    /// Two doors: reads with the token in a header (where there is one), creations with the uuid
    /// in their body. Neither secret goes through the other's, and they share one limit.
    fn salesbyte(&self) -> Result<Account, Failure> {
        let settings = salesbyte_settings(self.name, self.connection);
        let uuid = self.secret("uuid", self.connection.uuid.as_ref())?;
        let token = self.connection.token.as_ref();
        let token = token.map(|source| self.secret("token", Some(source))).transpose()?;
        let secrets: Vec<Secret> = std::iter::once(uuid.clone()).chain(token.clone()).collect();
        let limiter = self.limiter(salesbyte::published_limit(), Vec::new());
        let wire =
            |credential| self.wire(&limiter, salesbyte::policy(), credential, secrets.clone());
        let reads = token.map(|token| ReadWire::new(wire(Some(Credential::bearer(token)))));
        let clock = self.opened.machine.clock();
        let reader = SalesbyteReader::new(reads, settings).with_clock(clock);
        Ok(Account {
            dialect: dialect(self.name, self.connection)?,
            reader: Arc::new(reader),
            concurrency: self.concurrency,
            writer: Arc::new(SalesbyteWriter::new(wire(None), uuid)),
        })
    }
}

fn broken(name: &ConnectionName, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Kind::Other, format!("connection `{name}`: {why}"))
}

/// How long an answer may take.
fn answer_timeout(provider: ProviderName) -> std::time::Duration {
    match provider {
        ProviderName::Quickquote => quickquote::ANSWER_TIMEOUT,
        _ => crate::http::client::DEFAULT_TIMEOUT,
    }
}

/// The upstream's place in the sandbox.
fn sandbox_path(provider: ProviderName) -> &'static str {
    match provider {
        ProviderName::Hubspot => "hubspot",
        ProviderName::Quickquote => "quickquote/api/v1",
        ProviderName::Salesbyte => "salesbyte",
        ProviderName::Dealhub => "dealhub",
    }
}
