//! All patterns of a pack as one table, and the pass that finds which of them a message fits.
//!
//! A message is aligned once, then three tables are asked in turn: list entries, value spellings, phrases.

use std::cmp::Reverse;
use std::collections::HashMap;

use regex_syntax::is_word_character;

use crate::entities::Found;
use crate::ruleset::{EntityId, PatternId};
use crate::text::{Token, Vocabulary, Words, fold, hash, matched};

use super::align::{Aligned, Forms};
use super::hit::{Hit, Owner, keep, score};
use super::needs::{Marks, Present};
use super::regexes::{MESSAGE_REGEX_STEPS_MAX, Regexes, SearchScratch, Texts};
use super::scan::{bytes, entity_spans, scan, tokens};
use super::table::{STEM, Table};
use super::walk::{EntitySpan, Fit, ListSpan, MESSAGE_STEPS_MAX, Walk};

/// Reused from message to message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    /// Which matcher read which message last: reading twice is not needed.
    stamp: u64,
    folded: String,
    tokens: Vec<Token>,
    aligned: Aligned,
    lists: Vec<ListSpan>,
    entities: Vec<EntitySpan>,
    captures: Vec<(usize, u32, u32)>,
    values: Vec<ValueSpan>,
    expressions: Expressions,
}

#[derive(Clone, Debug, Default)]
struct Expressions {
    /// Those that a word of the message calls up.
    called: Vec<u32>,
    /// Words of the message, and parts of words.
    present: Present,
    search: SearchScratch,
}

#[derive(Clone, Copy, Debug)]
struct ValueSpan {
    entity: EntityId,
    value: u32,
    first: usize,
    end: usize,
    typos: u8,
}

/// Set in the phrase of a sequence that stands for an expression.
pub(super) const REGEX: u32 = 1 << 31;

#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) lists: Table,
    pub(super) values: Table,
    pub(super) phrases: Table,
}

impl Tables {
    pub(super) fn stamp(&self) -> u64 {
        [&self.lists, &self.values, &self.phrases]
            .iter()
            .fold(0, |stamp, table| hash::mix(stamp, table.stamp()))
    }
}

#[derive(Debug, Default)]
pub(crate) struct Matcher {
    pub(super) tables: Tables,
    pub(super) forms: Forms,
    pub(super) regexes: Regexes,
    /// Phrase number of each expression.
    pub(super) regex_phrases: Vec<u32>,
    pub(super) slots: Vec<(EntityId, u32)>,
    pub(super) captures: Vec<String>,
    pub(super) owners: Vec<Owner>,
    pub(super) keys: HashMap<EntityId, Vec<String>>,
    /// Tells matchers apart in a scratch that several use.
    pub(super) stamp: u64,
}

impl Matcher {
    /// Finds the values of value-list entities in the message and appends them in order of appearance. Of overlapping
    /// values of one entity the first counts, of those that begin together the longest.
    pub(crate) fn values(
        &self,
        words: &Words,
        vocabulary: &Vocabulary,
        scratch: &mut Scratch,
        found: &mut Vec<Found>,
    ) {
        self.prepare(words, vocabulary, scratch);
        if self.tables.values.is_empty() {
            return;
        }
        let Scratch {
            aligned,
            lists,
            captures,
            values,
            ..
        } = scratch;
        values.clear();
        let mut walk = Walk {
            aligned,
            lists,
            entities: &[],
            slots: &self.slots,
            steps: MESSAGE_STEPS_MAX,
            captures,
        };
        scan(&self.tables.values, aligned, lists, &[], |sequence, at| {
            let Some(&Owner::Value(entity, value)) = self.owners.get(sequence.phrase as usize)
            else {
                return;
            };
            walk.fits(sequence, at, |fit, _| {
                values.push(ValueSpan {
                    entity,
                    value,
                    first: fit.first,
                    end: fit.end,
                    typos: fit.typos,
                });
            });
        });
        values.sort_unstable_by_key(|span| {
            (
                span.entity,
                span.first,
                Reverse(span.end),
                span.typos,
                span.value,
            )
        });
        let before = found.len();
        let mut last = None;
        for span in values.iter() {
            if last.is_none_or(|(entity, end)| entity != span.entity || end <= span.first) {
                found.push(self.found(words, span));
                last = Some((span.entity, span.end));
            }
        }
        if let Some(new) = found.get_mut(before..) {
            new.sort_by_key(|value| (value.start, value.end));
        }
    }

