//! The pattern language: text to tree.
//!
//! It knows the shape of a pattern only; whether a list or an entity of that name exists is for whoever compiles.
//! Marks that are no words ("?", "-") are skipped, as they are in messages.

use std::ops::Range;

use super::tree::{GAP_ANY, Node, Pattern, expansions, holds_evidence, longest, words_of};

/// Bytes of one pattern.
pub(crate) const PATTERN_BYTES_MAX: usize = 1024;
/// Brackets within brackets.
pub(crate) const NESTING_MAX: usize = 8;
/// Ways to read one pattern: every choice and optional part multiplies them.
pub(crate) const EXPANSIONS_MAX: u64 = 512;
/// Words on the longest way to read one pattern.
pub(crate) const PATTERN_WORDS_MAX: usize = 64;
/// Words that `*` may skip when no number stands behind it.
pub(crate) const GAP_WORDS: u32 = 4;
/// The largest number that may stand behind `*`.
pub(crate) const GAP_WORDS_MAX: u32 = 999;

/// What is wrong in a pattern, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParseProblem {
    /// Bytes of the pattern's text.
    pub(crate) at: Range<usize>,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Reads a pattern; all problems at once. A pattern that can match nothing is a problem.
pub(crate) fn parse(text: &str) -> Result<Pattern, Vec<ParseProblem>> {
    let mut parser = Parser {
        text,
        at: 0,
        open: vec![Group::new(None, 0)],
        too_deep: 0,
        problems: Vec::new(),
        pattern: Pattern::default(),
    };
    if text.len() > PATTERN_BYTES_MAX {
        parser.problem(
            0..text.len(),
            &format!(
                "a pattern may have {PATTERN_BYTES_MAX} bytes, this has {}",
                text.len()
            ),
            "write several shorter phrases",
        );
        return Err(parser.problems);
    }
    while parser.at < text.len() {
        parser.step();
    }
    parser.finish()
}

/// A bracket that is still open, and what has been read inside it.
struct Group {
    bracket: Option<char>,
    at: usize,
    branches: Vec<Vec<Node>>,
    branch: Vec<Node>,
    branch_at: usize,
}

