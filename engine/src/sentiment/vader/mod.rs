//! VADER for English, equal to the Python package `vaderSentiment` 3.3.2 on `CPython` 3.11.
//!
//! Every sum is done in the order of the original, because the figures must agree to the last printed decimal. Nothing
//! is corrected here: what the original gets wrong is wrong here too, and later layers mend it by name.

mod but;
mod table;
mod text;
mod valence;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use crate::sentiment::file::{Entry, What};
use crate::sentiment::python;
use crate::sentiment::why::Why;
use crate::sentiment::{MoodWord, Polarity};
use crate::source::{Location, SourceId};
use crate::text::{VocabularyBuilder, WordId, WordInfo, Words};

use table::{Role, Table, WordNumber};
use text::{Emoji, Read, Token};
use valence::Surroundings;

/// Tokens that are given room for at once; longer texts grow.
const TOKENS_USUAL: usize = 32;

/// VADER's lists, ready to score with.
#[derive(Clone, Debug, Default)]
pub(super) struct Vader {
    table: Table,
    emoji: Emoji,
}

/// VADER's words by the numbers of a pack's vocabulary.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    words: Vec<WordNumber>,
}

/// Sums over a text.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    all: f64,
    positive: f64,
    negative: f64,
    neutral: f64,
}

impl Vader {
    /// Adds what the lexicon files hold.
    pub(super) fn add(&mut self, entry: &Entry, source: SourceId) {
        match &entry.what {
            What::Description(description) => self.emoji.add(&entry.words, description),
            _ => self.table.add(entry, source),
        }
    }

    /// Interns the words a vocabulary can hold as they are: small letters only.
    pub(super) fn intern(&self, info: WordInfo, vocabulary: &mut VocabularyBuilder) -> Known {
        let numbers: HashMap<WordId, WordNumber> = self
            .table
            .plain_words()
            .map(|(word, number)| (vocabulary.intern(&word, info), number))
            .collect();
        let length = numbers
            .keys()
            .filter(|id| **id != WordId::UNKNOWN)
            .map(|id| id.0 as usize + 1)
            .max()
            .unwrap_or(0);
        let mut words = vec![WordNumber::UNKNOWN; length];
        for (id, number) in numbers {
            if let Some(word) = words.get_mut(id.0 as usize) {
                *word = number;
            }
        }
        Known { words }
    }

    /// The four figures.
    pub(super) fn polarity(&self, raw: &str) -> Polarity {
        let read = self.emoji.expand(raw);
        let mut tokens = Vec::with_capacity(TOKENS_USUAL);
        text::tokens(
            &read.text,
            |text, token| self.table.find(text, token),
            &mut tokens,
        );
        self.weigh(&mut tokens, |_, _| {});
        figures(&tokens, emphasis(&read.text))
    }

    /// The figures and every word that counted, by the look-ups of `words` where they fit; `known` belongs to the
    /// vocabulary `words` were read with.
    pub(super) fn mood(
        &self,
        raw: &str,
        words: &Words,
        known: &Known,
        name: &dyn Fn(SourceId, u32) -> Location,
    ) -> (Polarity, Vec<MoodWord>) {
        let read = self.emoji.expand(raw);
        let mut tokens = Vec::with_capacity(TOKENS_USUAL);
        if matches!(read.text, Cow::Borrowed(_)) {
            let mut ride = Ride {
                table: &self.table,
                known,
                words,
                next: 0,
            };
            text::tokens(
                &read.text,
                |text, token| ride.find(text, token),
                &mut tokens,
            );
        } else {
            // Descriptions are not in the message, so nobody has looked them up.
            text::tokens(
                &read.text,
                |text, token| self.table.find(text, token),
                &mut tokens,
            );
        }
        let mut whys = vec![Why::NOTHING; tokens.len()];
        self.weigh(&mut tokens, |at, why| {
            if let Some(known) = whys.get_mut(at) {
                known.add(why);
            }
        });
        let emphasis = emphasis(&read.text);
        let figures = figures(&tokens, emphasis);
        let weighed = Weighed {
            raw,
            read,
            tokens,
            emphasis,
        };
        (figures, self.explain(&weighed, &whys, name))
    }

    /// Sets the value of every token; `note` hears why, for each that counts.
    fn weigh(&self, tokens: &mut [Token], mut note: impl FnMut(usize, Why)) {
        let capitals = tokens.iter().filter(|token| token.upper).count();
        let capitals_matter = (1..tokens.len()).contains(&capitals);
        for at in 0..tokens.len() {
            let (value, why) = Surroundings {
                table: &self.table,
                tokens,
                capitals_matter,
            }
            .valence(at);
            if why != Why::NOTHING {
                note(at, why);
            }
            if let Some(token) = tokens.get_mut(at) {
                token.value = value;
            }
        }
        let but = tokens
            .iter()
            .position(|token| self.table.get(token.word).role == Role::But);
        if let Some(but) = but {
            but::shift(tokens, but, note);
        }
    }

    /// Every token that counted, as people read it.
    fn explain(
        &self,
        weighed: &Weighed<'_>,
        whys: &[Why],
        name: &dyn Fn(SourceId, u32) -> Location,
    ) -> Vec<MoodWord> {
        let counted = weighed
            .tokens
            .iter()
            .zip(whys)
            .filter(|(_, why)| **why != Why::NOTHING);
        let words = counted.map(|(token, why)| {
            let place = self
                .table
                .get(token.word)
                .at
                .map(|(source, line)| name(source, line));
            weighed.word(
                token.start as usize..token.end as usize,
                token.value,
                *why,
                place,
            )
        });
        words.chain(weighed.marks()).collect()
    }
}

