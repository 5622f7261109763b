//! Files of ours on their way to WhatsApp: which ones items of the outbox wait for, and what became of each.

use jiff::SignedDuration;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};

use super::media::{MediaFile, MediaUpload, Uploaded};
use super::messages::storable_text;
use super::{Store, StoreError, Topic, call, to_sql};
use crate::model::{PhoneNumberId, StatusError};

/// Waiting items that are looked at together.
const LOOK_MAX: i64 = 256;

impl Store {
    /// Takes up to `uploads_max` files that items wait for, for `lease`: whoever does not report by then leaves them to
    /// others.
    pub async fn claim_media_uploads(
        &self,
        uploads_max: i64,
        lease: SignedDuration,
    ) -> Result<Vec<MediaUpload>, StoreError> {
        let mut call = self.call("look for files to upload").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(
                "WITH waiting AS MATERIALIZED (
                     SELECT DISTINCT ON (owner, hash) owner, hash, phone_number_id FROM (
                         SELECT split_part(o.content #>> '{source,stored}', '/', 1) AS owner,
                                split_part(o.content #>> '{source,stored}', '/', 2) AS hash, o.phone_number_id
                         FROM outbox o WHERE o.state = 'pending' AND o.waits_for = 'upload'
                         ORDER BY o.due_at LIMIT $3) oldest),
                 due AS (
                     SELECT f.owner, f.hash, w.phone_number_id FROM waiting w
                     JOIN media_files f ON f.owner = w.owner AND f.hash = w.hash
                     WHERE f.upload_due_at <= puisano_now()
                       AND NOT coalesce(f.uploaded_until > puisano_now() AND f.uploaded_for = w.phone_number_id, false)
                     LIMIT $1
                     FOR UPDATE OF f SKIP LOCKED)
                 UPDATE media_files f
                 SET upload_due_at = puisano_now() + $2 * interval '1 second', upload_attempts = f.upload_attempts + 1
                 FROM due WHERE f.owner = due.owner AND f.hash = due.hash
                 RETURNING f.owner, f.hash, f.mime, f.bytes, f.filename, f.upload_attempts, due.phone_number_id",
            )
            .bind(uploads_max)
            .bind(lease.as_secs())
            .bind(LOOK_MAX)
            .fetch_all(call.db())
            .await?;
            rows.iter().map(upload_of).collect()
        })
        .await;
        call.end(outcome)
    }

    /// Writes what became of an upload; items that waited for it go on, or are rejected.
    pub async fn finish_media_upload(
        &self,
        upload: &MediaUpload,
        uploaded: &Uploaded,
    ) -> Result<(), StoreError> {
        let mut call = self.call("write what became of an upload").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            if write(&mut transaction, upload, uploaded).await? {
                tell(&mut transaction, upload, uploaded).await?;
            }
            transaction.commit().await
        })
        .await;
        call.end(outcome)?;
        self.wake(Topic::Notices);
        Ok(())
    }
}

/// Whether it was still ours to say.
async fn write(
    db: &mut PgConnection,
    upload: &MediaUpload,
    uploaded: &Uploaded,
) -> Result<bool, sqlx::Error> {
    let (id, until, due_at) = match uploaded {
        Uploaded::There { id, until } => (Some(id), Some(*until), None),
        Uploaded::Later { due_at, .. } => (None, None, Some(*due_at)),
        Uploaded::Failed { .. } => (None, None, None),
    };
    // Whoever took it up after our time was over has another number of attempts.
    let changed = sqlx::query(
        "UPDATE media_files
         SET uploaded_id = coalesce($4, uploaded_id), uploaded_until = coalesce($5, uploaded_until),
             uploaded_for = CASE WHEN $4 IS NULL THEN uploaded_for ELSE $6 END,
             upload_due_at = coalesce($7, '-infinity'),
             upload_attempts = CASE WHEN $7 IS NULL THEN 0 ELSE upload_attempts END
         WHERE owner = $1 AND hash = $2 AND upload_attempts = $3",
    )
    .bind(&upload.file.owner)
    .bind(&upload.file.hash)
    .bind(i16::try_from(upload.attempts).unwrap_or(i16::MAX))
    .bind(id)
    .bind(until.map(to_sql))
    .bind(&upload.phone_number_id)
    .bind(due_at.map(to_sql))
    .execute(db)
    .await?;
    Ok(changed.rows_affected() > 0)
}

/// Lets the items know that wait for the file.
async fn tell(
    db: &mut PgConnection,
    upload: &MediaUpload,
    uploaded: &Uploaded,
) -> Result<(), sqlx::Error> {
    let (state, failure) = match uploaded {
        Uploaded::There { .. } => ("there", None),
        Uploaded::Later { failure, .. } => ("later", Some(storable_text(failure))),
        Uploaded::Failed { failure } => ("failed", Some(storable_text(failure))),
    };
    let error = failure.clone().map(|title| StatusError {
        code: 0,
        title,
        details: String::new(),
    });
    sqlx::query(
        "WITH changed AS (
             UPDATE outbox o
             SET state = CASE $4 WHEN 'failed' THEN 'rejected' ELSE o.state END,
                 due_at = CASE $4 WHEN 'there' THEN puisano_now() ELSE o.due_at END,
                 finished_at = CASE $4 WHEN 'failed' THEN puisano_now() END,
                 waits_for = CASE $4 WHEN 'failed' THEN NULL ELSE o.waits_for END,
                 failure = $5
             WHERE o.state = 'pending' AND o.waits_for = 'upload' AND o.phone_number_id = $3
               AND o.content #>> '{source,stored}' = $1 || '/' || $2
             RETURNING o.conversation_id, o.id)
         UPDATE messages m SET status = 'failed', status_rank = 2, status_at = puisano_now(), errors = $6
         FROM changed c
         WHERE $4 = 'failed' AND m.conversation_id = c.conversation_id AND m.id = c.id AND m.status_rank < 2",
    )
    .bind(&upload.file.owner)
    .bind(&upload.file.hash)
    .bind(&upload.phone_number_id)
    .bind(state)
    .bind(failure)
    .bind(error.map(|error| sqlx::types::Json([error])))
    .execute(db)
    .await
    .map(drop)
}

fn upload_of(row: &PgRow) -> Result<MediaUpload, sqlx::Error> {
    Ok(MediaUpload {
        file: MediaFile {
            owner: row.try_get("owner")?,
            hash: row.try_get("hash")?,
            mime: row.try_get("mime")?,
            bytes: u64::try_from(row.try_get::<i64, _>("bytes")?).unwrap_or(0),
            filename: row.try_get("filename")?,
        },
        phone_number_id: row.try_get::<PhoneNumberId, _>("phone_number_id")?,
        attempts: u16::try_from(row.try_get::<i16, _>("upload_attempts")?).unwrap_or(u16::MAX),
    })
}
