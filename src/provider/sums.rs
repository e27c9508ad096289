//! How a quote adds up: the lines and the steps that lead to its total, as data.
//!
//! Invariants: made by the very arithmetic that gives [`super::Dialect::total`], so the last figure
//! is the total; every place where a figure is rounded keeps the exact one beside it. Nothing is a
//! float.

use crate::money::{Amount, Currency};

/// The sums of a quote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sums<'f> {
    /// The currency of all figures.
    pub currency: Currency,
    /// A line for each item, by key.
    pub lines: Vec<LineSum<'f>>,
    /// The nets of all lines together; `None` where one is not known.
    pub net: Option<Amount>,
    /// What is taken off and put on, in the provider's order.
    pub steps: Vec<StepSum<'f>>,
    /// What comes out; `None` where only the upstream knows.
    pub total: Option<Amount>,
    /// The order and the roundings in words.
    pub rule: &'static str,
}

/// One line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineSum<'f> {
    /// `items[audit]`.
    pub part: &'f str,
    /// Price times quantity; `None` where it is not known.
    pub gross: Option<Rounded>,
    /// What the line's discount takes off.
    pub off: Option<Rounded>,
    /// What remains.
    pub net: Option<Rounded>,
}

/// One discount, fee, tax or the shipping of the whole quote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StepSum<'f> {
    /// `discounts[loyalty]`, `shipping`.
    pub part: &'f str,
    /// Whether it is taken off.
    pub down: bool,
    /// The percent, if it is one.
    pub percent: Option<Amount>,
    /// What the percent is taken of.
    pub base: Amount,
    /// How much it is.
    pub size: Rounded,
    /// The total behind it.
    pub after: Amount,
}

/// A figure with what it was before it was rounded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rounded {
    /// Before.
    pub exact: Amount,
    /// What counts.
    pub amount: Amount,
}

impl Rounded {
    /// Rounded to `digits`, halves away from zero.
    pub fn to(exact: Amount, digits: u32) -> Self {
        Self { exact, amount: exact.round_half_up(digits) }
    }

    /// Not rounded.
    pub fn exactly(amount: Amount) -> Self {
        Self { exact: amount, amount }
    }

    /// Whether rounding (or a limit) changed the value.
    pub fn is_rounded(self) -> bool {
        self.exact != self.amount
    }
}
