//! What each word of a message may stand for: itself, the stem it is a form of, the word it is a misspelling of.

use crate::text::{TokenKind, Vocabulary, VocabularyBuilder, WordId, Words};

use super::affixes::{Cuts, Mask, STEM_BYTES_MIN, stems};
use super::code::STEM;
use super::typos::Typos;

/// A word or stem of patterns that a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Alternative {
    pub(super) atom: u32,
    pub(super) typos: u8,
}

/// A message, as patterns see it.
#[derive(Clone, Debug, Default)]
pub(super) struct Aligned {
    alternatives: Vec<Alternative>,
    /// Where the alternatives of each token end.
    ends: Vec<u32>,
    /// Content words before each token, and in all.
    content: Vec<u32>,
    /// What an unknown word may stand for, and what finding that needs.
    guesses: Vec<Alternative>,
    letters: Vec<u32>,
    cuts: Cuts,
}

impl Aligned {
    pub(super) fn tokens(&self) -> usize {
        self.ends.len()
    }

    #[inline]
    pub(super) fn alternatives(&self, token: usize) -> &[Alternative] {
        let start = token
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(token).copied().unwrap_or(start);
        self.alternatives
            .get(start as usize..end as usize)
            .unwrap_or(&[])
    }

    /// Content words among the tokens `from..to`.
    pub(super) fn content(&self, from: usize, to: usize) -> u32 {
        let before = |token: usize| self.content.get(token).copied().unwrap_or(0);
        before(to).saturating_sub(before(from))
    }
}

/// The words of patterns in their other guises.
#[derive(Debug, Default)]
pub(super) struct Forms {
    /// Words whose forms are known beforehand: those with smaller numbers.
    words: usize,
    /// For each such word, where its stems end in `stems_of`.
    ends: Vec<u32>,
    stems_of: Vec<u32>,
    stems: Stems,
    typos: Typos,
}

impl Forms {
    /// `stems` are the words before `~` with their languages, by stem number; `tolerant` the atoms that may be misspelled.
    pub(super) fn new(
        vocabulary: &VocabularyBuilder,
        stems: &[(WordId, Mask)],
        tolerant: &[u32],
    ) -> Self {
        let word_of = |atom: u32| match atom & STEM {
            0 => Some(WordId(atom)),
            _ => stems.get((atom & !STEM) as usize).map(|&(word, _)| word),
        };
        let typos = Typos::new(
            tolerant
                .iter()
                .filter_map(|&atom| Some((vocabulary.text(word_of(atom)?), atom))),
        );
        let mut forms = Self {
            typos,
            stems: Stems::new(vocabulary, stems),
            ..Self::default()
        };
        forms.words = vocabulary.len();
        let mut cuts = Cuts::default();
        for word in 0..if stems.is_empty() { 0 } else { forms.words } {
            let text = vocabulary.text(WordId(u32::try_from(word).unwrap_or(u32::MAX)));
            let first = forms.stems_of.len();
            forms
                .stems
                .of(text, &mut cuts, |stem| forms.stems_of.push(stem));
            if let Some(new) = forms.stems_of.get_mut(first..) {
                new.sort_unstable();
            }
            forms
                .ends
                .push(u32::try_from(forms.stems_of.len()).unwrap_or(u32::MAX));
        }
        forms
    }

    /// Reads a message for matching.
    pub(super) fn align(&self, words: &Words, vocabulary: &Vocabulary, aligned: &mut Aligned) {
        aligned.alternatives.clear();
        aligned.ends.clear();
        aligned.content.clear();
        aligned.content.push(0);
        let mut content = 0;
        for token in &words.tokens {
            let is_content = token.kind != TokenKind::Emoji
                && !(token.word.is_known() && vocabulary.info(token.word).function);
            content += u32::from(is_content);
            aligned.content.push(content);
            if token.word.at() < self.words {
                aligned.alternatives.push(Alternative {
                    atom: token.word.0,
                    typos: 0,
                });
                for &stem in self.stems_of_word(token.word) {
                    aligned.alternatives.push(Alternative {
                        atom: stem,
                        typos: 0,
                    });
                }
            } else if token.kind != TokenKind::Emoji {
                self.guess(words.text(token), token.word, aligned);
            }
            aligned
                .ends
                .push(u32::try_from(aligned.alternatives.len()).unwrap_or(u32::MAX));
        }
    }

