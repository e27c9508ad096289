//! The reading half: one request a quote, and one list an opportunity where nothing is recorded,
//! or where a quote may have been generated that is not: DealHub bills each one, so a replacement
//! is looked for by its mark before another is planned.
//!
//! Invariants: a recorded id that leads to a quote with another mark, or with none, is a foreign
//! one; a quote is only called gone after the time for which DealHub may hide it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{join_all, try_join_all};

use super::fetch::{Fetch, SIMULATE};
use super::observed::{self, observe, stamp_of};
use super::operation::Operation;
use super::wanted::{Wanted, opportunity_of};
use super::wire::Seen;
use super::{Settings, status};
use crate::desired::{Quote, WantedState};
use crate::facts::{Path, Plain, Value};
use crate::failure::Diagnostic;
use crate::http::ReadWire;
use crate::key::{QuoteName, RemoteId, Stamp, WorkspaceName};
use crate::money::{Currency, Money};
use crate::provider::listing::{
    Filter, Found, Looked, Page as Listing, Raw, Row, Scene, Seen as Whole,
};
use crate::provider::state::State;
use crate::provider::step::{Located, Operation as AnyOperation, Step, Trouble, TroubleKind};
use crate::provider::survey::{Ask, Lore, Sight, Survey};
use crate::provider::{Made, Reader, Requests};

/// Replacements of one quote that are looked for when nothing is recorded.
const REVISIONS: u32 = 64;
/// SKUs of one request.
const SKUS: usize = 100;

/// Reads one DealHub account.
#[derive(Debug)]
pub struct DealhubReader {
    fetch: Fetch,
    settings: Settings,
}

/// What DealHub told about the account's catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The active version, where it was asked for.
    pub version: Option<String>,
}

impl DealhubReader {
    /// On a wire that can only read.
    pub fn new(wire: ReadWire, settings: Settings) -> Self {
        Self { fetch: Fetch::new(wire), settings }
    }

    /// A recorded quote.
    async fn recorded(&self, ask: &Ask<'_>) -> Result<Sight, Trouble> {
        let Some(entry) = ask.entry else { return Ok(Sight::Absent) };
        // What was read once is visible; only a quote that never was can still be hidden.
        let fresh = entry.state.is_none();
        let time = if fresh { self.settings.visibility } else { Duration::ZERO };
        let Some(seen) = self.fetch.quote(entry.id.as_str(), time).await? else {
            return Ok(Sight::Gone);
        };
        if seen.is_outdated() {
            return Ok(Sight::Unverifiable(outdated(entry.id.as_str())));
        }
        if let Some(why) = foreign(ask, &seen) {
            return Ok(Sight::Foreign { id: entry.id.clone(), why });
        }
        Ok(self.sight(ask, seen, entry.revision).await)
    }

    async fn sight(&self, ask: &Ask<'_>, mut seen: Seen, revision: u32) -> Sight {
        let in_review = status::state_of(seen.status()) == State::Plain(WantedState::InReview);
        if in_review
            && let Some(id) = seen.id().map(ToOwned::to_owned)
            && let Some(approvals) = self.fetch.approvals(&id).await
            && let Plain::Map(map) = &mut seen.0
        {
            map.insert("approvals".to_owned(), approvals);
        }
        match observe(ask, &seen, revision) {
            Some(observed) => Sight::Found(Box::new(observed)),
            None => Sight::Unverifiable("DealHub gave an id that is none".to_owned()),
        }
    }

