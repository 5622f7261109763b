//! What rules and evidence lead to, with the evidence made by hand.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

use super::fixture::{
    Said, Talk, escalated, goes_on, hit, intent, intents, not, pattern_hit, rule, say, texts,
};
use crate::decision::{Effect, Priority, Reply};
use crate::dialogue::State;
use crate::pattern::Hit;
use crate::ruleset::{
    Action, Condition, IntentId, PatternId, RuleId, RuleIndex, Scope, Test, Text,
};
use crate::sentiment::Label;
use crate::trace::Verdict;
use crate::turn::{Consent, Event, MessageKind, Owner};

fn a() -> Hit {
    hit(0, (0, 5), 900, 1)
}

fn b() -> Hit {
    hit(1, (10, 15), 900, 1)
}

fn furious() -> Condition {
    Condition::SentimentBelow(-0.6)
}

fn fallback(times: u32, response: u32) -> crate::ruleset::Rule {
    rule(
        "not understood",
        Condition::NotUnderstood { times },
        vec![say(response)],
    )
}

fn escalate(priority: Priority) -> Action {
    Action::Escalate {
        team: "desk".to_owned(),
        priority,
        note: None,
    }
}

fn set(scope: Scope, name: &str, value: &str) -> Action {
    Action::Set {
        scope,
        name: name.to_owned(),
        value: Text::Plain(value.to_owned()),
    }
}

#[test]
fn the_first_rule_that_holds_decides() {
    let mut talk = Talk::with(vec![
        rule("furious", furious(), vec![say(0)]),
        rule("a", intent(0), vec![say(1)]),
        rule("a again", intent(0), vec![say(2)]),
    ]);
    let decision = talk.hits(&[a()]);
    assert_eq!(
        (texts(&decision).as_str(), intents(&decision).as_str()),
        ("r1", "a")
    );
    assert_eq!(decision.rules[0].name, "a");
    let verdicts: Vec<&Verdict> = decision
        .trace
        .rules
        .iter()
        .map(|rule| &rule.verdict)
        .collect();
    let why = "mood below -0.60, but the mood is not judged".to_owned();
    assert_eq!(
        verdicts,
        [
            &Verdict::Fails { why },
            &Verdict::Decided,
            &Verdict::NotReached
        ]
    );
    let angry = Said {
        hits: vec![a()],
        mood: Some(-0.7),
        ..Said::default()
    };
    assert_eq!(texts(&talk.hears(&angry)), "r0");
}

#[test]
fn continue_lets_later_rules_add() {
    let mut talk = Talk::with(vec![
        goes_on(rule(
            "tag",
            intent(0),
            vec![Action::Tag("water".to_owned()), say(0)],
        )),
        rule("a", intent(0), vec![say(1)]),
    ]);
    let decision = talk.hits(&[a()]);
    assert_eq!(texts(&decision), "r0+r1");
    assert_eq!(
        decision.effects,
        [Effect::Tag {
            tag: "water".to_owned()
        }]
    );
    assert_eq!(decision.replies[0].responses, ["r0", "r1"]);
}

#[test]
fn rules_that_name_an_intent_are_tried_for_each() {
    let rules = || {
        vec![
            rule("a", intent(0), vec![say(0)]),
            rule("b", intent(1), vec![say(1)]),
        ]
    };
    assert_eq!(texts(&Talk::with(rules()).hits(&[a(), b()])), "r0+r1");
    // In order of appearance, not of the rules.
    let b_first = [hit(1, (0, 5), 900, 1), hit(0, (10, 15), 900, 1)];
    assert_eq!(texts(&Talk::with(rules()).hits(&b_first)), "r1+r0");
}

#[test]
fn rules_without_an_intent_act_once_and_decide_for_all() {
    let mut talk = Talk::with(vec![
        rule("furious", furious(), vec![say(9)]),
        rule("a", intent(0), vec![say(0)]),
        goes_on(rule("always", not(furious()), vec![say(3)])),
        rule("b", intent(1), vec![say(1)]),
    ]);
    assert_eq!(
        texts(&talk.hears(&Said {
            hits: vec![a(), b()],
            mood: Some(-0.9),
            ..Said::default()
        })),
        "r9"
    );
    assert_eq!(texts(&talk.hits(&[a(), b()])), "r0+r3+r1");
}

