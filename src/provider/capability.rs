//! What a provider can hold, as data.
//!
//! Purpose: one table per provider says for every neutral field whether it is sent, kept local or
//! refused, and for every native property its type, its mode and where that is known from. The
//! checks of `validate`, `providers`, the docs and the loss report of a migration all read it.

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
}

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
    pub kind: Kind,
    /// Who sets it.
    pub mode: Mode,
    /// Whether it can be read back.
    pub readable: bool,
    /// The neutral word that says it, if one does.
    pub word: Option<&'static str>,
    /// Where that is known from.
    pub source: &'static str,
}

/// A neutral state at a provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StateField {
    /// The neutral word.
    pub state: crate::desired::WantedState,
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
    /// Neutral fields.
    pub neutral: Vec<NeutralField>,
    /// Native properties.
    pub native: Vec<NativeField>,
    /// States.
    pub states: Vec<StateField>,
}

impl Sheet {
    /// The states by a dialect's own transitions from a draft.
    pub fn states_of(
        dialect: &dyn super::Dialect,
        native: impl Fn(crate::desired::WantedState) -> Option<&'static str>,
    ) -> Vec<StateField> {
        use super::state::{Move, State};
        crate::desired::WantedState::ALL
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
