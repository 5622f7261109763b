//! What all nodes must know about a number before they send: its pace, and whether it has to stand still.
//!
//! Calls that were under way together fail together. What they say counts once, or a burst of refusals would grow into a
//! pause of minutes. So a call remembers the pause in which it began, and only one that began in the pause that still holds
//! ends it or makes it longer.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use super::pace::{Bucket, Share};
use crate::model::{FailureScope, PhoneNumberId};
use crate::store::{Store, StoreError, call, to_jiff, to_sql};

/// A call that is to show whether a pause is over says so within this, or another one may be made.
const PROBE_LEASE_SECONDS: f64 = 30.0;

/// The number a node sends from.
#[derive(Clone, Debug)]
pub struct Number {
    pub id: PhoneNumberId,
    /// Messages a second, as it is set; WhatsApp may have told us more.
    pub per_second: u32,
}

/// Nothing is sent until a moment; then one call shows whether it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPause {
    pub since: Timestamp,
    pub until: Timestamp,
    /// How many pauses in a row.
    pub count: u32,
    /// `Operator` when somebody has to act, else `Number`.
    pub scope: FailureScope,
    pub code: Option<i64>,
    /// For people: what happened and what to do.
    pub reason: String,
}

/// A number as people see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberState {
    pub id: PhoneNumberId,
    /// As WhatsApp told us.
    pub per_second: Option<i32>,
    pub tier: Option<String>,
    pub tier_limit: Option<i32>,
    pub quality: Option<String>,
    pub pause: Option<NumberPause>,
}

/// What a call said about the number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberNews {
    /// The pause in which the call began.
    pub before: Option<NumberPause>,
    pub said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// It got through.
    Passed,
    /// Nothing about the number.
    Nothing,
    Paused {
        delay_ms: u64,
        scope: FailureScope,
        code: Option<i64>,
        reason: String,
    },
}

/// What WhatsApp told us about a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberUpdate {
    /// Unique recipients a day outside the window; no limit is unlimited.
    Tier {
        name: String,
        limit: Option<u32>,
    },
    Throughput {
        per_second: u32,
    },
    Quality {
        quality: String,
    },
}

impl Store {
    /// Writes down what calls said about the number, in their order.
    pub async fn hear_of_number(
        &self,
        number: &PhoneNumberId,
        news: &[NumberNews],
    ) -> Result<(), StoreError> {
        let mut call = self.call("write down the state of the number").await?;
        let outcome = call::deadline(async {
            for news in news {
                hear(call.db(), number, news).await?;
            }
            Ok(())
        })
        .await;
        call.end(outcome)
    }

    /// All numbers that something has been sent from, or that WhatsApp told us about.
    pub async fn number_states(&self) -> Result<Vec<NumberState>, StoreError> {
        let mut call = self.call("read the state of the numbers").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "SELECT phone_number_id, per_second, tier, tier_limit, quality, paused_until, paused_since, pause_count,
                        pause_scope, pause_code, pause_reason
                 FROM number_states ORDER BY phone_number_id",
            )
            .fetch_all(call.db())
            .await?
            .iter()
            .map(state_of)
            .collect()
        })
        .await;
        call.end(outcome)
    }

    /// Remembers what WhatsApp told us about `number`.
    pub async fn apply_number_update(
        &self,
        number: &PhoneNumberId,
        update: &NumberUpdate,
    ) -> Result<(), StoreError> {
        let mut call = self
            .call("remember what WhatsApp says about the number")
            .await?;
        let outcome = call::deadline(async {
            make_row(call.db(), number).await?;
            let (tier, limit, per_second, quality) = match update {
                NumberUpdate::Tier { name, limit } => (Some(name), *limit, None, None),
                NumberUpdate::Throughput { per_second } => (None, None, Some(*per_second), None),
                NumberUpdate::Quality { quality } => (None, None, None, Some(quality)),
            };
            let small = |number: Option<u32>| number.map(|it| i32::try_from(it).unwrap_or(i32::MAX));
            sqlx::query(
                "UPDATE number_states
                 SET tier = coalesce($2, tier), tier_limit = CASE WHEN $2 IS NULL THEN tier_limit ELSE $3 END,
                     per_second = coalesce($4, per_second), quality = coalesce($5, quality), updated_at = puisano_now()
                 WHERE phone_number_id = $1",
            )
            .bind(number)
            .bind(tier)
            .bind(small(limit))
            .bind(small(per_second))
            .bind(quality)
            .execute(call.db())
            .await
            .map(drop)
        })
        .await;
        call.end(outcome)
    }

    /// Tries again at once, because somebody says that the trouble is over.
    pub async fn end_pauses(&self) -> Result<u64, StoreError> {
        let mut call = self.call("let the number try again").await?;
        let outcome = call::deadline(async {
            sqlx::query(
                "UPDATE number_states SET paused_until = puisano_now(), updated_at = puisano_now()
                 WHERE paused_since IS NOT NULL",
            )
            .execute(call.db())
            .await
        })
        .await;
        call.end(outcome).map(|done| done.rows_affected())
    }
}

