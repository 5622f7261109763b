//! Rule sets built by hand, so that what is decided can be tested apart from how patterns are matched.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::read::{Evidence, Tap};
use crate::decision::{Decision, Effect, EntityValue};
use crate::dialogue::State;
use crate::language::Language;
use crate::pattern::{Hit, MatcherBuilder, Owner as PatternOwner};
use crate::ruleset::{
    Action, Buttons, Choice, Condition, Entity, Form, Hours, Intent, IntentId, Matching, Pack,
    PatternId, Phrase, Response, ResponseId, Rule, RuleId, RuleIndex, Ruleset, Speech, Text,
};
use crate::sentiment::{Lexicons, Mood, Scorer};
use crate::source::Location;
use crate::text::{Guess, Identifier, VocabularyBuilder};
use crate::trace::LanguageFrom;
use crate::turn::{Contact, Event, MessageKind, Owner, Turn};

/// Intents `a` to `d`, priorities as given; phrase n belongs to intent n; English and Sesotho.
pub(super) fn ruleset(priorities: [i32; 4], rules: Vec<Rule>) -> Ruleset {
    let languages = [Language::EN, Language::ST];
    let mut vocabulary = VocabularyBuilder::default();
    let matcher = MatcherBuilder::new(Vec::new())
        .build(&mut vocabulary)
        .unwrap();
    let scorer = Scorer::build(&Lexicons::default(), &languages, &mut vocabulary);
    let at = |line: u32| Location {
        file: "rules.yaml".into(),
        line,
        column: 1,
    };
    let names = ["a", "b", "c", "d"];
    let intents = names
        .iter()
        .zip(priorities)
        .zip(1..)
        .map(|((name, priority), line)| Intent {
            name: (*name).to_owned(),
            about: None,
            priority,
            at: at(line),
        });
    let phrases = names.iter().zip(1..).map(|(name, line)| Phrase {
        text: format!("phrase of {name}"),
        at: at(line),
        language: Some(if *name == "d" {
            Language::ST
        } else {
            Language::EN
        }),
    });
    let always = (0..).map(RuleId).take(rules.len()).collect();
    Ruleset {
        pack: pack(),
        intents: intents.collect(),
        entities: Vec::<Entity>::new(),
        templates: Vec::new(),
        responses: responses(),
        rules,
        index: RuleIndex {
            always,
            ..RuleIndex::default()
        },
        vocabulary: vocabulary.build(),
        matcher,
        phrases: phrases.collect(),
        identifier: Identifier::new(&languages),
        scorer,
        intent_names: names
            .iter()
            .zip(0..)
            .map(|(name, id)| ((*name).to_owned(), IntentId(id)))
            .collect(),
        buttons: Buttons {
            by_title: HashMap::from([("my balance".to_owned(), "balance".to_owned())]),
            titles: [("balance", "My balance"), ("a", "The first")]
                .map(|(id, title)| (id.to_owned(), title.to_owned()))
                .into(),
        },
        tests: Vec::new(),
    }
}

fn pack() -> Pack {
    Pack {
        name: "town".to_owned(),
        languages: vec![Language::EN, Language::ST],
        timezone: TimeZone::UTC,
        hours: Hours::default(),
        matching: Matching {
            accept: 600,
            margin: 80,
            typos: true,
        },
        idle_minutes: 240,
        stale_after_minutes: 10,
        replies_per_minute: 20,
        teams: vec!["desk".to_owned()],
    }
}

/// Response n says `r<n>` in English and `s<n>` in Sesotho; response 9 has buttons.
fn responses() -> Vec<Response> {
    let speech = |text: String, form: Form| {
        vec![Speech {
            text: Text::Plain(text),
            header: None,
            footer: None,
            form,
        }]
    };
    let choice = |id: &str, title: &str| Choice {
        id: id.to_owned(),
        title: title.to_owned(),
        description: None,
    };
    (0..10)
        .map(|number| {
            let choices = match number {
                9 => Form::Buttons(vec![
                    choice("balance", "My balance"),
                    choice("a", "The first"),
                ]),
                _ => Form::Text,
            };
            Response {
                name: format!("r{number}"),
                at: Location::default(),
                languages: BTreeMap::from([
                    (Language::EN, speech(format!("r{number}"), choices.clone())),
                    (Language::ST, speech(format!("s{number}"), choices)),
                ]),
            }
        })
        .collect()
}

pub(super) fn rule(name: &str, when: Condition, then: Vec<Action>) -> Rule {
    Rule {
        name: name.to_owned(),
        at: Location::default(),
        priority: 0,
        when,
        then,
        goes_on: false,
    }
}

