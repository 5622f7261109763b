//! Each kind as a table: a message, and the values found in it, in brackets where they stand.

use std::sync::LazyLock;

use proptest::prelude::*;
use regex::Regex;

use super::*;
use crate::text::{Vocabulary, matched};

fn find_in(kind: &Kind, text: &str) -> Vec<Found> {
    let mut words = Words::default();
    Vocabulary::default().read(text, &mut words);
    let mut found = Vec::new();
    find(EntityId(7), kind, text, &words, &mut found);
    found
}

/// `marked` has every value in brackets; `values` are their normal forms.
fn check(kind: &Kind, marked: &str, values: &[&str]) {
    let text = marked.replace(['[', ']'], "");
    let found = find_in(kind, &text);
    let mut shown = text.clone();
    for one in found.iter().rev() {
        shown.insert(one.end as usize, ']');
        shown.insert(one.start as usize, '[');
    }
    let normal: Vec<&str> = found.iter().map(|one| one.value.as_str()).collect();
    assert_eq!((shown.as_str(), normal.as_slice()), (marked, values));
    assert!(
        found
            .iter()
            .all(|one| one.entity == EntityId(7) && one.typos == 0)
    );
}

fn check_all(kind: &Kind, table: &[(&str, &[&str])]) {
    for (marked, values) in table {
        check(kind, marked, values);
    }
}

#[test]
fn numbers_in_digits() {
    check_all(
        &Kind::Number,
        &[
            ("ward [5]", &["5"]),
            ("[5] or [10]", &["5", "10"]),
            ("[1 200] litres", &["1200"]),
            ("[1 200,50]", &["1200.5"]),
            ("[1\u{A0}200\u{A0}000]", &["1200000"]),
            ("[1,200.50]", &["1200.5"]),
            ("[1.200,50]", &["1200.5"]),
            ("[1.200.000]", &["1200000"]),
            ("[1'200]", &["1200"]),
            ("[1,200]", &["1200"]),
            ("[1.200]", &["1.2"]),
            ("[3,5] and [3.50]", &["3.5", "3.5"]),
            ("[0,200]", &["0.2"]),
            ("[12,3456]", &["12.3456"]),
            ("[007]", &["7"]),
            ("[000]", &["0"]),
            ("it is [-5] outside", &["-5"]),
            ("[5]-[10] people", &["5", "10"]),
            ("[5]km and [12] kl", &["5", "12"]),
            ("[5k] people", &["5000"]),
            ("[1.5 million]", &["1500000"]),
            ("[1.2345 thousand]", &["1234.5"]),
            ("[2 duisend]", &["2000"]),
            ("I pay R[1 200,50]", &["1200.5"]),
            ("[5] [12345] [7]", &["5", "12345", "7"]),
            ("[1] [2345]", &["1", "2345"]),
            ("[1] [200] [30]", &["1", "200", "30"]),
            ("call me at [5]. Or [6]!", &["5", "6"]),
            ("ward [4], [5] and [6]", &["4", "5", "6"]),
            ("👍[3]👍", &["3"]),
        ],
    );
}

#[test]
fn digits_that_are_no_numbers() {
    for text in [
        "H2O",
        "2nd",
        "5de",
        "12A",
        "at 12:30",
        "24/11/2026",
        "2026-11-24",
        "1.2.3",
        "192.168.0.1",
        "1,200,50",
        "A4",
        "1234567890123456789",
        "",
    ] {
        check(&Kind::Number, text, &[]);
    }
}

