//! Conversations read, played and judged.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;

use super::*;
use crate::diagnostic::Diagnostics;
use crate::source::{Location, Source, SourceId, Span, line_and_column};
use crate::syntax;

fn locate(sources: &[Source], span: Span) -> Location {
    let source = &sources[span.source.0 as usize];
    let (line, column) = line_and_column(&source.text, span.start as usize);
    Location {
        file: source.name.as_str().into(),
        line,
        column,
    }
}

/// What is read, and the codes and words of what is wrong.
fn read_text(text: &str) -> (Vec<Transcript>, Vec<String>) {
    let sources = [Source {
        name: "tests.yaml".to_owned(),
        text: text.to_owned(),
    }];
    let mut diagnostics = Diagnostics::default();
    let node = syntax::read(SourceId(0), &sources[0], &mut diagnostics).unwrap();
    let around = Around {
        place: &|span| locate(&sources, span),
        templates: &[],
        incomplete: false,
    };
    let transcripts = read(&node, &around, &mut diagnostics);
    let problems = diagnostics.iter().map(|found| {
        let place = locate(&sources, found.at.0);
        format!(
            "{}:{} {} {}",
            place.line, place.column, found.code, found.message
        )
    });
    (transcripts, problems.collect())
}

fn read_one(text: &str) -> Transcript {
    let (mut transcripts, problems) = read_text(text);
    assert_eq!((problems.as_slice(), transcripts.len()), ([].as_slice(), 1));
    transcripts.remove(0)
}

const WHOLE: &str = r#"
- name: outage in Sesotho
  now: "2026-11-23 10:00"
  contact: { language: st, name: Palesa, opted_out: true, tags: [vip], fields: { area: zastron } }
  owner: waiting
  conversation: { ward: "4" }
  turns:
    - customer: "Ha ho metsi"
      after: 1h30m
      late: 20m
      event: [first_contact, returned_by_staff]
      expect:
        intent: water_outage
        intents: [water_outage, balance]
        language: st
        sentiment: { below: -0.1, label: negative }
        entities: { area: zastron, date: none }
        reply: ask_since
        silent: false
        escalate: technical
        handoff: false
        rule: outage
        tags: fault
        contact: { area: ~ }
        conversation: { ward: "5" }
    - button: balance
    - message: image
      customer: my tap
"#;

#[test]
fn a_conversation_is_read_whole() {
    let read = read_one(WHOLE);
    assert_eq!(read.at.line, 2);
    assert_eq!(
        (
            read.name.as_str(),
            read.owner,
            read.now.to_string().as_str()
        ),
        ("outage in Sesotho", Owner::Waiting, "2026-11-23T10:00:00")
    );
    assert!(read.contact.opted_out && read.contact.tags.contains("vip"));
    assert_eq!(read.contact.language, Some(Language::ST));
    assert_eq!(
        read.fields,
        BTreeMap::from([("ward".to_owned(), "4".to_owned())])
    );
    let [text, button, image] = read.turns.as_slice() else {
        panic!("{read:?}")
    };
    assert_eq!(
        (text.after, text.late),
        (SignedDuration::from_mins(90), SignedDuration::from_mins(20))
    );
    assert_eq!(text.events, [Event::FirstContact, Event::ReturnedByStaff]);
    assert_eq!(
        (button.kind, button.button.as_deref()),
        (MessageKind::Button, Some("balance"))
    );
    assert_eq!(
        (image.kind, image.text.as_str()),
        (MessageKind::Image, "my tap")
    );
}

#[test]
fn every_expectation_is_read() {
    let read = read_one(WHOLE);
    let text = &read.turns[0];
    let expected: Vec<&Expectation> = text.expect.iter().map(|expected| &expected.what).collect();
    let value = |value: &str| Some(value.to_owned());
    let name = |name: &str| name.to_owned();
    assert_eq!(
        expected,
        [
            &Expectation::Intent(value("water_outage")),
            &Expectation::Intents(vec![name("water_outage"), name("balance")]),
            &Expectation::Language(Language::ST),
            &Expectation::Mood(MoodTest::Below(-0.1)),
            &Expectation::Mood(MoodTest::Label(Label::Negative)),
            &Expectation::Entity {
                name: name("area"),
                value: value("zastron")
            },
            &Expectation::Entity {
                name: name("date"),
                value: None
            },
            &Expectation::Reply(vec![name("ask_since")]),
            &Expectation::Silent(false),
            &Expectation::Escalate(EscalateTest::To(name("technical"))),
            &Expectation::Escalate(EscalateTest::Never),
            &Expectation::Rule(name("outage")),
            &Expectation::Tags(vec![name("fault")]),
            &Expectation::Contact {
                field: name("area"),
                value: None
            },
            &Expectation::Conversation {
                field: name("ward"),
                value: value("5")
            },
        ]
    );
    assert_eq!(text.expect[0].at.line, 13);
}

