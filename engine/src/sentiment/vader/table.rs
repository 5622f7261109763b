//! VADER's words by number: one hash probe a token, and what is known about the word behind it.
//!
//! Only ASCII tokens can be known. That loses nothing: every token the published tables hold and a text can produce is
//! ASCII once in small letters (a test checks it).

use std::ops::Range;

use crate::sentiment::file::{Entry, What};
use crate::source::SourceId;

/// A key is kept in parts of this size.
const PART_BYTES: usize = 8;
/// Bytes of a key; the last one holds the length, so that no padding can be mistaken for text.
const KEY_BYTES: usize = 3 * PART_BYTES;
const TOKEN_BYTES_MAX: usize = KEY_BYTES - 1;
/// The bits that ASCII leaves at zero.
const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
/// The Kelvin sign: the only character outside ASCII that Python's `lower()` turns into ASCII alone.
const KELVIN: char = '\u{212A}';

/// Number of a word in the [`Table`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WordNumber(pub(super) u16);

impl WordNumber {
    /// A token the table does not hold.
    pub(super) const UNKNOWN: Self = Self(0);
}

/// What VADER knows about a word; all absent for one it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Word {
    /// Its rating, when it is in the lexicon.
    pub(super) rating: Option<f64>,
    /// Added to what it intensifies (or, below zero, dampens).
    pub(super) booster: Option<f64>,
    pub(super) negates: bool,
    pub(super) role: Role,
    /// A phrase of the table begins with it.
    pub(super) begins_phrase: bool,
    /// Where the rating stands.
    pub(super) at: Option<(SourceId, u32)>,
}

/// Words that the rules name one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    None,
    No,
    OrNor,
    Kind,
    Of,
    Least,
    AtVery,
    Never,
    SoThis,
    Without,
    Doubt,
    But,
}

const ROLES: [(&str, Role); 14] = [
    ("no", Role::No),
    ("or", Role::OrNor),
    ("nor", Role::OrNor),
    ("kind", Role::Kind),
    ("of", Role::Of),
    ("least", Role::Least),
    ("at", Role::AtVery),
    ("very", Role::AtVery),
    ("never", Role::Never),
    ("so", Role::SoThis),
    ("this", Role::SoThis),
    ("without", Role::Without),
    ("doubt", Role::Doubt),
    ("but", Role::But),
];

/// Two or three words with a value of their own.
#[derive(Clone, Debug)]
struct Phrase {
    words: Vec<WordNumber>,
    value: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Table {
    /// A tag from the hash above, a word number below; 0 is empty. Small, so that misses stay in the cache.
    slots: Vec<u32>,
    keys: Vec<[u64; 3]>,
    words: Vec<Word>,
    idioms: Vec<Phrase>,
    boosters: Vec<Phrase>,
}

impl Default for Table {
    fn default() -> Self {
        let mut table = Self {
            slots: vec![0; 32],
            keys: vec![[0; 3]],
            words: vec![Word::default()],
            idioms: vec![],
            boosters: vec![],
        };
        for (text, role) in ROLES {
            if let Some(word) = table.word_mut(text) {
                word.role = role;
            }
        }
        table
    }
}

impl Table {
    /// Adds an entry of a lexicon; entries no token can equal (too long, outside ASCII) cannot act and are passed over.
    pub(super) fn add(&mut self, entry: &Entry, source: SourceId) {
        match entry.what {
            What::Weight(rating) => {
                if let Some(word) = self.word_mut(&entry.words) {
                    word.rating = Some(rating);
                    word.at = Some((source, entry.line));
                }
            }
            What::Negation(_) => {
                if let Some(word) = self.word_mut(&entry.words) {
                    word.negates = true;
                }
            }
            What::Intensifier(_, value) if entry.words.contains(' ') => {
                if let Some(phrase) = self.phrase(&entry.words, value) {
                    self.boosters.push(phrase);
                }
            }
            What::Intensifier(_, value) => {
                if let Some(word) = self.word_mut(&entry.words) {
                    word.booster = Some(value);
                }
            }
            What::Idiom(value) => {
                if let Some(phrase) = self.phrase(&entry.words, value) {
                    self.idioms.push(phrase);
                }
            }
            What::Contrast | What::Missing(_) | What::Description(_) | What::Function => {}
        }
    }

    pub(super) fn get(&self, number: WordNumber) -> &Word {
        const UNKNOWN: &Word = &Word {
            rating: None,
            booster: None,
            negates: false,
            role: Role::None,
            begins_phrase: false,
            at: None,
        };
        self.words.get(usize::from(number.0)).unwrap_or(UNKNOWN)
    }

    /// The number of the token at `bytes` of `text`, compared as Python's `lower()` would make it.
    #[inline]
    pub(super) fn find(&self, text: &[u8], bytes: Range<usize>) -> WordNumber {
        match key(text, bytes.clone()) {
            Key::Folded(key) => self.probe(&key).1,
            Key::TooLong => WordNumber::UNKNOWN,
            Key::BeyondAscii => self.find_kelvin(text.get(bytes).unwrap_or_default()),
        }
    }

