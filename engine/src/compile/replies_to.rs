//! What texts take for granted about the notification that a message answers, held against the rules that say them.

use super::Compiler;
use crate::ruleset::{Action, Condition};
use crate::source::Span;

/// A field of the notification, as a text uses it.
#[derive(Clone, Debug)]
pub(super) struct NotificationUse {
    pub(super) field: String,
    pub(super) at: Span,
    /// Stands under `{{#if}}`.
    pub(super) guarded: bool,
}

impl Compiler<'_> {
    /// Checks everything that a rule says, and the texts it keeps, against the templates that its condition names.
    pub(super) fn check_uses(&mut self, when: &Condition, then: &[Action], rule: Span) {
        let mut uses = std::mem::take(&mut self.uses);
        for action in then {
            if let Action::Reply(response) = action {
                let said = self.response_uses.get(response.at());
                uses.extend(said.into_iter().flatten().cloned());
            }
        }
        if uses.is_empty() || self.incomplete {
            return;
        }
        let answered = self.answered_templates(when);
        for used in &uses {
            self.check_use(used, answered.as_deref(), rule);
        }
    }

    fn check_use(&mut self, used: &NotificationUse, answered: Option<&[usize]>, rule: Span) {
        let Some(answered) = answered else {
            if !used.guarded {
                self.diagnostics
                    .notification_may_be_missing(used.at, &used.field, rule);
            }
            return;
        };
        let templates = answered
            .iter()
            .filter_map(|place| self.templates.get(*place));
        let without: Vec<String> = templates
            .filter(|template| template.field(&used.field).is_none())
            .map(|template| template.name.clone())
            .collect();
        let in_none = without.len() == answered.len();
        if !without.is_empty() && (in_none || !used.guarded) {
            self.diagnostics.field_of_other_template(
                (used.at, rule),
                &used.field,
                &without,
                in_none,
            );
        }
    }

    /// The templates of which the message answers one whenever `condition` holds; `None` when it need not answer any.
    fn answered_templates(&self, condition: &Condition) -> Option<Vec<usize>> {
        match condition {
            Condition::ReplyingTo(None) => Some((0..self.templates.len()).collect()),
            Condition::ReplyingTo(Some(name)) => {
                let place = self
                    .templates
                    .iter()
                    .position(|template| template.name == *name);
                Some(place.into_iter().collect())
            }
            Condition::All(parts) => {
                let mut named = parts
                    .iter()
                    .filter_map(|part| self.answered_templates(part));
                let first = named.next()?;
                Some(named.fold(first, |known, other| {
                    known
                        .into_iter()
                        .filter(|place| other.contains(place))
                        .collect()
                }))
            }
            Condition::Any(parts) => {
                let named: Option<Vec<Vec<usize>>> = parts
                    .iter()
                    .map(|part| self.answered_templates(part))
                    .collect();
                named.map(|named| named.concat())
            }
            _ => None,
        }
    }
}
