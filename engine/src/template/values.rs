//! The values of templates: what is given becomes a normal form or a problem in words, a normal form is printed by kind and
//! language. Which values a template needs is not known here.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::FieldKind;
use crate::language::Language;
use crate::respond::formats;

/// UTF-16 units of one value; a whole message body takes no more.
const VALUE_UNITS_MAX: usize = 1024;
/// Characters of an address.
const URL_CHARS_MAX: usize = 2000;
/// Digits before the dot of an amount.
const MONEY_DIGITS_MAX: usize = 12;
/// Digits before and after the dot of a number.
const NUMBER_DIGITS_MAX: usize = 15;
/// Characters of a value that are repeated to the person who gave it.
const ECHO_CHARS_MAX: usize = 40;
/// What a text or an address is taken to be at its longest when limits are checked at load.
const USUAL_TEXT_CHARS: usize = 40;
const USUAL_URL_CHARS: usize = 80;

/// The normal form of `given`, or what is wrong with it.
pub(super) fn normal(kind: FieldKind, given: &str, timezone: &TimeZone) -> Result<String, String> {
    let given = collapsed(given);
    if given.is_empty() {
        return Err("it is empty".to_owned());
    }
    match kind {
        FieldKind::Text => text(given),
        FieldKind::Money => money(&given),
        FieldKind::Date => date(&given),
        FieldKind::Time => time(&given),
        FieldKind::Datetime => datetime(&given, timezone),
        FieldKind::Number => number(&given),
        FieldKind::Url => url(given),
    }
}

/// On one line, with single blanks: WhatsApp refuses line breaks, tabs and more than four blanks in a row. What cannot be
/// seen goes too, for a name made of it would be a hole.
pub(super) fn collapsed(text: &str) -> String {
    let invisible = |c: &char| matches!(c, '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{00AD}');
    let blank = |c: char| c.is_whitespace() || c.is_control();
    let seen: String = text.chars().filter(|c| !invisible(c)).collect();
    let words = seen.split(blank).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

fn text(given: String) -> Result<String, String> {
    let units = given.encode_utf16().count();
    if units > VALUE_UNITS_MAX {
        return Err(format!(
            "it has {units} characters; WhatsApp takes {VALUE_UNITS_MAX}"
        ));
    }
    Ok(given)
}

fn echo(given: &str) -> String {
    let mut shown: String = given.chars().take(ECHO_CHARS_MAX).collect();
    if shown.len() < given.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

fn digits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits without zeros in front.
fn trimmed(digits: &str) -> &str {
    let trimmed = digits.trim_start_matches('0');
    if trimmed.is_empty() { "0" } else { trimmed }
}

fn money(given: &str) -> Result<String, String> {
    let (rand, cents) = given.split_once('.').unwrap_or((given, "00"));
    if digits(rand, MONEY_DIGITS_MAX) && digits(cents, 2) {
        return Ok(format!("{}.{cents:0<2}", trimmed(rand)));
    }
    Err(format!(
        "{} is not an amount: write up to {MONEY_DIGITS_MAX} digits, a dot and the cents, as in 1250.50",
        echo(given)
    ))
}

fn date(given: &str) -> Result<String, String> {
    if is_date(given) {
        return match given.parse::<Date>() {
            Ok(day) => Ok(day.to_string()),
            Err(_) => Err(format!("{} is not a day of the calendar", echo(given))),
        };
    }
    Err(format!(
        "{} is not a date: write year, month and day, as in 2026-12-07",
        echo(given)
    ))
}

/// Whether `text` looks like `2026-12-07`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let mut next = |length| {
        parts
            .next()
            .is_some_and(|part| part.len() == length && digits(part, length))
    };
    next(4) && next(2) && next(2) && parts.next().is_none()
}

fn time(given: &str) -> Result<String, String> {
    let at = given
        .parse::<Time>()
        .ok()
        .filter(|_| given.as_bytes().get(2) == Some(&b':'));
    at.map(hour_and_minute).ok_or_else(|| {
        format!(
            "{} is not a time: write hours and minutes, as in 08:00",
            echo(given)
        )
    })
}

fn hour_and_minute(at: Time) -> String {
    format!("{:02}:{:02}", at.hour(), at.minute())
}

