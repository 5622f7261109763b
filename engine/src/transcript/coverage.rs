//! What a pack's conversations have reached, and what not.

use std::collections::{BTreeSet, HashSet};

use super::run::TestOutcome;
use crate::language::Language;
use crate::ruleset::Ruleset;
use crate::source::Location;

/// Every rule and response of the pack, in its order, with whether some conversation has reached it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Rules that acted.
    pub rules: Vec<Covered>,
    /// Responses that were said; a text that stands in a rule goes by its rule.
    pub responses: Vec<Covered>,
    /// The pack's languages, with whether a customer was answered in them.
    pub languages: Vec<(Language, bool)>,
}

/// A thing of the pack that a conversation can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Covered {
    pub name: String,
    pub at: Location,
    pub reached: bool,
    /// Of a response: the languages it has in which nobody was answered with it.
    pub missing: Vec<Language>,
}

pub(super) fn of(rules: &Ruleset, outcomes: &[TestOutcome]) -> Coverage {
    let decisions = || {
        outcomes
            .iter()
            .flat_map(|outcome| &outcome.turns)
            .map(|turn| &turn.decision)
    };
    let acted: HashSet<(&str, &Location)> = decisions()
        .flat_map(|decision| &decision.rules)
        .map(|rule| (rule.name.as_str(), &rule.at))
        .collect();
    let said: BTreeSet<(&str, Language)> = decisions()
        .flat_map(|decision| &decision.replies)
        .flat_map(|spoken| {
            spoken
                .responses
                .iter()
                .map(|name| (name.as_str(), spoken.language))
        })
        .collect();
    let spoken: BTreeSet<Language> = decisions()
        .flat_map(|decision| &decision.replies)
        .map(|spoken| spoken.language)
        .collect();
    let mut covered: Vec<Covered> = rules
        .rules
        .iter()
        .map(|rule| Covered {
            name: rule.name.clone(),
            at: rule.at.clone(),
            reached: acted.contains(&(rule.name.as_str(), &rule.at)),
            missing: Vec::new(),
        })
        .collect();
    covered.sort_by(|a, b| a.at.cmp(&b.at));
    Coverage {
        rules: covered,
        responses: responses(rules, &said),
        languages: rules
            .pack
            .languages
            .iter()
            .map(|language| (*language, spoken.contains(language)))
            .collect(),
    }
}

/// Named responses, each with the languages in which none was `said`.
fn responses(rules: &Ruleset, said: &BTreeSet<(&str, Language)>) -> Vec<Covered> {
    let named = rules
        .responses
        .iter()
        .filter(|response| !response.name.is_empty());
    let covered = named.map(|response| {
        let unsaid = |language: &&Language| !said.contains(&(response.name.as_str(), **language));
        let missing: Vec<Language> = response.languages.keys().filter(unsaid).copied().collect();
        Covered {
            name: response.name.clone(),
            at: response.at.clone(),
            reached: missing.len() < response.languages.len(),
            missing,
        }
    });
    covered.collect()
}
