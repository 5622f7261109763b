//! Findings about lexicon files: what does not say what it is, and lines that are no entries.

use super::{Diagnostics, codes};
use crate::source::Span;

impl Diagnostics {
    /// `what` says what is wrong with the lines that open the file.
    pub(crate) fn lexicon_head(&mut self, at: Span, what: &str, help: &str) {
        self.error(
            codes::LEXICON_HEAD,
            at,
            format!("the head of this lexicon is not usable: {what}"),
        )
        .label(what)
        .help(help);
    }

    pub(crate) fn lexicon_line(&mut self, at: Span, what: &str, help: &str) {
        self.error(
            codes::LEXICON_LINE,
            at,
            format!("this line is not an entry: {what}"),
        )
        .label(what)
        .help(help);
    }

    pub(crate) fn lexicon_duplicate(&mut self, at: Span, first: Span, words: &str) {
        self.error(
            codes::LEXICON_DUPLICATE,
            at,
            format!("`{words}` stands in this lexicon twice"),
        )
        .label("again here")
        .other(first, "first here")
        .help("keep the line that is right and remove the other");
    }

    pub(crate) fn lexicon_range(&mut self, at: Span, weight: &str) {
        self.error(
            codes::LEXICON_RANGE,
            at,
            format!("the weight {weight} is out of range"),
        )
        .label("not between -4 and 4")
        .help("weights run from -4 (worst) to 4 (best); 0 is neutral");
    }
}
