//! One decision a quote: from manifest, record and sight to an action.
//!
//! Invariants: a decision never depends on another quote. What a customer or an approver decided
//! is a fact, shown and never repaired. A state that fell behind without the manifest having
//! changed is drift, shown and not repaired. A locked quote is touched only as its manifest says
//! (`lifecycle.when_locked`).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::diff::{self, Comparison, Ownership};
use super::model::{Action, Basis, Change, ChangeOrigin, QuotePlan, Record};
use super::order;
use super::settle::{settle_immutable, settle_lock, settle_state, show_drift};
use super::unread::unread;
use crate::desired::{Quote, WantedState};
use crate::facts::{self, Facts, Path, Value};
use crate::key::{ConnectionName, Fingerprint, QuoteName, Stamp, WorkspaceName};
use crate::lockfile::{Entry, Provenance};
use crate::money::Money;
use crate::provider::state::{Move, State};
use crate::provider::step::{PartStamp, Work};
use crate::provider::survey::{Observed, Sight, Survey};
use crate::provider::{Dialect, Mutability};

/// All that is known of one quote when the decision is made.
#[derive(Clone, Copy)]
pub struct Case<'a> {
    /// The workspace.
    pub workspace: &'a WorkspaceName,
    /// The quote.
    pub quote: &'a QuoteName,
    /// The connection.
    pub connection: &'a ConnectionName,
    /// The manifest, if there is one.
    pub desired: Option<&'a Quote>,
    /// The lockfile entry, if there is one.
    pub entry: Option<&'a Entry>,
    /// The earlier name of the entry (`was:`).
    pub was: Option<&'a QuoteName>,
    /// The earlier name under which the remote stamps may still be made.
    pub stamped_as: Option<&'a QuoteName>,
    /// The entry that the quote was migrated from, where it has none of its own.
    pub source: Option<&'a Entry>,
    /// What was seen.
    pub sight: &'a Sight,
    /// What must hold; empty without a manifest.
    pub want: &'a Facts,
    /// Whether orphaned quotes are deleted.
    pub prune: bool,
    /// Whether a quote that is recorded without a stamp is to get one.
    pub restamp: bool,
}

/// A decision: the plan of the quote without its steps, and what the steps are made from.
#[derive(Debug)]
pub struct Decision {
    /// The plan, with `steps` and `want` still empty.
    pub plan: QuotePlan,
    /// Whether steps are to be made.
    pub active: bool,
    /// The state to bring about.
    pub state: Option<State>,
    /// Whether the quote must be unlocked first.
    pub unlock: bool,
    /// The stamp it must carry.
    pub stamp: Stamp,
    /// Its revision.
    pub revision: u32,
}

impl Case<'_> {
    /// What is recorded of the quote's fields. Fingerprints are bound to the quote's name; after a
    /// rename, those of the earlier name that say what is wanted now are given under the new one.
    pub(super) fn recorded_fields(&self) -> Option<Cow<'_, BTreeMap<Path, Fingerprint>>> {
        let entry = self.entry?;
        // Renamed twice, they may be bound to either of the earlier names.
        let earlier: Vec<&QuoteName> =
            self.was.into_iter().chain(&entry.was).filter(|was| *was != self.quote).collect();
        if earlier.is_empty() {
            return Some(Cow::Borrowed(&entry.fields));
        }
        let mut fields = entry.fields.clone();
        for (path, recorded) in &mut fields {
            let same = self.want.get(path).filter(|v| {
                earlier.iter().any(|earlier| v.fingerprint(earlier, path) == *recorded)
            });
            if let Some(value) = same {
                *recorded = value.fingerprint(self.quote, path);
            }
        }
        let path = Path::new(diff::STATE);
        if let (Some(recorded), Some(desired)) = (fields.get_mut(&path), self.desired) {
            let wanted = wanted_state(desired);
            if earlier.iter().any(|earlier| *recorded == state_fingerprint(earlier, &wanted)) {
                *recorded = state_fingerprint(self.quote, &wanted);
            }
        }
        Some(Cow::Owned(fields))
    }
}

