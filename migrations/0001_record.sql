-- The record: who writes, what was said, what arrived and what became of what we sent.

-- The one source of time in SQL: the moment of the statement, plus an offset that only tests set. The table stays empty
-- in service.
CREATE TABLE clock_offset (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    offset_ms bigint NOT NULL
);

CREATE FUNCTION puisano_now() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN statement_timestamp()
        + coalesce((SELECT offset_ms FROM clock_offset), 0) * interval '1 millisecond';
END $$;

-- A customer as a person.
CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    origin text NOT NULL CHECK (origin IN ('live', 'simulated', 'demo')),
    -- The profile name: free text from a stranger.
    name text,
    -- Display only, changeable, never a key.
    username text,
    -- The language the contact asked for; what is detected stands in the conversation.
    language text,
    opted_out boolean NOT NULL DEFAULT false,
    opted_out_at timestamptz,
    tags text[] NOT NULL DEFAULT '{}',
    fields jsonb NOT NULL DEFAULT '{}',
    -- When the first message of this contact was decided.
    first_turn_at timestamptz,
    created_at timestamptz NOT NULL
);

-- By what a contact is found again. A row says who holds the identifier now; it moves, history does not.
CREATE TABLE contact_identifiers (
    kind text NOT NULL CHECK (kind IN ('phone', 'user_id', 'parent_user_id')),
    value text NOT NULL CHECK (length(value) BETWEEN 1 AND 200),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    linked_at timestamptz NOT NULL,
    -- Never carried over when the identifier moves.
    verified_at timestamptz,
    PRIMARY KEY (kind, value)
);
CREATE INDEX contact_identifiers_contact ON contact_identifiers (contact_id);

-- One (phone number id, contact), for ever. Ingest adds rows and never changes one, so that it never waits for a worker.
CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    phone_number_id text NOT NULL CHECK (length(phone_number_id) BETWEEN 1 AND 64),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    origin text NOT NULL CHECK (origin IN ('live', 'simulated', 'demo')),
    owner text NOT NULL DEFAULT 'bot' CHECK (owner IN ('bot', 'waiting', 'person')),
    -- Raised whenever the owner changes; what was queued under an older one is not sent.
    epoch bigint NOT NULL DEFAULT 0,
    -- The engine's state, versioned JSON.
    state jsonb,
    language text,
    -- The last place taken in the conversation's outbox.
    outbox_seq bigint NOT NULL DEFAULT 0,
    -- Staff gave the conversation back and no message has been decided since.
    returned_at timestamptz,
    last_message_at timestamptz,
    created_at timestamptz NOT NULL,
    UNIQUE (phone_number_id, contact_id)
);
CREATE INDEX conversations_contact ON conversations (contact_id);

CREATE TABLE sessions (
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (conversation_id, id)
);

CREATE TABLE handoffs (
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    id uuid NOT NULL,
    -- The message that led to it; none when staff stepped in by themselves.
    message_id uuid,
    team text NOT NULL,
    priority text NOT NULL CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    reason text NOT NULL,
    note text,
    assignee text,
    waiting_since timestamptz NOT NULL,
    taken_at timestamptz,
    resolved_at timestamptz,
    outcome text CHECK (outcome IN ('resolved', 'returned')),
    PRIMARY KEY (conversation_id, id)
);
-- A conversation is handed over once at a time.
CREATE UNIQUE INDEX handoffs_open ON handoffs (conversation_id) WHERE resolved_at IS NULL;

