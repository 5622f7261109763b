//! The arithmetic of the whole number's pace: a bucket of calls that fills by itself (the generic cell rate algorithm).
//!
//! Pure. One time in the database stands for all calls that were made, so that nodes share it.

use jiff::{SignedDuration, Timestamp};

const MICROSECONDS: i64 = 1_000_000;
/// One in this many calls of a second may be made at once. The bucket and what flows into it in a second are together the
/// pace, so that no second, wherever it begins, has more calls than the pace.
const BURST_PART: i64 = 8;
/// How much of the bucket notices leave to replies.
const RESERVE_PERCENT: i64 = 50;

/// Who asks for calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// Replies and staff: everything.
    Lanes,
    /// Only what leaves a reserve.
    Notices,
}

/// The bucket at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bucket {
    now_us: i64,
    /// When it is whole again; never before now.
    tat_us: i64,
    interval_us: i64,
    size: i64,
}

impl Bucket {
    /// `tat` is what [`Bucket::tat`] said after the last call.
    pub(super) fn new(per_second: u32, tat: Timestamp, now: Timestamp) -> Self {
        let per_second = i64::from(per_second.max(1));
        let size = (per_second / BURST_PART).max(1);
        let flow = (per_second - size).max(1);
        Self {
            now_us: now.as_microsecond(),
            tat_us: tat.max(now).as_microsecond(),
            // Rounded up, or the pace would be exceeded in the long run.
            interval_us: (MICROSECONDS + flow - 1) / flow,
            size,
        }
    }

    /// How many calls `share` may make now.
    pub(super) fn allowed(&self, share: Share) -> i64 {
        let free_us = self.now_us + self.size * self.interval_us - self.tat_us;
        (free_us / self.interval_us - self.reserve(share)).max(0)
    }

    /// The bucket after `calls` calls.
    #[must_use]
    pub(super) fn take(mut self, calls: i64) -> Self {
        self.tat_us += calls * self.interval_us;
        self
    }

    pub(super) fn tat(&self) -> Timestamp {
        Timestamp::from_microsecond(self.tat_us).unwrap_or(Timestamp::MAX)
    }

    /// When `share` may make its next call; now if it may make one now.
    pub(super) fn free_at(&self, share: Share) -> Timestamp {
        let wanted = 1 + self.reserve(share);
        let at_us = self.tat_us - (self.size - wanted) * self.interval_us;
        let wait = SignedDuration::from_micros((at_us - self.now_us).max(0));
        let now = Timestamp::from_microsecond(self.now_us).unwrap_or(Timestamp::MAX);
        now.saturating_add(wait).unwrap_or(Timestamp::MAX)
    }

    /// Never the whole bucket: a number of one call a second would send no notice at all.
    fn reserve(&self, share: Share) -> i64 {
        match share {
            Share::Lanes => 0,
            Share::Notices => (self.size * RESERVE_PERCENT / 100).min(self.size - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const START_US: i64 = 1_700_000_000_000_000;

    fn at(us: i64) -> Timestamp {
        Timestamp::from_microsecond(START_US + us).unwrap()
    }

    /// Makes as many calls as allowed at each of `moments`, for one share or the other: when calls were made.
    fn calls(per_second: u32, moments: &[(i64, bool)]) -> Vec<(i64, bool)> {
        let (mut tat, mut made) = (Timestamp::MIN, Vec::new());
        for (us, notices) in moments {
            let share = if *notices {
                Share::Notices
            } else {
                Share::Lanes
            };
            let bucket = Bucket::new(per_second, tat, at(*us));
            let allowed = bucket.allowed(share);
            made.extend((0..allowed).map(|_| (*us, *notices)));
            if allowed > 0 {
                tat = bucket.take(allowed).tat();
            }
        }
        made
    }

    #[test]
    fn a_number_that_never_rests_comes_near_its_pace() {
        let moments: Vec<_> = (0..10_000_000)
            .step_by(7_000)
            .map(|us| (us, false))
            .collect();
        let made = calls(80, &moments).len();
        assert!((690..=720).contains(&made), "{made}");
    }

    #[test]
    fn notices_leave_half_of_the_bucket_to_replies() {
        let bucket = Bucket::new(80, Timestamp::MIN, at(0));
        assert_eq!(bucket.allowed(Share::Lanes), 10);
        assert_eq!(bucket.allowed(Share::Notices), 5);
        let bucket = bucket.take(5);
        assert_eq!(bucket.allowed(Share::Notices), 0);
        assert_eq!(bucket.allowed(Share::Lanes), 5);
        assert_eq!(bucket.free_at(Share::Lanes), at(0));
        assert!(bucket.free_at(Share::Notices) > at(14_000));
        assert_eq!(
            Bucket::new(1, Timestamp::MIN, at(0)).allowed(Share::Notices),
            1
        );
    }

    proptest! {
        #[test]
        fn no_second_has_more_calls_than_the_pace(
            per_second in 1_u32..300,
            steps in proptest::collection::vec((0_i64..120_000, any::<bool>()), 1..200),
        ) {
            let moments: Vec<_> = steps.iter().scan(0, |us, (step, notices)| {
                *us += step;
                Some((*us, *notices))
            }).collect();
            let made = calls(per_second, &moments);
            for (index, (us, _)) in made.iter().enumerate() {
                let within = made[index..].iter().take_while(|(later, _)| later - us < MICROSECONDS).count();
                prop_assert!(within <= per_second.max(2) as usize, "{within} calls in a second of {per_second}");
            }
        }

        #[test]
        fn the_time_of_the_next_call_is_when_it_is_allowed_and_not_before(
            per_second in 1_u32..5_000, taken in 0_i64..2_000, notices in any::<bool>(),
        ) {
            let share = if notices { Share::Notices } else { Share::Lanes };
            let tat = Bucket::new(per_second, Timestamp::MIN, at(0)).take(taken).tat();
            let free_at = Bucket::new(per_second, tat, at(0)).free_at(share);
            prop_assert!(Bucket::new(per_second, tat, free_at).allowed(share) >= 1);
            let before = free_at - SignedDuration::from_micros(1);
            if before >= at(0) {
                prop_assert_eq!(Bucket::new(per_second, tat, before).allowed(share), 0);
            }
        }
    }
}
