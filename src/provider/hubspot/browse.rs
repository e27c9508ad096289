//! All quotes of a portal, page by page, for import.
//!
//! Invariants: the list is HubSpot's own, never its search, which lags and ends at 10,000; names of
//! deals, templates and people are read in batches for the quotes at hand, and are only words: where
//! the token may not read them, ids remain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::fetch::Fetch;
use super::operation::Object;
use super::portal::Portal;
use super::wire::Record;
use super::{Settings, resolve};
use crate::desired::{Quote, Reference, Wish};
use crate::facts::{Path, Plain, Value};
use crate::key::{RemoteId, Stamp};
use crate::provider::import::renamed;
use crate::provider::listing::{Card, Found, Looked, Page, Raw, Row, Seen};
use crate::provider::step::{Trouble, TroubleKind};
use crate::provider::survey::{Ask, Lore, Observed, Resolved, Sight, Survey};

/// A page of the list.
pub async fn page(
    fetch: &Fetch,
    settings: &Settings,
    cursor: Option<&str>,
) -> Result<Page, Trouble> {
    let stamp = settings.stamp.property();
    let (rows, next) =
        fetch.page(Object::Quote, &["hs_createdate", "hs_title", stamp], cursor).await?;
    let mut page = Page { next, ..Page::default() };
    for row in rows {
        let record = serde_json::from_value::<Record>(row.clone());
        let id = record.as_ref().ok().and_then(|r| RemoteId::parse(&r.id.0));
        let (Ok(record), Some(id)) = (record, id) else {
            let id = row.get("id").map_or_else(|| "without an id".to_owned(), ToString::to_string);
            page.unreadable.push(format!("a row of HubSpot's list makes no sense ({id})"));
            continue;
        };
        if record.archived {
            continue;
        }
        page.rows.push(Row {
            id,
            made: record.get("hs_createdate").and_then(super::value::date),
            stamp: record.get(stamp).and_then(Stamp::parse),
            raw: Raw::None,
        });
    }
    Ok(page)
}

/// What a survey of these rows found, with the names that its ids have.
pub async fn looked(
    fetch: &Fetch,
    rows: &[Row],
    sights: Vec<Option<Sight>>,
    lore: Lore,
) -> Result<Vec<Looked>, Trouble> {
    let Lore::Hubspot(portal) = lore else { return Ok(Vec::new()) };
    let portal = Arc::new(*portal);
    let mut out: Vec<Looked> = rows
        .iter()
        .zip(sights)
        .map(|(row, sight)| Looked {
            id: row.id.clone(),
            found: match sight {
                Some(Sight::Found(observed)) => {
                    Found::There(Box::new(seen(row, *observed, &portal)))
                }
                Some(Sight::Foreign { why, .. }) => Found::Owned(row.stamp.clone(), why),
                Some(Sight::Unverifiable(why)) => Found::Unreadable(why),
                Some(Sight::Gone | Sight::Absent) | None => Found::Gone,
            },
        })
        .collect();
    name_references(fetch, &mut out).await?;
    Ok(out)
}

fn seen(row: &Row, mut observed: Observed, portal: &Arc<Portal>) -> Seen {
    // Markup cannot be a neutral note: it will be asked for, and so is seen, by its native name.
    for (path, native) in
        [("notes.public", "hubspot.hs_comments"), ("notes.terms", "hubspot.hs_terms")]
    {
        if let Some(Value::Plain(Plain::Text(html))) = observed.facts.get(&Path::new(path)).cloned()
        {
            let text = html.replace("\r\n", "\n");
            observed.facts.insert(Path::new(native), Value::text(text));
        }
    }
    let called = match observed.facts.get(&Path::new("title")) {
        Some(Value::Text(title)) => Some(title.clone()),
        _ => None,
    };
    Seen {
        observed,
        made: row.made,
        called,
        people: BTreeMap::new(),
        aside: Vec::new(),
        raw: Raw::Hubspot(Arc::clone(portal)),
    }
}

/// What a reference leads to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Owner,
    Record(Object),
}

fn target_of(path: &Path) -> Option<Target> {
    Some(match (path.as_str(), path.list()) {
        ("owner", _) => Target::Owner,
        ("deal", _) => Target::Record(Object::Deal),
        ("company", _) => Target::Record(Object::Company),
        ("template", _) => Target::Record(Object::Template),
        (_, Some("contacts")) => Target::Record(Object::Contact),
        _ => return None,
    })
}

