//! Notifications: what is sent without having been asked for, to one person or to everybody in an area.
//!
//! Here they are checked, accepted, spread over their recipients, watched and stopped. When and how each item is sent is
//! the outbox's business.

mod accept;
pub mod calls;
pub mod expand;
mod given;
mod progress;
mod send;
mod send_call;

use std::collections::BTreeMap;

use jiff::Timestamp;
use puisano_engine::{FieldProblem, Language};

pub use accept::{accept, preview};
pub use given::Given;
pub use progress::{list, list_of, message, recipients, state, stop};
pub use send::{Content, Parameters, Quote, SendRequest, send};
pub use send_call::SendCall;

use crate::clock::Clock;
use crate::model::{Address, Origin, PhoneNumberId};
use crate::rulesets::LiveRules;
use crate::store::idempotency::Once;
use crate::store::{Store, StoreError};

/// What is needed to accept anything.
#[derive(Clone, Debug)]
pub struct Desk {
    pub store: Store,
    pub rules: LiveRules,
    pub clock: Clock,
    /// From which of our numbers it goes out.
    pub phone_number_id: PhoneNumberId,
    pub origin: Origin,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Name of the API key, or `command line`.
    pub created_by: String,
    /// A repeated request gets its first answer.
    pub once: Option<Once>,
}

/// A notification that somebody asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct NoticeRequest {
    /// Name of the pack's template.
    pub template: String,
    pub to: Audience,
    /// The account it is about, as the billing system writes it.
    pub account: Option<String>,
    /// As given; the template says what they must be.
    pub fields: BTreeMap<String, String>,
    pub language: Option<Language>,
    pub send_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// Lifts quiet hours and caps, never an opt-out.
    pub critical: bool,
    /// A payment confirmation leaves the account's reminders alone.
    pub keep_reminders: bool,
    /// What the caller calls the template's fields, where it differs: (the template's name, the caller's name).
    pub called: &'static [(&'static str, &'static str)],
}

impl NoticeRequest {
    /// One message to one person, nothing else asked for.
    pub fn to_person(template: &str, to: Address) -> Self {
        Self {
            template: template.to_owned(),
            to: Audience::Person(to),
            account: None,
            fields: BTreeMap::new(),
            language: None,
            send_at: None,
            expires_at: None,
            critical: false,
            keep_reminders: false,
            called: &[],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    Person(Address),
    /// Everybody in an area and below it; with `to` only that person, and the area stands in the text.
    Area {
        /// Key, name or another name of it.
        area: String,
        to: Option<Address>,
    },
}

/// Why something was not accepted; nothing was done.
#[derive(Debug)]
pub enum Refused {
    /// Every problem with the field it is about.
    Fields(Vec<FieldProblem>),
    /// The idempotency key was used for another request.
    Conflict,
    /// What does not exist, as a sentence.
    NotFound(String),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Fields(problems) => {
                let lines: Vec<String> = problems
                    .iter()
                    .map(|problem| format!("{}: {}", problem.field, problem.problem))
                    .collect();
                f.write_str(&lines.join("\n"))
            }
            Self::Conflict => f.write_str("this idempotency key was used for another request"),
            Self::NotFound(what) => f.write_str(what),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

/// One problem with one field.
fn problem(field: &str, problem: impl Into<String>) -> FieldProblem {
    FieldProblem {
        field: field.to_owned(),
        problem: problem.into(),
    }
}
