//! Handing a conversation to people and back: who waits and why, a person's reply, resolving.
//!
//! That the bot hands over is a turn's work; here is what people do.

use crate::clock::Clock;
use crate::model::{ConversationId, OutboxId, OutgoingContent};
use crate::outbound::enqueue;
use crate::store::handoffs::{Replied, StaffMessage};
use crate::store::idempotency::Once;
use crate::store::{Store, StoreError, Topic};

/// Characters of one WhatsApp text.
const TEXT_CHARS_MAX: usize = 4_096;

/// A conversation that waits for staff or is with them.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub conversation: ConversationId,
    pub team: String,
    pub priority: String,
    /// Name and number, as far as they are known.
    pub contact: String,
    pub waiting_since: jiff::Timestamp,
    pub reason: String,
    pub last_message: String,
}

/// Conversations that are with staff, longest waiting first.
pub async fn waiting(store: &Store) -> Result<Vec<Waiting>, StoreError> {
    let open = store.open_handoffs().await?;
    Ok(open
        .into_iter()
        .map(|handoff| Waiting {
            conversation: handoff.conversation,
            team: handoff.team,
            priority: handoff.priority,
            contact: match handoff.contact_name {
                Some(name) => format!("{name} ({})", handoff.contact_address),
                None => handoff.contact_address,
            },
            waiting_since: handoff.waiting_since,
            reason: handoff.reason,
            last_message: handoff.last_text,
        })
        .collect())
}

/// Why a reply was not queued, or a conversation not given back. The text is for whoever asked.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    #[error("there is nothing to send: the text is empty")]
    EmptyText,
    #[error("the text has {0} characters; WhatsApp takes {TEXT_CHARS_MAX} at most")]
    LongText(usize),
    #[error("there is no conversation {0}; `puisano conversations` lists them")]
    NoSuchConversation(ConversationId),
    #[error("the customer has never written; WhatsApp takes only templates until they do")]
    NeverWritten,
    #[error(
        "the customer last wrote at {0}, more than 24 hours ago; WhatsApp takes only templates until they write again"
    )]
    WindowClosed(jiff::Timestamp),
    #[error("conversation {0} is not with staff; `puisano conversations` lists those that are")]
    NotWithStaff(ConversationId),
    #[error("this idempotency key was used for another request")]
    KeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A member of staff answers: the conversation is a person's from now on. Returns the id of the message.
pub async fn reply(
    store: &Store,
    clock: &Clock,
    conversation: ConversationId,
    text: &str,
) -> Result<OutboxId, HandoffError> {
    reply_once(store, clock, (conversation, text), None).await
}

/// [`reply`], where a request that was made before is not done again but told the id of that time.
pub async fn reply_once(
    store: &Store,
    clock: &Clock,
    (conversation, text): (ConversationId, &str),
    once: Option<&Once>,
) -> Result<OutboxId, HandoffError> {
    let length = text.chars().count();
    if text.trim().is_empty() {
        return Err(HandoffError::EmptyText);
    }
    if length > TEXT_CHARS_MAX {
        return Err(HandoffError::LongText(length));
    }
    let now = clock.now();
    let content = OutgoingContent::Text {
        text: text.to_owned(),
    };
    let message = StaffMessage {
        id: OutboxId(clock.new_id()),
        tag: enqueue::random_tag(),
        content: serde_json::to_string(&content).unwrap_or_default(),
        text,
        window_opened_after: now.saturating_sub(enqueue::WINDOW).unwrap_or(now),
        window_seconds: enqueue::WINDOW.as_secs_f64(),
        once,
    };
    match store.staff_reply(clock, conversation, &message).await? {
        Replied::Queued(id) => {
            store.wake(Topic::Outbox);
            Ok(id)
        }
        Replied::KeyReused => Err(HandoffError::KeyReused),
        Replied::NoSuchConversation => Err(HandoffError::NoSuchConversation(conversation)),
        Replied::WindowClosed { last_message_at } => Err(match last_message_at {
            None => HandoffError::NeverWritten,
            Some(at) => HandoffError::WindowClosed(at),
        }),
    }
}

/// Gives the conversation back to the bot.
pub async fn resolve(
    store: &Store,
    _clock: &Clock,
    conversation: ConversationId,
) -> Result<(), HandoffError> {
    if store.resolve_handoff(conversation).await? {
        Ok(())
    } else {
        Err(HandoffError::NotWithStaff(conversation))
    }
}