    fn stems_of_word(&self, word: WordId) -> &[u32] {
        let start = word
            .at()
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        let end = self.ends.get(word.at()).copied().unwrap_or(start);
        self.stems_of
            .get(start as usize..end as usize)
            .unwrap_or(&[])
    }

    /// A word that no pattern holds as it stands.
    fn guess(&self, text: &str, word: WordId, aligned: &mut Aligned) {
        let Aligned {
            alternatives,
            guesses,
            letters,
            cuts,
            ..
        } = aligned;
        guesses.clear();
        self.stems.of(text, cuts, |stem| {
            guesses.push(Alternative {
                atom: stem,
                typos: 0,
            });
        });
        // A word that lexicons know is what it is, and never a misspelling.
        if !word.is_known() {
            self.typos.find(text, letters, |atom, typos| {
                guesses.push(Alternative { atom, typos });
            });
        }
        guesses.sort_unstable();
        guesses.dedup_by_key(|guess| guess.atom);
        alternatives.append(guesses);
    }
}

/// The words before `~`.
#[derive(Debug, Default)]
struct Stems {
    table: Vocabulary,
    /// By number in `table`: stem numbers with their languages. One word may be a stem in several languages.
    by_word: Vec<Vec<(u32, Mask)>>,
    /// A bit for the first bytes of every stem: most words hold the beginning of none.
    beginnings: Box<[u64]>,
}

/// Bits of [`Stems::beginnings`].
const BEGINNINGS: usize = 1 << 16;

impl Stems {
    fn new(vocabulary: &VocabularyBuilder, stems: &[(WordId, Mask)]) -> Self {
        let mut words = VocabularyBuilder::default();
        let mut by_word: Vec<Vec<(u32, Mask)>> = Vec::new();
        let mut beginnings = vec![0; BEGINNINGS / 64].into_boxed_slice();
        for (stem, &(word, mask)) in stems.iter().enumerate() {
            let place = words
                .intern(vocabulary.text(word), crate::text::WordInfo::default())
                .at();
            let bit = beginning(vocabulary.text(word).as_bytes());
            if let Some(bits) =
                bit.and_then(|bit| beginnings.get_mut(bit / 64).map(|bits| (bits, bit % 64)))
            {
                *bits.0 |= 1 << bits.1;
            }
            if by_word.len() <= place {
                by_word.resize(place + 1, Vec::new());
            }
            if let Some(own) = by_word.get_mut(place) {
                own.push((STEM | u32::try_from(stem).unwrap_or(0), mask));
            }
        }
        Self {
            table: words.build(),
            by_word,
            beginnings,
        }
    }

    /// Whether a stem may begin at byte `from` of `word`.
    #[inline]
    fn may_begin(&self, word: &[u8], from: usize) -> bool {
        let bit = word.get(from..).and_then(beginning);
        bit.is_some_and(|bit| {
            self.beginnings
                .get(bit / 64)
                .is_some_and(|bits| bits >> (bit % 64) & 1 == 1)
        })
    }

    /// Calls `each` with every stem that `word` is a form of; may repeat one.
    fn of(&self, word: &str, cuts: &mut Cuts, mut each: impl FnMut(u32)) {
        let begins = |from: usize| self.may_begin(word.as_bytes(), from);
        if self.by_word.is_empty() || !(0..word.len()).any(begins) {
            return;
        }
        let mut look_up = |part: &str, languages: Mask| {
            let found = self.table.exact(part);
            for &(stem, mask) in self.by_word.get(found.at()).map_or(&[][..], Vec::as_slice) {
                if mask & languages != 0 {
                    each(stem);
                }
            }
        };
        if begins(0) {
            look_up(word, Mask::MAX);
        }
        if word.len() > STEM_BYTES_MIN {
            stems(word, cuts, begins, look_up);
        }
    }
}

/// The bit of the bytes that every stem has at least.
#[inline]
fn beginning(word: &[u8]) -> Option<usize> {
    let [a, b, c] = *word.first_chunk::<STEM_BYTES_MIN>()?;
    let mixed = u32::from_le_bytes([a, b, c, 0]).wrapping_mul(0x9e37_79b1);
    Some((mixed >> 16) as usize % BEGINNINGS)
}
