//! Guardrails: limits of the workspace that a plan must keep.
//!
//! Purpose: a refusal names the quote, the limit, the value, the nearest value that would pass,
//! and the exact override for one run.
//!
//! Invariants: pure; the time is given. A guardrail that cannot be evaluated (a total that is not
//! known) does not pass in silence: it warns.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::model::{Action, Plan, QuotePlan};
use crate::desired::{Measure, Per, Quote};
use crate::failure::Diagnostic;
use crate::key::QuoteName;
use crate::lockfile::Lockfile;
use crate::manifest::{Guardrails, Limit};
use crate::money::{Amount, Money};
use crate::provider::state::State;
use crate::provider::step::{Effect, Effects};

/// The names of all guardrails, as `--override` takes them.
pub const NAMES: [&str; 10] = [
    "max_creates",
    "max_updates",
    "max_deletes",
    "max_discount",
    "max_price_change",
    "max_total",
    "min_days_to_expiry",
    "recipients",
    "quiet_hours",
    "empty",
];

/// What the guardrails look at besides the plan.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The limits.
    pub guardrails: &'a Guardrails,
    /// All manifests of the workspace.
    pub quotes: &'a [Quote],
    /// What is recorded.
    pub lockfile: &'a Lockfile,
    /// Now.
    pub now: Timestamp,
    /// Today, where the run happens.
    pub today: Date,
    /// Effects with consent in this run; quiet hours only concern what would really happen.
    pub allowed: &'a Effects,
}

/// Every guardrail that the plan breaks and that is not overridden, as errors.
pub fn check(plan: &Plan, scene: &Scene<'_>) -> Vec<Diagnostic> {
    let manifests: BTreeMap<&QuoteName, &Quote> =
        scene.quotes.iter().map(|q| (&q.name, q)).collect();
    let mut found: Vec<(&'static str, Diagnostic)> = Vec::new();
    counts(plan, scene, &mut found);
    empty(scene, &mut found);
    quiet_hours(plan, scene, &mut found);
    for quote in plan.quotes.iter().filter(|q| q.action.is_pending()) {
        let Some(desired) = manifests.get(&quote.quote) else { continue };
        for_quote(quote, desired, scene, &mut found);
    }
    let overridden: BTreeSet<&str> = plan.overrides.iter().map(String::as_str).collect();
    found.into_iter().filter(|(name, _)| !overridden.contains(name)).map(|(_, d)| d).collect()
}

fn refusal(name: &'static str, message: &str, passes: &str) -> (&'static str, Diagnostic) {
    let help = format!("{passes}; to go on this once: `--override {name}`");
    (name, Diagnostic::error("guardrail", format!("guardrail `{name}`: {message}")).help(help))
}

fn counts(plan: &Plan, scene: &Scene<'_>, found: &mut Vec<(&'static str, Diagnostic)>) {
    let rails = scene.guardrails;
    for (name, limit, actions, word) in [
        ("max_creates", rails.max_creates, &[Action::Create][..], "create"),
        ("max_updates", rails.max_updates, &[Action::Update, Action::Replace][..], "update"),
        ("max_deletes", rails.max_deletes, &[Action::Delete][..], "delete"),
    ] {
        let Some(limit) = limit else { continue };
        let (most, shown) = most(limit, scene.lockfile.entries.len());
        let touched: Vec<&QuoteName> =
            plan.quotes.iter().filter(|q| actions.contains(&q.action)).map(|q| &q.quote).collect();
        let wanted = touched.len() as u64;
        if wanted > most {
            let s = if wanted == 1 { "" } else { "s" };
            found.push(refusal(
                name,
                &format!(
                    "the plan would {word} {wanted} quote{s} ({}); the limit is {shown}",
                    some_of(&touched)
                ),
                &format!("{most} would pass: narrow the run with `--only`, or raise the limit"),
            ));
        }
    }
}

/// The first names, for a message.
fn some_of(quotes: &[&QuoteName]) -> String {
    const SHOWN: usize = 5;
    let mut text: Vec<String> = quotes.iter().take(SHOWN).map(|q| format!("`{q}`")).collect();
    if let Some(more) = quotes.len().checked_sub(SHOWN).filter(|n| *n > 0) {
        text.push(format!("and {more} more"));
    }
    text.join(", ")
}

fn most(limit: Limit, recorded: usize) -> (u64, String) {
    match limit {
        Limit::Count(n) => (n, n.to_string()),
        Limit::Percent(percent) => {
            let recorded_amount = Amount::from_int(i64::try_from(recorded).unwrap_or(i64::MAX));
            let share = recorded_amount.percent(percent).map_or(0, Amount::floor);
            let most = u64::try_from(share).unwrap_or(0);
            (most, format!("{percent}% of {recorded} recorded quotes, that is {most}"))
        }
    }
}

