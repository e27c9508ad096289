//! Written forms of single values: dates, periods, addresses, numbers for people. Pure functions
//! from text; what to say about a text that has none of these forms is the readers' business.

use jiff::civil::Date;

use crate::desired::{Period, Unit};
use crate::money::Amount;

/// A number written for people, in the plain grammar: `12,000.00`, `1.500,00`, `$5`, `1_000`. Only where
/// it can be read in one way: a suggestion that is taken must never change the money. `1,000` without a
/// point is a thousand.
pub(super) fn plain_form(raw: &str) -> Option<String> {
    let bare = raw.trim().trim_end_matches(['$', '€', '£']).trim_end();
    let bare = bare.trim_start_matches(['$', '€', '£', '+']).trim_start();
    let (sign, bare) = bare.strip_prefix('-').map_or(("", bare), |rest| ("-", rest));
    if bare.is_empty() {
        return None;
    }
    let (dots, commas) = (bare.matches('.').count(), bare.matches(',').count());
    let (whole, decimals, group) = match (bare.rfind('.'), bare.rfind(',')) {
        // The last of the two is the decimal mark. Three digits behind a comma may be thousands.
        (Some(dot), Some(comma)) if dot < comma && commas == 1 => {
            let (whole, decimals) = (bare.get(..comma)?, bare.get(comma + 1..)?);
            (decimals.len() != 3).then_some((whole, Some(decimals), '.'))?
        }
        (Some(dot), _) if dots == 1 => (bare.get(..dot)?, bare.get(dot + 1..), ','),
        (Some(_), None) => (bare, None, '.'),
        (None, _) => (bare, None, ','),
        _ => return None,
    };
    let groups: Vec<&str> = whole.split([group, '_', ' ']).collect();
    let grouped = groups.len() > 1;
    // A single comma may be a decimal comma: only groups of three are safe to drop.
    let sound = groups.iter().enumerate().all(|(i, g)| match i {
        0 if grouped => (1..=3).contains(&g.len()) && !g.starts_with('0'),
        0 => true,
        _ => g.len() == 3,
    });
    let whole = groups.concat();
    let whole = if whole.is_empty() { "0" } else { &whole };
    let plain = match decimals {
        Some(decimals) => format!("{sign}{whole}.{decimals}"),
        None => format!("{sign}{whole}"),
    };
    (sound && plain != raw && Amount::parse(&plain).is_ok()).then_some(plain)
}

/// `YYYY-MM-DD`, and a day that exists.
pub(super) fn civil_date(raw: &str) -> Option<Date> {
    let shape = raw.len() == 10
        && raw
            .bytes()
            .enumerate()
            .all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
    let mut parts = raw.split('-').filter(|_| shape);
    let year = parts.next()?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    let day = parts.next()?.parse().ok()?;
    Date::new(year, month, day).ok()
}

/// `month`, `quarter`, `2 weeks`: a count of calendar units.
pub(crate) fn calendar_period(raw: &str) -> Option<Period> {
    let (count, word) = match raw.split_once(' ') {
        Some((count, word)) => (Amount::parse(count).ok()?.to_int()?, word),
        None => (1, raw),
    };
    let (times, unit) = match word.strip_suffix('s').unwrap_or(word) {
        "week" => (1, Unit::Week),
        "month" => (1, Unit::Month),
        "quarter" => (3, Unit::Month),
        "year" => (1, Unit::Year),
        _ => return None,
    };
    let count = u32::try_from(count).ok().filter(|n| (1..=1200).contains(n))?;
    Some(Period { count: count * times, unit })
}

/// Whether a text looks like an address that mail can be sent to.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let fine = |c: char| {
        !c.is_whitespace()
            && !c.is_control()
            && !matches!(c, '@' | ',' | ';' | '<' | '>' | '"' | '(' | ')')
    };
    let labels = || domain.split('.');
    let label = |l: &str| {
        !l.is_empty()
            && l.len() <= 63
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !local.is_empty()
        && local.len() <= 64
        && domain.len() <= 253
        && local.chars().all(fine)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && labels().count() >= 2
        && labels().all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_real_and_of_one_form() {
        assert!(civil_date("2028-02-29").is_some());
        for bad in [
            "2027-02-29",
            "2027-2-1",
            "27-02-01",
            "2027/02/01",
            "2027-01-31T00",
            "２027-01-1",
            "20270131",
        ] {
            assert!(civil_date(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn periods_count_in_calendar_units() {
        let p = |raw| calendar_period(raw).map(|p| (p.count, p.unit));
        assert_eq!(p("quarter"), Some((3, Unit::Month)));
        assert_eq!(p("2 weeks"), Some((2, Unit::Week)));
        assert_eq!(p("3 years"), Some((3, Unit::Year)));
        for bad in [
            "",
            "day",
            "0 months",
            "-1 month",
            "1.5 months",
            "months 2",
            "9999999999 years",
            "2  weeks",
        ] {
            assert_eq!(p(bad), None, "{bad}");
        }
    }

    #[test]
    fn emails_are_plausible() {
        for good in ["jo@acme.example", "a.b+c@x-y.co", "ö@müller.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "",
            "jo",
            "jo@",
            "@x.y",
            "jo@localhost",
            "a b@x.y",
            "a@x..y",
            "a@@x.y",
            "a@-x.y",
            "a,b@x.y",
            ".a@x.y",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn numbers_for_people_are_offered_in_the_plain_form_only_when_unambiguous() {
        assert_eq!(plain_form("12,000.00").as_deref(), Some("12000.00"));
        assert_eq!(plain_form("$5").as_deref(), Some("5"));
        assert_eq!(plain_form("1_000").as_deref(), Some("1000"));
        assert_eq!(plain_form("1.500,00").as_deref(), Some("1500.00"));
        assert_eq!(plain_form("12.345,67").as_deref(), Some("12345.67"));
        assert_eq!(plain_form("1.234.567,8").as_deref(), Some("1234567.8"));
        assert_eq!(plain_form("1.500.000").as_deref(), Some("1500000"));
        assert_eq!(plain_form("1,500,000.25").as_deref(), Some("1500000.25"));
        assert_eq!(plain_form("-1,500.00").as_deref(), Some("-1500.00"));
        assert_eq!(plain_form("€ .5").as_deref(), Some("0.5"));
        for ambiguous in [
            "12,50",
            "1.500,000",
            "1.50,00",
            "0,500",
            "1.5,00",
            "1,5.00",
            "1 5",
            "1,500,00.1",
            "1,5,0.0.0",
            "",
        ] {
            assert_eq!(plain_form(ambiguous), None, "{ambiguous}");
        }
        assert_eq!(plain_form("1e3"), None);
        assert_eq!(plain_form("007"), None);
    }
}
