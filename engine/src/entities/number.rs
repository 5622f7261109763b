//! Numbers in digits and in words.
//!
//! A group of three digits after a space, comma or apostrophe is thousands; after a point it is decimals ("1.200" is
//! 1.2), because that is how meters and most people here write. Dates, times, versions, ordinals and house numbers
//! ("12A", "2nd") are no numbers. Names of amounts, as R and rand, are left to `amount`.

use super::{Value, number_words};
use crate::text::Words;

/// Longer rows of digits are references, not quantities.
const DIGITS_MAX: usize = 18;

/// The longest name of a currency before digits, and of anything after them.
const CURRENCY_CHARS_MAX: usize = 3;
const NAME_CHARS_MAX: usize = 12;

/// What may follow a number without a space.
const UNITS: [&str; 17] = [
    "x", "m", "km", "cm", "mm", "l", "ml", "kl", "g", "kg", "kw", "kwh", "v", "h", "hrs", "min",
    "r",
];

/// Words that multiply a number in digits, with the zeros they add.
const MULTIPLIERS: [(&str, usize); 6] = [
    ("hundred", 2),
    ("honderd", 2),
    ("thousand", 3),
    ("duisend", 3),
    ("million", 6),
    ("miljoen", 6),
];

pub(super) fn find(text: &str, words: &Words) -> Vec<Value> {
    let mut values = in_digits(text);
    values.extend(number_words::find(text, words));
    values.sort_by_key(|(range, _)| range.start);
    // The million of "1.5 million" is a number in words as well.
    values.dedup_by(|next, kept| next.0.start < kept.0.end);
    values
}

fn in_digits(text: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(start) = next_digit(text, at) {
        let run = Run::at(text, start);
        at = run.end;
        if run.is_dated || !may_begin(text, start) {
            continue;
        }
        let mut from = start;
        while let Some(numeral) =
            next_digit(text, from).and_then(|s| Numeral::read(text, s, Decimals::Any))
        {
            let begin = numeral.start;
            let Some(numeral) = numeral.with_suffix(text) else {
                break;
            };
            at = at.max(numeral.end);
            from = numeral.end;
            let minus = is_minus(text, begin);
            let sign = if minus.is_some() && numeral.whole != "0" {
                "-"
            } else {
                ""
            };
            values.push((
                minus.unwrap_or(begin)..numeral.end,
                format!("{sign}{}", numeral.plain()),
            ));
            if from >= run.end {
                break;
            }
        }
    }
    values
}

pub(super) fn next_digit(text: &str, from: usize) -> Option<usize> {
    Some(from + text.get(from..)?.find(|c: char| c.is_ascii_digit())?)
}

/// A number may follow anything but a letter, except those of the currency ("R200", "ZAR200").
fn may_begin(text: &str, start: usize) -> bool {
    let before = text.get(..start).unwrap_or("");
    let letters = before
        .chars()
        .rev()
        .take(CURRENCY_CHARS_MAX + 1)
        .take_while(|c| c.is_alphanumeric());
    let word: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    matches!(word.as_str(), "" | "r" | "raz")
}

/// Where a minus stands that belongs to the digits at `start`: directly before them, and after nothing or a space.
pub(super) fn is_minus(text: &str, start: usize) -> Option<usize> {
    let before = text.get(..start)?;
    let rest = before
        .strip_suffix('-')
        .or_else(|| before.strip_suffix('\u{2212}'))?;
    rest.chars()
        .next_back()
        .is_none_or(char::is_whitespace)
        .then_some(rest.len())
}

/// Digits and the marks between them, without spaces.
pub(super) struct Run {
    pub(super) end: usize,
    /// A date, a time, a version, an address: digits that are not a quantity.
    pub(super) is_dated: bool,
}

impl Run {
    pub(super) fn at(text: &str, start: usize) -> Self {
        let (mut end, mut hyphens, mut is_dated) = (start, 0, false);
        let mut chars = text.get(start..).unwrap_or("").chars().peekable();
        while let Some(c) = chars.next() {
            let joins = chars.peek().is_some_and(char::is_ascii_digit);
            match c {
                '0'..='9' => {}
                '-' | '\u{2013}' if joins => hyphens += 1,
                ':' | '/' if joins => is_dated = true,
                '.' | ',' | '\'' if joins => {}
                _ => break,
            }
            end += c.len_utf8();
        }
        Self {
            end,
            is_dated: is_dated || hyphens > 1,
        }
    }
}

/// How many digits a fraction may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decimals {
    Any,
    /// At most two, as of money; so three digits after a point are thousands.
    Cents,
}

/// A number in digits, without its sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Numeral {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Digits without leading zeros, at least one.
    pub(super) whole: String,
    /// Digits as written; may be empty.
    pub(super) fraction: String,
}

