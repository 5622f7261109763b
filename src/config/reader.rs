//! Takes values from where they are and collects what is wrong with them. A value is never part of a message: it may be
//! a secret in the wrong place.

use std::collections::BTreeMap;
use std::fs::File;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::{ConfigError, Problem, table};

/// Looked for in the working folder; the first that exists is read.
const FILES: [&str; 2] = ["puisano.env", ".env"];
/// Names that begin like this are ours, so an unknown one is a slip of the pen.
const OURS: [&str; 2] = ["PUISANO_", "WHATSAPP_"];

/// Values by name, and the problems so far.
#[derive(Debug, Default)]
pub(super) struct Reader {
    values: BTreeMap<String, String>,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

impl Reader {
    pub(super) fn from_surroundings(file: Option<&Path>) -> Self {
        let mut reader = Self::default();
        let standard = FILES.iter().map(Path::new).find(|path| path.is_file());
        if let Some(path) = file.or(standard) {
            reader.take_file(path);
        }
        reader.take_environment(std::env::vars_os().filter_map(|(name, value)| {
            // What is not text cannot be one of ours.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        reader
    }

    pub(super) fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut reader = Self::default();
        reader.take_environment(
            pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        reader
    }

    /// Closes the book: every problem at once, or the notes.
    pub(super) fn finish(self) -> Result<Vec<String>, ConfigError> {
        if self.problems.is_empty() {
            Ok(self.notes)
        } else {
            Err(ConfigError {
                problems: self.problems,
            })
        }
    }

    /// Whether any known setting of this family has a value.
    pub(super) fn any_given(&self, family: &str) -> bool {
        self.values
            .keys()
            .any(|name| name.starts_with(family) && table::find(name).is_some())
    }

    /// The value that was given, or the default; `None` also when it was wrong, which is noted.
    pub(super) fn checked<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        match read(self.text(name)?.trim()) {
            Ok(value) => Some(value),
            Err(what) => {
                self.problem(name, what);
                None
            }
        }
    }

    pub(super) fn required<T>(
        &mut self,
        name: &str,
        read: impl Fn(&str) -> Result<T, &'static str>,
    ) -> Option<T> {
        if self.text(name).is_none() {
            let about = table::find(name).map_or("", |setting| setting.about);
            self.problem(name, &format!("is missing. {about}"));
            return None;
        }
        self.checked(name, read)
    }

    pub(super) fn parsed<T: FromStr>(&mut self, name: &str, expected: &str) -> Option<T> {
        let parsed = self.text(name)?.trim().parse().ok();
        if parsed.is_none() {
            self.problem(name, &format!("must be {expected}"));
        }
        parsed
    }

    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let number: Option<u64> = self.text(name)?.trim().parse().ok();
        let fits = number.filter(|number| range.contains(number));
        if fits.is_none() {
            self.problem(
                name,
                &format!("must be a number from {} to {}", range.start(), range.end()),
            );
        }
        fits
    }

    pub(super) fn path(&mut self, name: &str) -> PathBuf {
        PathBuf::from(self.text(name).unwrap_or_default())
    }

    /// An empty value is none, and so is an empty default.
    fn text(&self, name: &str) -> Option<String> {
        let default = || {
            table::find(name)
                .and_then(|setting| setting.default)
                .map(str::to_owned)
        };
        self.values
            .get(name)
            .cloned()
            .or_else(default)
            .filter(|text| !text.is_empty())
    }

    fn problem(&mut self, name: &str, what: &str) {
        self.problems.push(Problem {
            name: name.to_owned(),
            what: what.to_owned(),
        });
    }

    fn take_file(&mut self, path: &Path) {
        let name = path.display().to_string();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return self.problem(&name, &format!("cannot be read: {error}")),
        };
        let mut last = String::new();
        for pair in dotenvy::Iter::new(file) {
            match pair {
                Ok((setting, value)) => {
                    if let Some(unknown) = unknown(&setting) {
                        self.problem(&format!("{setting} in {name}"), &unknown);
                    }
                    self.give(setting.clone(), &value);
                    last = setting;
                }
                Err(dotenvy::Error::LineParse(..)) => {
                    let place = if last.is_empty() {
                        "the first line".to_owned()
                    } else {
                        format!("the line after {last}")
                    };
                    self.problem(&name, &format!("{place} is not NAME=value; a value with spaces, $ or quotes stands in '…'"));
                }
                Err(_) => {
                    self.problem(&name, "cannot be read to its end: it must be UTF-8 text");
                    break;
                }
            }
        }
    }

    fn take_environment(&mut self, pairs: impl Iterator<Item = (String, String)>) {
        for (name, value) in pairs {
            // The environment is everybody's, so a stranger in it does not keep us from starting.
            if let Some(unknown) = unknown(&name) {
                self.notes.push(format!("{name} {unknown}"));
            }
            self.give(name, &value);
        }
    }

    fn give(&mut self, name: String, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.values.insert(name, value.to_owned());
        }
    }
}

/// What is to be said about a name that looks like ours and is not.
fn unknown(name: &str) -> Option<String> {
    if table::find(name).is_some() || !OURS.iter().any(|ours| name.starts_with(ours)) {
        return None;
    }
    let names = table::SECTIONS
        .iter()
        .flat_map(|section| section.settings)
        .map(|setting| setting.name);
    let nearest = names
        .min_by_key(|known| distance(known, name))
        .filter(|known| distance(known, name) <= 3);
    let hint = nearest.map_or(String::new(), |known| format!("; did you mean {known}?"));
    Some(format!("is not a setting{hint}"))
}

/// Edits between two names.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.bytes()) {
            let next = (diagonal + usize::from(x != y))
                .min(*cell + 1)
                .min(left + 1);
            diagonal = *cell;
            *cell = next;
            left = next;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_far_apart_as_the_edits_between_them() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(
                (distance(a, b), distance(b, a)),
                (expected, expected),
                "{a} {b}"
            );
        }
    }
}
