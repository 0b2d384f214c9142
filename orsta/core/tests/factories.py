"""Builders of outbox rows."""

from django.db import transaction

from orsta.core.outbox.models import OutboxEvent
from orsta.core.outbox.services import NewEvent, emit_many


def emit_steps(count: int, *, shards: int = 1, tenants: int = 1) -> None:
    """Emit `test.step` with n = 0, 1, 2 …, in turn over tenants and their shards."""
    with transaction.atomic():
        emit_many(
            NewEvent(
                "test.step",
                n % tenants + 1,
                f"t{n % tenants}:s{n // tenants % shards}",
                {"n": n},
            )
            for n in range(count)
        )


def sequence_of(tenant_id: int) -> list[int | None]:
    """Return the tenant's sequence numbers, in their own order."""
    events = OutboxEvent.objects.filter(tenant_id=tenant_id).order_by("seq")
    return list(events.values_list("seq", flat=True))
