//! Templates of ours against what WhatsApp may have.

use puisano_engine::Source;
use serde_json::{Value, json};

use super::*;
use crate::rulesets::{Sources, compile};

const PACK: &str = "pack: town
languages: [en, st]
timezone: Africa/Johannesburg
teams: [desk]
";

fn rules(more: &str) -> crate::rulesets::Live {
    let source = |name: &str, text: String| Source {
        name: name.into(),
        text,
    };
    let checked = compile(Sources {
        rules: vec![
            source("pack.yaml", PACK.to_owned()),
            source("templates.yaml", more.to_owned()),
            source(
                "rules.yaml",
                "responses:\n  sorry: { en: Sorry }\nrules:\n  - name: sorry\n    when: { not_understood: true }\n    then: [{ reply: sorry }]\n"
                    .to_owned(),
            ),
        ],
        lexicons: Vec::new(),
    });
    let findings = checked.findings.concise();
    checked.live.unwrap_or_else(|| panic!("{findings}"))
}

fn reminder() -> crate::rulesets::Live {
    rules(
        "templates:
  reminder:
    category: utility
    fields: { name: Thandi, account: \"1\" }
    body:
      en: \"Hello {{name}}, account {{account}} is due.\"
      st: \"Dumela {{name}}, akhaonto {{account}} e lefuwe.\"
",
    )
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "tests write the value in the call"
)]
fn remote(name: &str, language: &str, changes: Value) -> Remote {
    let text = |key: &str, default: &str| changes[key].as_str().unwrap_or(default).to_owned();
    let mut components =
        vec![json!({ "type": "BODY", "text": text("body", "Hello {{1}}, account {{2}} is due.") })];
    components.extend(changes["more"].as_array().into_iter().flatten().cloned());
    Remote::of(StoredTemplate {
        name: name.to_owned(),
        language: language.to_owned(),
        meta_id: "1".to_owned(),
        status: text("status", "APPROVED"),
        category: "UTILITY".to_owned(),
        quality: None,
        rejected_reason: None,
        is_named: changes["is_named"] == true,
        components: json!(components),
    })
}

/// `state name/code` of the English text.
fn english(remotes: &[Remote]) -> String {
    let live = reminder();
    let links = links(live.ruleset.templates(), remotes);
    let link = links.iter().find(|link| link.language == "en").unwrap();
    let at = |text: &Option<String>| text.clone().unwrap_or_default();
    format!(
        "{} {}/{}",
        link.state.name(),
        at(&link.meta_name),
        at(&link.meta_language)
    )
}

#[test]
fn the_text_decides_and_not_the_name() {
    for (remotes, expected) in [
        (vec![], "missing /"),
        (
            vec![remote("reminder", "en", json!({}))],
            "approved reminder/en",
        ),
        (
            vec![remote("old_name", "en_US", json!({}))],
            "approved old_name/en_US",
        ),
        (
            vec![remote("other", "en", json!({ "body": "Something else" }))],
            "missing /",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "body": "Hello {{1}}, account {{2}} is overdue." }),
            )],
            "differs reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en_ZA",
                json!({ "body": "Hello {{1}}." }),
            )],
            "differs reminder/en_ZA",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "body": "Hello {{2}}, account {{1}} is due." }),
            )],
            "differs reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "body": "Hello {{who}}, account {{number}} is due.", "is_named": true }),
            )],
            "approved reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "more": [{ "type": "FOOTER", "text": "Reply STOP" }] }),
            )],
            "differs reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "more": [{ "type": "HEADER", "format": "IMAGE" }] }),
            )],
            "differs reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "more": [{ "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "Paid" }] }] }),
            )],
            "differs reminder/en",
        ),
        (
            vec![remote(
                "reminder",
                "en",
                json!({ "body": " Hello {{ 1 }}, account {{2}} is due.\r\n" }),
            )],
            "approved reminder/en",
        ),
        // One that can be sent goes before one with the right name.
        (
            vec![
                remote("reminder", "en", json!({ "status": "PAUSED" })),
                remote("reminder_2", "en", json!({})),
            ],
            "approved reminder_2/en",
        ),
    ] {
        assert_eq!(english(&remotes), expected);
    }
}

#[test]
fn the_status_is_carried_over() {
    for (status, expected) in [
        ("APPROVED", "approved"),
        ("PENDING", "pending"),
        ("IN_APPEAL", "pending"),
        ("REJECTED", "rejected"),
        ("PAUSED", "paused"),
        ("DISABLED", "disabled"),
        ("ARCHIVED", "disabled"),
        ("SOMETHING_NEW", "disabled"),
    ] {
        let found = english(&[remote("reminder", "en", json!({ "status": status }))]);
        assert_eq!(found, format!("{expected} reminder/en"), "{status}");
    }
}

#[test]
fn names_of_parameters_come_in_our_order() {
    let live = reminder();
    let body = json!({ "body": "Hello {{who}}, account {{number}} is due.", "is_named": true });
    let links = links(live.ruleset.templates(), &[remote("reminder", "en", body)]);
    let names = links[0].parameter_names.as_ref().unwrap();
    assert_eq!(names.body, ["who", "number"]);
    assert_eq!(links[1].state, LinkState::Missing);
}

#[test]
fn a_language_without_a_code_has_a_name_of_its_own() {
    let code = |code: &str| filed_under("reminder", Language::parse(code).unwrap());
    assert_eq!(code("en"), ("reminder".to_owned(), "en"));
    assert_eq!(code("af"), ("reminder".to_owned(), "af"));
    assert_eq!(code("zu"), ("reminder".to_owned(), "zu"));
    assert_eq!(code("st"), ("reminder_st".to_owned(), "en_ZA"));
    assert_eq!(code("xh"), ("reminder_xh".to_owned(), "en_ZA"));
    let live = reminder();
    let sesotho = json!({ "body": "Dumela {{1}}, akhaonto {{2}} e lefuwe." });
    let links = links(
        live.ruleset.templates(),
        &[remote("reminder_st", "en_ZA", sesotho)],
    );
    assert_eq!(links[1].state, LinkState::Approved);
    assert_eq!(links[1].meta_language.as_deref(), Some("en_ZA"));
}

#[test]
fn what_differs_is_shown() {
    let live = reminder();
    let changed = json!({ "body": "Hello {{1}}, acct {{2}} is due." });
    let links = links(
        live.ruleset.templates(),
        &[remote("reminder", "en", changed)],
    );
    let explanation = links[0].explanation.as_deref().unwrap();
    assert!(
        explanation.contains("rules     Hello {{1}}, [account] {{2}} is due."),
        "{explanation}"
    );
    assert!(
        explanation.contains("WhatsApp  Hello {{1}}, [acct] {{2}} is due."),
        "{explanation}"
    );
}
