//! The files of a pack as trees, in order of path, and the lines that byte positions fall on.
//!
//! The built-in rules are one more file, and the first.

use std::sync::Arc;

use crate::diagnostic::Diagnostics;
use crate::source::{Location, Source, SourceId, Span};
use crate::syntax::{self, Node};

/// Name and text of the rules that every pack holds.
pub(crate) const BUILT_IN: (&str, &str) = ("built-in", include_str!("builtin.yaml"));

/// One file that could be read.
pub(super) struct File {
    pub(super) name: String,
    pub(super) tree: Node,
}

pub(super) struct Files {
    pub(super) files: Vec<File>,
    /// Some file could not be read: names that seem unknown may stand in it.
    pub(super) incomplete: bool,
}

impl Files {
    pub(super) fn read(
        sources: &[Source],
        order: &[SourceId],
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let built_in = Source {
            name: BUILT_IN.0.to_owned(),
            text: BUILT_IN.1.to_owned(),
        };
        let mut files = Vec::with_capacity(sources.len() + 1);
        let mut incomplete = false;
        let mut add = |id, source: &Source| match syntax::read(id, source, diagnostics) {
            Some(tree) => files.push(File {
                name: source.name.clone(),
                tree,
            }),
            None => {
                incomplete |= source
                    .text
                    .lines()
                    .any(|line| !matches!(line.trim_start().chars().next(), None | Some('#')));
            }
        };
        add(SourceId::BUILT_IN, &built_in);
        for id in order {
            if let Some(source) = sources.get(id.0 as usize) {
                add(*id, source);
            }
        }
        Self { files, incomplete }
    }
}

/// The sources' numbers in order of their paths.
pub(super) fn by_path(sources: &[Source]) -> Vec<SourceId> {
    let mut order: Vec<(&str, SourceId)> = (0..)
        .map(SourceId)
        .zip(sources)
        .map(|(id, source)| (source.name.as_str(), id))
        .collect();
    order.sort();
    order.into_iter().map(|(_, id)| id).collect()
}

/// Turns spans into places by a table of line starts: counting lines anew for each of fifty thousand phrases would
/// take longer than everything else.
pub(super) struct Places<'a> {
    sources: &'a [Source],
    /// The name of each source and where its lines start.
    line_starts: Vec<(Arc<str>, Vec<u32>)>,
    built_in_name: Arc<str>,
    built_in: Vec<u32>,
    /// Position of each source in the order of paths.
    rank: Vec<u32>,
}

impl<'a> Places<'a> {
    pub(super) fn new(sources: &'a [Source], order: &[SourceId]) -> Self {
        let mut rank = vec![0; sources.len()];
        for (place, id) in (1..).zip(order) {
            if let Some(slot) = rank.get_mut(id.0 as usize) {
                *slot = place;
            }
        }
        let line_starts = sources
            .iter()
            .map(|source| (source.name.as_str().into(), starts(&source.text)))
            .collect();
        Self {
            sources,
            line_starts,
            built_in_name: BUILT_IN.0.into(),
            built_in: starts(BUILT_IN.1),
            rank,
        }
    }

    /// Sorts by file and place: built-in first, then by path.
    pub(super) fn order(&self, span: Span) -> (u32, u32) {
        (
            self.rank.get(span.source.0 as usize).copied().unwrap_or(0),
            span.start,
        )
    }

    pub(super) fn locate(&self, span: Span) -> Location {
        let (name, text, starts) = if span.source == SourceId::BUILT_IN {
            (&self.built_in_name, BUILT_IN.1, &self.built_in)
        } else {
            let at = span.source.0 as usize;
            match (self.sources.get(at), self.line_starts.get(at)) {
                (Some(source), Some((name, starts))) => (name, source.text.as_str(), starts),
                _ => return Location::default(),
            }
        };
        let line = starts.partition_point(|start| *start <= span.start).max(1);
        let from = starts.get(line - 1).copied().unwrap_or(0) as usize;
        let column = text
            .get(from..span.start as usize)
            .map_or(0, |before| before.chars().count())
            + 1;
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Location {
            file: Arc::clone(name),
            line: count(line),
            column: count(column),
        }
    }
}

fn starts(text: &str) -> Vec<u32> {
    let newlines = text
        .bytes()
        .zip(1..)
        .filter(|(byte, _)| *byte == b'\n')
        .map(|(_, next)| next);
    std::iter::once(0).chain(newlines).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::locate;

    #[test]
    fn places_are_those_of_counting() {
        let source = |name: &str, text: &str| Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let sources = [
            source("b.yaml", "môre: x\n\n  a: ünd\n"),
            source("a.yaml", ""),
        ];
        let order = by_path(&sources);
        assert_eq!(order, [SourceId(1), SourceId(0)]);
        let places = Places::new(&sources, &order);
        for (id, source) in (0..).map(SourceId).zip(&sources) {
            for (at, _) in source.text.char_indices() {
                let span = Span::new(id, at, at);
                assert_eq!(places.locate(span), locate(&sources, span));
            }
        }
    }
}
