//! Every read that proforma sends to Quick Quote.
//!
//! Invariants: a cursor is opaque and only ever handed back; a list that repeats a cursor or never
//! ends is trouble, so that half a list is never taken for an absence; the total that a list
//! claims is used to choose between ways of reading and for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::refusal;
use super::wire::{Line, Page, Property, Quote, Rows, list};
use crate::facts::Plain;
use crate::http::{Answer, CallError, Paging, Policy, ReadWire, segment};
use crate::json::JsonError;
use crate::key::RemoteId;
use crate::provider::Requests;
use crate::provider::step::{Trouble, TroubleKind};

/// The most that a page may hold.
const PAGE: &str = "100";
/// Up to this many quotes are read one by one without asking how long the list is.
const FEW: usize = 2;

/// What Quick Quote's statuses mean to the wire.
pub fn policy() -> Policy {
    Policy {
        backoff: Duration::from_millis(400),
        json_type: "application/json; charset=utf-8",
        ..Policy::default()
    }
}

/// Quick Quote's reads.
#[derive(Clone, Debug)]
pub struct Fetch {
    wire: ReadWire,
}

/// Reads an answer, or says why it makes no sense.
pub fn read<T>(
    answer: &Answer,
    by: impl FnOnce(&Plain) -> Result<T, String>,
) -> Result<T, CallError> {
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    let plain = crate::json::read(text.as_bytes()).map_err(|e| match e {
        JsonError::Syntax { .. } => answer.nonsense("it is no JSON"),
        JsonError::TooDeep | JsonError::TooMany => answer.nonsense(&e.to_string()),
    })?;
    by(&plain).map_err(|why| answer.nonsense(&why))
}

/// The path of a quote.
pub fn quote_path(id: &RemoteId) -> String {
    format!("/quotes/{}", segment(id.as_str()))
}

/// The path of a line.
pub fn line_path(quote: &RemoteId, line: &RemoteId) -> String {
    format!("{}/line_items/{}", quote_path(quote), segment(line.as_str()))
}

