//! What the sandbox can be told on the command line, and how those words are read.
//!
//! Invariants: every helper reads one documented form and refuses the rest; `Options::default()`
//! is an upstream in good health with its published limits.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// How the sandbox behaves (contract section 10).
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Every answer waits this long.
    pub latency: Duration,
    /// The request limit of each upstream account.
    pub rate: RateChoice,
    /// Share of requests that get a 5xx and are not done.
    pub fail: Percent,
    /// Share of requests that are done but whose answer is dropped.
    pub lose: Percent,
    /// Seed of all randomness: ids of requests, slugs, which request fails.
    pub seed: u64,
    /// Where the state is kept between runs; loaded if it exists.
    pub state: Option<PathBuf>,
}

/// Why a word on the command line was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not {wanted}")]
pub struct OptionError {
    given: String,
    wanted: &'static str,
}

impl OptionError {
    fn new(given: &str, wanted: &'static str) -> Self {
        Self { given: given.to_owned(), wanted }
    }
}

/// Which request limit holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RateChoice {
    /// What each upstream publishes (HubSpot: 190 in 10 s, search 5 in 1 s).
    #[default]
    Published,
    /// None at all, for load tests; search is not limited either.
    Off,
    /// This one for every upstream; HubSpot's search keeps its own 5 in 1 s.
    Limit(Rate),
}

impl FromStr for RateChoice {
    type Err = OptionError;
    /// `190/10s`, `off` or `published`.
    fn from_str(text: &str) -> Result<Self, OptionError> {
        match text {
            "off" => Ok(Self::Off),
            "published" => Ok(Self::Published),
            other => other.parse().map(Self::Limit),
        }
    }
}

/// A rolling limit: never more than `count` requests in any `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many requests.
    pub count: u32,
    /// In which time.
    pub window: Duration,
}

impl FromStr for Rate {
    type Err = OptionError;
    /// `190/10s`, `5/1s`, `100/500ms`.
    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = || OptionError::new(text, "a rate such as `190/10s`");
        let (count, window) = text.split_once('/').ok_or_else(wrong)?;
        let count = count.parse::<u32>().map_err(|_| wrong())?;
        let window = parse_duration(window).map_err(|_| wrong())?;
        if count == 0 || window.is_zero() {
            return Err(wrong());
        }
        Ok(Self { count, window })
    }
}

/// A share of requests, held in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u32);

impl Percent {
    /// In millionths: `1%` is 10 000.
    pub fn millionths(self) -> u32 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = OptionError;
    /// `1%`, `0.5%`, `100%`; at most four digits after the point.
    fn from_str(text: &str) -> Result<Self, OptionError> {
        let wrong = || OptionError::new(text, "a percent from `0%` to `100%`");
        let number = text.strip_suffix('%').ok_or_else(wrong)?;
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.len() > 4 {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let fraction: u32 = format!("{fraction:0<4}").parse().map_err(|_| wrong())?;
        if whole > 100 || (whole == 100 && fraction > 0) {
            return Err(wrong());
        }
        Ok(Self(whole * 10_000 + fraction))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:04}", self.0 % 10_000);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{}%", self.0 / 10_000),
            digits => write!(f, "{}.{digits}%", self.0 / 10_000),
        }
    }
}

/// Reads `20ms`, `10s`, `2m`, `1h`.
pub fn parse_duration(text: &str) -> Result<Duration, OptionError> {
    let wrong = || OptionError::new(text, "a duration such as `20ms` or `10s`");
    let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: u32 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_millis(u64::from(number) * millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_forms() {
        assert_eq!(parse_duration("20ms"), Ok(Duration::from_millis(20)));
        assert_eq!("190/10s".parse(), Ok(Rate { count: 190, window: Duration::from_secs(10) }));
        assert_eq!("1%".parse::<Percent>().unwrap().millionths(), 10_000);
        assert_eq!("0.5%".parse::<Percent>().unwrap().to_string(), "0.5%");
        assert_eq!("off".parse(), Ok(RateChoice::Off));
    }

    #[test]
    fn refuses_all_else() {
        for bad in ["", "1", "%", "-1%", "101%", "100.1%", "1.%", "1.23456%"] {
            assert!(bad.parse::<Percent>().is_err(), "{bad}");
        }
        for bad in ["190", "0/10s", "190/0s", "190/10", "x/1s", "/1s"] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
        for bad in ["", "20", "ms", "1d", "1.5s", "-1s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }
}
