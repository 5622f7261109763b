//! What became of something sent.

use serde::{Deserialize, Serialize};

/// A status of a message, by rank; it only moves forward, and `failed` stands only if nothing better came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DeliveryStatus {
    Accepted,
    Failed,
    Sent,
    Delivered,
    Read,
    Played,
    Deleted,
}

impl DeliveryStatus {
    /// Higher wins, whatever the order of arrival. `failed` beats `accepted` and `sent` (the message left Meta's server
    /// and then could not be delivered), and loses to proof that it arrived.
    pub fn rank(self) -> i16 {
        match self {
            Self::Accepted => 0,
            Self::Sent => 1,
            Self::Failed => 2,
            Self::Delivered => 3,
            Self::Read => 4,
            Self::Played => 5,
            Self::Deleted => 6,
        }
    }

    /// The state after `self` when `other` arrives.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        if other.rank() > self.rank() {
            other
        } else {
            self
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "accepted" => Self::Accepted,
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            "deleted" => Self::Deleted,
            _ => return None,
        })
    }
}

/// States of an outbox item.
///
/// ```text
/// pending → sending → sent | rejected | unknown → (status echoed) sent | (window over) pending once more, then held
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OutboxState {
    Pending,
    Sending,
    Sent,
    Rejected,
    Unknown,
    /// Given up as unknown, or stopped by an operator's error; shown to staff.
    Held,
    /// Not sent any more: its ownership epoch is over, or it expired.
    Cancelled,
}
