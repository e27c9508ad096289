//! An upstream whose answers are drawn: the sandbox's own answer, or that answer with something in
//! it changed, or plain bytes.
//!
//! The one thing to know: the drawn bytes are a tape. Each request takes one byte that says what
//! happens to its answer, and what follows is read as that needs; an empty tape leaves every
//! answer as the sandbox gives it. So a fuzzer starts from whole conversations and bends them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode};
use proforma::http::{Proof, Request, Transport, TransportError};
use proforma::sandbox::{InProcess, Sandbox};
use serde_json::{Value, json};

/// What every credential of these tests is: searched for in everything that comes out.
pub const TOKEN: &str = "canary-5d1e7a90c3f24b68";

/// Bytes that are read one after the other; zeros for ever after the last.
#[derive(Debug, Default)]
pub struct Tape {
    bytes: Vec<u8>,
    at: usize,
}

impl Tape {
    pub fn new(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), at: 0 }
    }

    pub fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        byte
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    fn take(&mut self, most: usize) -> Vec<u8> {
        let from = self.at.min(self.bytes.len());
        let to = (from + most).min(self.bytes.len());
        self.at = to;
        self.bytes[from..to].to_vec()
    }
}

/// Answers by method, target and body.
type Answers = HashMap<String, (u16, Bytes)>;

/// The transport of one upstream.
#[derive(Clone)]
pub struct Drawn {
    inner: InProcess,
    answers: Arc<Mutex<Answers>>,
    tape: Arc<Mutex<Tape>>,
    /// Whether requests that are not known yet reach the sandbox even when they write.
    records: bool,
}

impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drawn")
    }
}

impl Drawn {
    pub fn recording(sandbox: Arc<Mutex<Sandbox>>, mount: &str) -> Self {
        let now = || "2026-11-22T12:00:00Z".parse().unwrap();
        Self {
            inner: InProcess::new(sandbox, mount, Arc::new(now)),
            answers: Arc::default(),
            tape: Arc::default(),
            records: true,
        }
    }

    /// The same answers, bent by a tape; nothing is written any more.
    pub fn bent(&self, tape: Tape) -> Self {
        Self { tape: Arc::new(Mutex::new(tape)), records: false, ..self.clone() }
    }

    /// Forgets what was read so far: from here on the quotes are there.
    pub fn forget_reads(&self) {
        self.answers
            .lock()
            .unwrap()
            .retain(|key, _| !reads(key.lines().next().unwrap_or_default()));
    }

    async fn honest(&self, request: Request) -> Result<(u16, Bytes), TransportError> {
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let key = format!("{} {}\n{body}", request.method(), request.uri());
        // A read before and after a write has different answers: the later one counts.
        if !self.records
            && let Some(known) = self.answers.lock().unwrap().get(&key)
        {
            return Ok(known.clone());
        }
        if !self.records && !reads(key.lines().next().unwrap_or_default()) {
            return Ok((404, Bytes::from_static(b"{\"status\":\"error\",\"message\":\"no\"}")));
        }
        let answer = self.inner.send(request).await?;
        let answer = (answer.status().as_u16(), answer.into_body());
        let mut answers = self.answers.lock().unwrap();
        if answers.len() < 4000 {
            answers.insert(key, answer.clone());
        }
        Ok(answer)
    }
}

/// Whether a request (`METHOD target`) changes nothing.
fn reads(request: &str) -> bool {
    request.starts_with("GET ")
        || ["/read", "/search", "/simulate"].iter().any(|end| request.ends_with(end))
}

#[async_trait]
impl Transport for Drawn {
    async fn send(&self, request: Request) -> Result<http::Response<Bytes>, TransportError> {
        let (mut status, mut body) = self.honest(request).await?;
        let mut retry_after = None;
        {
            let tape = &mut *self.tape.lock().unwrap();
            match tape.byte() % 16 {
                0..=4 => {}
                5 => {
                    let length = tape.number() % 4096;
                    body = Bytes::from(tape.take(length));
                }
                6 => {
                    const STATUSES: [u16; 16] = [
                        200, 201, 202, 204, 207, 302, 400, 401, 403, 404, 409, 422, 429, 477, 500,
                        503,
                    ];
                    status = STATUSES[usize::from(tape.byte() % 16)];
                }
                7 => retry_after = Some(tape.take(4)),
                8 => {
                    let proof = if tape.byte().is_multiple_of(2) {
                        Proof::NotSent
                    } else {
                        Proof::Ambiguous
                    };
                    return Err(TransportError { proof, message: "cut".to_owned() });
                }
                9 => {
                    let at = tape.number() % (body.len() + 1);
                    body = body.slice(..at);
                }
                bends => {
                    if let Ok(mut value) = serde_json::from_slice::<Value>(&body) {
                        for _ in 0..(bends - 9) {
                            bend(&mut value, tape);
                        }
                        body = Bytes::from(serde_json::to_vec(&value).unwrap());
                    }
                }
            }
        }
        let mut answer = Response::new(body);
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        if let Some(value) = retry_after.and_then(|v| HeaderValue::from_bytes(&v).ok()) {
            answer.headers_mut().insert("retry-after", value);
        }
        Ok(answer)
    }
}

/// Puts something else in the place of one value.
fn bend(root: &mut Value, tape: &mut Tape) {
    let count = size(root);
    let at = tape.number() % count;
    let other = tape.byte();
    let new = match other % 20 {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(""),
        3 => json!(0),
        4 => json!(-1),
        5 => json!("9007199254740993"),
        6 => json!(1e308),
        7 => json!(0.1),
        8 => json!([]),
        9 => json!({}),
        10 => json!("a\u{1b}[31mb\u{202e}c\u{200b}\r\n::error::d"),
        11 => json!(format!("x{TOKEN}y")),
        12 => json!("A".repeat(3000)),
        13 => json!(String::from_utf8_lossy(&tape.take(usize::from(other / 20) + 4))),
        14 => json!(u64::MAX),
        15 => (0..100).fold(json!(1), |inner, _| json!([inner])),
        16 => {
            let mut twice = nth(root, &mut tape.number().checked_rem(count).unwrap_or(0)).clone();
            if let Value::Array(list) = &mut twice {
                let copy = list.clone();
                list.extend(copy);
            }
            twice
        }
        17 => {
            let node = nth(root, &mut { at }).clone();
            if size(&node) > 2000 { node } else { Value::Array(vec![node; 30]) }
        }
        18 => json!(format!("{}", tape.number())),
        _ => json!("99999999999999999999999999.99"),
    };
    let place = nth(root, &mut { at });
    *place = new;
    // Values may not grow without end over several bends.
    if size(root) > 20_000 {
        *root = Value::Null;
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        _ => 0,
    }
}

/// The n-th value in reading order; `left` counts down.
fn nth<'v>(value: &'v mut Value, left: &mut usize) -> &'v mut Value {
    if *left == 0 {
        return value;
    }
    *left -= 1;
    let children: Vec<&'v mut Value> = match value {
        Value::Array(list) => list.iter_mut().collect(),
        Value::Object(map) => map.values_mut().collect(),
        _ => unreachable!("no scalar holds another value"),
    };
    for child in children {
        let size = size(child);
        if *left < size {
            return nth(child, left);
        }
        *left -= size;
    }
    unreachable!("the number is smaller than the size")
}
