//! Where the words of a plain text are: which of its bytes are letters and digits. What joins them to longer words is
//! told in `fold`.

use super::MATCHED_CHARS_MAX;

/// Letters, of lower case here, and digits.
#[inline]
fn is_in_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() | byte.is_ascii_digit()
}

/// For each byte of a text a bit that says whether it is a letter or digit: to step from word to word by whole numbers
/// is faster than byte by byte, where the processor cannot foresee the end.
pub(super) struct InWord([u64; MATCHED_CHARS_MAX / 64 + 1]);

/// Multiplied by it, the lowest bits of eight bytes come together in the highest byte.
const GATHER: u64 = 0x0102_0408_1020_4080;

impl InWord {
    pub(super) fn of(lower: &[u8]) -> Self {
        let mut bits = [0; MATCHED_CHARS_MAX / 64 + 1];
        for (bits, bytes) in bits.iter_mut().zip(lower.chunks(64)) {
            // In two steps, of which the compiler does the first for sixteen bytes at a time.
            let mut is = [0; 64];
            for (is, byte) in is.iter_mut().zip(bytes) {
                *is = u8::from(is_in_word(*byte));
            }
            for (eight, place) in is.as_chunks().0.iter().zip((0..64).step_by(8)) {
                *bits |= u64::from_le_bytes(*eight).wrapping_mul(GATHER) >> 56 << place;
            }
        }
        Self(bits)
    }

    /// The first place from `at` on that is, or is not, in a word; behind the text nothing is.
    #[inline]
    pub(super) fn next(&self, mut at: usize, in_word: bool) -> usize {
        let flip = if in_word { 0 } else { u64::MAX };
        while let Some(bits) = self.0.get(at / 64) {
            let rest = (bits ^ flip) >> (at % 64);
            if rest != 0 {
                return at + rest.trailing_zeros() as usize;
            }
            at = (at / 64 + 1) * 64;
        }
        at
    }
}
