//! The parts of messages beyond text, buttons and lists, as WhatsApp's JSON.
//!
//! Sizes are checked where messages are made; here nothing is cut or refused.

use puisano_engine::ButtonValue;
use serde_json::{Map, Value, json};

use crate::model::{
    ContactCard, MediaKind, MediaSource, OutgoingContent, TemplateButton, TemplateHeader,
    TemplateMessage, TemplateParameter,
};

/// WhatsApp's name of the message type, which is also the key of its part.
pub(super) fn kind(content: &OutgoingContent) -> &'static str {
    match content {
        OutgoingContent::Media { kind, .. } => media_kind(*kind),
        OutgoingContent::Location { .. } => "location",
        OutgoingContent::Contacts { .. } => "contacts",
        OutgoingContent::CtaUrl { .. }
        | OutgoingContent::AskLocation { .. }
        | OutgoingContent::Buttons { .. }
        | OutgoingContent::List { .. } => "interactive",
        OutgoingContent::Template(_) => "template",
        OutgoingContent::Reaction { .. } => "reaction",
        // A notice is a text or a template by the time it is sent.
        OutgoingContent::Notice(_)
        | OutgoingContent::Text { .. }
        | OutgoingContent::Read { .. } => "text",
    }
}

/// What stands under [`kind`].
pub(super) fn part(content: &OutgoingContent) -> Value {
    match content {
        OutgoingContent::Media {
            kind,
            source,
            caption,
            filename,
        } => media(*kind, source, caption.as_deref(), filename.as_deref()),
        OutgoingContent::Location {
            latitude,
            longitude,
            name,
            address,
        } => filled(json!({
            "latitude": latitude, "longitude": longitude, "name": name, "address": address,
        })),
        OutgoingContent::Contacts { contacts } => contacts.iter().map(card).collect(),
        OutgoingContent::CtaUrl {
            header,
            text,
            footer,
            button,
            url,
        } => {
            let text_header = |text: &String| json!({ "type": "text", "text": text });
            filled(json!({
                "type": "cta_url",
                "header": header.as_ref().map(text_header),
                "body": { "text": text },
                "footer": footer.as_ref().map(|text| json!({ "text": text })),
                "action": { "name": "cta_url", "parameters": { "display_text": button, "url": url } },
            }))
        }
        OutgoingContent::AskLocation { text } => json!({
            "type": "location_request_message",
            "body": { "text": text },
            "action": { "name": "send_location" },
        }),
        OutgoingContent::Template(message) => template(message),
        _ => Value::Null,
    }
}

pub(super) fn media_kind(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "image",
        MediaKind::Video => "video",
        MediaKind::Audio | MediaKind::Voice => "audio",
        MediaKind::Document => "document",
        MediaKind::Sticker => "sticker",
    }
}

fn media(
    kind: MediaKind,
    source: &MediaSource,
    caption: Option<&str>,
    filename: Option<&str>,
) -> Value {
    let mut part = match source {
        MediaSource::Link(link) => json!({ "link": link }),
        MediaSource::Id(id) | MediaSource::Stored(id) => json!({ "id": id }),
    };
    if let Some(caption) = caption {
        part["caption"] = json!(caption);
    }
    if let Some(filename) = filename {
        part["filename"] = json!(filename);
    }
    if kind == MediaKind::Voice {
        part["voice"] = json!(true);
    }
    part
}

fn card(contact: &ContactCard) -> Value {
    let phones: Vec<Value> = contact
        .phones
        .iter()
        .map(|phone| filled(json!({ "phone": phone.phone, "type": phone.kind })))
        .collect();
    let emails: Vec<Value> = contact
        .emails
        .iter()
        .map(|email| json!({ "email": email }))
        .collect();
    // WhatsApp wants at least one part beside the whole name.
    let whole = contact
        .last_name
        .is_none()
        .then_some(&contact.formatted_name);
    let mut card = json!({ "name": filled(json!({
        "formatted_name": contact.formatted_name,
        "first_name": contact.first_name.as_ref().or(whole),
        "last_name": contact.last_name,
    })) });
    if let Some(organisation) = &contact.organisation {
        card["org"] = json!({ "company": organisation });
    }
    if !phones.is_empty() {
        card["phones"] = json!(phones);
    }
    if !emails.is_empty() {
        card["emails"] = json!(emails);
    }
    card
}

fn template(message: &TemplateMessage) -> Value {
    let mut components = Vec::new();
    if let Some(header) = &message.header {
        components.push(json!({ "type": "header", "parameters": header_parameters(header) }));
    }
    if !message.body.is_empty() {
        components.push(json!({ "type": "body", "parameters": parameters(&message.body) }));
    }
    components.extend(message.buttons.iter().map(button));
    let mut part = json!({
        "name": message.name,
        "language": { "code": message.language, "policy": "deterministic" },
    });
    if !components.is_empty() {
        part["components"] = json!(components);
    }
    part
}

fn header_parameters(header: &TemplateHeader) -> Value {
    match header {
        TemplateHeader::Text(texts) => parameters(texts),
        TemplateHeader::Media {
            kind,
            source,
            filename,
        } => {
            let name = media_kind(*kind);
            let mut parameter = json!({ "type": name });
            parameter[name] = media(*kind, source, None, filename.as_deref());
            json!([parameter])
        }
    }
}

fn parameters(parameters: &[TemplateParameter]) -> Value {
    let parameter = |given: &TemplateParameter| {
        filled(json!({ "type": "text", "parameter_name": given.name, "text": given.text }))
    };
    parameters.iter().map(parameter).collect()
}

fn button(button: &TemplateButton) -> Value {
    let (sub_type, parameter) = match &button.value {
        ButtonValue::UrlSuffix(text) => ("url", json!({ "type": "text", "text": text })),
        ButtonValue::Payload(payload) => (
            "quick_reply",
            json!({ "type": "payload", "payload": payload }),
        ),
    };
    json!({
        "type": "button",
        "sub_type": sub_type,
        "index": button.index.to_string(),
        "parameters": [parameter],
    })
}

/// `value` without what is null.
fn filled(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect::<Map<_, _>>()
            .into(),
        other => other,
    }
}