    /// Quotes of ours that nothing is recorded of, by their marks.
    async fn unrecorded(
        &self,
        asks: &[Ask<'_>],
        sights: &mut BTreeMap<QuoteName, Sight>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<(), Trouble> {
        let open: Vec<(&Ask<'_>, u32, String)> = asks
            .iter()
            .filter_map(|ask| {
                let desired = ask.desired?;
                let first = if ask.entry.is_none() {
                    0
                } else {
                    let gone = matches!(sights.get(ask.quote), Some(Sight::Gone));
                    ask.unknown_successor(&Wanted::of(desired).facts, gone)?
                };
                Some((ask, first, opportunity_of(desired)?))
            })
            .collect();
        let opportunities: BTreeSet<&String> = open.iter().map(|(_, _, o)| o).collect();
        let lists = opportunities.into_iter().map(|o| async move {
            Ok::<_, Trouble>((o.clone(), self.fetch.of_opportunity(o).await?))
        });
        let lists: BTreeMap<String, Vec<Seen>> = try_join_all(lists).await?.into_iter().collect();
        for (ask, first, opportunity) in &open {
            let all = lists.get(opportunity).map_or(&[][..], Vec::as_slice);
            let recorded = ask.entry.map(|e| e.id.as_str());
            let names = std::iter::once(ask.quote).chain(ask.recorded_as);
            let hit = names
                .flat_map(|n| (*first..first.saturating_add(REVISIONS)).map(move |r| (n, r)))
                .filter_map(|(name, revision)| {
                    let stamp = Stamp::new(ask.workspace, name, revision, "");
                    Some((revision, marked(all, &stamp)?))
                })
                .filter(|(_, seen)| seen.id() != recorded)
                .max_by_key(|(revision, _)| *revision);
            let Some((revision, found)) = hit else {
                if all.iter().any(|s| !s.has_info()) {
                    let message = format!(
                        "some quotes of opportunity {opportunity} show no name, being drafts of an older version; if one of them is this quote, it would be made twice"
                    );
                    let help = "open and save them in DealHub, or go on";
                    let warning = Diagnostic::warning("quotes-hidden", message);
                    problems.push(warning.help(help).about(ask.quote));
                }
                sights.entry(ask.quote.clone()).or_insert(Sight::Absent);
                continue;
            };
            let id = found.id().unwrap_or_default();
            let sight = match self.fetch.quote(id, Duration::ZERO).await? {
                Some(seen) if !seen.is_outdated() => {
                    self.sight(&ask.unrecorded(), seen, revision).await
                }
                _ => Sight::Unverifiable(outdated(id)),
            };
            let warning = Diagnostic::warning(
                "fields-taken-as-written",
                format!(
                    "quote {id} carries this quote's mark and is not recorded; what DealHub does not tell (owner, contacts, document type) is taken as the manifest writes it"
                ),
            );
            problems.push(warning.about(ask.quote));
            sights.insert(ask.quote.clone(), sight);
        }
        Ok(())
    }

    /// Says before anything is billed that a SKU does not exist, or that no version is active.
    async fn catalog(
        &self,
        asks: &[Ask<'_>],
        sights: &BTreeMap<QuoteName, Sight>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<Account, Trouble> {
        let new: Vec<(&Quote, Wanted<'_>)> = asks
            .iter()
            .filter(|a| matches!(sights.get(a.quote), Some(Sight::Absent | Sight::Gone)))
            .filter_map(|a| Some((a.desired?, Wanted::of(a.desired?))))
            .collect();
        if new.is_empty() {
            return Ok(Account::default());
        }
        let version = match self.fetch.active_version().await {
            Ok(Some(version)) => version,
            Ok(None) => {
                for (quote, _) in &new {
                    let error = Diagnostic::error(
                        "no-active-version",
                        "this DealHub account has no active version, so it can generate no quote",
                    );
                    problems.push(
                        error
                            .help("activate a version in DealHub's control panel")
                            .about(&quote.name),
                    );
                }
                return Ok(Account::default());
            }
            // The check is a service; without it, generate says the same later.
            Err(t) if t.kind == TroubleKind::Refused => return Ok(Account::default()),
            Err(t) => return Err(t),
        };
        let skus: BTreeSet<String> = new
            .iter()
            .flat_map(|(_, w)| &w.facts)
            .filter(|(path, _)| path.list() == Some("items") && path.field() == "sku")
            .filter_map(|(_, value)| match value {
                Value::Text(sku) => Some(sku.clone()),
                _ => None,
            })
            .collect();
        let skus: Vec<String> = skus.into_iter().collect();
        let mut known: BTreeSet<String> = BTreeSet::new();
        for chunk in skus.chunks(SKUS) {
            match self.fetch.known_skus(&version, chunk).await {
                Ok(found) => known.extend(found),
                Err(t) if t.kind == TroubleKind::Refused => {
                    return Ok(Account { version: Some(version) });
                }
                Err(t) => return Err(t),
            }
        }
        for (quote, wanted) in &new {
            for (path, value) in &wanted.facts {
                let Value::Text(sku) = value else { continue };
                if path.list() == Some("items") && path.field() == "sku" && !known.contains(sku) {
                    let message = format!("DealHub's active version has no product `{sku}`");
                    let error = Diagnostic::error("sku-unknown", message)
                        .at(quote.place(path.as_str()))
                        .help("write a SKU of DealHub's catalog, on the item or as `dealhub: { sku: .. }` on the product")
                        .about(&quote.name);
                    problems.push(error);
                }
            }
        }
        Ok(Account { version: Some(version) })
    }

    /// The body of a simulation of a manifest.
    async fn simulation(&self, quote: &Quote, survey: &Survey) -> Result<Plain, Trouble> {
        let wanted = Wanted::of(quote);
        if let Some(first) = wanted.sink.found.first() {
            return Err(Trouble::new(TroubleKind::Refused, first.message.clone()));
        }
        let mut body: BTreeMap<String, Plain> = [
            "line_item_details",
            "playbook",
            "total_sales_discount",
            "partner_program",
            "quote_data",
            "line_items",
        ]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), wanted.body.get(name)?.clone())))
        .collect();
        let data = wanted.body.get("opportunity_data");
        let place =
            data.and_then(|d| Some((d.get("geo_code")?.clone(), d.get("currency")?.clone())));
        if let Some((geo, currency)) = place {
            // The opportunity may not be there yet.
            body.insert("geo_code".to_owned(), geo);
            body.insert("currency".to_owned(), currency);
        } else {
            let id = wanted.opportunity.clone().unwrap_or_default();
            body.insert("external_opportunity_id".to_owned(), Plain::Text(id));
        }
        let mut version = None;
        if let Lore::Dealhub(account) = &survey.lore {
            version.clone_from(&account.version);
        }
        if version.is_none() {
            version = self.fetch.active_version().await?;
        }
        if let Some(version) = version {
            body.insert("version_id".to_owned(), Plain::Text(version));
        }
        Ok(Plain::Map(body))
    }
}

fn outdated(id: &str) -> String {
    format!(
        "quote {id} is a draft of an older version of the DealHub account, of which nothing can be read: open and save it in DealHub"
    )
}

/// The quote with a mark. A duplicate made in DealHub's interface bears the name of its original,
/// so it only counts where there is no other; of several, the oldest.
fn marked<'s>(all: &'s [Seen], stamp: &Stamp) -> Option<&'s Seen> {
    all.iter()
        .filter(|s| stamp_of(s).as_ref() == Some(stamp) && s.id().is_some())
        .min_by_key(|s| {
            let copy = s.info("duplicate_from_quote").is_some();
            (copy, s.info("creation_date").map(ToOwned::to_owned), s.id().map(ToOwned::to_owned))
        })
        .filter(|s| s.info("duplicate_from_quote").is_none())
}

