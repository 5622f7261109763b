-- What decides about each of the given items. Their lanes and contacts are held; what is written here is as it stands.
WITH clock AS MATERIALIZED (
    SELECT now, now - interval '24 hours' AS yesterday,
           -- Ids begin with their time: messages before this are not read. A little more than the window.
           (lpad(to_hex((extract(epoch FROM now - interval '25 hours') * 1000)::int8), 12, '0') || repeat('0', 20))::uuid
               AS oldest_id
    FROM (SELECT puisano_now() AS now) AS moment
)
SELECT o.conversation_id, o.id, o.contact_id, o.phone_number_id, o.class, o.category, o.critical, o.on_unknown, o.state,
       o.attempt, o.tries, o.resent, o.sending_at, o.expires_at, o.content, o.reply_to, o.template_only,
       k.opted_out, k.denied, k.granted, k.time_zone,
       -- No pair uses up its allowance for longer; a time further ahead is of a clock that was put back.
       CASE WHEN l.pair_tat > clock.now + interval '10 minutes' THEN clock.now
            ELSE greatest(l.pair_tat, clock.now) END AS pair_tat,
       said.last_inbound_at, coalesce(today.sent, 0) AS sent_today, today.first AS first_today,
       EXISTS (SELECT FROM outbox b WHERE b.conversation_id = o.conversation_id AND b.state = 'sending'
               AND b.class IN ('notification', 'bulk') AND b.id <> o.id) AS under_way,
       EXISTS (SELECT FROM initiations i WHERE i.contact_id = o.contact_id AND i.at > clock.yesterday) AS initiated,
       address.phone, address.user_id, link.links,
       file.hash IS NOT NULL AS file_is_here,
       CASE WHEN file.uploaded_until > clock.now AND file.uploaded_for = o.phone_number_id THEN file.uploaded_id END AS uploaded_id
FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS due (conversation_id, id, place)
CROSS JOIN clock
JOIN outbox o ON o.conversation_id = due.conversation_id AND o.id = due.id
JOIN lanes l ON l.conversation_id = o.conversation_id
JOIN contacts k ON k.id = o.contact_id
CROSS JOIN LATERAL (
    SELECT max(m.sent_at) AS last_inbound_at FROM messages m
    WHERE m.conversation_id = o.conversation_id AND m.id >= clock.oldest_id AND m.direction = 'inbound'
      AND m.author = 'contact' AND m.message_type NOT IN ('reaction', 'edit', 'revoke', 'system')) said
CROSS JOIN LATERAL (
    SELECT count(*) AS sent, min(n.sending_at) AS first FROM outbox n
    WHERE n.contact_id = o.contact_id AND n.sending_at > clock.yesterday AND n.class IN ('notification', 'bulk')
      AND n.state IN ('sending', 'sent', 'unknown', 'held') AND n.id <> o.id) today
CROSS JOIN LATERAL (
    SELECT max(i.value) FILTER (WHERE i.kind = 'phone') AS phone, max(i.value) FILTER (WHERE i.kind = 'user_id') AS user_id
    FROM contact_identifiers i WHERE i.contact_id = o.contact_id) address
CROSS JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_object(
               'language', t.language, 'meta_name', t.meta_name, 'meta_language', t.meta_language,
               'parameter_names', coalesce(t.parameter_names, '{}'))) AS links
    FROM template_links t
    WHERE t.template = o.content ->> 'template' AND t.state = 'approved'
      AND t.meta_name IS NOT NULL AND t.meta_language IS NOT NULL) link
LEFT JOIN media_files file
    ON file.owner = split_part(o.content #>> '{source,stored}', '/', 1)
   AND file.hash = split_part(o.content #>> '{source,stored}', '/', 2)
WHERE o.state IN ('pending', 'sending', 'unknown') AND o.due_at <= clock.now
ORDER BY due.place
