//! VADER equals the Python package: vectors made with it, and a table of its oddities with the reason for each.
//!
//! `vader/generate.py` makes the vectors; nothing here computes an expected figure.

use puisano_engine::{Lexicons, Polarity, Source};

const FILES: [&str; 3] = ["vader.tsv", "vader-emoji.tsv", "vader-modifiers.tsv"];
const VECTORS: &str = include_str!("vader/vectors.tsv");

fn lexicons() -> Lexicons {
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../lexicons")
            .join(name);
        Source {
            name: name.to_owned(),
            text: std::fs::read_to_string(path).expect("a shipped lexicon"),
        }
    };
    let (lexicons, diagnostics) = Lexicons::parse(&FILES.map(read));
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    lexicons
}

/// The figures as Python prints them.
fn printed(figures: Polarity) -> String {
    format!(
        "{:?}\t{:?}\t{:?}\t{:?}",
        figures.neg, figures.neu, figures.pos, figures.compound
    )
}

#[test]
fn every_vector_prints_the_same_figures() {
    let lexicons = lexicons();
    let mut count = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let (figures, text) = line
            .rsplit_once("\t\"")
            .expect("figures, a tab and a JSON string");
        let text: String = serde_json::from_str(&format!("\"{text}")).expect("a JSON string");
        assert_eq!(printed(lexicons.vader(&text)), figures, "{text:?}");
        count += 1;
    }
    assert!(count > 3_000, "{count} vectors");
}

#[test]
fn quirks() {
    let lexicons = lexicons();
    for (quirk, text, compound) in QUIRKS {
        assert_eq!(
            format!("{:?}", lexicons.vader(text).compound),
            format!("{compound:?}"),
            "{quirk}: {text:?}"
        );
    }
}

#[test]
fn long_texts_of_one_word_are_quick_to_weigh() {
    let text = "ok but ".repeat(9_000);
    assert!(lexicons().vader(&text).compound > 0.99);
}

