//! From text to decision, through a compiled pack: what holds for any message at all.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::decision::Spoken;
use crate::language::Language;
use crate::ruleset::{RuleId, RuleIndex};
use crate::sentiment::Lexicons;
use crate::source::Source;
use crate::turn::{Contact, Owner};

/// Compiled once: its cases are many.
static RULES: LazyLock<Ruleset> = LazyLock::new(compiled);
/// The same with every rule tried for every message.
static UNINDEXED: LazyLock<Ruleset> = LazyLock::new(|| {
    let mut rules = compiled();
    let always = (0..).map(RuleId).take(rules.rules.len()).collect();
    // Which buttons are answered goes by this part.
    let by_button = rules.index.by_button.clone();
    rules.index = RuleIndex {
        by_button,
        always,
        ..RuleIndex::default()
    };
    rules
});

fn compiled() -> Ruleset {
    let text = include_str!("../transcript/pack.yaml").to_owned();
    let sources = [Source {
        name: "pack.yaml".to_owned(),
        text,
    }];
    let compiled = crate::compile::compile(&sources, &Lexicons::default());
    compiled
        .ruleset
        .unwrap_or_else(|| panic!("the pack has errors"))
}

/// One message, at a fixed moment, of a contact nobody knows.
#[derive(Clone, Debug)]
struct Message {
    text: String,
    button: Option<String>,
    kind: MessageKind,
    owner: Owner,
    late_minutes: i64,
}

impl Message {
    fn text(text: &str) -> Self {
        let (text, button) = (text.to_owned(), None);
        Self {
            text,
            button,
            kind: MessageKind::Text,
            owner: Owner::Bot,
            late_minutes: 0,
        }
    }

    fn decided(&self, rules: &Ruleset, state: &State) -> Decision {
        let sent_at = Timestamp::from_second(1_795_000_000).unwrap();
        let received_at = sent_at + SignedDuration::from_mins(self.late_minutes);
        decide(
            rules,
            state,
            &Turn {
                text: &self.text,
                kind: self.kind,
                button: self.button.as_deref(),
                sent_at,
                received_at,
                now: received_at,
                seed: 7,
                owner: self.owner,
                contact: &Contact::default(),
                events: &[],
                notification: None,
            },
        )
    }
}

/// Messages near to what the pack knows, and others.
fn message() -> impl Strategy<Value = Message> {
    let pieces = [
        "no water",
        "water",
        "off",
        "burst pipe",
        "hello",
        "hi",
        "my balance",
        "how much do i owe",
        "zastron",
        "Rouxville",
        "stop",
        "start",
        "talk to a person",
        "water bill",
        "good bye",
        "ha ho metsi",
        "💧",
        "R1 200,50",
        "+27600000001",
        "\u{202E}",
        "?",
        "{{area}}",
        "No water",
        "Clinic hours",
        "which",
    ];
    let near = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..5)
        .prop_map(|pieces| pieces.join(" "));
    let text = prop_oneof![4 => near, 1 => ".{0,200}"];
    let button = prop::option::weighted(
        0.2,
        prop_oneof![
            prop::sample::select(vec!["outage", "clinic", "gone", "stop", ""])
                .prop_map(str::to_owned),
            ".{0,20}",
        ],
    );
    let kinds = vec![
        MessageKind::Text,
        MessageKind::Text,
        MessageKind::Button,
        MessageKind::Image,
        MessageKind::Unsupported,
    ];
    let owners = vec![
        Owner::Bot,
        Owner::Bot,
        Owner::Bot,
        Owner::Waiting,
        Owner::Person,
    ];
    (
        text,
        button,
        prop::sample::select(kinds),
        prop::sample::select(owners),
        0..20_i64,
    )
        .prop_map(|(text, button, kind, owner, late_minutes)| Message {
            text,
            button,
            kind,
            owner,
            late_minutes,
        })
}

fn said(replies: &[Spoken]) -> Vec<&str> {
    replies.iter().map(|spoken| spoken.reply.text()).collect()
}

