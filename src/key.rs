//! Names, ids, stamps and fingerprints as types.
//!
//! Purpose: no bare `String` decides which remote object is touched. Names are checked when made;
//! [`Stamp`] and [`Fingerprint`] can only be computed here.
//!
//! Invariants: a [`Stamp`] is a pure function of workspace, quote, revision and part, so that any
//! machine finds what another one made. A [`Fingerprint`] is bound to its quote and path, so equal
//! values in two places do not look alike in the lockfile.

use std::fmt;
use std::sync::LazyLock;

use blake3::hazmat::HasherExt as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

macro_rules! text_key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

text_key!(
    /// The identity of a quote in its workspace: `[a-z0-9][a-z0-9._-]{0,62}`.
    QuoteName
);
text_key!(
    /// The name of a connection (one upstream account) in the workspace file.
    ConnectionName
);
text_key!(
    /// The name of the workspace; part of every stamp.
    WorkspaceName
);
text_key!(
    /// An id that the upstream gave: opaque, printable ASCII, at most 128 characters, no spaces.
    RemoteId
);
text_key!(
    /// The identity of a step in a plan: `<quote>/<number>`, or `<connection>!<number>` for a
    /// preparation that belongs to no quote.
    StepId
);

/// The rule that names of quotes, connections, workspaces and products share.
pub const NAME_RULE: &str = "lower-case letters, digits, `.`, `_` and `-`, starting with a letter or digit, at most 63 characters";

/// Whether a text follows [`NAME_RULE`].
pub fn is_name(text: &str) -> bool {
    let head = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let tail = |b: u8| head(b) || matches!(b, b'.' | b'_' | b'-');
    let bytes = text.as_bytes();
    bytes.len() <= 63 && bytes.first().copied().is_some_and(head) && bytes.iter().copied().all(tail)
}

macro_rules! checked_name {
    ($($name:ident),*) => {$(
        impl $name {
            /// The name, if it follows [`NAME_RULE`].
            pub fn parse(text: &str) -> Option<Self> {
                is_name(text).then(|| Self(text.to_owned()))
            }
        }
    )*};
}
checked_name!(QuoteName, ConnectionName, WorkspaceName);

impl RemoteId {
    /// The id, if it is printable ASCII without spaces or quotes and not longer than 128.
    pub fn parse(text: &str) -> Option<Self> {
        let fine = |b: u8| b.is_ascii_graphic() && b != b'"';
        (!text.is_empty() && text.len() <= 128 && text.bytes().all(fine))
            .then(|| Self(text.to_owned()))
    }
}

impl StepId {
    /// The n-th step of a quote.
    pub fn of_quote(quote: &QuoteName, n: usize) -> Self {
        Self(format!("{quote}/{n:02}"))
    }

    /// The n-th preparation of a connection.
    pub fn of_connection(connection: &ConnectionName, n: usize) -> Self {
        Self(format!("{connection}!{n:02}"))
    }
}

/// The mark on a remote object that says which workspace, quote and part own it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stamp(String);

impl Stamp {
    /// What every stamp begins with; the digit is the format.
    pub const PREFIX: &'static str = "pf1-";

    /// The stamp of a quote (`part` empty) or of one of its parts (`items[audit]`). `revision`
    /// counts the replacements of the quote, so that a replacement never carries its
    /// predecessor's mark.
    pub fn new(workspace: &WorkspaceName, quote: &QuoteName, revision: u32, part: &str) -> Self {
        let mut hash = blake3::Hasher::new_derive_key("proforma 2026 stamp 1");
        let revision = revision.to_string();
        for field in [workspace.as_str(), quote.as_str(), &revision, part] {
            hash.update(&(field.len() as u64).to_le_bytes());
            hash.update(field.as_bytes());
        }
        Self(format!("{}{}", Self::PREFIX, short_hex(&hash.finalize())))
    }

