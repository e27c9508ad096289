//! DealHub, emulated: headless generation, the state machine of its quotes, and the Quote API.
//!
//! Invariants: every refusal is a 400 with a sentence (403 for a token that is not accepted), or a
//! 202 with the error inside where the switch says so; there is no way through the API to edit,
//! delete, archive or approve. Where the public documents are silent the choice is a switch, or
//! marked "guess" beside the code.

mod actions;
mod errors;
mod generate;
mod model;
mod people;
mod read;
mod route;
mod schema;
mod seed;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::errors::Refusal;
use self::model::{Opportunity, Quote};
use self::route::Route;
use self::schema::Object;
use self::seed::Seed;
use self::settings::Settings;
use super::machine::SandboxError;
use super::options::Rate;
use super::random::Random;
use super::upstream::{
    Call, Deed, MeterName, MeterState, Moment, Refused, RouteFacts, Upstream, json_response,
};
use crate::facts::Plain;
use crate::http::Response;

const MOUNT: &str = "/dealhub";

/// The tenant. See the module's head.
#[derive(Debug)]
pub(crate) struct DealHub {
    seed: Seed,
    settings: Settings,
    opportunities: Vec<Opportunity>,
    quotes: Vec<Quote>,
    /// Ids given.
    serial: u64,
    /// Quotes that were paid for.
    billed: u64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    settings: Settings,
    opportunities: Vec<Opportunity>,
    quotes: Vec<Quote>,
    serial: u64,
    billed: u64,
}

/// A done request.
enum Done {
    Json(StatusCode, Plain),
    Bytes(String),
    Empty,
}

impl DealHub {
    /// The tenant as seeded.
    pub(crate) fn seeded() -> Result<Self, SandboxError> {
        let seed = seed::read()?;
        Ok(Self {
            opportunities: seed.opportunities.clone(),
            seed,
            settings: Settings::default(),
            quotes: Vec::new(),
            serial: 0,
            billed: 0,
        })
    }

    fn dispatch(
        &mut self,
        route: &Route,
        call: &Call,
        m: &mut Moment<'_>,
    ) -> Result<Done, Refusal> {
        call.bearer().filter(|t| *t != "invalid").ok_or_else(Refusal::unauthenticated)?;
        if *route == Route::Unknown {
            return Err(Refusal::not_found("Not Found"));
        }
        if call.method != route.method() {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return Err(Refusal { status, text: "Method Not Allowed".to_owned() });
        }
        let ok = |body: Plain| Ok(Done::Json(StatusCode::OK, body));
        let accepted = |body: Plain| Ok(Done::Json(StatusCode::ACCEPTED, body));
        match route {
            Route::Generate => {
                let body = read_body(call)?;
                let at = self.generate(&body, m)?;
                let action = body.get("request_action").and_then(Plain::as_text);
                accepted(self.response_for(at, action.unwrap_or_default(), all_details(&body)))
            }
            Route::Simulate => {
                let body = read_body(call)?;
                let (currency, lines) = self.simulate(&body)?;
                let body = Self::quote_response(&lines, &currency, false, all_details(&body));
                ok(Plain::Map(body))
            }
            Route::Submit(id) | Route::Publish(id) | Route::Sign(id) => {
                let body = if call.body.is_empty() { Object::new() } else { read_body(call)? };
                let fields =
                    if matches!(route, Route::Sign(_)) { schema::SIGN } else { schema::ACT };
                schema::check(fields, &body)?;
                let at = self.actionable(id, m.now)?;
                match route {
                    Route::Submit(_) => self.submit(at, m)?,
                    Route::Publish(_) => self.publish(at, m)?,
                    _ => {
                        self.sign(at, m)?;
                        let comment = body.get("sign_externally_comment").and_then(Plain::as_text);
                        if let Some(quote) = self.quotes.get_mut(at) {
                            comment.unwrap_or_default().clone_into(&mut quote.sign_comment);
                        }
                    }
                }
                let status = self.quotes.get(at).map(|q| q.told(m.now).word(false));
                accepted(self.response_for(at, status.unwrap_or_default(), all_details(&body)))
            }
            Route::QuoteId(number) => ok(self.quote_id(number)?),
            Route::Quote(id) => ok(self.read_quote(id, call, m.now)?),
            Route::Quotes => ok(self.list_quotes(call, m.now)?),
            Route::Document(id) => Ok(Done::Bytes(self.document(id, call)?)),
            Route::DealRoom(id) => ok(self.dealroom(id)?),
            Route::Opportunity => {
                self.make_opportunity(&read_body(call)?)?;
                Ok(Done::Empty)
            }
            Route::Versions => ok(self.versions(call)?),
            Route::ProductsBySku => ok(self.products(&read_body(call)?)?),
            Route::PlaybookExport(version, name) => ok(self.export(version, name)?),
            Route::PlaybookTemplate(version, name) => ok(self.template(version, name)?),
            Route::Unknown => Err(Refusal::not_found("Not Found")),
        }
    }

