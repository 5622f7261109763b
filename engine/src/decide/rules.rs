//! Which rules are tried, in which order, and which of them act.
//!
//! Only rules that some evidence calls up are looked at. For each intent of the message they are tried in order, and the
//! first that holds decides, unless it says `continue`. No rule acts twice in a turn.

use crate::pattern::Owner as PatternOwner;
use crate::ruleset::{Action, Condition, IntentId, Rule, RuleId};
use crate::trace::{RULES_MAX, RuleTrace, Verdict};
use crate::turn::{Event, Owner, Turn};

use super::act::{Acting, Speech};
use super::conditions::{Situation, Trial, any_leaf};

/// Whether the bot may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    Free,
    /// Staff has the conversation, or is about to.
    Owned(Owner),
    /// The message is too old to be answered as fresh.
    Late,
}

impl Voice {
    pub(super) fn of(turn: &Turn<'_>, events: &[Event]) -> Self {
        match turn.owner {
            Owner::Bot if events.contains(&Event::StaleMessage) => Self::Late,
            Owner::Bot => Self::Free,
            owner => Self::Owned(owner),
        }
    }

    pub(super) fn is_free(self) -> bool {
        self == Self::Free
    }

    /// What the trace says of a turn in which the bot holds back.
    pub(super) fn note(self, turn: &Turn<'_>) -> Option<String> {
        match self {
            Self::Free => None,
            Self::Owned(Owner::Waiting) => {
                Some("waits for staff: decided without replying".to_owned())
            }
            Self::Owned(_) => {
                Some("a member of staff answers: decided without replying".to_owned())
            }
            Self::Late => {
                let late = turn.received_at.duration_since(turn.sent_at).as_mins();
                Some(format!(
                    "arrived {late} minutes after it was sent: not answered as fresh"
                ))
            }
        }
    }

    /// A confirmation that no more messages come is owed under any owner; nothing else is said beside a member of staff.
    fn speech(self, rule: &Rule) -> Speech {
        let confirms = rule
            .then
            .iter()
            .any(|action| matches!(action, Action::OptOut(_)));
        match self {
            Self::Owned(_) if !confirms => Speech::Withheld,
            _ => Speech::Said,
        }
    }

    /// Why `rule` may not act now. Whether someone may be written to at all is always listened to, whoever answers and
    /// however late; a late message is otherwise left to rules about late messages.
    fn holds_back(self, rule: &Rule) -> Option<&'static str> {
        let consents = rule
            .then
            .iter()
            .any(|action| matches!(action, Action::OptOut(_) | Action::OptIn(_)));
        let late = || {
            any_leaf(&rule.when, &|leaf| {
                matches!(leaf, Condition::Event(Event::StaleMessage))
            })
        };
        match self {
            Self::Free => None,
            _ if consents => None,
            Self::Owned(Owner::Waiting) => Some("the conversation waits for staff"),
            Self::Owned(_) => Some("a member of staff has the conversation"),
            Self::Late => (!late()).then_some("the message is too old to be answered as fresh"),
        }
    }
}

/// What trying the rules came to.
#[derive(Debug)]
pub(super) struct Tried {
    pub(super) trace: Vec<RuleTrace>,
    /// A rule decided that would have whatever the customer wanted.
    pub(super) decided_without_intent: bool,
    /// A rule decided by what was said, though no intent was found.
    pub(super) decided_by_words: bool,
}

pub(super) fn run(situation: &Situation<'_>, voice: Voice, acting: &mut Acting<'_>) -> Tried {
    let called = called_up(situation);
    let tried = Tried {
        trace: Vec::new(),
        decided_without_intent: false,
        decided_by_words: false,
    };
    let mut run = Run {
        situation,
        voice,
        acting,
        acted: Vec::new(),
        tried,
    };
    if situation.intents.is_empty() {
        run.search(&called, None);
    }
    for (intent, _) in situation.intents {
        run.search(&called, Some(*intent));
    }
    let traced = run.tried.trace.len();
    if traced >= RULES_MAX {
        run.acting
            .notes
            .push("more rules were called up than are listed".to_owned());
    }
    run.tried
}