    /// A token that is not all ASCII is known only if Kelvin signs are all that keeps it from being so.
    #[cold]
    fn find_kelvin(&self, token: &[u8]) -> WordNumber {
        let text = std::str::from_utf8(token).unwrap_or("");
        if !text.contains(KELVIN) {
            return WordNumber::UNKNOWN;
        }
        let ascii = text.replace(KELVIN, "k");
        match key(ascii.as_bytes(), 0..ascii.len()) {
            Key::Folded(key) => self.probe(&key).1,
            Key::TooLong | Key::BeyondAscii => WordNumber::UNKNOWN,
        }
    }

    /// Whether `number` is that of the token at `bytes` of `text`.
    pub(super) fn is(&self, number: WordNumber, text: &[u8], bytes: Range<usize>) -> bool {
        match key(text, bytes) {
            Key::Folded(key) => self.keys.get(usize::from(number.0)) == Some(&key),
            Key::TooLong | Key::BeyondAscii => false,
        }
    }

    /// Value of the idiom that is exactly `words`.
    #[inline]
    pub(super) fn idiom(&self, words: &[WordNumber]) -> Option<f64> {
        self.phrase_value(&self.idioms, words)
    }

    /// Value of the booster of several words that is exactly `words`.
    #[inline]
    pub(super) fn booster(&self, words: &[WordNumber]) -> Option<f64> {
        self.phrase_value(&self.boosters, words)
    }

    fn phrase_value(&self, phrases: &[Phrase], words: &[WordNumber]) -> Option<f64> {
        let first = words.first()?;
        if !self.get(*first).begins_phrase {
            return None;
        }
        phrases
            .iter()
            .find(|phrase| phrase.words == words)
            .map(|phrase| phrase.value)
    }

    /// Words that consist of small letters alone, with their numbers: the ones a vocabulary can hold as they are.
    pub(super) fn plain_words(&self) -> impl Iterator<Item = (String, WordNumber)> {
        let numbers = 1..=u16::MAX;
        self.keys
            .iter()
            .skip(1)
            .zip(numbers)
            .filter_map(|(key, number)| {
                let text: String = key
                    .iter()
                    .flat_map(|part| part.to_le_bytes())
                    .map(char::from)
                    .take(TOKEN_BYTES_MAX)
                    .collect();
                let text = text.trim_end_matches('\0');
                text.bytes()
                    .all(|b| b.is_ascii_lowercase())
                    .then(|| (text.to_owned(), WordNumber(number)))
            })
    }

    /// A phrase can act only when it has two or three words: it is looked for among tokens joined by blanks, and a token
    /// never holds one. This is why the published "badass" does nothing.
    fn phrase(&mut self, words: &str, value: f64) -> Option<Phrase> {
        let words: Vec<&str> = words.split(' ').collect();
        if !(2..=3).contains(&words.len()) {
            return None;
        }
        let numbers: Option<Vec<WordNumber>> = words.iter().map(|word| self.intern(word)).collect();
        let words = numbers?;
        if let Some(first) = words
            .first()
            .and_then(|first| self.words.get_mut(usize::from(first.0)))
        {
            first.begins_phrase = true;
        }
        Some(Phrase { words, value })
    }

    fn word_mut(&mut self, text: &str) -> Option<&mut Word> {
        let number = self.intern(text)?;
        self.words.get_mut(usize::from(number.0))
    }

    /// The number of `text`, made if new; `None` for what no token in small letters can equal.
    fn intern(&mut self, text: &str) -> Option<WordNumber> {
        let reachable = !text.bytes().any(|b| b.is_ascii_uppercase() || b == b' ');
        let Key::Folded(key) = key(text.as_bytes(), 0..text.len()) else {
            return None;
        };
        if !reachable {
            return None;
        }
        let (_, known) = self.probe(&key);
        if known != WordNumber::UNKNOWN {
            return Some(known);
        }
        let number = u16::try_from(self.keys.len()).ok()?;
        self.keys.push(key);
        self.words.push(Word::default());
        if self.keys.len() * 2 > self.slots.len() {
            self.grow();
        } else {
            self.place(&key, number);
        }
        Some(WordNumber(number))
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 2];
        let keys = std::mem::take(&mut self.keys);
        for (key, number) in keys.iter().zip(0..=u16::MAX).skip(1) {
            self.place(key, number);
        }
        self.keys = keys;
    }

    fn place(&mut self, key: &[u64; 3], number: u16) {
        let (slot, _) = self.probe(key);
        if let Some(slot) = self.slots.get_mut(slot) {
            *slot = tag(hash(key)) | u32::from(number);
        }
    }

