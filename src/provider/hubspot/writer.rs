//! The writing half: one request for a batch of steps, one receipt a step.
//!
//! Invariants: results are matched by trace, id or stamp, never by position; a creation whose
//! outcome is open is `Unknown` and never repeated here; a refusal of a whole batch is bisected,
//! so that one bad input takes no other down; no request holds the same record twice. What is the
//! same done twice as done once (updates, archives, links) may be sent again by the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value as Json, json};

use super::operation::{Link, Object, Operation};
use super::verdict::{failed, network, outcome, refused, settle};
use super::wire::ErrorBody;
use super::{Settings, refusal};
use crate::http::{Answer, Call, CallError, Proof, Safety, Wire, segment};
use crate::key::{RemoteId, StepId};
use crate::provider::step::{Operation as AnyOperation, Outcome, Receipt, Step, Target};
use crate::provider::{Made, Requests, Writer};

/// Writes to one HubSpot account.
#[derive(Debug)]
pub struct HubspotWriter {
    wire: Arc<Wire>,
    settings: Settings,
}

/// A step with its ids filled in.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) step: &'a Step,
    pub(super) operation: &'a Operation,
}

/// Outcomes by step.
pub(super) type Outcomes = BTreeMap<StepId, Outcome>;

#[async_trait]
impl Writer for HubspotWriter {
    async fn perform(&self, steps: &[&Step], made: &Made) -> Vec<Receipt> {
        let mut outcomes = Outcomes::new();
        let mut open: Vec<Job<'_>> = Vec::new();
        for &step in steps {
            match &step.operation {
                AnyOperation::Hubspot(operation) if is_ready(operation, made) => {
                    open.push(Job { step, operation });
                }
                AnyOperation::Hubspot(_) => {
                    let why = "a record that this step needs was not made";
                    outcomes.insert(step.id.clone(), Outcome::NotSent(refused(why)));
                }
                _ => {
                    let why = "this step is not HubSpot's to perform";
                    outcomes.insert(step.id.clone(), Outcome::NotSent(refused(why)));
                }
            }
        }
        for batch in batches(open, made) {
            self.send(&batch, made, &mut outcomes).await;
        }
        steps
            .iter()
            .map(|step| {
                let lost = || {
                    Outcome::Unknown(network("HubSpot's answer does not say what became of this"))
                };
                Receipt {
                    step: step.id.clone(),
                    outcome: outcomes.remove(&step.id).unwrap_or_else(lost),
                }
            })
            .collect()
    }

    fn requests(&self) -> Requests {
        let counts = self.wire.counts();
        Requests { read: counts.read, write: counts.write }
    }
}

impl HubspotWriter {
    /// On a wire.
    pub fn new(wire: Arc<Wire>, settings: Settings) -> Self {
        Self { wire, settings }
    }

