//! Which intents evidence speaks for, and what breaks ties.

#![expect(clippy::panic, reason = "tests stop at the first surprise")]

use super::*;
use crate::decide::fixture::{Said, evidence, hit, owned_by, ruleset};

/// The chosen intents, the rivals, and what became of each candidate.
fn weighed(priorities: [i32; 4], hits: &[Hit]) -> (String, String, Vec<(String, Outcome)>) {
    let rules = ruleset(priorities, Vec::new());
    let said = Said {
        hits: hits.to_vec(),
        ..Said::default()
    };
    let weighed = weigh(&rules, &evidence(&said));
    let name = |id: &IntentId| rules.intents[id.at()].name.clone();
    (
        weighed
            .intents
            .iter()
            .map(|(id, _)| name(id))
            .collect::<Vec<_>>()
            .join(" "),
        weighed
            .rivals
            .iter()
            .map(name)
            .collect::<Vec<_>>()
            .join(" "),
        weighed
            .trace
            .into_iter()
            .map(|candidate| (candidate.intent, candidate.outcome))
            .collect(),
    )
}

#[track_caller]
fn check(hits: &[Hit], intents: &str, rivals: &str) {
    let (found, close, _) = weighed([0; 4], hits);
    assert_eq!((found.as_str(), close.as_str()), (intents, rivals));
}

fn loses(hits: &[Hit], priorities: [i32; 4]) -> Vec<(String, TieBreak)> {
    let (_, _, trace) = weighed(priorities, hits);
    let losers = trace
        .into_iter()
        .filter_map(|(intent, outcome)| match outcome {
            Outcome::Loses { by, .. } => Some((intent, by)),
            _ => None,
        });
    losers.collect()
}

#[test]
fn nothing_below_accept_is_chosen() {
    check(&[], "", "");
    check(&[hit(0, (0, 5), 599, 1)], "", "");
    check(&[hit(0, (0, 5), 600, 1)], "a", "");
}

#[test]
fn disjoint_evidence_is_several_intents_in_order_of_appearance() {
    check(&[hit(1, (0, 5), 700, 1), hit(0, (6, 9), 900, 1)], "b a", "");
    // Touching without a byte in common is disjoint.
    check(&[hit(1, (0, 6), 700, 1), hit(0, (6, 9), 900, 1)], "b a", "");
    // Four: the best three.
    let four = [
        hit(0, (0, 5), 700, 1),
        hit(1, (6, 9), 900, 1),
        hit(2, (10, 12), 800, 1),
        hit(3, (13, 15), 750, 1),
    ];
    check(&four, "b c d", "");
    assert!(
        weighed([0; 4], &four)
            .2
            .contains(&("a".to_owned(), Outcome::TooMany))
    );
}

#[test]
fn of_nested_evidence_the_longest_wins() {
    let nested = [hit(0, (0, 20), 700, 2), hit(1, (4, 9), 950, 1)];
    check(&nested, "a", "");
    assert_eq!(loses(&nested, [0; 4]), [("b".to_owned(), TieBreak::Longer)]);
    assert_eq!(
        loses(&nested, [0, 9, 0, 0]),
        [("b".to_owned(), TieBreak::Longer)]
    );
    // The longest is below accept: it is not there.
    check(&[hit(0, (0, 20), 500, 2), hit(1, (4, 9), 950, 1)], "b", "");
    // One long against two short ones.
    check(
        &[
            hit(0, (0, 20), 700, 2),
            hit(1, (0, 9), 950, 1),
            hit(2, (11, 20), 900, 1),
        ],
        "a",
        "",
    );
}

#[test]
fn overlap_within_the_margin_rivals_and_beyond_it_loses() {
    check(
        &[hit(0, (0, 9), 900, 1), hit(1, (4, 12), 821, 1)],
        "",
        "a b",
    );
    check(&[hit(0, (0, 9), 900, 1), hit(1, (4, 12), 820, 1)], "a", "");
    check(
        &[
            hit(0, (0, 9), 900, 1),
            hit(1, (0, 9), 900, 2),
            hit(2, (0, 9), 880, 1),
            hit(3, (0, 9), 870, 1),
        ],
        "",
        "b a c",
    );
    assert_eq!(
        loses(&[hit(0, (0, 9), 900, 1), hit(1, (4, 12), 820, 1)], [0; 4]),
        [("b".to_owned(), TieBreak::Score)]
    );
    let (_, _, trace) = weighed([0; 4], &[hit(0, (0, 9), 900, 1), hit(1, (4, 12), 850, 1)]);
    let rival = |with: &str| Outcome::Rival {
        with: with.to_owned(),
    };
    assert_eq!(
        trace,
        [("a".to_owned(), rival("b")), ("b".to_owned(), rival("a"))]
    );
    // A clear intent beside rivals.
    check(
        &[
            hit(0, (0, 9), 900, 1),
            hit(1, (4, 12), 850, 1),
            hit(2, (20, 25), 700, 1),
        ],
        "c",
        "a b",
    );
}

