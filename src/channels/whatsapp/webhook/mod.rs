//! A webhook's body to events. One bad element never harms the rest, and nothing is dropped: what is not understood
//! becomes [`Event::Unreadable`] or [`Event::Account`] with the JSON it came as.
//!
//! Does not check the signature, decide what is new or stale, or store anything.

mod account;
mod lenient;
mod message;
mod people;
mod status;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::model::{AccountEvent, Event, PhoneNumber, PhoneNumberId, Unreadable, Wamid};
pub use account::account_update;
pub(super) use account::daily_limit;
use people::Contacts;

/// How many events of one webhook are handled in one go. WhatsApp sends at most 1,000; of more than this all are
/// returned, and the caller stores them in portions of this size.
pub const ELEMENTS_PER_PORTION_MAX: usize = 2_000;

/// Levels of nesting in one element. WhatsApp's own stay under ten.
pub const ELEMENT_DEPTH_MAX: usize = 32;

/// The documented `id` is opaque and of no stated length.
const WAMID_BYTES_MAX: usize = 512;

/// Timestamps above this are milliseconds: in seconds it is the year 5138.
const SECONDS_MAX: i64 = 99_999_999_999;

const OBJECT: &str = "whatsapp_business_account";
const ECHO_FIELD: &str = "smb_message_echoes";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    #[error("the body is not JSON")]
    NotJson,
}

/// Reads a webhook. Everything in it that is not understood becomes [`Event::Unreadable`] or [`Event::Account`].
///
/// A message or status without a readable time has `sent_at` (`at`) at the Unix epoch: too old to be answered as fresh,
/// and plainly not a time of WhatsApp's.
pub fn parse(body: &[u8]) -> Result<Vec<Event>, ParseError> {
    let root = lenient::read(body).ok_or(ParseError::NotJson)?;
    let mut events = Vec::new();
    read_root(root, &mut events);
    Ok(events)
}

fn read_root(root: Value, events: &mut Vec<Event>) {
    let Value::Object(mut fields) = root else {
        return events.push(unreadable("the body is not an object", root));
    };
    let known = match fields.get("object") {
        None | Some(Value::Null) => true,
        Some(object) => object == OBJECT,
    };
    if !known {
        return events.push(account("", Value::Object(fields)));
    }
    if let Some(entries) = fields.remove("entry") {
        for entry in elements(Some(entries)) {
            read_entry(entry, events);
        }
    } else if fields.contains_key("value") {
        // The dashboard shows its samples without the envelope; people send them like that.
        read_change(&Origin::default(), Value::Object(fields), events);
    } else if fields.contains_key("messages") || fields.contains_key("statuses") {
        let change = json!({ "field": "messages", "value": fields });
        read_change(&Origin::default(), change, events);
    } else {
        events.push(unreadable("the body has no entry", Value::Object(fields)));
    }
}

/// What an entry says beside its changes.
#[derive(Debug, Default)]
struct Origin {
    rest: Map<String, Value>,
}

impl Origin {
    /// One change in the entry it came in, as if it had come alone.
    fn wrap(&self, change: Value) -> Value {
        let mut entry = self.rest.clone();
        entry.insert("changes".to_owned(), Value::Array(vec![change]));
        Value::Object(entry)
    }
}

fn read_entry(entry: Value, events: &mut Vec<Event>) {
    let Value::Object(mut fields) = entry else {
        return events.push(unreadable("an entry that is not an object", entry));
    };
    let Some(changes) = fields.remove("changes") else {
        return events.push(account("", Value::Object(fields)));
    };
    let origin = Origin { rest: fields };
    for change in elements(Some(changes)) {
        read_change(&origin, change, events);
    }
}

fn read_change(origin: &Origin, mut change: Value, events: &mut Vec<Event>) {
    if !change.is_object() {
        return events.push(unreadable("a change that is not an object", change));
    }
    let field = said(&change, "field");
    let value = change
        .get_mut("value")
        .filter(|value| has_elements(&field, value));
    let Some(value) = value.map(Value::take) else {
        let wrap = |change| account(&field, origin.wrap(change));
        return events.extend(account::split(&field, change).into_iter().map(wrap));
    };
    read_value(&field, value, events);
}

