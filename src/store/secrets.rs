//! Settings together with their sealed secrets, read and written as a whole.
//!
//! It does not open secrets; what it holds is ciphertext.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Connection, Row};

use super::{Store, StoreError, call, to_jiff, to_sql};

/// A group of settings as it is stored.
#[derive(Clone, Debug, Default)]
pub struct StoredSettings {
    /// Counts changes; 0 is "never set".
    pub version: i64,
    pub value: Option<Value>,
    pub secrets: Vec<SealedSecret>,
}

/// A secret as it is stored.
#[derive(Clone, Debug)]
pub struct SealedSecret {
    pub name: String,
    pub ciphertext: Vec<u8>,
    pub previous: Option<Vec<u8>>,
    /// Until then the previous one counts too.
    pub previous_until: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// A secret that takes the place of the present one.
#[derive(Clone, Debug)]
pub struct NewSecret {
    pub name: String,
    pub ciphertext: Vec<u8>,
    /// Until then the present one counts too.
    pub previous_until: Option<Timestamp>,
}

/// A group of settings as it shall be.
#[derive(Clone, Debug)]
pub struct SettingsChange<'a> {
    pub key: &'a str,
    /// The version that was read; nothing is written if another came in between.
    pub version: i64,
    pub value: Value,
    pub secrets: Vec<NewSecret>,
}

impl Store {
    /// The version of the settings `key`; 0 when they were never set.
    pub async fn settings_version(&self, key: &str) -> Result<i64, StoreError> {
        let mut call = self.call("ask for the version of settings").await?;
        let outcome = call::deadline(async {
            let version: Option<i64> =
                sqlx::query_scalar("SELECT (value->>'version')::int8 FROM settings WHERE key = $1")
                    .bind(key)
                    .fetch_optional(call.db())
                    .await?
                    .flatten();
            Ok(version.unwrap_or(0))
        })
        .await;
        call.end(outcome)
    }

    /// The settings `key` and the secrets called `key.…`, of one moment.
    pub async fn stored_settings(&self, key: &str) -> Result<StoredSettings, StoreError> {
        let mut call = self.call("read settings").await?;
        let outcome = call::deadline(async {
            let rows = sqlx::query(
                "SELECT (s.value->>'version')::int8 AS version, s.value, x.name, x.ciphertext, x.previous,
                        x.previous_until, x.updated_at
                 FROM (SELECT $1::text AS key) asked
                 LEFT JOIN settings s ON s.key = asked.key
                 LEFT JOIN secrets x ON starts_with(x.name, asked.key || '.')
                 ORDER BY x.name",
            )
            .bind(key)
            .fetch_all(call.db())
            .await?;
            let mut stored = StoredSettings::default();
            for row in &rows {
                stored.version = row.try_get::<Option<i64>, _>("version")?.unwrap_or(0);
                stored.value = row.try_get("value")?;
                stored.secrets.extend(secret_of(row)?);
            }
            Ok(stored)
        })
        .await;
        call.end(outcome)
    }

    /// Writes settings and secrets together, with the next version. `false`: somebody else changed them meanwhile.
    pub async fn change_settings(&self, change: SettingsChange<'_>) -> Result<bool, StoreError> {
        let mut call = self.call("change settings").await?;
        let mut value = change.value;
        value["version"] = Value::from(change.version + 1);
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            let written = sqlx::query(
                "INSERT INTO settings AS s (key, value, updated_at) VALUES ($1, $2, puisano_now())
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
                     WHERE (s.value->>'version')::int8 = $3",
            )
            .bind(change.key)
            .bind(value)
            .bind(change.version)
            .execute(&mut *transaction)
            .await?;
            if written.rows_affected() == 0 {
                return Ok(false);
            }
            for secret in &change.secrets {
                sqlx::query(
                    "INSERT INTO secrets AS s (name, ciphertext, updated_at) VALUES ($1, $2, puisano_now())
                     ON CONFLICT (name) DO UPDATE SET ciphertext = excluded.ciphertext, updated_at = excluded.updated_at,
                         previous = CASE WHEN $3::timestamptz IS NULL THEN NULL ELSE s.ciphertext END, previous_until = $3",
                )
                .bind(&secret.name)
                .bind(&secret.ciphertext)
                .bind(secret.previous_until.map(to_sql))
                .execute(&mut *transaction)
                .await?;
            }
            transaction.commit().await?;
            Ok(true)
        })
        .await;
        call.end(outcome)
    }
}

fn secret_of(row: &PgRow) -> Result<Option<SealedSecret>, sqlx::Error> {
    let Some(name) = row.try_get("name")? else {
        return Ok(None);
    };
    let until: Option<jiff_sqlx::Timestamp> = row.try_get("previous_until")?;
    Ok(Some(SealedSecret {
        name,
        ciphertext: row.try_get("ciphertext")?,
        previous: row.try_get("previous")?,
        previous_until: until.map(to_jiff),
        updated_at: to_jiff(row.try_get("updated_at")?),
    }))
}
