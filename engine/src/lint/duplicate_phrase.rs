//! Phrases that two intents claim: every such message is ambiguous.

use std::collections::HashMap;

use super::Facts;
use crate::diagnostic::Diagnostics;
use crate::ruleset::IntentId;
use crate::source::Span;

pub(super) fn check(facts: &Facts<'_>, diagnostics: &mut Diagnostics) {
    let mut claims: HashMap<String, (IntentId, Span)> = HashMap::with_capacity(facts.phrases.len());
    for (phrase, origin) in &facts.phrases {
        let Some(intent) = origin.intent else {
            continue;
        };
        // Only what is the same but for capitals and blanks; patterns that overlap are another matter.
        let same = if origin.regex {
            format!("regex {}", phrase.text)
        } else {
            bare(&phrase.text)
        };
        match claims.entry(same) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((intent, origin.at));
            }
            std::collections::hash_map::Entry::Occupied(claim) => {
                let (first, at) = *claim.get();
                if first != intent {
                    let name =
                        |id: IntentId| facts.intents.get(id.at()).map_or("", |(name, ..)| *name);
                    diagnostics.duplicate_phrase(
                        origin.at,
                        (&phrase.text, name(intent)),
                        (at, name(first)),
                    );
                }
            }
        }
    }
}

fn bare(text: &str) -> String {
    text.split_whitespace()
        .map(str::to_lowercase)
        .collect::<Vec<_>>()
        .join(" ")
}
