//! Conversations that are with staff: who waits and why, a person's reply, giving back.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::idempotency::{self, Answer, Earlier, Once};
use super::turns::owner_name;
use super::{Store, StoreError, call, to_jiff, to_sql};
use crate::clock::Clock;
use crate::model::{ContactId, ConversationId, Origin, OutboxId, Owner, PhoneNumberId};

/// Conversations in one answer.
const LIST_MAX: i64 = 1_000;

/// A conversation that is with staff.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenHandoff {
    pub conversation: ConversationId,
    pub owner: Owner,
    pub team: String,
    pub priority: String,
    pub reason: String,
    pub note: Option<String>,
    pub waiting_since: Timestamp,
    pub contact_name: Option<String>,
    /// Phone number, else user id.
    pub contact_address: String,
    /// What the customer wrote last; empty when taken back.
    pub last_text: String,
}

/// What a person writes.
#[derive(Clone, Debug)]
pub struct StaffMessage<'a> {
    pub id: OutboxId,
    pub tag: u64,
    /// [`crate::model::OutgoingContent`] as JSON.
    pub content: String,
    pub text: &'a str,
    /// Earlier messages of the customer's than this do not open the window any more.
    pub window_opened_after: Timestamp,
    /// How long after the customer's last message it may be sent.
    pub window_seconds: f64,
    /// The request that may come again; its first answer is the message's id.
    pub once: Option<&'a Once>,
}

/// What became of a person's reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replied {
    /// The message, now or when the same was asked for before.
    Queued(OutboxId),
    /// The idempotency key belongs to another request.
    KeyReused,
    /// The customer's last message, if any, is too long ago.
    WindowClosed {
        last_message_at: Option<Timestamp>,
    },
    NoSuchConversation,
}

impl Store {
    /// Conversations that are with staff, longest waiting first.
    pub async fn open_handoffs(&self) -> Result<Vec<OpenHandoff>, StoreError> {
        let mut call = self.call("list who waits").await?;
        let outcome = call::deadline(async {
            sqlx::query(OPEN_HANDOFFS)
                .bind(LIST_MAX)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(handoff_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }

    /// Queues what a person writes. The conversation is that person's from now on.
    pub async fn staff_reply(
        &self,
        clock: &Clock,
        conversation: ConversationId,
        message: &StaffMessage<'_>,
    ) -> Result<Replied, StoreError> {
        let mut call = self.call("queue a reply of staff").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            match idempotency::earlier(&mut transaction, message.once).await? {
                Earlier::Never => {}
                Earlier::Other => return Ok(Replied::KeyReused),
                Earlier::Same(answer) => {
                    return Ok(id_in(&answer).map_or(Replied::KeyReused, Replied::Queued));
                }
            }
            let Some(held) = hold(&mut transaction, conversation).await? else {
                return Ok(Replied::NoSuchConversation);
            };
            let last_message_at = last_message_at(&mut transaction, conversation).await?;
            let Some(last) = last_message_at.filter(|at| *at > message.window_opened_after) else {
                return Ok(Replied::WindowClosed { last_message_at });
            };
            take_over(&mut transaction, clock, conversation, &held).await?;
            queue(&mut transaction, conversation, &held, message, last).await?;
            let answer = Answer {
                status: 202,
                body: serde_json::json!({ "id": message.id }),
            };
            idempotency::remember(&mut transaction, message.once, &answer, clock.now()).await?;
            transaction.commit().await?;
            Ok(Replied::Queued(message.id))
        })
        .await;
        call.end(outcome)
    }

    /// Gives a conversation back to the bot. `false` when it was the bot's or does not exist.
    pub async fn resolve_handoff(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        let mut call = self.call("give a conversation back").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let changed = sqlx::query(
                "UPDATE conversations SET owner = 'bot', returned_at = puisano_now() WHERE id = $1 AND owner <> 'bot'",
            )
            .bind(conversation)
            .execute(&mut *transaction)
            .await?;
            sqlx::query(
                "UPDATE handoffs SET resolved_at = puisano_now(), outcome = 'resolved'
                 WHERE conversation_id = $1 AND resolved_at IS NULL",
            )
            .bind(conversation)
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            Ok(changed.rows_affected() > 0)
        })
        .await;
        call.end(outcome)
    }
}

fn id_in(answer: &Answer) -> Option<OutboxId> {
    serde_json::from_value(answer.body["id"].clone()).ok()
}

const OPEN_HANDOFFS: &str = "
SELECT c.id, c.owner, h.team, h.priority, h.reason, h.note, h.waiting_since, k.name,
       coalesce(address.value, '') AS address, coalesce(last.content, '') AS last_text
FROM handoffs h
JOIN conversations c ON c.id = h.conversation_id
JOIN contacts k ON k.id = c.contact_id
LEFT JOIN LATERAL (
    SELECT i.value FROM contact_identifiers i
    WHERE i.contact_id = c.contact_id AND i.kind <> 'parent_user_id' ORDER BY i.kind LIMIT 1) address ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN m.revoked_at IS NULL THEN m.content ELSE '' END AS content
    FROM messages m
    WHERE m.conversation_id = c.id AND m.author = 'contact'
      AND m.message_type NOT IN ('reaction', 'edit', 'revoke')
    ORDER BY m.id DESC LIMIT 1) last ON true
