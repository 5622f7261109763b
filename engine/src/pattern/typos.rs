//! Finds the words of patterns that an unknown word of a message may be a misspelling of.
//!
//! Two words within n edits share a form that is left when at most n letters of each are taken away. So every word
//! is filed under those forms, and a misspelling is looked up under its own; what is found is then measured. The cost
//! does not depend on how many words are filed.

use crate::text::hash;

use super::filter::Filter;

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
pub(super) fn distance(left: &[u32], right: &[u32], most: u8) -> Option<u8> {
    if left.first() != right.first() || left.len().abs_diff(right.len()) > usize::from(most) {
        return None;
    }
    // What both begin and end with costs nothing, and little else is left of most words.
    let ahead = shared(left.iter(), right.iter());
    let (left, right) = (left.get(ahead..)?, right.get(ahead..)?);
    let behind = shared(left.iter().rev(), right.iter().rev());
    let left = left.get(..left.len() - behind)?;
    let right = right.get(..right.len() - behind)?;
    let edits = match (left, right) {
        ([], rest) | (rest, []) => u8::try_from(rest.len()).ok()?,
        ([_], [_]) => 1,
        ([a, b], [c, d]) if a == d && b == c => 1,
        _ if most < 2 => return None,
        _ => measured(left, right)?,
    };
    (edits <= most).then_some(edits)
}

/// How many letters are the same from where both start.
fn shared<'a>(left: impl Iterator<Item = &'a u32>, right: impl Iterator<Item = &'a u32>) -> usize {
    left.zip(right).take_while(|(a, b)| a == b).count()
}

/// The edits between two words, the long way: row by row, each from the two above it.
fn measured(left: &[u32], right: &[u32]) -> Option<u8> {
    const WIDTH: usize = TYPO_LETTERS_MAX + 3;
    let at = |cells: &[u8; WIDTH], place: usize| cells.get(place).copied().unwrap_or(u8::MAX / 2);
    if right.len() >= WIDTH {
        return None;
    }
    let (mut two_up, mut up) = ([0u8; WIDTH], [0u8; WIDTH]);
    for (cell, edits) in up.iter_mut().zip(0..) {
        *cell = edits;
    }
    let mut before = None;
    for (&a, row) in left.iter().zip(1..) {
        let mut current = [row; WIDTH];
        let mut right_before = None;
        for (column, &b) in right.iter().enumerate() {
            let mut cost = (at(&up, column) + u8::from(a != b))
                .min(at(&up, column + 1) + 1)
                .min(at(&current, column) + 1);
            if before == Some(b) && right_before == Some(a) && column > 0 {
                cost = cost.min(at(&two_up, column - 1) + 1);
            }
            if let Some(cell) = current.get_mut(column + 1) {
                *cell = cost;
            }
            right_before = Some(b);
        }
        before = Some(a);
        (two_up, up) = (up, current);
    }
    up.get(right.len()).copied()
}

/// Whether a word can have typos at all: letters and apostrophes only.
pub(super) fn is_spelled(word: &str) -> bool {
    word.chars().all(|c| c.is_alphabetic() || c == '\'')
}

/// The words that may be misspelled.
#[derive(Debug, Default)]
pub(super) struct Typos {
    /// For each word side by side, so that it is one look: the number of its letters, the number of its atoms, those, and
    /// the letters.
    words: Vec<u32>,
    /// High half: a tag of the form's hash; low half: place in `words` plus one, 0 in an empty slot.
    slots: Box<[u64]>,
    /// By first letter (the last place is for all that are not a to z): bit n is set when a word of n letters is filed.
    lengths: [u32; 27],
    /// Most forms of most words end here.
    filter: Filter,
}

/// Slots for each filed form.
const SLOTS_PER_FORM: usize = 2;

