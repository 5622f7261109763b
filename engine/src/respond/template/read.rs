//! The grammar of texts with values, and its problems. It renders nothing.

use super::tags::{self, Scanned, Tag, Word, first_word, words};
use super::{Known, TEMPLATE_BYTES_MAX, TemplateProblem};
use crate::respond::formats;

/// A piece of a text.
#[derive(Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Value(Named),
    Helper {
        helper: &'static str,
        value: Named,
        literals: Vec<String>,
    },
    Choice {
        then: Vec<Part>,
        otherwise: Vec<Part>,
        /// The tag that opens it.
        at: At,
    },
}

/// A value by its name, and the tag in which it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) at: At,
}

/// A value that is there only in some situations, as a text uses it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) at: At,
    /// Stands under `{{#if}}`, so it may be missing.
    pub(crate) guarded: bool,
}

/// A text in pieces, and what it takes for granted about the situation.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) parts: Vec<Part>,
    pub(crate) uses: Vec<Use>,
}

/// Reads `text` into its parts, or says everything that is wrong with it.
pub(crate) fn parts(
    text: &str,
    known: &dyn Fn(&str) -> Known,
) -> Result<Parts, Vec<TemplateProblem>> {
    if text.len() > TEMPLATE_BYTES_MAX {
        return Err(vec![TemplateProblem {
            code: "template-too-large",
            at: 0..text.len(),
            message: format!(
                "this text has {} bytes; at most {TEMPLATE_BYTES_MAX} are taken",
                text.len()
            ),
            help: Some("split it into several replies".to_owned()),
        }]);
    }
    let mut reader = Reader {
        text,
        known,
        position: 0,
        depth: 0,
        guards: Vec::new(),
        uses: Vec::new(),
        problems: Vec::new(),
    };
    let (parts, end) = reader.sequence();
    if let Some((tag, at)) = end {
        reader.problem(
            "template-syntax",
            at,
            format!("`{{{{{tag}}}}}` has nothing to close"),
            None,
        );
    }
    if reader.problems.is_empty() {
        Ok(Parts {
            parts,
            uses: reader.uses,
        })
    } else {
        Err(reader.problems)
    }
}

pub(crate) type At = std::ops::Range<usize>;
/// The tag that ended a sequence of parts (`else…` or `/…`), and its place.
pub(super) type End<'t> = Option<(&'t str, At)>;

pub(super) struct Reader<'t, 'k> {
    pub(super) text: &'t str,
    pub(super) known: &'k dyn Fn(&str) -> Known,
    pub(super) position: usize,
    /// Blocks that are open, each `else if` counted as one more.
    pub(super) depth: usize,
    /// Values known to be there at this point.
    pub(super) guards: Vec<&'t str>,
    uses: Vec<Use>,
    pub(super) problems: Vec<TemplateProblem>,
}