#[test]
fn a_rule_about_two_intents_acts_once() {
    let both = || Condition::All(vec![intent(0), intent(1)]);
    let either = || Condition::Any(vec![intent(0), intent(1)]);
    let check = |when: Condition, hits: &[Hit], expected: &str| {
        let mut talk = Talk::with(vec![rule("r", when, vec![say(0)])]);
        assert_eq!(texts(&talk.hits(hits)), expected);
    };
    check(both(), &[a(), b()], "r0");
    check(both(), &[a()], "");
    check(either(), &[a(), b()], "r0");
    check(either(), &[b()], "r0");
    // Forbidden for the whole message, whichever intent the rule is tried for.
    check(
        Condition::All(vec![intent(0), not(intent(1))]),
        &[a(), b()],
        "",
    );
    check(
        Condition::All(vec![intent(0), not(intent(1))]),
        &[a()],
        "r0",
    );
    // An intent among alternatives does not keep the other alternatives from holding.
    let mut talk = Talk::with(vec![rule(
        "r",
        Condition::Any(vec![intent(0), furious()]),
        vec![say(0)],
    )]);
    assert_eq!(
        texts(&talk.hears(&Said {
            hits: vec![b()],
            mood: Some(-0.9),
            ..Said::default()
        })),
        "r0"
    );
    assert_eq!(texts(&talk.hits(&[b()])), "");
}

#[test]
fn not_understood_is_counted_and_set_back() {
    let mut talk = Talk::with(vec![
        fallback(3, 2),
        fallback(1, 0),
        rule("a", intent(0), vec![say(1)]),
    ]);
    assert_eq!(
        [
            talk.nothing(),
            talk.nothing(),
            talk.nothing(),
            talk.nothing()
        ],
        ["r0", "r0", "r2", "r2"]
    );
    assert_eq!(talk.state.not_understood, 4);
    assert_eq!(texts(&talk.hits(&[a()])), "r1");
    assert_eq!(talk.state.not_understood, 0);
    assert_eq!(talk.nothing(), "r0");
    // A picture is neither understood nor not.
    talk.hears(&Said {
        kind: MessageKind::Image,
        ..Said::default()
    });
    assert_eq!(talk.state.not_understood, 1);
    // A new session.
    talk.minute += 240;
    talk.nothing();
    assert_eq!(talk.state.not_understood, 1);
    talk.events = vec![Event::ReturnedByStaff];
    talk.nothing();
    assert_eq!(talk.state.not_understood, 1);
}

#[test]
fn a_rule_that_decides_by_words_has_understood() {
    let mut talk = Talk::with(vec![
        rule("code", Condition::Pattern(PatternId(0)), vec![say(0)]),
        rule(
            "area",
            Condition::Entity {
                name: "area".to_owned(),
                value: None,
            },
            vec![say(1)],
        ),
        fallback(1, 2),
    ]);
    talk.nothing();
    assert_eq!(texts(&talk.hits(&[pattern_hit(0)])), "r0");
    assert_eq!(talk.state.not_understood, 0);
    talk.nothing();
    let area = Said {
        entities: vec![("area", "zastron")],
        ..Said::default()
    };
    assert_eq!(texts(&talk.hears(&area)), "r1");
    assert_eq!(talk.state.not_understood, 0);
}

