-- What the judge decided, written at once. An item that was stopped or settled meanwhile stays as it is.
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
act AS MATERIALIZED (
    SELECT * FROM unnest(
        $1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::jsonb[], $8::bool[], $9::text[],
        $10::text[], $11::bool[], $12::timestamptz[], $14::int2[])
    AS a (conversation_id, id, act, due_at, waits_for, why, content, is_template, text, language, initiates, pair_tat, attempt)
),
changed AS (
    UPDATE outbox o
    SET state = CASE a.act
            WHEN 'send' THEN 'sending' WHEN 'lose' THEN 'unknown' WHEN 'hold' THEN 'held' WHEN 'cancel' THEN 'cancelled'
            ELSE o.state END,
        attempt = o.attempt + CASE a.act WHEN 'send' THEN 1 ELSE 0 END,
        resent = o.resent OR (a.act = 'send' AND o.state = 'unknown'),
        sending_at = CASE a.act WHEN 'send' THEN clock.now ELSE o.sending_at END,
        due_at = CASE a.act
            WHEN 'send' THEN clock.now + make_interval(secs => $13)
            WHEN 'wait' THEN a.due_at
            ELSE o.due_at END,
        finished_at = CASE WHEN a.act IN ('hold', 'cancel') THEN clock.now END,
        waits_for = a.waits_for,
        failure = CASE a.act
            WHEN 'lose' THEN 'The service went down while it was being sent.'
            WHEN 'cancel' THEN a.why
            ELSE o.failure END
    FROM act a CROSS JOIN clock
    WHERE o.conversation_id = a.conversation_id AND o.id = a.id AND o.attempt = a.attempt
      AND o.state IN ('pending', 'sending', 'unknown')
    RETURNING o.conversation_id, o.id, o.contact_id, o.attempt, o.tag, a.act, a.content, a.is_template, a.text, a.language,
              a.initiates, a.pair_tat
),
told AS (
    UPDATE messages m
    SET status = CASE c.act
            WHEN 'lose' THEN 'unknown' WHEN 'hold' THEN 'held' WHEN 'cancel' THEN 'cancelled' ELSE m.status END,
        is_template = coalesce(c.is_template, m.is_template),
        template_data = CASE WHEN c.is_template THEN c.content ELSE m.template_data END,
        message_type = CASE
            WHEN c.is_template THEN 'template'
            WHEN c.content ->> 'type' = 'text' THEN 'text'
            ELSE m.message_type END,
        content = coalesce(nullif(c.text, ''), m.content),
        language = coalesce(c.language, m.language),
        raw = coalesce(c.content::json, m.raw)
    FROM changed c
    WHERE m.conversation_id = c.conversation_id AND m.id = c.id
      AND (c.act = 'send' OR (c.act IN ('lose', 'hold', 'cancel') AND m.status_rank < 0))
),
initiated AS (
    INSERT INTO initiations (contact_id, at)
    SELECT DISTINCT c.contact_id, clock.now FROM changed c CROSS JOIN clock WHERE c.act = 'send' AND c.initiates
    ON CONFLICT (contact_id) DO UPDATE SET at = excluded.at
),
relaned AS (
    UPDATE lanes l SET pair_tat = greatest(l.pair_tat, c.pair_tat)
    FROM (SELECT conversation_id, max(pair_tat) AS pair_tat FROM changed WHERE act = 'send' GROUP BY conversation_id) c
    WHERE l.conversation_id = c.conversation_id
)
SELECT id, attempt, tag FROM changed WHERE act = 'send'
