//! `when`: what must hold for a rule to act.

use super::Compiler;
use super::phrases::Group;
use crate::pattern::Owner;
use crate::ruleset::{Condition, PatternId, Scope, Test};
use crate::sentiment::Label;
use crate::syntax::{Entry, Node};
use crate::turn::{Event, MessageKind};

/// What `when` may hold, but for `not` and the fields.
const KEYS: [&str; 14] = [
    "intent",
    "pattern",
    "entity",
    "button",
    "message",
    "sentiment",
    "language",
    "hours",
    "holiday",
    "event",
    "not_understood",
    "replying_to",
    "any",
    "all",
];
const LATER_KEYS: [&str; 2] = ["percent", "urgent"];

const MESSAGES: [(&str, MessageKind); 13] = [
    ("text", MessageKind::Text),
    ("button", MessageKind::Button),
    ("image", MessageKind::Image),
    ("video", MessageKind::Video),
    ("voice", MessageKind::Voice),
    ("audio", MessageKind::Audio),
    ("document", MessageKind::Document),
    ("sticker", MessageKind::Sticker),
    ("location", MessageKind::Location),
    ("contacts", MessageKind::Contacts),
    ("order", MessageKind::Order),
    ("form", MessageKind::Form),
    ("unsupported", MessageKind::Unsupported),
];

const EVENTS: [(&str, Event); 6] = [
    ("new_conversation", Event::NewConversation),
    ("first_contact", Event::FirstContact),
    ("returned_by_staff", Event::ReturnedByStaff),
    ("opted_out", Event::OptedOut),
    ("stale_message", Event::StaleMessage),
    ("unsupported", Event::Unsupported),
];

const LABELS: [(&str, Label); 4] = [
    ("angry", Label::Angry),
    ("negative", Label::Negative),
    ("neutral", Label::Neutral),
    ("positive", Label::Positive),
];

