//! From a decision to the operations that carry it out, in their order.
//!
//! The order of a creation: the quote record first, as a draft with its links and its stamp; then
//! its parts, each made with its link to the quote; then a read-back; then the status, alone; then
//! a read-back of the status. So nothing can be orphaned, and the customer sees a quote only after
//! all of it was seen to have arrived.
//!
//! Invariants: pure and deterministic. A locked quote's unlock, edits and publishing are one unit:
//! all of it waits for the consent of its parts.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Link, Object, Operation, Purpose};
use super::portal::StampSupport;
use super::{QuoteSystem, Settings, StampPlace, mapping, properties, status};
use crate::desired::WantedState;
use crate::facts::{Path, Value};
use crate::key::{Fingerprint, RemoteId, Stamp, StepId};
use crate::money::Amount;
use crate::plan::model::Action;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects, Operation as AnyOperation, Step, Target, Work};
use crate::provider::survey::{Lore, Survey};

/// The records that can carry a stamp property, in the order of their preparations.
const STAMPED: [Object; 5] =
    [Object::Quote, Object::LineItem, Object::Discount, Object::Fee, Object::Tax];

/// The types of record of a work for which the stamp property must be defined first.
fn unprepared(settings: &Settings, survey: &Survey, work: &Work<'_>) -> Vec<(usize, Object)> {
    let (StampPlace::Property(name), Lore::Hubspot(portal)) = (&settings.stamp, &survey.lore)
    else {
        return Vec::new();
    };
    if work.action == Action::Delete {
        return Vec::new();
    }
    let written = |object: Object| match object.list() {
        None => true,
        Some(list) => work.want.keys().any(|p| p.list() == Some(list)),
    };
    STAMPED
        .into_iter()
        .enumerate()
        .filter(|(_, o)| written(*o) && portal.knows(*o))
        .filter(|(_, o)| portal.stamp_support(*o, name) == StampSupport::Missing)
        .collect()
}

