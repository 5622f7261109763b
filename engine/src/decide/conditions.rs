//! Whether a rule's conditions hold, and if not, which of them did not, in words.

use std::collections::BTreeMap;

use crate::hours;
use crate::pattern::Owner as PatternOwner;
use crate::respond::Told;
use crate::ruleset::{Condition, IntentId, Ruleset, Scope, Test};
use crate::sentiment::Label;
use crate::turn::{Contact, Event, Turn};

use super::read::Evidence;

/// What is true of the turn, the same for all rules.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation<'a> {
    pub(super) rules: &'a Ruleset,
    pub(super) turn: &'a Turn<'a>,
    pub(super) evidence: &'a Evidence<'a>,
    /// What the customer wants, with thousandths.
    pub(super) intents: &'a [(IntentId, u16)],
    pub(super) falling: bool,
    /// Which one in a row this is, when nothing says what the customer wants.
    pub(super) not_understood: Option<u32>,
    pub(super) events: &'a [Event],
    /// The notification that the message answers.
    pub(super) notification: Option<Told<'a>>,
}

/// What rules may change while they are tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) contact: &'a Contact,
    pub(super) conversation: &'a BTreeMap<String, String>,
    /// A rule of this turn has opted the contact out.
    pub(super) opted_out: bool,
}

/// A rule's condition, as it is tried for one intent of the message or for none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trial<'a> {
    pub(super) situation: &'a Situation<'a>,
    pub(super) facts: Facts<'a>,
    pub(super) focus: Option<IntentId>,
    /// The rule names the intent it is tried for.
    pub(super) names_focus: bool,
}

impl<'a> Trial<'a> {
    pub(super) fn new(
        situation: &'a Situation<'a>,
        facts: Facts<'a>,
        focus: Option<IntentId>,
        condition: &Condition,
    ) -> Self {
        let names_focus = focus.is_some_and(|intent| names(condition, intent));
        Self {
            situation,
            facts,
            focus,
            names_focus,
        }
    }

    pub(super) fn holds(&self, condition: &Condition) -> bool {
        self.is_met(condition, Sense::Asked)
    }

    /// A condition about an intent is about the one the rule is tried for; a rule that names it may name others of the
    /// message beside it, and what is forbidden is forbidden for the whole message.
    fn is_met(&self, condition: &Condition, sense: Sense) -> bool {
        let situation = self.situation;
        match condition {
            Condition::All(list) => list.iter().all(|item| self.is_met(item, sense)),
            Condition::Any(list) => list.iter().any(|item| self.is_met(item, sense)),
            Condition::Not(inner) => !self.is_met(inner, sense.turned()),
            Condition::Intent(intent) => {
                let present = situation.intents.iter().any(|(wanted, _)| wanted == intent);
                present
                    && (sense == Sense::Forbidden
                        || self.focus == Some(*intent)
                        || self.names_focus)
            }
            Condition::Pattern(pattern) => situation
                .evidence
                .hits
                .iter()
                .any(|hit| hit.owner == PatternOwner::Rule(*pattern)),
            Condition::Entity { name, value } => situation.evidence.entities.iter().any(|entity| {
                entity.name == *name && value.as_ref().is_none_or(|value| *value == entity.value)
            }),
            Condition::Button(id) => situation
                .evidence
                .tap
                .as_ref()
                .is_some_and(|tap| tap.id == *id),
            Condition::Message(kind) => situation.turn.kind == *kind,
            Condition::SentimentBelow(limit) => situation
                .evidence
                .mood
                .score
                .is_some_and(|score| score < *limit),
            Condition::SentimentAbove(limit) => situation
                .evidence
                .mood
                .score
                .is_some_and(|score| score > *limit),
            Condition::SentimentLabel(label) => label_holds(*label, situation.evidence.mood.label),
            Condition::SentimentFalling => situation.falling,
            Condition::Language(language) => situation.evidence.language == *language,
            Condition::Open => self.is_open(),
            Condition::Closed => !self.is_open(),
            Condition::Holiday => {
                let pack = &situation.rules.pack;
                hours::is_holiday(&pack.hours, &pack.timezone, situation.turn.sent_at)
            }
            Condition::Event(Event::OptedOut) => self.facts.opted_out,
            Condition::Event(event) => situation.events.contains(event),
            Condition::NotUnderstood { times } => situation
                .not_understood
                .is_some_and(|count| count >= *times),
            Condition::ReplyingTo(template) => situation.notification.is_some_and(|told| {
                template
                    .as_ref()
                    .is_none_or(|template| *template == told.template.name)
            }),
            Condition::Field { scope, name, test } => test_holds(test, self.field(*scope, name)),
        }
    }

