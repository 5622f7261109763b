//! API keys by the hash of their text; the text itself is nowhere.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{Store, StoreError, call, to_jiff, to_sql};
use crate::model::ApiKeyId;

/// Keys in one answer.
const LIST_MAX: i64 = 1_000;
/// `last_used_at` is no more exact than this, so that a busy key does not make a write of every read.
const USED_EVERY_SECONDS: f64 = 60.0;

/// A key, as far as anybody but its holder may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The key's first characters.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub id: ApiKeyId,
    pub name: String,
    pub hash: [u8; 32],
    pub prefix: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

impl Store {
    /// `false`: a key of that name is in use.
    pub async fn create_api_key(&self, key: &NewApiKey) -> Result<bool, StoreError> {
        let mut call = self.call("create an API key").await?;
        let outcome = call::deadline(async {
            let created = sqlx::query(
                "INSERT INTO api_keys (id, name, hash, prefix, scopes, created_at, expires_at)
                 SELECT $1, $2, $3, $4, $5, clock.now, $6 FROM (SELECT puisano_now() AS now) clock
                 WHERE NOT EXISTS (SELECT FROM api_keys k WHERE k.name = $2 AND k.revoked_at IS NULL
                                   AND (k.expires_at IS NULL OR k.expires_at > clock.now))",
            )
            .bind(key.id)
            .bind(&key.name)
            .bind(key.hash.as_slice())
            .bind(&key.prefix)
            .bind(&key.scopes)
            .bind(key.expires_at.map(to_sql))
            .execute(call.db())
            .await?;
            Ok(created.rows_affected() > 0)
        })
        .await;
        call.end(outcome)
    }

    /// A new key in place of all that are called `key.name`, which go on until `old_until`. The new one has the scopes
    /// of the latest; `false` when there is none.
    pub async fn rotate_api_key(
        &self,
        key: &NewApiKey,
        old_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut call = self.call("rotate an API key").await?;
        let outcome = call::deadline(async {
            let created = sqlx::query(
                "WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
                 old AS (
                     SELECT k.id, k.scopes, k.created_at FROM api_keys k, clock
                     WHERE k.name = $2 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock.now)
                     FOR UPDATE OF k),
                 ended AS (
                     UPDATE api_keys k SET expires_at = least(k.expires_at, $6) FROM old WHERE k.id = old.id)
                 INSERT INTO api_keys (id, name, hash, prefix, scopes, created_at, expires_at)
                 SELECT $1, $2, $3, $4, old.scopes, clock.now, $5 FROM old, clock
                 ORDER BY old.created_at DESC LIMIT 1",
            )
            .bind(key.id)
            .bind(&key.name)
            .bind(key.hash.as_slice())
            .bind(&key.prefix)
            .bind(key.expires_at.map(to_sql))
            .bind(to_sql(old_until))
            .execute(call.db())
            .await?;
            Ok(created.rows_affected() > 0)
        })
        .await;
        call.end(outcome)
    }

    /// Every key, oldest first; also those that do not count any more.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>, StoreError> {
        let mut call = self.call("list API keys").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at
                 FROM api_keys ORDER BY id LIMIT $1",
            )
            .bind(LIST_MAX)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(key_of)
            .collect()
        })
        .await;
        call.end(outcome)
    }

    /// The key with that hash, if it counts now; it is noted that it was used.
    pub async fn use_api_key(&self, hash: &[u8; 32]) -> Result<Option<ApiKey>, StoreError> {
        let mut call = self.call("look an API key up").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
                 found AS MATERIALIZED (
                     SELECT k.* FROM api_keys k, clock
                     WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock.now)),
                 used AS (
                     UPDATE api_keys k SET last_used_at = clock.now FROM found, clock
                     WHERE k.id = found.id
                       AND (found.last_used_at IS NULL OR found.last_used_at < clock.now - make_interval(secs => $2)))
                 SELECT id, name, prefix, scopes, created_at, last_used_at, expires_at, revoked_at FROM found",
            )
            .bind(hash.as_slice())
            .bind(USED_EVERY_SECONDS)
            .fetch_optional(call.db())
            .await?
            .map(|row| key_of(&row))
            .transpose()
        })
        .await;
        call.end(outcome)
    }

    /// Revokes every key that is called `name`, or has it as its id; how many these were.
    pub async fn revoke_api_keys(&self, name: &str) -> Result<u64, StoreError> {
        let mut call = self.call("revoke an API key").await?;
        let outcome = call::deadline(async {
            let revoked = sqlx::query(
                "UPDATE api_keys SET revoked_at = puisano_now()
                 WHERE (name = $1 OR id::text = $1) AND revoked_at IS NULL",
            )
            .bind(name)
            .execute(call.db())
            .await?;
            Ok(revoked.rows_affected())
        })
        .await;
        call.end(outcome)
    }
}

fn key_of(row: &PgRow) -> Result<ApiKey, sqlx::Error> {
    let time = |name: &str| {
        let at: Option<jiff_sqlx::Timestamp> = row.try_get(name)?;
        Ok::<_, sqlx::Error>(at.map(to_jiff))
    };
    Ok(ApiKey {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        prefix: row.try_get("prefix")?,
        scopes: row.try_get("scopes")?,
        created_at: to_jiff(row.try_get("created_at")?),
        last_used_at: time("last_used_at")?,
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
    })
}
