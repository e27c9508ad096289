//! Every read that proforma sends to DealHub.
//!
//! Invariants: a fresh quote is asked for again, with growing pauses, until it can be read or the
//! connection's `visibility` is over; only then is it missing. An answer with an `error` inside is
//! a refusal. A list is read to its end or not used.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::refusal::{self, Meaning, meaning};
use super::wire::{self, Page, Seen};
use crate::facts::Plain;
use crate::http::{CallError, Policy, ReadWire, segment};
use crate::json;
use crate::provider::step::{Trouble, TroubleKind};

/// The price preview.
pub const SIMULATE: &str = "/api/v1/quote/simulate";
/// Products by SKU.
pub const BY_SKU: &str = "/api/v1/version/product_by_sku";

/// Quotes of one page; DealHub allows no more.
const PAGE: usize = 50;
/// The largest offset that DealHub takes.
const OFFSET_MAX: usize = 10_000;
/// The first pause before a fresh quote is asked for again; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What is read of a quote. Approvals are not among it: asking for them fails where an approver
/// was deleted.
const FEATURES: [&str; 5] = ["info", "summary", "deal_room_info", "line_items", "answers"];

/// What DealHub's statuses mean to the wire, and which `POST`s change nothing.
pub fn policy() -> Policy {
    Policy { queries: &[SIMULATE, BY_SKU], ..Policy::default() }
}

/// Pauses that grow, up to a deadline.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    until: Option<Instant>,
    pause: Duration,
}

impl Patience {
    /// For so long from now.
    pub fn for_time(time: Duration) -> Self {
        Self { until: Instant::now().checked_add(time), pause: FIRST_PAUSE }
    }

    /// Waits; false when the time is over.
    pub async fn wait(&mut self) -> bool {
        let left = self.until.map_or(self.pause, |at| at.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return false;
        }
        tokio::time::sleep(self.pause.min(left)).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}

/// A way to read one account.
#[derive(Clone, Debug)]
pub struct Fetch {
    wire: ReadWire,
}

impl Fetch {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire) -> Self {
        Self { wire }
    }

