//! All lexicon files together: which belong to one lexicon, and which language each judges.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::language::Language;
use crate::sentiment::file::{self, Entry, File, Form};
use crate::sentiment::vader::Vader;
use crate::sentiment::words::Valences;
use crate::sentiment::{Mood, Polarity, Scorer};
use crate::source::{Location, Source, SourceId, Span};
use crate::text::{Vocabulary, VocabularyBuilder, Words};

/// All lexicon files: sentiment per language, VADER's lists, function words. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Lexicons {
    pub(super) judges: BTreeMap<Language, Judge>,
    function_words: Arc<BTreeMap<Language, Vec<String>>>,
    pub(super) names: Arc<[Arc<str>]>,
    /// For texts that are judged without a pack.
    alone: Arc<Alone>,
}

/// What judges one language.
#[derive(Clone, Debug)]
pub(super) enum Judge {
    Vader(Arc<Vader>),
    Words(Arc<Valences>),
}

#[derive(Debug, Default)]
struct Alone {
    vocabulary: Vocabulary,
    scorer: Scorer,
}

impl Lexicons {
    /// Reads the files of a lexicon folder: `*.tsv` and `*.txt`; others are passed over. Every problem is reported, and
    /// what is left is usable.
    pub fn parse(sources: &[Source]) -> (Self, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let files: Vec<(SourceId, File)> = sources
            .iter()
            .zip(0..)
            .filter(|(source, _)| matches!(source.name.rsplit_once('.'), Some((_, "tsv" | "txt"))))
            .filter_map(|(source, id)| {
                Some((
                    SourceId(id),
                    file::read(SourceId(id), source, &mut diagnostics)?,
                ))
            })
            .collect();
        let mut lexicons = Self {
            judges: judges(&files, &mut diagnostics),
            function_words: Arc::new(function_words(&files)),
            names: sources
                .iter()
                .map(|source| source.name.as_str().into())
                .collect(),
            alone: Arc::default(),
        };
        let languages: Vec<Language> = lexicons.judges.keys().copied().collect();
        let mut vocabulary = VocabularyBuilder::default();
        let scorer = Scorer::build(&lexicons, &languages, &mut vocabulary);
        lexicons.alone = Arc::new(Alone {
            vocabulary: vocabulary.build(),
            scorer,
        });
        (lexicons, diagnostics)
    }

    /// Words of `language` that carry no content of their own.
    pub(crate) fn function_words(&self, language: Language) -> &[String] {
        self.function_words
            .get(&language)
            .map_or(&[], Vec::as_slice)
    }

    /// VADER 3.3.2's four figures for `text`, equal to the Python package to the last printed decimal; all zero when
    /// VADER's lists are not among the lexicons, as for a text without a word.
    pub fn vader(&self, text: &str) -> Polarity {
        self.judges
            .values()
            .find_map(|judge| match judge {
                Judge::Vader(vader) => Some(vader.polarity(text)),
                Judge::Words(_) => None,
            })
            .unwrap_or_default()
    }

    pub(super) fn judge_alone(&self, text: &str, language: Language) -> Mood {
        let mut words = Words::default();
        self.alone.vocabulary.read(text, &mut words);
        self.alone
            .scorer
            .score(text, &words, &self.alone.vocabulary, Some(language))
    }
}

/// Names an entry's place as people look it up.
pub(super) fn location(names: &[Arc<str>], source: SourceId, line: u32) -> Location {
    Location {
        file: names.get(source.0 as usize).cloned().unwrap_or_default(),
        line,
        column: 1,
    }
}

/// One judge per language.
fn judges(files: &[(SourceId, File)], diagnostics: &mut Diagnostics) -> BTreeMap<Language, Judge> {
    let owners = owners(files, diagnostics);
    for (_, file) in files.iter().filter(|(_, file)| file.form.completes()) {
        if owners
            .get(&file.language)
            .is_none_or(|owner| owner.lexicon != file.lexicon)
        {
            let what = format!(
                "no file gives the words of a lexicon `{}` for `{}`",
                file.lexicon, file.language
            );
            diagnostics.lexicon_head(
                file.span,
                &what,
                "Use the name and language of the lexicon it belongs to.",
            );
        }
    }
    let mut judges = BTreeMap::new();
    for (language, Owner { lexicon, form, .. }) in owners {
        let own = |file: &File| file.lexicon == lexicon && file.language == language;
        let own: Vec<&(SourceId, File)> = files.iter().filter(|(_, file)| own(file)).collect();
        judges.insert(language, judge(&own, form, diagnostics));
    }
    judges
}

/// The lexicon that has the words of a language.
struct Owner<'a> {
    lexicon: &'a str,
    form: Form,
    span: Span,
}