impl<'t> Reader<'t, '_> {
    /// Parts up to the end of the text or to a tag that ends a block.
    pub(super) fn sequence(&mut self) -> (Vec<Part>, End<'t>) {
        let mut parts = Vec::new();
        while let Some(Scanned { before, tag, at }) = tags::next(self.text, self.position) {
            self.position = at.end;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let tag = match tag {
                Tag::Says(tag) => tag,
                Tag::Comment => continue,
                Tag::Odd => {
                    self.refuse(at, "braces in threes, fours or after `\\`");
                    continue;
                }
                Tag::Open => {
                    let help = Some("every `{{` needs its `}}`".to_owned());
                    self.problem(
                        "template-syntax",
                        at,
                        "`{{` is never closed".to_owned(),
                        help,
                    );
                    continue;
                }
            };
            if tag.starts_with('/') || first_word(tag) == "else" || tag == "^" {
                return (parts, Some((tag, at)));
            }
            parts.extend(self.tag(tag, at));
        }
        if let Some(rest) = self
            .text
            .get(self.position..)
            .filter(|rest| !rest.is_empty())
        {
            parts.push(Part::Text(rest.to_owned()));
            self.position = self.text.len();
        }
        (parts, None)
    }

    /// A tag that is no `else` and closes nothing.
    fn tag(&mut self, tag: &'t str, at: At) -> Option<Part> {
        if let Some(block) = tag.strip_prefix('#') {
            return self.block(block, at);
        }
        match tag.chars().next() {
            Some('>') => self.refuse(at, "partials (`{{> … }}`)"),
            Some('*') => self.refuse(at, "decorators (`{{* … }}`)"),
            Some('&' | '~') => self.refuse(at, "`&` and `~` inside the braces"),
            None => self.problem("template-syntax", at, "empty braces".to_owned(), None),
            Some(_) if tag.ends_with('~') => self.refuse(at, "`&` and `~` inside the braces"),
            Some(_) => return self.expression(tag, at),
        }
        None
    }

    /// `{{name}}` or `{{helper name …}}`.
    fn expression(&mut self, tag: &'t str, at: At) -> Option<Part> {
        let Some(words) = words(tag) else {
            let help = Some("write `{{name}}` or `{{helper name}}`".to_owned());
            self.problem(
                "template-syntax",
                at,
                format!("`{tag}` cannot be read"),
                help,
            );
            return None;
        };
        let (head, rest) = words.split_first()?;
        let Word::Name(head) = *head else {
            self.problem(
                "template-syntax",
                at,
                format!("`{tag}` does not begin with a name"),
                None,
            );
            return None;
        };
        // A value that is always there may be called like a helper: a helper never stands alone.
        let alone = rest.is_empty() && (self.known)(head) == Known::Always;
        let mut helpers = formats::HELPERS.iter();
        let helper = helpers.find(|helper| helper.name == head && !alone);
        match helper {
            None if rest.is_empty() => self.value(head, at.clone()).then(|| {
                Part::Value(Named {
                    name: head.to_owned(),
                    at,
                })
            }),
            None => {
                let help = Some(format!("known are {}", formats::names().join(", ")));
                self.problem(
                    "unknown-helper",
                    at,
                    format!("there is no helper `{head}`"),
                    help,
                );
                None
            }
            Some(helper) => self.helper(helper, rest, at),
        }
    }

    fn helper(
        &mut self,
        helper: &'static formats::Helper,
        given: &[Word<'t>],
        at: At,
    ) -> Option<Part> {
        let fits = matches!(given, [Word::Name(_), literals @ ..]
            if literals.len() == helper.literals && literals.iter().all(|word| matches!(word, Word::Literal(_))));
        if !fits {
            let message = format!("`{}` is used as `{{{{{}}}}}`", helper.name, helper.usage);
            self.problem("template-syntax", at, message, None);
            return None;
        }
        let mut literals = Vec::new();
        let mut value = Named {
            name: String::new(),
            at: at.clone(),
        };
        for word in given {
            match *word {
                Word::Name(name) => {
                    self.value(name, at.clone());
                    name.clone_into(&mut value.name);
                }
                Word::Literal(literal) => literals.push(literal.to_owned()),
            }
        }
        Some(Part::Helper {
            helper: helper.name,
            value,
            literals,
        })
    }

    /// Checks that a value may stand here.
    fn value(&mut self, name: &str, at: At) -> bool {
        match (self.known)(name) {
            Known::Always => true,
            Known::Sometimes => {
                self.uses.push(Use {
                    name: name.to_owned(),
                    at,
                    guarded: self.guards.contains(&name),
                });
                true
            }
            Known::Maybe if self.guards.contains(&name) => true,
            Known::Maybe => {
                let message = format!("`{name}` may be missing when this is said");
                let help = format!(
                    "write {{{{#if {name}}}}}… {{{{{name}}}}} …{{{{/if}}}}, with {{{{else}}}} for when it is"
                );
                self.problem("unguarded-value", at, message, Some(help));
                false
            }
            Known::No => {
                self.unknown(name, at);
                false
            }
        }
    }

    pub(super) fn unknown(&mut self, name: &str, at: At) {
        let help = "values are entities by their name, `contact.name`, `contact.FIELD`, `conversation.FIELD`, `notification.FIELD`, `pack.name`";
        self.problem(
            "unknown-value",
            at,
            format!("there is no value `{name}`"),
            Some(help.to_owned()),
        );
    }

    pub(super) fn refuse(&mut self, at: At, what: &str) {
        let help = "known are values, `#if`, `#unless`, `else` and the helpers".to_owned();
        self.problem(
            "template-not-allowed",
            at,
            format!("{what} cannot be used in a text"),
            Some(help),
        );
    }

    pub(super) fn problem(
        &mut self,
        code: &'static str,
        at: At,
        message: String,
        help: Option<String>,
    ) {
        self.problems.push(TemplateProblem {
            code,
            at,
            message,
            help,
        });
    }
}