WHERE h.resolved_at IS NULL
ORDER BY h.waiting_since
LIMIT $1";

fn handoff_of(row: &PgRow) -> Result<OpenHandoff, sqlx::Error> {
    Ok(OpenHandoff {
        conversation: row.try_get("id")?,
        owner: row.try_get("owner")?,
        team: row.try_get("team")?,
        priority: row.try_get("priority")?,
        reason: row.try_get("reason")?,
        note: row.try_get("note")?,
        waiting_since: to_jiff(row.try_get("waiting_since")?),
        contact_name: row.try_get("name")?,
        contact_address: row.try_get("address")?,
        last_text: row.try_get("last_text")?,
    })
}

/// A conversation whose row is locked, as everyone does who puts something into its outbox.
struct Held {
    contact: ContactId,
    phone_number_id: PhoneNumberId,
    origin: Origin,
    owner: Owner,
    epoch: i64,
    outbox_seq: i64,
    address: String,
}

async fn hold(
    db: &mut PgConnection,
    conversation: ConversationId,
) -> Result<Option<Held>, sqlx::Error> {
    let row = sqlx::query(
        "SELECT c.contact_id, c.phone_number_id, c.origin, c.owner, c.epoch, c.outbox_seq, coalesce((
             SELECT i.value FROM contact_identifiers i
             WHERE i.contact_id = c.contact_id AND i.kind <> 'parent_user_id' ORDER BY i.kind LIMIT 1), '') AS address
         FROM conversations c WHERE c.id = $1 FOR NO KEY UPDATE OF c",
    )
    .bind(conversation)
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Held {
            contact: row.try_get("contact_id")?,
            phone_number_id: row.try_get("phone_number_id")?,
            origin: row.try_get("origin")?,
            owner: row.try_get("owner")?,
            epoch: row.try_get("epoch")?,
            outbox_seq: row.try_get("outbox_seq")?,
            address: row.try_get("address")?,
        })
    })
    .transpose()
}

async fn last_message_at(
    db: &mut PgConnection,
    conversation: ConversationId,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let at: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar(
        "SELECT max(sent_at) FROM messages WHERE conversation_id = $1 AND author = 'contact'",
    )
    .bind(conversation)
    .fetch_one(db)
    .await?;
    Ok(at.map(to_jiff))
}

/// Makes the conversation a person's. What the bot had queued is not sent any more.
async fn take_over(
    db: &mut PgConnection,
    clock: &Clock,
    conversation: ConversationId,
    held: &Held,
) -> Result<(), sqlx::Error> {
    if held.owner == Owner::Person {
        return Ok(());
    }
    sqlx::query("UPDATE conversations SET owner = $2, epoch = epoch + 1 WHERE id = $1")
        .bind(conversation)
        .bind(owner_name(Owner::Person))
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO handoffs AS h (conversation_id, id, team, priority, reason, waiting_since, taken_at)
         SELECT $1, $2, coalesce((SELECT team FROM handoffs WHERE conversation_id = $1 ORDER BY waiting_since DESC LIMIT 1), ''),
                'normal', 'Staff wrote first.', puisano_now(), puisano_now()
         ON CONFLICT (conversation_id) WHERE resolved_at IS NULL DO UPDATE SET taken_at = coalesce(h.taken_at, excluded.taken_at)",
    )
    .bind(conversation)
    .bind(clock.new_id())
    .execute(db)
    .await
    .map(drop)
}

async fn queue(
    db: &mut PgConnection,
    conversation: ConversationId,
    held: &Held,
    message: &StaffMessage<'_>,
    last_message_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let epoch = if held.owner == Owner::Person {
        held.epoch
    } else {
        held.epoch + 1
    };
    sqlx::query_scalar::<_, Uuid>(
        "WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
         counted AS (UPDATE conversations SET outbox_seq = outbox_seq + 1 WHERE id = $1),
         queued AS (
             INSERT INTO outbox (conversation_id, id, seq, tag, contact_id, phone_number_id, author, epoch, content, state,
                                 due_at, expires_at, created_at, class)
             SELECT $1, $2, $3, $4, $5, $6, 'staff', $7, $8::jsonb, 'pending', now,
                    $9 + make_interval(secs => $10), now, 'staff' FROM clock
         ),
         said AS (
             INSERT INTO messages (conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender,
                                   recipient, message_type, content, raw, sent_at, received_at, status)
             SELECT $1, $2, $5, $6, $11, 'outbound', 'staff', $6, $12, 'text', $13, $8::json, now, now, 'queued' FROM clock
         )
         INSERT INTO lanes AS l (conversation_id, epoch, ready_at)
         SELECT $1, $7, now FROM clock
         ON CONFLICT (conversation_id) DO UPDATE SET epoch = excluded.epoch, ready_at = least(l.ready_at, excluded.ready_at)
         RETURNING conversation_id",
    )
    .bind(conversation)
    .bind(message.id)
    .bind(held.outbox_seq + 1)
    .bind(message.tag.cast_signed())
    .bind(held.contact)
    .bind(&held.phone_number_id)
    .bind(epoch)
    .bind(&message.content)
    .bind(to_sql(last_message_at))
    .bind(message.window_seconds)
    .bind(super::contacts::origin_name(held.origin))
    .bind(&held.address)
    .bind(super::messages::storable_text(message.text))
    .fetch_one(db)
    .await
    .map(drop)
}
