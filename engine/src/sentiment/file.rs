//! Reads one lexicon file: a head that says what it is, then one entry a line. The form is described in
//! `lexicons/README.md`.
//!
//! It knows lines and columns, not what an entry will mean to a scorer.

use std::collections::HashMap;

use crate::diagnostic::Diagnostics;
use crate::language::Language;
use crate::source::{Source, SourceId, Span};

/// Greatest size of a weight or of a modifier's value.
const WEIGHT_MAX: f64 = 4.0;

/// A lexicon file, read.
#[derive(Debug)]
pub(super) struct File {
    /// The lexicon it belongs to; several files may make up one.
    pub(super) lexicon: String,
    pub(super) language: Language,
    pub(super) form: Form,
    pub(super) entries: Vec<Entry>,
    /// The head's line that names the lexicon.
    pub(super) span: Span,
}

/// What the lines of a file hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One to three words and their weight.
    Words,
    /// The same for VADER's scorer: tokens as they stand between blanks.
    Vader,
    Modifiers,
    /// An emoji and its description.
    Emoji,
    /// Words without content of their own.
    FunctionWords,
}

/// One line of a lexicon.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) words: String,
    pub(super) what: What,
    /// Line of the file, from 1.
    pub(super) line: u32,
    pub(super) span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Weight(f64),
    Negation(Side),
    Intensifier(Side, f64),
    /// Words that mean something else together: this value takes the place of what stood before.
    Idiom(f64),
    /// "but": what comes before weighs less, what comes after weighs more.
    Contrast,
    /// Neutral, but this value where it is said to be missing: "no water".
    Missing(f64),
    Description(String),
    Function,
}

/// Where a modifier stands, seen from the word it acts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
    Around,
}

impl Side {
    pub(super) fn before(self) -> bool {
        self != Self::After
    }

    pub(super) fn after(self) -> bool {
        self != Self::Before
    }
}

/// Reads `source`; `None` when its head does not say what it is. Every problem is reported.
pub(super) fn read(id: SourceId, source: &Source, diagnostics: &mut Diagnostics) -> Option<File> {
    if let Some(at) = source.not_utf8(id) {
        diagnostics.not_utf8(at);
    }
    let lines: Vec<Line<'_>> = lines(id, &source.text).collect();
    let (lexicon, language, form, span) = head(id, &lines, diagnostics)?;
    let mut first: HashMap<String, Span> = HashMap::new();
    let mut entries = Vec::new();
    for line in lines
        .iter()
        .filter(|line| !line.is_comment() && !line.text.trim().is_empty())
    {
        let Some(entry) = entry(form, line, diagnostics) else {
            continue;
        };
        let key = match entry.what {
            What::Negation(_)
            | What::Intensifier(..)
            | What::Idiom(_)
            | What::Contrast
            | What::Missing(_) => {
                format!("{:?} {}", std::mem::discriminant(&entry.what), entry.words)
            }
            What::Weight(_) | What::Description(_) | What::Function => entry.words.clone(),
        };
        if let Some(&first) = first.get(&key) {
            diagnostics.lexicon_duplicate(line.span(), first, &entry.words);
        } else {
            first.insert(key, line.span());
            entries.push(entry);
        }
    }
    Some(File {
        lexicon,
        language,
        form,
        entries,
        span,
    })
}

/// One line without its end.
struct Line<'a> {
    source: SourceId,
    /// From 1.
    number: u32,
    /// Bytes before it in the file.
    start: usize,
    text: &'a str,
}

impl Line<'_> {
    fn span(&self) -> Span {
        self.part(0, self.text.len())
    }

    fn part(&self, start: usize, end: usize) -> Span {
        Span::new(self.source, self.start + start, self.start + end)
    }

    /// A hash alone or with a blank: emoticons may begin with a hash.
    fn is_comment(&self) -> bool {
        self.text == "#" || self.text.starts_with("# ")
    }
}

fn lines(source: SourceId, text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split('\n').zip(1..).map(move |(whole, number)| {
        let line = Line {
            source,
            number,
            start,
            text: whole.strip_suffix('\r').unwrap_or(whole),
        };
        start += whole.len() + 1;
        line
    })
}

type Head = (String, Language, Form, Span);

