//! The statuses of an accepted message, in the weather that the faults make.

use serde_json::Value;

use super::faults::Fault;
use super::shared::{Due, Plan, Shared};
use super::webhooks::{self, Person, Status};
use super::world::HELD;

/// When the statuses of a message are told, after it was accepted.
const STATUSES: [(&str, i64); 3] = [("sent", 0), ("delivered", 60), ("read", 150)];

/// More copies of a webhook show nothing that two do not.
const COPIES_MAX: u32 = 50;

/// A message whose statuses are to be told.
pub(super) struct Sent<'a> {
    pub(super) phone: &'a str,
    pub(super) wamid: &'a str,
    pub(super) request: &'a Value,
    /// Of the template, if it is one.
    pub(super) category: Option<&'a str>,
}

/// What befalls the statuses of one message.
pub(super) struct Weather {
    /// The code of the only status.
    pub(super) failed: Option<i64>,
    pub(super) held: Option<Fault>,
    pub(super) reordered: Option<Fault>,
    pub(super) doubled: Option<Fault>,
}

impl Weather {
    pub(super) fn statuses(&self, shared: &Shared, plan: &mut Plan<'_>, sent: &Sent<'_>) {
        let name = plan
            .world
            .conversations
            .get(sent.phone)
            .and_then(|conversation| conversation.name.clone());
        let person = Person {
            phone: sent.phone.to_owned(),
            name,
            hides_phone: false,
        };
        let last = STATUSES.len() - 1;
        let category = sent.category.unwrap_or("service").to_lowercase();
        for (word, after_ms) in self.words(sent.request) {
            let at = STATUSES
                .iter()
                .position(|(known, _)| *known == word)
                .unwrap_or(0);
            let told_ms = if self.reordered.is_some() {
                STATUSES[last - at].1
            } else {
                after_ms
            };
            let due = Due {
                at_ms: self.due_ms(plan.now_ms + told_ms),
                copies: copies(self.doubled.as_ref()),
                status: Some(word),
            };
            let status = Status {
                wamid: sent.wamid,
                word,
                at_s: (plan.now_ms + after_ms) / 1_000,
                opaque: sent.request["biz_opaque_callback_data"].as_str(),
                code: self.failed,
                category: &category,
            };
            plan.webhook(
                sent.wamid,
                &due,
                &webhooks::status(&shared.account, &person, &status),
            );
        }
    }

    /// A reaction is never delivered or read.
    fn words(&self, request: &Value) -> Vec<(&'static str, i64)> {
        match &self.failed {
            Some(_) => vec![("failed", 0)],
            None if request["type"] == "reaction" => vec![STATUSES[0]],
            None => STATUSES.to_vec(),
        }
    }

    fn due_ms(&self, at_ms: i64) -> i64 {
        match &self.held {
            None => at_ms,
            Some(fault) => {
                let delay = fault.delay_ms.and_then(|ms| i64::try_from(ms).ok());
                delay.map_or(HELD, |ms| at_ms.saturating_add(ms))
            }
        }
    }
}

/// How often a webhook comes under this fault, or without one.
pub(super) fn copies(fault: Option<&Fault>) -> u32 {
    fault.map_or(1, |fault| fault.copies.unwrap_or(2).clamp(1, COPIES_MAX))
}
