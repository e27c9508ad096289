//! The seam between the sandbox and one emulated upstream.
//!
//! Purpose: [`Upstream`] is all that the machine knows of a provider: how to answer a call, what
//! a route is called in the counts, what a refusal for rate looks like, and what the people
//! around it (colleague, customer, approver) can do. Adding a provider touches no other provider.

use std::fmt;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use serde_json::Value;

use super::options::Rate;
use super::random::Random;
use crate::http::Response;

/// One request as an upstream sees it: the mount is cut off and all is decoded.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Decoded segments of the path below the mount; empty ones are left out.
    pub(crate) segments: Vec<String>,
    /// Decoded query pairs in the order written.
    pub(crate) query: Vec<(String, String)>,
    /// All headers; where the credential is depends on the upstream.
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
    /// Length of the target as sent, for limits on addresses.
    pub(crate) target_length: usize,
}

impl Call {
    /// Cuts `mount` off and decodes the rest.
    pub(crate) fn read(request: &http::Request<Bytes>, mount: &str) -> Self {
        let path = request.uri().path();
        let path = path.strip_prefix(mount).unwrap_or(path);
        let query = request.uri().query().unwrap_or_default();
        Self {
            method: request.method().clone(),
            segments: path.split('/').filter(|s| !s.is_empty()).map(|s| decode(s, false)).collect(),
            query: query
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(key, true), decode(value, true))
                })
                .collect(),
            headers: request.headers().clone(),
            body: request.body().clone(),
            target_length: request.uri().to_string().len(),
        }
    }

    /// The bearer token, if there is one.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let header = self.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let token = header.strip_prefix("Bearer ")?.trim();
        (!token.is_empty()).then_some(token)
    }

    /// The first value of a query parameter.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A comma-separated parameter, which may also be repeated.
    pub(crate) fn list(&self, name: &str) -> Vec<String> {
        self.query
            .iter()
            .filter(|(key, _)| key == name)
            .flat_map(|(_, value)| value.split(','))
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect()
    }
}

/// Percent decoding; what is not a valid escape stays as it is.
fn decode(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = (*byte == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(value) = escaped {
            out.push(value);
            at += 3;
        } else {
            out.push(if plus_is_space && *byte == b'+' { b' ' } else { *byte });
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What an upstream is handed with each call: the time and the dice.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Timestamp,
    pub(crate) random: &'a mut Random,
}

/// What a call is, before anything is done with it.
#[derive(Clone, Debug)]
pub(crate) struct RouteFacts {
    /// The path with identifiers replaced (`/hubspot/crm/v3/objects/quotes/{id}`).
    pub(crate) pattern: String,
    /// Whether it may change something.
    pub(crate) write: bool,
    /// Which limit it counts against.
    pub(crate) meter: MeterName,
}

/// The limits that an upstream account can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MeterName {
    /// The account's general limit.
    General,
    /// A limit of its own, with a rate that the upstream publishes.
    Search(Rate),
    /// Not limited.
    Exempt,
}

/// How the limit stands after a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MeterState {
    pub(crate) rate: Rate,
    pub(crate) remaining: u32,
}

/// Why a control request was refused: a status and a sentence.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, message: message.into() }
    }

    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, message: message.into() }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self { status: StatusCode::CONFLICT, message: message.into() }
    }
}

/// Something that people do around an upstream, not through its API.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// A colleague changes a record in the user interface.
    Edit { object: String, id: String, properties: serde_json::Map<String, Value> },
    /// A colleague makes a record.
    Create { object: String, body: serde_json::Map<String, Value> },
    /// A colleague throws a record away.
    Archive { object: String, id: String },
    /// The customer does something with a quote: view, accept, decline, sign.
    Customer { id: String, action: String },
    /// An approver decides about a quote: approve, reject.
    Approver { id: String, action: String },
}

/// One emulated upstream.
pub(crate) trait Upstream: Send + fmt::Debug {
    /// The provider's name in the workspace file.
    fn name(&self) -> &'static str;
    /// Where it is mounted; what stands before its own paths in a `base_url`.
    fn mount(&self) -> &'static str;
    /// The limit that the provider publishes.
    fn published_rate(&self) -> Rate;
    /// What the call is.
    fn classify(&self, call: &Call) -> RouteFacts;
    /// Does it.
    fn answer(&mut self, call: &Call, moment: &mut Moment<'_>) -> Response;
    /// Says that too many requests came.
    fn over_limit(&self, meter: MeterName, rate: Rate, random: &mut Random) -> Response;
    /// Adds the headers that tell how the limit stands.
    fn tell_limit(&self, response: &mut Response, state: MeterState);
    /// A failure of the upstream's own making, in its own words.
    fn failure(&self, status: StatusCode, random: &mut Random) -> Response;
    /// All records, in a stable order.
    fn snapshot(&self) -> Value;
    /// Something done by people.
    fn deed(&mut self, deed: Deed, moment: &mut Moment<'_>) -> Result<Value, Refused>;
    /// Reads or changes the switches of the account; gives them as they are afterwards.
    fn settings(
        &mut self,
        change: &serde_json::Map<String, Value>,
        moment: &mut Moment<'_>,
    ) -> Result<Value, Refused>;
    /// Back to the seeded records; switches stay unless `switches`.
    fn reset(&mut self, switches: bool);
    /// All that a state file must hold.
    fn save(&self) -> Result<Value, serde_json::Error>;
    /// The inverse of [`Upstream::save`].
    fn load(&mut self, saved: Value) -> Result<(), serde_json::Error>;
}

/// An answer with a JSON body.
pub(crate) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json;charset=utf-8"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_decoded() {
        let request =
            http::Request::get("/hubspot/crm/v3//objects/quotes/a%2Fb?x=1%2C2&x=3&y=a+b%zz")
                .header("authorization", "Bearer t ")
                .body(Bytes::new())
                .unwrap();
        let call = Call::read(&request, "/hubspot");
        assert_eq!(call.segments, ["crm", "v3", "objects", "quotes", "a/b"]);
        assert_eq!(call.list("x"), ["1", "2", "3"]);
        assert_eq!(call.param("y"), Some("a b%zz"));
        assert_eq!(call.bearer(), Some("t"));
    }
}
