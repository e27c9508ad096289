//! States as observed, and what a change of state takes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::step::Effects;
use crate::desired::WantedState;

/// A state as the upstream tells it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// One that a manifest could ask for.
    Plain(WantedState),
    /// The customer opened it.
    Viewed,
    /// Past its expiry.
    Expired,
    /// A word that we do not know, kept verbatim.
    Unknown(String),
}

impl State {
    /// The neutral word (`unknown(VOID)` for what we do not know).
    pub fn word(&self) -> String {
        match self {
            Self::Plain(s) => s.word().to_owned(),
            Self::Viewed => "viewed".to_owned(),
            Self::Expired => "expired".to_owned(),
            Self::Unknown(raw) => format!("unknown({raw})"),
        }
    }

    /// Whether a customer or an approver has decided, so that nothing may be repaired.
    pub fn is_decided(&self) -> bool {
        use WantedState::{Accepted, Canceled, Declined, Ordered};
        matches!(self, Self::Plain(Accepted | Declined | Canceled | Ordered))
    }

    /// Whether the customer can see the quote.
    pub fn is_live(&self) -> bool {
        use WantedState::{Accepted, Approved, Ordered, Published, Sent};
        matches!(self, Self::Plain(Approved | Published | Sent | Accepted | Ordered) | Self::Viewed)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

/// What it takes to get from one state to another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Move {
    /// Already there, or further along.
    InPlace,
    /// One or more writes with these effects.
    Write(Effects),
    /// Somebody upstream must act first; the text says who and what.
    Wait(String),
    /// The provider cannot; the text says why.
    Refused(String),
}
