//! What needs care in a plan, as data and for people: blocks, other owners, what customers would see or lose, drift that
//! is only shown, and what waits for somebody.
//!
//! Invariants: quotes with the same reason and the same way out are said once, with their names.
//! The order is by gravity, then by reason, so that it never depends on chance.

use std::collections::BTreeMap;

use super::layout::{Page, plain, span};
use super::theme::Tone;
use super::wording;
use crate::key::QuoteName;
use crate::plan::model::{Action, ChangeOrigin, Plan, QuotePlan};
use crate::provider::state::State;
use crate::provider::step::Effect;

/// Groups shown, unless asked for more.
const MOST_GROUPS: usize = 20;
/// Names shown of one group, unless asked for more.
const MOST_NAMES: usize = 8;
/// Characters of a reason.
const MOST_OF_A_REASON: usize = 600;

/// Classes of care, by gravity.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Class {
    Ownership,
    Blocked,
    Delete,
    Down,
    Unlock,
    Final,
    Bill,
    Send,
    Publish,
    Wait,
    Drift,
    Orphaned,
    Unverifiable,
    Other,
}

impl Class {
    /// Its symbol, its name and its tone.
    pub(super) fn title(self) -> (&'static str, &'static str, Tone) {
        match self {
            Self::Ownership => ("!", "owned by somebody else", Tone::Blocked),
            Self::Blocked => ("!", "blocked", Tone::Blocked),
            Self::Delete => ("-", "deletes", Tone::Delete),
            Self::Down => ("-", "takes down", Tone::Delete),
            Self::Unlock => ("~", "edits a live quote", Tone::Update),
            Self::Final => ("!", "cannot be taken back", Tone::Blocked),
            Self::Bill => ("$", "costs money", Tone::Update),
            Self::Send => (">", "sends a message", Tone::Update),
            Self::Publish => ("+", "publishes", Tone::Create),
            Self::Wait => ("…", "waits", Tone::Drift),
            Self::Drift => ("≠", "drift", Tone::Drift),
            Self::Orphaned => ("o", "orphaned", Tone::Drift),
            Self::Unverifiable => ("?", "cannot be read back", Tone::Drift),
            Self::Other => ("i", "note", Tone::Muted),
        }
    }
}

type Groups<'a> = BTreeMap<(Class, String, Option<&'a str>), Vec<&'a QuotePlan>>;

/// Quotes that need care for one reason.
pub(super) struct Care<'a> {
    /// Of which sort it is.
    pub(super) class: Class,
    /// Why; may be empty.
    pub(super) reason: String,
    /// The way out.
    pub(super) help: Option<&'a str>,
    /// The quotes, by name.
    pub(super) quotes: Vec<&'a QuotePlan>,
}

/// What needs care, by gravity.
pub(super) fn care(plan: &Plan) -> Vec<Care<'_>> {
    let mut groups = Groups::new();
    for quote in &plan.quotes {
        sort_in(quote, &mut groups);
    }
    let care = |((class, reason, help), quotes)| Care { class, reason, help, quotes };
    groups.into_iter().map(care).collect()
}

/// The gravest class of each quote that needs care.
pub(super) fn gravity<'a>(care: &[Care<'a>]) -> BTreeMap<&'a QuoteName, Class> {
    let mut out = BTreeMap::new();
    for group in care {
        for quote in &group.quotes {
            // Groups come by gravity: the first one that names a quote is its gravest.
            out.entry(&quote.quote).or_insert(group.class);
        }
    }
    out
}

