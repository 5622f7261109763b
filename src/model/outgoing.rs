//! What we ask a channel to send, and what it answers.

use puisano_engine::{Button, Row};
use serde::{Deserialize, Serialize};

use crate::model::{Notice, OpaqueId, PhoneNumber, PhoneNumberId, UserId, Wamid};

/// One call to a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Outgoing {
    pub phone_number_id: PhoneNumberId,
    pub to: Recipient,
    pub content: OutgoingContent,
    /// Quotes this message of the customer's.
    pub reply_to: Option<Wamid>,
    pub opaque: OpaqueId,
}

/// A phone number goes before a user id where both are known: a user id sent as a phone number is silently lost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    Phone(PhoneNumber),
    UserId(UserId),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutgoingContent {
    Text {
        text: String,
    },
    Buttons {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        buttons: Vec<Button>,
    },
    List {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        button: String,
        rows: Vec<Row>,
    },
    Media {
        kind: MediaKind,
        source: MediaSource,
        /// Of images, videos and documents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        caption: Option<String>,
        /// Of documents.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        filename: Option<String>,
    },
    /// Degrees as decimal text.
    Location {
        latitude: String,
        longitude: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    Contacts {
        contacts: Vec<ContactCard>,
    },
    /// One button that opens an address.
    CtaUrl {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        header: Option<String>,
        text: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        footer: Option<String>,
        button: String,
        url: String,
    },
    /// A button with which the customer sends where they are.
    AskLocation {
        text: String,
    },
    Template(TemplateMessage),
    /// Becomes a text or a template when it is sent, by the 24-hour window.
    Notice(Notice),
    /// An empty emoji takes the reaction away.
    Reaction {
        wamid: Wamid,
        emoji: String,
    },
    /// Blue ticks; with `typing` the customer sees that an answer is being written.
    Read {
        wamid: Wamid,
        typing: bool,
    },
}

impl OutgoingContent {
    /// As the record names it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Text { .. } | Self::Read { .. } => "text",
            Self::Buttons { .. }
            | Self::List { .. }
            | Self::CtaUrl { .. }
            | Self::AskLocation { .. } => "interactive",
            Self::Media { kind, .. } => match kind {
                MediaKind::Image => "image",
                MediaKind::Video => "video",
                MediaKind::Audio => "audio",
                MediaKind::Voice => "voice",
                MediaKind::Document => "document",
                MediaKind::Sticker => "sticker",
            },
            Self::Location { .. } => "location",
            Self::Contacts { .. } => "contacts",
            Self::Template(_) | Self::Notice(_) => "template",
            Self::Reaction { .. } => "reaction",
        }
    }

    /// The file of ours that it sends (`owner/hash`).
    pub fn stored_file(&self) -> Option<&str> {
        match self {
            Self::Media {
                source: MediaSource::Stored(file),
                ..
            } => Some(file),
            _ => None,
        }
    }

    /// What people read in a list.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text }
            | Self::Buttons { text, .. }
            | Self::List { text, .. }
            | Self::CtaUrl { text, .. }
            | Self::AskLocation { text } => text,
            Self::Media {
                caption, filename, ..
            } => caption
                .as_deref()
                .or(filename.as_deref())
                .unwrap_or_default(),
            Self::Location { name, address, .. } => {
                name.as_deref().or(address.as_deref()).unwrap_or_default()
            }
            Self::Contacts { contacts } => contacts
                .first()
                .map_or("", |contact| contact.formatted_name.as_str()),
            Self::Template(message) => &message.text,
            Self::Notice(notice) => notice
                .fillings
                .first()
                .map_or("", |filling| filling.text.as_str()),
            Self::Reaction { emoji, .. } => emoji,
            Self::Read { .. } => "",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    Image,
    Video,
    Audio,
    /// An audio message as if spoken into the phone: OGG with OPUS.
    Voice,
    Document,
    Sticker,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// WhatsApp fetches it from there.
    Link(String),
    /// Uploaded to WhatsApp before.
    Id(String),
    /// Of ours (`owner/hash`): uploaded when it is sent.
    Stored(String),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactCard {
    pub formatted_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organisation: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub phones: Vec<ContactPhone>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emails: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactPhone {
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// One of Meta's templates with its parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateMessage {
    /// Meta's name and language code.
    pub name: String,
    pub language: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<TemplateHeader>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub body: Vec<TemplateParameter>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<TemplateButton>,
    /// What the customer reads, for the record.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateHeader {
    Text(Vec<TemplateParameter>),
    Media {
        kind: MediaKind,
        source: MediaSource,
        filename: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateParameter {
    /// Of templates whose parameters have names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateButton {
    /// Place among all buttons, from 0.
    pub index: u8,
    pub value: puisano_engine::ButtonValue,
}

/// What a call to a channel came to. Exactly one of these is true, and [`SendOutcome::NotSent`] only provably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The channel took it. Calls that make no message (read, typing) have no id.
    Accepted { wamid: Option<Wamid> },
    /// Nothing left us, or the channel says so and asks to come again: safe to repeat.
    NotSent(SendFailure),
    /// The channel refused it for good.
    Rejected(SendFailure),
    /// A time-out, a broken connection after the request, any 5xx, an unreadable 200: it may have been sent.
    Unknown(SendFailure),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendFailure {
    /// Graph's error code, where there was one.
    pub code: Option<i64>,
    /// For staff: what happened and what to do. No token, no personal data.
    pub message: String,
    /// Wait at least this long before the next try.
    pub retry_after_ms: Option<u64>,
    pub scope: FailureScope,
}

/// What a failure says about other sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureScope {
    /// This item only.
    #[default]
    Item,
    /// This recipient (131056): others go on.
    Recipient,
    /// The whole number for a while (130429, 4, 80007, maintenance).
    Number,
    /// The operator must act (190, 368, 131031, 131042 …): the queue pauses, nothing is lost.
    Operator,
}