/// The rules that something about the turn calls up, in the order in which they are tried.
fn called_up(situation: &Situation<'_>) -> Vec<RuleId> {
    let index = &situation.rules.index;
    let evidence = situation.evidence;
    let mut called = index.always.clone();
    let mut add = |list: Option<&Vec<RuleId>>| called.extend(list.into_iter().flatten().copied());
    for (intent, _) in situation.intents {
        add(index.by_intent.get(intent));
    }
    for hit in evidence.hits {
        if let PatternOwner::Rule(pattern) = hit.owner {
            add(index.by_pattern.get(&pattern));
        }
    }
    for entity in &evidence.entities {
        add(index.by_entity.get(&entity.name));
    }
    if let Some(tap) = &evidence.tap {
        add(index.by_button.get(&tap.id));
    }
    add(index.by_message.get(&situation.turn.kind));
    if let Some(told) = situation.notification {
        add(index.by_notification.get(&told.template.name));
        add(Some(&index.any_notification));
    }
    for event in situation.events {
        add(index.by_event.get(event));
    }
    if situation.not_understood.is_some() {
        add(Some(&index.not_understood));
    }
    // A rule of this very turn may opt the contact out, and those that wait for it come after it.
    let opts_out = |id: &RuleId| {
        let rule = situation.rules.rules.get(id.at());
        rule.is_some_and(|rule| {
            rule.then
                .iter()
                .any(|action| matches!(action, Action::OptOut(_)))
        })
    };
    if called.iter().any(opts_out) {
        called.extend(
            index
                .by_event
                .get(&Event::OptedOut)
                .into_iter()
                .flatten()
                .copied(),
        );
    }
    called.sort_unstable();
    called.dedup();
    called
}

struct Run<'r, 'a> {
    situation: &'r Situation<'r>,
    voice: Voice,
    acting: &'r mut Acting<'a>,
    /// Rules that have acted, and whether they ended the search.
    acted: Vec<(RuleId, bool)>,
    tried: Tried,
}

impl Run<'_, '_> {
    /// Tries the rules for one intent of the message, or for a message without any.
    fn search(&mut self, called: &[RuleId], focus: Option<IntentId>) {
        let rules = self.situation.rules;
        let mut decided = false;
        let mut noticed = false;
        for id in called {
            let Some(rule) = rules.rules.get(id.at()) else {
                continue;
            };
            if decided && (noticed || !self.notices_opting_out(rule)) {
                self.note(rule, focus, Verdict::NotReached);
                continue;
            }
            let ended = self.attempt(*id, rule, focus);
            noticed |= decided && ended;
            decided |= ended;
        }
    }

    /// The built-in rule that opts a contact out decides before any rule of the pack: those that wait for the event are
    /// tried all the same.
    fn notices_opting_out(&self, rule: &Rule) -> bool {
        let waits = |leaf: &Condition| matches!(leaf, Condition::Event(Event::OptedOut));
        self.acting.facts().opted_out && any_leaf(&rule.when, &waits)
    }

    /// Tries one rule; `true` when it decides.
    fn attempt(&mut self, id: RuleId, rule: &Rule, focus: Option<IntentId>) -> bool {
        let trial = Trial::new(self.situation, self.acting.facts(), focus, &rule.when);
        if !trial.holds(&rule.when) {
            // A rule for another intent of the message is tried for that one.
            let elsewhere =
                !trial.names_focus && focus.is_some() && any_leaf(&rule.when, &names_an_intent);
            if !elsewhere && self.tried.trace.len() < RULES_MAX {
                let verdict = Verdict::Fails {
                    why: trial.why_not(&rule.when),
                };
                self.note(rule, focus, verdict);
            }
            return false;
        }
        if let Some(back) = self.voice.holds_back(rule) {
            self.note(
                rule,
                focus,
                Verdict::Held {
                    back: back.to_owned(),
                },
            );
            return false;
        }
        if let Some((_, ended)) = self.acted.iter().find(|(acted, _)| *acted == id) {
            let ended = *ended;
            self.note(rule, focus, Verdict::ActedBefore);
            return ended;
        }
        let names_focus = trial.names_focus;
        self.acting.act(rule, self.voice.speech(rule));
        self.acted.push((id, !rule.goes_on));
        let verdict = if rule.goes_on {
            Verdict::Added
        } else {
            Verdict::Decided
        };
        self.note(rule, focus, verdict);
        if !rule.goes_on {
            self.tried.decided_without_intent |= !names_focus;
            self.tried.decided_by_words |= any_leaf(&rule.when, &speaks);
        }
        !rule.goes_on
    }

    /// Lists a rule; all that acted are listed, of the others only as many as a trace can hold.
    fn note(&mut self, rule: &Rule, focus: Option<IntentId>, verdict: Verdict) {
        if self.tried.trace.len() >= RULES_MAX && !verdict.acted() {
            return;
        }
        let intent = focus.and_then(|id| self.situation.rules.intents.get(id.at()));
        self.tried.trace.push(RuleTrace {
            name: rule.name.clone(),
            at: rule.at.clone(),
            intent: intent.map(|intent| intent.name.clone()),
            verdict,
        });
    }
}

fn names_an_intent(leaf: &Condition) -> bool {
    matches!(leaf, Condition::Intent(_))
}

/// Conditions about what was said or tapped: a rule that decides by one has understood the message.
fn speaks(leaf: &Condition) -> bool {
    matches!(
        leaf,
        Condition::Pattern(_) | Condition::Entity { .. } | Condition::Button(_)
    )
}
