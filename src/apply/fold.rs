//! From receipts to the lockfile.
//!
//! Purpose: what one applied step changes in what is remembered, the same in a live run and in a
//! replay after a crash.
//!
//! Invariants: pure, and folding the same step twice changes nothing the second time. An edit of an
//! object lands only on the entry of that very object and revision: a step on a predecessor never
//! touches its successor's record.
//!
//! Generations: an entry's `generation` counts the runs that changed it. Each intent carries the
//! generation that its run gives the entry (recorded plus one), and folding raises the entry to it,
//! so that a run of twenty steps counts once, replayed or not.

use crate::apply::records::{Intent, Outcome, Receipt, WHOLE_ENTRY};
use crate::key::{QuoteName, RemoteId};
use crate::lockfile::{Entry, Lockfile};

/// What folding a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Folded {
    /// The lockfile now says what the step did.
    Recorded,
    /// Nothing to remember: not applied, a preparation, or about an object that no entry is for.
    Nothing,
    /// The entry is of a later revision; what was done to the older object is not remembered.
    Older,
    /// The step belongs to an object whose creation is not folded yet: fold it again after that.
    Early,
    /// A remote quote was made or found, and the receipt has no id to remember it by.
    NoId,
}

/// Brings one step into the lockfile.
pub fn fold(lockfile: &mut Lockfile, intent: &Intent, receipt: &Receipt) -> Folded {
    if receipt.outcome != Outcome::Applied || receipt.step != intent.step {
        return Folded::Nothing;
    }
    let Some(quote) = &intent.quote else { return Folded::Nothing };
    if let Some(earlier) = earlier_name(lockfile, quote, intent) {
        // One object must never have two entries. Where another run has renamed it since, this step
        // is the older word.
        let recorded = lockfile.entries.get(&earlier);
        if recorded.is_some_and(|entry| entry.generation >= intent.generation) {
            return Folded::Older;
        }
        let Some(entry) = lockfile.entries.remove(&earlier) else { return Folded::Nothing };
        lockfile.entries.insert(quote.clone(), entry.renamed(&earlier));
    }
    match &intent.part {
        None => fold_quote(lockfile, quote, intent, receipt),
        Some(part) => fold_part(lockfile, quote, part, intent, receipt),
    }
}

/// The name under which an object is recorded that a step knows by another one: a run that renames a
/// quote and dies before the lockfile is written has left the entry under the earlier name.
fn earlier_name(lockfile: &Lockfile, quote: &QuoteName, intent: &Intent) -> Option<QuoteName> {
    let id = intent.target.as_ref().or(intent.owner.as_ref())?;
    if lockfile.entries.contains_key(quote) {
        return None;
    }
    let mut all = lockfile.entries.iter();
    let found = all.find(|(_, e)| e.connection == intent.connection && e.id == *id);
    found.map(|(name, _)| name.clone())
}

/// Brings many steps into the lockfile, in whatever order their receipts came, and gives back
/// those that could not be recorded ([`Folded::Early`], [`Folded::NoId`]).
pub fn fold_all(
    lockfile: &mut Lockfile,
    steps: impl IntoIterator<Item = (Intent, Receipt)>,
) -> Vec<(Intent, Receipt, Folded)> {
    let mut waiting: Vec<(Intent, Receipt)> = steps.into_iter().collect();
    let mut left = Vec::new();
    loop {
        let mut progress = false;
        let mut still = Vec::new();
        for (intent, receipt) in waiting {
            match fold(lockfile, &intent, &receipt) {
                Folded::Early => still.push((intent, receipt)),
                Folded::NoId => left.push((intent, receipt, Folded::NoId)),
                Folded::Recorded => progress = true,
                Folded::Nothing | Folded::Older => {}
            }
        }
        if still.is_empty() || !progress {
            left.extend(
                still.into_iter().map(|(intent, receipt)| (intent, receipt, Folded::Early)),
            );
            return left;
        }
        waiting = still;
    }
}

