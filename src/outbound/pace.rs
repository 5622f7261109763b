//! Keeps the whole number's pace: a token bucket of one second. The pace for one recipient stands in the lane.

use std::time::Duration;

use jiff::Timestamp;

#[derive(Clone, Copy, Debug)]
pub(super) struct NumberPace {
    per_second: u32,
    /// Calls that may be made at once, in thousandths.
    tokens_milli: u64,
    filled_at: Timestamp,
}

impl NumberPace {
    pub(super) fn new(per_second: u32, now: Timestamp) -> Self {
        let per_second = per_second.max(1);
        Self {
            per_second,
            tokens_milli: u64::from(per_second) * 1_000,
            filled_at: now,
        }
    }

    /// How many calls may be made at once.
    pub(super) fn allowed(&mut self, now: Timestamp) -> usize {
        let elapsed_ms = u64::try_from(now.duration_since(self.filled_at).as_millis()).unwrap_or(0);
        let full = u64::from(self.per_second) * 1_000;
        // A token a millisecond per thousand a second: both are thousandths.
        self.tokens_milli = elapsed_ms
            .saturating_mul(u64::from(self.per_second))
            .saturating_add(self.tokens_milli)
            .min(full);
        if elapsed_ms > 0 {
            self.filled_at = now;
        }
        usize::try_from(self.tokens_milli / 1_000).unwrap_or(usize::MAX)
    }

    pub(super) fn used(&mut self, calls: usize) {
        let calls = u64::try_from(calls).unwrap_or(u64::MAX);
        self.tokens_milli = self
            .tokens_milli
            .saturating_sub(calls.saturating_mul(1_000));
    }

    /// How long until a call may be made; a long time when one may be made now, because then nobody waits for it.
    pub(super) fn wait(&mut self, now: Timestamp) -> Duration {
        if self.allowed(now) > 0 {
            return Duration::MAX;
        }
        let missing = 1_000_u64.saturating_sub(self.tokens_milli);
        Duration::from_millis(missing.div_ceil(u64::from(self.per_second)))
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_second_has_no_more_calls_than_the_pace() {
        let start = Timestamp::UNIX_EPOCH;
        let at = |ms| start + SignedDuration::from_millis(ms);
        let mut pace = NumberPace::new(80, start);
        let mut made = 0;
        // A caller that never rests, for ten seconds in steps of seven milliseconds.
        for ms in (0..10_000).step_by(7) {
            let allowed = pace.allowed(at(ms));
            pace.used(allowed);
            made += allowed;
        }
        assert!((870..=880).contains(&made), "{made}");
        assert!(pace.wait(at(9_999)) <= Duration::from_millis(13));
        assert_eq!(pace.wait(at(20_000)), Duration::MAX);
        assert_eq!(pace.allowed(at(99_000)), 80);
    }
}
