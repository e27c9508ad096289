//! What creations with an unknown outcome left behind.
//!
//! Purpose: after a timeout, a cut connection or a kill, a lost quote is looked for by the stamp
//! among its tags, in the customer's quotes where the customer is known, else in all of them; a
//! lost line by the stamp among its pairs; lost pairs on their line. Invariant: "absent" is only
//! said where the whole place was seen.

use std::collections::BTreeMap;

use super::fetch::Fetch;
use super::operation::{Body, LineAt, Operation};
use super::wire::{Line, Quote};
use crate::facts::Plain;
use crate::key::RemoteId;
use crate::provider::Made;
use crate::provider::step::{Located, Operation as AnyOperation, Step, Trouble};

/// One answer a step, in order.
pub async fn locate(fetch: &Fetch, lost: &[&Step], made: &Made) -> Result<Vec<Located>, Trouble> {
    let mut lists: BTreeMap<Option<String>, Vec<Quote>> = BTreeMap::new();
    let bodies = lost.iter().filter_map(|step| creation(step));
    let customers: Vec<Option<String>> =
        bodies.map(|body| body.get("customer_id").and_then(Plain::scalar)).collect();
    if customers.iter().any(Option::is_none) {
        lists.insert(None, fetch.all(None).await?);
    } else {
        for customer in customers {
            if !lists.contains_key(&customer) {
                lists.insert(customer.clone(), fetch.all(customer.as_deref()).await?);
            }
        }
    }
    let mut lines: BTreeMap<RemoteId, Option<Vec<Line>>> = BTreeMap::new();
    let mut out = Vec::new();
    for step in lost {
        let AnyOperation::Quickquote(operation) = &step.operation else {
            out.push(Located::CannotTell("it is no operation of Quick Quote".to_owned()));
            continue;
        };
        if let Operation::Create { .. } = operation {
            let mut all = lists.values().flatten();
            let found = all.find(|q| step.stamp.is_some() && q.stamp() == step.stamp);
            out.push(found.map_or(Located::Absent, |q| Located::Found(q.id.clone())));
            continue;
        }
        let Some(quote) = operation.quote().and_then(|q| q.resolve(made)) else {
            out.push(Located::CannotTell("the quote that it belongs to is not known".to_owned()));
            continue;
        };
        if !lines.contains_key(quote) {
            lines.insert(quote.clone(), fetch.lines(quote).await?);
        }
        let Some(Some(there)) = lines.get(quote) else {
            out.push(Located::Absent);
            continue;
        };
        out.push(match operation {
            Operation::AddLine { .. } => {
                let found = there.iter().find(|l| step.stamp.is_some() && l.stamp() == step.stamp);
                found.map_or(Located::Absent, |l| Located::Found(l.id.clone()))
            }
            Operation::AddProperties { line, pairs, .. } => {
                match there.iter().find(|l| is_at(l, line)) {
                    Some(l) if holds(l, pairs) => Located::Found(l.id.clone()),
                    _ => Located::Absent,
                }
            }
            _ => Located::CannotTell("it makes nothing that could be found".to_owned()),
        });
    }
    Ok(out)
}

/// What was sent for a lost quote.
fn creation(step: &Step) -> Option<&Body> {
    match &step.operation {
        AnyOperation::Quickquote(Operation::Create { body }) => Some(body),
        _ => None,
    }
}

/// Whether a line is the one meant.
pub fn is_at(line: &Line, at: &LineAt) -> bool {
    match at {
        LineAt::Known(id) => line.id == *id,
        LineAt::Stamped(stamp) => line.stamp().as_ref() == Some(stamp),
    }
}

/// Whether a line holds all these pairs.
fn holds(line: &Line, pairs: &[(String, String)]) -> bool {
    pairs.iter().all(|(k, v)| line.properties.iter().any(|p| p.key == *k && p.value == *v))
}