    fn is_open(&self) -> bool {
        let pack = &self.situation.rules.pack;
        hours::is_open(&pack.hours, &pack.timezone, self.situation.turn.sent_at)
    }

    /// A field's value; the contact's name and language can be asked for like fields.
    fn field(&self, scope: Scope, name: &str) -> Option<&str> {
        let contact = self.facts.contact;
        match scope {
            Scope::Conversation => self.facts.conversation.get(name).map(String::as_str),
            Scope::Contact => contact
                .fields
                .get(name)
                .map(String::as_str)
                .or_else(|| match name {
                    "name" => contact.name.as_deref(),
                    "language" => contact
                        .language
                        .as_ref()
                        .map(crate::language::Language::as_str),
                    _ => None,
                }),
        }
    }

    /// Why `condition`, which does not hold, does not: the first part that fails, in words.
    pub(super) fn why_not(&self, condition: &Condition) -> String {
        match condition {
            Condition::All(list) => list
                .iter()
                .find(|item| !self.holds(item))
                .map_or_else(String::new, |item| self.why_not(item)),
            Condition::Any(list) => {
                let reasons: Vec<String> = list
                    .iter()
                    .take(REASONS_MAX)
                    .map(|item| self.why_not(item))
                    .collect();
                format!("none of these holds: {}", reasons.join("; "))
            }
            Condition::Not(inner) => format!("must not be: {}", self.asked(inner)),
            leaf => format!("{}, but {}", self.asked(leaf), self.seen(leaf)),
        }
    }

    /// What a condition asks for.
    fn asked(&self, condition: &Condition) -> String {
        let list = |items: &[Condition], between: &str| {
            items
                .iter()
                .take(REASONS_MAX)
                .map(|item| self.asked(item))
                .collect::<Vec<_>>()
                .join(between)
        };
        match condition {
            Condition::All(items) => list(items, " and "),
            Condition::Any(items) => list(items, " or "),
            Condition::Not(inner) => format!("not {}", self.asked(inner)),
            Condition::Intent(id) => format!("intent {}", intent_name(self.situation.rules, *id)),
            Condition::Pattern(_) => "a phrase of its own".to_owned(),
            Condition::Entity { name, value: None } => format!("a value of {name}"),
            Condition::Entity {
                name,
                value: Some(value),
            } => format!("{name} = {value}"),
            Condition::Button(id) => format!("button {id}"),
            Condition::Message(kind) => format!("a message of the kind {}", word(kind)),
            Condition::SentimentBelow(limit) => format!("mood below {limit:.2}"),
            Condition::SentimentAbove(limit) => format!("mood above {limit:.2}"),
            Condition::SentimentLabel(label) => format!("mood {}", word(label)),
            Condition::SentimentFalling => "a falling mood".to_owned(),
            Condition::Language(language) => format!("language {language}"),
            Condition::Open => "open hours".to_owned(),
            Condition::Closed => "closed hours".to_owned(),
            Condition::Holiday => "a public holiday".to_owned(),
            Condition::Event(event) => format!("event {}", word(event)),
            Condition::NotUnderstood { times } => format!("not understood {times} times"),
            Condition::ReplyingTo(None) => "a reply to a notification".to_owned(),
            Condition::ReplyingTo(Some(template)) => format!("a reply to {template}"),
            Condition::Field { scope, name, test } => {
                format!("{}.{name} {}", scope_name(*scope), test_words(test))
            }
        }
    }