fn head(id: SourceId, lines: &[Line<'_>], diagnostics: &mut Diagnostics) -> Option<Head> {
    const EXAMPLE: &str = "A lexicon begins with lines like `# lexicon: st`, `# language: st`, `# form: words`, \
        `# source: where the words come from`, `# licence: MIT`. See lexicons/README.md.";
    let value = |key: &str| {
        lines
            .iter()
            .take_while(|line| line.is_comment())
            .find_map(|line| {
                let rest = line
                    .text
                    .strip_prefix("# ")?
                    .strip_prefix(key)?
                    .strip_prefix(':')?
                    .trim();
                let start = line.text.len() - line.text.trim_end().len();
                Some((rest, line.part(2, line.text.len() - start)))
            })
    };
    let top = Span::new(id, 0, lines.first().map_or(0, |line| line.text.len()));
    let mut wanted = |key: &str| {
        let found = value(key).filter(|(text, _)| !text.is_empty());
        if found.is_none() {
            diagnostics.lexicon_head(top, &format!("it has no `# {key}:` line"), EXAMPLE);
        }
        found
    };
    let (lexicon, language, form) = (wanted("lexicon"), wanted("language"), wanted("form"));
    let stated = [wanted("source"), wanted("licence")]
        .iter()
        .all(Option::is_some);
    let language = language.and_then(|(code, span)| {
        Language::parse(code).or_else(|| {
            let help = "Write a code of two or three small letters, such as `st`.";
            diagnostics.lexicon_head(span, &format!("`{code}` is not a language code"), help);
            None
        })
    });
    let form = form.and_then(|(name, span)| {
        Form::parse(name).or_else(|| {
            let help = "The forms are `words`, `vader`, `modifiers`, `emoji` and `function-words`.";
            diagnostics.lexicon_head(span, &format!("there is no form `{name}`"), help);
            None
        })
    });
    if let Some((_, span)) = value("base") {
        let help =
            "A layer will name the lexicon it lies on; until then put its words into that lexicon.";
        diagnostics.lexicon_head(span, "layers (`base`) are not yet supported", help);
        return None;
    }
    let (name, span) = lexicon?;
    stated.then_some((name.to_owned(), language?, form?, span))
}

impl Form {
    /// Belongs to a lexicon whose words stand in another file.
    pub(super) fn completes(self) -> bool {
        matches!(self, Self::Modifiers | Self::Emoji)
    }

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "words" => Self::Words,
            "vader" => Self::Vader,
            "modifiers" => Self::Modifiers,
            "emoji" => Self::Emoji,
            "function-words" => Self::FunctionWords,
            _ => return None,
        })
    }

    /// The columns of an entry, in words for people.
    fn columns(self) -> &'static str {
        match self {
            Self::Words => "Write one to three words, a tab and a weight.",
            Self::Vader => "Write a token, a tab and a weight.",
            Self::Modifiers => {
                "Write, with tabs between: `negation WORDS SIDE`, `intensifier WORDS SIDE VALUE`, `idiom WORDS VALUE`, \
                 `contrast WORD` or `missing WORDS VALUE`; SIDE is `before`, `after` or `around`."
            }
            Self::Emoji => "Write an emoji, a tab and its description.",
            Self::FunctionWords => "Write one word.",
        }
    }
}

fn entry(form: Form, line: &Line<'_>, diagnostics: &mut Diagnostics) -> Option<Entry> {
    let fields: Vec<&str> = line.text.split('\t').collect();
    let mut number = |text: &str| number(text, line, diagnostics);
    let read = match (form, fields.as_slice()) {
        (Form::Words | Form::Vader, [words, weight]) => {
            Some((*words, number(weight).map(What::Weight)))
        }
        (Form::Emoji, [emoji, description]) => {
            Some((*emoji, Some(What::Description((*description).to_owned()))))
        }
        (Form::FunctionWords, [word]) if !word.contains(' ') => Some((*word, Some(What::Function))),
        (Form::Modifiers, ["negation", words, at]) => {
            side(at).map(|at| (*words, Some(What::Negation(at))))
        }
        (Form::Modifiers, ["intensifier", words, at, value]) => side(at).map(|at| {
            (
                *words,
                number(value).map(|value| What::Intensifier(at, value)),
            )
        }),
        (Form::Modifiers, ["idiom", words, value]) => {
            Some((*words, number(value).map(What::Idiom)))
        }
        (Form::Modifiers, ["missing", words, value]) => {
            Some((*words, number(value).map(What::Missing)))
        }
        (Form::Modifiers, ["contrast", word]) => Some((*word, Some(What::Contrast))),
        _ => None,
    };
    let Some((words, what)) = read.filter(|(words, _)| !words.trim().is_empty()) else {
        diagnostics.lexicon_line(
            line.span(),
            "its columns do not fit the form",
            form.columns(),
        );
        return None;
    };
    Some(Entry {
        words: words.to_owned(),
        what: what?,
        line: line.number,
        span: line.span(),
    })
}

fn side(name: &str) -> Option<Side> {
    match name {
        "before" => Some(Side::Before),
        "after" => Some(Side::After),
        "around" => Some(Side::Around),
        _ => None,
    }
}

/// A plain decimal number within range; numbers are always the last column.
fn number(text: &str, line: &Line<'_>, diagnostics: &mut Diagnostics) -> Option<f64> {
    let span = line.part(line.text.len() - text.len(), line.text.len());
    let plain = !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+'));
    match text.parse::<f64>() {
        Ok(value) if plain && value.abs() <= WEIGHT_MAX => Some(value),
        Ok(_) if plain => {
            diagnostics.lexicon_range(span, text);
            None
        }
        _ => {
            diagnostics.lexicon_line(
                span,
                &format!("`{text}` is not a number"),
                "Write a number such as -1.5.",
            );
            None
        }
    }
}
