//! What the portal computes from prices: net, discount, tax and totals of lines and quotes.
//!
//! Invariants: all arithmetic is decimal; a line's net is rounded to two places, half up; on a
//! quote discounts come first, then fees, then taxes, each kind in `hs_sort_order`; a percent
//! takes the running total as it was when its kind began; nothing falls below nought. A value
//! that cannot be computed (overflow, tiered prices) is left empty.

use super::errors::{BadValue, Refusal};
use super::kind::Kind;
use super::objects::Values;
use super::store::{Key, Record};
use super::values::number;
use super::{HubSpot, quotes};
use crate::money::Amount;
use crate::sandbox::upstream::Moment;

/// How often a frequency bills: months between payments, or days for the weekly ones.
enum Cycle {
    Months(i64),
    Days(i64),
}

fn cycle(frequency: &str) -> Option<Cycle> {
    Some(match frequency {
        "weekly" => Cycle::Days(7),
        "biweekly" => Cycle::Days(14),
        "monthly" => Cycle::Months(1),
        "quarterly" => Cycle::Months(3),
        "per_six_months" => Cycle::Months(6),
        "annually" => Cycle::Months(12),
        "per_two_years" => Cycle::Months(24),
        "per_three_years" => Cycle::Months(36),
        "per_four_years" => Cycle::Months(48),
        "per_five_years" => Cycle::Months(60),
        _ => return None,
    })
}

/// `PnYnMnD` or `PnW` as months and days.
fn period(text: &str) -> Option<(i64, i64)> {
    let mut rest = text.strip_prefix('P')?;
    let (mut months, mut days, mut units) = (0, 0, String::new());
    while !rest.is_empty() {
        let split = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, tail) = rest.split_at(split);
        let count = i64::from(count.parse::<u16>().ok()?);
        let unit = tail.chars().next()?;
        match unit {
            'Y' => months += count * 12,
            'M' => months += count,
            'W' => days += count * 7,
            'D' => days += count,
            _ => return None,
        }
        units.push(unit);
        rest = tail.get(1..)?;
    }
    let ordered = ["Y", "M", "D", "YM", "YD", "MD", "YMD", "W"].contains(&units.as_str());
    (ordered && months + days > 0).then_some((months, days))
}

fn read(record: &Record, name: &str) -> Option<Amount> {
    record.get(name).and_then(number)
}

/// Refuses a line whose values make no sense together.
pub(super) fn check_line(record: &Record) -> Result<(), Refusal> {
    let mut bad = Vec::new();
    for name in ["price", "quantity", "discount", "hs_discount_percentage"] {
        if read(record, name).is_some_and(Amount::is_negative) {
            bad.push(BadValue::new(name, "INVALID_INTEGER", format!("{name} cannot be negative")));
        }
    }
    if read(record, "hs_discount_percentage").is_some_and(|p| p > Amount::HUNDRED) {
        bad.push(BadValue::new(
            "hs_discount_percentage",
            "INVALID_INTEGER",
            "hs_discount_percentage cannot be more than 100",
        ));
    }
    let set = |name: &str| read(record, name).is_some_and(|v| !v.is_zero());
    if set("discount") && set("hs_discount_percentage") {
        // Guess: which of the two would win is not documented.
        bad.push(BadValue::new(
            "discount",
            "INVALID_OPTION",
            "discount and hs_discount_percentage cannot both be set",
        ));
    }
    if let Some(text) = record.get("hs_recurring_billing_period") {
        let frequency = record.get("recurringbillingfrequency").and_then(cycle);
        match (period(text), frequency) {
            (None, _) => bad.push(BadValue::new(
                "hs_recurring_billing_period",
                "INVALID_RECURRING_BILLING_PERIOD",
                format!("{text} is not a period such as P12M, P1Y or P8W"),
            )),
            (Some((months, days)), Some(cycle)) => {
                // Weeks go with weekly billing, months and years with the rest.
                let agrees = match cycle {
                    Cycle::Days(_) => months == 0,
                    Cycle::Months(_) => days == 0,
                };
                if !agrees {
                    bad.push(mismatch(text));
                }
            }
            (Some(_), None) => bad.push(mismatch(text)),
        }
    }
    if bad.is_empty() { Ok(()) } else { Err(Refusal::values(&bad)) }
}

