-- The HTTP API: who may call, what was asked before, and files.

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    -- SHA-256 of the key; its first characters are shown in lists.
    hash bytea NOT NULL UNIQUE,
    prefix text NOT NULL,
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['send', 'contacts', 'conversations', 'templates', 'settings']),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz
);

-- The first answer to a request, given again to its repetitions.
CREATE TABLE idempotency_keys (
    api_key_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    request_hash bytea NOT NULL,
    status smallint NOT NULL,
    body json NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (api_key_id, key)
);
CREATE INDEX idempotency_keys_old ON idempotency_keys (created_at);

-- Token buckets shared by all nodes: one theoretical arrival time (GCRA) for each.
CREATE TABLE rate_limits (
    key text PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 200),
    tat timestamptz NOT NULL
);

-- Values that are never shown again, encrypted with the key of the installation.
CREATE TABLE secrets (
    name text PRIMARY KEY,
    ciphertext bytea NOT NULL,
    -- Still counts until then, while it is being changed outside.
    previous bytea,
    previous_until timestamptz,
    updated_at timestamptz NOT NULL
);

-- Files by owner (a contact, or `shared`) and content, so that erasing somebody is erasing a folder.
CREATE TABLE media_files (
    owner text NOT NULL CHECK (length(owner) BETWEEN 1 AND 64),
    -- SHA-256 in hex.
    hash text NOT NULL CHECK (length(hash) = 64),
    mime text NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    filename text,
    -- What WhatsApp calls it, when we have uploaded it there, and until when.
    uploaded_id text,
    uploaded_until timestamptz,
    -- The id counts for this number only.
    uploaded_for text,
    -- Whoever uploads it holds it until then.
    upload_due_at timestamptz NOT NULL DEFAULT '-infinity',
    upload_attempts smallint NOT NULL DEFAULT 0,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (owner, hash)
);

-- Items that wait until WhatsApp has their file.
CREATE INDEX outbox_uploads ON outbox (due_at) WHERE state = 'pending' AND waits_for = 'upload';

-- Files that customers sent, to be fetched while WhatsApp still has them.
CREATE TABLE media_fetches (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    phone_number_id text NOT NULL,
    media_id text NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'stored', 'failed')),
    attempts smallint NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    hash text,
    failure text,
    PRIMARY KEY (conversation_id, message_id)
);
CREATE INDEX media_fetches_due ON media_fetches (due_at) WHERE state = 'pending';

-- The file of a message, where it has one that is or should be here.
CREATE FUNCTION message_media(of_conversation uuid, of_message uuid) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object(
               'id', place.owner || '/' || place.hash, 'state', place.state,
               'mime', f.mime, 'bytes', f.bytes, 'filename', f.filename)
    FROM (
        SELECT m.contact_id::text AS owner, m.hash, m.state FROM media_fetches m
        WHERE m.conversation_id = of_conversation AND m.message_id = of_message
        UNION ALL
        SELECT split_part(path, '/', 1), split_part(path, '/', 2), 'stored'
        FROM (SELECT o.content #>> '{source,stored}' AS path FROM outbox o
              WHERE o.conversation_id = of_conversation AND o.id = of_message) sent
        WHERE path IS NOT NULL) place
    LEFT JOIN media_files f ON f.owner = place.owner AND f.hash = place.hash
    LIMIT 1
$$;