/// A time with an offset is the same moment in the pack's zone.
fn datetime(given: &str, timezone: &TimeZone) -> Result<String, String> {
    let looks_right = given.get(..10).is_some_and(is_date) && given.len() > 10;
    let moment = given.parse::<Timestamp>().ok();
    let civil = moment
        .map(|moment| timezone.to_datetime(moment))
        .or_else(|| given.parse::<DateTime>().ok())
        .filter(|_| looks_right);
    civil
        .map(|at| format!("{}T{}", at.date(), hour_and_minute(at.time())))
        .ok_or_else(|| {
            format!(
                "{} is not a day and time: write them as in 2026-12-07T08:00",
                echo(given)
            )
        })
}

fn number(given: &str) -> Result<String, String> {
    let (sign, amount) = given
        .strip_prefix('-')
        .map_or(("", given), |amount| ("-", amount));
    let (whole, part) = match amount.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (amount, None),
    };
    if digits(whole, NUMBER_DIGITS_MAX) && part.is_none_or(|part| digits(part, NUMBER_DIGITS_MAX)) {
        let part = part.map_or_else(String::new, |part| format!(".{part}"));
        return Ok(format!("{sign}{}{part}", trimmed(whole)));
    }
    Err(format!(
        "{} is not a number: write digits, as in 12 or 3.5",
        echo(given)
    ))
}

fn url(given: String) -> Result<String, String> {
    let scheme = given.split_once("://").map(|(scheme, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or("");
        (scheme.to_ascii_lowercase(), host.len())
    });
    let is_web = scheme
        .is_some_and(|(scheme, host)| matches!(scheme.as_str(), "http" | "https") && host > 0);
    let chars = given.chars().count();
    if !is_web || given.contains(' ') {
        return Err(
            "it is not an address of the web: write it whole, as in https://example.org/statement"
                .to_owned(),
        );
    }
    if chars > URL_CHARS_MAX {
        return Err(format!(
            "it has {chars} characters; WhatsApp takes {URL_CHARS_MAX}"
        ));
    }
    Ok(given)
}

/// A normal form as people read it. Total: what is not in normal form is printed as it is.
pub(crate) fn print(kind: FieldKind, value: &str, language: Language) -> String {
    let printed = match kind {
        FieldKind::Text | FieldKind::Time | FieldKind::Url => None,
        FieldKind::Money => print_money(value, language),
        FieldKind::Date => formats::day(value, language),
        FieldKind::Datetime => value.split_once('T').and_then(|(day, time)| {
            let day = formats::day(day, language)?;
            Some(format!("{day}, {time}"))
        }),
        FieldKind::Number => Some(value.replace('.', decimal_mark(language))),
    };
    printed.unwrap_or_else(|| collapsed(value))
}

/// `1250.50` as `1 250.50`, in Afrikaans as `1 250,50`; the text brings the currency.
fn print_money(value: &str, language: Language) -> Option<String> {
    let (rand, cents) = value.split_once('.')?;
    if !digits(rand, MONEY_DIGITS_MAX) || !digits(cents, 2) {
        return None;
    }
    let mut grouped = String::new();
    for (place, digit) in rand.chars().enumerate() {
        if place > 0 && (rand.len() - place).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    Some(format!("{grouped}{}{cents}", decimal_mark(language)))
}

fn decimal_mark(language: Language) -> &'static str {
    if language == Language::AF { "," } else { "." }
}

/// A long value of this kind as it is printed, no shorter than the sample.
pub(super) fn longest(kind: FieldKind, sample: &str, language: Language) -> String {
    let usual = match kind {
        FieldKind::Text => "x".repeat(USUAL_TEXT_CHARS),
        FieldKind::Url => "x".repeat(USUAL_URL_CHARS),
        FieldKind::Money => print(kind, "9999999.99", language),
        FieldKind::Date => print(kind, "2026-09-30", language),
        FieldKind::Time => "23:59".to_owned(),
        FieldKind::Datetime => print(kind, "2026-09-30T23:59", language),
        FieldKind::Number => "9".repeat(9),
    };
    let sample = print(kind, sample, language);
    if sample.encode_utf16().count() > usual.encode_utf16().count() {
        sample
    } else {
        usual
    }
}
