//! Which of WhatsApp's templates is ours: the one with the same text, whatever it is called.
//!
//! Pure. Names and language codes say little: Sesotho and isiXhosa have no code at WhatsApp and are filed as South African
//! English under a name of their own. The text decides.

use puisano_engine::{Language, Layout, LayoutButton, LayoutText, Template};

use super::diff::diff;
use crate::channels::whatsapp::{
    TemplateButtonText, TemplateHeaderText, TemplateTexts, template_parameters,
};
use crate::store::templates::{LinkState, ParameterNames, StoredTemplate, TemplateLink};

/// The code under which texts are filed whose language WhatsApp does not know.
const STAND_IN: &str = "en_ZA";

/// WhatsApp's codes that are the language's own and nothing else.
const CODES: &[&str] = &[
    "af", "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "et", "fa", "fi",
    "fil", "fr", "ga", "gu", "ha", "he", "hi", "hr", "hu", "id", "it", "ja", "ka", "kk", "kn",
    "ko", "lo", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "nl", "pa", "pl", "ro", "ru", "sk", "sl",
    "sq", "sr", "sv", "sw", "ta", "te", "th", "tr", "uk", "ur", "uz", "vi", "zu",
];

/// One of WhatsApp's templates with its texts read.
#[derive(Clone, Debug, PartialEq)]
pub struct Remote {
    pub stored: StoredTemplate,
    pub texts: TemplateTexts,
}

impl Remote {
    pub fn of(stored: StoredTemplate) -> Self {
        let texts = TemplateTexts::read(&stored.components);
        Self { stored, texts }
    }
}

/// Name and language code under which a template's text is submitted.
pub fn filed_under(template: &str, language: Language) -> (String, &'static str) {
    match CODES.iter().find(|code| **code == language.as_str()) {
        Some(code) => (template.to_owned(), code),
        None => (format!("{template}_{language}"), STAND_IN),
    }
}

/// How every template of ours stands, in every language it is written in.
pub fn links(templates: &[Template], remotes: &[Remote]) -> Vec<TemplateLink> {
    let mut links = Vec::new();
    for template in templates {
        for language in template.languages() {
            links.extend(
                template
                    .layout(language)
                    .map(|layout| link(template.name(), &layout, remotes)),
            );
        }
    }
    links
}

fn link(template: &str, layout: &Layout, remotes: &[Remote]) -> TemplateLink {
    let (name, code) = filed_under(template, layout.language);
    let mut same: Vec<&Remote> = remotes
        .iter()
        .filter(|remote| differences(layout, remote).is_empty())
        .collect();
    // Of several with our text: one that can be sent, else the one that is named as we would name it.
    same.sort_by_key(|remote| {
        (
            state_of(&remote.stored.status) != LinkState::Approved,
            remote.stored.name != name,
            remote.stored.language != code,
        )
    });
    let named = || {
        let mut named: Vec<&Remote> = remotes
            .iter()
            .filter(|remote| remote.stored.name == name && speaks(&remote.stored.language, code))
            .collect();
        named.sort_by_key(|remote| remote.stored.language != code);
        named.first().copied()
    };
    let bare = TemplateLink {
        template: template.to_owned(),
        language: layout.language.as_str().to_owned(),
        state: LinkState::Missing,
        meta_name: None,
        meta_language: None,
        parameter_names: None,
        explanation: None,
    };
    if let Some(found) = same.first() {
        let state = state_of(&found.stored.status);
        return TemplateLink {
            state,
            parameter_names: parameter_names(found),
            explanation: explanation(state, found, template),
            ..at(bare, found)
        };
    }
    match named() {
        Some(found) => TemplateLink {
            state: LinkState::Differs,
            explanation: Some(differences(layout, found).join("\n")),
            ..at(bare, found)
        },
        None => TemplateLink {
            explanation: Some(format!(
                "WhatsApp has no such template: submit it with `puisano template submit {template}`"
            )),
            ..bare
        },
    }
}

fn at(link: TemplateLink, remote: &Remote) -> TemplateLink {
    TemplateLink {
        meta_name: Some(remote.stored.name.clone()),
        meta_language: Some(remote.stored.language.clone()),
        ..link
    }
}

/// `en_US` is English too.
fn speaks(language: &str, code: &str) -> bool {
    language == code || language.split('_').next() == Some(code)
}

/// How a template of WhatsApp's differs from ours; empty when it says the same.
fn differences(layout: &Layout, remote: &Remote) -> Vec<String> {
    let (texts, is_named) = (&remote.texts, remote.stored.is_named);
    let mut found = Vec::new();
    let body = numbered(&texts.body, is_named);
    if tidy(&layout.body.text) != tidy(&body) {
        found.push(format!(
            "the text differs:\n{}",
            diff(&tidy(&layout.body.text), &tidy(&body))
        ));
    } else if !is_in_sequence(&texts.body, is_named) {
        found.push("the text has its parameters in another order".to_owned());
    }
    found.extend(header_difference(layout.header.as_ref(), remote));
    let (ours, theirs) = (
        layout.footer.as_deref().unwrap_or_default(),
        texts.footer.as_deref().unwrap_or_default(),
    );
    if tidy(ours) != tidy(theirs) {
        found.push(format!(
            "the footer differs:\n{}",
            diff(&tidy(ours), &tidy(theirs))
        ));
    }
    let same_buttons = layout.buttons.len() == texts.buttons.len()
        && layout
            .buttons
            .iter()
            .zip(&texts.buttons)
            .all(|(ours, theirs)| same_button(ours, theirs));
    if !same_buttons {
        found.push(format!(
            "the buttons differ: {} in the rules, {} at WhatsApp",
            layout.buttons.len(),
            texts.buttons.len()
        ));
    }
    found
}

