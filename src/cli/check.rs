//! `puisano check`: every mistake in a pack at once.

use clap::{Args, ValueEnum};

use crate::cli::{Common, Exit, output, pack};
use crate::rulesets::{Checked, Findings, compile};

/// Find mistakes in rules, responses, tests and lexicons
///
/// Examples:
///   puisano check
///   puisano check --rules my-town --format concise
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Check {
    /// How to print: `full` with the lines concerned, `concise` with one line each
    #[arg(long, value_enum, default_value = "full")]
    format: Format,
    /// Let warnings fail the check as errors do
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Full,
    Concise,
}

pub(super) fn run(common: &Common, check: &Check) -> anyhow::Result<Exit> {
    let sources = pack::folders(common).load()?;
    let files = sources.rules.len() + sources.lexicons.len();
    let Checked { live, findings } = compile(sources);
    print(&findings, check.format);
    let (errors, warnings) = findings.counts();
    let checked = live.map_or_else(String::new, |live| {
        let counts = live.ruleset.counts();
        let rules = output::count(counts.rules, "rule");
        format!("{rules}, {} in ", output::count(counts.intents, "intent"))
    });
    let found = match (errors, warnings) {
        (0, 0) => "No problems.".to_owned(),
        (errors, 0) => format!("{}.", output::count(errors, "error")),
        (0, warnings) => format!("{}.", output::count(warnings, "warning")),
        (errors, warnings) => {
            format!(
                "{}, {}.",
                output::count(errors, "error"),
                output::count(warnings, "warning")
            )
        }
    };
    output::say(format_args!(
        "Checked {checked}{}. {found}",
        output::count(files, "file")
    ));
    let failed = errors > 0 || (check.deny_warnings && warnings > 0);
    Ok(if failed {
        Exit::ProblemsFound
    } else {
        Exit::Fine
    })
}

fn print(findings: &Findings, format: Format) {
    let text = match format {
        Format::Full => findings.render(output::color()),
        Format::Concise => findings.concise(),
    };
    if !text.is_empty() {
        output::line(text.trim_end_matches('\n'));
    }
}
