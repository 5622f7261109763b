//! What VADER reads: emoji replaced by their descriptions, then tokens as Python's `str.split` cuts them.
//!
//! It does not touch capitals: whether a token is in capitals is asked of the text as written.

use std::borrow::Cow;
use std::ops::Range;

use crate::sentiment::python;
use crate::sentiment::vader::table::WordNumber;

/// One token between blanks, without the marks around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) word: WordNumber,
    /// Python's `isupper()`.
    pub(super) upper: bool,
    /// Holds `n't` anywhere, which makes it a negation whatever the rest is.
    pub(super) nt: bool,
    /// Bytes of the read text (see [`Read`]).
    pub(super) start: u32,
    pub(super) end: u32,
    /// What it counts; set by the scorer.
    pub(super) value: f64,
}

/// A text ready to be cut into tokens.
#[derive(Debug)]
pub(super) struct Read<'a> {
    pub(super) text: Cow<'a, str>,
    /// Per emoji: the bytes of its description in `text` and its own bytes in the raw text.
    emoji: Vec<(Range<usize>, Range<usize>)>,
}

/// Single characters with their descriptions, sorted.
#[derive(Clone, Debug, Default)]
pub(super) struct Emoji {
    list: Vec<(char, Box<str>)>,
}

impl Emoji {
    /// Adds `emoji`; sequences are never looked up, because the text is read character by character.
    pub(super) fn add(&mut self, emoji: &str, description: &str) {
        let mut characters = emoji.chars();
        let (Some(c), None) = (characters.next(), characters.next()) else {
            return;
        };
        match self.list.binary_search_by_key(&c, |(c, _)| *c) {
            Ok(_) => {}
            Err(at) => self.list.insert(at, (c, description.into())),
        }
    }

    fn get(&self, c: char) -> Option<&str> {
        // Nothing below the copyright sign is an emoji here.
        if c < '\u{A9}' {
            return None;
        }
        let at = self.list.binary_search_by_key(&c, |(c, _)| *c).ok()?;
        self.list
            .get(at)
            .map(|(_, description)| description.as_ref())
    }

    /// Replaces emoji by their descriptions with the original's odd spacing: a description is preceded by a blank unless
    /// a plain blank, or nothing, stands there; what follows it is glued to its last word ("😀good" is "grinning
    /// facegood"), and so are the parts of a sequence that have no description (joiners, variation selectors).
    pub(super) fn expand<'a>(&self, raw: &'a str) -> Read<'a> {
        let first = if raw.is_ascii() {
            None
        } else {
            raw.char_indices().find(|(_, c)| self.get(*c).is_some())
        };
        let Some((first, _)) = first else {
            return Read {
                text: Cow::Borrowed(raw),
                emoji: Vec::new(),
            };
        };
        let (before, rest) = raw.split_at(first);
        let mut text = String::with_capacity(raw.len() * 2);
        text.push_str(before);
        let mut emoji = Vec::new();
        let mut after_blank = before.is_empty() || before.ends_with(' ');
        for (at, c) in rest.char_indices() {
            if let Some(description) = self.get(c) {
                if !after_blank {
                    text.push(' ');
                }
                let start = text.len();
                text.push_str(description);
                emoji.push((start..text.len(), first + at..first + at + c.len_utf8()));
                after_blank = false;
            } else {
                text.push(c);
                after_blank = c == ' ';
            }
        }
        Read {
            text: Cow::Owned(text),
            emoji,
        }
    }
}

impl Read<'_> {
    /// Bytes of the raw text that `read` bytes of the read text come from; a description's words come from its emoji.
    pub(super) fn raw(&self, read: Range<usize>) -> Range<usize> {
        let within = |at: usize, end: bool| {
            let past = |(text, _): &(Range<usize>, Range<usize>)| {
                if end {
                    text.start < at
                } else {
                    text.start <= at
                }
            };
            let before = self.emoji.partition_point(past).checked_sub(1);
            match before.and_then(|place| self.emoji.get(place)) {
                Some((text, raw)) if at < text.end || (end && at == text.end) => {
                    if end {
                        raw.end
                    } else {
                        raw.start
                    }
                }
                // Not `raw.end + …` from the start: blanks put in before descriptions are already behind `text.end`.
                Some((text, raw)) => raw.end + (at - text.end),
                None => at,
            }
        };
        within(read.start, false)..within(read.end, true)
    }
}

