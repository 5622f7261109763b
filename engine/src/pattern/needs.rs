//! What messages must hold for expressions to match them: it stands in the table beside the word that calls an expression
//! up, so that most expressions are dismissed without a look at them. Compiled, they are many and far apart in memory.

use crate::text::{Token, WordId};

use super::code::Code;
use super::required::Need;
use super::table::CODES_MAX;

/// Needs as codes: words, digits and marks, and choices between several. Those beyond what a sequence can hold are left
/// out: the expression itself will tell.
pub(super) fn codes(needs: &[Need<WordId>], stretches: &[Vec<String>]) -> Vec<Code> {
    let mut codes = Vec::new();
    for need in needs {
        match need {
            Need::OneOf(texts) => add(texts, |word| Code::word(*word), &mut codes),
            Need::Digit => add(&[vec![()]], |()| Code::Digit, &mut codes),
        }
    }
    for texts in stretches {
        let marks: Vec<Vec<u32>> = texts.iter().map(|text| Marks::of(text)).collect();
        add(&marks, |&mark| Code::Mark(mark), &mut codes);
    }
    codes
}

fn add<N>(texts: &[Vec<N>], code: impl Fn(&N) -> Code, codes: &mut Vec<Code>) {
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let more = 1 + texts.iter().map(|needs| 1 + needs.len()).sum::<usize>();
    // One is the word that the expression hangs on.
    if 1 + codes.len() + more > CODES_MAX {
        return;
    }
    if let [needs] = texts {
        return codes.extend(needs.iter().map(&code));
    }
    codes.push(Code::OneOf(count(texts.len())));
    for needs in texts {
        codes.push(Code::AllOf(count(needs.len())));
        codes.extend(needs.iter().map(&code));
    }
}

/// Whether a message meets the needs in packed `codes`: its words in this order, its marks anywhere.
#[inline]
pub(super) fn are_met(
    mut codes: &[u32],
    present: &Present,
    mut has_mark: impl FnMut(u32) -> bool,
) -> bool {
    let mut next = |need: u32, from: usize| match Code::unpack(need) {
        Code::Word { atom, .. } => present.next(atom, from),
        Code::Digit => present.has_digit(from).then_some(from),
        Code::Mark(mark) => has_mark(mark).then_some(from),
        _ => None,
    };
    let mut from = 0;
    while let Some((&first, rest)) = codes.split_first() {
        codes = rest;
        let Code::OneOf(texts) = Code::unpack(first) else {
            match next(first, from) {
                Some(place) => from = place,
                None => return false,
            }
            continue;
        };
        let mut nearest = None;
        for _ in 0..texts {
            let Some((needs, behind)) = text(codes) else {
                return true;
            };
            let end = needs.iter().try_fold(from, |from, &need| next(need, from));
            nearest = nearest.into_iter().chain(end).min();
            codes = behind;
        }
        match nearest {
            Some(place) => from = place,
            None => return false,
        }
    }
    true
}

/// The needs of the first text, and what stands behind them.
fn text(codes: &[u32]) -> Option<(&[u32], &[u32])> {
    let (&first, rest) = codes.split_first()?;
    match Code::unpack(first) {
        Code::AllOf(count) => rest.split_at_checked(count as usize),
        _ => None,
    }
}

/// The words of a message in order. Most words asked for are not there, and their bit says so at once.
#[derive(Clone, Debug, Default)]
pub(super) struct Present {
    words: Vec<u32>,
    bits: [u64; PRESENT_BITS / 64],
    /// Byte of the last digit of a plain message. Of others it is not known whether they hold one.
    last_digit: Option<usize>,
    /// The place behind the word that holds it; any place if that is not known.
    digits_end: usize,
}

/// Bits for the words of a message, by their number.
const PRESENT_BITS: usize = 256;

impl Present {
    /// Begins a message, which is `lower` in lower case if it is plain.
    pub(super) fn clear(&mut self, lower: Option<&str>) {
        self.words.clear();
        self.bits = Default::default();
        self.last_digit = lower.and_then(|lower| lower.bytes().rposition(|b| b.is_ascii_digit()));
        self.digits_end = if lower.is_some() { 0 } else { usize::MAX };
    }

    /// Adds a word of `token`, or a part of one; in order of their places in the message.
    pub(super) fn add(&mut self, word: WordId, token: &Token) {
        self.words.push(word.0);
        set(&mut self.bits, word.at() % PRESENT_BITS);
        let holds = |digit| (token.start as usize..token.end as usize).contains(&digit);
        if self.last_digit.is_some_and(holds) {
            self.digits_end = self.words.len();
        }
    }

    /// The first place from `from` on where `word` stands.
    #[inline]
    fn next(&self, word: u32, from: usize) -> Option<usize> {
        if !is_set(&self.bits, word as usize % PRESENT_BITS) {
            return None;
        }
        let mut places = self.words.get(from..)?.iter();
        Some(from + places.position(|&other| other == word)?)
    }

    /// Whether a digit may stand from `from` on.
    fn has_digit(&self, from: usize) -> bool {
        from < self.digits_end
    }
}

/// Which characters stand side by side in a message of plain ASCII in lower case.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    pairs: [u64; PAIR_MARKS / 64],
}

/// Marks of two characters side by side.
const PAIR_MARKS: usize = 1024;

impl Marks {
    /// The marks of a message.
    pub(super) fn read(lower: &str) -> Self {
        let bytes = lower.as_bytes();
        let mut pairs = [0; PAIR_MARKS / 64];
        for &[left, right] in bytes.array_windows() {
            set(&mut pairs, pair(left, right));
        }
        Self { pairs }
    }

    /// The marks that a message must have for a text; none for a single character.
    fn of(text: &str) -> Vec<u32> {
        let pairs = text.as_bytes().array_windows();
        pairs
            .filter_map(|&[left, right]| u32::try_from(pair(left, right)).ok())
            .collect()
    }

    pub(super) fn holds(&self, mark: u32) -> bool {
        is_set(&self.pairs, mark as usize)
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
