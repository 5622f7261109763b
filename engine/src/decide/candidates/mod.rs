//! From patterns that fit to what the customer wants: which evidence counts, which intent wins, which are too close.

use std::cmp::Ordering;

use crate::language::Language;
use crate::pattern::{Hit, Owner};
use crate::ruleset::{Intent, IntentId, Phrase, Ruleset};
use crate::trace::{CANDIDATES_MAX, CandidateTrace, Outcome, TieBreak};

use super::read::Evidence;

/// Intents that one message may carry.
pub(super) const INTENTS_MAX: usize = 3;
/// Score of an intent whose button was tapped.
const CERTAIN_SCORE: u16 = 1000;

/// Intents that every pack has: they end messages or ask for a person, and no phrase of a pack may take their place.
const BUILT_IN: [&str; 3] = ["stop", "start", "person"];

/// What the customer wants, as far as the evidence tells.
#[derive(Debug, Default)]
pub(super) struct Weighed {
    /// In order of appearance, with thousandths.
    pub(super) intents: Vec<(IntentId, u16)>,
    /// Intents too close to each other to tell which is meant, best first.
    pub(super) rivals: Vec<IntentId>,
    /// Best first.
    pub(super) trace: Vec<CandidateTrace>,
    /// Places of the chosen intents' evidence among the hits.
    pub(super) hits: Vec<usize>,
}

pub(super) fn weigh(rules: &Ruleset, evidence: &Evidence<'_>) -> Weighed {
    if let Some(intent) = evidence.tap.as_ref().and_then(|tap| tap.intent) {
        return tapped(rules, intent);
    }
    let mut candidates = candidates(rules, evidence);
    let groups = settle(rules, &mut candidates);
    choose(candidates, groups)
}

/// An intent whose button was tapped is certain; nothing else is looked at.
fn tapped(rules: &Ruleset, id: IntentId) -> Weighed {
    let trace = rules.intents.get(id.at()).map(|intent| CandidateTrace {
        intent: intent.name.clone(),
        score: CERTAIN_SCORE,
        phrase: format!("button {}", intent.name),
        at: intent.at.clone(),
        start: 0,
        end: 0,
        literals: 0,
        typos: 0,
        outcome: Outcome::Chosen,
    });
    Weighed {
        intents: vec![(id, CERTAIN_SCORE)],
        trace: trace.into_iter().collect(),
        ..Weighed::default()
    }
}

/// One intent with its best evidence.
#[derive(Debug)]
struct Candidate<'a> {
    id: IntentId,
    intent: &'a Intent,
    hit: &'a Hit,
    /// Place of `hit` among the hits.
    place: usize,
    phrase: Option<&'a Phrase>,
    /// The phrase is in the language of the message.
    in_language: bool,
    outcome: Outcome,
}

/// One candidate per intent, best first; those whose evidence an `unless` touches come last.
fn candidates<'a>(rules: &'a Ruleset, evidence: &Evidence<'a>) -> Vec<Candidate<'a>> {
    let hits = evidence.hits;
    let mut exceptions: Vec<&Hit> = hits
        .iter()
        .filter(|hit| matches!(hit.owner, Owner::Unless(_)))
        .collect();
    exceptions.sort_by_key(|hit| hit.owner);
    let mut candidates: Vec<Candidate<'a>> = hits
        .iter()
        .enumerate()
        .filter_map(|(place, hit)| {
            let Owner::Intent(id) = hit.owner else {
                return None;
            };
            let mut candidate = candidate(rules, id, (place, hit), evidence.language)?;
            let from = exceptions.partition_point(|other| other.owner < Owner::Unless(id));
            let mut own = exceptions
                .iter()
                .skip(from)
                .take_while(|other| other.owner == Owner::Unless(id));
            let exception = own.find(|other| touch(other, hit));
            if let Some(phrase) =
                exception.and_then(|other| rules.phrases.get(other.phrase as usize))
            {
                candidate.outcome = Outcome::Unless {
                    phrase: phrase.text.clone(),
                    at: phrase.at.clone(),
                };
            }
            Some(candidate)
        })
        .collect();
    candidates.sort_by(|a, b| {
        a.id.cmp(&b.id)
            .then_with(|| a.is_removed().cmp(&b.is_removed()))
            .then_with(|| order(a, b))
    });
    candidates.dedup_by_key(|candidate| candidate.id);
    candidates.sort_by(|a, b| {
        a.is_removed()
            .cmp(&b.is_removed())
            .then_with(|| order(a, b))
    });
    // Comparing each with each stays cheap even for a pack in which a thousand intents claim one phrase.
    candidates.truncate(CANDIDATES_MAX);
    candidates
}

