//! Whether the office is open at a moment, and which days are public holidays.
//!
//! It goes by the pack's zone and hours only; holidays proclaimed for one year (an election day) are the pack's to add,
//! as an exception.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::ruleset::{Holidays, Hours};

/// Whether the office is open at `at`. Dates with hours of their own win over holidays, holidays over week days; an
/// office without a week is always open. A block holds from its first minute to before its last.
pub(crate) fn is_open(hours: &Hours, zone: &TimeZone, at: Timestamp) -> bool {
    let local = zone.to_datetime(at);
    let within = |blocks: &[(jiff::civil::Time, jiff::civil::Time)]| {
        blocks
            .iter()
            .any(|(from, to)| *from <= local.time() && local.time() < *to)
    };
    if let Some(blocks) = hours.exceptions.get(&local.date()) {
        return within(blocks);
    }
    let Some(week) = &hours.week else { return true };
    if is_holiday_on(hours, local.date()) {
        return false;
    }
    let day = usize::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
    week.get(day).is_some_and(|blocks| within(blocks))
}

/// Whether the day of `at` in the pack's zone is a public holiday.
pub(crate) fn is_holiday(hours: &Hours, zone: &TimeZone, at: Timestamp) -> bool {
    is_holiday_on(hours, zone.to_datetime(at).date())
}

fn is_holiday_on(hours: &Hours, date: Date) -> bool {
    match &hours.holidays {
        Holidays::None => false,
        Holidays::SouthAfrica => is_south_african_holiday(date),
        Holidays::Dates(dates) => dates.contains(&date),
    }
}

/// The ten fixed days of Schedule 1 of the Public Holidays Act 36 of 1994, as (month, day).
const FIXED: [(i8, i8); 10] = [
    (1, 1),
    (3, 21),
    (4, 27),
    (5, 1),
    (6, 16),
    (8, 9),
    (9, 24),
    (12, 16),
    (12, 25),
    (12, 26),
];

/// Section 1 of the Act: the scheduled days, and the Monday after one that falls on a Sunday. The two days of Easter
/// are a Friday and a Monday, so that rule never moves them.
fn is_south_african_holiday(date: Date) -> bool {
    let fixed = |date: Date| FIXED.contains(&(date.month(), date.day()));
    let after_sunday = || date.weekday() == Weekday::Monday && date.yesterday().is_ok_and(fixed);
    let easter = || {
        let sunday = easter_sunday(date.year());
        let is = |days: i64| {
            sunday
                .is_some_and(|sunday| sunday.checked_add(days.days()).is_ok_and(|day| day == date))
        };
        is(-2) || is(1)
    };
    fixed(date) || after_sunday() || easter()
}

