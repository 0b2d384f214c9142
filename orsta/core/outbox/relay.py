"""Hand pending events to their handlers: at least once, in order within a shard.

One relay at a time owns a lane, by a session-level advisory lock that PostgreSQL drops with
the connection of a relay that dies. Within a lane a batch goes through two transactions:
the events get their sequence numbers and these commit; the handlers run outside any
transaction; what was dispatched is marked. A kill in between repeats the batch with the
same event ids and sequence numbers.
"""

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction

from orsta.core.outbox.models import OutboxEvent, TenantStream
from orsta.core.outbox.registry import TransportDown, batch_handlers, handlers_of

logger = logging.getLogger(__name__)

BATCH = 500
MAX_ATTEMPTS = 12  # the last wait is 34 minutes, all of them together an hour and 8 minutes
# Django's bulk_update builds a CASE of all rows: at a full batch that costs ten times as much.
_NUMBER = """
UPDATE outbox_outboxevent event SET seq = given.seq
FROM unnest(%s::bigint[], %s::bigint[]) AS given (id, seq) WHERE event.id = given.id
"""
_LOCK_SPACE = 0x6F72  # "or": the first key of our advisory locks


def drain(*, now: datetime, limit: int = BATCH) -> int:
    """Dispatch up to `limit` due events per lane, oldest first; return how many succeeded.

    A row left undispatched is the retry: nothing else remembers a failure. An event waits
    behind any earlier undispatched event of its shard, due or not; a parked one lets go.

    :raises TransportDown: the broker is away; nothing was lost, call again later.
    """
    return sum(_drain_lane(lane, now=now, limit=limit) for lane in _lanes_with_work())


def _lanes_with_work() -> list[int]:
    return sorted(OutboxEvent.objects.pending().values_list("lane", flat=True).distinct())


def _drain_lane(lane: int, *, now: datetime, limit: int) -> int:
    with _owned(lane) as owned:
        if not owned:
            return 0
        batch = _number(_due(lane, now=now, limit=limit))
        done: list[OutboxEvent] = []
        try:
            _dispatch(batch, done, now=now)
        finally:
            OutboxEvent.objects.filter(pk__in=[event.pk for event in done]).update(
                dispatched_at=now
            )
        return len(done)


@contextmanager
def _owned(lane: int) -> Iterator[bool]:
    """Hold the lane's lock for the block; yields False when another relay has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_LOCK_SPACE, lane])
        owned = bool(cursor.fetchone()[0])
    try:
        yield owned
    finally:
        if owned:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_LOCK_SPACE, lane])


def _due(lane: int, *, now: datetime, limit: int) -> list[OutboxEvent]:
    """Return the lane's next events, without those that must wait behind a failed one."""
    events = OutboxEvent.objects.filter(lane=lane)
    # Only what failed waits: a fresh event is due, even when it is younger than `now`.
    waiting = set(events.put_off(now=now).values_list("shard", flat=True))
    return list(events.pending().exclude(shard__in=waiting).order_by("pk")[:limit])


@transaction.atomic
def _number(batch: list[OutboxEvent]) -> list[OutboxEvent]:
    """Give events their place in their tenant's sequence; the lane's lock keeps it gapless."""
    fresh: defaultdict[int, list[OutboxEvent]] = defaultdict(list)
    for event in batch:
        if event.seq is None and event.tenant_id is not None:
            fresh[event.tenant_id].append(event)
    if not fresh:
        return batch
    last = dict(TenantStream.objects.filter(pk__in=fresh).values_list("tenant_id", "last_seq"))
    for tenant_id, events in fresh.items():
        start = last.get(tenant_id, 0) + 1
        for seq, event in enumerate(events, start=start):
            event.seq = seq
    numbered = [(event.pk, event.seq) for events in fresh.values() for event in events]
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER, [list(column) for column in zip(*numbered, strict=True)])
    TenantStream.objects.bulk_create(
        [
            TenantStream(tenant_id=tenant_id, last_seq=events[-1].seq or 0)
            for tenant_id, events in fresh.items()
        ],
        update_conflicts=True,
        unique_fields=["tenant_id"],
        update_fields=["last_seq"],
    )
    return batch


def _dispatch(batch: Sequence[OutboxEvent], done: list[OutboxEvent], *, now: datetime) -> None:
    """Run the handlers; append to `done` what every one of them took."""
    blocked: set[str] = set()
    taken: list[OutboxEvent] = []
    try:
        for event in batch:
            if event.shard in blocked:
                continue
            if _handle(event, now=now):
                taken.append(event)
            else:
                blocked.add(event.shard)
    finally:
        done.extend(_hand_over(taken, now=now))


def _hand_over(taken: list[OutboxEvent], *, now: datetime) -> list[OutboxEvent]:
    """Run the batch handlers; on a failure find the event to blame by going one by one."""
    try:
        for handler in batch_handlers() if taken else ():
            handler(taken)
    except TransportDown:
        raise
    except Exception as error:
        if len(taken) > 1:
            return _hand_over_singly(taken, now=now)
        logger.exception("Outbox batch handler failed", extra={"event_id": taken[0].event_id})
        _put_off(taken[0], error, now=now)
        return []
    return taken


def _hand_over_singly(taken: list[OutboxEvent], *, now: datetime) -> list[OutboxEvent]:
    """Find the event that a batch handler fails on; what follows in its shard waits."""
    passed: list[OutboxEvent] = []
    blocked: set[str] = set()
    for event in taken:
        if event.shard in blocked:
            continue
        if _hand_over([event], now=now):
            passed.append(event)
        else:
            blocked.add(event.shard)
    return passed


def _handle(event: OutboxEvent, *, now: datetime) -> bool:
    try:
        for handler in handlers_of(event.name):
            handler(event)
    except TransportDown:
        raise
    except Exception as error:
        logger.exception("Outbox handler failed", extra={"event_id": event.event_id})
        _put_off(event, error, now=now)
        return False
    return True


def _put_off(event: OutboxEvent, error: Exception, *, now: datetime) -> None:
    event.attempts += 1
    event.due_at = now + timedelta(seconds=2**event.attempts)
    event.last_error = f"{type(error).__name__}: {error}"[:300]
    if event.attempts >= MAX_ATTEMPTS:
        event.parked_at = now
    event.save(update_fields=["attempts", "due_at", "last_error", "parked_at"])
