//! The reading half: single quotes by their public key, and the list where a quote must be found.
//!
//! Invariants: without a token nothing is asked, and nothing is pretended to be known. The list is
//! read only where something may be there that is not recorded. "Absent" is said only where the
//! whole of the time in question was seen, and where every quote that could be the lost one showed
//! whose it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};
use jiff::{Span, Timestamp, tz::TimeZone};

use super::observed::{self, Marking};
use super::operation::Operation;
use super::wire::{self, Page, Record};
use super::{Settings, refusal, value, wanted};
use crate::clock::Clock;
use crate::facts::{Path, Value};
use crate::http::paging::{Endless, Paging};
use crate::http::{CallError, ReadWire, segment};
use crate::key::{QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::provider::listing::{Filter, Found, Looked, Page as Listing, Raw, Row, Scene, Seen};
use crate::provider::step::{
    Effect, Located, Operation as AnyOperation, Step, Trouble, TroubleKind,
};
use crate::provider::survey::{Ask, Lore, Sight, Survey};
use crate::provider::{Made, Reader, Requests};

/// How many replacements of one quote are looked for when nothing is recorded.
const REVISIONS: u32 = 32;

/// Reads one SalesByte company.
pub struct SalesbyteReader {
    wire: Option<ReadWire>,
    settings: Settings,
    clock: Clock,
}

impl fmt::Debug for SalesbyteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SalesbyteReader").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// What tells a customer from another one.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
struct Who {
    name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl Who {
    fn new(name: Option<&str>, email: Option<&str>, phone: Option<&str>) -> Self {
        let filled = |t: String| if t.is_empty() { None } else { Some(t) };
        let folded = |t: &str| t.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        Self {
            name: name.map(folded).and_then(filled),
            email: email.map(folded).and_then(filled),
            phone: phone.map(value::bare_phone).and_then(filled),
        }
    }

    fn of_record(r: &Record) -> Self {
        Self::new(
            r.customer_name.as_deref(),
            r.customer_email.as_deref(),
            r.customer_phone.as_deref(),
        )
    }

    fn of_request(o: &Operation) -> Self {
        Self::new(o.text("customer_name"), o.text("customer_email"), o.text("customer_phone"))
    }

    /// Whether a record may be of this customer: a colleague may have corrected some of it.
    fn may_be(&self, other: &Self) -> bool {
        let same = |a: &Option<String>, b: &Option<String>| a.is_some() && a == b;
        same(&self.name, &other.name)
            || same(&self.email, &other.email)
            || same(&self.phone, &other.phone)
    }
}

impl SalesbyteReader {
    /// On a wire that can only read; without one where the connection has no token.
    pub fn new(wire: Option<ReadWire>, settings: Settings) -> Self {
        Self { wire, settings, clock: crate::clock::system() }
    }

    /// With another clock than the machine's: it says since when a lost creation is looked for.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    async fn quote(&self, wire: &ReadWire, key: &str) -> Result<Option<Record>, CallError> {
        let path = format!("{}/{}", wire::QUOTES, segment(key));
        match wire.get(&path, &[]).await {
            Ok(answer) => answer.json().map(Some),
            Err(e) if e.refused_status() == Some(404) => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The list, oldest first, so that quotes which are made meanwhile move nothing.
    async fn whole_list(
        &self,
        wire: &ReadWire,
        from: Option<&str>,
    ) -> Result<Vec<Record>, Trouble> {
        let endless =
            |_| Trouble::new(TroubleKind::Network, "SalesByte's list of quotes does not end");
        let mut rows = Vec::new();
        let mut paging = Paging::default();
        for page in 1_u64.. {
            let number = page.to_string();
            let mut query =
                vec![("page", number.as_str()), ("sort_by", "created_at"), ("sort_order", "asc")];
            query.extend(from.map(|from| ("created_from", from)));
            let answer = wire.get(wire::QUOTES, &query).await.map_err(|e| refusal::of_read(&e))?;
            paging.read(answer.body.len()).map_err(endless)?;
            let found: Page = answer.json().map_err(|e| refusal::of_read(&e))?;
            let empty = found.data.is_empty();
            // Pages are asked for by number: one that comes again shows itself by its rows.
            if let Some(key) = found.data.iter().find_map(|row| row.key.as_deref()) {
                paging.follow(key).map_err(endless)?;
            }
            rows.extend(found.data);
            let last = found.meta.and_then(|m| m.last_page);
            if empty || last.is_some_and(|last| page >= last) {
                return Ok(rows);
            }
        }
        Err(endless(Endless))
    }

    /// The whole records of rows that pass, by key. Rows without a key cannot be read.
    async fn whole(
        &self,
        wire: &ReadWire,
        rows: Vec<Record>,
        passes: impl Fn(&Who) -> bool,
    ) -> Result<BTreeMap<String, Record>, Trouble> {
        let keys: BTreeSet<String> = rows
            .into_iter()
            .filter(|row| passes(&Who::of_record(row)))
            .filter_map(|row| row.key)
            .collect();
        let calls = keys.into_iter().map(|key| async move {
            let record = self.quote(wire, &key).await.map_err(|e| refusal::of_read(&e))?;
            Ok::<_, Trouble>(record.map(|r| (key, r)))
        });
        Ok(try_join_all(calls).await?.into_iter().flatten().collect())
    }

    /// Quotes that nothing is recorded of, by stamp: the latest revision of each, from a first one
    /// on.
    async fn unrecorded(
        &self,
        wire: &ReadWire,
        asks: &[(Ask<'_>, u32)],
    ) -> Result<BTreeMap<QuoteName, (RemoteId, Record, u32)>, Trouble> {
        let mut hits: BTreeMap<QuoteName, (RemoteId, Record, u32)> = BTreeMap::new();
        if asks.is_empty() || self.settings.stamp.is_none() {
            return Ok(hits);
        }
        let mut owners: BTreeMap<Stamp, (&QuoteName, u32)> = BTreeMap::new();
        let mut people: Vec<Who> = Vec::new();
        for (ask, first) in asks {
            for name in std::iter::once(ask.quote).chain(ask.recorded_as) {
                for revision in *first..=first.saturating_add(REVISIONS) {
                    let stamp = Stamp::new(ask.workspace, name, revision, "");
                    owners.insert(stamp, (ask.quote, revision));
                }
            }
            people.extend(ask.desired.map(|q| who(&self.settings, q)));
        }
        let rows = self.whole_list(wire, None).await?;
        let passes = |there: &Who| people.iter().any(|p| p.may_be(there));
        for (key, record) in self.whole(wire, rows, passes).await? {
            let fields = observed::fields_of(&record);
            let Marking::Marked(mark) = observed::marking(&self.settings, &fields) else {
                continue;
            };
            let Some((quote, revision)) = owners.get(&mark.stamp) else { continue };
            let Some(id) = RemoteId::parse(&key) else { continue };
            if hits.get(*quote).is_none_or(|(_, _, known)| known < revision) {
                hits.insert((*quote).clone(), (id, record, *revision));
            }
        }
        Ok(hits)
    }

    /// Why a recorded quote is not ours, if it is not.
    fn foreign(&self, ask: &Ask<'_>, record: &Record) -> Option<String> {
        let entry = ask.entry?;
        let fields = observed::fields_of(record);
        let Marking::Marked(mark) = observed::marking(&self.settings, &fields) else {
            // Made before the connection had a stamp field, or imported.
            return None;
        };
        let mut names = std::iter::once(ask.quote).chain(ask.recorded_as);
        if names.any(|n| Stamp::new(ask.workspace, n, entry.revision, "") == mark.stamp) {
            return None;
        }
        // A renamed quote keeps its stamp for ever, since nothing can be written to it. That it is
        // ours is then vouched for by fingerprints, which are bound to the quote's name.
        let want = ask.desired.map(|q| wanted::facts(&self.settings, q, true)).unwrap_or_default();
        if entry.stamp.as_ref() == Some(&mark.stamp) && observed::is_vouched_for(ask, &want) {
            return None;
        }
        Some(format!(
            "quote {} carries the stamp {}, which belongs to another quote or workspace",
            entry.id, mark.stamp
        ))
    }

    fn sight(&self, ask: &Ask<'_>, id: &RemoteId, record: &Record, revision: u32) -> Sight {
        match self.foreign(ask, record) {
            Some(why) => Sight::Foreign { id: id.clone(), why },
            None => {
                Sight::Found(Box::new(observed::observe(&self.settings, ask, id, record, revision)))
            }
        }
    }

    /// From which revision on a quote may be there that is not recorded; `None` where nothing has
    /// to be looked for, which is so in every read-back of what is recorded.
    fn first_unknown(
        &self,
        ask: &Ask<'_>,
        sights: &BTreeMap<QuoteName, Sight>,
        resolve: bool,
    ) -> Option<u32> {
        if ask.entry.is_none() {
            return Some(0);
        }
        let desired = ask.desired.filter(|_| resolve)?;
        let gone = matches!(sights.get(ask.quote), Some(Sight::Gone));
        ask.unknown_successor(&wanted::facts(&self.settings, desired, false), gone)
    }

    /// What can be said without a token; the planner compares manifest and record by itself.
    fn unseen(ask: &Ask<'_>) -> Sight {
        match ask.entry {
            None => Sight::Absent,
            Some(_) => Sight::Unverifiable(
                "the connection has no `token`, so SalesByte cannot be asked".to_owned(),
            ),
        }
    }
}

fn who(settings: &Settings, quote: &crate::desired::Quote) -> Who {
    let want = wanted::facts(settings, quote, false);
    let text = |path: &str| match want.get(&Path::new(path)) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (name, email, phone) =
        (text("customer.name"), text("customer.email"), text("customer.phone"));
    Who::new(name.as_deref(), email.as_deref(), phone.as_deref())
}

fn day(day: jiff::civil::Date) -> String {
    day.to_string()
}

/// What is said where there is no token.
fn unread() -> Trouble {
    let message = "without a `token` SalesByte cannot be read, so there is nothing to import from";
    Trouble::new(TroubleKind::Refused, message)
        .help("write `token: { env: NAME }` on the connection; SalesByte gives the API token on its integrations page")
}

/// The day before today by UTC: early enough wherever SalesByte's days begin.
fn yesterday(now: Timestamp) -> String {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.checked_sub(Span::new().days(1)).unwrap_or(today).to_string()
}

#[async_trait]
impl Reader for SalesbyteReader {
    async fn survey(&self, asks: &[Ask<'_>], resolve: bool) -> Result<Survey, Trouble> {
        let mut sights: BTreeMap<QuoteName, Sight> = BTreeMap::new();
        if let Some(wire) = &self.wire {
            let known = asks.iter().filter_map(|ask| Some((ask, ask.entry?)));
            let calls = known.map(|(ask, entry)| async move {
                (ask, entry, self.quote(wire, entry.id.as_str()).await)
            });
            for (ask, entry, answer) in join_all(calls).await {
                let sight = match answer {
                    Ok(Some(record)) => self.sight(ask, &entry.id, &record, entry.revision),
                    Ok(None) => Sight::Gone,
                    // One quote that makes no sense is no reason to see none; but a read-back that
                    // makes none has proven nothing.
                    Err(e @ CallError::Nonsense { .. }) if resolve => {
                        Sight::Unverifiable(refusal::of_read(&e).message)
                    }
                    Err(e) => return Err(refusal::of_read(&e)),
                };
                sights.insert(ask.quote.clone(), sight);
            }
            let open: Vec<(Ask<'_>, u32)> = asks
                .iter()
                .filter_map(|ask| Some((*ask, self.first_unknown(ask, &sights, resolve)?)))
                .collect();
            let hits = self.unrecorded(wire, &open).await?;
            for (ask, _) in open {
                let hit = hits.get(ask.quote);
                let hit = hit.filter(|(id, ..)| ask.entry.is_none_or(|e| e.id != *id));
                if let Some((id, record, revision)) = hit {
                    let sight = self.sight(&ask.unrecorded(), id, record, *revision);
                    sights.insert(ask.quote.clone(), sight);
                }
                sights.entry(ask.quote.clone()).or_insert(Sight::Absent);
            }
        } else {
            sights.extend(asks.iter().map(|ask| (ask.quote.clone(), Self::unseen(ask))));
        }
        Ok(Survey { sights, refs: BTreeMap::new(), problems: Vec::new(), lore: Lore::None })
    }

    async fn locate(&self, lost: &[&Step], _: &Made) -> Result<Vec<Located>, Trouble> {
        let (Some(wire), Some(_)) = (&self.wire, &self.settings.stamp) else {
            let why = if self.wire.is_none() {
                "without a `token` on the connection SalesByte cannot be asked whether it was made"
            } else {
                "without a `stamp_field` on the connection a quote cannot be told from another one"
            };
            return Ok(lost.iter().map(|_| Located::CannotTell(why.to_owned())).collect());
        };
        let people: Vec<Who> =
            lost.iter().filter_map(|s| operation_of(s)).map(Who::of_request).collect();
        let rows = self.whole_list(wire, Some(&yesterday((self.clock)()))).await?;
        let passes = |there: &Who| people.iter().any(|p| p.may_be(there));
        let records = self.whole(wire, rows, passes).await?;
        let marked: Vec<(String, Who, Marking)> = records
            .into_iter()
            .map(|(key, record)| {
                let fields = observed::fields_of(&record);
                let who = Who::of_record(&record);
                (key, who, observed::marking(&self.settings, &fields))
            })
            .collect();
        Ok(lost.iter().map(|step| settle(step, &marked)).collect())
    }

    async fn list(&self, cursor: Option<&str>, filter: &Filter) -> Result<Listing, Trouble> {
        let Some(wire) = &self.wire else { return Err(unread()) };
        let page: u64 = cursor.and_then(|c| c.parse().ok()).unwrap_or(1);
        let number = page.to_string();
        let (since, until) = (filter.since.map(day), filter.until.map(day));
        let mut query =
            vec![("page", number.as_str()), ("sort_by", "created_at"), ("sort_order", "asc")];
        query.extend(since.as_deref().map(|d| ("created_from", d)));
        query.extend(until.as_deref().map(|d| ("created_to", d)));
        let answer = wire.get(wire::QUOTES, &query).await.map_err(|e| refusal::of_read(&e))?;
        let found: wire::Rows = answer.json().map_err(|e| refusal::of_read(&e))?;
        let mut out = Listing::default();
        for raw in &found.data {
            let record: Option<Record> = serde_json::from_str(raw.get()).ok();
            let made: Option<wire::Made> = serde_json::from_str(raw.get()).ok();
            let made = made.and_then(|m| m.created_at?.get(..10)?.parse().ok());
            let id = record.as_ref().and_then(|r| RemoteId::parse(r.key.as_deref()?));
            let Some(id) = id else {
                let number = record.and_then(|r| r.id);
                let number =
                    number.map_or_else(|| "without a number".to_owned(), |n| n.to_string());
                out.unreadable.push(format!(
                    "quote {number} is listed without a key, by which alone it could be read"
                ));
                continue;
            };
            out.rows.push(Row { id, made, stamp: None, raw: Raw::None });
        }
        let last = found.meta.and_then(|m| m.last_page).is_some_and(|last| page >= last);
        out.next = (!found.data.is_empty() && !last).then(|| page.saturating_add(1).to_string());
        Ok(out)
    }

    async fn look(&self, workspace: &WorkspaceName, rows: &[Row]) -> Result<Vec<Looked>, Trouble> {
        let Some(wire) = &self.wire else { return Err(unread()) };
        let scene = Scene::of("salesbyte", &self.settings.connection, rows);
        let calls = rows.iter().map(|row| self.quote(wire, row.id.as_str()));
        let mut out = Vec::with_capacity(rows.len());
        for ((row, ask), answer) in
            rows.iter().zip(scene.asks(workspace)).zip(join_all(calls).await)
        {
            let found = match answer {
                Ok(None) => Found::Gone,
                Err(e @ CallError::Nonsense { .. }) => {
                    Found::Unreadable(refusal::of_read(&e).message)
                }
                Err(e) => return Err(refusal::of_read(&e)),
                Ok(Some(record)) => {
                    let fields = observed::fields_of(&record);
                    match observed::marking(&self.settings, &fields) {
                        Marking::Marked(mark) => Found::Owned(
                            Some(mark.stamp.clone()),
                            format!("quote {} carries the stamp {}", row.id, mark.stamp),
                        ),
                        _ => Found::There(Box::new(Seen {
                            observed: observed::observe(&self.settings, &ask, &row.id, &record, 0),
                            made: row.made,
                            called: record
                                .customer_company
                                .clone()
                                .filter(|c| !c.is_empty())
                                .or_else(|| record.customer_name.clone()),
                            people: BTreeMap::new(),
                            aside: Vec::new(),
                            raw: Raw::Salesbyte(Arc::new(record)),
                        })),
                    }
                }
            };
            out.push(Looked { id: row.id.clone(), found });
        }
        Ok(out)
    }

    fn resurvey(&self, asks: &[(Ask<'_>, &Seen)]) -> Survey {
        let mut sights = BTreeMap::new();
        for (ask, seen) in asks {
            let Raw::Salesbyte(record) = &seen.raw else { continue };
            let observed = observed::observe(&self.settings, ask, &seen.observed.id, record, 0);
            sights.insert(ask.quote.clone(), Sight::Found(Box::new(observed)));
        }
        Survey { sights, refs: BTreeMap::new(), problems: Vec::new(), lore: Lore::None }
    }

    fn requests(&self) -> Requests {
        let counts = self.wire.as_ref().map(ReadWire::counts).unwrap_or_default();
        Requests { read: counts.read, write: counts.write }
    }
}

fn operation_of(step: &Step) -> Option<&Operation> {
    match &step.operation {
        AnyOperation::Salesbyte(operation) => Some(operation),
        _ => None,
    }
}

/// What became of one lost creation, by the quotes that may be it.
fn settle(step: &Step, records: &[(String, Who, Marking)]) -> Located {
    let (Some(operation), Some(stamp)) = (operation_of(step), &step.stamp) else {
        return Located::CannotTell("it is no creation of SalesByte's".to_owned());
    };
    let is_it = |marking: &Marking| matches!(marking, Marking::Marked(m) if m.stamp == *stamp);
    if let Some((key, ..)) = records.iter().find(|(_, _, marking)| is_it(marking)) {
        return RemoteId::parse(key).map_or_else(
            || Located::CannotTell("SalesByte gave a key that is none".to_owned()),
            Located::Found,
        );
    }
    // A quote for the same customer whose stamp cannot be seen may be the one.
    let who = Who::of_request(operation);
    let mut silent = records
        .iter()
        .filter(|(_, there, marking)| who.may_be(there) && !matches!(marking, Marking::Marked(_)));
    if let Some((key, ..)) = silent.next() {
        return Located::CannotTell(format!(
            "quote {key} was made for this customer since yesterday and shows no stamp: compare it, and check `stamp_field` (name and label) of the connection"
        ));
    }
    if step.effects.contains(&Effect::Send) {
        return Located::CannotTell(
            "no quote with its stamp is there, but a message to the customer is never risked twice"
                .to_owned(),
        );
    }
    Located::Absent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_recognised_by_any_of_three() {
        let us = Who::new(Some("Jo  Ek "), Some("JO@acme.example"), Some("+46 76 874 18 10"));
        assert!(us.may_be(&Who::new(Some("jo ek"), None, None)));
        assert!(us.may_be(&Who::new(Some("other"), Some("jo@acme.example"), None)));
        assert!(us.may_be(&Who::new(None, None, Some("+46768741810"))));
        assert!(!us.may_be(&Who::new(Some("Ed"), Some("ed@acme.example"), Some(""))));
        assert!(!Who::default().may_be(&Who::default()));
    }
}