#[test]
fn rivals_are_asked_about_unless_a_rule_without_an_intent_decides() {
    let rivals = [hit(0, (0, 9), 900, 1), hit(1, (4, 12), 850, 1)];
    let rules = || {
        vec![
            rule("a", intent(0), vec![say(0)]),
            rule("furious", furious(), vec![say(2)]),
            fallback(1, 3),
        ]
    };
    let mut talk = Talk::with(rules());
    talk.nothing();
    let decision = talk.hits(&rivals);
    let Reply::Buttons { text, buttons, .. } = &decision.replies[0].reply else {
        panic!("{decision:?}")
    };
    assert_eq!(text, "Which of these do you mean?");
    let shown: Vec<_> = buttons
        .iter()
        .map(|button| (button.id.as_str(), button.title.as_str()))
        .collect();
    assert_eq!(shown, [("a", "The first"), ("b", "B")]);
    assert_eq!((decision.intents.len(), talk.state.not_understood), (0, 1));
    let angry = Said {
        hits: rivals.to_vec(),
        mood: Some(-0.9),
        ..Said::default()
    };
    assert_eq!(texts(&talk.hears(&angry)), "r2");
    // What is clear is answered, what is not is asked about.
    let with_clear = [
        rivals[0].clone(),
        rivals[1].clone(),
        hit(2, (20, 25), 900, 1),
    ];
    let mut talk = Talk::with(vec![rule("c", intent(2), vec![say(4)])]);
    assert_eq!(
        texts(&talk.hits(&with_clear)),
        "r4+Which of these do you mean?"
    );
}

#[test]
fn a_button_named_like_an_intent_is_that_intent() {
    let mut talk = Talk::with(vec![
        rule("a", intent(0), vec![say(0)]),
        rule(
            "balance",
            Condition::Button("balance".to_owned()),
            vec![say(1)],
        ),
        fallback(1, 2),
    ]);
    let tapped = |tap| Said {
        tap: Some(tap),
        kind: MessageKind::Button,
        ..Said::default()
    };
    let decision = talk.hears(&tapped(("a", Some(0))));
    assert_eq!(
        (texts(&decision).as_str(), decision.intents[0].score),
        ("r0", 1000)
    );
    let decision = talk.hears(&tapped(("balance", None)));
    assert_eq!(
        (texts(&decision).as_str(), intents(&decision).as_str()),
        ("r1", "")
    );
    // A rule waits for it, but not now: still not "not understood".
    assert_eq!(texts(&talk.hears(&tapped(("old", None)))), "");
    assert_eq!(talk.state.not_understood, 0);
}

#[test]
fn a_person_or_waiting_keeps_the_bot_silent_except_for_stop() {
    let stop = || {
        rule(
            "stop",
            Condition::Pattern(PatternId(0)),
            vec![Action::OptOut(Consent::ALL.to_vec()), say(0)],
        )
    };
    for owner in [Owner::Waiting, Owner::Person] {
        let mut talk = Talk::with(vec![
            stop(),
            rule("a", intent(0), vec![say(1), escalate(Priority::Normal)]),
            fallback(1, 2),
        ]);
        talk.owner = owner;
        let decision = talk.hears(&Said {
            hits: vec![a()],
            mood: Some(-0.4),
            ..Said::default()
        });
        assert_eq!(
            (
                texts(&decision).as_str(),
                decision.effects.len(),
                intents(&decision).as_str()
            ),
            ("", 0, "a")
        );
        assert_eq!(decision.state.moods, [-0.4], "the mood is kept");
        assert!(matches!(
            decision.trace.rules[1].verdict,
            Verdict::Held { .. }
        ));
        assert!(!decision.trace.notes.is_empty());
        assert_eq!(talk.nothing(), "");
        assert_eq!(talk.state.not_understood, 0);
        let rivals = [hit(0, (0, 9), 900, 1), hit(1, (4, 12), 850, 1)];
        assert_eq!(texts(&talk.hits(&rivals)), "", "nothing is asked either");
        talk.rules.rules.push(rule(
            "start",
            Condition::Pattern(PatternId(1)),
            vec![Action::OptIn(Consent::ALL.to_vec()), say(4)],
        ));
        talk.rules.index.always.push(RuleId(3));
        let started = talk.hits(&[pattern_hit(1)]);
        assert_eq!(
            (texts(&started).as_str(), started.effects.as_slice()),
            (
                "",
                [Effect::OptIn {
                    categories: Consent::ALL.to_vec()
                }]
                .as_slice()
            )
        );
        let stopped = talk.hits(&[pattern_hit(0)]);
        assert_eq!(
            (texts(&stopped).as_str(), stopped.effects.as_slice()),
            (
                "r0",
                [Effect::OptOut {
                    categories: Consent::ALL.to_vec()
                }]
                .as_slice()
            )
        );
    }
}

