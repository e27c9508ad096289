//! The writing half: one request for a step, one receipt a step.
//!
//! Invariants: a creation, an added line, an added pair and a mail are sent once; where their
//! outcome is open it is `Unknown` and looked for, never repeated here. What is the same done twice
//! as done once may be sent again by the wire. What is gone already need not be deleted.

use std::sync::Arc;

use async_trait::async_trait;
use http::Method;

use super::body;
use super::fetch::{Fetch, line_path, quote_path, read};
use super::locate::is_at;
use super::operation::{Body, LineAt, Operation};
use super::refusal::outcome;
use super::wire::{Line, Quote, list};
use crate::facts::Plain;
use crate::http::{Answer, Call, CallError, ReadWire, Safety, Wire};
use crate::key::{RemoteId, Stamp};
use crate::money::Amount;
use crate::provider::step::{
    Operation as AnyOperation, Outcome, Receipt, Step, Trouble, TroubleKind,
};
use crate::provider::{Made, Requests, Writer};

/// Writes to one shop.
#[derive(Debug)]
pub struct QuickquoteWriter {
    wire: Arc<Wire>,
    fetch: Fetch,
}

/// A line to add: its step, and what is sent.
type NewLine<'a> = (&'a Step, &'a Body);

#[async_trait]
impl Writer for QuickquoteWriter {
    async fn perform(&self, steps: &[&Step], made: &Made) -> Vec<Receipt> {
        let mut receipts: Vec<Receipt> = Vec::with_capacity(steps.len());
        let mut lines: Vec<(RemoteId, Vec<NewLine<'_>>)> = Vec::new();
        for &step in steps {
            let outcome = match &step.operation {
                AnyOperation::Quickquote(Operation::AddLine { quote, body }) => {
                    if let Some(id) = quote.resolve(made) {
                        match lines.iter_mut().find(|(q, _)| q == id) {
                            Some((_, all)) => all.push((step, body)),
                            None => lines.push((id.clone(), vec![(step, body)])),
                        }
                        continue;
                    }
                    Outcome::NotSent(unmade())
                }
                AnyOperation::Quickquote(operation) => self.one(operation, made).await,
                _ => Outcome::NotSent(refused("this is no write of Quick Quote")),
            };
            receipts.push(Receipt { step: step.id.clone(), outcome });
        }
        for (quote, all) in lines {
            receipts.extend(self.add_lines(&quote, &all).await);
        }
        receipts
    }

    fn requests(&self) -> Requests {
        let counts = self.wire.counts();
        Requests { read: counts.read, write: counts.write }
    }
}

impl QuickquoteWriter {
    /// On a wire.
    pub fn new(wire: Arc<Wire>) -> Self {
        let fetch = Fetch::new(ReadWire::new(Arc::clone(&wire)));
        Self { wire, fetch }
    }

    async fn send(
        &self,
        method: Method,
        path: String,
        safety: Safety,
        body: Option<&Plain>,
    ) -> Result<Answer, CallError> {
        let call = Call::new(method, path, safety);
        let call = match body {
            Some(body) => call.body(body.to_json()),
            None => call,
        };
        self.wire.call(call).await
    }

    async fn one(&self, operation: &Operation, made: &Made) -> Outcome {
        if let Operation::Create { body } = operation {
            return self.create(body).await;
        }
        let Some(quote) = operation.quote().and_then(|q| q.resolve(made)) else {
            return Outcome::NotSent(unmade());
        };
        let done = match operation {
            Operation::Update { body, .. } => self.update(quote_path(quote), body).await,
            Operation::UpdateLine { line, body, .. } => {
                self.update(line_path(quote, line), body).await
            }
            Operation::Status { status, .. } => {
                let body = Body::from([("status".to_owned(), Plain::Text(status.clone()))]);
                return self.status(quote, &body).await;
            }
            Operation::Email { body, .. } => {
                let mut body = body.clone();
                let id = Amount::parse(quote.as_str());
                let id = id.map_or_else(|_| Plain::Text(quote.to_string()), Plain::Number);
                body.insert("quote_id".to_owned(), id);
                let body = Plain::Map(body);
                self.send(Method::POST, "/quotes/email".to_owned(), Safety::Once, Some(&body)).await
            }
            Operation::Delete { .. } => self.delete(quote_path(quote)).await,
            Operation::DeleteLine { line, .. } => self.delete(line_path(quote, line)).await,
            Operation::DeleteProperty { line, property, .. } => {
                self.delete(property_path(quote, line, property)).await
            }
            Operation::UpdateProperty { line, property, key, value, .. } => {
                let pair = body::pair(key, value);
                let path = property_path(quote, line, property);
                self.send(Method::PUT, path, Safety::Idempotent, Some(&pair)).await
            }
            Operation::AddProperties { line, pairs, .. } => {
                return self.add_pairs(quote, line, pairs).await;
            }
            Operation::Create { .. } | Operation::AddLine { .. } => {
                return Outcome::NotSent(refused("this is sent in another way"));
            }
        };
        match done {
            Ok(_) => Outcome::Applied(None),
            // What is gone need not be deleted.
            Err(e)
                if e.refused_status() == Some(404)
                    && matches!(
                        operation,
                        Operation::Delete { .. }
                            | Operation::DeleteLine { .. }
                            | Operation::DeleteProperty { .. }
                    ) =>
            {
                Outcome::Applied(None)
            }
            Err(e) => outcome(&e),
        }
    }

