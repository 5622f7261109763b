//! Settings that people change while the service runs, by key.

use serde_json::Value;

use super::{Store, StoreError, call};
use crate::clock::Clock;

impl Store {
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, StoreError> {
        let mut call = self.call("read a setting").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, Value>("SELECT value FROM settings WHERE key = $1")
                .bind(key)
                .fetch_optional(call.db())
                .await
        })
        .await;
        call.end(outcome)
    }

    pub async fn set_setting(
        &self,
        clock: &Clock,
        key: &str,
        value: &Value,
    ) -> Result<(), StoreError> {
        let mut call = self.call("write a setting").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "INSERT INTO settings (key, value, updated_at) VALUES ($1, $2, $3)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )
            .bind(key)
            .bind(value)
            .bind(super::to_sql(clock.now()))
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }
}
