//! The pattern language and the matcher by behaviour, and against a twin that does the same the plain way.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::affixes::{self, is_form};
use super::tree::Node;
use super::*;
use crate::entities::Found;
use crate::language::Language;
use crate::ruleset::{EntityId, IntentId, ListId};
use crate::text::{TokenKind, Vocabulary, VocabularyBuilder, WordInfo, Words};

const LANGUAGES: [Language; 4] = [Language::EN, Language::ST, Language::AF, Language::XH];
const NUMBER: EntityId = EntityId(0);
const AREA: EntityId = EntityId(1);

struct Fixed;

impl Names for Fixed {
    fn list(&self, name: &str) -> Option<ListId> {
        ["greeting", "place"]
            .iter()
            .position(|known| *known == name)
            .map(|at| ListId(u32::try_from(at).unwrap()))
    }

    fn entity(&self, name: &str) -> Option<EntityId> {
        ["number", "area"]
            .iter()
            .position(|known| *known == name)
            .map(|at| EntityId(u32::try_from(at).unwrap()))
    }
}

/// A small pack of phrases, with two lists and an entity of values.
#[derive(Clone, Debug, Default)]
struct Pack {
    phrases: Vec<(String, bool, Option<u8>)>,
    regexes: Vec<String>,
    lists: Vec<Vec<String>>,
    values: Vec<(u32, String)>,
    function_words: Vec<String>,
}

impl Pack {
    fn build(&self) -> (Matcher, Vocabulary) {
        let mut vocabulary = VocabularyBuilder::default();
        let mut builder = MatcherBuilder::new(self.lists.clone());
        builder.languages(&LANGUAGES);
        builder.keys(AREA, (0..9).map(|value| format!("value {value}")).collect());
        for (phrase, typos, language) in &self.phrases {
            let options = Options {
                typos: *typos,
                language: *language,
            };
            builder.add(
                Owner::Intent(IntentId(0)),
                &parse(phrase).unwrap(),
                options,
                &Fixed,
            );
        }
        for regex in &self.regexes {
            builder
                .add_regex(Owner::Intent(IntentId(1)), regex)
                .unwrap();
        }
        for (value, spelling) in &self.values {
            let options = Options {
                typos: true,
                language: None,
            };
            builder.add(
                Owner::Value(AREA, *value),
                &Pattern::literal(spelling),
                options,
                &Fixed,
            );
        }
        let matcher = builder.build(&mut vocabulary).unwrap();
        for word in &self.function_words {
            vocabulary.intern(
                word,
                WordInfo {
                    languages: 1,
                    function: true,
                },
            );
        }
        (matcher, vocabulary.build())
    }
}

/// Values and numbers of a message, and what fits it.
fn run(
    matcher: &Matcher,
    vocabulary: &Vocabulary,
    scratch: &mut Scratch,
    text: &str,
) -> (Words, Vec<Found>, Vec<Hit>) {
    let mut words = Words::default();
    vocabulary.read(text, &mut words);
    let mut found = Vec::new();
    let mut reading = matcher.read(&words, vocabulary, scratch);
    reading.values(&mut found);
    for token in words
        .tokens
        .iter()
        .filter(|token| token.kind == TokenKind::Number)
    {
        found.push(Found {
            entity: NUMBER,
            start: token.start,
            end: token.end,
            value: String::new(),
            typos: 0,
        });
    }
    let mut hits = Vec::new();
    reading.hits(text, &found, &mut hits);
    (words, found, hits)
}

/// Whether `phrase` alone fits `text`: matched text and score.
fn fit(phrase: &str, text: &str) -> Option<(String, u16)> {
    let pack = Pack {
        phrases: vec![(phrase.to_owned(), true, None)],
        lists: vec![
            vec!["good day".into(), "hi".into()],
            vec!["old town".into(), "town".into()],
        ],
        values: vec![
            (0, "zastron".into()),
            (1, "rouxville".into()),
            (2, "rouxville north".into()),
        ],
        function_words: ["is", "the", "of"].map(str::to_owned).to_vec(),
        ..Pack::default()
    };
    let (matcher, vocabulary) = pack.build();
    let (_, _, hits) = run(&matcher, &vocabulary, &mut Scratch::default(), text);
    hits.first().map(|hit| {
        (
            text.get(hit.start as usize..hit.end as usize)
                .unwrap()
                .to_owned(),
            hit.score,
        )
    })
}

