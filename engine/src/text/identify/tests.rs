//! Languages told apart: the shipped sentences, the twin of the sums, and what stays uncertain.

use proptest::prelude::*;

use super::*;
use crate::text::{VocabularyBuilder, WordInfo};
use grams::READ_CHARS_MAX;

/// Short sentences of the kind that customers write, in the four languages and in three that are none of them.
const SENTENCES: &str = include_str!("sentences.txt");
const FOUR: [&str; 4] = ["en", "st", "af", "xh"];

fn identifier(languages: &[&str]) -> Identifier {
    Identifier::new(
        &languages
            .iter()
            .map(|code| Language::parse(code).unwrap())
            .collect::<Vec<_>>(),
    )
}

/// The guess from n-grams alone.
fn guess(languages: &[&str], text: &str) -> Guess {
    identifier(languages).weigh(text, |_| Known::No)
}

/// The guess of the four when each word of `known` belongs to the languages beside it.
fn guess_knowing(known: &[(&str, &[&str])], text: &str) -> Guess {
    identifier(&FOUR).weigh(text, |word| {
        let spelled = text.get(word.start..word.end).unwrap().to_lowercase();
        let Some((_, languages)) = known.iter().find(|(word, _)| *word == spelled) else {
            return Known::No;
        };
        Known::In(
            languages
                .iter()
                .map(|l| 1 << FOUR.iter().position(|four| four == l).unwrap())
                .sum(),
        )
    })
}

/// `Some` language when certain, `None` when the conversation's stands.
fn certain(guess: Guess) -> Option<&'static str> {
    let certain = guess.certainty >= CERTAIN;
    guess
        .language
        .filter(|_| certain)
        .map(|l| *LANGUAGES.iter().find(|name| **name == l.as_str()).unwrap())
}

fn sentences(languages: &[&str]) -> Vec<(&'static str, &'static str)> {
    let of_them = |(code, _): &(&str, &str)| languages.contains(code);
    SENTENCES
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .filter(of_them)
        .collect()
}

#[test]
fn short_sentences_are_told_apart() {
    let sentences = sentences(&FOUR);
    assert_eq!(sentences.len(), 160);
    let wrong: Vec<_> = sentences
        .iter()
        .map(|(code, text)| (*code, *text, guess(&FOUR, text)))
        .filter(|(code, _, guess)| certain(*guess) != Some(code))
        .collect();
    assert!(wrong.len() <= 4, "{wrong:#?}");
    let mistaken: Vec<_> = wrong
        .iter()
        .filter(|(_, _, guess)| certain(*guess).is_some())
        .collect();
    assert!(mistaken.is_empty(), "{mistaken:#?}");
}

#[test]
fn neighbours_are_none_of_them() {
    let sentences = sentences(&["zu", "tn", "nso"]);
    assert_eq!(sentences.len(), 30);
    let mistaken: Vec<_> = sentences
        .iter()
        .map(|(_, text)| (*text, guess(&FOUR, text)))
        .filter(|(_, guess)| guess.language.is_some() || guess.certainty < CERTAIN)
        .collect();
    // Nine in ten; the rest are too short.
    assert!(mistaken.len() <= 3, "{mistaken:#?}");
}

#[test]
fn any_subset_in_any_order_is_told_apart() {
    for languages in [
        &["xh", "en"][..],
        &["af", "st", "xh"],
        &["st", "xh", "af", "en"],
        &["af", "en"],
    ] {
        let sentences = sentences(&["en", "st", "af", "xh", "zu"]);
        let mistaken = sentences.iter().filter(|(code, text)| {
            let guessed = certain(guess(languages, text));
            guessed.is_some_and(|guessed| guessed != *code)
        });
        assert!(mistaken.count() <= 2, "{languages:?}");
        let right = sentences
            .iter()
            .filter(|(code, text)| certain(guess(languages, text)) == Some(code))
            .count();
        assert!(
            right + 4
                >= sentences
                    .iter()
                    .filter(|(code, _)| languages.contains(code))
                    .count(),
            "{languages:?}"
        );
    }
}

#[test]
fn short_and_mixed_messages_stay_uncertain() {
    for text in [
        "Hi",
        "ok",
        "Ok!",
        "123",
        "",
        "  ",
        "👍",
        "🙏🙏🙏",
        "???",
        "R1 200,50",
        "Mphe sekoloto saka please",
        "Да",
        "水",
    ] {
        assert_eq!(certain(guess(&FOUR, text)), None, "{text}");
    }
    for text in ["123", "", "👍", "нет воды", "水がない"] {
        assert_eq!(
            guess(&FOUR, text),
            Guess {
                language: None,
                certainty: 0.0
            },
            "{text}"
        );
    }
    let greetings = [
        ("hi", &["en"][..]),
        ("ok", &["en"]),
        ("yes", &["en"]),
        ("ja", &["af"]),
        ("ee", &["st"]),
    ];
    for (text, _) in greetings {
        assert_eq!(certain(guess_knowing(&greetings, text)), None, "{text}");
    }
}

