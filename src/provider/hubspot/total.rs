//! HubSpot's arithmetic: what the customer pays, from facts.
//!
//! Lines first, each rounded; then discounts, fees and taxes, each kind by its order. A percent is
//! taken of the total as it stood when its kind began; the total never falls below zero. `None`
//! where a fact is missing that only HubSpot knows (a price from the product library, tiers).

use std::collections::BTreeMap;

use crate::facts::{Facts, Path, Value};
use crate::money::{Amount, Currency, Money};
use crate::provider::sums::{LineSum, Rounded, StepSum, Sums};

/// What is done in which order, for people.
const RULE: &str = "each line is rounded; then discounts, fees and taxes are taken in this order, \
    a percent of the total as it stood when its kind began, each rounded; never below zero";

/// The total of a quote.
pub fn total(facts: &Facts) -> Option<Money> {
    let sums = sums(facts)?;
    Some(Money { currency: sums.currency, amount: sums.total? })
}

/// How a quote adds up.
pub fn sums(facts: &Facts) -> Option<Sums<'_>> {
    let mut parts: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
    for (path, value) in facts {
        if let (Some(part), Some("items" | "discounts" | "fees" | "taxes")) =
            (path.part(), path.list())
        {
            parts.entry(part).or_default().insert(path.field(), value);
        }
    }
    let currency = currency(facts)?;
    let digits = currency.digits();
    let items = parts.iter().filter(|(part, _)| part.starts_with("items["));
    let lines: Vec<LineSum<'_>> = items.map(|(&part, item)| line(part, item, digits)).collect();
    let net = lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.net?.amount));
    let mut sums = Sums { currency, lines, net, steps: Vec::new(), total: None, rule: RULE };
    if let Some(net) = net {
        sums.total = adjust(&parts, net, digits, &mut sums.steps);
    }
    Some(sums)
}

/// Discounts, fees and taxes on the net of the lines; `None` where it overflows.
fn adjust<'f>(
    parts: &BTreeMap<&'f str, BTreeMap<&'f str, &'f Value>>,
    net: Amount,
    digits: u32,
    steps: &mut Vec<StepSum<'f>>,
) -> Option<Amount> {
    let mut running = net;
    for (list, down) in [("discounts[", true), ("fees[", false), ("taxes[", false)] {
        let of_kind = parts.iter().filter(|(p, _)| p.starts_with(list));
        let mut kind: Vec<(&'f str, _)> = of_kind.map(|(part, fields)| (*part, fields)).collect();
        kind.sort_by_key(|(_, fields)| number(fields, "position"));
        let base = running;
        for (part, fields) in kind {
            let percent = number(fields, "percent");
            let size = match (percent, number(fields, "amount")) {
                (Some(p), _) => Rounded::to(base.percent(p)?, digits),
                (None, Some(a)) => Rounded::exactly(a),
                (None, None) => Rounded::exactly(Amount::ZERO),
            };
            let moved =
                if down { running.minus(size.amount)? } else { running.plus(size.amount)? };
            running = moved.max(Amount::ZERO);
            steps.push(StepSum { part, down, percent, base, size, after: running });
        }
    }
    Some(running.round_half_up(digits))
}

/// One line: its net is rounded, once, and never below zero.
fn line<'f>(part: &'f str, item: &BTreeMap<&str, &Value>, digits: u32) -> LineSum<'f> {
    let unknown = LineSum { part, gross: None, off: None, net: None };
    let tiers = ["hubspot.hs_pricing_model", "hubspot.hs_tier_prices"];
    if tiers.iter().any(|t| item.get(t).is_some_and(|v| !v.is_empty())) {
        return unknown;
    }
    let sum = || {
        let quantity = number(item, "quantity").unwrap_or(Amount::from_int(1));
        let gross = number(item, "price")?.times(quantity)?;
        let off = match (number(item, "discount.percent"), number(item, "discount.amount")) {
            (Some(p), _) => gross.percent(p)?,
            (None, Some(a)) => a.times(quantity)?,
            (None, None) => Amount::ZERO,
        };
        // No line costs less than nothing, whatever is taken off it.
        let exact = gross.minus(off)?;
        let net = Rounded { exact, amount: exact.max(Amount::ZERO).round_half_up(digits) };
        Some(LineSum {
            part,
            gross: Some(Rounded::exactly(gross)),
            off: Some(Rounded::exactly(off)),
            net: Some(net),
        })
    };
    sum().unwrap_or(unknown)
}

