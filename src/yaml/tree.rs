//! The tree: nodes with their spans, and problems that point at them.
//!
//! Invariants: a [`Span`] counts bytes of the text that was parsed (no byte order mark in front).
//! Keys of a mapping are scalars and unique. Texts are borrowed wherever the file spells them out.

use std::borrow::Cow;

/// A stretch of one file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// Number of the file in its run.
    pub file: u32,
    /// First byte.
    pub offset: u32,
    /// Length in bytes; 0 points between characters.
    pub length: u32,
}

/// A node of the tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node<'t> {
    /// What it is.
    pub kind: Kind<'t>,
    /// Where it stands. For a block map or list: its first key or element only.
    pub span: Span,
}

/// What a node is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kind<'t> {
    /// Bare text: what it means depends on who asks.
    Plain(Cow<'t, str>),
    /// Quoted or block text: always text.
    Quoted(Cow<'t, str>),
    /// A list.
    Sequence(Vec<Node<'t>>),
    /// A map, in the order written.
    Mapping(Vec<Entry<'t>>),
    /// Something refused that was reported already.
    Broken,
}

/// A key and its value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry<'t> {
    /// The key's text.
    pub key: Cow<'t, str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node<'t>,
}

impl Node<'_> {
    /// Whether it is a bare `null`, `~`, or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, Kind::Plain(t) if matches!(t.as_ref(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// What a person calls this kind of value.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Plain(_) if self.is_null() => "nothing",
            Kind::Plain(_) | Kind::Quoted(_) => "a single value",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a map",
            Kind::Broken => "something that cannot be used",
        }
    }
}

/// Something wrong, with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Stable code, kebab-case.
    pub code: &'static str,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Where.
    pub span: Span,
}

impl Problem {
    /// A problem without a way out yet.
    pub fn new(code: &'static str, span: Span, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, span }
    }

    /// With the way out.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