fn numbers(letters: &[char]) -> Vec<u32> {
    letters.iter().map(|&letter| letter.into()).collect()
}

#[test]
fn phrases() {
    for (phrase, text, expected) in [
        ("no water", "No water!", Some(("No water", 1000))),
        (
            "no water",
            "there is no water here",
            Some(("no water", 800)),
        ),
        ("no water", "no hot water", None),
        ("no water", "water no", None),
        ("(tap|taps) dry", "taps dry", Some(("taps dry", 1000))),
        (
            "[my] account [number]",
            "my account",
            Some(("my account", 1000)),
        ),
        ("[my] account [number]", "account", Some(("account", 1000))),
        (
            "water * days",
            "water gone for three days",
            Some(("water gone for three days", 725)),
        ),
        ("water * days", "water a b c d e days", None),
        ("water *2 days", "water a b c days", None),
        (
            "water ** days",
            "water a b c d e f g h days",
            Some(("water a b c d e f g h days", 598)),
        ),
        ("no _ water", "no hot water", Some(("no hot water", 1000))),
        ("no _ water", "no water", None),
        (
            "@greeting all",
            "good day all",
            Some(("good day all", 1000)),
        ),
        (
            "from @place",
            "from old town",
            Some(("from old town", 1000)),
        ),
        (
            "account {number}",
            "account 10012345",
            Some(("account 10012345", 1000)),
        ),
        (
            "{area}",
            "I am in Rouxville North",
            Some(("Rouxville North", 760)),
        ),
        ("^hi$", "hi", Some(("hi", 1000))),
        ("^hi$", "hi there", None),
        ("^hi", "oh hi", None),
        ("hi$", "oh hi", Some(("hi", 800))),
        ("^ * hi", "oh well hi", Some(("hi", 711))),
        ("metsi~", "ametsi", Some(("ametsi", 1000))),
        ("metsi~", "kametsing", Some(("kametsing", 1000))),
        ("metsi~", "metso", Some(("metso", 940))),
        ("metsi~", "ametso", None),
        ("metsi~", "amametsing", None),
        ("water", "watre", Some(("watre", 940))),
        ("water", "awter", None),
        ("water", "wattter", Some(("wattter", 1000))),
        ("\"water\"", "watre", None),
        ("electricity", "elektrisity", Some(("elektrisity", 880))),
        ("electricity", "elektrisiti", None),
        ("taps", "tabs", None),
        ("dont pay", "don't pay", Some(("don't pay", 1000))),
        ("don't pay", "dont pay", Some(("dont pay", 1000))),
        ("follow-up", "follow up", Some(("follow up", 1000))),
        ("what \\(now\\)?", "what now", Some(("what now", 1000))),
        ("👍", "ok 👍🏽", Some(("👍🏽", 600))),
        ("the", "is it of the?", Some(("the", 600))),
        ("_", "anything", Some(("anything", 1000))),
    ] {
        let expected = expected.map(|(text, score)| (text.to_owned(), score));
        assert_eq!(fit(phrase, text), expected, "{phrase:?} on {text:?}");
    }
}