const QUIRKS: &[(&str, &str, f64)] = &[
    (
        "Two characters left after stripping keep their marks, so the word is lost",
        "ok",
        0.296,
    ),
    (
        "Two characters left after stripping keep their marks, so the word is lost",
        "ok!",
        0.0,
    ),
    ("Longer words lose their marks", "\"good!\"", 0.4926),
    ("Emoticons are found with their marks", "nice :)", 0.7003),
    ("Marks inside a word stay", "well-off", 0.0),
    ("One question mark says nothing", "good?", 0.4404),
    ("Two question marks do", "good??", 0.504),
    ("Three question marks", "good???", 0.533),
    ("Four and more are a fixed amount", "good??????", 0.594),
    ("Exclamations count up to four", "good!!!!", 0.6209),
    ("Exclamations count up to four", "good!!!!!!!!", 0.6209),
    ("Marks push down what is bad", "bad!!", -0.6229),
    ("Marks do nothing to a neutral text", "Hello!!!", 0.0),
    (
        "Capitals count when others are not in capitals",
        "this is GOOD",
        0.5622,
    ),
    ("All in capitals is not loud", "THIS IS GOOD", 0.4404),
    ("Capitals on a booster", "VERY good", 0.6028),
    (
        "A zero valence in capitals goes down",
        "say NO good",
        -0.4835,
    ),
    ("Boosters fade with distance", "very good", 0.4927),
    ("Boosters fade with distance", "very much good", 0.4902),
    ("Boosters fade with distance", "very much more good", 0.5356),
    ("Boosters count for nothing themselves", "incredible", 0.0),
    ("A dampener", "slightly bad", -0.4951),
    ("A negation right before", "not good", -0.3412),
    ("A negation two words before", "not a good", -0.3412),
    ("A negation three words before", "not a real good", -0.3412),
    (
        "A negation four words before is not heard",
        "not a b c good",
        0.4404,
    ),
    ("Two negations", "not never good", 0.2594),
    ("n't anywhere in a word", "blan'TBER good", -0.3412),
    ("Capital in a negation", "DON'T like", -0.2755),
    (
        "A rated word between neither boosts nor negates",
        "bad good",
        -0.1531,
    ),
    ("never so", "never so good", 0.5777),
    ("never this, two words before", "never so very good", 0.6236),
    (
        "so right before, three words in, without never",
        "x y so good",
        0.5777,
    ),
    ("this right before, three words in", "x y this bad", -0.628),
    ("without doubt", "without doubt good", 0.6136),
    (
        "without a doubt: three words",
        "without a doubt excellent",
        0.7013,
    ),
    ("doubt is rated itself", "a doubt good", 0.1027),
    ("least negates", "the least good", -0.3412),
    ("least as the first word", "least good", -0.3412),
    ("at least does not", "at least good", 0.4404),
    ("very least does not", "very least good", 0.4902),
    (
        "no before a rated word is a negation only",
        "no good",
        -0.3412,
    ),
    ("no two words before", "no such good", -0.5583),
    ("no and nor", "no x nor good", -0.0412),
    ("no and or", "no x or good", -0.5583),
    ("no at the end is itself", "I say no", -0.296),
    ("no before a neutral word is itself", "no water", -0.296),
    ("kind of: kind is not rated", "kind of good", 0.4404),
    (
        "kind of at distance three, twice",
        "a b kind of good",
        0.3832,
    ),
    ("just enough", "x just enough good", 0.3832),
    ("sort of lowers the bad", "x sort of bad", -0.5849),
    ("Idioms need three words before", "the bomb", -0.4939),
    (
        "Idioms need three words before",
        "this thing is the bomb",
        0.6124,
    ),
    ("Idioms after the word", "it is so bad ass", 0.6124),
    ("kiss of death", "it was the kiss of death", -0.6124),
    ("to die for", "x y cake to die for", -0.5994),
    ("beating heart", "x y my beating heart", 0.875),
    ("bus stop is zero", "at x the bus stop", 0.0),
    ("yeah right", "x y z yeah right", -0.4588),
    ("badass alone cannot act", "it is x badass", 0.34),
    ("but halves and adds half", "good but bad", -0.5859),
    ("but with equal values", "good good but good good", 0.891),
    (
        "but takes a changed value for another",
        "great wonderful but nice good",
        0.9091,
    ),
    ("The first but only", "good but bad but good", 0.0129),
    ("Emoji by description", "😀", 0.3612),
    ("A description is glued to what follows", "😀good", 0.3612),
    (
        "A description is parted from what stands before",
        "good😀",
        0.6597,
    ),
    ("A blank before is not doubled", "good 😀", 0.6597),
    ("Other blanks are not seen", "good\t😀", 0.6597),
    (
        "Joined parts without description stay glued",
        "👨\u{200D}👩\u{200D}👧 love",
        0.6369,
    ),
    ("A skin tone is described", "👍🏽", 0.0),
    ("A mark inside a description counts", "good 🔛", 0.4926),
    (
        "Capitals inside a description count",
        "good 🔛 bad",
        -0.2244,
    ),
    (
        "Emoji made of several characters are read one by one",
        "❤\u{FE0F}",
        0.0,
    ),
    ("Dotted I is not an i", "lİke", 0.0),
    ("No words at all", "", 0.0),
    ("Only blanks", " \t ", 0.0),
    ("Information separator is a blank", "good\u{1C}bad", -0.1531),
    ("Next line is a blank", "good\u{85}bad", -0.1531),
    ("Zero width space is not a blank", "good\u{200B}bad", 0.0),
    ("NUL is no padding", "good\u{0}", 0.0),
    ("Spaced keys cannot be reached", "fed up", 0.0),
    ("Curly apostrophe is no apostrophe", "don’t like", 0.3612),
    ("The Kelvin sign is a k", "li\u{212A}e", 0.3612),
    ("Circled capitals are capitals", "GOOD Ⓐ", 0.4404),
    ("A title-case letter is not", "GOOD ǅ", 0.5622),
    ("A letter without case is not either", "GOOD 水", 0.5622),
];
