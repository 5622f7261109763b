//! Finds the words of patterns that an unknown word of a message may be a misspelling of.
//!
//! Two words within n edits share a form that is left when at most n letters of each are taken away. So every word
//! is filed under those forms, and a misspelling is looked up under its own; what is found is then measured. The cost
//! does not depend on how many words are filed.

use crate::text::hash;

/// Pattern words with fewer letters must be spelled right.
pub(super) const TYPO_LETTERS_MIN: usize = 5;
/// Pattern words with at least so many letters may have two typos.
pub(super) const TWO_TYPOS_LETTERS_MIN: usize = 9;
/// Longer words are not words.
pub(super) const TYPO_LETTERS_MAX: usize = 24;

/// Edits allowed in a pattern's word of so many letters.
pub(super) fn allowed(letters: usize) -> u8 {
    match letters {
        TYPO_LETTERS_MIN..TWO_TYPOS_LETTERS_MIN => 1,
        TWO_TYPOS_LETTERS_MIN..=TYPO_LETTERS_MAX => 2,
        _ => 0,
    }
}

/// Edits (a letter too many, too few, another, or two neighbours swapped) between two words, if at most `most` and the
/// first letter is the same.
pub(super) fn distance(left: &[char], right: &[char], most: u8) -> Option<u8> {
    let most = usize::from(most);
    if left.first() != right.first()
        || left.len().abs_diff(right.len()) > most
        || right.len() > TYPO_LETTERS_MAX + 2
    {
        return None;
    }
    let mut rows = [[0usize; TYPO_LETTERS_MAX + 3]; 3];
    let width = right.len() + 1;
    let mut before = None;
    for (at, cell) in rows[1].iter_mut().enumerate() {
        *cell = at;
    }
    for (row, &a) in left.iter().enumerate() {
        let [two_up, up, current] = &mut rows;
        let mut least = row + 1;
        let mut left_cell = row + 1;
        let mut right_before = None;
        for (column, &b) in right.iter().enumerate() {
            let at = |cells: &[usize; TYPO_LETTERS_MAX + 3], place: usize| {
                cells.get(place).copied().unwrap_or(usize::MAX / 2)
            };
            let mut cost = (at(up, column) + usize::from(a != b))
                .min(at(up, column + 1) + 1)
                .min(left_cell + 1);
            if before == Some(b) && right_before == Some(a) && column > 0 {
                cost = cost.min(at(two_up, column - 1) + 1);
            }
            if column == 0
                && let Some(first) = current.first_mut()
            {
                *first = row + 1;
            }
            if let Some(cell) = current.get_mut(column + 1) {
                *cell = cost;
            }
            left_cell = cost;
            least = least.min(cost);
            right_before = Some(b);
        }
        if least > most {
            return None;
        }
        before = Some(a);
        rows.rotate_left(1);
    }
    let [_, last, _] = &rows;
    last.get(width - 1)
        .and_then(|&edits| u8::try_from(edits).ok())
        .filter(|&edits| usize::from(edits) <= most)
}

/// Whether a word can have typos at all: letters and apostrophes only.
pub(super) fn is_spelled(word: &str) -> bool {
    word.chars().all(|c| c.is_alphabetic() || c == '\'')
}

#[derive(Debug)]
struct Target {
    /// Place in `letters`.
    start: u32,
    letters: u8,
    atom: u32,
}

/// The words that may be misspelled.
#[derive(Debug, Default)]
pub(super) struct Typos {
    targets: Vec<Target>,
    letters: Vec<char>,
    /// High half: a tag of the form's hash; low half: place in `targets` plus one, 0 in an empty slot.
    slots: Box<[u64]>,
    /// By first letter (the last place is for all that are not a to z): bit n is set when a word of n letters is filed.
    lengths: [u32; 27],
    /// One bit for a range of hashes: most forms of most words end here.
    filter: Box<[u64]>,
}

/// Slots for each filed form.
const SLOTS_PER_FORM: usize = 2;
/// Bits of the filter for each filed form.
const FILTER_BITS_PER_FORM: usize = 8;

