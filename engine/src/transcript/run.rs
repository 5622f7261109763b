//! Plays conversations against a rule set.

use jiff::{SignedDuration, Timestamp};

use super::compare::{self, Mismatch};
use super::coverage::{self, Coverage};
use super::{Step, Transcript};
use crate::decide::decide;
use crate::decision::{Decision, Effect};
use crate::dialogue::State;
use crate::ruleset::Ruleset;
use crate::source::Location;
use crate::turn::{Consent, Contact, MessageKind, Notification, Owner, Turn};

/// Time between two turns when a test says nothing.
const PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long a message is taken to answer a notification that it does not quote.
const ANSWERED: SignedDuration = SignedDuration::from_hours(72);

/// What running a pack's conversations gave.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the pack's order.
    pub outcomes: Vec<TestOutcome>,
    pub coverage: Coverage,
}

impl Report {
    pub fn failed(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| !outcome.passed())
            .count()
    }
}

/// One conversation, up to its end whatever failed.
#[derive(Clone, Debug)]
pub struct TestOutcome {
    pub name: String,
    pub at: Location,
    pub turns: Vec<TurnOutcome>,
}

impl TestOutcome {
    pub fn passed(&self) -> bool {
        self.turns.iter().all(|turn| turn.mismatches.is_empty())
    }
}

/// One turn: what the customer did, what was decided, and what had been expected otherwise.
#[derive(Clone, Debug)]
pub struct TurnOutcome {
    pub at: Location,
    /// The words of the message, or what it was: `[button balance]`, `[image]`.
    pub said: String,
    pub decision: Decision,
    pub mismatches: Vec<Mismatch>,
}

impl Ruleset {
    /// Runs the pack's conversations whose name holds `filter`, letter case aside, or all of them.
    pub fn run_tests(&self, filter: Option<&str>) -> Report {
        let wanted = filter.map(str::to_lowercase);
        let chosen = |test: &&Transcript| {
            wanted
                .as_ref()
                .is_none_or(|wanted| test.name.to_lowercase().contains(wanted))
        };
        let outcomes: Vec<TestOutcome> = self
            .tests
            .iter()
            .filter(chosen)
            .map(|test| play(self, test))
            .collect();
        let coverage = coverage::of(self, &outcomes);
        Report { outcomes, coverage }
    }

    /// How many conversations the pack holds.
    pub fn test_count(&self) -> usize {
        self.tests.len()
    }
}

/// A conversation as it goes on.
struct Play<'r> {
    rules: &'r Ruleset,
    state: State,
    contact: Contact,
    owner: Owner,
    now: Timestamp,
    /// The latest notification, and when it went out.
    notified: Option<(Notification, Timestamp)>,
    /// Number of the turn; also its seed.
    turn: u64,
}

fn play(rules: &Ruleset, test: &Transcript) -> TestOutcome {
    let zoned = rules
        .pack
        .timezone
        .to_ambiguous_zoned(test.now)
        .compatible();
    let mut play = Play {
        rules,
        state: State {
            fields: test.fields.clone(),
            ..State::default()
        },
        contact: test.contact.clone(),
        owner: test.owner,
        now: zoned.map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp()),
        notified: None,
        turn: 0,
    };
    play.notify(test.notification.as_ref());
    let turns = test.turns.iter().map(|step| play.step(step)).collect();
    TestOutcome {
        name: test.name.clone(),
        at: test.at.clone(),
        turns,
    }
}

impl Play<'_> {
    fn step(&mut self, step: &Step) -> TurnOutcome {
        let pause = if self.turn == 0 {
            SignedDuration::ZERO
        } else {
            PAUSE.max(step.after)
        };
        self.now = self
            .now
            .checked_add(pause.max(step.after))
            .unwrap_or(self.now);
        let arrived = self.now.checked_add(step.late).unwrap_or(self.now);
        self.notify(step.notification.as_ref());
        let text = self.words(step);
        let decision = decide(
            self.rules,
            &self.state,
            &Turn {
                text: &text,
                kind: step.kind,
                button: step.button.as_deref(),
                sent_at: self.now,
                received_at: arrived,
                now: arrived,
                seed: self.turn,
                owner: self.owner,
                contact: &self.contact,
                events: &step.events,
                notification: self.answered(),
            },
        );
        self.now = arrived;
        self.turn += 1;
        self.carry_out(&decision);
        let mismatches = compare::compare(self.rules, &step.expect, &decision, &self.contact);
        TurnOutcome {
            at: step.at.clone(),
            said: said(step),
            decision,
            mismatches,
        }
    }

    fn notify(&mut self, notification: Option<&Notification>) {
        if let Some(notification) = notification {
            self.notified = Some((notification.clone(), self.now));
        }
    }

    /// The notification that a message now is taken to answer.
    fn answered(&self) -> Option<&Notification> {
        let (notification, at) = self.notified.as_ref()?;
        (self.now.duration_since(*at) <= ANSWERED).then_some(notification)
    }

    /// The text of a turn; a tap without one has the title that the customer saw.
    fn words(&self, step: &Step) -> String {
        let title = || {
            let id = step.button.as_ref()?;
            self.rules.buttons.titles.get(id).cloned()
        };
        if step.text.is_empty() {
            title().unwrap_or_default()
        } else {
            step.text.clone()
        }
    }

    /// What the service would do between this turn and the next.
    fn carry_out(&mut self, decision: &Decision) {
        self.state = decision.state.clone();
        for effect in &decision.effects {
            match effect {
                Effect::Escalate { .. } => self.owner = Owner::Waiting,
                Effect::SetContact { field, value } => {
                    self.contact.fields.insert(field.clone(), value.clone());
                }
                Effect::ForgetContact { field } => {
                    self.contact.fields.remove(field);
                }
                Effect::Tag { tag } => {
                    self.contact.tags.insert(tag.clone());
                }
                Effect::Untag { tag } => {
                    self.contact.tags.remove(tag);
                }
                Effect::OptOut { categories } => {
                    self.contact.opted_out |= categories.len() == Consent::ALL.len();
                }
                Effect::OptIn { .. } => self.contact.opted_out = false,
                Effect::Cancel { .. } | Effect::React { .. } | Effect::End => {}
            }
        }
    }
}

fn said(step: &Step) -> String {
    let what = match (&step.button, step.kind) {
        (Some(id), _) => format!("[button {id}]"),
        (None, MessageKind::Text) => String::new(),
        (None, kind) => format!("[{}]", format!("{kind:?}").to_lowercase()),
    };
    [what.as_str(), step.text.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
