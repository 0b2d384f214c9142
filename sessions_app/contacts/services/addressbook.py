"""Write many contacts in one statement, and only those that changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from sessions_app import jids
from sessions_app.contacts.services import storable

# A sync leaves a contact that did not change alone, except that its stamp may not be older
# than this: 50,000 rows are not rewritten to say that nothing happened.
STAMP_AGE = timedelta(hours=1)

# The rows come as JSON: one parameter instead of seven arrays, and a page that is already in
# the database never leaves it. A row without a sync's time is a sighting: it knows the push
# name and perhaps the phone number, and keeps the address book's columns as they are.
# Sorted, so that two writers lock rows in one order.
_MERGE = """
WITH incoming AS (
    SELECT coalesce(entry.tenant_id, %(tenant_id)s) AS tenant_id,
           coalesce(entry.session_id, %(session_id)s) AS session_id,
           public_id, jid, phone, name, push_name, raw
    FROM jsonb_to_recordset(coalesce(
        (SELECT entries FROM contacts_contactpage WHERE id = %(page_id)s), %(rows)s::jsonb
    )) AS entry (
        tenant_id bigint, session_id bigint, public_id text, jid text, phone text,
        name text, push_name text, raw jsonb
    )
)
INSERT INTO contacts_contact AS known (
    tenant_id, session_id, public_id, jid, phone, name, push_name, raw,
    last_synced_at, created_at, updated_at
)
SELECT incoming.tenant_id, incoming.session_id, incoming.public_id, incoming.jid,
       incoming.phone,
       CASE WHEN %(synced_at)s::timestamptz IS NULL THEN coalesce(twin.name, '')
            ELSE incoming.name END,
       incoming.push_name, incoming.raw,
       coalesce(%(synced_at)s::timestamptz, twin.last_synced_at),
       %(now)s::timestamptz, %(now)s::timestamptz
FROM incoming
LEFT JOIN contacts_contact old
    ON old.session_id = incoming.session_id AND old.jid = incoming.jid
-- The same person under the phone number's JID, from before the LID was known.
LEFT JOIN contacts_contact twin
    ON twin.session_id = incoming.session_id
    AND twin.jid = incoming.phone || '@s.whatsapp.net' AND twin.jid <> incoming.jid
WHERE CASE WHEN old.id IS NULL THEN NOT EXISTS (
        -- The other way round: known under the LID, so the number is no second contact.
        SELECT FROM contacts_contact lid
        WHERE lid.session_id = incoming.session_id AND lid.phone = incoming.phone
          AND lid.phone <> '' AND lid.jid <> incoming.jid
          AND incoming.jid = incoming.phone || '@s.whatsapp.net'
    ) ELSE
        (incoming.push_name <> '' AND incoming.push_name <> old.push_name)
        OR (incoming.phone <> '' AND incoming.phone <> old.phone)
        OR (%(synced_at)s::timestamptz IS NOT NULL AND (
            incoming.name <> old.name OR incoming.raw <> old.raw
            OR coalesce(old.last_synced_at < %(stale)s::timestamptz, true)
        ))
    END
ORDER BY incoming.session_id, incoming.jid
ON CONFLICT (session_id, jid) DO UPDATE SET
    phone = coalesce(nullif(excluded.phone, ''), known.phone),
    push_name = coalesce(nullif(excluded.push_name, ''), known.push_name),
    name = CASE WHEN %(synced_at)s::timestamptz IS NULL AND known.name <> ''
                THEN known.name ELSE excluded.name END,
    raw = CASE WHEN %(synced_at)s::timestamptz IS NULL THEN known.raw ELSE excluded.raw END,
    last_synced_at = coalesce(excluded.last_synced_at, known.last_synced_at),
    updated_at = excluded.updated_at
"""

# Once a person's LID is known, the contact under the phone number's JID is a duplicate.
_DROP_TWINS = """
DELETE FROM contacts_contact twin
USING jsonb_to_recordset(coalesce(
    (SELECT entries FROM contacts_contactpage WHERE id = %(page_id)s), %(rows)s::jsonb
)) AS entry (session_id bigint, jid text, phone text)
WHERE twin.session_id = coalesce(entry.session_id, %(session_id)s)
  AND twin.jid = entry.phone || '@s.whatsapp.net'
  AND entry.phone <> '' AND entry.jid <> twin.jid
"""


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page in the database, and whose contacts it holds."""

    page_id: int
    session_id: int
    tenant_id: int


def merge_page(page: PageOf, *, now: datetime) -> None:
    """Write a fetched page: it is the address book's word on names."""
    parameters = {
        "page_id": page.page_id,
        "session_id": page.session_id,
        "tenant_id": page.tenant_id,
        "rows": None,
        "synced_at": now,
    }
    _execute(_MERGE, parameters, now=now)
    _execute(_DROP_TWINS, parameters, now=now)


def merge_sightings(rows: list[dict[str, Any]], *, now: datetime) -> None:
    """Write people who wrote to us; every row names its session and tenant."""
    parameters = {
        "page_id": None,
        "session_id": None,
        "tenant_id": None,
        "rows": storable.dump(rows),
        "synced_at": None,
    }
    _execute(_MERGE, parameters, now=now)
    if any(row["phone"] != jids.phone_of(row["jid"]) for row in rows):
        _execute(_DROP_TWINS, parameters, now=now)


def _execute(statement: str, parameters: dict[str, Any], *, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**parameters, "now": now, "stale": now - STAMP_AGE})
