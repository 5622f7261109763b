//! One message of any kind to one person, and what became of any message.

use jiff::Timestamp;
use puisano_engine::Consent;
use serde_json::{Value, json};
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::people::{House, contact_at, open_conversations, persons};
use super::{NewNotice, put_notices, random_tag};
use crate::clock::Clock;
use crate::model::{
    Address, Class, ContactId, ConversationId, OnUnknown, Origin, OutboxId, OutgoingContent,
    PhoneNumberId, Wamid,
};
use crate::store::idempotency::{Answer, Earlier, Once, earlier, remember};
use crate::store::media::{MessageMedia, media_of};
use crate::store::{Store, StoreError, Topic, call, to_jiff};

/// How often queueing is tried when another writer is in the way.
const TRIES_MAX: u32 = 4;
/// Statuses of one message in an answer.
const EVENTS_MAX: i64 = 100;

/// One message to one person.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub to: Address,
    pub content: OutgoingContent,
    /// Our id, or WhatsApp's, of the message that is quoted.
    pub quotes: Option<String>,
    pub critical: bool,
    pub phone_number_id: PhoneNumberId,
    pub origin: Origin,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Queued {
    /// This, or its first occurrence, was accepted.
    Answer(Answer),
    OtherRequest,
    NoSuchContact,
    NoSuchQuote,
    /// The file is somebody else's.
    NoSuchFile,
    /// There is neither a phone number nor a user id.
    NoAddress,
}

/// A message with its history.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMessage {
    pub id: OutboxId,
    pub wamid: Option<Wamid>,
    pub direction: String,
    pub message_type: String,
    /// As the record has it: `queued`, `sent`, `delivered` …
    pub status: String,
    pub status_at: Option<Timestamp>,
    pub sent_at: Timestamp,
    pub errors: Option<Value>,
    pub outbox_state: Option<String>,
    pub waits_for: Option<String>,
    pub failure: Option<String>,
    pub failure_code: Option<i64>,
    pub notification: Option<Uuid>,
    pub media: Option<MessageMedia>,
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub status: String,
    pub at: Timestamp,
    pub errors: Option<Value>,
}

impl Store {
    /// Queues `new`, unless `once` says that this was done before.
    pub async fn queue_message(
        &self,
        clock: &Clock,
        once: Option<&Once>,
        new: &NewMessage,
    ) -> Result<Queued, StoreError> {
        let mut tries = 1;
        loop {
            match self.try_queue(clock, once, new).await {
                Err(error) if error.is_conflict() && tries < TRIES_MAX => tries += 1,
                result => {
                    self.wake(Topic::Notices);
                    return result;
                }
            }
        }
    }

    async fn try_queue(
        &self,
        clock: &Clock,
        once: Option<&Once>,
        new: &NewMessage,
    ) -> Result<Queued, StoreError> {
        let mut call = self.call("queue a message").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let db = &mut *transaction;
            match earlier(db, once).await? {
                Earlier::Same(answer) => return Ok(Queued::Answer(answer)),
                Earlier::Other => return Ok(Queued::OtherRequest),
                Earlier::Never => {}
            }
            let notice = match notice(db, clock, new).await? {
                Ok(notice) => notice,
                Err(refused) => return Ok(refused),
            };
            put_notices(db, std::slice::from_ref(&notice)).await?;
            let answer = Answer {
                status: 202,
                body: json!({ "id": notice.id, "state": "accepted" }),
            };
            remember(db, once, &answer, clock.now()).await?;
            transaction.commit().await?;
            Ok(Queued::Answer(answer))
        })
        .await;
        call.end(outcome)
    }

    /// A message by our id or WhatsApp's.
    pub async fn message_by(&self, id: &str) -> Result<Option<StoredMessage>, StoreError> {
        let mut call = self.call("read a message").await?;
        let outcome = call::deadline(async {
            let Some(row) = sqlx::query(MESSAGE)
                .bind(Uuid::try_parse(id).ok())
                .bind(id)
                .fetch_optional(call.db())
                .await?
            else {
                return Ok(None);
            };
            let events = sqlx::query(
                "SELECT status, at, errors FROM status_events
                 WHERE conversation_id = $1 AND message_id = $2 ORDER BY at, received_at LIMIT $3",
            )
            .bind(row.try_get::<Uuid, _>("conversation_id")?)
            .bind(row.try_get::<Uuid, _>("id")?)
            .bind(EVENTS_MAX)
            .fetch_all(call.db())
            .await?;
            Ok(Some(message_of(&row, &events)?))
        })
        .await;
        call.end(outcome)
    }
}

