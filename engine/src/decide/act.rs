//! Carries out the actions of rules: they become replies, a new state, and effects for others.

use std::borrow::Cow;

use crate::decision::{Decision, Effect, Spoken};
use crate::dialogue::{Offered, State};
use crate::respond::{self, Purpose, Told, Values};
use crate::ruleset::{Action, Rule, Ruleset, Scope, Text};
use crate::sentiment::Mood;
use crate::text;
use crate::trace::Trace;
use crate::turn::{Contact, Turn};

use super::conditions::{Facts, Situation};
use super::read::Evidence;

/// Characters of a field's value and of a note for staff; the rest is cut.
const VALUE_CHARS_MAX: usize = 1000;
/// Fields that a conversation keeps; a rule that would add one more is not heeded.
const FIELDS_MAX: usize = 200;

/// Whether a rule's replies are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Speech {
    Said,
    Withheld,
}

/// What the rules have done so far in this turn.
#[derive(Debug)]
pub(super) struct Acting<'a> {
    rules: &'a Ruleset,
    turn: &'a Turn<'a>,
    evidence: &'a Evidence<'a>,
    notification: Option<Told<'a>>,
    /// With what this turn has changed, so that what follows sees it.
    contact: Cow<'a, Contact>,
    pub(super) state: State,
    replies: Vec<Spoken>,
    effects: Vec<Effect>,
    ends: bool,
    opted_out: bool,
    pub(super) notes: Vec<String>,
}

impl<'a> Acting<'a> {
    pub(super) fn new(situation: &Situation<'a>, state: State) -> Self {
        Self {
            rules: situation.rules,
            turn: situation.turn,
            evidence: situation.evidence,
            notification: situation.notification,
            contact: Cow::Borrowed(situation.turn.contact),
            state,
            replies: Vec::new(),
            effects: Vec::new(),
            ends: false,
            opted_out: false,
            notes: Vec::new(),
        }
    }

