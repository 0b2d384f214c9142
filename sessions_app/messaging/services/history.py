"""Keep no more messages than a session was told to, and none longer than the plan says."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from accounts.models import Tenant
from sessions_app.models import Session
from sessions_app.states import DesiredState
from subscriptions import selectors as subscriptions
from subscriptions.entitlements import Entitlements
from subscriptions.models import Feature

_BATCH = 5_000
_TENANTS = 500  # whose old messages go in one statement
# A plan without history keeps this much: receipts must find what was sent.
_LEAST = timedelta(days=1)
# After the end of a plan nothing ages out for so long; whoever renews finds it all.
_AFTER_THE_PLAN = timedelta(days=30)

# What is still on its way is kept whatever its place: its outcome must find it.
_PRUNE = """
WITH placed AS (
    SELECT id, status, row_number() OVER (PARTITION BY chat ORDER BY id DESC) AS place
    FROM messaging_message WHERE session_id = %(session_id)s
), doomed AS (
    SELECT id FROM placed
    WHERE place > %(limit)s AND status NOT IN ('QUEUED', 'UNKNOWN')
    ORDER BY id LIMIT %(batch)s
)
DELETE FROM messaging_message message USING doomed WHERE message.id = doomed.id
"""

# A receipt may move a message on while its command still waits to be tried again: the
# command decides what is finished. The index "message_of_tenant", tenant by tenant.
_PRUNE_OLD = """
WITH doomed AS (
    SELECT old.id
    FROM unnest(%(tenants)s::bigint[], %(cutoffs)s::timestamptz[]) AS owner (tenant_id, cutoff)
    CROSS JOIN LATERAL (
        SELECT id FROM messaging_message message
        WHERE tenant_id = owner.tenant_id AND created_at < owner.cutoff
          AND status <> 'QUEUED'
          AND (direction = 'INBOUND' OR NOT EXISTS (
              SELECT FROM sessions_app_command command
              WHERE command.session_id = message.session_id AND command.state = 'QUEUED'
                AND command.kind = 'SEND'
                AND command.payload ->> 'message_id' = message.public_id
          ))
        ORDER BY created_at LIMIT %(batch)s
    ) old
    LIMIT %(batch)s
)
DELETE FROM messaging_message message USING doomed WHERE message.id = doomed.id
"""


def limited_sessions() -> Iterator[tuple[int, int]]:
    """Yield (id, messages per chat) of the sessions that keep a limited history."""
    limited = Session.objects.filter(history_limit__gt=0).exclude(desired=DesiredState.DELETED)
    yield from limited.order_by("pk").values_list("pk", "history_limit").iterator()


def prune(*, session_id: int, limit: int) -> int:
    """Delete all but the newest `limit` messages of each chat; return how many went.

    In batches, each a transaction of its own. Counters and quotas stay as they are.
    """
    return _delete(_PRUNE, {"session_id": session_id, "limit": limit})


def prune_old(*, now: datetime) -> int:
    """Delete what tenants' plans keep no longer; return how many messages went.

    Batches of messages and of tenants, each a transaction of its own. What waits to be sent
    stays, however old. Counters and quotas stay as they are.
    """
    total = 0
    for tenant_ids in _tenants():
        since = cutoffs(tenant_ids, now=now)
        if since:
            total += _delete(
                _PRUNE_OLD, {"tenants": list(since), "cutoffs": list(since.values())}
            )
    return total


def cutoffs(tenant_ids: Iterable[int], *, now: datetime) -> dict[int, datetime]:
    """Return since when these tenants' messages are kept; who keeps all is missing."""
    owners = subscriptions.entitlements_of(tenant_ids=tenant_ids, now=now)
    return {pk: cutoff for pk, owner in owners.items() if (cutoff := _cutoff(owner, now))}


def _cutoff(owner: Entitlements, now: datetime) -> datetime | None:
    """Return since when messages are kept; None: all of them."""
    if owner.stops_at is None:
        return None  # there never was a plan
    if not owner.active and now < owner.stops_at + _AFTER_THE_PLAN:
        return None
    days = owner.limits.get(Feature.HISTORY_DAYS, 0)
    return None if days is None else now - max(timedelta(days=days), _LEAST)


def _tenants() -> Iterator[list[int]]:
    last = 0
    while ids := list(
        Tenant.objects.filter(pk__gt=last)
        .order_by("pk")
        .values_list("pk", flat=True)[:_TENANTS]
    ):
        yield ids
        last = ids[-1]


def _delete(statement: str, values: Mapping[str, Any]) -> int:
    total = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(statement, {**values, "batch": _BATCH})
            gone: int = cursor.rowcount
        total += gone
        if gone < _BATCH:
            return total
