//! From connections to readers and writers.
//!
//! Invariant: what plan is given has no writer; [`writers`] is called by apply alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::open::Opened;
use crate::failure::{Failure, Kind};
use crate::http::client::ReqwestTransport;
use crate::http::{
    BaseUrl, Class, Credential, Limiter, Limits, Policy, RateLimit, ReadWire, Secret, SecretSource,
    Wire, WireSettings,
};
use crate::key::ConnectionName;
use crate::manifest::{Connection, Credential as Source, ProviderName, QuoteSystem, Stamping};
use crate::provider::dealhub::reader::DealhubReader;
use crate::provider::dealhub::writer::DealhubWriter;
use crate::provider::dealhub::{self, DealhubDialect};
use crate::provider::hubspot::reader::HubspotReader;
use crate::provider::hubspot::writer::HubspotWriter;
use crate::provider::hubspot::{self, HubspotDialect};
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
    wire: Arc<Wire>,
    kit: Kit,
}

/// A provider with its settings.
#[derive(Clone)]
enum Kit {
    Hubspot(hubspot::Settings),
    Dealhub(dealhub::Settings),
}

impl Kit {
    fn of(name: &ConnectionName, connection: &Connection) -> Result<Self, Failure> {
        match connection.provider {
            ProviderName::Hubspot => Ok(Self::Hubspot(hubspot_settings(name, connection))),
            ProviderName::Dealhub => Ok(Self::Dealhub(dealhub_settings(name, connection))),
            other => Err(unavailable(name, other)),
        }
    }

    fn dialect(&self) -> Arc<dyn Dialect> {
        match self {
            Self::Hubspot(settings) => Arc::new(HubspotDialect::new(settings.clone())),
            Self::Dealhub(settings) => Arc::new(DealhubDialect::new(settings.clone())),
        }
    }

    fn reader(&self, wire: &Arc<Wire>) -> Arc<dyn Reader> {
        let wire = ReadWire::new(Arc::clone(wire));
        match self {
            Self::Hubspot(settings) => Arc::new(HubspotReader::new(wire, settings.clone())),
            Self::Dealhub(settings) => Arc::new(DealhubReader::new(wire, settings.clone())),
        }
    }

    fn writer(&self, wire: &Arc<Wire>) -> Arc<dyn Writer> {
        let wire = Arc::clone(wire);
        match self {
            Self::Hubspot(settings) => Arc::new(HubspotWriter::new(wire, settings.clone())),
            Self::Dealhub(settings) => Arc::new(DealhubWriter::new(wire, settings.clone())),
        }
    }

    /// What the provider's answers mean, its published limit, and limits beside it.
    fn limits(&self) -> (Policy, RateLimit, Vec<(Class, RateLimit)>) {
        match self {
            Self::Hubspot(_) => {
                (hubspot::policy(), hubspot::published_limit(), hubspot::class_limits())
            }
            Self::Dealhub(_) => (dealhub::policy(), dealhub::published_limit(), Vec::new()),
        }
    }
}

impl Account {
    /// The writing side: for apply alone.
    pub fn writer(&self) -> Arc<dyn Writer> {
        self.kit.writer(&self.wire)
    }
}

/// The pure half of a connection's provider: needs no credentials.
pub fn dialect(
    name: &ConnectionName,
    connection: &Connection,
) -> Result<Arc<dyn Dialect>, Failure> {
    Ok(Kit::of(name, connection)?.dialect())
}

fn unavailable(name: &ConnectionName, provider: ProviderName) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("connection `{name}`: this version cannot talk to `{provider}` yet"),
    )
    .help("`proforma providers` lists what it can talk to")
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
    let kit = Kit::of(name, connection)?;
    let failed =
        |e: &dyn std::fmt::Display| Failure::new(Kind::Other, format!("connection `{name}`: {e}"));
    let (base, secret) = if let Some(root) = &opened.sandbox {
        let base = format!("{}/{}", root.as_str(), sandbox_path(connection.provider));
        (base, Secret::new("sandbox".to_owned()).map_err(|e| failed(&e))?)
    } else {
        (connection.base_url.clone(), load_secret(opened, name, connection)?)
    };
    let base = BaseUrl::parse(&base).map_err(|e| failed(&e))?;
    let transport = ReqwestTransport::new(base, crate::http::client::DEFAULT_TIMEOUT)
        .map_err(|e| failed(&e))?;
    let concurrency =
        parallelism.or(connection.concurrency.map(|n| n as usize)).unwrap_or(DEFAULT_CONCURRENCY);
    let (policy, published, classes) = kit.limits();
    let explicit = connection.rate.and_then(|r| RateLimit::new(r.requests, r.window));
    let limiter = Limiter::new(Limits {
        account: explicit.unwrap_or(published),
        explicit: explicit.is_some(),
        concurrency,
        classes,
    });
    let mut settings_of_wire = WireSettings::new(policy);
    settings_of_wire.credential = Some(Credential::bearer(secret));
    settings_of_wire.stop = stop.clone();
    let wire = Arc::new(Wire::new(Arc::new(transport), Arc::new(limiter), settings_of_wire));
    Ok(Account { dialect: kit.dialect(), reader: kit.reader(&wire), concurrency, wire, kit })
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

fn load_secret(
    opened: &Opened,
    name: &ConnectionName,
    connection: &Connection,
) -> Result<Secret, Failure> {
    let source = match &connection.token {
        Some(Source::Env(variable)) => SecretSource::Env(variable.clone()),
        Some(Source::File(path)) => SecretSource::File(opened.folder.join(path)),
        None => {
            return Err(Failure::new(
                Kind::Credentials,
                format!("connection `{name}` has no `token:`"),
            )
            .help("write `token: { env: NAME }` or `token: { file: PATH }`"));
        }
    };
    let env = |variable: &str| std::env::var(variable).ok();
    Secret::load(&source, name, &env).map_err(Failure::from)
}
