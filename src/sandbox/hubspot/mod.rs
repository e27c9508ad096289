//! HubSpot's quote system, emulated: objects, batches, search, associations, properties, the
//! state machine of quotes.
//!
//! Invariants: a request is done whole or not at all, unless it is a traced batch (then row by
//! row); what the portal computes is recomputed after every write that bears on it.
//!
//! Where the public documents are silent the choice is marked "guess" beside the code.

mod associations;
mod batch;
mod body;
mod checks;
mod cpq;
mod directory;
mod errors;
mod kind;
mod links;
mod objects;
mod people;
mod properties;
mod quotes;
mod render;
mod route;
mod schema;
mod search;
mod seed;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod totals;
mod values;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::body::{next_page, read_id, read_inputs, read_limit, read_names, read_object};
use self::directory::Directory;
use self::errors::Refusal;
use self::kind::Kind;
use self::route::{Batch, LinkBatch, Route};
use self::schema::{Definition, Schema};
use self::settings::Settings;
use self::store::{SavedStore, Store};
use super::machine::SandboxError;
use super::options::Rate;
use super::random::Random;
use super::upstream::{
    Call, Deed, MeterName, MeterState, Moment, Refused, RouteFacts, Upstream, json_response,
};
use crate::http::Response;

const MOUNT: &str = "/hubspot";
/// The longest address that is accepted (guess).
const LONGEST_TARGET: usize = 16_384;
/// What search allows an account.
const SEARCH_RATE: Rate = Rate { count: 5, window: Duration::from_secs(1) };

/// The portal. See the module's head.
#[derive(Debug)]
pub(crate) struct HubSpot {
    store: Store,
    schema: Schema,
    settings: Settings,
    directory: Directory,
    /// Quotes published for e-signature this month.
    esign_used: u64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    store: SavedStore,
    definitions: Vec<(Kind, Definition)>,
    settings: Settings,
    esign_used: u64,
}

/// A done request: status and body, and where a new record lives.
struct Done {
    status: StatusCode,
    body: Option<Value>,
    location: Option<String>,
}

impl Done {
    fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, body: Some(body), location: None }
    }

    fn created(body: Value, location: Option<String>) -> Self {
        Self { status: StatusCode::CREATED, body: Some(body), location }
    }

    fn with(status: StatusCode, body: Value) -> Self {
        Self { status, body: Some(body), location: None }
    }

    fn empty() -> Self {
        Self { status: StatusCode::NO_CONTENT, body: None, location: None }
    }
}

impl HubSpot {
    /// The portal as seeded.
    pub(crate) fn seeded() -> Result<Self, SandboxError> {
        let mut portal = Self {
            store: Store::default(),
            schema: Schema::builtin()?,
            settings: Settings::default(),
            directory: Directory::default(),
            esign_used: 0,
        };
        portal.index_unique();
        seed::plant(&mut portal)?;
        portal.store.settle();
        Ok(portal)
    }

    fn index_unique(&mut self) {
        for (kind, name) in self.schema.unique() {
            self.store.make_unique(kind, &name);
        }
    }

