//! One turn: what is stored about a conversation and a message, put before the engine, and what it answered, as rows.
//!
//! Pure but for ids: it reads and writes nothing. Messages of a claim are decided one after the other, the state flowing
//! from each to the next.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use jiff::Timestamp;
use puisano_engine::{
    Consent, Contact, Decision, Effect, EntityValue, Event, IntentMatch, Label, Language,
    MessageKind, Mood, Priority, RuleRef, Spoken, State, TooNew, Turn, decide,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::clock::Clock;
use crate::model::{MessageId, OutgoingContent, Owner};
use crate::outbound::enqueue::{self, Occasion, ReplyPace};
use crate::rulesets::Live;
use crate::settings::Switches;
use crate::store::consents::{Word, category_of};
use crate::store::turns::{
    ConsentChange, ContactChange, DecidedTurn, DueMessage, DueTurns, FinishedTurns, NewHandoff,
    NewItem, SessionSpan,
};

/// What the messages of a claim led to.
#[derive(Debug)]
pub struct Decided<'a> {
    /// The messages that were decided; possibly none.
    pub finished: FinishedTurns<'a>,
    /// The engine broke on this message; what was decided before it is good, it and what follows stay due.
    pub broken: Option<MessageId>,
}

/// Decides the messages of `due` in their order. Fails only on a state that a newer program must go on with.
pub fn decide_messages<'a>(
    due: &'a DueTurns,
    live: &Live,
    clock: &Clock,
    switches: &Switches,
) -> Result<Decided<'a>, TooNew> {
    let state = due
        .state
        .clone()
        .map_or_else(|| Ok(State::default()), State::from_json)?;
    let mut desk = Desk {
        switches: switches.clone(),
        ..Desk::new(due, live, clock, state)
    };
    let mut broken = None;
    for message in &due.messages {
        // The engine promises not to panic. Should it break the promise, one message is set aside, not the service.
        if catch_unwind(AssertUnwindSafe(|| desk.decide(message))).is_err() {
            broken = Some(message.id);
            break;
        }
    }
    Ok(Decided {
        finished: desk.finish(),
        broken,
    })
}

/// The conversation as it is after the messages decided so far.
struct Desk<'a, 'l> {
    due: &'a DueTurns,
    live: &'l Live,
    clock: &'l Clock,
    switches: Switches,
    state: State,
    contact: Contact,
    denied: BTreeSet<Consent>,
    owner: Owner,
    epoch: i64,
    pace: ReplyPace,
    language: Option<Language>,
    turns: Vec<DecidedTurn>,
    items: Vec<NewItem>,
    handoff: Option<NewHandoff>,
    change: ContactChange,
    sessions: Vec<SessionSpan>,
    session_ended_at: Option<Timestamp>,
}

impl<'a, 'l> Desk<'a, 'l> {
    fn new(due: &'a DueTurns, live: &'l Live, clock: &'l Clock, state: State) -> Self {
        let facts = &due.contact;
        let contact = Contact {
            name: facts.name.clone(),
            language: facts.language.as_deref().and_then(Language::parse),
            opted_out: facts.opted_out,
            tags: facts.tags.iter().cloned().collect(),
            fields: facts.fields.clone(),
        };
        Self {
            due,
            live,
            clock,
            switches: Switches::default(),
            language: state.language,
            state,
            contact,
            denied: facts
                .denied
                .iter()
                .filter_map(|name| category_of(name))
                .collect(),
            owner: due.owner,
            epoch: due.epoch,
            pace: ReplyPace::new(live.ruleset.replies_per_minute(), due.now, due.reply_tat),
            turns: Vec::new(),
            items: Vec::new(),
            handoff: None,
            change: ContactChange::default(),
            sessions: Vec::new(),
            session_ended_at: None,
        }
    }

    fn decide(&mut self, message: &DueMessage) {
        self.learn_name(message);
        let (now, seed) = (self.clock.now(), seed_of(message.id));
        let turn = Turn {
            text: &message.text,
            kind: kind_of(&message.message_type),
            button: message.button.as_deref(),
            sent_at: message.sent_at,
            received_at: message.received_at,
            now,
            seed,
            owner: engine_owner(self.owner),
            contact: &self.contact,
            events: &self.events(),
            notification: message.notification.as_ref(),
        };
        let decision = decide(&self.live.ruleset, &self.state, &turn);
        self.record(message, &decision, now, seed);
        self.follow_session(message, &decision.state);
        self.carry_out(message, &decision);
        if self.switches.auto_reply_enabled {
            self.say(message, &decision);
        } else {
            self.leave_to_staff(message);
        }
        self.language = decision.state.language;
        self.state = decision.state;
    }