    fn found(&self, words: &Words, span: &ValueSpan) -> Found {
        let (start, end) = bytes(words, span.first, span.end);
        let key = self
            .keys
            .get(&span.entity)
            .and_then(|keys| keys.get(span.value as usize));
        let value = key.cloned().unwrap_or_else(|| span.value.to_string());
        Found {
            entity: span.entity,
            start,
            end,
            value,
            typos: span.typos,
        }
    }

    /// Finds every intent, `unless` and rule pattern that fits, in order of (start, end, phrase).
    /// `found` are all entity values of the message, for `{entity}`.
    pub(crate) fn hits(
        &self,
        text: &str,
        words: &Words,
        vocabulary: &Vocabulary,
        found: &[Found],
        scratch: &mut Scratch,
        hits: &mut Vec<Hit>,
    ) {
        hits.clear();
        self.prepare(words, vocabulary, scratch);
        let Scratch {
            aligned,
            lists,
            entities,
            captures,
            expressions,
            ..
        } = scratch;
        entity_spans(words, found, entities);
        expressions.called.clear();
        let mut walk = Walk {
            aligned,
            lists,
            entities,
            slots: &self.slots,
            steps: MESSAGE_STEPS_MAX,
            captures,
        };
        scan(
            &self.tables.phrases,
            aligned,
            lists,
            entities,
            |sequence, at| {
                if sequence.phrase & REGEX != 0 {
                    return expressions.called.push(sequence.phrase & !REGEX);
                }
                walk.fits(sequence, at, |fit, captures| {
                    keep(
                        hits,
                        self.hit(words, aligned, sequence.phrase, fit, captures),
                    );
                });
            },
        );
        if !self.regexes.is_empty() {
            self.parts(matched(text), words, vocabulary, expressions);
            self.search(matched(text), words, aligned, expressions, hits);
        }
        if hits.len() > 1 {
            hits.sort_unstable_by(|left, right| {
                (left.phrase, left.order()).cmp(&(right.phrase, right.order()))
            });
            hits.dedup_by_key(|hit| hit.phrase);
            hits.sort_unstable_by_key(|hit| (hit.start, hit.end, hit.phrase));
        }
    }

    /// The name under index `capture` of [`Hit::captures`].
    pub(crate) fn capture_name(&self, capture: u32) -> &str {
        self.captures
            .get(capture as usize)
            .map_or("", String::as_str)
    }

    /// Aligns the message and finds the list entries in it, unless that has just been done.
    fn prepare(&self, words: &Words, vocabulary: &Vocabulary, scratch: &mut Scratch) {
        if scratch.stamp == self.stamp
            && scratch.folded == words.folded
            && scratch.tokens == words.tokens
        {
            return;
        }
        scratch.stamp = self.stamp;
        scratch.folded.clone_from(&words.folded);
        scratch.tokens.clone_from(&words.tokens);
        let Scratch {
            aligned,
            lists,
            captures,
            ..
        } = scratch;
        self.forms.align(words, vocabulary, aligned);
        lists.clear();
        if self.tables.lists.is_empty() {
            return;
        }
        let mut walk = Walk {
            aligned,
            lists: &[],
            entities: &[],
            slots: &[],
            steps: MESSAGE_STEPS_MAX,
            captures,
        };
        scan(&self.tables.lists, aligned, &[], &[], |sequence, at| {
            walk.fits(sequence, at, |fit, _| {
                lists.push(ListSpan {
                    list: sequence.phrase,
                    first: fit.first,
                    end: fit.end,
                    typos: fit.typos,
                });
            });
        });
        lists.sort_unstable();
        lists.dedup_by_key(|span| (span.list, span.first, span.end));
    }

