//! The buttons of templates, within WhatsApp's rules: quick replies, addresses, a phone number.

use super::Compiler;
use super::template_texts::Reading;
use super::texts::units;
use crate::source::Span;
use crate::syntax::{Entry, Node};
use crate::template::{Piece, TemplateButton};

/// WhatsApp's limits: counts, and lengths in UTF-16 units.
const BUTTONS_MAX: usize = 10;
const URL_BUTTONS_MAX: usize = 2;
const PHONE_BUTTONS_MAX: usize = 1;
const TITLE_UNITS_MAX: usize = 25;
const URL_UNITS_MAX: usize = 2000;
const PHONE_UNITS_MAX: usize = 20;
/// Of what a quick reply brings back.
const ID_UNITS_MAX: usize = 128;

const KEYS: [&str; 4] = ["title", "id", "url", "phone"];

impl Compiler<'_> {
    pub(super) fn template_buttons(
        &mut self,
        node: &Node,
        reading: Reading<'_>,
    ) -> Vec<TemplateButton> {
        let items = node
            .expect_list("a list of buttons", &mut self.diagnostics)
            .unwrap_or_default();
        let mut buttons: Vec<(TemplateButton, Span)> = Vec::new();
        for item in items {
            let button = self.template_button(item, reading);
            buttons.extend(button.map(|button| (button, item.span)));
        }
        let url = |button: &TemplateButton| matches!(button, TemplateButton::Url { .. });
        let phone = |button: &TemplateButton| matches!(button, TemplateButton::Phone { .. });
        let places = |is: &dyn Fn(&TemplateButton) -> bool| -> Vec<Span> {
            let of_kind = buttons.iter().filter(|(button, _)| is(button));
            of_kind.map(|(_, at)| *at).collect()
        };
        for (what, max, places) in [
            ("buttons", BUTTONS_MAX, places(&|_| true)),
            ("buttons with an address", URL_BUTTONS_MAX, places(&url)),
            (
                "buttons with a phone number",
                PHONE_BUTTONS_MAX,
                places(&phone),
            ),
        ] {
            if let Some(extra) = places.get(max) {
                self.diagnostics.too_many(*extra, what, (places.len(), max));
            }
        }
        self.quick_replies_together(&buttons);
        buttons.into_iter().map(|(button, _)| button).collect()
    }

    fn quick_replies_together(&mut self, buttons: &[(TemplateButton, Span)]) {
        let quick = |(button, _): &(TemplateButton, Span)| {
            matches!(button, TemplateButton::QuickReply { .. })
        };
        let blocks: Vec<_> = buttons.chunk_by(|a, b| quick(a) == quick(b)).collect();
        let mut of_replies = blocks
            .iter()
            .filter_map(|block| block.first())
            .filter(|first| quick(first));
        if let Some((_, at)) = of_replies.nth(1) {
            self.diagnostics.template_button(
                *at,
                "quick replies do not stand together",
                "put all buttons with `id` before or after those with `url` and `phone`",
            );
        }
        let mut titles: Vec<&str> = Vec::new();
        for (button, at) in buttons {
            let title = match button {
                TemplateButton::QuickReply { title, .. }
                | TemplateButton::Url { title, .. }
                | TemplateButton::Phone { title, .. } => title,
            };
            if titles.contains(&title.as_str()) {
                self.diagnostics.template_button(
                    *at,
                    &format!("two buttons have the title `{title}`"),
                    "give each a title of its own",
                );
            }
            titles.push(title);
        }
    }

    /// `{ id, title }` for a quick reply, `{ url, title }`, or `{ phone, title }`.
    fn template_button(&mut self, node: &Node, reading: Reading<'_>) -> Option<TemplateButton> {
        let label = reading.label;
        let entries: &[Entry] = node.expect_map("a button with `title`", &mut self.diagnostics)?;
        for entry in entries {
            if !KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in a button", &KEYS, &mut self.diagnostics);
            }
        }
        let Some(title) = node.get("title") else {
            self.diagnostics
                .missing_key(node.span, "title", "in this button");
            return None;
        };
        let title = self.own(Some(title), label.language)?;
        let title = self.one_line(title, ("title of a button", TITLE_UNITS_MAX), label)?;
        match (node.get("id"), node.get("url"), node.get("phone")) {
            (Some(id), None, None) => {
                let id = self.one_line(id, ("id of a button", ID_UNITS_MAX), label)?;
                self.know_button(&id, &title);
                Some(TemplateButton::QuickReply { id, title })
            }
            (None, Some(url), None) => self.url_button(url, title, reading),
            (None, None, Some(phone)) => {
                let part = ("phone number of a button", PHONE_UNITS_MAX);
                let phone = self.one_line(phone, part, label)?;
                Some(TemplateButton::Phone { title, phone })
            }
            _ => {
                self.diagnostics.template_button(
                    node.span,
                    "a button does one thing",
                    "give it either `id` (a quick reply), `url` or `phone`",
                );
                None
            }
        }
    }

    /// An address, at its end perhaps one value.
    fn url_button(
        &mut self,
        node: &Node,
        title: String,
        reading: Reading<'_>,
    ) -> Option<TemplateButton> {
        let text = node.expect_text("an address", &mut self.diagnostics)?;
        let units = units(text);
        if units > URL_UNITS_MAX {
            let what = reading.label.of("address of a button");
            self.diagnostics
                .text_too_long(node.span, &what, (units, URL_UNITS_MAX));
        }
        let pieces: Vec<Piece> = self
            .pieces(node, text, reading)?
            .into_iter()
            .map(|(piece, _)| piece)
            .collect();
        let (url, suffix) = match pieces.as_slice() {
            [Piece::Text(url)] => (url.clone(), None),
            [Piece::Text(url), Piece::Parameter(suffix)] => (url.clone(), Some(suffix.clone())),
            _ => {
                self.diagnostics.template_button(
                    node.span,
                    "an address takes one value, at its end",
                    "write it as in `https://example.org/bills/{{account}}`",
                );
                return None;
            }
        };
        if !is_web_address(&url) {
            self.diagnostics.template_button(
                node.span,
                "this is not an address of the web",
                "it begins with `https://` and holds no blanks",
            );
        }
        Some(TemplateButton::Url { title, url, suffix })
    }
}

/// Whether `text` can be the beginning of an address that a customer opens.
pub(super) fn is_web_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.contains(char::is_whitespace)
}
