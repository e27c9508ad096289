//! SalesByte, emulated: an integration that can only create quotes, and a company API that can
//! only read them.
//!
//! The one thing to know: there are two credentials. Creations carry the integration's `uuid` in
//! their body; reads carry a bearer token in a header. Neither opens the other's door, and nothing
//! here updates, deletes or sends again.
//!
//! Where the public documents are silent the choice is marked "guess" beside the code.

mod create;
mod errors;
mod people;
mod record;
mod seed;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::errors::Refusal;
use self::record::{Message, Quote};
use self::seed::Account;
use self::settings::Settings;
use super::machine::SandboxError;
use super::options::Rate;
use super::random::Random;
use super::upstream::{
    Call, Deed, MeterName, MeterState, Moment, Refused, RouteFacts, Upstream, json_response,
};
use crate::http::Response;

const MOUNT: &str = "/salesbyte";
/// The number before the first quote's.
const FIRST_ID: u64 = 950;

/// One company's SalesByte. See the module's head.
#[derive(Debug)]
pub(crate) struct SalesByte {
    account: Account,
    settings: Settings,
    store: Store,
}

/// What a state file holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Store {
    quotes: Vec<Quote>,
    /// Every message that went out to a customer.
    messages: Vec<Message>,
    /// Bodies that the checkout webhook would have been given.
    webhooks: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    store: Store,
    settings: Settings,
}

/// The calls that exist.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Route {
    Create,
    List,
    Get(String),
    Unknown,
}

fn route(call: &Call) -> Route {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["integrations", "create_quote"] => Route::Create,
        ["api", "quotes"] => Route::List,
        ["api", "quotes", key] => Route::Get((*key).to_owned()),
        _ => Route::Unknown,
    }
}

impl SalesByte {
    /// The company as seeded: products and people, no quotes.
    pub(crate) fn seeded() -> Result<Self, SandboxError> {
        Ok(Self {
            account: Account::builtin()?,
            settings: Settings::default(),
            store: Store::default(),
        })
    }

    fn dispatch(&mut self, call: &Call, m: &mut Moment<'_>) -> Result<Response, Refusal> {
        match route(call) {
            Route::Create if call.method == Method::POST => {
                let body = read_body(call)?;
                let host = base_of(call);
                let made = self.create(&body, m)?;
                Ok(json_response(StatusCode::CREATED, &made.answer(&host)))
            }
            Route::List if call.method == Method::GET => {
                authorised(call)?;
                Ok(json_response(StatusCode::OK, &self.list(call, m)?))
            }
            Route::Get(key) if call.method == Method::GET => {
                authorised(call)?;
                let quote = self.store.quotes.iter().find(|q| q.key == key);
                let quote = quote.ok_or_else(|| Refusal::missing("Quote not found."))?;
                let shown = quote.render(&self.account, &base_of(call), true);
                Ok(json_response(StatusCode::OK, &shown))
            }
            Route::Unknown => Err(Refusal::missing("The route could not be found.")),
            _ => Err(Refusal::method()),
        }
    }

    /// `GET /api/quotes`.
    fn list(&self, call: &Call, m: &Moment<'_>) -> Result<Value, Refusal> {
        let page = number_param(call, "page", 1)?;
        let by_update = match call.param("sort_by").unwrap_or("created_at") {
            "created_at" => false,
            "updated_at" => true,
            _ => return Err(Refusal::field("sort_by", "The selected sort by is invalid.")),
        };
        let descending = match call.param("sort_order").unwrap_or("desc") {
            "desc" => true,
            "asc" => false,
            _ => return Err(Refusal::field("sort_order", "The selected sort order is invalid.")),
        };
        let day = |name: &str| -> Result<Option<jiff::civil::Date>, Refusal> {
            call.param(name)
                .map(|text| record::read_date(text).ok_or_else(|| Refusal::date(name)))
                .transpose()
        };
        let (created_from, created_to) = (day("created_from")?, day("created_to")?);
        let (updated_from, updated_to) = (day("updated_from")?, day("updated_to")?);
        let within = |at: jiff::Timestamp, from: Option<_>, to: Option<_>| {
            let day = record::local_day(at);
            from.is_none_or(|from| day >= from) && to.is_none_or(|to| day <= to)
        };
        let mut found: Vec<&Quote> = self
            .store
            .quotes
            .iter()
            .filter(|q| self.settings.is_listed(q, m.now))
            .filter(|q| within(q.created_at, created_from, created_to))
            .filter(|q| within(q.updated_at, updated_from, updated_to))
            .collect();
        found.sort_by_key(|q| (if by_update { q.updated_at } else { q.created_at }, q.id));
        if descending {
            found.reverse();
        }
        let size = self.settings.page_size;
        let last = found.len().div_ceil(size).max(1);
        let rows: Vec<Value> = found
            .iter()
            .skip(page.saturating_sub(1).saturating_mul(size))
            .take(size)
            .map(|q| q.render(&self.account, &base_of(call), self.settings.list_custom_fields))
            .map(|row| if self.settings.list_custom_fields { row } else { record::shorten(row) })
            .collect();
        let mut body = json!({ "data": rows });
        // The paging block was never seen; this is the usual one of this kind of framework (guess).
        if self.settings.paging_block
            && let Some(map) = body.as_object_mut()
        {
            map.insert(
                "meta".to_owned(),
                json!({"current_page": page, "last_page": last, "per_page": size, "total": found.len()}),
            );
        }
        Ok(body)
    }
}