fn mismatch(text: &str) -> BadValue {
    BadValue::new(
        "hs_recurring_billing_period",
        "BILLING_PERIOD_TO_FREQUENCY_FORM_MISMATCH",
        format!("the period {text} does not go with the billing frequency"),
    )
}

/// The computed values of a line.
fn line_values(record: &Record, tax_rate: Option<Amount>) -> Option<Vec<(&'static str, Amount)>> {
    let tiered = record.get("hs_pricing_model").is_some_and(|m| m != "flat");
    if tiered {
        return None;
    }
    let price = read(record, "price")?;
    let quantity = read(record, "quantity").unwrap_or(Amount::from_int(1));
    let before = price.times(quantity)?;
    let discount = match read(record, "hs_discount_percentage").filter(|p| !p.is_zero()) {
        Some(percent) => before.percent(percent)?,
        None => read(record, "discount").unwrap_or(Amount::ZERO).times(quantity)?,
    };
    let net = before.minus(discount)?;
    let net = if net.is_negative() { Amount::ZERO } else { net }.round_half_up(2);
    let tax = net.percent(tax_rate.unwrap_or(Amount::ZERO))?.round_half_up(2);
    let mut values = vec![
        ("amount", net),
        ("hs_pre_discount_amount", before.round_half_up(2)),
        ("hs_total_discount", discount.round_half_up(2)),
        ("hs_tax_amount", tax),
        ("hs_post_tax_amount", net.plus(tax)?),
    ];
    if let Some(cost) = read(record, "hs_cost_of_goods_sold") {
        values.push(("hs_margin", net.minus(cost.times(quantity)?)?.round_half_up(2)));
    }
    values.extend(recurring_values(record, net)?);
    Some(values)
}

/// Contract value, annual and monthly value, number of payments.
fn recurring_values(record: &Record, net: Amount) -> Option<Vec<(&'static str, Amount)>> {
    let Some(cycle) = record.get("recurringbillingfrequency").and_then(cycle) else {
        return Some(vec![
            ("hs_tcv", net),
            ("hs_acv", net),
            ("hs_arr", Amount::ZERO),
            ("hs_mrr", Amount::ZERO),
        ]);
    };
    let term = record.get("hs_recurring_billing_period").and_then(period);
    let payments = match (&cycle, term) {
        (Cycle::Months(m), Some((months, _))) if months % m == 0 => Some(months / m),
        (Cycle::Days(d), Some((_, days))) if days % d == 0 => Some(days / d),
        _ => None,
    };
    let (per_year, per_month) = match cycle {
        Cycle::Months(m) => (
            net.times(Amount::from_int(12))?.over(Amount::from_int(m))?,
            net.over(Amount::from_int(m))?,
        ),
        Cycle::Days(d) => {
            let per_year = net.times(Amount::from_int(364))?.over(Amount::from_int(d))?;
            (per_year, per_year.over(Amount::from_int(12))?)
        }
    };
    let contract = match payments {
        Some(n) => net.times(Amount::from_int(n))?,
        // Open-ended: a year stands for the contract.
        None => per_year,
    };
    let year = if contract < per_year { contract } else { per_year };
    let mut values = vec![
        ("hs_tcv", contract.round_half_up(2)),
        ("hs_acv", year.round_half_up(2)),
        ("hs_arr", per_year.round_half_up(2)),
        ("hs_mrr", per_month.round_half_up(2)),
    ];
    if let Some(n) = payments {
        values.push(("hs_recurring_billing_number_of_payments", Amount::from_int(n)));
    }
    Some(values)
}

const LINE_VALUES: [&str; 11] = [
    "amount",
    "hs_pre_discount_amount",
    "hs_total_discount",
    "hs_tax_amount",
    "hs_post_tax_amount",
    "hs_margin",
    "hs_tcv",
    "hs_acv",
    "hs_arr",
    "hs_mrr",
    "hs_recurring_billing_number_of_payments",
];

impl HubSpot {
    /// Brings up to date what is computed from a record that was written or linked.
    pub(super) fn recompute(&mut self, key: Key, m: &mut Moment<'_>) {
        let (kind, id) = key;
        match kind {
            Kind::Quote => self.recompute_quote(id, m),
            Kind::LineItem => {
                self.recompute_line(id, m);
                self.recompute_quotes_of(key, m);
            }
            Kind::Deal | Kind::Discount | Kind::Fee | Kind::Tax => self.recompute_quotes_of(key, m),
            _ => {}
        }
    }

