//! The components of a template: ours as WhatsApp wants them submitted, with samples, and WhatsApp's as texts.
//!
//! Lengths were checked when the pack was compiled; here nothing is cut or refused.

use puisano_engine::{LayoutButton, LayoutText};
use serde_json::{Value, json};

use super::TemplateDraft;
use super::call::text;
use super::parts::media_kind;

/// What is written in one of WhatsApp's templates, parameters included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TemplateTexts {
    pub header: TemplateHeaderText,
    pub body: String,
    pub footer: Option<String>,
    pub buttons: Vec<TemplateButtonText>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TemplateHeaderText {
    #[default]
    None,
    Text(String),
    /// `IMAGE`, `VIDEO`, `DOCUMENT` or `LOCATION`.
    Media(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateButtonText {
    QuickReply {
        text: String,
    },
    Url {
        text: String,
        url: String,
    },
    Phone {
        text: String,
        phone: String,
    },
    /// Of a kind that we do not make.
    Other {
        kind: String,
        text: String,
    },
}

impl TemplateTexts {
    /// Reads the components of a [`super::MetaTemplate`], or the same from where they were kept.
    pub fn read(components: &Value) -> Self {
        let mut texts = Self::default();
        for component in components.as_array().into_iter().flatten() {
            let upper = |key| text(component, key).map(|text| text.to_uppercase());
            let written = text(component, "text");
            match upper("type").as_deref() {
                Some("HEADER") => {
                    texts.header = match (upper("format").as_deref(), written) {
                        (None | Some("TEXT"), Some(written)) => TemplateHeaderText::Text(written),
                        (Some(format), _) => TemplateHeaderText::Media(format.to_owned()),
                        (None, None) => TemplateHeaderText::None,
                    }
                }
                Some("BODY") => texts.body = written.unwrap_or_default(),
                Some("FOOTER") => texts.footer = written,
                Some("BUTTONS") => {
                    let buttons = component["buttons"].as_array().into_iter().flatten();
                    texts.buttons = buttons.map(button_text).collect();
                }
                _ => {}
            }
        }
        texts
    }
}

/// The parameters of a text in their order, each once: `1`, `2` … or names.
pub fn template_parameters(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for part in text.split("{{").skip(1) {
        let Some((name, _)) = part.split_once("}}") else {
            continue;
        };
        let name = name.trim();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn button_text(button: &Value) -> TemplateButtonText {
    let said = |key| text(button, key).unwrap_or_default();
    let (kind, text) = (said("type").to_uppercase(), said("text"));
    match kind.as_str() {
        "QUICK_REPLY" => TemplateButtonText::QuickReply { text },
        "URL" => TemplateButtonText::Url {
            text,
            url: said("url"),
        },
        "PHONE_NUMBER" => TemplateButtonText::Phone {
            text,
            phone: said("phone_number"),
        },
        _ => TemplateButtonText::Other { kind, text },
    }
}

/// The components of a draft.
pub(super) fn components(draft: &TemplateDraft<'_>) -> Value {
    let layout = draft.layout;
    let mut components = Vec::new();
    if let Some((kind, handle)) = draft.header_media {
        components.push(json!({
            "type": "HEADER", "format": media_kind(kind).to_uppercase(), "example": { "header_handle": [handle] },
        }));
    } else if let Some(header) = &layout.header {
        components.push(header_text(header));
    }
    components.push(body(&layout.body));
    if let Some(footer) = &layout.footer {
        components.push(json!({ "type": "FOOTER", "text": footer }));
    }
    if !layout.buttons.is_empty() {
        let buttons: Vec<Value> = layout.buttons.iter().map(button).collect();
        components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
    }
    json!(components)
}

fn header_text(header: &LayoutText) -> Value {
    let mut component = json!({ "type": "HEADER", "format": "TEXT", "text": header.text });
    if !header.samples.is_empty() {
        component["example"] = json!({ "header_text": header.samples });
    }
    component
}

fn body(body: &LayoutText) -> Value {
    let mut component = json!({ "type": "BODY", "text": body.text });
    if !body.samples.is_empty() {
        // A list of lists: WhatsApp takes several sets of samples, and wants one.
        component["example"] = json!({ "body_text": [body.samples] });
    }
    component
}

fn button(button: &LayoutButton) -> Value {
    match button {
        LayoutButton::QuickReply { text } => json!({ "type": "QUICK_REPLY", "text": text }),
        LayoutButton::Url { text, url, sample } => {
            let mut value = json!({ "type": "URL", "text": text, "url": url });
            if let Some(sample) = sample {
                value["example"] = json!([sample]);
            }
            value
        }
        LayoutButton::Phone { text, phone } => {
            json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": phone })
        }
    }
}
