//! Phrases: from texts in the files to patterns in the matcher, with every name in them resolved.

use super::sections::Sections;
use super::{Compiler, PHRASES_MAX};
use crate::language::Language;
use crate::lint::PhraseOrigin;
use crate::pattern::{self, Matcher, MatcherBuilder, Options, Owner, Pattern};
use crate::ruleset::{IntentId, Phrase};
use crate::source::{SourceId, Span};
use crate::syntax::Node;
use crate::text::VocabularyBuilder;

/// Built-in kinds of entities that a later version finds.
const LATER_ENTITIES: [&str; 8] = [
    "date", "time", "duration", "url", "ordinal", "name", "location", "media",
];

/// What all phrases of one key have in common.
#[derive(Clone, Copy)]
pub(super) struct Group {
    pub(super) owner: Owner,
    pub(super) typos: bool,
}

impl Group {
    /// The intent that the phrases speak for.
    fn intent(self) -> Option<IntentId> {
        match self.owner {
            Owner::Intent(intent) => Some(intent),
            _ => None,
        }
    }
}

impl<'a> Compiler<'a> {
    /// Lists must be there before the first pattern.
    pub(super) fn lists(&mut self, sections: &Sections<'a>) {
        self.lists = vec![Vec::new(); self.names.lists.len()];
        let mut spoken = Vec::new();
        for list in &sections.lists {
            let mut entries = Vec::new();
            // A plain list may hold words of any language; only one by language says whose they are.
            let by_language = list.node.map().is_some();
            for (node, language) in self.per_language(list.node) {
                if let Some(text) = node.expect_text("a phrase", &mut self.diagnostics) {
                    if Pattern::literal(text).is_empty() {
                        self.diagnostics.wordless(node.span, text);
                    } else {
                        entries.push(text.to_owned());
                        let place = self.language_place(language).filter(|_| by_language);
                        spoken.extend(place.map(|place| (text, place)));
                    }
                }
            }
            if entries.is_empty() && !self.diagnostics.has_errors() {
                self.diagnostics
                    .wrong_shape(list.node.span, "at least one phrase", "none");
            }
            if let Some(slot) = self
                .names
                .lists
                .find(list.name)
                .and_then(|at| self.lists.get_mut(at as usize))
            {
                slot.extend(entries);
            }
        }
        self.matcher = MatcherBuilder::new(self.lists.clone());
        self.matcher.languages(&self.pack.languages);
        for (entry, place) in spoken {
            self.matcher.spoken(entry, place);
        }
    }

