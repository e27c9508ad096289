//! From a decision to the creation that carries it out, and its read-back.
//!
//! Invariants: pure and deterministic. A creation that sends, by its channel or by the trigger,
//! has the effect `send` and waits for consent as a whole. There is no step for an edit or a
//! deletion, because SalesByte has no request for either.

use std::collections::BTreeMap;

use super::operation::Operation;
use super::{Settings, wanted};
use crate::desired::WantedState;
use crate::facts::{Facts, Path, Value};
use crate::key::StepId;
use crate::plan::decide::state_fingerprint;
use crate::plan::diff::STATE;
use crate::plan::model::Action;
use crate::provider::state::State;
use crate::provider::step::{Effect, Effects, Operation as AnyOperation, Step, Work};

/// The steps of one decision.
pub fn steps(settings: &Settings, work: &Work<'_>) -> Vec<Step> {
    if !matches!(work.action, Action::Create | Action::Replace) {
        return Vec::new();
    }
    let effects =
        if wanted::sends(work.want) { Effects::from([Effect::Send]) } else { Effects::new() };
    let fields = wanted::request(settings, work.quote, work.want, &work.stamp);
    let create = StepId::of_quote(work.quote, 1);
    let blank = |id: StepId, does: String, operation: AnyOperation| Step {
        id,
        quote: Some(work.quote.clone()),
        connection: work.connection.clone(),
        does,
        effects: Effects::new(),
        awaits: Effects::new(),
        needs: Vec::new(),
        operation,
        stamp: None,
        part: None,
        settles: BTreeMap::new(),
        drops: Vec::new(),
    };
    let operation = AnyOperation::Salesbyte(Operation::Create { fields });
    let mut step = blank(create.clone(), does(work.want, &effects), operation);
    step.awaits.clone_from(&effects);
    step.effects.clone_from(&effects);
    step.stamp = Some(work.stamp.clone());
    step.settles = work
        .want
        .iter()
        .map(|(path, value)| (path.clone(), value.fingerprint(work.quote, path)))
        .collect();
    if !settings.readable {
        // No read-back will see the state, and the creation is all that leads to it: a run that is
        // killed behind it must not leave a quote whose state seems to be asked for anew.
        if let Some(quote) = work.desired {
            let state = State::Plain(quote.state.unwrap_or(WantedState::Draft));
            step.settles.insert(Path::new(STATE), state_fingerprint(work.quote, &state));
        }
    }
    let mut steps = vec![step];
    if settings.readable {
        let state = work.state.clone();
        let does = match &state {
            Some(state) => format!("read back, must be {state}"),
            None => "read back".to_owned(),
        };
        let id = StepId::of_quote(work.quote, 2);
        let mut back = blank(id, does, AnyOperation::ReadBack { state });
        back.needs = vec![create];
        back.awaits = effects;
        steps.push(back);
    }
    steps
}

fn does(want: &Facts, effects: &Effects) -> String {
    if effects.is_empty() {
        return "create quote".to_owned();
    }
    let channel = match want.get(&Path::new("delivery.channel")) {
        Some(Value::Text(word)) => word.as_str(),
        _ => "none",
    };
    let way = match channel {
        "email" => "send it by e-mail",
        "sms" => "send it by text message",
        "dual" => "send it by e-mail and text message",
        "auto" => "send it as SalesByte picks",
        _ => "tell the customer",
    };
    let trigger = Path::new("salesbyte.trigger_created_messages_to_customer");
    let told = want.get(&trigger) == Some(&Value::Bool(true)) && channel != "none";
    format!("create quote and {way}{}", if told { ", and tell the customer" } else { "" })
}
