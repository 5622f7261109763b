//! Which expressions are worth trying on a message: those that one of its words calls up and whose needs it meets.

use regex_syntax::is_word_character;

use crate::text::{Token, Vocabulary, Words, fold};

use super::matcher::REGEX;
use super::needs::{Marks, Present, are_met};
use super::regexes::Texts;
use super::table::{Sequence, Table};

#[derive(Clone, Debug, Default)]
pub(super) struct Called {
    /// Those that a word of the message calls up and whose needs it meets.
    pub(super) numbers: Vec<u32>,
    /// Words of the message, and parts of words.
    present: Present,
    /// The parts of words alone.
    parts: Vec<u32>,
    /// Read when first asked for; of plain messages only.
    marks: Option<Marks>,
}

impl Called {
    /// Lists the words of the message as expressions see them: to them `don't` is two words, and `12:30` too.
    pub(super) fn list(&mut self, texts: Texts<'_>, words: &Words, vocabulary: &Vocabulary) {
        self.numbers.clear();
        self.present.clear(texts.lower);
        self.parts.clear();
        self.marks = None;
        for token in &words.tokens {
            self.present.add(token.word, token);
            if words.marked {
                self.list_parts(texts.raw, token, vocabulary);
            }
        }
    }

    fn list_parts(&mut self, text: &str, token: &Token, vocabulary: &Vocabulary) {
        let raw = text.get(token.start as usize..token.end as usize);
        let raw = raw.unwrap_or("");
        if raw.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return;
        }
        let parts = raw.split(|c| !is_word_character(c));
        for part in parts.filter(|part| !part.is_empty()) {
            let word = vocabulary.number(&fold(part));
            self.present.add(word, token);
            self.parts.push(word.0);
        }
    }

    /// Notes an expression if the message, which is `lower` in lower case if it is plain, meets its needs.
    pub(super) fn call(&mut self, sequence: Sequence<'_>, lower: Option<&str>) {
        let Self {
            numbers,
            present,
            marks,
            ..
        } = self;
        let has_mark = |mark| {
            lower.is_none_or(|lower| {
                let marks = marks.get_or_insert_with(|| Marks::read(lower));
                marks.holds(mark)
            })
        };
        if are_met(sequence.codes.get(1..).unwrap_or(&[]), present, has_mark) {
            numbers.push(sequence.phrase & !REGEX);
        }
    }

    /// Calls up the expressions that hang on parts of words; each is listed once.
    pub(super) fn call_parts(&mut self, table: &Table, lower: Option<&str>) {
        for place in 0..self.parts.len() {
            let Some(&word) = self.parts.get(place) else {
                break;
            };
            table.alone(table.roles(word), |sequence| {
                if sequence.phrase & REGEX != 0 {
                    self.call(sequence, lower);
                }
            });
        }
        self.numbers.sort_unstable();
        self.numbers.dedup();
    }
}