    fn make_opportunity(&mut self, body: &Object) -> Result<(), Refusal> {
        schema::check(schema::OPPORTUNITY, body)?;
        let text =
            |name: &str| body.get(name).and_then(Plain::as_text).unwrap_or_default().to_owned();
        let id = text("external_opportunity_id");
        if self.opportunities.iter().any(|o| o.id == id) {
            return Err(Refusal::bad(format!("Entity (opportunity ID= {id}) already exists")));
        }
        self.opportunities.push(Opportunity {
            id,
            name: text("external_opportunity_name"),
            customer_id: text("external_customer_id"),
            customer: text("customer_name"),
            currency: text("currency"),
            geo: String::new(),
            contact: String::new(),
            email: String::new(),
            data: Plain::Map(body.clone()),
        });
        Ok(())
    }
}

fn all_details(body: &Object) -> bool {
    body.get("line_item_details").and_then(Plain::as_text) == Some("all")
}

/// The body as a JSON object; anything that is not sent as JSON is refused (guess: 415).
fn read_body(call: &Call) -> Result<Object, Refusal> {
    let kind = call.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    if !kind.is_some_and(|k| k.starts_with("application/json")) {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal { status, text: "Unsupported Media Type".to_owned() });
    }
    match crate::json::read(&call.body) {
        Ok(Plain::Map(map)) => Ok(map),
        _ => Err(Refusal::bad("Invalid request: the body is not a JSON object")),
    }
}

fn exact(status: StatusCode, body: &Plain) -> Response {
    let mut response = Response::new(Bytes::from(crate::json::write(body)));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json;charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

impl Upstream for DealHub {
    fn name(&self) -> &'static str {
        "dealhub"
    }

    fn mount(&self) -> &'static str {
        MOUNT
    }

    /// None is published; this one only bounds runaway clients.
    fn published_rate(&self) -> Rate {
        Rate { count: 100, window: Duration::from_secs(1) }
    }

    fn classify(&self, call: &Call) -> RouteFacts {
        let route = route::read(call);
        RouteFacts {
            pattern: format!("{MOUNT}{}", route.pattern()),
            write: route.writes(&call.method),
            meter: MeterName::General,
        }
    }

    fn answer(&mut self, call: &Call, m: &mut Moment<'_>) -> Response {
        let route = route::read(call);
        match self.dispatch(&route, call, m) {
            Ok(Done::Json(status, body)) => exact(status, &body),
            Ok(Done::Bytes(bytes)) => {
                let mut response = Response::new(Bytes::from(bytes));
                let kind = HeaderValue::from_static("application/octet-stream");
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
                response
            }
            Ok(Done::Empty) => Response::new(Bytes::new()),
            Err(mut refusal) => {
                let hidden = self.settings.errors_in_202
                    && route.answers_202()
                    && refusal.status == StatusCode::BAD_REQUEST;
                if hidden {
                    refusal.status = StatusCode::ACCEPTED;
                }
                refusal.response(route.family(), self.settings.text_errors)
            }
        }
    }

    fn over_limit(&self, _: MeterName, _: Rate, _: &mut Random) -> Response {
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut response = json_response(status, &json!({ "error": "Too many requests" }));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        response
    }

    fn tell_limit(&self, _: &mut Response, _: MeterState) {}

    fn failure(&self, status: StatusCode, _: &mut Random) -> Response {
        json_response(status, &json!({ "error": "Internal error" }))
    }

    fn snapshot(&self) -> Value {
        let text = crate::json::write(&self.shown());
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    fn deed(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        self.by_people(deed, m)
    }

    fn settings(
        &mut self,
        change: &Map<String, Value>,
        _: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        self.change_settings(change)
    }

    fn reset(&mut self, switches: bool) {
        self.opportunities.clone_from(&self.seed.opportunities);
        self.quotes.clear();
        self.billed = 0;
        if switches {
            self.settings = Settings::default();
        }
    }

    fn save(&self) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Saved {
            settings: self.settings.clone(),
            opportunities: self.opportunities.clone(),
            quotes: self.quotes.clone(),
            serial: self.serial,
            billed: self.billed,
        })
    }

    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_value(saved)?;
        self.settings = saved.settings;
        self.opportunities = saved.opportunities;
        self.quotes = saved.quotes;
        self.serial = saved.serial;
        self.billed = saved.billed;
        Ok(())
    }
}
