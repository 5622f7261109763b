//! `rules`: when … then …, in two steps: all conditions first, then all actions.

use std::collections::HashMap;

use super::files::Places;
use super::intents::PRIORITY_MAX;
use super::sections::Sections;
use super::{Compiler, RULES_MAX};
use crate::ruleset::{Condition, Rule};
use crate::source::{SourceId, Span};
use crate::syntax::Node;

const KEYS: [&str; 5] = ["name", "priority", "when", "then", "continue"];

/// A rule whose actions have not been read yet.
pub(super) struct Draft<'a> {
    pub(super) name: String,
    pub(super) at: Span,
    pub(super) priority: i32,
    pub(super) when: Condition,
    /// The short forms of an intent.
    pub(super) reply: Option<&'a Node>,
    pub(super) then: Option<&'a Node>,
    pub(super) goes_on: bool,
}

impl<'a> Compiler<'a> {
    pub(super) fn rule_conditions(&mut self, sections: &Sections<'a>) {
        let mut names: HashMap<&'a str, Span> = HashMap::new();
        for section in sections.rules.iter().filter(|section| !section.is_empty()) {
            for node in section
                .expect_list("a list of rules", &mut self.diagnostics)
                .unwrap_or_default()
            {
                self.rule(node, &mut names);
            }
        }
        for (name, at) in std::mem::take(&mut self.values_asked) {
            if !self.names.is_value(&name) {
                self.unknown_entity(&name, at);
            }
        }
        if let Some(extra) = self.drafts.get(RULES_MAX) {
            self.diagnostics
                .too_many(extra.at, "rules", (self.drafts.len(), RULES_MAX));
        }
    }

    fn rule(&mut self, node: &'a Node, names: &mut HashMap<&'a str, Span>) {
        let Some(entries) = node.expect_map(
            "a rule with `name`, `when` and `then`",
            &mut self.diagnostics,
        ) else {
            return;
        };
        for entry in entries {
            if !KEYS.contains(&entry.key.as_str()) {
                entry.unknown("in a rule", &KEYS, &mut self.diagnostics);
            }
        }
        let at = Span {
            end: node.span.start,
            ..node.span
        };
        let place = self.places.locate(at);
        let mut draft = Draft {
            name: format!("rule {}:{}", place.file, place.line),
            at,
            priority: 0,
            when: Condition::All(Vec::new()),
            reply: None,
            then: node.get("then"),
            goes_on: false,
        };
        for key in ["when", "then"] {
            if node.get(key).is_none() {
                self.diagnostics.missing_key(draft.at, key, "in this rule");
            }
        }
        if let Some(name) = node.get("name") {
            self.name_rule(&mut draft, name, names);
        }
        if let Some(priority) = node.get("priority") {
            let range = -PRIORITY_MAX..=PRIORITY_MAX;
            draft.priority = priority
                .expect_whole(range, &mut self.diagnostics)
                .unwrap_or_default();
        }
        if let Some(goes_on) = node.get("continue") {
            draft.goes_on = goes_on
                .expect_bool(&mut self.diagnostics)
                .unwrap_or_default();
        }
        if let Some(when) = node.get("when") {
            draft.when = self.condition(when);
        }
        self.drafts.push(draft);
    }

    /// A name is how people find a rule again; one without is called by its place.
    fn name_rule(
        &mut self,
        draft: &mut Draft<'a>,
        node: &'a Node,
        names: &mut HashMap<&'a str, Span>,
    ) {
        let Some(name) = node.expect_text("a name", &mut self.diagnostics) else {
            return;
        };
        draft.at = node.span;
        name.clone_into(&mut draft.name);
        if let Some(first) = names.insert(name, node.span) {
            self.diagnostics
                .duplicate_name(node.span, ("rule", name), first);
        }
    }

    /// Turns all drafts into rules, each with its place.
    pub(super) fn rule_actions(&mut self) -> Vec<(Span, Rule)> {
        let mut rules = Vec::with_capacity(self.drafts.len());
        for draft in std::mem::take(&mut self.drafts) {
            let mut then = draft.reply.map_or_else(Vec::new, |reply| self.reply(reply));
            if let Some(node) = draft.then {
                then.extend(self.actions(node));
            }
            self.check_uses(&draft.when, &then, draft.at);
            then.shrink_to_fit();
            let rule = Rule {
                name: draft.name,
                at: self.places.locate(draft.at),
                priority: draft.priority,
                when: draft.when,
                then,
                goes_on: draft.goes_on,
            };
            rules.push((draft.at, rule));
        }
        rules
    }
}

/// The order in which rules are tried: built-in ones, then by priority (high first), then by place in the pack.
pub(super) fn sort(rules: &mut [(Span, Rule)], places: &Places<'_>) {
    rules.sort_by_key(|(at, rule)| {
        let pack = at.source != SourceId::BUILT_IN;
        (
            pack,
            std::cmp::Reverse(if pack { rule.priority } else { 0 }),
            places.order(*at),
        )
    });
}
