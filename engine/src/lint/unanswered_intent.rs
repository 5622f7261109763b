//! Intents that are understood and then left without an answer.

use super::Facts;
use crate::diagnostic::Diagnostics;
use crate::source::SourceId;

pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for (name, at, used) in &facts.intents {
        if !used && at.source != SourceId::BUILT_IN {
            diagnostics.unanswered_intent(*at, name);
        }
    }
}
