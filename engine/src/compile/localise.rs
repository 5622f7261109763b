//! Values that may be given once or per language.

use std::collections::BTreeSet;

use super::Compiler;
use super::texts::Label;
use crate::language::Language;
use crate::source::{SourceId, Span};
use crate::syntax::Node;

/// Languages of the built-in rules; a pack may have fewer or others.
const BUILT_IN_LANGUAGES: [Language; 4] = [Language::EN, Language::ST, Language::AF, Language::XH];

impl Compiler<'_> {
    pub(super) fn first_language(&self) -> Language {
        self.pack.languages.first().copied().unwrap_or(Language::EN)
    }

    /// The language of what stands at `at` without one.
    pub(super) fn plain_language(&self, at: Span) -> Language {
        if at.source == SourceId::BUILT_IN {
            Language::EN
        } else {
            self.first_language()
        }
    }

    /// Reads a key that should name a language of the pack.
    pub(super) fn language(&mut self, code: &str, at: Span) -> Option<Language> {
        let language = self.known_language(code, at);
        if language.is_none() {
            let known: Vec<String> = self
                .pack
                .languages
                .iter()
                .map(ToString::to_string)
                .collect();
            self.diagnostics.unknown_language(at, code, &known);
        }
        language
    }

    pub(super) fn known_language(&self, code: &str, at: Span) -> Option<Language> {
        let known: &[Language] = if at.source == SourceId::BUILT_IN {
            &BUILT_IN_LANGUAGES
        } else {
            &self.pack.languages
        };
        Language::parse(code).filter(|language| known.contains(language))
    }

    /// The languages that `node` is given in; none when it is given once for all.
    pub(super) fn languages_of(&self, node: &Node) -> BTreeSet<Language> {
        let entries = node.map().unwrap_or_default();
        entries
            .iter()
            .filter_map(|entry| self.known_language(&entry.key, entry.key_span))
            .collect()
    }

    /// `node` in `language`: itself when it is given once, else its own or the first by the pack's order.
    pub(super) fn in_language<'n, 'l>(
        &mut self,
        node: &'n Node,
        label: Label<'l>,
    ) -> Option<(Label<'l>, &'n Node)> {
        let Some(entries) = node.map() else {
            return Some((label, node));
        };
        for entry in entries {
            self.language(&entry.key, entry.key_span);
        }
        let order = std::iter::once(&label.language)
            .chain(&self.pack.languages)
            .chain(&BUILT_IN_LANGUAGES);
        let labelled = |language: &Language| Label {
            language: *language,
            shared: false,
            ..label
        };
        order
            .into_iter()
            .find_map(|language| Some((labelled(language), node.get(language.as_str())?)))
    }

    /// Place of `language` in the pack.
    pub(super) fn language_place(&self, language: Option<Language>) -> Option<u8> {
        let place = self
            .pack
            .languages
            .iter()
            .position(|known| Some(*known) == language)?;
        u8::try_from(place).ok()
    }
}
