//! Quotes that a plan must leave alone, whatever it would do: those of which only a person knows
//! what an earlier run did, and those whose object is another quote's.
//!
//! Invariants: a step of an earlier run belongs to one quote, under whatever name it is known now;
//! what is held back keeps nothing of what was planned for it.

use std::collections::BTreeMap;

use super::connect::Account;
use super::open::Opened;
use crate::apply::replay::OpenStep;
use crate::desired::WantedState;
use crate::failure::Diagnostic;
use crate::key::{ConnectionName, QuoteName};
use crate::plan::build::{self, Subject};
use crate::plan::decide;
use crate::plan::model::{Action, Plan, QuotePlan};
use crate::provider::Dialect;
use crate::provider::state::{Move, State};
use crate::provider::step::{Effect, Trouble, TroubleKind};

/// A quote that an earlier run may have made and that nobody asks for any more.
pub struct Forsaken {
    /// Where it would be.
    pub connection: ConnectionName,
    /// What is not known, and what to do.
    pub trouble: Trouble,
}

/// Quotes of which an earlier run may have made something, and which nobody asks for any more:
/// neither a manifest nor an entry leads to them, so that no plan looks. A person has to.
pub fn forsaken(
    opened: &Opened,
    open: &[OpenStep],
    told: &mut Vec<Diagnostic>,
) -> BTreeMap<QuoteName, Forsaken> {
    let is_known = |name: &QuoteName| {
        opened.lockfile.entries.contains_key(name)
            || opened.loaded.quotes.iter().any(|q| q.name == *name || q.was.as_ref() == Some(name))
    };
    let mut found = BTreeMap::new();
    for step in open {
        let Some(quote) = step.intent.quote.as_ref().filter(|name| !is_known(name)) else {
            continue;
        };
        // Under another name by now, the object is planned for.
        let object = step.intent.target.as_ref().or(step.intent.owner.as_ref());
        let at = &step.intent.connection;
        let mut entries = opened.lockfile.entries.values();
        if entries.any(|e| e.connection == *at && Some(&e.id) == object) {
            continue;
        }
        let connection = step.intent.connection.clone();
        let trouble = Trouble::new(
            TroubleKind::Network,
            "an earlier run sent a request for it whose outcome is unknown, and its manifest is gone",
        )
        .help(format!(
            "look upstream, then say `proforma recover {quote} --adopt ID` or `--absent`; or bring the manifest back"
        ));
        found.entry(quote.clone()).or_insert(Forsaken { connection, trouble });
    }
    told.extend(found.iter().map(|(quote, Forsaken { trouble, .. })| {
        let told = Diagnostic::warning("quote-forsaken", format!("{quote}: {}", trouble.message));
        trouble.help.iter().fold(told, Diagnostic::help).about(quote)
    }));
    found
}