/// Cuts `text` at blanks and calls `find` for the word number of each token, given the text and the token's bytes in it.
///
/// A token loses the ASCII marks around it, unless two characters or less would be left: then it was likely an emoticon,
/// or a very short word ("ok!" stays "ok!" and is no longer in the lexicon).
pub(super) fn tokens(
    text: &str,
    mut find: impl FnMut(&[u8], Range<usize>) -> WordNumber,
    tokens: &mut Vec<Token>,
) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(start) = next_token(text, at) {
        let (end, shape) = token_end(text, start);
        at = end;
        let (start, end) = strip(text, start, end);
        let token = bytes.get(start..end).unwrap_or_default();
        // Marks have no case, so what stripping removed does not matter.
        let upper = if shape.has(BEYOND_ASCII) {
            python::is_upper(text.get(start..end).unwrap_or_default())
        } else {
            shape.has(UPPER) && !shape.has(LOWER)
        };
        tokens.push(Token {
            word: find(bytes, start..end),
            upper,
            nt: shape.has(APOSTROPHE) && holds_nt(token),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
            value: 0.0,
        });
    }
}

/// What one look at a token's bytes shows: a union of [`CLASSES`].
#[derive(Clone, Copy, Debug, Default)]
struct Shape(u8);

const UPPER: u8 = 1;
const LOWER: u8 = 2;
const APOSTROPHE: u8 = 4;
const BEYOND_ASCII: u8 = 8;
const BLANK: u8 = 16;

const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        {
            classes[byte] = match byte as u8 {
                b'\t'..=b'\r' | 0x1C..=b' ' => BLANK,
                b'A'..=b'Z' => UPPER,
                b'a'..=b'z' => LOWER,
                b'\'' => APOSTROPHE,
                0x80.. => BEYOND_ASCII,
                _ => 0,
            };
        }
        byte += 1;
    }
    classes
};

impl Shape {
    fn has(self, class: u8) -> bool {
        self.0 & class != 0
    }
}

#[inline]
fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// The blank that begins at byte `at` of `text`, in bytes; 0 when there is none.
fn blank_beyond_ascii(text: &str, at: usize) -> usize {
    let next = text.get(at..).and_then(|rest| rest.chars().next());
    next.filter(|&c| python::is_space(c))
        .map_or(0, char::len_utf8)
}

/// First byte at or after `at` that is not blank.
#[inline]
fn next_token(text: &str, mut at: usize) -> Option<usize> {
    loop {
        at += match class(*text.as_bytes().get(at)?) {
            BLANK => 1,
            BEYOND_ASCII => match blank_beyond_ascii(text, at) {
                0 => return Some(at),
                length => length,
            },
            _ => return Some(at),
        };
    }
}

/// End of the token that begins at `at`, and its shape.
#[inline]
fn token_end(text: &str, start: usize) -> (usize, Shape) {
    let mut shape = 0;
    let mut at = start;
    while let Some(&byte) = text.as_bytes().get(at) {
        let class = class(byte);
        // Later bytes of a character are no boundary and so cannot be taken for a blank.
        if class == BLANK || (class == BEYOND_ASCII && blank_beyond_ascii(text, at) > 0) {
            break;
        }
        shape |= class;
        at += 1;
    }
    (at, Shape(shape))
}

