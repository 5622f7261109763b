//! `templates`: texts that WhatsApp approves, within its rules, in every language of the pack that has one.
//!
//! What WhatsApp would refuse days later is refused here, with its place. The texts themselves are read in
//! `template_texts`.

use jiff::SignedDuration;

use super::Compiler;
use super::pack;
use super::sections::{Named, Sections, is_name};
use crate::source::Span;
use crate::syntax::{Entry, Node};
use crate::template::{Category, Field, FieldKind, Template};
use crate::turn::Consent;

const KEYS: [&str; 9] = [
    "category",
    "approved",
    "consent",
    "fields",
    "header",
    "body",
    "footer",
    "buttons",
    "valid_for",
];
const FIELD_KEYS: [&str; 2] = ["type", "sample"];
/// Templates of one pack: as many as WhatsApp keeps for a business that is not verified.
const TEMPLATES_MAX: usize = 250;
/// Fields of one template.
const FIELDS_MAX: usize = 30;
/// Characters of a template's name.
const NAME_CHARS_MAX: usize = 512;
/// The longest time a template may wait to be sent, in minutes: 30 days.
const VALID_MINUTES_MAX: i64 = 30 * 24 * 60;
/// The name under which tests say which template a notification is made of.
const RESERVED_FIELD: &str = "template";

const CATEGORIES: [(&str, Category); 3] = [
    ("utility", Category::Utility),
    ("marketing", Category::Marketing),
    ("authentication", Category::Authentication),
];
const KINDS: [(&str, FieldKind); 7] = [
    ("text", FieldKind::Text),
    ("money", FieldKind::Money),
    ("date", FieldKind::Date),
    ("time", FieldKind::Time),
    ("datetime", FieldKind::Datetime),
    ("number", FieldKind::Number),
    ("url", FieldKind::Url),
];
/// What people may be written to about, as rules and templates name it.
pub(super) const CONSENTS: [(&str, Consent); 3] = [
    ("account", Consent::Account),
    ("service", Consent::Service),
    ("marketing", Consent::Marketing),
];

impl<'a> Compiler<'a> {
    pub(super) fn templates(&mut self, sections: &Sections<'a>) {
        if let Some(extra) = sections.templates.get(TEMPLATES_MAX) {
            let count = (sections.templates.len(), TEMPLATES_MAX);
            self.diagnostics.too_many(extra.at, "templates", count);
        }
        for named in sections.templates.iter().take(TEMPLATES_MAX) {
            let template = self.message_template(*named);
            self.templates.push(template);
        }
    }

    /// A template with as much of it as can be read: its name is known from now on either way.
    fn message_template(&mut self, named: Named<'a>) -> Template {
        let mut template = Template {
            name: named.name.to_owned(),
            category: Category::Utility,
            consent: Consent::Account,
            fields: Vec::new(),
            valid_for: None,
            at: self.places.locate(named.at),
            texts: Vec::new(),
            timezone: self.pack.timezone.clone(),
        };
        if named.name.len() > NAME_CHARS_MAX {
            let count = (named.name.len(), NAME_CHARS_MAX);
            self.diagnostics
                .text_too_long(named.at, "the name of this template", count);
        }
        let entries = named
            .node
            .expect_map("a template with `body`", &mut self.diagnostics)
            .unwrap_or_default();
        for entry in entries {
            if !KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in a template", &KEYS, &mut self.diagnostics);
            }
        }
        for key in ["category", "body"] {
            if named.node.map().is_some() && named.node.get(key).is_none() {
                self.diagnostics
                    .missing_key(named.at, key, "in this template");
            }
        }
        self.template_head(named, &mut template);
        if let Some(fields) = named.node.get("fields") {
            template.fields = self.template_fields(fields, &template);
        }
        self.template_texts(named, &mut template);
        template
    }

    fn template_head(&mut self, named: Named<'a>, template: &mut Template) {
        if let Some(node) = named.node.get("category") {
            let category = self.word(node, "a category", &CATEGORIES);
            template.category = category.unwrap_or(Category::Utility);
        }
        if template.category == Category::Marketing {
            template.consent = Consent::Marketing;
        }
        if let Some(node) = named.node.get("consent") {
            let consent = self.word(node, "what a template is about", &CONSENTS);
            template.consent = consent.unwrap_or(template.consent);
        }
        if let Some(node) = named.node.get("valid_for") {
            let minutes = pack::minutes(node, VALID_MINUTES_MAX, &mut self.diagnostics);
            template.valid_for = minutes.map(SignedDuration::from_mins);
        }
    }

    fn template_fields(&mut self, node: &Node, template: &Template) -> Vec<Field> {
        let entries = node
            .expect_map("a map of fields", &mut self.diagnostics)
            .unwrap_or_default();
        if let Some(extra) = entries.get(FIELDS_MAX) {
            self.diagnostics
                .too_many(extra.key_span, "fields", (entries.len(), FIELDS_MAX));
        }
        let fields = entries.iter().take(FIELDS_MAX);
        fields
            .filter_map(|entry| self.template_field(entry, template))
            .collect()
    }

    /// `name: { type: money, sample: 1250.50 }`, or `name: "Thandi"` for a text.
    fn template_field(&mut self, entry: &Entry, template: &Template) -> Option<Field> {
        let name = entry.key.as_str();
        if !is_name(name) {
            self.diagnostics.invalid_name(entry.key_span, name, "");
            return None;
        }
        if name == RESERVED_FIELD {
            let message = "no field can be called `template`";
            let help = "the name stands for the template itself; give the field another";
            self.diagnostics
                .reserved_name(entry.key_span, message, help);
            return None;
        }
        let mut field = Field {
            name: name.to_owned(),
            kind: FieldKind::Text,
            sample: String::new(),
        };
        let mut sample = Some(&entry.value);
        if let Some(entries) = entry.value.map() {
            for part in entries {
                match part.key.as_str() {
                    "type" => {
                        let kind = self.word(&part.value, "a type", &KINDS);
                        field.kind = kind.unwrap_or_default();
                    }
                    "sample" => {}
                    _ => part.unknown("in a field", &FIELD_KEYS, &mut self.diagnostics),
                }
            }
            sample = entry.value.get("sample");
        }
        let Some(sample) = sample else {
            self.diagnostics
                .missing_key(entry.key_span, "sample", "in this field");
            return Some(field);
        };
        let given = sample.expect_text("a sample, which WhatsApp asks for", &mut self.diagnostics);
        if let Some(given) = given {
            match template.normal(field.kind, given) {
                Ok(sample) => field.sample = sample,
                Err(problem) => self.diagnostics.bad_sample(sample.span, name, &problem),
            }
        }
        Some(field)
    }

    /// The place of a template by its name; one that there is not is reported.
    pub(super) fn template_named(&mut self, name: &str, at: Span) -> Option<usize> {
        let found = self
            .templates
            .iter()
            .position(|template| template.name == name);
        if found.is_none() && !self.incomplete {
            let names = self.templates.iter().map(|template| &*template.name);
            let suggestion = self.diagnostics.nearest(name, names);
            self.diagnostics.unknown_template(at, name, suggestion);
        }
        found
    }
}
