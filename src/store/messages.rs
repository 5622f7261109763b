//! Messages as they are read: by contact, with what became of them and why they were answered as they were.
//!
//! It also knows how a message's kinds are written in the tables.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::media::{MessageMedia, media_of};
use super::{Store, StoreError, call, to_jiff};
use crate::model::{
    ConversationId, DeliveryStatus, MessageId, MessageType, PhoneNumber, RulesetHash, Wamid,
};

/// Text that is kept of one message.
const TEXT_BYTES_MAX: usize = 64 * 1024;
/// Messages in one answer.
const LIST_MAX: i64 = 1_000;

/// A message of the record.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub conversation: ConversationId,
    pub id: MessageId,
    /// `inbound` or `outbound`.
    pub direction: String,
    /// `contact`, `bot`, `staff`, `phone_app` or `whatsapp`.
    pub author: String,
    pub wamid: Option<Wamid>,
    pub message_type: String,
    /// Empty when the customer took the message back.
    pub content: String,
    pub button: Option<String>,
    pub reply_to: Option<Wamid>,
    pub sent_at: Timestamp,
    pub received_at: Timestamp,
    /// `received`, `queued`, `accepted`, `sent`, `delivered`, `read`, `failed`, `unknown`, `held`, `cancelled` …
    pub status: String,
    pub errors: Option<Value>,
    pub sentiment: Option<f64>,
    pub sentiment_label: Option<String>,
    pub language: Option<String>,
    pub intent: Option<String>,
    pub revoked: bool,
    /// Not of what was taken back.
    pub media: Option<MessageMedia>,
}

/// Why a message was answered as it was.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    pub ruleset: RulesetHash,
    pub now: Timestamp,
    pub seed: u64,
    pub owner: String,
    pub decision: Value,
    pub trace: Value,
}

/// How many rows there are of each kind; for tests and `doctor`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub envelopes: i64,
    pub contacts: i64,
    pub conversations: i64,
    pub inbound: i64,
    pub outbound: i64,
    pub pending_turns: i64,
    pub quarantined: i64,
    pub decisions: i64,
    pub status_events: i64,
    pub parked_statuses: i64,
    pub unreadable: i64,
    pub account_events: i64,
}

