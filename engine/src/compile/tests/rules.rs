//! Rules: their order, conditions, actions and index.

use super::{plain, rule, ruleset, said};
use crate::decision::Priority;
use crate::language::Language;
use crate::ruleset::{Action, Condition, RuleId, Scope};

#[test]
fn built_in_rules_come_first_whatever_the_priority() {
    let ruleset = ruleset(
        "rules:\n- { name: low, priority: -5, when: { message: image }, then: end }\n\
         - { name: high, priority: 900000, when: { message: image }, then: end }\n\
         - { name: later, when: { message: image }, then: end, continue: true }\n",
    );
    let names: Vec<&str> = ruleset
        .rules
        .iter()
        .map(|rule| rule.name.as_str())
        .collect();
    let expected = [
        "built in: stop",
        "built in: keep service notices",
        "built in: stop marketing",
        "built in: stop account messages",
        "built in: start",
        "built in: person",
        "built in: person, closed hours",
        "high",
        "not understood",
        "later",
        "low",
    ];
    assert_eq!(names, expected);
    assert!(rule(&ruleset, "later").goes_on && !rule(&ruleset, "high").goes_on);
    assert_eq!(&*rule(&ruleset, "built in: stop").at.file, "built-in");
    assert_eq!(rule(&ruleset, "later").at.to_string(), "rules.yaml:4:11");
}

#[test]
fn the_shortest_form_is_a_rule_at_its_place() {
    let ruleset = ruleset(
        "intents:\n  hours:\n    phrases: [opening hours]\n    reply: { en: We are open., st: Re butse. }\n    then: [ { tag: asked } ]\n\
         rules: [ { name: second, when: { message: image }, then: end } ]\n",
    );
    let shortest = rule(&ruleset, "intent hours");
    assert_eq!(
        (shortest.priority, shortest.at.to_string().as_str()),
        (0, "rules.yaml:4:5")
    );
    let hours = ruleset.intent_names["hours"];
    assert!(matches!(shortest.when, Condition::Intent(id) if id == hours));
    assert!(matches!(&shortest.then[..], [Action::Reply(_), Action::Tag(tag)] if tag == "asked"));
    assert_eq!(
        plain(&said(&ruleset, "intent hours", Language::ST).text),
        "Re butse."
    );
    assert!(
        ruleset.index.by_intent[&hours]
            .iter()
            .any(|id| ruleset.rules[id.at()].name == "intent hours")
    );
}

#[test]
fn conditions_of_every_kind() {
    let ruleset = ruleset(
        r#"
entities:
  area: { values: { zastron: [zastron] } }
intents:
  a: { phrases: ["a {from:area}"] }
  b: { phrases: [b] }
rules:
  - name: all kinds
    when:
      intent: [a, b]
      pattern: ["hello *2 there"]
      entity: { area: zastron, from: zastron }
      message: [image, voice]
      sentiment: { below: -0.6, above: -1, label: angry, trend: falling }
      language: st
      hours: closed
      holiday: false
      event: first_contact
      contact.ward: [1, 2]
      contact.vip: true
      conversation.promise: paid
      not_understood: { times: 3 }
      any: [ { hours: open }, { holiday: true } ]
      not: [ { intent: a }, { language: en } ]
    then: end
"#,
    );
    let Condition::All(parts) = &rule(&ruleset, "all kinds").when else {
        panic!("all must hold")
    };
    let shown: Vec<String> = parts.iter().map(|part| format!("{part:?}")).collect();
    let expected = [
        "Any([Intent(IntentId(5)), Intent(IntentId(6))])",
        "Pattern(PatternId(0))",
        "All([Entity { name: \"area\", value: Some(\"zastron\") }, Entity { name: \"from\", value: Some(\"zastron\") }])",
        "Any([Message(Image), Message(Voice)])",
        "All([SentimentBelow(-0.6), SentimentAbove(-1.0), SentimentLabel(Angry), SentimentFalling])",
        "Language(st)",
        "Closed",
        "Not(Holiday)",
        "Event(FirstContact)",
        "Field { scope: Contact, name: \"ward\", test: OneOf([\"1\", \"2\"]) }",
        "Field { scope: Contact, name: \"vip\", test: Present(true) }",
        "Field { scope: Conversation, name: \"promise\", test: Is(\"paid\") }",
        "NotUnderstood { times: 3 }",
        "Any([Open, Holiday])",
        "Not(Any([Intent(IntentId(5)), Language(en)]))",
    ];
    assert_eq!(shown, expected);
}

#[test]
fn actions_of_every_kind() {
    let ruleset = ruleset(
        r#"
rules:
  - name: all kinds
    when: { message: image }
    then:
      - escalate
      - escalate: technical
      - escalate: { priority: urgent, note: "{{pack.name}}" }
      - set: { promise: paid, contact.ward: "3" }
      - forget: [promise, contact.ward]
      - tag: [a, b]
      - untag: a
      - react: "👍"
      - silence: true
      - end: false
      - opt_out: false
      - opt_in
      - opt_out: [service, account, service]
      - opt_in: marketing
      - cancel: [reminder]
templates:
  reminder: { category: utility, body: { en: "We wrote to you.", st: "Re o ngoletse." } }
"#,
    );
    let then = &rule(&ruleset, "all kinds").then;
    let teams: Vec<(&str, Priority, bool)> = then
        .iter()
        .filter_map(|action| match action {
            Action::Escalate {
                team,
                priority,
                note,
            } => Some((team.as_str(), *priority, note.is_some())),
            _ => None,
        })
        .collect();
    let expected = [
        ("frontdesk", Priority::Normal, false),
        ("technical", Priority::Normal, false),
        ("frontdesk", Priority::Urgent, true),
    ];
    assert_eq!(teams, expected);
    assert!(
        matches!(&then[3], Action::Set { scope: Scope::Conversation, name, .. } if name == "promise")
    );
    assert!(matches!(&then[4], Action::Set { scope: Scope::Contact, name, .. } if name == "ward"));
    assert!(matches!(&then[6], Action::Forget { scope: Scope::Contact, name } if name == "ward"));
    let rest: Vec<String> = then[7..]
        .iter()
        .map(|action| format!("{action:?}"))
        .collect();
    assert_eq!(
        rest,
        [
            "Tag(\"a\")",
            "Tag(\"b\")",
            "Untag(\"a\")",
            "React(\"👍\")",
            "Silence",
            "OptIn([Account, Service, Marketing])",
            "OptOut([Account, Service])",
            "OptIn([Marketing])",
            "Cancel(\"reminder\")"
        ]
    );
}

#[test]
fn a_rule_is_found_under_its_evidence() {
    let ruleset = ruleset(
        "rules:\n- { name: always, when: { hours: open }, then: end }\n- { name: image, when: { message: image, hours: open }, then: end }\n",
    );
    let named = |ids: &[RuleId]| {
        ids.iter()
            .map(|id| ruleset.rules[id.at()].name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(named(&ruleset.index.always), ["always"]);
    assert_eq!(
        named(&ruleset.index.by_message[&crate::turn::MessageKind::Image]),
        ["image"]
    );
    assert_eq!(named(&ruleset.index.not_understood), ["not understood"]);
}

#[test]
fn a_rule_without_a_name_is_called_by_its_place() {
    let ruleset = ruleset("rules:\n- when: { message: image }\n  then: end\n");
    assert_eq!(
        rule(&ruleset, "rule rules.yaml:2").at.to_string(),
        "rules.yaml:2:3"
    );
}
