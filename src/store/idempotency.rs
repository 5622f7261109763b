//! Repeated requests: the first answer is given again, in the same transaction that would do the work.

use sqlx::{Connection, PgConnection, Row};

use super::{Store, StoreError, call, to_sql};
use crate::model::ApiKeyId;

/// A request that its caller may repeat.
#[derive(Clone, Debug)]
pub struct Once {
    pub api_key: ApiKeyId,
    /// The caller's `Idempotency-Key`; 1 to 255 characters.
    pub key: String,
    /// SHA-256 over method, path and body.
    pub request_hash: [u8; 32],
}

/// What a caller was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub body: serde_json::Value,
}

/// What became of a request with the same key.
#[derive(Clone, Debug, PartialEq)]
pub enum Earlier {
    Never,
    /// The same request: this was its answer.
    Same(Answer),
    /// Another request under the same key.
    Other,
}

/// How long an answer is given again.
const KEPT_HOURS: i32 = 7 * 24;

impl Store {
    /// What became of `once`, for work that may be done twice without harm.
    pub async fn earlier_answer(&self, once: &Once) -> Result<Earlier, StoreError> {
        let mut call = self.call("look for an earlier answer").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let found = earlier(&mut transaction, Some(once)).await?;
            transaction.commit().await?;
            Ok(found)
        })
        .await;
        call.end(outcome)
    }

    /// Remembers an answer, for work that may be done twice without harm.
    pub async fn remember_answer(
        &self,
        once: &Once,
        answer: &Answer,
        now: jiff::Timestamp,
    ) -> Result<(), StoreError> {
        let mut call = self.call("remember an answer").await?;
        let outcome = call::deadline(remember(call.db(), Some(once), answer, now)).await;
        match call.end(outcome) {
            // The same request at the same time was first, with the same answer.
            Err(error) if error.is_conflict() => Ok(()),
            other => other,
        }
    }

    /// Forgets answers that are not given again any more.
    pub async fn forget_old_answers(&self) -> Result<(), StoreError> {
        let mut call = self.call("forget old answers").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "DELETE FROM idempotency_keys WHERE created_at < puisano_now() - make_interval(hours => $1)",
            )
            .bind(KEPT_HOURS)
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }
}

/// Asks whether `once` was answered before, and keeps others with the same key waiting until the transaction ends.
pub(super) async fn earlier(
    db: &mut PgConnection,
    once: Option<&Once>,
) -> Result<Earlier, sqlx::Error> {
    let Some(once) = once else {
        return Ok(Earlier::Never);
    };
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text || $2, 0))")
        .bind(once.api_key.to_string())
        .bind(&once.key)
        .execute(&mut *db)
        .await?;
    let row = sqlx::query(
        "SELECT request_hash, status, body FROM idempotency_keys WHERE api_key_id = $1 AND key = $2",
    )
    .bind(once.api_key)
    .bind(&once.key)
    .fetch_optional(db)
    .await?;
    let Some(row) = row else {
        return Ok(Earlier::Never);
    };
    let same = row.try_get::<&[u8], _>("request_hash")? == once.request_hash;
    Ok(if same {
        Earlier::Same(Answer {
            status: u16::try_from(row.try_get::<i16, _>("status")?).unwrap_or(500),
            body: row.try_get("body")?,
        })
    } else {
        Earlier::Other
    })
}

/// Remembers the answer to `once`.
pub(super) async fn remember(
    db: &mut PgConnection,
    once: Option<&Once>,
    answer: &Answer,
    now: jiff::Timestamp,
) -> Result<(), sqlx::Error> {
    let Some(once) = once else { return Ok(()) };
    sqlx::query(
        "INSERT INTO idempotency_keys (api_key_id, key, request_hash, status, body, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(once.api_key)
    .bind(&once.key)
    .bind(once.request_hash.as_slice())
    .bind(i16::try_from(answer.status).unwrap_or(i16::MAX))
    .bind(&answer.body)
    .bind(to_sql(now))
    .execute(db)
    .await
    .map(drop)
}
