//! The engine: text, rules and state in; one explained decision out.
//!
//! ```text
//! Source ──syntax──▶ Tree ──compile──▶ Ruleset ┐
//!                      └──lint──▶ diagnostics  ├──decide──▶ Decision { replies, state, effects, mood, trace }
//!                        State + Turn ─────────┘
//! ```
//!
//! It performs no I/O, reads no clock, draws no random numbers and cannot fail at run time: bad rules are refused by
//! [`compile`], odd customer text is ordinary input to [`decide`].

#![deny(
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

#[doc(hidden)]
pub mod bench;
mod compile;
mod decide;
mod decision;
mod diagnostic;
mod dialogue;
mod entities;
mod hours;
mod language;
mod lint;
mod pattern;
mod respond;
mod ruleset;
mod sentiment;
mod source;
mod syntax;
mod template;
mod text;
mod trace;
mod transcript;
mod turn;

pub use compile::{Compiled, compile};
pub use decide::decide;
pub use decision::{
    Button, Card, Decision, Effect, EntityValue, IntentMatch, MediaKind, Place, Priority, Reply,
    Row, RuleRef, Spoken,
};
pub use diagnostic::{CODES, Code, Color, Diagnostic, Diagnostics, Severity, concise, render};
pub use dialogue::{Offered, State, TooNew};
pub use language::Language;
pub use ruleset::{Counts, ListValue, Ruleset};
pub use sentiment::{Label, Lexicons, Mood, Polarity, sentiment};
pub use source::{Location, Source, Span};
pub use template::{
    ButtonValue, Category, Field, FieldKind, FieldProblem, Filled, FilledButton, Layout,
    LayoutButton, LayoutText, Rendered, Template, Values,
};
pub use text::fold;
pub use trace::{
    CandidateTrace, LanguageFrom, LanguageTrace, Outcome, RuleTrace, TieBreak, Trace, Verdict,
};
pub use transcript::{Coverage, Covered, Mismatch, Report, TestOutcome, TurnOutcome};
pub use turn::{Consent, Contact, Event, MessageKind, Notification, Owner, Turn};

/// The engine's version; part of the hash of a rule set, because a decision depends on it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
