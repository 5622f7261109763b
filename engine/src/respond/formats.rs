//! The helpers of texts: how an amount, a date, a number of things is printed.
//!
//! A value that a helper cannot read is printed as it is: better an odd date than no answer.

use handlebars::{
    Context, Handlebars, HelperDef, HelperResult, Output, PathAndJson, RenderContext,
};
use jiff::civil::{Date, DateTime, Time};

use crate::language::Language;

/// One helper: `{{name value "literal"…}}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Helper {
    pub(crate) name: &'static str,
    /// For messages.
    pub(crate) usage: &'static str,
    /// Quoted texts after the value.
    pub(crate) literals: usize,
    print: fn(&Asked<'_>) -> String,
    /// A long result, for checking limits.
    longest: &'static str,
}

/// What a helper is asked to print.
struct Asked<'a> {
    value: &'a str,
    literals: &'a [&'a str],
    /// Code of the language that is being spoken.
    language: &'a str,
}

/// Name under which the language stands among the values of a text.
pub(crate) const LANGUAGE: &str = "@language";
/// Name under which the values of a notification stand in normal form, for helpers.
pub(crate) const NORMAL: &str = "@notification";

pub(crate) static HELPERS: [Helper; 7] = [
    Helper {
        name: "upper",
        usage: "upper name",
        literals: 0,
        print: upper,
        longest: "XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    },
    Helper {
        name: "first_name",
        usage: "first_name contact.name",
        literals: 0,
        print: first_name,
        longest: "xxxxxxxxxxxxxxxxxxxx",
    },
    Helper {
        name: "money",
        usage: "money name",
        literals: 0,
        print: money,
        longest: "R12,345,678.90",
    },
    Helper {
        name: "date",
        usage: "date name",
        literals: 0,
        print: date,
        longest: "30 September 2026",
    },
    Helper {
        name: "time",
        usage: "time name",
        literals: 0,
        print: time,
        longest: "23:59",
    },
    Helper {
        name: "phone",
        usage: "phone name",
        literals: 0,
        print: phone,
        longest: "+27 60 000 0001",
    },
    Helper {
        name: "plural",
        usage: "plural name \"day\" \"days\"",
        literals: 2,
        print: plural,
        longest: "",
    },
];

pub(crate) fn names() -> Vec<&'static str> {
    HELPERS.iter().map(|helper| helper.name).collect()
}

/// `value` as `helper` prints it in `language`; as it is when there is no such helper.
pub(crate) fn print(
    (helper, literals): (&str, &[String]),
    value: &str,
    language: Language,
) -> String {
    let literals: Vec<&str> = literals.iter().map(String::as_str).collect();
    let asked = Asked {
        value,
        literals: &literals,
        language: language.as_str(),
    };
    HELPERS
        .iter()
        .find(|known| known.name == helper)
        .map_or_else(|| value.to_owned(), |known| (known.print)(&asked))
}

/// A day in words, as `7 December 2026`; nothing when `value` is not one.
pub(crate) fn day(value: &str, language: Language) -> Option<String> {
    day_text(value, language.as_str())
}

/// A long result of `helper`: the longest literal, or its sample.
pub(crate) fn longest(helper: &str, literals: &[String]) -> String {
    let literal = literals
        .iter()
        .max_by_key(|literal| literal.chars().count());
    let sample = HELPERS
        .iter()
        .find(|known| known.name == helper)
        .map_or("", |known| known.longest);
    literal.map_or(sample, String::as_str).to_owned()
}

impl HelperDef for Helper {
    fn call<'reg: 'rc, 'rc>(
        &self,
        call: &handlebars::Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        data: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let mut given = call
            .params()
            .iter()
            .map(|param| param.value().as_str().unwrap_or(""));
        let printed = given.next().unwrap_or("");
        let literals: Vec<&str> = given.collect();
        // A helper prints a value of a notification itself, and not what has been printed of it.
        let path = call.params().first().and_then(PathAndJson::relative_path);
        let value = path
            .and_then(|path| path.strip_prefix("notification."))
            .and_then(|field| data.data().get(NORMAL)?.get(field)?.as_str())
            .unwrap_or(printed);
        let language = data
            .data()
            .get(LANGUAGE)
            .and_then(|language| language.as_str())
            .unwrap_or("");
        out.write(&(self.print)(&Asked {
            value,
            literals: &literals,
            language,
        }))?;
        Ok(())
    }
}

fn upper(asked: &Asked<'_>) -> String {
    asked.value.to_uppercase()
}

fn first_name(asked: &Asked<'_>) -> String {
    asked
        .value
        .split_whitespace()
        .next()
        .unwrap_or("")
        .to_owned()
}

/// `1250.5` is printed `R1 250.50`, and so is an amount that was printed before.
fn money(asked: &Asked<'_>) -> String {
    money_text(asked.value).unwrap_or_else(|| asked.value.to_owned())
}