#[test]
fn priority_settles_what_would_be_rivalry() {
    let hits = [hit(0, (0, 9), 900, 1), hit(1, (4, 12), 850, 1)];
    assert_eq!(weighed([0, 1, 0, 0], &hits).0, "b");
    assert_eq!(
        loses(&hits, [0, 1, 0, 0]),
        [("a".to_owned(), TieBreak::Priority)]
    );
    assert_eq!(weighed([1, 0, 0, 0], &hits).0, "a");
}

#[test]
fn no_phrase_of_a_pack_takes_the_place_of_stop() {
    let mut rules = ruleset([0, 1000, 0, 0], Vec::new());
    rules.intents[0].name = "stop".to_owned();
    let said = Said {
        hits: vec![hit(0, (0, 4), 1000, 1), hit(1, (0, 4), 1000, 1)],
        ..Said::default()
    };
    assert_eq!(
        weigh(&rules, &evidence(&said)).intents,
        [(IntentId(0), 1000)]
    );
}

#[test]
fn without_a_margin_ties_are_broken_in_order() {
    let by = |first: Hit, second: Hit, priorities: [i32; 4]| {
        let mut rules = ruleset(priorities, Vec::new());
        rules.pack.matching.margin = 0;
        let said = Said {
            hits: vec![first, second],
            ..Said::default()
        };
        let trace = weigh(&rules, &evidence(&said)).trace;
        match &trace[1].outcome {
            Outcome::Loses { to, by } => (to.clone(), *by),
            other => panic!("{other:?}"),
        }
    };
    let same = |number: u32, score: u16, literals: u16| hit(number, (0, 9), score, literals);
    assert_eq!(
        by(same(0, 900, 1), same(1, 901, 1), [0; 4]),
        ("b".to_owned(), TieBreak::Score)
    );
    assert_eq!(
        by(same(0, 900, 1), same(1, 900, 2), [0; 4]),
        ("b".to_owned(), TieBreak::Literals)
    );
    assert_eq!(
        by(same(0, 900, 1), same(1, 900, 1), [0, 1, 0, 0]),
        ("b".to_owned(), TieBreak::Priority)
    );
    // The phrase of `d` is Sesotho, the message English.
    assert_eq!(
        by(same(3, 900, 1), same(2, 900, 1), [0; 4]),
        ("c".to_owned(), TieBreak::Language)
    );
    assert_eq!(
        by(same(1, 900, 1), same(0, 900, 1), [0; 4]),
        ("a".to_owned(), TieBreak::Place)
    );
}

#[test]
fn unless_removes_the_evidence_it_touches_and_not_the_intent() {
    let unless = |number: u32, span: (u32, u32)| {
        owned_by(Owner::Unless(IntentId(number)), hit(number, span, 900, 1))
    };
    check(&[hit(0, (0, 5), 900, 1), unless(0, (4, 12))], "", "");
    check(&[hit(0, (0, 5), 900, 1), unless(0, (5, 12))], "a", "");
    check(&[hit(0, (0, 5), 900, 1), unless(1, (0, 12))], "a", "");
    check(
        &[
            hit(0, (0, 5), 900, 1),
            hit(0, (20, 25), 700, 1),
            unless(0, (4, 12)),
        ],
        "a",
        "",
    );
    let (_, _, trace) = weighed([0; 4], &[hit(0, (0, 5), 900, 1), unless(0, (0, 12))]);
    assert!(matches!(&trace[0].1, Outcome::Unless { phrase, .. } if phrase == "phrase of a"));
}

#[test]
fn the_best_evidence_of_an_intent_speaks_for_it() {
    let rules = ruleset([0; 4], Vec::new());
    let said = Said {
        hits: vec![hit(0, (0, 5), 700, 1), hit(0, (9, 12), 900, 1)],
        ..Said::default()
    };
    let weighed = weigh(&rules, &evidence(&said));
    assert_eq!(
        (weighed.trace.len(), weighed.trace[0].start, weighed.hits),
        (1, 9, vec![1])
    );
}

#[test]
fn a_thousand_equal_claims_are_settled_quickly() {
    let mut rules = ruleset([0; 4], Vec::new());
    let intent = rules.intents[0].clone();
    rules.intents.resize(1000, intent);
    let said = Said {
        hits: (0..1000)
            .map(|number| hit(number, (0, 9), 900, 1))
            .collect(),
        ..Said::default()
    };
    let weighed = weigh(&rules, &evidence(&said));
    assert_eq!(
        (
            weighed.trace.len(),
            weighed.rivals.len(),
            weighed.intents.len()
        ),
        (CANDIDATES_MAX, INTENTS_MAX, 0)
    );
}
