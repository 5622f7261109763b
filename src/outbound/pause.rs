//! How many calls may be made now: all that are free, or, while the whole number has to stand still, one that shows
//! whether it is over.
//!
//! Calls that were under way together fail together. What they say counts once, or a burst of refusals would grow into a
//! pause of minutes; and what one of them says late neither ends a pause nor keeps the next try back.

use jiff::Timestamp;

use crate::model::FailureScope;

/// Nothing is sent until a moment; then one call shows whether it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Timestamp,
    /// How many pauses in a row.
    pub(super) count: u32,
    pub(super) scope: FailureScope,
}

impl Pause {
    pub(super) fn why(self) -> &'static str {
        match self.scope {
            FailureScope::Operator => "the connection to WhatsApp needs an operator",
            _ => "WhatsApp asks the whole number to slow down",
        }
    }
}

/// The state of the number.
#[derive(Debug, Default)]
pub(super) struct Standstill {
    pause: Option<Pause>,
    /// Calls under way that were begun to see whether a pause is over.
    probes: usize,
}

impl Standstill {
    /// How many of `free` calls may be begun.
    pub(super) fn allowed(&self, now: Timestamp, free: usize) -> usize {
        match self.pause {
            Some(pause) if now < pause.until => 0,
            Some(_) => free.min(usize::from(self.probes == 0)),
            None => free,
        }
    }

    /// A call begins. It remembers the pause that it is to end.
    pub(super) fn begin(&mut self) -> Option<Pause> {
        self.probes += usize::from(self.pause.is_some());
        self.pause
    }

    /// A call that began in the pause `before` got through.
    pub(super) fn end_sent(&mut self, before: Option<Pause>) {
        self.end(before);
        if before == self.pause {
            self.pause = None;
        }
    }

    /// A call that began in the pause `before` asks for another one. Returns it if it is longer than what holds already.
    pub(super) fn end_paused(&mut self, before: Option<Pause>, asked: Pause) -> Option<Pause> {
        self.end(before);
        if self.pause.is_some_and(|pause| pause.until >= asked.until) {
            return None;
        }
        self.pause = Some(asked);
        self.pause
    }

    /// A call that began in the pause `before` said nothing about the number.
    pub(super) fn end(&mut self, before: Option<Pause>) {
        self.probes = self.probes.saturating_sub(usize::from(before.is_some()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn pause(until_ms: i64, count: u32) -> Pause {
        Pause {
            until: at(until_ms),
            count,
            scope: FailureScope::Number,
        }
    }

    #[test]
    fn one_call_at_a_time_shows_whether_a_pause_is_over() {
        let mut number = Standstill::default();
        let before = number.begin();
        assert_eq!(number.allowed(at(0), 64), 64);
        assert_eq!(
            number.end_paused(before, pause(1_000, 1)),
            Some(pause(1_000, 1))
        );
        assert_eq!(number.allowed(at(999), 64), 0);
        assert_eq!(number.allowed(at(1_000), 64), 1);
        let probe = number.begin();
        assert_eq!(number.allowed(at(1_000), 64), 0);
        number.end_sent(probe);
        assert_eq!(number.allowed(at(1_000), 64), 64);
    }

    #[test]
    fn a_call_that_hangs_from_before_the_pause_keeps_no_probe_back() {
        let mut number = Standstill::default();
        let (hanging, refused) = (number.begin(), number.begin());
        number.end_paused(refused, pause(1_000, 1));
        assert_eq!(number.allowed(at(1_000), 64), 1);
        let probe = number.begin();
        number.end(hanging);
        assert_eq!(number.allowed(at(1_000), 64), 0, "the probe is under way");
        number.end(probe);
        assert_eq!(number.allowed(at(1_000), 64), 1, "nothing is known yet");
    }

    #[test]
    fn calls_that_fail_together_pause_once_and_one_that_got_through_before_ends_nothing() {
        let mut number = Standstill::default();
        let calls: Vec<_> = (0..20).map(|_| number.begin()).collect();
        for (index, before) in calls.iter().enumerate() {
            let longest = index == 0;
            let until_ms = if longest { 2_000 } else { 1_500 };
            let told = number.end_paused(*before, pause(until_ms, 1));
            assert_eq!(told.is_some(), longest);
        }
        let late = None;
        number.end_sent(late);
        assert_eq!(number.allowed(at(1_999), 64), 0);
        assert_eq!(number.allowed(at(2_000), 64), 1);
    }
}
