//! The scorer of the languages that have a lexicon of our own: Sesotho, Afrikaans, isiXhosa.
//!
//! Its values are added up and brought between -1 and 1 as VADER's are, so that one scale holds for all languages. The
//! rest is its own: words are the matcher's, phrases count as one, modifiers say on which side they stand ("baie
//! dankie", "leboha haholo"), nothing reaches over a mark or a "but", a negation acts on the nearest word only, and
//! what everybody needs counts where it is said to be missing ("ha ho metsi"). It does not know VADER's oddities.

use std::collections::HashMap;

use crate::sentiment::file::{Entry, Side, What};
use crate::sentiment::vader::{marks_emphasis, normalised};
use crate::sentiment::why::Why;
use crate::sentiment::{MoodWord, python};
use crate::source::{Location, SourceId};
use crate::text::{Token, TokenKind, VocabularyBuilder, WordId, WordInfo, Words};

/// What capitals add to the size of a value, as in VADER.
const CAPITALS: f64 = 0.733;
/// What a negation multiplies by, as in VADER.
const NEGATED: f64 = -0.74;
const BEFORE_CONTRAST: f64 = 0.5;
const AFTER_CONTRAST: f64 = 1.5;
/// How much of an intensifier's value reaches over one, two and three words; nothing reaches further.
const REACH: [f64; 3] = [1.0, 0.95, 0.9];

/// A language's words, modifiers and phrases.
#[derive(Debug)]
pub(super) struct Valences {
    entries: Vec<(SourceId, Entry)>,
}

/// The same by the numbers of a vocabulary.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// For each word: one more than its place in `starting`, 0 for words no entry begins with.
    by_word: Vec<u16>,
    /// Entries that begin with the same word, the longest first.
    starting: Vec<Vec<Sequence>>,
}

#[derive(Debug)]
struct Sequence {
    words: Vec<WordId>,
    /// Place in [`Valences::entries`].
    entry: usize,
}

/// An entry found in the message.
#[derive(Clone, Copy, Debug)]
struct Mark<'a> {
    entry: &'a Entry,
    source: SourceId,
    /// Tokens `first..=last`.
    first: usize,
    last: usize,
    /// Number of the stretch between marks of punctuation.
    clause: usize,
}

/// What a mark counts.
#[derive(Clone, Copy, Debug)]
struct Counted<'a> {
    mark: Mark<'a>,
    value: f64,
    why: Why,
}

impl Valences {
    pub(super) fn new(entries: Vec<(SourceId, Entry)>) -> Self {
        Self { entries }
    }

    /// Interns every word and ties the entries to the numbers.
    pub(super) fn intern(&self, info: WordInfo, vocabulary: &mut VocabularyBuilder) -> Known {
        let mut sequences: HashMap<WordId, Vec<Sequence>> = HashMap::new();
        for (entry, (_, Entry { words, .. })) in self.entries.iter().enumerate() {
            let words: Vec<WordId> = words
                .split(' ')
                .map(|word| vocabulary.intern(word, info))
                .collect();
            if let Some(first) = words.first().filter(|first| **first != WordId::UNKNOWN) {
                sequences
                    .entry(*first)
                    .or_default()
                    .push(Sequence { words, entry });
            }
        }
        let mut known = Known::default();
        let mut sequences: Vec<(WordId, Vec<Sequence>)> = sequences.into_iter().collect();
        sequences.sort_by_key(|(first, _)| *first);
        for (first, mut list) in sequences {
            list.sort_by_key(|sequence| (std::cmp::Reverse(sequence.words.len()), sequence.entry));
            known.starting.push(list);
            known.by_word.resize(first.0 as usize + 1, 0);
            if let Some(last) = known.by_word.last_mut() {
                *last = u16::try_from(known.starting.len()).unwrap_or(0);
            }
        }
        known
    }

