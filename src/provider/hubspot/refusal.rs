//! HubSpot's refusals in plain words.
//!
//! Purpose: an error envelope has its reason in up to four places: the category, the rows of
//! `errors`, their `context`, and JSON text inside `message`. Here they become one sentence that
//! names the property, the reason and the correlation id, and a decision about what it proves.

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::wire::{ErrorBody, ErrorDetail};
use crate::http::{Answer, CallError};
use crate::provider::step::{Trouble, TroubleKind};

impl ErrorBody {
    /// The envelope of an answer; an empty one where there is none.
    pub fn of(answer: &Answer) -> Self {
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn mentions(&self, word: &str) -> bool {
        let in_map = |context: &std::collections::BTreeMap<String, Json>| {
            context.iter().any(|(k, v)| k.contains(word) || v.to_string().contains(word))
        };
        self.category.as_deref().is_some_and(|c| c.contains(word))
            || self.sub_category.as_ref().is_some_and(|c| c.to_string().contains(word))
            || self.message.as_deref().is_some_and(|m| m.contains(word))
            || in_map(&self.context)
            || self.errors.iter().any(|e| {
                e.code.as_deref().is_some_and(|c| c.contains(word))
                    || e.message.as_deref().is_some_and(|m| m.contains(word))
                    || in_map(&e.context)
            })
    }

    /// The record is locked because it is published.
    pub fn is_locked(&self) -> bool {
        self.mentions("LOCKED")
    }

    /// The record cannot be deleted because it is published.
    pub fn is_undeletable(&self) -> bool {
        self.mentions("PUBLISHED_QUOTE_CANNOT_BE_DELETED")
    }

    /// A unique value is taken, possibly by our own earlier attempt.
    pub fn is_clash(&self) -> bool {
        self.category.as_deref().is_some_and(|c| matches!(c, "CONFLICT" | "OBJECT_ALREADY_EXISTS"))
            || self.mentions("OBJECT_ALREADY_EXISTS")
            || self.mentions("ALREADY_HAS_UNIQUE_VALUE")
    }

    /// The record does not exist.
    pub fn is_missing(&self) -> bool {
        self.category.as_deref() == Some("OBJECT_NOT_FOUND")
            || self.message.as_deref().is_some_and(|m| m.contains("resource not found"))
    }

    /// HubSpot itself failed; nothing is proven.
    pub fn is_server_fault(&self) -> bool {
        self.category.as_deref().is_some_and(|c| c.contains("INTERNAL") || c.contains("TIMEOUT"))
    }

    /// A word of `context` or of the details' `context`.
    pub fn context(&self, name: &str) -> Vec<String> {
        let of = |v: &Json| match v {
            Json::Array(items) => items.iter().map(plain).collect(),
            other => vec![plain(other)],
        };
        std::iter::once(&self.context)
            .chain(self.errors.iter().map(|e| &e.context))
            .filter_map(|c| c.get(name))
            .flat_map(of)
            .collect()
    }

    /// The reason in words.
    pub fn words(&self) -> String {
        let mut reasons: Vec<String> = self.errors.iter().filter_map(detail).collect();
        if let Some(message) = &self.message {
            let inner = embedded(message);
            if inner.is_empty() && reasons.is_empty() {
                reasons.push(message.clone());
            }
            reasons.extend(inner);
        }
        if reasons.is_empty() {
            reasons.extend(self.category.clone());
        }
        reasons.dedup();
        let mut text = reasons.join("; ");
        if text.is_empty() {
            "HubSpot gave no reason".clone_into(&mut text);
        }
        if let Some(id) = &self.correlation_id {
            // Writing to a String cannot fail.
            let _ = write!(text, " (correlation id {id})");
        }
        clip(&text)
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn detail(e: &ErrorDetail) -> Option<String> {
    let name = |key: &str| {
        e.context.get(key).map(|v| match v {
            Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
            other => plain(other),
        })
    };
    let reason = e.message.clone().or_else(|| e.code.clone())?;
    Some(match name("propertyName") {
        Some(property) if !reason.contains(&property) => format!("`{property}`: {reason}"),
        _ => reason,
    })
}

/// The reasons that HubSpot puts as JSON text into a message:
/// `Property values were not valid: [{"isValid":false,"message":"..","name":".."}]`.
fn embedded(message: &str) -> Vec<String> {
    let Some(start) = message.find('[') else { return Vec::new() };
    let Ok(Json::Array(rows)) =
        serde_json::from_str::<Json>(message.get(start..).unwrap_or_default())
    else {
        return Vec::new();
    };
    rows.iter()
        .filter_map(|row| {
            let text = |key| row.get(key).and_then(Json::as_str);
            let reason = text("message").or_else(|| text("error"))?;
            Some(match text("name") {
                Some(name) if !reason.contains(name) => format!("`{name}`: {reason}"),
                _ => reason.to_owned(),
            })
        })
        .collect()
}

fn clip(text: &str) -> String {
    const LONGEST: usize = 600;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("...".chars()).collect()
}

/// A failed call as trouble.
pub fn trouble(error: &CallError) -> Trouble {
    let words = |answer: &Answer| answer.clean(&ErrorBody::of(answer).words());
    match error {
        // A redirect has no envelope; what it means is not HubSpot's to say.
        CallError::Refused(answer) if (300..400).contains(&answer.status) => {
            Trouble::new(TroubleKind::Refused, error.to_string())
                .help("check the `base_url` of the connection, and proxies on the way")
        }
        CallError::Refused(answer) => Trouble::new(
            TroubleKind::Refused,
            format!("HubSpot refused ({}): {}", answer.status, words(answer)),
        ),
        CallError::Credentials(answer) => {
            let body = ErrorBody::of(answer);
            let scopes = body.context("requiredGranularScopes");
            let help = if scopes.is_empty() {
                "check the token of the connection and its scopes".to_owned()
            } else {
                format!("give the token one of these scopes: {}", scopes.join(", "))
            };
            Trouble::new(
                TroubleKind::Credentials,
                format!("HubSpot refused the credentials ({}): {}", answer.status, words(answer)),
            )
            .help(answer.clean(&help))
        }
        CallError::Quota { .. } => Trouble::new(TroubleKind::Quota, error.to_string()).help(
            "the limit resets at midnight in the account's time zone; run the command again then",
        ),
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

    fn body(text: &str) -> ErrorBody {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn the_reason_is_found_wherever_it_stands() {
        let b = body(
            r#"{"status":"error","message":"Property values were not valid: [{\"isValid\":false,\"message\":\"Property \\\"hs_x\\\" does not exist\",\"error\":\"PROPERTY_DOESNT_EXIST\",\"name\":\"hs_x\"}]","correlationId":"c-1","category":"VALIDATION_ERROR"}"#,
        );
        assert_eq!(b.words(), "Property \"hs_x\" does not exist (correlation id c-1)");
        let b = body(
            r#"{"message":"bad","errors":[{"message":"no such option","code":"INVALID_OPTION","context":{"propertyName":["hs_language"]}}]}"#,
        );
        assert_eq!(b.words(), "`hs_language`: no such option");
        assert_eq!(body("{}").words(), "HubSpot gave no reason");
    }

    #[test]
    fn proofs_are_told_apart() {
        assert!(body(r#"{"message":"quote is LOCKED"}"#).is_locked());
        assert!(body(r#"{"category":"CONFLICT","message":"x"}"#).is_clash());
        assert!(body(r#"{"subCategory":"PUBLISHED_QUOTE_CANNOT_BE_DELETED"}"#).is_undeletable());
        assert!(!body(r#"{"category":"VALIDATION_ERROR"}"#).is_clash());
        assert_eq!(
            body(r#"{"errors":[{"message":"m","context":{"requiredGranularScopes":["a","b"]}}]}"#)
                .context("requiredGranularScopes"),
            ["a", "b"]
        );
    }
}