#[test]
fn problems_come_all_at_once_with_their_place() {
    let check = |pattern: &str, expected: &[(std::ops::Range<usize>, &str)]| {
        let problems = parse(pattern).err().unwrap_or_default();
        let found: Vec<_> = problems
            .iter()
            .map(|problem| (problem.at.clone(), problem.message.as_str()))
            .collect();
        assert_eq!(found, expected, "{pattern:?}");
    };
    check("no (water", &[(3..4, "`(` is never closed")]);
    check("no water)", &[(8..9, "`)` closes nothing")]);
    check("(a]", &[(0..3, "`(` is closed by `]`")]);
    check("a|b", &[(1..2, "`|` stands outside brackets")]);
    check("(a|)", &[(2..4, "there is no word here")]);
    check(
        "a ^b $ c",
        &[
            (
                2..3,
                "`^` stands for the start of the message and comes first",
            ),
            (5..6, "`$` stands for the end of the message and comes last"),
        ],
    );
    check(
        "@ {x",
        &[
            (0..1, "`@` is followed by no name"),
            (2..4, "`{` is never closed"),
        ],
    );
    check("{a b}", &[(0..5, "this is not the name of an entity")]);
    check("a *0", &[(2..4, "`*` takes a number from 1 to 999")]);
    check(
        "snake_case",
        &[(
            5..6,
            "`_` stands for a whole word and cannot be part of one",
        )],
    );
    check("\"stop", &[(0..5, "the quotation mark is never closed")]);
    check("a ~", &[(2..3, "`~` follows no word")]);
    check("a\\", &[(0..2, "`\\` stands before nothing")]);
    let nothing = "this pattern can match a message without any word of it";
    for empty in ["", "[a] [b]", "* [a] **", "?", "(* | a)"] {
        check(empty, &[(0..empty.len(), nothing)]);
    }
    check(&"[a]".repeat(9).replace("[a]", "[a] x "), &[]);
    let many = "[a] x ".repeat(10);
    check(
        &many,
        &[(
            0..many.len(),
            "there are more than 512 ways to read this pattern",
        )],
    );
    let deep = format!("{}a{}", "(".repeat(9), ")".repeat(9));
    check(&deep, &[(8..9, "brackets may be nested 8 deep")]);
    check(&"a ".repeat(65), &[(0..130, "a pattern may have 64 words")]);
}

#[test]
fn names_are_told_with_their_place() {
    let pattern = parse("@a ({from:date}|[{number}]) x").unwrap();
    assert_eq!(pattern.lists(), [("a".to_owned(), 0..2)]);
    assert_eq!(
        pattern.entities(),
        [
            ("from".to_owned(), "date".to_owned(), 4..15),
            ("number".to_owned(), "number".to_owned(), 17..25)
        ]
    );
}

#[test]
fn captures_and_values() {
    let pack = Pack {
        phrases: vec![(
            "move from {from:area} to {area} [on {number}]".into(),
            true,
            None,
        )],
        values: vec![(4, "zastron".into()), (7, "rouxville".into())],
        ..Pack::default()
    };
    let (matcher, vocabulary) = pack.build();
    let (_, found, hits) = run(
        &matcher,
        &vocabulary,
        &mut Scratch::default(),
        "Move from Zastron to Rouxvile on 12:30",
    );
    let values: Vec<_> = found
        .iter()
        .map(|value| (value.value.as_str(), value.start, value.end, value.typos))
        .collect();
    assert_eq!(
        values,
        [
            ("value 4", 10, 17, 0),
            ("value 7", 21, 29, 1),
            ("", 33, 38, 0)
        ]
    );
    let captures: Vec<_> = hits[0]
        .captures
        .iter()
        .map(|&(name, found)| (matcher.capture_name(name), found))
        .collect();
    assert_eq!(captures, [("from", 0), ("area", 1), ("number", 2)]);
    assert_eq!(
        (hits[0].typos, hits[0].literals, hits[0].score),
        (1, 4, 940)
    );
}

#[test]
fn a_lexicon_word_is_never_a_typo() {
    let pack = Pack {
        phrases: vec![("watch".into(), true, None)],
        ..Pack::default()
    };
    let with = Pack {
        function_words: vec!["match".into(), "watcn".into()],
        ..pack.clone()
    };
    for (pack, expected) in [(pack, 1), (with, 0)] {
        let (matcher, vocabulary) = pack.build();
        assert_eq!(
            run(&matcher, &vocabulary, &mut Scratch::default(), "watcn")
                .2
                .len(),
            expected
        );
    }
}

fn regex(expression: &str, text: &str) -> Option<(String, u16)> {
    let pack = Pack {
        regexes: vec![expression.to_owned()],
        ..Pack::default()
    };
    let (matcher, vocabulary) = pack.build();
    let (_, _, hits) = run(&matcher, &vocabulary, &mut Scratch::default(), text);
    hits.first().map(|hit| {
        (
            text.get(hit.start as usize..hit.end as usize)
                .unwrap()
                .to_owned(),
            hit.score,
        )
    })
}

