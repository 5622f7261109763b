//! Tree to rule set: resolves names and turns patterns into tables. A pack compiles whole or not at all.
//!
//! The stages stand in [`compile`] in the order in which they run; each has a file. Names come before what uses them,
//! patterns before responses (a pattern's captures are values that texts may print), conditions before actions.

mod actions;
mod attachments;
mod choices;
mod conditions;
mod entities;
mod fallback;
mod files;
mod hours;
mod index;
mod intents;
mod localise;
mod names;
mod pack;
mod phrases;
mod replies_to;
mod responses;
mod rules;
mod sections;
mod template_buttons;
mod template_texts;
mod templates;
#[cfg(test)]
mod tests;
mod texts;

use crate::diagnostic::Diagnostics;
use crate::lint;
use crate::pattern::MatcherBuilder;
use crate::ruleset::{Buttons, Entity, Intent, Pack, Phrase, Response, Ruleset};
use crate::sentiment::{Lexicons, Scorer};
use crate::source::{Source, Span};
use crate::template::Template;
use crate::text::{Identifier, VocabularyBuilder, WordInfo};

pub(crate) use files::BUILT_IN;
use files::{Files, Places};
use names::Names;
use replies_to::NotificationUse;
use rules::Draft;
use sections::Sections;

/// Intents of one pack.
pub(crate) const INTENTS_MAX: usize = 20_000;
/// Rules of one pack, with those of the shortest form.
pub(crate) const RULES_MAX: usize = 40_000;
/// Phrases of one pack: those of intents, of rules, and spellings of values.
pub(crate) const PHRASES_MAX: usize = 200_000;

/// A rule set if there were no errors, and every finding either way.
#[derive(Debug)]
pub struct Compiled {
    pub ruleset: Option<Ruleset>,
    pub diagnostics: Diagnostics,
}

/// Compiles the files of a pack. Never stops at the first problem.
pub fn compile(sources: &[Source], lexicons: &Lexicons) -> Compiled {
    let order = files::by_path(sources);
    let mut diagnostics = Diagnostics::default();
    let files = Files::read(sources, &order, &mut diagnostics);
    let sections = Sections::sort(&files, &mut diagnostics);
    let (pack, country) = pack::read(&sections, files.incomplete, &mut diagnostics);
    let mut compiler = Compiler::new(Places::new(sources, &order), pack, diagnostics);
    compiler.incomplete = files.incomplete;
    compiler.declare(&sections);
    compiler.lists(&sections);
    compiler.entities(&sections, &country);
    compiler.templates(&sections);
    compiler.intents(&sections);
    compiler.rule_conditions(&sections);
    compiler.responses(&sections);
    let rules = compiler.rule_actions();
    compiler.fallback(&rules, &sections);
    for tests in &sections.tests {
        let places = &compiler.places;
        let around = crate::transcript::Around {
            place: &|span| places.locate(span),
            templates: &compiler.templates,
            incomplete: compiler.incomplete,
        };
        let read = crate::transcript::read(tests, &around, &mut compiler.diagnostics);
        compiler.tests.extend(read);
    }
    let ruleset = compiler.build(rules, lexicons);
    let mut diagnostics = compiler.diagnostics;
    diagnostics.tidy(&order);
    Compiled {
        ruleset: ruleset.filter(|_| !diagnostics.has_errors()),
        diagnostics,
    }
}

/// What is known of the pack so far.
struct Compiler<'a> {
    places: Places<'a>,
    /// Some file could not be read, so names that seem unknown may well exist.
    incomplete: bool,
    diagnostics: Diagnostics,
    pack: Pack,
    names: Names<'a>,
    matcher: MatcherBuilder,
    phrases: Vec<Phrase>,
    origins: Vec<lint::PhraseOrigin>,
    patterns: u32,
    lists: Vec<Vec<String>>,
    entities: Vec<Entity>,
    intents: Vec<Intent>,
    /// Named ones in order of their numbers, then texts that stand where a response is expected.
    responses: Vec<Response>,
    /// What each of them takes for granted about the notification that is answered.
    response_uses: Vec<Vec<NotificationUse>>,
    /// The same of the texts that are being read.
    uses: Vec<NotificationUse>,
    missing: Vec<lint::MissingTranslation>,
    templates: Vec<Template>,
    buttons: Buttons,
    drafts: Vec<Draft<'a>>,
    /// Names in `entity` conditions: a pattern further down may still capture them.
    values_asked: Vec<(String, Span)>,
    buttons_asked: Vec<(String, Span)>,
    tests: Vec<crate::transcript::Transcript>,
}

