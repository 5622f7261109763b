//! What one token counts in its surroundings: the rules of `sentiment_valence` in VADER 3.3.2, oddities included.
//!
//! The oddities are kept on purpose, each with its reason beside it: equality with the published program is the point.
//! Figures over the whole text are in the parent module.

use crate::sentiment::vader::table::{Role, Table, Word, WordNumber};
use crate::sentiment::vader::text::Token;
use crate::sentiment::why::Why;

/// What capitals add, when other tokens are not in capitals.
const CAPITALS: f64 = 0.733;
/// What a negation multiplies by: "not good" is bad, but less so than "bad".
const NEGATED: f64 = -0.74;
/// "never so good", "never this good".
const NEVER_SO: f64 = 1.25;
/// How much of a booster's value reaches over one, two and three words.
const REACH: [f64; 3] = [1.0, 0.95, 0.9];

/// The tokens of a text, seen from one of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    pub(super) table: &'a Table,
    pub(super) tokens: &'a [Token],
    /// Some tokens are in capitals and some are not.
    pub(super) capitals_matter: bool,
}

impl<'a> Surroundings<'a> {
    /// What token `at` counts, and why.
    #[inline]
    pub(super) fn valence(&self, at: usize) -> (f64, Why) {
        let word = self.word(at);
        let Some(rating) = word.rating else {
            return (0.0, Why::NOTHING);
        };
        // Boosters never count themselves, even where the lexicon rates them; nor does the "kind" of "kind of".
        if word.booster.is_some() || (word.role == Role::Kind && self.role(at + 1) == Role::Of) {
            return (0.0, Why::NOTHING);
        }
        self.rated(at, rating)
    }

    fn rated(&self, at: usize, rating: f64) -> (f64, Why) {
        let (mut valence, mut why) = self.after_no(at, rating);
        if self.stands_out(at) {
            // A valence of exactly zero is pushed down, as in the original.
            valence += if valence > 0.0 { CAPITALS } else { -CAPITALS };
            why.add(Why::CAPITALS);
        }
        for (back, reach) in (1..).zip(REACH) {
            // A rated word in between neither boosts nor negates.
            let Some(before) = at
                .checked_sub(back)
                .filter(|&before| self.word(before).rating.is_none())
            else {
                continue;
            };
            let boost = self.boost(before, valence);
            if boost != 0.0 {
                why.add(if (boost > 0.0) == (valence > 0.0) {
                    Why::INTENSIFIED
                } else {
                    Why::DAMPENED
                });
            }
            valence += boost * reach;
            valence *= self.negation(at, back, &mut why);
            if back == REACH.len() {
                // Idioms are looked at only here: with fewer than three words before it, "bad ass" is just bad.
                valence = self.idioms(at, valence, &mut why);
            }
        }
        if self.least(at) {
            valence *= NEGATED;
            why.add(Why::NEGATED);
        }
        (valence, why)
    }

    /// "no": a negation of the rated word that follows, else a rated word of its own. The second test is wider than the
    /// first: "no" one or two words before, or three when the last word before is "or" or "nor".
    fn after_no(&self, at: usize, rating: f64) -> (f64, Why) {
        let no = |back: usize| {
            at.checked_sub(back)
                .is_some_and(|before| self.role(before) == Role::No)
        };
        let mut why = Why::LEXICON;
        if no(1) || no(2) || (no(3) && self.role(at - 1) == Role::OrNor) {
            why.add(Why::NEGATED);
            (rating * NEGATED, why)
        } else if self.role(at) == Role::No && self.word(at + 1).rating.is_some() {
            (0.0, Why::NOTHING)
        } else {
            (rating, why)
        }
    }

    /// What the booster `before` adds to a word of this `valence`; 0 when it is none.
    fn boost(&self, before: usize, valence: f64) -> f64 {
        let Some(booster) = self.word(before).booster else {
            return 0.0;
        };
        let mut boost = if valence < 0.0 { -booster } else { booster };
        if self.stands_out(before) {
            boost += if valence > 0.0 { CAPITALS } else { -CAPITALS };
        }
        boost
    }

