//! Responses, their limits, and entities.

use super::{codes, plain, rule, ruleset, said};
use crate::decision::MediaKind;
use crate::entities::Kind;
use crate::language::Language;
use crate::ruleset::{Action, Choice, Form, Speech};

/// The titles of a message's buttons, or the button and ids of its list.
fn titles(speech: &Speech) -> String {
    let joined = |choices: &[Choice], part: fn(&Choice) -> &str| {
        choices.iter().map(part).collect::<Vec<_>>().join(" ")
    };
    match &speech.form {
        Form::Buttons(choices) => joined(choices, |choice| &choice.title),
        Form::List { button, rows } => {
            format!("{button}: {}", joined(rows, |choice| &choice.id))
        }
        _ => String::new(),
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

#[test]
fn messages_of_other_kinds() {
    let ruleset = ruleset(
        r#"
responses:
  pay: { text: { en: Pay here, st: Lefa mona }, footer: Town, cta_url: { title: { en: Pay, st: Lefa }, url: "https://example.org/pay" } }
  where: { text: { en: Where are you?, st: O hokae? }, ask_location: true }
  sheet: { document: { link: "https://example.org/t.pdf", filename: "t.pdf", caption: { en: Tariffs, st: Ditefiso } } }
  photo: { en: { image: "https://example.org/en.png" }, st: { image: "https://example.org/st.png" } }
  office: { location: { latitude: -30.2967, longitude: 27.0846, name: Office } }
  phones: { contacts: [ { name: Fire, phone: ["+27510000000", "112"], email: fire@example.org } ] }
rules:
  - { name: all, when: { message: image }, then: { reply: [pay, where, sheet, photo, office, phones] } }
"#,
    );
    let response = |name: &str| {
        let mut found = ruleset.responses.iter();
        found.find(|response| response.name == name).unwrap()
    };
    let speech = |name: &str, language: Language| &response(name).languages[&language][0];
    let pay = speech("pay", Language::ST);
    assert_eq!(plain(&pay.text), "Lefa mona");
    assert!(
        matches!(&pay.form, Form::Link { button, url } if button == "Lefa" && url == "https://example.org/pay")
    );
    assert!(pay.footer.is_some());
    assert!(matches!(
        speech("where", Language::EN).form,
        Form::AskLocation
    ));
    let sheet = speech("sheet", Language::ST);
    assert_eq!(plain(&sheet.text), "Ditefiso");
    assert!(
        matches!(&sheet.form, Form::Media { kind: MediaKind::Document, filename: Some(name), .. } if name == "t.pdf")
    );
    assert!(
        matches!(&speech("photo", Language::ST).form, Form::Media { link, .. } if link.ends_with("st.png"))
    );
    // What has no words is the same in every language.
    for language in [Language::EN, Language::ST] {
        assert!(
            matches!(&speech("office", language).form, Form::Location(place) if place.latitude == "-30.2967")
        );
        assert!(
            matches!(&speech("phones", language).form, Form::Contacts(cards) if cards[0].phones.len() == 2)
        );
    }
}

#[test]
fn what_whatsapp_would_refuse_is_found() {
    let check = |response: &str, expected: &[&str]| {
        let text = format!(
            "responses:\n  odd: {response}\nrules: [ {{ name: odd, when: {{ message: image }}, then: {{ reply: odd }} }} ]\n"
        );
        assert_eq!(codes(&text), expected, "{response}");
    };
    check(
        r#"{ image: "http://example.org/a.png" }"#,
        &["invalid-value"],
    );
    check("{ image: { caption: { en: A, st: B } } }", &["missing-key"]);
    check(
        r#"{ audio: { link: "https://example.org/a.ogg", caption: { en: A, st: B } } }"#,
        &["unknown-key"],
    );
    check(
        r#"{ sticker: "https://example.org/a b.webp" }"#,
        &["invalid-value"],
    );
    check(
        r#"{ image: "https://example.org/a.png", text: { en: A, st: B } }"#,
        &["wrong-shape"],
    );
    check(
        "{ location: { latitude: 91, longitude: 27 } }",
        &["invalid-value"],
    );
    check(
        "{ location: { latitude: nan, longitude: 1e1 } }",
        &["invalid-value", "invalid-value"],
    );
    check("{ location: { latitude: 1 } }", &["missing-key"]);
    check("{ contacts: [ { name: Fire } ] }", &["missing-key"]);
    check("{ contacts: [] }", &["empty-text"]);
    check(
        r#"{ text: { en: A, st: B }, cta_url: { title: A title of 21 letters, url: "https://example.org" } }"#,
        &["text-too-long"],
    );
    check(
        r#"{ text: { en: A, st: B }, cta_url: { title: Pay, url: "https://example.org/{{pack.name}}" } }"#,
        &["value-in-plain-text"],
    );
    check(
        "{ text: { en: A, st: B }, ask_location: true, buttons: [ { id: a, title: A } ] }",
        &["wrong-shape"],
    );
    check(
        "{ text: { en: A, st: B }, ask_location: true, footer: F }",
        &["wrong-shape"],
    );
}
