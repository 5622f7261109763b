//! The JSON of sending one message, and WhatsApp's limits on everything in it.
//!
//! `interactive` has WhatsApp's own shape, because that is what callers have at hand. Lengths are counted in UTF-16 units:
//! WhatsApp does not say what it counts, and these are never fewer.

mod interactive;

use std::collections::BTreeMap;

use puisano_engine::FieldProblem;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::given::Reader;
use super::{Content, Given, Parameters, Quote, SendRequest};
use crate::model::{ContactCard, ContactPhone, MediaKind, MediaSource, OutgoingContent, Wamid};

const TEXT_UNITS_MAX: usize = 4_096;
const BODY_UNITS_MAX: usize = 1_024;
const FILENAME_UNITS_MAX: usize = 240;
const LINK_UNITS_MAX: usize = 2_000;
const NAME_UNITS_MAX: usize = 1_000;
const CARDS_MAX: usize = 5;
const CARD_PHONES_MAX: usize = 10;
const EMOJI_UNITS_MAX: usize = 32;
const ID_UNITS_MAX: usize = 512;
const PARAMETERS_MAX: usize = 50;

/// One message: exactly one of `text`, `template`, `media_type`, `interactive`, `location`, `contacts` and `reaction`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SendCall {
    /// Phone number in E.164 (`+27600000001`) or a contact's id
    #[schema(value_type = String, required = true)]
    pub to: Given,
    #[schema(value_type = Option<String>)]
    pub text: Given,
    /// Name of a template, in the rules or at WhatsApp
    #[schema(value_type = Option<String>)]
    pub template: Given,
    /// With `template`: of the text (`st`), or WhatsApp's code (`en_ZA`)
    #[schema(value_type = Option<String>)]
    pub language: Given,
    /// With `template`: a list in the order of the text, or an object by name
    #[schema(value_type = Option<Object>)]
    pub parameters: Given,
    /// `image`, `video`, `audio`, `voice`, `document` or `sticker`
    #[schema(value_type = Option<String>)]
    pub media_type: Given,
    /// Where WhatsApp fetches the file; `https://`
    #[schema(value_type = Option<String>)]
    pub media_url: Given,
    /// The `id` of a file that was uploaded to `/api/v1/media`, or WhatsApp's id of one that was uploaded there
    #[schema(value_type = Option<String>)]
    pub media_id: Given,
    #[schema(value_type = Option<String>)]
    pub caption: Given,
    #[schema(value_type = Option<String>)]
    pub filename: Given,
    /// Of the type `button`, `list`, `cta_url` or `location_request_message`, as in WhatsApp's own API
    #[schema(value_type = Option<Object>)]
    pub interactive: Given,
    /// `{latitude, longitude, name?, address?}`
    #[schema(value_type = Option<Object>)]
    pub location: Given,
    /// `[{formatted_name, first_name?, last_name?, organisation?, phones?, emails?}]`
    #[schema(value_type = Option<Vec<Object>>)]
    pub contacts: Given,
    /// `{message_id, emoji}`; an empty emoji takes the reaction away
    #[schema(value_type = Option<Object>)]
    pub reaction: Given,
    /// Id of the message that is quoted, ours or WhatsApp's
    #[schema(value_type = Option<String>)]
    pub reply_to: Given,
}

impl TryFrom<&SendCall> for SendRequest {
    type Error = Vec<FieldProblem>;

    fn try_from(call: &SendCall) -> Result<Self, Self::Error> {
        let mut reader = Reader::default();
        let to = reader.address("to", &call.to);
        let reply_to = reader
            .optional("reply_to", &call.reply_to, |text| {
                fitting(text, ID_UNITS_MAX)
            })
            .map(Quote);
        let content = content(&mut reader, call);
        let quote_of_reaction = match &content {
            Some(Content::Message(OutgoingContent::Reaction { wamid, .. })) => {
                Some(Quote(wamid.0.clone()))
            }
            _ => None,
        };
        let request = to.zip(content).map(|(to, content)| Self {
            to,
            content,
            reply_to: quote_of_reaction.or(reply_to),
        });
        reader.finish(request)
    }
}

