//! The end of lists that an upstream gives page by page.
//!
//! Purpose: a list that never ends, or goes in a circle, must end a run with an error: neither
//! with a full memory, nor with half a list that is taken for the whole. Half a list "proves" that
//! a quote is not there, and a second one would be made.
//!
//! Invariants: no cursor is followed twice; no list has more than [`PAGES_MAX`] pages or
//! [`BYTES_MAX`] bytes.

use std::collections::BTreeSet;

/// Pages of one list.
pub const PAGES_MAX: usize = 10_000;
/// Bytes of one list, all its pages together.
pub const BYTES_MAX: usize = 1024 * 1024 * 1024;

/// A list does not come to an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Endless;

/// A list on its way.
#[derive(Debug, Default)]
pub struct Paging {
    cursors: BTreeSet<String>,
    pages: usize,
    bytes: usize,
}

impl Paging {
    /// Counts a page that was read, by the size of its answer.
    pub fn read(&mut self, bytes: usize) -> Result<(), Endless> {
        self.pages += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.pages > PAGES_MAX || self.bytes > BYTES_MAX { Err(Endless) } else { Ok(()) }
    }

    /// Whether this cursor may be followed: it was not before.
    pub fn follow(&mut self, cursor: &str) -> Result<(), Endless> {
        if self.cursors.insert(cursor.to_owned()) { Ok(()) } else { Err(Endless) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles_and_endless_lists_end() {
        let mut list = Paging::default();
        for cursor in ["a", "b", "c"] {
            list.read(10).unwrap();
            list.follow(cursor).unwrap();
        }
        assert_eq!(list.follow("b"), Err(Endless));
        let mut long = Paging::default();
        assert!((0..PAGES_MAX).all(|_| long.read(1).is_ok()));
        assert_eq!(long.read(1), Err(Endless));
        let mut large = Paging::default();
        large.read(BYTES_MAX).unwrap();
        assert_eq!(large.read(1), Err(Endless));
    }
}
