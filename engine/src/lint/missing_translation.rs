//! Responses that one of the pack's languages does not have.

use super::Facts;
use crate::diagnostic::Diagnostics;

pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for missing in facts.missing {
        let codes: Vec<&str> = missing
            .missing
            .iter()
            .map(crate::language::Language::as_str)
            .collect();
        diagnostics.missing_translation(missing.at, &missing.response, &codes);
    }
}
