//! A person writes: what is typed, tapped or sent becomes a message and its webhook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::control::problem;
use super::faults::Kind;
use super::shared::{Due, Plan, Shared};
use super::weather::copies;
use super::webhooks::{self, Person};
use super::world::{self, By, Conversation, Item, Record};
use super::{PHONE_DIGITS, digits};

const LATE_DEFAULT_MS: u64 = 500;

/// The types a person's message can have beside `text`, `button` and `list`; `voice` goes as `audio`.
const PARTS: [&str; 9] = [
    "image", "video", "document", "audio", "voice", "sticker", "location", "contacts", "reaction",
];
const FILES: [&str; 5] = ["image", "video", "document", "audio", "sticker"];

/// A person's message, as `POST /_simulator/messages` takes it; its content is in `rest`.
#[derive(Debug, Deserialize)]
pub(super) struct Written {
    from: String,
    name: Option<String>,
    reply_to: Option<String>,
    #[serde(default)]
    age_s: u32,
    #[serde(default)]
    hide_phone: bool,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// Writes as a person.
pub(super) async fn write(State(shared): State<Shared>, Json(written): Json<Written>) -> Response {
    let phone = digits(&written.from);
    if !PHONE_DIGITS.contains(&phone.len()) {
        return problem(
            StatusCode::BAD_REQUEST,
            "`from` is a phone number such as +27600000001",
        );
    }
    let (doubled, late) = {
        let mut faults = shared.faults();
        let mut strike = |kind| faults.strike(&[kind], Some(&phone));
        (
            strike(Kind::DuplicateWebhooks),
            strike(Kind::ReorderWebhooks),
        )
    };
    let coming = Coming {
        copies: copies(doubled.as_ref()),
        late_ms: late.map_or(0, |fault| fault.delay_ms.unwrap_or(LATE_DEFAULT_MS)),
    };
    let wamid = shared.new_wamid();
    let sender = Sender {
        phone: &phone,
        wamid: &wamid,
    };
    match shared
        .commit(|plan| Ok(happens(&shared, plan, &written, (&sender, &coming))))
        .await
    {
        Ok(Some(n)) => {
            let user_id = webhooks::user_id(&shared.account, &phone);
            Json(json!({ "wamid": wamid, "cursor": n, "user_id": user_id })).into_response()
        }
        Ok(None) => problem(
            StatusCode::BAD_REQUEST,
            "say exactly one thing, such as `text`",
        ),
        Err(error) => error.into_response(),
    }
}

/// The person who writes, and the id of what is written.
struct Sender<'a> {
    phone: &'a str,
    wamid: &'a str,
}

/// How the webhook comes.
struct Coming {
    copies: u32,
    late_ms: u64,
}

/// The number of the message; nothing when its content is not exactly one thing.
fn happens(
    shared: &Shared,
    plan: &mut Plan<'_>,
    written: &Written,
    (sender, coming): (&Sender<'_>, &Coming),
) -> Option<u64> {
    let at_ms = plan.now_ms - i64::from(written.age_s) * 1_000;
    let known = plan.world.conversations.get(sender.phone);
    let mut message = element(shared, known, written, sender)?;
    message["timestamp"] = json!((at_ms / 1_000).to_string());
    let name = written.name.clone().or_else(|| known?.name.clone());
    let phone = sender.phone.to_owned();
    let person = Person {
        phone: phone.clone(),
        name: name.clone(),
        hides_phone: written.hide_phone,
    };
    let body = webhooks::message(&shared.account, &person, &message);
    let n = plan.number();
    plan.push(Record::Written(world::Written {
        n,
        at_ms,
        phone,
        name,
        message,
    }));
    let due_ms = plan.now_ms.saturating_add_unsigned(coming.late_ms);
    plan.webhook(
        sender.wamid,
        &Due {
            at_ms: due_ms,
            copies: coming.copies,
            status: None,
        },
        &body,
    );
    Some(n)
}

/// The element of the webhook, but for its time.
fn element(
    shared: &Shared,
    known: Option<&Conversation>,
    written: &Written,
    sender: &Sender<'_>,
) -> Option<Value> {
    let mut parts = written.rest.iter();
    let (Some((key, part)), None) = (parts.next(), parts.next()) else {
        return None;
    };
    let (mut message, tapped) = content(key, part, (known, sender.wamid))?;
    message["id"] = json!(sender.wamid);
    message["from_user_id"] = json!(webhooks::user_id(&shared.account, sender.phone));
    if !written.hide_phone {
        message["from"] = json!(sender.phone);
    }
    if let Some(quoted) = written.reply_to.clone().or(tapped) {
        message["context"] = json!({ "from": shared.account.display_phone_number, "id": quoted });
    }
    Some(message)
}

/// Type and part of the element, and the message that was tapped.
fn content(
    key: &str,
    part: &Value,
    (conversation, wamid): (Option<&Conversation>, &str),
) -> Option<(Value, Option<String>)> {
    let reply = |kind: &str| {
        let id = part["id"].as_str()?;
        part["title"].as_str()?;
        let interactive = json!({ "type": kind, kind: part });
        let tapped = conversation.and_then(|conversation| offering(conversation, id));
        Some((
            json!({ "type": "interactive", "interactive": interactive }),
            tapped,
        ))
    };
    match key {
        "text" => Some((
            json!({ "type": "text", "text": { "body": part.as_str()? } }),
            None,
        )),
        "button" => reply("button_reply"),
        "list" => reply("list_reply"),
        "message" => part.is_object().then(|| (part.clone(), None)),
        "contacts" => part
            .is_array()
            .then(|| (json!({ "type": key, key: part }), None)),
        _ if PARTS.contains(&key) && part.is_object() => Some((plain(key, part, wamid), None)),
        _ => None,
    }
}

fn plain(key: &str, part: &Value, wamid: &str) -> Value {
    let kind = if key == "voice" { "audio" } else { key };
    let mut part = part.clone();
    if key == "voice" {
        part["voice"] = json!(true);
    }
    if FILES.contains(&kind) {
        for (field, default) in [
            ("id", digits(wamid)),
            ("mime_type", mime_type(key).to_owned()),
            ("sha256", "c2ltdWxhdGVk".to_owned()),
        ] {
            if part[field].is_null() {
                part[field] = json!(default);
            }
        }
    }
    json!({ "type": kind, kind: part })
}

fn mime_type(key: &str) -> &'static str {
    match key {
        "image" => "image/jpeg",
        "video" => "video/mp4",
        "audio" => "audio/mpeg",
        "voice" => "audio/ogg; codecs=opus",
        "sticker" => "image/webp",
        _ => "application/pdf",
    }
}

/// The latest message of the business that offers this button or row, else its latest message.
fn offering(conversation: &Conversation, id: &str) -> Option<String> {
    let mut of_business = conversation
        .items
        .iter()
        .rev()
        .filter(|item| item.by == By::Business);
    let offers = |item: &&Item| {
        let action = &item.content["interactive"]["action"];
        let buttons = action["buttons"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|button| &button["reply"]["id"]);
        let sections = action["sections"].as_array().into_iter().flatten();
        let rows = sections
            .flat_map(|section| section["rows"].as_array().into_iter().flatten())
            .map(|row| &row["id"]);
        buttons.chain(rows).any(|offered| offered == id)
    };
    let latest = of_business.clone().next();
    of_business
        .find(offers)
        .or(latest)
        .map(|item| item.wamid.clone())
}
