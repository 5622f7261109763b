//! What templates take, print and tell WhatsApp; and that no text whatever breaks them.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

use proptest::prelude::*;

use super::*;
use crate::{Lexicons, Ruleset, Source, compile};

const PACK: &str = r#"
pack: test
languages: [en, af]
responses: { sorry: { en: "Sorry.", af: "Jammer." } }
rules: [ { when: { not_understood: true }, then: { reply: sorry } } ]
templates:
  everything:
    category: utility
    fields:
      name: "Thandi Mokoena"
      balance: { type: money, sample: 1250.5 }
      date: { type: date, sample: "2026-12-07" }
      at: { type: time, sample: "08:00" }
      from: { type: datetime, sample: "2026-12-07T08:00" }
      households: { type: number, sample: 12 }
      link: { type: url, sample: "https://example.org/a" }
    header: { en: "For {{first_name name}}", af: "Vir {{first_name name}}" }
    body:
      en: "Hi {{name}}, R{{balance}} on {{date}} at {{at}}, from {{from}}, {{households}} homes: {{link}}, {{name}}, {{time from}}."
      af: "Hallo {{name}}, R{{balance}} op {{date}} om {{at}}, van {{from}}, {{households}} huise: {{link}} dankie."
    footer: { en: "Town", af: "Dorp" }
    buttons:
      - { id: paid, title: { en: "I have paid", af: "Ek het betaal" } }
      - { url: "https://example.org/bills/{{name}}", title: { en: "View", af: "Kyk" } }
      - { phone: "+27510000000", title: { en: "Call us", af: "Bel ons" } }
    valid_for: 3d
"#;

/// Compiled once: properties ask for it hundreds of times.
fn ruleset() -> &'static Ruleset {
    static RULESET: std::sync::LazyLock<Ruleset> = std::sync::LazyLock::new(compiled);
    &RULESET
}

fn compiled() -> Ruleset {
    let sources = [Source {
        name: "pack.yaml".to_owned(),
        text: PACK.to_owned(),
    }];
    let compiled = compile(&sources, &Lexicons::default());
    compiled
        .ruleset
        .unwrap_or_else(|| panic!("{:#?}", compiled.diagnostics))
}

fn samples(template: &Template) -> Values {
    let fields = template.fields().iter();
    fields
        .map(|field| (field.name.clone(), field.sample.clone()))
        .collect()
}

/// A value of the field of this name, in normal form or with its problem.
fn read(template: &Template, field: &str, given: &str) -> Result<String, String> {
    let mut values = samples(template);
    values.insert(field.to_owned(), given.to_owned());
    match template.read(&values) {
        Ok(values) => Ok(values[field].clone()),
        Err(problems) => {
            let [problem] = problems.as_slice() else {
                panic!("{problems:?}");
            };
            assert_eq!(problem.field, field);
            Err(problem.problem.clone())
        }
    }
}

#[test]
fn values_come_into_normal_form() {
    let rules = ruleset();
    let template = rules.template("everything").unwrap();
    let check = |field: &str, given: &str, expected: &str| {
        assert_eq!(
            read(template, field, given),
            Ok(expected.to_owned()),
            "{field}: {given:?}"
        );
    };
    check(
        "name",
        " Thandi \n\t Mokoena\u{200B}     x ",
        "Thandi Mokoena x",
    );
    check("balance", "1250.50", "1250.50");
    check("balance", "1250", "1250.00");
    check("balance", "007.5", "7.50");
    check("balance", "0", "0.00");
    check("balance", "999999999999.99", "999999999999.99");
    check("date", "2028-02-29", "2028-02-29");
    check("at", "08:00:30", "08:00");
    check("from", "2026-12-07T08:00", "2026-12-07T08:00");
    check("from", "2026-12-07 08:00:00", "2026-12-07T08:00");
    check("from", "2026-12-07T06:00:00.000Z", "2026-12-07T08:00");
    check("from", "2026-12-07T08:00:00+02:00", "2026-12-07T08:00");
    check("households", "-012.50", "-12.50");
    check(
        "link",
        "HTTPS://example.org/a?b=c#d",
        "HTTPS://example.org/a?b=c#d",
    );
}