fn money_text(value: &str) -> Option<String> {
    let (sign, amount) = value
        .strip_prefix('-')
        .map_or(("", value), |amount| ("-", amount));
    let digits: String = amount
        .strip_prefix('R')
        .unwrap_or(amount)
        .split(' ')
        .collect();
    let (rand, cents) = digits.split_once('.').unwrap_or((&digits, ""));
    let all_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if rand.is_empty() || !all_digits(rand) || !all_digits(cents) || cents.len() > 2 {
        return None;
    }
    let mut grouped = String::new();
    for (index, digit) in rand.chars().enumerate() {
        if index > 0 && (rand.len() - index).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    Some(format!("{sign}R{grouped}.{cents:0<2}"))
}

/// `2026-12-07` is printed `7 December 2026`, with the month in the language of the text where its names are known.
fn date(asked: &Asked<'_>) -> String {
    day_text(asked.value, asked.language).unwrap_or_else(|| asked.value.to_owned())
}

fn day_text(value: &str, language: &str) -> Option<String> {
    let day = value
        .parse::<Date>()
        .or_else(|_| value.parse::<DateTime>().map(DateTime::date))
        .ok()?;
    let months = match language {
        "st" => &MONTHS_ST,
        "af" => &MONTHS_AF,
        "xh" => &MONTHS_XH,
        _ => &MONTHS_EN,
    };
    let month = usize::try_from(day.month())
        .ok()
        .and_then(|month| months.get(month - 1))
        .unwrap_or(&"");
    Some(format!("{} {month} {}", day.day(), day.year()))
}

/// `13:05:00`, or the time of a moment, is printed `13:05`.
fn time(asked: &Asked<'_>) -> String {
    let at = asked
        .value
        .parse::<Time>()
        .or_else(|_| asked.value.parse::<DateTime>().map(DateTime::time));
    at.map_or_else(
        |_| asked.value.to_owned(),
        |at| format!("{:02}:{:02}", at.hour(), at.minute()),
    )
}

/// `+27600000001` is printed `+27 60 000 0001`; other countries' numbers stay in one piece.
fn phone(asked: &Asked<'_>) -> String {
    let national = asked
        .value
        .strip_prefix("+27")
        .filter(|rest| rest.len() == 9);
    let parts = national.and_then(|rest| Some((rest.get(..2)?, rest.get(2..5)?, rest.get(5..)?)));
    parts.map_or_else(
        || asked.value.to_owned(),
        |(a, b, c)| format!("+27 {a} {b} {c}"),
    )
}

/// The first literal for one, the second for any other number. The number itself is not printed.
fn plural(asked: &Asked<'_>) -> String {
    let one = asked.value.trim() == "1";
    asked
        .literals
        .get(usize::from(!one))
        .copied()
        .unwrap_or("")
        .to_owned()
}

const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_AF: [&str; 12] = [
    "Januarie",
    "Februarie",
    "Maart",
    "April",
    "Mei",
    "Junie",
    "Julie",
    "Augustus",
    "September",
    "Oktober",
    "November",
    "Desember",
];
const MONTHS_ST: [&str; 12] = [
    "Pherekgong",
    "Hlakola",
    "Hlakubele",
    "Mmesa",
    "Motsheanong",
    "Phupjane",
    "Phupu",
    "Phato",
    "Loetse",
    "Mphalane",
    "Pudungwana",
    "Tshitwe",
];
const MONTHS_XH: [&str; 12] = [
    "Januwari",
    "Februwari",
    "Matshi",
    "Epreli",
    "Meyi",
    "Juni",
    "Julayi",
    "Agasti",
    "Septemba",
    "Okthobha",
    "Novemba",
    "Disemba",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_printed_for_people() {
        let check = |helper: &str, value: &str, expected: &str| {
            let helper = HELPERS.iter().find(|known| known.name == helper).unwrap();
            let asked = Asked {
                value,
                literals: &["day", "days"],
                language: "af",
            };
            assert_eq!((helper.print)(&asked), expected, "{} {value}", helper.name);
        };
        check("money", "1250.5", "R1 250.50");
        check("money", "R1 250.50", "R1 250.50");
        check("money", "0", "R0.00");
        check("money", "-1234567.89", "-R1 234 567.89");
        check("money", "100", "R100.00");
        check("money", "about ten", "about ten");
        check("money", "1.234", "1.234");
        check("date", "2026-12-07", "7 Desember 2026");
        check("date", "2026-12-07T10:30", "7 Desember 2026");
        check("date", "tomorrow", "tomorrow");
        check("time", "09:05", "09:05");
        check("time", "2026-12-07T10:30:00", "10:30");
        check("time", "noon", "noon");
        check("phone", "+27600000001", "+27 60 000 0001");
        check("phone", "+441632960961", "+441632960961");
        check("phone", "+2760000é", "+2760000é");
        check("plural", "1", "day");
        check("plural", "2", "days");
        check("plural", "many", "days");
        check("first_name", " Palesa Mokoena ", "Palesa");
        check("first_name", "", "");
        check("upper", "môre", "MÔRE");
    }
}
