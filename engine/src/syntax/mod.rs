//! YAML to a tree with spans, losing nothing and guessing nothing: every scalar is text, whatever YAML would make of it.
//!
//! Anchors, aliases, tags, merge keys and duplicate keys are refused. The tree knows no keys of the rules language.

mod read;
mod shape;
#[cfg(test)]
mod tests;

use crate::source::Span;

pub(crate) use read::read;

/// A value of the file and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// A scalar's text. `exact` is true when each byte of it stands in the file as it is (plain or simply quoted on one
    /// line), so that an offset in the text is an offset from `start`; else positions inside it are those of the whole.
    Text {
        text: Box<str>,
        exact: Option<u32>,
    },
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// An empty value, `~` or `null`.
    Empty,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(crate) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    pub(crate) fn map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// Where bytes `at` of a scalar's text stand in the file; the whole scalar when that cannot be said.
    pub(crate) fn span_within(&self, at: std::ops::Range<usize>) -> Span {
        match &self.value {
            Value::Text {
                exact: Some(start), ..
            } => Span::new(
                self.span.source,
                *start as usize + at.start,
                *start as usize + at.end,
            ),
            _ => self.span,
        }
    }
}
