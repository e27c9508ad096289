//! Quick Quote, emulated: quotes with lines and properties, custom fields, mails, the customer.
//!
//! The one thing to know: this upstream forgives and forgets. A bad custom field, an unknown key,
//! a line without its conditional field are dropped with a 200; only reading back shows it. What
//! its documents leave open is a switch in [`settings`], with the likelier reading as default.
//!
//! Invariants: money is exact; a request is checked whole before its first change, so that
//! a refused one changes nothing; success is always 200.

mod body;
mod lines;
mod people;
mod quotes;
mod record;
mod render;
mod seed;
mod settings;
#[cfg(test)]
mod tests;
mod totals;

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use self::record::{Mail, Quote};
use self::seed::Shop;
use self::settings::{EmptyAnswer, ErrorBody, Settings};
use super::machine::SandboxError;
use super::options::Rate;
use super::random::Random;
use super::upstream::{Call, Deed, MeterName, MeterState, Moment, Refused, RouteFacts, Upstream};
use crate::facts::Plain;
use crate::http::Response;

const MOUNT: &str = "/quickquote/api/v1";

/// The shop. See the module's head.
#[derive(Debug)]
pub(crate) struct QuickQuote {
    shop: Shop,
    settings: Settings,
    data: Data,
}

/// All that changes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Data {
    /// In ascending order of id.
    quotes: Vec<Quote>,
    mails: Vec<Mail>,
    next_quote: i64,
    next_number: i64,
    next_line: i64,
    next_property: i64,
    next_order: i64,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    data: Data,
    settings: Settings,
}

/// A refusal with the status that it is answered with.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    fn missing(what: &str) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: format!("{what} not found") }
    }

    /// The wording is the same for every closed status.
    fn closed() -> Self {
        Self::bad("The quote has already been accepted or declined and can no longer be edited.")
    }
}

/// What a request comes to: a document, or an answer that promises none.
enum Done {
    Body(Plain),
    Nothing,
}

type Answered = Result<Done, Refusal>;

impl QuickQuote {
    /// The shop as seeded.
    pub(crate) fn seeded() -> Result<Self, SandboxError> {
        let shop = Shop::read()?;
        let mut this = Self { shop, settings: Settings::default(), data: Data::default() };
        this.plant()?;
        Ok(this)
    }

    fn dispatch(&mut self, call: &Call, m: &mut Moment<'_>) -> Answered {
        let key = call.headers.get("x-api-key").and_then(|k| k.to_str().ok()).unwrap_or_default();
        if key.trim().is_empty() || key.trim() == "invalid" {
            let status = StatusCode::from_u16(self.settings.credential_status)
                .unwrap_or(StatusCode::UNAUTHORIZED);
            return Err(Refusal { status, message: "Invalid API key".to_owned() });
        }
        let (get, post) = (call.method == Method::GET, call.method == Method::POST);
        let (put, delete) = (call.method == Method::PUT, call.method == Method::DELETE);
        if post || put {
            self.check_type(call)?;
        }
        let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        match segments.as_slice() {
            ["quotes"] if post => self.create(call, m),
            ["quotes"] if get => self.list(call, None),
            ["customers", c, "quotes"] if get => {
                let customer = c.parse().map_err(|_| Refusal::missing("Customer"))?;
                self.list(call, Some(customer))
            }
            // A literal segment, not the id of a quote.
            ["quotes", "email"] if post => self.email(call),
            ["quotes", q] if get => self.read(id(q)?),
            ["quotes", q] if put => self.update(id(q)?, call),
            ["quotes", q] if delete => self.delete(id(q)?),
            ["quotes", q, "line_items"] if post => self.add_lines(id(q)?, call),
            ["quotes", q, "line_items"] if get => self.list_lines(id(q)?),
            ["quotes", q, "line_items", l] if put => self.update_line(id(q)?, id(l)?, call),
            ["quotes", q, "line_items", l] if delete => self.delete_line(id(q)?, id(l)?),
            ["quotes", q, "line_items", l, "properties"] if post => {
                self.add_properties(id(q)?, id(l)?, call)
            }
            ["quotes", q, "line_items", l, "properties"] if get => {
                self.list_properties(id(q)?, id(l)?)
            }
            ["quotes", q, "line_items", l, "properties", p] if put => {
                self.update_property(id(q)?, id(l)?, id(p)?, call)
            }
            ["quotes", q, "line_items", l, "properties", p] if delete => {
                self.delete_property(id(q)?, id(l)?, id(p)?)
            }
            ["quotes" | "customers", ..] => Err(Refusal {
                status: StatusCode::METHOD_NOT_ALLOWED,
                message: format!("The requested resource does not support {}.", call.method),
            }),
            _ => Err(Refusal::missing("Resource")),
        }
    }

