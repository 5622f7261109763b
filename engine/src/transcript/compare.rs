//! Holds a decision against what a test expects of it.

use super::{EscalateTest, Expectation, Expected, MoodTest};
use crate::decide::label_holds;
use crate::decision::{Decision, Effect, Spoken};
use crate::ruleset::Ruleset;
use crate::sentiment::{Label, Mood};
use crate::source::Location;
use crate::turn::{Consent, Contact};

/// Something that was expected and did not come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Where the expectation stands.
    pub at: Location,
    /// The key of the expectation: `intent`, `reply`, `entities.area` …
    pub what: String,
    pub expected: String,
    pub got: String,
}

/// `contact` is as the turn has left it.
pub(super) fn compare(
    rules: &Ruleset,
    expected: &[Expected],
    decision: &Decision,
    contact: &Contact,
) -> Vec<Mismatch> {
    let mismatch = |expected: &Expected| {
        let (what, wanted, got) = differs(rules, &expected.what, decision, contact)?;
        Some(Mismatch {
            at: expected.at.clone(),
            what,
            expected: wanted,
            got,
        })
    };
    expected.iter().filter_map(mismatch).collect()
}

type Difference = Option<(String, String, String)>;

fn differs(
    rules: &Ruleset,
    expectation: &Expectation,
    decision: &Decision,
    contact: &Contact,
) -> Difference {
    match expectation {
        Expectation::Intent(name) => intent(rules, name.as_deref(), &names(decision)),
        Expectation::Intents(expected) => {
            let got = names(decision);
            (got != *expected).then(|| ("intents".to_owned(), listed(expected), listed(&got)))
        }
        Expectation::Language(language) => unequal(
            "language",
            Some(language.as_str()),
            Some(decision.language.as_str()),
        ),
        Expectation::Mood(test) => mood(test, &decision.mood),
        Expectation::Entity { name, value } => {
            let found = decision.entities.iter().find(|entity| entity.name == *name);
            let got = found.map(|entity| entity.value.as_str());
            unequal(&format!("entities.{name}"), value.as_deref(), got)
        }
        Expectation::Reply(expected) => reply(rules, expected, &decision.replies),
        Expectation::Silent(expected) => silent(*expected, &decision.replies),
        Expectation::Escalate(test) => escalate(test, &decision.effects),
        Expectation::Rule(name) => {
            let got: Vec<&str> = decision
                .rules
                .iter()
                .map(|rule| rule.name.as_str())
                .collect();
            (!got.contains(&name.as_str())).then(|| ("rule".to_owned(), name.clone(), listed(&got)))
        }
        Expectation::OptOut(expected) => {
            consents("opt_out", expected, decision, |effect| match effect {
                Effect::OptOut { categories } => categories,
                _ => &[],
            })
        }
        Expectation::OptIn(expected) => {
            consents("opt_in", expected, decision, |effect| match effect {
                Effect::OptIn { categories } => categories,
                _ => &[],
            })
        }
        Expectation::Cancel(expected) => cancelled(expected, decision),
        Expectation::Tags(tags) => {
            let got: Vec<&String> = contact.tags.iter().collect();
            let all = tags.iter().all(|tag| contact.tags.contains(tag));
            (!all).then(|| ("tags".to_owned(), listed(tags), listed(&got)))
        }
        Expectation::Contact { field, value } => {
            let got = contact.fields.get(field).map(String::as_str);
            unequal(&format!("contact.{field}"), value.as_deref(), got)
        }
        Expectation::Conversation { field, value } => {
            let got = decision.state.fields.get(field).map(String::as_str);
            unequal(&format!("conversation.{field}"), value.as_deref(), got)
        }
    }
}

/// Compares what is opted out of or in to, whatever the order.
fn consents(
    what: &str,
    expected: &[Consent],
    decision: &Decision,
    of: impl Fn(&Effect) -> &[Consent],
) -> Difference {
    let word = |consent: &Consent| format!("{consent:?}").to_lowercase();
    let mut expected: Vec<String> = expected.iter().map(word).collect();
    let mut got: Vec<String> = decision.effects.iter().flat_map(of).map(word).collect();
    for list in [&mut expected, &mut got] {
        list.sort();
        list.dedup();
    }
    (expected != got).then(|| (what.to_owned(), listed(&expected), listed(&got)))
}

fn cancelled(expected: &[String], decision: &Decision) -> Difference {
    let cancelled = decision.effects.iter().filter_map(|effect| match effect {
        Effect::Cancel { template } => Some(template.as_str()),
        _ => None,
    });
    let got: Vec<&str> = cancelled.collect();
    (got != *expected).then(|| ("cancel".to_owned(), listed(expected), listed(&got)))
}

