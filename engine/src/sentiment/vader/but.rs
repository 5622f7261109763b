//! "but": what stands before it weighs half, what stands after it half as much again.
//!
//! The original walks over its list of values and, for each, changes the *first* value in the list that is equal to it.
//! So of two equal values the first is changed twice and the second not at all, and a value that has just been changed
//! can be taken for a later one. The figures depend on this, so it is done the same way.

use std::collections::BTreeSet;

use crate::sentiment::vader::text::Token;
use crate::sentiment::why::Why;

const BEFORE: f64 = 0.5;
const AFTER: f64 = 1.5;
/// Tokens up to which looking along the list is quicker than keeping an index of it.
const SCAN_TOKENS_MAX: usize = 256;

/// Shifts the values of `tokens` around the "but" at index `but`; `note` hears which were changed.
pub(super) fn shift(tokens: &mut [Token], but: usize, note: impl FnMut(usize, Why)) {
    if tokens.len() <= SCAN_TOKENS_MAX {
        scan(tokens, but, note);
    } else {
        indexed(tokens, but, note);
    }
}

fn scan(tokens: &mut [Token], but: usize, mut note: impl FnMut(usize, Why)) {
    for at in 0..tokens.len() {
        let value = value_at(tokens, at);
        // Zeros stay zeros wherever they are.
        if value == 0.0 {
            continue;
        }
        let first = tokens
            .iter()
            .position(|token| token.value.to_bits() == value.to_bits())
            .unwrap_or(at);
        change(tokens, first, but, &mut note);
    }
}

/// The same with the first of equal values found in a tree: a long text of one repeated word must not take quadratic
/// time.
fn indexed(tokens: &mut [Token], but: usize, mut note: impl FnMut(usize, Why)) {
    let key = |tokens: &[Token], at: usize| (value_at(tokens, at).to_bits(), at);
    let mut places: BTreeSet<(u64, usize)> = (0..tokens.len()).map(|at| key(tokens, at)).collect();
    for at in 0..tokens.len() {
        let (bits, _) = key(tokens, at);
        if f64::from_bits(bits) == 0.0 {
            continue;
        }
        let first = places
            .range((bits, 0)..)
            .next()
            .map_or(at, |(_, first)| *first);
        places.remove(&(bits, first));
        change(tokens, first, but, &mut note);
        places.insert(key(tokens, first));
    }
}

fn change(tokens: &mut [Token], at: usize, but: usize, note: &mut impl FnMut(usize, Why)) {
    let Some(token) = tokens.get_mut(at) else {
        return;
    };
    match at.cmp(&but) {
        std::cmp::Ordering::Less => {
            token.value *= BEFORE;
            note(at, Why::BEFORE_BUT);
        }
        std::cmp::Ordering::Greater => {
            token.value *= AFTER;
            note(at, Why::AFTER_BUT);
        }
        std::cmp::Ordering::Equal => {}
    }
}

fn value_at(tokens: &[Token], at: usize) -> f64 {
    tokens.get(at).map_or(0.0, |token| token.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentiment::vader::table::WordNumber;

    fn tokens(values: &[f64]) -> Vec<Token> {
        values
            .iter()
            .map(|&value| Token {
                word: WordNumber::UNKNOWN,
                upper: false,
                nt: false,
                start: 0,
                end: 0,
                value,
            })
            .collect()
    }

    fn values(tokens: &[Token]) -> Vec<f64> {
        tokens.iter().map(|token| token.value).collect()
    }

    #[test]
    fn of_two_equal_values_the_first_is_changed() {
        let check = |before: &[f64], but: usize, after: &[f64]| {
            let mut list = tokens(before);
            scan(&mut list, but, |_, _| {});
            assert_eq!(values(&list), after);
        };
        check(&[2.0, 0.0, 3.0], 1, &[1.0, 0.0, 4.5]);
        // The second 2.0 is found at its own place, because the first has become 1.0 by then.
        check(&[2.0, 2.0, 0.0], 2, &[1.0, 1.0, 0.0]);
        // The third value is taken for the first, which has just become 1.0.
        check(&[2.0, 0.0, 1.0], 1, &[0.5, 0.0, 1.0]);
    }

    proptest::proptest! {
        #[test]
        fn scan_and_index_agree(values_in in proptest::collection::vec(0u8..6, 1..60), but in 0usize..60) {
            let start: Vec<f64> = values_in.iter().map(|&n| [0.0, 1.0, 2.0, 1.5, -1.0, 3.0][usize::from(n)]).collect();
            let (mut a, mut b) = (tokens(&start), tokens(&start));
            scan(&mut a, but, |_, _| {});
            indexed(&mut b, but, |_, _| {});
            proptest::prop_assert_eq!(values(&a), values(&b));
        }
    }
}
