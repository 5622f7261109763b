//! Names texts and positions: a pack's files and byte spans in them, turned into lines and columns for people.
//!
//! It reads no files: whoever embeds the engine brings the texts.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One file of a pack or of the lexicons: its path relative to the folder, with `/` between parts, and its text.
/// Bytes that are not UTF-8 are to be brought as U+FFFD; they are reported as a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub text: String,
}

impl Source {
    /// The first character that stands for bytes of the file that were not UTF-8: who reads files puts U+FFFD there.
    pub(crate) fn not_utf8(&self, id: SourceId) -> Option<Span> {
        let replacement = char::REPLACEMENT_CHARACTER;
        let at = self.text.find(replacement)?;
        Some(Span::new(id, at, at + replacement.len_utf8()))
    }
}

/// Index of a [`Source`] in the slice that was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(pub u32);

impl SourceId {
    /// The rules that every pack holds; their text is part of the engine.
    pub const BUILT_IN: Self = Self(u32::MAX);
}

/// Bytes `start..end` of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    pub source: SourceId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            source,
            start: clamp(start),
            end: clamp(end),
        }
    }
}

/// Where something stands, as a person says it: file, line and column, both from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
pub struct Location {
    /// Shared: a large pack names its few files a hundred thousand times.
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Finds the line and column of byte `offset` in `text`.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let mut line = 1;
    let mut column = 1;
    for (at, c) in text.char_indices() {
        if at >= offset {
            break;
        }
        if c == '\n' {
            line += 1;
            column = 1;
        } else {
            column += 1;
        }
    }
    (line, column)
}

/// Finds where `span` begins, by counting. Compiling keeps a table instead; this is what its answers are tested against.
#[cfg(test)]
pub(crate) fn locate(sources: &[Source], span: Span) -> Location {
    let Some(source) = sources.get(span.source.0 as usize) else {
        return Location::default();
    };
    let (line, column) = line_and_column(&source.text, span.start as usize);
    Location {
        file: source.name.as_str().into(),
        line,
        column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let text = "a\nmôre: x\n";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, 2), (2, 1));
        assert_eq!(line_and_column(text, text.find('x').unwrap()), (2, 7));
        assert_eq!(line_and_column(text, 999), (3, 1));
    }
}
