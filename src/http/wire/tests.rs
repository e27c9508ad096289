//! The loop around the transport, with a scripted upstream on the paused clock.

use std::collections::VecDeque;
use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::http::limit::{Class, Limits};
use crate::http::policy::LimitRule;
use crate::http::read::ReadWire;
use crate::http::{Proof, Transport};

mod privacy;

const SEARCH: Class = Class("search");
const LIMITS: &[LimitRule] = &[
    LimitRule { name: "TEN_SECONDLY_ROLLING", wait: Some(Duration::from_secs(10)), class: None },
    LimitRule { name: "SECONDLY", wait: Some(Duration::from_secs(1)), class: Some(SEARCH) },
    LimitRule { name: "DAILY", wait: None, class: None },
];

/// One scripted answer, after 10 ms.
#[derive(Clone)]
enum Line {
    Status(u16, Vec<(&'static str, &'static str)>, &'static str),
    Lost(Proof),
    Hangs,
}

fn status(status: u16) -> Line {
    Line::Status(status, Vec::new(), "{}")
}

#[derive(Debug, Default)]
struct Script {
    lines: Mutex<VecDeque<Line>>,
    seen: Mutex<Vec<(Instant, Request)>>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: Request) -> Result<Response<Bytes>, TransportError> {
        self.seen.lock().unwrap().push((Instant::now(), request));
        let line = self.lines.lock().unwrap().pop_front().expect("one request too many");
        tokio::time::sleep(Duration::from_millis(10)).await;
        match line {
            Line::Status(status, headers, body) => {
                let mut response = Response::builder().status(status);
                for (name, value) in headers {
                    response = response.header(name, value);
                }
                Ok(response.body(Bytes::from_static(body.as_bytes())).unwrap())
            }
            Line::Lost(proof) => Err(TransportError { proof, message: "lost".to_owned() }),
            Line::Hangs => std::future::pending().await,
        }
    }
}

struct Bench {
    script: Arc<Script>,
    wire: Arc<Wire>,
    limiter: Arc<Limiter>,
    stop: CancellationToken,
}

impl Bench {
    fn new(lines: impl IntoIterator<Item = Line>) -> Self {
        Self::with(lines, |_| {})
    }

    fn with(lines: impl IntoIterator<Item = Line>, change: impl FnOnce(&mut WireSettings)) -> Self {
        let script = Arc::new(Script::default());
        script.lines.lock().unwrap().extend(lines);
        let limiter = Arc::new(Limiter::new(Limits {
            account: RateLimit::new(1_000, Duration::from_secs(1)).unwrap(),
            explicit: false,
            concurrency: 4,
            classes: vec![(SEARCH, RateLimit::new(5, Duration::from_secs(1)).unwrap())],
        }));
        let mut settings = WireSettings::new(Policy {
            limits: LIMITS,
            limit_member: Some("policyName"),
            classes: &[("/search", SEARCH)],
            queries: &["/api/v1/quote/simulate"],
            rate_headers: Some(("x-max", "x-interval-ms")),
            request_id: "x-correlation",
            ..Policy::default()
        });
        settings.credential = Some(Credential::bearer(Secret::new("s3cr3t".to_owned()).unwrap()));
        change(&mut settings);
        let stop = settings.stop.clone();
        let shared: SharedTransport = script.clone();
        let wire = Arc::new(Wire::new(shared, Arc::clone(&limiter), settings));
        Self { script, wire, limiter, stop }
    }

    fn sent(&self) -> usize {
        self.script.seen.lock().unwrap().len()
    }

    /// Time between the n-th request and the next.
    fn gap(&self, n: usize) -> Duration {
        let seen = self.script.seen.lock().unwrap();
        seen[n + 1].0 - seen[n].0
    }
}

fn create() -> Call {
    Call::new(Method::POST, "/crm/v3/objects/quotes", Safety::Once).body("{}")
}

fn patch() -> Call {
    Call::new(Method::PATCH, "/crm/v3/objects/quotes/1", Safety::Idempotent).body("{}")
}

fn get() -> Call {
    Call::get("/crm/v3/objects/quotes/1")
}

