//! The text form of the lockfile: writing.
//!
//! ```text
//! # comment
//! proforma-lock 1
//! workspace acme-sales
//!
//! quote acme-seo-2027
//!   connection crm
//!   provider hubspot
//!   id 9001
//!   ...
//!   field title 0123456789abcdef0123456789abcdef
//!
//! end
//! ```
//!
//! History: format 1 (2026) is the first. Format 2 (2026) adds `from`; it is written where an entry
//! has that line, so that a workspace which never migrated a quote stays readable to older
//! versions. A reader refuses formats that it does not know. A change that an older reader would
//! misread needs a new number; there is no other kind of change, because unknown lines are errors.
//!
//! Rules, all for the sake of git: one fact a line, so that a diff names what changed; entries and
//! facts sorted, so that equal memories are equal texts; one contiguous block a quote with a blank
//! line between, so that branches which touch different quotes merge by themselves; the last line
//! is always `end`, so that a cut file is noticed and appending never touches a neighbour's lines.
//!
//! Ids, links, names and fingerprints are printable ASCII without spaces and stand as they are.
//! Free texts (paths, parts, states, labels of links) are one token too: `%`, spaces, controls and
//! everything outside ASCII are percent-encoded bytes of UTF-8; the empty text is a lone `%`.

use crate::key::QuoteName;
use crate::lockfile::model::{Entry, Lockfile};

/// The newest format that this version reads, and writes where it is needed.
pub const FORMAT: u32 = 2;

/// The oldest format that says all of a lockfile.
fn format_of(lockfile: &Lockfile) -> u32 {
    if lockfile.entries.values().any(|e| e.from.is_some()) { FORMAT } else { 1 }
}

/// What every lockfile ends with.
pub(crate) const END: &str = "\nend\n";

const HEAD: &str = "\
# What proforma made, where it lives upstream, and what was applied last. Commit this file.
# Written by proforma; do not edit. After a git conflict: `proforma lock merge`.
";

/// The canonical text: equal lockfiles give equal texts.
pub fn print(lockfile: &Lockfile) -> String {
    let lines: usize = lockfile.entries.values().map(|e| 12 + e.fields.len() + e.parts.len()).sum();
    let mut out = String::with_capacity(256 + lines * 64);
    out.push_str(HEAD);
    line(&mut out, "", &["proforma-lock", &format_of(lockfile).to_string()]);
    line(&mut out, "", &["workspace", lockfile.workspace.as_str()]);
    for (quote, entry) in &lockfile.entries {
        out.push('\n');
        print_entry(&mut out, quote, entry);
    }
    out.push_str(END);
    out
}

/// One block, without the blank line before it.
pub(crate) fn print_entry(out: &mut String, quote: &QuoteName, entry: &Entry) {
    line(out, "", &["quote", quote.as_str()]);
    let mut fact = |words: &[&str]| line(out, "  ", words);
    fact(&["connection", entry.connection.as_str()]);
    fact(&["provider", &encode(&entry.provider)]);
    fact(&["id", entry.id.as_str()]);
    if let Some(stamp) = &entry.stamp {
        fact(&["stamp", stamp.as_str()]);
    }
    if let Some(created) = &entry.created {
        fact(&["created", &encode(created)]);
    }
    if let Some(predecessor) = &entry.predecessor {
        fact(&["predecessor", predecessor.as_str()]);
    }
    if let Some(was) = &entry.was {
        fact(&["was", was.as_str()]);
    }
    if let Some(from) = &entry.from {
        fact(&["from", from.connection.as_str(), from.id.as_str()]);
    }
    fact(&["revision", &entry.revision.to_string()]);
    fact(&["generation", &entry.generation.to_string()]);
    if entry.protect {
        fact(&["protect", "true"]);
    }
    if let Some(state) = &entry.state {
        fact(&["state", &encode(state)]);
    }
    if let Some(total) = &entry.total {
        let amount = total.amount.at_least(total.currency.digits());
        fact(&["total", &amount.to_string(), total.currency.code()]);
    }
    for (label, url) in &entry.links {
        fact(&["link", &encode(label), url]);
    }
    for (path, reference) in &entry.refs {
        fact(&["ref", &encode(path), &reference.asked.to_string(), reference.id.as_str()]);
    }
    for (part, id) in &entry.parts {
        fact(&["part", &encode(part), id.as_str()]);
    }
    for (path, fingerprint) in &entry.fields {
        fact(&["field", &encode(path.as_str()), &fingerprint.to_string()]);
    }
}

fn line(out: &mut String, indent: &str, words: &[&str]) {
    out.push_str(indent);
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out.push('\n');
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'%'
}

/// A free text as one token.
pub(crate) fn encode(text: &str) -> std::borrow::Cow<'_, str> {
    if text.is_empty() {
        return "%".into();
    }
    if text.bytes().all(is_plain) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if is_plain(byte) {
            out.push(char::from(byte));
        } else {
            push_hex(&mut out, byte);
        }
    }
    out.into()
}

/// `%2F`.
pub(crate) fn push_hex(out: &mut String, byte: u8) {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0').to_ascii_uppercase();
    out.push('%');
    out.push(digit(byte >> 4));
    out.push(digit(byte & 15));
}

/// A token back as free text; `None` if it is not what [`encode`] gives, so that a text has one
/// spelling only.
pub(crate) fn decode(token: &str) -> Option<String> {
    if token.bytes().all(is_plain) {
        return (!token.is_empty()).then(|| token.to_owned());
    }
    if token == "%" {
        return Some(String::new());
    }
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let pair = [rest.next()?, rest.next()?];
            let hex = std::str::from_utf8(&pair).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    (encode(&text) == token).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_texts_have_one_spelling() {
        for (text, token) in [
            ("items[audit].price", "items[audit].price"),
            ("fields[Shipping address]", "fields[Shipping%20address]"),
            ("100%", "100%25"),
            ("å\n", "%C3%A5%0A"),
            ("", "%"),
        ] {
            assert_eq!(encode(text), token);
            assert_eq!(decode(token).as_deref(), Some(text));
        }
        for bad in ["", "%4", "%+1", "%61", "%c3%a5", "%FF", "a b", "å"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }
}
