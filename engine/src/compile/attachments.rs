//! Messages that are more than words: a link under a button, media by link, a place, contact cards.
//!
//! Links are fetched by WhatsApp or opened by the customer, never by us; whether something stands behind one is not looked up.

use super::Compiler;
use super::template_buttons::is_web_address;
use super::texts::Label;
use crate::decision::{Card, MediaKind, Place};
use crate::ruleset::{Form, Speech, Text};
use crate::syntax::{Entry, Node};

/// WhatsApp's limits: lengths in UTF-16 units, and counts.
const LINK_TITLE_UNITS_MAX: usize = 20;
const LINK_UNITS_MAX: usize = 2000;
const CAPTION_UNITS_MAX: usize = 1024;
const CARDS_MAX: usize = 5;
/// Ours, where WhatsApp names none.
const FILENAME_UNITS_MAX: usize = 240;
const PLACE_UNITS_MAX: usize = 1000;
const CARD_UNITS_MAX: usize = 240;

const MEDIA: [(&str, MediaKind); 5] = [
    ("image", MediaKind::Image),
    ("video", MediaKind::Video),
    ("audio", MediaKind::Audio),
    ("document", MediaKind::Document),
    ("sticker", MediaKind::Sticker),
];
const LINK_KEYS: [&str; 2] = ["title", "url"];
const PLACE_KEYS: [&str; 4] = ["latitude", "longitude", "name", "address"];
const CARD_KEYS: [&str; 4] = ["name", "organisation", "phone", "email"];

/// Whether `key` is a message of its own, beside which nothing else stands.
pub(super) fn is_attachment(key: &str) -> bool {
    matches!(key, "location" | "contacts") || MEDIA.iter().any(|(media, _)| *media == key)
}

/// Whether a message is the same in every language.
pub(super) fn is_wordless(node: &Node) -> bool {
    let entries = node.map().unwrap_or_default();
    entries
        .iter()
        .any(|entry| is_attachment(&entry.key) && entry.value.get("caption").is_none())
}

