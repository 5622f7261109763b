//! Telephone numbers, in the national and the international form.
//!
//! Lengths are checked for the countries below, after their national numbering plans (ITU-T E.164 lists); whether a
//! number is in use is not known. Numbers of other countries must begin with `+` or `00`.

use super::Value;

/// Digits of a number with its country (ITU-T E.164); below the minimum it is no number for the public.
const DIGITS_MAX: usize = 15;
const DIGITS_MIN: usize = 8;

/// Digits after `00`: what is shorter is more likely an account number that begins with zeros.
const ZEROS_DIGITS_MIN: usize = 10;

/// Characters between two digits of a number, as ") " or " (".
const GAP_CHARS_MAX: usize = 3;

struct Plan {
    country: &'static str,
    calling: &'static str,
    /// What is dialled before the number inside the country.
    trunk: &'static str,
    /// Digits after the calling code or the trunk prefix, and what the first of them may be.
    lengths: std::ops::RangeInclusive<usize>,
    first: &'static str,
}

const PLANS: [Plan; 7] = [
    Plan {
        country: "ZA",
        calling: "27",
        trunk: "0",
        lengths: 9..=9,
        first: "12345678",
    },
    Plan {
        country: "LS",
        calling: "266",
        trunk: "",
        lengths: 8..=8,
        first: "2568",
    },
    Plan {
        country: "BW",
        calling: "267",
        trunk: "",
        lengths: 7..=8,
        first: "234567",
    },
    Plan {
        country: "SZ",
        calling: "268",
        trunk: "",
        lengths: 8..=8,
        first: "237",
    },
    Plan {
        country: "NA",
        calling: "264",
        trunk: "0",
        lengths: 8..=9,
        first: "68",
    },
    Plan {
        country: "ZW",
        calling: "263",
        trunk: "0",
        lengths: 8..=9,
        first: "12345678",
    },
    Plan {
        country: "MZ",
        calling: "258",
        trunk: "",
        lengths: 8..=9,
        first: "28",
    },
];

impl Plan {
    fn of_country(country: &str) -> Option<&'static Self> {
        PLANS.iter().find(|plan| plan.country == country)
    }

    fn fits(&self, national: &str) -> bool {
        self.lengths.contains(&national.len()) && national.starts_with(|c| self.first.contains(c))
    }
}

/// Digits of the shortest number of any plan; with fewer in all its text, a message holds no number.
const SHORTEST_DIGITS: usize = {
    let mut shortest = DIGITS_MIN;
    let mut plans: &[Plan] = &PLANS;
    while let [plan, rest @ ..] = plans {
        if *plan.lengths.start() < shortest {
            shortest = *plan.lengths.start();
        }
        plans = rest;
    }
    shortest
};

pub(super) fn find(text: &str, country: &str) -> Vec<Value> {
    if text.bytes().filter(u8::is_ascii_digit).count() < SHORTEST_DIGITS {
        return Vec::new();
    }
    let plan = Plan::of_country(country);
    let mut values = Vec::new();
    let mut from = 0;
    while let Some(start) = next_start(text, from) {
        let candidate = Candidate::read(text, start);
        from = match candidate.longest(plan) {
            Some((end, value)) => {
                values.push((start..end, value));
                end
            }
            None => candidate.ends.first().copied().unwrap_or(start + 1),
        };
    }
    values
}

/// What replies print: the national form in groups when the number is of `country`, else the number as it is.
pub(super) fn label(country: &str, value: &str) -> String {
    let national = Plan::of_country(country).and_then(|plan| {
        let rest = value.strip_prefix('+')?.strip_prefix(plan.calling)?;
        plan.fits(rest).then(|| format!("{}{rest}", plan.trunk))
    });
    let Some(number) = national else {
        return value.to_owned();
    };
    match (
        number.len(),
        number.get(..3),
        number.get(3..6),
        number.get(6..),
    ) {
        (10, Some(area), Some(middle), Some(end)) => format!("{area} {middle} {end}"),
        _ => match number.split_at_checked(4) {
            Some((front, back)) => format!("{front} {back}"),
            None => number,
        },
    }
}

