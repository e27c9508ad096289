//! Migration: quotes of one connection as manifests of another, with a loss report.
//!
//! ```text
//! source quote ─▶ retarget, items ─▶ draft ─▶ target's own checks ─▶ remedies ─┐
//!                                      ▲                                        │
//!                                      └────────────────────────────────────────┘
//!                                   rows, totals, new quote
//! ```
//!
//! Purpose: nothing here knows by itself what a provider can hold. The target's table of
//! capabilities and its checks say what is in the way of a draft; a remedy says it in another way or
//! drops it with a note; and so on until nothing is in the way, or nothing helps.
//!
//! Invariants: pure; the same input gives the same report. A new manifest passes the checks of its
//! provider. Both totals are computed by the providers' own arithmetic, and a difference is
//! explained by rows or the quote is impossible. Nothing is sent or published by a migration.

pub mod archive;
mod draft;
pub mod files;
mod items;
mod ladder;
mod leaves;
mod money;
mod remedy;
pub mod report;
mod retarget;
pub mod stubs;
mod totals;
mod under;

use std::collections::BTreeMap;

use crate::desired::{Quote, WantedState};
use crate::key::ConnectionName;
use crate::lockfile::Lockfile;
use crate::lockfile::origin::migrated_name;
use crate::manifest::{Mapping, Product, ProviderName};
use crate::money::{Currency, Money};
use crate::provider::Dialect;
use crate::provider::capability::Sheet;
use draft::Draft;
use report::{Moved, Outcome, Row, Totals, Unmapped, Written};

/// How often a draft is mended at most: more than it has fields.
const ROUNDS: usize = 400;

/// Everything that a migration rests on.
pub struct Job<'a> {
    /// The source's connection.
    pub from: &'a ConnectionName,
    /// The target's connection.
    pub to: &'a ConnectionName,
    /// The source's provider.
    pub source: &'a dyn Dialect,
    /// The target's provider.
    pub target: &'a dyn Dialect,
    /// The source's provider by name.
    pub source_provider: ProviderName,
    /// The target's provider by name.
    pub provider: ProviderName,
    /// What the source can hold.
    pub source_sheet: &'a Sheet,
    /// What the target can hold.
    pub sheet: &'a Sheet,
    /// The currency that the target's connection has, if it says.
    pub currency: Option<Currency>,
    /// A quote of the target that says nothing: what its connection's defaults come to.
    pub defaults: &'a Quote,
    /// The catalog.
    pub products: BTreeMap<&'a str, &'a Product>,
    /// What the user filled in.
    pub mapping: &'a Mapping,
    /// What is recorded.
    pub lockfile: &'a Lockfile,
    /// Whether states are kept where the target can set them.
    pub keep_state: bool,
    /// Whether the quotes keep their names.
    pub in_place: bool,
}

/// The fields of an item by which a provider calls its product.
pub fn identifiers(provider: &str) -> &'static [&'static str] {
    match provider {
        "hubspot" => &["hs_product_id"],
        "quickquote" => &["variant_id"],
        "salesbyte" => &["sku", "bundle_id"],
        "dealhub" => &["sku"],
        _ => &[],
    }
}

impl Draft<'_> {
    /// The source's total as it is recorded.
    fn recorded_total(&self) -> Option<Money> {
        self.job.lockfile.entries.get(&self.source.name)?.total
    }
}

/// Moves one quote, and adds what could not be mapped to `unmapped`.
pub fn migrate(job: &Job<'_>, source: &Quote, unmapped: &mut Unmapped) -> Moved {
    let mut draft = Draft::new(job, source);
    let recorded = draft.recorded_total();
    let computed = totals::total(job.source, source);
    let unsaid = totals::unsaid(job, source, computed);
    let before = unsaid.or(computed).or(recorded);
    let target =
        if job.in_place { source.name.clone() } else { migrated_name(&source.name, job.to) };
    let mut moved = Moved {
        quote: source.name.clone(),
        target,
        totals: Totals { before, ..Totals::default() },
        rows: Vec::new(),
        result: None,
        file: None,
        written: Written::Nothing,
    };
    let settled = settle(&mut draft, before, unsaid.and(computed));
    for (section, names) in std::mem::take(&mut draft.unmapped) {
        unmapped.entry(section).or_default().extend(names);
    }
    match settled {
        Ok(totals) => {
            moved.totals = totals;
            moved.rows = draft.rows();
            moved.result = Some(Box::new(draft.quote));
        }
        Err(reasons) => moved.rows = reasons,
    }
    moved
}

