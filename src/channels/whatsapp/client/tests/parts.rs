//! What we send of every kind, against the published shapes.

use puisano_engine::ButtonValue;
use serde_json::{Value, json};

use super::super::parts;
use crate::model::{
    ContactCard, ContactPhone, MediaKind, MediaSource, OutgoingContent, TemplateButton,
    TemplateHeader, TemplateMessage, TemplateParameter,
};

#[track_caller]
fn check(content: &OutgoingContent, kind: &str, expected: &Value) {
    assert_eq!(parts::kind(content), kind);
    assert_eq!(parts::part(content), *expected);
}

fn media(kind: MediaKind, source: MediaSource) -> OutgoingContent {
    OutgoingContent::Media {
        kind,
        source,
        caption: None,
        filename: None,
    }
}

#[test]
fn files_by_id_and_by_link() {
    let id = || MediaSource::Id("1013859600285441".to_owned());
    let link = || MediaSource::Link("https://example.gov.za/a?b=1".to_owned());
    let by_id = json!({ "id": "1013859600285441" });
    let by_link = json!({ "link": "https://example.gov.za/a?b=1" });
    for (kind, word) in [
        (MediaKind::Image, "image"),
        (MediaKind::Video, "video"),
        (MediaKind::Audio, "audio"),
        (MediaKind::Document, "document"),
        (MediaKind::Sticker, "sticker"),
    ] {
        check(&media(kind, id()), word, &by_id);
        check(&media(kind, link()), word, &by_link);
    }
    check(
        &media(MediaKind::Voice, id()),
        "audio",
        &json!({ "id": "1013859600285441", "voice": true }),
    );
    let document = OutgoingContent::Media {
        kind: MediaKind::Document,
        source: id(),
        caption: Some("Your statement".to_owned()),
        filename: Some("statement.pdf".to_owned()),
    };
    check(
        &document,
        "document",
        &json!({ "id": "1013859600285441", "caption": "Your statement", "filename": "statement.pdf" }),
    );
}

#[test]
fn places_people_and_links() {
    let place = |name, address| OutgoingContent::Location {
        latitude: "-30.3006".to_owned(),
        longitude: "27.0844".to_owned(),
        name,
        address,
    };
    check(
        &place(
            Some("Office".to_owned()),
            Some("Hoofd St, Zastron".to_owned()),
        ),
        "location",
        &json!({ "latitude": "-30.3006", "longitude": "27.0844", "name": "Office", "address": "Hoofd St, Zastron" }),
    );
    check(
        &place(None, None),
        "location",
        &json!({ "latitude": "-30.3006", "longitude": "27.0844" }),
    );
    let link = OutgoingContent::CtaUrl {
        header: Some("Statement".to_owned()),
        text: "It is ready".to_owned(),
        footer: Some("Mohokare".to_owned()),
        button: "Open".to_owned(),
        url: "https://example.gov.za/s".to_owned(),
    };
    check(
        &link,
        "interactive",
        &json!({
            "type": "cta_url", "header": { "type": "text", "text": "Statement" }, "body": { "text": "It is ready" },
            "footer": { "text": "Mohokare" },
            "action": { "name": "cta_url", "parameters": { "display_text": "Open", "url": "https://example.gov.za/s" } },
        }),
    );
    let ask = OutgoingContent::AskLocation {
        text: "Where is the leak?".to_owned(),
    };
    check(
        &ask,
        "interactive",
        &json!({
            "type": "location_request_message", "body": { "text": "Where is the leak?" },
            "action": { "name": "send_location" },
        }),
    );
}

#[test]
fn contacts_have_a_whole_name_and_a_part_of_it() {
    let contacts = |card| OutgoingContent::Contacts {
        contacts: vec![card],
    };
    let card = ContactCard {
        formatted_name: "Emergency desk".to_owned(),
        ..ContactCard::default()
    };
    check(
        &contacts(card.clone()),
        "contacts",
        &json!([{ "name": { "formatted_name": "Emergency desk", "first_name": "Emergency desk" } }]),
    );
    let whole = ContactCard {
        last_name: Some("Desk".to_owned()),
        organisation: Some("Mohokare".to_owned()),
        phones: vec![ContactPhone {
            phone: "+27510000000".to_owned(),
            kind: Some("WORK".to_owned()),
        }],
        emails: vec!["help@example.gov.za".to_owned()],
        ..card
    };
    check(
        &contacts(whole),
        "contacts",
        &json!([{
            "name": { "formatted_name": "Emergency desk", "last_name": "Desk" }, "org": { "company": "Mohokare" },
            "phones": [{ "phone": "+27510000000", "type": "WORK" }], "emails": [{ "email": "help@example.gov.za" }],
        }]),
    );
}

fn template(header: Option<TemplateHeader>, body: Vec<TemplateParameter>) -> TemplateMessage {
    TemplateMessage {
        name: "water_outage_notice".to_owned(),
        language: "en_ZA".to_owned(),
        header,
        body,
        buttons: Vec::new(),
        text: "For the record only".to_owned(),
    }
}

fn parameter(name: Option<&str>, text: &str) -> TemplateParameter {
    TemplateParameter {
        name: name.map(str::to_owned),
        text: text.to_owned(),
    }
}

#[test]
fn a_template_without_parameters_has_no_components() {
    check(
        &OutgoingContent::Template(template(None, Vec::new())),
        "template",
        &json!({ "name": "water_outage_notice", "language": { "code": "en_ZA", "policy": "deterministic" } }),
    );
}

#[test]
fn a_template_with_all_there_is() {
    let header = TemplateHeader::Media {
        kind: MediaKind::Document,
        source: MediaSource::Id("55".to_owned()),
        filename: Some("notice.pdf".to_owned()),
    };
    let message = TemplateMessage {
        buttons: vec![
            TemplateButton {
                index: 0,
                value: ButtonValue::Payload("outage:WO-1182:report".to_owned()),
            },
            TemplateButton {
                index: 1,
                value: ButtonValue::UrlSuffix("WO-1182".to_owned()),
            },
        ],
        ..template(Some(header), vec![parameter(Some("area"), "Ward 4")])
    };
    check(
        &OutgoingContent::Template(message),
        "template",
        &json!({
            "name": "water_outage_notice", "language": { "code": "en_ZA", "policy": "deterministic" },
            "components": [
                { "type": "header", "parameters": [{ "type": "document", "document": { "id": "55", "filename": "notice.pdf" } }] },
                { "type": "body", "parameters": [{ "type": "text", "parameter_name": "area", "text": "Ward 4" }] },
                { "type": "button", "sub_type": "quick_reply", "index": "0", "parameters": [{ "type": "payload", "payload": "outage:WO-1182:report" }] },
                { "type": "button", "sub_type": "url", "index": "1", "parameters": [{ "type": "text", "text": "WO-1182" }] },
            ],
        }),
    );
}

#[test]
fn positional_parameters_have_no_names() {
    let header = TemplateHeader::Text(vec![parameter(None, "Water")]);
    let body = vec![parameter(None, "Palesa"), parameter(None, "1250.50")];
    check(
        &OutgoingContent::Template(template(Some(header), body)),
        "template",
        &json!({
            "name": "water_outage_notice", "language": { "code": "en_ZA", "policy": "deterministic" },
            "components": [
                { "type": "header", "parameters": [{ "type": "text", "text": "Water" }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "Palesa" }, { "type": "text", "text": "1250.50" }] },
            ],
        }),
    );
}