/// The first lexicon with words for each language; a second one is a problem, and so is a second one for VADER.
fn owners<'a>(
    files: &'a [(SourceId, File)],
    diagnostics: &mut Diagnostics,
) -> BTreeMap<Language, Owner<'a>> {
    let mut owners: BTreeMap<Language, Owner<'a>> = BTreeMap::new();
    for (_, file) in files
        .iter()
        .filter(|(_, file)| matches!(file.form, Form::Words | Form::Vader))
    {
        let this = Owner {
            lexicon: &file.lexicon,
            form: file.form,
            span: file.span,
        };
        let owner = owners.entry(file.language).or_insert(this);
        if owner.lexicon != file.lexicon || owner.form != file.form {
            let what = format!(
                "`{}` judges the language `{}` already",
                owner.lexicon, file.language
            );
            diagnostics.lexicon_head(
                file.span,
                &what,
                "Put the words into one lexicon of one form; layers come later.",
            );
        }
    }
    let mut vaders = 0;
    owners.retain(|_, owner| {
        vaders += usize::from(owner.form == Form::Vader);
        let one_too_many = owner.form == Form::Vader && vaders > 1;
        if one_too_many {
            let help = "VADER's rules are for English only.";
            diagnostics.lexicon_head(owner.span, "a second lexicon has the form `vader`", help);
        }
        !one_too_many
    });
    owners
}

fn judge(files: &[&(SourceId, File)], form: Form, diagnostics: &mut Diagnostics) -> Judge {
    let entries = files
        .iter()
        .filter(|(_, file)| file.form == form || file.form.completes())
        .flat_map(|(id, file)| file.entries.iter().map(|entry| (*id, entry)));
    if form == Form::Vader {
        let mut vader = Vader::default();
        entries.for_each(|(source, entry)| vader.add(entry, source));
        Judge::Vader(Arc::new(vader))
    } else {
        let usable = entries.filter(|(_, entry)| matchable(entry, diagnostics));
        let list: Vec<(SourceId, Entry)> = usable
            .map(|(source, entry)| (source, entry.clone()))
            .collect();
        Judge::Words(Arc::new(Valences::new(list)))
    }
}

/// Whether the matcher can find the entry's words in a message.
fn matchable(entry: &Entry, diagnostics: &mut Diagnostics) -> bool {
    const WORDS_MAX: usize = 3;
    let words: Vec<&str> = entry.words.split(' ').collect();
    let mark = |c: char| c.is_ascii_punctuation() && c != '\'';
    let fine = words.len() <= WORDS_MAX
        && words
            .iter()
            .all(|word| !word.is_empty() && !word.contains(mark));
    if !fine {
        let help = "Write one to three words with single blanks between them and no marks but the apostrophe.";
        diagnostics.lexicon_line(entry.span, "no message can hold these words", help);
    }
    fine
}

