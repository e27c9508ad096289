//! A plan without a look upstream: manifests against what the lockfile records.
//!
//! For pipelines without credentials (a pull request from a fork). The lockfile holds fingerprints, so
//! a changed field is known to be changed, and what it was is not. What only an upstream can tell
//! (a reference by name, the form of a property) is said to be unknown.
//!
//! Invariants: pure; no step, no effect, no observed fact; what it says of a quote is what the
//! manifest will ask for, never what is there. Such a plan is marked `offline`, and is neither saved
//! nor applied.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::build::{Subject, Terms, digest, unseen};
use super::decide::{RENAMED, ownership_of, state_change, state_fingerprint, wanted_state};
use super::diff;
use super::model::{Action, Change, ChangeOrigin, Plan, QuotePlan};
use super::order;
use crate::desired::{Quote, WantedState, WhenImmutable, WhenLocked};
use crate::facts::{Facts, Path, Value};
use crate::failure::Diagnostic;
use crate::key::{ConnectionName, QuoteName, RemoteId, WorkspaceName};
use crate::lockfile::Entry;
use crate::provider::state::State;
use crate::provider::survey::{Lore, Observed, Resolved, Sight, Survey};
use crate::provider::{Dialect, Mutability};

/// What stands in the place of an id that was not looked up.
const UNRESOLVED: &str = "unresolved-";

/// The dialects of the connections at hand.
pub type Dialects = BTreeMap<ConnectionName, Arc<dyn Dialect>>;

/// The facts of a manifest as far as they can be told without its upstream.
#[derive(Debug)]
pub struct Known {
    /// The facts. References that are not resolved have a label and a placeholder for an id.
    pub facts: Facts,
    /// The references that only the upstream can resolve: what they say, by manifest path.
    pub unresolved: BTreeMap<String, String>,
}

/// Whether the value at a path rests on a reference that was not resolved.
fn is_open(path: &Path, value: &Value) -> bool {
    let placeholder = matches!(value, Value::Ref { id, .. } if id.starts_with(UNRESOLVED));
    placeholder || path.part().is_some_and(|part| part.contains(UNRESOLVED))
}

/// The facts of a manifest without its upstream; `Err` = what is in the way of telling them.
pub fn known(
    dialect: &dyn Dialect,
    quote: &Quote,
    entry: Option<&Entry>,
) -> Result<Known, Vec<Diagnostic>> {
    let mut unresolved = BTreeMap::new();
    let mut refs = BTreeMap::new();
    for (n, (path, asked)) in dialect.references(quote).into_iter().enumerate() {
        let recorded = entry.and_then(|e| e.refs.get(&path)).filter(|r| r.asked == asked.asked);
        let id = recorded.map(|r| r.id.clone()).or(asked.id);
        let Some(id) = id.or_else(|| {
            unresolved.insert(path.clone(), asked.label.clone());
            RemoteId::parse(&format!("{UNRESOLVED}{n}"))
        }) else {
            continue;
        };
        refs.insert(path, Resolved { asked: asked.asked, id, label: asked.label });
    }
    // As if the quote were there and empty: what a creation needs is checked by itself.
    let seen = Observed {
        id: entry.map_or_else(placeholder, |e| Some(e.id.clone())).ok_or_else(Vec::new)?,
        stamp: entry.and_then(|e| e.stamp.clone()),
        revision: entry.map_or(0, |e| e.revision),
        state: State::Plain(WantedState::Draft),
        raw_state: String::new(),
        locked: false,
        created: None,
        facts: template(&refs),
        parts: BTreeMap::new(),
        links: BTreeMap::new(),
        total: None,
        whole: true,
        superseded: None,
    };
    let survey = Survey {
        sights: BTreeMap::from([(quote.name.clone(), Sight::Found(Box::new(seen)))]),
        refs: BTreeMap::from([(quote.name.clone(), refs)]),
        problems: Vec::new(),
        lore: Lore::None,
    };
    dialect.facts(quote, &survey).map(|facts| Known { facts, unresolved })
}

fn placeholder() -> Option<RemoteId> {
    RemoteId::parse(UNRESOLVED)
}

/// Some providers fix the template of a quote: without a look it is taken to be the wanted one.
fn template(refs: &BTreeMap<String, Resolved>) -> Facts {
    let fact = refs.get("template").map(|known| {
        let id = known.id.as_str().to_owned();
        (Path::new("template"), Value::Ref { id, label: known.label.clone() })
    });
    fact.into_iter().collect()
}

