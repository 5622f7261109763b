//! What a turn led to: replies, the new state, effects for others to carry out, the mood and the reason.

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::dialogue::State;
use crate::language::Language;
use crate::sentiment::Mood;
use crate::source::Location;
use crate::trace::{Trace, Verdict};
use crate::turn::Consent;

#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// What to say, in order; empty when the bot keeps silent.
    pub replies: Vec<Spoken>,
    pub state: State,
    pub effects: Vec<Effect>,
    pub mood: Mood,
    /// The language of the message when certain, else the one the conversation goes on in.
    pub language: Language,
    /// What the customer wants, in order of appearance; empty when not understood.
    pub intents: Vec<IntentMatch>,
    pub entities: Vec<EntityValue>,
    /// The rules that acted, in order.
    pub rules: Vec<RuleRef>,
    pub trace: Trace,
}

impl Decision {
    /// The decision as `explain --json` prints it: scores from 0 to 1, entities by name (the first of each), and a trace
    /// that also holds every value with its place and every word that made the mood.
    pub fn to_json(&self) -> serde_json::Value {
        let mut entities = serde_json::Map::new();
        for entity in &self.entities {
            entities
                .entry(entity.name.as_str())
                .or_insert_with(|| json!(entity.value));
        }
        let share = |thousandths: u16| f64::from(thousandths) / 1000.0;
        let intents: Vec<_> = self.intents.iter().map(|found| &found.intent).collect();
        let decided = self
            .trace
            .rules
            .iter()
            .find(|rule| rule.verdict == Verdict::Decided);
        let mut trace = json!(self.trace);
        if let Some(trace) = trace.as_object_mut() {
            trace.insert("entities".to_owned(), json!(self.entities));
            trace.insert("mood".to_owned(), json!(self.mood.words));
        }
        json!({
            "intent": self.intents.first().map(|found| &found.intent),
            "intents": intents,
            "score": self.intents.first().map_or(0.0, |found| share(found.score)),
            "language": self.language,
            "entities": entities,
            "sentiment": { "score": self.mood.score, "label": self.mood.label },
            "rule": decided.map(|rule| &rule.name).or_else(|| self.rules.first().map(|rule| &rule.name)),
            "rules": self.rules,
            "replies": self.replies,
            "effects": self.effects,
            "trace": trace,
        })
    }
}

/// A reply with where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Names of the responses it was made of: several when texts were joined, none for a text written in a rule.
    pub responses: Vec<String>,
    /// The language it is in; another than the decision's where the pack lacks a translation.
    pub language: Language,
    #[serde(flatten)]
    pub reply: Reply,
}

/// One message to send. Lengths were checked when the pack was compiled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Reply {
    Text {
        text: String,
    },
    /// At most three buttons.
    Buttons {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        buttons: Vec<Button>,
    },
    /// At most ten rows behind one button.
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Title of the button that opens the list.
        button: String,
        rows: Vec<Row>,
    },
    /// One button that opens an address.
    CtaUrl {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        /// Title of the button.
        button: String,
        url: String,
    },
    /// A button with which the customer sends where they are.
    AskLocation {
        text: String,
    },
    /// WhatsApp fetches it from `link`.
    Media {
        kind: MediaKind,
        link: String,
        /// Of images, videos and documents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// Of documents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
    },
    Location(Place),
    Contacts {
        contacts: Vec<Card>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    Document,
    Sticker,
}

/// A place on the map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Degrees as decimal text, -90 to 90.
    pub latitude: String,
    /// Degrees as decimal text, -180 to 180.
    pub longitude: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// A contact card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
}

impl Reply {
    /// The words of it, without its choices; the caption of media.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text }
            | Self::Buttons { text, .. }
            | Self::List { text, .. }
            | Self::CtaUrl { text, .. }
            | Self::AskLocation { text } => text,
            Self::Media { caption, .. } => caption.as_deref().unwrap_or_default(),
            Self::Location(_) | Self::Contacts { .. } => "",
        }
    }

    /// Whether there is nothing to send: it needs words and has none.
    pub(crate) fn is_empty(&self) -> bool {
        let wordless = matches!(
            self,
            Self::Media { .. } | Self::Location(_) | Self::Contacts { .. }
        );
        !wordless && self.text().trim().is_empty()
    }

    /// Ids and titles of its buttons or rows.
    pub fn choices(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Buttons { buttons, .. } => buttons
                .iter()
                .map(|button| (&*button.id, &*button.title))
                .collect(),
            Self::List { rows, .. } => rows.iter().map(|row| (&*row.id, &*row.title)).collect(),
            _ => Vec::new(),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub id: String,
    pub title: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What others carry out. Effects are data; the engine does nothing itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// Hand the conversation to staff; the bot is silent from then on.
    Escalate {
        team: String,
        priority: Priority,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// Why, in words for staff.
        reason: String,
    },
    SetContact {
        field: String,
        value: String,
    },
    ForgetContact {
        field: String,
    },
    Tag {
        tag: String,
    },
    Untag {
        tag: String,
    },
    React {
        emoji: String,
    },
    /// No more notifications of these categories, by the contact's own word.
    OptOut {
        categories: Vec<Consent>,
    },
    OptIn {
        categories: Vec<Consent>,
    },
    /// What is still to be sent of this template, to this contact or about the account that was written about, has
    /// become pointless.
    Cancel {
        template: String,
    },
    /// The session ends; the next message begins a new one.
    End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntentMatch {
    pub intent: String,
    /// Thousandths, 0 to 1000.
    pub score: u16,
}

/// A value found in the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityValue {
    /// The name it is captured under: the entity's own, or the one given in a pattern.
    pub name: String,
    pub entity: String,
    /// Normal form: the key of a value list, digits, `1200.50`, E.164, `yes`/`no`.
    pub value: String,
    /// What replies print.
    pub label: String,
    /// Bytes of the message.
    pub start: u32,
    pub end: u32,
}

/// A rule as people find it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    pub name: String,
    pub at: Location,
}
