//! What the outside world tells us, in our own types. A channel parses its vendor's JSON into these.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{DeliveryStatus, Identity, PhoneNumber, PhoneNumberId, UserId, Wamid};

/// One element of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Message(Box<InboundMessage>),
    Status(StatusUpdate),
    Echo(Box<Echo>),
    System(SystemChange),
    /// Anything about the account, templates or the number; stored, acted on later.
    Account(AccountEvent),
    /// Authentic, but not of a shape we know: stored raw, acknowledged, counted.
    Unreadable(Unreadable),
}

/// A message from a customer.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    pub phone_number_id: PhoneNumberId,
    pub wamid: Wamid,
    pub from: Identity,
    /// WhatsApp's time.
    pub sent_at: Timestamp,
    pub content: MessageContent,
    /// The message that was quoted, or whose button was tapped.
    pub reply_to: Option<Wamid>,
    /// Group messages are stored and never answered.
    pub group_id: Option<String>,
    /// The element as it came.
    pub raw: Value,
}

/// The type of a message as it is recorded (`messages.message_type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MessageType {
    Text,
    Image,
    Video,
    Audio,
    Voice,
    Document,
    Sticker,
    Location,
    Contacts,
    Reaction,
    /// A tapped reply button of ours.
    ButtonReply,
    /// A chosen list row of ours.
    ListReply,
    /// A tapped quick reply of a template.
    Button,
    /// A filled-in form (WhatsApp Flow).
    Form,
    CallPermission,
    Order,
    System,
    Edit,
    Revoke,
    Unsupported,
    /// A type that is newer than this program.
    Unknown,
    Interactive,
    Template,
}

/// What is in a message. `text` is what the engine reads; everything else stays in `raw`.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageContent {
    pub message_type: MessageType,
    /// Body, caption, button title, row title, name of a place; empty when there is none. What people see in a list.
    pub text: String,
    /// Id of a tapped button or row, payload of a template's quick reply.
    pub button: Option<String>,
    /// For reactions, edits and revokes: the message they are about.
    pub about: Option<Wamid>,
    /// WhatsApp's media id, when there is a file.
    pub media_id: Option<String>,
    /// No message to answer, such as a pin, or our own words coming back: kept, never decided.
    pub quiet: bool,
}

/// A status of a message we sent, or of one another app sent from our number.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusUpdate {
    pub phone_number_id: PhoneNumberId,
    pub wamid: Wamid,
    pub status: DeliveryStatus,
    pub at: Timestamp,
    /// What we sent along, as it came back; not necessarily ours.
    pub opaque: Option<String>,
    pub recipient: Identity,
    pub errors: Vec<StatusError>,
    pub raw: Value,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusError {
    pub code: i64,
    pub title: String,
    pub details: String,
}

/// A message that a colleague sent from the phone app: shown as outgoing, never fed to the bot.
#[derive(Clone, Debug, PartialEq)]
pub struct Echo {
    pub phone_number_id: PhoneNumberId,
    pub wamid: Wamid,
    pub to: Identity,
    pub sent_at: Timestamp,
    pub content: MessageContent,
    pub raw: Value,
}

/// A customer's number or user id changed: the conversation moves on, verification does not.
#[derive(Clone, Debug, PartialEq)]
pub struct SystemChange {
    pub phone_number_id: PhoneNumberId,
    pub wamid: Wamid,
    pub sent_at: Timestamp,
    /// As far as it is said.
    pub old_phone: Option<PhoneNumber>,
    pub old_user_id: Option<UserId>,
    pub new_phone: Option<PhoneNumber>,
    pub new_user_id: Option<UserId>,
    /// What WhatsApp wrote about it.
    pub text: String,
    pub raw: Value,
}

/// A webhook about the account rather than a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountEvent {
    /// The webhook's `field`; empty when missing.
    pub field: String,
    /// The entry it came in, with this change alone.
    pub raw: Value,
    /// What it tells us, where we act on it.
    pub update: Option<AccountUpdate>,
}

/// News about the account that changes what we do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountUpdate {
    TemplateStatus {
        template: TemplateRef,
        /// As Meta writes it: `APPROVED`, `REJECTED`, `PAUSED` and so on.
        status: String,
        /// Why, where Meta says so.
        reason: Option<String>,
    },
    TemplateQuality {
        template: TemplateRef,
        /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
        quality: String,
    },
    TemplateCategory {
        template: TemplateRef,
        /// What it is filed under now.
        category: String,
        /// What it will be filed under.
        coming: Option<String>,
    },
    /// Somebody changed its text, or Meta did.
    TemplateComponents {
        template: TemplateRef,
        body: String,
        header: Option<String>,
        footer: Option<String>,
    },
    /// How many people may be written to first in a day.
    NumberTier {
        /// Of ours; all of them without.
        number: Option<PhoneNumber>,
        limit: DailyLimit,
    },
    NumberThroughput {
        number: Option<PhoneNumber>,
        per_second: u32,
        limit: Option<DailyLimit>,
    },
    NumberQuality {
        number: Option<PhoneNumber>,
        /// Whether Meta has put the number on notice.
        is_flagged: bool,
        limit: Option<DailyLimit>,
    },
    /// A person switched marketing messages off or on, inside WhatsApp.
    Preference {
        phone_number_id: PhoneNumberId,
        identity: Identity,
        wish: MarketingWish,
        at: Timestamp,
    },
    Account {
        /// As Meta writes it, such as `ACCOUNT_RESTRICTION`.
        event: String,
        standing: Standing,
    },
}

/// One of Meta's templates in one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateRef {
    pub name: String,
    /// Meta's code, with `_`.
    pub language: String,
    pub meta_id: String,
}

/// Unique recipients in 24 hours outside the 24-hour window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DailyLimit {
    Recipients(u32),
    Unlimited,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketingWish {
    Stop,
    Resume,
}

/// What the account may still do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Good,
    /// For the operator to read; nothing stops.
    Noted,
    Restricted {
        until: Option<Timestamp>,
    },
    Disabled,
}

/// An element that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unreadable {
    /// Why, for the log; holds nothing of the content.
    pub reason: String,
    pub raw: Value,
}