fn empty(scene: &Scene<'_>, found: &mut Vec<(&'static str, Diagnostic)>) {
    let recorded = scene.lockfile.entries.len();
    if scene.quotes.is_empty() && recorded > 0 {
        found.push(refusal(
            "empty",
            &format!("the workspace has no quotes, but the lockfile has {recorded}"),
            "one manifest would pass: check `quotes:` in proforma.yaml and what is checked out",
        ));
    }
}

fn quiet_hours(plan: &Plan, scene: &Scene<'_>, found: &mut Vec<(&'static str, Diagnostic)>) {
    let Some(quiet) = &scene.guardrails.quiet_hours else { return };
    if !quiet.covers(scene.now) {
        return;
    }
    let loud = |q: &&QuotePlan| {
        q.steps.iter().any(|s| {
            s.awaits.is_subset(scene.allowed)
                && (s.effects.contains(&Effect::Publish) || s.effects.contains(&Effect::Send))
        })
    };
    let touched: Vec<&QuoteName> = plan.quotes.iter().filter(loud).map(|q| &q.quote).collect();
    if !touched.is_empty() {
        let end = quiet.end_after(scene.now);
        found.push(refusal(
            "quiet_hours",
            &format!(
                "{} would be published or sent in quiet hours ({} to {}, {}); it is {} there",
                some_of(&touched),
                quiet.from.strftime("%H:%M"),
                quiet.to.strftime("%H:%M"),
                quiet.zone,
                quiet.local(scene.now).strftime("%Y-%m-%d %H:%M")
            ),
            &end.map_or_else(
                || "no time of the coming days would pass: change `quiet_hours`".to_owned(),
                |end| {
                    format!(
                        "from {} ({}) on it would pass",
                        quiet.local(end).strftime("%Y-%m-%d %H:%M"),
                        quiet.zone
                    )
                },
            ),
        ));
    }
}

