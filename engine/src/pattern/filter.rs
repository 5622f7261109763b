//! Says of most keys that a large table does not hold them, from a small one that stays close to the processor.

use crate::text::hash;

/// Two bits for each key, in one word. What it denies is not there; a few of a hundred other keys it does not deny.
#[derive(Debug, Default)]
pub(super) struct Filter {
    words: Box<[u64]>,
}

/// Bits for each key.
const BITS_PER_KEY: usize = 12;
/// An odd number with bits all over: multiplied by it, every bit of a key reaches the high ones.
const SPREAD: u64 = 0xd6e8_feb8_6659_fd93;

impl Filter {
    /// For so many keys.
    pub(super) fn new(keys: usize) -> Self {
        Self {
            words: vec![0; keys * BITS_PER_KEY / 64 + 1].into_boxed_slice(),
        }
    }

    pub(super) fn add(&mut self, key: u64) {
        let (place, bits) = self.place(key);
        if let Some(word) = self.words.get_mut(place) {
            *word |= bits;
        }
    }

    #[inline]
    pub(super) fn may_hold(&self, key: u64) -> bool {
        let (place, bits) = self.place(key);
        self.words
            .get(place)
            .is_some_and(|word| word & bits == bits)
    }

    #[inline]
    fn place(&self, key: u64) -> (usize, u64) {
        let spread = key.wrapping_mul(SPREAD);
        let bits = 1 << (spread >> 20 & 63) | 1 << (spread >> 26 & 63);
        (hash::place(spread >> 32, self.words.len()), bits)
    }
}
