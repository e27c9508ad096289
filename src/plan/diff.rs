//! The three-way comparison of facts: desired, recorded, observed.
//!
//! Rules (contract 3 and 5):
//! - A wanted fact that already holds is recorded, not changed.
//! - A wanted fact that does not hold is a change. Its origin is `drift` when the manifest asks
//!   for what was recorded (so somebody else moved it), else `manifest`.
//! - An element of a list that the manifest owns whole, and lacks, is removed: `manifest` if it
//!   was recorded, else `drift` (somebody added it).
//! - An element of a reference set is removed only if it was recorded: what a colleague added stays.
//! - A fact that the manifest does not own is left alone.
//!
//! The comparison of equal facts is empty; that is a property test.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Change, ChangeOrigin};
use crate::facts::{Facts, Path, Value};
use crate::key::{Fingerprint, QuoteName};

/// The path under which the state is recorded.
pub const STATE: &str = "state";

/// What the manifest owns of lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ownership {
    /// Lists owned whole (`items`): elements that the manifest lacks are removed.
    pub whole: BTreeSet<&'static str>,
    /// Sets owned by element (`contacts`): only recorded elements are removed.
    pub by_element: BTreeSet<&'static str>,
    /// Paths, or first segments of paths, that are set at creation and then left alone.
    pub ignore: Vec<String>,
}

impl Ownership {
    pub(super) fn ignores(&self, path: &Path) -> bool {
        self.ignore.iter().any(|pattern| {
            path.as_str().strip_prefix(pattern.as_str()).is_some_and(|rest| {
                rest.is_empty() || rest.starts_with('.') || rest.starts_with('[')
            })
        })
    }
}

/// The outcome of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What differs.
    pub changes: Vec<Change>,
    /// What holds and is owned, to be recorded.
    pub holds: BTreeMap<Path, Fingerprint>,
    /// Recorded fields that the manifest no longer owns.
    pub releases: Vec<Path>,
    /// Whether the manifest asks for anything else than what was recorded (true without a record).
    pub manifest_changed: bool,
}

/// Compares what must hold with what was recorded and what holds.
pub fn compare(
    quote: &QuoteName,
    want: &Facts,
    recorded: Option<&BTreeMap<Path, Fingerprint>>,
    observed: Option<&Facts>,
    ownership: &Ownership,
) -> Comparison {
    let mut out = Comparison { manifest_changed: recorded.is_none(), ..Comparison::default() };
    let nothing = BTreeMap::new();
    let known = recorded.unwrap_or(&nothing);

    for (path, value) in want {
        if observed.is_some() && ownership.ignores(path) {
            if let Some(fingerprint) = known.get(path) {
                out.holds.insert(path.clone(), *fingerprint);
            }
            continue;
        }
        let fingerprint = value.fingerprint(quote, path);
        let as_recorded = known.get(path) == Some(&fingerprint);
        out.manifest_changed |= !as_recorded;
        let before = observed.and_then(|facts| facts.get(path)).unwrap_or(&Value::Empty);
        if before.same(value) {
            out.holds.insert(path.clone(), fingerprint);
        } else {
            out.changes.push(Change {
                path: path.clone(),
                before: (!before.is_empty()).then(|| before.clone()),
                after: (!value.is_empty()).then(|| value.clone()),
                origin: if as_recorded { ChangeOrigin::Drift } else { ChangeOrigin::Manifest },
                planned: true,
            });
        }
    }
    remove_strays(want, known, observed, ownership, &mut out);
    let gone: BTreeSet<&Path> =
        out.changes.iter().filter(|c| c.after.is_none()).map(|c| &c.path).collect();
    out.releases = known
        .keys()
        .filter(|path| path.as_str() != STATE && !want.contains_key(*path) && !gone.contains(path))
        .cloned()
        .collect();
    out
}

fn remove_strays(
    want: &Facts,
    known: &BTreeMap<Path, Fingerprint>,
    observed: Option<&Facts>,
    ownership: &Ownership,
    out: &mut Comparison,
) {
    let wanted: BTreeSet<&str> = want.keys().filter_map(Path::part).collect();
    let recorded: BTreeSet<&str> = known.keys().filter_map(Path::part).collect();
    let removable = |path: &Path| {
        let (Some(list), Some(part)) = (path.list(), path.part()) else { return false };
        !wanted.contains(part)
            && !ownership.ignores(path)
            && (ownership.whole.contains(list)
                || (ownership.by_element.contains(list) && recorded.contains(part)))
    };
    for (path, value) in observed.into_iter().flatten().filter(|(path, _)| removable(path)) {
        let ours = path.part().is_some_and(|part| recorded.contains(part));
        out.manifest_changed |= ours;
        out.changes.push(Change {
            path: path.clone(),
            before: Some(value.clone()),
            after: None,
            origin: if ours { ChangeOrigin::Manifest } else { ChangeOrigin::Drift },
            planned: true,
        });
    }
    // A recorded element that the manifest dropped and that is already gone upstream.
    let owned = |list: &str| ownership.whole.contains(list) || ownership.by_element.contains(list);
    out.manifest_changed |= known.keys().any(|path| {
        path.list().is_some_and(owned) && path.part().is_some_and(|part| !wanted.contains(part))
    });
}