impl Upstream for SalesByte {
    fn name(&self) -> &'static str {
        "salesbyte"
    }

    fn mount(&self) -> &'static str {
        MOUNT
    }

    /// None is published; this one is generous (guess).
    fn published_rate(&self) -> Rate {
        Rate { count: 60, window: Duration::from_secs(1) }
    }

    fn classify(&self, call: &Call) -> RouteFacts {
        let path = match route(call) {
            Route::Create => "/integrations/create_quote".to_owned(),
            Route::List => "/api/quotes".to_owned(),
            Route::Get(_) => "/api/quotes/{key}".to_owned(),
            Route::Unknown => format!("/{}", call.segments.join("/")),
        };
        RouteFacts {
            pattern: format!("{MOUNT}{path}"),
            write: call.method != Method::GET,
            meter: MeterName::General,
        }
    }

    fn answer(&mut self, call: &Call, m: &mut Moment<'_>) -> Response {
        match self.dispatch(call, m) {
            Ok(response) => response,
            Err(refusal) => refusal.response(self.settings.envelope),
        }
    }

    fn over_limit(&self, _: MeterName, _: Rate, _: &mut Random) -> Response {
        let mut response = Refusal::too_many().response(self.settings.envelope);
        response.headers_mut().insert(header::RETRY_AFTER, 1.into());
        response
    }

    fn tell_limit(&self, response: &mut Response, state: MeterState) {
        let headers = response.headers_mut();
        headers.insert("x-ratelimit-limit", state.rate.count.into());
        headers.insert("x-ratelimit-remaining", state.remaining.into());
    }

    fn failure(&self, status: StatusCode, _: &mut Random) -> Response {
        Refusal::broken(status).response(self.settings.envelope)
    }

    fn snapshot(&self) -> Value {
        let quotes: Vec<Value> =
            self.store.quotes.iter().map(|q| q.snapshot(&self.account)).collect();
        json!({
            "quotes": quotes,
            "messages": self.store.messages,
            "webhooks": self.store.webhooks,
        })
    }

    fn deed(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        self.by_people(deed, m)
    }

    fn settings(
        &mut self,
        change: &Map<String, Value>,
        _: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        self.settings = self.settings.changed(change)?;
        Ok(json!(self.settings))
    }

    fn reset(&mut self, switches: bool) {
        self.store = Store::default();
        if switches {
            self.settings = Settings::default();
        }
    }

    fn save(&self) -> Result<Value, serde_json::Error> {
        Ok(json!({
            "store": serde_json::to_value(&self.store)?,
            "settings": serde_json::to_value(&self.settings)?,
        }))
    }

    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_value(saved)?;
        self.store = saved.store;
        self.settings = saved.settings;
        Ok(())
    }
}

/// The JSON object of a request. A body that is not announced as JSON is not read at all, as this
/// kind of framework does (guess), so that everything required is then missing.
fn read_body(call: &Call) -> Result<Map<String, Value>, Refusal> {
    let kind = call.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !kind.is_some_and(|k| k.to_ascii_lowercase().starts_with("application/json")) {
        return Ok(Map::new());
    }
    parse(&call.body)
}

fn parse(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        _ => Err(Refusal::malformed()),
    }
}

fn authorised(call: &Call) -> Result<(), Refusal> {
    match call.bearer() {
        Some(token) if token != "invalid" => Ok(()),
        _ => Err(Refusal::credentials()),
    }
}

/// The address that the caller reached us at, for links.
fn base_of(call: &Call) -> String {
    let host = call.headers.get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or("localhost");
    format!("http://{host}{MOUNT}")
}

fn number_param(call: &Call, name: &str, default: usize) -> Result<usize, Refusal> {
    let Some(text) = call.param(name) else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|n| *n >= 1)
        .ok_or_else(|| Refusal::field(name, &format!("The {name} must be an integer.")))
}