impl Compiler<'_> {
    /// Reads a map of conditions; all that stand together must hold. What is wrong is reported and left out.
    pub(super) fn condition(&mut self, node: &Node) -> Condition {
        let entries = node
            .expect_map("a map of conditions", &mut self.diagnostics)
            .unwrap_or_default();
        let mut parts: Vec<Condition> = entries
            .iter()
            .filter_map(|entry| self.part(entry))
            .collect();
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            last => {
                parts.extend(last);
                Condition::All(parts)
            }
        }
    }

    fn part(&mut self, entry: &Entry) -> Option<Condition> {
        let node = &entry.value;
        match entry.key.as_str() {
            "intent" => self.one_of(node, "the name of an intent", Self::intent_condition),
            "pattern" => Some(self.pattern_condition(node)),
            "entity" => self.entity_condition(node),
            "button" => self.one_of(node, "the id of a button", |compiler, node, id| {
                compiler.buttons_asked.push((id.to_owned(), node.span));
                Some(Condition::Button(id.to_owned()))
            }),
            "message" => self.one_of(node, "a kind of message", |compiler, node, _| {
                compiler
                    .word(node, "a kind of message", &MESSAGES)
                    .map(Condition::Message)
            }),
            "sentiment" => self.sentiment(node),
            "language" => self.one_of(node, "a language", |compiler, node, code| {
                compiler.language(code, node.span).map(Condition::Language)
            }),
            "hours" => {
                let word = node.expect_word(
                    "what `hours` may be",
                    &["open", "closed"],
                    &mut self.diagnostics,
                )?;
                Some(if word == "open" {
                    Condition::Open
                } else {
                    Condition::Closed
                })
            }
            "holiday" => {
                let wanted = node.expect_bool(&mut self.diagnostics)?;
                Some(if wanted {
                    Condition::Holiday
                } else {
                    Condition::Not(Box::new(Condition::Holiday))
                })
            }
            "event" => self.one_of(node, "an event", Self::event),
            "not_understood" => self.not_understood(node),
            "replying_to" => self.one_of(
                node,
                "the name of a template, or `any`",
                |compiler, node, name| {
                    if name == "any" {
                        return Some(Condition::ReplyingTo(None));
                    }
                    compiler.template_named(name, node.span)?;
                    Some(Condition::ReplyingTo(Some(name.to_owned())))
                },
            ),
            "any" => Some(Condition::Any(self.conditions(node))),
            "all" => Some(Condition::All(self.conditions(node))),
            "not" => {
                let inner = if node.list().is_some() {
                    any(self.conditions(node))
                } else {
                    self.condition(node)
                };
                Some(Condition::Not(Box::new(inner)))
            }
            key => self.field_or_unknown(key, entry),
        }
    }

    fn conditions(&mut self, node: &Node) -> Vec<Condition> {
        let items = node
            .expect_list("a list of conditions", &mut self.diagnostics)
            .unwrap_or_default();
        if items.is_empty() && node.list().is_some() {
            self.diagnostics
                .wrong_shape(node.span, "at least one condition", "none");
        }
        items.iter().map(|item| self.condition(item)).collect()
    }

    /// One text or a list of texts of which one must hold.
    fn one_of(
        &mut self,
        node: &Node,
        expected: &str,
        read: impl Fn(&mut Self, &Node, &str) -> Option<Condition>,
    ) -> Option<Condition> {
        let mut parts = Vec::new();
        for item in node.one_or_many() {
            if let Some(text) = item.expect_text(expected, &mut self.diagnostics) {
                parts.extend(read(self, item, text));
            }
        }
        if node.one_or_many().is_empty() {
            self.diagnostics
                .wrong_shape(node.span, expected, "an empty list");
        }
        (!parts.is_empty()).then(|| any(parts))
    }

    fn intent_condition(&mut self, node: &Node, name: &str) -> Option<Condition> {
        let intent = self.names.intent(name);
        if intent.is_none() && !self.incomplete {
            let suggestion = self.diagnostics.nearest(name, self.names.intents.names());
            self.diagnostics.unknown_intent(node.span, name, suggestion);
        }
        intent.map(Condition::Intent)
    }

    fn pattern_condition(&mut self, node: &Node) -> Condition {
        let id = PatternId(self.patterns);
        self.patterns += 1;
        self.phrases(
            node,
            Group {
                owner: Owner::Rule(id),
                typos: self.pack.matching.typos,
            },
        );
        Condition::Pattern(id)
    }

    /// `area`, `[area, appliance]`, or `{ area: zastron }`.
    fn entity_condition(&mut self, node: &Node) -> Option<Condition> {
        let Some(entries) = node.map() else {
            return self.one_of(node, "the name of an entity", |compiler, node, name| {
                compiler.values_asked.push((name.to_owned(), node.span));
                Some(Condition::Entity {
                    name: name.to_owned(),
                    value: None,
                })
            });
        };
        let mut parts = Vec::new();
        for entry in entries {
            let name = entry.key.as_str();
            self.values_asked.push((name.to_owned(), entry.key_span));
            parts.extend(
                self.one_of(&entry.value, "a value", |compiler, node, value| {
                    compiler.check_value((name, node.span), value);
                    Some(Condition::Entity {
                        name: name.to_owned(),
                        value: Some(value.to_owned()),
                    })
                }),
            );
        }
        Some(all(parts))
    }

    fn event(&mut self, node: &Node, name: &str) -> Option<Condition> {
        if name == "idle" {
            self.diagnostics
                .not_yet_supported(node.span, "the event `idle`");
            return None;
        }
        self.word(node, "an event", &EVENTS).map(Condition::Event)
    }

    fn sentiment(&mut self, node: &Node) -> Option<Condition> {
        let Some(entries) = node.map() else {
            return self.mood(node);
        };
        let mut parts = Vec::new();
        for entry in entries {
            let node = &entry.value;
            parts.extend(match entry.key.as_str() {
                "below" => self.score(node).map(Condition::SentimentBelow),
                "above" => self.score(node).map(Condition::SentimentAbove),
                "label" => self.mood(node),
                "trend" => node
                    .expect_word("`falling`", &["falling"], &mut self.diagnostics)
                    .map(|_| Condition::SentimentFalling),
                _ => {
                    entry.unknown(
                        "in `sentiment`",
                        &["below", "above", "label", "trend"],
                        &mut self.diagnostics,
                    );
                    None
                }
            });
        }
        Some(all(parts))
    }

    fn mood(&mut self, node: &Node) -> Option<Condition> {
        self.one_of(node, "a mood", |compiler, node, _| {
            compiler
                .word(node, "a mood", &LABELS)
                .map(Condition::SentimentLabel)
        })
    }

    fn score(&mut self, node: &Node) -> Option<f64> {
        let expected = "a number from -1 to 1";
        let text = node.expect_text(expected, &mut self.diagnostics)?;
        let number = text
            .parse::<f64>()
            .ok()
            .filter(|number| (-1.0..=1.0).contains(number));
        if number.is_none() {
            self.diagnostics
                .invalid_value(node.span, (text, expected), None);
        }
        number
    }

    /// `true`, or `{ times: 3 }`.
    fn not_understood(&mut self, node: &Node) -> Option<Condition> {
        let Some(entries) = node.map() else {
            let wanted = node.expect_bool(&mut self.diagnostics)?;
            let condition = Condition::NotUnderstood { times: 1 };
            return Some(if wanted {
                condition
            } else {
                Condition::Not(Box::new(condition))
            });
        };
        let mut times = 1;
        for entry in entries {
            match entry.key.as_str() {
                "times" => {
                    let number = entry.value.expect_whole(1..=100, &mut self.diagnostics);
                    times = number
                        .and_then(|number| u32::try_from(number).ok())
                        .unwrap_or(times);
                }
                _ => entry.unknown("in `not_understood`", &["times"], &mut self.diagnostics),
            }
        }
        Some(Condition::NotUnderstood { times })
    }

    fn field_or_unknown(&mut self, key: &str, entry: &Entry) -> Option<Condition> {
        if LATER_KEYS.contains(&key) || key.starts_with("slot.") {
            self.diagnostics
                .not_yet_supported(entry.key_span, &format!("the condition `{key}`"));
            return None;
        }
        let Some((scope, name)) = scoped(key) else {
            entry.unknown(
                "in `when`",
                &[&KEYS[..], &["not"]].concat(),
                &mut self.diagnostics,
            );
            return None;
        };
        let test = self.test(&entry.value)?;
        Some(Condition::Field {
            scope,
            name: name.to_owned(),
            test,
        })
    }

    /// `true`: has any value; `false`: has none; else the value, or a list of values.
    fn test(&mut self, node: &Node) -> Option<Test> {
        if let Some(items) = node.list() {
            let texts = items
                .iter()
                .filter_map(|item| item.expect_text("a value", &mut self.diagnostics));
            return Some(Test::OneOf(texts.map(str::to_owned).collect()));
        }
        Some(match node.expect_text("a value", &mut self.diagnostics)? {
            "true" => Test::Present(true),
            "false" => Test::Present(false),
            value => Test::Is(value.to_owned()),
        })
    }

    pub(super) fn word<T: Copy>(
        &mut self,
        node: &Node,
        what: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let word = node.expect_word(what, &names, &mut self.diagnostics)?;
        words
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, value)| *value)
    }
}

/// `contact.ward` as scope and name; `None` for anything else.
pub(super) fn scoped(key: &str) -> Option<(Scope, &str)> {
    let (scope, name) = key.split_once('.')?;
    match scope {
        "contact" if !name.is_empty() => Some((Scope::Contact, name)),
        "conversation" if !name.is_empty() => Some((Scope::Conversation, name)),
        _ => None,
    }
}

fn any(mut parts: Vec<Condition>) -> Condition {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        Condition::Any(parts)
    }
}

fn all(mut parts: Vec<Condition>) -> Condition {
    if parts.len() == 1 {
        parts.remove(0)
    } else {
        Condition::All(parts)
    }
}
