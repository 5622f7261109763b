//! A notification to one person, before it is known whether it goes as free text or as a template.

use puisano_engine::{Filled, Language};
use serde::{Deserialize, Serialize};

/// Who goes first; within a class, who was due first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Class {
    Reply,
    Staff,
    Notification,
    /// To many at once.
    Bulk,
}

/// What is done when it stays unknown whether an item was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OnUnknown {
    /// Once more: twice is better than not at all.
    Resend,
    /// Shown to staff.
    Hold,
}

/// The same message in every language it can be sent in; the first is the one the person should have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Name of the pack's template.
    pub template: String,
    /// Never empty.
    pub fillings: Vec<Filling>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filling {
    pub language: Language,
    /// What the person reads.
    pub text: String,
    pub filled: Filled,
}
