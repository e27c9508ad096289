//! A plan as JSON: the keys of format 1, and a few more.
//!
//! Invariants: keys are added, never taken away or renamed. Values are text or null, amounts with
//! the digits of their currency and without grouping; nothing is cut.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::{document, lines};
use super::wording::{currency_of, with_digits, written};
use crate::failure::Diagnostic;
use crate::key::{ConnectionName, StepId};
use crate::money::{Amount, Currency, Money};
use crate::plan::build::money;
use crate::plan::model::{Action, Change, ChangeOrigin, Plan, QuotePlan};
use crate::provider::Requests;
use crate::provider::state::State;
use crate::provider::step::{Effects, Step};

#[derive(Serialize)]
struct PlanDocument<'a> {
    format: u32,
    kind: &'static str,
    id: &'a str,
    workspace: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    offline: bool,
    summary: BTreeMap<&'static str, usize>,
    money: Vec<MoneyDocument>,
    requests: &'a BTreeMap<ConnectionName, Requests>,
    consent: Effects,
    allowed: &'a Effects,
    prune: bool,
    overrides: &'a [String],
    preparations: Vec<StepDocument<'a>>,
    quotes: Vec<QuoteDocument<'a>>,
    diagnostics: Vec<serde_json::Value>,
}

#[derive(Serialize)]
struct MoneyDocument {
    currency: Currency,
    before: Amount,
    after: Amount,
    delta: Option<Amount>,
}

#[derive(Serialize)]
struct QuoteDocument<'a> {
    quote: &'a str,
    connection: &'a str,
    provider: &'a str,
    action: Action,
    id: Option<&'a str>,
    title: Option<&'a str>,
    state: Sides<String>,
    total: Sides<Money>,
    discount: Option<Amount>,
    changes: Vec<ChangeDocument<'a>>,
    steps: Vec<StepDocument<'a>>,
    consent: Effects,
    reason: Option<&'a str>,
    help: Option<&'a str>,
    ownership_conflict: bool,
    waits_for: Option<&'a str>,
    notices: &'a [String],
    links: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct Sides<T> {
    before: Option<T>,
    after: Option<T>,
}

#[derive(Serialize)]
pub(super) struct ChangeDocument<'a> {
    path: &'a str,
    before: Option<String>,
    after: Option<String>,
    origin: ChangeOrigin,
    planned: bool,
}

#[derive(Serialize)]
struct StepDocument<'a> {
    id: &'a StepId,
    does: &'a str,
    effects: &'a Effects,
    awaits: &'a Effects,
    needs: &'a [StepId],
}

/// The document of a plan.
pub fn plan_json(plan: &Plan, diagnostics: &[Diagnostic]) -> String {
    let mut summary: BTreeMap<&'static str, usize> = Action::ALL.map(|a| (a.word(), 0)).into();
    for quote in &plan.quotes {
        *summary.entry(quote.action.word()).or_default() += 1;
    }
    let consent: Effects = plan
        .quotes
        .iter()
        .flat_map(QuotePlan::consents)
        .filter(|effect| !plan.allowed.contains(effect))
        .collect();
    document(&PlanDocument {
        format: plan.format,
        kind: "plan",
        id: &plan.id,
        workspace: plan.workspace.as_str(),
        offline: plan.offline,
        summary,
        money: money(plan)
            .into_iter()
            .map(|line| {
                let said = |amount| with_digits(amount, Some(line.currency));
                MoneyDocument {
                    currency: line.currency,
                    before: said(line.before),
                    after: said(line.after),
                    delta: line.after.minus(line.before).map(said),
                }
            })
            .collect(),
        requests: &plan.requests,
        consent,
        allowed: &plan.allowed,
        prune: plan.prune,
        overrides: &plan.overrides,
        preparations: plan.preparations.iter().map(step).collect(),
        quotes: plan.quotes.iter().map(quote).collect(),
        diagnostics: lines(diagnostics),
    })
}

fn quote(plan: &QuotePlan) -> QuoteDocument<'_> {
    let currency = currency_of(plan);
    let total = |money: Option<Money>| {
        money.map(|m| Money { amount: with_digits(m.amount, Some(m.currency)), ..m })
    };
    QuoteDocument {
        quote: plan.quote.as_str(),
        connection: plan.connection.as_str(),
        provider: &plan.provider,
        action: plan.action,
        id: plan.id.as_ref().map(crate::key::RemoteId::as_str),
        title: plan.title.as_deref(),
        state: Sides {
            before: plan.state_before.as_ref().map(State::word),
            after: plan.state_after.as_ref().map(State::word),
        },
        total: Sides { before: total(plan.total_before), after: total(plan.total_after) },
        // Divided, so rounded: for people and for limits of pipelines, never for money.
        discount: plan.discount.map(|share| share.round_half_up(2)),
        changes: plan.changes.iter().map(|c| change(c, currency)).collect(),
        steps: plan.steps.iter().map(step).collect(),
        consent: plan.consents(),
        reason: plan.reason.as_deref(),
        help: plan.help.as_deref(),
        ownership_conflict: plan.ownership_conflict,
        waits_for: plan.waits_for.as_deref(),
        notices: &plan.notices,
        links: &plan.links,
    }
}

pub(super) fn change(change: &Change, currency: Option<Currency>) -> ChangeDocument<'_> {
    let side =
        |value: &Option<_>| value.as_ref().and_then(|value| written(&change.path, value, currency));
    ChangeDocument {
        path: change.path.as_str(),
        before: side(&change.before),
        after: side(&change.after),
        origin: change.origin,
        planned: change.planned,
    }
}

fn step(step: &Step) -> StepDocument<'_> {
    StepDocument {
        id: &step.id,
        does: &step.does,
        effects: &step.effects,
        awaits: &step.awaits,
        needs: &step.needs,
    }
}