#[test]
fn clear_short_messages_are_certain() {
    for (text, language) in [
        ("Ha ho metsi", "st"),
        ("HA HO METSI!!!", "st"),
        ("Umbane awukho", "xh"),
        ("Ke a leboha", "st"),
        ("môre is te laat", "af"),
        ("more is te laat", "af"),
    ] {
        assert_eq!(certain(guess(&FOUR, text)), Some(language), "{text}");
    }
    let known: [(&str, &[&str]); 9] = [
        ("dankie", &["af"]),
        ("geen", &["af"]),
        ("akukho", &["xh"]),
        ("no", &["en"]),
        ("water", &["en", "af"]),
        ("enkosi", &["xh"]),
        ("molo", &["xh"]),
        ("hello", &["en"]),
        ("dumela", &["st"]),
    ];
    for (text, language) in [
        ("no water", "en"),
        ("Dankie", "af"),
        ("Akukho manzi", "xh"),
        ("Enkosi", "xh"),
        ("Molo", "xh"),
        ("Hello", "en"),
        ("Dumela!", "st"),
        ("geen water", "af"),
    ] {
        assert_eq!(
            certain(guess_knowing(&known, text)),
            Some(language),
            "{text}"
        );
    }
}

#[test]
fn names_leave_the_language_of_a_message_alone() {
    let known: [(&str, &[&str]); 25] = [
        ("my", &["en", "af"]),
        ("is", &["en", "af"]),
        ("pothole", &["en"]),
        ("in", &["en", "af"]),
        ("street", &["en"]),
        ("no", &["en"]),
        ("water", &["en", "af"]),
        ("since", &["en"]),
        ("call", &["en"]),
        ("please", &["en"]),
        ("hello", &["en"]),
        ("to", &["en"]),
        ("ha", &["st"]),
        ("ho", &["st"]),
        ("metsi", &["st"]),
        ("motlakase", &["st"]),
        ("ke", &["st"]),
        ("dankie", &["af"]),
        ("geen", &["af"]),
        ("krag", &["af"]),
        ("die", &["af"]),
        ("akukho", &["xh"]),
        ("manzi", &["xh"]),
        ("enkosi", &["xh"]),
        ("umbane", &["xh"]),
    ];
    for (text, language) in [
        ("big pothole in Voortrekker street", "en"),
        ("no water in Zastron since yesterday", "en"),
        ("please call Nomvula Qwabe", "en"),
        ("Ha ho metsi Voortrekker street", "st"),
        ("Motlakase ha o yo Rouxville", "st"),
        ("Ha ho metsi Khayelitsha", "st"),
        ("Dankie Mxolisi", "af"),
        ("geen water in Matlakeng", "af"),
        ("die krag is af in Khayelitsha", "af"),
        ("Enkosi Johan", "xh"),
        ("Akukho manzi eVoortrekker street", "xh"),
        ("Akukho manzi eRouxville", "xh"),
    ] {
        assert_eq!(
            certain(guess_knowing(&known, text)),
            Some(language),
            "{text}"
        );
    }
    for text in [
        "mxolisi",
        "Voortrekker",
        "Goedemoed",
        "Vanderbijlpark",
        "qwerty uiop",
        "Xolani Gxowa",
        "Thabo Mokoena",
        "Piet Retief",
        "12 Nkosinathi",
        // What both languages share does not tell them apart.
        "My name is Mxolisi Nkosinathi Dlamini",
    ] {
        assert_eq!(certain(guess_knowing(&known, text)), None, "{text}");
    }
}

proptest! {
    /// What an unknown word adds is bounded, whatever it looks like.
    #[test]
    fn no_stranger_outvotes_two_known_words(name in "[a-z]{1,14}") {
        let known: [(&str, &[&str]); 2] = [("water", &["en"]), ("outage", &["en"])];
        let guess = guess_knowing(&known, &format!("water outage {name}"));
        prop_assert_eq!(guess.language, Some(Language::EN));
    }
}

