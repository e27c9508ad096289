//! The shop's arithmetic. Each amount is rounded half up to two digits.
//!
//! Guess, since the documents do not say: discounts of lines first, then of the quote, then
//! shipping and tax.

use super::record::{Discount, DiscountKind, Line, Quote};
use super::settings::{FixedPer, Settings};
use crate::money::Amount;

/// The money of one line.
pub(super) struct LineTotals {
    pub(super) discount: Amount,
    pub(super) total: Amount,
}

/// The money of a quote.
pub(super) struct QuoteTotals {
    pub(super) subtotal: Amount,
    pub(super) discount: Amount,
    pub(super) shipping: Amount,
    pub(super) tax: Amount,
    pub(super) total: Amount,
}

fn off(discount: Option<&Discount>, base: Amount, times: i64) -> Amount {
    let size = match discount {
        None => Amount::ZERO,
        Some(d) => match d.kind {
            DiscountKind::Percentage => base.percent(d.amount).unwrap_or_default(),
            DiscountKind::Fixed => d.amount.times(Amount::from_int(times)).unwrap_or_default(),
        },
    };
    size.round_half_up(2).min(base)
}

pub(super) fn line(line: &Line, settings: &Settings) -> LineTotals {
    let gross = line.price.times(Amount::from_int(line.quantity)).unwrap_or_default();
    let gross = gross.round_half_up(2);
    let times = if settings.fixed_per == FixedPer::Unit { line.quantity } else { 1 };
    let discount = off(line.discount.as_ref(), gross, times);
    LineTotals { discount, total: minus(gross, discount) }
}

pub(super) fn quote(quote: &Quote, settings: &Settings) -> QuoteTotals {
    let mut subtotal = Amount::ZERO;
    let mut taxable = Amount::ZERO;
    for l in &quote.lines {
        let total = line(l, settings).total;
        subtotal = plus(subtotal, total);
        if l.taxable {
            taxable = plus(taxable, total);
        }
    }
    let discount = off(quote.discount.as_ref(), subtotal, 1);
    let shipping = quote.shipping.as_ref().map_or(Amount::ZERO, |s| s.price);
    let tax = taxable.percent(settings.tax_percent).unwrap_or_default().round_half_up(2);
    let total = plus(plus(minus(subtotal, discount), shipping), tax);
    QuoteTotals { subtotal, discount, shipping, tax, total }
}

fn plus(a: Amount, b: Amount) -> Amount {
    a.plus(b).unwrap_or(a)
}

fn minus(a: Amount, b: Amount) -> Amount {
    a.minus(b).unwrap_or(a)
}