impl Decision {
    /// The decision as the provider needs it to make steps.
    pub fn work<'a>(&'a self, case: &Case<'a>) -> Work<'a> {
        let observed = match case.sight {
            Sight::Found(observed) => Some(&**observed),
            _ => None,
        };
        Work {
            quote: case.quote,
            connection: case.connection,
            desired: case.desired,
            action: self.plan.action,
            want: case.want,
            observed,
            changes: self
                .plan
                .changes
                .iter()
                .filter(|c| c.planned && !is_bookkeeping(&c.path))
                .collect(),
            state: self.state.clone(),
            unlock: self.unlock,
            stamp: self.stamp.clone(),
            part_stamp: PartStamp {
                workspace: case.workspace,
                quote: case.quote,
                revision: self.revision,
            },
            renaming: case.was.is_some() || case.entry.is_some_and(|e| e.was.is_some()),
            revision: self.revision,
        }
    }
}

fn is_bookkeeping(path: &Path) -> bool {
    matches!(path.as_str(), diff::STATE | RENAMED)
}

/// The path under which a rename is shown.
pub const RENAMED: &str = "quote";

/// Decides what happens to one quote.
pub fn decide(case: &Case<'_>, dialect: &dyn Dialect, survey: &Survey) -> Decision {
    let mut decision = blank(case, dialect);
    match (case.desired, case.sight) {
        (_, Sight::Foreign { why, .. }) => {
            decision.plan.ownership_conflict = true;
            block(
                &mut decision.plan,
                why.clone(),
                "restore the entry from git, or take it out with `proforma lock forget`; an id must never be moved between quotes by hand",
            );
        }
        (_, Sight::Found(observed)) if is_another(case, observed) => {
            decision.plan.ownership_conflict = true;
            block(
                &mut decision.plan,
                format!(
                    "{} was made at {}, and the quote that is recorded under this id at another time",
                    observed.id,
                    observed.created.as_deref().unwrap_or_default()
                ),
                "restore the entry from git, or take it out with `proforma lock forget`; an id must never be moved between quotes by hand",
            );
        }
        (Some(desired), Sight::Unverifiable(why)) if case.entry.is_some() => {
            unread(case, desired, why, dialect, survey, &mut decision);
        }
        (_, Sight::Unverifiable(why)) => {
            decision.plan.action = Action::Unverifiable;
            decision.plan.reason = Some(why.clone());
        }
        (None, sight) => without_manifest(case, sight, dialect, &mut decision),
        (Some(desired), Sight::Absent | Sight::Gone) => {
            create(case, desired, dialect, survey, &mut decision);
        }
        (Some(desired), Sight::Found(observed)) => {
            existing(case, desired, observed, dialect, survey, &mut decision);
        }
    }
    decision
}

/// Whether a quote without a stamp is not the one that was imported under this name.
fn is_another(case: &Case<'_>, observed: &Observed) -> bool {
    let recorded = case.entry.filter(|e| e.stamp.is_none() && e.id == observed.id);
    let recorded = recorded.and_then(|e| e.created.as_ref()).filter(|_| observed.stamp.is_none());
    recorded.zip(observed.created.as_ref()).is_some_and(|(then, now)| then != now)
}

/// A quote that could not be looked at: blocked, and nothing is planned for it.
pub fn unseen(case: &Case<'_>, dialect: &dyn Dialect) -> QuotePlan {
    let mut plan = blank(case, dialect).plan;
    plan.action = Action::Blocked;
    plan
}

