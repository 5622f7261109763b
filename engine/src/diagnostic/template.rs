//! Findings about templates: what WhatsApp would refuse to approve, and what their authors may have forgotten.

use super::{Diagnostics, Severity, codes};
use crate::respond::TemplateProblem;
use crate::source::Span;

/// Names or codes, each between backticks.
fn listed<S: AsRef<str>>(items: &[S]) -> String {
    let items = items.iter().map(|item| format!("`{}`", item.as_ref()));
    items.collect::<Vec<_>>().join(", ")
}

impl Diagnostics {
    /// A problem in the text of a template, whose only values are its `fields`.
    pub(crate) fn template_of_fields(
        &mut self,
        at: Span,
        problem: &TemplateProblem,
        fields: &[&str],
    ) {
        self.template(at, problem);
        let Some(finding) = self.list.last_mut() else {
            return;
        };
        if finding.code == codes::UNKNOWN_VALUE {
            finding.help(if fields.is_empty() {
                "add it under `fields`, with a sample".to_owned()
            } else {
                format!("the fields of this template are {}", listed(fields))
            });
        }
    }

    pub(crate) fn choice_in_template(&mut self, at: Span) {
        self.error(
            codes::TEMPLATE_NOT_ALLOWED,
            at,
            "blocks cannot be used in a template: WhatsApp approves one text with fixed places for values",
        )
        .label("would be two texts")
        .help("make a template for each");
    }

    /// `what` says which text, and at which end.
    pub(crate) fn parameter_at_edge(&mut self, at: Span, what: &str, severity: Severity) {
        self.add(
            severity,
            codes::PARAMETER_AT_EDGE,
            (at, format!("{what}; WhatsApp does not approve that")),
        )
        .label("needs words around it")
        .help("put words beside it; if WhatsApp has approved this very text, add its language under `approved`");
    }

    pub(crate) fn adjacent_parameters(&mut self, at: Span) {
        self.error(
            codes::ADJACENT_PARAMETERS,
            at,
            "two values stand side by side; WhatsApp does not approve that",
        )
        .label("follows another at once")
        .help("put words between them");
    }

    pub(crate) fn header_parameters(&mut self, at: Span, what: &str, count: usize) {
        self.error(
            codes::HEADER_PARAMETERS,
            at,
            format!("{what} has {count} values; WhatsApp takes one"),
        )
        .label("too many values")
        .help("move them to the body");
    }

    pub(crate) fn line_break(&mut self, at: Span, what: &str) {
        self.error(
            codes::LINE_BREAK,
            at,
            format!("{what} stands on several lines; WhatsApp takes one"),
        )
        .label("holds a line break");
    }

    pub(crate) fn template_button(&mut self, at: Span, message: &str, help: &str) {
        self.error(codes::TEMPLATE_BUTTON, at, message)
            .label("WhatsApp does not approve this")
            .help(help);
    }

    pub(crate) fn bad_sample(&mut self, at: Span, field: &str, problem: &str) {
        self.error(
            codes::BAD_SAMPLE,
            at,
            format!("the sample of `{field}` cannot be used: {problem}"),
        )
        .label("WhatsApp's reviewers read this");
    }

    pub(crate) fn unused_field<S: AsRef<str>>(
        &mut self,
        at: Span,
        (field, template): (&str, &str),
        languages: &[S],
    ) {
        self.warning(
            codes::UNUSED_FIELD,
            at,
            format!(
                "`{template}` does not print its field `{field}` in {}",
                listed(languages)
            ),
        )
        .label("asked for, but not shown")
        .help(format!("write `{{{{{field}}}}}` in the text, or remove it"));
    }

    /// `owner` says whose text, as in "the template `x`".
    pub(crate) fn untranslated_template<S: AsRef<str>>(
        &mut self,
        at: Span,
        owner: &str,
        missing: &[S],
    ) {
        self.warning(
            codes::MISSING_TRANSLATION,
            at,
            format!("{owner} has no text in {}", listed(missing)),
        )
        .label("not in every language");
    }

    /// A text uses a field of the notification, but its rule may hold without one.
    pub(crate) fn notification_may_be_missing(&mut self, at: Span, field: &str, rule: Span) {
        self.error(
            codes::UNGUARDED_VALUE,
            at,
            format!("`notification.{field}` may be missing when this is said"),
        )
        .label("the message need not answer a notification")
        .other(rule, "said by this rule")
        .help(format!("add `replying_to: TEMPLATE` to the rule, or write {{{{#if notification.{field}}}}} around it"));
    }

    /// `without` are templates that the rule answers and that lack `field`.
    pub(crate) fn field_of_other_template(
        &mut self,
        (at, rule): (Span, Span),
        field: &str,
        without: &[String],
        in_none: bool,
    ) {
        let code = if in_none {
            codes::UNKNOWN_VALUE
        } else {
            codes::UNGUARDED_VALUE
        };
        let message = format!("{} has no field `{field}`", listed(without));
        self.error(code, at, message)
            .label("would be missing")
            .other(rule, "this rule answers it");
    }

    pub(crate) fn bad_notification(&mut self, at: Span, field: &str, problem: &str) {
        self.error(
            codes::BAD_SAMPLE,
            at,
            format!("the value of `{field}` cannot be used: {problem}"),
        )
        .label("no notification can hold this");
    }

    pub(crate) fn unknown_template(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(
            codes::UNKNOWN_TEMPLATE,
            at,
            format!("there is no template `{name}`"),
        )
        .label("not defined in this pack")
        .did_you_mean(suggestion);
    }
}
