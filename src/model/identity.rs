//! Who wrote: a phone number, a business-scoped user id, or both; since 2026 either may be missing.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A phone number in E.164 with `+`. `Debug` hides the middle, so that a slip into a log is harmless.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    const DIGITS_MIN: usize = 4;
    const DIGITS_MAX: usize = 15;

    /// Reads digits with or without `+`; spaces, hyphens, dots and brackets between them are ignored.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let body = text.strip_prefix('+').unwrap_or(text);
        let ignorable = |c: char| matches!(c, ' ' | '-' | '.' | '(' | ')' | '\u{a0}');
        if !body.chars().all(|c| c.is_ascii_digit() || ignorable(c)) {
            return None;
        }
        let digits: String = body.chars().filter(char::is_ascii_digit).collect();
        let fits = (Self::DIGITS_MIN..=Self::DIGITS_MAX).contains(&digits.len())
            && !digits.starts_with('0');
        fits.then(|| Self(format!("+{digits}")))
    }

    /// `+27600000001`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `27600000001`, as WhatsApp's `wa_id` writes it.
    pub fn digits(&self) -> &str {
        self.0.trim_start_matches('+')
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = (
            self.0.get(..4).unwrap_or(""),
            self.0.get(self.0.len().saturating_sub(3)..).unwrap_or(""),
        );
        write!(f, "{head}…{tail}")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A business-scoped user id: two letters, a dot (`ENT.` for a parent id), then up to 128 letters and digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type)]
#[sqlx(transparent)]
#[serde(transparent)]
pub struct UserId(String);

impl UserId {
    const TAIL_CHARS_MAX: usize = 128;

    pub fn parse(text: &str) -> Option<Self> {
        let (country, tail) = text.split_once('.')?;
        let tail_id = tail.strip_prefix("ENT.").unwrap_or(tail);
        let fits = country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase())
            && (1..=Self::TAIL_CHARS_MAX).contains(&tail_id.len())
            && tail_id.bytes().all(|b| b.is_ascii_alphanumeric());
        fits.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.…", self.0.split('.').next().unwrap_or(""))
    }
}

/// All that a webhook says about a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub phone: Option<PhoneNumber>,
    pub user_id: Option<UserId>,
    pub parent_user_id: Option<UserId>,
    /// Display only, changeable, never a key; without `@`.
    pub username: Option<String>,
    /// The profile name: free text from a stranger.
    pub name: Option<String>,
}

impl Identity {
    /// Whether anything is there by which a person can be found again.
    pub fn is_known(&self) -> bool {
        self.phone.is_some() || self.user_id.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_e164_and_hide_in_debug() {
        for (text, expected) in [
            ("27600000001", Some("+27600000001")),
            ("+27 60 000-0001", Some("+27600000001")),
            ("(631) 555", Some("+631555")),
            ("0821234567", None),
            ("US.123", None),
            ("", None),
            ("+", None),
            ("1234567890123456", None),
        ] {
            assert_eq!(
                PhoneNumber::parse(text).as_ref().map(PhoneNumber::as_str),
                expected,
                "{text}"
            );
        }
        assert_eq!(
            format!("{:?}", PhoneNumber::parse("27600000001").unwrap()),
            "+276…001"
        );
    }

    #[test]
    fn user_ids_have_a_country_and_a_tail() {
        assert!(UserId::parse("ZA.13491208655302741918").is_some());
        assert!(UserId::parse("US.ENT.11815799212886844830").is_some());
        for odd in [
            "27600000001",
            "za.1",
            "ZA.",
            "ZA.a-b",
            "ZAR.1",
            &format!("ZA.{}", "1".repeat(129)),
        ] {
            assert!(UserId::parse(odd).is_none(), "{odd}");
        }
    }
}
