//! From a decision to the operations that carry it out, in their order.
//!
//! A creation: the quote with its lines in one request, then pairs that did not fit into it, then
//! a read-back, and only then the status or the mail. An edit: the head, deleted lines, changed
//! lines, their pairs, new lines, read-back, status. The writes of one quote follow each other, for
//! the shop has no way to tell that two came at once.
//!
//! Invariants: pure and deterministic. What is edited on a quote that the customer already has
//! is seen at once, so such edits are one unit that waits for consent to `publish`.

use std::collections::{BTreeMap, BTreeSet};

use super::operation::{Body, LineAt, Operation};
use super::{Shop, body, notice, status};
use crate::desired::{Item, WantedState};
use crate::facts::{Path, Plain, Value};
use crate::key::{Fingerprint, RemoteId, Stamp, StepId};
use crate::plan::model::Action;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Effects, Operation as AnyOperation, Step, Target, Work};
use crate::provider::survey::{Lore, Observed, Survey};

/// The steps of one decision.
pub fn steps(work: &Work<'_>, survey: &Survey) -> Vec<Step> {
    let none = Shop::default();
    let shop = match &survey.lore {
        Lore::Quickquote(shop) => shop.as_ref(),
        _ => &none,
    };
    let mut b = Builder { work, shop, steps: Vec::new(), unit: Effects::new(), last: Vec::new() };
    match work.action {
        Action::Create => b.create(),
        Action::Update | Action::Adopt => b.update(),
        Action::Delete => b.delete(),
        // Nothing is ever locked and open at once, so nothing is replaced.
        Action::Replace
        | Action::Forget
        | Action::None
        | Action::Blocked
        | Action::Unverifiable
        | Action::Orphaned => {}
    }
    b.steps
}

struct Builder<'a, 'w> {
    work: &'a Work<'w>,
    shop: &'a Shop,
    steps: Vec<Step>,
    /// Consents that every step of the quote awaits.
    unit: Effects,
    /// What the next step needs.
    last: Vec<StepId>,
}

/// What a step does to the record.
#[derive(Default)]
struct Record {
    stamp: Option<Stamp>,
    part: Option<String>,
    settles: BTreeMap<Path, Fingerprint>,
    drops: Vec<String>,
}