    fn learn_name(&mut self, message: &DueMessage) {
        if message.profile_name.is_some() && message.profile_name != self.contact.name {
            self.contact.name.clone_from(&message.profile_name);
            self.change.name.clone_from(&message.profile_name);
        }
    }

    /// What happened besides the message; the first one after it hears of it.
    fn events(&self) -> Vec<Event> {
        let is_first = self.turns.is_empty();
        let first_contact = (is_first && self.due.contact.is_new).then_some(Event::FirstContact);
        let returned = (is_first && self.due.returned).then_some(Event::ReturnedByStaff);
        first_contact.into_iter().chain(returned).collect()
    }

    fn record(&mut self, message: &DueMessage, decision: &Decision, now: Timestamp, seed: u64) {
        self.turns.push(DecidedTurn {
            message: message.id,
            ruleset: self.live.hash.clone(),
            now,
            seed,
            owner: self.owner,
            decision: to_json(&DecisionRecord::of(decision)),
            trace: to_json(&decision.trace),
            sentiment: decision.mood.score,
            sentiment_label: label_name(decision.mood.label).to_owned(),
            language: decision.language.as_str().to_owned(),
            intent: decision.intents.first().map(|found| found.intent.clone()),
        });
    }

    fn follow_session(&mut self, message: &DueMessage, after: &State) {
        if self.state.session_started == after.session_started {
            return;
        }
        if self.state.session_started.is_some() {
            let silent_since = self
                .state
                .last_message
                .filter(|_| after.session_started.is_some());
            let ended_at = silent_since.unwrap_or(message.sent_at);
            match self.sessions.last_mut() {
                Some(session) => session.ended_at = Some(ended_at),
                None => self.session_ended_at = Some(ended_at),
            }
        }
        if let Some(started_at) = after.session_started {
            self.sessions.push(SessionSpan {
                id: self.clock.new_id(),
                started_at,
                ended_at: None,
            });
        }
    }

    fn carry_out(&mut self, message: &DueMessage, decision: &Decision) {
        for effect in &decision.effects {
            match effect {
                Effect::Escalate {
                    team,
                    priority,
                    note,
                    reason,
                } => {
                    self.escalate(NewHandoff {
                        id: self.clock.new_id(),
                        message: message.id,
                        team: team.clone(),
                        priority: priority_name(*priority).to_owned(),
                        reason: reason.clone(),
                        note: note.clone(),
                    });
                }
                Effect::SetContact { field, value } => {
                    self.contact.fields.insert(field.clone(), value.clone());
                    self.change.forget.remove(field);
                    self.change.set.insert(field.clone(), value.clone());
                }
                Effect::ForgetContact { field } => {
                    self.contact.fields.remove(field);
                    self.change.set.remove(field);
                    self.change.forget.insert(field.clone());
                }
                Effect::Tag { tag } => {
                    self.contact.tags.insert(tag.clone());
                    self.change.untag.remove(tag);
                    self.change.tag.insert(tag.clone());
                }
                Effect::Untag { tag } => {
                    self.contact.tags.remove(tag);
                    self.change.tag.remove(tag);
                    self.change.untag.insert(tag.clone());
                }
                // A reaction is an answer too.
                Effect::React { .. } if !self.switches.auto_reply_enabled => {}
                Effect::React { emoji } => {
                    let content = OutgoingContent::Reaction {
                        wamid: message.wamid.clone(),
                        emoji: emoji.clone(),
                    };
                    self.put(message, &content, self.due.now);
                }
                Effect::OptOut { categories } => self.say_of(message, categories, Word::Denied),
                Effect::OptIn { categories } => self.say_of(message, categories, Word::Granted),
                Effect::Cancel { template } => self.change.cancels.push(template.clone()),
                // The engine has ended the session in the state already.
                Effect::End => {}
            }
        }
    }

    /// Automatic answers are switched off: whoever writes gets a person.
    fn leave_to_staff(&mut self, message: &DueMessage) {
        self.escalate(NewHandoff {
            id: self.clock.new_id(),
            message: message.id,
            team: String::new(),
            priority: priority_name(Priority::Normal).to_owned(),
            reason: "Automatic answers are switched off.".to_owned(),
            note: None,
        });
    }

    /// The bot is silent from here on: what it says together with this is the last, under the new epoch.
    fn escalate(&mut self, handoff: NewHandoff) {
        if self.owner == Owner::Bot {
            self.owner = Owner::Waiting;
            self.epoch += 1;
            self.handoff = Some(handoff);
        }
    }

