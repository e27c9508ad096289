//! When a request may leave: rolling windows, classes, pauses and concurrency of one account.
//!
//! Purpose: never more than N requests in any window **as the server sees them**, and the limit
//! used fully.
//!
//! The one thing to know: a server counts a request somewhere between the moment we send it and
//! the moment its answer is here. A slot is therefore taken when the request leaves and freed one
//! window after its *answer* came (or failed). Two requests that used the same slot are then at
//! least a window apart wherever the server counted them, whatever the latencies.
//!
//! Why not `governor`: its GCRA lets a full burst out at once and refills while the window still
//! runs, so up to twice N requests fall into one window. An upstream with an exact rolling window
//! answers that with 429.
//!
//! Invariants: waiting is first come, first served, save that a request whose class is full lets
//! others pass. A future of [`Limiter::acquire`] that is dropped at any moment leaves no slot
//! behind. Time is tokio's, so tests pause it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

/// Two clocks that tick differently, and servers that round to a millisecond, must not turn an
/// exact fit into one request too many.
const SLACK: Duration = Duration::from_millis(5);
/// Answer times are kept this long at least, since a server may teach a longer window later.
const MEMORY: Duration = Duration::from_mins(1);
/// The longest window that makes sense.
const MAX_WINDOW: Duration = Duration::from_hours(24);

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

/// A class of requests that has a limit of its own, inside the account's.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Class(pub &'static str);

impl Class {
    /// Everything that has no limit of its own.
    pub const GENERAL: Self = Self("general");
}

/// The limits of an account.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The account's limit. Every request counts here, those with a class too: a user who writes
    /// `rate: 190/10s` means all of them.
    pub account: RateLimit,
    /// Whether a user wrote the account's limit; then a server can only lower it.
    pub explicit: bool,
    /// The most requests under way at once; 0 counts as 1.
    pub concurrency: usize,
    /// Limits of classes.
    pub classes: Vec<(Class, RateLimit)>,
}

/// Gives out the right to send, for one account. Shared by all that talk to it.
#[derive(Debug)]
pub struct Limiter {
    shared: Arc<Shared>,
    /// Held by the one waiter that watches the clock for all.
    watch: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// Something changed that may let a waiter go.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    explicit: bool,
    concurrency: usize,
    account: Gauge,
    classes: Vec<(Class, Gauge)>,
    queue: VecDeque<Waiter>,
}

#[derive(Debug)]
struct Waiter {
    class: Option<usize>,
    grant: oneshot::Sender<Permit>,
}

/// How much of a limit is in use.
#[derive(Debug)]
struct Gauge {
    configured: RateLimit,
    learned: Option<RateLimit>,
    /// Whether the learned limit stands in for the configured one.
    learned_replaces: bool,
    in_flight: usize,
    /// When answers came, oldest first.
    answered: VecDeque<Instant>,
    paused_until: Option<Instant>,
}

/// Whether one more request may leave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Room {
    Now,
    At(Instant),
    /// Time alone does not help: an answer must come first.
    AfterAnAnswer,
}

impl Room {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::AfterAnAnswer, _) | (_, Self::AfterAnAnswer) => Self::AfterAnAnswer,
            (Self::At(a), Self::At(b)) => Self::At(a.max(b)),
            (Self::At(a), Self::Now) | (Self::Now, Self::At(a)) => Self::At(a),
            (Self::Now, Self::Now) => Self::Now,
        }
    }
}

