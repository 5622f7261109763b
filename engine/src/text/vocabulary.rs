//! The words a pack knows, as numbers.
//!
//! One flat table with open addressing: a look-up is one hash and one probe in most cases. Slots hold short words
//! themselves, so that most are found without a look at their text. Two different folded words never get the same number. What is *not* a word of the pack may stand for one:
//! "heeeelp" for "help", "youll" for "you'll".

use std::collections::HashMap;
use std::ops::Range;

use super::fold::{fold, split};
use super::{Words, hash};

/// Number of a word in a [`Vocabulary`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WordId(pub(crate) u32);

impl WordId {
    pub(crate) const UNKNOWN: Self = Self(u32::MAX);

    pub(crate) fn is_known(self) -> bool {
        self != Self::UNKNOWN
    }

    pub(crate) fn at(self) -> usize {
        self.0 as usize
    }
}

/// What is known about a word besides its number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WordInfo {
    /// Languages whose phrases, lexicon or function words hold it: bit n is the pack's n-th language.
    pub(crate) languages: u16,
    /// Carries no content of its own ("the", "ke", "die"): not counted in a phrase's share of the message.
    pub(crate) function: bool,
}

/// Collects words while a pack is compiled.
#[derive(Debug, Default)]
pub(crate) struct VocabularyBuilder {
    numbers: HashMap<Box<str>, WordId>,
    texts: Texts,
    infos: Vec<WordInfo>,
}

impl VocabularyBuilder {
    /// The number of `word` (any spelling; it is folded here), made if new. `info` is merged into what is known.
    /// What does not fold to exactly one word gets a number too, but no message will ever hold it.
    pub(crate) fn intern(&mut self, word: &str, info: WordInfo) -> WordId {
        let plain = !word.is_empty()
            && word.len() < 64
            && word.bytes().all(|byte| byte.is_ascii_lowercase());
        if plain && !has_long_run(word) {
            self.intern_folded(word, info)
        } else {
            self.intern_folded(&fold(word), info)
        }
    }

    /// [`Self::intern`] for a word that is folded already.
    pub(crate) fn intern_folded(&mut self, folded: &str, info: WordInfo) -> WordId {
        if let Some(&known) = self.numbers.get(folded) {
            if let Some(merged) = self.infos.get_mut(known.at()) {
                merged.languages |= info.languages;
                merged.function |= info.function;
            }
            return known;
        }
        let number = WordId(u32::try_from(self.infos.len()).unwrap_or(u32::MAX));
        self.numbers.insert(folded.into(), number);
        self.texts.push(folded);
        self.infos.push(info);
        number
    }

    /// The folded form of a word.
    pub(crate) fn text(&self, word: WordId) -> &str {
        self.texts.get(word.at())
    }

    /// All words with what is known about them, by number.
    pub(crate) fn words(&self) -> impl Iterator<Item = (&str, WordInfo)> {
        self.infos
            .iter()
            .enumerate()
            .map(|(at, &info)| (self.texts.get(at), info))
    }

    /// Words so far.
    pub(crate) fn len(&self) -> usize {
        self.infos.len()
    }

    pub(crate) fn build(self) -> Vocabulary {
        let Self {
            numbers,
            mut texts,
            infos,
        } = self;
        let mut aliases = Vec::new();
        for at in 0..infos.len() {
            let without: String = texts.get(at).chars().filter(|&c| c != '\'').collect();
            let taken = numbers.contains_key(without.as_str())
                || aliases.iter().any(|(alias, _)| *alias == without);
            if without.len() < texts.get(at).len() && !taken {
                aliases.push((without, WordId(u32::try_from(at).unwrap_or(u32::MAX))));
            }
        }
        for (alias, _) in &aliases {
            texts.push(alias);
        }
        let aliases = aliases.into_iter().map(|(_, word)| word).collect();
        let mut vocabulary = Vocabulary {
            slots: Box::default(),
            texts,
            infos,
            aliases,
        };
        vocabulary.fill();
        vocabulary
    }
}

/// Whether a letter stands three times in a row.
fn has_long_run(word: &str) -> bool {
    let mut threes = word.as_bytes().array_windows();
    threes.any(|&[a, b, c]| a == b && b == c)
}

/// Many short texts in one buffer.
#[derive(Debug, Default)]
struct Texts {
    buffer: String,
    ends: Vec<u32>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.buffer.push_str(text);
        self.ends
            .push(u32::try_from(self.buffer.len()).unwrap_or(u32::MAX));
    }

    fn get(&self, at: usize) -> &str {
        self.buffer.get(self.place(at)).unwrap_or("")
    }

    /// Whether the text at this place is `text`.
    #[inline]
    fn is(&self, at: usize, text: &str) -> bool {
        self.buffer.as_bytes().get(self.place(at)) == Some(text.as_bytes())
    }

    #[inline]
    fn place(&self, at: usize) -> Range<usize> {
        let start = at
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(at).copied().unwrap_or(start);
        start as usize..end as usize
    }
}

/// The finished table: immutable, one probe a word.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary {
    slots: Box<[Slot]>,
    texts: Texts,
    infos: Vec<WordInfo>,
    /// The words meant by the texts behind those of `infos`.
    aliases: Vec<WordId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    key: Key,
    /// Place in `texts` plus one, 0 in an empty slot.
    place: u32,
}

/// A word in twelve bytes. Equal keys mean equal words, but for long ones, whose texts must be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key {
    head: u64,
    /// The highest byte is the number of bytes, or [`LONG`].
    tail: u32,
}

