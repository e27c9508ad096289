//! From connections to readers and writers.
//!
//! Invariant: what plan is given has no writer; [`writers`] is called by apply alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::open::Opened;
use crate::failure::{Failure, Kind};
use crate::http::client::{DEFAULT_TIMEOUT, ReqwestTransport};
use crate::http::{
    BaseUrl, Class, Credential, Limiter, Limits, Policy, RateLimit, ReadWire, Secret, SecretSource,
    Wire, WireSettings,
};
use crate::key::ConnectionName;
use crate::manifest::{Connection, Credential as Source, ProviderName, QuoteSystem, Stamping};
use crate::provider::hubspot::reader::HubspotReader;
use crate::provider::hubspot::writer::HubspotWriter;
use crate::provider::hubspot::{self, HubspotDialect};
use crate::provider::quickquote::reader::QuickquoteReader;
use crate::provider::quickquote::writer::QuickquoteWriter;
use crate::provider::quickquote::{self, QuickquoteDialect};
use crate::provider::{Dialect, Reader, Writer};

/// Requests in flight on one connection, unless it says otherwise.
const DEFAULT_CONCURRENCY: usize = 8;

/// Makes the writing side of a connection.
type MakeWriter = Box<dyn Fn() -> Arc<dyn Writer> + Send + Sync>;

/// A connection that can be asked.
pub struct Account {
    /// Its provider.
    pub dialect: Arc<dyn Dialect>,
    /// Reads.
    pub reader: Arc<dyn Reader>,
    /// Requests in flight at once.
    pub concurrency: usize,
    writer: MakeWriter,
}

impl Account {
    /// The writing side: for apply alone.
    pub fn writer(&self) -> Arc<dyn Writer> {
        (self.writer)()
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
        other => Err(unavailable(name, other)),
    }
}

fn unavailable(name: &ConnectionName, provider: ProviderName) -> Failure {
    Failure::new(
        Kind::Invalid,
        format!("connection `{name}`: this version cannot talk to `{provider}` yet"),
    )
    .help("`proforma providers` lists what it can talk to")
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
    let dialect = dialect(name, connection)?;
    let line = Line { opened, name, connection, parallelism, stop };
    match connection.provider {
        ProviderName::Hubspot => hubspot_account(&line, dialect),
        ProviderName::Quickquote => quickquote_account(&line, dialect),
        other => Err(unavailable(name, other)),
    }
}

fn hubspot_account(line: &Line<'_>, dialect: Arc<dyn Dialect>) -> Result<Account, Failure> {
    let settings = hubspot_settings(line.name, line.connection);
    let wire = line.wire(Manner {
        policy: hubspot::policy(),
        limit: hubspot::published_limit(),
        classes: hubspot::class_limits(),
        timeout: DEFAULT_TIMEOUT,
        credential: Credential::bearer(line.secret()?),
    })?;
    let reader = HubspotReader::new(ReadWire::new(Arc::clone(&wire)), settings.clone());
    let writer = move || -> Arc<dyn Writer> {
        Arc::new(HubspotWriter::new(Arc::clone(&wire), settings.clone()))
    };
    Ok(Account {
        dialect,
        reader: Arc::new(reader),
        concurrency: line.concurrency(),
        writer: Box::new(writer),
    })
}

fn quickquote_account(line: &Line<'_>, dialect: Arc<dyn Dialect>) -> Result<Account, Failure> {
    let settings = quickquote_settings(line.name, line.connection);
    let key = http::HeaderName::from_static("x-api-key");
    let wire = line.wire(Manner {
        policy: quickquote::policy(),
        limit: quickquote::careful_limit(),
        classes: Vec::new(),
        timeout: quickquote::ANSWER_TIMEOUT,
        credential: Credential::header(key, line.secret()?),
    })?;
    let reader = QuickquoteReader::new(ReadWire::new(Arc::clone(&wire)), settings);
    let writer = move || -> Arc<dyn Writer> { Arc::new(QuickquoteWriter::new(Arc::clone(&wire))) };
    Ok(Account {
        dialect,
        reader: Arc::new(reader),
        concurrency: line.concurrency(),
        writer: Box::new(writer),
    })
}

/// How an upstream is spoken to.
struct Manner {
    policy: Policy,
    limit: RateLimit,
    classes: Vec<(Class, RateLimit)>,
    timeout: Duration,
    credential: Credential,
}

/// What all connections are built from.
struct Line<'a> {
    opened: &'a Opened,
    name: &'a ConnectionName,
    connection: &'a Connection,
    parallelism: Option<usize>,
    stop: &'a CancellationToken,
}

impl Line<'_> {
    fn failed(&self, e: &dyn std::fmt::Display) -> Failure {
        Failure::new(Kind::Other, format!("connection `{}`: {e}", self.name))
    }

    fn concurrency(&self) -> usize {
        let own = self.connection.concurrency.map(|n| n as usize);
        self.parallelism.or(own).unwrap_or(DEFAULT_CONCURRENCY)
    }

    /// The access token; the sandbox takes any.
    fn secret(&self) -> Result<Secret, Failure> {
        if self.opened.sandbox.is_some() {
            return Secret::new("sandbox".to_owned()).map_err(|e| self.failed(&e));
        }
        load_secret(self.opened, self.name, self.connection)
    }

    fn wire(&self, manner: Manner) -> Result<Arc<Wire>, Failure> {
        let base = match &self.opened.sandbox {
            Some(root) => format!("{}/{}", root.as_str(), sandbox_path(self.connection.provider)),
            None => self.connection.base_url.clone(),
        };
        let base = BaseUrl::parse(&base).map_err(|e| self.failed(&e))?;
        let transport = ReqwestTransport::new(base, manner.timeout).map_err(|e| self.failed(&e))?;
        let explicit = self.connection.rate.and_then(|r| RateLimit::new(r.requests, r.window));
        let limiter = Limiter::new(Limits {
            account: explicit.unwrap_or(manner.limit),
            explicit: explicit.is_some(),
            concurrency: self.concurrency(),
            classes: manner.classes,
        });
        let mut settings = WireSettings::new(manner.policy);
        settings.credential = Some(manner.credential);
        settings.stop = self.stop.clone();
        Ok(Arc::new(Wire::new(Arc::new(transport), Arc::new(limiter), settings)))
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
