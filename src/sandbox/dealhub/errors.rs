//! Refusals in DealHub's own shapes.
//!
//! The one thing to know: there are no codes. The headless calls answer `{"error": ..}`, the
//! Quote API something undocumented (here `{"message": ..}`, or plain text by switch), and a
//! refused token is a 403 everywhere.

use bytes::Bytes;
use http::StatusCode;
use serde_json::json;

use crate::http::Response;
use crate::sandbox::upstream::json_response;

/// A refused request.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) text: String,
}

impl Refusal {
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, text: text.into() }
    }

    pub(super) fn unauthenticated() -> Self {
        Self { status: StatusCode::FORBIDDEN, text: "Unauthenticated".to_owned() }
    }

    /// An unknown quote or opportunity is a 400 here, not a 404.
    pub(super) fn missing(id: &str) -> Self {
        Self::bad(format!("Entity (ID = {id}) not found"))
    }

    pub(super) fn not_found(text: impl Into<String>) -> Self {
        Self { status: StatusCode::NOT_FOUND, text: text.into() }
    }

    pub(super) fn generation(text: &str) -> Self {
        Self::bad(format!("Quote generation failed: {text}"))
    }

    /// A field of a body that is missing, too long or of a wrong type.
    pub(super) fn payload(field: &str, message: &str, value: &str) -> Self {
        let field = camel(field);
        Self::bad(format!(
            "Invalid payload data. [{{Field: {field}, Message: {message}, Value: {value}}}]"
        ))
    }

    pub(super) fn response(&self, family: Family, text_errors: bool) -> Response {
        match family {
            Family::Headless => json_response(self.status, &json!({ "error": self.text })),
            Family::Playbook => json_response(
                self.status,
                &json!({ "error": self.text, "code": self.status.as_u16() }),
            ),
            Family::Quote if text_errors => {
                let mut response = Response::new(Bytes::from(self.text.clone()));
                *response.status_mut() = self.status;
                response
            }
            Family::Quote => json_response(self.status, &json!({ "message": self.text })),
        }
    }
}

/// The parts of the interface, by the shape of their errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// Simulate, generate, actions, quote id.
    Headless,
    /// Quotes, documents, signers, opportunities.
    Quote,
    /// Playbooks.
    Playbook,
}

/// `quote_name` as `quoteName`.
fn camel(field: &str) -> String {
    let mut out = String::new();
    let mut up = false;
    for c in field.chars() {
        match c {
            '_' => up = true,
            c if up => {
                out.extend(c.to_uppercase());
                up = false;
            }
            c => out.push(c),
        }
    }
    out
}
