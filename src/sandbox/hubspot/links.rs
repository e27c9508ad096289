//! Association types, and the rules of linking.
//!
//! Invariants: a link is stored with the type ids of both directions; a labelled link also has
//! the plain type of its pair; a quote has at most one deal, one template and one company.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::errors::Refusal;
use super::kind::Kind;
use super::store::Key;
use super::{Done, HubSpot, quotes};
use crate::sandbox::upstream::Moment;

/// One association type with its opposite. The first row of a pair is its plain type.
struct LinkType {
    from: Kind,
    to: Kind,
    id: u32,
    reverse: u32,
    label: Option<&'static str>,
}

const fn plain(from: Kind, to: Kind, id: u32, reverse: u32) -> LinkType {
    LinkType { from, to, id, reverse, label: None }
}

const fn labelled(from: Kind, to: Kind, id: u32, reverse: u32, label: &'static str) -> LinkType {
    LinkType { from, to, id, reverse, label: Some(label) }
}

/// Written by the portal itself when a CPQ quote is published.
pub(super) const PRIMARY_QUOTE: u32 = 1393;

/// All types, each pair once. 370 and 1394 (reverse ids) are guesses.
const TYPES: [LinkType; 20] = [
    plain(Kind::Quote, Kind::Deal, 64, 63),
    labelled(Kind::Deal, Kind::Quote, PRIMARY_QUOTE, 1394, "Deal with primary quote"),
    plain(Kind::Quote, Kind::LineItem, 67, 68),
    plain(Kind::Quote, Kind::Template, 286, 285),
    plain(Kind::Quote, Kind::Contact, 69, 70),
    labelled(Kind::Quote, Kind::Contact, 702, 703, "Contact Signer"),
    labelled(Kind::Quote, Kind::Contact, 1226, 1227, "Billing contact"),
    plain(Kind::Quote, Kind::Company, 71, 72),
    labelled(Kind::Quote, Kind::Company, 1334, 1335, "Billing company"),
    plain(Kind::Quote, Kind::Discount, 362, 361),
    plain(Kind::Quote, Kind::Fee, 364, 363),
    plain(Kind::Quote, Kind::Tax, 366, 365),
    plain(Kind::Deal, Kind::LineItem, 19, 20),
    plain(Kind::LineItem, Kind::Discount, 368, 367),
    plain(Kind::Deal, Kind::Contact, 3, 4),
    plain(Kind::Deal, Kind::Company, 341, 342),
    labelled(Kind::Deal, Kind::Company, 5, 6, "Primary"),
    plain(Kind::Discount, Kind::Deal, 369, 370),
    plain(Kind::Contact, Kind::Company, 279, 280),
    labelled(Kind::Contact, Kind::Company, 1, 2, "Primary"),
];

/// The types of a direction: id, reverse id, label; the plain one first.
fn types_between(from: Kind, to: Kind) -> Vec<(u32, u32, Option<&'static str>)> {
    let mut found: Vec<_> = TYPES
        .iter()
        .filter_map(|t| {
            if t.from == from && t.to == to {
                Some((t.id, t.reverse, t.label))
            } else if t.from == to && t.to == from {
                Some((t.reverse, t.id, t.label))
            } else {
                None
            }
        })
        .collect();
    found.sort_by_key(|t| t.2.is_some());
    found
}

/// The plain type of a direction.
pub(super) fn default_type(from: Kind, to: Kind) -> Option<u32> {
    types_between(from, to).first().map(|t| t.0)
}

/// The kind that a type id leads to, from the given kind.
pub(super) fn target_of(from: Kind, id: u32) -> Result<Kind, Refusal> {
    for t in &TYPES {
        if t.id == id {
            return if t.from == from { Ok(t.to) } else { Err(wrong_way(from, t.from, id)) };
        }
        if t.reverse == id {
            return if t.to == from { Ok(t.from) } else { Err(wrong_way(from, t.to, id)) };
        }
    }
    Err(Refusal::bad_type(&id.to_string()))
}

fn wrong_way(from: Kind, expected: Kind, id: u32) -> Refusal {
    Refusal::invalid(format!(
        "Association type {id} is invalid from object type {} for associations to be created. expected: {}",
        from.type_id(),
        expected.type_id()
    ))
}