impl Numeral {
    /// Reads the number whose first digit is at `start`; `None` when what stands there is no number.
    pub(super) fn read(text: &str, start: usize, decimals: Decimals) -> Option<Self> {
        let first = digits_at(text, start);
        let mut whole = first.to_owned();
        let mut end = start + first.len();
        let separator = thousands(text, start, first, decimals).inspect(|(_, after)| {
            whole = text
                .get(start..*after)
                .unwrap_or("")
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            end = *after;
        });
        let mut fraction = "";
        if let Some(point) = char_at(text, end).filter(|c| matches!(c, '.' | ',')) {
            let used = separator.is_some_and(|(mark, _)| mark == point);
            fraction = digits_at(text, end + 1);
            if used && !fraction.is_empty() || decimals == Decimals::Cents && fraction.len() > 2 {
                return None;
            }
            end += if fraction.is_empty() {
                0
            } else {
                1 + fraction.len()
            };
        }
        let joined = char_at(text, end).filter(|c| matches!(c, '.' | ',' | '\'' | ':' | '/'));
        if whole.is_empty() || joined.is_some() && !digits_at(text, end + 1).is_empty() {
            return None;
        }
        let kept = whole.trim_start_matches('0');
        let whole = if kept.is_empty() { "0" } else { kept }.to_owned();
        let good = whole.len() + fraction.len() <= DIGITS_MAX;
        good.then(|| Self {
            start,
            end,
            whole,
            fraction: fraction.to_owned(),
        })
    }

    /// With what stands behind it: "5 thousand", "5k", "5km"; `None` when it is part of a word, as "2nd".
    pub(super) fn with_suffix(mut self, text: &str) -> Option<Self> {
        let letters = word_at(text, self.end);
        let lower = letters.to_ascii_lowercase();
        if lower == "k" {
            self.end += letters.len();
            self.multiply(3);
        } else if !letters.is_empty() && !UNITS.contains(&lower.as_str()) {
            return None;
        } else if letters.is_empty() {
            let after = text.get(self.end..).unwrap_or("");
            let gap = after.len() - after.trim_start_matches([' ', '\u{A0}']).len();
            let word = word_at(text, self.end + gap);
            if let Some((_, zeros)) = MULTIPLIERS
                .iter()
                .find(|(name, _)| word.eq_ignore_ascii_case(name))
            {
                self.end += gap + word.len();
                self.multiply(*zeros);
            }
        }
        Some(self)
    }

    /// Moves the point `zeros` places to the right.
    pub(super) fn multiply(&mut self, zeros: usize) {
        let moved = format!("{}{:0<zeros$}", self.whole, self.fraction);
        let point = self.whole.len() + zeros;
        let (whole, fraction) = moved.split_at_checked(point).unwrap_or((&moved, ""));
        let kept = whole.trim_start_matches('0');
        let kept = if kept.is_empty() { "0" } else { kept };
        (self.whole, self.fraction) = (kept.to_owned(), fraction.to_owned());
    }

    /// Without zeros that say nothing.
    pub(super) fn plain(&self) -> String {
        match self.fraction.trim_end_matches('0') {
            "" => self.whole.clone(),
            fraction => format!("{}.{fraction}", self.whole),
        }
    }
}

/// The mark between groups of three digits after the digits `first` at `start`, and the byte after the last group.
fn thousands(text: &str, start: usize, first: &str, decimals: Decimals) -> Option<(char, usize)> {
    let mut end = start + first.len();
    let mark = char_at(text, end)
        .filter(|c| matches!(c, ' ' | '\u{A0}' | '\u{202F}' | ',' | '.' | '\''))?;
    if !(1..=3).contains(&first.len()) || first.starts_with('0') {
        return None;
    }
    let mut groups = 0;
    while char_at(text, end) == Some(mark) {
        match digits_at(text, end + mark.len_utf8()).len() {
            3 => end += mark.len_utf8() + 3,
            0 => break,
            // "1 200 50" is a row of numbers, "1,200,50" none; a point may still bring decimals.
            _ if mark.is_whitespace() || groups > 0 => return None,
            _ => break,
        }
        groups += 1;
    }
    let decimals_follow = char_at(text, end) == Some(',') && !digits_at(text, end + 1).is_empty();
    let good = match mark {
        '.' => groups > 1 || groups == 1 && (decimals_follow || decimals == Decimals::Cents),
        _ => groups > 0,
    };
    good.then_some((mark, end))
}

fn char_at(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

fn digits_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest.get(..length).unwrap_or("")
}

/// The letters and digits that begin at `at`; of a long word only a part, which no name is as long as.
pub(super) fn word_at(text: &str, at: usize) -> &str {
    let rest = text.get(at..).unwrap_or("");
    let letters = rest
        .chars()
        .take(NAME_CHARS_MAX + 1)
        .take_while(|c| c.is_alphanumeric());
    rest.get(..letters.map(char::len_utf8).sum()).unwrap_or("")
}