impl<'a> Compiler<'a> {
    fn new(places: Places<'a>, pack: Pack, diagnostics: Diagnostics) -> Self {
        Self {
            places,
            incomplete: false,
            diagnostics,
            pack,
            names: Names::default(),
            matcher: MatcherBuilder::new(Vec::new()),
            phrases: Vec::new(),
            origins: Vec::new(),
            patterns: 0,
            lists: Vec::new(),
            entities: Vec::new(),
            intents: Vec::new(),
            responses: Vec::new(),
            response_uses: Vec::new(),
            uses: Vec::new(),
            missing: Vec::new(),
            templates: Vec::new(),
            buttons: Buttons::default(),
            drafts: Vec::new(),
            values_asked: Vec::new(),
            buttons_asked: Vec::new(),
            tests: Vec::new(),
        }
    }

    /// Numbers all names, so that everything may be used before the place where it stands.
    fn declare(&mut self, sections: &Sections<'a>) {
        self.names.lists.declare_all(&sections.lists);
        self.names.intents.declare_all(&sections.intents);
        self.names.responses.declare_all(&sections.responses);
        self.declare_entities(sections);
        if self.names.intents.len() > INTENTS_MAX
            && let Some((_, at, _)) = self.names.intents.iter().nth(INTENTS_MAX)
        {
            self.diagnostics
                .too_many(at, "intents", (self.names.intents.len(), INTENTS_MAX));
        }
    }

    /// Puts everything together; `None` when the patterns do not make a table.
    fn build(
        &mut self,
        mut rules: Vec<(Span, crate::ruleset::Rule)>,
        lexicons: &Lexicons,
    ) -> Option<Ruleset> {
        self.lint(&rules);
        rules::sort(&mut rules, &self.places);
        let rules: Vec<_> = rules.into_iter().map(|(_, rule)| rule).collect();
        let languages = self.pack.languages.clone();
        let mut vocabulary = VocabularyBuilder::default();
        for (place, language) in languages.iter().enumerate() {
            for word in lexicons.function_words(*language) {
                vocabulary.intern(
                    word,
                    WordInfo {
                        languages: 1 << place,
                        function: true,
                    },
                );
            }
        }
        let matcher = self.build_matcher(&mut vocabulary)?;
        let scorer = Scorer::build(lexicons, &languages, &mut vocabulary);
        let intent_names = self.names.intents.iter().map(|(name, ..)| name.to_owned());
        Some(Ruleset {
            pack: self.pack.clone(),
            intent_names: intent_names
                .zip((0..).map(crate::ruleset::IntentId))
                .collect(),
            intents: std::mem::take(&mut self.intents),
            entities: std::mem::take(&mut self.entities),
            responses: std::mem::take(&mut self.responses),
            templates: std::mem::take(&mut self.templates),
            index: index::build(&rules),
            rules,
            vocabulary: vocabulary.build(),
            matcher,
            phrases: std::mem::take(&mut self.phrases),
            identifier: Identifier::new(&languages),
            scorer,
            buttons: std::mem::take(&mut self.buttons),
            tests: std::mem::take(&mut self.tests),
        })
    }

    /// Unwise things are said along with errors, but not when a file is missing from the picture.
    fn lint(&mut self, rules: &[(Span, crate::ruleset::Rule)]) {
        if self.incomplete {
            return;
        }
        let facts = lint::Facts {
            lists: self.names.lists.iter().collect(),
            entities: self.names.entities.iter().collect(),
            intents: self.answered(rules),
            responses: self.names.responses.iter().collect(),
            phrases: self.phrases.iter().zip(&self.origins).collect(),
            missing: &self.missing,
            buttons: &self.buttons,
            buttons_asked: &self.buttons_asked,
        };
        lint::run(&facts, &mut self.diagnostics);
    }
}