#[test]
fn expressions() {
    for (expression, text, expected) in [
        (r"\bH2O\b", "no h2o here", Some(("h2o", 733))),
        (r"\bH2O\b", "no h2oh here", None),
        (r"\bdon\b", "don't", Some(("don", 1000))),
        (r"\b12\b", "at 12:30", Some(("12", 800))),
        (r"\bwa\b", "wa\u{200B}ter", Some(("wa", 1000))),
        (
            r"\bdon\u02BCt\b",
            "DON\u{2BC}T",
            Some(("DON\u{2BC}T", 1000)),
        ),
        (
            r"\b(tap|pipe)s? (leak|burst)",
            "the pipes burst",
            Some(("pipes burst", 866)),
        ),
        (r"\d{8,10}", "account 10012345.", Some(("10012345", 800))),
        (r"[a-z]+@[a-z]+", "me@there", Some(("me@there", 1000))),
        (r"(?-i)\bA4\b", "a4", None),
        (r"^stop$", "STOP", Some(("STOP", 1000))),
        (r"\bmôre\b", "MÔRE", Some(("MÔRE", 1000))),
        (r"\bmôre\b", "more", None),
        (
            r"\bks\b",
            "\u{212A}\u{17F}",
            Some(("\u{212A}\u{17F}", 1000)),
        ),
    ] {
        let expected = expected.map(|(text, score)| (text.to_owned(), score));
        assert_eq!(
            regex(expression, text),
            expected,
            "{expression:?} on {text:?}"
        );
    }
}

#[test]
fn expressions_are_bounded() {
    for (expression, message) in [
        ("(", "this is not a regular expression: unclosed group"),
        (
            "a*",
            "this expression matches every message, even an empty one",
        ),
        (
            r"(\w{100}){100}",
            "compiled, this expression is larger than 256 KiB",
        ),
        (
            &"a".repeat(1025),
            "an expression may have 1024 bytes, this has 1025",
        ),
    ] {
        let error = MatcherBuilder::default()
            .add_regex(Owner::Intent(IntentId(0)), expression)
            .unwrap_err();
        assert_eq!(error.message, message, "{expression}");
    }
    let deep = format!("{}a{}", "(".repeat(51), ")".repeat(51));
    let error = MatcherBuilder::default()
        .add_regex(Owner::Intent(IntentId(0)), &deep)
        .unwrap_err();
    assert!(error.message.contains("nest"), "{}", error.message);
    let slow = r"(?:x+x+)+y".repeat(40);
    for fine in [r"(?:x+x+)+y", r"(\w+\s*)+\d", slow.as_str()] {
        assert!(
            MatcherBuilder::default()
                .add_regex(Owner::Intent(IntentId(0)), fine)
                .is_ok(),
            "{fine}"
        );
    }
}

// ---- The twin ----

#[derive(Clone, Copy, Default)]
struct Plain {
    span: Option<(usize, usize)>,
    typos: u8,
    gaps: u32,
    literals: u16,
    explained: u32,
}

struct Twin<'a> {
    pack: &'a Pack,
    vocabulary: &'a Vocabulary,
    words: &'a Words,
    found: &'a [Found],
    options: Options,
}

type Then<'t> = &'t mut dyn FnMut(usize, Plain, &[(String, u32)]);