/// Writes the section; nothing if there is nothing.
pub(super) fn write(page: &mut Page, plan: &Plan) {
    let groups = care(plan);
    if groups.is_empty() {
        return;
    }
    page.blank();
    page.flow(0, 0, &[span("Needs care", Tone::Strong)]);
    let verbose = page.look().verbose;
    let most = if verbose { usize::MAX } else { MOST_GROUPS };
    let total = groups.len();
    for Care { class, reason, help, quotes } in groups.into_iter().take(most) {
        let (symbol, title, tone) = class.title();
        let mut text = String::from(": ");
        text.push_str(&wording::brief(&reason, MOST_OF_A_REASON));
        if reason.is_empty() {
            text.clear();
        }
        page.flow(2, 4, &[span(format!("{symbol} {title}"), tone), plain(text)]);
        let names_shown = if verbose { usize::MAX - 1 } else { MOST_NAMES };
        let names = wording::names(quotes.iter().map(|q| q.quote.as_str()), names_shown);
        page.flow(6, 6, &[span(wording::one_line(&names, usize::MAX), Tone::Strong)]);
        if let Some(help) = help {
            let help = wording::brief(help, MOST_OF_A_REASON);
            page.flow(6, 12, &[span("hint: ", Tone::Adopt), plain(help)]);
        }
    }
    if total > most {
        let text = format!("… {} (-v lists all)", wording::count(total - most, "more reason"));
        page.flow(2, 2, &[span(text, Tone::Muted)]);
    }
}

fn sort_in<'a>(quote: &'a QuotePlan, groups: &mut Groups<'a>) {
    let reason = quote.reason.as_deref().unwrap_or_default();
    let help = quote.help.as_deref();
    let mut add = |class: Class, reason: &str, help: Option<&'a str>| {
        groups.entry((class, reason.to_owned(), help)).or_default().push(quote);
    };
    match quote.action {
        Action::Blocked if quote.ownership_conflict => add(Class::Ownership, reason, help),
        Action::Blocked => add(Class::Blocked, reason, help),
        Action::Orphaned => add(Class::Orphaned, reason, help),
        Action::Unverifiable => add(Class::Unverifiable, reason, help),
        _ => {
            for (class, what) in effects(quote) {
                add(class, what, None);
            }
            if quote.changes.iter().any(|c| c.origin == ChangeOrigin::Drift && c.planned) {
                let what = "somebody changed it upstream; apply sets it back to the manifest";
                add(Class::Drift, what, None);
            }
            let drift = shown_drift(quote);
            if drift || !reason.is_empty() {
                let class = if drift { Class::Drift } else { Class::Other };
                let said = if reason.is_empty() {
                    "somebody changed it upstream, and the manifest has not changed: shown, not repaired"
                } else {
                    reason
                };
                add(class, said, help);
            }
        }
    }
    if let Some(who) = &quote.waits_for {
        add(Class::Wait, who, None);
    }
}

fn shown_drift(quote: &QuotePlan) -> bool {
    quote.changes.iter().any(|c| c.origin == ChangeOrigin::Drift && !c.planned)
}

/// What the steps do to the world, in a customer's terms.
fn effects(quote: &QuotePlan) -> Vec<(Class, &'static str)> {
    let own: std::collections::BTreeSet<Effect> =
        quote.steps.iter().flat_map(|s| s.effects.iter().copied()).collect();
    let was_live = quote.state_before.as_ref().is_some_and(State::is_live);
    let is_live = quote.state_after.as_ref().is_some_and(State::is_live);
    let mut out = Vec::new();
    if quote.action == Action::Delete {
        let what = if was_live {
            "the quote is removed upstream; the customer can see it now and loses the link"
        } else {
            "the quote is removed upstream"
        };
        out.push((Class::Delete, what));
        return out;
    }
    if own.contains(&Effect::Publish) {
        out.push(match (quote.action, was_live, is_live) {
            (Action::Replace, true, _) => (
                Class::Unlock,
                "a new quote takes its place; the link that the customer has goes dead",
            ),
            (_, true, true) => (
                Class::Unlock,
                "the customer's link is down while it is edited, and shows the new content afterwards",
            ),
            (_, true, false) => (Class::Down, "the customer can no longer see it"),
            (_, false, _) => (Class::Publish, "the customer can see it"),
        });
    }
    for (effect, class, what) in [
        (Effect::Send, Class::Send, "a message goes out to the customer"),
        (Effect::Bill, Class::Bill, ""),
        (Effect::Delete, Class::Delete, "something is removed upstream for good"),
        (Effect::Final, Class::Final, "a decision that stands"),
    ] {
        if own.contains(&effect) {
            out.push((class, what));
        }
    }
    out
}