fn number(fields: &BTreeMap<&str, &Value>, name: &str) -> Option<Amount> {
    fields.get(name).and_then(|v| v.number())
}

/// The currency of the quote, else that of its lines.
fn currency(facts: &Facts) -> Option<Currency> {
    let text = |value: &Value| match value {
        Value::Text(code) => Currency::parse(code),
        _ => None,
    };
    facts.get(&Path::new("currency")).and_then(text).or_else(|| {
        let of_line = |(path, value): (&Path, &Value)| {
            (path.list() == Some("items") && path.field() == "currency")
                .then(|| text(value))
                .flatten()
        };
        facts.iter().find_map(of_line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(rows: &[(&str, &str)]) -> Facts {
        let value = |v: &str| Amount::parse(v).map_or_else(|_| Value::text(v), Value::Number);
        rows.iter().map(|(p, v)| (Path::new(*p), value(v))).collect()
    }

    fn sum(rows: &[(&str, &str)]) -> Option<String> {
        total(&facts(rows)).map(|m| m.amount.to_string())
    }

    #[test]
    fn the_order_is_lines_discounts_fees_taxes() {
        let rows = [
            ("currency", "USD"),
            ("items[a].quantity", "1"),
            ("items[a].price", "12000.00"),
            ("items[a].discount.percent", "10"),
            ("discounts[l].percent", "5"),
            ("discounts[l].position", "0"),
            ("fees[o].amount", "300.00"),
            ("taxes[v].percent", "25"),
        ];
        // 10800 - 540 = 10260; + 300 = 10560; + 25 % = 13200
        assert_eq!(sum(&rows).as_deref(), Some("13200.00"));
    }

    #[test]
    fn percents_of_one_kind_share_their_base_and_the_floor_is_zero() {
        let mut rows = vec![
            ("currency", "USD"),
            ("items[a].quantity", "1"),
            ("items[a].price", "100"),
            ("discounts[a].percent", "50"),
            ("discounts[a].position", "0"),
            ("discounts[b].percent", "10"),
            ("discounts[b].position", "1"),
        ];
        assert_eq!(sum(&rows).as_deref(), Some("40.00"));
        rows.push(("discounts[c].amount", "500"));
        rows.push(("fees[f].amount", "3"));
        assert_eq!(sum(&rows).as_deref(), Some("3.00"));
    }

    #[test]
    fn a_line_costs_nothing_at_least() {
        let rows = [
            ("currency", "USD"),
            ("items[a].quantity", "2"),
            ("items[a].price", "10"),
            ("items[a].discount.amount", "15"),
            ("items[b].quantity", "1"),
            ("items[b].price", "5"),
            ("fees[f].amount", "3"),
        ];
        assert_eq!(sum(&rows).as_deref(), Some("8.00"));
    }

    #[test]
    fn lines_are_rounded_each_by_the_digits_of_the_currency() {
        let line = |currency| {
            [
                ("currency", currency),
                ("items[a].quantity", "3"),
                ("items[a].price", "0.335"),
                ("items[b].quantity", "1"),
                ("items[b].price", "0.005"),
            ]
        };
        assert_eq!(sum(&line("USD")).as_deref(), Some("1.02"));
        assert_eq!(sum(&line("JPY")).as_deref(), Some("1"));
        assert_eq!(
            sum(&[
                ("currency", "USD"),
                ("items[a].quantity", "4"),
                ("items[a].price", "10"),
                ("items[a].discount.amount", "2.50")
            ])
            .as_deref(),
            Some("30.00")
        );
    }

    #[test]
    fn what_only_hubspot_knows_is_unknown() {
        assert_eq!(sum(&[("currency", "USD"), ("items[a].quantity", "1")]), None);
        assert_eq!(sum(&[("items[a].quantity", "1"), ("items[a].price", "1")]), None);
        assert_eq!(sum(&[("currency", "USD")]).as_deref(), Some("0.00"));
    }
}
