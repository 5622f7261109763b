//! Phone numbers as people and systems give them to us: strict E.164 over the API, national forms in files and forms.
//!
//! What comes from WhatsApp is read by [`PhoneNumber::parse`], which trusts its sender.

use crate::model::PhoneNumber;

/// Numbers without a country are South African.
const COUNTRY: &str = "27";
/// Digits of a South African number after the country's.
const NATIONAL_DIGITS: usize = 9;
/// Digits of an international number, the country's included.
const DIGITS_MIN: usize = 8;
const DIGITS_MAX: usize = 15;

/// E.164 and nothing else: `+`, then digits.
pub fn strict(text: &str) -> Result<PhoneNumber, String> {
    let digits = text
        .strip_prefix('+')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    match digits {
        Some(digits) => international(digits),
        None => Err(
            "must be in international form: `+`, the country and the number, such as +27821234567"
                .to_owned(),
        ),
    }
}

/// As people write it: international with `+` or `00`, national with `0`; spaces, hyphens, dots, slashes and brackets do
/// not count.
pub fn written(text: &str) -> Result<PhoneNumber, String> {
    let text = text.trim();
    let is_spoiled = text.contains(['e', 'E'])
        && text.chars().any(|c| c.is_ascii_digit())
        && text.parse::<f64>().is_ok();
    if is_spoiled {
        return Err(
            "is no longer a phone number: a spreadsheet has turned it into a figure; format the column as text and enter \
             the numbers again"
                .to_owned(),
        );
    }
    let body = text.strip_prefix('+').unwrap_or(text);
    if !body.chars().all(|c| c.is_ascii_digit() || is_separator(c)) {
        return Err("holds something that is not part of a phone number".to_owned());
    }
    let digits: String = body.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Err("has no digits".to_owned());
    }
    if text.starts_with('+') {
        return international(&digits);
    }
    match digits.as_bytes() {
        [b'0', b'0', ..] => international(digits.trim_start_matches('0')),
        [b'0', ..] => national(&digits),
        [b'2', b'7', ..] if digits.len() == COUNTRY.len() + NATIONAL_DIGITS => international(&digits),
        _ if digits.len() == NATIONAL_DIGITS => Err(
            "is a phone number of 9 digits: its first 0 is missing; write 0821234567 or +27821234567"
                .to_owned(),
        ),
        _ => Err(format!(
            "has {} and begins with neither `0` nor `+`: write 0821234567, or `+` and the country for numbers abroad",
            count(digits.len())
        )),
    }
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '-' | '.' | '/' | '(' | ')' | '\u{a0}' | '\u{2011}' | '\u{2013}' | '\u{202f}'
    )
}

/// Digits with the country's.
fn international(digits: &str) -> Result<PhoneNumber, String> {
    if digits.starts_with('0') {
        return Err("has a 0 where the country belongs".to_owned());
    }
    if let Some(national) = digits.strip_prefix(COUNTRY) {
        if national.starts_with('0') {
            return Err("has a 0 after +27: leave it out, as in +27821234567".to_owned());
        }
        if national.len() != NATIONAL_DIGITS {
            return Err(format!(
                "has {} after +27: South African numbers have {NATIONAL_DIGITS}",
                count(national.len())
            ));
        }
    }
    if !(DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) {
        return Err(format!(
            "has {}: international numbers have {DIGITS_MIN} to {DIGITS_MAX}",
            count(digits.len())
        ));
    }
    PhoneNumber::parse(digits).ok_or_else(|| "is not a phone number".to_owned())
}

/// Digits with the 0 of calls within the country.
fn national(digits: &str) -> Result<PhoneNumber, String> {
    let own = digits.strip_prefix('0').unwrap_or(digits);
    if own.len() == NATIONAL_DIGITS {
        return international(&format!("{COUNTRY}{own}"));
    }
    Err(format!(
        "is a phone number of {}: South African numbers have 10 with the first 0",
        count(digits.len())
    ))
}

fn count(digits: usize) -> String {
    format!("{digits} digit{}", if digits == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(given: &str, expected: Result<&str, &str>) {
        let read = written(given);
        match expected {
            Ok(number) => assert_eq!(
                read.map(|phone| phone.to_string()),
                Ok(number.to_owned()),
                "{given}"
            ),
            Err(part) => {
                let problem = read.expect_err(given);
                assert!(problem.contains(part), "{given}: {problem}");
            }
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        check("0821234567", Ok("+27821234567"));
        check(" 082 123-4567 ", Ok("+27821234567"));
        check("(082) 123.4567", Ok("+27821234567"));
        check("+27 82 123 4567", Ok("+27821234567"));
        check("27821234567", Ok("+27821234567"));
        check("0027821234567", Ok("+27821234567"));
        check("+266 5812 3456", Ok("+26658123456"));
        check("00266 58123456", Ok("+26658123456"));
        check("821234567", Err("9 digits: its first 0 is missing"));
        check(
            "082123456",
            Err("a phone number of 9 digits: South African"),
        );
        check("+2782123456", Err("8 digits after +27"));
        check("+27 (0)82 123 4567", Err("0 after +27"));
        check("2.7821E+10", Err("turned it into a figure"));
        check("26658123456", Err("begins with neither"));
        check("+1234567", Err("7 digits"));
        check("+0821234567", Err("a 0 where the country"));
        check("+1234567890123456", Err("16 digits"));
        check("082 123 4567 x12", Err("not part of a phone number"));
        check("0821234567 / 0837654321", Err("20 digits"));
        check("０８２", Err("not part"));
        check("", Err("no digits"));
        check("+", Err("no digits"));
    }

    #[test]
    fn the_api_takes_e164_only() {
        assert!(strict("+27821234567").is_ok());
        for odd in [
            "0821234567",
            "27821234567",
            "+27 821234567",
            "+2782123456",
            "+",
            "",
            "+٢٧",
        ] {
            assert!(strict(odd).is_err(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn reading_what_was_read_changes_nothing(text in "(\\+|00|0|27)?[0-9 ()./-]{0,18}") {
            if let Ok(phone) = written(&text) {
                prop_assert_eq!(written(phone.as_str()), Ok(phone.clone()));
                prop_assert_eq!(strict(phone.as_str()), Ok(phone));
            }
        }

        #[test]
        fn nothing_breaks_it(text in "\\PC{0,40}") {
            let _ = (written(&text), strict(&text));
        }
    }
}