fn limited(name: &'static str) -> Line {
    let body = match name {
        "DAILY" => r#"{"policyName":"DAILY","message":"no more today"}"#,
        "SECONDLY" => r#"{"policyName":"SECONDLY"}"#,
        _ => r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#,
    };
    Line::Status(429, Vec::new(), body)
}

#[tokio::test(start_paused = true)]
async fn a_success_is_one_request_with_the_credential() {
    let bench = Bench::new([Line::Status(201, vec![("x-correlation", "abc")], r#"{"id":"7"}"#)]);
    let answer = bench.wire.call(create()).await.unwrap();
    assert_eq!((answer.status, answer.attempts), (201, 1));
    assert_eq!(answer.request_id.as_deref(), Some("abc"));
    let json: std::collections::BTreeMap<String, String> = answer.json().unwrap();
    assert_eq!(json["id"], "7");
    assert_eq!(bench.wire.counts(), Counts { read: 0, write: 1 });
    let seen = bench.script.seen.lock().unwrap();
    let header = &seen[0].1.headers()["authorization"];
    assert_eq!(header.to_str().unwrap(), "Bearer s3cr3t");
    assert!(header.is_sensitive());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_final_and_proves_that_nothing_was_done() {
    for code in [400, 404, 409, 422] {
        let bench = Bench::new([status(code)]);
        let error = bench.wire.call(create()).await.unwrap_err();
        assert_eq!(error.refused_status(), Some(code));
        assert_eq!(error.proof(), Proof::Rejected);
        assert_eq!(bench.sent(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_their_own_error() {
    for code in [401, 403] {
        let error = Bench::new([status(code)]).wire.call(get()).await.unwrap_err();
        assert!(matches!(error, CallError::Credentials(_)));
        assert_eq!(error.kind(), crate::failure::Kind::Credentials);
    }
}

#[tokio::test(start_paused = true)]
async fn a_once_write_is_never_repeated_without_proof() {
    for line in [status(500), status(502), status(503), status(524), Line::Lost(Proof::Ambiguous)] {
        let bench = Bench::new([line]);
        let error = bench.wire.call(create()).await.unwrap_err();
        assert_eq!(error.proof(), Proof::Ambiguous);
        assert_eq!(bench.sent(), 1);
    }
    let rejected = [Line::Lost(Proof::NotSent), status(423), limited("TEN"), status(201)];
    let bench = Bench::new(rejected);
    assert_eq!(bench.wire.call(create()).await.unwrap().attempts, 4);
    assert!(bench.gap(1) >= Duration::from_secs(2));
    // The third attempt hit the limit: 10 s x 3.
    assert!(bench.gap(2) >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn reads_and_idempotent_writes_are_repeated_with_backoff() {
    for call in [get(), patch()] {
        let bench =
            Bench::new([status(503), Line::Lost(Proof::Ambiguous), status(502), status(200)]);
        assert_eq!(bench.wire.call(call).await.unwrap().attempts, 4);
        assert!(bench.gap(0) >= Duration::from_millis(100));
        assert!(bench.gap(2) >= Duration::from_millis(400));
    }
    let bench = Bench::new(vec![status(503); 6]);
    let error = bench.wire.call(get()).await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { attempts: 6, .. }), "{error:?}");
    let bench = Bench::new(vec![status(503); 6]);
    let error = bench.wire.call(patch()).await.unwrap_err();
    assert_eq!(error.proof(), Proof::Ambiguous);
}

#[tokio::test(start_paused = true)]
async fn a_later_refusal_does_not_hide_an_earlier_open_attempt() {
    for last in [status(404), status(401), limited("DAILY"), status(307)] {
        let bench = Bench::new([Line::Lost(Proof::Ambiguous), last]);
        let error = bench.wire.call(patch()).await.unwrap_err();
        assert_eq!(error.proof(), Proof::Ambiguous, "{error}");
        assert!(error.answer().is_some());
        assert!(error.to_string().starts_with("lost; attempt 2 then: "), "{error}");
    }
    let mut lines = vec![status(500)];
    lines.extend(vec![Line::Lost(Proof::NotSent); 5]);
    let error = Bench::new(lines).wire.call(patch()).await.unwrap_err();
    assert_eq!(error.proof(), Proof::Ambiguous);
    // A read stays a read.
    let error = Bench::new([status(500), status(404)]).wire.call(get()).await.unwrap_err();
    assert_eq!(error.refused_status(), Some(404));
}

#[tokio::test(start_paused = true)]
async fn what_never_left_says_so() {
    let bench = Bench::new(vec![Line::Lost(Proof::NotSent); 6]);
    let error = bench.wire.call(create()).await.unwrap_err();
    assert_eq!(error.proof(), Proof::NotSent);
    assert_eq!(error.to_string(), "lost (tried 6 times)");
}

#[tokio::test(start_paused = true)]
async fn a_daily_limit_ends_at_once() {
    let bench = Bench::new([limited("DAILY")]);
    let error = bench.wire.call(get()).await.unwrap_err();
    assert_eq!(error.kind(), crate::failure::Kind::Quota);
    assert!(error.to_string().contains("`DAILY`"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_obeyed_in_seconds_and_as_a_date() {
    let date = vec![
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 08:49:57 GMT"),
    ];
    for headers in [vec![("retry-after", "20")], date] {
        let bench = Bench::new([Line::Status(429, headers, ""), status(200)]);
        bench.wire.call(create()).await.unwrap();
        assert!(bench.gap(0) >= Duration::from_secs(20), "{:?}", bench.gap(0));
        assert!(bench.gap(0) < Duration::from_secs(21), "{:?}", bench.gap(0));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_limit_nobody_sends_before_its_time() {
    let bench = Bench::new([limited("TEN"), status(200), status(200)]);
    let first = bench.wire.call(get());
    let second = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.wire.call(get()).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok() && second.is_ok());
    assert!(bench.gap(0) >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_search_limit_holds_searches_only() {
    let bench = Bench::new([limited("SECONDLY"), status(200), status(200)]);
    let read = ReadWire::new(Arc::clone(&bench.wire));
    let path = read.query_path("/crm/v3/objects/quotes/search").unwrap();
    let search = read.query(&path, Bytes::from_static(b"{}"));
    let other = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        read.get("/crm/v3/objects/quotes/1", &[("a", "b")]).await
    };
    let (search, other) = tokio::join!(search, other);
    assert!(search.is_ok() && other.is_ok());
    assert!(bench.gap(0) < Duration::from_millis(100));
    assert!(bench.gap(1) >= Duration::from_millis(900));
    assert_eq!(read.counts(), Counts { read: 3, write: 0 });
}

#[tokio::test(start_paused = true)]
async fn one_call_is_bounded_in_time() {
    let hour = Line::Status(429, vec![("retry-after", "3600")], "");
    let bench = Bench::new([hour]);
    let started = Instant::now();
    let error = bench.wire.call(create()).await.unwrap_err();
    assert!(matches!(error, CallError::Quota { retry_after: Some(_), .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(1));

    let bench = Bench::new([Line::Hangs]);
    let started = Instant::now();
    let error = bench.wire.call(get()).await.unwrap_err();
    assert!(matches!(error, CallError::Unavailable { .. }), "{error:?}");
    assert!(started.elapsed() <= WireSettings::CALL_BUDGET + Duration::from_millis(20));

    // Others keep the limiter closed past the call's time.
    let bench = Bench::with([status(503)], |s| s.call_budget = Duration::from_secs(2));
    let pause = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.limiter.pause_until(Instant::now() + Duration::from_mins(1));
    };
    let (error, ()) = tokio::join!(bench.wire.call(get()), pause);
    assert!(matches!(error, Err(CallError::Unavailable { .. })), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_interruption_sends_nothing_new_and_cuts_off_reads_alone() {
    let bench = Bench::new([]);
    bench.stop.cancel();
    let error = bench.wire.call(create()).await.unwrap_err();
    assert!(matches!(error, CallError::Interrupted));
    assert_eq!((bench.sent(), bench.limiter.in_flight()), (0, 0));

    // Under way: the answer is still taken.
    let bench = Bench::new([status(201)]);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        bench.stop.cancel();
    };
    let (answer, ()) = tokio::join!(bench.wire.call(create()), stop);
    assert_eq!(answer.unwrap().status, 201);

    // A read proves nothing, so nobody waits for it.
    let bench = Bench::new([Line::Hangs]);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        bench.stop.cancel();
    };
    let started = Instant::now();
    let (answer, ()) = tokio::join!(bench.wire.call(get()), stop);
    assert!(matches!(answer, Err(CallError::Interrupted)), "{answer:?}");
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(bench.limiter.in_flight(), 0);

    // While waiting: what the last attempt proved decides.
    for (line, call, proof) in [
        (limited("TEN"), create(), Proof::NotSent),
        (status(503), patch(), Proof::Ambiguous),
        (status(503), get(), Proof::NotSent),
    ] {
        let bench = Bench::new([line]);
        let stop = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            bench.stop.cancel();
        };
        let (error, ()) = tokio::join!(bench.wire.call(call), stop);
        assert_eq!(error.unwrap_err().proof(), proof);
        assert_eq!(bench.sent(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn redirects_are_an_error() {
    for code in [301, 302, 303, 307, 308] {
        let error = Bench::new([status(code)]).wire.call(get()).await.unwrap_err();
        assert!(error.to_string().contains("redirects are not followed"), "{error}");
    }
    // 303 is how a form that was processed is answered.
    let error = Bench::new([status(303)]).wire.call(create()).await.unwrap_err();
    assert_eq!(error.proof(), Proof::Ambiguous);
    let error = Bench::new([status(308)]).wire.call(create()).await.unwrap_err();
    assert_eq!(error.proof(), Proof::Rejected);
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_answer_is_nonsense_for_a_read_and_unknown_for_a_write() {
    let page = || Line::Status(200, vec![("x-correlation", "r1")], "<html>s3cr3t\u{1b}[2J</html>");
    for call in [create(), patch()] {
        let answer = Bench::new([page()]).wire.call(call).await.unwrap();
        let error = answer.json::<Vec<String>>().unwrap_err();
        assert_eq!(error.proof(), Proof::Ambiguous);
    }
    let answer = Bench::new([page()]).wire.call(get()).await.unwrap();
    let error = answer.json::<Vec<String>>().unwrap_err();
    assert!(matches!(error, CallError::Nonsense { .. }));
    let text = error.to_string();
    assert!(text.contains("<html>[secret]") && text.contains("(request r1)"), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_write_cannot_pose_as_a_read() {
    let bench = Bench::new([]);
    for (method, path) in [
        (Method::POST, "/crm/v3/objects/quotes"),
        (Method::PATCH, "/crm/v3/objects/quotes/search"),
        (Method::DELETE, "/crm/v3/objects/quotes/1"),
        (Method::POST, "/crm/v3/objects/quotes/batch/create"),
    ] {
        let error = bench.wire.call(Call::new(method, path, Safety::Read)).await.unwrap_err();
        assert_eq!(error.proof(), Proof::NotSent);
    }
    assert_eq!(bench.wire.counts(), Counts::default());
    let read = ReadWire::new(Arc::clone(&bench.wire));
    assert!(read.query_path("/api/v1/quote/simulate").is_some());
    assert!(read.query_path("/api/v1/quote/generate").is_none());
}

#[tokio::test(start_paused = true)]
async fn the_server_teaches_its_limit() {
    let taught = Line::Status(200, vec![("x-max", "2"), ("x-interval-ms", "10000")], "{}");
    let bench = Bench::new([taught.clone(), taught.clone(), taught]);
    let started = Instant::now();
    for _ in 0..3 {
        bench.wire.call(get()).await.unwrap();
    }
    assert!(started.elapsed() >= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_no_slot() {
    let bench = Bench::new([Line::Hangs]);
    let dropped = tokio::time::timeout(Duration::from_secs(1), bench.wire.call(create()));
    assert!(dropped.await.is_err());
    assert_eq!(bench.limiter.in_flight(), 0);
}
