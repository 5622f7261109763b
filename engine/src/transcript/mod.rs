//! Conversations as tests: the one format of rule authors' tests, the manual's examples and recorded chats.
//!
//! A conversation goes through the same `decide` as any other: the state, what was learned about the contact and who owns
//! the conversation pass from turn to turn. What a failure looks like on a screen is not said here.

mod compare;
mod coverage;
mod expect;
mod read;
mod run;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::language::Language;
use crate::sentiment::Label;
use crate::source::Location;
use crate::turn::{Consent, Contact, Event, MessageKind, Notification, Owner};

pub use compare::Mismatch;
pub use coverage::{Coverage, Covered};
pub(crate) use read::{Around, read};
pub use run::{Report, TestOutcome, TurnOutcome};

/// One conversation of a pack's `tests`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transcript {
    pub(crate) name: String,
    pub(crate) at: Location,
    /// In the pack's zone.
    pub(crate) now: DateTime,
    pub(crate) contact: Contact,
    pub(crate) owner: Owner,
    /// Fields the conversation already has.
    pub(crate) fields: BTreeMap<String, String>,
    /// What the contact was sent before the first turn.
    pub(crate) notification: Option<Notification>,
    pub(crate) turns: Vec<Step>,
}

/// One message of the customer and what should come of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) at: Location,
    pub(crate) text: String,
    pub(crate) kind: MessageKind,
    pub(crate) button: Option<String>,
    pub(crate) events: Vec<Event>,
    /// What the contact was sent before this turn.
    pub(crate) notification: Option<Notification>,
    /// Time that passes before the message is sent.
    pub(crate) after: SignedDuration,
    /// Time the message takes to arrive.
    pub(crate) late: SignedDuration,
    pub(crate) expect: Vec<Expected>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) at: Location,
    pub(crate) what: Expectation,
}

/// One thing a turn is expected to lead to. What is not named may be anything.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expectation {
    /// An intent of the message, or that it has none.
    Intent(Option<String>),
    /// Exactly these, in order of appearance.
    Intents(Vec<String>),
    Language(Language),
    Mood(MoodTest),
    /// A value found under this name, or that none was.
    Entity {
        name: String,
        value: Option<String>,
    },
    /// Names of responses, or words that are said, in this order.
    Reply(Vec<String>),
    Silent(bool),
    Escalate(EscalateTest),
    Rule(String),
    /// What the contact ends, or wants again, with this turn: exactly this.
    OptOut(Vec<Consent>),
    OptIn(Vec<Consent>),
    /// Templates of which nothing more is to be sent: exactly these, in this order.
    Cancel(Vec<String>),
    /// Tags of the contact after the turn.
    Tags(Vec<String>),
    /// A field after the turn, or that it has no value.
    Contact {
        field: String,
        value: Option<String>,
    },
    Conversation {
        field: String,
        value: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum MoodTest {
    Label(Label),
    /// Strictly below or above.
    Below(f64),
    Above(f64),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum EscalateTest {
    Never,
    ToAnyone,
    To(String),
}

#[cfg(test)]
mod tests;
