//! Answers to notifications, seen from outside: rules that wait for them, their values in texts, and what they cancel.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::collections::BTreeMap;

use jiff::Timestamp;
use puisano_engine::{
    Contact, Decision, Effect, Language, Lexicons, MessageKind, Notification, Owner, Ruleset,
    Source, State, Turn, compile, decide,
};

const PACK: &str = r#"
pack: test
languages: [en, af]
teams: [finance]
templates:
  reminder:
    category: utility
    fields: { name: "Thandi", balance: { type: money, sample: 1250.50 }, due: { type: date, sample: "2026-12-07" } }
    body:
      en: "Dear {{name}}, you owe R{{balance}} by {{due}}."
      af: "Beste {{name}}, jy skuld R{{balance}} teen {{due}}."
  notice:
    category: utility
    fields: { name: "Thandi", at: { type: datetime, sample: "2026-12-03T08:00" } }
    body: { en: "Dear {{name}}, from {{at}} on.", af: "Beste {{name}}, van {{at}} af." }
intents:
  what: { phrases: { en: ["what is this"], af: ["wat is dit"] } }
  paid: { phrases: { en: ["i have paid"], af: ["ek het betaal"] } }
responses:
  sorry: { en: "Sorry.", af: "Jammer." }
  explain:
    en: "{{first_name notification.name}}: R{{notification.balance}} or {{money notification.balance}}, {{notification.due}}"
    af: "{{first_name notification.name}}: R{{notification.balance}}, {{notification.due}}"
rules:
  - name: what is this, reminder
    when: { replying_to: reminder, intent: what }
    then: [ { reply: explain } ]
  - name: paid
    when: { replying_to: [reminder, notice], intent: paid }
    then:
      - set: { due: "{{#if notification.due}}{{notification.due}}{{/if}}" }
      - cancel: reminder
      - escalate: { team: finance, note: "{{notification.name}}{{#if notification.due}} by {{notification.due}}{{/if}}" }
  - name: to any
    when: { replying_to: any, intent: what }
    then: [ { reply: { en: "Any: {{notification.name}}", af: "Enige: {{notification.name}}" } } ]
  - name: without
    when: { intent: what }
    then: [ { reply: { en: "None{{#if notification.name}} {{notification.name}}{{/if}}.", af: "Geen." } } ]
  - { name: not understood, when: { not_understood: true }, then: { reply: sorry } }
"#;

fn ruleset() -> Ruleset {
    let sources = [Source {
        name: "pack.yaml".to_owned(),
        text: PACK.to_owned(),
    }];
    let compiled = compile(&sources, &Lexicons::default());
    compiled.ruleset.unwrap()
}

fn notification(template: &str, fields: &[(&str, &str)]) -> Notification {
    let fields = fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Notification {
        template: template.to_owned(),
        fields: fields.collect(),
    }
}

fn answer(rules: &Ruleset, text: &str, notification: Option<&Notification>) -> Decision {
    let now: Timestamp = "2026-11-23T10:00:00+02:00".parse().unwrap();
    let turn = Turn {
        text,
        kind: MessageKind::Text,
        button: None,
        sent_at: now,
        received_at: now,
        now,
        seed: 0,
        owner: Owner::Bot,
        contact: &Contact::default(),
        events: &[],
        notification,
    };
    decide(rules, &State::default(), &turn)
}

fn said(rules: &Ruleset, text: &str, notification: Option<&Notification>) -> String {
    let decision = answer(rules, text, notification);
    decision.replies[0].reply.text().to_owned()
}

fn reminder(name: &str) -> Notification {
    notification(
        "reminder",
        &[
            ("name", name),
            ("balance", "1250.50"),
            ("due", "2026-12-07"),
        ],
    )
}

#[test]
fn values_are_printed_by_kind_and_language() {
    let rules = ruleset();
    let reminder = reminder("*Thandi* Mokoena");
    assert_eq!(
        said(&rules, "what is this", Some(&reminder)),
        "∗Thandi∗: R1 250.50 or R1 250.50, 7 December 2026"
    );
    assert_eq!(
        said(&rules, "wat is dit", Some(&reminder)),
        "∗Thandi∗: R1 250,50, 7 Desember 2026"
    );
}

#[test]
fn a_rule_holds_for_the_templates_that_it_names() {
    let rules = ruleset();
    let notice = notification("notice", &[("name", "Palesa"), ("at", "2026-12-03T08:00")]);
    assert_eq!(said(&rules, "what is this", Some(&notice)), "Any: Palesa");
    assert_eq!(said(&rules, "what is this", None), "None.");
    // Of a template that the pack does not have, or with a value too few: texts would have holes.
    let gone = notification("gone", &[("name", "Palesa")]);
    let holed = notification("reminder", &[("name", "Palesa"), ("due", "2026-12-07")]);
    for odd in [&gone, &holed] {
        assert_eq!(said(&rules, "what is this", Some(odd)), "None.");
    }
    let decision = answer(&rules, "what is this", None);
    let why = format!("{:?}", decision.trace.rules);
    assert!(
        why.contains("a reply to reminder, but it replies to none"),
        "{why}"
    );
}

#[test]
fn what_became_pointless_is_cancelled_and_staff_are_told() {
    let rules = ruleset();
    let decision = answer(&rules, "I have paid", Some(&reminder("Thandi")));
    assert!(decision.effects.contains(&Effect::Cancel {
        template: "reminder".to_owned()
    }));
    // A field keeps what can be read again, staff read what the customer read.
    assert_eq!(decision.state.fields["due"], "2026-12-07");
    let note = decision.effects.iter().find_map(|effect| match effect {
        Effect::Escalate { note, .. } => note.as_deref(),
        _ => None,
    });
    assert_eq!(note, Some("Thandi by 7 December 2026"));
}

#[test]
fn a_notification_to_try_rules_with_has_samples() {
    let rules = ruleset();
    let template = rules.template("reminder").unwrap();
    let given = BTreeMap::from([("balance".to_owned(), "5".to_owned())]);
    let tried = template.notification(&given).unwrap();
    assert_eq!(
        (&*tried.fields["balance"], &*tried.fields["name"]),
        ("5.00", "Thandi")
    );
    let wrong = BTreeMap::from([("balance".to_owned(), "five".to_owned())]);
    assert_eq!(
        template.notification(&wrong).unwrap_err()[0].field,
        "balance"
    );
    assert_eq!(rules.templates().len(), 2);
    assert!(template.layout(Language::ST).is_none());
}
