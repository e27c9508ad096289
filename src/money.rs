//! Exact amounts.
//!
//! Purpose: every price, quantity, percent and total is an [`Amount`], a decimal read from the
//! written text. Nothing here goes through a binary float.
//!
//! Invariants: [`Amount::parse`] accepts one grammar only (`-?(0|[1-9]\d*)(\.\d+)?`), keeps the
//! scale as written, and refuses what does not fit exactly. There is one rounding rule,
//! [`Amount::round_half_up`], and it is called only where a total is computed.

use std::fmt;
use std::str::FromStr;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An exact decimal: money, quantity or percent. Equality and order are numeric (`1.50 == 1.5`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(Decimal);

/// Why a text is not an [`Amount`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is not a plain decimal number.
    #[error("`{0}` is not a plain decimal number such as `12000.00`")]
    Grammar(String),
    /// More digits than can be held exactly (28 significant digits).
    #[error("`{0}` has more digits than can be held exactly (28)")]
    TooLong(String),
}

impl Amount {
    /// Nought.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// One hundred, the whole of a percentage.
    pub const HUNDRED: Self = Self(Decimal::ONE_HUNDRED);

    /// Reads the written text exactly, keeping its scale.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        if !is_plain_decimal(text) {
            return Err(AmountError::Grammar(shorten(text)));
        }
        Decimal::from_str_exact(text).map(Self).map_err(|_| AmountError::TooLong(shorten(text)))
    }

    /// A whole number.
    pub fn from_int(n: i64) -> Self {
        Self(Decimal::from(n))
    }

    /// The number of digits after the point, trailing zeros not counted.
    pub fn significant_scale(self) -> u32 {
        self.0.normalize().scale()
    }

    /// Trailing zeros dropped: the canonical text for fingerprints.
    #[must_use]
    pub fn canonical(self) -> Self {
        Self(self.0.normalize())
    }

    /// Shown with exactly `digits` after the point where it fits, else as it is.
    #[must_use]
    pub fn at_least(self, digits: u32) -> Self {
        let mut d = self.0.normalize();
        if d.scale() < digits {
            d.rescale(digits);
        }
        Self(d)
    }

    /// The one rounding rule: half away from zero, to `digits` after the point.
    #[must_use]
    pub fn round_half_up(self, digits: u32) -> Self {
        let mut d = self.0.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        d.rescale(digits);
        Self(d)
    }

    /// Whether the value is zero.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether the value is below zero.
    pub fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// The size without the sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// Sum, or `None` on overflow.
    pub fn plus(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// Difference, or `None` on overflow.
    pub fn minus(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// Product, or `None` on overflow. Decimal multiplication can round past 28 digits; callers
    /// round the result to currency digits at once.
    pub fn times(self, other: Self) -> Option<Self> {
        self.0.checked_mul(other.0).map(Self)
    }

    /// Quotient, possibly rounded at 28 digits; `None` when dividing by zero.
    pub fn over(self, other: Self) -> Option<Self> {
        self.0.checked_div(other.0).map(Self)
    }

    /// Quotient when it is exact with at most `digits` after the point, else `None`.
    pub fn over_exactly(self, other: Self, digits: u32) -> Option<Self> {
        let q = self.0.checked_div(other.0)?.normalize();
        let exact = q.scale() <= digits && q.checked_mul(other.0)? == self.0;
        exact.then_some(Self(q))
    }

    /// `percent` of this, unrounded.
    pub fn percent(self, percent: Self) -> Option<Self> {
        self.times(percent)?.over(Self::HUNDRED)
    }

    /// The largest whole number that is not above it; out of range is 0.
    pub fn floor(self) -> i64 {
        i64::try_from(self.0.floor()).unwrap_or(0)
    }

    /// As a whole number where it is one.
    pub fn to_int(self) -> Option<i64> {
        let d = self.0.normalize();
        (d.scale() == 0).then(|| i64::try_from(d).ok()).flatten()
    }
}

fn is_plain_decimal(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(40).chain("...".chars()).collect()
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for Amount {
    type Err = AmountError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}

impl Serialize for Amount {
    /// Always a string: a JSON number would meet a binary float somewhere.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

/// An ISO 4217 currency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// Reads a three-letter code in capitals.
    pub fn parse(code: &str) -> Option<Self> {
        iso_currency::Currency::from_code(code).map(Self)
    }

    /// The three-letter code.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point (ISO 4217 minor units); 0 where the standard names none.
    pub fn digits(self) -> u32 {
        u32::from(self.0.exponent().unwrap_or(0))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&code).ok_or_else(|| de::Error::custom(format!("unknown currency `{code}`")))
    }
}

/// An amount of a currency.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Money {
    /// The currency.
    pub currency: Currency,
    /// How much of it.
    pub amount: Amount,
}

impl fmt::Display for Money {
    /// `12,000.00 USD`: grouped, with at least the currency's digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", grouped(self.amount.at_least(self.currency.digits())), self.currency)
    }
}

/// The number with commas between thousands.
pub fn grouped(amount: Amount) -> String {
    let text = amount.to_string();
    let (sign, rest) = text.strip_prefix('-').map_or(("", text.as_str()), |r| ("-", r));
    let (whole, fraction) = rest.split_once('.').map_or((rest, None), |(w, f)| (w, Some(f)));
    let mut out = String::from(sign);
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(c);
    }
    if let Some(f) = fraction {
        out.push('.');
        out.push_str(f);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a(s: &str) -> Amount {
        Amount::parse(s).unwrap()
    }

    #[test]
    fn keeps_the_scale_and_compares_by_value() {
        assert_eq!(a("19.990").to_string(), "19.990");
        assert_eq!(a("19.990"), a("19.99"));
        assert_eq!(a("19.990").canonical().to_string(), "19.99");
        assert_eq!(a("100").canonical().to_string(), "100");
    }

    #[test]
    fn refuses_everything_but_plain_decimals() {
        for bad in ["", "-", "1e3", "1_000", "01", ".5", "5.", "+1", "1,5", " 1", "NaN", "٣"] {
            assert!(Amount::parse(bad).is_err(), "{bad}");
        }
        assert!(matches!(
            Amount::parse("0.12345678901234567890123456789012345"),
            Err(AmountError::TooLong(_))
        ));
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!(a("1.005").round_half_up(2).to_string(), "1.01");
        assert_eq!(a("-1.005").round_half_up(2).to_string(), "-1.01");
        assert_eq!(a("2").round_half_up(2).to_string(), "2.00");
    }

    #[test]
    fn divides_only_when_exact() {
        assert_eq!(a("150").over_exactly(a("4"), 2), Some(a("37.5")));
        assert_eq!(a("100").over_exactly(a("3"), 2), None);
        assert_eq!(a("100").over_exactly(a("0"), 2), None);
    }

    #[test]
    fn groups_thousands() {
        assert_eq!(grouped(a("-1234567.50")), "-1,234,567.50");
        assert_eq!(grouped(a("999")), "999");
    }
}
