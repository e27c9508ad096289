//! How a DealHub quote adds up, from the figures that [`super::lines`] sends.
//!
//! The one thing to know: DealHub computes none of the figures of a line; its net price is a fact, and
//! here only what leads to it is told. A discount on the whole quote is part of each line's net.

use std::collections::BTreeMap;

use crate::facts::{Facts, Path, Value};
use crate::money::{Amount, Currency};
use crate::provider::sums::{LineSum, Rounded, Sums};

/// What is done in which order, for people.
const RULE: &str = "a discount is taken off the price of one unit, also that of the whole quote; \
    the net of a unit times its quantity and product factors is rounded, once a line";

/// How a quote adds up.
pub fn sums(facts: &Facts) -> Option<Sums<'_>> {
    let currency = match facts.get(&Path::new("currency")) {
        Some(Value::Text(code)) => Currency::parse(code)?,
        _ => return None,
    };
    let mut parts: BTreeMap<&str, BTreeMap<&str, Amount>> = BTreeMap::new();
    for (path, value) in facts.iter().filter(|(path, _)| path.list() == Some("items")) {
        if let (Some(part), Some(number)) = (path.part(), value.number()) {
            parts.entry(part).or_default().insert(path.field(), number);
        }
    }
    let lines: Vec<LineSum<'_>> = parts.iter().map(|(&part, line)| line_of(part, line)).collect();
    let net = lines.iter().try_fold(Amount::ZERO, |sum, line| sum.plus(line.net?.amount));
    let total = facts.get(&Path::new("total")).and_then(Value::number);
    Some(Sums { currency, lines, net, steps: Vec::new(), total, rule: RULE })
}

fn line_of<'f>(part: &'f str, line: &BTreeMap<&str, Amount>) -> LineSum<'f> {
    let factors = || line.iter().filter(|(name, _)| name.starts_with("dealhub.product_factors."));
    let gross = || {
        let one = line.get("price")?.times(*line.get("quantity")?)?;
        factors().try_fold(one, |product, (_, factor)| product.times(*factor))
    };
    let (gross, net) = (gross(), line.get("net").copied());
    let off = gross.zip(net).and_then(|(gross, net)| gross.minus(net));
    LineSum {
        part,
        gross: gross.map(Rounded::exactly),
        off: off.map(Rounded::exactly),
        net: net.map(Rounded::exactly),
    }
}
