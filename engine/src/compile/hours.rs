//! Opening hours as clerks write them: `mon-thu: ["07:30-13:00", "13:45-16:30"]`, holidays, exceptions by date.
//!
//! Whether the office is open at a given time is not answered here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};

use crate::diagnostic::Diagnostics;
use crate::ruleset::{Holidays, Hours};
use crate::syntax::{Entry, Node};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const KEYS: [&str; 9] = [
    "mon",
    "tue",
    "wed",
    "thu",
    "fri",
    "sat",
    "sun",
    "holidays",
    "exceptions",
];
/// Blocks of one day.
const BLOCKS_MAX: usize = 12;
/// Dates of `holidays` or `exceptions`.
const DATES_MAX: usize = 1_000;

type Block = (Time, Time);

pub(super) fn read(node: &Node, diagnostics: &mut Diagnostics) -> Hours {
    let mut hours = Hours::default();
    let mut named: [bool; 7] = [false; 7];
    for entry in node
        .expect_map("a map of days to hours", diagnostics)
        .unwrap_or_default()
    {
        match entry.key.as_str() {
            "holidays" => hours.holidays = holidays(&entry.value, diagnostics),
            "exceptions" => hours.exceptions = exceptions(&entry.value, diagnostics),
            key => match days(key) {
                Some(days) => {
                    let week = hours.week.get_or_insert_with(Default::default);
                    put(&days, entry, (week, &mut named), diagnostics);
                }
                None => entry.unknown(
                    "in `hours` (days are `mon`, `mon-thu`, `sat` …)",
                    &KEYS,
                    diagnostics,
                ),
            },
        }
    }
    hours
}

/// `mon`, `mon-thu`, or several of them with commas: places in the week.
fn days(key: &str) -> Option<Vec<usize>> {
    let day = |name: &str| DAYS.iter().position(|day| *day == name.trim());
    let mut days = Vec::new();
    for part in key.split(',') {
        match part.split_once('-') {
            None => days.push(day(part)?),
            Some((from, to)) => {
                let (from, to) = (day(from)?, day(to)?);
                if from > to {
                    return None;
                }
                days.extend(from..=to);
            }
        }
    }
    Some(days)
}

fn put(
    days: &[usize],
    entry: &Entry,
    (week, named): (&mut [Vec<Block>; 7], &mut [bool; 7]),
    diagnostics: &mut Diagnostics,
) {
    let blocks = blocks(&entry.value, diagnostics);
    for day in days {
        if let (Some(slot), Some(named)) = (week.get_mut(*day), named.get_mut(*day)) {
            if std::mem::replace(named, true) {
                let message = format!(
                    "`{}` has hours already",
                    DAYS.get(*day).copied().unwrap_or_default()
                );
                diagnostics.invalid_hours(entry.key_span, &message, "name each day once");
                return;
            }
            slot.clone_from(&blocks);
        }
    }
}

/// The blocks of one day, in order; `closed` or an empty list is none.
fn blocks(node: &Node, diagnostics: &mut Diagnostics) -> Vec<Block> {
    if node.text() == Some("closed") || node.is_empty() {
        return Vec::new();
    }
    let mut blocks: Vec<Block> = Vec::new();
    for item in node.one_or_many().iter().take(BLOCKS_MAX) {
        let Some(text) = item.expect_text("hours like `07:30-16:00`, or `closed`", diagnostics)
        else {
            continue;
        };
        match block(text) {
            Err((message, help)) => diagnostics.invalid_hours(item.span, &message, help),
            Ok((from, _)) if blocks.last().is_some_and(|(_, end)| from < *end) => {
                diagnostics.invalid_hours(
                    item.span,
                    "this block begins before the one before it ends",
                    "put them in order",
                );
            }
            Ok(block) => blocks.push(block),
        }
    }
    if let Some(extra) = node.list().and_then(|items| items.get(BLOCKS_MAX)) {
        diagnostics.too_many(
            extra.span,
            "blocks of hours in one day",
            (node.one_or_many().len(), BLOCKS_MAX),
        );
    }
    blocks
}

