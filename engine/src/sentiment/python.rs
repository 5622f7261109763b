//! What Python 3.11 means by a blank, by a text in capitals and by rounding.
//!
//! VADER is defined by a Python program, so these are part of its definition. Where Rust's Unicode tables are newer
//! than the ones of Python 3.11 (14.0.0), the differences are named here; a test compares the two over every
//! character, so that a newer compiler cannot change a score unnoticed. Nothing here knows about moods.

use std::ops::RangeInclusive;

/// `str.isspace`, which is where `str.split()` cuts: Unicode's blanks and the four ASCII separators.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// `str.isupper`: at least one capital, and nothing that is a small or a title-case letter. Signs that only look like
/// capitals count (Ⓐ, Ⅷ), caseless letters do not matter.
pub(super) fn is_upper(text: &str) -> bool {
    let mut any_capital = false;
    for c in text.chars() {
        match case(c) {
            Case::Small => return false,
            Case::Capital => any_capital = true,
            Case::None => {}
        }
    }
    any_capital
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    None,
    /// Small letters and title-case ones (ǅ): either makes a text "not in capitals".
    Small,
    Capital,
}

/// Title-case letters, which Rust calls neither; and ʕ, a small letter until Unicode 16.
const SMALL_AS_WELL: [RangeInclusive<u32>; 11] = [
    0x01C5..=0x01C5,
    0x01C8..=0x01C8,
    0x01CB..=0x01CB,
    0x01F2..=0x01F2,
    0x0295..=0x0295,
    0x1F88..=0x1F8F,
    0x1F98..=0x1F9F,
    0x1FA8..=0x1FAF,
    0x1FBC..=0x1FBC,
    0x1FCC..=0x1FCC,
    0x1FFC..=0x1FFC,
];

/// Letters that have case only since Unicode 15 or later.
const NOT_YET_CASED: [RangeInclusive<u32>; 14] = [
    0x10FC..=0x10FC,
    0x1C89..=0x1C8A,
    0xA7CB..=0xA7CF,
    0xA7D2..=0xA7D2,
    0xA7D4..=0xA7D4,
    0xA7DA..=0xA7DC,
    0xA7F1..=0xA7F4,
    0xAB69..=0xAB69,
    0x10D50..=0x10D65,
    0x10D70..=0x10D85,
    0x16EA0..=0x16EB8,
    0x16EBB..=0x16ED3,
    0x1DF25..=0x1DF2A,
    0x1E030..=0x1E06D,
];

fn case(c: char) -> Case {
    if c.is_ascii() {
        return match c {
            'A'..='Z' => Case::Capital,
            'a'..='z' => Case::Small,
            _ => Case::None,
        };
    }
    let within =
        |ranges: &[RangeInclusive<u32>]| ranges.iter().any(|range| range.contains(&u32::from(c)));
    if within(&SMALL_AS_WELL) {
        Case::Small
    } else if within(&NOT_YET_CASED) {
        Case::None
    } else if c.is_uppercase() {
        Case::Capital
    } else if c.is_lowercase() {
        Case::Small
    } else {
        Case::None
    }
}

/// `round(x, 3)`.
pub(super) fn round_3(x: f64) -> f64 {
    round(x, 1e3)
}

/// `round(x, 4)`.
pub(super) fn round_4(x: f64) -> f64 {
    round(x, 1e4)
}

/// Rounds the exact binary value of `x` (at most 1 in size) to a whole number of `1 / scale`, ties to even. The sign of
/// a zero is kept, as Python does: a compound of -1e-17 is printed "-0.0".
fn round(x: f64, scale: f64) -> f64 {
    /// How near to the middle a product may be before its own rounding error could decide.
    const DOUBT: f64 = 1e-6;
    let size = x.abs();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 10,000"
    )]
    let whole = (size * scale) as u32;
    let middle = f64::from(whole) + 0.5;
    let over = size * scale - middle;
    // Multiplying rounds; the fused form rounds only once, at the end, so that its sign is the exact one.
    let over = if over.abs() < DOUBT {
        size.mul_add(scale, -middle)
    } else {
        over
    };
    let up = over > 0.0 || (over == 0.0 && whole % 2 == 1);
    (f64::from(whole + u32::from(up)) / scale).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by `generate.py`: runs of characters that Python 3.11 calls capital (U), small or title-case (L).
    const CASES: &str = include_str!("../../tests/vader/python-cases.tsv");

    #[test]
    fn every_character_has_the_case_python_gives_it() {
        let mut expected = vec![Case::None; 0x11_0000];
        for line in CASES.lines().filter(|line| !line.starts_with('#')) {
            let mut fields = line.split('\t');
            let mut number = || usize::from_str_radix(fields.next().unwrap(), 16).unwrap();
            let (first, last) = (number(), number());
            let case = if fields.next() == Some("U") {
                Case::Capital
            } else {
                Case::Small
            };
            expected[first..=last].fill(case);
        }
        for c in '\0'..=char::MAX {
            assert_eq!(case(c), expected[c as usize], "U+{:04X}", c as u32);
        }
    }

    #[test]
    fn blanks_are_pythons() {
        let blanks: Vec<u32> = ('\0'..=char::MAX)
            .filter(|&c| is_space(c))
            .map(u32::from)
            .collect();
        let expected = [
            0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x1F, 0x20, 0x85, 0xA0, 0x1680, 0x2000,
            0x2001, 0x2002, 0x2003, 0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200A, 0x2028,
            0x2029, 0x202F, 0x205F, 0x3000,
        ];
        assert_eq!(blanks, expected);
    }

    #[test]
    fn capitals() {
        let check = |text: &str, expected: bool| assert_eq!(is_upper(text), expected, "{text}");
        check("WATER", true);
        check("WATEr", false);
        check("2024", false);
        check("A1!", true);
        check("ǅ", false);
        check("ǅA", false);
        check("ª", false);
        check("Ⓐ", true);
        check("Ⅷ", true);
        check("ÊÔ水", true);
        check("", false);
    }

    #[test]
    fn rounding_is_exact_and_ties_go_to_even() {
        let check =
            |x: f64, expected: f64| assert_eq!(round_3(x).to_bits(), expected.to_bits(), "{x}");
        check(0.0625, 0.062);
        check(0.1875, 0.188);
        check(0.0005, 0.001); // the number nearest to 0.0005 lies above it
        check(0.0015, 0.002);
        check(0.0025, 0.003);
        check(0.0035, 0.004); // and this one
        check(1.0, 1.0);
        check(0.0, 0.0);
        check(-1e-17, -0.0);
        assert_eq!(round_4(-0.44043).to_bits(), (-0.4404f64).to_bits());
    }

    proptest::proptest! {
        /// The naive twin: the standard library's exact decimal printing.
        #[test]
        fn rounding_equals_exact_printing(n in 0u32..=20_000, nudge in -3i64..=3) {
            let near = f64::from_bits((f64::from(n) / 20_000.0).to_bits().saturating_add_signed(nudge) & !(1 << 63));
            for x in [near, -near] {
                let printed: f64 = format!("{x:.4}").parse().unwrap();
                proptest::prop_assert_eq!(round_4(x).to_bits(), printed.to_bits(), "{}", x);
            }
        }
    }
}
