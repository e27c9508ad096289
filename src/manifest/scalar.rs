//! Single values: text, amounts, dates, words, periods, and values of any shape.
//!
//! Invariants: numbers are read from the written text, quoted or bare; a bare `true` is never a
//! text and `yes` is never a boolean, because two YAML readers would disagree about them.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::forms::{calendar_period, civil_date, is_email, plain_form};
use super::read::{Field, Sink, nearest, shown};
use crate::desired::Period;
use crate::facts::Plain;
use crate::money::{Amount, AmountError, Currency};
use crate::yaml::{Kind, Node, Problem};

/// The longest text of one field, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;

impl<'n> Field<'n> {
    /// The text of a scalar as it was written; no opinion about its meaning.
    pub(crate) fn raw(&self) -> Option<&'n str> {
        match &self.node.kind {
            Kind::Plain(t) | Kind::Quoted(t) => Some(t.as_ref()),
            _ => None,
        }
    }

    /// A problem about the value, ready for a way out.
    pub(crate) fn problem(&self, code: &'static str, message: impl Into<String>) -> Problem {
        Problem::new(code, self.span(), message)
    }

    /// A text for people: lines end in `\n`.
    pub(crate) fn text(&self, sink: &mut Sink) -> Option<String> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a text", sink);
            return None;
        };
        if matches!(self.node.kind, Kind::Plain(_))
            && matches!(raw, "true" | "false" | "True" | "False" | "TRUE" | "FALSE")
        {
            let message = format!("`{}` must be a text, not true or false", self.name);
            sink.push(self.problem("wrong-type", message).help(format!("quote it: \"{raw}\"")));
            return None;
        }
        if raw.len() > MAX_TEXT {
            let message = format!("`{}` is longer than {} KiB", self.name, MAX_TEXT / 1024);
            sink.push(self.problem("text-too-long", message));
            return None;
        }
        // Only escapes of a quoted text can bring these: the file itself was checked.
        let text = raw.replace("\r\n", "\n");
        if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let message =
                format!("`{}` holds the control character U+{:04X}", self.name, u32::from(c));
            sink.push(self.problem("control-character", message).help("delete it"));
            return None;
        }
        Some(text)
    }

    /// One of some words.
    pub(crate) fn word<T: Copy>(&self, words: &[(&'static str, T)], sink: &mut Sink) -> Option<T> {
        let Some(raw) = self.raw() else {
            self.wrong_type("one word", sink);
            return None;
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == raw) {
            return Some(*value);
        }
        let message = format!("`{}` cannot be `{}`", self.name, shown(raw));
        let near = nearest(raw, words.iter().map(|(w, _)| *w));
        let listed = || {
            let all: Vec<String> = words.iter().map(|(w, _)| format!("`{w}`")).collect();
            format!("one of {}", all.join(", "))
        };
        let help = near.map_or_else(listed, |near| format!("did you mean `{near}`?"));
        sink.push(self.problem("unknown-word", message).help(help));
        None
    }

    /// `true` or `false`, bare.
    pub(crate) fn boolean(&self, sink: &mut Sink) -> Option<bool> {
        let Kind::Plain(raw) = &self.node.kind else {
            self.wrong_type("true or false, without quotes", sink);
            return None;
        };
        match raw.as_ref() {
            "true" => return Some(true),
            "false" => return Some(false),
            _ => {}
        }
        let problem = self.problem(
            "bad-boolean",
            format!("`{}` must be true or false, not `{}`", self.name, shown(raw)),
        );
        let lower = raw.to_ascii_lowercase();
        sink.push(match lower.as_str() {
            "yes" | "y" | "on" | "true" | "1" => problem.help("write `true`"),
            "no" | "n" | "off" | "false" | "0" => problem.help("write `false`"),
            _ => problem,
        });
        None
    }

    /// An exact decimal of any sign.
    pub(crate) fn decimal(&self, sink: &mut Sink) -> Option<Amount> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a number", sink);
            return None;
        };
        self.decimal_of(raw, "", sink)
    }

    /// The number before a `unit` (`%`), which stays in what is suggested.
    fn decimal_of(&self, raw: &str, unit: &str, sink: &mut Sink) -> Option<Amount> {
        match Amount::parse(raw) {
            Ok(amount) => Some(amount),
            Err(AmountError::Grammar(_)) => {
                let message = format!(
                    "`{}` must be a plain decimal number, not `{}{unit}`",
                    self.name,
                    shown(raw)
                );
                let problem = self.problem("bad-number", message);
                sink.push(match plain_form(raw) {
                    Some(plain) => problem.help(format!("write `{plain}{unit}`")),
                    None if !unit.is_empty() => {
                        problem.help("digits, one point if need be, and the sign: such as `12.5%`")
                    }
                    None => problem.help("digits and one point, such as `12000.00`; the currency is said once, in `currency`"),
                });
                None
            }
            Err(AmountError::TooLong(_)) => {
                let message =
                    format!("`{}` has more digits than can be held exactly (28)", self.name);
                sink.push(self.problem("bad-number", message));
                None
            }
        }
    }

    /// Money that is not negative, with no more digits than the currency has.
    pub(crate) fn money(&self, currency: Option<Currency>, sink: &mut Sink) -> Option<Amount> {
        let amount = self.decimal(sink)?;
        if amount.is_negative() {
            let message = format!("`{}` cannot be negative", self.name);
            sink.push(
                self.problem("negative-amount", message).help("express a credit as a discount"),
            );
            return None;
        }
        if let Some(currency) = currency
            && amount.significant_scale() > currency.digits()
        {
            let digits = currency.digits();
            let message = format!(
                "`{}` has {} digits after the point, {currency} has {digits}",
                self.name,
                amount.significant_scale()
            );
            let near = amount.round_half_up(digits);
            sink.push(
                self.problem("too-many-decimals", message)
                    .help(format!("the nearest amount is `{near}`")),
            );
            return None;
        }
        Some(amount)
    }

    /// Percent points from 0 to 100, with or without the sign.
    pub(crate) fn percent(&self, sink: &mut Sink) -> Option<Amount> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a percentage", sink);
            return None;
        };
        let (number, unit) = raw.strip_suffix('%').map_or((raw, ""), |number| (number, "%"));
        let percent = self.decimal_of(number, unit, sink)?;
        if percent.is_negative() || percent > Amount::HUNDRED {
            let message = format!("`{}` must be between 0% and 100%", self.name);
            sink.push(self.problem("bad-percent", message));
            return None;
        }
        Some(percent)
    }

    /// A whole number in a range.
    pub(crate) fn whole(&self, min: i64, max: i64, sink: &mut Sink) -> Option<i64> {
        let found = self.raw().and_then(|raw| Amount::parse(raw).ok()).and_then(Amount::to_int);
        match found {
            Some(n) if (min..=max).contains(&n) => Some(n),
            _ if self.raw().is_none() => {
                self.wrong_type("a whole number", sink);
                None
            }
            _ => {
                let range = if max == i64::MAX {
                    format!("of at least {min}")
                } else {
                    format!("from {min} to {max}")
                };
                let message = format!("`{}` must be a whole number {range}", self.name);
                sink.push(self.problem("bad-number", message));
                None
            }
        }
    }

    /// A currency code.
    pub(crate) fn currency(&self, sink: &mut Sink) -> Option<Currency> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a currency code", sink);
            return None;
        };
        let found = Currency::parse(raw);
        if found.is_none() {
            let upper = raw.to_ascii_uppercase();
            let problem =
                self.problem("unknown-currency", format!("there is no currency `{}`", shown(raw)));
            sink.push(match Currency::parse(&upper) {
                Some(c) => problem.help(format!("write `{c}`")),
                None => problem.help("use a code of ISO 4217, such as `USD`"),
            });
        }
        found
    }

    /// A civil date, `YYYY-MM-DD`.
    pub(crate) fn date(&self, sink: &mut Sink) -> Option<Date> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a date", sink);
            return None;
        };
        let found = civil_date(raw);
        if found.is_none() {
            let message = format!("`{}` must be a real date, not `{}`", self.name, shown(raw));
            sink.push(
                self.problem("bad-date", message)
                    .help("write it as `YYYY-MM-DD`, such as `2027-01-31`"),
            );
        }
        found
    }

    /// A calendar period: `month`, `quarter`, `2 weeks`, `3 years`.
    pub(crate) fn period(&self, sink: &mut Sink) -> Option<Period> {
        let Some(raw) = self.raw() else {
            self.wrong_type("a period", sink);
            return None;
        };
        let found = calendar_period(raw);
        if found.is_none() {
            let message = format!("`{}` must be a period, not `{}`", self.name, shown(raw));
            sink.push(self.problem("bad-period", message).help(
                "`week`, `month`, `quarter`, `year`, or a number of them such as `6 months`",
            ));
        }
        found
    }

    /// A plausible e-mail address.
    pub(crate) fn email(&self, sink: &mut Sink) -> Option<String> {
        let text = self.text(sink)?;
        if is_email(&text) {
            return Some(text);
        }
        let message = format!("`{}` is not an e-mail address", self.name);
        sink.push(self.problem("bad-email", message).help("such as `jo@acme.example`"));
        None
    }
}

