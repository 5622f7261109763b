//! What a message says: its words, values, language and mood, what was tapped, and which patterns it fits.
//!
//! Nothing is weighed here; that two patterns fit is as far as it goes.

use crate::decision::EntityValue;
use crate::dialogue::State;
use crate::entities::{self, Found, Kind};
use crate::language::Language;
use crate::pattern::{self, Hit};
use crate::ruleset::{EntityId, IntentId, Ruleset};
use crate::sentiment::Mood;
use crate::text::identify::CERTAIN;
use crate::text::{self, Guess, Words};
use crate::trace::{LanguageFrom, LanguageTrace};
use crate::turn::{MessageKind, Turn};

/// Values of one message that a decision lists; patterns see all of them.
const ENTITIES_MAX: usize = 32;

/// Reused from message to message.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    words: Words,
    scratch: pattern::Scratch,
    found: Vec<Found>,
    hits: Vec<Hit>,
}

/// Everything that a decision goes by besides rules, state and turn.
#[derive(Debug)]
pub(super) struct Evidence<'b> {
    /// Patterns that fit, in order of place; empty after a tap that is answered, which says exactly one thing.
    pub(super) hits: &'b [Hit],
    pub(super) found: &'b [Found],
    pub(super) entities: Vec<EntityValue>,
    pub(super) tap: Option<Tap>,
    pub(super) guess: Guess,
    /// The language to answer in, and whose it is.
    pub(super) language: Language,
    pub(super) from: LanguageFrom,
    pub(super) mood: Mood,
}

/// A button or row, tapped or typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) id: String,
    /// The intent of this name, which is then what the customer wants.
    pub(super) intent: Option<IntentId>,
    pub(super) typed: bool,
    /// Some intent or rule waits for exactly this, so that the title says nothing more.
    pub(super) answered: bool,
}

pub(super) fn read<'b>(
    rules: &Ruleset,
    state: &State,
    turn: &Turn<'_>,
    buffers: &'b mut Buffers,
) -> Evidence<'b> {
    let Buffers {
        words,
        scratch,
        found,
        hits,
    } = buffers;
    let text = text::matched(turn.text);
    rules.vocabulary.read(text, words);
    found.clear();
    hits.clear();
    let tap = tapped(rules, state, turn, words);
    let mut reading = rules.matcher.read(words, &rules.vocabulary, scratch);
    reading.values(found);
    find_values(rules, text, words, found);
    let mut guess = Guess {
        language: None,
        certainty: 0.0,
    };
    let mut mood = Mood::default();
    if !tap.as_ref().is_some_and(|tap| tap.answered) {
        reading.hits(text, found, hits);
    }
    // The title of a tapped button is in our words, not the customer's: it shows no language and no mood.
    let own_words = turn.button.is_none() && !words.tokens.is_empty();
    if own_words {
        guess = rules.identifier.identify(text, words, &rules.vocabulary);
    }
    let (language, from) = language(rules, state, turn, guess);
    if own_words {
        mood = rules.scorer.score(
            text,
            words,
            &rules.vocabulary,
            language_of_mood(guess, language),
        );
    }
    let entities = values(rules, found);
    Evidence {
        hits,
        found,
        entities,
        tap,
        guess,
        language,
        from,
        mood,
    }
}

impl Evidence<'_> {
    /// The language of the message, when it is certain.
    pub(super) fn certain(&self) -> Option<Language> {
        self.guess
            .language
            .filter(|_| self.from == LanguageFrom::Message)
    }

    /// Adds the values that `hit` has captured under a name of their own (`{from:date}`).
    pub(super) fn capture(&mut self, rules: &Ruleset, hit: &Hit) {
        for (capture, place) in &hit.captures {
            let name = rules.matcher.capture_name(*capture);
            let found = self.found.get(*place as usize);
            let Some(value) = found.and_then(|found| value(rules, found, Some(name))) else {
                continue;
            };
            if self.entities.len() < 2 * ENTITIES_MAX && !self.entities.contains(&value) {
                self.entities.push(value);
            }
        }
    }

    pub(super) fn language_trace(&self) -> LanguageTrace {
        LanguageTrace {
            guess: self.guess.language,
            certainty: (f64::from(self.guess.certainty) * 100.0).round() / 100.0,
            from: self.from,
        }
    }
}

/// The values that code finds, beside those that the matcher has found; all in order of appearance, the longer first.
fn find_values(rules: &Ruleset, text: &str, words: &Words, found: &mut Vec<Found>) {
    for (entity, place) in rules.entities.iter().zip(0..) {
        if !matches!(entity.kind, Kind::Values { .. }) {
            entities::find(EntityId(place), &entity.kind, text, words, found);
        }
    }
    found.sort_by_key(|found| (found.start, std::cmp::Reverse(found.end), found.entity));
}

