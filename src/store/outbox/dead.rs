//! What is not sent, for people: what was refused, what nobody knows about, what waits and for what; and trying again.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{Connection, Row};

use crate::model::{Class, ConversationId, OutboxId, OutboxState, Wamid};
use crate::store::{Store, StoreError, Topic, call, to_jiff};

/// An item that stays in the outbox, or ended there.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    pub conversation: ConversationId,
    pub id: OutboxId,
    pub class: Class,
    pub state: OutboxState,
    /// Why it waits although it is due.
    pub waits_for: Option<String>,
    pub template: Option<String>,
    pub text: String,
    pub wamid: Option<Wamid>,
    pub attempts: i16,
    pub failure_code: Option<i64>,
    pub failure: Option<String>,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// Which items are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dead {
    /// Held and rejected ones.
    All,
    Held,
    Rejected,
    /// Still being listened for.
    Unknown,
    /// Not sent yet, and kept from it by something.
    Waiting,
}

/// A status of the message that an item makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemStatus {
    pub status: String,
    pub at: Timestamp,
}

/// What became of trying again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replayed {
    Queued,
    /// It is not held and was not refused: it was sent, or will be.
    NotDead(OutboxState),
    /// The customer's window is over.
    TooLate,
    NoSuchItem,
}

/// Items with `$rest` behind: SQL is put together when the program is built, or not at all.
macro_rules! letters {
    ($rest:literal) => {
        concat!(
            "SELECT o.conversation_id, o.id, o.class, o.state, o.waits_for, o.template, o.wamid, o.attempt, ",
            "o.failure_code, o.failure, o.created_at, o.due_at, o.expires_at, o.finished_at, ",
            "coalesce(m.content, '') AS text ",
            "FROM outbox o LEFT JOIN messages m ON m.conversation_id = o.conversation_id AND m.id = o.id WHERE ",
            $rest
        )
    };
}

/// States are written out, so that the small indexes of unfinished and dead items serve.
fn list_of(which: Dead) -> &'static str {
    match which {
        Dead::All => letters!(
            "o.state IN ('held', 'rejected') AND ($1 IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2"
        ),
        Dead::Held => letters!(
            "o.state IN ('held', 'rejected') AND o.state = 'held' AND ($1 IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2"
        ),
        Dead::Rejected => letters!(
            "o.state IN ('held', 'rejected') AND o.state = 'rejected' AND ($1 IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2"
        ),
        Dead::Unknown => {
            letters!("o.state = 'unknown' AND ($1 IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2")
        }
        Dead::Waiting => letters!(
            "o.state = 'pending' AND (o.waits_for IS NOT NULL OR o.due_at <= puisano_now() OR o.tries > 0)
             AND ($1 IS NULL OR o.id > $1) ORDER BY o.id LIMIT $2"
        ),
    }
}

impl Store {
    /// Items that did not go out, by id, after `after`.
    pub async fn dead_letters(
        &self,
        which: Dead,
        after: Option<OutboxId>,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let mut call = self.call("list what was not sent").await?;
        let outcome = call::deadline(async {
            sqlx::query(list_of(which))
                .bind(after)
                .bind(limit)
                .fetch_all(call.db())
                .await?
                .iter()
                .map(letter_of)
                .collect()
        })
        .await;
        call.end(outcome)
    }

    /// One item, with the statuses of its message in their order.
    pub async fn outbox_item(
        &self,
        id: OutboxId,
    ) -> Result<Option<(DeadLetter, Vec<ItemStatus>)>, StoreError> {
        let mut call = self.call("read an item of the outbox").await?;
        let outcome = call::deadline(async {
            let row = sqlx::query(letters!("o.id = $1"))
                .bind(id)
                .fetch_optional(call.db())
                .await?;
            let Some(letter) = row.as_ref().map(letter_of).transpose()? else {
                return Ok(None);
            };
            let statuses = sqlx::query(
                "SELECT status, at FROM status_events WHERE conversation_id = $1 AND message_id = $2 ORDER BY at",
            )
            .bind(letter.conversation)
            .bind(id)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(|row| {
                Ok(ItemStatus {
                    status: row.try_get("status")?,
                    at: to_jiff(row.try_get("at")?),
                })
            })
            .collect::<Result<_, sqlx::Error>>()?;
            Ok(Some((letter, statuses)))
        })
        .await;
        call.end(outcome)
    }

