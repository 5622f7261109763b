//! `entities`: typed values that can be found in text.

use regex::{Regex, RegexBuilder};

use super::Compiler;
use super::phrases::{BUILT_IN_SPAN, Group, is_reserved_entity};
use super::sections::{Named, Sections};
use crate::entities::{BUILT_IN, Check, Kind, ValueKey};
use crate::pattern::Owner;
use crate::ruleset::{Entity, EntityId};
use crate::source::Span;
use crate::syntax::Node;

const KEYS: [&str; 5] = ["values", "regex", "check", "example", "typos"];
/// Memory of one compiled expression.
const REGEX_BYTES_MAX: usize = 256 * 1024;
/// Groups and repetitions inside each other in one expression.
const REGEX_NESTING_MAX: u32 = 50;
/// Values of one entity.
const VALUES_MAX: usize = 10_000;
/// Characters of a value's key.
const VALUE_CHARS_MAX: usize = 100;

impl<'a> Compiler<'a> {
    /// The built-in kinds first, then the pack's.
    pub(super) fn declare_entities(&mut self, sections: &Sections<'a>) {
        for name in BUILT_IN {
            self.names.entities.declare(name, BUILT_IN_SPAN);
        }
        for entity in &sections.entities {
            if is_reserved_entity(entity.name) {
                let message = format!("`{}` is a built-in entity", entity.name);
                self.diagnostics
                    .reserved_name(entity.at, &message, "give yours another name");
            } else {
                self.names.entities.declare(entity.name, entity.at);
            }
        }
    }

    pub(super) fn entities(&mut self, sections: &Sections<'a>, country: &str) {
        for name in BUILT_IN {
            let kind = match name {
                "amount" => Kind::Amount,
                "phone" => Kind::Phone {
                    country: country.to_owned(),
                },
                "email" => Kind::Email,
                "yes_no" => Kind::YesNo,
                _ => Kind::Number,
            };
            self.entities.push(Entity {
                name: name.to_owned(),
                kind,
            });
        }
        for entity in &sections.entities {
            // A second one of the same name has been reported; it must not take another's number.
            let number = self.names.entities.find(entity.name);
            if number.is_some_and(|number| number as usize == self.entities.len()) {
                self.entity(entity);
            }
        }
    }

    fn entity(&mut self, entity: &Named<'_>) {
        let id = EntityId(u32::try_from(self.entities.len()).unwrap_or(u32::MAX));
        let entries = entity
            .node
            .expect_map("a map with `values` or `regex`", &mut self.diagnostics)
            .unwrap_or_default();
        let mut typos = self.pack.matching.typos;
        for entry in entries {
            match entry.key.as_str() {
                "typos" => {
                    typos = entry
                        .value
                        .expect_bool(&mut self.diagnostics)
                        .unwrap_or(typos);
                }
                key if KEYS.contains(&key) => {}
                _ => entry.unknown("in an entity", &KEYS, &mut self.diagnostics),
            }
        }
        let kind = match (entity.node.get("values"), entity.node.get("regex")) {
            (Some(values), None) => self.values(
                values,
                Group {
                    owner: Owner::Value(id, 0),
                    typos,
                },
            ),
            (None, Some(regex)) => self.entity_regex(entity.node, regex),
            (Some(_), Some(regex)) => {
                self.diagnostics
                    .wrong_shape(regex.span, "either `values` or `regex`", "both");
                None
            }
            (None, None) if entity.node.map().is_some() => {
                self.diagnostics
                    .missing_key(entity.at, "values` or `regex", "in this entity");
                None
            }
            (None, None) => None,
        };
        let kind = kind.unwrap_or(Kind::Values { keys: Vec::new() });
        if let Kind::Values { keys } = &kind {
            self.matcher
                .keys(id, keys.iter().map(|value| value.key.clone()).collect());
        }
        self.entities.push(Entity {
            name: entity.name.to_owned(),
            kind,
        });
    }

    fn entity_regex(&mut self, entity: &Node, node: &Node) -> Option<Kind> {
        let expression = node.expect_text("a regular expression", &mut self.diagnostics)?;
        let check = entity.get("check").and_then(|check| {
            check
                .expect_word("a check", &["luhn"], &mut self.diagnostics)
                .map(|_| Check::Luhn)
        });
        let regex = self.compiled(expression, node.span)?;
        if let Some(example) = entity.get("example") {
            let text = example.expect_text("an example", &mut self.diagnostics)?;
            if !regex.is_match(text) {
                self.diagnostics.invalid_value(
                    example.span,
                    (text, "found by this entity's `regex`"),
                    None,
                );
            }
        }
        Some(Kind::Regex { regex, check })
    }

    fn compiled(&mut self, expression: &str, at: Span) -> Option<Regex> {
        let built = RegexBuilder::new(expression)
            .size_limit(REGEX_BYTES_MAX)
            .nest_limit(REGEX_NESTING_MAX)
            .build();
        match built {
            Ok(regex) if regex.is_match("") => {
                let help = "make at least one character necessary: `+` instead of `*`";
                self.diagnostics.bad_regex(
                    at,
                    "this expression finds the empty text everywhere",
                    Some(help),
                );
                None
            }
            Ok(regex) => Some(regex),
            Err(error) => {
                let message = error.to_string();
                // The parser draws the expression with a caret; its last line is the sentence.
                let sentence = message
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ");
                self.diagnostics.bad_regex(
                    at,
                    &format!("this expression cannot be used: {sentence}"),
                    None,
                );
                None
            }
        }
    }