/// A value of any shape, numbers as written.
pub(crate) fn plain(field: Field<'_>, sink: &mut Sink) -> Option<Plain> {
    match &field.node.kind {
        Kind::Plain(t) => Some(match t.as_ref() {
            _ if field.node.is_null() => Plain::Null,
            "true" | "True" | "TRUE" => Plain::Bool(true),
            "false" | "False" | "FALSE" => Plain::Bool(false),
            text => match Amount::parse(text) {
                Ok(n) => Plain::Number(n),
                Err(_) => Plain::Text(field.text(sink)?),
            },
        }),
        Kind::Quoted(_) => field.text(sink).map(Plain::Text),
        Kind::Sequence(items) => {
            let read = |node: &Node<'_>, sink: &mut Sink| plain(field.element(node), sink);
            let items: Vec<Option<Plain>> = items.iter().map(|n| read(n, sink)).collect();
            items.into_iter().collect::<Option<Vec<Plain>>>().map(Plain::List)
        }
        Kind::Mapping(entries) => {
            let mut map = BTreeMap::new();
            let mut whole = true;
            for e in entries {
                let (name, key_span) = (e.key.as_ref(), e.key_span);
                let value = Field { name, node: &e.value, key_span, list: None };
                match plain(value, sink) {
                    Some(value) => {
                        map.insert(e.key.as_ref().to_owned(), value);
                    }
                    None => whole = false,
                }
            }
            whole.then_some(Plain::Map(map))
        }
        Kind::Broken => {
            field.wrong_type("a value", sink);
            None
        }
    }
}
