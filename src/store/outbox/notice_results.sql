-- What calls of notices came to. An item changes only for the call it is waiting for; the id that WhatsApp gave is kept in
-- any case.
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
    SELECT o.conversation_id, o.id, o.contact_id, o.tries + CASE WHEN g.counted THEN 1 ELSE 0 END AS tries,
           CASE
               -- The window was closed after all: once more, as a template.
               WHEN g.code = 131047 AND g.verdict = 'rejected' AND o.content ->> 'type' = 'notice' AND NOT o.template_only
                   THEN 'reopened'
               -- Meta has the template no more, or not yet: it waits for one that is approved.
               WHEN g.code IN (132001, 132015, 132016, 141002) AND o.content ->> 'type' = 'notice' AND o.expires_at > clock.now
                   THEN 'untemplated'
               WHEN g.verdict = 'retry' AND g.counted AND o.tries + 1 >= $13 THEN 'rejected'
               WHEN g.verdict = 'retry' THEN 'pending'
               ELSE g.verdict
           END AS state,
           clock.now + greatest(
               make_interval(secs => g.delay_ms / 1000.0),
               CASE WHEN g.slow_down THEN make_interval(secs => power(4, least(l.blocks, 5))) ELSE interval '0' END) AS again_at,
           g.wamid, g.code, g.failure, g.errors, g.slow_down, g.attempt, clock.now
    FROM given g
    CROSS JOIN clock
    JOIN outbox o ON o.conversation_id = g.conversation_id AND o.id = g.id
    LEFT JOIN lanes l ON l.conversation_id = g.conversation_id
    WHERE o.state = 'sending' AND o.attempt = g.attempt
    ORDER BY o.conversation_id, o.id
    FOR UPDATE OF o
),
changed AS (
    UPDATE outbox o
    SET state = CASE WHEN w.state IN ('reopened', 'untemplated') THEN 'pending' ELSE w.state END,
        tries = w.tries,
        template_only = o.template_only OR w.state = 'reopened',
        waits_for = CASE w.state WHEN 'untemplated' THEN 'template' END,
        due_at = CASE w.state
            WHEN 'pending' THEN w.again_at
            WHEN 'reopened' THEN w.now
            WHEN 'untemplated' THEN w.now + interval '1 minute'
            WHEN 'unknown' THEN o.sending_at + make_interval(secs => $14::int8 / 1000.0)
            ELSE o.due_at END,
        wamid = coalesce(w.wamid, o.wamid),
        failure_code = w.code,
        failure = w.failure,
        finished_at = CASE WHEN w.state IN ('sent', 'rejected') THEN w.now END
    FROM waited w
    WHERE o.conversation_id = w.conversation_id AND o.id = w.id AND o.state = 'sending' AND o.attempt = w.attempt
),
told AS (
    UPDATE messages m
    SET wamid = coalesce(w.wamid, m.wamid),
        status = CASE
            WHEN w.state = 'sent' AND m.status_rank < 0 THEN 'accepted'
            WHEN w.state = 'rejected' AND m.status_rank < 2 THEN 'failed'
            WHEN w.state = 'unknown' AND m.status_rank < 0 THEN 'unknown'
            WHEN w.state IN ('pending', 'reopened', 'untemplated') AND m.status_rank < 0 THEN 'queued'
            ELSE m.status END,
        status_rank = CASE w.state
            WHEN 'sent' THEN greatest(m.status_rank, 0::int2)
            WHEN 'rejected' THEN greatest(m.status_rank, 2::int2)
            ELSE m.status_rank END,
        status_at = CASE WHEN m.status_rank < 0 THEN w.now ELSE m.status_at END,
        errors = CASE WHEN w.state = 'rejected' THEN w.errors::jsonb ELSE m.errors END
    FROM waited w
    WHERE m.conversation_id = w.conversation_id AND m.id = w.id
),
-- What Meta said about a template holds until the next look at its list.
marked AS (
    UPDATE template_links t
    SET state = CASE w.code WHEN 132015 THEN 'paused' WHEN 132016 THEN 'disabled' ELSE 'missing' END,
        explanation = w.failure, updated_at = w.now
    FROM waited w
    JOIN messages m ON m.conversation_id = w.conversation_id AND m.id = w.id
    WHERE w.state = 'untemplated' AND t.state = 'approved' AND m.is_template
      AND t.meta_name = m.template_data ->> 'name' AND t.meta_language = m.template_data ->> 'language'
),
-- The customer has told WhatsApp that marketing is not wanted; the message that was refused is the proof.
refused AS (
    UPDATE contacts k
    SET denied = k.denied || ARRAY['marketing'], granted = array_remove(k.granted, 'marketing'),
        opted_out = cardinality(k.denied) = 2,
        opted_out_at = CASE WHEN cardinality(k.denied) = 2 THEN coalesce(k.opted_out_at, r.now) END,
        updated_at = r.now
    FROM (SELECT DISTINCT ON (contact_id) contact_id, id, now FROM waited WHERE code = 131050 ORDER BY contact_id, id) r
    WHERE k.id = r.contact_id AND NOT 'marketing' = ANY (k.denied)
    RETURNING r.contact_id, r.id, r.now
),
witnessed AS (
    INSERT INTO consent_events (contact_id, id, category, granted, source, proof, at)
    SELECT contact_id, id, 'marketing', false, 'whatsapp', id::text, now FROM refused
    ON CONFLICT DO NOTHING
)
UPDATE lanes l
SET blocks = CASE WHEN w.slow_down THEN l.blocks + 1 ELSE 0 END
FROM (SELECT conversation_id, bool_or(slow_down) AS slow_down FROM waited GROUP BY conversation_id) w
WHERE l.conversation_id = w.conversation_id AND (w.slow_down OR l.blocks > 0)
