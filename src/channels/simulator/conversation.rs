//! What a person's phone shows.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::world::{By, Conversation, Item, World};

/// WhatsApp shows that somebody is writing for this long.
const TYPING_MS: i64 = 25_000;

/// Statuses of the business's messages; the rightmost one told counts.
const RANKS: [&str; 5] = ["accepted", "sent", "delivered", "read", "failed"];

/// The conversation of `phone` after cursor `after`.
pub(super) fn view(world: &World, phone: &str, (after, now_ms): (u64, i64)) -> Value {
    let empty = Conversation::default();
    let conversation = world.conversations.get(phone).unwrap_or(&empty);
    let items = conversation.items.iter().filter(|item| item.n > after);
    json!({
        "phone": format!("+{phone}"),
        "name": conversation.name,
        "cursor": conversation.items.last().map_or(after, |item| item.n.max(after)),
        "typing": conversation.typing_ms.is_some_and(|since| now_ms - since < TYPING_MS),
        "messages": items.map(|item| message(world, item, now_ms)).collect::<Vec<_>>(),
    })
}

/// Whether the business said something after cursor `after`.
pub(super) fn has_news(world: &World, phone: &str, after: u64) -> bool {
    world.conversations.get(phone).is_some_and(|conversation| {
        conversation
            .items
            .iter()
            .rev()
            .take_while(|item| item.n > after)
            .any(|item| item.by == By::Business)
    })
}

fn message(world: &World, item: &Item, now_ms: i64) -> Value {
    let kind = item.content["type"].as_str().unwrap_or("text");
    let part = &item.content[kind];
    let mut shown = json!({
        "n": item.n,
        "wamid": item.wamid,
        "at": time(item.at_ms),
        "by": if item.by == By::Person { "person" } else { "business" },
        "type": kind,
        "text": text(kind, part),
        "status": status(world, item, now_ms),
    });
    let quotes = &item.content["context"];
    let quotes = if item.by == By::Person {
        &quotes["id"]
    } else {
        &quotes["message_id"]
    };
    if quotes.is_string() {
        shown["quotes"] = quotes.clone();
    }
    match kind {
        "interactive" => show_choices(&mut shown, part),
        "template" => show_template(&mut shown, &item.shown),
        "reaction" => {
            shown["emoji"] = part["emoji"].clone();
            shown["about"] = part["message_id"].clone();
        }
        "text" => {}
        _ => shown[kind] = part.clone(),
    }
    shown
}

/// A template as it reads once it is filled in, with what can be tapped.
fn show_template(shown: &mut Value, filled: &Value) {
    for (key, part) in filled.as_object().into_iter().flatten() {
        shown[key] = part.clone();
    }
}

fn text(kind: &str, part: &Value) -> Value {
    let found = match kind {
        "text" => &part["body"],
        "interactive" if part["body"].is_object() => &part["body"]["text"],
        "interactive" => [&part["button_reply"], &part["list_reply"]]
            .into_iter()
            .find(|reply| reply.is_object())
            .map_or(&Value::Null, |reply| &reply["title"]),
        "button" => &part["text"],
        "location" => &part["name"],
        _ => &part["caption"],
    };
    json!(found.as_str().unwrap_or_default())
}

fn show_choices(shown: &mut Value, part: &Value) {
    for (key, found) in [
        ("header", &part["header"]["text"]),
        ("footer", &part["footer"]["text"]),
        ("button", &part["action"]["button"]),
    ] {
        if found.is_string() {
            shown[key] = found.clone();
        }
    }
    let header = &part["header"];
    if let Some(kind) = header["type"].as_str().filter(|kind| *kind != "text") {
        shown["header_media"] = json!({ "type": kind, kind: header[kind] });
    }
    match part["action"]["name"].as_str() {
        Some("cta_url") => {
            let link = &part["action"]["parameters"];
            shown["link"] = json!({ "title": link["display_text"], "url": link["url"] });
        }
        Some("send_location") => shown["asks"] = json!("location"),
        _ => {}
    }
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let buttons: Vec<_> = array(&part["action"]["buttons"])
        .iter()
        .map(|button| button["reply"].clone())
        .collect();
    let rows: Vec<_> = array(&part["action"]["sections"])
        .iter()
        .flat_map(|section| array(&section["rows"]))
        .collect();
    for (key, found) in [("buttons", buttons), ("rows", rows)] {
        if !found.is_empty() {
            shown[key] = json!(found);
        }
    }
    for key in ["button_reply", "list_reply"] {
        if part[key].is_object() {
            shown["chosen"] = part[key]["id"].clone();
        }
    }
}

/// Ticks: for the business's messages what WhatsApp has told by now, for the person's whether the service took it.
fn status(world: &World, item: &Item, now_ms: i64) -> &'static str {
    if item.by == By::Person {
        let delivered = item
            .statuses
            .iter()
            .any(|(n, ..)| !world.webhooks.contains_key(n));
        return if item.read {
            "read"
        } else if delivered {
            "delivered"
        } else {
            "sent"
        };
    }
    let told = item
        .statuses
        .iter()
        .filter(|(_, due_ms, _)| *due_ms <= now_ms);
    let rank = told
        .filter_map(|(.., word)| RANKS.iter().position(|known| known == word))
        .max();
    RANKS[rank.unwrap_or(0)]
}

pub(super) fn time(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .unwrap_or_default()
        .to_string()
}
