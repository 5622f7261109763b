//! Whether a request is one that WhatsApp would take: its fields, its lengths, its types.
//!
//! Knows nothing of windows, rates, tokens, or of which files and templates there are.

use serde_json::Value;

use super::graph_error::GraphError;
use super::parts;

const TEXT_MAX: usize = 4_096;
const INTERACTIVE_BODY_MAX: usize = 1_024;
const HEADER_MAX: usize = 60;
const FOOTER_MAX: usize = 60;
const BUTTONS_MAX: usize = 3;
const BUTTON_ID_MAX: usize = 256;
const BUTTON_TITLE_MAX: usize = 20;
const SECTIONS_MAX: usize = 10;
const ROWS_MAX: usize = 10;
const ROW_ID_MAX: usize = 200;
const ROW_TITLE_MAX: usize = 24;
const ROW_DESCRIPTION_MAX: usize = 72;
const OPAQUE_MAX: usize = 512;

const FRAME: [&str; 8] = [
    "messaging_product",
    "recipient_type",
    "to",
    "recipient",
    "type",
    "context",
    "biz_opaque_callback_data",
    "recipient_identity_key_hash",
];

pub(super) type Checked<T = ()> = Result<T, GraphError>;

/// A request that has the right form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Read {
        wamid: String,
        typing: bool,
    },
    Message {
        to: Option<String>,
        recipient: Option<String>,
    },
}

pub(super) fn read(body: &Value) -> Checked<Call> {
    if !body.is_object() {
        return Err(GraphError::new(
            100,
            "The request's body is not a JSON object.",
        ));
    }
    if body["messaging_product"] != "whatsapp" {
        return Err(GraphError::new(
            100,
            "The parameter messaging_product is required.",
        ));
    }
    if body.get("status").is_some() {
        status(body)
    } else {
        message(body)
    }
}

fn status(body: &Value) -> Checked<Call> {
    only(
        body,
        &[
            "messaging_product",
            "status",
            "message_id",
            "typing_indicator",
        ],
    )?;
    if body["status"] != "read" {
        return Err(wrong("status", "must be one of {read}"));
    }
    let wamid = string(body, "message_id", 1..=512)?;
    if !wamid.starts_with("wamid.") {
        return Err(wrong("message_id", "is not the id of a message"));
    }
    let typing = body.get("typing_indicator");
    if let Some(typing) = typing {
        only(typing, &["type"])?;
        if typing["type"] != "text" {
            return Err(wrong("typing_indicator.type", "must be one of {text}"));
        }
    }
    Ok(Call::Read {
        wamid: wamid.to_owned(),
        typing: typing.is_some(),
    })
}

fn message(body: &Value) -> Checked<Call> {
    let kind = if body.get("type").is_some() {
        string(body, "type", 1..=50)?
    } else {
        "text"
    };
    only(body, &[&FRAME[..], &[kind]].concat())?;
    frame(body, kind)?;
    let part = body.get(kind).ok_or_else(|| missing(kind))?;
    match kind {
        "text" => text(part)?,
        "interactive" => interactive(part)?,
        "reaction" => reaction(part)?,
        "location" => parts::location(part)?,
        "contacts" => parts::contacts(part)?,
        kind if parts::FILES.contains(&kind) => parts::file(kind, part)?,
        // Held against the approved one when it is known which.
        "template" if part.is_object() => {}
        _ => {
            return Err(GraphError::new(
                100,
                format!("Param type must not be {kind}."),
            ));
        }
    }
    let optional = |key| body.get(key).and_then(Value::as_str).map(str::to_owned);
    match (optional("to"), optional("recipient")) {
        (None, None) => Err(missing("to")),
        (to, recipient) => Ok(Call::Message { to, recipient }),
    }
}

