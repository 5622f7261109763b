//! Reads what is true around the messages that are to be decided.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use puisano_engine::Notification;
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use sqlx::types::Json;
use uuid::Uuid;

use super::Claim;
use crate::model::{ContactId, ConversationId, MessageId, Owner, PhoneNumberId, Wamid};
use crate::store::{Store, StoreError, call, to_jiff};

/// A claimed conversation with its messages.
#[derive(Clone, Debug)]
pub struct DueTurns {
    pub claim: Claim,
    pub phone_number_id: PhoneNumberId,
    /// `live`, `simulated` or `demo`.
    pub origin: String,
    pub owner: Owner,
    pub epoch: i64,
    /// As the engine stored it; of whatever version.
    pub state: Option<Value>,
    /// Staff gave the conversation back since the last message that was decided.
    pub returned: bool,
    pub contact: ContactFacts,
    /// Where replies go, for the record: a phone number or a user id.
    pub address: String,
    /// Up to when the pack's replies a minute are used up, if beyond `now`.
    pub reply_tat: Option<Timestamp>,
    /// The database's time.
    pub now: Timestamp,
    /// In the order in which they are to be decided.
    pub messages: Vec<DueMessage>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactFacts {
    pub id: ContactId,
    pub name: Option<String>,
    pub language: Option<String>,
    pub opted_out: bool,
    /// Names of the categories of consent that are denied.
    pub denied: Vec<String>,
    pub tags: Vec<String>,
    pub fields: BTreeMap<String, String>,
    /// No message of this contact was ever decided.
    pub is_new: bool,
}

#[derive(Clone, Debug)]
pub struct DueMessage {
    pub id: MessageId,
    pub wamid: Wamid,
    /// As it is recorded, see [`crate::model::MessageType`].
    pub message_type: String,
    pub text: String,
    pub button: Option<String>,
    pub profile_name: Option<String>,
    pub sent_at: Timestamp,
    pub received_at: Timestamp,
    /// What the message answers: the notification it quotes, else the latest of the last 72 hours.
    pub notification: Option<Notification>,
}

impl Store {
    /// What `claims` are about, with at most `messages_max` messages each. It is read after the claim was made, so that no
    /// earlier holder's work is missed.
    pub async fn load_turns(
        &self,
        claims: &[Claim],
        messages_max: i64,
    ) -> Result<Vec<DueTurns>, StoreError> {
        let mut call = self.call("read what is to be decided").await?;
        let ids: Vec<Uuid> = claims.iter().map(|claim| claim.conversation.0).collect();
        let outcome = call::deadline(async {
            let facts = sqlx::query(FACTS).bind(&ids).fetch_all(call.db()).await?;
            let messages = sqlx::query(MESSAGES)
                .bind(&ids)
                .bind(messages_max)
                .bind(ANSWERED_HOURS)
                .fetch_all(call.db())
                .await?;
            let mut by_conversation: HashMap<ConversationId, Vec<DueMessage>> = HashMap::new();
            for row in &messages {
                by_conversation
                    .entry(row.try_get("conversation_id")?)
                    .or_default()
                    .push(message_of(row)?);
            }
            let mut found = HashMap::new();
            for row in &facts {
                found.insert(row.try_get::<ConversationId, _>("id")?, row);
            }
            let mut due = Vec::with_capacity(claims.len());
            for claim in claims {
                if let Some(row) = found.get(&claim.conversation) {
                    let messages = by_conversation
                        .remove(&claim.conversation)
                        .unwrap_or_default();
                    due.push(due_of(row, *claim, messages)?);
                }
            }
            Ok(due)
        })
        .await;
        call.end(outcome)
    }
}

const FACTS: &str = "
SELECT c.id, c.contact_id, c.phone_number_id, c.origin, c.owner, c.epoch, c.state, c.returned_at IS NOT NULL AS returned,
       k.name, k.language, k.opted_out, k.denied, k.tags, k.fields, k.first_turn_at IS NULL AS is_new,
       coalesce(address.value, '') AS address,
       CASE WHEN l.reply_tat > clock.now THEN l.reply_tat END AS reply_tat, clock.now
FROM (SELECT puisano_now() AS now OFFSET 0) clock
CROSS JOIN conversations c
JOIN contacts k ON k.id = c.contact_id
LEFT JOIN lanes l ON l.conversation_id = c.id
LEFT JOIN LATERAL (
    -- An aggregate, because `ORDER BY kind LIMIT 1` invites a walk through the identifiers of everybody.
    SELECT coalesce(max(i.value) FILTER (WHERE i.kind = 'phone'),
                    max(i.value) FILTER (WHERE i.kind = 'user_id')) AS value
    FROM contact_identifiers i WHERE i.contact_id = c.contact_id) address ON true
WHERE c.id = ANY($1)";

/// Notifications of the conversation that count as answered by its next message, for this long.
const ANSWERED_HOURS: i32 = 72;

const MESSAGES: &str = "
SELECT m.conversation_id, m.id, m.wamid, m.message_type, m.content, m.button, m.profile_name, m.sent_at, m.received_at,
       answered.template, answered.fields
FROM unnest($1::uuid[]) AS c (id)
CROSS JOIN LATERAL (
    SELECT p.message_id FROM pending_turns p
    WHERE p.conversation_id = c.id
    ORDER BY p.sent_at, p.message_id
    LIMIT $2) p
JOIN messages m ON m.conversation_id = c.id AND m.id = p.message_id
LEFT JOIN LATERAL (
    SELECT n.template, n.fields
    FROM notification_recipients r
    JOIN outbox o ON o.conversation_id = r.conversation_id AND o.id = r.outbox_id
    JOIN notifications n ON n.id = r.notification_id
    WHERE r.conversation_id = c.id AND o.state = 'sent' AND o.sending_at <= m.received_at
      AND (o.wamid = m.reply_to OR o.finished_at > m.sent_at - make_interval(hours => $3))
    ORDER BY o.wamid IS NOT DISTINCT FROM m.reply_to DESC, o.finished_at DESC LIMIT 1) answered ON true
ORDER BY m.conversation_id, m.sent_at, m.id";

fn due_of(row: &PgRow, claim: Claim, messages: Vec<DueMessage>) -> Result<DueTurns, sqlx::Error> {
    Ok(DueTurns {
        claim,
        phone_number_id: row.try_get("phone_number_id")?,
        origin: row.try_get("origin")?,
        owner: row.try_get("owner")?,
        epoch: row.try_get("epoch")?,
        state: row.try_get("state")?,
        returned: row.try_get("returned")?,
        contact: ContactFacts {
            id: row.try_get("contact_id")?,
            name: row.try_get("name")?,
            language: row.try_get("language")?,
            opted_out: row.try_get("opted_out")?,
            denied: row.try_get("denied")?,
            tags: row.try_get("tags")?,
            fields: row
                .try_get::<Json<BTreeMap<String, String>>, _>("fields")?
                .0,
            is_new: row.try_get("is_new")?,
        },
        address: row.try_get("address")?,
        reply_tat: row
            .try_get::<Option<jiff_sqlx::Timestamp>, _>("reply_tat")?
            .map(to_jiff),
        now: to_jiff(row.try_get("now")?),
        messages,
    })
}

fn message_of(row: &PgRow) -> Result<DueMessage, sqlx::Error> {
    Ok(DueMessage {
        id: row.try_get("id")?,
        wamid: row.try_get("wamid")?,
        message_type: row.try_get("message_type")?,
        text: row.try_get("content")?,
        button: row.try_get("button")?,
        profile_name: row.try_get("profile_name")?,
        sent_at: to_jiff(row.try_get("sent_at")?),
        received_at: to_jiff(row.try_get("received_at")?),
        notification: notification_of(row)?,
    })
}

fn notification_of(row: &PgRow) -> Result<Option<Notification>, sqlx::Error> {
    let template: Option<String> = row.try_get("template")?;
    let fields: Option<Json<BTreeMap<String, String>>> = row.try_get("fields")?;
    Ok(template.zip(fields).map(|(template, fields)| Notification {
        template,
        fields: fields.0,
    }))
}