    /// The score and every word that counted.
    pub(super) fn mood(
        &self,
        text: &str,
        words: &Words,
        known: &Known,
        name: &dyn Fn(SourceId, u32) -> Location,
    ) -> (f64, Vec<MoodWord>) {
        let marks = self.marks(text, words, known);
        let capitals_matter = capitals_matter(text, words);
        let contrast = marks
            .iter()
            .position(|mark| mark.entry.what == What::Contrast);
        let mut counted: Vec<Counted<'_>> = Vec::new();
        for at in 0..marks.len() {
            let Some(mut one) = valence(&marks, at) else {
                continue;
            };
            if capitals_matter && in_capitals(text, words, &one.mark) {
                one.value += CAPITALS.copysign(one.value);
                one.why.add(Why::CAPITALS);
            }
            match contrast.map(|contrast| at.cmp(&contrast)) {
                Some(std::cmp::Ordering::Less) => one.scale(BEFORE_CONTRAST, Why::BEFORE_BUT),
                Some(std::cmp::Ordering::Greater) => one.scale(AFTER_CONTRAST, Why::AFTER_BUT),
                _ => {}
            }
            counted.push(one);
        }
        summed(text, words, &counted, name)
    }

    /// The entries in the message, from left to right; the longest wins and none overlap.
    fn marks<'a>(&'a self, text: &str, words: &Words, known: &Known) -> Vec<Mark<'a>> {
        let mut marks = Vec::new();
        let (mut at, mut clause) = (0, 0);
        while let Some(token) = words.tokens.get(at) {
            let before = at
                .checked_sub(1)
                .and_then(|before| words.tokens.get(before));
            clause += usize::from(before.is_some_and(|before| parted(text, before, token)));
            let sequence = known
                .starting_with(token.word)
                .iter()
                .find(|sequence| sequence.stands_at(text, words, at));
            let found = sequence.and_then(|sequence| {
                Some((sequence.words.len(), self.entries.get(sequence.entry)?))
            });
            if let Some((length, (source, entry))) = found {
                marks.push(Mark {
                    entry,
                    source: *source,
                    first: at,
                    last: at + length - 1,
                    clause,
                });
                at += length;
            } else {
                at += 1;
            }
        }
        marks
    }
}

impl Known {
    fn starting_with(&self, word: WordId) -> &[Sequence] {
        let list = self
            .by_word
            .get(word.0 as usize)
            .and_then(|place| place.checked_sub(1));
        list.and_then(|place| self.starting.get(usize::from(place)))
            .map_or(&[], Vec::as_slice)
    }
}

impl Sequence {
    /// Whether the words stand at token `at`, with no punctuation between them.
    fn stands_at(&self, text: &str, words: &Words, at: usize) -> bool {
        let Some(tokens) = words.tokens.get(at..at + self.words.len()) else {
            return false;
        };
        tokens
            .iter()
            .map(|token| token.word)
            .eq(self.words.iter().copied())
            && tokens
                .windows(2)
                .all(|two| matches!(two, [a, b] if !parted(text, a, b)))
    }
}

impl Mark<'_> {
    /// Has a value of its own, so that modifiers beyond it do not reach past it.
    fn valued(&self) -> bool {
        matches!(self.entry.what, What::Weight(_) | What::Missing(_))
    }
}

impl Counted<'_> {
    fn scale(&mut self, factor: f64, why: Why) {
        self.value *= factor;
        self.why.add(why);
    }
}

/// What mark `at` counts among the others; `None` for modifiers and for what is not said to be missing.
fn valence<'a>(marks: &[Mark<'a>], at: usize) -> Option<Counted<'a>> {
    let mark = *marks.get(at)?;
    let (negated, boost) = modified(marks, at, &mark);
    let mut why = Why::LEXICON;
    let mut value = match mark.entry.what {
        What::Weight(weight) if weight != 0.0 => weight,
        What::Missing(weight) if negated => weight,
        _ => return None,
    };
    if boost != 0.0 {
        why.add(if boost > 0.0 {
            Why::INTENSIFIED
        } else {
            Why::DAMPENED
        });
        value += boost.copysign(boost * value);
    }
    match mark.entry.what {
        What::Missing(_) => why.add(Why::MISSING),
        _ if negated => {
            why.negate();
            value *= NEGATED;
        }
        _ => {}
    }
    Some(Counted { mark, value, why })
}