fn for_quote(
    quote: &QuotePlan,
    desired: &Quote,
    scene: &Scene<'_>,
    found: &mut Vec<(&'static str, Diagnostic)>,
) {
    let rails = scene.guardrails;
    let name = &quote.quote;
    let mut refuse = |rail, path: &str, message: String, passes: &str| {
        let (rail, diagnostic) = refusal(rail, &format!("`{name}`: {message}"), passes);
        found.push((rail, diagnostic.at(desired.origin.place(path)).about(name)));
    };
    if let (Some(limit), Some((list, off))) = (rails.max_discount, discounts(desired)) {
        let share = off.times(Amount::HUNDRED).and_then(|o| o.over(list));
        if let Some(share) = share.filter(|s| *s > limit) {
            let nearest = list.percent(limit).map(|a| a.round_half_up(2)).unwrap_or_default();
            refuse(
                "max_discount",
                if desired.discounts.is_owned() { "discounts" } else { "items" },
                format!(
                    "its discounts are {}% of the list total; the limit is {limit}%",
                    share.round_half_up(2)
                ),
                &format!("discounts of {nearest} in all would pass"),
            );
        }
    }
    if rails.max_discount.is_some() && gives_discount(desired) && discounts(desired).is_none() {
        warn_unknown(
            "max_discount",
            "its list total is not known before it is made",
            desired,
            name,
            found,
        );
    }
    let mut refuse = |rail, path: &str, message: String, passes: &str| {
        let (rail, diagnostic) = refusal(rail, &format!("`{name}`: {message}"), passes);
        found.push((rail, diagnostic.at(desired.origin.place(path)).about(name)));
    };
    // A rename must not slip through: the entry may still bear the earlier name.
    let entries = &scene.lockfile.entries;
    let was = quote.record.as_ref().and_then(|r| r.was.as_ref());
    let entry = entries.get(name).or_else(|| entries.get(was?));
    // Where nothing is recorded, what the customer was shown counts. A draft of ours without a
    // record is what a killed run left half made: its total so far is no promise to anybody.
    let shown = quote.state_before.as_ref().is_some_and(State::is_live);
    let recorded = entry.and_then(|e| e.total).or(quote.total_before.filter(|_| shown));
    if let (Some(limit), Some(before), Some(after)) =
        (rails.max_price_change, recorded, quote.total_after)
        && before.currency == after.currency
    {
        price_change(limit, before, after, &mut refuse);
    }
    if let Some(after) = quote.total_after
        && let Some(limit) = rails.max_total.get(&after.currency)
        && after.amount > *limit
    {
        refuse(
            "max_total",
            "items",
            format!("its total is {after}; the limit is {limit} {}", after.currency),
            &format!("a total of {limit} would pass"),
        );
    }
    if let (Some(days), Some(expires)) = (rails.min_days_to_expiry, desired.expires.set()) {
        let left = i64::from((*expires - scene.today).get_days());
        if left < i64::from(days) {
            let nearest = scene.today.checked_add(jiff::Span::new().days(i64::from(days)));
            refuse(
                "min_days_to_expiry",
                "expires",
                format!("it expires on {expires}, {left} days from today; the limit is {days}"),
                &nearest.map_or_else(
                    |_| "a later date would pass".to_owned(),
                    |date| format!("{date} would pass"),
                ),
            );
        }
    }
    let sends = quote.steps.iter().any(|s| s.effects.contains(&Effect::Send));
    let addresses = desired.customer.iter().chain(desired.contacts.set().into_iter().flatten());
    for address in addresses.filter_map(|p| p.email.set()).filter(|_| sends) {
        if !rails.may_receive(address) {
            let domain = address.rsplit_once('@').map_or("", |(_, d)| d);
            refuse(
                "recipients",
                "customer",
                format!(
                    "a message would go to the domain `{}`, which is not allowed",
                    crate::output::text::safe(domain)
                ),
                &format!("a recipient at {} would pass", rails.shown_recipients()),
            );
        }
    }
    if quote.total_after.is_none()
        && quote.action != Action::Adopt
        && quote.action != Action::Forget
    {
        for (rail, set) in [
            ("max_total", !rails.max_total.is_empty()),
            ("max_price_change", rails.max_price_change.is_some() && recorded.is_some()),
        ] {
            if set {
                warn_unknown(
                    rail,
                    "its total is not known before it is applied",
                    desired,
                    name,
                    found,
                );
            }
        }
    } else if let (Some(_), Some(before), Some(after)) =
        (rails.max_price_change, recorded, quote.total_after)
        && before.currency != after.currency
    {
        let why = format!("its total goes from {before} to {after}, another currency");
        warn_unknown("max_price_change", &why, desired, name, found);
    }
}

/// A guardrail that cannot be evaluated does not stop the run, and is not passed in silence.
fn warn_unknown(
    rail: &'static str,
    why: &str,
    desired: &Quote,
    name: &QuoteName,
    found: &mut Vec<(&'static str, Diagnostic)>,
) {
    let warning = Diagnostic::warning(
        "guardrail-unknown",
        format!("guardrail `{rail}`: `{name}`: {why}; it was not checked"),
    );
    found.push((rail, warning.at(desired.origin.place("items")).about(name)));
}

/// Whether a manifest gives any discount.
fn gives_discount(quote: &Quote) -> bool {
    quote.discounts.set().is_some_and(|d| !d.is_empty())
        || quote.items.set().is_some_and(|items| items.iter().any(|i| i.discount.set().is_some()))
}

fn price_change(
    limit: Amount,
    before: Money,
    after: Money,
    refuse: &mut impl FnMut(&'static str, &str, String, &str),
) {
    let Some(delta) = after.amount.minus(before.amount) else { return };
    let share = delta.abs().times(Amount::HUNDRED).and_then(|d| d.over(before.amount));
    // From nothing to something is a change without a limit.
    let too_much = share.map_or(!delta.is_zero(), |share| share > limit);
    if !too_much {
        return;
    }
    let step = before.amount.percent(limit).unwrap_or_default();
    let nearest =
        if delta.is_negative() { before.amount.minus(step) } else { before.amount.plus(step) };
    let nearest = nearest.unwrap_or(before.amount).round_half_up(before.currency.digits());
    refuse(
        "max_price_change",
        "items",
        format!(
            "its total goes from {before} to {after}{}; the limit is {limit}%",
            share.map(|s| format!(", by {}%", s.round_half_up(1))).unwrap_or_default()
        ),
        &format!("a total of {nearest} would pass"),
    );
}

/// All discounts of a quote together, in percent of its list total, where the manifest gives any
/// and says both.
pub fn discount_share(quote: &Quote) -> Option<Amount> {
    let (list, off) = discounts(quote)?;
    let share = off.times(Amount::HUNDRED)?.over(list)?;
    (!share.is_zero()).then_some(share)
}

/// The list total of a quote and all its discounts together, where the manifest says both.
fn discounts(quote: &Quote) -> Option<(Amount, Amount)> {
    let mut list = Amount::ZERO;
    let mut off = Amount::ZERO;
    for item in quote.items.set()? {
        let gross = item.price.set()?.times(item.quantity)?;
        list = list.plus(gross)?;
        if let Some(discount) = item.discount.set() {
            let cut = match (discount.measure, discount.per) {
                (Measure::Percent(p), _) => gross.percent(p)?,
                (Measure::Amount(a), Per::Line) => a,
                (Measure::Amount(a), Per::Unit) => a.times(item.quantity)?,
            };
            off = off.plus(cut)?;
        }
    }
    let net = list.minus(off)?;
    for discount in quote.discounts.set().into_iter().flatten() {
        let cut = match discount.measure {
            Measure::Percent(p) => net.percent(p)?,
            Measure::Amount(a) => a,
        };
        off = off.plus(cut)?;
    }
    (!list.is_zero()).then_some((list, off))
}
