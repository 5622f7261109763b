//! Verifies one sequence around its anchor: every way it fits the message there.
//!
//! To the right of the anchor first, then to its left. What is tried is bounded by steps, not by time, so that the
//! answer is the same on every machine; only messages made to be hard come near the bound.

use crate::ruleset::EntityId;

use super::align::Aligned;
use super::code::Code;
use super::table::Sequence;

/// Steps for one sequence at one anchor.
pub(super) const SEQUENCE_STEPS_MAX: u32 = 4_096;
/// Steps for one message.
pub(super) const MESSAGE_STEPS_MAX: u32 = 1 << 20;

/// An entry of a list in the message: tokens `first` to before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListSpan {
    pub(super) list: u32,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) typos: u8,
}

/// An entity value in the message, by tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EntitySpan {
    pub(super) entity: EntityId,
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) typos: u8,
    /// Place in the message's `found` values.
    pub(super) found: u32,
}

/// One way a sequence fits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    /// Tokens, `end` is the one behind the last.
    pub(super) first: usize,
    pub(super) end: usize,
    pub(super) typos: u8,
    pub(super) gap_words: u32,
    pub(super) literals: u16,
    /// Content words explained.
    pub(super) explained: u32,
}

/// The message, ready to be walked.
pub(super) struct Walk<'a> {
    pub(super) aligned: &'a Aligned,
    pub(super) lists: &'a [ListSpan],
    pub(super) entities: &'a [EntitySpan],
    /// Entity and capture of each entity slot.
    pub(super) slots: &'a [(EntityId, u32)],
    /// Steps left for the message.
    pub(super) steps: u32,
    /// Captures on the way: place in the sequence, capture, place in `found`.
    pub(super) captures: &'a mut Vec<(usize, u32, u32)>,
}

/// One sequence being walked.
struct Way<'a, 'w, S> {
    walk: &'w mut Walk<'a>,
    sequence: Sequence<'w>,
    /// Token at which the anchor stands.
    at: usize,
    steps: u32,
    sink: S,
}

impl Walk<'_> {
    /// Calls `sink` with every fit of `sequence` whose anchor stands at token `at`.
    pub(super) fn fits(
        &mut self,
        sequence: Sequence<'_>,
        at: usize,
        sink: impl FnMut(Fit, &[(usize, u32, u32)]),
    ) {
        if !self.may_fit(sequence, at) {
            return;
        }
        let steps = SEQUENCE_STEPS_MAX.min(self.steps);
        self.captures.clear();
        let mut way = Way {
            walk: self,
            sequence,
            at,
            steps,
            sink,
        };
        let none = Fit {
            first: usize::MAX,
            end: 0,
            typos: 0,
            gap_words: 0,
            literals: 0,
            explained: 0,
        };
        way.right(sequence.anchor, at, none);
        let left = way.steps;
        self.steps -= steps - left;
    }

    /// Whether the words that a sequence needs right beside its anchor are there: few sequences get further.
    #[inline]
    fn may_fit(&self, sequence: Sequence<'_>, at: usize) -> bool {
        let beside = |item: Option<usize>, token: Option<usize>| {
            let code = item.and_then(|item| sequence.codes.get(item));
            match code.map(|&code| Code::unpack(code)) {
                Some(Code::Word { atom, .. }) => {
                    let here = token.map_or(&[][..], |token| self.aligned.alternatives(token));
                    here.iter().any(|alternative| alternative.atom == atom)
                }
                _ => true,
            }
        };
        beside(sequence.anchor.checked_sub(1), at.checked_sub(1))
            && (!is_word(sequence) || beside(Some(sequence.anchor + 1), Some(at + 1)))
    }
}

/// Whether the anchor of a sequence is one word.
fn is_word(sequence: Sequence<'_>) -> bool {
    let anchor = sequence.codes.get(sequence.anchor);
    anchor.is_some_and(|&code| matches!(Code::unpack(code), Code::Word { .. }))
}

impl<S: FnMut(Fit, &[(usize, u32, u32)])> Way<'_, '_, S> {
    fn spend(&mut self, steps: usize) -> bool {
        let steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let enough = self.steps >= steps;
        self.steps = self.steps.saturating_sub(steps);
        enough
    }

    fn code(&self, item: usize) -> Option<Code> {
        self.sequence
            .codes
            .get(item)
            .map(|&code| Code::unpack(code))
    }

    /// Adds the tokens `first..end` to a fit.
    fn cover(&self, fit: Fit, first: usize, end: usize, typos: u8) -> Fit {
        Fit {
            first: fit.first.min(first),
            end: fit.end.max(end),
            typos: fit.typos.saturating_add(typos),
            explained: fit.explained + self.walk.aligned.content(first, end),
            ..fit
        }
    }

