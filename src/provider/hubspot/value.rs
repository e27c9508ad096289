//! Values between manifest, fact and HubSpot's strings.
//!
//! Purpose: HubSpot answers with strings for everything. Here they become [`Value`]s, normalised so
//! that equal means equal, and go back. Invariants: nothing fails: what does not read as its type
//! is kept as text and so shows up as a difference; numbers keep the digits that were written.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::mapping::FREQUENCIES;
use crate::desired::{Period, Unit};
use crate::facts::{Plain, Value};
use crate::money::Amount;
use crate::provider::capability::Kind;

/// A property's text as a value of a type; absent, null and `""` are all empty.
pub fn read(kind: &Kind, raw: Option<&str>) -> Value {
    let Some(raw) = raw.filter(|r| !r.is_empty()) else { return Value::Empty };
    let text = || Value::text(raw.replace("\r\n", "\n"));
    match kind {
        Kind::Number => Amount::parse(raw).map_or_else(|_| text(), Value::Number),
        Kind::Bool => match raw {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => text(),
        },
        Kind::Date => date(raw).map_or_else(text, Value::Date),
        Kind::DateTime => instant(raw).map_or_else(text, |t| Value::text(t.to_string())),
        Kind::Choices(_) => Value::text(joined(raw.split(';'))),
        Kind::Text | Kind::Html | Kind::Choice(_) => text(),
    }
}

/// An amount off a line as HubSpot holds it, off each unit; or why it cannot. `digits` are those of
/// the currency.
pub fn off_each_unit(amount: Amount, quantity: Amount, digits: u32) -> Result<Amount, String> {
    amount.over_exactly(quantity, digits).ok_or_else(|| {
        format!(
            "HubSpot holds a discount per unit, and {amount} does not divide exactly by a quantity of {quantity}"
        )
    })
}

/// The way out where [`off_each_unit`] finds none.
pub const NOT_EXACT_HELP: &str = "write the discount of one unit with `per: unit`, or a percent";

/// A value as a property's text; empty clears.
pub fn write(value: &Value) -> String {
    match value {
        Value::Empty => String::new(),
        Value::Ref { id, .. } => id.clone(),
        Value::Plain(p) => p.scalar().unwrap_or_else(|| p.to_string()),
        other => other.to_string(),
    }
}

/// What a manifest wrote for a property of a type, or what is wrong with it.
pub fn from_plain(kind: &Kind, plain: &Plain) -> Result<Value, String> {
    let wrong = || format!("`{plain}` is not {}", kind.word());
    if let (Kind::Choices(options), Plain::List(items)) = (kind, plain) {
        let words: Option<Vec<String>> = items.iter().map(Plain::scalar).collect();
        let words = words.ok_or_else(wrong)?;
        for word in &words {
            known_option(options, word)?;
        }
        return Ok(Value::text(joined(words.iter().map(String::as_str))));
    }
    let Some(text) = plain.scalar() else {
        return match plain {
            Plain::Null => Ok(Value::Empty),
            _ => Err(wrong()),
        };
    };
    match kind {
        Kind::Number => Amount::parse(&text).map(Value::Number).map_err(|_| wrong()),
        Kind::Bool => match text.as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "" => Ok(Value::Empty),
            _ => Err(wrong()),
        },
        Kind::Date => text.parse::<Date>().map(Value::Date).map_err(|_| wrong()),
        Kind::DateTime => instant(&text).map(|t| Value::text(t.to_string())).ok_or_else(wrong),
        Kind::Choice(options) => {
            known_option(options, &text)?;
            Ok(Value::text(text))
        }
        Kind::Choices(options) => {
            for word in text.split(';') {
                known_option(options, word)?;
            }
            Ok(read(kind, Some(&text)))
        }
        Kind::Text | Kind::Html => Ok(read(kind, Some(&text))),
    }
}