/// Why a recorded quote is not ours, if it is not.
fn foreign(ask: &Ask<'_>, seen: &Seen) -> Option<String> {
    let entry = ask.entry?;
    let id = &entry.id;
    let names = std::iter::once(ask.quote).chain(ask.recorded_as);
    let mut ours = names.map(|n| Stamp::new(ask.workspace, n, entry.revision, ""));
    match stamp_of(seen) {
        Some(stamp) if ours.any(|s| s == stamp) || entry.stamp.as_ref() == Some(&stamp) && entry_is_ours(ask, &stamp) => None,
        Some(stamp) => Some(format!(
            "quote {id} carries the mark {stamp}, which belongs to another quote or workspace"
        )),
        // Imported quotes carry none.
        None => entry.stamp.as_ref().map(|stamp| {
            format!("the name of quote {id} no longer ends in proforma's mark: put ` [{stamp}]` back behind it in DealHub")
        }),
    }
}

/// A stamp that was made under an earlier name stays on a quote that cannot be edited.
fn entry_is_ours(ask: &Ask<'_>, stamp: &Stamp) -> bool {
    ask.recorded_as.is_some_and(|name| {
        (0..REVISIONS).any(|r| Stamp::new(ask.workspace, name, r, "") == *stamp)
    })
}

#[async_trait]
impl Reader for DealhubReader {
    async fn survey(&self, asks: &[Ask<'_>], resolve: bool) -> Result<Survey, Trouble> {
        let recorded = asks.iter().filter(|a| a.entry.is_some());
        let recorded =
            recorded.map(|ask| async move { (ask.quote.clone(), self.recorded(ask).await) });
        let mut sights = BTreeMap::new();
        for (quote, sight) in join_all(recorded).await {
            sights.insert(quote, sight?);
        }
        let mut problems = Vec::new();
        // A read-back asks for what was just made: nothing can have taken its place.
        let open: Vec<Ask<'_>> =
            asks.iter().filter(|a| resolve || a.entry.is_none()).copied().collect();
        self.unrecorded(&open, &mut sights, &mut problems).await?;
        for ask in asks {
            sights.entry(ask.quote.clone()).or_insert(Sight::Absent);
        }
        let account = if resolve {
            self.catalog(asks, &sights, &mut problems).await?
        } else {
            Account::default()
        };
        let lore = Lore::Dealhub(Box::new(account));
        Ok(Survey { sights, refs: BTreeMap::new(), problems, lore })
    }

    async fn locate(&self, lost: &[&Step], _: &Made) -> Result<Vec<Located>, Trouble> {
        let of = |step: &Step| match &step.operation {
            AnyOperation::Dealhub(Operation::Generate { opportunity, .. }) => {
                Some(opportunity.clone())
            }
            _ => None,
        };
        let opportunities: BTreeSet<String> = lost.iter().filter_map(|s| of(s)).collect();
        let lists = opportunities.into_iter().map(|o| async move {
            let all = self.fetch.of_opportunity(&o).await?;
            Ok::<_, Trouble>((o, all))
        });
        let lists: BTreeMap<String, Vec<Seen>> = try_join_all(lists).await?.into_iter().collect();
        let answer = |step: &&Step| {
            let (Some(opportunity), Some(stamp)) = (of(step), &step.stamp) else {
                return Located::CannotTell("it is no creation of a quote".to_owned());
            };
            let all = lists.get(&opportunity).map_or(&[][..], Vec::as_slice);
            match marked(all, stamp).map(|s| s.id().and_then(RemoteId::parse)) {
                Some(Some(id)) => Located::Found(id),
                Some(None) => Located::CannotTell("DealHub gave an id that is none".to_owned()),
                None if all.iter().any(|s| !s.has_info()) => Located::CannotTell(format!(
                    "some quotes of opportunity {opportunity} show no name, and one of them may be it"
                )),
                None => Located::Absent,
            }
        };
        Ok(lost.iter().map(answer).collect())
    }

    async fn preview(&self, quote: &Quote, survey: &Survey) -> Result<Money, Trouble> {
        let body = self.simulation(quote, survey).await?;
        let answer = self.fetch.ask(SIMULATE, &body).await?;
        let currency =
            answer.get("summary").and_then(|s| s.get("currency")).and_then(Plain::as_text);
        let seen = Seen(answer.clone());
        let amount = seen.summary("total_net_price");
        match currency.and_then(Currency::parse).or(quote.currency).zip(amount) {
            Some((currency, amount)) => Ok(Money { currency, amount }),
            None => {
                Err(Trouble::new(TroubleKind::Network, "DealHub's simulation came without a total"))
            }
        }
    }

    async fn list(&self, cursor: Option<&str>, _: &Filter) -> Result<Listing, Trouble> {
        let (quotes, next) = self.fetch.page(cursor).await?;
        let mut page = Listing { next, ..Listing::default() };
        for seen in quotes {
            match seen.id().and_then(RemoteId::parse) {
                Some(id) => page.rows.push(Row::bare(id)),
                None => page
                    .unreadable
                    .push("DealHub lists a quote without an id that could be one".to_owned()),
            }
        }
        Ok(page)
    }

    async fn look(&self, workspace: &WorkspaceName, rows: &[Row]) -> Result<Vec<Looked>, Trouble> {
        let scene = Scene::of("dealhub", &self.settings.connection, rows);
        let calls = rows.iter().map(|row| self.fetch.quote(row.id.as_str(), Duration::ZERO));
        let mut out = Vec::with_capacity(rows.len());
        for ((row, ask), answer) in
            rows.iter().zip(scene.asks(workspace)).zip(join_all(calls).await)
        {
            let found = match answer? {
                None => Found::Gone,
                Some(seen) if seen.is_outdated() => Found::Unreadable(outdated(row.id.as_str())),
                Some(seen) => found(&ask, seen),
            };
            out.push(Looked { id: row.id.clone(), found });
        }
        Ok(out)
    }

    fn resurvey(&self, asks: &[(Ask<'_>, &Whole)]) -> Survey {
        let mut sights = BTreeMap::new();
        for (ask, whole) in asks {
            let Raw::Dealhub(seen) = &whole.raw else { continue };
            if let Some(observed) = observe(ask, seen, 0) {
                sights.insert(ask.quote.clone(), Sight::Found(Box::new(observed)));
            }
        }
        let lore = Lore::Dealhub(Box::default());
        Survey { sights, refs: BTreeMap::new(), problems: Vec::new(), lore }
    }

    fn requests(&self) -> Requests {
        let counts = self.fetch.wire().counts();
        Requests { read: counts.read, write: counts.write }
    }
}

/// A quote that was read for an import.
fn found(ask: &Ask<'_>, seen: Seen) -> Found {
    if let Some(stamp) = stamp_of(&seen) {
        let why = format!("quote {} carries the mark {stamp}", seen.id().unwrap_or_default());
        return Found::Owned(Some(stamp), why);
    }
    let Some(observed) = observe(ask, &seen, 0) else {
        return Found::Unreadable("DealHub gave an id that is none".to_owned());
    };
    let made = seen.info("creation_date").and_then(|t| t.get(..10)?.parse().ok());
    let called = match observed.facts.get(&Path::new("title")) {
        Some(Value::Text(title)) => Some(title.clone()),
        _ => seen.info("dealhub_quote_number").map(ToOwned::to_owned),
    };
    Found::There(Box::new(Whole {
        observed,
        made,
        called,
        people: BTreeMap::new(),
        aside: Vec::new(),
        raw: Raw::Dealhub(Arc::new(seen)),
    }))
}

/// Who has to approve a quote, as the facts tell.
pub fn reviewers(facts: &crate::facts::Facts) -> Option<String> {
    match facts.get(&crate::facts::Path::new(observed::WAITS_FOR)) {
        Some(Value::Text(who)) => Some(who.clone()),
        _ => None,
    }
}
