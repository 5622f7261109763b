//! Turns the tree of a pattern into the plain sequences it stands for: one for each way to read it.

use super::code::Code;
use super::tree::{GAP_ANY, Node, Pattern};

/// All ways to read `pattern`. `resolve` gives each word, list and entity its code; a node without one matches nothing.
pub(super) fn expand(
    pattern: &Pattern,
    resolve: &mut impl FnMut(&Node) -> Option<Code>,
) -> Vec<Vec<Code>> {
    let mut ways = nodes(&pattern.nodes, resolve);
    for way in &mut ways {
        tidy(way, pattern);
    }
    ways.retain(|way| !way.is_empty());
    if ways.len() > 1 {
        ways.sort_unstable();
        ways.dedup();
    }
    ways
}

fn nodes(nodes: &[Node], resolve: &mut impl FnMut(&Node) -> Option<Code>) -> Vec<Vec<Code>> {
    let mut ways = vec![Vec::with_capacity(nodes.len() + 1)];
    for node in nodes {
        match node {
            Node::Choice(branches) => ways = product(&ways, &alternatives(branches, resolve)),
            Node::Optional(branches) => {
                let mut others = alternatives(branches, resolve);
                others.push(Vec::new());
                ways = product(&ways, &others);
            }
            _ => match resolve(node) {
                Some(code) => ways.iter_mut().for_each(|way| way.push(code)),
                None => return Vec::new(),
            },
        }
    }
    ways
}

fn alternatives(
    branches: &[Vec<Node>],
    resolve: &mut impl FnMut(&Node) -> Option<Code>,
) -> Vec<Vec<Code>> {
    let mut ways = Vec::new();
    for branch in branches {
        ways.extend(nodes(branch, resolve));
    }
    ways
}

fn product(left: &[Vec<Code>], right: &[Vec<Code>]) -> Vec<Vec<Code>> {
    left.iter()
        .flat_map(|first| {
            right
                .iter()
                .map(|second| [first.as_slice(), second].concat())
        })
        .collect()
}

/// Joins neighbouring gaps, drops those at an open end (no words in them is always best) and marks the closed ends.
fn tidy(way: &mut Vec<Code>, pattern: &Pattern) {
    way.dedup_by(|next, last| match (next, last) {
        (Code::Gap(next), Code::Gap(last)) => {
            *last = (*last + *next).min(GAP_ANY);
            true
        }
        _ => false,
    });
    if !pattern.end && matches!(way.last(), Some(Code::Gap(_))) {
        way.pop();
    }
    if !pattern.start && matches!(way.first(), Some(Code::Gap(_))) {
        way.remove(0);
    }
    if way.is_empty() {
        return;
    }
    if pattern.start {
        way.insert(0, Code::Start);
    }
    if pattern.end {
        way.push(Code::End);
    }
}
