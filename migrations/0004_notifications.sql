-- Notifications: what is sent without having been asked for, at volume, outside the 24-hour window too.

-- What Meta has, as of the last look.
CREATE TABLE meta_templates (
    business_account_id text NOT NULL,
    name text NOT NULL,
    -- Meta's language code, which need not be the text's language.
    language text NOT NULL,
    meta_id text NOT NULL,
    -- As Meta writes it: APPROVED, PENDING, REJECTED, PAUSED, DISABLED and so on.
    status text NOT NULL,
    category text NOT NULL,
    quality text,
    rejected_reason text,
    parameter_format text NOT NULL CHECK (parameter_format IN ('positional', 'named')),
    components jsonb NOT NULL,
    synced_at timestamptz NOT NULL,
    PRIMARY KEY (business_account_id, name, language)
);

-- News about the account are carried out after they were stored.
ALTER TABLE account_events ADD COLUMN applied_at timestamptz;
UPDATE account_events SET applied_at = received_at;
CREATE INDEX account_events_unapplied ON account_events (id) WHERE applied_at IS NULL;

-- Which of Meta's templates is ours, in which language of the text.
CREATE TABLE template_links (
    template text NOT NULL,
    language text NOT NULL,
    -- `missing`: Meta has none; `differs`: Meta has another text. Only `approved` is sent.
    state text NOT NULL CHECK (state IN ('approved', 'pending', 'rejected', 'paused', 'disabled', 'differs', 'missing')),
    meta_name text,
    meta_language text,
    -- Names of Meta's parameters in our order, per component; null when they go by position.
    parameter_names jsonb,
    -- For people: what stands between us and sending.
    explanation text,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (template, language)
);

-- One call of a billing system, or one notice to an area.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    template text NOT NULL,
    category text NOT NULL CHECK (category IN ('account', 'service', 'marketing')),
    class text NOT NULL CHECK (class IN ('notification', 'bulk')),
    critical boolean NOT NULL DEFAULT false,
    -- Field values in normal form.
    fields jsonb NOT NULL,
    -- The language that was asked for, if any, before each recipient's own.
    language text,
    -- The text in every language, as it was when it was accepted.
    fillings jsonb NOT NULL,
    account text,
    area text,
    on_unknown text NOT NULL CHECK (on_unknown IN ('resend', 'hold')),
    origin text NOT NULL CHECK (origin IN ('live', 'simulated', 'demo')),
    -- Of the API key, or how else it came.
    created_by text NOT NULL,
    -- The same call came within a day, without an idempotency key.
    repeat_of uuid,
    request_hash bytea NOT NULL,
    ruleset_hash text NOT NULL,
    created_at timestamptz NOT NULL,
    send_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    stopped_at timestamptz
);
CREATE INDEX notifications_recent ON notifications (created_at DESC, id DESC);
CREATE INDEX notifications_repeats ON notifications (request_hash, created_at);

-- Whom it goes to: frozen when it is accepted.
CREATE TABLE notification_recipients (
    notification_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    conversation_id uuid,
    -- Also the id of the message; null until the recipient's item is in the outbox.
    outbox_id uuid,
    account text,
    -- Why nothing is sent: `opted_out`, `no_consent`, `no_address`, `stopped`, `cancelled`.
    skipped text CHECK (skipped IN ('opted_out', 'no_consent', 'no_address', 'stopped', 'cancelled')),
    PRIMARY KEY (notification_id, contact_id)
);
CREATE INDEX notification_recipients_waiting ON notification_recipients (notification_id, contact_id)
    WHERE outbox_id IS NULL AND skipped IS NULL;
CREATE INDEX notification_recipients_conversation ON notification_recipients (conversation_id, outbox_id);

-- Items beside the conversation's lane carry what the sender must know.
ALTER TABLE outbox ADD COLUMN class text NOT NULL DEFAULT 'reply'
    CHECK (class IN ('reply', 'staff', 'notification', 'bulk'));