fn names(decision: &Decision) -> Vec<&str> {
    decision
        .intents
        .iter()
        .map(|found| found.intent.as_str())
        .collect()
}

fn intent(rules: &Ruleset, expected: Option<&str>, got: &[&str]) -> Difference {
    let holds = expected.map_or(got.is_empty(), |name| got.contains(&name));
    let wanted = expected.unwrap_or("none").to_owned() + or_unknown(rules, expected);
    (!holds).then(|| ("intent".to_owned(), wanted, listed(got)))
}

fn silent(expected: bool, replies: &[Spoken]) -> Difference {
    let words = if expected { "no reply" } else { "a reply" };
    let got = || said(replies, "no reply".to_owned());
    (replies.is_empty() != expected).then(|| ("silent".to_owned(), words.to_owned(), got()))
}

fn unequal(what: &str, expected: Option<&str>, got: Option<&str>) -> Difference {
    let words = |value: Option<&str>| value.unwrap_or("none").to_owned();
    (expected != got).then(|| (what.to_owned(), words(expected), words(got)))
}

fn or_unknown(rules: &Ruleset, name: Option<&str>) -> &'static str {
    let unknown = name.is_some_and(|name| !rules.intent_names.contains_key(name));
    if unknown {
        " (the pack has no such intent)"
    } else {
        ""
    }
}

fn mood(test: &MoodTest, mood: &Mood) -> Difference {
    let (holds, expected) = match test {
        MoodTest::Label(label) => (
            label_holds(*label, mood.label),
            label_word(*label).to_owned(),
        ),
        MoodTest::Below(limit) => (
            mood.score.is_some_and(|score| score < *limit),
            format!("below {limit}"),
        ),
        MoodTest::Above(limit) => (
            mood.score.is_some_and(|score| score > *limit),
            format!("above {limit}"),
        ),
    };
    let got = match mood.score {
        Some(score) => format!("{} ({score:.4})", label_word(mood.label)),
        None => label_word(mood.label).to_owned(),
    };
    (!holds).then(|| ("sentiment".to_owned(), expected, got))
}

fn label_word(label: Label) -> &'static str {
    match label {
        Label::NotJudged => "not judged",
        Label::Angry => "angry",
        Label::Negative => "negative",
        Label::Neutral => "neutral",
        Label::Positive => "positive",
    }
}

/// Each expected reply is the name of a response, else words that are said; all of them come, in this order.
fn reply(rules: &Ruleset, expected: &[String], got: &[Spoken]) -> Difference {
    let mut names = got.iter().flat_map(|spoken| &spoken.responses);
    let mut texts = got.iter().map(|spoken| spoken.reply.text()).peekable();
    let mut comes = |wanted: &String| {
        if rules
            .responses
            .iter()
            .any(|response| response.name == *wanted && !wanted.is_empty())
        {
            return names.any(|name| name == wanted);
        }
        // One message may hold several of the words that are expected, so it is left only when it does not.
        while let Some(text) = texts.peek() {
            if text.contains(wanted.trim()) {
                return true;
            }
            texts.next();
        }
        false
    };
    let missing = expected.iter().any(|wanted| !comes(wanted));
    missing.then(|| {
        (
            "reply".to_owned(),
            listed(expected),
            said(got, "no reply".to_owned()),
        )
    })
}

/// What was said, with the names of the responses where it has any.
fn said(got: &[Spoken], otherwise: String) -> String {
    let one = |spoken: &Spoken| {
        let text = spoken.reply.text();
        if spoken.responses.is_empty() {
            text.to_owned()
        } else {
            format!("{}: {text}", spoken.responses.join(" + "))
        }
    };
    if got.is_empty() {
        otherwise
    } else {
        got.iter().map(one).collect::<Vec<_>>().join("\n")
    }
}

fn escalate(test: &EscalateTest, effects: &[Effect]) -> Difference {
    let got = effects.iter().find_map(|effect| match effect {
        Effect::Escalate { team, .. } => Some(team.as_str()),
        _ => None,
    });
    let (holds, expected) = match test {
        EscalateTest::Never => (got.is_none(), "no hand-over"),
        EscalateTest::ToAnyone => (got.is_some(), "a hand-over"),
        EscalateTest::To(team) => (got == Some(team), team.as_str()),
    };
    (!holds).then(|| {
        (
            "escalate".to_owned(),
            expected.to_owned(),
            got.unwrap_or("no hand-over").to_owned(),
        )
    })
}

fn listed(items: &[impl AsRef<str>]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    items
        .iter()
        .map(AsRef::as_ref)
        .collect::<Vec<_>>()
        .join(", ")
}
