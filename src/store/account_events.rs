//! Webhooks about the account that wait to be applied.

use serde_json::Value;
use sqlx::Row;
use uuid::Uuid;

use super::{Store, StoreError, call};

/// One webhook about the account, as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountNews {
    pub id: Uuid,
    pub field: String,
    pub raw: Value,
}

impl Store {
    /// The oldest that have not been applied.
    pub async fn unapplied_account_events(
        &self,
        at_most: i64,
    ) -> Result<Vec<AccountNews>, StoreError> {
        let mut call = self.call("read news of the account").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT id, field, raw FROM account_events WHERE applied_at IS NULL ORDER BY id LIMIT $1",
            )
            .bind(at_most)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(|row| {
                Ok(AccountNews {
                    id: row.try_get("id")?,
                    field: row.try_get("field")?,
                    raw: row.try_get("raw")?,
                })
            })
            .collect()
        })
        .await;
        call.end(outcome)
    }

    pub async fn account_event_applied(&self, id: Uuid) -> Result<(), StoreError> {
        let mut call = self.call("note that news were applied").await?;
        let outcome = call::deadline(async {
            sqlx::query("UPDATE account_events SET applied_at = puisano_now() WHERE id = $1")
                .bind(id)
                .execute(call.db())
                .await
                .map(drop)
        })
        .await;
        call.end(outcome)
    }
}