    /// The wire.
    pub fn wire(&self) -> &ReadWire {
        &self.wire
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Plain, Trouble> {
        let answer = self.wire.get(path, query).await.map_err(|e| refusal::trouble(&e))?;
        let body = wire::body(&answer).map_err(|e| refusal::trouble(&e))?;
        match wire::error_of(&body) {
            Some(error) => Err(refusal::refused(&answer.clean(&error))),
            None => Ok(body),
        }
    }

    /// A quote with these features; `None` where there is none (yet).
    async fn once(&self, id: &str, features: &[&str]) -> Result<Option<Seen>, Trouble> {
        let query: Vec<(&str, &str)> = features.iter().map(|f| ("feature", *f)).collect();
        let path = format!("/api/v2/quote/{}", segment(id));
        let answer = match self.wire.get(&path, &query).await {
            Ok(answer) => answer,
            Err(CallError::Refused(answer))
                if answer.status == 404 || meaning(&wire::reason(&answer)) == Meaning::Missing =>
            {
                return Ok(None);
            }
            Err(e) => return Err(refusal::trouble(&e)),
        };
        let body = wire::body(&answer).map_err(|e| refusal::trouble(&e))?;
        if let Some(error) = wire::error_of(&body) {
            return match meaning(&error) {
                Meaning::Missing => Ok(None),
                _ => Err(refusal::refused(&answer.clean(&error))),
            };
        }
        let seen = Seen(body);
        if seen.id().is_none_or(|found| found != id) {
            return Err(refusal::trouble(&answer.nonsense("it is not about the quote asked for")));
        }
        Ok(Some(seen))
    }

    /// A quote, waited for so long as it may still be invisible.
    pub async fn quote(&self, id: &str, visibility: Duration) -> Result<Option<Seen>, Trouble> {
        let mut patience = Patience::for_time(visibility);
        loop {
            match self.once(id, &FEATURES).await? {
                Some(seen) if seen.is_outdated() || seen.has_info() => return Ok(Some(seen)),
                // Half of a fresh quote is as good as none.
                other => {
                    if !patience.wait().await {
                        return Ok(other);
                    }
                }
            }
        }
    }

    /// The status alone.
    pub async fn status(&self, id: &str) -> Result<Option<Seen>, Trouble> {
        self.once(id, &[]).await
    }

    /// Who still has to approve a quote, where DealHub tells it.
    pub async fn approvals(&self, id: &str) -> Option<Plain> {
        let seen = self.once(id, &["approvals"]).await.ok()??;
        seen.0.get("approvals").cloned()
    }

    /// All quotes of an opportunity, with their names.
    pub async fn of_opportunity(&self, opportunity: &str) -> Result<Vec<Seen>, Trouble> {
        let mut all: Vec<Seen> = Vec::new();
        let limit = PAGE.to_string();
        for offset in (0..=OFFSET_MAX).step_by(PAGE) {
            let offset = offset.to_string();
            let query = [
                ("external_opportunity_id", opportunity),
                ("feature", "info"),
                ("offset", offset.as_str()),
                ("limit", limit.as_str()),
            ];
            let body = match self.get("/api/v2/quotes", &query).await {
                Ok(body) => body,
                // An opportunity that DealHub does not know yet has no quotes.
                Err(t)
                    if t.kind == TroubleKind::Refused
                        && meaning(&t.message) == Meaning::Missing =>
                {
                    return Ok(all);
                }
                Err(t) => return Err(t),
            };
            let Some(page) = Page::of(&body) else {
                return Err(Trouble::new(
                    TroubleKind::Network,
                    "the answer makes no sense: a list of quotes without `quotes`",
                ));
            };
            let more = page.more && !page.quotes.is_empty();
            all.extend(page.quotes);
            if !more {
                return Ok(all);
            }
        }
        Err(Trouble::new(
            TroubleKind::Refused,
            format!(
                "the opportunity {opportunity} has more than {OFFSET_MAX} quotes, which DealHub cannot list"
            ),
        ))
    }

    /// A page of all quotes of the account: ids and states, since DealHub asks for no more of an
    /// unfiltered list. The cursor is an offset.
    pub async fn page(&self, cursor: Option<&str>) -> Result<(Vec<Seen>, Option<String>), Trouble> {
        let offset: usize = cursor.and_then(|c| c.parse().ok()).unwrap_or(0);
        if offset > OFFSET_MAX {
            let message = format!(
                "DealHub lists no quotes beyond the first {}; there are more",
                OFFSET_MAX + PAGE
            );
            return Err(Trouble::new(TroubleKind::Refused, message)
                .help("import the others by their ids: `--id ID`, repeated"));
        }
        let (limit, from) = (PAGE.to_string(), offset.to_string());
        let query = [("offset", from.as_str()), ("limit", limit.as_str())];
        let body = self.get("/api/v2/quotes", &query).await?;
        let Some(page) = Page::of(&body) else {
            let message = "the answer makes no sense: a list of quotes without `quotes`";
            return Err(Trouble::new(TroubleKind::Network, message));
        };
        let more = page.more && !page.quotes.is_empty();
        Ok((page.quotes, more.then(|| (offset + PAGE).to_string())))
    }

    /// The id of the active version; `None` where there is none.
    pub async fn active_version(&self) -> Result<Option<String>, Trouble> {
        let body = self.get("/api/v1/versions", &[("status", "ACTIVE")]).await?;
        let active = |v: &&Plain| {
            let status = v.get("status").and_then(Plain::as_text);
            status.is_none_or(|s| s.eq_ignore_ascii_case("active"))
        };
        let found = body.items().iter().find(active);
        Ok(found.and_then(|v| v.get("version_id")).and_then(Plain::scalar))
    }

    /// Which of these SKUs a version has.
    pub async fn known_skus(&self, version: &str, skus: &[String]) -> Result<Vec<String>, Trouble> {
        let list = skus.iter().cloned().map(Plain::Text).collect();
        let body = Plain::Map(
            [
                ("version_id".to_owned(), Plain::Text(version.to_owned())),
                ("pricing_option".to_owned(), Plain::Text("FIRST".to_owned())),
                ("sku".to_owned(), Plain::List(list)),
            ]
            .into(),
        );
        let body = self.ask(BY_SKU, &body).await?;
        let products = body.get("products").map(Plain::items).unwrap_or_default();
        Ok(products.iter().filter_map(|p| p.get("sku").and_then(Plain::scalar)).collect())
    }

    /// A `POST` that changes nothing.
    pub async fn ask(&self, path: &'static str, body: &Plain) -> Result<Plain, Trouble> {
        let Some(path) = self.wire.query_path(path) else {
            return Err(Trouble::new(
                TroubleKind::Refused,
                format!("`{path}` is not among the queries of this connection"),
            ));
        };
        let json = Bytes::from(json::write(body));
        let answer = self.wire.query(&path, json).await.map_err(|e| refusal::trouble(&e))?;
        let body = wire::body(&answer).map_err(|e| refusal::trouble(&e))?;
        match wire::error_of(&body) {
            Some(error) => Err(refusal::refused(&answer.clean(&error))),
            None => Ok(body),
        }
    }
}
