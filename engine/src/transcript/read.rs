//! Reads the `tests` of a pack. Names of intents, responses and rules are not looked up here: a test that expects what
//! does not exist fails and says so.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::civil::DateTime;

use super::{Step, Transcript};
use crate::diagnostic::Diagnostics;
use crate::language::Language;
use crate::source::{Location, Span};
use crate::syntax::Node;
use crate::template::Template;
use crate::turn::{Contact, Event, MessageKind, Notification, Owner};

/// The moment of a test that names none: a Monday morning.
const NOW: DateTime = DateTime::constant(2026, 11, 23, 10, 0, 0, 0);
/// Turns of one conversation.
const TURNS_MAX: usize = 200;
/// The longest time that may pass between two turns, in days.
const PAUSE_DAYS_MAX: i64 = 366;

const TEST_KEYS: [&str; 8] = [
    "name",
    "now",
    "contact",
    "conversation",
    "owner",
    "notification",
    "turns",
    "about",
];
const CONTACT_KEYS: [&str; 5] = ["name", "language", "opted_out", "tags", "fields"];
const TURN_KEYS: [&str; 8] = [
    "customer",
    "button",
    "message",
    "notification",
    "after",
    "late",
    "event",
    "expect",
];
const OWNERS: [&str; 3] = ["bot", "waiting", "person"];
const EVENTS: [&str; 2] = ["first_contact", "returned_by_staff"];
const KINDS: [(&str, MessageKind); 13] = [
    ("text", MessageKind::Text),
    ("button", MessageKind::Button),
    ("image", MessageKind::Image),
    ("video", MessageKind::Video),
    ("voice", MessageKind::Voice),
    ("audio", MessageKind::Audio),
    ("document", MessageKind::Document),
    ("sticker", MessageKind::Sticker),
    ("location", MessageKind::Location),
    ("contacts", MessageKind::Contacts),
    ("order", MessageKind::Order),
    ("form", MessageKind::Form),
    ("unsupported", MessageKind::Unsupported),
];

/// What tests are read against.
pub(crate) struct Around<'a> {
    pub(crate) place: &'a dyn Fn(Span) -> Location,
    pub(crate) templates: &'a [Template],
    /// Some file could not be read, so templates that seem unknown may well exist.
    pub(crate) incomplete: bool,
}

