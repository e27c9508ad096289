//! Folding: creation, edits, removal, replacement; in any order, once or twice.

use super::*;
use crate::facts::Path;
use crate::key::{ConnectionName, Fingerprint, Stamp, StepId, WorkspaceName};
use proptest::prelude::*;

fn workspace() -> WorkspaceName {
    WorkspaceName::parse("w").unwrap()
}

fn quote() -> QuoteName {
    QuoteName::parse("q").unwrap()
}

fn id(text: &str) -> RemoteId {
    RemoteId::parse(text).unwrap()
}

fn print(value: &str) -> Fingerprint {
    Fingerprint::of_parts("test", &[value])
}

fn step(n: usize) -> Intent {
    let connection = ConnectionName::parse("crm").unwrap();
    let mut intent = Intent::new(StepId::of_quote(&quote(), n), connection, "hubspot");
    intent.quote = Some(quote());
    intent.generation = 1;
    intent
}

/// A step that makes the quote at a revision.
fn creation(n: usize, revision: u32) -> Intent {
    let stamp = Some(Stamp::new(&workspace(), &quote(), revision, ""));
    let settles = [(Path::new("title"), print("t"))].into();
    Intent { creates: true, revision, stamp, settles, ..step(n) }
}

fn item(n: usize, key: &str, revision: u32) -> Intent {
    let part = format!("items[{key}]");
    let settles = [(Path::of(&part, "price"), print(key))].into();
    Intent { creates: true, revision, part: Some(part), settles, ..step(n) }
}

fn done(intent: Intent, made: Option<&str>) -> (Intent, Receipt) {
    let receipt = Receipt::applied(intent.step.clone(), made.map(id));
    (intent, receipt)
}

fn folded(steps: Vec<(Intent, Receipt)>) -> Lockfile {
    let mut lockfile = Lockfile::new(workspace());
    assert_eq!(fold_all(&mut lockfile, steps), []);
    lockfile
}

fn only(lockfile: &Lockfile) -> &Entry {
    &lockfile.entries[&quote()]
}

#[test]
fn a_quote_and_its_parts_make_one_entry() {
    let lockfile = folded(vec![
        done(creation(1, 0), Some("9")),
        done(item(2, "a", 0), Some("10")),
        done(item(3, "b", 0), None),
    ]);
    let entry = only(&lockfile);
    assert_eq!((entry.id.as_str(), entry.generation, entry.fields.len()), ("9", 1, 3));
    assert_eq!(entry.stamp, Some(Stamp::new(&workspace(), &quote(), 0, "")));
    assert_eq!(entry.parts.keys().collect::<Vec<_>>(), ["items[a]"]);
}

#[test]
fn only_applied_steps_count() {
    for outcome in [Outcome::Rejected, Outcome::Unknown, Outcome::NotSent] {
        let intent = creation(1, 0);
        let receipt = Receipt { id: Some(id("9")), ..Receipt::new(intent.step.clone(), outcome) };
        let mut lockfile = Lockfile::new(workspace());
        assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Nothing);
        assert!(lockfile.entries.is_empty());
    }
}

#[test]
fn a_creation_without_an_id_is_given_back() {
    let mut lockfile = Lockfile::new(workspace());
    let left =
        fold_all(&mut lockfile, [done(creation(1, 0), None), done(item(2, "a", 0), Some("1"))]);
    let why: Vec<Folded> = left.iter().map(|(.., why)| *why).collect();
    assert_eq!(why, [Folded::NoId, Folded::Early]);
}

#[test]
fn dropping_a_part_drops_its_id_and_fields_alone() {
    let mut lockfile = folded(vec![
        done(creation(1, 0), Some("9")),
        done(item(2, "a", 0), Some("10")),
        done(item(3, "ab", 0), Some("11")),
    ]);
    let drops = vec!["items[a]".to_owned(), "titl".to_owned()];
    let removal = Intent { part: Some("items[a]".to_owned()), drops, generation: 2, ..step(4) };
    let (intent, receipt) = done(removal, None);
    assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Recorded);
    let entry = only(&lockfile);
    let paths: Vec<&str> = entry.fields.keys().map(Path::as_str).collect();
    assert_eq!(paths, ["items[ab].price", "title"]);
    assert_eq!((entry.parts.len(), entry.generation), (1, 2));
}