/// The facts as they will be once the changes are applied.
pub fn overlay(observed: Option<&Facts>, want: &Facts, changes: &[Change]) -> Facts {
    let mut facts = observed.cloned().unwrap_or_default();
    for change in changes.iter().filter(|c| c.planned) {
        match &change.after {
            Some(value) => {
                facts.insert(change.path.clone(), value.clone());
            }
            None => {
                facts.remove(&change.path);
            }
        }
    }
    for (path, value) in want {
        facts.entry(path.clone()).or_insert_with(|| value.clone());
    }
    facts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Amount;

    fn quote() -> QuoteName {
        QuoteName::parse("q").unwrap()
    }

    fn facts(list: &[(&str, &str)]) -> Facts {
        list.iter().map(|(p, v)| (Path::new(*p), Value::text(*v))).collect()
    }

    fn record(facts: &Facts) -> BTreeMap<Path, Fingerprint> {
        facts.iter().map(|(p, v)| (p.clone(), v.fingerprint(&quote(), p))).collect()
    }

    fn whole(list: &'static str) -> Ownership {
        Ownership { whole: BTreeSet::from([list]), ..Ownership::default() }
    }

    #[test]
    fn origin_tells_who_moved() {
        let want = facts(&[("title", "New"), ("owner", "1")]);
        let known = record(&facts(&[("title", "Old"), ("owner", "1")]));
        let seen = facts(&[("title", "Old"), ("owner", "2")]);
        let got = compare(&quote(), &want, Some(&known), Some(&seen), &Ownership::default());
        let origins: Vec<_> =
            got.changes.iter().map(|c| (c.path.as_str().to_owned(), c.origin)).collect();
        assert_eq!(
            origins,
            [
                ("owner".to_owned(), ChangeOrigin::Drift),
                ("title".to_owned(), ChangeOrigin::Manifest)
            ]
        );
        assert!(got.manifest_changed);
    }

    #[test]
    fn a_list_owned_whole_loses_what_the_manifest_lacks() {
        let want = facts(&[("items[a].name", "A")]);
        let known = record(&facts(&[("items[a].name", "A"), ("items[b].name", "B")]));
        let seen =
            facts(&[("items[a].name", "A"), ("items[b].name", "B"), ("items[#9].name", "C")]);
        let got = compare(&quote(), &want, Some(&known), Some(&seen), &whole("items"));
        let removed: Vec<_> = got
            .changes
            .iter()
            .map(|c| (c.path.as_str().to_owned(), c.origin, c.after.is_none()))
            .collect();
        assert_eq!(
            removed,
            [
                ("items[#9].name".to_owned(), ChangeOrigin::Drift, true),
                ("items[b].name".to_owned(), ChangeOrigin::Manifest, true)
            ]
        );
    }

    #[test]
    fn a_set_owned_by_element_keeps_what_a_colleague_added() {
        let ownership =
            Ownership { by_element: BTreeSet::from(["contacts"]), ..Ownership::default() };
        let want = facts(&[("contacts[1]", "x")]);
        let known = record(&facts(&[("contacts[1]", "x"), ("contacts[2]", "y")]));
        let seen = facts(&[("contacts[1]", "x"), ("contacts[2]", "y"), ("contacts[3]", "z")]);
        let got = compare(&quote(), &want, Some(&known), Some(&seen), &ownership);
        assert_eq!(got.changes.len(), 1);
        assert_eq!(got.changes[0].path.as_str(), "contacts[2]");
    }

    #[test]
    fn an_ignored_field_is_set_once_and_then_left_alone() {
        let ownership = Ownership { ignore: vec!["owner".to_owned()], ..Ownership::default() };
        let want = facts(&[("owner", "1"), ("owners", "x")]);
        let fresh = compare(&quote(), &want, None, None, &ownership);
        assert_eq!(fresh.changes.len(), 2);
        let seen = facts(&[("owner", "2"), ("owners", "y")]);
        let later = compare(&quote(), &want, Some(&record(&want)), Some(&seen), &ownership);
        assert_eq!(later.changes.len(), 1);
        assert_eq!(later.changes[0].path.as_str(), "owners");
    }

    #[test]
    fn a_field_no_longer_owned_is_released_not_removed() {
        let known = record(&facts(&[("title", "A"), ("notes.terms", "T")]));
        let seen = facts(&[("title", "A"), ("notes.terms", "T")]);
        let want = facts(&[("title", "A")]);
        let got = compare(&quote(), &want, Some(&known), Some(&seen), &Ownership::default());
        assert!(got.changes.is_empty());
        assert_eq!(got.releases, [Path::new("notes.terms")]);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Empty),
            "[a-z ]{0,8}".prop_map(Value::text),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|n| Value::Number(Amount::from_int(n.into()))),
        ]
    }

    proptest! {
        #[test]
        fn the_comparison_of_equal_facts_is_empty(
            raw in proptest::collection::btree_map("(items\\[[a-c]\\]\\.)?[a-e]{1,2}", any_value(), 0..12)
        ) {
            let facts: Facts = raw.into_iter().map(|(p, v)| (Path::new(p), v)).collect();
            let known = record(&facts);
            let got = compare(&quote(), &facts, Some(&known), Some(&facts), &whole("items"));
            prop_assert!(got.changes.is_empty());
            prop_assert!(!got.manifest_changed);
            prop_assert_eq!(got.holds, known);
        }

        #[test]
        fn applying_the_changes_leaves_none(
            want in proptest::collection::btree_map("(items\\[[a-c]\\]\\.)?[a-e]{1,2}", any_value(), 0..8),
            seen in proptest::collection::btree_map("(items\\[[a-d]\\]\\.)?[a-e]{1,2}", any_value(), 0..8),
        ) {
            let want: Facts = want.into_iter().map(|(p, v)| (Path::new(p), v)).collect();
            let seen: Facts = seen.into_iter().map(|(p, v)| (Path::new(p), v)).collect();
            let first = compare(&quote(), &want, None, Some(&seen), &whole("items"));
            let after = overlay(Some(&seen), &want, &first.changes);
            let second = compare(&quote(), &want, Some(&record(&want)), Some(&after), &whole("items"));
            prop_assert!(second.changes.is_empty(), "{:?}", second.changes);
        }
    }
}
