//! A rolling request limit on given times.
//!
//! Invariant: in no window of the given length are more than `count` requests let through.
//! Refused requests do not use up the budget.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use super::options::Rate;

/// The let-through requests of one account in the current window.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    passed: VecDeque<Timestamp>,
}

impl Meter {
    /// Lets one request through, or not.
    pub(crate) fn admit(&mut self, rate: Rate, now: Timestamp) -> bool {
        let window = SignedDuration::try_from(rate.window).unwrap_or(SignedDuration::MAX);
        while self.passed.front().is_some_and(|at| now.duration_since(*at) >= window) {
            self.passed.pop_front();
        }
        let count = usize::try_from(rate.count).unwrap_or(usize::MAX);
        if self.passed.len() >= count {
            return false;
        }
        self.passed.push_back(now);
        true
    }

    /// How many more would be let through right now.
    pub(crate) fn remaining(&self, rate: Rate) -> u32 {
        rate.count.saturating_sub(u32::try_from(self.passed.len()).unwrap_or(u32::MAX))
    }

    pub(crate) fn clear(&mut self) {
        self.passed.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_rolls() {
        let rate: Rate = "2/10s".parse().unwrap();
        let at = |s: i64| Timestamp::from_second(s).unwrap();
        let mut meter = Meter::default();
        assert!(meter.admit(rate, at(0)));
        assert!(meter.admit(rate, at(5)));
        assert_eq!(meter.remaining(rate), 0);
        assert!(!meter.admit(rate, at(9)));
        assert!(meter.admit(rate, at(10)));
        assert!(!meter.admit(rate, at(14)));
        assert!(meter.admit(rate, at(15)));
    }
}
