//! The lexicons of a pack's languages, tied to the pack's vocabulary.

use std::sync::Arc;

use crate::language::Language;
use crate::sentiment::lexicons::{Judge, Lexicons, location};
use crate::sentiment::vader::{self, Vader};
use crate::sentiment::words::{self, Valences};
use crate::sentiment::{Label, Mood};
use crate::source::SourceId;
use crate::text::{Vocabulary, VocabularyBuilder, WordInfo, Words};

/// The lexicons of a pack's languages, their words numbered by the pack's vocabulary so that scoring rides on the
/// look-ups that reading has already made.
#[derive(Debug, Default)]
pub(crate) struct Scorer {
    judges: Vec<(Language, Tied)>,
    /// Names of the lexicon files.
    names: Arc<[Arc<str>]>,
}

/// A judge and its words by the vocabulary's numbers.
#[derive(Debug)]
enum Tied {
    Vader(Arc<Vader>, vader::Known),
    Words(Arc<Valences>, words::Known),
}

impl Scorer {
    /// Interns the words of every lexicon whose language is in `languages`.
    pub(crate) fn build(
        lexicons: &Lexicons,
        languages: &[Language],
        vocabulary: &mut VocabularyBuilder,
    ) -> Self {
        let mut judges = Vec::new();
        for (language, nth) in languages.iter().zip(0..u16::BITS) {
            let info = WordInfo {
                languages: 1 << nth,
                function: false,
            };
            let tied = match lexicons.judges.get(language) {
                None => continue,
                Some(Judge::Vader(vader)) => {
                    Tied::Vader(Arc::clone(vader), vader.intern(info, vocabulary))
                }
                Some(Judge::Words(valences)) => {
                    Tied::Words(Arc::clone(valences), valences.intern(info, vocabulary))
                }
            };
            judges.push((*language, tied));
        }
        Self {
            judges,
            names: Arc::clone(&lexicons.names),
        }
    }

    /// `None` as language means not judged.
    pub(crate) fn score(
        &self,
        text: &str,
        words: &Words,
        vocabulary: &Vocabulary,
        language: Option<Language>,
    ) -> Mood {
        // The numbers in `words` say all that is needed of the vocabulary.
        let _ = vocabulary;
        let tied = self
            .judges
            .iter()
            .find(|(own, _)| Some(*own) == language)
            .map(|(_, tied)| tied);
        let name = |source: SourceId, line: u32| location(&self.names, source, line);
        let (score, words) = match tied {
            None => return Mood::default(),
            Some(Tied::Vader(vader, known)) => {
                let (figures, list) = vader.mood(text, words, known, &name);
                (figures.compound, list)
            }
            Some(Tied::Words(valences, known)) => valences.mood(text, words, known, &name),
        };
        Mood {
            score: Some(score),
            label: Label::of(score),
            words,
        }
    }
}
