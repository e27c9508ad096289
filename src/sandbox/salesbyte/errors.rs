//! Refusals, in each of the envelopes that SalesByte may speak.
//!
//! The documents name an envelope of `code`, `message` and `details` without showing one; the
//! framework behind it usually answers `message` and `errors`, and one call answers plain text. A
//! client must survive all three, so the envelope is a switch. Codes are ours (guess).

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::http::Response;
use crate::sandbox::upstream::json_response;

/// How refusals are worded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Envelope {
    /// `{code, message, details}`.
    #[default]
    Platform,
    /// `{message, errors}`.
    Framework,
    /// Plain text.
    Text,
}

/// Why a request was not done.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: &'static str,
    pub(super) message: String,
    details: BTreeMap<String, Vec<String>>,
}

impl Refusal {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), details: BTreeMap::new() }
    }

    /// 404.
    pub(super) fn missing(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed.")
    }

    /// 401.
    pub(super) fn credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Unauthenticated.")
    }

    /// 400: no JSON object.
    pub(super) fn malformed() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "The body is not a JSON object.")
    }

    /// 429.
    pub(super) fn too_many() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "Too Many Attempts.")
    }

    /// The upstream's own failure.
    pub(super) fn broken(status: StatusCode) -> Self {
        Self::new(status, "server_error", "Server Error")
    }

    /// 422 about one field.
    pub(super) fn field(name: &str, why: &str) -> Self {
        let mut problems = BTreeMap::new();
        problems.insert(name.to_owned(), vec![why.to_owned()]);
        Self::fields(problems)
    }

    /// 422 about a date.
    pub(super) fn date(name: &str) -> Self {
        Self::field(name, &format!("The {name} is not a valid date."))
    }

    /// 422 about several fields.
    pub(super) fn fields(details: BTreeMap<String, Vec<String>>) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            code: "validation_failed",
            message: "The given data was invalid.".to_owned(),
            details,
        }
    }

    /// As an answer.
    pub(super) fn response(&self, envelope: Envelope) -> Response {
        match envelope {
            Envelope::Platform => json_response(
                self.status,
                &json!({"code": self.code, "message": self.message, "details": self.details}),
            ),
            Envelope::Framework => json_response(
                self.status,
                &json!({"message": self.message, "errors": self.details}),
            ),
            Envelope::Text => {
                let mut text = self.message.clone();
                for why in self.details.values().flatten() {
                    text.push(' ');
                    text.push_str(why);
                }
                let mut response = Response::new(Bytes::from(text));
                *response.status_mut() = self.status;
                response.headers_mut().insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static("text/plain; charset=utf-8"),
                );
                response
            }
        }
    }
}