#[test]
fn numbers_in_words() {
    check_all(
        &Kind::Number,
        &[
            ("[zero]", &["0"]),
            ("we are [five] people", &["5"]),
            ("[twelve]", &["12"]),
            ("[twenty-five] houses", &["25"]),
            ("[two hundred]", &["200"]),
            ("a [hundred] and more", &["100"]),
            ("[two hundred and five]", &["205"]),
            ("[one thousand two hundred and thirty four]", &["1234"]),
            ("[two thousand five]", &["2005"]),
            ("[two hundred and five thousand]", &["205000"]),
            ("[twelve hundred]", &["1200"]),
            ("[one million]", &["1000000"]),
            ("[five] and [six]", &["5", "6"]),
            ("[five] [six] [seven]", &["5", "6", "7"]),
            ("[five], [twenty]", &["5", "20"]),
            ("[twenty] [thirty]", &["20", "30"]),
            ("[Five] or [7]", &["5", "7"]),
            ("[twee honderd]", &["200"]),
            ("[vyf en twintig]", &["25"]),
            ("[vyf-en-twintig]", &["25"]),
            (
                "[vyfentwintig] [drieëntagtig] [eenentwintig]",
                &["25", "83", "21"],
            ),
            ("[honderd en vyf]", &["105"]),
            ("[twee duisend vyf honderd ses en twintig]", &["2526"]),
            ("[vyf] en [ses]", &["5", "6"]),
            ("ten minste [tien]", &["10"]),
            ("matsatsi a [mararo]", &["3"]),
            ("[leshome]", &["10"]),
            ("[leshome le metso e mmedi]", &["12"]),
            ("[mashome a mabedi]", &["20"]),
            ("[mashome a mabedi a metso e mehlano]", &["25"]),
            ("[lekgolo]", &["100"]),
            ("[makgolo a mabedi]", &["200"]),
            ("[makgolo a mabedi le mashome a mahlano]", &["250"]),
            ("[lekgolo le leshome le metso e mehlano]", &["115"]),
            ("[dikete tse pedi le makgolo a mahlano]", &["2500"]),
            ("[dikete tse leshome]", &["10000"]),
            ("batho ba [babedi] le bana ba [bararo]", &["2", "3"]),
            ("iintsuku [ezintathu]", &["3"]),
            ("[ishumi]", &["10"]),
            ("[ishumi elinesihlanu]", &["15"]),
            ("[amashumi amabini]", &["20"]),
            ("[amashumi amabini anesihlanu]", &["25"]),
            ("[ikhulu elinamashumi amahlanu]", &["150"]),
            ("[amakhulu amabini]", &["200"]),
            (
                "[amakhulu amabini anamashumi amahlanu anesithandathu]",
                &["256"],
            ),
            ("[amawaka amabini]", &["2000"]),
            ("[iwaka elinamakhulu amahlanu]", &["1500"]),
        ],
    );
}

#[test]
fn words_that_are_no_numbers() {
    for text in [
        "no one came",
        "the one",
        "this one",
        "die een",
        "ten minste",
        "makgolo",
        "amakhulu",
        "ntlo e nngwe",
        "kenye indlu",
        "and",
        "le metso",
        "often someone",
        "wonderful",
        "en",
    ] {
        check(&Kind::Number, text, &[]);
    }
}

#[test]
fn amounts() {
    check_all(
        &Kind::Amount,
        &[
            ("[R1 200,50]", &["1200.50"]),
            ("I paid [R 1,200.50] today", &["1200.50"]),
            ("[R1200]", &["1200.00"]),
            ("[r200]", &["200.00"]),
            ("[R200.5]", &["200.50"]),
            ("[R1.200]", &["1200.00"]),
            ("[R1.200,50]", &["1200.50"]),
            ("[R1\u{A0}200\u{A0}000]", &["1200000.00"]),
            ("[ZAR 99.99]", &["99.99"]),
            ("[ZAR99]", &["99.00"]),
            ("[1200 rand]", &["1200.00"]),
            ("[1 200,50 Rand]", &["1200.50"]),
            ("[200R]", &["200.00"]),
            ("[R200] rand", &["200.00"]),
            ("[200 rand] - [300 rand]", &["200.00", "300.00"]),
            ("[ZAR 99] ZAR", &["99.00"]),
            ("[ZAR 99] [ZAR 5]", &["99.00", "5.00"]),
            ("[200 rand] 300", &["200.00"]),
            (
                "[two hundred rand] [three hundred rand]",
                &["200.00", "300.00"],
            ),
            (
                "[R5k] or [R2 million] or [R1.5m]",
                &["5000.00", "2000000.00", "1500000.00"],
            ),
            ("[R0.50] [50c] [5 cents]", &["0.50", "0.50", "0.05"]),
            ("[-R200] and [R-50]", &["-200.00", "-50.00"]),
            ("[R200]/month, [R300]pm", &["200.00", "300.00"]),
            ("[R100]-[R200]", &["100.00", "200.00"]),
            ("[R100], [R200]. [R300]!", &["100.00", "200.00", "300.00"]),
            ("[R007]", &["7.00"]),
            ("[two hundred rand]", &["200.00"]),
            ("[one thousand two hundred rands] please", &["1200.00"]),
            ("[twee honderd rand]", &["200.00"]),
            ("[makgolo a mabedi a diranta]", &["200.00"]),
            ("[diranta tse makgolo a mabedi]", &["200.00"]),
            ("[diranta tse 200]", &["200.00"]),
            ("[amakhulu amabini eerandi]", &["200.00"]),
            ("[iirandi ezingamakhulu amabini]", &["200.00"]),
            ("[iirandi ezingama-200]", &["200.00"]),
            ("I owe [R500] on the R26", &["500.00"]),
            ("the bill is [R500]", &["500.00"]),
        ],
    );
}

