"""The sandbox's tables and every query on them. `sandbox.world` says what they mean."""

from __future__ import annotations

# Several processes start at once: the lock lets the first one make the tables.
PREPARE = """
SET synchronous_commit = off;
DO $$ BEGIN
IF to_regclass('sandbox.detail') IS NULL THEN
PERFORM pg_advisory_xact_lock(7236071142250871);
CREATE SCHEMA IF NOT EXISTS sandbox;
CREATE SEQUENCE IF NOT EXISTS sandbox.stream;
CREATE TABLE IF NOT EXISTS sandbox.device (
    session_id text PRIMARY KEY,
    epoch bigint NOT NULL DEFAULT 0,
    stream bigint NOT NULL DEFAULT 0,  -- the newest connection; any other one is replaced
    attempts integer NOT NULL DEFAULT 0,  -- to pair
    phone text UNIQUE,  -- the number it gets unless the scan names another
    jid text NOT NULL DEFAULT '',  -- empty: not linked
    push_name text NOT NULL DEFAULT '',
    contacts_count integer NOT NULL DEFAULT 25,
    ban_code integer NOT NULL DEFAULT 0,
    banned_until timestamptz NOT NULL DEFAULT '-infinity',
    delivered_upto bigint NOT NULL DEFAULT 0,  -- receipts are emitted up to this seq
    read_upto bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);  -- room to move the two cursors in place
CREATE TABLE IF NOT EXISTS sandbox.delivered (
    session_id text NOT NULL,
    message_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    recipient text NOT NULL,
    body text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, message_id),
    UNIQUE (session_id, seq)
);
CREATE INDEX IF NOT EXISTS delivered_by_age ON sandbox.delivered USING brin (taken_at);
CREATE TABLE IF NOT EXISTS sandbox.inbound (
    session_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    wa_id text NOT NULL,
    sender text NOT NULL,
    body text NOT NULL,
    sent_at timestamptz NOT NULL,
    push_name text NOT NULL,
    phone text NOT NULL,
    PRIMARY KEY (session_id, sender, wa_id),
    UNIQUE (session_id, seq)
);
CREATE TABLE IF NOT EXISTS sandbox.fault (
    session_id text NOT NULL,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL,
    PRIMARY KEY (session_id, seq)
);
CREATE TABLE IF NOT EXISTS sandbox.detail (  -- of what was sent, unless it is a plain text
    session_id text NOT NULL,
    message_id text NOT NULL,
    kind text NOT NULL,
    target text NOT NULL,  -- the message that it answers, changes or reacts to
    size bigint NOT NULL,  -- bytes of a file
    PRIMARY KEY (session_id, message_id)
);
END IF;
END $$
"""

PROVISION = "INSERT INTO sandbox.device (session_id) VALUES (%s) ON CONFLICT DO NOTHING"
PURGE = (
    "DELETE FROM sandbox.device WHERE session_id = %s",
    "DELETE FROM sandbox.delivered WHERE session_id = %s",
    "DELETE FROM sandbox.inbound WHERE session_id = %s",
    "DELETE FROM sandbox.fault WHERE session_id = %s",
    "DELETE FROM sandbox.detail WHERE session_id = %s",
)

