//! Templates: texts that WhatsApp approves before they are sent outside the 24-hour window.
//!
//! One source, three uses: read by people (preview, free text inside the window), submitted to WhatsApp
//! ([`Template::layout`]) and sent as one of its templates ([`Filled`]). Which of them WhatsApp has approved, and under what
//! name, is not known here.

mod text;
mod values;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::source::Location;
use crate::turn::{Consent, Notification};

pub(crate) use text::{Parameter, Piece, TemplateButton, Texts, longest};
pub(crate) use values::print;

/// UTF-16 units of a body and of a header, with their values.
pub(crate) const BODY_UNITS_MAX: usize = 1024;
pub(crate) const HEADER_UNITS_MAX: usize = 60;

/// A template of a pack, in all its languages.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) category: Category,
    pub(crate) consent: Consent,
    pub(crate) fields: Vec<Field>,
    pub(crate) valid_for: Option<SignedDuration>,
    pub(crate) at: Location,
    /// In the order of the pack's languages.
    pub(crate) texts: Vec<Texts>,
    /// The pack's.
    pub(crate) timezone: TimeZone,
}

/// WhatsApp's categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Utility,
    Marketing,
    Authentication,
}

/// A value that a template needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub kind: FieldKind,
    /// In normal form; what WhatsApp's reviewers see.
    pub sample: String,
}

/// What a field holds, and so how it is checked and printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    /// Printed as it is, white space collapsed.
    #[default]
    Text,
    /// Normal form `1250.50`: up to 12 digits, a dot, exactly two digits. Printed by language, without the currency:
    /// `1 250.50`.
    Money,
    /// Normal form `2026-12-07`.
    Date,
    /// Normal form `08:00`.
    Time,
    /// Normal form `2026-12-07T08:00` in the pack's time zone. Printed `7 December 2026, 08:00`.
    Datetime,
    Number,
    /// `http://` or `https://`.
    Url,
}

/// Values by field, in normal form.
pub type Values = BTreeMap<String, String>;

/// What is wrong with a given value, for the person who gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    pub field: String,
    pub problem: String,
}

/// A template with its values put in, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rendered {
    pub language: Language,
    /// Header, body and footer as a person reads them.
    pub text: String,
    pub filled: Filled,
}

/// The values for WhatsApp's parameters, each already printed: `{{1}}`, `{{2}}` … of each part in order of appearance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header: Vec<String>,
    pub body: Vec<String>,
    /// Only buttons that take a value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub buttons: Vec<FilledButton>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilledButton {
    /// Place among all buttons, from 0.
    pub index: u8,
    /// The suffix of an address, or the payload of a quick reply.
    pub value: ButtonValue,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonValue {
    UrlSuffix(String),
    Payload(String),
}

