//! A notification to one person, before it is known whether it goes as free text or as a template.

use puisano_engine::{Filled, Language};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::{ContactId, PhoneNumber};

/// South African numbers have nine digits after the country code; a digit too few or too many is a slip of the pen.
const SOUTH_AFRICA: &str = "+27";
const SOUTH_AFRICA_DIGITS: usize = 9;
/// E.164: digits with the country code.
const E164_DIGITS_MIN: usize = 8;
const E164_DIGITS_MAX: usize = 15;

/// To whom something is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Address {
    Phone(PhoneNumber),
    Contact(ContactId),
}

impl Address {
    /// Reads a phone number in strict E.164 (`+27600000001`) or a contact's id; else says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(digits) = text.strip_prefix('+') else {
            return Uuid::try_parse(text)
                .map(|id| Self::Contact(ContactId(id)))
                .map_err(|_| {
                    "write a phone number with `+` and country code, as in +27600000001, or a contact's id".to_owned()
                });
        };
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) || digits.starts_with('0') {
            return Err(
                "a phone number is `+`, the country code and digits, without spaces or other signs"
                    .to_owned(),
            );
        }
        if let Some(rest) = text.strip_prefix(SOUTH_AFRICA)
            && rest.len() != SOUTH_AFRICA_DIGITS
        {
            return Err(format!(
                "a South African number has {SOUTH_AFRICA_DIGITS} digits after {SOUTH_AFRICA}; this one has {}",
                rest.len()
            ));
        }
        if text.starts_with("+270") {
            return Err("leave out the 0 after +27".to_owned());
        }
        if !(E164_DIGITS_MIN..=E164_DIGITS_MAX).contains(&digits.len()) {
            return Err(format!(
                "a phone number has {E164_DIGITS_MIN} to {E164_DIGITS_MAX} digits with its country code; this one has {}",
                digits.len()
            ));
        }
        PhoneNumber::parse(text)
            .map(Self::Phone)
            .ok_or_else(|| "this is no phone number".to_owned())
    }
}

/// Who goes first; within a class, who was due first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Class {
    Reply,
    Staff,
    Notification,
    /// To many at once.
    Bulk,
}

/// What is done when it stays unknown whether an item was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OnUnknown {
    /// Once more: twice is better than not at all.
    Resend,
    /// Shown to staff.
    Hold,
}

/// The same message in every language it can be sent in; the first is the one the person should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Name of the pack's template.
    pub template: String,
    /// Never empty.
    pub fillings: Vec<Filling>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    pub language: Language,
    /// What the person reads.
    pub text: String,
    pub filled: Filled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_strict_numbers_or_ids() {
        let good = |text: &str| Address::parse(text).is_ok();
        for text in [
            "+27600000001",
            "+16315551234",
            "+26622312345",
            "0193f0c2-7f1e-7c3a-9d52-0d3f6f1b2a77",
        ] {
            assert!(good(text), "{text}");
        }
        for text in [
            "27600000001",
            "0600000001",
            "+2760000000",
            "+276000000011",
            "+270600000001",
            "+27 60 000 0001",
            "+0123456789",
            "+1234567",
            "+1234567890123456",
            "+27６00000001",
            "",
            "Thandi",
        ] {
            assert!(!good(text), "{text}");
        }
    }
}