    pub(super) fn facts(&self) -> Facts<'_> {
        Facts {
            contact: &self.contact,
            conversation: &self.state.fields,
            opted_out: self.opted_out,
        }
    }

    /// Carries out what `rule` says, in the order in which it says it.
    pub(super) fn act(&mut self, rule: &Rule, speech: Speech) {
        let asked = |action: &Action| matches!(action, Action::Silence);
        let silent = speech == Speech::Withheld || rule.then.iter().any(asked);
        for action in &rule.then {
            match action {
                Action::Reply(_) if silent => {}
                action => self.carry_out(action, rule),
            }
        }
    }

    pub(super) fn say(&mut self, spoken: Option<Spoken>) {
        self.replies.extend(spoken);
    }

    fn carry_out(&mut self, action: &Action, rule: &Rule) {
        match action {
            Action::Reply(id) => {
                let response = self.rules.responses.get(id.at());
                let order = &self.rules.pack.languages;
                let spoken = response
                    .and_then(|found| respond::say(found, order, self.turn.seed, &self.values()));
                self.say(spoken);
            }
            Action::Escalate {
                team,
                priority,
                note,
            } => {
                let note = note
                    .as_ref()
                    .map(|note| self.keep(note, Purpose::Note))
                    .filter(|note| !note.is_empty());
                let reason = reason(rule, &self.evidence.mood);
                self.escalate(Effect::Escalate {
                    team: team.clone(),
                    priority: *priority,
                    note,
                    reason,
                });
            }
            Action::Set { scope, name, value } => {
                let value = self.keep(value, Purpose::Record);
                self.set(*scope, name, value);
            }
            Action::Forget { scope, name } => self.forget(*scope, name),
            Action::Tag(tag) => {
                self.contact.to_mut().tags.insert(tag.clone());
                self.effect(Effect::Tag { tag: tag.clone() });
            }
            Action::Untag(tag) => {
                self.contact.to_mut().tags.remove(tag);
                self.effect(Effect::Untag { tag: tag.clone() });
            }
            Action::React(emoji) => self.effect(Effect::React {
                emoji: emoji.clone(),
            }),
            Action::OptOut(categories) => {
                self.opted_out = true;
                self.effect(Effect::OptOut {
                    categories: categories.clone(),
                });
            }
            Action::OptIn(categories) => self.effect(Effect::OptIn {
                categories: categories.clone(),
            }),
            Action::Cancel(template) => self.effect(Effect::Cancel {
                template: template.clone(),
            }),
            Action::Silence => {}
            Action::End => self.ends = true,
        }
    }

    /// One conversation is handed over once: the first rule names the team, the most urgent the priority.
    fn escalate(&mut self, new: Effect) {
        let earlier = self
            .effects
            .iter_mut()
            .find(|effect| matches!(effect, Effect::Escalate { .. }));
        match (earlier, new) {
            (
                Some(Effect::Escalate { priority, .. }),
                Effect::Escalate {
                    priority: asked, ..
                },
            ) => {
                *priority = asked.max(*priority);
            }
            (_, new) => self.effects.push(new),
        }
    }

    fn set(&mut self, scope: Scope, name: &str, value: String) {
        match scope {
            Scope::Contact => {
                self.contact
                    .to_mut()
                    .fields
                    .insert(name.to_owned(), value.clone());
                self.effects.push(Effect::SetContact {
                    field: name.to_owned(),
                    value,
                });
            }
            Scope::Conversation => {
                let fields = &mut self.state.fields;
                if fields.len() < FIELDS_MAX || fields.contains_key(name) {
                    fields.insert(name.to_owned(), value);
                }
            }
        }
    }

    fn forget(&mut self, scope: Scope, name: &str) {
        match scope {
            Scope::Contact => {
                self.contact.to_mut().fields.remove(name);
                self.effects.push(Effect::ForgetContact {
                    field: name.to_owned(),
                });
            }
            Scope::Conversation => {
                self.state.fields.remove(name);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        if !self.effects.contains(&effect) {
            self.effects.push(effect);
        }
    }

    /// A text that is kept or told to staff.
    fn keep(&self, text: &Text, purpose: Purpose) -> String {
        respond::fill_text(text, &self.values(), purpose)
            .chars()
            .take(VALUE_CHARS_MAX)
            .collect()
    }

    fn values(&self) -> Values<'_> {
        Values {
            pack: &self.rules.pack.name,
            language: self.evidence.language,
            entities: &self.evidence.entities,
            contact: &self.contact,
            conversation: &self.state.fields,
            notification: self.notification,
        }
    }

    /// The replies joined where they fit, the state with what was shown, and the effects.
    pub(super) fn finish(mut self) -> Decision {
        let replies = respond::join(self.replies);
        if !replies.is_empty() {
            self.state.offered = offered(&replies);
        }
        if self.ends {
            self.state.end();
            self.effects.push(Effect::End);
        }
        Decision {
            replies,
            state: self.state,
            effects: self.effects,
            mood: Mood::default(),
            language: self.evidence.language,
            intents: Vec::new(),
            entities: Vec::new(),
            rules: Vec::new(),
            trace: Trace {
                notes: self.notes,
                ..Trace::default()
            },
        }
    }
}

/// The buttons and rows of `replies`, so that a title typed by hand can be told.
fn offered(replies: &[Spoken]) -> Vec<Offered> {
    let choices = replies.iter().flat_map(|spoken| spoken.reply.choices());
    let offered = choices.map(|(id, title)| Offered {
        id: id.to_owned(),
        title: text::fold(title),
    });
    offered.take(State::OFFERED_MAX).collect()
}

/// Why a conversation is handed over, for staff: the rule, and the mood where it is part of it.
fn reason(rule: &Rule, mood: &Mood) -> String {
    match mood.score {
        Some(score) if score < 0.0 => format!("{} (mood {score:.2})", rule.name),
        _ => rule.name.clone(),
    }
}