#[test]
fn what_is_no_amount() {
    for text in [
        "200",
        "two hundred",
        "R",
        "rand",
        "ward 5",
        "pothole on the R26",
        "langs die R26",
        "along the R701 road",
        "AR200",
        "R12:30",
        "R2D2",
        "200 km",
        "$200",
        "2026-11-24",
        "R1.2.3",
        "r u there 5",
        "",
    ] {
        check(&Kind::Amount, text, &[]);
    }
}

fn phone(country: &str) -> Kind {
    Kind::Phone {
        country: country.to_owned(),
    }
}

#[test]
fn phones() {
    check_all(
        &phone("ZA"),
        &[
            ("call [082 123 4567] please", &["+27821234567"]),
            ("[0821234567]", &["+27821234567"]),
            ("[082-123-4567]", &["+27821234567"]),
            ("[(082) 123 4567]", &["+27821234567"]),
            ("[082\u{A0}123\u{A0}4567]", &["+27821234567"]),
            ("[+27821234567]", &["+27821234567"]),
            ("[+27 82 123 4567]", &["+27821234567"]),
            ("[+27 (0)82 123 4567]", &["+27821234567"]),
            ("[0027 82 123 4567]", &["+27821234567"]),
            ("[27821234567]", &["+27821234567"]),
            (
                "[051 673 9600] or [0821234567]",
                &["+27516739600", "+27821234567"],
            ),
            (
                "[0821234567] [0831234567]",
                &["+27821234567", "+27831234567"],
            ),
            ("ward 5 [0821234567]", &["+27821234567"]),
            ("[0821234567] 10012345", &["+27821234567"]),
            ("[+266 5812 3456]", &["+26658123456"]),
            ("[+44 20 7946 0958]", &["+442079460958"]),
            ("tel:[0821234567].", &["+27821234567"]),
        ],
    );
    check_all(
        &phone("LS"),
        &[
            ("[5812 3456]", &["+26658123456"]),
            ("[+27 82 123 4567]", &["+27821234567"]),
            ("0821234567", &[]),
        ],
    );
    check_all(
        &phone("XX"),
        &[("0821234567", &[]), ("[+27821234567]", &["+27821234567"])],
    );
}

#[test]
fn what_is_no_phone() {
    for text in [
        "082123456",
        "08212345678",
        "082 123 456",
        "8001015009087",
        "0027821234",
        "+2782123456",
        "+278212345678",
        "10012345",
        "R1 200,50",
        "0921234567",
        "0012345678",
        "0821234567a",
        "a0821234567",
        "+1234",
        "2026-11-24",
        "",
    ] {
        check(&phone("ZA"), text, &[]);
    }
}

#[test]
fn emails() {
    check_all(
        &Kind::Email,
        &[
            (
                "write to [Thandi.M+bill@Example.CO.ZA], please",
                &["Thandi.M+bill@example.co.za"],
            ),
            ("[a@b.co]", &["a@b.co"]),
            ("<[info@mohokare.gov.za]>.", &["info@mohokare.gov.za"]),
            ("[a@b.co] [c@d.co]", &["a@b.co", "c@d.co"]),
            ("mailto:[o'neil@b.co]", &["o'neil@b.co"]),
        ],
    );
    for text in [
        "@",
        "a@",
        "@b.co",
        "a@b",
        "a@b.c",
        "a@@b.co",
        "a@b@c.co",
        "a..b@c.co",
        "a.@b.co",
        "a@-b.co",
        "a@b..co",
        "a@b.c0",
        "me @ home.co",
        "éa@b.co",
    ] {
        check(&Kind::Email, text, &[]);
    }
    let long = format!("{}@b.co", "a".repeat(65));
    check(&Kind::Email, &long, &[]);
}

