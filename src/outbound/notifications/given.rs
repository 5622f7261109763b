//! Values as callers give them, read strictly, all problems at once.
//!
//! What a template makes of a value is the engine's business; here are the forms that hold for every caller of the API.

use jiff::Timestamp;
use jiff::civil;
use puisano_engine::{FieldProblem, Language};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::problem;
use crate::model::Address;

/// Characters of a text that stands inside a sentence.
const TEXT_CHARS_MAX: usize = 200;
/// Characters of a number of an account, a receipt, a query.
const NUMBER_CHARS_MAX: usize = 64;
/// Characters of a link; WhatsApp takes 2,000 of an address.
const LINK_CHARS_MAX: usize = 1_000;
/// Digits before the point: up to 999,999,999,999.99.
const AMOUNT_DIGITS_MAX: usize = 12;

/// A value of a request: whatever JSON it is, so that a number where a text should be is named like every other slip.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Given(pub Value);

impl From<&str> for Given {
    fn from(text: &str) -> Self {
        Self(Value::String(text.to_owned()))
    }
}

impl From<Option<String>> for Given {
    fn from(text: Option<String>) -> Self {
        Self(text.map_or(Value::Null, Value::String))
    }
}

impl Given {
    pub(super) fn is_missing(&self) -> bool {
        self.0.is_null()
    }
}

/// Reads field after field and remembers what is wrong; a value that is wrong is empty.
#[derive(Debug, Default)]
pub(super) struct Reader {
    problems: Vec<FieldProblem>,
}

impl Reader {
    /// `value` when nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<FieldProblem>> {
        match value {
            Some(value) if self.problems.is_empty() => Ok(value),
            _ => Err(self.problems),
        }
    }

    pub(super) fn wrong(&mut self, field: &str, what: impl Into<String>) {
        self.problems.push(problem(field, what));
    }

    /// What `read` makes of the text of `given`; it must be there.
    fn required<T>(
        &mut self,
        field: &str,
        given: &Given,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if given.is_missing() {
            self.wrong(field, "is missing");
            return None;
        }
        self.optional(field, given, read)
    }

    pub(super) fn optional<T>(
        &mut self,
        field: &str,
        given: &Given,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let outcome = match &given.0 {
            Value::Null => return None,
            Value::String(text) => read(text.trim()),
            _ => Err("must be a text, in quotation marks".to_owned()),
        };
        outcome.map_err(|what| self.wrong(field, what)).ok()
    }

    pub(super) fn address(&mut self, field: &str, given: &Given) -> Option<Address> {
        self.required(field, given, Address::parse)
    }

    pub(super) fn text(&mut self, field: &str, given: &Given) -> String {
        self.required(field, given, |text| sentence_part(text, TEXT_CHARS_MAX))
            .unwrap_or_default()
    }

    /// A number of an account or a receipt: text, though some callers give it as a number.
    pub(super) fn number(&mut self, field: &str, given: &Given) -> String {
        let whole = match &given.0 {
            Value::Number(number) if number.is_u64() => Given::from(number.to_string().as_str()),
            _ => given.clone(),
        };
        self.required(field, &whole, |text| sentence_part(text, NUMBER_CHARS_MAX))
            .unwrap_or_default()
    }

    /// `1250.50`, as a text or as a number.
    pub(super) fn amount(&mut self, field: &str, given: &Given) -> String {
        let written = match &given.0 {
            Value::Number(number) => Given::from(number.to_string().as_str()),
            _ => given.clone(),
        };
        self.required(field, &written, amount).unwrap_or_default()
    }

    /// `2026-12-07`.
    pub(super) fn date(&mut self, field: &str, given: &Given) -> String {
        self.required(field, given, |text| date(text).map(|_| text.to_owned()))
            .unwrap_or_default()
    }

    /// A moment with its zone, or a local one without.
    pub(super) fn moment(&mut self, field: &str, given: &Given) -> String {
        self.required(field, given, moment).unwrap_or_default()
    }

    pub(super) fn link(&mut self, field: &str, given: &Given) -> String {
        self.required(field, given, link).unwrap_or_default()
    }

    pub(super) fn timestamp(&mut self, field: &str, given: &Given) -> Option<Timestamp> {
        self.optional(field, given, |text| {
            text.parse::<Timestamp>().map_err(|_| {
                "write a time with its zone, as in 2026-12-07T08:00:00+02:00".to_owned()
            })
        })
    }

    pub(super) fn language(&mut self, field: &str, given: &Given) -> Option<Language> {
        self.optional(field, given, |text| {
            Language::parse(text)
                .ok_or_else(|| "write a language code, as in en, st, af or xh".to_owned())
        })
    }

    pub(super) fn flag(&mut self, field: &str, given: &Given) -> bool {
        match &given.0 {
            Value::Null => false,
            Value::Bool(flag) => *flag,
            _ => {
                self.wrong(field, "must be true or false");
                false
            }
        }
    }
}

pub(super) fn sentence_part(text: &str, chars_max: usize) -> Result<String, String> {
    let length = text.chars().count();
    if text.is_empty() {
        return Err("must not be empty".to_owned());
    }
    if length > chars_max {
        return Err(format!("has {length} characters; {chars_max} are allowed"));
    }
    Ok(text.to_owned())
}

/// Digits, a dot and at most two decimals: what a billing system exports, not what a person types.
fn amount(text: &str) -> Result<String, String> {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(cents) || cents.len() > 2 {
        return Err(
            "write an amount in rand with a dot and at most two decimals, as in 1250.50: no R, no thousands, not below zero"
                .to_owned(),
        );
    }
    if whole.trim_start_matches('0').len() > AMOUNT_DIGITS_MAX {
        return Err(format!(
            "an amount has at most {AMOUNT_DIGITS_MAX} digits before the dot"
        ));
    }
    Ok(text.to_owned())
}

fn date(text: &str) -> Result<civil::Date, String> {
    let wrong = "write a date of the calendar as year, month and day, as in 2026-12-07";
    // The parser takes more than the one form that is promised.
    if text.len() != "2026-12-07".len() {
        return Err(wrong.to_owned());
    }
    text.parse().map_err(|_| wrong.to_owned())
}

fn moment(text: &str) -> Result<String, String> {
    let is_moment = text.len() > "2026-12-07T".len()
        && (text.parse::<Timestamp>().is_ok() || text.parse::<civil::DateTime>().is_ok());
    is_moment
        .then(|| text.to_owned())
        .ok_or_else(|| "write a time with its zone, as in 2026-12-07T08:00:00+02:00".to_owned())
}

fn link(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_link = host.contains('.')
        && !host.contains('@')
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    if !is_link {
        return Err("write a whole link that begins with https://".to_owned());
    }
    if text.chars().count() > LINK_CHARS_MAX {
        return Err(format!("a link has at most {LINK_CHARS_MAX} characters"));
    }
    Ok(text.to_owned())
}
