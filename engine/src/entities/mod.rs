//! Finds values in text: one file per kind.
//!
//! Value lists are found by the matcher (they are words like any other); everything else here. Each kind is searched
//! for by itself: "R200" is an amount and, to whoever asks for numbers, a number. Which of two overlapping values
//! stands is decided by the caller.

mod amount;
mod email;
mod expression;
mod number;
mod number_words;
mod phone;
#[cfg(test)]
mod tests;
mod yes_no;

use std::ops::Range;

use crate::ruleset::EntityId;
use crate::text::{Words, matched};

/// A value found in a message, before it has a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) entity: EntityId,
    /// Bytes of the raw message.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Normal form.
    pub(crate) value: String,
    /// Spelled with a typo that was forgiven.
    pub(crate) typos: u8,
}

/// The kinds that are found by code. Every built-in kind is an entity of every pack under its own name.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Keys with their spellings, found by the matcher.
    Values { keys: Vec<ValueKey> },
    /// Normal form: as written.
    Regex {
        regex: regex::Regex,
        check: Option<Check>,
    },
    /// Normal form: digits, a point before decimals, no zeros that say nothing, `-` before negative ones.
    Number,
    /// Rand. Normal form: as a number, with exactly two decimals.
    Amount,
    /// `country` is an ISO 3166 code of two capitals: numbers without a country are of it. Normal form: E.164.
    Phone { country: String },
    /// Normal form: the domain in lower case.
    Email,
    /// Normal form: `yes` or `no`.
    YesNo,
}

/// One value of a value list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ValueKey {
    pub(crate) key: String,
    /// What replies print: the `label`, else the key with a capital.
    pub(crate) label: String,
    /// As the pack writes them.
    pub(crate) spellings: Vec<String>,
}

/// A test of digits beyond their shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Luhn,
}

/// Names of the built-in kinds available now.
pub(crate) const BUILT_IN: [&str; 5] = ["number", "amount", "phone", "email", "yes_no"];

/// A value and the bytes of the message it stands in.
type Value = (Range<usize>, String);

/// Finds the values of `kind` in the message and appends them in order of appearance; they do not overlap. Values of
/// value lists are not found here.
pub(crate) fn find(
    entity: EntityId,
    kind: &Kind,
    text: &str,
    words: &Words,
    found: &mut Vec<Found>,
) {
    let text = matched(text);
    let values = match kind {
        Kind::Values { .. } => return,
        Kind::Regex { regex, check } => expression::find(text, regex, *check),
        Kind::Number => number::find(text, words),
        Kind::Amount => amount::find(text, words),
        Kind::Phone { country } => phone::find(text, country),
        Kind::Email => email::find(text),
        Kind::YesNo => yes_no::find(text, words),
    };
    let place = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
    found.extend(values.into_iter().map(|(at, value)| Found {
        entity,
        start: place(at.start),
        end: place(at.end),
        value,
        typos: 0,
    }));
}

/// What replies print for a value of `kind`.
pub(crate) fn label(kind: &Kind, value: &str) -> String {
    match kind {
        Kind::Values { keys } => keys
            .iter()
            .find(|known| known.key == value)
            .map_or_else(|| value.to_owned(), |known| known.label.clone()),
        Kind::Amount => amount::label(value),
        Kind::Phone { country } => phone::label(country, value),
        Kind::Regex { .. } | Kind::Number | Kind::Email | Kind::YesNo => value.to_owned(),
    }
}
