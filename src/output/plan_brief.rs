//! What a reviewer asks of a plan first: where the money moves most, how deep the discounts go, and
//! who will hear of it.
//!
//! Invariants: a pure function of the plan; amounts of different currencies are never compared; a
//! tie goes to the quote whose name comes first. A total that is not known moves nothing.

use std::collections::BTreeMap;

use crate::facts::{Path, Value};
use crate::money::{Amount, Currency, Money};
use crate::plan::build::money;
use crate::plan::model::{Action, MoneyLine, Plan, QuotePlan};
use crate::provider::step::Effect;

/// The brief of a plan.
pub(super) struct Brief<'a> {
    /// Sums by currency.
    pub(super) money: Vec<MoneyLine>,
    /// Quotes with something to do.
    pub(super) touched: usize,
    /// Most moved quotes, by currency.
    pub(super) moves: BTreeMap<Currency, Moves<'a>>,
    /// The deepest discount of a quote that is to be written, in percent of its list total.
    pub(super) deepest: Option<(&'a QuotePlan, Amount)>,
    /// Quotes whose apply sends a message, with the addresses that it goes to as far as the plan
    /// knows them.
    pub(super) contacted: Vec<(&'a QuotePlan, Vec<&'a str>)>,
}

/// The most moved quotes of a currency.
#[derive(Default)]
pub(super) struct Moves<'a> {
    /// The largest quote that is new.
    pub(super) largest_new: Option<Swing<'a>>,
    /// The largest rise of one that is there.
    pub(super) rise: Option<Swing<'a>>,
    /// The largest fall, removals included.
    pub(super) fall: Option<Swing<'a>>,
}

/// How far a quote's total moves.
#[derive(Clone, Copy)]
pub(super) struct Swing<'a> {
    pub(super) quote: &'a QuotePlan,
    pub(super) before: Option<Money>,
    pub(super) after: Option<Money>,
    pub(super) delta: Amount,
}

/// Makes the brief.
pub(super) fn brief(plan: &Plan) -> Brief<'_> {
    let pending = || plan.quotes.iter().filter(|q| q.action.is_pending());
    let mut moves: BTreeMap<Currency, Moves<'_>> = BTreeMap::new();
    for (currency, swing) in pending().filter_map(swing) {
        let moves = moves.entry(currency).or_default();
        let place = match (swing.before, swing.delta.is_negative()) {
            (None, _) => &mut moves.largest_new,
            (Some(_), false) => &mut moves.rise,
            (Some(_), true) => &mut moves.fall,
        };
        if place.is_none_or(|known| swing.delta.abs() > known.delta.abs()) {
            *place = Some(swing);
        }
    }
    let mut deepest: Option<(&QuotePlan, Amount)> = None;
    for quote in pending().filter(|q| q.action != Action::Delete && q.action != Action::Forget) {
        if let Some(share) = quote.discount
            && deepest.is_none_or(|(_, known)| share > known)
        {
            deepest = Some((quote, share));
        }
    }
    let sends = |q: &&QuotePlan| q.steps.iter().any(|s| s.effects.contains(&Effect::Send));
    Brief {
        money: money(plan),
        touched: pending().count(),
        moves,
        deepest,
        contacted: pending().filter(sends).map(|q| (q, recipients(q))).collect(),
    }
}

/// How far a quote's total moves, and in which currency; `None` where it does not, or where that
/// is not known.
pub(super) fn swing(quote: &QuotePlan) -> Option<(Currency, Swing<'_>)> {
    let (before, after) = (quote.total_before, quote.total_after);
    let currency = after.or(before)?.currency;
    let amount = |money: Option<Money>| match money {
        None => Some(Amount::ZERO),
        Some(money) => (money.currency == currency).then_some(money.amount),
    };
    // A quote that stays and whose new total is not known has not fallen to nothing.
    if after.is_none() && quote.action != Action::Delete {
        return None;
    }
    if before.is_none() && quote.action != Action::Create {
        return None;
    }
    let delta = amount(after)?.minus(amount(before)?)?;
    (!delta.is_zero()).then_some((currency, Swing { quote, before, after, delta }))
}

/// The addresses that a message of this quote goes to.
fn recipients(quote: &QuotePlan) -> Vec<&str> {
    let text = |path: &str| match quote.want.get(&Path::new(path)) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    };
    let own = text("customer.email").or_else(|| text("customer.phone"));
    let own = own.or_else(|| text("customer.name"));
    let others = quote.want.iter().filter(|(path, _)| path.list() == Some("contacts"));
    let others = others.filter_map(|(_, value)| match value {
        Value::Ref { label, .. } if !label.is_empty() => Some(label.as_str()),
        _ => None,
    });
    own.into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixtures::{money as amount, plan, quote, usd};

    fn name(swing: Option<Swing<'_>>) -> Option<String> {
        swing.map(|s| format!("{} {}", s.quote.quote, s.delta))
    }

    #[test]
    fn the_largest_moves_of_each_currency() {
        let plan = plan();
        let brief = brief(&plan);
        let of = |code: &str| &brief.moves[&Currency::parse(code).unwrap()];
        assert_eq!(name(of("USD").largest_new).as_deref(), Some("acme-seo-2027 10560"));
        assert_eq!(name(of("USD").rise), None);
        assert_eq!(name(of("USD").fall).as_deref(), Some("old-offer -500"));
        assert_eq!(name(of("EUR").rise).as_deref(), Some("globex-retainer-2027 150.5"));
        assert_eq!(
            brief.deepest.map(|(q, d)| format!("{} {d}", q.quote)).unwrap(),
            "acme-seo-2027 14.5"
        );
        assert!(brief.contacted.is_empty());
    }

    #[test]
    fn what_is_not_known_moves_nothing() {
        let mut one = quote("a", Action::Update);
        one.total_before = usd("10");
        assert!(swing(&one).is_none());
        one.total_after = amount("EUR", "5");
        assert!(swing(&one).is_none());
        one.total_before = None;
        assert!(swing(&one).is_none());
        one.action = Action::Create;
        assert_eq!(swing(&one).unwrap().1.delta.to_string(), "5");
        let mut gone = quote("a", Action::Delete);
        gone.total_before = usd("10");
        assert_eq!(swing(&gone).unwrap().1.delta.to_string(), "-10");
    }
}