#[test]
fn a_replacement_takes_over_and_remembers_its_predecessor() {
    let first = [done(creation(1, 0), Some("9")), done(item(2, "a", 0), Some("10"))];
    // The new parts may be made before the new quote; the old ones are cleaned up last.
    let cleanup =
        Intent { part: Some("items[a]".to_owned()), drops: vec!["items[a]".to_owned()], ..step(6) };
    let withdraw =
        Intent { target: Some(id("9")), revision: 1, state: Some("draft".to_owned()), ..step(7) };
    let second = [
        done(item(3, "a", 1), Some("20")),
        done(creation(4, 1), Some("19")),
        done(cleanup, None),
        done(withdraw, None),
    ];
    let lockfile = folded(first.into_iter().chain(second).collect());
    let entry = only(&lockfile);
    assert_eq!((entry.id.as_str(), entry.revision), ("19", 1));
    assert_eq!(entry.predecessor, Some(id("9")));
    assert_eq!(entry.parts["items[a]"], id("20"));
    assert_eq!(entry.state, None, "the old object's state is not the new one's");
}

#[test]
fn deleting_removes_the_entry_of_that_object_only() {
    let mut lockfile = folded(vec![done(creation(1, 0), Some("9"))]);
    let drops = vec![WHOLE_ENTRY.to_owned()];
    let other = Intent { drops: drops.clone(), target: Some(id("8")), ..step(2) };
    let (intent, receipt) = done(other, None);
    assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Nothing);
    let (intent, receipt) = done(Intent { drops, target: Some(id("9")), ..step(3) }, None);
    assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Recorded);
    assert!(lockfile.entries.is_empty());
    assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Nothing);
}

#[test]
fn an_edit_of_an_adopted_quote_restores_a_lost_entry() {
    let edit = Intent {
        target: Some(id("9")),
        settles: [(Path::new("title"), print("x"))].into(),
        ..step(1)
    };
    let lockfile = folded(vec![done(edit, None)]);
    assert_eq!(only(&lockfile).id, id("9"));
}

/// The run that found the quote did not live to record it.
#[test]
fn a_part_of_an_adopted_quote_restores_a_lost_entry() {
    let part = Intent { owner: Some(id("9")), ..item(1, "a", 0) };
    let lockfile = folded(vec![done(part.clone(), Some("10"))]);
    assert_eq!((&only(&lockfile).id, &only(&lockfile).parts["items[a]"]), (&id("9"), &id("10")));
    // What was taken out of a quote that is gone brings nothing back.
    let drops = vec!["items[a]".to_owned()];
    let removal = Intent { part: part.part, drops, target: Some(id("9")), ..step(2) };
    let (intent, receipt) = done(removal, None);
    let mut nothing = Lockfile::new(workspace());
    assert_eq!(fold(&mut nothing, &intent, &receipt), Folded::Nothing);
    assert!(nothing.entries.is_empty());
}

#[test]
fn a_part_of_another_object_is_not_taken_for_this_ones() {
    let mut lockfile = folded(vec![done(creation(1, 0), Some("9"))]);
    let before = lockfile.clone();
    let (intent, receipt) = done(Intent { owner: Some(id("8")), ..item(2, "a", 0) }, Some("10"));
    assert_eq!(fold(&mut lockfile, &intent, &receipt), Folded::Nothing);
    assert_eq!(lockfile, before);
}

proptest! {
    #[test]
    fn the_order_of_receipts_and_a_second_replay_do_not_matter(
        order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(),
    ) {
        let steps = [
            done(creation(1, 0), Some("9")),
            done(Intent { owner: Some(id("9")), ..item(2, "a", 0) }, Some("10")),
            done(item(3, "b", 0), Some("11")),
            done(Intent { target: Some(id("9")), state: Some("published".to_owned()), ..step(4) }, None),
        ];
        let straight = folded(steps.to_vec());
        let shuffled: Vec<_> = order.iter().map(|i| steps[*i].clone()).collect();
        // The edit and an item name the object, so they may come first and make the entry.
        let mut lockfile = folded(shuffled.clone());
        prop_assert_eq!(&lockfile, &straight);
        prop_assert_eq!(fold_all(&mut lockfile, shuffled), vec![]);
        prop_assert_eq!(&lockfile, &straight);
    }
}