    fn dispatch(&mut self, call: &Call, m: &mut Moment<'_>) -> Result<Done, Refusal> {
        if call.target_length > LONGEST_TARGET {
            return Err(Refusal::too_long());
        }
        let token = call.bearer().filter(|t| *t != "invalid");
        let token = token.ok_or_else(Refusal::credentials)?;
        let (route, _) = route::read(call);
        self.check_scope(&route, &call.method, token)?;
        let get = call.method == Method::GET;
        let post = call.method == Method::POST;
        let put = call.method == Method::PUT;
        let patch = call.method == Method::PATCH;
        let delete = call.method == Method::DELETE;
        match route {
            Route::Records(kind) if get => self.list(kind, call, m),
            Route::Records(kind) if post => self.create_one(kind, call, m),
            Route::Record(kind, id) if get => self.read_one(kind, &id, call, m),
            Route::Record(kind, id) if patch => self.update_one(kind, &id, call, m),
            Route::Record(kind, id) if delete => self.archive_one(kind, &id, m),
            Route::Batch(kind, op) if post => self.batch(kind, op, call, m),
            Route::Search(kind) if post => self.search(kind, call, m),
            Route::Merge(kind) if post => self.merge(kind, call, m),
            Route::Link { from, from_id, to, to_id, default } if put => {
                self.link_one((from, &from_id), (to, &to_id), default, call, m)
            }
            Route::Link { from, from_id, to, to_id, default: false } if delete => {
                self.unlink_one((from, &from_id), (to, &to_id), m)
            }
            Route::Links { from, from_id, to } if get => self.links_of(from, &from_id, to, call),
            Route::LinkBatch { from, to, op } if post => self.link_batch(from, to, op, call, m),
            Route::LinkTypes { from, to } if get => Ok(links::render_types(from, to)),
            Route::Properties(kind) if get => Ok(self.list_properties(kind)),
            Route::Properties(kind) if post => self.create_property(kind, call, m),
            Route::Property(kind, name) if get => self.read_property(kind, &name),
            Route::Property(kind, name) if delete => self.archive_property(kind, &name),
            Route::PropertyGroups(kind) if get => Ok(self.property_groups(kind)),
            Route::Owners if get => self.list_owners(call),
            Route::Owner(id) if get => self.read_owner(&id, call),
            Route::Account if get => Ok(self.account()),
            Route::TaxRates if get => Ok(self.tax_rates()),
            Route::UnknownObject(name) => {
                Err(Refusal::invalid(format!("Unable to infer object type from: {name}")))
            }
            Route::Unknown => Err(Refusal::no_route()),
            _ => Err(Refusal::method()),
        }
    }

    /// Refuses what the token may not do.
    fn check_scope(&self, route: &Route, method: &Method, token: &str) -> Result<(), Refusal> {
        let (scope, write) = match route {
            Route::Records(kind) | Route::Record(kind, _) => {
                let write = method != Method::GET;
                (kind.scope(write), write)
            }
            Route::Batch(kind, op) => {
                let write = *op != Batch::Read;
                (kind.scope(write), write)
            }
            Route::Search(kind) => (kind.scope(false), false),
            Route::Merge(kind) => (kind.scope(true), true),
            Route::Link { from, .. } => (kind_link_scope(*from, true), true),
            Route::Links { from, .. } | Route::LinkTypes { from, .. } => {
                (kind_link_scope(*from, false), false)
            }
            Route::LinkBatch { from, op, .. } => {
                let write = *op != LinkBatch::Read;
                (kind_link_scope(*from, write), write)
            }
            Route::Properties(kind) | Route::Property(kind, _) | Route::PropertyGroups(kind) => {
                let write = method != Method::GET;
                let scope = kind.scope(write).replacen("crm.objects", "crm.schemas", 1);
                if write && token.starts_with("noschema") {
                    return Err(Refusal::scope(&scope));
                }
                (scope, write)
            }
            Route::Owners | Route::Owner(_) => ("crm.objects.owners.read".to_owned(), false),
            Route::TaxRates => ("tax_rates.read".to_owned(), false),
            Route::Account | Route::UnknownObject(_) | Route::Unknown => return Ok(()),
        };
        let read_only = write && token.starts_with("readonly");
        if read_only || self.settings.deny_scopes.contains(&scope) {
            return Err(Refusal::scope(&scope));
        }
        Ok(())
    }
}

/// Linking a template is a matter of the quote, not of the template.
fn kind_link_scope(from: Kind, write: bool) -> String {
    if from == Kind::Template { Kind::Quote.scope(write) } else { from.scope(write) }
}

