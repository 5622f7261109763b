//! Outbox items as people and tests see them.

use sqlx::Row;

use crate::model::{ConversationId, OutboxId, OutboxState, Wamid};
use crate::store::{Store, StoreError, call};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxItem {
    pub conversation: ConversationId,
    pub id: OutboxId,
    pub seq: i64,
    pub state: OutboxState,
    pub attempt: i16,
    pub wamid: Option<Wamid>,
    pub failure_code: Option<i64>,
    pub failure: Option<String>,
}

impl Store {
    /// The items of a conversation in the order of its lane.
    pub async fn outbox_of(
        &self,
        conversation: ConversationId,
    ) -> Result<Vec<OutboxItem>, StoreError> {
        let mut call = self.call("read the outbox").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT conversation_id, id, seq, state, attempt, wamid, failure_code, failure
                 FROM outbox WHERE conversation_id = $1 ORDER BY seq",
            )
            .bind(conversation)
            .fetch_all(call.db())
            .await?
            .iter()
            .map(|row| {
                Ok(OutboxItem {
                    conversation: row.try_get("conversation_id")?,
                    id: row.try_get("id")?,
                    seq: row.try_get("seq")?,
                    state: row.try_get("state")?,
                    attempt: row.try_get("attempt")?,
                    wamid: row.try_get("wamid")?,
                    failure_code: row.try_get("failure_code")?,
                    failure: row.try_get("failure")?,
                })
            })
            .collect()
        })
        .await;
        call.end(outcome)
    }

    /// How many items there are in each state.
    pub async fn outbox_states(&self) -> Result<Vec<(OutboxState, i64)>, StoreError> {
        let mut call = self.call("count the outbox").await?;
        let outcome = call::deadline(async {
            sqlx::query_as("SELECT state, count(*) FROM outbox GROUP BY state ORDER BY state")
                .fetch_all(call.db())
                .await
        })
        .await;
        call.end(outcome)
    }
}
