//! Moods in four languages, what lexicon files may say, and what holds for any text.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostics;
use crate::source::Source;
use crate::text::{Vocabulary, VocabularyBuilder, WordInfo, Words};

fn shipped() -> (Vec<Source>, Lexicons, Diagnostics) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../lexicons");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let read = |name: String| Source {
        text: std::fs::read_to_string(folder.join(&name)).unwrap(),
        name,
    };
    let sources: Vec<Source> = names.into_iter().map(read).collect();
    let (lexicons, diagnostics) = Lexicons::parse(&sources);
    (sources, lexicons, diagnostics)
}

fn lexicons() -> Lexicons {
    shipped().1
}

fn language(code: &str) -> Language {
    Language::parse(code).unwrap()
}

#[test]
fn every_shipped_lexicon_is_sound_and_says_where_it_is_from() {
    let (sources, lexicons, diagnostics) = shipped();
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    for source in sources.iter().filter(|source| source.name != "README.md") {
        for key in ["# source: ", "# licence: "] {
            let stated = source
                .text
                .lines()
                .take_while(|line| line.starts_with('#'))
                .any(|line| line.starts_with(key));
            assert!(stated, "{} has no `{key}`", source.name);
        }
    }
    for code in ["en", "st", "af", "xh"] {
        let count = lexicons.function_words(language(code)).len();
        assert!(
            (60..=180).contains(&count),
            "{code} has {count} function words"
        );
        assert!(lexicons.judges.contains_key(&language(code)), "{code}");
    }
    assert!(lexicons.function_words(language("zu")).is_empty());
}

fn check_labels(code: &str, labels: &[(Label, &[&str])]) {
    let lexicons = lexicons();
    for (expected, texts) in labels {
        for text in *texts {
            let mood = sentiment(&lexicons, text, language(code));
            assert_eq!(mood.label, *expected, "{text}: {mood:?}");
        }
    }
}

#[test]
fn labels_in_sesotho() {
    check_labels(
        "st",
        &[
            (
                Label::Angry,
                &[
                    "Ha ho metsi, ke halefile",
                    "Ha ho metsi ke halefile",
                    "Paepe e robehile, metsi a dutla",
                    "😡",
                ],
            ),
            (
                Label::Negative,
                &[
                    "Ha ho metsi Zastron",
                    "Ha ke a kgotsofala",
                    "Re phela ntle le motlakase",
                    "Ke leboha, empa ha ho motlakase",
                ],
            ),
            (Label::Neutral, &["Ke kopa thuso", "Dumela, ke batla metsi"]),
            (
                Label::Positive,
                &["Ke leboha haholo", "Ke leboha haholo!!", "Ha ho bothata"],
            ),
        ],
    );
}

#[test]
fn labels_in_afrikaans() {
    check_labels(
        "af",
        &[
            (
                Label::Angry,
                &[
                    "Ek is baie kwaad, daar is al weer geen water nie",
                    "Dankie, maar die diens is vreeslik",
                ],
            ),
            (
                Label::Negative,
                &[
                    "Daar is geen water nie",
                    "Dit is nie goed nie",
                    "Dit werk nie",
                    "Dit is nog nie opgelos nie",
                ],
            ),
            (
                Label::Neutral,
                &[
                    "Ek het hulp nodig met my rekening",
                    "Goeie môre, hoeveel skuld ek?",
                ],
            ),
            (
                Label::Positive,
                &[
                    "Baie dankie",
                    "Geen probleem nie",
                    "Die probleem is opgelos",
                ],
            ),
        ],
    );
}

#[test]
fn labels_in_isixhosa() {
    check_labels(
        "xh",
        &[
            (Label::Angry, &["Ndinomsindo, akukho manzi"]),
            (
                Label::Negative,
                &[
                    "Akukho manzi eZastron",
                    "Amanzi awekho",
                    "Andonwabanga yinkonzo yenu",
                    "Enkosi kodwa umbane awukho",
                ],
            ),
            (Label::Neutral, &["Ndicela uncedo"]),
            (Label::Positive, &["Enkosi kakhulu", "Akukho ngxaki"]),
        ],
    );
}

#[test]
fn labels_in_english_and_a_language_without_lexicon() {
    check_labels(
        "en",
        &[
            (Label::Angry, &["No water again, I am furious!"]),
            (Label::Neutral, &["What are your hours"]),
            (Label::Positive, &["Thank you very much"]),
        ],
    );
    check_labels("zu", &[(Label::NotJudged, &["Ngiyabonga kakhulu"])]);
}

#[test]
fn a_lexicon_judges_its_own_language_only() {
    let lexicons = lexicons();
    // "Ha" laughs in VADER's lexicon.
    assert!(lexicons.vader("Ha ho metsi").compound > 0.0);
    assert!(
        sentiment(&lexicons, "Ha ho metsi", Language::ST)
            .score
            .unwrap()
            < 0.0
    );
    assert_eq!(
        sentiment(&lexicons, "Baie dankie", Language::EN).label,
        Label::Neutral
    );
    assert_eq!(
        sentiment(&lexicons, "good", language("nso")),
        Mood::default()
    );
    assert_eq!(
        sentiment(&Lexicons::default(), "good", Language::EN),
        Mood::default()
    );
    assert_eq!(Lexicons::default().vader("good"), Polarity::default());
}