fn impossible(path: impl Into<String>, from: Option<String>, why: impl Into<String>) -> Vec<Row> {
    let (path, why) = (path.into(), std::borrow::Cow::Owned(why.into()));
    vec![Row { path, outcome: Outcome::Impossible, from, to: None, why }]
}

/// Brings a draft to where its target takes it. `said` is what the manifest comes to, where that is
/// not the total that is recorded.
fn settle(
    draft: &mut Draft<'_>,
    before: Option<Money>,
    said: Option<Money>,
) -> Result<Totals, Vec<Row>> {
    if !draft.source.items.is_owned() && !draft.source.alternatives.is_owned() {
        let why = "the manifest says nothing of its items, so the new quote would have none: write them into it, or import it anew";
        return Err(impossible("items", None, why));
    }
    money_of(draft, before)?;
    if let Some(said) = said {
        // A cent for each part may as well be an account that rounds in a way of its own.
        let pair = Totals { before, after: Some(said), why: None };
        let why = if let Some(path) = totals::ignored(draft.source) {
            format!(
                "its manifest comes to {said}: it leaves `{path}` to what is upstream (`lifecycle.ignore`), and the new quote would have what the manifest says: write into it what is upstream"
            )
        } else if totals::may_be_rounding(&pair, draft.source) {
            format!(
                "its manifest comes to {said}: the account rounds otherwise, or has a small discount, fee or tax that the manifest does not own"
            )
        } else {
            "upstream it has discounts, fees or taxes that its manifest does not own, and the new quote would not have them: write them into it, or import it anew".to_owned()
        };
        draft.note_money("total", Outcome::Lost, None, why);
    }
    retarget::retarget(draft);
    items::items(draft);
    let mut totals = Totals { before, after: mend(draft)?, why: None };
    if totals.equal() == Some(false) && money::settle_halves(draft) {
        totals.after = mend(draft)?;
    }
    explain(draft, &mut totals)?;
    // A price that is not proven equal reaches nobody by itself.
    if totals.equal() != Some(true) && draft.quote.state != Some(WantedState::Draft) {
        draft.quote.state = Some(WantedState::Draft);
        let why = "the totals are not known to be equal: it begins as a draft, whatever was asked";
        draft.note("state", Outcome::Approximated, Some("draft".to_owned()), why);
        mend(draft)?;
    }
    Ok(totals)
}

/// The currency: known, and that of the target.
fn money_of(draft: &mut Draft<'_>, before: Option<Money>) -> Result<(), Vec<Row>> {
    let job = draft.job;
    let currency = draft.quote.currency.or(before.map(|m| m.currency));
    let priced = draft.quote.items.set().into_iter().flatten().any(|i| i.price.set().is_some());
    let Some(currency) = currency else {
        if !priced {
            return Ok(());
        }
        let why = format!(
            "nothing says which currency its prices are in: write `currency:` on the quote or on the connection `{}`",
            job.from
        );
        return Err(impossible("currency", None, why));
    };
    draft.quote.currency = Some(currency);
    if let Some(theirs) = job.currency.filter(|theirs| *theirs != currency) {
        let why = format!(
            "the quote is in {currency} and the connection `{}` in {theirs}; a migration converts no money: use a connection in {currency}",
            job.to
        );
        return Err(impossible("currency", Some(currency.code().to_owned()), why));
    }
    Ok(())
}