    /// What the word `back` places before `at` multiplies by.
    fn negation(&self, at: usize, back: usize, why: &mut Why) -> f64 {
        let role = |back: usize| self.role(at - back);
        let (never_so, without_doubt) = match back {
            2 => (
                role(2) == Role::Never && role(1) == Role::SoThis,
                role(2) == Role::Without && role(1) == Role::Doubt,
            ),
            // "and" binds tighter than "or" in the original: a "so" or "this" right before the word is enough here, with
            // or without "never". So "these are so good" is stronger than "are so good".
            3 => (
                (role(3) == Role::Never && role(2) == Role::SoThis) || role(1) == Role::SoThis,
                role(3) == Role::Without && (role(2) == Role::Doubt || role(1) == Role::Doubt),
            ),
            _ => (false, false),
        };
        if never_so {
            why.add(Why::NEVER_SO);
            NEVER_SO
        } else if without_doubt || !self.negates(at - back) {
            1.0
        } else {
            why.negate();
            NEGATED
        }
    }

    /// Idioms in a window of three words before and two after replace the value; boosters of two words then add to it
    /// whatever its sign, as in the original: "sort of", below zero, makes a bad word worse.
    fn idioms(&self, at: usize, valence: f64, why: &mut Why) -> f64 {
        let idiom = |from: usize, to: usize| {
            self.numbers(from, to)
                .and_then(|(words, n)| self.table.idiom(words.get(..n)?))
        };
        let before = [
            (at - 1, at),
            (at - 2, at),
            (at - 2, at - 1),
            (at - 3, at - 1),
            (at - 3, at - 2),
        ];
        let replaced = before.iter().find_map(|&(from, to)| idiom(from, to));
        // The idioms that begin here win over those that end here, the longer over the shorter.
        let replaced = idiom(at, at + 2).or_else(|| idiom(at, at + 1)).or(replaced);
        if replaced.is_some() {
            why.add(Why::IDIOM);
        }
        let mut valence = replaced.unwrap_or(valence);
        for (from, to) in [(at - 3, at - 2), (at - 2, at - 1)] {
            if let Some(boost) = self
                .numbers(from, to)
                .and_then(|(words, n)| self.table.booster(words.get(..n)?))
            {
                valence += boost;
                why.add(Why::DAMPENED);
            }
        }
        valence
    }

    /// The numbers of tokens `from..=to`, at most three of them, and how many.
    fn numbers(&self, from: usize, to: usize) -> Option<([WordNumber; 3], usize)> {
        let tokens = self.tokens.get(from..=to)?;
        if !self.table.get(tokens.first()?.word).begins_phrase {
            return None;
        }
        let mut words = [WordNumber::UNKNOWN; 3];
        for (word, token) in words.iter_mut().zip(tokens) {
            *word = token.word;
        }
        Some((words, tokens.len()))
    }

    /// "least" right before negates, unless it is "at least" or "very least".
    fn least(&self, at: usize) -> bool {
        let Some(before) = at
            .checked_sub(1)
            .filter(|&before| self.role(before) == Role::Least)
        else {
            return false;
        };
        self.word(before).rating.is_none()
            && before
                .checked_sub(1)
                .is_none_or(|before| self.role(before) != Role::AtVery)
    }

    fn negates(&self, at: usize) -> bool {
        self.word(at).negates || self.tokens.get(at).is_some_and(|token| token.nt)
    }

    fn stands_out(&self, at: usize) -> bool {
        self.capitals_matter && self.tokens.get(at).is_some_and(|token| token.upper)
    }

    fn role(&self, at: usize) -> Role {
        self.word(at).role
    }

    #[inline]
    fn word(&self, at: usize) -> &'a Word {
        self.table.get(
            self.tokens
                .get(at)
                .map_or(WordNumber::UNKNOWN, |token| token.word),
        )
    }
}