    /// Sends one batch; on a refusal of the whole, its halves. (A stack instead of recursion.)
    async fn send(&self, batch: &[Job<'_>], made: &Made, outcomes: &mut Outcomes) {
        let mut stack: Vec<Vec<Job<'_>>> = vec![batch.to_vec()];
        while let Some(jobs) = stack.pop() {
            let Some(first) = jobs.first() else { continue };
            if let Operation::EnsureProperty { object, name, group } = first.operation {
                let outcome = self.ensure(*object, name, group).await;
                outcomes.insert(first.step.id.clone(), outcome);
                continue;
            }
            match self.call(&jobs, made).await {
                Ok(answer) => {
                    let again = settle(&self.settings, &jobs, made, &answer, outcomes);
                    // Rows without a word that may be sent twice go once more, each by itself.
                    if jobs.len() > 1 {
                        stack.extend(again.into_iter().map(|job| vec![job]));
                    }
                }
                Err(e)
                    if jobs.len() > 1
                        && e.proof() == Proof::Rejected
                        && e.refused_status().is_some() =>
                {
                    let (a, b) = jobs.split_at(jobs.len() / 2);
                    stack.push(b.to_vec());
                    stack.push(a.to_vec());
                }
                Err(e) => {
                    for job in &jobs {
                        outcomes.insert(job.step.id.clone(), failed(*job, &e));
                    }
                }
            }
        }
    }

    async fn call(&self, jobs: &[Job<'_>], made: &Made) -> Result<Answer, CallError> {
        let Some(first) = jobs.first() else {
            return Err(CallError::NotSent { message: "nothing to send".to_owned(), attempts: 0 });
        };
        let inputs = || jobs.iter().map(|j| input(*j, made)).collect::<Vec<Json>>();
        let batch =
            |object: Object, verb: &str| format!("/crm/v3/objects/{}/batch/{verb}", object.path());
        let links = |object: Object, verb: &str| {
            format!("/crm/v4/associations/{}/{}/batch/{verb}", Object::Quote.path(), object.path())
        };
        let post = |path: String, safety| Call::new(Method::POST, path, safety);
        let call = match first.operation {
            Operation::Create { object, .. } => {
                post(batch(*object, "create"), Safety::Once).json(&json!({ "inputs": inputs() }))?
            }
            Operation::Update { object, .. } => post(batch(*object, "update"), Safety::Idempotent)
                .json(&json!({ "inputs": inputs() }))?,
            Operation::Status { .. } => post(batch(Object::Quote, "update"), Safety::Idempotent)
                .json(&json!({ "inputs": inputs() }))?,
            Operation::Archive { object, .. } => {
                post(batch(*object, "archive"), Safety::Idempotent)
                    .json(&json!({ "inputs": inputs() }))?
            }
            // One link does not pay for a batch.
            Operation::Link { quote, object, target } if jobs.len() == 1 => {
                let (from, to) = (id_of(quote, made), id_of(target, made));
                let path = format!(
                    "/crm/v4/objects/{}/{}/associations/default/{}/{}",
                    Object::Quote.path(),
                    segment(from),
                    object.path(),
                    segment(to)
                );
                Call::new(Method::PUT, path, Safety::Idempotent)
            }
            Operation::Link { object, .. } => {
                post(links(*object, "associate/default"), Safety::Idempotent)
                    .json(&json!({ "inputs": inputs() }))?
            }
            Operation::Unlink { object, .. } => {
                let mut by_quote: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
                for job in jobs {
                    if let Operation::Unlink { quote, target, .. } = job.operation {
                        let ends = by_quote.entry(id_of(quote, made)).or_default();
                        ends.push(json!({ "id": id_of(target, made) }));
                    }
                }
                let inputs: Vec<Json> = by_quote
                    .into_iter()
                    .map(|(from, to)| json!({ "from": { "id": from }, "to": to }))
                    .collect();
                post(links(*object, "archive"), Safety::Idempotent)
                    .json(&json!({ "inputs": inputs }))?
            }
            Operation::EnsureProperty { .. } => {
                return Err(CallError::NotSent { message: "not a batch".to_owned(), attempts: 0 });
            }
        };
        self.wire.call(call).await
    }

    /// Defines the stamp property: unique if the portal lets it be, plain if not.
    async fn ensure(&self, object: Object, name: &str, group: &str) -> Outcome {
        let path = format!("/crm/v3/properties/{}", object.path());
        for unique in [true, false] {
            let body = json!({
                "name": name,
                "label": "Proforma key",
                "description": "Which quote of which proforma workspace owns this record. Do not edit.",
                "type": "string",
                "fieldType": "text",
                "groupName": group,
                "hasUniqueValue": unique,
            });
            let call = match Call::new(Method::POST, path.clone(), Safety::Idempotent).json(&body) {
                Ok(call) => call,
                Err(e) => return Outcome::NotSent(refusal::trouble(&e)),
            };
            match self.wire.call(call).await {
                Ok(_) => return Outcome::Applied(None),
                // It is there already, perhaps by an earlier attempt whose answer was lost; whether
                // it is unique is read anew.
                Err(e) if last_status(&e) == Some(409) => return Outcome::Applied(None),
                // Had an earlier attempt made it, this would be a 409.
                Err(e) if unique && last_status(&e).is_some_and(|s| s == 400 || s == 422) => {}
                Err(e) if unique && e.refused_status().is_some() => {}
                Err(e) => {
                    let mut trouble = refusal::trouble(&e);
                    trouble.message = format!(
                        "the property `{name}` on {} is missing, and could not be made: {}",
                        object.path(),
                        trouble.message
                    );
                    let scopes = e
                        .answer()
                        .map(|a| a.clean(&scopes_of(a).join("`, `")))
                        .filter(|s| !s.is_empty());
                    let scope = scopes.map_or_else(
                        || "a scope to write schemas".to_owned(),
                        |scopes| format!("the scope `{scopes}`"),
                    );
                    trouble.help = Some(format!(
                        "create a single-line text property with the internal name `{name}` for {} in HubSpot (Settings, Properties; unique values if offered), or give the token {scope}, or set `stamp: slug` on the connection",
                        object.path().replace('_', " ")
                    ));
                    return outcome(&e, trouble);
                }
            }
        }
        Outcome::Unknown(network("the property could not be made"))
    }
}

/// The status of the last answer, whatever earlier attempts left open.
fn last_status(error: &CallError) -> Option<u16> {
    error.answer().map(|answer| answer.status)
}

/// The scopes that a refusal asks for.
fn scopes_of(answer: &Answer) -> Vec<String> {
    ErrorBody::of(answer).context("requiredGranularScopes")
}

fn is_ready(operation: &Operation, made: &Made) -> bool {
    let known = |target: &Target| target.resolve(made).is_some();
    match operation {
        Operation::EnsureProperty { .. } => true,
        Operation::Create { links, .. } => links.iter().all(|l| known(&l.target)),
        Operation::Update { target, .. }
        | Operation::Status { target, .. }
        | Operation::Archive { target, .. } => known(target),
        Operation::Link { quote, target, .. } | Operation::Unlink { quote, target, .. } => {
            known(quote) && known(target)
        }
    }
}

/// The id of a target that [`is_ready`] saw.
fn id_of<'a>(target: &'a Target, made: &'a Made) -> &'a str {
    target.resolve(made).map_or("", RemoteId::as_str)
}

/// The record that an operation writes, where a request must not hold it twice.
pub(super) fn subject<'a>(operation: &'a Operation, made: &'a Made) -> Option<&'a str> {
    match operation {
        Operation::Update { target, .. }
        | Operation::Status { target, .. }
        | Operation::Archive { target, .. } => Some(id_of(target, made)),
        _ => None,
    }
}

/// Splits by class and size, so that no request holds the same record twice.
fn batches<'a>(jobs: Vec<Job<'a>>, made: &Made) -> Vec<Vec<Job<'a>>> {
    struct Open<'a> {
        class: String,
        jobs: Vec<Job<'a>>,
        subjects: BTreeSet<String>,
    }
    let mut out: Vec<Open<'a>> = Vec::new();
    for job in jobs {
        let class = job.operation.class();
        let subject = subject(job.operation, made);
        // Only the last batch of a class may take more: the order of writes to one record stays.
        let slot = out.iter_mut().rev().find(|o| o.class == class).filter(|o| {
            o.jobs.len() < job.operation.max() && subject.is_none_or(|s| !o.subjects.contains(s))
        });
        match slot {
            Some(open) => {
                open.subjects.extend(subject.map(ToOwned::to_owned));
                open.jobs.push(job);
            }
            None => out.push(Open {
                class,
                subjects: subject.map(ToOwned::to_owned).into_iter().collect(),
                jobs: vec![job],
            }),
        }
    }
    out.into_iter().map(|o| o.jobs).collect()
}

