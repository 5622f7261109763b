//! The business's templates as the simulated WhatsApp has them: what they say, and how their reviews stand.
//!
//! Pure: a review ends by the clock, with no task that ends it. A fresh world has the five that are approved for the
//! town this program was first made for.

mod calls;
mod control;
mod listing;
mod rules;
mod seeds;
mod sends;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use calls::{delete, edit_one, submit, unpause_one};
pub(super) use control::{Change, change, show};
pub(super) use listing::{list, show_one};
pub(super) use sends::fill;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Status {
    Approved,
    Pending,
    Rejected,
    Paused,
    Disabled,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Pending => "PENDING",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::Disabled => "DISABLED",
        }
    }
}

/// One template in one language.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Template {
    pub(super) id: u64,
    name: String,
    language: String,
    category: String,
    is_named: bool,
    components: Value,
    /// Until the review ends, if there is one.
    status: Status,
    review: Option<Review>,
    quality: String,
    reason: Option<String>,
    ttl_s: Option<i64>,
    made_ms: i64,
    /// When it was changed since it was approved.
    edited_ms: Vec<i64>,
}

/// How a review will end.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Review {
    at_ms: i64,
    status: Status,
    reason: Option<String>,
    /// The webhook that tells of it.
    webhook: u64,
}

impl Template {
    fn status(&self, now_ms: i64) -> Status {
        match self.ended(now_ms) {
            Some(review) => review.status,
            None => self.status,
        }
    }

    fn reason(&self, now_ms: i64) -> Option<&str> {
        self.ended(now_ms)
            .map_or(&self.reason, |review| &review.reason)
            .as_deref()
    }

    fn ended(&self, now_ms: i64) -> Option<&Review> {
        self.review.as_ref().filter(|review| review.at_ms <= now_ms)
    }

    /// The template as it is now, its review over or still to come.
    fn settled(&self, now_ms: i64) -> Self {
        let mut settled = self.clone();
        if let Some(review) = self.ended(now_ms) {
            settled.status = review.status;
            settled.reason.clone_from(&review.reason);
            settled.review = None;
        }
        settled
    }

    /// Of the journal, when it was made; nothing for those of a fresh world.
    pub(super) fn number(&self) -> u64 {
        self.id.saturating_sub(calls::ID_BASE)
    }

    /// The component of this type.
    fn component(&self, kind: &str) -> Option<&Value> {
        component(&self.components, kind)
    }
}

fn component<'a>(components: &'a Value, kind: &str) -> Option<&'a Value> {
    components
        .as_array()?
        .iter()
        .find(|component| upper(component, "type") == kind)
}

fn upper(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_uppercase()
}

/// The parameters of a text in order, each once.
fn parameters(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            break;
        };
        if !found.contains(&name.trim()) {
            found.push(name.trim());
        }
        rest = after;
    }
    found
}

/// All templates.
#[derive(Debug)]
pub(super) struct Library {
    templates: BTreeMap<u64, Template>,
    /// By name and language, until when a deleted one blocks its name.
    blocked: BTreeMap<(String, String), i64>,
}

impl Default for Library {
    fn default() -> Self {
        Self {
            templates: seeds::templates()
                .map(|template| (template.id, template))
                .collect(),
            blocked: BTreeMap::new(),
        }
    }
}

impl Library {
    pub(super) fn put(&mut self, template: Template) {
        self.templates.insert(template.id, template);
    }

    pub(super) fn remove(&mut self, id: u64, blocked_until_ms: Option<i64>) {
        if let (Some(gone), Some(until_ms)) = (self.templates.remove(&id), blocked_until_ms) {
            self.blocked.insert((gone.name, gone.language), until_ms);
        }
    }

    fn find(&self, name: &str, language: &str) -> Option<&Template> {
        self.templates
            .values()
            .find(|template| template.name == name && template.language == language)
    }

    /// The template with this id, if it is one.
    pub(super) fn get(&self, id: &str) -> Option<&Template> {
        self.templates.get(&id.parse().ok()?)
    }
}
