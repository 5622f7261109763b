//! What is wrong with a pack, and where: code, severity, message, labelled spans, help.
//!
//! There is one constructor function per kind of finding, in `reading`, `meaning`, `template` and `lexicon`; `rg 'diagnostics\.'` lists every
//! place that can give one. Nothing here decides what is wrong.

mod code;
mod lexicon;
mod meaning;
mod reading;
mod render;
mod suggest;
mod template;

use crate::source::Span;

use code as codes;
pub use code::{CODES, Code};
pub use render::{Color, concise, render};
use suggest::nearest;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
}

/// One finding. Codes are stable kebab-case names (`unknown-intent`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: &'static str,
    pub severity: Severity,
    pub message: String,
    /// Where, and what to say beside the caret.
    pub at: (Span, String),
    /// Other places that matter, each with its words.
    pub others: Vec<(Span, String)>,
    pub help: Option<String>,
}

/// Collects findings; one constructor per kind of finding, so that all of them can be listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    errors: bool,
}

/// Findings that are kept; nobody reads more, and the first ones are the best to begin with.
const FINDINGS_MAX: usize = 5_000;
/// Findings up to which near names are looked for: each look goes through all names of a kind.
const SUGGESTIONS_MAX: usize = 200;

impl Diagnostics {
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    pub fn has_errors(&self) -> bool {
        self.errors
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Adds what another collector holds.
    pub fn extend(&mut self, other: Self) {
        self.errors |= other.errors;
        self.list.extend(other.list);
        self.list.truncate(FINDINGS_MAX);
    }

    /// The candidate nearest to `name`, as long as there are few findings.
    pub(crate) fn nearest<'a>(
        &self,
        name: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.list.len() < SUGGESTIONS_MAX {
            nearest(name, candidates)
        } else {
            None
        }
    }

    /// In the order in which people read them: by file (in the order of `files`), place and code; each once, although a
    /// text that serves several languages is looked at for each.
    pub(crate) fn tidy(&mut self, files: &[crate::source::SourceId]) {
        let ranks: std::collections::HashMap<_, _> = files.iter().zip(0_usize..).collect();
        let rank = |span: Span| ranks.get(&span.source).copied();
        self.list
            .sort_by_cached_key(|d| (rank(d.at.0), d.at.0.start, d.code, d.message.clone()));
        self.list.dedup();
    }

    /// Constructors fill in the rest on what this returns.
    fn error(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Error, code, (at, message.into()))
    }

    fn warning(
        &mut self,
        code: &'static str,
        at: Span,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(Severity::Warning, code, (at, message.into()))
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        (at, message): (Span, String),
    ) -> &mut Diagnostic {
        self.errors |= severity == Severity::Error;
        self.list.truncate(FINDINGS_MAX - 1);
        let place = self.list.len();
        self.list.push(Diagnostic {
            code,
            severity,
            message,
            at: (at, String::new()),
            others: Vec::new(),
            help: None,
        });
        // `push` has just made this place, so it is there.
        #[expect(
            clippy::indexing_slicing,
            reason = "the place was made on the line above"
        )]
        &mut self.list[place]
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Diagnostic {
    /// What to say beside the caret.
    fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.at.1 = label.into();
        self
    }

    fn other(&mut self, at: Span, label: impl Into<String>) -> &mut Self {
        self.others.push((at, label.into()));
        self
    }

    fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }

    /// "did you mean", when there is a near name.
    fn did_you_mean(&mut self, suggestion: Option<&str>) -> &mut Self {
        if let Some(name) = suggestion {
            self.help = Some(format!("did you mean `{name}`?"));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_have_a_limit_and_errors_are_not_forgotten() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.merge_key(Span::default());
        for _ in 0..2 * FINDINGS_MAX {
            diagnostics.unused_list(Span::default(), "x");
        }
        assert_eq!(diagnostics.iter().count(), FINDINGS_MAX);
        assert!(diagnostics.has_errors());

        let mut warnings = Diagnostics::default();
        warnings.unused_list(Span::default(), "x");
        assert!(!warnings.has_errors());
        warnings.extend(diagnostics);
        assert!(warnings.has_errors() && warnings.iter().count() == FINDINGS_MAX);
    }
}
