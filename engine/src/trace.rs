//! Why: everything a decision considered, in a form that can be stored, printed and shown.
//!
//! The values found and the words that made the mood stand in the decision itself and are not repeated here.

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::source::Location;

/// Candidates that are listed; the best come first.
pub(crate) const CANDIDATES_MAX: usize = 32;
/// Rules that are listed besides those that acted.
pub(crate) const RULES_MAX: usize = 64;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub language: LanguageTrace,
    /// Every intent that some phrase spoke for, best first; at most 32.
    pub candidates: Vec<CandidateTrace>,
    /// The rules that the evidence called up, in the order in which they were tried; at most 64 that did not act.
    pub rules: Vec<RuleTrace>,
    /// What else decided, in words: a late message, a person who owns the conversation, the question which is meant.
    pub notes: Vec<String>,
}

/// Which language was spoken and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageTrace {
    /// The likeliest of the pack's languages for this message alone.
    pub guess: Option<Language>,
    /// 0 to 1, two decimals.
    pub certainty: f64,
    /// Whose language was used in the end.
    pub from: LanguageFrom,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LanguageFrom {
    Message,
    Conversation,
    Contact,
    #[default]
    Pack,
}

/// An intent with the evidence that spoke best for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateTrace {
    pub intent: String,
    /// Thousandths.
    pub score: u16,
    /// The phrase as written, and where.
    pub phrase: String,
    pub at: Location,
    /// Bytes of the message.
    pub start: u32,
    pub end: u32,
    /// Words matched literally.
    pub literals: u16,
    pub typos: u8,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    Chosen,
    /// Below the pack's `accept`.
    BelowAccept,
    Loses {
        to: String,
        by: TieBreak,
    },
    /// Too close to another to tell which is meant.
    Rival {
        with: String,
    },
    /// An `unless` phrase touches the evidence.
    Unless {
        phrase: String,
        at: Location,
    },
    /// Beyond the number of intents that one message may carry.
    TooMany,
}

/// What made one candidate better than another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TieBreak {
    /// Its evidence encloses the other's.
    Longer,
    Score,
    Literals,
    Priority,
    /// Its phrase is in the language of the message.
    Language,
    /// It stands first in the pack.
    Place,
}

/// A rule that was called up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTrace {
    pub name: String,
    pub at: Location,
    /// The intent it was tried for, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// It held, acted, and ended the search.
    Decided,
    /// It held and acted, and later ones could add to it (`continue: true`).
    Added,
    /// It held and had acted for another intent of the message already.
    ActedBefore,
    /// It held, but may not act now.
    Held { back: String },
    /// The first condition that did not hold.
    Fails { why: String },
    /// An earlier rule had decided.
    NotReached,
}

impl Verdict {
    pub(crate) fn acted(&self) -> bool {
        matches!(self, Self::Decided | Self::Added)
    }
}