ALTER TABLE outbox ADD COLUMN category text CHECK (category IN ('account', 'service', 'marketing'));
ALTER TABLE outbox ADD COLUMN critical boolean NOT NULL DEFAULT false;
ALTER TABLE outbox ADD COLUMN on_unknown text NOT NULL DEFAULT 'hold' CHECK (on_unknown IN ('resend', 'hold'));
ALTER TABLE outbox ADD COLUMN notification_id uuid;
-- For what is cancelled together.
ALTER TABLE outbox ADD COLUMN template text;
ALTER TABLE outbox ADD COLUMN account text;
-- Why it waits although it is due: `quiet_hours`, `template`, `tier`, `cap`, `pair`, `upload`, `paused`, `off`.
ALTER TABLE outbox ADD COLUMN waits_for text;
-- The 24-hour window turned out to be closed: it goes as a template or not at all.
ALTER TABLE outbox ADD COLUMN template_only boolean NOT NULL DEFAULT false;
ALTER TABLE outbox DROP CONSTRAINT outbox_author_check;
ALTER TABLE outbox ADD CONSTRAINT outbox_author_check CHECK (author IN ('bot', 'staff', 'system'));
ALTER TABLE messages DROP CONSTRAINT messages_author_check;
ALTER TABLE messages ADD CONSTRAINT messages_author_check
    CHECK (author IN ('contact', 'bot', 'staff', 'phone_app', 'whatsapp', 'system'));

-- What callers ask for by our id; the bot's own messages, which are many, are not among them.
CREATE INDEX messages_by_id ON messages (id) WHERE author IN ('system', 'staff');

DROP INDEX outbox_unfinished;
CREATE UNIQUE INDEX outbox_unfinished ON outbox (conversation_id, seq)
    WHERE state IN ('pending', 'sending', 'unknown') AND class IN ('reply', 'staff');
CREATE INDEX outbox_notices ON outbox (class, due_at)
    WHERE state IN ('pending', 'sending', 'unknown') AND class IN ('notification', 'bulk');
CREATE INDEX outbox_cancellable ON outbox (account, template)
    WHERE state = 'pending' AND class IN ('notification', 'bulk') AND account IS NOT NULL;
-- What a contact got lately, for the cap of a day.
CREATE INDEX outbox_noticed ON outbox (contact_id, sending_at)
    WHERE class IN ('notification', 'bulk') AND sending_at IS NOT NULL;
CREATE INDEX outbox_notified ON outbox (contact_id, finished_at)
    WHERE state = 'sent' AND class IN ('notification', 'bulk');
CREATE INDEX outbox_dead ON outbox (finished_at DESC, id DESC) WHERE state IN ('held', 'rejected');

-- What all nodes must know about a number before they send.
CREATE TABLE number_states (
    phone_number_id text PRIMARY KEY,
    -- Theoretical arrival time (GCRA) of the whole number's pace.
    pace_tat timestamptz NOT NULL DEFAULT '-infinity',
    -- As WhatsApp has told us; null while it has not.
    per_second integer CHECK (per_second > 0),
    -- Unique recipients a day outside the window; null is unlimited or not known.
    tier text,
    tier_limit integer CHECK (tier_limit > 0),
    quality text,
    -- Nothing is sent until then; the code of the error and what an operator should do.
    paused_until timestamptz,
    paused_since timestamptz,
    -- How many pauses in a row, and whether an operator has to act.
    pause_count integer NOT NULL DEFAULT 0,
    pause_scope text CHECK (pause_scope IN ('number', 'operator')),
    pause_code bigint,
    pause_reason text,
    updated_at timestamptz NOT NULL
);

-- Whom we have written to first, for the tier: outside their window, most recently at this time.
CREATE TABLE initiations (
    contact_id uuid PRIMARY KEY,
    at timestamptz NOT NULL
);
CREATE INDEX initiations_recent ON initiations (at);
