//! What one inbound message brings to [`crate::decide`]: the message itself and the facts that are true around it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// One inbound message with its situation. Everything `decide` may depend on is here, in the rules or in the state.
#[derive(Clone)]
pub struct Turn<'a> {
    /// What the customer wrote: a text, a caption, the title of a tapped button; empty where there is none.
    /// At most 64 KiB are stored; the first 4,096 characters are matched.
    pub text: &'a str,
    pub kind: MessageKind,
    /// Id of the tapped button or list row, or payload of a template's quick reply.
    pub button: Option<&'a str>,
    /// When the customer sent it (WhatsApp's time): hours, dates and windows go by it.
    pub sent_at: Timestamp,
    /// When it reached us: staleness goes by the difference.
    pub received_at: Timestamp,
    /// When it is being decided; stored with the decision so that a replay is exact.
    pub now: Timestamp,
    /// Chooses among variants of a reply; a hash of the message id in the service.
    pub seed: u64,
    pub owner: Owner,
    pub contact: &'a Contact,
    /// What happened besides the message and cannot be seen from the state.
    pub events: &'a [Event],
    /// The notification that the message answers: the one it quotes, else the latest of the last 72 hours.
    pub notification: Option<&'a Notification>,
}

/// A notification that went to this contact.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Name of the template; `replying_to` asks for it.
    pub template: String,
    /// Its values in normal form: `{{notification.<field>}}` of replies, printed by the field's kind.
    pub fields: BTreeMap<String, String>,
}

/// For what a contact may be written to without having asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    /// About their own account: bills, payments, queries.
    Account,
    /// About services where they live: outages, closures.
    Service,
    Marketing,
}

impl Consent {
    pub const ALL: [Self; 3] = [Self::Account, Self::Service, Self::Marketing];
}

/// The kind of a message, as rules name it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    #[default]
    Text,
    Button,
    Image,
    Video,
    Voice,
    Audio,
    Document,
    Sticker,
    Location,
    Contacts,
    Order,
    Form,
    Unsupported,
}

/// Who answers in this conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    #[default]
    Bot,
    /// Handed over, nobody has taken it yet.
    Waiting,
    Person,
}

/// What rules call an event. Those derived from state and turn are set by `decide` itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// First message of a session (the pack's `session.idle` passed since the last one).
    NewConversation,
    /// First message ever of this contact; brought by the turn.
    FirstContact,
    /// Staff gave the conversation back since the last message; brought by the turn.
    ReturnedByStaff,
    /// The contact asked for no more messages in this very turn.
    OptedOut,
    /// Older than the pack's `session.stale_after` when it arrived.
    StaleMessage,
    /// WhatsApp could not show us the message.
    Unsupported,
}

/// Facts about the contact. They enter by the turn and leave by effects; they are never part of the state.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The profile name: free text from a stranger.
    pub name: Option<String>,
    pub language: Option<Language>,
    pub opted_out: bool,
    pub tags: BTreeSet<String>,
    /// `contact.<field>` of rules and replies.
    pub fields: BTreeMap<String, String>,
}

/// Without what the customer wrote: whatever prints this may end in a log.
impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn")
            .field("text_bytes", &self.text.len())
            .field("kind", &self.kind)
            .field("button", &self.button.is_some())
            .field("sent_at", &self.sent_at)
            .field("received_at", &self.received_at)
            .field("now", &self.now)
            .field("seed", &self.seed)
            .field("owner", &self.owner)
            .field("contact", &self.contact)
            .field("events", &self.events)
            .field("notification", &self.notification)
            .finish()
    }
}

/// Without values.
impl std::fmt::Debug for Notification {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notification")
            .field("template", &self.template)
            .field("fields", &self.fields.len())
            .finish()
    }
}

/// Without name, tags and the values of fields.
impl std::fmt::Debug for Contact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contact")
            .field("language", &self.language)
            .field("opted_out", &self.opted_out)
            .field("tags", &self.tags.len())
            .field("fields", &self.fields.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_personal_is_printed() {
        let contact = Contact {
            name: Some("Palesa".to_owned()),
            tags: BTreeSet::from(["in_arrears".to_owned()]),
            fields: BTreeMap::from([("account".to_owned(), "10012345".to_owned())]),
            ..Contact::default()
        };
        let turn = Turn {
            text: "my number is 0600000001",
            kind: MessageKind::Text,
            button: Some("pay"),
            sent_at: Timestamp::UNIX_EPOCH,
            received_at: Timestamp::UNIX_EPOCH,
            now: Timestamp::UNIX_EPOCH,
            seed: 0,
            owner: Owner::Bot,
            contact: &contact,
            events: &[],
            notification: None,
        };
        let printed = format!("{turn:?}");
        for secret in [
            "Palesa",
            "in_arrears",
            "account",
            "10012345",
            "0600000001",
            "pay",
        ] {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}