impl Gauge {
    fn new(configured: RateLimit) -> Self {
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

    fn room(&self, now: Instant) -> Room {
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

    fn finish(&mut self, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.answered.push_back(now);
        let longest = self.limits().map(RateLimit::window).max().unwrap_or_default();
        let memory = (longest + SLACK).max(MEMORY);
        while self.answered.front().is_some_and(|at| *at + memory < now) {
            self.answered.pop_front();
        }
    }

    fn pause(&mut self, until: Instant) {
        self.paused_until = Some(self.paused_until.map_or(until, |at| at.max(until)));
    }
}

impl State {
    fn class_gauge(&mut self, class: Option<usize>) -> Option<&mut Gauge> {
        self.classes.get_mut(class?).map(|(_, gauge)| gauge)
    }

    fn account_room(&self, now: Instant) -> Room {
        if self.account.in_flight >= self.concurrency {
            return Room::AfterAnAnswer;
        }
        self.account.room(now)
    }

    /// Takes slots for all who may go, in order. Gives them, and when to look again.
    fn take(&mut self, now: Instant) -> (Vec<Waiter>, Option<Instant>) {
        let mut granted = Vec::new();
        let mut wake: Option<Instant> = None;
        let mut sooner = |at: Instant| wake = Some(wake.map_or(at, |w| w.min(at)));
        let mut blocked = Vec::new();
        while let Some(waiter) = self.queue.pop_front() {
            if waiter.grant.is_closed() {
                continue;
            }
            let room = self.class_gauge(waiter.class).map_or(Room::Now, |g| g.room(now));
            if room != Room::Now {
                if let Room::At(at) = room {
                    sooner(at);
                }
                blocked.push(waiter);
                continue;
            }
            let room = self.account_room(now);
            if room != Room::Now {
                if let Room::At(at) = room {
                    sooner(at);
                }
                blocked.push(waiter);
                break;
            }
            self.account.in_flight += 1;
            if let Some(gauge) = self.class_gauge(waiter.class) {
                gauge.in_flight += 1;
            }
            granted.push(waiter);
        }
        for waiter in blocked.into_iter().rev() {
            self.queue.push_front(waiter);
        }
        (granted, wake)
    }

    /// Frees a slot: from now on its window runs, or (`unused`) as if it was never taken.
    fn release(&mut self, class: Option<usize>, unused: bool, now: Instant) {
        let free = |gauge: &mut Gauge| {
            if unused {
                gauge.in_flight = gauge.in_flight.saturating_sub(1);
            } else {
                gauge.finish(now);
            }
        };
        free(&mut self.account);
        if let Some(gauge) = self.class_gauge(class) {
            free(gauge);
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; if it did, the counters are still the best we have.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_one();
    }

    /// Lets go who may, and says when to look again.
    fn pump(self: &Arc<Self>) -> Option<Instant> {
        let (granted, wake) = self.state().take(Instant::now());
        for Waiter { class, grant } in granted {
            let permit = Permit { shared: Arc::clone(self), class, unused: true };
            // A waiter that is gone hands the permit back to us: dropping it frees the slot and
            // wakes the watcher. No lock is held here.
            drop(grant.send(permit));
        }
        wake
    }
}

impl Limiter {
    /// A limiter for an account.
    pub fn new(limits: Limits) -> Self {
        let classes = limits.classes.into_iter().map(|(c, l)| (c, Gauge::new(l))).collect();
        let state = State {
            explicit: limits.explicit,
            concurrency: limits.concurrency.max(1),
            account: Gauge::new(limits.account),
            classes,
            queue: VecDeque::new(),
        };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Notify::new() });
        Self { shared, watch: tokio::sync::Mutex::new(()) }
    }

    /// Waits for the right to send one request of a class. May be dropped at any moment.
    pub async fn acquire(&self, class: Class) -> Permit {
        let (grant, mut granted) = oneshot::channel();
        {
            let mut state = self.shared.state();
            let class = state.classes.iter().position(|(c, _)| *c == class);
            state.queue.push_back(Waiter { class, grant });
        }
        self.shared.pump();
        // One waiter watches the clock and the changes for all of them; when it leaves (with its
        // permit, or dropped), the lock passes to another, which looks first and then waits.
        let mut watching = None;
        let mut wake = None;
        loop {
            tokio::select! {
                biased;
                permit = &mut granted => match permit {
                    Ok(mut permit) => {
                        permit.unused = false;
                        return permit;
                    }
                    // The sender is only dropped unsent if the state was: it lives as long as
                    // `self`. Waiting for ever is the one answer that sends nothing too many.
                    Err(_) => std::future::pending().await,
                },
                guard = self.watch.lock(), if watching.is_none() => watching = Some(guard),
                () = self.shared.changed.notified(), if watching.is_some() => {}
                () = sleep_until(wake), if watching.is_some() => {}
            }
            wake = self.shared.pump();
        }
    }

    /// Nobody sends before this time (after a 429).
    pub fn pause_until(&self, at: Instant) {
        self.shared.change(|state| state.account.pause(at));
    }

    /// Nobody of a class sends before this time; everybody, if the class has no limit of its own.
    pub fn pause_class_until(&self, class: Class, at: Instant) {
        self.shared.change(|state| {
            let found = state.classes.iter_mut().find(|(c, _)| *c == class);
            found.map_or(&mut state.account, |(_, gauge)| gauge).pause(at);
        });
    }

    /// Takes over the limit that a server's headers teach. It replaces a default; a limit that a
    /// user wrote stays, and the server's holds beside it, so that the stricter one wins.
    pub fn learn(&self, limit: RateLimit) {
        let mut state = self.shared.state();
        if state.account.learned == Some(limit) {
            return;
        }
        state.account.learned = Some(limit);
        state.account.learned_replaces = !state.explicit;
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.shared.state().account.in_flight
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The right to send one request. Dropping it says that the answer came, or never will.
#[derive(Debug)]
#[must_use = "dropping a permit says that the request was answered"]
pub struct Permit {
    shared: Arc<Shared>,
    class: Option<usize>,
    unused: bool,
}

impl Permit {
    /// The answer is here (or the attempt failed): the slot's window starts now.
    pub fn finish(self) {
        drop(self);
    }

    /// Nothing was sent: the slot is free at once.
    pub fn give_back(mut self) {
        self.unused = true;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (class, unused) = (self.class, self.unused);
        self.shared.change(|state| state.release(class, unused, Instant::now()));
    }
}

#[cfg(test)]
mod tests;
