//! `puisano test`: the pack's conversations, played and compared.

use clap::Args;
use puisano_engine::{Covered, Decision, Report, TestOutcome};

use crate::cli::describe::reply_lines;
use crate::cli::{Common, Exit, output, pack};

/// Run the conversations under `tests`
///
/// Examples:
///   puisano test
///   puisano test water
///   puisano test --coverage
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Test {
    /// Run only conversations whose name holds this
    filter: Option<String>,
    /// List the rules, responses and languages that no conversation has reached
    #[arg(long)]
    coverage: bool,
}

pub(super) fn run(common: &Common, test: &Test) -> anyhow::Result<Exit> {
    let live = match pack::load(common)? {
        Ok(live) => live,
        Err(exit) => return Ok(exit),
    };
    let report = live.ruleset.run_tests(test.filter.as_deref());
    if report.outcomes.is_empty() {
        let which = test.filter.as_ref().map_or_else(String::new, |filter| {
            format!(" whose name holds \"{filter}\"")
        });
        anyhow::bail!("the pack has no conversation{which}: write some under `tests`");
    }
    for outcome in report.outcomes.iter().filter(|outcome| !outcome.passed()) {
        output::line(failure(
            outcome,
            &pack::folders(common).rules.to_string_lossy(),
        ));
    }
    if test.coverage {
        output::line(uncovered(&report));
    }
    output::line(summary(&report));
    Ok(if report.failed() == 0 {
        Exit::Fine
    } else {
        Exit::ProblemsFound
    })
}

fn failure(outcome: &TestOutcome, folder: &str) -> String {
    let mut lines = vec![format!(
        "FAILED  {folder}/{}:{}  {}",
        outcome.at.file, outcome.at.line, outcome.name
    )];
    for (number, turn) in outcome.turns.iter().enumerate() {
        lines.push(format!("  {}  customer  {}", number + 1, turn.said));
        if turn.mismatches.is_empty() {
            lines.extend(said(&turn.decision).map(|line| format!("     puisano   {line}")));
        }
        for mismatch in &turn.mismatches {
            lines.push(format!("     line {}: {}", mismatch.at.line, mismatch.what));
            lines.push(format!("       expected  {}", mismatch.expected));
            lines.push(format!("       got       {}", mismatch.got));
        }
    }
    let first = outcome
        .turns
        .iter()
        .find(|turn| !turn.mismatches.is_empty());
    if let Some(turn) = first {
        lines.push(format!("  Hint: puisano explain \"{}\"", turn.said));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn said(decision: &Decision) -> impl Iterator<Item = String> {
    decision
        .replies
        .iter()
        .flat_map(|spoken| reply_lines(&spoken.reply))
}

fn summary(report: &Report) -> String {
    let failed = report.failed();
    let passed = report.outcomes.len() - failed;
    let rules = &report.coverage.rules;
    let reached = rules.iter().filter(|rule| rule.reached).count();
    let percent = if rules.is_empty() {
        100
    } else {
        reached * 100 / rules.len()
    };
    format!(
        "{passed} passed, {failed} failed. Rules used by tests: {reached} of {} ({percent} %).",
        rules.len()
    )
}

fn uncovered(report: &Report) -> String {
    let mut lines = Vec::new();
    let mut list = |kind: &str, things: &[Covered]| {
        for thing in things {
            if !thing.reached {
                lines.push(format!(
                    "{}: {kind} `{}` is not reached by any test",
                    thing.at, thing.name
                ));
            } else if !thing.missing.is_empty() {
                let languages: Vec<_> = thing.missing.iter().map(ToString::to_string).collect();
                lines.push(format!(
                    "{}: {kind} `{}` is not said in {}",
                    thing.at,
                    thing.name,
                    languages.join(", ")
                ));
            }
        }
    };
    list("rule", &report.coverage.rules);
    list("response", &report.coverage.responses);
    for (language, reached) in &report.coverage.languages {
        if !reached {
            lines.push(format!("no test is answered in `{language}`"));
        }
    }
    lines.join("\n")
}