impl Store {
    /// The messages with a contact, oldest first; at most the last thousand.
    pub async fn messages_of(&self, phone: &PhoneNumber) -> Result<Vec<Message>, StoreError> {
        let mut call = self.call("read messages").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT * FROM (
                     SELECT m.conversation_id, m.id, m.direction, m.author, m.wamid, m.message_type,
                            CASE WHEN m.revoked_at IS NULL THEN m.content ELSE '' END AS content,
                            m.button, m.reply_to, m.sent_at, m.received_at, m.status, m.errors, m.sentiment,
                            m.sentiment_label, m.language, m.intent, m.revoked_at IS NOT NULL AS revoked,
                            CASE WHEN m.revoked_at IS NULL THEN message_media(m.conversation_id, m.id) END AS media
                     FROM contact_identifiers i
                     JOIN conversations c ON c.contact_id = i.contact_id
                     JOIN messages m ON m.conversation_id = c.id
                     WHERE i.kind = 'phone' AND i.value = $1
                     ORDER BY m.id DESC LIMIT $2) newest
                 ORDER BY id",
            )
            .bind(phone.as_str())
            .bind(LIST_MAX)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(message_of)
            .collect()
        })
        .await;
        call.end(outcome)
    }

    /// The messages of a conversation before `before`, newest first; `None` when there is no such conversation.
    pub async fn messages_in(
        &self,
        conversation: ConversationId,
        before: Option<MessageId>,
        limit: i64,
    ) -> Result<Option<Vec<Message>>, StoreError> {
        let mut call = self.call("read a conversation").await?;
        let outcome = call::deadline(async {
            let exists: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM conversations WHERE id = $1)")
                    .bind(conversation)
                    .fetch_one(call.db())
                    .await?;
            if !exists {
                return Ok(None);
            }
            let messages: Result<Vec<_>, _> = sqlx::query(
                "SELECT m.conversation_id, m.id, m.direction, m.author, m.wamid, m.message_type,
                        CASE WHEN m.revoked_at IS NULL THEN m.content ELSE '' END AS content,
                        m.button, m.reply_to, m.sent_at, m.received_at, m.status, m.errors, m.sentiment,
                        m.sentiment_label, m.language, m.intent, m.revoked_at IS NOT NULL AS revoked,
                            CASE WHEN m.revoked_at IS NULL THEN message_media(m.conversation_id, m.id) END AS media
                 FROM messages m
                 WHERE m.conversation_id = $1 AND ($2::uuid IS NULL OR m.id < $2)
                 ORDER BY m.id DESC LIMIT $3",
            )
            .bind(conversation)
            .bind(before)
            .bind(limit.clamp(1, LIST_MAX))
            .fetch_all(call.db())
            .await?
            .iter()
            .map(message_of)
            .collect();
            messages.map(Some)
        })
        .await;
        call.end(outcome)
    }

    /// The messages with a contact before `before`, newest first.
    pub async fn messages_with(
        &self,
        phone: &PhoneNumber,
        before: Option<MessageId>,
        limit: i64,
    ) -> Result<Vec<Message>, StoreError> {
        let mut call = self.call("read messages").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT m.conversation_id, m.id, m.direction, m.author, m.wamid, m.message_type,
                        CASE WHEN m.revoked_at IS NULL THEN m.content ELSE '' END AS content,
                        m.button, m.reply_to, m.sent_at, m.received_at, m.status, m.errors, m.sentiment,
                        m.sentiment_label, m.language, m.intent, m.revoked_at IS NOT NULL AS revoked,
                            CASE WHEN m.revoked_at IS NULL THEN message_media(m.conversation_id, m.id) END AS media
                 FROM contact_identifiers i
                 JOIN conversations c ON c.contact_id = i.contact_id
                 JOIN messages m ON m.conversation_id = c.id
                 WHERE i.kind = 'phone' AND i.value = $1 AND ($2::uuid IS NULL OR m.id < $2)
                 ORDER BY m.id DESC LIMIT $3",
            )
            .bind(phone.as_str())
            .bind(before)
            .bind(limit.clamp(1, LIST_MAX))
            .fetch_all(call.db())
            .await?
            .iter()
            .map(message_of)
            .collect()
        })
        .await;
        call.end(outcome)
    }

    /// The decision about a message, if it was decided.
    pub async fn decision_of(
        &self,
        conversation: ConversationId,
        message: MessageId,
    ) -> Result<Option<StoredDecision>, StoreError> {
        let mut call = self.call("read a decision").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT ruleset_hash, now, seed, owner, decision, trace FROM decisions
                 WHERE conversation_id = $1 AND message_id = $2",
            )
            .bind(conversation)
            .bind(message)
            .fetch_optional(call.db())
            .await?
            .map(|row| decision_of(&row))
            .transpose()
        })
        .await;
        call.end(outcome)
    }

    pub async fn counts(&self) -> Result<Counts, StoreError> {
        let mut call = self.call("count").await?;
        let outcome = call::deadline(async {
            let row = sqlx::query(
                "SELECT (SELECT count(*) FROM webhook_envelopes) AS envelopes,
                        (SELECT count(*) FROM contacts) AS contacts,
                        (SELECT count(*) FROM conversations) AS conversations,
                        (SELECT count(*) FROM messages WHERE direction = 'inbound') AS inbound,
                        (SELECT count(*) FROM messages WHERE direction = 'outbound') AS outbound,
                        (SELECT count(*) FROM pending_turns) AS pending_turns,
                        (SELECT count(*) FROM quarantined_turns) AS quarantined,
                        (SELECT count(*) FROM decisions) AS decisions,
                        (SELECT count(*) FROM status_events) AS status_events,
                        (SELECT count(*) FROM parked_statuses) AS parked_statuses,
                        (SELECT count(*) FROM unreadable_elements) AS unreadable,
                        (SELECT count(*) FROM account_events) AS account_events",
            )
            .fetch_one(call.db())
            .await?;
            Ok(Counts {
                envelopes: row.try_get("envelopes")?,
                contacts: row.try_get("contacts")?,
                conversations: row.try_get("conversations")?,
                inbound: row.try_get("inbound")?,
                outbound: row.try_get("outbound")?,
                pending_turns: row.try_get("pending_turns")?,
                quarantined: row.try_get("quarantined")?,
                decisions: row.try_get("decisions")?,
                status_events: row.try_get("status_events")?,
                parked_statuses: row.try_get("parked_statuses")?,
                unreadable: row.try_get("unreadable")?,
                account_events: row.try_get("account_events")?,
            })
        })
        .await;
        call.end(outcome)
    }
}