proptest! {
    /// Buffers of a thread carry nothing over: a conversation decided with others between is the same.
    #[test]
    fn decisions_do_not_depend_on_what_was_decided_before(messages in prop::collection::vec(message(), 1..6), between in message()) {
        let mut state = State::default();
        for message in &messages {
            let first = message.decided(&RULES, &state);
            between.decided(&RULES, &State::default());
            prop_assert_eq!(&first, &message.decided(&RULES, &state));
            state = State::from_json(first.state.to_json()).unwrap();
            prop_assert_eq!(&state, &first.state);
        }
    }

    /// The index only spares looking at rules: trying all of them decides the same.
    #[test]
    fn the_index_decides_nothing(messages in prop::collection::vec(message(), 1..4)) {
        let mut state = State::default();
        for message in &messages {
            let (few, many) = (message.decided(&RULES, &state), message.decided(&UNINDEXED, &state));
            prop_assert_eq!(&few.rules, &many.rules);
            prop_assert_eq!(&few.replies, &many.replies);
            prop_assert_eq!(&few.effects, &many.effects);
            prop_assert_eq!(&few.state, &many.state);
            state = few.state;
        }
    }

    /// Nothing is said beside staff or to a late message, STOP apart.
    #[test]
    fn the_bot_is_silent_when_it_should_be(message in message()) {
        let decision = message.decided(&RULES, &State::default());
        if message.owner != Owner::Bot || message.late_minutes > 10 {
            let consents = decision.intents.iter().any(|found| ["stop", "start"].contains(&found.intent.as_str()));
            prop_assert!(decision.replies.is_empty() || consents, "{:?}", said(&decision.replies));
        }
        for spoken in &decision.replies {
            prop_assert!(!spoken.reply.text().trim().is_empty());
        }
    }
}

#[test]
fn texts_of_64_kib_are_ordinary_input() {
    for piece in [
        "a",
        "no water ",
        "💧",
        "1 ",
        "\u{0301}",
        "stop stop ",
        "(((",
        "R1,",
        "zastron rouxville ",
    ] {
        let text = piece.repeat(64 * 1024 / piece.len());
        let decision = Message::text(&text).decided(&RULES, &State::default());
        let ends = decision
            .trace
            .candidates
            .iter()
            .map(|candidate| candidate.end)
            .chain(decision.entities.iter().map(|entity| entity.end));
        assert!(
            ends.into_iter().all(|end| end as usize <= text.len()),
            "{piece}"
        );
        assert!(decision.entities.len() <= 64, "{piece}");
    }
}

#[test]
fn a_number_inside_another_value_is_not_a_value() {
    let listed = |text: &str| -> Vec<String> {
        let decision = Message::text(text).decided(&RULES, &State::default());
        let value =
            |entity: &crate::decision::EntityValue| format!("{}={}", entity.name, entity.value);
        decision.entities.iter().map(value).collect()
    };
    assert_eq!(
        listed("I paid R1 200,50 for 3 months"),
        ["amount=1200.50", "number=3"]
    );
    assert_eq!(listed("call +27600000001"), ["phone=+27600000001"]);
    assert_eq!(
        listed("Zastron or rouxville"),
        ["area=zastron", "area=rouxville"]
    );
}

#[test]
fn the_language_is_the_messages_then_the_conversations_then_the_contacts() {
    let sesotho = State {
        language: Some(Language::ST),
        ..State::default()
    };
    let unknown = State {
        language: Language::parse("zu"),
        ..State::default()
    };
    let check = |text: &str, state: &State, expected: Language| {
        assert_eq!(
            Message::text(text).decided(&RULES, state).language,
            expected,
            "{text}"
        );
    };
    check("42", &State::default(), Language::EN);
    check("42", &sesotho, Language::ST);
    check("42", &unknown, Language::EN);
    let certain = Message::text("Good morning, we have had no water at our house since yesterday")
        .decided(&RULES, &sesotho);
    assert_eq!(
        (certain.language, certain.state.language),
        (Language::EN, Some(Language::EN))
    );
}