fn frame(body: &Value, kind: &str) -> Checked {
    if body
        .get("recipient_type")
        .is_some_and(|kind| kind != "individual")
    {
        return Err(wrong("recipient_type", "must be one of {individual}"));
    }
    for key in ["to", "recipient"] {
        if body.get(key).is_some() {
            string(body, key, 1..=200)?;
        }
    }
    if body.get("biz_opaque_callback_data").is_some() {
        string(body, "biz_opaque_callback_data", 1..=OPAQUE_MAX)?;
    }
    let Some(context) = body.get("context") else {
        return Ok(());
    };
    only(context, &["message_id"])?;
    string(context, "message_id", 1..=512)?;
    if kind == "reaction" {
        Err(wrong("context", "cannot be used with a reaction"))
    } else {
        Ok(())
    }
}

fn text(part: &Value) -> Checked {
    only(part, &["body", "preview_url"])?;
    if part
        .get("preview_url")
        .is_some_and(|preview| !preview.is_boolean())
    {
        return Err(wrong("preview_url", "must be a boolean"));
    }
    string(part, "body", 1..=TEXT_MAX).map(drop)
}

fn reaction(part: &Value) -> Checked {
    only(part, &["message_id", "emoji"])?;
    string(part, "message_id", 1..=512)?;
    string(part, "emoji", 0..=32).map(drop)
}

fn interactive(part: &Value) -> Checked {
    only(part, &["type", "header", "body", "footer", "action"])?;
    only(&part["body"], &["text"])?;
    string(&part["body"], "text", 1..=INTERACTIVE_BODY_MAX)?;
    let kind = string(part, "type", 1..=50)?;
    if let Some(given) = part.get("header") {
        header(kind, given)?;
    }
    if let Some(footer) = part.get("footer") {
        only(footer, &["text"])?;
        string(footer, "text", 1..=FOOTER_MAX)?;
    }
    match kind {
        "button" => buttons(&part["action"]),
        "list" => list(&part["action"]),
        "cta_url" => parts::link_button(&part["action"]),
        "location_request_message" => parts::location_request(part),
        _ => Err(wrong(
            "interactive.type",
            "must be one of {button, list, cta_url, location_request_message}",
        )),
    }
}

/// A text, or a file above buttons and links; a list has a text only.
fn header(kind: &str, header: &Value) -> Checked {
    let format = string(header, "type", 1..=20)?;
    match format {
        "text" => {
            only(header, &["type", "text"])?;
            string(header, "text", 1..=HEADER_MAX).map(drop)
        }
        "image" | "video" | "document" if kind != "list" => {
            only(header, &["type", format])?;
            parts::file(format, &header[format])
        }
        _ => Err(wrong("header.type", "is not one for this message")),
    }
}

fn buttons(action: &Value) -> Checked {
    only(action, &["buttons"])?;
    let buttons = array(action, "buttons", 1..=BUTTONS_MAX)?;
    let mut seen = Seen::default();
    for button in buttons {
        only(button, &["type", "reply"])?;
        if button["type"] != "reply" {
            return Err(wrong("button.type", "must be one of {reply}"));
        }
        only(&button["reply"], &["id", "title"])?;
        seen.once("id", string(&button["reply"], "id", 1..=BUTTON_ID_MAX)?)?;
        seen.once(
            "title",
            string(&button["reply"], "title", 1..=BUTTON_TITLE_MAX)?,
        )?;
    }
    Ok(())
}

fn list(action: &Value) -> Checked {
    only(action, &["button", "sections"])?;
    string(action, "button", 1..=BUTTON_TITLE_MAX)?;
    let sections = array(action, "sections", 1..=SECTIONS_MAX)?;
    let (mut seen, mut count) = (Seen::default(), 0);
    for section in sections {
        only(section, &["title", "rows"])?;
        if sections.len() > 1 || section.get("title").is_some() {
            string(section, "title", 1..=ROW_TITLE_MAX)?;
        }
        for row in array(section, "rows", 1..=ROWS_MAX)? {
            count += 1;
            only(row, &["id", "title", "description"])?;
            seen.once("id", string(row, "id", 1..=ROW_ID_MAX)?)?;
            string(row, "title", 1..=ROW_TITLE_MAX)?;
            if row.get("description").is_some() {
                string(row, "description", 1..=ROW_DESCRIPTION_MAX)?;
            }
        }
    }
    if count > ROWS_MAX {
        Err(wrong("rows", "has more than 10 over all sections"))
    } else {
        Ok(())
    }
}

