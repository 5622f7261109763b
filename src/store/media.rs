//! Files as rows, and the queue of files that customers sent.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Store, StoreError, call, to_jiff, to_sql};
use crate::clock::Clock;
use crate::model::{ContactId, ConversationId, MessageId, PhoneNumberId};

/// A file in the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MediaFile {
    /// A contact's id, or `shared`.
    pub owner: String,
    /// SHA-256 in hex.
    pub hash: String,
    pub mime: String,
    pub bytes: u64,
    /// As its sender called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// The file of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageMedia {
    /// `owner/hash`, by which it can be had; none while it is not here.
    pub id: Option<String>,
    pub mime: Option<String>,
    pub bytes: Option<u64>,
    pub filename: Option<String>,
    /// `pending`, `stored` or `failed`.
    pub state: String,
}

/// A file of ours that WhatsApp is to be given, by whoever holds it for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaUpload {
    pub file: MediaFile,
    /// For the messages of this number.
    pub phone_number_id: PhoneNumberId,
    /// This one counted.
    pub attempts: u16,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uploaded {
    /// WhatsApp has it under this id.
    There {
        id: String,
        until: Timestamp,
    },
    Later {
        due_at: Timestamp,
        failure: String,
    },
    /// The messages with it are rejected.
    Failed {
        failure: String,
    },
}

/// A file that a customer sent, to be fetched by whoever holds it for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaFetch {
    pub conversation: ConversationId,
    pub message: MessageId,
    pub contact: ContactId,
    pub phone_number_id: PhoneNumberId,
    pub media_id: String,
    pub filename: Option<String>,
    pub received_at: Timestamp,
    /// This one counted.
    pub attempts: u16,
}

/// What became of a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    Stored { hash: String },
    Later { due_at: Timestamp, failure: String },
    Failed { failure: String },
}

impl Store {
    /// Writes a file down; the name it was given first stays.
    pub async fn put_media_file(&self, clock: &Clock, file: &MediaFile) -> Result<(), StoreError> {
        let mut call = self.call("write a file down").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "INSERT INTO media_files AS f (owner, hash, mime, bytes, filename, stored_at)
                 VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (owner, hash) DO UPDATE SET filename = coalesce(f.filename, excluded.filename)",
            )
            .bind(&file.owner)
            .bind(&file.hash)
            .bind(&file.mime)
            .bind(i64::try_from(file.bytes).unwrap_or(i64::MAX))
            .bind(&file.filename)
            .bind(to_sql(clock.now()))
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }

    pub async fn media_file(
        &self,
        owner: &str,
        hash: &str,
    ) -> Result<Option<MediaFile>, StoreError> {
        let mut call = self.call("look a file up").await?;
        let outcome = call::deadline(async {
            let row = sqlx::query(
                "SELECT owner, hash, mime, bytes, filename FROM media_files WHERE owner = $1 AND hash = $2",
            )
            .bind(owner)
            .bind(hash)
            .fetch_optional(call.db())
            .await?;
            row.as_ref().map(file_of).transpose()
        })
        .await;
        call.end(outcome)
    }

    /// Takes up to `fetches_max` files that are due, for `lease`: whoever does not report by then leaves them to others.
    pub async fn claim_media_fetches(
        &self,
        fetches_max: i64,
        lease: SignedDuration,
    ) -> Result<Vec<MediaFetch>, StoreError> {
        let mut call = self.call("look for files to fetch").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(
                "WITH due AS (
                     SELECT conversation_id, message_id FROM media_fetches
                     WHERE state = 'pending' AND due_at <= puisano_now()
                     ORDER BY due_at LIMIT $1
                     FOR UPDATE SKIP LOCKED)
                 UPDATE media_fetches f
                 SET due_at = puisano_now() + $2 * interval '1 second', attempts = f.attempts + 1
                 FROM due
                 JOIN messages m ON m.conversation_id = due.conversation_id AND m.id = due.message_id
                 WHERE f.conversation_id = due.conversation_id AND f.message_id = due.message_id
                 RETURNING f.conversation_id, f.message_id, f.contact_id, f.phone_number_id, f.media_id, f.attempts,
                           m.received_at, m.raw -> 'document' ->> 'filename' AS filename",
            )
            .bind(fetches_max)
            .bind(lease.as_secs())
            .fetch_all(call.db())
            .await?;
            rows.iter().map(fetch_of).collect()
        })
        .await;
        call.end(outcome)
    }

    pub async fn finish_media_fetch(
        &self,
        fetch: &MediaFetch,
        fetched: &Fetched,
    ) -> Result<(), StoreError> {
        let (state, hash, failure, due_at) = match fetched {
            Fetched::Stored { hash } => ("stored", Some(hash), None, None),
            Fetched::Later { due_at, failure } => ("pending", None, Some(failure), Some(*due_at)),
            Fetched::Failed { failure } => ("failed", None, Some(failure), None),
        };
        let mut call = self.call("write what became of a file").await?;
        let outcome = call::deadline(async {
            // Whoever took it up after our time was over has another number of attempts.
            sqlx::query(
                "UPDATE media_fetches SET state = $3, hash = $4, failure = $5, due_at = coalesce($6, due_at)
                 WHERE conversation_id = $1 AND message_id = $2 AND attempts = $7 AND state = 'pending'",
            )
            .bind(fetch.conversation)
            .bind(fetch.message)
            .bind(state)
            .bind(hash)
            .bind(failure)
            .bind(due_at.map(to_sql))
            .bind(i16::try_from(fetch.attempts).unwrap_or(i16::MAX))
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }
}

/// What `message_media` says of a message.
pub(super) fn media_of(row: &PgRow) -> Result<Option<MessageMedia>, sqlx::Error> {
    let media: Option<sqlx::types::Json<MessageMedia>> = row.try_get("media")?;
    Ok(media.map(|media| media.0))
}

fn file_of(row: &PgRow) -> Result<MediaFile, sqlx::Error> {
    Ok(MediaFile {
        owner: row.try_get("owner")?,
        hash: row.try_get("hash")?,
        mime: row.try_get("mime")?,
        bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
        filename: row.try_get("filename")?,
    })
}

fn fetch_of(row: &PgRow) -> Result<MediaFetch, sqlx::Error> {
    Ok(MediaFetch {
        conversation: row.try_get("conversation_id")?,
        message: row.try_get("message_id")?,
        contact: row.try_get("contact_id")?,
        phone_number_id: row.try_get("phone_number_id")?,
        media_id: row.try_get("media_id")?,
        filename: row.try_get("filename")?,
        received_at: to_jiff(row.try_get("received_at")?),
        attempts: u16::try_from(row.try_get::<i16, _>("attempts")?).unwrap_or(u16::MAX),
    })
}