impl Group {
    fn new(bracket: Option<char>, at: usize) -> Self {
        Self {
            bracket,
            at,
            branches: Vec::new(),
            branch: Vec::new(),
            branch_at: at + 1,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// Never empty: the first group is the pattern itself.
    open: Vec<Group>,
    /// Brackets skipped because they are nested too deep.
    too_deep: usize,
    problems: Vec<ParseProblem>,
    pattern: Pattern,
}

impl Parser<'_> {
    fn problem(&mut self, at: Range<usize>, message: &str, help: &str) {
        let help = (!help.is_empty()).then(|| help.to_owned());
        self.problems.push(ParseProblem {
            at,
            message: message.to_owned(),
            help,
        });
    }

    fn peek(&self) -> Option<char> {
        self.text
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> String {
        let mut taken = String::new();
        while let Some(c) = self.peek().filter(|&c| accept(c)) {
            taken.push(c);
            self.at += c.len_utf8();
        }
        taken
    }

    fn push(&mut self, node: Node) {
        if let Some(group) = self.open.last_mut() {
            group.branch.push(node);
        }
    }

    fn step(&mut self) {
        let from = self.at;
        let Some(c) = self.take() else { return };
        match c {
            _ if c.is_whitespace() => {}
            '(' | '[' => self.opening(from, c),
            ')' | ']' => self.closing(from, c),
            '|' => self.bar(from),
            '*' => self.gap(from),
            '_' => self.any(from),
            '@' => self.list(from),
            '{' => self.entity(from),
            '}' => self.problem(
                from..self.at,
                "`}` closes nothing",
                "entities are written `{name}`; write `\\}` for the character itself",
            ),
            '^' => self.start(from),
            '$' => self.end(from),
            _ if is_quote(c) => self.quoted(from),
            '~' => self.problem(
                from..self.at,
                "`~` follows no word",
                "it stands directly behind the word whose forms are meant: `metsi~`",
            ),
            _ => {
                self.at = from;
                self.words(from);
            }
        }
    }

    fn opening(&mut self, from: usize, bracket: char) {
        if self.open.len() > NESTING_MAX {
            if self.too_deep == 0 {
                self.problem(
                    from..self.at,
                    &format!("brackets may be nested {NESTING_MAX} deep"),
                    "write several phrases instead",
                );
            }
            self.too_deep += 1;
            return;
        }
        self.open.push(Group::new(Some(bracket), from));
    }

    fn closing(&mut self, from: usize, bracket: char) {
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let opening = if bracket == ')' { '(' } else { '[' };
        let help = format!("write `\\{bracket}` for the character itself");
        match self.open.last().and_then(|group| group.bracket) {
            None => {
                return self.problem(from..self.at, &format!("`{bracket}` closes nothing"), &help);
            }
            Some(open) if open != opening => {
                let at = self.open.last().map_or(from, |group| group.at);
                self.problem(
                    at..self.at,
                    &format!("`{open}` is closed by `{bracket}`"),
                    "close each bracket by its own kind",
                );
            }
            Some(_) => {}
        }
        self.end_branch(from);
        let Some(group) = self.open.pop() else { return };
        let node = if group.bracket == Some('(') {
            Node::Choice(group.branches)
        } else {
            Node::Optional(group.branches)
        };
        self.push(node);
    }

    fn end_branch(&mut self, to: usize) {
        let Some(group) = self.open.last_mut() else {
            return;
        };
        let branch = std::mem::take(&mut group.branch);
        let (bracket, at) = (group.bracket, group.branch_at.min(to));
        group.branch_at = to + 1;
        let empty = branch.is_empty();
        group.branches.push(branch);
        if empty && bracket.is_some() && self.too_deep == 0 {
            self.problem(
                at.saturating_sub(1)..to + 1,
                "there is no word here",
                "what may be missing is written `[my]`, or `[my|our]`",
            );
        }
    }

    fn bar(&mut self, from: usize) {
        if self.too_deep > 0 {
            return;
        }
        if self.open.len() == 1 {
            return self.problem(
                from..self.at,
                "`|` stands outside brackets",
                "put the choices in brackets: `(tap|taps) dry`, or write two phrases",
            );
        }
        self.end_branch(from);
    }

    fn gap(&mut self, from: usize) {
        if self.peek() == Some('*') {
            self.at += 1;
            return self.push(Node::Gap(GAP_ANY));
        }
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() {
            return self.push(Node::Gap(GAP_WORDS));
        }
        match digits.parse() {
            Ok(words @ 1..=GAP_WORDS_MAX) => self.push(Node::Gap(words)),
            _ => self.problem(
                from..self.at,
                &format!("`*` takes a number from 1 to {GAP_WORDS_MAX}"),
                "`**` stands for any number of words",
            ),
        }
    }

    fn any(&mut self, from: usize) {
        if self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') || self.letter_before(from)
        {
            return self.problem(
                from..self.at,
                "`_` stands for a whole word and cannot be part of one",
                "write `\\_` for the character itself",
            );
        }
        self.push(Node::Any);
    }

    fn letter_before(&self, at: usize) -> bool {
        self.text
            .get(..at)
            .and_then(|before| before.chars().next_back())
            .is_some_and(char::is_alphanumeric)
    }

    fn name(&mut self) -> String {
        self.take_while(|c| c == '_' || c.is_ascii_alphanumeric())
    }

    fn list(&mut self, from: usize) {
        let name = self.name();
        if name.is_empty() {
            return self.problem(
                from..self.at,
                "`@` is followed by no name",
                "a list is written `@greeting`; write `\\@` for the character itself",
            );
        }
        self.push(Node::List {
            name,
            at: from..self.at,
        });
    }

    fn entity(&mut self, from: usize) {
        let inside = self.take_while(|c| c != '}');
        if self.take() != Some('}') {
            self.at = self.text.len();
            return self.problem(
                from..self.at,
                "`{` is never closed",
                "an entity is written `{account_number}` or `{from:date}`",
            );
        }
        let (capture, name) = inside.split_once(':').unwrap_or((&inside, &inside));
        let (capture, name) = (capture.trim(), name.trim());
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|c| c == '_' || c.is_ascii_alphanumeric())
        };
        if !is_name(capture) || !is_name(name) {
            return self.problem(
                from..self.at,
                "this is not the name of an entity",
                "an entity is written `{account_number}` or `{from:date}`",
            );
        }
        self.push(Node::Entity {
            capture: capture.to_owned(),
            name: name.to_owned(),
            at: from..self.at,
        });
    }