fn check_words(code: &str, text: &str, expected: &[&str]) {
    let mood = LEXICONS.with(|lexicons| sentiment(lexicons, text, language(code)));
    let word = |word: &MoodWord| {
        assert_eq!(
            text.get(word.start as usize..word.end as usize),
            Some(word.text.as_str())
        );
        let file = word.at.as_ref().map_or("-", |at| &*at.file);
        format!("{} {:.3} {file}: {}", word.text, word.value, word.why)
    };
    let words: Vec<String> = mood.words.iter().map(word).collect();
    assert_eq!(words, expected, "{text}");
}

#[test]
fn every_english_word_that_counts_is_named_with_its_reasons() {
    check_words(
        "en",
        "I am VERY happy",
        &["happy 3.726 vader.tsv: lexicon, intensified"],
    );
    check_words(
        "en",
        "not GOOD!!",
        &[
            "GOOD -1.948 vader.tsv: lexicon, capitals, negated",
            "!! -0.584 -: punctuation",
        ],
    );
    check_words(
        "en",
        "good but slightly bad",
        &[
            "good 0.950 vader.tsv: lexicon, before \"but\"",
            "bad -3.310 vader.tsv: lexicon, dampened, after \"but\"",
        ],
    );
    // A word glued to a description is no longer itself, and what the description says is the emoji's.
    check_words(
        "en",
        "so 😀good",
        &["😀 1.793 vader.tsv: lexicon, intensified"],
    );
    check_words(
        "en",
        "môre 😁 good",
        &[
            "😁 2.000 vader.tsv: lexicon",
            "good 1.900 vader.tsv: lexicon",
        ],
    );
}

#[test]
fn every_other_word_that_counts_is_named_with_its_reasons() {
    check_words(
        "st",
        "Ke LEBOHA haholo",
        &["LEBOHA 3.026 st.tsv: lexicon, capitals, intensified"],
    );
    check_words(
        "st",
        "Ha ho metsi",
        &["metsi -1.800 st-modifiers.tsv: lexicon, said to be missing"],
    );
    check_words(
        "af",
        "Glad nie goed nie!",
        &[
            "goed -1.406 af.tsv: lexicon, negated",
            "! -0.292 -: punctuation",
        ],
    );
    check_words("st", "Ke kopa thuso!", &[]);
}

#[test]
fn places_are_lines_of_the_lexicon() {
    let (sources, lexicons, _) = shipped();
    for (code, text) in [("en", "good"), ("st", "leboha"), ("xh", "enkosi")] {
        let mood = sentiment(&lexicons, text, language(code));
        let at = mood.words[0].at.clone().unwrap();
        let source = sources
            .iter()
            .find(|source| *source.name == *at.file)
            .unwrap();
        let line = source.text.lines().nth(at.line as usize - 1).unwrap();
        assert!(line.starts_with(&format!("{text}\t")), "{line}");
    }
}

#[test]
fn modifiers_reach_as_far_as_they_should() {
    let lexicons = lexicons();
    let score = |code: &str, text: &str| sentiment(&lexicons, text, language(code)).score.unwrap();
    // Not over a mark, not over another word that counts, not over a "but", not over four words.
    assert!(score("af", "nie, goed") > 0.0);
    assert!(score("af", "nie goed vriendelik") > 0.0);
    assert!(score("af", "nie vandag in die dorp goed") > 0.0);
    assert!(score("af", "dit is goed maar nie meer") > 0.0);
    // Each on its own side.
    assert!(score("st", "leboha haholo") > score("st", "leboha"));
    assert_eq!(
        score("st", "haholo leboha").to_bits(),
        score("st", "leboha").to_bits()
    );
    assert!(score("af", "baie dankie") > score("af", "effens dankie"));
    assert!(score("af", "baie dankie") > score("af", "baie die dankie"));
    // Marks strengthen a mood and make none.
    assert!(score("xh", "enkosi!!") > score("xh", "enkosi"));
    assert!(score("xh", "molo!!!").abs() < f64::EPSILON);
}

/// A vocabulary with words of a pack's own, some of which drawn-out or misspelled words are taken for.
struct Pack {
    scorer: Scorer,
    vocabulary: Vocabulary,
}

impl Pack {
    fn new(lexicons: &Lexicons) -> Self {
        let mut vocabulary = VocabularyBuilder::default();
        for word in [
            "water", "help", "don't", "can't", "metsi", "so", "no", "goood",
        ] {
            vocabulary.intern(
                word,
                WordInfo {
                    languages: 1,
                    function: false,
                },
            );
        }
        let languages = [Language::EN, Language::ST, Language::AF, Language::XH];
        let scorer = Scorer::build(lexicons, &languages, &mut vocabulary);
        Self {
            scorer,
            vocabulary: vocabulary.build(),
        }
    }