/// Finds tokens by the look-ups that were made when the message was read, from left to right.
struct Ride<'a> {
    table: &'a Table,
    known: &'a Known,
    words: &'a Words,
    /// Place of the next word that may be a token.
    next: usize,
}

impl Ride<'_> {
    fn find(&mut self, text: &[u8], token: Range<usize>) -> WordNumber {
        while self
            .words
            .tokens
            .get(self.next)
            .is_some_and(|word| (word.start as usize) < token.start)
        {
            self.next += 1;
        }
        let word = self.words.tokens.get(self.next);
        word.and_then(|word| self.number(word, text, token.clone()))
            .unwrap_or_else(|| self.table.find(text, token))
    }

    /// The number of the token by the look-up that was made for `word`; `None` when that was for something else. A
    /// vocabulary forgives ("heeelp" has the number of "help"), VADER does not: so the word behind the number must be
    /// the token itself.
    fn number(
        &self,
        word: &crate::text::Token,
        text: &[u8],
        token: Range<usize>,
    ) -> Option<WordNumber> {
        if (word.start as usize..word.end as usize) != token {
            return None;
        }
        let number = self
            .known
            .words
            .get(word.word.0 as usize)
            .copied()
            .unwrap_or(WordNumber::UNKNOWN);
        if number != WordNumber::UNKNOWN {
            return self.table.is(number, text, token).then_some(number);
        }
        // Letters that were looked up as they are, and found to be nobody's or somebody else's, are none of VADER's.
        let raw = text.get(token)?;
        let unaltered = self.words.text(word).as_bytes().eq_ignore_ascii_case(raw);
        (unaltered && raw.iter().all(u8::is_ascii_alphabetic)).then_some(WordNumber::UNKNOWN)
    }
}

/// A text whose tokens have their values.
struct Weighed<'a> {
    raw: &'a str,
    read: Read<'a>,
    tokens: Vec<Token>,
    emphasis: f64,
}

impl Weighed<'_> {
    fn word(&self, read: Range<usize>, value: f64, why: Why, at: Option<Location>) -> MoodWord {
        let raw = self.read.raw(read);
        MoodWord {
            text: self.raw.get(raw.clone()).unwrap_or_default().to_owned(),
            start: u32::try_from(raw.start).unwrap_or(u32::MAX),
            end: u32::try_from(raw.end).unwrap_or(u32::MAX),
            value,
            why: why.words(),
            at,
        }
    }

    /// The marks that make a mood stronger; none when the text has no mood to strengthen.
    fn marks(&self) -> Option<MoodWord> {
        let sum = sums(&self.tokens).all;
        if self.emphasis == 0.0 || sum == 0.0 {
            return None;
        }
        // Marks that come from a description are nowhere in the message.
        MoodWord::punctuation(self.raw, self.emphasis.copysign(sum))
    }
}

/// What exclamation and question marks add to the size of a sum: up to four "!" count, two or three "?" a little, more a
/// fixed amount, a single "?" nothing. Marks anywhere count, those inside descriptions of emoji ("ON! arrow") as well.
fn emphasis(read: &str) -> f64 {
    let count = |mark: u8| read.bytes().filter(|&byte| byte == mark).count();
    marks_emphasis(count(b'!'), count(b'?'))
}

pub(super) fn marks_emphasis(exclamations: usize, questions: usize) -> f64 {
    const EXCLAMATIONS_MAX: usize = 4;
    let exclamations =
        f64::from(u8::try_from(exclamations.min(EXCLAMATIONS_MAX)).unwrap_or(0)) * 0.292;
    let questions = match questions {
        0 | 1 => 0.0,
        2 => 2.0 * 0.18,
        3 => 3.0 * 0.18,
        _ => 0.96,
    };
    exclamations + questions
}

/// Brings a sum of valences between -1 and 1; 15 approximates the greatest expected sum.
pub(super) fn normalised(sum: f64) -> f64 {
    (sum / (sum * sum + 15.0).sqrt()).clamp(-1.0, 1.0)
}

fn sums(tokens: &[Token]) -> Sums {
    let mut sums = Sums::default();
    for token in tokens {
        sums.all += token.value;
        // A neutral token counts 1, so one is added to every other.
        if token.value > 0.0 {
            sums.positive += token.value + 1.0;
        } else if token.value < 0.0 {
            sums.negative += token.value - 1.0;
        } else {
            sums.neutral += 1.0;
        }
    }
    sums
}

fn figures(tokens: &[Token], emphasis: f64) -> Polarity {
    if tokens.is_empty() {
        return Polarity::default();
    }
    let Sums {
        mut all,
        mut positive,
        mut negative,
        neutral,
    } = sums(tokens);
    if all > 0.0 {
        all += emphasis;
    } else if all < 0.0 {
        all -= emphasis;
    }
    // Not the same test as above: with "but" the sums and their total can point different ways.
    if positive > negative.abs() {
        positive += emphasis;
    } else if positive < negative.abs() {
        negative -= emphasis;
    }
    let total = positive + negative.abs() + neutral;
    Polarity {
        neg: python::round_3((negative / total).abs()),
        neu: python::round_3((neutral / total).abs()),
        pos: python::round_3((positive / total).abs()),
        compound: python::round_4(normalised(all)),
    }
}