fn known_option(options: &[String], word: &str) -> Result<(), String> {
    if options.is_empty() || word.is_empty() || options.iter().any(|o| o == word) {
        return Ok(());
    }
    let shown: Vec<&str> = options.iter().take(20).map(String::as_str).collect();
    Err(format!("`{word}` is not one of its options ({})", shown.join(", ")))
}

fn joined<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let mut words: Vec<&str> = words.map(str::trim).filter(|w| !w.is_empty()).collect();
    words.sort_unstable();
    words.dedup();
    words.join(";")
}

/// HubSpot's dates: `YYYY-MM-DD`, an ISO time, or milliseconds at UTC midnight.
pub fn date(raw: &str) -> Option<Date> {
    if let Ok(day) = raw.parse::<Date>() {
        // `parse` also takes the day out of a local time; a time with a zone is read as UTC.
        if raw.len() == 10 {
            return Some(day);
        }
    }
    instant(raw).map(|t| t.to_zoned(TimeZone::UTC).date())
}

/// HubSpot's times: ISO 8601 or milliseconds since 1970.
pub fn instant(raw: &str) -> Option<Timestamp> {
    if raw.bytes().all(|b| b.is_ascii_digit() || b == b'-') && raw.len() > 10 {
        return Timestamp::from_millisecond(raw.parse().ok()?).ok();
    }
    raw.parse().ok()
}

/// Plain text as the HTML that HubSpot's notes hold: escaped, with its lines.
pub fn to_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in plain_note(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' => out.push_str("<br>"),
            c => out.push(c),
        }
    }
    out
}

