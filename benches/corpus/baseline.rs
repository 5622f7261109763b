//! What the matcher is measured against: Aho-Corasick over all phrases written out, and for wildcards and expressions
//! the rarest literal, then the regular expression. The usual shape of a fast keyword matcher; it knows neither typos
//! nor word forms.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;

use super::Intent;

pub struct Baseline {
    literals: AhoCorasick,
    /// For each literal: intents, with the expression that must match too.
    candidates: Vec<Vec<(u32, Option<Regex>)>>,
}

impl Baseline {
    pub fn new(intents: &[Intent]) -> Self {
        let mut uses: HashMap<String, usize> = HashMap::new();
        for word in intents.iter().flat_map(|intent| letters(&intent.regex)) {
            *uses.entry(word.to_owned()).or_default() += 1;
        }
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut candidates: Vec<Vec<(u32, Option<Regex>)>> = Vec::new();
        let mut add = |literal: String, intent: usize, expression: Option<String>| {
            let next = candidates.len();
            let place = *places.entry(literal).or_insert(next);
            candidates.resize_with(candidates.len().max(place + 1), Vec::new);
            let regex = expression.map(|text| {
                Regex::new(&format!("(?i){text}"))
                    .unwrap_or_else(|error| unreachable!("expressions of a bench: {error}"))
            });
            candidates[place].push((u32::try_from(intent).unwrap_or(u32::MAX), regex));
        };
        for (intent, Intent { phrases, regex }) in intents.iter().enumerate() {
            for phrase in phrases {
                match phrase.split_once(" * ") {
                    Some((first, last)) => {
                        let expression = format!(r"\b{first}(?:\W+\w+){{0,4}}\W+{last}\b");
                        add(last.to_owned(), intent, Some(expression));
                    }
                    None => written_out(phrase)
                        .into_iter()
                        .for_each(|text| add(text, intent, None)),
                }
            }
            let rarest = letters(regex).min_by_key(|word| uses.get(*word).copied().unwrap_or(0));
            add(rarest.unwrap_or("").to_owned(), intent, Some(regex.clone()));
        }
        let mut literals = vec![String::new(); candidates.len()];
        for (literal, place) in places {
            literals[place] = literal;
        }
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(&literals)
            .unwrap_or_else(|error| unreachable!("literals of a bench: {error}"));
        Self {
            literals,
            candidates,
        }
    }

    pub fn hits(&self, text: &str, hits: &mut Vec<u32>) {
        hits.clear();
        let inside = |at: usize| {
            text.as_bytes()
                .get(at)
                .is_some_and(u8::is_ascii_alphanumeric)
        };
        for found in self.literals.find_overlapping_iter(text) {
            if found.start() > 0 && inside(found.start() - 1) || inside(found.end()) {
                continue;
            }
            for (intent, regex) in &self.candidates[found.pattern().as_usize()] {
                if regex.as_ref().is_none_or(|regex| regex.is_match(text)) {
                    hits.push(*intent);
                }
            }
        }
    }
}

/// The runs of letters of an expression that are words of the corpus.
fn letters(expression: &str) -> impl Iterator<Item = &str> {
    let runs = expression.split(|c: char| !c.is_ascii_lowercase());
    runs.map(|run| {
        run.strip_prefix('b')
            .filter(|_| expression.contains(&format!(r"\{run}")))
            .unwrap_or(run)
    })
    .filter(|run| run.len() > 3)
}

/// A phrase without wildcard, in every way to read it.
fn written_out(phrase: &str) -> Vec<String> {
    let mut texts = vec![String::new()];
    for word in phrase.split(' ') {
        let inside = word
            .trim_start_matches(['(', '['])
            .trim_end_matches([')', ']', '~']);
        let mut next = Vec::new();
        for text in &texts {
            next.extend(
                inside
                    .split('|')
                    .map(|word| format!("{text} {word}").trim_start().to_owned()),
            );
        }
        if word.starts_with('[') {
            next.append(&mut texts);
        }
        texts = next;
    }
    texts
}
