//! Splits a text into words and folds each to the form in which it is compared.
//!
//! Folding is NFKC, case folding, accents left out, apostrophes unified, characters without width dropped, letters
//! repeated more than three times cut to three. (No language here has a word with a letter three times in a row, but
//! "ward iii" is not "ward ii" and "www" is not "ww": three stay apart from two. That "heeelp" can stand for "help" is
//! decided by the vocabulary, for words it does not know.)
//!
//! What is one word:
//! - letters and digits side by side: `H2O`, `2nd`, `R200`;
//! - an apostrophe between letters belongs to the word: `he'll`; at its edge it does not: `'n` is `n`;
//! - `n't` at the end of a word is folded to `nt`: `don't` and `dont` are one word, and so are `can't` and `cant`;
//! - `.`, `,` and `:` between digits belong to the number: `12:30`, `1,200.50`; a space does not: `R1 200,50` is two;
//! - everything else separates: `follow-up` is two words, `e-mail` is `e mail`;
//! - an emoji with its skin tone, variation selector, joined parts or second flag letter is one word; skin tone and
//!   selector are not compared.
//!
//! The raw text is never altered: every token keeps its bytes in it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{
    canonical_combining_class, decompose_compatible, is_combining_mark,
};

use super::characters::{
    ZERO_WIDTH_JOINER, decorates_emoji, is_apostrophe, is_diacritic, is_emoji, is_invisible,
    is_regional_indicator, joins_digits,
};
use super::in_word::InWord;
use super::{Token, TokenKind, WordId, Words, matched};

/// A letter is kept at most this many times in a row.
pub(crate) const REPEATED_LETTERS_MAX: u8 = 3;
const _: () = assert!(
    REPEATED_LETTERS_MAX == 3,
    "the fast path looks for a fourth"
);

/// Reads the first [`super::MATCHED_CHARS_MAX`] characters of `text` into `words`; `number` gives each folded word its
/// number.
pub(crate) fn split(text: &str, words: &mut Words, number: impl Fn(&str) -> WordId) {
    words.folded.clear();
    words.tokens.clear();
    words.marked = false;
    let text = matched(text);
    if text.is_ascii() {
        split_ascii(text, words, number);
    } else {
        split_unicode(text, words, number);
    }
}

/// The folded words of `text`, separated by single spaces: lower case, without accents and punctuation. At most the first
/// 4,096 characters.
pub fn fold(text: &str) -> String {
    let mut words = Words::default();
    split(text, &mut words, |_| WordId::UNKNOWN);
    let mut folded = String::with_capacity(words.folded.len());
    for token in &words.tokens {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(words.text(token));
    }
    folded
}

/// Calls `each` with the characters that `c` is folded to, accents included: who compares strips them.
pub(crate) fn fold_char(c: char, mut each: impl FnMut(char)) {
    decompose_compatible(c, |part| {
        if is_diacritic(part) {
            return each(part);
        }
        // Down, up and down again: ß, ẞ and SS only meet in upper case, σ and ς too.
        for folded in part
            .to_lowercase()
            .flat_map(char::to_uppercase)
            .flat_map(char::to_lowercase)
        {
            decompose_compatible(folded, &mut each);
        }
    });
}

/// The fast path: the folded text is the text in lower case, and tokens are ranges of it.
fn split_ascii(text: &str, words: &mut Words, number: impl Fn(&str) -> WordId) {
    words.folded.push_str(text);
    words.folded.make_ascii_lowercase();
    let drawn_out = has_drawn_out(words.folded.as_bytes());
    let in_word = InWord::of(words.folded.as_bytes());
    let mut at = 0;
    loop {
        let lower = words.folded.as_bytes().get(..text.len()).unwrap_or(&[]);
        let start = in_word.next(at, true);
        if start >= lower.len() {
            return;
        }
        let kind = if lower.get(start).is_some_and(u8::is_ascii_digit) {
            TokenKind::Number
        } else {
            TokenKind::Word
        };
        let word = ascii_word(lower, &in_word, start, drawn_out);
        let folded = if word.rewrite {
            rewrite_ascii(&mut words.folded, start, word.end)
        } else {
            (start, word.end)
        };
        words.marked |= word.marked;
        push(words, (start, word.end), folded, kind, &number);
        at = word.end;
    }
}

