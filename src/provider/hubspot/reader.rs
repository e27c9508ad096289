//! The reading half: all that planning needs of HubSpot, in as few requests as possible.
//!
//! The order: property definitions and references; quotes by recorded id, and by stamp where
//! nothing is recorded; their links; their parts. Batches of one stage run side by side (the wire
//! limits them).
//!
//! Invariants: nothing is matched by position; a recorded id that leads to a record with another
//! stamp is a foreign one; definitions are read once a run, and again only where the stamp
//! property was missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use super::fetch::Fetch;
use super::lookup::{self, ByStamp, Sought};
use super::observed::{self, Natives, Records};
use super::operation::Object;
use super::portal::{Definition, Portal, StampSupport};
use super::resolve::{self, Resolution};
use super::wire::Record;
use super::{QuoteSystem, Settings, StampPlace, browse, locate, mapping, status};
use crate::desired::{Quote, WantedState, WhenLocked, Wish};
use crate::facts::Path;
use crate::http::ReadWire;
use crate::key::{QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::provider::listing::{Filter, Looked, Page, Row, Scene, Seen};
use crate::provider::step::{Located, Step, Trouble};
use crate::provider::survey::{Ask, Lore, Sight, Survey};
use crate::provider::{Made, Reader, Requests};

/// Reads one HubSpot account.
#[derive(Debug)]
pub struct HubspotReader {
    fetch: Fetch,
    settings: Settings,
    definitions: Mutex<BTreeMap<Object, BTreeMap<String, Definition>>>,
}

/// A quote that was found for a question.
struct Hit {
    id: String,
    revision: u32,
    /// The quote that this one replaced.
    earlier: Option<String>,
}

/// A question whose quote is looked for by stamp, revision by revision.
struct Trail<'a> {
    ask: &'a Ask<'a>,
    /// The name that the stamps are made of: the quote's, or its earlier one.
    name: &'a QuoteName,
    revision: u32,
    /// The revision before, if one was found.
    earlier: Option<String>,
}

impl Trail<'_> {
    fn stamp(&self) -> Stamp {
        Stamp::new(self.ask.workspace, self.name, self.revision, "")
    }
}