/// What must not stand twice.
#[derive(Default)]
struct Seen<'a>(std::collections::HashSet<(&'static str, &'a str)>);

impl<'a> Seen<'a> {
    fn once(&mut self, key: &'static str, text: &'a str) -> Checked {
        if self.0.insert((key, text)) {
            Ok(())
        } else {
            Err(wrong(key, "is duplicated"))
        }
    }
}

type Length = std::ops::RangeInclusive<usize>;

/// The text under `key`; its length is counted in UTF-16 units, the stricter way.
pub(super) fn string<'a>(value: &'a Value, key: &str, length: Length) -> Checked<&'a str> {
    let found = value.get(key).ok_or_else(|| missing(key))?;
    let text = found
        .as_str()
        .ok_or_else(|| wrong(key, "must be a string"))?;
    if length.contains(&text.encode_utf16().count()) {
        Ok(text)
    } else {
        Err(wrong(
            key,
            &format!(
                "must have {} to {} characters",
                length.start(),
                length.end()
            ),
        ))
    }
}

pub(super) fn array<'a>(value: &'a Value, key: &str, length: Length) -> Checked<&'a [Value]> {
    let items = value
        .get(key)
        .and_then(Value::as_array)
        .ok_or_else(|| missing(key))?;
    if length.contains(&items.len()) {
        Ok(items)
    } else {
        Err(wrong(
            key,
            &format!("must have {} to {} elements", length.start(), length.end()),
        ))
    }
}

pub(super) fn only(value: &Value, keys: &[&str]) -> Checked {
    let fields = value
        .as_object()
        .ok_or_else(|| GraphError::new(100, "A parameter is not an object."))?;
    match fields.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(GraphError::new(100, format!("Unexpected key \"{key}\"."))),
        None => Ok(()),
    }
}

pub(super) fn missing(key: &str) -> GraphError {
    GraphError::new(131_008, format!("Parameter '{key}' is missing."))
}