/// How many calls may be made now, and how that was found.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) now: Timestamp,
    pub(super) pause: Option<NumberPause>,
    bucket: Bucket,
    pub(super) tier_limit: Option<i32>,
}

impl Gate {
    /// Reads the number's state. [`Share::Lanes`] holds it until the transaction ends, so that two nodes never take the same
    /// place; for notices see [`Gate::take`].
    pub(super) async fn open(
        db: &mut PgConnection,
        number: &Number,
        share: Share,
    ) -> Result<Self, sqlx::Error> {
        if let Some(gate) = Self::look(db, number, share).await? {
            return Ok(gate);
        }
        make_row(db, &number.id).await?;
        Self::look(db, number, share)
            .await?
            .ok_or(sqlx::Error::RowNotFound)
    }

    async fn look(
        db: &mut PgConnection,
        number: &Number,
        share: Share,
    ) -> Result<Option<Self>, sqlx::Error> {
        let sql = match share {
            Share::Lanes => concat!(
                "SELECT *, puisano_now() AS now, greatest(pace_tat, puisano_now()) AS tat ",
                "FROM number_states WHERE phone_number_id = $1 FOR UPDATE"
            ),
            Share::Notices => concat!(
                "SELECT *, puisano_now() AS now, greatest(pace_tat, puisano_now()) AS tat ",
                "FROM number_states WHERE phone_number_id = $1"
            ),
        };
        let row = sqlx::query(sql).bind(&number.id).fetch_optional(db).await?;
        row.map(|row| {
            let told: Option<i32> = row.try_get("per_second")?;
            let told = told.and_then(|told| u32::try_from(told).ok()).unwrap_or(0);
            let now = to_jiff(row.try_get("now")?);
            let tat = to_jiff(row.try_get("tat")?);
            Ok(Self {
                now,
                pause: pause_of(&row)?,
                bucket: Bucket::new(number.per_second.max(told), tat, now),
                tier_limit: row.try_get("tier_limit")?,
            })
        })
        .transpose()
    }

    /// How many calls may be made.
    pub(super) fn allowed(&self, share: Share) -> i64 {
        let allowed = self.bucket.allowed(share);
        match &self.pause {
            Some(pause) if pause.until > self.now => 0,
            Some(_) => allowed.min(1),
            None => allowed,
        }
    }

    /// When a call may be made, if none may be made now.
    pub(super) fn free_at(&self, share: Share) -> Option<Timestamp> {
        let pace = self.bucket.free_at(share);
        let free_at = self
            .pause
            .as_ref()
            .map_or(pace, |pause| pause.until.max(pace));
        (free_at > self.now).then_some(free_at)
    }

    /// Takes the places of `calls`. `false`: somebody was faster, and nothing has been taken.
    pub(super) async fn take(
        &mut self,
        db: &mut PgConnection,
        number: &Number,
        calls: i64,
    ) -> Result<bool, sqlx::Error> {
        let after = self.bucket.take(calls);
        // The time as it was read is the condition: whoever changed it meanwhile has taken places.
        let done = sqlx::query(
            "UPDATE number_states
             SET pace_tat = $3,
                 paused_until = CASE WHEN paused_since IS NULL THEN NULL ELSE $4 + make_interval(secs => $5) END
             WHERE phone_number_id = $1 AND pace_tat <= $2 AND paused_until IS NOT DISTINCT FROM $6",
        )
        .bind(&number.id)
        .bind(to_sql(self.bucket.tat()))
        .bind(to_sql(after.tat()))
        .bind(to_sql(self.now))
        .bind(PROBE_LEASE_SECONDS)
        .bind(self.pause.as_ref().map(|pause| to_sql(pause.until)))
        .execute(db)
        .await?;
        self.bucket = after;
        Ok(done.rows_affected() == 1)
    }
}

