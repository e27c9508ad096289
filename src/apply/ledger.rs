//! The ledger: the lockfile in memory while an apply runs.
//!
//! Purpose: one place that knows how facts reach the lockfile. What a step did goes through
//! [`fold`], the same function that replays the journal after a crash; what was merely seen
//! (adoption, read-back) is recorded here.
//!
//! Invariant: the recorded state is dropped the moment a step moves the state, and is written
//! again only when the read-back has seen it. A run that is killed in between therefore leaves a
//! quote that the next plan moves on, not one that looks as if a colleague had moved it.

use std::collections::BTreeMap;

use super::fold::fold;
use super::records::{self, Intent};
use crate::facts::Path;
use crate::failure::Failure;
use crate::key::{ConnectionName, QuoteName, RemoteId, Stamp, StepId};
use crate::lockfile::model::web_link;
use crate::lockfile::{Entry, Lockfile, RefRecord, Store};
use crate::money::Money;
use crate::plan::decide::state_fingerprint;
use crate::plan::diff::STATE;
use crate::plan::model::{Action, QuotePlan, Record};
use crate::provider::Made;
use crate::provider::step::{Effect, Outcome, Receipt, Step};
use crate::provider::survey::Observed;

/// The lockfile in memory, and the ids that this run was given.
#[derive(Debug)]
pub struct Ledger {
    lockfile: Lockfile,
    made: BTreeMap<QuoteName, Made>,
    /// What the upstreams said last that quotes come to.
    totals: BTreeMap<QuoteName, Money>,
    unsaved: Vec<StepId>,
}

impl Ledger {
    /// A ledger that starts from what is recorded.
    pub fn new(lockfile: Lockfile) -> Self {
        Self { lockfile, made: BTreeMap::new(), totals: BTreeMap::new(), unsaved: Vec::new() }
    }

    /// What is recorded now.
    pub fn lockfile(&self) -> &Lockfile {
        &self.lockfile
    }

    /// The entry of a quote.
    pub fn entry(&self, quote: &QuoteName) -> Option<&Entry> {
        self.lockfile.entries.get(quote)
    }

    /// Records what holds already: renames, adoptions, fields that are in place.
    pub fn prepare(&mut self, plan: &QuotePlan) {
        let Some(record) = &plan.record else { return };
        if plan.action == Action::Create {
            return;
        }
        let entries = &mut self.lockfile.entries;
        if plan.action == Action::Blocked {
            if let Some(entry) =
                entries.get_mut(&plan.quote).filter(|e| e.protect != record.protect)
            {
                entry.protect = record.protect;
                entry.generation = plan.basis.generation + 1;
            }
            return;
        }
        if let Some(was) = &record.was
            && let Some(entry) = entries.remove(was)
        {
            entries.entry(plan.quote.clone()).or_insert_with(|| entry.renamed(was));
        }
        let Some(id) = &plan.id else { return };
        let before = entries.get(&plan.quote).cloned();
        // A replacement has the next revision; the object that is there now has its own.
        let there = match plan.action {
            Action::Replace => record.revision.saturating_sub(1),
            _ => record.revision,
        };
        let entry = entries.entry(plan.quote.clone()).or_insert_with(|| {
            let mut entry = Entry::new(plan.connection.clone(), &*plan.provider, id.clone());
            entry.revision = there;
            entry
        });
        if plan.action == Action::Adopt && entry.id != *id {
            // Another object was found than the one that is recorded: a later revision, or one that
            // was made anew in the place of a lost one.
            let mut later = Entry::new(plan.connection.clone(), &*plan.provider, id.clone());
            later.revision = record.revision;
            later.generation = entry.generation;
            later.predecessor = if record.revision > entry.revision {
                Some(entry.id.clone())
            } else {
                entry.predecessor.clone()
            };
            *entry = later;
        }
        if plan.action == Action::Replace {
            // What holds for the old object says nothing about the new one.
            entry.protect = record.protect;
        } else {
            note(entry, plan, record);
        }
        if before.as_ref() != Some(&*entry) {
            entry.generation = plan.basis.generation + 1;
        }
    }