fn message_of(row: &PgRow) -> Result<Message, sqlx::Error> {
    Ok(Message {
        conversation: row.try_get("conversation_id")?,
        id: row.try_get("id")?,
        direction: row.try_get("direction")?,
        author: row.try_get("author")?,
        wamid: row.try_get("wamid")?,
        message_type: row.try_get("message_type")?,
        content: row.try_get("content")?,
        button: row.try_get("button")?,
        reply_to: row.try_get("reply_to")?,
        sent_at: to_jiff(row.try_get("sent_at")?),
        received_at: to_jiff(row.try_get("received_at")?),
        status: row.try_get("status")?,
        errors: row.try_get("errors")?,
        sentiment: row.try_get("sentiment")?,
        sentiment_label: row.try_get("sentiment_label")?,
        language: row.try_get("language")?,
        intent: row.try_get("intent")?,
        revoked: row.try_get("revoked")?,
        media: media_of(row)?,
    })
}

fn decision_of(row: &PgRow) -> Result<StoredDecision, sqlx::Error> {
    Ok(StoredDecision {
        ruleset: row.try_get("ruleset_hash")?,
        now: to_jiff(row.try_get("now")?),
        seed: row.try_get::<i64, _>("seed")?.cast_unsigned(),
        owner: row.try_get("owner")?,
        decision: row.try_get("decision")?,
        trace: row.try_get("trace")?,
    })
}

/// Text as the database can hold it: without the character zero, and not longer than is kept.
pub(super) fn storable_text(text: &str) -> String {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end)
        .unwrap_or_default()
        .replace('\0', "\u{fffd}")
}

pub(super) fn storable(text: Option<&str>) -> Option<String> {
    text.map(storable_text)
}

pub(super) fn message_type_name(message_type: MessageType) -> &'static str {
    match message_type {
        MessageType::Text => "text",
        MessageType::Image => "image",
        MessageType::Video => "video",
        MessageType::Audio => "audio",
        MessageType::Voice => "voice",
        MessageType::Document => "document",
        MessageType::Sticker => "sticker",
        MessageType::Location => "location",
        MessageType::Contacts => "contacts",
        MessageType::Reaction => "reaction",
        MessageType::ButtonReply => "button_reply",
        MessageType::ListReply => "list_reply",
        MessageType::Button => "button",
        MessageType::Form => "form",
        MessageType::CallPermission => "call_permission",
        MessageType::Order => "order",
        MessageType::System => "system",
        MessageType::Edit => "edit",
        MessageType::Revoke => "revoke",
        MessageType::Unsupported => "unsupported",
        MessageType::Unknown => "unknown",
        MessageType::Interactive => "interactive",
        MessageType::Template => "template",
    }
}

pub(super) fn delivery_name(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Accepted => "accepted",
        DeliveryStatus::Failed => "failed",
        DeliveryStatus::Sent => "sent",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Read => "read",
        DeliveryStatus::Played => "played",
        DeliveryStatus::Deleted => "deleted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_between_characters_and_has_no_zero() {
        assert_eq!(storable_text("a\0b"), "a\u{fffd}b");
        let long = "é".repeat(TEXT_BYTES_MAX);
        assert_eq!(storable_text(&long).len(), TEXT_BYTES_MAX);
        let odd = format!("a{}", "é".repeat(TEXT_BYTES_MAX));
        assert_eq!(storable_text(&odd).len(), TEXT_BYTES_MAX - 1);
    }
}