/// The next place where a number may begin: a plus, a bracket before digits, or a digit after anything but a letter,
/// a digit or what joins digits to a date, a time or a decimal.
fn next_start(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut before = text.get(..from)?.chars().next_back();
    for (at, c) in text.get(from..)?.char_indices() {
        let joined = before.is_some_and(|b| b.is_alphanumeric() || b == '+' || b == '@');
        let digit_next = bytes.get(from + at + 1).is_some_and(u8::is_ascii_digit);
        let begins = c.is_ascii_digit() || (c == '+' || c == '(') && digit_next;
        if begins && !joined {
            return Some(from + at);
        }
        before = Some(c);
    }
    None
}

/// Digits with at most a few separators between them.
struct Candidate {
    plus: bool,
    digits: String,
    /// For each row of digits without a gap, the byte it ends at and the digits up to there.
    ends: Vec<usize>,
    counts: Vec<usize>,
    /// A letter follows: the last row of digits is part of a word.
    in_word: bool,
}

impl Candidate {
    fn read(text: &str, start: usize) -> Self {
        let rest = text.get(start..).unwrap_or("");
        let mut candidate = Self {
            plus: rest.starts_with('+'),
            digits: String::new(),
            ends: Vec::new(),
            counts: Vec::new(),
            in_word: false,
        };
        let mut gap = 0;
        // One row more than a number may have, to see that it is too long.
        for (at, c) in rest.char_indices().skip(usize::from(candidate.plus)) {
            if c.is_ascii_digit() && candidate.digits.len() <= DIGITS_MAX + 2 {
                candidate.digit(c, start + at + 1, gap > 0);
                gap = 0;
            } else if matches!(c, ' ' | '\u{A0}' | '\u{2011}' | '-' | '.' | '(' | ')')
                && gap < GAP_CHARS_MAX
            {
                gap += 1;
            } else {
                candidate.in_word = gap == 0 && c.is_alphanumeric();
                break;
            }
        }
        candidate
    }

    fn digit(&mut self, digit: char, end: usize, after_gap: bool) {
        self.digits.push(digit);
        if after_gap || self.ends.is_empty() {
            self.ends.push(end);
            self.counts.push(self.digits.len());
        } else if let (Some(last), Some(count)) = (self.ends.last_mut(), self.counts.last_mut()) {
            (*last, *count) = (end, self.digits.len());
        }
    }

    /// The longest part from the beginning that is a number and ends where a row of digits ends.
    fn longest(&self, plan: Option<&Plan>) -> Option<(usize, String)> {
        let usable = self.ends.len() - usize::from(self.in_word && !self.ends.is_empty());
        let parts = self.ends.iter().zip(&self.counts).take(usable).rev();
        parts.into_iter().find_map(|(end, count)| {
            let digits = self.digits.get(..*count)?;
            Some((*end, international(digits, self.plus, plan)?))
        })
    }
}

/// The number in E.164, if these digits are one.
fn international(digits: &str, plus: bool, plan: Option<&Plan>) -> Option<String> {
    if plus {
        return abroad(digits);
    }
    if let Some(rest) = digits.strip_prefix("00") {
        return if rest.len() >= ZEROS_DIGITS_MIN {
            abroad(rest)
        } else {
            None
        };
    }
    let plan = plan?;
    let national = digits
        .strip_prefix(plan.trunk)
        .filter(|national| plan.fits(national));
    // As WhatsApp shows numbers: with the country, without the plus.
    let with_country = digits
        .strip_prefix(plan.calling)
        .filter(|national| plan.fits(national));
    national
        .or(with_country)
        .map(|national| format!("+{}{national}", plan.calling))
}

/// `digits` begin with a calling code.
fn abroad(digits: &str) -> Option<String> {
    let Some(plan) = PLANS.iter().find(|plan| digits.starts_with(plan.calling)) else {
        let good = (DIGITS_MIN..=DIGITS_MAX).contains(&digits.len()) && !digits.starts_with('0');
        return good.then(|| format!("+{digits}"));
    };
    let rest = digits.strip_prefix(plan.calling)?;
    // "+27 (0)82 …": the zero is dialled inside the country only.
    let national = if plan.fits(rest) {
        rest
    } else {
        rest.strip_prefix(plan.trunk)?
    };
    plan.fits(national)
        .then(|| format!("+{}{national}", plan.calling))
}
