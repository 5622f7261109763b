//! The tree of a pattern, and what can be told from its shape alone.

use std::ops::Range;

use crate::text::{WordId, Words, split};

/// What `**` stands for: more than any message holds.
pub(crate) const GAP_ANY: u32 = 1 << 20;

/// A parsed pattern; names of lists and entities are still names.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Pattern {
    pub(super) nodes: Vec<Node>,
    /// `^`: only at the start of the message.
    pub(super) start: bool,
    /// `$`: only at its end.
    pub(super) end: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Word {
        text: String,
        exact: bool,
        affixes: bool,
    },
    /// Up to so many words that do not matter.
    Gap(u32),
    /// Exactly one word, whatever it is.
    Any,
    List {
        name: String,
        at: Range<usize>,
    },
    Entity {
        capture: String,
        name: String,
        at: Range<usize>,
    },
    /// One of these.
    Choice(Vec<Vec<Node>>),
    /// One of these, or nothing.
    Optional(Vec<Vec<Node>>),
}

impl Pattern {
    /// The words of `text`, with no character of it special: a list entry, the spelling of a value.
    pub(crate) fn literal(text: &str) -> Self {
        let nodes = words_of(text)
            .into_iter()
            .map(|text| Node::Word {
                text,
                exact: false,
                affixes: false,
            })
            .collect();
        Self {
            nodes,
            start: false,
            end: false,
        }
    }

    /// Whether there is anything in it to match.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Names after `@`, with their bytes in the pattern.
    pub(crate) fn lists(&self) -> Vec<(String, Range<usize>)> {
        let mut lists = Vec::new();
        visit(&self.nodes, &mut |node| {
            if let Node::List { name, at } = node {
                lists.push((name.clone(), at.clone()));
            }
        });
        lists
    }

    /// Entities in braces: capture name, entity name, bytes in the pattern.
    pub(crate) fn entities(&self) -> Vec<(String, String, Range<usize>)> {
        let mut entities = Vec::new();
        visit(&self.nodes, &mut |node| {
            if let Node::Entity { capture, name, at } = node {
                entities.push((capture.clone(), name.clone(), at.clone()));
            }
        });
        entities
    }
}

fn visit(nodes: &[Node], see: &mut impl FnMut(&Node)) {
    for node in nodes {
        see(node);
        if let Node::Choice(branches) | Node::Optional(branches) = node {
            for branch in branches {
                visit(branch, see);
            }
        }
    }
}

/// Whether every way to read `nodes` needs at least one word of the message.
pub(super) fn holds_evidence(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match node {
        Node::Word { .. } | Node::Any | Node::List { .. } | Node::Entity { .. } => true,
        Node::Gap(_) | Node::Optional(_) => false,
        Node::Choice(branches) => branches.iter().all(|branch| holds_evidence(branch)),
    })
}

/// Words on the longest way to read `nodes`.
pub(super) fn longest(nodes: &[Node]) -> usize {
    nodes
        .iter()
        .map(|node| match node {
            Node::Choice(branches) | Node::Optional(branches) => branches
                .iter()
                .map(|branch| longest(branch))
                .max()
                .unwrap_or(0),
            _ => 1,
        })
        .sum()
}

/// Ways to read `nodes`.
pub(super) fn expansions(nodes: &[Node]) -> u64 {
    nodes.iter().fold(1, |ways: u64, node| match node {
        Node::Choice(branches) => ways.saturating_mul(sum(branches)),
        Node::Optional(branches) => ways.saturating_mul(sum(branches).saturating_add(1)),
        _ => ways,
    })
}

fn sum(branches: &[Vec<Node>]) -> u64 {
    branches.iter().fold(0, |ways: u64, branch| {
        ways.saturating_add(expansions(branch))
    })
}

/// The folded words of a piece of a pattern.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Words::default();
    split(text, &mut words, |_| WordId::UNKNOWN);
    words
        .tokens
        .iter()
        .map(|token| words.text(token).to_owned())
        .collect()
}