    /// The items of a text, a list, or texts or lists per language. A plain list is the pack's first language.
    pub(super) fn per_language<'n>(&mut self, node: &'n Node) -> Vec<(&'n Node, Option<Language>)> {
        let Some(entries) = node.map() else {
            let language = self.plain_language(node.span);
            return node
                .one_or_many()
                .iter()
                .map(|item| (item, Some(language)))
                .collect();
        };
        let mut items = Vec::new();
        for entry in entries {
            if let Some(language) = self.language(&entry.key, entry.key_span) {
                items.extend(
                    entry
                        .value
                        .one_or_many()
                        .iter()
                        .map(|item| (item, Some(language))),
                );
            }
        }
        items
    }

    /// Adds every phrase under `node`.
    pub(super) fn phrases(&mut self, node: &Node, group: Group) {
        for (item, language) in self.per_language(node) {
            if let Some(text) = item.expect_text("a phrase", &mut self.diagnostics) {
                self.phrase((item, text), language, group);
            }
        }
    }

    pub(super) fn phrase(
        &mut self,
        (node, text): (&Node, &str),
        language: Option<Language>,
        group: Group,
    ) {
        let pattern = match pattern::parse(text) {
            Ok(pattern) => pattern,
            Err(problems) => {
                for problem in &problems {
                    self.diagnostics
                        .bad_pattern(node.span_within(problem.at.clone()), problem);
                }
                return;
            }
        };
        if !self.names_are_known(node, &pattern) {
            return;
        }
        self.add((node, text), &pattern, language, group);
    }

    /// Adds the words of `text`, no character of which is special.
    pub(super) fn literal(&mut self, node: &Node, text: &str, group: Group) {
        let pattern = Pattern::literal(text);
        if pattern.is_empty() {
            self.diagnostics.wordless(node.span, text);
            return;
        }
        self.add((node, text), &pattern, None, group);
    }

    fn add(
        &mut self,
        (node, text): (&Node, &str),
        pattern: &Pattern,
        language: Option<Language>,
        group: Group,
    ) {
        let options = Options {
            typos: group.typos,
            language: self.language_place(language),
        };
        self.matcher.add(group.owner, pattern, options, &self.names);
        let phrase = Phrase {
            text: text.to_owned(),
            at: self.places.locate(node.span),
            language,
        };
        self.remember(node.span, phrase, group);
    }

    /// Reports unknown lists and entities of a pattern, and notes the names it captures under.
    fn names_are_known(&mut self, node: &Node, pattern: &Pattern) -> bool {
        let mut known = true;
        for (name, at) in pattern.lists() {
            if self.names.lists.find(&name).is_none() {
                known = false;
                self.unknown_list(&name, node.span_within(at));
            }
        }
        for (capture, entity, at) in pattern.entities() {
            if self.names.entities.find(&entity).is_none() {
                known = false;
                self.unknown_entity(&entity, node.span_within(at));
            }
            if capture != entity {
                self.names.captures.borrow_mut().insert(capture);
            }
        }
        known
    }

    pub(super) fn unknown_list(&mut self, name: &str, at: Span) {
        if !self.incomplete {
            let suggestion = self.diagnostics.nearest(name, self.names.lists.names());
            self.diagnostics.unknown_list(at, name, suggestion);
        }
    }

    pub(super) fn unknown_entity(&mut self, name: &str, at: Span) {
        if LATER_ENTITIES.contains(&name) {
            self.diagnostics
                .not_yet_supported(at, &format!("the built-in entity `{name}`"));
        } else if !self.incomplete {
            let suggestion = self.diagnostics.nearest(name, self.names.entities.names());
            self.diagnostics.unknown_entity(at, name, suggestion);
        }
    }

    /// Adds raw expressions.
    pub(super) fn regexes(&mut self, node: &Node, group: Group) {
        for item in node.one_or_many() {
            let Some(expression) = item.expect_text("a regular expression", &mut self.diagnostics)
            else {
                continue;
            };
            match self.matcher.add_regex(group.owner, expression) {
                Ok(_) => {
                    let at = self.places.locate(item.span);
                    self.remember(
                        item.span,
                        Phrase {
                            text: expression.to_owned(),
                            at,
                            language: None,
                        },
                        group,
                    );
                    self.origins
                        .last_mut()
                        .into_iter()
                        .for_each(|origin| origin.regex = true);
                }
                Err(error) => {
                    self.diagnostics
                        .bad_regex(item.span, &error.message, error.help.as_deref());
                }
            }
        }
    }

    /// Keeps what stands behind the number that the matcher has just given.
    fn remember(&mut self, at: Span, phrase: Phrase, group: Group) {
        self.phrases.push(phrase);
        self.origins.push(PhraseOrigin {
            at,
            intent: group.intent(),
            regex: false,
        });
        if self.phrases.len() == PHRASES_MAX + 1 {
            self.diagnostics
                .too_many(at, "phrases", (self.phrases.len(), PHRASES_MAX));
        }
    }

    pub(super) fn build_matcher(&mut self, vocabulary: &mut VocabularyBuilder) -> Option<Matcher> {
        match std::mem::take(&mut self.matcher).build(vocabulary) {
            Ok(matcher) => Some(matcher),
            Err(errors) => {
                for error in errors {
                    let Some(origin) = self.origins.get(error.phrase as usize) else {
                        continue;
                    };
                    let (at, help) = (origin.at, error.help);
                    if origin.regex {
                        self.diagnostics
                            .bad_regex(at, &error.message, help.as_deref());
                    } else {
                        let problem = pattern::ParseProblem {
                            at: 0..0,
                            message: error.message,
                            help,
                        };
                        self.diagnostics.bad_pattern(at, &problem);
                    }
                }
                None
            }
        }
    }
}

/// Whether a name belongs to a kind that is built in now or later.
pub(super) fn is_reserved_entity(name: &str) -> bool {
    crate::entities::BUILT_IN.contains(&name) || LATER_ENTITIES.contains(&name)
}

/// Where built-in things stand.
pub(super) const BUILT_IN_SPAN: Span = Span {
    source: SourceId::BUILT_IN,
    start: 0,
    end: 0,
};
