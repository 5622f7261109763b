//! How much the business may send, and how its templates are reviewed; set by `POST /_simulator/limits`.
//!
//! Pure.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::graph_error::GraphError;

/// Messages to one person: one every six seconds, of which 45 may be borrowed from the time to come.
pub(super) const PAIR_EVERY_MS: i64 = 6_000;
const PAIR_BURST: i64 = 45;

/// WhatsApp's steps; the last is no limit.
const TIERS: [(u32, &str); 4] = [
    (250, "TIER_250"),
    (2_000, "TIER_2K"),
    (10_000, "TIER_10K"),
    (100_000, "TIER_100K"),
];

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const SECOND_MS: i64 = 1_000;

/// As it is kept and as `POST /_simulator/limits` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Limits {
    /// Messages that a person may get at once.
    pub(super) pair_burst: i64,
    /// Unique recipients in 24 hours outside the 24-hour window.
    pub(super) tier: Option<u32>,
    /// Messages of the number in a second.
    pub(super) per_second: Option<u32>,
    /// Whether a closed window and a full tier are told at once or by a `failed` status.
    pub(super) refusal: Refusal,
    pub(super) review: Outcome,
    pub(super) review_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Refusal {
    AtOnce,
    ByStatus,
}

/// What the next reviews of templates come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Approve,
    Reject,
    /// They stay pending.
    Never,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pair_burst: PAIR_BURST,
            tier: Some(100_000),
            per_second: None,
            refusal: Refusal::AtOnce,
            review: Outcome::Approve,
            review_ms: 500,
        }
    }
}

impl Limits {
    /// The limits with what `change` names; a key that is null is no limit.
    pub(super) fn changed(&self, change: &Value) -> Result<Self, String> {
        let mut value = json!(self);
        let fields = change.as_object().ok_or("the body is not an object")?;
        for (key, part) in fields {
            match value.get_mut(key) {
                Some(known) => *known = part.clone(),
                None => return Err(format!("there is no limit `{key}`")),
            }
        }
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    /// In WhatsApp's words: the step that holds as many.
    pub(super) fn tier_word(&self) -> &'static str {
        let step = TIERS
            .iter()
            .find(|(most, _)| self.tier.is_some_and(|tier| tier <= *most));
        step.map_or("TIER_UNLIMITED", |(_, word)| word)
    }

    /// A refusal that WhatsApp tells at once or later, as it pleases: the code of the status, or the error.
    pub(super) fn refuse(&self, error: GraphError) -> Result<Option<i64>, GraphError> {
        match self.refusal {
            Refusal::AtOnce => Err(error),
            Refusal::ByStatus => Ok(Some(error.code)),
        }
    }
}

/// Whom the business wrote to first, and how fast it sends.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// By person, when the business last wrote outside the window.
    reached: HashMap<String, i64>,
    order: VecDeque<(i64, String)>,
    /// When the messages of the last second were accepted.
    recent: VecDeque<i64>,
}

impl Usage {
    pub(super) fn accepted(&mut self, at_ms: i64) {
        while self
            .recent
            .front()
            .is_some_and(|old| *old <= at_ms - SECOND_MS)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(at_ms);
    }

    pub(super) fn reached(&mut self, phone: &str, at_ms: i64) {
        while let Some((old_ms, _)) = self.order.front()
            && *old_ms <= at_ms - DAY_MS
        {
            let Some((old_ms, old)) = self.order.pop_front() else {
                break;
            };
            if self.reached.get(&old) == Some(&old_ms) {
                self.reached.remove(&old);
            }
        }
        self.reached.insert(phone.to_owned(), at_ms);
        self.order.push_back((at_ms, phone.to_owned()));
    }

    /// Whether one more person may be written to first; one who was counts once.
    pub(super) fn has_room(&self, phone: &str, (limits, now_ms): (&Limits, i64)) -> bool {
        let Some(tier) = limits.tier else {
            return true;
        };
        let is_new = |at_ms: i64| at_ms > now_ms - DAY_MS;
        if self.reached.get(phone).is_some_and(|at_ms| is_new(*at_ms)) {
            return true;
        }
        let over = self
            .order
            .iter()
            .take_while(|(at_ms, _)| !is_new(*at_ms))
            .filter(|(at_ms, old)| self.reached.get(old) == Some(at_ms))
            .count();
        self.reached.len() - over < usize::try_from(tier).unwrap_or(usize::MAX)
    }

    pub(super) fn is_slow_enough(&self, (limits, now_ms): (&Limits, i64)) -> bool {
        let Some(per_second) = limits.per_second else {
            return true;
        };
        let recent = self.recent.iter().rev();
        let count = recent
            .take_while(|at_ms| **at_ms > now_ms - SECOND_MS)
            .count();
        count < usize::try_from(per_second).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_counts_people_once_in_a_day() {
        let limits = Limits {
            tier: Some(2),
            ..Limits::default()
        };
        let mut usage = Usage::default();
        let room = |usage: &Usage, phone: &str, now_ms| usage.has_room(phone, (&limits, now_ms));
        usage.reached("1", 0);
        usage.reached("1", 10);
        assert!(room(&usage, "2", 20));
        usage.reached("2", 20);
        assert!(!room(&usage, "3", 30));
        assert!(room(&usage, "1", 30), "was reached already");
        assert!(!room(&usage, "3", DAY_MS + 5), "1 was reached again at 10");
        assert!(room(&usage, "3", DAY_MS + 10));
        usage.reached("3", DAY_MS + 10);
        assert!(!room(&usage, "4", DAY_MS + 10));
        assert!(room(&usage, "4", DAY_MS + 20));
        let free = Limits {
            tier: None,
            ..Limits::default()
        };
        assert!(usage.has_room("9", (&free, 0)));
    }

    #[test]
    fn a_second_takes_so_many_messages() {
        let limits = Limits {
            per_second: Some(2),
            ..Limits::default()
        };
        let mut usage = Usage::default();
        for at_ms in [0, 500] {
            assert!(usage.is_slow_enough((&limits, at_ms)));
            usage.accepted(at_ms);
        }
        assert!(!usage.is_slow_enough((&limits, 999)));
        assert!(usage.is_slow_enough((&limits, 1_000)));
    }

    #[test]
    fn limits_change_one_by_one() {
        let limits = Limits::default();
        let changed = limits
            .changed(&json!({ "tier": 250, "refusal": "by_status" }))
            .unwrap();
        assert_eq!(
            (changed.tier, changed.refusal),
            (Some(250), Refusal::ByStatus)
        );
        assert_eq!(changed.pair_burst, limits.pair_burst);
        assert_eq!(
            changed.changed(&json!({ "tier": null })).unwrap().tier,
            None
        );
        for (tier, word) in [
            (Some(50), "TIER_250"),
            (Some(250), "TIER_250"),
            (Some(251), "TIER_2K"),
            (Some(10_000), "TIER_10K"),
            (Some(100_000), "TIER_100K"),
            (Some(100_001), "TIER_UNLIMITED"),
            (None, "TIER_UNLIMITED"),
        ] {
            let limits = Limits {
                tier,
                ..Limits::default()
            };
            assert_eq!(limits.tier_word(), word, "{tier:?}");
        }
        for odd in [
            json!([]),
            json!({ "colour": 1 }),
            json!({ "tier": "many" }),
            json!({ "review": "maybe" }),
        ] {
            assert!(limits.changed(&odd).is_err(), "{odd}");
        }
    }
}
