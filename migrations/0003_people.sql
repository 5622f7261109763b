-- People and their accounts: who may be told what, about which account, in which area.

-- Places of the municipality, seeded from the pack. A notice to an area reaches it and everything below it.
CREATE TABLE areas (
    key text PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    name text NOT NULL,
    -- Folded, as people write it.
    aliases text[] NOT NULL DEFAULT '{}',
    parent text REFERENCES areas (key),
    updated_at timestamptz NOT NULL
);
CREATE INDEX areas_parent ON areas (parent);

ALTER TABLE contacts ADD COLUMN area text;
-- IANA name; without one the town's zone counts.
ALTER TABLE contacts ADD COLUMN time_zone text;
-- Consent by category: what was granted and what was denied; neither is unknown.
ALTER TABLE contacts ADD COLUMN granted text[] NOT NULL DEFAULT '{}'
    CHECK (granted <@ ARRAY['account', 'service', 'marketing']);
ALTER TABLE contacts ADD COLUMN denied text[] NOT NULL DEFAULT '{}'
    CHECK (denied <@ ARRAY['account', 'service', 'marketing']);
ALTER TABLE contacts ADD COLUMN updated_at timestamptz;
CREATE INDEX contacts_area ON contacts (area) WHERE area IS NOT NULL;
UPDATE contacts SET denied = ARRAY['account', 'service', 'marketing'] WHERE opted_out;

-- The categories in `held` and in `added` that are not in `removed`, in a fixed order: who grants a category takes its
-- denial back, and the other way round.
CREATE FUNCTION puisano_categories(held text[], added text[], removed text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY(
        SELECT category FROM unnest(ARRAY['account', 'service', 'marketing']) WITH ORDINALITY AS c (category, place)
        WHERE (category = ANY (held) OR category = ANY (added)) AND NOT category = ANY (removed)
        ORDER BY place)
$$;

-- Every grant and denial with where it came from; rows are never changed.
CREATE TABLE consent_events (
    contact_id uuid NOT NULL,
    id uuid NOT NULL,
    category text NOT NULL CHECK (category IN ('account', 'service', 'marketing')),
    granted boolean NOT NULL,
    -- Who or what said so: `message`, `whatsapp`, `import`, `api`, `staff`.
    source text NOT NULL CHECK (length(source) BETWEEN 1 AND 64),
    -- Where the proof is: a message id, a form's number, the words agreed to.
    proof text CHECK (length(proof) BETWEEN 1 AND 1000),
    at timestamptz NOT NULL,
    PRIMARY KEY (contact_id, id)
);
-- Who had opted out before there were categories: their own word. The ids come before those of all times.
INSERT INTO consent_events (contact_id, id, category, granted, source, at)
SELECT k.id, ('00000000-0000-7000-8000-00000000000' || place)::uuid, category, false, 'message',
       coalesce(k.opted_out_at, k.created_at)
FROM contacts k CROSS JOIN unnest(ARRAY['account', 'service', 'marketing']) WITH ORDINALITY AS c (category, place)
WHERE k.opted_out;

CREATE TABLE accounts (
    id uuid PRIMARY KEY,
    -- As the billing system writes it.
    number text NOT NULL UNIQUE CHECK (length(number) BETWEEN 1 AND 64),
    name text,
    area text,
    language text,
    active boolean NOT NULL DEFAULT true,
    fields jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX accounts_area ON accounts (area) WHERE area IS NOT NULL;

-- Several contacts for an account, several accounts for a contact.
CREATE TABLE account_contacts (
    account_id uuid NOT NULL REFERENCES accounts (id),
    contact_id uuid NOT NULL REFERENCES contacts (id),
    role text NOT NULL CHECK (role IN ('owner', 'tenant', 'payer', 'other')),
    -- How we know: `imported`, `staff`, `code`, `document`; the phone number's proof is lost when the number moves.
    proof text CHECK (length(proof) BETWEEN 1 AND 200),
    verified_at timestamptz,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, contact_id)
);
CREATE INDEX account_contacts_contact ON account_contacts (contact_id);
