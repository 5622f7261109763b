//! `pack.yaml`: what is true of the whole bot.

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::hours;
use super::sections::{Sections, is_name};
use crate::diagnostic::Diagnostics;
use crate::language::Language;
use crate::ruleset::{Hours, Matching, Pack};
use crate::source::{SourceId, Span};
use crate::syntax::{Entry, Node};

/// Languages of one pack.
pub(super) const LANGUAGES_MAX: usize = 16;
/// Teams of one pack.
const TEAMS_MAX: usize = 200;
/// The longest pause within a session, in minutes: 30 days.
const IDLE_MINUTES_MAX: i64 = 30 * 24 * 60;
/// The oldest message that may still be answered as fresh, in minutes: a day.
const STALE_MINUTES_MAX: i64 = 24 * 60;
/// Where phone numbers without a country belong.
const COUNTRY: &str = "ZA";
/// The team of packs that name none.
const TEAM: &str = "staff";

/// `pack.yaml`, with defaults for what it does not say, and the country of its phone numbers.
pub(super) fn read(
    sections: &Sections<'_>,
    incomplete: bool,
    diagnostics: &mut Diagnostics,
) -> (Pack, String) {
    let mut pack = defaults();
    let mut country = COUNTRY.to_owned();
    for entry in &sections.pack_entries {
        take(entry, &mut pack, &mut country, diagnostics);
    }
    match sections.pack {
        Some(at) => {
            for key in ["pack", "languages"] {
                if !sections.pack_entries.iter().any(|entry| entry.key == key) {
                    diagnostics.missing_key(at, key, "in pack.yaml");
                }
            }
        }
        None if !incomplete => diagnostics.missing_pack(Span::new(SourceId(0), 0, 0)),
        None => {}
    }
    if pack.languages.is_empty() {
        pack.languages.push(Language::EN);
    }
    if pack.teams.is_empty() {
        pack.teams.push(TEAM.to_owned());
    }
    (pack, country)
}

fn defaults() -> Pack {
    Pack {
        name: String::new(),
        languages: Vec::new(),
        timezone: TimeZoneDatabase::bundled()
            .get("Africa/Johannesburg")
            .unwrap_or(TimeZone::UTC),
        hours: Hours::default(),
        matching: Matching {
            accept: 600,
            margin: 80,
            typos: true,
        },
        idle_minutes: 4 * 60,
        stale_after_minutes: 10,
        replies_per_minute: 20,
        teams: Vec::new(),
    }
}

fn take(entry: &Entry, pack: &mut Pack, country: &mut String, diagnostics: &mut Diagnostics) {
    let node = &entry.value;
    match entry.key.as_str() {
        "pack" => {
            pack.name = node
                .expect_text("a name", diagnostics)
                .unwrap_or_default()
                .to_owned();
        }
        "languages" => pack.languages = languages(node, diagnostics),
        "timezone" => pack.timezone = timezone(node, diagnostics).unwrap_or(TimeZone::UTC),
        "country" => {
            if let Some(code) = node.expect_text("a country", diagnostics) {
                if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
                    code.clone_into(country);
                } else {
                    diagnostics.invalid_value(
                        node.span,
                        (code, "a country of two capital letters (`ZA`)"),
                        None,
                    );
                }
            }
        }
        "hours" => pack.hours = hours::read(node, diagnostics),
        "matching" => matching(node, &mut pack.matching, diagnostics),
        "session" => session(node, pack, diagnostics),
        "limits" => limits(node, pack, diagnostics),
        "teams" => pack.teams = teams(node, diagnostics),
        _ => {}
    }
}

fn languages(node: &Node, diagnostics: &mut Diagnostics) -> Vec<Language> {
    let mut languages = Vec::new();
    for item in node.one_or_many() {
        let Some(code) = item.expect_text("a language", diagnostics) else {
            continue;
        };
        match Language::parse(code) {
            Some(language) if languages.contains(&language) => {
                diagnostics.invalid_value(
                    item.span,
                    (code, "a language that is not named yet"),
                    None,
                );
            }
            Some(language) => languages.push(language),
            None => {
                diagnostics.invalid_value(
                    item.span,
                    (code, "a language code of two or three small letters (`en`)"),
                    None,
                );
            }
        }
    }
    if languages.is_empty() && node.one_or_many().is_empty() {
        diagnostics.wrong_shape(node.span, "at least one language", "none");
    }
    if languages.len() > LANGUAGES_MAX {
        diagnostics.too_many(node.span, "languages", (languages.len(), LANGUAGES_MAX));
        languages.truncate(LANGUAGES_MAX);
    }
    languages
}

/// From the tables that are part of the program: a decision must not hang on the machine it is made on.
fn timezone(node: &Node, diagnostics: &mut Diagnostics) -> Option<TimeZone> {
    let database = TimeZoneDatabase::bundled();
    let name = node.expect_text("a time zone", diagnostics)?;
    let zone = database.get(name).ok();
    if zone.is_none() {
        let known: Vec<String> = database
            .available()
            .map(|name| name.as_str().to_owned())
            .collect();
        let suggestion = diagnostics.nearest(name, known.iter().map(String::as_str));
        diagnostics.invalid_value(
            node.span,
            (name, "a time zone like `Africa/Johannesburg`"),
            suggestion,
        );
    }
    zone
}

