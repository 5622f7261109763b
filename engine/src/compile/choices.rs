//! Buttons and list rows: what a customer may tap.

use std::collections::HashMap;

use super::Compiler;
use super::texts::{Label, units};
use crate::language::Language;
use crate::ruleset::{Choice, Form};
use crate::source::Span;
use crate::syntax::Node;

/// WhatsApp's limits: counts, and lengths in UTF-16 units.
const BUTTONS_MAX: usize = 3;
const ROWS_MAX: usize = 10;
const BUTTON_TITLE_UNITS_MAX: usize = 20;
const ROW_TITLE_UNITS_MAX: usize = 24;
const DESCRIPTION_UNITS_MAX: usize = 72;
const LIST_BUTTON_UNITS_MAX: usize = 20;
const BUTTON_ID_UNITS_MAX: usize = 256;
const ROW_ID_UNITS_MAX: usize = 200;

const BUTTON_KEYS: [&str; 2] = ["id", "title"];
const ROW_KEYS: [&str; 3] = ["id", "title", "description"];

impl Compiler<'_> {
    /// The choices of a message: `buttons`, of which more than three become a list, or `list`.
    pub(super) fn choices(&mut self, message: &Node, label: Label<'_>) -> Form {
        match (message.get("buttons"), message.get("list")) {
            (None, None) => {
                if let Some(button) = message.get("button") {
                    self.diagnostics.wrong_shape(
                        button.span,
                        "`list` beside `button`",
                        "a plain text",
                    );
                }
                Form::Text
            }
            (Some(buttons), _) => {
                let items = self.items(buttons, label);
                if items.len() <= BUTTONS_MAX {
                    Form::Buttons(self.each(items, Shape::Button, label))
                } else {
                    self.list(items, message.get("button"), (Shape::ButtonAsRow, label))
                }
            }
            (None, Some(list)) if list.map().is_some() => {
                for entry in list.map().unwrap_or_default() {
                    if !["button", "rows"].contains(&entry.key.as_str()) {
                        entry.unknown("in `list`", &["button", "rows"], &mut self.diagnostics);
                    }
                }
                let Some(rows) = list.get("rows") else {
                    self.diagnostics
                        .missing_key(list.span, "rows", "in this list");
                    return Form::Text;
                };
                let items = self.items(rows, label);
                self.list(
                    items,
                    list.get("button").or(message.get("button")),
                    (Shape::Row, label),
                )
            }
            (None, Some(list)) => {
                let items = self.items(list, label);
                self.list(items, message.get("button"), (Shape::Row, label))
            }
        }
    }

    /// The choices as they stand, as many as WhatsApp shows.
    fn items<'n>(&mut self, node: &'n Node, label: Label<'_>) -> &'n [Node] {
        let items = node
            .expect_list("a list of choices", &mut self.diagnostics)
            .unwrap_or_default();
        if items.is_empty() && node.list().is_some() {
            self.diagnostics
                .empty_text(node.span, &label.of("list of choices"));
        }
        if let Some(extra) = items.get(ROWS_MAX) {
            let what = format!(
                "{} of {} choices (more than {ROWS_MAX})",
                label.of("list"),
                items.len()
            );
            self.diagnostics.not_yet_supported(extra.span, &what);
        }
        items.get(..ROWS_MAX).unwrap_or(items)
    }

    fn list(
        &mut self,
        items: &[Node],
        button: Option<&Node>,
        (shape, label): (Shape, Label<'_>),
    ) -> Form {
        let button = match button {
            None => default_list_button(label.language).to_owned(),
            Some(node) => {
                let limit = ("list button", LIST_BUTTON_UNITS_MAX);
                self.plain(node, limit, label).unwrap_or_default()
            }
        };
        Form::List {
            button,
            rows: self.each(items, shape, label),
        }
    }

    fn each(&mut self, items: &[Node], shape: Shape, label: Label<'_>) -> Vec<Choice> {
        let mut ids: HashMap<String, Span> = HashMap::new();
        let mut titles: HashMap<String, Span> = HashMap::new();
        let mut choices = Vec::new();
        for item in items {
            let Some(choice) = self.choice(item, shape, label) else {
                continue;
            };
            let at = |key| item.get(key).map_or(item.span, |node: &Node| node.span);
            let folded = fold_title(&choice.title);
            for (what, text, seen) in [
                ("id", choice.id.clone(), &mut ids),
                ("title", folded, &mut titles),
            ] {
                if let Some(first) = seen.insert(text, at(what)) {
                    let shown = if what == "id" {
                        &choice.id
                    } else {
                        &choice.title
                    };
                    self.diagnostics
                        .duplicate_button(at(what), (what, shown), first);
                }
            }
            self.know_button(&choice.id, &choice.title);
            choices.push(choice);
        }
        choices
    }

    /// A button that customers may tap or type from now on.
    pub(super) fn know_button(&mut self, id: &str, title: &str) {
        self.buttons
            .by_title
            .entry(fold_title(title))
            .or_insert_with(|| id.to_owned());
        self.buttons
            .titles
            .entry(id.to_owned())
            .or_insert_with(|| title.to_owned());
    }

    fn choice(&mut self, node: &Node, shape: Shape, label: Label<'_>) -> Option<Choice> {
        let entries = node.expect_map("a choice with `id` and `title`", &mut self.diagnostics)?;
        for entry in entries {
            if !shape.keys().contains(&entry.key.as_str()) {
                entry.unknown("in a choice", shape.keys(), &mut self.diagnostics);
            }
        }
        for key in BUTTON_KEYS {
            if node.get(key).is_none() {
                self.diagnostics
                    .missing_key(node.span, key, "in this choice");
            }
        }
        let (id_max, title_max) = shape.limits();
        let id = node
            .get("id")
            .and_then(|id| self.plain(id, ("id of a choice", id_max), label));
        let title = node
            .get("title")
            .and_then(|title| self.plain(title, (shape.title(), title_max), label));
        let description = node.get("description").and_then(|text| {
            self.plain(text, ("description of a row", DESCRIPTION_UNITS_MAX), label)
        });
        Some(Choice {
            id: id?,
            title: title?,
            description,
        })
    }

    /// A text that is sent as it stands.
    pub(super) fn plain(
        &mut self,
        node: &Node,
        (part, max): (&str, usize),
        label: Label<'_>,
    ) -> Option<String> {
        let (label, node) = self.in_language(node, label)?;
        let text = node.expect_text("a text", &mut self.diagnostics)?;
        if text.trim().is_empty() {
            self.diagnostics.empty_text(node.span, &label.of(part));
            return None;
        }
        if text.contains("{{") {
            self.diagnostics
                .value_in_plain_text(node.span, &label.of(part));
        }
        let units = units(text);
        if units > max {
            self.diagnostics
                .text_too_long(node.span, &label.of(part), (units, max));
        }
        Some(text.to_owned())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Button,
    /// One of more than three buttons, which WhatsApp shows as rows.
    ButtonAsRow,
    Row,
}

impl Shape {
    fn keys(self) -> &'static [&'static str] {
        if self == Self::Row {
            &ROW_KEYS
        } else {
            &BUTTON_KEYS
        }
    }

    /// Longest id and title.
    fn limits(self) -> (usize, usize) {
        match self {
            Self::Button => (BUTTON_ID_UNITS_MAX, BUTTON_TITLE_UNITS_MAX),
            Self::ButtonAsRow | Self::Row => (ROW_ID_UNITS_MAX, ROW_TITLE_UNITS_MAX),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Button => "title of a button",
            Self::ButtonAsRow => "title of a button (more than three are shown as a list)",
            Self::Row => "title of a row",
        }
    }
}

fn default_list_button(language: Language) -> &'static str {
    match language {
        Language::ST => "Kgetha",
        Language::AF => "Kies",
        Language::XH => "Khetha",
        _ => "Choose",
    }
}

/// How titles are compared with what a customer types.
fn fold_title(title: &str) -> String {
    crate::text::fold(title)
}
