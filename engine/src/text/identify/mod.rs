//! Which of a pack's languages a message is in, and how certain that is.
//!
//! Every word speaks twice: what the pack knows of it, and what its character n-grams say by a table learned from
//! government text. Short and mixed messages are left uncertain on purpose: the conversation's language then stands.
//! What was said before in the conversation is not looked at here.

mod grams;
mod table;
#[cfg(test)]
mod tests;
mod verdict;

use crate::language::Language;
use crate::text::{TokenKind, Vocabulary, WordId, Words};
use table::{LANGUAGES, Scored, TABLE_BYTES, Table};
use verdict::{Evidence, Known, PACK_LANGUAGES_MAX, SIDES_MAX, Side, Tally};

/// What one message says of its language.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guess {
    /// The likeliest of the pack's languages; `None` when the text is in none of them or says nothing.
    pub(crate) language: Option<Language>,
    /// 0 to 1; at or above [`CERTAIN`] the message's own language is used, below it the conversation's. With no
    /// language it is the certainty that the text is in none of the pack's; 0 when it says nothing.
    pub(crate) certainty: f32,
}

pub(crate) const CERTAIN: f32 = 0.80;

/// Learned by `examples/learn_languages.rs`; `ATTRIBUTION.md` beside it names the texts.
static TABLE: &[u8; TABLE_BYTES] = include_bytes!("table.bin");

/// Tells the languages of one pack apart.
#[derive(Debug, Default)]
pub(crate) struct Identifier {
    /// The pack's languages in its order, each with its column in the table where it has one.
    ours: Vec<(Language, Option<usize>)>,
    /// Columns of the other languages of the table.
    neighbours: Vec<usize>,
}

impl Identifier {
    /// For the languages of a pack, in its order. One that the table does not hold is told by known words alone.
    pub(crate) fn new(languages: &[Language]) -> Self {
        let column =
            |language: &Language| LANGUAGES.iter().position(|name| *name == language.as_str());
        let ours: Vec<_> = languages
            .iter()
            .take(PACK_LANGUAGES_MAX)
            .map(|l| (*l, column(l)))
            .collect();
        let neighbours = (0..LANGUAGES.len())
            .filter(|c| ours.iter().all(|(_, our)| *our != Some(*c)))
            .collect();
        Self { ours, neighbours }
    }

    /// Judges `text` by itself; `words` are its words as `vocabulary` read them.
    pub(crate) fn identify(&self, text: &str, words: &Words, vocabulary: &Vocabulary) -> Guess {
        let mut tokens = words
            .tokens
            .iter()
            .filter(|token| token.kind == TokenKind::Word)
            .peekable();
        self.weigh(text, |word| {
            while tokens
                .next_if(|token| token.end as usize <= word.start)
                .is_some()
            {}
            match tokens.peek() {
                Some(token)
                    if token.word != WordId::UNKNOWN && (token.start as usize) < word.end =>
                {
                    Known::In(vocabulary.info(token.word).languages)
                }
                _ => Known::No,
            }
        })
    }

    fn weigh(&self, text: &str, mut known: impl FnMut(&Scored) -> Known) -> Guess {
        let mut tally = Tally::new(self.ours.len(), self.neighbours.len());
        for word in Table::new(TABLE).words(text) {
            tally.add(&self.sides(&word), word.letters, known(&word));
        }
        for (place, (_, column)) in self.ours.iter().enumerate() {
            if column.is_none() && !tally.knows(place) {
                tally.exclude(place);
            }
        }
        self.guess(&tally)
    }

    /// The scores of a word by side: the pack's languages first, then the neighbours.
    fn sides(&self, word: &Scored) -> Evidence {
        let columns = self
            .ours
            .iter()
            .map(|(_, column)| *column)
            .chain(self.neighbours.iter().copied().map(Some));
        let mut sides = [0; SIDES_MAX];
        for (side, column) in sides.iter_mut().zip(columns) {
            *side = column
                .and_then(|column| word.scores.get(column))
                .copied()
                .unwrap_or(0);
        }
        sides
    }

    fn guess(&self, tally: &Tally) -> Guess {
        let (side, thousandths) = tally.verdict();
        let language = match side {
            Side::Ours(place) => self.ours.get(place).map(|(language, _)| *language),
            Side::Foreign | Side::Unknown => None,
        };
        Guess {
            language,
            certainty: f32::from(thousandths) / 1000.0,
        }
    }
}
