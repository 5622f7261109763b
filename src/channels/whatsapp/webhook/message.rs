//! Messages of customers, messages of colleagues on the phone app, and changes of a customer's number.

use serde_json::Value;

use super::people::person;
use super::{Place, check_element, first_said, said, time, unreadable, wamid};
use crate::model::{
    Echo, Event, InboundMessage, MessageContent, MessageType, PhoneNumber, SystemChange, UserId,
    Wamid,
};

pub(super) fn message(place: &Place, raw: Value) -> Event {
    let wamid = match check_element(&raw) {
        Ok(wamid) => wamid,
        Err(reason) => return unreadable(reason, raw),
    };
    if word_of(&raw) == "system" {
        return system(place, wamid, raw);
    }
    let sender = person(&raw, "from", "from_user_id", "from_parent_user_id");
    let from_ourselves = sender.phone.is_some() && sender.phone == place.own_number;
    let content = content(&raw);
    Event::Message(Box::new(InboundMessage {
        phone_number_id: place.phone_number_id.clone(),
        wamid,
        from: place.contacts.complete(sender),
        sent_at: time(&raw),
        content: MessageContent {
            quiet: content.quiet || from_ourselves,
            ..content
        },
        reply_to: quoted(&raw),
        group_id: Some(said(&raw, "group_id")).filter(|id| !id.is_empty()),
        raw,
    }))
}

pub(super) fn echo(place: &Place, raw: Value) -> Event {
    let wamid = match check_element(&raw) {
        Ok(wamid) => wamid,
        Err(reason) => return unreadable(reason, raw),
    };
    Event::Echo(Box::new(Echo {
        phone_number_id: place.phone_number_id.clone(),
        wamid,
        to: place
            .contacts
            .complete(person(&raw, "to", "to_user_id", "to_parent_user_id")),
        sent_at: time(&raw),
        content: content(&raw),
        raw,
    }))
}

fn system(place: &Place, wamid: Wamid, raw: Value) -> Event {
    let (sender, told) = (
        person(&raw, "from", "from_user_id", "from_parent_user_id"),
        &raw["system"],
    );
    let new_number = first_said(told, &["wa_id", "new_wa_id"]);
    let new_user_id = UserId::parse(&said(told, "user_id")).or_else(|| UserId::parse(&new_number));
    let text = said(told, "body");
    let old_user_id = UserId::parse(&said(told, "previous_user_id"))
        .or(sender.user_id)
        .or_else(|| previous_user_id(&text, new_user_id.as_ref()?));
    Event::System(SystemChange {
        phone_number_id: place.phone_number_id.clone(),
        wamid,
        sent_at: time(&raw),
        old_phone: sender
            .phone
            .or_else(|| PhoneNumber::parse(&said(told, "customer"))),
        old_user_id: old_user_id.filter(|old| Some(old) != new_user_id.as_ref()),
        new_phone: PhoneNumber::parse(&new_number),
        new_user_id,
        text,
        raw,
    })
}

/// `User … changed from ZA.1 to ZA.2`: where no field names the old id, the end of the sentence does. Only the end is
/// read, and only if it names the new id as the field does: the customer's own name stands before it.
fn previous_user_id(sentence: &str, new: &UserId) -> Option<UserId> {
    let (_, change) = sentence.trim_end().rsplit_once(" changed from ")?;
    let (old, to) = change.split_once(" to ")?;
    (to == new.as_str()).then(|| UserId::parse(old)).flatten()
}

fn quoted(raw: &Value) -> Option<Wamid> {
    wamid(&raw["context"], "id").or_else(|| wamid(&raw["context"], "message_id"))
}

/// The `type`, or the first known one whose object is there when it was left out.
fn word_of(raw: &Value) -> &str {
    let stated = raw.get("type").and_then(Value::as_str).unwrap_or_default();
    let implied = || {
        KINDS
            .iter()
            .map(|(word, _)| *word)
            .find(|word| raw.get(word).is_some())
    };
    if stated.is_empty() {
        implied().unwrap_or_default()
    } else {
        stated
    }
}

