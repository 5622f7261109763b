//! `responses`: what the bot can say, per language, within WhatsApp's limits.

use std::collections::{BTreeMap, BTreeSet};

use super::Compiler;
use super::attachments::{is_attachment, is_wordless};
use super::sections::Sections;
use super::texts::Label;
use crate::language::Language;
use crate::lint::MissingTranslation;
use crate::ruleset::{Form, Response, ResponseId, Speech, Text};
use crate::source::{SourceId, Span};
use crate::syntax::Node;

/// Keys of one message.
pub(super) const KEYS: [&str; 15] = [
    "text",
    "header",
    "footer",
    "buttons",
    "list",
    "button",
    "cta_url",
    "ask_location",
    "image",
    "video",
    "audio",
    "document",
    "sticker",
    "location",
    "contacts",
];
/// Kinds of messages that a later version sends.
const LATER_KINDS: [&str; 2] = ["reaction", "template"];
/// WhatsApp's limits, in UTF-16 units.
const TEXT_UNITS_MAX: usize = 4096;
const TEXT_WITH_CHOICES_UNITS_MAX: usize = 1024;
const HEADER_UNITS_MAX: usize = 60;
const FOOTER_UNITS_MAX: usize = 60;
/// Variants of one response in one language.
const VARIANTS_MAX: usize = 100;

type Languages = BTreeMap<Language, Vec<Speech>>;

impl<'a> Compiler<'a> {
    /// The named responses. A pack's own stand before built-in ones of the same name, language by language.
    pub(super) fn responses(&mut self, sections: &Sections<'a>) {
        for (name, at, _) in self.names.responses.iter() {
            let at = self.places.locate(at);
            self.responses.push(Response {
                name: name.to_owned(),
                at,
                languages: BTreeMap::new(),
            });
            self.response_uses.push(Vec::new());
        }
        for named in &sections.responses {
            let Some(number) = self.names.responses.find(named.name) else {
                continue;
            };
            let mut languages = self.response(named.node, (named.name, named.at));
            let built_in = named.at.source == SourceId::BUILT_IN;
            if built_in {
                languages = self.for_this_pack(languages);
            }
            let Some(response) = self.responses.get_mut(number as usize) else {
                continue;
            };
            if !built_in {
                response.at = self.places.locate(named.at);
            }
            response.languages.extend(languages);
            let uses = std::mem::take(&mut self.uses);
            if let Some(known) = self.response_uses.get_mut(number as usize) {
                known.extend(uses);
            }
        }
    }

    /// Built-in texts in the languages that the pack speaks; English stands in where it speaks none of them.
    fn for_this_pack(&self, mut languages: Languages) -> Languages {
        let english = languages.remove(&Language::EN);
        languages.retain(|language, _| self.pack.languages.contains(language));
        if let Some(english) = english {
            if self.pack.languages.contains(&Language::EN) {
                languages.insert(Language::EN, english);
            } else if languages.is_empty() {
                languages.insert(self.first_language(), english);
            }
        }
        languages
    }

    /// A text, variants, or texts per language where a response is expected.
    pub(super) fn unnamed_response(&mut self, node: &Node) -> Option<ResponseId> {
        // A map may go over many lines; its first key is enough to point at.
        let at = node
            .map()
            .and_then(|entries| entries.first())
            .map_or(node.span, |entry| entry.key_span);
        let before = std::mem::take(&mut self.uses);
        let languages = self.response(node, ("", at));
        let uses = std::mem::replace(&mut self.uses, before);
        if languages.is_empty() {
            return None;
        }
        let id = ResponseId(u32::try_from(self.responses.len()).ok()?);
        self.responses.push(Response {
            name: String::new(),
            at: self.places.locate(node.span),
            languages,
        });
        self.response_uses.push(uses);
        Some(id)
    }

    fn response(&mut self, node: &Node, (name, at): (&str, Span)) -> Languages {
        let mut spoken = Languages::new();
        let Some(entries) = node.map() else {
            let language = self.plain_language(node.span);
            spoken.insert(language, self.variants(node, Label::new(name, language)));
            self.note_missing((name, at), &BTreeSet::from([language]));
            spoken.retain(|_, variants| !variants.is_empty());
            return spoken;
        };
        if let Some(later) = entries
            .iter()
            .find(|entry| LATER_KINDS.contains(&entry.key.as_str()))
        {
            self.diagnostics.not_yet_supported(
                later.key_span,
                &format!("the kind of message `{}`", later.key),
            );
            return spoken;
        }
        if entries
            .iter()
            .any(|entry| KEYS.contains(&entry.key.as_str()))
        {
            return self.message_for_all((name, at), node);
        }
        for entry in entries {
            let Some(language) = self.response_language(entry) else {
                continue;
            };
            let variants = self.variants(&entry.value, Label::new(name, language));
            spoken.insert(language, variants);
        }
        self.note_missing((name, at), &spoken.keys().copied().collect());
        spoken.retain(|_, variants| !variants.is_empty());
        spoken
    }

    /// A key of a response is a language, unless it looks more like a part of a message.
    fn response_language(&mut self, entry: &crate::syntax::Entry) -> Option<Language> {
        if Language::parse(&entry.key).is_none() {
            entry.unknown(
                "in a response (languages, or parts of a message)",
                &KEYS,
                &mut self.diagnostics,
            );
            return None;
        }
        self.language(&entry.key, entry.key_span)
    }

