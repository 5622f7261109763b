//! The texts of templates: header, body and footer, held against WhatsApp's rules for what it approves.

use super::Compiler;
use super::sections::Named;
use super::texts::{Label, units};
use crate::diagnostic::Severity;
use crate::language::Language;
use crate::respond::{self, Known, Part};
use crate::source::Span;
use crate::syntax::Node;
use crate::template::{
    BODY_UNITS_MAX, Field, HEADER_UNITS_MAX, Parameter, Piece, Template, Texts, longest,
};

/// WhatsApp's limits: counts, and lengths in UTF-16 units.
const FOOTER_UNITS_MAX: usize = 60;
const HEADER_PARAMETERS_MAX: usize = 1;

/// A piece of a text and where it stands.
type Placed = (Piece, Span);

/// What the parts of a template's texts are read for.
#[derive(Clone, Copy)]
pub(super) struct Reading<'t> {
    pub(super) label: Label<'t>,
    pub(super) fields: &'t [Field],
    /// WhatsApp has approved the text as it stands.
    approved: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn template_texts(&mut self, named: Named<'a>, template: &mut Template) {
        let Some(body) = named.node.get("body") else {
            return;
        };
        let mut languages: Vec<(Language, &Node)> = Vec::new();
        match body.map() {
            None => languages.push((self.first_language(), body)),
            Some(entries) => {
                for entry in entries {
                    let language = self.language(&entry.key, entry.key_span);
                    languages.extend(language.map(|language| (language, &entry.value)));
                }
            }
        }
        languages.sort_by_key(|(language, _)| self.language_place(Some(*language)));
        let approved = self.approved(named);
        for (language, body) in &languages {
            let reading = Reading {
                label: Label::new(named.name, *language),
                fields: &template.fields,
                approved: approved.contains(language),
            };
            let texts = self.texts_of(named.node, body, reading);
            template.texts.extend(texts);
        }
        self.template_translations(named, &languages);
        self.unused_fields(named, template);
    }

    /// The languages in which WhatsApp has approved the text as it stands.
    fn approved(&mut self, named: Named<'a>) -> Vec<Language> {
        let items = named.node.get("approved").map(Node::one_or_many);
        let mut approved = Vec::new();
        for item in items.unwrap_or_default() {
            let code = item.expect_text("a language", &mut self.diagnostics);
            approved.extend(code.and_then(|code| self.language(code, item.span)));
        }
        approved
    }

    fn texts_of(&mut self, node: &Node, body: &Node, reading: Reading<'_>) -> Option<Texts> {
        let language = reading.label.language;
        let body = self.template_part(body, ("body", BODY_UNITS_MAX), reading);
        let header = self
            .own(node.get("header"), language)
            .and_then(|header| self.header(header, reading));
        let footer = self
            .own(node.get("footer"), language)
            .and_then(|footer| self.one_line(footer, ("footer", FOOTER_UNITS_MAX), reading.label));
        let buttons = self
            .own(node.get("buttons"), language)
            .map(|buttons| self.template_buttons(buttons, reading))
            .unwrap_or_default();
        Some(Texts {
            language,
            header,
            body: body?,
            footer,
            buttons,
        })
    }

    /// What is given in `language`, or once for all; never another language's, for one template speaks one language.
    pub(super) fn own<'n>(
        &mut self,
        node: Option<&'n Node>,
        language: Language,
    ) -> Option<&'n Node> {
        let node = node?;
        let Some(entries) = node.map() else {
            return Some(node);
        };
        for entry in entries {
            self.language(&entry.key, entry.key_span);
        }
        node.get(language.as_str())
    }

    fn header(&mut self, node: &Node, reading: Reading<'_>) -> Option<Vec<Piece>> {
        let header = self.template_part(node, ("header", HEADER_UNITS_MAX), reading)?;
        let parameters = header
            .iter()
            .filter(|piece| matches!(piece, Piece::Parameter(_)))
            .count();
        if parameters > HEADER_PARAMETERS_MAX {
            self.diagnostics
                .header_parameters(node.span, &reading.label.of("header"), parameters);
        }
        if node.text().is_some_and(|text| text.contains('\n')) {
            self.diagnostics
                .line_break(node.span, &reading.label.of("header"));
        }
        Some(header)
    }

    /// A text with parameters.
    fn template_part(
        &mut self,
        node: &Node,
        (part, max): (&str, usize),
        reading: Reading<'_>,
    ) -> Option<Vec<Piece>> {
        let Reading { label, fields, .. } = reading;
        let text = node.expect_text("a text", &mut self.diagnostics)?;
        if text.trim().is_empty() {
            self.diagnostics.empty_text(node.span, &label.of(part));
            return None;
        }
        let placed = self.pieces(node, text, reading)?;
        if part == "body" && !reading.approved {
            self.edges(&placed, label);
        }
        self.neighbours(&placed);
        let pieces: Vec<Piece> = placed.into_iter().map(|(piece, _)| piece).collect();
        let units = units(&longest(&pieces, fields, label.language));
        if units > max {
            self.diagnostics
                .text_too_long(node.span, &label.of(part), (units, max));
        }
        Some(pieces)
    }

    /// Text and parameters in order of appearance, by the grammar of all texts with values.
    pub(super) fn pieces(
        &mut self,
        node: &Node,
        text: &str,
        reading: Reading<'_>,
    ) -> Option<Vec<Placed>> {
        let fields = reading.fields;
        let place = |name: &str| fields.iter().position(|field| field.name == name);
        let known = |name: &str| match place(name) {
            Some(_) => Known::Always,
            None => Known::No,
        };
        let parts = match respond::parts(text, &known) {
            Ok(parts) => parts.parts,
            Err(problems) => {
                let names: Vec<&str> = fields.iter().map(|field| &*field.name).collect();
                for problem in &problems {
                    let at = node.span_within(problem.at.clone());
                    self.diagnostics.template_of_fields(at, problem, &names);
                }
                return None;
            }
        };
        let mut pieces = Vec::new();
        for part in parts {
            let (piece, at) = match part {
                Part::Text(text) => (Some(Piece::Text(text)), 0..0),
                Part::Value(value) => {
                    let parameter = place(&value.name).map(|field| Parameter {
                        field,
                        helper: None,
                    });
                    (parameter.map(Piece::Parameter), value.at)
                }
                Part::Helper {
                    helper,
                    value,
                    literals,
                } => {
                    let parameter = place(&value.name).map(|field| Parameter {
                        field,
                        helper: Some((helper, literals)),
                    });
                    (parameter.map(Piece::Parameter), value.at)
                }
                Part::Choice { at, .. } => {
                    self.diagnostics
                        .choice_in_template(node.span_within(at.clone()));
                    (None, at)
                }
            };
            pieces.push((piece?, node.span_within(at)));
        }
        Some(pieces)
    }

    /// WhatsApp refuses a text that begins or ends with a parameter. Texts in the default language may have been approved
    /// long ago, under other rules.
    fn edges(&mut self, pieces: &[Placed], label: Label<'_>) {
        let severity = if label.language == self.first_language() {
            Severity::Warning
        } else {
            Severity::Error
        };
        let says =
            |(piece, _): &&Placed| !matches!(piece, Piece::Text(text) if text.trim().is_empty());
        let mut saying = pieces.iter().filter(says);
        let first = saying.next();
        let last = saying.next_back().or(first);
        for (edge, verb) in [(first, "begins"), (last, "ends")] {
            if let Some((Piece::Parameter(_), at)) = edge {
                let what = format!("{} {verb} with a value", label.of("body"));
                self.diagnostics.parameter_at_edge(*at, &what, severity);
            }
        }
    }

    fn neighbours(&mut self, pieces: &[Placed]) {
        for pair in pieces.windows(2) {
            if let [(Piece::Parameter(_), _), (Piece::Parameter(_), at)] = pair {
                self.diagnostics.adjacent_parameters(*at);
            }
        }
    }

    /// A text without parameters, on one line.
    pub(super) fn one_line(
        &mut self,
        node: &Node,
        (part, max): (&str, usize),
        label: Label<'_>,
    ) -> Option<String> {
        let text = node.expect_text("a text", &mut self.diagnostics)?;
        let what = label.of(part);
        if text.trim().is_empty() {
            self.diagnostics.empty_text(node.span, &what);
            return None;
        }
        if text.contains("{{") {
            self.diagnostics.value_in_plain_text(node.span, &what);
        }
        if text.contains('\n') {
            self.diagnostics.line_break(node.span, &what);
        }
        let units = units(text);
        if units > max {
            self.diagnostics
                .text_too_long(node.span, &what, (units, max));
        }
        Some(text.to_owned())
    }

    /// Which of the pack's languages the body has not, and which of its languages another part has not.
    fn template_translations(&mut self, named: Named<'a>, written: &[(Language, &Node)]) {
        if self.incomplete {
            return;
        }
        let written: Vec<Language> = written.iter().map(|(language, _)| *language).collect();
        let missing = |has: &dyn Fn(Language) -> bool, among: &[Language]| -> Vec<String> {
            let missing = among.iter().filter(|language| !has(**language));
            missing.map(ToString::to_string).collect()
        };
        let without = missing(
            &|language| written.contains(&language),
            &self.pack.languages,
        );
        let owner = format!("the template `{}`", named.name);
        if !without.is_empty() && !written.is_empty() {
            self.diagnostics
                .untranslated_template(named.at, &owner, &without);
        }
        for part in ["header", "footer", "buttons"] {
            let Some(node) = named.node.get(part).filter(|node| node.map().is_some()) else {
                continue;
            };
            let has = |language: Language| node.get(language.as_str()).is_some();
            let without = missing(&has, &written);
            if !without.is_empty() {
                let owner = format!("the {part} of {owner}");
                self.diagnostics
                    .untranslated_template(node.span, &owner, &without);
            }
        }
    }

    /// A field that a text does not print may have been forgotten in it.
    fn unused_fields(&mut self, named: Named<'a>, template: &Template) {
        let entries = named.node.get("fields").and_then(Node::map);
        for (place, field) in template.fields.iter().enumerate() {
            let without: Vec<String> = template
                .texts
                .iter()
                .filter(|texts| !texts.prints(place))
                .map(|texts| texts.language.to_string())
                .collect();
            let entry = entries
                .unwrap_or_default()
                .iter()
                .find(|entry| entry.key == field.name);
            if let Some(entry) = entry.filter(|_| !without.is_empty()) {
                let field = (field.name.as_str(), named.name);
                self.diagnostics
                    .unused_field(entry.key_span, field, &without);
            }
        }
    }
}
