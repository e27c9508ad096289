//! The wire of the simulation: the sandbox's state machine behind latencies and faults.
//!
//! The one thing to know: a request that is on its way when its client dies may still arrive, a
//! little later; that is what makes a killed creation dangerous.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::Timestamp;
use proforma::http::{Request, Response, Transport, TransportError};
use proforma::sandbox::{Options, Sandbox, Verdict};
use serde_json::{Value, json};

use super::Sabotage;
use super::dice::Dice;
use super::drawn::Provider;
use super::machine::Process;
use super::trace::Trace;
use super::weather::{Fate, Fault, LANDS_WITHIN, Weather};

/// Where virtual time begins.
const BEGINNING: i64 = 1_795_338_000;

/// What the upstreams of this simulation are like.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Whether HubSpot refuses a second object with the same stamp.
    pub unique: bool,
    hubspot_link_lag: u64,
    hubspot_search_lag: u64,
    salesbyte_list_lag: u64,
    salesbyte_page: u64,
    dealhub_visibility: u64,
    dealhub_action_lag: u64,
    /// DealHub asks an approver for discounts above so many percent.
    dealhub_approval_above: Option<u64>,
    quickquote_odd_lists: bool,
}

impl Portal {
    pub fn draw(dice: &mut Dice) -> Self {
        Self {
            unique: dice.percent(70),
            hubspot_link_lag: *dice.pick(&[0, 0, 1_500]),
            hubspot_search_lag: *dice.pick(&[0, 3_000, 20_000]),
            salesbyte_list_lag: *dice.pick(&[0, 0, 1_800]),
            salesbyte_page: *dice.pick(&[10, 2]),
            dealhub_visibility: *dice.pick(&[0, 700, 1_900]),
            dealhub_action_lag: *dice.pick(&[0, 0, 1_000]),
            quickquote_odd_lists: dice.percent(20),
            dealhub_approval_above: dice.percent(30).then_some(5),
        }
    }

    fn settings(&self) -> Vec<Value> {
        vec![
            json!({ "upstream": "hubspot", "unique_on_quotes": self.unique,
                "link_lag": self.hubspot_link_lag, "search_lag": self.hubspot_search_lag }),
            json!({ "upstream": "salesbyte", "list_lag": self.salesbyte_list_lag,
                "page_size": self.salesbyte_page }),
            json!({ "upstream": "dealhub", "visibility": self.dealhub_visibility,
                "action_lag": self.dealhub_action_lag,
                "approval_above": self.dealhub_approval_above }),
            json!({ "upstream": "quickquote", "odd_lists": self.quickquote_odd_lists }),
        ]
    }
}

/// The upstreams, shared by all processes of a simulation.
#[derive(Debug)]
pub struct Net {
    state: Mutex<State>,
    began: tokio::time::Instant,
    portal: Portal,
    pub trace: Trace,
    sabotage: Option<Sabotage>,
}

#[derive(Debug)]
struct State {
    sandbox: Sandbox,
    weather: Weather,
    /// Requests that are still on their way although nobody waits for them.
    late: Vec<(Timestamp, Request)>,
    /// Requests so far, for the trace.
    number: u64,
}

impl Net {
    /// Upstreams with their seeded records. Needs a runtime: time is tokio's.
    pub fn new(
        seed: u64,
        portal: Portal,
        weather: Weather,
        trace: Trace,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let options = Options { rate: "published".parse().unwrap(), seed, ..Options::default() };
        let sandbox = Sandbox::new(options).unwrap();
        let net = Self {
            state: Mutex::new(State { sandbox, weather, late: Vec::new(), number: 0 }),
            began: tokio::time::Instant::now(),
            portal,
            trace,
            sabotage,
        };
        for settings in net.portal.settings() {
            net.control("POST", "settings", &settings);
        }
        net
    }

    pub fn portal(&self) -> &Portal {
        &self.portal
    }

    pub fn sabotage(&self) -> Option<Sabotage> {
        self.sabotage
    }

    /// Virtual time.
    pub fn now(&self) -> Timestamp {
        let since = self.began.elapsed();
        Timestamp::from_second(BEGINNING).unwrap().checked_add(since).unwrap()
    }

    /// Milliseconds since the beginning.
    pub fn clock(&self) -> u128 {
        self.began.elapsed().as_millis()
    }

