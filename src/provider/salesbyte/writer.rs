//! The writing half: one creation, one request, one receipt.
//!
//! Invariants: the uuid goes into the body here and nowhere else; the token is never sent through
//! this door. A creation whose outcome is open is `Unknown` and never repeated: not after a
//! timeout, not after a 5xx, and not after an answer that lacks the public key.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;

use super::operation::Operation;
use super::refusal;
use super::wire::{self, Created};
use crate::http::{Call, CallError, Proof, Safety, Secret, Wire};
use crate::provider::step::{
    Operation as AnyOperation, Outcome, Receipt, Step, Trouble, TroubleKind,
};
use crate::provider::{Made, Requests, Writer};

/// Writes to one SalesByte integration.
#[derive(Debug)]
pub struct SalesbyteWriter {
    wire: Arc<Wire>,
    uuid: Secret,
}

impl SalesbyteWriter {
    /// On a wire without a credential of its own. The wire's settings must name the uuid among
    /// their secrets, so that no message shows it.
    pub fn new(wire: Arc<Wire>, uuid: Secret) -> Self {
        Self { wire, uuid }
    }

    async fn create(&self, operation: &Operation) -> Outcome {
        let Operation::Create { fields } = operation;
        let body = wire::body(&self.uuid, fields);
        let call = Call::new(Method::POST, wire::CREATE, Safety::Once).body(body);
        match self.wire.call(call).await.and_then(|answer| {
            let created: Created = answer.json()?;
            created.key().ok_or_else(|| match created.id {
                Some(id) => answer.nonsense(&format!("quote {id} has no link for the customer")),
                None => answer.nonsense("it has neither `id` nor the customer's link"),
            })
        }) {
            Ok(key) => Outcome::Applied(Some(key)),
            Err(error) => failed(&error),
        }
    }
}

/// What a failed creation proves.
fn failed(error: &CallError) -> Outcome {
    let trouble = refusal::of_write(error);
    match error.proof() {
        Proof::NotSent => Outcome::NotSent(trouble),
        Proof::Rejected => Outcome::Rejected(trouble),
        Proof::Ambiguous => Outcome::Unknown(trouble),
    }
}

#[async_trait]
impl Writer for SalesbyteWriter {
    async fn perform(&self, steps: &[&Step], _: &Made) -> Vec<Receipt> {
        let mut receipts = Vec::with_capacity(steps.len());
        for step in steps {
            let outcome = match &step.operation {
                AnyOperation::Salesbyte(operation) => self.create(operation).await,
                _ => Outcome::NotSent(Trouble::new(
                    TroubleKind::Refused,
                    "this step is not SalesByte's to perform",
                )),
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