#[test]
fn a_late_message_is_left_to_rules_about_late_messages() {
    let stop = rule(
        "stop",
        Condition::Pattern(PatternId(0)),
        vec![Action::OptOut(Consent::ALL.to_vec()), say(0)],
    );
    let late = rule("late", Condition::Event(Event::StaleMessage), vec![say(3)]);
    let mut talk = Talk::with(vec![
        stop.clone(),
        rule("a", intent(0), vec![say(1)]),
        fallback(1, 2),
    ]);
    talk.late_minutes = 11;
    assert_eq!(texts(&talk.hits(&[a()])), "");
    assert_eq!(talk.nothing(), "");
    assert_eq!(talk.state.not_understood, 0);
    assert_eq!(texts(&talk.hits(&[pattern_hit(0)])), "r0");
    talk.late_minutes = 10;
    assert_eq!(texts(&talk.hits(&[a()])), "r1");
    let mut talk = Talk::with(vec![rule("a", intent(0), vec![say(1)]), late]);
    talk.late_minutes = 11;
    assert_eq!(texts(&talk.hits(&[a()])), "r3");
}

#[test]
fn who_opted_out_is_still_answered() {
    let mut talk = Talk::with(vec![rule("a", intent(0), vec![say(1)])]);
    talk.contact.opted_out = true;
    assert_eq!(texts(&talk.hits(&[a()])), "r1");
}

#[test]
fn opting_out_is_an_event_for_the_rules_after_it() {
    let mut talk = Talk::with(vec![
        goes_on(rule(
            "stop",
            Condition::Pattern(PatternId(0)),
            vec![Action::OptOut(Consent::ALL.to_vec())],
        )),
        rule("goodbye", Condition::Event(Event::OptedOut), vec![say(1)]),
    ]);
    assert_eq!(texts(&talk.hits(&[pattern_hit(0)])), "r1");
    assert_eq!(talk.nothing(), "");
}