#[test]
fn yes_and_no() {
    check_all(
        &Kind::YesNo,
        &[
            ("[Yes]", &["yes"]),
            ("[yes] please", &["yes"]),
            ("[Ja], dankie", &["yes"]),
            ("[ja] ek het betaal", &["yes"]),
            ("[Ee] ntate", &["yes"]),
            ("[Ewe]!", &["yes"]),
            ("[yebo]", &["yes"]),
            ("[ok]", &["yes"]),
            ("[👍]", &["yes"]),
            ("[👍🏽]", &["yes"]),
            ("[of course]!", &["yes"]),
            ("[No]", &["no"]),
            ("[no].", &["no"]),
            ("[NO] 😡", &["no"]),
            ("[No], Rouxville", &["no"]),
            ("[no] thanks", &["no"]),
            ("[no] I meant Zastron", &["no"]),
            ("[Nee] dankie", &["no"]),
            ("[nee] ek het nie", &["no"]),
            ("[Tjhe], Rouxville", &["no"]),
            ("[hayi] enkosi", &["no"]),
            ("[no] - Rouxville", &["no"]),
        ],
    );
    for text in [
        "no water",
        "No electricity since Monday",
        "No. 5 Church Street",
        "no-one came",
        "ok thank you, no water",
        "I said yes",
        "maybe",
        "water",
        "",
        "jabulani",
        "e ne e le",
        "Hai, I need help",
        "ok no water",
    ] {
        check(&Kind::YesNo, text, &[]);
    }
}

#[test]
fn expressions() {
    let kind = |regex: &str, check| Kind::Regex {
        regex: Regex::new(regex).unwrap(),
        check,
    };
    check_all(
        &kind(r"\d{8,10}", None),
        &[
            ("account [10012345].", &["10012345"]),
            ("[10012345] [20012345]", &["10012345", "20012345"]),
            ("ACC[10012345]", &["10012345"]),
            ("8001015009087", &[]),
            ("1001234", &[]),
        ],
    );
    check_all(
        &kind("(?i)acc[0-9]+|", None),
        &[("x [ACC12] y", &["ACC12"]), ("macc12", &[]), ("", &[])],
    );
    check_all(
        &kind(r"\d[\d ]{6,}\d", Some(Check::Luhn)),
        &[
            ("[10012342]", &["10012342"]),
            ("[1001 2342]", &["1001 2342"]),
            ("[79927398713]", &["79927398713"]),
            ("10012345", &[]),
            ("79927398710", &[]),
        ],
    );
    let many = "1 ".repeat(100);
    assert_eq!(find_in(&kind(r"\d", None), &many).len(), 16);
}

#[test]
fn labels() {
    for (kind, value, expected) in [
        (Kind::Amount, "1200.50", "R1 200.50"),
        (Kind::Amount, "-1234567.00", "-R1 234 567.00"),
        (Kind::Amount, "999.00", "R999.00"),
        (phone("ZA"), "+27821234567", "082 123 4567"),
        (phone("ZA"), "+26658123456", "+26658123456"),
        (phone("LS"), "+26658123456", "5812 3456"),
        (phone("XX"), "+27821234567", "+27821234567"),
        (Kind::Number, "1200.5", "1200.5"),
        (Kind::YesNo, "yes", "yes"),
    ] {
        assert_eq!(label(&kind, value), expected);
    }
    let area = ValueKey {
        key: "zastron".to_owned(),
        label: "Zastron town".to_owned(),
        spellings: Vec::new(),
    };
    let values = Kind::Values { keys: vec![area] };
    assert_eq!(label(&values, "zastron"), "Zastron town");
    assert_eq!(label(&values, "other"), "other");
    assert!(find_in(&values, "zastron").is_empty());
}

static ALL_KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| {
    vec![
        Kind::Number,
        Kind::Amount,
        phone("ZA"),
        phone("LS"),
        Kind::Email,
        Kind::YesNo,
        Kind::Regex {
            regex: Regex::new(r"\w+|").unwrap(),
            check: None,
        },
        DIGITS_WITH_LUHN.clone(),
    ]
});

static DIGITS_WITH_LUHN: LazyLock<Kind> = LazyLock::new(|| Kind::Regex {
    regex: Regex::new(r"\d+").unwrap(),
    check: Some(Check::Luhn),
});

