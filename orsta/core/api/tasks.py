"""Housekeeping of the API foundation."""

from celery import shared_task
from django.utils import timezone

from orsta.core.api import idempotency
from orsta.core.api.models import IdempotencyRecord


@shared_task(ignore_result=True)
def prune_idempotency(**_: object) -> None:
    """Forget answers that are older than a key has to be remembered."""
    IdempotencyRecord.objects.filter(created_at__lt=timezone.now() - idempotency.KEEP).delete()
