//! All patterns of a pack as one table, and the pass that finds which of them a message fits.
//!
//! A message is aligned once, then three tables are asked in turn: list entries, value spellings, phrases.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::entities::Found;
use crate::ruleset::{EntityId, PatternId};
use crate::text::{Vocabulary, Words, matched};

use super::align::{Aligned, Forms};
use super::called::Called;
use super::code::STEM;
use super::hit::{Hit, Owner, keep, score};
use super::regexes::{MESSAGE_REGEX_STEPS_MAX, Regexes, SearchScratch, Texts};
use super::scan::{bytes, entity_spans, scan, tokens};
use super::table::Table;
use super::walk::{EntitySpan, Fit, ListSpan, MESSAGE_STEPS_MAX, Walk};

/// Reused from message to message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    aligned: Aligned,
    lists: Vec<ListSpan>,
    entities: Vec<EntitySpan>,
    captures: Vec<(usize, u32, u32)>,
    values: Vec<ValueSpan>,
    called: Called,
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
}

/// A message, aligned and with the list entries in it.
#[derive(Debug)]
pub(crate) struct Reading<'m> {
    matcher: &'m Matcher,
    words: &'m Words,
    vocabulary: &'m Vocabulary,
    scratch: &'m mut Scratch,
}

impl Reading<'_> {
    /// Finds the values of value-list entities in the message and appends them in order of appearance. Of overlapping
    /// values of one entity the first counts, of those that begin together the longest.
    pub(crate) fn values(&mut self, found: &mut Vec<Found>) {
        let (matcher, words) = (self.matcher, self.words);
        if matcher.tables.values.is_empty() {
            return;
        }
        let Scratch {
            aligned,
            lists,
            captures,
            values,
            ..
        } = &mut *self.scratch;
        values.clear();
        let mut walk = Walk {
            aligned,
            lists,
            entities: &[],
            slots: &matcher.slots,
            steps: MESSAGE_STEPS_MAX,
            captures,
        };
        scan(
            &matcher.tables.values,
            aligned,
            lists,
            &[],
            |sequence, at| {
                let owner = matcher.owners.get(sequence.phrase as usize);
                let Some(&Owner::Value(entity, value)) = owner else {
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
            },
        );
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
                found.push(matcher.found(words, span));
                last = Some((span.entity, span.end));
            }
        }
        if let Some(new) = found.get_mut(before..) {
            new.sort_by_key(|value| (value.start, value.end));
        }
    }

    /// Finds every intent, `unless` and rule pattern that fits, in order of (start, end, phrase).
    /// `found` are all entity values of the message, for `{entity}`.
    pub(crate) fn hits(&mut self, text: &str, found: &[Found], hits: &mut Vec<Hit>) {
        let (matcher, words) = (self.matcher, self.words);
        hits.clear();
        let Scratch {
            aligned,
            lists,
            entities,
            captures,
            called,
            search,
            ..
        } = &mut *self.scratch;
        entity_spans(words, found, entities);
        let (text, lower) = (matched(text), lower(matched(text), words));
        if !matcher.regexes.is_empty() {
            called.list(Texts { raw: text, lower }, words, self.vocabulary);
        }
        let mut walk = Walk {
            aligned,
            lists,
            entities,
            slots: &matcher.slots,
            steps: MESSAGE_STEPS_MAX,
            captures,
        };
        scan(
            &matcher.tables.phrases,
            aligned,
            lists,
            entities,
            |sequence, at| {
                if sequence.phrase & REGEX != 0 {
                    return called.call(sequence, lower);
                }
                walk.fits(sequence, at, |fit, captures| {
                    let hit = matcher.hit(words, aligned, sequence.phrase, fit, captures);
                    keep(hits, hit);
                });
            },
        );
        if !matcher.regexes.is_empty() {
            called.call_parts(&matcher.tables.phrases, lower);
            called
                .numbers
                .extend_from_slice(matcher.regexes.unbound(text));
            let texts = Texts { raw: text, lower };
            matcher.search(&called.numbers, texts, search, |phrase, (start, end)| {
                hits.push(matcher.regex_hit(words, aligned, phrase, (start, end)));
            });
        }
        if hits.len() > 1 {
            hits.sort_unstable_by(|left, right| {
                (left.phrase, left.order()).cmp(&(right.phrase, right.order()))
            });
            hits.dedup_by_key(|hit| hit.phrase);
            hits.sort_unstable_by_key(|hit| (hit.start, hit.end, hit.phrase));
        }
    }
}

impl Matcher {
    /// The name under index `capture` of [`Hit::captures`].
    pub(crate) fn capture_name(&self, capture: u32) -> &str {
        self.captures
            .get(capture as usize)
            .map_or("", String::as_str)
    }

    /// Aligns a message and finds the list entries in it.
    pub(crate) fn read<'m>(
        &'m self,
        words: &'m Words,
        vocabulary: &'m Vocabulary,
        scratch: &'m mut Scratch,
    ) -> Reading<'m> {
        let Scratch {
            aligned,
            lists,
            captures,
            ..
        } = &mut *scratch;
        self.forms.align(words, vocabulary, aligned);
        lists.clear();
        if !self.tables.lists.is_empty() {
            self.list_entries(aligned, captures, lists);
        }
        Reading {
            matcher: self,
            words,
            vocabulary,
            scratch,
        }
    }

    fn list_entries(
        &self,
        aligned: &Aligned,
        captures: &mut Vec<(usize, u32, u32)>,
        lists: &mut Vec<ListSpan>,
    ) {
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

    /// Calls `each` with the phrase and the bytes of every expression of `numbers` that matches.
    fn search(
        &self,
        numbers: &[u32],
        texts: Texts<'_>,
        scratch: &mut SearchScratch,
        mut each: impl FnMut(u32, (usize, usize)),
    ) {
        let mut steps = MESSAGE_REGEX_STEPS_MAX;
        for &number in numbers {
            if let Some(found) = self.regexes.find(number, texts, scratch, &mut steps)
                && let Some(&phrase) = self.regex_phrases.get(number as usize)
            {
                each(phrase, found);
            }
        }
    }

    fn regex_hit(
        &self,
        words: &Words,
        aligned: &Aligned,
        phrase: u32,
        (start, end): (usize, usize),
    ) -> Hit {
        let (first, behind) = tokens(words, start, end);
        let fit = Fit {
            first,
            end: behind,
            typos: 0,
            gap_words: 0,
            literals: 0,
            explained: aligned.content(first, behind),
        };
        Hit {
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            ..self.hit(words, aligned, phrase, fit, &[])
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
