//! Makes two ways of writing the same thing equal: folding, tokens, the pack's vocabulary, the language of a message.
//!
//! A message is read once. Every word becomes a number by one hash look-up in the vocabulary that phrases, lists,
//! lexicons and function words share; all later stages go by the numbers. The text itself is never altered.

mod characters;
mod fold;
pub(crate) mod hash;
pub(crate) mod identify;
mod in_word;
pub(crate) mod vocabulary;

#[cfg(test)]
mod tests;

pub use fold::fold;
pub(crate) use fold::{fold_char, split};
pub(crate) use identify::{Guess, Identifier};
pub(crate) use vocabulary::{Vocabulary, VocabularyBuilder, WordId, WordInfo};

/// Characters of a message that are matched; the rest is stored but not looked at.
pub(crate) const MATCHED_CHARS_MAX: usize = 4096;

/// One word, number or emoji of a message. Marks ("!", "-") and spaces are no tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// [`WordId::UNKNOWN`] when the pack does not know the word.
    pub(crate) word: WordId,
    /// Bytes of the raw message.
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Bytes of the folded text in [`Words::folded`].
    pub(crate) folded_start: u32,
    pub(crate) folded_end: u32,
    pub(crate) kind: TokenKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    /// Begins with a digit.
    Number,
    Emoji,
}

/// The tokens of one message; reused from message to message so that reading allocates nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    pub(crate) folded: String,
    pub(crate) tokens: Vec<Token>,
    /// Some word may hold more than plain letters and digits: an apostrophe, an accent, a mark between digits.
    pub(crate) marked: bool,
}

impl Words {
    /// The folded form of `token`.
    pub(crate) fn text(&self, token: &Token) -> &str {
        self.folded
            .get(token.folded_start as usize..token.folded_end as usize)
            .unwrap_or("")
    }
}

/// The part of a message that is matched.
pub(crate) fn matched(text: &str) -> &str {
    if text.len() <= MATCHED_CHARS_MAX {
        return text;
    }
    let end = text
        .char_indices()
        .nth(MATCHED_CHARS_MAX)
        .map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
