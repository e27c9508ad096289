//! Seeded randomness of the sandbox's own (splitmix64).
//!
//! The one thing to know: the generator is part of the saved state, so that a sandbox that is
//! started again does not hand out the same slugs twice.

use serde::{Deserialize, Serialize};

use super::options::Percent;

/// A small, fast, reproducible generator. Not for secrets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound` (0 when `bound` is 0).
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// True in `share` of the calls. A share of nought draws nothing, so that switching a fault
    /// off does not change what else is drawn.
    pub(crate) fn chance(&mut self, share: Percent) -> bool {
        share.millionths() > 0 && self.below(1_000_000) < u64::from(share.millionths())
    }

    /// A version 4 UUID in form.
    pub(crate) fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0xfff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }

    /// `length` letters and digits.
    pub(crate) fn slug(&mut self, length: usize) -> String {
        const LETTERS: &[u8; 32] = b"abcdefghijkmnopqrstuvwxyz2345679";
        (0..length)
            .map(|_| {
                let at = usize::try_from(self.below(32)).unwrap_or(0);
                char::from(LETTERS.get(at).copied().unwrap_or(b'a'))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_draws_and_fair_enough() {
        let (mut a, mut b) = (Random::new(7), Random::new(7));
        assert_eq!(a.uuid(), b.uuid());
        assert_eq!(a.slug(12), b.slug(12));
        let share: Percent = "10%".parse().unwrap();
        let hits = (0..10_000).filter(|_| a.chance(share)).count();
        assert!((800..1200).contains(&hits), "{hits}");
        let before = a.clone().next();
        assert!(!a.chance(Percent::default()));
        assert_eq!(a.next(), before);
    }
}
