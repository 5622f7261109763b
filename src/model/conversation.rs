//! Who answers in a conversation, and whether its traffic is real.

use serde::{Deserialize, Serialize};

/// Who owns a conversation: the bot or a person, never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Owner {
    #[default]
    Bot,
    Waiting,
    Person,
}

/// Figures of live traffic leave the rest out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Origin {
    #[default]
    Live,
    Simulated,
    Demo,
}