const KINDS: &str =
    "`text`, `template`, `media_type`, `interactive`, `location`, `contacts` or `reaction`";

fn content(reader: &mut Reader, call: &SendCall) -> Option<Content> {
    let given = [
        ("text", &call.text),
        ("template", &call.template),
        ("media_type", &call.media_type),
        ("interactive", &call.interactive),
        ("location", &call.location),
        ("contacts", &call.contacts),
        ("reaction", &call.reaction),
    ];
    let kinds: Vec<&str> = given
        .iter()
        .filter(|(_, value)| !value.is_missing())
        .map(|(name, _)| *name)
        .collect();
    let message = match kinds[..] {
        [] => {
            reader.wrong("text", format!("there is nothing to send: give {KINDS}"));
            None
        }
        ["text"] => text(reader, "text", (&call.text.0, TEXT_UNITS_MAX))
            .map(|text| OutgoingContent::Text { text }),
        ["template"] => return template(reader, call),
        ["media_type"] => media(reader, call),
        ["interactive"] => interactive::read(reader, &call.interactive.0),
        ["location"] => location(reader, &call.location.0),
        ["contacts"] => contacts(reader, &call.contacts.0),
        ["reaction"] => reaction(reader, &call.reaction.0),
        [_, second, ..] => {
            reader.wrong(second, format!("one message has only one of {KINDS}"));
            None
        }
        [_] => None,
    };
    message.map(Content::Message)
}

/// `text` unless it is empty or too long.
fn fitting(text: &str, units_max: usize) -> Result<String, String> {
    let units = text.encode_utf16().count();
    if text.trim().is_empty() {
        Err("must not be empty".to_owned())
    } else if units > units_max {
        Err(format!(
            "has {units} characters; WhatsApp takes {units_max}"
        ))
    } else {
        Ok(text.to_owned())
    }
}

/// A text that must be there.
fn text(reader: &mut Reader, field: &str, (value, units_max): (&Value, usize)) -> Option<String> {
    let read = match value {
        Value::String(text) => fitting(text, units_max),
        Value::Null => Err("is missing".to_owned()),
        _ => Err("must be a text, in quotation marks".to_owned()),
    };
    read.map_err(|what| reader.wrong(field, what)).ok()
}

/// A text that may be left out; the outer `None` says that it is wrong.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it could be read, the inner one whether it is there"
)]
fn optional(
    reader: &mut Reader,
    field: &str,
    (value, units_max): (&Value, usize),
) -> Option<Option<String>> {
    match value {
        Value::Null => Some(None),
        value => text(reader, field, (value, units_max)).map(Some),
    }
}

fn template(reader: &mut Reader, call: &SendCall) -> Option<Content> {
    let name = text(reader, "template", (&call.template.0, ID_UNITS_MAX));
    let language = optional(reader, "language", (&call.language.0, 10));
    let parameters = parameters(reader, &call.parameters.0);
    Some(Content::Template {
        name: name?,
        language: language?,
        parameters: parameters?,
    })
}

fn parameters(reader: &mut Reader, value: &Value) -> Option<Parameters> {
    let printed = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let read = match value {
        Value::Null => Some(Parameters::Placed(Vec::new())),
        Value::Array(items) if items.len() <= PARAMETERS_MAX => items
            .iter()
            .map(printed)
            .collect::<Option<_>>()
            .map(Parameters::Placed),
        Value::Object(fields) if fields.len() <= PARAMETERS_MAX => fields
            .iter()
            .map(|(name, value)| Some((name.clone(), printed(value)?)))
            .collect::<Option<BTreeMap<_, _>>>()
            .map(Parameters::Named),
        _ => None,
    };
    if read.is_none() {
        let what = format!(
            "must be a list of texts, or an object of texts by name; at most {PARAMETERS_MAX}"
        );
        reader.wrong("parameters", what);
    }
    read
}