async fn name_references(fetch: &Fetch, all: &mut [Looked]) -> Result<(), Trouble> {
    let mut ids: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
    let mut owned = false;
    for (path, id) in all.iter().filter_map(|l| there(l)).flat_map(references) {
        match target_of(path) {
            Some(Target::Record(object)) => {
                ids.entry(object).or_default().insert(id.to_owned());
            }
            Some(Target::Owner) => owned = true,
            None => {}
        }
    }
    let mut names: BTreeMap<(Target, String), String> = BTreeMap::new();
    let mut cards: BTreeMap<String, Card> = BTreeMap::new();
    for (object, ids) in ids {
        let properties: &[&str] = match object {
            Object::Deal => &["dealname"],
            Object::Company => &["name"],
            Object::Template => &["hs_name"],
            _ => &["email", "firstname", "lastname", "phone"],
        };
        let wanted: Vec<String> = properties.iter().map(|p| (*p).to_owned()).collect();
        let ids: Vec<String> = ids.into_iter().collect();
        for record in words(fetch.read(object, &ids, &wanted, None).await)? {
            let get = |name: &str| record.get(name).map(ToOwned::to_owned);
            if object == Object::Contact {
                let card = Card {
                    email: get("email"),
                    first_name: get("firstname"),
                    last_name: get("lastname"),
                    phone: get("phone"),
                };
                cards.insert(record.id.0.clone(), card);
            } else if let Some(name) = properties.first().and_then(|p| get(p)) {
                names.insert((Target::Record(object), record.id.0.clone()), name);
            }
        }
    }
    if owned {
        for owner in words(fetch.owners().await)? {
            names.extend(
                owner.email.clone().map(|email| ((Target::Owner, owner.id.0.clone()), email)),
            );
        }
    }
    for looked in all {
        let Found::There(seen) = &mut looked.found else { continue };
        for (path, value) in &mut seen.observed.facts {
            let (Some(target), Value::Ref { id, label }) = (target_of(path), value) else {
                continue;
            };
            if let Some(card) = cards.get(id).filter(|_| target == Target::Record(Object::Contact))
            {
                seen.people.insert(path.as_str().to_owned(), card.clone());
            }
            if let Some(name) = names.get(&(target, id.clone())) {
                label.clone_from(name);
            }
        }
    }
    Ok(())
}

fn there(looked: &Looked) -> Option<&Observed> {
    match &looked.found {
        Found::There(seen) => Some(&seen.observed),
        _ => None,
    }
}

fn references(observed: &Observed) -> impl Iterator<Item = (&Path, &str)> {
    observed.facts.iter().filter_map(|(path, value)| match value {
        Value::Ref { id, .. } => Some((path, id.as_str())),
        _ => None,
    })
}

/// Names are words: what the token may not read is left without.
fn words<T>(answer: Result<Vec<T>, Trouble>) -> Result<Vec<T>, Trouble> {
    match answer {
        Err(trouble) if trouble.kind == TroubleKind::Refused => Ok(Vec::new()),
        other => other,
    }
}

/// What a survey would say, from what was read.
pub fn resurvey(asks: &[(Ask<'_>, &Seen)]) -> Survey {
    let mut survey = Survey {
        sights: BTreeMap::new(),
        refs: BTreeMap::new(),
        problems: Vec::new(),
        lore: Lore::None,
    };
    for (ask, seen) in asks {
        if let Raw::Hubspot(portal) = &seen.raw
            && matches!(survey.lore, Lore::None)
        {
            survey.lore = Lore::Hubspot(Box::new(portal.as_ref().clone()));
        }
        let parts = ask.entry.map(|e| e.parts.clone()).unwrap_or_default();
        let observed = renamed(&seen.observed, &parts);
        if let Some(quote) = ask.desired {
            survey.refs.insert(ask.quote.clone(), references_of(quote));
        }
        survey.sights.insert(ask.quote.clone(), Sight::Found(Box::new(observed)));
    }
    survey
}

/// The references of a manifest that names ids.
fn references_of(quote: &Quote) -> BTreeMap<String, Resolved> {
    let mut ids: BTreeMap<String, (String, String)> = BTreeMap::new();
    for (path, wish) in [
        ("owner", &quote.owner),
        ("company", &quote.company),
        ("deal", &quote.deal),
        ("template", &quote.template),
    ] {
        if let Wish::Set(Reference::Id { id, name, .. }) = wish {
            ids.insert(path.to_owned(), (id.clone(), name.clone().unwrap_or_default()));
        }
    }
    let contacts = quote.contacts.set().into_iter().flatten().enumerate();
    let contacts = contacts.map(|(i, person)| (format!("contacts[{i}]"), person));
    let people = quote.customer.iter().map(|person| ("customer".to_owned(), person));
    for (path, person) in people.chain(contacts) {
        if let Some(id) = person.id.set() {
            ids.insert(path, (id.clone(), person.email.set().cloned().unwrap_or_default()));
        }
    }
    resolve::asked_of(quote)
        .into_iter()
        .filter_map(|(path, asked)| {
            let (id, label) = ids.remove(&path)?;
            let id = RemoteId::parse(&id)?;
            Some((path, Resolved { asked, id, label }))
        })
        .collect()
}
