//! Takes away what nobody asks for any more: raw webhooks, statuses of other apps, old answers and rates.
//!
//! Messages, their history and consent are not touched; those are kept as long as the law says, see docs/security.md.

use std::time::Duration;

use super::{Store, StoreError, call};
use crate::tasks::Tasks;

const EVERY: Duration = Duration::from_hours(1);
/// Rows in one statement, so that nothing else waits for it.
const ROWS_MAX: i64 = 2_000;
/// Statements for one table in one round; the rest goes in the next.
const STATEMENTS_MAX: usize = 500;
/// A status whose message did not turn up in this time belongs to another app.
const PARKED_DAYS: u32 = 7;
/// A request can be repeated this long.
const IDEMPOTENCY_DAYS: u32 = 7;
/// A rate whose time has come is whole again.
const RATE_DAYS: u32 = 0;

/// What is taken away: `$1` rows at most, older than `$2` days.
const TABLES: [&str; 4] = [
    // Ids begin with their time.
    "DELETE FROM webhook_envelopes WHERE id IN (
         SELECT id FROM webhook_envelopes
         WHERE id < (lpad(to_hex((extract(epoch FROM puisano_now() - make_interval(days => $2)) * 1000)::int8), 12, '0')
                     || repeat('0', 20))::uuid
         ORDER BY id LIMIT $1)",
    "DELETE FROM parked_statuses WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM parked_statuses WHERE received_at < puisano_now() - make_interval(days => $2)
         ORDER BY received_at LIMIT $1))",
    "DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM idempotency_keys WHERE created_at < puisano_now() - make_interval(days => $2)
         ORDER BY created_at LIMIT $1))",
    "DELETE FROM rate_limits WHERE ctid = ANY (ARRAY(
         SELECT ctid FROM rate_limits WHERE tat < puisano_now() - make_interval(days => $2) LIMIT $1))",
];

/// Cleans up once an hour.
pub fn start(store: Store, keep_envelopes_days: u32, tasks: &Tasks) {
    let stopping = tasks.stopping();
    tasks.spawn("cleanup", async move {
        let rounds = async {
            loop {
                tokio::time::sleep(EVERY).await;
                match store.clean_up(keep_envelopes_days).await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!(rows, "old rows were taken away"),
                    Err(error) => tracing::warn!(%error, "old rows stay for another hour"),
                }
            }
        };
        stopping.run_until_cancelled(rounds).await;
    });
}

impl Store {
    /// Takes away what is too old; returns how many rows.
    pub async fn clean_up(&self, keep_envelopes_days: u32) -> Result<u64, StoreError> {
        let days = [
            keep_envelopes_days,
            PARKED_DAYS,
            IDEMPOTENCY_DAYS,
            RATE_DAYS,
        ];
        let mut all = 0;
        for (sql, days) in TABLES.into_iter().zip(days) {
            for _ in 0..STATEMENTS_MAX {
                let rows = self.delete_some(sql, days).await?;
                all += rows;
                if rows < ROWS_MAX.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(all)
    }

    async fn delete_some(&self, sql: &'static str, days: u32) -> Result<u64, StoreError> {
        let mut call = self.call("take old rows away").await?;
        let outcome = call::deadline(async {
            sqlx::query(sql)
                .bind(ROWS_MAX)
                .bind(i32::try_from(days).unwrap_or(i32::MAX))
                .execute(call.db())
                .await
        })
        .await;
        call.end(outcome).map(|done| done.rows_affected())
    }
}
