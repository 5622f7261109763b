//! What the matcher answers with, and how good an answer is.

use std::cmp::Reverse;

use crate::ruleset::{EntityId, IntentId, PatternId};

/// What a perfect fit is worth, in thousandths.
pub(crate) const FIT_PERFECT: u32 = 1_000;
/// What one typo takes from it.
pub(crate) const TYPO_COST: u32 = 60;
/// What each word in a gap takes from it.
pub(crate) const GAP_WORD_COST: u32 = 15;
/// What all gaps together take at most.
pub(crate) const GAPS_COST_MAX: u32 = 150;
/// Thousandths of the score that a fit has whatever else the message says; the rest goes by the share explained.
pub(crate) const SHARE_FREE: u32 = 600;

/// Whom a pattern speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Owner {
    Intent(IntentId),
    /// An `unless` phrase of the intent.
    Unless(IntentId),
    /// A `pattern:` condition of a rule.
    Rule(PatternId),
    /// One spelling of value `1` (index in the entity's list of values).
    Value(EntityId, u32),
}

/// One pattern that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) owner: Owner,
    /// Number given by [`super::MatcherBuilder::add`], in order of addition.
    pub(crate) phrase: u32,
    /// Bytes of the message from the first to the last matched word.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Thousandths: fit × (0.6 + 0.4 × share of the message's content words explained).
    pub(crate) score: u16,
    /// Words matched literally.
    pub(crate) literals: u16,
    pub(crate) typos: u8,
    /// Capture name index (as given in the pattern, resolved at build) and index into the `found` slice.
    pub(crate) captures: Vec<(u32, u32)>,
}

impl Hit {
    /// The better of two hits of one phrase comes first; no two are equal.
    pub(super) fn order(&self) -> impl Ord + '_ {
        (
            Reverse(self.score),
            Reverse(self.literals),
            self.typos,
            self.start,
            self.end,
            &self.captures,
        )
    }
}

/// The score of a fit, in thousandths.
pub(super) fn score(typos: u8, gap_words: u32, explained: u32, content: u32) -> u16 {
    let gaps = gap_words.saturating_mul(GAP_WORD_COST).min(GAPS_COST_MAX);
    let fit = FIT_PERFECT.saturating_sub(u32::from(typos) * TYPO_COST + gaps);
    let share = match content {
        0 => 1_000 - SHARE_FREE,
        _ => (1_000 - SHARE_FREE) * explained.min(content) / content,
    };
    u16::try_from(fit * (SHARE_FREE + share) / 1_000).unwrap_or(u16::MAX)
}

/// Adds a hit, or puts it in the place of the one before if that is a worse one of the same phrase.
pub(super) fn keep(hits: &mut Vec<Hit>, hit: Hit) {
    match hits.last_mut().filter(|last| last.phrase == hit.phrase) {
        Some(last) if hit.order() < last.order() => *last = hit,
        Some(_) => {}
        None => hits.push(hit),
    }
}