/// Bytes of `start..end` without the marks around it (Python's `string.punctuation`, which are the ASCII marks), or all of it when too little would be left.
#[inline]
fn strip(text: &str, start: usize, end: usize) -> (usize, usize) {
    /// "If the resulting string has two or fewer characters, then it was likely an emoticon."
    const EMOTICON_CHARS_MAX: usize = 2;
    let bytes = text.as_bytes();
    let mark = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_punctuation);
    let (mut from, mut to) = (start, end);
    while from < to && mark(from) {
        from += 1;
    }
    while to > from && mark(to - 1) {
        to -= 1;
    }
    if (from, to) == (start, end) {
        return (start, end);
    }
    let few = match to - from {
        0..=EMOTICON_CHARS_MAX => true,
        // A character has at most four bytes.
        3..=8 => text
            .get(from..to)
            .is_some_and(|rest| rest.chars().count() <= EMOTICON_CHARS_MAX),
        _ => false,
    };
    if few { (start, end) } else { (from, to) }
}

fn holds_nt(token: &[u8]) -> bool {
    token
        .windows(3)
        .any(|three| three.eq_ignore_ascii_case(b"n't"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What `_words_and_emoticons` does, in as many words.
    fn naive_tokens(text: &str) -> Vec<String> {
        let stripped = |token: &str| {
            let rest = token.trim_matches(|c: char| c.is_ascii_punctuation());
            if rest.chars().count() <= 2 {
                token.to_owned()
            } else {
                rest.to_owned()
            }
        };
        text.split(python::is_space)
            .filter(|token| !token.is_empty())
            .map(stripped)
            .collect()
    }

    /// The loop over characters in `polarity_scores`.
    fn naive_expand(emoji: &Emoji, raw: &str) -> String {
        let (mut text, mut after_blank) = (String::new(), true);
        for c in raw.chars() {
            if let Some(description) = emoji.get(c) {
                if !after_blank {
                    text.push(' ');
                }
                text.push_str(description);
                after_blank = false;
            } else {
                text.push(c);
                after_blank = c == ' ';
            }
        }
        text
    }

    fn emoji() -> Emoji {
        let mut emoji = Emoji::default();
        emoji.add("😀", "grinning face");
        emoji.add("©", "copyright");
        emoji.add("❤\u{FE0F}", "red heart");
        emoji
    }

    fn any_text() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<String>(),
            prop::collection::vec(
                prop::sample::select(vec![
                    " ", "\u{a0}", "\u{1c}", "ab", "é", "!", "''", "😀", "©", "❤"
                ]),
                0..20
            )
            .prop_map(|parts| parts.concat()),
        ]
    }

    proptest! {
        #[test]
        fn tokens_are_those_of_the_naive_twin(text in any_text()) {
            let mut found = Vec::new();
            tokens(&text, |_, _| WordNumber::UNKNOWN, &mut found);
            let token_text = |token: &Token| text.get(token.start as usize..token.end as usize).unwrap_or_default().to_owned();
            let texts: Vec<String> = found.iter().map(token_text).collect();
            for (token, text) in found.iter().zip(&texts) {
                prop_assert_eq!(token.upper, python::is_upper(text));
                prop_assert_eq!(token.nt, text.to_lowercase().contains("n't"));
            }
            prop_assert_eq!(texts, naive_tokens(&text));
        }

        #[test]
        fn emoji_are_replaced_as_by_the_naive_twin(raw in any_text()) {
            let emoji = emoji();
            prop_assert_eq!(emoji.expand(&raw).text.into_owned(), naive_expand(&emoji, &raw));
        }

        #[test]
        fn every_part_of_the_read_text_comes_from_somewhere(raw in any_text()) {
            let emoji = emoji();
            let read = emoji.expand(&raw);
            for (at, c) in read.text.char_indices().filter(|(_, c)| *c != ' ') {
                let from = read.raw(at..at + c.len_utf8());
                let piece = raw.get(from).unwrap_or_default();
                prop_assert!(piece.starts_with(c) || piece == "😀" || piece == "©", "{:?} from {:?}", c, piece);
            }
        }
    }
}
