//! The one function that answers a turn.
//!
//! ```text
//! turn ──read──▶ evidence ──candidates──▶ intents, rivals ──rules──▶ what may act ──act──▶ replies, state, effects
//! ```
//!
//! Each arrow is a file of this folder. Buffers are kept per thread so that reading allocates little; they are cleared
//! before each use and carry nothing from one turn to the next.

mod act;
mod ambiguity;
mod candidates;
mod conditions;
mod read;
mod rules;

use std::cell::RefCell;

use jiff::SignedDuration;

use crate::decision::{Decision, IntentMatch, RuleRef};
use crate::dialogue::State;
use crate::respond::Told;
use crate::ruleset::Ruleset;
use crate::trace::RuleTrace;
use crate::turn::{Event, MessageKind, Turn};
use act::Acting;
use candidates::Weighed;
use conditions::Situation;
pub(crate) use conditions::label_holds;
use read::{Buffers, Evidence};
use rules::{Tried, Voice};

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}

/// Answers one turn. Total and deterministic: the same rules, state and turn give the same decision for ever.
pub fn decide(rules: &Ruleset, state: &State, turn: &Turn<'_>) -> Decision {
    let kept = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.try_borrow_mut().ok()?;
        Some(answer(
            rules,
            state,
            turn,
            read::read(rules, state, turn, &mut buffers),
        ))
    });
    // Only a thread that is being torn down has no buffers any more.
    kept.ok().flatten().unwrap_or_else(|| {
        answer(
            rules,
            state,
            turn,
            read::read(rules, state, turn, &mut Buffers::default()),
        )
    })
}

/// What the evidence leads to.
fn answer(rules: &Ruleset, state: &State, turn: &Turn<'_>, mut evidence: Evidence<'_>) -> Decision {
    let mut state = state.clone();
    let events = take_in(rules, &mut state, turn, &evidence);
    let voice = Voice::of(turn, &events);
    let weighed = candidates::weigh(rules, &evidence);
    name_captures(rules, &mut evidence, &weighed);
    let situation = Situation {
        rules,
        turn,
        evidence: &evidence,
        intents: &weighed.intents,
        falling: evidence.mood.score.is_some() && state.is_falling(),
        not_understood: is_without_intent(turn, &evidence, &weighed)
            .then(|| state.not_understood.saturating_add(1)),
        events: &events,
        notification: turn
            .notification
            .and_then(|notification| Told::of(&rules.templates, notification)),
    };
    let mut acting = Acting::new(&situation, state);
    let tried = rules::run(&situation, voice, &mut acting);
    if voice.is_free() && !weighed.rivals.is_empty() && !tried.decided_without_intent {
        acting.say(ambiguity::question(
            rules,
            &weighed.rivals,
            evidence.language,
        ));
        acting
            .notes
            .push("two or more intents were too close to tell: asked which is meant".to_owned());
    }
    if voice.is_free() {
        count_understanding(
            &mut acting.state,
            situation.not_understood,
            &weighed,
            &tried,
        );
    }
    acting.notes.extend(voice.note(turn));
    let mut decision = acting.finish();
    decision.rules = acted(&tried.trace);
    decision.trace.rules = tried.trace;
    explain(rules, decision, weighed, evidence)
}

/// Adds to the state what the message says besides its wishes; returns what happened with it.
fn take_in(
    rules: &Ruleset,
    state: &mut State,
    turn: &Turn<'_>,
    evidence: &Evidence<'_>,
) -> Vec<Event> {
    let mut events = turn.events.to_vec();
    if state.hear(
        turn.sent_at,
        SignedDuration::from_mins(rules.pack.idle_minutes),
    ) {
        events.push(Event::NewConversation);
    }
    if turn.received_at.duration_since(turn.sent_at)
        > SignedDuration::from_mins(rules.pack.stale_after_minutes)
    {
        events.push(Event::StaleMessage);
    }
    if turn.kind == MessageKind::Unsupported {
        events.push(Event::Unsupported);
    }
    if events.contains(&Event::ReturnedByStaff) {
        state.not_understood = 0;
    }
    state.language = evidence.certain().or(state.language);
    state.feel(evidence.mood.score);
    events
}

/// Values captured under names of their own count only where the pattern that captured them does.
fn name_captures(rules: &Ruleset, evidence: &mut Evidence<'_>, weighed: &Weighed) {
    let hits = evidence.hits;
    for (place, hit) in hits.iter().enumerate() {
        let counts =
            matches!(hit.owner, crate::pattern::Owner::Rule(_)) || weighed.hits.contains(&place);
        if counts && !hit.captures.is_empty() {
            evidence.capture(rules, hit);
        }
    }
}

/// A message in words that says no intent, not even one of several. Taps on buttons that the pack knows, and messages without
/// words, are never misunderstood.
fn is_without_intent(turn: &Turn<'_>, evidence: &Evidence<'_>, weighed: &Weighed) -> bool {
    let in_words = matches!(turn.kind, MessageKind::Text | MessageKind::Button);
    let answered = evidence.tap.as_ref().is_some_and(|tap| tap.answered);
    in_words && !answered && weighed.intents.is_empty() && weighed.rivals.is_empty()
}

fn count_understanding(
    state: &mut State,
    not_understood: Option<u32>,
    weighed: &Weighed,
    tried: &Tried,
) {
    match not_understood {
        Some(count) if !tried.decided_by_words => state.not_understood = count,
        Some(_) => state.not_understood = 0,
        None if !weighed.intents.is_empty() || tried.decided_by_words => state.not_understood = 0,
        // A picture, or the question which is meant: neither understood nor not.
        None => {}
    }
}

fn acted(trace: &[RuleTrace]) -> Vec<RuleRef> {
    let acted = trace.iter().filter(|rule| rule.verdict.acted());
    acted
        .map(|rule| RuleRef {
            name: rule.name.clone(),
            at: rule.at.clone(),
        })
        .collect()
}

/// Puts the evidence into the decision.
fn explain(
    rules: &Ruleset,
    mut decision: Decision,
    weighed: Weighed,
    evidence: Evidence<'_>,
) -> Decision {
    decision.trace.language = evidence.language_trace();
    decision.trace.candidates = weighed.trace;
    let named = |(id, score): &(crate::ruleset::IntentId, u16)| {
        let intent = rules.intents.get(id.at())?;
        Some(IntentMatch {
            intent: intent.name.clone(),
            score: *score,
        })
    };
    decision.intents = weighed.intents.iter().filter_map(named).collect();
    if let Some(tap) = evidence.tap.filter(|tap| tap.typed) {
        decision.trace.notes.push(format!(
            "the title of button {} was typed, or its id is no longer known",
            tap.id
        ));
    }
    decision.mood = evidence.mood;
    decision.entities = evidence.entities;
    decision
}

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod whole;