/// A template in one language as WhatsApp is told about it: texts with `{{1}}`, `{{2}}` … and a printed sample for each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Layout {
    pub language: Language,
    pub header: Option<LayoutText>,
    pub body: LayoutText,
    pub footer: Option<String>,
    pub buttons: Vec<LayoutButton>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LayoutText {
    pub text: String,
    pub samples: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum LayoutButton {
    QuickReply {
        text: String,
    },
    /// `url` ends in `{{1}}` where it takes a value.
    Url {
        text: String,
        url: String,
        sample: Option<String>,
    },
    Phone {
        text: String,
        phone: String,
    },
}

impl Template {
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn category(&self) -> Category {
        self.category
    }

    /// What a person must not have ended for it to be sent to them.
    pub fn consent(&self) -> Consent {
        self.consent
    }

    /// In the order of the pack.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// How long after it was due it may still be sent; 1 minute to 30 days.
    pub fn valid_for(&self) -> Option<SignedDuration> {
        self.valid_for
    }

    /// Where it stands in the pack.
    pub fn at(&self) -> &Location {
        &self.at
    }

    /// The languages it is written in, in the order of the pack's languages.
    pub fn languages(&self) -> Vec<Language> {
        self.texts.iter().map(|texts| texts.language).collect()
    }

    /// Checks what was given and brings it into normal form; every problem is named, with its field. Blanks, line breaks and
    /// tabs become single blanks.
    pub fn read(&self, given: &BTreeMap<String, String>) -> Result<Values, Vec<FieldProblem>> {
        let mut values = Values::new();
        let mut problems = Vec::new();
        let mut problem = |field: &str, problem: String| {
            problems.push(FieldProblem {
                field: field.to_owned(),
                problem,
            });
        };
        for field in &self.fields {
            match given.get(&field.name) {
                None => problem(&field.name, "it is missing".to_owned()),
                Some(value) => match self.normal(field.kind, value) {
                    Ok(value) => drop(values.insert(field.name.clone(), value)),
                    Err(words) => problem(&field.name, words),
                },
            }
        }
        for name in given.keys().filter(|name| self.field(name).is_none()) {
            let known: Vec<&str> = self.fields.iter().map(|field| &*field.name).collect();
            problem(
                name,
                format!(
                    "`{}` has no such field; its fields are {}",
                    self.name,
                    known.join(", ")
                ),
            );
        }
        if problems.is_empty() {
            Ok(values)
        } else {
            Err(problems)
        }
    }

    /// Puts `values` into the text; `None` when it is not written in `language`, the problems when a value is missing or what
    /// comes out is longer than WhatsApp takes.
    pub fn render(
        &self,
        language: Language,
        values: &Values,
    ) -> Option<Result<Rendered, Vec<FieldProblem>>> {
        let texts = self.texts(language)?;
        let mut problems: Vec<FieldProblem> = self
            .fields
            .iter()
            .filter(|field| {
                values
                    .get(&field.name)
                    .is_none_or(|value| value.trim().is_empty())
            })
            .map(|field| FieldProblem {
                field: field.name.clone(),
                problem: "it is missing".to_owned(),
            })
            .collect();
        if problems.is_empty() {
            problems.extend(self.too_long(texts, values));
        }
        if problems.is_empty() {
            Some(Ok(texts.render(&self.fields, values)))
        } else {
            Some(Err(problems))
        }
    }

    /// As WhatsApp is told about it.
    pub fn layout(&self, language: Language) -> Option<Layout> {
        Some(self.texts(language)?.layout(&self.fields))
    }

    /// A notification to try rules with: what is not given is the field's sample.
    pub fn notification(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<Notification, Vec<FieldProblem>> {
        let mut whole = given.clone();
        for field in &self.fields {
            whole
                .entry(field.name.clone())
                .or_insert_with(|| field.sample.clone());
        }
        Ok(Notification {
            template: self.name.clone(),
            fields: self.read(&whole)?,
        })
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(crate) fn normal(&self, kind: FieldKind, given: &str) -> Result<String, String> {
        values::normal(kind, given, &self.timezone)
    }

    fn texts(&self, language: Language) -> Option<&Texts> {
        self.texts.iter().find(|texts| texts.language == language)
    }

    /// The longest value is the one to shorten.
    fn too_long(&self, texts: &Texts, values: &Values) -> Option<FieldProblem> {
        let (body, header) = texts.lengths(&self.fields, values);
        let (part, units, max) = if body > BODY_UNITS_MAX {
            ("text", body, BODY_UNITS_MAX)
        } else if header > HEADER_UNITS_MAX {
            ("header", header, HEADER_UNITS_MAX)
        } else {
            return None;
        };
        let length = |field: &&Field| values.get(&field.name).map_or(0, String::len);
        let longest = self.fields.iter().max_by_key(length);
        Some(FieldProblem {
            field: longest.map_or_else(String::new, |field| field.name.clone()),
            problem: format!(
                "with this value the {part} in {} has {units} characters; WhatsApp takes {max}",
                texts.language
            ),
        })
    }
}

#[cfg(test)]
mod tests;