/// Easter Sunday of the Gregorian calendar, by the anonymous computus (Meeus, Jones, Butcher).
fn easter_sunday(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let moon = year % 19;
    let (century, rest) = (year / 100, year % 100);
    let shift = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * moon + century - century / 4 - shift + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (moon + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    let part = |number: i32| i8::try_from(number).ok();
    Date::new(
        i16::try_from(year).ok()?,
        part(days / 31)?,
        part(days % 31 + 1)?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Time, date, time};

    use super::*;

    fn johannesburg() -> TimeZone {
        TimeZone::get("Africa/Johannesburg").unwrap()
    }

    fn at(local: &str) -> Timestamp {
        local
            .parse::<jiff::civil::DateTime>()
            .unwrap()
            .to_zoned(johannesburg())
            .unwrap()
            .timestamp()
    }

    #[test]
    fn south_african_holidays_of_two_years() {
        let check = |year: i16, expected: &[(i8, i8)]| {
            let first = date(year, 1, 1);
            let days: Vec<(i8, i8)> = (0..365)
                .map(|day| first.checked_add(day.days()).unwrap())
                .filter(|day| is_south_african_holiday(*day))
                .map(|day| (day.month(), day.day()))
                .collect();
            assert_eq!(days, expected, "{year}");
        };
        // Women's Day 2026 is a Sunday.
        check(
            2026,
            &[
                (1, 1),
                (3, 21),
                (4, 3),
                (4, 6),
                (4, 27),
                (5, 1),
                (6, 16),
                (8, 9),
                (8, 10),
                (9, 24),
                (12, 16),
                (12, 25),
                (12, 26),
            ],
        );
        // Human Rights Day and the Day of Goodwill 2027 are Sundays.
        check(
            2027,
            &[
                (1, 1),
                (3, 21),
                (3, 22),
                (3, 26),
                (3, 29),
                (4, 27),
                (5, 1),
                (6, 16),
                (8, 9),
                (9, 24),
                (12, 16),
                (12, 25),
                (12, 26),
                (12, 27),
            ],
        );
    }

    #[test]
    fn easter_by_the_almanac() {
        for (year, month, day) in [
            (2000, 4, 23),
            (2008, 3, 23),
            (2019, 4, 21),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2038, 4, 25),
        ] {
            assert_eq!(easter_sunday(year), Some(date(year, month, day)));
        }
        for year in i16::MIN..=i16::MAX {
            let _ = easter_sunday(year);
        }
    }

    fn office() -> Hours {
        let block = |from: Time, to: Time| (from, to);
        let long = vec![
            block(time(7, 30, 0, 0), time(13, 0, 0, 0)),
            block(time(13, 45, 0, 0), time(16, 30, 0, 0)),
        ];
        let friday = vec![block(time(7, 30, 0, 0), time(13, 0, 0, 0))];
        Hours {
            week: Some([
                long.clone(),
                long.clone(),
                long.clone(),
                long,
                friday,
                Vec::new(),
                Vec::new(),
            ]),
            holidays: Holidays::SouthAfrica,
            exceptions: [
                (
                    date(2026, 12, 24),
                    vec![block(time(8, 0, 0, 0), time(10, 0, 0, 0))],
                ),
                (
                    date(2026, 12, 16),
                    vec![block(time(8, 0, 0, 0), time(10, 0, 0, 0))],
                ),
                (date(2026, 11, 4), Vec::new()),
            ]
            .into(),
        }
    }

    #[test]
    fn open_by_week_holiday_and_exception() {
        let hours = office();
        let check = |local: &str, expected: bool| {
            assert_eq!(
                is_open(&hours, &johannesburg(), at(local)),
                expected,
                "{local}"
            );
        };
        check("2026-11-23T07:29:59", false);
        check("2026-11-23T07:30", true);
        check("2026-11-23T12:59:59", true);
        check("2026-11-23T13:00", false);
        check("2026-11-23T13:45", true);
        check("2026-11-27T14:00", false);
        check("2026-11-28T09:00", false);
        check("2026-12-25T09:00", false);
        check("2026-08-10T09:00", false);
        check("2026-12-24T09:00", true);
        check("2026-12-24T11:00", false);
        check("2026-12-16T09:00", true);
        check("2026-11-04T09:00", false);
    }

    #[test]
    fn without_a_week_the_office_is_always_open() {
        let mut hours = office();
        hours.week = None;
        assert!(is_open(&hours, &johannesburg(), at("2026-12-25T03:00")));
        assert!(!is_open(&hours, &johannesburg(), at("2026-11-04T09:00")));
    }

    #[test]
    fn the_day_is_the_one_in_the_packs_zone() {
        let hours = office();
        // 22:30 UTC on the 24th is half past midnight on Christmas Day.
        let night = "2026-12-24T22:30:00Z".parse().unwrap();
        assert!(is_holiday(&hours, &johannesburg(), night));
        assert!(!is_holiday(&hours, &TimeZone::UTC, night));
        let listed = Hours {
            holidays: Holidays::Dates([date(2026, 12, 25)].into()),
            ..Hours::default()
        };
        assert!(is_holiday(&listed, &johannesburg(), night));
        assert!(!is_holiday(&Hours::default(), &johannesburg(), night));
    }
}