fn media(reader: &mut Reader, call: &SendCall) -> Option<OutgoingContent> {
    let kind = reader.optional("media_type", &call.media_type, |text| match text {
        "image" => Ok(MediaKind::Image),
        "video" => Ok(MediaKind::Video),
        "audio" => Ok(MediaKind::Audio),
        "voice" => Ok(MediaKind::Voice),
        "document" => Ok(MediaKind::Document),
        "sticker" => Ok(MediaKind::Sticker),
        _ => Err("must be image, video, audio, voice, document or sticker".to_owned()),
    });
    let source = media_source(reader, call);
    let caption = optional(reader, "caption", (&call.caption.0, BODY_UNITS_MAX));
    let filename = optional(reader, "filename", (&call.filename.0, FILENAME_UNITS_MAX));
    let (kind, source, caption, filename) = (kind?, source?, caption?, filename?);
    if caption.is_some()
        && matches!(
            kind,
            MediaKind::Audio | MediaKind::Voice | MediaKind::Sticker
        )
    {
        reader.wrong("caption", "only images, videos and documents have one");
        return None;
    }
    if filename.is_some() && kind != MediaKind::Document {
        reader.wrong("filename", "only documents have one");
        return None;
    }
    Some(OutgoingContent::Media {
        kind,
        source,
        caption,
        filename,
    })
}

fn media_source(reader: &mut Reader, call: &SendCall) -> Option<MediaSource> {
    let link = |text: &str| {
        let is_link = text.starts_with("https://") && !text.contains(char::is_whitespace);
        if is_link {
            fitting(text, LINK_UNITS_MAX).map(MediaSource::Link)
        } else {
            Err("write a whole link that begins with https://".to_owned())
        }
    };
    // WhatsApp's ids have no slash.
    let id = |text: &str| {
        if text.contains('/') {
            stored(text)
        } else {
            fitting(text, ID_UNITS_MAX).map(MediaSource::Id)
        }
    };
    let mut found: Vec<Option<MediaSource>> = Vec::new();
    if !call.media_url.is_missing() {
        found.push(reader.optional("media_url", &call.media_url, link));
    }
    if !call.media_id.is_missing() {
        found.push(reader.optional("media_id", &call.media_id, id));
    }
    if found.len() != 1 {
        reader.wrong("media_url", "give either `media_url` or `media_id`");
        return None;
    }
    found.pop().flatten()
}

/// `owner/hash`, as the answer to an upload names a file.
fn stored(text: &str) -> Result<MediaSource, String> {
    const HASH_CHARS: usize = 64;
    let is_hash = |hash: &str| {
        hash.len() == HASH_CHARS
            && hash
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_owner = |owner: &str| owner == "shared" || uuid::Uuid::try_parse(owner).is_ok();
    text.split_once('/')
        .filter(|(owner, hash)| is_owner(owner) && is_hash(hash))
        .map(|_| MediaSource::Stored(text.to_owned()))
        .ok_or_else(|| "must be the `id` of an uploaded file, such as shared/0123…".to_owned())
}

fn list<'v>(
    reader: &mut Reader,
    field: &str,
    (value, items_max): (&'v Value, usize),
) -> Option<&'v [Value]> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() || items.len() > items_max {
        let what = if items_max == 1 {
            "must be a list of one".to_owned()
        } else {
            format!("must be a list of 1 to {items_max}")
        };
        reader.wrong(field, what);
        return None;
    }
    Some(items)
}

fn location(reader: &mut Reader, value: &Value) -> Option<OutgoingContent> {
    let latitude = degrees(reader, "location.latitude", (&value["latitude"], 90.0));
    let longitude = degrees(reader, "location.longitude", (&value["longitude"], 180.0));
    let name = optional(reader, "location.name", (&value["name"], NAME_UNITS_MAX));
    let address = optional(
        reader,
        "location.address",
        (&value["address"], NAME_UNITS_MAX),
    );
    Some(OutgoingContent::Location {
        latitude: latitude?,
        longitude: longitude?,
        name: name?,
        address: address?,
    })
}