impl Compiler<'_> {
    /// A message that is `attached`, which stands in `node`.
    pub(super) fn attachment(
        &mut self,
        node: &Node,
        attached: &Entry,
        label: Label<'_>,
    ) -> Option<Speech> {
        for beside in node.map().unwrap_or_default() {
            if beside.key != attached.key {
                let expected = format!("nothing beside `{}`", attached.key);
                let found = format!("`{}`", beside.key);
                self.diagnostics
                    .wrong_shape(beside.key_span, &expected, &found);
            }
        }
        let media = MEDIA.iter().find(|(key, _)| *key == attached.key);
        let mut speech = Speech {
            text: Text::Plain(String::new()),
            header: None,
            footer: None,
            form: Form::Text,
        };
        speech.form = match media {
            Some((_, kind)) => self.media(&attached.value, *kind, label, &mut speech.text)?,
            None if attached.key == "location" => self.place(&attached.value, label)?,
            None => self.cards(&attached.value, label)?,
        };
        Some(speech)
    }

    /// `{ link, caption, filename }`, or the link alone.
    fn media(
        &mut self,
        node: &Node,
        kind: MediaKind,
        label: Label<'_>,
        caption: &mut Text,
    ) -> Option<Form> {
        let keys: &[&str] = match kind {
            MediaKind::Image | MediaKind::Video => &["link", "caption"],
            MediaKind::Document => &["link", "caption", "filename"],
            MediaKind::Audio | MediaKind::Sticker => &["link"],
        };
        let languages = !self.languages_of(node).is_empty();
        let Some(entries) = node.map().filter(|_| !languages) else {
            let link = self.link(node, label)?;
            return Some(Form::Media {
                kind,
                link,
                filename: None,
            });
        };
        for entry in entries {
            if !keys.contains(&entry.key.as_str()) {
                entry.unknown("in this kind of media", keys, &mut self.diagnostics);
            }
        }
        let Some(link) = node.get("link") else {
            self.diagnostics
                .missing_key(node.span, "link", "in this message");
            return None;
        };
        let link = self.link(link, label)?;
        if let Some(node) = node.get("caption") {
            let (label, node) = self.in_language(node, label)?;
            *caption = self.sendable(node, "caption", (label, CAPTION_UNITS_MAX))?;
        }
        let filename = node
            .get("filename")
            .and_then(|node| self.plain(node, ("file name", FILENAME_UNITS_MAX), label));
        Some(Form::Media {
            kind,
            link,
            filename,
        })
    }

    /// An address that WhatsApp takes: `https` only.
    fn link(&mut self, node: &Node, label: Label<'_>) -> Option<String> {
        let link = self.plain(node, ("link", LINK_UNITS_MAX), label)?;
        if !link.starts_with("https://") || !is_web_address(&link) {
            let expected = "an address that begins with `https://` and holds no blanks";
            self.diagnostics
                .invalid_value(node.span, (&link, expected), None);
            return None;
        }
        Some(link)
    }

    /// `cta_url: { title, url }`.
    pub(super) fn link_button(&mut self, node: &Node, label: Label<'_>) -> Option<Form> {
        let entries = node.expect_map("a map of `title` and `url`", &mut self.diagnostics)?;
        for entry in entries {
            if !LINK_KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in `cta_url`", &LINK_KEYS, &mut self.diagnostics);
            }
        }
        for key in LINK_KEYS {
            if node.get(key).is_none() {
                self.diagnostics.missing_key(node.span, key, "in `cta_url`");
            }
        }
        let title = ("title of a button", LINK_TITLE_UNITS_MAX);
        let button = self.plain(node.get("title")?, title, label);
        let url = self.link(node.get("url")?, label);
        Some(Form::Link {
            button: button?,
            url: url?,
        })
    }

    fn place(&mut self, node: &Node, label: Label<'_>) -> Option<Form> {
        let expected = "a map of `latitude` and `longitude`";
        for entry in node.expect_map(expected, &mut self.diagnostics)? {
            if !PLACE_KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in `location`", &PLACE_KEYS, &mut self.diagnostics);
            }
        }
        let latitude = self.degrees(node, "latitude", 90.0);
        let longitude = self.degrees(node, "longitude", 180.0);
        let mut words = |key: &str| {
            let node = node.get(key)?;
            self.plain(node, (key, PLACE_UNITS_MAX), label)
        };
        let (name, address) = (words("name"), words("address"));
        Some(Form::Location(Place {
            latitude: latitude?,
            longitude: longitude?,
            name,
            address,
        }))
    }

    fn degrees(&mut self, place: &Node, key: &str, max: f64) -> Option<String> {
        let Some(node) = place.get(key) else {
            self.diagnostics
                .missing_key(place.span, key, "in `location`");
            return None;
        };
        let expected = format!("degrees from -{max} to {max}, as in -30.2967");
        let text = node.expect_text(&expected, &mut self.diagnostics)?;
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte));
        let degrees = text.parse::<f64>().ok().filter(|_| plain);
        if degrees.is_none_or(|degrees| degrees.abs() > max) {
            self.diagnostics
                .invalid_value(node.span, (text, &expected), None);
            return None;
        }
        Some(text.to_owned())
    }

    fn cards(&mut self, node: &Node, label: Label<'_>) -> Option<Form> {
        let items = node.one_or_many();
        if let Some(extra) = items.get(CARDS_MAX) {
            self.diagnostics
                .too_many(extra.span, "contact cards", (items.len(), CARDS_MAX));
        }
        let cards: Vec<Card> = items
            .iter()
            .take(CARDS_MAX)
            .filter_map(|item| self.card(item, label))
            .collect();
        if items.is_empty() {
            self.diagnostics
                .empty_text(node.span, &label.of("list of contacts"));
        }
        (!cards.is_empty()).then_some(Form::Contacts(cards))
    }

    fn card(&mut self, node: &Node, label: Label<'_>) -> Option<Card> {
        let expected = "a contact with `name` and `phone`";
        for entry in node.expect_map(expected, &mut self.diagnostics)? {
            if !CARD_KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in a contact", &CARD_KEYS, &mut self.diagnostics);
            }
        }
        for key in ["name", "phone"] {
            if node.get(key).is_none() {
                self.diagnostics
                    .missing_key(node.span, key, "in this contact");
            }
        }
        let mut words = |node: &Node, key: &str| self.plain(node, (key, CARD_UNITS_MAX), label);
        let name = words(node.get("name")?, "name")?;
        let organisation = node
            .get("organisation")
            .and_then(|node| words(node, "organisation"));
        let mut several = |key: &str| -> Vec<String> {
            let items = node.get(key).map(Node::one_or_many).unwrap_or_default();
            items.iter().filter_map(|item| words(item, key)).collect()
        };
        Some(Card {
            name,
            organisation,
            phones: several("phone"),
            emails: several("email"),
        })
    }
}
