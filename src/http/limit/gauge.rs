//! One limit and how much of it is in use: pure bookkeeping, time is handed in.
//!
//! Purpose: [`RateLimit`], and the gauge that says when one more request may leave under it.
//!
//! Invariant: answer times are kept oldest first, so that "when is there room" is one look-up.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

/// Two clocks that tick differently, and servers that round to a millisecond, must not turn an
/// exact fit into one request too many.
const SLACK: Duration = Duration::from_millis(5);
/// Answer times are kept this long at least, since a server may teach a longer window later.
const MEMORY: Duration = Duration::from_mins(1);
/// The longest window that makes sense.
const MAX_WINDOW: Duration = Duration::from_hours(24);

/// The longest window, and the most seconds a request, that an answer may teach.
const LONGEST_LEARNED: Duration = Duration::from_mins(1);
const SLOWEST_LEARNED: Duration = Duration::from_secs(5);

/// Never more than so many requests in any window of this length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    requests: NonZeroU32,
    window: Duration,
}

impl RateLimit {
    /// A limit; `None` without requests, without a window, or with one longer than a day.
    pub fn new(requests: u32, window: Duration) -> Option<Self> {
        let requests = NonZeroU32::new(requests)?;
        (!window.is_zero() && window <= MAX_WINDOW).then_some(Self { requests, window })
    }

    /// A limit that an answer tells. One that would make each call wait for longer than a person
    /// does is not believed: a longer quota is told by a refusal, with its own message.
    pub fn learned(requests: u32, window: Duration) -> Option<Self> {
        let limit = Self::new(requests, window).filter(|l| l.window <= LONGEST_LEARNED)?;
        let least = limit.window.as_secs() / SLOWEST_LEARNED.as_secs();
        (u64::from(requests) >= least.max(1)).then_some(limit)
    }

    /// A provider's published limit: at least one request, in at least one second.
    pub fn published(requests: u32, seconds: u32) -> Self {
        let requests = NonZeroU32::MIN.saturating_add(requests.saturating_sub(1));
        Self { requests, window: Duration::from_secs(seconds.clamp(1, 86_400).into()) }
    }

    /// Reads `190/10s`; units are `ms`, `s`, `m` and `h`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |s: &str| {
            let plain = !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| s.parse::<u32>().ok()).flatten()
        };
        let (requests, window) = text.trim().split_once('/')?;
        let split = window.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = window.split_at(split);
        let unit_ms = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        let ms = u64::from(digits(number)?) * unit_ms;
        Self::new(digits(requests)?, Duration::from_millis(ms))
    }

    /// The most requests in a window.
    pub fn requests(self) -> u32 {
        self.requests.get()
    }

    /// The length of the window.
    pub fn window(self) -> Duration {
        self.window
    }
}

/// How much of a limit is in use.
#[derive(Debug)]
pub(super) struct Gauge {
    configured: RateLimit,
    learned: Option<RateLimit>,
    /// Whether the learned limit stands in for the configured one.
    learned_replaces: bool,
    pub(super) in_flight: usize,
    /// When answers came, oldest first.
    answered: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

/// Whether one more request may leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Room {
    Now,
    At(Instant),
    /// Time alone does not help: an answer must come first.
    AfterAnAnswer,
}

impl Room {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::AfterAnAnswer, _) | (_, Self::AfterAnAnswer) => Self::AfterAnAnswer,
            (Self::At(a), Self::At(b)) => Self::At(a.max(b)),
            (Self::At(a), Self::Now) | (Self::Now, Self::At(a)) => Self::At(a),
            (Self::Now, Self::Now) => Self::Now,
        }
    }
}

impl Gauge {
    pub(super) fn new(configured: RateLimit) -> Self {
        Self {
            configured,
            learned: None,
            learned_replaces: false,
            in_flight: 0,
            answered: VecDeque::new(),
            paused_until: None,
        }
    }

    fn limits(&self) -> impl Iterator<Item = RateLimit> {
        let configured = (!self.learned_replaces).then_some(self.configured);
        configured.into_iter().chain(self.learned)
    }

    pub(super) fn room(&self, now: Instant) -> Room {
        let pause = self.paused_until.filter(|at| *at > now).map_or(Room::Now, Room::At);
        self.limits().fold(pause, |room, limit| room.and(self.room_in(limit, now)))
    }

    fn room_in(&self, limit: RateLimit, now: Instant) -> Room {
        let most = usize::try_from(limit.requests()).unwrap_or(usize::MAX);
        let Some(spare) = most.checked_sub(self.in_flight + 1) else {
            return Room::AfterAnAnswer;
        };
        // With one more under way, at most `spare` answers may be younger than a window. The
        // oldest one beyond that decides when.
        let window = limit.window() + SLACK;
        let decisive = self.answered.len().checked_sub(spare + 1);
        match decisive.and_then(|i| self.answered.get(i)) {
            Some(answered) if *answered + window > now => Room::At(*answered + window),
            _ => Room::Now,
        }
    }

    pub(super) fn finish(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered.push_back(now);
        let longest = self.limits().map(RateLimit::window).max().unwrap_or_default();
        let memory = (longest + SLACK).max(MEMORY);
        while self.answered.front().is_some_and(|at| *at + memory < now) {
            self.answered.pop_front();
        }
    }

    /// Takes over what a server teaches; whether that changed anything.
    pub(super) fn learn(&mut self, limit: RateLimit, replaces: bool) -> bool {
        let changed = self.learned != Some(limit);
        self.learned = Some(limit);
        self.learned_replaces = replaces;
        changed
    }

    pub(super) fn pause(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |at| at.max(until)));
    }
}

#[cfg(test)]
mod learned_tests {
    use super::*;

    #[test]
    fn a_limit_that_nobody_could_wait_for_is_not_learned() {
        let learned =
            |requests, ms| RateLimit::learned(requests, Duration::from_millis(ms)).is_some();
        assert!(learned(190, 10_000) && learned(100, 1_000) && learned(1, 1_000));
        assert!(learned(4, 250) && learned(30, 60_000));
        assert!(!learned(1, 86_400_000) && !learned(10_000, 86_400_000));
        assert!(!learned(1, 10_000) && !learned(0, 10_000) && !learned(5, 0));
    }
}