async fn make_row(db: &mut PgConnection, number: &PhoneNumberId) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO number_states (phone_number_id, updated_at) VALUES ($1, puisano_now()) ON CONFLICT DO NOTHING",
    )
    .bind(number)
    .execute(db)
    .await
    .map(drop)
}

async fn hear(
    db: &mut PgConnection,
    number: &PhoneNumberId,
    news: &NumberNews,
) -> Result<(), sqlx::Error> {
    let query = match &news.said {
        Said::Paused { .. } => sqlx::query(PAUSE),
        Said::Passed => sqlx::query(END_PAUSE),
        Said::Nothing => sqlx::query(END_PROBE),
    };
    let before = news.before.as_ref();
    let query = query
        .bind(number)
        .bind(before.map(|pause| to_sql(pause.since)))
        .bind(before.map_or(0, |pause| i32::try_from(pause.count).unwrap_or(i32::MAX)));
    let query = match &news.said {
        Said::Paused {
            delay_ms,
            scope,
            code,
            reason,
        } => query
            .bind(i64::try_from(*delay_ms).unwrap_or(i64::MAX))
            .bind(scope_name(*scope))
            .bind(*code)
            .bind(reason),
        Said::Passed | Said::Nothing => query,
    };
    query.execute(db).await.map(drop)
}

/// A pause that began meanwhile is only made longer; an operator's trouble is told before a number's.
const PAUSE: &str = "
UPDATE number_states n
SET paused_since = coalesce(n.paused_since, puisano_now()),
    paused_until = CASE WHEN same THEN again_at ELSE greatest(n.paused_until, again_at) END,
    pause_count = CASE WHEN same THEN n.pause_count + 1 ELSE n.pause_count END,
    pause_scope = CASE WHEN same OR $5 = 'operator' THEN $5 ELSE n.pause_scope END,
    pause_code = CASE WHEN same OR $5 = 'operator' THEN $6 ELSE n.pause_code END,
    pause_reason = CASE WHEN same OR $5 = 'operator' THEN $7 ELSE n.pause_reason END,
    updated_at = puisano_now()
FROM (SELECT phone_number_id, paused_since IS NOT DISTINCT FROM $2 AND pause_count = $3 AS same,
             puisano_now() + make_interval(secs => $4::int8 / 1000.0) AS again_at
      FROM number_states WHERE phone_number_id = $1 FOR UPDATE) was
WHERE n.phone_number_id = was.phone_number_id";

const END_PAUSE: &str = "
UPDATE number_states
SET paused_since = NULL, paused_until = NULL, pause_count = 0, pause_scope = NULL, pause_code = NULL, pause_reason = NULL,
    updated_at = puisano_now()
WHERE phone_number_id = $1 AND paused_since = $2 AND pause_count = $3";

const END_PROBE: &str = "
UPDATE number_states SET paused_until = puisano_now()
WHERE phone_number_id = $1 AND paused_since = $2 AND pause_count = $3";

fn state_of(row: &PgRow) -> Result<NumberState, sqlx::Error> {
    Ok(NumberState {
        id: row.try_get("phone_number_id")?,
        per_second: row.try_get("per_second")?,
        tier: row.try_get("tier")?,
        tier_limit: row.try_get("tier_limit")?,
        quality: row.try_get("quality")?,
        pause: pause_of(row)?,
    })
}

fn pause_of(row: &PgRow) -> Result<Option<NumberPause>, sqlx::Error> {
    let since: Option<jiff_sqlx::Timestamp> = row.try_get("paused_since")?;
    let until: Option<jiff_sqlx::Timestamp> = row.try_get("paused_until")?;
    let Some((since, until)) = since.zip(until) else {
        return Ok(None);
    };
    let scope: Option<&str> = row.try_get("pause_scope")?;
    let reason: Option<String> = row.try_get("pause_reason")?;
    Ok(Some(NumberPause {
        since: to_jiff(since),
        until: to_jiff(until),
        count: u32::try_from(row.try_get::<i32, _>("pause_count")?).unwrap_or(0),
        scope: if scope == Some("operator") {
            FailureScope::Operator
        } else {
            FailureScope::Number
        },
        code: row.try_get("pause_code")?,
        reason: reason.unwrap_or_default(),
    }))
}

fn scope_name(scope: FailureScope) -> &'static str {
    match scope {
        FailureScope::Operator => "operator",
        _ => "number",
    }
}
