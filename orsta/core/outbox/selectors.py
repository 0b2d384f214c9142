"""What the outbox looks like from outside: lag, depth, and a client's missed events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Q

from orsta.core.outbox.models import OutboxEvent, TenantStream


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much waits, and since when."""

    pending: int
    parked: int
    lag: timedelta  # age of the oldest pending event


def backlog(*, now: datetime) -> Backlog:
    """Return what waits; both counts come from partial indexes."""
    waiting = Q(dispatched_at=None, parked_at=None)
    oldest = OutboxEvent.objects.filter(waiting).aggregate(
        pending=Count("pk"), since=Min("occurred_at")
    )
    parked = OutboxEvent.objects.filter(parked_at__isnull=False).count()
    lag = now - oldest["since"] if oldest["since"] else timedelta(0)
    return Backlog(oldest["pending"], parked, lag)


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
