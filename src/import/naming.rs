//! Names of imported quotes and of their files.
//!
//! Invariants: a name is made of letters, digits and dashes, whatever a title says, so no file leaves its
//! folder; no name is given twice, and none of an existing quote or file; a clash is settled by the id of
//! the one that comes later, never by a number that depends on how many there are.

use std::collections::BTreeSet;

use crate::key::{QuoteName, RemoteId};
use crate::manifest::slug;

/// The longest part of a name that comes from a title.
const LONGEST: usize = 40;

/// The names that are taken.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeSet<String>);

impl Names {
    /// With the names of what is there already.
    pub fn new(taken: impl IntoIterator<Item = String>) -> Self {
        Self(taken.into_iter().collect())
    }

    /// A name for a quote that is called so, and gives it away. `free` says whether a file of that
    /// name may be made.
    pub fn give(
        &mut self,
        called: Option<&str>,
        id: &RemoteId,
        free: impl Fn(&str) -> bool,
    ) -> Option<QuoteName> {
        let short = |text: &str, most: usize| {
            let cut: String = slug(text).chars().take(most).collect();
            cut.trim_end_matches('-').to_owned()
        };
        let id_word = short(id.as_str(), 20);
        let base = called.filter(|c| !c.trim().is_empty()).map(|c| short(c, LONGEST));
        let base = base.filter(|b| !b.is_empty()).unwrap_or_else(|| format!("quote-{id_word}"));
        let hash = blake3::hash(id.as_str().as_bytes()).to_hex();
        let hash: String = hash.as_str().chars().take(8).collect();
        let choices = [
            base.clone(),
            format!("{base}-{id_word}"),
            // Ids that differ in case or length alone have one slug.
            format!("{base}-{hash}"),
            format!("quote-{hash}"),
        ];
        let found = choices.into_iter().find(|name| {
            !self.0.contains(name) && QuoteName::parse(name).is_some() && free(name)
        })?;
        self.0.insert(found.clone());
        QuoteName::parse(&found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RemoteId {
        RemoteId::parse(text).unwrap()
    }

    #[test]
    fn names_are_safe_and_given_once() {
        let mut names = Names::new(["taken".to_owned()]);
        let mut give = |called: Option<&str>, of: &str| {
            names.give(called, &id(of), |_| true).unwrap().as_str().to_owned()
        };
        assert_eq!(give(Some("Acme: SEO 2027"), "1"), "acme-seo-2027");
        assert_eq!(give(Some("acme seo 2027"), "2"), "acme-seo-2027-2");
        assert_eq!(give(Some("taken"), "3"), "taken-3");
        assert_eq!(give(Some("../../etc/passwd\0"), "4"), "etc-passwd");
        assert_eq!(give(Some("  "), "5"), "quote-5");
        assert_eq!(give(None, "AbC"), "quote-abc");
        let second = give(None, "aBc");
        assert!(second.starts_with("quote-abc-"), "{second}");
        assert!(give(Some("年"), "6").starts_with('x'));
        assert!(give(Some(&"long ".repeat(50)), "7").len() <= 63);
        assert_eq!(give(Some("CON"), "8"), "con");
    }

    #[test]
    fn a_file_that_is_there_takes_its_name() {
        let mut names = Names::default();
        let name = names.give(Some("a"), &id("9"), |n| n != "a").unwrap();
        assert_eq!(name.as_str(), "a-9");
    }
}
