-- What calls came to. An item changes only for the call it is waiting for; the id that WhatsApp gave is kept in any case.
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
given AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::int2[], $5::text[], $6::text[], $7::int8[], $8::text[], $9::text[],
        $10::int8[], $11::bool[], $12::bool[])
    AS g (conversation_id, id, phone_number_id, attempt, verdict, wamid, code, failure, errors, delay_ms, counted, slow_down)
),
keyed AS (
    INSERT INTO outbound_keys (phone_number_id, wamid, conversation_id, message_id)
    SELECT phone_number_id, wamid, conversation_id, id FROM given WHERE wamid IS NOT NULL
    ON CONFLICT DO NOTHING
),
waited AS MATERIALIZED (
    SELECT o.conversation_id, o.id, o.seq, o.tries + CASE WHEN g.counted THEN 1 ELSE 0 END AS tries,
           CASE g.verdict
               WHEN 'retry' THEN CASE WHEN g.counted AND o.tries + 1 >= $13 THEN 'rejected' ELSE 'pending' END
               ELSE g.verdict
           END AS state,
           clock.now + greatest(
               make_interval(secs => g.delay_ms / 1000.0),
               CASE WHEN g.slow_down THEN make_interval(secs => power(4, least(l.blocks, 5))) ELSE interval '0' END) AS again_at,
           g.wamid, g.code, g.failure, g.errors, g.slow_down, g.attempt, clock.now
    FROM given g
    CROSS JOIN clock
    JOIN lanes l ON l.conversation_id = g.conversation_id
    JOIN outbox o ON o.conversation_id = g.conversation_id AND o.id = g.id
    WHERE o.state = 'sending' AND o.attempt = g.attempt
    ORDER BY o.conversation_id, o.id
    FOR UPDATE OF o
),
changed AS (
    UPDATE outbox o
    SET state = w.state,
        tries = w.tries,
        due_at = CASE w.state WHEN 'pending' THEN w.again_at ELSE o.due_at END,
        wamid = coalesce(w.wamid, o.wamid),
        failure_code = w.code,
        failure = w.failure,
        finished_at = CASE WHEN w.state IN ('sent', 'rejected') THEN w.now END
    FROM waited w
    WHERE o.conversation_id = w.conversation_id AND o.id = w.id AND o.state = 'sending' AND o.attempt = w.attempt
    RETURNING o.conversation_id, o.id, o.seq, o.state, o.due_at
),
told AS (
    UPDATE messages m
    SET wamid = coalesce(m.wamid, w.wamid),
        status = CASE
            WHEN w.state = 'sent' AND m.status_rank < 0 THEN 'accepted'
            WHEN w.state = 'rejected' AND m.status_rank < 2 THEN 'failed'
            WHEN w.state = 'unknown' AND m.status_rank < 0 THEN 'unknown'
            WHEN w.state = 'pending' AND m.status_rank < 0 THEN 'queued'
            ELSE m.status END,
        status_rank = CASE w.state
            WHEN 'sent' THEN greatest(m.status_rank, 0::int2)
            WHEN 'rejected' THEN greatest(m.status_rank, 2::int2)
            ELSE m.status_rank END,
        status_at = CASE WHEN m.status_rank < 0 THEN w.now ELSE m.status_at END,
        errors = CASE WHEN w.state = 'rejected' THEN w.errors::jsonb ELSE m.errors END
    FROM waited w
    WHERE m.conversation_id = w.conversation_id AND m.id = w.id
)
UPDATE lanes l
SET ready_at = CASE
        WHEN c.state IS NULL THEN clock.now
        WHEN c.state = 'pending' THEN c.due_at
        WHEN c.state = 'unknown' THEN clock.now
        WHEN EXISTS (
            SELECT 1 FROM outbox n
            WHERE n.conversation_id = c.conversation_id AND n.seq > c.seq
              AND n.state IN ('pending', 'sending', 'unknown') AND n.class IN ('reply', 'staff')) THEN clock.now
        ELSE 'infinity' END,
    blocks = CASE
        WHEN w.slow_down THEN l.blocks + 1
        WHEN c.state = 'sent' THEN 0
        ELSE l.blocks END
FROM given g
CROSS JOIN clock
LEFT JOIN waited w ON w.conversation_id = g.conversation_id AND w.id = g.id
LEFT JOIN changed c ON c.conversation_id = g.conversation_id AND c.id = g.id
WHERE l.conversation_id = g.conversation_id