fn candidate<'a>(
    rules: &'a Ruleset,
    id: IntentId,
    (place, hit): (usize, &'a Hit),
    language: Language,
) -> Option<Candidate<'a>> {
    let phrase = rules.phrases.get(hit.phrase as usize);
    Some(Candidate {
        id,
        intent: rules.intents.get(id.at())?,
        hit,
        place,
        phrase,
        in_language: phrase.is_some_and(|phrase| phrase.language == Some(language)),
        outcome: Outcome::Chosen,
    })
}

impl Candidate<'_> {
    fn priority(&self) -> i32 {
        if BUILT_IN.contains(&self.intent.name.as_str()) {
            i32::MAX
        } else {
            self.intent.priority
        }
    }

    fn is_removed(&self) -> bool {
        matches!(self.outcome, Outcome::Unless { .. })
    }
}

/// Score, literal words, priority, language of the message, place in the pack; then the first evidence in the text.
fn order(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    tie_break(a, b).map_or_else(
        || (a.hit.start, a.place).cmp(&(b.hit.start, b.place)),
        |(order, _)| order,
    )
}

/// The first thing that sets two candidates apart, and which comes first by it.
fn tie_break(a: &Candidate<'_>, b: &Candidate<'_>) -> Option<(Ordering, TieBreak)> {
    [
        (b.hit.score.cmp(&a.hit.score), TieBreak::Score),
        (b.hit.literals.cmp(&a.hit.literals), TieBreak::Literals),
        (b.priority().cmp(&a.priority()), TieBreak::Priority),
        (b.in_language.cmp(&a.in_language), TieBreak::Language),
        (a.id.cmp(&b.id), TieBreak::Place),
    ]
    .into_iter()
    .find(|(order, _)| order.is_ne())
}

/// Two spans have a byte in common; an empty one lies where it stands.
fn touch(a: &Hit, b: &Hit) -> bool {
    a.start < b.end.max(b.start + 1) && b.start < a.end.max(a.start + 1)
}

fn encloses(a: &Hit, b: &Hit) -> bool {
    a.start <= b.start && b.end <= a.end && (a.start, a.end) != (b.start, b.end)
}

/// How an earlier (better) candidate and a later one get along.
enum Clash {
    /// Different parts of the message.
    None,
    Loses(TieBreak),
    Beats(TieBreak),
    Rivals,
}

fn clash(rules: &Ruleset, better: &Candidate<'_>, later: &Candidate<'_>) -> Clash {
    if !touch(better.hit, later.hit) {
        return Clash::None;
    }
    if encloses(better.hit, later.hit) {
        return Clash::Loses(TieBreak::Longer);
    }
    if encloses(later.hit, better.hit) {
        return Clash::Beats(TieBreak::Longer);
    }
    if better.hit.score.saturating_sub(later.hit.score) >= rules.pack.matching.margin {
        return Clash::Loses(tie_break(better, later).map_or(TieBreak::Place, |(_, by)| by));
    }
    // Within the margin the author's word settles it, if there is one; else nobody can know.
    match better.priority().cmp(&later.priority()) {
        Ordering::Greater => Clash::Loses(TieBreak::Priority),
        Ordering::Less => Clash::Beats(TieBreak::Priority),
        Ordering::Equal => Clash::Rivals,
    }
}

/// Puts every candidate in its place; returns groups of those that stand: one alone is clear, several are rivals.
fn settle(rules: &Ruleset, candidates: &mut [Candidate<'_>]) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for later in 0..candidates.len() {
        let Some(candidate) = candidates.get(later) else {
            break;
        };
        if candidate.is_removed() {
            continue;
        }
        let outcome = if candidate.hit.score < rules.pack.matching.accept {
            Outcome::BelowAccept
        } else {
            place(rules, candidates, later, &mut groups)
        };
        if let Some(candidate) = candidates.get_mut(later) {
            candidate.outcome = outcome;
        }
    }
    groups.retain(|group| !group.is_empty());
    groups
}