fn matching(node: &Node, matching: &mut Matching, diagnostics: &mut Diagnostics) {
    for entry in node
        .expect_map("a map of `accept`, `margin`, `typos`", diagnostics)
        .unwrap_or_default()
    {
        match entry.key.as_str() {
            "accept" => {
                matching.accept = thousandths(&entry.value, diagnostics).unwrap_or(matching.accept);
            }
            "margin" => {
                matching.margin = thousandths(&entry.value, diagnostics).unwrap_or(matching.margin);
            }
            "typos" => {
                matching.typos = entry
                    .value
                    .expect_bool(diagnostics)
                    .unwrap_or(matching.typos);
            }
            _ => entry.unknown("in `matching`", &["accept", "margin", "typos"], diagnostics),
        }
    }
}

/// A share from 0 to 1, in whole thousandths.
fn thousandths(node: &Node, diagnostics: &mut Diagnostics) -> Option<u16> {
    let expected = "a number from 0 to 1 with at most three decimals";
    let text = node.expect_text(expected, diagnostics)?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = digits(whole) && (1..=2).contains(&whole.len()) && digits(part) && part.len() <= 3;
    let number = if fits {
        format!("{whole}{part:0<3}")
            .parse::<u16>()
            .ok()
            .filter(|n| *n <= 1000)
    } else {
        None
    };
    if number.is_none() {
        diagnostics.invalid_value(node.span, (text, expected), None);
    }
    number
}

fn session(node: &Node, pack: &mut Pack, diagnostics: &mut Diagnostics) {
    for entry in node
        .expect_map("a map of `idle`, `stale_after`", diagnostics)
        .unwrap_or_default()
    {
        let read = |max, diagnostics: &mut Diagnostics| minutes(&entry.value, max, diagnostics);
        match entry.key.as_str() {
            "idle" => {
                pack.idle_minutes =
                    read(IDLE_MINUTES_MAX, diagnostics).unwrap_or(pack.idle_minutes);
            }
            "stale_after" => {
                pack.stale_after_minutes =
                    read(STALE_MINUTES_MAX, diagnostics).unwrap_or(pack.stale_after_minutes);
            }
            _ => entry.unknown("in `session`", &["idle", "stale_after"], diagnostics),
        }
    }
}

pub(super) fn minutes(node: &Node, max: i64, diagnostics: &mut Diagnostics) -> Option<i64> {
    let expected = format!("a duration like `10m`, `4h` or `1h30m`, from 1m to {max} minutes");
    let text = node.expect_text(&expected, diagnostics)?;
    let minutes = duration(text).filter(|minutes| (1..=max).contains(minutes));
    if minutes.is_none() {
        diagnostics.invalid_value(node.span, (text, &expected), None);
    }
    minutes
}

/// `10m`, `4h`, `2d`, `1h30m` in minutes.
fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        let unit = match rest.as_bytes().get(digits)? {
            b'm' => 1,
            b'h' => 60,
            b'd' => 24 * 60,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = rest.get(digits + 1..)?;
    }
    (!text.is_empty()).then_some(total)
}

fn limits(node: &Node, pack: &mut Pack, diagnostics: &mut Diagnostics) {
    for entry in node
        .expect_map("a map of `replies_per_minute`", diagnostics)
        .unwrap_or_default()
    {
        match entry.key.as_str() {
            "replies_per_minute" => {
                let number = entry
                    .value
                    .expect_whole(1..=600, diagnostics)
                    .and_then(|n| u32::try_from(n).ok());
                pack.replies_per_minute = number.unwrap_or(pack.replies_per_minute);
            }
            _ => entry.unknown("in `limits`", &["replies_per_minute"], diagnostics),
        }
    }
}

fn teams(node: &Node, diagnostics: &mut Diagnostics) -> Vec<String> {
    let mut teams: Vec<String> = Vec::new();
    for item in node.one_or_many() {
        let Some(name) = item.expect_text("the name of a team", diagnostics) else {
            continue;
        };
        if !is_name(name) {
            diagnostics.invalid_name(item.span, name, "");
        } else if teams.iter().any(|team| team == name) {
            diagnostics.invalid_value(item.span, (name, "a team that is not named yet"), None);
        } else {
            teams.push(name.to_owned());
        }
    }
    if teams.len() > TEAMS_MAX {
        diagnostics.too_many(node.span, "teams", (teams.len(), TEAMS_MAX));
        teams.truncate(TEAMS_MAX);
    }
    teams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, minutes) in [
            ("10m", Some(10)),
            ("4h", Some(240)),
            ("1h30m", Some(90)),
            ("2d", Some(2880)),
            ("", None),
            ("10", None),
            ("m", None),
            ("-4h", None),
            ("99999999999999999999h", None),
            ("9223372036854775807d", None),
            ("4 h", None),
            ("4ü", None),
        ] {
            assert_eq!(duration(text), minutes, "{text}");
        }
    }
}
