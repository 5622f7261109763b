//! Goes through a message and calls up the sequences that hang on its words, lists and entities.

use crate::entities::Found;
use crate::text::Words;

use super::align::Aligned;
use super::table::{Anchor, Sequence, Table};
use super::walk::{EntitySpan, ListSpan};

/// Calls `visit` with every sequence that the message calls up, and the token its anchor stands at.
#[inline]
pub(super) fn scan<'t>(
    table: &'t Table,
    aligned: &Aligned,
    lists: &[ListSpan],
    entities: &[EntitySpan],
    mut visit: impl FnMut(Sequence<'t>, usize),
) {
    let mut here = aligned.alternatives(0);
    for at in 0..aligned.tokens() {
        let next = aligned.alternatives(at + 1);
        for alternative in here {
            let roles = table.roles(alternative.atom);
            table.alone(roles, |sequence| visit(sequence, at));
            if !roles.begins_pairs() {
                continue;
            }
            for right in next {
                if table.roles(right.atom).ends_pairs() {
                    table.pair(alternative.atom, right.atom, |sequence| visit(sequence, at));
                }
            }
        }
        table.anywhere(|sequence| visit(sequence, at));
        here = next;
    }
    for (place, span) in lists.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| lists.get(before));
        if before.is_none_or(|before| (before.list, before.first) != (span.list, span.first)) {
            table.under(Anchor::List(span.list), |sequence| {
                visit(sequence, span.first);
            });
        }
    }
    for (place, span) in entities.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|before| entities.get(before));
        if before.is_none_or(|before| (before.entity, before.first) != (span.entity, span.first)) {
            table.under(Anchor::Entity(span.entity.0), |sequence| {
                visit(sequence, span.first);
            });
        }
    }
}

pub(super) fn entity_spans(words: &Words, found: &[Found], entities: &mut Vec<EntitySpan>) {
    entities.clear();
    for (place, value) in found.iter().enumerate() {
        let (first, end) = tokens(words, value.start as usize, value.end as usize);
        if first < end {
            let found = u32::try_from(place).unwrap_or(u32::MAX);
            entities.push(EntitySpan {
                entity: value.entity,
                first,
                end,
                typos: value.typos,
                found,
            });
        }
    }
    entities.sort_unstable_by_key(|span| (span.entity, span.first, span.end, span.found));
}

/// The tokens that the bytes `start..end` touch.
pub(super) fn tokens(words: &Words, start: usize, end: usize) -> (usize, usize) {
    let first = words
        .tokens
        .partition_point(|token| token.end as usize <= start);
    (
        first,
        words
            .tokens
            .partition_point(|token| (token.start as usize) < end)
            .max(first),
    )
}

/// The bytes from the first to the last of the tokens `first..end`.
pub(super) fn bytes(words: &Words, first: usize, end: usize) -> (u32, u32) {
    let start = words.tokens.get(first).map_or(0, |token| token.start);
    (
        start,
        end.checked_sub(1)
            .and_then(|last| words.tokens.get(last))
            .map_or(start, |token| token.end),
    )
}
