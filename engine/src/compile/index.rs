//! Which rules a piece of evidence calls up.

use crate::ruleset::{Condition, IntentId, PatternId, Rule, RuleId, RuleIndex};
use crate::turn::{Event, MessageKind};

/// Evidence without which a condition cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Intent(IntentId),
    Pattern(PatternId),
    Entity(String),
    Button(String),
    Message(MessageKind),
    Event(Event),
    NotUnderstood,
    Notification(Option<String>),
}

impl Key {
    /// How many turns show this evidence, roughly: the rarer, the better to stand under.
    fn commonness(&self) -> u8 {
        match self {
            Self::Intent(_) | Self::Pattern(_) | Self::Button(_) => 0,
            Self::Entity(_) => 1,
            Self::Event(_) | Self::NotUnderstood | Self::Notification(_) => 2,
            Self::Message(_) => 3,
        }
    }
}

/// The index of rules that are in the order in which they are tried.
pub(super) fn build(rules: &[Rule]) -> RuleIndex {
    let mut index = RuleIndex::default();
    for (id, rule) in (0..).map(RuleId).zip(rules) {
        match evidence(&rule.when) {
            None => index.always.push(id),
            Some(keys) => {
                for key in keys {
                    put(&mut index, key, id);
                }
            }
        }
    }
    index
}

fn put(index: &mut RuleIndex, key: Key, id: RuleId) {
    let rules = match key {
        Key::Intent(intent) => index.by_intent.entry(intent).or_default(),
        Key::Pattern(pattern) => index.by_pattern.entry(pattern).or_default(),
        Key::Entity(name) => index.by_entity.entry(name).or_default(),
        Key::Button(button) => index.by_button.entry(button).or_default(),
        Key::Message(kind) => index.by_message.entry(kind).or_default(),
        Key::Event(event) => index.by_event.entry(event).or_default(),
        Key::NotUnderstood => &mut index.not_understood,
        Key::Notification(Some(template)) => index.by_notification.entry(template).or_default(),
        Key::Notification(None) => &mut index.any_notification,
    };
    // Alternatives may name the same evidence twice.
    if rules.last() != Some(&id) {
        rules.push(id);
    }
}

/// Evidence of which at least one piece must be there for `condition` to hold; `None` when it may hold without any.
fn evidence(condition: &Condition) -> Option<Vec<Key>> {
    match condition {
        Condition::Intent(intent) => Some(vec![Key::Intent(*intent)]),
        Condition::Pattern(pattern) => Some(vec![Key::Pattern(*pattern)]),
        Condition::Entity { name, .. } => Some(vec![Key::Entity(name.clone())]),
        Condition::Button(id) => Some(vec![Key::Button(id.clone())]),
        Condition::Message(kind) => Some(vec![Key::Message(*kind)]),
        Condition::Event(event) => Some(vec![Key::Event(*event)]),
        Condition::NotUnderstood { .. } => Some(vec![Key::NotUnderstood]),
        Condition::ReplyingTo(template) => Some(vec![Key::Notification(template.clone())]),
        // Any one part is enough to stand under: the rarest, and of equals the one with the fewest alternatives.
        Condition::All(parts) => parts.iter().filter_map(evidence).min_by_key(|keys| {
            (
                keys.iter().map(Key::commonness).max().unwrap_or_default(),
                keys.len(),
            )
        }),
        Condition::Any(parts) => {
            let keys: Option<Vec<Vec<Key>>> = parts.iter().map(evidence).collect();
            keys.map(|keys| keys.concat())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_stands_under_what_it_cannot_hold_without() {
        let intent = |n| Condition::Intent(IntentId(n));
        let message = || Condition::Message(MessageKind::Image);
        let not = |inner| Condition::Not(Box::new(inner));
        let key = |n| Key::Intent(IntentId(n));
        for (condition, expected) in [
            (intent(1), Some(vec![key(1)])),
            (
                Condition::All(vec![message(), intent(1), Condition::Open]),
                Some(vec![key(1)]),
            ),
            (
                Condition::All(vec![message(), Condition::Open]),
                Some(vec![Key::Message(MessageKind::Image)]),
            ),
            (
                Condition::Any(vec![intent(1), intent(2)]),
                Some(vec![key(1), key(2)]),
            ),
            (Condition::Any(vec![intent(1), Condition::Open]), None),
            (
                Condition::All(vec![Condition::Any(vec![intent(1), intent(2)]), intent(3)]),
                Some(vec![key(3)]),
            ),
            (not(intent(1)), None),
            (Condition::All(vec![not(intent(1)), Condition::Open]), None),
            (Condition::All(vec![]), None),
            (Condition::Any(vec![]), Some(vec![])),
        ] {
            assert_eq!(evidence(&condition), expected, "{condition:?}");
        }
    }
}
