"""Write events, and put parked ones back."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orsta.core import doorbell, errors
from orsta.core.outbox.models import OutboxEvent

BELL = "outbox"
LANES = 16  # relays share the work lane by lane; a tenant's events stay in one lane


class NotParked(errors.Conflict):
    """Only an event that was given up can be replayed."""

    code = "event_not_parked"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """What happened, before it has a row.

    :param shard: events of one shard are dispatched in order, e.g. "session:ses_01…".
    """

    name: str
    tenant_id: int | None
    shard: str
    payload: dict[str, Any] = field(default_factory=dict)


def emit(name: str, /, *, tenant_id: int | None, shard: str, **payload: Any) -> None:
    """Record that something happened, in the caller's transaction.

    The payload is what clients see: public ids and small values, never secrets.

    :raises RuntimeError: outside a transaction; the event must commit with its cause.
    """
    emit_many([NewEvent(name, tenant_id, shard, payload)])


def emit_many(events: Iterable[NewEvent]) -> None:
    """Record several happenings in one statement, in order; see `emit`."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("emit() needs the transaction of the change it reports")
    now = timezone.now()
    rows = [
        OutboxEvent(
            name=event.name,
            tenant_id=event.tenant_id,
            shard=event.shard,
            lane=lane_of(event),
            payload=event.payload,
            occurred_at=now,
            due_at=now,
        )
        for event in events
    ]
    if rows:
        OutboxEvent.objects.bulk_create(rows)
        doorbell.ring_on_commit(BELL)


def lane_of(event: NewEvent) -> int:
    """Return the lane: by tenant, so that one relay at a time numbers a tenant's events."""
    key = event.shard if event.tenant_id is None else str(event.tenant_id)
    return zlib.crc32(key.encode()) % LANES


@transaction.atomic
def replay(*, event: OutboxEvent, now: datetime) -> None:
    """Give a parked event a fresh set of attempts.

    :raises NotParked: it was not parked, or somebody replayed it already.
    """
    parked = OutboxEvent.objects.filter(pk=event.pk, parked_at__isnull=False)
    if parked.update(parked_at=None, attempts=0, due_at=now, last_error="") != 1:
        raise NotParked("This event is not parked.")
    doorbell.ring_on_commit(BELL)