fn header_difference(ours: Option<&LayoutText>, remote: &Remote) -> Option<String> {
    match (ours, &remote.texts.header) {
        (None, TemplateHeaderText::None) => None,
        (Some(ours), TemplateHeaderText::Text(theirs)) => {
            let theirs = numbered(theirs, remote.stored.is_named);
            (tidy(&ours.text) != tidy(&theirs))
                .then(|| format!("the header differs:\n{}", diff(&ours.text, &theirs)))
        }
        (None, TemplateHeaderText::Text(_)) => Some("WhatsApp's has a header".to_owned()),
        (_, TemplateHeaderText::Media(kind)) => Some(format!(
            "WhatsApp's has a header of the kind {}",
            kind.to_lowercase()
        )),
        (Some(_), TemplateHeaderText::None) => Some("WhatsApp's has no header".to_owned()),
    }
}

fn same_button(ours: &LayoutButton, theirs: &TemplateButtonText) -> bool {
    match (ours, theirs) {
        (LayoutButton::QuickReply { text: a }, TemplateButtonText::QuickReply { text: b }) => {
            tidy(a) == tidy(b)
        }
        (
            LayoutButton::Url { text, url, .. },
            TemplateButtonText::Url {
                text: other_text,
                url: other_url,
            },
        ) => tidy(text) == tidy(other_text) && url == other_url,
        (
            LayoutButton::Phone { text, phone },
            TemplateButtonText::Phone {
                text: other_text,
                phone: other_phone,
            },
        ) => tidy(text) == tidy(other_text) && digits(phone) == digits(other_phone),
        _ => false,
    }
}

fn digits(phone: &str) -> String {
    phone.chars().filter(char::is_ascii_digit).collect()
}

/// What the eye does not see does not count: line endings, and blanks at the ends.
fn tidy(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

/// `text` with `{{1}}`, `{{2}}` … in the place of names, in order of appearance; numbers stay what they are.
fn numbered(text: &str, is_named: bool) -> String {
    let names = template_parameters(text);
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("{{");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let Some((name, rest)) = part.split_once("}}") else {
            out.push_str("{{");
            out.push_str(part);
            continue;
        };
        let place = names.iter().position(|known| known == name.trim());
        match place {
            Some(place) if is_named => out.extend(["{{", &(place + 1).to_string(), "}}"]),
            _ => out.extend(["{{", name.trim(), "}}"]),
        }
        out.push_str(rest);
    }
    out
}

/// Positional parameters are given in the order of their numbers; ours come in the order of the text.
fn is_in_sequence(text: &str, is_named: bool) -> bool {
    is_named
        || template_parameters(text)
            .iter()
            .zip(1..)
            .all(|(name, place)| *name == place.to_string())
}

fn parameter_names(remote: &Remote) -> Option<ParameterNames> {
    remote.stored.is_named.then(|| ParameterNames {
        header: match &remote.texts.header {
            TemplateHeaderText::Text(text) => template_parameters(text),
            TemplateHeaderText::None | TemplateHeaderText::Media(_) => Vec::new(),
        },
        body: template_parameters(&remote.texts.body),
    })
}

/// Only `APPROVED` is sent.
pub(super) fn state_of(status: &str) -> LinkState {
    match status {
        "APPROVED" => LinkState::Approved,
        "PENDING" | "IN_APPEAL" => LinkState::Pending,
        "REJECTED" => LinkState::Rejected,
        "PAUSED" | "FLAGGED" | "LIMIT_EXCEEDED" => LinkState::Paused,
        _ => LinkState::Disabled,
    }
}

fn explanation(state: LinkState, found: &Remote, template: &str) -> Option<String> {
    let status = found.stored.status.to_lowercase();
    let text = match state {
        LinkState::Approved | LinkState::Differs | LinkState::Missing => return None,
        LinkState::Pending => {
            "WhatsApp is reviewing it; that takes up to a day, mostly minutes".to_owned()
        }
        LinkState::Rejected => {
            let reason = found.stored.rejected_reason.as_deref().unwrap_or("not said");
            format!(
                "WhatsApp rejected it (reason: {reason}): change the text in the rules, then `puisano template submit {template}`"
            )
        }
        LinkState::Paused => {
            "WhatsApp paused it because people did not want it; it comes back by itself after some hours".to_owned()
        }
        LinkState::Disabled => format!(
            "WhatsApp does not send it any more (status: {status}): write another text and submit it"
        ),
    };
    Some(text)
}

#[cfg(test)]
mod tests;
