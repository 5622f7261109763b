//! Weighs the words of a text into a mood: VADER for English, and a lexicon with its own negations and intensifiers for
//! every other language that has one.
//!
//! A lexicon judges only text in its own language. What no lexicon covers is "not judged", which is not "neutral".

mod file;
mod lexicons;
mod python;
mod scorer;
mod vader;
mod why;
mod words;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::language::Language;
use crate::source::Location;

pub use lexicons::Lexicons;
pub(crate) use scorer::Scorer;

/// The mood of a text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mood {
    /// `compound`, -1 to 1, four decimals; `None` when no lexicon judges the text's language.
    pub score: Option<f64>,
    pub label: Label,
    /// Every word that counted.
    pub words: Vec<MoodWord>,
}

/// decisions: ±0.05 separates positive and negative from neutral, -0.5 and below is angry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Label {
    #[default]
    NotJudged,
    Angry,
    Negative,
    Neutral,
    Positive,
}

impl Label {
    /// The label of a judged text.
    pub(crate) fn of(score: f64) -> Self {
        const ANGRY_MAX: f64 = -0.5;
        const NEGATIVE_MAX: f64 = -0.05;
        const POSITIVE_MIN: f64 = 0.05;
        if score <= ANGRY_MAX {
            Self::Angry
        } else if score <= NEGATIVE_MAX {
            Self::Negative
        } else if score >= POSITIVE_MIN {
            Self::Positive
        } else {
            Self::Neutral
        }
    }
}

/// A word that counted, with its value after all adjustments and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MoodWord {
    pub text: String,
    pub start: u32,
    pub end: u32,
    pub value: f64,
    /// "lexicon", "negated", "capitals", "intensified" …, in words for people.
    pub why: String,
    /// Line of the lexicon.
    pub at: Option<Location>,
}

impl MoodWord {
    /// What the exclamation and question marks of `text` add, where the first of them stand.
    fn punctuation(text: &str, value: f64) -> Option<Self> {
        let start = text.find(['!', '?'])?;
        let marks: String = text
            .get(start..)?
            .chars()
            .take_while(|&c| c == '!' || c == '?')
            .collect();
        let at = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        let (start, end) = (at(start), at(start + marks.len()));
        Some(Self {
            text: marks,
            start,
            end,
            value,
            why: why::Why::PUNCTUATION.words(),
            at: None,
        })
    }
}

/// VADER's four figures: proportions with three decimals, `compound` with four.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Polarity {
    pub neg: f64,
    pub neu: f64,
    pub pos: f64,
    pub compound: f64,
}

/// The mood of `text` by the lexicon of its language, without a pack.
pub fn sentiment(lexicons: &Lexicons, text: &str, language: Language) -> Mood {
    lexicons.judge_alone(text, language)
}
