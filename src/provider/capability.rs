//! What a provider can hold, as data.
//!
//! Purpose: one table per provider says for every neutral field whether it is sent, kept local or
//! refused, and for every native property its type, its mode, in which states it may be written and
//! where that is known from. The checks of `validate` ([`Sink`]), `providers`, the docs and the loss
//! report of a migration all read it.
//!
//! The one thing to know: the states are not written down a second time. A row says only of which
//! sort it is ([`Window`]), and the sheet asks the adapter which states those are.

mod form;
pub mod neutral;
mod sink;

pub use form::{Form, Member};
pub use sink::Sink;

use super::state::State;
use crate::desired::WantedState;

/// What becomes of a neutral field at a provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Handling {
    /// Sent; the text names the upstream's own field.
    Sent(&'static str),
    /// Kept in the manifest, never sent; the text says why that is harmless.
    Local(&'static str),
    /// An error; the text is the way out.
    Refused(&'static str),
}

/// One neutral field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NeutralField {
    /// Its path in a manifest, list indexes as `[]` (`items[].price`).
    pub path: &'static str,
    /// What becomes of it.
    pub handling: Handling,
    /// Whether proforma reads it back, so that a change made upstream shows.
    pub readable: bool,
    /// When it may be written.
    pub window: Window,
}

impl NeutralField {
    /// A row: what is sent is read back and written whenever the provider allows edits.
    pub const fn new(path: &'static str, handling: Handling) -> Self {
        let (readable, window) = match handling {
            Handling::Sent(_) => (true, Window::Usual),
            Handling::Local(_) | Handling::Refused(_) => (false, Window::Never),
        };
        Self { path, handling, readable, window }
    }

    /// The same, but never told by the upstream.
    #[must_use]
    pub const fn unread(mut self) -> Self {
        self.readable = false;
        self
    }

    /// The same, but written at other times than is usual.
    #[must_use]
    pub const fn when(mut self, window: Window) -> Self {
        self.window = window;
        self
    }
}

/// When a field may be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// Never.
    Never,
    /// Whenever the provider takes edits: see [`Sheet::open`].
    Usual,
    /// In these states only, by the neutral words; [`NEW`] = while the quote is being made.
    Only(&'static [&'static str]),
}

/// The word for a quote that is not made yet, in lists of states.
pub const NEW: &str = "new";

/// The type of a native property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text.
    Text,
    /// Text with HTML in it.
    Html,
    /// A decimal number.
    Number,
    /// Yes or no.
    Bool,
    /// A civil date.
    Date,
    /// A point in time.
    DateTime,
    /// One of some words; an empty list = only the account knows them.
    Choice(Vec<String>),
    /// Several of some words; an empty list = only the account knows them.
    Choices(Vec<String>),
}

impl Kind {
    /// How to call it in a message.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "HTML text",
            Self::Number => "a number",
            Self::Bool => "`true` or `false`",
            Self::Date => "a date (`YYYY-MM-DD`)",
            Self::DateTime => "a time (`2027-01-31T12:00:00Z`)",
            Self::Choice(_) => "one of its options",
            Self::Choices(_) => "a list of its options",
        }
    }
}

/// Who sets a native property.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// The API may write it.
    Writable,
    /// The upstream computes it.
    ReadOnly,
}

/// One native property, for a reader.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NativeField {
    /// Its name at the provider.
    pub name: &'static str,
    /// The records that have it (`quote`, `line item`).
    pub on: Vec<&'static str>,
    /// Its type.
    pub form: Form,
    /// Who sets it.
    pub mode: Mode,
    /// Whether proforma reads it back, so that a change made upstream shows.
    pub readable: bool,
    /// When it may be written.
    pub window: Window,
    /// The neutral word (or the setting) that says it, if one does.
    pub word: Option<&'static str>,
    /// Where that is known from.
    pub source: &'static str,
}

/// A neutral state at a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateField {
    /// The neutral word.
    pub state: WantedState,
    /// The upstream's own word, where it has one.
    pub native: Option<&'static str>,
    /// Effects of setting it from a draft; `None` = a manifest cannot ask for it, see `why`.
    pub effects: Option<crate::provider::step::Effects>,
    /// Why it cannot be set.
    pub why: Option<String>,
}

/// All that a provider can hold: for `providers`, the docs and the loss report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    /// The provider.
    pub name: &'static str,
    /// How people call it.
    pub title: &'static str,
    /// What it can do, in a sentence.
    pub summary: &'static str,
    /// The states in which a quote takes edits: [`NEW`], and observed ones by their neutral words.
    pub open: Vec<&'static str>,
    /// What happens to an edit in any other state, in a sentence.
    pub otherwise: &'static str,
    /// Neutral fields.
    pub neutral: Vec<NeutralField>,
    /// Native properties.
    pub native: Vec<NativeField>,
    /// States.
    pub states: Vec<StateField>,
}

impl Sheet {
    /// The states in which a field may be written, by the neutral words; [`NEW`] comes first.
    pub fn states_for(&self, window: Window) -> &[&'static str] {
        match window {
            Window::Never => &[],
            Window::Usual => &self.open,
            Window::Only(states) => states,
        }
    }

    /// [`NEW`], then each state that passes the test, and `viewed` if it does.
    pub fn open_in(takes_edits: impl Fn(&State) -> bool) -> Vec<&'static str> {
        let plain = WantedState::ALL.into_iter().map(|s| (s.word(), State::Plain(s)));
        let all = plain.chain([("viewed", State::Viewed), ("expired", State::Expired)]);
        std::iter::once(NEW)
            .chain(all.filter(|(_, state)| takes_edits(state)).map(|(word, _)| word))
            .collect()
    }

    /// The states by a dialect's own transitions from a draft.
    pub fn states_of(
        dialect: &dyn super::Dialect,
        native: impl Fn(WantedState) -> Option<&'static str>,
    ) -> Vec<StateField> {
        use super::state::Move;
        WantedState::ALL
            .into_iter()
            .map(|state| {
                let (effects, why) = match dialect.transition(None, &State::Plain(state)) {
                    Move::InPlace => (Some(super::step::Effects::new()), None),
                    Move::Write(effects) => (Some(effects), None),
                    Move::Wait(who) => (None, Some(format!("waits for {who}"))),
                    Move::Refused(why) => (None, Some(why)),
                };
                StateField { state, native: native(state), effects, why }
            })
            .collect()
    }
}