    /// Reads a stamp back from a remote object or the lockfile; `None` if it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix(Self::PREFIX)?;
        is_short_hex(hex).then(|| Self(text.to_owned()))
    }

    /// The text as it stands on the remote object.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The context of a value's fingerprint, hashed once: it is taken of every field of every quote.
static FIELD: LazyLock<blake3::hazmat::ContextKey> =
    LazyLock::new(|| blake3::hazmat::hash_derive_key_context("proforma 2026 field 1"));

/// A digest of one value (or of one whole object): 128 bits of blake3, hex where it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a value at a path of a quote.
    pub fn of_value(quote: &QuoteName, path: &str, canonical: &str) -> Self {
        Self::finish(
            blake3::Hasher::new_from_context_key(&FIELD),
            &[quote.as_str(), path, canonical],
        )
    }

    /// The fingerprint of a list of texts under a named context.
    pub fn of_parts(context: &str, parts: &[&str]) -> Self {
        Self::finish(blake3::Hasher::new_derive_key(context), parts)
    }

    fn finish(mut hash: blake3::Hasher, parts: &[&str]) -> Self {
        for part in parts {
            hash.update(&(part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        Self::of_hash(&hash.finalize())
    }

    fn of_hash(hash: &blake3::Hash) -> Self {
        let mut short = [0; 16];
        short.iter_mut().zip(hash.as_bytes()).for_each(|(to, from)| *to = *from);
        Self(short)
    }

    /// Reads the hex form: 32 lower-case digits.
    pub fn parse(text: &str) -> Option<Self> {
        if !is_short_hex(text) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|n| Self(n.to_be_bytes()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("a fingerprint is 32 hex digits"))
    }
}

/// Takes the fingerprint of something while it is written out, so that a large value never stands
/// in memory twice.
#[derive(Debug)]
pub struct Digester(blake3::Hasher);

impl Digester {
    /// Under a named context.
    pub fn new(context: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(context))
    }

    /// The fingerprint of all that was written.
    pub fn finish(&self) -> Fingerprint {
        Fingerprint::of_hash(&self.0.finalize())
    }
}

impl std::io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn short_hex(hash: &blake3::Hash) -> String {
    hash.to_hex().as_str().get(..32).unwrap_or_default().to_owned()
}

fn is_short_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for good in ["a", "acme-seo-2027", "0.x_y"] {
            assert!(QuoteName::parse(good).is_some(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in ["", "-a", "A", "a b", "å", "a/b", long.as_str()] {
            assert!(QuoteName::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn stamps_differ_in_each_part_and_round_trip() {
        let w = WorkspaceName::parse("w").unwrap();
        let q = QuoteName::parse("q").unwrap();
        let base = Stamp::new(&w, &q, 0, "");
        assert_eq!(base, Stamp::new(&w, &q, 0, ""));
        assert_ne!(base, Stamp::new(&w, &q, 1, ""));
        assert_ne!(base, Stamp::new(&w, &q, 0, "items[a]"));
        assert_eq!(Stamp::parse(base.as_str()), Some(base));
        assert_eq!(Stamp::parse("pf1-xyz"), None);
    }

    #[test]
    fn fingerprints_round_trip_as_hex() {
        let parts = ["q", "title", "tA"];
        assert_eq!(
            Fingerprint::of_value(&QuoteName::parse("q").unwrap(), "title", "tA"),
            Fingerprint::of_parts("proforma 2026 field 1", &parts)
        );
        let fingerprint = Fingerprint::of_parts("test", &["a"]);
        let text = fingerprint.to_string();
        assert_eq!(text.len(), 32);
        assert_eq!(Fingerprint::parse(&text), Some(fingerprint));
        assert_eq!(Fingerprint::parse(&text.to_uppercase().replace(['0', '1'], "A")), None);
        assert_eq!(Fingerprint::parse(text.get(1..).unwrap()), None);
        assert_eq!(Fingerprint::parse("+0000000000000000000000000000000"), None);
        let json = serde_json::to_string(&fingerprint).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), fingerprint);
        assert!(serde_json::from_str::<Fingerprint>("\"zz\"").is_err());
    }
}
