//! Writes the results of calls and claims the heads of lanes that are ready.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::postgres::PgRow;
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use crate::model::{
    ConversationId, OpaqueId, OutboxId, PhoneNumber, PhoneNumberId, Recipient, StatusError, UserId,
    Wamid,
};
use crate::store::intake::join_parked;
use crate::store::messages::storable_text;
use crate::store::outbox::number::{Gate, Number, NumberPause};
use crate::store::outbox::pace::Share;
use crate::store::{Store, StoreError, call, to_jiff, to_sql};

/// Lanes that are looked at together.
const LANES_MAX: i64 = 256;
/// A call that has not ended by now never will: longer than any caller waits for one.
pub(super) const CALL_LOST_SECONDS: f64 = 30.0;
/// Answers that ask to come again, after which an item is given up.
pub(super) const TRIES_MAX: i16 = 6;
/// WhatsApp's pace for one recipient: one message in six seconds, and 45 at once.
const PAIR_INTERVAL_SECONDS: f64 = 6.0;
const PAIR_BURST: f64 = 45.0;

/// What a call came to.
#[derive(Clone, Debug)]
pub struct SendResult {
    pub conversation: ConversationId,
    pub id: OutboxId,
    pub phone_number_id: PhoneNumberId,
    pub attempt: i16,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Sent {
        wamid: Option<Wamid>,
    },
    /// Not sent; again after `delay_ms`.
    Retry {
        delay_ms: u64,
        /// Whether this uses up one of the item's tries.
        counted: bool,
        /// WhatsApp asks to slow down for this recipient: each time four times longer.
        slow_down: bool,
        code: Option<i64>,
        failure: String,
    },
    Rejected {
        code: Option<i64>,
        failure: String,
    },
    Unknown {
        code: Option<i64>,
        failure: String,
    },
}

/// Under which conditions items are claimed.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    pub number: &'a Number,
    /// Calls that may be made now.
    pub sends_max: i64,
    /// How long an unknown item waits for a status.
    pub window_ms: u64,
    /// Since when statuses could have reached us without a break; `None` is "since just now".
    pub healthy_since: Option<Timestamp>,
}

/// A call that is to be made, already written down as being made.
#[derive(Clone, Debug)]
pub struct Send {
    pub phone_number_id: PhoneNumberId,
    pub opaque: OpaqueId,
    /// `None` when the contact has neither a phone number nor a user id any more.
    pub to: Option<Recipient>,
    /// [`crate::model::OutgoingContent`].
    pub content: Value,
    pub reply_to: Option<Wamid>,
    pub attempt: i16,
    pub tries: i16,
}

#[derive(Clone, Debug)]
pub struct Exchange {
    pub sends: Vec<Send>,
    /// Some lanes have moved on and should be looked at again at once.
    pub again: bool,
    /// The pause that the calls are to end.
    pub pause: Option<NumberPause>,
    /// When the number may send again, if it may not now.
    pub free_at: Option<Timestamp>,
    /// The database's time.
    pub now: Timestamp,
}

impl Store {
    /// Writes `results`, then claims what is to be sent next.
    pub async fn exchange_sends(
        &self,
        results: &[SendResult],
        terms: Terms<'_>,
    ) -> Result<Exchange, StoreError> {
        let mut call = self.call("exchange with the outbox").await?;
        let outcome = call::deadline(async {
            let mut transaction = call.db().begin().await?;
            write_results(&mut transaction, results).await?;
            let exchange = claim(&mut transaction, terms).await?;
            transaction.commit().await?;
            Ok(exchange)
        })
        .await;
        call.end(outcome)
    }
}

async fn write_results(db: &mut PgConnection, results: &[SendResult]) -> Result<(), sqlx::Error> {
    if results.is_empty() {
        return Ok(());
    }
    let conversations = column(results, |result| result.conversation.0);
    // The lanes first, in order; only then are items read, so that none is overlooked that is put in at this moment.
    sqlx::query(
        "SELECT FROM lanes WHERE conversation_id = ANY($1) ORDER BY conversation_id FOR UPDATE",
    )
    .bind(&conversations)
    .execute(&mut *db)
    .await?;
    let verdicts = column(results, |result| ResultColumns::of(&result.verdict));
    sqlx::query(include_str!("results.sql"))
        .bind(&conversations)
        .bind(column(results, |result| result.id.0))
        .bind(column(results, |result| result.phone_number_id.0.clone()))
        .bind(column(results, |result| result.attempt))
        .bind(column(&verdicts, |verdict| verdict.verdict))
        .bind(column(&verdicts, |verdict| verdict.wamid.clone()))
        .bind(column(&verdicts, |verdict| verdict.code))
        .bind(column(&verdicts, |verdict| verdict.failure.clone()))
        .bind(column(&verdicts, |verdict| verdict.errors.clone()))
        .bind(column(&verdicts, |verdict| verdict.delay_ms))
        .bind(column(&verdicts, |verdict| verdict.counted))
        .bind(column(&verdicts, |verdict| verdict.slow_down))
        .bind(TRIES_MAX)
        .execute(&mut *db)
        .await?;
    join_parked_of(db, results).await
}

