//! Every number, spelled in each language, is read as itself.

use proptest::prelude::*;

use super::*;
use crate::text::Vocabulary;

fn check(spelled: &str, expected: usize) {
    let mut words = Words::default();
    Vocabulary::default().read(spelled, &mut words);
    let expected = vec![(0..spelled.len(), expected.to_string())];
    assert_eq!(find(spelled, &words), expected, "{spelled}");
}

const UNITS: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];

fn english(n: usize) -> String {
    match n {
        0..20 => UNITS[n].to_owned(),
        20..100 if n.is_multiple_of(10) => TENS[n / 10].to_owned(),
        20..100 => format!("{}-{}", TENS[n / 10], UNITS[n % 10]),
        100..1000 if n.is_multiple_of(100) => format!("{} hundred", UNITS[n / 100]),
        100..1000 => format!("{} hundred and {}", UNITS[n / 100], english(n % 100)),
        1000..1_000_000 => after(
            &format!("{} thousand", english(n / 1000)),
            n % 1000,
            english,
        ),
        _ => after(
            &format!("{} million", english(n / 1_000_000)),
            n % 1_000_000,
            english,
        ),
    }
}

const EEN: [&str; 20] = [
    "nul",
    "een",
    "twee",
    "drie",
    "vier",
    "vyf",
    "ses",
    "sewe",
    "agt",
    "nege",
    "tien",
    "elf",
    "twaalf",
    "dertien",
    "veertien",
    "vyftien",
    "sestien",
    "sewentien",
    "agtien",
    "negentien",
];
const TIG: [&str; 10] = [
    "", "", "twintig", "dertig", "veertig", "vyftig", "sestig", "sewentig", "tagtig", "negentig",
];

fn afrikaans(n: usize) -> String {
    match n {
        0..20 => EEN[n].to_owned(),
        20..100 if n.is_multiple_of(10) => TIG[n / 10].to_owned(),
        20..60 => format!("{} en {}", EEN[n % 10], TIG[n / 10]),
        60..100 => format!("{}en{}", EEN[n % 10], TIG[n / 10]),
        100..1000 if n.is_multiple_of(100) => format!("{} honderd", EEN[n / 100]),
        100..1000 => format!("{} honderd en {}", EEN[n / 100], afrikaans(n % 100)),
        1000..1_000_000 => after(
            &format!("{} duisend", afrikaans(n / 1000)),
            n % 1000,
            afrikaans,
        ),
        _ => after(
            &format!("{} miljoen", afrikaans(n / 1_000_000)),
            n % 1_000_000,
            afrikaans,
        ),
    }
}

fn after(head: &str, rest: usize, spell: fn(usize) -> String) -> String {
    if rest == 0 {
        head.to_owned()
    } else {
        format!("{head} {}", spell(rest))
    }
}

/// 10 to 9,999.
fn sesotho(n: usize) -> String {
    let times = [
        "",
        "",
        "mabedi",
        "mararo",
        "mane",
        "mahlano",
        "tsheletseng",
        "supileng",
        "robedi",
        "robong",
    ];
    let thousands = [
        "", "", "pedi", "tharo", "nne", "hlano", "tshelela", "supileng", "robedi", "robong",
    ];
    let units = [
        "",
        "mong",
        "mmedi",
        "meraro",
        "mene",
        "mehlano",
        "tsheletseng",
        "supileng",
        "robedi",
        "robong",
    ];
    let mut parts = Vec::new();
    match n / 1000 {
        0 => {}
        1 => parts.push("sekete".to_owned()),
        d => parts.push(format!("dikete tse {}", thousands[d])),
    }
    for (digit, one, many) in [
        (n / 100 % 10, "lekgolo", "makgolo"),
        (n / 10 % 10, "leshome", "mashome"),
    ] {
        match digit {
            0 => {}
            1 => parts.push(one.to_owned()),
            d => parts.push(format!("{many} a {}", times[d])),
        }
    }
    if !n.is_multiple_of(10) {
        parts.push(format!("metso e {}", units[n % 10]));
    }
    parts.join(" le ")
}

/// 10 to 9,999.
fn xhosa(n: usize) -> String {
    let times = [
        "",
        "",
        "amabini",
        "amathathu",
        "amane",
        "amahlanu",
        "amathandathu",
        "asixhenxe",
        "asibhozo",
        "alithoba",
    ];
    let units = [
        "",
        "ananye",
        "anesibini",
        "anesithathu",
        "anesine",
        "anesihlanu",
        "anesithandathu",
        "anesixhenxe",
        "anesibhozo",
        "anethoba",
    ];
    let mut parts = Vec::new();
    let powers = [
        (n / 1000, "iwaka", "iwaka", "amawaka", "amawaka"),
        (n / 100 % 10, "ikhulu", "anekhulu", "amakhulu", "anamakhulu"),
        (n / 10 % 10, "ishumi", "aneshumi", "amashumi", "anamashumi"),
    ];
    for (digit, one, and_one, many, and_many) in powers {
        let first = parts.is_empty();
        match digit {
            0 => {}
            1 => parts.push(if first { one } else { and_one }.to_owned()),
            d => parts.push(format!(
                "{} {}",
                if first { many } else { and_many },
                times[d]
            )),
        }
    }
    if !n.is_multiple_of(10) {
        parts.push(units[n % 10].to_owned());
    }
    parts.join(" ")
}

#[test]
fn small_numbers_are_read() {
    for n in 0..1100 {
        check(&english(n), n);
        check(&afrikaans(n), n);
    }
    for n in 10..1100 {
        check(&sesotho(n), n);
        check(&xhosa(n), n);
    }
}

proptest! {
    #[test]
    fn large_numbers_are_read(n in 1000_usize..1_000_000_000, small in 1000_usize..10_000) {
        check(&english(n), n);
        check(&afrikaans(n), n);
        check(&sesotho(small), small);
        check(&xhosa(small), small);
    }
}
