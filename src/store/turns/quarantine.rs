//! Takes a message that cannot be decided out of the way and tells staff, so that the conversation goes on.

use uuid::Uuid;

use super::Claim;
use crate::clock::Clock;
use crate::model::MessageId;
use crate::store::{Store, StoreError, call};

/// What staff reads.
const REASON: &str =
    "The bot could not deal with a message of this conversation; please answer it yourself.";

impl Store {
    /// Quarantines `message`, hands its conversation to staff and ends the claim. `false` when the claim is over already.
    pub async fn quarantine_turn(
        &self,
        clock: &Clock,
        claim: Claim,
        message: MessageId,
        cause: &str,
    ) -> Result<bool, StoreError> {
        let mut call = self.call("quarantine a message").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, Uuid>(QUARANTINE)
                .bind(claim.conversation)
                .bind(claim.fence)
                .bind(message)
                .bind(claim.attempts)
                .bind(cause)
                .bind(clock.new_id())
                .bind(REASON)
                .fetch_optional(call.db())
                .await
        })
        .await;
        Ok(call.end(outcome)?.is_some())
    }
}

const QUARANTINE: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
held AS MATERIALIZED (
    SELECT l.conversation_id FROM turn_leases l WHERE l.conversation_id = $1 AND l.fence = $2 FOR UPDATE
),
open AS MATERIALIZED (
    SELECT c.id, c.owner, c.epoch FROM conversations c JOIN held ON held.conversation_id = c.id FOR NO KEY UPDATE OF c
),
taken AS (
    DELETE FROM pending_turns p USING open WHERE p.conversation_id = open.id AND p.message_id = $3
),
noted AS (
    INSERT INTO quarantined_turns (conversation_id, message_id, attempts, reason, at)
    SELECT open.id, $3, $4, $5, clock.now FROM open CROSS JOIN clock
    ON CONFLICT DO NOTHING
),
handed AS (
    INSERT INTO handoffs (conversation_id, id, message_id, team, priority, reason, waiting_since)
    SELECT open.id, $6, $3, '', 'high', $7, clock.now FROM open CROSS JOIN clock WHERE open.owner = 'bot'
    ON CONFLICT DO NOTHING
),
moved AS (
    UPDATE conversations c SET owner = 'waiting', epoch = c.epoch + 1
    FROM open WHERE c.id = open.id AND open.owner = 'bot'
),
laned AS (
    INSERT INTO lanes AS l (conversation_id, epoch, ready_at)
    SELECT open.id, open.epoch + 1, 'infinity' FROM open WHERE open.owner = 'bot'
    ON CONFLICT (conversation_id) DO UPDATE SET epoch = excluded.epoch
)
UPDATE turn_leases l SET until = '-infinity', attempts = 0
FROM open WHERE l.conversation_id = open.id
RETURNING l.conversation_id";
