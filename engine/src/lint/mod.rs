//! Finds what is legal but unwise. One file per check; a new one is a file here and a line in one of the two tables.
//!
//! Checks only look. They get the pack as facts, whole, after every name is resolved.

mod duplicate_phrase;
mod missing_translation;
mod unanswered_intent;
mod unknown_button;
mod unused;

use crate::diagnostic::Diagnostics;
use crate::language::Language;
use crate::ruleset::{Buttons, IntentId, Phrase};
use crate::source::Span;

type Check = fn(&Facts<'_>, &mut Diagnostics);

const CHECKS: [Check; 3] = [
    duplicate_phrase::check,
    missing_translation::check,
    unknown_button::check,
];

/// Those that say something is not used. A wrong name leaves the right one unused, so they wait until there are no errors.
const CHECKS_WITHOUT_ERRORS: [Check; 4] = [
    unused::responses,
    unused::lists,
    unused::entities,
    unanswered_intent::check,
];

/// A name, where it stands, and whether anything uses it.
pub(crate) type Name<'a> = (&'a str, Span, bool);

/// A pack as checks see it.
pub(crate) struct Facts<'a> {
    pub(crate) lists: Vec<Name<'a>>,
    pub(crate) entities: Vec<Name<'a>>,
    /// In order of their numbers.
    pub(crate) intents: Vec<Name<'a>>,
    pub(crate) responses: Vec<Name<'a>>,
    pub(crate) phrases: Vec<(&'a Phrase, &'a PhraseOrigin)>,
    pub(crate) missing: &'a [MissingTranslation],
    pub(crate) buttons: &'a Buttons,
    /// Ids of `button` conditions.
    pub(crate) buttons_asked: &'a [(String, Span)],
}

/// Where a phrase comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhraseOrigin {
    pub(crate) at: Span,
    /// The intent it speaks for; none for `unless`, conditions and values.
    pub(crate) intent: Option<IntentId>,
    pub(crate) regex: bool,
}

/// Languages of the pack that a response does not have.
#[derive(Clone, Debug)]
pub(crate) struct MissingTranslation {
    pub(crate) at: Span,
    pub(crate) response: String,
    pub(crate) missing: Vec<Language>,
}

/// Runs all checks.
pub(crate) fn run(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let later: &[Check] = if diagnostics.has_errors() {
        &[]
    } else {
        &CHECKS_WITHOUT_ERRORS
    };
    for check in CHECKS.iter().chain(later) {
        check(facts, diagnostics);
    }
}
