-- The unique key decides what is new; everything else follows from what it let through.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
        $18::text[], $19::text[], $20::timestamptz[], $21::timestamptz[], $22::text[], $23::int2[], $24::int8[],
        $25::bool[])
    AS g (id, conversation_id, contact_id, phone_number_id, origin, direction, author, sender, recipient,
        profile_name, wamid, message_type, content, button, about, reply_to, media_id,
        group_id, raw, sent_at, received_at, status, status_rank, body_hash, due)
),
fresh AS (
    INSERT INTO inbound_keys (phone_number_id, wamid, conversation_id, message_id, body_hash)
    SELECT phone_number_id, wamid, conversation_id, id, body_hash FROM given
    ON CONFLICT (phone_number_id, wamid) DO NOTHING
    RETURNING message_id
),
new AS MATERIALIZED (
    SELECT given.*, r.revoked_at
    FROM given
    JOIN fresh ON fresh.message_id = given.id
    LEFT JOIN revocations r ON r.phone_number_id = given.phone_number_id AND r.wamid = given.wamid
),
stored AS (
    INSERT INTO messages (
        conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender, recipient, profile_name,
        wamid, message_type, content, button, about, reply_to, media_id, group_id, raw, sent_at, received_at, status,
        status_rank, status_at, revoked_at)
    SELECT conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender, recipient, profile_name,
        wamid, message_type, content, button, about, reply_to, media_id, group_id, raw::json, sent_at, received_at, status,
        status_rank, received_at, revoked_at
    FROM new
),
sent_elsewhere AS (
    INSERT INTO outbound_keys (phone_number_id, wamid, conversation_id, message_id)
    SELECT phone_number_id, wamid, conversation_id, id FROM new WHERE direction = 'outbound'
    ON CONFLICT DO NOTHING
),
queued AS (
    INSERT INTO pending_turns (conversation_id, message_id, sent_at)
    SELECT conversation_id, id, sent_at FROM new WHERE due
)
SELECT count(*), count(*) FILTER (WHERE due) FROM new
