//! Rules that wait for a button nobody can tap. A warning only: old messages keep their buttons.

use super::Facts;
use crate::diagnostic::Diagnostics;

pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    for (id, at) in facts.buttons_asked {
        if !facts.buttons.titles.contains_key(id) {
            let suggestion =
                diagnostics.nearest(id, facts.buttons.titles.keys().map(String::as_str));
            diagnostics.unknown_button(*at, id, suggestion);
        }
    }
}
