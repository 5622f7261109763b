//! How far a notification is and what became of a message, in plain words; and stopping.

use serde_json::{Map, Value, json};

use super::{Desk, Refused};
use crate::model::{ContactId, NotificationId};
use crate::store::notifications::{Listed, Outcome, Progress, Recipient, StoredMessage};

/// Rows of one page.
const PAGE_MAX: i64 = 500;

/// `accepted`, `sending`, `paused` with the reason, `stopped` or `finished`, with counts by outcome.
pub async fn state(desk: &Desk, id: NotificationId) -> Result<Value, Refused> {
    match desk.store.notification_progress(id).await? {
        Some(progress) => Ok(as_json(&progress)),
        None => Err(missing()),
    }
}

/// Nothing of it that is not being sent this moment is sent any more; the state after that.
pub async fn stop(desk: &Desk, id: NotificationId) -> Result<Value, Refused> {
    if !desk.store.stop_notification(id).await? {
        return Err(missing());
    }
    state(desk, id).await
}

/// A page of recipients with what became of each: `{recipients, next}`; `next` is where the next page begins.
pub async fn recipients(
    desk: &Desk,
    id: NotificationId,
    after: Option<ContactId>,
    limit: i64,
) -> Result<Value, Refused> {
    let limit = limit.clamp(1, PAGE_MAX);
    let found = desk.store.notification_recipients(id, after, limit).await?;
    if found.is_empty() && desk.store.notification_progress(id).await?.is_none() {
        return Err(missing());
    }
    let next = is_full(&found, limit).then(|| found.last().map(|one| one.contact));
    Ok(json!({
        "recipients": found.iter().map(recipient).collect::<Vec<_>>(),
        "next": next.flatten(),
    }))
}

/// A page of notifications, newest first: `{notifications, next}`.
pub async fn list(
    desk: &Desk,
    before: Option<NotificationId>,
    limit: i64,
) -> Result<Value, Refused> {
    list_of(desk, None, before, limit).await
}

/// The same of those that `created_by` asked for.
pub async fn list_of(
    desk: &Desk,
    created_by: Option<&str>,
    before: Option<NotificationId>,
    limit: i64,
) -> Result<Value, Refused> {
    let limit = limit.clamp(1, PAGE_MAX);
    let found = desk
        .store
        .notifications_of(created_by, before, limit)
        .await?;
    let next = is_full(&found, limit).then(|| found.last().map(|one| one.id));
    Ok(json!({
        "notifications": found.iter().map(listed).collect::<Vec<_>>(),
        "next": next.flatten(),
    }))
}

/// What became of a message, by our id or WhatsApp's, with its history.
pub async fn message(desk: &Desk, id: &str) -> Result<Value, Refused> {
    match desk.store.message_by(id).await? {
        Some(message) => Ok(message_json(&message)),
        None => Err(Refused::NotFound(
            "there is no message with this id".to_owned(),
        )),
    }
}

fn missing() -> Refused {
    Refused::NotFound("there is no notification with this id".to_owned())
}

fn is_full<T>(page: &[T], limit: i64) -> bool {
    i64::try_from(page.len()).is_ok_and(|length| length == limit)
}

fn as_json(progress: &Progress) -> Value {
    let count = |outcome: &Outcome| progress.outcomes.get(outcome).copied().unwrap_or(0);
    let counts: Map<String, Value> = Outcome::ALL
        .iter()
        .map(|outcome| (outcome.name().to_owned(), json!(count(outcome))))
        .collect();
    let (state, reason) = state_of(progress);
    json!({
        "id": progress.id,
        "state": state,
        "reason": reason,
        "template": progress.template,
        "category": progress.category,
        "critical": progress.critical,
        "account": progress.account,
        "area": progress.area,
        "created_by": progress.created_by,
        "created_at": progress.created_at,
        "send_at": progress.send_at,
        "expires_at": progress.expires_at,
        "stopped_at": progress.stopped_at,
        "repeat_of": progress.repeat_of,
        "recipients": progress.outcomes.values().sum::<i64>(),
        "counts": counts,
        "skipped": progress.skipped,
        "waits_for": progress.waits_for,
    })
}

/// The state with the reason for it, where one is needed.
fn state_of(progress: &Progress) -> (&'static str, Option<String>) {
    let is_open = progress.outcomes.keys().any(|outcome| outcome.is_open());
    if progress.stopped_at.is_some() {
        return ("stopped", None);
    }
    if !is_open {
        return ("finished", None);
    }
    if let Some(reason) = &progress.paused {
        return ("paused", Some(reason.clone()));
    }
    if progress.waits_for.contains_key("template") {
        let why = progress.template_trouble.clone().unwrap_or_else(|| {
            format!(
                "WhatsApp has not approved the template `{}` as it stands in the rules: see `puisano template diff`",
                progress.template
            )
        });
        return ("paused", Some(why));
    }
    if let Some(reason) = ["off", "paused"]
        .iter()
        .find(|what| progress.waits_for.contains_key(**what))
    {
        return ("paused", Some(waits_in_words(reason).to_owned()));
    }
    let nothing_went_out = progress
        .outcomes
        .keys()
        .all(|outcome| outcome.is_open() || *outcome == Outcome::Skipped);
    let reason = progress
        .waits_for
        .keys()
        .next()
        .map(|what| waits_in_words(what).to_owned());
    if nothing_went_out {
        ("accepted", reason)
    } else {
        ("sending", reason)
    }
}

