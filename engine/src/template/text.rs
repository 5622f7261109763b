//! The texts of a template in one language: filled in for people, for sending, and laid out for approval.
//!
//! Each field or helper call is one parameter, in order of appearance: a field that stands twice is two.

use std::fmt::Write as _;

use super::values;
use super::{
    ButtonValue, Field, Filled, FilledButton, Layout, LayoutButton, LayoutText, Rendered, Values,
};
use crate::language::Language;
use crate::respond::formats;

/// What stands between header, body and footer where they are one text.
const BETWEEN_PARTS: &str = "\n\n";

/// A template in one language.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) language: Language,
    pub(crate) header: Option<Vec<Piece>>,
    pub(crate) body: Vec<Piece>,
    pub(crate) footer: Option<String>,
    pub(crate) buttons: Vec<TemplateButton>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Parameter(Parameter),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    /// Place among the template's fields.
    pub(crate) field: usize,
    /// Name and texts of the helper that prints it.
    pub(crate) helper: Option<(&'static str, Vec<String>)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TemplateButton {
    QuickReply {
        id: String,
        title: String,
    },
    /// `suffix` is put behind `url`.
    Url {
        title: String,
        url: String,
        suffix: Option<Parameter>,
    },
    Phone {
        title: String,
        phone: String,
    },
}

/// How a parameter is printed.
type Print<'p> = &'p dyn Fn(&Parameter) -> String;

impl Parameter {
    fn print(&self, fields: &[Field], value: &str, language: Language) -> String {
        let printed = match (&self.helper, fields.get(self.field)) {
            (Some((helper, literals)), _) => formats::print((helper, literals), value, language),
            (None, Some(field)) => values::print(field.kind, value, language),
            (None, None) => value.to_owned(),
        };
        values::collapsed(&printed)
    }

    fn longest(&self, fields: &[Field], language: Language) -> String {
        let Some(field) = fields.get(self.field) else {
            return String::new();
        };
        let sample = self.print(fields, &field.sample, language);
        let usual = match &self.helper {
            Some((helper, literals)) => formats::longest(helper, literals),
            None => values::longest(field.kind, &field.sample, language),
        };
        if units(&sample) > units(&usual) {
            sample
        } else {
            usual
        }
    }
}

impl Texts {
    pub(super) fn render(&self, fields: &[Field], values: &Values) -> Rendered {
        let print = |parameter: &Parameter| {
            let field = fields.get(parameter.field);
            let value = field.and_then(|field| values.get(&field.name));
            parameter.print(fields, value.map_or("", String::as_str), self.language)
        };
        let header = self.header.as_deref().map(|header| filled(header, &print));
        let parts = header
            .into_iter()
            .chain([filled(&self.body, &print)])
            .chain(self.footer.clone());
        Rendered {
            language: self.language,
            text: parts.collect::<Vec<_>>().join(BETWEEN_PARTS),
            filled: Filled {
                header: printed(self.header.as_deref().unwrap_or_default(), &print),
                body: printed(&self.body, &print),
                buttons: self.filled_buttons(&print),
            },
        }
    }

    /// Whether the field at `place` stands anywhere in them.
    pub(crate) fn prints(&self, place: usize) -> bool {
        let shows =
            |piece: &Piece| matches!(piece, Piece::Parameter(shown) if shown.field == place);
        let header = self.header.as_deref().unwrap_or_default();
        let leads = |button: &TemplateButton| matches!(button, TemplateButton::Url { suffix: Some(suffix), .. } if suffix.field == place);
        header.iter().chain(&self.body).any(shows) || self.buttons.iter().any(leads)
    }

    /// Length of body and header with `values`, in UTF-16 units.
    pub(super) fn lengths(&self, fields: &[Field], values: &Values) -> (usize, usize) {
        let print = |parameter: &Parameter| {
            let field = fields.get(parameter.field);
            let value = field.and_then(|field| values.get(&field.name));
            parameter.print(fields, value.map_or("", String::as_str), self.language)
        };
        let header = self.header.as_deref().unwrap_or_default();
        (
            units(&filled(&self.body, &print)),
            units(&filled(header, &print)),
        )
    }

    fn filled_buttons(&self, print: Print<'_>) -> Vec<FilledButton> {
        let mut taking = Vec::new();
        for (index, button) in (0..).zip(&self.buttons) {
            let value = match button {
                TemplateButton::QuickReply { id, .. } => ButtonValue::Payload(id.clone()),
                TemplateButton::Url {
                    suffix: Some(suffix),
                    ..
                } => ButtonValue::UrlSuffix(encoded(&print(suffix))),
                TemplateButton::Url { .. } | TemplateButton::Phone { .. } => continue,
            };
            taking.push(FilledButton { index, value });
        }
        taking
    }

    pub(super) fn layout(&self, fields: &[Field]) -> Layout {
        let print = |parameter: &Parameter| {
            let sample = fields
                .get(parameter.field)
                .map_or("", |field| &field.sample);
            parameter.print(fields, sample, self.language)
        };
        Layout {
            language: self.language,
            header: self.header.as_deref().map(|part| laid_out(part, &print)),
            body: laid_out(&self.body, &print),
            footer: self.footer.clone(),
            buttons: self
                .buttons
                .iter()
                .map(|button| laid_out_button(button, &print))
                .collect(),
        }
    }
}

fn laid_out_button(button: &TemplateButton, print: Print<'_>) -> LayoutButton {
    match button.clone() {
        TemplateButton::QuickReply { title, .. } => LayoutButton::QuickReply { text: title },
        TemplateButton::Phone { title, phone } => LayoutButton::Phone { text: title, phone },
        TemplateButton::Url {
            title,
            url,
            suffix: None,
        } => LayoutButton::Url {
            text: title,
            url,
            sample: None,
        },
        TemplateButton::Url {
            title,
            url,
            suffix: Some(suffix),
        } => LayoutButton::Url {
            text: title,
            sample: Some(format!("{url}{}", encoded(&print(&suffix)))),
            url: format!("{url}{{{{1}}}}"),
        },
    }
}

fn filled(pieces: &[Piece], print: Print<'_>) -> String {
    let filled = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => text.clone(),
        Piece::Parameter(parameter) => print(parameter),
    });
    filled.collect()
}

fn printed(pieces: &[Piece], print: Print<'_>) -> Vec<String> {
    let parameters = pieces.iter().filter_map(|piece| match piece {
        Piece::Text(_) => None,
        Piece::Parameter(parameter) => Some(print(parameter)),
    });
    parameters.collect()
}

/// The pieces with `{{1}}`, `{{2}}` … for the parameters.
fn laid_out(pieces: &[Piece], print: Print<'_>) -> LayoutText {
    let mut text = String::new();
    let mut number = 0_usize;
    for piece in pieces {
        match piece {
            Piece::Text(piece) => text.push_str(piece),
            Piece::Parameter(_) => {
                number += 1;
                let _ = write!(text, "{{{{{number}}}}}");
            }
        }
    }
    LayoutText {
        text,
        samples: printed(pieces, print),
    }
}

/// The pieces with values of the greatest usual length.
pub(crate) fn longest(pieces: &[Piece], fields: &[Field], language: Language) -> String {
    filled(pieces, &|parameter: &Parameter| {
        parameter.longest(fields, language)
    })
}

/// As part of an address: letters, digits and `-._~/` stay, all other bytes are written as `%20` is.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