    /// Whoever has denied all categories has opted out.
    fn say_of(&mut self, message: &DueMessage, categories: &[Consent], word: Word) {
        for category in categories {
            match word {
                Word::Denied => self.denied.insert(*category),
                Word::Granted => self.denied.remove(category),
            };
            self.change.consents.push(ConsentChange {
                id: self.clock.new_id(),
                category: *category,
                word,
                message: message.id,
            });
        }
        self.contact.opted_out = self.denied.len() == Consent::ALL.len();
    }

    fn say(&mut self, message: &DueMessage, decision: &Decision) {
        if let Some(text) = self.own_words(decision) {
            let due_at = self.pace.take();
            self.put(message, &OutgoingContent::Text { text }, due_at);
            return;
        }
        for spoken in &decision.replies {
            let due_at = self.pace.take();
            self.put(message, &enqueue::content_of(&spoken.reply), due_at);
        }
    }

    /// The operator's words for the first message in a row that is not understood. Where the pack hands over, its own
    /// words stay: they say what happens next.
    fn own_words(&self, decision: &Decision) -> Option<String> {
        let first = self.state.not_understood == 0 && decision.state.not_understood == 1;
        let answered = !decision.replies.is_empty() && self.owner == Owner::Bot;
        (first && answered)
            .then(|| self.switches.auto_reply_message.clone())
            .flatten()
    }

    fn put(&mut self, message: &DueMessage, content: &OutgoingContent, due_at: Timestamp) {
        let occasion = Occasion {
            epoch: self.epoch,
            answers: &message.wamid,
            answers_sent_at: message.sent_at,
            due_at,
        };
        self.items
            .push(enqueue::item(self.clock, content, occasion));
    }

    fn finish(mut self) -> FinishedTurns<'a> {
        self.change.first = self.due.contact.is_new && !self.turns.is_empty();
        FinishedTurns {
            due: self.due,
            state: to_json(&self.state),
            language: self
                .language
                .map(|language| language.as_str().to_owned())
                .unwrap_or_default(),
            reply_tat: (!self.items.is_empty()).then(|| self.pace.tat()),
            turns: self.turns,
            items: self.items,
            handoff: self.handoff,
            contact: self.change,
            sessions: self.sessions,
            session_ended_at: self.session_ended_at,
        }
    }
}

/// What is kept of a decision beside its trace; the state is kept with the conversation.
#[derive(Serialize)]
struct DecisionRecord<'a> {
    replies: &'a [Spoken],
    effects: &'a [Effect],
    mood: &'a Mood,
    language: Language,
    intents: &'a [IntentMatch],
    entities: &'a [EntityValue],
    rules: &'a [RuleRef],
}

impl<'a> DecisionRecord<'a> {
    fn of(decision: &'a Decision) -> Self {
        Self {
            replies: &decision.replies,
            effects: &decision.effects,
            mood: &decision.mood,
            language: decision.language,
            intents: &decision.intents,
            entities: &decision.entities,
            rules: &decision.rules,
        }
    }
}

/// Chooses among variants of a reply, the same one whenever the message is decided.
fn seed_of(message: MessageId) -> u64 {
    Sha256::digest(message.0.as_bytes())
        .iter()
        .take(8)
        .fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}

/// The types of ours always become JSON; an empty object stands for what cannot happen.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

fn kind_of(message_type: &str) -> MessageKind {
    match message_type {
        "text" => MessageKind::Text,
        "button_reply" | "list_reply" | "button" => MessageKind::Button,
        "image" => MessageKind::Image,
        "video" => MessageKind::Video,
        "voice" => MessageKind::Voice,
        "audio" => MessageKind::Audio,
        "document" => MessageKind::Document,
        "sticker" => MessageKind::Sticker,
        "location" => MessageKind::Location,
        "contacts" => MessageKind::Contacts,
        "order" => MessageKind::Order,
        "form" => MessageKind::Form,
        _ => MessageKind::Unsupported,
    }
}

fn engine_owner(owner: Owner) -> puisano_engine::Owner {
    match owner {
        Owner::Bot => puisano_engine::Owner::Bot,
        Owner::Waiting => puisano_engine::Owner::Waiting,
        Owner::Person => puisano_engine::Owner::Person,
    }
}

fn label_name(label: Label) -> &'static str {
    match label {
        Label::NotJudged => "not_judged",
        Label::Angry => "angry",
        Label::Negative => "negative",
        Label::Neutral => "neutral",
        Label::Positive => "positive",
    }
}

fn priority_name(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}
