"""The outbox tables."""

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone

from orsta.core.models import PublicIdField


class OutboxEventQuerySet(models.QuerySet["OutboxEvent"]):
    """What still has to go out, and what of it waits although a relay is there."""

    def pending(self) -> Self:
        """Return those that were neither dispatched nor given up."""
        return self.filter(dispatched_at=None, parked_at=None)

    def put_off(self, *, now: datetime) -> Self:
        """Return those that failed and are not due yet; their shards wait for them."""
        return self.pending().filter(attempts__gt=0, due_at__gt=now)


class OutboxEvent(models.Model):
    """One domain event, waiting for dispatch or kept after it.

    `tenant_id` is a plain column, not a foreign key: the outbox sits below every app, and
    events outlive the rows they speak of. `seq` is given by the relay: 1, 2, 3 … per tenant,
    without gaps, in the order of dispatch; clients resume from it.
    """

    event_id = PublicIdField("evt")
    name = models.CharField(max_length=80, help_text="Past tense, dotted: message.received")
    tenant_id = models.BigIntegerField(null=True, blank=True)
    shard = models.CharField(max_length=80, help_text="Events of one shard keep their order")
    lane = models.PositiveSmallIntegerField(editable=False)
    payload = models.JSONField()
    occurred_at = models.DateTimeField(default=timezone.now)
    seq = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)
    last_error = models.CharField(max_length=300, blank=True)
    dispatched_at = models.DateTimeField(null=True, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)

    objects = OutboxEventQuerySet.as_manager()

    class Meta:
        indexes = [
            # relay: what still has to go out, lane by lane in order.
            models.Index(
                fields=["lane", "id"],
                condition=models.Q(dispatched_at=None, parked_at=None),
                name="outbox_pending",
            ),
            # The admin's list of what needs a person.
            models.Index(
                fields=["parked_at"],
                condition=models.Q(parked_at__isnull=False),
                name="outbox_parked",
            ),
            # A client that resumes: the tenant's events after a sequence number.
            models.Index(
                fields=["tenant_id", "seq"],
                condition=models.Q(seq__isnull=False),
                name="outbox_resume",
            ),
            # tasks.prune_outbox.
            models.Index(fields=["dispatched_at"], name="outbox_dispatched"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.event_id}"


class TenantStream(models.Model):
    """How far a tenant's sequence has come; outlives the events that were pruned."""

    tenant_id = models.BigIntegerField(primary_key=True)
    last_seq = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"tenant {self.tenant_id} at {self.last_seq}"
