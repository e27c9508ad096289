//! `guardrails:` of the workspace: limits that a plan must keep.
//!
//! Invariants: a missing limit limits nothing; a limit that cannot be read is an error, never a
//! limit that is left out. Comparing a plan with them is the plan's business.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Time, Weekday};
use jiff::{Timestamp, tz::TimeZone};

use super::read::{Field, Sink, fixed, shown};
use crate::money::{Amount, Currency};
use crate::yaml::Problem;

/// A count, or a percent of what the lockfile holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// That many quotes.
    Count(u64),
    /// That many percent of the recorded quotes.
    Percent(Amount),
}

/// An effect that `allow:` gives standing consent to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum AllowedEffect {
    /// The customer can see it.
    Publish,
    /// A message goes out.
    Send,
    /// It costs money.
    Bill,
    /// Something is deleted.
    Delete,
    /// A decision that cannot be taken back.
    Final,
}

impl AllowedEffect {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Publish, Self::Send, Self::Bill, Self::Delete, Self::Final];

    /// The word in the workspace file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Send => "send",
            Self::Bill => "bill",
            Self::Delete => "delete",
            Self::Final => "final",
        }
    }
}

/// A domain that may receive e-mail: itself, or (`*.example.org`) everything below it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recipients {
    /// The domain in lower case, without `*.`.
    pub domain: String,
    /// Whether the names below the domain are meant instead of the domain.
    pub below: bool,
}

impl Recipients {
    /// Whether an address lies in this domain.
    pub fn covers(&self, email: &str) -> bool {
        let Some((_, host)) = email.rsplit_once('@') else { return false };
        let host = host.trim_end_matches('.').to_lowercase();
        if self.below {
            host.strip_suffix(&self.domain).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'))
        } else {
            host == self.domain
        }
    }
}

/// Times in which nothing is sent or published.
#[derive(Clone, PartialEq, Debug)]
pub struct QuietHours {
    /// The first quiet minute.
    pub from: Time,
    /// The first minute that is not quiet; earlier than `from` = on the next day.
    pub to: Time,
    /// The time zone's name.
    pub zone: String,
    /// The days on which a quiet time begins.
    pub days: Vec<Weekday>,
    tz: TimeZone,
}

impl QuietHours {
    /// An instant on the clocks of the zone.
    pub fn local(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.tz.clone())
    }

    /// The first instant after a quiet one that is not quiet; `None` if there is none in the
    /// coming nine days.
    pub fn end_after(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.local(at).date();
        (0..=9).find_map(|days| {
            let date = today.checked_add(jiff::Span::new().days(days)).ok()?;
            let end = date.to_datetime(self.to).to_zoned(self.tz.clone()).ok()?.timestamp();
            (end > at && !self.covers(end)).then_some(end)
        })
    }

    /// Whether an instant is quiet. A night belongs to the day on which it began.
    pub fn covers(&self, at: Timestamp) -> bool {
        let here = at.to_zoned(self.tz.clone()).datetime();
        let (time, today) = (here.time(), here.date().weekday());
        let begins = |day: Weekday| self.days.contains(&day);
        if self.from < self.to {
            return begins(today) && self.from <= time && time < self.to;
        }
        (begins(today) && time >= self.from) || (begins(today.previous()) && time < self.to)
    }
}

/// All limits; what is absent limits nothing.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Guardrails {
    /// Creates of one run.
    pub max_creates: Option<Limit>,
    /// Updates of one run.
    pub max_updates: Option<Limit>,
    /// Deletes of one run.
    pub max_deletes: Option<Limit>,
    /// All discounts of a quote, in percent of its list total.
    pub max_discount: Option<Amount>,
    /// Change of a quote's total, in percent of the recorded one.
    pub max_price_change: Option<Amount>,
    /// Total of a quote, by currency.
    pub max_total: BTreeMap<Currency, Amount>,
    /// Days between the run and the quote's expiry.
    pub min_days_to_expiry: Option<u32>,
    /// Domains that anything may be sent to; `None` = any.
    pub recipients: Option<Vec<Recipients>>,
    /// Times without sending or publishing.
    pub quiet_hours: Option<QuietHours>,
    /// Effects that need no flag.
    pub allow: BTreeSet<AllowedEffect>,
}

impl Guardrails {
    /// The allowed domains, for a message.
    pub fn shown_recipients(&self) -> String {
        let all = self.recipients.iter().flatten();
        let shown: Vec<String> = all
            .map(|r| if r.below { format!("`*.{}`", r.domain) } else { format!("`{}`", r.domain) })
            .collect();
        if shown.is_empty() { "no domain".to_owned() } else { shown.join(" or ") }
    }

    /// Whether an address may receive anything.
    pub fn may_receive(&self, email: &str) -> bool {
        self.recipients.as_ref().is_none_or(|all| all.iter().any(|r| r.covers(email)))
    }
}