/// Makes the plan.
pub fn build(
    workspace: &WorkspaceName,
    subjects: &[Subject<'_>],
    dialects: &Dialects,
    terms: &Terms,
) -> (Plan, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    let mut plan = Plan {
        format: 1,
        kind: "plan".to_owned(),
        id: String::new(),
        workspace: workspace.clone(),
        offline: true,
        prune: terms.prune,
        overrides: terms.overrides.clone(),
        allowed: terms.allowed.clone(),
        preparations: Vec::new(),
        quotes: Vec::new(),
        requests: BTreeMap::new(),
    };
    for subject in subjects {
        match dialects.get(subject.connection) {
            Some(dialect) => {
                let dialect = &**dialect;
                let mut row = unseen(workspace, subject, dialect);
                row.action = Action::None;
                settle(subject, dialect, terms.prune, &mut row, &mut diagnostics);
                plan.quotes.push(row);
            }
            None => diagnostics.push(
                Diagnostic::error(
                    "connection-unknown",
                    format!(
                        "`{}` is recorded on connection `{}`, which the workspace does not have",
                        subject.quote, subject.connection
                    ),
                )
                .help(
                    "bring the connection back, or take the entry out with `proforma lock forget`",
                )
                .about(subject.quote),
            ),
        }
    }
    plan.id = digest(&plan);
    (plan, diagnostics)
}

fn settle(
    subject: &Subject<'_>,
    dialect: &dyn Dialect,
    prune: bool,
    row: &mut QuotePlan,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Some(desired) = subject.desired else {
        orphan(subject, prune, row);
        return;
    };
    if let Some(entry) = subject.entry.filter(|e| e.connection != *subject.connection) {
        row.action = Action::Blocked;
        row.reason = Some(format!(
            "it is recorded on connection `{}` (id {}), but its manifest says `{}`",
            entry.connection, entry.id, subject.connection
        ));
        row.help = Some(format!(
            "give the quote on `{}` a name of its own, or leave the old one behind with `proforma lock forget {}`",
            subject.connection, subject.quote
        ));
        return;
    }
    if subject.entry.is_none() {
        diagnostics.extend(dialect.check_new(desired).into_iter().map(|d| d.about(&desired.name)));
    }
    let known = match known(dialect, desired, subject.entry) {
        Ok(known) => known,
        Err(found) => {
            row.action = Action::Unverifiable;
            row.reason = Some("what it asks for cannot be told without a look upstream".to_owned());
            diagnostics.extend(found.into_iter().map(|d| d.about(&desired.name)));
            return;
        }
    };
    match subject.entry {
        None => create(desired, &known, dialect, row),
        Some(entry) => compare(subject, desired, entry, &known, dialect, row),
    }
    if !known.unresolved.is_empty() && row.action.is_pending() && subject.entry.is_some() {
        let names: Vec<String> = known.unresolved.keys().map(|p| format!("`{p}`")).collect();
        row.notices.push(format!("resolved upstream, so not known here: {}", names.join(", ")));
    }
    row.want = known.facts;
    order::sort(&mut row.changes, &row.want, None);
}

fn orphan(subject: &Subject<'_>, prune: bool, row: &mut QuotePlan) {
    let protected = subject.entry.is_some_and(|e| e.protect);
    row.action = Action::Orphaned;
    row.reason = Some(match (prune, protected) {
        (true, true) => "its manifest is gone, but the quote is protected (`lifecycle.protect`), so it is not deleted",
        (true, false) => "its manifest is gone; `--prune` would delete it, if it is still there",
        (false, _) => "its manifest is gone; the quote upstream is left alone",
    }.to_owned());
    row.help = Some(
        "bring the manifest back, delete the quote with `--prune`, or take the entry out with `proforma lock forget`"
            .to_owned(),
    );
}

fn change(path: &Path, after: Option<Value>) -> Change {
    Change {
        path: path.clone(),
        before: None,
        after,
        origin: ChangeOrigin::Manifest,
        planned: true,
    }
}

fn create(desired: &Quote, known: &Known, dialect: &dyn Dialect, row: &mut QuotePlan) {
    row.action = Action::Create;
    let state = wanted_state(desired);
    let set = known.facts.iter().filter(|(_, value)| !value.is_empty());
    // An id that nobody has looked up is no fact to show; what is asked for is.
    let told = set.filter(|(path, value)| !is_open(path, value));
    row.changes = told.map(|(path, value)| change(path, Some(value.clone()))).collect();
    row.changes.extend(known.unresolved.iter().map(|(path, label)| {
        change(&Path::new(path), Some(Value::text(format!("{label} (to be looked up)"))))
    }));
    row.changes.push(state_change(None, &state, ChangeOrigin::Manifest, true));
    row.state_after = Some(state);
    row.total_after = dialect.total(&known.facts);
}

fn compare(
    subject: &Subject<'_>,
    desired: &Quote,
    entry: &Entry,
    known: &Known,
    dialect: &dyn Dialect,
    row: &mut QuotePlan,
) {
    let names: Vec<&QuoteName> =
        [Some(subject.quote), subject.was, subject.stamped_as].into_iter().flatten().collect();
    let ownership = ownership_of(desired);
    let mut unknown: BTreeSet<String> = known.unresolved.keys().cloned().collect();
    for (path, value) in known.facts.iter().filter(|(path, _)| !ownership.ignores(path)) {
        let recorded = entry.fields.get(path);
        if names.iter().any(|name| recorded == Some(&value.fingerprint(name, path))) {
            continue;
        }
        if is_open(path, value) {
            continue;
        }
        // What was never recorded and says nothing changes nothing.
        if recorded.is_none() && value.is_empty() {
            continue;
        }
        if dialect.form_is_upstream(path) {
            unknown.insert(path.as_str().to_owned());
        } else {
            row.changes.push(change(path, (!value.is_empty()).then(|| value.clone())));
        }
    }
    removed(entry, known, &ownership, row);
    state(&names, desired, entry, row, &mut unknown);
    if let Some(was) = subject.was {
        row.changes.push(Change {
            before: Some(Value::text(was.as_str())),
            ..change(&Path::new(RENAMED), Some(Value::text(subject.quote.as_str())))
        });
    }
    fate(desired, entry, dialect, row);
    if row.changes.is_empty() && !unknown.is_empty() {
        let fields: Vec<String> = unknown.iter().map(|p| format!("`{p}`")).collect();
        row.action = Action::Unverifiable;
        row.reason = Some(format!(
            "nothing else differs from the lockfile, but only the upstream can tell {}",
            fields.join(", ")
        ));
    }
    if row.changes.is_empty() && unknown.is_empty() {
        row.total_before = entry.total;
        row.total_after = entry.total;
    } else if desired.owns_its_total() && unknown.is_empty() && entry.total.is_some() {
        row.total_after = dialect.total(&known.facts);
        // One side alone would look like a rise from nothing.
        row.total_before = row.total_after.and(entry.total);
    }
}

/// Elements of owned lists, and fields, that are recorded and no longer in the manifest.
fn removed(entry: &Entry, known: &Known, ownership: &diff::Ownership, row: &mut QuotePlan) {
    let parts: BTreeSet<&str> = known.facts.keys().filter_map(Path::part).collect();
    let people = |p: &String| p == "customer" || p.starts_with("contacts[");
    let people_open = known.unresolved.keys().any(people);
    for path in entry.fields.keys() {
        if known.facts.contains_key(path) || path.as_str() == diff::STATE || ownership.ignores(path)
        {
            continue;
        }
        let list = path.list().unwrap_or_default();
        let gone = path.part().is_some_and(|part| !parts.contains(part));
        let by_element = ownership.by_element.contains(list) && !people_open;
        if gone && (ownership.whole.contains(list) || by_element) {
            row.changes.push(change(path, None));
        } else if !gone && path.field() != "currency" {
            row.notices.push(format!(
                "`{path}` is no longer in the manifest: it stays upstream as it is (write `null` to clear it)"
            ));
        }
    }
}

fn state(
    names: &[&QuoteName],
    desired: &Quote,
    entry: &Entry,
    row: &mut QuotePlan,
    unknown: &mut BTreeSet<String>,
) {
    let wanted = wanted_state(desired);
    row.state_before = entry.state.as_deref().and_then(WantedState::parse).map(State::Plain);
    row.state_after = Some(wanted.clone());
    match entry.fields.get(&Path::new(diff::STATE)) {
        // Not recorded: it was not reached yet, or a person settled the creation.
        None => {
            unknown.insert(diff::STATE.to_owned());
        }
        Some(recorded) if names.iter().any(|n| *recorded == state_fingerprint(n, &wanted)) => {
            row.state_after.clone_from(&row.state_before);
        }
        Some(_) => {
            let before = row.state_before.as_ref();
            row.changes.push(state_change(before, &wanted, ChangeOrigin::Manifest, true));
        }
    }
}

/// What becomes of a quote with changes, as far as the manifest and the provider say it.
fn fate(desired: &Quote, entry: &Entry, dialect: &dyn Dialect, row: &mut QuotePlan) {
    let edits = row.changes.iter().any(|c| !matches!(c.path.as_str(), diff::STATE | RENAMED));
    if row.changes.is_empty() {
        return;
    }
    row.action = Action::Update;
    match dialect.mutability() {
        Mutability::CreateOnly(old) if edits => {
            if desired.lifecycle.when_immutable == WhenImmutable::Replace {
                row.action = Action::Replace;
                row.notices.push(old.to_owned());
            } else {
                row.action = Action::Blocked;
                row.reason = Some(
                    "the provider cannot edit a quote, and the manifest has changed".to_owned(),
                );
                row.help = Some(format!(
                    "set `lifecycle: {{ when_immutable: replace }}` to make a new quote in its place; {old}"
                ));
                for change in &mut row.changes {
                    change.planned = false;
                }
            }
        }
        _ => {
            let live = row.state_before.as_ref().is_some_and(State::is_live);
            if edits && live && desired.lifecycle.when_locked == WhenLocked::Fail {
                let word = entry.state.clone().unwrap_or_default();
                row.notices.push(format!(
                    "it was `{word}` when it was recorded: where that locks a quote, the plan blocks it (`lifecycle.when_locked: fail`)"
                ));
            }
        }
    }
}
