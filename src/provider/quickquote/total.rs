//! The arithmetic of a quote: what the customer pays before tax, from facts.
//!
//! Lines first, each rounded half up; then the discount of the quote; then shipping. The shop's tax
//! cannot be known from outside, so it is left out here and in the plan. `None` where a price is
//! missing that only the shop knows.

use std::collections::BTreeMap;

use crate::desired::{Item, Measure, Per};
use crate::facts::{Facts, Path, Value};
use crate::money::{Amount, Currency, Money};
use crate::provider::sums::{LineSum, Rounded, StepSum, Sums};

/// What is done in which order, for people.
const RULE: &str = "each line and its discount are rounded; then the discount of the quote is \
    taken off, rounded; then shipping is added; the shop's own tax comes on top";

/// The total of a quote in the shop's currency.
pub fn total(currency: Option<Currency>, facts: &Facts) -> Option<Money> {
    let sums = sums(currency, facts)?;
    Some(Money { currency: sums.currency, amount: sums.total? })
}

/// How a quote adds up.
pub fn sums(currency: Option<Currency>, facts: &Facts) -> Option<Sums<'_>> {
    let currency = currency?;
    let digits = currency.digits();
    let mut parts: BTreeMap<&str, BTreeMap<&str, Amount>> = BTreeMap::new();
    for (path, value) in facts {
        if let (Some(part), Some("items" | "discounts")) = (path.part(), path.list()) {
            let fields = parts.entry(part).or_default();
            fields.extend(value.number().map(|n| (path.field(), n)));
        }
    }
    let items = parts.iter().filter(|(part, _)| part.starts_with("items["));
    let lines: Vec<LineSum<'_>> = items
        .map(|(&part, line)| {
            let unknown = LineSum { part, gross: None, off: None, net: None };
            line_of(part, line, digits).unwrap_or(unknown)
        })
        .collect();
    let net = lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.net?.amount));
    let mut sums = Sums { currency, lines, net, steps: Vec::new(), total: None, rule: RULE };
    if let Some(net) = net {
        sums.total = adjust(&parts, facts, net, digits, &mut sums.steps);
    }
    Some(sums)
}

fn line_of<'f>(part: &'f str, line: &BTreeMap<&str, Amount>, digits: u32) -> Option<LineSum<'f>> {
    let quantity = line.get("quantity").copied().unwrap_or(Amount::from_int(1));
    let gross = Rounded::to(line.get("price")?.times(quantity)?, digits);
    let off = match (line.get("discount.percent"), line.get("discount.amount")) {
        (Some(p), _) => gross.amount.percent(*p)?,
        (None, Some(a)) => *a,
        (None, None) => Amount::ZERO,
    };
    let off = Rounded { exact: off, amount: off.round_half_up(digits).min(gross.amount) };
    let net = Rounded::exactly(gross.amount.minus(off.amount)?);
    Some(LineSum { part, gross: Some(gross), off: Some(off), net: Some(net) })
}

/// The net of an item as the shop counts it; `None` where its price is the shop's own.
pub fn net_of(item: &Item, digits: u32) -> Option<Amount> {
    let mut line = BTreeMap::from([("quantity", item.quantity), ("price", *item.price.set()?)]);
    if let Some(discount) = item.discount.set() {
        match (discount.measure, discount.per) {
            (Measure::Percent(p), _) => line.insert("discount.percent", p),
            (Measure::Amount(a), Per::Line) => line.insert("discount.amount", a),
            (Measure::Amount(a), Per::Unit) => {
                line.insert("discount.amount", a.times(item.quantity)?)
            }
        };
    }
    Some(line_of("", &line, digits)?.net?.amount)
}

/// The discount of the quote, then shipping; `None` where it overflows.
fn adjust<'f>(
    parts: &BTreeMap<&'f str, BTreeMap<&'f str, Amount>>,
    facts: &'f Facts,
    net: Amount,
    digits: u32,
    steps: &mut Vec<StepSum<'f>>,
) -> Option<Amount> {
    let mut sum = net;
    for (&part, discount) in parts.iter().filter(|(part, _)| part.starts_with("discounts[")) {
        let base = sum;
        let percent = discount.get("percent").copied();
        let off = match (percent, discount.get("amount")) {
            (Some(p), _) => sum.percent(p)?,
            (None, Some(a)) => *a,
            (None, None) => Amount::ZERO,
        };
        let size = Rounded { exact: off, amount: off.round_half_up(digits).min(sum) };
        sum = sum.minus(size.amount)?;
        steps.push(StepSum { part, down: true, percent, base, size, after: sum });
    }
    let shipping = facts.get(&Path::new("shipping.price")).and_then(Value::number);
    let base = sum;
    sum = sum.plus(shipping.unwrap_or_default())?;
    if let Some(price) = shipping {
        let size = Rounded::exactly(price);
        steps.push(StepSum {
            part: "shipping",
            down: false,
            percent: None,
            base,
            size,
            after: sum,
        });
    }
    Some(sum.round_half_up(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(rows: &[(&str, &str)]) -> Option<String> {
        let facts =
            rows.iter().map(|(p, v)| (Path::new(*p), Value::Number(Amount::parse(v).unwrap())));
        total(Currency::parse("USD"), &facts.collect()).map(|m| m.amount.to_string())
    }

    #[test]
    fn lines_discount_shipping() {
        let rows = [
            ("items[a].quantity", "4"),
            ("items[a].price", "10.00"),
            ("items[a].discount.amount", "5"),
            ("items[b].price", "3.335"),
            ("items[b].discount.percent", "10"),
            ("discounts[d].percent", "10"),
            ("shipping.price", "25.50"),
        ];
        // 35.00 + (3.34 - 0.33) = 38.01; - 3.80 = 34.21; + 25.50
        assert_eq!(sum(&rows).as_deref(), Some("59.71"));
    }

    #[test]
    fn a_discount_is_capped_and_an_unknown_price_unknown() {
        let capped = [("items[a].price", "3"), ("items[a].discount.amount", "5")];
        assert_eq!(sum(&capped).as_deref(), Some("0.00"));
        assert_eq!(sum(&[("items[a].quantity", "1")]), None);
        assert_eq!(total(None, &Facts::new()), None);
        assert_eq!(sum(&[]).as_deref(), Some("0.00"));
    }
}