#[test]
fn what_cannot_be_a_value_is_named() {
    let rules = ruleset();
    let template = rules.template("everything").unwrap();
    let check = |field: &str, given: &str, words: &str| {
        let problem = read(template, field, given).expect_err(given);
        assert!(problem.contains(words), "{field} {given:?}: {problem}");
    };
    for field in [
        "name",
        "balance",
        "date",
        "at",
        "from",
        "households",
        "link",
    ] {
        check(field, "", "empty");
        check(field, " \n\t\u{200B} ", "empty");
    }
    check("name", &"é".repeat(1025), "1025 characters");
    for amount in [
        "R1.234,50",
        "1,250.50",
        "1 250.50",
        "-5.00",
        "1.234",
        "1e3",
        ".50",
        "5.",
        "1234567890123",
        "NaN",
    ] {
        check("balance", amount, "is not an amount");
    }
    check("date", "2026-02-30", "not a day of the calendar");
    for date in [
        "30 February",
        "20261207",
        "2026-12-7",
        "07/12/2026",
        "2026-12-07T08:00",
        "+2026-12-07",
    ] {
        check("date", date, "is not a date");
    }
    for time in ["8", "24:00", "8:00", "0800", "noon"] {
        check("at", time, "is not a time");
    }
    for moment in [
        "2026-12-07",
        "2026-02-30T08:00",
        "tomorrow",
        "2026-12-07T25:00",
    ] {
        check("from", moment, "is not a day and time");
    }
    for number in ["twelve", "1,5", "1.", "+3"] {
        check("households", number, "is not a number");
    }
    for address in [
        "example.org",
        "javascript://alert(1)",
        "https://",
        "https:///x",
        "https://a b",
    ] {
        check("link", address, "not an address of the web");
    }
    check(
        "link",
        &format!("https://{}", "a".repeat(2000)),
        "2008 characters",
    );
}

#[test]
fn every_problem_is_told_at_once() {
    let rules = ruleset();
    let template = rules.template("everything").unwrap();
    let mut given = samples(template);
    given.remove("name");
    given.insert("balance".to_owned(), "lots".to_owned());
    given.insert("colour".to_owned(), "red".to_owned());
    let problems = template.read(&given).unwrap_err();
    let fields: Vec<&str> = problems.iter().map(|problem| &*problem.field).collect();
    assert_eq!(fields, ["name", "balance", "colour"]);
}

#[test]
fn people_and_whatsapp_read_the_same() {
    let rules = ruleset();
    let template = rules.template("everything").unwrap();
    assert_eq!(template.languages(), [Language::EN, Language::AF]);
    assert_eq!(template.valid_for(), Some(SignedDuration::from_hours(72)));
    let rendered = |language| {
        template
            .render(language, &samples(template))
            .unwrap()
            .unwrap()
    };
    let english = rendered(Language::EN);
    assert_eq!(
        english.text,
        "For Thandi\n\nHi Thandi Mokoena, R1 250.50 on 7 December 2026 at 08:00, from 7 December 2026, 08:00, 12 homes: \
         https://example.org/a, Thandi Mokoena, 08:00.\n\nTown"
    );
    assert_eq!(english.filled.header, ["Thandi"]);
    // The name stands twice and is two parameters.
    assert_eq!(
        english.filled.body,
        [
            "Thandi Mokoena",
            "1 250.50",
            "7 December 2026",
            "08:00",
            "7 December 2026, 08:00",
            "12",
            "https://example.org/a",
            "Thandi Mokoena",
            "08:00"
        ]
    );
    let button = |index, value| FilledButton { index, value };
    assert_eq!(
        english.filled.buttons,
        [
            button(0, ButtonValue::Payload("paid".to_owned())),
            button(1, ButtonValue::UrlSuffix("Thandi%20Mokoena".to_owned()))
        ]
    );
    let afrikaans = rendered(Language::AF).text;
    assert!(
        afrikaans.contains("R1 250,50 op 7 Desember 2026"),
        "{afrikaans}"
    );
    assert_eq!(template.render(Language::XH, &samples(template)), None);
}

