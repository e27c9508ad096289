//! Totals at both ends, each by its own provider's arithmetic.
//!
//! The one thing to know: a total must not depend on who can be found upstream, so every reference
//! of a quote is taken for resolved.

use std::collections::BTreeMap;

use super::Job;
use super::report::Totals;
use crate::desired::{Quote, Wish};
use crate::facts::{Facts, Path};
use crate::failure::{Diagnostic, Severity};
use crate::key::{Fingerprint, RemoteId};
use crate::money::{Amount, Money};
use crate::provider::Dialect;
use crate::provider::survey::{Lore, Resolved, Survey};

/// The facts of a quote that is not made yet, or everything that is in the way.
pub fn facts(dialect: &dyn Dialect, quote: &Quote) -> Result<Facts, Vec<Diagnostic>> {
    let mut found = dialect.check(quote);
    found.retain(|d| d.severity == Severity::Error);
    if !found.is_empty() {
        return Err(found);
    }
    let mut found = dialect.check_new(quote);
    found.retain(|d| d.severity == Severity::Error);
    if !found.is_empty() {
        return Err(found);
    }
    dialect.facts(quote, &resolved(quote))
}

/// The total of a quote as its manifest stands, whether or not it could be made.
pub fn total(dialect: &dyn Dialect, quote: &Quote) -> Option<Money> {
    let facts = dialect.facts(quote, &resolved(quote)).ok()?;
    dialect.total(&facts)
}

/// The recorded total of a quote whose manifest comes to another one although nothing of it was
/// edited since: something is upstream that the manifest does not own.
pub fn unsaid(job: &Job<'_>, source: &Quote, computed: Option<Money>) -> Option<Money> {
    if source.owns_its_total() && ignored(source).is_none() {
        return None;
    }
    let entry = job.lockfile.entries.get(&source.name)?;
    let recorded = entry.total.filter(|r| computed.is_some_and(|c| c != *r))?;
    (!is_edited(job, source)).then_some(recorded)
}

/// The first path of money that a manifest leaves to what stands upstream.
pub fn ignored(source: &Quote) -> Option<&str> {
    let money = |path: &&String| {
        let list = path.split(['.', '[']).next();
        matches!(list, Some("items" | "discounts" | "fees" | "taxes" | "shipping"))
    };
    source.lifecycle.ignore.iter().find(money).map(String::as_str)
}

/// Whether a manifest says other things of the money than were last applied, or that cannot be
/// known. What it ignores counts for nothing: it is not applied.
pub fn is_edited(job: &Job<'_>, source: &Quote) -> bool {
    let Some(entry) = job.lockfile.entries.get(&source.name) else { return true };
    let Ok(facts) = job.source.facts(source, &resolved(source)) else { return true };
    let money = |path: &Path| {
        let list = path.list().unwrap_or(path.as_str()).split('.').next();
        matches!(list, Some("items" | "discounts" | "fees" | "taxes" | "shipping" | "alternatives"))
    };
    let ignores = |path: &Path| {
        source.lifecycle.ignore.iter().any(|pattern| {
            let rest = path.as_str().strip_prefix(pattern.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    };
    facts
        .iter()
        .filter(|(path, _)| money(path) && !ignores(path))
        .any(|(path, value)| entry.fields.get(path) != Some(&value.fingerprint(&source.name, path)))
}

/// An account in which everything that a quote names is there.
fn resolved(quote: &Quote) -> Survey {
    let mut paths: Vec<String> = Vec::new();
    for (path, wish) in [
        ("owner", &quote.owner),
        ("company", &quote.company),
        ("deal", &quote.deal),
        ("template", &quote.template),
    ] {
        if wish.set().is_some() {
            paths.push(path.to_owned());
        }
    }
    if quote.customer.is_some() {
        paths.push("customer".to_owned());
    }
    let contacts = quote.contacts.set().map_or(0, Vec::len);
    paths.extend((0..contacts).map(|i| format!("contacts[{i}]")));
    paths.extend(quote.fields.keys().map(|name| format!("fields.{name}")));
    let asked = Fingerprint::of_parts("proforma 2026 migrated reference 1", &[]);
    let refs: BTreeMap<String, Resolved> = paths
        .into_iter()
        .enumerate()
        .filter_map(|(n, path)| {
            // Each its own, or two contacts would be one.
            let id = RemoteId::parse(&(n + 1).to_string())?;
            Some((path, Resolved { asked, id, label: String::new() }))
        })
        .collect();
    Survey {
        sights: BTreeMap::new(),
        refs: BTreeMap::from([(quote.name.clone(), refs)]),
        problems: Vec::new(),
        lore: Lore::None,
    }
}

/// Whether a difference is what rounding can make of a quote: at most a cent for each line and
/// adjustment.
pub fn may_be_rounding(totals: &Totals, quote: &Quote) -> bool {
    let (Some(before), Some(after)) = (totals.before, totals.after) else { return false };
    let count = |wish: &Wish<Vec<_>>| wish.set().map_or(0, Vec::len);
    let parts = quote.items.set().map_or(0, Vec::len)
        + count(&quote.discounts)
        + count(&quote.fees)
        + count(&quote.taxes);
    let mut cent = Amount::from_int(1);
    for _ in 0..before.currency.digits() {
        cent = cent.over(Amount::from_int(10)).unwrap_or(cent);
    }
    let most = cent.times(Amount::from_int(i64::try_from(parts).unwrap_or(i64::MAX)));
    let difference = before.amount.minus(after.amount).map(Amount::abs);
    before.currency == after.currency && difference.zip(most).is_some_and(|(d, most)| d <= most)
}

/// How a provider rounds, in a sentence.
pub fn rounding_rule(provider: &str) -> &'static str {
    match provider {
        "hubspot" => "HubSpot rounds the net of each line half up, then each discount, fee and tax",
        "quickquote" => {
            "Quick Quote rounds the price and the discount of each line half up, then the discount of the quote"
        }
        "dealhub" => "DealHub rounds the net of each line once, half up",
        _ => "the provider rounds by its own prices",
    }
}