impl HubspotReader {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire, settings: Settings) -> Self {
        Self { fetch: Fetch::new(wire), settings, definitions: Mutex::default() }
    }

    async fn definition_of(
        &self,
        object: Object,
    ) -> Result<(Object, BTreeMap<String, Definition>), Trouble> {
        let known = {
            let cache = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(&object).cloned()
        };
        // The stamp property may have been made since.
        let stale = |d: &BTreeMap<String, Definition>| match &self.settings.stamp {
            StampPlace::Property(name) => !d.contains_key(name),
            StampPlace::Slug => false,
        };
        if let Some(known) = known.filter(|d| !stale(d)) {
            return Ok((object, known));
        }
        let fresh = self.fetch.definitions(object).await?;
        let mut cache = self.definitions.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(object, fresh.clone());
        Ok((object, fresh))
    }

    async fn portal(&self, asks: &[Ask<'_>]) -> Result<Portal, Trouble> {
        let mut objects = BTreeSet::from([Object::Quote]);
        objects.extend(asks.iter().flat_map(part_kinds));
        let calls = objects.into_iter().map(|object| self.definition_of(object));
        let definitions = futures_util::future::try_join_all(calls).await?.into_iter().collect();
        Ok(Portal { definitions, ..Portal::default() })
    }

    fn support(&self, portal: &Portal) -> StampSupport {
        match &self.settings.stamp {
            StampPlace::Property(name) => portal.stamp_support(Object::Quote, name),
            StampPlace::Slug => StampSupport::Plain,
        }
    }

    /// Quotes by stamp, from a first revision on. A lost or old lockfile may hide that a quote was
    /// replaced, so later revisions are looked for as long as one is found.
    async fn by_stamp(
        &self,
        mut open: Vec<Trail<'_>>,
        support: StampSupport,
        resolution: &Resolution,
    ) -> Result<BTreeMap<QuoteName, Hit>, Trouble> {
        let mut hits: BTreeMap<QuoteName, Hit> = BTreeMap::new();
        let mut seen: Option<ByStamp> = None;
        while !open.is_empty() {
            let found = if let Some(all) = seen.take() {
                // Without unique values the first look saw all revisions.
                all
            } else {
                let sought: Vec<Sought> = open
                    .iter()
                    .map(|trail| Sought {
                        stamp: trail.stamp().as_str().to_owned(),
                        anchors: self.anchors(trail.ask, resolution),
                    })
                    .collect();
                lookup::quotes(&self.fetch, &self.settings, support, &sought).await?
            };
            open.retain_mut(|trail| {
                let Some(record) = found.get(trail.stamp().as_str()) else { return false };
                let id = record.id.0.clone();
                let earlier = trail.earlier.replace(id.clone());
                let hit = Hit { id, revision: trail.revision, earlier };
                hits.insert(trail.ask.quote.clone(), hit);
                trail.revision = trail.revision.saturating_add(1);
                trail.revision < u32::MAX
            });
            if support != StampSupport::Unique {
                seen = Some(found);
            }
        }
        Ok(hits)
    }

    /// Recorded quotes of which a lockfile may know, but not of what took their place, or is about
    /// to: gone; no longer open to the customer although they were; or to be revised, where a run
    /// that was cut off may have made the successor already. To edit and publish such a quote
    /// beside its successor would put two before the customer.
    fn replaced<'a>(asks: &'a [Ask<'a>], quotes: &BTreeMap<String, Record>) -> Vec<Trail<'a>> {
        let asked = asks.iter().filter_map(|ask| Some((ask, ask.entry?, ask.desired?)));
        asked
            .filter(|(_, entry, desired)| {
                let Some(record) = quotes.get(entry.id.as_str()) else { return true };
                let state = status::state_of(record.get("hs_status").unwrap_or_default());
                let was_open = entry.state.as_deref().is_some_and(|s| {
                    [WantedState::Published, WantedState::Approved].iter().any(|w| w.word() == s)
                });
                let revises = desired.lifecycle.when_locked == WhenLocked::Revise;
                revises || (was_open && !status::is_open_to_customer(&state))
            })
            .map(|(ask, entry, _)| {
                // One that is gone is made anew under the same stamp; a revision has its own.
                let gone = !quotes.contains_key(entry.id.as_str());
                let revision = entry.revision.saturating_add(u32::from(!gone));
                Trail {
                    ask,
                    name: ask.quote,
                    revision,
                    earlier: Some(entry.id.as_str().to_owned()),
                }
            })
            .collect()
    }

    /// Records that a quote of ours is linked with from its first moment on.
    fn anchors(&self, ask: &Ask<'_>, resolution: &Resolution) -> Vec<(Object, String)> {
        let Some(refs) = resolution.refs.get(ask.quote) else { return Vec::new() };
        let kinds = [
            ("deal", Object::Deal),
            ("customer", Object::Contact),
            ("contacts[0]", Object::Contact),
            ("company", Object::Company),
        ];
        // A CPQ quote gets its deal in a later request.
        let late = |object| self.settings.system == QuoteSystem::Cpq && object == Object::Deal;
        kinds
            .into_iter()
            .filter(|(_, object)| !late(*object))
            .filter_map(|(path, object)| Some((object, refs.get(path)?.id.as_str().to_owned())))
            .collect()
    }

    /// Why a recorded quote is not ours, if it is not.
    fn foreign(&self, ask: &Ask<'_>, record: &Record, revision: u32) -> Option<String> {
        let entry = ask.entry?;
        let names = std::iter::once(ask.quote).chain(ask.recorded_as);
        let ours: Vec<Stamp> = names.map(|n| Stamp::new(ask.workspace, n, revision, "")).collect();
        // A quote of the time when the connection said `stamp: slug` has its mark there.
        let slug = || record.get("hs_slug").and_then(Stamp::parse);
        match observed::stamp_of(&self.settings, record).or_else(slug) {
            Some(stamp) if ours.contains(&stamp) => None,
            Some(stamp) => Some(format!(
                "quote {} carries the stamp {stamp}, which belongs to another quote or workspace",
                record.id.0
            )),
            // Imported quotes carry none until their first edit.
            None => entry.stamp.as_ref().map(|stamp| {
                format!(
                    "the lockfile says that quote {} carries the stamp {stamp}, and it carries none",
                    record.id.0
                )
            }),
        }
    }

    /// The replaced quote, if it is ours and the customer still sees it.
    fn still_live(&self, ask: &Ask<'_>, earlier: &Record, revision: u32) -> Option<RemoteId> {
        let stamp = observed::stamp_of(&self.settings, earlier)?;
        let names = std::iter::once(ask.quote).chain(ask.recorded_as);
        let before = revision.checked_sub(1)?;
        let ours = names.map(|n| Stamp::new(ask.workspace, n, before, "")).any(|s| s == stamp);
        let state = status::state_of(earlier.get("hs_status").unwrap_or_default());
        (ours && status::is_open_to_customer(&state)).then(|| RemoteId::parse(&earlier.id.0))?
    }

    /// The properties to read of a type of record, for these questions.
    fn properties(&self, object: Object, natives: &[Natives]) -> Vec<String> {
        let mut all: BTreeSet<String> = match object {
            Object::Quote => mapping::READ_QUOTE,
            part => mapping::read_part(part),
        }
        .iter()
        .map(|p| (*p).to_owned())
        .collect();
        for n in natives {
            match object {
                Object::Quote => all.extend(n.quote.iter().chain(&n.fields).cloned()),
                Object::LineItem => all.extend(n.item.iter().cloned()),
                _ => {}
            }
        }
        match &self.settings.stamp {
            StampPlace::Property(name) => {
                all.insert(name.clone());
            }
            StampPlace::Slug => {}
        }
        if object == Object::Quote {
            all.insert("hs_slug".to_owned());
        }
        all.into_iter().collect()
    }

    /// Quotes by id; those that are gone are missing.
    async fn quotes(
        &self,
        ids: &[String],
        properties: &[String],
    ) -> Result<BTreeMap<String, Record>, Trouble> {
        let records = self.fetch.read(Object::Quote, ids, properties, None).await?;
        Ok(records.into_iter().map(|r| (r.id.0.clone(), r)).collect())
    }

    /// Links of the quotes that were found, by type and quote.
    async fn links(
        &self,
        wanted: BTreeMap<Object, BTreeSet<String>>,
    ) -> Result<BTreeMap<Object, BTreeMap<String, Vec<String>>>, Trouble> {
        let calls = wanted.into_iter().map(|(object, ids)| async move {
            let ids: Vec<String> = ids.into_iter().collect();
            Ok::<_, Trouble>((object, self.fetch.links(Object::Quote, object, &ids).await?))
        });
        Ok(futures_util::future::try_join_all(calls).await?.into_iter().collect())
    }

    async fn parts(
        &self,
        links: &BTreeMap<Object, BTreeMap<String, Vec<String>>>,
        natives: &[Natives],
    ) -> Result<BTreeMap<(Object, String), Record>, Trouble> {
        let calls = Object::PARTS.into_iter().filter_map(|object| {
            let ids: BTreeSet<String> = links.get(&object)?.values().flatten().cloned().collect();
            Some(async move {
                let ids: Vec<String> = ids.into_iter().collect();
                let properties = self.properties(object, natives);
                let records = self.fetch.read(object, &ids, &properties, None).await?;
                Ok::<_, Trouble>((object, records))
            })
        });
        let all = futures_util::future::try_join_all(calls).await?;
        Ok(all
            .into_iter()
            .flat_map(|(object, records)| {
                records.into_iter().map(move |r| ((object, r.id.0.clone()), r))
            })
            .collect())
    }
}

/// The kinds of parts that a question is about.
fn part_kinds(ask: &Ask<'_>) -> Vec<Object> {
    Object::PARTS
        .into_iter()
        .filter(|object| {
            let Some(list) = object.list() else { return false };
            let owned = ask.desired.is_none_or(|q| match object {
                Object::Discount => q.discounts.is_owned(),
                Object::Fee => q.fees.is_owned(),
                Object::Tax => q.taxes.is_owned(),
                _ => q.items.is_owned(),
            });
            let recorded =
                |p: &String| p.strip_prefix(list).is_some_and(|rest| rest.starts_with('['));
            owned || ask.entry.is_some_and(|e| e.parts.keys().any(recorded))
        })
        .collect()
}

/// The kinds of links that a question is about.
fn link_kinds(ask: &Ask<'_>) -> Vec<Object> {
    let owned = |object: Object, q: &Quote| match object {
        Object::Deal => q.deal.is_owned(),
        Object::Company => q.company.is_owned(),
        Object::Template => q.template.is_owned(),
        _ => q.customer.is_some() || q.contacts.is_owned(),
    };
    let recorded = |object, path: &Path| mapping::link_of(path.as_str()) == Some(object);
    Object::LINKED
        .into_iter()
        .filter(|object| {
            ask.desired.is_none_or(|q| owned(*object, q))
                || ask.entry.is_some_and(|e| e.fields.keys().any(|p| recorded(*object, p)))
        })
        .collect()
}

/// Labels by id, for the references of one quote.
fn labels(resolution: &Resolution, quote: &QuoteName) -> BTreeMap<String, String> {
    let refs = resolution.refs.get(quote).into_iter().flatten();
    refs.map(|(_, r)| (r.id.as_str().to_owned(), r.label.clone())).collect()
}

#[async_trait]
impl Reader for HubspotReader {
    async fn survey(&self, asks: &[Ask<'_>], resolve: bool) -> Result<Survey, Trouble> {
        let resolving = async {
            if resolve {
                resolve::resolve(&self.fetch, &self.settings, asks).await
            } else {
                Ok(Resolution::default())
            }
        };
        let (mut portal, mut resolution) = tokio::try_join!(self.portal(asks), resolving)?;
        let natives: Vec<Natives> =
            asks.iter().map(|a| Natives::of(&self.settings, a, &portal)).collect();
        let support = self.support(&portal);
        let start = |ask, name| Trail { ask, name, revision: 0, earlier: None };
        let unrecorded: Vec<&Ask<'_>> = asks.iter().filter(|a| a.entry.is_none()).collect();
        let trails = unrecorded.iter().map(|ask| start(ask, ask.quote)).collect();
        let mut hits = self.by_stamp(trails, support, &resolution).await?;
        // Renamed, and not yet stamped anew.
        let renamed = unrecorded.iter().filter(|ask| !hits.contains_key(ask.quote));
        let renamed =
            renamed.filter_map(|ask| Some(start(ask, ask.recorded_as?))).collect::<Vec<_>>();
        hits.extend(self.by_stamp(renamed, support, &resolution).await?);
        for ask in asks {
            if let Some(entry) = ask.entry {
                let earlier = entry.predecessor.as_ref().map(|id| id.as_str().to_owned());
                let id = entry.id.as_str().to_owned();
                let hit = Hit { id, revision: entry.revision, earlier };
                hits.insert(ask.quote.clone(), hit);
            }
        }
        let ids: BTreeSet<String> =
            hits.values().flat_map(|h| std::iter::once(&h.id).chain(&h.earlier)).cloned().collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let properties = self.properties(Object::Quote, &natives);
        let mut quotes = self.quotes(&ids, &properties).await?;
        if resolve {
            let later = self.by_stamp(Self::replaced(asks, &quotes), support, &resolution).await?;
            let ids: Vec<String> = later.values().map(|h| h.id.clone()).collect();
            quotes.extend(self.quotes(&ids, &properties).await?);
            hits.extend(later);
        }

        let mut sights: BTreeMap<QuoteName, Sight> = BTreeMap::new();
        let mut wanted: BTreeMap<Object, BTreeSet<String>> = BTreeMap::new();
        let mut doubtful: Vec<(&Quote, String)> = Vec::new();
        let mut found: Vec<(&Ask<'_>, &Record, &Hit)> = Vec::new();
        for ask in asks {
            let hit = hits.get(ask.quote);
            let record = hit.and_then(|h| quotes.get(&h.id));
            let (Some(hit), Some(record)) = (hit, record) else {
                let sight = if ask.entry.is_some() { Sight::Gone } else { Sight::Absent };
                sights.insert(ask.quote.clone(), sight);
                continue;
            };
            if let Some(why) = self.foreign(ask, record, hit.revision) {
                if let Some(id) = RemoteId::parse(&record.id.0) {
                    sights.insert(ask.quote.clone(), Sight::Foreign { id, why });
                }
                continue;
            }
            for object in part_kinds(ask).into_iter().chain(link_kinds(ask)) {
                wanted.entry(object).or_default().insert(record.id.0.clone());
            }
            if let Some(quote) = ask.desired.filter(|_| resolve)
                && quote.currency.is_some_and(|c| record.get("hs_currency") != Some(c.code()))
                && matches!(quote.deal, Wish::Set(_))
                && let Some(deal) = resolution.refs.get(ask.quote).and_then(|r| r.get("deal"))
                && !resolution.deal_currency.contains_key(deal.id.as_str())
            {
                doubtful.push((quote, deal.id.as_str().to_owned()));
            }
            found.push((ask, record, hit));
        }
        if !doubtful.is_empty() {
            resolve::check_deals(&self.fetch, &mut resolution, &doubtful).await?;
        }
        let links = self.links(wanted).await?;
        let parts = self.parts(&links, &natives).await?;
        portal.deal_currency.clone_from(&resolution.deal_currency);
        for (ask, quote, hit) in found {
            let ends = |object: &Object| links.get(object).and_then(|l| l.get(&quote.id.0));
            let records = Records {
                quote,
                parts: part_kinds(ask)
                    .into_iter()
                    .map(|object| {
                        let ids = ends(&object).into_iter().flatten();
                        (object, ids.filter_map(|id| parts.get(&(object, id.clone()))).collect())
                    })
                    .collect(),
                links: Object::LINKED
                    .into_iter()
                    .filter_map(|object| Some((object, ends(&object)?.clone())))
                    .collect(),
            };
            let labels = labels(&resolution, ask.quote);
            let seen =
                observed::observe(&self.settings, &portal, ask, &records, hit.revision, &labels);
            let earlier = hit.earlier.as_ref().and_then(|id| quotes.get(id));
            let sight = match seen {
                Some(mut seen) => {
                    seen.superseded = earlier.and_then(|r| self.still_live(ask, r, hit.revision));
                    Sight::Found(Box::new(seen))
                }
                None => Sight::Unverifiable(format!(
                    "HubSpot gave `{}` as an id",
                    quote.id.0.escape_debug()
                )),
            };
            sights.insert(ask.quote.clone(), sight);
        }
        Ok(Survey {
            sights,
            refs: resolution.refs,
            problems: resolution.problems,
            lore: Lore::Hubspot(Box::new(portal)),
        })
    }

    async fn locate(&self, lost: &[&Step], made: &Made) -> Result<Vec<Located>, Trouble> {
        let (_, definitions) = self.definition_of(Object::Quote).await?;
        let portal = Portal {
            definitions: BTreeMap::from([(Object::Quote, definitions)]),
            ..Portal::default()
        };
        locate::locate(&self.fetch, &self.settings, self.support(&portal), lost, made).await
    }

    async fn list(&self, cursor: Option<&str>, _: &Filter) -> Result<Page, Trouble> {
        browse::page(&self.fetch, &self.settings, cursor).await
    }

    async fn look(&self, workspace: &WorkspaceName, rows: &[Row]) -> Result<Vec<Looked>, Trouble> {
        let scene = Scene::of("hubspot", &self.settings.connection, rows);
        let mut survey = self.survey(&scene.asks(workspace), false).await?;
        let sights = scene.names.iter().map(|name| survey.sights.remove(name)).collect();
        browse::looked(&self.fetch, rows, sights, survey.lore).await
    }

    fn resurvey(&self, asks: &[(Ask<'_>, &Seen)]) -> Survey {
        browse::resurvey(asks)
    }

    fn requests(&self) -> Requests {
        self.fetch.requests()
    }
}