    fn mood(&self, text: &str, of: Language) -> Mood {
        let mut words = Words::default();
        self.vocabulary.read(text, &mut words);
        self.scorer.score(text, &words, &self.vocabulary, Some(of))
    }
}

thread_local! {
    static LEXICONS: Lexicons = lexicons();
    static PACK: Pack = Pack::new(&lexicons());
}

#[test]
fn riding_on_the_vocabulary_changes_no_score() {
    for text in [
        "I neeeeed heeeelp, this is baaad",
        "dont like it",
        "cant stand it",
        "sooo good",
        "so very good",
        "grrr",
        "argh!",
        "no no good",
        "VERY good, well-off :)",
        "it's great 😀 good",
        "coooool",
        "ZZZZ zzz good",
        "don`t like it",
    ] {
        let mood = PACK.with(|pack| pack.mood(text, Language::EN));
        LEXICONS.with(|lexicons| {
            assert_eq!(mood.score, Some(lexicons.vader(text).compound), "{text}");
            assert_eq!(mood, sentiment(lexicons, text, Language::EN), "{text}");
        });
    }
}

/// Words that make things happen, marks and odd characters.
fn any_message() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "good", "goood", "heeelp", "dont", "BAD", "not", "no", "never", "so", "this", "but",
        "very", "kind", "of", "least", "at", "water", "sort", "the", "bomb", "ok!", "😀", "👍🏽",
        ":)", "don't", "ha", "ho", "metsi", "leboha", "haholo", "empa", "nie", "geen", "dankie",
        "kwaad", "baie", "maar", "akukho", "manzi", "enkosi", "kakhulu", "!", "??", ",",
        "\u{212A}", "ǅ",
    ]);
    let piece = prop_oneof![4 => word.prop_map(str::to_owned), 1 => any::<String>()];
    prop::collection::vec(
        (
            piece,
            prop::sample::select(vec![" ", "", "\n", "\u{1c}", "\u{a0}"]),
        ),
        0..24,
    )
    .prop_map(|pieces| {
        pieces
            .into_iter()
            .map(|(piece, blank)| piece + blank)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn figures_stay_within_bounds(text in any_message()) {
        LEXICONS.with(|lexicons| {
            let Polarity { neg, neu, pos, compound } = lexicons.vader(&text);
            prop_assert!((-1.0..=1.0).contains(&compound));
            for part in [neg, neu, pos] {
                prop_assert!((0.0..=1.0).contains(&part));
            }
            let whole = neg + neu + pos;
            prop_assert!(whole == 0.0 || (whole - 1.0).abs() < 0.002);
            for code in ["en", "st", "af", "xh"] {
                let mood = sentiment(lexicons, &text, language(code));
                prop_assert!(mood.score.is_some_and(|score| (-1.0..=1.0).contains(&score)));
                for word in &mood.words {
                    prop_assert!(text.is_char_boundary(word.start as usize) && word.start < word.end);
                    prop_assert!(text.is_char_boundary(word.end as usize));
                }
                prop_assert_eq!(&mood, &sentiment(lexicons, &text, language(code)));
            }
            Ok(())
        })?;
    }

    #[test]
    fn the_mood_in_english_is_vaders(text in any_message()) {
        let expected = LEXICONS.with(|lexicons| Some(lexicons.vader(&text).compound));
        LEXICONS.with(|lexicons| {
            prop_assert_eq!(sentiment(lexicons, &text, Language::EN).score, expected);
            Ok(())
        })?;
        prop_assert_eq!(PACK.with(|pack| pack.mood(&text, Language::EN).score), expected);
    }

    #[test]
    fn neutral_words_behind_do_not_move_the_score(text in any_message(), count in 1usize..6) {
        LEXICONS.with(|lexicons| {
            // Digits have no case and are in no lexicon; the blank keeps them from what stands before.
            let more = format!("{text} 12{}", " 7".repeat(count));
            let capitals = text.chars().any(char::is_uppercase);
            prop_assume!(!capitals);
            prop_assert_eq!(lexicons.vader(&more).compound.to_bits(), lexicons.vader(&text).compound.to_bits());
            for code in ["st", "af", "xh"] {
                let score = |text: &str| sentiment(lexicons, text, language(code)).score;
                prop_assert_eq!(score(&more), score(&text));
            }
            Ok(())
        })?;
    }
}

#[test]
fn texts_of_64_kib_are_ordinary() {
    let lexicons = lexicons();
    for piece in [
        "good ",
        "good but bad ",
        "no ",
        "a",
        " ",
        "!",
        "😀",
        "é",
        "\u{3000}x",
        "ha ho metsi ",
        "nie goed nie, ",
        "\0",
    ] {
        let text = piece.repeat(65_536 / piece.len());
        for code in ["en", "st", "af", "xh"] {
            let score = sentiment(&lexicons, &text, language(code)).score.unwrap();
            assert!((-1.0..=1.0).contains(&score), "{piece:?}");
        }
    }
}
