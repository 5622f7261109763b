//! Values that a pack describes by a regular expression, with a check of their digits where it asks for one.
//!
//! A match that cuts a word or a row of digits in two is no value: eight digits of thirteen are not an account number.

use regex::Regex;

use super::{Check, Value};

/// Matches tried in one message. Each may cost a pass over the text, so their number must not grow with it.
const MATCHES_MAX: usize = 16;

pub(super) fn find(text: &str, regex: &Regex, check: Option<Check>) -> Vec<Value> {
    let mut values = Vec::new();
    let mut from = 0;
    for _ in 0..MATCHES_MAX {
        let Some(found) = regex.find_at(text, from) else {
            break;
        };
        let whole = !cuts(text, found.start()) && !cuts(text, found.end());
        if !found.is_empty() && whole && passes(found.as_str(), check) {
            values.push((found.range(), found.as_str().to_owned()));
        }
        let Some(next) = next_start(text, found.end(), found.is_empty()) else {
            break;
        };
        from = next;
    }
    values
}

/// Where to look on; after an empty match one character further.
fn next_start(text: &str, end: usize, empty: bool) -> Option<usize> {
    let step = if empty {
        text.get(end..)?.chars().next()?.len_utf8()
    } else {
        0
    };
    Some(end + step)
}

/// Whether two letters or two digits stand on both sides of `at`.
fn cuts(text: &str, at: usize) -> bool {
    let before = text.get(..at).and_then(|part| part.chars().next_back());
    let after = text.get(at..).and_then(|part| part.chars().next());
    let (Some(before), Some(after)) = (before, after) else {
        return false;
    };
    before.is_alphabetic() && after.is_alphabetic() || before.is_numeric() && after.is_numeric()
}

fn passes(value: &str, check: Option<Check>) -> bool {
    match check {
        None => true,
        Some(Check::Luhn) => luhn(value),
    }
}

/// The check digit of account and card numbers (ISO/IEC 7812-1): from the right, every second digit is doubled, its own
/// digits are added up, and the sum ends in zero. What is not a digit is passed over.
fn luhn(value: &str) -> bool {
    let digits = || value.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits()
        .enumerate()
        .map(|(place, digit)| {
            if place % 2 == 0 {
                digit
            } else {
                digit * 2 / 10 + digit * 2 % 10
            }
        })
        .sum();
    digits().count() > 1 && sum.is_multiple_of(10)
}