/// Statuses may have been quicker than the answers to their calls.
pub(super) async fn join_parked_of(
    db: &mut PgConnection,
    results: &[SendResult],
) -> Result<(), sqlx::Error> {
    let sent = results.iter().filter_map(|result| match &result.verdict {
        Verdict::Sent { wamid: Some(wamid) } => Some((result.phone_number_id.as_str(), wamid)),
        _ => None,
    });
    let (phone_number_ids, wamids): (Vec<_>, Vec<_>) = sent.unzip();
    if wamids.is_empty() {
        Ok(())
    } else {
        join_parked(db, &phone_number_ids, &wamids).await
    }
}

/// One column of `rows`, as `unnest` takes it.
pub(super) fn column<R, T>(rows: &[R], value: impl Fn(&R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

/// A verdict in columns.
#[derive(Default)]
pub(super) struct ResultColumns {
    pub(super) verdict: &'static str,
    pub(super) wamid: Option<String>,
    pub(super) code: Option<i64>,
    pub(super) failure: Option<String>,
    pub(super) errors: Option<String>,
    pub(super) delay_ms: i64,
    pub(super) counted: bool,
    pub(super) slow_down: bool,
}

impl ResultColumns {
    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Sent { wamid } => Self {
                verdict: "sent",
                wamid: wamid.as_ref().map(|wamid| wamid.0.clone()),
                ..Self::default()
            },
            Verdict::Retry {
                delay_ms,
                counted,
                slow_down,
                code,
                failure,
            } => Self {
                delay_ms: i64::try_from(*delay_ms).unwrap_or(i64::MAX),
                counted: *counted,
                slow_down: *slow_down,
                ..Self::failed("retry", *code, failure)
            },
            Verdict::Rejected { code, failure } => Self::failed("rejected", *code, failure),
            Verdict::Unknown { code, failure } => Self::failed("unknown", *code, failure),
        }
    }

    fn failed(verdict: &'static str, code: Option<i64>, failure: &str) -> Self {
        let failure = storable_text(failure);
        let error = StatusError {
            code: code.unwrap_or_default(),
            title: failure.clone(),
            details: String::new(),
        };
        let errors = serde_json::to_string(&[error]).ok();
        Self {
            verdict,
            code,
            failure: Some(failure),
            errors,
            ..Self::default()
        }
    }
}

async fn claim(db: &mut PgConnection, terms: Terms<'_>) -> Result<Exchange, sqlx::Error> {
    let now: jiff_sqlx::Timestamp;
    let mut lanes: Vec<Uuid> = Vec::new();
    if terms.sends_max > 0 {
        lanes = sqlx::query_scalar(
            "SELECT conversation_id FROM lanes
             WHERE ready_at <= puisano_now() AND ready_at < 'infinity'
             ORDER BY ready_at LIMIT $1
             FOR UPDATE SKIP LOCKED",
        )
        .bind(LANES_MAX)
        .fetch_all(&mut *db)
        .await?;
    }
    if lanes.is_empty() {
        now = sqlx::query_scalar("SELECT puisano_now()")
            .fetch_one(db)
            .await?;
        return Ok(Exchange {
            sends: Vec::new(),
            again: false,
            pause: None,
            free_at: None,
            now: to_jiff(now),
        });
    }
    let mut gate = Gate::open(db, terms.number, Share::Lanes).await?;
    let rows = sqlx::query(include_str!("claim.sql"))
        .bind(&lanes)
        .bind(terms.sends_max.min(gate.allowed(Share::Lanes)))
        .bind(CALL_LOST_SECONDS)
        .bind(i64::try_from(terms.window_ms).unwrap_or(i64::MAX))
        .bind(terms.healthy_since.map(to_sql))
        .bind(PAIR_INTERVAL_SECONDS)
        .bind(PAIR_INTERVAL_SECONDS * (PAIR_BURST - 1.0))
        .fetch_all(&mut *db)
        .await?;
    let mut exchange = Exchange {
        sends: Vec::new(),
        again: false,
        free_at: None,
        now: gate.now,
        pause: gate.pause.clone(),
    };
    for row in &rows {
        match row.try_get::<&str, _>("act")? {
            "send" => exchange.sends.push(send_of(row)?),
            "again" => exchange.again = true,
            _ => {}
        }
    }
    if !exchange.sends.is_empty() {
        let calls = i64::try_from(exchange.sends.len()).unwrap_or(i64::MAX);
        gate.take(db, terms.number, calls).await?;
    }
    exchange.free_at = gate.free_at(Share::Lanes);
    Ok(exchange)
}

pub(super) fn address_of(row: &PgRow) -> Result<Option<Recipient>, sqlx::Error> {
    let phone: Option<String> = row.try_get("phone")?;
    let user_id: Option<String> = row.try_get("user_id")?;
    let by_phone = phone
        .and_then(|phone| PhoneNumber::parse(&phone))
        .map(Recipient::Phone);
    let by_user_id = || {
        user_id
            .and_then(|id| UserId::parse(&id))
            .map(Recipient::UserId)
    };
    Ok(by_phone.or_else(by_user_id))
}

fn send_of(row: &PgRow) -> Result<Send, sqlx::Error> {
    Ok(Send {
        phone_number_id: row.try_get("phone_number_id")?,
        opaque: OpaqueId {
            conversation: row.try_get("conversation_id")?,
            outbox: row.try_get("id")?,
            tag: row.try_get::<i64, _>("tag")?.cast_unsigned(),
        },
        to: address_of(row)?,
        content: row.try_get("content")?,
        reply_to: row.try_get("reply_to")?,
        attempt: row.try_get("attempt")?,
        tries: row.try_get("tries")?,
    })
}
