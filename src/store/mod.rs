//! Remembers: all SQL of the program, one file per aggregate. One database, no repository traits.
//!
//! It decides nothing about conversations or deliveries; it answers questions and makes writes whole or not at all. Every
//! use of the database has a name and a deadline, see [`call`].

pub mod account_events;
pub mod accounts;
pub mod areas;
mod call;
pub mod cleanup;
pub mod consents;
mod contacts;
pub mod embedded;
mod error;
pub mod handoffs;
pub mod idempotency;
pub mod intake;
pub mod keys;
pub mod media;
pub mod messages;
pub mod notifications;
pub mod outbox;
pub mod people;
pub mod rate_limits;
pub mod rulesets;
pub mod secrets;
pub mod templates;
mod time;
pub mod turns;
mod uploads;
mod wakes;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor, PgPool};

use call::Call;
pub use error::StoreError;
pub(crate) use time::{Times, to_jiff, to_sql};
pub use wakes::Topic;
use wakes::Wakes;

/// Connections of one process: ingest, turns, outbox, wake-ups, and some for people.
const CONNECTIONS_MAX: u32 = 12;
/// How long a caller waits for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(1);
/// How long one use of the database may take, all its statements together.
const CALL_MAX: Duration = Duration::from_secs(2);
/// Migrations may build indexes.
const MIGRATE_MAX: Duration = Duration::from_mins(10);

/// What every connection is told. Nothing waits longer than its caller does. Rows are looked up by their keys: a prepared
/// statement keeps the plan it got when the tables were empty, and reading an empty table whole is cheapest; a day later
/// the same plan reads everything for each batch. So whole tables and whole indexes are priced out.
const CONNECTION_SETTINGS: &str = "SET statement_timeout = '2s'; SET lock_timeout = '1500ms'; \
     SET idle_in_transaction_session_timeout = '5s'; SET timezone = 'UTC'; SET application_name = 'puisano'; SET client_min_messages = 'warning'; \
     SET jit = off; SET enable_seqscan = off; SET cpu_index_tuple_cost = 1; SET random_page_cost = 1.1";

/// The database. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
    wakes: Arc<Wakes>,
}

impl Store {
    /// Makes the pool; fails only when `url` cannot be read. Whether the database is there shows in [`Store::ping`], so
    /// that a service can start before its database does.
    pub fn connect(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(|source| StoreError::failed("read the database URL", source))?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_MAX)
            // A dead connection shows at its first statement, which is answered by 503 and tried again; asking each
            // time would double the round trips.
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(CONNECTION_SETTINGS).await.map(drop) })
            })
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            wakes: Arc::new(Wakes::default()),
        })
    }

    /// Brings the schema up to date. Nodes that start together do it once.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        const OPERATION: &str = "migrate the database";
        let mut call = self.call(OPERATION).await?;
        let outcome = tokio::time::timeout(MIGRATE_MAX, async {
            call.db()
                .execute("SET statement_timeout = 0; SET lock_timeout = '60s'")
                .await?;
            // A node of the version before may start while this one has already migrated.
            let mut migrator = sqlx::migrate!("./migrations");
            migrator.set_ignore_missing(true);
            migrator.run(call.db()).await.map_err(|error| match error {
                sqlx::migrate::MigrateError::Execute(source) => source,
                other => sqlx::Error::Migrate(Box::new(other)),
            })?;
            call.db().execute(CONNECTION_SETTINGS).await.map(drop)
        })
        .await;
        call.end(outcome)
    }

    /// Whether the database answers and can be written to.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut call = self.call("ask the database").await?;
        let outcome = call::deadline(async {
            let writable: bool = sqlx::query_scalar("SELECT NOT pg_is_in_recovery() AND current_setting('transaction_read_only') = 'off'")
                .fetch_one(call.db())
                .await?;
            if writable { Ok(()) } else { Err(sqlx::Error::Protocol("the database is read-only".to_owned())) }
        })
        .await;
        call.end(outcome)
    }

    /// Closes all connections and waits for what they are doing.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    async fn call(&self, operation: &'static str) -> Result<Call, StoreError> {
        Call::begin(&self.pool, operation).await
    }
}
