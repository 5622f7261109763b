//! Statuses of what we sent: joined by our opaque id, else by WhatsApp's id, else parked until that id is known.
//!
//! A message's status only rises by rank, so the order of arrival does not matter. A status also proves that a send was
//! accepted, which settles an outbox item whose call never told us.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::model::{OpaqueId, StatusError, StatusUpdate, Wamid};
use crate::store::messages::{delivery_name, storable_text};
use crate::store::outbox::{Failed, note_failed};
use crate::store::{Store, StoreError, Times, call, to_sql};

/// A parked status whose message turns up later than this belongs to another app.
const PARKED_RACE_SECONDS: f64 = 60.0;

/// One column after the other, as `unnest` takes them.
#[derive(Debug, Default)]
pub(super) struct StatusRows {
    phone_number_ids: Vec<String>,
    wamids: Vec<String>,
    statuses: Vec<String>,
    ranks: Vec<i16>,
    ats: Times,
    received_ats: Times,
    opaque_conversations: Vec<Option<Uuid>>,
    opaque_items: Vec<Option<Uuid>>,
    opaque_tags: Vec<Option<i64>>,
    errors: Vec<Option<String>>,
    raws: Vec<String>,
}

impl StatusRows {
    pub(super) fn push(&mut self, received_at: Timestamp, update: &StatusUpdate) {
        let opaque: Option<OpaqueId> = update.opaque.as_deref().and_then(|text| text.parse().ok());
        self.phone_number_ids
            .push(update.phone_number_id.as_str().to_owned());
        self.wamids.push(update.wamid.as_str().to_owned());
        self.statuses.push(delivery_name(update.status).to_owned());
        self.ranks.push(update.status.rank());
        self.ats.push(to_sql(update.at));
        self.received_ats.push(to_sql(received_at));
        self.opaque_conversations
            .push(opaque.as_ref().map(|opaque| opaque.conversation.0));
        self.opaque_items
            .push(opaque.as_ref().map(|opaque| opaque.outbox.0));
        self.opaque_tags
            .push(opaque.map(|opaque| opaque.tag.cast_signed()));
        let errors = (!update.errors.is_empty())
            .then(|| serde_json::to_string(&update.errors).unwrap_or_default());
        // `jsonb` cannot hold the character zero.
        self.errors
            .push(errors.map(|errors| storable_text(&errors.replace("\\u0000", " "))));
        self.raws.push(update.raw.to_string());
    }

    pub(super) fn len(&self) -> usize {
        self.wamids.len()
    }

    /// How many outbox items were settled.
    pub(super) async fn write(self, db: &mut PgConnection) -> Result<u64, sqlx::Error> {
        if self.wamids.is_empty() {
            return Ok(0);
        }
        let failed = self.failed();
        let settled: i64 = sqlx::query_scalar(WRITE_STATUSES)
            .bind(self.phone_number_ids)
            .bind(self.wamids)
            .bind(self.statuses)
            .bind(self.ranks)
            .bind(self.ats)
            .bind(self.received_ats)
            .bind(self.opaque_conversations)
            .bind(self.opaque_items)
            .bind(self.opaque_tags)
            .bind(self.errors)
            .bind(self.raws)
            .fetch_one(&mut *db)
            .await?;
        note_failed(db, failed).await?;
        Ok(settled.unsigned_abs())
    }

    fn failed(&self) -> Vec<Failed> {
        let all = self.phone_number_ids.iter().zip(&self.wamids);
        let all = all.zip(self.statuses.iter().zip(&self.errors));
        all.filter(|(_, (status, _))| *status == "failed")
            .map(|((phone_number_id, wamid), (_, errors))| {
                let errors: Vec<StatusError> = errors
                    .as_deref()
                    .and_then(|errors| serde_json::from_str(errors).ok())
                    .unwrap_or_default();
                let first = errors.into_iter().next();
                Failed {
                    phone_number_id: phone_number_id.clone(),
                    wamid: wamid.clone(),
                    code: first.as_ref().map(|error| error.code),
                    failure: first.map_or_else(String::new, |error| error.title),
                }
            })
            .collect()
    }
}

