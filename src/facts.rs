//! Facts: a quote as a flat, ordered map from path to value.
//!
//! Purpose: desired, recorded and observed state meet in one shape, so that the diff, the
//! fingerprints, the read-back and the renderers are written once for all providers. A provider
//! turns a checked manifest into the facts that must hold upstream, and an upstream record into
//! the facts that do hold.
//!
//! Paths: `title`, `items[audit].price`, `discounts[loyalty].percent`, `contacts[1234]`,
//! `hubspot.hs_language`. A path never holds personal data: elements of reference sets are named
//! by their remote id.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::key::{Fingerprint, QuoteName};
use crate::money::Amount;

/// The place of a fact in a quote. The order of paths is the order of the plan's output within
/// one element; see [`crate::plan`] for the order between elements.
///
/// Ten thousand quotes have the same few paths, each of them many times over (wanted, seen,
/// recorded): the text of a path is kept once and for as long as the process runs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Path(&'static str);

/// The texts of all paths so far.
static TEXTS: LazyLock<RwLock<HashSet<&'static str>>> = LazyLock::new(RwLock::default);

/// The one copy of a text.
fn interned(text: &str) -> &'static str {
    // A set of texts is whole at any moment: a panic elsewhere leaves nothing half done.
    let known = TEXTS.read().unwrap_or_else(PoisonError::into_inner).get(text).copied();
    known.unwrap_or_else(|| {
        let mut texts = TEXTS.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = texts.get(text) {
            return known;
        }
        let kept: &'static str = Box::leak(text.into());
        texts.insert(kept);
        kept
    })
}

impl Path {
    /// A path from its text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(interned(text.as_ref()))
    }

    /// `part.field`.
    pub fn of(part: &str, field: &str) -> Self {
        Self::new(format!("{part}.{field}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0
    }

    /// The list element that the path lies in (`items[audit]`), if any.
    pub fn part(&self) -> Option<&str> {
        // Asked of every fact of every quote several times: bytes, since both are ASCII.
        let bytes = self.0.as_bytes();
        let close = bytes.iter().position(|b| *b == b']')?;
        let open = bytes.iter().take(close).any(|b| *b == b'[');
        if open { self.0.get(..=close) } else { None }
    }

    /// What comes after the part (`price`), or the whole path.
    pub fn field(&self) -> &str {
        match self.part() {
            Some(part) => self.0[part.len()..].trim_start_matches('.'),
            None => self.0,
        }
    }

    /// The list that the path lies in (`items`), if any.
    pub fn list(&self) -> Option<&str> {
        self.part().and_then(|p| p.split_once('[')).map(|(list, _)| list)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Ok(Self::new(text))
    }
}

/// Any YAML value, with numbers as they were written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plain {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A bare decimal number, digits as written.
    Number(Amount),
    /// Any other scalar.
    Text(String),
    /// A list.
    List(Vec<Plain>),
    /// A map; keys are unique.
    Map(BTreeMap<String, Plain>),
}

impl Plain {
    /// The scalar as text (`true`, `12.50`, the text itself); `None` for null, lists and maps.
    pub fn scalar(&self) -> Option<String> {
        match self {
            Self::Bool(b) => Some(b.to_string()),
            Self::Number(n) => Some(n.to_string()),
            Self::Text(t) => Some(t.clone()),
            Self::Null | Self::List(_) | Self::Map(_) => None,
        }
    }
}

impl fmt::Display for Plain {
    /// Compact, YAML flow style; for messages and fingerprints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Number(n) => write!(f, "{}", n.canonical()),
            Self::Text(t) => write!(f, "{t:?}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Map(map) => {
                f.write_str("{")?;
                for (i, (key, item)) in map.iter().enumerate() {
                    write!(f, "{}{key:?}: {item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// A value of a fact, already normalised by the provider so that equal means equal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// Nothing there, or cleared.
    Empty,
    /// Text, line ends as `\n`.
    Text(String),
    /// Money, quantity or percent.
    Number(Amount),
    /// Yes or no.
    Bool(bool),
    /// A civil date.
    Date(jiff::civil::Date),
    /// Something that the upstream refers to by id; equal when the ids are.
    Ref {
        /// The remote id.
        id: String,
        /// How a person calls it.
        label: String,
    },
    /// A structure that the provider takes as it is.
    Plain(Plain),
}

impl Value {
    /// Text, or [`Value::Empty`] for the empty text.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::Empty } else { Self::Text(text) }
    }

    /// Whether two values are the same upstream (a reference's label does not count).
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Ref { id: a, .. }, Self::Ref { id: b, .. }) => a == b,
            _ => self == other,
        }
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// The text that goes into a fingerprint: type-tagged and canonical.
    pub fn canonical(&self) -> String {
        match self {
            Self::Empty => "0".to_owned(),
            Self::Text(t) => format!("t{t}"),
            Self::Number(n) => format!("n{}", n.canonical()),
            Self::Bool(b) => format!("b{b}"),
            Self::Date(d) => format!("d{d}"),
            Self::Ref { id, .. } => format!("r{id}"),
            Self::Plain(j) => format!("j{j}"),
        }
    }

    /// The fingerprint of this value at a path of a quote.
    pub fn fingerprint(&self, quote: &QuoteName, path: &Path) -> Fingerprint {
        Fingerprint::of_value(quote, path.as_str(), &self.canonical())
    }

    /// The number, if it is one.
    pub fn number(&self) -> Option<Amount> {
        match self {
            Self::Number(n) => Some(*n),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("(none)"),
            Self::Text(t) => f.write_str(t),
            Self::Number(n) => write!(f, "{n}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Date(d) => write!(f, "{d}"),
            Self::Ref { id, label } if label.is_empty() || label == id => f.write_str(id),
            Self::Ref { id, label } => write!(f, "{label} ({id})"),
            Self::Plain(j) => write!(f, "{j}"),
        }
    }
}

/// All facts of one quote.
pub type Facts = BTreeMap<Path, Value>;

/// The fingerprint of a whole map of facts, for "did anything change since the plan?".
pub fn fingerprint_of(quote: &QuoteName, facts: &Facts) -> Fingerprint {
    let mut parts = vec![quote.as_str().to_owned()];
    for (path, value) in facts {
        parts.push(path.as_str().to_owned());
        parts.push(value.canonical());
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    Fingerprint::of_parts("proforma 2026 facts 1", &parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_know_their_part_and_list() {
        let p = Path::new("items[audit].hubspot.hs_sku");
        assert_eq!(p.part(), Some("items[audit]"));
        assert_eq!(p.field(), "hubspot.hs_sku");
        assert_eq!(p.list(), Some("items"));
        assert_eq!(Path::new("title").part(), None);
        assert_eq!(Path::new("title").field(), "title");
    }

    #[test]
    fn numbers_are_the_same_by_value_and_fingerprint() {
        let q = QuoteName::parse("q").unwrap();
        let p = Path::new("x");
        let a = Value::Number(Amount::parse("178").unwrap());
        let b = Value::Number(Amount::parse("178.00").unwrap());
        assert!(a.same(&b));
        assert_eq!(a.fingerprint(&q, &p), b.fingerprint(&q, &p));
    }
}
