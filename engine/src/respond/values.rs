//! What stands behind the names in a text: values of the message, facts about the contact, fields of the conversation.
//!
//! All of it may have been written by a stranger. It is data: never read as a template, and in a reply its formatting
//! characters are made harmless, so that no name can turn a reply bold, into a quotation or the other way round.

use std::collections::BTreeMap;

use handlebars::Context;
use serde_json::{Map, Value};

use crate::decision::EntityValue;
use crate::language::Language;
use crate::respond::formats::{LANGUAGE, NORMAL};
use crate::template::{self, Field, FieldKind, Template};
use crate::turn::{Contact, Notification};

/// Everything a text may name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) pack: &'a str,
    pub(crate) language: Language,
    /// In order of appearance: the first of a name is the one that is printed.
    pub(crate) entities: &'a [EntityValue],
    pub(crate) contact: &'a Contact,
    pub(crate) conversation: &'a BTreeMap<String, String>,
    pub(crate) notification: Option<Told<'a>>,
}

/// The notification that the message answers, with its template.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) template: &'a Template,
    /// One for each field of the template.
    pub(crate) values: &'a BTreeMap<String, String>,
}

impl<'a> Told<'a> {
    /// `None` when the pack has no such template any more, or one that has been given another field since: texts would
    /// have holes.
    pub(crate) fn of(templates: &'a [Template], notification: &'a Notification) -> Option<Self> {
        let template = templates
            .iter()
            .find(|template| template.name == notification.template)?;
        let values = &notification.fields;
        let whole = template.fields.iter().all(|field| {
            values
                .get(&field.name)
                .is_some_and(|value| !value.is_empty())
        });
        whole.then_some(Self { template, values })
    }
}

/// What a rendered text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Said to the customer: values are printed as labels and cannot format.
    Speech,
    /// Told to staff: values are in their normal form, unaltered, those of a notification as the customer read them.
    Note,
    /// Kept in a field: values are in their normal form, unaltered.
    Record,
}

impl Values<'_> {
    pub(crate) fn context(&self, purpose: Purpose) -> Context {
        let print = |text: &str| match purpose {
            Purpose::Speech => Value::String(plain(text)),
            Purpose::Note | Purpose::Record => Value::String(text.to_owned()),
        };
        let fields = |fields: &BTreeMap<String, String>| -> Map<String, Value> {
            fields
                .iter()
                .map(|(name, value)| (name.clone(), print(value)))
                .collect()
        };
        let mut data = Map::new();
        for entity in self.entities {
            let text = match purpose {
                Purpose::Speech => &entity.label,
                Purpose::Note | Purpose::Record => &entity.value,
            };
            data.entry(entity.name.as_str())
                .or_insert_with(|| print(text));
        }
        let mut contact = fields(&self.contact.fields);
        // A name that a rule has set is better than the profile's, which can be anything.
        if let Some(name) = &self.contact.name {
            contact.entry("name").or_insert_with(|| print(name));
        }
        data.insert("contact".to_owned(), Value::Object(contact));
        data.insert(
            "conversation".to_owned(),
            Value::Object(fields(self.conversation)),
        );
        let (printed, normal) = self.notification(purpose);
        data.insert("notification".to_owned(), Value::Object(printed));
        data.insert(NORMAL.to_owned(), Value::Object(normal));
        data.insert("pack".to_owned(), serde_json::json!({ "name": self.pack }));
        data.insert(
            LANGUAGE.to_owned(),
            Value::String(self.language.as_str().to_owned()),
        );
        Context::from(Value::Object(data))
    }

    /// The notification's values as they are printed, and in the form that helpers read.
    fn notification(&self, purpose: Purpose) -> (Map<String, Value>, Map<String, Value>) {
        let (mut printed, mut normal) = (Map::new(), Map::new());
        let Some(told) = self.notification else {
            return (printed, normal);
        };
        for Field { name, kind, .. } in &told.template.fields {
            let value = told.values.get(name).map_or("", String::as_str);
            // Names and reasons may come from strangers, in helpers too.
            let harmless = match (purpose, kind) {
                (Purpose::Speech, FieldKind::Text) => plain(value),
                _ => value.to_owned(),
            };
            let text = match purpose {
                Purpose::Record => harmless.clone(),
                Purpose::Speech | Purpose::Note => template::print(*kind, &harmless, self.language),
            };
            printed.insert(name.clone(), Value::String(text));
            normal.insert(name.clone(), Value::String(harmless));
        }
        (printed, normal)
    }
}

/// `text` with everything that WhatsApp would format or that would turn the writing direction made harmless: one line, look-alikes for
/// `*`, `_`, `~` and backticks unless they stand inside a word (as in `first_last@town.gov.za`, where they do nothing),
/// no list or quotation mark at the front.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.trim().chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let inside = before.is_some_and(char::is_alphanumeric)
            && chars.peek().is_some_and(|next| next.is_alphanumeric());
        let put = match c {
            '*' if !inside => '∗',
            '_' if !inside => 'ˍ',
            '~' if !inside => '∼',
            '`' => 'ˋ',
            '>' if out.is_empty() => '›',
            '-' if out.is_empty() && chars.peek() == Some(&' ') => '‐',
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => continue,
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => ' ',
            c => c,
        };
        out.push(put);
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_cannot_format() {
        let check = |input: &str, expected: &str| assert_eq!(plain(input), expected, "{input}");
        check("Palesa", "Palesa");
        check("*Palesa*", "∗Palesa∗");
        check("_a_ ~b~ ```c```", "ˍaˍ ∼b∼ ˋˋˋcˋˋˋ");
        check("first_last@town.gov.za", "first_last@town.gov.za");
        check("> quoted\n> twice", "› quoted > twice");
        check("- item", "‐ item");
        check("-5", "-5");
        check("  {{name}}  ", "{{name}}");
        check("a\u{202E}b", "ab");
    }

    #[test]
    fn the_first_value_of_a_name_is_printed() {
        let value = |value: &str| EntityValue {
            name: "area".to_owned(),
            entity: "area".to_owned(),
            value: value.to_owned(),
            label: value.to_uppercase(),
            start: 0,
            end: 1,
        };
        let contact = Contact {
            name: Some("*P*".to_owned()),
            ..Contact::default()
        };
        let values = Values {
            pack: "town",
            language: Language::EN,
            entities: &[value("a"), value("b")],
            contact: &contact,
            conversation: &BTreeMap::from([("ward".to_owned(), "4".to_owned())]),
            notification: None,
        };
        let speech = values.context(Purpose::Speech);
        assert_eq!(speech.data()["area"], "A");
        assert_eq!(speech.data()["contact"]["name"], "∗P∗");
        assert_eq!(speech.data()["conversation"]["ward"], "4");
        let record = values.context(Purpose::Record);
        assert_eq!(record.data()["area"], "a");
        assert_eq!(record.data()["contact"]["name"], "*P*");
    }
}
