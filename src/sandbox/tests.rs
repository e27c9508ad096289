//! The machine around the upstreams: limits, faults, log, state, sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{InProcess, Options, RateChoice, Running, Sandbox, Verdict};
use crate::http::{Proof, Transport};

const QUOTES: &str = "/hubspot/crm/v3/objects/quotes";
const BODY: &str = r#"{"properties":{"hs_title":"T","hs_expiration_date":"2027-01-31"}}"#;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_000 + ms).unwrap()
}

fn request(method: &str, path: &str, body: impl Into<Bytes>) -> http::Request<Bytes> {
    http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer t")
        .body(body.into())
        .unwrap()
}

fn answered(verdict: Verdict) -> (u16, http::HeaderMap, Bytes) {
    match verdict {
        Verdict::Answer(r) => (r.status().as_u16(), r.headers().clone(), r.body().clone()),
        other => panic!("no plain answer: {other:?}"),
    }
}

fn json_of(sandbox: &mut Sandbox, path: &str) -> Value {
    serde_json::from_slice(&answered(sandbox.handle(&request("GET", path, ""), at(0))).2).unwrap()
}

fn plan(sandbox: &mut Sandbox, faults: &Value) {
    let told = request("POST", "/_sandbox/faults", faults.to_string());
    assert_eq!(answered(sandbox.handle(&told, at(0))).0, 200);
}

fn quotes(sandbox: &mut Sandbox) -> usize {
    json_of(sandbox, "/_sandbox/snapshot")["hubspot"]["quotes"].as_array().unwrap().len()
}

fn calm(options: Options) -> Sandbox {
    Sandbox::new(Options { rate: RateChoice::Off, ..options }).unwrap()
}

#[test]
fn the_limit_rolls_and_says_so() {
    let rate = "2/10s".parse().unwrap();
    let mut sandbox = Sandbox::new(Options { rate, ..Options::default() }).unwrap();
    let get = request("GET", QUOTES, "");
    let (_, headers, _) = answered(sandbox.handle(&get, at(0)));
    assert_eq!(headers["x-hubspot-ratelimit-remaining"], "1");
    assert_eq!(headers["x-hubspot-ratelimit-interval-milliseconds"], "10000");
    sandbox.handle(&get, at(4_000));
    let (status, _, body) = answered(sandbox.handle(&get, at(9_999)));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["policyName"]), (429, &json!("TEN_SECONDLY_ROLLING")));
    assert_eq!(body["errorType"], "RATE_LIMIT");
    // Search has its own: five in a second, and no headers.
    let search = request("POST", &format!("{QUOTES}/search"), "{}");
    for _ in 0..5 {
        let (status, headers, _) = answered(sandbox.handle(&search, at(9_999)));
        assert_eq!((status, headers.get("x-hubspot-ratelimit-max")), (200, None));
    }
    let (status, _, body) = answered(sandbox.handle(&search, at(9_999)));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["policyName"]), (429, &json!("SECONDLY")));
    assert_eq!(answered(sandbox.handle(&get, at(10_000))).0, 200);
}

#[test]
fn faults_do_or_do_not_do_it() {
    for (fault, status, done) in [
        ("fail_503_before", Some(503), false),
        ("fail_502_after", Some(502), true),
        ("lose_answer", None, true),
        ("drop_before", None, false),
        ("garbage", Some(200), true),
        ("redirect", Some(302), false),
        ("status:477", Some(477), false),
    ] {
        let mut sandbox = calm(Options::default());
        plan(&mut sandbox, &json!([{"on": "write", "nth": 1, "do": fault}]));
        let verdict = sandbox.handle(&request("POST", QUOTES, BODY), at(0));
        match (verdict, status) {
            (Verdict::Answer(response), Some(status)) => {
                assert_eq!(response.status().as_u16(), status, "{fault}");
            }
            (Verdict::DropAfter, None) => assert!(done, "{fault}"),
            (Verdict::DropBefore, None) => assert!(!done, "{fault}"),
            (other, _) => panic!("{fault}: {other:?}"),
        }
        assert_eq!(quotes(&mut sandbox), usize::from(done), "{fault}");
    }
}