    fn recompute_quotes_of(&mut self, key: Key, m: &mut Moment<'_>) {
        for quote in self.store.linked_ids(key, Kind::Quote) {
            self.recompute_quote(quote, m);
        }
    }

    fn recompute_line(&mut self, id: u64, m: &mut Moment<'_>) {
        let Some(record) = self.store.live(Kind::LineItem, id) else { return };
        let blank = self.settings.lazy_cpq_prices && record.updated_at == record.created_at;
        if blank && self.on_cpq_quote(id) {
            let blanks = LINE_VALUES.map(|n| (n.to_owned(), String::new())).to_vec();
            self.write(Kind::LineItem, id, blanks, m);
            return;
        }
        let tax = record.get("hs_tax_rate_group_id").and_then(|t| self.directory.tax_percent(t));
        let computed = line_values(record, tax).unwrap_or_default();
        let values: Values = LINE_VALUES
            .iter()
            .map(|name| {
                let value = computed.iter().find(|(n, _)| n == name);
                ((*name).to_owned(), value.map_or(String::new(), |(_, v)| v.to_string()))
            })
            .collect();
        self.write(Kind::LineItem, id, values, m);
    }

    fn on_cpq_quote(&self, line: u64) -> bool {
        self.store
            .linked_ids((Kind::LineItem, line), Kind::Quote)
            .iter()
            .filter_map(|id| self.store.live(Kind::Quote, *id))
            .any(quotes::is_cpq)
    }

    fn recompute_quote(&mut self, id: u64, m: &mut Moment<'_>) {
        let Some(record) = self.store.live(Kind::Quote, id) else { return };
        let deal_owner = self
            .linked_deal(id)
            .and_then(|deal| self.store.live(Kind::Deal, deal))
            .map(|deal| deal.get("hubspot_owner_id").unwrap_or_default().to_owned());
        let owner = match &deal_owner {
            Some(owner) => owner.clone(),
            None => record.get("hs_quote_owner_id").unwrap_or_default().to_owned(),
        };
        let total = self.quote_total(id, record).map_or(String::new(), |t| t.to_string());
        let values = vec![
            ("hubspot_owner_id".to_owned(), owner),
            ("hs_associated_deal_owner_id".to_owned(), deal_owner.unwrap_or_default()),
            ("hs_quote_amount".to_owned(), total),
        ];
        self.write(Kind::Quote, id, values, m);
    }

    fn quote_total(&self, id: u64, record: &Record) -> Option<Amount> {
        let contract = record
            .get("hs_quote_total_preference")
            .is_some_and(|p| p.eq_ignore_ascii_case("TOTAL_CONTRACT_VALUE"));
        let basis = if contract { "hs_tcv" } else { "amount" };
        let mut total = Amount::ZERO;
        for line in self.store.linked_ids((Kind::Quote, id), Kind::LineItem) {
            let net = self.store.live(Kind::LineItem, line).and_then(|r| read(r, basis));
            total = total.plus(net.unwrap_or(Amount::ZERO))?;
        }
        for kind in [Kind::Discount, Kind::Fee, Kind::Tax] {
            let start = total;
            let mut parts: Vec<&Record> = self
                .store
                .linked_ids((Kind::Quote, id), kind)
                .into_iter()
                .filter_map(|part| self.store.live(kind, part))
                .collect();
            parts.sort_by_key(|r| (read(r, "hs_sort_order").unwrap_or(Amount::ZERO), r.id));
            for part in parts {
                let value = read(part, "hs_value").unwrap_or(Amount::ZERO);
                let value = if part.is("hs_type", "PERCENT") {
                    start.percent(value)?.round_half_up(2)
                } else {
                    value
                };
                total =
                    if kind == Kind::Discount { total.minus(value)? } else { total.plus(value)? };
                if total.is_negative() {
                    total = Amount::ZERO;
                }
            }
        }
        Some(total.round_half_up(2))
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn periods() {
        assert_eq!(period("P12M"), Some((12, 0)));
        assert_eq!(period("P1Y6M"), Some((18, 0)));
        assert_eq!(period("P8W"), Some((0, 56)));
        for bad in ["", "P", "12M", "P0M", "PM", "P1M1Y", "P1W1D", "PT1H", "P1é"] {
            assert_eq!(period(bad), None, "{bad}");
        }
    }
}