/// The values that a decision lists. A number that is only part of something else (an amount, a phone) is not one of
/// them.
fn values(rules: &Ruleset, found: &[Found]) -> Vec<EntityValue> {
    let is_number = |found: &Found| {
        let entity = rules.entities.get(found.entity.at());
        entity.is_some_and(|entity| matches!(entity.kind, Kind::Number))
    };
    // The longer stands first, so what holds a number stands just before it or has the very same place.
    let near = |place: usize| {
        let from = place.saturating_sub(NEIGHBOURS);
        found.iter().skip(from).take(2 * NEIGHBOURS + 1)
    };
    let is_part = |place: usize, part: &Found| {
        let mut others = near(place).filter(|other| other.entity != part.entity);
        others.any(|other| other.start <= part.start && part.end <= other.end)
    };
    let counts = |(place, value): &(usize, &Found)| !(is_number(value) && is_part(*place, value));
    let listed = found.iter().enumerate().filter(counts).take(ENTITIES_MAX);
    listed
        .filter_map(|(_, found)| value(rules, found, None))
        .collect()
}

/// Values before and after a number that are looked at for one that holds it.
const NEIGHBOURS: usize = 8;

/// A value as decisions show it, under `name` or its entity's.
fn value(rules: &Ruleset, found: &Found, name: Option<&str>) -> Option<EntityValue> {
    let entity = rules.entities.get(found.entity.at())?;
    Some(EntityValue {
        name: name.unwrap_or(&entity.name).to_owned(),
        entity: entity.name.clone(),
        value: found.value.clone(),
        label: entities::label(&entity.kind, &found.value),
        start: found.start,
        end: found.end,
    })
}

/// What was tapped: by its id, by its title typed in full, or, where the pack no longer knows the id, by its title.
fn tapped(rules: &Ruleset, state: &State, turn: &Turn<'_>, words: &Words) -> Option<Tap> {
    if let Some(id) = turn.button.filter(|id| is_known(rules, id)) {
        return Some(tap(rules, id, turn.button.is_none()));
    }
    if turn.button.is_none() && turn.kind != MessageKind::Text {
        return None;
    }
    let title = folded(words)?;
    let shown = state
        .offered
        .iter()
        .find(|offered| offered.title == title)
        .map(|offered| offered.id.as_str());
    let id = shown.or_else(|| rules.buttons.by_title.get(&title).map(String::as_str))?;
    is_known(rules, id).then(|| tap(rules, id, true))
}

fn tap(rules: &Ruleset, id: &str, typed: bool) -> Tap {
    let intent = rules.intent_names.get(id).copied();
    let answered = intent.is_some() || rules.index.by_button.contains_key(id);
    Tap {
        id: id.to_owned(),
        intent,
        typed,
        answered,
    }
}

/// Whether the pack knows this id. One that it shows but that no rule waits for by itself is answered by its title.
fn is_known(rules: &Ruleset, id: &str) -> bool {
    rules.intent_names.contains_key(id)
        || rules.index.by_button.contains_key(id)
        || rules.buttons.titles.contains_key(id)
}

/// Words of the longest title of a row or button.
const TITLE_WORDS_MAX: usize = 24;

/// The whole message folded as titles are; `None` when it says nothing or is longer than any title.
fn folded(words: &Words) -> Option<String> {
    if words.tokens.is_empty() || words.tokens.len() > TITLE_WORDS_MAX {
        return None;
    }
    let mut title = String::with_capacity(words.folded.len() + words.tokens.len());
    for token in &words.tokens {
        if !title.is_empty() {
            title.push(' ');
        }
        title.push_str(words.text(token));
    }
    Some(title)
}

/// The message's language when certain, else the conversation's, else the contact's, else the pack's first.
fn language(
    rules: &Ruleset,
    state: &State,
    turn: &Turn<'_>,
    guess: Guess,
) -> (Language, LanguageFrom) {
    let ours = |language: Option<Language>| {
        language.filter(|language| rules.pack.languages.contains(language))
    };
    let certain = guess.language.filter(|_| guess.certainty >= CERTAIN);
    let sources = [
        (certain, LanguageFrom::Message),
        (ours(state.language), LanguageFrom::Conversation),
        (ours(turn.contact.language), LanguageFrom::Contact),
        (rules.pack.languages.first().copied(), LanguageFrom::Pack),
    ];
    let mut known = sources
        .into_iter()
        .filter_map(|(language, from)| Some((language?, from)));
    known.next().unwrap_or((Language::EN, LanguageFrom::Pack))
}

/// The language whose lexicon judges: the likeliest, else the conversation's; none when the message is certainly in none
/// of the pack's languages.
fn language_of_mood(guess: Guess, language: Language) -> Option<Language> {
    match guess.language {
        Some(likeliest) => Some(likeliest),
        None if guess.certainty >= CERTAIN => None,
        None => Some(language),
    }
}
