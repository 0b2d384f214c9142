"""Write many contacts in one statement: those that changed, and as many as the plan keeps.

How many a tenant has is counted in the statement that adds some, through the tenant's index
and no further than the limit. A count kept beside the rows would be one row that all writers
of a tenant wait for, and would drift with every deletion that forgets it. In return, writers
at the same moment do not see each other's rows: each may go over the limit by its batch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

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
    -- Somebody whose LID is known is that person, whatever the entry calls them; of two
    -- entries of one person the one with the LID counts.
    SELECT DISTINCT ON (session_id, jid) *
    FROM (
        SELECT coalesce(entry.tenant_id, %(tenant_id)s) AS tenant_id,
               coalesce(entry.session_id, %(session_id)s) AS session_id,
               entry.public_id, coalesce(known.jid, entry.jid) AS jid, entry.phone,
               entry.name, entry.push_name, entry.raw, known.jid IS NULL AS is_direct
        FROM jsonb_to_recordset(coalesce(
            (SELECT entries FROM contacts_contactpage WHERE id = %(page_id)s), %(rows)s::jsonb
        )) AS entry (
            tenant_id bigint, session_id bigint, public_id text, jid text, phone text,
            name text, push_name text, raw jsonb
        )
        LEFT JOIN contacts_contactidentity known
            ON known.session_id = coalesce(entry.session_id, %(session_id)s)
            AND known.kind = 'PHONE' AND known.value = entry.phone
            AND entry.jid = entry.phone || '@s.whatsapp.net'
    ) named
    ORDER BY session_id, jid, is_direct DESC
), changed AS (
SELECT incoming.tenant_id, incoming.session_id, incoming.public_id, incoming.jid,
       incoming.phone,
       CASE WHEN %(synced_at)s::timestamptz IS NULL THEN '' ELSE incoming.name END AS name,
       incoming.push_name, incoming.raw, %(synced_at)s::timestamptz AS last_synced_at,
       old.id IS NULL AS is_new
FROM incoming
LEFT JOIN contacts_contact old
    ON old.session_id = incoming.session_id AND old.jid = incoming.jid
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
), room AS (
    SELECT plan.tenant_id, plan.size - taken.contacts AS places
    FROM unnest(%(limited)s::bigint[], %(sizes)s::bigint[]) AS plan (tenant_id, size)
    CROSS JOIN LATERAL (
        SELECT count(*) AS contacts FROM (
            SELECT FROM contacts_contact WHERE tenant_id = plan.tenant_id LIMIT plan.size
        ) bounded
    ) taken
    WHERE EXISTS (SELECT FROM changed WHERE is_new AND tenant_id = plan.tenant_id)
), placed AS (
    SELECT changed.*, is_new AND room.places < row_number() OVER (
        PARTITION BY tenant_id, is_new ORDER BY session_id, jid
    ) AS is_left_out
    FROM changed LEFT JOIN room USING (tenant_id)
), written AS (
INSERT INTO contacts_contact AS known (
    tenant_id, session_id, public_id, jid, phone, name, push_name, raw,
    last_synced_at, created_at, updated_at
)
SELECT tenant_id, session_id, public_id, jid, phone, name, push_name, raw, last_synced_at,
       %(now)s::timestamptz, %(now)s::timestamptz
FROM placed
WHERE is_left_out IS NOT TRUE
ORDER BY session_id, jid
ON CONFLICT (session_id, jid) DO UPDATE SET
    phone = coalesce(nullif(excluded.phone, ''), known.phone),
    push_name = coalesce(nullif(excluded.push_name, ''), known.push_name),
    name = CASE WHEN %(synced_at)s::timestamptz IS NULL AND known.name <> ''
                THEN known.name ELSE excluded.name END,
    raw = CASE WHEN %(synced_at)s::timestamptz IS NULL THEN known.raw ELSE excluded.raw END,
    last_synced_at = coalesce(excluded.last_synced_at, known.last_synced_at),
    updated_at = excluded.updated_at
)
SELECT count(*) FROM placed WHERE is_left_out
"""


@dataclass(frozen=True, slots=True)
class PageOf:
    """A page in the database, and whose contacts it holds."""

    page_id: int
    session_id: int
    tenant_id: int


def merge_page(page: PageOf, *, limit: int | None, now: datetime) -> int:
    """Write a fetched page, the address book's word on names; return how many it left out.

    :param limit: how many contacts the tenant may have; None is unlimited. Contacts that are
        here already are kept fresh in any case.
    """
    parameters = {
        "page_id": page.page_id,
        "session_id": page.session_id,
        "tenant_id": page.tenant_id,
        "rows": None,
        "synced_at": now,
    }
    return _merge(parameters, {page.tenant_id: limit}, now=now)


def merge_sightings(
    rows: list[dict[str, Any]], *, limits: Mapping[int, int | None], now: datetime
) -> int:
    """Write people who wrote to us; return how many were left out.

    :param rows: each names its session and tenant.
    :param limits: contacts by tenant, as in `merge_page`.
    """
    parameters = {
        "page_id": None,
        "session_id": None,
        "tenant_id": None,
        "rows": storable.dump(rows),
        "synced_at": None,
    }
    return _merge(parameters, limits, now=now)


def _merge(
    parameters: dict[str, Any], limits: Mapping[int, int | None], *, now: datetime
) -> int:
    limited = {tenant_id: size for tenant_id, size in limits.items() if size is not None}
    plan = {"limited": list(limited), "sizes": list(limited.values())}
    clock = {"now": now, "stale": now - STAMP_AGE}
    with connection.cursor() as cursor:
        cursor.execute(_MERGE, {**parameters, **plan, **clock})
        left_out: int = cursor.fetchone()[0]
    return left_out