/// Whether some letter stands four times in a row, one more than a word may have: one quick look at the whole text saves
/// looking at every word.
fn has_drawn_out(lower: &[u8]) -> bool {
    let (two, three, four) = (lower.get(1..), lower.get(2..), lower.get(3..));
    let (Some(two), Some(three), Some(four)) = (two, three, four) else {
        return false;
    };
    let rows = lower.iter().zip(two).zip(three).zip(four);
    let same = |left: &u8, right: &u8| u8::from(left == right);
    // Neither branch nor early end: this way the compiler looks at sixteen places at a time.
    let found = rows.fold(0, |found, (((a, b), c), d)| {
        found | (same(a, b) & same(b, c) & same(c, d) & u8::from(a.is_ascii_lowercase()))
    });
    found != 0
}

struct AsciiWord {
    end: usize,
    /// Its folded form is not simply its lower case.
    rewrite: bool,
    /// An apostrophe or a mark between digits is part of it.
    marked: bool,
}

/// The word of `lower` that begins at `start`; `drawn_out` when words may have a letter four times in a row.
#[inline]
fn ascii_word(lower: &[u8], in_word: &InWord, start: usize, drawn_out: bool) -> AsciiWord {
    let mut word = AsciiWord {
        end: start,
        rewrite: false,
        marked: false,
    };
    loop {
        word.end = in_word.next(word.end, false).min(lower.len());
        let (Some(&mark), Some(behind)) = (lower.get(word.end), lower.get(word.end + 1)) else {
            break;
        };
        let before = lower.get(word.end - 1);
        let joins = |is: fn(&u8) -> bool| before.is_some_and(is) && is(behind);
        match mark {
            b'\'' | b'`' if joins(u8::is_ascii_lowercase) => word.rewrite |= mark == b'`',
            b'.' | b',' | b':' if joins(u8::is_ascii_digit) => {}
            _ => break,
        }
        word.marked = true;
        word.end += 1;
    }
    let written = lower.get(start..word.end).unwrap_or(&[]);
    word.rewrite |= word.marked && (written.ends_with(b"n't") || written.ends_with(b"n`t"));
    word.rewrite |= drawn_out && has_drawn_out(written);
    word
}

/// Appends the folded form of the word at `start..end` to the folded text.
fn rewrite_ascii(folded: &mut String, start: usize, end: usize) -> (usize, usize) {
    let from = folded.len();
    let mut last = ' ';
    let mut run = 0u8;
    let word = folded.get(start..end).unwrap_or("").to_owned();
    for c in word.chars().map(|c| if c == '`' { '\'' } else { c }) {
        run = if c == last && c.is_ascii_lowercase() {
            run.saturating_add(1)
        } else {
            1
        };
        last = c;
        if run <= REPEATED_LETTERS_MAX {
            folded.push(c);
        }
    }
    drop_apostrophe_of_nt(folded);
    (from, folded.len())
}

/// The last word of `folded`, if it ends in `n't`, as people write it in haste.
fn drop_apostrophe_of_nt(folded: &mut String) {
    if folded.ends_with("n't") {
        folded.truncate(folded.len() - "'t".len());
        folded.push('t');
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a message of 4,096 characters is far below 4 GiB"
)]
fn push(
    words: &mut Words,
    (start, end): (usize, usize),
    (folded_start, folded_end): (usize, usize),
    kind: TokenKind,
    number: &impl Fn(&str) -> WordId,
) {
    let word = number(words.folded.get(folded_start..folded_end).unwrap_or(""));
    words.tokens.push(Token {
        word,
        start: start as u32,
        end: end as u32,
        folded_start: folded_start as u32,
        folded_end: folded_end as u32,
        kind,
    });
}

/// A word being read.
struct Open {
    start: usize,
    end: usize,
    folded_start: usize,
    kind: TokenKind,
    last: char,
    run: u8,
    /// An apostrophe or mark that belongs to the word only if another letter or digit follows.
    joiner: Option<char>,
    /// Marks that stay may stand in another order and mean the same.
    reorder: bool,
}

struct Reader<'a, N> {
    words: &'a mut Words,
    number: N,
    open: Option<Open>,
}