/// The item that `new` makes, or why there is none.
async fn notice(
    db: &mut PgConnection,
    clock: &Clock,
    new: &NewMessage,
) -> Result<Result<NewNotice, Queued>, sqlx::Error> {
    let house = House {
        clock,
        phone_number_id: &new.phone_number_id,
        origin: new.origin,
    };
    let Some(contact) = contact_at(db, &new.to, house).await? else {
        return Ok(Err(Queued::NoSuchContact));
    };
    open_conversations(db, &[contact.0], house).await?;
    let known = persons(db, &[(contact.0, None)], Consent::Account, house).await?;
    let Some(conversation) = known
        .get(&contact.0)
        .filter(|person| person.has_address)
        .and_then(|person| person.conversation)
    else {
        return Ok(Err(Queued::NoAddress));
    };
    if new
        .content
        .stored_file()
        .is_some_and(|file| !is_for(file, contact))
    {
        return Ok(Err(Queued::NoSuchFile));
    }
    let (mut content, mut reply_to) = (new.content.clone(), None);
    if let Some(id) = &new.quotes {
        let Some(wamid) = quoted(db, conversation, id).await? else {
            return Ok(Err(Queued::NoSuchQuote));
        };
        match &mut content {
            OutgoingContent::Reaction { wamid: about, .. } => *about = wamid,
            _ => reply_to = Some(wamid),
        }
    }
    Ok(Ok(NewNotice {
        id: OutboxId(clock.new_id()),
        tag: random_tag(),
        conversation,
        contact,
        class: Class::Notification,
        category: Consent::Account,
        critical: new.critical,
        on_unknown: OnUnknown::Hold,
        notification: None,
        template: None,
        account: None,
        message_type: content.type_name(),
        text: content.text().to_owned(),
        content,
        reply_to,
        due_at: new.due_at,
        expires_at: new.expires_at,
    }))
}

/// What one contact sent or got goes to nobody else.
fn is_for(file: &str, contact: ContactId) -> bool {
    let owner = file.split_once('/').map(|(owner, _)| owner);
    owner.is_some_and(|owner| owner == "shared" || owner == contact.to_string())
}

/// WhatsApp's id of a message of this conversation.
async fn quoted(
    db: &mut PgConnection,
    conversation: ConversationId,
    id: &str,
) -> Result<Option<Wamid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT wamid FROM messages
         WHERE conversation_id = $1 AND (id = $2 OR wamid = $3) AND wamid IS NOT NULL LIMIT 1",
    )
    .bind(conversation)
    .bind(Uuid::try_parse(id).ok())
    .bind(id)
    .fetch_optional(db)
    .await
}

/// Messages are kept by conversation, so the way to one leads through what knows the conversation of an id.
const MESSAGE: &str = "
WITH place AS (
    SELECT conversation_id, message_id FROM outbound_keys WHERE wamid = $2
    UNION ALL
    SELECT conversation_id, message_id FROM inbound_keys WHERE wamid = $2
    UNION ALL
    SELECT conversation_id, id FROM messages WHERE id = $1 AND author IN ('system', 'staff')
    LIMIT 1
)
SELECT m.conversation_id, m.id, m.wamid, m.direction, m.message_type, m.status, m.status_at, m.sent_at, m.errors,
       o.state AS outbox_state, o.waits_for, o.failure, o.failure_code, o.notification_id,
       CASE WHEN m.revoked_at IS NULL THEN message_media(m.conversation_id, m.id) END AS media
FROM place p
JOIN messages m ON m.conversation_id = p.conversation_id AND m.id = p.message_id
LEFT JOIN outbox o ON o.conversation_id = m.conversation_id AND o.id = m.id";

fn message_of(row: &PgRow, events: &[PgRow]) -> Result<StoredMessage, sqlx::Error> {
    let optional = |at: Option<jiff_sqlx::Timestamp>| at.map(to_jiff);
    Ok(StoredMessage {
        id: row.try_get("id")?,
        wamid: row.try_get("wamid")?,
        direction: row.try_get("direction")?,
        message_type: row.try_get("message_type")?,
        status: row.try_get("status")?,
        status_at: optional(row.try_get("status_at")?),
        sent_at: to_jiff(row.try_get("sent_at")?),
        errors: row.try_get("errors")?,
        outbox_state: row.try_get("outbox_state")?,
        waits_for: row.try_get("waits_for")?,
        failure: row.try_get("failure")?,
        failure_code: row.try_get("failure_code")?,
        notification: row.try_get("notification_id")?,
        media: media_of(row)?,
        events: events
            .iter()
            .map(|row| {
                Ok(Event {
                    status: row.try_get("status")?,
                    at: to_jiff(row.try_get("at")?),
                    errors: row.try_get("errors")?,
                })
            })
            .collect::<Result<_, sqlx::Error>>()?,
    })
}
