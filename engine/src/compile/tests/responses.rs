//! Responses, their limits, and entities.

use super::{codes, plain, rule, ruleset, said};
use crate::entities::Kind;
use crate::language::Language;
use crate::ruleset::{Action, Choice, Choices, Speech};

/// The titles of a message's buttons, or the button and ids of its list.
fn titles(speech: &Speech) -> String {
    let joined = |choices: &[Choice], part: fn(&Choice) -> &str| {
        choices.iter().map(part).collect::<Vec<_>>().join(" ")
    };
    match &speech.choices {
        Choices::Buttons(choices) => joined(choices, |choice| &choice.title),
        Choices::List { button, rows } => {
            format!("{button}: {}", joined(rows, |choice| &choice.id))
        }
        Choices::None => String::new(),
    }
}

#[test]
fn responses_in_every_shape() {
    let ruleset = ruleset(
        r#"
responses:
  short: "One text"
  varied: { en: [One, Two], st: Ngwe }
  menu:
    text: { en: How?, st: Jwang? }
    header: Town
    buttons: [ { id: balance, title: { en: Balance, st: Sekoloto } }, { id: fault, title: Fault } ]
  many:
    en: { text: Choose, buttons: [ {id: a, title: A}, {id: b, title: B}, {id: c, title: C}, {id: d, title: D} ] }
    st: { text: Kgetha, list: { button: Bula, rows: [ {id: a, title: A, description: Ditaba} ] } }
rules:
  - { name: short, when: { message: image }, then: { reply: short } }
  - { name: varied, when: { message: image }, then: { reply: varied } }
  - { name: menu, when: { message: image }, then: { reply: menu } }
  - { name: many, when: { message: image }, then: { reply: [many, menu] } }
"#,
    );
    assert_eq!(
        plain(&said(&ruleset, "short", Language::EN).text),
        "One text"
    );
    let Some(Action::Reply(varied)) = rule(&ruleset, "varied").then.first() else {
        panic!("no reply")
    };
    assert_eq!(
        ruleset.responses[varied.at()].languages[&Language::EN].len(),
        2
    );
    assert_eq!(
        titles(said(&ruleset, "menu", Language::EN)),
        "Balance Fault"
    );
    assert_eq!(
        titles(said(&ruleset, "menu", Language::ST)),
        "Sekoloto Fault"
    );
    assert_eq!(
        plain(
            said(&ruleset, "menu", Language::ST)
                .header
                .as_ref()
                .unwrap()
        ),
        "Town"
    );
    assert_eq!(
        titles(said(&ruleset, "many", Language::EN)),
        "Choose: a b c d"
    );
    assert_eq!(titles(said(&ruleset, "many", Language::ST)), "Bula: a");
    assert_eq!(rule(&ruleset, "many").then.len(), 2);
    assert_eq!(ruleset.buttons.by_title["sekoloto"], "balance");
}

#[test]
fn whatsapp_limits_hold_to_the_unit() {
    // `§` stands for a text of the length under test.
    for (max, reply) in [
        (4096, "{ en: §, st: x }"),
        (1024, "{ text: §, buttons: [ { id: a, title: A } ] }"),
        (
            60,
            "{ text: x, header: §, buttons: [ { id: a, title: A } ] }",
        ),
        (
            60,
            "{ text: x, footer: §, buttons: [ { id: a, title: A } ] }",
        ),
        (256, "{ text: x, buttons: [ { id: §, title: A } ] }"),
        (20, "{ text: x, buttons: [ { id: a, title: § } ] }"),
        (200, "{ text: x, list: [ { id: §, title: A } ] }"),
        (24, "{ text: x, list: [ { id: a, title: § } ] }"),
        (
            72,
            "{ text: x, list: [ { id: a, title: A, description: § } ] }",
        ),
        (20, "{ text: x, button: §, list: [ { id: a, title: A } ] }"),
    ] {
        let too_long = |text: String| {
            let reply = reply.replace('§', &text);
            let pack = format!("intents:\n  a:\n    phrases: [a]\n    reply: {reply}\n");
            codes(&pack).contains(&"text-too-long")
        };
        assert!(!too_long("x".repeat(max)), "{reply}");
        assert!(too_long("x".repeat(max + 1)), "{reply}");
        // An emoji is two.
        assert!(!too_long("💧".repeat(max / 2)), "{reply}");
        assert!(too_long("💧".repeat(max / 2 + 1)), "{reply}");
    }
}

#[test]
fn a_list_has_ten_rows() {
    let rows = |count: usize| {
        let rows: Vec<String> = (0..count)
            .map(|n| format!("{{ id: r{n}, title: Row {n} }}"))
            .collect();
        let reply = format!("{{ text: x, list: [ {} ] }}", rows.join(", "));
        codes(&format!(
            "intents:\n  a:\n    phrases: [a]\n    reply: {reply}\n"
        ))
    };
    assert!(!rows(10).contains(&"not-yet-supported"));
    assert!(rows(11).contains(&"not-yet-supported"));
}

#[test]
fn entities_of_every_kind() {
    let ruleset = ruleset(
        r#"
lists:
  appliances: [geyser, prepaid meter]
entities:
  account: { regex: '\d{8,10}', check: luhn, example: "10012345" }
  area:
    values:
      zastron: [zastron, matlakeng]
      hospital_park:
      rouxville: { label: Rouxville town, spellings: [rouxville], st: [roleleathunya] }
  appliance: { values: "@appliances", typos: false }
rules:
  - { name: any, when: { entity: [account, area, appliance, phone] }, then: end }
"#,
    );
    let kind = |name: &str| {
        &ruleset
            .entities
            .iter()
            .find(|entity| entity.name == name)
            .unwrap()
            .kind
    };
    let labels = |name: &str| match kind(name) {
        Kind::Values { keys } => keys
            .iter()
            .map(|key| format!("{}={}", key.key, key.label))
            .collect::<Vec<_>>()
            .join(" "),
        other => format!("{other:?}"),
    };
    assert_eq!(
        labels("area"),
        "zastron=Zastron hospital_park=Hospital park rouxville=Rouxville town"
    );
    assert_eq!(
        labels("appliance"),
        "geyser=Geyser prepaid meter=Prepaid meter"
    );
    assert!(matches!(
        kind("account"),
        Kind::Regex { check: Some(_), .. }
    ));
    assert!(matches!(kind("phone"), Kind::Phone { country } if country == "ZA"));
}