/// Values lie in the matched text, in order, apart from each other, on whole characters.
fn assert_in_order(text: &str) {
    for kind in ALL_KINDS.iter() {
        let mut end = 0;
        for found in find_in(kind, text) {
            assert!(
                found.start >= end && found.end > found.start,
                "{kind:?} {found:?}"
            );
            assert!(
                matched(text)
                    .get(found.start as usize..found.end as usize)
                    .is_some(),
                "{kind:?} {found:?}"
            );
            assert!(!label(kind, &found.value).is_empty());
            end = found.end;
        }
    }
}

/// Texts that would take a second and more if any search went over the message once for every character of it.
#[test]
fn long_texts_of_one_kind_of_character() {
    for part in [
        "1",
        "1 ",
        "1a",
        "a1",
        "1,",
        "1.",
        "1-",
        "+",
        "+1",
        "(",
        "@",
        "a@",
        "a.",
        "R",
        "R1",
        "R ",
        " ",
        "-",
        "one ",
        "one and ",
        "mashome a ",
        "le ",
        "0",
        "00 ",
        "é1",
        "1 000 ",
        "no ",
    ] {
        assert_in_order(&part.repeat(5000));
    }
}

proptest! {
    #[test]
    fn any_text_is_searched(text in any::<String>()) {
        assert_in_order(&text);
    }

    #[test]
    fn texts_of_values_are_searched(
        parts in prop::collection::vec(prop::sample::select(vec![
            "R", "1", "200", " ", "\u{A0}", ",", ".", "-", "+", "27", "0", "082", "@", "a", "rand", "two", "hundred", "and",
            "thousand", "mashome", "a", "mabedi", "le", "metso", "en", "vyf", "twintig", "c", "k", "no", "👍", "é", ":", "/",
        ]), 0..24)
    ) {
        assert_in_order(&parts.concat());
        assert_in_order(&parts.join(" "));
    }

    /// What `label` prints of an amount is read as the same amount.
    #[test]
    fn labels_of_amounts_are_amounts(rand in 0_u32..100_000_000, cents in 0_u32..100) {
        let value = format!("{rand}.{cents:02}");
        let found = find_in(&Kind::Amount, &label(&Kind::Amount, &value));
        prop_assert_eq!(found.iter().map(|one| one.value.as_str()).collect::<Vec<_>>(), vec![value.as_str()]);
    }

    /// However thousands are set apart, the number is the same.
    #[test]
    fn grouped_numbers_are_numbers(
        n in 1_000_u64..1_000_000_000_000,
        mark in prop::sample::select(vec![" ", ",", "'", "\u{A0}", "\u{202F}"]),
        decimal in 1_u32..100,
    ) {
        let digits = n.to_string();
        let mut grouped = String::new();
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                grouped.push_str(mark);
            }
            grouped.push(digit);
        }
        check(&Kind::Number, &format!("[{grouped}]"), &[&digits]);
        let cents = format!("{decimal:02}");
        let expected = format!("{digits}.{}", cents.trim_end_matches('0'));
        check(&Kind::Number, &format!("[{grouped}.{cents}]"), &[&expected]);
    }

    #[test]
    fn national_numbers_are_found(number in "0[1-8][0-9]{8}") {
        let found = find_in(&phone("ZA"), &number);
        prop_assert_eq!(found.len(), 1);
        let value = &found[0].value;
        prop_assert_eq!(value, &format!("+27{}", number.strip_prefix('0').unwrap()));
        prop_assert_eq!(label(&phone("ZA"), value).replace(' ', ""), number);
    }

    #[test]
    fn one_wrong_digit_fails_the_check(digits in "[0-9]{7,12}", place in 0_usize..7, by in 1_u32..10) {
        let good = (0..10).map(|last| format!("{digits}{last}")).find(|d| !find_in(&DIGITS_WITH_LUHN, d).is_empty()).unwrap();
        let changed: String = good.chars().enumerate().map(|(at, c)| {
            let digit = c.to_digit(10).unwrap();
            char::from_digit(if at == place { (digit + by) % 10 } else { digit }, 10).unwrap()
        }).collect();
        prop_assert!(find_in(&DIGITS_WITH_LUHN, &changed).is_empty());
    }
}