/// Reads `guardrails:`.
pub(super) fn read_guardrails(field: Field<'_>, sink: &mut Sink) -> Option<Guardrails> {
    let map = field.map(sink)?;
    let guardrails = Guardrails {
        max_creates: fixed(map.get("max_creates"), sink, read_limit),
        max_updates: fixed(map.get("max_updates"), sink, read_limit),
        max_deletes: fixed(map.get("max_deletes"), sink, read_limit),
        max_discount: fixed(map.get("max_discount"), sink, |f, s| {
            signed(f, s).and_then(|f| f.percent(s))
        }),
        max_price_change: fixed(map.get("max_price_change"), sink, read_change),
        max_total: fixed(map.get("max_total"), sink, read_totals).unwrap_or_default(),
        min_days_to_expiry: fixed(map.get("min_days_to_expiry"), sink, |f, s| {
            f.whole(0, 36_500, s)
        })
        .and_then(|n| u32::try_from(n).ok()),
        recipients: fixed(map.get("recipients"), sink, read_recipients),
        quiet_hours: fixed(map.get("quiet_hours"), sink, read_quiet_hours),
        allow: fixed(map.get("allow"), sink, read_allow).unwrap_or_default(),
    };
    map.finish("`guardrails`", sink);
    Some(guardrails)
}

/// A percentage must carry its sign here, where a bare number could be meant as a count.
fn signed<'n>(field: Field<'n>, sink: &mut Sink) -> Option<Field<'n>> {
    if field.raw().is_none_or(|raw| raw.ends_with('%')) {
        return Some(field);
    }
    let message = format!("`{}` must be a percentage", field.name);
    sink.push(field.problem("bad-percent", message).help("such as `25%`"));
    None
}

fn read_limit(field: Field<'_>, sink: &mut Sink) -> Option<Limit> {
    if field.raw().is_some_and(|raw| raw.ends_with('%')) {
        return field.percent(sink).map(Limit::Percent);
    }
    field.whole(0, i64::MAX, sink).and_then(|n| u64::try_from(n).ok()).map(Limit::Count)
}

/// A price may more than double, so there is no upper end.
fn read_change(field: Field<'_>, sink: &mut Sink) -> Option<Amount> {
    let field = signed(field, sink)?;
    let parsed = field
        .raw()
        .and_then(|raw| Amount::parse(raw.strip_suffix('%')?).ok())
        .filter(|a| !a.is_negative());
    if parsed.is_none() {
        let message = format!("`{}` must be a percentage", field.name);
        sink.push(field.problem("bad-percent", message).help("such as `15%`"));
    }
    parsed
}

fn read_totals(field: Field<'_>, sink: &mut Sink) -> Option<BTreeMap<Currency, Amount>> {
    let map = field.map(sink)?;
    let mut totals = BTreeMap::new();
    for field in map.all() {
        let currency = Currency::parse(field.name);
        if currency.is_none() {
            let message = format!("there is no currency `{}`", shown(field.name));
            sink.push(
                Problem::new("unknown-currency", field.key_span, message)
                    .help("use a code of ISO 4217, such as `USD`"),
            );
        }
        let amount = field.money(currency, sink);
        if let (Some(currency), Some(amount)) = (currency, amount) {
            totals.insert(currency, amount);
        }
    }
    Some(totals)
}

fn read_recipients(field: Field<'_>, sink: &mut Sink) -> Option<Vec<Recipients>> {
    let list = field.list(sink)?;
    let mut recipients = Vec::new();
    for node in list {
        let element = field.element(node);
        let lower = element.raw().map(str::to_lowercase).unwrap_or_default();
        let (domain, below) =
            lower.strip_prefix("*.").map_or((lower.as_str(), false), |d| (d, true));
        let label = |l: &str| !l.is_empty() && l.chars().all(|c| c.is_alphanumeric() || c == '-');
        if domain.contains('.') && domain.split('.').all(label) {
            recipients.push(Recipients { domain: domain.to_owned(), below });
        } else {
            let problem = element.problem("bad-domain", "`recipients` holds e-mail domains");
            sink.push(problem.help("such as `acme.example`, or `*.example.org` for all below it"));
        }
    }
    Some(recipients)
}

fn read_quiet_hours(field: Field<'_>, sink: &mut Sink) -> Option<QuietHours> {
    let map = field.map(sink)?;
    let what = "`quiet_hours`";
    let from = map.need("from", what, sink).and_then(|f| read_time(f, sink));
    let to = map.need("to", what, sink).and_then(|f| read_time(f, sink));
    let zone = map.need("zone", what, sink).and_then(|f| read_zone(f, sink));
    let days = fixed(map.get("days"), sink, read_days);
    map.finish(what, sink);
    let (from, to, (zone, tz)) = (from?, to?, zone?);
    if from == to {
        sink.push(field.problem("bad-time", "`quiet_hours` begin and end at the same time"));
        return None;
    }
    let days = days.unwrap_or_else(|| DAYS.iter().map(|(_, day)| *day).collect());
    Some(QuietHours { from, to, zone, days, tz })
}

