//! What can go wrong with the database, as far as callers act on it.

/// Names the operation that failed and keeps the cause. Its text holds no data of a row.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("could not {operation}: the database did not answer in time")]
    TimedOut { operation: &'static str },
    /// No connection, a broken one, a server that is starting, stopping or read-only.
    #[error("could not {operation}: the database cannot be used now")]
    Unavailable {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// Somebody else was first, or two waited for each other: the same again is likely to work.
    #[error("could not {operation}: another writer was in the way")]
    Conflict {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    /// A value the schema does not take; the same again will not work.
    #[error("could not {operation}: the database refuses a value")]
    Refused {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
    #[error("could not {operation}")]
    Failed {
        operation: &'static str,
        #[source]
        source: sqlx::Error,
    },
}

impl StoreError {
    pub(super) fn failed(operation: &'static str, source: sqlx::Error) -> Self {
        Self::Failed { operation, source }
    }

    pub(super) fn classify(operation: &'static str, source: sqlx::Error) -> Self {
        let code = match &source {
            sqlx::Error::Database(error) => error.code().map(std::borrow::Cow::into_owned),
            sqlx::Error::RowNotFound => return Self::Conflict { operation, source },
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => return Self::Unavailable { operation, source },
            _ => return Self::Failed { operation, source },
        };
        match code.as_deref().unwrap_or_default() {
            // Unique violation, serialization failure, deadlock, lock not available.
            "23505" | "40001" | "40P01" | "55P03" => Self::Conflict { operation, source },
            "57014" => Self::TimedOut { operation },
            // A standby after a failover, no room, shutting down, too many connections, broken connection.
            code if code == "25006"
                || ["08", "53", "57", "58"]
                    .iter()
                    .any(|class| code.starts_with(class)) =>
            {
                Self::Unavailable { operation, source }
            }
            code if ["22", "23", "54"]
                .iter()
                .any(|class| code.starts_with(class)) =>
            {
                Self::Refused { operation, source }
            }
            _ => Self::Failed { operation, source },
        }
    }

    /// What the database says about it, for the log: the kind of error, no data of a row.
    pub fn cause(&self) -> String {
        match self {
            Self::TimedOut { .. } => self.to_string(),
            Self::Unavailable { source, .. }
            | Self::Conflict { source, .. }
            | Self::Refused { source, .. }
            | Self::Failed { source, .. } => format!("{self}: {source}"),
        }
    }

    /// The same again may work at once.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict { .. })
    }

    /// One of the values is at fault, not the database.
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// The database's own error, for a caller that is still inside the operation.
    pub(super) fn into_cause(self) -> sqlx::Error {
        match self {
            Self::TimedOut { .. } => sqlx::Error::PoolTimedOut,
            Self::Unavailable { source, .. }
            | Self::Conflict { source, .. }
            | Self::Refused { source, .. }
            | Self::Failed { source, .. } => source,
        }
    }

    /// Whether the server answered, so that the connection is where it should be.
    pub(super) fn leaves_the_connection_good(&self) -> bool {
        matches!(
            self,
            Self::Conflict { .. } | Self::Refused { .. } | Self::Failed { .. }
        )
    }
}
