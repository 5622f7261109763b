//! Templates: texts that WhatsApp approves before they are sent outside the 24-hour window.
//!
//! One source, three uses: read by people (preview, free text inside the window), submitted to WhatsApp
//! ([`Template::layout`]) and sent as one of its templates ([`Filled`]). Which of them WhatsApp has approved, and under what
//! name, is not known here.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::source::Location;

/// A template of a pack, in all its languages.
#[derive(Debug)]
pub struct Template {
    pub(crate) name: String,
    pub(crate) category: Category,
    pub(crate) fields: Vec<Field>,
    pub(crate) valid_for: Option<SignedDuration>,
    pub(crate) at: Location,
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
    /// Normal form `1250.50`: up to 12 digits, a dot, exactly two digits. Printed by language, without the currency.
    Money,
    /// Normal form `2026-12-07`.
    Date,
    /// Normal form `08:00`.
    Time,
    /// Normal form `2026-12-07T08:00` in the pack's time zone.
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
        Vec::new()
    }

    /// Checks what was given and brings it into normal form; every problem is named, with its field.
    pub fn read(&self, _given: &BTreeMap<String, String>) -> Result<Values, Vec<FieldProblem>> {
        Err(Vec::new())
    }

    /// Puts `values` into the text; `None` when it is not written in `language`, the problems when what comes out is
    /// longer than WhatsApp takes.
    pub fn render(
        &self,
        _language: Language,
        _values: &Values,
    ) -> Option<Result<Rendered, Vec<FieldProblem>>> {
        None
    }

    /// As WhatsApp is told about it.
    pub fn layout(&self, _language: Language) -> Option<Layout> {
        None
    }
}