    /// The fit with token `at` as the word `atom`, if it can stand for it.
    fn word(&self, fit: Fit, at: usize, atom: u32, exact: bool) -> Option<Fit> {
        let alternative = self
            .walk
            .aligned
            .alternatives(at)
            .iter()
            .find(|alternative| alternative.atom == atom)?;
        (alternative.typos == 0 || !exact).then(|| Fit {
            literals: fit.literals + 1,
            ..self.cover(fit, at, at + 1, alternative.typos)
        })
    }

    fn right(&mut self, item: usize, at: usize, fit: Fit) {
        if !self.spend(1) {
            return;
        }
        let tokens = self.walk.aligned.tokens();
        match self.code(item) {
            None => self.left(self.sequence.anchor, self.at, fit),
            Some(Code::Word { atom, exact }) => {
                if let Some(fit) = self.word(fit, at, atom, exact) {
                    self.right(item + 1, at + 1, fit);
                }
            }
            Some(Code::Any) if at < tokens => {
                self.right(item + 1, at + 1, self.cover(fit, at, at + 1, 0));
            }
            Some(Code::Gap(most)) => {
                for skipped in 0..=(most as usize).min(tokens - at) {
                    let gap_words = fit.gap_words + u32::try_from(skipped).unwrap_or(0);
                    self.right(item + 1, at + skipped, Fit { gap_words, ..fit });
                }
            }
            Some(Code::List { list, exact }) => {
                for span in self.walk.lists {
                    if span.list == list && span.first == at && !(exact && span.typos > 0) {
                        self.right(item + 1, span.end, self.list(fit, *span));
                    }
                }
                self.spend(self.walk.lists.len());
            }
            Some(Code::Entity(slot)) => self.entity(
                item,
                slot,
                fit,
                |span| span.first == at,
                |way, span, fit| way.right(item + 1, span.end, fit),
            ),
            Some(Code::End) if at == tokens => self.right(item + 1, at, fit),
            // What expressions need is not walked.
            Some(
                Code::End
                | Code::Start
                | Code::Any
                | Code::OneOf(_)
                | Code::AllOf(_)
                | Code::Mark(_)
                | Code::Digit,
            ) => {}
        }
    }

    /// `item` and `at` are those behind the ones to match.
    fn left(&mut self, item: usize, at: usize, fit: Fit) {
        if !self.spend(1) {
            return;
        }
        let Some(item) = item.checked_sub(1) else {
            return (self.sink)(fit, self.walk.captures);
        };
        match self.code(item) {
            Some(Code::Word { atom, exact }) if at > 0 => {
                if let Some(fit) = self.word(fit, at - 1, atom, exact) {
                    self.left(item, at - 1, fit);
                }
            }
            Some(Code::Any) if at > 0 => self.left(item, at - 1, self.cover(fit, at - 1, at, 0)),
            Some(Code::Gap(most)) => {
                for skipped in 0..=(most as usize).min(at) {
                    let gap_words = fit.gap_words + u32::try_from(skipped).unwrap_or(0);
                    self.left(item, at - skipped, Fit { gap_words, ..fit });
                }
            }
            Some(Code::List { list, exact }) => {
                for span in self.walk.lists {
                    if span.list == list && span.end == at && !(exact && span.typos > 0) {
                        self.left(item, span.first, self.list(fit, *span));
                    }
                }
                self.spend(self.walk.lists.len());
            }
            Some(Code::Entity(slot)) => self.entity(
                item,
                slot,
                fit,
                |span| span.end == at,
                |way, span, fit| way.left(item, span.first, fit),
            ),
            Some(Code::Start) if at == 0 => self.left(item, at, fit),
            _ => {}
        }
    }

    fn list(&self, fit: Fit, span: ListSpan) -> Fit {
        let words = u16::try_from(span.end - span.first).unwrap_or(u16::MAX);
        Fit {
            literals: fit.literals.saturating_add(words),
            ..self.cover(fit, span.first, span.end, span.typos)
        }
    }

    fn entity(
        &mut self,
        item: usize,
        slot: u32,
        fit: Fit,
        here: impl Fn(&EntitySpan) -> bool,
        go_on: impl Fn(&mut Self, &EntitySpan, Fit),
    ) {
        let Some(&(entity, capture)) = self.walk.slots.get(slot as usize) else {
            return;
        };
        for span in self.walk.entities {
            if span.entity == entity && here(span) {
                self.walk.captures.push((item, capture, span.found));
                let fit = self.cover(fit, span.first, span.end, span.typos);
                go_on(self, span, fit);
                self.walk.captures.pop();
            }
        }
        self.spend(self.walk.entities.len());
    }
}