    /// `values: "@list"`, or keys with their spellings.
    fn values(&mut self, node: &Node, group: Group) -> Option<Kind> {
        if let Some(text) = node.text() {
            return self.values_of_list(text, node, group);
        }
        let entries = node.expect_map("a map of values, or `\"@list\"`", &mut self.diagnostics)?;
        if let Some(extra) = entries.get(VALUES_MAX) {
            self.diagnostics
                .too_many(extra.key_span, "values", (entries.len(), VALUES_MAX));
        }
        let mut keys = Vec::new();
        for entry in entries.iter().take(VALUES_MAX) {
            if entry.key.trim().is_empty() || entry.key.chars().count() > VALUE_CHARS_MAX {
                self.diagnostics.invalid_value(
                    entry.key_span,
                    (&entry.key, "the key of a value"),
                    None,
                );
                continue;
            }
            let group = self.value_group(group, keys.len());
            let (label, spellings) = self.value(&entry.key, &entry.value, group);
            keys.push(ValueKey {
                label: label.unwrap_or_else(|| capitalised(&entry.key)),
                key: entry.key.clone(),
                spellings,
            });
        }
        if entries.is_empty() {
            self.diagnostics
                .wrong_shape(node.span, "at least one value", "none");
        }
        Some(Kind::Values { keys })
    }

    fn value_group(&self, group: Group, value: usize) -> Group {
        let id = EntityId(u32::try_from(self.entities.len()).unwrap_or(u32::MAX));
        Group {
            owner: Owner::Value(id, u32::try_from(value).unwrap_or(u32::MAX)),
            ..group
        }
    }

    /// Adds the spellings of one value; gives its label when it has one, and them. Nothing behind the key is the key itself.
    fn value(&mut self, key: &str, node: &Node, group: Group) -> (Option<String>, Vec<String>) {
        if node.is_empty() {
            self.literal(node, &key.replace('_', " "), group);
            return (None, Vec::new());
        }
        let Some(entries) = node.map() else {
            return (None, self.spellings(node, group));
        };
        let (mut label, mut spellings) = (None, Vec::new());
        for entry in entries {
            match entry.key.as_str() {
                "label" if entry.value.map().is_some() => {
                    self.diagnostics
                        .not_yet_supported(entry.value.span, "a label per language");
                }
                "label" => {
                    label = entry
                        .value
                        .expect_text("a label", &mut self.diagnostics)
                        .map(str::to_owned);
                }
                "spellings" => spellings.extend(self.spellings(&entry.value, group)),
                key if self.known_language(key, entry.key_span).is_some() => {
                    spellings.extend(self.spellings(&entry.value, group));
                }
                _ => entry.unknown("in a value", &["label", "spellings"], &mut self.diagnostics),
            }
        }
        if entries.iter().all(|entry| entry.key == "label") {
            self.literal(node, &key.replace('_', " "), group);
        }
        (label, spellings)
    }

    fn spellings(&mut self, node: &Node, group: Group) -> Vec<String> {
        let mut spellings = Vec::new();
        for (item, language) in self.per_language(node) {
            if let Some(text) = item.expect_text("a spelling", &mut self.diagnostics) {
                self.phrase((item, text), language, group);
                spellings.push(text.to_owned());
            }
        }
        spellings
    }

    /// Every entry of the list is a value of its own.
    fn values_of_list(&mut self, text: &str, node: &Node, group: Group) -> Option<Kind> {
        let Some(name) = text.strip_prefix('@') else {
            self.diagnostics
                .wrong_shape(node.span, "a map of values, or `\"@list\"`", "a text");
            return None;
        };
        let Some(number) = self.names.lists.use_name(name) else {
            self.unknown_list(name, node.span);
            return None;
        };
        let entries = self.lists.get(number as usize).cloned().unwrap_or_default();
        let mut keys = Vec::new();
        for entry in entries.iter().take(VALUES_MAX) {
            let group = self.value_group(group, keys.len());
            self.literal(node, entry, group);
            keys.push(ValueKey {
                key: entry.clone(),
                label: capitalised(entry),
                spellings: Vec::new(),
            });
        }
        Some(Kind::Values { keys })
    }

    /// Reports a value that `entity` does not have; entities that are not lists of values may have any.
    pub(super) fn check_value(&mut self, (entity, at): (&str, Span), value: &str) {
        let found = self
            .names
            .entities
            .find(entity)
            .and_then(|number| self.entities.get(number as usize));
        if let Some(Entity {
            kind: Kind::Values { keys },
            ..
        }) = found
            && !keys.iter().any(|key| key.key == value)
            && !keys.is_empty()
        {
            let suggestion = self
                .diagnostics
                .nearest(value, keys.iter().map(|key| key.key.as_str()));
            self.diagnostics
                .unknown_entity_value(at, (entity, value), suggestion);
        }
    }
}

/// `hospital_park` as "Hospital park".
fn capitalised(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
