"""Time passing, as Celery beat announces it."""

from celery import shared_task
from django.utils import timezone

from subscriptions.services import lifecycle


@shared_task(ignore_result=True)
def expire_subscriptions(**_: object) -> None:
    """End every period whose time is over, a batch per transaction."""
    while lifecycle.expire_due(now=timezone.now()):
        continue