    pub fn clear_up(&self) {
        self.state().weather.clear_up();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The control side of the sandbox.
    pub fn control(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_control(method, path, body).unwrap_or_else(|e| panic!("{path} {body}: {e}"))
    }

    /// The same for what may be refused: a customer who comes too late.
    pub fn try_control(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/_sandbox/{path}"))
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let now = self.now();
        let mut state = self.state();
        state.land(now);
        match state.sandbox.handle(&request, now) {
            Verdict::Answer(answer) if answer.status().is_success() => {
                Ok(serde_json::from_slice(answer.body()).unwrap_or(Value::Null))
            }
            other => Err(format!("{other:?}")),
        }
    }

    /// All records of all upstreams.
    pub fn snapshot(&self) -> Value {
        self.control("GET", "snapshot", &Value::Null)
    }

    fn draw(&self) -> (u64, Fate) {
        let mut state = self.state();
        state.number += 1;
        (state.number, state.weather.fate())
    }

    /// The upstream does it now.
    fn deliver(&self, request: &Request) -> Response {
        let now = self.now();
        let mut state = self.state();
        state.land(now);
        state.give(request, now)
    }

    fn forget(&self, request: Request, delay: Duration) {
        let delay = match self.sabotage {
            Some(Sabotage::LandsTooLate) => delay * 60,
            _ => delay.min(LANDS_WITHIN),
        };
        let due = self.now().checked_add(delay).unwrap();
        self.state().late.push((due, request));
    }
}

impl State {
    /// What was due before now is done first.
    fn land(&mut self, now: Timestamp) {
        self.late.sort_by_key(|(due, _)| *due);
        while self.late.first().is_some_and(|(due, _)| *due <= now) {
            let (due, request) = self.late.remove(0);
            self.give(&request, due);
        }
    }

    fn give(&mut self, request: &Request, now: Timestamp) -> Response {
        match self.sandbox.handle(request, now) {
            Verdict::Answer(answer) | Verdict::AnswerAfter(answer, _) => answer,
            other => panic!("the sandbox has no faults of its own here: {other:?}"),
        }
    }
}

/// One process's way to one upstream.
#[derive(Clone)]
pub struct Line {
    pub net: Arc<Net>,
    pub process: Arc<Process>,
    pub provider: Provider,
    pub mount: &'static str,
    /// After this time nobody waits for the answer any more.
    pub timeout: Duration,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// A request between client and upstream. Dropped on the way, it may still arrive.
struct OnTheWay<'l> {
    line: &'l Line,
    request: Option<Request>,
    late: Option<Duration>,
}

impl OnTheWay<'_> {
    fn arrive(mut self) -> Request {
        self.request.take().unwrap()
    }
}

impl Drop for OnTheWay<'_> {
    fn drop(&mut self) {
        if let (Some(request), Some(late)) = (self.request.take(), self.late) {
            self.line.net.forget(request, late);
        }
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, mut request: Request) -> Result<Response, TransportError> {
        let target = request.uri().path_and_query().map_or("/", |t| t.as_str()).to_owned();
        let name = format!("{} {}{target}", request.method(), self.mount);
        *request.uri_mut() = format!("{}{target}", self.mount).parse().unwrap();
        let (number, mut fate) = self.net.draw();
        let expired = self.process.request();
        self.process.tick("before a request").await;
        if fate.fault == Some(Fault::Twice) && !self.one_of_two(&request) {
            fate.fault = None;
        }
        if self.net.sabotage() == Some(Sabotage::Twice) && request.method() == Method::POST {
            fate.fault = Some(Fault::Twice);
        }
        let way = OnTheWay { line: self, request: Some(request), late: fate.late };
        tokio::time::sleep(fate.out).await;
        let request = way.arrive();
        let outcome = if expired {
            let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"expired\"}"));
            *answer.status_mut() = StatusCode::UNAUTHORIZED;
            Ok(answer)
        } else {
            self.arrives(&request, fate)
        };
        let told = match &outcome {
            Ok(answer) => answer.status().as_u16().to_string(),
            Err(e) => e.message.clone(),
        };
        let fault = fate.fault.map(|f| format!(" {f:?}")).unwrap_or_default();
        self.net.trace.line(&format!(
            "{:>9} p{} #{number} {name}: {told}{fault}",
            self.net.clock(),
            self.process.id
        ));
        self.process.tick("after a request was done").await;
        let back = if fate.fault == Some(Fault::Slow) {
            Duration::from_secs(20 + fate.spare % 120)
        } else {
            fate.back
        };
        if back > self.timeout {
            tokio::time::sleep(self.timeout).await;
            return Err(TransportError::ambiguous("timed out"));
        }
        tokio::time::sleep(back).await;
        outcome
    }
}

