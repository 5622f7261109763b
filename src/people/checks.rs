//! What may stand in the register: the same checks for the API, forms and files.
//!
//! Each takes a text as it was given, and gives it as it is kept or says what is wrong with it.

use std::fmt::Write;

use jiff::civil::Date;
use puisano_engine::{Consent, Language};

use crate::store::accounts::Role;
use crate::store::consents::category_of;

const NAME_CHARS_MAX: usize = 200;
const ACCOUNT_NUMBER_CHARS_MAX: usize = 64;
const TAG_CHARS_MAX: usize = 64;
const FIELD_NAME_CHARS_MAX: usize = 64;
const FIELD_VALUE_CHARS_MAX: usize = 1_000;
const SOURCE_CHARS_MAX: usize = 48;
const PROOF_CHARS_MAX: usize = 200;
/// Digits of an amount before the cents.
const RAND_DIGITS_MAX: usize = 12;
/// Tags and fields of one contact or account.
pub const TAGS_MAX: usize = 100;
pub const FIELDS_MAX: usize = 100;

type Checked<T = String> = Result<T, String>;

/// A line of text that people read.
pub fn name(text: &str) -> Checked {
    line(text, NAME_CHARS_MAX)
}

pub fn account_number(text: &str) -> Checked {
    line(text, ACCOUNT_NUMBER_CHARS_MAX)
}

pub fn tag(text: &str) -> Checked {
    line(text, TAG_CHARS_MAX)
}

/// As rules name it: `contact.<field>`.
pub fn field_name(text: &str) -> Checked {
    let text = text.trim();
    let fits = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if fits && text.len() <= FIELD_NAME_CHARS_MAX {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "must be a name of up to {FIELD_NAME_CHARS_MAX} small letters, digits and `_`, such as meter_number"
        ))
    }
}

pub fn field_value(text: &str) -> Checked {
    line(text, FIELD_VALUE_CHARS_MAX)
}

/// Who or what says that somebody agreed.
pub fn source(text: &str) -> Checked {
    line(text, SOURCE_CHARS_MAX)
}

/// Where the proof of something is.
pub fn proof(text: &str) -> Checked {
    line(text, PROOF_CHARS_MAX)
}

/// A language that the pack speaks.
pub fn language(text: &str, known: &[Language]) -> Checked<Language> {
    let code = text.trim().to_ascii_lowercase();
    let found = Language::parse(&code).filter(|language| known.contains(language));
    found.ok_or_else(|| {
        let codes: Vec<&str> = known.iter().map(Language::as_str).collect();
        format!("is not one of the languages here: {}", codes.join(", "))
    })
}

/// The IANA name of a time zone.
pub fn time_zone(text: &str) -> Checked {
    let text = text.trim();
    let zone = jiff::tz::TimeZone::get(text).ok();
    let name = zone.as_ref().and_then(|zone| zone.iana_name());
    name.map(str::to_owned)
        .ok_or_else(|| "is not a time zone: write its name, such as Africa/Johannesburg".to_owned())
}

pub fn role(text: &str) -> Checked<Role> {
    Role::parse(&text.trim().to_ascii_lowercase())
        .ok_or_else(|| "is not one of owner, tenant, payer, other".to_owned())
}

pub fn category(text: &str) -> Checked<Consent> {
    category_of(text.trim()).ok_or_else(|| "is not one of account, service, marketing".to_owned())
}

pub fn yes_no(text: &str) -> Checked<bool> {
    match text.trim().to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "ja" | "ee" | "ewe" => Ok(true),
        "no" | "n" | "false" | "0" | "nee" | "tjhe" | "hayi" => Ok(false),
        _ => Err("must be yes or no".to_owned()),
    }
}

/// Rand and cents, as `1250.50`. Thousands may be parted by spaces or commas, `R` may stand in front.
pub fn amount(text: &str) -> Checked {
    let wrong =
        || Err("is not an amount: write rand and cents with a point, such as 1250.50".to_owned());
    let text = text.trim();
    let text = text.strip_prefix(['R', 'r']).unwrap_or(text).trim_start();
    let (rand, cents) = text.split_once('.').unwrap_or((text, "00"));
    let Some(rand) = thousands(rand) else {
        return wrong();
    };
    if !(1..=2).contains(&cents.len()) || !cents.bytes().all(|byte| byte.is_ascii_digit()) {
        return wrong();
    }
    let rand = rand.trim_start_matches('0');
    if rand.len() > RAND_DIGITS_MAX {
        return Err(format!(
            "has more than {RAND_DIGITS_MAX} digits before the cents"
        ));
    }
    let rand = if rand.is_empty() { "0" } else { rand };
    let mut normal = String::new();
    let _ = write!(normal, "{rand}.{cents:0<2}");
    Ok(normal)
}

