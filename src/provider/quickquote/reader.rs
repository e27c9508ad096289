//! The reading half: all that planning needs of the shop, in as few requests as can be told.
//!
//! What is recorded is read by id, one by one or as pages, whichever is fewer. What nothing is
//! recorded of is looked for by stamp: among its customer's quotes where the customer is known,
//! else among all, and then that one list serves everybody. Names are learnt on the way.
//!
//! Invariants: a recorded id that leads to a quote with another stamp is a foreign one; nothing is
//! called gone because a list does not have it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::fetch::Fetch;
use super::observed::{names, observe};
use super::resolve::{self, Names};
use super::wanted::{Refs, as_far_as_known};
use super::wire::{Property, Quote};
use super::{Settings, Shop, locate};
use crate::facts::{Path, Plain};
use crate::http::ReadWire;
use crate::key::{QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::provider::listing::{Filter, Found, Looked, Page, Raw, Row, Scene, Seen as Whole};
use crate::provider::step::{Located, Step, Trouble};
use crate::provider::survey::{Ask, Lore, Observed, Sight, Survey};
use crate::provider::{Made, Reader, Requests};

/// Reads one shop.
#[derive(Debug)]
pub struct QuickquoteReader {
    fetch: Fetch,
    settings: Settings,
}

/// The quotes that were read.
#[derive(Default)]
struct Seen {
    quotes: BTreeMap<RemoteId, Quote>,
    /// Whether these are all quotes of the shop.
    whole: bool,
}

impl Seen {
    fn add(&mut self, quotes: impl IntoIterator<Item = Quote>) {
        self.quotes.extend(quotes.into_iter().map(|q| (q.id.clone(), q)));
    }

    /// The oldest quote that carries a stamp of this question.
    fn stamped(&self, ask: &Ask<'_>) -> Option<&Quote> {
        let stamps: Vec<Stamp> = names(ask).map(|n| Stamp::new(ask.workspace, n, 0, "")).collect();
        let ours = |q: &&Quote| q.stamp().is_some_and(|s| stamps.contains(&s));
        self.quotes.values().filter(ours).min_by_key(|q| (q.id.as_str().len(), q.id.clone()))
    }
}

impl QuickquoteReader {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire, settings: Settings) -> Self {
        Self { fetch: Fetch::new(wire), settings }
    }

    async fn gather(&self, asks: &[Ask<'_>]) -> Result<Seen, Trouble> {
        let mut seen = Seen::default();
        let recorded: BTreeSet<RemoteId> =
            asks.iter().filter_map(|a| a.entry).map(|e| e.id.clone()).collect();
        let lost: Vec<Option<&str>> =
            asks.iter().filter(|a| a.entry.is_none()).map(customer).collect();
        if lost.iter().any(Option::is_none) {
            seen.add(self.fetch.all(None).await?);
            seen.whole = true;
            let missing: BTreeSet<RemoteId> =
                recorded.into_iter().filter(|id| !seen.quotes.contains_key(id)).collect();
            seen.add(self.fetch.quotes(&missing).await?.into_values());
            return Ok(seen);
        }
        let customers: BTreeSet<&str> = lost.into_iter().flatten().collect();
        let lists = customers.into_iter().map(|c| self.fetch.all(Some(c)));
        let (known, lists) = tokio::try_join!(
            self.fetch.quotes(&recorded),
            futures_util::future::try_join_all(lists)
        )?;
        seen.add(known.into_values());
        seen.add(lists.into_iter().flatten());
        Ok(seen)
    }

    /// Quotes that are recorded and gone are made anew. An older lockfile may not know that they
    /// were already, so those are looked for as if nothing were recorded.
    async fn look_for_remade(&self, asks: &[Ask<'_>], seen: &mut Seen) -> Result<(), Trouble> {
        let gone: Vec<Option<&str>> = asks
            .iter()
            .filter(|a| a.desired.is_some())
            .filter(|a| a.entry.is_some_and(|e| !seen.quotes.contains_key(&e.id)))
            .map(customer)
            .collect();
        if seen.whole || gone.is_empty() {
            return Ok(());
        }
        if gone.iter().any(Option::is_none) {
            seen.add(self.fetch.all(None).await?);
            seen.whole = true;
            return Ok(());
        }
        let customers: BTreeSet<&str> = gone.into_iter().flatten().collect();
        let lists = customers.into_iter().map(|c| self.fetch.all(Some(c)));
        seen.add(futures_util::future::try_join_all(lists).await?.into_iter().flatten());
        Ok(())
    }

    /// Resolves names: by the record, else by what was read, else by the whole list.
    async fn names(
        &self,
        asks: &[Ask<'_>],
        seen: &mut Seen,
        resolve: bool,
    ) -> Result<(BTreeMap<QuoteName, Refs>, Vec<crate::failure::Diagnostic>), Trouble> {
        let mut refs = BTreeMap::new();
        let mut open = Vec::new();
        for ask in asks {
            let (known, wants) = resolve::recorded(ask);
            refs.insert(ask.quote.clone(), known);
            open.extend(wants.into_iter().map(|w| (ask.quote, w)));
        }
        if !resolve || open.is_empty() {
            return Ok((refs, Vec::new()));
        }
        if !seen.whole {
            // One match among some quotes may be one of several among all.
            seen.add(self.fetch.all(None).await?);
            seen.whole = true;
        }
        let mut names = Names::default();
        seen.quotes.values().for_each(|q| names.learn(q));
        let mut problems = Vec::new();
        for (quote, want) in open {
            let refs = refs.entry(quote.clone()).or_default();
            problems.extend(names.settle(&want, refs));
        }
        Ok((refs, problems))
    }

    /// Why a recorded quote is not ours, if it is not.
    fn foreign(ask: &Ask<'_>, quote: &Quote) -> Option<String> {
        let entry = ask.entry?;
        let stamps = |part: &str| -> Vec<Stamp> {
            names(ask).map(|n| Stamp::new(ask.workspace, n, entry.revision, part)).collect()
        };
        match quote.stamp() {
            Some(stamp) if stamps("").contains(&stamp) => None,
            Some(stamp) => Some(format!(
                "quote {} carries the stamp {stamp}, which belongs to another quote or workspace",
                quote.id
            )),
            // Imported quotes carry none until their first edit.
            None if entry.stamp.is_none() => None,
            // Somebody took the tag off; a line of ours still vouches for the quote.
            None if quote
                .lines
                .iter()
                .filter_map(super::wire::Line::stamp)
                .any(|stamp| entry.parts.keys().any(|part| stamps(part).contains(&stamp))) =>
            {
                None
            }
            None => Some(format!(
                "the lockfile says that quote {} carries a stamp of ours, and it carries none",
                quote.id
            )),
        }
    }

    /// The pairs, with ids, of the lines whose pairs are not what the manifest asks for.
    async fn pairs(
        &self,
        ask: &Ask<'_>,
        refs: &Refs,
        observed: &Observed,
    ) -> Result<Vec<(RemoteId, Vec<Property>)>, Trouble> {
        let Some(desired) = ask.desired else { return Ok(Vec::new()) };
        let want = as_far_as_known(desired, refs);
        let mut out = Vec::new();
        for (part, line) in &observed.parts {
            let path = Path::of(part, "properties");
            let there = observed.facts.get(&path);
            let wanted = want.get(&path);
            if let (Some(wanted), Some(there)) = (wanted, there)
                && !wanted.same(there)
            {
                let pairs = self.fetch.properties(&observed.id, line).await?;
                out.push((line.clone(), pairs));
            }
        }
        Ok(out)
    }
}

impl QuickquoteReader {
    fn seen(&self, ask: &Ask<'_>, row: &Row, quote: Arc<Quote>) -> Whole {
        let names = [&quote.first_name, &quote.last_name].into_iter().flatten();
        let name = names.map(String::as_str).collect::<Vec<_>>().join(" ");
        Whole {
            observed: observe(&self.settings, ask, &quote, &Refs::new()),
            made: row.made,
            called: Some(if name.is_empty() {
                quote.id.to_string()
            } else {
                format!("{name} {}", quote.id)
            }),
            people: BTreeMap::new(),
            aside: quote
                .fields
                .iter()
                .filter(|f| f.value != Plain::Null)
                .filter_map(|f| Some((format!("fields.{}", f.id), f.name.clone()?)))
                .collect(),
            raw: Raw::Quickquote(quote),
        }
    }
}

/// The customer under which the quote of a question is found.
fn customer<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    ask.desired?.customer.as_ref()?.id.set().map(String::as_str)
}

#[async_trait]
impl Reader for QuickquoteReader {
    async fn survey(&self, asks: &[Ask<'_>], resolve: bool) -> Result<Survey, Trouble> {
        let mut seen = self.gather(asks).await?;
        if resolve {
            self.look_for_remade(asks, &mut seen).await?;
        }
        let (refs, problems) = self.names(asks, &mut seen, resolve).await?;
        let none = Refs::new();
        let mut sights = BTreeMap::new();
        let mut shop = Shop::default();
        for ask in asks {
            // What took the place of a quote that is gone is none that the entry knows.
            let gone = ask.entry.is_some_and(|e| !seen.quotes.contains_key(&e.id));
            let bare = ask.unrecorded();
            let (quote, ask) = match ask.entry {
                Some(entry) if !gone => (seen.quotes.get(&entry.id), ask),
                Some(_) => match seen.stamped(ask).filter(|_| resolve) {
                    Some(remade) => (Some(remade), &bare),
                    None => (None, ask),
                },
                None => (seen.stamped(ask), ask),
            };
            let sight = match quote {
                None if ask.entry.is_some() => Sight::Gone,
                None => Sight::Absent,
                Some(quote) => {
                    if let Some(why) = Self::foreign(ask, quote) {
                        Sight::Foreign { id: quote.id.clone(), why }
                    } else {
                        let refs = refs.get(ask.quote).unwrap_or(&none);
                        let observed = observe(&self.settings, ask, quote, refs);
                        if resolve {
                            shop.properties.extend(self.pairs(ask, refs, &observed).await?);
                        }
                        Sight::Found(Box::new(observed))
                    }
                }
            };
            sights.insert(ask.quote.clone(), sight);
        }
        Ok(Survey { sights, refs, problems, lore: Lore::Quickquote(Box::new(shop)) })
    }

    async fn locate(&self, lost: &[&Step], made: &Made) -> Result<Vec<Located>, Trouble> {
        locate::locate(&self.fetch, lost, made).await
    }

    async fn list(&self, cursor: Option<&str>, _: &Filter) -> Result<Page, Trouble> {
        let rows = self.fetch.rows(cursor).await?;
        let row = |(quote, made): (Quote, Option<jiff::civil::Date>)| Row {
            id: quote.id.clone(),
            made,
            stamp: quote.stamp(),
            raw: Raw::Quickquote(Arc::new(quote)),
        };
        Ok(Page {
            rows: rows.quotes.into_iter().map(row).collect(),
            unreadable: rows.unreadable,
            next: rows.next,
        })
    }

    /// The list tells everything: only a quote that is asked for by its id is read.
    async fn look(&self, workspace: &WorkspaceName, rows: &[Row]) -> Result<Vec<Looked>, Trouble> {
        let scene = Scene::of("quickquote", &self.settings.connection, rows);
        let mut out = Vec::with_capacity(rows.len());
        for (row, ask) in rows.iter().zip(scene.asks(workspace)) {
            let quote = match &row.raw {
                Raw::Quickquote(quote) => Some(Arc::clone(quote)),
                _ => self.fetch.quote(&row.id).await?.map(Arc::new),
            };
            let found = match quote {
                None => Found::Gone,
                Some(quote) => match Self::foreign(&ask, &quote) {
                    Some(why) => Found::Owned(quote.stamp(), why),
                    None => Found::There(Box::new(self.seen(&ask, row, quote))),
                },
            };
            out.push(Looked { id: row.id.clone(), found });
        }
        Ok(out)
    }

    fn resurvey(&self, asks: &[(Ask<'_>, &Whole)]) -> Survey {
        let mut survey = Survey {
            sights: BTreeMap::new(),
            refs: BTreeMap::new(),
            problems: Vec::new(),
            lore: Lore::Quickquote(Box::default()),
        };
        for (ask, seen) in asks {
            let Raw::Quickquote(quote) = &seen.raw else { continue };
            let observed = observe(&self.settings, ask, quote, &Refs::new());
            survey.sights.insert(ask.quote.clone(), Sight::Found(Box::new(observed)));
        }
        survey
    }

    fn requests(&self) -> Requests {
        self.fetch.requests()
    }
}
