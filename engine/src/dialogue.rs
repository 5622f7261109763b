//! What has been said in a conversation so far, as a value.
//!
//! It is stored by whoever runs the engine, as JSON with a version, so that a state outlives the program that wrote it.
//! Facts about the contact are not here: they come with the turn.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The state of one conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    pub version: u16,
    /// The language the conversation goes on in when a message does not say.
    pub language: Option<Language>,
    /// Consecutive text turns that were not understood.
    pub not_understood: u32,
    /// `conversation.<field>` of rules and replies. They last as long as the conversation, beyond its sessions.
    pub fields: BTreeMap<String, String>,
    /// When the session began, and the last message in it (WhatsApp's time).
    pub session_started: Option<Timestamp>,
    pub last_message: Option<Timestamp>,
    /// Scores (-1 to 1) of the session's last judged messages, newest last; at most [`State::MOODS_MAX`].
    pub moods: Vec<f64>,
    /// The buttons and rows last shown, so that a title typed by hand means the one the customer is looking at; at most
    /// [`State::OFFERED_MAX`].
    pub offered: Vec<Offered>,
}

/// A button or row that was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    pub id: String,
    /// Folded as messages are.
    pub title: String,
}

/// A state written by a later version of the engine; whoever holds it should leave it to a newer process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooNew {
    pub version: u16,
}

impl std::fmt::Display for TooNew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "the conversation's state has version {}, this program knows {} at most; a newer one must decide it",
            self.version,
            State::VERSION
        )
    }
}

impl std::error::Error for TooNew {}

impl State {
    pub const VERSION: u16 = 1;
    pub const MOODS_MAX: usize = 8;
    pub const OFFERED_MAX: usize = 10;

    /// Reads a stored state of any version up to this one. What cannot be read at all begins anew: a conversation that
    /// has lost its thread is better than one that is never answered again.
    pub fn from_json(json: serde_json::Value) -> Result<Self, TooNew> {
        let version = json
            .get("version")
            .and_then(serde_json::Value::as_u64)
            .unwrap_or(0);
        let version = u16::try_from(version).unwrap_or(u16::MAX);
        if version > Self::VERSION {
            return Err(TooNew { version });
        }
        // Version 1 is the first; an upgrade from n to n + 1 will be a function from JSON to JSON here.
        let state: Self = serde_json::from_value(json).unwrap_or_default();
        Ok(Self {
            version: Self::VERSION,
            ..state
        })
    }

    /// The state as JSON, to be stored.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Takes in that a message was sent; `true` when it begins a new session, which forgets what belonged to the last.
    pub(crate) fn hear(&mut self, sent_at: Timestamp, idle: SignedDuration) -> bool {
        let new = self
            .last_message
            .is_none_or(|last| sent_at.duration_since(last) >= idle);
        if new {
            self.session_started = Some(sent_at);
            self.not_understood = 0;
            self.moods.clear();
            self.offered.clear();
        }
        // Messages can arrive out of order; the session does not go back in time.
        self.last_message = self.last_message.max(Some(sent_at));
        new
    }

    /// Keeps a mood, to the four decimals that it has, so that a stored state is read back to the last bit.
    pub(crate) fn feel(&mut self, score: Option<f64>) {
        self.moods
            .extend(score.map(|score| (score * 10_000.0).round() / 10_000.0));
        let over = self.moods.len().saturating_sub(Self::MOODS_MAX);
        self.moods.drain(..over);
    }

    /// Each of the last three judged messages was lower than the one before.
    pub(crate) fn is_falling(&self) -> bool {
        matches!(self.moods.as_slice(), [.., a, b, c] if a > b && b > c)
    }

    /// The session is over; the next message begins a new one.
    pub(crate) fn end(&mut self) {
        self.session_started = None;
        self.last_message = None;
        self.not_understood = 0;
        self.moods.clear();
        self.offered.clear();
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            language: None,
            not_understood: 0,
            fields: BTreeMap::new(),
            session_started: None,
            last_message: None,
            moods: Vec::new(),
            offered: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_of_the_future_is_left_alone() {
        assert_eq!(
            State::from_json(json!({ "version": State::VERSION + 1, "anything": 1 })),
            Err(TooNew { version: 2 })
        );
        assert_eq!(
            State::from_json(json!({ "version": 70_000 })),
            Err(TooNew { version: u16::MAX })
        );
    }

    #[test]
    fn what_is_missing_or_broken_begins_anew() {
        let read = |json| State::from_json(json).unwrap();
        assert_eq!(read(json!({})), State::default());
        assert_eq!(read(json!(null)), State::default());
        assert_eq!(
            read(json!({ "version": 1, "moods": "bad" })),
            State::default()
        );
        let partial = read(json!({ "version": 1, "language": "st", "later": true }));
        assert_eq!(
            partial,
            State {
                language: Some(Language::ST),
                ..State::default()
            }
        );
    }

    #[test]
    fn a_pause_begins_a_new_session() {
        let at = |minutes: i64| Timestamp::from_second(1_795_000_000 + minutes * 60).unwrap();
        let idle = SignedDuration::from_mins(240);
        let mut state = State::default();
        assert!(state.hear(at(0), idle));
        state.not_understood = 2;
        state.feel(Some(-0.5));
        state.fields.insert("ward".to_owned(), "4".to_owned());
        assert!(!state.hear(at(239), idle));
        assert_eq!(
            (state.not_understood, state.session_started),
            (2, Some(at(0)))
        );
        assert!(
            !state.hear(at(100), idle),
            "a late message does not end the session"
        );
        assert_eq!(state.last_message, Some(at(239)));
        assert!(state.hear(at(479), idle));
        assert_eq!(
            (state.not_understood, state.moods.len(), state.fields.len()),
            (0, 0, 1)
        );
        assert_eq!(state.session_started, Some(at(479)));
        state.end();
        assert!(state.hear(at(480), idle));
    }

    #[test]
    fn moods_fall_when_each_of_three_is_lower() {
        let check = |moods: &[f64], expected: bool| {
            let mut state = State::default();
            for mood in moods {
                state.feel(Some(*mood));
            }
            assert_eq!(state.is_falling(), expected, "{moods:?}");
        };
        check(&[0.5, 0.1], false);
        check(&[0.5, 0.1, -0.2], true);
        check(&[0.9, 0.5, 0.1, 0.1], false);
        check(&[-0.9, 0.5, 0.1, -0.1], true);
        check(&[0.0; 20], false);
        let mut state = State::default();
        for _ in 0..20 {
            state.feel(Some(0.1));
            state.feel(None);
        }
        assert_eq!(state.moods.len(), State::MOODS_MAX);
    }

    proptest! {
        #[test]
        fn a_state_survives_storage(
            not_understood in any::<u32>(),
            language in prop::option::of("[a-z]{2,3}"),
            fields in prop::collection::btree_map(".*", ".*", 0..4),
            seconds in prop::option::of(0..4_000_000_000_i64),
            moods in prop::collection::vec(-1.0..1.0_f64, 0..20),
            title in ".*",
        ) {
            let at = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
            let mut state = State {
                version: State::VERSION,
                language: language.and_then(|code| Language::parse(&code)),
                not_understood,
                fields,
                session_started: at,
                last_message: at,
                moods: Vec::new(),
                offered: vec![Offered { id: title.clone(), title }],
            };
            for mood in moods {
                state.feel(Some(mood));
            }
            let text = state.to_json().to_string();
            prop_assert_eq!(State::from_json(serde_json::from_str(&text).unwrap()), Ok(state));
        }
    }
}
