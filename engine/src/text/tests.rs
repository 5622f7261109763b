//! Folding, splitting and the vocabulary, by behaviour.

use proptest::prelude::*;

use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(fold(text), expected, "{text:?}");
}

#[test]
fn folding() {
    for (text, expected) in [
        ("No WATER!", "no water"),
        ("Môre, ’n koeël", "more n koeel"),
        ("don’t DON'T don`t don´t dont", "dont dont dont dont dont"),
        (
            "can't won’t ISN`T n't mustn't've",
            "cant wont isnt nt mustn't've",
        ),
        ("n'tt he'll o't don't.", "n'tt he'll o't dont"),
        (
            "'quoted' o'clock rock 'n roll",
            "quoted o'clock rock n roll",
        ),
        (
            "H2O 12:30 R1 200,50 R200,50 2nd 1,200.50.",
            "h2o 12:30 r1 200,50 r200,50 2nd 1,200.50",
        ),
        ("12: 30 . 5 a.b", "12 30 5 a b"),
        (
            "follow-up e-mail and/or snake_case",
            "follow up e mail and or snake case",
        ),
        ("heeeeeeelp www iii 1000000", "heeelp www iii 1000000"),
        ("HEeeEElp", "heeelp"),
        ("wa\u{200B}ter \u{FEFF}ok so\u{00AD}ft", "water ok soft"),
        ("ﬁne ｆｕｌｌ ② ½", "fine full 2 1⁄2"),
        ("Straße STRASSE ẞ", "strasse strasse ss"),
        ("cafe\u{301} CAFÉ", "cafe cafe"),
        ("👍🏽👍 ❤️ ❤", "👍 👍 ❤ ❤"),
        ("👩🏽\u{200D}🔧 🇿🇦🇱🇸 1️⃣", "👩\u{200D}🔧 🇿🇦 🇱🇸 1"),
        ("water😡no", "water 😡 no"),
        ("", ""),
        ("?!… --", ""),
        ("हिन्दी", "हिन्दी"),
    ] {
        check(text, expected);
    }
}

fn vocabulary(words: &[&str]) -> Vocabulary {
    let mut builder = VocabularyBuilder::default();
    for word in words {
        builder.intern(word, WordInfo::default());
    }
    builder.build()
}

#[test]
fn only_unknown_words_are_read_as_others() {
    let known = [
        "help", "good", "god", "too", "to", "iii", "ii", "don't", "he'll", "hell", "ill", "i'll",
    ];
    let vocabulary = vocabulary(&known);
    for (text, expected) in [
        ("heeeeelp", Some("help")),
        ("heelp", None),
        ("gooood", Some("good")),
        ("god", Some("god")),
        ("toooo", Some("too")),
        ("ttttoooo", Some("too")),
        ("iii", Some("iii")),
        ("ii", Some("ii")),
        ("iiiii", Some("iii")),
        ("dont", Some("don't")),
        ("don’t", Some("dont")),
        ("i'll", Some("i'll")),
        ("hell", Some("hell")),
        ("ill", Some("ill")),
        ("other", None),
    ] {
        let mut words = Words::default();
        vocabulary.read(text, &mut words);
        let expected = expected.map_or(WordId::UNKNOWN, |word| vocabulary.number(&fold(word)));
        assert_eq!(
            words.tokens.first().map(|token| token.word),
            Some(expected),
            "{text}"
        );
    }
}

#[test]
fn information_is_merged() {
    let mut builder = VocabularyBuilder::default();
    let first = builder.intern(
        "Die",
        WordInfo {
            languages: 1,
            function: false,
        },
    );
    let second = builder.intern(
        "die",
        WordInfo {
            languages: 4,
            function: true,
        },
    );
    assert_eq!(first, second);
    assert_eq!(builder.text(first), "die");
    assert_eq!(
        builder.build().info(first),
        WordInfo {
            languages: 5,
            function: true
        }
    );
}

#[test]
fn only_the_first_characters_are_read() {
    let vocabulary = vocabulary(&["end"]);
    let mut words = Words::default();
    for filler in ["a ", "é "] {
        let long = filler.repeat(MATCHED_CHARS_MAX / 2);
        vocabulary.read(&format!("{long}end"), &mut words);
        assert_eq!(words.tokens.len(), MATCHED_CHARS_MAX / 2);
    }
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-cA-C'’.,:0-9 -]{1,6}",
        2 => "[éôßſŉİΣςﬁ½ⅷ①\u{301}\u{200B}\u{200D}\u{FE0F}\u{20E3}´]{1,4}",
        2 => "[👍🏽🇿🇦❤👩🔧\u{200D}\u{FE0F}]{1,5}",
        1 => "\\PC{0,8}",
        1 => "[\u{900}-\u{97f}\u{5d0}-\u{5ff}\u{600}-\u{660}\u{1100}-\u{11ff}\u{ac00}-\u{ac20}]{1,5}",
        1 => any::<String>(),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn folding_twice_is_folding_once(text in text()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }

    #[test]
    fn both_paths_fold_ascii_alike(text in "[ -~]{0,40}|[a-b'`:. 1]{0,30}") {
        // An accent on a word of its own sends the rest down the other path.
        prop_assert_eq!(fold(&format!("{text} é")), format!("{} e", fold(&text)).trim_start().to_owned());
    }

    #[test]
    fn tokens_tile_the_text_in_order(text in text()) {
        let mut words = Words::default();
        split(&text, &mut words, |_| WordId::UNKNOWN);
        let mut last = 0;
        for token in &words.tokens {
            let (start, end) = (token.start as usize, token.end as usize);
            prop_assert!(last <= start && start < end);
            prop_assert!(text.get(start..end).is_some());
            prop_assert!(!words.text(token).is_empty());
            // What lies between tokens holds no word of its own.
            prop_assert_eq!(fold(text.get(last..start).unwrap()), "");
            last = end;
        }
        prop_assert_eq!(fold(text.get(last..).unwrap()), "");
    }

    #[test]
    fn every_word_is_found_again(texts in proptest::collection::vec("[a-d]{1,4}", 0..60)) {
        let mut builder = VocabularyBuilder::default();
        let numbers: Vec<_> = texts.iter().map(|text| builder.intern(text, WordInfo::default())).collect();
        let vocabulary = builder.build();
        for (text, number) in texts.iter().zip(numbers) {
            prop_assert_eq!(vocabulary.number(&fold(text)), number);
        }
    }
}