/// Compares one candidate with all that stand so far.
fn place(
    rules: &Ruleset,
    candidates: &mut [Candidate<'_>],
    later: usize,
    groups: &mut Vec<Vec<usize>>,
) -> Outcome {
    let mut beaten = Vec::new();
    let mut rival = None;
    let Some(candidate) = candidates.get(later) else {
        return Outcome::BelowAccept;
    };
    for (number, group) in groups.iter().enumerate() {
        for &place in group {
            let Some(better) = candidates.get(place) else {
                continue;
            };
            match clash(rules, better, candidate) {
                Clash::None => {}
                Clash::Loses(by) => {
                    return Outcome::Loses {
                        to: better.intent.name.clone(),
                        by,
                    };
                }
                Clash::Beats(by) => beaten.push((place, by)),
                Clash::Rivals => rival = rival.or(Some((number, better.intent.name.clone()))),
            }
        }
    }
    let name = candidate.intent.name.clone();
    for (place, by) in &beaten {
        if let Some(loser) = candidates.get_mut(*place) {
            loser.outcome = Outcome::Loses {
                to: name.clone(),
                by: *by,
            };
        }
    }
    for group in groups.iter_mut() {
        group.retain(|place| !beaten.iter().any(|(loser, _)| loser == place));
    }
    let group = rival.and_then(|(number, with)| Some((groups.get_mut(number)?, with)));
    if let Some((group, with)) = group.filter(|(group, _)| !group.is_empty()) {
        group.push(later);
        return Outcome::Rival { with };
    }
    groups.push(vec![later]);
    Outcome::Chosen
}

/// The best three clear intents in order of appearance, and the rivals of the first group that is not clear.
fn choose(mut candidates: Vec<Candidate<'_>>, groups: Vec<Vec<usize>>) -> Weighed {
    let mut weighed = Weighed::default();
    let mut chosen = Vec::new();
    for group in groups {
        match group.as_slice() {
            [clear] if chosen.len() < INTENTS_MAX => chosen.push(*clear),
            [extra] => set(&mut candidates, *extra, Outcome::TooMany),
            rivals => note_rivals(&mut candidates, rivals, &mut weighed.rivals),
        }
    }
    let mut chosen: Vec<&Candidate<'_>> = chosen
        .iter()
        .filter_map(|place| candidates.get(*place))
        .collect();
    chosen.sort_by_key(|candidate| (candidate.hit.start, candidate.hit.end, candidate.place));
    weighed.intents = chosen
        .iter()
        .map(|candidate| (candidate.id, candidate.hit.score))
        .collect();
    weighed.hits = chosen.iter().map(|candidate| candidate.place).collect();
    weighed.trace = candidates.into_iter().map(trace).collect();
    weighed
}

fn set(candidates: &mut [Candidate<'_>], place: usize, outcome: Outcome) {
    if let Some(candidate) = candidates.get_mut(place) {
        candidate.outcome = outcome;
    }
}

/// The first is marked too: it did not win. Only one question can be asked, so other groups wait for another message.
fn note_rivals(candidates: &mut [Candidate<'_>], group: &[usize], rivals: &mut Vec<IntentId>) {
    if let [first, second, ..] = group
        && let Some(with) = candidates
            .get(*second)
            .map(|candidate| candidate.intent.name.clone())
    {
        set(candidates, *first, Outcome::Rival { with });
    }
    if rivals.is_empty() {
        rivals.extend(
            group
                .iter()
                .take(INTENTS_MAX)
                .filter_map(|place| candidates.get(*place))
                .map(|candidate| candidate.id),
        );
    }
}

fn trace(candidate: Candidate<'_>) -> CandidateTrace {
    CandidateTrace {
        intent: candidate.intent.name.clone(),
        score: candidate.hit.score,
        phrase: candidate
            .phrase
            .map(|phrase| phrase.text.clone())
            .unwrap_or_default(),
        at: candidate
            .phrase
            .map(|phrase| phrase.at.clone())
            .unwrap_or_default(),
        start: candidate.hit.start,
        end: candidate.hit.end,
        literals: candidate.hit.literals,
        typos: candidate.hit.typos,
        outcome: candidate.outcome,
    }
}

#[cfg(test)]
mod tests;
