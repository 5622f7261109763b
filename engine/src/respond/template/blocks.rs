//! The blocks of texts with values: `{{#if}}`, `{{#unless}}`, their branches, and which values are sure to be there in each.

use super::read::{At, End, Part, Reader};
use super::tags::{Word, first_word, words};
use super::{Known, TEMPLATE_DEPTH_MAX};

/// An open block: what closes it, and where it was opened.
struct Block {
    kind: &'static str,
    at: At,
}

impl Block {
    fn part(&self, then: Vec<Part>, otherwise: Vec<Part>) -> Part {
        Part::Choice {
            then,
            otherwise,
            at: self.at.clone(),
        }
    }
}

/// What a branch depends on.
#[derive(Clone, Copy)]
struct Asks<'t> {
    name: Option<&'t str>,
    /// `unless`: the value is there in the `else` branch.
    negated: bool,
}

impl<'t> Asks<'t> {
    fn there(self) -> Option<&'t str> {
        self.name.filter(|_| !self.negated)
    }

    fn missing(self) -> Option<&'t str> {
        self.name.filter(|_| self.negated)
    }
}

impl<'t> Reader<'t, '_> {
    /// `{{#if name}}` or `{{#unless name}}`, through to its end.
    pub(super) fn block(&mut self, block: &'t str, at: At) -> Option<Part> {
        let kind = match first_word(block) {
            "if" => "if",
            "unless" => "unless",
            name => {
                let what = match name.chars().next() {
                    Some('>' | '*') => "partials and decorators".to_owned(),
                    _ => format!("`{{{{#{name}}}}}`"),
                };
                self.refuse(at, &what);
                return None;
            }
        };
        let name = self.condition(block, &at);
        if self.depth == TEMPLATE_DEPTH_MAX {
            self.too_deep(at);
            return None;
        }
        self.depth += 1;
        let part = self.branches(
            Asks {
                name,
                negated: kind == "unless",
            },
            &Block { kind, at },
        );
        self.depth -= 1;
        Some(part)
    }

    /// Says so once, and reads no further.
    fn too_deep(&mut self, at: At) {
        let message = format!("blocks are nested more than {TEMPLATE_DEPTH_MAX} deep");
        self.problem(
            "template-too-deep",
            at,
            message,
            Some("use several replies".to_owned()),
        );
        self.position = self.text.len();
    }

    /// The branches after a block's opening tag, or after an `else if` of it. One closing tag ends the whole chain.
    fn branches(&mut self, asks: Asks<'t>, block: &Block) -> Part {
        let (then, end) = self.guarded(asks.there());
        let Some((tag, at)) = end else {
            return self.never_closed(block, then);
        };
        if first_word(tag) != "else" {
            self.close(tag, block, at);
            return block.part(then, Vec::new());
        }
        let after = tag.get("else".len()..).unwrap_or("").trim();
        if !after.is_empty() {
            return self.chain(after, block, at, then);
        }
        let (otherwise, end) = self.guarded(asks.missing());
        match end {
            Some((tag, at)) => self.close(tag, block, at),
            None => return self.never_closed(block, then),
        }
        block.part(then, otherwise)
    }

    /// What follows `{{else if name}}`.
    fn chain(&mut self, after: &'t str, block: &Block, at: At, then: Vec<Part>) -> Part {
        let mut name = None;
        if first_word(after) == "if" {
            name = self.condition(after, &at);
        } else {
            self.refuse(at.clone(), "anything but `if` after `else`");
        }
        if self.depth == TEMPLATE_DEPTH_MAX {
            self.too_deep(at);
            return block.part(then, Vec::new());
        }
        self.depth += 1;
        let rest = self.branches(
            Asks {
                name,
                negated: false,
            },
            block,
        );
        self.depth -= 1;
        block.part(then, vec![rest])
    }

    fn guarded(&mut self, name: Option<&'t str>) -> (Vec<Part>, End<'t>) {
        self.guards.extend(name);
        let sequence = self.sequence();
        if name.is_some() {
            self.guards.pop();
        }
        sequence
    }

    fn never_closed(&mut self, block: &Block, then: Vec<Part>) -> Part {
        let Block { kind, at } = block;
        let part = block.part(then, Vec::new());
        let stopped = self
            .problems
            .last()
            .is_some_and(|problem| problem.code == "template-too-deep");
        if !stopped {
            let help = Some(format!("write {{{{/{kind}}}}} after it"));
            self.problem(
                "template-syntax",
                at.clone(),
                format!("`{{{{#{kind}}}}}` is never closed"),
                help,
            );
        }
        part
    }

    fn close(&mut self, tag: &str, block: &Block, at: At) {
        let kind = block.kind;
        if tag.strip_prefix('/').map(str::trim) != Some(kind) {
            let help = Some(format!("write {{{{/{kind}}}}} here"));
            self.problem(
                "template-syntax",
                at,
                format!("`{{{{{tag}}}}}` does not close `{{{{#{kind}}}}}`"),
                help,
            );
        }
    }

    /// The one name after `if` or `unless`.
    fn condition(&mut self, block: &'t str, at: &At) -> Option<&'t str> {
        let given = words(block).unwrap_or_default();
        let [Word::Name(kind), Word::Name(name)] = given.as_slice() else {
            let message = format!("`{}` takes the name of one value", first_word(block));
            self.problem(
                "template-syntax",
                at.clone(),
                message,
                Some("write {{#if name}}".to_owned()),
            );
            return None;
        };
        if (self.known)(name) == Known::No {
            self.unknown(name, at.clone());
        }
        let _ = kind;
        Some(name)
    }
}
