//! Quick Quote's refusals in plain words.
//!
//! The shape of an error is not documented: the reason is looked for under the usual names, else
//! the text itself is shown.

use crate::facts::Plain;
use crate::http::{Answer, CallError, Proof};
use crate::provider::step::{Outcome, Trouble, TroubleKind};

/// The reason in an answer.
fn words(answer: &Answer) -> String {
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    let plain = Plain::from_json(text);
    let found = plain.as_ref().and_then(|p| {
        ["message", "Message", "error", "errors"].iter().find_map(|name| reason(p.get(name)?))
    });
    match found {
        Some(found) => answer.clean(&found),
        None if text.trim().is_empty() => "it gave no reason".to_owned(),
        None => answer.excerpt(),
    }
}

fn reason(plain: &Plain) -> Option<String> {
    match plain {
        Plain::List(all) => {
            let all: Vec<String> = all.iter().filter_map(reason).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        Plain::Map(map) => {
            let all: Vec<String> =
                map.iter().filter_map(|(k, v)| Some(format!("{k}: {}", reason(v)?))).collect();
            (!all.is_empty()).then(|| all.join("; "))
        }
        other => other.scalar().filter(|t| !t.is_empty()),
    }
}

/// A failed call as trouble.
pub fn trouble(error: &CallError) -> Trouble {
    match error {
        CallError::Refused(answer) => {
            let said = words(answer);
            let message = format!("Quick Quote refused ({}): {said}", answer.status);
            let trouble = Trouble::new(TroubleKind::Refused, message);
            match answer.status {
                404 => trouble.help("it may be gone from the shop, or belong to another one; run plan again"),
                400 => trouble.help("if the quote was accepted, declined, canceled or ordered meanwhile, it can no longer be edited; run plan again"),
                _ => trouble,
            }
        }
        CallError::Credentials(answer) => Trouble::new(
            TroubleKind::Credentials,
            format!("Quick Quote refused the credentials ({}): {}", answer.status, words(answer)),
        )
        .help("check the token of the connection: it is shown in the app under Settings, Integrations"),
        CallError::Quota { .. } => Trouble::new(TroubleKind::Quota, error.to_string())
            .help("lower `rate` on the connection, or run the command again later"),
        CallError::Interrupted => Trouble::new(TroubleKind::Interrupted, error.to_string()),
        CallError::NotSent { .. }
        | CallError::Ambiguous { .. }
        | CallError::Unavailable { .. }
        | CallError::Nonsense { .. } => Trouble::new(TroubleKind::Network, error.to_string()),
    }
}

/// What a failed call proves for its step.
pub fn outcome(error: &CallError) -> Outcome {
    let trouble = trouble(error);
    match error.proof() {
        Proof::NotSent => Outcome::NotSent(trouble),
        Proof::Rejected => Outcome::Rejected(trouble),
        Proof::Ambiguous => Outcome::Unknown(trouble),
    }
}
