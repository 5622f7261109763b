//! The rules that every pack holds, seen from outside: STOP and a person, in every language, under a pack that tries to
//! get in their way.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use jiff::Timestamp;
use puisano_engine::{
    Consent, Contact, Effect, Lexicons, MessageKind, Owner, Ruleset, Source, State, Turn, compile,
    decide,
};

const PACK: &str = r#"
pack: test
languages: [en, st, af, xh]
teams: [frontdesk, technical]
hours: { mon-fri: "07:30-16:30" }
responses:
  person_closed: { en: "Closed.", st: "Ho kwetswe.", af: "Toe.", xh: "Kuvaliwe." }
intents:
  person: { phrases: { en: ["mayor please"] } }
  leak: { phrases: { en: ["leak", "stop the leak"] }, reply: { en: "A leak.", st: "x", af: "x", xh: "x" } }
rules:
  - { name: everything, priority: 1000000, when: { message: text, not: { intent: leak } }, then: { tag: seen } }
  - { name: not understood, when: { not_understood: true }, then: silence }
"#;

fn ruleset() -> Ruleset {
    let sources = [Source {
        name: "pack.yaml".to_owned(),
        text: PACK.to_owned(),
    }];
    compile(&sources, &Lexicons::default()).ruleset.unwrap()
}

/// What happens on a message at a time of a Monday, in short.
fn answer(rules: &Ruleset, text: &str, time: &str) -> (Vec<String>, Vec<&'static str>) {
    let now: Timestamp = format!("2026-11-23T{time}:00+02:00").parse().unwrap();
    let contact = Contact::default();
    let turn = Turn {
        text,
        kind: MessageKind::Text,
        button: None,
        sent_at: now,
        received_at: now,
        now,
        seed: 0,
        owner: Owner::Bot,
        contact: &contact,
        events: &[],
        notification: None,
    };
    let decision = decide(rules, &State::default(), &turn);
    let effects = decision.effects.iter().map(|effect| match effect {
        Effect::OptOut { .. } => "opt out",
        Effect::OptIn { .. } => "opt in",
        Effect::Escalate { .. } => "escalate",
        Effect::Tag { .. } => "tag",
        _ => "other",
    });
    (
        decision
            .replies
            .iter()
            .map(|spoken| spoken.reply.text().to_owned())
            .collect(),
        effects.collect(),
    )
}

#[test]
fn words_that_end_a_subscription_are_whole_messages() {
    let rules = ruleset();
    for text in [
        "STOP",
        "stop",
        " Stop. ",
        "Unsubscribe",
        "please stop",
        "emisa",
        "KGAOTSA",
        "staak",
        "hou op",
        "yeka",
    ] {
        let (replies, effects) = answer(&rules, text, "10:00");
        assert_eq!(effects, ["opt out"], "{text}");
        assert!(replies[0].contains("START"), "{text}: {replies:?}");
    }
    for text in [
        "stop reminders",
        "Emisa dikgopotso",
        "staak herinnerings",
        "yeka izikhumbuzo",
        "no more marketing",
        "emisa papatso",
    ] {
        assert_eq!(answer(&rules, text, "10:00").1, ["opt out"], "{text}");
    }
    for text in [
        "stop the leak",
        "when will this stop",
        "the bus stop",
        "stopp",
    ] {
        let (_, effects) = answer(&rules, text, "10:00");
        assert!(!effects.contains(&"opt out"), "{text}");
    }
    assert_eq!(answer(&rules, "START", "10:00").1, ["opt in"]);
}

#[test]
fn a_person_is_reached_in_every_language_and_at_any_hour() {
    let rules = ruleset();
    for text in [
        "I want to talk to a person",
        "can I speak to someone",
        "agent",
        "I need a human",
        "mayor please",
        "ke batla ho bua le motho",
        "kan ek met 'n mens praat, praat met iemand",
        "ek wil met 'n persoon praat",
        "ke batla motho",
        "ndifuna ukuthetha nomntu",
        "ndicela umntu",
    ] {
        let (open, effects) = answer(&rules, text, "10:00");
        assert_eq!(effects, ["escalate"], "{text}");
        assert!(!open.is_empty(), "{text}");
        let (closed, effects) = answer(&rules, text, "20:00");
        assert_eq!(effects, ["escalate"], "{text}");
        assert!(
            ["Closed.", "Ho kwetswe.", "Toe.", "Kuvaliwe."].contains(&closed[0].as_str()),
            "{text}: {closed:?}"
        );
    }
}

#[test]
fn who_stops_everything_may_keep_notices_about_services() {
    let rules = ruleset();
    let contact = Contact::default();
    let answer = |state: &State, text: &str, button: Option<&str>| {
        let now: Timestamp = "2026-11-23T10:00:00+02:00".parse().unwrap();
        let turn = Turn {
            text,
            kind: MessageKind::Text,
            button,
            sent_at: now,
            received_at: now,
            now,
            seed: 0,
            owner: Owner::Bot,
            contact: &contact,
            events: &[],
            notification: None,
        };
        decide(&rules, state, &turn)
    };
    for (text, title) in [
        ("STOP", "Keep service notices"),
        ("emisa", "Boloka ditsebiso"),
        ("staak", "Hou diensberigte"),
        ("misa", "Gcina izaziso"),
    ] {
        let stopped = answer(&State::default(), text, None);
        let all = Consent::ALL.to_vec();
        assert_eq!(stopped.effects, [Effect::OptOut { categories: all }]);
        let choices = stopped.replies[0].reply.choices();
        assert_eq!(choices.len(), 1, "{text}");
        let (id, shown) = choices[0];
        assert_eq!(shown, title);
        // A tap, and the title typed by hand.
        for button in [Some(id), None] {
            let kept = answer(&stopped.state, title, button);
            let service = vec![Consent::Service];
            assert_eq!(
                kept.effects,
                [Effect::OptIn {
                    categories: service
                }]
            );
            assert_eq!(kept.replies.len(), 1, "{text}");
        }
    }
    let category = |text| answer(&State::default(), text, None).effects;
    let only = |consent| {
        [Effect::OptOut {
            categories: vec![consent],
        }]
    };
    assert_eq!(category("stop marketing"), only(Consent::Marketing));
    assert_eq!(category("stop reminders"), only(Consent::Account));
}