/// Reads the value of one `tests` key (a list of conversations); every problem is reported.
pub(crate) fn read(
    tests: &Node,
    around: &Around<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Transcript> {
    let list = tests
        .expect_list("a list of conversations", diagnostics)
        .unwrap_or_default();
    let mut reader = Reader {
        around,
        place: around.place,
        diagnostics,
    };
    list.iter()
        .filter_map(|test| reader.transcript(test))
        .collect()
}

pub(super) struct Reader<'a> {
    around: &'a Around<'a>,
    pub(super) place: &'a dyn Fn(Span) -> Location,
    pub(super) diagnostics: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn transcript(&mut self, test: &Node) -> Option<Transcript> {
        let mut read = Transcript {
            name: String::new(),
            at: (self.place)(test.span),
            now: NOW,
            contact: Contact::default(),
            owner: Owner::Bot,
            fields: BTreeMap::new(),
            notification: None,
            turns: Vec::new(),
        };
        for entry in test.expect_map("a conversation with `name` and `turns`", self.diagnostics)? {
            match entry.key.as_str() {
                "name" => self.text(&entry.value)?.clone_into(&mut read.name),
                "about" => drop(self.text(&entry.value)),
                "now" => read.now = self.moment(&entry.value).unwrap_or(NOW),
                "contact" => read.contact = self.contact(&entry.value),
                "conversation" => read.fields = self.fields(&entry.value),
                "owner" => {
                    read.owner =
                        match entry
                            .value
                            .expect_word("an owner", &OWNERS, self.diagnostics)
                        {
                            Some("waiting") => Owner::Waiting,
                            Some("person") => Owner::Person,
                            _ => Owner::Bot,
                        }
                }
                "notification" => read.notification = self.notification(&entry.value),
                "turns" => read.turns = self.turns(&entry.value),
                _ => entry.unknown("in a test", &TEST_KEYS, self.diagnostics),
            }
        }
        for key in ["name", "turns"] {
            if test.get(key).is_none() {
                self.diagnostics.missing_key(test.span, key, "in a test");
            }
        }
        Some(read)
    }

    fn contact(&mut self, node: &Node) -> Contact {
        let mut contact = Contact::default();
        for entry in node
            .expect_map("facts about the contact", self.diagnostics)
            .unwrap_or_default()
        {
            match entry.key.as_str() {
                "name" => contact.name = self.text(&entry.value).map(str::to_owned),
                "language" => contact.language = self.language(&entry.value),
                "opted_out" => {
                    contact.opted_out = entry.value.expect_bool(self.diagnostics).unwrap_or(false);
                }
                "tags" => contact.tags = self.texts(&entry.value).into_iter().collect(),
                "fields" => contact.fields = self.fields(&entry.value),
                _ => entry.unknown("in `contact`", &CONTACT_KEYS, self.diagnostics),
            }
        }
        contact
    }

    fn turns(&mut self, node: &Node) -> Vec<Step> {
        let turns = node
            .expect_list("a list of turns", self.diagnostics)
            .unwrap_or_default();
        if turns.len() > TURNS_MAX {
            self.diagnostics
                .too_many(node.span, "turns", (turns.len(), TURNS_MAX));
        }
        turns
            .iter()
            .take(TURNS_MAX)
            .filter_map(|turn| self.turn(turn))
            .collect()
    }

    fn turn(&mut self, node: &Node) -> Option<Step> {
        let entries =
            node.expect_map("a turn, as in `customer: \"no water\"`", self.diagnostics)?;
        let mut step = Step {
            at: (self.place)(node.span),
            text: String::new(),
            kind: MessageKind::Text,
            button: None,
            events: Vec::new(),
            notification: None,
            after: SignedDuration::ZERO,
            late: SignedDuration::ZERO,
            expect: Vec::new(),
        };
        for entry in entries {
            match entry.key.as_str() {
                "customer" => self
                    .text(&entry.value)
                    .unwrap_or_default()
                    .clone_into(&mut step.text),
                "button" => {
                    step.button = self.text(&entry.value).map(str::to_owned);
                    step.kind = MessageKind::Button;
                }
                "message" => step.kind = self.kind(&entry.value),
                "notification" => step.notification = self.notification(&entry.value),
                "after" => step.after = self.pause(&entry.value),
                "late" => step.late = self.pause(&entry.value),
                "event" => step.events = self.events(&entry.value),
                "expect" => step.expect = self.expect(&entry.value),
                _ => entry.unknown("in a turn", &TURN_KEYS, self.diagnostics),
            }
        }
        if ["customer", "button", "message"]
            .iter()
            .all(|key| node.get(key).is_none())
        {
            self.diagnostics
                .missing_key(node.span, "customer", "in a turn");
        }
        Some(step)
    }

    /// `{ template: NAME, FIELD: value … }`, or the name alone; fields that are not given have their samples.
    fn notification(&mut self, node: &Node) -> Option<Notification> {
        let expected = "the name of a template, or a map of `template` and its fields";
        let Some(name) = node
            .get("template")
            .or(Some(node).filter(|node| node.map().is_none()))
        else {
            self.diagnostics
                .missing_key(node.span, "template", "in this notification");
            return None;
        };
        let template = name.expect_text(expected, self.diagnostics)?;
        let templates = self.around.templates;
        let Some(known) = templates.iter().find(|known| known.name() == template) else {
            if !self.around.incomplete {
                let suggestion = self
                    .diagnostics
                    .nearest(template, templates.iter().map(Template::name));
                self.diagnostics
                    .unknown_template(name.span, template, suggestion);
            }
            return None;
        };
        let mut given = BTreeMap::new();
        let entries = node.map().unwrap_or_default();
        for entry in entries.iter().filter(|entry| entry.key != "template") {
            let value = self.text(&entry.value)?;
            given.insert(entry.key.clone(), value.to_owned());
        }
        match known.notification(&given) {
            Ok(notification) => Some(notification),
            Err(problems) => {
                for problem in problems {
                    let entry = entries.iter().find(|entry| entry.key == problem.field);
                    let at = entry.map_or(name.span, |entry| entry.key_span);
                    self.diagnostics
                        .bad_notification(at, &problem.field, &problem.problem);
                }
                None
            }
        }
    }

    fn kind(&mut self, node: &Node) -> MessageKind {
        let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        let word = node.expect_word("a kind of message", &names, self.diagnostics);
        KINDS
            .iter()
            .find(|(name, _)| Some(*name) == word)
            .map_or(MessageKind::Text, |(_, kind)| *kind)
    }

    fn events(&mut self, node: &Node) -> Vec<Event> {
        let mut events = Vec::new();
        for item in node.one_or_many() {
            match item.expect_word("an event that a test can bring", &EVENTS, self.diagnostics) {
                Some("first_contact") => events.push(Event::FirstContact),
                Some(_) => events.push(Event::ReturnedByStaff),
                None => {}
            }
        }
        events
    }

    fn fields(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::new();
        for entry in node
            .expect_map("fields and their values", self.diagnostics)
            .unwrap_or_default()
        {
            if let Some(value) = self.text(&entry.value) {
                fields.insert(entry.key.clone(), value.to_owned());
            }
        }
        fields
    }

    fn moment(&mut self, node: &Node) -> Option<DateTime> {
        let expected = "a date and time, as in \"2026-11-23 10:00\"";
        let text = node.expect_text(expected, self.diagnostics)?;
        let moment = text.parse().ok();
        if moment.is_none() {
            self.diagnostics
                .invalid_value(node.span, (text, expected), None);
        }
        moment
    }

    fn pause(&mut self, node: &Node) -> SignedDuration {
        let expected = "a time, as in `90s`, `5m`, `4h` or `2d`";
        let Some(text) = node.expect_text(expected, self.diagnostics) else {
            return SignedDuration::ZERO;
        };
        let longest = SignedDuration::from_hours(24 * PAUSE_DAYS_MAX);
        let pause = duration(text).filter(|pause| (SignedDuration::ZERO..=longest).contains(pause));
        if pause.is_none() {
            self.diagnostics
                .invalid_value(node.span, (text, expected), None);
        }
        pause.unwrap_or_default()
    }

    pub(super) fn language(&mut self, node: &Node) -> Option<Language> {
        let expected = "a language code, as in `en`";
        let text = node.expect_text(expected, self.diagnostics)?;
        let language = Language::parse(text);
        if language.is_none() {
            self.diagnostics
                .invalid_value(node.span, (text, expected), None);
        }
        language
    }

    pub(super) fn texts(&mut self, node: &Node) -> Vec<String> {
        node.one_or_many()
            .iter()
            .filter_map(|item| self.text(item))
            .map(str::to_owned)
            .collect()
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        node.expect_text("a text", self.diagnostics)
    }
}

/// `90s`, `5m`, `1h30m`, `2d`; a day has 24 hours.
fn duration(text: &str) -> Option<SignedDuration> {
    let span = text.parse::<jiff::Span>().ok()?;
    span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
        .ok()
}
