//! Amounts of rand: "R1 200,50", "R 1,200.50", "1200 rand", "two hundred rand", "makgolo a mabedi a diranta", "50c".
//!
//! Other currencies are not recognised; a number without a sign of money is no amount.

use std::ops::Range;

use super::number::{Decimals, Numeral, Run, is_minus, next_digit, word_at};
use super::{Value, number_words};
use crate::text::Words;

/// The rand, as words before or after a number.
const RAND: [&str; 10] = [
    "rand", "rands", "randt", "zar", "ranta", "diranta", "randi", "iirandi", "eerandi", "zerandi",
];
const CENT: [&str; 7] = ["c", "cent", "cents", "sent", "sente", "disente", "iisenti"];

/// What may stand between a number and the rand: "makgolo a mabedi a diranta", "diranta tse 200", "iirandi ezingama-200".
const LINKS: [&str; 10] = [
    "a", "tsa", "ya", "tse", "eziyi", "ezili", "ezingama", "ezi", "za", "of",
];

/// "R5m", "R2mil".
const MILLION: [&str; 3] = ["m", "mil", "mn"];

pub(super) fn find(text: &str, words: &Words) -> Vec<Value> {
    let mut values = in_digits(text);
    // Most messages name no money; their numbers in words need not be read.
    if words
        .tokens
        .iter()
        .any(|token| RAND.contains(&words.text(token)))
    {
        values.extend(in_words(text, words));
        values.sort_by_key(|(range, _)| range.start);
    }
    // The rand of "200 rand 300" belongs to the first.
    values.dedup_by(|next, kept| next.0.start < kept.0.end);
    values
}

fn in_words(text: &str, words: &Words) -> Vec<Value> {
    let numbers = number_words::find(text, words).into_iter();
    numbers
        .filter_map(|(range, digits)| Some((with_rand(text, range)?, format!("{digits}.00"))))
        .collect()
}

/// `1200.50` as "R1 200.50".
pub(super) fn label(value: &str) -> String {
    let (sign, digits) = value
        .strip_prefix('-')
        .map_or(("", value), |digits| ("-", digits));
    let (whole, cents) = digits.split_once('.').unwrap_or((digits, "00"));
    let mut grouped = String::with_capacity(whole.len() * 4 / 3);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    format!("{sign}R{grouped}.{cents}")
}

fn in_digits(text: &str) -> Vec<Value> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(start) = next_digit(text, at) {
        let run = Run::at(text, start);
        at = run.end;
        if run.is_dated {
            continue;
        }
        let Some(numeral) = Numeral::read(text, start, Decimals::Cents) else {
            continue;
        };
        at = numeral.end;
        if let Some((range, value)) = amount(text, numeral) {
            at = range.end;
            values.push((range, value));
        }
    }
    values
}

fn amount(text: &str, mut numeral: Numeral) -> Option<Value> {
    let sign = sign_before(text, numeral.start);
    let letters = word_at(text, numeral.end).to_ascii_lowercase();
    if sign.is_some() && MILLION.contains(&letters.as_str()) {
        numeral.end += letters.len();
        numeral.multiply(6);
    } else if letters.is_empty() || letters == "k" {
        numeral = numeral.with_suffix(text)?;
    } else if letters.chars().any(char::is_numeric) {
        return None;
    }
    if let Some((begin, minus)) = sign {
        let value = format!("{minus}{}.{:0<2}", numeral.whole, numeral.fraction);
        return (!is_road(text, begin, &numeral)).then_some((begin..numeral.end, value));
    }
    let before = text.get(..numeral.start)?.chars().next_back();
    if before.is_some_and(char::is_alphanumeric) {
        return None;
    }
    let may_be_cents = numeral.fraction.is_empty() && numeral.whole.len() <= 2;
    if let Some(end) = word_after(text, numeral.end, &CENT).filter(|_| may_be_cents) {
        return Some((numeral.start..end, format!("0.{:0>2}", numeral.whole)));
    }
    let range = with_rand(text, numeral.start..numeral.end)?;
    Some((range, format!("{}.{:0<2}", numeral.whole, numeral.fraction)))
}

/// The number at `range` with the word for the rand that stands after or before it.
fn with_rand(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    match rand_after(text, range.end) {
        Some(end) => Some(range.start..end),
        None => Some(rand_before(text, range.start)?..range.end),
    }
}

/// Where "R" or "ZAR" before the digits at `start` begins, and the minus of a negative amount.
fn sign_before(text: &str, start: usize) -> Option<(usize, &'static str)> {
    let before = text.get(..start)?;
    let inner = before.strip_suffix('-');
    let before = inner
        .unwrap_or(before)
        .trim_end_matches([' ', '\u{A0}', '\u{202F}', ':']);
    let currency = ["zar", "r"].into_iter().find(|name| {
        let tail = before
            .len()
            .checked_sub(name.len())
            .and_then(|at| before.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(name))
    })?;
    let begin = before.len() - currency.len();
    if text
        .get(..begin)?
        .chars()
        .next_back()
        .is_some_and(char::is_alphanumeric)
    {
        return None;
    }
    match is_minus(text, begin) {
        Some(minus) => Some((minus, "-")),
        None => Some((begin, if inner.is_some() { "-" } else { "" })),
    }
}

/// Where a word for the rand before `start` begins.
fn rand_before(text: &str, start: usize) -> Option<usize> {
    let (begin, word) = last_word(text.get(..start)?)?;
    let (begin, word) = if LINKS.contains(&word.as_str()) {
        last_word(text.get(..begin)?)?
    } else {
        (begin, word)
    };
    RAND.contains(&word.as_str()).then_some(begin)
}

/// Where a word for the rand after `end` ends.
fn rand_after(text: &str, end: usize) -> Option<usize> {
    if word_at(text, end).eq_ignore_ascii_case("r") {
        return Some(end + 1);
    }
    word_after(text, end, &RAND).or_else(|| word_after(text, word_after(text, end, &LINKS)?, &RAND))
}

/// The last word of `text` in lower case, if only a space or a hyphen follows it.
fn last_word(text: &str) -> Option<(usize, String)> {
    let trimmed = text.trim_end_matches([' ', '\u{A0}', '-']);
    let begin = trimmed
        .char_indices()
        .rev()
        .take_while(|(_, c)| c.is_alphabetic())
        .last()?
        .0;
    Some((begin, trimmed.get(begin..)?.to_lowercase()))
}

/// Where one of `names` ends that stands at `end`, after spaces at most.
fn word_after(text: &str, end: usize, names: &[&str]) -> Option<usize> {
    let rest = text.get(end..)?;
    let gap = rest.len() - rest.trim_start_matches([' ', '\u{A0}']).len();
    let word = word_at(text, end + gap);
    names
        .contains(&word.to_lowercase().as_str())
        .then(|| end + gap + word.len())
}

/// "the pothole on the R26": regional roads are named like amounts.
fn is_road(text: &str, begin: usize, numeral: &Numeral) -> bool {
    let like_one =
        numeral.fraction.is_empty() && numeral.whole.len() <= 3 && begin + 1 == numeral.start;
    let word_before = |at: usize| text.get(..at).and_then(last_word);
    let Some((at, word)) = word_before(begin).filter(|_| like_one) else {
        return false;
    };
    match word.as_str() {
        "road" | "route" | "roete" | "pad" | "tsela" | "indlela" | "along" | "langs" => true,
        "the" | "die" => word_before(at).is_some_and(|(_, word)| {
            let places = ["on", "along", "off", "beside", "near", "op", "langs", "by"];
            places.contains(&word.as_str())
        }),
        _ => false,
    }
}