    /// Records an applied step.
    pub fn applied(&mut self, plan: Option<&QuotePlan>, step: &Step, id: Option<&RemoteId>) {
        let provider = plan.map_or("", |p| p.provider.as_str());
        if let (Some(quote), Some(id)) = (&step.quote, id) {
            self.made.entry(quote.clone()).or_default().insert(step.id.clone(), id.clone());
        }
        let made = step.quote.as_ref().and_then(|q| self.made.get(q)).cloned().unwrap_or_default();
        let intent = intent_of(step, plan, provider, &made);
        let receipt = records::Receipt::applied(step.id.clone(), id.cloned());
        let _folded = fold(&mut self.lockfile, &intent, &receipt);
        self.unsaved.push(step.id.clone());
    }

    /// Records what a read-back saw.
    pub fn seen(&mut self, quote: &QuoteName, observed: &Observed) {
        let Some(entry) = self.lockfile.entries.get_mut(quote) else { return };
        if entry.id != observed.id {
            return;
        }
        entry.stamp = observed.stamp.clone().or_else(|| entry.stamp.take());
        if entry.stamp.is_some() {
            // From here on the stamp says whose it is.
            entry.created = None;
        }
        entry.state = Some(observed.state.word());
        for (name, url) in &observed.links {
            if let Some(url) = web_link(url) {
                entry.links.insert(name.clone(), url);
            }
        }
        entry.parts.clone_from(&observed.parts);
        if let Some(total) = observed.total {
            entry.total = Some(total);
            self.totals.insert(quote.clone(), total);
        }
    }

    /// Takes in a quote that was found by its stamp and is not recorded, with what holds of it.
    /// `plan` is what would be done to it, if a plan could be made.
    pub fn take_in(
        &mut self,
        quote: &QuoteName,
        connection: &ConnectionName,
        provider: &str,
        plan: Option<&QuotePlan>,
        observed: &Observed,
    ) {
        let mut entry = Entry::new(connection.clone(), provider, observed.id.clone());
        entry.revision = observed.revision;
        entry.generation = 1;
        entry.predecessor.clone_from(&observed.superseded);
        if let Some(plan) = plan {
            // A quote that would be replaced holds nothing of its successor's.
            if let Some(record) = plan.record.as_ref().filter(|_| plan.action != Action::Replace) {
                note(&mut entry, plan, record);
            }
            entry.total = plan.total_before;
        }
        self.lockfile.entries.insert(quote.clone(), entry);
        self.seen(quote, observed);
    }

    /// Records the end of a quote; `whole` = everything that the plan promised is done. Gives the
    /// upstream's total where the plan promised another one.
    pub fn conclude(&mut self, plan: &QuotePlan, whole: bool) -> Option<Money> {
        if !whole {
            return None;
        }
        if matches!(plan.action, Action::Delete | Action::Forget) {
            self.lockfile.entries.remove(&plan.quote);
            return None;
        }
        let (Some(record), Some(entry)) =
            (&plan.record, self.lockfile.entries.get_mut(&plan.quote))
        else {
            return None;
        };
        let before = entry.clone();
        note(entry, plan, record);
        // Only now: as long as one part carries the earlier name's stamp, it is known by that name.
        let own = Stamp::new(&self.lockfile.workspace, &plan.quote, entry.revision, "");
        if entry.stamp.as_ref().is_none_or(|stamp| *stamp == own) {
            entry.was = None;
        }
        if let Some(state) = plan.state_after.as_ref().filter(|_| !plan.state_drifts()) {
            entry.fields.insert(Path::new(STATE), state_fingerprint(&plan.quote, state));
            entry.state.get_or_insert_with(|| state.word());
        }
        // What the customer sees is recorded, not what was computed.
        let there = self.totals.get(&plan.quote).copied();
        entry.total = there.or(plan.total_after).or(entry.total);
        if before != *entry {
            entry.generation = plan.basis.generation + 1;
        }
        there.filter(|there| plan.total_after.is_some_and(|planned| planned != *there))
    }

