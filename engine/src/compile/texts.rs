//! Texts that are sent: their values known, their lengths within WhatsApp's limits.

use std::sync::Arc;

use super::Compiler;
use super::replies_to::NotificationUse;
use crate::language::Language;
use crate::respond::{Known, Template};
use crate::ruleset::Text;
use crate::syntax::Node;

/// What messages about a text call it: "the text of `main_menu` (st)".
#[derive(Clone, Copy)]
pub(super) struct Label<'l> {
    pub(super) response: &'l str,
    pub(super) language: Language,
    /// The message is given once for all languages; a text that is given per language is not shared.
    pub(super) shared: bool,
}

impl<'l> Label<'l> {
    pub(super) fn new(response: &'l str, language: Language) -> Self {
        Self {
            response,
            language,
            shared: false,
        }
    }

    pub(super) fn of(self, part: &str) -> String {
        let owner = if self.response.is_empty() {
            "this reply".to_owned()
        } else {
            format!("`{}`", self.response)
        };
        let language = if self.shared {
            "all languages".to_owned()
        } else {
            self.language.to_string()
        };
        format!("the {part} of {owner} ({language})")
    }
}

impl Compiler<'_> {
    /// A text that may hold `{{values}}`, within a limit with the longest of them.
    pub(super) fn sendable(
        &mut self,
        node: &Node,
        part: &str,
        (label, max): (Label<'_>, usize),
    ) -> Option<Text> {
        let text = node.expect_text("a text", &mut self.diagnostics)?;
        if text.trim().is_empty() {
            self.diagnostics.empty_text(node.span, &label.of(part));
            return None;
        }
        let ready = self.template(node, text)?;
        let units = match &ready {
            Text::Plain(text) => units(text),
            Text::Template(template) => units(&template.longest()),
        };
        if units > max {
            self.diagnostics
                .text_too_long(node.span, &label.of(part), (units, max));
        }
        Some(ready)
    }

    /// Parses a text that may hold `{{values}}`.
    pub(super) fn template(&mut self, node: &Node, text: &str) -> Option<Text> {
        if !text.contains("{{") {
            return Some(Text::Plain(text.to_owned()));
        }
        let names = &self.names;
        let incomplete = self.incomplete;
        let templates = &self.templates;
        let is_field = |name: &str| {
            incomplete
                || templates
                    .iter()
                    .any(|template| template.field(name).is_some())
        };
        let known = |name: &str| match name.split_once('.') {
            Some(("pack", "name")) => Known::Always,
            Some(("contact" | "conversation", _)) => Known::Maybe,
            Some(("notification", field)) if is_field(field) => Known::Sometimes,
            _ if names.is_value(name) || incomplete => Known::Maybe,
            _ => Known::No,
        };
        match Template::parse(text, &known) {
            Ok(template) => {
                let uses = template.uses().iter().map(|used| NotificationUse {
                    field: used.name.trim_start_matches("notification.").to_owned(),
                    at: node.span_within(used.at.clone()),
                    guarded: used.guarded,
                });
                self.uses.extend(uses);
                Some(Text::Template(Arc::new(template)))
            }
            Err(problems) => {
                for problem in &problems {
                    self.diagnostics
                        .template(node.span_within(problem.at.clone()), problem);
                }
                None
            }
        }
    }
}

/// Length as WhatsApp may count it at worst: an emoji is two.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}
