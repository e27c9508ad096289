//! One quote as `show` tells it: what the manifest says, what it adds up to, what is recorded.
//!
//! Invariants: every figure is the provider's arithmetic ([`Sums`]) or the manifest's own; what is
//! not known is `None`, never nought. Texts are as the manifest has them: the renderers encode.

use crate::desired::{Adjustment, Item, Measure, Per, Period, Quote, Unit, Wish};
use crate::lockfile::Entry;
use crate::money::{Amount, Currency, Money, grouped};
use crate::provider::sums::{LineSum, Rounded, StepSum, Sums};

/// What a sheet is made from.
#[derive(Debug)]
pub struct QuoteSheet<'a> {
    /// The manifest.
    pub quote: &'a Quote,
    /// The provider's name.
    pub provider: &'a str,
    /// What is recorded.
    pub entry: Option<&'a Entry>,
    /// How it adds up; `None` where only the upstream knows.
    pub sums: Option<Sums<'a>>,
}

/// An item with its sum.
pub(super) struct ItemRow<'a> {
    pub(super) item: &'a Item,
    pub(super) name: &'a str,
    pub(super) sum: Option<&'a LineSum<'a>>,
}

/// A discount, fee, tax or the shipping.
pub(super) struct StepRow<'a> {
    /// `discounts[loyalty]`, `shipping`.
    pub(super) part: String,
    pub(super) label: &'a str,
    pub(super) measure: Measure,
    /// Whether it is taken off.
    pub(super) down: bool,
    pub(super) sum: Option<&'a StepSum<'a>>,
}

impl<'a> QuoteSheet<'a> {
    /// The currency of the figures.
    pub(super) fn currency(&self) -> Option<Currency> {
        let recorded = self.entry.and_then(|e| e.total).map(|t| t.currency);
        self.sums.as_ref().map(|s| s.currency).or(self.quote.currency).or(recorded)
    }

    /// The items, in the manifest's order.
    pub(super) fn items(&'a self) -> Vec<ItemRow<'a>> {
        let lines = self.sums.as_ref().map(|s| s.lines.as_slice()).unwrap_or_default();
        let row = |item: &'a Item| {
            let part = format!("items[{}]", item.key);
            let name = item.name.set().or(item.sku.set()).unwrap_or(&item.key);
            ItemRow { item, name, sum: lines.iter().find(|line| line.part == part) }
        };
        self.quote.items.set().into_iter().flatten().map(row).collect()
    }

    /// What is taken off and put on, in the order in which it is.
    pub(super) fn steps(&'a self) -> Vec<StepRow<'a>> {
        let sums = self.sums.as_ref().map(|s| s.steps.as_slice()).unwrap_or_default();
        let find = |part: &str| sums.iter().find(|step| step.part == part);
        let quote = self.quote;
        let mut rows = Vec::new();
        for (list, wish, down) in [
            ("discounts", &quote.discounts, true),
            ("fees", &quote.fees, false),
            ("taxes", &quote.taxes, false),
        ] {
            for Adjustment { key, label, measure } in wish.set().into_iter().flatten() {
                let part = format!("{list}[{key}]");
                let sum = find(&part);
                rows.push(StepRow { part, label, measure: *measure, down, sum });
            }
        }
        if let Wish::Set(shipping) = &quote.shipping {
            rows.push(StepRow {
                part: "shipping".to_owned(),
                label: &shipping.name,
                measure: Measure::Amount(shipping.price),
                down: false,
                sum: find("shipping"),
            });
        }
        rows
    }

    /// Whether the figures are of all items: those of a quote that is there, and whose manifest says
    /// nothing of items, are upstream only.
    fn has_its_items(&self) -> bool {
        self.entry.is_none() || self.quote.items.is_owned()
    }

    /// What the items come to, where that is known.
    pub(super) fn net(&self) -> Option<Amount> {
        self.sums.as_ref().filter(|_| self.has_its_items())?.net
    }

    /// The total, where it is known before the quote is made.
    pub(super) fn total(&self) -> Option<Money> {
        let sums = self.sums.as_ref().filter(|_| self.has_its_items())?;
        Some(Money { currency: sums.currency, amount: sums.total? })
    }

    /// Every place where a figure is rounded (or held to a limit): the part, and both values.
    pub(super) fn roundings(&self) -> Vec<(&str, &'static str, Rounded)> {
        let Some(sums) = &self.sums else { return Vec::new() };
        let mut out = Vec::new();
        for line in &sums.lines {
            for (what, figure) in
                [("price times quantity", line.gross), ("discount", line.off), ("net", line.net)]
            {
                out.extend(figure.map(|figure| (line.part, what, figure)));
            }
        }
        out.extend(sums.steps.iter().map(|step| (step.part, "size", step.size)));
        out.retain(|(_, _, figure)| figure.is_rounded());
        out
    }

    /// An amount for people, with the currency's digits.
    pub(super) fn said(&self, amount: Amount) -> String {
        grouped(self.currency().map_or(amount, |c| amount.at_least(c.digits())))
    }

    /// Why there is no total, and what is recorded instead.
    pub(super) fn unknown_total(&self) -> String {
        match (self.entry.and_then(|e| e.total), self.provider) {
            (Some(total), _) => format!("only the upstream knows; last recorded: {total}"),
            (None, "salesbyte") => {
                "SalesByte sets the prices: known once the quote is made".to_owned()
            }
            (None, _) => "known once the upstream has priced every line".to_owned(),
        }
    }
}

/// A line's discount in words: `−10%`, `−150.00`, `−5.00 a unit`.
pub(super) fn discount_text(sheet: &QuoteSheet<'_>, item: &Item) -> Option<String> {
    let discount = item.discount.set()?;
    let text = match (discount.measure, discount.per) {
        (Measure::Percent(p), _) => format!("−{}%", p.canonical()),
        (Measure::Amount(a), Per::Line) => format!("−{}", sheet.said(a)),
        (Measure::Amount(a), Per::Unit) => format!("−{} a unit", sheet.said(a)),
    };
    let zero = matches!(discount.measure, Measure::Percent(a) | Measure::Amount(a) if a.is_zero());
    (!zero).then_some(text)
}

/// `every year, for 3 years`.
pub(super) fn recurring_text(item: &Item) -> Option<String> {
    let recurring = item.recurring.set()?;
    let every = match recurring.every {
        Period { count: 1, unit } => format!("every {}", word(unit)),
        Period { count, unit } => format!("every {count} {}s", word(unit)),
    };
    Some(match recurring.term {
        None => every,
        Some(Period { count: 1, unit }) => format!("{every}, for 1 {}", word(unit)),
        Some(Period { count, unit }) => format!("{every}, for {count} {}s", word(unit)),
    })
}

fn word(unit: Unit) -> &'static str {
    match unit {
        Unit::Week => "week",
        Unit::Month => "month",
        Unit::Year => "year",
    }
}