impl Upstream for HubSpot {
    fn name(&self) -> &'static str {
        "hubspot"
    }

    fn mount(&self) -> &'static str {
        MOUNT
    }

    fn published_rate(&self) -> Rate {
        Rate { count: 190, window: Duration::from_secs(10) }
    }

    fn classify(&self, call: &Call) -> RouteFacts {
        let (route, ids) = route::read(call);
        let query = matches!(
            route,
            Route::Search(_)
                | Route::Batch(_, Batch::Read)
                | Route::LinkBatch { op: LinkBatch::Read, .. }
        );
        let meter = match route {
            Route::Search(_) => MeterName::Search(SEARCH_RATE),
            Route::LinkBatch { .. } => MeterName::Exempt,
            _ => MeterName::General,
        };
        RouteFacts {
            pattern: format!("{MOUNT}{}", route::pattern(call, &ids)),
            write: call.method != Method::GET && !(query && call.method == Method::POST),
            meter,
        }
    }

    fn answer(&mut self, call: &Call, m: &mut Moment<'_>) -> Response {
        let mark = self.store.mark();
        let result = self.dispatch(call, m);
        if result.is_err() {
            self.store.roll_back(mark);
        }
        self.store.settle();
        let mut response = match result {
            Ok(Done { status, body, location }) => {
                let mut response = body.map_or_else(
                    || Response::new(Bytes::new()),
                    |body| json_response(status, &body),
                );
                *response.status_mut() = status;
                if let Some(Ok(at)) = location.map(HeaderValue::try_from) {
                    response.headers_mut().insert(http::header::LOCATION, at);
                }
                response
            }
            Err(refusal) => refusal.response(m.random),
        };
        if let Ok(id) = HeaderValue::try_from(m.random.uuid()) {
            response.headers_mut().insert("x-hubspot-correlation-id", id);
        }
        response
    }

    fn over_limit(&self, meter: MeterName, _: Rate, random: &mut Random) -> Response {
        let policy =
            if matches!(meter, MeterName::Search(_)) { "SECONDLY" } else { "TEN_SECONDLY_ROLLING" };
        errors::rate_limited(policy, random)
    }

    fn tell_limit(&self, response: &mut Response, state: MeterState) {
        let headers = response.headers_mut();
        let window = u64::try_from(state.rate.window.as_millis()).unwrap_or(u64::MAX);
        headers.insert("x-hubspot-ratelimit-max", state.rate.count.into());
        headers.insert("x-hubspot-ratelimit-remaining", state.remaining.into());
        headers.insert("x-hubspot-ratelimit-interval-milliseconds", window.into());
        headers.insert("x-hubspot-ratelimit-daily", 625_000.into());
    }

    fn failure(&self, status: StatusCode, random: &mut Random) -> Response {
        errors::outage(status, random)
    }

    fn snapshot(&self) -> Value {
        self.render_all()
    }

    fn deed(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        let mark = self.store.mark();
        let result = self.by_people(deed, m);
        if result.is_err() {
            self.store.roll_back(mark);
        }
        self.store.settle();
        result
    }

    fn settings(
        &mut self,
        change: &Map<String, Value>,
        m: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        let result = self.change_settings(change, m);
        self.store.settle();
        result
    }

    fn reset(&mut self, switches: bool) {
        // The seed was read at the start, so it can be read again; were it not, nothing is lost.
        if let Ok(mut fresh) = Self::seeded() {
            if !switches {
                std::mem::swap(&mut fresh.settings, &mut self.settings);
            }
            *self = fresh;
        }
    }

    fn save(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Saved {
            store: self.store.save(),
            definitions: self.schema.custom(),
            settings: self.settings.clone(),
            esign_used: self.esign_used,
        })
    }

    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_value(saved)?;
        let custom: Vec<_> = self.schema.custom();
        for (kind, definition) in custom {
            self.schema.remove(kind, &definition.name);
        }
        for (kind, definition) in saved.definitions {
            self.schema.add(kind, definition);
        }
        self.store = Store::load(saved.store);
        self.settings = saved.settings;
        self.esign_used = saved.esign_used;
        self.index_unique();
        Ok(())
    }
}
