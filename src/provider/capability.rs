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