fn split_unicode(text: &str, words: &mut Words, number: impl Fn(&str) -> WordId) {
    words.marked = true;
    let mut reader = Reader {
        words,
        number,
        open: None,
    };
    let mut rest = text.char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        let end = start + c.len_utf8();
        if is_emoji(c) {
            reader.close();
            reader.emoji(start, c, &mut rest);
        } else if is_apostrophe(c) {
            reader.joiner('\'');
        } else if is_diacritic(c) {
            reader.mark(end);
        } else if !is_invisible(c) {
            reader.character(start, end, c);
        }
    }
    reader.close();
}

impl<N: Fn(&str) -> WordId> Reader<'_, N> {
    fn character(&mut self, start: usize, end: usize, c: char) {
        let mut parts = 0;
        fold_char(c, |_| parts += 1);
        fold_char(c, |part| {
            if is_diacritic(part) {
                self.mark(end);
            } else if is_apostrophe(part) {
                self.joiner('\'');
            } else if joins_digits(part) {
                self.joiner(part);
            } else if part.is_alphanumeric() || is_combining_mark(part) {
                self.letter(start, end, part);
            } else if parts == 1 {
                self.close();
            }
        });
    }

    fn mark(&mut self, end: usize) {
        if let Some(open) = self.open.as_mut().filter(|open| open.joiner.is_none()) {
            open.end = end;
        }
    }

    fn joiner(&mut self, joiner: char) {
        let fits = self.open.as_ref().is_some_and(|open| {
            open.joiner.is_none()
                && if joiner == '\'' {
                    !open.last.is_numeric()
                } else {
                    open.last.is_numeric()
                }
        });
        if !fits {
            return self.close();
        }
        if let Some(open) = &mut self.open {
            open.joiner = Some(joiner);
        }
    }

    fn letter(&mut self, start: usize, end: usize, letter: char) {
        let parted = self.open.as_ref().is_some_and(|open| match open.joiner {
            Some('\'') => letter.is_numeric(),
            Some(_) => !letter.is_numeric(),
            None => false,
        });
        if parted {
            self.close();
        }
        let folded_start = self.words.folded.len();
        let open = self.open.get_or_insert_with(|| Open {
            start,
            end,
            folded_start,
            kind: if letter.is_numeric() {
                TokenKind::Number
            } else {
                TokenKind::Word
            },
            last: ' ',
            run: 0,
            joiner: None,
            reorder: false,
        });
        let joiner = open.joiner.take();
        if let Some(joiner) = joiner {
            self.words.folded.push(joiner);
        }
        let repeated = joiner.is_none() && letter == open.last && letter.is_alphabetic();
        open.run = if repeated {
            open.run.saturating_add(1)
        } else {
            1
        };
        open.last = letter;
        open.end = end;
        open.reorder |= canonical_combining_class(letter) != 0;
        if open.run <= REPEATED_LETTERS_MAX {
            self.words.folded.push(letter);
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        if open.reorder {
            let ordered: String = self
                .words
                .folded
                .get(open.folded_start..)
                .unwrap_or("")
                .nfkd()
                .collect();
            self.words.folded.truncate(open.folded_start);
            self.words.folded.push_str(&ordered);
        }
        drop_apostrophe_of_nt(&mut self.words.folded);
        self.push((open.start, open.end), open.folded_start, open.kind);
    }

    fn emoji(
        &mut self,
        start: usize,
        first: char,
        rest: &mut std::iter::Peekable<std::str::CharIndices<'_>>,
    ) {
        let folded_start = self.words.folded.len();
        self.words.folded.push(first);
        let mut end = start + first.len_utf8();
        let mut flag_open = is_regional_indicator(first);
        let mut joiner = None;
        while let Some(&(at, c)) = rest.peek() {
            if joiner.is_some() && is_emoji(c) {
                self.words.folded.push(ZERO_WIDTH_JOINER);
                self.words.folded.push(c);
                joiner = None;
            } else if joiner.is_none() && flag_open && is_regional_indicator(c) {
                self.words.folded.push(c);
                flag_open = false;
            } else if joiner.is_none() && c == ZERO_WIDTH_JOINER {
                joiner = Some(at);
                rest.next();
                continue;
            } else if joiner.is_some() || !decorates_emoji(c) {
                break;
            }
            end = at + c.len_utf8();
            rest.next();
        }
        self.push((start, end), folded_start, TokenKind::Emoji);
    }

    fn push(&mut self, span: (usize, usize), folded_start: usize, kind: TokenKind) {
        let folded = (folded_start, self.words.folded.len());
        push(self.words, span, folded, kind, &self.number);
        self.words.folded.push(' ');
    }
}
