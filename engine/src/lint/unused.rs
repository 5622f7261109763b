//! Names that nothing uses: forgotten, or misspelled where they should be used.

use super::{Facts, Name};
use crate::diagnostic::Diagnostics;
use crate::source::SourceId;

pub(super) fn responses(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for (name, at, _) in unused(&facts.responses) {
        diagnostics.unused_response(at, name);
    }
}

pub(super) fn lists(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for (name, at, _) in unused(&facts.lists) {
        diagnostics.unused_list(at, name);
    }
}

pub(super) fn entities(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for (name, at, _) in unused(&facts.entities) {
        diagnostics.unused_entity(at, name);
    }
}

fn unused<'a>(names: &'a [Name<'a>]) -> impl Iterator<Item = Name<'a>> {
    names
        .iter()
        .copied()
        .filter(|(_, at, used)| !used && at.source != SourceId::BUILT_IN)
}
