-- The road: what waits to be decided, what was decided, what waits to be sent, and who is at work on it.

-- The queue of turns is the set of these rows: ingest inserts them, the fenced statement of a turn deletes them by id.
CREATE TABLE pending_turns (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, message_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX pending_turns_oldest ON pending_turns (message_id, conversation_id);

-- Who decides a conversation now. The fence makes what a worker that lost its lease still wants to write worthless.
CREATE TABLE turn_leases (
    conversation_id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    until timestamptz NOT NULL,
    -- Claims since the last one that was finished or given back: above zero the conversation has brought down a worker,
    -- or was in the hands of one that went down.
    attempts smallint NOT NULL
) WITH (fillfactor = 70);

-- Messages that could not be decided; staff was told instead.
CREATE TABLE quarantined_turns (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    attempts smallint NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, message_id)
);

-- Why the bot answered as it did. `now` and `seed` make a replay exact.
CREATE TABLE decisions (
    conversation_id uuid NOT NULL,
    message_id uuid NOT NULL,
    ruleset_hash text NOT NULL,
    now timestamptz NOT NULL,
    seed bigint NOT NULL,
    owner text NOT NULL CHECK (owner IN ('bot', 'waiting', 'person')),
    decision json NOT NULL,
    trace json NOT NULL,
    PRIMARY KEY (conversation_id, message_id)
);

-- What is to be sent. `id` is also the id of the message it makes.
CREATE TABLE outbox (
    conversation_id uuid NOT NULL,
    id uuid NOT NULL,
    -- Place in the conversation's lane: the order of acceptance.
    seq bigint NOT NULL,
    -- Random; with the ids it travels as the opaque id, so that a status proves that it is about this item.
    tag bigint NOT NULL,
    contact_id uuid NOT NULL,
    phone_number_id text NOT NULL,
    author text NOT NULL CHECK (author IN ('bot', 'staff')),
    epoch bigint NOT NULL,
    content jsonb NOT NULL,
    reply_to text,
    state text NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'rejected', 'unknown', 'held', 'cancelled')),
    -- Calls made. Whoever changes an item on behalf of a call names the call.
    attempt smallint NOT NULL DEFAULT 0,
    -- Answers that asked to come again.
    tries smallint NOT NULL DEFAULT 0,
    -- An unknown outcome is sent once more, not twice.
    resent boolean NOT NULL DEFAULT false,
    due_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    sending_at timestamptz,
    finished_at timestamptz,
    wamid text CHECK (length(wamid) BETWEEN 1 AND 512),
    failure_code bigint,
    failure text,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (conversation_id, id)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX outbox_unfinished ON outbox (conversation_id, seq) WHERE state IN ('pending', 'sending', 'unknown');

-- What the sender must know about a conversation. Whoever puts items into the outbox locks the conversation first and the
-- lane second; the sender locks lanes only, and reads items after it has the lock: otherwise an item put in between would
-- be overlooked.
CREATE TABLE lanes (
    conversation_id uuid PRIMARY KEY,
    -- The conversation's epoch, repeated here so that the statement that sends checks it under the lock it holds.
    epoch bigint NOT NULL,
    -- When the head of the lane can be looked at again; infinity when there is none.
    ready_at timestamptz NOT NULL,
    -- Theoretical arrival times (GCRA): of the pair's pace at WhatsApp, and of the pack's replies a minute.
    pair_tat timestamptz NOT NULL DEFAULT '-infinity',
    reply_tat timestamptz NOT NULL DEFAULT '-infinity',
    -- How often in a row WhatsApp asked to slow down for this recipient.
    blocks smallint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX lanes_ready ON lanes (ready_at) WHERE ready_at < 'infinity';

CREATE TABLE settings (
    key text PRIMARY KEY,
    value jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);

-- Published rule sets. The one with the highest `seq` is live.
CREATE TABLE rulesets (
    hash text PRIMARY KEY,
    seq bigint NOT NULL UNIQUE,
    sources json NOT NULL,
    published_at timestamptz NOT NULL
);
CREATE SEQUENCE ruleset_seq OWNED BY rulesets.seq;