    fn start(&mut self, from: usize) {
        if self
            .text
            .get(..from)
            .is_some_and(|before| !before.trim().is_empty())
        {
            return self.problem(
                from..self.at,
                "`^` stands for the start of the message and comes first",
                "write `\\^` for the character itself",
            );
        }
        self.pattern.start = true;
    }

    fn end(&mut self, from: usize) {
        if self
            .text
            .get(self.at..)
            .is_some_and(|rest| !rest.trim().is_empty())
        {
            return self.problem(
                from..self.at,
                "`$` stands for the end of the message and comes last",
                "write `\\$` for the character itself",
            );
        }
        self.pattern.end = true;
    }

    fn quoted(&mut self, from: usize) {
        let inside = self.take_while(|c| !is_quote(c));
        if self.take().is_none() {
            self.at = self.text.len();
            return self.problem(
                from..self.at,
                "the quotation mark is never closed",
                "write `\\\"` for the character itself",
            );
        }
        let words = words_of(&inside);
        if words.is_empty() {
            self.problem(
                from..self.at,
                "there is no word between the quotation marks",
                "",
            );
        }
        for text in words {
            self.push(Node::Word {
                text,
                exact: true,
                affixes: false,
            });
        }
        if self.peek() == Some('~') {
            self.at += 1;
            self.problem(
                from..self.at,
                "a quoted word is matched exactly and has no other forms",
                "take away the quotation marks or the `~`",
            );
        }
    }

    /// A run of ordinary characters: usually one word, several when marks divide it (`follow-up`).
    fn words(&mut self, from: usize) {
        let mut chunk = String::new();
        while let Some(c) = self
            .peek()
            .filter(|&c| !c.is_whitespace() && !"()[]|*_@{}^$~".contains(c) && !is_quote(c))
        {
            self.at += c.len_utf8();
            if c != '\\' {
                chunk.push(c);
            } else if let Some(escaped) = self.take() {
                chunk.push(escaped);
            } else {
                self.problem(
                    from..self.at,
                    "`\\` stands before nothing",
                    "it makes the next character an ordinary one",
                );
            }
        }
        let affixes = self.peek() == Some('~');
        self.at += usize::from(affixes);
        let words = words_of(&chunk);
        if affixes && words.is_empty() {
            self.problem(
                from..self.at,
                "`~` follows no word",
                "it stands directly behind the word whose forms are meant: `metsi~`",
            );
        }
        let last = words.len();
        for (place, text) in words.into_iter().enumerate() {
            self.push(Node::Word {
                text,
                exact: false,
                affixes: affixes && place + 1 == last,
            });
        }
    }

    fn finish(mut self) -> Result<Pattern, Vec<ParseProblem>> {
        for group in self.open.iter().skip(1) {
            let bracket = group.bracket.unwrap_or('(');
            let message = format!("`{bracket}` is never closed");
            let help = Some(format!("write `\\{bracket}` for the character itself"));
            self.problems.push(ParseProblem {
                at: group.at..group.at + 1,
                message,
                help,
            });
        }
        if self.problems.is_empty() {
            let nodes = self
                .open
                .pop()
                .map(|group| group.branch)
                .unwrap_or_default();
            if !holds_evidence(&nodes) {
                self.problem(
                    0..self.text.len(),
                    "this pattern can match a message without any word of it",
                    "keep at least one word, list or entity outside `[ ]`, `*` and `**`",
                );
            } else if expansions(&nodes) > EXPANSIONS_MAX {
                self.problem(
                    0..self.text.len(),
                    &format!("there are more than {EXPANSIONS_MAX} ways to read this pattern"),
                    "put the choices in a list and write `@name`, or write several phrases",
                );
            } else if longest(&nodes) > PATTERN_WORDS_MAX {
                self.problem(
                    0..self.text.len(),
                    &format!("a pattern may have {PATTERN_WORDS_MAX} words"),
                    "write several shorter phrases",
                );
            }
            self.pattern.nodes = nodes;
        }
        if self.problems.is_empty() {
            Ok(self.pattern)
        } else {
            Err(self.problems)
        }
    }
}

/// Word processors turn `"` into these.
fn is_quote(c: char) -> bool {
    matches!(c, '"' | '“' | '”' | '„' | '«' | '»')
}
