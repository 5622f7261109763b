//! The raw expressions of a pack: checked when added, compiled when first needed, tried only where they could match.
//!
//! They match the raw text, without regard to case; accents and everything else count as written. An expression is
//! looked for once: its first match is its evidence. (Iterating over matches can be quadratic.)

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex_automata::meta;
use regex_automata::nfa::thompson::backtrack::{BoundedBacktracker, Cache, Config};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::{prefilter::Prefilter, syntax};
use regex_automata::{Input, MatchKind};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::Hir;

use crate::text::MATCHED_CHARS_MAX;

use super::measure::Measure;
use super::narrow::{Alphabet, ignores_case, narrow};

/// Bytes of a compiled expression.
pub(crate) const REGEX_BYTES_MAX: usize = 256 * 1024;
/// Brackets within brackets.
pub(crate) const REGEX_NESTING_MAX: u32 = 50;
/// Bytes of an expression as written.
pub(crate) const REGEX_TEXT_BYTES_MAX: usize = 1024;
/// Steps that an expression may need for a message of 4,096 characters of one byte, at worst: states × characters.
pub(crate) const REGEX_STEPS_MAX: usize = 16 << 20;
/// Steps that all expressions together may need for one message; those that come after are not tried.
pub(crate) const MESSAGE_REGEX_STEPS_MAX: usize = 64 << 20;
/// Expressions of a pack.
pub(crate) const REGEXES_MAX: usize = 20_000;
/// Expressions without a word they need: one pass over every message asks whether any of them matches.
pub(crate) const UNBOUND_REGEXES_MAX: usize = 256;
/// Bytes of all expressions without a word, compiled together.
const TOGETHER_BYTES_MAX: usize = 16 << 20;
/// Bytes of compiled expressions that are kept.
const COMPILED_BYTES_MAX: usize = 64 << 20;
/// Bytes of the longest text that is matched.
const MATCHED_BYTES_MAX: usize = MATCHED_CHARS_MAX * 4;

/// Why an expression is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

fn refused(message: String, help: &str) -> Refused {
    Refused {
        message,
        help: Some(help.to_owned()),
    }
}

/// Reads an expression and refuses it when it is wrong, too large, too deep, too slow, or matches everything.
pub(super) fn check(expression: &str, measure: &mut Measure) -> Result<Hir, Refused> {
    if expression.len() > REGEX_TEXT_BYTES_MAX {
        let message = format!(
            "an expression may have {REGEX_TEXT_BYTES_MAX} bytes, this has {}",
            expression.len()
        );
        return Err(refused(
            message,
            "write phrases, or several shorter expressions",
        ));
    }
    let hir = parse(expression).map_err(|error| Refused {
        message: first_line(&error),
        help: None,
    })?;
    if hir
        .properties()
        .minimum_len()
        .is_none_or(|least| least == 0)
    {
        let message = "this expression matches every message, even an empty one".to_owned();
        return Err(refused(message, "let it need at least one character"));
    }
    let size = measure.size(&hir);
    if size.bytes <= REGEX_BYTES_MAX
        && size.states.saturating_mul(MATCHED_CHARS_MAX) <= REGEX_STEPS_MAX
    {
        return Ok(hir);
    }
    let nfa = compile_nfa(&hir).map_err(|_| {
        let message = format!(
            "compiled, this expression is larger than {} KiB",
            REGEX_BYTES_MAX / 1024
        );
        refused(
            message,
            "use smaller repetitions, or `[0-9]` for `\\d` and `[a-z]` for `\\w`",
        )
    })?;
    let steps = nfa.states().len() * MATCHED_CHARS_MAX;
    if steps > REGEX_STEPS_MAX {
        let message = format!(
            "on a long message this expression could need {} million steps; {} million are allowed",
            steps >> 20,
            REGEX_STEPS_MAX >> 20
        );
        return Err(refused(
            message,
            "use smaller repetitions, or `[0-9]` for `\\d` and `[a-z]` for `\\w`",
        ));
    }
    Ok(hir)
}

/// The last line of a syntax error says what is wrong; those before draw the expression.
fn first_line(error: &str) -> String {
    let line = error
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("error: "))
        .unwrap_or(error);
    format!("this is not a regular expression: {line}")
}

fn parse(expression: &str) -> Result<Hir, String> {
    let parser = ParserBuilder::new()
        .nest_limit(REGEX_NESTING_MAX)
        .case_insensitive(true)
        .utf8(true)
        .build()
        .parse(expression);
    parser.map_err(|error| error.to_string())
}

pub(super) fn compile_nfa(hir: &Hir) -> Result<thompson::NFA, Box<thompson::BuildError>> {
    let config = thompson::Config::new()
        .utf8(true)
        .which_captures(WhichCaptures::Implicit)
        .nfa_size_limit(Some(REGEX_BYTES_MAX));
    thompson::Compiler::new()
        .configure(config)
        .syntax(syntax::Config::new())
        .build_from_hir(hir)
        .map_err(Box::new)
}

/// An expression compiled for texts of certain characters.
#[derive(Debug)]
struct Program {
    search: BoundedBacktracker,
    /// For texts in lower case.
    lower: bool,
}