pub(super) fn wrong(key: &str, why: &str) -> GraphError {
    GraphError::new(131_009, format!("Parameter '{key}' {why}."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn framed(kind: &str, part: Value) -> Value {
        let mut body =
            json!({ "messaging_product": "whatsapp", "to": "+27820001111", "type": kind });
        body[kind] = part;
        body
    }

    fn code(body: &Value) -> Option<i64> {
        read(body).err().map(|error| error.code)
    }

    fn with(mut body: Value, place: &str, value: Value) -> Value {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let parent = body.pointer_mut(parent).unwrap();
        match parent {
            Value::Array(items) => items.push(value),
            other => other[key] = value,
        }
        body
    }

    fn button_message() -> Value {
        let buttons = json!([{ "type": "reply", "reply": { "id": "a", "title": "A" } }]);
        let action = json!({ "buttons": buttons });
        let part = json!({
            "type": "button", "header": { "type": "text", "text": "H" }, "body": { "text": "B" },
            "footer": { "text": "F" }, "action": action,
        });
        framed("interactive", part)
    }

    fn list_message(rows: usize) -> Value {
        let rows: Vec<_> = (0..rows)
            .map(|n| json!({ "id": n.to_string(), "title": "T" }))
            .collect();
        let action = json!({ "button": "Open", "sections": [{ "rows": rows }] });
        framed(
            "interactive",
            json!({ "type": "list", "body": { "text": "B" }, "action": action }),
        )
    }

    #[test]
    fn what_whatsapp_takes() {
        let text = framed("text", json!({ "body": "x", "preview_url": false }));
        for body in [
            text.clone(),
            with(
                text.clone(),
                "/context",
                json!({ "message_id": "wamid.UNKNOWN" }),
            ),
            with(
                text.clone(),
                "/biz_opaque_callback_data",
                json!("x".repeat(512)),
            ),
            with(text.clone(), "/recipient_type", json!("individual")),
            framed("text", json!({ "body": "é".repeat(4_096) })),
            framed("reaction", json!({ "message_id": "wamid.A", "emoji": "" })),
            button_message(),
            list_message(10),
        ] {
            assert_eq!(code(&body), None, "{body}");
        }
        let read_call =
            json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A" });
        assert_eq!(
            read(&read_call),
            Ok(Call::Read {
                wamid: "wamid.A".to_owned(),
                typing: false
            })
        );
        let typing = with(read_call, "/typing_indicator", json!({ "type": "text" }));
        assert_eq!(
            read(&typing),
            Ok(Call::Read {
                wamid: "wamid.A".to_owned(),
                typing: true
            })
        );
        let by_id = json!({
            "messaging_product": "whatsapp", "recipient": "ZA.1", "type": "text", "text": { "body": "x" },
        });
        assert_eq!(
            read(&by_id),
            Ok(Call::Message {
                to: None,
                recipient: Some("ZA.1".to_owned())
            })
        );
    }

    fn refused(expected: i64, bodies: &[Value]) {
        for body in bodies {
            assert_eq!(code(body), Some(expected), "{body}");
        }
    }

    fn text_with(place: &str, value: Value) -> Value {
        with(framed("text", json!({ "body": "x" })), place, value)
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        refused(
            100,
            &[
                json!([]),
                json!({ "to": "+27820001111" }),
                text_with("/surprise", json!(1)),
                text_with("/image", json!({})),
                text_with("/text/colour", json!("red")),
                text_with("/context", json!({ "id": "wamid.A" })),
                framed("hologram", json!({})),
                json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A", "to": "+2782" }),
            ],
        );
        refused(
            131_008,
            &[
                json!({ "messaging_product": "whatsapp", "type": "text", "text": { "body": "x" } }),
                json!({ "messaging_product": "whatsapp", "to": "+27820001111", "type": "text" }),
                framed("text", json!({})),
            ],
        );
    }

    #[test]
    fn wrong_texts_are_refused() {
        let reaction = framed("reaction", json!({ "message_id": "w", "emoji": "x" }));
        refused(
            131_009,
            &[
                framed("text", json!({ "body": "" })),
                framed("text", json!({ "body": 5 })),
                framed("text", json!({ "body": "x".repeat(4_097) })),
                framed("text", json!({ "body": "😀".repeat(2_049) })),
                framed("text", json!({ "body": "x", "preview_url": "no" })),
                text_with("/to", json!(27_820_001_111_i64)),
                text_with("/recipient_type", json!("group")),
                text_with("/biz_opaque_callback_data", json!("x".repeat(513))),
                with(reaction, "/context", json!({ "message_id": "w" })),
                json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "5" }),
            ],
        );
    }

    #[test]
    fn wrong_choices_are_refused() {
        let button = |id: &str, title: &str| {
            let button = json!({ "type": "reply", "reply": { "id": id, "title": title } });
            with(button_message(), "/interactive/action/buttons/-", button)
        };
        let other =
            |place: &str, value| with(button_message(), &format!("/interactive/{place}"), value);
        let row = |key: &str, value| {
            with(
                list_message(1),
                &format!("/interactive/action/sections/0/rows/0/{key}"),
                value,
            )
        };
        refused(
            131_009,
            &[
                button("b", &"x".repeat(21)),
                button("b", ""),
                button("a", "B"),
                button("b", "A"),
                other("header/text", json!("x".repeat(61))),
                other("footer/text", json!("x".repeat(61))),
                other("body/text", json!("x".repeat(1_025))),
                other("action/buttons", json!([])),
                list_message(11),
                list_message(0),
                with(
                    list_message(1),
                    "/interactive/action/button",
                    json!("x".repeat(21)),
                ),
                row("title", json!("x".repeat(25))),
                row("description", json!("")),
                row("id", json!("x".repeat(201))),
            ],
        );
    }
}
