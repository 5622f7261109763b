//! Whether a file, place, contact or link is one that WhatsApp would take. Whether an uploaded file exists is not known
//! here.

use serde_json::Value;

use super::checks::{Checked, array, missing, only, string, wrong};

const CAPTION_MAX: usize = 1_024;
const LINK_MAX: usize = 2_000;
const FILENAME_MAX: usize = 240;
const CARDS_MAX: usize = 5;
const NAME_MAX: usize = 1_000;
const URL_TITLE_MAX: usize = 20;

/// The types that carry a file.
pub(super) const FILES: [&str; 5] = ["image", "video", "audio", "document", "sticker"];

/// A file: by id or by link, with what its type allows beside it.
pub(super) fn file(kind: &str, part: &Value) -> Checked {
    let keys: &[&str] = match kind {
        "image" | "video" => &["id", "link", "caption"],
        "document" => &["id", "link", "caption", "filename"],
        "audio" => &["id", "link", "voice"],
        _ => &["id", "link"],
    };
    only(part, keys)?;
    if part.get("caption").is_some() {
        string(part, "caption", 1..=CAPTION_MAX)?;
    }
    if part.get("filename").is_some() {
        string(part, "filename", 1..=FILENAME_MAX)?;
    }
    if part.get("voice").is_some_and(|voice| !voice.is_boolean()) {
        return Err(wrong("voice", "must be a boolean"));
    }
    match (part.get("id"), part.get("link")) {
        (Some(_), None) => string(part, "id", 1..=100).map(drop),
        (None, Some(_)) => address(part, "link"),
        (Some(_), Some(_)) => Err(wrong("link", "must not stand beside id")),
        (None, None) => Err(missing("id")),
    }
}

fn address(part: &Value, key: &str) -> Checked {
    let link = string(part, key, 1..=LINK_MAX)?;
    if link.starts_with("https://") || link.starts_with("http://") {
        Ok(())
    } else {
        Err(wrong(key, "is not a valid URI"))
    }
}

pub(super) fn location(part: &Value) -> Checked {
    only(part, &["latitude", "longitude", "name", "address"])?;
    for (key, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        let found = part.get(key).ok_or_else(|| missing(key))?;
        let degrees = found.as_f64().or_else(|| found.as_str()?.parse().ok());
        if degrees.is_none_or(|degrees: f64| !degrees.is_finite() || degrees.abs() > most) {
            return Err(wrong(key, "is not a number of degrees"));
        }
    }
    for key in ["name", "address"] {
        if part.get(key).is_some() {
            string(part, key, 1..=NAME_MAX)?;
        }
    }
    Ok(())
}

pub(super) fn contacts(part: &Value) -> Checked {
    let cards = part.as_array().map_or(&[][..], Vec::as_slice);
    if !(1..=CARDS_MAX).contains(&cards.len()) {
        return Err(wrong("contacts", "must have 1 to 5 elements"));
    }
    let keys = [
        "name",
        "phones",
        "emails",
        "addresses",
        "org",
        "urls",
        "birthday",
    ];
    for card in cards {
        only(card, &keys)?;
        let name = card.get("name").ok_or_else(|| missing("name"))?;
        string(name, "formatted_name", 1..=NAME_MAX)?;
        let more = ["first_name", "last_name", "middle_name", "prefix", "suffix"];
        if !more.iter().any(|key| name[key].is_string()) {
            return Err(wrong("name", "needs one more part beside formatted_name"));
        }
        for (list, key) in [("phones", "phone"), ("emails", "email")] {
            if card.get(list).is_some() {
                for item in array(card, list, 1..=20)? {
                    string(item, key, 1..=NAME_MAX)?;
                }
            }
        }
    }
    Ok(())
}

/// One button that opens an address.
pub(super) fn link_button(action: &Value) -> Checked {
    only(action, &["name", "parameters"])?;
    if action["name"] != "cta_url" {
        return Err(wrong("action.name", "must be one of {cta_url}"));
    }
    let parameters = &action["parameters"];
    only(parameters, &["display_text", "url"])?;
    string(parameters, "display_text", 1..=URL_TITLE_MAX)?;
    address(parameters, "url")
}