impl Typos {
    /// Files each word with the atom it stands for; one may stand for several.
    pub(super) fn new<'a>(words: impl Iterator<Item = (&'a str, u32)>) -> Self {
        let mut typos = Self::default();
        let mut words: Vec<(&str, u32)> = words.filter(|(word, _)| is_spelled(word)).collect();
        words.sort_unstable();
        let mut forms: Vec<(u64, u32)> = Vec::new();
        for same in words.chunk_by(|left, right| left.0 == right.0) {
            let letters: Vec<u32> = same
                .iter()
                .take(1)
                .flat_map(|(word, _)| word.chars().map(u32::from))
                .collect();
            let edits = allowed(letters.len());
            if edits == 0 {
                continue;
            }
            let place = count(typos.words.len());
            let first = forms.len();
            each_form(&letters, edits, |form| forms.push((form, place)));
            if let Some(new) = forms.get_mut(first..) {
                new.sort_unstable();
            }
            if let Some(lengths) = typos.lengths.get_mut(initial(letters.first().copied())) {
                *lengths |= 1 << letters.len();
            }
            typos
                .words
                .extend([count(letters.len()), count(same.len())]);
            typos.words.extend(same.iter().map(|&(_, atom)| atom));
            typos.words.extend(letters);
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
        self.filter = Filter::new(forms.len());
        for &(form, word) in forms {
            self.filter.add(form);
            let hash = hash::finish(form);
            let mut at = hash::place(hash, self.slots.len());
            while self.slots.get(at).is_some_and(|&slot| slot != 0) {
                at = if at + 1 == self.slots.len() {
                    0
                } else {
                    at + 1
                };
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = (hash >> 32 << 32) | (u64::from(word) + 1);
            }
        }
    }

    /// Calls `each` with the atom of every word that `word` may be a misspelling of, and the number of edits. May call
    /// it more than once for the same atom.
    pub(super) fn find(&self, word: &str, letters: &mut Vec<u32>, mut each: impl FnMut(u32, u8)) {
        let length = if word.is_ascii() {
            word.len()
        } else {
            word.chars().take(TYPO_LETTERS_MAX + 3).count()
        };
        let edits = self.edits(word.chars().next().map(u32::from), length);
        if edits == 0 || !is_spelled(word) {
            return;
        }
        letters.clear();
        letters.extend(word.chars().map(u32::from));
        let letters = letters.as_slice();
        each_form(letters, edits, |form| {
            if self.filter.may_hold(form) {
                self.look_up(hash::finish(form), letters, &mut each);
            }
        });
    }

    /// The most edits that could lead to a word that is filed, by first letter and number of letters alone.
    fn edits(&self, first: Option<u32>, length: usize) -> u8 {
        if length + 1 < TYPO_LETTERS_MIN || length > TYPO_LETTERS_MAX + 2 {
            return 0;
        }
        let lengths = self.lengths.get(initial(first)).copied().unwrap_or(0);
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

    /// The atoms and letters of the word filed at `place`.
    #[inline]
    fn word(&self, place: u32) -> Option<(&[u32], &[u32])> {
        let (&[letters, atoms], rest) = self.words.get(place as usize..)?.split_first_chunk()?;
        let (atoms, rest) = rest.split_at_checked(atoms as usize)?;
        Some((atoms, rest.get(..letters as usize)?))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half of the slot is meant"
    )]
    fn look_up(&self, hash: u64, letters: &[u32], each: &mut impl FnMut(u32, u8)) {
        let mut at = hash::place(hash, self.slots.len());
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(0);
            if slot == 0 {
                return;
            }
            if slot >> 32 == hash >> 32
                && let Some((atoms, own)) = self.word(slot as u32 - 1)
                && let Some(edits) = distance(own, letters, allowed(own.len()))
                && edits > 0
            {
                for &atom in atoms {
                    each(atom, edits);
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

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// Place of a word's first letter in [`Typos::lengths`].
fn initial(letter: Option<u32>) -> usize {
    letter
        .and_then(|letter| letter.checked_sub(u32::from('a')))
        .map_or(26, |place| place.min(26) as usize)
}

/// A word's letters are digits of a number to this base, the first the lowest, modulo 2⁶⁴: without a letter, those
/// behind it come down one place, and the form's number follows from those of its parts.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
/// Multiplied by it, digits come down one place.
const DOWN: u64 = {
    // Newton's way to the inverse of an odd number doubles the bits that are right: 5, 10, 20, 40, 80.
    let mut inverse = BASE.wrapping_mul(3) ^ 2;
    let mut round = 0;
    while round < 4 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(BASE.wrapping_mul(inverse)));
        round += 1;
    }
    inverse
};
const _: () = assert!(BASE.wrapping_mul(DOWN) == 1);
/// Letters of the longest word that is looked up, and one.
const PLACES: usize = TYPO_LETTERS_MAX + 3;

/// Calls `each` with the number of every form of `letters` that lacks at most `edits` letters, never the first.
#[inline]
fn each_form(letters: &[u32], edits: u8, mut each: impl FnMut(u64)) {
    let add = |(sum, power): (u64, u64), &letter: &u32| {
        let sum = u64::wrapping_add(sum, u64::from(letter).wrapping_mul(power));
        (sum, power.wrapping_mul(BASE))
    };
    let (all, _) = letters.iter().fold((0, 1), add);
    each(all);
    // The number of a form without two letters is the sum of what each of them alone says.
    let (mut firsts, mut seconds) = ([0u64; PLACES], [0u64; PLACES]);
    let mut sum = (0, 1);
    let parts = firsts.iter_mut().zip(seconds.iter_mut());
    for ((letter, place), (first, second)) in letters.iter().zip(0..).zip(parts) {
        let before = sum.0;
        sum = add(sum, letter);
        let behind = all.wrapping_sub(sum.0).wrapping_mul(DOWN);
        if place > 0 {
            each(before.wrapping_add(behind));
        }
        *first = before.wrapping_sub(sum.0.wrapping_mul(DOWN));
        *second = before.wrapping_add(behind).wrapping_mul(DOWN);
    }
    if edits < 2 {
        return;
    }
    let count = letters.len().min(PLACES);
    for (place, first) in firsts.iter().enumerate().take(count).skip(1) {
        for second in seconds.get(place + 1..count).unwrap_or(&[]) {
            each(first.wrapping_add(*second));
        }
    }
}