fn waits_in_words(what: &str) -> &'static str {
    match what {
        "quiet_hours" => {
            "It waits for the end of the quiet hours (20:00 to 07:00 where the person lives)."
        }
        "template" => "WhatsApp has not approved the template yet.",
        "tier" => {
            "WhatsApp's limit of people written to first in a day is reached; it goes on as the day passes."
        }
        "cap" => "The person has had as many notifications today as are allowed.",
        "pair" => "It keeps to WhatsApp's pace for one recipient.",
        "upload" => "Its file is being given to WhatsApp.",
        "paused" => "Sending is paused for the whole number.",
        "off" => "Sending is switched off in the settings.",
        _ => "It waits to be sent.",
    }
}

fn recipient(one: &Recipient) -> Value {
    let why = match one.skipped.as_deref() {
        Some("opted_out") => Some("The person asked for no more messages of this kind.".to_owned()),
        Some("no_consent") => {
            Some("The person has not agreed to messages of this kind.".to_owned())
        }
        Some("no_address") => Some("There is neither a phone number nor a user id.".to_owned()),
        Some("stopped") => Some("The notification was stopped before it was sent.".to_owned()),
        Some("cancelled") => Some("What came in the meantime has made it pointless.".to_owned()),
        _ => one.failure.clone().or_else(|| {
            one.waits_for
                .as_deref()
                .map(|what| waits_in_words(what).to_owned())
        }),
    };
    json!({
        "contact": one.contact,
        "name": one.name,
        "to": one.address,
        "account": one.account,
        "outcome": one.outcome.name(),
        "reason": one.skipped,
        "explanation": why,
        "error_code": one.failure_code,
        "message": one.message,
        "wamid": one.wamid,
        "at": one.at,
    })
}

fn listed(one: &Listed) -> Value {
    json!({
        "id": one.id,
        "template": one.template,
        "area": one.area,
        "account": one.account,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "stopped_at": one.stopped_at,
        "recipients": one.recipients,
    })
}

fn message_json(message: &StoredMessage) -> Value {
    let history: Vec<Value> = message
        .events
        .iter()
        .map(|event| json!({ "status": event.status, "at": event.at, "errors": event.errors }))
        .collect();
    json!({
        "id": message.id,
        "wamid": message.wamid,
        "direction": message.direction,
        "type": message.message_type,
        "status": message.status,
        "explanation": explanation(message),
        "error_code": message.failure_code,
        "errors": message.errors,
        "notification": message.notification,
        "media": message.media,
        "created_at": message.sent_at,
        "status_at": message.status_at,
        "history": history,
    })
}

/// What a message's status means, and what can be done.
fn explanation(message: &StoredMessage) -> String {
    if let Some(failure) = &message.failure
        && message.outbox_state.as_deref() != Some("sent")
    {
        return failure.clone();
    }
    if message.outbox_state.as_deref() == Some("pending")
        && let Some(what) = &message.waits_for
    {
        return waits_in_words(what).to_owned();
    }
    let words = match message.status.as_str() {
        "received" => "The customer sent it.",
        "queued" => "It waits to be sent.",
        "accepted" => "WhatsApp has taken it.",
        "sent" => "WhatsApp has sent it to the phone.",
        "delivered" => "It is on the phone.",
        "read" => "The customer has read it.",
        "played" => "The customer has listened to it.",
        "failed" => "WhatsApp could not deliver it.",
        "unknown" => "It may have been sent; WhatsApp has not said yet.",
        "held" => "It is not known whether it was sent; staff has to look at it.",
        "cancelled" => "It was not sent.",
        "deleted" => "It was deleted.",
        _ => "",
    };
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;

    use super::*;

    fn progress(outcomes: &[(Outcome, i64)]) -> Progress {
        let now = Timestamp::UNIX_EPOCH;
        Progress {
            id: NotificationId(uuid::Uuid::nil()),
            template: "payment_reminder".to_owned(),
            category: "account".to_owned(),
            critical: false,
            account: None,
            area: None,
            created_by: "billing".to_owned(),
            created_at: now,
            send_at: now,
            expires_at: now,
            stopped_at: None,
            repeat_of: None,
            outcomes: outcomes.iter().copied().collect(),
            skipped: BTreeMap::new(),
            waits_for: BTreeMap::new(),
            paused: None,
            template_trouble: None,
            now,
        }
    }

    #[test]
    fn the_state_follows_from_the_outcomes() {
        use Outcome::{Cancelled, Delivered, Held, Queued, Sent, Skipped, Unknown, Waiting};
        for (outcomes, expected) in [
            (&[(Waiting, 3)][..], "accepted"),
            (&[(Queued, 3), (Skipped, 1)], "accepted"),
            (&[(Queued, 2), (Sent, 1)], "sending"),
            (&[(Unknown, 1), (Delivered, 1)], "sending"),
            (&[(Delivered, 2), (Held, 1), (Cancelled, 1)], "finished"),
            (&[], "finished"),
        ] {
            assert_eq!(state_of(&progress(outcomes)).0, expected, "{outcomes:?}");
        }
        let mut paused = progress(&[(Queued, 1)]);
        paused.paused = Some("The token is no longer valid.".to_owned());
        assert_eq!(
            state_of(&paused),
            ("paused", Some("The token is no longer valid.".to_owned()))
        );
        paused.stopped_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(state_of(&paused).0, "stopped");
        let mut waiting = progress(&[(Waiting, 1)]);
        waiting.waits_for.insert("template".to_owned(), 1);
        assert_eq!(state_of(&waiting).0, "paused");
        let mut night = progress(&[(Waiting, 1)]);
        night.waits_for.insert("quiet_hours".to_owned(), 1);
        let (state, reason) = state_of(&night);
        assert_eq!(state, "accepted");
        assert!(reason.unwrap().contains("quiet hours"));
    }
}
