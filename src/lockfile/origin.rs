//! Where a migrated quote came from: the two ends of a move, by their names.
//!
//! Purpose: a migration names the new quote after the old one and the connection it moves to
//! ([`migrated_name`]); a migration in place keeps the name and puts the old entry aside under
//! [`aside_name`]. So the source of a quote that is made can be told from the lockfile, without a
//! key in the manifest, and is then kept in the new entry ([`Provenance`]).
//!
//! Invariants: pure; a source is always an entry of another connection; where two could be meant,
//! the one that [`migrated_name`] leads from wins.

use serde::{Deserialize, Serialize};

use crate::key::{ConnectionName, Fingerprint, QuoteName, RemoteId};
use crate::lockfile::model::{Entry, Lockfile};

/// The longest name of a quote.
const MOST: usize = 63;

/// The other end of a migrated quote: the object that it was copied from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Provenance {
    /// The connection of the source.
    pub connection: ConnectionName,
    /// The source's remote id.
    pub id: RemoteId,
}

/// The name of a quote once it is moved to a connection: `acme.shop`. A name that would be too
/// long is cut, and a digest of all of it keeps it apart from others.
pub fn migrated_name(quote: &QuoteName, to: &ConnectionName) -> QuoteName {
    suffixed(quote, to)
}

/// The name under which the entry of a quote is put aside that moves in place: `acme.crm`.
pub fn aside_name(quote: &QuoteName, from: &ConnectionName) -> QuoteName {
    suffixed(quote, from)
}

fn suffixed(quote: &QuoteName, connection: &ConnectionName) -> QuoteName {
    let whole = format!("{quote}.{connection}");
    if let Some(name) = QuoteName::parse(&whole) {
        return name;
    }
    let digest = Fingerprint::of_parts("proforma 2026 moved name 1", &[&whole]).to_string();
    let digest: String = digest.chars().take(12).collect();
    // Names are ASCII; a connection's name may fill all of the room.
    let tail: String = connection.as_str().chars().take(24).collect();
    let room = MOST - tail.len() - digest.len() - 2;
    let head: String = quote.as_str().chars().take(room).collect();
    QuoteName::parse(&format!("{head}-{digest}.{tail}")).unwrap_or_else(|| quote.clone())
}

/// The entry that a quote on a connection was migrated from, if the lockfile has one.
pub fn origin_of<'l>(
    lockfile: &'l Lockfile,
    quote: &QuoteName,
    connection: &ConnectionName,
) -> Option<(&'l QuoteName, &'l Entry)> {
    let entries = &lockfile.entries;
    let elsewhere = |entry: &Entry| entry.connection != *connection;
    let stem = quote.as_str().strip_suffix(connection.as_str());
    let stem = stem.and_then(|s| s.strip_suffix('.')).and_then(QuoteName::parse);
    if let Some(found) = stem.and_then(|name| entries.get_key_value(&name))
        && elsewhere(found.1)
    {
        return Some(found);
    }
    if quote.as_str().len() == MOST {
        let cut = |(name, entry): &(&QuoteName, &Entry)| {
            elsewhere(entry) && migrated_name(name, connection) == *quote
        };
        if let Some(found) = entries.iter().find(cut) {
            return Some(found);
        }
    }
    let from = QuoteName::parse(&format!("{quote}.")).unwrap_or_else(|| quote.clone());
    let aside = |(name, entry): &(&QuoteName, &Entry)| {
        // A copy that was made from here has the name of one that was put aside.
        let came_from_here = entry.from.as_ref().is_some_and(|f| f.connection == *connection);
        elsewhere(entry) && !came_from_here && aside_name(quote, &entry.connection) == **name
    };
    let all: Vec<_> = entries
        .range(from..)
        .take_while(|(name, _)| name.as_str().starts_with(quote.as_str()))
        .filter(aside)
        .collect();
    // Of a quote that moved twice, the one that the other came to.
    let left = |(_, entry): &&(&QuoteName, &Entry)| {
        let is_it = |from: &Provenance| from.connection == entry.connection && from.id == entry.id;
        all.iter().any(|(_, other)| other.from.as_ref().is_some_and(is_it))
    };
    all.iter().find(|one| !left(one)).or(all.first()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::WorkspaceName;

    fn quote(text: &str) -> QuoteName {
        QuoteName::parse(text).unwrap()
    }

    fn connection(text: &str) -> ConnectionName {
        ConnectionName::parse(text).unwrap()
    }

    fn lockfile(rows: &[(&str, &str, &str)]) -> Lockfile {
        let mut lockfile = Lockfile::new(WorkspaceName::parse("w").unwrap());
        for (name, on, id) in rows {
            let entry = Entry::new(connection(on), "hubspot", RemoteId::parse(id).unwrap());
            lockfile.entries.insert(quote(name), entry);
        }
        lockfile
    }

    fn came(connection_name: &str, id: &str) -> Provenance {
        Provenance { connection: connection(connection_name), id: RemoteId::parse(id).unwrap() }
    }

    fn found(lockfile: &Lockfile, name: &str, on: &str) -> Option<String> {
        origin_of(lockfile, &quote(name), &connection(on)).map(|(_, e)| e.id.to_string())
    }

    #[test]
    fn a_migrated_quote_leads_to_its_source() {
        let mut lock =
            lockfile(&[("acme", "crm", "1"), ("acme.shop", "shop", "2"), ("b", "shop", "3")]);
        lock.entries.get_mut(&quote("acme.shop")).unwrap().from = Some(came("crm", "1"));
        assert_eq!(found(&lock, "acme.shop", "shop").as_deref(), Some("1"));
        assert_eq!(found(&lock, "acme", "crm"), None, "a target is not a source");
        assert_eq!(found(&lock, "b.shop", "shop"), None, "the same connection is no source");
        assert_eq!(found(&lock, "nobody.shop", "shop"), None);
    }

    #[test]
    fn a_quote_moved_in_place_leads_to_the_entry_that_was_put_aside() {
        let lock = lockfile(&[("acme.crm", "crm", "1"), ("acme-2", "crm", "9")]);
        assert_eq!(found(&lock, "acme", "shop").as_deref(), Some("1"));
        assert_eq!(found(&lock, "acme", "crm"), None);
    }

    #[test]
    fn a_quote_that_moved_twice_leads_to_the_last_place() {
        let mut lock = lockfile(&[("acme.crm", "crm", "1"), ("acme.shop", "shop", "2")]);
        lock.entries.get_mut(&quote("acme.shop")).unwrap().from = Some(came("crm", "1"));
        assert_eq!(found(&lock, "acme", "cpq").as_deref(), Some("2"));
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let long = |end: &str| quote(&format!("{}{end}", "a".repeat(60)));
        let shop = connection("shop");
        let (a, b) = (migrated_name(&long("x"), &shop), migrated_name(&long("y"), &shop));
        assert_ne!(a, b);
        assert!(a.as_str().rsplit('.').next() == Some("shop") && a.as_str().len() == MOST, "{a}");
        let lock = lockfile(&[(long("y").as_str(), "crm", "7")]);
        assert_eq!(found(&lock, b.as_str(), "shop").as_deref(), Some("7"));
        let widest = connection(&"c".repeat(63));
        assert!(migrated_name(&long("x"), &widest).as_str().len() == MOST);
    }
}
