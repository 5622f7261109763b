//! Notices that WhatsApp accepted and then could not deliver: shown as refused, or sent once more as a template.
//!
//! Replies are not touched: they are about a moment that is over.

use sqlx::PgConnection;

/// What a status `failed` said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Failed {
    pub(in crate::store) phone_number_id: String,
    pub(in crate::store) wamid: String,
    pub(in crate::store) code: Option<i64>,
    pub(in crate::store) failure: String,
}

/// Takes note of `failed`, after the statuses themselves have been written.
pub(in crate::store) async fn note_failed(
    db: &mut PgConnection,
    mut failed: Vec<Failed>,
) -> Result<(), sqlx::Error> {
    if failed.is_empty() {
        return Ok(());
    }
    let key = |failed: &Failed| (failed.phone_number_id.clone(), failed.wamid.clone());
    failed.sort_by_key(key);
    failed.dedup_by_key(|failed| key(failed));
    let column = |value: fn(&Failed) -> String| failed.iter().map(value).collect::<Vec<_>>();
    sqlx::query(NOTE_FAILED)
        .bind(column(|failed| failed.phone_number_id.clone()))
        .bind(column(|failed| failed.wamid.clone()))
        .bind(failed.iter().map(|failed| failed.code).collect::<Vec<_>>())
        .bind(column(|failed| failed.failure.clone()))
        .execute(db)
        .await
        .map(drop)
}

/// An item that is sent again gets a new tag: what is still told about the first message then belongs to nobody.
const NOTE_FAILED: &str = "
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
given AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::text[], $3::int8[], $4::text[]) AS g (phone_number_id, wamid, code, failure)
),
found AS MATERIALIZED (
    SELECT o.conversation_id, o.id, o.contact_id, g.phone_number_id, g.wamid, g.code, g.failure, clock.now,
           coalesce(g.code = 131047, false) AND o.content ->> 'type' = 'notice' AND NOT o.template_only
               AND o.expires_at > clock.now AS again
    FROM given g
    CROSS JOIN clock
    JOIN outbound_keys k ON k.phone_number_id = g.phone_number_id AND k.wamid = g.wamid
    JOIN outbox o ON o.conversation_id = k.conversation_id AND o.id = k.message_id
    JOIN messages m ON m.conversation_id = o.conversation_id AND m.id = o.id
    WHERE o.class IN ('notification', 'bulk') AND o.state = 'sent' AND o.wamid = g.wamid AND m.status = 'failed'
    ORDER BY o.conversation_id, o.id
    FOR UPDATE OF o
),
changed AS (
    UPDATE outbox o
    SET state = CASE WHEN f.again THEN 'pending' ELSE 'rejected' END,
        template_only = o.template_only OR f.again,
        tag = CASE WHEN f.again THEN hashint8extended(o.tag, 1) ELSE o.tag END,
        wamid = CASE WHEN f.again THEN NULL ELSE o.wamid END,
        due_at = CASE WHEN f.again THEN f.now ELSE o.due_at END,
        finished_at = CASE WHEN f.again THEN NULL ELSE f.now END,
        failure_code = f.code, failure = f.failure
    FROM found f WHERE o.conversation_id = f.conversation_id AND o.id = f.id
),
told AS (
    UPDATE messages m
    SET status = 'queued', status_rank = -1, status_at = NULL, wamid = NULL, errors = NULL
    FROM found f WHERE f.again AND m.conversation_id = f.conversation_id AND m.id = f.id
),
-- The customer has told WhatsApp that marketing is not wanted; the message that was refused is the proof.
refused AS (
    UPDATE contacts k
    SET denied = k.denied || ARRAY['marketing'], granted = array_remove(k.granted, 'marketing'),
        opted_out = cardinality(k.denied) = 2,
        opted_out_at = CASE WHEN cardinality(k.denied) = 2 THEN coalesce(k.opted_out_at, r.now) END,
        updated_at = r.now
    FROM (SELECT DISTINCT ON (contact_id) contact_id, id, now FROM found WHERE code = 131050 ORDER BY contact_id, id) r
    WHERE k.id = r.contact_id AND NOT 'marketing' = ANY (k.denied)
    RETURNING r.contact_id, r.id, r.now
),
witnessed AS (
    INSERT INTO consent_events (contact_id, id, category, granted, source, proof, at)
    SELECT contact_id, id, 'marketing', false, 'whatsapp', id::text, now FROM refused
    ON CONFLICT DO NOTHING
)
DELETE FROM outbound_keys k USING found f
WHERE f.again AND k.phone_number_id = f.phone_number_id AND k.wamid = f.wamid";
