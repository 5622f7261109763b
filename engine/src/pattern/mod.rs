//! Decides whether a message fits a pattern: the pattern language, and the matcher of all patterns at once.
//!
//! Its cost does not grow with the number of patterns: each hangs on its rarest word and is looked at only when that
//! word is in the message.
//!
//! ```text
//! text ──parse──▶ Pattern ──expand──▶ alternatives ──table──▶ flat programs under their anchors
//! words ──align──▶ what each word may stand for ──table──▶ candidates ──walk──▶ hits
//! ```

mod affixes;
mod align;
mod builder;
mod called;
mod code;
mod expand;
mod filter;
mod hit;
mod matcher;
mod measure;
mod narrow;
mod needs;
mod parse;
mod regexes;
mod required;
mod scan;
mod table;
mod tree;
mod typos;
mod walk;

#[cfg(test)]
mod tests;

pub(crate) use builder::{MatcherBuilder, Names, Options};
pub(crate) use hit::{Hit, Owner};
pub(crate) use matcher::{Matcher, Scratch};
pub(crate) use parse::{ParseProblem, parse};
pub(crate) use tree::Pattern;