fn degrees(reader: &mut Reader, field: &str, (value, limit): (&Value, f64)) -> Option<String> {
    let written = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let is_plain = written
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    let fits = written
        .parse::<f64>()
        .is_ok_and(|degrees| degrees.abs() <= limit);
    if !is_plain || !fits {
        reader.wrong(field, format!("write degrees from -{limit} to {limit}"));
        return None;
    }
    Some(written)
}

fn contacts(reader: &mut Reader, value: &Value) -> Option<OutgoingContent> {
    let items = list(reader, "contacts", (value, CARDS_MAX))?;
    let mut contacts = Vec::new();
    for (at, item) in items.iter().enumerate() {
        contacts.extend(card(reader, &format!("contacts[{at}]"), item));
    }
    (contacts.len() == items.len()).then_some(OutgoingContent::Contacts { contacts })
}

fn card(reader: &mut Reader, place: &str, value: &Value) -> Option<ContactCard> {
    let mut field = |key: &str| {
        optional(
            reader,
            &format!("{place}.{key}"),
            (&value[key], NAME_UNITS_MAX),
        )
    };
    let (first_name, last_name) = (field("first_name"), field("last_name"));
    let organisation = field("organisation");
    let formatted_name = text(
        reader,
        &format!("{place}.formatted_name"),
        (&value["formatted_name"], NAME_UNITS_MAX),
    );
    let phones = phones(reader, &format!("{place}.phones"), &value["phones"]);
    let emails = match &value["emails"] {
        Value::Null => Some(Vec::new()),
        emails => texts(emails),
    };
    if emails.is_none() {
        reader.wrong(&format!("{place}.emails"), "must be a list of texts");
    }
    Some(ContactCard {
        formatted_name: formatted_name?,
        first_name: first_name?,
        last_name: last_name?,
        organisation: organisation?,
        phones: phones?,
        emails: emails?,
    })
}

fn phones(reader: &mut Reader, field: &str, value: &Value) -> Option<Vec<ContactPhone>> {
    if value.is_null() {
        return Some(Vec::new());
    }
    let items = list(reader, field, (value, CARD_PHONES_MAX))?;
    let mut phones = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let (number, kind) = match item {
            Value::String(_) => (item, &Value::Null),
            other => (&other["phone"], &other["kind"]),
        };
        let place = format!("{field}[{at}]");
        let phone = text(reader, &format!("{place}.phone"), (number, NAME_UNITS_MAX));
        let kind = optional(reader, &format!("{place}.kind"), (kind, NAME_UNITS_MAX));
        phones.extend(
            phone
                .zip(kind)
                .map(|(phone, kind)| ContactPhone { phone, kind }),
        );
    }
    (phones.len() == items.len()).then_some(phones)
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value
        .as_array()?
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect()
}