/// HTML as plain text where it holds nothing but text and lines; else the HTML itself, as
/// [`Value::Plain`], so that markup never equals the plain text that looks like it.
pub fn from_html(html: &str) -> Value {
    if html.is_empty() {
        return Value::Empty;
    }
    let raw = || Value::Plain(Plain::Text(html.to_owned()));
    let lines = html.replace("<br/>", "<br>").replace("<br />", "<br>").replace("\r\n", "\n");
    // A raw line end is a space to a browser; our own writing has none.
    if lines.contains('\n') {
        return raw();
    }
    let text = lines.replace("<br>", "\n");
    if text.contains(['<', '>']) {
        return raw();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('&') {
        let (before, entity) = rest.split_at(at);
        out.push_str(before);
        let known = [
            ("&amp;", '&'),
            ("&lt;", '<'),
            ("&gt;", '>'),
            ("&quot;", '"'),
            ("&#39;", '\''),
            ("&#x27;", '\''),
            ("&apos;", '\''),
        ];
        let Some((word, c)) = known.into_iter().find(|(word, _)| entity.starts_with(word)) else {
            return raw();
        };
        out.push(c);
        rest = entity.get(word.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    Value::text(plain_note(&out))
}

/// A note without the line ends and spaces at its end that YAML blocks leave.
pub fn plain_note(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end().to_owned()
}

/// The value of `recurringbillingfrequency` for a cycle.
pub fn frequency(every: Period) -> Option<&'static str> {
    let months = |n| match n {
        1 => Some("monthly"),
        3 => Some("quarterly"),
        6 => Some("per_six_months"),
        12 => Some("annually"),
        24 => Some("per_two_years"),
        36 => Some("per_three_years"),
        48 => Some("per_four_years"),
        60 => Some("per_five_years"),
        _ => None,
    };
    match (every.unit, every.count) {
        (Unit::Week, 1) => Some("weekly"),
        (Unit::Week, 2) => Some("biweekly"),
        (Unit::Week, _) => None,
        (Unit::Month, n) => months(n),
        (Unit::Year, n) => n.checked_mul(12).and_then(months),
    }
}

/// A frequency as the cycle that a manifest writes (`year`); unknown words stay as they are.
pub fn cycle_of(frequency: &str) -> Value {
    let known = FREQUENCIES.iter().find(|(word, _)| *word == frequency);
    Value::text(known.map_or(frequency, |(_, cycle)| cycle))
}

/// A cycle as HubSpot's word.
pub fn frequency_of(cycle: &str) -> &str {
    FREQUENCIES.iter().find(|(_, c)| *c == cycle).map_or(cycle, |(word, _)| word)
}

/// Whether a frequency counts weeks, months or years; HubSpot wants the term in the same unit.
fn unit_of(frequency: &str) -> Unit {
    match frequency {
        "weekly" | "biweekly" => Unit::Week,
        "monthly" | "quarterly" | "per_six_months" => Unit::Month,
        _ => Unit::Year,
    }
}

/// A term as the canonical text of a fact (`3 years`, `18 months`, `6 weeks`).
fn term_text(count: u32, unit: Unit) -> String {
    let (count, word) = match unit {
        Unit::Week => (count, "week"),
        Unit::Month if count.is_multiple_of(12) => (count / 12, "year"),
        Unit::Month => (count, "month"),
        Unit::Year => (count, "year"),
    };
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}

/// The term of a manifest as a fact, where HubSpot can hold it beside the frequency; else what
/// would fit.
pub fn term(frequency: &str, term: Period) -> Result<Value, String> {
    let fits = match (unit_of(frequency), term.unit) {
        (Unit::Week, Unit::Week)
        | (Unit::Month, Unit::Month | Unit::Year)
        | (Unit::Year, Unit::Year) => true,
        (Unit::Year, Unit::Month) => term.count.is_multiple_of(12),
        _ => false,
    };
    if fits {
        return Ok(Value::text(term_text(term.count, term.unit)));
    }
    let unit = match unit_of(frequency) {
        Unit::Week => "weeks",
        Unit::Month => "months or years",
        Unit::Year => "whole years",
    };
    Err(format!("HubSpot bills this `{frequency}`, so the term must be in {unit}"))
}

/// `P36M` as the canonical text of a fact; other periods stay as they are.
pub fn read_term(raw: &str) -> Value {
    let body = raw.strip_prefix('P').unwrap_or_default();
    let number = |end: char| body.strip_suffix(end).and_then(|n| n.parse::<u32>().ok());
    let known = [('W', Unit::Week), ('M', Unit::Month), ('Y', Unit::Year)]
        .into_iter()
        .find_map(|(end, unit)| number(end).map(|n| term_text(n, unit)));
    if known.is_none()
        && let Some((years, months)) = body.strip_suffix('M').and_then(|b| b.split_once('Y'))
        && let (Ok(years), Ok(months)) = (years.parse::<u32>(), months.parse::<u32>())
        && let Some(all) = years.checked_mul(12).and_then(|m| m.checked_add(months))
    {
        return Value::text(term_text(all, Unit::Month));
    }
    Value::text(known.unwrap_or_else(|| raw.to_owned()))
}

/// A term's canonical text as the ISO period that fits the frequency.
pub fn write_term(cycle: &str, text: &str) -> String {
    let Some((count, word)) = text.split_once(' ') else { return text.to_owned() };
    let Ok(count) = count.parse::<u32>() else { return text.to_owned() };
    match (unit_of(frequency_of(cycle)), word.trim_end_matches('s')) {
        (_, "week") => format!("P{count}W"),
        (Unit::Month, "year") => format!("P{}M", count.saturating_mul(12)),
        (_, "month") => format!("P{count}M"),
        (_, "year") => format!("P{count}Y"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_means_equal() {
        let same = |kind: &Kind, a: &str, b: &str| {
            assert_eq!(read(kind, Some(a)), read(kind, Some(b)), "{a} {b}");
        };
        same(&Kind::Number, "178", "178.00");
        same(&Kind::Date, "2027-01-31", "1801353600000");
        same(&Kind::Date, "2027-01-31", "2027-01-31T00:00:00Z");
        same(&Kind::Date, "2027-01-31", "2027-01-31T00:00:00.000Z");
        same(&Kind::DateTime, "2027-01-31T12:00:00.000Z", "2027-01-31T12:00:00Z");
        same(&Kind::Choices(Vec::new()), "ACH;SEPA", ";SEPA;ACH");
        same(&Kind::Text, "a\r\nb", "a\nb");
        assert_eq!(read(&Kind::Number, Some("")), read(&Kind::Number, None));
        assert_eq!(read(&Kind::Number, Some("1e3")), Value::text("1e3"));
    }

    #[test]
    fn written_digits_reach_the_wire() {
        let value = from_plain(&Kind::Number, &Plain::Number(Amount::parse("19.990").unwrap()));
        assert_eq!(write(&value.unwrap()), "19.990");
    }

    #[test]
    fn options_and_types_are_checked() {
        let choice = Kind::Choice(vec!["A".to_owned(), "B".to_owned()]);
        assert!(from_plain(&choice, &Plain::Text("A".into())).is_ok());
        assert!(from_plain(&choice, &Plain::Text("C".into())).unwrap_err().contains("A, B"));
        assert!(from_plain(&Kind::Bool, &Plain::Text("yes".into())).is_err());
        assert!(from_plain(&Kind::Date, &Plain::Text("soon".into())).is_err());
        assert!(from_plain(&Kind::Text, &Plain::List(Vec::new())).is_err());
        let several = Kind::Choices(vec!["A".to_owned(), "B".to_owned()]);
        let list = Plain::List(vec![Plain::Text("B".into()), Plain::Text("A".into())]);
        assert_eq!(from_plain(&several, &list).unwrap(), Value::text("A;B"));
    }

    #[test]
    fn notes_round_trip_through_html() {
        for note in ["a\nb\n\nc", "<staging> & \"the\" build's", "plain", "&lt;br&gt; <br>"] {
            assert_eq!(from_html(&to_html(note)), Value::text(note), "{note}");
        }
        assert_eq!(to_html("a & <b>\nc\n"), "a &amp; &lt;b&gt;<br>c");
        assert_eq!(from_html("<p>Hi</p>"), Value::Plain(Plain::Text("<p>Hi</p>".into())));
        assert_ne!(from_html("<b>"), from_html(&to_html("<b>")));
        assert_eq!(from_html("a<br/>b"), Value::text("a\nb"));
        assert_eq!(from_html("5 &euro;"), Value::Plain(Plain::Text("5 &euro;".into())));
    }

    #[test]
    fn terms_take_the_unit_of_the_cycle() {
        let p = |count, unit| Period { count, unit };
        for (every, term_wanted, iso) in [
            (p(1, Unit::Month), p(3, Unit::Year), "P36M"),
            (p(3, Unit::Month), p(24, Unit::Month), "P24M"),
            (p(1, Unit::Year), p(3, Unit::Year), "P3Y"),
            (p(1, Unit::Year), p(24, Unit::Month), "P2Y"),
            (p(12, Unit::Month), p(1, Unit::Year), "P1Y"),
            (p(2, Unit::Week), p(6, Unit::Week), "P6W"),
        ] {
            let word = frequency(every).unwrap();
            let Value::Text(text) = term(word, term_wanted).unwrap() else { panic!("no text") };
            let Value::Text(cycle) = cycle_of(word) else { panic!("no text") };
            assert_eq!(write_term(&cycle, &text), iso);
            assert_eq!(read_term(iso), Value::text(text));
            assert_eq!(frequency_of(&cycle), word);
        }
        assert!(term("annually", p(18, Unit::Month)).unwrap_err().contains("whole years"));
        assert!(term("weekly", p(1, Unit::Year)).unwrap_err().contains("weeks"));
        assert_eq!(frequency(p(5, Unit::Month)), None);
        assert_eq!(read_term("P1Y6M"), Value::text("18 months"));
        assert_eq!(read_term("P10D"), Value::text("P10D"));
    }
}