fn function_words(files: &[(SourceId, File)]) -> BTreeMap<Language, Vec<String>> {
    let mut lists: BTreeMap<Language, Vec<String>> = BTreeMap::new();
    for (_, file) in files
        .iter()
        .filter(|(_, file)| file.form == Form::FunctionWords)
    {
        lists
            .entry(file.language)
            .or_default()
            .extend(file.entries.iter().map(|entry| entry.words.clone()));
    }
    lists
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sentiment::sentiment;
    use crate::source::locate;

    /// The findings about files, as code, place and what is wrong.
    fn findings(texts: &[(&str, &str)]) -> Vec<String> {
        let source = |(name, text): &(&str, &str)| Source {
            name: (*name).to_owned(),
            text: (*text).to_owned(),
        };
        let sources: Vec<Source> = texts.iter().map(source).collect();
        let (_, diagnostics) = Lexicons::parse(&sources);
        let finding = |one: &crate::diagnostic::Diagnostic| {
            let what = one
                .message
                .split_once(": ")
                .map_or(one.message.as_str(), |(_, what)| what);
            format!("{} {} {what}", one.code, locate(&sources, one.at.0))
        };
        diagnostics.iter().map(finding).collect()
    }

    const HEAD: &str = "# lexicon: st\n# language: st\n# source: us\n# licence: MIT\n# form: ";

    fn words(lines: &str) -> String {
        format!("{HEAD}words\n\n{lines}")
    }

    fn modifiers(lines: &str) -> String {
        format!("{HEAD}modifiers\n{lines}")
    }

    fn check_file(text: &str, expected: &[&str]) {
        assert_eq!(findings(&[("a.tsv", text)]), expected, "{text}");
    }

    #[test]
    fn every_bad_line_is_found_where_it_is() {
        check_file(&words("leboha\t2\n# good\n😡\t-2.5\n"), &[]);
        check_file(&words("leboha\t2\r\nthabile\t2\r\n"), &[]);
        check_file(
            &words("leboha\t2\nleboha\t1\n"),
            &["lexicon-duplicate a.tsv:8:1 `leboha` stands in this lexicon twice"],
        );
        check_file(
            &words("môre\t4.5\n"),
            &["lexicon-range a.tsv:7:6 the weight 4.5 is out of range"],
        );
        check_file(
            &words("leboha\ttwo\n"),
            &["lexicon-line a.tsv:7:8 `two` is not a number"],
        );
        check_file(
            &words("leboha\tnan\n"),
            &["lexicon-line a.tsv:7:8 `nan` is not a number"],
        );
        check_file(
            &words("leboha\t\n"),
            &["lexicon-line a.tsv:7:8 `` is not a number"],
        );
        check_file(
            &words("leboha 2\n"),
            &["lexicon-line a.tsv:7:1 its columns do not fit the form"],
        );
        check_file(
            &words("\t2\n"),
            &["lexicon-line a.tsv:7:1 its columns do not fit the form"],
        );
        check_file(
            &words("a b c d\t2\n"),
            &["lexicon-line a.tsv:7:1 no message can hold these words"],
        );
        check_file(
            &words("a  b\t2\nwell-off\t2\n"),
            &[
                "lexicon-line a.tsv:7:1 no message can hold these words",
                "lexicon-line a.tsv:8:1 no message can hold these words",
            ],
        );
    }

    #[test]
    fn a_head_says_all_it_must() {
        check_file(
            "leboha\t2\n",
            &[
                "lexicon-head a.tsv:1:1 it has no `# lexicon:` line",
                "lexicon-head a.tsv:1:1 it has no `# language:` line",
                "lexicon-head a.tsv:1:1 it has no `# form:` line",
                "lexicon-head a.tsv:1:1 it has no `# source:` line",
                "lexicon-head a.tsv:1:1 it has no `# licence:` line",
            ],
        );
        check_file(
            &words("").replace("language: st", "language: Sesotho"),
            &["lexicon-head a.tsv:2:3 `Sesotho` is not a language code"],
        );
        check_file(
            &words("").replace("form: words", "form: list"),
            &["lexicon-head a.tsv:5:3 there is no form `list`"],
        );
        check_file(
            &words("").replace("# source: us", "# base: vader\n# source: us"),
            &["lexicon-head a.tsv:3:3 layers (`base`) are not yet supported"],
        );
        check_file(
            &modifiers("contrast\tempa\n"),
            &["lexicon-head a.tsv:1:3 no file gives the words of a lexicon `st` for `st`"],
        );
    }

    #[test]
    fn files_of_one_lexicon_fit_together() {
        let both = |lines: &str| {
            findings(&[
                ("w.tsv", &words("leboha\t2\n")),
                ("m.tsv", &modifiers(lines)),
            ])
        };
        assert!(
            both("negation\tha ho\tbefore\nintensifier\thaholo\tafter\t0.293\ncontrast\tempa\n")
                .is_empty()
        );
        assert_eq!(
            both("negation\tha ho\tleft\n"),
            ["lexicon-line m.tsv:6:1 its columns do not fit the form"]
        );
        assert_eq!(
            both("missing\tmetsi\t-5\n"),
            ["lexicon-range m.tsv:6:15 the weight -5 is out of range"]
        );
        let rival = words("molo\t1\n").replace("lexicon: st", "lexicon: other");
        assert_eq!(
            findings(&[("a.tsv", &words("leboha\t2\n")), ("b.tsv", &rival)]),
            ["lexicon-head b.tsv:1:3 `st` judges the language `st` already",]
        );
        let vader = |code: &str| {
            words("good\t2\n")
                .replace("form: words", "form: vader")
                .replace(": st", &format!(": {code}"))
        };
        assert_eq!(
            findings(&[("a.tsv", &vader("en")), ("b.tsv", &vader("xh"))]),
            ["lexicon-head b.tsv:1:3 a second lexicon has the form `vader`",]
        );
        assert!(findings(&[("README.md", "Not a lexicon.")]).is_empty());
    }

    proptest! {
    #[test]
    fn any_file_is_read_without_panic(text in any::<String>(), form in "(words|vader|modifiers|emoji|function-words)") {
        let source = |text: String| Source { name: "a.tsv".to_owned(), text };
        let (lexicons, _) = Lexicons::parse(&[source(format!("{HEAD}{form}\n{text}")), source(text.clone())]);
        let _ = sentiment(&lexicons, &text, Language::ST);
    }

    }
}
