-- All that webhooks add, in one statement: one way there and back, and mostly the whole transaction. Of messages the
-- unique key decides what is new; everything else about them follows from what it let through.
WITH envelope AS (
    INSERT INTO webhook_envelopes (id, received_at, origin, elements, body)
    SELECT id, received_at, origin, elements, body
    FROM unnest($26::uuid[], $27::timestamptz[], $28::text[], $29::int[], $30::bytea[])
         AS e (id, received_at, origin, elements, body)
    ON CONFLICT (id) DO NOTHING
),
contact AS (
    INSERT INTO contacts (id, origin, name, username, created_at)
    SELECT id, origin, name, username, $42
    FROM unnest($31::uuid[], $32::text[], $33::text[], $34::text[]) AS c (id, origin, name, username)
),
identifier AS (
    INSERT INTO contact_identifiers (kind, value, contact_id, linked_at)
    SELECT kind, value, contact_id, $42
    FROM unnest($35::text[], $36::text[], $37::uuid[]) AS i (kind, value, contact_id)
),
conversation AS (
    INSERT INTO conversations (id, phone_number_id, contact_id, origin, created_at)
    SELECT id, phone_number_id, contact_id, origin, $42::timestamptz
    FROM unnest($38::uuid[], $39::text[], $40::uuid[], $41::text[]) AS c (id, phone_number_id, contact_id, origin)
),
given AS MATERIALIZED (
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