fn block(text: &str) -> Result<Block, (String, &'static str)> {
    let malformed = || {
        (
            format!("`{text}` is not a block of hours"),
            "write it like `07:30-16:00`",
        )
    };
    let (from, to) = text.split_once(['-', '–']).ok_or_else(malformed)?;
    let (from, to) = (
        time(from).ok_or_else(malformed)?,
        time(to).ok_or_else(malformed)?,
    );
    if from == to {
        return Err((
            format!("`{text}` ends when it begins"),
            "write `00:00-24:00` for a whole day, `closed` for none",
        ));
    }
    if from > to {
        return Err((
            format!("`{text}` goes over midnight"),
            "end this day with a block to `24:00` and begin the next with one from `00:00`",
        ));
    }
    Ok((from, to))
}

/// `07:30`, `7:30`; `24:00` is the end of the day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let digits = |part: &str, widths: &[usize]| {
        (widths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| part.parse::<i8>().ok())?
    };
    match (digits(hour, &[1, 2])?, digits(minute, &[2])?) {
        (24, 0) => Some(Time::MAX),
        (hour, minute) => Time::new(hour, minute, 0, 0).ok(),
    }
}

fn holidays(node: &Node, diagnostics: &mut Diagnostics) -> Holidays {
    let expected = "a known calendar of holidays or a list of dates";
    if node.text().is_some() {
        return match node.expect_word(expected, &["south_africa", "none"], diagnostics) {
            Some("south_africa") => Holidays::SouthAfrica,
            _ => Holidays::None,
        };
    }
    let items = node.expect_list(expected, diagnostics).unwrap_or_default();
    if let Some(extra) = items.get(DATES_MAX) {
        diagnostics.too_many(extra.span, "holidays", (items.len(), DATES_MAX));
    }
    let mut dates = BTreeSet::new();
    for item in items.iter().take(DATES_MAX) {
        if let Some(text) = item.expect_text("a date like `2026-12-24`", diagnostics) {
            dates.extend(date(text, item.span, diagnostics));
        }
    }
    Holidays::Dates(dates)
}

fn exceptions(node: &Node, diagnostics: &mut Diagnostics) -> BTreeMap<Date, Vec<Block>> {
    let entries = node
        .expect_map("a map of dates to hours", diagnostics)
        .unwrap_or_default();
    if let Some(extra) = entries.get(DATES_MAX) {
        diagnostics.too_many(extra.key_span, "exceptions", (entries.len(), DATES_MAX));
    }
    let mut exceptions = BTreeMap::new();
    for entry in entries.iter().take(DATES_MAX) {
        let blocks = blocks(&entry.value, diagnostics);
        if let Some(date) = date(&entry.key, entry.key_span, diagnostics) {
            exceptions.insert(date, blocks);
        }
    }
    exceptions
}

fn date(text: &str, at: crate::source::Span, diagnostics: &mut Diagnostics) -> Option<Date> {
    // Only the plain form: the library's parser would also take week dates and times behind the date.
    let date = (text.len() == 10)
        .then(|| Date::strptime("%Y-%m-%d", text).ok())
        .flatten();
    if date.is_none() {
        diagnostics.invalid_value(at, (text, "a date like `2026-12-24`"), None);
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_times_of_one_day() {
        let at = |hour, minute| Time::new(hour, minute, 0, 0).unwrap();
        assert_eq!(block("07:30-13:00"), Ok((at(7, 30), at(13, 0))));
        assert_eq!(block("7:30 - 13:00"), Ok((at(7, 30), at(13, 0))));
        assert_eq!(block("00:00-24:00"), Ok((at(0, 0), Time::MAX)));
        for (bad, why) in [
            ("22:00-06:00", "over midnight"),
            ("08:00-08:00", "ends when it begins"),
            ("8-16", "not a block"),
            ("08:00", "not a block"),
            ("08:60-09:00", "not a block"),
            ("24:30-24:40", "not a block"),
            ("+8:00-09:00", "not a block"),
        ] {
            assert!(block(bad).unwrap_err().0.contains(why), "{bad}");
        }
    }

    #[test]
    fn days_are_single_or_ranges() {
        assert_eq!(days("mon"), Some(vec![0]));
        assert_eq!(days("mon-thu"), Some(vec![0, 1, 2, 3]));
        assert_eq!(days("mon, wed"), Some(vec![0, 2]));
        assert_eq!(days("fri-mon"), None);
        assert_eq!(days("monday"), None);
    }
}
