//! A way in for the benches of the workspace: the matcher alone, without a pack around it. No part of the interface.

use crate::pattern::{MatcherBuilder, Names, Options, Owner, Pattern, Scratch, parse};
use crate::ruleset::{EntityId, IntentId, ListId};
use crate::text::{VocabularyBuilder, Words};

struct None;

impl Names for None {
    fn list(&self, _: &str) -> Option<ListId> {
        Option::None
    }

    fn entity(&self, _: &str) -> Option<EntityId> {
        Option::None
    }
}

/// What one intent is recognised by.
#[derive(Clone, Debug)]
pub struct Intent {
    pub phrases: Vec<String>,
    pub regex: String,
}

/// The patterns of many intents, compiled.
#[derive(Debug)]
pub struct Patterns {
    matcher: crate::pattern::Matcher,
    vocabulary: crate::text::Vocabulary,
}

/// What reading a message needs; reused from message to message.
#[derive(Debug, Default)]
pub struct Reader {
    words: Words,
    scratch: Scratch,
    hits: Vec<crate::pattern::Hit>,
}

impl Patterns {
    /// Compiles with typos and the word forms of all languages on. What is refused is left out.
    pub fn new(intents: &[Intent]) -> Self {
        let mut vocabulary = VocabularyBuilder::default();
        let mut builder = MatcherBuilder::new(Vec::new());
        let options = Options {
            typos: true,
            language: Option::None,
        };
        for (place, intent) in intents.iter().enumerate() {
            let owner = Owner::Intent(IntentId(u32::try_from(place).unwrap_or(u32::MAX)));
            for phrase in &intent.phrases {
                let pattern = parse(phrase).unwrap_or_else(|_| Pattern::literal(phrase));
                builder.add(owner, &pattern, options, &None);
            }
            // A refused expression is the caller's loss: benches bring none.
            let _ = builder.add_regex(owner, &intent.regex);
        }
        let matcher = builder.build(&mut vocabulary).unwrap_or_default();
        Self {
            matcher,
            vocabulary: vocabulary.build(),
        }
    }

    /// Splits, folds and looks up only: the floor of what matching can cost. Tokens of the message.
    pub fn read(&self, text: &str, reader: &mut Reader) -> usize {
        self.vocabulary.read(text, &mut reader.words);
        reader.words.tokens.len()
    }

    /// The intents that `text` speaks of, one for each phrase that fits.
    pub fn hits<'r>(&self, text: &str, reader: &'r mut Reader) -> impl Iterator<Item = u32> + 'r {
        let Reader {
            words,
            scratch,
            hits,
        } = reader;
        self.vocabulary.read(text, words);
        let mut reading = self.matcher.read(words, &self.vocabulary, scratch);
        reading.values(&mut Vec::new());
        reading.hits(text, &[], hits);
        hits.iter().filter_map(|hit| match hit.owner {
            Owner::Intent(intent) => Some(intent.0),
            _ => Option::None,
        })
    }
}
