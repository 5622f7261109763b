-- Looks at the head of each lane, whose lock is held already, and does what is due with it. Nothing passes a head.
-- Everything is judged anew on every look; `ready_at` only says when the next look is worth while.
WITH clock AS MATERIALIZED (SELECT puisano_now() AS now),
head AS MATERIALIZED (
    SELECT l.conversation_id, l.ready_at, l.pair_tat, l.epoch AS lane_epoch,
           o.id, o.state, o.attempt, o.author, o.epoch, o.resent, o.due_at, o.expires_at, o.sending_at,
           greatest(o.sending_at, coalesce($5::timestamptz, clock.now)) + make_interval(secs => $4::int8 / 1000.0) AS heard_out_at,
           clock.now
    FROM unnest($1::uuid[]) AS due (conversation_id)
    CROSS JOIN clock
    JOIN lanes l ON l.conversation_id = due.conversation_id
    LEFT JOIN LATERAL (
        SELECT * FROM outbox
        WHERE outbox.conversation_id = l.conversation_id AND outbox.state IN ('pending', 'sending', 'unknown')
          AND outbox.class IN ('reply', 'staff')
        ORDER BY outbox.seq LIMIT 1) o ON true
),
judged AS (
    SELECT head.*, CASE
        WHEN id IS NULL THEN 'idle'
        WHEN state = 'sending' AND sending_at + make_interval(secs => $3) > now THEN 'wait'
        WHEN state = 'sending' THEN 'lose'
        WHEN state = 'unknown' AND heard_out_at > now THEN 'listen'
        WHEN state = 'unknown' AND (resent OR expires_at <= now OR (author = 'bot' AND epoch <> lane_epoch)) THEN 'hold'
        WHEN author = 'bot' AND epoch <> lane_epoch THEN 'cancel'
        WHEN expires_at <= now THEN 'expire'
        WHEN due_at > now THEN 'later'
        WHEN pair_tat > now + make_interval(secs => $7) THEN 'pace'
        ELSE 'send' END AS act
    FROM head
),
acted AS MATERIALIZED (
    SELECT * FROM (SELECT judged.*, row_number() OVER (PARTITION BY act ORDER BY ready_at) AS place FROM judged) ranked
    WHERE act <> 'send' OR place <= $2
),
changed AS (
    UPDATE outbox o
    SET state = CASE a.act WHEN 'send' THEN 'sending' WHEN 'lose' THEN 'unknown' WHEN 'hold' THEN 'held' ELSE 'cancelled' END,
        attempt = o.attempt + CASE a.act WHEN 'send' THEN 1 ELSE 0 END,
        resent = o.resent OR (a.act = 'send' AND a.state = 'unknown'),
        sending_at = CASE a.act WHEN 'send' THEN a.now ELSE o.sending_at END,
        finished_at = CASE WHEN a.act IN ('hold', 'cancel', 'expire') THEN a.now END,
        failure = CASE a.act
            WHEN 'lose' THEN 'The service went down while it was being sent.'
            WHEN 'cancel' THEN 'A person has taken over the conversation.'
            WHEN 'expire' THEN 'It could not be sent in time.'
            ELSE o.failure END
    FROM acted a
    WHERE a.act IN ('send', 'lose', 'hold', 'cancel', 'expire')
      AND o.conversation_id = a.conversation_id AND o.id = a.id AND o.state = a.state AND o.attempt = a.attempt
    RETURNING o.*, a.act
),
told AS (
    UPDATE messages m
    SET status = CASE c.act WHEN 'lose' THEN 'unknown' WHEN 'hold' THEN 'held' ELSE 'cancelled' END
    FROM changed c
    WHERE m.conversation_id = c.conversation_id AND m.id = c.id AND m.status_rank < 0 AND c.act <> 'send'
),
relaned AS (
    UPDATE lanes l
    SET ready_at = CASE
            WHEN a.act = 'idle' THEN 'infinity'
            WHEN a.act = 'wait' THEN a.sending_at + make_interval(secs => $3)
            WHEN a.act = 'listen' THEN a.heard_out_at
            WHEN a.act = 'later' THEN a.due_at
            WHEN a.act = 'pace' THEN a.pair_tat - make_interval(secs => $7)
            WHEN a.act = 'send' AND c.id IS NOT NULL THEN a.now + make_interval(secs => $3)
            ELSE a.now END,
        pair_tat = CASE WHEN a.act = 'send' AND c.id IS NOT NULL
            THEN greatest(l.pair_tat, a.now) + make_interval(secs => $6) ELSE l.pair_tat END
    FROM acted a LEFT JOIN changed c ON c.conversation_id = a.conversation_id AND c.id = a.id
    WHERE l.conversation_id = a.conversation_id
)
SELECT CASE
           WHEN c.id IS NOT NULL AND c.act = 'send' THEN 'send'
           WHEN a.act IN ('idle', 'wait', 'listen', 'later', 'pace') THEN 'rest'
           ELSE 'again' END AS act,
       c.conversation_id, c.id, c.tag, c.phone_number_id, c.content, c.reply_to, c.attempt, c.tries,
       address.phone, address.user_id, clock.now
FROM clock
CROSS JOIN acted a
LEFT JOIN changed c ON c.conversation_id = a.conversation_id AND c.id = a.id
LEFT JOIN LATERAL (
    SELECT max(i.value) FILTER (WHERE i.kind = 'phone') AS phone, max(i.value) FILTER (WHERE i.kind = 'user_id') AS user_id
    FROM contact_identifiers i WHERE i.contact_id = c.contact_id AND c.act = 'send') address ON true
