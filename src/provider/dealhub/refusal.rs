//! DealHub's refusals in plain words.
//!
//! The one thing to know: there are no error codes. What a refusal means is told by the beginning
//! of a sentence, so a sentence that we do not know is a plain refusal and nothing more.

use super::wire::reason;
use crate::http::CallError;
use crate::provider::step::{Trouble, TroubleKind};

/// What a refusal means beyond "no".
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// The quote does not exist, or cannot be read yet.
    Missing,
    /// The quote has been submitted, published or signed before.
    Already,
    /// Somebody has to approve it first.
    Approval,
    /// Nothing that we know.
    Other,
}

/// What a sentence means.
pub fn meaning(text: &str) -> Meaning {
    let has = |part: &str| text.to_lowercase().contains(part);
    if has("entity (") && has("not found") {
        Meaning::Missing
    } else if has("approval is required") {
        Meaning::Approval
    } else if has("already been submitted")
        || has("already been published")
        || has("already been signed")
    {
        Meaning::Already
    } else {
        Meaning::Other
    }
}

/// The way out of refusals that have one, by a part of their sentence.
const WAYS_OUT: &[(&str, &str)] = &[
    ("no active version", "activate a version in DealHub's control panel"),
    (
        "playbook does not exist",
        "name an existing playbook: `dealhub: { playbook: .. }`; it is its unique name, not its display name",
    ),
    ("type 'api'", "name a playbook of type API: `dealhub: { playbook: .. }`"),
    (
        "publish name",
        "this tenant has no default name: write `dealhub: { dealroom_publish_name: .. }`",
    ),
    ("expiration date", "this tenant has no default expiry, or the day is over: write `expires:`"),
    ("already passed", "write a later `expires:`"),
    ("document template", "choose a `document_type` that the playbook has a template for"),
    ("mandatory question", "answer it: `dealhub: { quote_data: .. }`"),
    (
        "contains invalid values",
        "text answers are case-sensitive, dates are `yyyy-mm-dd`; the playbook's own list decides",
    ),
    ("the sku", "use a SKU of DealHub's active version"),
    ("currency mismatch", "the currency of an opportunity never changes: write that one"),
    (
        "opportunitydata",
        "this tenant wants the opportunity described: `dealhub: { opportunity_data: .. }`",
    ),
    ("requires updates", "the draft is of an older version: open and save it in DealHub"),
    ("submit validation", "see the validation messages of the quote in DealHub"),
    (
        "another published quote",
        "only one quote of an opportunity can be published: see to the other one in DealHub",
    ),
    ("failed to sync", "see to the CRM connection in DealHub, then apply again"),
];

/// A refusal in words, with its way out.
pub fn refused(text: &str) -> Trouble {
    let kind = if meaning(text) == Meaning::Approval {
        TroubleKind::Waiting
    } else {
        TroubleKind::Refused
    };
    let trouble = Trouble::new(kind, format!("DealHub refused: {text}"));
    let lower = text.to_lowercase();
    match WAYS_OUT.iter().find(|(part, _)| lower.contains(part)) {
        Some((_, help)) => trouble.help(*help),
        None => trouble,
    }
}

/// A failed call as trouble.
pub fn trouble(error: &CallError) -> Trouble {
    match error {
        CallError::Refused(answer) if !(300..400).contains(&answer.status) => {
            refused(&reason(answer))
        }
        CallError::Credentials(answer) => Trouble::new(
            TroubleKind::Credentials,
            format!("DealHub does not accept the token ({}): {}", answer.status, reason(answer)),
        )
        .help("an administrator makes tokens under Control Panel, System Settings, API Settings; check also that `base_url` is the one of your region"),
        CallError::Quota { .. } => Trouble::new(TroubleKind::Quota, error.to_string())
            .help("lower the connection's `rate:`, and run the command again later"),
        CallError::Interrupted => Trouble::new(TroubleKind::Interrupted, error.to_string()),
        CallError::Refused(_)
        | CallError::NotSent { .. }
        | CallError::Ambiguous { .. }
        | CallError::Unavailable { .. }
        | CallError::Nonsense { .. } => Trouble::new(TroubleKind::Network, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_understood() {
        for (text, want) in [
            ("Entity (ID = 68C0) not found", Meaning::Missing),
            ("Publish quote failed: Approval is required.", Meaning::Approval),
            ("Sign externally pending: Approval is required", Meaning::Approval),
            ("Submission failed: The quote has already been submitted.", Meaning::Already),
            ("Quote generation failed: The SKU X does not exist.", Meaning::Other),
        ] {
            assert_eq!(meaning(text), want, "{text}");
        }
    }

    #[test]
    fn an_approval_is_waited_for_and_a_sku_has_a_way_out() {
        assert_eq!(
            refused("Publish quote failed: Approval is required").kind,
            TroubleKind::Waiting
        );
        assert!(refused("Quote generation failed: The SKU X does not exist.").help.is_some());
        assert_eq!(refused("Something new").help, None);
    }
}
