//! What the handlers share: who may come in, and the road that is open once the database and the rules are there.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::conversations::ingest::Intake;
use crate::media::Library;
use crate::model::{Event, PhoneNumberId, Unreadable};
use crate::rulesets::LiveRules;
use crate::settings::{Current, Live, Settings};
use crate::store::Store;
use crate::web::Limits;

/// Where webhooks go, and what the API works with.
#[derive(Clone, Debug)]
pub struct Road {
    pub intake: Intake,
    pub store: Store,
    pub rules: LiveRules,
    pub settings: Settings,
    pub library: Library,
}

/// The state of the router. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Door {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    live: Live,
    clock: Clock,
    limits: Limits,
    road: OnceLock<Road>,
    refused: AtomicU64,
    bodies: Arc<Semaphore>,
}

impl Door {
    /// A door that answers, and lets webhooks in only after [`Door::open`].
    pub fn new(live: Live, clock: Clock, limits: Limits) -> Self {
        let inner = Inner {
            live,
            clock,
            limits,
            road: OnceLock::new(),
            refused: AtomicU64::new(0),
            bodies: Arc::new(Semaphore::new(limits.bodies_bytes_max)),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Database and rules are there: webhooks may come.
    pub fn open(&self, road: Road) {
        // A door that is open stays as it is.
        let _ = self.inner.road.set(road);
    }

    pub(super) fn road(&self) -> Option<&Road> {
        self.inner.road.get()
    }

    /// The settings of this moment; one request is judged by one of these.
    pub(super) fn current(&self) -> Arc<Current> {
        self.inner.live.current()
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    pub(super) fn limits(&self) -> Limits {
        self.inner.limits
    }

    /// Room for so many bytes of a body, if there is any.
    pub(super) fn room_for(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let bytes = u32::try_from(bytes).ok()?;
        Arc::clone(&self.inner.bodies)
            .try_acquire_many_owned(bytes)
            .ok()
    }

    /// Counts a webhook that was refused for its signature. Strangers must not fill the log: it hears of the first, the
    /// second, the fourth and so on.
    pub(super) fn refuse(&self) {
        let count = self.inner.refused.fetch_add(1, Ordering::Relaxed) + 1;
        if count.is_power_of_two() {
            tracing::warn!(
                count,
                "a webhook was refused: its signature is not of our app secret"
            );
        }
    }

    /// What came for another number is authentic (one app may serve several): it is recorded, but not ours to answer.
    pub(super) fn keep_ours(ours: &PhoneNumberId, events: Vec<Event>) -> Vec<Event> {
        let is_foreign = |event: &Event| number_of(event).is_some_and(|(number, _)| number != ours);
        let foreign = events.iter().filter(|event| is_foreign(event)).count();
        if foreign > 0 {
            tracing::warn!(
                elements = foreign,
                "a webhook is for another phone number id; it is kept and not answered"
            );
        }
        let sort = |event| {
            if is_foreign(&event) {
                silent(event)
            } else {
                event
            }
        };
        events.into_iter().map(sort).collect()
    }
}

/// `event`, of a number that is not ours, as it is recorded.
fn silent(event: Event) -> Event {
    if number_of(&event).is_some_and(|(number, _)| !is_storable(number)) {
        return unrouted(event);
    }
    match event {
        Event::Message(mut message) => {
            message.content.quiet = true;
            Event::Message(message)
        }
        other => other,
    }
}

/// An id that names no number, or none of WhatsApp's, has no conversation to stand in.
fn is_storable(number: &PhoneNumberId) -> bool {
    const PHONE_NUMBER_ID_BYTES_MAX: usize = 64;
    let id = number.as_str();
    (1..=PHONE_NUMBER_ID_BYTES_MAX).contains(&id.len()) && !id.contains('\0')
}

fn number_of(event: &Event) -> Option<(&PhoneNumberId, &serde_json::Value)> {
    match event {
        Event::Message(message) => Some((&message.phone_number_id, &message.raw)),
        Event::Status(status) => Some((&status.phone_number_id, &status.raw)),
        Event::Echo(echo) => Some((&echo.phone_number_id, &echo.raw)),
        Event::System(change) => Some((&change.phone_number_id, &change.raw)),
        Event::Account(_) | Event::Unreadable(_) => None,
    }
}

fn unrouted(event: Event) -> Event {
    match number_of(&event) {
        Some((_, raw)) => Event::Unreadable(Unreadable {
            reason: "unrouted: it is for no phone number id".to_owned(),
            raw: raw.clone(),
        }),
        None => event,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::whatsapp;

    #[test]
    fn what_came_for_another_number_is_recorded_and_not_answered() {
        for (number, kept) in [
            ("1122334455667", true),
            ("PHONE_NUMBER_ID", true),
            ("", false),
            (&"1".repeat(65), false),
        ] {
            let body = serde_json::json!({ "entry": [{ "changes": [{ "field": "messages", "value": {
                "metadata": { "phone_number_id": number },
                "messages": [{ "id": "wamid.1", "from": "27820001111", "timestamp": "1791800000",
                               "type": "text", "text": { "body": "hi" } }],
            } }] }] });
            let events = whatsapp::parse(body.to_string().as_bytes()).unwrap();
            let events: Vec<Event> = events.into_iter().map(silent).collect();
            match events.as_slice() {
                [Event::Message(message)] => assert!(kept && message.content.quiet),
                [Event::Unreadable(_)] => assert!(!kept, "{number}"),
                _ => panic!("one event"),
            }
        }
    }
}
