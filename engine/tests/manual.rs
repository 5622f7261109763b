//! Executes `docs/rule-language.md`: every example is compiled as part of a small pack, and its tests are run.

#![expect(clippy::unwrap_used, reason = "in a test this is the complaint")]

use puisano_engine::{Color, Lexicons, Source, compile, render};

/// One fenced YAML block: what follows `yaml` on its first line, the line it stands on, and its text.
struct Example {
    info: String,
    line: usize,
    text: String,
}

fn manual() -> Vec<Example> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rule-language.md");
    let manual = std::fs::read_to_string(path).unwrap();
    let mut examples = Vec::new();
    let mut open: Option<Example> = None;
    for (at, line) in manual.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) if info.starts_with("yaml") => {
                let info = info.trim_start_matches("yaml").trim().to_owned();
                open = Some(Example {
                    info,
                    line: at + 1,
                    text: String::new(),
                });
            }
            (Some(_), Some("")) => examples.extend(open.take()),
            (Some(example), _) => {
                example.text.push_str(line);
                example.text.push('\n');
            }
            (None, _) => {}
        }
    }
    examples
}

fn lexicons() -> Lexicons {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../lexicons");
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "tsv" || extension == "txt")
        {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            sources.push(Source {
                name,
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    let (lexicons, found) = Lexicons::parse(&sources);
    assert!(!found.has_errors());
    lexicons
}

#[test]
fn every_example_compiles_and_its_tests_pass() {
    let lexicons = lexicons();
    let examples = manual();
    let base = examples
        .iter()
        .find(|example| example.info == "pack")
        .expect("the manual shows a pack.yaml");
    let mut tests = 0;
    for example in examples.iter().filter(|example| example.info != "pack") {
        let place = format!("docs/rule-language.md:{}", example.line);
        let sources = [
            Source {
                name: "pack.yaml".into(),
                text: base.text.clone(),
            },
            Source {
                name: place.clone(),
                text: example.text.clone(),
            },
        ];
        let compiled = compile(&sources, &lexicons);
        let found: Vec<String> = compiled
            .diagnostics
            .iter()
            .map(|found| render(found, &sources, Color::Never))
            .collect();
        if let Some(code) = example.info.strip_prefix("error=") {
            assert!(
                compiled.diagnostics.iter().any(|found| found.code == code),
                "{place}: no {code}\n{}",
                found.join("\n")
            );
            continue;
        }
        let ruleset = compiled
            .ruleset
            .unwrap_or_else(|| panic!("{place} has errors\n{}", found.join("\n")));
        let report = ruleset.run_tests(None);
        tests += report.outcomes.len();
        for outcome in &report.outcomes {
            assert!(outcome.passed(), "{place}: {outcome:#?}");
        }
    }
    assert!(
        tests >= 8,
        "only {tests} tests were run: are the examples still found?"
    );
}