    /// Puts entries back as they were before the run.
    pub fn restore<'q>(
        &mut self,
        recorded: &Lockfile,
        quotes: impl IntoIterator<Item = &'q QuoteName>,
    ) {
        for quote in quotes {
            match recorded.entries.get(quote) {
                Some(entry) => self.lockfile.entries.insert(quote.clone(), entry.clone()),
                None => self.lockfile.entries.remove(quote),
            };
        }
    }

    /// Ids that earlier steps of these quotes gave.
    pub fn made_for(&self, steps: &[&Step]) -> Made {
        steps
            .iter()
            .filter_map(|step| step.quote.as_ref())
            .filter_map(|quote| self.made.get(quote))
            .flat_map(|made| made.iter().map(|(step, id)| (step.clone(), id.clone())))
            .collect()
    }

    /// The entries of these quotes as they are now.
    pub fn entries_for(&self, steps: &[&Step]) -> BTreeMap<QuoteName, Entry> {
        steps
            .iter()
            .filter_map(|step| step.quote.as_ref())
            .filter_map(|quote| Some((quote.clone(), self.entry(quote)?.clone())))
            .collect()
    }

    /// Replaces the lockfile, and gives the steps that are now recorded.
    pub fn save(&mut self, store: &Store) -> Result<Vec<StepId>, Failure> {
        store.save(&self.lockfile)?;
        Ok(std::mem::take(&mut self.unsaved))
    }
}

/// Brings a record's facts into an entry.
fn note(entry: &mut Entry, plan: &QuotePlan, record: &Record) {
    for path in &record.releases {
        entry.fields.remove(path);
    }
    entry.fields.extend(record.holds.iter().map(|(p, f)| (p.clone(), *f)));
    entry.parts.extend(record.parts.iter().map(|(p, id)| (p.clone(), id.clone())));
    entry.refs = record
        .refs
        .iter()
        .map(|(path, r)| (path.clone(), RefRecord { asked: r.asked, id: r.id.clone() }))
        .collect();
    entry.protect = record.protect;
    if entry.from.is_none() {
        entry.from.clone_from(&record.from);
    }
    if entry.stamp.is_none() {
        entry.stamp.clone_from(&record.stamp);
    }
    if record.stamped_as.is_some() {
        entry.was.clone_from(&record.stamped_as);
    }
    if entry.state.is_none() {
        entry.state = plan.state_before.as_ref().map(crate::provider::state::State::word);
    }
    if entry.links.is_empty() {
        entry.links =
            plan.links.iter().filter_map(|(n, url)| Some((n.clone(), web_link(url)?))).collect();
    }
}

/// A step as the journal writes it down.
pub fn intent_of(step: &Step, plan: Option<&QuotePlan>, provider: &str, made: &Made) -> Intent {
    let mut intent = Intent::new(step.id.clone(), step.connection.clone(), provider);
    intent.quote.clone_from(&step.quote);
    intent.part.clone_from(&step.part);
    intent.stamp.clone_from(&step.stamp);
    intent.creates = step.creates();
    intent.effects = step.effects.iter().map(|e| e.word().to_owned()).collect();
    intent.settles.clone_from(&step.settles);
    intent.drops.clone_from(&step.drops);
    if step.effects.contains(&Effect::Publish) {
        intent.drops.push(STATE.to_owned());
    }
    let Some(plan) = plan else { return intent };
    intent.generation = plan.basis.generation + 1;
    intent.revision = plan.record.as_ref().map_or(0, |r| r.revision);
    intent.protect = plan.record.as_ref().map(|r| r.protect);
    if !intent.creates {
        intent.target = quote_id(plan, made);
    } else if intent.part.is_some() {
        intent.owner = quote_id(plan, made);
    }
    if intent.creates
        && intent.part.is_none()
        && let Some(record) = &plan.record
    {
        intent.from.clone_from(&record.from);
        intent.refs = record
            .refs
            .iter()
            .map(|(p, r)| (p.clone(), RefRecord { asked: r.asked, id: r.id.clone() }))
            .collect();
    }
    intent
}

/// The remote quote that a plan's edits work on: the one it makes, else the one it found.
fn quote_id(plan: &QuotePlan, made: &Made) -> Option<RemoteId> {
    match plan.steps.iter().find(|s| s.creates() && s.part.is_none()) {
        Some(create) => made.get(&create.id).cloned(),
        None => plan.id.clone(),
    }
}

/// A receipt as the journal writes it down. The upstream's words stay out of it.
pub fn receipt_of(receipt: &Receipt) -> records::Receipt {
    let step = receipt.step.clone();
    match &receipt.outcome {
        Outcome::Applied(id) => records::Receipt::applied(step, id.clone()),
        Outcome::Rejected(_) => records::Receipt::new(step, records::Outcome::Rejected),
        Outcome::Unknown(_) => records::Receipt::new(step, records::Outcome::Unknown),
        Outcome::NotSent(_) => records::Receipt::new(step, records::Outcome::NotSent),
    }
}