/// Two entries with one remote object: an id was copied by hand. Neither is touched.
pub(super) fn hold_shared(plan: &mut Plan, subjects: &[Subject<'_>], opened: &Opened) {
    let mut owners: BTreeMap<_, Vec<&QuoteName>> = BTreeMap::new();
    for (name, entry) in &opened.lockfile.entries {
        owners.entry((&entry.connection, &entry.id)).or_default().push(name);
    }
    let renamed: BTreeMap<&QuoteName, &QuoteName> =
        subjects.iter().filter_map(|s| Some((s.quote, s.was?))).collect();
    let mut held = false;
    for quote in &mut plan.quotes {
        let Some(names) = quote.id.as_ref().and_then(|id| owners.get(&(&quote.connection, id)))
        else {
            continue;
        };
        let was = renamed.get(&quote.quote).copied();
        let own = names.iter().any(|name| **name == quote.quote || Some(*name) == was);
        let other = names.iter().find(|n| ***n != quote.quote && Some(**n) != was);
        let (Some(other), Some(id)) = (other, &quote.id) else { continue };
        held = true;
        let (reason, way_out) = if own {
            (
                format!("the lockfile says that {id} is this quote and `{other}` too"),
                "restore the entries from git; an id must never be copied between quotes by hand"
                    .to_owned(),
            )
        } else {
            (
                format!("{id} carries its stamp, and the lockfile says that it is `{other}`"),
                format!(
                    "if it is the same quote under a new name, write `was: {other}` into the manifest; if it is another one, give it another name (`{other}` keeps the old stamp until its next edit)"
                ),
            )
        };
        decide::hold(quote, reason, way_out);
        quote.ownership_conflict = true;
    }
    if held {
        plan.id = build::digest(plan);
    }
}

/// Quotes with a request of which only a person can tell whether it was done: a message that the
/// plan would send again, or a creation that no look can prove absent.
pub(super) fn hold_unsettled<'s>(
    plan: &mut Plan,
    subjects: &[Subject<'s>],
    open: impl Iterator<Item = &'s OpenStep>,
    accounts: &BTreeMap<ConnectionName, Account>,
) {
    for step in open {
        let Some(name) = &step.intent.quote else { continue };
        let Some(bearer) = bearer(subjects, step) else { continue };
        let Some(quote) = plan.quotes.iter_mut().find(|q| q.quote == *bearer) else { continue };
        let Some(account) = accounts.get(&step.intent.connection) else { continue };
        let sends = sends(step) && !was_sent(step, quote, &*account.dialect);
        let creates_again = step.intent.creates
            && !account.dialect.proves_absence()
            && quote.steps.iter().any(|s| s.creates() && s.part == step.intent.part);
        if !sends && !creates_again {
            continue;
        }
        let what = if creates_again { "a creation" } else { "a message" };
        let reason = format!(
            "{what} of {} may or may not have been done, and nothing upstream can prove it",
            step.at
        );
        let help = format!(
            "look upstream, then say `proforma recover {name} --adopt ID` or `proforma recover {name} --absent`"
        );
        decide::hold(quote, reason, help);
        quote.unsettled = true;
    }
    plan.id = build::digest(plan);
}

/// The quote that a step of an earlier run belongs to now: its own, the one that was renamed, or the
/// one that the object is recorded for.
pub(super) fn bearer<'a>(subjects: &[Subject<'a>], step: &'a OpenStep) -> Option<&'a QuoteName> {
    let name = step.intent.quote.as_ref()?;
    if subjects.iter().any(|s| s.quote == name && s.desired.is_some()) {
        return Some(name);
    }
    let object = step.intent.target.as_ref().or(step.intent.owner.as_ref());
    let renamed = subjects.iter().find(|s| s.stamped_as == Some(name) || s.was == Some(name));
    let recorded = || {
        subjects.iter().find(|s| {
            *s.connection == step.intent.connection
                && s.entry.is_some_and(|e| Some(&e.id) == object)
        })
    };
    Some(renamed.or_else(recorded).map_or(name, |s| s.quote))
}

/// Whose the steps of earlier runs are now, where that is another quote than when they were sent.
pub(super) fn bearers(
    subjects: &[Subject<'_>],
    open: &[OpenStep],
) -> BTreeMap<QuoteName, QuoteName> {
    let pairs = open.iter().filter_map(|s| Some((s.intent.quote.as_ref()?, bearer(subjects, s)?)));
    pairs
        .filter(|(name, bearer)| name != bearer)
        .map(|(name, bearer)| (name.clone(), bearer.clone()))
        .collect()
}

fn sends(step: &OpenStep) -> bool {
    step.intent.effects.iter().any(|e| e == Effect::Send.word())
}

/// Whether the look proves that a message went out: a quote that is made and sent in one was sent if
/// it is there. Of one that was there before, the state says that it was sent, or nothing does. That
/// none went out is proven by no look.
fn was_sent(step: &OpenStep, quote: &QuotePlan, dialect: &dyn Dialect) -> bool {
    if step.intent.creates {
        return match quote.action {
            Action::Unverifiable | Action::Blocked => quote.state_before.is_some(),
            Action::Create => false,
            _ => true,
        };
    }
    let sent = State::Plain(WantedState::Sent);
    quote.state_before.as_ref().is_some_and(|there| {
        there.is_decided() || dialect.transition(Some(there), &sent) == Move::InPlace
    })
}
