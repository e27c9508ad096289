//! What each line and adjustment of a quote comes to, step by step.
//!
//! Purpose: an adjustment that the target has no word for becomes an amount of something else, and
//! an amount has to be what the source would have charged. Lines first, each rounded; then
//! discounts, fees and taxes; a percent is taken of the total as it stood when its kind began.

use crate::desired::{Adjustment, Item, Measure, Per, Quote, Wish};
use crate::money::{Amount, Currency};

/// The amounts of a quote.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Ladder {
    /// The net of each item.
    pub lines: Vec<Amount>,
    /// The discounts, as amounts that are taken off.
    pub discounts: Vec<Amount>,
    /// The fees.
    pub fees: Vec<Amount>,
    /// The taxes.
    pub taxes: Vec<Amount>,
}

/// The digits of a quote's money.
pub fn digits(quote: &Quote) -> u32 {
    quote.currency.map_or(2, Currency::digits)
}

/// Price times quantity.
pub fn gross(item: &Item) -> Option<Amount> {
    item.price.set()?.times(item.quantity)
}

/// What is taken off a line, not rounded.
pub fn off(item: &Item) -> Option<Amount> {
    let Some(discount) = item.discount.set() else { return Some(Amount::ZERO) };
    match (discount.measure, discount.per) {
        (Measure::Percent(p), _) => gross(item)?.percent(p),
        (Measure::Amount(a), Per::Line) => Some(a),
        (Measure::Amount(a), Per::Unit) => a.times(item.quantity),
    }
}

/// The net of a line, rounded.
pub fn net(item: &Item, digits: u32) -> Option<Amount> {
    Some(gross(item)?.minus(off(item)?)?.round_half_up(digits))
}

/// All amounts of a quote; `None` where a price is missing.
pub fn ladder(quote: &Quote) -> Option<Ladder> {
    let digits = digits(quote);
    let items = quote.items.set().map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<Amount> = items.iter().map(|i| net(i, digits)).collect::<Option<_>>()?;
    let mut running = sum(&lines)?;
    let mut kind = |wish: &Wish<Vec<Adjustment>>, down: bool| -> Option<Vec<Amount>> {
        let base = running;
        let mut out = Vec::new();
        for a in wish.set().into_iter().flatten() {
            let size = match a.measure {
                Measure::Percent(p) => base.percent(p)?.round_half_up(digits),
                Measure::Amount(n) => n,
            };
            // A total never falls below zero.
            let size = if down { size.min(running) } else { size };
            running = if down { running.minus(size)? } else { running.plus(size)? };
            out.push(size);
        }
        Some(out)
    };
    let discounts = kind(&quote.discounts, true)?;
    let fees = kind(&quote.fees, false)?;
    let taxes = kind(&quote.taxes, false)?;
    Some(Ladder { lines, discounts, fees, taxes })
}

/// A sum, or `None` on overflow.
pub fn sum(amounts: &[Amount]) -> Option<Amount> {
    amounts.iter().try_fold(Amount::ZERO, |all, a| all.plus(*a))
}

/// An amount off a whole, divided among its parts in proportion to what each comes to.
///
/// Each share is the difference of two rounded running sums, so together they are the amount to the
/// cent, and none is more than its part: rounding each by itself would leave the cents to the last
/// one, which may be worth less than they are. `None` on overflow.
pub fn shares(amount: Amount, parts: &[Amount], digits: u32) -> Option<Vec<Amount>> {
    let whole = sum(parts)?;
    let (mut seen, mut given) = (Amount::ZERO, Amount::ZERO);
    let mut out = Vec::with_capacity(parts.len());
    for part in parts {
        seen = seen.plus(*part)?;
        let due = if whole.is_zero() {
            Amount::ZERO
        } else {
            amount.times(seen)?.over(whole)?.round_half_up(digits)
        };
        out.push(due.minus(given)?);
        given = due;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cents(n: i64) -> Amount {
        Amount::from_int(n).over(Amount::HUNDRED).unwrap()
    }

    #[test]
    fn cents_that_do_not_divide_are_not_left_to_a_line_that_is_worth_less() {
        let parts = vec![cents(1); 11];
        let shares = shares(cents(5), &parts, 2).unwrap();
        assert_eq!(sum(&shares), Some(cents(5)));
        assert!(shares.iter().all(|s| *s == Amount::ZERO || *s == cents(1)), "{shares:?}");
    }

    proptest! {
        #[test]
        fn shares_are_the_amount_and_none_is_more_than_its_part(
            parts in proptest::collection::vec(0_i64..1_000_000, 1..30),
            percent in 0_i64..=100,
        ) {
            let whole: i64 = parts.iter().sum();
            let amount = cents(whole * percent / 100);
            let parts: Vec<Amount> = parts.into_iter().map(cents).collect();
            let shares = shares(amount, &parts, 2).unwrap();
            prop_assert_eq!(sum(&shares), Some(amount));
            for (share, part) in shares.iter().zip(&parts) {
                prop_assert!(!share.is_negative() && share <= part, "{} of {}", share, part);
            }
        }
    }
}
