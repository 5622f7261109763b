-- Everything that a claim led to, for many conversations at once. Fence and epoch are checked on rows that are then held:
-- a conversation that was claimed again, or whose owner changed meanwhile, is left as it is. Messages are taken by id, so
-- one that arrived in between stays due.
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
claim AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::int8[], $3::int8[], $4::text[], $5::text[], $6::timestamptz[], $7::bool[], $8::bool[], $9::int8[],
        $10::timestamptz[], $11::timestamptz[])
    AS c (id, fence, epoch, state, language, last_message_at, escalated, returned_seen, items, first_due_at, reply_tat)
),
held AS MATERIALIZED (
    SELECT l.conversation_id
    FROM turn_leases l JOIN claim ON claim.id = l.conversation_id AND claim.fence = l.fence
    ORDER BY l.conversation_id
    FOR UPDATE OF l
),
open AS MATERIALIZED (
    SELECT c.id, c.outbox_seq, claim.epoch, claim.state, claim.language, claim.last_message_at, claim.escalated,
           claim.returned_seen, claim.items, claim.first_due_at, claim.reply_tat
    FROM conversations c
    JOIN held ON held.conversation_id = c.id
    JOIN claim ON claim.id = c.id AND claim.epoch = c.epoch
    ORDER BY c.id
    FOR NO KEY UPDATE OF c
),
released AS (
    UPDATE turn_leases l SET until = '-infinity', attempts = 0
    FROM open WHERE l.conversation_id = open.id
    RETURNING l.conversation_id
),
turn AS MATERIALIZED (
    SELECT t.* FROM unnest(
        $12::uuid[], $13::uuid[], $14::text[], $15::timestamptz[], $16::int8[], $17::text[], $18::text[], $19::text[],
        $20::float8[], $21::text[], $22::text[], $23::text[])
    AS t (conversation_id, message_id, ruleset_hash, now, seed, owner, decision, trace, sentiment, sentiment_label,
          language, intent)
    JOIN open ON open.id = t.conversation_id
),
taken AS (
    DELETE FROM pending_turns p USING turn
    WHERE p.conversation_id = turn.conversation_id AND p.message_id = turn.message_id
),
decided AS (
    INSERT INTO decisions (conversation_id, message_id, ruleset_hash, now, seed, owner, decision, trace)
    SELECT conversation_id, message_id, ruleset_hash, now, seed, owner, decision::json, trace::json FROM turn
    ON CONFLICT DO NOTHING
),
judged AS (
    UPDATE messages m
    SET sentiment = turn.sentiment, sentiment_label = turn.sentiment_label, language = turn.language, intent = turn.intent
    FROM turn WHERE m.conversation_id = turn.conversation_id AND m.id = turn.message_id
),
moved AS (
    UPDATE conversations c
    SET state = open.state::jsonb,
        language = open.language,
        last_message_at = greatest(c.last_message_at, open.last_message_at),
        returned_at = CASE WHEN open.returned_seen THEN NULL ELSE c.returned_at END,
        owner = CASE WHEN open.escalated THEN 'waiting' ELSE c.owner END,
        epoch = c.epoch + CASE WHEN open.escalated THEN 1 ELSE 0 END,
        outbox_seq = c.outbox_seq + open.items
    FROM open WHERE c.id = open.id
),
item AS MATERIALIZED (
    SELECT i.*, open.outbox_seq + i.place AS seq FROM unnest(
        $24::uuid[], $25::uuid[], $26::int8[], $27::int8[], $28::uuid[], $29::text[], $30::int8[], $31::text[],
        $32::text[], $33::timestamptz[], $34::timestamptz[], $35::text[], $36::text[], $37::text[], $38::text[])
    AS i (conversation_id, id, place, tag, contact_id, phone_number_id, epoch, content, reply_to, due_at, expires_at,
          origin, recipient, message_type, text)
    JOIN open ON open.id = i.conversation_id
),
queued AS (
    INSERT INTO outbox (conversation_id, id, seq, tag, contact_id, phone_number_id, author, epoch, content, state,
                        due_at, expires_at, created_at)
    SELECT conversation_id, id, seq, tag, contact_id, phone_number_id, 'bot', epoch, content::jsonb, 'pending',
           due_at, expires_at, clock.now
    FROM item CROSS JOIN clock
),
said AS (
    INSERT INTO messages (conversation_id, id, contact_id, phone_number_id, origin, direction, author, sender, recipient,
                          message_type, content, reply_to, raw, sent_at, received_at, status)
    SELECT conversation_id, id, contact_id, phone_number_id, origin, 'outbound', 'bot', phone_number_id, recipient,
           message_type, text, reply_to, content::json, clock.now, clock.now, 'queued'
    FROM item CROSS JOIN clock
),
laned AS (
    INSERT INTO lanes AS l (conversation_id, epoch, ready_at, reply_tat)
    SELECT open.id, open.epoch + CASE WHEN open.escalated THEN 1 ELSE 0 END, coalesce(open.first_due_at, 'infinity'),
           coalesce(open.reply_tat, '-infinity')
    FROM open WHERE open.items > 0 OR open.escalated
    ORDER BY open.id
    ON CONFLICT (conversation_id) DO UPDATE
    SET epoch = excluded.epoch, ready_at = least(l.ready_at, excluded.ready_at),
        reply_tat = greatest(l.reply_tat, excluded.reply_tat)
),
known AS (
    UPDATE contacts k
    SET name = coalesce(c.name, k.name),
        granted = CASE WHEN c.consents IS NULL THEN k.granted ELSE puisano_categories(k.granted, c.granted, c.denied) END,
        denied = CASE WHEN c.consents IS NULL THEN k.denied ELSE puisano_categories(k.denied, c.denied, c.granted) END,
        opted_out = CASE
            WHEN c.consents IS NULL THEN k.opted_out
            ELSE cardinality(puisano_categories(k.denied, c.denied, c.granted)) = 3 END,
        opted_out_at = CASE
            WHEN c.consents IS NULL THEN k.opted_out_at
            WHEN cardinality(puisano_categories(k.denied, c.denied, c.granted)) = 3 THEN coalesce(k.opted_out_at, clock.now)
        END,
        fields = (k.fields - ARRAY(SELECT jsonb_array_elements_text(c.change::jsonb -> 'forget')))
                 || (c.change::jsonb -> 'set'),
        tags = ARRAY(
            SELECT DISTINCT tag FROM unnest(k.tags || ARRAY(SELECT jsonb_array_elements_text(c.change::jsonb -> 'tag'))) AS tag
            WHERE NOT c.change::jsonb -> 'untag' ? tag ORDER BY tag),
        first_turn_at = coalesce(k.first_turn_at, clock.now)
    FROM (SELECT u.*, ARRAY(SELECT jsonb_array_elements_text(u.consents::jsonb -> 'granted')) AS granted,
                 ARRAY(SELECT jsonb_array_elements_text(u.consents::jsonb -> 'denied')) AS denied
          FROM unnest($39::uuid[], $40::uuid[], $41::text[], $42::text[], $43::text[])
               AS u (conversation_id, contact_id, name, consents, change)) c
    JOIN open ON open.id = c.conversation_id
    CROSS JOIN clock
    WHERE k.id = c.contact_id
),
consented AS (
    INSERT INTO consent_events (contact_id, id, category, granted, source, proof, at)
    SELECT c.contact_id, e.id, e.category, e.granted, 'message', e.proof, clock.now
    FROM unnest($39::uuid[], $40::uuid[], $42::text[]) AS c (conversation_id, contact_id, consents)
    JOIN open ON open.id = c.conversation_id
    CROSS JOIN LATERAL jsonb_to_recordset(c.consents::jsonb -> 'events')
         AS e (id uuid, category text, granted boolean, proof text)
    CROSS JOIN clock
),
handed AS (
    INSERT INTO handoffs (conversation_id, id, message_id, team, priority, reason, note, waiting_since)
    SELECT h.conversation_id, h.id, h.message_id, h.team, h.priority, h.reason, h.note, clock.now
    FROM unnest($44::uuid[], $45::uuid[], $46::uuid[], $47::text[], $48::text[], $49::text[], $50::text[])
         AS h (conversation_id, id, message_id, team, priority, reason, note)
    JOIN open ON open.id = h.conversation_id
    CROSS JOIN clock
    ON CONFLICT DO NOTHING
),
ended AS (
    UPDATE sessions s SET ended_at = e.ended_at
    FROM unnest($51::uuid[], $52::timestamptz[]) AS e (conversation_id, ended_at)
    JOIN open ON open.id = e.conversation_id
    WHERE s.conversation_id = e.conversation_id AND s.ended_at IS NULL
),
begun AS (
    INSERT INTO sessions (conversation_id, id, started_at, ended_at)
    SELECT b.conversation_id, b.id, b.started_at, b.ended_at
    FROM unnest($53::uuid[], $54::uuid[], $55::timestamptz[], $56::timestamptz[])
         AS b (conversation_id, id, started_at, ended_at)
    JOIN open ON open.id = b.conversation_id
    ON CONFLICT DO NOTHING
)
SELECT conversation_id FROM released
