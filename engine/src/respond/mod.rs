//! Responses: what the bot can say, and how `{{values}}` are filled in.
//!
//! Customer text is data: it is put in and never read as a template again. What is said fits WhatsApp's limits whatever the
//! values are; that the texts themselves fit is checked when the pack is compiled.
//!
//! Names that a text may use, each under `{{#if}}` unless said otherwise:
//!
//! | name | is |
//! |---|---|
//! | `area` | an entity, or a capture of a pattern, by its name: the `label` of the first in the message |
//! | `contact.name` | the name a rule has set, else the profile's |
//! | `contact.FIELD`, `conversation.FIELD` | what rules have set, as they set it |
//! | `notification.FIELD` | of the notification that the message answers, as it was printed in it |
//! | `pack.name` | the pack's name; always there |
//!
//! `{{helper name}}` prints a value in another form: `upper`, `first_name`, `money` (R1 250.50), `date` (7 December 2026, in
//! the language of the text), `time` (13:05), `phone` (+27 60 000 0001), `plural` with two texts, for one and for many.

pub(crate) mod formats;
mod template;
mod values;

pub(crate) use template::{Known, OUTPUT_UNITS_MAX, Part, Template, TemplateProblem, parts};
pub(crate) use values::{Purpose, Told, Values};

use crate::decision::{Button, Reply, Row, Spoken};
use crate::language::Language;
use crate::ruleset::{Choice, Form, Response, Speech, Text};

/// UTF-16 units of a text that stands above buttons or a list, and of a caption.
pub(crate) const CHOICE_TEXT_UNITS_MAX: usize = 1024;
/// UTF-16 units of a header or footer.
pub(crate) const EDGE_UNITS_MAX: usize = 60;
/// What stands between texts that are joined into one message.
const BETWEEN_TEXTS: &str = "\n\n";

/// Says `response` in `language`, else in the first language of `order` that it has; `seed` chooses among variants.
/// `None` only for a response without any text, which no pack has.
pub(crate) fn say(
    response: &Response,
    order: &[Language],
    seed: u64,
    values: &Values<'_>,
) -> Option<Spoken> {
    let has = |language: &Language| response.languages.contains_key(language);
    let language = std::iter::once(&values.language)
        .chain(order)
        .find(|language| has(language))
        .copied();
    let language = language.or_else(|| response.languages.keys().next().copied())?;
    let variants = response.languages.get(&language)?;
    let variant = usize::try_from(seed % u64::try_from(variants.len()).ok()?.max(1)).ok()?;
    let reply = fill(
        variants.get(variant)?,
        &Values {
            language,
            ..*values
        },
    );
    let responses = if response.name.is_empty() {
        Vec::new()
    } else {
        vec![response.name.clone()]
    };
    Some(Spoken {
        responses,
        language,
        reply,
    })
}

/// A text with its values; a plain one is never touched by the template engine.
pub(crate) fn fill_text(text: &Text, values: &Values<'_>, purpose: Purpose) -> String {
    match text {
        Text::Plain(text) => text.clone(),
        Text::Template(template) => template.render(&values.context(purpose)),
    }
}

fn fill(speech: &Speech, values: &Values<'_>) -> Reply {
    let text = |limit: usize| cut(fill_text(&speech.text, values, Purpose::Speech), limit);
    let edge = |text: &Option<Text>| {
        let text = text
            .as_ref()
            .map(|text| cut(fill_text(text, values, Purpose::Speech), EDGE_UNITS_MAX));
        text.filter(|text| !text.trim().is_empty())
    };
    match &speech.form {
        Form::Text => Reply::Text {
            text: text(OUTPUT_UNITS_MAX),
        },
        Form::Buttons(choices) => Reply::Buttons {
            header: edge(&speech.header),
            text: text(CHOICE_TEXT_UNITS_MAX),
            footer: edge(&speech.footer),
            buttons: choices.iter().map(button).collect(),
        },
        Form::List { button, rows } => Reply::List {
            header: edge(&speech.header),
            text: text(CHOICE_TEXT_UNITS_MAX),
            footer: edge(&speech.footer),
            button: button.clone(),
            rows: rows.iter().map(row).collect(),
        },
        Form::Link { button, url } => Reply::CtaUrl {
            header: edge(&speech.header),
            text: text(CHOICE_TEXT_UNITS_MAX),
            footer: edge(&speech.footer),
            button: button.clone(),
            url: url.clone(),
        },
        Form::AskLocation => Reply::AskLocation {
            text: text(CHOICE_TEXT_UNITS_MAX),
        },
        Form::Media {
            kind,
            link,
            filename,
        } => Reply::Media {
            kind: *kind,
            link: link.clone(),
            caption: Some(text(CHOICE_TEXT_UNITS_MAX)).filter(|caption| !caption.trim().is_empty()),
            filename: filename.clone(),
        },
        Form::Location(place) => Reply::Location(place.clone()),
        Form::Contacts(contacts) => Reply::Contacts {
            contacts: contacts.clone(),
        },
    }
}

fn button(choice: &Choice) -> Button {
    Button {
        id: choice.id.clone(),
        title: choice.title.clone(),
    }
}

fn row(choice: &Choice) -> Row {
    Row {
        id: choice.id.clone(),
        title: choice.title.clone(),
        description: choice.description.clone(),
    }
}

/// Only unusually long values bring a text over its limit; an answer without its end is better than one WhatsApp refuses.
fn cut(text: String, units_max: usize) -> String {
    if fits(&text, units_max) {
        return text;
    }
    let mut left = units_max - 1;
    let fitting = text.chars().take_while(|c| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        fits
    });
    fitting.chain(std::iter::once('…')).collect()
}

/// No text has more UTF-16 units than bytes.
fn fits(text: &str, units_max: usize) -> bool {
    text.len() <= units_max || text.encode_utf16().count() <= units_max
}

/// Joins texts that follow each other into one message where that fits, because each message has a price. What is the
/// same as what was just said is said once; empty texts are not sent.
pub(crate) fn join(spoken: Vec<Spoken>) -> Vec<Spoken> {
    let mut joined: Vec<Spoken> = Vec::with_capacity(spoken.len());
    for next in spoken {
        if next.reply.is_empty() {
            continue;
        }
        match joined.last_mut() {
            Some(last) if last.reply == next.reply => {}
            Some(last) => match merged(&last.reply, &next.reply) {
                Some(reply) => {
                    last.reply = reply;
                    last.responses.extend(next.responses);
                }
                None => joined.push(next),
            },
            None => joined.push(next),
        }
    }
    joined
}

/// A text and what follows it as one message; choices take a text in front of their own, unless a header stands above it.
fn merged(first: &Reply, second: &Reply) -> Option<Reply> {
    let Reply::Text { text: before } = first else {
        return None;
    };
    let fitting = |after: &str, units_max: usize| {
        let text = format!("{before}{BETWEEN_TEXTS}{after}");
        fits(&text, units_max).then_some(text)
    };
    let mut merged = second.clone();
    match &mut merged {
        Reply::Text { text } => *text = fitting(text, OUTPUT_UNITS_MAX)?,
        Reply::Buttons {
            header: None, text, ..
        }
        | Reply::List {
            header: None, text, ..
        }
        | Reply::CtaUrl {
            header: None, text, ..
        }
        | Reply::AskLocation { text } => {
            *text = fitting(text, CHOICE_TEXT_UNITS_MAX)?;
        }
        _ => return None,
    }
    Some(merged)
}

#[cfg(test)]
mod tests;