    fn hit(
        &self,
        words: &Words,
        aligned: &Aligned,
        phrase: u32,
        fit: Fit,
        captures: &[(usize, u32, u32)],
    ) -> Hit {
        let (start, end) = bytes(words, fit.first, fit.end);
        let captures = if captures.is_empty() {
            Vec::new()
        } else {
            in_order(captures)
        };
        Hit {
            owner: self
                .owners
                .get(phrase as usize)
                .copied()
                .unwrap_or(Owner::Rule(PatternId(u32::MAX))),
            phrase,
            start,
            end,
            score: score(
                fit.typos,
                fit.gap_words,
                fit.explained,
                aligned.content(0, aligned.tokens()),
            ),
            literals: fit.literals,
            typos: fit.typos,
            captures,
        }
    }

    /// Lists the words of the message as expressions see them, and calls up the expressions that need a part of a word:
    /// to them `don't` is two words, and `12:30` too.
    fn parts(&self, text: &str, words: &Words, vocabulary: &Vocabulary, scratch: &mut Expressions) {
        let Expressions {
            called, present, ..
        } = scratch;
        present.clear();
        for token in &words.tokens {
            present.add(token.word.0);
        }
        let marked = if words.marked { &words.tokens[..] } else { &[] };
        for token in marked {
            let raw = text
                .get(token.start as usize..token.end as usize)
                .unwrap_or("");
            if raw.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                continue;
            }
            for part in raw
                .split(|c| !is_word_character(c))
                .filter(|part| !part.is_empty())
            {
                let word = vocabulary.number(&fold(part));
                present.add(word.0);
                let table = &self.tables.phrases;
                table.alone(table.roles(word.0), |sequence| {
                    if sequence.phrase & REGEX != 0 {
                        called.push(sequence.phrase & !REGEX);
                    }
                });
            }
        }
        called.retain(|&number| self.regexes.can_match(number, present));
        if let Some(lower) = lower(text, words).filter(|_| !called.is_empty()) {
            let marks = Marks::read(lower);
            called.retain(|&number| self.regexes.may_match(number, &marks));
        }
        called.sort_unstable();
        called.dedup();
        called.extend_from_slice(self.regexes.unbound(text));
    }

    fn search(
        &self,
        text: &str,
        words: &Words,
        aligned: &Aligned,
        Expressions { called, search, .. }: &mut Expressions,
        hits: &mut Vec<Hit>,
    ) {
        let texts = Texts {
            raw: text,
            lower: lower(text, words),
        };
        let mut steps = MESSAGE_REGEX_STEPS_MAX;
        for &number in called.iter() {
            let Some((start, end)) = self.regexes.find(number, texts, search, &mut steps) else {
                continue;
            };
            let Some(&phrase) = self.regex_phrases.get(number as usize) else {
                continue;
            };
            let (first, behind) = tokens(words, start, end);
            let fit = Fit {
                first,
                end: behind,
                typos: 0,
                gap_words: 0,
                literals: 0,
                explained: aligned.content(first, behind),
            };
            let span = (
                u32::try_from(start).unwrap_or(u32::MAX),
                u32::try_from(end).unwrap_or(u32::MAX),
            );
            hits.push(Hit {
                start: span.0,
                end: span.1,
                ..self.hit(words, aligned, phrase, fit, &[])
            });
        }
    }
}

/// A plain message in lower case: its folded text begins with that.
fn lower<'w>(text: &str, words: &'w Words) -> Option<&'w str> {
    words.folded.get(..text.len()).filter(|_| text.is_ascii())
}

/// Captures in the order of their places in the pattern, without these.
fn in_order(captures: &[(usize, u32, u32)]) -> Vec<(u32, u32)> {
    let mut captures = captures.to_vec();
    captures.sort_unstable();
    captures
        .into_iter()
        .map(|(_, capture, found)| (capture, found))
        .collect()
}

const _: () = assert!(STEM < REGEX);
