//! Times on their way into and out of SQL, and the offset by which tests let the database's time pass.

use jiff::Timestamp;

use super::{Store, StoreError, call};
use crate::clock::Clock;

/// A column of times to bind.
pub(crate) type Times = Vec<jiff_sqlx::Timestamp>;

pub(crate) fn to_sql(time: Timestamp) -> jiff_sqlx::Timestamp {
    jiff_sqlx::ToSqlx::to_sqlx(time)
}

pub(crate) fn to_jiff(time: jiff_sqlx::Timestamp) -> Timestamp {
    time.to_jiff()
}

impl Store {
    /// For tests: makes the time of SQL the time of `clock`.
    pub async fn follow_clock(&self, clock: &Clock) -> Result<(), StoreError> {
        let mut call = self.call("set the database's clock").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "INSERT INTO clock_offset (offset_ms) VALUES ($1)
                 ON CONFLICT (singleton) DO UPDATE SET offset_ms = excluded.offset_ms",
            )
            .bind(clock.offset_ms())
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }

    /// The time as SQL sees it.
    pub async fn now(&self) -> Result<Timestamp, StoreError> {
        let mut call = self.call("read the database's clock").await?;
        let outcome = call::deadline(async {
            sqlx::query_scalar::<_, jiff_sqlx::Timestamp>("SELECT puisano_now()")
                .fetch_one(call.db())
                .await
        })
        .await;
        call.end(outcome).map(to_jiff)
    }
}
