//! From a decision to the operations that carry it out, in their order.
//!
//! The order of a creation: generate a draft (billed); read it back, figure by figure; submit;
//! publish or sign; read back the state. So nothing leaves the house before all of it was seen to
//! have arrived, and what DealHub charges for happens once.
//!
//! Invariants: pure and deterministic. A step awaits the consents of all that it needs.

use std::collections::BTreeMap;

use super::operation::{Action, Operation};
use super::wanted::{Wanted, block};
use super::{Settings, mapping, mark, status};
use crate::desired::WantedState;
use crate::facts::{Path, Plain};
use crate::key::{Fingerprint, Stamp, StepId};
use crate::plan::model::Action as Decided;
use crate::provider::state::State;
use crate::provider::step::{Effect, Effects, Operation as AnyOperation, Step, Target, Work};

/// The steps of one decision.
pub fn steps(_: &Settings, work: &Work<'_>) -> Vec<Step> {
    let mut b = Builder { work, steps: Vec::new(), unit: Effects::new() };
    match work.action {
        Decided::Create | Decided::Replace => b.create(),
        Decided::Update | Decided::Adopt => {
            if let Some(observed) = work.observed {
                b.bring(&observed.state, &Target::Known(observed.id.clone()), Vec::new());
            }
        }
        // DealHub can delete nothing; the plan says so.
        Decided::Delete
        | Decided::Forget
        | Decided::None
        | Decided::Blocked
        | Decided::Unverifiable
        | Decided::Orphaned => {}
    }
    b.steps
}

struct Builder<'a, 'w> {
    work: &'a Work<'w>,
    steps: Vec<Step>,
    /// Consents that everything from here on awaits.
    unit: Effects,
}

impl Builder<'_, '_> {
    fn push(
        &mut self,
        does: impl Into<String>,
        effects: Effects,
        needs: Vec<StepId>,
        operation: AnyOperation,
    ) -> StepId {
        self.unit.extend(effects.iter().copied());
        let id = StepId::of_quote(self.work.quote, self.steps.len() + 1);
        self.steps.push(Step {
            id: id.clone(),
            quote: Some(self.work.quote.clone()),
            connection: self.work.connection.clone(),
            does: does.into(),
            effects,
            awaits: self.unit.clone(),
            needs,
            operation,
            stamp: None,
            part: None,
            settles: BTreeMap::new(),
            drops: Vec::new(),
        });
        id
    }

    fn create(&mut self) {
        let work = self.work;
        let Some(quote) = work.desired else { return };
        let wanted = Wanted::of(quote);
        let opportunity = wanted.opportunity.clone().unwrap_or_default();
        let body = generate(&wanted, &work.stamp);
        let settles: BTreeMap<Path, Fingerprint> =
            work.want.iter().map(|(p, v)| (p.clone(), v.fingerprint(work.quote, p))).collect();
        let stamp = work.stamp.clone();
        let operation = AnyOperation::Dealhub(Operation::Generate { opportunity, body });
        let bill = Effects::from([Effect::Bill]);
        let made = self.push("generate quote", bill, Vec::new(), operation);
        if let Some(step) = self.steps.last_mut() {
            step.stamp = Some(stamp);
            step.settles = settles;
        }
        let read = self.read_back(vec![made.clone()], None);
        let draft = State::Plain(WantedState::Draft);
        self.bring(&draft, &Target::MadeBy(made), vec![read]);
    }

    fn read_back(&mut self, needs: Vec<StepId>, state: Option<State>) -> StepId {
        let does = match &state {
            Some(state) => format!("read back, must be {state}"),
            None => "read back".to_owned(),
        };
        self.push(does, Effects::new(), needs, AnyOperation::ReadBack { state })
    }

    /// Leads a quote that is in `from` into the wanted state, and reads it back.
    fn bring(&mut self, from: &State, target: &Target, mut needs: Vec<StepId>) {
        let Some(State::Plain(wanted)) = self.work.state.clone() else { return };
        let actions = status::actions(from, wanted);
        if actions.is_empty() {
            return;
        }
        for action in actions {
            let comment = match action {
                Action::Sign => self.comment(),
                Action::Submit | Action::Publish => None,
            };
            let operation =
                AnyOperation::Dealhub(Operation::Act { target: target.clone(), action, comment });
            let effects = action.effect().into_iter().collect();
            needs = vec![self.push(action.does(), effects, needs, operation)];
        }
        self.read_back(needs, Some(State::Plain(wanted)));
    }

    fn comment(&self) -> Option<String> {
        let quote = self.work.desired?;
        mapping::set(block(quote), "sign_externally_comment").and_then(Plain::scalar)
    }
}

/// The whole Generate body, with the mark.
pub fn generate(wanted: &Wanted<'_>, stamp: &Stamp) -> Plain {
    let mut body = wanted.body.clone();
    let title = body.get("quote_name").and_then(Plain::as_text).unwrap_or_default();
    let name = mark::join(title, stamp);
    body.insert("quote_name".to_owned(), Plain::Text(name));
    body.insert("request_action".to_owned(), Plain::Text("draft".to_owned()));
    Plain::Map(body)
}
