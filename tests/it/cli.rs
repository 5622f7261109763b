//! The command line as a person at a terminal meets it: what it prints and how it ends.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn puisano(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_puisano"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    puisano(arguments).output().unwrap()
}

fn feed(arguments: &[&str], input: &str) -> Output {
    let mut child = puisano(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A pack in a folder of its own that is gone afterwards.
struct Pack(PathBuf);

impl Pack {
    fn new(name: &str, rules: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("puisano-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("pack.yaml"), rules).unwrap();
        Self(folder)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Pack {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const SMALL_PACK: &str = r#"
pack: small
languages: [en]
timezone: Africa/Johannesburg
teams: [desk]
intents:
  hours: { phrases: ["opening hours"], reply: "From 8 to 4." }
rules:
  - when: { not_understood: { times: 1 } }
    then: [{ reply: "Please use other words." }]
"#;

#[test]
fn the_manual_of_the_command_line_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/cli.md");
    let manual = puisano::cli::manual();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &manual).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == manual,
        "docs/cli.md is out of date: run the tests with UPDATE=1"
    );
}

#[test]
fn the_shipped_pack_is_without_findings_and_its_conversations_pass() {
    let check = run(&["check"]);
    assert_eq!(
        check.status.code(),
        Some(0),
        "{}{}",
        stdout(&check),
        stderr(&check)
    );
    assert_eq!(stdout(&check), "");
    let test = run(&["test"]);
    assert_eq!(test.status.code(), Some(0), "{}", stdout(&test));
    assert!(stdout(&test).contains(" 0 failed."), "{}", stdout(&test));
}

#[test]
fn check_shows_every_mistake_with_its_place_and_ends_with_1() {
    let mut rules = SMALL_PACK.replace("reply: \"From 8 to 4.\"", "reply: [1");
    rules.push_str("  - when: { intnt: hours }\n    then: [{ reply: nowhere_at_all }]\n");
    let pack = Pack::new(
        "mistakes",
        &rules.replace("reply: [1", "reply: \"From 8 to 4.\", colour: red"),
    );
    let check = run(&["check", "--rules", pack.path()]);
    assert_eq!(check.status.code(), Some(1));
    let text = stdout(&check);
    for expected in [
        "colour",
        "intnt",
        "did you mean",
        "pack.yaml:7:",
        "pack.yaml:11:",
        "pack.yaml:12:",
    ] {
        assert!(
            text.to_lowercase().contains(expected),
            "no {expected} in\n{text}"
        );
    }
    let concise = run(&["check", "--rules", pack.path(), "--format", "concise"]);
    assert!(
        stdout(&concise)
            .lines()
            .all(|line| line.starts_with("pack.yaml:")),
        "{}",
        stdout(&concise)
    );
}

/// A clerk's editor saved one of the files as Windows-1252.
#[test]
fn a_file_that_is_not_utf8_is_a_mistake_like_any_other() {
    let pack = Pack::new("not-utf8", SMALL_PACK);
    let mut words =
        b"# Kom m\xF4re terug.\nintents:\n  later: { phrases: [\"m\xF4re\"] }\n".to_vec();
    std::fs::write(pack.0.join("later.yaml"), &words).unwrap();
    std::fs::write(pack.0.join("other.yaml"), "intnets: {}\n").unwrap();
    let concise = |arguments: &[&str]| {
        let common = ["check", "--rules", pack.path(), "--format", "concise"];
        let check = run(&[&common, arguments].concat());
        assert_eq!(check.status.code(), Some(1), "{}", stderr(&check));
        stdout(&check)
    };
    let text = concise(&[]);
    for expected in [
        "later.yaml:1:8: error[not-utf8]",
        "save the file as UTF-8",
        "other.yaml:1:1: error[unknown-key]",
    ] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
    std::fs::remove_file(pack.0.join("later.yaml")).unwrap();
    words = b"# lexicon: af\n# language: af\n# form: words\n# source: this test\n# licence: MIT\n\nbl\xFD\t2\n".to_vec();
    std::fs::write(pack.0.join("af.tsv"), &words).unwrap();
    let text = concise(&["--lexicons", pack.path()]);
    assert!(text.contains("af.tsv:7:3: error[not-utf8]"), "{text}");
}

#[test]
fn a_folder_that_is_not_there_is_named_with_its_cause_once() {
    let said = stderr(&run(&["check", "--rules", "no-such-folder"]));
    assert!(said.contains("cannot read no-such-folder: "), "{said}");
    assert_eq!(said.matches("No such file").count(), 1, "{said}");
}

#[test]
fn what_cannot_run_ends_with_2_and_says_what_to_do() {
    for arguments in [
        &["check", "--rules", "no-such-folder"][..],
        &["explain", "--language", "klingon", "hi"],
        &["sentiment", "--lexicon", "??", "hi"],
        &["say", "--from", "12", "hi"],
        &["frobnicate"],
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn explain_answers_as_to_a_notification() {
    let reminder = |fields: serde_json::Value| {
        let notification = json!({ "template": "payment_reminder", "fields": fields });
        json!({ "text": "What is this?", "notification": notification }).to_string()
    };
    let input = [
        reminder(json!({ "name": "Palesa", "balance": "99.90" })),
        reminder(json!({ "balance": "R1.234,50" })),
        json!({ "text": "What is this?", "notification": { "template": "reminder" } }).to_string(),
    ];
    let output = feed(&["explain", "--json"], &(input.join("\n") + "\n"));
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output);
    assert_eq!(lines[0]["rule"], "reminder, what is this");
    let said = lines[0]["replies"][0]["text"].as_str().unwrap();
    assert!(said.contains("of Palesa has R99.90"), "{said}");
    for (line, words) in [
        (1, "balance: `R1.234,50` is not an amount"),
        (2, "no template `reminder`"),
    ] {
        let error = lines[line]["error"].as_str().unwrap();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn explain_answers_each_line_in_order_and_goes_on_after_a_bad_one() {
    let input = [
        json!({ "text": "no water in Zastron" }).to_string(),
        "not json".to_owned(),
        json!({ "text": "ok", "language": "st" }).to_string(),
        json!({ "text": "wat is julle kantoorure", "now": "2026-12-25T10:00" }).to_string(),
    ];
    let output = feed(&["explain", "--json"], &(input.join("\n") + "\n"));
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output);
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0]["intent"], "water_outage");
    assert_eq!(lines[0]["entities"]["area"], "zastron");
    assert!(
        lines[1]["error"].as_str().unwrap().starts_with("line 2:"),
        "{}",
        lines[1]
    );
    assert_eq!(lines[2]["language"], "st");
    assert_eq!(lines[3]["language"], "af");
    assert_eq!(lines[3]["intent"], "opening_hours");
    for key in [
        "intent",
        "intents",
        "score",
        "language",
        "entities",
        "sentiment",
        "rule",
        "replies",
        "trace",
    ] {
        assert!(lines[0].get(key).is_some(), "no {key}");
    }
}

#[test]
fn vader_writes_its_four_figures_in_input_order() {
    let input = "\"VADER is smart, handsome, and funny!\"\n\"\"\n\"Dankie!\"\n";
    let output = feed(&["sentiment", "--lexicon", "vader", "--json"], input);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        json_lines(&output),
        [
            json!({ "neg": 0.0, "neu": 0.248, "pos": 0.752, "compound": 0.8439 }),
            json!({ "neg": 0.0, "neu": 0.0, "pos": 0.0, "compound": 0.0 }),
            json!({ "neg": 0.0, "neu": 1.0, "pos": 0.0, "compound": 0.0 }),
        ]
    );
}

#[test]
fn a_failing_conversation_says_what_was_expected_and_what_came() {
    let rules = format!(
        "{SMALL_PACK}\ntests:\n  - name: wrong on purpose\n    turns: [{{ customer: \"opening hours\", expect: {{ reply: \"Never.\" }} }}]\n"
    );
    let pack = Pack::new("failing", &rules);
    let output = run(&["test", "--rules", pack.path()]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    for expected in [
        "FAILED",
        "wrong on purpose",
        "Never.",
        "From 8 to 4.",
        "0 passed, 1 failed.",
    ] {
        assert!(text.contains(expected), "no {expected} in\n{text}");
    }
}

#[test]
fn chat_from_a_pipe_prints_only_replies() {
    let pack = Pack::new("chat", SMALL_PACK);
    let output = feed(
        &["chat", "--rules", pack.path()],
        "opening hours\nblah blah\n",
    );
    assert_eq!(
        stdout(&output),
        "bot> From 8 to 4.\nbot> Please use other words.\n"
    );
}