fn read_time(field: Field<'_>, sink: &mut Sink) -> Option<Time> {
    let parsed = field.raw().and_then(|raw| {
        let (hour, minute) = raw.split_once(':')?;
        let two = |s: &str| {
            (s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit())).then(|| s.parse().ok())?
        };
        Time::new(two(hour)?, two(minute)?, 0, 0).ok()
    });
    if parsed.is_none() {
        let problem = field.problem("bad-time", format!("`{}` must be a time of day", field.name));
        sink.push(problem.help("such as \"19:00\""));
    }
    parsed
}

fn read_zone(field: Field<'_>, sink: &mut Sink) -> Option<(String, TimeZone)> {
    let raw = field.raw().unwrap_or_default();
    let found = (raw.len() <= 64).then(|| TimeZone::get(raw).ok()).flatten();
    if found.is_none() {
        let problem =
            field.problem("unknown-zone", format!("there is no time zone `{}`", shown(raw)));
        sink.push(problem.help("use a name of the time zone database, such as `Europe/Stockholm`"));
    }
    found.map(|tz| (raw.to_owned(), tz))
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

fn read_days(field: Field<'_>, sink: &mut Sink) -> Option<Vec<Weekday>> {
    let list = field.list(sink)?;
    Some(list.iter().filter_map(|n| field.element(n).word(&DAYS, sink)).collect())
}

fn read_allow(field: Field<'_>, sink: &mut Sink) -> Option<BTreeSet<AllowedEffect>> {
    if field.raw() == Some("all") {
        return Some(AllowedEffect::ALL.into());
    }
    let list = field.list(sink)?;
    let words = AllowedEffect::ALL.map(|e| (e.word(), e));
    let mut effects = BTreeSet::new();
    for element in list.iter().map(|n| field.element(n)) {
        match element.raw() {
            Some("all") => effects.extend(AllowedEffect::ALL),
            _ => effects.extend(element.word(&words, sink)),
        }
    }
    Some(effects)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(from: i8, to: i8, days: &[Weekday]) -> QuietHours {
        let zone = "Europe/Stockholm";
        let time = |hour| Time::new(hour, 30, 0, 0).unwrap();
        QuietHours {
            from: time(from),
            to: time(to),
            zone: zone.to_owned(),
            days: days.to_vec(),
            tz: TimeZone::get(zone).unwrap(),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_night_over_the_change_of_the_clocks_ends_by_the_clock() {
        let saturday = quiet(22, 7, &[Weekday::Saturday]);
        // 2027-03-28 02:00 becomes 03:00: 07:30 is 05:30 UTC, the evening before began at 21:30 UTC.
        for (instant, covered) in [
            ("2027-03-27T21:29:00Z", false),
            ("2027-03-27T21:30:00Z", true),
            ("2027-03-28T05:29:00Z", true),
            ("2027-03-28T05:30:00Z", false),
        ] {
            assert_eq!(saturday.covers(at(instant)), covered, "{instant}");
        }
        assert_eq!(
            saturday.end_after(at("2027-03-27T23:00:00Z")),
            Some(at("2027-03-28T05:30:00Z"))
        );
        // 2027-10-31 03:00 becomes 02:00: the night is an hour longer.
        assert!(saturday.covers(at("2027-10-31T06:29:00Z")));
        assert_eq!(
            saturday.end_after(at("2027-10-30T22:00:00Z")),
            Some(at("2027-10-31T06:30:00Z"))
        );
        // An end that the clocks leave out is the next time there is.
        let short = quiet(22, 2, &[Weekday::Saturday]);
        assert_eq!(short.end_after(at("2027-03-27T23:00:00Z")), Some(at("2027-03-28T01:30:00Z")));
    }

    #[test]
    fn nights_that_follow_each_other_end_one_by_one_and_days_do_not_pass_midnight() {
        let all = [Weekday::Friday, Weekday::Saturday];
        let night = quiet(19, 7, &all);
        assert_eq!(night.end_after(at("2027-01-15T22:00:00Z")), Some(at("2027-01-16T06:30:00Z")));
        let day = quiet(9, 17, &all);
        assert!(day.covers(at("2027-01-15T12:00:00Z")) && !day.covers(at("2027-01-15T23:00:00Z")));
        assert_eq!(day.end_after(at("2027-01-15T12:00:00Z")), Some(at("2027-01-15T16:30:00Z")));
    }
}
