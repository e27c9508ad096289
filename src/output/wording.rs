//! How values are said: to people, and in JSON.
//!
//! Purpose: one place that knows which facts are money, percent or plain, and through which every
//! piece of untrusted text passes on its way to a page.
//!
//! Invariants: everything that a function here gives for a page went through
//! [`crate::output::text::safe`]. Amounts are exact: grouped for people, with the currency's
//! digits and without grouping in JSON.

use std::fmt::Write as _;

use crate::facts::{Path, Value};
use crate::money::{Amount, Currency, Money, grouped};
use crate::output::text::safe;
use crate::plan::model::QuotePlan;
use crate::provider::Requests;
use crate::provider::step::Effects;

/// What stands over a plan that was made without a look at any upstream.
pub(super) const OFFLINE: &str = "Offline: manifests compared with what the lockfile records. No upstream was asked, so nothing here says what is there now. What is not recorded is made, or taken over if it is there already.";
/// What stands below it.
pub(super) const OFFLINE_NEXT: &str = "`proforma plan` with credentials looks upstream, and shows drift, blocks and who gets a message.";
/// What stands in the place of a value of which only a fingerprint is known.
pub(super) const RECORDED: &str = "(as recorded)";

/// What a number at a path counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Measure {
    Money,
    Percent,
    Count,
}

fn measure(path: &Path) -> Measure {
    match path.field() {
        "price" | "amount" | "discount.amount" | "shipping.price" => Measure::Money,
        "percent" | "discount.percent" => Measure::Percent,
        _ => Measure::Count,
    }
}

/// The currency of a quote's money, as far as the plan knows.
pub(super) fn currency_of(quote: &QuotePlan) -> Option<Currency> {
    let total = quote.total_after.or(quote.total_before).map(|m| m.currency);
    total.or_else(|| match quote.want.get(&Path::new("currency")) {
        Some(Value::Text(code)) => Currency::parse(code),
        _ => None,
    })
}

/// A value for people: may hold line feeds, nothing else out of the ordinary.
pub(super) fn shown(path: &Path, value: &Value, currency: Option<Currency>) -> String {
    match value {
        Value::Number(n) => match measure(path) {
            Measure::Money => grouped(with_digits(*n, currency)),
            Measure::Percent => format!("{}%", n.canonical()),
            Measure::Count => n.canonical().to_string(),
        },
        Value::Bool(b) => if *b { "yes" } else { "no" }.to_owned(),
        // Spaces at the ends would be invisible.
        Value::Text(t) if t.trim() != t || t.is_empty() => format!("\"{}\"", safe(t)),
        other => safe(&other.to_string()).into_owned(),
    }
}

/// A value in JSON, verbatim; `None` where there is nothing.
pub(super) fn written(path: &Path, value: &Value, currency: Option<Currency>) -> Option<String> {
    match value {
        Value::Empty => None,
        Value::Number(n) => Some(match measure(path) {
            Measure::Money => with_digits(*n, currency).to_string(),
            Measure::Percent | Measure::Count => n.canonical().to_string(),
        }),
        other => Some(other.to_string()),
    }
}

/// The amount with at least the currency's digits; as written where there is no currency.
pub(super) fn with_digits(amount: Amount, currency: Option<Currency>) -> Amount {
    currency.map_or(amount, |c| amount.at_least(c.digits()))
}

/// The amount with a sign in any case: `+10,510.00`, `−50.00`.
pub(super) fn signed(amount: Amount, currency: Option<Currency>) -> String {
    let sign = if amount.is_negative() { '−' } else { '+' };
    format!("{sign}{}", grouped(with_digits(amount.abs(), currency)))
}

/// `84,210.38 → 94,720.38 USD (+10,510.00)`; just the amount where it stays.
pub(super) fn total(before: Option<Money>, after: Option<Money>) -> Option<String> {
    Some(match (before, after) {
        (None, None) => return None,
        (None, Some(money)) => money.to_string(),
        (Some(money), None) => format!("{money} → nothing"),
        (Some(b), Some(a)) if b == a => a.to_string(),
        (Some(b), Some(a)) if b.currency == a.currency => {
            let digits = a.currency.digits();
            let delta = a.amount.minus(b.amount);
            let delta = delta.map(|d| format!(" ({})", signed(d, Some(a.currency))));
            format!("{} → {a}{}", grouped(b.amount.at_least(digits)), delta.unwrap_or_default())
        }
        (Some(b), Some(a)) => format!("{b} → {a}"),
    })
}