#[test]
fn known_words_of_two_languages_make_a_text_mixed() {
    let known: [(&str, &[&str]); 4] = [
        ("mphe", &["st"]),
        ("sekoloto", &["st"]),
        ("please", &["en"]),
        ("balance", &["en"]),
    ];
    for text in ["Mphe sekoloto saka please", "Mphe balance"] {
        assert_eq!(certain(guess_knowing(&known, text)), None, "{text}");
    }
}

#[test]
fn the_name_of_a_town_does_not_make_a_text_mixed() {
    let known: [(&str, &[&str]); 1] = [("johannesburg", &[])];
    assert_eq!(
        certain(guess_knowing(&known, "Ha ho metsi Johannesburg")),
        Some("st")
    );
}

#[test]
fn a_language_the_table_does_not_hold_needs_known_words() {
    let pack = identifier(&["ve", "en"]);
    let text = "Ndi khou humbela thuso ya madi";
    assert_ne!(
        pack.weigh(text, |_| Known::No).language,
        Language::parse("ve")
    );
    let guess = pack.weigh(text, |_| Known::In(0b01));
    assert_eq!(guess.language, Language::parse("ve"));
    assert_eq!(
        pack.weigh("There is no water in our street", |_| Known::No)
            .language,
        Some(Language::EN)
    );
    assert_eq!(
        identifier(&["ve"]).weigh(text, |_| Known::No).language,
        None
    );
}

#[test]
fn only_the_beginning_is_read() {
    let sesotho = "ha ho metsi seterateng sa rona ".repeat(20);
    let long = format!(
        "{sesotho}{}",
        "there is no water in our street ".repeat(100)
    );
    assert!(sesotho.len() > READ_CHARS_MAX);
    assert_eq!(guess(&FOUR, &long), guess(&FOUR, &sesotho));
}

#[test]
fn the_vocabulary_speaks_through_its_tokens() {
    let mut builder = VocabularyBuilder::default();
    for (word, languages) in [
        ("molo", 0b1000),
        ("mphe", 0b0010),
        ("sekoloto", 0b0010),
        ("please", 0b0001),
    ] {
        builder.intern(
            word,
            WordInfo {
                languages,
                function: false,
            },
        );
    }
    let vocabulary = builder.build();
    let pack = identifier(&FOUR);
    let identify = |text: &str| {
        let mut words = Words::default();
        vocabulary.read(text, &mut words);
        pack.identify(text, &words, &vocabulary)
    };
    assert_eq!(certain(identify("👋 MOLO!")), Some("xh"));
    assert_eq!(certain(identify("1, 2 - Mphe sekoloto saka please")), None);
    assert_eq!(
        identify("Ha ho metsi"),
        pack.weigh("Ha ho metsi", |_| Known::No)
    );
    assert_eq!(
        identify(""),
        Guess {
            language: None,
            certainty: 0.0
        }
    );
}

proptest! {
    #[test]
    fn any_text_gets_a_certainty(text in any::<String>()) {
        let guess = guess(&FOUR, &text);
        prop_assert!((0.0..=1.0).contains(&guess.certainty));
    }

    #[test]
    fn words_lie_in_the_text_in_order(text in "[a-zšê '’0-9\u{301}Жß.-]{0,60}") {
        let mut end = 0;
        for word in Table::new(TABLE).words(&text) {
            prop_assert!(word.start >= end && word.end > word.start);
            prop_assert!(text.get(word.start..word.end).is_some());
            end = word.end;
        }
    }

    /// The scores of the words are those of the n-grams of the whole text, looked up one by one.
    #[test]
    fn scores_are_sums_over_ngrams(words in prop::collection::vec("[a-z]{1,9}", 0..12)) {
        let mut naive = [0_i32; 8];
        let padded: Vec<u32> =
            [0; 5].into_iter().chain(words.iter().flat_map(|w| w.bytes().map(|b| u32::from(b - b'a') + 1).chain([0]))).collect();
        for end in 6..=padded.len() {
            for length in 2_u32..=5 {
                let letters = padded[end - length as usize..end].iter().fold(0, |all, letter| all * 32 + letter);
                let slot = ((letters | length << 27).wrapping_mul(0x9E37_79B1) >> 16) as usize;
                for (lane, sum) in naive.iter_mut().enumerate() {
                    *sum += i32::from(TABLE[slot * 8 + lane].cast_signed());
                }
            }
        }
        let text = words.join(" ");
        let mut sum = [0_i32; 8];
        for word in Table::new(TABLE).words(&text) {
            sum.iter_mut().zip(word.scores).for_each(|(sum, score)| *sum += score);
        }
        prop_assert_eq!(sum, naive);
    }
}
