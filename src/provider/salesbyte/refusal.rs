//! SalesByte's refusals in plain words.
//!
//! The envelope is named in the documents and shown nowhere, so it is read leniently: `code`,
//! `message` and `details`; then `message` and `errors` by field; then plain text.

use serde_json::Value as Json;

use super::wire::ErrorBody;
use crate::http::{Answer, CallError};
use crate::provider::step::{Trouble, TroubleKind};

/// The longest reason that is shown, in characters.
const LONGEST: usize = 600;

impl ErrorBody {
    /// The reason in words, if the body is one of the envelopes.
    pub fn words(&self) -> Option<String> {
        let mut reasons: Vec<String> = Vec::new();
        for part in [&self.details, &self.errors] {
            reasons.extend(part.iter().flat_map(|p| flat("", p)));
        }
        reasons.dedup();
        let text = match (&self.message, reasons.is_empty()) {
            (Some(message), true) => message.clone(),
            (Some(message), false) => format!("{message} {}", reasons.join("; ")),
            (None, false) => reasons.join("; "),
            (None, true) => self.code.as_ref().map(plain)?,
        };
        Some(text.chars().take(LONGEST).collect())
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// `field: reason` for each leaf of a structure.
fn flat(path: &str, value: &Json) -> Vec<String> {
    match value {
        Json::Null => Vec::new(),
        Json::Object(map) => map
            .iter()
            .flat_map(|(key, inner)| {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flat(&path, inner)
            })
            .collect(),
        Json::Array(items) => items.iter().flat_map(|inner| flat(path, inner)).collect(),
        leaf if path.is_empty() => vec![plain(leaf)],
        leaf => vec![format!("`{path}`: {}", plain(leaf))],
    }
}

fn reason(answer: &Answer) -> String {
    let body: ErrorBody = serde_json::from_slice(&answer.body).unwrap_or_default();
    match body.words() {
        Some(words) => answer.clean(&words),
        None => answer.excerpt(),
    }
}

/// A failed read as trouble.
pub fn of_read(error: &CallError) -> Trouble {
    match error {
        CallError::Credentials(answer) => Trouble::new(
            TroubleKind::Credentials,
            format!("SalesByte refused the token ({}): {}", answer.status, reason(answer)),
        )
        .help(
            "check the API token of the connection (`token:`); it is another secret than the uuid",
        ),
        other => general(other),
    }
}

/// A failed creation as trouble.
pub fn of_write(error: &CallError) -> Trouble {
    match error {
        CallError::Credentials(answer) => uuid(answer),
        // The documents give 404 for an integration or profile that is not known.
        CallError::Refused(answer) if answer.status == 404 => uuid(answer),
        other => general(other),
    }
}

fn uuid(answer: &Answer) -> Trouble {
    Trouble::new(
        TroubleKind::Credentials,
        format!(
            "SalesByte does not know the integration or its quote profile ({}): {}",
            answer.status,
            reason(answer)
        ),
    )
    .help("check the connection's `uuid` and `quote_profile_id` against the integrations page in SalesByte")
}

fn general(error: &CallError) -> Trouble {
    match error {
        CallError::Refused(answer) if (300..400).contains(&answer.status) => {
            Trouble::new(TroubleKind::Refused, error.to_string())
        }
        CallError::Refused(answer) => Trouble::new(
            TroubleKind::Refused,
            format!("SalesByte refused ({}): {}", answer.status, reason(answer)),
        ),
        CallError::Credentials(_) => Trouble::new(TroubleKind::Credentials, error.to_string()),
        CallError::Quota { .. } => Trouble::new(TroubleKind::Quota, error.to_string())
            .help("run the command again later, or lower `rate:` on the connection"),
        CallError::Interrupted => Trouble::new(TroubleKind::Interrupted, error.to_string()),
        CallError::NotSent { .. }
        | CallError::Ambiguous { .. }
        | CallError::Unavailable { .. }
        | CallError::Nonsense { .. } => Trouble::new(TroubleKind::Network, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Option<String> {
        serde_json::from_str::<ErrorBody>(text).unwrap().words()
    }

    #[test]
    fn every_envelope_gives_its_reason() {
        let said = words(
            r#"{"code":"validation_failed","message":"Invalid.","details":{"customer_email":["required","bad"]}}"#,
        );
        assert_eq!(
            said.as_deref(),
            Some("Invalid. `customer_email`: required; `customer_email`: bad")
        );
        let said = words(r#"{"message":"Invalid.","errors":{"a":{"b":["x"]}}}"#);
        assert_eq!(said.as_deref(), Some("Invalid. `a.b`: x"));
        assert_eq!(words(r#"{"message":"Unauthenticated."}"#).as_deref(), Some("Unauthenticated."));
        assert_eq!(words(r#"{"code":42}"#).as_deref(), Some("42"));
        assert_eq!(words(r#"{"details":"why not"}"#).as_deref(), Some("why not"));
        assert_eq!(words("{}"), None);
    }
}