/// Untrusted text on one line, cut after `most` characters with a note of how many are missing.
pub(super) fn one_line(text: &str, most: usize) -> String {
    brief(text, most).replace('\n', "\\n")
}

/// Untrusted text that may have several lines, cut after `most` characters likewise.
pub(super) fn brief(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => safe(text).into_owned(),
        Some((cut, _)) => {
            let (head, rest) = text.split_at(cut);
            format!("{}… ({} more characters)", safe(head), rest.chars().count())
        }
    }
}

/// `1 quote`, `3 quotes`.
pub(super) fn count(n: usize, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// At most `most` names, then how many more.
pub(super) fn names<'a>(all: impl ExactSizeIterator<Item = &'a str>, most: usize) -> String {
    let total = all.len();
    // One name more is shorter than "and 1 more".
    let most = if total == most + 1 { total } else { most };
    let mut out = all.take(most).collect::<Vec<_>>().join(", ");
    if total > most {
        let _ = write!(out, " and {} more", total - most);
    }
    out
}

/// `publish,send`: the value of `--allow`.
pub(super) fn effect_list(effects: &Effects, separator: &str) -> String {
    effects.iter().map(|e| e.word()).collect::<Vec<_>>().join(separator)
}

/// `9 reads`, `9 reads and 6 writes`.
pub(super) fn requests(requests: Requests) -> String {
    let part = |n: u64, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    match (requests.read, requests.write) {
        (read, 0) => part(read, "read"),
        (read, write) => format!("{} and {}", part(read, "read"), part(write, "write")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(Amount::parse(text).unwrap())
    }

    #[test]
    fn numbers_are_said_by_what_they_count() {
        let usd = Currency::parse("USD");
        let price = Path::new("items[a].price");
        assert_eq!(shown(&price, &number("12000"), usd), "12,000.00");
        assert_eq!(written(&price, &number("12000"), usd).unwrap(), "12000.00");
        assert_eq!(shown(&price, &number("0.125"), usd), "0.125");
        assert_eq!(shown(&price, &number("1200"), Currency::parse("JPY")), "1,200");
        assert_eq!(shown(&Path::new("items[a].discount.percent"), &number("7.50"), usd), "7.5%");
        assert_eq!(shown(&Path::new("items[a].quantity"), &number("1200"), usd), "1200");
        assert_eq!(shown(&Path::new("shipping.price"), &number("5"), usd), "5.00");
        assert_eq!(written(&price, &Value::Empty, usd), None);
    }

    #[test]
    fn totals_say_the_difference() {
        let usd = Currency::parse("USD").unwrap();
        let money = |t: &str| Some(Money { currency: usd, amount: Amount::parse(t).unwrap() });
        assert_eq!(
            total(money("3500"), money("3450")).unwrap(),
            "3,500.00 → 3,450.00 USD (−50.00)"
        );
        assert_eq!(total(money("1"), money("1.00")).unwrap(), "1.00 USD");
        assert_eq!(total(money("1"), None).unwrap(), "1.00 USD → nothing");
        assert_eq!(total(None, None), None);
    }

    #[test]
    fn long_text_says_what_is_missing() {
        assert_eq!(one_line("a\nb", 10), "a\\nb");
        assert_eq!(brief(&"x".repeat(12), 10), "xxxxxxxxxx… (2 more characters)");
        assert_eq!(names(["a", "b", "c"].into_iter(), 2), "a, b, c");
        assert_eq!(names(["a", "b", "c", "d"].into_iter(), 2), "a, b and 2 more");
    }

    #[test]
    fn spaces_at_the_ends_are_visible() {
        let path = Path::new("title");
        assert_eq!(shown(&path, &Value::Text("a ".to_owned()), None), "\"a \"");
    }
}