/// Mends what is in the way of the target, and gives the total there.
fn mend(draft: &mut Draft<'_>) -> Result<Option<Money>, Vec<Row>> {
    for _ in 0..ROUNDS {
        let whole = under::under(&draft.quote, draft.job.defaults);
        let found = match totals::facts(draft.job.target, &whole) {
            Ok(facts) => {
                if let Some((path, why)) = items::unpriced(draft) {
                    return Err(impossible(path, None, why));
                }
                if whole.items.set().is_none_or(Vec::is_empty)
                    && whole.alternatives.set().is_none_or(Vec::is_empty)
                    && draft.source.alternatives.set().is_some_and(|a| !a.is_empty())
                {
                    let why = format!(
                        "{} has no alternatives: make one quote for each of them",
                        draft.title()
                    );
                    return Err(impossible("alternatives", None, why));
                }
                return Ok(draft.job.target.total(&facts));
            }
            Err(found) => found,
        };
        // One at a time: a remedy moves what the next problem is about.
        let Some(first) = found.first() else {
            return Err(impossible("", None, "the target refuses it and does not say why"));
        };
        if let Err(why) = remedy::remedy(draft, first) {
            return Err(reasons(draft, &found, why));
        }
    }
    Err(impossible("", None, "no way was found to say it there; please report this"))
}

/// Why a draft is impossible: what stopped it, and what else is in its way.
fn reasons(draft: &mut Draft<'_>, found: &[crate::failure::Diagnostic], why: String) -> Vec<Row> {
    let leaves = leaves::leaves(draft.source);
    let mut rows: Vec<Row> = Vec::new();
    let mut whys: Vec<(Option<String>, String)> =
        vec![(found.first().and_then(|d| d.path.clone()), why)];
    for other in found.iter().skip(1) {
        if let Err(why) = remedy::remedy(draft, other) {
            whys.push((other.path.clone(), why));
        }
    }
    for (path, why) in whys {
        let path = path.unwrap_or_default();
        let keyed = draft.item_at(&path).map(|(_, part)| {
            let rest = path.split_once(']').map(|(_, r)| r).unwrap_or_default();
            format!("{part}{rest}")
        });
        let path = keyed.unwrap_or(path);
        let from = leaves.iter().find(|l| l.path == path).map(|l| l.text.clone());
        if !rows.iter().any(|r| r.path == path && r.why == why) {
            rows.extend(impossible(path, from, why));
        }
    }
    rows
}

/// Why the totals differ, or cannot be compared.
fn explain(draft: &mut Draft<'_>, totals: &mut Totals) -> Result<(), Vec<Row>> {
    let (source, target) = (draft.job.source.name(), draft.job.target.name());
    match totals.equal() {
        Some(true) => {}
        None => {
            totals.why = Some(match (totals.before, totals.after) {
                (None, None) => "neither side tells a total".to_owned(),
                (None, _) => "the source's total is not known".to_owned(),
                _ => format!("{} tells its total once the quote is made", draft.title()),
            });
        }
        Some(false) => {
            let causes: Vec<&str> =
                draft.notes.iter().filter(|(_, n)| n.money).map(|(p, _)| p.as_str()).collect();
            if !causes.is_empty() {
                totals.why = Some(causes.join(", "));
            } else if totals::may_be_rounding(totals, draft.source) {
                let why =
                    format!("{}; {}", totals::rounding_rule(source), totals::rounding_rule(target));
                totals.why = Some(why.clone());
                let to = totals.after.map(|m| m.to_string());
                draft.note_money("total", Outcome::Rounded, to, why);
            } else {
                let told = |m: Option<Money>| m.map_or_else(String::new, |m| m.to_string());
                let why = format!(
                    "the total would be {} instead of {}, and no field explains it: please report this",
                    told(totals.after),
                    told(totals.before)
                );
                return Err(impossible("total", totals.before.map(|m| m.to_string()), why));
            }
        }
    }
    Ok(())
}
