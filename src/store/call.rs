//! One use of the database: a name for errors, a deadline, and the rule for what becomes of the connection.
//!
//! sqlx has no deadline of its own: a server that hangs would hold its callers for good.

use std::future::Future;

use sqlx::PgConnection;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use tokio::time::error::Elapsed;

use super::{CALL_MAX, StoreError};

/// A connection on loan. Unless it is ended in good order (a time-out, a cancelled task, a read-only standby), it is
/// closed rather than given back: nobody knows what it is still doing.
#[derive(Debug)]
pub(super) struct Call {
    operation: &'static str,
    connection: PoolConnection<Postgres>,
    in_order: bool,
}

/// Lets `work` take no longer than a caller should wait.
pub(super) async fn deadline<T>(
    work: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<Result<T, sqlx::Error>, Elapsed> {
    tokio::time::timeout(CALL_MAX, work).await
}

impl Call {
    pub(super) async fn begin(pool: &PgPool, operation: &'static str) -> Result<Self, StoreError> {
        let connection = pool
            .acquire()
            .await
            .map_err(|source| StoreError::classify(operation, source))?;
        Ok(Self {
            operation,
            connection,
            in_order: false,
        })
    }

    pub(super) fn db(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// Names what went wrong, and keeps the connection if it is still good.
    pub(super) fn end<T>(
        mut self,
        outcome: Result<Result<T, sqlx::Error>, Elapsed>,
    ) -> Result<T, StoreError> {
        let result = match outcome {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(StoreError::classify(self.operation, source)),
            Err(_) => Err(StoreError::TimedOut {
                operation: self.operation,
            }),
        };
        self.in_order = result
            .as_ref()
            .err()
            .is_none_or(StoreError::leaves_the_connection_good);
        result
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.in_order {
            self.connection.close_on_drop();
        }
    }
}