    /// What there was instead.
    fn seen(&self, condition: &Condition) -> String {
        let evidence = self.situation.evidence;
        match condition {
            Condition::Message(_) => format!("this is {}", word(&self.situation.turn.kind)),
            Condition::SentimentBelow(_)
            | Condition::SentimentAbove(_)
            | Condition::SentimentLabel(_) => match evidence.mood.score {
                Some(score) => format!("the mood is {score:.2}"),
                None => "the mood is not judged".to_owned(),
            },
            Condition::Language(_) => format!("the language is {}", evidence.language),
            Condition::Open => "the office is closed".to_owned(),
            Condition::Closed => "the office is open".to_owned(),
            Condition::Entity {
                name,
                value: Some(_),
            } => {
                let found = evidence.entities.iter().find(|entity| entity.name == *name);
                found.map_or_else(
                    || "there is none".to_owned(),
                    |entity| format!("it is {}", entity.value),
                )
            }
            Condition::NotUnderstood { .. } => match self.situation.not_understood {
                Some(count) => format!("it is number {count}"),
                None => "it was understood".to_owned(),
            },
            Condition::ReplyingTo(_) => match self.situation.notification {
                Some(told) => format!("it replies to {}", told.template.name),
                None => "it replies to none".to_owned(),
            },
            // The value may be personal and a trace is read by many: it is not repeated.
            Condition::Field { scope, name, .. } => {
                let value = self.field(*scope, name).filter(|value| !value.is_empty());
                if value.is_some() {
                    "it has another value"
                } else {
                    "it has no value"
                }
                .to_owned()
            }
            _ => "there is none".to_owned(),
        }
    }
}

/// Parts of a condition that are put into words.
const REASONS_MAX: usize = 4;

/// Whether a part of a condition is asked for or, under `not`, forbidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sense {
    Asked,
    Forbidden,
}

impl Sense {
    fn turned(self) -> Self {
        match self {
            Self::Asked => Self::Forbidden,
            Self::Forbidden => Self::Asked,
        }
    }
}

/// Whether `condition` asks for `intent` anywhere outside a `not`.
fn names(condition: &Condition, intent: IntentId) -> bool {
    any_leaf(
        condition,
        &|leaf| matches!(leaf, Condition::Intent(named) if *named == intent),
    )
}

/// Whether any leaf outside a `not` is as `test` says.
pub(super) fn any_leaf(condition: &Condition, test: &dyn Fn(&Condition) -> bool) -> bool {
    match condition {
        Condition::All(items) | Condition::Any(items) => {
            items.iter().any(|item| any_leaf(item, test))
        }
        Condition::Not(_) => false,
        leaf => test(leaf),
    }
}

/// An angry message is a negative one too.
pub(crate) fn label_holds(asked: Label, label: Label) -> bool {
    asked == label || (asked == Label::Negative && label == Label::Angry)
}

/// An empty value is none.
fn test_holds(test: &Test, value: Option<&str>) -> bool {
    let value = value.filter(|value| !value.is_empty());
    match test {
        Test::Is(expected) => value == Some(expected),
        Test::OneOf(list) => value.is_some_and(|value| list.iter().any(|item| item == value)),
        Test::Present(expected) => value.is_some() == *expected,
    }
}

fn test_words(test: &Test) -> String {
    match test {
        Test::Is(value) => format!("= {value}"),
        Test::OneOf(list) => format!("= {}", list.join(" or ")),
        Test::Present(true) => "with a value".to_owned(),
        Test::Present(false) => "without a value".to_owned(),
    }
}

fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Contact => "contact",
        Scope::Conversation => "conversation",
    }
}

fn intent_name(rules: &Ruleset, id: IntentId) -> &str {
    rules.intents.get(id.at()).map_or("", |intent| &intent.name)
}

/// The word that rules use for it, which is the one it is stored under.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
