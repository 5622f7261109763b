//! What can happen in the simulated world, as the journal keeps it.
//!
//! Only ever grows: a journal of an older program is read by a newer one.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::limits::Limits;
use super::media::Media;
use super::templates::Template;

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    Written(Written),
    Accepted(Accepted),
    /// The service marked a person's message as read, perhaps to write an answer.
    Read {
        at_ms: i64,
        wamid: String,
        typing: bool,
    },
    Webhook(Told),
    /// A webhook that was held back is to go.
    Due {
        n: u64,
        due_ms: i64,
    },
    /// The service took the webhook.
    Delivered {
        n: u64,
    },
    /// What the webhook was to tell is not so any more.
    Withdrawn {
        n: u64,
    },
    /// A template is new, or is now like this.
    Template(Box<Template>),
    TemplateGone {
        id: u64,
        blocked_until_ms: Option<i64>,
    },
    Media(Media),
    MediaGone {
        id: String,
    },
    Limits(Limits),
    /// A person stopped marketing messages, or resumed them.
    Preference {
        phone: String,
        is_stopped: bool,
    },
}

/// A person sent `message`, the element of the webhook.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) n: u64,
    pub(super) at_ms: i64,
    pub(super) phone: String,
    pub(super) name: Option<String>,
    pub(super) message: Value,
}

/// The service sent `request`, and it was accepted. Without a phone it went nowhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Accepted {
    pub(super) n: u64,
    pub(super) at_ms: i64,
    pub(super) phone: Option<String>,
    pub(super) wamid: String,
    pub(super) request: Value,
    /// What a template says once it is filled in.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub(super) shown: Value,
}

/// Something is to be told to the service, not before `due_ms`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) n: u64,
    pub(super) due_ms: i64,
    /// The message it is about.
    pub(super) about: String,
    pub(super) status: Option<String>,
    pub(super) body: Value,
}
