//! Refusals in HubSpot's words.
//!
//! Invariants: every refusal has `status`, `message` and a `correlationId`; the rest is there
//! where the real upstream has it, and only there (a 404 of a numeric id has no category).

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::kind::Kind;
use crate::http::Response;
use crate::sandbox::random::Random;
use crate::sandbox::upstream::json_response;

/// A refused request, or a refused row of a batch.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) category: Option<&'static str>,
    pub(crate) sub_category: Option<String>,
    pub(crate) errors: Vec<Value>,
    pub(crate) context: Map<String, Value>,
}

/// One property value that is not valid.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BadValue {
    pub(crate) property: String,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl BadValue {
    pub(crate) fn new(
        property: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { property: property.into(), code, message: message.into() }
    }
}

impl Refusal {
    fn new(status: u16, category: Option<&'static str>, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            category,
            sub_category: None,
            errors: Vec::new(),
            context: Map::new(),
        }
    }

    /// 400 `VALIDATION_ERROR`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, Some("VALIDATION_ERROR"), message)
    }

    /// 400 `VALIDATION_ERROR` with one coded error.
    pub(crate) fn coded(code: &str, message: impl Into<String>) -> Self {
        let mut refusal = Self::invalid(message);
        refusal.errors.push(json!({"message": refusal.message, "code": code}));
        refusal
    }

    /// 400 for values, all of them at once.
    pub(crate) fn values(bad: &[BadValue]) -> Self {
        let text: Vec<Value> = bad
            .iter()
            .map(|b| {
                json!({"isValid": false, "message": b.message, "error": b.code, "name": b.property,
                    "localizedErrorMessage": b.message})
            })
            .collect();
        let mut refusal =
            Self::invalid(format!("Property values were not valid: {}", Value::Array(text)));
        refusal.errors = bad
            .iter()
            .map(|b| {
                json!({"message": b.message, "code": b.code,
                    "context": {"propertyName": [b.property]}})
            })
            .collect();
        refusal
    }

    /// 400 for a record that lacks what a creation needs.
    pub(crate) fn required(kind: Kind, names: &[&str]) -> Self {
        let mut refusal = Self::invalid(format!(
            "Error creating {}. Some required properties were not set.",
            kind.shout()
        ));
        refusal.errors = names
            .iter()
            .map(|name| {
                json!({"message": format!("{name} is required"), "code": "MISSING_REQUIRED_PROPERTY",
                    "context": {"propertyName": [name]}})
            })
            .collect();
        refusal.context.insert("properties".to_owned(), json!(names));
        refusal
    }

    /// 400 for text that is not the JSON that is wanted.
    pub(crate) fn json(detail: impl std::fmt::Display, line: usize, column: usize) -> Self {
        Self::new(
            400,
            Some("VALIDATION_ERROR"),
            format!("Invalid input JSON on line {line}, column {column}: {detail}"),
        )
    }

    /// 400 for a JSON body without a member it needs.
    pub(crate) fn member(name: &str) -> Self {
        Self::json(
            format!("Cannot build request, some of required attributes are not set [{name}]"),
            1,
            1,
        )
    }

    /// 400 for a batch with too many inputs.
    pub(crate) fn batch_size(cap: usize) -> Self {
        Self::invalid(format!(
            "The maximum number of inputs supported in a batch is {cap}. Please reduce the number of items and try again"
        ))
    }

    /// 400 for an id that stands twice in a batch.
    pub(crate) fn duplicates(ids: &[String]) -> Self {
        let mut refusal = Self::invalid(format!(
            "Duplicate IDs found in batch input: [{}]. IDs must be unique",
            ids.join(", ")
        ));
        refusal.context.insert("ids".to_owned(), json!(ids));
        refusal
    }

    /// 400 for a record that cannot be linked.
    pub(crate) fn bad_target(kind: Kind, id: &str) -> Self {
        let mut refusal = Self::invalid("One or more associations are invalid");
        let text = format!("{}={id} is not valid", kind.shout());
        refusal.context.insert("INVALID_OBJECT_IDS".to_owned(), json!([text]));
        refusal.context.insert("objectId".to_owned(), json!([id]));
        refusal.context.insert("objectType".to_owned(), json!([kind.shout()]));
        refusal
    }

    /// 400 for an association type that does not exist.
    pub(crate) fn bad_type(type_id: &str) -> Self {
        let mut refusal = Self::invalid("One or more associations are invalid");
        let text = format!("{type_id} is not a valid association type");
        refusal.context.insert("INVALID_ASSOCIATION_TYPE_ID".to_owned(), json!([text]));
        refusal
    }

    /// 400 for a change to a published quote.
    pub(crate) fn locked(id: u64) -> Self {
        let message = format!(
            "Quote {id} is LOCKED because it is published. Set hs_status to DRAFT, PENDING_APPROVAL or REJECTED before changing it."
        );
        Self::coded("LOCKED", message)
    }

    /// 401.
    pub(crate) fn credentials() -> Self {
        Self::new(
            401,
            Some("INVALID_AUTHENTICATION"),
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    /// 403.
    pub(crate) fn scope(scope: &str) -> Self {
        let message = "This app hasn't been granted all required scopes to make this call.";
        let mut refusal = Self::new(403, Some("MISSING_SCOPES"), message);
        refusal.errors.push(json!({
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": [scope]},
        }));
        refusal
    }

    /// 404 for a record; its shape depends on whether the id is a number.
    pub(crate) fn missing(id: &str) -> Self {
        if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) {
            return Self::new(404, None, "resource not found");
        }
        let mut refusal = Self::new(
            404,
            Some("OBJECT_NOT_FOUND"),
            "Object not found.  objectId are usually numeric.",
        );
        refusal.context.insert("id".to_owned(), json!([id]));
        refusal
    }

    /// The row of a batch for records that are not there.
    pub(crate) fn missing_ids(ids: &[String]) -> Self {
        let mut refusal = Self::new(
            404,
            Some("OBJECT_NOT_FOUND"),
            "Could not get some objects, they may be deleted or not exist. Check that ids are valid.",
        );
        refusal.context.insert("ids".to_owned(), json!(ids));
        refusal
    }

    /// 404 for anything else.
    pub(crate) fn nothing_here(message: impl Into<String>) -> Self {
        Self::new(404, Some("OBJECT_NOT_FOUND"), message)
    }

    /// 404 for a path that leads nowhere.
    pub(crate) fn no_route() -> Self {
        Self::new(404, None, "Unable to find the requested path")
    }

    /// 405.
    pub(crate) fn method() -> Self {
        Self::new(405, None, "HTTP 405 Method Not Allowed")
    }

    /// 409.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(409, Some("CONFLICT"), message)
    }

    /// 414.
    pub(crate) fn too_long() -> Self {
        Self::new(414, None, "URI Too Long")
    }

    /// The whole body.
    pub(crate) fn body(&self, random: &mut Random) -> Value {
        let mut body = self.row();
        if let Some(map) = body.as_object_mut() {
            map.insert("correlationId".to_owned(), json!(random.uuid()));
            if self.errors.is_empty() {
                map.remove("errors");
            }
            if self.context.is_empty() {
                map.remove("context");
            }
        }
        body
    }

    /// The shape inside `errors` of a 207.
    pub(crate) fn row(&self) -> Value {
        let mut map = Map::new();
        map.insert("status".to_owned(), json!("error"));
        map.insert("message".to_owned(), json!(self.message));
        if let Some(category) = self.category {
            map.insert("category".to_owned(), json!(category));
        }
        if let Some(sub) = &self.sub_category {
            map.insert("subCategory".to_owned(), json!(sub));
        }
        map.insert("errors".to_owned(), json!(self.errors));
        map.insert("context".to_owned(), Value::Object(self.context.clone()));
        map.into()
    }

    /// The answer.
    pub(crate) fn response(&self, random: &mut Random) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_REQUEST);
        json_response(status, &self.body(random))
    }
}

/// 429. `policy` is `TEN_SECONDLY_ROLLING`, `SECONDLY` or `DAILY`.
pub(crate) fn rate_limited(policy: &str, random: &mut Random) -> Response {
    let span = match policy {
        "DAILY" => "daily",
        "SECONDLY" => "secondly",
        _ => "ten_secondly_rolling",
    };
    json_response(
        StatusCode::TOO_MANY_REQUESTS,
        &json!({
            "status": "error",
            "message": format!("You have reached your {span} limit."),
            "errorType": "RATE_LIMIT",
            "correlationId": random.uuid(),
            "policyName": policy,
            "requestId": random.uuid(),
        }),
    )
}

/// A failure of the upstream's own.
pub(crate) fn outage(status: StatusCode, random: &mut Random) -> Response {
    match status.as_u16() {
        429 => rate_limited("TEN_SECONDLY_ROLLING", random),
        code => json_response(
            status,
            &json!({
                "status": "error",
                "message": match code {
                    423 => "The record is locked by another operation. Please retry later.",
                    477 => "This account is being migrated between data centers.",
                    _ => "internal error",
                },
                "correlationId": random.uuid(),
            }),
        ),
    }
}