fn input(job: Job<'_>, made: &Made) -> Json {
    let trace = job.step.id.as_str();
    match job.operation {
        Operation::Create { object, properties, links } => {
            let links: Vec<Json> =
                links.iter().filter_map(|l| association(*object, l, made)).collect();
            json!({ "properties": properties, "associations": links, "objectWriteTraceId": trace })
        }
        Operation::Update { target, properties, .. } => {
            json!({ "id": id_of(target, made), "properties": properties, "objectWriteTraceId": trace })
        }
        Operation::Status { target, status, .. } => json!({
            "id": id_of(target, made),
            "properties": { "hs_status": status },
            "objectWriteTraceId": trace,
        }),
        Operation::Archive { target, .. } => json!({ "id": id_of(target, made) }),
        Operation::Link { quote, target, .. } | Operation::Unlink { quote, target, .. } => {
            json!({ "from": { "id": id_of(quote, made) }, "to": { "id": id_of(target, made) } })
        }
        Operation::EnsureProperty { .. } => Json::Null,
    }
}

/// A link inside a creation; its type runs from the record that is made.
fn association(from: Object, link: &Link, made: &Made) -> Option<Json> {
    let type_id = if from == Object::Quote { link.object.from_quote() } else { from.to_quote() }?;
    Some(json!({
        "to": { "id": id_of(&link.target, made) },
        "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id }],
    }))
}
