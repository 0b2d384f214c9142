"""Housekeeping of the outbox."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from orsta.core.outbox.models import OutboxEvent

KEEP = timedelta(days=3)  # how far back a client can resume
_CHUNK = 5_000


@shared_task(ignore_result=True)
def prune_outbox(**_: object) -> None:
    """Delete events that were dispatched more than `KEEP` ago, in chunks."""
    old = OutboxEvent.objects.filter(dispatched_at__lt=timezone.now() - KEEP).order_by("pk")
    while True:
        chunk = list(old.values_list("pk", flat=True)[:_CHUNK])
        if not chunk:
            return
        OutboxEvent.objects.filter(pk__in=chunk).delete()
