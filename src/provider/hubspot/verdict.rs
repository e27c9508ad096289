//! What HubSpot's answer to a write proves, step by step.
//!
//! Purpose: one outcome a step, out of a whole answer, a partial one (207) or a failure. Rows are
//! matched by trace, id or stamp. Invariants: a creation without a row, or whose unique value is
//! taken, is unknown; "already done" (published, archived) is applied, which the read-back proves.

use serde_json::Value as Json;

use super::operation::{Object, Operation, Purpose};
use super::wire::{Batch, ErrorBody, Record};
use super::writer::{Job, Outcomes, subject};
use super::{Settings, StampPlace, refusal, status};
use crate::http::{Answer, CallError, Proof};
use crate::key::{RemoteId, Stamp};
use crate::provider::Made;
use crate::provider::step::{Outcome, Trouble, TroubleKind};

/// Reads the answer of a batch. Gives the jobs of which it says nothing and that may be repeated.
pub(super) fn settle<'a>(
    settings: &Settings,
    jobs: &[Job<'a>],
    made: &Made,
    answer: &Answer,
    outcomes: &mut Outcomes,
) -> Vec<Job<'a>> {
    let linking = matches!(
        jobs.first().map(|j| j.operation),
        Some(Operation::Link { .. } | Operation::Unlink { .. } | Operation::Archive { .. })
    );
    if linking {
        let errors = match answer.status {
            204 => Vec::new(),
            _ if answer.body.is_empty() => Vec::new(),
            _ => answer.json::<Batch<Json>>().map(|b| b.errors).unwrap_or_default(),
        };
        if errors.is_empty() && answer.status != 207 {
            for job in jobs {
                outcomes.insert(job.step.id.clone(), Outcome::Applied(None));
            }
            return Vec::new();
        }
        if let ([job], Some(error)) = (jobs, errors.first()) {
            outcomes.insert(job.step.id.clone(), row_failed(*job, answer, error));
            return Vec::new();
        }
        // Which rows failed is not said reliably; links are the same made twice as once.
        return jobs.to_vec();
    }
    let batch: Batch<Record> = match answer.json() {
        Ok(batch) => batch,
        Err(e) => {
            for job in jobs {
                outcomes.insert(job.step.id.clone(), failed(*job, &e));
            }
            return Vec::new();
        }
    };
    let mut silent = Vec::new();
    for job in jobs {
        let creates = matches!(job.operation, Operation::Create { .. });
        let row = batch.results.iter().find(|r| is_answer(settings, *job, r, made));
        let error = || batch.errors.iter().find(|e| is_error_of(*job, e, made));
        let outcome = match row {
            Some(record) => match (creates, RemoteId::parse(&record.id.0)) {
                (true, Some(id)) => Outcome::Applied(Some(id)),
                (true, None) => Outcome::Unknown(network("HubSpot gave an id that is none")),
                (false, _) => Outcome::Applied(None),
            },
            None => match error() {
                Some(error) => row_failed(*job, answer, error),
                None if creates || jobs.len() == 1 => {
                    Outcome::Unknown(network("HubSpot's answer does not say what became of this"))
                }
                None => {
                    silent.push(*job);
                    continue;
                }
            },
        };
        outcomes.insert(job.step.id.clone(), outcome);
    }
    silent
}

fn is_answer(settings: &Settings, job: Job<'_>, record: &Record, made: &Made) -> bool {
    match job.operation {
        Operation::Create { .. } => {
            if let Some(trace) = &record.trace {
                return trace == job.step.id.as_str();
            }
            // Without a trace, the stamp tells.
            let StampPlace::Property(name) = &settings.stamp else { return false };
            let stamp = job.step.stamp.as_ref().map(Stamp::as_str);
            stamp.is_some() && record.get(name) == stamp
        }
        operation => subject(operation, made) == Some(record.id.0.as_str()),
    }
}

fn is_error_of(job: Job<'_>, error: &ErrorBody, made: &Made) -> bool {
    let traces = error.context("objectWriteTraceId");
    if !traces.is_empty() {
        return traces.iter().any(|t| t == job.step.id.as_str());
    }
    let Some(subject) = subject(job.operation, made) else { return false };
    error.id.as_ref().is_some_and(|id| id.0 == subject)
        || ["id", "ids", "objectId"]
            .iter()
            .any(|name| error.context(name).iter().any(|id| id == subject))
}

/// What an error row of a batch proves.
fn row_failed(job: Job<'_>, answer: &Answer, error: &ErrorBody) -> Outcome {
    let creates = matches!(job.operation, Operation::Create { .. });
    let message = format!("HubSpot refused: {}", answer.clean(&error.words()));
    if error.is_server_fault() {
        return Outcome::Unknown(network(&message));
    }
    if creates && error.is_clash() {
        return Outcome::Unknown(network(&format!("{message}; it may be our own earlier attempt")));
    }
    judge(job, error, refused(&message))
}

/// What a failed call proves for one step.
pub(super) fn failed(job: Job<'_>, error: &CallError) -> Outcome {
    let trouble = refusal::trouble(error);
    let body = error.answer().map(ErrorBody::of).unwrap_or_default();
    if matches!(error, CallError::Refused(_)) {
        let creates = matches!(job.operation, Operation::Create { .. });
        if creates && (error.refused_status() == Some(409) || body.is_clash()) {
            return Outcome::Unknown(trouble);
        }
        return judge(job, &body, trouble);
    }
    outcome(error, trouble)
}

/// A refusal in the light of what the step was for.
fn judge(job: Job<'_>, error: &ErrorBody, trouble: Trouble) -> Outcome {
    let revise = "HubSpot does not let this quote be opened again: set `lifecycle: { when_locked: revise }` to make a new quote in its place";
    match job.operation {
        Operation::Status { status: word, purpose: Purpose::Move, .. }
            if error.is_locked() && status::is_open_to_customer(&status::state_of(word)) =>
        {
            // Already published; the read-back that follows proves it.
            Outcome::Applied(None)
        }
        Operation::Status { purpose: Purpose::Withdraw, .. } if error.is_locked() => Outcome::Rejected(
            trouble.help("the new quote is live, and HubSpot does not let the earlier one be taken down by API: void it in HubSpot"),
        ),
        Operation::Archive { object: Object::Quote, .. } if error.is_undeletable() || error.is_locked() => {
            Outcome::Rejected(trouble.help(
                "HubSpot does not delete a published quote of this kind: void it in HubSpot, then `proforma lock forget` it; to change it instead, set `lifecycle: { when_locked: revise }`",
            ))
        }
        // What is gone already need not be archived or unlinked.
        Operation::Archive { .. } | Operation::Unlink { .. } if error.is_missing() => Outcome::Applied(None),
        _ if error.is_locked() => Outcome::Rejected(trouble.help(revise)),
        _ => Outcome::Rejected(trouble),
    }
}

pub(super) fn outcome(error: &CallError, trouble: Trouble) -> Outcome {
    match error.proof() {
        Proof::NotSent => Outcome::NotSent(trouble),
        Proof::Rejected => Outcome::Rejected(trouble),
        Proof::Ambiguous => Outcome::Unknown(trouble),
    }
}

pub(super) fn refused(message: &str) -> Trouble {
    Trouble::new(TroubleKind::Refused, message)
}

pub(super) fn network(message: &str) -> Trouble {
    Trouble::new(TroubleKind::Network, message)
}
