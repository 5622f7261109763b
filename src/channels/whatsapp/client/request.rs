//! What we ask the Cloud API, as its JSON.
//!
//! Lengths were checked when the pack was compiled; here nothing is cut or refused.

use serde_json::{Value, json};

use super::parts;

use crate::model::{Outgoing, OutgoingContent, Recipient, Wamid};

/// The body of `POST /{phone number id}/messages`.
pub(super) fn body(outgoing: &Outgoing) -> Value {
    match &outgoing.content {
        // No previews: fetching them tells a third party who asked, and they push the answer off a small screen.
        OutgoingContent::Text { text } => message(
            outgoing,
            "text",
            json!({ "body": text, "preview_url": false }),
        ),
        OutgoingContent::Buttons {
            header,
            text,
            footer,
            buttons,
        } => {
            let reply = |id: &str, title: &str| json!({ "type": "reply", "reply": { "id": id, "title": title } });
            let buttons: Vec<_> = buttons
                .iter()
                .map(|button| reply(&button.id, &button.title))
                .collect();
            let frame = Frame {
                kind: "button",
                header,
                text,
                footer,
            };
            message(
                outgoing,
                "interactive",
                frame.around(&json!({ "buttons": buttons })),
            )
        }
        OutgoingContent::List {
            header,
            text,
            footer,
            button,
            rows,
        } => {
            let rows: Vec<_> = rows
                .iter()
                .map(|row| list_row(&row.id, &row.title, row.description.as_deref()))
                .collect();
            let frame = Frame {
                kind: "list",
                header,
                text,
                footer,
            };
            // A lone section needs no title.
            message(
                outgoing,
                "interactive",
                frame.around(&json!({ "button": button, "sections": [{ "rows": rows }] })),
            )
        }
        OutgoingContent::Reaction { wamid, emoji } => message(
            outgoing,
            "reaction",
            json!({ "message_id": wamid.as_str(), "emoji": emoji }),
        ),
        OutgoingContent::Read { wamid, typing } => read(wamid, *typing),
        other => message(outgoing, parts::kind(other), parts::part(other)),
    }
}

fn message(outgoing: &Outgoing, kind: &str, part: Value) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": kind,
        "biz_opaque_callback_data": outgoing.opaque.to_string(),
    });
    body[kind] = part;
    match &outgoing.to {
        // With `+`, or WhatsApp puts our own country's code in front.
        Recipient::Phone(phone) => body["to"] = json!(phone.as_str()),
        Recipient::UserId(id) => body["recipient"] = json!(id.as_str()),
    }
    // A reaction quotes nothing: it names its message itself.
    if let Some(wamid) = outgoing.reply_to.as_ref().filter(|_| kind != "reaction") {
        body["context"] = json!({ "message_id": wamid.as_str() });
    }
    body
}

fn read(wamid: &Wamid, typing: bool) -> Value {
    let mut body =
        json!({ "messaging_product": "whatsapp", "status": "read", "message_id": wamid.as_str() });
    if typing {
        body["typing_indicator"] = json!({ "type": "text" });
    }
    body
}

fn list_row(id: &str, title: &str, description: Option<&str>) -> Value {
    let mut row = json!({ "id": id, "title": title });
    if let Some(description) = description {
        row["description"] = json!(description);
    }
    row
}

/// The texts around the choices of an interactive message.
struct Frame<'a> {
    kind: &'a str,
    header: &'a Option<String>,
    text: &'a str,
    footer: &'a Option<String>,
}

impl Frame<'_> {
    fn around(&self, action: &Value) -> Value {
        let mut value =
            json!({ "type": self.kind, "body": { "text": self.text }, "action": action });
        if let Some(header) = self.header {
            value["header"] = json!({ "type": "text", "text": header });
        }
        if let Some(footer) = self.footer {
            value["footer"] = json!({ "text": footer });
        }
        value
    }
}