    fn check_type(&self, call: &Call) -> Result<(), Refusal> {
        let text = call.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
        let text = text.unwrap_or_default().to_ascii_lowercase();
        let json = text.split(';').next().is_some_and(|t| t.trim() == "application/json");
        let charset = text.contains("charset=utf-8");
        if json && (charset || !self.settings.charset_required) {
            return Ok(());
        }
        Err(Refusal {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            message: "Unsupported Media Type".to_owned(),
        })
    }

    fn find(&self, id: i64) -> Result<&Quote, Refusal> {
        self.data.quotes.iter().find(|q| q.id == id).ok_or_else(|| Refusal::missing("Quote"))
    }

    fn find_mut(&mut self, id: i64) -> Result<&mut Quote, Refusal> {
        let quote = self.data.quotes.iter_mut().find(|q| q.id == id);
        quote.ok_or_else(|| Refusal::missing("Quote"))
    }

    /// A quote whose content may still be changed through the API.
    fn open(&mut self, id: i64) -> Result<&mut Quote, Refusal> {
        let quote = self.find_mut(id)?;
        if quote.status.is_closed() { Err(Refusal::closed()) } else { Ok(quote) }
    }

    fn refuse(&self, refusal: &Refusal) -> Response {
        let message = Plain::Text(refusal.message.clone());
        let named = |key: &str| Plain::Map([(key.to_owned(), message.clone())].into()).to_json();
        let body = match self.settings.error_body {
            ErrorBody::Message => named("message"),
            ErrorBody::Capital => named("Message"),
            ErrorBody::Error => named("error"),
            ErrorBody::Errors => {
                let list = Plain::List(vec![message]);
                Plain::Map([("errors".to_owned(), list)].into()).to_json()
            }
            ErrorBody::Text => refusal.message.clone(),
            ErrorBody::Empty => String::new(),
        };
        respond(refusal.status, body)
    }
}

/// An id of a path.
fn id(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::missing("Resource"))
}

fn respond(status: StatusCode, body: String) -> Response {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

impl Upstream for QuickQuote {
    fn name(&self) -> &'static str {
        "quickquote"
    }

    fn mount(&self) -> &'static str {
        MOUNT
    }

    /// None is published; this one is never reached by mistake.
    fn published_rate(&self) -> Rate {
        Rate { count: 100_000, window: Duration::from_secs(1) }
    }

    fn classify(&self, call: &Call) -> RouteFacts {
        let mut pattern = MOUNT.to_owned();
        for segment in &call.segments {
            let number = segment.bytes().all(|b| b.is_ascii_digit());
            pattern.push('/');
            pattern.push_str(if number { "{id}" } else { segment });
        }
        RouteFacts { pattern, write: call.method != Method::GET, meter: MeterName::General }
    }

    fn answer(&mut self, call: &Call, m: &mut Moment<'_>) -> Response {
        match self.dispatch(call, m) {
            Ok(Done::Body(body)) => respond(StatusCode::OK, body.to_json()),
            Ok(Done::Nothing) => {
                let body = match self.settings.empty_answer {
                    EmptyAnswer::Empty => "",
                    EmptyAnswer::Text => "\"OK\"",
                    EmptyAnswer::Json => "{\"success\":true}",
                };
                respond(StatusCode::OK, body.to_owned())
            }
            Err(refusal) => self.refuse(&refusal),
        }
    }

    fn over_limit(&self, _: MeterName, rate: Rate, _: &mut Random) -> Response {
        let refusal = Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            message: "Too many requests".to_owned(),
        };
        let mut response = self.refuse(&refusal);
        response.headers_mut().insert(header::RETRY_AFTER, rate.window.as_secs().max(1).into());
        response
    }

    fn tell_limit(&self, _: &mut Response, _: MeterState) {}

    fn failure(&self, status: StatusCode, _: &mut Random) -> Response {
        self.refuse(&Refusal { status, message: "An error has occurred.".to_owned() })
    }

    fn snapshot(&self) -> Value {
        self.render_all()
    }

    fn deed(&mut self, deed: Deed, m: &mut Moment<'_>) -> Result<Value, Refused> {
        self.by_people(deed, m)
    }

    fn settings(
        &mut self,
        change: &Map<String, Value>,
        _: &mut Moment<'_>,
    ) -> Result<Value, Refused> {
        self.settings.change(change)
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
        serde_json::to_value(Saved { data: self.data.clone(), settings: self.settings.clone() })
    }

    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error> {
        let saved: Saved = serde_json::from_value(saved)?;
        self.data = saved.data;
        self.settings = saved.settings;
        Ok(())
    }
}
