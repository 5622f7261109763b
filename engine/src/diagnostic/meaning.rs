//! Findings of meaning: names that lead nowhere, texts that cannot be sent or matched, and what is legal but unwise.

use super::{Diagnostics, codes};
use crate::pattern::ParseProblem;
use crate::respond::TemplateProblem;
use crate::source::Span;

/// Languages are listed by their codes.
fn listed<S: AsRef<str>>(items: &[S]) -> String {
    items
        .iter()
        .map(|item| format!("`{}`", item.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}

impl Diagnostics {
    pub(crate) fn unknown_intent(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(
            codes::UNKNOWN_INTENT,
            at,
            format!("there is no intent `{name}`"),
        )
        .label("not defined in this pack")
        .did_you_mean(suggestion);
    }

    pub(crate) fn unknown_response(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(codes::UNKNOWN_RESPONSE, at, format!("there is no response `{name}`"))
            .label("not defined in this pack")
            .help("define it under `responses`; a single word here is taken for a name, a text has several words")
            .did_you_mean(suggestion);
    }

    pub(crate) fn unknown_entity(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(
            codes::UNKNOWN_ENTITY,
            at,
            format!("there is no entity `{name}`"),
        )
        .label("not defined in this pack, not built in")
        .did_you_mean(suggestion);
    }

    pub(crate) fn unknown_list(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(
            codes::UNKNOWN_LIST,
            at,
            format!("there is no list `{name}`"),
        )
        .label("not defined in this pack")
        .did_you_mean(suggestion);
    }

    pub(crate) fn unknown_team(&mut self, at: Span, name: &str, suggestion: Option<&str>) {
        self.error(
            codes::UNKNOWN_TEAM,
            at,
            format!("there is no team `{name}`"),
        )
        .label("not among the `teams` of pack.yaml")
        .help("add it to `teams` in pack.yaml")
        .did_you_mean(suggestion);
    }

    pub(crate) fn unknown_language(&mut self, at: Span, code: &str, languages: &[String]) {
        self.error(
            codes::UNKNOWN_LANGUAGE,
            at,
            format!("`{code}` is not a language of this pack"),
        )
        .label("not among the `languages` of pack.yaml")
        .help(format!("the pack speaks {}", listed(languages)));
    }

    pub(crate) fn unknown_entity_value(
        &mut self,
        at: Span,
        (entity, value): (&str, &str),
        suggestion: Option<&str>,
    ) {
        self.error(
            codes::UNKNOWN_ENTITY_VALUE,
            at,
            format!("the entity `{entity}` has no value `{value}`"),
        )
        .label("never found in a message")
        .did_you_mean(suggestion);
    }

    pub(crate) fn bad_pattern(&mut self, at: Span, problem: &ParseProblem) {
        let finding = self.error(codes::BAD_PATTERN, at, problem.message.clone());
        finding.help.clone_from(&problem.help);
    }

    pub(crate) fn bad_regex(&mut self, at: Span, message: &str, help: Option<&str>) {
        let finding = self.error(codes::BAD_REGEX, at, message);
        finding.help = help.map(str::to_owned);
    }

    /// `respond` finds the problem and names its code.
    pub(crate) fn template(&mut self, at: Span, problem: &TemplateProblem) {
        let code = codes::TEMPLATE_CODES
            .into_iter()
            .find(|code| *code == problem.code);
        let finding = self.error(
            code.unwrap_or(codes::TEMPLATE_SYNTAX),
            at,
            problem.message.clone(),
        );
        finding.help.clone_from(&problem.help);
    }

    pub(crate) fn value_in_plain_text(&mut self, at: Span, what: &str) {
        self.error(
            codes::VALUE_IN_PLAIN_TEXT,
            at,
            format!("{what} cannot hold `{{{{values}}}}`"),
        )
        .label("sent as it stands")
        .help("put the value into the text of the message");
    }

    pub(crate) fn text_too_long(&mut self, at: Span, what: &str, (units, max): (usize, usize)) {
        self.error(
            codes::TEXT_TOO_LONG,
            at,
            format!("{what} has {units} characters; WhatsApp takes {max}"),
        )
        .label(format!("{} too many", units - max))
        .help(
            "counted as WhatsApp does (an emoji is two), with the longest usual values filled in",
        );
    }

    pub(crate) fn empty_text(&mut self, at: Span, what: &str) {
        self.error(
            codes::EMPTY_TEXT,
            at,
            format!("{what} is empty; WhatsApp refuses it"),
        )
        .label("says nothing");
    }

    pub(crate) fn duplicate_button(&mut self, at: Span, (what, text): (&str, &str), first: Span) {
        self.error(
            codes::DUPLICATE_BUTTON,
            at,
            format!("two choices of one message have the {what} `{text}`"),
        )
        .label("used again")
        .other(first, "first used here");
    }

    /// A list entry or spelling without a word.
    pub(crate) fn wordless(&mut self, at: Span, text: &str) {
        self.error(
            codes::BAD_PATTERN,
            at,
            format!("`{text}` has no word in it"),
        )
        .label("can match nothing")
        .help("marks such as `?` and `-` are left out when texts are compared");
    }

    pub(crate) fn no_fallback(&mut self, at: Span) {
        self.error(codes::NO_FALLBACK, at, "no rule answers a message that was not understood")
            .label("this pack would keep silent")
            .help("add a rule `when: { not_understood: true }` with a reply that says what the bot can do");
    }

    pub(crate) fn unused_response(&mut self, at: Span, name: &str) {
        self.warning(
            codes::UNUSED_RESPONSE,
            at,
            format!("no rule gives the response `{name}`"),
        )
        .label("never said");
    }

    pub(crate) fn unused_list(&mut self, at: Span, name: &str) {
        self.warning(
            codes::UNUSED_LIST,
            at,
            format!("nothing uses the list `{name}`"),
        )
        .label("never looked at")
        .help(format!("write `@{name}` in a phrase, or remove it"));
    }

    pub(crate) fn unused_entity(&mut self, at: Span, name: &str) {
        self.warning(codes::UNUSED_ENTITY, at, format!("nothing uses the entity `{name}`"))
            .label("found, but never asked for")
            .help(format!("write `{{{name}}}` in a phrase, `entity: {name}` in a rule, or `{{{{{name}}}}}` in a response"));
    }

    pub(crate) fn unanswered_intent(&mut self, at: Span, name: &str) {
        self.warning(
            codes::UNANSWERED_INTENT,
            at,
            format!("no rule answers the intent `{name}`"),
        )
        .label("understood, but left without an answer")
        .help(format!(
            "give it a `reply`, or write a rule with `when: {{ intent: {name} }}`"
        ));
    }

    pub(crate) fn duplicate_phrase(
        &mut self,
        at: Span,
        (phrase, intent): (&str, &str),
        first: (Span, &str),
    ) {
        self.warning(
            codes::DUPLICATE_PHRASE,
            at,
            format!("two intents claim the phrase `{phrase}`"),
        )
        .label(format!("for `{intent}`"))
        .other(first.0, format!("for `{}`", first.1))
        .help("the bot will ask which one is meant; keep it in one of them, or make it longer");
    }

    pub(crate) fn missing_translation<S: AsRef<str>>(
        &mut self,
        at: Span,
        name: &str,
        missing: &[S],
    ) {
        let owner = if name.is_empty() {
            "this reply".to_owned()
        } else {
            format!("the response `{name}`")
        };
        self.warning(
            codes::MISSING_TRANSLATION,
            at,
            format!("{owner} has no text in {}", listed(missing)),
        )
        .label("another language will be used");
    }

    pub(crate) fn unknown_button(&mut self, at: Span, id: &str, suggestion: Option<&str>) {
        self.warning(
            codes::UNKNOWN_BUTTON,
            at,
            format!("no response shows a button `{id}`"),
        )
        .label("cannot be tapped")
        .did_you_mean(suggestion);
    }
}