/// The types whose name alone tells the kind; `interactive` and `audio` are looked into.
const KINDS: [(&str, MessageType); 20] = [
    ("text", MessageType::Text),
    ("image", MessageType::Image),
    ("video", MessageType::Video),
    ("audio", MessageType::Audio),
    ("voice", MessageType::Voice),
    ("document", MessageType::Document),
    ("sticker", MessageType::Sticker),
    ("location", MessageType::Location),
    ("contacts", MessageType::Contacts),
    ("reaction", MessageType::Reaction),
    ("interactive", MessageType::Interactive),
    ("button", MessageType::Button),
    ("order", MessageType::Order),
    ("system", MessageType::System),
    ("edit", MessageType::Edit),
    ("revoke", MessageType::Revoke),
    ("template", MessageType::Template),
    ("unsupported", MessageType::Unsupported),
    // Last: `errors` stands beside other types as well.
    ("unknown", MessageType::Unknown),
    ("errors", MessageType::Unsupported),
];

fn content(raw: &Value) -> MessageContent {
    let word = word_of(raw);
    let message_type = KINDS
        .iter()
        .find(|(known, _)| *known == word)
        .map_or(MessageType::Unknown, |(_, kind)| *kind);
    let part = &raw[word];
    let empty = MessageContent {
        message_type,
        text: String::new(),
        button: None,
        about: None,
        media_id: None,
        quiet: word == "request_welcome"
            || (message_type == MessageType::Unsupported && is_no_message(part)),
    };
    match message_type {
        MessageType::Text => MessageContent {
            text: body(part),
            ..empty
        },
        MessageType::Image
        | MessageType::Video
        | MessageType::Audio
        | MessageType::Voice
        | MessageType::Document
        | MessageType::Sticker => media(part, empty),
        MessageType::Location => MessageContent {
            text: first_said(part, &["name", "address"]),
            ..empty
        },
        MessageType::Reaction => MessageContent {
            text: said(part, "emoji"),
            about: wamid(part, "message_id"),
            ..empty
        },
        MessageType::Interactive => interactive(part, empty),
        MessageType::Button => MessageContent {
            text: said(part, "text"),
            button: filled(said(part, "payload")),
            ..empty
        },
        MessageType::Order => MessageContent {
            text: said(part, "text"),
            ..empty
        },
        MessageType::Edit => edit(part, empty),
        MessageType::Revoke => MessageContent {
            about: wamid(part, "original_message_id"),
            ..empty
        },
        _ => empty,
    }
}

/// WhatsApp reports as unsupported what customers do beside writing; answering that would puzzle them.
fn is_no_message(unsupported: &Value) -> bool {
    let quiet = ["edit", "pin", "keep_in_chat", "reaction"];
    quiet.contains(&said(unsupported, "type").as_str())
}

/// What the customer typed, unchanged.
fn body(part: &Value) -> String {
    match part.get("body").unwrap_or(part) {
        Value::String(text) => text.clone(),
        _ => said(part, "body"),
    }
}

fn media(part: &Value, empty: MessageContent) -> MessageContent {
    let recorded = empty.message_type == MessageType::Audio && part["voice"] == true;
    MessageContent {
        message_type: if recorded {
            MessageType::Voice
        } else {
            empty.message_type
        },
        text: said(part, "caption"),
        media_id: filled(said(part, "id")),
        ..empty
    }
}

/// A reply to something of ours; the whole object may be missing, and new kinds may come.
fn interactive(part: &Value, empty: MessageContent) -> MessageContent {
    let known = [
        ("button_reply", MessageType::ButtonReply),
        ("list_reply", MessageType::ListReply),
        ("nfm_reply", MessageType::Form),
        ("call_permission_reply", MessageType::CallPermission),
    ];
    let stated = said(part, "type");
    let is_it = |word: &str| {
        if stated.is_empty() {
            part.get(word).is_some()
        } else {
            stated == word
        }
    };
    let Some((word, message_type)) = known.into_iter().find(|(word, _)| is_it(word)) else {
        return empty;
    };
    let reply = &part[word];
    MessageContent {
        message_type,
        text: first_said(reply, &["title", "body", "response"]),
        button: filled(said(reply, "id")),
        ..empty
    }
}

/// The new content of an edited message; the message itself stays the one it is about.
fn edit(part: &Value, empty: MessageContent) -> MessageContent {
    let inner = &part["message"];
    // An edit of an edit would be a way to make us recurse; there is no such thing.
    let new = if word_of(inner) == "edit" {
        empty.clone()
    } else {
        content(inner)
    };
    MessageContent {
        about: wamid(part, "original_message_id"),
        text: new.text,
        media_id: new.media_id,
        ..empty
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