#[test]
fn every_problem_is_reported_where_it_stands() {
    let (_, problems) = read_text(
        r"
- name: x
  nwo: today
  owner: nobody
  contact: { langauge: st, opted_out: maybe }
  turns:
    - custmer: hello
    - customer: hello
      after: soon
      late: 400d
      message: telegram
      event: idle
      expect: { intnet: x, sentiment: sad, language: Sesotho }
    - customer: hello
      expect: { sentiment: { below: -2, under: 1 } }
- turns: [hello]
",
    );
    let codes: Vec<&str> = problems
        .iter()
        .filter_map(|problem| problem.split(' ').nth(1))
        .collect();
    assert_eq!(problems.len(), 17, "{problems:#?}");
    assert_eq!(
        codes.iter().filter(|code| **code == "unknown-key").count(),
        5,
        "{problems:#?}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("3:3 unknown-key")),
        "{problems:#?}"
    );
    assert!(
        problems
            .iter()
            .any(|problem| problem.starts_with("13:17 unknown-key")),
        "{problems:#?}"
    );
}

const PACK: &str = include_str!("pack.yaml");

fn compiled(text: &str) -> crate::ruleset::Ruleset {
    let sources = [Source {
        name: "pack.yaml".to_owned(),
        text: text.to_owned(),
    }];
    let compiled = crate::compile::compile(&sources, &crate::sentiment::Lexicons::default());
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .map(|found| format!("{} {}", found.code, found.message))
        .collect();
    compiled.ruleset.unwrap_or_else(|| panic!("{errors:#?}"))
}

/// Which turn, and what did not come of it.
fn failures(report: &Report) -> Vec<(String, String)> {
    let turns = report
        .outcomes
        .iter()
        .flat_map(|outcome| outcome.turns.iter().map(move |turn| (outcome, turn)));
    let mismatches = turns.flat_map(|(outcome, turn)| {
        turn.mismatches
            .iter()
            .map(move |mismatch| (outcome, turn, mismatch))
    });
    mismatches
        .map(|(outcome, turn, mismatch)| {
            let Mismatch {
                at,
                what,
                expected,
                got,
            } = mismatch;
            let turn = format!("{}, line {}: {}", outcome.name, at.line, turn.said);
            (turn, format!("{what}: expected {expected}, got {got}"))
        })
        .collect()
}

#[test]
fn the_conversations_of_a_pack_go_as_written() {
    let report = compiled(PACK).run_tests(None);
    assert_eq!(failures(&report), []);
    assert_eq!(report.outcomes.len(), 14);
    assert_eq!(report.failed(), 0);
}

#[test]
fn a_filter_chooses_by_name() {
    let names = |filter: &str| -> Vec<String> {
        compiled(PACK)
            .run_tests(Some(filter))
            .outcomes
            .into_iter()
            .map(|outcome| outcome.name)
            .collect()
    };
    assert_eq!(
        names("PERSON"),
        [
            "a person, in and out of hours",
            "a person on a public holiday"
        ]
    );
    assert_eq!(names("nothing like it").len(), 0);
}

#[test]
fn coverage_names_what_no_conversation_reaches() {
    let coverage = compiled(PACK).run_tests(Some("outage with")).coverage;
    let reached: Vec<&str> = coverage
        .rules
        .iter()
        .filter(|rule| rule.reached)
        .map(|rule| rule.name.as_str())
        .collect();
    assert_eq!(reached, ["intent greeting", "intent outage"]);
    let menu = coverage
        .responses
        .iter()
        .find(|response| response.name == "menu")
        .unwrap();
    assert_eq!(
        (menu.reached, menu.missing.as_slice(), &*menu.at.file),
        (true, [Language::ST].as_slice(), "pack.yaml")
    );
    let pardon = coverage
        .responses
        .iter()
        .find(|response| response.name == "pardon")
        .unwrap();
    assert!(!pardon.reached);
    assert_eq!(
        coverage.languages,
        [(Language::EN, true), (Language::ST, false)]
    );
}

const WRONG: &str = r#"
  - name: wrong
    turns:
      - customer: "no water in Zastron"
        expect:
          intent: blance
          intents: [balance]
          language: st
          sentiment: positive
          entities: { area: rouxville, phone: "1" }
          reply: [outage, menu]
          silent: true
          escalate: technical
          rule: not understood
          tags: [vip]
          contact: { area: zastron }
          conversation: { area: none }
      - customer: "qwertz"
        expect: { sentiment: { above: 0.5 }, reply: "other words, please", escalate: true, intent: outage }
"#;

#[test]
fn whatever_does_not_come_is_told_with_what_came() {
    let (pack, _) = PACK.split_once("tests:\n").unwrap();
    let report = compiled(&format!("{pack}tests:{WRONG}")).run_tests(None);
    let found = failures(&report);
    let told: Vec<&str> = found.iter().map(|(_, told)| told.as_str()).collect();
    assert_eq!(
        told,
        [
            "intent: expected blance (the pack has no such intent), got outage",
            "intents: expected balance, got outage",
            "language: expected st, got en",
            "sentiment: expected positive, got not judged",
            "entities.area: expected rouxville, got zastron",
            "entities.phone: expected 1, got none",
            "reply: expected outage, menu, got outage: We know about the outage in Zastron.",
            "silent: expected no reply, got outage: We know about the outage in Zastron.",
            "escalate: expected technical, got no hand-over",
            "rule: expected not understood, got intent outage",
            "tags: expected vip, got none",
            "contact.area: expected zastron, got none",
            "conversation.area: expected none, got zastron",
            "sentiment: expected above 0.5, got not judged",
            "reply: expected other words, please, got pardon: Please say it in other words.",
            "escalate: expected a hand-over, got no hand-over",
            "intent: expected outage, got none",
        ]
    );
    assert_eq!(report.failed(), 1);
}
