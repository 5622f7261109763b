//! What messages must hold for expressions to match them, in flat tables: asked before an expression itself is looked at.

use super::required::Stretch;

/// For each expression: its sets, their texts, the numbers of those, each behind its count. Of every set, one text must
/// be there; of a text, every number.
#[derive(Debug, Default)]
pub(super) struct Needs {
    numbers: Vec<u32>,
    ends: Vec<u32>,
}

impl Needs {
    pub(super) fn add(&mut self, sets: &[Vec<Vec<u32>>]) {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        for texts in sets {
            self.numbers.push(count(texts.len()));
            for numbers in texts {
                self.numbers.push(count(numbers.len()));
                self.numbers.extend_from_slice(numbers);
            }
        }
        self.ends.push(count(self.numbers.len()));
    }

    pub(super) fn are_met(&self, expression: u32, holds: impl Fn(u32) -> bool) -> bool {
        let place = expression as usize;
        let start = place
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(place).copied().unwrap_or(start);
        let mut needs = self
            .numbers
            .get(start as usize..end as usize)
            .unwrap_or(&[]);
        while let Some((&texts, mut rest)) = needs.split_first() {
            let mut any = false;
            for _ in 0..texts {
                let Some((numbers, behind)) = rest
                    .split_first()
                    .and_then(|(&count, behind)| behind.split_at_checked(count as usize))
                else {
                    return true;
                };
                any = any || numbers.iter().all(|&number| holds(number));
                rest = behind;
            }
            if !any {
                return false;
            }
            needs = rest;
        }
        true
    }
}

/// The words of a message. Most words asked for are not there, and their bit says so at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Present {
    words: Vec<u32>,
    bits: [u64; PRESENT_BITS / 64],
}

/// Bits for the words of a message, by their number.
const PRESENT_BITS: usize = 256;

impl Present {
    pub(super) fn clear(&mut self) {
        self.words.clear();
        self.bits = Default::default();
    }

    pub(super) fn add(&mut self, word: u32) {
        self.words.push(word);
        set(&mut self.bits, word as usize % PRESENT_BITS);
    }

    pub(super) fn holds(&self, word: u32) -> bool {
        is_set(&self.bits, word as usize % PRESENT_BITS) && self.words.contains(&word)
    }
}

/// Which characters stand side by side in a message of plain ASCII in lower case, and whether a digit is in it.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pairs: [u64; PAIR_MARKS / 64],
    digit: bool,
}

/// Marks of two characters side by side.
const PAIR_MARKS: usize = 1024;
/// The mark of any digit.
const ANY_DIGIT: u32 = u32::MAX;

impl Marks {
    /// The marks of a message.
    pub(super) fn read(lower: &str) -> Self {
        let bytes = lower.as_bytes();
        let mut pairs = [0; PAIR_MARKS / 64];
        for &[left, right] in bytes.array_windows() {
            set(&mut pairs, pair(left, right));
        }
        Self {
            pairs,
            digit: bytes.iter().any(u8::is_ascii_digit),
        }
    }

    /// The marks that a message must have for each text of a stretch; none for a single character.
    pub(super) fn of(stretch: &Stretch) -> Vec<Vec<u32>> {
        let mark = |&[left, right]: &[u8; 2]| u32::try_from(pair(left, right)).unwrap_or(ANY_DIGIT);
        match stretch {
            Stretch::Digit => vec![vec![ANY_DIGIT]],
            Stretch::Texts(texts) => texts
                .iter()
                .map(|text| text.as_bytes().array_windows().map(mark).collect())
                .collect(),
        }
    }

    pub(super) fn holds(&self, mark: u32) -> bool {
        if mark == ANY_DIGIT {
            self.digit
        } else {
            is_set(&self.pairs, mark as usize)
        }
    }
}

#[inline]
fn pair(left: u8, right: u8) -> usize {
    (usize::from(left) << 5 ^ usize::from(right)) % PAIR_MARKS
}

#[inline]
fn set(bits: &mut [u64], bit: usize) {
    if let Some(bits) = bits.get_mut(bit / 64) {
        *bits |= 1 << (bit % 64);
    }
}

#[inline]
fn is_set(bits: &[u64], bit: usize) -> bool {
    bits.get(bit / 64)
        .is_some_and(|bits| bits >> (bit % 64) & 1 == 1)
}