#[test]
fn opting_out_is_noticed_after_the_rule_that_decided_it() {
    let opted_out = || Condition::Event(Event::OptedOut);
    let tag = |tag: &str| vec![Action::Tag(tag.to_owned())];
    let mut talk = Talk::with(vec![
        rule(
            "stop",
            Condition::Pattern(PatternId(0)),
            vec![Action::OptOut(Consent::ALL.to_vec()), say(0)],
        ),
        goes_on(rule("noted", opted_out(), tag("noted"))),
        rule("plain", Condition::Pattern(PatternId(0)), tag("plain")),
        rule("left", opted_out(), tag("left")),
        rule("late", opted_out(), tag("late")),
        rule("not", Condition::Not(Box::new(opted_out())), tag("not")),
    ]);
    let decision = talk.hits(&[pattern_hit(0)]);
    assert_eq!(texts(&decision), "r0");
    let tags: Vec<_> = decision
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Tag { tag } => Some(tag.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(tags, ["noted", "left"]);
}

#[test]
fn what_a_rule_sets_is_seen_by_those_after_it_and_stored() {
    let is = |scope, name: &str, value: &str| Condition::Field {
        scope,
        name: name.to_owned(),
        test: Test::Is(value.to_owned()),
    };
    let mut talk = Talk::with(vec![
        goes_on(rule(
            "set",
            intent(0),
            vec![
                set(Scope::Conversation, "ward", "4"),
                set(Scope::Contact, "area", "zastron"),
                Action::Tag("t".to_owned()),
                Action::Tag("t".to_owned()),
            ],
        )),
        rule(
            "ward",
            Condition::All(vec![
                is(Scope::Conversation, "ward", "4"),
                is(Scope::Contact, "area", "zastron"),
            ]),
            vec![say(1)],
        ),
        rule(
            "forget",
            intent(1),
            vec![
                Action::Forget {
                    scope: Scope::Conversation,
                    name: "ward".to_owned(),
                },
                Action::Forget {
                    scope: Scope::Contact,
                    name: "area".to_owned(),
                },
            ],
        ),
    ]);
    let decision = talk.hits(&[a()]);
    assert_eq!(texts(&decision), "r1");
    assert_eq!(decision.effects.len(), 2);
    assert!(decision.effects.contains(&Effect::SetContact {
        field: "area".to_owned(),
        value: "zastron".to_owned()
    }));
    assert_eq!(talk.state.fields["ward"], "4");
    let decision = talk.hits(&[b()]);
    assert!(talk.state.fields.is_empty());
    assert_eq!(
        decision.effects,
        [Effect::ForgetContact {
            field: "area".to_owned()
        }]
    );
}

#[test]
fn one_turn_hands_over_once_with_the_highest_priority() {
    let mut talk = Talk::with(vec![
        goes_on(rule("first", intent(0), vec![escalate(Priority::Normal)])),
        rule("second", intent(0), vec![escalate(Priority::Urgent)]),
    ]);
    let decision = talk.hears(&Said {
        hits: vec![a()],
        mood: Some(-0.5),
        ..Said::default()
    });
    assert!(escalated(&decision));
    let [
        Effect::Escalate {
            priority, reason, ..
        },
    ] = decision.effects.as_slice()
    else {
        panic!("{decision:?}")
    };
    assert_eq!(
        (*priority, reason.as_str()),
        (Priority::Urgent, "first (mood -0.50)")
    );
}

#[test]
fn silence_says_nothing_and_end_begins_anew() {
    let mut talk = Talk::with(vec![
        rule(
            "quiet",
            intent(0),
            vec![Action::Silence, say(1), Action::Tag("x".to_owned())],
        ),
        rule("bye", intent(1), vec![say(2), Action::End]),
        rule(
            "new",
            Condition::Event(Event::NewConversation),
            vec![say(3)],
        ),
    ]);
    assert_eq!(talk.nothing(), "r3");
    let quiet = talk.hits(&[a()]);
    assert_eq!((texts(&quiet).as_str(), quiet.effects.len()), ("", 1));
    assert_eq!(talk.nothing(), "");
    let bye = talk.hits(&[b()]);
    assert_eq!(
        (texts(&bye).as_str(), bye.effects.as_slice()),
        ("r2", [Effect::End].as_slice())
    );
    assert_eq!(talk.nothing(), "r3");
}

#[test]
fn moods_by_limit_label_and_trend() {
    let check = |when: Condition, moods: &[Option<f64>], expected: bool| {
        let mut talk = Talk::with(vec![rule("mood", when, vec![say(1)])]);
        let mut last = String::new();
        for mood in moods {
            last = texts(&talk.hears(&Said {
                mood: *mood,
                ..Said::default()
            }));
        }
        assert_eq!(last == "r1", expected, "{moods:?}");
    };
    check(furious(), &[Some(-0.6)], false);
    check(furious(), &[Some(-0.61)], true);
    check(Condition::SentimentAbove(0.5), &[Some(0.5)], false);
    check(Condition::SentimentAbove(0.5), &[Some(0.51)], true);
    check(furious(), &[None], false);
    check(not(furious()), &[None], true);
    check(
        Condition::SentimentFalling,
        &[Some(0.5), Some(0.1), Some(-0.2)],
        true,
    );
    check(
        Condition::SentimentFalling,
        &[Some(0.5), Some(0.1), Some(0.1)],
        false,
    );
    check(
        Condition::SentimentFalling,
        &[Some(0.5), Some(0.1), Some(-0.2), None],
        false,
    );
    check(
        Condition::SentimentFalling,
        &[Some(0.5), Some(0.1), None, Some(-0.2)],
        true,
    );
    assert!(super::label_holds(Label::Negative, Label::Angry));
    assert!(!super::label_holds(Label::Angry, Label::Negative));
}

#[test]
fn buttons_shown_last_are_kept_for_titles_typed_by_hand() {
    let mut talk = Talk::with(vec![
        rule("menu", intent(0), vec![say(9)]),
        rule("b", intent(1), vec![say(1)]),
    ]);
    talk.hits(&[a()]);
    let offered: Vec<_> = talk
        .state
        .offered
        .iter()
        .map(|offered| (offered.id.as_str(), offered.title.as_str()))
        .collect();
    assert_eq!(offered, [("balance", "my balance"), ("a", "the first")]);
    talk.hears(&Said {
        kind: MessageKind::Image,
        ..Said::default()
    });
    assert_eq!(talk.state.offered.len(), 2, "silence keeps them");
    talk.hits(&[b()]);
    assert!(talk.state.offered.is_empty());
}

#[test]
fn the_trace_stays_small_and_says_so() {
    let rules = (0..200).map(|number| rule(&format!("rule {number}"), furious(), vec![say(0)]));
    let mut talk = Talk::with(
        rules
            .chain([rule("last", intent(0), vec![say(1)])])
            .collect(),
    );
    let decision = talk.hits(&[a()]);
    assert_eq!(texts(&decision), "r1");
    assert_eq!(
        (decision.rules.len(), decision.trace.rules.len()),
        (1, crate::trace::RULES_MAX + 1)
    );
    assert_eq!(decision.trace.notes.len(), 1);
}

#[test]
fn a_decision_explains_itself_as_json() {
    let mut talk = Talk::with(vec![
        goes_on(rule("tag", intent(0), vec![Action::Tag("t".to_owned())])),
        rule("a", intent(0), vec![say(9)]),
    ]);
    let said = Said {
        hits: vec![a()],
        mood: Some(-0.25),
        entities: vec![("area", "zastron"), ("area", "rouxville")],
        ..Said::default()
    };
    let decision = talk.hears(&said);
    let json = decision.to_json();
    let expected = serde_json::json!({
        "intent": "a", "intents": ["a"], "score": 0.9, "language": "en",
        "entities": { "area": "zastron" }, "sentiment": { "score": -0.25, "label": "not_judged" }, "rule": "a",
        "effects": [{ "type": "tag", "tag": "t" }],
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&json[key], value, "{key}");
    }
    assert_eq!(json["replies"][0]["type"], "buttons");
    assert_eq!(json["replies"][0]["text"], "r9");
    assert_eq!(json["replies"][0]["responses"][0], "r9");
    assert_eq!(json["trace"]["entities"].as_array().unwrap().len(), 2);
    assert_eq!(json["trace"]["candidates"][0]["outcome"]["is"], "chosen");
    let stored: crate::trace::Trace =
        serde_json::from_value(serde_json::json!(decision.trace)).unwrap();
    assert_eq!(stored, decision.trace);
    let replies: Vec<crate::decision::Spoken> =
        serde_json::from_value(json["replies"].clone()).unwrap();
    assert_eq!(replies, decision.replies);
}

#[test]
fn what_is_not_understood_explains_itself_too() {
    let json = Talk::with(Vec::new())
        .hits(&[hit(0, (0, 5), 400, 1)])
        .to_json();
    assert_eq!(
        (
            json["intent"].is_null(),
            json["score"].as_f64(),
            json["rule"].is_null()
        ),
        (true, Some(0.0), true)
    );
    assert_eq!(
        json["trace"]["candidates"][0]["outcome"]["is"],
        "below_accept"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn leaf() -> impl Strategy<Value = Condition> {
        prop_oneof![
            (0..3_u32).prop_map(intent),
            (0..2_u32).prop_map(|number| Condition::Pattern(PatternId(number))),
            Just(furious()),
            Just(Condition::SentimentFalling),
            Just(Condition::Event(Event::NewConversation)),
            Just(Condition::Event(Event::StaleMessage)),
            Just(Condition::Message(MessageKind::Text)),
            Just(Condition::Button("balance".to_owned())),
            (1..3_u32).prop_map(|times| Condition::NotUnderstood { times }),
            Just(Condition::Entity {
                name: "area".to_owned(),
                value: None
            }),
        ]
    }

    fn condition() -> impl Strategy<Value = Condition> {
        leaf().prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::All),
                prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::Any),
                inner.prop_map(not),
            ]
        })
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![
            (0..10_u32).prop_map(say),
            Just(Action::Silence),
            Just(Action::End),
            Just(Action::OptOut(Consent::ALL.to_vec())),
            Just(Action::OptIn(vec![Consent::Service])),
            Just(Action::Cancel("payment_reminder".to_owned())),
            Just(escalate(Priority::High)),
            Just(set(Scope::Conversation, "x", "1")),
        ]
    }

    fn rules() -> impl Strategy<Value = Vec<crate::ruleset::Rule>> {
        let one = (
            condition(),
            prop::collection::vec(action(), 0..3),
            any::<bool>(),
        );
        prop::collection::vec(one, 0..6).prop_map(|rules| {
            let numbered = rules.into_iter().enumerate();
            numbered
                .map(|(number, (when, then, goes_on))| crate::ruleset::Rule {
                    goes_on,
                    ..rule(&number.to_string(), when, then)
                })
                .collect()
        })
    }

    fn said() -> impl Strategy<Value = Said> {
        let one = prop_oneof![
            (0..3_u32, 0..20_u32, 1..9_u32, 500..1000_u16)
                .prop_map(|(id, start, length, score)| hit(id, (start, start + length), score, 1)),
            (0..2_u32).prop_map(pattern_hit),
        ];
        let tap = prop::option::weighted(
            0.2,
            prop_oneof![Just(("a", Some(0))), Just(("balance", None))],
        );
        (
            prop::collection::vec(one, 0..4),
            tap,
            prop::option::of(-1.0..1.0_f64),
            any::<bool>(),
        )
            .prop_map(|(hits, tap, mood, area)| Said {
                hits: if tap.is_some() { Vec::new() } else { hits },
                tap,
                mood: mood.map(|mood| (mood * 10_000.0).round() / 10_000.0),
                entities: if area {
                    vec![("area", "zastron")]
                } else {
                    Vec::new()
                },
                kind: MessageKind::Text,
            })
    }

    proptest! {
        #[test]
        fn decisions_are_deterministic_and_their_state_survives_storage(rules in rules(), said in prop::collection::vec(said(), 1..5)) {
            let mut first = Talk::with(rules.clone());
            let mut second = Talk::with(rules);
            for said in &said {
                let decision = first.hears(said);
                prop_assert_eq!(&decision, &second.hears(said));
                let stored = decision.state.to_json().to_string();
                second.state = State::from_json(serde_json::from_str(&stored).unwrap()).unwrap();
                prop_assert_eq!(&second.state, &decision.state);
            }
        }

        /// A rule with the lowest priority stands last: whatever the others answered, they still answer.
        #[test]
        fn a_lower_rule_never_changes_what_a_higher_one_answers(rules in rules(), extra in condition(), said in said()) {
            let mut more = rules.clone();
            more.push(rule("extra", extra, vec![say(5)]));
            let without = Talk::with(rules).hears(&said);
            let with = Talk::with(more).hears(&said);
            let higher: Vec<_> = with.rules.iter().filter(|rule| rule.name != "extra").cloned().collect();
            prop_assert_eq!(&without.rules, &higher);
            if with.rules.len() == higher.len() {
                prop_assert_eq!(without.replies, with.replies);
            }
        }

        /// No rule acts twice, and no more than one per intent decides.
        #[test]
        fn rules_act_at_most_once(rules in rules(), said in said()) {
            let decision = Talk::with(rules).hears(&said);
            let mut names: Vec<_> = decision.rules.iter().map(|rule| rule.name.clone()).collect();
            names.sort();
            let count = names.len();
            names.dedup();
            prop_assert_eq!(names.len(), count);
            let deciding = decision.trace.rules.iter().filter(|rule| rule.verdict == Verdict::Decided).count();
            prop_assert!(deciding <= decision.intents.len().max(1));
        }
    }

    #[test]
    fn the_index_calls_up_what_evidence_needs() {
        let rules = vec![
            rule("a", intent(0), vec![say(0)]),
            rule("p", Condition::Pattern(PatternId(0)), vec![say(1)]),
        ];
        let mut talk = Talk::with(rules);
        talk.rules.index = RuleIndex {
            by_intent: [(IntentId(0), vec![RuleId(0)])].into(),
            by_pattern: [(PatternId(0), vec![RuleId(1)])].into(),
            ..RuleIndex::default()
        };
        assert_eq!(texts(&talk.hits(&[a()])), "r0");
        let decision = talk.hits(&[pattern_hit(0)]);
        assert_eq!(
            (texts(&decision).as_str(), decision.trace.rules.len()),
            ("r1", 1)
        );
        assert!(talk.hits(&[]).trace.rules.is_empty());
    }
}
