//! The portal as it is at first: `seed.yaml`, and bulk records for load tests.
//!
//! The one thing to know: every id of the seed is written down, so that tests can name it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::HubSpot;
use super::directory::{Account, Directory, Owner, TaxRate};
use super::kind::Kind;
use super::store::Record;
use crate::sandbox::machine::SandboxError;
use crate::sandbox::random::Random;
use crate::sandbox::upstream::Moment;

/// When the seeded records were made: long before any search lag.
const SEEDED_AT: i64 = 1_735_732_800;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedText {
    account: Account,
    owners: Vec<Owner>,
    taxes: Vec<TaxRate>,
    records: BTreeMap<String, Vec<RecordText>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordText {
    id: u64,
    #[serde(default)]
    archived: bool,
    /// What it is linked to: kind -> ids.
    #[serde(default)]
    links: BTreeMap<String, Vec<u64>>,
    properties: BTreeMap<String, String>,
}

/// Fills an empty portal.
pub(super) fn plant(portal: &mut HubSpot) -> Result<(), SandboxError> {
    let unreadable = |message: String| SandboxError::Unreadable { what: "seed", message };
    let text: SeedText =
        serde_yaml::from_str(include_str!("seed.yaml")).map_err(|e| unreadable(e.to_string()))?;
    portal.directory = Directory { account: text.account, owners: text.owners, taxes: text.taxes };
    let at = Timestamp::from_second(SEEDED_AT).unwrap_or(Timestamp::UNIX_EPOCH);
    let mut links = Vec::new();
    for (name, rows) in text.records {
        let kind = Kind::named(&name).ok_or_else(|| unreadable(format!("no kind `{name}`")))?;
        for row in rows {
            for name in row.properties.keys() {
                if portal.schema.get(kind, name).is_none() {
                    return Err(unreadable(format!("{kind:?} has no property `{name}`")));
                }
            }
            let mut record = Record::new(row.id, at);
            record.archived_at = row.archived.then_some(at);
            record.properties = row.properties;
            portal.store.put(kind, record);
            for (to, ids) in row.links {
                let to = Kind::named(&to).ok_or_else(|| unreadable(format!("no kind `{to}`")))?;
                links.extend(ids.into_iter().map(|id| ((kind, row.id), (to, id))));
            }
        }
    }
    let mut random = Random::new(0);
    let mut moment = Moment { now: at, random: &mut random };
    for (from, to) in links {
        if portal.store.get(to.0, to.1).is_none() {
            return Err(unreadable(format!("{from:?} is linked to {to:?}, which is not there")));
        }
        portal.connect_freely(from, to, &mut moment);
    }
    Ok(())
}

impl HubSpot {
    /// Makes `Bulk deal 0001`... with a contact `bulk-0001@bulk.example` each, up to `count`.
    /// Those that are there already stay.
    pub(super) fn make_bulk_deals(&mut self, count: u64, now: Timestamp) {
        // Old enough for the search index to know them.
        let at = now.checked_sub(SignedDuration::from_hours(24)).unwrap_or(now);
        let mut random = Random::new(0);
        let mut moment = Moment { now: at, random: &mut random };
        let first_deal = 90_000_000_000;
        let first_contact = 190_000_000_000;
        for n in 1..=count {
            let (deal, contact) = (first_deal + n, first_contact + n);
            if self.store.get(Kind::Deal, deal).is_some() {
                continue;
            }
            let mut record = Record::new(deal, at);
            let mut set = |name: &str, value: String| {
                record.properties.insert(name.to_owned(), value);
            };
            set("dealname", format!("Bulk deal {n:04}"));
            set("deal_currency_code", "USD".to_owned());
            set("pipeline", "default".to_owned());
            set("dealstage", "qualifiedtobuy".to_owned());
            self.store.put(Kind::Deal, record);
            let mut record = Record::new(contact, at);
            let mut set = |name: &str, value: String| {
                record.properties.insert(name.to_owned(), value);
            };
            set("email", format!("bulk-{n:04}@bulk.example"));
            set("firstname", "Bulk".to_owned());
            set("lastname", format!("Buyer {n:04}"));
            self.store.put(Kind::Contact, record);
            self.connect_freely((Kind::Deal, deal), (Kind::Contact, contact), &mut moment);
        }
    }
}
