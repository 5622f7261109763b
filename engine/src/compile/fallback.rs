//! A pack must say something when it does not understand.

use super::Compiler;
use super::sections::Sections;
use crate::ruleset::{Action, Condition, Rule};
use crate::source::{SourceId, Span};

impl Compiler<'_> {
    /// Reports a pack in which no rule answers the first message that was not understood.
    pub(super) fn fallback(&mut self, rules: &[(Span, Rule)], sections: &Sections<'_>) {
        if self.incomplete {
            return;
        }
        if !rules
            .iter()
            .any(|(_, rule)| answers(&rule.then) && holds_when_not_understood(&rule.when))
        {
            let at = sections.pack.unwrap_or(Span::new(SourceId(0), 0, 0));
            self.diagnostics.no_fallback(at);
        }
    }
}

fn answers(then: &[Action]) -> bool {
    then.iter().any(|action| {
        matches!(
            action,
            Action::Reply(_) | Action::Escalate { .. } | Action::Silence
        )
    })
}

/// Whether the first message in a row may be what the rule waits for. Other conditions beside it are taken to hold.
fn holds_when_not_understood(condition: &Condition) -> bool {
    match condition {
        Condition::NotUnderstood { times } => *times == 1,
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().any(holds_when_not_understood)
        }
        _ => false,
    }
}