/// Whether `value` holds messages, echoes, statuses or errors that are to be read one by one. The calls and the history
/// have arrays of the same names that mean something else.
fn has_elements(field: &str, value: &Value) -> bool {
    let read_by_us = matches!(field, "" | "messages" | ECHO_FIELD);
    let filled = |key| match value.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Array(items)) => !items.is_empty(),
        Some(_) => true,
    };
    read_by_us
        && ["messages", "message_echoes", "statuses", "errors"]
            .into_iter()
            .any(filled)
}

fn read_value(field: &str, mut value: Value, events: &mut Vec<Event>) {
    let mut take = |key: &str| elements(value.get_mut(key).map(Value::take));
    let (messages, echoes) = (take("messages"), take("message_echoes"));
    let (statuses, errors) = (take("statuses"), take("errors"));
    let place = Place {
        phone_number_id: PhoneNumberId(said(&value["metadata"], "phone_number_id")),
        own_number: PhoneNumber::parse(&said(&value["metadata"], "display_phone_number")),
        contacts: Contacts::new(
            &elements(value.get_mut("contacts").map(Value::take)),
            messages.len(),
        ),
    };
    for raw in messages {
        // What a colleague typed on the phone must never reach the bot, under whichever key it comes.
        let is_echo = field == ECHO_FIELD;
        events.push(if is_echo {
            message::echo(&place, raw)
        } else {
            message::message(&place, raw)
        });
    }
    events.extend(echoes.into_iter().map(|raw| message::echo(&place, raw)));
    events.extend(statuses.into_iter().map(|raw| status::status(&place, raw)));
    for error in errors {
        events.push(account(
            field,
            json!({ "metadata": value["metadata"], "errors": [error] }),
        ));
    }
}

/// Where an element stood: our number, and the people its webhook speaks of.
#[derive(Debug)]
struct Place {
    phone_number_id: PhoneNumberId,
    own_number: Option<PhoneNumber>,
    contacts: Contacts,
}

/// The elements of an array; anything else stands for itself, alone.
fn elements(value: Option<Value>) -> Vec<Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
    }
}

/// The id of a readable element, or why it is not readable.
fn check_element(raw: &Value) -> Result<Wamid, &'static str> {
    if !raw.is_object() {
        return Err("an element that is not an object");
    }
    if is_deeper(raw, ELEMENT_DEPTH_MAX) {
        return Err("an element that is nested too deep");
    }
    wamid(raw, "id").ok_or("an element without a usable id")
}

fn wamid(value: &Value, key: &str) -> Option<Wamid> {
    Some(said(value, key))
        .filter(|id| (1..=WAMID_BYTES_MAX).contains(&id.len()))
        .map(Wamid)
}

/// The text under `key`, without the space around it; numbers are written out, everything else is empty.
fn said(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.trim().to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// The first of `keys` under which something is said.
fn first_said(value: &Value, keys: &[&str]) -> String {
    keys.iter()
        .map(|key| said(value, key))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

fn time(raw: &Value) -> Timestamp {
    let text = said(raw, "timestamp");
    let whole = text.split('.').next().unwrap_or_default();
    let known = whole
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .and_then(|number: i64| {
            let time = if number > SECONDS_MAX {
                Timestamp::from_millisecond
            } else {
                Timestamp::from_second
            };
            time(number).ok()
        });
    known.unwrap_or(Timestamp::UNIX_EPOCH)
}

fn account(field: &str, raw: Value) -> Event {
    if is_deeper(&raw, ELEMENT_DEPTH_MAX) {
        return unreadable("a change that is nested too deep", raw);
    }
    Event::Account(AccountEvent {
        field: field.to_owned(),
        update: account_update(field, &raw),
        raw,
    })
}

fn unreadable(reason: &str, raw: Value) -> Event {
    Event::Unreadable(Unreadable {
        reason: reason.to_owned(),
        raw,
    })
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    match value {
        Value::Array(items) => levels == 0 || items.iter().any(|item| is_deeper(item, levels - 1)),
        Value::Object(fields) => {
            levels == 0 || fields.values().any(|item| is_deeper(item, levels - 1))
        }
        _ => false,
    }
}
