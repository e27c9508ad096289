//! What happens during an apply, as events. The executor emits, outputs render.

use serde::Serialize;

use crate::key::{ConnectionName, QuoteName, StepId};

/// One event. Serialised as one JSON object a line for `--events`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The apply begins.
    Started {
        /// The plan.
        plan: String,
        /// Quotes with something to do.
        quotes: usize,
        /// Steps to do now (those that wait for consent not counted).
        steps: usize,
    },
    /// A request with several steps goes out.
    Sent {
        /// The connection.
        connection: ConnectionName,
        /// What the first of its steps does.
        does: String,
        /// How many steps it carries.
        steps: usize,
    },
    /// A step is settled.
    Settled {
        /// The step.
        step: StepId,
        /// Its quote.
        quote: Option<QuoteName>,
        /// What it does.
        does: String,
        /// `applied`, `rejected`, `unknown` or `not_sent`.
        outcome: &'static str,
        /// Why, if it is not `applied`.
        detail: Option<String>,
        /// Steps settled so far.
        done: usize,
        /// Steps in all.
        of: usize,
    },
    /// A creation with an unknown outcome is looked for.
    LookingUp {
        /// The step.
        step: StepId,
        /// Its quote.
        quote: Option<QuoteName>,
    },
    /// Ctrl-C: nothing new starts.
    Draining {
        /// Requests still in flight.
        in_flight: usize,
    },
    /// A quote is done.
    Quote {
        /// The quote.
        quote: QuoteName,
        /// Its outcome.
        outcome: &'static str,
    },
    /// The apply is over.
    Finished {
        /// Seconds since the start.
        seconds: f64,
    },
}

/// Somebody who wants to know.
pub trait Listener: Send + Sync {
    /// Called for each event, in order.
    fn on(&self, event: &Event);
}

/// Nobody.
#[derive(Debug)]
pub struct Silence;

impl Listener for Silence {
    fn on(&self, _: &Event) {}
}