#[test]
fn held_requests_wait_and_abandoned_ones_are_never_done() {
    let mut sandbox = calm(Options::default());
    plan(&mut sandbox, &json!([{"on": "write", "do": "hold_before"}]));
    let post = request("POST", QUOTES, BODY);
    let Verdict::Hold(first) = sandbox.handle(&post, at(0)) else { panic!("not held") };
    let Verdict::Hold(second) = sandbox.handle(&post, at(0)) else { panic!("not held") };
    assert_eq!(json_of(&mut sandbox, "/_sandbox/held")["held"].as_array().unwrap().len(), 2);
    sandbox.abandon(second);
    assert!(sandbox.resume(first, at(1)).is_none());
    assert_eq!(quotes(&mut sandbox), 0);
    sandbox.handle(&request("POST", "/_sandbox/release", "{}"), at(1));
    assert_eq!(answered(sandbox.resume(first, at(1)).unwrap()).0, 201);
    assert!(sandbox.resume(second, at(1)).is_none());
    assert_eq!(quotes(&mut sandbox), 1);
}

#[test]
fn requests_are_counted_by_route_and_direction() {
    let mut sandbox = calm(Options::default());
    sandbox.handle(&request("POST", QUOTES, BODY), at(0));
    sandbox.handle(&request("GET", &format!("{QUOTES}/1"), ""), at(0));
    sandbox.handle(&request("GET", &format!("{QUOTES}/2"), ""), at(0));
    for read in ["batch/read", "search"] {
        sandbox.handle(&request("POST", &format!("{QUOTES}/{read}"), r#"{"inputs":[]}"#), at(0));
    }
    let counts = json_of(&mut sandbox, "/_sandbox/requests");
    assert_eq!((&counts["reads"], &counts["writes"]), (&json!(4), &json!(1)));
    assert_eq!(counts["routes"][format!("GET {QUOTES}/{{id}}")], 2);
    assert_eq!(counts["statuses"]["404"], 2);
    let log = json_of(&mut sandbox, "/_sandbox/log?limit=1");
    assert_eq!(log["requests"][0]["n"], 5);
    assert_eq!(log["requests"][0]["write"], false);
    sandbox.handle(&request("POST", "/_sandbox/reset", "{}"), at(0));
    assert_eq!(json_of(&mut sandbox, "/_sandbox/requests")["total"], 0);
    assert_eq!(quotes(&mut sandbox), 0);
    let bad = sandbox.handle(&request("POST", "/_sandbox/reset", r#"{"recrods":true}"#), at(0));
    assert_eq!(answered(bad).0, 400);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut sandbox = calm(Options {
            seed: 42,
            fail: "20%".parse().unwrap(),
            lose: "20%".parse().unwrap(),
            ..Options::default()
        });
        let verdicts: Vec<String> = (0..50)
            .map(|n| format!("{:?}", sandbox.handle(&request("POST", QUOTES, BODY), at(n))))
            .collect();
        (verdicts, sandbox.save().unwrap().to_string())
    };
    let (verdicts, state) = run();
    assert_eq!((verdicts.clone(), state), run());
    assert!(verdicts.iter().any(|v| v.starts_with("DropAfter")));
    assert!(verdicts.iter().any(|v| v.contains("status: 50")));
}

#[test]
fn a_state_survives_and_a_foreign_one_is_refused() {
    let mut first = calm(Options::default());
    let definition = json!({"name": "stamp", "label": "S", "type": "string", "fieldType": "text",
        "groupName": "quoteinformation", "hasUniqueValue": true});
    let path = "/hubspot/crm/v3/properties/quotes";
    first.handle(&request("POST", path, definition.to_string()), at(0));
    let stamped = BODY.replace(r#""hs_title":"#, r#""stamp":"k","hs_title":"#);
    assert_eq!(answered(first.handle(&request("POST", QUOTES, stamped.clone()), at(0))).0, 201);
    let mut second = calm(Options::default());
    second.load(first.save().unwrap()).unwrap();
    assert_eq!(first.save().unwrap(), second.save().unwrap());
    assert_eq!(
        json_of(&mut first, "/_sandbox/snapshot"),
        json_of(&mut second, "/_sandbox/snapshot")
    );
    assert_eq!(answered(second.handle(&request("POST", QUOTES, stamped), at(0))).0, 409);
    assert!(second.load(json!({"proforma_sandbox": 2})).is_err());
}

#[test]
fn bulk_deals_are_there_at_once() {
    let mut sandbox = calm(Options::default());
    for _ in 0..2 {
        let told = request("POST", "/_sandbox/settings", r#"{"bulk_deals": 300}"#);
        assert_eq!(answered(sandbox.handle(&told, at(0))).0, 200);
    }
    let body = r#"{"query":"bulk deal","limit":1}"#;
    let search = request("POST", "/hubspot/crm/v3/objects/deals/search", body);
    let (_, _, found) = answered(sandbox.handle(&search, at(0)));
    assert_eq!(serde_json::from_slice::<Value>(&found).unwrap()["total"], 300);
}

#[tokio::test]
async fn in_process_a_lost_answer_is_ambiguous() {
    let mut sandbox = calm(Options::default());
    plan(&mut sandbox, &json!([{"on": "write", "nth": 1, "do": "lose_answer"}]));
    let shared = Arc::new(Mutex::new(sandbox));
    let transport = InProcess::new(Arc::clone(&shared), "/hubspot", Arc::new(|| at(0)));
    let post = || request("POST", "/crm/v3/objects/quotes", BODY);
    let lost = transport.send(post()).await.unwrap_err();
    assert_eq!(lost.proof, Proof::Ambiguous);
    assert_eq!(transport.send(post()).await.unwrap().status(), 201);
    assert_eq!(quotes(&mut shared.lock().unwrap()), 2);
}

/// Sends one request and reads until the other side closes.
async fn wire(running: &Running, method: &str, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(running.addr).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good a close as any.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn over_a_socket_a_lost_answer_is_no_byte_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { state: Some(folder.path().join("state.json")), ..Options::default() };
    let running = Running::start(options.clone()).await.unwrap();
    assert_eq!(running.base_url("hubspot"), format!("http://{}/hubspot", running.addr));
    let faults = r#"[{"on":"write","nth":1,"do":"lose_answer"},{"on":"write","nth":2,"do":"hold_after"},{"on":"write","nth":3,"do":"hold_before"}]"#;
    assert!(wire(&running, "POST", "/_sandbox/faults", faults).await.contains(" 200 "));
    assert_eq!(wire(&running, "POST", QUOTES, BODY).await, "");
    // The second is held; its answer comes with the release.
    let (held, _) = tokio::join!(wire(&running, "POST", QUOTES, BODY), async {
        while !wire(&running, "GET", "/_sandbox/held", "").await.contains("ticket") {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        wire(&running, "POST", "/_sandbox/release", "{}").await
    });
    assert!(held.starts_with("HTTP/1.1 201 "), "{held}");
    // The third client goes away while it waits: never done, and no longer held.
    let gone =
        tokio::time::timeout(Duration::from_millis(50), wire(&running, "POST", QUOTES, BODY));
    assert!(gone.await.is_err());
    while wire(&running, "GET", "/_sandbox/held", "").await.contains("ticket") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = quotes(&mut running.sandbox().lock().unwrap());
    assert_eq!(before, 2);
    running.stop().await.unwrap();
    let again = Running::start(options).await.unwrap();
    assert_eq!(quotes(&mut again.sandbox().lock().unwrap()), before);
    again.stop().await.unwrap();
}
