//! The machine: every upstream, the faults, the limits and the log behind one function.
//!
//! The one thing to know: [`Sandbox::handle`] is given the time and gives a [`Verdict`]; waiting,
//! closing connections and saving are for whoever calls it.
//!
//! Order for each request: log, fault plans, random faults, rate limit, the upstream itself.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::control;
use super::dealhub::DealHub;
use super::faults::{Action, FaultPlans};
use super::hubspot::HubSpot;
use super::log::RequestLog;
use super::options::{Options, Rate, RateChoice};
use super::quickquote::QuickQuote;
use super::random::Random;
use super::rate::Meter;
use super::salesbyte::SalesByte;
use super::upstream::{Call, MeterName, MeterState, Moment, Upstream, json_response};
use crate::http::{Request, Response};

/// What is to become of a request.
#[derive(Debug)]
pub enum Verdict {
    /// Answer at once.
    Answer(Response),
    /// Answer after a while.
    AnswerAfter(Response, Duration),
    /// Close the connection; nothing was done.
    DropBefore,
    /// Close the connection; the request was done.
    DropAfter,
    /// Neither answer nor close until [`Sandbox::resume`] has something for this ticket. When
    /// the client goes first, call [`Sandbox::abandon`].
    Hold(u64),
}

/// Why a sandbox could not be started or kept.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The compiled-in portal or a saved state cannot be read.
    #[error("cannot read the sandbox's {what}: {message}")]
    Unreadable {
        /// `seed` or `state file`.
        what: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The disk or the socket said no.
    #[error("the sandbox: {0}")]
    Io(#[from] std::io::Error),
}

/// A request that waits for its release.
#[derive(Debug)]
struct Held {
    method: String,
    path: String,
    number: u64,
    released: bool,
    waiting: Waiting,
}

/// What a held request waits with.
#[derive(Debug)]
enum Waiting {
    /// Not done yet.
    Before(Request),
    /// Done; the answer is kept back.
    After(Response),
}

/// An upstream with its limits.
#[derive(Debug)]
pub(crate) struct Mounted {
    pub(crate) upstream: Box<dyn Upstream>,
    general: Meter,
    search: Meter,
}

/// All emulated upstreams, with faults, limits and log. See the module's head.
#[derive(Debug)]
pub struct Sandbox {
    options: Options,
    pub(crate) mounted: Vec<Mounted>,
    pub(crate) faults: FaultPlans,
    pub(crate) log: RequestLog,
    pub(crate) random: Random,
    held: BTreeMap<u64, Held>,
    revision: u64,
}

impl Sandbox {
    /// A sandbox with the seeded portal. Does not read `options.state`: that is the shell's.
    pub fn new(options: Options) -> Result<Self, SandboxError> {
        let upstreams: Vec<Box<dyn Upstream>> = vec![
            Box::new(HubSpot::seeded()?),
            Box::new(QuickQuote::seeded()?),
            Box::new(SalesByte::seeded()?),
            Box::new(DealHub::seeded()?),
        ];
        Ok(Self {
            random: Random::new(options.seed),
            options,
            mounted: upstreams
                .into_iter()
                .map(|upstream| Mounted {
                    upstream,
                    general: Meter::default(),
                    search: Meter::default(),
                })
                .collect(),
            faults: FaultPlans::default(),
            log: RequestLog::default(),
            held: BTreeMap::new(),
            revision: 0,
        })
    }

    /// The options it was made with.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The path of a provider's base url (`hubspot` gives `/hubspot`).
    pub fn mount(&self, provider: &str) -> Option<&'static str> {
        self.mounted.iter().find(|m| m.upstream.name() == provider).map(|m| m.upstream.mount())
    }

    /// The emulated providers and their mounts.
    pub fn mounts(&self) -> Vec<(&'static str, &'static str)> {
        self.mounted.iter().map(|m| (m.upstream.name(), m.upstream.mount())).collect()
    }

    /// Moves whenever something may have changed that a state file holds.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    pub(crate) fn touch(&mut self) {
        self.revision += 1;
    }

    /// One request. `request`'s target is the full path (`/hubspot/crm/v3/...`).
    pub fn handle(&mut self, request: &Request, now: Timestamp) -> Verdict {
        let path = request.uri().path();
        if control::owns(path) {
            return Verdict::Answer(control::answer(self, request, now));
        }
        let Some(at) = self.find(path) else {
            return Verdict::Answer(not_here(path));
        };
        let Some(mounted) = self.mounted.get(at) else { return Verdict::Answer(not_here(path)) };
        let call = Call::read(request, mounted.upstream.mount());
        let facts = mounted.upstream.classify(&call);
        let method = request.method().as_str();
        let number = self.log.arrive(
            mounted.upstream.name(),
            method,
            &request.uri().to_string(),
            &facts.pattern,
            facts.write,
        );
        let target = request.uri().to_string();
        if let Some((text, action)) = self.faults.strike(method, &target, facts.write) {
            self.log.settle(number, None, Some(&text));
            return self.apply_fault(at, number, request, action, now);
        }
        if self.random.chance(self.options.fail) {
            self.log.settle(number, None, Some("fail"));
            let status = match self.random.below(4) {
                0 => StatusCode::INTERNAL_SERVER_ERROR,
                1 => StatusCode::BAD_GATEWAY,
                2 => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::GATEWAY_TIMEOUT,
            };
            let response = self.broken(at, status);
            return self.give(number, response);
        }
        let lose = self.random.chance(self.options.lose);
        let response = self.perform(at, request, now);
        if lose {
            self.log.settle(number, Some(response.status().as_u16()), Some("lose"));
            return Verdict::DropAfter;
        }
        self.give(number, response)
    }

    /// What a held request gets now that it was released; none while it still waits.
    pub fn resume(&mut self, ticket: u64, now: Timestamp) -> Option<Verdict> {
        if !self.held.get(&ticket)?.released {
            return None;
        }
        let held = self.held.remove(&ticket)?;
        let response = match held.waiting {
            Waiting::After(response) => response,
            Waiting::Before(request) => {
                let at = self.find(request.uri().path())?;
                self.perform(at, &request, now)
            }
        };
        Some(self.give(held.number, response))
    }

    /// The client of a held request went away. A request held before it was done is never done.
    pub fn abandon(&mut self, ticket: u64) {
        self.held.remove(&ticket);
    }

    pub(crate) fn release(&mut self, ticket: Option<u64>) -> usize {
        let mut count = 0;
        for (n, held) in &mut self.held {
            if ticket.is_none_or(|t| t == *n) && !held.released {
                held.released = true;
                count += 1;
            }
        }
        count
    }

    pub(crate) fn held(&self) -> Value {
        let rows: Vec<Value> = self
            .held
            .iter()
            .map(|(ticket, h)| {
                let when = if matches!(h.waiting, Waiting::Before(_)) { "before" } else { "after" };
                json!({"ticket": ticket, "method": h.method, "path": h.path, "when": when, "n": h.number})
            })
            .collect();
        json!({ "held": rows })
    }

    pub(crate) fn clear_meters(&mut self) {
        for mounted in &mut self.mounted {
            mounted.general.clear();
            mounted.search.clear();
        }
    }

    /// The mounted upstream by its provider name, with the dice.
    pub(crate) fn upstream(&mut self, name: &str) -> Option<(&mut Box<dyn Upstream>, &mut Random)> {
        let Self { mounted, random, .. } = self;
        let found = mounted.iter_mut().find(|m| m.upstream.name() == name)?;
        Some((&mut found.upstream, random))
    }

    /// All that a state file must hold.
    pub fn save(&self) -> Result<Value, serde_json::Error> {
        let mut upstreams = serde_json::Map::new();
        for mounted in &self.mounted {
            upstreams.insert(mounted.upstream.name().to_owned(), mounted.upstream.save()?);
        }
        Ok(json!({"proforma_sandbox": 1, "random": self.random, "upstreams": upstreams}))
    }

    /// The inverse of [`Sandbox::save`]. An upstream that the state does not know stays seeded.
    pub fn load(&mut self, mut saved: Value) -> Result<(), SandboxError> {
        let unreadable = |message: String| SandboxError::Unreadable { what: "state file", message };
        if saved.get("proforma_sandbox") != Some(&json!(1)) {
            return Err(unreadable("it is not a sandbox state of format 1".to_owned()));
        }
        self.random = serde_json::from_value(saved["random"].take())
            .map_err(|e| unreadable(e.to_string()))?;
        for mounted in &mut self.mounted {
            if let Some(part) =
                saved.get_mut("upstreams").and_then(|u| u.get_mut(mounted.upstream.name()))
            {
                mounted.upstream.load(part.take()).map_err(|e| unreadable(e.to_string()))?;
            }
        }
        Ok(())
    }

    fn find(&self, path: &str) -> Option<usize> {
        self.mounted.iter().position(|m| {
            path.strip_prefix(m.upstream.mount())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn apply_fault(
        &mut self,
        at: usize,
        number: u64,
        request: &Request,
        action: Action,
        now: Timestamp,
    ) -> Verdict {
        match action {
            Action::FailBefore => {
                let response = self.broken(at, StatusCode::SERVICE_UNAVAILABLE);
                self.give(number, response)
            }
            Action::FailAfter => {
                self.perform(at, request, now);
                let response = self.broken(at, StatusCode::BAD_GATEWAY);
                self.give(number, response)
            }
            Action::LoseAnswer => {
                let response = self.perform(at, request, now);
                self.log.settle(number, Some(response.status().as_u16()), None);
                Verdict::DropAfter
            }
            Action::DropBefore => Verdict::DropBefore,
            Action::HoldBefore => self.hold(number, request, Waiting::Before(request.clone())),
            Action::HoldAfter => {
                let response = self.perform(at, request, now);
                self.hold(number, request, Waiting::After(response))
            }
            Action::Status { status, body, headers } => {
                let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
                let mut response = match body {
                    Some(Value::String(text)) => {
                        let mut response = Response::new(Bytes::from(text));
                        *response.status_mut() = status;
                        response
                    }
                    Some(body) => json_response(status, &body),
                    None => self.broken(at, status),
                };
                for (name, value) in &headers {
                    if let (Ok(name), Ok(value)) =
                        (HeaderName::try_from(name.as_str()), HeaderValue::try_from(value.as_str()))
                    {
                        response.headers_mut().insert(name, value);
                    }
                }
                self.give(number, response)
            }
            Action::Garbage => {
                let response = self.perform(at, request, now);
                let garbage = garble(&response, self.random.below(2) == 0);
                self.give(number, garbage)
            }
            Action::Slow(delay) => {
                let response = self.perform(at, request, now);
                self.log.settle(number, Some(response.status().as_u16()), None);
                Verdict::AnswerAfter(response, delay.saturating_add(self.options.latency))
            }
            Action::Redirect => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::FOUND;
                response.headers_mut().insert(
                    header::LOCATION,
                    HeaderValue::from_static("https://elsewhere.invalid/"),
                );
                self.give(number, response)
            }
        }
    }

    fn hold(&mut self, number: u64, request: &Request, waiting: Waiting) -> Verdict {
        self.held.insert(
            number,
            Held {
                method: request.method().to_string(),
                path: request.uri().to_string(),
                number,
                released: false,
                waiting,
            },
        );
        Verdict::Hold(number)
    }

    /// Limit, then the upstream itself.
    fn perform(&mut self, at: usize, request: &Request, now: Timestamp) -> Response {
        let Self { mounted, random, options, revision, .. } = self;
        let Some(mounted) = mounted.get_mut(at) else { return not_here(request.uri().path()) };
        let call = Call::read(request, mounted.upstream.mount());
        let facts = mounted.upstream.classify(&call);
        let general = match options.rate {
            RateChoice::Off => None,
            RateChoice::Published => Some(mounted.upstream.published_rate()),
            RateChoice::Limit(rate) => Some(rate),
        };
        let limit: Option<(&mut Meter, Rate)> = match (facts.meter, general) {
            (MeterName::General, Some(rate)) => Some((&mut mounted.general, rate)),
            (MeterName::Search(rate), Some(_)) => Some((&mut mounted.search, rate)),
            _ => None,
        };
        if let Some((meter, rate)) = limit
            && !meter.admit(rate, now)
        {
            let mut response = mounted.upstream.over_limit(facts.meter, rate, random);
            if facts.meter == MeterName::General {
                mounted.upstream.tell_limit(&mut response, MeterState { rate, remaining: 0 });
            }
            return response;
        }
        if facts.write {
            *revision += 1;
        }
        let mut response = mounted.upstream.answer(&call, &mut Moment { now, random });
        if let (true, Some(rate)) = (!matches!(facts.meter, MeterName::Search(_)), general) {
            let remaining = mounted.general.remaining(rate);
            mounted.upstream.tell_limit(&mut response, MeterState { rate, remaining });
        }
        response
    }

    fn broken(&mut self, at: usize, status: StatusCode) -> Response {
        let Self { mounted, random, .. } = self;
        match mounted.get(at) {
            Some(mounted) => mounted.upstream.failure(status, random),
            None => json_response(status, &json!({})),
        }
    }

    fn give(&mut self, number: u64, response: Response) -> Verdict {
        self.log.settle(number, Some(response.status().as_u16()), None);
        if self.options.latency.is_zero() {
            Verdict::Answer(response)
        } else {
            Verdict::AnswerAfter(response, self.options.latency)
        }
    }
}

fn not_here(path: &str) -> Response {
    json_response(
        StatusCode::NOT_FOUND,
        &json!({"status": "error", "message": format!("no upstream of the sandbox lives at {path}")}),
    )
}

/// A status of 200 with an HTML page, or with the first half of the true body.
fn garble(response: &Response, html: bool) -> Response {
    let body = if html {
        Bytes::from_static(b"<!doctype html><html><body><h1>We'll be right back</h1></body></html>")
    } else {
        response.body().slice(..response.body().len() / 2)
    };
    let mut garbage = Response::new(body);
    garbage.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(if html { "text/html" } else { "application/json" }),
    );
    garbage
}