/// The message it is about is looked up like one that is quoted.
fn reaction(reader: &mut Reader, value: &Value) -> Option<OutgoingContent> {
    let about = text(
        reader,
        "reaction.message_id",
        (&value["message_id"], ID_UNITS_MAX),
    );
    let emoji = match &value["emoji"] {
        Value::String(emoji) if emoji.encode_utf16().count() <= EMOJI_UNITS_MAX => {
            Some(emoji.clone())
        }
        _ => {
            reader.wrong(
                "reaction.emoji",
                "must be one emoji, or empty to take the reaction away",
            );
            None
        }
    };
    Some(OutgoingContent::Reaction {
        wamid: Wamid(about?),
        emoji: emoji?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(mut call: Value) -> Result<SendRequest, Vec<String>> {
        if call["to"].is_null() {
            call["to"] = json!("+27600000001");
        }
        let call: SendCall = serde_json::from_value(call).expect("a call");
        SendRequest::try_from(&call)
            .map_err(|problems| problems.into_iter().map(|problem| problem.field).collect())
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "tests write the value in the call"
    )]
    fn interactive_with(action: Value) -> Value {
        json!({ "interactive": { "type": "button", "body": { "text": "Choose" }, "action": action } })
    }

    #[test]
    fn every_kind_is_read() {
        for call in [
            json!({ "text": "Hello" }),
            json!({ "template": "payment_reminder", "language": "en", "parameters": ["Thandi", 1] }),
            json!({ "template": "x", "parameters": { "name": "Thandi" } }),
            json!({ "media_type": "image", "media_url": "https://example.org/a.jpg", "caption": "A" }),
            json!({ "media_type": "document", "media_id": "123", "filename": "bill.pdf" }),
            json!({ "media_type": "voice", "media_id": format!("shared/{}", "ab".repeat(32)) }),
            json!({ "location": { "latitude": -30.3, "longitude": "27.08", "name": "Office" } }),
            json!({ "contacts": [{ "formatted_name": "Office", "phones": ["+27510000000"], "emails": ["a@example.org"] }] }),
            json!({ "reaction": { "message_id": "wamid.x", "emoji": "" } }),
            json!({ "interactive": { "type": "location_request_message", "body": { "text": "Where?" } } }),
            json!({ "interactive": { "type": "cta_url", "body": { "text": "See" },
                "action": { "parameters": { "display_text": "Open", "url": "https://example.org" } } } }),
            json!({ "interactive": { "type": "list", "header": { "type": "text", "text": "H" },
                "body": { "text": "Choose" }, "footer": { "text": "F" },
                "action": { "button": "Open", "sections": [{ "rows": [{ "id": "a", "title": "A" }] }] } } }),
            interactive_with(
                json!({ "buttons": [{ "type": "reply", "reply": { "id": "a", "title": "A" } }] }),
            ),
        ] {
            let found = read(call.clone());
            assert!(found.is_ok(), "{call}: {found:?}");
        }
    }

    #[test]
    fn problems_name_their_fields() {
        let long = "x".repeat(4_097);
        let button = |title: &str| json!({ "reply": { "id": title, "title": title } });
        for (call, expected) in [
            (json!({}), &["text"][..]),
            (json!({ "text": long }), &["text"]),
            (json!({ "text": " " }), &["text"]),
            (json!({ "text": 5 }), &["text"]),
            (json!({ "text": "a", "location": {} }), &["location"]),
            (json!({ "to": "060", "text": "" }), &["to", "text"]),
            (
                json!({ "media_type": "gif", "media_url": "ftp://x" }),
                &["media_type", "media_url"],
            ),
            (json!({ "media_type": "image" }), &["media_url"]),
            (
                json!({ "media_type": "voice", "media_id": "shared/abc" }),
                &["media_id"],
            ),
            (
                json!({ "media_type": "audio", "media_id": "1", "caption": "x" }),
                &["caption"],
            ),
            (
                json!({ "media_type": "image", "media_id": "1", "media_url": "https://x.org" }),
                &["media_url"],
            ),
            (
                json!({ "template": "x", "parameters": [[]] }),
                &["parameters"],
            ),
            (
                json!({ "location": { "latitude": 91, "longitude": "NaN" } }),
                &["location.latitude", "location.longitude"],
            ),
            (
                json!({ "reaction": { "message_id": "" } }),
                &["reaction.message_id", "reaction.emoji"],
            ),
            (json!({ "contacts": [{}] }), &["contacts[0].formatted_name"]),
            (
                json!({ "interactive": { "type": "flow", "body": { "text": "x" } } }),
                &["interactive.type"],
            ),
            (
                interactive_with(json!({ "buttons": [button("twenty-one characters")] })),
                &["interactive.action.buttons[0].reply.title"],
            ),
            (
                interactive_with(json!({ "buttons": [button("A"), button("A")] })),
                &["interactive.action.buttons[1].reply"],
            ),
            (
                interactive_with(
                    json!({ "buttons": [button("1"), button("2"), button("3"), button("4")] }),
                ),
                &["interactive.action.buttons"],
            ),
        ] {
            assert_eq!(read(call.clone()).unwrap_err(), expected, "{call}");
        }
    }
}
