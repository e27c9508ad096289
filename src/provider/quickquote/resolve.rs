//! Names of people and custom fields, learnt from the quotes of the shop.
//!
//! The shop lists neither its staff nor its custom fields; every quote tells the name of its
//! assignee and of its fields. Invariants: exactly one match or a diagnostic at the manifest's
//! line that lists what is known; what the lockfile resolved already is not looked for again.

use std::collections::{BTreeMap, BTreeSet};

use super::check::is_id;
use super::wanted::{Refs, field_ref};
use super::wire;
use crate::desired::{Quote, Reference, Wish};
use crate::failure::Diagnostic;
use crate::key::{Fingerprint, RemoteId};
use crate::provider::survey::{Ask, Asked, Resolved};

/// Names with the ids that they lead to.
#[derive(Debug, Default)]
pub struct Names {
    owners: BTreeMap<String, BTreeSet<String>>,
    fields: BTreeMap<String, BTreeSet<String>>,
}

/// One name of one manifest.
pub struct Want<'a> {
    quote: &'a Quote,
    /// The path under which it is recorded.
    path: String,
    name: &'a str,
    owner: bool,
    asked: Fingerprint,
}

/// The names that a manifest wants resolved.
pub fn wants(quote: &Quote) -> Vec<Want<'_>> {
    let want = |path: String, name, owner| {
        let asked = Fingerprint::of_value(&quote.name, &format!("reference {path}"), name);
        Want { quote, path, name, owner, asked }
    };
    let owner = match &quote.owner {
        Wish::Set(Reference::Named(name)) => Some(want("owner".to_owned(), name.as_str(), true)),
        _ => None,
    };
    let fields = quote.fields.iter().filter(|(name, wish)| wish.is_owned() && !is_id(name));
    owner
        .into_iter()
        .chain(fields.map(|(name, _)| want(field_ref(name), name.as_str(), false)))
        .collect()
}

/// The references of a manifest, by the path under which they are recorded.
pub fn references(quote: &Quote) -> BTreeMap<String, Asked> {
    let asked = |want: Want<'_>| {
        (want.path, Asked { asked: want.asked, id: None, label: want.name.to_owned() })
    };
    wants(quote).into_iter().map(asked).collect()
}

/// What the lockfile knows of a question's names, and what it does not.
pub fn recorded<'a>(ask: &Ask<'a>) -> (Refs, Vec<Want<'a>>) {
    let mut refs = Refs::new();
    let mut open = Vec::new();
    for want in ask.desired.map(wants).unwrap_or_default() {
        let known = ask.entry.and_then(|e| e.refs.get(&want.path));
        match known.filter(|r| r.asked == want.asked) {
            Some(known) => {
                let label = want.name.to_owned();
                let resolved = Resolved { asked: want.asked, id: known.id.clone(), label };
                refs.insert(want.path, resolved);
            }
            None => open.push(want),
        }
    }
    (refs, open)
}

impl Names {
    /// Learns from a quote.
    pub fn learn(&mut self, quote: &wire::Quote) {
        if let Some((id, Some(name))) = &quote.assignee {
            self.owners.entry(name.clone()).or_default().insert(id.clone());
        }
        for field in &quote.fields {
            if let Some(name) = &field.name {
                self.fields.entry(name.clone()).or_default().insert(field.id.clone());
            }
        }
    }

    fn of(&self, owner: bool) -> &BTreeMap<String, BTreeSet<String>> {
        if owner { &self.owners } else { &self.fields }
    }

    /// Whether the name leads anywhere yet.
    pub fn knows(&self, want: &Want<'_>) -> bool {
        self.ids(want).is_some()
    }

    /// By the exact name, else by the name in any capitals.
    fn ids(&self, want: &Want<'_>) -> Option<BTreeSet<String>> {
        let all = self.of(want.owner);
        if let Some(exact) = all.get(want.name) {
            return Some(exact.clone());
        }
        let low = want.name.to_lowercase();
        let alike = all.iter().filter(|(name, _)| name.to_lowercase() == low);
        let ids: BTreeSet<String> = alike.flat_map(|(_, ids)| ids.clone()).collect();
        (!ids.is_empty()).then_some(ids)
    }

    /// Resolves a name, or says what is in the way.
    pub fn settle(&self, want: &Want<'_>, refs: &mut Refs) -> Option<Diagnostic> {
        let ids = self.ids(want).unwrap_or_default();
        let what = if want.owner { "assignee" } else { "custom field" };
        let problem = |code, message: String, help: String| {
            let place = want.quote.origin.place(&want.path);
            Some(Diagnostic::error(code, message).at(place).help(help).about(&want.quote.name))
        };
        let mut found = ids.iter();
        match (found.next().and_then(|id| RemoteId::parse(id)), found.next()) {
            (Some(id), None) => {
                let resolved = Resolved { asked: want.asked, id, label: want.name.to_owned() };
                refs.insert(want.path.clone(), resolved);
                None
            }
            (None, _) => {
                let known: Vec<&str> = self.of(want.owner).keys().map(String::as_str).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                problem(
                    "reference-not-found",
                    format!("no quote of the shop has the {what} `{}`", want.name),
                    format!(
                        "known from the shop's quotes: {known}; a name that no quote shows yet can only be written by its id"
                    ),
                )
            }
            (Some(_), Some(_)) => {
                let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                problem(
                    "reference-ambiguous",
                    format!("`{}` is the name of several {what}s", want.name),
                    format!("write the id: {}", ids.join(", ")),
                )
            }
        }
    }
}
