//! The YAML parser's events, put together to a tree.
//!
//! What YAML offers beyond plain data (anchors, aliases, tags, merge keys, a second document) is refused where it stands,
//! and reading goes on, so that one look finds all of it. Only what leaves no tree to speak of ends the file.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError};

use super::{Entry, Node, Value};
use crate::diagnostic::Diagnostics;
use crate::source::{Source, SourceId, Span};

/// Bytes of one file.
pub(crate) const FILE_BYTES_MAX: usize = 1024 * 1024;
/// Lists and maps inside each other.
pub(crate) const DEPTH_MAX: usize = 32;
/// Scalars, lists and maps of one file, keys not counted.
pub(crate) const FILE_NODES_MAX: usize = 100_000;
/// Maps up to this many entries look for a repeated key by comparing, larger ones by a table.
const SMALL_MAP_ENTRIES: usize = 16;

/// Reads one file. `None` when there is no tree: not YAML, over a limit, or nothing but comments.
pub(crate) fn read(id: SourceId, source: &Source, diagnostics: &mut Diagnostics) -> Option<Node> {
    if source.text.len() > FILE_BYTES_MAX {
        diagnostics.file_too_large(Span::new(id, 0, 0), source.text.len(), FILE_BYTES_MAX);
        return None;
    }
    if let Some(at) = source.not_utf8(id) {
        diagnostics.not_utf8(at);
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    let mut builder = Builder::new(id, &source.text, diagnostics);
    for step in Parser::new_from_str_with_options(&source.text, options) {
        match step {
            Ok((event, span)) => {
                if builder.take(event, span).is_break() {
                    return None;
                }
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(source.text.len());
                builder.broken(at, &error);
                return None;
            }
        }
    }
    builder.root
}

/// A list or map that is still open.
enum Open {
    List {
        start: usize,
        end: usize,
        items: Vec<Node>,
    },
    Map {
        start: usize,
        end: usize,
        entries: Vec<Entry>,
        key: Option<Key>,
        seen: Seen,
    },
}

/// What stood in the place of a key, until its value comes.
enum Key {
    Text(String, Span),
    /// Reported; the value is read and dropped.
    Refused,
}

/// Keys of an open map.
#[derive(Default)]
struct Seen(HashMap<String, Span>);

struct Builder<'a> {
    id: SourceId,
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
}

type Flow = std::ops::ControlFlow<()>;

impl<'a> Builder<'a> {
    fn new(id: SourceId, text: &'a str, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            id,
            text,
            diagnostics,
            open: Vec::new(),
            root: None,
            documents: 0,
            nodes: 0,
        }
    }

    fn take(&mut self, event: Event<'_>, span: granit_parser::Span) -> Flow {
        let (start, end) = bytes(span, self.text.len());
        let here = Span::new(self.id, start, end);
        match event {
            Event::DocumentStart(..) => return self.document(here),
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(here, anchor != 0, tag.is_some());
                let node = self.scalar(text, style, (start, end));
                return self.add(node);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_extras(here, anchor != 0, tag.is_some());
                return self.enter(Open::List {
                    start,
                    end,
                    items: Vec::new(),
                });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_extras(here, anchor != 0, tag.is_some());
                let seen = Seen::default();
                return self.enter(Open::Map {
                    start,
                    end,
                    entries: Vec::new(),
                    key: None,
                    seen,
                });
            }
            Event::SequenceEnd | Event::MappingEnd => return self.leave(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.diagnostics.alias(here);
                // Read on as if it had stood in quotes, so that one mistake is reported once.
                let text = self.text.get(start..end).unwrap_or_default().into();
                return self.add(Node {
                    span: here,
                    value: Value::Text { text, exact: None },
                });
            }
            _ => {}
        }
        Flow::Continue(())
    }

    fn document(&mut self, here: Span) -> Flow {
        self.documents += 1;
        if self.documents > 1 {
            self.diagnostics.several_documents(here);
            return Flow::Break(());
        }
        Flow::Continue(())
    }

    fn refuse_extras(&mut self, here: Span, anchor: bool, tag: bool) {
        if anchor {
            self.diagnostics.anchor(self.mark_before(here, '&'));
        }
        if tag {
            self.diagnostics.tag(self.mark_before(here, '!'));
        }
    }

    /// Where the word with `sign` stands that marks the value at `here`: before it, maybe lines before.
    fn mark_before(&self, here: Span, sign: char) -> Span {
        let before = self.text.get(..here.start as usize).unwrap_or("");
        let found = before.rfind(sign).and_then(|at| {
            let word = before
                .get(..at)?
                .rfind(char::is_whitespace)
                .map_or(0, |blank| blank + 1);
            let start = word + before.get(word..)?.find(sign)?;
            let length = before.get(start..)?.find(char::is_whitespace)?;
            Some(Span::new(self.id, start, start + length))
        });
        found.unwrap_or(here)
    }

    fn scalar(&self, text: Cow<'_, str>, style: ScalarStyle, (start, end): (usize, usize)) -> Node {
        let plain = style == ScalarStyle::Plain;
        let end = if plain {
            self.trim_end(start, end)
        } else {
            end
        };
        let span = Span::new(self.id, start, end);
        if plain && matches!(&*text, "" | "~" | "null") {
            return Node {
                span,
                value: Value::Empty,
            };
        }
        let inside = if plain {
            start..end
        } else {
            start + 1..end.saturating_sub(1)
        };
        let exact = (self.text.get(inside.clone()) == Some(&*text))
            .then(|| u32::try_from(inside.start).ok())
            .flatten();
        let text = text.into_owned().into_boxed_str();
        Node {
            span,
            value: Value::Text { text, exact },
        }
    }

    /// A plain scalar's span may reach over the blanks behind it.
    fn trim_end(&self, start: usize, end: usize) -> usize {
        self.text
            .get(start..end)
            .map_or(end, |raw| start + raw.trim_end().len())
    }

    fn enter(&mut self, open: Open) -> Flow {
        if self.open.len() >= DEPTH_MAX {
            let (Open::List { start, .. } | Open::Map { start, .. }) = open;
            self.diagnostics
                .too_deep(Span::new(self.id, start, start), DEPTH_MAX);
            return Flow::Break(());
        }
        self.open.push(open);
        Flow::Continue(())
    }

    fn leave(&mut self) -> Flow {
        let node = match self.open.pop() {
            // A large pack is mostly short lists and maps, whose spare places would double what it takes.
            Some(Open::List {
                start,
                end,
                mut items,
            }) => {
                items.shrink_to_fit();
                let end = items.last().map_or(end, |last| last.span.end as usize);
                Node {
                    span: Span::new(self.id, start, end),
                    value: Value::List(items),
                }
            }
            Some(Open::Map {
                start,
                end,
                mut entries,
                ..
            }) => {
                entries.shrink_to_fit();
                let end = entries.last().map_or(end, |last| {
                    last.value.span.end.max(last.key_span.end) as usize
                });
                Node {
                    span: Span::new(self.id, start, end),
                    value: Value::Map(entries),
                }
            }
            None => return Flow::Continue(()),
        };
        self.add(node)
    }

    /// Puts a finished node where it belongs: the list, the key, the key's value, or the top.
    fn add(&mut self, node: Node) -> Flow {
        self.nodes += 1;
        if self.nodes > FILE_NODES_MAX {
            self.diagnostics.too_many_nodes(node.span, FILE_NODES_MAX);
            return Flow::Break(());
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map {
                key, entries, seen, ..
            }) => match key.take() {
                None => {
                    self.nodes -= 1;
                    *key = Some(checked_key(node, entries, seen, self.diagnostics));
                }
                Some(Key::Text(key, key_span)) => entries.push(Entry {
                    key,
                    key_span,
                    value: node,
                }),
                Some(Key::Refused) => {}
            },
        }
        Flow::Continue(())
    }

    fn broken(&mut self, at: usize, error: &ScanError) {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let width = self
            .text
            .get(at..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        let at = Span::new(self.id, at, at + width);
        match error.kind() {
            // The parser's own limit is higher, but it looks ahead.
            ErrorKind::RecursionLimitExceeded => self.diagnostics.too_deep(at, DEPTH_MAX),
            kind => self
                .diagnostics
                .yaml_syntax(at, &error.info(), advice(kind)),
        }
    }
}