/// Rows are locked in the order of their keys, as the sender does, so that the two do not wait for each other in a ring.
/// What is locked carries what it is to become: a second join with `best` would compare each status with each other one.
const WRITE_STATUSES: &str = "
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::int2[], $5::timestamptz[], $6::timestamptz[], $7::uuid[], $8::uuid[],
        $9::int8[], $10::text[], $11::text[])
    AS g (phone_number_id, wamid, status, rank, at, received_at, opaque_conversation, opaque_item, opaque_tag, errors, raw)
),
known AS MATERIALIZED (
    SELECT g.*, coalesce(o.conversation_id, k.conversation_id) AS conversation_id, coalesce(o.id, k.message_id) AS message_id,
           k.message_id IS NULL AS is_news
    FROM given g
    LEFT JOIN outbox o
        ON o.conversation_id = g.opaque_conversation AND o.id = g.opaque_item AND o.tag = g.opaque_tag
    LEFT JOIN outbound_keys k ON k.phone_number_id = g.phone_number_id AND k.wamid = g.wamid
),
best AS MATERIALIZED (
    SELECT DISTINCT ON (conversation_id, message_id) *
    FROM known WHERE conversation_id IS NOT NULL
    ORDER BY conversation_id, message_id, rank DESC, at
),
parked AS (
    INSERT INTO parked_statuses (phone_number_id, wamid, status, at, rank, received_at, errors, raw)
    SELECT phone_number_id, wamid, status, at, rank, received_at, errors::jsonb, raw::json
    FROM known WHERE conversation_id IS NULL
    ON CONFLICT DO NOTHING
),
keyed AS (
    INSERT INTO outbound_keys (phone_number_id, wamid, conversation_id, message_id)
    SELECT phone_number_id, wamid, conversation_id, message_id FROM known WHERE conversation_id IS NOT NULL AND is_news
    ON CONFLICT DO NOTHING
),
recorded AS (
    INSERT INTO status_events (conversation_id, message_id, status, at, received_at, errors, raw)
    SELECT conversation_id, message_id, status, at, received_at, errors::jsonb, raw::json
    FROM known WHERE conversation_id IS NOT NULL
    ON CONFLICT DO NOTHING
),
unsettled AS MATERIALIZED (
    SELECT o.conversation_id, o.id, best.wamid, best.received_at
    FROM best JOIN outbox o ON o.conversation_id = best.conversation_id AND o.id = best.message_id
    WHERE o.state <> 'sent'
    ORDER BY o.conversation_id, o.id
    FOR UPDATE OF o
),
settled AS (
    UPDATE outbox o
    SET state = 'sent', wamid = u.wamid, finished_at = u.received_at, failure = NULL, failure_code = NULL
    FROM unsettled u
    WHERE o.conversation_id = u.conversation_id AND o.id = u.id AND o.state <> 'sent'
    RETURNING o.conversation_id
),
lower AS MATERIALIZED (
    SELECT m.conversation_id, m.id, best.wamid, best.status, best.rank, best.at, best.errors
    FROM best JOIN messages m ON m.conversation_id = best.conversation_id AND m.id = best.message_id
    WHERE m.status_rank < best.rank
    ORDER BY m.conversation_id, m.id
    FOR NO KEY UPDATE OF m
),
raised AS (
    UPDATE messages m
    SET status = l.status, status_rank = l.rank, status_at = l.at, wamid = coalesce(m.wamid, l.wamid),
        errors = CASE WHEN l.status = 'failed' THEN l.errors::jsonb ELSE NULL END
    FROM lower l
    WHERE m.conversation_id = l.conversation_id AND m.id = l.id AND m.status_rank < l.rank
),
-- A lane that a sender holds at this moment is passed over: it looks at its head again by itself, at the latest when the
-- window is over.
lane AS MATERIALIZED (
    SELECT l.conversation_id FROM lanes l
    WHERE l.conversation_id IN (SELECT conversation_id FROM settled) AND l.ready_at < 'infinity'
    FOR UPDATE SKIP LOCKED
),
freed AS (
    UPDATE lanes l SET ready_at = least(l.ready_at, puisano_now())
    FROM lane WHERE l.conversation_id = lane.conversation_id
)
SELECT count(*) FROM settled";

impl Store {
    /// Joins statuses that were parked while the id of their message was on its way. A status and the answer to the send
    /// that are committed at the same moment do not see each other; so the sender calls this now and then.
    pub async fn join_parked_statuses(&self) -> Result<u64, StoreError> {
        let mut call = self.call("join parked statuses").await?;
        let outcome = call::deadline(async {
            let mut transaction = sqlx::Connection::begin(call.db()).await?;
            let parked = sqlx::query_as(TAKE_RECENT)
                .bind(PARKED_RACE_SECONDS)
                .fetch_all(&mut *transaction)
                .await?;
            let rows = unpark(parked);
            let count = rows.wamids.len() as u64;
            rows.write(&mut transaction).await?;
            transaction.commit().await?;
            Ok(count)
        })
        .await;
        call.end(outcome)
    }
}

type Parked = (
    String,
    String,
    String,
    i16,
    jiff_sqlx::Timestamp,
    jiff_sqlx::Timestamp,
    Option<String>,
    String,
);

const TAKE_RECENT: &str = "
DELETE FROM parked_statuses p USING outbound_keys k
WHERE p.received_at >= puisano_now() - make_interval(secs => $1)
  AND k.phone_number_id = p.phone_number_id AND k.wamid = p.wamid
RETURNING p.phone_number_id, p.wamid, p.status, p.rank, p.at, p.received_at, p.errors::text, p.raw::text";

const TAKE_KNOWN: &str = "
DELETE FROM parked_statuses p USING unnest($1::text[], $2::text[]) AS k (phone_number_id, wamid)
WHERE k.phone_number_id = p.phone_number_id AND k.wamid = p.wamid
RETURNING p.phone_number_id, p.wamid, p.status, p.rank, p.at, p.received_at, p.errors::text, p.raw::text";

fn unpark(parked: Vec<Parked>) -> StatusRows {
    let mut rows = StatusRows::default();
    for (phone_number_id, wamid, status, rank, at, received_at, errors, raw) in parked {
        rows.phone_number_ids.push(phone_number_id);
        rows.wamids.push(wamid);
        rows.statuses.push(status);
        rows.ranks.push(rank);
        rows.ats.push(at);
        rows.received_ats.push(received_at);
        rows.opaque_conversations.push(None);
        rows.opaque_items.push(None);
        rows.opaque_tags.push(None);
        rows.errors.push(errors);
        rows.raws.push(raw);
    }
    rows
}

/// Joins the statuses that were parked for messages whose ids have just become known, inside the same transaction.
pub(in crate::store) async fn join_parked(
    db: &mut PgConnection,
    phone_number_ids: &[&str],
    wamids: &[&Wamid],
) -> Result<(), sqlx::Error> {
    let wamids: Vec<&str> = wamids.iter().map(|wamid| wamid.as_str()).collect();
    let parked = sqlx::query_as(TAKE_KNOWN)
        .bind(phone_number_ids)
        .bind(wamids)
        .fetch_all(&mut *db)
        .await?;
    unpark(parked).write(db).await.map(drop)
}
