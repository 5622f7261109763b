//! How often somebody may come, counted for all nodes together.
//!
//! The generic cell rate algorithm: one time per key stands for all that was taken before.

use std::time::Duration;

use sqlx::Row;

use super::{Store, StoreError, call};

/// So many in a window, and no more than these at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub window: Duration,
}

/// What became of a wish to take one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub allowed: bool,
    /// How many more could be taken at once.
    pub remaining: u32,
    /// Until one more can be taken; zero when one can be taken now.
    pub wait: Duration,
}

impl Store {
    /// Takes one from the bucket `key`, unless it is empty.
    pub async fn take_rate(&self, key: &str, rate: Rate) -> Result<Taken, StoreError> {
        let mut call = self.call("count a request").await?;
        let (count, window) = (f64::from(rate.count.max(1)), rate.window.as_secs_f64());
        let interval = window / count;
        let outcome = call::deadline(async {
            // A bucket is empty when the time at which it would be whole again is a window away, less one share.
            let row = sqlx::query(
                "WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
                 taken AS (
                     INSERT INTO rate_limits AS r (key, tat)
                     SELECT $1, clock.now + make_interval(secs => $2) FROM clock
                     ON CONFLICT (key) DO UPDATE
                         SET tat = greatest(r.tat, (SELECT now FROM clock)) + make_interval(secs => $2)
                         WHERE greatest(r.tat, (SELECT now FROM clock)) + make_interval(secs => $2)
                               <= (SELECT now FROM clock) + make_interval(secs => $3)
                     RETURNING tat)
                 SELECT (SELECT count(*) FROM taken) > 0 AS allowed,
                        extract(epoch FROM greatest(coalesce((SELECT tat FROM taken),
                            (SELECT tat FROM rate_limits WHERE key = $1), clock.now) - clock.now, interval '0'))::float8 AS full_in
                 FROM clock",
            )
            .bind(key)
            .bind(interval)
            // The microseconds that intervals are rounded to must not cost a share.
            .bind(window + interval / 1_000.0)
            .fetch_one(call.db())
            .await?;
            Ok(taken(row.try_get("allowed")?, row.try_get("full_in")?, rate))
        })
        .await;
        call.end(outcome)
    }
}

/// What stands in the bucket that is whole again in `full_in` seconds.
fn taken(allowed: bool, full_in: f64, rate: Rate) -> Taken {
    let (count, window) = (f64::from(rate.count.max(1)), rate.window.as_secs_f64());
    let interval = window / count;
    let free = ((window - full_in) / interval + 1e-6)
        .floor()
        .clamp(0.0, count);
    let wait = if free >= 1.0 {
        0.0
    } else {
        (full_in + interval - window).max(0.0)
    };
    Taken {
        allowed,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between 0 and a u32"
        )]
        remaining: free as u32,
        wait: Duration::from_secs_f64(wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_follows_from_when_the_bucket_is_whole() {
        let rate = Rate {
            count: 60,
            window: Duration::from_mins(1),
        };
        for (full_in, remaining, wait) in [
            (0.0, 60, 0.0),
            (1.0, 59, 0.0),
            (59.0, 1, 0.0),
            (59.5, 0, 0.5),
            (60.0, 0, 1.0),
        ] {
            let taken = taken(true, full_in, rate);
            assert_eq!(taken.remaining, remaining, "{full_in}");
            assert!((taken.wait.as_secs_f64() - wait).abs() < 1e-9, "{full_in}");
        }
    }
}