/// What must be made once on the account before the first write.
pub fn preparations(settings: &Settings, survey: &Survey, work: &[Work<'_>]) -> Vec<Step> {
    let (StampPlace::Property(name), Lore::Hubspot(portal)) = (&settings.stamp, &survey.lore)
    else {
        return Vec::new();
    };
    let missing: BTreeSet<(usize, Object)> =
        work.iter().flat_map(|w| unprepared(settings, survey, w)).collect();
    missing
        .into_iter()
        .map(|(n, object)| Step {
            id: StepId::of_connection(&settings.connection, n + 1),
            quote: None,
            connection: settings.connection.clone(),
            does: format!("define the property {name} on {}", object.path().replace('_', " ")),
            effects: Effects::new(),
            awaits: Effects::new(),
            needs: Vec::new(),
            operation: AnyOperation::Hubspot(Operation::EnsureProperty {
                object,
                name: name.clone(),
                group: portal.group_for(object),
            }),
            stamp: None,
            part: None,
            settles: BTreeMap::new(),
            drops: Vec::new(),
        })
        .collect()
}

/// The steps of one decision.
pub fn steps(settings: &Settings, work: &Work<'_>, survey: &Survey) -> Vec<Step> {
    let needs = unprepared(settings, survey, work)
        .into_iter()
        .map(|(n, _)| StepId::of_connection(&settings.connection, n + 1))
        .collect();
    let mut b = Builder { settings, work, steps: Vec::new(), unit: Effects::new(), first: needs };
    match work.action {
        Action::Create => b.create(),
        Action::Update | Action::Adopt => b.update(),
        Action::Replace => b.replace(),
        Action::Delete => b.delete(),
        Action::Forget
        | Action::None
        | Action::Blocked
        | Action::Unverifiable
        | Action::Orphaned => {}
    }
    b.steps
}

pub(super) struct Builder<'a, 'w> {
    pub(super) settings: &'a Settings,
    pub(super) work: &'a Work<'w>,
    steps: Vec<Step>,
    /// Consents that every step of the quote awaits.
    unit: Effects,
    /// Preparations that the first writes need.
    first: Vec<StepId>,
}

/// What a step does to the recorded state.
#[derive(Default)]
pub(super) struct Record {
    stamp: Option<Stamp>,
    part: Option<String>,
    settles: BTreeMap<Path, Fingerprint>,
    drops: Vec<String>,
}

impl Builder<'_, '_> {
    fn push(
        &mut self,
        does: impl Into<String>,
        effects: Effects,
        needs: Vec<StepId>,
        operation: AnyOperation,
        record: Record,
    ) -> StepId {
        let id = StepId::of_quote(self.work.quote, self.steps.len() + 1);
        let awaits = effects.union(&self.unit).copied().collect();
        self.steps.push(Step {
            id: id.clone(),
            quote: Some(self.work.quote.clone()),
            connection: self.work.connection.clone(),
            does: does.into(),
            effects,
            awaits,
            needs,
            operation,
            stamp: record.stamp,
            part: record.part,
            settles: record.settles,
            drops: record.drops,
        });
        id
    }

    pub(super) fn write(
        &mut self,
        does: impl Into<String>,
        needs: Vec<StepId>,
        operation: Operation,
        record: Record,
    ) -> StepId {
        self.push(does, Effects::new(), needs, AnyOperation::Hubspot(operation), record)
    }

    fn read_back(&mut self, needs: Vec<StepId>, state: Option<State>) -> StepId {
        let does = match &state {
            Some(state) => format!("read back, must be {state}"),
            None => "read back".to_owned(),
        };
        self.push(does, Effects::new(), needs, AnyOperation::ReadBack { state }, Record::default())
    }

    /// Fingerprints of wanted values; a path that is not wanted any more is dropped instead.
    pub(super) fn record<'p>(&self, paths: impl IntoIterator<Item = &'p Path>) -> Record {
        let mut record = Record::default();
        for path in paths {
            match self.work.want.get(path) {
                Some(value) => {
                    record.settles.insert(path.clone(), value.fingerprint(self.work.quote, path));
                }
                None => record.drops.push(path.as_str().to_owned()),
            }
        }
        record
    }

    pub(super) fn stamp_into(&self, properties: &mut BTreeMap<String, String>, stamp: &Stamp) {
        if let StampPlace::Property(name) = &self.settings.stamp {
            properties.insert(name.clone(), stamp.as_str().to_owned());
        }
    }

    pub(super) fn wanted_parts(&self) -> Vec<(Object, String)> {
        let mut seen = BTreeSet::new();
        let mut all: Vec<(Object, i64, String)> = Vec::new();
        for path in self.work.want.keys() {
            if let (Some(object), Some(part)) = (path.list().and_then(Object::of_list), path.part())
                && seen.insert(part)
            {
                let position = self.work.want.get(&Path::of(part, "position"));
                let place = position.and_then(Value::number).and_then(Amount::to_int);
                all.push((object, place.unwrap_or(i64::MAX), part.to_owned()));
            }
        }
        all.sort();
        all.into_iter().map(|(object, _, part)| (object, part)).collect()
    }

    /// The quote record and all that belongs to it, as a draft. Gives the quote's step and the
    /// last ones.
    fn make(&mut self) -> (StepId, StepId) {
        let work = self.work;
        let cpq = self.settings.system == QuoteSystem::Cpq;
        let mut properties = properties::all(Object::Quote, &properties::fields_of(work.want, ""));
        properties.insert("hs_status".to_owned(), status::DRAFT.to_owned());
        properties
            .insert(self.settings.stamp.property().to_owned(), work.stamp.as_str().to_owned());
        if cpq {
            properties.insert("hs_template_type".to_owned(), "CPQ_QUOTE".to_owned());
        }
        let mut links = Vec::new();
        let mut later = Vec::new();
        let mut settled: Vec<&Path> = Vec::new();
        for (path, value) in work.want {
            if let Some(object) = mapping::link_of(path.as_str()) {
                let Some(target) = target_of(value) else {
                    settled.push(path);
                    continue;
                };
                // Linking a deal while a CPQ quote is made copies the deal's lines onto it.
                if cpq && object == Object::Deal {
                    later.push((path, object, target, value));
                } else {
                    links.push(Link { object, target });
                    settled.push(path);
                }
            } else if properties::is_own_property(path) {
                settled.push(path);
            }
        }
        let mut record = self.record(settled);
        record.stamp = Some(work.stamp.clone());
        let needs = self.first.clone();
        let create = Operation::Create { object: Object::Quote, properties, links };
        let quote = self.write("create quote", needs, create, record);
        let mut done = vec![quote.clone()];
        for (object, part) in self.wanted_parts() {
            let to = Target::MadeBy(quote.clone());
            done.push(self.make_part(object, &part, to, vec![quote.clone()]));
        }
        for (path, object, target, value) in later {
            let link = Operation::Link { quote: Target::MadeBy(quote.clone()), object, target };
            let record = self.record([path]);
            done.push(self.write(
                link_text("link", object, value),
                vec![quote.clone()],
                link,
                record,
            ));
        }
        let back = self.read_back(done, None);
        (quote, back)
    }

    pub(super) fn make_part(
        &mut self,
        object: Object,
        part: &str,
        quote: Target,
        needs: Vec<StepId>,
    ) -> StepId {
        let work = self.work;
        let stamp = work.part_stamp.of(part);
        let mut properties = properties::all(object, &properties::fields_of(work.want, part));
        self.stamp_into(&mut properties, &stamp);
        let paths = work.want.keys().filter(|p| p.part() == Some(part));
        let mut record = self.record(paths);
        record.stamp = Some(stamp);
        record.part = Some(part.to_owned());
        let links = vec![Link { object: Object::Quote, target: quote }];
        let create = Operation::Create { object, properties, links };
        self.write(format!("create {}", part_text(object, part)), needs, create, record)
    }

    fn status(
        &mut self,
        word: &str,
        does: &str,
        effects: Effects,
        target: Target,
        purpose: Purpose,
        needs: Vec<StepId>,
    ) -> StepId {
        let operation = Operation::Status { target, status: word.to_owned(), purpose };
        self.push(does, effects, needs, AnyOperation::Hubspot(operation), Record::default())
    }

    /// Brings a quote that is in `from` into the wanted state, and reads it back.
    fn bring(&mut self, from: &State, target: &Target, after: StepId) -> StepId {
        let Some(State::Plain(wanted)) = self.work.state.clone() else { return after };
        let to = State::Plain(wanted);
        let Move::Write(effects) = status::transition(Some(from), &to) else { return after };
        let Some(word) = status::word_of(wanted) else { return after };
        let mut needs = vec![after];
        if *from == State::Plain(WantedState::Rejected) && status::is_open_to_customer(&to) {
            // HubSpot publishes no rejected quote: it must be a draft again first.
            let draft = self.status(
                status::DRAFT,
                "back to draft",
                Effects::new(),
                target.clone(),
                Purpose::Move,
                needs,
            );
            needs = vec![draft];
        }
        let does = match wanted {
            WantedState::Published => "publish",
            WantedState::Approved => "approve and publish",
            WantedState::InReview => "submit for approval",
            WantedState::Rejected => "reject",
            _ => "back to draft",
        };
        let step = self.status(word, does, effects, target.clone(), Purpose::Move, needs);
        self.read_back(vec![step], Some(to))
    }

    fn create(&mut self) {
        let (quote, back) = self.make();
        self.bring(&State::Plain(WantedState::Draft), &Target::MadeBy(quote), back);
    }

    fn replace(&mut self) {
        self.unit = Effects::from([Effect::Publish]);
        let (quote, back) = self.make();
        let last = self.bring(&State::Plain(WantedState::Draft), &Target::MadeBy(quote), back);
        if let Some(old) = self.work.observed
            && status::is_open_to_customer(&old.state)
        {
            self.withdraw(&old.id, vec![last]);
        }
    }

    /// The old quote goes only after the new one was seen to be there.
    fn withdraw(&mut self, old: &RemoteId, needs: Vec<StepId>) {
        let target = Target::Known(old.clone());
        let effects = Effects::from([Effect::Publish]);
        let does = format!("withdraw the earlier quote {old}");
        self.status(status::DRAFT, &does, effects, target, Purpose::Withdraw, needs);
    }

    fn delete(&mut self) {
        let Some(old) = self.work.observed else { return };
        let live = status::is_open_to_customer(&old.state);
        let target = Target::Known(old.id.clone());
        let deletes = Effects::from([Effect::Delete]);
        self.unit.clone_from(&deletes);
        if live {
            self.unit.insert(Effect::Publish);
        }
        let mut needs = Vec::new();
        if live {
            let effects = Effects::from([Effect::Publish]);
            needs.push(self.status(
                status::DRAFT,
                "unlock",
                effects,
                target.clone(),
                Purpose::Unlock,
                Vec::new(),
            ));
        }
        let mut gone = needs.clone();
        for (part, id) in &old.parts {
            // HubSpot archives the line items of a quote with it, and nothing else.
            let Some(object) = part_object(part).filter(|o| *o != Object::LineItem) else {
                continue;
            };
            gone.push(self.archive(object, part, id, needs.clone()));
        }
        let record = Record { drops: old.parts.keys().cloned().collect(), ..Record::default() };
        let archive = Operation::Archive { object: Object::Quote, target };
        self.push("archive quote", deletes, gone, AnyOperation::Hubspot(archive), record);
    }

    pub(super) fn archive(
        &mut self,
        object: Object,
        part: &str,
        id: &RemoteId,
        needs: Vec<StepId>,
    ) -> StepId {
        let effects = match self.work.action {
            Action::Delete => Effects::from([Effect::Delete]),
            _ => Effects::new(),
        };
        let operation = Operation::Archive { object, target: Target::Known(id.clone()) };
        let record = Record { drops: vec![part.to_owned()], ..Record::default() };
        let does = format!("archive {}", part_text(object, part));
        self.push(does, effects, needs, AnyOperation::Hubspot(operation), record)
    }

    fn update(&mut self) {
        self.update_in_place();
        // A replacement that was cut short left its predecessor in the customer's sight.
        let Some(old) = self.work.observed.and_then(|o| o.superseded.as_ref()) else { return };
        let needs = self.steps.last().map(|s| s.id.clone()).into_iter().collect();
        self.withdraw(old, needs);
    }

    fn update_in_place(&mut self) {
        let Some(seen) = self.work.observed else { return };
        let target = Target::Known(seen.id.clone());
        // With nothing to change and nowhere to go, it is the stamp that is to be written.
        let bare = self.work.state.is_none()
            && seen.superseded.is_none()
            && seen.stamp.is_none()
            && !seen.locked;
        let edits = !self.work.changes.is_empty() || bare;
        let unlock = edits && (self.work.unlock || seen.locked);
        if !edits {
            // Nothing to read back before: the state alone moves.
            let from = seen.state.clone();
            self.state_alone(&from, &target);
            return;
        }
        let mut from = seen.state.clone();
        let mut needs = self.first.clone();
        if unlock {
            self.unit = Effects::from([Effect::Publish]);
            let effects = self.unit.clone();
            let id = self.status(
                status::DRAFT,
                "unlock",
                effects,
                target.clone(),
                Purpose::Unlock,
                needs.clone(),
            );
            needs = vec![id];
            from = State::Plain(WantedState::Draft);
        }
        let done = self.edit(&target, &needs);
        let done = if done.is_empty() { needs } else { done };
        let back = self.read_back(done, None);
        self.bring(&from, &target, back);
    }

    fn state_alone(&mut self, from: &State, target: &Target) {
        let before = self.steps.len();
        let anchor = StepId::of_quote(self.work.quote, 0);
        self.bring(from, target, anchor.clone());
        for step in self.steps.iter_mut().skip(before) {
            step.needs.retain(|n| *n != anchor);
        }
    }
}

pub(super) fn target_of(value: &Value) -> Option<Target> {
    match value {
        Value::Ref { id, .. } => RemoteId::parse(id).map(Target::Known),
        _ => None,
    }
}

pub(super) fn part_object(part: &str) -> Option<Object> {
    part.split_once('[').and_then(|(list, _)| Object::of_list(list))
}

/// `line item audit`.
pub(super) fn part_text(object: Object, part: &str) -> String {
    let key = part.split_once('[').map_or(part, |(_, key)| key.trim_end_matches(']'));
    format!("{} {key}", object.word())
}

/// `link deal Acme renewal 2027`; a contact by its id, since its label is an address.
pub(super) fn link_text(verb: &str, object: Object, value: &Value) -> String {
    match value {
        Value::Ref { id, label } if object == Object::Contact || label.is_empty() => {
            format!("{verb} {} {id}", object.word())
        }
        Value::Ref { label, .. } => format!("{verb} {} {label}", object.word()),
        _ => format!("{verb} {}", object.word()),
    }
}