impl Fetch {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire) -> Self {
        Self { wire }
    }

    /// Requests so far on the wire.
    pub fn requests(&self) -> Requests {
        let counts = self.wire.counts();
        Requests { read: counts.read, write: counts.write }
    }

    /// One quote; `None` = it is not there.
    pub async fn quote(&self, id: &RemoteId) -> Result<Option<Quote>, Trouble> {
        match self.wire.get(&quote_path(id), &[]).await {
            Ok(answer) => {
                let quote = read(&answer, Quote::read).map_err(|e| refusal::trouble(&e))?;
                if quote.id == *id {
                    return Ok(Some(quote));
                }
                Err(nonsense("Quick Quote answered with another quote than the one asked for"))
            }
            Err(e) if e.refused_status() == Some(404) => Ok(None),
            Err(e) => Err(refusal::trouble(&e)),
        }
    }

    /// These quotes, in as few requests as can be told: one by one, or as pages of a hundred.
    /// Quotes that are not there are not in the map.
    pub async fn quotes(
        &self,
        ids: &BTreeSet<RemoteId>,
    ) -> Result<BTreeMap<RemoteId, Quote>, Trouble> {
        let mut found = BTreeMap::new();
        let mut open = ids.clone();
        if ids.len() > FEW {
            let mut pages = Pages::new("/quotes".to_owned());
            let mut step = pages.next(self).await?;
            while let Some((quotes, total)) = step {
                for quote in quotes {
                    if open.remove(&quote.id) {
                        found.insert(quote.id.clone(), quote);
                    }
                }
                let left = usize::try_from(total.unwrap_or(0)).unwrap_or(0).div_ceil(100);
                let left = left.saturating_sub(pages.read);
                // Without a total that can be true, pages are a leap in the dark.
                if open.is_empty() || pages.is_at_end() || left == 0 || open.len() <= left {
                    break;
                }
                step = pages.next(self).await?;
            }
        }
        let single = open.iter().map(|id| self.quote(id));
        let singles = futures_util::future::try_join_all(single).await?;
        found.extend(singles.into_iter().flatten().map(|q| (q.id.clone(), q)));
        Ok(found)
    }

    /// A page of all quotes of the shop, at the largest size.
    pub async fn rows(&self, cursor: Option<&str>) -> Result<Rows, Trouble> {
        let mut query = vec![("page_size", PAGE)];
        query.extend(cursor.map(|cursor| ("page", cursor)));
        let answer = self.wire.get("/quotes", &query).await.map_err(|e| refusal::trouble(&e))?;
        read(&answer, Rows::read).map_err(|e| refusal::trouble(&e))
    }

    /// Every quote of the shop, or of one Shopify customer.
    pub async fn all(&self, customer: Option<&str>) -> Result<Vec<Quote>, Trouble> {
        let path = match customer {
            Some(customer) => format!("/customers/{}/quotes", segment(customer)),
            None => "/quotes".to_owned(),
        };
        let mut pages = Pages::new(path);
        let mut seen = BTreeSet::new();
        let mut all = Vec::new();
        while let Some((quotes, _)) = pages.next(self).await? {
            all.extend(quotes.into_iter().filter(|q| seen.insert(q.id.clone())));
        }
        Ok(all)
    }

    /// The lines of a quote; `None` = the quote is not there.
    pub async fn lines(&self, quote: &RemoteId) -> Result<Option<Vec<Line>>, Trouble> {
        match self.wire.get(&format!("{}/line_items", quote_path(quote)), &[]).await {
            Ok(answer) => {
                let lines = read(&answer, |plain| {
                    list(plain).ok_or("it is no list")?.iter().map(Line::read).collect()
                });
                lines.map(Some).map_err(|e| refusal::trouble(&e))
            }
            Err(e) if e.refused_status() == Some(404) => Ok(None),
            Err(e) => Err(refusal::trouble(&e)),
        }
    }

    /// The pairs of a line with their ids; none where the line is not there.
    pub async fn properties(
        &self,
        quote: &RemoteId,
        line: &RemoteId,
    ) -> Result<Vec<Property>, Trouble> {
        match self.wire.get(&format!("{}/properties", line_path(quote, line)), &[]).await {
            Ok(answer) => read(&answer, |plain| {
                list(plain).ok_or("it is no list")?.iter().map(Property::read).collect()
            })
            .map_err(|e| refusal::trouble(&e)),
            Err(e) if e.refused_status() == Some(404) => Ok(Vec::new()),
            Err(e) => Err(refusal::trouble(&e)),
        }
    }
}

/// A list on its way.
struct Pages {
    path: String,
    /// `None` = at the end.
    cursor: Option<String>,
    list: Paging,
    read: usize,
}

impl Pages {
    fn new(path: String) -> Self {
        Self { path, cursor: Some(String::new()), list: Paging::default(), read: 0 }
    }

    fn is_at_end(&self) -> bool {
        self.cursor.is_none()
    }

    async fn next(&mut self, fetch: &Fetch) -> Result<Option<(Vec<Quote>, Option<i64>)>, Trouble> {
        let Some(cursor) = self.cursor.take() else { return Ok(None) };
        let endless = |_| nonsense("Quick Quote's list of quotes does not come to an end");
        self.list.follow(&cursor).map_err(endless)?;
        let mut query = vec![("page_size", PAGE)];
        if !cursor.is_empty() {
            query.push(("page", cursor.as_str()));
        }
        let answer = match fetch.wire.get(&self.path, &query).await {
            Ok(answer) => answer,
            // A customer that the shop does not know has no quotes.
            Err(e) if e.refused_status() == Some(404) && self.path != "/quotes" => return Ok(None),
            Err(e) => return Err(refusal::trouble(&e)),
        };
        self.list.read(answer.body.len()).map_err(endless)?;
        let page = read(&answer, Page::read).map_err(|e| refusal::trouble(&e))?;
        self.read += 1;
        self.cursor = page.next;
        Ok(Some((page.quotes, page.total)))
    }
}

fn nonsense(message: &str) -> Trouble {
    Trouble::new(TroubleKind::Network, message)
}
