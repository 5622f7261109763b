//! What became of a message that left our number.

use serde_json::Value;

use super::people::person;
use super::{Place, check_element, elements, first_said, said, time, unreadable};
use crate::model::{DeliveryStatus, Event, StatusError, StatusUpdate};

pub(super) fn status(place: &Place, raw: Value) -> Event {
    let wamid = match check_element(&raw) {
        Ok(wamid) => wamid,
        Err(reason) => return unreadable(reason, raw),
    };
    let Some(status) = DeliveryStatus::parse(&said(&raw, "status").to_ascii_lowercase()) else {
        return unreadable("a status of an unknown kind", raw);
    };
    // In a group the recipient is the group; the participant is the person.
    let recipient = if said(&raw, "recipient_type") == "group" {
        person(
            &raw,
            "recipient_participant_id",
            "recipient_participant_user_id",
            "recipient_participant_parent_user_id",
        )
    } else {
        person(
            &raw,
            "recipient_id",
            "recipient_user_id",
            "recipient_parent_user_id",
        )
    };
    Event::Status(StatusUpdate {
        phone_number_id: place.phone_number_id.clone(),
        wamid,
        status,
        at: time(&raw),
        opaque: Some(said(&raw, "biz_opaque_callback_data")).filter(|text| !text.is_empty()),
        recipient: place.contacts.complete(recipient),
        errors: elements(raw.get("errors").cloned())
            .iter()
            .map(error)
            .collect(),
        raw,
    })
}

/// Each part but the code may be missing; older forms have `details` outside `error_data`.
fn error(value: &Value) -> StatusError {
    let inner = said(&value["error_data"], "details");
    StatusError {
        code: said(value, "code").parse().unwrap_or(0),
        title: first_said(value, &["title", "message"]),
        details: if inner.is_empty() {
            first_said(value, &["details", "message"])
        } else {
            inner
        },
    }
}
