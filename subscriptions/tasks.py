"""Time passing, as Celery beat announces it."""

from celery import shared_task
from django.utils import timezone

from subscriptions.services import lifecycle, usage


@shared_task(ignore_result=True)
def advance_subscriptions(**_: object) -> None:
    """End, put into grace and roll over what is due, a batch per transaction."""
    while lifecycle.advance(now=timezone.now()):
        continue


@shared_task(ignore_result=True)
def note_gauges(**_: object) -> None:
    """Write today's level of what did not change today, for the charts."""
    usage.note_gauges(now=timezone.now())
