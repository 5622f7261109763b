//! What goes wrong, on request: each fault a number of times or with a probability, for everybody or for one person.
//!
//! Lives in memory only: after a restart the weather is fine again.

use serde::{Deserialize, Serialize};

/// Faults at once; more is a test that forgets to clean up.
const FAULTS_MAX: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// No answer for `delay_ms`, and nothing accepted.
    HangBeforeAccept,
    /// Accepted; no answer for `delay_ms`.
    TimeoutAfterAccept,
    /// HTTP 500, nothing accepted.
    ErrorBeforeAccept,
    /// Accepted; HTTP 500.
    ErrorAfterAccept,
    /// Accepted; 200 without an id.
    OkWithoutId,
    /// Accepted; the connection breaks in the middle of the answer.
    TruncatedAnswer,
    /// HTTP 429 with `Retry-After` and no body.
    RateLimited,
    /// Refused with `code`.
    Refuse,
    /// Accepted; the only status is `failed` with `code`.
    FailedStatus,
    /// Webhooks come `copies` times.
    DuplicateWebhooks,
    /// Statuses of a message come last first; a person's message comes `delay_ms` late.
    ReorderWebhooks,
    /// Statuses of a message come `delay_ms` late; without it not before `POST /_simulator/release`.
    HoldStatuses,
}

/// One order of faults, as `POST /_simulator/faults` takes it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fault {
    #[serde(rename = "fault")]
    pub(super) kind: Kind,
    /// Left; endless when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u32>,
    /// 0 to 1; always when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) probability: Option<f64>,
    /// Of the dice; the same seed rolls the same.
    #[serde(default)]
    pub(super) seed: u64,
    /// Only for this person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) copies: Option<u32>,
    /// How often it struck.
    #[serde(skip_deserializing)]
    pub(super) struck: u32,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) -> Result<(), String> {
        if self.list.len() >= FAULTS_MAX {
            return Err(format!(
                "there are {FAULTS_MAX} faults already; remove some first"
            ));
        }
        if fault.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            return Err("`probability` is a number from 0 to 1".to_owned());
        }
        if matches!(fault.kind, Kind::Refuse | Kind::FailedStatus) && fault.code.is_none() {
            return Err("this fault needs a `code`, such as 131047".to_owned());
        }
        self.list.push(fault);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    pub(super) fn list(&self) -> &[Fault] {
        &self.list
    }

    /// The first fault of one of `kinds` that strikes `phone` now, and one time less of it.
    pub(super) fn strike(&mut self, kinds: &[Kind], phone: Option<&str>) -> Option<Fault> {
        let concerns = |fault: &&mut Fault| {
            let meant = fault.to.as_deref().map(super::digits);
            kinds.contains(&fault.kind)
                && fault.count != Some(0)
                && (meant.is_none() || meant.as_deref() == phone)
        };
        let fault = self
            .list
            .iter_mut()
            .filter(concerns)
            .find_map(|fault| fault.rolls().then_some(fault))?;
        fault.count = fault.count.map(|left| left - 1);
        fault.struck += 1;
        Some(fault.clone())
    }
}

impl Fault {
    fn rolls(&mut self) -> bool {
        let Some(probability) = self.probability else {
            return true;
        };
        // SplitMix64: small, and the same everywhere.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let top = u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(u32::MAX);
        f64::from(top) / f64::from(u32::MAX) < probability
    }
}
