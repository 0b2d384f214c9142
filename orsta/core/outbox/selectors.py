"""What the outbox looks like from outside: lag, depth, and a client's missed events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min

from orsta.core.outbox.models import OutboxEvent, TenantStream


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, and since when."""

    pending: int
    parked: int
    lag: timedelta  # age of the oldest pending event


def backlog(*, now: datetime) -> Backlog:
    """Return what waits; both counts come from partial indexes."""
    oldest = OutboxEvent.objects.pending().aggregate(
        pending=Count("pk"), since=Min("occurred_at")
    )
    parked = OutboxEvent.objects.filter(parked_at__isnull=False).count()
    lag = now - oldest["since"] if oldest["since"] else timedelta(0)
    return Backlog(oldest["pending"], parked, lag)


def overdue(*, now: datetime) -> timedelta:
    """Return how long the oldest event waits that a relay could hand over.

    One that failed waits for its next attempt, and its shard with it: that is a subscriber's
    trouble, which ends in the parking, and says nothing of the relays.
    """
    events = OutboxEvent.objects.pending()
    free = events.exclude(shard__in=events.put_off(now=now).values("shard"))
    since = free.aggregate(since=Min("due_at"))["since"]
    return max(timedelta(0), now - since) if since else timedelta(0)


def last_seq(*, tenant_id: int) -> int:
    """Return the tenant's newest sequence number, 0 before its first event."""
    found = TenantStream.objects.filter(pk=tenant_id).values_list("last_seq", flat=True).first()
    return found or 0


def events_after(*, tenant_id: int, seq: int, limit: int) -> list[OutboxEvent]:
    """Return the tenant's numbered events after `seq`, oldest first.

    A number is given just before the dispatch: one that runs now may come a second time.
    """
    events = OutboxEvent.objects.filter(tenant_id=tenant_id, seq__gt=seq)
    return list(events.order_by("seq")[:limit])