pub(super) fn goes_on(rule: Rule) -> Rule {
    Rule {
        goes_on: true,
        ..rule
    }
}

pub(super) fn say(response: u32) -> Action {
    Action::Reply(ResponseId(response))
}

pub(super) fn intent(number: u32) -> Condition {
    Condition::Intent(IntentId(number))
}

pub(super) fn not(condition: Condition) -> Condition {
    Condition::Not(Box::new(condition))
}

/// Intent, span, score, literal words.
pub(super) fn hit(number: u32, (start, end): (u32, u32), score: u16, literals: u16) -> Hit {
    let owner = PatternOwner::Intent(IntentId(number));
    Hit {
        owner,
        phrase: number,
        start,
        end,
        score,
        literals,
        typos: 0,
        captures: Vec::new(),
    }
}

pub(super) fn owned_by(owner: PatternOwner, hit: Hit) -> Hit {
    Hit { owner, ..hit }
}

pub(super) fn pattern_hit(number: u32) -> Hit {
    owned_by(
        PatternOwner::Rule(PatternId(number)),
        hit(0, (0, 1), 900, 1),
    )
}

/// What a message is taken to say.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) hits: Vec<Hit>,
    pub(super) entities: Vec<(&'static str, &'static str)>,
    pub(super) tap: Option<(&'static str, Option<u32>)>,
    pub(super) mood: Option<f64>,
    pub(super) kind: MessageKind,
}

impl Default for Said {
    fn default() -> Self {
        Self {
            hits: Vec::new(),
            entities: Vec::new(),
            tap: None,
            mood: None,
            kind: MessageKind::Text,
        }
    }
}

/// A conversation with hand-made evidence.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) rules: Ruleset,
    pub(super) state: State,
    pub(super) contact: Contact,
    pub(super) owner: Owner,
    pub(super) events: Vec<Event>,
    pub(super) late_minutes: i64,
    pub(super) minute: i64,
}

impl Talk {
    pub(super) fn with(rules: Vec<Rule>) -> Self {
        Self {
            rules: ruleset([0; 4], rules),
            state: State::default(),
            contact: Contact::default(),
            owner: Owner::Bot,
            events: Vec::new(),
            late_minutes: 0,
            minute: 0,
        }
    }

    pub(super) fn hears(&mut self, said: &Said) -> Decision {
        self.minute += 1;
        let at = |minute: i64| Timestamp::from_second(1_795_000_000 + minute * 60).unwrap();
        let turn = Turn {
            text: "",
            kind: said.kind,
            button: None,
            sent_at: at(self.minute),
            received_at: at(self.minute + self.late_minutes),
            now: at(self.minute + self.late_minutes),
            seed: 0,
            owner: self.owner,
            contact: &self.contact,
            events: &self.events,
            notification: None,
        };
        let decision = super::answer(&self.rules, &self.state, &turn, evidence(said));
        self.state = decision.state.clone();
        decision
    }

    pub(super) fn hits(&mut self, hits: &[Hit]) -> Decision {
        self.hears(&Said {
            hits: hits.to_vec(),
            ..Said::default()
        })
    }

    /// The texts of the replies to a message that says nothing known.
    pub(super) fn nothing(&mut self) -> String {
        texts(&self.hits(&[]))
    }
}

pub(super) fn evidence(said: &Said) -> Evidence<'_> {
    let value = |(name, value): &(&str, &str)| EntityValue {
        name: (*name).to_owned(),
        entity: (*name).to_owned(),
        value: (*value).to_owned(),
        label: value.to_uppercase(),
        start: 0,
        end: 1,
    };
    Evidence {
        hits: &said.hits,
        found: &[],
        entities: said.entities.iter().map(value).collect(),
        tap: said.tap.map(|(id, intent)| Tap {
            id: id.to_owned(),
            intent: intent.map(IntentId),
            typed: false,
            answered: true,
        }),
        guess: Guess {
            language: None,
            certainty: 0.0,
        },
        language: Language::EN,
        from: LanguageFrom::Pack,
        mood: Mood {
            score: said.mood,
            ..Mood::default()
        },
    }
}

/// What is said, one message a part.
pub(super) fn texts(decision: &Decision) -> String {
    let texts: Vec<&str> = decision
        .replies
        .iter()
        .map(|spoken| spoken.reply.text())
        .collect();
    texts.join(" | ").replace("\n\n", "+")
}

pub(super) fn intents(decision: &Decision) -> String {
    decision
        .intents
        .iter()
        .map(|found| found.intent.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

pub(super) fn escalated(decision: &Decision) -> bool {
    decision
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Escalate { .. }))
}