fn blank(case: &Case<'_>, dialect: &dyn Dialect) -> Decision {
    let observed = match case.sight {
        Sight::Found(observed) => Some(&**observed),
        _ => None,
    };
    let revision =
        observed.map(|o| o.revision).or(case.entry.map(|e| e.revision)).unwrap_or_default();
    let title = case
        .desired
        .and_then(|d| d.title.set().cloned())
        .or_else(|| observed.and_then(|o| text_of(&o.facts, "title")));
    let links = observed.map(|o| o.links.clone()).or_else(|| case.entry.map(|e| e.links.clone()));
    Decision {
        plan: QuotePlan {
            quote: case.quote.clone(),
            connection: case.connection.clone(),
            provider: dialect.name().to_owned(),
            action: Action::None,
            id: observed.map(|o| o.id.clone()).or_else(|| case.entry.map(|e| e.id.clone())),
            title,
            changes: Vec::new(),
            steps: Vec::new(),
            reason: None,
            help: None,
            ownership_conflict: false,
            unsettled: false,
            waits_for: None,
            notices: Vec::new(),
            state_before: observed.map(|o| o.state.clone()),
            state_after: None,
            total_before: None,
            total_after: None,
            discount: case.desired.and_then(super::guardrails::discount_share),
            links: links.unwrap_or_default(),
            basis: Basis {
                manifest: case.desired.map(|d| d.fingerprint),
                observed: observed.map(|o| sight_fingerprint(case.quote, o)),
                generation: case.entry.map_or(0, |e| e.generation),
                recorded: case.entry.map(|e| e.id.clone()),
            },
            want: Facts::new(),
            record: None,
        },
        active: false,
        state: None,
        unlock: false,
        stamp: Stamp::new(case.workspace, case.quote, revision, ""),
        revision,
    }
}

/// The fingerprint of a quote as seen: id, state and facts. The upstream's own version is left
/// out, since hidden writes move it.
pub fn sight_fingerprint(quote: &QuoteName, observed: &Observed) -> Fingerprint {
    let facts = facts::fingerprint_of(quote, &observed.facts);
    let stamp = observed.stamp.as_ref().map_or("", Stamp::as_str);
    Fingerprint::of_parts(
        "proforma 2026 sight 1",
        &[observed.id.as_str(), &observed.raw_state, stamp, &facts.to_string()],
    )
}

