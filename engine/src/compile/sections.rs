//! Sorts what the files hold by kind, so that it matters to nobody later which file a thing stands in.

use std::collections::HashMap;

use super::files::Files;
use crate::diagnostic::Diagnostics;
use crate::source::{SourceId, Span};
use crate::syntax::{Entry, Node};

/// The file that holds what is true of the whole bot.
const PACK_FILE: &str = "pack.yaml";
/// Keys that stand in `pack.yaml` only.
const PACK_KEYS: [&str; 9] = [
    "pack",
    "languages",
    "timezone",
    "country",
    "hours",
    "matching",
    "session",
    "limits",
    "teams",
];
const KEYS: [&str; 7] = [
    "lists",
    "entities",
    "intents",
    "responses",
    "templates",
    "rules",
    "tests",
];
const LATER_KEYS: [&str; 2] = ["flows", "calls"];

/// Something with a name: `name: node`.
#[derive(Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) at: Span,
    pub(super) node: &'a Node,
}

#[derive(Default)]
pub(super) struct Sections<'a> {
    /// `pack.yaml` as a whole; none when there is no such file.
    pub(super) pack: Option<Span>,
    pub(super) pack_entries: Vec<&'a Entry>,
    pub(super) lists: Vec<Named<'a>>,
    pub(super) entities: Vec<Named<'a>>,
    pub(super) intents: Vec<Named<'a>>,
    pub(super) responses: Vec<Named<'a>>,
    pub(super) templates: Vec<Named<'a>>,
    /// Values of `rules` keys.
    pub(super) rules: Vec<&'a Node>,
    /// Values of `tests` keys.
    pub(super) tests: Vec<&'a Node>,
}

impl<'a> Sections<'a> {
    pub(super) fn sort(files: &'a Files, diagnostics: &mut Diagnostics) -> Self {
        let mut sections = Self::default();
        for file in &files.files {
            if file.name == PACK_FILE {
                let start = file.tree.span.start as usize;
                sections.pack = Some(Span::new(file.tree.span.source, start, start));
            }
            let expected = "a map of `intents`, `responses`, `rules` …";
            for entry in file
                .tree
                .expect_map(expected, diagnostics)
                .unwrap_or_default()
            {
                sections.take(entry, file.name == PACK_FILE, diagnostics);
            }
        }
        for (kind, named) in [
            ("list", &sections.lists),
            ("entity", &sections.entities),
            ("intent", &sections.intents),
            ("response", &sections.responses),
            ("template", &sections.templates),
        ] {
            names_are_unique(kind, named, diagnostics);
        }
        sections
    }

    fn take(&mut self, entry: &'a Entry, in_pack_file: bool, diagnostics: &mut Diagnostics) {
        let node = &entry.value;
        match entry.key.as_str() {
            "lists" => named(node, &mut self.lists, diagnostics),
            "entities" => named(node, &mut self.entities, diagnostics),
            "intents" => named(node, &mut self.intents, diagnostics),
            "responses" => named(node, &mut self.responses, diagnostics),
            "templates" => named(node, &mut self.templates, diagnostics),
            "rules" => self.rules.push(node),
            "tests" => self.tests.push(node),
            key if LATER_KEYS.contains(&key) => {
                diagnostics.not_yet_supported(entry.key_span, &format!("`{key}`"));
            }
            key if PACK_KEYS.contains(&key) => {
                if in_pack_file {
                    self.pack_entries.push(entry);
                } else {
                    diagnostics.misplaced_key(entry.key_span, key);
                }
            }
            _ if in_pack_file => entry.unknown(
                "in pack.yaml",
                &[&PACK_KEYS[..], &KEYS].concat(),
                diagnostics,
            ),
            _ => entry.unknown("at the top of a file", &KEYS, diagnostics),
        }
    }
}

fn named<'a>(section: &'a Node, into: &mut Vec<Named<'a>>, diagnostics: &mut Diagnostics) {
    if section.is_empty() {
        return;
    }
    for entry in section
        .expect_map("a map of names", diagnostics)
        .unwrap_or_default()
    {
        if is_name(&entry.key) {
            into.push(Named {
                name: &entry.key,
                at: entry.key_span,
                node: &entry.value,
            });
        } else {
            diagnostics.invalid_name(entry.key_span, &entry.key, &as_name(&entry.key));
        }
    }
}

/// Built-in things may be given again: that extends or rewords them.
fn names_are_unique(kind: &str, named: &[Named<'_>], diagnostics: &mut Diagnostics) {
    let mut first: HashMap<&str, Span> = HashMap::with_capacity(named.len());
    for thing in named
        .iter()
        .filter(|thing| thing.at.source != SourceId::BUILT_IN)
    {
        match first.entry(thing.name) {
            std::collections::hash_map::Entry::Occupied(first) => {
                diagnostics.duplicate_name(thing.at, (kind, thing.name), *first.get());
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(thing.at);
            }
        }
    }
}

/// `snake_case`: lower-case ASCII letters, digits and `_`, beginning with a letter.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A name made of `text`; empty when nothing of it can stand in one.
fn as_name(text: &str) -> String {
    let mapped: String = text
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    let name = mapped
        .trim_start_matches(|c: char| !c.is_ascii_lowercase())
        .trim_end_matches('_');
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (text, good, made) in [
            ("water_outage", true, "water_outage"),
            ("a1", true, "a1"),
            ("WaterOutage", false, "wateroutage"),
            ("water outage", false, "water_outage"),
            ("1st", false, "st"),
            ("_x", false, "x"),
            ("", false, ""),
            ("môre", false, "m_re"),
        ] {
            assert_eq!(is_name(text), good, "{text}");
            assert_eq!(as_name(text), made, "{text}");
        }
    }
}
