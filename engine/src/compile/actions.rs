//! `then`: what a rule does.

use super::Compiler;
use super::conditions::scoped;
use super::sections::is_name;
use super::templates::CONSENTS;
use crate::decision::Priority;
use crate::ruleset::{Action, ResponseId, Scope, Text};
use crate::source::Span;
use crate::syntax::{Entry, Node};
use crate::turn::Consent;

const KEYS: [&str; 12] = [
    "reply", "escalate", "set", "forget", "tag", "untag", "react", "cancel", "opt_out", "opt_in",
    "silence", "end",
];
const LATER_KEYS: [&str; 7] = ["ask", "start", "call", "schedule", "language", "read", "do"];
/// Actions that need no value.
const BARE: [&str; 5] = ["opt_out", "opt_in", "silence", "end", "escalate"];
/// Characters that one emoji is made of at most: families and flags join several.
const EMOJI_CHARS_MAX: usize = 16;
const ESCALATE_KEYS: [&str; 3] = ["team", "priority", "note"];
const PRIORITIES: [(&str, Priority); 4] = [
    ("low", Priority::Low),
    ("normal", Priority::Normal),
    ("high", Priority::High),
    ("urgent", Priority::Urgent),
];

impl Compiler<'_> {
    /// A list of actions, or one.
    pub(super) fn actions(&mut self, node: &Node) -> Vec<Action> {
        let mut actions = Vec::new();
        for item in node.one_or_many() {
            if let Some(word) = item.text() {
                match bare(word) {
                    Some(action) => actions.push(action),
                    None if word == "escalate" => actions.extend(self.escalate(None)),
                    None => {
                        let suggestion = self.diagnostics.nearest(word, BARE);
                        self.diagnostics
                            .invalid_value(item.span, (word, "an action"), suggestion);
                    }
                }
                continue;
            }
            for entry in item
                .expect_map("an action like `reply: NAME`", &mut self.diagnostics)
                .unwrap_or_default()
            {
                actions.extend(self.action(entry));
            }
        }
        if node.one_or_many().is_empty() {
            self.diagnostics
                .wrong_shape(node.span, "at least one action", "none");
        }
        actions
    }

    fn action(&mut self, entry: &Entry) -> Vec<Action> {
        let node = &entry.value;
        match entry.key.as_str() {
            "reply" => self.reply(node),
            "escalate" => self.escalate(Some(node)).into_iter().collect(),
            "set" => self.set(node),
            "forget" => self.texts(node, "the name of a field", |name| {
                let (scope, name) = field(name);
                Action::Forget {
                    scope,
                    name: name.to_owned(),
                }
            }),
            "tag" => self.texts(node, "a tag", |tag| Action::Tag(tag.to_owned())),
            "untag" => self.texts(node, "a tag", |tag| Action::Untag(tag.to_owned())),
            "react" => self.react(node),
            "cancel" => self.cancel(node),
            "opt_out" => self
                .consents(node)
                .map(Action::OptOut)
                .into_iter()
                .collect(),
            "opt_in" => self.consents(node).map(Action::OptIn).into_iter().collect(),
            key => {
                if let Some(action) = bare(key) {
                    let wanted =
                        node.is_empty() || node.expect_bool(&mut self.diagnostics) == Some(true);
                    wanted.then_some(action).into_iter().collect()
                } else {
                    if LATER_KEYS.contains(&key) {
                        self.diagnostics
                            .not_yet_supported(entry.key_span, &format!("the action `{key}`"));
                    } else {
                        entry.unknown("in `then`", &KEYS, &mut self.diagnostics);
                    }
                    Vec::new()
                }
            }
        }
    }

    /// The name of a response, a list of names, or a text, variants or texts per language in its place.
    pub(super) fn reply(&mut self, node: &Node) -> Vec<Action> {
        let items = node.one_or_many();
        let all_names =
            items.iter().all(|item| item.text().is_some_and(is_name)) && !items.is_empty();
        if !all_names {
            return self
                .unnamed_response(node)
                .map(Action::Reply)
                .into_iter()
                .collect();
        }
        let names = items
            .iter()
            .filter_map(|item| Some((item.span, item.text()?)));
        names
            .filter_map(|(at, name)| self.named_response(at, name))
            .map(Action::Reply)
            .collect()
    }

    fn named_response(&mut self, at: Span, name: &str) -> Option<ResponseId> {
        let response = self.names.response(name);
        if response.is_none() && !self.incomplete {
            let suggestion = self.diagnostics.nearest(name, self.names.responses.names());
            self.diagnostics.unknown_response(at, name, suggestion);
        }
        response
    }

    /// Nothing or `true` (the first team), the name of a team, or a map of team, priority and note.
    fn escalate(&mut self, node: Option<&Node>) -> Option<Action> {
        let mut team = self.pack.teams.first().cloned().unwrap_or_default();
        let mut priority = Priority::default();
        let mut for_staff = None;
        match node {
            None => {}
            Some(node) if node.is_empty() || node.text() == Some("true") => {}
            Some(node) if node.text().is_some() => team = self.team(node)?,
            Some(node) => {
                let entries = node.expect_map(
                    "a team, or a map of `team`, `priority`, `note`",
                    &mut self.diagnostics,
                )?;
                for entry in entries {
                    match entry.key.as_str() {
                        "team" => team = self.team(&entry.value).unwrap_or(team),
                        "priority" => priority = self.priority(&entry.value).unwrap_or_default(),
                        "note" => for_staff = self.text_of(&entry.value, "a note"),
                        _ => entry.unknown("in `escalate`", &ESCALATE_KEYS, &mut self.diagnostics),
                    }
                }
            }
        }
        Some(Action::Escalate {
            team,
            priority,
            note: for_staff,
        })
    }

    fn team(&mut self, node: &Node) -> Option<String> {
        let name = node.expect_text("the name of a team", &mut self.diagnostics)?;
        if !self.pack.teams.iter().any(|team| team == name) {
            let suggestion = self
                .diagnostics
                .nearest(name, self.pack.teams.iter().map(String::as_str));
            self.diagnostics.unknown_team(node.span, name, suggestion);
            return None;
        }
        Some(name.to_owned())
    }

    fn priority(&mut self, node: &Node) -> Option<Priority> {
        let names: Vec<&str> = PRIORITIES.iter().map(|(name, _)| *name).collect();
        let word = node.expect_word("a priority", &names, &mut self.diagnostics)?;
        PRIORITIES
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, priority)| *priority)
    }

    /// A bare name is a field of the conversation.
    fn set(&mut self, node: &Node) -> Vec<Action> {
        let mut actions = Vec::new();
        for entry in node
            .expect_map("a map of fields to values", &mut self.diagnostics)
            .unwrap_or_default()
        {
            let (scope, name) = field(&entry.key);
            if !is_name(name) {
                self.diagnostics.invalid_name(entry.key_span, name, "");
                continue;
            }
            if let Some(value) = self.text_of(&entry.value, "a value") {
                actions.push(Action::Set {
                    scope,
                    name: name.to_owned(),
                    value,
                });
            }
        }
        actions
    }

    /// Names of templates.
    fn cancel(&mut self, node: &Node) -> Vec<Action> {
        let mut actions = Vec::new();
        for item in node.one_or_many() {
            let name = item.expect_text("the name of a template", &mut self.diagnostics);
            let known = name.filter(|name| self.template_named(name, item.span).is_some());
            actions.extend(known.map(|name| Action::Cancel(name.to_owned())));
        }
        actions
    }

    /// Nothing or `true` (everything), or what it is about: one or several of account, service, marketing.
    fn consents(&mut self, node: &Node) -> Option<Vec<Consent>> {
        if node.is_empty() || node.text() == Some("true") {
            return Some(Consent::ALL.to_vec());
        }
        if node.text() == Some("false") {
            return None;
        }
        let mut consents = Vec::new();
        for item in node.one_or_many() {
            let consent = self.word(item, "what messages are about", &CONSENTS)?;
            if !consents.contains(&consent) {
                consents.push(consent);
            }
        }
        if consents.is_empty() {
            let expected = "`account`, `service` or `marketing`";
            self.diagnostics
                .wrong_shape(node.span, expected, "an empty list");
        }
        consents.sort_unstable();
        (!consents.is_empty()).then_some(consents)
    }

    fn react(&mut self, node: &Node) -> Vec<Action> {
        let Some(text) = node.expect_text("an emoji", &mut self.diagnostics) else {
            return Vec::new();
        };
        if looks_like_emoji(text) {
            return vec![Action::React(text.to_owned())];
        }
        self.diagnostics
            .invalid_value(node.span, (text, "an emoji"), None);
        Vec::new()
    }

    fn text_of(&mut self, node: &Node, expected: &str) -> Option<Text> {
        let text = node.expect_text(expected, &mut self.diagnostics)?;
        self.template(node, text)
    }

    fn texts(
        &mut self,
        node: &Node,
        expected: &str,
        action: impl Fn(&str) -> Action,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        for item in node.one_or_many() {
            match item.expect_text(expected, &mut self.diagnostics) {
                Some(text) if text.trim().is_empty() => {
                    self.diagnostics.empty_text(item.span, "this");
                }
                Some(text) => actions.push(action(text)),
                None => {}
            }
        }
        actions
    }
}

fn looks_like_emoji(text: &str) -> bool {
    !text.is_ascii()
        && !text.chars().any(char::is_alphabetic)
        && text.chars().count() <= EMOJI_CHARS_MAX
}

fn bare(word: &str) -> Option<Action> {
    match word {
        "opt_out" => Some(Action::OptOut(Consent::ALL.to_vec())),
        "opt_in" => Some(Action::OptIn(Consent::ALL.to_vec())),
        "silence" => Some(Action::Silence),
        "end" => Some(Action::End),
        _ => None,
    }
}

fn field(name: &str) -> (Scope, &str) {
    scoped(name).unwrap_or((Scope::Conversation, name))
}
