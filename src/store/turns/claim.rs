//! Claims conversations that have messages to decide, under a lease and a fence; gives them back.

use uuid::Uuid;

use crate::model::ConversationId;
use crate::store::{Store, StoreError, call};

/// How long a claim is good; a node that goes down keeps its conversations waiting no longer.
const LEASE_SECONDS: f64 = 8.0;
/// How many of the oldest due messages are looked at to find conversations.
const SCAN_ROWS_MAX: i64 = 4_000;

/// The right to decide a conversation, as long as nobody has claimed it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub conversation: ConversationId,
    pub fence: i64,
    /// Claims since the last that ended well, this one included.
    pub attempts: i16,
}

/// Which conversations to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Whose last claim ended well.
    Fresh,
    /// Whose last claim did not: they are decided alone, so that a message that brings a worker down takes no others with
    /// it.
    Suspect,
}

impl Store {
    /// Claims up to `limit` conversations, those with the oldest messages first. The attempt is counted here, before
    /// anything is decided.
    pub async fn claim_turns(&self, which: Which, limit: i64) -> Result<Vec<Claim>, StoreError> {
        let mut call = self.call("claim conversations").await?;
        let outcome = call::deadline(async {
            sqlx::query_as::<_, (Uuid, i64, i16)>(CLAIM)
                .bind(which == Which::Suspect)
                .bind(limit)
                .bind(SCAN_ROWS_MAX)
                .bind(LEASE_SECONDS)
                .fetch_all(call.db())
                .await
        })
        .await;
        let claims = call.end(outcome)?.into_iter();
        Ok(claims
            .map(|(conversation, fence, attempts)| Claim {
                conversation: ConversationId(conversation),
                fence,
                attempts,
            })
            .collect())
    }

    /// Gives claims back that came to nothing through no fault of the messages; nobody claims them for `rest_seconds`.
    pub async fn release_turns(
        &self,
        claims: &[Claim],
        rest_seconds: f64,
    ) -> Result<(), StoreError> {
        let mut call = self.call("give conversations back").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "UPDATE turn_leases l
                 SET until = puisano_now() + make_interval(secs => $3), attempts = greatest(l.attempts - 1, 0)
                 FROM unnest($1::uuid[], $2::int8[]) AS c (conversation_id, fence)
                 WHERE l.conversation_id = c.conversation_id AND l.fence = c.fence",
            )
            .bind(claims.iter().map(|claim| claim.conversation.0).collect::<Vec<_>>())
            .bind(claims.iter().map(|claim| claim.fence).collect::<Vec<_>>())
            .bind(rest_seconds)
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }
}

/// The condition is checked again on the row that is locked: two nodes that found the same conversation do not both get it.
const CLAIM: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
oldest AS MATERIALIZED (
    SELECT p.conversation_id, p.message_id
    FROM pending_turns p
    LEFT JOIN turn_leases l ON l.conversation_id = p.conversation_id
    WHERE (l.until IS NULL OR l.until <= (SELECT now FROM clock)) AND (coalesce(l.attempts, 0) > 0) = $1
    ORDER BY p.message_id
    LIMIT $3
),
due AS (
    SELECT conversation_id
    FROM (SELECT DISTINCT ON (conversation_id) conversation_id, message_id FROM oldest
          ORDER BY conversation_id, message_id) first
    ORDER BY message_id
    LIMIT $2
)
INSERT INTO turn_leases AS l (conversation_id, fence, until, attempts)
SELECT due.conversation_id, 1, clock.now + make_interval(secs => $4), 1
FROM due CROSS JOIN clock
ORDER BY due.conversation_id
ON CONFLICT (conversation_id) DO UPDATE
SET fence = l.fence + 1, until = excluded.until, attempts = l.attempts + 1
WHERE l.until <= excluded.until - make_interval(secs => $4)
RETURNING l.conversation_id, l.fence, l.attempts";