#[test]
fn whatsapp_is_told_places_and_samples() {
    let rules = ruleset();
    let layout = rules
        .template("everything")
        .unwrap()
        .layout(Language::AF)
        .unwrap();
    assert_eq!(
        layout.body.text,
        "Hallo {{1}}, R{{2}} op {{3}} om {{4}}, van {{5}}, {{6}} huise: {{7}} dankie."
    );
    assert_eq!(layout.body.samples[1], "1 250,50");
    let header = layout.header.unwrap();
    assert_eq!(
        (header.text.as_str(), header.samples.as_slice()),
        ("Vir {{1}}", ["Thandi".to_owned()].as_slice())
    );
    assert_eq!(layout.footer.as_deref(), Some("Dorp"));
    assert_eq!(
        layout.buttons,
        [
            LayoutButton::QuickReply {
                text: "Ek het betaal".to_owned()
            },
            LayoutButton::Url {
                text: "Kyk".to_owned(),
                url: "https://example.org/bills/{{1}}".to_owned(),
                sample: Some("https://example.org/bills/Thandi%20Mokoena".to_owned()),
            },
            LayoutButton::Phone {
                text: "Bel ons".to_owned(),
                phone: "+27510000000".to_owned()
            },
        ]
    );
}

#[test]
fn what_is_too_long_or_missing_is_not_rendered() {
    let rules = ruleset();
    let template = rules.template("everything").unwrap();
    let refused = |field: &str, value: &str| {
        let mut values = samples(template);
        values.insert(field.to_owned(), value.to_owned());
        let problems = template.render(Language::EN, &values).unwrap().unwrap_err();
        assert_eq!(problems[0].field, field);
        problems[0].problem.clone()
    };
    assert!(refused("name", "").contains("missing"));
    assert!(refused("name", &"xy ".repeat(300)).contains("WhatsApp takes 1024"));
    assert!(refused("name", &"x".repeat(60)).contains("the header in en has 64 characters"));
}

proptest! {
    #[test]
    fn no_text_breaks_a_template(given in prop::collection::btree_map("name|balance|date|at|from|households|link|x", "\\PC{0,30}|[0-9.:TZ+-]{0,25}|\\s{0,9}", 0..9)) {
        let rules = ruleset();
        let template = rules.template("everything").unwrap();
        if let Err(problems) = template.read(&given) {
            prop_assert!(!problems.is_empty());
        }
        // Even what was never read is printed or refused.
        for language in [Language::EN, Language::AF] {
            let mut values = samples(template);
            values.extend(given.clone());
            if let Some(Ok(rendered)) = template.render(language, &values) {
                let layout = template.layout(language).unwrap();
                prop_assert_eq!(rendered.filled.body.len(), layout.body.samples.len());
                prop_assert_eq!(rendered.filled.header.len(), layout.header.unwrap().samples.len());
                for value in rendered.filled.body.iter().chain(&rendered.filled.header) {
                    prop_assert!(!value.contains(['\n', '\t', '\r']) && !value.contains("     "), "{:?}", value);
                }
            }
        }
    }

    #[test]
    fn what_was_read_stays_as_it_is(field in "name|balance|date|at|from|households|link", given in "\\PC{0,30}|[0-9]{1,14}(\\.[0-9]{1,2})?|[0-9]{4}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9])?") {
        let rules = ruleset();
        let template = rules.template("everything").unwrap();
        let mut values = samples(template);
        values.insert(field, given);
        if let Ok(normal) = template.read(&values) {
            prop_assert_eq!(template.read(&normal), Ok(normal));
        }
    }
}