fn fold_quote(
    lockfile: &mut Lockfile,
    quote: &QuoteName,
    intent: &Intent,
    receipt: &Receipt,
) -> Folded {
    let id = receipt.id.as_ref().or(intent.target.as_ref());
    let removes = intent.drops.iter().any(|d| d == WHOLE_ENTRY);
    let Some(entry) = lockfile.entries.get_mut(quote) else {
        if removes {
            return Folded::Nothing;
        }
        // A creation, or an edit of an adopted quote whose entry was lost with the lockfile.
        let Some(id) = id else {
            return if intent.creates { Folded::NoId } else { Folded::Early };
        };
        let mut entry = fresh(intent, id);
        settle(&mut entry, intent);
        lockfile.entries.insert(quote.clone(), entry);
        return Folded::Recorded;
    };
    if intent.revision < entry.revision {
        return Folded::Older;
    }
    if intent.creates {
        let Some(id) = id else { return Folded::NoId };
        if entry.id != *id || entry.connection != intent.connection {
            *entry = succeed(entry, intent, id);
        }
    } else if intent.target.as_ref().is_some_and(|target| *target != entry.id) {
        return if intent.revision > entry.revision { Folded::Early } else { Folded::Nothing };
    }
    if removes {
        lockfile.entries.remove(quote);
        return Folded::Recorded;
    }
    settle(entry, intent);
    Folded::Recorded
}

fn fold_part(
    lockfile: &mut Lockfile,
    quote: &QuoteName,
    part: &str,
    intent: &Intent,
    receipt: &Receipt,
) -> Folded {
    // The quote that the part was made in or changed in, as far as the step knew it.
    let owner = if intent.creates { &intent.owner } else { &intent.target };
    let Some(entry) = lockfile.entries.get_mut(quote) else {
        if !intent.creates && intent.settles.is_empty() {
            return Folded::Nothing;
        }
        let Some(owner) = owner else { return Folded::Early };
        // An adopted quote whose entry the run did not live to write, or was lost.
        let mut entry = fresh(intent, owner);
        settle_part(&mut entry, part, intent, receipt);
        lockfile.entries.insert(quote.clone(), entry);
        return Folded::Recorded;
    };
    if intent.revision < entry.revision {
        return Folded::Older;
    }
    if intent.revision > entry.revision {
        return Folded::Early;
    }
    if owner.as_ref().is_some_and(|owner| *owner != entry.id) {
        return Folded::Nothing;
    }
    settle_part(entry, part, intent, receipt);
    Folded::Recorded
}

/// What holds for the quote once the step on a part is applied.
fn settle_part(entry: &mut Entry, part: &str, intent: &Intent, receipt: &Receipt) {
    settle(entry, intent);
    // A part without an id upstream lives in the quote's own record: its fields are enough.
    if intent.creates
        && let Some(id) = receipt.id.as_ref().or(intent.target.as_ref())
    {
        entry.parts.insert(part.to_owned(), id.clone());
    }
}

/// The entry of an object that no entry was for.
fn fresh(intent: &Intent, id: &RemoteId) -> Entry {
    let mut entry = Entry::new(intent.connection.clone(), &*intent.provider, id.clone());
    entry.revision = intent.revision;
    entry
}

/// The entry of a new object that takes over from another one. Nothing that was recorded of the
/// old object holds for the new one, save the name's own history.
fn succeed(old: &Entry, intent: &Intent, id: &RemoteId) -> Entry {
    let mut entry = fresh(intent, id);
    entry.generation = old.generation;
    entry.protect = old.protect;
    entry.from.clone_from(&old.from);
    // An object of the same revision is not a successor: the old one was lost, not replaced.
    let replaced = intent.revision > old.revision && intent.connection == old.connection;
    entry.predecessor = if replaced { Some(old.id.clone()) } else { old.predecessor.clone() };
    entry
}

/// What holds for the quote once the step is applied.
fn settle(entry: &mut Entry, intent: &Intent) {
    for gone in &intent.drops {
        entry.parts.remove(gone);
        entry.refs.retain(|path, _| !lies_in(path, gone));
        entry.fields.retain(|path, _| !lies_in(path.as_str(), gone));
    }
    entry.fields.extend(intent.settles.iter().map(|(path, print)| (path.clone(), *print)));
    entry.refs.extend(intent.refs.iter().map(|(path, r)| (path.clone(), r.clone())));
    if intent.part.is_none() && intent.stamp.is_some() {
        entry.stamp.clone_from(&intent.stamp);
    }
    if intent.state.is_some() {
        entry.state.clone_from(&intent.state);
    }
    if intent.total.is_some() {
        entry.total = intent.total;
    }
    if intent.from.is_some() {
        entry.from.clone_from(&intent.from);
    }
    entry.protect = intent.protect.unwrap_or(entry.protect);
    entry.generation = entry.generation.max(intent.generation);
}

/// Whether a path is the dropped one or, for a part (`items[audit]`), inside it. A dropped plain
/// path (`title`) takes nothing else with it.
fn lies_in(path: &str, gone: &str) -> bool {
    match path.strip_prefix(gone) {
        Some("") => true,
        Some(rest) => gone.ends_with(']') && rest.starts_with(['.', '[']),
        None => false,
    }
}

#[cfg(test)]
#[path = "fold_tests.rs"]
mod tests;
