//! Everything that was found in a pack and its lexicons, with the texts it points into.

use puisano_engine::{Color, Diagnostic, Diagnostics, Severity, Source};

use crate::rulesets::Sources;

#[derive(Debug)]
pub struct Findings {
    pub sources: Sources,
    pub lexicons: Diagnostics,
    pub rules: Diagnostics,
}

impl Findings {
    /// Errors and warnings.
    pub fn counts(&self) -> (usize, usize) {
        let errors = self
            .each()
            .filter(|(found, _)| found.severity == Severity::Error)
            .count();
        (errors, self.each().count() - errors)
    }

    /// Every finding as people read it, with the lines it points at.
    pub fn render(&self, color: Color) -> String {
        let texts = self
            .each()
            .map(|(found, sources)| puisano_engine::render(found, sources, color));
        texts
            .map(|text| text.trim_end().to_owned())
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    /// One line a finding, for editors and scripts.
    pub fn concise(&self) -> String {
        let lines = self
            .each()
            .map(|(found, sources)| puisano_engine::concise(found, sources) + "\n");
        lines.collect()
    }

    fn each(&self) -> impl Iterator<Item = (&Diagnostic, &[Source])> {
        let lexicons = self
            .lexicons
            .iter()
            .map(|found| (found, self.sources.lexicons.as_slice()));
        let rules = self
            .rules
            .iter()
            .map(|found| (found, self.sources.rules.as_slice()));
        lexicons.chain(rules)
    }
}