impl Line {
    /// Whether the upstream itself makes one of two equal requests.
    fn one_of_two(&self, request: &Request) -> bool {
        let path = request.uri().path();
        if *request.method() != Method::POST {
            return true;
        }
        match self.provider {
            Provider::Hubspot => self.net.portal.unique || !path.ends_with("/batch/create"),
            Provider::Dealhub => !path.contains("generate"),
            Provider::Quickquote | Provider::Salesbyte => false,
        }
    }

    fn do_it(&self, request: &Request) -> Response {
        if changes(request) {
            self.process.wrote();
        }
        self.net.deliver(request)
    }

    fn arrives(&self, request: &Request, fate: Fate) -> Result<Response, TransportError> {
        let Some(fault) = fate.fault else { return Ok(self.do_it(request)) };
        match fault {
            Fault::LostBefore => Err(TransportError::ambiguous("connection closed")),
            Fault::LostAfter => {
                self.do_it(request);
                Err(TransportError::ambiguous("connection closed"))
            }
            Fault::Late => {
                if let Some(late) = fate.late {
                    self.net.forget(request.clone(), late);
                }
                Err(TransportError::ambiguous("connection closed"))
            }
            Fault::FailsBefore => Ok(broken(fate)),
            Fault::FailsAfter => {
                self.do_it(request);
                Ok(broken(fate))
            }
            Fault::Limited => {
                let body = json!({ "status": "error", "errorType": "RATE_LIMIT",
                    "policyName": if fate.spare.is_multiple_of(8) { "DAILY" } else { "TEN_SECONDLY_ROLLING" },
                    "message": "You have reached your limit." });
                let mut answer = Response::new(Bytes::from(body.to_string()));
                *answer.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                if !fate.spare.is_multiple_of(3) {
                    let seconds = http::HeaderValue::from(fate.spare % 12);
                    answer.headers_mut().insert("retry-after", seconds);
                }
                Ok(answer)
            }
            Fault::Garbage => {
                let answer = self.do_it(request);
                let half = answer.body().slice(..answer.body().len() / 2);
                Ok(answer.map(|_| half))
            }
            Fault::Slow => Ok(self.do_it(request)),
            Fault::Twice => {
                let first = self.do_it(request);
                let second = self.do_it(request);
                Ok(if fate.spare.is_multiple_of(3) { second } else { first })
            }
            Fault::Partly => match first_part(request) {
                Some(part) => {
                    let mut answer = self.do_it(&part);
                    if answer.status().is_success() {
                        *answer.status_mut() = StatusCode::MULTI_STATUS;
                        if request.uri().path().ends_with("/read") {
                            answer = owning_up(&answer);
                        }
                    }
                    Ok(answer)
                }
                None => Ok(self.do_it(request)),
            },
        }
    }
}

/// Whether a request may change something, by the documents of the upstreams.
fn changes(request: &Request) -> bool {
    let queries = ["/batch/read", "/search", "/product_by_sku", "/simulate"];
    let path = request.uri().path();
    match *request.method() {
        Method::GET => false,
        Method::POST => !queries.iter().any(|query| path.ends_with(query)),
        _ => true,
    }
}

/// A read says that a part of it failed; a write may leave rows out in silence.
fn owning_up(answer: &Response) -> Response {
    let mut body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
    let error = json!({ "status": "error", "category": "INTERNAL_ERROR", "message": "later" });
    if let Some(body) = body.as_object_mut() {
        let errors = body.entry("errors").or_insert_with(|| json!([]));
        if let Some(errors) = errors.as_array_mut() {
            errors.push(error);
        }
    }
    answer.clone().map(|_| Bytes::from(body.to_string()))
}

fn broken(fate: Fate) -> Response {
    let status = [500, 502, 503, 504][usize::try_from(fate.spare % 4).unwrap()];
    let mut answer = Response::new(Bytes::from_static(b"{\"message\":\"try again\"}"));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap();
    answer
}

/// The same batch with the first half of its inputs; none where there is nothing to leave out.
fn first_part(request: &Request) -> Option<Request> {
    if !request.uri().path().contains("/batch/") {
        return None;
    }
    let mut body: Value = serde_json::from_slice(request.body()).ok()?;
    let inputs = body.get_mut("inputs")?.as_array_mut()?;
    if inputs.len() < 2 {
        return None;
    }
    inputs.truncate(inputs.len() / 2);
    let (head, _) = request.clone().into_parts();
    Some(Request::from_parts(head, Bytes::from(body.to_string())))
}