    async fn delete(&self, path: String) -> Result<Answer, CallError> {
        self.send(Method::DELETE, path, Safety::Idempotent, None).await
    }

    async fn create(&self, body: &Body) -> Outcome {
        let body = Plain::Map(body.clone());
        let sent = self.send(Method::POST, "/quotes".to_owned(), Safety::Once, Some(&body)).await;
        match sent.and_then(|answer| read(&answer, Quote::read)) {
            Ok(quote) => Outcome::Applied(Some(quote.id)),
            Err(e) => outcome(&e),
        }
    }

    /// A partial `PUT`. A shop that reads `null` as "not sent" is told once more, in words of
    /// nought; the answer to a `PUT` is the whole record.
    async fn update(&self, path: String, body: &Body) -> Result<Answer, CallError> {
        let whole = Plain::Map(body.clone());
        let answer = self.send(Method::PUT, path.clone(), Safety::Idempotent, Some(&whole)).await?;
        let text = std::str::from_utf8(&answer.body).unwrap_or_default();
        let again = Plain::from_json(text).and_then(|record| body::insist(body, &record));
        match again {
            Some(again) => {
                self.send(Method::PUT, path, Safety::Idempotent, Some(&Plain::Map(again))).await
            }
            None => Ok(answer),
        }
    }

    /// The shop refuses to write a closed status twice: after a lost answer the refusal of the
    /// second attempt is looked into.
    async fn status(&self, quote: &RemoteId, body: &Body) -> Outcome {
        match self.update(quote_path(quote), body).await {
            Ok(_) => Outcome::Applied(None),
            Err(e) => {
                let wanted = body.get("status").and_then(Plain::scalar).unwrap_or_default();
                let open = e.proof() == crate::http::Proof::Ambiguous;
                match self.fetch.quote(quote).await {
                    Ok(Some(there)) if open && there.status.eq_ignore_ascii_case(&wanted) => {
                        Outcome::Applied(None)
                    }
                    _ => outcome(&e),
                }
            }
        }
    }

    async fn add_pairs(
        &self,
        quote: &RemoteId,
        at: &LineAt,
        pairs: &[(String, String)],
    ) -> Outcome {
        let line = match at {
            LineAt::Known(id) => id.clone(),
            LineAt::Stamped(_) => match self.fetch.lines(quote).await {
                Ok(Some(lines)) => match lines.into_iter().find(|l| is_at(l, at)) {
                    Some(line) => line.id,
                    None => {
                        return Outcome::Rejected(refused(
                            "Quick Quote left the line out of the quote that it made",
                        ));
                    }
                },
                Ok(None) => return Outcome::Rejected(refused("the quote is gone")),
                Err(trouble) => return Outcome::NotSent(trouble),
            },
        };
        let path = format!("{}/properties", line_path(quote, &line));
        let body = Plain::List(pairs.iter().map(|(k, v)| body::pair(k, v)).collect());
        match self.send(Method::POST, path, Safety::Once, Some(&body)).await {
            Ok(answer) => match read(&answer, |plain| Ok(list(plain).is_some())) {
                Ok(_) => Outcome::Applied(Some(line)),
                Err(e) => outcome(&e),
            },
            Err(e) => outcome(&e),
        }
    }

    async fn add_lines(&self, quote: &RemoteId, new: &[NewLine<'_>]) -> Vec<Receipt> {
        let body = Plain::List(new.iter().map(|(_, body)| Plain::Map((*body).clone())).collect());
        let path = format!("{}/line_items", quote_path(quote));
        let sent = self.send(Method::POST, path, Safety::Once, Some(&body)).await;
        let lines: Result<Vec<Line>, CallError> = sent.and_then(|answer| {
            read(&answer, |plain| {
                list(plain).ok_or("it is no list")?.iter().map(Line::read).collect()
            })
        });
        let receipt = |step: &Step, outcome| Receipt { step: step.id.clone(), outcome };
        match lines {
            Err(e) => new.iter().map(|(step, _)| receipt(step, outcome(&e))).collect(),
            Ok(lines) => new
                .iter()
                .map(|(step, _)| receipt(step, of_line(step.stamp.as_ref(), &lines)))
                .collect(),
        }
    }
}

/// What an answer with lines says of one that was added.
fn of_line(stamp: Option<&Stamp>, lines: &[Line]) -> Outcome {
    if let Some(line) = lines.iter().find(|l| stamp.is_some() && l.stamp().as_ref() == stamp) {
        return Outcome::Applied(Some(line.id.clone()));
    }
    // An answer that shows no stamp at all proves nothing about this one.
    if lines.is_empty() || lines.iter().any(|l| l.stamp().is_some()) {
        return Outcome::Rejected(refused("Quick Quote left the line out, and gave no reason").help(
            "a custom line needs `name` and `price`, a catalogue line a `variant_id` that the shop has",
        ));
    }
    let message = "Quick Quote's answer does not say what became of the line";
    Outcome::Unknown(Trouble::new(TroubleKind::Network, message))
}

fn property_path(quote: &RemoteId, line: &RemoteId, property: &RemoteId) -> String {
    format!("{}/properties/{}", line_path(quote, line), crate::http::segment(property.as_str()))
}

fn unmade() -> Trouble {
    refused("the quote that this step needs was not made")
}

fn refused(message: &str) -> Trouble {
    Trouble::new(TroubleKind::Refused, message)
}