impl Twin<'_> {
    fn token(&self, at: usize) -> Option<&str> {
        self.words
            .tokens
            .get(at)
            .map(|token| self.words.text(token))
    }

    fn content(&self, from: usize, to: usize) -> u32 {
        let counts = |at: &usize| {
            let token = &self.words.tokens[*at];
            token.kind != TokenKind::Emoji
                && !self
                    .pack
                    .function_words
                    .iter()
                    .any(|word| word == self.words.text(token))
        };
        u32::try_from((from..to).filter(counts).count()).unwrap()
    }

    /// Typos with which the token at `at` is `word`.
    fn word(&self, at: usize, word: &str, exact: bool, affixes: bool) -> Option<u8> {
        let token = self.token(at)?;
        let mask = affixes::mask(
            self.options
                .language
                .map(|language| LANGUAGES[usize::from(language)]),
        );
        if token == word || affixes && is_form(token, word, mask) {
            return Some(0);
        }
        let letters = word.chars().count();
        let allowed = if letters >= 9 {
            2
        } else {
            u8::from(letters >= 5)
        };
        let spelled = |word: &str| word.chars().all(char::is_alphabetic);
        let edits = edits(
            &token.chars().collect::<Vec<_>>(),
            &word.chars().collect::<Vec<_>>(),
        );
        let known = self.vocabulary.exact(token).is_known();
        (!exact
            && !known
            && spelled(token)
            && spelled(word)
            && token.chars().next() == word.chars().next()
            && edits <= usize::from(allowed))
        .then(|| u8::try_from(edits).unwrap())
    }

    fn list(&self, list: usize, at: usize) -> BTreeMap<usize, u8> {
        let mut ends = BTreeMap::new();
        for entry in &self.pack.lists[list] {
            let entry: Vec<&str> = entry.split(' ').collect();
            let typos: Option<Vec<u8>> = entry
                .iter()
                .enumerate()
                .map(|(next, word)| self.word(at + next, word, false, false))
                .collect();
            if let Some(typos) = typos {
                let typos: u8 = typos.iter().sum();
                let least = ends.entry(at + entry.len()).or_insert(typos);
                *least = typos.min(*least);
            }
        }
        ends
    }

    fn nodes(
        &self,
        nodes: &[Node],
        at: usize,
        so_far: Plain,
        captures: &[(String, u32)],
        then: Then<'_>,
    ) {
        let Some((node, rest)) = nodes.split_first() else {
            return then(at, so_far, captures);
        };
        let cover = |end: usize, typos: u8, literals: usize| Plain {
            span: so_far
                .span
                .map_or(Some((at, end)), |(first, _)| Some((first, end))),
            typos: so_far.typos + typos,
            literals: so_far.literals + u16::try_from(literals).unwrap(),
            explained: so_far.explained + self.content(at, end),
            ..so_far
        };
        match node {
            Node::Word {
                text,
                exact,
                affixes,
            } => {
                if let Some(typos) = self.word(at, text, *exact || !self.options.typos, *affixes) {
                    self.nodes(rest, at + 1, cover(at + 1, typos, 1), captures, then);
                }
            }
            Node::Any if at < self.words.tokens.len() => {
                self.nodes(rest, at + 1, cover(at + 1, 0, 0), captures, then);
            }
            Node::Any => {}
            Node::Gap(most) => {
                for skipped in 0..=*most {
                    let to = at + skipped as usize;
                    if to > self.words.tokens.len() {
                        break;
                    }
                    self.nodes(
                        rest,
                        to,
                        Plain {
                            gaps: so_far.gaps + skipped,
                            ..so_far
                        },
                        captures,
                        then,
                    );
                }
            }
            Node::List { name, .. } => {
                for (end, typos) in self.list(Fixed.list(name).unwrap().at(), at) {
                    if typos == 0 || self.options.typos {
                        self.nodes(rest, end, cover(end, typos, end - at), captures, then);
                    }
                }
            }
            Node::Entity { capture, name, .. } => {
                for (place, value) in self.found.iter().enumerate() {
                    let inside = |at: &usize| {
                        self.words.tokens[*at].end > value.start
                            && self.words.tokens[*at].start < value.end
                    };
                    let tokens: Vec<usize> = (0..self.words.tokens.len()).filter(inside).collect();
                    if Some(value.entity) == Fixed.entity(name) && tokens.first() == Some(&at) {
                        let captures = [
                            captures,
                            &[(capture.clone(), u32::try_from(place).unwrap())],
                        ]
                        .concat();
                        let end = tokens[tokens.len() - 1] + 1;
                        self.nodes(rest, end, cover(end, value.typos, 0), &captures, then);
                    }
                }
            }
            Node::Choice(branches) | Node::Optional(branches) => {
                for branch in branches {
                    let mut go_on = |at: usize, plain: Plain, captures: &[(String, u32)]| {
                        self.nodes(rest, at, plain, captures, then);
                    };
                    self.nodes(branch, at, so_far, captures, &mut go_on);
                }
                if matches!(node, Node::Optional(_)) {
                    self.nodes(rest, at, so_far, captures, then);
                }
            }
        }
    }

    /// The best way `pattern` fits: what a hit holds.
    fn best(&self, pattern: &Pattern) -> Option<Fits> {
        let tokens = &self.words.tokens;
        let content = self.content(0, tokens.len());
        let mut all = Vec::new();
        for start in 0..=if pattern.start { 0 } else { tokens.len() } {
            self.nodes(
                &pattern.nodes,
                start,
                Plain::default(),
                &[],
                &mut |at, plain, captures| {
                    if pattern.end && at != tokens.len() {
                        return;
                    }
                    let (first, end) = plain.span.unwrap();
                    let fit = 1000 - u32::from(plain.typos) * 60 - (plain.gaps * 15).min(150);
                    let share = (400 * plain.explained).checked_div(content).unwrap_or(400);
                    let score = u16::try_from(fit * (600 + share) / 1000).unwrap();
                    all.push(Fits {
                        score,
                        literals: plain.literals,
                        typos: plain.typos,
                        start: tokens[first].start,
                        end: tokens[end - 1].end,
                        captures: captures.to_vec(),
                    });
                },
            );
        }
        all.into_iter().min_by(|left, right| {
            (
                right.score,
                right.literals,
                left.typos,
                left.start,
                left.end,
                &left.captures,
            )
                .cmp(&(
                    left.score,
                    left.literals,
                    right.typos,
                    right.start,
                    right.end,
                    &right.captures,
                ))
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Fits {
    score: u16,
    literals: u16,
    typos: u8,
    start: u32,
    end: u32,
    captures: Vec<(String, u32)>,
}

fn edits(left: &[char], right: &[char]) -> usize {
    let mut table = vec![vec![0; right.len() + 1]; left.len() + 1];
    for row in 0..=left.len() {
        for column in 0..=right.len() {
            table[row][column] = if row == 0 || column == 0 {
                row + column
            } else {
                let same = left[row - 1] == right[column - 1];
                let mut least = (table[row - 1][column] + 1)
                    .min(table[row][column - 1] + 1)
                    .min(table[row - 1][column - 1] + usize::from(!same));
                if row > 1
                    && column > 1
                    && left[row - 1] == right[column - 2]
                    && left[row - 2] == right[column - 1]
                {
                    least = least.min(table[row - 2][column - 2] + 1);
                }
                least
            };
        }
    }
    table[left.len()][right.len()]
}

fn pool() -> impl Strategy<Value = String> {
    proptest::sample::select(vec![
        "no",
        "water",
        "watre",
        "waters",
        "metsi",
        "ametsi",
        "kametsing",
        "manzi",
        "ngamanzi",
        "account",
        "electricity",
        "my",
        "is",
        "off",
        "tap",
        "taps",
        "balance",
        "town",
        "townhouse",
    ])
    .prop_map(str::to_owned)
}

/// A word as customers spell it.
fn misspelled() -> impl Strategy<Value = String> {
    (
        pool(),
        0..8usize,
        0..4u8,
        0..3u8,
        proptest::sample::select(vec!['a', 'e', 't', 's']),
    )
        .prop_map(|(word, at, kind, again, letter)| {
            let mut letters: Vec<char> = word.chars().collect();
            for round in 0..=usize::from(again % 2) {
                let at = (at + round * 2) % letters.len();
                match kind {
                    0 => letters.insert(at, letter),
                    1 if letters.len() > 1 => drop(letters.remove(at)),
                    2 if at + 1 < letters.len() => letters.swap(at, at + 1),
                    _ => letters[at] = letter,
                }
            }
            letters.into_iter().collect()
        })
}

fn message() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => pool(),
        3 => misspelled(),
        1 => proptest::sample::select(vec!["12".to_owned(), "👍".to_owned(), "old town".to_owned(), "rouxville north".to_owned(), "good day".to_owned()]),
        1 => (proptest::sample::select(vec!["a", "ku", "nga", "se"]), pool(), proptest::sample::select(vec!["", "ng", "ini", "s"]))
            .prop_map(|(prefix, word, suffix)| format!("{prefix}{word}{suffix}")),
    ];
    // Letters thrice in a row stand for others; that is the vocabulary's business and tested there.
    proptest::collection::vec(word, 0..9)
        .prop_map(|words| words.join(" "))
        .prop_filter("long runs", |text| {
            !text
                .as_bytes()
                .windows(3)
                .any(|letters| letters[0] == letters[1] && letters[1] == letters[2])
        })
}

fn phrase() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        10 => pool(),
        2 => pool().prop_map(|word| format!("\"{word}\"")),
        3 => pool().prop_map(|word| format!("{word}~")),
        1 => Just("_".to_owned()),
        2 => proptest::sample::select(vec!["*", "*2", "**"]).prop_map(str::to_owned),
        1 => proptest::sample::select(vec!["@greeting", "@place"]).prop_map(str::to_owned),
        1 => proptest::sample::select(vec!["{number}", "{area}", "{from:area}"]).prop_map(str::to_owned),
    ];
    let item = leaf.prop_recursive(2, 8, 3, |item| {
        (
            proptest::collection::vec(proptest::collection::vec(item, 1..3), 1..3),
            any::<bool>(),
        )
            .prop_map(|(branches, choice)| {
                let inside = branches
                    .iter()
                    .map(|branch| branch.join(" "))
                    .collect::<Vec<_>>()
                    .join("|");
                if choice {
                    format!("({inside})")
                } else {
                    format!("[{inside}]")
                }
            })
    });
    (proptest::collection::vec(item, 1..5), 0..8u8).prop_map(|(items, ends)| {
        let (start, end) = (
            if ends == 0 || ends == 1 { "^" } else { "" },
            if ends == 0 || ends == 2 { "$" } else { "" },
        );
        format!("{start}{}{end}", items.join(" "))
    })
}