impl Program {
    /// For texts of plain ASCII, or for all.
    fn new(text: &str, plain: bool) -> Option<Self> {
        let hir = parse(text).ok()?;
        let lower = plain && ignores_case(&hir);
        let hir = match (plain, lower) {
            (_, true) => narrow(&hir, Alphabet::Lower),
            (true, _) => narrow(&hir, Alphabet::Ascii),
            _ => hir,
        };
        let nfa = compile_nfa(&hir).ok()?;
        let capacity = nfa.states().len() * (MATCHED_BYTES_MAX + 1) / 8 + 64;
        // Without capitals an expression begins with few literals, and looking for those first is cheap.
        let prefilter = if lower {
            Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, &hir)
        } else {
            None
        };
        let config = Config::new()
            .visited_capacity(capacity)
            .prefilter(prefilter);
        let search = BoundedBacktracker::builder()
            .configure(config)
            .build_from_nfa(nfa)
            .ok()?;
        Some(Self { search, lower })
    }

    fn bytes(&self) -> usize {
        let prefilter = self
            .search
            .get_config()
            .get_prefilter()
            .map_or(0, Prefilter::memory_usage);
        self.search.get_nfa().memory_usage() + prefilter
    }
}

#[derive(Debug)]
struct Expression {
    text: Box<str>,
    /// For messages of plain ASCII.
    narrow: Compiled,
    /// For all others.
    full: Compiled,
}

type Compiled = OnceLock<Option<Box<Program>>>;

/// All expressions, by number.
#[derive(Debug, Default)]
pub(super) struct Regexes {
    expressions: Vec<Expression>,
    /// Those that need no word.
    unbound: Vec<u32>,
    /// Those together, to see whether any of them matches; nothing when they are too many or too large for that.
    together: OnceLock<Option<Box<meta::Regex>>>,
    compiled_bytes: AtomicUsize,
}

/// What searching needs besides the expression; reused from message to message.
#[derive(Clone, Debug, Default)]
pub(super) struct SearchScratch {
    cache: Option<Cache>,
}

impl Regexes {
    /// Adds an expression.
    pub(super) fn add(&mut self, expression: &str) -> u32 {
        self.expressions.push(Expression {
            text: expression.into(),
            narrow: OnceLock::new(),
            full: OnceLock::new(),
        });
        u32::try_from(self.expressions.len() - 1).unwrap_or(u32::MAX)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.expressions.is_empty()
    }

    /// Marks an expression as one that needs no word; how many there are now.
    pub(super) fn add_unbound(&mut self, number: u32) -> usize {
        self.unbound.push(number);
        self.unbound.len()
    }

    /// The expressions without a word that may match `text`: all, or none.
    pub(super) fn unbound(&self, text: &str) -> &[u32] {
        if self.unbound.is_empty() {
            return &[];
        }
        let together = self
            .together
            .get_or_init(|| self.compile_together().map(Box::new));
        match together {
            Some(together) if !together.is_match(text) => &[],
            _ => &self.unbound,
        }
    }

    fn compile_together(&self) -> Option<meta::Regex> {
        let texts = self
            .unbound
            .iter()
            .filter_map(|&number| self.expressions.get(number as usize));
        let hirs: Vec<Hir> = texts
            .map(|expression| parse(&expression.text).ok())
            .collect::<Option<_>>()?;
        let config = meta::Config::new()
            .which_captures(WhichCaptures::None)
            .nfa_size_limit(Some(TOGETHER_BYTES_MAX));
        meta::Builder::new()
            .configure(config)
            .build_many_from_hir(&hirs)
            .ok()
    }

    /// The bytes of the first match of expression `number` in a message. `steps` is what the message may still cost.
    pub(super) fn find(
        &self,
        number: u32,
        text: Texts<'_>,
        scratch: &mut SearchScratch,
        steps: &mut usize,
    ) -> Option<(usize, usize)> {
        let expression = self.expressions.get(number as usize)?;
        let kept = if text.lower.is_some() {
            &expression.narrow
        } else {
            &expression.full
        };
        if let Some(program) = kept.get() {
            return search(program.as_ref()?, text, scratch, steps);
        }
        let program = Program::new(&expression.text, text.lower.is_some());
        let bytes = program.as_ref().map_or(0, Program::bytes);
        let found = program
            .as_ref()
            .and_then(|program| search(program, text, scratch, steps));
        if self.compiled_bytes.fetch_add(bytes, Ordering::Relaxed) <= COMPILED_BYTES_MAX {
            // Another thread may have been faster; both results are the same.
            let _ = kept.set(program.map(Box::new));
        } else {
            self.compiled_bytes.fetch_sub(bytes, Ordering::Relaxed);
        }
        found
    }
}

/// A message, as expressions look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Texts<'a> {
    pub(super) raw: &'a str,
    /// The same in lower case, if it is plain ASCII.
    pub(super) lower: Option<&'a str>,
}

fn search(
    program: &Program,
    text: Texts<'_>,
    scratch: &mut SearchScratch,
    steps: &mut usize,
) -> Option<(usize, usize)> {
    let text = text.lower.filter(|_| program.lower).unwrap_or(text.raw);
    let worst = program.search.get_nfa().states().len() * (text.len() + 1);
    *steps = steps.checked_sub(worst)?;
    let cache = match &mut scratch.cache {
        Some(cache) => {
            cache.reset(&program.search);
            cache
        }
        none => none.insert(program.search.create_cache()),
    };
    let found = program.search.try_find(cache, Input::new(text)).ok()??;
    Some((found.start(), found.end()))
}