impl Typos {
    /// Files each word with the atom it stands for.
    pub(super) fn new<'a>(words: impl Iterator<Item = (&'a str, u32)>) -> Self {
        let mut typos = Self::default();
        let mut forms: Vec<(u64, u32)> = Vec::new();
        for (word, atom) in words {
            let start = typos.letters.len();
            typos.letters.extend(word.chars());
            let letters = typos.letters.get(start..).unwrap_or(&[]);
            let edits = allowed(letters.len());
            if edits == 0 || !is_spelled(word) {
                typos.letters.truncate(start);
                continue;
            }
            let place = u32::try_from(typos.targets.len()).unwrap_or(u32::MAX);
            let first = forms.len();
            each_form(letters, edits, |hash| forms.push((hash, place)));
            if let Some(new) = forms.get_mut(first..) {
                new.sort_unstable();
            }
            let length = u8::try_from(letters.len()).unwrap_or(u8::MAX);
            if let Some(lengths) = typos.lengths.get_mut(initial(letters)) {
                *lengths |= 1 << length;
            }
            typos.targets.push(Target {
                start: u32::try_from(start).unwrap_or(u32::MAX),
                letters: length,
                atom,
            });
        }
        forms.dedup();
        typos.file(&forms);
        typos
    }

    fn file(&mut self, forms: &[(u64, u32)]) {
        if forms.is_empty() {
            return;
        }
        self.slots = vec![0; forms.len() * SLOTS_PER_FORM + 1].into_boxed_slice();
        self.filter = vec![0; forms.len() * FILTER_BITS_PER_FORM / 64 + 1].into_boxed_slice();
        for &(hash, target) in forms {
            let bit = hash::place(hash, self.filter.len() * 64);
            if let Some(word) = self.filter.get_mut(bit / 64) {
                *word |= 1 << (bit % 64);
            }
            let mut at = hash::place(hash, self.slots.len());
            while self.slots.get(at).is_some_and(|&slot| slot != 0) {
                at = if at + 1 == self.slots.len() {
                    0
                } else {
                    at + 1
                };
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = (hash >> 32 << 32) | (u64::from(target) + 1);
            }
        }
    }

    /// Calls `each` with the atom of every word that `word` may be a misspelling of, and the number of edits. May call
    /// it more than once for the same atom.
    pub(super) fn find(&self, word: &str, letters: &mut Vec<char>, mut each: impl FnMut(u32, u8)) {
        letters.clear();
        letters.extend(word.chars().take(TYPO_LETTERS_MAX + 3));
        let edits = self.edits(letters);
        if edits == 0 || !is_spelled(word) {
            return;
        }
        let letters = letters.as_slice();
        each_form(letters, edits, |hash| {
            self.look_up(hash, letters, &mut each);
        });
    }

    /// The most edits that could lead from `letters` to a word that is filed, by first letter and length alone.
    fn edits(&self, letters: &[char]) -> u8 {
        let length = letters.len();
        if length + 1 < TYPO_LETTERS_MIN || length > TYPO_LETTERS_MAX + 2 {
            return 0;
        }
        let lengths = self.lengths.get(initial(letters)).copied().unwrap_or(0);
        let near =
            |least: usize, most: usize| lengths >> least & ((1 << (most - least + 1)) - 1) != 0;
        if length + 2 >= TWO_TYPOS_LETTERS_MIN
            && near((length - 2).max(TWO_TYPOS_LETTERS_MIN), length + 2)
        {
            2
        } else {
            u8::from(near(length - 1, length + 1))
        }
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half of the slot is meant"
    )]
    fn look_up(&self, hash: u64, letters: &[char], each: &mut impl FnMut(u32, u8)) {
        let bit = hash::place(hash, self.filter.len() * 64);
        if self
            .filter
            .get(bit / 64)
            .is_none_or(|word| word >> (bit % 64) & 1 == 0)
        {
            return;
        }
        let mut at = hash::place(hash, self.slots.len());
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(0);
            if slot == 0 {
                return;
            }
            if slot >> 32 == hash >> 32
                && let Some(target) = self.targets.get((slot as u32 - 1) as usize)
            {
                let start = target.start as usize;
                let own = self
                    .letters
                    .get(start..start + usize::from(target.letters))
                    .unwrap_or(&[]);
                if let Some(edits) =
                    distance(own, letters, allowed(own.len())).filter(|&edits| edits > 0)
                {
                    each(target.atom, edits);
                }
            }
            at = if at + 1 == self.slots.len() {
                0
            } else {
                at + 1
            };
        }
    }
}

/// Place of a word's first letter in [`Typos::lengths`].
fn initial(letters: &[char]) -> usize {
    letters
        .first()
        .and_then(|&letter| (letter as usize).checked_sub('a' as usize))
        .map_or(26, |place| place.min(26))
}

/// A word's letters as digits of a number to this base, modulo 2⁶⁴: a form's number follows from those of its parts.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Letters of the longest word that is looked up, and one.
const PLACES: usize = TYPO_LETTERS_MAX + 3;

const POWERS: [u64; PLACES] = {
    let mut powers = [1u64; PLACES];
    let mut place = 1;
    while place < PLACES {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            powers[place] = powers[place - 1].wrapping_mul(BASE);
        }
        place += 1;
    }
    powers
};

/// The number of `before` with `places` more letters, which are `behind`, put to it.
#[inline]
fn append(before: u64, places: usize, behind: u64) -> u64 {
    before
        .wrapping_mul(POWERS.get(places).copied().unwrap_or(0))
        .wrapping_add(behind)
}

/// Calls `each` with the hash of every form of `letters` that lacks at most `edits` letters, never the first.
fn each_form(letters: &[char], edits: u8, mut each: impl FnMut(u64)) {
    let mut sums = [0u64; PLACES];
    let mut sum = 0;
    for (place, &letter) in sums.iter_mut().skip(1).zip(letters) {
        sum = append(sum, 1, u64::from(letter));
        *place = sum;
    }
    let to = |end: usize| sums.get(end).copied().unwrap_or(0);
    let part = |from: usize, end: usize| to(end).wrapping_sub(append(to(from), end - from, 0));
    let all = letters.len();
    each(hash::finish(to(all)));
    for first in 1..all {
        let before = to(first);
        each(hash::finish(append(
            before,
            all - first - 1,
            part(first + 1, all),
        )));
        if edits < 2 {
            continue;
        }
        for second in first + 1..all {
            let middle = append(before, second - first - 1, part(first + 1, second));
            each(hash::finish(append(
                middle,
                all - second - 1,
                part(second + 1, all),
            )));
        }
    }
}