fn pack() -> impl Strategy<Value = Pack> {
    let entry = || prop_oneof![3 => pool(), 1 => (pool(), pool()).prop_map(|(left, right)| format!("{left} {right}"))];
    let list = || proptest::collection::vec(entry(), 0..3);
    let phrases = proptest::collection::vec(
        (
            phrase().prop_filter("refused", |phrase| parse(phrase).is_ok()),
            prop::bool::weighted(0.8),
            proptest::option::of(0..4u8),
        ),
        1..6,
    );
    let values = proptest::collection::vec((0..9u32, entry()), 0..4);
    let function_words = proptest::collection::vec(pool(), 0..2);
    (phrases, list(), list(), values, function_words).prop_map(
        |(phrases, mut greetings, mut places, values, function_words)| {
            greetings.push("good day".to_owned());
            places.push("old town".to_owned());
            Pack {
                phrases,
                regexes: Vec::new(),
                lists: vec![greetings, places],
                values,
                function_words,
            }
        },
    )
}

fn expression() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        r"\b",
        r"\s",
        " ",
        "-",
        "'",
        "a",
        "B",
        "ab",
        "s?",
        "[ab]",
        "1",
        "_",
        ".",
        r"\w",
        r"\W",
        "^",
        "$",
        "é",
        "K",
        "ß",
        "ʼ",
        "(?:a|bc)",
        "(a|b )",
        r"(\ba\b|\bb\b)",
        "b+",
        r"\s*",
        "(?:ab ){1,2}",
        "\u{301}",
        "x{0,2}",
        r"\d{1,2}",
        r"\b{start}",
        r"\b{end}",
        "🅰",
    ]);
    proptest::collection::vec(piece, 1..7).prop_map(|pieces| pieces.concat())
}