/// `GET .../labels`.
pub(super) fn render_types(from: Kind, to: Kind) -> Done {
    let rows: Vec<Value> = types_between(from, to)
        .into_iter()
        .map(|(id, _, label)| json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": label}))
        .collect();
    Done::ok(json!({ "results": rows }))
}

/// The types of one link, as answers show them.
pub(super) fn render_link(from: Kind, to: Kind, types: &BTreeSet<u32>) -> Vec<Value> {
    types_between(from, to)
        .into_iter()
        .filter(|(id, _, _)| types.contains(id))
        .map(|(id, _, label)| json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": label}))
        .collect()
}

/// The labels of type ids of a direction.
pub(super) fn labels(from: Kind, to: Kind, types: &[u32]) -> Vec<&'static str> {
    types_between(from, to)
        .into_iter()
        .filter(|(id, _, _)| types.contains(id))
        .filter_map(|(_, _, label)| label)
        .collect()
}

impl HubSpot {
    /// Links two records with the given types (of the direction from -> to).
    pub(super) fn connect(
        &mut self,
        from: Key,
        to_kind: Kind,
        to_id: &str,
        types: &[u32],
        m: &mut Moment<'_>,
    ) -> Result<(), Refusal> {
        let target = to_id.parse::<u64>().ok().filter(|id| self.store.live(to_kind, *id).is_some());
        let Some(target) = target else {
            // Reported from live portals: accepted, and nothing comes of it.
            return if self.settings.loose_links {
                Ok(())
            } else {
                Err(Refusal::bad_target(to_kind, to_id))
            };
        };
        if self.store.live(from.0, from.1).is_none() {
            return Err(Refusal::bad_target(from.0, &from.1.to_string()));
        }
        let to = (to_kind, target);
        let known = types_between(from.0, to.0);
        let (plain, plain_reverse) =
            known.first().map(|t| (t.0, t.1)).ok_or_else(|| no_types(from.0, to.0))?;
        let mut forth = self.store.link(from, to).cloned().unwrap_or_default();
        let mut back = self.store.link(to, from).cloned().unwrap_or_default();
        let (old_forth, old_back) = (forth.clone(), back.clone());
        for id in types {
            if [PRIMARY_QUOTE, 1394].contains(id) {
                return Err(Refusal::bad_type(&id.to_string()));
            }
            let Some((_, reverse, _)) = known.iter().find(|t| t.0 == *id) else {
                let leads_to = target_of(from.0, *id)?;
                return Err(Refusal::invalid(format!(
                    "Association type {id} is invalid to object type {} for associations to be created. expected: {}",
                    to.0.type_id(),
                    leads_to.type_id()
                )));
            };
            forth.insert(*id);
            back.insert(*reverse);
        }
        forth.insert(plain);
        back.insert(plain_reverse);
        if (&forth, &back) == (&old_forth, &old_back) {
            return Ok(());
        }
        self.check_link(from, to)?;
        self.check_link(to, from)?;
        self.store.set_link(from, to, forth);
        self.store.set_link(to, from, back);
        self.recompute(from, m);
        self.recompute(to, m);
        Ok(())
    }

    /// A link made by the portal: no rules, plain type.
    pub(super) fn connect_freely(&mut self, from: Key, to: Key, m: &mut Moment<'_>) {
        let mut forth = self.store.link(from, to).cloned().unwrap_or_default();
        let mut back = self.store.link(to, from).cloned().unwrap_or_default();
        if let Some((id, reverse, _)) = types_between(from.0, to.0).first() {
            forth.insert(*id);
            back.insert(*reverse);
        }
        self.store.set_link(from, to, forth);
        self.store.set_link(to, from, back);
        self.recompute(from, m);
        self.recompute(to, m);
    }

    /// Drops types of a link (of the direction from -> to); no types, or the plain one, drops it
    /// whole. A link that is not there is no error.
    pub(super) fn disconnect(
        &mut self,
        from: Key,
        to: Key,
        types: &[u32],
        m: &mut Moment<'_>,
    ) -> Result<(), Refusal> {
        let Some(old) = self.store.link(from, to).cloned() else { return Ok(()) };
        for key in [from, to] {
            self.refuse_if_locked(key)?;
        }
        let known = types_between(from.0, to.0);
        let whole = types.is_empty() || known.first().is_some_and(|t| types.contains(&t.0));
        let (mut forth, mut back) = (old, self.store.link(to, from).cloned().unwrap_or_default());
        if whole {
            forth.clear();
            back.clear();
        }
        for (id, reverse, _) in known.iter().filter(|t| types.contains(&t.0)) {
            forth.remove(id);
            back.remove(reverse);
        }
        self.store.set_link(from, to, forth);
        self.store.set_link(to, from, back);
        self.recompute(from, m);
        self.recompute(to, m);
        Ok(())
    }

    /// What speaks against a new link, seen from its first end.
    fn check_link(&self, from: Key, to: Key) -> Result<(), Refusal> {
        let Some(record) = self.store.live(from.0, from.1) else { return Ok(()) };
        if from.0 == Kind::LineItem && to.0 == Kind::Quote {
            let others = self.store.linked_ids(from, Kind::Quote);
            if others.iter().any(|id| *id != to.1) {
                return Err(Refusal::invalid(format!(
                    "Line item {} already belongs to another quote. A line item has exactly one parent.",
                    from.1
                )));
            }
        }
        if from.0 != Kind::Quote {
            return Ok(());
        }
        self.refuse_if_locked(from)?;
        let one_only = matches!(to.0, Kind::Deal | Kind::Template | Kind::Company);
        if one_only && self.store.linked_ids(from, to.0).iter().any(|id| *id != to.1) {
            return Err(Refusal::invalid(format!(
                "Quote {} can be associated with only one {}.",
                from.1,
                to.0.singular()
            )));
        }
        let cpq = quotes::is_cpq(record);
        if cpq && to.0.is_adjustment() {
            return Err(Refusal::invalid(format!(
                "A {} cannot be associated with a CPQ quote.",
                to.0.singular()
            )));
        }
        let Some(target) = self.store.live(to.0, to.1) else { return Ok(()) };
        if to.0 == Kind::Template && target.is("hs_type", "cpq_template") != cpq {
            return Err(Refusal::bad_target(to.0, &to.1.to_string()));
        }
        if to.0 == Kind::Deal && target.is("hs_object_source_label", "ECOMMERCE") {
            return Err(Refusal::invalid(format!(
                "Deal {} was created by an e-commerce integration and cannot be associated with a quote.",
                to.1
            )));
        }
        Ok(())
    }
}

fn no_types(from: Kind, to: Kind) -> Refusal {
    Refusal::invalid(format!(
        "No association types exist between {} and {}",
        from.shout(),
        to.shout()
    ))
}