-- Every message in and out.
CREATE TABLE messages (
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    contact_id uuid NOT NULL,
    phone_number_id text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('live', 'simulated', 'demo')),
    direction text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    author text NOT NULL CHECK (author IN ('contact', 'bot', 'staff', 'phone_app', 'whatsapp')),
    -- Phone number or user id for a person, phone number id for us.
    sender text NOT NULL,
    recipient text NOT NULL,
    profile_name text,
    wamid text CHECK (length(wamid) BETWEEN 1 AND 512),
    message_type text NOT NULL CHECK (message_type IN (
        'text', 'image', 'video', 'audio', 'voice', 'document', 'sticker', 'location', 'contacts', 'reaction',
        'button_reply', 'list_reply', 'button', 'form', 'call_permission', 'order', 'system', 'edit', 'revoke',
        'unsupported', 'unknown', 'interactive', 'template')),
    content text NOT NULL,
    button text,
    -- The wamid a reaction, an edit or a revoke is about.
    about text,
    reply_to text,
    media_id text,
    group_id text,
    is_template boolean NOT NULL DEFAULT false,
    template_data jsonb,
    -- What was sent (ours) or came (theirs), whole.
    raw json,
    -- WhatsApp's time for what came; the time of decision for what is sent.
    sent_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    status text NOT NULL CHECK (status IN (
        'received', 'queued', 'unknown', 'held', 'cancelled',
        'accepted', 'failed', 'sent', 'delivered', 'read', 'played', 'deleted')),
    -- Below zero until WhatsApp has spoken; from then on only upwards.
    status_rank smallint NOT NULL DEFAULT -1,
    status_at timestamptz,
    -- `[{code, title, details}]` of a failure.
    errors jsonb,
    sentiment double precision CHECK (sentiment BETWEEN -1 AND 1),
    sentiment_label text CHECK (sentiment_label IN ('not_judged', 'angry', 'negative', 'neutral', 'positive')),
    language text,
    intent text,
    -- The customer took the message back: lists hide what it said.
    revoked_at timestamptz,
    edited_at timestamptz,
    edited_content text,
    PRIMARY KEY (conversation_id, id)
) WITH (fillfactor = 80);

-- The customer's own name for each field of the record.
CREATE VIEW whatsapp_messages AS
SELECT id,
       direction AS type,
       sender,
       recipient,
       CASE WHEN revoked_at IS NULL THEN content ELSE '' END AS content,
       sent_at AS "timestamp",
       status,
       wamid AS message_id,
       message_type,
       is_template,
       template_data,
       CASE sentiment_label WHEN 'angry' THEN 'negative' WHEN 'not_judged' THEN NULL ELSE sentiment_label END AS sentiment,
       reply_to AS reply_to_message_id,
       conversation_id
FROM messages;

-- Webhooks as they came.
CREATE TABLE webhook_envelopes (
    id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL,
    origin text NOT NULL CHECK (origin IN ('live', 'simulated', 'demo')),
    elements integer NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE account_events (
    id uuid PRIMARY KEY,
    envelope_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    field text NOT NULL,
    raw json NOT NULL
);

CREATE TABLE unreadable_elements (
    id uuid PRIMARY KEY,
    envelope_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    reason text NOT NULL,
    raw json NOT NULL
);

-- What decides duplicates. Small, unpartitioned, kept longer than the messages.
CREATE TABLE inbound_keys (
    phone_number_id text NOT NULL,
    wamid text NOT NULL CHECK (length(wamid) BETWEEN 1 AND 512),
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    body_hash bigint NOT NULL,
    -- The same id came again with another body; the first one stands.
    mismatched_at timestamptz,
    PRIMARY KEY (phone_number_id, wamid)
);

-- Where a status that has nothing but WhatsApp's id belongs.
CREATE TABLE outbound_keys (
    phone_number_id text NOT NULL,
    wamid text NOT NULL CHECK (length(wamid) BETWEEN 1 AND 512),
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    PRIMARY KEY (phone_number_id, wamid)
);

-- Messages that were taken back before we had seen them are hidden when they come.
CREATE TABLE revocations (
    phone_number_id text NOT NULL,
    wamid text NOT NULL CHECK (length(wamid) BETWEEN 1 AND 512),
    revoked_at timestamptz NOT NULL,
    PRIMARY KEY (phone_number_id, wamid)
);

-- Every status once. `message_id` is a UUIDv7.
CREATE TABLE status_events (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('accepted', 'failed', 'sent', 'delivered', 'read', 'played', 'deleted')),
    at timestamptz NOT NULL,
    received_at timestamptz NOT NULL,
    errors jsonb,
    raw json NOT NULL,
    PRIMARY KEY (conversation_id, message_id, status, at)
);

-- Statuses of messages we do not know (yet): another app sent them, or our own answer to the send is still on its way.
CREATE TABLE parked_statuses (
    phone_number_id text NOT NULL,
    wamid text NOT NULL CHECK (length(wamid) BETWEEN 1 AND 512),
    status text NOT NULL CHECK (status IN ('accepted', 'failed', 'sent', 'delivered', 'read', 'played', 'deleted')),
    at timestamptz NOT NULL,
    rank smallint NOT NULL,
    received_at timestamptz NOT NULL,
    errors jsonb,
    raw json NOT NULL,
    PRIMARY KEY (phone_number_id, wamid, status, at)
);
CREATE INDEX parked_statuses_recent ON parked_statuses (received_at);
