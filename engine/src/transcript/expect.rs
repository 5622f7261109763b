//! Reads what a test expects of a turn.

use super::read::Reader;
use super::{EscalateTest, Expectation, Expected, MoodTest};
use crate::sentiment::Label;
use crate::syntax::{Entry, Node};
use crate::turn::Consent;

const EXPECT_KEYS: [&str; 16] = [
    "intent",
    "intents",
    "language",
    "sentiment",
    "entities",
    "reply",
    "silent",
    "escalate",
    "handoff",
    "rule",
    "opt_out",
    "opt_in",
    "cancel",
    "tags",
    "contact",
    "conversation",
];
const LABELS: [(&str, Label); 5] = [
    ("angry", Label::Angry),
    ("negative", Label::Negative),
    ("neutral", Label::Neutral),
    ("positive", Label::Positive),
    ("not_judged", Label::NotJudged),
];

/// The value could not be read, and the author has been told.
struct Reported;

impl Reader<'_> {
    pub(super) fn expect(&mut self, node: &Node) -> Vec<Expected> {
        let mut expected = Vec::new();
        for entry in node
            .expect_map("what is expected, as in `intent: NAME`", self.diagnostics)
            .unwrap_or_default()
        {
            match entry.key.as_str() {
                "entities" => self.pairs(&entry.value, &mut expected, |name, value| {
                    Expectation::Entity { name, value }
                }),
                "contact" => self.pairs(&entry.value, &mut expected, |field, value| {
                    Expectation::Contact { field, value }
                }),
                "conversation" => {
                    self.pairs(&entry.value, &mut expected, |field, value| {
                        Expectation::Conversation { field, value }
                    });
                }
                "sentiment" => self.moods(&entry.value, &mut expected),
                _ => {
                    let at = (self.place)(entry.key_span);
                    expected.extend(self.expectation(entry).map(|what| Expected { at, what }));
                }
            }
        }
        expected
    }

    /// An expectation of one value.
    fn expectation(&mut self, entry: &Entry) -> Option<Expectation> {
        let value = &entry.value;
        Some(match entry.key.as_str() {
            "intent" => Expectation::Intent(self.name_or_none(value).ok()?),
            "intents" => Expectation::Intents(self.texts(value)),
            "language" => Expectation::Language(self.language(value)?),
            "reply" => Expectation::Reply(self.texts(value)),
            "silent" => Expectation::Silent(value.expect_bool(self.diagnostics)?),
            "escalate" | "handoff" => Expectation::Escalate(match self.text(value)? {
                "true" => EscalateTest::ToAnyone,
                "false" => EscalateTest::Never,
                team => EscalateTest::To(team.to_owned()),
            }),
            "rule" => Expectation::Rule(self.text(value)?.to_owned()),
            "opt_out" => Expectation::OptOut(self.consents(value)),
            "opt_in" => Expectation::OptIn(self.consents(value)),
            "cancel" => Expectation::Cancel(self.texts(value)),
            "tags" => Expectation::Tags(self.texts(value)),
            _ => {
                entry.unknown("in `expect`", &EXPECT_KEYS, self.diagnostics);
                return None;
            }
        })
    }

    /// `true` is everything, `false` nothing.
    fn consents(&mut self, node: &Node) -> Vec<Consent> {
        let words = ["true", "false", "account", "service", "marketing"];
        let mut consents = Vec::new();
        for item in node.one_or_many() {
            match item.expect_word("what messages are about", &words, self.diagnostics) {
                Some("true") => consents.extend(Consent::ALL),
                Some("account") => consents.push(Consent::Account),
                Some("service") => consents.push(Consent::Service),
                Some("marketing") => consents.push(Consent::Marketing),
                _ => {}
            }
        }
        consents
    }

    /// `sentiment: negative`, or `{ below: -0.5, above: -1, label: angry }`.
    fn moods(&mut self, node: &Node, expected: &mut Vec<Expected>) {
        let at = (self.place)(node.span);
        if node.map().is_none() {
            expected.extend(self.label(node).map(|label| Expected {
                at,
                what: Expectation::Mood(MoodTest::Label(label)),
            }));
            return;
        }
        for entry in node.map().unwrap_or_default() {
            let test = match entry.key.as_str() {
                "label" => self.label(&entry.value).map(MoodTest::Label),
                "below" => self.score(&entry.value).map(MoodTest::Below),
                "above" => self.score(&entry.value).map(MoodTest::Above),
                _ => {
                    entry.unknown(
                        "in `sentiment`",
                        &["label", "below", "above"],
                        self.diagnostics,
                    );
                    None
                }
            };
            expected.extend(test.map(|test| Expected {
                at: at.clone(),
                what: Expectation::Mood(test),
            }));
        }
    }

    fn label(&mut self, node: &Node) -> Option<Label> {
        let names: Vec<&str> = LABELS.iter().map(|(name, _)| *name).collect();
        let word = node.expect_word("a mood", &names, self.diagnostics)?;
        LABELS
            .iter()
            .find(|(name, _)| *name == word)
            .map(|(_, label)| *label)
    }

    fn score(&mut self, node: &Node) -> Option<f64> {
        let expected = "a number from -1 to 1";
        let text = node.expect_text(expected, self.diagnostics)?;
        let score = text
            .parse::<f64>()
            .ok()
            .filter(|score| (-1.0..=1.0).contains(score));
        if score.is_none() {
            self.diagnostics
                .invalid_value(node.span, (text, expected), None);
        }
        score
    }

    fn pairs(
        &mut self,
        node: &Node,
        expected: &mut Vec<Expected>,
        make: impl Fn(String, Option<String>) -> Expectation,
    ) {
        for entry in node
            .expect_map("names and their values", self.diagnostics)
            .unwrap_or_default()
        {
            if let Ok(value) = self.name_or_none(&entry.value) {
                let at = (self.place)(entry.key_span);
                expected.push(Expected {
                    at,
                    what: make(entry.key.clone(), value),
                });
            }
        }
    }

    /// A text, or `none` (or nothing) for "there is none".
    fn name_or_none(&mut self, node: &Node) -> Result<Option<String>, Reported> {
        if node.is_empty() {
            return Ok(None);
        }
        let text = self.text(node).ok_or(Reported)?;
        Ok((text != "none").then(|| text.to_owned()))
    }
}