fn haystack() -> impl Strategy<Value = String> {
    let piece = proptest::sample::select(vec![
        "a", "b", "ab", "AB", "bc", "s", " ", " ", "-", "'", "1", "_", "é", "e\u{301}", "\u{212A}",
        "ß", "ẞ", "ss", "ʼ", "\u{200B}", "\u{200D}", "12:1", "👍", "🅰", "ſ", "\u{301}", "aaaa",
        ".",
    ]);
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Values the plain way: all spans, then the first and longest of each entity.
fn plain_values(twin: &Twin<'_>) -> Vec<(u32, u32, String, u8)> {
    let mut spans = Vec::new();
    for (value, spelling) in &twin.pack.values {
        let spelling: Vec<&str> = spelling.split(' ').collect();
        for at in 0..twin.words.tokens.len() {
            let typos: Option<Vec<u8>> = spelling
                .iter()
                .enumerate()
                .map(|(next, word)| twin.word(at + next, word, false, false))
                .collect();
            if let Some(typos) = typos {
                spans.push((
                    at,
                    std::cmp::Reverse(at + spelling.len()),
                    typos.iter().sum::<u8>(),
                    *value,
                ));
            }
        }
    }
    spans.sort_unstable();
    let mut free = 0;
    let mut values = Vec::new();
    for (first, std::cmp::Reverse(end), typos, value) in spans {
        if first >= free {
            free = end;
            values.push((
                twin.words.tokens[first].start,
                twin.words.tokens[end - 1].end,
                format!("value {value}"),
                typos,
            ));
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_twin_finds_the_same(pack in pack(), messages in proptest::collection::vec(message(), 1..4)) {
        let (matcher, vocabulary) = pack.build();
        let mut scratch = Scratch::default();
        for text in messages {
            let (words, found, hits) = run(&matcher, &vocabulary, &mut scratch, &text);
            let mut twin = Twin { pack: &pack, vocabulary: &vocabulary, words: &words, found: &found, options: Options { typos: true, language: None } };
            let values: Vec<_> = found.iter().filter(|value| value.entity == AREA)
                .map(|value| (value.start, value.end, value.value.clone(), value.typos)).collect();
            prop_assert_eq!(values, plain_values(&twin), "values of {:?}", &text);
            for (number, (phrase, typos, language)) in pack.phrases.iter().enumerate() {
                twin.options = Options { typos: *typos, language: *language };
                let plain = twin.best(&parse(phrase).unwrap());
                let hit = hits.iter().find(|hit| hit.phrase as usize == number).map(|hit| Fits {
                    score: hit.score, literals: hit.literals, typos: hit.typos, start: hit.start, end: hit.end,
                    captures: hit.captures.iter().map(|&(name, found)| (matcher.capture_name(name).to_owned(), found)).collect(),
                });
                prop_assert_eq!(hit, plain, "{:?} on {:?}", phrase, &text);
            }
        }
    }

    #[test]
    fn an_expression_is_tried_wherever_it_matches(expression in expression(), texts in proptest::collection::vec(haystack(), 1..6)) {
        let mut builder = MatcherBuilder::default();
        if builder.add_regex(Owner::Intent(IntentId(0)), &expression).is_ok() {
            let mut words = VocabularyBuilder::default();
            let matcher = builder.build(&mut words).unwrap();
            let vocabulary = words.build();
            let plain = regex::RegexBuilder::new(&expression).case_insensitive(true).build().unwrap();
            for text in texts {
                let (_, _, hits) = run(&matcher, &vocabulary, &mut Scratch::default(), &text);
                let found = hits.first().map(|hit| (hit.start as usize, hit.end as usize));
                prop_assert_eq!(found, plain.find(&text).map(|found| (found.start(), found.end())), "{:?} on {:?}", expression, text);
            }
        }
    }

    #[test]
    fn any_pattern_is_read_or_refused(text in "[a-c()\\[\\]|*_@{}^$~\"\\\\: 0-9]{0,40}|\\PC{0,60}") {
        if let Err(problems) = parse(&text) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(text.get(problem.at.clone()).is_some(), "{:?} of {:?}", problem.at, text);
            }
        }
    }

    #[test]
    fn distances_agree(left in "[a-c]{1,12}", right in "[a-c]{1,12}", most in 1..3u8) {
        let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
        let plain = edits(&left, &right);
        let expected = (left[0] == right[0] && plain <= usize::from(most)).then(|| u8::try_from(plain).unwrap());
        prop_assert_eq!(super::typos::distance(&numbers(&left), &numbers(&right), most), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_matched(texts in proptest::collection::vec("\\PC{0,30}|(no |water |old |good |town |12 ){0,300}", 1..3), repeat in 1..200usize) {
        let pack = Pack {
            phrases: ["no ** water ** town ** {number}", "no * @place", "_ _ {number} ^", "(no|water)~ ** town~"]
                .iter().filter(|phrase| parse(phrase).is_ok()).map(|phrase| ((*phrase).to_owned(), true, None)).collect(),
            lists: vec![Vec::new(), vec!["old town".to_owned(), "town".to_owned()]],
            values: vec![(0, "good".to_owned())],
            regexes: vec![r"(\w+\s*)+\d\b".to_owned()],
            ..Pack::default()
        };
        let (matcher, vocabulary) = pack.build();
        let mut text = texts.concat().repeat(repeat);
        let mut end = text.len().min(64 * 1024);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        let (_, _, hits) = run(&matcher, &vocabulary, &mut Scratch::default(), &text);
        for hit in hits {
            prop_assert!(text.get(hit.start as usize..hit.end as usize).is_some() && hit.score <= 1000);
        }
    }
}