    /// One message for all languages, in which each text may be given per language.
    fn message_for_all(&mut self, (name, at): (&str, Span), node: &Node) -> Languages {
        let mut leaves = Vec::new();
        self.leaves(node, &mut leaves);
        let mut languages: BTreeSet<Language> = leaves.iter().flatten().copied().collect();
        if languages.is_empty() && is_wordless(node) {
            languages.extend(&self.pack.languages);
        }
        if languages.is_empty() {
            languages.insert(self.plain_language(node.span));
        }
        let complete: BTreeSet<Language> = languages
            .iter()
            .copied()
            .filter(|language| {
                leaves
                    .iter()
                    .all(|given| given.is_empty() || given.contains(language))
            })
            .collect();
        self.note_missing((name, at), &complete);
        let mut spoken = Languages::new();
        for language in languages {
            if let Some(speech) = self.speech(
                node,
                Label {
                    response: name,
                    language,
                    shared: true,
                },
            ) {
                spoken.insert(language, vec![speech]);
            }
        }
        spoken
    }

    /// The languages that each text of a message is given in.
    fn leaves(&self, node: &Node, leaves: &mut Vec<BTreeSet<Language>>) {
        let languages = self.languages_of(node);
        if !languages.is_empty() {
            leaves.push(languages);
            return;
        }
        for item in node.list().unwrap_or_default() {
            self.leaves(item, leaves);
        }
        for entry in node.map().unwrap_or_default() {
            self.leaves(&entry.value, leaves);
        }
    }

    /// Which of the pack's languages a response does not have; the built-in ones are not the author's business.
    fn note_missing(&mut self, (name, at): (&str, Span), complete: &BTreeSet<Language>) {
        let missing: Vec<Language> = self
            .pack
            .languages
            .iter()
            .copied()
            .filter(|language| !complete.contains(language))
            .collect();
        let first = self.names.responses.place(name).unwrap_or(at);
        let built_in = first.source == SourceId::BUILT_IN;
        if !missing.is_empty() && !built_in {
            self.missing.push(MissingTranslation {
                at,
                response: name.to_owned(),
                missing,
            });
        }
    }

    fn variants(&mut self, node: &Node, label: Label<'_>) -> Vec<Speech> {
        let items = node.one_or_many();
        if items.is_empty() {
            self.diagnostics
                .empty_text(node.span, &label.of("list of variants"));
        }
        if let Some(extra) = items.get(VARIANTS_MAX) {
            self.diagnostics
                .too_many(extra.span, "variants", (items.len(), VARIANTS_MAX));
        }
        let speeches = items
            .iter()
            .take(VARIANTS_MAX)
            .filter_map(|item| self.speech(item, label));
        let mut speeches: Vec<Speech> = speeches.collect();
        // Nearly always there is one, and a rule set lives long.
        speeches.shrink_to_fit();
        speeches
    }

    /// One message in one language.
    fn speech(&mut self, node: &Node, label: Label<'_>) -> Option<Speech> {
        let Some(entries) = node.map() else {
            let text = self.sendable(node, "text", (label, TEXT_UNITS_MAX))?;
            return Some(Speech {
                text,
                header: None,
                footer: None,
                form: Form::Text,
            });
        };
        for entry in entries {
            if LATER_KINDS.contains(&entry.key.as_str()) {
                self.diagnostics.not_yet_supported(
                    entry.key_span,
                    &format!("the kind of message `{}`", entry.key),
                );
            } else if !KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in a message", &KEYS, &mut self.diagnostics);
            }
        }
        if let Some(attached) = entries.iter().find(|entry| is_attachment(&entry.key)) {
            return self.attachment(node, attached, label);
        }
        let form = self.form(node, label);
        let text_max = if matches!(form, Form::Text) {
            TEXT_UNITS_MAX
        } else {
            TEXT_WITH_CHOICES_UNITS_MAX
        };
        let header = self.beside_text((node, &form), "header", (label, HEADER_UNITS_MAX));
        let footer = self.beside_text((node, &form), "footer", (label, FOOTER_UNITS_MAX));
        let Some(text) = node.get("text") else {
            self.diagnostics
                .missing_key(node.span, "text", "in this message");
            return None;
        };
        let (label, text) = self.in_language(text, label)?;
        let text = self.sendable(text, "text", (label, text_max))?;
        Some(Speech {
            text,
            header,
            footer,
            form,
        })
    }

    /// What stands under the words: choices, a link, or the question where the customer is; one of them.
    fn form(&mut self, node: &Node, label: Label<'_>) -> Form {
        let given = ["buttons", "list", "cta_url", "ask_location"];
        let mut given = given.into_iter().filter_map(|key| node.get(key));
        let (first, second) = (given.next(), given.next());
        if let (Some(_), Some(second)) = (first, second) {
            self.diagnostics.wrong_shape(
                second.span,
                "one of `buttons`, `list`, `cta_url` and `ask_location`",
                "two",
            );
        }
        if let Some(link) = node.get("cta_url") {
            return self.link_button(link, label).unwrap_or(Form::Text);
        }
        if let Some(asked) = node.get("ask_location") {
            return match asked.expect_bool(&mut self.diagnostics) {
                Some(true) => Form::AskLocation,
                _ => Form::Text,
            };
        }
        self.choices(node, label)
    }

    /// Header or footer: WhatsApp shows them only around buttons, lists and links.
    fn beside_text(
        &mut self,
        (node, form): (&Node, &Form),
        part: &str,
        (label, max): (Label<'_>, usize),
    ) -> Option<Text> {
        let value = node.get(part)?;
        if matches!(form, Form::Text | Form::AskLocation) {
            let expected = format!("`buttons`, `list` or `cta_url` beside `{part}`");
            self.diagnostics
                .wrong_shape(value.span, &expected, "a text without them");
            return None;
        }
        let (label, value) = self.in_language(value, label)?;
        self.sendable(value, part, (label, max))
    }
}