/// The digits of `12 345`, `12,345` or `12345`; parts must be where thousands are.
fn thousands(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split([' ', ',', '\u{a0}', '\u{202f}']).collect();
    let (first, rest) = parts.split_first()?;
    let is_digits =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = is_digits(first)
        && rest.iter().all(|part| is_digits(part) && part.len() == 3)
        && (rest.is_empty() || first.len() <= 3);
    fits.then(|| parts.concat())
}

/// A day of the calendar, as `2026-12-07`.
pub fn date(text: &str) -> Checked {
    let text = text.trim();
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return Err("is not a date: write year, month and day, such as 2026-12-07".to_owned());
    };
    let number = |part: &str, digits: usize| {
        let fits = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        fits.then(|| part.parse::<i16>().ok()).flatten()
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return Err("is not a date: write year, month and day, such as 2026-12-07".to_owned());
    };
    let (month, day) = (
        i8::try_from(month).unwrap_or(0),
        i8::try_from(day).unwrap_or(0),
    );
    match Date::new(year, month, day) {
        Ok(date) => Ok(date.to_string()),
        Err(_) => Err("does not exist in the calendar".to_owned()),
    }
}

/// One line without control characters.
fn line(text: &str, chars_max: usize) -> Checked {
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty".to_owned());
    }
    if text.contains(['\n', '\r', '\u{2028}', '\u{2029}']) {
        return Err("holds a line break".to_owned());
    }
    if text.chars().any(char::is_control) {
        return Err("holds a control character".to_owned());
    }
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(format!(
            "has {chars} characters: at most {chars_max} are kept"
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(read: fn(&str) -> Checked, given: &str, expected: Option<&str>) {
        assert_eq!(read(given).ok().as_deref(), expected, "{given}");
    }

    #[test]
    fn amounts_have_one_meaning_or_none() {
        for (given, expected) in [
            ("1250.50", Some("1250.50")),
            ("R1,250.5", Some("1250.50")),
            ("R 1 250", Some("1250.00")),
            ("0", Some("0.00")),
            ("007.10", Some("7.10")),
            ("R1.234,50", None),
            ("1250,50", None),
            ("1,25,000", None),
            ("12345,678", None),
            ("1250.505", None),
            ("1250.", None),
            (".50", None),
            ("-5.00", None),
            ("", None),
            ("R", None),
            ("1234567890123", None),
            ("١٢", None),
        ] {
            check(amount, given, expected);
        }
    }

    #[test]
    fn dates_exist() {
        check(date, "2026-12-07", Some("2026-12-07"));
        check(date, " 2028-02-29 ", Some("2028-02-29"));
        for odd in [
            "2026-02-30",
            "2027-02-29",
            "2026-13-01",
            "7/12/2026",
            "2026-1-7",
            "20261207",
            "2026-12-07T08:00",
            "",
        ] {
            check(date, odd, None);
        }
        assert!(date("2026-02-30").unwrap_err().contains("does not exist"));
    }

    #[test]
    fn the_rest_is_what_it_says() {
        check(name, " Palesa M. ", Some("Palesa M."));
        check(name, "a\nb", None);
        check(name, "a\0b", None);
        check(name, &"x".repeat(201), None);
        check(field_name, "meter_number", Some("meter_number"));
        check(field_name, "Meter", None);
        check(field_name, "1st", None);
        check(
            time_zone,
            "Africa/Johannesburg",
            Some("Africa/Johannesburg"),
        );
        check(time_zone, "Zastron", None);
        assert_eq!(role("Tenant"), Ok(Role::Tenant));
        assert_eq!(yes_no(" JA "), Ok(true));
        assert!(yes_no("maybe").is_err());
        let known = [Language::EN, Language::ST];
        assert_eq!(language("ST", &known), Ok(Language::ST));
        assert!(language("fr", &known).unwrap_err().contains("en, st"));
    }

    proptest! {
        #[test]
        fn an_amount_reads_the_same_again(text in "R? ?[0-9]{0,5}[ ,]?[0-9]{0,3}[.,]?[0-9]{0,3}") {
            if let Ok(normal) = amount(&text) {
                prop_assert_eq!(amount(&normal), Ok(normal.clone()));
            }
        }
    }
}
