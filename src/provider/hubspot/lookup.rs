//! Quotes by their stamp, without HubSpot's search.
//!
//! Purpose: the answer to "did we make this already?". Where the stamp property is unique, a
//! record is read by its value. Elsewhere the way goes through the links of a record that the
//! quote refers to (deal, contact or company), and where there is none, through the list of all
//! quotes. Search is never used: it lags, so it proves nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::Settings;
use super::fetch::Fetch;
use super::operation::Object;
use super::portal::StampSupport;
use super::wire::Record;
use crate::key::Stamp;
use crate::provider::step::Trouble;

/// A quote that is looked for.
#[derive(Clone, Debug)]
pub struct Sought {
    /// Its stamp.
    pub stamp: String,
    /// Records that it is linked with, best first.
    pub anchors: Vec<(Object, String)>,
}

/// Stamps and the quotes that carry them; of several with one stamp, the oldest.
pub type ByStamp = BTreeMap<String, Record>;

/// Looks for quotes. The answer may hold stamped quotes that nobody asked for.
pub async fn quotes(
    fetch: &Fetch,
    settings: &Settings,
    support: StampSupport,
    sought: &[Sought],
) -> Result<ByStamp, Trouble> {
    let property = settings.stamp.property();
    if sought.is_empty() {
        return Ok(ByStamp::new());
    }
    let found = match support {
        // A portal without the property has no record that carries it.
        StampSupport::Missing => Vec::new(),
        StampSupport::Unique => {
            let stamps: BTreeSet<String> = sought.iter().map(|s| s.stamp.clone()).collect();
            let stamps: Vec<String> = stamps.into_iter().collect();
            fetch.read(Object::Quote, &stamps, &[property.to_owned()], Some(property)).await?
        }
        StampSupport::Plain => by_anchor(fetch, property, sought).await?,
    };
    let mut out = ByStamp::new();
    for record in found {
        let Some(stamp) = record.get(property).and_then(Stamp::parse) else { continue };
        match out.entry(stamp.as_str().to_owned()) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(record);
            }
            std::collections::btree_map::Entry::Occupied(mut slot) => {
                if record.age() < slot.get().age() {
                    slot.insert(record);
                }
            }
        }
    }
    Ok(out)
}

async fn by_anchor(
    fetch: &Fetch,
    property: &str,
    sought: &[Sought],
) -> Result<Vec<Record>, Trouble> {
    if sought.iter().any(|s| s.anchors.is_empty()) {
        return fetch.list(Object::Quote, &[property]).await;
    }
    let mut ends: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
    for (object, id) in sought.iter().filter_map(|s| s.anchors.first()) {
        ends.entry(*object).or_default().insert(id.clone());
    }
    let mut ids = BTreeSet::new();
    for (object, ends) in ends {
        let ends: Vec<String> = ends.into_iter().collect();
        ids.extend(fetch.links(object, Object::Quote, &ends).await?.into_values().flatten());
    }
    let ids: Vec<String> = ids.into_iter().collect();
    fetch.read(Object::Quote, &ids, &[property.to_owned()], None).await
}
