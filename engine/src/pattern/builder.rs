//! Collects the patterns of a pack and builds the matcher.

use std::collections::{BTreeSet, HashMap};

use crate::language::Language;
use crate::ruleset::{EntityId, ListId};
use crate::text::{VocabularyBuilder, WordId, WordInfo};

use super::affixes::{ALL, Mask, STEM_BYTES_MIN, mask};
use super::align::Forms;
use super::code::{Code, STEM};
use super::expand::expand;
use super::hit::Owner;
use super::matcher::{Matcher, REGEX, Tables};
use super::measure::Measure;
use super::needs::codes;
use super::regexes::{REGEXES_MAX, Regexes, UNBOUND_REGEXES_MAX, check};
use super::required::{Need, required, stretches};
use super::table::TableBuilder;
use super::tree::{Node, Pattern};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) typos: bool,
    /// Index of the language in the pack, when the phrase belongs to one.
    pub(crate) language: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MatcherError {
    /// Phrase number or regex number the problem belongs to.
    pub(crate) phrase: u32,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Resolves names in patterns; compile has reported the unknown ones before.
pub(crate) trait Names {
    fn list(&self, name: &str) -> Option<ListId>;
    fn entity(&self, name: &str) -> Option<EntityId>;
}

/// Words, atoms and numbers in here are the builder's own until [`MatcherBuilder::build`] renumbers them.
#[derive(Debug, Default)]
pub(crate) struct MatcherBuilder {
    lists: Vec<Vec<String>>,
    languages: Vec<Language>,
    words: VocabularyBuilder,
    stems: Vec<(WordId, Mask)>,
    stem_numbers: HashMap<(WordId, Mask), u32>,
    /// By word and by stem: may be misspelled.
    tolerant_words: Vec<bool>,
    tolerant_stems: Vec<bool>,
    phrases: TableBuilder,
    values: TableBuilder,
    slots: Vec<(EntityId, u32)>,
    captures: Vec<String>,
    owners: Vec<Owner>,
    keys: HashMap<EntityId, Vec<String>>,
    regexes: Regexes,
    /// Phrase number of each expression.
    regex_phrases: Vec<u32>,
    /// The words of every match of each expression: see [`required`].
    required: Vec<Vec<Vec<Vec<WordId>>>>,
    /// The needs of each, as codes.
    needs: Vec<Vec<Code>>,
    measure: Measure,
    /// How many patterns use each word.
    uses: Vec<u32>,
    errors: Vec<MatcherError>,
}

impl MatcherBuilder {
    /// `lists[i]` are the entries of `ListId(i)`.
    pub(crate) fn new(lists: Vec<Vec<String>>) -> Self {
        Self {
            lists,
            ..Self::default()
        }
    }

    /// The pack's languages, in its order: which affixes `word~` allows in a phrase of one of them. Without this, and in
    /// phrases of no language, those of all languages count.
    pub(crate) fn languages(&mut self, languages: &[Language]) {
        self.languages = languages.to_vec();
    }

    /// Notes that the words of a list's entry belong to the pack's language at `place`.
    pub(crate) fn spoken(&mut self, entry: &str, place: u8) {
        let languages = 1_u16.checked_shl(place.into()).unwrap_or(0);
        for node in Pattern::literal(entry).nodes {
            if let Node::Word { text, .. } = node {
                let info = WordInfo {
                    languages,
                    function: false,
                };
                self.words.intern(&text, info);
            }
        }
    }

    /// The keys of an entity's values, by number: what [`Matcher::values`] gives as normal form. Without this it is the
    /// number.
    pub(crate) fn keys(&mut self, entity: EntityId, keys: Vec<String>) {
        self.keys.insert(entity, keys);
    }

    /// Adds a pattern, its names resolved by `list` and `entity`; returns its phrase number.
    pub(crate) fn add(
        &mut self,
        owner: Owner,
        pattern: &Pattern,
        options: Options,
        names: &dyn Names,
    ) -> u32 {
        let phrase = self.number(owner);
        let mut unknown = false;
        let ways = expand(pattern, &mut |node| {
            let code = self.code(node, options, names);
            unknown |= code.is_none();
            code
        });
        if unknown {
            self.error(
                phrase,
                "a list or entity in this pattern is not known",
                None,
            );
        }
        let table = if matches!(owner, Owner::Value(..)) {
            &mut self.values
        } else {
            &mut self.phrases
        };
        for way in &ways {
            table.add(phrase, way);
        }
        phrase
    }

    /// Adds a raw expression in the syntax of the `regex` crate; refused when too large, too deep or too slow.
    pub(crate) fn add_regex(
        &mut self,
        owner: Owner,
        expression: &str,
    ) -> Result<u32, MatcherError> {
        let next = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        let hir = check(expression, &mut self.measure).map_err(|refused| MatcherError {
            phrase: next,
            message: refused.message,
            help: refused.help,
        })?;
        let phrase = self.number(owner);
        let number = self.regexes.add(expression);
        if number as usize == REGEXES_MAX {
            self.error(
                phrase,
                &format!("a pack may hold {REGEXES_MAX} expressions"),
                None,
            );
        }
        let mut intern = |word: &String| {
            let word = self.words.intern(word, WordInfo::default());
            count(&mut self.uses, word);
            word
        };
        let needs = required(&hir);
        let stretches = stretches(&hir, &needs);
        let mut number_words = |need: &Need<String>| match need {
            Need::Digit => Need::Digit,
            Need::OneOf(texts) => {
                let words = |words: &Vec<String>| words.iter().map(&mut intern).collect();
                Need::OneOf(texts.iter().map(words).collect())
            }
        };
        let needs: Vec<Need<WordId>> = needs.iter().map(&mut number_words).collect();
        self.needs.push(codes(&needs, &stretches));
        let texts = |need| match need {
            Need::OneOf(texts) => Some(texts),
            Need::Digit => None,
        };
        let sets: Vec<Vec<Vec<WordId>>> = needs.into_iter().filter_map(texts).collect();
        if sets.is_empty() && self.regexes.add_unbound(number) == UNBOUND_REGEXES_MAX + 1 {
            let message = format!(
                "more than {UNBOUND_REGEXES_MAX} expressions hold no whole word, and every message must try them all"
            );
            self.error(
                phrase,
                &message,
                Some("let it hold a word between `\\b`, or write a phrase"),
            );
        }
        self.regex_phrases.push(phrase);
        self.required.push(sets);
        Ok(phrase)
    }

    fn number(&mut self, owner: Owner) -> u32 {
        self.owners.push(owner);
        u32::try_from(self.owners.len() - 1).unwrap_or(u32::MAX)
    }

    fn error(&mut self, phrase: u32, message: &str, help: Option<&str>) {
        self.errors.push(MatcherError {
            phrase,
            message: message.to_owned(),
            help: help.map(str::to_owned),
        });
    }

    fn code(&mut self, node: &Node, options: Options, names: &dyn Names) -> Option<Code> {
        match node {
            Node::Word {
                text,
                exact,
                affixes,
            } => {
                let exact = *exact || !options.typos;
                let languages = options
                    .language
                    .filter(|&language| language < 16)
                    .map_or(0, |language| 1 << language);
                let word = self.words.intern(
                    text,
                    WordInfo {
                        languages,
                        function: false,
                    },
                );
                count(&mut self.uses, word);
                let atom = if *affixes && text.len() >= STEM_BYTES_MIN {
                    self.stem(word, options)
                } else {
                    word.0
                };
                self.tolerate(atom, exact);
                Some(Code::Word { atom, exact })
            }
            Node::Gap(words) => Some(Code::Gap(*words)),
            Node::Any => Some(Code::Any),
            Node::List { name, .. } => Some(Code::List {
                list: names.list(name)?.0,
                exact: !options.typos,
            }),
            Node::Entity { capture, name, .. } => {
                let entity = names.entity(name)?;
                let capture = place_of(&mut self.captures, capture);
                Some(Code::Entity(place_of(&mut self.slots, &(entity, capture))))
            }
            Node::Choice(_) | Node::Optional(_) => None,
        }
    }

    fn stem(&mut self, word: WordId, options: Options) -> u32 {
        let language = options
            .language
            .and_then(|language| self.languages.get(usize::from(language)).copied());
        let languages = if language.is_some() {
            mask(language)
        } else {
            ALL
        };
        let stems = &mut self.stems;
        let number = *self
            .stem_numbers
            .entry((word, languages))
            .or_insert_with(|| {
                stems.push((word, languages));
                u32::try_from(stems.len() - 1).unwrap_or(0)
            });
        STEM | number
    }

    fn tolerate(&mut self, atom: u32, exact: bool) {
        if exact {
            return;
        }
        let (tolerant, place) = if atom & STEM == 0 {
            (&mut self.tolerant_words, atom)
        } else {
            (&mut self.tolerant_stems, atom & !STEM)
        };
        let place = place as usize;
        if tolerant.len() <= place {
            tolerant.resize(place + 1, false);
        }
        if let Some(tolerant) = tolerant.get_mut(place) {
            *tolerant = true;
        }
    }

    /// Builds the tables; interns every word the patterns need.
    pub(crate) fn build(
        mut self,
        vocabulary: &mut VocabularyBuilder,
    ) -> Result<Matcher, Vec<MatcherError>> {
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let lists = self.lists_table();
        self.bind_regexes();
        let Self {
            words,
            stems,
            tolerant_words,
            tolerant_stems,
            phrases,
            values,
            slots,
            captures,
            owners,
            keys,
            regexes,
            regex_phrases,
            ..
        } = self;
        let numbers: Vec<u32> = words
            .words()
            .map(|(text, info)| vocabulary.intern_folded(text, info).0)
            .collect();
        let renumber = |atom: u32| {
            if atom & STEM == 0 {
                numbers.get(atom as usize).copied().unwrap_or(atom)
            } else {
                atom
            }
        };
        let stems: Vec<(WordId, Mask)> = stems
            .iter()
            .map(|&(word, mask)| (WordId(renumber(word.0)), mask))
            .collect();
        let mut tolerant = atoms(&tolerant_words, 0, renumber);
        tolerant.extend(atoms(&tolerant_stems, STEM, renumber));
        let entity_of = |slot: u32| {
            slots
                .get(slot as usize)
                .map_or(u32::MAX, |&(entity, _)| entity.0)
        };
        let tables = Tables {
            lists: lists.build(entity_of, renumber),
            values: values.build(entity_of, renumber),
            phrases: phrases.build(entity_of, renumber),
        };
        let forms = Forms::new(vocabulary, &stems, &tolerant);
        Ok(Matcher {
            tables,
            forms,
            regexes,
            regex_phrases,
            slots,
            captures,
            owners,
            keys,
        })
    }

    fn lists_table(&mut self) -> TableBuilder {
        let mut table = TableBuilder::default();
        for (list, entries) in std::mem::take(&mut self.lists).into_iter().enumerate() {
            for entry in entries {
                let mut codes = Vec::new();
                for node in Pattern::literal(&entry).nodes {
                    let Node::Word { text, .. } = node else {
                        continue;
                    };
                    let atom = self.words.intern(&text, WordInfo::default()).0;
                    self.tolerate(atom, false);
                    codes.push(Code::Word { atom, exact: false });
                }
                if !codes.is_empty() {
                    table.add(u32::try_from(list).unwrap_or(u32::MAX), &codes);
                }
            }
        }
        table
    }

    /// Hangs each expression on the words that fewest patterns use and that it cannot match without.
    fn bind_regexes(&mut self) {
        let uses = |word: WordId| self.uses.get(word.at()).copied().unwrap_or(0);
        let expressions = self.required.iter().zip(&self.needs);
        for (number, (sets, needs)) in expressions.enumerate() {
            let rarest = |texts: &Vec<Vec<WordId>>| -> BTreeSet<WordId> {
                texts
                    .iter()
                    .filter_map(|words| words.iter().copied().min_by_key(|&word| uses(word)))
                    .collect()
            };
            let weight =
                |words: &BTreeSet<WordId>| words.iter().map(|&word| uses(word)).sum::<u32>();
            for word in sets
                .iter()
                .map(rarest)
                .min_by_key(weight)
                .into_iter()
                .flatten()
            {
                let number = REGEX | u32::try_from(number).unwrap_or(0);
                let mut codes = vec![Code::word(word)];
                codes.extend_from_slice(needs);
                self.phrases.add(number, &codes);
            }
        }
    }
}

fn count(uses: &mut Vec<u32>, word: WordId) {
    if uses.len() <= word.at() {
        uses.resize(word.at() + 1, 0);
    }
    if let Some(uses) = uses.get_mut(word.at()) {
        *uses += 1;
    }
}

/// The final numbers of the marked words (`kind` 0) or stems ([`STEM`]).
fn atoms(marked: &[bool], kind: u32, renumber: impl Fn(u32) -> u32) -> Vec<u32> {
    let places = marked.iter().enumerate().filter(|(_, marked)| **marked);
    places
        .map(|(place, _)| renumber(kind | u32::try_from(place).unwrap_or(0)))
        .collect()
}

/// The place of `item` in `items`, put there if new.
fn place_of<T: Clone + PartialEq>(items: &mut Vec<T>, item: &T) -> u32 {
    let place = items
        .iter()
        .position(|other| other == item)
        .unwrap_or_else(|| {
            items.push(item.clone());
            items.len() - 1
        });
    u32::try_from(place).unwrap_or(u32::MAX)
}