    /// Puts an item that is held or was refused into the outbox again, in its old place. What was sent is not sent again.
    pub async fn replay(&self, id: OutboxId) -> Result<Replayed, StoreError> {
        let mut call = self.call("send an item again").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let row = sqlx::query("SELECT conversation_id FROM outbox WHERE id = $1")
                .bind(id)
                .fetch_optional(&mut *transaction)
                .await?;
            let Some(row) = row else {
                return Ok(Replayed::NoSuchItem);
            };
            let conversation: ConversationId = row.try_get("conversation_id")?;
            // The lane first: then no sender looks past the item while it comes back.
            sqlx::query("SELECT FROM lanes WHERE conversation_id = $1 FOR UPDATE")
                .bind(conversation)
                .execute(&mut *transaction)
                .await?;
            let row = sqlx::query(REPLAY)
                .bind(conversation)
                .bind(id)
                .fetch_one(&mut *transaction)
                .await?;
            let replayed = if row.try_get("replayed")? {
                Replayed::Queued
            } else if row.try_get("too_late")? {
                Replayed::TooLate
            } else {
                Replayed::NotDead(row.try_get("state")?)
            };
            transaction.commit().await?;
            Ok(replayed)
        })
        .await;
        let replayed = call.end(outcome)?;
        self.wake(Topic::Outbox);
        self.wake(Topic::Notices);
        Ok(replayed)
    }
}

/// A held item keeps its tag: a status that comes late still tells that it was sent. A refused one that had an id gets a new
/// tag, because what is still told about the first message is not about the second. A notice may be sent for a day more.
const REPLAY: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
item AS MATERIALIZED (
    SELECT o.*, o.class IN ('notification', 'bulk') AS is_notice, clock.now,
           o.state IN ('held', 'rejected') AS is_dead
    FROM outbox o CROSS JOIN clock WHERE o.conversation_id = $1 AND o.id = $2 FOR UPDATE OF o
),
changed AS (
    UPDATE outbox o
    SET state = 'pending', tries = 0, resent = false, due_at = i.now, finished_at = NULL, waits_for = NULL, wamid = NULL,
        tag = CASE WHEN i.wamid IS NULL THEN o.tag ELSE hashint8extended(o.tag, 1) END,
        expires_at = CASE WHEN i.is_notice THEN greatest(o.expires_at, i.now + interval '1 day') ELSE o.expires_at END
    FROM item i
    WHERE o.conversation_id = i.conversation_id AND o.id = i.id AND i.is_dead AND (i.is_notice OR i.expires_at > i.now)
    RETURNING o.conversation_id, o.id, i.phone_number_id, i.wamid AS old_wamid, i.is_notice, i.now
),
told AS (
    UPDATE messages m
    SET status = 'queued', status_rank = -1, status_at = NULL, wamid = NULL, errors = NULL
    FROM changed c WHERE m.conversation_id = c.conversation_id AND m.id = c.id
),
unkeyed AS (
    DELETE FROM outbound_keys k USING changed c WHERE k.phone_number_id = c.phone_number_id AND k.wamid = c.old_wamid
),
laned AS (
    UPDATE lanes l SET ready_at = least(l.ready_at, c.now)
    FROM changed c WHERE l.conversation_id = c.conversation_id AND NOT c.is_notice
)
SELECT EXISTS (SELECT FROM changed) AS replayed, state, is_dead AND NOT is_notice AND expires_at <= now AS too_late
FROM item";

fn letter_of(row: &PgRow) -> Result<DeadLetter, sqlx::Error> {
    let finished_at: Option<jiff_sqlx::Timestamp> = row.try_get("finished_at")?;
    Ok(DeadLetter {
        conversation: row.try_get("conversation_id")?,
        id: row.try_get("id")?,
        class: row.try_get("class")?,
        state: row.try_get("state")?,
        waits_for: row.try_get("waits_for")?,
        template: row.try_get("template")?,
        text: row.try_get("text")?,
        wamid: row.try_get("wamid")?,
        attempts: row.try_get("attempt")?,
        failure_code: row.try_get("failure_code")?,
        failure: row.try_get("failure")?,
        created_at: to_jiff(row.try_get("created_at")?),
        due_at: to_jiff(row.try_get("due_at")?),
        expires_at: to_jiff(row.try_get("expires_at")?),
        finished_at: finished_at.map(to_jiff),
    })
}