/// Whether a negation acts on `mark`, and what intensifiers add to its size.
fn modified(marks: &[Mark<'_>], at: usize, mark: &Mark<'_>) -> (bool, f64) {
    let (mut negated, mut boost) = (false, 0.0);
    let mut hear = |other: &Mark<'_>, distance: usize, acts: &dyn Fn(Side) -> bool| {
        let Some(reach) = distance.checked_sub(1).and_then(|over| REACH.get(over)) else {
            return;
        };
        match other.entry.what {
            What::Negation(side) if acts(side) => negated = true,
            What::Intensifier(side, value) if acts(side) => boost += value * reach,
            _ => {}
        }
    };
    let stops = |other: &&Mark<'_>| {
        other.clause == mark.clause && !other.valued() && other.entry.what != What::Contrast
    };
    for other in marks.iter().take(at).rev().take_while(stops) {
        hear(other, mark.first - other.last, &Side::before);
    }
    for other in marks.iter().skip(at + 1).take_while(stops) {
        hear(other, other.first - mark.last, &Side::after);
    }
    (negated, boost)
}

fn summed(
    text: &str,
    words: &Words,
    counted: &[Counted<'_>],
    name: &dyn Fn(SourceId, u32) -> Location,
) -> (f64, Vec<MoodWord>) {
    let mut list: Vec<MoodWord> = counted
        .iter()
        .filter_map(|one| {
            let (start, end) = bytes(words, &one.mark)?;
            let text = text.get(start as usize..end as usize)?.to_owned();
            let at = Some(name(one.mark.source, one.mark.entry.line));
            Some(MoodWord {
                text,
                start,
                end,
                value: one.value,
                why: one.why.words(),
                at,
            })
        })
        .collect();
    let sum: f64 = counted.iter().map(|one| one.value).sum();
    let count = |mark: u8| text.bytes().filter(|&byte| byte == mark).count();
    let emphasis = if sum == 0.0 {
        0.0
    } else {
        marks_emphasis(count(b'!'), count(b'?')).copysign(sum)
    };
    if emphasis != 0.0 {
        list.extend(MoodWord::punctuation(text, emphasis));
    }
    (python::round_4(normalised(sum + emphasis)), list)
}

fn bytes(words: &Words, mark: &Mark<'_>) -> Option<(u32, u32)> {
    Some((
        words.tokens.get(mark.first)?.start,
        words.tokens.get(mark.last)?.end,
    ))
}

/// Some words are in capitals and some are not.
fn capitals_matter(text: &str, words: &Words) -> bool {
    let plain = words
        .tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Word);
    let (mut capital, mut other) = (false, false);
    for token in plain {
        let upper = python::is_upper(
            text.get(token.start as usize..token.end as usize)
                .unwrap_or_default(),
        );
        capital |= upper;
        other |= !upper;
    }
    capital && other
}

fn in_capitals(text: &str, words: &Words, mark: &Mark<'_>) -> bool {
    bytes(words, mark).is_some_and(|(start, end)| {
        python::is_upper(text.get(start as usize..end as usize).unwrap_or_default())
    })
}

/// Whether punctuation that ends a clause stands between two tokens that follow each other.
fn parted(text: &str, before: &Token, after: &Token) -> bool {
    let between = text
        .get(before.end as usize..after.start as usize)
        .unwrap_or_default();
    between.contains(['.', ',', ';', ':', '!', '?', '\n', '(', ')', '…', '–', '—'])
}
