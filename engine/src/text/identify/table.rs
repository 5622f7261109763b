//! The learned table: for every slot of n-grams, what it says for each language it was learned from.
//!
//! Scores are sums of small integers, so that the same text gives the same score on every machine. Which of the
//! languages a pack speaks is not known here.

use super::grams::{READ_CHARS_MAX, SLOT_BITS, Sign, Trail};

/// The languages of the table: the four that the shipped pack speaks, then the neighbours they must not be mistaken for.
pub(crate) const LANGUAGES: [&str; 7] = ["en", "st", "af", "xh", "zu", "tn", "nso"];

/// Bytes of one slot: one signed weight a language, and one unused so that a slot is never cut by a cache line.
pub(crate) const LANES: usize = 8;

/// A score of this much more makes a language e times as likely.
pub(crate) const UNITS_PER_NAT: i32 = 32;

pub(crate) const TABLE_BYTES: usize = LANES << SLOT_BITS;

/// What a text, or one word of it, says for each of [`LANGUAGES`].
pub(crate) type Scores = [i32; LANES];

/// One word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scored {
    /// Bytes of the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) letters: u32,
    pub(crate) scores: Scores,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a> {
    slots: &'a [[u8; LANES]],
}

impl<'a> Table<'a> {
    /// Reads a table as the command wrote it; bytes beyond the last whole slot are not looked at.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            slots: bytes.as_chunks().0,
        }
    }

    /// The words of the first [`READ_CHARS_MAX`] characters of `text` in order, each with its scores.
    pub(crate) fn words(self, text: &'a str) -> Words<'a> {
        Words {
            table: self,
            chars: text.char_indices(),
            left: READ_CHARS_MAX,
            trail: Trail::default(),
        }
    }

    fn add(self, trail: Trail, scores: &mut Scores) {
        // Four weights of eight bits fit sixteen: half the work of adding each to the scores.
        let mut sums = [0_i16; LANES];
        for slot in trail.slots() {
            let Some(weights) = self.slots.get(slot) else {
                continue;
            };
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += i16::from(weight.cast_signed());
            }
        }
        for (score, sum) in scores.iter_mut().zip(sums) {
            *score += i32::from(sum);
        }
    }
}

/// Iterator of [`Table::words`]. N-grams reach back over the edge between two words and count for the later one.
#[derive(Debug)]
pub(crate) struct Words<'a> {
    table: Table<'a>,
    chars: std::str::CharIndices<'a>,
    /// Characters still to be read.
    left: usize,
    trail: Trail,
}

impl Words<'_> {
    fn next_char(&mut self) -> Option<(usize, char)> {
        self.left = self.left.checked_sub(1)?;
        self.chars.next()
    }

    /// Reads on to the end of the word whose first sign was just met at `start`.
    fn rest_of_word(&mut self, start: usize, first: Sign) -> Scored {
        let mut word = Scored {
            start,
            end: start,
            letters: 0,
            scores: Scores::default(),
        };
        let mut next = Some((start, first));
        while let Some((_, sign)) = next {
            match sign {
                Sign::Letter(letter) => {
                    self.trail = self.trail.then(letter);
                    self.table.add(self.trail, &mut word.scores);
                    word.letters += 1;
                }
                Sign::Foreign => self.trail = Trail::default(),
                Sign::Apostrophe => {}
                Sign::Edge => break,
            }
            word.end = self.chars.offset();
            next = self.next_char().map(|(at, c)| (at, Sign::of(c)));
        }
        self.trail = self.trail.then(0);
        self.table.add(self.trail, &mut word.scores);
        word
    }
}

impl Iterator for Words<'_> {
    type Item = Scored;

    fn next(&mut self) -> Option<Scored> {
        loop {
            let (at, c) = self.next_char()?;
            match Sign::of(c) {
                first @ (Sign::Letter(_) | Sign::Foreign) => {
                    return Some(self.rest_of_word(at, first));
                }
                Sign::Apostrophe | Sign::Edge => {}
            }
        }
    }
}
