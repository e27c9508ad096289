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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::Instant;

mod gauge;

pub use gauge::RateLimit;
use gauge::{Gauge, Room};

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
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    explicit: bool,
    concurrency: usize,
    account: Gauge,
    classes: Vec<(Class, Gauge)>,
    queue: VecDeque<Waiter>,
    /// When the next timer looks at the queue again.
    timer: Option<Instant>,
    /// Where timers run: the runtime of whoever waited last.
    runtime: Option<Handle>,
}

#[derive(Debug)]
struct Waiter {
    class: Option<usize>,
    grant: oneshot::Sender<Permit>,
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

    /// Lets go who may, and sees to it that somebody looks again when time lets the next one go.
    ///
    /// A timer task does that, not one of the waiters: a waiter whose future nobody polls for a
    /// while would hold up all others.
    fn pump(self: &Arc<Self>) {
        let (granted, timer) = {
            let mut state = self.state();
            let (granted, wake) = state.take(Instant::now());
            let sooner = wake.filter(|at| state.timer.is_none_or(|timer| *at < timer));
            let timer = sooner.zip(state.runtime.clone());
            if let Some((at, _)) = timer {
                state.timer = Some(at);
            }
            (granted, timer)
        };
        for Waiter { class, grant } in granted {
            let permit = Permit { shared: Arc::clone(self), class, unused: true };
            // A waiter that is gone hands the permit back: dropping it frees the slot for the
            // next. No lock is held here.
            drop(grant.send(permit));
        }
        let Some((at, runtime)) = timer else { return };
        // Weak: a timer does not keep a limiter alive.
        let shared = Arc::downgrade(self);
        runtime.spawn(async move {
            tokio::time::sleep_until(at).await;
            let Some(shared) = shared.upgrade() else { return };
            {
                let mut state = shared.state();
                state.timer = state.timer.filter(|timer| *timer != at);
            }
            shared.pump();
        });
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
            timer: None,
            runtime: None,
        };
        Self { shared: Arc::new(Shared { state: Mutex::new(state) }) }
    }

    /// Waits for the right to send one request of a class. May be dropped at any moment: a permit
    /// that was granted meanwhile goes to the next in line.
    pub async fn acquire(&self, class: Class) -> Permit {
        let (grant, granted) = oneshot::channel();
        {
            let mut state = self.shared.state();
            let class = state.classes.iter().position(|(c, _)| *c == class);
            state.queue.push_back(Waiter { class, grant });
            state.runtime = Handle::try_current().ok();
        }
        self.shared.pump();
        match granted.await {
            Ok(mut permit) => {
                permit.unused = false;
                permit
            }
            // The queue lives as long as `self` and lets no waiter go unanswered. Were it not so,
            // waiting for ever is the one way out that sends nothing too many.
            Err(_) => std::future::pending().await,
        }
    }

    /// Nobody sends before this time (after a 429). An earlier time changes nothing.
    pub fn pause_until(&self, at: Instant) {
        self.shared.state().account.pause(at);
    }

    /// Nobody of a class sends before this time; everybody, if the class has no limit of its own.
    pub fn pause_class_until(&self, class: Class, at: Instant) {
        let mut state = self.shared.state();
        match state.classes.iter().position(|(c, _)| *c == class) {
            Some(index) => {
                if let Some(gauge) = state.class_gauge(Some(index)) {
                    gauge.pause(at);
                }
            }
            None => state.account.pause(at),
        }
    }

    /// Takes over the limit that a server's headers teach. It replaces a default; a limit that a
    /// user wrote stays, and the server's holds beside it, so that the stricter one wins.
    pub fn learn(&self, limit: RateLimit) {
        let changed = {
            let mut state = self.shared.state();
            let replaces = !state.explicit;
            state.account.learn(limit, replaces)
        };
        if changed {
            self.shared.pump();
        }
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.shared.state().account.in_flight
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
        self.shared.state().release(self.class, self.unused, Instant::now());
        self.shared.pump();
    }
}

#[cfg(test)]
mod tests;