fn text_of(facts: &Facts, path: &str) -> Option<String> {
    match facts.get(&Path::new(path)) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Takes back everything that was planned for a quote after all.
pub fn hold(plan: &mut QuotePlan, reason: String, help: String) {
    block(plan, reason, help);
    plan.steps.clear();
    plan.notices.clear();
    plan.record = None;
    plan.state_after.clone_from(&plan.state_before);
}

pub(super) fn block(plan: &mut QuotePlan, reason: impl Into<String>, help: impl Into<String>) {
    plan.action = Action::Blocked;
    plan.reason = Some(reason.into());
    plan.help = Some(help.into());
    for change in &mut plan.changes {
        change.planned = false;
    }
    plan.total_after = plan.total_before;
}

fn without_manifest(
    case: &Case<'_>,
    sight: &Sight,
    dialect: &dyn Dialect,
    decision: &mut Decision,
) {
    let plan = &mut decision.plan;
    let protected = case.entry.is_some_and(|e| e.protect);
    if let Sight::Found(observed) = sight {
        plan.total_before = observed.total;
        plan.total_after = observed.total;
        if case.prune && protected {
            block(
                plan,
                "its manifest is gone, but the quote is protected (`lifecycle.protect`), so it is not deleted",
                "bring the manifest back with `protect: false` and apply, then remove it; or take the entry out with `proforma lock forget`",
            );
        } else if case.prune
            && observed.stamp.is_none()
            && case.entry.is_some_and(|e| e.stamp.is_none())
        {
            // An import that was cut off leaves entries whose manifests have no names yet, and what
            // was never written from here carries no sign that it is ours.
            block(
                plan,
                "its manifest is gone, and it was imported: nothing upstream says that it is this workspace's to delete",
                format!(
                    "bring the manifest back (if the import was cut off: run it again); or delete the quote upstream and take the entry out with `proforma lock forget {}`",
                    case.quote
                ),
            );
        } else if case.prune
            && let Mutability::CreateOnly(old) = dialect.mutability()
        {
            block(
                plan,
                "its manifest is gone, and the provider cannot delete a quote",
                format!(
                    "{old}; then take the entry out with `proforma lock forget {}`",
                    case.quote
                ),
            );
        } else if case.prune {
            plan.action = Action::Delete;
            plan.total_after = None;
            decision.active = true;
        } else {
            plan.action = Action::Orphaned;
            plan.reason = Some("its manifest is gone; the quote upstream is left alone".to_owned());
            plan.help = Some(
                    "bring the manifest back, delete the quote with `--prune`, or take the entry out with `proforma lock forget`"
                        .to_owned(),
                );
        }
    } else {
        plan.action = Action::Forget;
        plan.reason = Some(
            "its manifest is gone, and so is the quote upstream; the entry is dropped".to_owned(),
        );
    }
}

/// What the manifest owns of lists and sets, and what it ignores.
pub fn ownership_of(desired: &Quote) -> Ownership {
    let mut whole = BTreeSet::new();
    let mut by_element = BTreeSet::new();
    for (owned, list) in [
        (desired.items.is_owned(), "items"),
        (desired.discounts.is_owned(), "discounts"),
        (desired.fees.is_owned(), "fees"),
        (desired.taxes.is_owned(), "taxes"),
    ] {
        if owned {
            whole.insert(list);
        }
    }
    if desired.contacts.is_owned() || desired.customer.is_some() {
        by_element.insert("contacts");
    }
    Ownership { whole, by_element, ignore: desired.lifecycle.ignore.clone() }
}

/// What is recorded of a quote that is blocked: its protection takes no write upstream, and must
/// hold when its manifest goes.
fn protection(case: &Case<'_>, desired: &Quote, revision: u32) -> Option<Record> {
    let protect = desired.lifecycle.protect;
    case.entry.filter(|e| e.protect != protect).map(|entry| Record {
        stamp: entry.stamp.clone(),
        stamped_as: None,
        revision,
        protect,
        was: None,
        from: None,
        refs: BTreeMap::new(),
        holds: BTreeMap::new(),
        parts: BTreeMap::new(),
        releases: Vec::new(),
    })
}

pub(super) fn record(
    case: &Case<'_>,
    desired: &Quote,
    survey: &Survey,
    decision: &Decision,
    compared: &Comparison,
    observed: Option<&Observed>,
) -> Record {
    let mut holds = compared.holds.clone();
    // What is waited for does not hold yet: recorded, its arrival would look like drift.
    if decision.state.is_none()
        && decision.plan.waits_for.is_none()
        && let Some(wanted) = &decision.plan.state_after
        // Drift is shown and not accepted: recorded, it would look as if the manifest had changed.
        && !decision.plan.state_drifts()
    {
        holds.insert(Path::new(diff::STATE), state_fingerprint(case.quote, wanted));
    }
    Record {
        stamp: match observed {
            Some(observed) => observed.stamp.clone(),
            None => Some(decision.stamp.clone()),
        },
        stamped_as: case.stamped_as.filter(|name| found_under(case, name, observed)).cloned(),
        revision: decision.revision,
        protect: desired.lifecycle.protect,
        was: case.was.filter(|_| case.entry.is_some()).cloned(),
        from: case
            .source
            .map(|e| Provenance { connection: e.connection.clone(), id: e.id.clone() }),
        refs: survey.refs.get(case.quote).cloned().unwrap_or_default(),
        holds,
        parts: observed.map(|o| o.parts.clone()).unwrap_or_default(),
        releases: compared.releases.clone(),
    }
}

/// Whether a quote carries the stamp of an earlier name.
fn found_under(case: &Case<'_>, name: &QuoteName, observed: Option<&Observed>) -> bool {
    observed.is_some_and(|o| {
        o.stamp.as_ref() == Some(&Stamp::new(case.workspace, name, o.revision, ""))
    })
}

/// The fingerprint under which a wanted state is recorded.
pub fn state_fingerprint(quote: &QuoteName, state: &State) -> Fingerprint {
    Value::text(state.word()).fingerprint(quote, &Path::new(diff::STATE))
}

pub(super) fn wanted_state(desired: &Quote) -> State {
    State::Plain(desired.state.unwrap_or(WantedState::Draft))
}

pub(super) fn state_change(
    before: Option<&State>,
    after: &State,
    origin: ChangeOrigin,
    planned: bool,
) -> Change {
    Change {
        path: Path::new(diff::STATE),
        before: before.map(|s| Value::text(s.word())),
        after: Some(Value::text(after.word())),
        origin,
        planned,
    }
}

fn create(
    case: &Case<'_>,
    desired: &Quote,
    dialect: &dyn Dialect,
    survey: &Survey,
    decision: &mut Decision,
) {
    let compared = diff::compare(case.quote, case.want, None, None, &ownership_of(desired));
    let wanted = wanted_state(desired);
    if matches!(case.sight, Sight::Gone) {
        decision.plan.notices.push(format!(
            "the recorded quote{} is gone upstream; it is made anew",
            case.entry.map(|e| format!(" {}", e.id)).unwrap_or_default()
        ));
    }
    decision.plan.action = Action::Create;
    decision.plan.id = None;
    decision.plan.links.clear();
    decision.plan.changes.clone_from(&compared.changes);
    decision.plan.state_after = Some(wanted.clone());
    decision.plan.total_after = dialect.total(case.want);
    decision.active = true;
    match dialect.transition(None, &wanted) {
        Move::InPlace => {}
        Move::Write(_) => decision.state = Some(wanted.clone()),
        Move::Wait(who) => decision.plan.waits_for = Some(who),
        Move::Refused(why) => {
            block(
                &mut decision.plan,
                why,
                "ask for a state that the provider can set; `proforma providers` lists them",
            );
            decision.active = false;
            return;
        }
    }
    decision.plan.changes.push(state_change(None, &wanted, ChangeOrigin::Manifest, true));
    order::sort(&mut decision.plan.changes, case.want, None);
    decision.plan.record = Some(record(case, desired, survey, decision, &compared, None));
}

fn existing(
    case: &Case<'_>,
    desired: &Quote,
    observed: &Observed,
    dialect: &dyn Dialect,
    survey: &Survey,
    decision: &mut Decision,
) {
    let renamed = case.was.filter(|_| case.entry.is_some());
    // A record of an earlier revision than the one that is there now says nothing of it.
    let overtaken = case.entry.is_some_and(|e| e.id != observed.id);
    let recorded = case.recorded_fields().filter(|_| !overtaken);
    let recorded = recorded.as_deref();
    let ownership = ownership_of(desired);
    let mut compared =
        diff::compare(case.quote, case.want, recorded, Some(&observed.facts), &ownership);
    let wanted = wanted_state(desired);
    let state_recorded = recorded.and_then(|f| f.get(&Path::new(diff::STATE)));
    compared.manifest_changed |= state_recorded != Some(&state_fingerprint(case.quote, &wanted));

    let plan = &mut decision.plan;
    plan.changes.clone_from(&compared.changes);
    plan.total_before = total_there(dialect, observed);
    plan.state_after = Some(wanted.clone());
    for path in &compared.releases {
        if observed.facts.get(path).is_some_and(|v| !v.is_empty()) {
            plan.notices.push(format!(
                "`{path}` is no longer in the manifest: it stays upstream as it is (write `null` to clear it)"
            ));
        }
    }

    let settled = settle_state(&wanted, observed, dialect, compared.manifest_changed, decision);
    let create_only = matches!(dialect.mutability(), Mutability::CreateOnly(_));
    if create_only {
        show_drift(&mut decision.plan);
    }
    let editing = decision.plan.changes.iter().any(|c| c.planned);
    if settled && editing {
        match dialect.mutability() {
            Mutability::CreateOnly(old) => settle_immutable(case, desired, old, decision),
            Mutability::Editable if observed.locked => {
                settle_lock(case, desired, observed, decision);
            }
            Mutability::Editable => {}
        }
    }
    let plan = &mut decision.plan;
    if plan.action == Action::Blocked {
        decision.state = None;
        order::sort(&mut plan.changes, case.want, Some(&observed.facts));
        decision.plan.record = protection(case, desired, decision.revision);
        return;
    }
    if let Some(state) = &decision.state
        && !plan.changes.iter().any(|c| c.path.as_str() == diff::STATE)
        && *state != observed.state
    {
        plan.changes.push(state_change(Some(&observed.state), state, ChangeOrigin::Manifest, true));
    }
    if let Some(was) = renamed {
        plan.changes.push(Change {
            path: Path::new(RENAMED),
            before: Some(Value::text(was.as_str())),
            after: Some(Value::text(case.quote.as_str())),
            origin: ChangeOrigin::Manifest,
            planned: true,
        });
    }
    let stamps = case.restamp
        && case.entry.is_some_and(|e| e.stamp.is_none())
        && observed.stamp.is_none()
        && !observed.locked
        && !observed.state.is_decided()
        && dialect.restamps();
    let writes = editing || stamps || decision.state.is_some() || observed.superseded.is_some();
    if plan.action == Action::None {
        plan.action = match case.entry {
            None => Action::Adopt,
            Some(_) if overtaken => Action::Adopt,
            Some(_) if writes || renamed.is_some() => Action::Update,
            Some(_) => Action::None,
        };
    }
    decision.active = writes;
    plan.total_after =
        if editing { total_then(case, observed, dialect, plan) } else { plan.total_before };
    if editing {
        plan.notices.extend(dialect.remarks(&plan.changes, observed));
    }
    if observed.state.is_live() && writes {
        plan.notices.extend(dialect.noticed(&plan.changes));
    }
    order::sort(&mut plan.changes, case.want, Some(&observed.facts));
    if plan.action == Action::Replace {
        // A replacement is a new object: nothing of the old one holds for it.
        compared.holds.clear();
    }
    let whole = record(
        case,
        desired,
        survey,
        decision,
        &compared,
        Some(observed).filter(|_| decision.plan.action != Action::Replace),
    );
    decision.plan.record = needs_record(case.entry, &whole, decision).then_some(whole);
}

/// What the customer pays now. Computed where all was read that it is made of; else the upstream's
/// own word, since a list that the manifest does not own is not always read.
fn total_there(dialect: &dyn Dialect, observed: &Observed) -> Option<Money> {
    let computed = || dialect.total(&observed.facts);
    if observed.whole {
        return computed().or(observed.total);
    }
    let has_items = observed.facts.keys().any(|path| path.list() == Some("items"));
    observed.total.or_else(|| computed().filter(|_| has_items))
}

/// What the customer will pay, or `None` where something of it is not known: a fee that a colleague
/// added, and that no manifest owns, is not in what was read.
fn total_then(
    case: &Case<'_>,
    observed: &Observed,
    dialect: &dyn Dialect,
    plan: &QuotePlan,
) -> Option<Money> {
    let moves = |path: &Path| {
        let head = path.as_str().split(['.', '[']).next().unwrap_or_default();
        ["items", "discounts", "fees", "taxes", "shipping", "currency"].contains(&head)
    };
    if !observed.whole {
        if !plan.changes.iter().any(|c| c.planned && moves(&c.path)) {
            return plan.total_before;
        }
        let read = dialect.total(&observed.facts);
        if observed.total.is_some_and(|there| read != Some(there)) {
            return None;
        }
    }
    dialect.total(&diff::overlay(Some(&observed.facts), case.want, &plan.changes))
}

/// Whether anything in the lockfile would become different.
fn needs_record(entry: Option<&Entry>, record: &Record, decision: &Decision) -> bool {
    let Some(entry) = entry else { return true };
    decision.active
        || decision.plan.action.is_pending()
        || record.was.is_some()
        || entry.protect != record.protect
        || !record.releases.is_empty()
        || record.holds.iter().any(|(path, fp)| entry.fields.get(path) != Some(fp))
        || record.parts.iter().any(|(part, id)| entry.parts.get(part) != Some(id))
        || record.refs.iter().any(|(path, r)| {
            entry.refs.get(path).is_none_or(|e| e.id != r.id || e.asked != r.asked)
        })
}
