//! The writing half: generate, and the actions.
//!
//! Invariants: a generate leaves at most once a step; what became of it when no answer came is
//! found by its mark, never by sending again. An action is sent once; whether it took hold is read
//! from the quote's status, and a second one would be refused by that status, so a failed action
//! is never a doubt for long. A 202 with an `error` inside is a refusal.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::Method;

use super::fetch::{Fetch, Patience};
use super::operation::{Action, Operation};
use super::refusal::{self, Meaning, meaning};
use super::wire::{self, Seen};
use super::{Settings, status};
use crate::facts::Plain;
use crate::http::{Call, CallError, Proof, ReadWire, Safety, Wire, segment};
use crate::json;
use crate::key::RemoteId;
use crate::provider::step::{
    Operation as AnyOperation, Outcome, Receipt, Step, Trouble, TroubleKind,
};
use crate::provider::{Made, Requests, Writer};

/// How long a status is watched after an action without a clear answer.
const WATCH: Duration = Duration::from_secs(5);

/// Writes to one DealHub account.
#[derive(Debug)]
pub struct DealhubWriter {
    wire: Arc<Wire>,
    fetch: Fetch,
    settings: Settings,
}

impl DealhubWriter {
    /// On a wire.
    pub fn new(wire: Arc<Wire>, settings: Settings) -> Self {
        let fetch = Fetch::new(ReadWire::new(Arc::clone(&wire)));
        Self { wire, fetch, settings }
    }

    async fn generate(&self, body: &Plain) -> Outcome {
        let call =
            Call::new(Method::POST, "/api/v1/quote/generate", Safety::Once).body(json::write(body));
        let answer = match self.wire.call(call).await {
            Ok(answer) => answer,
            Err(e) => return failed(&e),
        };
        let body = match wire::body(&answer) {
            Ok(body) => body,
            Err(e) => return failed(&e),
        };
        let id = body.get("dealhub_quote_id").and_then(Plain::as_text);
        match (wire::error_of(&body), id.and_then(RemoteId::parse)) {
            (None, Some(id)) => Outcome::Applied(Some(id)),
            (Some(error), None) if id.is_none() => {
                Outcome::Rejected(refusal::refused(&answer.clean(&error)))
            }
            // An error and an id: something was made. No error and no id: who knows.
            _ => Outcome::Unknown(refusal::trouble(
                &answer.nonsense("it does not say what was made"),
            )),
        }
    }

    async fn act(&self, id: &RemoteId, action: Action, comment: Option<&str>) -> Outcome {
        let path = format!("/api/v1/quote/{}/{}", segment(id.as_str()), action.segment());
        let mut call = Call::new(Method::POST, path, Safety::Once);
        if let Some(comment) = comment {
            let name = "sign_externally_comment".to_owned();
            let body = Plain::Map([(name, Plain::Text(comment.to_owned()))].into());
            call = call.body(json::write(&body));
        }
        let result = self.wire.call(call).await;
        let refused = match &result {
            Ok(answer) => match wire::body(answer) {
                Ok(body) => match wire::error_of(&body) {
                    Some(error) => Some(answer.clean(&error)),
                    None if status::has_passed(&status::state_of(Seen(body).status()), action) => {
                        return Outcome::Applied(None);
                    }
                    None => None,
                },
                Err(_) => None,
            },
            Err(CallError::Refused(answer)) => Some(wire::reason(answer)),
            Err(e) if e.proof() != Proof::Ambiguous => return failed(e),
            Err(_) => None,
        };
        if let Some(text) = refused {
            return self.after_refusal(id, action, &text).await;
        }
        let time = if result.is_ok() { self.settings.visibility } else { WATCH };
        if self.took_hold(id, action, time).await {
            return Outcome::Applied(None);
        }
        match result {
            // Accepted, but not to be seen: the read-back decides.
            Ok(_) => Outcome::Applied(None),
            Err(e) => Outcome::Unknown(refusal::trouble(&e)),
        }
    }

    /// A refusal proves that nothing was done, unless it says that it was done before.
    async fn after_refusal(&self, id: &RemoteId, action: Action, text: &str) -> Outcome {
        let mut trouble = refusal::refused(text);
        match meaning(text) {
            Meaning::Already if self.took_hold(id, action, Duration::ZERO).await => {
                return Outcome::Applied(None);
            }
            Meaning::Approval => {
                let approvals = self.fetch.approvals(id.as_str()).await;
                let seen = Seen(Plain::Map(
                    approvals.map(|a| ("approvals".to_owned(), a)).into_iter().collect(),
                ));
                let who = seen.waiting_for().unwrap_or_else(|| "an approver".to_owned());
                trouble = Trouble::new(TroubleKind::Waiting, format!("waits for {who} in DealHub"))
                    .help("apply again once it is approved");
            }
            _ => {}
        }
        Outcome::Rejected(trouble)
    }

    /// Whether the status shows the action, watched for so long.
    async fn took_hold(&self, id: &RemoteId, action: Action, time: Duration) -> bool {
        let mut patience = Patience::for_time(time.min(self.settings.visibility));
        loop {
            if let Ok(Some(seen)) = self.fetch.status(id.as_str()).await
                && status::has_passed(&status::state_of(seen.status()), action)
            {
                return true;
            }
            if !patience.wait().await {
                return false;
            }
        }
    }
}

fn failed(error: &CallError) -> Outcome {
    let trouble = refusal::trouble(error);
    match error.proof() {
        Proof::NotSent => Outcome::NotSent(trouble),
        Proof::Rejected => Outcome::Rejected(trouble),
        Proof::Ambiguous => Outcome::Unknown(trouble),
    }
}

#[async_trait]
impl Writer for DealhubWriter {
    async fn perform(&self, steps: &[&Step], made: &Made) -> Vec<Receipt> {
        let mut receipts = Vec::with_capacity(steps.len());
        for step in steps {
            let not_sent = |why: &str| Outcome::NotSent(Trouble::new(TroubleKind::Refused, why));
            let outcome = match &step.operation {
                AnyOperation::Dealhub(Operation::Generate { body, .. }) => {
                    self.generate(body).await
                }
                AnyOperation::Dealhub(Operation::Act { target, action, comment }) => {
                    match target.resolve(made) {
                        Some(id) => self.act(id, *action, comment.as_deref()).await,
                        None => not_sent("the quote that this step needs was not made"),
                    }
                }
                _ => not_sent("this step is not one of DealHub's"),
            };
            receipts.push(Receipt { step: step.id.clone(), outcome });
        }
        receipts
    }

    fn requests(&self) -> Requests {
        let counts = self.wire.counts();
        Requests { read: counts.read, write: counts.write }
    }
}
