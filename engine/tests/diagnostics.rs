//! Golden diagnostics: what an author sees for each code, to the letter.
//!
//! `diagnostics/CODE.yaml` is a pack with one kind of mistake, `diagnostics/CODE.txt` what is said about it. `UPDATE=1`
//! rewrites the texts. A fixture is one file beside a quiet `pack.yaml`, or several with a line `# file: NAME` before
//! each; `# repeat N TEXT` stands for N lines of the text.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests stop at the first surprise, and UPDATE is a switch of theirs"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use puisano_engine::{CODES, Color, Diagnostics, Lexicons, Source, compile, concise, render};

const QUIET_PACK: &str = r#"pack: test
languages: [en, st]
teams: [frontdesk, technical]
responses:
  sorry: { en: "Sorry, I did not understand.", st: "Ntshwarele, ha ke a utlwisisa." }
rules:
  - { name: not understood, when: { not_understood: true }, then: [ { reply: sorry } ] }
"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/diagnostics")
}

fn fixture(text: &str) -> Vec<Source> {
    let mut sources: Vec<Source> = Vec::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("# file: ") {
            sources.push(Source {
                name: name.to_owned(),
                text: String::new(),
            });
            continue;
        }
        if sources.is_empty() {
            sources.push(Source {
                name: "pack.yaml".to_owned(),
                text: QUIET_PACK.to_owned(),
            });
            sources.push(Source {
                name: "rules.yaml".to_owned(),
                text: String::new(),
            });
        }
        let source = &mut sources.last_mut().unwrap().text;
        match line
            .strip_prefix("# repeat ")
            .and_then(|rest| rest.split_once(' '))
        {
            Some((times, line)) => {
                (0..times.parse().unwrap()).for_each(|_| writeln!(source, "{line}").unwrap());
            }
            None => writeln!(source, "{line}").unwrap(),
        }
    }
    sources
}

/// Files under `lexicons/` are read as lexicons, everything else is a pack.
fn findings(sources: &[Source]) -> Diagnostics {
    if sources
        .iter()
        .all(|source| source.name.starts_with("lexicons/"))
    {
        Lexicons::parse(sources).1
    } else {
        compile(sources, &Lexicons::default()).diagnostics
    }
}

fn said(sources: &[Source]) -> String {
    let findings = findings(sources);
    let mut said = String::new();
    for diagnostic in &findings {
        writeln!(said, "{}\n", render(diagnostic, sources, Color::Never)).unwrap();
    }
    for diagnostic in &findings {
        writeln!(said, "{}", concise(diagnostic, sources)).unwrap();
    }
    said
}

#[test]
fn every_code_says_what_its_fixture_expects() {
    let update = std::env::var("UPDATE").is_ok();
    let mut wrong = Vec::new();
    for code in CODES {
        let path = folder().join(format!("{}.yaml", code.name));
        let Ok(text) = std::fs::read_to_string(&path) else {
            wrong.push(format!("{} has no fixture", code.name));
            continue;
        };
        let sources = fixture(&text);
        let said = said(&sources);
        for diagnostic in &findings(&sources) {
            if diagnostic.code != code.name {
                wrong.push(format!(
                    "the fixture of {} also gives {}",
                    code.name,
                    concise(diagnostic, &sources)
                ));
            }
        }
        if said.is_empty() {
            wrong.push(format!("the fixture of {} gives nothing", code.name));
        }
        let golden = folder().join(format!("{}.txt", code.name));
        if update {
            std::fs::write(&golden, &said).unwrap();
        } else if std::fs::read_to_string(&golden).unwrap_or_default() != said {
            wrong.push(format!(
                "{} says something else than {}:\n{said}",
                code.name,
                golden.display()
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_fixture_has_a_code() {
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(
            CODES.iter().any(|code| code.name == name),
            "{} belongs to no code",
            path.display()
        );
    }
}

#[test]
fn codes_are_kebab_case_and_stand_once() {
    for (place, code) in CODES.iter().enumerate() {
        let kebab = code
            .name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        assert!(kebab && !code.about.is_empty(), "{}", code.name);
        assert!(
            CODES[..place].iter().all(|other| other.name != code.name),
            "{} stands twice",
            code.name
        );
    }
}