pub(super) fn location_request(part: &Value) -> Checked {
    only(part, &["type", "body", "action"])?;
    only(&part["action"], &["name"])?;
    if part["action"]["name"] == "send_location" {
        Ok(())
    } else {
        Err(wrong("action.name", "must be one of {send_location}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(checked: Checked) -> Option<i64> {
        checked.err().map(|error| error.code)
    }

    #[test]
    fn files() {
        let link = "https://example.gov.za/a.pdf";
        for (kind, part, expected) in [
            ("image", json!({ "id": "1", "caption": "c" }), None),
            (
                "document",
                json!({ "link": link, "caption": "c", "filename": "a.pdf" }),
                None,
            ),
            ("audio", json!({ "id": "1", "voice": true }), None),
            ("sticker", json!({ "id": "1" }), None),
            (
                "video",
                json!({ "link": "http://example.gov.za/v.mp4" }),
                None,
            ),
            ("image", json!({}), Some(131_008)),
            ("image", json!({ "id": "1", "link": link }), Some(131_009)),
            (
                "image",
                json!({ "link": "ftp://example.gov.za/a" }),
                Some(131_009),
            ),
            (
                "image",
                json!({ "id": "1", "caption": "x".repeat(1_025) }),
                Some(131_009),
            ),
            ("image", json!({ "id": "1", "caption": "" }), Some(131_009)),
            ("image", json!({ "id": "1", "filename": "a" }), Some(100)),
            ("audio", json!({ "id": "1", "caption": "c" }), Some(100)),
            ("audio", json!({ "id": "1", "voice": "yes" }), Some(131_009)),
            ("sticker", json!({ "id": "1", "caption": "c" }), Some(100)),
            ("document", json!([]), Some(100)),
        ] {
            assert_eq!(code(file(kind, &part)), expected, "{kind} {part}");
        }
    }

    #[test]
    fn places_contacts_and_links() {
        for (part, expected) in [
            (
                json!({ "latitude": "-30.3", "longitude": 27.08, "name": "n", "address": "a" }),
                None,
            ),
            (
                json!({ "latitude": -91, "longitude": 27.08 }),
                Some(131_009),
            ),
            (
                json!({ "latitude": "north", "longitude": 27.08 }),
                Some(131_009),
            ),
            (
                json!({ "latitude": "NaN", "longitude": 27.08 }),
                Some(131_009),
            ),
            (json!({ "latitude": -30 }), Some(131_008)),
            (
                json!({ "latitude": 1, "longitude": 1, "height": 5 }),
                Some(100),
            ),
        ] {
            assert_eq!(code(location(&part)), expected, "{part}");
        }
        let name = json!({ "formatted_name": "Desk", "first_name": "Desk" });
        for (part, expected) in [
            (
                json!([{ "name": name, "phones": [{ "phone": "+27", "type": "WORK" }], "emails": [{ "email": "a@b" }] }]),
                None,
            ),
            (
                json!([{ "name": { "formatted_name": "Desk" } }]),
                Some(131_009),
            ),
            (json!([{ "name": { "first_name": "Desk" } }]), Some(131_008)),
            (json!([{ "name": name, "phones": [{}] }]), Some(131_008)),
            (json!([{}]), Some(131_008)),
            (json!([]), Some(131_009)),
            (json!(vec![json!({ "name": name }); 6]), Some(131_009)),
            (json!([{ "name": name, "pets": [] }]), Some(100)),
        ] {
            assert_eq!(code(contacts(&part)), expected, "{part}");
        }
        let link = |text: &str, url: &str| json!({ "name": "cta_url", "parameters": { "display_text": text, "url": url } });
        assert_eq!(code(link_button(&link("Open", "https://x.za"))), None);
        assert_eq!(
            code(link_button(&link(&"x".repeat(21), "https://x.za"))),
            Some(131_009)
        );
        assert_eq!(code(link_button(&link("Open", "x.za"))), Some(131_009));
        assert_eq!(
            code(link_button(&json!({ "name": "other" }))),
            Some(131_009)
        );
        let ask = json!({ "type": "location_request_message", "body": { "text": "x" }, "action": { "name": "send_location" } });
        assert_eq!(code(location_request(&ask)), None);
        let mut headed = ask.clone();
        headed["header"] = json!({});
        assert_eq!(code(location_request(&headed)), Some(100));
    }
}