/// What is usually behind an error, in words for people who do not know YAML by heart.
fn advice(kind: &ErrorKind) -> &'static str {
    use ErrorKind as E;
    match kind {
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart => "indent with blanks, not with tabs",
        E::UnclosedQuotedScalar => "close the quote at the end of the text",
        E::UnknownQuotedScalarEscape => {
            "put this text in single quotes: in them `\\` is an ordinary character"
        }
        E::UnexpectedCharacter { .. } => {
            "a text that begins with a mark such as `@` or `%` needs quotes"
        }
        E::UnclosedFlowCollection { .. } | E::MismatchedFlowCollectionEnd { .. } => {
            "every `[` needs its `]` and every `{` its `}`"
        }
        E::ExpectedFlowSequenceSeparator | E::ExpectedFlowMappingSeparator => {
            "put a comma between two items; a text that begins with `{` or `[` needs quotes"
        }
        E::MappingValueNotAllowed | E::InvalidColonPlacement => {
            "a text with `: ` in it needs quotes; if this is a key, look at its indentation and at the line before"
        }
        _ => "look at the indentation and the quotes of this line and of the one before",
    }
}

/// A key must be a text of its own in its map; `<<` would merge another map into this one.
fn checked_key(
    node: Node,
    entries: &[Entry],
    seen: &mut Seen,
    diagnostics: &mut Diagnostics,
) -> Key {
    let span = node.span;
    let Value::Text { text, .. } = node.value else {
        diagnostics.key_not_text(span);
        return Key::Refused;
    };
    if &*text == "<<" {
        diagnostics.merge_key(span);
        return Key::Refused;
    }
    if let Some(first) = seen.find(&text, entries) {
        diagnostics.duplicate_key(span, &text, first);
        return Key::Refused;
    }
    Key::Text(text.into(), span)
}

impl Seen {
    /// Where `key` stood before, if it did. The table is only filled once the map is large.
    fn find(&mut self, key: &str, entries: &[Entry]) -> Option<Span> {
        if entries.len() <= SMALL_MAP_ENTRIES {
            return entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| entry.key_span);
        }
        for entry in entries.iter().skip(self.0.len()) {
            self.0.insert(entry.key.clone(), entry.key_span);
        }
        self.0.get(key).copied()
    }
}

fn bytes(span: granit_parser::Span, length: usize) -> (usize, usize) {
    let start = span.start.byte_offset().unwrap_or(0).min(length);
    let end = span.end.byte_offset().unwrap_or(start).clamp(start, length);
    (start, end)
}