    /// The slot that holds `key`, or the empty one where it belongs. Ends because half of the slots are empty.
    #[inline]
    fn probe(&self, key: &[u64; 3]) -> (usize, WordNumber) {
        let hash = hash(key);
        let tag = tag(hash);
        let mask = self.slots.len() - 1;
        let mut at = usize::try_from(hash & 0xFFFF_FFFF).unwrap_or(0) & mask;
        loop {
            let slot = self.slots.get(at).copied().unwrap_or(0);
            if slot == 0 {
                return (at, WordNumber::UNKNOWN);
            }
            let number = slot & 0xFFFF;
            if slot & !0xFFFF == tag && self.keys.get(number as usize) == Some(key) {
                return (at, WordNumber(u16::try_from(number).unwrap_or(0)));
            }
            at = (at + 1) & mask;
        }
    }
}

/// A token in the form it is looked up in.
enum Key {
    /// Small letters, padded with zeros, the length in the last byte.
    Folded([u64; 3]),
    TooLong,
    BeyondAscii,
}

#[inline]
fn key(text: &[u8], bytes: Range<usize>) -> Key {
    let length = bytes.end.saturating_sub(bytes.start);
    if length > TOKEN_BYTES_MAX {
        return if text.get(bytes).is_some_and(<[u8]>::is_ascii) {
            Key::TooLong
        } else {
            Key::BeyondAscii
        };
    }
    let part = |nth: usize| {
        part(
            text,
            bytes.start + nth * PART_BYTES,
            length.saturating_sub(nth * PART_BYTES),
        )
    };
    let (first, second, third) = (part(0), part(1), part(2));
    if (first | second | third) & HIGH_BITS != 0 {
        return Key::BeyondAscii;
    }
    Key::Folded([
        small(first),
        small(second),
        small(third) | (length as u64) << (u64::BITS - 8),
    ])
}

/// At most eight bytes of `text` from `at`, of which `length` are meant; the rest are zeros.
#[inline]
fn part(text: &[u8], at: usize, length: usize) -> u64 {
    if length == 0 {
        return 0;
    }
    if let Some(bytes) = text.get(at..).and_then(<[u8]>::first_chunk::<PART_BYTES>) {
        let surplus = PART_BYTES.saturating_sub(length) * 8;
        return u64::from_le_bytes(*bytes) & (u64::MAX >> surplus);
    }
    let rest = text.get(at..).unwrap_or_default();
    rest.iter()
        .take(length)
        .rev()
        .fold(0, |part, &byte| part << 8 | u64::from(byte))
}

/// Makes capitals small in eight ASCII bytes at once: adding carries each byte from `A` (0x41) on, but not those after
/// `Z` (0x5A), into its high bit, which then stands two places left of the bit that tells small letters from capitals.
#[inline]
fn small(part: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let from_a = part + EACH * (0x80 - 0x41);
    let beyond_z = part + EACH * (0x80 - 0x5B);
    part | ((from_a & !beyond_z & HIGH_BITS) >> 2)
}

/// Mixes the three parts; the words are the lexicon's own, so nobody can choose them to collide.
#[inline]
fn hash(key: &[u64; 3]) -> u64 {
    let [a, b, c] = *key;
    let mixed = (a ^ b.rotate_left(23) ^ c.rotate_left(47)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ (mixed >> 32)
}

#[inline]
fn tag(hash: u64) -> u32 {
    // The top bit keeps a slot from looking empty.
    (u32::try_from(hash >> 48).unwrap_or(0) << 16) | 0x8000_0000
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::source::Span;

    const WORDS: [&str; 10] = [
        "good",
        "kind",
        ":)",
        "d:",
        "can't stand",
        "ok",
        "unbelievably",
        "a-23-bytes-long-token-x",
        "o.o",
        "sk8k",
    ];

    fn table() -> Table {
        let mut table = Table::default();
        for word in WORDS {
            let what = What::Weight(1.0);
            table.add(
                &Entry {
                    words: word.to_owned(),
                    what,
                    line: 1,
                    span: Span::default(),
                },
                SourceId(0),
            );
        }
        table
    }

    fn rated(table: &Table, text: &str, token: Range<usize>) -> bool {
        table
            .get(table.find(text.as_bytes(), token))
            .rating
            .is_some()
    }

    proptest! {
        /// The naive twin: a set of strings and the standard library's small letters.
        #[test]
        fn finds_what_a_set_of_strings_finds(
            word in prop_oneof![prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), "[a-zK\u{212A}]{1,4}", ".{0,30}"],
            upper in any::<bool>(),
            kelvin in any::<bool>(),
            after in ".{0,9}",
        ) {
            let word = if upper { word.to_uppercase() } else { word };
            let word = if kelvin { word.replace(['k', 'K'], "\u{212A}") } else { word };
            let set: HashSet<&str> = WORDS.iter().copied().filter(|word| !word.contains(' ')).collect();
            let text = format!("x{word}{after}");
            let expected = set.contains(word.to_lowercase().as_str());
            prop_assert_eq!(rated(&table(), &text, 1..1 + word.len()), expected, "{}", word);
        }
    }
}