/// Bytes of the longest word that fits a key.
const KEY_BYTES: usize = 11;
const LONG: u8 = u8::MAX;

impl Key {
    #[inline]
    fn of(word: &[u8]) -> Self {
        let (head, [a, b, c]) = if word.len() > KEY_BYTES {
            return Self {
                head: hash::of_bytes(word),
                tail: u32::from_le_bytes([0, 0, 0, LONG]),
            };
        } else if let (Some(first), Some(last)) = (word.first_chunk::<8>(), word.last_chunk::<3>())
        {
            (u64::from_le_bytes(*first), *last)
        } else if let (Some(first), Some(last)) = (word.first_chunk::<4>(), word.last_chunk::<4>())
        {
            let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
            (u64::from(first) << 32 | u64::from(last), [0; 3])
        } else {
            let bytes = word.iter().fold(0, |all, &byte| all << 8 | u64::from(byte));
            (bytes, [0; 3])
        };
        let length = u8::try_from(word.len()).unwrap_or(LONG);
        Self {
            head,
            tail: u32::from_le_bytes([a, b, c, length]),
        }
    }

    #[inline]
    fn is_long(self) -> bool {
        self.tail.to_le_bytes()[3] == LONG
    }

    #[inline]
    fn hash(self) -> u64 {
        hash::finish(hash::mix(self.head, self.tail.into()))
    }
}

/// Slots of the table for each word in it.
const SLOTS_PER_WORD: usize = 2;
/// Runs of a letter in one unknown word that are tried shorter.
const SHORTENED_RUNS_MAX: usize = 3;

impl Vocabulary {
    /// Folds and splits `text` into `words`, each with its number.
    pub(crate) fn read(&self, text: &str, words: &mut Words) {
        split(text, words, |folded| self.number(folded));
    }

    pub(crate) fn info(&self, word: WordId) -> WordInfo {
        self.infos.get(word.at()).copied().unwrap_or_default()
    }

    /// The number of a folded word.
    #[inline]
    pub(crate) fn number(&self, folded: &str) -> WordId {
        let found = self.find(folded);
        if found.is_known() || folded.len() < 3 || !has_long_run(folded) {
            return found;
        }
        self.shortened(folded)
    }

    /// The number of a folded word, with no other word read for it.
    pub(crate) fn exact(&self, folded: &str) -> WordId {
        self.place(folded)
            .filter(|&place| place < self.infos.len())
            .map_or(WordId::UNKNOWN, |place| self.at(place))
    }

    #[inline]
    fn find(&self, folded: &str) -> WordId {
        self.place(folded)
            .map_or(WordId::UNKNOWN, |place| self.at(place))
    }

    /// Place of a word or alias in `texts`.
    #[inline]
    fn place(&self, folded: &str) -> Option<usize> {
        let key = Key::of(folded.as_bytes());
        let mut at = hash::place(key.hash(), self.slots.len());
        loop {
            let slot = self.slots.get(at)?;
            let place = slot.place.checked_sub(1)? as usize;
            if slot.key == key && (!key.is_long() || self.texts.is(place, folded)) {
                return Some(place);
            }
            at = if at + 1 == self.slots.len() {
                0
            } else {
                at + 1
            };
        }
    }

    #[inline]
    fn at(&self, place: usize) -> WordId {
        match place.checked_sub(self.infos.len()) {
            None => WordId(u32::try_from(place).unwrap_or(u32::MAX)),
            Some(alias) => self.aliases.get(alias).copied().unwrap_or(WordId::UNKNOWN),
        }
    }

    /// A word with letters drawn out, read as the known word with those letters twice or once; twice is tried first.
    fn shortened(&self, folded: &str) -> WordId {
        let mut pieces: Vec<(char, usize)> = Vec::new();
        for c in folded.chars() {
            match pieces.last_mut() {
                Some((last, count)) if *last == c => *count += 1,
                _ => pieces.push((c, 1)),
            }
        }
        let runs: Vec<usize> = (0..pieces.len())
            .filter(|&at| {
                pieces
                    .get(at)
                    .is_some_and(|piece| piece.1 >= 3 && piece.0.is_alphabetic())
            })
            .collect();
        if runs.is_empty() || runs.len() > SHORTENED_RUNS_MAX {
            return WordId::UNKNOWN;
        }
        for choice in 1..3usize.pow(u32::try_from(runs.len()).unwrap_or(0)) {
            let mut left = choice;
            let mut copy = pieces.clone();
            for run in &runs {
                if let Some(piece) = copy.get_mut(*run) {
                    piece.1 = 3 - left % 3;
                }
                left /= 3;
            }
            let word: String = copy
                .iter()
                .flat_map(|&(c, count)| std::iter::repeat_n(c, count))
                .collect();
            let found = self.find(&word);
            if found.is_known() {
                return found;
            }
        }
        WordId::UNKNOWN
    }

    fn fill(&mut self) {
        let count = self.texts.ends.len();
        self.slots = vec![Slot::default(); count * SLOTS_PER_WORD + 1].into_boxed_slice();
        for place in 0..count {
            let key = Key::of(self.texts.get(place).as_bytes());
            let mut at = hash::place(key.hash(), self.slots.len());
            while self.slots.get(at).is_some_and(|slot| slot.place != 0) {
                at = if at + 1 == self.slots.len() {
                    0
                } else {
                    at + 1
                };
            }
            if let Some(slot) = self.slots.get_mut(at) {
                let place = u32::try_from(place + 1).unwrap_or(0);
                *slot = Slot { key, place };
            }
        }
    }
}
