//! The arithmetic of a quote: what the customer pays before tax, from facts.
//!
//! Lines first, each rounded half up; then the discount of the quote; then shipping. The shop's tax
//! cannot be known from outside, so it is left out here and in the plan. `None` where a price is
//! missing that only the shop knows.

use std::collections::BTreeMap;

use crate::facts::{Facts, Path, Value};
use crate::money::{Amount, Currency, Money};

/// The total of a quote in the shop's currency.
pub fn total(currency: Option<Currency>, facts: &Facts) -> Option<Money> {
    let currency = currency?;
    let digits = currency.digits();
    let mut parts: BTreeMap<&str, BTreeMap<&str, Amount>> = BTreeMap::new();
    for (path, value) in facts {
        if let (Some(part), Some("items" | "discounts")) = (path.part(), path.list()) {
            let fields = parts.entry(part).or_default();
            fields.extend(value.number().map(|n| (path.field(), n)));
        }
    }
    let mut sum = Amount::ZERO;
    for (_, line) in parts.iter().filter(|(part, _)| part.starts_with("items[")) {
        let quantity = line.get("quantity").copied().unwrap_or(Amount::from_int(1));
        let gross = line.get("price")?.times(quantity)?.round_half_up(digits);
        let off = match (line.get("discount.percent"), line.get("discount.amount")) {
            (Some(p), _) => gross.percent(*p)?,
            (None, Some(a)) => *a,
            (None, None) => Amount::ZERO,
        };
        sum = sum.plus(gross.minus(off.round_half_up(digits).min(gross))?)?;
    }
    for (_, discount) in parts.iter().filter(|(part, _)| part.starts_with("discounts[")) {
        let off = match (discount.get("percent"), discount.get("amount")) {
            (Some(p), _) => sum.percent(*p)?,
            (None, Some(a)) => *a,
            (None, None) => Amount::ZERO,
        };
        sum = sum.minus(off.round_half_up(digits).min(sum))?;
    }
    let shipping = facts.get(&Path::new("shipping.price")).and_then(Value::number);
    let amount = sum.plus(shipping.unwrap_or_default())?.round_half_up(digits);
    Some(Money { currency, amount })
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
