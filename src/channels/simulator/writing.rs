//! A person writes: what is typed, tapped or sent becomes a message and its webhook.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::control::problem;
use super::faults::Kind;
use super::record::{self, Record};
use super::shared::{Due, Plan, Shared};
use super::weather::copies;
use super::webhooks::{self, Person};
use super::world::{By, Conversation, Item};
use super::{PHONE_DIGITS, digits, media};

const LATE_DEFAULT_MS: u64 = 500;

/// The types a person's message can have beside `text`, `button`, `list` and `tap`; `voice` goes as `audio`.
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
pub(super) async fn write(
    State(shared): State<Shared>,
    Json(mut written): Json<Written>,
) -> Response {
    let phone = digits(&written.from);
    if !PHONE_DIGITS.contains(&phone.len()) {
        return problem(
            StatusCode::BAD_REQUEST,
            "`from` is a phone number such as +27600000001",
        );
    }
    let file = match keep_file(&shared, &mut written.rest).await {
        Ok(file) => file,
        Err(refused) => return refused,
    };
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
        .commit(|plan| {
            let happened = happens(&shared, plan, &written, (&sender, &coming));
            if let Some(media) = file.filter(|_| happened.is_some()) {
                plan.push(Record::Media(media));
            }
            Ok(happened)
        })
        .await
    {
        Ok(Some(n)) => {
            let user_id = webhooks::user_id(&shared.account, &phone);
            Json(json!({ "wamid": wamid, "cursor": n, "user_id": user_id })).into_response()
        }
        Ok(None) => problem(
            StatusCode::BAD_REQUEST,
            "say exactly one thing, such as `text`; `tap` only what was offered",
        ),
        Err(error) => error.into_response(),
    }
}

/// Keeps the file that a person sends, and puts in its place what WhatsApp says of it.
async fn keep_file(
    shared: &Shared,
    parts: &mut Map<String, Value>,
) -> Result<Option<media::Media>, Response> {
    let carries = |key: &String| FILES.contains(&key.as_str()) || key == "voice";
    let Some((key, part)) = parts.iter_mut().find(|(key, _)| carries(key)) else {
        return Ok(None);
    };
    let Some(file) = media::of_person(part, mime_type(key)) else {
        return Ok(None);
    };
    let file = file.map_err(|reason| problem(StatusCode::BAD_REQUEST, reason))?;
    let mime = file.mime.clone();
    let kept = file.keep(shared, false).await;
    let kept = kept.map_err(IntoResponse::into_response)?;
    if let Some(fields) = part.as_object_mut() {
        fields.remove("bytes");
        fields.insert("id".to_owned(), json!(kept.id));
        fields.insert("mime_type".to_owned(), json!(mime));
        fields.insert("sha256".to_owned(), json!(kept.sha256));
        fields.insert("url".to_owned(), json!(media::address(shared, &kept.id)));
    }
    Ok(Some(kept))
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
    plan.push(Record::Written(record::Written {
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
        "tap" => tap(conversation?, part.as_str()?),
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
    let mut of_business = of_business(conversation);
    let latest = of_business.clone().next();
    let offers = |item: &&Item| choices(item).iter().any(|choice| choice.value["id"] == id);
    let found = of_business.find(offers).or(latest);
    found.map(|item| item.wamid.clone())
}

/// The element for a tap on the latest thing with this id or title, and the message that had it.
fn tap(conversation: &Conversation, chosen: &str) -> Option<(Value, Option<String>)> {
    let (item, choice) = of_business(conversation).find_map(|item| {
        let is_it =
            |choice: &Choice<'_>| choice.value["id"] == chosen || choice.value["title"] == chosen;
        Some((item, choices(item).into_iter().find(is_it)?))
    })?;
    let element = match choice.kind {
        // Of a template, which is answered in another way.
        "button" => json!({
            "type": "button", "button": { "payload": choice.value["id"], "text": choice.value["title"] },
        }),
        kind => {
            json!({ "type": "interactive", "interactive": { "type": kind, kind: choice.value } })
        }
    };
    Some((element, Some(item.wamid.clone())))
}

fn of_business(conversation: &Conversation) -> impl Iterator<Item = &Item> + Clone {
    conversation
        .items
        .iter()
        .rev()
        .filter(|item| item.by == By::Business)
}

/// Something that can be tapped: how the tap is told, and its id and title.
struct Choice<'a> {
    kind: &'static str,
    value: &'a Value,
}

fn choices(item: &Item) -> Vec<Choice<'_>> {
    let action = &item.content["interactive"]["action"];
    let mut choices = Vec::new();
    for button in list(&action["buttons"]) {
        choices.push(Choice {
            kind: "button_reply",
            value: &button["reply"],
        });
    }
    for row in list(&action["sections"]).flat_map(|section| list(&section["rows"])) {
        choices.push(Choice {
            kind: "list_reply",
            value: row,
        });
    }
    for button in list(&item.shown["buttons"]).filter(|button| button["type"] == "quick_reply") {
        choices.push(Choice {
            kind: "button",
            value: button,
        });
    }
    choices
}

fn list(value: &Value) -> std::slice::Iter<'_, Value> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter()
}
