//! What creations with an unknown outcome left behind.
//!
//! Purpose: after a timeout, a cut connection or a kill, each lost creation is looked for by its
//! stamp: quotes by [`super::lookup`], parts through the links of their quote, which is known.
//! Where parts carry no stamp, by content among those that nobody else made. Invariant: "absent"
//! is only said where the whole place was seen.

use std::collections::{BTreeMap, BTreeSet};

use super::fetch::Fetch;
use super::lookup::{self, Sought};
use super::operation::{Link, Object, Operation};
use super::portal::StampSupport;
use super::wire::Record;
use super::{Settings, StampPlace, value};
use crate::key::RemoteId;
use crate::provider::Made;
use crate::provider::capability::Kind;
use crate::provider::step::{Located, Operation as AnyOperation, Step, Trouble};

/// One answer a step, in order.
pub async fn locate(
    fetch: &Fetch,
    settings: &Settings,
    support: StampSupport,
    lost: &[&Step],
    made: &Made,
) -> Result<Vec<Located>, Trouble> {
    let sought: Vec<Sought> = lost.iter().filter_map(|step| quote_sought(step, made)).collect();
    let quotes = lookup::quotes(fetch, settings, support, &sought).await?;
    let parents = parents(lost, made);
    let mut parts: BTreeMap<(Object, String), Vec<Record>> = BTreeMap::new();
    for (object, ids) in &parents {
        let ids: Vec<String> = ids.iter().cloned().collect();
        let links = fetch.links(Object::Quote, *object, &ids).await?;
        let ends: BTreeSet<String> = links.values().flatten().cloned().collect();
        let ends: Vec<String> = ends.into_iter().collect();
        let properties = properties_of(settings, *object, lost);
        let records = fetch.read(*object, &ends, &properties, None).await?;
        let by_id: BTreeMap<&str, &Record> = records.iter().map(|r| (r.id.0.as_str(), r)).collect();
        for (quote, ends) in links {
            let mut all: Vec<Record> =
                ends.iter().filter_map(|e| by_id.get(e.as_str()).map(|r| (*r).clone())).collect();
            all.sort_by(|a, b| a.age().cmp(&b.age()));
            parts.insert((*object, quote), all);
        }
    }
    let mut taken: BTreeSet<(Object, String)> = BTreeSet::new();
    let known: BTreeSet<&str> = made.values().map(RemoteId::as_str).collect();
    let mut out = Vec::new();
    for step in lost {
        let AnyOperation::Hubspot(Operation::Create { object, properties, .. }) = &step.operation
        else {
            // Everything but a creation is the same done twice as done once.
            out.push(Located::Absent);
            continue;
        };
        if *object == Object::Quote {
            let found = step.stamp.as_ref().and_then(|s| quotes.get(s.as_str()));
            out.push(answer(found));
            continue;
        }
        let Some(parent) = parent_of(step, made) else {
            out.push(Located::CannotTell("the quote that it belongs to is not known".to_owned()));
            continue;
        };
        let all = parts.get(&(*object, parent)).map_or(&[][..], Vec::as_slice);
        let found = all.iter().find(|r| match (&settings.stamp, &step.stamp) {
            (StampPlace::Property(name), Some(stamp)) => r.get(name) == Some(stamp.as_str()),
            (StampPlace::Property(_), None) => false,
            (StampPlace::Slug, _) => {
                let free =
                    !taken.contains(&(*object, r.id.0.clone())) && !known.contains(r.id.0.as_str());
                free && is_alike(properties, r)
            }
        });
        if let Some(found) = found {
            taken.insert((*object, found.id.0.clone()));
        }
        out.push(answer(found));
    }
    Ok(out)
}

fn answer(found: Option<&Record>) -> Located {
    match found.map(|r| RemoteId::parse(&r.id.0)) {
        None => Located::Absent,
        Some(Some(id)) => Located::Found(id),
        Some(None) => Located::CannotTell("HubSpot gave an id that is none".to_owned()),
    }
}

fn links_of(step: &Step) -> &[Link] {
    match &step.operation {
        AnyOperation::Hubspot(Operation::Create { links, .. }) => links,
        _ => &[],
    }
}

fn quote_sought(step: &Step, made: &Made) -> Option<Sought> {
    let AnyOperation::Hubspot(Operation::Create { object: Object::Quote, .. }) = &step.operation
    else {
        return None;
    };
    let stamp = step.stamp.as_ref()?.as_str().to_owned();
    let mut anchors: Vec<(Object, String)> = links_of(step)
        .iter()
        .filter(|l| l.object != Object::Template)
        .filter_map(|l| Some((l.object, l.target.resolve(made)?.as_str().to_owned())))
        .collect();
    anchors.sort_by_key(|(object, _)| match object {
        Object::Deal => 0,
        Object::Contact => 1,
        _ => 2,
    });
    Some(Sought { stamp, anchors })
}

fn parent_of(step: &Step, made: &Made) -> Option<String> {
    let link = links_of(step).iter().find(|l| l.object == Object::Quote)?;
    link.target.resolve(made).map(|id| id.as_str().to_owned())
}

fn parents(lost: &[&Step], made: &Made) -> BTreeMap<Object, BTreeSet<String>> {
    let mut out: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
    for step in lost {
        if let AnyOperation::Hubspot(Operation::Create { object, .. }) = &step.operation
            && *object != Object::Quote
            && let Some(parent) = parent_of(step, made)
        {
            out.entry(*object).or_default().insert(parent);
        }
    }
    out
}

/// What must be read of parts to recognise them.
fn properties_of(settings: &Settings, object: Object, lost: &[&Step]) -> Vec<String> {
    match &settings.stamp {
        StampPlace::Property(name) => vec![name.clone()],
        StampPlace::Slug => {
            let mut all = BTreeSet::new();
            for step in lost {
                if let AnyOperation::Hubspot(Operation::Create { object: o, properties, .. }) =
                    &step.operation
                    && *o == object
                {
                    all.extend(properties.keys().cloned());
                }
            }
            all.into_iter().collect()
        }
    }
}

/// Whether a record holds what a creation sent; numbers are compared as numbers.
fn is_alike(sent: &BTreeMap<String, String>, record: &Record) -> bool {
    sent.iter().all(|(name, text)| {
        let there = record.get(name);
        there == Some(text.as_str())
            || value::read(&Kind::Number, Some(text)) == value::read(&Kind::Number, there)
    })
}