OPEN = """
UPDATE sandbox.device
SET stream = nextval('sandbox.stream'), epoch = %(epoch)s, attempts = attempts + (jid = '')::int
WHERE session_id = %(session_id)s AND epoch <= %(epoch)s
RETURNING stream, coalesce(phone, ''), jid, push_name, contacts_count, attempts, ban_code,
    CASE WHEN banned_until > now() THEN banned_until END
"""
FORGET = """
WITH forgotten AS (
    DELETE FROM sandbox.delivered WHERE ctid = ANY (ARRAY (
        SELECT ctid FROM sandbox.delivered WHERE taken_at < now() - interval '7 days' LIMIT 5000
    ))
    RETURNING session_id, message_id
)
DELETE FROM sandbox.detail USING forgotten
WHERE (detail.session_id, detail.message_id) = (forgotten.session_id, forgotten.message_id)
"""
DESCRIBE = """
INSERT INTO sandbox.detail (session_id, message_id, kind, target, size)
VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING
"""
KNOWN = "SELECT EXISTS (SELECT FROM sandbox.device WHERE session_id = %s)"
PENDING = """
SELECT message_id, seq, seq <= delivered_upto, extract(epoch FROM now() - taken_at)::float8
FROM sandbox.delivered JOIN sandbox.device USING (session_id)
WHERE session_id = %s AND seq > read_upto ORDER BY seq
"""
TAKE = """
WITH asked AS (
    SELECT * FROM unnest(%s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[])
    WITH ORDINALITY AS asked (session_id, stream, message_id, recipient, body, place)
), live AS (  -- the lock makes a newer connection wait: its seqs are higher than ours
    SELECT session_id, stream FROM sandbox.device
    WHERE (session_id, stream) IN (SELECT session_id, stream FROM asked) AND jid <> ''
    ORDER BY session_id FOR SHARE
), taken AS (
    INSERT INTO sandbox.delivered (session_id, message_id, recipient, body)
    SELECT session_id, message_id, recipient, body
    FROM asked JOIN live USING (session_id, stream) ORDER BY place
    ON CONFLICT (session_id, message_id) DO NOTHING
    RETURNING session_id, message_id, seq, taken_at
)
SELECT session_id, NULL, stream, NULL FROM live
UNION ALL SELECT * FROM taken  -- joining them to `asked` here would be a nested loop
"""
TAKEN_BEFORE = """
SELECT session_id, message_id, seq, taken_at
FROM unnest(%s::text[], %s::text[]) AS asked (session_id, message_id)
JOIN sandbox.delivered USING (session_id, message_id)
"""
MOVE = """
UPDATE sandbox.device
SET delivered_upto = greatest(device.delivered_upto, moved.delivered_upto),
    read_upto = greatest(device.read_upto, moved.read_upto)
FROM unnest(%s::text[], %s::bigint[], %s::bigint[])
    AS moved (session_id, delivered_upto, read_upto)
WHERE device.session_id = moved.session_id
"""
LOST = """
SELECT held.stream, device.session_id IS NOT NULL
FROM unnest(%s::text[], %s::bigint[]) AS held (session_id, stream)
LEFT JOIN sandbox.device USING (session_id)
WHERE device.stream IS DISTINCT FROM held.stream
"""
CLAIM_PHONE = """
UPDATE sandbox.device SET phone = %(digits)s
WHERE session_id = %(session_id)s AND NOT EXISTS (
    SELECT FROM sandbox.device AS other
    WHERE other.phone = %(digits)s AND other.session_id <> %(session_id)s
)
RETURNING phone
"""
PAIR = """
UPDATE sandbox.device
SET jid = %s, push_name = %s, contacts_count = coalesce(%s, contacts_count),
    banned_until = '-infinity'
WHERE session_id = %s AND stream = %s
RETURNING contacts_count
"""
UNLINK = """
UPDATE sandbox.device SET jid = '' WHERE session_id = %s AND stream = %s RETURNING stream
"""
BAN = """
UPDATE sandbox.device
SET ban_code = %s, banned_until = now() + make_interval(secs => %s)
WHERE session_id = %s AND stream = %s
RETURNING banned_until
"""
QUEUE = """
INSERT INTO sandbox.inbound (session_id, wa_id, sender, body, sent_at, push_name, phone)
SELECT %s, wa_id, sender, body, sent_at, push_name, phone
FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[], %s::text[], %s::text[])
    WITH ORDINALITY AS queued (wa_id, sender, body, sent_at, push_name, phone, place)
ORDER BY place
ON CONFLICT DO NOTHING
"""
BACKLOG = """
SELECT seq, wa_id, sender, sender, body, sent_at, push_name, phone
FROM sandbox.inbound WHERE session_id = %s ORDER BY seq LIMIT %s
"""
DROP_BACKLOG = "DELETE FROM sandbox.inbound WHERE session_id = %s AND seq <= %s"
ARM = "INSERT INTO sandbox.fault (session_id, kind) VALUES (%s, %s) RETURNING seq, kind"
ARMED = "SELECT seq, kind FROM sandbox.fault WHERE session_id = %s ORDER BY seq"
DISARM = "DELETE FROM sandbox.fault WHERE session_id = %s AND seq = %s"
