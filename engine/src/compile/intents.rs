//! `intents`: what a customer may want and how people say it, and the shortest form of a rule.

use super::Compiler;
use super::phrases::Group;
use super::rules::Draft;
use super::sections::{Named, Sections};
use crate::lint;
use crate::pattern::Owner;
use crate::ruleset::{Condition, Intent, IntentId, Rule};
use crate::source::{SourceId, Span};

const KEYS: [&str; 8] = [
    "about", "phrases", "unless", "regex", "priority", "typos", "reply", "then",
];
/// Priorities of intents and rules.
pub(super) const PRIORITY_MAX: i32 = 1_000_000;

impl<'a> Compiler<'a> {
    pub(super) fn intents(&mut self, sections: &Sections<'a>) {
        for (name, at, _) in self.names.intents.iter() {
            let at = self.places.locate(at);
            self.intents.push(Intent {
                name: name.to_owned(),
                about: None,
                priority: 0,
                at,
            });
        }
        for intent in &sections.intents {
            if let Some(number) = self.names.intents.find(intent.name) {
                self.intent(IntentId(number), intent);
            }
        }
    }

    fn intent(&mut self, id: IntentId, intent: &Named<'a>) {
        let typos = intent
            .node
            .get("typos")
            .and_then(|node| node.expect_bool(&mut self.diagnostics));
        let typos = typos.unwrap_or(self.pack.matching.typos);
        let owned = Group {
            owner: Owner::Intent(id),
            typos,
        };
        let entries = intent
            .node
            .expect_map("a map with `phrases`", &mut self.diagnostics)
            .unwrap_or_default();
        for entry in entries {
            let node = &entry.value;
            match entry.key.as_str() {
                "about" => {
                    let about = node
                        .expect_text("a sentence for staff", &mut self.diagnostics)
                        .map(str::to_owned);
                    self.describe(id, |intent| intent.about = about);
                }
                "priority" => {
                    let priority =
                        node.expect_whole(-PRIORITY_MAX..=PRIORITY_MAX, &mut self.diagnostics);
                    self.describe(id, |intent| intent.priority = priority.unwrap_or_default());
                }
                "phrases" => self.phrases(node, owned),
                "unless" => self.phrases(
                    node,
                    Group {
                        owner: Owner::Unless(id),
                        ..owned
                    },
                ),
                "regex" => self.regexes(node, owned),
                "typos" | "reply" | "then" => {}
                "examples" => self
                    .diagnostics
                    .not_yet_supported(entry.key_span, "`examples`"),
                _ => entry.unknown("in an intent", &KEYS, &mut self.diagnostics),
            }
        }
        self.shortest_form(id, intent);
    }

    fn describe(&mut self, id: IntentId, change: impl FnOnce(&mut Intent)) {
        if let Some(intent) = self.intents.get_mut(id.at()) {
            change(intent);
        }
    }

    /// `reply` and `then` under an intent are the rule `when: { intent: NAME }` with priority 0 at this place.
    fn shortest_form(&mut self, id: IntentId, intent: &Named<'a>) {
        let entries = intent.node.map().unwrap_or_default();
        let Some(first) = entries
            .iter()
            .find(|entry| matches!(entry.key.as_str(), "reply" | "then"))
        else {
            return;
        };
        let built_in = self
            .intents
            .get(id.at())
            .is_some_and(|known| *known.at.file == *super::BUILT_IN.0);
        if built_in && intent.at.source != SourceId::BUILT_IN {
            let message = format!("what follows the intent `{}` is built in", intent.name);
            let help = format!(
                "reword it: define the responses of the built-in rules, such as `{}`",
                match intent.name {
                    "person" => "person_open` and `person_closed",
                    "stop" => "stop_confirmed",
                    _ => "start_confirmed",
                }
            );
            self.diagnostics
                .reserved_name(first.key_span, &message, &help);
            return;
        }
        self.drafts.push(Draft {
            name: format!("intent {}", intent.name),
            at: first.key_span,
            priority: 0,
            when: Condition::Intent(id),
            reply: intent.node.get("reply"),
            then: intent.node.get("then"),
            goes_on: false,
        });
    }

    /// The intents, and whether some rule waits for them.
    pub(super) fn answered(&self, rules: &[(Span, Rule)]) -> Vec<lint::Name<'a>> {
        let mut answered = vec![false; self.names.intents.len()];
        for (_, rule) in rules {
            note_intents(&rule.when, &mut answered);
        }
        self.names
            .intents
            .iter()
            .zip(answered)
            .map(|((name, at, _), answered)| (name, at, answered))
            .collect()
    }
}

/// What stands under `not` is kept away, not answered.
fn note_intents(condition: &Condition, answered: &mut [bool]) {
    match condition {
        Condition::Intent(id) => {
            if let Some(answered) = answered.get_mut(id.at()) {
                *answered = true;
            }
        }
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                note_intents(part, answered);
            }
        }
        _ => {}
    }
}