impl Builder<'_, '_> {
    /// Adds a step that needs the ones before it.
    fn push(
        &mut self,
        does: impl Into<String>,
        effects: Effects,
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
            needs: self.last.clone(),
            operation,
            stamp: record.stamp,
            part: record.part,
            settles: record.settles,
            drops: record.drops,
        });
        id
    }

    /// The same, and the next step needs it.
    fn then(
        &mut self,
        does: impl Into<String>,
        effects: Effects,
        operation: Operation,
        record: Record,
    ) -> StepId {
        let id = self.push(does, effects, AnyOperation::Quickquote(operation), record);
        self.last = vec![id.clone()];
        id
    }

    fn read_back(&mut self, state: Option<State>) {
        let does = match &state {
            Some(state) => format!("read back, must be {state}"),
            None => "read back".to_owned(),
        };
        let back = AnyOperation::ReadBack { state };
        let id = self.push(does, Effects::new(), back, Record::default());
        self.last = vec![id];
    }

    /// Fingerprints of wanted values; a path that is not wanted any more is dropped instead.
    fn record<'p>(&self, paths: impl IntoIterator<Item = &'p Path>) -> Record {
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

    fn items(&self) -> &[Item] {
        self.work.desired.and_then(|q| q.items.set()).map_or(&[], Vec::as_slice)
    }

    fn create(&mut self) {
        let work = self.work;
        let mut head = body::new_head(work.want, &work.stamp);
        let mut lines = Vec::new();
        let mut later = Vec::new();
        for item in self.items() {
            let part = format!("items[{}]", item.key);
            let stamp = work.part_stamp.of(&part);
            let mut line = body::new_line(work.want, &part);
            // One pair is all that a creation takes.
            line.insert("properties".to_owned(), body::stamp_pair(&stamp));
            lines.push(Plain::Map(line));
            if let Some(pairs) = item.properties.set().filter(|p| !p.is_empty()) {
                later.push((part, item.key.clone(), stamp, pairs.clone()));
            }
        }
        if !lines.is_empty() {
            head.insert("line_items".to_owned(), Plain::List(lines));
        }
        let deferred: BTreeSet<Path> =
            later.iter().map(|(part, ..)| Path::of(part, "properties")).collect();
        let mut record = self.record(work.want.keys().filter(|p| !deferred.contains(*p)));
        record.stamp = Some(work.stamp.clone());
        let count = self.items().len();
        let does = match count {
            0 => "create quote".to_owned(),
            1 => "create quote with 1 line".to_owned(),
            n => format!("create quote with {n} lines"),
        };
        let made = self.then(does, Effects::new(), Operation::Create { body: head }, record);
        let quote = Target::MadeBy(made);
        for (part, key, stamp, pairs) in later {
            self.add_pairs(&part, &key, &quote, LineAt::Stamped(stamp), pairs);
        }
        self.read_back(None);
        self.bring(&State::Plain(WantedState::Draft), &quote);
    }

    fn add_pairs(
        &mut self,
        part: &str,
        key: &str,
        quote: &Target,
        line: LineAt,
        pairs: Vec<(String, String)>,
    ) {
        let place = Path::of(part, "properties");
        let mut record = self.record([&place]);
        // A mark of its own, so that pairs whose adding was not answered are looked for first.
        record.stamp = Some(self.work.part_stamp.of(place.as_str()));
        record.part = Some(place.as_str().to_owned());
        let names: Vec<&str> = pairs.iter().map(|(k, _)| k.as_str()).collect();
        let does = format!("add properties of line {key}: {}", names.join(", "));
        let add = Operation::AddProperties { quote: quote.clone(), line, pairs };
        self.then(does, Effects::new(), add, record);
    }

    /// Brings a quote that is in `from` into the wanted state, and reads it back.
    fn bring(&mut self, from: &State, quote: &Target) {
        let Some(State::Plain(wanted)) = self.work.state.clone() else { return };
        let to = State::Plain(wanted);
        let Move::Write(effects) = status::transition(Some(from), &to) else { return };
        if wanted == WantedState::Sent {
            let body = self.mail();
            let on = |name: &str| body.get(name) == Some(&Plain::Bool(true));
            let holds: Vec<&str> = [
                ("include_link", "the link"),
                ("include_pdf", "the PDF"),
                ("email_assignee", "a copy to the owner"),
            ]
            .into_iter()
            .filter(|(name, _)| on(name))
            .map(|(_, word)| word)
            .collect();
            let does = if holds.is_empty() {
                "mail the quote".to_owned()
            } else {
                format!("mail the quote with {}", holds.join(", "))
            };
            let email = Operation::Email { quote: quote.clone(), body };
            self.then(does, effects, email, Record::default());
        } else if let Some(word) = status::word_of(wanted) {
            let does = match wanted {
                WantedState::Draft => "set the status back to created".to_owned(),
                // A shop can make a draft order of it.
                WantedState::Accepted => {
                    "set the status to accepted (the shop may make an order)".to_owned()
                }
                _ => format!("set the status to {word}"),
            };
            let write = Operation::Status { quote: quote.clone(), status: word.to_owned() };
            self.then(does, effects, write, Record::default());
        }
        self.read_back(Some(to));
    }

    /// What the manifest says of the mail; what it does not say is left to the shop.
    fn mail(&self) -> Body {
        let Some(delivery) = self.work.desired.map(|q| &q.delivery) else { return Body::new() };
        [
            ("include_link", delivery.include_link),
            ("include_pdf", delivery.include_pdf),
            ("email_assignee", delivery.copy_owner),
        ]
        .into_iter()
        .filter_map(|(name, flag)| Some((name.to_owned(), Plain::Bool(flag?))))
        .collect()
    }

    fn delete(&mut self) {
        let Some(old) = self.work.observed else { return };
        let mut effects = Effects::from([Effect::Delete]);
        if status::is_with_customer(&old.state) {
            effects.insert(Effect::Publish);
        }
        let record = Record { drops: old.parts.keys().cloned().collect(), ..Record::default() };
        let delete = Operation::Delete { quote: Target::Known(old.id.clone()) };
        self.then("delete quote", effects, delete, record);
    }

    fn update(&mut self) {
        let work = self.work;
        let Some(seen) = work.observed else { return };
        let quote = Target::Known(seen.id.clone());
        if work.changes.is_empty() && work.state.is_none() && seen.superseded.is_none() {
            // With nothing to change and nowhere to go, it is the stamp that is to be written.
            self.edit_head(seen, &quote);
            self.read_back(None);
            return;
        }
        if !work.changes.is_empty() {
            let visible = work.changes.iter().any(|c| notice::is_visible(&c.path));
            if visible && status::is_with_customer(&seen.state) {
                self.unit = Effects::from([Effect::Publish]);
            }
            self.edit_head(seen, &quote);
            self.edit_lines(seen, &quote);
            self.read_back(None);
        }
        self.bring(&seen.state.clone(), &quote);
    }

    /// The effects of an edit: the customer sees it, or nobody does.
    fn edits(&self) -> Effects {
        self.unit.clone()
    }

    fn edit_head(&mut self, seen: &Observed, quote: &Target) {
        let work = self.work;
        let own: BTreeSet<&Path> =
            work.changes.iter().map(|c| &c.path).filter(|p| p.list() != Some("items")).collect();
        let now = seen.facts.get(&Path::new("tags")).map_or_else(String::new, Value::to_string);
        let mut body = body::head(work.want, &own, &now, &work.stamp);
        let restamp = seen.stamp.as_ref() != Some(&work.stamp);
        if restamp {
            body.insert("tags".to_owned(), body::tags(work.want, &now, &work.stamp));
        }
        if body.is_empty() {
            return;
        }
        let names: Vec<&str> = body.keys().map(String::as_str).collect();
        let does = format!("update quote: {}", names.join(", "));
        // A discount is written whole, so all of it is settled.
        let whole: Vec<&Path> = if body.contains_key("discount") {
            work.want.keys().filter(|p| p.list() == Some("discounts")).collect()
        } else {
            Vec::new()
        };
        let record = self.record(own.iter().copied().chain(whole));
        let effects = self.edits();
        let update = Operation::Update { quote: quote.clone(), body };
        self.then(does, effects, update, record);
    }

    fn edit_lines(&mut self, seen: &Observed, quote: &Target) {
        let work = self.work;
        let mut changed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for change in work.changes.iter().filter(|c| c.path.list() == Some("items")) {
            if let Some(part) = change.path.part() {
                changed.entry(part).or_default().insert(change.path.field());
            }
        }
        let wanted: Vec<(String, &Item)> = {
            let items = work.desired.and_then(|q| q.items.set()).into_iter().flatten();
            items.map(|i| (format!("items[{}]", i.key), i)).collect()
        };
        let is_wanted = |part: &str| wanted.iter().any(|(p, _)| p == part);
        for part in changed.keys().filter(|p| !is_wanted(p)) {
            if let Some(id) = seen.parts.get(*part) {
                self.delete_line(part, id, quote, format!("delete line {}", key_of(part)));
            }
        }
        let mut add = Vec::new();
        let mut edit = Vec::new();
        for (part, item) in &wanted {
            let Some(fields) = changed.get(part.as_str()) else { continue };
            match seen.parts.get(part) {
                None => add.push((part.as_str(), *item, false)),
                Some(id) if notice::is_added_again(part, fields, seen) => {
                    let does = format!(
                        "delete line {} (a catalogue line takes no change but its quantity, so it is added again)",
                        item.key
                    );
                    self.delete_line(part, id, quote, does);
                    add.push((part.as_str(), *item, true));
                }
                Some(id) => edit.push((part.as_str(), *item, id, fields)),
            }
        }
        for (part, item, id, fields) in edit {
            self.update_line(part, item, id, fields, quote);
            if fields.contains("properties") {
                self.edit_pairs(part, item, id, quote);
            }
        }
        self.add_lines(&add, quote);
    }

    fn delete_line(&mut self, part: &str, id: &RemoteId, quote: &Target, does: String) {
        let record = Record { drops: vec![part.to_owned()], ..Record::default() };
        let effects = self.edits();
        let delete = Operation::DeleteLine { quote: quote.clone(), line: id.clone() };
        self.then(does, effects, delete, record);
    }

    fn update_line(
        &mut self,
        part: &str,
        item: &Item,
        id: &RemoteId,
        fields: &BTreeSet<&str>,
        quote: &Target,
    ) {
        let body = body::line(self.work.want, part, fields);
        if body.is_empty() {
            return;
        }
        let names: Vec<&str> = body.keys().map(String::as_str).collect();
        let does = format!("update line {}: {}", item.key, names.join(", "));
        let paths: Vec<Path> =
            fields.iter().filter(|f| **f != "properties").map(|f| Path::of(part, f)).collect();
        let record = self.record(&paths);
        let effects = self.edits();
        let update = Operation::UpdateLine { quote: quote.clone(), line: id.clone(), body };
        self.then(does, effects, update, record);
    }

    /// Pairs one by one: what is wrong is written, what is too much goes, what lacks is added.
    fn edit_pairs(&mut self, part: &str, item: &Item, id: &RemoteId, quote: &Target) {
        let none = Vec::new();
        let there = self.shop.properties.get(id).unwrap_or(&none);
        let wanted = item.properties.set().cloned().unwrap_or_default();
        let place = Path::of(part, "properties");
        let mut kept: BTreeSet<&str> = BTreeSet::new();
        for property in there.iter().filter(|p| p.key != super::STAMP_KEY) {
            let Some(at) = &property.id else { continue };
            let value = wanted.iter().find(|(k, _)| *k == property.key).map(|(_, v)| v);
            let first = kept.insert(&property.key);
            let (does, operation) = match value {
                Some(value) if first && *value == property.value => continue,
                Some(value) if first => (
                    format!("update property {} of line {}", property.key, item.key),
                    Operation::UpdateProperty {
                        quote: quote.clone(),
                        line: id.clone(),
                        property: at.clone(),
                        key: property.key.clone(),
                        value: value.clone(),
                    },
                ),
                _ => (
                    format!("delete property {} of line {}", property.key, item.key),
                    Operation::DeleteProperty {
                        quote: quote.clone(),
                        line: id.clone(),
                        property: at.clone(),
                    },
                ),
            };
            let record = self.record([&place]);
            let effects = self.edits();
            self.then(does, effects, operation, record);
        }
        let missing: Vec<(String, String)> =
            wanted.into_iter().filter(|(k, _)| !kept.contains(k.as_str())).collect();
        if !missing.is_empty() {
            self.add_pairs(part, &item.key, quote, LineAt::Known(id.clone()), missing);
        }
    }

    /// All new lines may share a request: each needs only what came before the first.
    fn add_lines(&mut self, lines: &[(&str, &Item, bool)], quote: &Target) {
        let mut added = Vec::new();
        for (part, item, again) in lines {
            let stamp = self.work.part_stamp.of(part);
            let mut body = body::new_line(self.work.want, part);
            let mut pairs = vec![body::stamp_pair(&stamp)];
            for (key, value) in item.properties.set().into_iter().flatten() {
                pairs.push(body::pair(key, value));
            }
            body.insert("item_properties".to_owned(), Plain::List(pairs));
            let mut record = self.record(self.work.want.keys().filter(|p| p.part() == Some(*part)));
            record.stamp = Some(stamp);
            record.part = Some((*part).to_owned());
            let does = format!("add line {}{}", item.key, if *again { " again" } else { "" });
            let add = AnyOperation::Quickquote(Operation::AddLine { quote: quote.clone(), body });
            let effects = self.edits();
            added.push(self.push(does, effects, add, record));
        }
        if !added.is_empty() {
            self.last = added;
        }
    }
}

fn key_of(part: &str) -> &str {
    part.split_once('[').map_or(part, |(_, key)| key.trim_end_matches(']'))
}
